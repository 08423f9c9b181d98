//! Long lists: pages, and where actions return to.

use serde_json::json;

use crate::app::TestApp;
use crate::browser::Browser;

/// 27 keys of the test person.
async fn with_keys(app: &TestApp) {
    app.client().make_key(json!({})).await;
    app.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 26)
         INSERT INTO pubkeys (tenant_id, client_id, user_id, host, account, fingerprint, public_key, key_type, key_bits, max_uses, initial_ttl_minutes,
                              expires_at, created_at, updated_at, label)
         SELECT tenant_id, client_id, user_id, host, account, 'SHA256:' || i, public_key, key_type, key_bits, max_uses, initial_ttl_minutes,
                expires_at, created_at, updated_at, 'key ' || i FROM pubkeys, n",
    )
    .await;
}

/// The target of the page's link that contains `part`.
fn link(page: &str, part: &str) -> String {
    let found = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).find(|address| address.contains(part));
    found.unwrap_or_else(|| panic!("no link with {part} in {page}")).replace("&amp;", "&")
}

async fn summary(browser: &Browser, path: &str) -> String {
    let page = browser.get(path).await;
    let (_, rest) = page.text.split_once("data-summary").expect("a summary");
    let (_, rest) = rest.split_once('>').expect("a tag");
    rest.split('<').next().unwrap_or_default().replace(['\u{2068}', '\u{2069}'], "")
}

#[tokio::test]
async fn list_shows_range_and_total() {
    let app = TestApp::start().await;
    with_keys(&app).await;
    let browser = app.signed_in().await;
    assert_eq!(summary(&browser, "/keys?show=active").await, "1–25 of 27");
    let next = link(&browser.get("/keys?show=active").await.text, "after=");
    assert_eq!(summary(&browser, &next).await, "26–27 of 27");
    assert_eq!(summary(&browser, "/keys?q=key%201").await, "11 shown", "1 and 10 to 19");
    assert_eq!(summary(&browser, "/admin/keys?sort=host").await, "1–25 of 27");
    assert_eq!(summary(&browser, "/keys?after=0.0").await, "3–27 of 27", "behind the last row: the last ones");
}

#[tokio::test]
async fn list_links_to_the_previous_page() {
    let app = TestApp::start().await;
    with_keys(&app).await;
    app.sql(
        "INSERT INTO pubkeys (tenant_id, client_id, user_id, host, account, fingerprint, public_key, key_type, key_bits, max_uses, initial_ttl_minutes,
                              expires_at, created_at, updated_at, label)
         SELECT tenant_id, client_id, user_id, host, account, fingerprint || 'x', public_key, key_type, key_bits, max_uses, initial_ttl_minutes,
                expires_at, created_at, updated_at, label FROM pubkeys",
    )
    .await;
    let browser = app.signed_in().await;
    let previous = |page: &str| {
        let tag = page.split('<').find(|tag| tag.contains("rel=\"prev\""))?;
        Some(tag.split("href=\"").nth(1)?.split('"').next()?.replace("&amp;", "&"))
    };
    let next = |page: &str| {
        let tag = page.split('<').find(|tag| tag.contains("rel=\"next\"")).expect("a next page");
        tag.split("href=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("an address").replace("&amp;", "&")
    };
    for list in ["/keys?show=active", "/keys?sort=expires", "/admin/keys?sort=host"] {
        let first = browser.get(list).await.text;
        let second_address = next(&first);
        let second = browser.get(&second_address).await.text;
        let third = browser.get(&next(&second)).await.text;
        assert_eq!((previous(&first), previous(&second)), (None, None), "{list}: the beginning is the page before");
        assert_eq!(previous(&third), Some(second_address), "{list}");
    }
}

