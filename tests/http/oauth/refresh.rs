//! RFC 6749 §6, RFC 9700 §4.14.2.

mod ends;
mod rotation;

use std::time::Duration;

use tms_portal::domain::client::Client;
use tms_portal::domain::ids::ClientId;
use tms_portal::domain::scope::{Scope, ScopeSet};

use super::{CONFIDENTIAL, assert_never_stored, error, refused};
use crate::app::{Answer, DEVICE_CODE_GRANT, Device, TestApp, no_limits, number};
use crate::browser::Browser;

const PATH: &str = "/oauth/token";
const HOUR: u64 = 60 * 60;
const DAY: u64 = 24 * HOUR;

/// The tokens of a program, from the last response.
#[derive(Clone)]
pub struct Tokens {
    pub access: String,
    pub refresh: String,
}

impl Tokens {
    pub fn of(answer: &Answer) -> Self {
        Self { access: answer.token(), refresh: answer.body["refresh_token"].as_str().expect("a refresh token").to_owned() }
    }
}

impl TestApp {
    /// A program of `tms-cli` that is signed in for 8 hours.
    pub async fn program(&self) -> Tokens {
        self.program_for(8 * HOUR).await.0
    }

    /// A program of `tms-cli` that is signed in for so many seconds, and the browser in which the person allowed it.
    pub async fn program_for(&self, seconds: u64) -> (Tokens, Browser) {
        let device = self.start_device_of(&[("client_id", "tms-cli"), ("scope", "hosts:read keys:read offline_access")]).await;
        let browser = self.allow_lasting(&device, seconds).await;
        (Tokens::of(&self.poll(&device).await), browser)
    }

    /// The test person approves a device for so many seconds in a new browser.
    pub async fn allow_lasting(&self, device: &Device, seconds: u64) -> Browser {
        let browser = self.signed_in().await;
        let consent = browser.enter(&device.user_code).await;
        let (grant, lifetime, account) = (consent.field("grant"), seconds.to_string(), consent.field("host_accounts[]"));
        let form = [("grant", &*grant), ("decision", "allow"), ("lifetime", &lifetime), ("host_accounts[]", &account), ("started_this", "yes")];
        assert_eq!(browser.post("/api/device/decide", &form).await.status, 200);
        browser
    }

    /// The tokens of the confidential client, which is allowed to refresh them.
    pub async fn confidential_program(&self) -> Tokens {
        self.set_up_client(CONFIDENTIAL.0, |client| client.grant_types.refresh_token = true).await;
        let (id, secret) = CONFIDENTIAL;
        let form = [("client_id", id), ("client_secret", secret), ("scope", "hosts:read keys:read offline_access")];
        let device = self.start_device_of(&form).await;
        self.allow(&device).await;
        Tokens::of(&self.poll_confidentially(&device).await)
    }

    async fn set_up_client(&self, client: &str, edit: impl FnOnce(&mut Client) + Send + 'static) {
        let (operator, client) = (self.operator("test").await, ClientId::parse(client).expect("a client"));
        self.services.edit_client(&operator, &client, None, move |client, _| edit(client)).await.expect("changed");
    }

    /// Refreshes as `tms-cli`.
    pub async fn refresh(&self, token: &str) -> Answer {
        self.refresh_with(token, &[("client_id", "tms-cli")]).await
    }

    pub async fn refresh_confidentially(&self, token: &str) -> Answer {
        let (id, secret) = CONFIDENTIAL;
        self.refresh_with(token, &[("client_id", id), ("client_secret", secret)]).await
    }

    async fn refresh_with(&self, token: &str, others: &[(&str, &str)]) -> Answer {
        self.send(PATH, &[&[("grant_type", "refresh_token"), ("refresh_token", token)], others].concat()).await
    }

    async fn me(&self, token: &str) -> u16 {
        self.api("/v1/tms/me", token).await.status
    }

