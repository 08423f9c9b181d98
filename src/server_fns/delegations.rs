//! The person's delegations, by client.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::consent::ClientItem;
use crate::domain::authorization::AuthorizationOrigin;
use crate::domain::pagination::{ListQuery, Page};
use crate::domain::resource_server::GrantedResource;
use crate::domain::scope::Scope;
use crate::domain::time::Timestamp;

/// A client with the person's delegations to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientDelegationsItem {
    pub client: ClientItem,
    pub client_id: String,
    /// The newest of those that match the list's filter.
    pub newest: Vec<DelegationItem>,
    /// The number of all that match.
    pub total: i64,
    /// The number of active ones.
    pub active: i64,
    /// All keys that the client created for the person.
    pub keys: i64,
    pub last_login: Option<KeyLoginItem>,
}

/// A client with a page of all of the person's delegations to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientDelegationsDetail {
    pub client: ClientDelegationsItem,
    pub delegations: Page<DelegationItem>,
}

/// A delegation, as its person sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DelegationItem {
    pub number: i64,
    pub client: ClientItem,
    pub client_id: String,
    pub origin: DelegationOrigin,
    pub scope: Vec<Scope>,
    /// Access to resource servers besides the TMS API.
    pub resources: Vec<GrantedResource>,
    /// `account@host`; `None`: all of the person's.
    pub host_accounts: Option<Vec<String>>,
    pub since: Timestamp,
    /// [`Timestamp::FOREVER`]: it does not expire.
    pub until: Timestamp,
    /// The flow in which the person allowed it; `None`: it came without one.
    pub flow: Option<AuthorizationOrigin>,
    /// The device that the person allowed.
    pub device: Option<DeviceItem>,
    /// The sign-ins of programs under it that last, the newest first; at most [`SIGN_INS_SHOWN`].
    pub sign_ins: Vec<SignInItem>,
    /// The number of all that last.
    pub sign_in_count: i64,
    /// The number of keys that the device created, or without a device the client by itself.
    pub keys: i64,
    /// The number of keys that rest on it: also those that the client created by itself.
    pub revocable_keys: i64,
    /// The last login with one of these keys.
    pub last_login: Option<KeyLoginItem>,
    pub state: DelegationState,
    /// The expiries that can be chosen, in seconds from now.
    pub ends: Vec<u64>,
}

/// A device or program that was allowed to act for the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceItem {
    /// Its name, as far as its user agent tells.
    pub program: Option<String>,
    /// The user agent as sent, if it tells more.
    pub agent: Option<String>,
    /// The address it got its token at, or before that the address it asked from.
    pub from: Option<String>,
    /// Whether it has got its token.
    pub connected: bool,
    /// The last use of its token.
    pub used_at: Option<Timestamp>,
    pub used_from: Option<String>,
}

/// How many sign-ins of programs are listed with a delegation.
pub const SIGN_INS_SHOWN: usize = 10;

/// A sign-in of a program: the tokens that it has in its turn (a token family).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInItem {
    pub id: String,
    /// The program, as far as its user agent tells.
    pub program: Option<String>,
    pub since: Timestamp,
    /// The address that it began from.
    pub from: Option<String>,
    /// The last refresh; `None`: none yet.
    pub refreshed_at: Option<Timestamp>,
    pub refreshed_from: Option<String>,
    /// When it ends unless it is refreshed before; `None`: it has no refresh token.
    pub idle_until: Option<Timestamp>,
    /// Whether it ends with the person's browser session.
    pub with_session: bool,
}

/// A login with a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyLoginItem {
    pub at: Timestamp,
    pub host: String,
}

/// How a delegation was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DelegationOrigin {
    /// The person allowed a device's request.
    Consent,
    Administrator,
    /// Imported from the previous system.
    Imported,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DelegationState {
    Active,
    Expired,
    /// Revoked before its expiry.
    Revoked,
}

