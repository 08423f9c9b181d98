//! `/v1/tms/usermfa…`, `/v1/tms/userhosts…`, `/v1/tms/delegations…`: the administrators' settings for people.

use serde_json::{Value, json};

use super::api::{changed, login};
use crate::app::TestApp;

const NONE: Value = Value::Null;

#[tokio::test]
async fn mfa_record_is_accepted_for_unknown_person() {
    let app = TestApp::start().await;
    let admin = app.admin("test").await;
    admin.done("POST /usermfa", json!({ "tenant": "test", "tms_user_id": "jdoe", "ttl_minutes": -1 })).await;
    assert_eq!(app.number("SELECT count(*) FROM people WHERE user_id = 'jdoe' AND enabled AND password_hash IS NULL").await, 1);
    assert_eq!(app.browser().sign_in("test", "jdoe", "").await.status, 422);
    admin.done("DELETE /usermfa/del/jdoe", NONE).await;
    assert_eq!(app.number("SELECT count(*) FROM people WHERE user_id = 'jdoe'").await, 1, "the account stays");
    admin.done("POST /usermfa", json!({ "tenant": "test", "tms_user_id": "jdoe", "ttl_minutes": -1 })).await;
}

/// W1: every PATCH returned 500.
#[tokio::test]
async fn changed_values_are_stored() {
    let app = TestApp::start().await;
    let admin = app.admin("test").await;
    app.clock.advance(std::time::Duration::from_secs(60));
    let link = json!({ "tenant": "test", "tms_user_id": "testuser1", "host": "testhost1", "host_account": "testhostaccount1" });
    let delegation = json!({ "tenant": "test", "client_id": "testclient1", "client_user_id": "testuser1" });
    for (kind, named) in [("userhosts", link), ("delegations", delegation)] {
        for (minutes, end) in [(5, "2026-11-20T12:06:00+00:00"), (0, "2026-11-20T12:01:00+00:00"), (-1, "9999-12-31T23:59:59+00:00")] {
            let done = admin.done(&format!("PATCH /{kind}/upd"), changed(named.clone(), json!({ "ttl_minutes": minutes }))).await;
            assert_eq!((&done["fields_updated"], &done["expires_msg"]), (&1.into(), &end.into()), "{kind}");
            let row = &admin.get(&format!("/{kind}/list")).await.body["users"][0];
            assert_eq!((&row["expires_at"], &row["updated"]), (&end.into(), &"2026-11-20T12:01:00+00:00".into()), "{kind}");
        }
    }
    admin.done("PATCH /usermfa/upd", json!({ "tenant": "test", "tms_user_id": "testuser1", "enabled": false })).await;
    let mfa = admin.get("/usermfa/testuser1").await.body;
    assert_eq!(
        (&mfa["enabled"], &mfa["updated"], &mfa["created"]),
        (&false.into(), &"2026-11-20T12:01:00+00:00".into(), &"2026-11-20T12:00:00+00:00".into())
    );
}

#[tokio::test]
async fn end_of_mfa_record_ends_its_dependents() {
    let app = TestApp::start().await;
    let (admin, client, device) = (app.admin("test").await, app.client(), app.device_with(super::api::EVERYTHING).await);
    let key = client.make_key(json!({})).await;
    assert_eq!(admin.done("DELETE /usermfa/del/testuser1", NONE).await["num_deleted"], 1);
    assert_eq!(device.refusal("GET /me", NONE).await, 401);
    assert_eq!(client.get("/pubkeys/list").await.body["num_pubkeys"], 0);
    for kind in ["userhosts", "delegations", "usermfa"] {
        assert_eq!(admin.get(&format!("/{kind}/list")).await.body["num_users"], 0, "{kind}");
    }
    app.add_all(&admin, "test", "testclient1", "testuser1", "testhost1", "testhostaccount1").await;
    assert!(!app.unauthenticated().gets_key(&login(&key)).await, "what was ended does not come back");
    client.make_key(json!({})).await;
}

