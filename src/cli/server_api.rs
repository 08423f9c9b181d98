//! Requests to a portal's API, apart from sign-in and its renewal.

use oauth2::http::StatusCode;
use oauth2::http::header::WWW_AUTHENTICATE;
use oauth2::url::Url;
use oauth2::{AccessToken, HttpResponse};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thiserror::Error;

use crate::domain::client::CLI_CLIENT_ID;
use crate::domain::paths;
use crate::wire::{Me, MyHosts, SignInTenants};

use super::error_code::ErrorCode;
use super::http::{HttpTransport, RequestError, TransportError};
use super::metadata::{MetadataRefused, ServerMetadata};
use super::printable::{Printable, sanitize_json};
use super::scopes::{ScopeError, Scopes};
use super::server_url::ServerUrl;
use super::target::{Target, TargetArgs};
use super::tokens::Tokens;

/// The API of one tenant of one portal.
pub struct ServerApi {
    pub target: Target,
    pub http: HttpTransport,
    /// The scopes of the sign-in in use, if there is one.
    pub scopes: Scopes,
}

/// Why a portal did not do what it was asked.
#[derive(Debug, Error)]
pub enum ApiError {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error("{server} does not know the tenant `{tenant}`, or is not a TMS portal: check --server and --tenant")]
    UnknownTenant { server: ServerUrl, tenant: String },
    #[error(transparent)]
    Metadata(#[from] MetadataRefused),
    #[error("users cannot sign in to the tenant `{tenant}` of {server}; {}", suggest_tenants(.server, .open))]
    SignInUnavailable { server: ServerUrl, tenant: String, open: Vec<Printable> },
    #[error("{server} sent an invalid response ({what}): tell its operators")]
    UnexpectedResponse { server: ServerUrl, what: Printable },
    #[error("{server} refused: {message}")]
    Refused { server: ServerUrl, message: Printable },
    #[error("{server} refused: {message}")]
    Forbidden { server: ServerUrl, message: Printable },
    #[error("your sign-in to {0} has expired or was revoked: run `tms login`")]
    SignInExpired(Target),
    #[error(transparent)]
    Scope(#[from] ScopeError),
}

impl ApiError {
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Request(error) => error.code(),
            Self::UnknownTenant { .. } | Self::Metadata(_) | Self::UnexpectedResponse { .. } => ErrorCode::UnexpectedAnswer,
            Self::SignInUnavailable { .. } => ErrorCode::NoSignIn,
            Self::Refused { .. } => ErrorCode::Refused,
            Self::Forbidden { .. } => ErrorCode::NotAllowed,
            Self::SignInExpired(_) => ErrorCode::NotSignedIn,
            Self::Scope(error) => error.code(),
        }
    }

    /// Additional members of the JSON error, besides the code and the message.
    pub fn details(&self) -> Option<Value> {
        match self {
            Self::SignInUnavailable { open, .. } => Some(json!({ "tenants": open })),
            _ => None,
        }
    }
}

/// An error response of the TMS API; only its message is used.
#[derive(Deserialize)]
struct ErrorBody {
    result_msg: Printable,
}

impl ServerApi {
    pub fn new(target: Target, target_args: &TargetArgs) -> Result<Self, ApiError> {
        let http = target_args.http(&target.server)?;
        Ok(Self { target, http, scopes: Scopes::default() })
    }

    /// The server's validated endpoints.
    pub async fn metadata(&self) -> Result<ServerMetadata, ApiError> {
        let url = self.target.metadata_url();
        let answer = self.http.get(&url, None).await.map_err(|why| self.transport_error(why))?;
        match answer.status() {
            StatusCode::OK => Ok(ServerMetadata::parse(answer.body(), &self.target)?),
            StatusCode::NOT_FOUND => Err(ApiError::UnknownTenant { server: self.target.server.clone(), tenant: self.target.tenant.to_string() }),
            _ => Err(self.error_response(&answer)),
        }
    }

    /// The error for a tenant to which users cannot sign in; `None` if they can, or if the server does not say.
    pub async fn sign_in_unavailable(&self) -> Option<ApiError> {
        let (server, tenant) = (self.target.server.clone(), self.target.tenant.to_string());
        let open = self.sign_in_tenants().await.filter(|open| !open.contains(&tenant))?;
        Some(ApiError::SignInUnavailable { server, tenant, open: open.iter().map(|tenant| Printable::new(tenant)).collect() })
    }

