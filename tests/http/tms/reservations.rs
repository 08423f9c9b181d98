//! `/v1/tms/reservations…`: leases that extend a key's validity.

use std::time::Duration;

use serde_json::{Value, json};

use super::api::{ApiClient, changed, login, named, text};
use crate::app::TestApp;

const NONE: Value = Value::Null;
const MINUTE: Duration = Duration::from_secs(60);

fn reserved(key: &Value, changes: Value) -> Value {
    let usual =
        json!({ "client_user_id": "testuser1", "host": "testhost1", "public_key_fingerprint": key["public_key_fingerprint"], "ttl_minutes": 60 });
    changed(usual, changes)
}

impl ApiClient {
    async fn reserve(&self, key: &Value) -> String {
        text(&self.done("POST /reservations", reserved(key, json!({}))).await["resid"]).to_owned()
    }
}

/// W9: any client could read any reservation.
#[tokio::test]
async fn reservation_belongs_to_its_client() {
    let app = TestApp::start().await;
    let (admin, client) = (app.admin("test").await, app.client());
    let other = app.add_client(&admin, "test", "other").await;
    let key = client.make_key(json!({})).await;
    let resid = client.reserve(&key).await;
    for (verb, path) in [("GET", "/reservations"), ("DELETE", "/reservations/del"), ("DELETE", "/reservations/del/related")] {
        let under = |id: &str| format!("{verb} {path}/{id}/{resid}");
        assert_eq!(other.refusal(&under("testclient1"), NONE).await, 403, "{verb} {path}");
        for caller in [&other, &admin] {
            let answer = caller.call(&under("other"), NONE).await;
            assert!(answer.status == 404 || answer.body["num_deleted"] == 0, "{verb} {path} under another name: {}", answer.body);
        }
    }
    let extension = reserved(&key, json!({ "parent_resid": resid }));
    assert_eq!(other.refusal("POST /reservations/extend", extension).await, 404);
    assert_eq!(other.refusal("POST /reservations", reserved(&key, json!({}))).await, 404, "nor is the key other's");
    for caller in [&client, &admin] {
        assert_eq!(caller.get(&format!("/reservations/testclient1/{resid}")).await.body["resid"], resid.as_str());
    }
}

/// W9: reservations had no effect.
#[tokio::test]
async fn reservation_extends_a_key_beyond_its_expiry() {
    let app = TestApp::start().await;
    let (client, host) = (app.client(), app.unauthenticated());
    let key = client.make_key(json!({ "ttl_minutes": 10 })).await;
    client.reserve(&key).await;
    assert_eq!(host.call("POST /pubkeys/creds/retrieve", login(&key)).await.body["expires_at"], "2026-11-20T13:00:00+00:00");
    app.clock.advance(60 * MINUTE - Duration::from_secs(1));
    assert!(host.gets_key(&login(&key)).await);
    app.clock.advance(Duration::from_secs(1));
    assert!(!host.gets_key(&login(&key)).await);
}

/// W9: but they do not override a decision.
#[tokio::test]
async fn reservation_ends_with_revocation_or_dependencies() {
    let app = TestApp::start().await;
    let (admin, client, host) = (app.admin("test").await, app.client(), app.unauthenticated());
    let delegation = json!({ "tenant": "test", "client_id": "testclient1", "client_user_id": "testuser1", "ttl_minutes": 0 });
    for (who, end, body) in [
        (&client, "PATCH /pubkeys", Some(json!({ "ttl_minutes": 0 }))),
        (&client, "DELETE /pubkeys/del", Some(json!({}))),
        (&admin, "PATCH /delegations/upd", None),
    ] {
        let key = client.make_key(json!({ "ttl_minutes": 10 })).await;
        client.reserve(&key).await;
        who.done(end, body.map_or_else(|| delegation.clone(), |changes| named(&key, changes))).await;
        assert!(!host.gets_key(&login(&key)).await, "{end}");
        app.clock.advance(11 * MINUTE);
        assert!(!host.gets_key(&login(&key)).await, "{end}, later");
    }
}

#[tokio::test]
async fn changed_expiry_ends_reservations() {
    let app = TestApp::start().await;
    let client = app.client();
    let key = client.make_key(json!({ "ttl_minutes": 10 })).await;
    let resid = client.reserve(&key).await;
    client.done("PATCH /pubkeys", named(&key, json!({ "max_uses": 7 }))).await;
    assert_eq!(client.get(&format!("/reservations/testclient1/{resid}")).await.status, 200, "uses are not its end");
    client.done("PATCH /pubkeys", named(&key, json!({ "ttl_minutes": 5 }))).await;
    assert_eq!(client.get(&format!("/reservations/testclient1/{resid}")).await.status, 404);
    client.reserve(&key).await;
}

