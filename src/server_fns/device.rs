//! Answering a device: typing its code, deciding, and taking the decision back.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::host_accounts::HostAccountItem;
use crate::domain::client::RequestRefused;
use crate::domain::sentence::Sentence;
use crate::domain::time::Timestamp;

/// A request that waits for the person's decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingRequest {
    pub grant: String,
    /// As the device shows it.
    pub code: String,
    pub client: ClientItem,
    pub requested_at: Timestamp,
    pub from: Option<String>,
    /// How that address stands to the one this browser has.
    pub nearness: Nearness,
    /// What the program calls itself.
    pub agent: String,
    pub expires_in_seconds: u64,
    /// What is asked for and may be had now, as a `scope` parameter.
    pub scope: String,
    pub may_read_hosts: bool,
    pub may_read_keys: bool,
    pub may_create_keys: bool,
    pub may_revoke_keys: bool,
    pub host_accounts: Vec<HostAccountItem>,
    pub lifetimes: Vec<LifetimeItem>,
    /// The tenant demands the "I started this" tick.
    pub tick_required: bool,
}

/// How the address of a request stands to the browser's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Nearness {
    SameAddress,
    /// Of one IPv6 /64.
    SameNetwork,
    Elsewhere,
    /// One of them is not known.
    Unknown,
}

/// Who asks, as people read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientItem {
    pub name: String,
    pub standing: Standing,
}

/// How far an application's name can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// It has proved who it is, and the tenant's operators vouch for it.
    Verified,
    /// It has proved who it is; nobody vouches for it.
    NotVerified,
    /// It has no secret to prove anything with (RFC 8628 §5.6).
    AnyProgram,
}

/// How long the access may last, and until when that would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifetimeItem {
    pub seconds: u64,
    pub words: String,
    pub until: Timestamp,
}

/// A request after its decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecidedRequest {
    pub grant: String,
    pub client: ClientItem,
    pub outcome: Outcome,
    pub may_create_keys: bool,
    pub host_accounts: Vec<HostAccountItem>,
    /// How it stands, in words.
    pub status: Sentence,
    /// When the access ends, if there is one.
    pub until: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Allowed; the device has not come for its token yet.
    Waiting,
    /// The device has its token.
    PickedUp {
        at: Timestamp,
        from: Option<String>,
    },
    Denied,
    Withdrawn,
    Expired,
    /// The operators decided meanwhile that the application gets nothing of it.
    Refused(RequestRefused),
}

/// Takes a typed code, before or after sign-in.
#[server(prefix = "/api", endpoint = "device/enter")]
pub async fn enter_code(#[server(default)] user_code: String) -> Result<(), ServerFnError> {
    use crate::server::context;
    use crate::server::context::user_codes::Presenting;
    let (services, caller) = (context::services()?, context::caller()?);
    let visit = caller.begin_visit(&services).await.map_err(context::fault)?;
    let who = caller.signed_in.as_ref().map_or(Presenting::Visitor(&visit), Presenting::Person);
    let presented = services.present_user_code(who, &user_code).await;
    context::go_to(&caller.take_up(&services, presented, &user_code, context::words()).await.map_err(context::fault)?);
    Ok(())
}

/// The request, if it waits for this person.
#[server(prefix = "/api", endpoint = "device/waiting")]
pub async fn waiting_device(grant: String) -> Result<Option<WaitingRequest>, ServerFnError> {
    use crate::domain::ids::DeviceGrantId;
    use crate::server::context;
    let (services, caller, person) = (context::services()?, context::caller()?, context::signed_in()?);
    let Ok(grant) = DeviceGrantId::parse(grant) else { return Ok(None) };
    let found = services.waiting_device(&person, &grant).await.map_err(context::fault)?;
    Ok(found.map(|found| WaitingRequest::new(found, caller.from, services.now())))
}

/// All that wait for this person, the newest first; none for a visitor.
#[server(prefix = "/api", endpoint = "device/all-waiting")]
pub async fn waiting_devices() -> Result<Vec<WaitingRequest>, ServerFnError> {
    use crate::server::context;
    let (services, caller) = (context::services()?, context::caller()?);
    let Some(person) = &caller.signed_in else { return Ok(Vec::new()) };
    let found = services.waiting_devices(person).await.map_err(context::fault)?;
    Ok(found.into_iter().map(|found| WaitingRequest::new(found, caller.from, services.now())).collect())
}

