//! A portal, a host that uses it, and a client that may act for a person.

use std::fmt::Display;
use std::sync::atomic::{AtomicU32, Ordering};

use reqwest::Method;
use serde_json::{Value, json};

use crate::environment::environment;
use crate::host::{self, Host, Key};
use crate::portal::{Gateway, Portal};

/// The person, who was created by administrators only.
pub const PERSON: &str = "jdoe";
pub const KEY_DENIED: &str = "no such authorized key for this user on this host";

pub struct Fixture {
    pub portal: Portal,
    pub host: Host,
    pub gateway: Gateway,
    keys: AtomicU32,
}

impl Fixture {
    /// `None` if logins are impossible; see [`environment`].
    pub async fn start() -> Option<Self> {
        let environment = environment()?;
        let portal = Portal::start();
        let host = Host::start(environment, &portal.url);
        let new = json!({ "tenant": "test", "client_id": "gateway", "app_name": "A science gateway", "app_version": "2.1" });
        let made = portal.admin("test", Method::POST, "/v1/tms/client", new).await.expect(201);
        let gateway = Gateway { id: "gateway".into(), secret: made["client_secret"].as_str().expect("a secret").to_owned() };
        let fixture = Self { portal, host, gateway, keys: AtomicU32::new(0) };
        let mfa = json!({ "tenant": "test", "tms_user_id": PERSON, "ttl_minutes": -1 });
        fixture.admin(Method::POST, "/v1/tms/usermfa", mfa).await.expect(201);
        fixture.link(PERSON, &fixture.host.environment.account).await;
        fixture.delegate().await;
        Some(fixture)
    }

    /// Sends a request as the tenant's administrator.
    pub async fn admin(&self, method: Method, path: &str, body: Value) -> crate::portal::Answer {
        self.portal.admin("test", method, path, body).await
    }

    /// Links an account of the host to a person.
    pub async fn link(&self, person: &str, account: &str) {
        let link = json!({ "tenant": "test", "tms_user_id": person, "host": host::NAME, "host_account": account, "ttl_minutes": -1 });
        self.admin(Method::POST, "/v1/tms/userhosts", link).await.expect(201);
    }

    /// Creates a delegation for the client.
    pub async fn delegate(&self) {
        let delegation = json!({ "tenant": "test", "client_id": self.gateway.id, "client_user_id": PERSON, "ttl_minutes": -1 });
        self.admin(Method::POST, "/v1/tms/delegations", delegation).await.expect(201);
    }

    /// A key of the client with these limits.
    pub async fn key(&self, num_uses: i32, ttl_minutes: i32) -> Key {
        self.key_for(&self.host.environment.account, num_uses, ttl_minutes).await
    }

    pub async fn key_for(&self, account: &str, num_uses: i32, ttl_minutes: i32) -> Key {
        let request = json!({
            "client_user_id": PERSON, "host": host::NAME, "host_account": account,
            "num_uses": num_uses, "ttl_minutes": ttl_minutes, "key_type": "",
        });
        let made = self.portal.client(&self.gateway, Method::POST, "/v1/tms/pubkeys/creds", request).await.expect(201);
        let name = format!("key-{}", self.keys.fetch_add(1, Ordering::Relaxed));
        let text = |name: &str| made[name].as_str().expect("a text");
        self.host.key_from(&name, text("private_key"), text("public_key_fingerprint"))
    }

    /// The portal's record of a key.
    pub async fn record(&self, key: &Key) -> Value {
        let list = self.admin(Method::GET, "/v1/tms/pubkeys/list", Value::Null).await.expect(200);
        let keys = list["pubkeys"].as_array().expect("keys");
        let found = keys.iter().find(|record| record["public_key_fingerprint"] == key.fingerprint.as_str());
        found.cloned().unwrap_or_else(|| panic!("the portal does not know {}: {list}", key.fingerprint))
    }

    /// Changes a key's limits, as its client.
    pub async fn limit(&self, key: &Key, what: &str, limit: u32) {
        let mut limits = self.selector(key);
        limits[what] = limit.into();
        self.portal.client(&self.gateway, Method::PATCH, "/v1/tms/pubkeys", limits).await.assert_changed_one();
    }

    pub async fn revoke(&self, key: &Key) {
        self.portal.client(&self.gateway, Method::DELETE, "/v1/tms/pubkeys/del", self.selector(key)).await.assert_changed_one();
    }

    fn selector(&self, key: &Key) -> Value {
        json!({ "tenant": "test", "client_id": self.gateway.id, "host": host::NAME, "public_key_fingerprint": key.fingerprint })
    }

    /// Makes the last login a minute old, which is longer than lookups count as one login.
    pub async fn age_last_login(&self, key: &Key) {
        let statement = "UPDATE pubkeys SET last_used_at = last_used_at - 60000 WHERE fingerprint = $1 AND last_used_at IS NOT NULL";
        let done = tms_portal::server::storage::sql::query(statement)
            .bind(&key.fingerprint)
            .execute(&mut self.portal.database().await)
            .await
            .expect(statement);
        assert_eq!(done.rows_affected(), 1, "it has been used");
    }
}

/// Shown with `--nocapture`.
pub fn print_note(what: impl Display) {
    println!("    {what}");
}
