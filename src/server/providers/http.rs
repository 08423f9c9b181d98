//! HTTP requests to providers. Their servers are not trusted: sizes and times are limited.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use oauth2::http::{Response, StatusCode, header};
use oauth2::url::Host;
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};
use serde_json::{Map, Value};

use super::connect_error::ConnectError;
use super::egress::{AddressBlockedError, AllowedNetworks, EgressPolicy};
use super::url::check_url;
use crate::domain::error_chain::causes;
use crate::domain::provider::Provider;
use crate::proxy::Proxy;
use crate::server::metrics::{self, ProviderResult};
use crate::server::providers::error::ProviderError;

/// Time limit of a whole exchange; a person waits for it.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(8);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);
/// Limit of a response in bytes; metadata, keys and tokens are far smaller.
const MAX_BODY_BYTES: usize = 256 * 1024;

pub struct HttpClients {
    unrestricted: HttpClient,
    restricted: HttpClient,
}

/// Connection pools, and the addresses they may connect to.
struct HttpClient {
    http: reqwest::Client,
    /// Without a proxy, for loopback hosts.
    direct: reqwest::Client,
    allowed_networks: AllowedNetworks,
}

/// The HTTP client for one provider, or for the server of one client.
#[derive(Clone, Copy)]
pub struct ProviderHttp<'h> {
    client: &'h HttpClient,
    /// The provider is on this machine and needs no TLS.
    pub local: bool,
    /// Limit of a response in bytes.
    max_body: usize,
}

impl HttpClients {
    /// Follows no redirects: requests go only to URLs of the configuration or of the provider's metadata (RFC 9700 §4.11).
    pub fn new(egress: &EgressPolicy) -> Result<Self, reqwest::Error> {
        Self::with_timeout(egress, REQUEST_TIMEOUT)
    }

    fn with_timeout(egress: &EgressPolicy, longest: Duration) -> Result<Self, reqwest::Error> {
        let outside = AllowedNetworks::Public(Arc::from(egress.allowed_networks.as_slice()));
        Ok(Self { unrestricted: HttpClient::new(AllowedNetworks::Any, egress, longest)?, restricted: HttpClient::new(outside, egress, longest)? })
    }

    /// `local`: the provider is on this machine and needs no TLS.
    pub fn for_provider(&self, provider: &Provider, local: bool) -> ProviderHttp<'_> {
        ProviderHttp { client: self.client(provider.unrestricted_egress), local, max_body: MAX_BODY_BYTES }
    }

    /// For a URL that was registered for a client. Plain HTTP to this machine is allowed, if the operator allows requests to it.
    pub fn for_client(&self, unrestricted_egress: bool, max_body: usize) -> ProviderHttp<'_> {
        ProviderHttp { client: self.client(unrestricted_egress), local: true, max_body }
    }

    fn client(&self, unrestricted_egress: bool) -> &HttpClient {
        if unrestricted_egress { &self.unrestricted } else { &self.restricted }
    }
}

impl HttpClient {
    fn new(bounds: AllowedNetworks, egress: &EgressPolicy, longest: Duration) -> Result<Self, reqwest::Error> {
        let build = |proxied: bool| {
            let mut builder = reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .dns_resolver(Arc::new(bounds.clone()))
                .connect_timeout(CONNECT_TIMEOUT)
                .timeout(longest)
                .user_agent(concat!("tms-portal/", env!("CARGO_PKG_VERSION")));
            if !proxied {
                builder = builder.no_proxy();
            }
            for authority in &egress.root_certs {
                builder = builder.add_root_certificate(reqwest::Certificate::from_der(authority)?);
            }
            builder.build()
        };
        // A proxy would resolve names itself, and may be inside the portal's own network.
        let proxied = matches!(bounds, AllowedNetworks::Any);
        let (http, direct) = (build(proxied)?, build(false)?);
        Ok(Self { http, direct, allowed_networks: bounds })
    }

    /// The proxy for a URL, if any.
    fn proxy_to(&self, url: &oauth2::url::Url) -> Option<Proxy> {
        matches!(self.allowed_networks, AllowedNetworks::Any).then(|| Proxy::for_url(url.as_str())).flatten()
    }

    async fn execute(&self, request: reqwest::Request) -> Result<reqwest::Response, ProviderError> {
        let proxy = self.proxy_to(request.url());
        let client = if proxy.is_some() { &self.http } else { &self.direct };
        client.execute(request).await.map_err(|error| ProviderError::from(error).via_proxy(proxy))
    }

