//! `/v1/tms/client…`.

use std::time::Duration;

use serde_json::{Value, json};
use tms_portal::domain::ids::{AdminId, TenantId};

use super::api::text;
use super::error;
use crate::app::{Setup, TestApp, no_limits, number};

const NONE: Value = Value::Null;

fn registration(tenant: &str, id: &str) -> Value {
    json!({ "tenant": tenant, "client_id": id, "app_name": id, "app_version": "1.0" })
}

/// W4: `clients.enabled` was not checked.
#[tokio::test]
async fn disabled_client_is_refused_everywhere() {
    let app = TestApp::start().await;
    let (admin, client) = (app.admin("test").await, app.client());
    assert_eq!(client.get("/client/testclient1").await.status, 200);
    client.done("PATCH /client/upd/testclient1?enabled=false", NONE).await;
    for call in ["GET /client/testclient1", "GET /client/list", "GET /pubkeys/list", "PATCH /client/upd/testclient1?enabled=true"] {
        assert_eq!(client.refusal(call, NONE).await, 401, "{call}");
    }
    assert_eq!(client.refusal("POST /pubkeys/creds", super::api::key_request(json!({}))).await, 401);
    admin.done("PATCH /client/upd/testclient1?enabled=true", NONE).await;
    assert_eq!(client.get("/client/testclient1").await.status, 200);
}

/// W8: unauthenticated callers could register clients.
#[tokio::test]
async fn registration_requires_administrator_unless_open() {
    let app = TestApp::start().await;
    let (admin, client, unauthenticated) = (app.admin("test").await, app.client(), app.unauthenticated());
    assert_eq!(unauthenticated.refusal("POST /client", registration("test", "a")).await, 401);
    assert_eq!(client.refusal("POST /client", registration("test", "a")).await, 401, "a client is no administrator");
    assert_eq!(app.admin("default").await.refusal("POST /client", registration("test", "a")).await, 401, "nor is another tenant's");
    admin.done("POST /client", registration("test", "a")).await;

    app.change_tenant("test", |tenant| tenant.policy.open_registration = true).await;
    let made = unauthenticated.done("POST /client", registration("test", "b")).await;
    assert_eq!(app.client_of("test", "b", text(&made["client_secret"])).get("/client/b").await.status, 200);
    assert_eq!(admin.with("x-tms-admin-secret", "wrong").refusal("POST /client", registration("test", "c")).await, 401, "a wrong claim is none");
    assert_eq!(unauthenticated.refusal("POST /client", registration("default", "c")).await, 401, "another tenant stays closed");
    app.change_tenant("test", |tenant| tenant.enabled = false).await;
    for tenant in ["test", "nowhere"] {
        assert_eq!(unauthenticated.refused("POST /client", registration(tenant, "d")).await, (400, "Tenant not enabled.".into()));
    }
}

/// W8: with automatic provisioning, self-registration would allow keys for any account.
#[tokio::test]
async fn mvp_mode_disables_open_registration() {
    let app = TestApp::start().await;
    app.change_tenant("test", |tenant| (tenant.policy.auto_provision, tenant.policy.open_registration) = (true, true)).await;
    let (status, sentence) = app.unauthenticated().refused("POST /client", registration("test", "a")).await;
    assert!(status == 400 && sentence.starts_with("Client creation is disallowed"), "{status} {sentence}");
    app.admin("test").await.done("POST /client", registration("test", "a")).await;
}

#[tokio::test]
async fn new_client_has_no_rights() {
    let app = TestApp::start().await;
    let admin = app.admin("test").await;
    let made = admin.done("POST /client", registration("test", "a")).await;
    let client = app.client_of("test", "a", text(&made["client_secret"]));
    let (status, sentence) = client.refused("POST /pubkeys/creds", super::api::key_request(json!({}))).await;
    assert!(status == 403 && sentence.contains("Required delegation record not found for client a"), "{sentence}");
    let form = [("client_id", "a"), ("client_secret", text(&made["client_secret"])), ("scope", "keys:create")];
    assert_eq!(app.send("/oauth/device_authorization", &form).await.error(), "unauthorized_client");
}

