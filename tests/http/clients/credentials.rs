//! Client credentials (RFC 6749 §4.4), and what their tokens do at the TMS API.

use std::time::Duration;

use serde_json::{Value, json};
use tms_portal::domain::client::registration::{ClientAuthMethod, ClientSettingsRefused};
use tms_portal::domain::scope::ScopeSet;
use tms_portal::server::service::admin::client_settings::ClientEditRefused;

use super::tms_scopes;
use crate::app::TestApp;
use crate::oauth::{assert_never_stored, claims, error, refused};
use crate::tms::api::{EVERYTHING, key_request, login};
use crate::tms::endpoints::{Who, endpoints};

const HOUR: Duration = Duration::from_secs(60 * 60);

#[tokio::test]
async fn token_names_the_client_and_lasts_an_hour() {
    let app = TestApp::start().await;
    assert_eq!(error(&app.own_token(&[]).await), refused(400, "unauthorized_client"), "it was not given the grant type");
    app.allow_own_tokens().await;
    let answer = app.own_token(&[]).await;
    assert_never_stored(&answer);
    let members: Vec<&str> = answer.body.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(members, ["access_token", "expires_in", "scope", "token_type"], "no refresh token, no ID token");
    assert_eq!((&answer.body["expires_in"], &answer.body["scope"]), (&json!(3_600), &json!(EVERYTHING)));
    let claims = claims(&answer.token());
    assert_eq!((&claims["sub"], &claims["client_id"]), (&json!("client:testclient1"), &json!("testclient1")));
    assert_eq!(claims["exp"].as_i64().expect("a time") - claims["iat"].as_i64().expect("a time"), 3_600);

    let narrowed = app.own_token(&[("scope", "openid keys:read offline_access unknown")]).await;
    assert_eq!(narrowed.body["scope"], "keys:read");
    assert_eq!(error(&app.own_token(&[("scope", "openid offline_access")]).await), refused(400, "invalid_scope"));
    app.change_tenant("test", |tenant| tenant.policy.access_token_lifetime = Duration::from_secs(300)).await;
    assert_eq!(app.own_token(&[]).await.body["expires_in"], 300, "the tenant's policy");
    app.change_tenant("test", |tenant| tenant.policy.access_token_lifetime = 24 * HOUR).await;
    assert_eq!(app.own_token(&[]).await.body["expires_in"], 3_600, "at most an hour");
}

#[tokio::test]
async fn public_client_gets_none() {
    let app = TestApp::start().await;
    let allow = app.edit_client("tms-cli", |client, _| client.grant_types.client_credentials = true).await;
    assert_eq!(allow, Err(ClientEditRefused::Settings(ClientSettingsRefused::PublicClientCredentials)));
    app.sql("UPDATE clients SET grant_types = 'client_credentials' WHERE client_id = 'tms-cli'").await;
    let form = [("grant_type", "client_credentials"), ("client_id", "tms-cli")];
    assert_eq!(error(&app.send("/oauth/token", &form).await), refused(400, "unauthorized_client"));
}

/// T86, S163: it does what the client's headers do.
#[tokio::test]
async fn token_does_what_the_headers_do() {
    let app = TestApp::start().await;
    app.allow_own_tokens().await;
    let token = app.own_token(&[]).await.token();
    let (by_token, by_secret) = (app.bearer(&token), app.client());
    let key = by_token.make_key(json!({})).await;
    assert!(app.unauthenticated().with("x-tms-tenant", "test").gets_key(&login(&key)).await, "a key for a person who delegated");
    app.add_person("test", "eve").await;
    for request in [json!({ "client_user_id": "eve" }), json!({ "host": "nowhere" })] {
        let body = key_request(request);
        assert_eq!(by_token.refused("POST /pubkeys/creds", body.clone()).await, by_secret.refused("POST /pubkeys/creds", body).await);
    }
    let credentials = ["PATCH /client/secret/testclient1", "DELETE /client/del/testclient1"];
    let own = |endpoint: &crate::tms::endpoints::Endpoint| matches!(endpoint.who, Who::Client | Who::Either);
    for endpoint in endpoints("test").into_iter().filter(own) {
        if credentials.contains(&endpoint.call.as_str()) {
            assert_eq!(by_token.refusal(&endpoint.call, endpoint.body).await, 403, "{}", endpoint.call);
            continue;
        }
        // The last one: it disables the client.
        if !endpoint.call.contains("enabled=false") {
            let answers = [by_token.call(&endpoint.call, endpoint.body.clone()).await, by_secret.call(&endpoint.call, endpoint.body).await];
            let messages = answers.each_ref().map(|answer| (answer.status, answer.body["result_msg"].clone()));
            assert_eq!(messages[0], messages[1], "{}", endpoint.call);
        }
    }
    assert_eq!(by_token.with("x-tms-tenant", "test").get("/client/list").await.status, 200, "the tenant may be named");
    assert_eq!(by_token.with("x-tms-tenant", "default").refusal("GET /client/list", Value::Null).await, 400);
}

