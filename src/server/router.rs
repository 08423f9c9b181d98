//! All routes, in two stacks: machines, which send credentials with each request and no cookies, and people, who have a session.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use leptos::prelude::provide_context;
use leptos::server_fn::axum::server_fn_paths;
use leptos_axum::{AxumRouteListing, LeptosRoutes, generate_route_list_with_exclusions};
use tower::{ServiceBuilder, ServiceExt};
use tower_http::csrf::CsrfLayer;
use tower_http::services::ServeDir;
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, SessionManagerLayer};

use super::context::{self, RenderContext};
use super::metrics::Route;
use super::middleware::forms::{MAX_FORM_SIZE, RenderMismatchPage};
use super::middleware::outermost::{self, Outermost, RouteRules};
use super::middleware::security_headers::security_headers;
use super::middleware::unavailable::with_retry_after;
use super::middleware::{client_ip, cookies, forms, http_error, once, page_runtime, rate_limit, require_sign_in};
use super::request_id::{self, RequestIds};
use super::service::platform::readiness;
use super::service::{Rng as _, SystemRng};
use super::sign_in::session_store::{self, DbSessionStore};
use super::state::AppState;
use super::{brand, export, not_found, oauth, request_context, sign_in, telemetry, tms};
use crate::domain::ids::TenantId;
use crate::domain::paths::{self, ReturnTo};
use crate::pages::{App, ErrorPage, FormElsewhere, shell};

/// Time limit of a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

const PAGES: RouteRules = RouteRules {
    max_body: MAX_FORM_SIZE,
    timeout: REQUEST_TIMEOUT,
    respond_to_failure: outermost::bare_failure,
    span: telemetry::page_span,
    route: page_route,
};
const MACHINES: RouteRules = RouteRules { max_body: oauth::LARGEST_BODY, span: telemetry::machine_span, route: machine_route, ..PAGES };
const OAUTH: RouteRules = RouteRules { respond_to_failure: oauth::error::respond_to_failure, route: |_| Route::OAuth, ..MACHINES };
/// The browser's hops to an authorization request and to a client's sign-out.
const AUTHORIZE: RouteRules = RouteRules { max_body: oauth::LARGEST_BODY, route: |_| Route::OAuth, ..PAGES };
const TMS_API: RouteRules = RouteRules { timeout: tms::TIMEOUT, respond_to_failure: tms::respond_to_failure, route: tms_route, ..MACHINES };

pub fn router(state: AppState) -> Router {
    let mut seed = [0; 32];
    SystemRng.fill(&mut seed);
    let ids = Arc::new(RequestIds::new(seed));
    let within = |rules, routes: Router<AppState>| {
        let outermost = Outermost { app: state.clone(), rules, render_error, ids: Arc::clone(&ids), headers: security_headers(state.https) };
        routes.layer(from_fn_with_state(Arc::new(outermost), outermost::run))
    };
    let routes = within(TMS_API, tms::router()).merge(within(OAUTH, oauth::router(&state))).merge(within(AUTHORIZE, oauth::browser_router()));
    let routes = routes.merge(within(MACHINES, machine_routes()));
    routes.merge(within(PAGES, page_routes(&state).merge(static_files(&state)))).with_state(state)
}

fn tms_route(request: &Request) -> Route {
    if request.uri().path() == tms::LOOKUP { Route::KeyLookup } else { Route::TmsApi }
}

fn machine_route(request: &Request) -> Route {
    match request.uri().path() {
        paths::HEALTHZ | paths::READYZ => Route::Probe,
        _ => Route::Other,
    }
}

fn page_route(request: &Request) -> Route {
    // Without one, the path is none of the pages.
    let Some(matched) = request.extensions().get::<MatchedPath>() else { return Route::StaticFile };
    let is_below = |path: &str| matched.as_str().strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if is_below(paths::ACTIONS) {
        Route::Form
    } else if matched.as_str().contains("{*") {
        Route::StaticFile
    } else if is_below(paths::SIGN_IN) || is_below(paths::SIGN_OUT) {
        Route::SignIn
    } else {
        Route::Page
    }
}

