//! What ends refresh tokens: time, revocation, and the session in which the program was allowed.

use super::{CONFIDENTIAL, DAY, HOUR, Tokens, seconds};
use crate::app::TestApp;
use crate::browser::Browser;
use crate::oauth::{error, refused};

impl TestApp {
    async fn revoke(&self, token: &str) {
        assert_eq!(self.send("/oauth/revoke", &[("client_id", "tms-cli"), ("token", token)]).await.status, 200);
    }

    async fn assert_ended(&self, tokens: &Tokens) {
        assert_eq!(error(&self.refresh(&tokens.refresh).await), refused(400, "invalid_grant"));
        assert_eq!(self.me(&tokens.access).await, 401);
    }

    /// How many delegations of a client are in force.
    async fn delegations_of_tms(&self) -> i64 {
        self.number("SELECT count(*) FROM delegations WHERE client_id = 'tms-cli' AND ended_at IS NULL").await
    }
}

/// Sets the expiry of the person's newest access of `tms-cli`, in seconds from now.
async fn set_expiry(app: &TestApp, browser: &Browser, ends: u64) {
    let number = app.number("SELECT max(number) FROM delegations WHERE client_id = 'tms-cli'").await;
    let page = browser.post("/api/apps/change", &[("app", &number.to_string()), ("ends", &ends.to_string())]).await;
    assert_eq!(page.status, 200, "{}", page.text);
}

#[tokio::test]
async fn program_that_is_idle_has_to_sign_in_again() {
    let app = TestApp::start().await;
    let mut tokens = app.program_for(30 * DAY).await.0;
    let answer = app.refresh(&tokens.refresh).await;
    assert_eq!((&answer.body["refresh_token_timeout"], &answer.body["authorization_expires_in"]), (&(14 * DAY).into(), &(30 * DAY).into()));
    tokens = Tokens::of(&answer);
    app.clock.advance(seconds(14 * DAY - 1));
    let answer = app.refresh(&tokens.refresh).await;
    assert_eq!(answer.body["authorization_expires_in"], 16 * DAY + 1);
    tokens = Tokens::of(&answer);
    app.clock.advance(seconds(14 * DAY));
    app.assert_ended(&tokens).await;
    assert_eq!(app.number("SELECT count(*) FROM authorizations WHERE ended_at IS NULL").await, 1, "the authorization goes on");
}

#[tokio::test]
async fn shorter_idle_time_applies_from_the_next_refresh() {
    let app = TestApp::start().await;
    let tokens = app.program_for(30 * DAY).await.0;
    app.change_tenant("test", |tenant| tenant.policy.refresh_idle_time = seconds(DAY)).await;
    app.clock.advance(seconds(2 * DAY));
    let answer = app.refresh(&tokens.refresh).await;
    assert_eq!(answer.body["refresh_token_timeout"], DAY);
    app.clock.advance(seconds(DAY));
    app.assert_ended(&Tokens::of(&answer)).await;
}

#[tokio::test]
async fn refreshing_ends_with_the_date() {
    let app = TestApp::start().await;
    let tokens = app.program().await;
    app.clock.advance(seconds(8 * HOUR - 1));
    let tokens = Tokens::of(&app.refresh(&tokens.refresh).await);
    assert_eq!(app.me(&tokens.access).await, 200);
    app.clock.advance(seconds(1));
    app.assert_ended(&tokens).await;
}

#[tokio::test]
async fn date_that_the_person_changes_moves_the_end() {
    let app = TestApp::start().await;
    let (tokens, browser) = app.program_for(8 * HOUR).await;
    set_expiry(&app, &browser, 7 * DAY).await;
    let answer = app.refresh(&tokens.refresh).await;
    assert_eq!((&answer.body["authorization_expires_in"], &answer.body["refresh_token_timeout"]), (&(7 * DAY).into(), &(7 * DAY).into()));
    let tokens = Tokens::of(&answer);
    app.clock.advance(seconds(9 * HOUR));
    let tokens = Tokens::of(&app.refresh(&tokens.refresh).await);
    let browser = app.signed_in().await;
    set_expiry(&app, &browser, HOUR).await;
    let answer = app.refresh(&tokens.refresh).await;
    assert_eq!(answer.body["authorization_expires_in"], HOUR);
    app.clock.advance(seconds(HOUR));
    app.assert_ended(&Tokens::of(&answer)).await;
}

