//! Every door of the building on one page, in two stacks: machines, who bring their credentials with each request and have no
//! cookies, and people, who have a session.

use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use leptos::prelude::provide_context;
use leptos::server_fn::axum::server_fn_paths;
use leptos_axum::{AxumRouteListing, LeptosRoutes, generate_route_list_with_exclusions};
use tower::{ServiceBuilder, ServiceExt};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::services::ServeDir;
use tower_http::timeout::TimeoutLayer;
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, SessionManagerLayer};

use super::context::Reading;
use super::guard::{apart, client_address, cookies, forms, headers, once, rate_limit, sign_in_required, trouble};
use super::sign_in::store::Store;
use super::state::AppState;
use super::{brand, caller, export, oauth, sign_in, telemetry, tms, unknown};
use crate::domain::ids::TenantId;
use crate::domain::paths::{self, Onward};
use crate::pages::{App, ErrorPage, FormElsewhere, shell};

/// The longest a request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest form a person may send, in bytes.
pub const LARGEST_FORM: usize = 64 * 1024;

pub fn router(state: AppState) -> Router {
    let (https, noting) = (state.https, state.clone());
    let outside = ServiceBuilder::new()
        .layer(telemetry::layer())
        .map_response(move |response| headers::secure(https, response))
        .layer(from_fn_with_state(state.clone(), trouble::explain))
        .layer(CatchPanicLayer::custom(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response()))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, REQUEST_TIMEOUT))
        .map_request(move |request| client_address::note(&noting.trusted_proxies, &noting.limits.unknown_addresses, request));
    machines().merge(people(&state)).merge(files(&state)).layer(outside).with_state(state)
}

fn machines() -> Router<AppState> {
    Router::new()
        .merge(oauth::router())
        .merge(tms::router())
        .merge(sign_in::machines())
        .layer(DefaultBodyLimit::max(oauth::LARGEST_BODY))
        .route(paths::BRAND, get(brand::get))
        .route(paths::HEALTHZ, get(|| async { "ok\n" }))
        .route(paths::READYZ, get(ready))
}

fn people(state: &AppState) -> Router<AppState> {
    let (shared, options) = (state.clone(), state.leptos.clone());
    Router::new()
        .route(&format!("{}/{{*action}}", paths::ACTIONS), any(action))
        .merge(sign_in::router())
        .merge(export::router())
        .leptos_routes_with_context(state, pages(), move || provide(&shared), move || shell(options.clone()))
        // The last one is met first.
        .layer(from_fn_with_state(state.clone(), sign_in_required::check))
        .layer(from_fn_with_state(state.clone(), forms::check))
        .layer(from_fn_with_state(state.clone(), caller::identify))
        .layer(sessions(state))
        .layer(from_fn_with_state(state.clone(), once::keep_renewed))
        .layer(from_fn_with_state(state.clone(), cookies::check))
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
        .layer(CsrfLayer::new())
        .layer(from_fn(apart::run))
        .layer(from_fn_with_state(state.clone(), limit_pages))
}

/// What pages and server functions find in their context.
fn provide(state: &AppState) {
    provide_context(state.services.clone());
    provide_context(Reading { languages: state.languages.clone(), https: state.https });
}

/// The pages, without the server functions that Leptos would add: those go through [`action`].
fn pages() -> Vec<AxumRouteListing> {
    let actions = server_fn_paths().map(|(path, _)| path.to_owned()).collect();
    generate_route_list_with_exclusions(App, Some(actions))
}

/// What has been built for the browser, and `public/`. Everything unknown ends here.
fn files(state: &AppState) -> Router<AppState> {
    let site = Path::new(state.leptos.site_root.as_ref());
    let package = format!("/{}", state.leptos.site_pkg_dir);
    let built = ServeDir::new(site.join(state.leptos.site_pkg_dir.as_ref())).append_index_html_on_directories(false);
    let built = built.precompressed_br().precompressed_gzip();
    let built = Router::new().fallback_service(built).layer(map_response(never_changes)).layer(from_fn(unknown::no_such_file));
    let files = ServeDir::new(site).append_index_html_on_directories(false);
    let pages = unknown::Pages::new(&pages());
    let files = ServiceBuilder::new().layer(from_fn_with_state(pages, unknown::answer)).layer(from_fn(unknown::no_such_file)).service(files);
    Router::new().nest_service(&package, built).fallback_service(files)
}