#[tokio::test]
async fn open_registration_is_rate_limited() {
    let limits = tms_portal::server::state::RequestLimits { registrations: number(2), ..no_limits() };
    let app = TestApp::start_with(limits).await;
    app.change_tenant("test", |tenant| tenant.policy.open_registration = true).await;
    for id in ["a", "b"] {
        app.unauthenticated().done("POST /client", registration("test", id)).await;
    }
    let answer = app.unauthenticated().call("POST /client", registration("test", "c")).await;
    assert_eq!((error(&answer), answer.header("retry-after").is_empty()), (429, false));
    app.admin("test").await.done("POST /client", registration("test", "c")).await;
}

/// W6: duplicates returned 500 with the database's message.
#[tokio::test]
async fn duplicate_client_id_or_version_is_a_conflict() {
    let app = TestApp::start().await;
    let admin = app.admin("test").await;
    let testapp = |id: &str, version: &str| json!({ "tenant": "test", "client_id": id, "app_name": "testapp1", "app_version": version });
    assert_eq!(admin.refusal("POST /client", testapp("testclient1", "7")).await, 409);
    assert_eq!(admin.refusal("POST /client", testapp("a", "1.0")).await, 409);
    admin.done("POST /client", testapp("a", "1.1")).await;
    let (status, sentence) = admin.refused("PATCH /client/upd/a?app_version=1.0", NONE).await;
    assert!(status == 409 && !sentence.to_lowercase().contains("constraint"), "{sentence}");
    assert_eq!(admin.get("/client/a").await.body["app_version"], "1.1");
    app.add_tenant("other").await.done("POST /client", super::api::changed(testapp("testclient1", "1.0"), json!({ "tenant": "other" }))).await;
}

/// W7: a client id with a quote and an OR listed all rows.
#[tokio::test]
async fn identifier_with_a_quote_is_harmless() {
    let app = TestApp::start().await;
    let (admin, client) = (app.admin("test").await, app.client());
    client.make_key(json!({})).await;
    app.change_tenant("test", |tenant| tenant.policy.open_registration = true).await;
    for id in ["x' OR '1'='1", "x' OR 1=1 --", "testclient1'--", "\" OR \"\"=\"", "x');DROP TABLE clients;--", "%' --", "testclient1\u{0}", "a b"] {
        assert_eq!(app.unauthenticated().refusal("POST /client", registration("test", id)).await, 400, "{id}");
        let encoded: String = id.bytes().map(|byte| format!("%{byte:02x}")).collect();
        for call in ["GET /client/", "PATCH /client/secret/", "DELETE /client/del/", "PATCH /client/upd/"] {
            let query = if call.contains("upd") { "?enabled=false" } else { "" };
            assert_eq!(admin.refusal(&format!("{call}{encoded}{query}"), NONE).await, 404, "{call}{id}");
            assert!(matches!(client.refusal(&format!("{call}{encoded}{query}"), NONE).await, 403 | 404), "{call}{id}");
        }
        for path in ["/usermfa/", "/tenants/", "/reservations/testclient1/", "/userhosts/", "/pubkeys/id/"] {
            let status = admin.refusal(&format!("GET {path}{encoded}"), NONE).await;
            assert!(matches!(status, 400 | 404), "{path}{id}: {status}");
        }
        if !id.contains('\0') {
            for call in ["GET /client/list", "GET /pubkeys/list", "GET /pubkeys/id/1"] {
                assert_eq!(client.with("x-tms-client-id", id).refusal(call, NONE).await, 401, "{call} as {id}");
                assert_eq!(admin.with("x-tms-admin-id", id).refusal(call, NONE).await, 401, "{call} as {id}");
                assert_eq!(client.with("x-tms-tenant", id).refusal(call, NONE).await, 400, "{call} in {id}");
            }
        }
    }
    assert_eq!(admin.get("/client/list").await.body["num_clients"], 2);
}