/// A page of the clients that may act for the person. `show`: `ended`, `all`; `sort`: `expires`, `client`.
#[server(prefix = "/api", endpoint = "apps/list")]
pub async fn list_my_clients(#[server(default)] query: ListQuery) -> Result<Page<ClientDelegationsItem>, ServerFnError> {
    use crate::server::context;
    let (services, person) = (context::services()?, context::signed_in()?);
    let listed = services.list_my_clients(&person, &query.params()).await.map_err(context::fault)?;
    let (longest, now) = (person.tenant().policy.longest_access, services.now());
    Ok(listed.map(|client| ClientDelegationsItem::new(client, longest, now)))
}

/// A client with a page of the person's delegations to it. `show` and `sort` as in [`list_my_clients`].
#[server(prefix = "/api", endpoint = "apps/application")]
pub async fn find_my_client(
    #[server(default)] client: String,
    #[server(default)] query: ListQuery,
) -> Result<Option<ClientDelegationsDetail>, ServerFnError> {
    use crate::domain::ids::ClientId;
    use crate::server::context;
    let (services, person) = (context::services()?, context::signed_in()?);
    let Ok(client) = ClientId::parse(client) else { return Ok(None) };
    let Some(found) = services.find_my_client(&person, &client).await.map_err(context::fault)? else { return Ok(None) };
    let delegations = services.list_my_delegations(&person, &client, &query.params()).await.map_err(context::fault)?;
    let (longest, now) = (person.tenant().policy.longest_access, services.now());
    Ok(Some(ClientDelegationsDetail {
        client: ClientDelegationsItem::new(found, longest, now),
        delegations: delegations.map(|delegation| DelegationItem::new(delegation, longest, now)),
    }))
}

/// An active delegation, to change or revoke it; found by its number, or by the authorization behind it.
#[server(prefix = "/api", endpoint = "apps/find")]
pub async fn find_my_delegation(#[server(default)] app: i64, #[server(default)] grant: String) -> Result<Option<DelegationItem>, ServerFnError> {
    use crate::domain::ids::AuthorizationId;
    use crate::server::context;
    use crate::server::service::authorizations::my_delegations::DelegationRef;
    let (services, person) = (context::services()?, context::signed_in()?);
    let which = if grant.is_empty() { Ok(DelegationRef::Number(app)) } else { AuthorizationId::parse(grant).map(DelegationRef::Authorization) };
    let Ok(which) = which else { return Ok(None) };
    let found = services.find_my_delegation(&person, &which).await.map_err(context::fault)?;
    Ok(found.map(|app| DelegationItem::new(app, person.tenant().policy.longest_access, services.now())))
}

