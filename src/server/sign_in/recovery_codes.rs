//! `GET /identities/recovery.txt`: recovery codes as a file, while this session can show them.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::domain::paths;
use crate::server::middleware::http_error::HttpError;
use crate::server::preferences;
use crate::server::request_context::RequestContext;
use crate::server::state::AppState;

#[derive(Deserialize)]
pub struct RecoveryCodesParams {
    #[serde(default)]
    codes: String,
}

pub async fn download(
    State(state): State<AppState>,
    headers: HeaderMap,
    caller: RequestContext,
    Query(which): Query<RecoveryCodesParams>,
) -> Result<Response, HttpError> {
    let (services, words) = (&state.services, preferences::translations(&headers, &state.languages));
    let codes = caller.session.recovery_codes(&which.codes, services.now()).await?;
    let (Some((codes, made_at)), Some(person)) = (codes, &caller.signed_in) else {
        return Ok(Redirect::to(paths::IDENTITIES_RECOVERY).into_response());
    };
    let whose = words.person_at(person.user_id().as_str(), person.tenant_name());
    let text = format!(
        "{}\r\n{whose}\r\n{}\r\n{}\r\n\r\n{}\r\n",
        words.factors_recovery_title(),
        services.public_url(),
        made_at.to_rfc3339(),
        codes.reveal().replace('\n', "\r\n")
    );
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"tms-recovery-codes.txt\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, text).into_response())
}
