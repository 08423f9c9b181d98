//! `POST /sign-out`.

use axum::extract::State;
use axum::http::HeaderName;
use axum::response::{IntoResponse, Redirect, Response};

use crate::domain::paths;
use crate::server::caller::Caller;
use crate::server::guard::trouble::Trouble;
use crate::server::service::Services;

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

pub async fn post(State(services): State<Services>, caller: Caller) -> Result<Response, Trouble> {
    if let Some(person) = &caller.signed_in {
        services.record_sign_out(person).await?;
    }
    caller.session.end().await?;
    Ok(([(CLEAR_SITE_DATA, "\"cache\", \"storage\"")], Redirect::to(paths::HOME)).into_response())
}
