//! The token endpoint's grant type `authorization_code` (RFC 6749 §4.1.3, RFC 7636 §4.5, RFC 9700 §4.5).

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tms_portal::domain::client::registration::PkceRule;
use tms_portal::domain::scope::ScopeSet;

use super::{CALLBACK, Changes, HOUR, Hub, VERIFIER, answer, asks, decide, redirect};
use crate::app::{Answer, TestApp};
use crate::oauth::{assert_never_stored, error, refused};
use crate::tms::api::login;
use crate::tms::endpoints::OWN_KEY;

const SCOPE: (&str, &str) = ("scope", "openid hosts:read keys:read offline_access");
/// Another verifier, as good as the right one.
const OTHER_VERIFIER: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// Whether the access token works at the TMS API.
async fn is_live(app: &TestApp, token: &str) -> bool {
    match app.api("/v1/tms/me", token).await.status {
        200 => true,
        401 => false,
        status => panic!("{status}"),
    }
}

fn assert_refused(answer: &Answer) {
    assert_eq!(error(answer), refused(400, "invalid_grant"));
}

/// T54, S83, S84.
#[tokio::test]
async fn code_gets_tokens() {
    let hub = Hub::start().await;
    let (code, browser) = hub.code(&[SCOPE]).await;
    hub.app.clock.advance(Duration::from_secs(59));
    let tokens = hub.redeem(&code).await;
    assert_never_stored(&tokens);
    let members: Vec<&str> = tokens.body.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(
        members,
        ["access_token", "authorization_expires_in", "expires_in", "id_token", "refresh_token", "refresh_token_timeout", "scope", "token_type"]
    );
    assert_eq!(tokens.body["scope"], "hosts:read keys:read offline_access openid");
    assert_eq!((&tokens.body["token_type"], &tokens.body["authorization_expires_in"]), (&Value::from("Bearer"), &Value::from(28_800 - 59)));
    let me = hub.app.api("/v1/tms/me", &tokens.token()).await;
    assert_eq!((me.status, me.body["tms_user_id"].as_str()), (200, Some("testuser1")));
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "hub"),
        ("client_secret", hub.secret.as_str()),
        ("refresh_token", tokens.body["refresh_token"].as_str().expect("a refresh token")),
    ];
    assert_eq!(hub.app.send("/oauth/token", &form).await.status, 200);
    assert_eq!(hub.app.count_audit_events("signed_in_at_client").await, 1);
    let apps = browser.get("/apps").await;
    assert!(apps.says("hub"), "the person can withdraw it: {}", apps.words());
}

/// S84.
#[tokio::test]
async fn refresh_token_needs_grant_type_and_scope() {
    let hub = Hub::start().await;
    let (code, _) = hub.code(&[("scope", "openid hosts:read")]).await;
    assert!(hub.redeem(&code).await.body.get("refresh_token").is_none());
    hub.change(|client, _| client.grant_types.refresh_token = false).await;
    let (code, _) = hub.code(&[SCOPE]).await;
    let tokens = hub.redeem(&code).await;
    assert!(tokens.status == 200 && tokens.body.get("refresh_token").is_none(), "{}", tokens.body);
}

/// T55 to T57, S76 to S79.
#[tokio::test]
async fn mismatch_leaves_the_code_valid() {
    let hub = Hub::start().await;
    let other = hub.app.register("other", |client, uris| {
        client.grant_types.authorization_code = true;
        uris.redirect = vec![redirect(CALLBACK)];
    });
    let other = other.await.expect("a secret");
    let (code, _) = hub.code(&[SCOPE]).await;
    for changes in [
        &[("client_id", "other"), ("client_secret", &*other)][..],
        &[("redirect_uri", "https://hub.example.org/other")],
        &[("code_verifier", OTHER_VERIFIER)],
        &[("code_verifier", "")],
    ] {
        assert_refused(&hub.redeem_with(&code, changes).await);
    }
    assert_eq!(hub.redeem_with(&code, &[("redirect_uri", "")]).await.status, 200, "the challenge binds the code to the request");
    hub.app.wait_for("SELECT count(*) FROM activity WHERE kind = 'client_request_refused'", 4).await;
    let mut recorded = hub.app.refused_requests().await;
    recorded.sort();
    assert_eq!(recorded, ["hub code_redirect_uri", "hub code_verifier_missing", "hub code_verifier_wrong", "other code_of_another_client"]);
    for wrong in ["", "x", &code[1..], &format!("{code}A"), &code.to_lowercase()] {
        assert_ne!(hub.redeem_with(&code, &[("code", wrong)]).await.status, 200);
    }
}

