//! `/v1/tms/links…`: a host asks for an account to be linked to whoever is logged in to it. For hosts with a credential.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Answer, Deleted, Done, Made, created, deleted, success};
use super::auth::{AsProvedHost, CalledFrom, tenant_not_enabled};
use super::body::{Body, Text};
use super::error::{Refused, TmsError};
use crate::domain::ids::AccountName;
use crate::domain::link::Standing;
use crate::domain::paths;
use crate::server::service::links::{AskRefused, Asked};
use crate::server::service::{Error, Services};

#[derive(Deserialize, ToSchema)]
pub struct LinkWanted {
    user: Text,
    /// The account's UID on the host, as reported by the kernel for the requesting process.
    user_uid: Text,
}

#[derive(Serialize, ToSchema)]
pub struct LinkAsked {
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

impl LinkAsked {
    fn new(asked: &Asked, public_url: &str) -> Self {
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
#[utoipa::path(post, path = "/v1/tms/links", tag = "links", request_body = LinkWanted, security(("host" = [])),
    responses((status = 201, description = "The code to show", body = Answer<LinkAsked>), Refused))]
pub async fn create(
    State(services): State<Services>,
    CalledFrom(from): CalledFrom,
    AsProvedHost(host): AsProvedHost,
    Body(wanted): Body<LinkWanted>,
) -> Made<LinkAsked> {
    let account: AccountName = wanted.user.id("user")?;
    let uid = wanted.user_uid.0.parse().map_err(|_| TmsError::BadRequest("ERROR: user_uid must be a numeric UID.".into()))?;
    let asked = services.ask_for_link(&host, &account, uid, from).await.map_err(refused)?;
    Ok(created(LinkAsked::new(&asked, services.public_url())))
}

fn refused(error: Error<AskRefused>) -> TmsError {
    match error {
        Error::Refused(AskRefused::TenantOff) => tenant_not_enabled(),
        Error::Refused(AskRefused::SystemAccount) => TmsError::Forbidden("ERROR: FORBIDDEN - system accounts cannot be linked.".into()),
        Error::Refused(AskRefused::TooManyWaiting) => TmsError::Busy("ERROR: too many link requests of this host are pending."),
        Error::Internal(fault) => fault.into(),
    }
}

#[derive(Deserialize, ToSchema)]
pub struct LinkAskedAgain {
    /// The `link_id` of the link request.
    link_id: Text,
}

#[derive(Serialize, ToSchema)]
pub struct LinkStatus {
    /// When the link expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    /// `pending`, `linked`, `refused` or `expired`.
    status: &'static str,
    /// The user it is linked to.
    #[serde(skip_serializing_if = "Option::is_none")]
    tms_user_id: Option<String>,
}

impl From<Standing> for LinkStatus {
    fn from(standing: Standing) -> Self {
        let plain = |status| Self { expires_at: None, status, tms_user_id: None };
        match standing {
            Standing::Pending => plain("pending"),
            Standing::Refused => plain("refused"),
            Standing::Expired => plain("expired"),
            Standing::Linked { person, until } => Self { expires_at: Some(until.to_rfc3339()), status: "linked", tms_user_id: Some(person.into()) },
        }
    }
}

/// Returns the status of a link request. `NOT_FOUND` also if a newer request for the account has replaced it.
#[utoipa::path(post, path = "/v1/tms/links/status", tag = "links", request_body = LinkAskedAgain, security(("host" = [])),
    responses((status = 200, description = "The status", body = Answer<LinkStatus>), Refused))]
pub async fn status(State(services): State<Services>, AsProvedHost(host): AsProvedHost, Body(asked): Body<LinkAskedAgain>) -> Done<LinkStatus> {
    let standing = services.link_standing(&host, &asked.link_id.0).await.map_err(refused)?.ok_or(TmsError::NOT_FOUND)?;
    Ok(success(standing.into()))
}

/// Withdraws a pending link request, for example because the user has disconnected. Its code stops working. Answered requests are kept.
#[utoipa::path(post, path = "/v1/tms/links/withdraw", tag = "links", request_body = LinkAskedAgain, security(("host" = [])),
    responses((status = 200, description = "Withdrawn, or no longer pending", body = Answer<Deleted>), Refused))]
pub async fn withdraw(State(services): State<Services>, AsProvedHost(host): AsProvedHost, Body(asked): Body<LinkAskedAgain>) -> Done<Deleted> {
    Ok(deleted("Link request", services.withdraw_link(&host, &asked.link_id.0).await.map_err(refused)?))
}
