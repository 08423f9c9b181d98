//! ID tokens: T98 to T100, T105, S136 to S141, S144, S98.

use std::time::Duration;

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tms_portal::domain::scope::ScopeSet;
use tms_portal::domain::signing_key::SigningAlgorithm;

use super::{EVERYTHING, claims, id_token, refresh, start};
use crate::authorize::{CALLBACK, answer, asks, decide, error_of, redirect};
use crate::browser::en;

const SECOND: Duration = Duration::from_secs(1);

/// The part of an object that is compared.
fn part(claims: &Value, names: &[&str]) -> Value {
    names.iter().map(|name| ((*name).to_owned(), claims[*name].clone())).collect::<serde_json::Map<_, _>>().into()
}

#[tokio::test]
async fn id_token_says_who_signed_in_and_when() {
    let hub = start().await;
    let browser = hub.app.signed_in().await;
    let signed_in_at = hub.app.services.now().as_seconds();
    hub.app.clock.advance(5 * SECOND);
    let page = hub.open(&browser, &[("nonce", "n-0S6_\u{e9} \"&"), ("scope", "openid")]).await;
    let code = answer(&decide(&browser, &page, &[("decision", "allow")]).await)["code"].clone();
    let tokens = hub.redeem(&code).await;
    let mut claims = claims(&hub, &tokens).await;
    let members = claims.as_object_mut().expect("claims");
    let (sid, at_hash) = (members.remove("sid").expect("a sid"), members.remove("at_hash").expect("an at_hash"));
    assert!(sid.as_str().is_some_and(|sid| sid.len() == 43) && at_hash.as_str().is_some_and(|hash| hash.len() == 22), "{sid} {at_hash}");
    let expected = json!({
        "iss": hub.app.tenant(""),
        "sub": "testuser1",
        "aud": "hub",
        "iat": signed_in_at + 5,
        "exp": signed_in_at + 5 + 60 * 60,
        "auth_time": signed_in_at,
        "nonce": "n-0S6_\u{e9} \"&",
        "acr": "https://refeds.org/profile/sfa",
    });
    assert_eq!(claims, expected, "these claims and no others");
}

#[tokio::test]
async fn there_is_no_id_token_without_openid() {
    let hub = start().await;
    let (code, _) = hub.code(&[("scope", "hosts:read offline_access"), ("nonce", "n")]).await;
    let tokens = hub.redeem(&code).await;
    assert!(tokens.status == 200 && tokens.body.get("id_token").is_none(), "{}", tokens.body);
    let refreshed = refresh(&hub, &tokens, "").await;
    assert!(refreshed.status == 200 && refreshed.body.get("id_token").is_none(), "{}", refreshed.body);
    let device = hub.app.start_device_of(&[("client_id", "tms-cli"), ("scope", "openid hosts:read")]).await;
    hub.app.allow(&device).await;
    let polled = hub.app.poll(&device).await;
    assert!(polled.status == 200 && polled.body.get("id_token").is_none(), "tms-cli may not ask who the person is: {}", polled.body);
}

#[tokio::test]
async fn client_can_have_es256() {
    let hub = start().await;
    hub.change(|client, _| client.id_token_algorithm = SigningAlgorithm::Es256).await;
    let (code, _) = hub.code(&[]).await;
    let tokens = hub.redeem(&code).await;
    hub.app.id_token_claims(id_token(&tokens), "hub", Algorithm::ES256).await;
    assert_eq!(jsonwebtoken::decode_header(tokens.token()).expect("a header").alg, Algorithm::RS256, "other services verify the access token");
}

/// S118, S128.
#[tokio::test]
async fn access_token_and_introspection_say_when_the_person_signed_in() {
    let hub = start().await;
    let (code, _) = hub.code(&[EVERYTHING]).await;
    let tokens = hub.redeem(&code).await;
    let names = ["auth_time", "acr"];
    let expected = part(&claims(&hub, &tokens).await, &names);
    let access = jsonwebtoken::dangerous::insecure_decode::<Value>(&tokens.token()).expect("a token").claims;
    assert_eq!(part(&access, &names), expected);
    let refresh = tokens.body["refresh_token"].as_str().expect("a refresh token");
    for token in [&*tokens.token(), refresh] {
        let form = [("client_id", "hub"), ("client_secret", &*hub.secret), ("token", token)];
        let answer = hub.app.send("/oauth/introspect", &form).await;
        assert_eq!((part(&answer.body, &names), &answer.body["active"]), (expected.clone(), &json!(true)));
    }
}

/// OpenID Connect Core §12.2.
#[tokio::test]
async fn refreshed_id_token_tells_of_the_same_sign_in() {
    let hub = start().await;
    let (code, _) = hub.code(&[EVERYTHING, ("nonce", "once")]).await;
    let tokens = hub.redeem(&code).await;
    let first = claims(&hub, &tokens).await;
    hub.app.clock.advance(30 * 60 * SECOND);
    let refreshed = refresh(&hub, &tokens, "").await;
    let second = claims(&hub, &refreshed).await;
    let same = ["iss", "sub", "aud", "auth_time", "acr", "sid", "name", "preferred_username"];
    assert_eq!(part(&first, &same), part(&second, &same));
    assert_eq!((&first["nonce"], second.get("nonce")), (&json!("once"), None));
    assert_eq!(second["iat"].as_i64(), first["iat"].as_i64().map(|at| at + 30 * 60));
    assert_ne!(first["at_hash"], second["at_hash"]);
    let narrowed = claims(&hub, &refresh(&hub, &refreshed, "openid email").await).await;
    assert!(narrowed.get("name").is_none() && narrowed["sub"] == "testuser1", "{narrowed}");
    let without = refresh(&hub, &refreshed, "profile").await;
    assert!(without.status == 200 && without.body.get("id_token").is_none(), "{}", without.body);
}

