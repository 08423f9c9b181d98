//! `/v1/tms/client…`: the applications of a tenant.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::{ClientIp, ClientOrAdminAuth, OptionalAdminAuth, client_access, tenant_not_enabled};
use super::error::{ErrorResponses, TmsError};
use super::extractors::{JsonBody, PathSegment, QueryParams, Text};
use super::reply::{
    CreatedResult, DeleteResponse, Pagination, PaginationParams, Reply, ReplyResult, UpdateResponse, ZeroOrOne, created, deleted, reply_with, success,
};
use crate::domain::client::Client;
use crate::domain::ids::ClientId;
use crate::server::middleware::rate_limit::network;
use crate::server::service::admin::clients::{ClientChanges, ClientRegistrationRefused, ClientUpdateRefused};
use crate::server::service::admin::secret_rotation::DEFAULT_ROTATION_OVERLAP;
use crate::server::service::auth::principals::ClientAccess;
use crate::server::service::{Error, Principal, Services};
use crate::server::state::AppState;

#[derive(Deserialize, ToSchema)]
pub struct ClientRegistration {
    app_name: Text,
    app_version: Text,
    client_id: Text,
    tenant: Text,
}

#[derive(Serialize, ToSchema)]
pub struct ClientRegistrationResponse {
    client_id: String,
    /// 48 hexadecimal digits; shown only once.
    client_secret: String,
}

