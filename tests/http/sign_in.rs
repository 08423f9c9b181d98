//! `/sign-in`, and the session that it starts.

use std::time::Duration;

use reqwest::Method;

use crate::app::{PASSWORD, Setup, TestApp};
use crate::browser::{Browser, en};

const HOUR: Duration = Duration::from_secs(60 * 60);

#[tokio::test]
async fn wrong_password_and_unknown_person_look_alike() {
    let app = TestApp::start().await;
    app.add_person("test", "off").await;
    app.switch_person("off", false).await;
    let mut answers = Vec::new();
    for (tenant, user, password) in [
        ("test", "testuser1", "wrong"),
        ("test", "testuser1", ""),
        ("test", "nobody", PASSWORD),
        ("test", "off", PASSWORD),
        ("test", "' OR 1=1 --", PASSWORD),
        ("test", "testuser1\0", PASSWORD),
        ("test", "TESTUSER1", PASSWORD),
        ("test", "testuser1", &"x".repeat(2_000)),
        ("default", "testuser1", PASSWORD),
        ("nowhere", "testuser1", PASSWORD),
        ("../test", "testuser1", PASSWORD),
    ] {
        let page = app.browser().sign_in(tenant, user, password).await;
        assert_eq!(page.title(), en().document_title_refused(en().sign_in()).as_str());
        assert!(!page.says(PASSWORD), "the password is never sent back");
        let user = user.replace('\0', "");
        if !user.contains('\'') {
            assert_eq!(page.field("user_name"), user, "the name is kept");
        }
        answers.push((page.status, page.path.clone(), page.words()));
    }
    assert_eq!((answers[0].0, answers[0].1.as_str()), (422, "/sign-in"));
    assert!(answers[0].2.contains(&en().sign_in_refused_wrong()), "{}", answers[0].2);
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(app.count_audit_events("signed_in").await, 0);
}

#[tokio::test]
async fn spaces_around_a_user_name_are_ignored() {
    let app = TestApp::start().await;
    assert_eq!(app.browser().sign_in("test", " testuser1 ", PASSWORD).await.title(), en().document_title(en().home_hello("Test User")).as_str());
}

