//! `/apps`: delegations of a person.

use std::time::Duration;

use serde_json::json;

use crate::app::{Answer, DEVICE_CODE_GRANT, Device, PASSWORD, TestApp};
use crate::browser::{Browser, Page, en};
use crate::device::behind_proxy;
use crate::tms::api::{ApiClient, EVERYTHING, login};
use crate::tms::endpoints::OWN_KEY;

const DAY: u64 = 86_400;

/// The ids of the delegations on a page whose expiry can be changed.
fn changeable(page: &Page) -> Vec<String> {
    let links = page.text.split("/apps/change?app=").skip(1).filter_map(|rest| rest.split('"').next());
    links.filter_map(|link| link.split("&").next().filter(|_| !link.contains("end=1")).map(str::to_owned)).collect()
}

/// A terminal that was allowed to act for the test person: at its address, with its user agent.
struct Terminal {
    address: &'static str,
    api: ApiClient,
    grant: String,
    /// The number of its delegation.
    number: i64,
}

impl Terminal {
    async fn allowed(app: &TestApp, agent: &str, address: &'static str) -> Self {
        let request = app.http.post(app.tenant("/oauth/device_authorization")).header("user-agent", agent).header("x-forwarded-for", address);
        let started = Answer::of(request.form(&[("client_id", "tms-cli"), ("scope", EVERYTHING)])).await;
        let code = |name: &str| started.body[name].as_str().expect("a code").to_owned();
        let device = Device { device_code: code("device_code"), user_code: code("user_code"), body: started.body.clone() };
        app.allow(&device).await;
        let form = [("grant_type", DEVICE_CODE_GRANT), ("client_id", "tms-cli"), ("device_code", &device.device_code)];
        let answer = Answer::of(app.http.post(app.tenant("/oauth/token")).header("x-forwarded-for", address).form(&form)).await;
        let number = app.number("SELECT max(number) FROM delegations").await;
        Self { address, api: app.bearer(&answer.token()).with("x-forwarded-for", address), grant: app.decided_grant().await, number }
    }

    async fn works(&self) -> bool {
        self.api.call("GET /me", json!(null)).await.status == 200
    }

    async fn make_key(&self) {
        let params = json!({ "host": "testhost1", "host_account": "testhostaccount1", "public_key": OWN_KEY });
        self.api.done("POST /me/keys", params).await;
    }
}

async fn two_terminals(app: &TestApp) -> (Terminal, Terminal) {
    let laptop = Terminal::allowed(app, "tms/0.4.0 (laptop; Linux)", "192.0.2.1").await;
    (laptop, Terminal::allowed(app, "tms/0.4.0 (login2; Linux)", "192.0.2.2").await)
}

async fn consent(app: &TestApp, browser: &Browser) -> String {
    let device = app.start_device().await;
    let consent = browser.enter(&device.user_code).await;
    browser.allow(&consent).await;
    app.poll(&device).await.token()
}

#[tokio::test]
async fn person_lists_and_revokes_delegations() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    assert!(browser.get("/apps?show=ended").await.says(en().apps_none_ended()));
    let token = consent(&app, &browser).await;
    let words = browser.get("/apps").await.words();
    for part in ["TMS command line", "curl 8.9", "testhostaccount1@testhost1", "testapp1", &en().apps_by_admin(), &en().apps_every_host_account()] {
        assert!(words.contains(part), "{part}: {words}");
    }
    assert!(words.contains(&en().apps_may_create_keys()), "{words}");
    let list = browser.get("/apps?q=command").await;
    assert!(list.says(en().apps_change_this("TMS command line", "curl 8.9")), "{}", list.text);
    let number = changeable(&list).remove(0);
    let question = browser.get(&format!("/apps/change?app={number}&end=1")).await;
    assert!(question.says(en().apps_end_question("curl 8.9", "TMS command line")), "{}", question.words());
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 200);
    let page = browser.post("/api/apps/end", &[("app", &number)]).await;
    assert!(page.path == "/apps" && page.says(en().apps_ended()), "{}", page.words());
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 401);
    assert!(browser.post("/api/apps/end", &[("app", &number)]).await.says(en().change_refused_gone()));
    assert!(browser.get("/apps?show=ended").await.words().contains("TMS command line"));
    assert_eq!(app.count_audit_events("device_withdrawn").await, 1);
}