#[tokio::test]
async fn client_reads_and_changes_itself_only() {
    let app = TestApp::start().await;
    let (admin, client) = (app.admin("test").await, app.client());
    app.add_client(&admin, "test", "other").await;
    for call in
        ["GET /client/other", "PATCH /client/upd/other?enabled=false", "PATCH /client/secret/other", "DELETE /client/del/other", "GET /client/nobody"]
    {
        assert_eq!(client.refusal(call, NONE).await, 403, "{call}");
    }
    let listed = client.get("/client/list").await.body;
    assert_eq!((&listed["num_clients"], &listed["clients"][0]["client_id"]), (&1.into(), &"testclient1".into()));
    assert_eq!(client.get(&format!("/client/list?cursor={}", listed["clients"][0]["id"])).await.body["num_clients"], 0);
    client.done("PATCH /client/upd/testclient1?app_version=2.0", NONE).await;
    assert_eq!(client.get("/client/testclient1").await.body["app_version"], "2.0");
    client.done("DELETE /client/del/testclient1", NONE).await;
    assert_eq!(client.refusal("GET /client/testclient1", NONE).await, 401);
}

/// A caller with two authentications needs only one valid one, the client's first.
#[tokio::test]
async fn one_valid_authentication_of_two_suffices() {
    let app = TestApp::start().await;
    let client = app.client();
    let both = client.with("x-tms-admin-id", "~~admin").with("x-tms-admin-secret", &crate::app::admin_secret("test").await);
    assert_eq!(both.get("/client/list").await.body["num_clients"], 1);
    assert_eq!(both.with("x-tms-client-secret", "wrong").get("/client/list").await.body["num_clients"], 2);
    assert_eq!(both.with("x-tms-admin-secret", "wrong").get("/client/list").await.body["num_clients"], 1);
}

/// W12: there was no overlap.
#[tokio::test]
async fn rotated_secret_works_during_the_overlap() {
    let app = TestApp::start().await;
    let (admin, first) = (app.admin("test").await, app.client());
    let made = first.done("PATCH /client/secret/testclient1", NONE).await;
    let second = app.client_of("test", "testclient1", text(&made["client_secret"]));
    let work = async |callers: [&super::api::ApiClient; 2]| {
        let mut statuses = Vec::new();
        for caller in callers {
            statuses.push(caller.get("/client/testclient1").await.status);
        }
        statuses
    };
    app.clock.advance(Duration::from_secs(60 * 60 - 1));
    assert_eq!(work([&first, &second]).await, [200, 200]);
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(work([&first, &second]).await, [401, 200]);

    let made = admin.done("PATCH /client/secret/testclient1?overlap_minutes=10080", NONE).await;
    let third = app.client_of("test", "testclient1", text(&made["client_secret"]));
    assert_eq!(made["old_secret_until"], "2026-11-27T13:00:00+00:00");
    assert_eq!((work([&second, &third]).await, work([&first, &third]).await), (vec![200, 200], vec![401, 200]));
    let made = admin.done("PATCH /client/secret/testclient1?overlap_minutes=0", NONE).await;
    let fourth = app.client_of("test", "testclient1", text(&made["client_secret"]));
    assert_eq!((work([&second, &third]).await, work([&fourth, &fourth]).await), (vec![401, 401], vec![200, 200]), "it had leaked");
    for wrong in ["10081", "-1", "x", "", "1.5", "99999999999"] {
        assert_eq!(admin.refusal(&format!("PATCH /client/secret/testclient1?overlap_minutes={wrong}"), NONE).await, 400, "{wrong}");
    }
    assert_eq!(admin.refusal("PATCH /client/secret/tms-cli", NONE).await, 409, "a public client has no secret");
}

/// The new secret is the same at the OAuth endpoints.
#[tokio::test]
async fn one_secret_works_for_api_and_oauth() {
    let app = TestApp::start().await;
    let made = app.client().done("PATCH /client/secret/testclient1?overlap_minutes=0", NONE).await;
    let asked = async |secret: &str| app.send("/oauth/device_authorization", &[("client_id", "testclient1"), ("client_secret", secret)]).await.status;
    assert_eq!((asked("secret1").await, asked(text(&made["client_secret"])).await), (401, 200));
}

