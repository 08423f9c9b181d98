//! Consent in force and remembered consent: when the page is not shown.

use std::time::Duration;

use tms_portal::domain::ids::ClientId;

use super::{Changes, HOUR, Hub, answer, asks, decide, redirect};
use crate::app::PASSWORD;
use crate::browser::{Browser, Page};

const DELEGATED: (&str, &str) = ("scope", "openid hosts:read keys:create");

async fn remember(hub: &Hub, browser: &Browser, changes: Changes<'_>) -> Page {
    let page = hub.open(browser, changes).await;
    assert!(asks(&page) && page.says("name=\"remember\""), "{}", page.words());
    let onward = decide(browser, &page, &[("decision", "allow"), ("remember", "yes")]).await;
    answer(&onward);
    onward
}

/// Whether the browser returns with a code, and no page is shown.
fn is_silent(page: &Page) -> bool {
    page.left_for.is_some() && answer(page).contains_key("code")
}

/// T46, S57.
#[tokio::test]
async fn sign_in_is_remembered_until_something_changes() {
    let hub = Hub::start().await;
    let browser = hub.app.signed_in().await;
    let wide = ("scope", "openid profile");
    remember(&hub, &browser, &[wide]).await;
    // Another session: the first authorization ends with its own.
    let browser = hub.app.signed_in().await;
    hub.app.sql("UPDATE authorizations SET ended_at = 1, end_reason = 'client' WHERE client_id = 'hub'").await;
    let page = hub.open(&browser, &[]).await;
    assert!(is_silent(&page), "narrower: {}", page.words());
    assert_eq!(hub.redeem(&answer(&page)["code"]).await.body["scope"], "openid");
    hub.app.sql("UPDATE authorizations SET ended_at = 1, end_reason = 'client' WHERE client_id = 'hub'").await;
    assert!(asks(&hub.open(&browser, &[("prompt", "consent")]).await), "S37");
    assert!(asks(&hub.open(&browser, &[("scope", "openid profile offline_access")]).await), "wider");
    assert!(asks(&hub.open(&browser, &[("scope", "openid hosts:read")]).await), "wider");
    hub.app.add_person("test", "eve").await;
    assert!(asks(&hub.open(&hub.app.signed_in_as("test", "eve", PASSWORD).await, &[wide]).await), "another person");

    let elsewhere = "https://other.example.org/cb";
    hub.change(move |_, uris| uris.redirect.push(redirect(elsewhere))).await;
    assert!(asks(&hub.open(&browser, &[("redirect_uri", elsewhere)]).await), "another host");
    assert!(is_silent(&hub.open(&browser, &[wide]).await));
    hub.app.sql("UPDATE authorizations SET ended_at = 1, end_reason = 'client' WHERE client_id = 'hub'").await;
    hub.app.sql("UPDATE clients SET app_name = 'Hub 2' WHERE client_id = 'hub'").await;
    let renamed = hub.open(&browser, &[wide]).await;
    assert!(asks(&renamed), "another name: {}", renamed.words());
    remember(&hub, &browser, &[wide]).await;
    hub.app.clock.advance(Duration::from_secs(365 * 24 * HOUR));
    assert!(asks(&hub.open(&hub.app.signed_in().await, &[wide]).await), "a year later");
}

#[tokio::test]
async fn only_sign_in_is_remembered() {
    let hub = Hub::start().await;
    let browser = hub.app.signed_in().await;
    for scope in ["openid hosts:read", "openid offline_access"] {
        let page = hub.open(&browser, &[("scope", scope)]).await;
        assert!(!page.says("name=\"remember\""), "{scope}");
        answer(&decide(&browser, &page, &[("decision", "allow"), ("remember", "yes")]).await);
    }
    assert_eq!(hub.app.number("SELECT count(*) FROM consents").await, 0);
}

#[tokio::test]
async fn withdrawal_forgets_the_consent() {
    let hub = Hub::start().await;
    let browser = hub.app.signed_in().await;
    remember(&hub, &browser, &[]).await;
    assert_eq!(hub.app.number("SELECT count(*) FROM consents").await, 1);
    let form = browser.get("/keys/revoke-everything").await.form("/api/keys/revoke-everything");
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain([("confirm", "yes")]).collect();
    let page = browser.post("/api/keys/revoke-everything", &form).await;
    assert_eq!(page.status, 200, "{}", page.words());
    assert_eq!(hub.app.number("SELECT count(*) FROM consents").await, 0);
    assert!(asks(&hub.open(&browser, &[]).await));
}

/// Also when nothing else is left of the access: the authorization of a sign-in ends with its session.
#[tokio::test]
async fn end_of_a_clients_access_forgets_the_consent() {
    let hub = Hub::start().await;
    let browser = hub.app.signed_in().await;
    remember(&hub, &browser, &[]).await;
    hub.app.sql("UPDATE authorizations SET ended_at = 1, end_reason = 'client' WHERE client_id = 'hub'").await;
    let operator = hub.app.operator("test").await;
    let client = ClientId::parse("hub").expect("a client");
    hub.app.services.revoke_client_access(&operator, &client).await.expect("ended");
    assert_eq!(hub.app.number("SELECT count(*) FROM consents").await, 0);
    assert!(asks(&hub.open(&browser, &[]).await));
}

/// T26, T47, S58.
#[tokio::test]
async fn consent_in_force_needs_no_page_until_a_day_before_its_end() {
    let hub = Hub::start().await;
    let browser = hub.app.signed_in().await;
    let page = hub.open(&browser, &[DELEGATED]).await;
    answer(&decide(&browser, &page, &[("decision", "allow"), ("lifetime", "604800")]).await);
    let page = hub.open(&browser, &[DELEGATED]).await;
    assert!(is_silent(&page), "{}", page.words());
    let tokens = hub.redeem(&answer(&page)["code"]).await;
    assert_eq!(tokens.body["authorization_expires_in"], 604_800, "the same date");
    assert!(is_silent(&hub.open(&browser, &[("scope", "hosts:read")]).await), "narrower");
    assert!(asks(&hub.open(&browser, &[("scope", "hosts:read keys:read")]).await), "wider");
    assert!(asks(&hub.open(&browser, &[("prompt", "consent"), DELEGATED]).await), "S37");
    assert_eq!(hub.app.number("SELECT count(*) FROM authorizations WHERE client_id = 'hub'").await, 1);

    hub.app.clock.advance(Duration::from_secs((7 * 24 - 25) * HOUR));
    let browser = hub.app.signed_in().await;
    assert!(is_silent(&hub.open(&browser, &[DELEGATED]).await), "25 hours before");
    hub.app.clock.advance(Duration::from_secs(2 * HOUR - 60));
    let browser = hub.app.signed_in().await;
    assert!(asks(&hub.open(&browser, &[DELEGATED]).await), "23 hours before");
}

#[tokio::test]
async fn access_of_a_sign_in_ends_with_the_session() {
    let hub = Hub::start().await;
    let (code, browser) = hub.code(&[("scope", "openid profile")]).await;
    let tokens = hub.redeem(&code).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    assert_eq!(hub.app.number("SELECT count(*) FROM token_families WHERE client_id = 'hub' AND ended_at IS NULL").await, 1);
    browser.post("/sign-out", &[]).await;
    assert_eq!(hub.app.number("SELECT count(*) FROM token_families WHERE client_id = 'hub' AND ended_at IS NULL").await, 0);
}
