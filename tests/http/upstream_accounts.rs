//! `/hosts/provider`: host accounts linked through the provider that manages the hosts.

use std::time::Duration;

use serde_json::{Value, json};
use tms_portal::domain::ids::{HostName, ProviderId};
use tms_portal::domain::provider::Provider;
use tms_portal::domain::upstream_accounts::UpstreamHosts;

use crate::app::{PASSWORD, TestApp};
use crate::browser::{Browser, Page, en};
use crate::institution::Institution;

mod refusals;

const HOSTS: &str = "/sign-in/with/test/campus?hosts=1";
const LINK: &str = "/api/hosts/link-offered";
const MINUTE: Duration = Duration::from_secs(60);

/// A portal, and a provider that manages `frontera` and `stampede`.
struct Fixture {
    app: TestApp,
    institution: Institution,
}

impl Fixture {
    /// The user names at the provider are the account names.
    async fn start() -> Self {
        let (app, institution) = (TestApp::start().await, Institution::start().await);
        app.add_institution(&institution, "invited").await;
        let fixture = Self { app, institution };
        fixture.owns(&["frontera", "stampede"], None).await;
        fixture
    }

    /// The provider has a list of host accounts.
    async fn with_list(resources: &Value) -> Self {
        let fixture = Self::start().await;
        fixture.owns(&["frontera", "stampede"], Some(format!("{}/resources", fixture.institution.url()))).await;
        fixture.institution.list(resources);
        fixture
    }

    async fn owns(&self, hosts: &[&str], list: Option<String>) {
        let hosts: Vec<HostName> = hosts.iter().map(|host| HostName::parse(*host).expect("a host")).collect();
        let resources = Some(UpstreamHosts { hosts, list }).filter(|resources| !resources.hosts.is_empty());
        self.change(move |provider| provider.upstream_hosts = resources).await;
    }

    async fn change(&self, edit: impl FnOnce(&mut Provider) + Send + 'static) {
        let (operator, campus) = (self.app.operator("test").await, ProviderId::parse("campus").expect("a provider"));
        self.app.services.edit_provider(&operator, &campus, None, edit).await.map_err(|_| ()).expect("changed");
    }

    /// Signs in there and returns the page with the proposed accounts.
    async fn proposed_accounts(&self, browser: &Browser, claims: Value) -> Page {
        browser.upstream_login(&self.institution, HOSTS, self.app.seconds(), &claims).await
    }

    /// Adds a person with an MFA record.
    async fn add(&self, user: &str) {
        self.app.add_person("test", user).await;
        self.open_mfa(user).await;
    }

    async fn open_mfa(&self, user: &str) {
        let admin = self.app.admin("test").await;
        admin.done("POST /usermfa", json!({ "tenant": "test", "tms_user_id": user, "ttl_minutes": -1 })).await;
    }

    /// All links to the provider's hosts: `ACCOUNT@HOST PERSON`.
    async fn links(&self) -> Vec<String> {
        self.app
            .texts(
                "SELECT account || '@' || host || ' ' || user_id FROM host_accounts WHERE host IN ('frontera', 'stampede', 'vista')
                 ORDER BY host, account, user_id",
            )
            .await
    }
}

/// Submits the preselected accounts.
async fn link_all(browser: &Browser, page: &Page) -> Page {
    browser.post(LINK, &checked_accounts(page).iter().map(|account| ("accounts[]", account.as_str())).collect::<Vec<_>>()).await
}

/// The checked accounts of a page.
fn checked_accounts(page: &Page) -> Vec<String> {
    let boxes = page.text.split('<').filter(|tag| tag.contains("name=\"accounts[]\"") && tag.contains("checked"));
    boxes.map(|tag| tag.split("value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a value").to_owned()).collect()
}