#[tokio::test]
async fn version_tells_applications_of_one_name_apart() {
    let app = TestApp::start().await;
    app.client().make_key(json!({})).await;
    let browser = app.signed_in().await;
    let names = async || {
        let mut found = Vec::new();
        for page in ["/apps", "/apps/application?client=testclient1", "/keys", "/activity", "/"] {
            let words = browser.get(page).await.words();
            found.push((words.contains("testapp1"), words.contains("testapp1 1.0")));
        }
        found
    };
    assert_eq!(names().await, [(true, false); 5]);
    app.sql("UPDATE clients SET app_name = 'testapp1' WHERE client_id = 'tms-cli'").await;
    assert_eq!(names().await, [(true, true); 5]);
}

#[tokio::test]
async fn revoking_admin_delegation_revokes_its_keys() {
    let app = TestApp::start().await;
    let key = app.client().make_key(json!({})).await;
    let browser = app.signed_in().await;
    let number = changeable(&browser.get("/apps").await).remove(0);
    let question = browser.get(&format!("/apps/change?app={number}&end=1")).await;
    assert!(question.says(en().apps_end_question_admin("testapp1")) && question.says(en().apps_end_consequence(1)), "{}", question.words());
    browser.post("/api/apps/end", &[("app", &number)]).await;
    assert!(!app.client().gets_key(&login(&key)).await);
    assert_eq!(app.client().call("POST /pubkeys/creds", crate::tms::api::key_request(json!({}))).await.status, 403, "nor can it make another");
    assert_eq!(app.number("SELECT count(*) FROM pubkeys").await, 0);
    assert!(browser.get("/apps").await.says(en().apps_empty_title()));
}

#[tokio::test]
async fn consent_expiry_changes_within_the_policy() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let token = consent(&app, &browser).await;
    let number = changeable(&browser.get("/apps?q=command").await).remove(0);
    let change = async |seconds: u64| browser.post("/api/apps/change", &[("app", &number), ("ends", &seconds.to_string())]).await;
    assert!(change(3_600).await.words().contains(&en().apps_changed("20 November 2026, 13:00 UTC")));
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 200);
    assert!(change(31 * DAY).await.says(en().change_refused_too_long()));
    assert!(change(0).await.says(en().change_refused_in_the_past()));
    app.clock.advance(Duration::from_secs(3_600));
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 401, "the token ends with it, although it says otherwise itself");
    assert!(change(DAY).await.says(en().change_refused_gone()), "what has run out is asked for anew");
    assert_eq!(app.count_audit_events("delegation_changed").await, 1);
}

#[tokio::test]
async fn admin_delegation_can_only_be_shortened() {
    let app = TestApp::start().await;
    app.sql("UPDATE delegations SET expires_at = 1795176000000 + 10 * 86400000").await;
    let browser = app.signed_in().await;
    let number = changeable(&browser.get("/apps").await).remove(0);
    let page = browser.get(&format!("/apps/change?app={number}")).await;
    assert!(page.words().contains("7 days") && !page.words().contains("30 days"), "{}", page.words());
    let change = async |days: u64| browser.post("/api/apps/change", &[("app", &number), ("ends", &(days * DAY).to_string())]).await;
    assert!(change(30).await.says(en().change_refused_not_yours()));
    assert!(change(7).await.tells(|x| en().apps_changed(format!("27 November 2026{x}"))));
}

#[tokio::test]
async fn delegations_of_others_cannot_be_changed() {
    let app = TestApp::start().await;
    app.add_person("test", "eve").await;
    app.add_person("default", "testuser1").await;
    app.add_dora().await;
    let owner = app.signed_in().await;
    let number = changeable(&owner.get("/apps").await).remove(0);
    let before = app.dump("test").await["delegations"].clone();
    for (tenant, user) in [("test", "eve"), ("default", "testuser1")] {
        let other = app.signed_in_as(tenant, user, PASSWORD).await;
        assert!(other.get("/apps").await.says(en().apps_empty_title()));
        for address in
            [format!("/apps/change?app={number}"), format!("/apps/change?app={number}&end=1"), "/apps/change?app=x".into(), "/apps/change".into()]
        {
            assert_eq!(other.get(&address).await.status, 404, "{address}");
        }
        assert!(other.post("/api/apps/end", &[("app", &number)]).await.says(en().change_refused_gone()));
        assert!(other.post("/api/apps/change", &[("app", &number), ("ends", "3600")]).await.says(en().change_refused_gone()));
    }
    assert_eq!(app.dump("test").await["delegations"], before);
}

