//! HTTP client with time limits and size limits, without redirects and cookies.

use std::fmt;
use std::time::Duration;

use oauth2::http::header::{LOCATION, RETRY_AFTER};
use oauth2::{AccessToken, HttpRequest, HttpResponse, http};
use reqwest::{Certificate, RequestBuilder};
use serde_json::Value;
use thiserror::Error;

use super::certificates::{CaFileRefused, UntrustedCertificate};
use super::error_code::ErrorCode;
use super::printable::Printable;
use super::server_url::ServerUrl;
use crate::domain::error_chain::root_cause;
use crate::domain::loopback::LOOPBACK_ADDRESSES;
use crate::domain::time::humanize_duration;
use crate::proxy::Proxy;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// Upper limit for `Retry-After`.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);
/// Far above any response of a portal; protects against exhausted memory.
const MAX_RESPONSE_BYTES: usize = 1024 * 1024;

/// An HTTP client for one command and one server.
pub struct HttpTransport {
    client: reqwest::Client,
    pub via_proxy: ViaProxy,
}

/// The proxy to the server, if any: a failure may be the proxy's.
#[derive(Clone, Debug)]
pub struct ViaProxy(Option<Proxy>);

/// No valid response was received. While polling, this may be transient.
#[derive(Debug, Error)]
#[error("{kind}{through}")]
pub struct TransportError {
    pub kind: TransportErrorKind,
    pub through: ViaProxy,
}

/// Why there was no valid response.
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

/// A request to a server that could not be sent, or brought no response that can be used.
#[derive(Debug, Error)]
pub enum RequestError {
    #[error("no response from {server}: {why}. Check {}, then try again", .why.through.troubleshooting_hint())]
    NoResponse { server: ServerUrl, why: TransportError },
    #[error("{server}{through} is busy: try again {when}")]
    Busy { server: ServerUrl, through: ViaProxy, when: String },
    #[error("the identity of {server}{through} cannot be verified: {why}")]
    UntrustedCertificate { server: ServerUrl, through: ViaProxy, why: UntrustedCertificate },
    #[error("{server}{through} redirected to {location}: if that is the right address, pass it instead")]
    Redirected { server: ServerUrl, through: ViaProxy, location: Printable },
    #[error("cannot create an HTTP client for {server}: {why}")]
    ClientSetup { server: ServerUrl, why: Printable },
    #[error(transparent)]
    CaFile(#[from] CaFileRefused),
}

impl RequestError {
    pub fn new(server: &ServerUrl, error: TransportError) -> Self {
        let (server, TransportError { kind, through }) = (server.clone(), error);
        match kind {
            TransportErrorKind::Busy { retry_after } => {
                let when = retry_after.map_or_else(|| "in a minute".to_owned(), |delay| format!("in {}", humanize_duration(delay)));
                Self::Busy { server, through, when }
            }
            TransportErrorKind::UntrustedCertificate(why) => Self::UntrustedCertificate { server, through, why },
            kind => Self::NoResponse { server, why: TransportError { kind, through } },
        }
    }

    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NoResponse { .. } | Self::Busy { .. } => ErrorCode::NoResponse,
            Self::UntrustedCertificate { .. } => ErrorCode::Untrusted,
            Self::Redirected { .. } => ErrorCode::UnexpectedAnswer,
            Self::ClientSetup { .. } => ErrorCode::Internal,
            Self::CaFile(_) => ErrorCode::Usage,
        }
    }
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
    /// What the user can check if there was no response.
    pub fn troubleshooting_hint(&self) -> &'static str {
        match self.0 {
            Some(_) => "the address, your connection, and the proxy (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY)",
            None => "the address and your connection",
        }
    }
}

impl TransportError {
    /// The delay requested by the server (`Retry-After`).
    pub fn retry_after(&self) -> Option<Duration> {
        match self.kind {
            TransportErrorKind::Busy { retry_after } => retry_after,
            _ => None,
        }
    }
}

