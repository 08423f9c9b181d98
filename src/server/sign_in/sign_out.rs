//! `POST /sign-out`; and `POST /sign-in/ended/…`, by which an institution says that somebody has signed out there.

use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Form, Json};
use serde::Deserialize;
use serde_json::json;

use super::session::SignedOutHere;
use crate::domain::ids::{ProviderId, TenantId};
use crate::domain::paths::{self, Onward};
use crate::server::caller::Caller;
use crate::server::guard::trouble::Trouble;
use crate::server::service::identities::Trouble as IdpTrouble;
use crate::server::service::signing_out::NotEnded;
use crate::server::service::{Error, Services};
use crate::server::state::AppState;

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// On to another account, if the form says so.
#[derive(Deserialize)]
pub struct Next {
    /// The tenant of that account.
    #[serde(default)]
    tenant: String,
    /// The page that it goes on to after sign-in.
    #[serde(default)]
    then: Option<String>,
}

/// Whoever came through an institution is told where to sign out there: other sites may rest on that session, so it is left to them.
pub async fn post(State(services): State<Services>, caller: Caller, form: Result<Form<Next>, FormRejection>) -> Result<Response, Trouble> {
    let next = form.ok().and_then(|Form(Next { tenant, then })| Some((TenantId::parse(tenant).ok(), Onward::wanted(&then?))));
    let through = caller.session.through().await?;
    let elsewhere = match (&caller.signed_in, &through) {
        (Some(person), Some(through)) => services.signs_out_elsewhere(person, through).await?,
        _ => None,
    };
    if let Some(person) = &caller.signed_in {
        services.record_sign_out(person).await?;
    }
    let onward = match elsewhere {
        Some(there) => {
            let here = SignedOutHere { institution: there.name, address: Some(there.address), state: there.state.reveal().to_owned() };
            caller.session.end_here(&here).await?;
            let then = next.map(|(_, then)| then).unwrap_or_default();
            paths::going_on(paths::SIGNED_OUT, &then)
        }
        None => {
            caller.session.end().await?;
            next.map_or_else(|| paths::HOME.to_owned(), |(tenant, then)| paths::sign_in(tenant.as_ref(), &then))
        }
    };
    Ok(([(CLEAR_SITE_DATA, "\"cache\", \"storage\"")], Redirect::to(&onward)).into_response())
}

/// On to the institution, once. The way there holds the ID token, which says who somebody is: it stands in no page.
pub async fn there(caller: Caller) -> Result<Redirect, Trouble> {
    let way = caller.session.take_way_there().await?;
    Ok(Redirect::to(way.as_deref().unwrap_or(paths::SIGNED_OUT)))
}

/// OpenID Connect Back-Channel Logout 1.0 §2.5.
#[derive(Deserialize)]
pub struct Ended {
    logout_token: String,
}

pub async fn ended(
    State(state): State<AppState>,
    Path((tenant, provider)): Path<(String, String)>,
    form: Result<Form<Ended>, FormRejection>,
) -> Response {
    let (Ok(tenant), Ok(provider)) = (TenantId::parse(tenant), ProviderId::parse(provider)) else {
        return refused(StatusCode::NOT_FOUND, "There is no such provider.");
    };
    let Ok(Form(form)) = form else {
        return refused(StatusCode::BAD_REQUEST, "Send logout_token as application/x-www-form-urlencoded.");
    };
    match state.services.end_from_elsewhere(&tenant, &provider, &form.logout_token).await {
        Ok(()) => (StatusCode::OK, [(header::CACHE_CONTROL, "no-store")]).into_response(),
        Err(Error::Refused(NotEnded::NoProvider)) => refused(StatusCode::NOT_FOUND, "There is no such provider."),
        Err(Error::Refused(NotEnded::Trouble(trouble))) => {
            // Anybody may send one. With what others sent in quotes: it must not look like a line of ours.
            if state.limits.refused_logouts.check(&format!("{tenant}/{provider}")).is_ok() {
                tracing::warn!(error = ?trouble, %tenant, %provider, "A logout token was refused; more within a minute are not told");
            }
            match trouble {
                // For now; it may send the token again.
                IdpTrouble::Slow | IdpTrouble::Unreachable(_) | IdpTrouble::Broken(_) => {
                    refused(StatusCode::SERVICE_UNAVAILABLE, "The token's keys could not be asked for.")
                }
                _ => refused(StatusCode::BAD_REQUEST, "The logout token is not to be trusted."),
            }
        }
        Err(Error::Internal(fault)) => {
            tracing::error!(error = %fault, "Sessions could not be ended for an institution");
            refused(StatusCode::INTERNAL_SERVER_ERROR, "Something broke on our side.")
        }
    }
}

/// §2.8.
fn refused(status: StatusCode, why: &str) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(json!({ "error": "invalid_request", "error_description": why }))).into_response()
}
