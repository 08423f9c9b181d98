//! Calling the TMS API: unauthenticated, as a client, an administrator, a host, or a person's device.

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::error;
use crate::app::{Answer, TestApp};

/// All scopes.
pub const EVERYTHING: &str = "hosts:read keys:read keys:create keys:revoke";
/// A fingerprint that no key has.
pub const NO_KEY: &str = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A caller, with the headers that it sends.
#[derive(Clone)]
pub struct ApiClient {
    http: reqwest::Client,
    base: String,
    headers: Vec<(&'static str, String)>,
}

impl ApiClient {
    /// Without credentials, of a portal at this URL.
    pub fn at(base: &str) -> Self {
        Self { http: reqwest::Client::new(), base: base.to_owned(), headers: Vec::new() }
    }

    /// The same with another value of a header.
    pub fn with(&self, name: &'static str, value: &str) -> Self {
        let mut changed = self.without(name);
        changed.headers.push((name, value.to_owned()));
        changed
    }

    pub fn without(&self, name: &str) -> Self {
        let mut changed = self.clone();
        changed.headers.retain(|(header, _)| *header != name);
        changed
    }

    /// A call such as `PATCH /client/upd/x?enabled=false`, below `/v1/tms`.
    pub fn request(&self, call: &str) -> RequestBuilder {
        let (verb, path) = call.split_once(' ').expect("a verb and a path");
        let request = self.http.request(verb.parse().expect("a verb"), format!("{}/v1/tms{path}", self.base));
        self.headers.iter().fold(request, |request, (name, value)| request.header(*name, value))
    }

    /// Sends a call with a JSON body; without one if it is `Null`.
    pub async fn call(&self, call: &str, body: Value) -> Answer {
        let request = self.request(call);
        Answer::of(if body.is_null() { request } else { request.json(&body) }).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(&format!("GET {path}"), Value::Null).await
    }

    /// The response of a call that must succeed.
    pub async fn done(&self, call: &str, body: Value) -> Value {
        let answer = self.call(call, body).await;
        assert!(matches!(answer.status, 200 | 201) && answer.body["result_code"] == "0", "{call}: {} {}", answer.status, answer.body);
        answer.body
    }

    /// Status and message of a call that must be refused.
    pub async fn refused(&self, call: &str, body: Value) -> (u16, String) {
        let answer = self.call(call, body).await;
        (error(&answer), answer.body["result_msg"].as_str().expect("a sentence").to_owned())
    }

    /// The status of a call that must be refused.
    pub async fn refusal(&self, call: &str, body: Value) -> u16 {
        self.refused(call, body).await.0
    }

    /// Creates a key for the test person's host account, without limits unless `changes` set them.
    pub async fn make_key(&self, changes: Value) -> Value {
        self.done("POST /pubkeys/creds", key_request(changes)).await
    }

    /// Whether the portal returns the key to a host.
    pub async fn gets_key(&self, login: &Value) -> bool {
        let answer = self.call("POST /pubkeys/creds/retrieve", login.clone()).await;
        if answer.status == 200 {
            assert!(answer.body["public_key"].is_string() && answer.body["result_code"] == "0", "{}", answer.body);
            return true;
        }
        assert_eq!((error(&answer), &answer.body["result_msg"]), (404, &"NOT_FOUND".into()), "{}", answer.body);
        false
    }
}

impl TestApp {
    pub fn unauthenticated(&self) -> ApiClient {
        ApiClient { http: self.http.clone(), base: self.base.clone(), headers: Vec::new() }
    }

    /// The client of the test data.
    pub fn client(&self) -> ApiClient {
        self.client_of("test", "testclient1", "secret1")
    }

    pub fn client_of(&self, tenant: &str, id: &str, secret: &str) -> ApiClient {
        self.unauthenticated().with("x-tms-tenant", tenant).with("x-tms-client-id", id).with("x-tms-client-secret", secret)
    }

