//! Signing in through an institution.

use std::time::Duration;

use serde_json::{Value, json};
use tms_portal::domain::ids::{ProviderId, UserId};
use tms_portal::domain::provider::claims::MfaEvidence;
use tms_portal::domain::provider::provisioning::ProvisioningPolicy;
use tms_portal::server::providers::ConnectError;
use tms_portal::server::providers::egress::{EgressPolicy, read_root_certs};
use tms_portal::server::providers::error::ProviderError;
use tms_portal::server::service::admin::edit_refused::EditRefused;
use tms_portal::server::service::admin::providers::{NewProvider, ProviderRefused};
use tms_portal::server::service::platform::rng::Secret;
use tms_portal::server::service::{Clock, Error, SystemClock};
use tms_portal::server::tls::development;

use tms_portal::server::storage::Database;

use crate::app::{PASSWORD, Setup, TestApp};
use crate::browser::{Page, en};
use crate::institution::{CLIENT_ID, CLIENT_SECRET, Institution, Mischief};

const WITH: &str = "/sign-in/with/test/campus?then=/hosts";

impl TestApp {
    pub async fn add_institution(&self, institution: &Institution, newcomers: &str) {
        let added = self.services.add_provider(&self.operator("test").await, campus(institution, newcomers)).await;
        added.map(|_| ()).expect("added");
    }

    pub fn seconds(&self) -> i64 {
        self.services.now().as_millis() / 1_000
    }

    /// A new browser signs in through the institution.
    pub async fn sign_in_with_new_browser(&self, institution: &Institution, claims: Value) -> Page {
        self.browser().upstream_login(institution, WITH, self.seconds(), &claims).await
    }
}

pub fn campus(institution: &Institution, newcomers: &str) -> NewProvider {
    NewProvider {
        id: ProviderId::parse("campus").expect("a provider"),
        display_name: "Campus".into(),
        profile: "oidc".into(),
        base_url: institution.url(),
        client_id: CLIENT_ID.into(),
        client_secret: Some(Secret::from_plaintext(CLIENT_SECRET)),
        scope: None,
        provisioning: ProvisioningPolicy::parse(newcomers).expect("a rule"),
        mfa: MfaEvidence { always: false, acr: Vec::new(), amr: vec!["mfa".into()] },
        own_names: false,
        upstream_hosts: None,
    }
}

async fn with_campus(newcomers: &str) -> (TestApp, Institution) {
    let (app, institution) = (TestApp::start().await, Institution::start().await);
    app.add_institution(&institution, newcomers).await;
    (app, institution)
}

#[tokio::test]
async fn new_user_is_identified_by_issuer_and_subject_only() {
    let (app, institution) = with_campus("open").await;
    let browser = app.browser();
    let page = browser.get("/sign-in?tenant=test&then=/hosts").await;
    assert!(page.says(en().sign_in_with("Campus")) && page.says("/sign-in/with/test/campus?then=/hosts"), "{}", page.words());
    let page = browser.upstream_login(&institution, WITH, app.seconds(), &json!({})).await;
    assert_eq!((page.status, page.path.as_str()), (200, "/hosts"), "{}", page.words());
    assert!(page.says("Jane Doe"));
    assert_eq!(app.texts("SELECT user_id || ' ' || label FROM identities").await, ["jdoe~campus jdoe · Campus"]);
    assert!(browser.get("/sign-in?choose=1&tenant=test").await.status == 200);
    assert_eq!((app.count_audit_events("identity_linked").await, app.count_audit_events("signed_in").await), (1, 1));

    // Another name and e-mail address: the same person.
    app.sign_in_with_new_browser(&institution, json!({ "preferred_username": "jane.roe", "email": "x@y" })).await;
    assert_eq!(app.texts("SELECT user_id || ' ' || label FROM identities").await, ["jdoe~campus jane.roe · Campus"]);
    // The same name with another subject: another person.
    app.sign_in_with_new_browser(&institution, json!({ "sub": "43" })).await;
    assert_eq!(app.texts("SELECT user_id FROM identities ORDER BY subject").await, ["jdoe~campus", "jdoe~campus-2"]);
    // The user name of a person with a password does not matter.
    app.sign_in_with_new_browser(&institution, json!({ "sub": "44", "preferred_username": "testuser1" })).await;
    assert_eq!(app.texts("SELECT user_id FROM identities WHERE subject = '44'").await, ["testuser1~campus"]);
    assert!(app.browser().get("/sign-in?tenant=test").await.says(en().sign_in_or_password()));
}

#[tokio::test]
async fn user_code_survives_upstream_login() {
    let (app, institution) = with_campus("open").await;
    let (browser, device) = (app.browser(), app.start_device().await);
    browser.enter(&device.user_code).await;
    assert!(browser.get("/sign-in").await.says(en().sign_in_code_kept()));
    // Also if it fails on the way.
    let asked = browser.start_upstream_login("/sign-in/with/test/campus").await;
    let state = asked.split("state=").nth(1).and_then(|rest| rest.split('&').next()).expect("a state");
    let page = browser.get(&format!("/sign-in/back/test/campus?error=access_denied&state={state}")).await;
    assert!(
        page.status == 422 && page.problem().contains(&en().upstream_login_refused_cancelled()) && page.says(en().sign_in_code_kept()),
        "{}",
        page.words()
    );
    let page = browser.upstream_login(&institution, "/sign-in/with/test/campus", app.seconds(), &json!({})).await;
    assert!(page.path == "/device" && page.says("TMS command line"), "{}", page.words());
}

/// Every invalid response ends on the sign-in page, without a session.
#[tokio::test]
async fn invalid_responses_do_not_sign_in() {
    let (app, institution) = with_campus("open").await;
    let now = app.seconds();
    let (untrusted, clocks) = (&en().upstream_login_refused_untrusted(), &en().upstream_login_refused_clock());
    for (mischief, claims, says) in [
        (Mischief::Unsigned, json!({}), untrusted),
        (Mischief::SignedWithSecret, json!({}), untrusted),
        (Mischief::OtherKey, json!({}), untrusted),
        (Mischief::None, json!({ "aud": "another client" }), untrusted),
        (Mischief::None, json!({ "aud": [CLIENT_ID, "another client"] }), untrusted),
        (Mischief::None, json!({ "azp": "another client" }), untrusted),
        (Mischief::None, json!({ "auth_time": now + 3_600 }), clocks),
        (Mischief::None, json!({ "nonce": "of another sign-in" }), untrusted),
        (Mischief::None, json!({ "nonce": null }), untrusted),
        (Mischief::None, json!({ "sub": "" }), untrusted),
        (Mischief::None, json!({ "iss": "https://evil.example" }), &en().upstream_login_refused_issuer()),
        (Mischief::None, json!({ "exp": now - 61 }), clocks),
        (Mischief::None, json!({ "iat": now + 3_600, "exp": now + 7_200 }), clocks),
        (Mischief::Broken, json!({}), &en().upstream_login_refused_broken()),
        (Mischief::Huge, json!({}), &en().upstream_login_refused_broken()),
        (Mischief::NotJson, json!({}), &en().upstream_login_refused_broken()),
    ] {
        institution.misbehave(Mischief::None);
        let browser = app.browser();
        let back = institution.sign_in(&browser.start_upstream_login(WITH).await, now, &claims);
        institution.misbehave(mischief);
        let page = browser.get(back.strip_prefix(&app.base).expect("ours")).await;
        let problem = page.problem();
        assert!((page.status, page.path.as_str()) == (422, "/sign-in") && problem.contains(says), "{mischief:?} {claims}: {}", page.words());
        assert_eq!(browser.get("/hosts").await.path, "/sign-in", "{mischief:?} {claims}");
    }
    assert_eq!(app.number("SELECT count(*) FROM identities").await, 0);
}

