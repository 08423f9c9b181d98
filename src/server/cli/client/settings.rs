//! The options for a client's settings.

use std::time::Duration;

use super::super::CommandError;
use crate::domain::client::Client;
use crate::domain::client::registration::{ClientAuthMethod, ConsentRule, GrantType, GrantTypes, MAX_LONGEST_ACCESS_HOURS, PkceRule, RefreshRule};
use crate::domain::client_uris::{ClientEndpoint, ClientUris, WebOrigin, parse_list};
use crate::domain::ids::HostName;
use crate::domain::redirect_uri::RedirectUri;
use crate::domain::scope::{Scope, ScopeSet};
use crate::domain::signing_key::SigningAlgorithm;

#[derive(clap::Args)]
pub struct ClientSettingsArgs {
    /// Whether it may use the device authorization grant to ask people for access
    #[arg(long)]
    device_grant: Option<bool>,
    /// Other grant types that it may use: authorization_code, refresh_token, client_credentials; empty: none
    #[arg(long, value_name = "TYPES", value_parser = parse_grant_types)]
    grant_types: Option<GrantTypes>,
    /// The scopes it may request, such as "hosts:read keys:create"
    #[arg(long, value_parser = parse_scope)]
    scope: Option<ScopeSet>,
    /// Whether people are told that your centre has verified it
    #[arg(long)]
    verified: Option<bool>,
    /// Its redirect URIs, separated by spaces; replaces the current ones
    #[arg(long, value_name = "URIS", value_parser = parse_redirect_uris)]
    redirect_uris: Option<UriList<RedirectUri>>,
    /// Addresses to which people return after signing out, separated by spaces; replaces the current ones
    #[arg(long, value_name = "URIS", value_parser = parse_redirect_uris)]
    post_logout_uris: Option<UriList<RedirectUri>>,
    /// Where the portal tells it that a person has signed out; empty: nowhere. It may be on the portal's own network
    #[arg(long, value_name = "URI", value_parser = parse_endpoint)]
    backchannel_logout_uri: Option<OptionalEndpoint>,
    /// Web origins of a program that runs in a browser, separated by spaces; replaces the current ones
    #[arg(long, value_parser = parse_origins)]
    origins: Option<UriList<WebOrigin>>,
    /// How it proves who it is: secret, private_key_jwt, or none (a public client)
    #[arg(long, value_name = "METHOD", value_parser = |word: &str| one_of(word, ClientAuthMethod::parse, "secret, private_key_jwt or none"))]
    auth_method: Option<ClientAuthMethod>,
    /// A file with its public keys (JSON Web Key Set), - for standard input; empty: none
    #[arg(long, value_name = "FILE")]
    jwks: Option<String>,
    /// The URL where it publishes its public keys; empty: none. It may be on the portal's own network
    #[arg(long, value_name = "URI", conflicts_with = "jwks", value_parser = parse_endpoint)]
    jwks_uri: Option<OptionalEndpoint>,
    /// Whether its assertions may name the token endpoint as audience, as those of old libraries do
    #[arg(long)]
    endpoint_audience: Option<bool>,
    /// What protects its authorization codes: required (PKCE), nonce (PKCE or a nonce), or off
    #[arg(long, value_name = "RULE", value_parser = |word: &str| one_of(word, PkceRule::parse, "required, nonce or off"))]
    pkce: Option<PkceRule>,
    /// The signature of its ID tokens: RS256 or ES256
    #[arg(long, value_name = "ALG", value_parser = |word: &str| one_of(word, SigningAlgorithm::parse, "RS256 or ES256"))]
    id_token_alg: Option<SigningAlgorithm>,
    /// The longest access that people can allow it, if that is shorter than the tenant's; 0: the tenant's
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u64).range(0..=MAX_LONGEST_ACCESS_HOURS))]
    longest_access_hours: Option<u64>,
    /// People arrive there under the name of their account on this host; empty: under their user name
    #[arg(long, value_name = "HOST", value_parser = parse_host)]
    username_of_host: Option<OptionalHost>,
    /// Whether it takes part in the authorization code flow with pushed requests only
    #[arg(long)]
    pushed_requests_only: Option<bool>,
    /// When it gets refresh tokens: offline_access (with that scope) or always
    #[arg(long, value_name = "RULE", value_parser = |word: &str| one_of(word, RefreshRule::parse, "offline_access or always"))]
    refresh: Option<RefreshRule>,
    /// Whether people are asked each time: remembered or always
    #[arg(long, value_name = "RULE", value_parser = |word: &str| one_of(word, ConsentRule::parse, "remembered or always"))]
    consent: Option<ConsentRule>,
}

/// A list of addresses as one value of an option.
#[derive(Clone)]
struct UriList<T>(Vec<T>);

/// An address, or an empty string.
#[derive(Clone)]
struct OptionalEndpoint(Option<ClientEndpoint>);

/// A host name, or an empty string.
#[derive(Clone)]
struct OptionalHost(Option<HostName>);

fn one_of<T>(word: &str, parse: impl Fn(&str) -> Option<T>, words: &str) -> Result<T, String> {
    parse(word).ok_or_else(|| format!("use {words}"))
}

fn parse_scope(text: &str) -> Result<ScopeSet, String> {
    let known = ScopeSet::parse_known(text);
    let all_known = text.split_ascii_whitespace().count() == known.to_string().split_ascii_whitespace().count();
    if all_known { Ok(known) } else { Err(format!("the scopes are {}", Scope::ALL.map(Scope::as_str).join(", "))) }
}

fn parse_grant_types(text: &str) -> Result<GrantTypes, String> {
    let known = GrantTypes::parse_known(text);
    let all_known = text.split_ascii_whitespace().count() == known.to_string().split_ascii_whitespace().count();
    let words = [GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials].map(GrantType::as_str);
    if all_known { Ok(known) } else { Err(format!("the grant types are {}; for the device grant use --device-grant", words.join(", "))) }
}

