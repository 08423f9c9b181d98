//! Refused requests and links, and concurrency.

use futures_util::future::join_all;

use super::*;

#[tokio::test]
async fn host_requests_only_for_itself_with_credential() {
    let fixture = Fixture::start().await;
    let (app, params) = (&fixture.app, json!({ "user": "jd", "user_uid": "1001" }));
    let device = app.device_with(crate::tms::api::EVERYTHING).await;
    for stranger in
        [app.unauthenticated(), app.unauthenticated().with("x-tms-tenant", "test"), app.client(), fixture.admin.clone(), app.bearer("x"), device]
    {
        assert_eq!(stranger.refusal("POST /links", params.clone()).await, 401);
    }
    let other = app.host(&fixture.admin, "test", "stampede", false).await;
    let asked = fixture.ask("jd").await;
    assert_eq!(other.refusal("POST /links/status", json!({ "link_id": asked["link_id"] })).await, 404);
    // The host is determined by its credential, not by its claims.
    other.done("POST /links", json!({ "user": "jd", "user_uid": "1001", "host": "frontera", "tenant": "default" })).await;
    assert_eq!(app.texts("SELECT host FROM link_requests ORDER BY host").await, ["frontera", "stampede"]);
    assert_eq!(fixture.status(&asked).await, pending());
}

#[tokio::test]
async fn code_of_the_other_kind_names_its_page() {
    let fixture = Fixture::start().await;
    let (device, asked, browser) = (fixture.app.start_device().await, fixture.ask("jd").await, fixture.app.signed_in().await);
    assert!(!browser.get("/hosts/link").await.says(en().link_is_for_a_device()), "only who was refused");
    let refused = browser.enter_link(&device.user_code).await;
    assert!(refused.status == 422 && refused.says(format!("<a href=\"/device\">{}", en().link_is_for_a_device())), "{}", refused.text);
    let refused = browser.enter(text(&asked["user_code"])).await;
    assert!(refused.status == 422 && refused.says(format!("<a href=\"/hosts/link\">{}", en().device_is_for_a_host())), "{}", refused.text);
}

#[tokio::test]
async fn system_accounts_cannot_be_linked() {
    let fixture = Fixture::start().await;
    let refusal = async |user: &str, uid: Value| fixture.host.refusal("POST /links", json!({ "user": user, "user_uid": uid })).await;
    for (user, uid) in [("root", 0), ("jd", 0), ("root", 1_001), ("slurm", 1_001), ("systemd-network", 1_001), ("jd", 999), ("jd", 65_534)] {
        assert_eq!(refusal(user, json!(uid)).await, 403, "{user} {uid}");
    }
    assert_eq!(refusal("jd", json!(u32::MAX)).await, 403);
    for uid in [json!("-1"), json!(""), json!("1001x"), json!("4294967296"), json!(1.5)] {
        assert_eq!(refusal("jd", uid.clone()).await, 400, "{uid}");
    }
    for user in ["", "*", "j d", "DOMAIN\\jd", "jd\u{0}"] {
        assert_eq!(refusal(user, json!(1_001)).await, 400, "{user:?}");
    }
    fixture.app.change_tenant("test", |tenant| tenant.policy.lowest_linked_uid = 500).await;
    fixture.host.done("POST /links", json!({ "user": "jd", "user_uid": 500 })).await;
    assert_eq!(refusal("jd", json!(499)).await, 403);
}

#[tokio::test]
async fn disabled_tenant_or_deleted_credential_is_refused() {
    let fixture = Fixture::start().await;
    let (asked, browser) = (fixture.ask("jd").await, fixture.app.signed_in().await);
    let question = browser.enter_link(text(&asked["user_code"])).await;
    fixture.app.change_tenant("test", |tenant| tenant.enabled = false).await;
    assert_eq!(fixture.host.refused("POST /links", json!({ "user": "jd", "user_uid": "1001" })).await, (400, "Tenant not enabled.".into()));
    assert_eq!(fixture.host.refusal("POST /links/status", json!({ "link_id": asked["link_id"] })).await, 400);
    assert_eq!(browser.link(&question).await.path, "/sign-in");
    fixture.app.change_tenant("test", |tenant| tenant.enabled = true).await;
    assert_eq!(fixture.status(&asked).await, pending());

    // Deleting the credential cancels the host's requests.
    fixture.admin.done("DELETE /hosts/credential", json!({ "tenant": "test", "host": "frontera" })).await;
    assert_eq!(fixture.host.refusal("POST /links", json!({ "user": "jd", "user_uid": "1001" })).await, 401);
    assert_eq!(browser.link(&question).await.problem(), en().link_refused_not_yours());
    assert!(fixture.links().await.is_empty());
}

