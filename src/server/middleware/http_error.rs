//! Errors on the pages' side: logged once, here, and rendered as an error page.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;

use super::page_runtime;
use super::unavailable::{fault_status, with_retry_after};
use crate::server::preferences;
use crate::server::service::Fault;
use crate::server::state::AppState;

/// An internal fault as a response of pages and forms.
pub struct HttpError(Fault);

impl From<Fault> for HttpError {
    fn from(fault: Fault) -> Self {
        Self(fault)
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        if !self.0.is_logged() {
            tracing::error!(error = %self.0, "A request failed on our side");
        }
        with_retry_after(fault_status(&self.0).into_response())
    }
}

/// Renders the page for a status. The router passes it in, because layers know no pages.
pub type RenderErrorPage = fn(AppState, Request, StatusCode) -> BoxFuture<'static, Response>;

pub fn wants_html(headers: &HeaderMap) -> bool {
    accepts(headers, "text/html")
}

/// Whether `Accept` names the media type.
pub fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    headers.get_all(header::ACCEPT).iter().filter_map(|accept| accept.to_str().ok()).any(|accept| accept.contains(media_type))
}

/// Replaces an error without a body by the error page, for clients that accept HTML. JSON errors are kept: they answer scripts, some of
/// which accept HTML as well.
pub async fn render_error_page<F: Future<Output = Response>>(
    state: &AppState,
    render: RenderErrorPage,
    request: Request,
    respond: impl FnOnce(Request) -> F,
) -> Response {
    if !wants_html(request.headers()) {
        return respond(request).await;
    }
    let (parts, body) = request.into_parts();
    let asked = Request::from_parts(parts.clone(), Body::empty());
    let response = respond(Request::from_parts(parts, body)).await;
    let status = response.status();
    let explained = [&b"text/html"[..], b"application/json"];
    let content = response.headers().get(header::CONTENT_TYPE).map_or(&b""[..], |content| content.as_bytes());
    let bare = !explained.iter().any(|kind| content.starts_with(kind));
    if !bare || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let kept = [header::RETRY_AFTER, header::ALLOW].map(|name| response.headers().get(&name).cloned().map(|value| (name, value)));
    // Over the limit the response is one line: a page would cost what the limit saves.
    let mut page = match status {
        StatusCode::TOO_MANY_REQUESTS => {
            let t = preferences::translations(asked.headers(), &state.languages);
            format!("{}. {}\n", t.error_too_many(), t.error_too_many_means()).into_response()
        }
        _ => page_runtime::render(render(state.clone(), asked, status)).await,
    };
    *page.status_mut() = status;
    page.headers_mut().extend(kept.into_iter().flatten());
    page
}
