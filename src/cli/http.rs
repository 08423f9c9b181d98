//! HTTP as the command line does it: time limits, size limits, no redirects, no cookies.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use oauth2::http::header::RETRY_AFTER;
use oauth2::{AccessToken, HttpRequest, HttpResponse, http};
use reqwest::{Certificate, RequestBuilder};
use serde_json::Value;
use thiserror::Error;

use super::certificates::UntrustedCertificate;
use super::printable::Printable;
use super::server_url::ServerUrl;
use crate::domain::loopback::LOOPBACK_ADDRESSES;
use crate::proxy::Proxy;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// However long a server asks us to stay away, and whatever it has counted that in.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);
/// Far above any answer of ours; a hostile server cannot fill the memory.
const MAX_RESPONSE_BYTES: usize = 1024 * 1024;

/// A client for one command, and one server.
pub struct HttpTransport {
    client: reqwest::Client,
    pub via_proxy: ViaProxy,
}

/// The proxy between here and the server, if there is one: what fails may be its fault.
#[derive(Clone, Debug)]
pub struct ViaProxy(Option<Proxy>);

/// There is no answer that means anything. While polling, this may pass.
#[derive(Debug, Error)]
#[error("{kind}{through}")]
pub struct TransportError {
    pub kind: TransportErrorKind,
    pub through: ViaProxy,
}

/// Why there is none.
#[derive(Debug, Error)]
pub enum TransportErrorKind {
    #[error("the request timed out")]
    Timeout,
    #[error(transparent)]
    UntrustedCertificate(UntrustedCertificate),
    #[error("the connection failed ({0})")]
    Connection(Printable),
    #[error("the server is busy")]
    Busy { retry_after: Option<Duration> },
    #[error("the response is not from the server (HTTP {0})")]
    GatewayResponse(u16),
    #[error("the response was too long")]
    TooLarge,
}

impl fmt::Display for ViaProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(proxy) => write!(f, " (through the proxy {proxy})"),
            None => Ok(()),
        }
    }
}

impl ViaProxy {
    /// What the person can look at when nothing comes back.
    pub fn troubleshooting_hint(&self) -> &'static str {
        match self.0 {
            Some(_) => "the address, your connection, and the proxy (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY)",
            None => "the address and your connection",
        }
    }
}

impl TransportError {
    /// How long the server asked us to stay away.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.kind {
            TransportErrorKind::Busy { retry_after } => retry_after,
            _ => None,
        }
    }
}

