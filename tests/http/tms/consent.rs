//! Keys for clients with consent by device flow, instead of an administrator's delegation.

use serde_json::{Value, json};

use super::api::{changed, key_request, login};
use crate::app::{Device, TestApp};
use crate::browser::Browser;

const CREATE: &str = "POST /pubkeys/creds";

/// The test person has two host accounts, and there is no delegation.
async fn undelegated() -> TestApp {
    let app = TestApp::start().await;
    let admin = app.admin("test").await;
    admin.done("DELETE /delegations/del", json!({ "tenant": "test", "client_id": "testclient1", "client_user_id": "testuser1" })).await;
    let second = json!({ "tenant": "test", "tms_user_id": "testuser1", "host": "second", "host_account": "tu1", "ttl_minutes": -1 });
    admin.done("POST /userhosts", second).await;
    app
}

impl TestApp {
    /// The person approves a device of `testclient1` for the host `second` only, and it redeems its code.
    async fn approve_on_second(&self, browser: &Browser, scope: &str) -> Device {
        let device = self.start_device_of(&[("client_id", "testclient1"), ("client_secret", "secret1"), ("scope", scope)]).await;
        let id = self.texts("SELECT id FROM host_accounts WHERE host = 'second'").await.remove(0);
        self.allow_for(browser, &device, &[&id]).await;
        self.poll_confidentially(&device).await.token();
        device
    }
}

fn on_second(changes: Value) -> Value {
    changed(json!({ "host": "second", "host_account": "tu1" }), changes)
}

fn login_on_second(key: &Value) -> Value {
    changed(login(key), json!({ "host": "second", "user": "tu1" }))
}

#[tokio::test]
async fn client_gets_keys_for_selected_host_accounts_only() {
    let app = undelegated().await;
    let (client, browser) = (app.client(), app.signed_in().await);
    assert_eq!(client.refusal(CREATE, key_request(on_second(json!({})))).await, 403, "there is no consent yet");
    app.approve_on_second(&browser, "keys:create").await;
    let key = client.make_key(on_second(json!({}))).await;
    assert!(app.unauthenticated().gets_key(&login_on_second(&key)).await);
    let (status, sentence) = client.refused(CREATE, key_request(json!({}))).await;
    assert!(status == 403 && sentence.contains("Required delegation record not found"), "{sentence}");
    let other = app.add_client(&app.admin("test").await, "test", "other").await;
    assert_eq!(other.refusal(CREATE, key_request(on_second(json!({})))).await, 403, "another client was not let in");
}

#[tokio::test]
async fn read_only_device_gives_its_client_no_keys() {
    let app = undelegated().await;
    app.approve_on_second(&app.signed_in().await, "hosts:read keys:read keys:revoke").await;
    assert_eq!(app.client().refusal(CREATE, key_request(on_second(json!({})))).await, 403);
}

#[tokio::test]
async fn key_ends_with_the_consent() {
    let app = undelegated().await;
    let browser = app.signed_in().await;
    app.approve_on_second(&browser, "keys:create").await;
    let key = app.client().make_key(on_second(json!({}))).await;
    let grant = app.decided_grant().await;
    browser.post("/api/device/withdraw", &[("grant", &grant)]).await;
    assert!(!app.unauthenticated().gets_key(&login_on_second(&key)).await);
    assert_eq!(app.client().refusal(CREATE, key_request(on_second(json!({})))).await, 403);
}

#[tokio::test]
async fn key_ends_at_the_chosen_time() {
    let app = undelegated().await;
    app.approve_on_second(&app.signed_in().await, "keys:create").await;
    let key = app.client().make_key(on_second(json!({}))).await;
    let shown = app.unauthenticated().call("POST /pubkeys/creds/retrieve", login_on_second(&key)).await.body;
    assert_eq!((&key["expires_at"], &shown["expires_at"]), (&"9999-12-31T23:59:59+00:00".into(), &"2026-11-20T20:00:00+00:00".into()));
    app.clock.advance(std::time::Duration::from_secs(8 * 60 * 60));
    assert!(!app.unauthenticated().gets_key(&login_on_second(&key)).await);
    assert_eq!(app.client().refusal(CREATE, key_request(on_second(json!({})))).await, 403);
}

/// A key that the client creates with its secret depends on any one of the person's consents.
#[tokio::test]
async fn key_depends_on_any_of_two_consents() {
    let app = undelegated().await;
    let browser = app.signed_in().await;
    app.approve_on_second(&browser, "keys:create").await;
    let first = app.decided_grant().await;
    browser.post("/api/device/another", &[]).await;
    app.approve_on_second(&browser, "keys:create").await;
    let key = app.client().make_key(on_second(json!({}))).await;
    browser.post("/api/device/withdraw", &[("grant", &first)]).await;
    assert!(app.unauthenticated().gets_key(&login_on_second(&key)).await);
}

#[tokio::test]
async fn unredeemed_device_grant_gives_no_keys() {
    let app = undelegated().await;
    let device = app.start_device_of(&[("client_id", "testclient1"), ("client_secret", "secret1"), ("scope", "keys:create")]).await;
    let id = app.texts("SELECT id FROM host_accounts WHERE host = 'second'").await.remove(0);
    app.allow_for(&app.signed_in().await, &device, &[&id]).await;
    app.clock.advance(std::time::Duration::from_secs(60 * 60));
    app.services.run_housekeeping().await.expect("tidied");
    assert_eq!(app.client().refusal(CREATE, key_request(on_second(json!({})))).await, 403);
}
