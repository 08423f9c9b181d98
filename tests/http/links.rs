//! `/hosts/link` and `/v1/tms/links`: linking a host account from the host itself.

use std::time::Duration;

use serde_json::{Value, json};

use crate::app::{PASSWORD, TestApp};
use crate::browser::{Browser, Page, en};
use crate::tms::api::{ApiClient, text};

mod guessing;
mod refusals;
mod tabs;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const NOW: &str = "2026-11-20T12:00:00+00:00";
const IN_A_YEAR: &str = "2027-11-20T12:00:00+00:00";

/// A portal and a host with a credential.
struct Fixture {
    app: TestApp,
    admin: ApiClient,
    host: ApiClient,
}

impl Fixture {
    async fn start() -> Self {
        let app = TestApp::start().await;
        let admin = app.admin("test").await;
        let host = app.host(&admin, "test", "frontera", false).await;
        Self { app, admin, host }
    }

    /// The host requests a link for an account with this name.
    async fn ask(&self, user: &str) -> Value {
        self.host.done("POST /links", json!({ "user": user, "user_uid": "1001" })).await
    }

    /// The status that the host is told.
    async fn status(&self, asked: &Value) -> Value {
        let mut answer = self.host.done("POST /links/status", json!({ "link_id": asked["link_id"] })).await;
        let fields = answer.as_object_mut().expect("an object");
        fields.retain(|name, _| !name.starts_with("result_"));
        answer
    }

    /// Adds a person with an MFA record, and signs them in.
    async fn add(&self, user: &str) -> Browser {
        self.app.add_person("test", user).await;
        self.admin.done("POST /usermfa", json!({ "tenant": "test", "tms_user_id": user, "ttl_minutes": -1 })).await;
        self.app.signed_in_as("test", user, PASSWORD).await
    }

    /// All links of the host's accounts, as administrators list them.
    async fn links(&self) -> Vec<(String, String, String)> {
        let list = self.admin.get("/userhosts/list").await.body;
        let of_host = list["users"].as_array().expect("links").iter().filter(|link| link["host"] == "frontera");
        of_host.map(|link| (text(&link["host_account"]).into(), text(&link["tms_user_id"]).into(), text(&link["expires_at"]).into())).collect()
    }

    /// Links an account, from the host's request on.
    async fn link(&self, browser: &Browser, user: &str) -> Page {
        let asked = self.ask(user).await;
        browser.link(&browser.enter_link(text(&asked["user_code"])).await).await
    }
}

fn pending() -> Value {
    json!({ "status": "pending" })
}

fn link_of(account: &str, user: &str, until: &str) -> (String, String, String) {
    (account.into(), user.into(), until.into())
}

/// The row of a newly linked account in the list of host accounts.
fn listed(account: &str, how: &str) -> String {
    format!("{account} {} {}, {how}", en().hosts_linked(), en().just_now())
}

#[tokio::test]
async fn person_links_an_account_from_its_host() {
    let fixture = Fixture::start().await;
    let asked = fixture.ask("jd").await;
    assert_eq!((&asked["expires_in"], &asked["interval"]), (&json!(600), &json!(5)), "{asked}");
    assert_eq!(asked["verification_uri"], format!("{}/hosts/link", fixture.app.base));
    assert!(asked["verification_uri_complete"].is_null() && text(&asked["link_id"]).len() == 43, "{asked}");
    assert_eq!(fixture.status(&asked).await, pending());

    let browser = fixture.app.signed_in().await;
    fixture.app.clock.advance(MINUTE);
    let question = browser.enter_link(&text(&asked["user_code"]).to_lowercase()).await;
    assert_eq!((question.status, question.path.as_str()), (200, "/hosts/link"));
    let words = question.words();
    for said in [
        "Link jd on frontera to you?",
        "Signed in as Test User (testuser1 at Test).",
        &format!("Check that your terminal on frontera shows {}", text(&asked["user_code"])),
        "Account jd UID 1001 Host frontera Requested 1 minute ago Linked until 20 November 2027",
        "Keys of testuser1 will log in as jd on frontera: keys that you add,",
        "Confirm only if you started this on that host yourself, just now.",
    ] {
        assert!(words.contains(said), "{said}: {words}");
    }
    assert!(fixture.links().await.is_empty(), "nothing is linked yet");

    let linked = browser.link(&question).await;
    assert_eq!(linked.path, "/hosts");
    assert!(linked.tells(|x| en().link_linked("jd", "frontera", format!("20 November 2027{x}"))), "{}", linked.words());
    assert!(linked.words().contains(&listed("jd", &en().hosts_linked_by_you())), "{}", linked.words());
    let until = "2027-11-20T12:01:00+00:00";
    assert_eq!(fixture.links().await, [link_of("jd", "testuser1", until)]);
    assert_eq!(fixture.status(&asked).await, json!({ "status": "linked", "tms_user_id": "testuser1", "expires_at": until }));
    assert_eq!((fixture.app.count_audit_events("host_link_asked").await, fixture.app.count_audit_events("host_linked").await), (1, 1));
    let subjects = fixture.app.texts("SELECT subject FROM activity WHERE kind LIKE 'host_link%'").await;
    assert_eq!(subjects, ["jd@frontera", "jd@frontera"]);
}

