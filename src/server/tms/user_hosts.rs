//! `/v1/tms/userhosts…`: the links between host accounts and people. For administrators.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::AdminAuth;
use super::error::{ErrorResponses, TmsError};
use super::extractors::{JsonBody, RowId, Text, check_tenant};
use super::reply::{CreatedResult, DeleteResponse, Pagination, PaginationParams, Reply, ReplyResult, created, deleted, reply_with, success};
use crate::domain::host_account::HostAccount;
use crate::domain::ids::TenantId;
use crate::server::service::host_accounts::{HostAccountRef, LinkRefused, LinkedHostAccount};
use crate::server::service::{Error, Services};

#[derive(Deserialize, ToSchema)]
pub struct UserHostLinkRequest {
    host: Text,
    host_account: Text,
    tenant: Text,
    tms_user_id: Text,
    /// Lifetime in minutes; negative means no expiry, 0 means already expired.
    ttl_minutes: i32,
}

#[derive(Serialize, ToSchema)]
pub struct CreatedUserHost {
    expires_at: String,
    host: String,
    host_account: String,
    tms_user_id: String,
}

/// Links a host account to a user.
#[utoipa::path(post, path = "/v1/tms/userhosts", tag = "user hosts", request_body = UserHostLinkRequest, security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 201, description = "Linked", body = Reply<CreatedUserHost>), ErrorResponses))]
pub async fn create(
    State(services): State<Services>,
    AdminAuth(admin): AdminAuth,
    JsonBody(request): JsonBody<UserHostLinkRequest>,
) -> CreatedResult<CreatedUserHost> {
    check_tenant(admin.tenant_id(), &request.tenant)?;
    let link = host_account_ref(request.tms_user_id, request.host, request.host_account)?;
    let HostAccountRef { user_id, host, account } = link.clone();
    match services.link_host_account(&admin, link, request.ttl_minutes).await {
        Ok(LinkedHostAccount { host, until }) => Ok(created(CreatedUserHost {
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

fn host_account_ref(user: Text, host: Text, account: Text) -> Result<HostAccountRef, TmsError> {
    Ok(HostAccountRef { user_id: user.id("tms_user_id")?, host: host.id("host")?, account: account.id("host_account")? })
}

#[derive(Serialize, ToSchema)]
pub struct UserHostResponse {
    created: String,
    expires_at: String,
    host: String,
    host_account: String,
    id: i64,
    tenant: String,
    tms_user_id: String,
    updated: String,
}

impl UserHostResponse {
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
    responses((status = 200, description = "The link", body = Reply<UserHostResponse>), ErrorResponses))]
pub async fn get(State(services): State<Services>, AdminAuth(admin): AdminAuth, RowId(id): RowId) -> ReplyResult<UserHostResponse> {
    let link = services.find_link(&admin, id).await?.ok_or(TmsError::NOT_FOUND)?;
    Ok(success(UserHostResponse::new(admin.tenant_id(), link)))
}

#[derive(Serialize, ToSchema)]
pub struct UserHostList {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    num_users: usize,
    users: Vec<UserHostResponse>,
}

/// Lists all links.
#[utoipa::path(get, path = "/v1/tms/userhosts/list", tag = "user hosts", params(PaginationParams), security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "The links", body = Reply<UserHostList>), ErrorResponses))]
pub async fn list(State(services): State<Services>, AdminAuth(admin): AdminAuth, Pagination(page): Pagination) -> ReplyResult<UserHostList> {
    let links = services.list_links(&admin, page).await?;
    let next_cursor = page.next_cursor(&links, |link| link.number);
    let users: Vec<UserHostResponse> = links.into_iter().map(|link| UserHostResponse::new(admin.tenant_id(), link)).collect();
    Ok(success(UserHostList { num_users: users.len(), next_cursor, users }))
}

#[derive(Serialize, ToSchema)]
pub struct ExpiryUpdateResponse {
    /// The new expiry, or `UNCHANGED`.
    pub expires_msg: String,
    pub fields_updated: i32,
}

/// Changes the expiry of a link.
#[utoipa::path(patch, path = "/v1/tms/userhosts/upd", tag = "user hosts", request_body = UserHostLinkRequest, security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "Number of changed fields", body = Reply<ExpiryUpdateResponse>), ErrorResponses))]
pub async fn update(
    State(services): State<Services>,
    AdminAuth(admin): AdminAuth,
    JsonBody(request): JsonBody<UserHostLinkRequest>,
) -> ReplyResult<ExpiryUpdateResponse> {
    check_tenant(admin.tenant_id(), &request.tenant)?;
    let link = host_account_ref(request.tms_user_id, request.host, request.host_account)?;
    let named = format!("{} on {} of {}", link.account, link.host, link.user_id);
    let until = services.set_link_expiry(&admin, link, request.ttl_minutes).await?;
    let fields_updated = until.is_some().into();
    let expires_msg = until.map_or_else(|| "UNCHANGED".to_owned(), |until| until.to_rfc3339());
    Ok(reply_with(format!("{fields_updated} update(s) to {named} completed"), ExpiryUpdateResponse { expires_msg, fields_updated }))
}

#[derive(Deserialize, ToSchema)]
pub struct UserHostUnlinkRequest {
    host: Text,
    host_account: Text,
    tenant: Text,
    tms_user_id: Text,
}

/// Unlinks a host account and deletes the keys for it.
#[utoipa::path(delete, path = "/v1/tms/userhosts/del", tag = "user hosts", request_body = UserHostUnlinkRequest, security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "Number of deleted records", body = Reply<DeleteResponse>), ErrorResponses))]
pub async fn delete(
    State(services): State<Services>,
    AdminAuth(admin): AdminAuth,
    JsonBody(request): JsonBody<UserHostUnlinkRequest>,
) -> ReplyResult<DeleteResponse> {
    check_tenant(admin.tenant_id(), &request.tenant)?;
    let link = host_account_ref(request.tms_user_id, request.host, request.host_account)?;
    let named = format!("{} on {} of {}", link.account, link.host, link.user_id);
    Ok(deleted(&named, services.unlink_host_account(&admin, link).await?.into()))
}