#[tokio::test]
async fn source_is_limited_to_ten_wrong_passwords() {
    let app = TestApp::start_as(Setup { behind_proxy: true, ..Setup::default() }).await;
    for _ in 1..=10 {
        assert_eq!(app.browser_at("192.0.2.1").sign_in("test", "testuser1", "wrong").await.status, 422);
    }
    let browser = app.browser_at("192.0.2.1");
    let page = browser.sign_in("test", "testuser1", PASSWORD).await;
    assert_eq!(
        (page.status, page.retry_after(), page.problem().as_str()),
        (429, Some(600), en().sign_in_refused_too_many(en().span_minutes(10)).as_str())
    );
    assert_eq!(app.browser_at("198.51.100.1").sign_in("test", "testuser1", PASSWORD).await.status, 200, "the person themselves, elsewhere");
    app.add_person("test", "eve").await;
    assert_eq!(browser.sign_in("test", "eve", PASSWORD).await.status, 200, "others are free");
    app.clock.advance(Duration::from_secs(600));
    assert_eq!(browser.sign_in("test", "testuser1", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn reached_limit_is_audited_once_per_window() {
    let app = TestApp::start().await;
    let wrong = async |times: usize| {
        for _ in 0..times {
            assert_eq!(app.browser().sign_in("test", "testuser1", "wrong").await.status, 422);
            app.clock.advance(Duration::from_secs(1));
        }
    };
    wrong(9).await;
    assert_eq!(app.count_audit_events("sign_in_blocked").await, 0);
    wrong(1).await;
    let blocked = "SELECT concat_ws(' ', tenant_id, user_id, subject, from_address) FROM activity WHERE kind = 'sign_in_blocked'";
    assert_eq!(app.texts(blocked).await, ["test testuser1 password 127.0.0.1"]);
    assert_eq!(app.browser().sign_in("test", "testuser1", "wrong").await.status, 429);
    app.clock.advance(Duration::from_secs(590));
    wrong(5).await;
    assert_eq!(app.count_audit_events("sign_in_blocked").await, 1, "each attempt reaches the limit again, in the same window");
    app.clock.advance(Duration::from_secs(20));
    wrong(5).await;
    assert_eq!(app.count_audit_events("sign_in_blocked").await, 2);
    for _ in 0..10 {
        app.browser().sign_in("test", "no-account", "wrong").await;
    }
    assert_eq!(app.count_audit_events("sign_in_blocked").await, 2, "nothing about names without an account");
}

#[tokio::test]
async fn account_is_limited_to_two_hundred_wrong_passwords() {
    let app = TestApp::start_as(Setup { behind_proxy: true, ..Setup::default() }).await;
    app.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) \
             INSERT INTO attempts SELECT 'password account test/testuser1', 1795176000000 FROM n",
    )
    .await;
    assert_eq!(app.browser_at("192.0.2.1").sign_in("test", "testuser1", PASSWORD).await.status, 429);
}

#[tokio::test]
async fn network_is_limited_to_thirty_wrong_passwords() {
    let app = TestApp::start().await;
    let browser = app.browser();
    for attempt in 0..30 {
        assert_eq!(browser.sign_in("test", &format!("person{}", attempt % 6), "wrong").await.status, 422);
    }
    assert_eq!(browser.sign_in("test", "testuser1", PASSWORD).await.status, 429);
}

#[tokio::test]
async fn concurrent_guesses_do_not_exceed_the_limit() {
    let app = TestApp::start().await;
    let attempts = (0..25).map(|_| {
        let browser = app.browser();
        tokio::spawn(async move { browser.sign_in("test", "testuser1", "wrong").await.status })
    });
    let mut looked_at = 0;
    for attempt in attempts.collect::<Vec<_>>() {
        looked_at += usize::from(attempt.await.expect("an answer") == 422);
    }
    assert!((10..=11).contains(&looked_at), "{looked_at} passwords were tried");
}

#[tokio::test]
async fn restart_does_not_reset_the_limit() {
    let mut app = TestApp::start().await;
    for _ in 0..10 {
        app.browser().sign_in("test", "testuser1", "wrong").await;
    }
    app.restart().await;
    assert_eq!(app.browser().sign_in("test", "testuser1", PASSWORD).await.status, 429);
}

#[tokio::test]
async fn disabling_a_person_ends_sessions_immediately() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let token = app.token().await;
    app.switch_person("testuser1", false).await;
    assert_eq!(browser.get("/hosts").await.path, "/sign-in");
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 401);
    assert_eq!(app.browser().sign_in("test", "testuser1", PASSWORD).await.problem(), en().sign_in_refused_wrong());
}

#[tokio::test]
async fn local_passwords_can_be_disabled() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    app.change_tenant("test", |tenant| tenant.policy.local_passwords = false).await;
    let page = app.browser().get("/sign-in?tenant=test").await;
    assert!(page.words().contains(&en().sign_in_no_way("Test")) && !page.says("name=\"password\""), "{}", page.words());
    assert!(app.browser().get("/sign-in").await.says(en().sign_in_not_configured()));
    let page = app.browser().sign_in("test", "testuser1", PASSWORD).await;
    assert!(page.status == 422 && !page.says("Hello"));
    assert_eq!(browser.get("/hosts").await.status, 200, "who is in stays in");
}

#[tokio::test]
async fn disabled_tenant_ends_sessions_and_sign_in() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    app.change_tenant("test", |tenant| tenant.enabled = false).await;
    assert_eq!(browser.get("/hosts").await.path, "/sign-in");
    assert_eq!(app.browser().sign_in("test", "testuser1", PASSWORD).await.status, 422);
}

#[tokio::test]
async fn same_name_in_two_tenants_is_two_people() {
    let app = TestApp::start().await;
    app.add_dora().await;
    app.add_person("default", "testuser1").await;
    let page = app.browser().get("/sign-in").await;
    assert!(page.says(en().sign_in_where()) && page.says("/sign-in?tenant=default") && page.says("/sign-in?tenant=test"), "{}", page.text);
    assert_eq!(app.browser().get("/sign-in?tenant=default").await.field("tenant"), "default");
    let page = app.signed_in_as("default", "testuser1", PASSWORD).await.get("/hosts").await;
    assert!(!page.says("testhost1") && page.says(en().hosts_empty_title()));
}

