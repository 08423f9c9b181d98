//! What may act for the person.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::device::ClientItem;
use crate::domain::listing::{ListQuery, Listed};
use crate::domain::scope::Scope;
use crate::domain::time::Timestamp;

/// A permission for a client, as its person sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppItem {
    pub number: i64,
    pub client: ClientItem,
    pub client_id: String,
    pub origin: Origin,
    pub scope: Vec<Scope>,
    /// `account@host`; `None`: every one the person has.
    pub host_accounts: Option<Vec<String>>,
    pub since: Timestamp,
    /// [`Timestamp::FOREVER`]: it does not end by itself.
    pub until: Timestamp,
    pub last_used_at: Option<Timestamp>,
    /// Keys the client made for the person.
    pub keys: i64,
    pub state: AppState,
    /// The ends the person may choose, in seconds from now.
    pub ends: Vec<u64>,
}

/// How a permission came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// The person consented to a device's request.
    Consent,
    Administrator,
    /// Carried over from an older deployment.
    CarriedOver,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AppState {
    InForce,
    Expired,
    /// Ended before its time.
    Ended,
}

/// A piece of the list of what may act for the person. `show`: `ended`, `all`; `sort`: `expires`, `client`.
#[server(prefix = "/api", endpoint = "apps/list")]
pub async fn list_apps(#[server(default)] query: ListQuery) -> Result<Listed<AppItem>, ServerFnError> {
    use crate::server::context;
    let (services, person) = (context::services()?, context::signed_in()?);
    let listed = services.list_my_apps(&person, &query.wanted()).await.map_err(context::fault)?;
    let (longest, now) = (person.tenant().policy.longest_access, services.now());
    Ok(listed.map(|app| AppItem::new(app, longest, now)))
}

/// One of those in force, to ask what is to become of it.
#[server(prefix = "/api", endpoint = "apps/find")]
pub async fn find_app(#[server(default)] app: i64) -> Result<Option<AppItem>, ServerFnError> {
    use crate::server::context;
    let (services, person) = (context::services()?, context::signed_in()?);
    let found = services.find_my_app(&person, app).await.map_err(context::fault)?;
    Ok(found.map(|app| AppItem::new(app, person.tenant().policy.longest_access, services.now())))
}

/// Makes a permission end so many seconds from now.
#[server(prefix = "/api", endpoint = "apps/change")]
pub async fn change_app(#[server(default)] app: i64, #[server(default)] ends: u64, #[server(default)] back: String) -> Result<(), ServerFnError> {
    use std::time::Duration;

    use crate::domain::delegation::ChangeRefused;
    use crate::domain::paths::{APPS, Onward};
    use crate::server::context::{self, Error};
    let (services, person, w) = (context::services()?, context::signed_in()?, context::words());
    context::go_back(&back, APPS);
    let until = services.now() + Duration::from_secs(ends);
    match services.change_my_app(&person, app, until).await {
        Ok(()) => context::say(context::naming(until, |until| w.apps_changed(until))).await,
        Err(Error::Refused(ChangeRefused::Missing(missing))) => {
            context::show_first(missing, &Onward::back_to(&back, APPS));
            Ok(())
        }
        Err(Error::Refused(refused)) => context::say_refused(w.change_refused(refused)).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Ends a permission.
#[server(prefix = "/api", endpoint = "apps/end")]
pub async fn end_app(#[server(default)] app: i64, #[server(default)] back: String) -> Result<(), ServerFnError> {
    use crate::domain::delegation::ChangeRefused;
    use crate::domain::paths::APPS;
    use crate::server::context;
    let w = context::words();
    context::go_back(&back, APPS);
    if context::services()?.end_my_app(&context::signed_in()?, app).await.map_err(context::fault)? {
        context::say(w.apps_ended()).await
    } else {
        context::say_refused(w.change_refused(ChangeRefused::Gone)).await
    }
}

#[cfg(feature = "ssr")]
impl AppItem {
    pub(super) fn new(app: crate::server::context::AppRow, longest: std::time::Duration, now: Timestamp) -> Self {
        use std::time::Duration;

        use crate::domain::delegation::MadeBy;
        const OFFERED: [u64; 5] = [8 * 3_600, 24 * 3_600, 7 * 86_400, 30 * 86_400, 90 * 86_400];
        let delegation = app.delegation;
        let state = match app.ended_at {
            Some(_) => AppState::Ended,
            None if delegation.expires_at <= now => AppState::Expired,
            None => AppState::InForce,
        };
        let ends = OFFERED.into_iter().filter(|seconds| delegation.may_end(now + Duration::from_secs(*seconds), longest, now).is_ok());
        Self {
            ends: ends.collect(),
            number: delegation.number,
            client: ClientItem::of(&app.client),
            client_id: delegation.client_id.to_string(),
            origin: match (delegation.made_by, &delegation.device_grant_id) {
                (MadeBy::Mvp, _) => Origin::CarriedOver,
                (MadeBy::Person, _) | (_, Some(_)) => Origin::Consent,
                (MadeBy::Admin, None) => Origin::Administrator,
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
