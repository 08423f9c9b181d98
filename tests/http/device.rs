//! `/device`: entering the code.

mod consent;
mod guessing;
mod host_accounts;
mod report;
mod restrictions;
mod result;
mod sessions;
mod tabs;

use std::time::Duration;

use crate::app::{Device, PASSWORD, Setup, TestApp};
use crate::browser::{Browser, Page, en, holds};

/// A valid code that was not issued.
pub const WRONG: &str = "BBBB-BBBB";

#[tokio::test]
async fn device_is_approved_without_javascript() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    assert_eq!(app.poll(&device).await.error(), "authorization_pending");
    let browser = app.browser();

    let sign_in = browser.enter(&device.user_code.to_lowercase()).await;
    assert_eq!((sign_in.status, sign_in.path.as_str()), (200, "/sign-in"), "{}", sign_in.text);
    let consent = browser.sign_in("test", "testuser1", PASSWORD).await;
    assert_eq!((consent.status, consent.path.as_str()), (200, "/device"), "{}", consent.text);
    assert!(consent.says(&device.user_code), "{}", consent.text);
    let result = browser.allow(&consent).await;
    assert!(result.says(en().result_connected()), "{}", result.text);

    let token = app.poll(&device).await;
    assert_eq!(token.status, 200, "{}", token.body);
    let me = app.api("/v1/tms/me", token.body["access_token"].as_str().expect("a token")).await;
    assert_eq!((me.status, me.body["tms_user_id"].as_str()), (200, Some("testuser1")));
    assert!(browser.get(&result.address).await.tells(|x| en().pickup_at_from(x, x)));
}

#[tokio::test]
async fn all_spellings_of_a_code_are_accepted() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let code = app.start_device().await.user_code;
    let letters = code.replace('-', "");
    let wide: String = code.chars().map(|c| char::from_u32(u32::from(c) + 0xFEE0).expect("a full-width letter")).collect();
    let typed = [
        code.clone(),
        code.to_lowercase(),
        letters.clone(),
        format!("  {letters}\r\n"),
        code.replace('-', " "),
        code.replace('-', "\u{2013}"),
        code.replace('-', "\u{2011}"),
        letters.split("").collect::<Vec<_>>().join(" "),
        wide,
        format!("Code: {code}"),
        format!("{}/device?user_code={code}&lang=en", app.base),
        code.replace('-', "\0"),
        code.replace('-', "\u{30fc}"),
        format!("{}/device?user_code={}", app.base, code.replace('-', "%2D")),
        format!("To sign in, open {}/device in a browser and enter the code {code}. It is good for 15 minutes.", app.base),
    ];
    for typed in typed {
        browser.post("/api/device/another", &[]).await;
        let page = browser.enter(&typed).await;
        assert!(page.status == 200 && holds(page.title(), |client| en().consent_question(client)) && page.says(&code), "{typed:?}: {}", page.words());
    }
}

#[tokio::test]
async fn malformed_code_is_explained_with_the_fix() {
    let app = TestApp::start().await;
    let anonymous = app.browser();
    let person = app.signed_in().await;
    for (typed, sentence) in [
        ("", en().code_refused_empty()),
        ("   - ", en().code_refused_empty()),
        ("B", en().code_refused_length(1)),
        ("WDJB-MJ", en().code_refused_length(6)),
        ("WDJB-MJHTX", en().code_refused_length(9)),
        ("WDJB-MJH0", en().code_refused_impossible()),
        ("WDOB-MJHT", en().code_refused_impossible()),
        ("WDJB-MJHT or BCDF-GHJK", en().code_refused_ambiguous()),
    ] {
        for browser in [&anonymous, &person] {
            let page = browser.enter(typed).await;
            assert_eq!((page.status, page.path.as_str(), page.problem().as_str()), (422, "/device", sentence.as_str()), "{typed:?}");
            assert!(page.has_error_title(), "{}", page.title());
            assert_eq!(page.field("user_code"), typed, "what was typed is kept");
            assert!(page.says("aria-invalid=\"true\"") && page.says("aria-describedby=\"user-code-error"), "{}", page.text);
        }
    }
    assert_eq!(app.number("SELECT count(*) FROM attempts").await, 0, "a typing mistake is no guess");
    assert_eq!(person.get("/device").await.status, 200, "an error is said once");
}

/// The page without what always differs.
fn comparable(page: &Page, typed: &str) -> (u16, String, String) {
    (page.status, page.path.clone(), page.words().replace(typed, "TYPED"))
}

