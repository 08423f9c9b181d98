//! Who is at the door of the people's pages: the session, the address, and the person if one has signed in.

use std::net::IpAddr;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_sessions::Session;

use super::guard::client_address;
use super::guard::trouble::Trouble;
use super::service::proofs::Visit;
use super::service::user_codes::CodeRefused;
use super::service::{Error, Fault, Services, SignedIn};
use super::sign_in::session::{Notice, Place, PortalSession, TypedCode};
use crate::domain::form;
use crate::domain::ids::DeviceGrantId;
use crate::domain::paths::{self, Onward};
use crate::domain::time::retry_after;
use crate::domain::user_code::UserCode;
use crate::words::Words;

#[derive(Clone)]
pub struct Caller {
    pub session: PortalSession,
    pub signed_in: Option<SignedIn>,
    pub from: Option<IpAddr>,
    pub agent: String,
}

impl Caller {
    /// The account that is signed in, as forms name it.
    pub fn account(&self) -> Option<String> {
        self.signed_in.as_ref().map(|person| form::account(person.tenant_id().as_str(), person.user_id().as_str()))
    }

    /// The browser behind the request; remembered from now on.
    pub async fn begin_visit(&self, services: &Services) -> Result<Visit, Fault> {
        self.session.begin_visit(services, self.from, &self.agent).await
    }

    /// The address a typed code leads to: the request to decide; sign-in, with the code kept; or back, with the reason.
    pub async fn take_up(
        &self,
        services: &Services,
        presented: Result<Option<DeviceGrantId>, Error<CodeRefused>>,
        typed: &str,
        words: Words,
    ) -> Result<String, Fault> {
        let refused = match presented {
            Ok(Some(grant)) => return Ok(paths::device(&grant)),
            Ok(None) => return Ok(paths::sign_in(None, &Onward::wanted(&self.keep(services, typed).await?))),
            Err(Error::Refused(refused)) => refused,
            Err(Error::Internal(fault)) => return Err(fault),
        };
        let back = match refused {
            // Kept for the switch to that tenant.
            CodeRefused::OtherTenant { .. } => self.keep(services, typed).await?,
            _ => paths::DEVICE.to_owned(),
        };
        self.session.set_notice(&code_notice(Place::EnterCode, &refused, typed, words).only_at(&back)).await?;
        Ok(back)
    }

    /// Keeps a code that was typed, and says where it goes on from.
    async fn keep(&self, services: &Services, typed: &str) -> Result<String, Fault> {
        // Of a whole pasted text only the code is kept.
        let code = UserCode::parse(typed).map(|code| code.to_string()).unwrap_or_default();
        let typed = TypedCode { entry: services.new_code_entry()?, code };
        self.session.keep_typed_code(&typed).await?;
        Ok(paths::device_entry(&typed.entry))
    }
}

/// Why a code was refused, as the next page says it.
pub fn code_notice(place: Place, refused: &CodeRefused, typed: &str, words: Words) -> Notice {
    let mut notice = Notice::new(place, words.code_refused(refused)).typed(typed);
    match refused {
        CodeRefused::TooManyTries { wait } => notice.wait = Some(retry_after(*wait)),
        CodeRefused::OtherTenant { tenant, .. } => notice.tenant = Some(tenant.clone()),
        _ => {}
    }
    notice
}

/// Finds out who is calling, for everything behind it.
pub async fn identify(State(services): State<Services>, session: Session, mut request: Request, next: Next) -> Result<Response, Trouble> {
    let from = client_address::of(request.extensions());
    let agent = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default().to_owned();
    let session = PortalSession::new(session);
    let signed_in = signed_in(&services, &session, from).await?;
    request.extensions_mut().insert(Caller { session, signed_in, from, agent });
    Ok(next.run(request).await)
}

async fn signed_in(services: &Services, session: &PortalSession, from: Option<IpAddr>) -> Result<Option<SignedIn>, Fault> {
    match (session.who().await?, session.visit(services, from).await?) {
        (Some(who), Some(visit)) => services.signed_in(&who.tenant_id, &who.user_id, who.shown(), visit).await,
        _ => Ok(None),
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Response> {
        // Only missing if a route was added outside the people's stack.
        parts.extensions.get::<Caller>().cloned().ok_or_else(|| StatusCode::INTERNAL_SERVER_ERROR.into_response())
    }
}