/// T57, S79; §3 abuse 3.
#[tokio::test]
async fn fifth_mismatch_ends_the_code() {
    let hub = Hub::start().await;
    for (tries, status) in [(4, 200), (5, 400)] {
        let (code, _) = hub.code(&[SCOPE]).await;
        for _ in 0..tries {
            assert_refused(&hub.redeem_with(&code, &[("code_verifier", OTHER_VERIFIER)]).await);
        }
        assert_eq!(hub.redeem(&code).await.status, status, "{tries}");
    }
    assert_eq!(hub.app.count_audit_events("authorization_code_replayed").await, 0);
}

/// T56, T58, S77, S78; §3 abuse 4.
#[tokio::test]
async fn code_without_challenge_takes_no_verifier() {
    let hub = Hub::start().await;
    hub.change(|client, _| client.pkce = PkceRule::Off).await;
    let without: Changes<'_> = &[SCOPE, ("code_challenge", ""), ("code_challenge_method", "")];
    let (code, _) = hub.code(without).await;
    assert_refused(&hub.redeem(&code).await);
    assert_refused(&hub.redeem_with(&code, &[("code_verifier", ""), ("redirect_uri", "")]).await);
    assert_eq!(hub.redeem_with(&code, &[("code_verifier", "")]).await.status, 200);
}

/// T59, S76.
#[tokio::test]
async fn code_expires_after_a_minute() {
    let hub = Hub::start().await;
    let (code, _) = hub.code(&[SCOPE]).await;
    hub.app.clock.advance(Duration::from_secs(61));
    assert_refused(&hub.redeem(&code).await);
}

/// T60, S80.
#[tokio::test]
async fn exactly_one_concurrent_request_gets_tokens() {
    let hub = Hub::start().await;
    let (code, _) = hub.code(&[SCOPE]).await;
    let answers = join_all((0..32).map(|_| hub.redeem(&code))).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!(won.len(), 1);
    lost.iter().for_each(assert_refused);
    assert!(is_live(&hub.app, &won[0].token()).await);
    assert_eq!(hub.app.number("SELECT count(*) FROM token_families WHERE client_id = 'hub'").await, 1);
}

/// T61, S81; §3 abuse 18.
#[tokio::test]
async fn valid_repetition_ends_what_the_code_gave() {
    let hub = Hub::start().await;
    let (code, _) = hub.code(&[("scope", "openid hosts:read keys:create offline_access")]).await;
    let token = hub.redeem(&code).await.token();
    let key = json!({ "host": "testhost1", "host_account": "testhostaccount1", "public_key": OWN_KEY });
    let key = hub.app.bearer(&token).done("POST /me/keys", key).await;
    assert!(hub.app.unauthenticated().gets_key(&login(&key)).await);
    hub.app.clock.advance(Duration::from_millis(500));
    assert_refused(&hub.redeem(&code).await);
    assert!(is_live(&hub.app, &token).await, "a network may deliver a request twice");
    hub.app.clock.advance(Duration::from_millis(1_500));
    assert_refused(&hub.redeem(&code).await);
    assert!(!is_live(&hub.app, &token).await && !hub.app.unauthenticated().gets_key(&login(&key)).await);
    assert_eq!(hub.app.number("SELECT count(*) FROM delegations WHERE client_id = 'hub' AND ended_at IS NULL").await, 0);
    assert_eq!(hub.app.texts("SELECT end_reason FROM authorizations WHERE client_id = 'hub'").await, ["code_replay"]);
    assert_eq!(hub.app.count_audit_events("authorization_code_replayed").await, 1);
}

