//! Configuration of products that sign people in through the portal, with a client's own values.
//!
//! The values need no quoting: an identifier, a redirect URI, an issuer and scopes have neither quotes nor backslashes.

#[cfg(test)]
mod tests;

use super::Client;
use super::registration::{ClientAuthMethod, GrantType};
use crate::domain::client_uris::ClientUris;
use crate::domain::paths;
use crate::domain::redirect_uri::RedirectUri;
use crate::domain::scope::{Scope, ScopeSet};

/// Stands for the client's secret, which the portal does not have: it stores a hash.
pub const SECRET_PLACEHOLDER: &str = "CLIENT_SECRET";

/// Stands for a random secret of the product itself.
const OWN_SECRET_PLACEHOLDER: &str = "RANDOM_SECRET";

/// In the order in which clients usually write them.
const SCOPES: [Scope; 9] = [
    Scope::OpenId,
    Scope::Profile,
    Scope::Email,
    Scope::Groups,
    Scope::OfflineAccess,
    Scope::HostsRead,
    Scope::KeysRead,
    Scope::KeysCreate,
    Scope::KeysRevoke,
];

/// A product that can sign people in with OpenID Connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// With the class `GenericOAuthenticator` of the package `oauthenticator`.
    JupyterHub,
    OpenOnDemand,
    /// Apache httpd with `mod_auth_openidc`.
    Apache,
    Grafana,
    OAuth2Proxy,
    GitLab,
    /// Any other: the values as a list.
    Other,
}

impl Product {
    const ALL: [Self; 7] = [Self::JupyterHub, Self::OpenOnDemand, Self::Apache, Self::Grafana, Self::OAuth2Proxy, Self::GitLab, Self::Other];

    /// The name it calls itself; `None`: it is not a particular one.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::JupyterHub => Some("JupyterHub (GenericOAuthenticator)"),
            Self::OpenOnDemand => Some("Open OnDemand"),
            Self::Apache => Some("Apache (mod_auth_openidc)"),
            Self::Grafana => Some("Grafana"),
            Self::OAuth2Proxy => Some("oauth2-proxy"),
            Self::GitLab => Some("GitLab"),
            Self::Other => None,
        }
    }

    /// The usual name of the file that the configuration is for.
    pub fn file(self) -> Option<&'static str> {
        match self {
            Self::JupyterHub => Some("jupyterhub_config.py"),
            Self::OpenOnDemand => Some("/etc/ood/config/ood_portal.yml"),
            Self::Apache => Some("httpd.conf"),
            Self::Grafana => Some("grafana.ini"),
            Self::OAuth2Proxy => Some("oauth2-proxy.cfg"),
            Self::GitLab => Some("/etc/gitlab/gitlab.rb"),
            Self::Other => None,
        }
    }

    /// How its redirect URI ends.
    fn redirect_path(self) -> Option<&'static str> {
        match self {
            Self::JupyterHub => Some("/hub/oauth_callback"),
            Self::OpenOnDemand | Self::Apache => Some("/oidc"),
            Self::Grafana => Some("/login/generic_oauth"),
            Self::OAuth2Proxy => Some("/oauth2/callback"),
            Self::GitLab => Some("/users/auth/openid_connect/callback"),
            Self::Other => None,
        }
    }

    /// The scopes that a sign-in there requires.
    fn needs(self) -> ScopeSet {
        let needed: &[Scope] = match self {
            Self::JupyterHub | Self::OpenOnDemand | Self::Apache => &[Scope::OpenId, Scope::Profile],
            Self::Grafana | Self::GitLab => &[Scope::OpenId, Scope::Profile, Scope::Email],
            Self::OAuth2Proxy => &[Scope::OpenId, Scope::Email],
            Self::Other => &[Scope::OpenId],
        };
        needed.iter().copied().collect()
    }

    /// Whether it can use a scope that the client may ask for.
    fn can_use(self, scope: Scope) -> bool {
        match self {
            // They keep the tokens, and code that runs there can use them.
            Self::JupyterHub | Self::OpenOnDemand | Self::Apache | Self::Other => true,
            Self::Grafana => scope == Scope::OfflineAccess || Scope::SIGN_IN.contains(&scope),
            Self::OAuth2Proxy | Self::GitLab => Scope::SIGN_IN.contains(&scope),
        }
    }
}

