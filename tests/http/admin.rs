//! `/admin`, used by a tenant's administrators.

mod overview;
mod providers;
mod resource_servers;

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tms_portal::domain::ids::UserId;
use tms_portal::domain::paths;

use crate::app::{PASSWORD, TestApp};
use crate::browser::{Browser, Page, en, holds};
use crate::guards::{actions, pages};
use crate::tms::api::login;

/// The secret shown on a page.
pub fn secret(page: &Page) -> String {
    let (_, shown) = page.text.split_once("class=\"card once\"").expect("a secret");
    shown.split("data-copy=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a secret").to_owned()
}

/// A browser with an administrator of the tenant `default`.
pub async fn deployment_administrator(app: &TestApp) -> Browser {
    app.add_dora().await;
    let (operator, dora) = (app.operator("default").await, UserId::parse("dora").expect("a user"));
    app.services.set_admin_role(&operator, &dora, true).await.expect("appointed");
    app.signed_in_as("default", "dora", PASSWORD).await
}

#[tokio::test]
async fn pages_are_for_administrators_of_the_tenant_only() {
    let app = TestApp::start().await;
    app.add_person("test", "eve").await;
    app.client().make_key(json!({})).await;
    let eve = app.signed_in_as("test", "eve", PASSWORD).await;
    let dora = deployment_administrator(&app).await;
    let before = app.dump("test").await;
    let form = [
        ("client", "testclient1"),
        ("user", "testuser1"),
        ("host", "testhost1"),
        ("address", "127.0.0.1"),
        ("account", "testhostaccount1"),
        ("key", "1"),
        ("change", "disable"),
        ("app_name", "x"),
        ("app_version", "1"),
        ("provider", "campus"),
        ("identity", "1"),
    ];
    for path in pages().iter().filter(|path| path.starts_with(paths::ADMIN)) {
        assert_eq!(eve.get(path).await.status, 404, "{path}");
        assert_eq!(app.browser().get(path).await.path, "/sign-in", "{path}");
        let words = dora.get(&format!("{path}?client=testclient1&user=testuser1&host=testhost1&key=1")).await.words();
        assert!(!words.contains("testapp1") && !words.contains("Test User"), "{path}: {words}");
    }
    for path in actions().into_iter().filter(|path| path.starts_with(paths::ADMIN_ACTIONS)) {
        assert_eq!(eve.post_once(path, &form).send().await.expect("an answer").status(), 404, "{path}");
        // Tenants, and what she adds, are hers to change.
        if path.contains("/tenants/") || path.ends_with("/add") {
            continue;
        }
        let answer = dora.post_once(path, &form).send().await.expect("an answer");
        assert!(answer.status().as_u16() < 400, "{path}: {}", answer.status());
    }
    for path in ["/admin/activity.json", "/admin/activity.csv"] {
        assert_eq!(eve.request(Method::GET, path).send().await.expect("an answer").status(), 404, "{path}");
        let text = dora.request(Method::GET, path).send().await.expect("an answer").text().await.expect("a text");
        assert!(!text.contains("testuser1"), "{path}: {text}");
    }
    assert_eq!(app.dump("test").await, before);
}

