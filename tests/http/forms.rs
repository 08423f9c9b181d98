//! Common behaviour of all forms: the account they are for, drafts, and that they are carried out once.

use std::time::Duration;

use tms_portal::domain::ids::UserId;
use tms_portal::domain::{form, paths};
use tms_portal::i18n::Languages;

use crate::app::{PASSWORD, Setup, TestApp};
use crate::browser::{Browser, Page, en};
use crate::guards::{actions, pages};

const NEW_PASSWORD: &str = "violet tractor seldom winter";

/// A value for each field of any form.
const ANYTHING: [(&str, &str); 18] = [
    ("client", "testclient1"),
    ("user", "testuser1"),
    ("host", "testhost1"),
    ("address", "127.0.0.1"),
    ("account", "testhostaccount1"),
    ("host_account", "hac_test"),
    ("key", "1"),
    ("key[]", "1"),
    ("change", "disable"),
    ("app_name", "x"),
    ("app_version", "1"),
    ("provider", "campus"),
    ("identity", "1"),
    ("app", "1"),
    ("session", "ses_1"),
    ("tenant", "test"),
    ("display_name", "x"),
    ("days", "3"),
];

/// Signs in an administrator of `default`, which has a client of the same name as one of `test`.
async fn sign_in_at_default(app: &TestApp, browser: &Browser) {
    app.add_dora().await;
    let (operator, dora) = (app.operator("default").await, UserId::parse("dora").expect("a user"));
    app.services.set_admin_role(&operator, &dora, true).await.expect("appointed");
    let page = browser.sign_in("default", "dora", PASSWORD).await;
    assert_eq!(page.status, 200, "{}", page.words());
}

fn with<'a>(fields: &'a [(String, String)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let overridden = |name: &str| more.iter().any(|(other, _)| *other == name);
    let own = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).filter(|(name, _)| !overridden(name));
    own.chain(more.iter().copied()).collect()
}

fn secret(page: &Page) -> String {
    let (_, shown) = page.text.split_once("class=\"card once\"").unwrap_or_else(|| panic!("no secret in {}", page.words()));
    shown.split("data-copy=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a secret").to_owned()
}

#[tokio::test]
async fn every_action_refuses_forms_of_other_accounts() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let carried = browser.get("/keys").await.field("form_account");
    assert_eq!(carried, "test/testuser1");
    sign_in_at_default(&app, &browser).await;
    let (mut before, mut tried) = ((app.dump("test").await, app.dump("default").await), 0);
    for path in actions() {
        let public = paths::PUBLIC_ACTIONS.contains(&path);
        for account in ["test/testuser1", "default/testuser1", "nonsense", ""] {
            let form = with(&[], &[&ANYTHING[..], &[("form_account", account), ("form_page", "/keys")]].concat()).to_vec();
            let page = browser.post(path, &form).await;
            if public && account.is_empty() {
                before = (app.dump("test").await, app.dump("default").await);
                continue;
            }
            assert_eq!((page.status, page.title()), (409, en().document_title_refused(en().error_other_account()).as_str()), "{path} {account}");
            assert!(page.says("dora at ") && page.says("href=\"/keys\""), "{path}: {}", page.words());
            tried += 1;
        }
        if !public {
            let bare = browser.request(reqwest::Method::POST, path).form(&ANYTHING).send().await.expect("an answer");
            assert_eq!(bare.status(), 409, "{path} without an account");
        }
    }
    assert!(tried > 200, "{tried}");
    assert_eq!((app.dump("test").await, app.dump("default").await), before);
    let page = browser.post(paths::SIGN_OUT, &[("form_account", "test/testuser1")]).await;
    assert_eq!(page.status, 409, "another account's form does not sign out either");
}

