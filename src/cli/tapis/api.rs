//! The API of Tapis' authenticator.

use std::time::Duration;

use oauth2::HttpResponse;
use oauth2::http::StatusCode;
use oauth2::http::header::DATE;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::cli::device_flow::{MAX_INTERVAL, MIN_INTERVAL};
use crate::cli::http::{HttpTransport, RequestError, TransportError, TransportErrorKind};
use crate::cli::printable::Printable;
use crate::cli::server_url::ServerUrl;
use crate::cli::target::TargetArgs;
use crate::cli::time_format::now;
use crate::domain::time::Timestamp;

use super::claims::UnverifiedClaims;
use super::credentials::TapisToken;
use super::error::TapisError;
use super::expiry::{Expiry, parse_time};
use super::response::{self, TapisErrorResponse};
use super::secret::TapisSecret;

const DEVICE_CODE: &str = "/v3/oauth2/device/code";
const TOKENS: &str = "/v3/oauth2/tokens";
const REVOKE: &str = "/v3/oauth2/tokens/revoke";
const USER_INFO: &str = "/v3/oauth2/userinfo";
const TOKEN_HEADER: &str = "X-Tapis-Token";
/// Tapis states no interval; this is the default of RFC 8628 §3.5.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);

/// The API of one Tapis tenant.
pub struct TapisApi {
    pub server: ServerUrl,
    http: HttpTransport,
}

/// A user code and a device code.
pub struct TapisDeviceCode {
    pub device_code: TapisSecret,
    /// Case-sensitive.
    pub user_code: Printable,
    pub verification_uri: Printable,
    pub lifetime: Duration,
    pub interval: Duration,
}

/// The result of one poll.
pub enum PollResult {
    Token(TapisToken),
    Pending,
}

/// `GET /v3/oauth2/userinfo`; other members depend on the tenant.
#[derive(Deserialize)]
pub struct UserInfo {
    pub username: Printable,
}

#[derive(Deserialize)]
struct DeviceCodeResponse {
    device_code: TapisSecret,
    user_code: Printable,
    verification_uri: Printable,
    expires_in: Expiry,
    interval: Option<Value>,
}

#[derive(Deserialize)]
struct TapisTokenResponse {
    access_token: TapisSecret,
    expires_at: Option<Expiry>,
    expires_in: Option<Expiry>,
}

impl TapisApi {
    pub fn new(server: ServerUrl, target_args: &TargetArgs) -> Result<Self, TapisError> {
        let http = target_args.http(&server)?;
        Ok(Self { server, http })
    }

    pub async fn request_device_code(&self, client_id: &str) -> Result<TapisDeviceCode, TapisError> {
        let answer = self.post(DEVICE_CODE, &json!({ "client_id": client_id })).await.map_err(|why| self.transport_error(why))?;
        match self.parse_response(&answer)? {
            Ok(result) => self.parse_device_code(self.parse_result(result, "a code with parts missing")?, response_date(&answer)),
            Err(refusal) if refusal.mentions("invalid client") => Err(self.unknown_client(client_id)),
            Err(refusal) => Err(self.error_response(&refusal, None)),
        }
    }

    /// Polls once. A response that is not Tapis' counts as transient; a refusal is final.
    pub async fn poll_for_token(&self, client_id: &str, device_code: &TapisSecret) -> Result<Result<PollResult, TapisError>, TransportError> {
        let request = json!({ "grant_type": "device_code", "client_id": client_id, "device_code": device_code.reveal() });
        let answer = self.post(TOKENS, &request).await?;
        Ok(
            match response::parse(&answer).ok_or_else(|| self.http.transport_error(TransportErrorKind::GatewayResponse(answer.status().as_u16())))? {
                Ok(result) => self.parse_token(result).map(PollResult::Token),
                Err(refusal) if refusal.status == StatusCode::BAD_REQUEST && is_pending(&refusal) => Ok(PollResult::Pending),
                Err(refusal) if refusal.mentions("expired") => Err(TapisError::CodeExpired),
                Err(refusal) => Err(self.error_response(&refusal, Some(device_code))),
            },
        )
    }

    /// The owner of the token; fails if Tapis no longer accepts it.
    pub async fn user_info(&self, token: &TapisSecret) -> Result<UserInfo, TapisError> {
        let answer = self.http.get_with_header(&self.url(USER_INFO), TOKEN_HEADER, token.reveal()).await.map_err(|why| self.transport_error(why))?;
        match self.parse_response(&answer)? {
            Ok(result) => self.parse_result(result, "a user without a name"),
            Err(refusal) if is_invalid_token(&refusal) => Err(TapisError::SignInExpired(self.server.clone())),
            Err(refusal) => Err(self.error_response(&refusal, Some(token))),
        }
    }