#[tokio::test]
async fn user_name_is_the_account_on_all_hosts() {
    let fixture = Fixture::start().await;
    let browser = fixture.app.signed_in().await;
    let hosts = browser.get("/hosts").await;
    assert!(hosts.says(en().hosts_link_through("Campus")) && hosts.says(HOSTS), "{}", hosts.words());
    let asked = browser.start_upstream_login(HOSTS).await;
    assert!(asked.contains("prompt=login") && asked.contains("max_age=0"), "{asked}");

    let page = fixture.proposed_accounts(&browser, json!({})).await;
    assert_eq!((page.status, page.path.as_str()), (200, "/hosts/provider"), "{}", page.words());
    for said in [
        en().proposal_title("Campus"),
        format!("{} jdoe · Campus", en().proposal_there("Campus")),
        format!("{} Test User ({})", en().proposal_here(), en().person_at("testuser1", "Test")),
        format!("frontera {} jdoe {}", en().consent_as(), en().proposal_until("20 November 2027")),
        en().proposal_means("testuser1"),
    ] {
        assert!(page.words().contains(&said), "{said}: {}", page.words());
    }
    assert_eq!(checked_accounts(&page), ["frontera jdoe", "stampede jdoe"]);
    assert!(fixture.links().await.is_empty(), "not before it has been confirmed");

    let linked = browser.post(LINK, &[("accounts[]", "frontera jdoe")]).await;
    assert!(linked.path == "/hosts" && linked.tells(|x| en().link_linked("jdoe", "frontera", format!("20 November 2027{x}"))), "{}", linked.words());
    assert!(
        linked.words().contains(&format!("jdoe {} {}, {}", en().hosts_linked(), en().just_now(), en().hosts_linked_through("Campus"))),
        "{}",
        linked.words()
    );
    assert_eq!(fixture.links().await, ["jdoe@frontera testuser1"], "only what was left ticked");
    assert_eq!(fixture.app.texts("SELECT subject FROM activity WHERE kind = 'host_linked'").await, ["jdoe@frontera (jdoe · Campus)"]);
    assert_eq!(fixture.app.number("SELECT count(*) FROM identities").await, 0, "it is no way to sign in by that");
}

/// The account's UID was not known when it was linked.
#[tokio::test]
async fn key_of_linked_account_is_refused_for_system_uids() {
    let fixture = Fixture::start().await;
    let browser = fixture.app.signed_in().await;
    link_all(&browser, &fixture.proposed_accounts(&browser, json!({})).await).await;
    let key = fixture.app.client().make_key(json!({ "host": "frontera", "host_account": "jdoe" })).await;
    let asks = |uid: &str| json!({ "user": "jdoe", "user_uid": uid, "host": "frontera", "public_key_fingerprint": key["public_key_fingerprint"] });
    for own in ["0", "999"] {
        assert!(!fixture.app.unauthenticated().gets_key(&asks(own)).await, "{own}");
    }
    assert!(fixture.app.unauthenticated().gets_key(&asks("1001")).await);
}

#[tokio::test]
async fn proposal_is_single_use() {
    let fixture = Fixture::start().await;
    let browser = fixture.app.signed_in().await;
    let page = fixture.proposed_accounts(&browser, json!({})).await;
    assert!(link_all(&browser, &page).await.says(en().proposal_linked_several(2)));
    let again = link_all(&browser, &page).await;
    assert_eq!((again.path.as_str(), again.problem().as_str()), ("/hosts", en().proposal_refused_gone().as_str()));
    assert_eq!(browser.get("/hosts/provider").await.status, 404);
    assert_eq!((fixture.links().await.len(), fixture.app.count_audit_events("host_linked").await), (2, 2));
    assert_eq!(fixture.app.count_audit_events("host_link_changed").await, 0);
}

