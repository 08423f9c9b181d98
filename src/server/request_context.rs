//! The context of a page request: session, client IP, and the signed-in person if there is one.

use std::net::IpAddr;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_sessions::Session;

use super::middleware::client_ip;
use super::middleware::http_error::HttpError;
use super::service::{Error, Fault, Services, SignedIn};
use super::sign_in::session::PortalSession;
use crate::domain::form;
use crate::domain::ids::DeviceGrantId;
use crate::domain::paths::{self, ReturnTo};
use crate::domain::time::retry_after;
use crate::domain::user_code::UserCode;
use crate::i18n::Translations;
use crate::server::service::auth::principals::BrowserSession;
use crate::server::service::device_flow::user_codes::CodeRefused;
use crate::server::sign_in::session::flash::{Flash, FlashTarget};
use crate::server::sign_in::session::user_codes::PendingUserCode;

#[derive(Clone)]
pub struct RequestContext {
    pub session: PortalSession,
    pub signed_in: Option<SignedIn>,
    pub from: Option<IpAddr>,
    pub agent: String,
}

impl RequestContext {
    /// The signed-in account, as forms name it.
    pub fn account(&self) -> Option<String> {
        self.signed_in.as_ref().map(|person| form::account(person.tenant_id().as_str(), person.user_id().as_str()))
    }

    /// The browser session of the request, created if there is none.
    pub async fn start_session(&self, services: &Services) -> Result<BrowserSession, Fault> {
        self.session.start_session(services, self.from, &self.agent).await
    }

    /// The URL that a submitted code leads to: the request to decide; the sign-in, with the code kept; or back, with the reason of the
    /// refusal.
    pub async fn redirect_after_code(
        &self,
        services: &Services,
        presented: Result<Option<DeviceGrantId>, Error<CodeRefused>>,
        typed: &str,
        words: Translations,
    ) -> Result<String, Fault> {
        let refused = match presented {
            Ok(Some(grant)) => return Ok(paths::device(&grant)),
            Ok(None) => return Ok(paths::sign_in(None, &ReturnTo::from_untrusted(&self.save_pending_code(services, typed).await?))),
            Err(Error::Refused(refused)) => refused,
            Err(Error::Internal(fault)) => return Err(fault),
        };
        let back = match refused {
            // Kept for switching to that tenant.
            CodeRefused::OtherTenant { .. } => self.save_pending_code(services, typed).await?,
            _ => paths::DEVICE.to_owned(),
        };
        self.session.set_flash(&code_refused_flash(FlashTarget::EnterCode, &refused, typed, words).only_at(&back)).await?;
        Ok(back)
    }

    /// Keeps a code in the session, and returns the URL that continues with it.
    async fn save_pending_code(&self, services: &Services, typed: &str) -> Result<String, Fault> {
        // Of a longer pasted text only the code is kept.
        let code = UserCode::parse(typed).map(|code| code.to_string()).unwrap_or_default();
        let typed = PendingUserCode { entry: services.new_code_entry()?, code };
        self.session.add_pending_user_code(&typed).await?;
        Ok(paths::device_entry(&typed.entry))
    }
}

/// The flash message for a refused code.
pub fn code_refused_flash(place: FlashTarget, refused: &CodeRefused, typed: &str, words: Translations) -> Flash {
    let mut flash = Flash::new(place, words.code_refused(refused)).with_input(typed);
    match refused {
        CodeRefused::TooManyTries { wait } => flash.wait = Some(retry_after(*wait)),
        CodeRefused::OtherTenant { tenant, .. } => flash.tenant = Some(tenant.clone()),
        _ => {}
    }
    flash
}

/// Determines session and person, for all inner layers and handlers.
pub async fn identify(State(services): State<Services>, session: Session, mut request: Request, next: Next) -> Result<Response, HttpError> {
    let from = client_ip::get(request.extensions());
    let agent = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default().to_owned();
    let session = PortalSession::new(session);
    let signed_in = signed_in(&services, &session, from).await?;
    request.extensions_mut().insert(RequestContext { session, signed_in, from, agent });
    Ok(next.run(request).await)
}

async fn signed_in(services: &Services, session: &PortalSession, from: Option<IpAddr>) -> Result<Option<SignedIn>, Fault> {
    match (session.sign_in_record().await?, session.browser_session(services, from).await?) {
        (Some(who), Some(browser)) => services.restore_signed_in(&who.tenant_id, &who.user_id, who.authentication_times(), browser).await,
        _ => Ok(None),
    }
}

impl<S: Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Response> {
        // Missing only if a route was added outside the session middleware.
        parts.extensions.get::<RequestContext>().cloned().ok_or_else(|| StatusCode::INTERNAL_SERVER_ERROR.into_response())
    }
}