#[tokio::test]
async fn every_form_carries_its_account() {
    let app = TestApp::start().await;
    let (browser, anonymous) = (app.signed_in().await, app.browser());
    let mut seen = 0;
    for path in pages() {
        let address = format!("{path}?client=testclient1&user=testuser1&host=testhost1&key=1&app=1&tenant=test");
        for (page, account) in [(browser.get(&address).await, "test/testuser1"), (anonymous.get(&address).await, "")] {
            for form in page.text.split("<form ").skip(1).filter(|form| form.starts_with("method=\"post\"")) {
                let form = form.split("</form>").next().expect("an end");
                if form.contains("class=\"preferences\"") {
                    continue;
                }
                assert!(form.contains(&format!("name=\"form_account\" value=\"{account}\"")), "{path}: {form}");
                assert!(form.contains("name=\"form_page\" value=\"/") && form.contains("name=\"form_key\" value=\""), "{path}: {form}");
                seen += 1;
            }
            assert!(page.text.matches("id=\"main-form\"").count() <= 1, "{path}");
            for input in page.text.split("<input").filter(|input| input.split('>').next().is_some_and(|tag| tag.contains("type=\"password\""))) {
                let name = input.split("name=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
                assert!(form::is_secret(name), "{path}: {name} would be kept");
            }
        }
    }
    assert!(seen > 60, "{seen}");
}

#[tokio::test]
async fn form_of_another_tenants_tab_deletes_nothing() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let client = [("client", "gateway"), ("app_name", "Gateway"), ("app_version", "1")];
    browser.post("/api/admin/clients/add", &client).await;
    let question = browser.get("/admin/clients/delete?client=gateway").await;
    let form = question.form("/api/admin/clients/delete");
    sign_in_at_default(&app, &browser).await;
    browser.get("/").await;
    browser.post("/api/admin/clients/add", &client).await;
    let page = browser.post("/api/admin/clients/delete", &with(&form, &[])).await;
    assert_eq!(page.status, 409, "{}", page.words());
    assert_eq!(app.number("SELECT count(*) FROM clients WHERE client_id = 'gateway'").await, 2);
}

#[tokio::test]
async fn form_of_another_tenants_tab_adds_no_person() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let form = browser.get("/admin/people/add").await.form("/api/admin/people/add");
    sign_in_at_default(&app, &browser).await;
    browser.get("/").await;
    let page = browser.post("/api/admin/people/add", &with(&form, &[("user", "eve"), ("display_name", "Eve")])).await;
    assert_eq!(page.status, 409, "{}", page.words());
    assert_eq!(app.number("SELECT count(*) FROM people WHERE user_id = 'eve'").await, 0);
}

#[tokio::test]
async fn form_of_another_account_revokes_nothing() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let form = browser.get("/keys/revoke-everything").await.form("/api/keys/revoke-everything");
    sign_in_at_default(&app, &browser).await;
    browser.get("/").await;
    let page = browser.post("/api/keys/revoke-everything", &with(&form, &[("confirm", "yes")])).await;
    assert_eq!(page.status, 409, "{}", page.words());
    assert_eq!(app.count_audit_events("everything_revoked").await, 0);
    assert_eq!(browser.get("/sessions").await.status, 200, "the browser is still signed in");
}

#[tokio::test]
async fn form_is_restored_after_step_up() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let form = browser.get("/admin/clients/add").await.form("/api/admin/clients/add");
    app.clock.advance(Duration::from_secs(16 * 60));
    let typed = [("client", "jupyter"), ("app_name", "A & \"B\" <C>"), ("app_version", "4"), ("device_grant", "yes"), ("scope[]", "hosts:read")];
    let again = browser.post("/api/admin/clients/add", &with(&form, &typed)).await;
    assert_eq!(again.path, "/sign-in", "{}", again.words());
    let password = again.form("/sign-in/password");
    let page = browser.post("/sign-in/password", &with(&password, &[("password", PASSWORD)])).await;
    assert_eq!(page.path, "/admin/clients/add");
    assert!(page.says(en().form_nothing_changed_yet()), "{}", page.words());
    let filled = page.form("/api/admin/clients/add");
    for (name, value) in [("client", "jupyter"), ("app_version", "4"), ("device_grant", "yes"), ("scope[]", "hosts:read")] {
        assert!(filled.contains(&(name.to_owned(), value.to_owned())), "{name}: {filled:?}");
    }
    assert!(page.says("value=\"A &amp; &quot;B&quot; &lt;C&gt;\""), "{}", page.text);
    let page = browser.post("/api/admin/clients/add", &with(&filled, &[("app_name", "Jupyter")])).await;
    assert_eq!(page.path, "/admin/clients/client", "{}", page.words());
    assert!(!browser.get("/admin/clients/add").await.says("jupyter"), "it has been carried out");
}