#[tokio::test]
async fn unlinking_disables_keys_until_linked_again() {
    let fixture = Fixture::start().await;
    let (browser, client) = (fixture.app.signed_in().await, fixture.app.client());
    fixture.link(&browser, "jd").await;
    let key = client.make_key(json!({ "host": "frontera", "host_account": "jd" })).await;
    let asks = json!({ "user": "jd", "host": "frontera", "public_key_fingerprint": key["public_key_fingerprint"] });
    assert!(fixture.host.gets_key(&asks).await);

    let account = fixture.app.texts("SELECT id FROM host_accounts WHERE host = 'frontera'").await.remove(0);
    let gone = browser.post("/api/hosts/unlink", &[("account", &account)]).await;
    assert!(gone.tells(|x| en().hosts_unlinked(x, x)), "{}", gone.words());
    assert!(!fixture.host.gets_key(&asks).await && fixture.links().await.is_empty());

    let again = fixture.link(&browser, "jd").await;
    assert!(again.tells(|x| en().link_linked("jd", "frontera", x)), "{}", again.words());
    assert!(!fixture.host.gets_key(&asks).await, "keys that were revoked stay so");
    client.make_key(json!({ "host": "frontera", "host_account": "jd" })).await;
}

#[tokio::test]
async fn renewal_keeps_keys_and_never_shortens() {
    let fixture = Fixture::start().await;
    let browser = fixture.app.signed_in().await;
    fixture.link(&browser, "jd").await;
    let key = fixture.app.client().make_key(json!({ "host": "frontera", "host_account": "jd" })).await;
    let asks = json!({ "user": "jd", "host": "frontera", "public_key_fingerprint": key["public_key_fingerprint"] });
    let before = fixture.app.texts("SELECT concat_ws(' ', id, number, linked_at) FROM host_accounts WHERE host = 'frontera'").await;

    fixture.app.clock.advance(340 * DAY);
    let browser = fixture.app.signed_in().await;
    let words = browser.get("/hosts").await.words();
    assert!(words.contains(&format!("{} tms link", en().hosts_ends_soon())), "{words}");
    let asked = fixture.ask("jd").await;
    let question = browser.enter_link(text(&asked["user_code"])).await;
    assert!(question.tells(|x| en().link_yours(format!("20 November 2027{x}"))), "{}", question.words());
    let renewed = browser.link(&question).await;
    assert!(renewed.tells(|x| en().link_renewed("jd", "frontera", format!("25 October 2028{x}"))), "{}", renewed.words());
    assert!(!renewed.words().contains(&en().hosts_ends_soon()), "{}", renewed.words());
    assert_eq!(fixture.app.texts("SELECT concat_ws(' ', id, number, linked_at) FROM host_accounts WHERE host = 'frontera'").await, before);
    assert!(fixture.host.gets_key(&asks).await);
    assert_eq!((fixture.app.count_audit_events("host_linked").await, fixture.app.count_audit_events("host_link_changed").await), (1, 1));

    // A shorter policy does not shorten existing links.
    fixture.app.change_tenant("test", |tenant| tenant.policy.link_lifetime = DAY).await;
    fixture.link(&browser, "jd").await;
    assert_eq!(fixture.links().await, [link_of("jd", "testuser1", "2028-10-25T12:00:00+00:00")]);

    // A link by an administrator without an expiry keeps none.
    let link = json!({ "tenant": "test", "tms_user_id": "testuser1", "host": "frontera", "host_account": "for-ever", "ttl_minutes": -1 });
    fixture.admin.done("POST /userhosts", link).await;
    let page = fixture.link(&browser, "for-ever").await;
    assert!(page.says(en().link_renewed_for_ever("for-ever", "frontera")), "{}", page.words());
    assert!(
        page.words().contains(&format!("{} {} {}", listed("for-ever", &en().hosts_linked_by_admin()), en().hosts_expires(), en().never())),
        "{}",
        page.words()
    );
}

