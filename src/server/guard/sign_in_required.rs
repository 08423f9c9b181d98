//! Deny by default: every page and server function needs a signed-in person, except those that `domain::paths` lists.

use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use crate::domain::paths::{self, AfterSignIn};
use crate::server::caller::Caller;

pub async fn check(caller: Caller, request: Request, next: Next) -> Response {
    if caller.signed_in.is_some() || is_public(request.uri().path()) {
        return next.run(request).await;
    }
    let reading = matches!(*request.method(), Method::GET | Method::HEAD);
    if reading {
        let wanted = AfterSignIn::wanted(request.uri().path());
        return Redirect::to(&paths::sign_in(None, wanted)).into_response();
    }
    if super::trouble::wants_html(request.headers()) {
        return Redirect::to(paths::SIGN_IN).into_response();
    }
    (StatusCode::UNAUTHORIZED, "Sign in first.").into_response()
}

fn is_public(path: &str) -> bool {
    let signing = [paths::SIGN_IN_PASSWORD, paths::SIGN_OUT];
    paths::PUBLIC_PAGES.contains(&path) || paths::PUBLIC_ACTIONS.contains(&path) || signing.contains(&path)
}
