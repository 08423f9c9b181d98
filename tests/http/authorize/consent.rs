//! The consent page: what it shows, and what each decision gives.

use std::time::Duration;

use tms_portal::domain::client::registration::ConsentRule;

use super::{CALLBACK, DECIDE, HOUR, Hub, answer, asks, decide, error_of, open, register_public, request_of};
use crate::app::{PASSWORD, TestApp};
use crate::browser::{Browser, Page, en};
use crate::database::FAR;

const ALL: (&str, &str) = ("scope", "openid profile hosts:read keys:create offline_access");

async fn opened(hub: &Hub, scope: (&str, &str)) -> (Browser, Page) {
    let browser = hub.app.signed_in().await;
    let page = hub.open(&browser, &[scope]).await;
    assert!(asks(&page), "{}", page.words());
    (browser, page)
}

/// What is given to the hub: authorizations, delegations, remembered consents, codes.
async fn given(app: &TestApp) -> [i64; 4] {
    [
        app.number("SELECT count(*) FROM authorizations WHERE client_id = 'hub'").await,
        app.number("SELECT count(*) FROM delegations WHERE client_id = 'hub'").await,
        app.number("SELECT count(*) FROM consents").await,
        app.number("SELECT count(*) FROM authorization_codes").await,
    ]
}

/// S50.
#[tokio::test]
async fn page_shows_what_is_told_and_allowed() {
    let hub = Hub::start().await;
    hub.app.link_host("test", "testuser1", "frontera", FAR).await;
    hub.app.link_host("test", "testuser1", "gone", 1).await;
    let (_, page) = opened(&hub, ALL).await;
    assert_eq!(page.title(), en().document_title(en().authorize_question_delegation("hub")).as_str());
    let words = page.words();
    for said in [
        &format!("{} Test User ({}).", en().consent_you_are(), en().person_at("testuser1", "Test")),
        &format!("hub {}", en().client_not_verified()),
        &format!("{} hub.example.org", en().authorize_back_to()),
        &format!("{} {}", en().authorize_allowed_before(), en().authorize_nobody_before()),
        &format!("{} testuser1", en().sign_in_user_name()),
        &format!("{} Test User", en().authorize_name()),
        &en().consent_may_log_in(),
        &en().consent_may_see_hosts(),
        &en().apps_may_stay_signed_in(),
        &format!("frontera {} testuser1-on-frontera", en().consent_as()),
        &en().span_hours(8),
    ] {
        assert!(words.contains(said), "{said}: {words}");
    }
    assert!(!words.contains("gone"), "an expired host account is not offered");
    assert!(!page.says(CALLBACK) && !page.says("<img") && !page.says("started_this"), "{}", page.text);
    let place = |button: &str| page.text.find(&format!("value=\"{button}\"")).unwrap_or_else(|| panic!("no {button}"));
    assert!(place("deny") < place("sign_in") && place("sign_in") < place("allow"), "Enter denies");
    let (_, first) = page.text.split_once("name=\"lifetime\" value=\"").expect("a lifetime");
    assert!(first.starts_with("28800\" checked"), "the shortest is selected: {}", &first[..40]);
}

#[tokio::test]
async fn sign_in_page_asks_for_no_hosts_and_no_date() {
    let hub = Hub::start().await;
    let (browser, page) = opened(&hub, ("scope", "openid profile")).await;
    assert_eq!(page.title(), en().document_title(en().authorize_question_sign_in("hub")).as_str());
    assert!(page.says(en().authorize_until_sign_out()) && !page.says("name=\"lifetime\"") && !page.says("host_accounts"), "{}", page.text);
    answer(&decide(&browser, &page, &[("decision", "allow")]).await);
    assert_eq!(given(&hub.app).await, [1, 0, 0, 1]);
    assert_eq!(hub.app.count_audit_events("sign_in_allowed").await, 1);
}

/// T55, S55.
#[tokio::test]
async fn no_gives_nothing_and_is_recorded() {
    let hub = Hub::start().await;
    let (browser, page) = opened(&hub, ALL).await;
    assert_eq!(error_of(&decide(&browser, &page, &[("decision", "deny")]).await), "access_denied");
    assert_eq!(given(&hub.app).await, [0; 4]);
    assert_eq!(hub.app.count_audit_events("authorization_denied").await, 1);
}

/// S51.
#[tokio::test]
async fn report_is_recorded_and_does_not_return_to_the_client() {
    let hub = Hub::start().await;
    let (browser, page) = opened(&hub, ALL).await;
    let thanks = decide(&browser, &page, &[("decision", "report")]).await;
    assert!(thanks.says(en().authorize_reported_means()) && !thanks.says("hub.example.org"), "{}", thanks.text);
    assert_eq!(given(&hub.app).await, [0; 4]);
    assert_eq!(hub.app.count_audit_events("authorization_reported").await, 1);
    assert!(browser.get(&page.address).await.says(en().authorize_reported_means()));
    let overview = browser.get("/admin").await;
    assert!(overview.tells(|_| en().admin_figure_reports(1)), "{}", overview.words());
}

