//! `/device` after the code was accepted: the decision.

use std::time::Duration;

use crate::app::{Answer, Device, PASSWORD, TestApp};
use crate::browser::{Browser, Page, en, holds};
use crate::database::FAR;

/// A request that is open in a browser of the test person.
async fn open(app: &TestApp) -> (Device, Browser, Page) {
    let (device, browser) = (app.start_device().await, app.signed_in().await);
    let consent = browser.enter(&device.user_code).await;
    assert_eq!((consent.status, consent.path.as_str()), (200, "/device"), "{}", consent.words());
    (device, browser, consent)
}

/// The form of an approval with these host accounts.
fn allowing<'a>(grant: &'a str, host_accounts: &[&'a str]) -> Vec<(&'static str, &'a str)> {
    let mut form = vec![("grant", grant), ("decision", "allow"), ("lifetime", "28800"), ("started_this", "yes")];
    form.extend(host_accounts.iter().map(|id| ("host_accounts[]", *id)));
    form
}

async fn decide(browser: &Browser, form: &[(&str, &str)]) -> Page {
    browser.post("/api/device/decide", form).await
}

#[tokio::test]
async fn consent_page_shows_client_scope_and_origin() {
    let app = TestApp::start().await;
    app.link_host("test", "testuser1", "frontera", FAR).await;
    app.link_host("test", "testuser1", "gone", 1).await;
    let form = [("client_id", "testclient1"), ("client_secret", "secret1"), ("scope", "hosts:read keys:create")];
    let device = app.start_device_of(&form).await;
    app.clock.advance(Duration::from_secs(120));
    let page = app.signed_in().await.enter(&device.user_code).await;
    assert_eq!(page.title(), en().document_title(en().consent_question("testapp1")).as_str());
    let words = page.words();
    for said in [
        &en().consent_compare(),
        &device.user_code,
        &format!("testapp1 {}", en().client_not_verified()),
        &en().span_ago(en().span_minutes(2)),
        &en().consent_from_same("127.0.0.1"),
        &format!("curl/8.9 {}", en().consent_program_says()),
        &en().consent_may_log_in(),
        &format!("testhost1 {} testhostaccount1", en().consent_as()),
        &format!("frontera {} testuser1-on-frontera", en().consent_as()),
        &en().span_hours(8),
        &en().span_days(7),
        &en().span_days(30),
        &en().consent_only_if_after(),
        &format!("{} Test User ({}).", en().consent_you_are(), en().person_at("testuser1", "Test")),
    ] {
        assert!(words.contains(said), "{said}: {words}");
    }
    assert!(!words.contains("gone"), "an expired host account is not offered");
    let boxes: Vec<&str> = page.text.split("<input").filter(|tag| tag.contains("host_accounts[]")).collect();
    assert_eq!((boxes.len(), boxes.iter().filter(|tag| tag.contains(" checked")).count()), (2, 2));
    let confirmation = page.text.split("<input").find(|tag| tag.contains("started_this")).expect("the tick");
    assert!(!confirmation.split('>').next().expect("a tag").contains("checked"), "not preselected");
    let (deny, allow) = (page.text.find("value=\"deny\"").expect("Deny"), page.text.find("value=\"allow\"").expect("Allow"));
    assert!(deny < allow, "Enter denies");
}

#[tokio::test]
async fn public_clients_and_remote_devices_get_warnings() {
    let app = super::behind_proxy().await;
    let (device, browser) = (app.start_device().await, super::signed_in_at(&app, "192.0.2.1").await);
    let words = browser.enter(&device.user_code).await.words();
    assert!(words.contains(&format!("TMS command line {}", en().client_any_program())), "{words}");
    assert!(words.contains(&en().consent_from_other("127.0.0.1")), "{words}");
    assert!(!words.contains(&en().consent_may_log_in()), "only what was asked for: {words}");
}

