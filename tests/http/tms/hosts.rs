//! `/v1/tms/hosts…`: addresses, names and credentials.

use std::time::Duration;

use serde_json::{Value, json};

use super::api::{ApiClient, NO_KEY, login, text};
use super::error;
use crate::app::{Answer, TestApp};

const NONE: Value = Value::Null;
const LOOKUP: &str = "POST /pubkeys/creds/retrieve";

/// A portal, its administrator, a key for `testhost1`, and one that does not exist.
async fn with_a_key() -> (TestApp, ApiClient, [Value; 2]) {
    let app = TestApp::start().await;
    let key = app.client().make_key(json!({})).await;
    let admin = app.admin("test").await;
    (app, admin, [login(&key), login(&json!({ "public_key_fingerprint": NO_KEY }))])
}

impl TestApp {
    /// A host with a new credential.
    pub async fn host(&self, admin: &ApiClient, tenant: &str, host: &str, required: bool) -> ApiClient {
        let made = admin.done("POST /hosts/credential", json!({ "tenant": tenant, "host": host, "required": required })).await;
        self.bearer(text(&made["credential"]))
    }
}

/// W10: unauthenticated lookups were answered. Asserts the same status and message for any lookup.
async fn assert_refused(caller: &ApiClient, logins: &[Value]) {
    let mut answers = Vec::new();
    for login in logins {
        let answer = caller.call(LOOKUP, login.clone()).await;
        assert_eq!((error(&answer), answer.header("www-authenticate")), (401, "Bearer realm=\"tms hosts\""), "{login}");
        answers.push(answer.body);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "whether a key is there must not be seen: {answers:?}");
}

/// W10
#[tokio::test]
async fn credential_is_optional_until_required() {
    let (app, admin, [login, unknown]) = with_a_key().await;
    let host = app.host(&admin, "test", "testhost1", false).await;
    assert!(host.gets_key(&login).await && app.unauthenticated().gets_key(&login).await, "it may");
    assert!(!host.gets_key(&unknown).await && !app.unauthenticated().gets_key(&unknown).await);
    admin.done("PATCH /hosts/credential", json!({ "tenant": "test", "host": "testhost1", "required": true })).await;
    let logins = [login.clone(), unknown.clone()];
    for stranger in [app.unauthenticated(), app.unauthenticated().with("x-tms-tenant", "test"), app.client(), admin.clone()] {
        assert_refused(&stranger, &logins).await;
    }
    assert!(host.gets_key(&login).await && !host.gets_key(&unknown).await);
    admin.done("PATCH /hosts/credential", json!({ "tenant": "test", "host": "testhost1", "required": false })).await;
    assert!(app.unauthenticated().gets_key(&login).await);
}

/// W10
#[tokio::test]
async fn wrong_credential_is_refused_even_if_not_required() {
    let (app, admin, logins) = with_a_key().await;
    let other = app.host(&admin, "test", "frontera", false).await;
    for stranger in [other, app.bearer("0123456789abcdef"), app.bearer(&"0".repeat(48)), app.bearer("secret1"), app.bearer("'")] {
        assert_refused(&stranger, &logins).await;
    }
    let device = app.device_with(super::api::EVERYTHING).await;
    assert_refused(&device, &logins).await;
    for header in ["Basic dGVzdA==", "Digest x"] {
        assert!(app.unauthenticated().with("authorization", header).gets_key(&logins[0]).await, "{header} claims nothing");
    }
}

/// W10
#[tokio::test]
async fn tenant_can_require_host_credentials() {
    let (app, admin, logins) = with_a_key().await;
    let host = app.host(&admin, "test", "testhost1", false).await;
    app.change_tenant("test", |tenant| tenant.policy.require_host_credential = true).await;
    assert_refused(&app.unauthenticated(), &logins).await;
    assert!(host.gets_key(&logins[0]).await);
    let elsewhere = json!({ "user": "x", "host": "nowhere", "public_key_fingerprint": NO_KEY });
    assert!(!app.unauthenticated().gets_key(&elsewhere).await, "an unknown host");
    assert_refused(&app.unauthenticated().with("x-tms-tenant", "test"), &[elsewhere, logins[0].clone()]).await;
}

/// W10, W12
#[tokio::test]
async fn credential_rotates_with_overlap_and_is_revocable() {
    let (app, admin, logins) = with_a_key().await;
    let rotate = async |query: &str| {
        let made = admin.done(&format!("POST /hosts/credential{query}"), json!({ "tenant": "test", "host": "testhost1", "required": true })).await;
        app.bearer(text(&made["credential"]))
    };
    let (first, second) = (rotate("").await, rotate("?overlap_minutes=5").await);
    app.clock.advance(Duration::from_secs(5 * 60 - 1));
    assert!(first.gets_key(&logins[0]).await && second.gets_key(&logins[0]).await);
    app.clock.advance(Duration::from_secs(1));
    assert_refused(&first, &logins).await;
    let third = rotate("?overlap_minutes=0").await;
    assert_refused(&second, &logins).await;
    assert!(third.gets_key(&logins[0]).await);
    assert_eq!(admin.refusal("POST /hosts/credential?overlap_minutes=10081", json!({ "tenant": "test", "host": "testhost1" })).await, 400);

    admin.done("DELETE /hosts/credential", json!({ "tenant": "test", "host": "testhost1" })).await;
    assert_refused(&third, &logins).await;
    assert!(app.unauthenticated().gets_key(&logins[0]).await, "nothing is required any more");
}