#[tokio::test]
async fn token_is_for_the_calls_of_clients_only() {
    let app = TestApp::start().await;
    app.allow_own_tokens().await;
    let token = app.own_token(&[]).await.token();
    let client = app.bearer(&token);
    for call in ["GET /me", "GET /me/hosts", "GET /me/keys"] {
        assert_eq!(client.refusal(call, Value::Null).await, 401, "{call}");
    }
    let key = client.make_key(json!({})).await;
    let as_host = client.refused("POST /pubkeys/creds/retrieve", login(&key)).await;
    assert_eq!(as_host, (401, "ERROR: NOT AUTHORIZED - the host credential is not valid.".to_owned()));
    for call in ["GET /usermfa/list", "GET /hosts/list"] {
        assert!(matches!(client.refusal(call, Value::Null).await, 400 | 401), "{call}");
    }
    // A person's token, at the calls of clients.
    let person = app.device_with(EVERYTHING).await;
    for (call, body) in [("GET /client/list", Value::Null), ("GET /pubkeys/list", Value::Null), ("POST /pubkeys/creds", key_request(json!({})))] {
        let answer = person.call(call, body).await;
        assert_eq!(answer.status, 401, "{call}: {}", answer.body);
        assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""), "{call}");
    }
}

/// T87.
#[tokio::test]
async fn token_beside_headers_is_refused() {
    let app = TestApp::start().await;
    app.allow_own_tokens().await;
    let token = format!("Bearer {}", app.own_token(&[]).await.token());
    for credentials in [app.client(), app.client_of("test", "testclient1", "wrong"), app.admin("test").await] {
        let both = credentials.with("authorization", &token);
        assert_eq!(both.refusal("GET /client/list", Value::Null).await, 400);
    }
    let both = app.client().with("authorization", &token);
    assert_eq!(both.refusal("POST /pubkeys/creds", key_request(json!({}))).await, 400);
    assert_eq!(app.client().with("authorization", "Basic eDp5").get("/client/list").await.status, 200, "other schemes are for others");
}

#[tokio::test]
async fn scope_of_the_token_limits_it() {
    let app = TestApp::start().await;
    app.allow_own_tokens().await;
    let client = app.bearer(&app.own_token(&[("scope", "keys:read")]).await.token());
    assert_eq!(client.get("/pubkeys/list").await.status, 200);
    assert_eq!(client.get("/client/testclient1").await.status, 200, "its own registration");
    let refused = client.call("POST /pubkeys/creds", key_request(json!({}))).await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    assert!(refused.header("www-authenticate").contains("error=\"insufficient_scope\", scope=\"keys:create\""), "{:?}", refused.headers);
    // What the client loses, its tokens lose.
    let everything = app.bearer(&app.own_token(&[]).await.token());
    app.edit_client("testclient1", |client, _| client.scope = ScopeSet::parse_known("keys:create")).await.expect("set");
    assert_eq!(everything.refusal("GET /pubkeys/list", Value::Null).await, 403);
    everything.make_key(json!({})).await;
    app.edit_client("testclient1", |client, _| client.scope = ScopeSet::default()).await.expect("set");
    assert_eq!(everything.refusal("POST /pubkeys/creds", key_request(json!({}))).await, 403);
    app.edit_client("testclient1", |client, _| client.scope = tms_scopes()).await.expect("set");
    assert_eq!(everything.get("/pubkeys/list").await.status, 200);
}

