//! Lost responses, parallel processes and copies of refresh tokens.

use std::time::Duration;

use futures_util::future::{join, join_all};
use serde_json::json;

use super::{DAY, HOUR, PATH, Tokens, seconds};
use crate::app::{Answer, PASSWORD, Setup, TestApp};
use crate::browser::en;
use crate::oauth::{error, refused};
use crate::tms::api::login;
use crate::tms::endpoints::OWN_KEY;

#[tokio::test]
async fn lost_response_is_repeated_20_times_within_a_minute() {
    let app = TestApp::start().await;
    let first = app.program().await.refresh;
    let second = Tokens::of(&app.refresh(&first).await);
    app.clock.advance(seconds(1));
    let mut access = vec![second.access];
    for _ in 0..20 {
        let again = Tokens::of(&app.refresh(&first).await);
        assert_eq!(again.refresh, second.refresh, "the same successor");
        assert!(!access.contains(&again.access), "a fresh access token");
        access.push(again.access);
    }
    assert_eq!(error(&app.refresh(&first).await), refused(400, "invalid_grant"));
    for token in &access {
        assert_eq!(app.me(token).await, 200, "which ends nothing");
    }
    assert_eq!(app.refresh(&second.refresh).await.status, 200);
}

#[tokio::test]
async fn requests_at_once_get_equal_successors() {
    let app = TestApp::start().await;
    let token = app.program().await.refresh;
    let tokens: Vec<Tokens> = join_all((0..32).map(|_| app.refresh(&token))).await.iter().map(Tokens::of).collect();
    assert!(tokens.iter().all(|one| one.refresh == tokens[0].refresh), "one rotation");
    for one in &tokens {
        assert_eq!(app.me(&one.access).await, 200);
    }
    assert_eq!(app.number("SELECT generation FROM token_families").await, 1);
}

#[tokio::test]
async fn lost_response_is_repeated_for_a_day_if_nothing_was_used() {
    let app = TestApp::start().await;
    let first = app.program_for(30 * DAY).await.0.refresh;
    let second = Tokens::of(&app.refresh(&first).await);
    for wait in [61, HOUR, 24 * HOUR - 1] {
        app.clock.advance(seconds(wait));
        assert_eq!(Tokens::of(&app.refresh(&first).await).refresh, second.refresh, "{wait}");
    }
    app.clock.advance(seconds(24 * HOUR));
    assert_eq!(error(&app.refresh(&first).await), refused(400, "invalid_grant"));
    assert_eq!(error(&app.refresh(&second.refresh).await), refused(400, "invalid_grant"), "all has ended");
}

#[tokio::test]
async fn token_is_reused_if_the_successors_access_token_was_used() {
    let app = TestApp::start().await;
    let first = app.program().await.refresh;
    let second = Tokens::of(&app.refresh(&first).await);
    assert_eq!(app.me(&second.access).await, 200);
    app.wait_until_seen().await;
    app.clock.advance(seconds(59));
    assert_eq!(app.refresh(&first).await.status, 200, "within a minute");
    app.clock.advance(seconds(2));
    assert_eq!(error(&app.refresh(&first).await), refused(400, "invalid_grant"));
    assert_eq!(app.me(&second.access).await, 401);
}

#[tokio::test]
async fn use_of_an_earlier_access_token_says_nothing_about_the_successor() {
    let app = TestApp::start().await;
    let first = app.program().await;
    let second = Tokens::of(&app.refresh(&first.refresh).await);
    assert_eq!(app.me(&first.access).await, 200);
    app.wait_for("SELECT count(*) FROM authorizations WHERE last_used_at IS NOT NULL", 1).await;
    app.clock.advance(seconds(61));
    assert_eq!(Tokens::of(&app.refresh(&first.refresh).await).refresh, second.refresh);
}

#[tokio::test]
async fn two_rotations_within_a_second_are_told_apart() {
    let app = TestApp::start().await;
    let first = app.program().await.refresh;
    let second = Tokens::of(&app.refresh(&first).await).refresh;
    let third = Tokens::of(&app.refresh(&second).await);
    assert_eq!(Tokens::of(&app.refresh(&second).await).refresh, third.refresh, "the previous one");
    assert_eq!(error(&app.refresh(&first).await), refused(400, "invalid_grant"));
    assert_eq!(app.me(&third.access).await, 401, "the one before is reuse, and ends all");
    assert_eq!(app.count_audit_events("refresh_token_reused").await, 1);
}

