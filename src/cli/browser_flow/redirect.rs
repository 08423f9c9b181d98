//! The redirect URI of the browser flow: a loopback listener that takes one authorization response (RFC 8252 §7.3, RFC 6749 §4.1.2).

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use oauth2::url::{Url, form_urlencoded};
use oauth2::{AuthorizationCode, CsrfToken};
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The path of the redirect URI, which the portal has registered for `tms-cli`; the port is free.
const PATH: &str = "/callback";
/// More than a browser opens at once.
const MAX_CONNECTIONS: usize = 32;
/// The longest head of a request.
const MAX_HEAD: usize = 16 * 1024;
/// For one request and its answer. Browsers also open connections on which they send nothing.
const CONNECTION_TIME: Duration = Duration::from_secs(10);

/// Listens on 127.0.0.1 until it is dropped.
pub struct RedirectListener {
    listener: TcpListener,
    redirect_uri: Url,
}

/// An authorization response with the expected `state`.
#[derive(Debug)]
pub struct LoopbackResponse {
    /// `iss` (RFC 9207).
    pub issuer: Option<String>,
    pub outcome: Result<AuthorizationCode, AuthorizationRefused>,
}

/// An error response (RFC 6749 §4.1.2.1).
#[derive(Debug)]
pub struct AuthorizationRefused {
    pub error: String,
    pub description: Option<String>,
}

/// An authorization response that cannot be understood.
#[derive(Debug, Error)]
pub enum InvalidResponse {
    #[error("an authorization response with a repeated parameter")]
    Repeated,
    #[error("an authorization response with neither a code nor an error, or with both")]
    NoOutcome,
}

/// What a request gets.
enum ListenerPage {
    /// The decision has arrived.
    Received,
    /// The path is another, or the method.
    NotFound,
    /// The response is not to this request.
    OtherState,
}

impl RedirectListener {
    /// Listens on a free port.
    pub async fn bind() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = format!("http://{}{PATH}", listener.local_addr()?);
        Ok(Self { listener, redirect_uri: Url::parse(&address).map_err(io::Error::other)? })
    }

    pub fn redirect_uri(&self) -> &Url {
        &self.redirect_uri
    }

    /// Waits for the response with this `state`, answers it with a page that names `server`, and ends the listener. All other requests are
    /// refused: any page and any program on this machine can send them.
    pub async fn receive(self, state: &CsrfToken, server: &str) -> io::Result<Result<LoopbackResponse, InvalidResponse>> {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if connections.len() < MAX_CONNECTIONS => {
                    let (stream, _) = accepted?;
                    connections.spawn(timeout(CONNECTION_TIME, serve(stream, state.secret().clone(), server.to_owned())));
                }
                Some(served) = connections.join_next() => {
                    if let Ok(Ok(Some(response))) = served {
                        return Ok(response);
                    }
                }
            }
        }
    }
}

/// Reads and answers one request. `None` if it is not the expected response.
async fn serve(mut stream: TcpStream, state: String, server: String) -> Option<Result<LoopbackResponse, InvalidResponse>> {
    let head = read_head(&mut stream).await?;
    let (page, response) = match query(&head) {
        None => (ListenerPage::NotFound, None),
        Some(query) => match parse(query, &state) {
            None => (ListenerPage::OtherState, None),
            response => (ListenerPage::Received, response),
        },
    };
    // A browser that is gone does not need the page.
    let _gone = stream.write_all(page.response(&server).as_bytes()).await;
    let _gone = stream.shutdown().await;
    response
}

/// The lines before the body; `None` if the connection ends before, or they are too long.
async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let (mut head, mut chunk) = (Vec::new(), [0; 4096]);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let length = stream.read(&mut chunk).await.ok().filter(|length| *length > 0 && head.len() < MAX_HEAD)?;
        head.extend_from_slice(chunk.get(..length)?);
    }
    String::from_utf8(head).ok()
}

/// The query of a GET request for [`PATH`].
fn query(head: &str) -> Option<&str> {
    let (method, rest) = head.lines().next()?.split_once(' ')?;
    let (target, _version) = rest.split_once(' ')?;
    let (path, query) = target.split_once('?')?;
    (method == "GET" && path == PATH).then_some(query)
}

