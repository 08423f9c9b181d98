//! Request parameters: form-encoded, none twice, an empty one counts as missing (RFC 6749 §3.2, RFC 8628 §3.1).

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};

use super::error::OAuthError;
use crate::domain::authorization_request::Parameters;

/// The only parameter that may be sent more than once (RFC 8707 §2).
const RESOURCE: &str = "resource";

pub struct Form {
    parameters: HashMap<String, String>,
    resources: Vec<String>,
}

impl Form {
    /// Reads the request's body. Unknown parameters are ignored.
    pub async fn read(request: Request) -> Result<Self, OAuthError> {
        if !is_form(request.headers()) {
            return Err(OAuthError::UnsupportedMediaType);
        }
        let body = Bytes::from_request(request, &()).await.map_err(body_error)?;
        Self::parse(&body)
    }

    pub fn parse(body: &[u8]) -> Result<Self, OAuthError> {
        let pairs: Vec<(String, String)> =
            serde_urlencoded::from_bytes(body).map_err(|_| OAuthError::InvalidRequest("The request body is not form-encoded UTF-8."))?;
        let mut form = Self { parameters: HashMap::new(), resources: Vec::new() };
        for (name, value) in pairs {
            if name == RESOURCE {
                form.resources.push(value);
            } else if form.parameters.insert(name, value).is_some() {
                return Err(OAuthError::InvalidRequest("A parameter was included more than once."));
            }
        }
        Ok(form)
    }

    /// The values of `resource`, in their order.
    pub fn resources(&self) -> &[String] {
        &self.resources
    }

    /// All parameters of an authorization request that was pushed.
    pub fn into_parameters(self) -> Parameters {
        Parameters::new(self.parameters.into_iter().chain(self.resources.into_iter().map(|resource| (RESOURCE.to_owned(), resource))))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub fn require(&self, name: &str, missing: &'static str) -> Result<&str, OAuthError> {
        self.get(name).ok_or(OAuthError::InvalidRequest(missing))
    }
}

/// Why a body could not be read.
pub fn body_error(rejection: BytesRejection) -> OAuthError {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => OAuthError::TooLarge,
        _ => OAuthError::InvalidRequest("The request body could not be read."),
    }
}

/// Whether the body is form-encoded, by its content type.
pub fn is_form(headers: &HeaderMap) -> bool {
    let content = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_parameters_are_missing_and_repeated_ones_refused() {
        let form = Form::parse(b"client_id=&scope=a+b&unknown=1").expect("a form");
        assert_eq!((form.get("client_id"), form.get("scope")), (None, Some("a b")));
        for twice in [&b"scope=a&scope=b"[..], b"unknown=&unknown=", b"a=1&%61=2"] {
            assert!(matches!(Form::parse(twice), Err(OAuthError::InvalidRequest(_))));
        }
        let form = Form::parse(b"resource=https://b.example&scope=a&resource=https://a.example").expect("a form");
        assert_eq!(form.resources(), ["https://b.example", "https://a.example"]);
    }
}