fn parse_redirect_uris(text: &str) -> Result<UriList<RedirectUri>, String> {
    parse_list(text, RedirectUri::parse).map(UriList).map_err(|refused| refused.to_string())
}

fn parse_origins(text: &str) -> Result<UriList<WebOrigin>, String> {
    parse_list(text, WebOrigin::parse).map(UriList).map_err(|refused| refused.to_string())
}

/// The operator may name addresses on the portal's own network.
fn parse_endpoint(text: &str) -> Result<OptionalEndpoint, String> {
    match text {
        "" => Ok(OptionalEndpoint(None)),
        url => ClientEndpoint::parse(url, true).map(|endpoint| OptionalEndpoint(Some(endpoint))).map_err(|refused| refused.to_string()),
    }
}

fn parse_host(text: &str) -> Result<OptionalHost, String> {
    match text {
        "" => Ok(OptionalHost(None)),
        name => HostName::parse(name).map(|host| OptionalHost(Some(host))).map_err(|refused| refused.to_string()),
    }
}

impl ClientSettingsArgs {
    /// Reads the file with the keys, if one is given. `Some(None)`: no keys.
    pub fn read_jwks(&self) -> Result<Option<Option<String>>, CommandError> {
        let Some(file) = &self.jwks else { return Ok(None) };
        let read = match file.as_str() {
            "" => return Ok(Some(None)),
            "-" => std::io::read_to_string(std::io::stdin()),
            file => std::fs::read_to_string(file),
        };
        let text = read.map_err(|error| CommandError::Other(format!("cannot read {file}: {error}")))?;
        Ok(Some(Some(text.trim().to_owned())))
    }

    /// Applies what is given. `jwks`: from [`Self::read_jwks`].
    pub fn apply(self, jwks: Option<Option<String>>, client: &mut Client, uris: &mut ClientUris) {
        client.device_grant = self.device_grant.unwrap_or(client.device_grant);
        client.grant_types = self.grant_types.unwrap_or(client.grant_types);
        client.scope = self.scope.unwrap_or_else(|| client.scope.clone());
        client.verified = self.verified.unwrap_or(client.verified);
        client.auth_method = self.auth_method.unwrap_or(client.auth_method);
        client.endpoint_audience = self.endpoint_audience.unwrap_or(client.endpoint_audience);
        client.pkce = self.pkce.unwrap_or(client.pkce);
        client.id_token_algorithm = self.id_token_alg.unwrap_or(client.id_token_algorithm);
        if let Some(hours) = self.longest_access_hours {
            client.longest_access = (hours > 0).then(|| Duration::from_secs(hours * 3_600));
        }
        if let Some(OptionalHost(host)) = self.username_of_host {
            client.username_of_host = host;
        }
        client.pushed_requests_only = self.pushed_requests_only.unwrap_or(client.pushed_requests_only);
        client.refresh = self.refresh.unwrap_or(client.refresh);
        client.consent = self.consent.unwrap_or(client.consent);
        if let Some(UriList(redirect)) = self.redirect_uris {
            uris.redirect = redirect;
        }
        if let Some(UriList(post_logout)) = self.post_logout_uris {
            uris.post_logout = post_logout;
        }
        if let Some(OptionalEndpoint(endpoint)) = self.backchannel_logout_uri {
            uris.backchannel_logout = endpoint;
        }
        if let Some(UriList(origins)) = self.origins {
            uris.origins = origins;
        }
        // The keys and their URL exclude each other: the one that is given replaces the other.
        if let Some(keys) = jwks {
            uris.jwks = uris.jwks.take().filter(|_| keys.is_none());
            client.jwks = keys;
        }
        if let Some(OptionalEndpoint(endpoint)) = self.jwks_uri {
            client.jwks = client.jwks.take().filter(|_| endpoint.is_none());
            uris.jwks = endpoint;
        }
    }
}

/// The settings by the names of their options.
pub fn settings_of(client: &Client, uris: &ClientUris) -> Vec<(&'static str, String)> {
    let endpoint = |endpoint: &Option<ClientEndpoint>| endpoint.as_ref().map(|endpoint| endpoint.url.clone()).unwrap_or_default();
    vec![
        ("app-name", client.app_name.clone()),
        ("app-version", client.app_version.clone()),
        ("enabled", client.enabled.to_string()),
        ("verified", client.verified.to_string()),
        ("device-grant", client.device_grant.to_string()),
        ("grant-types", client.grant_types.to_string()),
        ("scope", client.scope.to_string()),
        ("redirect-uris", words(&uris.redirect)),
        ("post-logout-uris", words(&uris.post_logout)),
        ("backchannel-logout-uri", endpoint(&uris.backchannel_logout)),
        ("origins", words(&uris.origins)),
        ("auth-method", client.auth_method.as_str().to_owned()),
        ("jwks", client.jwks.clone().unwrap_or_default()),
        ("jwks-uri", endpoint(&uris.jwks)),
        ("endpoint-audience", client.endpoint_audience.to_string()),
        ("pkce", client.pkce.as_str().to_owned()),
        ("id-token-alg", client.id_token_algorithm.as_str().to_owned()),
        ("longest-access-hours", client.longest_access.map_or(0, |longest| longest.as_secs() / 3_600).to_string()),
        ("username-of-host", client.username_of_host.as_ref().map(ToString::to_string).unwrap_or_default()),
        ("pushed-requests-only", client.pushed_requests_only.to_string()),
        ("refresh", client.refresh.as_str().to_owned()),
        ("consent", client.consent.as_str().to_owned()),
    ]
}

fn words<T: ToString>(values: &[T]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
