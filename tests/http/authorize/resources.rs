//! RFC 8707: access to resource servers besides the TMS API.

use serde_json::json;

use super::{HUB, Hub, answer, decide};
use crate::browser::en;
use crate::clients::READER;
use crate::oauth::resources::DATA;
use crate::oauth::{claims, error, refused};

const ASKED: [(&str, &str); 2] = [("scope", "openid read hosts:read"), ("resource", DATA)];

#[tokio::test]
async fn code_gives_access_to_the_resource_of_its_request() {
    let hub = Hub::start().await;
    let reader = hub.app.register_data().await;
    let browser = hub.app.signed_in().await;
    let page = hub.open(&browser, &ASKED).await;
    assert!(page.says(en().authorize_question_resources(HUB)) && page.says("Use read for you") && page.says(DATA), "{}", page.text);
    assert!(!page.text.contains("host_accounts[]"), "the TMS API is not named");
    let code = answer(&decide(&browser, &page, &[("decision", "allow"), ("lifetime", "604800")]).await)["code"].clone();
    assert_eq!(error(&hub.redeem_with(&code, &[("resource", "https://other.example.org")]).await), refused(400, "invalid_target"));
    let tokens = hub.redeem_with(&code, &[("resource", DATA)]).await;
    let token = tokens.token();
    assert_eq!((&claims(&token)["aud"], &claims(&token)["scope"]), (&json!(DATA), &json!("read")));
    assert_eq!(hub.app.api("/v1/tms/me", &token).await.status, 401);
    assert_eq!(hub.app.introspect(READER, &reader, &token).await.body["active"], true);
    assert!(browser.get("/apps").await.says(en().apps_may_at("read", DATA)));

    let again = answer(&hub.open(&browser, &ASKED).await);
    assert!(again.contains_key("code"), "consent is in force");
    let wider = hub.open(&browser, &[("scope", "openid read write"), ("resource", DATA)]).await;
    assert!(wider.says("Use write for you"), "{}", wider.text);
}

#[tokio::test]
async fn sign_in_only_gives_no_access_to_resources() {
    let hub = Hub::start().await;
    hub.app.register_data().await;
    let browser = hub.app.signed_in().await;
    let page = hub.open(&browser, &ASKED).await;
    let code = answer(&decide(&browser, &page, &[("decision", "sign_in")]).await)["code"].clone();
    assert_eq!(error(&hub.redeem_with(&code, &[("resource", DATA)]).await), refused(400, "invalid_target"));
    assert_eq!(hub.redeem(&code).await.body["scope"], "openid");
    assert_eq!(hub.app.number("SELECT count(*) FROM authorizations WHERE resources <> ''").await, 0);
}