#[tokio::test]
async fn list_is_limited_to_the_providers_hosts() {
    let fixture = Fixture::with_list(&json!([
        { "resource_id": "r-1", "name": "frontera", "url": "https://login.example", "description": "Frontera", "username": "jd" },
        { "resource_id": "r-2", "name": "Stampede 3", "url": "ssh://stampede:22" },
        { "resource_id": "vista", "name": "vista", "url": "https://vista", "username": "jd" },
        { "resource_id": "frontera", "name": "root's", "username": "root" },
        "no entry",
    ]))
    .await;
    let browser = fixture.app.signed_in().await;
    let page = fixture.proposed_accounts(&browser, json!({})).await;
    assert_eq!(checked_accounts(&page), ["frontera jd", "stampede jdoe"], "{}", page.words());
    assert!(
        page.words().contains(&format!("frontera {} root: {}", en().consent_as(), en().proposal_system_account())) && !page.says("vista"),
        "{}",
        page.words()
    );
    for made_up in ["vista jd", "frontera root", "frontera jdoe", "stampede jd"] {
        let refused = browser.post(LINK, &[("accounts[]", "frontera jd"), ("accounts[]", made_up)]).await;
        assert!(refused.problem().contains(&en().proposal_refused_cannot()), "{made_up}: {}", refused.words());
    }
    assert!(fixture.links().await.is_empty(), "all or nothing");
    assert_eq!(browser.post(LINK, &[]).await.problem(), en().proposal_refused_nothing());
    assert!(link_all(&browser, &page).await.says(en().proposal_linked_several(2)));
    assert_eq!(fixture.links().await, ["jd@frontera testuser1", "jdoe@stampede testuser1"]);

    fixture.institution.list(&json!([]));
    let page = fixture.proposed_accounts(&browser, json!({})).await;
    assert!(page.says(en().proposal_empty("Campus")), "{}", page.words());
}

#[tokio::test]
async fn renewal_keeps_the_link() {
    const ROW: &str = "SELECT concat_ws(' ', id, number, linked_at, linked_through) FROM host_accounts WHERE host = 'frontera'";
    let fixture = Fixture::start().await;
    fixture.owns(&["frontera"], None).await;
    let browser = fixture.app.signed_in().await;
    link_all(&browser, &fixture.proposed_accounts(&browser, json!({})).await).await;
    let before = fixture.app.texts(ROW).await;

    fixture.app.clock.advance(340 * 24 * 60 * MINUTE);
    let browser = fixture.app.signed_in().await;
    let hosts = browser.get("/hosts").await;
    assert!(hosts.says(en().hosts_ends_soon_through("Campus")), "{}", hosts.words());
    let page = fixture.proposed_accounts(&browser, json!({})).await;
    assert!(page.tells(|x| en().proposal_renews(format!("25 October 2028{x}"))), "{}", page.words());
    let renewed = link_all(&browser, &page).await;
    assert!(renewed.tells(|x| en().link_renewed(x, x, format!("25 October 2028{x}"))), "{}", renewed.words());
    assert_eq!(fixture.app.texts(ROW).await, before);
    assert_eq!((fixture.app.count_audit_events("host_linked").await, fixture.app.count_audit_events("host_link_changed").await), (1, 1));

    fixture.app.clock.advance(366 * 24 * 60 * MINUTE);
    let browser = fixture.app.signed_in().await;
    let hosts = browser.get("/hosts").await;
    assert!(hosts.says(en().hosts_has_ended_through("Campus")), "{}", hosts.words());
    assert!(link_all(&browser, &fixture.proposed_accounts(&browser, json!({})).await).await.tells(|x| en().link_linked("jdoe", "frontera", x)));
}

