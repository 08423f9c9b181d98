//! The tenant's delegations.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::domain::pagination::{ListQuery, Page};
use crate::server_fns::delegations::DelegationItem;

/// A delegation and its person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonDelegationItem {
    pub user: String,
    pub app: DelegationItem,
}

/// A page of the list. `show`: `ended`, `all`; `sort`: `expires`, `client`.
#[server(prefix = "/api", endpoint = "admin/delegations/list")]
pub async fn list_delegations(#[server(default)] query: ListQuery) -> Result<Page<PersonDelegationItem>, ServerFnError> {
    use crate::server::context;
    let services = context::services()?;
    let listed = services.search_delegations(&context::admin()?, &query.params()).await.map_err(context::fault)?;
    let now = services.now();
    let item = |found: crate::server::service::authorizations::my_delegations::DelegationSummary| PersonDelegationItem {
        user: found.delegation.user_id.to_string(),
        app: DelegationItem::new(found, std::time::Duration::ZERO, now),
    };
    Ok(listed.map(item))
}

/// Lets a client act for a person, on all of their host accounts, for a number of days; 0: without expiry.
#[server(prefix = "/api", endpoint = "admin/delegations/add")]
pub async fn add_delegation(
    #[server(default)] client: String,
    #[server(default)] user: String,
    #[server(default)] days: u32,
) -> Result<(), ServerFnError> {
    use crate::domain::ids::{ClientId, UserId};
    use crate::domain::paths::{ADMIN_DELEGATIONS, ADMIN_DELEGATIONS_ADD};
    use crate::server::context;
    use crate::server::service::Error;
    use crate::server::service::authorizations::delegations::DelegationRefused;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_DELEGATIONS_ADD);
    let (Ok(client), Ok(user)) = (ClientId::parse(client.trim()), UserId::parse(user.trim())) else {
        return context::flash_error(t.id_refused(&[&client, &user])).await;
    };
    let minutes = if days == 0 { -1 } else { i32::try_from(u64::from(days.min(36_500)) * 24 * 60).unwrap_or(i32::MAX) };
    match services.create_delegation(&admin, &client, &user, minutes).await {
        Ok(_) => {
            context::see_other(ADMIN_DELEGATIONS);
            context::flash_success(t.admin_saved()).await
        }
        Err(Error::Refused(DelegationRefused::NoClient)) => context::flash_error(t.admin_delegations_no_client()).await,
        Err(Error::Refused(DelegationRefused::NoPerson)) => context::flash_error(t.admin_delegations_no_person()).await,
        Err(Error::Refused(DelegationRefused::Exists)) => context::flash_error(t.admin_delegations_exists()).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Revokes everything that a client may do for a person, including what they allowed themselves.
#[server(prefix = "/api", endpoint = "admin/delegations/end")]
pub async fn end_delegation(
    #[server(default)] client: String,
    #[server(default)] user: String,
    #[server(default)] back: String,
) -> Result<(), ServerFnError> {
    use crate::domain::ids::{ClientId, UserId};
    use crate::domain::paths::ADMIN_DELEGATIONS;
    use crate::server::context;
    use crate::server_fns::delegations::receipt;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::redirect_back(&back, ADMIN_DELEGATIONS);
    let (Ok(client), Ok(user)) = (ClientId::parse(client), UserId::parse(user)) else { return Ok(()) };
    let ended = services.revoke_delegation(&admin, &client, &user).await.map_err(context::fault)?;
    if ended.permissions > 0 {
        context::flash_success(format!("{} {}", t.admin_delegations_ended(), receipt(&ended))).await
    } else {
        context::flash_error(t.admin_gone()).await
    }
}