#[tokio::test]
async fn form_is_restored_after_the_session_ended() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let form = browser.get("/admin/hosts/add").await.form("/api/admin/hosts/add");
    app.clock.advance(Duration::from_secs(3 * 3_600));
    let page = browser.post("/api/admin/hosts/add", &with(&form, &[("host", "vista"), ("address", "192.0.2.7")])).await;
    assert_eq!(page.path, "/sign-in");
    assert!(page.says(en().sign_in_entries_kept()), "{}", page.words());
    let password = page.form("/sign-in/password");
    let page = browser.post("/sign-in/password", &with(&password, &[("user_name", "testuser1"), ("password", PASSWORD)])).await;
    assert_eq!(page.path, "/admin/hosts/add", "{}", page.words());
    assert!(!browser.get("/sign-in?then=/admin/hosts/add").await.says(en().sign_in_entries_kept()));
    assert!(page.says(en().form_nothing_changed_yet()) && page.says("value=\"vista\"") && page.says("value=\"192.0.2.7\""), "{}", page.words());
    assert_eq!(app.number("SELECT count(*) FROM hosts WHERE host = 'vista'").await, 0);
}

#[tokio::test]
async fn draft_is_shown_to_its_account_only() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let form = browser.get("/admin/hosts/add").await.form("/api/admin/hosts/add");
    app.clock.advance(Duration::from_secs(3 * 3_600));
    let page = browser.post("/api/admin/hosts/add", &with(&form, &[("host", "vista"), ("address", "192.0.2.7")])).await;
    let then = page.form("/sign-in/password").into_iter().find(|(name, _)| name == "then").expect("where to").1;
    app.add_dora().await;
    let (operator, dora) = (app.operator("default").await, UserId::parse("dora").expect("a user"));
    app.services.set_admin_role(&operator, &dora, true).await.expect("appointed");
    let page = browser.post("/sign-in/password", &[("tenant", "default"), ("user_name", "dora"), ("password", PASSWORD), ("then", &then)]).await;
    assert!(page.path == "/admin/hosts/add" && !page.says("vista"), "{} {}", page.path, page.words());
}

#[tokio::test]
async fn refused_form_keeps_all_other_fields() {
    let app = TestApp::start().await;
    app.link_host("test", "testuser1", "second", crate::database::FAR).await;
    let browser = app.signed_in().await;
    let form = browser.get("/keys/add").await.form("/api/keys/add");
    let typed = [("host_account", "hac_second"), ("public_key", "nonsense"), ("label", "laptop"), ("days", "3")];
    let page = browser.post("/api/keys/add", &with(&form, &typed)).await;
    assert_eq!((page.status, page.path.as_str()), (422, "/keys/add"));
    assert!(page.says(en().form_nothing_changed()), "{}", page.words());
    let filled = page.form("/api/keys/add");
    for (name, value) in typed {
        assert!(filled.contains(&(name.to_owned(), value.to_owned())), "{name}: {filled:?}");
    }
}