/// W9: uses still count.
#[tokio::test]
async fn reservation_adds_no_uses() {
    let app = TestApp::start().await;
    let (client, host) = (app.client(), app.unauthenticated());
    let key = client.make_key(json!({ "num_uses": 1 })).await;
    client.reserve(&key).await;
    assert!(host.gets_key(&login(&key)).await);
    app.clock.advance(MINUTE);
    assert!(!host.gets_key(&login(&key)).await);
    let (status, sentence) = client.refused("POST /reservations", reserved(&key, json!({}))).await;
    assert!(status == 403 && sentence.contains("has no remaining uses"), "{sentence}");
}

#[tokio::test]
async fn reservation_is_limited_to_two_days() {
    let app = TestApp::start().await;
    let client = app.client();
    let key = client.make_key(json!({})).await;
    for (minutes, end) in [
        (-1, "2026-11-22T12:00:00+00:00"),
        (2_881, "2026-11-22T12:00:00+00:00"),
        (i32::MAX, "2026-11-22T12:00:00+00:00"),
        (2_880, "2026-11-22T12:00:00+00:00"),
        (1, "2026-11-20T12:01:00+00:00"),
        (0, "2026-11-20T12:00:00+00:00"),
    ] {
        assert_eq!(client.done("POST /reservations", reserved(&key, json!({ "ttl_minutes": minutes }))).await["expires_at"], end, "{minutes}");
    }
}

#[tokio::test]
async fn reservation_requires_an_active_key() {
    let app = TestApp::start().await;
    let (admin, client) = (app.admin("test").await, app.client());
    let (key, ended) = (client.make_key(json!({})).await, client.make_key(json!({ "ttl_minutes": 0 })).await);
    let resid = client.reserve(&key).await;
    let (status, sentence) = client.refused("POST /reservations", reserved(&ended, json!({}))).await;
    assert!(status == 403 && sentence.contains("expired at 2026-11-20T12:00:00+00:00"), "{sentence}");
    for wrong in [json!({ "client_user_id": "jdoe" }), json!({ "host": "nowhere" }), json!({ "public_key_fingerprint": "x" })] {
        assert_eq!(client.refusal("POST /reservations", reserved(&key, wrong)).await, 404);
    }
    let off = json!({ "tenant": "test", "tms_user_id": "testuser1", "enabled": false });
    admin.done("PATCH /usermfa/upd", off).await;
    for (call, body) in [("POST /reservations", json!({})), ("POST /reservations/extend", json!({ "parent_resid": resid }))] {
        let (status, sentence) = client.refused(call, reserved(&key, body)).await;
        assert!(status == 403 && sentence.starts_with("Missing or expired dependency"), "{call}: {sentence}");
    }
}

#[tokio::test]
async fn extension_ends_with_its_parent() {
    let app = TestApp::start().await;
    let (client, host) = (app.client(), app.unauthenticated());
    let (first, second) = (client.make_key(json!({ "ttl_minutes": 10 })).await, client.make_key(json!({ "ttl_minutes": 10 })).await);
    let parent = client.reserve(&first).await;
    app.clock.advance(5 * MINUTE);
    let child = client.done("POST /reservations/extend", reserved(&second, json!({ "parent_resid": parent }))).await;
    assert_eq!((&child["parent_resid"], &child["expires_at"]), (&parent.as_str().into(), &"2026-11-20T13:00:00+00:00".into()));
    app.clock.advance(10 * MINUTE);
    assert!(host.gets_key(&login(&first)).await && host.gets_key(&login(&second)).await);
    assert_eq!(client.done(&format!("DELETE /reservations/del/related/testclient1/{parent}"), NONE).await["num_deleted"], 2);
    assert!(!host.gets_key(&login(&first)).await && !host.gets_key(&login(&second)).await);

    let key = client.make_key(json!({})).await;
    let parent = client.reserve(&key).await;
    app.clock.advance(60 * MINUTE);
    let (status, sentence) = client.refused("POST /reservations/extend", reserved(&key, json!({ "parent_resid": parent }))).await;
    assert!(status == 403 && sentence.contains("expired at"), "{sentence}");
}

/// An expired key is not extended by a reservation of another key.
#[tokio::test]
async fn extension_does_not_revive_an_ended_key() {
    let app = TestApp::start().await;
    let (client, host) = (app.client(), app.unauthenticated());
    let (dead, live) = (client.make_key(json!({})).await, client.make_key(json!({})).await);
    let parent = client.reserve(&live).await;
    client.done("PATCH /pubkeys", named(&dead, json!({ "ttl_minutes": 0 }))).await;
    let (status, sentence) = client.refused("POST /reservations/extend", reserved(&dead, json!({ "parent_resid": parent }))).await;
    assert!(status == 403 && sentence.contains("expired at"), "{sentence}");
    assert!(!host.gets_key(&login(&dead)).await && host.gets_key(&login(&live)).await);
}