/// T39, S56.
#[tokio::test]
async fn second_press_finds_the_first_result() {
    let hub = Hub::start().await;
    let (browser, page) = opened(&hub, ALL).await;
    let [first, second] = [decide(&browser, &page, &[("decision", "allow")]).await, decide(&browser, &page, &[("decision", "allow")]).await];
    assert_eq!(answer(&first)["code"], answer(&second)["code"]);
    assert_eq!(given(&hub.app).await, [1, 1, 0, 1]);
    assert_eq!(hub.redeem(&answer(&first)["code"]).await.status, 200);
    let back = browser.get(&page.address).await;
    assert!(back.says(en().authorize_over()) && back.tells(|x| en().authorize_over_host(x)), "{}", back.words());
}

/// T40.
#[tokio::test]
async fn denied_request_cannot_be_allowed_later() {
    let hub = Hub::start().await;
    let (browser, page) = opened(&hub, ALL).await;
    decide(&browser, &page, &[("decision", "deny")]).await;
    assert_eq!(error_of(&browser.get(&page.address).await), "access_denied", "Back");
    assert_eq!(error_of(&decide(&browser, &page, &[("decision", "allow")]).await), "access_denied");
    assert_eq!(given(&hub.app).await, [0; 4]);
}

/// T41, S52.
#[tokio::test]
async fn sign_in_only_delegates_nothing() {
    let hub = Hub::start().await;
    let (browser, page) = opened(&hub, ALL).await;
    let code = answer(&decide(&browser, &page, &[("decision", "sign_in")]).await)["code"].clone();
    assert_eq!(given(&hub.app).await, [1, 0, 0, 1]);
    let tokens = hub.redeem(&code).await;
    assert_eq!((tokens.status, tokens.body["scope"].as_str()), (200, Some("openid profile")));
    assert!(tokens.body.get("refresh_token").is_none(), "{}", tokens.body);
    assert_eq!(hub.app.api("/v1/tms/me/hosts", &tokens.token()).await.status, 403);
    assert_eq!(hub.app.texts("SELECT kind FROM activity WHERE client_id = 'hub' AND kind LIKE '%allowed'").await, ["sign_in_allowed"]);
}

/// S177, S178: access that outlives the browser session is listed, also if it is for the sign-in alone.
#[tokio::test]
async fn lasting_sign_in_is_listed_and_revoked() {
    let hub = Hub::start().await;
    let (code, browser) = hub.code(&[("scope", "openid offline_access")]).await;
    assert!(hub.redeem(&code).await.body.get("refresh_token").is_some());
    let apps = browser.get("/apps").await;
    assert!(apps.says("hub") && apps.says(en().apps_may_stay_signed_in()), "{}", apps.words());
    let app = hub.app.texts("SELECT number || '' FROM delegations WHERE client_id = 'hub'").await.remove(0);
    browser.post("/api/apps/end", &[("app", &app)]).await;
    assert_eq!(hub.app.number("SELECT count(*) FROM token_families WHERE client_id = 'hub' AND ended_at IS NULL").await, 0);
}

/// T42, S53.
#[tokio::test]
async fn unticked_account_is_not_delegated() {
    let hub = Hub::start().await;
    hub.app.link_host("test", "testuser1", "frontera", FAR).await;
    let (browser, page) = opened(&hub, ALL).await;
    answer(&decide(&browser, &page, &[("decision", "allow"), ("host_accounts[]", "hac_frontera")]).await);
    let delegated =
        "SELECT a.host_account_id FROM delegation_host_accounts a JOIN delegations d ON d.tenant_id = a.tenant_id AND d.id = a.delegation_id
                     WHERE d.client_id = 'hub'";
    assert_eq!(hub.app.texts(delegated).await, ["hac_frontera"]);
    // Nor one of another person.
    hub.app.add_person("test", "eve").await;
    hub.app.link_host("test", "eve", "vista", FAR).await;
    let page = hub.open(&browser, &[("scope", "openid hosts:read keys:create keys:read")]).await;
    let foreign = decide(&browser, &page, &[("decision", "allow"), ("host_accounts[]", "hac_vista")]).await;
    assert_eq!((foreign.status, foreign.problem()), (422, en().decision_refused_host_account()));
}

/// T45, S64.
#[tokio::test]
async fn person_without_host_account_is_told_how_to_link_one() {
    let hub = Hub::start().await;
    hub.app.add_person("test", "eve").await;
    let browser = hub.app.signed_in_as("test", "eve", PASSWORD).await;
    let page = hub.open(&browser, &[ALL]).await;
    let words = page.words();
    assert!(asks(&page) && words.contains(&en().consent_no_hosts()) && !words.contains(&en().consent_may_log_in()), "{words}");
    let code = answer(&decide(&browser, &page, &[("decision", "sign_in")]).await)["code"].clone();
    assert_eq!(hub.redeem(&code).await.body["scope"], "openid profile");
}