/// W12: there was one administrator, whose secret could not be changed.
#[tokio::test]
async fn each_administrator_has_a_rotatable_secret() {
    let app = TestApp::start().await;
    let (tenant, boss) = (TenantId::parse("test").expect("a tenant"), AdminId::parse("boss").expect("an id"));
    let first = app.admin("test").await;
    let secret = app.services.add_admin(&tenant, &boss).await.expect("added").reveal().to_owned();
    let second = app.admin_of("test", "boss", &secret);
    assert_eq!(app.admin_of("test", "~~admin", &secret).refusal("GET /usermfa/list", NONE).await, 401, "not each other's");
    first.done("POST /client", registration("test", "a")).await;
    second.done("POST /client", registration("test", "b")).await;
    let who = app.texts("SELECT client_id || ' by ' || admin_id FROM activity WHERE kind = 'client_created' ORDER BY client_id").await;
    assert_eq!(who, ["a by ~~admin", "b by boss"]);

    let overlap = Duration::from_secs(60);
    let changed = app.services.rotate_admin_secret(&tenant, &boss, overlap).await.expect("changed").secret.reveal().to_owned();
    assert_eq!((second.get("/usermfa/list").await.status, app.admin_of("test", "boss", &changed).get("/usermfa/list").await.status), (200, 200));
    app.clock.advance(overlap);
    assert_eq!((second.get("/usermfa/list").await.status, app.admin_of("test", "boss", &changed).get("/usermfa/list").await.status), (401, 200));
    app.services.remove_admin(&tenant, &boss).await.expect("removed");
    assert_eq!((app.admin_of("test", "boss", &changed).get("/usermfa/list").await.status, first.get("/usermfa/list").await.status), (401, 200));
}

/// W12, W13: guesses were not limited.
#[tokio::test]
async fn secret_guessing_blocks_the_right_secret_too() {
    let limits = tms_portal::server::state::RequestLimits { wrong_secrets: number(3), ..no_limits() };
    let app = TestApp::start_as(Setup { limits, behind_proxy: true, ..Setup::default() }).await;
    let here = |caller: super::api::ApiClient| caller.with("x-forwarded-for", "192.0.2.1");
    let (admin, client) = (here(app.admin("test").await), here(app.client()));
    for (right, wrong, call) in [
        (&client, client.with("x-tms-client-secret", "wrong"), "GET /client/testclient1"),
        (&admin, admin.with("x-tms-admin-secret", "wrong"), "GET /usermfa/testuser1"),
    ] {
        for _ in 0..3 {
            assert_eq!(wrong.refusal(call, NONE).await, 401, "{call}");
        }
        for attacker in [&wrong, right] {
            let answer = attacker.call(call, NONE).await;
            assert_eq!(error(&answer), 429, "{call}");
            assert!((1..=60).contains(&answer.header("retry-after").parse::<u64>().expect("seconds")), "{call}");
        }
        assert_eq!(right.with("x-forwarded-for", "192.0.2.2").call(call, NONE).await.status, 200, "{call} from elsewhere");
    }
    let form = [("client_id", "testclient1"), ("client_secret", "secret1")];
    let oauth = app.http.post(app.tenant("/oauth/device_authorization")).header("x-forwarded-for", "192.0.2.1").form(&form);
    assert_eq!(oauth.send().await.expect("an answer").status(), 429, "both doors count together");
    let guessed = "SELECT concat(subject, ' from ', from_address) FROM activity WHERE kind = 'secret_guessing_stopped' ORDER BY id";
    assert_eq!(app.texts(guessed).await, ["testclient1 from 192.0.2.1", "~~admin from 192.0.2.1"]);
}

#[tokio::test]
async fn deleting_a_client_deletes_its_data() {
    let app = TestApp::start().await;
    let (admin, client) = (app.admin("test").await, app.client());
    let key = client.make_key(json!({})).await;
    let named =
        json!({ "client_user_id": "testuser1", "host": "testhost1", "public_key_fingerprint": key["public_key_fingerprint"], "ttl_minutes": 5 });
    client.done("POST /reservations", named).await;
    let device = app.start_confidential_device().await;
    app.allow(&device).await;
    let token = app.poll_confidentially(&device).await.token();
    assert_eq!(admin.done("DELETE /client/del/testclient1", NONE).await["num_deleted"], 1);
    for table in ["pubkeys", "reservations", "delegations", "authorizations", "token_families", "device_grants"] {
        let left = app.dump("test").await[table].iter().filter(|row| row.contains("testclient1")).count();
        assert_eq!(left, 0, "{table}");
    }
    assert_eq!((app.api("/v1/tms/me", &token).await.status, client.get("/client/testclient1").await.status), (401, 401));
    assert!(!app.unauthenticated().gets_key(&super::api::login(&key)).await);
}
