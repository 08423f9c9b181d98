//! THE WIRE between the portal and `tms`: each answer is described once, written by the server and read by the command line.
//!
//! What the types are called and say of their fields stands in the API's description as well.
//!
//! An entry of a list that cannot be read, such as one of a newer portal, is passed over; the list's `num_…` says how many there were.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

// `GET /v1/tms/me`: whose token it is, and what it may be used for.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Me {
    // Portals of 0.1.0 do not send it.
    /// When what the user allowed the client ends; no key that is made with its tokens outlives that.
    #[serde(default)]
    pub access_until: Option<String>,
    pub client_id: String,
    /// When the token expires.
    pub expires_at: String,
    /// Scopes, separated by spaces.
    pub scope: String,
    pub tenant: String,
    pub tms_user_id: String,
}

// `GET /v1/tms/me/hosts`: the host accounts that the person linked and shared.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct MyHosts {
    #[serde(deserialize_with = "deserialize_known")]
    pub hosts: Vec<MyHost>,
    pub num_hosts: usize,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct MyHost {
    /// The host's address for `ssh`, if exactly one is registered.
    pub address: Option<String>,
    pub expires_at: String,
    pub host: String,
    pub host_account: String,
    pub linked_at: String,
    /// `active` or `expired`.
    pub state: String,
}

// `GET /v1/tms/me/keys`, a page at a time.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct MyKeys {
    #[serde(deserialize_with = "deserialize_known")]
    pub keys: Vec<MyKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    pub num_keys: usize,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct MyKey {
    pub client_id: Option<String>,
    pub created: String,
    pub expires_at: String,
    pub host: String,
    pub host_account: String,
    pub id: i64,
    pub key_type: String,
    pub last_used_at: Option<String>,
    pub max_uses: u32,
    pub public_key: String,
    pub public_key_fingerprint: String,
    pub remaining_uses: u32,
    /// `active`, `expired` or `used up`.
    pub state: String,
}

// `GET /v1/tms/me/refusals`: the logins of the last 30 days for which a host got no key, newest first.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct MyRefusals {
    /// The portal's time.
    pub as_of: String,
    /// Number of entries in this response.
    pub num_refusals: usize,
    /// The refusals, newest first.
    #[serde(deserialize_with = "deserialize_known")]
    pub refusals: Vec<MyRefusal>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct MyRefusal {
    /// The client that created the key; null for a key that a user registered, and for an unknown key.
    pub client_id: Option<String>,
    /// When it was refused for the first time.
    pub first_at: String,
    pub host: String,
    pub host_account: String,
    /// When it was refused for the last time.
    pub last_at: String,
    /// The reason and what to do; may change.
    pub message: String,
    pub public_key_fingerprint: String,
    /// The reason, such as `key_expired`; there may be more in later versions.
    pub reason: String,
    /// How many refusals were recorded, at most one per minute.
    pub times: u32,
}

// `GET /t`: the tenants in which people can sign in.
#[derive(Serialize, Deserialize)]
pub struct SignInTenants {
    #[serde(deserialize_with = "deserialize_known")]
    pub tenants: Vec<SignInTenant>,
}

#[derive(Serialize, Deserialize)]
pub struct SignInTenant {
    pub tenant: String,
    pub display_name: String,
    /// What the tenant's authorization server calls itself (RFC 8414).
    pub issuer: String,
}

/// The entries that can be read.
fn deserialize_known<'de, D: Deserializer<'de>, T: DeserializeOwned>(list: D) -> Result<Vec<T>, D::Error> {
    let entries: Vec<Value> = Vec::deserialize(list)?;
    Ok(entries.into_iter().filter_map(|entry| serde_json::from_value(entry).ok()).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entry_that_cannot_be_read_does_not_cost_the_list() {
        let host = |name: &str| json!({ "host": name, "host_account": "jdoe", "state": "active", "linked_at": "", "expires_at": "" });
        for odd in [json!(null), json!({}), json!("text"), json!({ "host": 7, "host_account": "jdoe", "state": "active" })] {
            let sent = json!({ "num_hosts": 3, "hosts": [host("a"), odd, host("b")], "new": true });
            let read: MyHosts = serde_json::from_value(sent).expect("a list");
            assert_eq!(read.hosts.iter().map(|host| host.host.as_str()).collect::<Vec<_>>(), ["a", "b"]);
            assert_eq!(read.num_hosts, 3);
        }
    }
}
