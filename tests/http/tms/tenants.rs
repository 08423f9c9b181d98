//! `/v1/tms/tenants…`.

use serde_json::{Value, json};

use super::api::login;
use crate::app::TestApp;

const NONE: Value = Value::Null;

#[tokio::test]
async fn new_tenant_has_strict_policy_and_an_administrator() {
    let app = TestApp::start().await;
    let admin = app.add_tenant("other").await;
    assert_eq!(admin.get("/client/list").await.body["clients"][0]["client_id"], "tms-cli", "the portal's own command line, and nobody else");
    assert_eq!(
        app.unauthenticated().refusal("POST /client", json!({ "tenant": "other", "client_id": "a", "app_name": "a", "app_version": "1" })).await,
        401
    );
    app.add_client(&admin, "other", "a").await;
    assert_eq!(
        app.number("SELECT count(*) FROM tenants WHERE id = 'other' AND (mvp OR open_registration OR require_host_credential OR local_passwords)")
            .await,
        0
    );
    for wrong in ["a%20b", "-a", "a~b", "*", "a%2Fb", &"a".repeat(65), "%00"] {
        assert_eq!(app.admin("default").await.refusal(&format!("POST /tenants/{wrong}"), NONE).await, 400, "{wrong}");
    }
}

/// W1, and a disabled tenant could not be enabled again.
#[tokio::test]
async fn disabled_tenant_is_enabled_by_the_deployment() {
    let app = TestApp::start().await;
    let (root, admin) = (app.admin("default").await, app.admin("test").await);
    let switch = |on: bool| json!({ "tenant": "test", "enabled": on });
    admin.done("PATCH /tenants/upd", switch(false)).await;
    for caller in [&admin, &app.client()] {
        assert_eq!(caller.refused("GET /client/list", NONE).await, (400, "Tenant not enabled.".into()));
    }
    assert_eq!(admin.refusal("PATCH /tenants/upd", switch(true)).await, 400);
    assert_eq!(app.unauthenticated().get("/tenants/test").await.body["enabled"], false);
    root.done("PATCH /tenants/upd", switch(true)).await;
    assert_eq!(admin.get("/client/list").await.status, 200);
}

#[tokio::test]
async fn default_tenant_cannot_be_deleted_or_disabled() {
    let app = TestApp::start().await;
    let (root, admin) = (app.admin("default").await, app.admin("test").await);
    for caller in [&root, &admin] {
        for (call, body) in [
            ("PATCH /tenants/upd", json!({ "tenant": "default", "enabled": false })),
            ("DELETE /tenants/del/default", NONE),
            ("DELETE /tenants/wipe/default", NONE),
        ] {
            assert_eq!(caller.refusal(call, body).await, 403, "{call}");
        }
    }
    root.done("PATCH /tenants/upd", json!({ "tenant": "default", "enabled": true })).await;
}

#[tokio::test]
async fn tenant_is_deleted_if_empty_or_wiped() {
    let app = TestApp::start().await;
    let (root, other) = (app.admin("default").await, app.add_tenant("other").await);
    let client = app.add_client(&other, "other", "a").await;
    app.add_all(&other, "other", "a", "eve", "frontera", "eve").await;
    client.make_key(json!({ "client_user_id": "eve", "host": "frontera", "host_account": "eve" })).await;
    other.done("POST /hosts/credential", json!({ "tenant": "other", "host": "frontera" })).await;
    let test = app.dump("test").await;
    assert_eq!(other.refusal("DELETE /tenants/del/other", NONE).await, 409);
    assert_eq!(app.admin("test").await.refusal("DELETE /tenants/wipe/other", NONE).await, 403);
    assert_eq!(client.refusal("DELETE /tenants/wipe/other", NONE).await, 401);
    assert_eq!(other.done("DELETE /tenants/wipe/other", NONE).await["num_deleted"], 2);
    assert!(app.dump("other").await.values().all(Vec::is_empty));
    assert_eq!(app.dump("test").await, test);
    assert_eq!(other.refusal("GET /client/list", NONE).await, 400);

    // Its host's name is available again, and a new tenant of that name has no data of the old one.
    app.add_tenant("other").await;
    assert_eq!(app.number("SELECT count(*) FROM clients WHERE tenant_id = 'other'").await, 1);
    assert_eq!(root.done("DELETE /tenants/del/other", NONE).await["num_deleted"], 2);
    assert_eq!(app.texts("SELECT subject FROM activity WHERE kind = 'tenant_deleted'").await, ["other", "other"]);
}

#[tokio::test]
async fn tenant_emptied_through_the_api_can_be_deleted() {
    let app = TestApp::start().await;
    let other = app.add_tenant("other").await;
    app.add_client(&other, "other", "a").await;
    app.add_all(&other, "other", "a", "eve", "frontera", "eve").await;
    other.done("POST /hosts", json!({ "tenant": "other", "host": "frontera", "addr": "192.0.2.1" })).await;
    for (call, body) in [
        ("DELETE /client/del/a", NONE),
        ("DELETE /usermfa/del/eve", NONE),
        ("DELETE /hosts/del", json!({ "tenant": "other", "host": "frontera", "addr": "192.0.2.1" })),
    ] {
        assert_eq!(other.refusal("DELETE /tenants/del/other", NONE).await, 409, "before {call}");
        other.done(call, body).await;
    }
    assert_eq!(other.done("DELETE /tenants/del/other", NONE).await["num_deleted"], 2);
}

#[tokio::test]
async fn tenant_with_people_devices_and_keys_can_be_wiped() {
    let app = TestApp::start().await;
    let key = app.client().make_key(json!({})).await;
    let device = app.device_with(super::api::EVERYTHING).await;
    let browser = app.signed_in().await;
    app.admin("default").await.done("DELETE /tenants/wipe/test", NONE).await;
    assert_eq!(device.refusal("GET /me", NONE).await, 401);
    assert_ne!(browser.get("/hosts").await.path, "/hosts", "signed out");
    assert!(!app.unauthenticated().gets_key(&login(&key)).await);
}