#[tokio::test]
async fn expired_link_is_created_again() {
    let fixture = Fixture::start().await;
    let browser = fixture.app.signed_in().await;
    let link = json!({ "tenant": "test", "tms_user_id": "testuser1", "host": "frontera", "host_account": "jd", "ttl_minutes": 0 });
    fixture.admin.done("POST /userhosts", link).await;
    assert_eq!(fixture.links().await, [link_of("jd", "testuser1", NOW)]);
    let words = browser.get("/hosts").await.words();
    assert!(words.contains(&format!("jd {}", en().state_expired())) && words.contains(&en().hosts_has_ended()), "{words}");
    let page = fixture.link(&browser, "jd").await;
    assert!(page.tells(|x| en().link_linked("jd", "frontera", x)), "{}", page.words());
    assert!(page.words().contains(&listed("jd", &en().hosts_linked_by_you())), "{}", page.words());
    assert_eq!(fixture.links().await, [link_of("jd", "testuser1", IN_A_YEAR)]);
}

#[tokio::test]
async fn refusal_is_reported_to_host_and_audit_log() {
    let fixture = Fixture::start().await;
    let (asked, browser) = (fixture.ask("jd").await, fixture.app.signed_in().await);
    let question = browser.enter_link(text(&asked["user_code"])).await;
    let page = browser.refuse_link(&question).await;
    assert!(page.path == "/hosts" && page.says(en().link_stopped()), "{}", page.words());
    assert_eq!(fixture.status(&asked).await, json!({ "status": "refused" }));
    assert!(fixture.links().await.is_empty());
    assert_eq!(fixture.app.count_audit_events("host_link_refused").await, 1);
    // A refusal is final: the host must request again.
    assert_eq!(browser.link(&question).await.problem(), en().link_refused_answered());
    assert!(fixture.links().await.is_empty());
}

#[tokio::test]
async fn linking_requires_recent_authentication() {
    let fixture = Fixture::start().await;
    let browser = fixture.app.signed_in().await;
    fixture.app.clock.advance(15 * MINUTE);
    let asked = fixture.ask("jd").await;
    let question = browser.enter_link(text(&asked["user_code"])).await;
    let again = browser.link(&question).await;
    assert!(again.path == "/sign-in" && again.field("then").starts_with(&question.address), "{}", again.address);
    assert!(fixture.links().await.is_empty() && fixture.status(&asked).await == pending());
    let back = browser
        .post(
            "/sign-in/password",
            &[("tenant", "test"), ("user_name", "testuser1"), ("password", PASSWORD), ("then", &again.field("then")), ("again", "1")],
        )
        .await;
    assert!(back.says(en().link_question("jd", "frontera")), "{}", back.words());
    assert!(browser.link(&back).await.tells(|x| en().link_linked(x, x, x)));

    // Refusing does not require recent authentication.
    fixture.app.clock.advance(15 * MINUTE);
    let asked = fixture.ask("jd2").await;
    browser.refuse_link(&browser.enter_link(text(&asked["user_code"])).await).await;
    assert_eq!(fixture.status(&asked).await, json!({ "status": "refused" }));
}

#[tokio::test]
async fn prefill_is_per_tenant_and_not_after_sign_in() {
    let fixture = Fixture::start().await;
    let asked = fixture.ask("jd").await;
    let (code, browser) = (text(&asked["user_code"]).to_owned(), fixture.app.signed_in().await);
    assert_eq!(browser.get(&format!("/hosts/link?user_code={code}")).await.field("user_code"), "");

    fixture.app.change_tenant("test", |tenant| tenant.policy.prefill_user_code = true).await;
    let asked = fixture.ask("jd").await;
    let code = text(&asked["user_code"]).to_owned();
    assert_eq!(asked["verification_uri_complete"], format!("{}/hosts/link?user_code={code}", fixture.app.base));
    let page = browser.get(&format!("/hosts/link?user_code={code}")).await;
    assert_eq!(page.field("user_code"), code);
    assert!(page.says(en().link_came_with_address()), "{}", page.words());
    for _ in 0..6 {
        let stale = browser.get("/hosts/link?user_code=BCDF-BCDF").await;
        assert!(stale.field("user_code").is_empty() && stale.says(en().link_not_filled_in()), "{}", stale.words());
    }
    assert_eq!(browser.enter_link(&code).await.status, 200, "an old address uses up no tries");
    browser.post("/api/links/another", &[]).await;

    let stranger = fixture.app.browser();
    let asked_to_sign_in = stranger.request(reqwest::Method::GET, &format!("/hosts/link?user_code={code}")).send().await.expect("an answer");
    assert_eq!(asked_to_sign_in.headers()["location"], "/sign-in?then=/hosts/link", "no code in the address");
}