    /// `None` if the server does not list them.
    async fn sign_in_tenants(&self) -> Option<Vec<String>> {
        let answer = self.http.get(&self.target.url(paths::TENANTS), None).await;
        let list: SignInTenants = self.parse_response(answer, paths::TENANTS).ok()?;
        Some(list.tenants.into_iter().map(|tenant| tenant.tenant).collect())
    }

    pub async fn me(&self, token: &AccessToken) -> Result<Me, ApiError> {
        self.get(paths::ME, token).await
    }

    pub async fn my_hosts(&self, token: &AccessToken) -> Result<MyHosts, ApiError> {
        self.get(paths::MY_HOSTS, token).await
    }

    /// Revokes a sign-in (RFC 7009). Not with the `oauth2` crate, which refuses `http://` endpoints even on this machine.
    pub async fn revoke(&self, endpoint: &Url, tokens: &Tokens) -> Result<(), ApiError> {
        let (token, kind) = tokens.to_revoke();
        let form = [("token", token), ("token_type_hint", kind), ("client_id", CLI_CLIENT_ID)];
        let answer = self.http.post_form(endpoint.as_str(), &form).await.map_err(|why| self.transport_error(why))?;
        if answer.status() == StatusCode::OK { Ok(()) } else { Err(self.error_response(&answer)) }
    }

    pub fn transport_error(&self, error: TransportError) -> ApiError {
        RequestError::new(&self.target.server, error).into()
    }

    pub fn unexpected_response(&self, what: &str) -> ApiError {
        ApiError::UnexpectedResponse { server: self.target.server.clone(), what: Printable::new(what) }
    }

    pub async fn get<T: DeserializeOwned>(&self, path: &str, token: &AccessToken) -> Result<T, ApiError> {
        self.parse_response(self.http.get(&self.target.url(path), Some(token)).await, path)
    }

    /// Parses a successful response to `path`, or returns the error. All texts in it are sanitized.
    pub fn parse_response<T: DeserializeOwned>(&self, response: Result<HttpResponse, TransportError>, path: &str) -> Result<T, ApiError> {
        let answer = response.map_err(|why| self.transport_error(why))?;
        match answer.status() {
            StatusCode::OK | StatusCode::CREATED => {
                let json = serde_json::from_slice(answer.body()).map(sanitize_json);
                json.and_then(serde_json::from_value).map_err(|_| self.unexpected_response(path))
            }
            StatusCode::UNAUTHORIZED => Err(ApiError::SignInExpired(self.target.clone())),
            _ => Err(self.error_response(&answer)),
        }
    }

    fn error_response(&self, response: &HttpResponse) -> ApiError {
        let server = self.target.server.clone();
        if let Some(redirect) = self.http.redirect_error(&server, response) {
            return redirect.into();
        }
        if let Some(scope) = missing_scope(response) {
            return self.scopes.missing_scope_error(scope.as_str(), &self.target).into();
        }
        match serde_json::from_slice::<ErrorBody>(response.body()) {
            Ok(error) if response.status() == StatusCode::FORBIDDEN => ApiError::Forbidden { server, message: error.result_msg },
            Ok(error) => ApiError::Refused { server, message: error.result_msg },
            Err(_) => self.unexpected_response(&format!("HTTP {}{}", response.status().as_u16(), self.http.via_proxy)),
        }
    }
}

/// Names the tenants that allow sign-in. The server is named as well: if a tenant's issuer was passed as the server, `--tenant`
/// alone would contradict it.
fn suggest_tenants(server: &ServerUrl, open: &[Printable]) -> String {
    match open {
        [] => "nor to any other of its tenants: tell its operators".to_owned(),
        [only] => format!("they can to `{only}`: pass --server {server} --tenant {only}"),
        several => {
            let names: Vec<String> = several.iter().map(|tenant| format!("`{tenant}`")).collect();
            format!("they can to {}: pass --server {server} --tenant and one of these", names.join(", "))
        }
    }
}

/// The scope that the token lacks (RFC 6750 §3.1).
fn missing_scope(response: &HttpResponse) -> Option<Printable> {
    let challenge = response.headers().get(WWW_AUTHENTICATE).filter(|_| response.status() == StatusCode::FORBIDDEN)?.to_str().ok()?;
    let (_, scope) = challenge.split_once("error=\"insufficient_scope\"")?.1.split_once("scope=\"")?;
    scope.split_once('"').map(|(scope, _)| Printable::new(scope))
}
