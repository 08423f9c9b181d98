//! RFC 7662.

use std::time::Duration;

use serde_json::{Value, json};

use super::refresh::Tokens;
use super::{CONFIDENTIAL, assert_never_stored, claims, error, refused};
use crate::app::{Answer, TestApp, no_limits, number};
use crate::clients::READER;

const PATH: &str = "/oauth/introspect";
const INACTIVE: &str = r#"{"active":false}"#;
const HOUR: Duration = Duration::from_secs(60 * 60);

impl TestApp {
    /// Asks about a token as a confidential client.
    pub async fn introspect(&self, client: &str, secret: &str, token: &str) -> Answer {
        self.send(PATH, &[("client_id", client), ("client_secret", secret), ("token", token)]).await
    }

    /// Asks as the client of the test data.
    async fn introspect_as_itself(&self, token: &str) -> Answer {
        self.introspect(CONFIDENTIAL.0, CONFIDENTIAL.1, token).await
    }

    /// The bytes of the response.
    async fn introspected(&self, client: &str, secret: &str, token: &str) -> String {
        let form = [("client_id", client), ("client_secret", secret), ("token", token)];
        let response = self.http.post(self.tenant(PATH)).form(&form).send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        response.text().await.expect("a body")
    }

    async fn is_active(&self, token: &str) -> bool {
        self.introspect_as_itself(token).await.body["active"] == true
    }
}

/// T94.
#[tokio::test]
async fn only_confidential_clients_may_ask() {
    let app = TestApp::start().await;
    let token = app.confidential_program().await.access;
    let (id, secret) = CONFIDENTIAL;
    let clients: [&[(&str, &str)]; 6] = [
        &[],
        &[("client_id", "")],
        &[("client_id", "tms-cli")],
        &[("client_id", id)],
        &[("client_id", id), ("client_secret", "wrong")],
        &[("client_id", "nobody"), ("client_secret", secret)],
    ];
    for client in clients {
        let answer = app.send(PATH, &[client, &[("token", token.as_str())]].concat()).await;
        assert_eq!(error(&answer), refused(401, "invalid_client"), "{client:?}");
    }
    let in_query = format!("{PATH}?token={token}");
    assert_eq!(error(&app.send(&in_query, &[("client_id", id), ("client_secret", secret)]).await), refused(400, "invalid_request"));
    for method in [reqwest::Method::GET, reqwest::Method::PUT] {
        let answer = Answer::of(app.http.request(method, app.tenant(&in_query))).await;
        assert_eq!(error(&answer), refused(405, "invalid_request"));
    }
}

#[tokio::test]
async fn client_learns_about_its_own_access_token() {
    let app = TestApp::start().await;
    let tokens = app.confidential_program().await;
    let issued = claims(&tokens.access);
    let answer = app.introspect_as_itself(&tokens.access).await;
    assert_never_stored(&answer);
    let expected = json!({
        "active": true,
        "scope": "hosts:read keys:read",
        "client_id": CONFIDENTIAL.0,
        "username": "testuser1",
        "token_type": "Bearer",
        "exp": issued["exp"],
        "iat": issued["iat"],
        "sub": "testuser1",
        "aud": app.url("/v1/tms"),
        "iss": app.tenant(""),
        "jti": issued["jti"],
    });
    assert_eq!(answer.body, expected);
    for hint in ["refresh_token", "access_token", "nonsense"] {
        let form = [("client_id", CONFIDENTIAL.0), ("client_secret", CONFIDENTIAL.1), ("token", &tokens.access), ("token_type_hint", hint)];
        assert_eq!(app.send(PATH, &form).await.body["active"], true, "{hint}");
    }
    app.clock.advance(HOUR);
    assert_eq!(app.introspect_as_itself(&tokens.access).await.body, json!({ "active": false }));
}

