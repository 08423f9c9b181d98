//! The consent page's choice of host accounts: none linked, a few, many.

use crate::app::{PASSWORD, TestApp};
use crate::browser::{Browser, Page, en};
use crate::database::FAR;

const HOSTS: [&str; 5] = ["frontera", "ls6", "maverick", "stampede3", "vista"];

/// A request that is open in a browser of a person with this many host accounts.
async fn open(app: &TestApp, accounts: usize) -> (Browser, Page) {
    app.add_person("test", "eve").await;
    for host in &HOSTS[..accounts] {
        app.link_host("test", "eve", host, FAR).await;
    }
    let device = app.start_device_of(&[("client_id", "testclient1"), ("client_secret", "secret1"), ("scope", "hosts:read keys:create")]).await;
    let browser = app.signed_in_as("test", "eve", PASSWORD).await;
    let consent = browser.enter(&device.user_code).await;
    assert_eq!((consent.status, consent.path.as_str()), (200, "/device"), "{}", consent.words());
    (browser, consent)
}

/// Submits the page's form with its preselected values and these changes.
async fn allow(browser: &Browser, consent: &Page, changed: &[(&str, &str)]) -> Page {
    let mut form = consent.form("/api/device/decide");
    form.retain(|(name, _)| name != "started_this" && !changed.iter().any(|(other, _)| other == name));
    let mut form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    form.extend(changed.iter().filter(|(_, value)| !value.is_empty()));
    form.extend([("decision", "allow"), ("started_this", "yes")]);
    browser.post("/api/device/decide", &form).await
}

async fn covered(app: &TestApp) -> Vec<String> {
    app.texts("SELECT host_account_id FROM delegation_host_accounts ORDER BY host_account_id").await
}

#[tokio::test]
async fn few_accounts_are_listed_and_many_are_collapsed() {
    for (accounts, collapsed) in [(3, false), (4, true)] {
        let app = TestApp::start().await;
        let (_, consent) = open(&app, accounts).await;
        assert_eq!(consent.text.matches("name=\"host_accounts[]\"").count(), accounts);
        assert_eq!(consent.says("name=\"accounts\" value=\"all:") && consent.says("if-selected"), collapsed, "{}", consent.text);
        let said = format!("{} {}", en().consent_all_accounts(4), en().consent_accounts_on("frontera, ls6, maverick, stampede3"));
        assert_eq!(consent.words().contains(&said), collapsed, "{}", consent.words());
    }
}

#[tokio::test]
async fn all_accounts_are_those_that_the_page_showed() {
    let app = TestApp::start().await;
    let (browser, consent) = open(&app, 4).await;
    app.link_host("test", "eve", "later", FAR).await;
    // The checkboxes of the list that is not shown do not matter.
    let page = allow(&browser, &consent, &[("host_accounts[]", "")]).await;
    assert_eq!(page.title(), en().document_title(en().result_connected()).as_str(), "{}", page.words());
    assert_eq!(covered(&app).await, ["hac_frontera", "hac_ls6", "hac_maverick", "hac_stampede3"]);
}

#[tokio::test]
async fn no_account_or_selected_ones_are_shared() {
    for (choice, shared) in [("none", &[][..]), ("selected", &["hac_ls6"])] {
        let app = TestApp::start().await;
        let (browser, consent) = open(&app, 4).await;
        let selected = [("accounts", choice), ("host_accounts[]", "hac_ls6")];
        let page = allow(&browser, &consent, &selected).await;
        assert_eq!(page.title(), en().document_title(en().result_connected()).as_str(), "{}", page.words());
        assert_eq!(covered(&app).await, shared, "{choice}");
    }
}