#[tokio::test]
async fn forwarded_ip_is_shown_as_the_devices() {
    let app = super::behind_proxy().await;
    let browser = super::signed_in_at(&app, "203.0.113.10").await;
    for (header, written, said) in [
        ("x-forwarded-for", "203.0.113.10:51234", en().consent_from_same("203.0.113.10")),
        ("x-forwarded-for", "\"[2001:db8::1]:51234\"", en().consent_from_other("2001:db8::1")),
        ("forwarded", "for=\"[2001:db8::1]:4711\";proto=https", en().consent_from_other("2001:db8::1")),
        ("x-forwarded-for", "nonsense", format!("{} {}", en().consent_from(), en().consent_from_unknown())),
        ("forwarded", "for=_hidden", format!("{} {}", en().consent_from(), en().consent_from_unknown())),
    ] {
        let request = app.http.post(app.tenant("/oauth/device_authorization")).header(header, written).form(&[("client_id", "tms-cli")]);
        let device = Answer::of(request).await;
        let consent = browser.enter(device.body["user_code"].as_str().expect("a code")).await;
        assert!(consent.words().contains(&said), "{written}: {}", consent.words());
        browser.deny(&consent).await;
    }
    let neighbour = super::signed_in_at(&app, "2001:db8::ffff:2").await;
    let request = app.http.post(app.tenant("/oauth/device_authorization")).header("x-forwarded-for", "[2001:db8::1]:1");
    let device = Answer::of(request.form(&[("client_id", "tms-cli")])).await;
    let consent = neighbour.enter(device.body["user_code"].as_str().expect("a code")).await;
    assert!(consent.words().contains(&en().consent_from_network("2001:db8::1")), "{}", consent.words());
    let unknown = super::signed_in_at(&app, "unknown").await;
    let consent = unknown.enter(&app.start_device().await.user_code).await;
    assert!(consent.words().contains(&en().consent_from_uncompared("127.0.0.1")), "{}", consent.words());
}

#[tokio::test]
async fn verified_client_is_marked() {
    let app = TestApp::start().await;
    app.sql("UPDATE clients SET verified = true WHERE client_id = 'testclient1'").await;
    let device = app.start_device_of(&[("client_id", "testclient1"), ("client_secret", "secret1")]).await;
    let words = app.signed_in().await.enter(&device.user_code).await.words();
    assert!(words.contains(&format!("testapp1 {}", en().client_verified())), "{words}");
}

#[tokio::test]
async fn user_agent_is_escaped() {
    let app = TestApp::start().await;
    let request = app.http.post(app.tenant("/oauth/device_authorization")).header("user-agent", "<img src=x onerror=alert(1)>");
    let answer: serde_json::Value = request.form(&[("client_id", "tms-cli")]).send().await.expect("an answer").json().await.expect("JSON");
    let page = app.signed_in().await.enter(answer["user_code"].as_str().expect("a code")).await;
    assert!(page.status == 200 && !page.says("<img") && page.says("&lt;img src=x"), "{}", page.text);
}

#[tokio::test]
async fn invalid_decisions_are_refused_and_change_nothing() {
    let app = TestApp::start().await;
    app.add_person("test", "eve").await;
    app.link_host("test", "eve", "eves", FAR).await;
    app.link_host("test", "testuser1", "expired", 1).await;
    let (_, browser, consent) = open(&app).await;
    let (grant, own) = (consent.field("grant"), consent.field("host_accounts[]"));
    let (before, records) = (app.grants().await, app.number("SELECT count(*) FROM activity").await);

    let with = |name: &str, value: Option<&'static str>| {
        let mut form = allowing(&grant, &[&own]);
        form.retain(|(field, _)| *field != name);
        form.extend(value.map(|value| (if name == "lifetime" { "lifetime" } else { "started_this" }, value)));
        form
    };
    let (confirmation, lifetime, host) =
        (&en().decision_refused_not_confirmed(), &en().decision_refused_lifetime(), &en().decision_refused_host_account());
    for (form, sentence) in [
        (with("started_this", None), confirmation),
        (with("started_this", Some("")), confirmation),
        (with("started_this", Some("no")), confirmation),
        (with("lifetime", None), lifetime),
        (with("lifetime", Some("60")), lifetime),
        (with("lifetime", Some("-28800")), lifetime),
        (with("lifetime", Some("31536000")), lifetime),
        (with("lifetime", Some("99999999999999999999999")), lifetime),
        (allowing(&grant, &[&own, "hac_eves"]), host),
        (allowing(&grant, &["hac_expired"]), host),
        (allowing(&grant, &["hac_unknown"]), host),
        (allowing(&grant, &["' OR 1=1 --"]), host),
    ] {
        let page = decide(&browser, &form).await;
        assert_eq!((page.status, page.path.as_str(), page.problem().as_str()), (422, "/device", sentence.as_str()), "{form:?}");
        assert!(holds(page.title(), |client| en().document_title_refused(en().consent_question(client))), "{}", page.title());
        assert_eq!(page.says("aria-invalid=\"true\""), sentence == confirmation);
    }
    assert_eq!((app.grants().await, app.consents().await), (before, 0));
    assert_eq!(app.number("SELECT count(*) FROM activity").await, records);
    assert_eq!(
        decide(&browser, &allowing(&grant, &[&own])).await.title(),
        en().document_title(en().result_connected()).as_str(),
        "and mended it goes through"
    );
}