/// S104.
#[tokio::test]
async fn token_ends_with_the_credentials_of_its_client() {
    let mut app = TestApp::start().await;
    app.allow_own_tokens().await;
    let new_token = async || app.own_token(&[]).await.token();
    let status = async |token: &str| app.bearer(token).get("/client/list").await.status;

    let token = new_token().await;
    app.clock.advance(HOUR - Duration::from_secs(1));
    assert_eq!(status(&token).await, 200);
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(status(&token).await, 401, "an hour");

    let token = new_token().await;
    app.switch_client("testclient1", false).await;
    assert_eq!(status(&token).await, 401);
    app.switch_client("testclient1", true).await;
    assert_eq!(status(&token).await, 401, "it has ended");

    let token = new_token().await;
    app.client().done("PATCH /client/upd/testclient1?enabled=false", Value::Null).await;
    app.switch_client("testclient1", true).await;
    assert_eq!(status(&token).await, 401, "the same by the API");

    let token = new_token().await;
    app.edit_client("testclient1", |client, _| client.grant_types.client_credentials = false).await.expect("set");
    app.allow_own_tokens().await;
    assert_eq!(status(&token).await, 401, "it was not allowed for a moment");

    let token = new_token().await;
    app.change_tenant("test", |tenant| tenant.enabled = false).await;
    assert_eq!(status(&token).await, 401);
    app.change_tenant("test", |tenant| tenant.enabled = true).await;
    assert_eq!(status(&token).await, 200);

    let made = app.client().done("PATCH /client/secret/testclient1?overlap_minutes=5", Value::Null).await;
    assert_eq!(status(&token).await, 200, "the old secret still works");
    let second = made["client_secret"].as_str().expect("a secret").to_owned();
    let rotating = app.client_of("test", "testclient1", &second);
    let made = rotating.done("PATCH /client/secret/testclient1?overlap_minutes=0", Value::Null).await;
    assert_eq!(status(&token).await, 401, "at once");
    // In the same second.
    let secret = made["client_secret"].as_str().expect("a secret").to_owned();
    let form = [("grant_type", "client_credentials"), ("client_id", "testclient1"), ("client_secret", secret.as_str())];
    let token = app.send("/oauth/token", &form).await.token();
    assert_eq!(status(&token).await, 200, "the new one");
    app.edit_client("testclient1", |client, _| client.auth_method = ClientAuthMethod::None)
        .await
        .expect_err("a public client may not have the grant type");
    assert_eq!(status(&token).await, 200);
    app.restart().await;
    assert_eq!(app.bearer(&token).get("/client/list").await.status, 401, "another issuer: the port of a test portal changes");
}

#[tokio::test]
async fn token_is_revoked_by_its_client() {
    let mut app = TestApp::start().await;
    app.allow_own_tokens().await;
    let (revoked, other) = (app.own_token(&[]).await.token(), app.own_token(&[]).await.token());
    let revoke = async |client: &[(&str, &str)], token: &str| app.send("/oauth/revoke", &[client, &[("token", token)]].concat()).await;
    let own = [("client_id", "testclient1"), ("client_secret", "secret1")];
    let foreign = revoke(&[("client_id", "tms-cli")], &revoked).await;
    assert_eq!(error(&foreign), refused(400, "unauthorized_client"));
    assert_eq!(app.bearer(&revoked).get("/client/list").await.status, 200);
    for _ in 0..2 {
        assert_eq!(revoke(&own, &revoked).await.status, 200);
    }
    assert_eq!(app.bearer(&revoked).get("/client/list").await.status, 401);
    assert_eq!(app.bearer(&other).get("/client/list").await.status, 200);
    let hashes = app.number("SELECT count(*) FROM used_assertions").await;
    app.restart().await;
    assert_eq!((hashes, app.number("SELECT count(*) FROM used_assertions").await), (1, 1), "also over a restart");
    app.clock.advance(HOUR + Duration::from_secs(61));
    app.services.run_housekeeping().await.expect("tidied");
    assert_eq!(app.number("SELECT count(*) FROM used_assertions").await, 0);
}

/// S104: an id can be given again.
#[tokio::test]
async fn token_of_a_deleted_client_is_not_one_of_the_next_with_its_id() {
    let app = TestApp::start().await;
    let register = async || {
        let secret = app.register("again", |client, _| client.grant_types.client_credentials = true).await.expect("a secret");
        let form = [("grant_type", "client_credentials"), ("client_id", "again"), ("client_secret", secret.as_str())];
        (app.send("/oauth/token", &form).await.token(), app.client_of("test", "again", &secret))
    };
    let status = async |token: &str| app.bearer(token).get("/client/list").await.status;
    let (first, client) = register().await;
    assert_eq!(status(&first).await, 200);
    client.done("DELETE /client/del/again", Value::Null).await;
    assert_eq!(status(&first).await, 401);
    app.clock.advance(Duration::from_secs(1));
    let (second, _) = register().await;
    assert_eq!((status(&first).await, status(&second).await), (401, 200));
}

/// A token that was issued beside a replacement of the credentials does not survive it.
#[tokio::test]
async fn no_token_survives_a_replacement_beside_it() {
    let app = TestApp::start().await;
    app.allow_own_tokens().await;
    for _ in 0..5 {
        let secret = app.edit_client("testclient1", |client, _| client.auth_method = ClientAuthMethod::Secret).await;
        assert_eq!(secret, Ok(None), "no change");
        let rotate = app.client();
        let (answers, ()) = tokio::join!(futures_util::future::join_all((0..8).map(|_| app.own_token(&[]))), async {
            drop(rotate.call("PATCH /client/secret/testclient1?overlap_minutes=0", Value::Null).await)
        },);
        for token in answers.iter().filter(|answer| answer.status == 200).map(crate::app::Answer::token) {
            assert_eq!(app.bearer(&token).get("/client/list").await.status, 401);
        }
        // The known secret again.
        app.sql("UPDATE clients SET secret_hash = old_secret_hash WHERE client_id = 'testclient1'").await;
    }
}
