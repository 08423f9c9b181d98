//! Isolation of tenants at every endpoint.

use serde_json::{Value, json};

use super::api::{EVERYTHING, NO_KEY, text};
use super::endpoints::{Endpoint, Who, endpoints};
use crate::app::{PASSWORD, TestApp};

/// `test` with a key and a reservation, and a second tenant with the same names and nothing else. `about` fills in the ids of
/// created rows.
async fn two_tenants() -> (TestApp, impl Fn(&str) -> Vec<Endpoint>) {
    let app = TestApp::start().await;
    let client = app.client();
    let key = client.make_key(json!({ "num_uses": 5 })).await;
    let named =
        json!({ "client_user_id": "testuser1", "host": "testhost1", "public_key_fingerprint": key["public_key_fingerprint"], "ttl_minutes": 5 });
    let resid = text(&client.done("POST /reservations", named).await["resid"]).to_owned();
    app.admin("test").await.done("POST /hosts/credential", json!({ "tenant": "test", "host": "testhost1" })).await;
    let fingerprint = text(&key["public_key_fingerprint"]).to_owned();
    let about = move |tenant: &str| {
        let filled_in = |endpoint: Endpoint| {
            let body = endpoint.body.to_string().replace(NO_KEY, &fingerprint).replace("\"x\"", &format!("\"{resid}\""));
            let call = endpoint.call.strip_suffix("/x").map_or(endpoint.call.clone(), |call| format!("{call}/{resid}"));
            Endpoint { call, body: serde_json::from_str(&body).expect("JSON"), ..endpoint }
        };
        endpoints(tenant).into_iter().map(filled_in).collect()
    };
    (app, about)
}

/// Texts that only `test` has.
const SECRETS: [&str; 3] = ["testapp1", "127.0.0.1", "ssh-ed25519 AAAA"];

#[tokio::test]
async fn table_refers_to_existing_objects() {
    let (app, about) = two_tenants().await;
    let (admin, client) = (app.admin("test").await, app.client());
    for Endpoint { who, call, body } in
        about("test").into_iter().filter(|endpoint| endpoint.only_reads() && !matches!(endpoint.who, Who::Person | Who::Host))
    {
        let caller = if who == Who::Either { &client } else { &admin };
        caller.done_or_greeted(&call, body).await;
    }
}

impl super::api::ApiClient {
    async fn done_or_greeted(&self, call: &str, body: Value) {
        let answer = self.call(call, body).await;
        assert_eq!(answer.status, 200, "{call}: {}", answer.body);
    }
}

#[tokio::test]
async fn callers_of_one_tenant_are_refused_in_another() {
    let (app, about) = two_tenants().await;
    let admin = app.add_tenant("other").await;
    app.change_tenant("other", |tenant| tenant.policy.local_passwords = true).await;
    app.add_person("other", "testuser1").await;
    let client = app.add_client(&admin, "other", "testclient1").await;
    let device = app.start_device_at("other", &[("client_id", "tms-cli"), ("scope", EVERYTHING)]).await;
    let browser = app.signed_in_as("other", "testuser1", PASSWORD).await;
    app.allow_for(&browser, &device, &[]).await;
    let form = [("client_id", "tms-cli"), ("grant_type", crate::app::DEVICE_CODE_GRANT), ("device_code", &device.device_code)];
    let token = crate::app::Answer::of(app.http.post(app.url("/t/other/oauth/token")).form(&form)).await.token();
    let person = app.bearer(&token);
    let before = app.dump("test").await;

    // They name the other tenant in the header, where their credentials are invalid.
    for Endpoint { call, body, .. } in about("test").into_iter().filter(|endpoint| endpoint.who != Who::Anybody && endpoint.who != Who::Person) {
        for stranger in [admin.with("x-tms-tenant", "test"), client.with("x-tms-tenant", "test")] {
            let status = stranger.refusal(&call, body.clone()).await;
            assert!(matches!(status, 400 | 401), "{call}: {status}");
        }
    }
    // They name objects of the other tenant: in the body, in the path, by row id.
    for Endpoint { who, call, body } in about("test").into_iter().filter(|endpoint| endpoint.who != Who::Anybody) {
        let callers = if who == Who::Person { vec![&person] } else { vec![&client, &admin] };
        for stranger in callers {
            let answer = stranger.call(&call, body.clone()).await;
            let told = answer.body.to_string();
            assert!(answer.status < 500 && !SECRETS.iter().any(|secret| told.contains(secret)), "{call}: {told}");
            assert!(body["tenant"] != "test" || answer.status >= 400, "{call}: {told}");
        }
    }
    assert_eq!(app.dump("test").await, before);
}

/// The same calls with objects of their own tenant: they change that one only.
#[tokio::test]
async fn changes_in_one_tenant_do_not_affect_another() {
    let (app, about) = two_tenants().await;
    let admin = app.add_tenant("other").await;
    let client = app.add_client(&admin, "other", "testclient1").await;
    app.add_all(&admin, "other", "testclient1", "testuser1", "testhost1", "testhostaccount1").await;
    client.make_key(json!({})).await;
    let before = app.dump("test").await;
    // Calls that disable the caller come last.
    let (last, first): (Vec<_>, Vec<_>) = about("other").into_iter().filter(|endpoint| endpoint.who != Who::Person).partition(|endpoint| {
        ["/client/upd", "/client/secret", "/client/del", "PATCH /tenants", "DELETE /tenants"].iter().any(|end| endpoint.call.contains(end))
    });
    for Endpoint { who, call, body } in first.into_iter().chain(last) {
        let callers = if who == Who::Admin { vec![&admin] } else { vec![&client, &admin] };
        for caller in callers {
            let answer = caller.call(&call, body.clone()).await;
            let told = answer.body.to_string();
            assert!(answer.status < 500 && !told.contains("testapp1"), "{call}: {told}");
        }
    }
    assert_eq!(app.dump("test").await, before);
}
