//! Deny by default: every page and server function requires a signed-in person, except those that `domain::paths` lists. Administrators'
//! pages require the role and a recent sign-in.

use axum::extract::{Request, State};
use axum::http::uri::PathAndQuery;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::forms::SIGN_IN_NEEDED;
use crate::domain::paths::{self, ReturnTo};
use crate::server::request_context::RequestContext;
use crate::server::service::Services;
use crate::server::service::auth::principals::AccessDenied;

pub async fn check(State(services): State<Services>, caller: RequestContext, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let reading = matches!(*request.method(), Method::GET | Method::HEAD);
    let requested_page = || ReturnTo::from_untrusted(request.uri().path_and_query().map_or(paths::HOME, PathAndQuery::as_str));
    if let Some(person) = &caller.signed_in {
        if !is_admin_path(path) {
            return next.run(request).await;
        }
        return match services.authorize_admin(person) {
            Ok(_) => next.run(request).await,
            // Others must not learn that the page exists.
            Err(AccessDenied::NotAdmin) => StatusCode::NOT_FOUND.into_response(),
            Err(AccessDenied::StepUpRequired(missing)) => {
                let return_to = if reading { requested_page() } else { ReturnTo::to(paths::ADMIN) };
                redirect_to_sign_in(&paths::step_up(missing, &return_to))
            }
        };
    }
    if is_public(path) {
        return next.run(request).await;
    }
    if reading {
        return Redirect::to(&paths::sign_in(None, &requested_page())).into_response();
    }
    if super::http_error::wants_html(request.headers()) {
        return redirect_to_sign_in(&paths::sign_in(None, &ReturnTo::default()));
    }
    (StatusCode::UNAUTHORIZED, "Sign in first.").into_response()
}

/// Redirects a form to the sign-in; `middleware::forms` keeps its values and returns to its page.
fn redirect_to_sign_in(address: &str) -> Response {
    ([(SIGN_IN_NEEDED, "1")], Redirect::to(address)).into_response()
}

fn is_admin_path(path: &str) -> bool {
    let beneath = |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || rest.starts_with('.'));
    beneath(paths::ADMIN) || beneath(paths::ADMIN_ACTIONS)
}

fn is_public(path: &str) -> bool {
    let signing = [
        paths::SIGN_IN_PASSWORD,
        paths::SIGN_IN_INVITATION,
        paths::SUBMIT_SECOND_FACTOR,
        paths::SIGN_OUT,
        paths::SIGN_OUT_REQUEST,
        paths::UPSTREAM_LOGOUT,
        // It redirects to a page that is not public.
        paths::CHANGE_PASSWORD,
    ];
    let through_an_institution = path.starts_with(paths::UPSTREAM_AUTHORIZE_PREFIX) || path.starts_with(paths::UPSTREAM_CALLBACK_PREFIX);
    through_an_institution || paths::PUBLIC_PAGES.contains(&path) || paths::PUBLIC_ACTIONS.contains(&path) || signing.contains(&path)
}
