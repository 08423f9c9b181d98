//! `/v1/tms/me/keys`: a person's keys, as a device lists and creates them.

use std::time::Duration;

use serde_json::{Value, json};

use super::api::{ApiClient, EVERYTHING, changed, login, text};
use super::endpoints::OWN_KEY;
use super::error;
use crate::app::{PASSWORD, TestApp};

const NONE: Value = Value::Null;
const CREATE: &str = "POST /me/keys";
const OTHER_KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

fn own(changes: Value) -> Value {
    changed(json!({ "host": "testhost1", "host_account": "testhostaccount1", "public_key": OWN_KEY }), changes)
}

/// The test person has a second host account.
async fn with_two_hosts() -> TestApp {
    let app = TestApp::start().await;
    let second = json!({ "tenant": "test", "tms_user_id": "testuser1", "host": "zweiter", "host_account": "tu1", "ttl_minutes": -1 });
    app.admin("test").await.done("POST /userhosts", second).await;
    app
}

async fn keys_of(device: &ApiClient) -> Vec<String> {
    let listed = device.get("/me/keys").await.body;
    let keys = listed["keys"].as_array().expect("keys");
    assert_eq!(listed["num_keys"], keys.len());
    keys.iter().map(|key| text(&key["public_key_fingerprint"]).to_owned()).collect()
}

/// W3 for people: only the host accounts selected in the browser.
#[tokio::test]
async fn device_creates_keys_for_selected_host_accounts() {
    let app = with_two_hosts().await;
    let device = app.device_with(EVERYTHING).await;
    let key = device.done(CREATE, own(json!({}))).await;
    assert!(app.unauthenticated().gets_key(&login(&key)).await);
    for elsewhere in [json!({ "host": "zweiter", "host_account": "tu1" }), json!({ "host_account": "root" }), json!({ "host": "nowhere" })] {
        assert_eq!(device.refusal(CREATE, own(elsewhere.clone())).await, 403, "{elsewhere}");
    }
    assert_eq!(device.refusal(CREATE, own(json!({}))).await, 409);
    assert_eq!(device.refusal(CREATE, own(json!({ "public_key": "-----BEGIN OPENSSH PRIVATE KEY-----" }))).await, 400);
    assert_eq!(device.refusal(CREATE, own(json!({ "public_key": NONE }))).await, 400, "none is made here");
}

#[tokio::test]
async fn device_lists_keys_of_selected_host_accounts_only() {
    let app = with_two_hosts().await;
    let (client, device) = (app.client(), app.device_with(EVERYTHING).await);
    let mine = device.done(CREATE, own(json!({}))).await;
    let clients = client.make_key(json!({ "num_uses": 1 })).await;
    client.make_key(json!({ "host": "zweiter", "host_account": "tu1" })).await;
    app.add_all(&app.admin("test").await, "test", "testclient1", "eve", "testhost1", "testhostaccount1").await;
    client.make_key(json!({ "client_user_id": "eve" })).await;
    let expected = [&mine, &clients].map(|key| text(&key["public_key_fingerprint"]).to_owned());
    assert_eq!(keys_of(&device).await, expected);
    assert!(app.unauthenticated().gets_key(&login(&clients)).await);
    app.clock.advance(Duration::from_secs(60));
    let listed = device.get("/me/keys").await.body;
    assert_eq!((&listed["keys"][0]["state"], &listed["keys"][1]["state"]), (&"active".into(), &"used up".into()));
    assert_eq!(device.get("/me/keys?limit=1").await.body["keys"][0], listed["keys"][0]);
}

#[tokio::test]
async fn other_device_of_the_person_may_revoke_the_key() {
    let app = TestApp::start().await;
    let (first, second) = (app.device_with(EVERYTHING).await, app.device_with(EVERYTHING).await);
    let key = first.done(CREATE, own(json!({}))).await;
    let end = format!("DELETE /me/keys/{}", key["id"]);

    let admin = app.admin("test").await;
    app.add_person("test", "eve").await;
    app.add_all(&admin, "test", "testclient1", "eve", "testhost1", "testhostaccount1").await;
    let device = app.start_device_of(&[("client_id", "tms-cli"), ("scope", EVERYTHING)]).await;
    let browser = app.signed_in_as("test", "eve", PASSWORD).await;
    browser.allow(&browser.enter(&device.user_code).await).await;
    let eve = app.bearer(&app.poll(&device).await.token());
    eve.done(CREATE, own(json!({ "public_key": OTHER_KEY }))).await;
    assert_eq!((keys_of(&eve).await.len(), eve.refusal(&end, NONE).await), (1, 404));

    assert_eq!(keys_of(&second).await, [text(&key["public_key_fingerprint"])]);
    assert_eq!(second.done(&end, NONE).await["num_deleted"], 1);
    assert_eq!((keys_of(&first).await.len(), first.refusal(&end, NONE).await), (0, 404));
    assert!(!app.unauthenticated().gets_key(&login(&key)).await);
    assert_eq!(app.count_audit_events("key_revoked").await, 1);
}