#[tokio::test]
async fn unknown_expired_and_used_codes_look_alike() {
    let app = TestApp::start().await;
    let old = app.start_device().await;
    app.clock.advance(Duration::from_secs(15 * 60));
    let [allowed, fetched, denied] = [app.start_device().await, app.start_device().await, app.start_device().await];
    let owner = app.signed_in().await;
    owner.allow(&owner.enter(&allowed.user_code).await).await;
    owner.allow(&owner.enter(&fetched.user_code).await).await;
    assert_eq!(app.poll(&fetched).await.status, 200);
    owner.deny(&owner.enter(&denied.user_code).await).await;

    let browser = app.signed_in().await;
    let unknown = browser.enter(WRONG).await;
    assert_eq!((unknown.status, unknown.problem().as_str()), (422, en().code_refused_not_valid().as_str()));
    for Device { user_code, .. } in [&old, &allowed, &fetched, &denied] {
        let page = browser.enter(user_code).await;
        assert_eq!(comparable(&page, user_code), comparable(&unknown, WRONG));
    }
}

#[tokio::test]
async fn valid_code_looks_invalid_before_sign_in() {
    let app = TestApp::start().await;
    let right = app.start_device().await.user_code;
    let (one, other) = (app.browser(), app.browser());
    assert_eq!(comparable(&one.enter(&right).await, &right), comparable(&other.enter(WRONG).await, WRONG));
    for path in ["/", "/device", "/device/report", "/sign-in"] {
        assert_eq!(comparable(&one.get(path).await, &right), comparable(&other.get(path).await, WRONG), "{path}");
    }
    let refused = other.sign_in("test", "testuser1", PASSWORD).await;
    assert_eq!((refused.status, refused.path.as_str(), refused.problem().as_str()), (422, "/device", en().code_refused_not_valid().as_str()));
}

#[tokio::test]
async fn entered_code_survives_a_failed_sign_in() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let device = app.start_device().await;
    browser.enter(&device.user_code).await;
    for _ in 0..2 {
        let again = browser.sign_in("test", "testuser1", "wrong").await;
        assert_eq!((again.status, again.path.as_str()), (422, "/sign-in"));
        assert!(again.says(en().sign_in_code_kept()));
    }
    let consent = browser.sign_in("test", "testuser1", PASSWORD).await;
    assert!(consent.path == "/device" && consent.says(&device.user_code), "{}", consent.words());
}

#[tokio::test]
async fn code_open_in_another_session_is_refused_and_audited() {
    let app = TestApp::start().await;
    app.add_person("test", "eve").await;
    let eve = app.signed_in_as("test", "eve", PASSWORD).await;
    for (first, wait) in [(app.browser(), 15), (app.signed_in().await, 14)] {
        let device = app.start_device().await;
        app.clock.advance(Duration::from_secs(if wait == 14 { 60 } else { 0 }));
        first.enter(&device.user_code).await;
        let before = app.grants().await;
        for _ in 0..6 {
            let page = eve.enter(&device.user_code).await;
            assert_eq!((page.status, page.path.as_str()), (422, "/device"));
            assert_eq!(page.problem(), en().code_refused_claimed(en().span_minutes(wait)));
        }
        assert_eq!(app.grants().await, before);
    }
    let of = "SELECT concat(tenant_id, ' ', user_id, ' ', client_id) FROM activity WHERE kind = 'code_presented_twice' ORDER BY id";
    assert_eq!(app.texts(of).await, ["test eve tms-cli", "test eve tms-cli"], "once for each request");
    assert_eq!(app.number("SELECT count(*) FROM attempts").await, 0, "a right code is no guess");
}

#[tokio::test]
async fn code_of_another_tenant_has_a_switch_button() {
    let app = TestApp::start().await;
    app.add_dora().await;
    let device = app.start_device().await;
    let browser = app.signed_in_as("default", "dora", PASSWORD).await;

    let page = browser.enter(&device.user_code.to_lowercase()).await;
    assert_eq!((page.status, page.problem().as_str()), (422, en().code_refused_other_tenant("Test").as_str()));
    assert_eq!(app.number("SELECT count(*) FROM device_grants WHERE claimed_session IS NOT NULL").await, 0);
    let (_, switch) = page.text.split_once("/api/device/switch-tenant").expect("a button to switch");
    assert!(switch.contains("value=\"test\""), "{switch}");

    let sign_in = browser.post("/api/device/switch-tenant", &[("tenant", "test"), ("user_code", &device.user_code.to_lowercase())]).await;
    assert_eq!((sign_in.status, sign_in.path.as_str(), sign_in.field("tenant").as_str()), (200, "/sign-in", "test"));
    let consent = browser.sign_in("test", "testuser1", PASSWORD).await;
    assert!(consent.path == "/device" && consent.says(&device.user_code), "{}", consent.words());
    assert!(consent.words().contains("(testuser1 at Test)"), "{}", consent.words());
}