#[tokio::test]
async fn deleting_a_delegation_revokes_consents_of_its_client() {
    let app = TestApp::start().await;
    let admin = app.admin("test").await;
    let other = app.add_client(&admin, "test", "other").await;
    admin.done("POST /delegations", json!({ "tenant": "test", "client_id": "other", "client_user_id": "testuser1", "ttl_minutes": -1 })).await;
    let (kept, gone) = (other.make_key(json!({})).await, app.client().make_key(json!({})).await);
    let form = [("client_id", "testclient1"), ("client_secret", "secret1"), ("scope", "hosts:read keys:create")];
    let (first, second) = (app.start_device_of(&form).await, app.device_with("hosts:read").await);
    app.allow(&first).await;
    let token = app.poll_confidentially(&first).await.token();
    let end = json!({ "tenant": "test", "client_id": "testclient1", "client_user_id": "testuser1" });
    assert_eq!(admin.done("DELETE /delegations/del", end).await["num_deleted"], 2, "the administrator's and the person's");
    assert_eq!((app.api("/v1/tms/me", &token).await.status, second.get("/me").await.status), (401, 200));
    assert!(!app.unauthenticated().gets_key(&login(&gone)).await && app.unauthenticated().gets_key(&login(&kept)).await);
    assert_eq!(app.count_audit_events("device_withdrawn").await, 1);
}

#[tokio::test]
async fn consent_is_listed_and_only_the_person_changes_it() {
    let app = TestApp::start().await;
    let admin = app.admin("test").await;
    app.device_with("hosts:read").await;
    let list = admin.get("/delegations/list").await.body;
    let consent = &list["users"][1];
    assert_eq!(
        (&consent["client_id"], &consent["made_by"], &consent["expires_at"]),
        (&"tms-cli".into(), &"person".into(), &"2026-11-20T20:00:00+00:00".into())
    );
    let update = json!({ "tenant": "test", "client_id": "tms-cli", "client_user_id": "testuser1", "ttl_minutes": -1 });
    let done = admin.done("PATCH /delegations/upd", update).await;
    assert_eq!((&done["fields_updated"], &done["expires_msg"]), (&0.into(), &"UNCHANGED".into()));
}

#[tokio::test]
async fn row_ids_are_never_reused() {
    let app = TestApp::start().await;
    let admin = app.admin("test").await;
    let link = json!({ "tenant": "test", "tms_user_id": "testuser1", "host": "h", "host_account": "a", "ttl_minutes": -1 });
    let mut numbers = std::collections::BTreeSet::new();
    for _ in 0..3 {
        admin.done("POST /userhosts", link.clone()).await;
        let number = admin.get("/userhosts/list").await.body["users"][1]["id"].as_i64().expect("a number");
        assert!(numbers.insert(number), "{number} again");
        admin.done("DELETE /userhosts/del", link.clone()).await;
        assert_eq!(admin.refusal(&format!("GET /userhosts/{number}"), NONE).await, 404);
    }
}

/// An account may be linked to several people, and a person may have several accounts; each key is for one link.
#[tokio::test]
async fn shared_account_is_linked_to_several_people() {
    let app = TestApp::start().await;
    let (admin, client) = (app.admin("test").await, app.client());
    app.add_all(&admin, "test", "testclient1", "jdoe", "testhost1", "testhostaccount1").await;
    let (hers, his) = (client.make_key(json!({ "client_user_id": "jdoe" })).await, client.make_key(json!({})).await);
    assert!(app.unauthenticated().gets_key(&login(&hers)).await && app.unauthenticated().gets_key(&login(&his)).await);
    admin.done("DELETE /usermfa/del/jdoe", NONE).await;
    assert!(!app.unauthenticated().gets_key(&login(&hers)).await && app.unauthenticated().gets_key(&login(&his)).await);
}