/// W10
#[tokio::test]
async fn tenant_cannot_use_another_tenants_host_name() {
    let (app, admin, [login, _]) = with_a_key().await;
    let other = app.add_tenant("other").await;
    let client = app.add_client(&other, "other", "testclient1").await;
    app.add_all(&other, "other", "testclient1", "eve", "testhost1", "testhostaccount1").await;
    let params = json!({ "client_user_id": "eve", "public_key": super::endpoints::OWN_KEY });
    let key = client.make_key(params.clone()).await;
    let hers = super::api::login(&key);
    assert!(!app.unauthenticated().gets_key(&hers).await, "the name is the first tenant's");
    assert!(app.unauthenticated().gets_key(&login).await);
    assert!(app.unauthenticated().with("x-tms-tenant", "other").gets_key(&hers).await, "her tenant's own host says whose it is");
    assert!(
        !app.unauthenticated().with("x-tms-tenant", "other").gets_key(&login).await
            && !app.unauthenticated().with("x-tms-tenant", "test").gets_key(&hers).await
    );
    let (ours, theirs) = (app.host(&admin, "test", "testhost1", true).await, app.host(&other, "other", "testhost1", true).await);
    assert!(ours.gets_key(&login).await && !ours.gets_key(&hers).await);
    assert!(theirs.gets_key(&hers).await && !theirs.gets_key(&login).await);
    assert!(ours.with("x-tms-tenant", "other").gets_key(&login).await, "a credential says whose it is");
    assert!(!ours.with("x-tms-tenant", "other").gets_key(&hers).await);

    // The same key may be registered in both tenants; each host gets its own tenant's.
    app.client().make_key(json!({ "public_key": super::endpoints::OWN_KEY })).await;
    assert!(ours.gets_key(&hers).await && theirs.gets_key(&hers).await);
    client.done("DELETE /pubkeys/del", super::api::named(&key, json!({ "tenant": "other" }))).await;
    assert!(ours.gets_key(&hers).await && !theirs.gets_key(&hers).await);
}

#[tokio::test]
async fn host_of_disabled_tenant_gets_no_keys() {
    let (app, admin, [login, _]) = with_a_key().await;
    let host = app.host(&admin, "test", "testhost1", true).await;
    app.change_tenant("test", |tenant| tenant.enabled = false).await;
    assert!(!host.gets_key(&login).await);
    app.change_tenant("test", |tenant| tenant.enabled = true).await;
    assert!(host.gets_key(&login).await);
}

#[tokio::test]
async fn host_has_several_addresses_and_literal_wildcards() {
    let app = TestApp::start().await;
    let admin = app.admin("test").await;
    for address in ["129.114.1.1", "129.114.*.*", "[10.0.0.1,10.0.0.9]", "login1.example"] {
        admin.done("POST /hosts", json!({ "tenant": "test", "host": "frontera", "addr": address })).await;
    }
    assert_eq!(admin.get("/hosts/list").await.body["num_mappings"], 5);
    admin.done("DELETE /hosts/del", json!({ "tenant": "test", "host": "frontera", "addr": "129.114.1.1" })).await;
    assert_eq!(admin.get("/hosts/list").await.body["num_mappings"], 4);
    for wrong in ["", " ", "a\nb", &"a".repeat(129)] {
        assert_eq!(admin.refusal("POST /hosts", json!({ "tenant": "test", "host": "frontera", "addr": wrong })).await, 400, "{wrong:?}");
    }
}

/// Credentials are not accepted in URLs, which are logged.
#[tokio::test]
async fn credential_in_the_url_is_ignored() {
    let (app, admin, [login, _]) = with_a_key().await;
    let made = admin.done("POST /hosts/credential", json!({ "tenant": "test", "host": "testhost1", "required": true })).await;
    let asked = app.unauthenticated().request(&format!("{LOOKUP}?access_token={}", text(&made["credential"]))).json(&login);
    assert_eq!(error(&Answer::of(asked).await), 401);
    assert_eq!(admin.call("DELETE /hosts/credential", json!({ "tenant": "test", "host": "nowhere" })).await.body["num_deleted"], 0);
    assert_eq!(admin.call("GET /hosts/list", NONE).await.body.to_string().matches(text(&made["credential"])).count(), 0);
}