fn machine_routes() -> Router<AppState> {
    sign_in::machine_routes().route(paths::BRAND, get(brand::get)).route(paths::HEALTHZ, get(|| async { "ok\n" })).route(paths::READYZ, get(ready))
}

fn page_routes(state: &AppState) -> Router<AppState> {
    let (shared, options) = (state.clone(), state.leptos.clone());
    Router::new()
        .route(&format!("{}/{{*action}}", paths::ACTIONS), any(action))
        .merge(sign_in::router())
        .merge(export::router())
        .leptos_routes_with_context(state, pages(), move || provide_app_context(&shared), move || shell(options.clone()))
        // The layer added last runs first.
        .layer(from_fn_with_state(state.clone(), require_sign_in::check))
        .layer(from_fn_with_state((state.clone(), render_mismatch as RenderMismatchPage), forms::check))
        .layer(from_fn_with_state(state.clone(), request_context::identify))
        .layer(sessions(state))
        .layer(from_fn(session_store::answer_unavailable))
        .layer(from_fn_with_state(state.clone(), once::keep_renewed))
        .layer(from_fn_with_state(state.clone(), cookies::check))
        .layer(CsrfLayer::new())
        .layer(from_fn(page_runtime::run))
        .layer(from_fn_with_state(state.clone(), rate_limit_pages))
}

/// Provides the context of pages and server functions.
fn provide_app_context(state: &AppState) {
    provide_context(state.services.clone());
    provide_context(RenderContext {
        languages: state.languages.clone(),
        https: state.https,
        certificate_expiry: state.certificate_expiry.get(),
        request_id: request_id::current(),
    });
    context::provide_locale(&state.languages);
}

/// The routes of pages, without the server functions that Leptos would add: those are routed to [`action`].
fn pages() -> Vec<AxumRouteListing> {
    let actions = server_fn_paths().map(|(path, _)| path.to_owned()).collect();
    generate_route_list_with_exclusions(App, Some(actions))
}

/// Files built for the browser, and `public/`; the fallback for unknown paths.
fn static_files(state: &AppState) -> Router<AppState> {
    let site = Path::new(state.leptos.site_root.as_ref());
    let package = format!("/{}", state.leptos.site_pkg_dir);
    let built = ServeDir::new(site.join(state.leptos.site_pkg_dir.as_ref())).append_index_html_on_directories(false);
    let built = built.precompressed_br().precompressed_gzip();
    let built = Router::new().fallback_service(built).layer(map_response(set_immutable_cache)).layer(from_fn(not_found::reject_missing_file));
    let files = ServeDir::new(site).append_index_html_on_directories(false);
    let pages = not_found::PageRoutes::new(&pages());
    let files = ServiceBuilder::new()
        .layer(from_fn_with_state(pages, not_found::handle_unknown_path))
        .layer(from_fn(not_found::reject_missing_file))
        .service(files);
    Router::new().nest_service(&package, built).fallback_service(files)
}

