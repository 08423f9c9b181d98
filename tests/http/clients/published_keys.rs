//! Keys that a client publishes (`jwks_uri`).

use std::time::Duration;

use jsonwebtoken::Algorithm;
use serde_json::json;
use tms_portal::domain::client::registration::ClientAuthMethod;
use tms_portal::domain::client_uris::ClientEndpoint;

use super::key_server::KeyServer;
use super::{ClientKey, GATEWAY, key_set};
use crate::app::{Answer, TestApp};
use crate::browser::en;

const MINUTE: Duration = Duration::from_secs(60);

impl TestApp {
    /// Registers [`GATEWAY`] with the URL of its keys, as the operator does: it may be on the portal's network.
    async fn register_published(&self, url: &str) {
        let endpoint = ClientEndpoint::parse(url, true).expect("a URL");
        self.register(GATEWAY, move |client, uris| {
            client.auth_method = ClientAuthMethod::PrivateKeyJwt;
            client.grant_types.client_credentials = true;
            uris.jwks = Some(endpoint);
        })
        .await;
    }

    async fn sign_in_with(&self, key: &ClientKey) -> Answer {
        self.assert_as_gateway(&key.sign(&self.assertion_claims())).await
    }
}

/// S111: an unknown key causes one more fetch a minute.
#[tokio::test]
async fn rotated_keys_are_fetched_once_a_minute() {
    let app = TestApp::start().await;
    let [old, new, made_up] = ["k1", "k2", "k3"].map(|kid| ClientKey::new(kid, Algorithm::ES256));
    let server = KeyServer::start(key_set(&[&old])).await;
    app.register_published(&server.url()).await;
    for _ in 0..3 {
        app.sign_in_with(&old).await.token();
    }
    assert_eq!(server.fetches(), 1, "they are kept");
    server.publish(key_set(&[&new]));
    for key in [&new, &made_up, &new] {
        assert_eq!(app.sign_in_with(key).await.status, 401, "fetched less than a minute ago");
    }
    assert_eq!(server.fetches(), 1);
    app.clock.advance(MINUTE);
    let tried = futures_util::future::join_all((0..8).map(|_| app.sign_in_with(&new))).await;
    assert!(tried.iter().all(|answer| answer.status == 200), "all at once");
    assert_eq!(server.fetches(), 2);
    assert_eq!(app.sign_in_with(&old).await.status, 401, "it is not published any more");
    app.clock.advance(MINUTE);
    for _ in 0..5 {
        assert_eq!(app.sign_in_with(&made_up).await.status, 401);
    }
    assert_eq!(server.fetches(), 3);
    app.sign_in_with(&new).await.token();
}

#[tokio::test]
async fn keys_outlive_their_server_for_an_hour() {
    let app = TestApp::start().await;
    let key = ClientKey::new("k1", Algorithm::ES256);
    let server = KeyServer::start(key_set(&[&key])).await;
    app.register_published(&server.url()).await;
    app.sign_in_with(&key).await.token();
    server.answer(500, String::new());
    app.clock.advance(59 * MINUTE);
    app.sign_in_with(&key).await.token();
    app.clock.advance(2 * MINUTE);
    for _ in 0..3 {
        assert_eq!(app.sign_in_with(&key).await.status, 401);
    }
    assert_eq!(server.fetches(), 2, "a server that fails is not asked more often");
    server.publish(key_set(&[&key]));
    app.clock.advance(MINUTE);
    app.sign_in_with(&key).await.token();
    app.wait_for("SELECT count(*) FROM activity WHERE kind = 'client_request_refused'", 1).await;
    let recorded = app.refused_requests().await.join("\n");
    assert!(recorded.contains("gateway keys_unavailable: invalid response from the provider: HTTP 500"), "{recorded}");
}

#[tokio::test]
async fn other_documents_are_refused() {
    let app = TestApp::start().await;
    let key = ClientKey::new("k1", Algorithm::ES256);
    let server = KeyServer::start(String::new()).await;
    app.register_published(&server.url()).await;
    let private = json!({ "keys": [super::changed(key.public.clone(), &json!({ "d": "AAAA" }))] }).to_string();
    let good = key_set(&[&key]);
    let large = format!("{good}{}", " ".repeat(64 * 1024));
    for (status, body) in [(200, "{}".to_owned()), (200, private), (200, large), (404, good.clone()), (302, good.clone()), (200, "<html>".into())] {
        server.answer(status, body);
        assert_eq!(app.sign_in_with(&key).await.status, 401, "{status}");
        app.clock.advance(MINUTE);
    }
    server.publish(good);
    app.sign_in_with(&key).await.token();
}

/// Administrators cannot make the portal send requests into its own network; the operator can.
#[tokio::test]
async fn administrators_cannot_name_private_addresses() {
    let app = TestApp::start().await;
    let key = ClientKey::new("k1", Algorithm::ES256);
    let server = KeyServer::start(key_set(&[&key])).await;
    app.register_published("https://keys.example/jwks").await;
    let browser = app.signed_in().await;
    let seen = browser.get("/admin/clients/client?client=gateway").await.field("seen");
    let url = server.url();
    let form = [("client", GATEWAY), ("seen", seen.as_str()), ("auth_method", "private_key_jwt"), ("jwks_uri", url.as_str())];
    assert!(browser.post("/api/admin/clients/authentication", &form).await.says(en().admin_saved()));
    assert_eq!(app.sign_in_with(&key).await.status, 401);
    assert_eq!(server.fetches(), 0, "blocked before anything was sent");
    app.wait_for("SELECT count(*) FROM activity WHERE subject = 'keys_unavailable: blocked address'", 1).await;
    let endpoint = ClientEndpoint::parse(&url, true).expect("a URL");
    app.edit_client(GATEWAY, move |_, uris| uris.jwks = Some(endpoint)).await.expect("set");
    app.clock.advance(MINUTE);
    app.sign_in_with(&key).await.token();
    // What the operator allowed stays allowed as long as the address does.
    let seen = browser.get("/admin/clients/client?client=gateway").await.field("seen");
    let form =
        [("client", GATEWAY), ("seen", seen.as_str()), ("auth_method", "private_key_jwt"), ("jwks_uri", url.as_str()), ("endpoint_audience", "yes")];
    browser.post("/api/admin/clients/authentication", &form).await;
    assert_eq!(app.number("SELECT count(*) FROM client_uris WHERE kind = 'jwks' AND unrestricted_egress").await, 1);
}

/// S193: a server that does not answer delays its own client only.
#[tokio::test]
async fn hanging_server_does_not_delay_other_clients() {
    let app = TestApp::start().await;
    let key = ClientKey::new("k1", Algorithm::ES256);
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    app.register_published(&format!("http://{}/jwks", silent.local_addr().expect("its address"))).await;
    app.allow_own_tokens().await;
    let hanging = app.sign_in_with(&key);
    tokio::pin!(hanging);
    let _connection = tokio::select! {
        answer = &mut hanging => panic!("it has answered: {}", answer.body),
        connection = silent.accept() => connection.expect("a connection"),
    };
    let other = tokio::select! {
        answer = &mut hanging => panic!("it has answered: {}", answer.body),
        answer = app.own_token(&[]) => answer,
    };
    other.token();
}
