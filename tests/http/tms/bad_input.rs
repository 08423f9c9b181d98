//! Invalid input at every endpoint: refused in TMS' format, never a server error.

use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::api::{ApiClient, changed};
use super::endpoints::{ApiClients, Endpoint, endpoints};
use super::error;
use crate::app::{Answer, TestApp};

/// Fields that may be missing or null.
const OPTIONAL: [(&str, &str); 7] = [
    ("POST /hosts/credential", "required"),
    ("DELETE /hosts/credential", "required"),
    ("POST /pubkeys/creds/retrieve", "user_uid"),
    ("PATCH /pubkeys", "ttl_minutes"),
    ("DELETE /pubkeys/del", "ttl_minutes"),
    ("DELETE /userhosts/del", "ttl_minutes"),
    ("DELETE /delegations/del", "ttl_minutes"),
];

fn with_bodies(callers: &ApiClients) -> Vec<(Endpoint, &ApiClient)> {
    let endpoints: Vec<_> = endpoints("test").into_iter().filter(Endpoint::takes_a_body).collect();
    assert!(endpoints.len() >= 22);
    endpoints.into_iter().map(|endpoint| (callers.for_whom(endpoint.who)[0], endpoint)).map(|(caller, endpoint)| (endpoint, caller)).collect()
}

async fn send(caller: &ApiClient, call: &str, body: impl Into<reqwest::Body>) -> Answer {
    Answer::of(caller.request(call).header(CONTENT_TYPE, "application/json").body(body)).await
}

/// Asserts success or a client error in TMS' format.
fn assert_handled(answer: &Answer, about: &str) {
    assert!((200..500).contains(&answer.status), "{about}: {} {}", answer.status, answer.body);
    if answer.status >= 400 {
        error(answer);
    }
}

#[tokio::test]
async fn bodies_other_than_json_objects_are_refused() {
    let app = TestApp::start().await;
    let callers = ApiClients::of(&app).await;
    let before = app.dump("test").await;
    let nested = |open: &str, close: &str| format!("{{\"extra\":{}{}}}", open.repeat(2_000), close.repeat(2_000));
    let bodies: Vec<Vec<u8>> = vec![
        b"".into(),
        b" ".into(),
        b"{".into(),
        b"null".into(),
        b"[]".into(),
        b"\"x\"".into(),
        b"1".into(),
        b"{}".into(),
        b"{}{}".into(),
        b"{'tenant':'test'}".into(),
        b"{\"tenant\":\"test\",}".into(),
        b"\xEF\xBB\xBF{}".into(),
        b"\xFF\xFE{\x00}\x00".into(),
        b"{\"tenant\":\"\xFF\"}".into(),
        b"{\"tenant\":\"\\ud800\"}".into(),
        b"{\"tenant\":\"a\x01b\"}".into(),
        b"tenant=test".into(),
        nested("[", "]").into(),
        nested("{\"a\":", "}").into(),
        "[".repeat(10_000).into(),
    ];
    for (Endpoint { call, .. }, caller) in with_bodies(&callers) {
        for body in &bodies {
            let answer = send(caller, &call, body.clone()).await;
            assert_eq!(error(&answer), 400, "{call} {}", String::from_utf8_lossy(&body[..body.len().min(40)]));
        }
    }
    assert_eq!(app.dump("test").await, before);
}

#[tokio::test]
async fn other_or_missing_content_type_is_refused() {
    let app = TestApp::start().await;
    let callers = ApiClients::of(&app).await;
    for (Endpoint { call, body, .. }, caller) in with_bodies(&callers) {
        assert_eq!(error(&Answer::of(caller.request(&call).body(body.to_string())).await), 415, "{call}");
        for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "application/merge-patch+json", "json", "", "text/json"]
        {
            let answer = Answer::of(caller.request(&call).header(CONTENT_TYPE, kind).body(body.to_string())).await;
            assert_eq!(error(&answer), 415, "{call} {kind}");
        }
        for kind in ["application/json; charset=utf-8", "APPLICATION/JSON", " application/json;x=y"] {
            let answer = Answer::of(caller.request(&call).header(CONTENT_TYPE, kind).body("{")).await;
            assert_eq!(error(&answer), 400, "{call} {kind}");
        }
    }
}