#[tokio::test]
async fn revoked_credential_cancels_its_requests() {
    let mut fixture = Fixture::start().await;
    let (asked, browser) = (fixture.ask("jd").await, fixture.app.signed_in().await);
    let question = browser.enter_link(text(&asked["user_code"])).await;
    let params = json!({ "tenant": "test", "host": "frontera" });
    let made = fixture.admin.done("POST /hosts/credential", params.clone()).await;
    assert_eq!(fixture.status(&asked).await, pending(), "in a rotation the old one goes on");
    fixture.host = fixture.app.bearer(text(&made["credential"]));
    let made = fixture.admin.done("POST /hosts/credential?overlap_minutes=0", params).await;
    fixture.host = fixture.app.bearer(text(&made["credential"]));
    assert_eq!(fixture.host.refusal("POST /links/status", json!({ "link_id": asked["link_id"] })).await, 404);
    assert_eq!(browser.link(&question).await.problem(), en().link_refused_not_yours());
}

#[tokio::test]
async fn code_expires_after_ten_minutes_or_by_policy() {
    let fixture = Fixture::start().await;
    let (asked, browser) = (fixture.ask("jd").await, fixture.app.signed_in().await);
    let question = browser.enter_link(text(&asked["user_code"])).await;
    fixture.app.clock.advance(10 * MINUTE - Duration::from_millis(1));
    assert_eq!((fixture.status(&asked).await, browser.get(&question.address).await.title()), (pending(), question.title()));
    fixture.app.clock.advance(Duration::from_millis(1));
    assert_eq!(fixture.status(&asked).await, json!({ "status": "expired" }));
    assert_eq!(browser.link(&question).await.problem(), en().link_refused_expired());
    let page = browser.enter_link(text(&asked["user_code"])).await;
    assert!(page.problem().starts_with(&en().code_refused_not_valid()), "{}", page.words());
    assert!(fixture.links().await.is_empty());

    fixture.app.change_tenant("test", |tenant| tenant.policy.code_lifetime = 2 * MINUTE).await;
    assert_eq!(fixture.ask("jd").await["expires_in"], 120);
    fixture.app.clock.advance(3 * DAY);
    fixture.app.services.run_housekeeping().await.expect("tidied");
    assert_eq!(fixture.app.number("SELECT count(*) FROM link_requests").await, 0);
}

#[tokio::test]
async fn new_request_replaces_the_previous_one() {
    let fixture = Fixture::start().await;
    let (first, browser) = (fixture.ask("jd").await, fixture.app.signed_in().await);
    let question = browser.enter_link(text(&first["user_code"])).await;
    let second = fixture.ask("jd").await;
    assert_eq!(fixture.host.refusal("POST /links/status", json!({ "link_id": first["link_id"] })).await, 404);
    assert_eq!(browser.link(&question).await.problem(), en().link_refused_not_yours());
    assert_eq!(fixture.app.number("SELECT count(*) FROM link_requests").await, 1);
    assert!(fixture.links().await.is_empty());
    browser.link(&browser.enter_link(text(&second["user_code"])).await).await;
    assert_eq!(fixture.status(&second).await["status"], "linked");
}

