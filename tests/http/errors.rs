//! Errors: a page for people, JSON for programs.

use tms_portal::domain::help_contact::HelpContact;

use crate::app::TestApp;
use crate::browser::en;

#[tokio::test]
async fn browsers_get_an_error_page_and_programs_json() {
    let app = TestApp::start().await;
    for (path, status, title) in [("/nowhere", 404, en().error_not_found()), ("/sign-out", 405, en().error_method())] {
        let page = app.browser().get(path).await;
        assert_eq!((page.status, page.title()), (status, en().document_title_refused(title).as_str()));
        assert!(page.says(en().error_home()) && page.says("<main"), "{}", page.text);
        assert!(page.says(en().error_reference(page.header("x-request-id"))), "{}", page.text);
        let machine = app.http.get(app.url(path)).send().await.expect("an answer");
        assert_eq!(machine.status(), status);
        assert!(!machine.text().await.expect("a text").contains('<'));
    }
}

#[tokio::test]
async fn error_page_shows_the_signed_in_person() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    for path in ["/nowhere", "/sign-out", "/pkg/nothing.js"] {
        let page = browser.get(path).await;
        assert!(page.says("href=\"/keys\"") && page.says("action=\"/sign-out\""), "{path}: {}", page.text);
        assert_eq!(page.header("set-cookie"), "", "{path}");
        assert!(!app.browser().get(path).await.says("href=\"/keys\""), "{path}");
    }
    assert_eq!(browser.get("/keys").await.path, "/keys");
}

#[tokio::test]
async fn html_in_a_url_is_escaped() {
    let app = TestApp::start().await;
    for path in ["/<script>alert(1)</script>", "/nowhere?x=<script>alert(1)</script>", "/sign-in?tenant=<script>alert(1)</script>"] {
        assert!(!app.browser().get(path).await.says("<script>alert"), "{path}");
    }
}

#[tokio::test]
async fn internal_fault_reveals_no_details() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let consent = browser.enter(&app.start_device().await.user_code).await;
    app.sql("DROP TABLE delegation_host_accounts").await;
    app.sql("ALTER TABLE host_accounts RENAME TO gone").await;
    for path in ["/hosts", "/"] {
        let page = browser.get(path).await;
        assert_eq!((page.status, page.title()), (500, en().document_title_refused(en().error_fault()).as_str()), "{path}");
        assert!(!page.text.to_lowercase().contains("sqlite") && !page.says("host_accounts"), "{path}: {}", page.text);
    }
    let machine = browser.post_once("/api/hosts/list", &[]).send().await.expect("an answer");
    assert_eq!(machine.status(), 500);
    assert!(!machine.text().await.expect("a text").contains("host_accounts"));

    let form = [("grant", consent.field("grant")), ("decision", "allow".into()), ("lifetime", "28800".into()), ("started_this", "yes".into())];
    let page = browser.post("/api/device/decide", &form.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>()).await;
    assert_eq!((page.status, page.title()), (500, en().document_title_refused(en().error_fault()).as_str()));
    assert_eq!((app.consents().await, app.count_audit_events("device_approved").await), (0, 0));
}

#[tokio::test]
async fn missing_database_is_told_on_every_page() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    app.services.close().await;
    for path in ["/device", "/hosts", "/"] {
        let page = browser.get(path).await;
        assert_eq!((page.status, page.title()), (503, en().document_title_refused(en().error_busy()).as_str()), "{path}");
    }
    let page = browser.enter("BBBB-BBBB").await;
    assert_eq!((page.status, page.title()), (503, en().document_title_refused(en().error_busy()).as_str()));
    let page = browser.sign_in("test", "testuser1", "x").await;
    assert_eq!((page.status, page.title()), (503, en().document_title_refused(en().error_busy()).as_str()));
    assert_eq!(app.http.get(app.url("/readyz")).send().await.expect("an answer").status(), 503);
    assert_eq!(app.http.get(app.url("/healthz")).send().await.expect("an answer").status(), 200);
    assert_eq!(app.http.get(app.url("/favicon.svg")).send().await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn lasting_fault_of_the_session_is_not_called_temporary() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    app.refuse_writes("DELETE", "browser_sessions").await;
    let page = browser.post("/sign-out", &[]).await;
    assert_eq!((page.status, page.retry_after()), (500, None));
}

/// A file that breaks off, or is empty, would look complete.
#[tokio::test]
async fn fault_of_a_file_has_a_status() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    app.sql("ALTER TABLE activity RENAME TO gone").await;
    for path in ["/activity.json", "/activity.csv"] {
        assert_eq!(browser.get(path).await.status, 500, "{path}");
    }
    app.sql("ALTER TABLE tenants RENAME TO gone_too").await;
    let style = app.http.get(app.url("/brand/test.css")).send().await.expect("an answer");
    assert!(
        style.status() == 500
            && !style.headers().get("cache-control").is_some_and(|policy| policy.to_str().is_ok_and(|p| p.contains("max-age=86400")))
    );
}

#[tokio::test]
async fn help_contact_is_on_sign_in_error_and_report_pages() {
    const LINK: &str = "href=\"https://help.example/new\"";
    const PAGES: [&str; 4] = ["/sign-in?tenant=test", "/nowhere", "/device/report", "/sign-in/with/test/nowhere"];
    let app = TestApp::start().await;
    for path in PAGES {
        assert!(!app.browser().get(path).await.words().contains(&en().help_contact()), "{path}");
    }
    app.change_tenant("test", |tenant| tenant.policy.help_contact = HelpContact::parse("https://help.example/new").ok()).await;
    for path in PAGES {
        let page = app.browser().get(path).await;
        assert!(page.words().contains(&en().help_contact()) && page.says(LINK), "{path}: {}", page.text);
    }
    let browser = app.signed_in().await;
    for path in ["/nowhere", "/device/report", "/sign-in?again=1"] {
        assert!(browser.get(path).await.says(LINK), "{path}");
    }
    // Where several centres have people, the one of the session counts; a stranger's is not known.
    app.add_dora().await;
    assert!(!app.browser().get("/nowhere").await.says(LINK));
    assert!(browser.get("/nowhere").await.says(LINK));
    let dora = app.signed_in_as("default", "dora", crate::app::PASSWORD).await;
    assert!(!dora.get("/nowhere").await.words().contains(&en().help_contact()));
}

#[tokio::test]
async fn help_contact_that_is_a_text_is_escaped() {
    let app = TestApp::start().await;
    app.change_tenant("test", |tenant| tenant.policy.help_contact = HelpContact::parse("Room <b>3</b> & up").ok()).await;
    let page = app.browser().get("/sign-in?tenant=test").await;
    assert!(page.says("Room &lt;b&gt;3&lt;/b&gt; &amp; up") && !page.says("<b>3"), "{}", page.text);
}