#[tokio::test]
async fn form_submitted_twice_has_one_result() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let form = browser.get("/admin/clients/add").await.form("/api/admin/clients/add");
    let typed = [("client", "jupyter"), ("app_name", "Jupyter"), ("app_version", "4")];
    let sent = with(&form, &typed);
    // The first response is lost: the connection is closed before it arrives.
    let first = browser.post_once("/api/admin/clients/add", &sent).send().await.expect("an answer");
    assert_eq!(first.status(), 303);
    let page = browser.post("/api/admin/clients/add", &sent).await;
    assert_eq!(page.path, "/admin/clients/client", "{}", page.words());
    let shown = secret(&page);
    assert_eq!(app.client_of("test", "jupyter", &shown).call("GET /client/jupyter", serde_json::json!({})).await.status, 200);
    assert_eq!(app.count_audit_events("client_created").await + app.count_audit_events("client_registered").await, 1);
    let other = with(&form, &[("client", "other"), ("app_name", "Other"), ("app_version", "4")]);
    assert_eq!(browser.post("/api/admin/clients/add", &other).await.path, "/admin/clients/client", "a changed form is another one");
}

#[tokio::test]
async fn concurrent_submissions_have_one_result() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let form = browser.get("/admin/people/add").await.form("/api/admin/people/add");
    let sent = with(&form, &[("user", "newcomer"), ("display_name", "New Comer")]);
    let (one, two) = tokio::join!(browser.post("/api/admin/people/add", &sent), browser.post("/api/admin/people/add", &sent));
    assert_eq!((one.path.as_str(), two.path.as_str()), ("/admin/people/person", "/admin/people/person"), "{} {}", one.words(), two.words());
    assert!([&one, &two].iter().any(|page| page.says("class=\"card once\"")), "one of them shows the password");
    assert!(!one.says("already") && !two.says("already"));
}

#[tokio::test]
async fn language_change_keeps_the_form() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let page = browser.get("/keys/add").await;
    let buttons: Vec<&str> =
        page.text.split("<button").filter(|button| button.contains("name=\"language\"") || button.contains("name=\"theme\"")).collect();
    assert_eq!(buttons.len(), 5);
    for button in buttons {
        assert!(button.contains("form=\"main-form\"") && button.contains("formaction=\"/api/preferences/set\""), "{button}");
    }
    let form = page.form("/api/keys/add");
    let page = browser.post("/api/preferences/set", &with(&form, &[("language", "es"), ("label", "portátil"), ("days", "3")])).await;
    assert_eq!(page.path, "/keys/add");
    assert!(page.says("<html lang=\"es\"") && page.says("value=\"portátil\"") && page.says("value=\"3\""), "{}", page.words());
    assert!(Languages::built_in().all().iter().all(|language| !page.says(language.form_nothing_changed())), "{}", page.words());
}

#[tokio::test]
async fn cookie_of_a_sibling_site_does_not_set_the_theme() {
    let app = TestApp::start_as(Setup { https: true, ..Setup::default() }).await;
    let answer = app.browser().post_once("/api/preferences/set", &[("theme", "light"), ("language", "en")]).send().await.expect("an answer");
    let cookies: Vec<_> = answer.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().expect("text").to_owned()).collect();
    for (cookie, name) in cookies.iter().zip(["__Host-tms-language=en;", "__Host-tms-theme=light;"]) {
        assert!(cookie.starts_with(name) && cookie.contains("Path=/;") && cookie.contains("Secure") && !cookie.contains("Domain"), "{cookie}");
    }
    let sent = "theme=dark; tms-theme=dark; language=es; tms-language=es; __Host-tms-theme=light; __Host-tms-language=en";
    let page = app.http.get(app.url("/device")).header("cookie", sent).header("accept", "text/html").send().await.expect("an answer");
    let text = page.text().await.expect("a text");
    assert!(text.contains("data-theme=\"light\"") && text.contains("<html lang=\"en\""), "{text}");
    let page =
        app.http.get(app.url("/device")).header("cookie", "theme=dark; language=es").header("accept", "text/html").send().await.expect("an answer");
    let text = page.text().await.expect("a text");
    assert!(!text.contains("data-theme") && text.contains("<html lang=\"en\""), "{text}");
}

