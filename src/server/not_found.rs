//! Unknown paths: API clients get an error in the format of their API; browsers are redirected if the path is another spelling of a page's.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use leptos_axum::AxumRouteListing;

use super::oauth::error::OAuthError;
use super::tms::error::TmsError;
use crate::domain::paths;

/// For people who shorten the URL of [`paths::DEVICE`].
const DEVICE_SHORTCUT: &str = "/d";

/// The paths of all pages.
#[derive(Clone)]
pub struct PageRoutes(Arc<BTreeSet<String>>);

impl PageRoutes {
    pub fn new(routes: &[AxumRouteListing]) -> Self {
        Self(Arc::new(routes.iter().map(|route| format!("/{}", route.path().trim_matches('/'))).collect()))
    }

    /// The page whose path this is except for a trailing slash or upper case, with the query unchanged.
    fn canonical_page(&self, uri: &Uri) -> Option<String> {
        let path = uri.path().trim_end_matches('/').to_ascii_lowercase();
        let page = if path == DEVICE_SHORTCUT { paths::DEVICE } else { self.0.get(&path)?.as_str() };
        Some(uri.query().map_or_else(|| page.to_owned(), |query| format!("{page}?{query}")))
    }
}

/// Runs in front of the file server, after all other routes.
pub async fn handle_unknown_path(State(pages): State<PageRoutes>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_ascii_lowercase();
    let beneath = |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if beneath("/t") {
        return OAuthError::NotFound.into_response();
    }
    if beneath("/v1") || beneath(paths::OPENAPI) {
        return TmsError::NOT_FOUND.into_response();
    }
    if is_get_or_head(request.method())
        && let Some(page) = pages.canonical_page(request.uri())
    {
        return Redirect::permanent(&page).into_response();
    }
    let response = next.run(request).await;
    let missing = response.status() == StatusCode::NOT_FOUND;
    if missing && beneath("/.well-known") { OAuthError::NotFound.into_response() } else { response }
}

/// The file server answers methods other than GET and HEAD with 405; for a file that does not exist this returns 404 instead.
pub async fn reject_missing_file(request: Request, next: Next) -> Response {
    if is_get_or_head(request.method()) {
        return next.run(request).await;
    }
    let mut look = Request::new(Body::empty());
    (*look.method_mut(), *look.uri_mut()) = (Method::HEAD, request.uri().clone());
    match next.run(look).await.status() {
        StatusCode::NOT_FOUND => StatusCode::NOT_FOUND.into_response(),
        _ => (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET,HEAD")]).into_response(),
    }
}

fn is_get_or_head(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}