#[tokio::test]
async fn client_lifecycle_from_creation_to_deletion() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let form = [("client", "jupyter"), ("app_name", "Jupyter"), ("app_version", "4"), ("device_grant", "yes"), ("scope[]", "hosts:read")];
    let page = browser.post("/api/admin/clients/add", &form).await;
    assert_eq!(page.path, "/admin/clients/client");
    let first = secret(&page);
    assert!(!browser.get("/admin/clients/client?client=jupyter").await.says(&first), "shown once");
    let works = async |secret: &str| app.client_of("test", "jupyter", secret).call("GET /client/jupyter", json!({})).await.status == 200;
    assert!(works(&first).await);
    assert!(browser.post("/api/admin/clients/add", &form).await.problem().contains("already"));
    assert!(
        browser.post("/api/admin/clients/add", &[("client", "a b"), ("app_name", "x"), ("app_version", "1")]).await.problem().contains("letters")
    );

    let second = secret(&browser.post("/api/admin/clients/rotate", &[("client", "jupyter"), ("overlap", "1")]).await);
    assert!(works(&first).await && works(&second).await, "both for an hour");
    app.clock.advance(Duration::from_secs(3_600));
    assert!(!works(&first).await && works(&second).await);

    let browser = app.signed_in().await;
    let seen = browser.get("/admin/clients/client?client=jupyter").await.field("seen");
    let form = [("client", "jupyter"), ("seen", seen.as_str()), ("verified", "yes"), ("scope[]", "keys:read")];
    let page = browser.post("/api/admin/clients/set-up", &form).await;
    assert!(
        page.words().contains(&en().admin_saved())
            && page.words().contains(&en().admin_disabled())
            && page.words().contains(&en().admin_clients_verified()),
        "{}",
        page.words()
    );
    assert!(!works(&second).await, "switched off");
    app.clock.advance(Duration::from_secs(1));
    let stale = [("client", "jupyter"), ("seen", seen.as_str()), ("enabled", "yes")];
    assert!(browser.post("/api/admin/clients/set-up", &stale).await.problem().contains(&en().admin_stale()));
    assert!(!works(&second).await, "a form that was open meanwhile does not switch it on again");
    assert!(browser.get("/admin/clients/delete?client=jupyter").await.says(en().admin_clients_delete_question("Jupyter")));
    assert!(browser.post("/api/admin/clients/delete", &[("client", "jupyter")]).await.says(en().admin_deleted("jupyter")));
    assert_eq!(browser.get("/admin/clients/client?client=jupyter").await.status, 404);
    assert_eq!(app.number("SELECT count(*) FROM activity WHERE admin_id = 'person:testuser1' AND client_id = 'jupyter'").await, 4);
}

/// Client and rights are one change: without its audit event there is neither, and no second write gives the rights.
#[tokio::test]
async fn client_is_created_with_its_rights_or_not_at_all() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let form = [("client", "jupyter"), ("app_name", "Jupyter"), ("app_version", "4"), ("device_grant", "yes"), ("scope[]", "hosts:read")];
    app.refuse_writes("INSERT", "activity").await;
    assert_eq!(browser.post_once("/api/admin/clients/add", &form).send().await.expect("an answer").status(), 500);
    assert_eq!(app.number("SELECT count(*) FROM clients WHERE client_id = 'jupyter'").await, 0);
    app.allow_writes("activity").await;
    app.refuse_writes("UPDATE", "clients").await;
    assert_eq!(browser.post("/api/admin/clients/add", &form).await.path, "/admin/clients/client");
    let rights = "SELECT scope FROM clients WHERE client_id = 'jupyter' AND device_grant";
    assert_eq!(app.texts(rights).await, ["hosts:read"]);
}

#[tokio::test]
async fn host_page_has_settings_credential_and_last_lookup() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let page = browser.post("/api/admin/hosts/add", &[("host", "frontera"), ("address", "login.example.org")]).await;
    assert_eq!(page.path, "/admin/hosts/host");
    let words = page.words();
    let never_asked = en().admin_hosts_status_new();
    for line in ["AuthorizedKeysCommand /usr/libexec/tms-keycmd %u %U %f %t", "host_name = \"frontera\"", "tenant = \"test\"", never_asked.as_str()] {
        assert!(words.contains(line), "{line}: {words}");
    }
    let links = "systemctl enable --now tms-link.socket";
    assert!(!browser.get("/admin/hosts/host?host=frontera").await.says(links), "without a credential it links nothing");
    let credential = secret(&browser.post("/api/admin/hosts/credential", &[("host", "frontera"), ("required", "yes")]).await);
    assert!(browser.get("/admin/hosts/host?host=frontera").await.says(links));
    let login = json!({ "user": "x", "user_uid": "1000", "host": "frontera", "key_type": "ed25519", "public_key_fingerprint": "SHA256:none" });
    assert_eq!(app.bearer(&credential).call("POST /pubkeys/creds/retrieve", login.clone()).await.status, 404);
    assert_eq!(app.unauthenticated().call("POST /pubkeys/creds/retrieve", login).await.status, 401, "it is demanded");
    app.services.run_housekeeping().await.expect("tidied");
    assert!(browser.get("/admin/hosts/host?host=frontera").await.words().contains(&format!(
        "{}: {}, 127.0.0.1",
        en().admin_hosts_asked(),
        en().just_now()
    )));
    assert!(
        browser.post("/api/admin/hosts/remove", &[("host", "frontera"), ("address", "login.example.org")]).await.tells(|x| en().admin_deleted(x))
    );
    assert!(browser.get("/admin/hosts?q=frontera").await.words().contains("frontera"), "as long as it holds a credential it may ask");
    assert_eq!(browser.get("/admin/hosts/host?host=frontera").await.status, 200);
    app.sql("DELETE FROM host_credentials").await;
    assert_eq!(browser.get("/admin/hosts/host?host=frontera").await.status, 404);
    assert!(browser.post("/api/admin/hosts/add", &[("host", ""), ("address", "")]).await.problem().contains("letters"));
}