/// Only what the code gave: not what the person allowed before.
#[tokio::test]
async fn repetition_under_a_consent_in_force_ends_that_sign_in_only() {
    let hub = Hub::start().await;
    let browser = hub.app.signed_in().await;
    let page = hub.open(&browser, &[SCOPE]).await;
    let first = answer(&decide(&browser, &page, &[("decision", "allow"), ("lifetime", "604800")]).await)["code"].clone();
    let first = hub.redeem(&first).await.token();
    let code = answer(&hub.open(&browser, &[SCOPE]).await)["code"].clone();
    let second = hub.redeem(&code).await.token();
    hub.app.clock.advance(Duration::from_secs(2));
    assert_refused(&hub.redeem(&code).await);
    assert_eq!((is_live(&hub.app, &first).await, is_live(&hub.app, &second).await), (true, false));
}

/// T62, S81.
#[tokio::test]
async fn invalid_repetition_ends_nothing() {
    let hub = Hub::start().await;
    let (code, _) = hub.code(&[SCOPE]).await;
    let token = hub.redeem(&code).await.token();
    hub.app.clock.advance(Duration::from_secs(2));
    for changes in [[("code_verifier", OTHER_VERIFIER)], [("code_verifier", "")], [("redirect_uri", "https://hub.example.org/other")]] {
        assert_refused(&hub.redeem_with(&code, &changes).await);
    }
    assert!(is_live(&hub.app, &token).await);
}

/// T63, T64, S82.
#[tokio::test]
async fn what_the_code_gives_may_have_ended() {
    for what in ["person", "tenant", "authorization", "scope", "grant type"] {
        let hub = Hub::start().await;
        let (code, browser) = hub.code(&[SCOPE]).await;
        match what {
            "person" => hub.app.switch_person("testuser1", false).await,
            "tenant" => hub.app.change_tenant("test", |tenant| tenant.enabled = false).await,
            "authorization" => {
                let app = hub.app.texts("SELECT number || '' FROM delegations WHERE client_id = 'hub'").await.remove(0);
                browser.post("/api/apps/end", &[("app", &app)]).await;
            }
            "scope" => hub.change(|client, _| client.scope = ScopeSet::parse_known("keys:create")).await,
            _ => hub.change(|client, _| client.grant_types.authorization_code = false).await,
        }
        let answer = hub.redeem(&code).await;
        let expected = match what {
            "tenant" => (404, "invalid_request"),
            "scope" => (400, "invalid_scope"),
            "grant type" => (400, "unauthorized_client"),
            _ => (400, "invalid_grant"),
        };
        assert_eq!((answer.status, answer.error()), expected, "{what}");
        assert_eq!(hub.app.number("SELECT count(*) FROM token_families WHERE client_id = 'hub'").await, 0, "{what}");
    }
}

/// T65.
#[tokio::test]
async fn failure_leaves_the_code_valid() {
    let hub = Hub::start().await;
    let (code, _) = hub.code(&[SCOPE]).await;
    hub.app.refuse_writes("INSERT", "token_families").await;
    assert_eq!(error(&hub.redeem(&code).await), refused(500, "server_error"));
    hub.app.allow_writes("token_families").await;
    assert_eq!(hub.redeem(&code).await.status, 200);
}

/// The person allowed it, and the client never came.
#[tokio::test]
async fn unredeemed_code_gives_nothing() {
    let hub = Hub::start().await;
    let (_, browser) = hub.code(&[SCOPE]).await;
    hub.app.clock.advance(Duration::from_secs(61));
    hub.app.services.run_housekeeping().await.expect("tidied");
    assert_eq!(hub.app.texts("SELECT end_reason FROM authorizations WHERE client_id = 'hub'").await, ["unredeemed"]);
    assert_eq!(hub.app.number("SELECT count(*) FROM delegations WHERE client_id = 'hub' AND ended_at IS NULL").await, 0);
    assert_eq!(hub.app.count_audit_events("authorization_lapsed").await, 1);
    assert!(!browser.get("/apps").await.says("hub"));
    hub.app.clock.advance(Duration::from_secs(25 * HOUR));
    hub.app.services.run_housekeeping().await.expect("tidied");
    assert_eq!(hub.app.number("SELECT count(*) FROM authorization_requests").await, 0);
}