/// Allow or deny. A second press finds the first one's result. What cannot be decided is said on the request's own page.
#[server(prefix = "/api", endpoint = "device/decide")]
pub async fn decide_device(
    grant: String,
    decision: String,
    #[server(default)] lifetime: String,
    #[server(default)] host_accounts: Vec<String>,
    #[server(default)] started_this: String,
    #[server(default)] shown: Option<String>,
) -> Result<(), ServerFnError> {
    use crate::domain::device_grant::DecisionRefused::{AlreadyDecided, Expired, NotAllowed, NotConfirmed, NotYours};
    use crate::domain::ids::DeviceGrantId;
    use crate::domain::paths::{self, DEVICE, Onward};
    use crate::server::context::{self, Error, Notice, Place};
    let (services, caller, person) = (context::services()?, context::caller()?, context::signed_in()?);
    context::see_other(DEVICE);
    let Ok(grant) = DeviceGrantId::parse(grant) else { return Ok(()) };
    let here = paths::device(&grant);
    context::go_to(&here);
    let decided = match decision.as_str() {
        "allow" => {
            // Not before denying: that takes nothing but the wish.
            let Some(may_allow) = context::may_allow(&Onward::wanted(&here))? else { return Ok(()) };
            match consent(&lifetime, &host_accounts, &started_this, shown.as_deref()) {
                Ok(consent) => services.approve_device(&may_allow, &grant, consent).await,
                Err(refused) => Err(Error::Refused(refused)),
            }
        }
        "deny" => services.deny_device(&person, &grant).await,
        _ => return Ok(()),
    };
    match decided {
        Ok(()) | Err(Error::Refused(AlreadyDecided | Expired | NotAllowed(_))) => {
            context::go_to(&paths::device_result(&grant));
            Ok(())
        }
        Err(Error::Refused(NotYours)) => Ok(()),
        Err(Error::Refused(refused)) => {
            let place = if refused == NotConfirmed { Place::Tick } else { Place::Consent };
            let notice = Notice::new(place, context::words().decision_refused(refused));
            caller.session.set_notice(&notice.only_at(&here)).await.map_err(context::fault)
        }
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// What the person decided, as it stands now.
#[server(prefix = "/api", endpoint = "device/decided")]
pub async fn decided_device(grant: String) -> Result<Option<DecidedRequest>, ServerFnError> {
    use crate::domain::ids::DeviceGrantId;
    use crate::server::context;
    let (services, person) = (context::services()?, context::signed_in()?);
    let Ok(grant) = DeviceGrantId::parse(grant) else { return Ok(None) };
    let found = services.decided_device(&person, &grant).await.map_err(context::fault)?;
    Ok(found.map(|found| DecidedRequest::new(found, services.now())))
}

/// Whether a device has come for its token, for a page that waits for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pickup {
    pub waiting: bool,
    /// In words.
    pub status: Sentence,
}

#[server(prefix = "/api", endpoint = "device/pickup")]
pub async fn device_pickup(grant: String) -> Result<Option<Pickup>, ServerFnError> {
    let decided = decided_device(grant).await?;
    Ok(decided.map(|decided| Pickup { waiting: matches!(decided.outcome, Outcome::Waiting), status: decided.status }))
}

/// A device or program that may act for the person at the moment, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceItem {
    pub grant: String,
    pub client: ClientItem,
    pub allowed_at: Timestamp,
    pub until: Timestamp,
    /// Where it fetched its token; `None` before it came.
    pub from: Option<String>,
}

/// All that may act for the person at the moment, the newest first.
#[server(prefix = "/api", endpoint = "device/list")]
pub async fn list_devices() -> Result<Vec<DeviceItem>, ServerFnError> {
    use crate::server::context;
    let devices = context::services()?.list_devices(&context::signed_in()?).await.map_err(context::fault)?;
    Ok(devices.into_iter().filter_map(|(grant, client)| DeviceItem::new(grant, &client)).collect())
}

