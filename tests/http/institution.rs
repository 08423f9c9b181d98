//! A fake identity provider that can misbehave. The browser tests use a certified one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::pkcs1::{EncodeRsaPrivateKey, LineEnding};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::browser::{Browser, Page};

pub const CLIENT_ID: &str = "portal";
pub const CLIENT_SECRET: &str = "between-us";

/// Its misbehaviour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mischief {
    #[default]
    None,
    /// The token has no signature.
    Unsigned,
    /// It is signed with the client secret, which others may have.
    SignedWithSecret,
    /// It is signed with an unknown key.
    OtherKey,
    /// Metadata of another issuer.
    OtherMetadata,
    /// Its `jwks_uri` is elsewhere on this machine.
    PointsElsewhere,
    Broken,
    Huge,
    NotJson,
}

#[derive(Default)]
struct Inner {
    url: String,
    mischief: Mischief,
    /// Claims, PKCE challenge and redirect URI by code.
    codes: HashMap<String, (Value, String, String)>,
    /// The index of the signing key.
    key: usize,
    /// The response of its userinfo endpoint, if it has one.
    user: Value,
    /// The response of its list of host accounts.
    list: (u16, String),
    /// How often its keys were fetched.
    key_fetches: usize,
    /// How often its metadata was fetched.
    metadata_fetches: usize,
    issued: usize,
}

#[derive(Clone, Default)]
pub struct Institution(Arc<Mutex<Inner>>);

/// Two keys, created once because that is slow.
fn keys() -> &'static [(EncodingKey, Jwk); 2] {
    static KEYS: OnceLock<[(EncodingKey, Jwk); 2]> = OnceLock::new();
    KEYS.get_or_init(|| {
        ["first", "second"].map(|name| {
            let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2_048).expect("a key");
            let key = EncodingKey::from_rsa_pem(key.to_pkcs1_pem(LineEnding::LF).expect("PEM").as_bytes()).expect("a key");
            let mut public = Jwk::from_encoding_key(&key, Algorithm::RS256).expect("its public half");
            public.common.key_id = Some(name.to_owned());
            public.common.key_algorithm = Some(jsonwebtoken::jwk::KeyAlgorithm::RS256);
            (key, public)
        })
    })
}

