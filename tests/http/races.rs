//! Concurrency: the outcome is always that of some sequential order.

use std::time::Duration;

use futures_util::future::{join, join_all};
use futures_util::{StreamExt, stream};

use crate::app::TestApp;
use crate::browser::en;
use crate::oauth::refresh::Tokens;

#[tokio::test]
async fn exactly_one_concurrent_poll_gets_the_token() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    app.allow(&device).await;
    let answers: Vec<_> = stream::iter(0..1_000).map(|_| app.poll(&device)).buffer_unordered(64).collect().await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!(won.len(), 1);
    assert!(lost.iter().all(|answer| (answer.status, answer.error()) == (400, "invalid_grant")));
    assert_eq!(app.api("/v1/tms/me", &won[0].token()).await.status, 200);
}

#[tokio::test]
async fn exactly_one_concurrent_decision_counts() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    for _ in 0..8 {
        let device = app.start_device().await;
        let consent = browser.enter(&device.user_code).await;
        let address = format!("/device/result?grant={}", consent.field("grant"));
        let presses = join_all((0..4).map(|_| join(browser.allow(&consent), browser.deny(&consent)))).await;
        assert!(presses.iter().all(|(allow, deny)| (allow.status, deny.status) == (200, 200)));
        let first = app.poll(&device).await;
        let outcome = (first.status, first.error());
        assert!(matches!(outcome, (200, "") | (400, "access_denied")), "{outcome:?}");
        let result = browser.get(&address).await;
        assert_eq!(result.tells(|x| en().pickup_at_from(x, x)), first.status == 200, "{}", result.text);
    }
}

#[tokio::test]
async fn revocation_during_redemption_leaves_no_token() {
    let app = TestApp::start().await;
    for _ in 0..8 {
        let device = app.start_device().await;
        let browser = app.allow(&device).await;
        let grant = app.decided_grant().await;
        let form = [("grant", grant.as_str())];
        let (polls, _) = join(join_all((0..4).map(|_| app.poll(&device))), browser.post("/api/device/withdraw", &form)).await;
        for won in polls.iter().filter(|answer| answer.status == 200) {
            assert_eq!(app.api("/v1/tms/me", &won.token()).await.status, 401);
        }
        assert_ne!(app.poll(&device).await.status, 200);
    }
}

#[tokio::test]
async fn disabling_during_redemption_leaves_no_valid_token() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    app.allow(&device).await;
    let (polls, ()) = join(join_all((0..4).map(|_| app.poll(&device))), app.switch_person("testuser1", false)).await;
    for won in polls.iter().filter(|answer| answer.status == 200) {
        assert_eq!(app.api("/v1/tms/me", &won.token()).await.status, 401);
    }
}

#[tokio::test]
async fn concurrent_replays_are_audited_once() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    app.allow(&device).await;
    let token = app.poll(&device).await.token();
    app.clock.advance(Duration::from_secs(10));
    let replays = join_all((0..16).map(|_| app.poll(&device))).await;
    assert!(replays.iter().all(|answer| answer.status == 400));
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 401);
    assert_eq!(app.count_audit_events("device_replayed").await, 1);
}

#[tokio::test]
async fn revocation_during_refreshes_leaves_no_live_token() {
    let app = TestApp::start().await;
    for round in 0..32 {
        let tokens = app.program().await;
        let form = [("client_id", "tms-cli"), ("token", &*tokens.refresh)];
        let revoke = app.send("/oauth/revoke", &form);
        let (answers, revoked) = join(join_all((0..8).map(|_| app.refresh(&tokens.refresh))), revoke).await;
        assert_eq!(revoked.status, 200);
        for answer in &answers {
            assert!(matches!((answer.status, answer.error()), (200, "") | (400, "invalid_grant")), "{round}: {}", answer.body);
        }
        for tokens in answers.iter().filter(|answer| answer.status == 200).map(Tokens::of) {
            assert_eq!(app.api("/v1/tms/me", &tokens.access).await.status, 401);
            assert_eq!(app.refresh(&tokens.refresh).await.error(), "invalid_grant");
        }
    }
}

#[tokio::test]
async fn disabling_during_refreshes_leaves_no_valid_token() {
    let app = TestApp::start().await;
    let tokens = app.program().await;
    let (answers, ()) = join(join_all((0..8).map(|_| app.refresh(&tokens.refresh))), app.switch_person("testuser1", false)).await;
    for won in answers.iter().filter(|answer| answer.status == 200) {
        assert_eq!(app.api("/v1/tms/me", &won.token()).await.status, 401);
    }
    assert_eq!(app.refresh(&tokens.refresh).await.error(), "invalid_grant");
}

#[tokio::test]
async fn concurrent_reuse_is_audited_once() {
    let app = TestApp::start().await;
    let first = app.program().await;
    let second = Tokens::of(&app.refresh(&first.refresh).await);
    let third = Tokens::of(&app.refresh(&second.refresh).await);
    let reused = join_all((0..16).map(|_| app.refresh(&first.refresh))).await;
    assert!(reused.iter().all(|answer| (answer.status, answer.error()) == (400, "invalid_grant")));
    assert_eq!(app.api("/v1/tms/me", &third.access).await.status, 401);
    assert_eq!(app.count_audit_events("refresh_token_reused").await, 1);
}

/// "Revoke everything" also affects requests in progress of sessions that have just ended.
#[tokio::test]
async fn ended_session_gets_nothing() {
    use tms_portal::domain::ids::{AccountName, HostName};
    use tms_portal::server::service::Error;
    use tms_portal::server::service::ssh_keys::{KeyParams, KeyRefused, KeySource};
    let app = TestApp::start().await;
    let late = app.person_without_session("testuser1").await;
    let params = KeyParams {
        host: HostName::parse("testhost1").expect("a host"),
        account: AccountName::parse("testhostaccount1").expect("an account"),
        num_uses: -1,
        ttl_minutes: 60,
        source: KeySource::Provided(crate::tms::endpoints::OWN_KEY.into()),
        label: None,
    };
    let before = app.dump("test").await;
    let fresh = app.services.require_recent_auth(&late).expect("signed in just now");
    let refused = app.services.register_my_key(&fresh, &params).await.map(|made| made.pubkey.number);
    assert!(matches!(refused, Err(Error::Refused(KeyRefused::SignedOut))), "{refused:?}");
    let app_of_theirs = app.services.list_my_clients(&late, &Default::default()).await.expect("a list").items.remove(0);
    let until = app.services.now() + std::time::Duration::from_secs(60);
    assert!(app.services.set_my_delegation_expiry(&late, app_of_theirs.newest[0].delegation.number, until).await.is_err());
    assert_eq!(app.dump("test").await, before);
}