/// S54.
#[tokio::test]
async fn lifetimes_are_those_of_tenant_and_client() {
    let hub = Hub::start().await;
    hub.change(|client, _| client.longest_access = Some(Duration::from_secs(24 * HOUR))).await;
    let (browser, page) = opened(&hub, ALL).await;
    assert!(!page.says("value=\"604800\"") && page.says("value=\"28800\""), "{}", page.text);
    for (lifetime, sentence) in
        [("604800", en().decision_refused_too_long()), ("60", en().decision_refused_lifetime()), ("x", en().decision_refused_lifetime())]
    {
        let refused = decide(&browser, &page, &[("decision", "allow"), ("lifetime", lifetime)]).await;
        assert_eq!((refused.status, refused.problem(), &refused.address), (422, sentence, &page.address), "{lifetime}");
    }
    assert_eq!(given(&hub.app).await, [0; 4]);
    let code = answer(&decide(&browser, &page, &[("decision", "allow"), ("lifetime", "28800")]).await)["code"].clone();
    assert_eq!(hub.redeem(&code).await.body["authorization_expires_in"], 28_800);
}

/// S49: RFC 8252 §8.6.
#[tokio::test]
async fn public_client_is_confirmed_each_time() {
    let app = TestApp::start().await;
    register_public(&app, &["http://127.0.0.1/cb"]).await;
    let browser = app.signed_in().await;
    let address = "http://127.0.0.1:4000/cb";
    for _ in 0..2 {
        let page = open(&browser, &request_of("desktop", &[("redirect_uri", address), ("scope", "openid hosts:read")])).await;
        assert!(asks(&page) && page.says(en().authorize_any_program()) && page.says(en().authorize_to_this_computer()), "{}", page.words());
        assert_eq!(page.title(), en().document_title(en().authorize_question_program("desktop")).as_str());
        assert!(!page.says("name=\"remember\"") && !page.says("value=\"sign_in\""), "{}", page.text);
        let refused = decide(&browser, &page, &[("decision", "allow")]).await;
        assert_eq!((refused.status, refused.problem()), (422, en().decision_refused_not_confirmed()));
        let onward = decide(&browser, &refused, &[("decision", "allow"), ("started_this", "yes")]).await;
        assert!(super::left_for(&onward).starts_with(&format!("{address}?code=")) && onward.says(en().authorize_go_program()), "{}", onward.text);
    }
}

/// T44, S59.
#[tokio::test]
async fn second_factor_is_demanded_for_allowing_only() {
    let hub = Hub::start().await;
    hub.app.change_tenant("test", |tenant| tenant.policy.second_factor_at_consent = true).await;
    let (browser, page) = opened(&hub, ALL).await;
    assert!(page.says(en().consent_missing_own()) && !page.says("value=\"allow\"") && !page.says("value=\"sign_in\""), "{}", page.words());
    let request = page.field("request");
    assert!(page.says(format!("href=\"/identities/second-factor?then=/authorize%3Frequest%3D{request}\"")), "{}", page.text);
    let form = [("request", &*request), ("decision", "allow"), ("lifetime", "28800")];
    assert_eq!(browser.post(DECIDE, &form).await.path, "/identities/second-factor", "nor by the form alone");
    assert_eq!(given(&hub.app).await, [0; 4]);
    assert_eq!(error_of(&decide(&browser, &page, &[("decision", "deny")]).await), "access_denied");
}

#[tokio::test]
async fn standing_of_the_client_is_shown() {
    let hub = Hub::start().await;
    let (browser, page) = opened(&hub, ("scope", "openid")).await;
    decide(&browser, &page, &[("decision", "allow")]).await;
    hub.app.add_person("test", "eve").await;
    let eve = hub.app.signed_in_as("test", "eve", PASSWORD).await;
    let page = hub.open(&eve, &[]).await;
    assert!(page.words().contains(&en().authorize_people_before(1)), "{}", page.words());
    hub.change(|client, _| client.verified = true).await;
    let page = hub.open(&eve, &[]).await;
    assert!(page.words().contains(&format!("hub {}", en().client_verified())) && !page.words().contains(&en().authorize_allowed_before()));
}

#[tokio::test]
async fn scope_lost_while_the_page_is_open_is_not_given() {
    let hub = Hub::start().await;
    let (browser, page) = opened(&hub, ALL).await;
    hub.change(|client, _| client.scope = tms_portal::domain::scope::ScopeSet::parse_known("openid keys:read")).await;
    let code = answer(&decide(&browser, &page, &[("decision", "allow")]).await)["code"].clone();
    assert_eq!(hub.redeem(&code).await.body["scope"], "openid");
    hub.change(|client, _| client.scope = tms_portal::domain::scope::ScopeSet::parse_known("keys:revoke")).await;
    let page = hub.open(&browser, &[]).await;
    assert_eq!(error_of(&page), "invalid_scope");
}

#[tokio::test]
async fn client_can_be_set_to_ask_always() {
    let hub = Hub::start().await;
    hub.change(|client, _| client.consent = ConsentRule::Always).await;
    let (browser, page) = opened(&hub, ALL).await;
    answer(&decide(&browser, &page, &[("decision", "allow"), ("lifetime", "604800")]).await);
    assert!(asks(&hub.open(&browser, &[ALL]).await));
}
