//! `/v1/tms/hello`, `/v1/tms/version`, and the exact requests of deployed clients.

use reqwest::Method;
use serde_json::json;

use super::api::{login, text};
use super::error;
use crate::app::{Answer, TestApp};

#[tokio::test]
async fn hello_contains_name_and_tenant() {
    let app = TestApp::start().await;
    let greet = async |path: &str, tenant: Option<&str>| {
        let caller = tenant.map_or_else(|| app.unauthenticated(), |tenant| app.unauthenticated().with("x-tms-tenant", tenant));
        let answer = caller.request(&format!("GET /hello{path}")).send().await.expect("an answer");
        (answer.status().as_u16(), answer.headers()["content-type"].to_str().expect("ASCII").to_owned(), answer.text().await.expect("a text"))
    };
    let plain = |text: &str| (200, "text/plain; charset=utf-8".to_owned(), text.to_owned());
    assert_eq!(greet("", None).await, plain("hello!"));
    assert_eq!(greet("?name=tapis", None).await, plain("hello, tapis!"));
    assert_eq!(greet("?name=%3Cscript%3E", None).await, plain("hello, <script>!"));
    assert_eq!(greet("", Some("test")).await, plain("hello! The current tenant is test."));
    for tenant in ["nowhere", "a b", ""] {
        assert_eq!(greet("", Some(tenant)).await.0, 400, "{tenant}");
    }
}

/// The four requests of the load test that a replacement of the old server must pass, as that program sends them.
#[tokio::test]
async fn load_test_requests_succeed() {
    let app = TestApp::start().await;
    let client = |method: Method, path: &str| {
        app.http
            .request(method, app.url(&format!("/v1/tms/{path}")))
            .header("X-TMS-TENANT", "test")
            .header("X-TMS-CLIENT-ID", "testclient1")
            .header("X-TMS-CLIENT-SECRET", "secret1")
            .header("Content-Type", "application/json")
    };
    let version = Answer::of(app.http.get(app.url("/v1/tms/version"))).await;
    assert_eq!((version.status, version.header("content-type")), (200, "application/json"));
    assert_eq!(Answer::of(client(Method::GET, "client/testclient1")).await.status, 200);
    let body = r#"{"client_user_id":"testuser1","host":"testhost1","host_account":"testhostaccount1","num_uses":-1,"ttl_minutes":-1,"key_type":""}"#;
    let key = Answer::of(client(Method::POST, "pubkeys/creds").header("Accept", "application/json").body(body)).await;
    assert_eq!(key.status, 201, "{}", key.body);
    let fingerprint = text(&key.body["public_key_fingerprint"]);
    let body = format!(
        r#"{{"host":"testhost1","keytype":"ssh-ed25519","public_key_fingerprint":"{fingerprint}","user":"testhostaccount1","user_uid":"1001"}}"#
    );
    let lookup = app.http.post(app.url("/v1/tms/pubkeys/creds/retrieve")).header("Content-Type", "application/json").body(body);
    let shown = Answer::of(lookup).await;
    assert_eq!((shown.status, &shown.body["public_key"]), (200, &key.body["public_key"]));
}

/// The request of `tms_keycmd` 0.1.1.
#[tokio::test]
async fn lookup_of_deployed_hosts_succeeds() {
    let app = TestApp::start().await;
    let key = app.client().make_key(json!({ "key_type": "" })).await;
    let body = super::api::changed(login(&key), json!({ "user_uid": "1001", "key_type": "ssh-ed25519" }));
    let shown = app.unauthenticated().done("POST /pubkeys/creds/retrieve", body).await;
    assert_eq!(shown["public_key"], key["public_key"]);
}

/// W6: some errors were plain text, some HTML, some a closed connection.
#[tokio::test]
async fn all_responses_below_v1_have_one_format() {
    let app = TestApp::start().await;
    for (call, status) in [
        ("GET /nothing", 404),
        ("GET /client/testclient1/", 404),
        ("GET /client//list", 404),
        ("POST /client/list", 405),
        ("PUT /client", 405),
        ("OPTIONS /pubkeys/creds", 405),
        ("DELETE /version", 405),
        ("GET /pubkeys", 405),
        ("PATCH /pubkeys/creds/retrieve", 405),
    ] {
        let answer = app.unauthenticated().call(call, serde_json::Value::Null).await;
        assert_eq!(error(&answer), status, "{call}");
        assert_eq!(answer.header("allow").is_empty(), status == 404, "{call}");
    }
    let html = app.unauthenticated().with("accept", "text/html").get("/nothing").await;
    assert_eq!(error(&html), 404, "and to browsers too");
    assert_eq!(app.unauthenticated().request("HEAD /version").send().await.expect("an answer").status(), 200);
}
