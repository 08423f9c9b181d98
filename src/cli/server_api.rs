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

use super::failure::Failure;
use super::http::{Http, NoAnswer};
use super::metadata::Metadata;
use super::printable::{Printable, printable};
use super::scopes::Scopes;
use super::target::{Place, Target};

/// One tenant of one portal, as this program sees it.
pub struct ServerApi {
    pub target: Target,
    pub http: Http,
    /// Of the sign-in that is used, if there is one.
    pub scopes: Scopes,
}

/// An error of the TMS API, for its sentence.
#[derive(Deserialize)]
struct ApiError {
    result_msg: Printable,
}

impl ServerApi {
    pub fn new(target: Target, place: &Place) -> Result<Self, Failure> {
        let http = place.http(&target.server)?;
        Ok(Self { target, http, scopes: Scopes::default() })
    }

    /// The server's endpoints, checked.
    pub async fn metadata(&self) -> Result<Metadata, Failure> {
        let url = self.target.metadata_url();
        let answer = self.http.get(&url, None).await.map_err(|why| self.no_answer(why))?;
        match answer.status() {
            StatusCode::OK => Ok(Metadata::read(answer.body(), &self.target)?),
            StatusCode::NOT_FOUND => Err(Failure::NoSuchTenant { server: self.target.server.clone(), tenant: self.target.tenant.to_string() }),
            _ => Err(self.refusal(&answer)),
        }
    }

    /// A sign-in that could not begin may be to a tenant that has no way in: then those are named that have.
    pub async fn no_sign_in(&self, failure: Failure) -> Failure {
        if !matches!(failure, Failure::NoSuchTenant { .. } | Failure::Refused { .. }) {
            return failure;
        }
        let tenant = self.target.tenant.to_string();
        match self.sign_in_tenants().await {
            Some(open) if !open.contains(&tenant) => {
                Failure::NoSignIn { server: self.target.server.clone(), tenant, open: open.iter().map(|tenant| Printable::new(tenant)).collect() }
            }
            _ => failure,
        }
    }

    /// `None` when the server does not say.
    async fn sign_in_tenants(&self) -> Option<Vec<String>> {
        let answer = self.http.get(&self.target.url(paths::TENANTS), None).await;
        let list: SignInTenants = self.read(answer, paths::TENANTS).ok()?;
        Some(list.tenants.into_iter().map(|tenant| tenant.tenant).collect())
    }

    pub async fn me(&self, token: &AccessToken) -> Result<Me, Failure> {
        self.ask(paths::ME, token).await
    }

    pub async fn my_hosts(&self, token: &AccessToken) -> Result<MyHosts, Failure> {
        self.ask(paths::MY_HOSTS, token).await
    }

    /// RFC 7009. Not through the `oauth2` crate, which refuses an `http://` endpoint even on this machine.
    pub async fn revoke(&self, endpoint: &Url, token: &AccessToken) -> Result<(), Failure> {
        let form = [("token", token.secret().as_str()), ("token_type_hint", "access_token"), ("client_id", CLI_CLIENT_ID)];
        let answer = self.http.post_form(endpoint.as_str(), &form).await.map_err(|why| self.no_answer(why))?;
        if answer.status() == StatusCode::OK { Ok(()) } else { Err(self.refusal(&answer)) }
    }

    pub fn no_answer(&self, why: NoAnswer) -> Failure {
        Failure::no_answer(&self.target.server, why)
    }

    pub fn unexpected(&self, what: &str) -> Failure {
        Failure::Unexpected { server: self.target.server.clone(), what: Printable::new(what) }
    }

    pub async fn ask<T: DeserializeOwned>(&self, path: &str, token: &AccessToken) -> Result<T, Failure> {
        self.read(self.http.get(&self.target.url(path), Some(token)).await, path)
    }

    /// What the server says at `path` when it does what it is asked to; none of it can do anything to a terminal.
    pub fn read<T: DeserializeOwned>(&self, answer: Result<HttpResponse, NoAnswer>, path: &str) -> Result<T, Failure> {
        let answer = answer.map_err(|why| self.no_answer(why))?;
        match answer.status() {
            StatusCode::OK | StatusCode::CREATED => {
                let json = serde_json::from_slice(answer.body()).map(printable);
                json.and_then(serde_json::from_value).map_err(|_| self.unexpected(path))
            }
            StatusCode::UNAUTHORIZED => Err(Failure::SignInEnded(self.target.clone())),
            _ => Err(self.refusal(&answer)),
        }
    }

    fn refusal(&self, answer: &HttpResponse) -> Failure {
        let server = self.target.server.clone();
        if let Some(location) = location(answer) {
            return Failure::Redirected { server, through: self.http.through.clone(), location };
        }
        if let Some(scope) = missing_scope(answer) {
            return self.scopes.why_without(scope.as_str(), &self.target);
        }
        match serde_json::from_slice::<ApiError>(answer.body()) {
            Ok(error) if answer.status() == StatusCode::FORBIDDEN => Failure::NotAllowed { server, message: error.result_msg },
            Ok(error) => Failure::Refused { server, message: error.result_msg },
            Err(_) => self.unexpected(&format!("HTTP {}{}", answer.status().as_u16(), self.http.through)),
        }
    }
}

/// Where an answer wants to lead us.
pub fn location(answer: &HttpResponse) -> Option<Printable> {
    let location = answer.headers().get(LOCATION).filter(|_| answer.status().is_redirection())?;
    Some(Printable::new(&String::from_utf8_lossy(location.as_bytes())))
}

/// RFC 6750 §3.1: the scope that the token would have to have.
fn missing_scope(answer: &HttpResponse) -> Option<Printable> {
    let challenge = answer.headers().get(WWW_AUTHENTICATE).filter(|_| answer.status() == StatusCode::FORBIDDEN)?.to_str().ok()?;
    let (_, scope) = challenge.split_once("error=\"insufficient_scope\"")?.1.split_once("scope=\"")?;
    scope.split_once('"').map(|(scope, _)| Printable::new(scope))
}