#[tokio::test]
async fn policy_sets_confirmation_and_lifetimes() {
    let app = TestApp::start().await;
    app.change_tenant("test", |tenant| {
        tenant.policy.require_started_tick = false;
        tenant.policy.longest_access = Duration::from_secs(8 * 60 * 60);
    })
    .await;
    let (device, browser, consent) = open(&app).await;
    assert!(!consent.says("started_this") && !consent.says("7 days"), "{}", consent.words());
    let grant = consent.field("grant");
    let week = [("grant", grant.as_str()), ("decision", "allow"), ("lifetime", "604800")];
    assert_eq!(decide(&browser, &week).await.status, 422);
    decide(&browser, &[("grant", grant.as_str()), ("decision", "allow"), ("lifetime", "28800")]).await;
    assert_eq!(app.poll(&device).await.body["expires_in"], 28_800);
}

#[tokio::test]
async fn only_the_session_that_opened_it_decides() {
    let app = TestApp::start().await;
    app.add_person("test", "eve").await;
    app.add_dora().await;
    let (device, browser, consent) = open(&app).await;
    let grant = consent.field("grant");
    let before = app.grants().await;
    let others = [app.signed_in().await, app.signed_in_as("test", "eve", PASSWORD).await, app.signed_in_as("default", "dora", PASSWORD).await];
    for other in &others {
        for form in [allowing(&grant, &[]), vec![("grant", grant.as_str()), ("decision", "deny")]] {
            let page = decide(other, &form).await;
            assert_eq!((page.status, page.problem().as_str()), (422, en().decision_refused_not_yours().as_str()));
            assert!(!page.says(&device.user_code), "{}", page.words());
        }
    }
    assert_eq!((app.grants().await, app.consents().await), (before, 0));

    // Another person signs in on the page of the request, which they must not see.
    let page = browser.sign_in("test", "eve", PASSWORD).await;
    assert!(!page.says("TMS command line"), "{}", page.words());
    assert_eq!(decide(&browser, &allowing(&grant, &[])).await.status, 422);
    assert_eq!(app.consents().await, 0);
}

#[tokio::test]
async fn unknown_or_missing_grant_id_is_refused() {
    let app = TestApp::start().await;
    let (_, browser, _) = open(&app).await;
    let before = app.grants().await;
    for grant in ["dgr_nobody", "", "'; DROP TABLE device_grants --", "\0"] {
        let page = decide(&browser, &allowing(grant, &[])).await;
        assert!([200, 422].contains(&page.status) && page.path == "/device", "{grant:?}: {}", page.status);
    }
    let page = decide(&browser, &[("decision", "allow")]).await;
    assert_eq!((page.status, page.title()), (400, en().document_title_refused(en().error_bad()).as_str()));
    assert_eq!(app.grants().await, before);
}

#[tokio::test]
async fn expired_request_cannot_be_approved() {
    let app = TestApp::start().await;
    let (device, browser, consent) = open(&app).await;
    app.clock.advance(Duration::from_secs(15 * 60));
    let page = browser.allow(&consent).await;
    assert_eq!((page.path.as_str(), page.title()), ("/device/result", en().document_title(en().result_expired()).as_str()));
    assert_eq!(app.poll(&device).await.error(), "expired_token");
    assert_eq!((app.consents().await, app.count_audit_events("device_approved").await), (0, 0));
    assert_eq!(browser.get("/device").await.title(), en().document_title(en().device_title()).as_str());
}

#[tokio::test]
async fn denial_is_final_after_going_back() {
    let app = TestApp::start().await;
    let (device, browser, consent) = open(&app).await;
    browser.deny(&consent).await;
    let page = browser.allow(&consent).await;
    assert_eq!((page.path.as_str(), page.title()), ("/device/result", en().document_title(en().result_denied()).as_str()));
    assert_eq!(app.poll(&device).await.error(), "access_denied");
    assert_eq!(app.consents().await, 0);
}

#[tokio::test]
async fn repeated_approval_counts_once() {
    let app = TestApp::start().await;
    let (device, browser, consent) = open(&app).await;
    let pages = tokio::join!(browser.allow(&consent), browser.allow(&consent), browser.allow(&consent));
    for page in [pages.0, pages.1, pages.2, browser.allow(&consent).await, browser.deny(&consent).await] {
        assert_eq!((page.status, page.title()), (200, en().document_title(en().result_connected()).as_str()));
    }
    assert_eq!((app.consents().await, app.count_audit_events("device_approved").await, app.count_audit_events("device_denied").await), (1, 1, 0));
    assert_eq!(app.poll(&device).await.status, 200);
}

