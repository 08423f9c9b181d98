//! `/v1/tms/links…`: a host requests that one of its accounts is linked to the user who is logged in to it. For hosts with a credential.

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
use crate::server::service::host_accounts::link_requests::{LinkRequestRefused, StartedLinkRequest};
use crate::server::service::{Error, Services};

#[derive(Deserialize, ToSchema)]
pub struct NewLinkRequest {
    user: Text,
    /// The account's UID on the host, as reported by the kernel for the requesting process.
    user_uid: Text,
}

#[derive(Serialize, ToSchema)]
pub struct CreatedLinkRequest {
    /// Seconds until the code expires.
    expires_in: u64,
    /// Seconds to wait between status requests.
    interval: u64,
    /// Identifies the request in status requests. A secret, shown only once.
    link_id: String,
    /// The code that the user enters.
    user_code: String,
    /// The page on which the user enters it.
    verification_uri: String,
    /// The same page with the code filled in, if the tenant's policy allows that.
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

/// Requests a link for an account of the calling host. The host must have verified that the requesting user is logged in to it. An
/// earlier request for the account is discarded.
#[utoipa::path(post, path = "/v1/tms/links", tag = "links", request_body = NewLinkRequest, security(("host" = [])),
    responses((status = 201, description = "The code to show", body = Reply<CreatedLinkRequest>), ErrorResponses))]
pub async fn create(
    State(services): State<Services>,
    ClientIp(from): ClientIp,
    HostAuth(host): HostAuth,
    JsonBody(request): JsonBody<NewLinkRequest>,
) -> CreatedResult<CreatedLinkRequest> {
    let account: AccountName = request.user.id("user")?;
    let uid = request.user_uid.0.parse().map_err(|_| TmsError::BadRequest("ERROR: user_uid must be a numeric UID.".into()))?;
    let asked = services.start_link_request(&host, &account, uid, from).await.map_err(request_error)?;
    Ok(created(CreatedLinkRequest::new(&asked, services.public_url())))
}

fn request_error(error: Error<LinkRequestRefused>) -> TmsError {
    match error {
        Error::Refused(LinkRequestRefused::TenantDisabled) => tenant_not_enabled(),
        Error::Refused(LinkRequestRefused::SystemAccount) => TmsError::Forbidden("ERROR: FORBIDDEN - system accounts cannot be linked.".into()),
        Error::Refused(LinkRequestRefused::TooManyPending) => TmsError::Busy("ERROR: too many link requests of this host are pending."),
        Error::Internal(fault) => fault.into(),
    }
}

#[derive(Deserialize, ToSchema)]
pub struct LinkReference {
    /// The `link_id` of the link request.
    link_id: Text,
}

#[derive(Serialize, ToSchema)]
pub struct LinkStatusResponse {
    /// When the link expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    /// `pending`, `linked`, `refused` or `expired`.
    status: &'static str,
    /// The user it is linked to.
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

/// Returns the status of a link request. `NOT_FOUND` also if a newer request for the account has replaced it.
#[utoipa::path(post, path = "/v1/tms/links/status", tag = "links", request_body = LinkReference, security(("host" = [])),
    responses((status = 200, description = "The status", body = Reply<LinkStatusResponse>), ErrorResponses))]
pub async fn status(
    State(services): State<Services>,
    HostAuth(host): HostAuth,
    JsonBody(asked): JsonBody<LinkReference>,
) -> ReplyResult<LinkStatusResponse> {
    let standing = services.link_request_status(&host, &asked.link_id.0).await.map_err(request_error)?.ok_or(TmsError::NOT_FOUND)?;
    Ok(success(standing.into()))
}

/// Withdraws a pending link request, for example because the user has disconnected. Its code stops working. Answered requests are kept.
#[utoipa::path(post, path = "/v1/tms/links/withdraw", tag = "links", request_body = LinkReference, security(("host" = [])),
    responses((status = 200, description = "Withdrawn, or no longer pending", body = Reply<DeleteResponse>), ErrorResponses))]
pub async fn withdraw(
    State(services): State<Services>,
    HostAuth(host): HostAuth,
    JsonBody(asked): JsonBody<LinkReference>,
) -> ReplyResult<DeleteResponse> {
    Ok(deleted("Link request", services.cancel_link_request(&host, &asked.link_id.0).await.map_err(request_error)?))
}