/// W13: the size of bodies was not limited.
#[tokio::test]
async fn bodies_over_16_kib_are_refused() {
    let app = TestApp::start().await;
    let callers = ApiClients::of(&app).await;
    for (Endpoint { call, .. }, caller) in with_bodies(&callers) {
        let of = |length: usize| format!("{{\"x\":\"{}\"}}", "a".repeat(length - 8));
        assert_eq!(error(&send(caller, &call, of(16 * 1024 + 1)).await), 413, "{call}");
        assert_eq!(error(&send(caller, &call, of(16 * 1024)).await), 400, "{call}: nothing that is needed is there");
    }
}

#[tokio::test]
async fn missing_null_or_mistyped_fields_are_refused() {
    let app = TestApp::start().await;
    let callers = ApiClients::of(&app).await;
    let before = app.dump("test").await;
    for (Endpoint { call, body, .. }, caller) in with_bodies(&callers) {
        for (name, value) in body.as_object().expect("an object") {
            let optional = OPTIONAL.contains(&(call.as_str(), name));
            if !optional {
                let mut without = body.clone();
                without.as_object_mut().expect("an object").remove(name);
                assert_eq!(caller.refusal(&call, without).await, 400, "{call} without {name}");
                assert_eq!(caller.refusal(&call, changed(body.clone(), json!({ name: null }))).await, 400, "{call} {name}: null");
            }
            // An ignored field may have any type.
            if optional && call.starts_with("DELETE") {
                continue;
            }
            let others: &[Value] = match value {
                Value::String(_) => &[json!([]), json!({}), json!(true), json!([["a"]])],
                Value::Bool(_) => &[json!(0), json!("true"), json!([]), json!("")],
                _ => &[json!("5"), json!(1.5), json!(true), json!([5]), json!(4_294_967_296_i64), json!(-2_147_483_649_i64), json!(1e99), json!("")],
            };
            for other in others {
                assert_eq!(caller.refusal(&call, changed(body.clone(), json!({ name: other }))).await, 400, "{call} {name}: {other}");
            }
        }
    }
    assert_eq!(app.dump("test").await, before);
}

#[tokio::test]
async fn duplicate_fields_are_refused() {
    let app = TestApp::start().await;
    let callers = ApiClients::of(&app).await;
    for (Endpoint { call, body, .. }, caller) in with_bodies(&callers) {
        for (name, value) in body.as_object().expect("an object") {
            let passed_over = call.starts_with("DELETE") && matches!(name.as_str(), "ttl_minutes" | "required");
            let twice = body.to_string().replacen('{', &format!("{{\"{name}\":{value},"), 1);
            if !passed_over {
                assert_eq!(error(&send(caller, &call, twice).await), 400, "{call} {name}");
            }
        }
    }
}

#[tokio::test]
async fn any_text_is_handled_without_fault() {
    let app = TestApp::start().await;
    let callers = ApiClients::of(&app).await;
    let texts = [
        "",
        " ",
        "*",
        "a*",
        "\u{0}",
        "testuser1\u{0}",
        "a b",
        "a\nb",
        "\u{1F511}",
        "\u{202E}x",
        "' OR '1'='1",
        "x\"; DROP TABLE people; --",
        "%",
        "_",
        "../..",
        "${x}",
    ];
    let long: Vec<String> = [129, 5_000].into_iter().map(|length| "a".repeat(length)).collect();
    for (Endpoint { call, body, .. }, caller) in with_bodies(&callers) {
        let fields: Vec<&String> = body.as_object().expect("an object").iter().filter(|(_, value)| value.is_string()).map(|(name, _)| name).collect();
        for name in fields {
            for text in texts.into_iter().chain(long.iter().map(String::as_str)) {
                let answer = caller.call(&call, changed(body.clone(), json!({ name: text }))).await;
                assert_handled(&answer, &format!("{call} {name}: {text:.40}"));
                let named = matches!(name.as_str(), "host" | "host_account" | "tms_user_id" | "client_user_id" | "client_id");
                if named && call != "POST /pubkeys/creds/retrieve" {
                    let fits = matches!(text, "_" | "../..");
                    assert_eq!(answer.status == 400, !fits, "{call} {name}: {text:.40}: {}", answer.body);
                    let sentence = answer.body["result_msg"].as_str().expect("a sentence");
                    assert!(!text.contains('*') || sentence.contains("the wildcard '*' is not supported"), "{sentence}");
                }
            }
        }
    }
}