#[tokio::test]
async fn device_revokes_only_visible_keys() {
    let app = with_two_hosts().await;
    let (client, device) = (app.client(), app.device_with(EVERYTHING).await);
    let unseen = client.make_key(json!({ "host": "zweiter", "host_account": "tu1" })).await;
    let seen = client.make_key(json!({})).await;
    for number in ["1", "0", "-1", "999999", "9223372036854775807", "-9223372036854775808"] {
        assert_eq!(device.refusal(&format!("DELETE /me/keys/{number}"), NONE).await, 404, "{number}");
    }
    assert!(app.unauthenticated().gets_key(&changed(login(&unseen), json!({ "host": "zweiter", "user": "tu1" }))).await);
    device.done("DELETE /me/keys/2", NONE).await;
    assert!(!app.unauthenticated().gets_key(&login(&seen)).await, "a client's key, of the person all the same");
}

#[tokio::test]
async fn each_call_needs_its_scope() {
    let app = TestApp::start().await;
    for (scope, call, body) in
        [("keys:read", "GET /me/keys", NONE), ("keys:create", CREATE, own(json!({}))), ("keys:revoke", "DELETE /me/keys/1", NONE)]
    {
        let others: Vec<&str> = EVERYTHING.split(' ').filter(|other| *other != scope).collect();
        let answer = app.device_with(&others.join(" ")).await.call(call, body.clone()).await;
        let challenge = format!("Bearer realm=\"tms\", error=\"insufficient_scope\", scope=\"{scope}\"");
        assert_eq!((error(&answer), answer.header("www-authenticate")), (403, challenge.as_str()), "{call}");
        assert!(app.device_with(scope).await.call(call, body).await.body["result_msg"] != answer.body["result_msg"], "{call}");
    }
}

#[tokio::test]
async fn key_expires_no_later_than_the_token() {
    let app = TestApp::start().await;
    let device = app.device_with(EVERYTHING).await;
    let eight = "2026-11-20T20:00:00+00:00";
    let long = device.done(CREATE, own(json!({}))).await;
    assert_eq!(long["expires_at"], eight);
    for (minutes, end) in [(-1, eight), (100_000, eight), (480, eight), (5, "2026-11-20T12:05:00+00:00"), (0, "2026-11-20T12:00:00+00:00")] {
        let key = device.done(CREATE, own(json!({ "public_key": OTHER_KEY, "ttl_minutes": minutes, "num_uses": 7 }))).await;
        assert_eq!((&key["expires_at"], &key["max_uses"]), (&end.into(), &7.into()), "{minutes}");
        device.done(&format!("DELETE /me/keys/{}", key["id"]), NONE).await;
    }
    app.clock.advance(Duration::from_secs(8 * 60 * 60 - 1));
    assert!(app.unauthenticated().gets_key(&login(&long)).await);
    app.clock.advance(Duration::from_secs(1));
    assert!(!app.unauthenticated().gets_key(&login(&long)).await);
    assert_eq!(device.refusal("GET /me/keys", NONE).await, 401);
}

/// An administrator cannot extend a key beyond the person's consent.
#[tokio::test]
async fn changed_limit_does_not_exceed_the_consent() {
    let app = TestApp::start().await;
    let key = app.device_with(EVERYTHING).await.done(CREATE, own(json!({}))).await;
    let params = super::api::named(&key, json!({ "client_id": "tms-cli", "ttl_minutes": 100_000 }));
    app.admin("test").await.done("PATCH /pubkeys", params).await;
    app.clock.advance(Duration::from_secs(8 * 60 * 60));
    assert!(!app.unauthenticated().gets_key(&login(&key)).await);
}

#[tokio::test]
async fn key_of_revoked_device_is_not_kept_by_another() {
    let app = TestApp::start().await;
    let device = app.start_device_of(&[("client_id", "tms-cli"), ("scope", EVERYTHING)]).await;
    let browser = app.allow(&device).await;
    let first = app.bearer(&app.poll(&device).await.token());
    let grant = app.decided_grant().await;
    let (key, second) = (first.done(CREATE, own(json!({}))).await, app.device_with(EVERYTHING).await);
    let others = second.done(CREATE, own(json!({ "public_key": OTHER_KEY }))).await;
    browser.post("/api/device/withdraw", &[("grant", &grant)]).await;
    assert!(!app.unauthenticated().gets_key(&login(&key)).await && app.unauthenticated().gets_key(&login(&others)).await);
    assert_eq!(first.refusal("GET /me/keys", NONE).await, 401);
}

#[tokio::test]
async fn key_requires_mfa_record_and_host_account() {
    let app = TestApp::start().await;
    let (admin, device) = (app.admin("test").await, app.device_with(EVERYTHING).await);
    let mfa = |on: bool| json!({ "tenant": "test", "tms_user_id": "testuser1", "enabled": on });
    admin.done("PATCH /usermfa/upd", mfa(false)).await;
    let (status, sentence) = device.refused(CREATE, own(json!({}))).await;
    assert!(status == 403 && sentence.starts_with("Missing or expired dependency: "), "{sentence}");
    admin.done("PATCH /usermfa/upd", mfa(true)).await;
    let link = json!({ "tenant": "test", "tms_user_id": "testuser1", "host": "testhost1", "host_account": "testhostaccount1", "ttl_minutes": 0 });
    admin.done("PATCH /userhosts/upd", link).await;
    assert_eq!(device.refusal(CREATE, own(json!({}))).await, 403);
}
