//! `/admin/providers`, and a person's identities.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::json;
use tms_portal::domain::ids::{ProviderId, UserId};
use tms_portal::server::providers::egress::EgressPolicy;

use super::deployment_administrator;
use crate::app::{Setup, TestApp};
use crate::browser::{Browser, Page, en};
use crate::institution::{CLIENT_ID, CLIENT_SECRET, Institution, Mischief};

const CAMPUS: &str = "/admin/providers/provider?provider=campus";

/// A portal that allows administrators to add providers on loopback, where the tests' providers listen.
async fn with_loopback_providers_allowed() -> TestApp {
    let networks = vec![ipnet::Ipv4Net::from(Ipv4Addr::LOCALHOST).into()];
    TestApp::start_as(Setup { egress: EgressPolicy { allowed_networks: networks, ..EgressPolicy::default() }, ..Setup::default() }).await
}

async fn add(browser: &Browser, base: &str) -> Page {
    let form =
        [("provider", "campus"), ("display_name", "Campus"), ("kind", "oidc"), ("base", base), ("client_id", CLIENT_ID), ("secret", CLIENT_SECRET)];
    browser.post("/api/admin/providers/add", &form).await
}

/// Submits the form with these fields changed; an empty value is an unchecked box.
async fn save(browser: &Browser, seen: &str, fields: &[(&str, &str)]) -> Page {
    let usual = [
        ("provider", "campus"),
        ("set_up[seen]", seen),
        ("set_up[enabled]", "yes"),
        ("set_up[display_name]", "Campus"),
        ("set_up[newcomers]", "open"),
    ];
    let kept = usual.iter().filter(|(name, _)| !fields.iter().any(|(other, _)| other == name));
    let form: Vec<(&str, &str)> = kept.chain(fields).copied().filter(|(_, value)| !value.is_empty()).collect();
    browser.post("/api/admin/providers/set-up", &form).await
}

async fn seen(browser: &Browser) -> String {
    browser.get(CAMPUS).await.field("set_up[seen]")
}

#[tokio::test]
async fn provider_is_added_tested_changed_and_removed() {
    let (app, institution) = (with_loopback_providers_allowed().await, Institution::start().await);
    let browser = app.signed_in().await;
    assert!(browser.get("/admin/providers").await.says(en().admin_providers_empty()));
    let page = add(&browser, &institution.url()).await;
    assert_eq!((page.status, page.path.as_str()), (200, "/admin/providers/provider"), "{}", page.words());
    assert!(page.says(format!("{}/sign-in/back/test/campus", app.base)) && !page.says(CLIENT_SECRET), "{}", page.words());
    assert!(
        app.sign_in_with_new_browser(&institution, json!({})).await.refuses(|x| en().upstream_login_refused_not_invited(x)),
        "until a rule for new users is chosen"
    );
    assert!(add(&browser, &institution.url()).await.problem().contains("already"));

    let first = seen(&browser).await;
    app.clock.advance(Duration::from_secs(1));
    let rule = [
        ("set_up[newcomers]", "rule"),
        ("set_up[claim]", "affiliation"),
        ("set_up[values]", "staff@tacc, faculty@tacc"),
        ("set_up[mfa_amr]", "mfa hwk"),
    ];
    let page = save(&browser, &first, &[&rule[..], &[("set_up[display_name]", "TACC"), ("set_up[own_names]", "yes")]].concat()).await;
    assert!(
        page.says(en().admin_saved()) && page.field("set_up[values]") == "staff@tacc, faculty@tacc" && page.title().starts_with("TACC"),
        "{}",
        page.words()
    );
    assert!(save(&browser, &first, &[]).await.problem().contains(&en().admin_stale()));
    assert!(
        app.sign_in_with_new_browser(&institution, json!({ "affiliation": "student@tacc" }))
            .await
            .refuses(|x| en().upstream_login_refused_not_invited(x))
    );
    assert_eq!(app.sign_in_with_new_browser(&institution, json!({ "affiliation": "staff@tacc", "amr": ["hwk"] })).await.path, "/hosts");
    assert_eq!((app.texts("SELECT user_id FROM identities").await, app.count_audit_events("mfa_opened").await), (vec!["jdoe".to_owned()], 1));
    // Saving without a change changes and records nothing.
    let same = [&rule[..], &[("set_up[display_name]", "TACC"), ("set_up[own_names]", "yes")]].concat();
    assert!(save(&browser, &seen(&browser).await, &same).await.says(en().admin_saved()));

    let test = async || browser.post("/api/admin/providers/test", &[("provider", "campus")]).await;
    assert!(test().await.says(en().admin_providers_answers(institution.url())));
    institution.misbehave(Mischief::Broken);
    let page = test().await;
    assert!(page.refuses(|x| en().provider_error_broken(x)) && page.problem().contains("500"), "{}", page.words());
    institution.misbehave(Mischief::OtherMetadata);
    assert!(test().await.refuses(|x| en().provider_error_issuer(x)));
    institution.misbehave(Mischief::None);

    let secret = async |secret| browser.post("/api/admin/providers/secret", &[("provider", "campus"), ("secret", secret)]).await;
    assert!(secret("").await.problem().contains(&en().admin_providers_secret_needed()));
    assert!(secret("another").await.says(en().admin_saved()));
    let page = test().await;
    assert!(page.refuses(|x| en().provider_error_misconfigured(x)) && page.problem().contains("invalid_client"), "{}", page.words());
    assert!(app.sign_in_with_new_browser(&institution, json!({})).await.problem().contains(&en().upstream_login_refused_misconfigured()));
    let page = secret(CLIENT_SECRET).await;
    assert!(page.says(en().admin_saved()) && !page.says(CLIENT_SECRET));
    assert_eq!(app.sign_in_with_new_browser(&institution, json!({})).await.path, "/hosts");

    assert!(save(&browser, &seen(&browser).await, &[("set_up[enabled]", "")]).await.words().contains(&en().admin_disabled()));
    assert!(app.cannot_start_login().await);
    let question = browser.get("/admin/providers/remove?provider=campus").await.words();
    assert!(
        question.contains(&format!("{} {}", en().admin_providers_remove_question("Campus"), en().admin_providers_remove_consequence(1, 1))),
        "{question}"
    );
    let page = browser.post("/api/admin/providers/remove", &[("provider", "campus")]).await;
    assert!(page.path == "/admin/providers" && page.says(en().admin_deleted("campus")), "{}", page.words());
    assert!(browser.post("/api/admin/providers/remove", &[("provider", "campus")]).await.problem().contains(&en().admin_gone()));
    assert_eq!(browser.get(CAMPUS).await.status, 404);
    assert_eq!(app.number("SELECT count(*) FROM identities").await, 1, "who they are there stays known");
    assert_eq!(
        app.texts("SELECT kind || ' ' || subject FROM activity WHERE admin_id = 'person:testuser1' ORDER BY id").await,
        [
            "provider_added campus",
            "provider_changed campus: display-name newcomers mfa own-names",
            "provider_changed campus: secret",
            "provider_changed campus: secret",
            "provider_changed campus: display-name newcomers mfa own-names enabled",
            "provider_removed campus",
        ]
    );
}