#[tokio::test]
async fn address_shared_by_two_hosts_names_neither() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let add = async |host: &str, address: &str| browser.post("/api/admin/hosts/add", &[("host", host), ("address", address)]).await.words();
    assert!(!holds(&add("frontera", "login.example").await, |x| en().admin_hosts_added_shared(x, x)), "of one host alone");
    let said = add("stampede", "LOGIN.example").await;
    assert!(said.contains(&en().admin_hosts_added()) && said.contains(&en().admin_hosts_added_shared("LOGIN.example", "frontera")), "{said}");
    assert!(!holds(&add("stampede", "192.0.2.1").await, |x| en().admin_hosts_added_shared(x, x)));
    assert!(!holds(&add("vista", "192.0.2.1").await, |x| en().admin_hosts_added_shared(x, x)), "numbers are no names");
}

#[tokio::test]
async fn host_page_is_found_by_alias() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    browser.post("/api/admin/hosts/add", &[("host", "frontera"), ("address", "login.example")]).await;
    let page = browser.get("/admin/hosts/host?host=LOGIN.example").await;
    assert!(page.status == 200 && page.says("host_name = \"frontera\""), "{}", page.words());
    browser.post("/api/admin/hosts/credential", &[("host", "login.example"), ("required", "yes")]).await;
    browser.post("/api/admin/hosts/require", &[("host", "login.EXAMPLE"), ("required", "")]).await;
    browser.post("/api/admin/hosts/remove-credential", &[("host", "login.example")]).await;
    browser.post("/api/admin/hosts/remove", &[("host", "login.example"), ("address", "login.example")]).await;
    let subjects = "SELECT DISTINCT subject FROM activity WHERE kind LIKE 'host_credential%' OR kind IN ('host_added', 'host_removed')";
    assert_eq!(app.texts(subjects).await, ["frontera"], "the record has the host's own name");
    assert_eq!(app.number("SELECT count(*) FROM activity WHERE subject = 'frontera'").await, 5);
}

