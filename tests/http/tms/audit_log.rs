//! W14: every change through the API has an audit event with its actor, written in the same transaction.

use serde_json::{Value, json};

use super::api::{changed, key_request, named, text};
use super::endpoints::{ApiClients, Endpoint, OWN_KEY, endpoints};
use crate::app::TestApp;

const NONE: Value = Value::Null;

impl TestApp {
    /// Audit events since the last call.
    async fn new_events(&self, seen: &mut usize) -> Vec<String> {
        let all = self.texts("SELECT concat_ws(' ', kind, 'by', coalesce(admin_id, 'itself'), 'from', from_address) FROM activity ORDER BY id").await;
        let news = all[*seen..].to_vec();
        *seen = all.len();
        news
    }
}

#[tokio::test]
async fn each_change_is_one_event_and_a_refusal_none() {
    let app = TestApp::start().await;
    let (root, admin, client) = (app.admin("default").await, app.admin("test").await, app.client());
    let device = app.device_with(super::api::EVERYTHING).await;
    let person = json!({ "tenant": "test", "tms_user_id": "jdoe" });
    let link = changed(person.clone(), json!({ "host": "frontera", "host_account": "jd", "ttl_minutes": -1 }));
    let delegation = json!({ "tenant": "test", "client_id": "testclient1", "client_user_id": "jdoe", "ttl_minutes": -1 });
    let lasting = changed(person.clone(), json!({ "ttl_minutes": -1 }));
    let address = json!({ "tenant": "test", "host": "frontera", "addr": "10.0.0.1" });
    let host = json!({ "tenant": "test", "host": "frontera", "required": true });
    let key = client.make_key(json!({})).await;
    let reservation =
        json!({ "client_user_id": "testuser1", "host": "testhost1", "public_key_fingerprint": key["public_key_fingerprint"], "ttl_minutes": 5 });
    let registration = json!({ "tenant": "test", "client_id": "a", "app_name": "a", "app_version": "1" });
    let own = json!({ "host": "testhost1", "host_account": "testhostaccount1", "public_key": OWN_KEY });
    let (mut seen, by) = (0, |kind: &str, who: &str| format!("{kind} by {who} from 127.0.0.1"));
    app.new_events(&mut seen).await;
    // The caller and call; the audit event; and the response to the repeated call, when there is nothing to do.
    let story = [
        (&admin, "POST /client", registration, "client_created", "~~admin", Some(409)),
        (&admin, "PATCH /client/upd/a?enabled=false", NONE, "client_changed", "~~admin", None),
        (&client, "PATCH /client/upd/testclient1?app_version=3", NONE, "client_changed", "itself", None),
        (&admin, "PATCH /client/secret/a", NONE, "client_secret_changed", "~~admin", None),
        (&admin, "DELETE /client/del/a", NONE, "client_deleted", "~~admin", Some(200)),
        (&admin, "POST /usermfa", lasting, "mfa_opened", "~~admin", Some(409)),
        (&admin, "PATCH /usermfa/upd", changed(person, json!({ "enabled": true })), "mfa_changed", "~~admin", None),
        (&admin, "POST /userhosts", link.clone(), "host_linked", "~~admin", Some(409)),
        (&admin, "PATCH /userhosts/upd", link.clone(), "host_link_changed", "~~admin", None),
        (&admin, "POST /delegations", delegation.clone(), "delegated", "~~admin", Some(409)),
        (&admin, "PATCH /delegations/upd", delegation.clone(), "delegation_changed", "~~admin", None),
        (&admin, "DELETE /delegations/del", delegation, "delegation_ended", "~~admin", Some(200)),
        (&admin, "DELETE /userhosts/del", link, "host_unlinked", "~~admin", Some(200)),
        (&admin, "DELETE /usermfa/del/jdoe", NONE, "mfa_closed", "~~admin", Some(200)),
        (&admin, "POST /hosts", address.clone(), "host_added", "~~admin", Some(409)),
        (&admin, "DELETE /hosts/del", address, "host_removed", "~~admin", Some(200)),
        (&admin, "POST /hosts/credential", host.clone(), "host_credential_made", "~~admin", None),
        (&admin, "PATCH /hosts/credential", host.clone(), "host_credential_changed", "~~admin", None),
        (&admin, "DELETE /hosts/credential", host, "host_credential_removed", "~~admin", Some(200)),
        (&client, "POST /pubkeys/creds", key_request(json!({ "public_key": OWN_KEY })), "key_created", "itself", Some(409)),
        (&admin, "PATCH /pubkeys", named(&key, json!({ "max_uses": 9 })), "key_changed", "~~admin", None),
        (&client, "POST /reservations", reservation.clone(), "key_reserved", "itself", None),
        (&client, "DELETE /pubkeys/del", named(&key, json!({})), "key_revoked", "itself", Some(200)),
        (&device, "DELETE /me/keys/2", NONE, "key_revoked", "itself", Some(404)),
        (&device, "POST /me/keys", own, "key_created", "itself", Some(409)),
        (&root, "POST /tenants/other", NONE, "tenant_created", "~~admin", Some(409)),
        (&root, "PATCH /tenants/upd", json!({ "tenant": "other", "enabled": false }), "tenant_changed", "~~admin", None),
        (&root, "DELETE /tenants/del/other", NONE, "tenant_deleted", "~~admin", Some(200)),
    ];
    for (caller, call, body, kind, who, again) in story {
        caller.done(call, body.clone()).await;
        // Deleting a tenant deletes its audit log as well.
        if kind == "tenant_deleted" {
            seen -= 2;
        }
        assert_eq!(app.new_events(&mut seen).await, [by(kind, who)], "{call}");
        if let Some(status) = again {
            assert_eq!(caller.call(call, body).await.status, status, "{call} again");
            assert!(app.new_events(&mut seen).await.is_empty(), "{call} again");
        }
    }
    let key = client.make_key(json!({})).await;
    let named = changed(reservation, json!({ "public_key_fingerprint": key["public_key_fingerprint"] }));
    let resid = client.done("POST /reservations", named).await;
    app.new_events(&mut seen).await;
    client.done(&format!("DELETE /reservations/del/testclient1/{}", text(&resid["resid"])), NONE).await;
    assert_eq!(app.new_events(&mut seen).await, [by("reservation_ended", "itself")]);
}