/// TMS' own clients send additional fields, and numbers for texts.
#[tokio::test]
async fn unknown_fields_are_ignored_and_numbers_accepted() {
    let app = TestApp::start().await;
    let callers = ApiClients::of(&app).await;
    let more = json!({ "extra": { "deep": [1, null, "x"] }, "": 0, "Tenant": "other" });
    // Disables the tenant, so it comes last.
    let (last, first): (Vec<_>, Vec<_>) = with_bodies(&callers).into_iter().partition(|(endpoint, _)| endpoint.call.contains("/tenants/"));
    for (Endpoint { call, body, .. }, caller) in first.into_iter().chain(last) {
        let answer = caller.call(&call, changed(body, more.clone())).await;
        assert_handled(&answer, &call);
        assert_ne!(answer.status, 400, "{call}: {}", answer.body);
    }
    let app = TestApp::start().await;
    app.admin("test").await.done("POST /usermfa", json!({ "tenant": "test", "tms_user_id": 459_284, "ttl_minutes": 5 })).await;
    assert_eq!(app.admin("test").await.get("/usermfa/459284").await.body["tms_user_id"], "459284");
}

#[tokio::test]
async fn invalid_paths_and_queries_are_refused() {
    let app = TestApp::start().await;
    let callers = ApiClients::of(&app).await;
    let number = ["x", "1.0", "99999999999999999999", "1%20", "0x1", "%00", "1'"];
    for path in ["/userhosts/", "/delegations/", "/hosts/", "/pubkeys/id/"] {
        for wrong in number {
            assert_eq!(callers.admin.refusal(&format!("GET {path}{wrong}"), Value::Null).await, 400, "{path}{wrong}");
        }
        for none in ["0", "-1", "999999", "9223372036854775807"] {
            assert_eq!(callers.admin.refusal(&format!("GET {path}{none}"), Value::Null).await, 404, "{path}{none}");
        }
    }
    for wrong in number {
        assert_eq!(callers.person.refusal(&format!("DELETE /me/keys/{wrong}"), Value::Null).await, 400, "{wrong}");
    }
    for call in [
        "GET /client/%FF",
        "GET /usermfa/%FF",
        "DELETE /usermfa/del/%FF",
        "GET /tenants/%FF",
        "GET /reservations/testclient1/%FF",
        "DELETE /reservations/del/%FF/x",
        "PATCH /client/upd/testclient1?enabled=yes",
        "PATCH /client/upd/testclient1?enabled=",
        "PATCH /client/upd/testclient1?enabled=true&enabled=false",
        "PATCH /client/upd/testclient1?app_version=",
        "PATCH /client/upd/testclient1?app_version=%00",
        &format!("PATCH /client/upd/testclient1?app_version={}", "1".repeat(129)),
        "GET /hello?name=a&name=b",
    ] {
        assert_eq!(callers.admin.refusal(call, Value::Null).await, 400, "{call}");
    }
    assert_eq!(callers.admin.refusal("GET /reservations/testclient1/%00", Value::Null).await, 404);
    let long = "x".repeat(8_000);
    for call in [format!("GET /client/{long}"), format!("GET /usermfa/{long}"), format!("GET /reservations/testclient1/{long}")] {
        assert_eq!(callers.admin.refusal(&call, Value::Null).await, 404);
    }
}

#[tokio::test]
async fn invalid_headers_do_not_authenticate() {
    let app = TestApp::start().await;
    let (admin, client) = (app.admin("test").await, app.client());
    let bytes = reqwest::header::HeaderValue::from_bytes(b"\xFF\xFE").expect("a header value");
    for name in ["x-tms-tenant", "x-tms-client-id", "x-tms-client-secret"] {
        let answer = Answer::of(client.without(name).request("GET /client/testclient1").header(name, bytes.clone())).await;
        assert_eq!(error(&answer), if name == "x-tms-tenant" { 400 } else { 401 }, "{name}");
    }
    for (name, value) in
        [("x-tms-client-id", ""), ("x-tms-client-id", "testclient1 "), ("x-tms-client-secret", "secret1x"), ("x-tms-client-secret", "SECRET1")]
    {
        let status = client.with(name, value).call("GET /client/testclient1", Value::Null).await.status;
        // Whitespace around a header's value is not part of it (RFC 9110 §5.5).
        assert_eq!(status, if value.ends_with(' ') { 200 } else { 401 }, "{name}: {value}");
    }
    for id in ["", "~~ADMIN", "admin", "~~admin'--", &"a".repeat(4_000)] {
        assert_eq!(admin.with("x-tms-admin-id", id).refusal("GET /usermfa/list", Value::Null).await, 401, "{id:.20}");
    }
}