#[tokio::test]
async fn callback_is_single_use_bound_to_browser_and_expires() {
    let (app, institution) = with_campus("open").await;
    let refused_as = async |browser: &crate::browser::Browser, path: &str, says: String| {
        let page = browser.get(path).await;
        (page.path == "/sign-in" && page.problem().contains(&says)).then_some(()).ok_or(page.words())
    };
    let refused = async |browser: &crate::browser::Browser, path: &str| refused_as(browser, path, en().upstream_login_refused_unknown()).await;
    let browser = app.browser();
    let back = institution.sign_in(&browser.start_upstream_login(WITH).await, app.seconds(), &json!({}));
    let back = back.strip_prefix(&app.base).expect("ours").to_owned();
    assert_eq!(refused(&app.browser(), &back).await, Ok(()), "in another browser");
    assert_eq!(refused(&browser, &back.replace("/campus?", "/other?")).await, Ok(()), "as another provider's answer");
    let again = institution.sign_in(&browser.start_upstream_login(WITH).await, app.seconds(), &json!({}));
    let again = again.strip_prefix(&app.base).expect("ours").to_owned();
    assert_eq!(browser.get(&again).await.path, "/hosts");
    assert_eq!(refused(&app.browser(), &again).await, Ok(()), "a second time");

    let late = app.browser();
    let back = institution.sign_in(&late.start_upstream_login(WITH).await, app.seconds() + 900, &json!({}));
    app.clock.advance(Duration::from_secs(15 * 60));
    let back = back.strip_prefix(&app.base).expect("ours");
    assert_eq!(refused_as(&late, back, en().upstream_login_refused_too_late()).await, Ok(()), "too late");
    assert_eq!(refused_as(&late, back, en().upstream_login_refused_used()).await, Ok(()), "and then a second time");

    // RFC 9207: it names another issuer.
    let mixed = app.browser();
    let back = institution.sign_in(&mixed.start_upstream_login(WITH).await, app.seconds(), &json!({})) + "&iss=https://evil.example";
    assert!(mixed.get(back.strip_prefix(&app.base).expect("ours")).await.problem().contains(&en().upstream_login_refused_issuer()));
}

#[tokio::test]
async fn unknown_signing_keys_are_fetched_with_a_limit() {
    let (app, institution) = with_campus("open").await;
    assert_eq!(app.sign_in_with_new_browser(&institution, json!({})).await.path, "/hosts");
    assert_eq!(institution.key_fetches(), 1, "kept since it was added");
    institution.rotate();
    assert_eq!(app.sign_in_with_new_browser(&institution, json!({})).await.path, "/sign-in", "asked a moment ago");
    app.clock.advance(Duration::from_secs(60));
    assert_eq!(app.sign_in_with_new_browser(&institution, json!({})).await.path, "/hosts");
    institution.misbehave(Mischief::OtherKey);
    for _ in 0..5 {
        assert_eq!(app.sign_in_with_new_browser(&institution, json!({})).await.path, "/sign-in");
    }
    assert_eq!(institution.key_fetches(), 2);
}

#[tokio::test]
async fn new_users_are_admitted_by_the_tenants_rule() {
    let (app, institution) = with_campus("affiliation=staff").await;
    let page = app.sign_in_with_new_browser(&institution, json!({ "affiliation": ["student"] })).await;
    assert!(page.problem().contains(&en().upstream_login_refused_not_invited("jdoe · Campus")), "{}", page.words());
    assert_eq!(app.sign_in_with_new_browser(&institution, json!({ "affiliation": ["member", "staff"] })).await.path, "/hosts");
    assert_eq!(app.sign_in_with_new_browser(&institution, json!({})).await.path, "/hosts", "known from then on");
}

#[tokio::test]
async fn invitation_links_an_identity_once() {
    let (app, institution) = with_campus("invited").await;
    app.link_host("test", "testuser1", "frontera", crate::database::FAR).await;
    let (operator, user) = (app.operator("test").await, UserId::parse("testuser1").expect("a user"));
    let code = app.services.invite(&operator, &user).await.expect("an answer").expect("a person");
    assert!(app.services.invite(&operator, &UserId::parse("nobody").expect("a user")).await.expect("an answer").is_none());
    let browser = app.browser();
    let form = [("tenant", "test"), ("then", "/hosts"), ("invitation", code.reveal())];
    assert!(browser.post("/sign-in/invitation", &form).await.says(en().sign_in_invitation_kept()));
    let page = browser.upstream_login(&institution, WITH, app.seconds(), &json!({})).await;
    assert!(page.path == "/hosts" && page.says("frontera"), "{}", page.words());

    let other = app.browser();
    other.post("/sign-in/invitation", &form).await;
    let page = other.upstream_login(&institution, WITH, app.seconds(), &json!({ "sub": "43" })).await;
    assert!(page.problem().contains(&en().upstream_login_refused_invitation()), "{}", page.words());
    assert!(!page.says(en().sign_in_invitation_kept()), "and forgotten");
    other.post("/sign-in/invitation", &form).await;
    assert!(!other.post("/sign-in/invitation", &[("tenant", "test")]).await.says(en().sign_in_invitation_kept()), "at its holder's wish, too");
    let late = app.services.invite(&operator, &user).await.expect("an answer").expect("a person");
    app.clock.advance(Duration::from_secs(7 * 86_400));
    let other = app.browser();
    other.post("/sign-in/invitation", &[("tenant", "test"), ("invitation", late.reveal())]).await;
    assert!(
        other
            .upstream_login(&institution, WITH, app.seconds(), &json!({ "sub": "43" }))
            .await
            .problem()
            .contains(&en().upstream_login_refused_invitation())
    );
    assert_eq!(app.number("SELECT count(*) FROM identities").await, 1);
}

