//! Parsing of requests: JSON bodies, identifiers, numbers in paths. Errors have TMS' format.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde::de::{DeserializeOwned, Error, Visitor};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::error::TmsError;
use crate::domain::display_text::{NameRefused, hides_something, parse_name};
use crate::domain::ids::{IdRefused, TenantId};

/// A JSON object. Unknown fields are ignored.
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = TmsError;

    async fn from_request(request: Request, state: &S) -> Result<Self, TmsError> {
        if !is_json(request.headers()) {
            return Err(TmsError::UnsupportedMediaType);
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| match rejection.into_response().status() {
            StatusCode::PAYLOAD_TOO_LARGE => TmsError::TooLarge,
            _ => TmsError::BadRequest("ERROR: the request body could not be read.".into()),
        })?;
        serde_json::from_slice(&bytes).map(Self).map_err(|why| TmsError::BadRequest(format!("ERROR: parse request payload error: {why}")))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let content = headers.get(header::CONTENT_TYPE).and_then(|content| content.to_str().ok()).unwrap_or_default();
    content.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// A text; callers of the previous server also send numbers for it.
#[derive(Clone, Debug, ToSchema)]
#[schema(value_type = String)]
pub struct Text(pub String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrNumber;
        impl Visitor<'_> for TextOrNumber {
            type Value = Text;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }
        }
        deserializer.deserialize_any(TextOrNumber)
    }
}

impl Text {
    /// Parses it as an identifier; `field` is its name in errors.
    pub fn id<I: TryFrom<String, Error = IdRefused>>(self, field: &str) -> Result<I, TmsError> {
        let Self(text) = self;
        I::try_from(text.clone()).map_err(|why| {
            TmsError::BadRequest(if text.contains('*') {
                format!("ERROR: {field} must name exactly one; the wildcard '*' is not supported.")
            } else if hides_something(&text) {
                format!("ERROR: {field} {}.", NameRefused::Invisible)
            } else {
                format!("ERROR: {field} is not valid: {why}.")
            })
        })
    }

    /// Parses it as display text: not empty, at most 128 characters, none invisible.
    pub fn display_text(self, field: &str) -> Result<String, TmsError> {
        parse_name(&self.0).map_err(|why| TmsError::BadRequest(format!("ERROR: {field} {why}.")))
    }
}

/// TMS repeats the tenant of the header in the body.
pub fn check_tenant(header: &TenantId, body: &Text) -> Result<(), TmsError> {
    if header.as_str() == body.0 {
        return Ok(());
    }
    let body: String = body.0.chars().take(64).collect();
    let sentence =
        format!("ERROR: FORBIDDEN - The tenant in the X-TMS-TENANT header ({header}) does not match the tenant in the request body ({body})");
    Err(TmsError::Forbidden(sentence))
}

/// The row number at the end of a path.
pub struct RowId(pub i64);

impl<S: Send + Sync> FromRequestParts<S> for RowId {
    type Rejection = TmsError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, TmsError> {
        match Path::<i64>::from_request_parts(parts, state).await {
            Ok(Path(number)) => Ok(Self(number)),
            Err(_) => Err(TmsError::BadRequest("ERROR: the last part of the path must be a number.".into())),
        }
    }
}

/// A path segment.
pub struct PathSegment(pub String);

impl<S: Send + Sync> FromRequestParts<S> for PathSegment {
    type Rejection = TmsError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, TmsError> {
        Path::from_request_parts(parts, state).await.map(|Path(name)| Self(name)).map_err(|_| invalid_path())
    }
}

/// Two path segments.
pub struct PathSegmentPair(pub String, pub String);

impl<S: Send + Sync> FromRequestParts<S> for PathSegmentPair {
    type Rejection = TmsError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, TmsError> {
        Path::from_request_parts(parts, state).await.map(|Path((first, second))| Self(first, second)).map_err(|_| invalid_path())
    }
}

fn invalid_path() -> TmsError {
    TmsError::BadRequest("ERROR: the path could not be read.".into())
}

/// The query of the URL.
pub struct QueryParams<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for QueryParams<T> {
    type Rejection = TmsError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, TmsError> {
        let read = axum::extract::Query::from_request_parts(parts, state).await;
        read.map(|axum::extract::Query(query)| Self(query)).map_err(|why| TmsError::BadRequest(format!("ERROR: {}", why.body_text())))
    }
}