#[tokio::test]
async fn draft_does_not_hide_changes_of_others() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let form = browser.get("/admin/clients/client?client=testclient1").await.form("/api/admin/clients/set-up");
    app.clock.advance(Duration::from_secs(3 * 3_600));
    app.switch_client("testclient1", false).await;
    let page = browser.post("/api/admin/clients/set-up", &with(&form, &[])).await;
    let sign_in = page.form("/sign-in/password");
    let page = browser.post("/sign-in/password", &with(&sign_in, &[("user_name", "testuser1"), ("password", PASSWORD)])).await;
    assert!(page.path == "/admin/clients/client" && page.says(en().form_nothing_changed_yet()), "{}", page.words());
    let filled = page.form("/api/admin/clients/set-up");
    let page = browser.post("/api/admin/clients/set-up", &with(&filled, &[])).await;
    assert_eq!(page.status, 422, "{}", page.words());
    assert_eq!(app.number("SELECT count(*) FROM clients WHERE client_id = 'testclient1' AND enabled").await, 0);
    let shown = page.form("/api/admin/clients/set-up");
    assert!(!shown.iter().any(|(name, _)| name == "enabled"), "the page shows what is: {shown:?}");
}

#[tokio::test]
async fn anonymous_draft_is_hidden_from_accounts() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let forged = [("form_account", "test/testuser1"), ("form_page", "/keys/add"), ("form_key", "x.00"), ("label", "planted")];
    let answer = browser.post_once("/api/keys/add", &forged).send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), &answer.headers()["location"]), (303, &"/sign-in?then=/keys/add".parse().expect("a value")));
    assert_eq!(app.number("SELECT count(*) FROM browser_sessions").await, 0);
}

#[tokio::test]
async fn tenant_switch_keeps_the_code() {
    let app = TestApp::start().await;
    app.add_dora().await;
    let device = app.start_device_at("default", &[("client_id", "tms-cli"), ("scope", "hosts:read")]).await;
    let browser = app.signed_in().await;
    let page = browser.enter(&device.user_code).await;
    let switch = page.form("/api/device/switch-tenant");
    let page = browser.post("/api/device/switch-tenant", &with(&switch, &[])).await;
    let sign_in = page.form("/sign-in/password");
    assert!(sign_in.contains(&("tenant".into(), "default".into())), "{sign_in:?}");
    let page = browser.post("/sign-in/password", &with(&sign_in, &[("user_name", "dora"), ("password", PASSWORD)])).await;
    assert!(page.says(en().consent_question("TMS command line")), "{}", page.words());
}

/// The `Set-Cookie` headers and the `Location` of a response.
fn cookies_and_location(answer: &reqwest::Response) -> (Vec<String>, String) {
    let text = |value: &reqwest::header::HeaderValue| value.to_str().expect("ASCII").to_owned();
    (answer.headers().get_all("set-cookie").iter().map(text).collect(), text(&answer.headers()["location"]))
}

/// A second browser with the current cookie of the first.
fn with_the_same_cookie(browser: &Browser) -> Browser {
    let other = Browser::new(&browser.base);
    other.take_cookie(&browser.cookie());
    other
}

#[tokio::test]
async fn repeated_submission_gets_the_renewed_cookie() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let form = browser.get("/identities/password").await.form("/api/password/change");
    let sent = with(&form, &[("current_password", PASSWORD), ("new_password", NEW_PASSWORD), ("repeated_password", NEW_PASSWORD)]);
    let (old, changed) = (with_the_same_cookie(&browser), with_the_same_cookie(&browser));
    let (first, second) = tokio::join!(browser.post_once("/api/password/change", &sent).send(), old.post_once("/api/password/change", &sent).send());
    let (first, second) = (cookies_and_location(&first.expect("an answer")), cookies_and_location(&second.expect("an answer")));
    assert_eq!(first, second);
    assert!(first.0.len() == 1 && first.1 == "/identities", "{first:?}");
    assert!(old.get("/identities").await.says(en().password_changed()));
    let again =
        with(&form, &[("current_password", PASSWORD), ("new_password", "another violet tractor"), ("repeated_password", "another violet tractor")]);
    let page = changed.post("/api/password/change", &again).await;
    assert_eq!((page.path.as_str(), changed.get("/keys").await.path), ("/sign-in", "/sign-in".into()), "other fields are another form");
    assert_eq!(app.count_audit_events("password_changed").await, 1);
}