#[tokio::test]
async fn reuse_ends_the_authorization_and_the_person_is_told() {
    let app = TestApp::start().await;
    let other = app.program().await;
    let device = app.start_device_of(&[("client_id", "tms-cli"), ("scope", "keys:create offline_access")]).await;
    let browser = app.allow(&device).await;
    let robbed = Tokens::of(&app.poll(&device).await);
    let key = json!({ "host": "testhost1", "host_account": "testhostaccount1", "public_key": OWN_KEY });
    let key = app.bearer(&robbed.access).done("POST /me/keys", key).await;
    assert!(app.unauthenticated().gets_key(&login(&key)).await);
    let thief = Tokens::of(&app.refresh(&robbed.refresh).await);
    app.clock.advance(seconds(61));
    assert_eq!(app.me(&thief.access).await, 200);
    app.wait_until_seen().await;
    let (one, two) = join(app.refresh(&robbed.refresh), app.refresh(&robbed.refresh)).await;
    for answer in [one, two] {
        assert_eq!(error(&answer), refused(400, "invalid_grant"), "the program that was robbed comes second");
    }
    for tokens in [&robbed, &thief] {
        assert_eq!(app.me(&tokens.access).await, 401);
        assert_eq!(error(&app.refresh(&tokens.refresh).await), refused(400, "invalid_grant"));
    }
    assert!(!app.unauthenticated().gets_key(&login(&key)).await, "keys made with its tokens");
    assert_eq!(app.me(&other.access).await, 200, "the person's other devices go on");
    assert_eq!(app.count_audit_events("refresh_token_reused").await, 1);
    let ends = "SELECT a.end_reason || ' ' || f.end_reason FROM authorizations a JOIN token_families f ON f.authorization_id = a.id
                WHERE a.ended_at IS NOT NULL";
    assert_eq!(app.texts(ends).await, ["token_reuse token_reuse"]);
    let words = browser.get("/").await.words();
    assert!(words.contains(&en().notification_refresh_token_reused("TMS command line")) && words.contains("127.0.0.1"), "{words}");
}

/// A database that was restored from a backup does not know the newest tokens.
#[tokio::test]
async fn token_from_after_the_backup_is_refused_and_ends_nothing() {
    let app = TestApp::start().await;
    let first = app.program().await.refresh;
    let second = Tokens::of(&app.refresh(&first).await);
    app.sql("UPDATE token_families SET generation = 0").await;
    assert_eq!(error(&app.refresh(&second.refresh).await), refused(400, "invalid_grant"));
    assert_eq!(app.me(&second.access).await, 200);
    assert_eq!(Tokens::of(&app.refresh(&first).await).refresh, second.refresh);
}

#[tokio::test]
async fn clock_that_is_set_back_locks_no_program_out() {
    let app = TestApp::start().await;
    let first = app.program().await.refresh;
    let second = Tokens::of(&app.refresh(&first).await);
    app.clock.set_back(seconds(300));
    assert_eq!(Tokens::of(&app.refresh(&first).await).refresh, second.refresh, "its response was lost");
    assert_eq!(app.refresh(&second.refresh).await.status, 200);
    app.clock.advance(seconds(600));
    assert_eq!(app.number("SELECT count(*) FROM token_families WHERE ended_at IS NULL").await, 1);
}

#[tokio::test]
async fn refresh_from_a_new_network_is_recorded() {
    let app = TestApp::start_as(Setup { behind_proxy: true, ..Setup::default() }).await;
    let from = async |token: &str, address: &str| {
        let form = [("grant_type", "refresh_token"), ("client_id", "tms-cli"), ("refresh_token", token)];
        Answer::of(app.http.post(app.tenant(PATH)).header("x-forwarded-for", address).form(&form)).await
    };
    app.browser_at("198.51.100.7").sign_in("test", "testuser1", PASSWORD).await;
    let token = app.program().await.refresh;
    app.sql("UPDATE token_families SET begun_from = '192.0.2.1'").await;
    let mut tokens = Tokens::of(&from(&token, "192.0.2.200").await);
    for (address, events) in [("198.51.100.9", 0), ("203.0.113.5", 1), ("203.0.113.6", 1), ("192.0.2.9", 1), ("203.0.113.5", 2)] {
        app.clock.advance(Duration::from_secs(2));
        tokens = Tokens::of(&from(&tokens.refresh, address).await);
        assert_eq!(app.count_audit_events("refreshed_from_new_network").await, events, "{address}");
    }
}