    /// Waits until the first use of an access token is recorded.
    async fn wait_until_seen(&self) {
        self.wait_for("SELECT count(*) FROM token_families WHERE successor_seen = true", 1).await;
    }
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[tokio::test]
async fn offline_access_gives_a_refresh_token() {
    let app = TestApp::start().await;
    let device = app.start_device_of(&[("client_id", "tms-cli"), ("scope", "openid hosts:read offline_access")]).await;
    app.allow(&device).await;
    app.clock.advance(seconds(10));
    let answer = app.poll(&device).await;
    assert_never_stored(&answer);
    let members: Vec<&str> = answer.body.as_object().expect("an object").keys().map(String::as_str).collect();
    let expected = ["access_token", "authorization_expires_in", "expires_in", "refresh_token", "refresh_token_timeout", "scope", "token_type"];
    assert_eq!(members, expected);
    assert_eq!((&answer.body["scope"], &answer.body["expires_in"]), (&"hosts:read offline_access".into(), &HOUR.into()));
    assert_eq!(answer.body["authorization_expires_in"], 8 * HOUR - 10, "the 8 hours that were chosen run from the consent");
    assert_eq!(answer.body["refresh_token_timeout"], 8 * HOUR - 10, "14 days, but no longer than the authorization");
    let tokens = Tokens::of(&answer);
    assert!(tokens.refresh.starts_with("tmsr_"));
    assert_eq!(app.api("/v1/tms/me", &tokens.access).await.body["scope"], "hosts:read", "no permission at the API");
}

#[tokio::test]
async fn public_client_gets_a_new_refresh_token_each_time() {
    let app = TestApp::start().await;
    let first = app.program().await;
    app.clock.advance(seconds(HOUR));
    assert_eq!(app.me(&first.access).await, 401, "after an hour");
    let answer = app.refresh(&first.refresh).await;
    assert_never_stored(&answer);
    let second = Tokens::of(&answer);
    assert_ne!(second.refresh, first.refresh);
    assert_eq!((&answer.body["scope"], &answer.body["expires_in"]), (&"hosts:read keys:read offline_access".into(), &HOUR.into()));
    assert_eq!((&answer.body["authorization_expires_in"], &answer.body["token_type"]), (&(7 * HOUR).into(), &"Bearer".into()));
    assert_eq!(app.me(&second.access).await, 200);
    let third = Tokens::of(&app.refresh(&second.refresh).await);
    assert_eq!(app.me(&third.access).await, 200);
    assert_eq!(app.me(&second.access).await, 200, "access tokens last until they expire");
}

#[tokio::test]
async fn confidential_client_keeps_its_refresh_token() {
    let app = TestApp::start().await;
    let first = app.confidential_program().await;
    for _ in 0..3 {
        app.clock.advance(seconds(HOUR));
        let answer = app.refresh_confidentially(&first.refresh).await;
        let tokens = Tokens::of(&answer);
        assert_eq!((&tokens.refresh, app.me(&tokens.access).await), (&first.refresh, 200));
    }
    assert_eq!(error(&app.refresh_with(&first.refresh, &[("client_id", CONFIDENTIAL.0)]).await), refused(401, "invalid_client"));
}

#[tokio::test]
async fn access_tokens_live_as_the_policy_says() {
    let app = TestApp::start().await;
    let tokens = app.program().await;
    app.change_tenant("test", |tenant| tenant.policy.access_token_lifetime = Duration::from_secs(300)).await;
    let answer = app.refresh(&tokens.refresh).await;
    assert_eq!(answer.body["expires_in"], 300);
    app.clock.advance(seconds(8 * HOUR - 60));
    let last = app.refresh(&Tokens::of(&answer).refresh).await;
    assert_eq!((&last.body["expires_in"], &last.body["authorization_expires_in"]), (&60.into(), &60.into()));
}

#[tokio::test]
async fn scope_narrows_the_access_token_only() {
    let app = TestApp::start().await;
    let tokens = app.program().await;
    let scoped = async |token: &str, scope: &str| app.refresh_with(token, &[("client_id", "tms-cli"), ("scope", scope)]).await;
    let narrow = scoped(&tokens.refresh, "hosts:read phone").await;
    assert_eq!(narrow.body["scope"], "hosts:read");
    let narrow = Tokens::of(&narrow);
    assert_eq!(app.api("/v1/tms/me/hosts", &narrow.access).await.status, 200);
    assert_eq!(app.api("/v1/tms/me/keys", &narrow.access).await.status, 403);
    for wider in ["hosts:read keys:create", "keys:create", "openid", "nonsense"] {
        assert_eq!(error(&scoped(&narrow.refresh, wider).await), refused(400, "invalid_scope"), "{wider}");
    }
    let full = app.refresh(&narrow.refresh).await;
    assert_eq!(full.body["scope"], "hosts:read keys:read offline_access", "the refresh token is as it was");
    assert_eq!(app.api("/v1/tms/me/keys", &full.token()).await.status, 200);
}

#[tokio::test]
async fn refresh_token_of_another_client_or_tenant_stays_as_it_was() {
    let app = TestApp::start().await;
    let (public, confidential) = (app.program().await, app.confidential_program().await);
    let at_default = [("grant_type", "refresh_token"), ("refresh_token", &*public.refresh), ("client_id", "tms-cli")];
    let at_default = Answer::of(app.http.post(app.url("/t/default/oauth/token")).form(&at_default)).await;
    let by_confidential = app.refresh_confidentially(&public.refresh).await;
    let by_public = app.refresh(&confidential.refresh).await;
    let unknown = app.refresh("tmsr_x").await;
    for answer in [&at_default, &by_confidential, &by_public] {
        assert_eq!(error(answer), refused(400, "invalid_grant"));
        assert_eq!(answer.body, unknown.body, "nothing tells it from one that never was");
    }
    assert_eq!(app.refresh(&public.refresh).await.status, 200);
    assert_eq!(app.refresh_confidentially(&confidential.refresh).await.status, 200);
}

#[tokio::test]
async fn changed_characters_are_refused() {
    let app = TestApp::start().await;
    let token = app.program().await.refresh;
    for at in 0..token.len() {
        let other = if token.as_bytes()[at] == b'A' { 'B' } else { 'A' };
        let changed = format!("{}{other}{}", &token[..at], &token[at + 1..]);
        assert_eq!(error(&app.refresh(&changed).await), refused(400, "invalid_grant"), "{at}");
    }
    for text in ["x", "é", "\0", "tmsr_", &token[..token.len() - 1], &format!("{token}A"), &format!("{token}="), &"x".repeat(15_000)] {
        assert_eq!(error(&app.refresh(text).await), refused(400, "invalid_grant"), "{text:?}");
    }
    assert_eq!(app.refresh(&token).await.status, 200, "the right one is none the worse");
}

#[tokio::test]
async fn refresh_requires_client_and_token_once() {
    let app = TestApp::start().await;
    let grant = "grant_type=refresh_token";
    for (body, status, code) in [
        (format!("{grant}&client_id=tms-cli"), 400, "invalid_request"),
        (format!("{grant}&client_id=tms-cli&refresh_token="), 400, "invalid_request"),
        (format!("{grant}&client_id=tms-cli&refresh_token=x&refresh_token=x"), 400, "invalid_request"),
        (format!("{grant}&refresh_token=x"), 400, "invalid_request"),
        (format!("{grant}&client_id=nobody&refresh_token=x"), 401, "invalid_client"),
    ] {
        assert_eq!(error(&app.send_raw(PATH, body.clone()).await), refused(status, code), "{body}");
    }
    let device = app.start_device().await;
    app.allow(&device).await;
    let access = app.poll(&device).await.token();
    assert_eq!(error(&app.refresh(&access).await), refused(400, "invalid_grant"), "an access token is no refresh token");
}

#[tokio::test]
async fn narrowed_client_settings_apply_and_end_nothing() {
    let app = TestApp::start().await;
    let mut token = app.program().await.refresh;
    let not_allowed = refused(400, "unauthorized_client");
    app.set_up_client("tms-cli", |client| client.grant_types.refresh_token = false).await;
    assert_eq!(error(&app.refresh(&token).await), not_allowed);
    app.set_up_client("tms-cli", |client| client.grant_types.refresh_token = true).await;
    app.set_up_client("tms-cli", |client| client.scope = Scope::TMS.into_iter().collect()).await;
    assert_eq!(error(&app.refresh(&token).await), not_allowed, "without offline_access");
    app.set_up_client("tms-cli", |client| client.scope = ScopeSet::parse_known("keys:create offline_access")).await;
    assert_eq!(error(&app.refresh(&token).await), refused(400, "invalid_scope"), "nothing is left");
    app.set_up_client("tms-cli", |client| client.scope = ScopeSet::parse_known("hosts:read offline_access")).await;
    let narrowed = app.refresh(&token).await;
    assert_eq!(narrowed.body["scope"], "hosts:read offline_access");
    token = Tokens::of(&narrowed).refresh;
    app.set_up_client("tms-cli", |client| client.device_grant = false).await;
    assert_eq!(error(&app.refresh(&token).await), not_allowed);
    app.set_up_client("tms-cli", |client| (client.device_grant, client.scope) = (true, Scope::ALL.into_iter().collect())).await;
    assert_eq!(app.refresh(&token).await.body["scope"], "hosts:read keys:read offline_access", "widened again");
}

#[tokio::test]
async fn disabled_person_client_or_tenant_is_refused_until_enabled() {
    let app = TestApp::start().await;
    let token = app.program().await.refresh;
    app.switch_person("testuser1", false).await;
    assert_eq!(error(&app.refresh(&token).await), refused(400, "invalid_grant"));
    app.switch_person("testuser1", true).await;
    app.switch_client("tms-cli", false).await;
    assert_eq!(error(&app.refresh(&token).await), refused(401, "invalid_client"));
    app.switch_client("tms-cli", true).await;
    app.change_tenant("test", |tenant| tenant.enabled = false).await;
    assert_eq!(error(&app.refresh(&token).await), refused(404, "invalid_request"));
    app.change_tenant("test", |tenant| tenant.enabled = true).await;
    assert_eq!(app.refresh(&token).await.status, 200, "nothing has ended");
}

#[tokio::test]
async fn wrong_refresh_tokens_are_limited() {
    let app = TestApp::start_with(tms_portal::server::state::RequestLimits { wrong_refresh_tokens: number(5), ..no_limits() }).await;
    let token = app.program().await.refresh;
    for _ in 0..5 {
        assert_eq!(error(&app.refresh("tmsr_x").await), refused(400, "invalid_grant"));
    }
    for wrong in ["tmsr_x", &token] {
        let limited = app.refresh(wrong).await;
        assert_eq!(error(&limited), refused(429, "temporarily_unavailable"));
        assert!((1..=60).contains(&limited.header("retry-after").parse().expect("seconds")));
    }
}

#[tokio::test]
async fn refresh_over_the_limit_of_requests_is_429() {
    let mut limits = no_limits();
    limits.oauth_requests = number(4);
    let app = TestApp::start_with(limits).await;
    let token = app.program().await.refresh;
    let mut answer = app.refresh(&token).await;
    while answer.status == 200 {
        answer = app.refresh(&token).await;
    }
    assert_eq!(error(&answer), refused(429, "temporarily_unavailable"), "a client that refreshes does not know slow_down");
    let poll = app.poll_with(&[("grant_type", DEVICE_CODE_GRANT), ("client_id", "tms-cli"), ("device_code", "x")]).await;
    assert_eq!(error(&poll), refused(400, "slow_down"));
}