#[tokio::test]
async fn last_use_is_written_once_per_minute() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let token = consent(&app, &browser).await;
    app.api("/v1/tms/me", &token).await;
    // It is written after the response: the next write waits for it.
    app.services.run_housekeeping().await.expect("tidied");
    let used = app.number("SELECT coalesce(max(last_used_at), 0) FROM authorizations").await;
    app.clock.advance(Duration::from_secs(30));
    app.api("/v1/tms/me", &token).await;
    app.services.run_housekeeping().await.expect("tidied");
    assert_eq!(app.number("SELECT max(last_used_at) FROM authorizations").await, used);
    assert_eq!(app.texts("SELECT last_used_from FROM authorizations").await, ["127.0.0.1"]);
    assert!(
        used > 0
            && browser.get("/apps?q=command").await.words().contains(&format!("{} {}", en().apps_last_used(), en().span_ago(en().span_seconds(30))))
    );
}

#[tokio::test]
async fn terminals_of_one_application_are_distinguishable() {
    let app = behind_proxy().await;
    let (laptop, login) = two_terminals(&app).await;
    laptop.make_key().await;
    assert!(login.works().await);
    app.services.run_housekeeping().await.expect("tidied");
    app.sql("UPDATE pubkeys SET last_used_at = created_at").await;
    let page = app.signed_in().await.get("/apps?q=command").await;
    assert_eq!(page.text.matches("<h2").count(), 1, "one entry for the application: {}", page.words());
    let words = page.words();
    let entry = |from: &str, to: &str| words.split_once(from).expect("an entry").1.split(to).next().expect("its end").to_owned();
    let (second, first) = (entry("tms 0.4.0 (login2; Linux)", "tms 0.4.0"), entry("tms 0.4.0 (laptop; Linux)", "tms 0.4.0"));
    for (terminal, entry) in [(&laptop, &first), (&login, &second)] {
        assert!(entry.contains(&format!("{} {}", en().apps_from(), terminal.address)), "{entry}");
        assert!(entry.contains(&en().apps_used_from(terminal.address)), "{entry}");
    }
    let used_on = format!("{} testhost1", en().apps_last_login());
    assert!(first.contains(&used_on) && first.contains(&en().hosts_key_count(1)) && !second.contains(&en().apps_last_login()), "{words}");
}

#[tokio::test]
async fn revoking_one_terminal_leaves_the_other() {
    let app = behind_proxy().await;
    let (laptop, login) = two_terminals(&app).await;
    laptop.make_key().await;
    login.make_key().await;
    let browser = app.signed_in().await;
    let number = laptop.number.to_string();
    let question = browser.get(&format!("/apps/change?app={number}&end=1")).await;
    assert!(question.says(laptop.address) && question.says(en().apps_end_consequence(1)), "{}", question.words());
    assert!(browser.post("/api/apps/end", &[("app", &number)]).await.says(en().apps_ended()));
    assert_eq!((laptop.works().await, login.works().await), (false, true));
    assert_eq!(app.texts("SELECT device_grant_id FROM pubkeys").await, [login.grant.as_str()]);
    let page = browser.get("/apps?q=command").await;
    assert!(page.says(login.address) && !page.says(laptop.address), "{}", page.words());
    let ended = browser.get("/apps/application?client=tms-cli&show=ended").await;
    assert!(ended.says(laptop.address) && !ended.says(login.address), "{}", ended.words());
}

#[tokio::test]
async fn revoking_an_application_ends_all_of_it() {
    let app = behind_proxy().await;
    let (laptop, login) = two_terminals(&app).await;
    laptop.make_key().await;
    login.make_key().await;
    let browser = app.signed_in().await;
    let question = browser.get("/apps/revoke?client=tms-cli&back=/apps%3Fsort%3Dexpires").await;
    assert!(question.says(en().apps_revoke_consequence(2)) && question.says(en().apps_revoke_keys(2)), "{}", question.words());
    let page = browser.post("/api/apps/revoke", &[("client", "tms-cli"), ("back", "/apps?sort=expires")]).await;
    assert!(page.path == "/apps" && page.says(en().apps_access_revoked(2)), "{} {}", page.path, page.words());
    assert_eq!((laptop.works().await, login.works().await), (false, false));
    assert_eq!(app.number("SELECT count(*) FROM pubkeys").await, 0);
    assert_eq!((app.count_audit_events("device_withdrawn").await, app.count_audit_events("key_revoked").await), (2, 2));
    assert!(browser.post("/api/apps/revoke", &[("client", "tms-cli")]).await.says(en().change_refused_gone()));
    for (back, reached) in
        [("/apps?sort=expires", "/apps?sort=expires"), ("/apps/application?client=tms-cli", "/apps/application?client=tms-cli"), ("/keys", "/apps")]
    {
        let answer = browser.post_once("/api/apps/revoke", &[("client", "tms-cli"), ("back", back)]).send().await.expect("an answer");
        let location = answer.headers()["location"].to_str().expect("a text").split("draft=").next().map(|url| url.trim_end_matches(['?', '&']));
        assert_eq!(location, Some(reached), "it was not carried out, so its values are kept");
    }
    assert_eq!(browser.get("/apps/revoke?client=tms-cli").await.status, 404);
    assert!(browser.get("/apps").await.says("testapp1"), "other applications keep their access");
}