#[tokio::test]
async fn account_unlinked_meanwhile_is_refused_among_all() {
    let app = TestApp::start().await;
    let (browser, consent) = open(&app, 4).await;
    app.sql("UPDATE host_accounts SET expires_at = 1 WHERE id = 'hac_ls6'").await;
    let page = allow(&browser, &consent, &[]).await;
    assert_eq!((page.status, page.problem().as_str()), (422, en().decision_refused_host_account().as_str()));
    // Nor an account of another person, even if the form names it as shown.
    let foreign = [("accounts", "all:hac_frontera,hac_1")];
    assert_eq!(allow(&browser, &consent, &foreign).await.status, 422);
    assert_eq!((app.consents().await, covered(&app).await), (0, vec![]));
    let page = allow(&browser, &page, &[]).await;
    assert_eq!(page.title(), en().document_title(en().result_connected()).as_str(), "the page shows what is left: {}", page.words());
    assert_eq!(covered(&app).await, ["hac_frontera", "hac_maverick", "hac_stampede3"]);
}

#[tokio::test]
async fn refusal_keeps_the_choice() {
    let app = TestApp::start().await;
    let (browser, consent) = open(&app, 4).await;
    let page = allow(&browser, &consent, &[("accounts", "selected"), ("host_accounts[]", "hac_ls6"), ("lifetime", "1")]).await;
    assert_eq!(page.status, 422);
    let form = page.form("/api/device/decide");
    let chosen = |name: &str| form.iter().filter(|(field, _)| field == name).map(|(_, value)| value.clone()).collect::<Vec<_>>();
    assert_eq!((chosen("accounts"), chosen("host_accounts[]")), (vec!["selected".to_owned()], vec!["hac_ls6".to_owned()]));
}

#[tokio::test]
async fn without_an_account_consent_shows_how_to_link_one() {
    let app = TestApp::start().await;
    let (browser, consent) = open(&app, 0).await;
    let words = consent.words();
    for absent in [en().consent_may_log_in(), en().consent_may_see_hosts(), en().consent_hosts(), en().consent_how_long(), en().span_days(7)] {
        assert!(!words.contains(&absent), "{absent}: {words}");
    }
    assert!(words.contains(&en().consent_no_hosts()) && words.contains(&en().consent_may_know()), "{words}");
    assert!(words.contains(&en().consent_lasts(en().span_hours(8))), "{words}");
    let grant = consent.field("grant");
    assert!(consent.says(format!("href=\"/hosts/link?grant={grant}\"")), "{}", consent.text);
    // It can be allowed all the same: `tms login` needs no host.
    let page = allow(&browser, &consent, &[]).await;
    assert_eq!(page.title(), en().document_title(en().result_connected()).as_str(), "{}", page.words());
    assert!(page.words().contains(&en().result_link_first()) && page.says("href=\"/hosts/link\""), "{}", page.words());
    assert_eq!(app.texts("SELECT concat_ws('', expires_at - created_at) FROM delegations WHERE user_id = 'eve'").await, ["28800000"]);
}

#[tokio::test]
async fn lifetimes_are_shown_with_accounts_only() {
    let app = TestApp::start().await;
    app.sql("UPDATE clients SET scope = 'hosts:read keys:read keys:create' WHERE client_id = 'testclient1'").await;
    app.add_person("test", "eve").await;
    let device = app.start_device_of(&[("client_id", "testclient1"), ("client_secret", "secret1"), ("scope", "keys:read")]).await;
    let consent = app.signed_in_as("test", "eve", PASSWORD).await.enter(&device.user_code).await;
    assert!(!consent.words().contains(&en().consent_how_long()), "{}", consent.words());
    let linked = app.signed_in().await.enter(&app.start_device().await.user_code).await;
    assert!(linked.words().contains(&en().consent_how_long()), "{}", linked.words());
    assert!(!consent.words().contains(&en().consent_no_hosts()), "no account matters to it: {}", consent.words());
}

#[tokio::test]
async fn report_link_stands_beside_the_question() {
    let app = TestApp::start().await;
    let (browser, consent) = open(&app, 1).await;
    let (_, main) = consent.text.split_once("<main").expect("a page");
    let main = main.split("</main>").next().expect("its end");
    let report = format!("/device/report?grant={}", consent.field("grant"));
    assert!(main.contains(&format!("href=\"{report}\"")), "{main}");
    assert!(browser.get(&report).await.says(en().not_started()));
}