impl TestApp {
    /// Whether sign-in fails without a redirect to the provider.
    async fn cannot_start_login(&self) -> bool {
        let page = self.browser().get("/sign-in/with/test/campus").await;
        page.problem().contains(&en().upstream_login_refused_no_provider()) && !self.browser().get("/sign-in?tenant=test").await.says("Campus")
    }
}

/// The portal sends requests to URLs that administrators enter and reports the outcome, which must not allow them to scan its
/// network.
#[tokio::test]
async fn internal_network_is_blocked_for_administrators() {
    let (app, institution) = (TestApp::start().await, Institution::start().await);
    let browser = app.signed_in().await;
    let port = institution.url().rsplit_once(':').expect("a port").1.to_owned();
    for inside in [
        institution.url(),
        format!("https://localhost:{port}"),
        "https://127.0.0.1:1".into(),
        "https://0x7f000001/".into(),
        "https://[::1]/".into(),
        "https://[::ffff:127.0.0.1]/".into(),
        "https://10.0.0.1/realms/x".into(),
        "https://169.254.169.254/latest".into(),
        "https://[fd00::1]/".into(),
    ] {
        let page = add(&browser, &inside).await;
        assert!(page.problem().contains(&en().provider_error_address_blocked()), "{inside}: {}", page.words());
    }
    for plain in [format!("http://localhost:{port}"), "http://10.0.0.1".into(), "file:///etc/passwd".into(), "gopher://127.0.0.1".into()] {
        let page = add(&browser, &plain).await;
        assert!(page.status == 422 && !page.problem().is_empty(), "{plain}: {}", page.words());
    }
    assert_eq!(institution.key_fetches(), 0);
    assert_eq!(app.number("SELECT count(*) FROM identity_providers").await, 0);
    // The operator knows the network; providers that they added can be tested.
    app.add_institution(&institution, "open").await;
    assert!(browser.post("/api/admin/providers/test", &[("provider", "campus")]).await.tells(|x| en().admin_providers_answers(x)));

    // The metadata of an allowed provider names an internal URL.
    let (app, institution) = (with_loopback_providers_allowed().await, Institution::start().await);
    let browser = app.signed_in().await;
    institution.misbehave(Mischief::PointsElsewhere);
    assert!(add(&browser, &institution.url()).await.problem().contains(&en().provider_error_address_blocked()));
    institution.misbehave(Mischief::None);
    assert_eq!(add(&browser, &institution.url()).await.status, 200);
    institution.misbehave(Mischief::PointsElsewhere);
    app.clock.advance(Duration::from_secs(3_600));
    let page = app.browser().get("/sign-in/with/test/campus").await;
    assert!(page.problem().contains(&en().upstream_login_refused_misconfigured()), "{}", page.words());
}