impl Institution {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let institution = Self::at(format!("http://{}", listener.local_addr().expect("its address")));
        tokio::spawn(axum::serve(listener, institution.router()).into_future());
        institution
    }

    /// Over TLS with this certificate.
    pub async fn start_with_tls(tls: Arc<rustls::ServerConfig>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let institution = Self::at(format!("https://{}", listener.local_addr().expect("its address")));
        listener.set_nonblocking(true).expect("set");
        let tls = axum_server::tls_rustls::RustlsConfig::from_config(tls);
        let server = axum_server::from_tcp_rustls(listener, tls).expect("a server");
        tokio::spawn(server.serve(institution.router().into_make_service()));
        institution
    }

    fn at(url: String) -> Self {
        Self(Arc::new(Mutex::new(Inner { url, ..Inner::default() })))
    }

    fn router(&self) -> Router {
        Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/jwks", get(jwks))
            .route("/token", post(token))
            .route("/user", get(user))
            .route("/resources", get(resources))
            // As Tapis and GitHub servers have them.
            .route("/v3/tokens/.well-known/jwks.json", get(jwks))
            .route("/v3/oauth2/tokens", post(token_of_tapis))
            .route("/login/oauth/access_token", post(token_of_github))
            .route("/api/v3/user", get(user))
            .with_state(self.clone())
    }

    pub fn url(&self) -> String {
        self.0.lock().expect("state").url.clone()
    }

    pub fn misbehave(&self, mischief: Mischief) {
        self.0.lock().expect("state").mischief = mischief;
    }

    /// Sets the response of the userinfo endpoint.
    pub fn describe(&self, user: Value) {
        self.0.lock().expect("state").user = user;
    }

    /// Sets the list of host accounts, as tms_provider returns it.
    pub fn list(&self, resources: &Value) {
        self.list_answers(200, json!({ "message": "Resources", "data": resources }).to_string());
    }

    /// Sets the response of the list.
    pub fn list_answers(&self, status: u16, body: impl Into<String>) {
        self.0.lock().expect("state").list = (status, body.into());
    }

    /// Replaces the signing key by the second one.
    pub fn rotate(&self) {
        self.0.lock().expect("state").key = 1;
    }

    pub fn key_fetches(&self) -> usize {
        self.0.lock().expect("state").key_fetches
    }

    pub fn metadata_fetches(&self) -> usize {
        self.0.lock().expect("state").metadata_fetches
    }

    /// A logout token; `claims` are merged into the valid ones, `null` removes one.
    pub fn logout_token(&self, now: i64, claims: &Value) -> String {
        let inner = self.0.lock().expect("state");
        let events = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
        let mut token = json!({ "iss": inner.url, "aud": CLIENT_ID, "iat": now, "exp": now + 120, "jti": "1", "sub": "42", "events": events });
        for (name, value) in claims.as_object().expect("claims") {
            match value {
                Value::Null => drop(token.as_object_mut().expect("claims").remove(name)),
                value => token[name] = value.clone(),
            }
        }
        sign(&token, inner.mischief, inner.key)
    }

    /// Signs a person in and returns the callback URL. `claims` are merged into those of a valid ID token.
    pub fn sign_in(&self, auth_request: &str, now: i64, claims: &Value) -> String {
        let auth_request: HashMap<String, String> = reqwest::Url::parse(auth_request).expect("an address").query_pairs().into_owned().collect();
        let mut inner = self.0.lock().expect("state");
        inner.issued += 1;
        let code = format!("code-{}", inner.issued);
        let mut token = json!({ "iss": inner.url, "sub": "42", "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": auth_request.get("nonce"),
                                "preferred_username": "jdoe", "name": "Jane Doe" });
        // As most providers: only if requested (OpenID Connect Core §2).
        if auth_request.contains_key("max_age") {
            token["auth_time"] = json!(now);
        }
        for (name, value) in claims.as_object().expect("claims") {
            token[name] = value.clone();
        }
        let back = format!("{}?code={code}&state={}", auth_request["redirect_uri"], auth_request["state"]);
        inner.codes.insert(code, (token, auth_request["code_challenge"].clone(), auth_request["redirect_uri"].clone()));
        back
    }
}

async fn metadata(State(institution): State<Institution>) -> Response {
    let mut inner = institution.0.lock().expect("state");
    inner.metadata_fetches += 1;
    let issuer = if inner.mischief == Mischief::OtherMetadata { "https://evil.example" } else { &inner.url };
    let keys = if inner.mischief == Mischief::PointsElsewhere { inner.url.replace("127.0.0.1", "127.0.0.2") } else { inner.url.clone() };
    match inner.mischief {
        Mischief::Broken => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Mischief::NotJson => "<html>maintenance</html>".into_response(),
        Mischief::Huge => "x".repeat(1_000_000).into_response(),
        _ => Json(json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{}/authorize", inner.url),
            "token_endpoint": format!("{}/token", inner.url),
            "userinfo_endpoint": inner.user.is_object().then(|| format!("{}/user", inner.url)),
            "end_session_endpoint": format!("{}/session/end", inner.url),
            "jwks_uri": format!("{keys}/jwks"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "authorization_response_iss_parameter_supported": false,
        }))
        .into_response(),
    }
}

async fn jwks(State(institution): State<Institution>) -> Json<JwkSet> {
    let mut inner = institution.0.lock().expect("state");
    inner.key_fetches += 1;
    Json(JwkSet { keys: vec![keys()[inner.key].1.clone()] })
}

async fn user(State(institution): State<Institution>, headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    let inner = institution.0.lock().expect("state");
    match headers.get("authorization") {
        _ if inner.mischief == Mischief::Broken => Err(StatusCode::INTERNAL_SERVER_ERROR),
        Some(token) if token == "Bearer at" => Ok(Json(inner.user.clone())),
        _ => Err(StatusCode::UNAUTHORIZED),
    }
}