/// Changes the expiry of a delegation, in seconds from now.
#[server(prefix = "/api", endpoint = "apps/change")]
pub async fn change_my_delegation(
    #[server(default)] app: i64,
    #[server(default)] ends: u64,
    #[server(default)] back: String,
) -> Result<(), ServerFnError> {
    use std::time::Duration;

    use crate::domain::delegation::DelegationChangeRefused;
    use crate::domain::paths::{ReturnTo, apps_list};
    use crate::server::context;
    use crate::server::service::Error;
    let (services, person, t) = (context::services()?, context::signed_in()?, context::translations());
    context::redirect_back(&back, apps_list(&back));
    let until = services.now() + Duration::from_secs(ends);
    match services.set_my_delegation_expiry(&person, app, until).await {
        Ok(()) => context::flash_success(context::naming(until, |until| t.apps_changed(until))).await,
        Err(Error::Refused(DelegationChangeRefused::StepUpRequired(missing))) => {
            context::redirect_to_step_up(missing, &ReturnTo::within(&back, apps_list(&back)));
            Ok(())
        }
        Err(Error::Refused(refused)) => context::flash_error(t.change_refused(refused)).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Revokes a delegation.
#[server(prefix = "/api", endpoint = "apps/end")]
pub async fn revoke_my_delegation(#[server(default)] app: i64, #[server(default)] back: String) -> Result<(), ServerFnError> {
    use crate::domain::delegation::DelegationChangeRefused;
    use crate::domain::paths::apps_list;
    use crate::server::context;
    use crate::server::service::authorizations::my_delegations::DelegationRef;
    let (services, person, t) = (context::services()?, context::signed_in()?, context::translations());
    context::redirect_back(&back, apps_list(&back));
    let found = services.find_my_delegation(&person, &DelegationRef::Number(app)).await.map_err(context::fault)?;
    let Some(ended) = services.revoke_my_delegation(&person, app).await.map_err(context::fault)? else {
        return context::flash_error(t.change_refused(DelegationChangeRefused::NotFound)).await;
    };
    let sentence = format!("{} {}", t.apps_ended(), receipt(&ended));
    match found.and_then(|found| found.keys.last_login) {
        Some(login) => {
            let host = login.host;
            context::flash_success(context::naming(login.at, |at| format!("{sentence} {}", t.apps_receipt_login(host.as_str(), at)))).await
        }
        None => context::flash_success(sentence).await,
    }
}

/// Ends one sign-in of a program under a delegation, which stays.
#[server(prefix = "/api", endpoint = "apps/end-sign-in")]
pub async fn end_my_sign_in(#[server(default)] sign_in: String, #[server(default)] back: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::TokenFamilyId;
    use crate::domain::paths::apps_list;
    use crate::server::context;
    let (services, person, t) = (context::services()?, context::signed_in()?, context::translations());
    context::redirect_back(&back, apps_list(&back));
    let ended = match TokenFamilyId::parse(sign_in) {
        Ok(id) => services.end_my_sign_in(&person, &id).await.map_err(context::fault)?,
        Err(_) => false,
    };
    if ended { context::flash_success(t.apps_sign_in_ended()).await } else { context::flash_error(t.apps_sign_in_ended_before()).await }
}

/// Revokes all delegations to a client.
#[server(prefix = "/api", endpoint = "apps/revoke")]
pub async fn revoke_my_client(#[server(default)] client: String, #[server(default)] back: String) -> Result<(), ServerFnError> {
    use crate::domain::delegation::DelegationChangeRefused;
    use crate::domain::ids::ClientId;
    use crate::domain::paths::apps_list;
    use crate::i18n::to_count;
    use crate::server::context;
    use crate::server::service::authorizations::my_delegations::EndedAccess;
    let (services, person, t) = (context::services()?, context::signed_in()?, context::translations());
    context::redirect_back(&back, apps_list(&back));
    let ended = match ClientId::parse(client) {
        Ok(client) => services.revoke_my_client(&person, &client).await.map_err(context::fault)?,
        Err(_) => EndedAccess::default(),
    };
    if ended.permissions > 0 {
        context::flash_success(format!("{} {}", t.apps_access_revoked(to_count(ended.permissions)), receipt(&ended))).await
    } else {
        context::flash_error(t.change_refused(DelegationChangeRefused::NotFound)).await
    }
}

#[cfg(feature = "ssr")]
pub(super) use items::receipt;

#[cfg(feature = "ssr")]
mod items {
    use std::time::Duration;

    use super::{
        ClientDelegationsItem, ClientItem, DelegationItem, DelegationOrigin, DelegationState, DeviceItem, KeyLoginItem, SIGN_INS_SHOWN, SignInItem,
    };
    use crate::domain::delegation::Creator;
    use crate::domain::scope::Scope;
    use crate::domain::time::Timestamp;
    use crate::domain::token_family::TokenFamily;
    use crate::i18n::to_count;
    use crate::server::context;
    use crate::server::service::authorizations::my_delegations::{ClientDelegations, DelegationSummary, DeviceSummary, EndedAccess, KeyUse};

    /// The expiries that a person can choose, in seconds.
    const EXPIRIES: [u64; 5] = [8 * 3_600, 24 * 3_600, 7 * 86_400, 30 * 86_400, 90 * 86_400];

    /// What ended, for who revoked it.
    pub(in super::super) fn receipt(ended: &EndedAccess) -> String {
        let t = context::translations();
        let mut parts = vec![t.apps_receipt_sign_ins(to_count(ended.sign_ins)), t.apps_receipt_keys(to_count(ended.keys))];
        parts.extend((ended.notices > 0).then(|| t.apps_receipt_told()));
        parts.join(" ")
    }

    impl ClientDelegationsItem {
        pub(super) fn new(found: ClientDelegations, longest: Duration, now: Timestamp) -> Self {
            Self {
                client: ClientItem::of(&found.client),
                client_id: found.client_id.to_string(),
                newest: found.newest.into_iter().map(|delegation| DelegationItem::new(delegation, longest, now)).collect(),
                total: found.total,
                active: found.active,
                last_login: KeyLoginItem::of(&found.keys),
                keys: found.keys.keys,
            }
        }
    }

    impl DelegationItem {
        pub(in super::super) fn new(app: DelegationSummary, longest: Duration, now: Timestamp) -> Self {
            let delegation = app.delegation;
            let state = match app.ended_at {
                Some(_) => DelegationState::Revoked,
                None if delegation.expires_at <= now => DelegationState::Expired,
                None => DelegationState::Active,
            };
            let lasting = app.families.iter().filter(|family| state == DelegationState::Active && family.lasts(now));
            let ends = EXPIRIES.into_iter().filter(|seconds| delegation.check_new_expiry(now + Duration::from_secs(*seconds), longest, now).is_ok());
            Self {
                ends: ends.collect(),
                number: delegation.number,
                client: ClientItem::of(&app.client),
                client_id: delegation.client_id.to_string(),
                origin: match (delegation.made_by, &delegation.authorization_id) {
                    (Creator::Mvp, _) => DelegationOrigin::Imported,
                    (Creator::Person, _) | (_, Some(_)) => DelegationOrigin::Consent,
                    (Creator::Admin, None) => DelegationOrigin::Administrator,
                },
                scope: Scope::ALL.into_iter().filter(|scope| app.scope.contains(*scope)).collect(),
                resources: app.resources,
                host_accounts: app.host_accounts,
                since: delegation.created_at,
                until: app.ended_at.unwrap_or(delegation.expires_at),
                flow: app.flow,
                sign_in_count: to_count(lasting.clone().count()),
                sign_ins: lasting.rev().take(SIGN_INS_SHOWN).map(SignInItem::of).collect(),
                device: app.device.map(|device| DeviceItem::new(device, &app.families)),
                last_login: KeyLoginItem::of(&app.keys),
                keys: app.keys.keys,
                revocable_keys: app.revocable_keys,
                state,
            }
        }
    }

    impl DeviceItem {
        fn new(device: DeviceSummary, families: &[TokenFamily]) -> Self {
            let used_at = device.token_used_at();
            let begun_from = families.first().and_then(|first| first.begun.from).map(|from| from.to_string());
            let program = context::format_program(&device.agent);
            let agent = Some(device.agent).filter(|agent| program.as_ref().is_some_and(|program| program.replacen(' ', "/", 1) != agent.trim()));
            Self {
                program,
                agent,
                connected: !families.is_empty() || used_at.is_some(),
                used_at,
                from: begun_from.or(device.requested_from),
                used_from: device.token_used_from,
            }
        }
    }

    impl SignInItem {
        fn of(family: &TokenFamily) -> Self {
            Self {
                id: family.id.to_string(),
                program: context::format_program(&family.begun.agent),
                since: family.begun.at,
                from: family.begun.from.map(|from| from.to_string()),
                refreshed_at: family.refreshed.map(|refreshed| refreshed.at),
                refreshed_from: family.refreshed.and_then(|refreshed| refreshed.from).map(|from| from.to_string()),
                idle_until: family.idle_until,
                with_session: !family.offline && family.session.is_some(),
            }
        }
    }

    impl KeyLoginItem {
        fn of(keys: &KeyUse) -> Option<Self> {
            keys.last_login.as_ref().map(|login| Self { at: login.at, host: login.host.clone() })
        }
    }
}