impl HttpTransport {
    /// Trusts `authorities` besides the public ones. Goes through the environment's proxy, but never to a loopback host.
    pub fn new(server: &ServerUrl, authorities: Vec<Certificate>) -> Result<Self, reqwest::Error> {
        let builder = authorities.into_iter().fold(reqwest::Client::builder(), |builder, authority| builder.add_root_certificate(authority));
        let through = ViaProxy(Proxy::for_url(server.as_str()));
        let builder = if through.0.is_none() { builder.no_proxy() } else { builder };
        // A name server could say that `tms.localhost` is elsewhere, and get the token.
        let builder = match server.loopback_name() {
            Some(name) => builder.resolve_to_addrs(&name, &LOOPBACK_ADDRESSES),
            None => builder,
        };
        let client = builder
            .user_agent(concat!("tms/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            // Following one could carry the token, or the device code, to another server.
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { client, via_proxy: through })
    }

    /// Gets `url`, with the token if there is one.
    pub async fn get(&self, url: &str, token: Option<&AccessToken>) -> Result<HttpResponse, TransportError> {
        self.execute(with_bearer(token, self.client.get(url))).await
    }

    /// Gets `url`, with a header besides ours.
    pub async fn get_with_header(&self, url: &str, header: &str, value: &str) -> Result<HttpResponse, TransportError> {
        self.execute(self.client.get(url).header(header, value)).await
    }

    /// Posts JSON to `url`, with the token if there is one.
    pub async fn post_json(&self, url: &str, token: Option<&AccessToken>, body: &Value) -> Result<HttpResponse, TransportError> {
        self.execute(with_bearer(token, self.client.post(url)).json(body)).await
    }

    pub async fn delete(&self, url: &str, token: &AccessToken) -> Result<HttpResponse, TransportError> {
        self.execute(self.client.delete(url).bearer_auth(token.secret())).await
    }

    /// Posts a form to `url`.
    pub async fn post_form(&self, url: &str, form: &[(&str, &str)]) -> Result<HttpResponse, TransportError> {
        self.execute(self.client.post(url).form(form)).await
    }

    /// Sends a request of the `oauth2` crate. Only what an OAuth endpoint can have said comes back as an answer: the
    /// crate takes a proxy's "502 Bad Gateway" page, or an empty body, for the authorization server's last word.
    pub async fn send_oauth(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let answer = async {
            let answer = reject_busy(self.send(reqwest::Request::try_from(request)?).await?)?;
            if is_oauth_response(&answer) { Ok(answer) } else { Err(TransportErrorKind::GatewayResponse(answer.status().as_u16())) }
        };
        answer.await.map_err(|why| self.transport_error(why))
    }

    async fn execute(&self, request: RequestBuilder) -> Result<HttpResponse, TransportError> {
        let answer = async {
            let request = request.header(http::header::ACCEPT, "application/json").build()?;
            reject_gateway_response(reject_busy(self.send(request).await?)?)
        };
        answer.await.map_err(|why| self.transport_error(why))
    }

    /// What is no answer of the server's.
    pub fn transport_error(&self, kind: TransportErrorKind) -> TransportError {
        TransportError { kind, through: self.via_proxy.clone() }
    }

    async fn send(&self, request: reqwest::Request) -> Result<HttpResponse, TransportErrorKind> {
        let mut response = self.client.execute(request).await?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_RESPONSE_BYTES {
                return Err(TransportErrorKind::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let mut answer = HttpResponse::new(body);
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        Ok(answer)
    }
}

fn with_bearer(token: Option<&AccessToken>, request: RequestBuilder) -> RequestBuilder {
    match token {
        Some(token) => request.bearer_auth(token.secret()),
        None => request,
    }
}

/// "Too many requests" and "unavailable" say nothing but "later", whatever their body is.
fn reject_busy(response: HttpResponse) -> Result<HttpResponse, TransportErrorKind> {
    match response.status().as_u16() {
        429 | 503 => Err(TransportErrorKind::Busy { retry_after: retry_after(&response) }),
        _ => Ok(response),
    }
}

/// Statuses that proxies and gateways answer with when they have nothing from the server (RFC 9110 §15.5.8, §15.6.3, §15.6.5).
fn reject_gateway_response(response: HttpResponse) -> Result<HttpResponse, TransportErrorKind> {
    match response.status().as_u16() {
        status @ (407 | 502 | 504) => Err(TransportErrorKind::GatewayResponse(status)),
        _ => Ok(response),
    }
}

/// RFC 9110 §10.2.3 in seconds; the form with a date is not worth trusting two clocks for.
fn retry_after(answer: &HttpResponse) -> Option<Duration> {
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
}

/// RFC 6749 §5: 200 with an object, or an error of the client (4xx) with an object that has an `error`.
fn is_oauth_response(response: &HttpResponse) -> bool {
    let Ok(Value::Object(object)) = serde_json::from_slice(response.body()) else {
        return false;
    };
    response.status() == http::StatusCode::OK || response.status().is_client_error() && object.get("error").is_some_and(Value::is_string)
}

impl From<reqwest::Error> for TransportErrorKind {
    fn from(error: reqwest::Error) -> Self {
        match UntrustedCertificate::from_error_chain(&error) {
            Some(why) => Self::UntrustedCertificate(why),
            None if error.is_timeout() => Self::Timeout,
            None => Self::Connection(Printable::new(&root_cause(&error))),
        }
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
            assert_eq!(is_oauth_response(&answer(status, body)), oauth, "{status} {body}");
        }
    }

    fn asked_for(why: TransportErrorKind) -> Option<Duration> {
        TransportError { kind: why, through: ViaProxy(None) }.retry_after()
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
            assert_eq!(reject_busy(busy).err().and_then(asked_for), seconds.map(Duration::from_secs));
        }
    }
}
