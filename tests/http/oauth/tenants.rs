//! `GET /t`, and device grants of tenants without a sign-in method.

use serde_json::{Value, json};

use super::{error, refused};
use crate::app::{Answer, TestApp};

async fn listed(app: &TestApp) -> Value {
    let answer = Answer::of(app.http.get(app.url("/t"))).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    answer.body["tenants"].clone()
}

#[tokio::test]
async fn only_tenants_with_sign_in_are_listed() {
    let app = TestApp::start().await;
    let test = listed(&app).await;
    assert_eq!(test.as_array().map(Vec::len), Some(1), "`default` has no way in: {test}");
    assert_eq!((&test[0]["tenant"], &test[0]["issuer"]), (&json!("test"), &json!(app.tenant(""))));
    app.change_tenant("default", |tenant| tenant.policy.local_passwords = true).await;
    assert_eq!(listed(&app).await.as_array().map(Vec::len), Some(2));
    app.change_tenant("test", |tenant| tenant.enabled = false).await;
    let left = listed(&app).await;
    assert_eq!((left.as_array().map(Vec::len), &left[0]["tenant"]), (Some(1), &json!("default")), "what is switched off is not told");
}

#[tokio::test]
async fn tenant_without_sign_in_issues_no_device_codes() {
    let app = TestApp::start().await;
    let path = app.url("/t/default/oauth/device_authorization");
    let ask = async || Answer::of(app.http.post(&path).form(&[("client_id", "tms-cli")])).await;
    let answer = ask().await;
    assert_eq!(error(&answer), refused(400, "unauthorized_client"));
    assert_eq!(answer.body["error_description"], "Users cannot sign in to this tenant: it has no sign-in method.");
    app.change_tenant("default", |tenant| tenant.policy.local_passwords = true).await;
    assert_eq!(ask().await.status, 200);
}