/// Built files have a hash in their name, so their content never changes.
async fn set_immutable_cache(mut response: Response) -> Response {
    let unmodified = response.status() == StatusCode::NOT_MODIFIED;
    if response.status().is_success() || unmodified {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    }
    if unmodified {
        // As in the response 200 (RFC 9110 §15.4.5), which the file server leaves out.
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    response
}

fn sessions(state: &AppState) -> SessionManagerLayer<DbSessionStore> {
    SessionManagerLayer::new(DbSessionStore::new(state.services.clone()))
        .with_name(cookies::session_cookie(state.https))
        .with_secure(state.https.0)
        .with_http_only(true)
        // Lax, not Strict: a person who follows a link to /device is still signed in.
        .with_same_site(SameSite::Lax)
        .with_path("/")
        // The server's own limits end it sooner; see `service::auth::browser_sessions`.
        .with_expiry(Expiry::OnSessionEnd)
}

/// Runs a server function.
async fn action(State(state): State<AppState>, mut request: Request) -> Response {
    if !server_fn_paths().any(|(path, _)| path == request.uri().path()) {
        return StatusCode::NOT_FOUND.into_response();
    }
    if request.method() != Method::POST {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")]).into_response();
    }
    // Leptos would redirect to `Referer`, or home, with the error text in the URL; `http_error::render_error_page` renders errors instead.
    request.headers_mut().remove(header::REFERER);
    request.headers_mut().remove(header::ACCEPT);
    let response = leptos_axum::handle_server_fns_with_context(move || provide_app_context(&state), request).await.into_response();
    map_argument_errors(response).await
}

/// Leptos answers arguments that it cannot parse with 500; they are the caller's mistake.
async fn map_argument_errors(response: Response) -> Response {
    if response.status() != StatusCode::INTERNAL_SERVER_ERROR {
        return response;
    }
    let (parts, body) = response.into_parts();
    let text = axum::body::to_bytes(body, MAX_FORM_SIZE).await.unwrap_or_default();
    let unreadable = [&b"Args|"[..], b"Deserialization|", b"MissingArg|"].iter().any(|prefix| text.starts_with(prefix));
    if text.ends_with(b"length limit exceeded") {
        StatusCode::PAYLOAD_TOO_LARGE.into_response()
    } else if unreadable {
        (StatusCode::BAD_REQUEST, "The form could not be read.\n").into_response()
    } else {
        Response::from_parts(parts, Body::from(text))
    }
}

async fn rate_limit_pages(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let from = client_ip::get(request.extensions());
    match state.limits.pages.check(&rate_limit::network(from)) {
        Ok(()) => next.run(request).await,
        Err(wait) => rate_limit::too_many_requests(wait),
    }
}

/// One line, or the state of each component as JSON for those who ask for that.
async fn ready(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let problems = state.services.readiness().await.err().unwrap_or_default();
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let response = if http_error::accepts(&headers, "application/json") {
        (status, Json(readiness::report(&problems))).into_response()
    } else {
        let line = problems.first().map_or_else(|| "ready\n".to_owned(), |problem| format!("not ready: {}\n", problem.as_str()));
        (status, line).into_response()
    };
    with_retry_after(response)
}

fn render_error(state: AppState, request: Request, status: StatusCode) -> BoxFuture<'static, Response> {
    async move { error_page(&state, request, status).await }.boxed()
}

/// The error page for a status, with the header of the signed-in person.
async fn error_page(state: &AppState, request: Request, status: StatusCode) -> Response {
    let error = ErrorPage { status: status.as_u16(), form: None };
    if status.is_server_error() {
        // Determining the person may be what fails.
        return render_page(state, request, error).await;
    }
    let (parts, _) = request.into_parts();
    let asked = || Request::from_parts(parts.clone(), Body::empty());
    let (shared, shown) = (state.clone(), error.clone());
    let page = Router::new()
        .fallback(move |request: Request| async move { render_page(&shared, request, shown).await })
        .layer(from_fn_with_state(state.clone(), request_context::identify))
        .layer(sessions(state));
    let Ok(mut page) = page.oneshot(asked()).await;
    if page.status().is_server_error() {
        return render_page(state, asked(), error).await;
    }
    // The error page must not change the session.
    page.headers_mut().remove(header::SET_COOKIE);
    page
}

/// The response to a form that was rendered for another account than the signed-in one, with links to its page.
fn render_mismatch(state: AppState, request: Request, page: ReturnTo, tenant: Option<TenantId>) -> BoxFuture<'static, Response> {
    let error = ErrorPage { status: StatusCode::CONFLICT.as_u16(), form: Some(FormElsewhere { page, tenant }) };
    async move { render_page(&state, request, error).await }.boxed()
}

async fn render_page(state: &AppState, mut request: Request, error: ErrorPage) -> Response {
    *request.method_mut() = Method::GET;
    let (options, shared) = (state.leptos.clone(), state.clone());
    let context = move || {
        provide_app_context(&shared);
        provide_context(error.clone());
    };
    leptos_axum::render_app_async_with_context(context, move || shell(options.clone()))(request).await
}
