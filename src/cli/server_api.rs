//! What this program asks a portal, apart from the device flow.

use oauth2::http::StatusCode;
use oauth2::http::header::{LOCATION, WWW_AUTHENTICATE};
use oauth2::url::Url;
use oauth2::{AccessToken, HttpResponse};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::domain::client::CLI_CLIENT_ID;
use crate::domain::paths;
use crate::wire::{Me, MyHosts, SignInTenants};

use super::failure::CliError;
use super::http::{HttpTransport, TransportError};
use super::metadata::ServerMetadata;
use super::printable::{Printable, sanitize_json};
use super::scopes::Scopes;
use super::target::{Target, TargetArgs};

/// One tenant of one portal, as this program sees it.
pub struct ServerApi {
    pub target: Target,
    pub http: HttpTransport,
    /// Of the sign-in that is used, if there is one.
    pub scopes: Scopes,
}

/// An error of the TMS API, for its sentence.
#[derive(Deserialize)]
struct ErrorBody {
    result_msg: Printable,
}

impl ServerApi {
    pub fn new(target: Target, target_args: &TargetArgs) -> Result<Self, CliError> {
        let http = target_args.http(&target.server)?;
        Ok(Self { target, http, scopes: Scopes::default() })
    }

    /// The server's endpoints, checked.
    pub async fn metadata(&self) -> Result<ServerMetadata, CliError> {
        let url = self.target.metadata_url();
        let answer = self.http.get(&url, None).await.map_err(|why| self.transport_error(why))?;
        match answer.status() {
            StatusCode::OK => Ok(ServerMetadata::parse(answer.body(), &self.target)?),
            StatusCode::NOT_FOUND => Err(CliError::UnknownTenant { server: self.target.server.clone(), tenant: self.target.tenant.to_string() }),
            _ => Err(self.error_response(&answer)),
        }
    }

    /// A sign-in that could not begin may be to a tenant that has no way in: then those are named that have.
    pub async fn with_open_tenants(&self, error: CliError) -> CliError {
        if !matches!(error, CliError::UnknownTenant { .. } | CliError::Refused { .. }) {
            return error;
        }
        let tenant = self.target.tenant.to_string();
        match self.sign_in_tenants().await {
            Some(open) if !open.contains(&tenant) => CliError::SignInUnavailable {
                server: self.target.server.clone(),
                tenant,
                open: open.iter().map(|tenant| Printable::new(tenant)).collect(),
            },
            _ => error,
        }
    }

    /// `None` when the server does not say.
    async fn sign_in_tenants(&self) -> Option<Vec<String>> {
        let answer = self.http.get(&self.target.url(paths::TENANTS), None).await;
        let list: SignInTenants = self.parse_response(answer, paths::TENANTS).ok()?;
        Some(list.tenants.into_iter().map(|tenant| tenant.tenant).collect())
    }

    pub async fn me(&self, token: &AccessToken) -> Result<Me, CliError> {
        self.get(paths::ME, token).await
    }

    pub async fn my_hosts(&self, token: &AccessToken) -> Result<MyHosts, CliError> {
        self.get(paths::MY_HOSTS, token).await
    }

    /// RFC 7009. Not through the `oauth2` crate, which refuses an `http://` endpoint even on this machine.
    pub async fn revoke(&self, endpoint: &Url, token: &AccessToken) -> Result<(), CliError> {
        let form = [("token", token.secret().as_str()), ("token_type_hint", "access_token"), ("client_id", CLI_CLIENT_ID)];
        let answer = self.http.post_form(endpoint.as_str(), &form).await.map_err(|why| self.transport_error(why))?;
        if answer.status() == StatusCode::OK { Ok(()) } else { Err(self.error_response(&answer)) }
    }

    pub fn transport_error(&self, error: TransportError) -> CliError {
        CliError::from_transport(&self.target.server, error)
    }

    pub fn unexpected_response(&self, what: &str) -> CliError {
        CliError::UnexpectedResponse { server: self.target.server.clone(), what: Printable::new(what) }
    }

    pub async fn get<T: DeserializeOwned>(&self, path: &str, token: &AccessToken) -> Result<T, CliError> {
        self.parse_response(self.http.get(&self.target.url(path), Some(token)).await, path)
    }

    /// What the server says at `path` when it does what it is asked to; none of it can do anything to a terminal.
    pub fn parse_response<T: DeserializeOwned>(&self, response: Result<HttpResponse, TransportError>, path: &str) -> Result<T, CliError> {
        let answer = response.map_err(|why| self.transport_error(why))?;
        match answer.status() {
            StatusCode::OK | StatusCode::CREATED => {
                let json = serde_json::from_slice(answer.body()).map(sanitize_json);
                json.and_then(serde_json::from_value).map_err(|_| self.unexpected_response(path))
            }
            StatusCode::UNAUTHORIZED => Err(CliError::SignInExpired(self.target.clone())),
            _ => Err(self.error_response(&answer)),
        }
    }

    fn error_response(&self, response: &HttpResponse) -> CliError {
        let server = self.target.server.clone();
        if let Some(location) = redirect_location(response) {
            return CliError::Redirected { server, through: self.http.via_proxy.clone(), location };
        }
        if let Some(scope) = missing_scope(response) {
            return self.scopes.missing_scope_error(scope.as_str(), &self.target);
        }
        match serde_json::from_slice::<ErrorBody>(response.body()) {
            Ok(error) if response.status() == StatusCode::FORBIDDEN => CliError::Forbidden { server, message: error.result_msg },
            Ok(error) => CliError::Refused { server, message: error.result_msg },
            Err(_) => self.unexpected_response(&format!("HTTP {}{}", response.status().as_u16(), self.http.via_proxy)),
        }
    }
}

/// Where an answer wants to lead us.
pub fn redirect_location(response: &HttpResponse) -> Option<Printable> {
    let location = response.headers().get(LOCATION).filter(|_| response.status().is_redirection())?;
    Some(Printable::new(&String::from_utf8_lossy(location.as_bytes())))
}

/// RFC 6750 §3.1: the scope that the token would have to have.
fn missing_scope(response: &HttpResponse) -> Option<Printable> {
    let challenge = response.headers().get(WWW_AUTHENTICATE).filter(|_| response.status() == StatusCode::FORBIDDEN)?.to_str().ok()?;
    let (_, scope) = challenge.split_once("error=\"insufficient_scope\"")?.1.split_once("scope=\"")?;
    scope.split_once('"').map(|(scope, _)| Printable::new(scope))
}
