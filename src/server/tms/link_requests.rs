//! `/v1/tms/links…`: a host asks for an account to be linked to whoever is logged in to it. For hosts with a credential.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::{ClientIp, HostAuth, tenant_not_enabled};
use super::error::{ErrorResponses, TmsError};
use super::extractors::{JsonBody, Text};
use super::reply::{CreatedResult, DeleteResponse, Reply, ReplyResult, created, deleted, success};
use crate::domain::ids::AccountName;
use crate::domain::link_request::LinkStatus;
use crate::domain::paths;
use crate::server::service::link_requests::{LinkRequestRefused, StartedLinkRequest};
use crate::server::service::{Error, Services};

#[derive(Deserialize, ToSchema)]
pub struct NewLinkRequest {
    user: Text,
    /// The account's number on the host, as its kernel says it of whoever asks.
    user_uid: Text,
}

#[derive(Serialize, ToSchema)]
pub struct CreatedLinkRequest {
    /// Seconds until the code ends.
    expires_in: u64,
    /// Seconds to wait between two questions for the status.
    interval: u64,
    /// What the host asks for the status with. A secret, shown this once.
    link_id: String,
    /// What the person types.
    user_code: String,
    /// Where they type it.
    verification_uri: String,
    /// The same with the code in it, where the tenant's policy allows that.
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_uri_complete: Option<String>,
}

impl CreatedLinkRequest {
    fn new(asked: &StartedLinkRequest, public_url: &str) -> Self {
        let (verification_uri, user_code) = (format!("{public_url}{}", paths::HOSTS_LINK), asked.user_code.to_string());
        Self {
            expires_in: asked.expires_in.as_secs(),
            interval: asked.interval.as_secs(),
            link_id: asked.secret.reveal().to_owned(),
            verification_uri_complete: asked.complete_uri.then(|| format!("{verification_uri}?user_code={user_code}")),
            user_code,
            verification_uri,
        }
    }
}

/// A host asks for one of its accounts to be linked. It must know that whoever wants this is logged in to that account. What it asked
/// for the account before is forgotten.
#[utoipa::path(post, path = "/v1/tms/links", tag = "links", request_body = NewLinkRequest, security(("host" = [])),
    responses((status = 201, description = "The code to show", body = Reply<CreatedLinkRequest>), ErrorResponses))]
pub async fn create(
    State(services): State<Services>,
    ClientIp(from): ClientIp,
    HostAuth(host): HostAuth,
    JsonBody(wanted): JsonBody<NewLinkRequest>,
) -> CreatedResult<CreatedLinkRequest> {
    let account: AccountName = wanted.user.id("user")?;
    let uid = wanted.user_uid.0.parse().map_err(|_| TmsError::BadRequest("ERROR: user_uid must be the account's number.".into()))?;
    let asked = services.start_link_request(&host, &account, uid, from).await.map_err(request_error)?;
    Ok(created(CreatedLinkRequest::new(&asked, services.public_url())))
}

fn request_error(error: Error<LinkRequestRefused>) -> TmsError {
    match error {
        Error::Refused(LinkRequestRefused::TenantDisabled) => tenant_not_enabled(),
        Error::Refused(LinkRequestRefused::SystemAccount) => {
            TmsError::Forbidden("ERROR: FORBIDDEN - this account belongs to the host itself; only people's accounts are linked.".into())
        }
        Error::Refused(LinkRequestRefused::TooManyPending) => TmsError::Busy("ERROR: too many accounts of this host wait for an answer."),
        Error::Internal(fault) => fault.into(),
    }
}

#[derive(Deserialize, ToSchema)]
pub struct LinkReference {
    /// As it was given when the host asked.
    link_id: Text,
}

#[derive(Serialize, ToSchema)]
pub struct LinkStatusResponse {
    /// Until when it is linked.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    /// `pending`, `linked`, `refused` or `expired`.
    status: &'static str,
    /// Whom it is linked to.
    #[serde(skip_serializing_if = "Option::is_none")]
    tms_user_id: Option<String>,
}

impl From<LinkStatus> for LinkStatusResponse {
    fn from(standing: LinkStatus) -> Self {
        let plain = |status| Self { expires_at: None, status, tms_user_id: None };
        match standing {
            LinkStatus::Pending => plain("pending"),
            LinkStatus::Refused => plain("refused"),
            LinkStatus::Expired => plain("expired"),
            LinkStatus::Linked { person, until } => Self { expires_at: Some(until.to_rfc3339()), status: "linked", tms_user_id: Some(person.into()) },
        }
    }
}

/// How it stands. `NOT_FOUND` also once the account has asked again: then only the newer code counts.
#[utoipa::path(post, path = "/v1/tms/links/status", tag = "links", request_body = LinkReference, security(("host" = [])),
    responses((status = 200, description = "How it stands", body = Reply<LinkStatusResponse>), ErrorResponses))]
pub async fn status(
    State(services): State<Services>,
    HostAuth(host): HostAuth,
    JsonBody(asked): JsonBody<LinkReference>,
) -> ReplyResult<LinkStatusResponse> {
    let standing = services.link_request_status(&host, &asked.link_id.0).await.map_err(request_error)?.ok_or(TmsError::NOT_FOUND)?;
    Ok(success(standing.into()))
}

/// Takes back what nobody has answered, because whoever wanted it has gone: its code then opens nothing. What is answered stays.
#[utoipa::path(post, path = "/v1/tms/links/withdraw", tag = "links", request_body = LinkReference, security(("host" = [])),
    responses((status = 200, description = "It is gone, or was before", body = Reply<DeleteResponse>), ErrorResponses))]
pub async fn withdraw(
    State(services): State<Services>,
    HostAuth(host): HostAuth,
    JsonBody(asked): JsonBody<LinkReference>,
) -> ReplyResult<DeleteResponse> {
    Ok(deleted("Link request", services.cancel_link_request(&host, &asked.link_id.0).await.map_err(request_error)?))
}