#[tokio::test]
async fn cookie_is_renewed_at_sign_in() {
    let app = TestApp::start().await;
    let browser = app.browser();
    browser.enter(&app.start_device().await.user_code).await;
    let planted = browser.cookie();
    assert!(planted.starts_with("tms="), "{planted}");
    browser.sign_in("test", "testuser1", PASSWORD).await;
    assert_ne!(browser.cookie(), planted);
    assert_eq!(browser.get("/hosts").await.path, "/hosts");

    let thief = app.browser();
    thief.take_cookie(&planted);
    assert_eq!(thief.get("/hosts").await.path, "/sign-in");
    assert!(!thief.get("/sign-in").await.says(en().sign_in_code_kept()), "nor does it lead to what was typed");
}

#[tokio::test]
async fn cookie_is_host_only_and_http_only() {
    for (https, expected) in [(false, vec!["HttpOnly", "SameSite=Lax", "Path=/"]), (true, vec!["HttpOnly", "SameSite=Lax", "Secure", "Path=/"])] {
        let app = TestApp::start_as(Setup { https, ..Setup::default() }).await;
        let form = [("tenant", "test"), ("user_name", "testuser1"), ("password", PASSWORD)];
        let answer = app.browser().post_once("/sign-in/password", &form).send().await.expect("an answer");
        let cookie = answer.headers()["set-cookie"].to_str().expect("ASCII").to_owned();
        let mut parts = cookie.split("; ");
        let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).expect("a cookie");
        assert_eq!(name, if https { "__Host-tms" } else { "tms" });
        assert!(value.len() >= 22, "128 bits: {value}");
        let (mut attributes, mut expected): (Vec<_>, Vec<_>) = (parts.collect(), expected);
        attributes.sort_unstable();
        expected.sort_unstable();
        assert_eq!(attributes, expected, "{cookie}");

        let page = app.http.get(app.url("/hosts")).header("cookie", format!("{name}={value}")).send().await.expect("an answer");
        assert_eq!(page.status(), 200);
        let elsewhere = if https { "tms" } else { "__Host-tms" };
        let page = app.http.get(app.url("/hosts")).header("cookie", format!("{elsewhere}={value}")).send().await.expect("an answer");
        assert_eq!(page.status(), 303);
    }
}

#[tokio::test]
async fn forged_cookie_is_not_accepted() {
    let app = TestApp::start().await;
    app.signed_in().await;
    for value in ["", "x", "AAAAAAAAAAAAAAAAAAAAAA", "\u{fffd}", "../../etc", "%00", &"A".repeat(4_000)] {
        let answer = app.http.get(app.url("/hosts")).header("cookie", format!("tms={value}").as_bytes()).send().await.expect("an answer");
        assert_eq!(answer.status(), 303, "{value}");
    }
}

#[tokio::test]
async fn cookie_is_not_stored_in_the_database() {
    if crate::postgres::is_used() {
        return;
    }
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let device = app.start_device().await;
    browser.enter(&device.user_code).await;
    let (_, value) = browser.cookie().split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).expect("a cookie");
    app.number("PRAGMA wal_checkpoint(TRUNCATE)").await;
    let file = std::fs::read(app.data_dir.join("tms-portal.db")).expect("the database");
    for secret in [value.as_str(), &device.user_code, &device.user_code.replace('-', ""), &device.device_code, PASSWORD] {
        assert!(!file.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret}");
    }
}

#[tokio::test]
async fn session_ends_after_two_idle_hours() {
    let app = TestApp::start().await;
    let (used, left) = (app.signed_in().await, app.signed_in().await);
    app.clock.advance(2 * HOUR - Duration::from_millis(1));
    assert_eq!(used.get("/hosts").await.path, "/hosts");
    app.clock.advance(Duration::from_millis(1));
    assert_eq!(used.get("/hosts").await.path, "/hosts");
    assert_eq!(left.get("/hosts").await.path, "/sign-in");
}