#[tokio::test]
async fn upstream_mfa_counts_within_the_policy() {
    let (app, institution) = with_campus("open").await;
    app.sign_in_with_new_browser(&institution, json!({ "amr": ["pwd"] })).await;
    assert_eq!(app.number("SELECT count(*) FROM user_mfa WHERE user_id = 'jdoe~campus'").await, 0);
    app.sign_in_with_new_browser(&institution, json!({ "amr": ["pwd", "mfa"] })).await;
    let week = app.seconds() * 1_000 + 7 * 86_400_000;
    assert_eq!(app.number("SELECT expires_at FROM user_mfa WHERE user_id = 'jdoe~campus'").await, week);
    // Counted from the time of the second factor, not of the callback; not counted at all without `auth_time`.
    app.sql("UPDATE user_mfa SET expires_at = 1 WHERE user_id = 'jdoe~campus'").await;
    app.sign_in_with_new_browser(&institution, json!({ "amr": ["mfa"], "auth_time": null })).await;
    assert_eq!(app.number("SELECT expires_at FROM user_mfa WHERE user_id = 'jdoe~campus'").await, 1);
    app.sign_in_with_new_browser(&institution, json!({ "amr": ["mfa"], "auth_time": app.seconds() - 86_400 })).await;
    assert_eq!(app.number("SELECT expires_at FROM user_mfa WHERE user_id = 'jdoe~campus'").await, week - 86_400_000);
    assert!(app.browser().start_upstream_login(WITH).await.contains("max_age=604800"), "and it is asked");
    app.sql("UPDATE user_mfa SET enabled = false, expires_at = 1 WHERE user_id = 'jdoe~campus'").await;
    app.sign_in_with_new_browser(&institution, json!({ "amr": ["mfa"] })).await;
    assert_eq!(app.number("SELECT expires_at FROM user_mfa WHERE user_id = 'jdoe~campus'").await, 1, "switched off by an administrator stays so");
}

#[tokio::test]
async fn re_authentication_requires_same_person_and_recency() {
    let (app, institution) = with_campus("open").await;
    let browser = app.browser();
    browser.upstream_login(&institution, WITH, app.seconds(), &json!({})).await;
    app.clock.advance(Duration::from_secs(20 * 60));
    let again = "/sign-in/with/test/campus?again=1&then=/keys/revoke-everything";
    let asked = browser.start_upstream_login(again).await;
    assert!(asked.contains("prompt=login") && asked.contains("max_age=0"), "{asked}");
    let page = browser.upstream_login(&institution, again, app.seconds(), &json!({ "auth_time": app.seconds() - 600 })).await;
    assert!(page.problem().contains(&en().upstream_login_refused_not_fresh()), "{}", page.words());
    app.sign_in_with_new_browser(&institution, json!({ "sub": "43" })).await;
    let page = browser.upstream_login(&institution, again, app.seconds(), &json!({ "sub": "43" })).await;
    assert!(page.refuses(|x| en().upstream_login_refused_wrong_account(x)), "{}", page.words());
    assert_eq!(browser.upstream_login(&institution, again, app.seconds(), &json!({})).await.path, "/keys/revoke-everything");

    // An old session there, or one without `auth_time`, is not a recent authentication here.
    for auth_time in [json!(app.seconds() - 3_600), Value::Null] {
        let old = app.browser();
        old.upstream_login(&institution, WITH, app.seconds(), &json!({ "auth_time": auth_time })).await;
        let page = old.post("/api/keys/revoke-everything", &[]).await;
        assert_eq!(page.path, "/sign-in", "{}", page.words());
        assert!(
            old.upstream_login(&institution, again, app.seconds(), &json!({ "auth_time": auth_time }))
                .await
                .problem()
                .contains(&en().upstream_login_refused_not_fresh())
        );
    }
}

#[tokio::test]
async fn disabled_people_and_removed_providers_are_refused() {
    let (app, institution) = with_campus("open").await;
    app.sign_in_with_new_browser(&institution, json!({})).await;
    app.switch_person("jdoe~campus", false).await;
    assert!(app.sign_in_with_new_browser(&institution, json!({})).await.problem().contains(&en().upstream_login_refused_disabled()));
    app.switch_person("jdoe~campus", true).await;
    let (operator, campus) = (app.operator("test").await, ProviderId::parse("campus").expect("a provider"));
    let browser = app.browser();
    let back = institution.sign_in(&browser.start_upstream_login(WITH).await, app.seconds(), &json!({}));
    app.services.remove_provider(&operator, &campus).await.expect("removed");
    let page = browser.get(back.strip_prefix(&app.base).expect("ours")).await;
    assert!(page.problem().contains(&en().upstream_login_refused_no_provider()), "{}", page.words());
    assert!(!app.browser().get("/sign-in?tenant=test").await.says("Campus"));
    let (one, two) = (app.services.remove_provider(&operator, &campus).await, app.services.test_provider(&operator, &campus).await);
    assert!(matches!(one, Err(Error::Refused(EditRefused::NotFound))) && matches!(two, Err(Error::Refused(ProviderRefused::NotFound))));
}

#[tokio::test]
async fn provider_with_another_issuer_is_refused() {
    let (app, institution) = (TestApp::start().await, Institution::start().await);
    let operator = app.operator("test").await;
    for mischief in [Mischief::Broken, Mischief::NotJson, Mischief::Huge, Mischief::OtherMetadata] {
        institution.misbehave(mischief);
        let added = app.services.add_provider(&operator, campus(&institution, "open")).await;
        assert!(matches!(added, Err(Error::Refused(ProviderRefused::ProviderFailed(_)))), "{mischief:?}");
    }
    institution.misbehave(Mischief::None);
    for (profile, base) in [("none", institution.url()), ("oidc", "http://idp.example".into()), ("oidc", "http://127.0.0.1:1".into())] {
        let wrong = NewProvider { profile: profile.into(), base_url: base, ..campus(&institution, "open") };
        assert!(matches!(app.services.add_provider(&operator, wrong).await, Err(Error::Refused(ProviderRefused::ProviderFailed(_)))), "{profile}");
    }
    app.add_institution(&institution, "open").await;
    let twice = app.services.add_provider(&operator, campus(&institution, "open")).await;
    assert!(matches!(twice, Err(Error::Refused(ProviderRefused::Exists))));
    assert_eq!(app.count_audit_events("provider_added").await, 1);
}

#[tokio::test]
async fn client_secret_is_sealed_and_sent_to_provider_only() {
    let (app, _institution) = with_campus("open").await;
    let stored = app.texts(match app.database {
        Database::File(_) => "SELECT hex(secret_sealed) FROM identity_providers",
        Database::Postgres(_) => "SELECT upper(encode(secret_sealed, 'hex')) FROM identity_providers",
    });
    let stored = stored.await.remove(0);
    assert!(stored.len() > 2 * CLIENT_SECRET.len() && !stored.contains(&hex::encode_upper(&CLIENT_SECRET[..6])));
    for path in ["/sign-in?tenant=test", "/sign-in/with/test/campus"] {
        let page = app.browser().request(reqwest::Method::GET, path).send().await.expect("an answer");
        assert!(!format!("{:?}", page.headers()).contains(CLIENT_SECRET) && !page.text().await.expect("a text").contains(CLIENT_SECRET));
    }
    // Sealed for this provider: it cannot be opened in another row.
    app.sql("UPDATE identity_providers SET id = 'other'").await;
    let browser = app.browser();
    let state = browser.start_upstream_login("/sign-in/with/test/other").await;
    let state = state.split("state=").nth(1).and_then(|rest| rest.split('&').next()).expect("a state").to_owned();
    assert_eq!(browser.get(&format!("/sign-in/back/test/other?code=x&state={state}")).await.status, 500);
}

