//! Notifications on the home page.

use std::time::Duration;

use serde_json::json;
use tms_portal::domain::ids::{ClientId, UserId};

use crate::app::{PASSWORD, Setup, TestApp};
use crate::browser::{Browser, Page, en};

pub async fn behind_proxy() -> TestApp {
    TestApp::start_as(Setup { behind_proxy: true, ..Setup::default() }).await
}

/// Signs the test person in from an address.
pub async fn signed_in_at(app: &TestApp, address: &str) -> Browser {
    let browser = app.browser_at(address);
    assert_eq!(browser.sign_in("test", "testuser1", PASSWORD).await.status, 200);
    browser
}

/// Presses the first button of a form with the values that it has.
async fn press(browser: &Browser, page: &Page, action: &str) -> Page {
    let form = page.form(action);
    browser.post(action, &form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>()).await
}

const DISMISS: &str = "/api/notifications/dismiss";
const DISMISS_ALL: &str = "/api/notifications/dismiss-all";

#[tokio::test]
async fn sign_in_from_a_new_network_is_reported() {
    let app = behind_proxy().await;
    let title = en().notifications_title();
    let heading = format!(">{title}</h2>");
    assert!(!signed_in_at(&app, "192.0.2.1").await.get("/").await.says(&heading), "the first sign-in");
    assert!(!signed_in_at(&app, "192.0.2.99").await.get("/").await.says(&heading), "the same network");
    let browser = signed_in_at(&app, "2001:db8:1::1").await;
    let page = browser.get("/").await;
    assert!(page.says(&heading) && page.words().contains(&en().notification_new_network("2001:db8:1::1")), "{}", page.words());
    assert!(page.says("href=\"/activity?show=sign-ins\""), "where it offers what ends it");
    let dismissed = press(&browser, &page, DISMISS).await;
    assert_eq!(dismissed.path, "/");
    assert!(dismissed.says(en().notifications_dismissed()) && !dismissed.says(&heading), "{}", dismissed.words());
    app.clock.advance(Duration::from_secs(91 * 86_400));
    app.services.run_housekeeping().await.expect("tidied");
    let page = signed_in_at(&app, "192.0.2.1").await.get("/").await;
    assert!(page.words().contains(&en().notification_new_network("192.0.2.1")), "not seen for 90 days: {}", page.words());
}

#[tokio::test]
async fn keys_of_an_application_are_reported_once() {
    let app = TestApp::start().await;
    let keys = async || {
        for _ in 0..3 {
            app.client().make_key(json!({})).await;
        }
        app.number("SELECT count(*) FROM notifications WHERE kind = 'application_keys'").await
    };
    assert_eq!(keys().await, 1);
    let browser = app.signed_in().await;
    let page = browser.get("/").await;
    assert!(page.words().contains(&en().notification_application_keys("testapp1")), "{}", page.words());
    assert!(page.says("href=\"/keys?q=app%3Atestclient1"));
    press(&browser, &page, DISMISS).await;
    assert_eq!(keys().await, 1, "on the same day");
    app.clock.advance(Duration::from_secs(86_400));
    assert_eq!(keys().await, 2, "the next day");
    app.clock.advance(Duration::from_secs(3 * 86_400));
    assert_eq!(keys().await, 2, "as long as it is not dismissed");
}

#[tokio::test]
async fn allowed_application_leads_to_its_revocation() {
    let app = TestApp::start().await;
    // On two devices: the link does not end one that is not meant.
    let tokens = [app.token().await, app.token().await];
    let browser = app.signed_in().await;
    let page = browser.get("/").await;
    assert!(page.words().contains(&en().notification_application_allowed_on("TMS command line", "curl 8.9, 127.0.0.1")), "{}", page.words());
    assert_eq!(page.text.matches("href=\"/apps/revoke?client=tms-cli\"").count(), 2, "{}", page.text);
    assert!(browser.get("/apps/revoke?client=tms-cli").await.says("TMS command line"));
    browser.post("/api/apps/revoke", &[("client", "tms-cli")]).await;
    for token in tokens {
        assert_eq!(app.api("/v1/tms/me", &token).await.status, 401);
    }
    let page = browser.get("/").await;
    assert!(page.says("href=\"/keys/revoke-everything\"") && !page.says("/apps/revoke?"), "without access: {}", page.text);
}

#[tokio::test]
async fn replayed_device_code_is_reported() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    let browser = app.allow(&device).await;
    app.poll(&device).await.token();
    app.clock.advance(Duration::from_secs(10));
    app.poll(&device).await;
    let words = browser.get("/").await.words();
    assert!(words.contains(&en().notification_device_replayed("TMS command line")), "{words}");
}

