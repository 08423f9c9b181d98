//! Guessing link codes, which counts together with user codes of devices.

use super::*;
use crate::app::Answer;

const WRONG: &str = "BCDF-BCDF";

#[tokio::test]
async fn wrong_link_and_user_codes_share_one_limit() {
    let fixture = Fixture::start().await;
    let (asked, browser) = (fixture.ask("jd").await, fixture.app.signed_in().await);
    for n in 0..5 {
        let page = if n % 2 == 0 { browser.enter_link(WRONG).await } else { browser.enter(WRONG).await };
        assert_eq!(page.problem(), en().code_refused_not_valid());
    }
    for stopped in [browser.enter_link(text(&asked["user_code"])).await, browser.enter(WRONG).await] {
        assert_eq!((stopped.status, stopped.retry_after()), (429, Some(600)), "{}", stopped.words());
    }
    assert_eq!(fixture.app.count_audit_events("code_guessing_stopped").await, 1);
    fixture.app.clock.advance(10 * MINUTE);
    let asked = fixture.ask("jd").await;
    assert_eq!(browser.enter_link(text(&asked["user_code"])).await.status, 200);
}

#[tokio::test]
async fn link_codes_and_user_codes_are_not_interchangeable() {
    let fixture = Fixture::start().await;
    let (asked, browser, device) = (fixture.ask("jd").await, fixture.app.signed_in().await, fixture.app.start_device().await);
    assert_eq!(browser.enter_link(&device.user_code).await.problem(), en().code_refused_not_valid());
    assert_eq!(browser.enter(text(&asked["user_code"])).await.problem(), en().code_refused_not_valid());
    assert_eq!(fixture.app.number("SELECT count(*) FROM attempts WHERE key LIKE 'code session%'").await, 2);
    assert_eq!(fixture.status(&asked).await, pending());
}

#[tokio::test]
async fn malformed_code_costs_no_attempt() {
    let fixture = Fixture::start().await;
    let browser = fixture.app.signed_in().await;
    for (typed, problem) in [("", en().code_refused_empty()), ("BCDF", en().code_refused_length(4)), ("AEIO-0123", en().code_refused_impossible())] {
        let page = browser.enter_link(typed).await;
        assert_eq!((page.status, page.path.as_str(), page.problem().as_str()), (422, "/hosts/link", problem.as_str()));
    }
    assert_eq!(fixture.app.number("SELECT count(*) FROM attempts").await, 0);
}

#[tokio::test]
async fn codes_are_not_checked_before_sign_in() {
    let fixture = Fixture::start().await;
    let asked = fixture.ask("jd").await;
    let anonymous = fixture.app.browser();
    for code in [WRONG, text(&asked["user_code"])] {
        assert_eq!(anonymous.enter_link(code).await.path, "/sign-in");
    }
    assert_eq!(fixture.app.number("SELECT count(*) FROM attempts").await, 0);
    assert_eq!(fixture.app.number("SELECT count(*) FROM link_requests WHERE claimed_session IS NOT NULL").await, 0);
}

#[tokio::test]
async fn code_belongs_to_the_first_session() {
    let fixture = Fixture::start().await;
    let (asked, first, eve) = (fixture.ask("jd").await, fixture.app.signed_in().await, fixture.add("eve").await);
    let code = text(&asked["user_code"]);
    let question = first.enter_link(code).await;
    assert_eq!(first.enter_link(code).await.status, 200, "twice is fine");
    let refused = eve.enter_link(code).await;
    assert!(refused.refuses(|wait| en().code_refused_claimed(wait)), "{}", refused.words());
    assert_eq!(fixture.app.count_audit_events("code_presented_twice").await, 1);
    assert_eq!(fixture.app.number("SELECT count(*) FROM attempts").await, 0, "a right code is no guess");
    // Neither with its public id, nor in another browser of the same person, in which the code was not entered.
    for other in [&eve, &fixture.app.signed_in().await] {
        let page = other.link(&question).await;
        assert_eq!(page.problem(), en().link_refused_not_yours());
    }
    assert_eq!((fixture.status(&asked).await, fixture.links().await.len()), (pending(), 0));
    assert!(first.link(&question).await.tells(|x| en().link_linked(x, x, x)));
}

/// The poll secret is the host's, and as hard to guess as a credential.
#[tokio::test]
async fn secrets_are_not_in_the_database() {
    let fixture = Fixture::start().await;
    let asked = fixture.ask("jd").await;
    let dump = fixture.app.dump("test").await;
    let kept = dump["link_requests"].join("\n");
    assert!(kept.contains("frontera"), "{kept}");
    for secret in [text(&asked["link_id"]), text(&asked["user_code"]), &text(&asked["user_code"]).replace('-', "")] {
        let hex: String = secret.bytes().map(|byte| format!("{byte:02X}")).collect();
        assert!(!kept.contains(secret) && !kept.contains(&hex), "{kept}");
    }
    let status = Answer::of(fixture.app.unauthenticated().request("POST /links/status").json(&json!({ "link_id": asked["link_id"] }))).await;
    assert_eq!(status.status, 401, "the secret alone proves nothing");
}
