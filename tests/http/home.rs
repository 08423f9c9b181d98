//! `/`.

use std::time::Duration;

use crate::app::{PASSWORD, Setup, TestApp};
use crate::browser::{Page, en};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn anonymous_browser_sees_the_introduction() {
    let app = TestApp::start().await;
    let page = app.browser().get("/").await;
    assert_eq!((page.status, page.title()), (200, en().document_title(en().home_welcome()).as_str()));
    assert!(page.says("href=\"/device\"") && page.says("href=\"/sign-in\"") && !page.says(en().sign_out()));
}

#[tokio::test]
async fn person_sees_account_and_pending_requests() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let words = browser.get("/").await.words();
    assert!(words.contains(&format!("{} testuser1 {} Test.", en().home_signed_in_as(), en().home_at())), "{words}");
    assert!(words.contains(&en().home_nothing_before()), "{words}");
    assert!(words.contains(&en().home_hosts_count(1)), "{words}");
    assert!(words.contains(&format!("tms login --server {} --tenant test", app.base)), "{words}");

    browser.enter(&app.start_device().await.user_code).await;
    let words = browser.get("/").await.words();
    let asks = format!("TMS command line {} {}", en().client_any_program(), en().home_asks());
    assert!(words.contains(&format!("{} 127.0.0.1", en().home_from())), "{words}");
    assert!(words.find(&asks).is_some_and(|at| at < words.find(&en().home_access()).expect("the access")), "{words}");
    assert!(!words.contains(&en().home_nothing_before()), "{words}");
}

#[tokio::test]
async fn person_without_access_sees_next_step_only() {
    let app = TestApp::start().await;
    app.add_person("test", "eve").await;
    let eve = app.signed_in_as("test", "eve", PASSWORD).await;
    let page = eve.get("/").await;
    let words = page.words();
    assert!(page.says("href=\"/hosts/link\"") && words.contains(&format!("tms login --server {}", app.base)), "{words}");
    for hidden in [en().home_access(), en().home_attention(), en().home_last_sign_in(), en().home_nothing_before()] {
        assert!(!words.contains(&hidden), "{hidden}: {words}");
    }
    eve.enter(&app.start_device().await.user_code).await;
    assert!(eve.get("/").await.says(en().home_asks()), "a pending request is shown to them as well");
}

#[tokio::test]
async fn missing_host_account_needs_attention_first() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    assert!(!browser.get("/").await.says(en().home_no_host_account()));
    app.sql("UPDATE host_accounts SET expires_at = 1 WHERE user_id = 'testuser1'").await;
    let words = browser.get("/").await.words();
    let first = format!("{} {} {}", en().home_attention(), en().home_no_host_account(), en().hosts_link());
    assert!(words.contains(&first), "{words}");
}

/// Three keys of the test person, for eight days.
const THREE_KEYS: &str = "INSERT INTO pubkeys (tenant_id, client_id, user_id, host, account, fingerprint, public_key, key_type, key_bits, max_uses,
                          initial_ttl_minutes, expires_at, created_at, updated_at)
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3)
     SELECT 'test', 'testclient1', 'testuser1', 'testhost1', 'testhostaccount1', 'SHA256:' || i, 'k', 'ed25519', 256, 5, 0,
            1795176000000 + 8 * 86400000, 1795176000000, 1795176000000 FROM n";

#[tokio::test]
async fn access_that_expires_within_a_week_is_named() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let named = async || {
        let page = browser.get("/").await;
        let host = en().home_expiring_host("testhostaccount1", "testhost1");
        [page.says(host), page.says(en().home_expiring_keys(1)), page.says(en().home_expiring_keys(2)), page.says(en().home_expiring_app("testapp1"))]
    };
    app.sql(THREE_KEYS).await;
    app.sql("UPDATE host_accounts SET expires_at = 1795176000000 + 8 * 86400000 WHERE user_id = 'testuser1'").await;
    assert_eq!(named().await, [false; 4]);

    app.sql("UPDATE host_accounts SET expires_at = 1795176000000 + 7 * 86400000 WHERE user_id = 'testuser1'").await;
    app.sql("UPDATE pubkeys SET expires_at = 1795176000000 + 86400000 WHERE fingerprint = 'SHA256:1'").await;
    assert_eq!(named().await, [true, true, false, false]);
    app.sql("UPDATE pubkeys SET expires_at = 1795176000000 + 43200000 WHERE fingerprint = 'SHA256:2'").await;
    app.sql("UPDATE delegations SET created_at = 0, expires_at = 1795176000000 + 86400000 WHERE user_id = 'testuser1'").await;
    assert_eq!(named().await, [true, false, true, true]);
    let page = browser.get("/").await;
    for list in ["/hosts?sort=expires", "/keys?show=soon&amp;sort=expires", "/apps?sort=expires"] {
        assert!(page.says(format!("href=\"{list}\"")), "{list}: {}", page.text);
    }
    assert!(page.words().contains(&en().home_keys_count(3)), "{}", page.words());

    // What has expired is no longer counted.
    app.clock.advance(DAY);
    let words = app.signed_in().await.get("/").await.words();
    assert!(words.contains(&en().home_keys_count(1)) && words.contains(&en().home_apps_count(0)), "{words}");
}

