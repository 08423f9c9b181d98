//! Guessing user codes: the limits, and that they persist.

use std::time::Duration;

use super::{WRONG, behind_proxy, signed_in_at};
use crate::app::{PASSWORD, TestApp};
use crate::browser::{Browser, Page, en};

const MINUTE: Duration = Duration::from_secs(60);

async fn enter_wrong_codes(browser: &Browser, times: usize) {
    for _ in 0..times {
        assert_eq!(browser.enter(WRONG).await.problem(), en().code_refused_not_valid());
    }
}

fn assert_limited(page: &Page, wait: Duration) {
    let said = match wait.as_secs() / 60 {
        60 => en().span_hours(1),
        minutes => en().span_minutes(i64::try_from(minutes).expect("a number")),
    };
    assert_eq!((page.status, page.problem()), (429, en().code_refused_too_many(said)));
    assert_eq!(page.retry_after(), Some(wait.as_secs()));
    assert!(page.has_error_title(), "{}", page.title());
}

#[tokio::test]
async fn sixth_wrong_code_of_a_session_is_limited() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    enter_wrong_codes(&browser, 5).await;
    let stopped = browser.enter(WRONG).await;
    assert_limited(&stopped, 10 * MINUTE);
    assert_eq!(stopped.field("user_code"), WRONG, "what was typed is kept");
    assert_eq!(app.count_audit_events("code_guessing_stopped").await, 1);

    let right = app.start_device().await.user_code;
    assert_limited(&browser.enter(&right).await, 10 * MINUTE);
    app.clock.advance(10 * MINUTE - Duration::from_millis(1));
    assert_eq!(browser.enter(&right).await.retry_after(), Some(1), "never 0");
    app.clock.advance(Duration::from_millis(1));
    assert_eq!(browser.enter(&right).await.status, 200);
}

#[tokio::test]
async fn valid_code_does_not_reset_the_limit() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    enter_wrong_codes(&browser, 4).await;
    let consent = browser.enter(&app.start_device().await.user_code).await;
    browser.allow(&consent).await;
    enter_wrong_codes(&browser, 1).await;
    assert_limited(&browser.enter(WRONG).await, 10 * MINUTE);
}

#[tokio::test]
async fn restart_does_not_reset_the_limit() {
    let mut app = TestApp::start().await;
    let mut browser = app.signed_in().await;
    enter_wrong_codes(&browser, 5).await;
    app.restart().await;
    browser.base.clone_from(&app.base);
    assert_limited(&browser.enter(WRONG).await, 10 * MINUTE);
}

#[tokio::test]
async fn attempts_before_sign_in_count_for_the_session() {
    let app = TestApp::start().await;
    let browser = app.browser();
    for _ in 0..5 {
        assert_eq!(browser.enter(WRONG).await.path, "/sign-in");
    }
    let stopped = browser.enter(&app.start_device().await.user_code).await;
    assert_eq!(stopped.path, "/device");
    assert_limited(&stopped, 10 * MINUTE);
    app.clock.advance(MINUTE);
    assert_limited(&browser.sign_in("test", "testuser1", PASSWORD).await, 9 * MINUTE);
}

#[tokio::test]
async fn account_is_limited_to_twenty_wrong_codes() {
    let app = behind_proxy().await;
    for place in 1..=4 {
        enter_wrong_codes(&signed_in_at(&app, &format!("192.0.2.{place}")).await, 5).await;
    }
    let fresh = signed_in_at(&app, "192.0.2.99").await;
    assert_limited(&fresh.enter(WRONG).await, 60 * MINUTE);
    app.add_person("test", "eve").await;
    let eve = app.browser_at("192.0.2.99");
    eve.sign_in("test", "eve", PASSWORD).await;
    enter_wrong_codes(&eve, 1).await;
}

#[tokio::test]
async fn network_is_limited_to_ten_wrong_codes_a_minute() {
    let app = behind_proxy().await;
    for network in [["198.51.100.7", "198.51.100.7", "198.51.100.7"], ["2001:db8::1", "2001:db8::2:1", "2001:db8::ffff:1"]] {
        for address in &network[..2] {
            let anonymous = app.browser_at(address);
            for _ in 0..5 {
                assert_eq!(anonymous.enter(WRONG).await.path, "/sign-in");
            }
        }
        let third = app.browser_at(network[2]);
        assert_limited(&third.enter(WRONG).await, MINUTE);
        app.clock.advance(MINUTE);
        assert_eq!(third.enter(WRONG).await.path, "/sign-in");
    }
    assert_eq!(app.browser_at("2001:db8:0:1::1").enter(WRONG).await.path, "/sign-in", "the neighbour is free");
}