#[tokio::test]
async fn session_ends_twelve_hours_after_sign_in() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    for _ in 0..11 {
        app.clock.advance(HOUR);
        assert_eq!(browser.get("/hosts").await.path, "/hosts");
        browser.enter("BB").await;
    }
    app.clock.advance(HOUR);
    assert_eq!(browser.get("/hosts").await.path, "/sign-in");
}

#[tokio::test]
async fn sign_in_returns_to_the_requested_page() {
    let app = TestApp::start().await;
    for (return_to, reached) in
        [("/hosts", "/hosts"), ("/sessions", "/sessions"), ("/device/result", "/device/result"), ("/", "/"), ("/nowhere", "/")]
    {
        let browser = app.browser();
        browser.get(return_to).await;
        let asked = browser.get(&format!("/sign-in?then={return_to}")).await;
        let wrong = [("tenant", "test"), ("user_name", "testuser1"), ("password", "wrong"), ("then", &asked.field("then"))];
        let again = browser.post("/sign-in/password", &wrong).await;
        let form = [("tenant", "test"), ("user_name", "testuser1"), ("password", PASSWORD), ("then", &again.field("then"))];
        assert_eq!(browser.post("/sign-in/password", &form).await.path, reached, "{return_to}");
    }
}

#[tokio::test]
async fn sign_in_returns_to_pages_of_this_portal_only() {
    let app = TestApp::start().await;
    let tricks = ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"];
    for trick in tricks {
        let browser = app.browser();
        let query = serde_urlencoded::to_string([("next", trick), ("redirect", trick), ("return_to", trick)]).expect("encoded");
        browser.get(&format!("/hosts?{query}")).await;
        browser.get(&format!("/sign-in?{query}")).await;
        let form = [("tenant", "test"), ("user_name", "testuser1"), ("password", PASSWORD), ("next", trick), ("redirect", trick), ("then", trick)];
        let answer = browser
            .request(Method::POST, &format!("/sign-in/password?{query}"))
            .header("referer", "https://evil.example/")
            .header("x-forwarded-host", "evil.example")
            .form(&form)
            .send()
            .await
            .expect("an answer");
        let location = answer.headers()["location"].to_str().expect("ASCII").to_owned();
        assert_eq!((answer.status().as_u16(), location.split('?').next()), (303, Some("/")), "{location}");
    }
    let answer = app.http.get(app.url("/hosts")).header("host", "evil.example").send().await.expect("an answer");
    assert_eq!(answer.headers()["location"].as_bytes(), b"/sign-in?then=/hosts");
}

#[tokio::test]
async fn malformed_sign_in_form_is_a_client_error() {
    let app = TestApp::start().await;
    for form in [&[][..], &[("tenant", "test")], &[("tenant", "test"), ("user_name", "testuser1")]] {
        let page = app.browser().post("/sign-in/password", form).await;
        assert_eq!((page.status, page.title()), (422, en().document_title_refused(en().error_bad()).as_str()));
    }
    let page = app.browser().sign_in("test", "testuser1", &"x".repeat(100_000)).await;
    assert_eq!((page.status, page.title()), (413, en().document_title_refused(en().error_too_large()).as_str()));
}

#[tokio::test]
async fn every_sign_in_attempt_is_audited() {
    let app = TestApp::start().await;
    let browser: Browser = app.browser();
    browser.sign_in("test", "testuser1", "wrong").await;
    browser.sign_in("test", "nobody", "wrong").await;
    browser.sign_in("test", "testuser1", PASSWORD).await;
    let records =
        app.texts("SELECT concat_ws(' ', tenant_id, user_id, kind, from_address) FROM activity WHERE user_id IS NOT NULL ORDER BY id").await;
    assert_eq!(records, ["test testuser1 sign_in_failed 127.0.0.1", "test testuser1 signed_in 127.0.0.1"]);
}