/// T95, abuse 33: what a client may not know about looks like what never was.
#[tokio::test]
async fn strangers_get_the_same_bytes_for_every_token() {
    let app = TestApp::start().await;
    let reader = app.register_data().await;
    let (own, of_api) = (app.confidential_program().await, app.token().await);
    let at_data = app.data_program().await;
    let ended = app.confidential_program().await;
    let revoke = [("client_id", CONFIDENTIAL.0), ("client_secret", CONFIDENTIAL.1), ("token", &ended.refresh)];
    assert_eq!(app.send("/oauth/revoke", &revoke).await.status, 200);
    let mut forged = at_data.access.clone();
    forged.pop();
    for token in [&own.access, &own.refresh, &of_api, &at_data.refresh, &ended.access, &ended.refresh, &forged] {
        assert_eq!(app.introspected(READER, &reader, token).await, INACTIVE, "{token}");
    }
    for token in [&of_api, &at_data.access, &at_data.refresh, &ended.access, &ended.refresh, &forged] {
        assert_eq!(app.introspected(CONFIDENTIAL.0, CONFIDENTIAL.1, token).await, INACTIVE, "{token}");
    }
    for garbage in ["x", "a.b.c", "tmsr_", "tmsr_AAAA", "\0", "'; DROP TABLE people; --", &"x".repeat(10_000), &format!("{}.", at_data.access)] {
        assert_eq!(app.introspected(READER, &reader, garbage).await, INACTIVE, "{garbage}");
    }
    assert_eq!(app.introspect(READER, &reader, &at_data.access).await.body["active"], true, "a reader of its audience");
}

/// S9: a token of one tenant is unknown at another tenant's endpoint.
#[tokio::test]
async fn token_of_another_tenant_is_inactive() {
    let app = TestApp::start().await;
    let token = app.confidential_program().await.access;
    app.sql(
        "INSERT INTO clients (number, tenant_id, client_id, app_name, app_version, secret_hash, enabled, verified, device_grant, scope, created_at, updated_at)
         SELECT number + 1000, 'default', client_id, app_name, app_version, secret_hash, enabled, verified, device_grant, scope, created_at, updated_at
         FROM clients WHERE tenant_id = 'test' AND client_id = 'testclient1'",
    )
    .await;
    let form = [("client_id", CONFIDENTIAL.0), ("client_secret", CONFIDENTIAL.1), ("token", &*token)];
    let answer = Answer::of(app.http.post(app.url("/t/default/oauth/introspect")).form(&form)).await;
    assert_eq!((answer.status, answer.body), (200, json!({ "active": false })));
}

/// T96, S129.
#[tokio::test]
async fn refresh_token_is_told_to_its_own_client_only() {
    let app = TestApp::start().await;
    let reader = app.register_data().await;
    let tokens = app.confidential_program().await;
    let answer = app.introspect_as_itself(&tokens.refresh).await;
    let seconds = app.services.now().as_seconds();
    assert_eq!((&answer.body["token_type"], &answer.body["scope"]), (&json!("refresh_token"), &json!("hosts:read keys:read offline_access")));
    assert_eq!((&answer.body["aud"], &answer.body["iss"]), (&json!(app.tenant("")), &json!(app.tenant(""))), "it is for the authorization server");
    assert_eq!((&answer.body["exp"], &answer.body["iat"]), (&json!(seconds + 8 * 3_600), &json!(seconds)), "the authorization ends first");
    assert_eq!((&answer.body["sub"], &answer.body["username"]), (&json!("testuser1"), &json!("testuser1")));
    assert_eq!(app.introspected(READER, &reader, &tokens.refresh).await, INACTIVE);
}