/// The built files have their hash in their name: what is there stays what it is.
async fn never_changes(mut response: Response) -> Response {
    if response.status().is_success() {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    }
    response
}

fn sessions(state: &AppState) -> SessionManagerLayer<Store> {
    SessionManagerLayer::new(Store::new(state.services.clone()))
        .with_name(cookies::session_cookie(state.https))
        .with_secure(state.https.0)
        .with_http_only(true)
        // Lax, not Strict: a person who follows a link to /device is still signed in.
        .with_same_site(SameSite::Lax)
        .with_path("/")
        // The server's own limits end it sooner; see `service::browser_sessions`.
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
    // Leptos would send a browser back to the Referer, or home, with a fault's text in the address. Ours go nowhere but to the
    // error page, which `trouble::explain` makes.
    request.headers_mut().remove(header::REFERER);
    request.headers_mut().remove(header::ACCEPT);
    let response = leptos_axum::handle_server_fns_with_context(move || provide(&state), request).await.into_response();
    bad_arguments_are_the_callers(response).await
}

/// Leptos answers arguments it cannot read with 500; they are the caller's mistake.
async fn bad_arguments_are_the_callers(response: Response) -> Response {
    if response.status() != StatusCode::INTERNAL_SERVER_ERROR {
        return response;
    }
    let (parts, body) = response.into_parts();
    let text = axum::body::to_bytes(body, LARGEST_FORM).await.unwrap_or_default();
    let unreadable = [&b"Args|"[..], b"Deserialization|", b"MissingArg|"].iter().any(|prefix| text.starts_with(prefix));
    if text.ends_with(b"length limit exceeded") {
        StatusCode::PAYLOAD_TOO_LARGE.into_response()
    } else if unreadable {
        (StatusCode::BAD_REQUEST, "The form could not be read.\n").into_response()
    } else {
        Response::from_parts(parts, Body::from(text))
    }
}

async fn limit_pages(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let from = client_address::of(request.extensions());
    match state.limits.pages.check(&rate_limit::network(from)) {
        Ok(()) => next.run(request).await,
        Err(wait) => rate_limit::come_back_after(wait),
    }
}

async fn ready(State(state): State<AppState>) -> Response {
    match state.services.ready().await {
        Ok(()) => "ready\n".into_response(),
        Err(fault) => {
            tracing::error!(error = %fault, "The database does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response()
        }
    }
}

/// The page for a status, for a person who asked with a browser; with the header of a person who is signed in.
pub async fn error_page(state: &AppState, asked: Request, status: StatusCode) -> Response {
    let error = ErrorPage { status: status.as_u16(), form: None };
    if status.is_server_error() {
        // Who asks may be what cannot be found out.
        return page_in_place(state, asked, error).await;
    }
    let (parts, _) = asked.into_parts();
    let asked = || Request::from_parts(parts.clone(), Body::empty());
    let (shared, shown) = (state.clone(), error.clone());
    let page = Router::new()
        .fallback(move |request: Request| async move { page_in_place(&shared, request, shown).await })
        .layer(from_fn_with_state(state.clone(), caller::identify))
        .layer(sessions(state));
    let Ok(mut page) = page.oneshot(asked()).await;
    if page.status().is_server_error() {
        return page_in_place(state, asked(), error).await;
    }
    // The page changes no session.
    page.headers_mut().remove(header::SET_COOKIE);
    page
}

/// The answer to a form that was rendered for another account than the one that is signed in now, with a way to its page.
pub async fn form_of_another_account(state: &AppState, asked: Request, page: Onward, tenant: Option<TenantId>) -> Response {
    let form = Some(FormElsewhere { page, tenant });
    page_in_place(state, asked, ErrorPage { status: StatusCode::CONFLICT.as_u16(), form }).await
}

async fn page_in_place(state: &AppState, mut asked: Request, error: ErrorPage) -> Response {
    *asked.method_mut() = Method::GET;
    let (options, shared) = (state.leptos.clone(), state.clone());
    let context = move || {
        provide(&shared);
        provide_context(error.clone());
    };
    leptos_axum::render_app_async_with_context(context, move || shell(options.clone()))(asked).await
}
