//! Deny by default: every page and server function needs a signed-in person, except those that `domain::paths` lists; those of
//! administrators need the role, and a fresh sign-in.

use axum::extract::{Request, State};
use axum::http::uri::PathAndQuery;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::forms::SIGN_IN_NEEDED;
use crate::domain::paths::{self, Onward};
use crate::server::caller::Caller;
use crate::server::service::Services;
use crate::server::service::proofs::NotNow;

pub async fn check(State(services): State<Services>, caller: Caller, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let reading = matches!(*request.method(), Method::GET | Method::HEAD);
    let wanted = || Onward::wanted(request.uri().path_and_query().map_or(paths::HOME, PathAndQuery::as_str));
    if let Some(person) = &caller.signed_in {
        if !is_of_administrators(path) {
            return next.run(request).await;
        }
        return match services.administer(person) {
            Ok(_) => next.run(request).await,
            // To everybody else there is no such page.
            Err(NotNow::NoAdmin) => StatusCode::NOT_FOUND.into_response(),
            Err(NotNow::Missing(missing)) => {
                let onward = if reading { wanted() } else { Onward::to(paths::ADMIN) };
                sign_in_first(&paths::show(missing, &onward))
            }
        };
    }
    if is_public(path) {
        return next.run(request).await;
    }
    if reading {
        return Redirect::to(&paths::sign_in(None, &wanted())).into_response();
    }
    if super::trouble::wants_html(request.headers()) {
        return sign_in_first(&paths::sign_in(None, &Onward::default()));
    }
    (StatusCode::UNAUTHORIZED, "Sign in first.").into_response()
}

/// Sends a form's browser to sign in; `guard::forms` keeps what was entered, and leads back to the form's page.
fn sign_in_first(address: &str) -> Response {
    ([(SIGN_IN_NEEDED, "1")], Redirect::to(address)).into_response()
}

fn is_of_administrators(path: &str) -> bool {
    let beneath = |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || rest.starts_with('.'));
    beneath(paths::ADMIN) || beneath(paths::ADMIN_ACTIONS)
}

fn is_public(path: &str) -> bool {
    let signing = [
        paths::SIGN_IN_PASSWORD,
        paths::SIGN_IN_INVITATION,
        paths::SHOW_SECOND_FACTOR,
        paths::SIGN_OUT,
        paths::SIGN_OUT_THERE,
        // Leads on to a page that is not public.
        paths::CHANGE_PASSWORD,
    ];
    let through_an_institution = path.starts_with(paths::SIGN_IN_WITH_ALL) || path.starts_with(paths::SIGN_IN_BACK_ALL);
    through_an_institution || paths::PUBLIC_PAGES.contains(&path) || paths::PUBLIC_ACTIONS.contains(&path) || signing.contains(&path)
}