    pub async fn revoke(&self, token: &TapisSecret) -> Result<(), TapisError> {
        let answer = self.post(REVOKE, &json!({ "token": token.reveal() })).await.map_err(|why| self.transport_error(why))?;
        self.parse_response(&answer)?.map(drop).map_err(|refusal| self.error_response(&refusal, Some(token)))
    }

    pub fn transport_error(&self, error: TransportError) -> TapisError {
        RequestError::new(&self.server, error).into()
    }

    async fn post(&self, path: &str, body: &Value) -> Result<HttpResponse, TransportError> {
        self.http.post_json(&self.url(path), None, body).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server)
    }

    fn parse_response(&self, response: &HttpResponse) -> Result<Result<Value, TapisErrorResponse>, TapisError> {
        if let Some(redirect) = self.http.redirect_error(&self.server, response) {
            return Err(redirect.into());
        }
        response::parse(response).ok_or_else(|| self.unexpected_response(&format!("HTTP {}{}", response.status().as_u16(), self.http.via_proxy)))
    }

    fn parse_result<T: DeserializeOwned>(&self, result: Value, expectation: &str) -> Result<T, TapisError> {
        // Without serde's message, which could quote the token.
        serde_json::from_value(result).map_err(|_| self.unexpected_response(expectation))
    }

    /// Lifetimes are computed from Tapis' clock, so that an incorrect clock of this machine does not matter.
    fn parse_device_code(&self, response: DeviceCodeResponse, now: Timestamp) -> Result<TapisDeviceCode, TapisError> {
        let DeviceCodeResponse { device_code, user_code, verification_uri, expires_in, interval } = response;
        let lifetime = expires_in.to_timestamp(now).map(|end| end.since(now)).unwrap_or_default();
        if lifetime.is_zero() {
            return Err(self.unexpected_response("a code without time to enter it"));
        }
        let interval = interval.and_then(|seconds| Duration::try_from_secs_f64(seconds.as_f64()?).ok()).unwrap_or(DEFAULT_INTERVAL);
        Ok(TapisDeviceCode { device_code, user_code, verification_uri, lifetime, interval: interval.clamp(MIN_INTERVAL, MAX_INTERVAL) })
    }

    /// `access_token` is the token itself or an object that contains it.
    fn parse_token(&self, mut result: Value) -> Result<TapisToken, TapisError> {
        let nested = result.get_mut("access_token").filter(|token| token.is_object()).map(Value::take);
        let TapisTokenResponse { access_token, expires_at, expires_in } =
            self.parse_result(nested.unwrap_or(result), "a token with parts missing")?;
        let end = |expiry: Option<Expiry>| expiry.and_then(|expiry| expiry.to_timestamp(now()));
        let expires_at = end(expires_at).or_else(|| end(expires_in)).or_else(|| UnverifiedClaims::decode(&access_token).expires_at());
        Ok(TapisToken { secret: access_token, expires_at })
    }

    fn error_response(&self, response: &TapisErrorResponse, secret: Option<&TapisSecret>) -> TapisError {
        let (server, message) = (self.server.clone(), response.display_message(secret));
        if response.status.is_server_error() {
            return TapisError::ServerError { server, message };
        }
        TapisError::Refused { server, message }
    }

    fn unknown_client(&self, client_id: &str) -> TapisError {
        TapisError::UnknownClient { server: self.server.clone(), client_id: Printable::new(client_id) }
    }

    fn unexpected_response(&self, what: &str) -> TapisError {
        TapisError::UnexpectedResponse { server: self.server.clone(), what: Printable::new(what) }
    }
}

/// Tapis has no error codes, only messages.
fn is_pending(response: &TapisErrorResponse) -> bool {
    response.mentions("not ready") || response.mentions("pending")
}

/// Most refusals of Tapis are a 400, also for expired tokens.
fn is_invalid_token(response: &TapisErrorResponse) -> bool {
    match response.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => true,
        StatusCode::BAD_REQUEST => response.mentions("token"),
        _ => false,
    }
}

fn response_date(response: &HttpResponse) -> Timestamp {
    let date = response.headers().get(DATE).and_then(|date| parse_time(date.to_str().ok()?));
    date.unwrap_or_else(now)
}