#[tokio::test]
async fn applications_of_others_are_not_revocable() {
    let app = behind_proxy().await;
    let (laptop, _) = two_terminals(&app).await;
    app.add_person("test", "eve").await;
    let eve = app.signed_in_as("test", "eve", PASSWORD).await;
    for address in ["/apps/application?client=tms-cli", "/apps/revoke?client=tms-cli", "/apps/application?client=%27", "/apps/revoke"] {
        assert_eq!(eve.get(address).await.status, 404, "{address}");
    }
    assert!(eve.post("/api/apps/revoke", &[("client", "tms-cli")]).await.says(en().change_refused_gone()));
    assert_eq!(eve.get(&format!("/sessions/end?grant={}", laptop.grant)).await.status, 404);
    assert!(laptop.works().await);
}

#[tokio::test]
async fn old_links_to_a_device_lead_to_its_question() {
    let app = behind_proxy().await;
    let (laptop, login) = two_terminals(&app).await;
    let question = app.signed_in().await.get(&format!("/sessions/end?grant={}", laptop.grant)).await;
    assert_eq!(question.field("app"), laptop.number.to_string());
    assert!(question.says(laptop.address) && !question.says(login.address), "{}", question.words());
}

#[tokio::test]
async fn many_devices_are_shown_on_the_application_page() {
    let app = behind_proxy().await;
    let (laptop, _) = two_terminals(&app).await;
    app.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
         INSERT INTO authorizations (tenant_id, id, client_id, user_id, origin, scope, given_at, given_agent, access_until)
         SELECT tenant_id, id || i, client_id, user_id, origin, scope, given_at, 'agent/' || i, access_until
         FROM authorizations, n WHERE given_from = '192.0.2.1'",
    )
    .await;
    app.sql(
        "INSERT INTO delegations (tenant_id, id, client_id, user_id, device_grant_id, scope, every_host_account, created_at, updated_at, expires_at,
                                  made_by, number)
         SELECT tenant_id, id, client_id, user_id, id, scope, false, given_at, given_at, access_until, 'person', 1000 + CAST(substr(given_agent, 7) AS BIGINT)
         FROM authorizations WHERE given_agent LIKE 'agent/%'",
    )
    .await;
    let browser = app.signed_in().await;
    let list = browser.get("/apps").await;
    assert!(list.says(en().apps_show_all_devices(42)) && list.text.matches("<h3").count() == 6, "{}", list.words());
    let first = browser.get("/apps/application?client=tms-cli").await;
    assert!(first.says(en().list_shown_of(1, 25, 42)) && first.says("agent 40"), "{}", first.words());
    let more = first.text.split('<').find(|tag| tag.contains("rel=\"next\"")).and_then(|tag| tag.split("href=\"").nth(1)?.split('"').next());
    let second = browser.get(&more.expect("a further page").replace("&amp;", "&")).await;
    assert!(second.says(en().list_shown_of(26, 42, 42)) && second.says(laptop.address) && !second.says("agent 40"), "{}", second.words());
}

#[tokio::test]
async fn administrators_see_which_device_has_access() {
    let app = behind_proxy().await;
    let (laptop, login) = two_terminals(&app).await;
    assert!(login.works().await);
    app.services.run_housekeeping().await.expect("tidied");
    let words = app.signed_in().await.get("/admin/delegations?q=tms-cli").await.words();
    for part in ["tms 0.4.0 (laptop; Linux)", "tms 0.4.0 (login2; Linux)", laptop.address, &en().apps_used_from(login.address)] {
        assert!(words.contains(part), "{part}: {words}");
    }
}