#[tokio::test]
async fn invalid_input_is_refused_and_kept_in_the_form() {
    let (app, institution) = (with_loopback_providers_allowed().await, Institution::start().await);
    let browser = app.signed_in().await;
    let long = "x".repeat(129);
    for (field, value) in [
        ("provider", ""),
        ("provider", "../campus"),
        ("provider", "a b"),
        ("display_name", ""),
        ("display_name", "user\u{202e}nimda"),
        ("kind", "none"),
        ("kind", ""),
        ("base", ""),
        ("base", "a\nb"),
        ("client_id", ""),
        ("client_id", &long),
    ] {
        let usual = [("provider", "campus"), ("display_name", "Campüs"), ("kind", "oidc"), ("base", &institution.url()), ("client_id", CLIENT_ID)];
        let mut form: Vec<(&str, &str)> = usual.iter().map(|(name, usual)| (*name, if *name == field { value } else { *usual })).collect();
        form.push(("secret", CLIENT_SECRET));
        let page = browser.post("/api/admin/providers/add", &form).await;
        let expected = if value.contains(['\u{202e}', '\n']) { en().name_refused_invisible() } else { en().admin_providers_incomplete() };
        assert!(page.path == "/admin/providers/add" && page.problem().contains(&expected), "{field}={value:?}: {}", page.words());
        assert!(page.text.contains("value=\"Campüs\"") || field == "display_name", "{field}: {}", page.text);
        assert!(!page.says(CLIENT_SECRET));
    }
    assert_eq!(app.number("SELECT count(*) FROM identity_providers").await, 0);
    add(&browser, &institution.url()).await;
    let before = app.texts("SELECT concat_ws('|', display_name, newcomers, mfa, scope) FROM identity_providers").await;
    let seen = seen(&browser).await;
    for bad in [
        ("set_up[display_name]", "a\u{1b}[2J"),
        ("set_up[newcomers]", "anybody"),
        ("set_up[newcomers]", "rule"),
        ("set_up[scope]", "a\u{7}b"),
        ("set_up[mfa_acr]", &"x".repeat(1_001)),
    ] {
        let page = save(&browser, &seen, &[bad]).await;
        let expected = if bad.0 == "set_up[display_name]" { en().name_refused_invisible() } else { en().admin_providers_bad_set_up() };
        assert!(page.problem().contains(&expected), "{bad:?}: {}", page.words());
    }
    assert_eq!(app.texts("SELECT concat_ws('|', display_name, newcomers, mfa, scope) FROM identity_providers").await, before);
    for path in ["test", "secret", "remove", "set-up"] {
        for unknown in ["nobody", "", "a b"] {
            let form = [("provider", unknown), ("secret", "x"), ("set_up[display_name]", "x"), ("set_up[newcomers]", "open")];
            let page = browser.post(&format!("/api/admin/providers/{path}"), &form).await;
            assert!(page.status < 500 && !page.says(en().admin_saved()), "{path} {unknown}: {}", page.words());
        }
    }
}

#[tokio::test]
async fn providers_of_other_tenants_are_not_found() {
    let (app, institution) = (TestApp::start().await, Institution::start().await);
    app.add_institution(&institution, "open").await;
    let dora = deployment_administrator(&app).await;
    let before = app.dump("test").await;
    assert!(!dora.get("/admin/providers").await.says("Campus"));
    for page in [CAMPUS, "/admin/providers/remove?provider=campus"] {
        assert_eq!(dora.get(page).await.status, 404, "{page}");
    }
    for path in ["test", "secret", "remove", "set-up"] {
        let form = [("provider", "campus"), ("secret", "x"), ("set_up[display_name]", "x"), ("set_up[newcomers]", "open")];
        let page = dora.post(&format!("/api/admin/providers/{path}"), &form).await;
        assert!(!page.says(en().admin_saved()) && !page.tells(|x| en().admin_providers_answers(x)), "{path}: {}", page.words());
    }
    assert_eq!(app.dump("test").await, before);
}

