//! HTTP as the command line does it: time limits, size limits, no redirects, no cookies.

use std::error::Error;
use std::time::Duration;

use oauth2::http::header::RETRY_AFTER;
use oauth2::{AccessToken, HttpRequest, HttpResponse, http};
use reqwest::{Certificate, RequestBuilder};
use serde_json::Value;
use thiserror::Error;

use super::certificates::Untrusted;
use super::printable::Printable;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// However long a server asks us to stay away, and whatever it has counted that in.
const LONGEST_ABSENCE: Duration = Duration::from_secs(24 * 60 * 60);
/// Far above any answer of ours; a hostile server cannot fill the memory.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// A client for one command.
pub struct Http(reqwest::Client);

/// Why there is no answer that means anything. While polling, all of them may pass.
#[derive(Debug, Error)]
pub enum NoAnswer {
    #[error("it took too long")]
    TimedOut,
    #[error(transparent)]
    Untrusted(Untrusted),
    #[error("the connection failed ({0})")]
    Failed(Printable),
    #[error("the server is busy")]
    Busy { retry_after: Option<Duration> },
    #[error("something other than the server answered (HTTP {0})")]
    Foreign(u16),
    #[error("it was too long")]
    TooLong,
}

impl NoAnswer {
    /// How long the server asked us to stay away.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after } => *retry_after,
            _ => None,
        }
    }
}

impl Http {
    /// Trusts `authorities` besides those that everybody trusts.
    pub fn new(authorities: Vec<Certificate>) -> Result<Self, NoAnswer> {
        let builder = authorities.into_iter().fold(reqwest::Client::builder(), |builder, authority| builder.add_root_certificate(authority));
        let client = builder
            .user_agent(concat!("tms/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            // Following one could carry the token, or the device code, to another server.
            .redirect(reqwest::redirect::Policy::none())
            .build();
        client.map(Self).map_err(no_answer)
    }

    /// Gets `url`, with the token if there is one.
    pub async fn get(&self, url: &str, token: Option<&AccessToken>) -> Result<HttpResponse, NoAnswer> {
        self.answer(bearing(token, self.0.get(url))).await
    }

    /// Gets `url`, with a header besides ours.
    pub async fn get_with(&self, url: &str, header: &str, value: &str) -> Result<HttpResponse, NoAnswer> {
        self.answer(self.0.get(url).header(header, value)).await
    }

    /// Posts JSON to `url`, with the token if there is one.
    pub async fn post_json(&self, url: &str, token: Option<&AccessToken>, body: &Value) -> Result<HttpResponse, NoAnswer> {
        self.answer(bearing(token, self.0.post(url)).json(body)).await
    }

    pub async fn delete(&self, url: &str, token: &AccessToken) -> Result<HttpResponse, NoAnswer> {
        self.answer(self.0.delete(url).bearer_auth(token.secret())).await
    }

    /// Posts a form to `url`.
    pub async fn post_form(&self, url: &str, form: &[(&str, &str)]) -> Result<HttpResponse, NoAnswer> {
        self.answer(self.0.post(url).form(form)).await
    }

    /// Sends a request of the `oauth2` crate. Only what an OAuth endpoint can have said comes back as an answer: the
    /// crate takes a proxy's "502 Bad Gateway" page, or an empty body, for the authorization server's last word.
    pub async fn oauth(&self, request: HttpRequest) -> Result<HttpResponse, NoAnswer> {
        let request = reqwest::Request::try_from(request).map_err(no_answer)?;
        let answer = not_busy(self.send(request).await?)?;
        if is_oauth(&answer) { Ok(answer) } else { Err(NoAnswer::Foreign(answer.status().as_u16())) }
    }

    async fn answer(&self, request: RequestBuilder) -> Result<HttpResponse, NoAnswer> {
        let request = request.header(http::header::ACCEPT, "application/json").build().map_err(no_answer)?;
        not_busy(self.send(request).await?)
    }

    async fn send(&self, request: reqwest::Request) -> Result<HttpResponse, NoAnswer> {
        let mut response = self.0.execute(request).await.map_err(no_answer)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(no_answer)? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(NoAnswer::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        let mut answer = HttpResponse::new(body);
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        Ok(answer)
    }
}

fn bearing(token: Option<&AccessToken>, request: RequestBuilder) -> RequestBuilder {
    match token {
        Some(token) => request.bearer_auth(token.secret()),
        None => request,
    }
}

/// "Too many requests" and "unavailable" say nothing but "later", whatever their body is.
fn not_busy(answer: HttpResponse) -> Result<HttpResponse, NoAnswer> {
    match answer.status().as_u16() {
        429 | 503 => Err(NoAnswer::Busy { retry_after: retry_after(&answer) }),
        _ => Ok(answer),
    }
}

/// RFC 9110 §10.2.3 in seconds; the form with a date is not worth trusting two clocks for.
fn retry_after(answer: &HttpResponse) -> Option<Duration> {
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_ABSENCE))
}

/// RFC 6749 §5: 200 with an object, or an error of the client (4xx) with an object that has an `error`.
fn is_oauth(answer: &HttpResponse) -> bool {
    let Ok(Value::Object(object)) = serde_json::from_slice(answer.body()) else {
        return false;
    };
    answer.status() == http::StatusCode::OK || answer.status().is_client_error() && object.get("error").is_some_and(Value::is_string)
}

fn no_answer(error: reqwest::Error) -> NoAnswer {
    match Untrusted::behind(&error) {
        Some(why) => NoAnswer::Untrusted(why),
        None if error.is_timeout() => NoAnswer::TimedOut,
        None => NoAnswer::Failed(Printable::new(&root_cause(&error))),
    }
}

/// reqwest's own words repeat the URL; the innermost cause is what the person can act on.
fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> HttpResponse {
        let mut answer = HttpResponse::new(body.as_bytes().to_vec());
        *answer.status_mut() = http::StatusCode::from_u16(status).unwrap();
        answer
    }

    #[test]
    fn only_an_oauth_endpoint_gives_an_oauth_answer() {
        for (status, body, oauth) in [
            (200, r#"{"access_token":"x"}"#, true),
            (400, r#"{"error":"authorization_pending"}"#, true),
            (401, r#"{"error":"invalid_client"}"#, true),
            (200, "<html>Please sign in to the Wi-Fi</html>", false),
            (404, "<html>not found</html>", false),
            (404, r#"{"result_code":"404"}"#, false),
            (400, "", false),
            (500, r#"{"error":"server_error"}"#, false),
            (302, "", false),
        ] {
            assert_eq!(is_oauth(&answer(status, body)), oauth, "{status} {body}");
        }
    }

    #[test]
    fn a_busy_server_may_say_when_to_come_back() {
        for (header, seconds) in [
            (Some("30"), Some(30)),
            (Some("18446744073709551615"), Some(86_400)),
            (Some("18446744073709551616"), None),
            (Some("Fri, 20 Nov 2026 21:00:00 GMT"), None),
            (None, None),
        ] {
            let mut busy = answer(429, r#"{"error":"slow_down"}"#);
            if let Some(header) = header {
                busy.headers_mut().insert(RETRY_AFTER, header.parse().unwrap());
            }
            assert_eq!(not_busy(busy).unwrap_err().retry_after(), seconds.map(Duration::from_secs));
        }
    }
}
