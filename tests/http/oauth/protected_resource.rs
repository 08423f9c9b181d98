//! T109: RFC 9728, for the TMS API.

use serde_json::json;

use crate::app::{Answer, TestApp};

const PATH: &str = "/.well-known/oauth-protected-resource/v1/tms";

#[tokio::test]
async fn metadata_names_the_issuers_where_people_sign_in() {
    let app = TestApp::start().await;
    let answer = Answer::of(app.http.get(app.url(PATH)).header("origin", "https://elsewhere.example")).await;
    assert_eq!((answer.status, answer.header("content-type"), answer.header("access-control-allow-origin")), (200, "application/json", "*"));
    let expected = json!({
        "resource": app.url("/v1/tms"),
        "authorization_servers": [app.tenant("")],
        "scopes_supported": ["hosts:read", "keys:read", "keys:create", "keys:revoke"],
        "bearer_methods_supported": ["header"],
        "resource_name": "TMS API",
        "resource_documentation": app.url("/docs/api"),
    });
    assert_eq!(answer.body, expected);
    app.change_tenant("test", |tenant| tenant.enabled = false).await;
    assert_eq!(Answer::of(app.http.get(app.url(PATH))).await.body["authorization_servers"], json!([]));
    let post = Answer::of(app.http.post(app.url(PATH))).await;
    assert_eq!((post.status, post.error()), (405, "invalid_request"));
}

/// S162.
#[tokio::test]
async fn challenges_lead_to_the_metadata() {
    let app = TestApp::start().await;
    let metadata = format!("resource_metadata=\"{}\"", app.url(PATH));
    let challenge = |answer: &Answer| (answer.status, answer.header("www-authenticate").to_owned());
    let none = Answer::of(app.http.get(app.url("/v1/tms/me"))).await;
    assert_eq!(challenge(&none), (401, format!("Bearer realm=\"tms\", {metadata}")));
    for (path, token) in [("/v1/tms/me", "x"), ("/v1/tms/client/list", "x")] {
        let (status, challenge) = challenge(&app.api(path, token).await);
        assert_eq!(status, 401, "{path}");
        assert!(challenge.starts_with("Bearer realm=\"tms\", error=\"invalid_token\"") && challenge.ends_with(&metadata), "{path}: {challenge}");
    }
    let refused = app.api("/v1/tms/me/keys", &app.token().await).await;
    assert_eq!(challenge(&refused), (403, "Bearer realm=\"tms\", error=\"insufficient_scope\", scope=\"keys:read\"".into()));
    assert_eq!(Answer::of(app.http.get(app.url(PATH))).await.body["resource"], app.url("/v1/tms"), "the audience of its tokens");
}
