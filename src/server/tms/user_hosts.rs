//! `/v1/tms/userhosts…`: which account on which host is a person's. For administrators.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Answer, Deleted, Done, Made, Paged, Paging, created, deleted, saying, success};
use super::auth::AsAdmin;
use super::body::{Body, Number, Text, same_tenant};
use super::error::{Refused, TmsError};
use crate::domain::host_account::HostAccount;
use crate::domain::ids::TenantId;
use crate::server::service::host_accounts::{AccountLinked, Link, LinkRefused};
use crate::server::service::{Error, Services};

#[derive(Deserialize, ToSchema)]
pub struct UserHostLink {
    host: Text,
    host_account: Text,
    tenant: Text,
    tms_user_id: Text,
    /// Lifetime in minutes; negative means no expiry, 0 means already expired.
    ttl_minutes: i32,
}

#[derive(Serialize, ToSchema)]
pub struct UserHostLinked {
    expires_at: String,
    host: String,
    host_account: String,
    tms_user_id: String,
}

/// Links a host account to a user.
#[utoipa::path(post, path = "/v1/tms/userhosts", tag = "user hosts", request_body = UserHostLink, security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 201, description = "Linked", body = Answer<UserHostLinked>), Refused))]
pub async fn create(State(services): State<Services>, AsAdmin(admin): AsAdmin, Body(wanted): Body<UserHostLink>) -> Made<UserHostLinked> {
    same_tenant(admin.tenant_id(), &wanted.tenant)?;
    let link = link(wanted.tms_user_id, wanted.host, wanted.host_account)?;
    let Link { user_id, host, account } = link.clone();
    match services.link_host_account(&admin, link, wanted.ttl_minutes).await {
        Ok(AccountLinked { host, until }) => Ok(created(UserHostLinked {
            expires_at: until.to_rfc3339(),
            host: host.into(),
            host_account: account.into(),
            tms_user_id: user_id.into(),
        })),
        Err(Error::Refused(LinkRefused::NoMfa)) => {
            let sentence = format!("ERROR: {user_id} has no user MFA record; create one first (POST /v1/tms/usermfa).");
            Err(TmsError::Conflict(sentence))
        }
        Err(Error::Refused(LinkRefused::Exists)) => Err(TmsError::Conflict(format!("ERROR: {account} on {host} is already linked to {user_id}."))),
        Err(Error::Internal(fault)) => Err(fault.into()),
    }
}

fn link(user: Text, host: Text, account: Text) -> Result<Link, TmsError> {
    Ok(Link { user_id: user.id("tms_user_id")?, host: host.id("host")?, account: account.id("host_account")? })
}

#[derive(Serialize, ToSchema)]
pub struct UserHostShown {
    created: String,
    expires_at: String,
    host: String,
    host_account: String,
    id: i64,
    tenant: String,
    tms_user_id: String,
    updated: String,
}

impl UserHostShown {
    fn new(tenant: &TenantId, link: HostAccount) -> Self {
        Self {
            created: link.linked_at.to_rfc3339(),
            expires_at: link.expires_at.to_rfc3339(),
            host: link.host,
            host_account: link.account,
            id: link.number,
            tenant: tenant.to_string(),
            tms_user_id: link.user_id.into(),
            updated: link.updated_at.to_rfc3339(),
        }
    }
}

/// Returns a link.
#[utoipa::path(get, path = "/v1/tms/userhosts/{id}", tag = "user hosts", params(("id" = i64, Path)), security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "The link", body = Answer<UserHostShown>), Refused))]
pub async fn get(State(services): State<Services>, AsAdmin(admin): AsAdmin, Number(id): Number) -> Done<UserHostShown> {
    let link = services.find_link(&admin, id).await?.ok_or(TmsError::NOT_FOUND)?;
    Ok(success(UserHostShown::new(admin.tenant_id(), link)))
}

#[derive(Serialize, ToSchema)]
pub struct UserHostList {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    num_users: usize,
    users: Vec<UserHostShown>,
}

/// Lists all links.
#[utoipa::path(get, path = "/v1/tms/userhosts/list", tag = "user hosts", params(Paging), security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "The links", body = Answer<UserHostList>), Refused))]
pub async fn list(State(services): State<Services>, AsAdmin(admin): AsAdmin, Paged(page): Paged) -> Done<UserHostList> {
    let links = services.list_links(&admin, page).await?;
    let next_cursor = page.next(&links, |link| link.number);
    let users: Vec<UserHostShown> = links.into_iter().map(|link| UserHostShown::new(admin.tenant_id(), link)).collect();
    Ok(success(UserHostList { num_users: users.len(), next_cursor, users }))
}

#[derive(Serialize, ToSchema)]
pub struct Extended {
    /// The new expiry, or `UNCHANGED`.
    pub expires_msg: String,
    pub fields_updated: i32,
}

/// Changes the expiry of a link.
#[utoipa::path(patch, path = "/v1/tms/userhosts/upd", tag = "user hosts", request_body = UserHostLink, security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "Number of changed fields", body = Answer<Extended>), Refused))]
pub async fn update(State(services): State<Services>, AsAdmin(admin): AsAdmin, Body(wanted): Body<UserHostLink>) -> Done<Extended> {
    same_tenant(admin.tenant_id(), &wanted.tenant)?;
    let link = link(wanted.tms_user_id, wanted.host, wanted.host_account)?;
    let named = format!("{} on {} of {}", link.account, link.host, link.user_id);
    let until = services.change_link(&admin, link, wanted.ttl_minutes).await?;
    let fields_updated = until.is_some().into();
    let expires_msg = until.map_or_else(|| "UNCHANGED".to_owned(), |until| until.to_rfc3339());
    Ok(saying(format!("{fields_updated} update(s) to {named} completed"), Extended { expires_msg, fields_updated }))
}

#[derive(Deserialize, ToSchema)]
pub struct UserHostUnlink {
    host: Text,
    host_account: Text,
    tenant: Text,
    tms_user_id: Text,
}

/// Unlinks a host account and deletes the keys for it.
#[utoipa::path(delete, path = "/v1/tms/userhosts/del", tag = "user hosts", request_body = UserHostUnlink, security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "Number of deleted records", body = Answer<Deleted>), Refused))]
pub async fn delete(State(services): State<Services>, AsAdmin(admin): AsAdmin, Body(wanted): Body<UserHostUnlink>) -> Done<Deleted> {
    same_tenant(admin.tenant_id(), &wanted.tenant)?;
    let link = link(wanted.tms_user_id, wanted.host, wanted.host_account)?;
    let named = format!("{} on {} of {}", link.account, link.host, link.user_id);
    Ok(deleted(&named, services.unlink_host_account(&admin, link).await?.into()))
}