#[tokio::test]
async fn approval_writes_delegation_and_audit_event() {
    let app = TestApp::start().await;
    let (_, browser, consent) = open(&app).await;
    browser.allow(&consent).await;
    let rows = app
        .texts(
            "SELECT concat_ws(' ', g.state, g.person, d.user_id, d.client_id, d.scope, d.expires_at - a.at, CASE WHEN d.every_host_account THEN 'all' ELSE 'selected' END, t.host_account_id)
             FROM device_grants g JOIN delegations d ON d.device_grant_id = g.id JOIN delegation_host_accounts t ON t.delegation_id = d.id
             JOIN activity a ON a.device_grant_id = g.id AND a.kind = 'device_approved' AND a.user_id = g.person",
        )
        .await;
    let host = consent.field("host_accounts[]");
    assert_eq!(rows, [format!("approved testuser1 testuser1 tms-cli hosts:read 28800000 selected {host}")]);
}

#[tokio::test]
async fn token_covers_selected_host_accounts_only() {
    let app = TestApp::start().await;
    app.link_host("test", "testuser1", "frontera", FAR).await;
    for (selected, reached) in [(vec![], vec![]), (vec!["hac_frontera"], vec!["frontera"]), (vec!["hac_frontera", "hac_frontera"], vec!["frontera"])]
    {
        let (device, browser, consent) = open(&app).await;
        let page = decide(&browser, &allowing(&consent.field("grant"), &selected)).await;
        assert_eq!(page.title(), en().document_title(en().result_connected()).as_str());
        assert_eq!(page.words().contains(&format!("{} {}", en().consent_hosts(), en().result_no_host())), selected.is_empty(), "{}", page.words());
        let hosts = app.api("/v1/tms/me/hosts", &app.poll(&device).await.token()).await;
        let hosts: Vec<&str> = hosts.body["hosts"].as_array().expect("a list").iter().filter_map(|host| host["host"].as_str()).collect();
        assert_eq!(hosts, reached);
    }
}

#[tokio::test]
async fn disabled_client_cannot_be_approved() {
    let app = TestApp::start().await;
    let (_, browser, consent) = open(&app).await;
    app.sql("UPDATE clients SET enabled = false WHERE client_id = 'tms-cli'").await;
    let page = browser.allow(&consent).await;
    assert_eq!((page.path.as_str(), page.title()), ("/device/result", en().document_title(en().result_refused()).as_str()));
    assert!(page.says(en().pickup_refused_disabled()), "{}", page.words());
    assert_eq!((app.consents().await, app.count_audit_events("device_approved").await), (0, 0));
}

#[tokio::test]
async fn other_code_can_be_entered_instead() {
    let app = TestApp::start().await;
    let (first, browser, _) = open(&app).await;
    let page = browser.post("/api/device/another", &[]).await;
    assert_eq!((page.status, page.title()), (200, en().document_title(en().device_title()).as_str()));
    let second = app.start_device().await;
    browser.allow(&browser.enter(&second.user_code).await).await;
    assert_eq!(app.poll(&second).await.status, 200);
    assert_eq!(app.poll(&first).await.error(), "authorization_pending");
}

#[tokio::test]
async fn request_moves_to_another_account_of_the_person() {
    let app = TestApp::start().await;
    app.add_person("test", "eve").await;
    let (device, browser, consent) = open(&app).await;
    let (_, form) =
        consent.text.split_once(&en().consent_use_another()).map(|(before, _)| before.rsplit_once("<form").expect("a form")).expect("the button");
    let action = form.split_once("action=\"").expect("an action").1.split('"').next().expect("a path");
    let fields: Vec<(&str, &str)> = form
        .split("<input")
        .skip(1)
        .map(|tag| {
            let value = |name: &str| tag.split_once(&format!("{name}=\"")).expect("an attribute").1.split('"').next().expect("a value");
            (value("name"), value("value"))
        })
        .collect();
    browser.post(action, &fields).await;
    let page = browser.sign_in("test", "eve", PASSWORD).await;
    assert!(page.path == "/device" && page.says(&device.user_code), "{}: {}", page.path, page.words());
    assert!(page.words().contains("(eve at Test)"), "{}", page.words());
}
