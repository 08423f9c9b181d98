//! Refused links.

use tms_portal::domain::ids::AccountName;
use tms_portal::server::service::Error;
use tms_portal::server::service::auth::upstream_login::{AuthorizationResponse, CallbackOutcome, LoginPurpose};
use tms_portal::server::service::host_accounts::upstream_accounts::ProposalRefused;

use super::*;

#[tokio::test]
async fn invalid_names_and_system_accounts_are_refused() {
    let fixture = Fixture::start().await;
    let browser = fixture.app.signed_in().await;
    for (name, why) in [
        (json!("root"), en().proposal_system_account()),
        (json!("systemd-network"), en().proposal_system_account()),
        (json!(" jdoe"), en().proposal_no_name()),
        (json!("ro ot"), en().proposal_no_name()),
        (json!("jdoe\u{0}"), en().proposal_no_name()),
        // No other claim is used instead: people may be able to choose it.
        (json!(""), en().proposal_no_name()),
        (json!(null), en().proposal_no_name()),
    ] {
        let page = fixture.proposed_accounts(&browser, json!({ "preferred_username": name, "email": "jdoe" })).await;
        assert!(page.words().contains(&why) && checked_accounts(&page).is_empty(), "{name}: {}", page.words());
        for made_up in [format!("frontera {}", name.as_str().unwrap_or_default()), "frontera root".into(), "frontera jdoe".into(), "frontera".into()]
        {
            let page = browser.post(LINK, &[("accounts[]", &made_up)]).await;
            assert!(page.path == "/hosts/provider" && page.problem().contains(&en().proposal_refused_cannot()), "{made_up}: {}", page.words());
        }
    }
    assert!(fixture.links().await.is_empty());
}

#[tokio::test]
async fn unavailable_list_is_explained_and_links_nothing() {
    let fixture = Fixture::with_list(&json!([])).await;
    let browser = fixture.app.signed_in().await;
    let many: Vec<Value> = (0..101).map(|n| json!({ "name": "frontera", "username": format!("jd{n}") })).collect();
    for (status, body, why) in [
        (401, "{}".to_owned(), en().upstream_login_refused_list_denied()),
        (403, "{}".into(), en().upstream_login_refused_list_denied()),
        (500, "{}".into(), en().upstream_login_refused_list_broken()),
        (302, "{}".into(), en().upstream_login_refused_list_broken()),
        (200, "<html>maintenance</html>".into(), en().upstream_login_refused_list_broken()),
        (200, "[]".into(), en().upstream_login_refused_list_broken()),
        (200, json!({ "data": { "name": "frontera" } }).to_string(), en().upstream_login_refused_list_broken()),
        (200, json!({ "data": many }).to_string(), en().upstream_login_refused_list_broken()),
        (200, format!("{{\"data\": [], \"x\": \"{}\"}}", "x".repeat(300_000)), en().upstream_login_refused_list_broken()),
    ] {
        fixture.institution.list_answers(status, body);
        let page = fixture.proposed_accounts(&browser, json!({})).await;
        assert!(page.path == "/hosts" && page.problem().contains(&why), "{status}: {}", page.words());
        assert_eq!(browser.get("/hosts/provider").await.status, 404);
    }
    // A port on which nothing listens any more.
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    fixture.owns(&["frontera"], Some(format!("http://{gone}/resources"))).await;
    let page = fixture.proposed_accounts(&browser, json!({})).await;
    assert!(page.problem().contains(&en().upstream_login_refused_list_away()), "{}", page.words());
    // Tokens are sent over TLS only.
    fixture.owns(&["frontera"], Some("http://provider.example/resources".into())).await;
    assert!(fixture.proposed_accounts(&browser, json!({})).await.problem().contains(&en().upstream_login_refused_list_broken()));
    assert!(fixture.links().await.is_empty());
}

#[tokio::test]
async fn account_of_another_is_refused_unless_shared() {
    let fixture = Fixture::with_list(&json!([{ "name": "frontera", "username": "project" }])).await;
    let first = fixture.app.signed_in().await;
    let page = fixture.proposed_accounts(&first, json!({})).await;
    link_all(&first, &page).await;

    fixture.add("eve").await;
    let eve = fixture.app.signed_in_as("test", "eve", PASSWORD).await;
    let hers = json!({ "sub": "43", "preferred_username": "eve" });
    let page = fixture.proposed_accounts(&eve, hers.clone()).await;
    assert!(page.says(en().link_refused_linked_to_another()) && checked_accounts(&page).is_empty(), "{}", page.words());
    assert!(!page.says("testuser1") && !page.says("Test User"), "never who: {}", page.words());
    let refused = eve.post(LINK, &[("accounts[]", "frontera project")]).await;
    assert!(refused.problem().contains(&en().proposal_refused_cannot()) && !refused.says("testuser1"), "{}", refused.words());
    assert_eq!(fixture.links().await, ["project@frontera testuser1"]);

    fixture.app.change_tenant("test", |tenant| tenant.policy.shared_host_accounts = true).await;
    let page = eve.get("/hosts/provider").await;
    assert_eq!(checked_accounts(&page), ["frontera project"], "{}", page.words());
    // The rules that apply when it is written decide.
    fixture.app.change_tenant("test", |tenant| tenant.policy.shared_host_accounts = false).await;
    assert!(link_all(&eve, &page).await.problem().contains(&en().proposal_refused_cannot()));
    fixture.app.change_tenant("test", |tenant| tenant.policy.shared_host_accounts = true).await;
    assert!(link_all(&eve, &page).await.tells(|x| en().link_linked("project", "frontera", x)));
    assert_eq!(fixture.links().await, ["project@frontera eve", "project@frontera testuser1"]);
}