#[tokio::test]
async fn passwords_work_beside_providers() {
    let (app, _institution) = with_campus("open").await;
    app.signed_in_as("test", "testuser1", PASSWORD).await;
    for nowhere in [
        "/sign-in/with/test/none",
        "/sign-in/with/none/campus",
        "/sign-in/with/te%2Fst/campus",
        "/sign-in/back/test/campus",
        "/sign-in/back/test/campus?state=x&code=y",
    ] {
        let page = app.browser().get(nowhere).await;
        assert_eq!((page.status, page.path.as_str()), (422, "/sign-in"), "{nowhere}: {}", page.words());
    }
}

/// OpenID Connect Core §5.3: names may be at the userinfo endpoint only; authentication claims from there never count.
#[tokio::test]
async fn only_names_are_taken_from_userinfo() {
    let (app, institution) = (TestApp::start().await, Institution::start().await);
    let nameless = json!({ "preferred_username": null, "name": null });
    institution.describe(json!({ "sub": "42", "preferred_username": "jroe", "name": "Jane Roe", "amr": ["mfa"], "affiliation": ["staff"] }));
    app.add_institution(&institution, "affiliation=staff").await;
    let page = app.sign_in_with_new_browser(&institution, nameless.clone()).await;
    assert!(page.path == "/hosts" && page.says("Jane Roe"), "{}", page.words());
    assert_eq!(app.texts("SELECT user_id FROM identities").await, ["jroe~campus"]);
    assert_eq!(app.number("SELECT count(*) FROM user_mfa WHERE user_id = 'jroe~campus'").await, 0);
    institution.describe(json!({ "sub": "43", "preferred_username": "jroe" }));
    assert!(
        app.sign_in_with_new_browser(&institution, nameless).await.problem().contains(&en().upstream_login_refused_untrusted()),
        "names of another person"
    );
}

/// Tapis: no discovery, tokens in an envelope, and the access token identifies the user.
#[tokio::test]
async fn tapis_access_token_identifies_the_user() {
    let (app, institution) = (TestApp::start().await, Institution::start().await);
    let tapis = NewProvider { profile: "tapis".into(), own_names: true, ..campus(&institution, "open") };
    app.services.add_provider(&app.operator("test").await, tapis).await.map(|_| ()).expect("added");
    let claims = |changes: Value| {
        let mut claims = json!({ "iss": format!("{}/v3/tokens", institution.url()), "sub": "jdoe@tacc", "tapis/username": "jdoe", "tapis/tenant_id": "tacc",
                                 "tapis/token_type": "access", "tapis/client_id": CLIENT_ID, "aud": null, "iat": null, "auth_time": null });
        for (name, value) in changes.as_object().expect("claims") {
            claims[name] = value.clone();
        }
        claims
    };
    for (mischief, changes, says) in [
        (Mischief::Unsigned, json!({}), en().upstream_login_refused_untrusted()),
        (Mischief::SignedWithSecret, json!({}), en().upstream_login_refused_untrusted()),
        (Mischief::OtherKey, json!({}), en().upstream_login_refused_untrusted()),
        (Mischief::None, json!({ "tapis/token_type": "refresh" }), en().upstream_login_refused_untrusted()),
        (Mischief::None, json!({ "tapis/client_id": "another client" }), en().upstream_login_refused_untrusted()),
        (Mischief::None, json!({ "iss": "https://evil.example/v3/tokens" }), en().upstream_login_refused_issuer()),
        (Mischief::None, json!({ "exp": app.seconds() - 61 }), en().upstream_login_refused_clock()),
    ] {
        institution.misbehave(mischief);
        let page = app.sign_in_with_new_browser(&institution, claims(changes.clone())).await;
        assert!(page.problem().contains(&says), "{mischief:?} {changes}: {}", page.words());
    }
    institution.misbehave(Mischief::None);
    assert_eq!(app.sign_in_with_new_browser(&institution, claims(json!({}))).await.path, "/hosts");
    assert_eq!(app.texts("SELECT user_id || ' ' || subject || ' ' || label FROM identities").await, ["jdoe jdoe@tacc jdoe · tacc"]);
}

/// GitHub: plain OAuth 2.0. Its users must be invited before their first sign-in.
#[tokio::test]
async fn github_user_is_identified_by_numeric_id() {
    let (app, institution) = (TestApp::start().await, Institution::start().await);
    institution.describe(json!({ "id": 583_231, "login": "octocat", "name": "The Octocat" }));
    let github = || NewProvider { profile: "github-enterprise".into(), ..campus(&institution, "open") };
    institution.misbehave(Mischief::Broken);
    assert!(app.services.add_provider(&app.operator("test").await, github()).await.is_err(), "it says nothing of itself, but it must be there");
    institution.misbehave(Mischief::None);
    app.services.add_provider(&app.operator("test").await, github()).await.map(|_| ()).expect("added");
    assert!(
        app.sign_in_with_new_browser(&institution, json!({})).await.problem().contains(&en().upstream_login_refused_not_invited("octocat · Campus"))
    );
    let user = UserId::parse("testuser1").expect("a user");
    let code = app.services.invite(&app.operator("test").await, &user).await.expect("an answer").expect("a person");
    let browser = app.browser();
    browser.post("/sign-in/invitation", &[("tenant", "test"), ("invitation", code.reveal())]).await;
    assert_eq!(browser.upstream_login(&institution, WITH, app.seconds(), &json!({})).await.path, "/hosts");
    institution.describe(json!({ "id": 583_231, "login": "renamed" }));
    assert_eq!(app.sign_in_with_new_browser(&institution, json!({})).await.path, "/hosts", "by any name");
    assert_eq!(app.texts("SELECT user_id || ' ' || subject FROM identities").await, ["testuser1 583231"]);
    institution.describe(json!({ "login": "octocat" }));
    assert!(
        app.sign_in_with_new_browser(&institution, json!({})).await.problem().contains(&en().upstream_login_refused_untrusted()),
        "without its number"
    );
}

/// The id with which a page unlinks an identity.
fn identity_id(page: &Page) -> String {
    page.text.split("/identities/unlink?identity=").nth(1).and_then(|rest| rest.split('"').next()).expect("an identity").to_owned()
}

