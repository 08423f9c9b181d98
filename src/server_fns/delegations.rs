//! The person's delegations.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::device::ClientItem;
use crate::domain::pagination::{ListQuery, Page};
use crate::domain::scope::Scope;
use crate::domain::time::Timestamp;

/// A delegation, as its person sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DelegationItem {
    pub number: i64,
    pub client: ClientItem,
    pub client_id: String,
    pub origin: DelegationOrigin,
    pub scope: Vec<Scope>,
    /// `account@host`; `None`: all of the person's.
    pub host_accounts: Option<Vec<String>>,
    pub since: Timestamp,
    /// [`Timestamp::FOREVER`]: it does not expire.
    pub until: Timestamp,
    pub last_used_at: Option<Timestamp>,
    /// The number of keys that the client created for the person.
    pub keys: i64,
    pub state: DelegationState,
    /// The expiries that can be chosen, in seconds from now.
    pub ends: Vec<u64>,
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

/// A page of the person's delegations. `show`: `ended`, `all`; `sort`: `expires`, `client`.
#[server(prefix = "/api", endpoint = "apps/list")]
pub async fn list_my_delegations(#[server(default)] query: ListQuery) -> Result<Page<DelegationItem>, ServerFnError> {
    use crate::server::context;
    let (services, person) = (context::services()?, context::signed_in()?);
    let listed = services.list_my_delegations(&person, &query.params()).await.map_err(context::fault)?;
    let (longest, now) = (person.tenant().policy.longest_access, services.now());
    Ok(listed.map(|app| DelegationItem::new(app, longest, now)))
}

/// An active delegation, to change or revoke it.
#[server(prefix = "/api", endpoint = "apps/find")]
pub async fn find_my_delegation(#[server(default)] app: i64) -> Result<Option<DelegationItem>, ServerFnError> {
    use crate::server::context;
    let (services, person) = (context::services()?, context::signed_in()?);
    let found = services.find_my_delegation(&person, app).await.map_err(context::fault)?;
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
    use crate::domain::paths::{APPS, ReturnTo};
    use crate::server::context;
    use crate::server::service::Error;
    let (services, person, t) = (context::services()?, context::signed_in()?, context::translations());
    context::redirect_back(&back, APPS);
    let until = services.now() + Duration::from_secs(ends);
    match services.set_my_delegation_expiry(&person, app, until).await {
        Ok(()) => context::flash_success(context::naming(until, |until| t.apps_changed(until))).await,
        Err(Error::Refused(DelegationChangeRefused::StepUpRequired(missing))) => {
            context::redirect_to_step_up(missing, &ReturnTo::within(&back, APPS));
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
    use crate::domain::paths::APPS;
    use crate::server::context;
    let t = context::translations();
    context::redirect_back(&back, APPS);
    if context::services()?.revoke_my_delegation(&context::signed_in()?, app).await.map_err(context::fault)? {
        context::flash_success(t.apps_ended()).await
    } else {
        context::flash_error(t.change_refused(DelegationChangeRefused::NotFound)).await
    }
}

#[cfg(feature = "ssr")]
impl DelegationItem {
    pub(super) fn new(
        app: crate::server::service::authorizations::my_delegations::DelegationSummary,
        longest: std::time::Duration,
        now: Timestamp,
    ) -> Self {
        use std::time::Duration;

        use crate::domain::delegation::Creator;
        const EXPIRIES: [u64; 5] = [8 * 3_600, 24 * 3_600, 7 * 86_400, 30 * 86_400, 90 * 86_400];
        let delegation = app.delegation;
        let state = match app.ended_at {
            Some(_) => DelegationState::Revoked,
            None if delegation.expires_at <= now => DelegationState::Expired,
            None => DelegationState::Active,
        };
        let ends = EXPIRIES.into_iter().filter(|seconds| delegation.check_new_expiry(now + Duration::from_secs(*seconds), longest, now).is_ok());
        Self {
            ends: ends.collect(),
            number: delegation.number,
            client: ClientItem::of(&app.client),
            client_id: delegation.client_id.to_string(),
            origin: match (delegation.made_by, &delegation.device_grant_id) {
                (Creator::Mvp, _) => DelegationOrigin::Imported,
                (Creator::Person, _) | (_, Some(_)) => DelegationOrigin::Consent,
                (Creator::Admin, None) => DelegationOrigin::Administrator,
            },
            scope: Scope::ALL.into_iter().filter(|scope| app.scope.contains(*scope)).collect(),
            host_accounts: app.host_accounts,
            since: delegation.created_at,
            until: app.ended_at.unwrap_or(delegation.expires_at),
            last_used_at: app.last_used_at,
            keys: app.keys,
            state,
        }
    }
}
