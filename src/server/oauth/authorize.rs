//! `GET` and `POST /t/{tenant}/oauth/authorize` (RFC 6749 §3.1, OpenID Connect Core §3.1.2.1): checks and stores the request, and sends the browser
//! to the page that answers it.
//!
//! Without session: a form of another site would come without the cookie, and the same-origin check would refuse it. The page has both.

use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, Path, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use percent_encoding::percent_decode_str;

use super::LARGEST_BODY;
use super::form::is_form;
use crate::domain::authorization_request::{Parameters, Unanswerable};
use crate::domain::ids::TenantId;
use crate::domain::paths;
use crate::domain::tenant::Tenant;
use crate::server::middleware::client_ip;
use crate::server::middleware::http_error::HttpError;
use crate::server::middleware::rate_limit;
use crate::server::service::{Error, Fault};
use crate::server::state::AppState;

/// `GET` and `POST` alike.
pub async fn handle(State(state): State<AppState>, tenant: Result<Path<String>, PathRejection>, request: Request) -> Result<Response, HttpError> {
    let from = client_ip::get(request.extensions());
    // Each is stored, as a device grant is.
    for limit in [&state.limits.pages, &state.limits.device_requests] {
        if let Err(wait) = limit.check(&rate_limit::network(from)) {
            return Ok(rate_limit::too_many_requests(wait));
        }
    }
    let Some(tenant) = find_tenant(&state, tenant).await? else { return Ok(StatusCode::NOT_FOUND.into_response()) };
    let headers = request.headers().clone();
    let pairs = match read_parameters(request).await {
        Ok(pairs) => pairs,
        Err(Unreadable::Refused(why)) => return Ok(refuse(why)),
        Err(Unreadable::Body(status)) => return Ok(status.into_response()),
    };
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    match state.services.start_authorization(&tenant, &Parameters::new(pairs), from, agent).await {
        Ok(started) => {
            let language = started.ui_locales.as_deref().and_then(|locales| state.languages.find(locales.split_ascii_whitespace()));
            Ok(Redirect::to(&paths::authorize(started.handle.reveal(), language.map(|language| language.tag()))).into_response())
        }
        Err(Error::Refused(refused)) => Ok(refuse(refused)),
        Err(Error::Internal(fault)) => Err(fault.into()),
    }
}

/// Why the parameters of a request cannot be read.
pub(super) enum Unreadable {
    Refused(Unanswerable),
    /// The body cannot be received.
    Body(StatusCode),
}

/// The parameters of query and form, which count together.
pub(super) async fn read_parameters(request: Request) -> Result<Vec<(String, String)>, Unreadable> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let body = read_body(request).await?;
    if query.len() + body.len() > LARGEST_BODY {
        return Err(Unreadable::Refused(Unanswerable::TooLarge));
    }
    let pairs = decode(&query).zip(decode(&body)).map(|(query, body)| query.into_iter().chain(body).collect());
    pairs.ok_or(Unreadable::Refused(Unanswerable::Malformed))
}

/// The form of a `POST`; empty for a `GET`.
async fn read_body(request: Request) -> Result<String, Unreadable> {
    if request.method() != Method::POST {
        return Ok(String::new());
    }
    let is_form = is_form(request.headers());
    let body = Bytes::from_request(request, &()).await.map_err(|rejection| Unreadable::Body(rejection.status()))?;
    String::from_utf8(body.into()).ok().filter(|_| is_form).ok_or(Unreadable::Refused(Unanswerable::Malformed))
}

/// The tenant of a path, if it is enabled. A name that is not UTF-8 is one of no tenant.
pub(super) async fn find_tenant(state: &AppState, name: Result<Path<String>, PathRejection>) -> Result<Option<Tenant>, Fault> {
    match name.ok().and_then(|Path(name)| TenantId::parse(name).ok()) {
        Some(id) => state.services.enabled_tenant(&id).await,
        None => Ok(None),
    }
}

/// The visitor gets a page without the reason, which is in the audit log: it would help those who try addresses.
fn refuse(refused: Unanswerable) -> Response {
    tracing::info!(?refused, "An authorization request cannot be answered to its client");
    (StatusCode::BAD_REQUEST, "The authorization request is not valid.\n").into_response()
}

/// `application/x-www-form-urlencoded`; `None` if it is not UTF-8, which could not be returned as it was sent.
fn decode(form: &str) -> Option<Vec<(String, String)>> {
    let part = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8().ok().map(String::from);
    let pairs = form.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        part(name).zip(part(value))
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_as_they_were_sent() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(decode("a=1+2&b=%26%00%22%3C%C3%A9&&c"), Some(vec![pair("a", "1 2"), pair("b", "&\0\"<\u{e9}"), pair("c", "")]));
        assert_eq!(decode("state=%FF"), None);
        assert_eq!(decode(""), Some(Vec::new()));
    }
}