#[tokio::test]
async fn only_own_providers_with_hosts_are_listed() {
    let fixture = Fixture::start().await;
    fixture.app.add_dora().await;
    let dora = fixture.app.signed_in_as("default", "dora", PASSWORD).await;
    assert!(!dora.get("/hosts").await.says("hosts=1"));
    assert!(dora.start_upstream_login(HOSTS).await.starts_with("/sign-in?again=1"));

    let browser = fixture.app.signed_in().await;
    let page = fixture.proposed_accounts(&browser, json!({})).await;
    // Hosts no longer managed, and accounts not proposed, are not linked.
    fixture.owns(&["stampede"], None).await;
    assert_eq!(checked_accounts(&browser.get("/hosts/provider").await), ["stampede jdoe"]);
    assert!(link_all(&browser, &page).await.problem().contains(&en().proposal_refused_cannot()));
    fixture.change(|provider| provider.enabled = false).await;
    assert_eq!(browser.get("/hosts/provider").await.status, 404);
    assert_eq!(browser.post(LINK, &[("accounts[]", "stampede jdoe")]).await.problem(), en().proposal_refused_gone());
    fixture.change(|provider| provider.enabled = true).await;
    fixture.owns(&[], None).await;
    assert!(!browser.get("/hosts").await.says("hosts=1"));
    assert_eq!(browser.start_upstream_login(HOSTS).await, "/hosts");
    assert!(fixture.links().await.is_empty());
}

#[tokio::test]
async fn proposal_is_bound_to_person_and_identity() {
    let fixture = Fixture::start().await;
    fixture.add("eve").await;
    let browser = fixture.app.signed_in().await;
    browser.upstream_login(&fixture.institution, "/sign-in/with/test/campus?link=1", fixture.app.seconds(), &json!({})).await;
    assert!(browser.post("/api/identities/link", &[]).await.tells(|x| en().identities_linked(x)));
    let eve = fixture.app.signed_in_as("test", "eve", PASSWORD).await;
    let page = fixture.proposed_accounts(&eve, json!({})).await;
    assert!(page.path == "/hosts" && page.refuses(|x| en().upstream_login_refused_wrong_account(x)), "{}", page.words());

    // Another person's sign-in does not complete a link that was started in this session.
    let page = fixture.proposed_accounts(&browser, json!({})).await;
    browser.sign_in("test", "eve", PASSWORD).await;
    assert_eq!(browser.get("/hosts/provider").await.status, 404);
    assert_eq!(link_all(&browser, &page).await.problem(), en().proposal_refused_gone());
    assert!(fixture.links().await.is_empty());
}

#[tokio::test]
async fn linking_requires_an_mfa_record() {
    let fixture = Fixture::start().await;
    fixture.app.add_person("test", "new").await;
    let browser = fixture.app.signed_in_as("test", "new", PASSWORD).await;
    let page = fixture.proposed_accounts(&browser, json!({})).await;
    let refused = link_all(&browser, &page).await;
    assert!(refused.path == "/hosts/provider" && refused.problem().starts_with(&en().link_refused_no_mfa()), "{}", refused.words());
    assert!(fixture.links().await.is_empty());
    fixture.open_mfa("new").await;
    assert!(link_all(&browser, &refused).await.says(en().proposal_linked_several(2)));
}

/// "Revoke everything" also invalidates answers that are in progress.
#[tokio::test]
async fn answer_of_ended_session_is_refused() {
    let fixture = Fixture::start().await;
    let late = fixture.app.person_without_session("testuser1").await;
    let (services, campus) = (&fixture.app.services, ProviderId::parse("campus").expect("a provider"));
    let (state, address) =
        services.start_upstream_login(late.tenant_id(), &campus, LoginPurpose::Hosts(late.user_id().clone())).await.map_err(|_| ()).expect("off");
    let back = fixture.institution.sign_in(&address, fixture.app.seconds(), &json!({}));
    let code = back.split("code=").nth(1).and_then(|rest| rest.split('&').next()).expect("a code");
    let outcome =
        services.finish_upstream_login(&state, &AuthorizationResponse { code, issuer: None }, None, None).await.map_err(|_| ()).expect("back");
    let CallbackOutcome::HostAccounts(login) = outcome else { panic!("a login for accounts") };
    let proposal = services.propose_accounts(*login).await.map_err(|_| ()).expect("an offer");
    assert!(services.review_proposal(&late, &proposal).await.expect("an answer").is_some());
    let chosen = [(HostName::parse("frontera").expect("a host"), AccountName::parse("jdoe").expect("an account"))].into();
    let refused = services.link_proposed_accounts(&services.require_recent_auth(&late).expect("fresh"), &proposal, chosen).await;
    assert!(matches!(refused, Err(Error::Refused(ProposalRefused::NotFound))));
    assert!(fixture.links().await.is_empty());
}

/// If the audit log cannot be written, the link is not created.
#[tokio::test]
async fn link_without_audit_event_is_rolled_back() {
    let fixture = Fixture::start().await;
    let browser = fixture.app.signed_in().await;
    let page = fixture.proposed_accounts(&browser, json!({})).await;
    fixture.app.refuse_writes("INSERT", "activity").await;
    assert_eq!(link_all(&browser, &page).await.status, 500);
    assert!(fixture.links().await.is_empty());
}