#[tokio::test]
async fn entered_code_survives_sign_in_to_another_tenant() {
    let app = TestApp::start().await;
    app.add_dora().await;
    let device = app.start_device().await;
    let browser = app.browser();
    browser.enter(&device.user_code).await;
    let page = browser.sign_in("default", "dora", PASSWORD).await;
    assert_eq!((page.status, page.problem().as_str()), (422, en().code_refused_other_tenant("Test").as_str()));
    browser.post("/api/device/switch-tenant", &[("tenant", "test"), ("user_code", &device.user_code)]).await;
    let consent = browser.sign_in("test", "testuser1", PASSWORD).await;
    assert!(consent.path == "/device" && consent.says(&device.user_code), "{}", consent.words());
}

#[tokio::test]
async fn html_in_a_code_is_escaped() {
    let app = TestApp::start().await;
    app.change_tenant("test", |tenant| tenant.policy.prefill_user_code = true).await;
    let browser = app.signed_in().await;
    for typed in ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'><svg/onload=alert(1)>"] {
        let by_address = format!("/device?{}", serde_urlencoded::to_string([("user_code", typed)]).expect("encoded"));
        let pages = [browser.enter(typed).await, browser.post("/api/device/report", &[("user_code", typed)]).await, browser.get(&by_address).await];
        for page in pages {
            assert!(!page.says(typed) && !page.says("<img") && !page.says("<script>alert") && !page.says("<svg/"), "{}", page.text);
        }
    }
}

#[tokio::test]
async fn any_input_as_code_gets_an_explaining_page() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let million = browser.enter(&"B".repeat(1_000_000)).await;
    assert_eq!((million.status, million.title()), (413, en().document_title_refused(en().error_too_large()).as_str()));
    let thousands = browser.enter(&"B".repeat(60_000)).await;
    assert_eq!((thousands.status, thousands.field("user_code").len()), (422, 100), "what is kept is kept short");
    assert_eq!(browser.enter("\0\0\0").await.problem(), en().code_refused_empty());

    for (body, status) in [("user_code=%FF%FE", 422), ("nonsense", 422), ("user_code=B&user_code=C", 400), ("%", 422)] {
        let request = browser
            .request(reqwest::Method::POST, "/api/device/enter")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .body(body);
        let page = browser.follow(request).await;
        assert_eq!(page.status, status, "{body}: {}", page.words());
    }
}

#[tokio::test]
async fn url_prefills_the_code_only_by_policy() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    let address = format!("/device?user_code={}", device.user_code);
    let before = app.grants().await;
    for opted_in in [false, true] {
        app.change_tenant("test", move |tenant| tenant.policy.prefill_user_code = opted_in).await;
        for browser in [app.browser(), app.signed_in().await] {
            let page = browser.get(&address).await;
            assert_eq!((page.status, page.title()), (200, en().document_title(en().device_title()).as_str()), "it is not entered by itself");
            assert_eq!(page.field("user_code"), if opted_in { device.user_code.as_str() } else { "" });
            assert_eq!(page.says(en().device_came_with_address()), opted_in);
            assert_eq!(page.says(en().device_not_filled_in()), !opted_in);
        }
    }
    assert_eq!(app.grants().await, before);
    let wrong = app.signed_in().await.get(&format!("/device?user_code={WRONG}")).await;
    assert_eq!((wrong.status, wrong.field("user_code").as_str()), (200, ""));
}

#[tokio::test]
async fn viewing_pages_changes_no_device_grant() {
    let app = TestApp::start().await;
    app.change_tenant("test", |tenant| tenant.policy.prefill_user_code = true).await;
    let untouched = app.start_device().await;
    let decided = app.start_device().await;
    let opened = app.start_device().await;
    let browser = app.signed_in().await;
    browser.allow(&browser.enter(&decided.user_code).await).await;
    browser.enter(&opened.user_code).await;
    let before = app.grants().await;
    let consents = app.consents().await;

    let anonymous = app.browser();
    let pages = crate::guards::pages().into_iter().chain([
        format!("/device?user_code={}", untouched.user_code),
        format!("/device?user_code={}&decision=allow&started_this=yes", opened.user_code),
        format!("/api/device/enter?user_code={}", untouched.user_code),
        format!("/api/device/report?user_code={}", untouched.user_code),
        "/api/device/decide?decision=deny".into(),
    ]);
    for path in pages {
        for browser in [&browser, &anonymous] {
            for method in [reqwest::Method::GET, reqwest::Method::HEAD, reqwest::Method::OPTIONS] {
                browser.request(method, &path).send().await.expect("an answer");
            }
        }
    }
    assert_eq!((app.grants().await, app.consents().await), (before, consents));
}

/// A portal behind a proxy, so that every browser can have its own address.
pub async fn behind_proxy() -> TestApp {
    TestApp::start_as(Setup { behind_proxy: true, ..Setup::default() }).await
}

/// A browser with an address, in which the test person is signed in.
async fn signed_in_at(app: &TestApp, address: &str) -> Browser {
    let browser = app.browser_at(address);
    assert_eq!(browser.sign_in("test", "testuser1", PASSWORD).await.status, 200);
    browser
}