/// The configuration of a product for a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductConfiguration {
    pub product: Product,
    /// Without the secret; see [`SECRET_PLACEHOLDER`].
    pub text: String,
    /// The redirect URI that the product has, if the client has none like it: its host has to be filled in, and the client needs it as well.
    pub unregistered: Option<String>,
    /// What the product needs and the client may not ask for.
    pub missing: ScopeSet,
}

/// The configurations of all products that can authenticate as the client does; `issuer`: the tenant's issuer URL.
pub fn configurations(client: &Client, uris: &ClientUris, issuer: &str) -> Vec<ProductConfiguration> {
    let with_secret = client.auth_method == ClientAuthMethod::Secret;
    let products = Product::ALL.into_iter().filter(|product| with_secret || *product == Product::Other);
    products.map(|product| configuration(product, client, uris, issuer)).collect()
}

fn configuration(product: Product, client: &Client, uris: &ClientUris, issuer: &str) -> ProductConfiguration {
    let registered = |path: &str| uris.redirect.iter().map(RedirectUri::as_str).find(|uri| uri.ends_with(path)).map(str::to_owned);
    let fitting = product.redirect_path().and_then(registered);
    let placeholder = product.redirect_path().map(|path| format!("https://HOST{path}"));
    let values = Values { client, uris, issuer, product, redirect_uri: fitting.clone().or(placeholder.clone()).unwrap_or_default() };
    let lines = match product {
        Product::JupyterHub => values.jupyterhub(),
        Product::OpenOnDemand => values.open_ondemand(),
        Product::Apache => values.apache(),
        Product::Grafana => values.grafana(),
        Product::OAuth2Proxy => values.oauth2_proxy(),
        Product::GitLab => values.gitlab(),
        Product::Other => values.list(),
    };
    ProductConfiguration {
        product,
        text: lines.join("\n"),
        unregistered: if fitting.is_some() { None } else { placeholder },
        missing: product.needs().without_all(&client.scope),
    }
}

/// What a product has to know.
struct Values<'a> {
    client: &'a Client,
    uris: &'a ClientUris,
    issuer: &'a str,
    product: Product,
    redirect_uri: String,
}