#[tokio::test]
async fn cancelled_request_cannot_be_used() {
    let fixture = Fixture::start().await;
    let (asked, browser) = (fixture.ask("jd").await, fixture.app.signed_in().await);
    let question = browser.enter_link(text(&asked["user_code"])).await;
    let (path, link) = ("POST /links/withdraw", json!({ "link_id": asked["link_id"] }));
    let other = fixture.app.host(&fixture.admin, "test", "stampede", false).await;
    assert_eq!(other.done(path, link.clone()).await["num_deleted"], 0, "another host's is not there for it");
    assert_eq!((fixture.app.unauthenticated().refusal(path, link.clone()).await, fixture.status(&asked).await), (401, pending()));
    for deleted in [1, 0] {
        assert_eq!(fixture.host.done(path, link.clone()).await["num_deleted"], deleted, "once is enough, and twice is fine");
    }
    assert_eq!(fixture.host.refusal("POST /links/status", link).await, 404);
    assert_eq!(browser.link(&question).await.problem(), en().link_refused_not_yours());
    assert_eq!(browser.enter_link(text(&asked["user_code"])).await.status, 422);

    // Too late for an answered request.
    let asked = fixture.ask("jd").await;
    browser.link(&browser.enter_link(text(&asked["user_code"])).await).await;
    assert_eq!(fixture.host.done(path, json!({ "link_id": asked["link_id"] })).await["num_deleted"], 0);
    assert_eq!((fixture.status(&asked).await["status"].clone(), fixture.links().await.len()), (json!("linked"), 1));
}

#[tokio::test]
async fn host_is_limited_to_a_hundred_open_requests() {
    let fixture = Fixture::start().await;
    for n in 0..100 {
        fixture.ask(&format!("student{n}")).await;
    }
    let one_more = json!({ "user": "jd", "user_uid": "1001" });
    assert_eq!(fixture.host.refusal("POST /links", one_more.clone()).await, 503);
    fixture.ask("student7").await;
    let other = fixture.app.host(&fixture.admin, "test", "stampede", false).await;
    other.done("POST /links", one_more.clone()).await;
    fixture.app.clock.advance(10 * MINUTE);
    fixture.host.done("POST /links", one_more).await;
}

#[tokio::test]
async fn account_of_another_is_refused_unless_shared() {
    let fixture = Fixture::start().await;
    let (first, eve) = (fixture.app.signed_in().await, fixture.add("eve").await);
    fixture.link(&first, "jd").await;
    let asked = fixture.ask("jd").await;
    let question = eve.enter_link(text(&asked["user_code"])).await;
    assert!(question.says(en().link_refused_linked_to_another()) && !question.says("value=\"link\""), "{}", question.words());
    let refused = eve.link(&question).await;
    assert!(refused.status == 422 && refused.problem().starts_with(&en().link_refused_linked_to_another()), "{}", refused.words());
    for page in [&question, &refused] {
        assert!(!page.text.contains("testuser1") && !page.text.contains("Test User"), "never who: {}", page.words());
    }
    assert_eq!((fixture.status(&asked).await, fixture.links().await.len()), (pending(), 1));

    fixture.app.change_tenant("test", |tenant| tenant.policy.shared_host_accounts = true).await;
    assert!(eve.link(&eve.get(&question.address).await).await.tells(|x| en().link_linked("jd", "frontera", x)));
    assert_eq!(fixture.links().await, [link_of("jd", "testuser1", IN_A_YEAR), link_of("jd", "eve", IN_A_YEAR)]);
    fixture.app.change_tenant("test", |tenant| tenant.policy.shared_host_accounts = false).await;
    let asked = fixture.ask("jd").await;
    assert!(eve.enter_link(text(&asked["user_code"])).await.says(en().link_refused_linked_to_another()), "it is not renewed once sharing is off");

    // An expired link does not block others.
    let unlink = |user: &str| json!({ "tenant": "test", "tms_user_id": user, "host": "frontera", "host_account": "jd", "ttl_minutes": 0 });
    fixture.admin.done("PATCH /userhosts/upd", unlink("testuser1")).await;
    assert!(fixture.link(&eve, "jd").await.tells(|x| en().link_renewed(x, x, x)));
}

#[tokio::test]
async fn linking_requires_an_mfa_record() {
    let fixture = Fixture::start().await;
    fixture.app.add_person("test", "new").await;
    let browser = fixture.app.signed_in_as("test", "new", PASSWORD).await;
    let asked = fixture.ask("jd").await;
    let refused = browser.link(&browser.enter_link(text(&asked["user_code"])).await).await;
    assert!(refused.problem().starts_with(&en().link_refused_no_mfa()), "{}", refused.words());
    assert!(fixture.links().await.is_empty() && fixture.status(&asked).await == pending());
    fixture.admin.done("POST /usermfa", json!({ "tenant": "test", "tms_user_id": "new", "ttl_minutes": 60 })).await;
    assert!(browser.link(&refused).await.tells(|x| en().link_linked(x, x, x)));
}

