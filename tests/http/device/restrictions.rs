//! Administrators restrict a client or tenant while a request is open, after its approval, and after its token was issued.

use std::time::Duration;

use serde_json::{Value, json};
use tms_portal::domain::client::Client;
use tms_portal::domain::ids::ClientId;
use tms_portal::domain::scope::ScopeSet;

use crate::app::{Device, TestApp};
use crate::browser::en;
use crate::oauth::{error, refused};
use crate::tms::api::{EVERYTHING, login};
use crate::tms::endpoints::OWN_KEY;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl TestApp {
    async fn set_up_cli(&self, change: impl FnOnce(&mut Client) + Send + 'static) {
        let (operator, client) = (self.operator("test").await, ClientId::parse("tms-cli").expect("a client"));
        self.services.edit_client(&operator, &client, None, move |client, _| change(client)).await.expect("set up");
    }

    async fn narrow_scope(&self, scope: &'static str) {
        self.set_up_cli(move |client| client.scope = ScopeSet::parse_known(scope)).await;
    }

    async fn switch_device_grant(&self, on: bool) {
        self.set_up_cli(move |client| client.device_grant = on).await;
    }

    async fn start_for(&self, scope: &str) -> Device {
        self.start_device_of(&[("client_id", "tms-cli"), ("scope", scope)]).await
    }
}

fn own_key() -> Value {
    json!({ "host": "testhost1", "host_account": "testhostaccount1", "public_key": OWN_KEY })
}

/// The result page of the only request in this state.
async fn result_of(app: &TestApp, state: &str) -> String {
    let grants = app.grants().await;
    let grant = grants.iter().filter_map(|grant| grant.split_once('|')).find(|(_, rest)| rest.starts_with(&format!("{state}|")));
    format!("/device/result?grant={}", grant.expect("a request in that state").0)
}

#[tokio::test]
async fn scope_removed_during_consent_is_not_granted() {
    let app = TestApp::start().await;
    let (device, browser) = (app.start_for("hosts:read keys:create").await, app.signed_in().await);
    let consent = browser.enter(&device.user_code).await;
    assert!(consent.says(en().consent_may_log_in()));
    app.narrow_scope("hosts:read").await;
    assert!(!browser.get("/device").await.says(en().consent_may_log_in()), "the page shows what is left");
    let result = browser.allow(&consent).await;
    assert!(result.says(en().result_connected()) && !result.says(en().result_may_log_in()), "{}", result.words());
    let answer = app.poll(&device).await;
    assert_eq!(answer.body["scope"], "hosts:read");
    app.narrow_scope(EVERYTHING).await;
    assert_eq!(app.api("/v1/tms/me", &answer.token()).await.body["scope"], "hosts:read", "nothing was consented to beyond that");
    assert_eq!(app.bearer(&answer.token()).refusal("POST /me/keys", own_key()).await, 403);
}

#[tokio::test]
async fn scope_removed_after_approval_is_not_granted() {
    let app = TestApp::start().await;
    let device = app.start_for("hosts:read keys:create").await;
    app.allow(&device).await;
    app.narrow_scope("hosts:read").await;
    let answer = app.poll(&device).await;
    assert_eq!((answer.status, &answer.body["scope"]), (200, &"hosts:read".into()));
    assert_eq!(app.bearer(&answer.token()).refusal("POST /me/keys", own_key()).await, 403);
}

