//! Good answers on TMS' wire: the payload's fields, and flat beside them `result_code: "0"` and a sentence.

use axum::Json;
use axum::extract::{FromRequestParts, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::TmsError;
use crate::domain::page::Page;

#[derive(Serialize, ToSchema)]
pub struct Answer<T> {
    #[serde(flatten)]
    payload: T,
    #[schema(value_type = String, example = "0")]
    result_code: &'static str,
    #[schema(example = "success")]
    result_msg: String,
}

impl<T> Answer<T> {
    /// With another sentence.
    pub fn but(self, sentence: &str) -> Json<Self> {
        Json(Self { result_msg: sentence.to_owned(), ..self })
    }
}

pub type Done<T> = Result<Json<Answer<T>>, TmsError>;
pub type Made<T> = Result<(StatusCode, Json<Answer<T>>), TmsError>;

pub fn saying<T>(sentence: impl Into<String>, payload: T) -> Json<Answer<T>> {
    Json(Answer { payload, result_code: "0", result_msg: sentence.into() })
}

pub fn success<T>(payload: T) -> Json<Answer<T>> {
    saying("success", payload)
}

pub fn created<T>(payload: T) -> (StatusCode, Json<Answer<T>>) {
    (StatusCode::CREATED, success(payload))
}

/// The same, with a sentence in place of `success` where there is something to warn of.
pub fn created_warning<T>(warning: Option<String>, payload: T) -> (StatusCode, Json<Answer<T>>) {
    (StatusCode::CREATED, saying(warning.unwrap_or_else(|| "success".to_owned()), payload))
}

#[derive(Serialize, ToSchema)]
pub struct Updated {
    pub fields_updated: i32,
}

#[derive(Serialize, ToSchema)]
pub struct Deleted {
    pub num_deleted: u64,
}

/// How TMS says that something was removed, or that there was nothing to remove.
pub fn deleted(what: &str, num_deleted: u64) -> Json<Answer<Deleted>> {
    let sentence = if num_deleted == 0 { format!("{what} NOT FOUND - Nothing deleted") } else { format!("{what} deleted") };
    saying(sentence, Deleted { num_deleted })
}

/// A piece of a list (`limit`, `cursor`).
pub struct Paged(pub Page);

/// Pagination parameters.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// Maximum number of entries; if omitted, as many as one response can hold.
    #[param(minimum = 1, maximum = 10_000)]
    limit: Option<i64>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Paged {
    type Rejection = TmsError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, TmsError> {
        let refused = || TmsError::BadRequest(format!("ERROR: limit must be 1 to {}, and cursor must be the next_cursor of a response.", Page::MOST));
        let Query(Paging { limit, cursor }) = Query::from_request_parts(parts, state).await.map_err(|_| refused())?;
        Page::parse(limit, cursor.as_deref()).map(Self).ok_or_else(refused)
    }
}
