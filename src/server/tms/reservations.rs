//! `/v1/tms/reservations…`: leases on keys.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::{ClientAuth, ClientOrAdminAuth};
use super::clients::path_client_access;
use super::error::{ErrorResponses, TmsError};
use super::extractors::{JsonBody, PathSegmentPair, Text};
use super::reply::{CreatedResult, DeleteResponse, Reply, ReplyResult, created, deleted, success};
use crate::domain::reservation::Reservation;
use crate::domain::scope::Scope;
use crate::domain::ssh_key::DependencyError;
use crate::server::service::ssh_keys::reservations::{KeyReference, ReservationRefused};
use crate::server::service::{AuthenticatedClient, Error, Services};

#[derive(Deserialize, ToSchema)]
pub struct ReservationRequest {
    client_user_id: Text,
    host: Text,
    public_key_fingerprint: Text,
    /// Lifetime in minutes; at most 2880, which is also the meaning of a negative number.
    ttl_minutes: i32,
}

#[derive(Serialize, ToSchema)]
pub struct CreatedReservation {
    expires_at: String,
    parent_resid: String,
    resid: String,
}

impl From<Reservation> for CreatedReservation {
    fn from(reservation: Reservation) -> Self {
        Self { expires_at: reservation.expires_at.to_rfc3339(), parent_resid: reservation.parent_resid, resid: reservation.resid }
    }
}

/// Keeps a key valid beyond its expiry, for at most 48 hours. Its logins still count, and it can still be revoked.
#[utoipa::path(post, path = "/v1/tms/reservations", tag = "reservations", request_body = ReservationRequest, security(("tenant" = [], "client_id" = [], "client_secret" = []), ("client_token" = ["keys:create"])),
    responses((status = 201, description = "Reserved", body = Reply<CreatedReservation>), ErrorResponses))]
pub async fn create(
    State(services): State<Services>,
    client: ClientAuth,
    JsonBody(request): JsonBody<ReservationRequest>,
) -> CreatedResult<CreatedReservation> {
    let client = client.with(Scope::KeysCreate)?;
    let named = key_reference(request.client_user_id, request.host, request.public_key_fingerprint)?;
    let refused = |error| reservation_error(error, &client, &named);
    Ok(created(services.reserve_key(&client, named.clone(), request.ttl_minutes).await.map_err(refused)?.into()))
}

#[derive(Deserialize, ToSchema)]
pub struct ReservationExtension {
    client_user_id: Text,
    host: Text,
    parent_resid: Text,
    public_key_fingerprint: Text,
}

/// Adds a reservation that expires with the one it extends, for the key of another service that takes part in the same work.
#[utoipa::path(post, path = "/v1/tms/reservations/extend", tag = "reservations", request_body = ReservationExtension, security(("tenant" = [], "client_id" = [], "client_secret" = []), ("client_token" = ["keys:create"])),
    responses((status = 201, description = "Reserved", body = Reply<CreatedReservation>), ErrorResponses))]
pub async fn extend(
    State(services): State<Services>,
    client: ClientAuth,
    JsonBody(request): JsonBody<ReservationExtension>,
) -> CreatedResult<CreatedReservation> {
    let client = client.with(Scope::KeysCreate)?;
    let named = key_reference(request.client_user_id, request.host, request.public_key_fingerprint)?;
    let refused = |error| reservation_error(error, &client, &named);
    Ok(created(services.extend_reservation(&client, named.clone(), &request.parent_resid.0).await.map_err(refused)?.into()))
}

fn key_reference(user: Text, host: Text, fingerprint: Text) -> Result<KeyReference, TmsError> {
    Ok(KeyReference { user_id: user.id("client_user_id")?, host: host.id("host")?, fingerprint: fingerprint.0 })
}

fn reservation_error(error: Error<ReservationRefused>, client: &AuthenticatedClient, named: &KeyReference) -> TmsError {
    let (id, user, host) = (&client.client().id, &named.user_id, &named.host);
    match error {
        Error::Refused(ReservationRefused::KeyNotFound) => {
            TmsError::NotFound(format!("NOT FOUND: No pubkey for client {id}, client_user_id {user} on host {host}.").into())
        }
        Error::Refused(ReservationRefused::NoUsesLeft) => {
            TmsError::Forbidden(format!("The pubkey of client {id} on host {host} has no remaining uses."))
        }
        Error::Refused(ReservationRefused::KeyExpired(at)) => {
            TmsError::Forbidden(format!("The pubkey of client {id} on host {host} expired at {}.", at.to_rfc3339()))
        }
        Error::Refused(ReservationRefused::DependencyMissing(missing)) => {
            TmsError::Forbidden(format!("Missing or expired dependency: {}.", dependency_name(missing)))
        }
        Error::Refused(ReservationRefused::ParentNotFound) => TmsError::NotFound("NOT_FOUND: Reservation not found for the client.".into()),
        Error::Refused(ReservationRefused::ParentIsChild) => {
            TmsError::Forbidden("The reservation extends another one; extend that one instead.".into())
        }
        Error::Refused(ReservationRefused::ParentExpired(at)) => TmsError::Forbidden(format!("The reservation expired at {}.", at.to_rfc3339())),
        Error::Internal(fault) => fault.into(),
    }
}