#[tokio::test]
async fn person_is_added_linked_promoted_and_disabled() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let page = browser.post("/api/admin/people/add", &[("user", "jdoe"), ("display_name", "Jane <b>Doe</b>")]).await;
    let password = secret(&page);
    assert!(page.says("Jane &lt;b&gt;Doe&lt;/b&gt;") && !page.says("<b>Doe"));
    let jane = app.signed_in_as("test", "jdoe", &password).await;
    let link = [("user", "jdoe"), ("host", "testhost1"), ("account", "jdoe"), ("days", "30")];
    assert!(browser.post("/api/admin/people/link", &link).await.says(en().admin_people_no_mfa()));
    let change = async |what: &str| browser.post("/api/admin/people/change", &[("user", "jdoe"), ("change", what)]).await;
    assert!(change("open-mfa").await.words().contains(&format!("{} 27 November 2026", en().admin_people_mfa_until())));
    assert!(browser.post("/api/admin/people/link", &link).await.words().contains("jdoe@testhost1"));
    assert!(jane.get("/hosts").await.words().contains(&format!("testhost1 jdoe {}", en().hosts_linked())));
    assert!(
        browser.get("/admin/people?q=jane").await.words().contains("jdoe")
            && !browser.get("/admin/people?show=no-mfa").await.words().contains("jdoe")
    );

    assert!(change("appoint").await.words().contains("administrator"));
    assert_eq!(jane.get("/admin").await.status, 200);
    assert!(browser.get("/admin/people/change?user=jdoe&change=dismiss").await.tells(|x| en().admin_people_demote_question(x)));
    change("dismiss").await;
    assert_eq!(jane.get("/admin").await.status, 404);
    let own = browser.post("/api/admin/people/change", &[("user", "testuser1"), ("change", "dismiss")]).await;
    assert!(own.problem().contains(&en().person_refused_last_admin()), "{}", own.words());
    assert_eq!(browser.get("/admin").await.status, 200, "and nothing was changed");

    let second = secret(&change("password").await);
    assert_eq!(jane.get("/hosts").await.path, "/sign-in", "sessions end with the old password");
    app.signed_in_as("test", "jdoe", &second).await;
    change("disable").await;
    assert_eq!(app.browser().sign_in("test", "jdoe", &second).await.status, 422);
    for change in ["open-mfa", "end-sessions", "disable", "appoint", "password"] {
        let page = browser.post("/api/admin/people/change", &[("user", "nobody"), ("change", change)]).await;
        assert!(page.status == 404, "{change}: {}", page.words());
    }
    assert_eq!(app.number("SELECT count(*) FROM activity WHERE user_id = 'nobody'").await, 0);
    for unknown in ["nonsense", ""] {
        assert!(change(unknown).await.problem().contains(&en().admin_gone()));
    }
    assert!(app.number("SELECT count(*) FROM activity WHERE admin_id = 'person:testuser1' AND user_id = 'jdoe'").await >= 7);
}

#[tokio::test]
async fn delegations_and_keys_are_listed_and_revoked() {
    let app = TestApp::start().await;
    let key = app.client().make_key(json!({})).await;
    let fingerprint = key["public_key_fingerprint"].as_str().expect("a fingerprint").to_owned();
    let browser = app.signed_in().await;
    let page = browser.get(&format!("/admin/keys?q={}", paths::encode(&fingerprint))).await;
    assert!(page.words().contains("testuser1") && page.words().contains(&fingerprint), "{}", page.words());
    assert!(browser.get("/admin/keys/revoke?key=1").await.says(&fingerprint));
    assert!(browser.post("/api/admin/keys/revoke", &[("key", "1")]).await.says(en().keys_revoked(1)));
    assert!(!app.client().gets_key(&login(&key)).await);
    assert!(browser.post("/api/admin/keys/revoke", &[("key", "1")]).await.problem().contains(&en().keys_revoked(0)));

    app.add_person("test", "eve").await;
    let add = [("client", "testclient1"), ("user", "eve"), ("days", "30")];
    assert!(browser.post("/api/admin/delegations/add", &add).await.words().contains("eve"));
    assert!(browser.post("/api/admin/delegations/add", &add).await.problem().contains("already"));
    assert!(
        browser
            .post("/api/admin/delegations/add", &[("client", "none"), ("user", "eve")])
            .await
            .problem()
            .contains(&en().admin_delegations_no_client())
    );
    let end = [("client", "testclient1"), ("user", "eve")];
    assert!(browser.post("/api/admin/delegations/end", &end).await.says(en().admin_delegations_ended()));
    assert!(browser.post("/api/admin/delegations/end", &end).await.problem().contains(&en().admin_gone()));
    let words = browser.get("/admin/activity?q=eve").await.words();
    assert!(
        words.contains(&en().event_delegated_app("testapp1"))
            && words.contains(&en().activity_by_operator())
            && words.contains(&format!("{} {}", en().activity_by(), en().activity_by_admin("testuser1"))),
        "{words}"
    );
}

