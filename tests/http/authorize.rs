//! The authorization code flow with PKCE (RFC 6749 §4.1, OpenID Connect Core §3.1), as a client, a browser and a person use it.

mod code;
mod consent;
mod page;
mod prompt;
mod pushed;
mod remembered;
mod request;
mod resources;
mod unanswerable;

use std::collections::HashMap;

use reqwest::Url;
use tms_portal::domain::client::Client;
use tms_portal::domain::client::registration::ClientAuthMethod;
use tms_portal::domain::client_uris::ClientUris;
use tms_portal::domain::redirect_uri::RedirectUri;
use tms_portal::domain::scope::{Scope, ScopeSet};

use crate::app::{Answer, Setup, TestApp};
use crate::browser::{Browser, Page};

/// The confidential client of these tests.
pub const HUB: &str = "hub";
pub const CALLBACK: &str = "https://hub.example.org/cb";
/// RFC 7636 appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const DECIDE: &str = "/api/authorize/decide";
const HOUR: u64 = 60 * 60;

/// Parameters to add to a request, or to replace; an empty value leaves one out.
pub type Changes<'a> = &'a [(&'a str, &'a str)];

/// A portal with the client [`HUB`].
pub struct Hub {
    pub app: TestApp,
    pub secret: String,
}

impl Hub {
    pub async fn start() -> Self {
        Self::start_as(Setup::default()).await
    }

    pub async fn start_as(setup: Setup) -> Self {
        let app = TestApp::start_as(setup).await;
        let secret = register_hub(&app).await;
        Self { app, secret }
    }

    pub async fn change(&self, edit: impl FnOnce(&mut Client, &mut ClientUris) + Send + 'static) {
        self.app.edit_client(HUB, edit).await.expect("changed");
    }

    /// The address of a request, on this portal.
    fn request(&self, changes: Changes<'_>) -> String {
        request_of(HUB, changes)
    }

    /// Sends the browser with a request to the portal.
    pub async fn open(&self, browser: &Browser, changes: Changes<'_>) -> Page {
        open(browser, &self.request(changes)).await
    }

    /// The parameters of a token request.
    fn redemption<'a>(&'a self, code: &'a str) -> Vec<(&'a str, &'a str)> {
        vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
            ("client_id", HUB),
            ("client_secret", &self.secret),
        ]
    }

    pub async fn redeem(&self, code: &str) -> Answer {
        self.redeem_with(code, &[]).await
    }

    pub async fn redeem_with(&self, code: &str, changes: Changes<'_>) -> Answer {
        self.app.send("/oauth/token", &changed(&self.redemption(code), changes)).await
    }

    /// A code that the test person allowed with all that is preselected, and their browser.
    pub async fn code(&self, changes: Changes<'_>) -> (String, Browser) {
        let browser = self.app.signed_in().await;
        let page = self.open(&browser, changes).await;
        let code = answer(&decide(&browser, &page, &[("decision", "allow")]).await)["code"].clone();
        (code, browser)
    }
}

/// Registers [`HUB`], and returns its secret.
async fn register_hub(app: &TestApp) -> String {
    let secret = app.register(HUB, |client, uris| {
        client.grant_types.authorization_code = true;
        client.grant_types.refresh_token = true;
        client.scope = ScopeSet::parse_known("openid profile hosts:read keys:create keys:read offline_access");
        uris.redirect = vec![redirect(CALLBACK)];
    });
    secret.await.expect("a secret")
}

pub fn redirect(uri: &str) -> RedirectUri {
    RedirectUri::parse(uri).expect("a redirect URI")
}

/// Registers the public client `desktop`, with its redirect URIs.
async fn register_public(app: &TestApp, uris: &'static [&'static str]) {
    let secret = app.register("desktop", move |client, registered| {
        client.auth_method = ClientAuthMethod::None;
        client.grant_types.authorization_code = true;
        client.scope = [Scope::OpenId, Scope::HostsRead].into_iter().collect();
        registered.redirect = uris.iter().map(|uri| redirect(uri)).collect();
    });
    assert_eq!(secret.await, None);
}

/// The parameters, with changes.
fn changed<'a>(parameters: &[(&'a str, &'a str)], changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = parameters.iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    kept.chain(changes.iter().filter(|(_, value)| !value.is_empty())).copied().collect()
}