/// Registers a client. Requires an administrator of the tenant, unless the tenant's policy has open registration.
#[utoipa::path(post, path = "/v1/tms/client", tag = "clients", request_body = ClientRegistration,
    security((), ("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 201, description = "Registered", body = Reply<ClientRegistrationResponse>), ErrorResponses))]
pub async fn create(
    State(state): State<AppState>,
    ClientIp(from): ClientIp,
    OptionalAdminAuth(admin): OptionalAdminAuth,
    JsonBody(request): JsonBody<ClientRegistration>,
) -> CreatedResult<ClientRegistrationResponse> {
    let id: ClientId = request.client_id.id("client_id")?;
    let tenant_id = request.tenant.id("tenant").map_err(|_| tenant_not_enabled())?;
    let (app_name, app_version) = (request.app_name.display_text("app_name")?, request.app_version.display_text("app_version")?);
    let new = Client::new(tenant_id, id.clone(), app_name, app_version, state.services.now());
    if admin.is_none() {
        state.limits.registrations.check(&network(from)).map_err(TmsError::TooManyRequests)?;
    }
    let secret = state.services.register_client(admin.as_ref(), new, from).await?;
    Ok(created(ClientRegistrationResponse { client_id: id.into(), client_secret: secret.reveal().to_owned() }))
}

impl From<Error<ClientRegistrationRefused>> for TmsError {
    fn from(error: Error<ClientRegistrationRefused>) -> Self {
        match error {
            Error::Refused(ClientRegistrationRefused::NoTenant) => tenant_not_enabled(),
            Error::Refused(ClientRegistrationRefused::ClosedByAutoProvisioning) => {
                Self::BadRequest("Client creation is disallowed: in MVP mode, only the tenant's administrators can register clients.".into())
            }
            Error::Refused(ClientRegistrationRefused::Closed) => {
                Self::NotAuthorized("ERROR: NOT AUTHORIZED - only the tenant's administrators can register clients.".into())
            }
            Error::Refused(ClientRegistrationRefused::Exists) => {
                Self::Conflict("ERROR: a client with this client_id, or with this app_name and app_version, already exists.".into())
            }
            Error::Internal(fault) => fault.into(),
        }
    }
}

/// In lists, `enabled` is 1 or 0.
#[derive(Serialize, ToSchema)]
pub struct ClientResponse<Enabled = bool> {
    app_name: String,
    app_version: String,
    client_id: String,
    created: String,
    #[schema(inline)]
    enabled: Enabled,
    id: i64,
    tenant: String,
    updated: String,
}

impl<Enabled: From<bool>> From<Client> for ClientResponse<Enabled> {
    fn from(client: Client) -> Self {
        Self {
            app_name: client.app_name,
            app_version: client.app_version,
            client_id: client.id.into(),
            created: client.created_at.to_rfc3339(),
            enabled: client.enabled.into(),
            id: client.number,
            tenant: client.tenant_id.into(),
            updated: client.updated_at.to_rfc3339(),
        }
    }
}

/// Returns a client, without its secret.
#[utoipa::path(get, path = "/v1/tms/client/{client_id}", tag = "clients", params(("client_id" = String, Path)),
    security(("tenant" = [], "client_id" = [], "client_secret" = []), ("client_token" = []), ("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "The client", body = Reply<ClientResponse>), ErrorResponses))]
pub async fn get(State(services): State<Services>, principal: ClientOrAdminAuth, PathSegment(id): PathSegment) -> ReplyResult<ClientResponse> {
    let principal = principal.with_any_scope();
    let id = path_client_access(&principal, id)?.into_client_id();
    let client = services.find_client(principal, &id).await?.ok_or(TmsError::NOT_FOUND)?;
    Ok(success(client.into()))
}

#[derive(Serialize, ToSchema)]
pub struct ClientList {
    clients: Vec<ClientResponse<ZeroOrOne>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    num_clients: usize,
}

/// Lists the tenant's clients; a client sees only itself.
#[utoipa::path(get, path = "/v1/tms/client/list", tag = "clients", params(PaginationParams),
    security(("tenant" = [], "client_id" = [], "client_secret" = []), ("client_token" = []), ("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "The clients", body = Reply<ClientList>), ErrorResponses))]
pub async fn list(State(services): State<Services>, principal: ClientOrAdminAuth, Pagination(page): Pagination) -> ReplyResult<ClientList> {
    let principal = principal.with_any_scope();
    let clients = services.list_clients(&principal, page).await?;
    let next_cursor = page.next_cursor(&clients, |client| client.number);
    let clients: Vec<ClientResponse<ZeroOrOne>> = clients.into_iter().map(ClientResponse::from).collect();
    Ok(success(ClientList { num_clients: clients.len(), next_cursor, clients }))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ClientUpdate {
    app_version: Option<String>,
    enabled: Option<bool>,
}

/// Changes a client's version, or enables or disables it. The requests of a disabled client are refused, and its keys cannot log in.
#[utoipa::path(patch, path = "/v1/tms/client/upd/{client_id}", tag = "clients", params(("client_id" = String, Path), ClientUpdate),
    security(("tenant" = [], "client_id" = [], "client_secret" = []), ("client_token" = []), ("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "Number of changed fields", body = Reply<UpdateResponse>), ErrorResponses))]
pub async fn update(
    State(services): State<Services>,
    principal: ClientOrAdminAuth,
    PathSegment(id): PathSegment,
    QueryParams(request): QueryParams<ClientUpdate>,
) -> ReplyResult<UpdateResponse> {
    let principal = principal.with_any_scope();
    let access = path_client_access(&principal, id.clone())?;
    let app_version = request.app_version.map(|version| Text(version).display_text("app_version")).transpose()?;
    let changes = ClientChanges { app_version, enabled: request.enabled };
    let fields_updated = i32::from(changes.app_version.is_some()) + i32::from(changes.enabled.is_some());
    if fields_updated == 0 {
        return Ok(reply_with("No updates specified", UpdateResponse { fields_updated }));
    }
    match services.update_client(&access, changes).await {
        Ok(()) => Ok(reply_with(format!("{fields_updated} update(s) to client {id} completed"), UpdateResponse { fields_updated })),
        Err(Error::Refused(ClientUpdateRefused::NotFound)) => {
            Ok(reply_with(format!("0 update(s) to client {id} completed"), UpdateResponse { fields_updated: 0 }))
        }
        Err(error) => Err(change_error(error)),
    }
}

fn change_error(error: Error<ClientUpdateRefused>) -> TmsError {
    match error {
        Error::Refused(ClientUpdateRefused::NotFound) => TmsError::NOT_FOUND,
        Error::Refused(ClientUpdateRefused::Exists) => {
            TmsError::Conflict("ERROR: another client with this app_name and app_version already exists.".into())
        }
        Error::Refused(ClientUpdateRefused::NoSecret) => TmsError::Conflict("ERROR: this client has no secret.".into()),
        Error::Internal(fault) => fault.into(),
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RotationParams {
    /// Minutes for which the old secret keeps working; 60 if omitted. Use 0 if it has leaked.
    #[param(minimum = 0, maximum = 10_080)]
    overlap_minutes: Option<u32>,
}

impl RotationParams {
    /// The longest overlap, in minutes: a week.
    const MAX_OVERLAP_MINUTES: u32 = 7 * 24 * 60;

    pub fn overlap(&self) -> Result<Duration, TmsError> {
        match self.overlap_minutes {
            None => Ok(DEFAULT_ROTATION_OVERLAP),
            Some(minutes @ 0..=Self::MAX_OVERLAP_MINUTES) => Ok(Duration::from_secs(u64::from(minutes) * 60)),
            Some(_) => Err(TmsError::BadRequest(format!("ERROR: overlap_minutes must be 0 to {}.", Self::MAX_OVERLAP_MINUTES))),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct ClientSecret {
    client_id: String,
    /// 48 hexadecimal digits; shown only once.
    client_secret: String,
    /// Until when the old secret also works.
    old_secret_until: String,
    tenant: String,
}

/// Rotates a client's secret. The old one keeps working for a while, so that a running service can change over.
#[utoipa::path(patch, path = "/v1/tms/client/secret/{client_id}", tag = "clients", params(("client_id" = String, Path), RotationParams),
    security(("tenant" = [], "client_id" = [], "client_secret" = []), ("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "The new secret", body = Reply<ClientSecret>), ErrorResponses))]
pub async fn rotate(
    State(services): State<Services>,
    principal: ClientOrAdminAuth,
    PathSegment(id): PathSegment,
    QueryParams(rotation): QueryParams<RotationParams>,
) -> ReplyResult<ClientSecret> {
    let principal = principal.with_credentials()?;
    let overlap = rotation.overlap()?;
    let rotated = services.rotate_client_secret(&path_client_access(&principal, id.clone())?, overlap).await.map_err(change_error)?;
    let sentence = format!("Secret updated for client {id}");
    Ok(reply_with(
        sentence,
        ClientSecret {
            client_id: id,
            client_secret: rotated.secret.reveal().to_owned(),
            old_secret_until: rotated.old_until.to_rfc3339(),
            tenant: principal.tenant_id().to_string(),
        },
    ))
}

/// Deletes a client with its delegations, keys and reservations.
#[utoipa::path(delete, path = "/v1/tms/client/del/{client_id}", tag = "clients", params(("client_id" = String, Path)),
    security(("tenant" = [], "client_id" = [], "client_secret" = []), ("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "Number of deleted records", body = Reply<DeleteResponse>), ErrorResponses))]
pub async fn delete(
    State(services): State<Services>,
    principal: ClientOrAdminAuth,
    PathSegment(id): PathSegment,
) -> Result<Json<Reply<DeleteResponse>>, TmsError> {
    let principal = principal.with_credentials()?;
    let was_there = services.delete_client(&path_client_access(&principal, id.clone())?).await?;
    Ok(deleted(&format!("Client {id}"), was_there.into()))
}

/// Permission to act on the client in the path.
pub fn path_client_access(principal: &Principal, id: String) -> Result<ClientAccess, TmsError> {
    client_access(principal, ClientId::parse(id).map_err(|_| TmsError::NOT_FOUND)?, "Path")
}