#[tokio::test]
async fn issued_token_loses_scopes_of_its_client() {
    let app = TestApp::start().await;
    let device = app.start_for(EVERYTHING).await;
    let browser = app.allow(&device).await;
    let token = app.poll(&device).await.token();
    let caller = app.bearer(&token);
    let key = caller.done("POST /me/keys", own_key()).await;
    assert!(app.unauthenticated().gets_key(&login(&key)).await);
    app.narrow_scope("hosts:read").await;
    assert_eq!(app.api("/v1/tms/me", &token).await.body["scope"], "hosts:read");
    let answer = caller.call("POST /me/keys", own_key()).await;
    assert_eq!(answer.status, 403);
    assert!(answer.body["result_msg"].as_str().expect("a sentence").contains("this application is no longer allowed"), "{}", answer.body);
    assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"tms\", error=\"insufficient_scope\", scope=\"keys:create\"");
    assert!(!app.unauthenticated().gets_key(&login(&key)).await, "a key is a use of what was consented to");
    let apps = browser.get("/apps?q=command").await;
    assert!(apps.says("TMS command line") && !apps.says(en().apps_may_create_keys()), "{}", apps.words());

    app.narrow_scope("keys:read").await;
    app.narrow_scope("").await;
    assert_eq!(app.api("/v1/tms/me", &token).await.body["scope"], "");
    let result = browser.get(&result_of(&app, "redeemed").await).await;
    assert!(result.says(en().pickup_refused_scope()), "{}", result.words());
    app.narrow_scope(EVERYTHING).await;
    assert_eq!(app.api("/v1/tms/me", &token).await.body["scope"], EVERYTHING);
}

#[tokio::test]
async fn disabled_device_grant_is_refused_at_every_step() {
    let app = TestApp::start().await;
    let (waiting, approved, redeemed) = (app.start_device().await, app.start_device().await, app.start_device().await);
    let browser = app.signed_in().await;
    let consent = browser.enter(&waiting.user_code).await;
    app.allow(&redeemed).await;
    let token = app.poll(&redeemed).await.token();
    app.allow(&approved).await;
    app.switch_device_grant(false).await;

    let opened = browser.get(&format!("/device?grant={}", consent.field("grant"))).await;
    let decided = browser.allow(&consent).await;
    let results = [browser.get(&result_of(&app, "approved").await).await, browser.get(&result_of(&app, "redeemed").await).await];
    for page in [opened, decided].into_iter().chain(results) {
        assert_eq!((page.path.as_str(), page.title()), ("/device/result", en().document_title(en().result_refused()).as_str()));
        assert!(page.says(en().pickup_refused_grant()), "{}", page.words());
    }
    for device in [&waiting, &approved] {
        let answer = app.poll(device).await;
        assert_eq!(error(&answer), refused(400, "unauthorized_client"));
        assert_eq!(answer.body["error_description"], "This client is no longer allowed to use the device authorization grant.");
    }
    let answer = app.api("/v1/tms/me", &token).await;
    assert_eq!(answer.status, 401);
    assert!(answer.header("www-authenticate").contains("error=\"invalid_token\", error_description=\"This application is no longer allowed"));
    app.switch_device_grant(true).await;
    assert_eq!((app.poll(&approved).await.status, app.api("/v1/tms/me", &token).await.status), (200, 200));
}

#[tokio::test]
async fn client_without_remaining_scope_is_refused() {
    let app = TestApp::start().await;
    let (waiting, approved) = (app.start_device().await, app.start_device().await);
    let browser = app.signed_in().await;
    let consent = browser.enter(&waiting.user_code).await;
    app.allow(&approved).await;
    app.narrow_scope("keys:read").await;
    let page = browser.allow(&consent).await;
    assert!(page.path == "/device/result" && page.says(en().pickup_refused_scope()), "{}", page.words());
    for device in [&waiting, &approved] {
        let answer = app.poll(device).await;
        assert_eq!(error(&answer), refused(400, "access_denied"));
        assert!(
            answer.body["error_description"].as_str().expect("a sentence").starts_with("None of the requested scopes is still allowed"),
            "{}",
            answer.body
        );
    }
    assert_eq!(app.number("SELECT count(*) FROM delegations WHERE device_grant_id IS NOT NULL").await, 1);
}

