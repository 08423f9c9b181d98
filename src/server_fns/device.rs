//! The device flow for people: submitting a code, deciding, and revoking.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::consent::{ClientItem, LifetimeItem, NetworkProximity};
use super::host_accounts::HostAccountItem;
use super::resource_servers::ResourceItem;
use crate::domain::client::RequestRefused;
use crate::domain::sentence::Sentence;
use crate::domain::time::Timestamp;

/// A device grant that waits for the person's decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingDeviceGrant {
    pub grant: String,
    /// As the device shows it.
    pub code: String,
    pub client: ClientItem,
    pub requested_at: Timestamp,
    pub from: Option<String>,
    /// That address compared with this browser's.
    pub proximity: NetworkProximity,
    /// The program's user agent, as sent.
    pub agent: String,
    pub expires_in_seconds: u64,
    /// What is requested and available now, as a `scope` parameter.
    pub scope: String,
    pub may_read_hosts: bool,
    pub may_read_keys: bool,
    pub may_create_keys: bool,
    pub may_revoke_keys: bool,
    /// What it asks for at resource servers besides the TMS API.
    pub resources: Vec<ResourceItem>,
    /// Empty if it asks for nothing of the TMS API.
    pub host_accounts: Vec<HostAccountItem>,
    pub lifetimes: Vec<LifetimeItem>,
    /// The tenant requires the "I started this" checkbox.
    pub confirmation_required: bool,
}

/// A device grant after its decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecidedDeviceGrant {
    pub grant: String,
    pub client: ClientItem,
    pub outcome: DecisionOutcome,
    pub may_create_keys: bool,
    pub host_accounts: Vec<HostAccountItem>,
    /// Its state as text.
    pub status: Sentence,
    /// When the access expires, if any.
    pub until: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DecisionOutcome {
    /// Allowed; the device has not redeemed it yet.
    Pending,
    /// The device has its token.
    PickedUp {
        at: Timestamp,
        from: Option<String>,
    },
    Denied,
    Revoked,
    Expired,
    /// Since the decision, a change by the operators left nothing for the client.
    Refused(RequestRefused),
}

/// Submits a user code, before or after sign-in.
#[server(prefix = "/api", endpoint = "device/enter")]
pub async fn enter_code(#[server(default)] user_code: String) -> Result<(), ServerFnError> {
    use crate::server::context;
    use crate::server::service::device_flow::user_codes::CodeSubmitter;
    let (services, caller) = (context::services()?, context::request_context()?);
    let browser_session = caller.start_session(&services).await.map_err(context::fault)?;
    let who = caller.signed_in.as_ref().map_or(CodeSubmitter::Anonymous(&browser_session), CodeSubmitter::Person);
    let presented = services.submit_user_code(who, &user_code).await;
    context::redirect_to_url(&caller.redirect_after_code(&services, presented, &user_code, context::translations()).await.map_err(context::fault)?);
    Ok(())
}

/// The device grant, if it waits for this person.
#[server(prefix = "/api", endpoint = "device/waiting")]
pub async fn pending_device(grant: String) -> Result<Option<PendingDeviceGrant>, ServerFnError> {
    use crate::domain::ids::DeviceGrantId;
    use crate::server::context;
    let (services, caller, person) = (context::services()?, context::request_context()?, context::signed_in()?);
    let Ok(grant) = DeviceGrantId::parse(grant) else { return Ok(None) };
    let found = services.pending_consent(&person, &grant).await.map_err(context::fault)?;
    Ok(found.map(|found| PendingDeviceGrant::new(found, caller.from, services.now())))
}

/// All that wait for this person, newest first; empty if not signed in.
#[server(prefix = "/api", endpoint = "device/all-waiting")]
pub async fn pending_devices() -> Result<Vec<PendingDeviceGrant>, ServerFnError> {
    use crate::server::context;
    let (services, caller) = (context::services()?, context::request_context()?);
    let Some(person) = &caller.signed_in else { return Ok(Vec::new()) };
    let found = services.pending_consents(person).await.map_err(context::fault)?;
    Ok(found.into_iter().map(|found| PendingDeviceGrant::new(found, caller.from, services.now())).collect())
}