#[tokio::test]
async fn last_sign_in_is_that_before_this_session() {
    let app = TestApp::start_as(Setup { behind_proxy: true, ..Setup::default() }).await;
    let says = |page: &Page, address: &str| page.words().contains(&format!("{} {address}", en().home_from()));
    let first = app.browser_at("192.0.2.1");
    let page = first.sign_in("test", "testuser1", PASSWORD).await;
    assert!(!page.words().contains(&en().home_last_sign_in()), "{}", page.words());

    app.clock.advance(DAY);
    let second = app.browser_at("192.0.2.2");
    let page = second.sign_in("test", "testuser1", PASSWORD).await;
    assert!(says(&page, "192.0.2.1") && page.says("href=\"/activity\""), "{}", page.words());
    app.clock.advance(Duration::from_secs(60));
    app.browser_at("192.0.2.3").sign_in("test", "testuser1", PASSWORD).await;
    assert!(says(&second.get("/").await, "192.0.2.3"), "a later sign-in elsewhere is shown at once");
}

#[tokio::test]
async fn second_factor_is_suggested_until_there_is_one() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    assert!(browser.get("/").await.words().contains(&en().home_second_factor_suggested()));
    app.change_tenant("test", |tenant| tenant.policy.second_factor_at_consent = true).await;
    let words = browser.get("/").await.words();
    assert!(words.contains(&en().home_second_factor_required()) && !words.contains(&en().home_second_factor_suggested()), "{words}");
    app.sql(
        "INSERT INTO passkeys (tenant_id, user_id, credential_id, passkey, name, created_at) VALUES ('test', 'testuser1', unhex('01'), '{}', '', 0)",
    )
    .await;
    assert!(!browser.get("/").await.words().contains(&en().home_second_factor_required()));
}

#[tokio::test]
async fn html_in_a_name_is_escaped() {
    let app = TestApp::start().await;
    app.sql("UPDATE people SET display_name = '<script>alert(1)</script>\"''&'").await;
    app.sql("UPDATE tenants SET display_name = '<b>Test</b>' WHERE id = 'test'").await;
    let browser = app.signed_in_as("test", "testuser1", PASSWORD).await;
    for path in ["/", "/hosts", "/sessions"] {
        let page = browser.get(path).await;
        assert!(!page.says("<script>alert") && !page.says("<b>Test"), "{path}: {}", page.text);
    }
}

/// The links of the header, as path and text.
fn header_links(page: &Page) -> Vec<(String, String)> {
    let header = page.text.split("</header>").next().unwrap_or_default();
    let links = header.split("<li><a href=\"").skip(1).filter_map(|link| {
        let (path, rest) = link.split_once('"')?;
        let (_, text) = rest.split_once('>')?;
        Some((path.to_owned(), text.split('<').next()?.to_owned()))
    });
    links.collect()
}

#[tokio::test]
async fn labels_of_the_header_are_the_titles_of_the_pages() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let links = header_links(&browser.get("/").await);
    assert_eq!(links.len(), 10, "{links:?}");
    for (path, label) in links {
        let page = browser.get(&path).await;
        assert!(page.title().starts_with(&format!("{label} ·")), "{path}: {}", page.title());
        assert!(page.says(format!("href=\"{path}\" aria-current=\"page\"")), "{path} marks its own link");
    }
    app.add_person("test", "eve").await;
    let links = header_links(&app.signed_in_as("test", "eve", PASSWORD).await.get("/").await);
    assert!(links.len() == 9 && links.iter().all(|(path, _)| path != "/admin"), "{links:?}");
}
