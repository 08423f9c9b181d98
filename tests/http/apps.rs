//! `/apps`: delegations of a person.

use std::time::Duration;

use serde_json::json;

use crate::app::{PASSWORD, TestApp};
use crate::browser::{Browser, Page, en};
use crate::tms::api::login;

const DAY: u64 = 86_400;

/// The ids of the revocable delegations on a page.
fn revocable(page: &Page) -> Vec<String> {
    let links = page.text.split("/apps/change?app=").skip(1).filter_map(|rest| rest.split('"').next());
    links.filter_map(|link| link.split("&").next().filter(|_| link.contains("end=1")).map(str::to_owned)).collect()
}

async fn consent(app: &TestApp, browser: &Browser) -> String {
    let device = app.start_device().await;
    let consent = browser.enter(&device.user_code).await;
    browser.allow(&consent).await;
    app.poll(&device).await.token()
}

#[tokio::test]
async fn person_lists_and_revokes_delegations() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let token = consent(&app, &browser).await;
    let words = browser.get("/apps").await.words();
    for part in [
        "TMS command line",
        &en().apps_by_consent(),
        "testhostaccount1@testhost1",
        "testapp1 1.0",
        &en().apps_by_admin(),
        &en().apps_every_host_account(),
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    assert!(words.contains(&en().apps_may_create_keys()), "{words}");
    let number = revocable(&browser.get("/apps?q=command").await).remove(0);
    let question = browser.get(&format!("/apps/change?app={number}&end=1")).await;
    assert!(question.says(en().apps_end_question("TMS command line")), "{}", question.words());
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 200);
    let page = browser.post("/api/apps/end", &[("app", &number)]).await;
    assert!(page.path == "/apps" && page.says(en().apps_ended()), "{}", page.words());
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 401);
    assert!(browser.post("/api/apps/end", &[("app", &number)]).await.says(en().change_refused_gone()));
    assert!(browser.get("/apps?show=ended").await.words().contains("TMS command line"));
    assert_eq!(app.count_audit_events("device_withdrawn").await, 1);
}

#[tokio::test]
async fn revoking_admin_delegation_revokes_its_keys() {
    let app = TestApp::start().await;
    let key = app.client().make_key(json!({})).await;
    let browser = app.signed_in().await;
    let number = revocable(&browser.get("/apps").await).remove(0);
    assert!(browser.get(&format!("/apps/change?app={number}&end=1")).await.says(en().apps_end_consequence(1)));
    browser.post("/api/apps/end", &[("app", &number)]).await;
    assert!(!app.client().gets_key(&login(&key)).await);
    assert_eq!(app.client().call("POST /pubkeys/creds", crate::tms::api::key_request(json!({}))).await.status, 403, "nor can it make another");
    assert_eq!(app.number("SELECT count(*) FROM pubkeys").await, 0);
    assert!(browser.get("/apps").await.says(en().apps_empty_title()));
}

#[tokio::test]
async fn consent_expiry_changes_within_the_policy() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let token = consent(&app, &browser).await;
    let number = revocable(&browser.get("/apps?q=command").await).remove(0);
    let change = async |seconds: u64| browser.post("/api/apps/change", &[("app", &number), ("ends", &seconds.to_string())]).await;
    assert!(change(3_600).await.words().contains(&en().apps_changed("20 November 2026, 13:00 UTC")));
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 200);
    assert!(change(31 * DAY).await.says(en().change_refused_too_long()));
    assert!(change(0).await.says(en().change_refused_in_the_past()));
    app.clock.advance(Duration::from_secs(3_600));
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 401, "the token ends with it, although it says otherwise itself");
    assert!(change(DAY).await.says(en().change_refused_gone()), "what has run out is asked for anew");
    assert_eq!(app.count_audit_events("delegation_changed").await, 1);
}

#[tokio::test]
async fn admin_delegation_can_only_be_shortened() {
    let app = TestApp::start().await;
    app.sql("UPDATE delegations SET expires_at = 1795176000000 + 10 * 86400000").await;
    let browser = app.signed_in().await;
    let number = revocable(&browser.get("/apps").await).remove(0);
    let page = browser.get(&format!("/apps/change?app={number}")).await;
    assert!(page.words().contains("7 days") && !page.words().contains("30 days"), "{}", page.words());
    let change = async |days: u64| browser.post("/api/apps/change", &[("app", &number), ("ends", &(days * DAY).to_string())]).await;
    assert!(change(30).await.says(en().change_refused_not_yours()));
    assert!(change(7).await.tells(|x| en().apps_changed(format!("27 November 2026{x}"))));
}

#[tokio::test]
async fn delegations_of_others_cannot_be_changed() {
    let app = TestApp::start().await;
    app.add_person("test", "eve").await;
    app.add_person("default", "testuser1").await;
    app.add_dora().await;
    let owner = app.signed_in().await;
    let number = revocable(&owner.get("/apps").await).remove(0);
    let before = app.dump("test").await["delegations"].clone();
    for (tenant, user) in [("test", "eve"), ("default", "testuser1")] {
        let other = app.signed_in_as(tenant, user, PASSWORD).await;
        assert!(other.get("/apps").await.says(en().apps_empty_title()));
        for address in
            [format!("/apps/change?app={number}"), format!("/apps/change?app={number}&end=1"), "/apps/change?app=x".into(), "/apps/change".into()]
        {
            assert_eq!(other.get(&address).await.status, 404, "{address}");
        }
        assert!(other.post("/api/apps/end", &[("app", &number)]).await.says(en().change_refused_gone()));
        assert!(other.post("/api/apps/change", &[("app", &number), ("ends", "3600")]).await.says(en().change_refused_gone()));
    }
    assert_eq!(app.dump("test").await["delegations"], before);
}

#[tokio::test]
async fn last_use_is_written_once_per_minute() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let token = consent(&app, &browser).await;
    app.api("/v1/tms/me", &token).await;
    // It is written after the response: the next write waits for it.
    app.services.run_housekeeping().await.expect("tidied");
    let used = app.number("SELECT coalesce(max(last_used_at), 0) FROM device_grants").await;
    app.clock.advance(Duration::from_secs(30));
    app.api("/v1/tms/me", &token).await;
    app.services.run_housekeeping().await.expect("tidied");
    assert_eq!(app.number("SELECT max(last_used_at) FROM device_grants").await, used);
    assert!(
        used > 0
            && browser.get("/apps?q=command").await.words().contains(&format!("{} {}", en().apps_last_used(), en().span_ago(en().span_seconds(30))))
    );
}