/// Takes back what was allowed, from the list.
#[server(prefix = "/api", endpoint = "device/end")]
pub async fn end_device(grant: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::DeviceGrantId;
    use crate::server::context::{self, Error};
    let (services, person) = (context::services()?, context::signed_in()?);
    context::see_other(crate::domain::paths::SESSIONS);
    let Ok(grant) = DeviceGrantId::parse(grant) else { return Ok(()) };
    match services.withdraw_device(&person, &grant).await {
        Ok(()) => context::say(context::words().sessions_taken_back()).await,
        Err(Error::Refused(_)) => context::say_refused(context::words().change_refused_gone()).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Takes back what was allowed.
#[server(prefix = "/api", endpoint = "device/withdraw")]
pub async fn withdraw_device(grant: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::DeviceGrantId;
    use crate::domain::paths;
    use crate::server::context::{self, Error, Notice, Place};
    let (services, caller, person) = (context::services()?, context::caller()?, context::signed_in()?);
    context::see_other(paths::DEVICE_RESULT);
    let Ok(grant) = DeviceGrantId::parse(grant) else { return Ok(()) };
    let here = paths::device_result(&grant);
    context::go_to(&here);
    match services.withdraw_device(&person, &grant).await {
        Ok(()) => Ok(()),
        Err(Error::Refused(_)) => {
            let notice = Notice::new(Place::Result, context::words().change_refused_gone()).only_at(&here);
            caller.session.set_notice(&notice).await.map_err(context::fault)
        }
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// "I did not start this", with the code in hand.
#[server(prefix = "/api", endpoint = "device/report")]
pub async fn report_code(#[server(default)] user_code: String) -> Result<(), ServerFnError> {
    use crate::server::context::user_codes::Presenting;
    use crate::server::context::{self, Error, Notice, Place};
    let (services, caller) = (context::services()?, context::caller()?);
    let visit = caller.begin_visit(&services).await.map_err(context::fault)?;
    let who = caller.signed_in.as_ref().map_or(Presenting::Visitor(&visit), Presenting::Person);
    let notice = match services.report_user_code(who, &user_code).await {
        Ok(()) => Notice::new(Place::Reported, ""),
        Err(Error::Refused(refused)) => context::code_notice(Place::Report, &refused, &user_code, context::words()),
        Err(Error::Internal(fault)) => return Err(context::fault(fault)),
    };
    caller.session.set_notice(&notice).await.map_err(context::fault)?;
    context::see_other(crate::domain::paths::DEVICE_REPORT);
    Ok(())
}

/// Lets go of a request, to type another code; of all that wait here where none is named. The code can be entered again, anywhere.
#[server(prefix = "/api", endpoint = "device/another")]
pub async fn enter_another_code(#[server(default)] grant: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::DeviceGrantId;
    use crate::server::context;
    let (services, person) = (context::services()?, context::signed_in()?);
    context::see_other(crate::domain::paths::DEVICE);
    services.put_down_device(&person, DeviceGrantId::parse(grant).ok().as_ref()).await.map_err(context::fault)
}

/// Signs out and on to the tenant that a code belongs to, keeping the code: to go on with another account. The code is that of a request
/// of this person's, or one that this session has typed, so that each has been counted as a try.
#[server(prefix = "/api", endpoint = "device/switch-tenant")]
pub async fn switch_tenant(tenant: String, #[server(default)] grant: String, #[server(default)] entry: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::{CodeEntryId, DeviceGrantId, TenantId};
    use crate::domain::paths::{self, Onward};
    use crate::server::context::{self, TypedCode};
    let (caller, services, person) = (context::caller()?, context::services()?, context::signed_in()?);
    context::see_other(paths::SIGN_IN);
    let Ok(tenant) = TenantId::parse(tenant) else { return Ok(()) };
    let typed = match DeviceGrantId::parse(grant) {
        Ok(grant) => {
            let waiting = services.waiting_device(&person, &grant).await.map_err(context::fault)?;
            let entry = services.new_code_entry().map_err(context::fault)?;
            waiting.map(|waiting| TypedCode { entry, code: waiting.code })
        }
        Err(_) => caller.session.typed_code(CodeEntryId::parse(entry).ok().as_ref()).await.map_err(context::fault)?,
    };
    if let Some(typed) = &typed {
        context::go_to(&paths::sign_in(None, &Onward::wanted(&paths::device_entry(&typed.entry))));
    }
    services.record_sign_out(&person).await.map_err(context::fault)?;
    caller.session.switch_to(&tenant, typed.as_ref()).await.map_err(context::fault)
}

#[cfg(feature = "ssr")]
fn consent(
    lifetime: &str,
    host_accounts: &[String],
    started_this: &str,
    shown: Option<&str>,
) -> Result<crate::domain::device_grant::Consent, crate::domain::device_grant::DecisionRefused> {
    use crate::domain::device_grant::{Consent, DecisionRefused};
    use crate::domain::ids::HostAccountId;
    let seconds = lifetime.parse().map_err(|_| DecisionRefused::LifetimeNotOffered)?;
    let host_accounts: Result<Vec<_>, _> = host_accounts.iter().map(HostAccountId::parse).collect();
    Ok(Consent {
        lifetime: std::time::Duration::from_secs(seconds),
        host_accounts: host_accounts.map_err(|_| DecisionRefused::HostAccountNotYours)?,
        started_this: started_this == "yes",
        shown: shown.map(crate::domain::scope::ScopeSet::parse_known),
    })
}

#[cfg(feature = "ssr")]
mod items {
    use std::net::IpAddr;

    use super::{ClientItem, DecidedRequest, DeviceItem, HostAccountItem, LifetimeItem, Nearness, Outcome, Standing, WaitingRequest};
    use crate::domain::attempts::network;
    use crate::domain::client::Client;
    use crate::domain::device_grant::{DeviceGrant, State};
    use crate::domain::scope::Scope;
    use crate::domain::tenant::offered_lifetimes;
    use crate::domain::time::Timestamp;
    use crate::server::context::consent::{Decided, Waiting};
    use crate::server::context::{ClientName, words};

    impl Standing {
        fn of(client: &ClientName) -> Self {
            match (client.public, client.verified) {
                (true, _) => Self::AnyProgram,
                (false, true) => Self::Verified,
                (false, false) => Self::NotVerified,
            }
        }
    }

    impl Nearness {
        fn of(requested: Option<IpAddr>, browser: Option<IpAddr>) -> Self {
            match requested.zip(browser) {
                None => Self::Unknown,
                Some((requested, browser)) if requested == browser => Self::SameAddress,
                Some((requested, browser)) if network(requested) == network(browser) => Self::SameNetwork,
                Some(_) => Self::Elsewhere,
            }
        }
    }

    impl From<&Client> for ClientItem {
        fn from(client: &Client) -> Self {
            let Client { app_name, app_version, verified, public, .. } = client.clone();
            Self::of(&ClientName { app_name, app_version, verified, public })
        }
    }

    impl ClientItem {
        pub(in super::super) fn of(client: &ClientName) -> Self {
            let name = if client.public { client.app_name.clone() } else { format!("{} {}", client.app_name, client.app_version) };
            Self { name, standing: Standing::of(client) }
        }
    }

    impl WaitingRequest {
        pub(super) fn new(waiting: Waiting, browser: Option<IpAddr>, now: Timestamp) -> Self {
            let Waiting { grant, code, client, host_accounts, policy } = waiting;
            let lifetime =
                |lifetime: std::time::Duration| LifetimeItem { seconds: lifetime.as_secs(), words: words().span(lifetime), until: now + lifetime };
            Self {
                code,
                client: ClientItem::from(&client),
                requested_at: grant.requested.at,
                nearness: Nearness::of(grant.requested.from, browser),
                from: grant.requested.from.map(|from| from.to_string()),
                agent: grant.requested.agent,
                expires_in_seconds: grant.expires_at.since(now).as_secs(),
                scope: grant.scope.to_string(),
                may_read_hosts: grant.scope.contains(Scope::HostsRead),
                may_read_keys: grant.scope.contains(Scope::KeysRead),
                may_create_keys: grant.scope.contains(Scope::KeysCreate),
                may_revoke_keys: grant.scope.contains(Scope::KeysRevoke),
                host_accounts: host_accounts.iter().map(|account| HostAccountItem::new(account, now)).collect(),
                lifetimes: offered_lifetimes(policy.longest_access).into_iter().map(lifetime).collect(),
                tick_required: policy.require_started_tick,
                grant: grant.id.to_string(),
            }
        }
    }

    impl DeviceItem {
        pub(super) fn new(grant: DeviceGrant, client: &Client) -> Option<Self> {
            let (approval, from) = match grant.state {
                State::Approved(approval) => (approval, None),
                State::Redeemed { approval, pickup } => (approval, pickup.from),
                _ => return None,
            };
            Some(Self {
                grant: grant.id.to_string(),
                client: ClientItem::from(client),
                allowed_at: approval.at,
                until: approval.until,
                from: from.map(|from| from.to_string()),
            })
        }
    }

    impl DecidedRequest {
        pub(super) fn new(decided: Decided, now: Timestamp) -> Self {
            let Decided { grant, refused, client, host_accounts } = decided;
            let expired = grant.is_expired(now);
            let may_create_keys = grant.allowed_scope().contains(Scope::KeysCreate);
            let (outcome, until) = match grant.state {
                State::Approved(approval) if !expired => (Outcome::Waiting, Some(approval.until)),
                State::Redeemed { approval, pickup } => {
                    (Outcome::PickedUp { at: pickup.at, from: pickup.from.map(|from| from.to_string()) }, Some(approval.until))
                }
                State::Denied { .. } => (Outcome::Denied, None),
                State::Withdrawn { .. } => (Outcome::Withdrawn, None),
                State::Approved(_) | State::Pending | State::Lapsed { .. } => (Outcome::Expired, None),
            };
            let (outcome, until) = refused.map_or((outcome, until), |refused| (Outcome::Refused(refused), None));
            Self {
                grant: grant.id.to_string(),
                client: ClientItem::from(&client),
                status: words().outcome(&outcome, &crate::server::context::zone()),
                outcome,
                may_create_keys,
                host_accounts: host_accounts.iter().map(|account| HostAccountItem::new(account, now)).collect(),
                until,
            }
        }
    }
}
