//! The portal as OpenID provider: ID tokens and the userinfo endpoint (OpenID Connect Core §2, §5.3).

mod claims;
mod host_names;
mod id_tokens;
mod userinfo;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;
use tms_portal::domain::scope::ScopeSet;

use crate::app::{Answer, TestApp};
use crate::authorize::Hub;

/// All scopes of a sign-in, and a refresh token.
const EVERYTHING: (&str, &str) = ("scope", "openid profile email groups offline_access");

impl TestApp {
    /// The claims of an ID token that is signed with a published key, for a client of the tenant `test`.
    pub async fn id_token_claims(&self, token: &str, client: &str, algorithm: Algorithm) -> Value {
        let keys = Answer::of(self.http.get(self.tenant("/oauth/jwks"))).await;
        let keys: JwkSet = serde_json::from_value(keys.body).expect("keys");
        let header = jsonwebtoken::decode_header(token).expect("a header");
        assert_eq!((header.typ.as_deref(), header.alg), (Some("JWT"), algorithm));
        let key = keys.find(&header.kid.expect("a kid")).expect("a published key");
        let mut rules = Validation::new(algorithm);
        rules.set_audience(&[client]);
        rules.set_issuer(&[self.tenant("")]);
        rules.validate_exp = false;
        jsonwebtoken::decode::<Value>(token, &DecodingKey::from_jwk(key).expect("a key"), &rules).expect("a good token").claims
    }

    pub async fn userinfo(&self, token: &str) -> Answer {
        Answer::of(self.http.get(self.tenant("/oauth/userinfo")).bearer_auth(token)).await
    }
}

/// A portal whose client `hub` may learn everything about people.
async fn start() -> Hub {
    let hub = Hub::start().await;
    hub.change(|client, _| client.scope = ScopeSet::parse_known("openid profile email groups offline_access hosts:read keys:read")).await;
    hub
}

fn id_token(answer: &Answer) -> &str {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["id_token"].as_str().expect("an ID token")
}

/// The claims of the ID token of a response to `hub`.
async fn claims(hub: &Hub, answer: &Answer) -> Value {
    hub.app.id_token_claims(id_token(answer), "hub", Algorithm::RS256).await
}

/// The response to a refresh of `hub`.
async fn refresh(hub: &Hub, tokens: &Answer, scope: &str) -> Answer {
    let token = tokens.body["refresh_token"].as_str().expect("a refresh token");
    let form = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", "hub"), ("client_secret", &hub.secret), ("scope", scope)];
    hub.app.send("/oauth/token", &form).await
}