#[tokio::test]
async fn linking_requires_both_identities() {
    let (app, institution) = with_campus("invited").await;
    let browser = app.signed_in().await;
    assert!(browser.get("/identities").await.says("/sign-in/with/test/campus?link=1"));
    const LINK: &str = "/sign-in/with/test/campus?link=1";
    let page = browser.upstream_login(&institution, LINK, app.seconds(), &json!({})).await;
    assert!(page.path == "/identities/link" && page.says(en().identities_link_question("jdoe · Campus", "Test User")), "{}", page.words());
    assert_eq!(app.number("SELECT count(*) FROM identities").await, 0, "not before it has been confirmed");
    let page = browser.post("/api/identities/link", &[]).await;
    assert!(page.path == "/identities" && page.says(en().identities_linked("jdoe · Campus")), "{}", page.words());
    assert_eq!(browser.get("/identities/link").await.status, 404, "once");
    assert!(browser.post("/api/identities/link", &[]).await.problem().contains(&en().identities_nothing_to_link()));
    assert!(app.sign_in_with_new_browser(&institution, json!({})).await.says("Test User"), "a way in from now on");

    browser.upstream_login(&institution, LINK, app.seconds(), &json!({})).await;
    assert!(browser.post("/api/identities/link", &[]).await.refuses(|x| en().identities_already_linked(x)));
    app.add_person("test", "eve").await;
    let eve = app.signed_in_as("test", "eve", PASSWORD).await;
    eve.upstream_login(&institution, LINK, app.seconds(), &json!({})).await;
    assert!(eve.post("/api/identities/link", &[]).await.refuses(|x| en().identities_linked_to_another(x)));
    // Another person's sign-in does not complete a link that was started in this session.
    eve.upstream_login(&institution, LINK, app.seconds(), &json!({ "sub": "43" })).await;
    eve.sign_in("test", "testuser1", PASSWORD).await;
    assert_eq!(eve.get("/identities/link").await.status, 404);

    let number = identity_id(&browser.get("/identities").await);
    assert!(
        eve.get(&format!("/identities/unlink?identity={number}")).await.says(en().identities_unlink_question("jdoe · Campus")),
        "it is testuser1 now"
    );
    let stranger = app.signed_in_as("test", "eve", PASSWORD).await;
    assert_eq!(stranger.get(&format!("/identities/unlink?identity={number}")).await.status, 404);
    assert!(stranger.post("/api/identities/unlink", &[("identity", &number)]).await.problem().contains(&en().identities_gone()));
    let through_it = app.browser();
    assert_eq!(through_it.upstream_login(&institution, WITH, app.seconds(), &json!({})).await.path, "/hosts");
    let page = browser.post("/api/identities/unlink", &[("identity", &number)]).await;
    assert!(page.says(en().identities_unlinked("jdoe · Campus")), "{}", page.words());
    assert_eq!(through_it.get("/hosts").await.path, "/sign-in", "sessions through it end");
    assert!(app.sign_in_with_new_browser(&institution, json!({})).await.refuses(|x| en().upstream_login_refused_not_invited(x)));
    assert_eq!((app.count_audit_events("identity_linked").await, app.count_audit_events("identity_unlinked").await), (1, 1));
}

#[tokio::test]
async fn only_sign_in_method_cannot_be_unlinked() {
    let (app, institution) = with_campus("open").await;
    let browser = app.browser();
    browser.upstream_login(&institution, WITH, app.seconds(), &json!({})).await;
    let number = identity_id(&browser.get("/identities").await);
    assert!(browser.post("/api/identities/unlink", &[("identity", &number)]).await.problem().contains(&en().identities_only_way_in()));
    app.clock.advance(Duration::from_secs(15 * 60));
    let asked = browser.start_upstream_login("/sign-in/with/test/campus?link=1").await;
    assert!(asked.starts_with("/sign-in?again=1"), "{asked}");
    assert_eq!(browser.post("/api/identities/unlink", &[("identity", &number)]).await.path, "/sign-in");
    assert_eq!(app.browser().start_upstream_login("/sign-in/with/test/campus?link=1").await, "/sign-in?then=/identities");
    // Providers of other tenants cannot be linked.
    let other = app.signed_in().await;
    assert!(other.start_upstream_login("/sign-in/with/default/campus?link=1").await.starts_with("/sign-in?again=1"));
}

#[tokio::test]
async fn cross_site_link_does_not_start_upstream_login() {
    let (app, _institution) = with_campus("open").await;
    let browser = app.signed_in().await;
    let link = browser.request(reqwest::Method::GET, WITH).header("sec-fetch-site", "cross-site").send().await.expect("an answer");
    assert_eq!(link.headers()["location"], "/sign-in?tenant=test&then=/hosts");
}

#[tokio::test]
async fn sign_out_links_to_the_providers_sign_out() {
    let (app, institution) = with_campus("open").await;
    let browser = app.browser();
    browser.upstream_login(&institution, WITH, app.seconds(), &json!({ "sid": "s1" })).await;
    let page = browser.post("/sign-out", &[]).await;
    assert_eq!(page.path, "/signed-out");
    assert!(page.words().contains(&en().signed_out_here("Campus")), "{}", page.words());
    assert_eq!(app.number("SELECT count(*) FROM browser_sessions WHERE user_id IS NOT NULL OR idp_subject IS NOT NULL").await, 0);
    assert_eq!(browser.get("/hosts").await.path, "/sign-in");
    assert!(page.says("href=\"/sign-out/there\"") && !page.says("id_token_hint"), "it is in no page");
    let address = reqwest::Url::parse(&browser.start_upstream_login("/sign-out/there").await).expect("an address");
    assert_eq!(address.as_str().split('?').next(), Some(format!("{}/session/end", institution.url()).as_str()));
    let said: std::collections::HashMap<String, String> = address.query_pairs().into_owned().collect();
    assert_eq!((said["client_id"].as_str(), said["post_logout_redirect_uri"].as_str()), ("portal", app.url("/signed-out").as_str()));
    assert_eq!(said["id_token_hint"].split('.').count(), 3);
    assert_eq!(browser.start_upstream_login("/sign-out/there").await, "/signed-out", "the next person at this browser does not get the link");
    assert_eq!(app.browser().start_upstream_login("/sign-out/there").await, "/signed-out");
    assert!(browser.get("/signed-out?state=x").await.tells(|x| en().signed_out_here(x)), "not this session's state");
    let back = format!("/signed-out?state={}", said["state"]);
    assert!(browser.get(&back).await.words().contains(&en().signed_out_both("Campus")));
    assert!(browser.get(&back).await.words().contains(&en().signed_out_lead()), "said once");

    // Sessions by password, or through a removed provider, end as usual; without a session, no provider is named.
    assert_eq!(app.signed_in().await.post("/sign-out", &[]).await.path, "/");
    browser.upstream_login(&institution, WITH, app.seconds(), &json!({})).await;
    app.services.remove_provider(&app.operator("test").await, &ProviderId::parse("campus").expect("a provider")).await.expect("removed");
    assert_eq!(browser.post("/sign-out", &[]).await.path, "/");
    assert!(app.browser().get("/signed-out").await.words().contains(&en().signed_out_lead()));
    assert_eq!(app.signed_in().await.get("/signed-out").await.path, "/", "a person is signed in");
}

