//! Logout tokens for clients: T104, S147 to S149; §3 abuse 26, 31, 37.

use std::time::Duration;

use serde_json::{Value, json};
use tms_portal::domain::client_uris::ClientEndpoint;
use tms_portal::domain::ids::UserId;
use tms_portal::server::service::platform::rng::Secret;

use super::{NOTICES, claims, id_token, signed_in, start};
use crate::app::Answer;
use crate::authorize::{Hub, answer, decide};
use crate::browser::Browser;
use crate::institution::Institution;

const OFFLINE: &str = "openid hosts:read offline_access";
const MINUTE: Duration = Duration::from_secs(60);
const GIVEN_UP: &str = "SELECT client_id || ' ' || user_id || ' ' || subject FROM activity WHERE kind = 'logout_not_delivered'";

#[tokio::test]
async fn logout_token_says_whose_session_has_ended() {
    let (hub, receiver) = start().await;
    let (browser, tokens) = signed_in(&hub, OFFLINE).await;
    browser.post("/sign-out", &[]).await;
    assert_eq!(receiver.take(), Vec::<String>::new(), "nobody waits for it");
    assert_eq!((hub.send_notices().await, hub.app.number(NOTICES).await), (1, 0));
    let [token] = <[String; 1]>::try_from(receiver.take()).expect("one token");
    let keys: jsonwebtoken::jwk::JwkSet =
        serde_json::from_value(Answer::of(hub.app.http.get(hub.app.tenant("/oauth/jwks"))).await.body).expect("keys");
    let header = jsonwebtoken::decode_header(&token).expect("a header");
    assert_eq!((header.typ.as_deref(), header.alg), (Some("logout+jwt"), jsonwebtoken::Algorithm::RS256));
    let key = keys.find(&header.kid.expect("a kid")).expect("a published key");
    let mut rules = jsonwebtoken::Validation::new(header.alg);
    rules.set_audience(&["hub"]);
    rules.validate_exp = false;
    let key = jsonwebtoken::DecodingKey::from_jwk(key).expect("a key");
    let mut found = jsonwebtoken::decode::<Value>(&token, &key, &rules).expect("a good token").claims;
    assert!(found.as_object_mut().expect("claims").remove("jti").is_some_and(|jti| jti.as_str().is_some_and(|jti| !jti.is_empty())));
    let now = hub.app.services.now().as_seconds();
    let expected = json!({
        "iss": hub.app.tenant(""),
        "sub": "testuser1",
        "aud": "hub",
        "iat": now,
        "exp": now + 120,
        "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
        "sid": claims(id_token(&tokens))["sid"],
    });
    assert_eq!(found, expected, "no nonce");
    // It is no ID token, and no access token.
    assert_eq!(hub.app.api("/v1/tms/me", &token).await.status, 401);
    assert_eq!(hub.send_notices().await, 0, "once");
}

/// Ends one of the sessions of a person, who signed in to the client in `browser`; `other` is another one of theirs.
async fn end(hub: &Hub, how: &str, browser: &Browser, other: &Browser) {
    let (services, operator, user) = (&hub.app.services, hub.app.operator("test").await, UserId::parse("testuser1").expect("a user"));
    match how {
        "sign-out" => drop(browser.post("/sign-out", &[]).await),
        "others" => drop(other.post("/api/sessions/end-others", &[]).await),
        "administrator" => assert!(services.end_sessions_of(&operator, &user).await.expect("ended")),
        "password" => services.set_password(&operator, &user, &Secret::from_plaintext("a new long password 7")).await.expect("set"),
        "disabled" => hub.app.switch_person("testuser1", false).await,
        "everything" => {
            let form = other.get("/keys/revoke-everything").await.form("/api/keys/revoke-everything");
            let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(other.post("/api/keys/revoke-everything", &form).await.status, 200);
        }
        "own everything" => {
            let form = browser.get("/keys/revoke-everything").await.form("/api/keys/revoke-everything");
            let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(browser.post("/api/keys/revoke-everything", &form).await.status, 200);
        }
        how => panic!("{how}"),
    }
}

/// S148.
#[tokio::test]
async fn each_end_of_a_session_tells_the_client_once() {
    for how in ["sign-out", "others", "administrator", "password", "disabled", "everything", "own everything"] {
        let (hub, receiver) = start().await;
        let other = hub.app.signed_in().await;
        let (browser, tokens) = signed_in(&hub, OFFLINE).await;
        end(&hub, how, &browser, &other).await;
        assert_eq!(hub.send_notices().await, 1, "{how}");
        let tokens_received = receiver.take();
        assert_eq!(tokens_received.len(), 1, "{how}");
        assert_eq!(claims(&tokens_received[0])["sid"], claims(id_token(&tokens))["sid"], "{how}");
    }
}

/// The same after a sign-out at the institution.
#[tokio::test]
async fn logout_token_of_an_institution_reaches_the_client() {
    let (hub, receiver) = start().await;
    let (institution, browser) = (Institution::start().await, hub.app.browser());
    hub.app.add_institution(&institution, "open").await;
    browser.upstream_login(&institution, "/sign-in/with/test/campus", hub.app.seconds(), &json!({ "sid": "s1" })).await;
    let page = hub.open(&browser, &[("scope", "openid")]).await;
    let code = answer(&decide(&browser, &page, &[("decision", "allow")]).await)["code"].clone();
    let tokens = hub.redeem(&code).await;
    for sid in ["s2", "s1"] {
        assert_eq!(hub.send_notices().await, 0, "{sid}");
        let form = [("logout_token", institution.logout_token(hub.app.seconds(), &json!({ "sid": sid, "sub": null })))];
        let told = hub.app.http.post(hub.app.url("/sign-in/ended/test/campus")).form(&form).send().await.expect("an answer");
        assert_eq!(told.status(), 200);
    }
    assert_eq!(hub.send_notices().await, 1);
    assert_eq!(claims(&receiver.take()[0])["sid"], claims(id_token(&tokens))["sid"]);
}