#[tokio::test]
async fn client_cannot_choose_its_counted_ip() {
    let app = TestApp::start().await;
    for place in 1..=2 {
        let anonymous = app.browser_at(&format!("192.0.2.{place}"));
        for _ in 0..5 {
            anonymous.enter(WRONG).await;
        }
    }
    assert_limited(&app.browser_at("192.0.2.3").enter(WRONG).await, MINUTE);
}

#[tokio::test]
async fn anonymous_guessing_defers_codes_until_sign_in() {
    let app = TestApp::start().await;
    app.sql(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600) INSERT INTO attempts SELECT 'code visitors', 1795176000000 FROM n",
    )
    .await;
    let (browser, right) = (app.browser(), app.start_device().await.user_code);
    assert_eq!(browser.enter(&right).await.path, "/sign-in");
    assert_eq!(app.number("SELECT count(*) FROM device_grants WHERE claimed_session IS NOT NULL").await, 0, "it has not been looked at");
    assert!(browser.sign_in("test", "testuser1", PASSWORD).await.says(&right));
}

#[tokio::test]
async fn tenant_switch_keeps_no_code_of_other_sessions() {
    let app = TestApp::start().await;
    app.sql("UPDATE tenants SET local_passwords = true").await;
    let right = app.start_device().await.user_code;
    let browser = app.signed_in().await;
    let page = browser.post("/api/device/switch-tenant", &[("tenant", "default"), ("user_code", &right)]).await;
    assert!(
        page.words().contains(&format!("{} Default", en().sign_in_account_at())) && !page.words().contains(&en().sign_in_code_kept()),
        "{}",
        page.words()
    );
}

#[tokio::test]
async fn ignored_prefill_url_costs_no_attempts() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    for _ in 0..20 {
        browser.get(&format!("/device?user_code={WRONG}")).await;
    }
    assert_eq!(browser.enter(&app.start_device().await.user_code).await.status, 200);
}

#[tokio::test]
async fn codes_in_urls_have_separate_limits() {
    let app = TestApp::start().await;
    app.change_tenant("test", |tenant| tenant.policy.prefill_user_code = true).await;
    let browser = app.browser();
    for _ in 0..5 {
        browser.get(&format!("/device?user_code={WRONG}")).await;
    }
    let right = app.start_device().await.user_code;
    let limited = browser.get(&format!("/device?user_code={right}")).await;
    assert_eq!((limited.status, limited.field("user_code").as_str()), (200, ""), "a guesser learns no more");
    assert!(limited.says(en().device_not_filled_in()), "{}", limited.words());
    assert_eq!(browser.enter(&right).await.path, "/sign-in");
    assert!(browser.sign_in("test", "testuser1", PASSWORD).await.says(&right));
}

#[tokio::test]
async fn used_code_in_a_url_is_explained_without_attempt() {
    let app = TestApp::start().await;
    app.change_tenant("test", |tenant| tenant.policy.prefill_user_code = true).await;
    let used = app.start_device().await;
    let browser = app.allow(&used).await;
    for _ in 0..7 {
        let page = browser.get(&format!("/device?user_code={}", used.user_code)).await;
        assert_eq!((page.status, page.field("user_code").as_str()), (200, ""));
        assert!(page.says(en().device_not_filled_in()), "{}", page.words());
    }
    let next = app.start_device().await.user_code;
    assert_eq!(browser.enter(&next).await.status, 200);
    assert_eq!(app.number("SELECT count(*) FROM attempts WHERE key LIKE 'code session%'").await, 0);
}

#[tokio::test]
async fn used_up_attempts_block_codes_in_urls() {
    let app = TestApp::start().await;
    app.change_tenant("test", |tenant| tenant.policy.prefill_user_code = true).await;
    let browser = app.signed_in().await;
    enter_wrong_codes(&browser, 5).await;
    let right = app.start_device().await.user_code;
    assert_eq!(browser.get(&format!("/device?user_code={right}")).await.field("user_code"), "");
}