#[tokio::test]
async fn sign_out_does_not_wait_for_a_broken_provider() {
    let (app, institution) = with_campus("open").await;
    let browser = app.browser();
    browser.upstream_login(&institution, WITH, app.seconds(), &json!({})).await;
    institution.misbehave(Mischief::Broken);
    app.clock.advance(Duration::from_secs(61 * 60));
    assert_eq!(browser.post("/sign-out", &[]).await.path, "/");
    assert_eq!(browser.get("/hosts").await.path, "/sign-in");
}

async fn tell(app: &TestApp, token: &str) -> (u16, String) {
    let answer = app.http.post(app.url("/sign-in/ended/test/campus")).form(&[("logout_token", token)]).send().await.expect("an answer");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    (answer.status().as_u16(), answer.text().await.expect("a body"))
}

#[tokio::test]
async fn logout_token_ends_the_sessions() {
    let (app, institution) = with_campus("open").await;
    let [one, two, three, other] = [json!({ "sid": "s1" }), json!({ "sid": "s2" }), json!({}), json!({ "sub": "43", "sid": "s3" })];
    let mut browsers = Vec::new();
    for claims in [&one, &two, &three, &other] {
        let browser = app.browser();
        assert_eq!(browser.upstream_login(&institution, WITH, app.seconds(), claims).await.path, "/hosts");
        browsers.push(browser);
    }
    let password = app.signed_in().await;
    let signed_in = async || {
        let mut paths = Vec::new();
        for browser in browsers.iter().chain([&password]) {
            paths.push(browser.get("/hosts").await.path == "/hosts");
        }
        paths
    };
    // The session with the named `sid`, and the one without a `sid`.
    assert_eq!(tell(&app, &institution.logout_token(app.seconds(), &json!({ "sid": "s1" }))).await.0, 200);
    assert_eq!(signed_in().await, [false, true, false, true, true]);
    assert_eq!(tell(&app, &institution.logout_token(app.seconds(), &json!({ "sid": "s3", "sub": null }))).await.0, 200);
    assert_eq!(signed_in().await, [false, true, false, false, true]);
    // All sessions of the person.
    assert_eq!(tell(&app, &institution.logout_token(app.seconds(), &json!({}))).await.0, 200);
    assert_eq!(signed_in().await, [false, false, false, false, true]);
    assert_eq!(app.count_audit_events("session_ended").await, 3);
    assert_eq!(tell(&app, &institution.logout_token(app.seconds(), &json!({}))).await.0, 200, "nobody is left: that is no mistake of theirs");
    assert_eq!(app.count_audit_events("session_ended").await, 3);
}

#[tokio::test]
async fn logout_token_ends_pending_sign_ins() {
    let (app, institution) = with_campus("open").await;
    app.sign_in_with_new_browser(&institution, json!({})).await;
    app.sql("INSERT INTO totp (tenant_id, user_id, secret_sealed, last_step, created_at) VALUES ('test', 'jdoe~campus', unhex('00'), 0, 0)").await;
    let [one, two] = [app.browser(), app.browser()];
    for (browser, sid) in [(&one, "s1"), (&two, "s2")] {
        assert_eq!(browser.upstream_login(&institution, WITH, app.seconds(), &json!({ "sid": sid })).await.path, "/sign-in/second-factor");
    }
    assert_eq!(tell(&app, &institution.logout_token(app.seconds(), &json!({ "sid": "s1" }))).await.0, 200);
    assert_eq!(one.get("/sign-in/second-factor").await.path, "/sign-in");
    assert_eq!(two.get("/sign-in/second-factor").await.path, "/sign-in/second-factor");
    assert_eq!(app.count_audit_events("session_ended").await, 1, "hers of before, which may rest on that one; there was none yet of this");
}

#[tokio::test]
async fn logout_token_spares_later_sessions() {
    let (app, institution) = with_campus("open").await;
    let token = institution.logout_token(app.seconds(), &json!({ "sid": "s1" }));
    app.clock.advance(Duration::from_secs(90));
    let browser = app.browser();
    browser.upstream_login(&institution, WITH, app.seconds(), &json!({ "sid": "s1" })).await;
    assert_eq!(tell(&app, &token).await.0, 200);
    assert_eq!(browser.get("/hosts").await.path, "/hosts");
    app.sql("UPDATE identity_providers SET enabled = false").await;
    assert_eq!(tell(&app, &institution.logout_token(app.seconds(), &json!({ "sid": "s1" }))).await.0, 200);
    assert_eq!(browser.get("/hosts").await.path, "/sign-in");
}

#[tokio::test]
async fn forged_logout_tokens_trigger_one_fetch_per_minute() {
    let (app, institution) = with_campus("open").await;
    app.sign_in_with_new_browser(&institution, json!({})).await;
    let asked = institution.metadata_fetches();
    app.clock.advance(Duration::from_secs(61));
    for mischief in [Mischief::OtherKey, Mischief::Broken] {
        institution.misbehave(mischief);
        let token = institution.logout_token(app.seconds(), &json!({}));
        futures_util::future::join_all((0..5).map(|_| tell(&app, &token))).await;
        institution.misbehave(Mischief::None);
        assert!(app.sign_in_with_new_browser(&institution, json!({})).await.path == "/hosts", "and block no sign-in");
    }
    assert_eq!(institution.metadata_fetches(), asked + 1);
}

#[tokio::test]
async fn invalid_logout_tokens_are_refused() {
    let (app, institution) = with_campus("open").await;
    let browser = app.browser();
    browser.upstream_login(&institution, WITH, app.seconds(), &json!({ "sid": "s1" })).await;
    let now = app.seconds();
    for claims in [
        json!({ "iss": "https://evil.example" }),
        json!({ "iss": null }),
        json!({ "aud": "another" }),
        json!({ "aud": null }),
        json!({ "events": {} }),
        json!({ "events": null }),
        json!({ "events": { "http://schemas.openid.net/event/backchannel-logout": "yes" } }),
        json!({ "nonce": "n" }),
        json!({ "iat": now - 300 }),
        json!({ "iat": now + 300 }),
        json!({ "iat": null }),
        json!({ "exp": now - 61 }),
        json!({ "sub": null }),
        json!({ "sub": 42, "sid": ["s1"] }),
    ] {
        let (status, body) = tell(&app, &institution.logout_token(now, &claims)).await;
        assert!(status == 400 && body.contains("\"error\":\"invalid_request\""), "{claims}: {body}");
    }
    for mischief in [Mischief::Unsigned, Mischief::SignedWithSecret, Mischief::OtherKey] {
        institution.misbehave(mischief);
        assert_eq!(tell(&app, &institution.logout_token(now, &json!({}))).await.0, 400, "{mischief:?}");
    }
    institution.misbehave(Mischief::None);
    for nonsense in ["", "a.b.c", "\0", &"x".repeat(8_000)] {
        assert_eq!(tell(&app, nonsense).await.0, 400);
    }
    // An ID token is not a logout token, nor is one for another provider of the same name.
    let wrong = app.http.post(app.url("/sign-in/ended/default/campus")).form(&[("logout_token", "x")]).send().await.expect("an answer");
    assert_eq!(wrong.status(), 404);
    for (content_type, body) in [("application/json", "{}"), ("application/x-www-form-urlencoded", "token=x")] {
        let request = app.http.post(app.url("/sign-in/ended/test/campus")).header("content-type", content_type).body(body);
        assert_eq!(request.send().await.expect("an answer").status(), 400);
    }
    assert_eq!(app.http.get(app.url("/sign-in/ended/test/campus")).send().await.expect("an answer").status(), 405);
    assert_eq!(browser.get("/hosts").await.path, "/hosts");
}

