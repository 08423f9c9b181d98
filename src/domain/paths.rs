//! Every address of the portal, written once.

use super::ids::TenantId;

pub const HOME: &str = "/";
pub const DEVICE: &str = "/device";
pub const DEVICE_RESULT: &str = "/device/result";
pub const DEVICE_REPORT: &str = "/device/report";
pub const SIGN_IN: &str = "/sign-in";
pub const SIGN_IN_PASSWORD: &str = "/sign-in/password";
pub const SIGN_OUT: &str = "/sign-out";
pub const HOSTS: &str = "/hosts";
pub const SESSIONS: &str = "/sessions";
pub const API_DOCS: &str = "/docs/api";

/// Where the server functions live. Beneath it every path needs a signed-in person unless it is in [`PUBLIC_ACTIONS`].
pub const ACTIONS: &str = "/api";
pub const ENTER_CODE: &str = "/api/device/enter";
pub const REPORT_CODE: &str = "/api/device/report";

/// Pages that a person who is not signed in may see. Everything else asks to sign in first.
pub const PUBLIC_PAGES: [&str; 5] = [HOME, DEVICE, DEVICE_REPORT, SIGN_IN, API_DOCS];
/// Server functions that a person who is not signed in may call.
pub const PUBLIC_ACTIONS: [&str; 2] = [ENTER_CODE, REPORT_CODE];

pub const HEALTHZ: &str = "/healthz";
pub const READYZ: &str = "/readyz";
pub const ME: &str = "/v1/tms/me";
pub const MY_HOSTS: &str = "/v1/tms/me/hosts";
pub const MY_KEYS: &str = "/v1/tms/me/keys";
/// The description of the TMS API, where the old server has it.
pub const OPENAPI: &str = "/spec";

pub const DEVICE_AUTHORIZATION: &str = "/oauth/device_authorization";
pub const TOKEN: &str = "/oauth/token";
pub const REVOKE: &str = "/oauth/revoke";
pub const JWKS: &str = "/oauth/jwks";
pub const OAUTH_METADATA: &str = "/.well-known/oauth-authorization-server";
pub const OPENID_METADATA: &str = "/.well-known/openid-configuration";

/// `/t/{tenant}`: the path of a tenant's issuer, and the prefix of its endpoints.
pub fn tenant(tenant: &TenantId) -> String {
    format!("/t/{tenant}")
}

/// The sign-in page, for a tenant and the page to go on to.
pub fn sign_in(tenant: Option<&TenantId>, then: AfterSignIn) -> String {
    let then = if then == AfterSignIn::Home { String::new() } else { format!("then={}", then.path()) };
    let tenant = tenant.map_or_else(String::new, |tenant| format!("tenant={tenant}"));
    let query: Vec<String> = [tenant, then].into_iter().filter(|part| !part.is_empty()).collect();
    if query.is_empty() { SIGN_IN.to_owned() } else { format!("{SIGN_IN}?{}", query.join("&")) }
}

/// Where to go on after signing in: a closed list, never an address out of a request (RFC 9700 §4.11).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum AfterSignIn {
    #[default]
    Home,
    Device,
    Hosts,
    Sessions,
}

impl AfterSignIn {
    /// The page somebody wanted when they were asked to sign in; home when it is none of the list.
    pub fn wanted(path: &str) -> Self {
        match path {
            DEVICE | DEVICE_RESULT => Self::Device,
            HOSTS => Self::Hosts,
            SESSIONS => Self::Sessions,
            _ => Self::Home,
        }
    }

    pub fn path(self) -> &'static str {
        match self {
            Self::Home => HOME,
            Self::Device => DEVICE,
            Self::Hosts => HOSTS,
            Self::Sessions => SESSIONS,
        }
    }
}