#[tokio::test]
async fn policy_is_saved_and_low_contrast_is_refused() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let seen = browser.get("/admin/policy").await.field("policy[seen]");
    let form = |light: &'static str, minutes: &'static str| {
        [
            ("policy[seen]", seen.as_str()),
            ("policy[display_name]", "TACC"),
            ("policy[code_minutes]", minutes),
            ("policy[access_days]", "14"),
            ("policy[mfa_hours]", "24"),
            ("policy[link_days]", "180"),
            ("policy[lowest_linked_uid]", "500"),
            ("policy[require_started_tick]", "yes"),
            ("policy[own_keys]", "yes"),
            ("policy[brand_light]", light),
            ("policy[brand_dark]", "#ffb37a"),
            ("policy[help_contact]", "help@tacc.example"),
        ]
    };
    assert!(browser.post("/api/admin/policy/save", &form("#ffff00", "10")).await.refuses(|x| en().brand_refused_faint_on_light(x)));
    assert!(browser.post("/api/admin/policy/save", &form("red", "10")).await.problem().contains("#rrggbb"));
    assert!(browser.post("/api/admin/policy/save", &form("#a34a00", "61")).await.problem().contains(&en().admin_policy_out_of_range()));
    app.clock.advance(Duration::from_secs(1));
    let page = browser.post("/api/admin/policy/save", &form("#a34a00", "10")).await;
    assert!(page.says(en().admin_saved()) && page.says("value=\"TACC\"") && page.says("value=\"14\""), "{}", page.words());
    assert_eq!(
        app.texts("SELECT subject FROM activity WHERE kind = 'tenant_changed'").await,
        ["code-lifetime longest-access mfa-lifetime link-lifetime lowest-linked-uid brand help-contact display-name"]
    );
    assert!(page.says("--help-contact 'help@tacc.example'"), "{}", page.words());
    let contact =
        |contact: &'static str| form("#a34a00", "10").map(|(name, value)| (name, if name == "policy[help_contact]" { contact } else { value }));
    let not_https = browser.post("/api/admin/policy/save", &contact("javascript:alert(1)")).await;
    assert_eq!(not_https.problem(), en().help_contact_refused_not_an_https_url());
    let stale = browser.post("/api/admin/policy/save", &form("#17579f", "15")).await;
    assert!(stale.problem().contains(&en().admin_stale()), "{}", stale.words());
    let unchanged = browser.get("/admin/policy").await.field("policy[seen]");
    let again = form("#a34a00", "10").map(|(name, value)| (name, if name == "policy[seen]" { unchanged.as_str() } else { value }));
    assert!(browser.post("/api/admin/policy/save", &again).await.says(en().admin_saved()));
    assert_eq!(app.count_audit_events("tenant_changed").await, 1, "nothing was changed, nothing is recorded");
    let sheet = page.text.split("/brand/test.css").next().filter(|before| before.len() < page.text.len());
    assert!(sheet.is_some(), "the page links the tenant's colours");
    let css = browser.request(Method::GET, "/brand/test.css").send().await.expect("an answer");
    assert_eq!(css.headers()["content-type"], "text/css; charset=utf-8");
    assert!(css.text().await.expect("a text").contains("light-dark(#a34a00, #ffb37a)"));
    for nothing in ["/brand/default.css", "/brand/none.css", "/brand/..%2f.css"] {
        let css = browser.request(Method::GET, nothing).send().await.expect("an answer");
        let (status, text) = (css.status(), css.text().await.expect("a text"));
        assert!(status == 404 || status == 200 && text.is_empty(), "{nothing}: {status} {text}");
    }
}

