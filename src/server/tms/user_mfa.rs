//! `/v1/tms/usermfa…`: until when people's second factors count. For administrators.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::AdminAuth;
use super::error::{ErrorResponses, TmsError};
use super::extractors::{JsonBody, PathSegment, Text, check_tenant};
use super::reply::{
    CreatedResult, DeleteResponse, Pagination, PaginationParams, Reply, ReplyResult, UpdateResponse, ZeroOrOne, created, deleted, reply_with, success,
};
use crate::domain::ids::UserId;
use crate::domain::user_mfa::UserMfa;
use crate::server::service::admin::user_mfa::OpenMfaRefused;
use crate::server::service::{Error, Services};

#[derive(Deserialize, ToSchema)]
pub struct MfaRequest {
    tenant: Text,
    tms_user_id: Text,
    /// Lifetime in minutes; negative means no expiry, 0 means already expired.
    ttl_minutes: i32,
}

#[derive(Serialize, ToSchema)]
pub struct CreatedMfa {
    enabled: bool,
    expires_at: String,
    tms_user_id: String,
}

/// Activates a user's second factor.
#[utoipa::path(post, path = "/v1/tms/usermfa", tag = "user MFA", request_body = MfaRequest, security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 201, description = "Activated", body = Reply<CreatedMfa>), ErrorResponses))]
pub async fn create(
    State(services): State<Services>,
    AdminAuth(admin): AdminAuth,
    JsonBody(request): JsonBody<MfaRequest>,
) -> CreatedResult<CreatedMfa> {
    check_tenant(admin.tenant_id(), &request.tenant)?;
    let user_id: UserId = request.tms_user_id.id("tms_user_id")?;
    match services.open_mfa(&admin, &user_id, request.ttl_minutes).await {
        Ok(until) => Ok(created(CreatedMfa { enabled: true, expires_at: until.to_rfc3339(), tms_user_id: user_id.into() })),
        Err(Error::Refused(OpenMfaRefused)) => Err(TmsError::Conflict(format!("ERROR: a user MFA record for {user_id} already exists."))),
        Err(Error::Internal(fault)) => Err(fault.into()),
    }
}

/// In lists, `enabled` is 1 or 0.
#[derive(Serialize, ToSchema)]
pub struct MfaRecordResponse<Enabled = bool> {
    created: String,
    #[schema(inline)]
    enabled: Enabled,
    expires_at: String,
    id: i64,
    tenant: String,
    tms_user_id: String,
    updated: String,
}

impl<Enabled: From<bool>> From<UserMfa> for MfaRecordResponse<Enabled> {
    fn from(mfa: UserMfa) -> Self {
        Self {
            created: mfa.created_at.to_rfc3339(),
            enabled: mfa.enabled.into(),
            expires_at: mfa.expires_at.to_rfc3339(),
            id: mfa.number,
            tenant: mfa.tenant_id.into(),
            tms_user_id: mfa.user_id.into(),
            updated: mfa.updated_at.to_rfc3339(),
        }
    }
}

/// Returns a user's record.
#[utoipa::path(get, path = "/v1/tms/usermfa/{tms_user_id}", tag = "user MFA", params(("tms_user_id" = String, Path)),
    security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "The record", body = Reply<MfaRecordResponse>), ErrorResponses))]
pub async fn get(State(services): State<Services>, AdminAuth(admin): AdminAuth, PathSegment(user): PathSegment) -> ReplyResult<MfaRecordResponse> {
    let user_id = UserId::parse(user).map_err(|_| TmsError::NOT_FOUND)?;
    Ok(success(services.find_mfa(&admin, &user_id).await?.ok_or(TmsError::NOT_FOUND)?.into()))
}

#[derive(Serialize, ToSchema)]
pub struct MfaList {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    num_users: usize,
    users: Vec<MfaRecordResponse<ZeroOrOne>>,
}

/// Lists the records of all users.
#[utoipa::path(get, path = "/v1/tms/usermfa/list", tag = "user MFA", params(PaginationParams), security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "The records", body = Reply<MfaList>), ErrorResponses))]
pub async fn list(State(services): State<Services>, AdminAuth(admin): AdminAuth, Pagination(page): Pagination) -> ReplyResult<MfaList> {
    let users = services.list_mfa(&admin, page).await?;
    let next_cursor = page.next_cursor(&users, |mfa| mfa.number);
    let users: Vec<MfaRecordResponse<ZeroOrOne>> = users.into_iter().map(MfaRecordResponse::from).collect();
    Ok(success(MfaList { num_users: users.len(), next_cursor, users }))
}

#[derive(Deserialize, ToSchema)]
pub struct MfaUpdate {
    enabled: bool,
    tenant: Text,
    tms_user_id: Text,
}

/// Enables or disables a user's second factor. While it is disabled, no key of the user can log in.
#[utoipa::path(patch, path = "/v1/tms/usermfa/upd", tag = "user MFA", request_body = MfaUpdate, security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "Number of changed fields", body = Reply<UpdateResponse>), ErrorResponses))]
pub async fn update(
    State(services): State<Services>,
    AdminAuth(admin): AdminAuth,
    JsonBody(request): JsonBody<MfaUpdate>,
) -> ReplyResult<UpdateResponse> {
    check_tenant(admin.tenant_id(), &request.tenant)?;
    let user_id: UserId = request.tms_user_id.id("tms_user_id")?;
    let fields_updated = services.set_mfa_enabled(&admin, &user_id, request.enabled).await?.into();
    let sentence = format!("{fields_updated} update(s) to tms_user_id {user_id} completed, enabled = {}", request.enabled);
    Ok(reply_with(sentence, UpdateResponse { fields_updated }))
}

/// Deletes a user's record with their host accounts, delegations, devices, keys and reservations.
#[utoipa::path(delete, path = "/v1/tms/usermfa/del/{tms_user_id}", tag = "user MFA", params(("tms_user_id" = String, Path)),
    security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "Number of deleted records", body = Reply<DeleteResponse>), ErrorResponses))]
pub async fn delete(State(services): State<Services>, AdminAuth(admin): AdminAuth, PathSegment(user): PathSegment) -> ReplyResult<DeleteResponse> {
    let user_id = UserId::parse(user).map_err(|_| TmsError::NOT_FOUND)?;
    Ok(deleted(&format!("User MFA record of {user_id}"), services.delete_mfa(&admin, &user_id).await?.into()))
}