#[tokio::test]
async fn repeated_sign_in_gets_the_same_session() {
    let app = TestApp::start().await;
    let browser = app.browser();
    // A code that waits for sign-in: the browser has a session already.
    let sign_in = browser.enter(&app.start_device().await.user_code).await;
    let form = sign_in.form("/sign-in/password");
    let sent = with(&form, &[("user_name", "testuser1"), ("password", PASSWORD)]);
    let (old, stranger) = (with_the_same_cookie(&browser), app.browser());
    let first = cookies_and_location(&browser.post_once("/sign-in/password", &sent).send().await.expect("an answer"));
    let second = cookies_and_location(&old.post_once("/sign-in/password", &sent).send().await.expect("an answer"));
    assert_eq!(first, second);
    assert!(first.1.starts_with("/device?grant="), "{first:?}");
    assert_eq!(app.number("SELECT count(*) FROM browser_sessions WHERE user_id IS NOT NULL").await, 1);
    let third = cookies_and_location(&browser.post_once("/sign-in/password", &sent).send().await.expect("an answer"));
    assert_eq!(third, (vec![], first.1.clone()), "with the new cookie it stays");
    let elsewhere = cookies_and_location(&stranger.post_once("/sign-in/password", &sent).send().await.expect("an answer"));
    assert_ne!(elsewhere.0, first.0, "another browser gets a session of its own");
}

/// Nothing is stored of the sign-in, so there is no result to wait for.
#[tokio::test]
async fn repeat_of_a_sign_in_that_was_not_saved_signs_in() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let form = browser.get("/sign-in?tenant=test").await.form("/sign-in/password");
    let sent = with(&form, &[("user_name", "testuser1"), ("password", PASSWORD)]);
    app.refuse_writes("INSERT", "browser_sessions").await;
    let failed = browser.post_once("/sign-in/password", &sent).send().await.expect("an answer");
    assert_eq!(failed.status(), 500);
    app.allow_writes("browser_sessions").await;
    let begun = std::time::Instant::now();
    assert_eq!(browser.post("/sign-in/password", &sent).await.status, 200);
    assert!(begun.elapsed() < std::time::Duration::from_secs(20) && browser.get("/keys").await.path == "/keys");
}

#[tokio::test]
async fn repeated_sign_in_after_sign_out_has_no_session() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let sign_in = browser.enter(&app.start_device().await.user_code).await;
    let sent_form = sign_in.form("/sign-in/password");
    let sent = with(&sent_form, &[("user_name", "testuser1"), ("password", PASSWORD)]);
    let old = with_the_same_cookie(&browser);
    browser.post("/sign-in/password", &sent).await;
    browser.post("/sign-out", &[]).await;
    old.post("/sign-in/password", &sent).await;
    assert_eq!(old.get("/keys").await.path, "/sign-in");
}

#[tokio::test]
async fn form_of_another_account_links_to_its_sign_in() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let form = browser.get("/keys/add").await.form("/api/keys/add");
    sign_in_at_default(&app, &browser).await;
    let page = browser.post("/api/keys/add", &with(&form, &[("label", "laptop")])).await;
    let (_, main) = page.text.split_once("<main").expect("a page");
    let change = Page { text: main.to_owned(), ..page }.form("/sign-out");
    let page = browser.post("/sign-out", &with(&change, &[])).await;
    assert_eq!(page.address, "/sign-in?tenant=test&then=/keys/add");
    let sign_in = page.form("/sign-in/password");
    let page = browser.post("/sign-in/password", &with(&sign_in, &[("user_name", "testuser1"), ("password", PASSWORD)])).await;
    assert!(page.path == "/keys/add" && page.field("form_account") == "test/testuser1", "{}", page.words());
}