/// Keys that end with something else are audited too, each with who ended it.
#[tokio::test]
async fn keys_revoked_with_something_else_are_audited() {
    let person = json!({ "tenant": "test", "tms_user_id": "testuser1" });
    let account = changed(person, json!({ "host": "testhost1", "host_account": "testhostaccount1" }));
    let delegation = json!({ "tenant": "test", "client_id": "testclient1", "client_user_id": "testuser1" });
    for (call, body) in [
        ("DELETE /client/del/testclient1", NONE),
        ("DELETE /delegations/del", delegation),
        ("DELETE /userhosts/del", account),
        ("DELETE /usermfa/del/testuser1", NONE),
    ] {
        let app = TestApp::start().await;
        let made = [app.client().make_key(json!({})).await, app.client().make_key(json!({})).await];
        let mut fingerprints = made.map(|key| text(&key["public_key_fingerprint"]).to_owned());
        app.admin("test").await.done(call, body).await;
        assert_eq!(app.number("SELECT count(*) FROM pubkeys").await, 0, "{call}");
        let revoked =
            "SELECT subject FROM activity WHERE kind = 'key_revoked' AND admin_id = '~~admin' AND client_id = 'testclient1' ORDER BY subject";
        fingerprints.sort();
        assert_eq!(app.texts(revoked).await, fingerprints, "{call}");
    }
}

/// If the audit log cannot be written, nothing is changed.
#[tokio::test]
async fn change_without_audit_event_is_rolled_back() {
    let app = TestApp::start().await;
    let key = app.client().make_key(json!({ "num_uses": 3 })).await;
    let reservation =
        json!({ "client_user_id": "testuser1", "host": "testhost1", "public_key_fingerprint": key["public_key_fingerprint"], "ttl_minutes": 5 });
    let resid = app.client().done("POST /reservations", reservation).await;
    let admin = app.admin("test").await;
    admin.done("POST /hosts/credential", json!({ "tenant": "test", "host": "testhost1" })).await;
    let callers = ApiClients { admin: app.admin("test").await, ..ApiClients::of(&app).await };
    app.refuse_writes("INSERT", "activity").await;
    let before = app.dump("test").await;
    let mut broken = 0;
    for Endpoint { who, call, body } in endpoints("test") {
        let fingerprint = text(&key["public_key_fingerprint"]);
        let body: Value =
            serde_json::from_str(&body.to_string().replace(super::api::NO_KEY, fingerprint).replace("\"x\"", &resid["resid"].to_string()))
                .expect("JSON");
        let call = call.strip_suffix("/x").map_or(call.clone(), |call| format!("{call}/{}", text(&resid["resid"])));
        for caller in callers.for_whom(who) {
            let answer = caller.call(&call, body.clone()).await;
            broken += usize::from(answer.status == 500);
            let refused_anyway = matches!(answer.status, 403 | 404 | 409) || call.starts_with("GET ") || call == "POST /hosts/check";
            assert!(answer.status == 500 || refused_anyway || answer.body["num_deleted"] == 0, "{call}: {} {}", answer.status, answer.body);
        }
    }
    assert!(broken >= 28, "{broken}");
    assert_eq!(app.dump("test").await, before);
}
