//! What this program asks Tapis' authenticator.

use std::time::Duration;

use oauth2::HttpResponse;
use oauth2::http::StatusCode;
use oauth2::http::header::DATE;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::cli::device_flow::{LONGEST_INTERVAL, SHORTEST_INTERVAL};
use crate::cli::failure::Failure;
use crate::cli::http::{Http, NoAnswer, Why};
use crate::cli::moments::now;
use crate::cli::printable::Printable;
use crate::cli::server_api::location;
use crate::cli::server_url::ServerUrl;
use crate::cli::target::Place;
use crate::domain::time::Timestamp;

use super::answer::{self, Refusal};
use super::claims::Claims;
use super::ending::{Ending, moment};
use super::failure::TapisFailure;
use super::secret::TapisSecret;
use super::sign_ins::Token;

const DEVICE_CODE: &str = "/v3/oauth2/device/code";
const TOKENS: &str = "/v3/oauth2/tokens";
const REVOKE: &str = "/v3/oauth2/tokens/revoke";
const USER_INFO: &str = "/v3/oauth2/userinfo";
const TOKEN_HEADER: &str = "X-Tapis-Token";
/// Tapis names none: RFC 8628's own.
const USUAL_INTERVAL: Duration = Duration::from_secs(5);

/// One Tapis tenant, as this program sees it.
pub struct TapisApi {
    pub server: ServerUrl,
    http: Http,
}

/// A code for the person, and one for us.
pub struct Code {
    pub device_code: TapisSecret,
    /// Capital and small letters count.
    pub user_code: Printable,
    pub verification_uri: Printable,
    pub lifetime: Duration,
    pub interval: Duration,
}

/// What Tapis says to somebody who waits.
pub enum Word {
    Token(Token),
    NotYet,
}

/// `GET /v3/oauth2/userinfo`; the rest of it depends on the tenant.
#[derive(Deserialize)]
pub struct UserInfo {
    pub username: Printable,
}

#[derive(Deserialize)]
struct CodeAnswer {
    device_code: TapisSecret,
    user_code: Printable,
    verification_uri: Printable,
    expires_in: Ending,
    interval: Option<Value>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: TapisSecret,
    expires_at: Option<Ending>,
    expires_in: Option<Ending>,
}

impl TapisApi {
    pub fn new(server: ServerUrl, place: &Place) -> Result<Self, Failure> {
        let http = place.http(&server)?;
        Ok(Self { server, http })
    }

    pub async fn ask_for_code(&self, client_id: &str) -> Result<Code, Failure> {
        let answer = self.post(DEVICE_CODE, &json!({ "client_id": client_id })).await.map_err(|why| self.no_answer(why))?;
        match self.read(&answer)? {
            Ok(result) => self.code(self.parts(result, "a code with parts missing")?, said_at(&answer)),
            Err(refusal) if refusal.mentions("invalid client") => Err(self.unknown_client(client_id)),
            Err(refusal) => Err(self.refused(&refusal, None)),
        }
    }

    /// Asks once. What is no answer of Tapis' may pass while a person is in the browser; a refusal does not.
    pub async fn ask_for_token(&self, client_id: &str, device_code: &TapisSecret) -> Result<Result<Word, Failure>, NoAnswer> {
        let request = json!({ "grant_type": "device_code", "client_id": client_id, "device_code": device_code.revealed() });
        let answer = self.post(TOKENS, &request).await?;
        Ok(match answer::read(&answer).ok_or_else(|| self.http.no_answer(Why::Foreign(answer.status().as_u16())))? {
            Ok(result) => self.token(result).map(Word::Token),
            Err(refusal) if refusal.status == StatusCode::BAD_REQUEST && is_pending(&refusal) => Ok(Word::NotYet),
            Err(refusal) if refusal.mentions("expired") => Err(TapisFailure::CodeExpired.into()),
            Err(refusal) => Err(self.refused(&refusal, Some(device_code))),
        })
    }

    /// Whose token it is: only Tapis knows whether it still holds.
    pub async fn user_info(&self, token: &TapisSecret) -> Result<UserInfo, Failure> {
        let answer = self.http.get_with(&self.url(USER_INFO), TOKEN_HEADER, token.revealed()).await.map_err(|why| self.no_answer(why))?;
        match self.read(&answer)? {
            Ok(result) => self.parts(result, "a user without a name"),
            Err(refusal) if is_about_the_token(&refusal) => Err(TapisFailure::SignInEnded(self.server.clone()).into()),
            Err(refusal) => Err(self.refused(&refusal, Some(token))),
        }
    }