#[tokio::test]
async fn session_has_one_name_for_a_client() {
    let hub = start().await;
    let secret = hub.app.register("other", |client, uris| {
        client.grant_types.authorization_code = true;
        client.scope = ScopeSet::parse_known("openid");
        uris.redirect = vec![redirect(CALLBACK)];
    });
    let secret = secret.await.expect("a secret");
    let (browser, another) = (hub.app.signed_in().await, hub.app.signed_in().await);
    let mut names = Vec::new();
    for (browser, scope) in [(&browser, "openid"), (&browser, "openid offline_access"), (&another, "openid")] {
        let page = hub.open(browser, &[("scope", scope)]).await;
        let answered = if asks(&page) { decide(browser, &page, &[("decision", "allow")]).await } else { page };
        let tokens = hub.redeem(&answer(&answered)["code"]).await;
        names.push(claims(&hub, &tokens).await["sid"].clone());
    }
    let page = hub.open(&browser, &[("client_id", "other")]).await;
    let code = answer(&decide(&browser, &page, &[("decision", "allow")]).await)["code"].clone();
    let tokens = hub.redeem_with(&code, &[("client_id", "other"), ("client_secret", &secret)]).await;
    let of_other = hub.app.id_token_claims(id_token(&tokens), "other", Algorithm::RS256).await["sid"].clone();
    assert_eq!(names[0], names[1], "one session");
    assert!(names[0] != names[2] && names[0] != of_other, "another session, another client: {names:?} {of_other}");
}

/// S85: a device has no browser session, and nobody signed in to it.
#[tokio::test]
async fn device_gets_an_id_token() {
    let hub = start().await;
    hub.change(|client, _| client.device_grant = true).await;
    let form = [("client_id", "hub"), ("client_secret", hub.secret.as_str()), ("scope", "openid profile hosts:read")];
    let device = hub.app.start_device_of(&form).await;
    hub.app.allow(&device).await;
    let poll = [
        ("grant_type", crate::app::DEVICE_CODE_GRANT),
        ("device_code", device.device_code.as_str()),
        ("client_id", "hub"),
        ("client_secret", hub.secret.as_str()),
    ];
    let claims = claims(&hub, &hub.app.poll_with(&poll).await).await;
    assert_eq!(part(&claims, &["sub", "name"]), json!({ "sub": "testuser1", "name": "Test User" }));
    assert!(claims.get("auth_time").is_none() && claims.get("acr").is_none() && claims["sid"].is_string(), "{claims}");
}

/// T31, S41.
#[tokio::test]
async fn id_token_hint_names_the_person() {
    let hub = start().await;
    hub.app.add_person("test", "eve").await;
    let (code, browser) = hub.code(&[]).await;
    let token = id_token(&hub.redeem(&code).await).to_owned();
    let eve = hub.app.signed_in_as("test", "eve", crate::app::PASSWORD).await;
    let hint = ("id_token_hint", token.as_str());
    assert!(asks(&hub.open(&browser, &[hint, ("prompt", "consent")]).await), "the same person");
    let page = hub.open(&eve, &[hint]).await;
    assert!(page.says(en().authorize_other_person("hub")) && !asks(&page), "{}", page.words());
    assert_eq!(error_of(&hub.open(&eve, &[hint, ("prompt", "none")]).await), "login_required");
    hub.app.clock.advance(2 * 60 * 60 * SECOND);
    let eve = hub.app.signed_in_as("test", "eve", crate::app::PASSWORD).await;
    assert_eq!(error_of(&hub.open(&eve, &[hint, ("prompt", "none")]).await), "login_required", "it has expired, and is a hint still");
    for foreign in ["x", &format!("{token}x"), "eyJhbGciOiJub25lIn0.e30."] {
        assert!(asks(&hub.open(&eve, &[("id_token_hint", foreign), ("prompt", "consent")]).await), "{foreign}");
    }
}

/// S122: tokens of one kind are no tokens of another.
#[tokio::test]
async fn id_token_is_no_access_token() {
    let hub = start().await;
    let (code, _) = hub.code(&[("scope", "openid hosts:read")]).await;
    let tokens = hub.redeem(&code).await;
    let token = id_token(&tokens).to_owned();
    assert_eq!(hub.app.api("/v1/tms/me", &token).await.status, 401);
    assert_eq!(hub.app.userinfo(&token).await.status, 401);
    let form = [("client_id", "hub"), ("client_secret", hub.secret.as_str()), ("token", &token)];
    assert_eq!(hub.app.send("/oauth/introspect", &form).await.body, json!({ "active": false }));
    hub.app.add_person("test", "eve").await;
    let eve = hub.app.signed_in_as("test", "eve", crate::app::PASSWORD).await;
    let access = tokens.token();
    assert!(asks(&hub.open(&eve, &[("id_token_hint", access.as_str())]).await), "an access token is no hint");
}