/// The parameters of a request for `openid`, with changes.
fn parameters<'a>(client: &'a str, changes: Changes<'a>) -> Vec<(&'a str, &'a str)> {
    let parameters = [
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", CALLBACK),
        ("scope", "openid"),
        ("state", "xyz"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    changed(&parameters, changes)
}

fn request_of(client: &str, changes: Changes<'_>) -> String {
    format!("/t/test/oauth/authorize?{}", serde_urlencoded::to_string(parameters(client, changes)).expect("encoded"))
}

/// Goes to an address of the portal as another site sends a browser there.
async fn open(browser: &Browser, address: &str) -> Page {
    browser.follow_out(browser.request(reqwest::Method::GET, address).header("sec-fetch-site", "cross-site")).await
}

/// Submits the consent page as it is filled in, with changes.
pub async fn decide(browser: &Browser, page: &Page, changes: Changes<'_>) -> Page {
    let fields = page.form(DECIDE);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.post(DECIDE, &changed(&fields, changes)).await
}

/// The parameters with which the browser returns to [`CALLBACK`], by a redirect or by the page that does it.
pub fn answer(page: &Page) -> HashMap<String, String> {
    let address = left_for(page);
    assert!(address.starts_with(CALLBACK), "{address}");
    parameters_of(&address)
}

fn parameters_of(address: &str) -> HashMap<String, String> {
    Url::parse(address).expect("an address").query_pairs().into_owned().collect()
}

/// Where the browser leaves for, by a redirect or by the page that does it.
pub fn left_for(page: &Page) -> String {
    if let Some(address) = &page.left_for {
        return address.clone();
    }
    assert_eq!(page.status, 200, "{}", page.words());
    let refresh = page.headers.get("refresh").unwrap_or_else(|| panic!("no refresh: {}", page.words())).to_str().expect("ASCII");
    let address = refresh.strip_prefix("0;url=").expect("an address");
    let link = format!("href=\"{}\"", address.replace('&', "&amp;"));
    assert!(page.says(link), "and a link for browsers that do not follow: {}", page.text);
    address.to_owned()
}

/// The `error` of an answer to the client.
pub fn error_of(page: &Page) -> String {
    answer(page).remove("error").unwrap_or_default()
}

/// Whether a page waits for the person's consent.
pub fn asks(page: &Page) -> bool {
    page.left_for.is_none() && page.path == "/authorize" && page.says(DECIDE)
}

/// The pages of requests: undecided, for another account, allowed, denied and unknown.
pub async fn pages_of_a_run(app: &TestApp) -> Vec<(&'static str, Page)> {
    register_hub(app).await;
    let browser = app.signed_in().await;
    let sent = async |changes: Changes<'_>| open(&browser, &request_of(HUB, changes)).await;
    let all = ("scope", "openid profile hosts:read keys:create offline_access");
    let (asks, sign_in) = (sent(&[all]).await, sent(&[("scope", "openid profile")]).await);
    let choice = sent(&[all, ("prompt", "select_account")]).await;
    let allowed = decide(&browser, &asks, &[("decision", "allow")]).await;
    let denied = decide(&browser, &sign_in, &[("decision", "deny")]).await;
    let unknown = browser.get("/authorize?request=x").await;
    vec![("asks", asks), ("asks for the sign-in", sign_in), ("choice", choice), ("allowed", allowed), ("denied", denied), ("unknown", unknown)]
}

/// All secrets of a run: one request is answered and its code redeemed, refused and repeated; another waits; a third is pushed.
pub async fn secrets_of_a_run(app: &TestApp) -> Vec<(&'static str, String)> {
    let secret = register_hub(app).await;
    let browser = app.signed_in().await;
    let state = "a state with secrets";
    let changes = [("state", state), ("scope", "openid hosts:read offline_access")];
    let [answered, waiting] = [open(&browser, &request_of(HUB, &changes)).await, open(&browser, &request_of(HUB, &changes)).await];
    let code = answer(&decide(&browser, &answered, &[("decision", "allow")]).await)["code"].clone();
    let token_request = |verifier| {
        let form =
            [("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", CALLBACK), ("client_id", HUB), ("client_secret", &*secret)];
        [&form[..], &[("code_verifier", verifier)]].concat()
    };
    let wrong = "a-verifier-that-is-wrong-but-long-enough-to-be-one";
    assert_eq!(app.send("/oauth/token", &token_request(wrong)).await.status, 400);
    let tokens = app.send("/oauth/token", &token_request(VERIFIER)).await;
    let pushed = app.send("/oauth/par", &[&parameters(HUB, &changes)[..], &[("client_secret", &*secret)]].concat()).await;
    let pushed = pushed.body["request_uri"].as_str().expect("a text").to_owned();
    vec![
        ("handle", answered.field("request")),
        ("handle of a waiting request", waiting.field("request")),
        ("request URI", pushed),
        ("authorization code", code.clone()),
        ("code verifier", VERIFIER.to_owned()),
        ("wrong code verifier", wrong.to_owned()),
        ("state", state.to_owned()),
        ("access token", tokens.token()),
        ("refresh token", tokens.body["refresh_token"].as_str().expect("a refresh token").to_owned()),
        ("ID token", tokens.body["id_token"].as_str().expect("an ID token").to_owned()),
        ("secret of the application", secret.clone()),
    ]
}
