//! Requests to providers. They are other people's servers: nothing they send, and nothing they keep us waiting for, is without end.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use oauth2::http::{Response, StatusCode, header};
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};
use serde_json::{Map, Value};

use super::Trouble;
use super::known::check_address;

/// For a whole exchange; a person waits for it.
const LONGEST: Duration = Duration::from_secs(8);
const CONNECT: Duration = Duration::from_secs(4);
/// Metadata, keys and tokens are far smaller.
const LARGEST: usize = 256 * 1024;

pub struct Http(reqwest::Client);

/// The way to one provider.
#[derive(Clone, Copy)]
pub struct To<'h> {
    http: &'h Http,
    /// It is on this machine, and needs no TLS.
    pub local: bool,
}

impl Http {
    /// Follows no redirects: an address is what the operator or the provider's metadata say, or nothing (RFC 9700 §4.11).
    pub fn new() -> Result<Self, reqwest::Error> {
        Self::within(LONGEST)
    }

    fn within(longest: Duration) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(longest)
            .user_agent(concat!("tms-portal/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self(client))
    }

    pub fn to(&self, local: bool) -> To<'_> {
        To { http: self, local }
    }
}

impl To<'_> {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Trouble> {
        let request = reqwest::Request::try_from(request).map_err(|error| Trouble::Misconfigured(error.to_string()))?;
        check_address(request.url().as_str(), self.local)?;
        let mut answer = self.http.0.execute(request).await?;
        let status = answer.status();
        if status.is_server_error() {
            return Err(Trouble::Broken(format!("it answers {status}")));
        }
        let content_type = answer.headers().get(header::CONTENT_TYPE).cloned();
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await? {
            body.extend_from_slice(&piece);
            if body.len() > LARGEST {
                return Err(Trouble::Broken("its answer is too large".into()));
            }
        }
        let mut response = Response::builder().status(status);
        if let Some(content_type) = content_type {
            response = response.header(header::CONTENT_TYPE, content_type);
        }
        response.body(body).map_err(|error| Trouble::Broken(error.to_string()))
    }

    /// A JSON object, for whoever has a token, if one is given.
    pub async fn get_json(&self, address: &str, token: Option<&str>) -> Result<Value, Trouble> {
        let request = oauth2::http::Request::get(address).header(header::ACCEPT, "application/json");
        let request = match token {
            Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        };
        let request = request.body(Vec::new()).map_err(|error| Trouble::Misconfigured(error.to_string()))?;
        let response = self.send(request).await?;
        if response.status() != StatusCode::OK {
            return Err(Trouble::Broken(format!("{address} answers {}", response.status())));
        }
        serde_json::from_slice(response.body()).map_err(|error| Trouble::Broken(format!("{address} does not send JSON: {error}")))
    }
}

/// For `openidconnect`.
impl<'c> AsyncHttpClient<'c> for To<'_> {
    type Error = Trouble;
    type Future = BoxFuture<'c, Result<HttpResponse, Trouble>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        self.send(request).boxed()
    }
}

/// For `oauth2`: answers of token endpoints, which may stand in an envelope.
pub struct ForTokens<'h>(pub To<'h>);

impl<'c> AsyncHttpClient<'c> for ForTokens<'_> {
    type Error = Trouble;
    type Future = BoxFuture<'c, Result<HttpResponse, Trouble>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        async move {
            let mut response = self.0.send(request).await?;
            if let Ok(answer) = serde_json::from_slice::<Value>(response.body()) {
                *response.body_mut() = unwrapped(answer).to_string().into_bytes();
            }
            Ok(response)
        }
        .boxed()
    }
}

impl From<reqwest::Error> for Trouble {
    fn from(error: reqwest::Error) -> Self {
        // Without the address: it may hold what is nobody's business.
        let error = error.without_url();
        if error.is_timeout() { Self::Slow } else { Self::Unreachable(format!("{error:?}")) }
    }
}

/// A token answer as RFC 6749 §5.1 has it, from one that stands in a `result`, with the token an object of its own (Tapis).
fn unwrapped(answer: Value) -> Value {
    let Value::Object(mut answer) = answer else { return answer };
    if let Some(Value::Object(result)) = answer.remove("result").filter(|_| !answer.contains_key("access_token")) {
        answer = result;
    }
    if let Some(Value::Object(token)) = answer.get("access_token").cloned() {
        answer.extend(token);
        answer.retain(|name, value| name != "refresh_token" || value.is_string());
    }
    complete(&mut answer);
    Value::Object(answer)
}

fn complete(answer: &mut Map<String, Value>) {
    if answer.contains_key("access_token") && !answer.contains_key("token_type") {
        answer.insert("token_type".into(), "bearer".into());
    }
    // A time in words is not the number of seconds that was promised.
    if answer.get("expires_in").is_some_and(|expires| !expires.is_number()) {
        answer.remove("expires_in");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tokens_are_found_in_their_envelope() {
        let flat = json!({ "access_token": "t", "token_type": "bearer", "expires_in": 60 });
        assert_eq!(unwrapped(flat.clone()), flat);
        let tapis = json!({ "status": "success", "result": { "access_token": { "access_token": "t", "expires_in": 60, "jti": "1" } } });
        let token = unwrapped(tapis);
        assert_eq!((&token["access_token"], &token["token_type"], &token["expires_in"]), (&json!("t"), &json!("bearer"), &json!(60)));
        assert_eq!(unwrapped(json!({ "access_token": "t", "expires_in": "2026-01-01" })), json!({ "access_token": "t", "token_type": "bearer" }));
        for other in [json!({ "error": "invalid_grant" }), json!([1]), json!("text"), json!({ "result": "no" })] {
            assert!(unwrapped(other.clone()).get("access_token").is_none(), "{other}");
        }
    }

    async fn get(listener: &tokio::net::TcpListener) -> Result<Value, Trouble> {
        let address = format!("http://{}/", listener.local_addr().expect("its address"));
        Http::within(Duration::from_millis(200)).expect("a client").to(true).get_json(&address, None).await
    }

    #[tokio::test]
    async fn nobody_keeps_us_waiting_or_fills_our_memory() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        assert_eq!(get(&listener).await, Err(Trouble::Slow), "it takes the connection and says nothing");
        let endless = async {
            // The first one has given up.
            let _ = listener.accept().await;
            let (mut connection, _) = listener.accept().await.expect("a connection");
            let _ = connection.read(&mut [0; 1_024]).await;
            let _ = connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n").await;
            while connection.write_all(&[b' '; 4_096]).await.is_ok() {}
        };
        let (_, answer) = tokio::join!(endless, get(&listener));
        assert_eq!(answer, Err(Trouble::Broken("its answer is too large".into())));
        let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
        let nobody = Http::new().expect("a client").to(true).get_json(&format!("http://{gone}/"), None).await;
        assert!(matches!(nobody, Err(Trouble::Unreachable(_))), "{nobody:?}");
    }
}