    pub async fn revoke(&self, token: &TapisSecret) -> Result<(), Failure> {
        let answer = self.post(REVOKE, &json!({ "token": token.revealed() })).await.map_err(|why| self.no_answer(why))?;
        self.read(&answer)?.map(drop).map_err(|refusal| self.refused(&refusal, Some(token)))
    }

    pub fn no_answer(&self, why: NoAnswer) -> Failure {
        Failure::no_answer(&self.server, why)
    }

    async fn post(&self, path: &str, body: &Value) -> Result<HttpResponse, NoAnswer> {
        self.http.post_json(&self.url(path), None, body).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server)
    }

    fn read(&self, answer: &HttpResponse) -> Result<Result<Value, Refusal>, Failure> {
        if let Some(location) = location(answer) {
            return Err(Failure::Redirected { server: self.server.clone(), through: self.http.through.clone(), location });
        }
        answer::read(answer).ok_or_else(|| self.not_tapis(&format!("HTTP {}{}", answer.status().as_u16(), self.http.through)))
    }

    fn parts<T: DeserializeOwned>(&self, result: Value, otherwise: &str) -> Result<T, Failure> {
        // Not serde's own words: they could quote the token.
        serde_json::from_value(result).map_err(|_| self.not_tapis(otherwise))
    }

    /// By Tapis' own clock: what it calls ten minutes are ten minutes here, whatever this machine's clock says.
    fn code(&self, answer: CodeAnswer, now: Timestamp) -> Result<Code, Failure> {
        let CodeAnswer { device_code, user_code, verification_uri, expires_in, interval } = answer;
        let lifetime = expires_in.after(now).map(|end| end.since(now)).unwrap_or_default();
        if lifetime.is_zero() {
            return Err(self.not_tapis("a code without time to enter it"));
        }
        let interval = interval.and_then(|seconds| Duration::try_from_secs_f64(seconds.as_f64()?).ok()).unwrap_or(USUAL_INTERVAL);
        Ok(Code { device_code, user_code, verification_uri, lifetime, interval: interval.clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL) })
    }

    /// `access_token` is the token, or an object with the token in it.
    fn token(&self, mut result: Value) -> Result<Token, Failure> {
        let nested = result.get_mut("access_token").filter(|token| token.is_object()).map(Value::take);
        let TokenAnswer { access_token, expires_at, expires_in } = self.parts(nested.unwrap_or(result), "a token with parts missing")?;
        let end = |ending: Option<Ending>| ending.and_then(|ending| ending.after(now()));
        let expires_at = end(expires_at).or_else(|| end(expires_in)).or_else(|| Claims::of(&access_token).expires_at());
        Ok(Token { secret: access_token, expires_at })
    }

    fn refused(&self, refusal: &Refusal, secret: Option<&TapisSecret>) -> Failure {
        let (server, message) = (self.server.clone(), refusal.shown(secret));
        if refusal.status.is_server_error() {
            return TapisFailure::Fault { server, message }.into();
        }
        Failure::Refused { server, message }
    }

    fn unknown_client(&self, client_id: &str) -> Failure {
        TapisFailure::UnknownClient { server: self.server.clone(), client_id: Printable::new(client_id) }.into()
    }

    fn not_tapis(&self, what: &str) -> Failure {
        TapisFailure::NotTapis { server: self.server.clone(), what: Printable::new(what) }.into()
    }
}

/// Tapis has no codes for its errors, only sentences.
fn is_pending(refusal: &Refusal) -> bool {
    refusal.mentions("not ready") || refusal.mentions("pending")
}

/// Most of what Tapis refuses is a 400, a token that has ended too.
fn is_about_the_token(refusal: &Refusal) -> bool {
    match refusal.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => true,
        StatusCode::BAD_REQUEST => refusal.mentions("token"),
        _ => false,
    }
}

fn said_at(answer: &HttpResponse) -> Timestamp {
    let date = answer.headers().get(DATE).and_then(|date| moment(date.to_str().ok()?));
    date.unwrap_or_else(now)
}