fn dependency_name(missing: DependencyError) -> &'static str {
    match missing {
        DependencyError::PersonDisabled => "the user is disabled",
        DependencyError::Mfa | DependencyError::MfaDisabled | DependencyError::MfaExpired(_) => "the user's MFA",
        DependencyError::Link | DependencyError::LinkExpired(_) => "the user's host account",
        DependencyError::Delegation | DependencyError::DelegationExpired(_) => "the delegation",
    }
}

#[derive(Serialize, ToSchema)]
pub struct ReservationResponse {
    client_id: String,
    client_user_id: String,
    created: String,
    expires_at: String,
    host: String,
    id: i64,
    parent_resid: String,
    public_key_fingerprint: String,
    resid: String,
    tenant: String,
    updated: String,
}

/// Returns a reservation of the client in the path.
#[utoipa::path(get, path = "/v1/tms/reservations/{client_id}/{resid}", tag = "reservations", params(("client_id" = String, Path), ("resid" = String, Path)),
    security(("tenant" = [], "client_id" = [], "client_secret" = []), ("client_token" = ["keys:read"]), ("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "The reservation", body = Reply<ReservationResponse>), ErrorResponses))]
pub async fn get(
    State(services): State<Services>,
    principal: ClientOrAdminAuth,
    PathSegmentPair(client, resid): PathSegmentPair,
) -> ReplyResult<ReservationResponse> {
    let principal = principal.with(Scope::KeysRead)?;
    let found = services.find_reservation(&path_client_access(&principal, client)?, &resid).await?.ok_or(TmsError::NOT_FOUND)?;
    Ok(success(ReservationResponse {
        client_id: found.client_id.into(),
        client_user_id: found.user_id.into(),
        created: found.created_at.to_rfc3339(),
        expires_at: found.expires_at.to_rfc3339(),
        host: found.host.into(),
        id: found.number,
        parent_resid: found.parent_resid,
        public_key_fingerprint: found.fingerprint,
        resid: found.resid,
        tenant: found.tenant_id.into(),
        updated: found.updated_at.to_rfc3339(),
    }))
}

/// Ends a reservation.
#[utoipa::path(delete, path = "/v1/tms/reservations/del/{client_id}/{resid}", tag = "reservations", params(("client_id" = String, Path), ("resid" = String, Path)),
    security(("tenant" = [], "client_id" = [], "client_secret" = []), ("client_token" = ["keys:revoke"]), ("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "Number of ended reservations", body = Reply<DeleteResponse>), ErrorResponses))]
pub async fn delete(
    State(services): State<Services>,
    principal: ClientOrAdminAuth,
    PathSegmentPair(client, resid): PathSegmentPair,
) -> ReplyResult<DeleteResponse> {
    let principal = principal.with(Scope::KeysRevoke)?;
    Ok(deleted("Reservation", services.end_reservation(&path_client_access(&principal, client)?, &resid, false).await?))
}

/// Ends a reservation and all that extend it.
#[utoipa::path(delete, path = "/v1/tms/reservations/del/related/{client_id}/{resid}", tag = "reservations", params(("client_id" = String, Path), ("resid" = String, Path)),
    security(("tenant" = [], "client_id" = [], "client_secret" = []), ("client_token" = ["keys:revoke"]), ("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "Number of ended reservations", body = Reply<DeleteResponse>), ErrorResponses))]
pub async fn delete_related(
    State(services): State<Services>,
    principal: ClientOrAdminAuth,
    PathSegmentPair(client, resid): PathSegmentPair,
) -> ReplyResult<DeleteResponse> {
    let principal = principal.with(Scope::KeysRevoke)?;
    Ok(deleted("Reservation", services.end_reservation(&path_client_access(&principal, client)?, &resid, true).await?))
}
