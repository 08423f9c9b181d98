//! `/admin/resources`.

use crate::app::TestApp;
use crate::browser::{Browser, Page, en};

const DATA: &str = "https://data.example.org/api";
const DETAIL: &str = "/admin/resources/resource?resource=https%3A%2F%2Fdata.example.org%2Fapi";

const VALID: [(&str, &str); 5] = [
    ("resource", DATA),
    ("name", "Data service"),
    ("scopes", "write=Change your files|Modificar sus archivos\r\nread=Read your files|Leer sus archivos\r\n"),
    ("clients", "*"),
    ("readers", "testclient1"),
];

async fn add(browser: &Browser, changes: &[(&str, &str)]) -> Page {
    let form: Vec<(&str, &str)> =
        VALID.into_iter().map(|(name, value)| changes.iter().find(|(changed, _)| *changed == name).copied().unwrap_or((name, value))).collect();
    browser.post("/api/admin/resources/add", &form).await
}

#[tokio::test]
async fn administrators_register_change_and_remove_resource_servers() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    assert!(browser.get("/admin/resources").await.says(en().admin_resources_empty()));
    let page = add(&browser, &[]).await;
    assert_eq!((page.status, page.path.as_str()), (200, "/admin/resources/resource"), "{}", page.words());
    assert!(page.says(DATA) && page.says("read=Read your files|Leer sus archivos\nwrite=Change your files|Modificar sus archivos"), "{}", page.text);
    assert!(browser.get("/admin/resources").await.says("read write"));

    let stale = browser.get(DETAIL).await.form("/api/admin/resources/set-up");
    let set = async |form: &[(String, String)], changes: &[(&str, &str)]| {
        let changed = |name: &str| changes.iter().find(|(changed, _)| *changed == name).map(|(_, value)| (*value).to_owned());
        let form: Vec<(String, String)> = form.iter().map(|(name, value)| (name.clone(), changed(name).unwrap_or_else(|| value.clone()))).collect();
        browser.post("/api/admin/resources/set-up", &form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>()).await
    };
    app.clock.advance(std::time::Duration::from_secs(1));
    let saved = set(&stale, &[("clients", "tms-cli"), ("readers", "")]).await;
    assert!(saved.says(en().admin_saved()), "{}", saved.words());
    assert_eq!((saved.field("clients"), saved.field("readers")), ("tms-cli".to_owned(), String::new()));
    assert!(set(&stale, &[("name", "Files")]).await.problem().contains(&en().admin_stale()), "another administrator was first");

    let question = browser.get(&DETAIL.replace("/resource?", "/remove?")).await;
    assert!(question.says(en().admin_resources_remove_consequence()), "{}", question.words());
    let removed = browser.post("/api/admin/resources/remove", &[("resource", DATA)]).await;
    assert!(removed.path == "/admin/resources" && removed.says(en().admin_deleted(DATA)), "{}", removed.words());
    assert!(browser.post("/api/admin/resources/remove", &[("resource", DATA)]).await.problem().contains(&en().admin_gone()));
    assert_eq!(browser.get(DETAIL).await.status, 404);
    let kinds = "SELECT kind FROM activity WHERE kind LIKE 'resource_server%' AND admin_id IS NOT NULL ORDER BY id";
    assert_eq!(app.texts(kinds).await, ["resource_server_added", "resource_server_changed", "resource_server_removed"]);
}

#[tokio::test]
async fn invalid_settings_are_refused_with_what_is_wrong() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let t = en();
    let own = app.url("/v1/tms");
    for (change, sentence) in [
        (("name", " "), t.admin_resources_refused_no_name()),
        (("scopes", ""), t.admin_resources_refused_no_scope()),
        (("scopes", "read"), t.admin_resources_refused_scope("read")),
        (("scopes", "keys:read=a|b"), t.admin_resources_refused_scope("keys:read=a|b")),
        (("scopes", "read=a|b\nread=c|d"), t.admin_resources_refused_repeated("read")),
        (("clients", "a\"b"), t.admin_resources_refused_client("a\"b")),
        (("clients", "nobody"), t.admin_resources_refused_no_client("nobody")),
        (("readers", "tms-cli"), t.admin_resources_refused_public("tms-cli")),
        (("resource", own.as_str()), t.admin_resources_refused_portal()),
    ] {
        let page = add(&browser, &[change]).await;
        assert!(page.path == "/admin/resources/add" && page.problem().contains(&sentence), "{change:?}: {}", page.words());
    }
    assert!(add(&browser, &[("resource", "http://data.example.org")]).await.problem().contains("http://data.example.org"));
    add(&browser, &[]).await;
    assert!(add(&browser, &[]).await.problem().contains(&t.admin_resources_refused_exists()));
}