/// Allows or denies. A repeated submission gets the first one's result. A refusal is shown on the request's own page.
#[server(prefix = "/api", endpoint = "device/decide")]
pub async fn decide_device(
    grant: String,
    decision: String,
    #[server(default)] lifetime: String,
    #[server(default)] accounts: String,
    #[server(default)] host_accounts: Vec<String>,
    #[server(default)] started_this: String,
    #[server(default)] shown: Option<String>,
) -> Result<(), ServerFnError> {
    use crate::domain::device_grant::DecisionRefused::{AlreadyDecided, Expired, NotAllowed, NotConfirmed, NotYours};
    use crate::domain::ids::DeviceGrantId;
    use crate::domain::paths::{self, DEVICE, ReturnTo};
    use crate::server::context;
    use crate::server::service::Error;
    use crate::server::sign_in::session::flash::{Flash, FlashTarget};
    use crate::server_fns::consent;
    let (services, caller, person) = (context::services()?, context::request_context()?, context::signed_in()?);
    context::see_other(DEVICE);
    let Ok(grant) = DeviceGrantId::parse(grant) else { return Ok(()) };
    let here = paths::device(&grant);
    context::redirect_to_url(&here);
    let decided = match decision.as_str() {
        "allow" => {
            // Only before allowing: denying requires nothing.
            let Some(consenting) = context::require_consent_authorization(&ReturnTo::from_untrusted(&here))? else { return Ok(()) };
            match consent::parse(&lifetime, &consent::chosen_accounts(&accounts, host_accounts), &started_this, shown.as_deref()) {
                Ok(consent) => services.approve_device(&consenting, &grant, consent).await,
                Err(refused) => Err(Error::Refused(refused)),
            }
        }
        "deny" => services.deny_device(&person, &grant).await,
        _ => return Ok(()),
    };
    match decided {
        Ok(()) | Err(Error::Refused(AlreadyDecided | Expired | NotAllowed(_))) => {
            context::redirect_to_url(&paths::device_result(&grant));
            Ok(())
        }
        Err(Error::Refused(NotYours)) => Ok(()),
        Err(Error::Refused(refused)) => {
            let place = if refused == NotConfirmed { FlashTarget::Confirmation } else { FlashTarget::Consent };
            let flash = Flash::new(place, context::translations().decision_refused(refused));
            caller.session.set_flash(&flash.only_at(&here)).await.map_err(context::fault)
        }
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// What the person decided, with its current state.
#[server(prefix = "/api", endpoint = "device/decided")]
pub async fn decided_device(grant: String) -> Result<Option<DecidedDeviceGrant>, ServerFnError> {
    use crate::domain::ids::DeviceGrantId;
    use crate::server::context;
    let (services, person) = (context::services()?, context::signed_in()?);
    let Ok(grant) = DeviceGrantId::parse(grant) else { return Ok(None) };
    let found = services.decided_consent(&person, &grant).await.map_err(context::fault)?;
    Ok(found.map(|found| DecidedDeviceGrant::new(found, services.now())))
}

/// Revokes the access of a device.
#[server(prefix = "/api", endpoint = "device/withdraw")]
pub async fn revoke_device(grant: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::DeviceGrantId;
    use crate::domain::paths;
    use crate::server::context;
    use crate::server::service::Error;
    use crate::server::sign_in::session::flash::{Flash, FlashTarget};
    let (services, caller, person) = (context::services()?, context::request_context()?, context::signed_in()?);
    context::see_other(paths::DEVICE_RESULT);
    let Ok(grant) = DeviceGrantId::parse(grant) else { return Ok(()) };
    let here = paths::device_result(&grant);
    context::redirect_to_url(&here);
    match services.revoke_device(&person, &grant).await {
        Ok(()) => Ok(()),
        Err(Error::Refused(_)) => {
            let flash = Flash::new(FlashTarget::Result, context::translations().change_refused_gone()).only_at(&here);
            caller.session.set_flash(&flash).await.map_err(context::fault)
        }
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// "I did not start this", with the user code.
#[server(prefix = "/api", endpoint = "device/report")]
pub async fn report_code(#[server(default)] user_code: String) -> Result<(), ServerFnError> {
    use crate::server::context;
    use crate::server::service::Error;
    use crate::server::service::device_flow::user_codes::CodeSubmitter;
    use crate::server::sign_in::session::flash::{Flash, FlashTarget};
    let (services, caller) = (context::services()?, context::request_context()?);
    let browser_session = caller.start_session(&services).await.map_err(context::fault)?;
    let who = caller.signed_in.as_ref().map_or(CodeSubmitter::Anonymous(&browser_session), CodeSubmitter::Person);
    let flash = match services.report_user_code(who, &user_code).await {
        Ok(()) => Flash::new(FlashTarget::Reported, ""),
        Err(Error::Refused(refused)) => {
            crate::server::request_context::code_refused_flash(FlashTarget::Report, &refused, &user_code, context::translations())
        }
        Err(Error::Internal(fault)) => return Err(context::fault(fault)),
    };
    caller.session.set_flash(&flash).await.map_err(context::fault)?;
    context::see_other(crate::domain::paths::DEVICE_REPORT);
    Ok(())
}

/// Releases a request, to enter another code; without an id, all that wait in this session. The code can be entered again anywhere.
#[server(prefix = "/api", endpoint = "device/another")]
pub async fn enter_another_code(#[server(default)] grant: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::DeviceGrantId;
    use crate::server::context;
    let (services, person) = (context::services()?, context::signed_in()?);
    context::see_other(crate::domain::paths::DEVICE);
    services.release_user_code(&person, DeviceGrantId::parse(grant).ok().as_ref()).await.map_err(context::fault)
}

/// Signs out and continues at the tenant that a code belongs to, with the code, to use another account. The code is that of a request of
/// this person, or one submitted in this session, so that each has been counted as an attempt.
#[server(prefix = "/api", endpoint = "device/switch-tenant")]
pub async fn switch_tenant(tenant: String, #[server(default)] grant: String, #[server(default)] entry: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::{CodeEntryId, DeviceGrantId, TenantId};
    use crate::domain::paths::{self, ReturnTo};
    use crate::server::context;
    use crate::server::sign_in::session::user_codes::PendingUserCode;
    let (caller, services, person) = (context::request_context()?, context::services()?, context::signed_in()?);
    context::see_other(paths::SIGN_IN);
    let Ok(tenant) = TenantId::parse(tenant) else { return Ok(()) };
    let typed = match DeviceGrantId::parse(grant) {
        Ok(grant) => {
            let waiting = services.pending_consent(&person, &grant).await.map_err(context::fault)?;
            let entry = services.new_code_entry().map_err(context::fault)?;
            waiting.map(|waiting| PendingUserCode { entry, code: waiting.code })
        }
        Err(_) => caller.session.pending_user_code(CodeEntryId::parse(entry).ok().as_ref()).await.map_err(context::fault)?,
    };
    if let Some(typed) = &typed {
        context::redirect_to_url(&paths::sign_in(None, &ReturnTo::from_untrusted(&paths::device_entry(&typed.entry))));
    }
    services.record_sign_out(&person).await.map_err(context::fault)?;
    caller.session.switch_tenant(&tenant, typed.as_ref()).await.map_err(context::fault)
}

#[cfg(feature = "ssr")]
mod items {
    use std::net::IpAddr;

    use super::{ClientItem, DecidedDeviceGrant, DecisionOutcome, HostAccountItem, LifetimeItem, NetworkProximity, PendingDeviceGrant, ResourceItem};
    use crate::domain::client::RequestRefused;
    use crate::domain::device_grant::DeviceGrantState;
    use crate::domain::scope::Scope;
    use crate::domain::sentence::Sentence;
    use crate::domain::tenant::lifetime_options;
    use crate::domain::time::{Timestamp, Zone};
    use crate::i18n::Translations;
    use crate::server::context::{self, translations};
    use crate::server::service::device_flow::consent::{DecidedConsent, PendingConsent};

    impl PendingDeviceGrant {
        pub(super) fn new(waiting: PendingConsent, browser: Option<IpAddr>, now: Timestamp) -> Self {
            let PendingConsent { grant, code, client, host_accounts, policy, servers } = waiting;
            Self {
                code,
                client: ClientItem::of(&client),
                requested_at: grant.requested.at,
                proximity: NetworkProximity::of(grant.requested.from, browser),
                from: grant.requested.from.map(|from| from.to_string()),
                agent: grant.requested.agent,
                expires_in_seconds: grant.expires_at.since(now).as_secs(),
                scope: grant.scope.to_string(),
                may_read_hosts: grant.scope.contains(Scope::HostsRead),
                may_read_keys: grant.scope.contains(Scope::KeysRead),
                may_create_keys: grant.scope.contains(Scope::KeysCreate),
                may_revoke_keys: grant.scope.contains(Scope::KeysRevoke),
                resources: ResourceItem::all(&grant.resources, &servers),
                host_accounts: host_accounts.iter().map(|account| HostAccountItem::new(account, now)).collect(),
                lifetimes: lifetime_options(policy.longest_access).into_iter().map(|lifetime| LifetimeItem::new(lifetime, now)).collect(),
                confirmation_required: policy.require_started_tick,
                grant: grant.id.to_string(),
            }
        }
    }

    impl DecisionOutcome {
        /// As the page shows it.
        fn status(&self, t: Translations, zone: &Zone) -> Sentence {
            Sentence::from(match self {
                DecisionOutcome::Pending => t.pickup_waiting(),
                DecisionOutcome::PickedUp { at, from } => {
                    return t.naming(*at, zone, |time| match from {
                        Some(from) => t.pickup_at_from(time, from),
                        None => t.pickup_at(time),
                    });
                }
                DecisionOutcome::Denied => t.result_denied_means(),
                DecisionOutcome::Revoked => t.result_revoked_means(),
                DecisionOutcome::Expired => t.result_expired_means(),
                DecisionOutcome::Refused(RequestRefused::Disabled) => t.pickup_refused_disabled(),
                DecisionOutcome::Refused(RequestRefused::GrantNotAllowed | RequestRefused::NoSignIn) => t.pickup_refused_grant(),
                DecisionOutcome::Refused(RequestRefused::NoScopeLeft) => t.pickup_refused_scope(),
            })
        }
    }

    impl DecidedDeviceGrant {
        pub(super) fn new(decided: DecidedConsent, now: Timestamp) -> Self {
            let DecidedConsent { grant, refused, client, host_accounts, access_until } = decided;
            let expired = grant.is_expired(now);
            let may_create_keys = grant.allowed_scope().contains(Scope::KeysCreate);
            let (outcome, until) = match grant.state {
                DeviceGrantState::Approved(_) if !expired => (DecisionOutcome::Pending, access_until),
                DeviceGrantState::Redeemed { pickup, .. } => {
                    (DecisionOutcome::PickedUp { at: pickup.at, from: pickup.from.map(|from| from.to_string()) }, access_until)
                }
                DeviceGrantState::Denied { .. } => (DecisionOutcome::Denied, None),
                DeviceGrantState::Revoked { .. } => (DecisionOutcome::Revoked, None),
                DeviceGrantState::Approved(_) | DeviceGrantState::Pending | DeviceGrantState::Expired { .. } => (DecisionOutcome::Expired, None),
            };
            let (outcome, until) = refused.map_or((outcome, until), |refused| (DecisionOutcome::Refused(refused), None));
            Self {
                grant: grant.id.to_string(),
                client: ClientItem::of(&client),
                status: outcome.status(translations(), &context::zone()),
                outcome,
                may_create_keys,
                host_accounts: host_accounts.iter().map(|account| HostAccountItem::new(account, now)).collect(),
                until,
            }
        }
    }
}