    /// The first administrator of the tenant `default` or `test`.
    pub async fn admin(&self, tenant: &str) -> ApiClient {
        self.admin_of(tenant, "~~admin", &crate::app::admin_secret(tenant).await)
    }

    pub fn admin_of(&self, tenant: &str, id: &str, secret: &str) -> ApiClient {
        self.unauthenticated().with("x-tms-tenant", tenant).with("x-tms-admin-id", id).with("x-tms-admin-secret", secret)
    }

    pub fn bearer(&self, credential: &str) -> ApiClient {
        self.unauthenticated().with("authorization", &format!("Bearer {credential}"))
    }

    /// The test person's device with these scopes and the first host account.
    pub async fn device_with(&self, scope: &str) -> ApiClient {
        let device = self.start_device_of(&[("client_id", "tms-cli"), ("scope", scope)]).await;
        self.allow(&device).await;
        self.bearer(&self.poll(&device).await.token())
    }

    /// Adds a tenant; returns its administrator.
    pub async fn add_tenant(&self, name: &str) -> ApiClient {
        let made = self.admin("default").await.done(&format!("POST /tenants/{name}"), Value::Null).await;
        self.admin_of(name, text(&made["admin_id"]), text(&made["admin_secret"]))
    }

    /// Adds a client to a tenant.
    pub async fn add_client(&self, admin: &ApiClient, tenant: &str, id: &str) -> ApiClient {
        let new = json!({ "tenant": tenant, "client_id": id, "app_name": id, "app_version": "1.0" });
        let made = admin.done("POST /client", new).await;
        self.client_of(tenant, id, text(&made["client_secret"]))
    }

    /// Adds a person with all that a client needs for a key of a host account.
    pub async fn add_all(&self, admin: &ApiClient, tenant: &str, client: &str, user: &str, host: &str, account: &str) {
        let place = json!({ "tenant": tenant, "tms_user_id": user, "host": host, "host_account": account, "ttl_minutes": -1 });
        for (call, body) in [
            ("POST /usermfa", json!({ "tenant": tenant, "tms_user_id": user, "ttl_minutes": -1 })),
            ("POST /userhosts", place),
            ("POST /delegations", json!({ "tenant": tenant, "client_id": client, "client_user_id": user, "ttl_minutes": -1 })),
        ] {
            admin.done(call, body).await;
        }
    }
}

pub fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// The MFA record, the link and the delegation that the keys of the test data's client need, as the calls name them.
pub fn named_dependencies() -> [Value; 3] {
    let mfa = json!({ "tenant": "test", "tms_user_id": "testuser1" });
    let link = changed(mfa.clone(), json!({ "host": "testhost1", "host_account": "testhostaccount1" }));
    [mfa, link, json!({ "tenant": "test", "client_id": "testclient1", "client_user_id": "testuser1" })]
}

pub fn lasting(named: &Value, minutes: i32) -> Value {
    changed(named.clone(), json!({ "ttl_minutes": minutes }))
}

pub fn enabled(named: &Value, enabled: bool) -> Value {
    changed(named.clone(), json!({ "enabled": enabled }))
}

/// An object with fields replaced or added.
pub fn changed(mut body: Value, changes: Value) -> Value {
    if let (Some(body), Value::Object(changes)) = (body.as_object_mut(), changes) {
        body.extend(changes);
    }
    body
}

pub fn key_request(changes: Value) -> Value {
    let usual = json!({ "client_user_id": "testuser1", "host": "testhost1", "host_account": "testhostaccount1", "num_uses": -1, "ttl_minutes": -1 });
    changed(usual, changes)
}

/// The lookup of the test host for a login with this key.
pub fn login(key: &Value) -> Value {
    json!({ "user": "testhostaccount1", "host": "testhost1", "public_key_fingerprint": key["public_key_fingerprint"] })
}

/// The fields that identify a key of the test client.
pub fn named(key: &Value, changes: Value) -> Value {
    let usual = json!({ "client_id": "testclient1", "tenant": "test", "host": "testhost1", "public_key_fingerprint": key["public_key_fingerprint"] });
    changed(usual, changes)
}