    /// Checks URLs with a literal address; names are checked when they are resolved.
    fn check_address_allowed(&self, url: &oauth2::url::Url) -> Result<(), ProviderError> {
        let allowed = match url.host() {
            Some(Host::Ipv4(address)) => self.allowed_networks.allow(address.into()),
            Some(Host::Ipv6(address)) => self.allowed_networks.allow(address.into()),
            Some(Host::Domain(_)) | None => true,
        };
        if allowed { Ok(()) } else { Err(ProviderError::AddressBlocked) }
    }
}

impl ProviderHttp<'_> {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, ProviderError> {
        let started = metrics::start();
        let answered = self.exchange(request).await;
        if let Some(started) = started {
            let result = match &answered {
                Ok(response) if response.status().is_client_error() => ProviderResult::Refused,
                Ok(_) => ProviderResult::Answered,
                Err(_) => ProviderResult::Failed,
            };
            metrics::record(|metrics| metrics.count_provider_request(result, started.elapsed()));
        }
        answered
    }

    /// The response, whose body is not read yet.
    async fn execute(&self, request: HttpRequest) -> Result<reqwest::Response, ProviderError> {
        let request = reqwest::Request::try_from(request).map_err(|error| ProviderError::Misconfigured(error.to_string()))?;
        check_url(request.url().as_str(), self.local)?;
        self.client.check_address_allowed(request.url())?;
        self.client.execute(request).await
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, ProviderError> {
        let mut answer = self.execute(request).await?;
        let status = answer.status();
        if status.is_server_error() {
            return Err(ProviderError::InvalidResponse(format!("HTTP {status}")));
        }
        let content_type = answer.headers().get(header::CONTENT_TYPE).cloned();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > self.max_body {
                return Err(ProviderError::InvalidResponse("the response is too large".into()));
            }
        }
        let mut response = Response::builder().status(status);
        if let Some(content_type) = content_type {
            response = response.header(header::CONTENT_TYPE, content_type);
        }
        response.body(body).map_err(|error| ProviderError::InvalidResponse(error.to_string()))
    }

    /// Whether a server responds there, with any status.
    pub async fn probe(&self, address: &str) -> Result<(), ProviderError> {
        let request = oauth2::http::Request::get(address).body(Vec::new());
        self.send(request.map_err(|error| ProviderError::Misconfigured(error.to_string()))?).await.map(drop)
    }

    /// Fetches a JSON object, with the token if one is given.
    pub async fn get_json(&self, address: &str, token: Option<&str>) -> Result<Value, ProviderError> {
        json(address, &self.get(address, token).await?)
    }

    /// Fetches a JSON object from a server that is no provider, and so not part of the figures about providers.
    pub async fn get_json_uncounted(&self, address: &str) -> Result<Value, ProviderError> {
        let request = oauth2::http::Request::get(address).header(header::ACCEPT, "application/json").body(Vec::new());
        json(address, &self.exchange(request.map_err(|error| ProviderError::Misconfigured(error.to_string()))?).await?)
    }

    /// Sends a form to a server that is no provider. Returns the status; the body is not read.
    pub async fn post_form_uncounted(&self, address: &str, form: String) -> Result<StatusCode, ProviderError> {
        let request = oauth2::http::Request::post(address)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .body(form.into_bytes());
        Ok(self.execute(request.map_err(|error| ProviderError::Misconfigured(error.to_string()))?).await?.status())
    }

    /// As [`Self::get_json`], where the provider may deny access to the holder of a valid token.
    pub async fn get_list(&self, address: &str, token: &str) -> Result<Value, ProviderError> {
        let response = self.get(address, Some(token)).await?;
        match response.status() {
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => Err(ProviderError::Denied(format!("{address} returned {status}"))),
            _ => json(address, &response),
        }
    }

    async fn get(&self, address: &str, token: Option<&str>) -> Result<HttpResponse, ProviderError> {
        let request = oauth2::http::Request::get(address).header(header::ACCEPT, "application/json");
        let request = match token {
            Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        };
        let request = request.body(Vec::new()).map_err(|error| ProviderError::Misconfigured(error.to_string()))?;
        self.send(request).await
    }
}

fn json(address: &str, response: &HttpResponse) -> Result<Value, ProviderError> {
    if response.status() != StatusCode::OK {
        return Err(ProviderError::InvalidResponse(format!("{address} returned {}", response.status())));
    }
    serde_json::from_slice(response.body()).map_err(|error| ProviderError::InvalidResponse(format!("{address} did not return JSON: {error}")))
}

