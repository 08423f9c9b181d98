//! `/admin`: the figures, what they count, and their lists.

use std::time::Duration;

use serde_json::json;
use tms_portal::domain::paths;

use super::deployment_administrator;
use crate::app::TestApp;
use crate::browser::{Page, en};
use crate::tms::api::login;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The figure before this label.
fn figure(page: &Page, label: &str) -> Option<u64> {
    let (before, _) = page.text.split_once(label)?;
    let figure = before.rsplit_once("class=\"figure\">")?.1;
    figure.split('<').next()?.parse().ok()
}

/// Ten wrong passwords from one address, which lock a user name out.
async fn lock_out(app: &TestApp, user: &str) {
    let browser = app.browser();
    for _ in 0..10 {
        browser.sign_in("test", user, "wrong").await;
    }
}

#[tokio::test]
async fn overview_counts_hosts_and_lists_them() {
    let app = TestApp::start().await;
    let admin = app.admin("test").await;
    for host in ["frontera", "ls6"] {
        admin.done("POST /hosts", json!({ "tenant": "test", "host": host, "addr": "192.0.2.7" })).await;
    }
    app.host(&admin, "test", "frontera", false).await;
    let browser = app.signed_in().await;
    let page = browser.get(paths::ADMIN).await;
    assert_eq!(figure(&page, &en().admin_figure_silent_hosts(0)), Some(0), "{}", page.words());
    let without = figure(&page, &en().admin_figure_no_credential(2)).or(figure(&page, &en().admin_figure_no_credential(1))).expect("a figure");
    let listed = browser.get("/admin/hosts?show=no-credential").await;
    assert!(listed.says("ls6") && !listed.says("frontera"), "{}", listed.words());
    assert_eq!(listed.text.matches("class=\"row-card\"").count() as u64, without);

    let key = app.client().make_key(json!({})).await;
    app.unauthenticated().call("POST /pubkeys/creds/retrieve", login(&key)).await;
    app.clock.advance(DAY + Duration::from_secs(60));
    let browser = app.signed_in().await;
    assert_eq!(figure(&browser.get(paths::ADMIN).await, &en().admin_figure_silent_hosts(1)), Some(1));
    let listed = browser.get("/admin/hosts?show=silent").await;
    assert!(listed.says("testhost1") && !listed.says("ls6"), "{}", listed.words());
}

#[tokio::test]
async fn overview_counts_sign_ins_and_names_who_is_locked_out() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    app.add_person("test", "eve").await;
    lock_out(&app, "eve").await;
    let page = browser.get(paths::ADMIN).await;
    assert_eq!(figure(&page, &en().admin_figure_locked_out(1)), Some(1), "{}", page.words());
    assert!(page.says("href=\"/admin/people/person?user=eve\""), "{}", page.text);
    assert!(page.says(en().admin_chart_summary(1, 10)), "{}", page.words());
    let eve = browser.get("/admin/people/person?user=eve").await;
    assert!(eve.says(en().admin_people_blocked(en().format_wait(Duration::from_secs(600)))), "{}", eve.words());
    assert_eq!(page.text.matches("<tr><th scope=\"row\">").count(), 24, "the table has each hour");
    let never = format!("<dt>{}</dt><dd>{}</dd>", en().admin_people_last_sign_in(), en().never());
    assert!(eve.says(&never), "{}", eve.text);
    assert!(!browser.get("/admin/people/person?user=testuser1").await.says(&never));
    app.clock.advance(Duration::from_secs(11 * 60));
    let later = browser.get(paths::ADMIN).await;
    assert_eq!(figure(&later, &en().admin_figure_locked_out(0)), Some(0), "{}", later.words());
    assert!(!browser.get("/admin/people/person?user=eve").await.says(en().admin_people_allow_sign_in()));
}

#[tokio::test]
async fn administrator_allows_sign_in_again() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    for person in ["eve", "eve2"] {
        app.add_person("test", person).await;
        lock_out(&app, person).await;
    }
    browser.post("/api/admin/people/change", &[("user", "eve"), ("change", "allow-sign-in")]).await;
    assert!(!browser.get("/admin/people/person?user=eve").await.says(en().admin_people_allow_sign_in()));
    assert!(browser.get("/admin/people/person?user=eve2").await.says(en().admin_people_allow_sign_in()), "only that account is unblocked");
    let stranger = app.browser();
    stranger.sign_in("test", "eve2", "wrong").await;
    stranger.post("/api/admin/people/change", &[("user", "eve2"), ("change", "allow-sign-in")]).await;
    assert!(browser.get("/admin/people/person?user=eve2").await.says(en().admin_people_allow_sign_in()));
}

#[tokio::test]
async fn attempts_at_names_without_an_account_lock_out_no_person() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    lock_out(&app, "no-account").await;
    let page = browser.get(paths::ADMIN).await;
    assert_eq!(figure(&page, &en().admin_figure_locked_out(0)), Some(0), "{}", page.words());
    assert!(!page.says("no-account"), "{}", page.words());
}

#[tokio::test]
async fn overview_counts_reports_rotated_secrets_and_missing_factors() {
    let app = TestApp::start().await;
    let admin = app.admin("test").await;
    admin.done("PATCH /client/secret/testclient1", json!({})).await;
    let browser = app.signed_in().await;
    browser.post("/api/device/report", &[("user_code", &app.start_device().await.user_code)]).await;
    let page = browser.get(paths::ADMIN).await;
    assert_eq!(figure(&page, &en().admin_figure_reports(1)), Some(1), "{}", page.words());
    assert_eq!(figure(&page, &en().admin_figure_secrets(1)), Some(1), "{}", page.words());
    assert!(page.says("href=\"/admin/clients/client?client=testclient1\""), "the rotated secret is named: {}", page.text);
    assert_eq!(figure(&page, &en().admin_figure_no_factor(1)), Some(1), "{}", page.words());
    assert!(browser.get("/admin/people?show=no-factor").await.says("testuser1"));
    assert!(browser.get("/admin/activity?q=reported").await.says(en().admin_title()));
}

#[tokio::test]
async fn overview_counts_the_own_tenant_only() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    app.add_person("test", "eve").await;
    lock_out(&app, "eve").await;
    assert_eq!(figure(&browser.get(paths::ADMIN).await, &en().admin_figure_locked_out(1)), Some(1));
    let dora = deployment_administrator(&app).await;
    let page = dora.get(paths::ADMIN).await;
    assert_eq!(figure(&page, &en().admin_figure_locked_out(0)), Some(0), "{}", page.words());
}
