//! Successful responses in TMS' format: the payload's fields, with `result_code: "0"` and a message beside them.

use axum::Json;
use axum::extract::{FromRequestParts, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::TmsError;
use crate::domain::pagination::PageRequest;

#[derive(Serialize, ToSchema)]
pub struct Reply<T> {
    #[serde(flatten)]
    payload: T,
    #[schema(value_type = String, example = "0")]
    result_code: &'static str,
    #[schema(example = "success")]
    result_msg: String,
}

impl<T> Reply<T> {
    /// With another message.
    pub fn with_message(self, sentence: &str) -> Json<Self> {
        Json(Self { result_msg: sentence.to_owned(), ..self })
    }
}

pub type ReplyResult<T> = Result<Json<Reply<T>>, TmsError>;
pub type CreatedResult<T> = Result<(StatusCode, Json<Reply<T>>), TmsError>;

pub fn reply_with<T>(sentence: impl Into<String>, payload: T) -> Json<Reply<T>> {
    Json(Reply { payload, result_code: "0", result_msg: sentence.into() })
}

pub fn success<T>(payload: T) -> Json<Reply<T>> {
    reply_with("success", payload)
}

pub fn created<T>(payload: T) -> (StatusCode, Json<Reply<T>>) {
    (StatusCode::CREATED, success(payload))
}

/// The same, with the warning in place of `success` if there is one.
pub fn created_with_warning<T>(warning: Option<String>, payload: T) -> (StatusCode, Json<Reply<T>>) {
    (StatusCode::CREATED, reply_with(warning.unwrap_or_else(|| "success".to_owned()), payload))
}

/// A boolean as lists have it: 1 or 0.
#[derive(Serialize, ToSchema)]
#[schema(minimum = 0, maximum = 1)]
pub struct ZeroOrOne(u8);

impl From<bool> for ZeroOrOne {
    fn from(value: bool) -> Self {
        Self(value.into())
    }
}

#[derive(Serialize, ToSchema)]
pub struct UpdateResponse {
    pub fields_updated: i32,
}

#[derive(Serialize, ToSchema)]
pub struct DeleteResponse {
    pub num_deleted: u64,
}

/// TMS' response to a deletion, also if there was nothing to delete.
pub fn deleted(what: &str, num_deleted: u64) -> Json<Reply<DeleteResponse>> {
    let sentence = if num_deleted == 0 { format!("{what} NOT FOUND - Nothing deleted") } else { format!("{what} deleted") };
    reply_with(sentence, DeleteResponse { num_deleted })
}

/// A page of a list (`limit`, `cursor`).
pub struct Pagination(pub PageRequest);

/// Pagination parameters.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PaginationParams {
    /// Maximum number of entries; if omitted, as many as one response can hold.
    #[param(minimum = 1, maximum = 10_000)]
    limit: Option<i64>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Pagination {
    type Rejection = TmsError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, TmsError> {
        let refused = || {
            TmsError::BadRequest(format!("ERROR: limit must be 1 to {}, and cursor must be the next_cursor of a response.", PageRequest::MAX_LIMIT))
        };
        let Query(PaginationParams { limit, cursor }) = Query::from_request_parts(parts, state).await.map_err(|_| refused())?;
        PageRequest::parse(limit, cursor.as_deref()).map(Self).ok_or_else(refused)
    }
}