#[tokio::test]
async fn code_of_another_tenant_is_named_and_refused() {
    let fixture = Fixture::start().await;
    fixture.app.add_dora().await;
    let dora = fixture.app.signed_in_as("default", "dora", PASSWORD).await;
    let asked = fixture.ask("jd").await;
    let page = dora.enter_link(text(&asked["user_code"])).await;
    assert_eq!(page.problem(), en().code_refused_other_tenant("Test"));
    let sign_in = dora.post("/api/links/switch", &[("tenant", &page.field("tenant"))]).await;
    assert!(sign_in.path == "/sign-in" && sign_in.words().contains("Test"), "{}", sign_in.words());
    assert!(fixture.links().await.is_empty() && fixture.status(&asked).await == pending());
}

/// Two people cannot hold one code; one person may submit twice, or yes and no at once.
#[tokio::test]
async fn exactly_one_concurrent_answer_counts() {
    let fixture = Fixture::start().await;
    let browser = fixture.app.signed_in().await;
    for round in 0..4 {
        let asked = fixture.ask(&format!("jd{round}")).await;
        let question = browser.enter_link(text(&asked["user_code"])).await;
        join_all((0..6).map(async |n| if n % 2 == 0 { browser.link(&question).await } else { browser.refuse_link(&question).await })).await;
        let (status, links) = (fixture.status(&asked).await, fixture.links().await);
        let linked = links.iter().filter(|(account, ..)| *account == format!("jd{round}")).count();
        assert_eq!(linked, usize::from(status["status"] == "linked"), "{status}");
    }
    assert_eq!(fixture.app.count_audit_events("host_linked").await + fixture.app.count_audit_events("host_link_refused").await, 4);
}

#[tokio::test]
async fn exactly_one_person_links_an_account() {
    let fixture = Fixture::start().await;
    let (first, eve) = (fixture.app.signed_in().await, fixture.add("eve").await);
    // Each has their own code; the host requested the second while the first was open.
    let asked = fixture.ask("jd").await;
    let hers = eve.enter_link(text(&asked["user_code"])).await;
    let asked = fixture.ask("jd").await;
    let his = first.enter_link(text(&asked["user_code"])).await;
    let pages = join_all([(&first, &his), (&eve, &hers)].map(async |(browser, question)| browser.link(question).await)).await;
    assert!(
        pages[0].tells(|x| en().link_linked(x, x, x)) && pages[1].problem() == en().link_refused_not_yours(),
        "{} {}",
        pages[0].words(),
        pages[1].words()
    );
    assert_eq!(fixture.links().await, [link_of("jd", "testuser1", IN_A_YEAR)]);
}

/// "Revoke everything" also invalidates answers that are in progress.
#[tokio::test]
async fn answer_of_ended_session_is_refused() {
    use tms_portal::domain::ids::LinkRequestId;
    let fixture = Fixture::start().await;
    let asked = fixture.ask("jd").await;
    let late = fixture.app.person_without_session("testuser1").await;
    let id = fixture.app.services.submit_link_code(&late, text(&asked["user_code"])).await.map_err(|_| ()).expect("taken up");
    let fresh = fixture.app.services.require_recent_auth(&late).expect("fresh");
    assert!(fixture.app.services.link_my_account(&fresh, &id).await.is_err() && fixture.app.services.refuse_link(&late, &id).await.is_err());
    assert!(fixture.app.services.pending_link(&late, &LinkRequestId::parse("lnk_none").expect("an id")).await.is_err());
    assert!(fixture.links().await.is_empty() && fixture.status(&asked).await == pending());
}

/// If the audit log cannot be written, the link is not created, and the host is not told otherwise.
#[tokio::test]
async fn link_without_audit_event_is_rolled_back() {
    let fixture = Fixture::start().await;
    let (asked, browser) = (fixture.ask("jd").await, fixture.app.signed_in().await);
    let question = browser.enter_link(text(&asked["user_code"])).await;
    fixture.app.refuse_writes("INSERT", "activity").await;
    assert_eq!(browser.link(&question).await.status, 500);
    assert_eq!(browser.refuse_link(&question).await.status, 500);
    assert!(fixture.links().await.is_empty() && fixture.status(&asked).await == pending());
}