#[tokio::test]
async fn local_mfa_is_required_without_upstream_mfa() {
    let (app, institution) = with_campus("open").await;
    let browser = app.browser();
    browser.upstream_login(&institution, WITH, app.seconds(), &json!({})).await;
    app.sql("INSERT INTO totp (tenant_id, user_id, secret_sealed, last_step, created_at) VALUES ('test', 'jdoe~campus', unhex('00'), 0, 0)").await;
    assert_eq!(app.sign_in_with_new_browser(&institution, json!({})).await.path, "/sign-in/second-factor");
    assert_eq!(app.sign_in_with_new_browser(&institution, json!({ "amr": ["mfa"] })).await.path, "/hosts", "shown there it is not asked for again");
    let long_ago = app.seconds() - 10 * 86_400;
    assert_eq!(app.sign_in_with_new_browser(&institution, json!({ "amr": ["mfa"], "auth_time": long_ago })).await.path, "/sign-in/second-factor");
    assert_eq!(
        app.sign_in_with_new_browser(&institution, json!({ "amr": ["mfa"], "auth_time": null })).await.path,
        "/sign-in/second-factor",
        "without auth_time"
    );
    // Re-authentication at the provider is offered for a step-up as well.
    let page = browser.get("/keys/revoke-everything").await;
    assert!(page.path == "/sign-in/second-factor" && page.says(en().second_factor_elsewhere("Campus")), "{}", page.words());
    let again = "/sign-in/with/test/campus?again=1&then=/keys/revoke-everything";
    let page = browser.upstream_login(&institution, again, app.seconds(), &json!({ "amr": ["mfa"] })).await;
    assert_eq!(page.path, "/keys/revoke-everything");
}

/// A provider with a certificate of a private authority.
#[tokio::test]
async fn private_ca_is_trusted_only_if_configured() {
    let dir = tempfile::tempdir().expect("a folder");
    let tls = development::prepare(dir.path(), &[], SystemClock.now()).expect("a certificate");
    let institution = Institution::start_with_tls(tls).await;
    let stranger = TestApp::start().await;
    let added = stranger.services.add_provider(&stranger.operator("test").await, campus(&institution, "open")).await;
    let unknown = ProviderRefused::ProviderFailed(ProviderError::Unreachable(ConnectError::UnknownAuthority));
    assert!(matches!(added, Err(Error::Refused(refused)) if refused == unknown));

    let authorities = read_root_certs(&development::ca_file(dir.path())).expect("an authority");
    let app = TestApp::start_as(Setup { egress: EgressPolicy { root_certs: authorities, ..EgressPolicy::default() }, ..Setup::default() }).await;
    app.add_institution(&institution, "open").await;
    assert_eq!(app.sign_in_with_new_browser(&institution, json!({})).await.path, "/hosts");
    // It is not valid for another name.
    let elsewhere = NewProvider { base_url: institution.url().replace("127.0.0.1", "[::ffff:127.0.0.1]"), ..campus(&institution, "open") };
    let elsewhere = NewProvider { id: ProviderId::parse("elsewhere").expect("a provider"), ..elsewhere };
    let added = app.services.add_provider(&app.operator("test").await, elsewhere).await;
    let other = ProviderRefused::ProviderFailed(ProviderError::Unreachable(ConnectError::CertificateNameMismatch));
    assert!(matches!(added, Err(Error::Refused(refused)) if refused == other));
}

/// `with_campus` with a profile that differs from OpenID Connect's by this.
async fn with_profile(but_for: &str, newcomers: &str) -> (TestApp, Institution) {
    let dir = tempfile::tempdir().expect("a folder");
    crate::app::copy_template(dir.path()).await;
    let kinds = format!("[own]\nabout = \"Our own\"\nidentity = \"id-token\"\nscope = \"openid\"\n{but_for}\n");
    std::fs::write(dir.path().join("profiles.toml"), kinds).expect("written");
    let (app, institution) = (TestApp::start_on(dir).await, Institution::start().await);
    let of_that_kind = NewProvider { profile: "own".into(), ..campus(&institution, newcomers) };
    app.services.add_provider(&app.operator("test").await, of_that_kind).await.map(|_| ()).expect("added");
    (app, institution)
}

/// Some providers remember a choice, and keep sending people to the wrong one.
#[tokio::test]
async fn misdirected_sign_in_links_the_providers_help() {
    let (app, institution) = with_profile("help = \"https://stuck.example/me/\"", "invited").await;
    let page = app.sign_in_with_new_browser(&institution, json!({})).await;
    assert!(page.refuses(|x| en().upstream_login_refused_not_invited(x)) && page.says("href=\"https://stuck.example/me/\""), "{}", page.words());
    assert!(!app.browser().get("/sign-in/back/test/campus").await.says("stuck.example"), "that has nothing to do with it");
    // Linking fails in the same way.
    let browser = app.signed_in().await;
    let asked = browser.start_upstream_login("/sign-in/with/test/campus?link=1").await;
    let state = asked.split("state=").nth(1).and_then(|rest| rest.split('&').next()).expect("a state");
    let page = browser.get(&format!("/sign-in/back/test/campus?error=access_denied&state={state}")).await;
    assert!(page.path == "/identities" && page.says("href=\"https://stuck.example/me/\""), "{}", page.words());
}

/// Without `auth_time` and this rule, re-authentication at such a provider would be impossible.
#[tokio::test]
async fn without_auth_time_the_callback_time_counts() {
    let (app, institution) = with_profile("says-when = false", "open").await;
    let (browser, silent) = (app.browser(), json!({ "auth_time": null }));
    browser.upstream_login(&institution, WITH, app.seconds(), &silent).await;
    app.clock.advance(Duration::from_secs(15 * 60));
    assert_eq!(browser.get("/keys/add").await.path, "/sign-in");
    let again = "/sign-in/with/test/campus?again=1&then=/keys/add";
    assert_eq!(browser.upstream_login(&institution, again, app.seconds(), &silent).await.path, "/keys/add");
    // If it does send `auth_time`, that is used.
    let old = json!({ "auth_time": app.seconds() - 600 });
    assert!(browser.upstream_login(&institution, again, app.seconds(), &old).await.problem().contains(&en().upstream_login_refused_not_fresh()));
}