/// `None` if `state` is not the expected one.
fn parse(query: &str, state: &str) -> Option<Result<LoopbackResponse, InvalidResponse>> {
    let parameters: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let named = |name: &str| parameters.iter().filter(|(given, _)| given == name).map(|(_, value)| value.clone()).collect::<Vec<_>>();
    let (states, codes, errors, issuers, descriptions) = (named("state"), named("code"), named("error"), named("iss"), named("error_description"));
    if states != [state] {
        return None;
    }
    if [&codes, &errors, &issuers, &descriptions].iter().any(|values| values.len() > 1) {
        return Some(Err(InvalidResponse::Repeated));
    }
    let description = descriptions.into_iter().next();
    let outcome = match (codes.into_iter().next(), errors.into_iter().next()) {
        (Some(code), None) => Ok(AuthorizationCode::new(code)),
        (None, Some(error)) => Err(AuthorizationRefused { error, description }),
        (Some(_), Some(_)) | (None, None) => return Some(Err(InvalidResponse::NoOutcome)),
    };
    Some(Ok(LoopbackResponse { issuer: issuers.into_iter().next(), outcome }))
}

impl ListenerPage {
    /// The whole HTTP response. The page loads nothing, and its address, which holds the code, is neither stored nor passed on.
    fn response(&self, server: &str) -> String {
        let (status, title, text) = match self {
            Self::Received => {
                ("200 OK", "Return to the terminal", format!("tms has the answer of {server} and goes on there. You can close this page."))
            }
            Self::NotFound => ("404 Not Found", "There is no such page", "tms waits here for the answer to its sign-in.".to_owned()),
            Self::OtherState => {
                ("400 Bad Request", "Not the expected answer", "This is not the answer to the sign-in for which tms waits here.".to_owned())
            }
        };
        let body = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
             <title>{title}</title></head>\n<body><main><h1>{title}</h1><p>{text}</p></main></body>\n</html>\n"
        );
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
             Content-Security-Policy: default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n\
             Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_get_requests_for_the_path_have_a_query() {
        for (line, expected) in [
            ("GET /callback?code=a&state=b HTTP/1.1", Some("code=a&state=b")),
            ("GET /callback HTTP/1.1", None),
            ("GET /favicon.ico HTTP/1.1", None),
            ("GET /callback/?code=a HTTP/1.1", None),
            ("GET //callback?code=a HTTP/1.1", None),
            ("POST /callback?code=a HTTP/1.1", None),
            ("GET http://127.0.0.1/callback?code=a HTTP/1.1", None),
            ("GET /callback?code=a", None),
            ("", None),
        ] {
            assert_eq!(query(&format!("{line}\r\nHost: 127.0.0.1\r\n\r\n")), expected, "{line}");
        }
    }

    #[test]
    fn response_needs_the_state_once() {
        for query in ["code=c", "code=c&state=", "code=c&state=other", "code=c&state=s&state=s", "code=c&state=s&state=other", "state=S&code=c"] {
            assert!(parse(query, "s").is_none(), "{query}");
        }
        let response = parse("code=c%2Bd&state=s&iss=https%3A%2F%2Fa.example", "s").unwrap().unwrap();
        assert_eq!(response.issuer.as_deref(), Some("https://a.example"));
        assert_eq!(response.outcome.unwrap().secret(), "c+d");
    }

    #[test]
    fn response_has_one_code_or_one_error() {
        for query in ["state=s", "state=s&code=c&error=e", "state=s&code=c&code=c", "state=s&error=e&error=f", "state=s&code=c&iss=a&iss=a"] {
            assert!(parse(query, "s").unwrap().is_err(), "{query}");
        }
        let refused = parse("error=access_denied&error_description=No+way&state=s", "s").unwrap().unwrap().outcome.unwrap_err();
        assert_eq!((refused.error.as_str(), refused.description.as_deref()), ("access_denied", Some("No way")));
    }

    #[test]
    fn pages_are_complete_responses_that_load_nothing() {
        for page in [ListenerPage::Received, ListenerPage::NotFound, ListenerPage::OtherState] {
            let response = page.response("https://a.example");
            let (head, body) = response.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("Content-Length: {}", body.len())) && head.contains("default-src 'none'"), "{head}");
            assert!(!body.contains("src=") && !body.contains("href="), "{body}");
        }
    }
}