/// The final response for a browser without cookies.
async fn without_cookies(app: &TestApp, request: reqwest::RequestBuilder) -> (u16, String) {
    let mut answer = request.header("accept", "text/html").send().await.expect("an answer");
    for _ in 0..5 {
        let Some(location) = answer.headers().get("location") else { break };
        let location = location.to_str().expect("ASCII").to_owned();
        answer = app.http.get(app.url(&location)).header("accept", "text/html").send().await.expect("an answer");
    }
    (answer.status().as_u16(), answer.text().await.expect("a page"))
}

#[tokio::test]
async fn missing_cookies_are_explained() {
    let app = TestApp::start().await;
    let post = |path: &str, form: &[(&str, &str)]| app.http.post(app.url(path)).header("sec-fetch-site", "same-origin").form(form);
    let credentials =
        |password: &'static str, then: &'static str| [("tenant", "test"), ("user_name", "testuser1"), ("password", password), ("then", then)];
    let requests = [
        post("/sign-in/password", &credentials("wrong", "/keys")),
        post("/sign-in/password", &credentials(PASSWORD, "/")),
        post("/sign-in/password", &credentials(PASSWORD, "/keys")),
        post("/sign-in/password", &credentials(PASSWORD, "/device")),
        post("/sign-in/invitation", &[("tenant", "test"), ("invitation", "x")]),
        post("/api/device/enter", &[("user_code", "BB")]),
        post("/api/device/report", &[("user_code", "BB")]),
        app.http.get(app.url("/sign-in/back/test/campus?state=x&code=y")),
    ];
    for request in requests {
        let (status, text) = without_cookies(&app, request).await;
        assert!(status == 422 && text.contains(&en().cookies_needed()), "{status} {text}");
    }
    // No message otherwise: on the first visit, with cookies, and at a bookmarked URL.
    for path in ["/", "/sign-in", "/device", "/keys", "/sign-in?then=/keys&cookies=1795175000", "/?cookies=x", "/sign-in?cookies=9999999999"] {
        let page = app.browser().get(path).await;
        assert!(page.status == 200 && !page.says(en().cookies_needed()), "{path}: {}", page.words());
    }
    let browser = app.browser();
    let page = browser.post("/sign-in/password", &credentials("wrong", "/keys")).await;
    assert_eq!((page.problem().as_str(), page.address.as_str()), (en().sign_in_refused_wrong().as_str(), "/sign-in?then=/keys"));
    assert_eq!(browser.post("/sign-in/password", &credentials(PASSWORD, "/keys")).await.address, "/keys");
}

#[tokio::test]
async fn sign_in_page_shows_who_is_signed_in() {
    let app = TestApp::start().await;
    let page = app.signed_in().await.get("/sign-in?then=/keys&gone=1").await;
    assert!(page.problem().starts_with(&en().sign_in_gone()), "{}", page.words());
    assert!(page.says(en().sign_in_signed_in("Test User")) && page.says("href=\"/keys\""), "{}", page.words());
}

#[tokio::test]
async fn sign_in_page_redirects_signed_in_people() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    for (address, reached) in [
        ("/sign-in", "/"),
        ("/sign-in?then=/keys", "/keys"),
        ("/sign-in?tenant=test&then=/hosts", "/hosts"),
        ("/sign-in?then=/sign-in", "/"),
        ("/sign-in?then=/sign-in/second-factor", "/"),
        ("/sign-in?then=//evil.example", "/"),
    ] {
        assert_eq!(browser.get(address).await.address, reached, "{address}");
    }
    // Re-authentication, another tenant, another account, and a message need the page.
    for address in ["/sign-in?again=1", "/sign-in?tenant=default", "/sign-in?choose=1", "/sign-in?another=1&tenant=test", "/sign-in?invitation=x"] {
        assert_eq!(browser.get(address).await.path, "/sign-in", "{address}");
    }
    let page = browser.sign_in("test", "testuser1", "wrong").await;
    assert_eq!((page.path.as_str(), page.problem()), ("/sign-in", en().sign_in_refused_wrong()));
    assert_eq!(app.browser().get("/sign-in?then=/keys").await.path, "/sign-in", "a stranger signs in");
}