/// Another tab got a code under the authorization of one that was never redeemed.
#[tokio::test]
async fn unredeemed_code_leaves_what_another_code_uses() {
    let hub = Hub::start().await;
    let browser = hub.app.signed_in().await;
    let page = hub.open(&browser, &[SCOPE]).await;
    answer(&decide(&browser, &page, &[("decision", "allow"), ("lifetime", "604800")]).await);
    hub.app.clock.advance(Duration::from_secs(30));
    let second = answer(&hub.open(&browser, &[SCOPE]).await)["code"].clone();
    hub.app.clock.advance(Duration::from_secs(31));
    hub.app.services.run_housekeeping().await.expect("tidied");
    let token = hub.redeem(&second).await.token();
    hub.app.clock.advance(Duration::from_secs(61));
    hub.app.services.run_housekeeping().await.expect("tidied");
    assert!(is_live(&hub.app, &token).await);
    assert_eq!(hub.app.count_audit_events("authorization_lapsed").await, 0);
}

/// S76, S150: the sign-in of a program that ends with the browser session does not begin after it.
#[tokio::test]
async fn code_ends_with_the_session_unless_access_outlives_it() {
    let hub = Hub::start().await;
    for (scope, status) in [("openid hosts:read", 400), ("openid hosts:read offline_access", 200)] {
        let (code, browser) = hub.code(&[("scope", scope)]).await;
        browser.post("/sign-out", &[]).await;
        let answer = hub.redeem(&code).await;
        assert_eq!(answer.status, status, "{scope}: {}", answer.body);
    }
}

/// S125: what a person allowed to a device of the same client is no consent to the application, nor are its lifetimes.
#[tokio::test]
async fn authorization_of_a_device_is_no_consent_in_force() {
    let hub = Hub::start().await;
    let browser = hub.app.signed_in().await;
    let page = hub.open(&browser, &[SCOPE]).await;
    let code = answer(&decide(&browser, &page, &[("decision", "allow"), ("lifetime", "604800")]).await)["code"].clone();
    hub.redeem(&code).await.token();
    assert!(hub.open(&browser, &[SCOPE]).await.left_for.is_some());
    hub.app.sql("UPDATE authorizations SET origin = 'device' WHERE client_id = 'hub'").await;
    assert!(asks(&hub.open(&browser, &[SCOPE]).await));
}

/// Of two tenants of one portal; §3 abuse 2.
#[tokio::test]
async fn code_is_of_its_tenant() {
    let hub = Hub::start().await;
    let (code, _) = hub.code(&[SCOPE]).await;
    let foreign = Answer::of(hub.app.http.post(hub.app.url("/t/default/oauth/token")).form(&hub.redemption(&code))).await;
    assert_eq!(error(&foreign), refused(401, "invalid_client"));
    assert_eq!(hub.redeem_with(&code, &[("code_verifier", VERIFIER)]).await.status, 200);
}

/// A client that may no longer use the flow logs in nowhere, whether or not it may use the device flow.
#[tokio::test]
async fn keys_depend_on_the_grant_type_of_their_flow() {
    let hub = Hub::start().await;
    let (code, _) = hub.code(&[("scope", "hosts:read keys:create")]).await;
    let token = hub.redeem(&code).await.token();
    let key = json!({ "host": "testhost1", "host_account": "testhostaccount1", "public_key": OWN_KEY });
    let key = hub.app.bearer(&token).done("POST /me/keys", key).await;
    for (device_grant, authorization_code) in [(true, false), (false, true)] {
        hub.change(move |client, _| (client.device_grant, client.grant_types.authorization_code) = (device_grant, authorization_code)).await;
        assert_eq!(hub.app.unauthenticated().gets_key(&login(&key)).await, authorization_code);
        assert_eq!(is_live(&hub.app, &token).await, authorization_code);
    }
}