#[tokio::test]
async fn each_tab_returns_from_the_provider_to_its_page() {
    let (app, institution) = with_campus("open").await;
    let browser = app.browser();
    let start_upstream_login = async |then: &str| {
        let back =
            institution.sign_in(&browser.start_upstream_login(&format!("/sign-in/with/test/campus?then={then}")).await, app.seconds(), &json!({}));
        back.strip_prefix(&app.base).expect("ours").to_owned()
    };
    let (first, second, third) = (start_upstream_login("/keys").await, start_upstream_login("/hosts").await, start_upstream_login("/apps").await);
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(browser.get(&second).await.path, "/hosts");
    let sign_ins = app.count_audit_events("signed_in").await;
    let page = browser.get(&first).await;
    assert_eq!((page.status, page.path.as_str()), (200, "/keys"), "{}", page.words());
    assert_eq!(browser.get(&second).await.path, "/hosts", "a reload goes on as well");
    app.clock.advance(Duration::from_secs(16 * 60));
    assert_eq!(browser.get(&third).await.path, "/apps", "also when it is late");
    assert_eq!(app.count_audit_events("signed_in").await, sign_ins, "they were signed in");
    let unknown = browser.get("/sign-in/back/test/campus?code=x&state=y").await;
    assert!(
        unknown.problem().contains(&en().upstream_login_refused_unknown()) && unknown.says(en().sign_in_signed_in("Jane Doe")),
        "{}",
        unknown.words()
    );
}

#[tokio::test]
async fn linking_ends_with_the_session_that_started_it() {
    let (app, institution) = with_campus("open").await;
    let browser = app.signed_in().await;
    let back = institution.sign_in(&browser.start_upstream_login("/sign-in/with/test/campus?link=1").await, app.seconds(), &json!({}));
    app.add_person("test", "eve").await;
    browser.sign_in("test", "eve", crate::app::PASSWORD).await;
    let page = browser.get(back.strip_prefix(&app.base).expect("ours")).await;
    assert!(page.path == "/sign-in" && !page.problem().is_empty(), "{}", page.words());
    assert_eq!(browser.get("/identities/link").await.status, 404);
}

#[tokio::test]
async fn two_identities_are_linked_in_parallel() {
    let (app, institution) = with_campus("open").await;
    let browser = app.signed_in().await;
    let link = async |subject: &str| {
        browser
            .upstream_login(
                &institution,
                "/sign-in/with/test/campus?link=1",
                app.seconds(),
                &json!({ "sub": subject, "preferred_username": subject }),
            )
            .await
    };
    let (one, two) = (link("one").await, link("two").await);
    assert!(one.tells(|x| en().identities_link_question("one · Campus", x)) && two.tells(|x| en().identities_link_question("two · Campus", x)));
    for (page, name) in [(&one, "one"), (&two, "two")] {
        let linked = browser.post("/api/identities/link", &[("linking", &page.field("linking"))]).await;
        assert!(linked.says(format!("{name} · Campus has been linked")), "{}", linked.words());
    }
}

#[tokio::test]
async fn invitation_belongs_to_its_tab() {
    let (app, institution) = with_campus("invited").await;
    let operator = app.operator("test").await;
    for user in ["ann", "bob"] {
        app.add_person("test", user).await;
    }
    let invite =
        async |user: &str| app.services.invite(&operator, &UserId::parse(user).expect("a user")).await.expect("an answer").expect("a person");
    let (anns, bobs) = (invite("ann").await, invite("bob").await);
    let browser = app.browser();
    let first = browser.post("/sign-in/invitation", &[("tenant", "test"), ("then", "/hosts"), ("invitation", anns.reveal())]).await;
    browser.post("/sign-in/invitation", &[("tenant", "test"), ("then", "/keys"), ("invitation", bobs.reveal())]).await;
    let (_, with) = first.text.split_once("href=\"/sign-in/with/test/campus").expect("the way there");
    let with = format!("/sign-in/with/test/campus{}", with.split('"').next().expect("its end").replace("&amp;", "&"));
    assert_eq!(browser.upstream_login(&institution, &with, app.seconds(), &json!({})).await.path, "/hosts");
    assert_eq!(app.texts("SELECT user_id FROM identities").await, ["ann"]);
}

#[tokio::test]
async fn usual_method_is_first_and_the_password_collapsed() {
    const COLLAPSED: &str = "<details class=\"aside\"><summary>";
    const OPEN: &str = "<details open class=\"aside\"><summary>";
    let (app, institution) = with_campus("open").await;
    let password = |page: &Page, details: &str| page.says(format!("{details}{}", en().sign_in_or_password()));
    let provider = |page: &Page, id: &str, class: &str| {
        page.text
            .split("<a ")
            .any(|link| link.starts_with(&format!("href=\"/sign-in/with/test/{id}")) && link.contains(&format!("class=\"{class}\"")))
    };
    let primary = |page: &Page| provider(page, "campus", "button main");
    // The only provider is the usual one.
    let browser = app.browser();
    let page = browser.get("/sign-in?tenant=test").await;
    assert!(primary(&page) && password(&page, COLLAPSED), "{}", page.text);
    // A wrong password opens its form, which has the error.
    let page = browser.sign_in("test", "testuser1", "wrong").await;
    assert!(password(&page, OPEN) && page.problem() == en().sign_in_refused_wrong(), "{}", page.text);
    assert_eq!(page.field("user_name"), "testuser1");
    // Who used the password last finds it open; who used the provider finds it marked.
    browser.sign_in("test", "testuser1", PASSWORD).await;
    browser.post("/sign-out", &[]).await;
    let page = browser.get("/sign-in?tenant=test").await;
    assert!(!primary(&page) && password(&page, OPEN), "{}", page.text);
    browser.upstream_login(&institution, WITH, app.seconds(), &json!({})).await;
    browser.post("/sign-out", &[]).await;
    let page = browser.get("/sign-in?tenant=test").await;
    assert!(primary(&page) && password(&page, COLLAPSED) && page.words().contains(&en().sign_in_last()), "{}", page.text);
    // Of several, the last used one is.
    let other = NewProvider { id: ProviderId::parse("aaa").expect("a provider"), display_name: "Aaa".into(), ..campus(&institution, "open") };
    app.services.add_provider(&app.operator("test").await, other).await.map(|_| ()).expect("added");
    let page = browser.get("/sign-in?tenant=test").await;
    assert!(primary(&page) && provider(&page, "aaa", "card"), "{}", page.text);
    let page = app.browser().get("/sign-in?tenant=test").await;
    assert!(!primary(&page) && !provider(&page, "aaa", "button main") && password(&page, COLLAPSED), "{}", page.text);
}