/// S177, S178, S180.
#[tokio::test]
async fn sign_ins_are_listed_with_their_last_refresh_and_counted_when_they_end() {
    let app = TestApp::start().await;
    let (tokens, browser) = app.program_for(8 * 3_600).await;
    let words = browser.get("/apps").await.words();
    for part in [en().apps_sign_ins(1), en().apps_flow_device(), format!("{} {}", en().apps_sign_in_refreshed(), en().never())] {
        assert!(words.contains(&part), "{part}: {words}");
    }
    app.clock.advance(Duration::from_secs(120));
    assert_eq!(app.refresh(&tokens.refresh).await.status, 200);
    let refreshed = format!("{} {} {}", en().apps_sign_in_refreshed(), en().just_now(), en().apps_used_from("127.0.0.1"));
    for page in ["/apps", "/admin/delegations?q=tms-cli"] {
        let words = browser.get(page).await.words();
        assert!(words.contains(&refreshed), "{page}: {words}");
    }
    let number = app.number("SELECT max(number) FROM delegations").await.to_string();
    let page = browser.post("/api/apps/end", &[("app", &number)]).await;
    let words = page.words();
    for part in [en().apps_ended(), en().apps_receipt_sign_ins(1), en().apps_receipt_keys(0)] {
        assert!(words.contains(&part), "{part}: {words}");
    }
    assert!(!words.contains(&en().apps_receipt_told()), "tms-cli is not told about sign-outs: {words}");
    assert!(!browser.get("/apps?show=all").await.words().contains(&en().apps_sign_ins(1)), "it has ended");
}

/// S178.
#[tokio::test]
async fn person_ends_one_sign_in_and_the_access_stays() {
    let app = TestApp::start().await;
    app.add_person("test", "eve").await;
    let (tokens, browser) = app.program_for(8 * 3_600).await;
    let sign_in = app.texts("SELECT id FROM token_families WHERE ended_at IS NULL").await.remove(0);
    let number = app.number("SELECT max(number) FROM delegations").await;
    let address = format!("/apps/change?app={number}&sign_in={sign_in}");
    assert!(browser.get(&address).await.says(en().apps_sign_in_end_question("TMS command line")));

    let other = app.signed_in_as("test", "eve", PASSWORD).await;
    assert_eq!(other.get(&address).await.status, 404);
    assert!(other.post("/api/apps/end-sign-in", &[("sign_in", &sign_in)]).await.says(en().apps_sign_in_ended_before()));
    assert_eq!(app.count_audit_events("tokens_revoked").await, 0);

    assert!(browser.post("/api/apps/end-sign-in", &[("sign_in", &sign_in)]).await.says(en().apps_sign_in_ended()));
    assert_eq!(app.refresh(&tokens.refresh).await.status, 400);
    assert_eq!(app.api("/v1/tms/me", &tokens.access).await.status, 401);
    assert_eq!(app.count_audit_events("tokens_revoked").await, 1);
    assert_eq!(app.number("SELECT count(*) FROM delegations WHERE device_grant_id IS NOT NULL AND ended_at IS NULL").await, 1);
    assert_eq!(browser.get(&address).await.status, 404);
    assert!(browser.post("/api/apps/end-sign-in", &[("sign_in", &sign_in)]).await.says(en().apps_sign_in_ended_before()));
}

/// S180.
#[tokio::test]
async fn administrator_ends_all_access_of_a_client() {
    let app = TestApp::start().await;
    let (tokens, browser) = app.program_for(8 * 3_600).await;
    let question = browser.get("/admin/clients/delete?client=tms-cli&access=1").await;
    assert!(question.says(en().admin_clients_end_access_question("TMS command line")), "{}", question.words());
    let end = || browser.post("/api/admin/clients/end-access", &[("client", "tms-cli")]);
    let page = end().await;
    assert!(page.says(en().admin_clients_access_ended(1)) && page.says(en().apps_receipt_sign_ins(1)), "{}", page.words());
    assert_eq!(page.path, "/admin/clients/client");
    assert_eq!(app.refresh(&tokens.refresh).await.status, 400);
    assert!(end().await.says(en().admin_clients_access_none()));
    assert_eq!(app.program_for(8 * 3_600).await.0.refresh.len(), tokens.refresh.len(), "people can allow it again");
    assert_eq!(
        app.number("SELECT count(*) FROM delegations WHERE client_id = 'testclient1' AND ended_at IS NULL").await,
        1,
        "of others nothing ends"
    );
}