impl Values<'_> {
    fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    fn scopes(&self) -> Vec<&'static str> {
        let refreshes = self.client.allows(GrantType::RefreshToken);
        let asked = |scope: Scope| self.client.scope.contains(scope) && self.product.can_use(scope) && (scope != Scope::OfflineAccess || refreshes);
        SCOPES.into_iter().filter(|scope| asked(*scope)).map(Scope::as_str).collect()
    }

    fn scope(&self) -> String {
        self.scopes().join(" ")
    }

    /// As a list of texts in Python, Ruby and TOML.
    fn scope_list(&self) -> String {
        format!("[{}]", self.scopes().iter().map(|scope| format!("\"{scope}\"")).collect::<Vec<_>>().join(", "))
    }

    /// Whether it gets refresh tokens.
    fn refreshes(&self) -> bool {
        self.client.gets_refresh_token(&ScopeSet::parse_known(&self.scope()))
    }

    fn jupyterhub(&self) -> Vec<String> {
        let text = |name: &str, value: &str| format!("c.GenericOAuthenticator.{name} = \"{value}\"");
        let mut lines = vec![
            "c.JupyterHub.authenticator_class = \"generic-oauth\"".to_owned(),
            text("client_id", self.client.id.as_str()),
            text("client_secret", SECRET_PLACEHOLDER),
            text("oauth_callback_url", &self.redirect_uri),
            text("authorize_url", &self.endpoint(paths::AUTHORIZATION)),
            text("token_url", &self.endpoint(paths::TOKEN)),
            text("userdata_url", &self.endpoint(paths::USERINFO)),
            format!("c.GenericOAuthenticator.scope = {}", self.scope_list()),
            text("username_claim", "preferred_username"),
            "# Everybody whom the portal signs in; otherwise set allowed_users.".to_owned(),
            "c.GenericOAuthenticator.allow_all = True".to_owned(),
        ];
        if self.refreshes() {
            lines.push("# Keeps the tokens, encrypted with the environment variable JUPYTERHUB_CRYPT_KEY.".to_owned());
            lines.push("c.GenericOAuthenticator.enable_auth_state = True".to_owned());
        }
        lines
    }

    fn open_ondemand(&self) -> Vec<String> {
        let text = |name: &str, value: &str| format!("{name}: \"{value}\"");
        let mut lines = vec![
            format!("# The redirect URI is {}.", self.redirect_uri),
            "auth:".to_owned(),
            "  - \"AuthType openid-connect\"".to_owned(),
            "  - \"Require valid-user\"".to_owned(),
            text("oidc_uri", "/oidc"),
            text("oidc_provider_metadata_url", &self.endpoint(paths::OPENID_METADATA)),
            text("oidc_client_id", self.client.id.as_str()),
            text("oidc_client_secret", SECRET_PLACEHOLDER),
            text("oidc_crypto_passphrase", OWN_SECRET_PLACEHOLDER),
            text("oidc_scope", &self.scope()),
            text("oidc_remote_user_claim", "preferred_username"),
            "oidc_session_inactivity_timeout: 28800".to_owned(),
            "oidc_session_max_duration: 28800".to_owned(),
            text("oidc_state_max_number_of_cookies", "10 true"),
            "oidc_settings:".to_owned(),
            format!("  {}", text("OIDCPKCEMethod", "S256")),
        ];
        if self.refreshes() {
            lines.push(format!("  {}", text("OIDCRefreshAccessTokenBeforeExpiry", "60 logout_on_error")));
        }
        lines
    }

    fn apache(&self) -> Vec<String> {
        let mut lines = vec![
            format!("OIDCProviderMetadataURL {}", self.endpoint(paths::OPENID_METADATA)),
            format!("OIDCClientID {}", self.client.id),
            format!("OIDCClientSecret \"{SECRET_PLACEHOLDER}\""),
            format!("OIDCRedirectURI \"{}\"", self.redirect_uri),
            format!("OIDCCryptoPassphrase \"{OWN_SECRET_PLACEHOLDER}\""),
            format!("OIDCScope \"{}\"", self.scope()),
            "OIDCRemoteUserClaim preferred_username".to_owned(),
            "OIDCPKCEMethod S256".to_owned(),
        ];
        if self.refreshes() {
            lines.push("OIDCRefreshAccessTokenBeforeExpiry 60 logout_on_error".to_owned());
        }
        let location = ["<Location />", "  AuthType openid-connect", "  Require valid-user", "</Location>"];
        lines.extend(location.map(str::to_owned));
        lines
    }

    fn grafana(&self) -> Vec<String> {
        let root = self.product.redirect_path().and_then(|path| self.redirect_uri.strip_suffix(path)).unwrap_or_default();
        let mut lines = vec![
            "[server]".to_owned(),
            format!("root_url = {root}/"),
            "[auth.generic_oauth]".to_owned(),
            "enabled = true".to_owned(),
            format!("name = {}", self.client.tenant_id),
            format!("client_id = {}", self.client.id),
            format!("client_secret = {SECRET_PLACEHOLDER}"),
            format!("auth_url = {}", self.endpoint(paths::AUTHORIZATION)),
            format!("token_url = {}", self.endpoint(paths::TOKEN)),
            format!("api_url = {}", self.endpoint(paths::USERINFO)),
            format!("scopes = {}", self.scope()),
            "login_attribute_path = preferred_username".to_owned(),
            "use_pkce = true".to_owned(),
        ];
        if self.refreshes() {
            lines.push("use_refresh_token = true".to_owned());
        }
        lines
    }

    fn oauth2_proxy(&self) -> Vec<String> {
        let text = |name: &str, value: &str| format!("{name} = \"{value}\"");
        vec![
            text("provider", "oidc"),
            text("oidc_issuer_url", self.issuer),
            text("client_id", self.client.id.as_str()),
            text("client_secret", SECRET_PLACEHOLDER),
            format!("# openssl rand -base64 32 | tr -- '+/' '-_'\n{}", text("cookie_secret", OWN_SECRET_PLACEHOLDER)),
            text("redirect_url", &self.redirect_uri),
            text("scope", &self.scope()),
            text("code_challenge_method", "S256"),
            "# Everybody whom the portal signs in; otherwise set domains of addresses, or allowed_groups.".to_owned(),
            "email_domains = [\"*\"]".to_owned(),
        ]
    }

    fn gitlab(&self) -> Vec<String> {
        let text = |depth: usize, name: &str, value: &str| format!("{:depth$}{name}: \"{value}\",", "");
        vec![
            "gitlab_rails[\"omniauth_allow_single_sign_on\"] = [\"openid_connect\"]".to_owned(),
            "gitlab_rails[\"omniauth_providers\"] = [".to_owned(),
            "  {".to_owned(),
            text(4, "name", "openid_connect"),
            text(4, "label", self.client.tenant_id.as_str()),
            "    args: {".to_owned(),
            text(6, "name", "openid_connect"),
            format!("      scope: {},", self.scope_list()),
            text(6, "response_type", "code"),
            text(6, "issuer", self.issuer),
            "      discovery: true,".to_owned(),
            text(6, "client_auth_method", "basic"),
            text(6, "uid_field", "sub"),
            "      pkce: true,".to_owned(),
            "      client_options: {".to_owned(),
            text(8, "identifier", self.client.id.as_str()),
            text(8, "secret", SECRET_PLACEHOLDER),
            text(8, "redirect_uri", &self.redirect_uri),
            "      }".to_owned(),
            "    }".to_owned(),
            "  }".to_owned(),
            "]".to_owned(),
        ]
    }

    fn list(&self) -> Vec<String> {
        let value = |name: &str, value: String| format!("{name}: {value}");
        let authentication = match self.client.auth_method {
            ClientAuthMethod::Secret => "client_secret_basic",
            ClientAuthMethod::PrivateKeyJwt => "private_key_jwt",
            ClientAuthMethod::None => "none",
        };
        let mut lines = vec![
            value("issuer", self.issuer.to_owned()),
            value("configuration", self.endpoint(paths::OPENID_METADATA)),
            value("authorization_endpoint", self.endpoint(paths::AUTHORIZATION)),
            value("token_endpoint", self.endpoint(paths::TOKEN)),
            value("userinfo_endpoint", self.endpoint(paths::USERINFO)),
            value("jwks_uri", self.endpoint(paths::JWKS)),
            value("client_id", self.client.id.to_string()),
        ];
        if self.client.auth_method == ClientAuthMethod::Secret {
            lines.push(value("client_secret", SECRET_PLACEHOLDER.to_owned()));
        }
        lines.push(value("token_endpoint_auth_method", authentication.to_owned()));
        lines.extend(self.uris.redirect.iter().map(|uri| value("redirect_uri", uri.to_string())));
        lines.push(value("response_type", "code".to_owned()));
        lines.push(value("scope", self.scope()));
        lines.push(value("code_challenge_method", "S256".to_owned()));
        lines.push(value("id_token_signed_response_alg", self.client.id_token_algorithm.as_str().to_owned()));
        lines
    }
}