/// For `openidconnect`.
impl<'c> AsyncHttpClient<'c> for ProviderHttp<'_> {
    type Error = ProviderError;
    type Future = BoxFuture<'c, Result<HttpResponse, ProviderError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        self.send(request).boxed()
    }
}

/// For `oauth2`: responses of token endpoints, which may have an envelope.
pub struct TokenHttp<'h>(pub ProviderHttp<'h>);

impl<'c> AsyncHttpClient<'c> for TokenHttp<'_> {
    type Error = ProviderError;
    type Future = BoxFuture<'c, Result<HttpResponse, ProviderError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        async move {
            let mut response = self.0.send(request).await?;
            if let Ok(answer) = serde_json::from_slice::<Value>(response.body()) {
                *response.body_mut() = unwrap_envelope(answer).to_string().into_bytes();
            }
            Ok(response)
        }
        .boxed()
    }
}

impl From<reqwest::Error> for ProviderError {
    fn from(error: reqwest::Error) -> Self {
        // Without the URL, which may contain secrets.
        let error = error.without_url();
        match () {
            () if error.is_timeout() => Self::Timeout,
            () if causes(&error).any(|cause| cause.is::<AddressBlockedError>()) => Self::AddressBlocked,
            () => Self::Unreachable(ConnectError::of(&error)),
        }
    }
}

/// The token response of RFC 6749 §5.1 inside a `result`, where the token is an object (Tapis); any other response unchanged.
fn unwrap_envelope(answer: Value) -> Value {
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
    // `expires_in` as a date is not the number of seconds that RFC 6749 requires.
    if answer.get("expires_in").is_some_and(|expires| !expires.is_number()) {
        answer.remove("expires_in");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tokens_are_taken_out_of_their_envelope() {
        let flat = json!({ "access_token": "t", "token_type": "bearer", "expires_in": 60 });
        assert_eq!(unwrap_envelope(flat.clone()), flat);
        let tapis = json!({ "status": "success", "result": { "access_token": { "access_token": "t", "expires_in": 60, "jti": "1" } } });
        let token = unwrap_envelope(tapis);
        assert_eq!((&token["access_token"], &token["token_type"], &token["expires_in"]), (&json!("t"), &json!("bearer"), &json!(60)));
        assert_eq!(
            unwrap_envelope(json!({ "access_token": "t", "expires_in": "2026-01-01" })),
            json!({ "access_token": "t", "token_type": "bearer" })
        );
        for other in [json!({ "error": "invalid_grant" }), json!([1]), json!("text"), json!({ "result": "no" })] {
            assert!(unwrap_envelope(other.clone()).get("access_token").is_none(), "{other}");
        }
    }

    async fn get(listener: &tokio::net::TcpListener) -> Result<Value, ProviderError> {
        let address = format!("http://{}/", listener.local_addr().expect("its address"));
        let http = HttpClients::with_timeout(&EgressPolicy::default(), Duration::from_millis(200)).expect("a client");
        ProviderHttp { client: &http.unrestricted, local: true, max_body: MAX_BODY_BYTES }.get_json(&address, None).await
    }

    #[tokio::test]
    async fn slow_and_large_responses_are_refused() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        assert_eq!(get(&listener).await, Err(ProviderError::Timeout), "it takes the connection and says nothing");
        let endless = async {
            // The first attempt has timed out.
            let _ = listener.accept().await;
            let (mut connection, _) = listener.accept().await.expect("a connection");
            let _ = connection.read(&mut [0; 1_024]).await;
            let _ = connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n").await;
            while connection.write_all(&[b' '; 4_096]).await.is_ok() {}
        };
        let (_, answer) = tokio::join!(endless, get(&listener));
        assert_eq!(answer, Err(ProviderError::InvalidResponse("the response is too large".into())));
        let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
        let http = HttpClients::new(&EgressPolicy::default()).expect("a client");
        let asked = async |client, address: &str| ProviderHttp { client, local: true, max_body: MAX_BODY_BYTES }.get_json(address, None).await;
        assert_eq!(asked(&http.unrestricted, &format!("http://{gone}/")).await, Err(ProviderError::Unreachable(ConnectError::ConnectionRefused)));
        assert_eq!(asked(&http.unrestricted, "https://no-such-name.invalid/").await, Err(ProviderError::Unreachable(ConnectError::HostNotFound)));
        for near in [format!("http://{gone}/"), "https://localhost/".into(), "https://[::1]/".into(), "https://0x7f.1/".into()] {
            assert_eq!(asked(&http.restricted, &near).await, Err(ProviderError::AddressBlocked), "{near}");
        }
    }
}