#[tokio::test]
async fn reduced_maximum_access_shortens_approvals() {
    let app = TestApp::start().await;
    let device = app.start_for(EVERYTHING).await;
    let browser = app.signed_in().await;
    let consent = browser.enter(&device.user_code).await;
    let grant = consent.field("grant");
    let month = [("grant", grant.as_str()), ("decision", "allow"), ("lifetime", "2592000"), ("started_this", "yes"), ("host_accounts[]", "hac_test")];
    let account = consent.field("host_accounts[]");
    let month: Vec<_> = month.iter().map(|(name, value)| (*name, if *name == "host_accounts[]" { account.as_str() } else { value })).collect();

    app.change_tenant("test", |tenant| tenant.policy.longest_access = 20 * DAY).await;
    assert_eq!(browser.post("/api/device/decide", &month).await.problem(), en().decision_refused_too_long());
    app.change_tenant("test", |tenant| tenant.policy.longest_access = 30 * DAY).await;
    assert!(browser.post("/api/device/decide", &month).await.says(en().result_connected()));

    app.change_tenant("test", |tenant| tenant.policy.longest_access = 2 * DAY).await;
    let answer = app.poll(&device).await;
    assert_eq!(answer.body["expires_in"], 2 * 24 * 60 * 60);
    let token = answer.token();
    let key = app.bearer(&token).done("POST /me/keys", own_key()).await;
    assert!(app.unauthenticated().gets_key(&login(&key)).await);

    app.clock.advance(DAY);
    app.change_tenant("test", |tenant| tenant.policy.longest_access = DAY).await;
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 401);
    assert!(!app.unauthenticated().gets_key(&login(&key)).await);
    app.change_tenant("test", |tenant| tenant.policy.longest_access = 30 * DAY).await;
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 401, "what was cut stays cut");
}

#[tokio::test]
async fn access_shortened_to_zero_is_not_redeemed() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    app.allow(&device).await;
    app.clock.advance(Duration::from_secs(600));
    app.change_tenant("test", |tenant| tenant.policy.longest_access = Duration::from_secs(600)).await;
    let answer = app.poll(&device).await;
    assert_eq!(error(&answer), refused(400, "access_denied"));
    assert!(answer.body["error_description"].as_str().expect("a sentence").contains("was shortened by an administrator"), "{}", answer.body);
}

#[tokio::test]
async fn device_cannot_register_keys_if_people_may_not() {
    let app = TestApp::start().await;
    let device = app.device_with(EVERYTHING).await;
    app.change_tenant("test", |tenant| tenant.policy.own_keys = false).await;
    let answer = device.call("POST /me/keys", own_key()).await;
    assert_eq!(answer.status, 403);
    assert!(answer.body["result_msg"].as_str().expect("a sentence").contains("users cannot register their own public keys"), "{}", answer.body);
    app.change_tenant("test", |tenant| tenant.policy.own_keys = true).await;
    device.done("POST /me/keys", own_key()).await;
}

#[tokio::test]
async fn refused_device_gets_the_actual_reason() {
    let app = TestApp::start().await;
    let description = async |device: &Device| app.poll(device).await.body["error_description"].as_str().unwrap_or_default().to_owned();
    let device = app.start_device().await;
    let browser = app.allow(&device).await;
    app.switch_person("testuser1", false).await;
    assert_eq!(description(&device).await, "The account of the user who allowed the request is disabled.");
    app.switch_person("testuser1", true).await;
    let browser =
        if browser.get("/device/result").await.says(en().result_connected()) { browser } else { app.allow(&app.start_device().await).await };
    let grant = app.texts("SELECT id FROM device_grants WHERE state = 'approved' LIMIT 1").await.remove(0);
    browser.post("/api/device/withdraw", &[("grant", &grant)]).await;
    assert_eq!(description(&device).await, "Access was revoked before the token was issued.");
}

#[tokio::test]
async fn approval_grants_only_what_the_page_showed() {
    let app = TestApp::start().await;
    let device = app.start_for(EVERYTHING).await;
    let browser = app.signed_in().await;
    app.narrow_scope("hosts:read").await;
    let consent = browser.enter(&device.user_code).await;
    assert_eq!(consent.field("shown"), "hosts:read");
    app.narrow_scope(EVERYTHING).await;
    let form = [
        ("grant", consent.field("grant")),
        ("shown", consent.field("shown")),
        ("decision", "allow".into()),
        ("lifetime", consent.field("lifetime")),
        ("started_this", "yes".into()),
    ];
    browser.post("/api/device/decide", &form.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>()).await;
    let token = app.poll(&device).await.token();
    assert_eq!(app.api("/v1/tms/me", &token).await.body["scope"], "hosts:read");
}