/// An administrator who can only sign in through an institution counts while that institution allows it.
#[tokio::test]
async fn last_administrator_cannot_lose_every_sign_in_method() {
    let (app, institution) = (TestApp::start().await, Institution::start().await);
    app.add_institution(&institution, "invited").await;
    let operator = app.operator("test").await;
    let jdoe = UserId::parse("jdoe").expect("a user");
    app.services.add_person(&operator, &jdoe, "Jane Doe", None).await.expect("added");
    app.services.set_admin_role(&operator, &jdoe, true).await.expect("appointed");
    let change =
        async |browser: &Browser, user: &str, what: &str| browser.post("/api/admin/people/change", &[("user", user), ("change", what)]).await;
    let first = app.signed_in().await;
    assert!(change(&first, "testuser1", "dismiss").await.problem().contains(&en().person_refused_last_admin()), "jdoe has no way to sign in yet");

    let code = app.services.invite(&operator, &jdoe).await.expect("an answer").expect("a person");
    let jane = app.browser();
    jane.post("/sign-in/invitation", &[("tenant", "test"), ("invitation", code.reveal())]).await;
    assert_eq!(jane.upstream_login(&institution, "/sign-in/with/test/campus?then=/hosts", app.seconds(), &json!({})).await.path, "/hosts");
    let campus = ProviderId::parse("campus").expect("a provider");
    let switch =
        async |on: bool| app.services.edit_provider(&operator, &campus, None, move |provider| provider.enabled = on).await.expect("switched");
    switch(false).await;
    assert!(change(&first, "testuser1", "dismiss").await.problem().contains(&en().person_refused_last_admin()), "nor while the way is shut");
    switch(true).await;
    assert_eq!(change(&first, "testuser1", "dismiss").await.status, 404, "no administrator any more");

    for what in ["dismiss", "disable"] {
        assert!(change(&jane, "jdoe", what).await.problem().contains(&en().person_refused_last_admin()), "{what}");
    }
    let number = app.number("SELECT number FROM identities").await.to_string();
    let page = jane.post("/api/admin/people/unlink-identity", &[("user", "jdoe"), ("identity", &number)]).await;
    assert!(page.problem().contains(&en().person_refused_last_admin()), "{}", page.words());
    assert!(jane.post("/api/admin/providers/remove", &[("provider", "campus")]).await.problem().contains(&en().admin_locks_out()));
    assert!(save(&jane, &seen(&jane).await, &[("set_up[enabled]", "")]).await.problem().contains(&en().admin_locks_out()));
    assert_eq!(app.number("SELECT count(*) FROM identity_providers WHERE enabled").await, 1);
    app.services.remove_provider(&operator, &campus).await.expect("the operator mends what they break");
}

#[tokio::test]
async fn identity_is_unlinked_after_confirmation() {
    let (app, institution) = (TestApp::start().await, Institution::start().await);
    app.add_institution(&institution, "open").await;
    app.sign_in_with_new_browser(&institution, json!({})).await;
    let browser = app.signed_in().await;
    let person = "/admin/people/person?user=jdoe~campus";
    let number = app.number("SELECT number FROM identities").await.to_string();
    let page = browser.get(person).await;
    let question = format!("/admin/people/change?user=jdoe~campus&change=unlink-identity&identity={number}");
    assert!(page.words().contains(&format!("jdoe · Campus {} {}", en().identities_at(), institution.url())), "{}", page.words());
    assert!(page.says(question.replace('&', "&amp;")) || page.says(&question), "{}", page.text);
    let asked = browser.get(&question).await.words();
    assert!(
        asked.contains(&en().admin_people_unlink_identity_question("jdoe · Campus", "Jane Doe"))
            && asked.contains(&en().admin_people_unlink_identity_last()),
        "{asked}"
    );
    assert_eq!(browser.get(&question.replace("identity=", "identity=9")).await.status, 404);

    for (user, identity) in [("jdoe~campus", "99"), ("testuser1", &number), ("nobody", &number), ("a b", &number)] {
        let page = browser.post("/api/admin/people/unlink-identity", &[("user", user), ("identity", identity)]).await;
        assert!(!page.tells(|x| en().identities_unlinked(x)), "{user}: {}", page.words());
    }
    assert_eq!(app.number("SELECT count(*) FROM identities").await, 1);
    let page = browser.post("/api/admin/people/unlink-identity", &[("user", "jdoe~campus"), ("identity", &number)]).await;
    assert!(page.says(en().identities_unlinked("jdoe · Campus")) && page.says(en().admin_people_no_identities()), "{}", page.words());
    assert_eq!(
        app.texts("SELECT user_id || ' ' || subject || ' ' || admin_id FROM activity WHERE kind = 'identity_unlinked'").await,
        ["jdoe~campus jdoe · Campus person:testuser1"]
    );
}