/// §2.5.
#[tokio::test]
async fn client_is_told_when_the_person_revokes_its_access() {
    let (hub, receiver) = start().await;
    let (browser, _) = signed_in(&hub, OFFLINE).await;
    browser.post("/api/apps/revoke", &[("client", "hub")]).await;
    assert_eq!((hub.send_notices().await, receiver.take().len()), (1, 1));
    browser.post("/sign-out", &[]).await;
    assert_eq!(hub.send_notices().await, 0, "it knows");
}

#[tokio::test]
async fn nobody_is_told_without_reason() {
    let (hub, receiver) = start().await;
    // Without `openid` it knows no session.
    let (browser, _) = signed_in(&hub, "hosts:read offline_access").await;
    browser.post("/sign-out", &[]).await;
    // Signed in nowhere.
    hub.app.signed_in().await.post("/sign-out", &[]).await;
    // The client revokes its own tokens.
    let (_, tokens) = signed_in(&hub, OFFLINE).await;
    let form = [("client_id", "hub"), ("client_secret", hub.secret.as_str()), ("token", &*tokens.token())];
    assert_eq!(hub.app.send("/oauth/revoke", &form).await.status, 200);
    // Its address was removed.
    let (browser, _) = signed_in(&hub, OFFLINE).await;
    browser.post("/sign-out", &[]).await;
    hub.change(|_, uris| uris.backchannel_logout = None).await;
    hub.send_notices().await;
    assert_eq!((hub.app.number(NOTICES).await, receiver.take().len()), (0, 0));
}

/// S149.
#[tokio::test]
async fn failed_delivery_is_repeated_three_times() {
    let (hub, receiver) = start().await;
    let (browser, _) = signed_in(&hub, OFFLINE).await;
    browser.post("/sign-out", &[]).await;
    let mut ids = std::collections::BTreeSet::new();
    for (status, wait) in [(500, MINUTE), (404, 8 * MINUTE), (302, 30 * MINUTE), (400, MINUTE)] {
        receiver.answer(status);
        assert_eq!((hub.send_notices().await, hub.send_notices().await), (1, 0), "{status}");
        let tokens = receiver.take();
        assert_eq!(tokens.len(), 1, "no redirect is followed");
        let now = hub.app.services.now().as_seconds();
        assert_eq!(claims(&tokens[0])["iat"], now, "a new token");
        ids.insert(claims(&tokens[0])["jti"].to_string());
        hub.app.clock.advance(wait);
    }
    assert_eq!((ids.len(), hub.app.number(NOTICES).await, hub.send_notices().await), (4, 0, 0));
    let given_up = hub.app.texts(GIVEN_UP).await;
    assert!(given_up.len() == 1 && given_up[0].starts_with("hub testuser1 ") && given_up[0].contains("HTTP 400"), "{given_up:?}");
}

#[tokio::test]
async fn later_success_needs_no_more_attempts() {
    let (hub, receiver) = start().await;
    let (browser, _) = signed_in(&hub, OFFLINE).await;
    browser.post("/sign-out", &[]).await;
    receiver.answer(503);
    assert_eq!(hub.send_notices().await, 1);
    receiver.answer(204);
    hub.app.clock.advance(MINUTE);
    assert_eq!((hub.send_notices().await, hub.app.number(NOTICES).await), (1, 0));
    assert_eq!((receiver.take().len(), hub.app.texts(GIVEN_UP).await.len()), (2, 0));
}

/// §3 abuse 31: what an administrator registers may not lead to the portal's own network.
#[tokio::test]
async fn address_on_the_own_network_is_for_operators() {
    let (hub, receiver) = start().await;
    let near = ClientEndpoint::parse(&receiver.url(), false).expect("a URL");
    hub.change(|_, uris| uris.backchannel_logout = Some(near)).await;
    let (browser, _) = signed_in(&hub, OFFLINE).await;
    browser.post("/sign-out", &[]).await;
    for wait in [MINUTE, 8 * MINUTE, 30 * MINUTE, MINUTE] {
        assert_eq!(hub.send_notices().await, 1);
        hub.app.clock.advance(wait);
    }
    assert_eq!((receiver.take().len(), hub.app.number(NOTICES).await), (0, 0));
    assert_eq!(hub.app.texts(GIVEN_UP).await, ["hub testuser1 blocked address"]);
}

/// First attempts go before repeated ones, and a client that does not answer leaves places for others.
#[tokio::test]
async fn broken_client_does_not_keep_others_waiting() {
    let (hub, receiver) = start().await;
    hub.app
        .sql(
            "INSERT INTO logout_notices (tenant_id, client_id, session_id, user_id, created_at, due_at)
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20) SELECT 'test', 'hub', 'ses_' || i, 'testuser1', 0, 0 FROM n",
        )
        .await;
    receiver.answer(500);
    assert_eq!((hub.send_notices().await, hub.send_notices().await, hub.send_notices().await, hub.send_notices().await), (8, 8, 4, 0));
    assert_eq!(receiver.take().len(), 20);
}
