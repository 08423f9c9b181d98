//! Internal faults: reported as 500, without details.

use serde_json::json;

use super::api::{ApiClient, key_request};
use super::endpoints::{ApiClients, Endpoint, Who, endpoints};
use super::error;
use crate::app::TestApp;

/// Asserts a fault without the database's message.
async fn assert_fault(caller: &ApiClient, call: &str, body: &serde_json::Value, broken: &str) {
    let answer = caller.call(call, body.clone()).await;
    assert!(matches!(error(&answer), 500 | 503), "{call} without {broken}: {} {}", answer.status, answer.body);
    assert_eq!(answer.status == 503, answer.headers.contains_key("retry-after"), "{call}");
    let told = answer.body.to_string().to_lowercase();
    assert!(!["sql", "table", "column", broken].iter().any(|word| told.contains(word)), "{told}");
}

/// W5: a failed look-up of a tenant, client or delegation was reported as not found.
#[tokio::test]
async fn failed_look_ups_are_server_errors() {
    let by_who = |whose: &'static [Who]| move |endpoint: &Endpoint| whose.contains(&endpoint.who);
    let of = |part: &'static str| move |endpoint: &Endpoint| endpoint.call.contains(part);
    type Concerns = Box<dyn Fn(&Endpoint) -> bool>;
    let broken: [(&str, &'static str, Concerns); 12] = [
        ("tenants", "ALTER TABLE tenants RENAME TO gone", Box::new(|e| !e.call.ends_with("/hello") && !e.call.ends_with("/version"))),
        ("tenant_admins", "ALTER TABLE tenant_admins RENAME TO gone", Box::new(by_who(&[Who::Admin]))),
        ("clients", "ALTER TABLE clients RENAME TO gone", Box::new(by_who(&[Who::Client, Who::Person]))),
        ("token_families", "ALTER TABLE token_families RENAME TO gone", Box::new(by_who(&[Who::Person]))),
        ("authorizations", "ALTER TABLE authorizations RENAME TO gone", Box::new(by_who(&[Who::Person]))),
        ("pubkeys", "ALTER TABLE pubkeys RENAME TO gone", Box::new(|e| e.call.contains("/pubkeys") || e.call.contains("/me/keys"))),
        ("user_mfa", "ALTER TABLE user_mfa RENAME TO gone", Box::new(|e| e.call.contains("/usermfa") || e.call.contains("/pubkeys/creds"))),
        (
            "host_accounts",
            "ALTER TABLE host_accounts RENAME TO gone",
            Box::new(|e| e.call.contains("/userhosts") || e.call.contains("/pubkeys/creds")),
        ),
        ("delegations", "ALTER TABLE delegations RENAME TO gone", Box::new(|e| e.call.contains("/delegations") || e.call.contains("/pubkeys/creds"))),
        ("host_names", "ALTER TABLE host_names RENAME TO gone", Box::new(of("/pubkeys/creds/retrieve"))),
        (
            "reservations",
            "ALTER TABLE reservations RENAME TO gone",
            Box::new(|e| e.call.contains("GET /reservations") || e.call.contains("DELETE /reservations")),
        ),
        ("host_credentials", "ALTER TABLE host_credentials RENAME TO gone", Box::new(of("/hosts/credential"))),
    ];
    for (table, statement, concerns) in broken {
        let app = TestApp::start().await;
        let callers = ApiClients::of(&app).await;
        app.sql(statement).await;
        let mut concerned = 0;
        // Some are refused before they access the table.
        let before = |endpoint: &Endpoint| table == "tenants" && endpoint.call.contains("/tenants/test") && endpoint.call.starts_with("POST");
        for endpoint in endpoints("test").into_iter().filter(|endpoint| concerns(endpoint) && !before(endpoint)) {
            for caller in callers.for_whom(endpoint.who) {
                concerned += 1;
                assert_fault(caller, &endpoint.call, &endpoint.body, table).await;
            }
        }
        assert!(concerned > 0, "{table}");
    }
}

/// W5, with all tables missing.
#[tokio::test]
async fn missing_database_is_a_fault_at_every_endpoint() {
    let app = TestApp::start().await;
    let callers = ApiClients::of(&app).await;
    app.services.close().await;
    for Endpoint { who, call, body } in
        endpoints("test").into_iter().filter(|endpoint| !matches!(endpoint.call.as_str(), "GET /hello" | "GET /version"))
    {
        for caller in callers.for_whom(who) {
            assert_fault(caller, &call, &body, "the database").await;
        }
    }
    assert_eq!(app.unauthenticated().get("/version").await.status, 200);
}

/// A response never claims that a key was stored if it was not.
#[tokio::test]
async fn keys_are_returned_only_if_stored() {
    let app = TestApp::start().await;
    app.refuse_writes("INSERT", "pubkeys").await;
    assert_fault(&app.client(), "POST /pubkeys/creds", &key_request(json!({})), "pubkeys").await;
    app.allow_writes("pubkeys").await;
    app.client().make_key(json!({})).await;
    assert_eq!(app.number("SELECT count(*) FROM pubkeys").await, 1);
}

/// A login that cannot be counted is refused; without a limit, a failing audit log does not matter.
#[tokio::test]
async fn uncounted_login_is_refused_only_with_a_limit() {
    let app = TestApp::start().await;
    let (limited, free) = (app.client().make_key(json!({ "num_uses": 5 })).await, app.client().make_key(json!({})).await);
    app.refuse_writes("UPDATE", "pubkeys").await;
    assert_fault(&app.unauthenticated(), "POST /pubkeys/creds/retrieve", &super::api::login(&limited), "pubkeys").await;
    assert!(app.unauthenticated().gets_key(&super::api::login(&free)).await);
}
