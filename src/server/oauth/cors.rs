//! CORS for programs that run in a browser (Fetch Standard §3.2): a response can be read by the origins that are registered for the client which
//! gets it, and a preflight is answered for those of all clients of the tenant, because it does not name one. Credentials of the browser are
//! never allowed: these endpoints use none.

use std::sync::{Arc, OnceLock};

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::OAuthError;
use crate::domain::ids::{ClientId, TenantId};
use crate::server::middleware::client_ip;
use crate::server::middleware::rate_limit::network;
use crate::server::service::{AuthenticatedClient, Fault};
use crate::server::state::AppState;

/// The request headers that programs may send besides those that need no permission.
const ALLOWED_HEADERS: &str = "authorization, content-type, dpop";
/// The response headers that programs may read besides those that need no permission.
const EXPOSED_HEADERS: &str = "www-authenticate, dpop-nonce, retry-after";
/// For how long browsers keep the answer to a preflight, in seconds. Short, because origins can be removed.
const MAX_AGE: &str = "600";

/// The client that a request authenticated as, or whose access token it has, for the headers of its response.
#[derive(Clone, Default)]
pub struct AnsweredClient(Arc<OnceLock<(TenantId, ClientId)>>);

impl AnsweredClient {
    pub fn note(&self, client: &AuthenticatedClient) {
        self.note_id(&client.client().tenant_id, &client.client().id);
    }

    /// The client of an access token.
    pub fn note_id(&self, tenant: &TenantId, client: &ClientId) {
        // A request has one client.
        self.0.get_or_init(|| (tenant.clone(), client.clone()));
    }
}

/// What applies to an endpoint.
#[derive(Clone)]
pub struct CorsRules {
    pub app: AppState,
    /// Its methods, separated by commas.
    pub methods: &'static str,
}

/// Answers preflights, and lets registered origins read responses. Requests without `Origin` are not touched.
pub async fn run(State(rules): State<CorsRules>, tenant: Result<Path<String>, PathRejection>, mut request: Request, next: Next) -> Response {
    let Some(origin) = request.headers().get(header::ORIGIN).cloned() else { return next.run(request).await };
    let Some(tenant) = tenant.ok().and_then(|Path(name)| TenantId::parse(name).ok()) else { return next.run(request).await };
    if request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        let from = client_ip::get(request.extensions());
        if let Err(wait) = rules.app.limits.oauth_requests.check(&network(from)) {
            return OAuthError::Overload(wait).into_response();
        }
        return match is_registered(&rules.app, &tenant, None, &origin).await {
            Ok(true) => preflight(&rules, origin),
            Ok(false) => next.run(request).await,
            Err(fault) => OAuthError::from(fault).into_response(),
        };
    }
    let answered = AnsweredClient::default();
    request.extensions_mut().insert(answered.clone());
    let mut response = next.run(request).await;
    response.headers_mut().append(header::VARY, HeaderValue::from_static("origin"));
    if let Some((tenant, client)) = answered.0.get()
        && matches!(is_registered(&rules.app, tenant, Some(client), &origin).await, Ok(true))
    {
        allow(response.headers_mut(), origin);
    }
    response
}

/// Whether an origin is one of the client's, or of any client of the tenant.
async fn is_registered(app: &AppState, tenant: &TenantId, client: Option<&ClientId>, origin: &HeaderValue) -> Result<bool, Fault> {
    let Ok(origin) = origin.to_str() else { return Ok(false) };
    match client {
        Some(client) => app.services.is_origin_of_client(tenant, client, origin).await,
        None => app.services.is_origin_of_tenant(tenant, origin).await,
    }
}

fn preflight(rules: &CorsRules, origin: HeaderValue) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    let values = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, rules.methods),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE),
        (header::VARY, "origin"),
    ];
    for (name, value) in values {
        headers.insert(name, HeaderValue::from_static(value));
    }
    allow(headers, origin);
    response
}

fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED_HEADERS));
}