#[tokio::test]
async fn any_token_of_a_public_client_ends_the_authorization() {
    let app = TestApp::start().await;
    for which in 0..4 {
        let first = app.program().await;
        let second = Tokens::of(&app.refresh(&first.refresh).await);
        let third = Tokens::of(&app.refresh(&second.refresh).await);
        assert_eq!(app.delegations_of_tms().await, 1);
        app.revoke([&first.refresh, &third.refresh, &first.access, &third.access][which]).await;
        app.assert_ended(&third).await;
        assert_eq!((app.me(&first.access).await, app.delegations_of_tms().await), (401, 0));
        app.revoke(&third.refresh).await;
    }
    assert_eq!(app.count_audit_events("device_withdrawn").await, 4);
    assert_eq!(app.count_audit_events("refresh_token_reused").await, 0);
}

#[tokio::test]
async fn confidential_client_ends_its_sign_in_only() {
    let app = TestApp::start().await;
    let tokens = app.confidential_program().await;
    let delegations = "SELECT count(*) FROM delegations WHERE client_id = 'testclient1' AND ended_at IS NULL";
    let before = app.number(delegations).await;
    assert_eq!(error(&app.send("/oauth/revoke", &[("client_id", "tms-cli"), ("token", &tokens.refresh)]).await), refused(400, "unauthorized_client"));
    let (id, secret) = CONFIDENTIAL;
    assert_eq!(app.send("/oauth/revoke", &[("client_id", id), ("client_secret", secret), ("token", &tokens.refresh)]).await.status, 200);
    assert_eq!(error(&app.refresh_confidentially(&tokens.refresh).await), refused(400, "invalid_grant"));
    assert_eq!((app.me(&tokens.access).await, app.number(delegations).await), (401, before));
}

#[tokio::test]
async fn family_without_offline_access_ends_with_its_session() {
    let app = TestApp::start().await;
    let (online, browser) = app.program_for(8 * HOUR).await;
    app.sql(
        "UPDATE token_families SET offline = false, session_id =
             (SELECT public_id FROM browser_sessions WHERE signed_in_at IS NOT NULL ORDER BY signed_in_at DESC, public_id DESC LIMIT 1)",
    )
    .await;
    let (offline, other) = app.program_for(8 * HOUR).await;
    other.post("/sign-out", &[]).await;
    assert_eq!(app.me(&online.access).await, 200, "it began in another session");
    browser.post("/sign-out", &[]).await;
    app.assert_ended(&online).await;
    assert_eq!(app.refresh(&offline.refresh).await.status, 200);
    assert_eq!(app.texts("SELECT end_reason FROM token_families WHERE ended_at IS NOT NULL").await, ["signed_out"]);
    assert_eq!(app.number("SELECT count(*) FROM authorizations WHERE ended_at IS NULL").await, 2);
}

#[tokio::test]
async fn ended_families_are_deleted_after_30_days() {
    let app = TestApp::start().await;
    let (idle, revoked) = (app.program_for(30 * DAY).await.0, app.confidential_program().await);
    let (id, secret) = CONFIDENTIAL;
    assert_eq!(app.send("/oauth/revoke", &[("client_id", id), ("client_secret", secret), ("token", &revoked.refresh)]).await.status, 200);
    app.sql("UPDATE authorizations SET access_until = 1900000000000").await;
    let families = async |days: u64| {
        app.clock.advance(seconds(days * DAY));
        app.services.run_housekeeping().await.expect("tidied");
        app.number("SELECT count(*) FROM token_families").await
    };
    assert_eq!((families(30).await, families(1).await), (2, 1));
    assert_eq!((families(12).await, families(2).await), (1, 0), "14 days after the last refresh it ended");
    assert_eq!(error(&app.refresh(&idle.refresh).await), refused(400, "invalid_grant"));
}
