//! `/v1/tms/tenants…`.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::AdminAuth;
use super::error::{ErrorResponses, TmsError};
use super::extractors::{JsonBody, PathSegment, Text};
use super::reply::{
    CreatedResult, DeleteResponse, Pagination, PaginationParams, Reply, ReplyResult, UpdateResponse, ZeroOrOne, created, deleted, reply_with, success,
};
use crate::domain::ids::TenantId;
use crate::domain::tenant::Tenant;
use crate::server::service::admin::tenants::TenantRefused;
use crate::server::service::platform::setup::FIRST_ADMIN;
use crate::server::service::{Error, Services};

#[derive(Serialize, ToSchema)]
pub struct CreatedTenantResponse {
    admin_id: &'static str,
    /// 48 hexadecimal digits; shown only once.
    admin_secret: String,
    enabled: bool,
    tenant: String,
}

/// Creates a tenant and its first administrator. Requires an administrator of the tenant `default`.
#[utoipa::path(post, path = "/v1/tms/tenants/{tenant}", tag = "tenants", params(("tenant" = String, Path)), security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 201, description = "The tenant", body = Reply<CreatedTenantResponse>), ErrorResponses))]
pub async fn create(
    State(services): State<Services>,
    AdminAuth(admin): AdminAuth,
    PathSegment(tenant): PathSegment,
) -> CreatedResult<CreatedTenantResponse> {
    let id: TenantId = Text(tenant).id("tenant")?;
    let made = services.create_tenant(&admin, &id).await.map_err(tenant_error)?;
    Ok(created(CreatedTenantResponse {
        admin_id: FIRST_ADMIN,
        admin_secret: made.admin_secret.reveal().to_owned(),
        enabled: true,
        tenant: id.into(),
    }))
}

fn tenant_error(error: Error<TenantRefused>) -> TmsError {
    match error {
        Error::Refused(TenantRefused::NotAllowed) => {
            TmsError::Forbidden("ERROR: FORBIDDEN - Only admin users in the 'default' tenant can create new tenants, or act on another one.".into())
        }
        Error::Refused(TenantRefused::Exists) => TmsError::Conflict("ERROR: a tenant with this name already exists.".into()),
        Error::Refused(TenantRefused::Default) => {
            TmsError::Forbidden("ERROR: FORBIDDEN - the tenant 'default' cannot be disabled or deleted.".into())
        }
        Error::Refused(TenantRefused::InUse(table)) => {
            TmsError::Conflict(format!("ERROR: the tenant is not empty: it has {}. Remove them first, or wipe the tenant.", table.replace('_', " ")))
        }
        Error::Refused(TenantRefused::NotArchived) => TmsError::Conflict(
            "ERROR: the tenant keeps its audit events until they are archived, and some are not. Archive them (tms-portal activity archive), or set \
             --archive-first false first."
                .into(),
        ),
        Error::Internal(fault) => fault.into(),
    }
}

/// In lists, `enabled` is 1 or 0.
#[derive(Serialize, ToSchema)]
pub struct TenantResponse<Enabled = bool> {
    created: String,
    #[schema(inline)]
    enabled: Enabled,
    id: i64,
    tenant: String,
    updated: String,
}

impl<Enabled: From<bool>> From<Tenant> for TenantResponse<Enabled> {
    fn from(tenant: Tenant) -> Self {
        Self {
            created: tenant.created_at.to_rfc3339(),
            enabled: tenant.enabled.into(),
            id: tenant.row_id,
            tenant: tenant.id.into(),
            updated: tenant.updated_at.to_rfc3339(),
        }
    }
}

/// Returns a tenant, enabled or not.
#[utoipa::path(get, path = "/v1/tms/tenants/{tenant}", tag = "tenants", params(("tenant" = String, Path)), security(()),
    responses((status = 200, description = "The tenant", body = Reply<TenantResponse>), ErrorResponses))]
pub async fn get(State(services): State<Services>, PathSegment(tenant): PathSegment) -> ReplyResult<TenantResponse> {
    let id = TenantId::parse(tenant).map_err(|_| TmsError::NOT_FOUND)?;
    Ok(success(services.find_tenant(&id).await?.ok_or(TmsError::NOT_FOUND)?.into()))
}

#[derive(Serialize, ToSchema)]
pub struct TenantList {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    num_tenants: usize,
    tenants: Vec<TenantResponse<ZeroOrOne>>,
}

/// Lists all tenants.
#[utoipa::path(get, path = "/v1/tms/tenants/list", tag = "tenants", params(PaginationParams), security(()),
    responses((status = 200, description = "The tenants", body = Reply<TenantList>), ErrorResponses))]
pub async fn list(State(services): State<Services>, Pagination(page): Pagination) -> ReplyResult<TenantList> {
    let tenants = services.list_tenants(page).await?;
    let next_cursor = page.next_cursor(&tenants, |tenant| tenant.row_id);
    let tenants: Vec<TenantResponse<ZeroOrOne>> = tenants.into_iter().map(TenantResponse::from).collect();
    Ok(success(TenantList { num_tenants: tenants.len(), next_cursor, tenants }))
}

#[derive(Deserialize, ToSchema)]
pub struct TenantUpdate {
    enabled: bool,
    tenant: Text,
}

/// Enables or disables a tenant. Administrators of `default` may do this for every tenant.
#[utoipa::path(patch, path = "/v1/tms/tenants/upd", tag = "tenants", request_body = TenantUpdate, security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "Number of changed fields", body = Reply<UpdateResponse>), ErrorResponses))]
pub async fn update(
    State(services): State<Services>,
    AdminAuth(admin): AdminAuth,
    JsonBody(request): JsonBody<TenantUpdate>,
) -> ReplyResult<UpdateResponse> {
    let id: TenantId = request.tenant.id("tenant")?;
    let fields_updated = services.set_tenant_enabled(&admin, &id, request.enabled).await.map_err(tenant_error)?.into();
    let sentence = format!("{fields_updated} update(s) to tenant {id} completed, enabled = {}", request.enabled);
    Ok(reply_with(sentence, UpdateResponse { fields_updated }))
}

/// Deletes an empty tenant.
#[utoipa::path(delete, path = "/v1/tms/tenants/del/{tenant}", tag = "tenants", params(("tenant" = String, Path)), security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "Number of deleted records", body = Reply<DeleteResponse>), ErrorResponses))]
pub async fn delete(State(services): State<Services>, AdminAuth(admin): AdminAuth, PathSegment(tenant): PathSegment) -> ReplyResult<DeleteResponse> {
    let id: TenantId = Text(tenant).id("tenant")?;
    let rows = services.delete_tenant(&admin, &id, false).await.map_err(tenant_error)?;
    Ok(deleted(&format!("Tenant {id}"), rows))
}

/// Deletes a tenant with all its data.
#[utoipa::path(delete, path = "/v1/tms/tenants/wipe/{tenant}", tag = "tenants", params(("tenant" = String, Path)), security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "Number of deleted records", body = Reply<DeleteResponse>), ErrorResponses))]
pub async fn wipe(State(services): State<Services>, AdminAuth(admin): AdminAuth, PathSegment(tenant): PathSegment) -> ReplyResult<DeleteResponse> {
    let id: TenantId = Text(tenant).id("tenant")?;
    let rows = services.delete_tenant(&admin, &id, true).await.map_err(tenant_error)?;
    Ok(if rows == 0 {
        deleted(&format!("Tenant {id}"), 0)
    } else {
        reply_with(format!("Tenant {id} and dependencies wiped"), DeleteResponse { num_deleted: rows })
    })
}
