//! How clients are registered, and how they prove who they are.

mod administration;
mod assertions;
mod credentials;
mod key_server;
mod published_keys;
mod redirect_uris;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::pkcs1::{EncodeRsaPrivateKey, LineEnding};
use serde_json::{Value, json};
use tms_portal::domain::client::Client;
use tms_portal::domain::client::registration::ClientAuthMethod;
use tms_portal::domain::client_uris::ClientUris;
use tms_portal::domain::ids::{ClientId, TenantId};
use tms_portal::domain::scope::{Scope, ScopeSet};
use tms_portal::server::service::Error;
use tms_portal::server::service::admin::client_settings::ClientEditRefused;

use crate::app::{Answer, TestApp};

/// The client with keys that tests register.
const GATEWAY: &str = "gateway";

/// The client of a resource server that tests register.
pub const READER: &str = "data-server";

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A key pair of a client.
#[derive(Clone)]
pub struct ClientKey {
    private: EncodingKey,
    public: Value,
    algorithm: Algorithm,
}

impl ClientKey {
    pub fn new(kid: &str, algorithm: Algorithm) -> Self {
        let of_pem = |private: Result<EncodingKey, _>| {
            let private: EncodingKey = private.expect("a key");
            let public = Jwk::from_encoding_key(&private, algorithm).expect("its public half");
            (private, serde_json::to_value(public).expect("JSON"))
        };
        let (private, mut public) = match algorithm {
            Algorithm::ES256 => of_pem(EncodingKey::from_ec_pem(key_pair(&rcgen::PKCS_ECDSA_P256_SHA256).serialize_pem().as_bytes())),
            // `Jwk::from_encoding_key` does not read PKCS #8 version 2, which has the public half.
            Algorithm::EdDSA => {
                let pair = key_pair(&rcgen::PKCS_ED25519);
                let public = json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": BASE64_URL_SAFE_NO_PAD.encode(pair.public_key_raw()) });
                (EncodingKey::from_ed_pem(pair.serialize_pem().as_bytes()).expect("a key"), public)
            }
            _ => of_pem(EncodingKey::from_rsa_pem(rsa_pem().as_bytes())),
        };
        public["kid"] = kid.into();
        Self { private, public, algorithm }
    }

    fn kid(&self) -> &str {
        self.public["kid"].as_str().expect("a text")
    }

    fn header(&self) -> Header {
        Header { kid: Some(self.kid().to_owned()), ..Header::new(self.algorithm) }
    }

    pub fn sign(&self, claims: &Value) -> String {
        self.sign_as(&self.header(), claims)
    }

    fn sign_as(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.private).expect("an assertion")
    }
}

fn key_pair(algorithm: &'static rcgen::SignatureAlgorithm) -> rcgen::KeyPair {
    rcgen::KeyPair::generate_for(algorithm).expect("a key pair")
}

/// Created once because that is slow.
fn rsa_pem() -> &'static str {
    static PEM: OnceLock<String> = OnceLock::new();
    PEM.get_or_init(|| {
        let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2_048).expect("a key");
        key.to_pkcs1_pem(LineEnding::LF).expect("PEM").to_string()
    })
}

/// A JSON Web Key Set with these keys.
fn key_set(keys: &[&ClientKey]) -> String {
    json!({ "keys": keys.iter().map(|key| key.public.clone()).collect::<Vec<_>>() }).to_string()
}

/// Claims with changes; `null` removes one.
fn changed(mut claims: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().expect("claims") {
        match value {
            Value::Null => drop(claims.as_object_mut().expect("claims").remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

impl TestApp {
    /// Registers a client with all scopes of the TMS API as the operator does. Returns its secret, if it has one.
    pub async fn register(&self, id: &str, set_up: impl FnOnce(&mut Client, &mut ClientUris)) -> Option<String> {
        let (tenant, id) = (TenantId::parse("test").expect("a tenant"), ClientId::parse(id).expect("a client"));
        let mut client = Client::new(tenant, id.clone(), id.as_str(), "1.0", self.services.now());
        client.scope = tms_scopes();
        let mut uris = ClientUris::default();
        set_up(&mut client, &mut uris);
        let added = self.services.add_client(&self.operator("test").await, client, uris).await.expect("registered");
        added.map(|secret| secret.reveal().to_owned())
    }

    /// Registers [`GATEWAY`] with these keys.
    pub async fn register_gateway(&self, keys: &[&ClientKey]) {
        let jwks = key_set(keys);
        let secret = self.register(GATEWAY, move |client, _| {
            client.auth_method = ClientAuthMethod::PrivateKeyJwt;
            client.jwks = Some(jwks);
            client.grant_types.client_credentials = true;
        });
        assert_eq!(secret.await, None);
    }

    /// Changes a client as the operator does. Returns its new secret, if it got one.
    pub async fn edit_client(
        &self,
        id: &str,
        edit: impl FnOnce(&mut Client, &mut ClientUris) + Send + 'static,
    ) -> Result<Option<String>, ClientEditRefused> {
        let (operator, id) = (self.operator("test").await, ClientId::parse(id).expect("a client"));
        match self.services.edit_client(&operator, &id, None, edit).await {
            Ok(secret) => Ok(secret.map(|secret| secret.reveal().to_owned())),
            Err(Error::Refused(refused)) => Err(refused),
            Err(Error::Internal(fault)) => panic!("{fault}"),
        }
    }

    /// The client of the test data may get tokens for itself.
    async fn allow_own_tokens(&self) {
        self.edit_client("testclient1", |client, _| client.grant_types.client_credentials = true).await.expect("allowed");
    }

    /// Asks for a token for the client of the test data.
    async fn own_token(&self, scope: &[(&str, &str)]) -> Answer {
        let form = [("grant_type", "client_credentials"), ("client_id", "testclient1"), ("client_secret", "secret1")];
        self.send("/oauth/token", &[&form, scope].concat()).await
    }

    /// The claims of a good assertion of [`GATEWAY`], each time another one.
    pub fn assertion_claims(&self) -> Value {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let seconds = self.services.now().as_seconds();
        let jti = NEXT.fetch_add(1, Ordering::Relaxed).to_string();
        json!({ "iss": GATEWAY, "sub": GATEWAY, "aud": self.tenant(""), "exp": seconds + 60, "iat": seconds, "jti": jti })
    }

    /// Asks for a token with an assertion.
    pub async fn assert_as_gateway(&self, assertion: &str) -> Answer {
        let form = [("grant_type", "client_credentials"), ("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion)];
        self.send("/oauth/token", &form).await
    }

    /// The recorded reasons for refused requests, in their order.
    pub async fn refused_requests(&self) -> Vec<String> {
        self.texts("SELECT client_id || ' ' || subject FROM activity WHERE kind = 'client_request_refused' ORDER BY id").await
    }
}

fn tms_scopes() -> ScopeSet {
    Scope::TMS.into_iter().collect()
}