#[tokio::test]
async fn deployment_administrators_manage_tenants() {
    let app = TestApp::start().await;
    let of_test = app.signed_in().await;
    for address in ["/admin/tenants", "/admin/tenants/change?tenant=test&change=off"] {
        let page = of_test.get(address).await;
        assert!(page.status == 403 && page.says(en().admin_tenants_not_yours()), "{address}: {}", page.words());
    }
    let dora = deployment_administrator(&app).await;
    let page = dora.post("/api/admin/tenants/add", &[("tenant", "ncsa")]).await;
    let secret = secret(&page);
    assert_eq!(app.admin_of("ncsa", "~~admin", &secret).call("GET /hosts/list", json!({})).await.status, 200);
    assert!(dora.post("/api/admin/tenants/add", &[("tenant", "ncsa")]).await.problem().contains("already"));
    assert!(dora.get("/admin/tenants/change?tenant=ncsa&change=off").await.says(en().admin_tenants_off_question("ncsa")));
    assert!(dora.post("/api/admin/tenants/switch", &[("tenant", "ncsa")]).await.words().contains(&en().admin_disabled()));
    assert!(dora.post("/api/admin/tenants/switch", &[("tenant", "default")]).await.problem().contains(&en().tenant_refused_default()));
    assert!(dora.post("/api/admin/tenants/delete", &[("tenant", "ncsa"), ("typed", "nsca")]).await.problem().contains("exactly"));
    assert!(dora.post("/api/admin/tenants/delete", &[("tenant", "ncsa"), ("typed", "ncsa")]).await.says(en().admin_deleted("ncsa")));
    for form in [[("tenant", "test"), ("typed", "test")], [("tenant", "default"), ("typed", "default")]] {
        for action in ["delete", "switch", "add"] {
            let page = of_test.post(&format!("/api/admin/tenants/{action}"), &form).await;
            assert!(page.status == 403 && page.says(en().admin_tenants_not_yours()), "{action}: {}", page.words());
        }
    }
    assert_eq!(app.number("SELECT count(*) FROM tenants").await, 2);
}

#[tokio::test]
async fn own_new_password_is_shown() {
    let app = TestApp::start().await;
    let (browser, elsewhere) = (app.signed_in().await, app.signed_in().await);
    let password = secret(&browser.post("/api/admin/people/change", &[("user", "testuser1"), ("change", "password")]).await);
    assert_eq!(elsewhere.get("/hosts").await.path, "/sign-in");
    app.signed_in_as("test", "testuser1", &password).await;
}

#[tokio::test]
async fn last_administrator_must_be_able_to_sign_in() {
    let app = TestApp::start().await;
    app.admin("test").await.done("POST /usermfa", json!({ "tenant": "test", "tms_user_id": "ghost", "ttl_minutes": -1 })).await;
    let browser = app.signed_in().await;
    let change = async |user: &str, what: &str| browser.post("/api/admin/people/change", &[("user", user), ("change", what)]).await;
    assert!(change("ghost", "appoint").await.says(en().admin_saved()));
    assert!(change("testuser1", "dismiss").await.problem().contains(&en().person_refused_last_admin()));
}

#[tokio::test]
async fn secret_is_shown_only_to_its_creator() {
    let app = TestApp::start().await;
    app.add_person("test", "eve").await;
    let browser = app.signed_in().await;
    let rotate = browser.post_once("/api/admin/clients/rotate", &[("client", "testclient1"), ("overlap", "1")]);
    let page = "/admin/clients/client?client=testclient1";
    assert_eq!(rotate.send().await.expect("an answer").headers()["location"], page);
    assert!(!browser.get("/keys").await.says("class=\"card once\""), "not on another page");
    browser.request(Method::HEAD, page).send().await.expect("an answer");
    browser.request(Method::GET, page).header("sec-purpose", "prefetch").send().await.expect("an answer");
    assert!(browser.get(page).await.says("class=\"card once\""), "still shown to its creator");
    assert!(!browser.get(page).await.says("class=\"card once\""), "once");

    browser.post_once("/api/admin/clients/rotate", &[("client", "testclient1")]).send().await.expect("an answer");
    browser.sign_in("test", "eve", PASSWORD).await;
    browser.sign_in("test", "testuser1", PASSWORD).await;
    assert!(!browser.get(page).await.says("class=\"card once\""), "not after another sign-in");
}

#[tokio::test]
async fn tenant_administrator_cannot_disable_the_tenant() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    browser.post("/api/admin/tenants/switch", &[("tenant", "test")]).await;
    assert_eq!(app.number("SELECT count(*) FROM tenants WHERE id = 'test' AND enabled").await, 1);
}