#[tokio::test]
async fn action_returns_to_the_same_list_page() {
    let app = TestApp::start().await;
    with_keys(&app).await;
    let browser = app.signed_in().await;
    for (list, part, action) in [
        ("/keys?q=testhost1&sort=expires", "/keys/revoke?key=", "/api/keys/revoke"),
        ("/admin/keys?q=testhost1", "/admin/keys/revoke?key=", "/api/admin/keys/revoke"),
    ] {
        let page_url = link(&browser.get(list).await.text, "after=");
        let page = browser.get(&page_url).await;
        let question = browser.get(&link(&page.text, part)).await;
        assert_eq!(question.field("back").replace("&amp;", "&"), page_url);
        assert_eq!(link(&question.text, "after="), page_url, "also without doing it");
        let key = link(&page.text, part).split("key=").nth(1).and_then(|rest| rest.split('&').next()).expect("a number").to_owned();
        let name = if action.contains("admin") { "key" } else { "key[]" };
        let form = [(name, key.as_str()), ("back", page_url.as_str())];
        let answer = browser.post_once(action, &form).send().await.expect("an answer");
        assert_eq!((answer.status().as_u16(), answer.headers()["location"].to_str().ok()), (303, Some(page_url.as_str())));
        let answer = browser.post_once(action, &[(name, key.as_str()), ("back", "https://evil.example/keys")]).send().await.expect("an answer");
        assert!(answer.headers()["location"].to_str().is_ok_and(|path| path == list.split('?').next().unwrap_or_default()));
    }
    let filtered = browser.get("/keys?q=testhost1").await;
    assert_eq!(filtered.field("back"), "/keys?q=testhost1", "several at once, too");
}

#[tokio::test]
async fn search_ignores_case_of_all_letters() {
    let app = TestApp::start().await;
    let admin = app.admin("test").await;
    admin.done("POST /client", json!({ "tenant": "test", "client_id": "c1", "app_name": "Ñandú", "app_version": "1" })).await;
    admin.done("POST /hosts", json!({ "tenant": "test", "host": "testhost1", "addr": "Raum Größe 3" })).await;
    let browser = app.signed_in().await;
    browser.post("/api/admin/people/add", &[("user", "p1"), ("display_name", "Łukasz STRAẞE")]).await;
    app.sql(
        "INSERT INTO activity (tenant_id, at, kind, user_id, subject, subject_folded) VALUES ('test', 1, 'key_used', 'testuser1', 'ÉCOLE', 'école')",
    )
    .await;
    for (path, found) in [
        ("/admin/clients?q=%C3%B1and%C3%BA", "Ñandú"),
        ("/admin/clients?q=%C3%91AND%C3%9A", "Ñandú"),
        ("/admin/clients?q=n%CC%83andu%CC%81", "Ñandú"),
        ("/admin/people?q=%C5%82ukasz%20strasse", "Łukasz"),
        ("/activity?q=%C3%A9cole", "ÉCOLE"),
        ("/admin/hosts?q=Gr%C3%B6%C3%9Fe", "Raum Größe 3"),
        ("/admin/hosts?q=raum", "Raum Größe 3"),
    ] {
        assert_eq!(summary(&browser, path).await, "1 shown", "{path}");
        assert!(browser.get(path).await.says(found));
    }
    assert!(!browser.get("/admin/clients?q=nandu").await.says("Ñandú"), "accents are letters");
}

#[tokio::test]
async fn migrated_rows_are_found_case_insensitively() {
    if crate::postgres::is_used() {
        return;
    }
    let mut app = TestApp::start().await;
    app.sql("UPDATE people SET display_name = 'ÉLODIE', display_name_folded = NULL WHERE user_id = 'testuser1'").await;
    app.sql("UPDATE clients SET app_name = 'ÑANDÚ', app_name_folded = NULL WHERE client_id = 'testclient1'").await;
    app.client().make_key(json!({})).await;
    app.sql("UPDATE pubkeys SET label = 'plain', label_folded = 'ñandú'").await;
    app.sql("UPDATE numbers SET last = 1 WHERE name = 'folding'").await;
    app.restart().await;
    assert_eq!(app.texts("SELECT display_name_folded FROM people WHERE user_id = 'testuser1'").await, ["élodie"]);
    assert_eq!(app.texts("SELECT app_name_folded FROM clients WHERE client_id = 'testclient1'").await, ["ñandú"]);
    assert_eq!(app.number("SELECT count(*) FROM pubkeys WHERE label_folded IS NOT NULL").await, 0, "an older label's");
}
