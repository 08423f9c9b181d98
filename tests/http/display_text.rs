//! Display names: one rule for all inputs.

use serde_json::json;

use crate::app::TestApp;
use crate::browser::en;
use crate::institution::Institution;

/// Invisible characters, or characters that hide what follows.
const INVISIBLE: [&str; 6] = ["TMS\u{200b} command line", "\u{200b}\u{200c}", "Alice\u{202e}nimda", "\u{2800}", "\u{3164}", "TM\u{200d}S"];
const VALID_NAMES: [&str; 4] = ["علی‌رضا مختبر", "José Ñandú", "👩‍💻 lab", "क्ष"];

#[tokio::test]
async fn api_refuses_invisible_names() {
    let app = TestApp::start().await;
    let admin = app.admin("test").await;
    let hidden = |field: &str| format!("ERROR: {field} contains invisible characters or control characters.");
    let client = |name: &str, id: usize| json!({ "tenant": "test", "client_id": format!("client{id}"), "app_name": name, "app_version": "1" });
    for (n, name) in INVISIBLE.into_iter().enumerate() {
        let answer = admin.call("POST /client", client(name, n)).await;
        assert_eq!((answer.status, answer.body["result_msg"].as_str()), (400, Some(&*hidden("app_name"))), "{name:?}");
        let answer = admin.call("POST /hosts", json!({ "tenant": "test", "host": "h", "addr": name })).await;
        assert_eq!((answer.status, answer.body["result_msg"].as_str()), (400, Some(&*hidden("addr"))), "{name:?}");
        let answer = admin.call("POST /hosts", json!({ "tenant": "test", "host": name, "addr": "10.0.0.1" })).await;
        assert_eq!((answer.status, answer.body["result_msg"].as_str()), (400, Some(&*hidden("host"))), "{name:?}");
    }
    for (n, name) in VALID_NAMES.into_iter().enumerate() {
        admin.done("POST /client", client(name, 100 + n)).await;
    }
    assert_eq!(app.texts("SELECT app_name FROM clients WHERE client_id = 'client100'").await, [VALID_NAMES[0]]);
    admin.done("POST /client", client("Jose\u{301}  \u{a0}1", 200)).await;
    assert_eq!(app.texts("SELECT app_name FROM clients WHERE client_id = 'client200'").await, ["José 1"], "kept in one form");
}

#[tokio::test]
async fn pages_refuse_invisible_names() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    for name in INVISIBLE {
        for (path, form) in [
            ("/api/admin/people/add", vec![("user", "eve"), ("display_name", name)]),
            ("/api/admin/clients/add", vec![("client", "c1"), ("app_name", name), ("app_version", "1")]),
            ("/api/admin/clients/add", vec![("client", "c1"), ("app_name", "Jupyter"), ("app_version", name)]),
            ("/api/admin/clients/add", vec![("client", name), ("app_name", "Jupyter"), ("app_version", "1")]),
            ("/api/admin/hosts/add", vec![("host", "h"), ("address", name)]),
            ("/api/admin/hosts/add", vec![("host", name), ("address", "10.0.0.1")]),
        ] {
            let page = browser.post(path, &form).await;
            assert!(page.problem().contains(&en().name_refused_invisible()), "{path} {name:?}: {}", page.words());
        }
    }
    assert_eq!(app.texts("SELECT CAST(count(*) AS TEXT) FROM people WHERE user_id = 'eve'").await, ["0"]);
    for (n, name) in VALID_NAMES.into_iter().enumerate() {
        browser.post("/api/admin/people/add", &[("user", &format!("p{n}")), ("display_name", name)]).await;
    }
    assert_eq!(app.texts("SELECT display_name FROM people WHERE user_id LIKE 'p_' ORDER BY user_id").await, VALID_NAMES);
}

#[tokio::test]
async fn names_from_providers_are_sanitized() {
    let (app, institution) = (TestApp::start().await, Institution::start().await);
    app.add_institution(&institution, "open").await;
    let claims = json!({ "sub": "1", "preferred_username": "jos\u{e9}@uni.example", "name": "Jos\u{e9}\u{200b} \u{202e}Nandu" });
    app.sign_in_with_new_browser(&institution, claims).await;
    app.sign_in_with_new_browser(&institution, json!({ "sub": "2", "preferred_username": "\u{200b}", "name": "\u{2800}" })).await;
    let people = app.texts("SELECT concat(user_id, ' ', display_name) FROM people WHERE user_id LIKE '%~campus%' ORDER BY user_id").await;
    assert_eq!(people, ["jose@uni.example~campus José Nandu", "user~campus user~campus"]);
    let labels = app.texts("SELECT label FROM identities ORDER BY subject").await;
    assert_eq!(labels, ["josé@uni.example · Campus", "2 · Campus"]);
}
