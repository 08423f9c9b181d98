//! `/v1/tms/delegations…`: which clients may act for whom. For administrators.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::AdminAuth;
use super::error::{ErrorResponses, TmsError};
use super::extractors::{JsonBody, RowId, Text, check_tenant};
use super::reply::{CreatedResult, DeleteResponse, Pagination, PaginationParams, Reply, ReplyResult, created, deleted, reply_with, success};
use super::user_hosts::ExpiryUpdateResponse;
use crate::domain::delegation::Delegation;
use crate::domain::ids::{ClientId, UserId};
use crate::server::service::authorizations::delegations::DelegationRefused;
use crate::server::service::{Error, Services};

#[derive(Deserialize, ToSchema)]
pub struct DelegationRequest {
    client_id: Text,
    client_user_id: Text,
    tenant: Text,
    /// Lifetime in minutes; negative means no expiry, 0 means already expired.
    ttl_minutes: i32,
}

#[derive(Serialize, ToSchema)]
pub struct CreatedDelegation {
    client_id: String,
    client_user_id: String,
    expires_at: String,
}

/// Allows a client to act for a user, on all their host accounts.
#[utoipa::path(post, path = "/v1/tms/delegations", tag = "delegations", request_body = DelegationRequest, security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 201, description = "Delegated", body = Reply<CreatedDelegation>), ErrorResponses))]
pub async fn create(
    State(services): State<Services>,
    AdminAuth(admin): AdminAuth,
    JsonBody(request): JsonBody<DelegationRequest>,
) -> CreatedResult<CreatedDelegation> {
    check_tenant(admin.tenant_id(), &request.tenant)?;
    let (client_id, user_id) = parties(request.client_id, request.client_user_id)?;
    match services.create_delegation(&admin, &client_id, &user_id, request.ttl_minutes).await {
        Ok(until) => Ok(created(CreatedDelegation { client_id: client_id.into(), client_user_id: user_id.into(), expires_at: until.to_rfc3339() })),
        Err(Error::Refused(refused)) => Err(TmsError::Conflict(match refused {
            DelegationRefused::NoClient => format!("ERROR: client {client_id} does not exist."),
            DelegationRefused::NoPerson => format!("ERROR: user {user_id} does not exist; create a user MFA record first (POST /v1/tms/usermfa)."),
            DelegationRefused::Exists => format!("ERROR: a delegation of {user_id} to {client_id} already exists."),
        })),
        Err(Error::Internal(fault)) => Err(fault.into()),
    }
}

fn parties(client: Text, user: Text) -> Result<(ClientId, UserId), TmsError> {
    Ok((client.id("client_id")?, user.id("client_user_id")?))
}

#[derive(Serialize, ToSchema)]
pub struct DelegationResponse {
    client_id: String,
    client_user_id: String,
    created: String,
    expires_at: String,
    id: i64,
    /// `admin`: an administrator; `person`: the user, by consent in the portal; `mvp`: created in MVP mode.
    made_by: &'static str,
    tenant: String,
    updated: String,
}

impl From<Delegation> for DelegationResponse {
    fn from(delegation: Delegation) -> Self {
        Self {
            client_id: delegation.client_id.into(),
            client_user_id: delegation.user_id.into(),
            created: delegation.created_at.to_rfc3339(),
            expires_at: delegation.expires_at.to_rfc3339(),
            id: delegation.number,
            made_by: delegation.made_by.as_str(),
            tenant: delegation.tenant_id.into(),
            updated: delegation.updated_at.to_rfc3339(),
        }
    }
}

/// Returns a delegation.
#[utoipa::path(get, path = "/v1/tms/delegations/{id}", tag = "delegations", params(("id" = i64, Path)), security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "The delegation", body = Reply<DelegationResponse>), ErrorResponses))]
pub async fn get(State(services): State<Services>, AdminAuth(admin): AdminAuth, RowId(id): RowId) -> ReplyResult<DelegationResponse> {
    Ok(success(services.find_delegation(&admin, id).await?.ok_or(TmsError::NOT_FOUND)?.into()))
}

/// TMS calls them `users` here too.
#[derive(Serialize, ToSchema)]
pub struct DelegationList {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    num_users: usize,
    users: Vec<DelegationResponse>,
}

/// Lists all delegations, including those that users granted in the portal.
#[utoipa::path(get, path = "/v1/tms/delegations/list", tag = "delegations", params(PaginationParams), security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "The delegations", body = Reply<DelegationList>), ErrorResponses))]
pub async fn list(State(services): State<Services>, AdminAuth(admin): AdminAuth, Pagination(page): Pagination) -> ReplyResult<DelegationList> {
    let delegations = services.list_delegations(&admin, page).await?;
    let next_cursor = page.next_cursor(&delegations, |delegation| delegation.number);
    let users: Vec<DelegationResponse> = delegations.into_iter().map(DelegationResponse::from).collect();
    Ok(success(DelegationList { num_users: users.len(), next_cursor, users }))
}

/// Changes the expiry of a delegation that an administrator created. Users change what they granted themselves.
#[utoipa::path(patch, path = "/v1/tms/delegations/upd", tag = "delegations", request_body = DelegationRequest, security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "Number of changed fields", body = Reply<ExpiryUpdateResponse>), ErrorResponses))]
pub async fn update(
    State(services): State<Services>,
    AdminAuth(admin): AdminAuth,
    JsonBody(request): JsonBody<DelegationRequest>,
) -> ReplyResult<ExpiryUpdateResponse> {
    check_tenant(admin.tenant_id(), &request.tenant)?;
    let (client_id, user_id) = parties(request.client_id, request.client_user_id)?;
    let until = services.set_delegation_expiry(&admin, &client_id, &user_id, request.ttl_minutes).await?;
    let fields_updated = until.is_some().into();
    let expires_msg = until.map_or_else(|| "UNCHANGED".to_owned(), |until| until.to_rfc3339());
    let sentence = format!("{fields_updated} update(s) to the delegation of {user_id} to {client_id} completed");
    Ok(reply_with(sentence, ExpiryUpdateResponse { expires_msg, fields_updated }))
}

#[derive(Deserialize, ToSchema)]
pub struct DelegationRevocation {
    client_id: Text,
    client_user_id: Text,
    tenant: Text,
}

/// Revokes everything a client may do for a user, including what the user granted, and deletes the keys it created for them.
#[utoipa::path(delete, path = "/v1/tms/delegations/del", tag = "delegations", request_body = DelegationRevocation, security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "Number of deleted records", body = Reply<DeleteResponse>), ErrorResponses))]
pub async fn delete(
    State(services): State<Services>,
    AdminAuth(admin): AdminAuth,
    JsonBody(request): JsonBody<DelegationRevocation>,
) -> ReplyResult<DeleteResponse> {
    check_tenant(admin.tenant_id(), &request.tenant)?;
    let (client_id, user_id) = parties(request.client_id, request.client_user_id)?;
    let ended = services.revoke_delegation(&admin, &client_id, &user_id).await?;
    Ok(deleted(&format!("Delegation of {user_id} to {client_id}"), ended.permissions))
}