#[tokio::test]
async fn removed_second_factor_hides_the_admins_address() {
    let app = TestApp::start().await;
    app.sql("INSERT INTO totp (tenant_id, user_id, secret_sealed, last_step, created_at) VALUES ('test', 'testuser1', unhex('00'), 0, 0)").await;
    let person = UserId::parse("testuser1").expect("a person");
    assert!(app.services.reset_second_factors(&app.operator("test").await, &person).await.expect("an answer"));
    assert!(app.signed_in().await.get("/").await.words().contains(&en().notification_second_factor_removed()));
    assert_eq!(app.number("SELECT count(*) FROM notifications WHERE from_address IS NOT NULL").await, 0);
}

#[tokio::test]
async fn others_cannot_see_or_dismiss_a_notification() {
    let app = TestApp::start().await;
    app.add_person("test", "eve").await;
    app.client().make_key(json!({})).await;
    let eve = app.signed_in_as("test", "eve", PASSWORD).await;
    let page = eve.get("/").await;
    assert!(!page.says(DISMISS), "{}", page.words());
    let id = app.number("SELECT max(id) FROM notifications").await.to_string();
    assert!(eve.post(DISMISS, &[("id", &id)]).await.says(en().notifications_gone()));
    assert!(eve.post(DISMISS_ALL, &[("newest", "9999")]).await.says(en().notifications_gone()));
    assert_eq!(app.number("SELECT count(*) FROM notifications WHERE dismissed_at IS NOT NULL").await, 0);
    assert!(eve.post(DISMISS, &[("id", "nonsense")]).await.status >= 400);
}

#[tokio::test]
async fn all_that_were_shown_are_dismissed_at_once() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    let browser = app.allow(&device).await;
    app.client().make_key(json!({})).await;
    let page = browser.get("/").await;
    app.allow(&app.start_device().await).await;
    let after = press(&browser, &page, DISMISS_ALL).await;
    assert!(after.says(en().notifications_dismissed()));
    let words = after.words();
    assert!(words.contains(&en().notification_application_allowed_on("TMS command line", "curl 8.9, 127.0.0.1")), "newer than the page: {words}");
    assert_eq!(app.number("SELECT count(*) FROM notifications WHERE dismissed_at IS NULL").await, 1);
}

#[tokio::test]
async fn notifications_are_bounded_in_number_and_time() {
    let app = TestApp::start().await;
    app.add_person("test", "eve").await;
    let (operator, client) = (app.operator("test").await, ClientId::parse("testclient1").expect("a client"));
    let eve = UserId::parse("eve").expect("a person");
    for _ in 0..60 {
        app.services.create_delegation(&operator, &client, &eve, -1).await.expect("created");
        app.services.revoke_delegation(&operator, &client, &eve).await.expect("revoked");
    }
    assert_eq!(app.number("SELECT count(*) FROM notifications").await, 50);
    let page = app.signed_in_as("test", "eve", PASSWORD).await.get("/").await;
    assert!(page.says(en().notifications_older(47)), "{}", page.words());
    app.clock.advance(Duration::from_secs(91 * 86_400));
    app.services.run_housekeeping().await.expect("tidied");
    assert_eq!(app.number("SELECT count(*) FROM notifications").await, 0);
}

#[tokio::test]
async fn names_in_notifications_are_escaped() {
    let app = TestApp::start().await;
    app.sql("UPDATE clients SET app_name = '<b>X</b>' WHERE client_id = 'testclient1'").await;
    app.client().make_key(json!({})).await;
    let page = app.signed_in().await.get("/").await;
    assert!(page.says("&lt;b&gt;X&lt;/b&gt;") && !page.says("<b>X</b>"), "{}", page.text);
}

#[tokio::test]
async fn registered_key_leads_to_its_revocation() {
    const PUBLIC_KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIErqSGC5Fd9/VWqg20dtfAYEmp4uPDSwenE5VfeMKJvA jdoe@laptop";
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let account = app.texts("SELECT id FROM host_accounts WHERE tenant_id = 'test' AND user_id = 'testuser1' LIMIT 1").await.remove(0);
    browser.get("/keys/add").await;
    browser.post("/api/keys/add", &[("host_account", account.as_str()), ("public_key", PUBLIC_KEY), ("days", "7")]).await;
    let page = browser.get("/").await;
    let link = "/keys/revoke?q=SHA256%3AZ/Fn8ioe1ARfZ2DK7IhiMfPhs4E8WPyk3yJfI3BRjEI&show=active&all=1";
    assert!(page.says(format!("href=\"{}\"", link.replace('&', "&amp;"))), "{}", page.text);
    assert!(browser.get(link).await.says(en().keys_revoke_question(1)));
    app.clock.advance(Duration::from_secs(8 * 86_400));
    assert!(app.signed_in().await.get(link).await.says(en().keys_none_selected_title()), "it has ended");
}