#[tokio::test]
async fn requires_recent_sign_in_and_expires_in_15_minutes() {
    let fixture = Fixture::start().await;
    let browser = fixture.app.signed_in().await;
    let long_ago = fixture.app.seconds() - 6 * 60;
    for claims in [json!({ "auth_time": long_ago }), json!({ "auth_time": 0 })] {
        let page = fixture.proposed_accounts(&browser, claims).await;
        assert!(page.path == "/hosts" && page.problem().contains(&en().upstream_login_refused_not_fresh()), "{}", page.words());
    }
    let page = fixture.proposed_accounts(&browser, json!({})).await;
    fixture.app.clock.advance(14 * MINUTE);
    assert_eq!(checked_accounts(&browser.get("/hosts/provider").await).len(), 2);
    fixture.app.clock.advance(MINUTE);
    let again = link_all(&browser, &page).await;
    assert!(again.path == "/sign-in" && fixture.links().await.is_empty(), "{}", again.words());
    let back = [("tenant", "test"), ("user_name", "testuser1"), ("password", PASSWORD), ("then", "/hosts/provider"), ("again", "1")];
    let back = browser.post("/sign-in/password", &back).await;
    assert_eq!((back.path.as_str(), back.status), ("/hosts/provider", 404), "the offer has ended");
    assert_eq!(link_all(&browser, &page).await.problem(), en().proposal_refused_gone());

    fixture.app.clock.advance(15 * MINUTE);
    assert!(browser.start_upstream_login(HOSTS).await.starts_with("/sign-in?again=1"));
    assert_eq!(fixture.app.browser().start_upstream_login(HOSTS).await, "/sign-in?then=/hosts");
    assert!(fixture.links().await.is_empty());
}

#[tokio::test]
async fn hosts_match_by_alias_on_both_sides() {
    let fixture = Fixture::with_list(&json!([
        { "resource_id": "r-1", "name": "LOGIN.frontera.example", "username": "jd" },
        { "resource_id": "stampede", "username": "js" },
        { "resource_id": "r-3", "name": "elsewhere.example", "username": "jd" },
    ]))
    .await;
    let admin = fixture.app.admin("test").await;
    for (host, address) in [("Frontera", "login.frontera.example"), ("Stampede", "stampede.example"), ("vista", "elsewhere.example")] {
        admin.done("POST /hosts", json!({ "tenant": "test", "host": host, "addr": address })).await;
    }
    fixture.owns(&["frontera", "stampede.EXAMPLE"], Some(format!("{}/resources", fixture.institution.url()))).await;
    let browser = fixture.app.signed_in().await;
    let page = fixture.proposed_accounts(&browser, json!({})).await;
    assert_eq!(checked_accounts(&page), ["Frontera jd", "Stampede js"], "{}", page.words());
    assert!(link_all(&browser, &page).await.says(en().proposal_linked_several(2)));
    let recorded = fixture.app.texts("SELECT subject FROM activity WHERE kind = 'host_linked' ORDER BY id").await;
    assert_eq!(recorded, ["jd@Frontera (jdoe · Campus)", "js@Stampede (jdoe · Campus)"]);
}

#[tokio::test]
async fn accounts_are_linked_for_a_request_that_continues() {
    let fixture = Fixture::start().await;
    fixture.add("eve").await;
    let browser = fixture.app.signed_in_as("test", "eve", PASSWORD).await;
    let device = fixture.app.start_device_of(&[("client_id", "testclient1"), ("client_secret", "secret1"), ("scope", "keys:create")]).await;
    let consent = browser.enter(&device.user_code).await;
    let back = format!("/device?grant={}", consent.field("grant"));
    let through = format!("{HOSTS}&then={}", back.replace('?', "%3F").replace('=', "%3D"));
    assert!(consent.says(format!("href=\"{}\"", through.replace('&', "&amp;"))), "{through}: {}", consent.text);
    let page = browser.upstream_login(&fixture.institution, &through, fixture.app.seconds(), &json!({})).await;
    let mut form: Vec<(&str, &str)> = Vec::new();
    let (accounts, fields) = (checked_accounts(&page), page.form(LINK));
    form.extend(accounts.iter().map(|account| ("accounts[]", account.as_str())));
    form.extend(fields.iter().filter(|(name, _)| name != "accounts[]").map(|(name, value)| (name.as_str(), value.as_str())));
    let consent = browser.post(LINK, &form).await;
    assert_eq!(consent.address, back, "{}", consent.words());
    assert!(consent.says("name=\"host_accounts[]\"") && consent.says("role=\"status\""), "{}", consent.words());
}
