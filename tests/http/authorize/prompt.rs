//! What a request demands of the sign-in: `prompt`, `max_age`, `acr_values`, `login_hint` (OpenID Connect Core §3.1.2.1).

use std::time::Duration;

use super::{Hub, answer, asks, decide, error_of};
use crate::app::PASSWORD;
use crate::browser::{Browser, Page, en};
use crate::second_factors::App;

const SECOND: Duration = Duration::from_secs(1);

/// Signs in on the page that asks for it.
async fn sign_in(browser: &Browser, page: &Page, user: &str) -> Page {
    assert_eq!(page.path, "/sign-in", "{}", page.words());
    let fields = page.form("/sign-in/password");
    let mut form: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    form.retain(|(name, _)| !["user_name", "password"].contains(name));
    form.extend([("user_name", user), ("password", PASSWORD)]);
    browser.follow_out(browser.post_once("/sign-in/password", &form)).await
}

/// T24 to T26, S34.
#[tokio::test]
async fn none_shows_no_page() {
    let hub = Hub::start().await;
    let none = ("prompt", "none");
    assert_eq!(error_of(&hub.open(&hub.app.browser(), &[none]).await), "login_required");
    let browser = hub.app.signed_in().await;
    assert_eq!(error_of(&hub.open(&browser, &[none]).await), "consent_required");
    hub.app.clock.advance(10 * SECOND);
    assert_eq!(error_of(&hub.open(&browser, &[none, ("max_age", "5")]).await), "login_required");
    let page = hub.open(&browser, &[("scope", "openid hosts:read")]).await;
    decide(&browser, &page, &[("decision", "allow"), ("lifetime", "604800")]).await;
    let page = hub.open(&browser, &[none]).await;
    assert!(page.left_for.is_some(), "no page: {}", page.words());
    assert_eq!(hub.redeem(&answer(&page)["code"]).await.status, 200);
    assert_eq!(error_of(&hub.open(&browser, &[none, ("scope", "openid keys:read")]).await), "consent_required", "it is wider");
    assert_eq!(error_of(&hub.open(&browser, &[none, ("max_age", "0")]).await), "login_required");
}

/// T28, T29, S36, S39.
#[tokio::test]
async fn sign_in_must_be_as_recent_as_demanded() {
    let hub = Hub::start().await;
    let browser = hub.app.signed_in().await;
    hub.app.clock.advance(10 * SECOND);
    assert!(asks(&hub.open(&browser, &[("max_age", "10000")]).await) && asks(&hub.open(&browser, &[("max_age", "10")]).await));
    for demand in [("prompt", "login"), ("max_age", "0"), ("max_age", "9")] {
        hub.app.clock.advance(10 * SECOND);
        let page = hub.open(&browser, &[demand]).await;
        assert!(page.path == "/sign-in" && page.says("name=\"again\""), "{demand:?}: {}", page.words());
        let requested_at = hub.app.services.now().as_millis();
        hub.app.clock.advance(SECOND);
        // Its address alone does not help.
        let then = page.field("then");
        assert_eq!(browser.get(&then).await.path, "/sign-in");
        let page = sign_in(&browser, &page, "testuser1").await;
        assert!(asks(&page), "{demand:?}: {}", page.words());
        // However long the person reads.
        hub.app.clock.advance(60 * SECOND);
        answer(&decide(&browser, &page, &[("decision", "allow")]).await);
        let authenticated = hub.app.number("SELECT max(authenticated_at) FROM authorization_codes").await;
        assert!(authenticated > requested_at, "{authenticated} {requested_at}");
    }
}

/// T30, S40.
#[tokio::test]
async fn second_factor_is_presented_by_those_who_have_one() {
    let hub = Hub::start().await;
    let mfa = ("acr_values", "https://refeds.org/profile/mfa https://refeds.org/profile/sfa");
    let browser = hub.app.signed_in().await;
    assert!(asks(&hub.open(&browser, &[mfa]).await), "voluntary: who has none signs in with one");
    let other = hub.app.signed_in().await;
    let own = App::scan(&other.get("/identities/app").await);
    other.post("/api/second-factors/app", &[("code", &own.code(&hub.app))]).await;
    assert!(asks(&hub.open(&other, &[mfa]).await), "it was presented when it was enrolled");
    hub.app.clock.advance(30 * SECOND);
    let page = hub.open(&browser, &[mfa]).await;
    assert_eq!(page.path, "/sign-in/second-factor", "{}", page.words());
    let form = [("again", "1"), ("then", &*page.field("then")), ("code", &own.code(&hub.app))];
    let page = browser.post("/sign-in/second-factor/show", &form).await;
    assert!(asks(&page), "{}", page.words());
    decide(&browser, &page, &[("decision", "allow")]).await;
    assert_eq!(hub.app.number("SELECT count(*) FROM authorization_codes WHERE second_factor_at IS NOT NULL").await, 1);
}