#[tokio::test]
async fn names_with_control_characters_are_refused() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    for bad in ["Good\u{1b}[2J", "a\nb", "user\u{202e}nimda"] {
        let client = [("client", "jupyter"), ("app_name", bad), ("app_version", "1")];
        assert_eq!(browser.post("/api/admin/clients/add", &client).await.status, 422, "{bad:?}");
        assert_eq!(browser.post("/api/admin/hosts/add", &[("host", "frontera"), ("address", bad)]).await.status, 422, "{bad:?}");
    }
    assert_eq!(app.number("SELECT count(*) FROM clients WHERE client_id = 'jupyter'").await, 0);
    assert_eq!(app.number("SELECT count(*) FROM hosts WHERE host = 'frontera'").await, 0);
}

#[tokio::test]
async fn unauthenticated_lookup_is_not_recorded_for_host() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    browser.post("/api/admin/hosts/credential", &[("host", "testhost1"), ("required", "yes")]).await;
    let login = json!({ "user": "x", "user_uid": "1000", "host": "testhost1", "public_key_fingerprint": "SHA256:none" });
    assert_eq!(app.unauthenticated().call("POST /pubkeys/creds/retrieve", login.clone()).await.status, 401);
    app.services.run_housekeeping().await.expect("tidied");
    assert!(browser.get("/admin/hosts/host?host=testhost1").await.words().contains(&en().admin_hosts_status_new()));
    assert_eq!(browser.post("/api/admin/hosts/credential", &[("host", "nowhere")]).await.status, 422, "there is no such host");
}

/// The API calls shown on the pages work as shown.
#[tokio::test]
async fn every_curl_command_on_the_pages_works() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    browser.post("/api/admin/clients/add", &[("client", "jupyter"), ("app_name", "Jupyter"), ("app_version", "4")]).await;
    let dora = deployment_administrator(&app).await;
    let shown = |path: &'static str| if path == "/admin/tenants" { &dora } else { &browser };
    let mut calls = 0;
    for path in [
        "/admin/clients",
        "/admin/clients/add",
        "/admin/hosts",
        "/admin/hosts/add",
        "/admin/hosts/host?host=testhost1",
        "/admin/people",
        "/admin/people/person?user=testuser1",
        "/admin/delegations",
        "/admin/delegations/add",
        "/admin/keys",
        "/admin/tenants",
        "/admin/clients/client?client=jupyter",
    ] {
        let page = shown(path).get(path).await;
        let commands: Vec<&str> = page.text.split("data-copy=\"curl ").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(!commands.is_empty(), "{path} shows no command");
        for command in commands {
            calls += 1;
            let command = ["&quot;", "&#39;", "&lt;", "&gt;", "&amp;"]
                .iter()
                .zip(["\"", "'", "<", ">", "&"])
                .fold(command.to_owned(), |text, (from, to)| text.replace(from, to));
            let (status, body) = replay(&app, &command).await;
            // Conflicts are expected for what exists already.
            assert!(matches!(status, 200 | 201 | 409), "{path}: {command}\n{status} {body}");
        }
    }
    assert_eq!(calls, 15);
}

/// Sends the request of a `curl` command.
async fn replay(app: &TestApp, command: &str) -> (u16, String) {
    let parts: Vec<&str> = command.split(" \\\n  ").collect();
    let (method, address) = match parts[0].strip_prefix("-sS -X ") {
        Some(rest) => rest.split_once(' ').expect("a method"),
        None => ("GET", parts[0].strip_prefix("-sS ").expect("an address")),
    };
    let mut request = app.http.request(method.parse().expect("a method"), address.trim_matches('"'));
    for part in &parts[1..] {
        if let Some(header) = part.strip_prefix("-H ") {
            let (name, value) = header.trim_matches(['"', '\'']).split_once(": ").expect("a header");
            let tenant = if command.contains("X-TMS-TENANT: default") { "default" } else { "test" };
            let value = match value {
                "$ADMIN_ID" => "~~admin".to_owned(),
                "$ADMIN_SECRET" => crate::app::admin_secret(tenant).await,
                value => value.to_owned(),
            };
            request = request.header(name, value);
        } else if let Some(body) = part.strip_prefix("-d ") {
            request = request.body(body.trim_matches('\'').to_owned());
        }
    }
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("a text"))
}
