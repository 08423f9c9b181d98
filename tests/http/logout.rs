//! Sign-out and clients: OpenID Connect RP-Initiated Logout 1.0 and Back-Channel Logout 1.0.

mod at_clients;
mod by_clients;
mod receiver;

use serde_json::Value;
use tms_portal::domain::client_uris::ClientEndpoint;

use self::receiver::Receiver;
use crate::app::Answer;
use crate::authorize::{Hub, redirect};
use crate::browser::Browser;

const BYE: &str = "https://hub.example.org/bye";
const SESSIONS: &str = "SELECT count(*) FROM browser_sessions";
const NOTICES: &str = "SELECT count(*) FROM logout_notices";

/// A portal with a client that has a post-logout redirect URI, and a back-channel logout URI that the operator registered.
async fn start() -> (Hub, Receiver) {
    let (hub, receiver) = (Hub::start().await, Receiver::start().await);
    let endpoint = ClientEndpoint::parse(&receiver.url(), true).expect("a URL");
    hub.change(|_, uris| {
        uris.post_logout = vec![redirect(BYE)];
        uris.backchannel_logout = Some(endpoint);
    })
    .await;
    (hub, receiver)
}

/// A person who signed in to the client with this scope: their browser, and the response of the token endpoint.
async fn signed_in(hub: &Hub, scope: &str) -> (Browser, Answer) {
    let (code, browser) = hub.code(&[("scope", scope), ("prompt", "consent")]).await;
    let tokens = hub.redeem(&code).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    (browser, tokens)
}

fn id_token(tokens: &Answer) -> &str {
    tokens.body["id_token"].as_str().expect("an ID token")
}

/// The claims of a JWT, which is not verified.
fn claims(token: &str) -> Value {
    jsonwebtoken::dangerous::insecure_decode_claims(token).expect("claims")
}

impl Hub {
    /// Sends the notices that are due. Returns how many there were.
    async fn send_notices(&self) -> usize {
        self.app.services.send_logout_notices().await.expect("an answer")
    }
}