/// Follows the link of the page on which the account is chosen.
async fn keep_account(browser: &Browser, page: &Page) -> Page {
    let link = page.text.split_once("class=\"decide\"").and_then(|(_, form)| form.split_once("<a href=\"")).expect("a link to keep the account").1;
    browser.get(&link.split('"').next().expect("its end").replace("&amp;", "&")).await
}

/// T32, S38.
#[tokio::test]
async fn account_is_confirmed_or_changed_first() {
    let hub = Hub::start().await;
    hub.app.add_person("test", "eve").await;
    let browser = hub.app.signed_in().await;
    hub.app.clock.advance(SECOND);
    let choose = ("prompt", "select_account consent");
    assert_eq!(error_of(&hub.open(&browser, &[("prompt", "select_account"), ("scope", "phone")]).await), "invalid_scope");
    let page = hub.open(&browser, &[choose]).await;
    assert!(page.title().contains(&en().authorize_choose()) && !asks(&page), "{}", page.words());
    assert!(page.words().contains(&format!("Test User ({})", en().person_at("testuser1", "Test"))), "{}", page.words());
    let kept = keep_account(&browser, &page).await;
    assert!(asks(&kept), "{}", kept.words());

    let page = hub.open(&browser, &[choose]).await;
    let sign_in_page = browser.post("/api/authorize/change-account", &[("request", &page.field("request"))]).await;
    hub.app.clock.advance(SECOND);
    let page = sign_in(&browser, &sign_in_page, "eve").await;
    assert!(asks(&page) && page.words().contains(&en().person_at("eve", "Test")), "whoever signs in has chosen: {}", page.words());
}

/// What is refused on the consent page leads back to it, not to the choice of the account.
#[tokio::test]
async fn confirmed_account_stays_confirmed() {
    let hub = Hub::start().await;
    let browser = hub.app.signed_in().await;
    hub.app.clock.advance(SECOND);
    let page = hub.open(&browser, &[("prompt", "select_account"), ("scope", "openid hosts:read")]).await;
    let kept = keep_account(&browser, &page).await;
    let refused = decide(&browser, &kept, &[("decision", "allow"), ("lifetime", "x")]).await;
    assert!(refused.status == 422 && asks(&refused), "{}", refused.words());
    assert_eq!(refused.problem(), en().decision_refused_lifetime());
}

/// S41.
#[tokio::test]
async fn login_hint_fills_in_the_name_and_decides_nothing() {
    let hub = Hub::start().await;
    hub.app.add_person("test", "eve").await;
    let browser = hub.app.browser();
    let page = hub.open(&browser, &[("login_hint", "eve\"><b>")]).await;
    assert_eq!(page.path, "/sign-in");
    assert!(!page.says("<b>") && page.says("eve&quot;&gt;"), "{}", page.text);
    let page = hub.open(&browser, &[("login_hint", "eve")]).await;
    assert_eq!(page.field("user_name"), "eve");
    assert!(asks(&sign_in(&browser, &page, "testuser1").await));
}

/// A request for an account of another tenant than the one that is signed in.
#[tokio::test]
async fn account_of_another_tenant_is_changed() {
    let hub = Hub::start().await;
    hub.app.add_dora().await;
    let dora = hub.app.signed_in_as("default", "dora", PASSWORD).await;
    let page = hub.open(&dora, &[]).await;
    assert!(page.says(en().authorize_other_tenant("hub", "Test")) && !asks(&page), "{}", page.words());
    let sign_in_page = dora.post("/api/authorize/change-account", &[("request", &page.field("request"))]).await;
    assert_eq!(sign_in_page.field("tenant"), "test");
    assert!(asks(&sign_in(&dora, &sign_in_page, "testuser1").await));
    let silent = hub.open(&hub.app.signed_in_as("default", "dora", PASSWORD).await, &[("prompt", "none")]).await;
    assert_eq!(error_of(&silent), "login_required");
}