async fn resources(State(institution): State<Institution>, headers: HeaderMap) -> Response {
    let (status, body) = institution.0.lock().expect("state").list.clone();
    let known = headers.get("authorization").is_some_and(|token| token == "Bearer at");
    let status = if known || status >= 500 { StatusCode::from_u16(status).expect("a status") } else { StatusCode::UNAUTHORIZED };
    (status, [("content-type", "application/json")], body).into_response()
}

async fn token(State(institution): State<Institution>, headers: HeaderMap, Form(form): Form<HashMap<String, String>>) -> Response {
    institution.redeem(&headers, &form, |id_token| json!({ "access_token": "at", "token_type": "Bearer", "expires_in": 300, "id_token": id_token }))
}

async fn token_of_tapis(State(institution): State<Institution>, headers: HeaderMap, Form(form): Form<HashMap<String, String>>) -> Response {
    institution.redeem(&headers, &form, |token| {
        let token = json!({ "access_token": token, "expires_at": "2026-12-20T12:00:00.000000+00:00", "expires_in": 2_592_000, "jti": "1" });
        json!({ "status": "success", "message": "Token created.", "version": "1.6.0", "metadata": {}, "result": { "access_token": token } })
    })
}

async fn token_of_github(State(institution): State<Institution>, headers: HeaderMap, Form(form): Form<HashMap<String, String>>) -> Response {
    institution.redeem(&headers, &form, |_| json!({ "access_token": "at", "scope": "read:user", "token_type": "bearer" }))
}

impl Institution {
    /// Exchanges a code; `answer` builds the response from the signed claims.
    fn redeem(&self, headers: &HeaderMap, form: &HashMap<String, String>, answer: impl FnOnce(String) -> Value) -> Response {
        let mut inner = self.0.lock().expect("state");
        match inner.mischief {
            Mischief::Broken => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            Mischief::NotJson => return "<html>maintenance</html>".into_response(),
            Mischief::Huge => return "x".repeat(1_000_000).into_response(),
            _ => {}
        }
        let basic = base64::prelude::BASE64_STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}"));
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"].as_bytes()));
        let known = inner.codes.remove(&form["code"]).filter(|(_, expected, redirect)| *expected == challenge && *redirect == form["redirect_uri"]);
        if headers["authorization"] != format!("Basic {basic}").as_str() {
            return (StatusCode::UNAUTHORIZED, Json(json!({ "error": "invalid_client" }))).into_response();
        }
        let Some((claims, ..)) = known else {
            return (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))).into_response();
        };
        Json(answer(sign(&claims, inner.mischief, inner.key))).into_response()
    }
}

fn sign(claims: &Value, mischief: Mischief, key: usize) -> String {
    let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let mut header = Header::new(Algorithm::RS256);
    header.kid = keys()[key].1.common.key_id.clone();
    match mischief {
        Mischief::Unsigned => format!("{}.{}.", encode(&json!({ "alg": "none" })), encode(claims)),
        Mischief::SignedWithSecret => {
            let key = EncodingKey::from_secret(CLIENT_SECRET.as_bytes());
            jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key).expect("a token")
        }
        Mischief::OtherKey => {
            header.kid = Some("nobody has seen it".into());
            jsonwebtoken::encode(&header, claims, &keys()[1].0).expect("a token")
        }
        _ => jsonwebtoken::encode(&header, claims, &keys()[key].0).expect("a token"),
    }
}

impl Browser {
    /// Starts an upstream login; returns the authorization URL.
    pub async fn start_upstream_login(&self, path: &str) -> String {
        let answer = self.request(reqwest::Method::GET, path).send().await.expect("an answer");
        answer.headers()["location"].to_str().expect("ASCII").to_owned()
    }

    /// Signs in at the provider and follows the callback.
    pub async fn upstream_login(&self, institution: &Institution, path: &str, now: i64, claims: &Value) -> Page {
        let back = institution.sign_in(&self.start_upstream_login(path).await, now, claims);
        self.get(back.strip_prefix(&self.base).expect("an address of the portal's")).await
    }
}