/// S131: each cause counts at the next question.
#[tokio::test]
async fn ended_token_is_inactive_at_once() {
    let app = TestApp::start().await;
    let tokens = app.confidential_program().await;
    assert!(app.is_active(&tokens.access).await && app.is_active(&tokens.refresh).await);
    app.switch_person("testuser1", false).await;
    assert!(!app.is_active(&tokens.access).await && !app.is_active(&tokens.refresh).await);
    app.switch_person("testuser1", true).await;
    assert!(app.is_active(&tokens.access).await && app.is_active(&tokens.refresh).await, "nothing had ended");
    app.edit_client(CONFIDENTIAL.0, |client, _| client.grant_types.refresh_token = false).await.expect("changed");
    assert!(app.is_active(&tokens.access).await && !app.is_active(&tokens.refresh).await);
    app.edit_client(CONFIDENTIAL.0, |client, _| client.device_grant = false).await.expect("changed");
    assert!(!app.is_active(&tokens.access).await);
    app.edit_client(CONFIDENTIAL.0, |client, _| client.device_grant = true).await.expect("changed");
    let revoke = [("client_id", CONFIDENTIAL.0), ("client_secret", CONFIDENTIAL.1), ("token", &tokens.access)];
    assert_eq!(app.send("/oauth/revoke", &revoke).await.status, 200);
    assert!(!app.is_active(&tokens.access).await && !app.is_active(&tokens.refresh).await);
}

#[tokio::test]
async fn scope_is_what_the_client_may_use_now() {
    let app = TestApp::start().await;
    let tokens = app.confidential_program().await;
    app.edit_client(CONFIDENTIAL.0, |client, _| client.scope = client.scope.clone().without(tms_portal::domain::scope::Scope::KeysRead))
        .await
        .expect("changed");
    assert_eq!(app.introspect_as_itself(&tokens.access).await.body["scope"], "hosts:read");
}

#[tokio::test]
async fn client_learns_about_the_token_it_got_for_itself() {
    let app = TestApp::start().await;
    let reader = app.register_data().await;
    app.edit_client(CONFIDENTIAL.0, |client, _| client.grant_types.client_credentials = true).await.expect("allowed");
    let form = [("grant_type", "client_credentials"), ("client_id", CONFIDENTIAL.0), ("client_secret", CONFIDENTIAL.1), ("scope", "keys:read")];
    let token = app.send("/oauth/token", &form).await.token();
    let answer = app.introspect_as_itself(&token).await.body;
    assert_eq!((&answer["sub"], &answer["scope"]), (&json!("client:testclient1"), &json!("keys:read")));
    assert_eq!(answer.get("username"), None::<&Value>);
    assert_eq!(app.introspected(READER, &reader, &token).await, INACTIVE);
    app.edit_client(CONFIDENTIAL.0, |client, _| client.grant_types.client_credentials = false).await.expect("changed");
    assert!(!app.is_active(&token).await);
}

/// T68, S132: a token that a resource server has asked about was used, so that its predecessor is not accepted any more.
#[tokio::test]
async fn introspection_counts_as_use() {
    for asks in [false, true] {
        let app = TestApp::start().await;
        let reader = app.register_data().await;
        let first = app.data_program().await;
        let second = Tokens::of(&app.refresh(&first.refresh).await);
        if asks {
            assert_eq!(app.introspect(READER, &reader, &second.access).await.body["active"], true);
            app.wait_for("SELECT count(*) FROM token_families WHERE successor_seen = true", 1).await;
        }
        app.clock.advance(Duration::from_secs(61));
        let late = app.refresh(&first.refresh).await;
        assert_eq!(late.status, if asks { 400 } else { 200 }, "{}", late.body);
        let ended = app.introspect(READER, &reader, &second.access).await.body["active"] == false;
        assert_eq!(ended, asks, "reuse ends all");
    }
}

#[tokio::test]
async fn questions_of_authenticated_clients_are_not_limited() {
    let app = TestApp::start_with(tms_portal::server::state::RequestLimits { oauth_requests: number(3), ..no_limits() }).await;
    for _ in 0..10 {
        assert!(!app.is_active("x").await);
    }
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(app.send(PATH, &[("token", "x")]).await.status);
    }
    assert_eq!(statuses, [401, 401, 401, 429, 429]);
    assert_eq!(app.introspect_as_itself("x").await.status, 429, "from the same network");
}