#[tokio::test]
async fn switching_account_releases_the_code() {
    let fixture = Fixture::start().await;
    let (asked, browser) = (fixture.ask("jd").await, fixture.app.signed_in().await);
    fixture.add("eve").await;
    let code = text(&asked["user_code"]).to_owned();
    browser.enter_link(&code).await;
    let sign_in = browser.post("/api/links/switch", &[("tenant", "test")]).await;
    assert_eq!((sign_in.path.as_str(), sign_in.field("then").as_str()), ("/sign-in", "/hosts/link"));
    let page = browser.post("/sign-in/password", &[("tenant", "test"), ("user_name", "eve"), ("password", PASSWORD), ("then", "/hosts/link")]).await;
    assert_eq!((page.path.as_str(), page.title()), ("/hosts/link", en().document_title(en().link_title()).as_str()));
    browser.link(&browser.enter_link(&code).await).await;
    assert_eq!(fixture.status(&asked).await["tms_user_id"], "eve");
}

#[tokio::test]
async fn command_and_policy_page_set_link_lifetime() {
    let fixture = Fixture::start().await;
    let words = fixture.app.signed_in().await.get("/admin/policy").await;
    assert_eq!((words.field("policy[link_days]").as_str(), words.field("policy[lowest_linked_uid]").as_str()), ("365", "1000"));
    assert!(words.words().contains(&en().admin_policy_shared_hint()), "{}", words.words());
    assert!(words.says("--link-days 365") && words.says("--shared-host-accounts false"), "{}", words.words());
}

#[tokio::test]
async fn link_code_is_found_in_pasted_text() {
    let fixture = Fixture::start().await;
    let asked = fixture.ask("jdoe").await;
    let browser = fixture.app.signed_in().await;
    let code = text(&asked["user_code"]);
    let page = browser.enter_link(&format!("{}/hosts/link?user_code={}", fixture.app.base, code.replace('-', "%E3%83%BC"))).await;
    assert!(page.status == 200 && page.says("jdoe"), "{}", page.words());
}

#[tokio::test]
async fn account_is_linked_for_a_request_that_continues() {
    let fixture = Fixture::start().await;
    let browser = fixture.add("eve").await;
    fixture.app.clock.advance(8 * MINUTE);
    let scope = [("client_id", "testclient1"), ("client_secret", "secret1"), ("scope", "hosts:read keys:create")];
    let device = fixture.app.start_device_of(&scope).await;
    let consent = browser.enter(&device.user_code).await;
    let grant = consent.field("grant");
    let here = format!("/hosts/link?grant={grant}");
    let page = browser.get(&here).await;
    assert!(page.says(format!("href=\"/device?grant={grant}\"")) && page.words().contains(&en().link_for_a_request()), "{}", page.text);
    assert_eq!(page.field("grant"), grant);

    let enter = async |code: &str| browser.post("/api/links/enter", &[("user_code", code), ("grant", &grant)]).await;
    assert_eq!(enter("BBBB-BBBB").await.address, here, "a wrong code");
    let question = enter(text(&fixture.ask("eve").await["user_code"])).await;
    assert_eq!(question.field("grant"), grant);
    let request = question.field("request");
    let link = async || browser.post("/api/links/answer", &[("request", &request), ("answer", "link"), ("grant", &grant)]).await;

    // The sign-in that linking requires keeps it.
    fixture.app.clock.advance(8 * MINUTE);
    let again = link().await;
    let then = again.field("then");
    assert_eq!((again.path.as_str(), then.contains(&format!("grant={grant}"))), ("/sign-in", true), "{then}");
    let form = [("tenant", "test"), ("user_name", "eve"), ("password", PASSWORD), ("then", &then), ("again", "1")];
    assert_eq!(browser.post("/sign-in/password", &form).await.field("grant"), grant);
    let consent = link().await;
    assert_eq!(consent.address, format!("/device?grant={grant}"), "{}", consent.words());
    assert!(consent.tells(|until| en().link_linked("eve", "frontera", until)), "{}", consent.words());
    assert!(consent.words().contains(&en().consent_may_log_in()) && consent.says("name=\"host_accounts[]\""), "{}", consent.words());

    // Anything but the id of a grant is dropped.
    let asked = fixture.ask("eve2").await;
    let question = browser.post("/api/links/enter", &[("user_code", text(&asked["user_code"])), ("grant", "https://evil.example")]).await;
    assert_eq!((question.path.as_str(), question.field("grant").as_str()), ("/hosts/link", ""));
}
