//! `POST /v1/tms/pubkeys/creds/retrieve`: a host's lookup during a login.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::api::{ApiClient, changed, enabled, lasting, login, named, named_dependencies, text};
use super::error;
use crate::app::{Answer, TestApp};

/// Calls of the API with their bodies.
type Calls = Vec<(&'static str, Value)>;

const NONE: Value = Value::Null;
const LOOKUP: &str = "POST /pubkeys/creds/retrieve";

/// W3: the dependencies of a key were not checked at its use.
#[tokio::test]
async fn key_requires_all_its_dependencies() {
    let app = TestApp::start().await;
    let (root, admin, client, host) = (app.admin("default").await, app.admin("test").await, app.client(), app.unauthenticated());
    let [mfa, link, delegation] = named_dependencies();
    let tenant = json!({ "tenant": "test" });
    // The caller and call that end it, and the call that restores it; the last ones are final.
    let switched: [(&ApiClient, &str, Value, &str, Value); 5] = [
        (&admin, "PATCH /client/upd/testclient1?enabled=false", NONE, "PATCH /client/upd/testclient1?enabled=true", NONE),
        (&admin, "PATCH /usermfa/upd", enabled(&mfa, false), "PATCH /usermfa/upd", enabled(&mfa, true)),
        (&admin, "PATCH /userhosts/upd", lasting(&link, 0), "PATCH /userhosts/upd", lasting(&link, -1)),
        (&admin, "PATCH /delegations/upd", lasting(&delegation, 0), "PATCH /delegations/upd", lasting(&delegation, -1)),
        (&root, "PATCH /tenants/upd", enabled(&tenant, false), "PATCH /tenants/upd", enabled(&tenant, true)),
    ];
    let key = login(&client.make_key(json!({})).await);
    for (who, end, ended, again, set_right) in switched {
        assert!(host.gets_key(&key).await, "before {end}");
        who.done(end, ended.clone()).await;
        assert!(!host.gets_key(&key).await, "after {end} {ended}");
        who.done(again, set_right).await;
        assert!(host.gets_key(&key).await, "after {again}");
    }
    app.switch_person("testuser1", false).await;
    assert!(!host.gets_key(&key).await, "the person");
    app.switch_person("testuser1", true).await;
    assert!(host.gets_key(&key).await);

    let deleted: [(&str, Value, Calls); 3] = [
        ("DELETE /delegations/del", delegation.clone(), vec![("POST /delegations", lasting(&delegation, -1))]),
        ("DELETE /userhosts/del", link.clone(), vec![("POST /userhosts", lasting(&link, -1))]),
        (
            "DELETE /usermfa/del/testuser1",
            NONE,
            vec![("POST /usermfa", lasting(&mfa, -1)), ("POST /userhosts", lasting(&link, -1)), ("POST /delegations", lasting(&delegation, -1))],
        ),
    ];
    for (end, ended, again) in deleted {
        let key = login(&client.make_key(json!({})).await);
        assert!(host.gets_key(&key).await, "before {end}");
        admin.done(end, ended).await;
        assert!(!host.gets_key(&key).await, "after {end}");
        for (call, body) in again {
            admin.done(call, body).await;
        }
        assert!(!host.gets_key(&key).await, "{end}: what was ended does not come back");
    }
    let key = login(&client.make_key(json!({})).await);
    client.done("DELETE /client/del/testclient1", NONE).await;
    assert!(!host.gets_key(&key).await, "the client is gone");
}

/// W3: exact to the minute, and the host is told the time.
#[tokio::test]
async fn key_expires_with_its_first_dependency() {
    let app = TestApp::start().await;
    let (admin, client, host) = (app.admin("test").await, app.client(), app.unauthenticated());
    let mut keys = Vec::new();
    for (number, [mfa, link, delegation, key]) in [[5, 6, 7, 8], [6, 5, 7, 8], [6, 7, 5, 8], [6, 7, 8, 5], [-1, -1, 5, -1]].into_iter().enumerate() {
        let user = format!("user{number}");
        let person = json!({ "tenant": "test", "tms_user_id": user });
        let place = json!({ "host": "testhost1", "host_account": user });
        admin.done("POST /usermfa", changed(person.clone(), json!({ "ttl_minutes": mfa }))).await;
        admin.done("POST /userhosts", changed(changed(person, place.clone()), json!({ "ttl_minutes": link }))).await;
        admin
            .done("POST /delegations", json!({ "tenant": "test", "client_id": "testclient1", "client_user_id": user, "ttl_minutes": delegation }))
            .await;
        let made = client.make_key(changed(place, json!({ "client_user_id": user, "ttl_minutes": key }))).await;
        keys.push(changed(login(&made), json!({ "user": user })));
    }
    for key in &keys {
        assert_eq!(host.call(LOOKUP, key.clone()).await.body["expires_at"], "2026-11-20T12:05:00+00:00");
    }
    app.clock.advance(Duration::from_secs(5 * 60 - 1));
    for key in &keys {
        assert!(host.gets_key(key).await, "{key}");
    }
    app.clock.advance(Duration::from_secs(1));
    for key in &keys {
        assert!(!host.gets_key(key).await, "{key}");
    }
}

/// W3: uses were not counted. `sshd` asks several times per login.
#[tokio::test]
async fn lookups_within_thirty_seconds_are_one_login() {
    let app = TestApp::start().await;
    let (client, host) = (app.client(), app.unauthenticated());
    let key = login(&client.make_key(json!({ "num_uses": 2 })).await);
    let left = async || client.get("/pubkeys/list").await.body["pubkeys"][0]["remaining_uses"].as_u64().expect("uses");
    for _ in 0..3 {
        assert!(host.gets_key(&key).await);
    }
    app.clock.advance(Duration::from_millis(29_999));
    assert!(host.gets_key(&key).await);
    assert_eq!((left().await, app.count_audit_events("key_used").await), (1, 1));
    app.clock.advance(Duration::from_millis(1));
    assert!(host.gets_key(&key).await, "the second login");
    assert_eq!((left().await, app.count_audit_events("key_used").await), (0, 2));
    app.clock.advance(Duration::from_millis(29_999));
    assert!(host.gets_key(&key).await, "still the second login");
    app.clock.advance(Duration::from_millis(1));
    assert!(!host.gets_key(&key).await);
    assert_eq!((left().await, app.count_audit_events("key_used").await), (0, 2));
    assert_eq!(client.get("/pubkeys/list").await.body["pubkeys"][0]["last_used_at"], "2026-11-20T12:00:30+00:00");
}

/// W3: a key for one login could be used seven times.
#[tokio::test]
async fn concurrent_lookups_count_once_and_all_succeed() {
    let app = TestApp::start().await;
    let key = login(&app.client().make_key(json!({ "num_uses": 1 })).await);
    let host = app.unauthenticated();
    let answers = join_all((0..32).map(|_| host.gets_key(&key))).await;
    assert!(answers.iter().all(|got_key| *got_key));
    assert_eq!((app.number("SELECT remaining_uses FROM pubkeys").await, app.count_audit_events("key_used").await), (0, 1));
    app.clock.advance(Duration::from_secs(30));
    assert!(join_all((0..8).map(|_| host.gets_key(&key))).await.iter().all(|got_key| !got_key));
}

#[tokio::test]
async fn uses_of_unlimited_keys_are_counted() {
    let app = TestApp::start().await;
    let key = app.client().make_key(json!({})).await;
    assert!(app.unauthenticated().gets_key(&login(&key)).await);
    // It is written after the response: closing waits for it.
    app.clock.advance(Duration::from_secs(30));
    let limited = app.client().make_key(json!({ "num_uses": 1 })).await;
    assert!(app.unauthenticated().gets_key(&login(&limited)).await);
    app.client().make_key(json!({})).await;
    assert_eq!(
        app.texts("SELECT kind FROM activity WHERE kind = 'key_used' AND subject = (SELECT fingerprint FROM pubkeys WHERE number = 1)").await.len(),
        1
    );
}

#[tokio::test]
async fn lookup_requires_exact_account_host_and_fingerprint() {
    let app = TestApp::start().await;
    let key = login(&app.client().make_key(json!({})).await);
    let host = app.unauthenticated();
    let fingerprint = text(&key["public_key_fingerprint"]).to_owned();
    for wrong in [
        json!({ "user": "testuser1" }),
        json!({ "user": "TESTHOSTACCOUNT1" }),
        json!({ "user": "root" }),
        json!({ "user": "" }),
        json!({ "user": "*" }),
        json!({ "user": "x' OR '1'='1" }),
        json!({ "user": "testhostaccount1\u{0}" }),
        json!({ "host": "testhost11" }),
        json!({ "host": "testhost1." }),
        json!({ "host": "" }),
        json!({ "host": "%" }),
        json!({ "host": "x".repeat(129) }),
        json!({ "public_key_fingerprint": fingerprint.to_lowercase() }),
        json!({ "public_key_fingerprint": format!("{fingerprint}=") }),
        json!({ "public_key_fingerprint": fingerprint.trim_start_matches("SHA256:") }),
        json!({ "public_key_fingerprint": "" }),
        json!({ "public_key_fingerprint": "%" }),
        json!({ "public_key_fingerprint": format!("{fingerprint}\u{0}") }),
        json!({ "public_key_fingerprint": "' OR 1=1 --" }),
        json!({ "public_key_fingerprint": "x".repeat(5_000) }),
    ] {
        assert!(!host.gets_key(&changed(key.clone(), wrong.clone())).await, "{wrong}");
    }
    assert!(host.gets_key(&key).await);
}

#[tokio::test]
async fn additional_fields_of_lookups_are_ignored() {
    let app = TestApp::start().await;
    let key = login(&app.client().make_key(json!({})).await);
    for more in [
        json!({ "user_uid": "1001", "key_type": "ssh-ed25519" }),
        json!({ "user_uid": 1001, "keytype": "ssh-ed25519" }),
        json!({ "user_uid": null, "key_type": null }),
        json!({ "user_uid": "", "key_type": ["what", { "ever": 1 }] }),
        json!({ "user_uid": "0", "unknown": { "a": [1, 2] } }),
        json!({ "user_uid": "not a number" }),
        json!({ "user_uid": -1 }),
    ] {
        assert!(app.unauthenticated().gets_key(&changed(key.clone(), more.clone())).await, "{more}");
    }
}

/// A revoked key is refused from the next lookup on.
#[tokio::test]
async fn revocation_takes_effect_during_lookups() {
    let app = TestApp::start().await;
    let (client, host) = (app.client(), app.unauthenticated());
    let key = client.make_key(json!({ "num_uses": 5 })).await;
    let login = login(&key);
    let (_, gone) =
        futures_util::future::join(join_all((0..16).map(|_| host.gets_key(&login))), client.done("DELETE /pubkeys/del", named(&key, json!({}))))
            .await;
    assert_eq!(gone["num_deleted"], 1);
    assert!(!host.gets_key(&login).await);
}

#[tokio::test]
async fn invalid_or_disabled_tenant_has_no_keys() {
    let app = TestApp::start().await;
    let key = login(&app.client().make_key(json!({})).await);
    assert!(app.unauthenticated().with("x-tms-tenant", "test").gets_key(&key).await);
    for tenant in ["default", "nowhere"] {
        assert!(!app.unauthenticated().with("x-tms-tenant", tenant).gets_key(&key).await, "{tenant}");
    }
    assert_eq!(app.unauthenticated().with("x-tms-tenant", "x' OR 1").refusal(LOOKUP, key.clone()).await, 400);
}

#[tokio::test]
async fn responses_are_not_cacheable() {
    let app = TestApp::start().await;
    let key = app.client().call("POST /pubkeys/creds", super::api::key_request(json!({}))).await;
    let shown = Answer::of(app.unauthenticated().request(LOOKUP).json(&login(&key.body))).await;
    for answer in [key, shown, app.client().get("/client/testclient1").await, app.unauthenticated().get("/tenants/list").await] {
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    assert_eq!(error(&app.unauthenticated().get("/pubkeys/creds/retrieve").await), 405);
}