impl HttpTransport {
    /// Trusts `authorities` in addition to the public ones. Uses the environment's proxy, except for loopback hosts.
    pub fn new(server: &ServerUrl, authorities: Vec<Certificate>) -> Result<Self, reqwest::Error> {
        let builder = authorities.into_iter().fold(reqwest::Client::builder(), |builder, authority| builder.add_root_certificate(authority));
        let through = ViaProxy(Proxy::for_url(server.as_str()));
        let builder = if through.0.is_none() { builder.no_proxy() } else { builder };
        // A name server could resolve `tms.localhost` to another machine, which would receive the token.
        let builder = match server.loopback_name() {
            Some(name) => builder.resolve_to_addrs(&name, &LOOPBACK_ADDRESSES),
            None => builder,
        };
        let client = builder
            .user_agent(user_agent())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            // A redirect could send the token or the device code to another server.
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { client, via_proxy: through })
    }

    /// Sends `GET`, with the token if given.
    pub async fn get(&self, url: &str, token: Option<&AccessToken>) -> Result<HttpResponse, TransportError> {
        self.execute(with_bearer(token, self.client.get(url))).await
    }

    /// Sends `GET` with an additional header.
    pub async fn get_with_header(&self, url: &str, header: &str, value: &str) -> Result<HttpResponse, TransportError> {
        self.execute(self.client.get(url).header(header, value)).await
    }

    /// Posts JSON, with the token if given.
    pub async fn post_json(&self, url: &str, token: Option<&AccessToken>, body: &Value) -> Result<HttpResponse, TransportError> {
        self.execute(with_bearer(token, self.client.post(url)).json(body)).await
    }

    pub async fn delete(&self, url: &str, token: &AccessToken) -> Result<HttpResponse, TransportError> {
        self.execute(self.client.delete(url).bearer_auth(token.secret())).await
    }

    /// Posts a form.
    pub async fn post_form(&self, url: &str, form: &[(&str, &str)]) -> Result<HttpResponse, TransportError> {
        self.execute(self.client.post(url).form(form)).await
    }

    /// Sends a request of the `oauth2` crate. Returns only what an OAuth endpoint can have sent: the crate would take a proxy's
    /// "502 Bad Gateway" page or an empty body for the server's final response.
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

    /// An error for a response that is not the server's.
    pub fn transport_error(&self, kind: TransportErrorKind) -> TransportError {
        TransportError { kind, through: self.via_proxy.clone() }
    }

    /// The error for a response of `server` that is a redirect: none is followed.
    pub fn redirect_error(&self, server: &ServerUrl, response: &HttpResponse) -> Option<RequestError> {
        let location = response.headers().get(LOCATION).filter(|_| response.status().is_redirection())?;
        let location = Printable::new(&String::from_utf8_lossy(location.as_bytes()));
        Some(RequestError::Redirected { server: server.clone(), through: self.via_proxy.clone(), location })
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

/// `tms/VERSION (MACHINE; SYSTEM)`: the portal shows it where a person allows this machine, or revokes its access.
fn user_agent() -> String {
    let system = rustix::system::uname();
    let comment = [system.nodename(), system.sysname()].map(|name| user_agent_comment(&name.to_string_lossy()));
    let comment: Vec<String> = comment.into_iter().filter(|name| !name.is_empty()).collect();
    format!("tms/{} ({})", env!("CARGO_PKG_VERSION"), comment.join("; "))
}

/// The characters of a name that a comment of a user agent may have (RFC 9110 §5.6.5), at most 40.
fn user_agent_comment(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')).take(40).collect()
}

fn with_bearer(token: Option<&AccessToken>, request: RequestBuilder) -> RequestBuilder {
    match token {
        Some(token) => request.bearer_auth(token.secret()),
        None => request,
    }
}

/// Rejects 429 and 503, regardless of their body: the request can be repeated later.
fn reject_busy(response: HttpResponse) -> Result<HttpResponse, TransportErrorKind> {
    match response.status().as_u16() {
        429 | 503 => Err(TransportErrorKind::Busy { retry_after: retry_after(&response) }),
        _ => Ok(response),
    }
}

/// Rejects statuses that proxies and gateways use if the server did not respond (RFC 9110 §15.5.8, §15.6.3, §15.6.5).
fn reject_gateway_response(response: HttpResponse) -> Result<HttpResponse, TransportErrorKind> {
    match response.status().as_u16() {
        status @ (407 | 502 | 504) => Err(TransportErrorKind::GatewayResponse(status)),
        _ => Ok(response),
    }
}

/// `Retry-After` (RFC 9110 §10.2.3) in seconds. The date form is ignored, as it depends on both clocks.
fn retry_after(answer: &HttpResponse) -> Option<Duration> {
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
}

/// RFC 6749 §5: 200 with an object, or 4xx with an object that has `error`; RFC 9126 §2.2: 201 with an object.
fn is_oauth_response(response: &HttpResponse) -> bool {
    let Ok(Value::Object(object)) = serde_json::from_slice(response.body()) else {
        return false;
    };
    matches!(response.status(), http::StatusCode::OK | http::StatusCode::CREATED)
        || response.status().is_client_error() && object.get("error").is_some_and(Value::is_string)
}

impl From<reqwest::Error> for TransportErrorKind {
    fn from(error: reqwest::Error) -> Self {
        match UntrustedCertificate::from_error_chain(&error) {
            Some(why) => Self::UntrustedCertificate(why),
            None if error.is_timeout() => Self::Timeout,
            // reqwest's own message repeats the URL; the innermost cause is what the user can act on.
            None => Self::Connection(Printable::new(&root_cause(&error).to_string())),
        }
    }
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
    fn user_agent_names_machine_and_system() {
        let agent = user_agent();
        assert!(agent.starts_with(concat!("tms/", env!("CARGO_PKG_VERSION"), " (")) && agent.ends_with(')'), "{agent}");
        assert!(reqwest::header::HeaderValue::from_str(&agent).is_ok(), "{agent}");
        assert_eq!(user_agent_comment("log)in2;\u{e9}\r\n.frontera"), "login2.frontera");
        assert_eq!(user_agent_comment(&"x".repeat(300)).len(), 40);
    }

    #[test]
    fn responses_without_oauth_body_are_rejected() {
        for (status, body, oauth) in [
            (200, r#"{"access_token":"x"}"#, true),
            (201, r#"{"request_uri":"urn:x","expires_in":90}"#, true),
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
    fn retry_after_is_read_from_busy_responses() {
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
