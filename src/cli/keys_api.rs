//! The user's SSH keys in the portal's API.

use oauth2::http::StatusCode;
use oauth2::{AccessToken, HttpResponse};
use serde::de::IgnoredAny;
use serde_json::json;

use crate::domain::paths;
use crate::wire::{MyKey, MyKeys};

use super::http::TransportError;
use super::server_api::{ApiError, ServerApi};

const PAGE_SIZE: &str = "100";
/// Limit against servers whose pages never end.
const MAX_PAGES: usize = 1000;
/// TMS' value for "unlimited".
const UNLIMITED_USES: i32 = -1;

/// Keys as listed by the portal.
pub struct KeyListing {
    pub entries: Vec<MyKey>,
    /// Number of listed keys that this program cannot parse.
    pub unreadable: usize,
}

/// A key to register for a host account.
pub struct KeyRegistration<'a> {
    pub host: &'a str,
    pub host_account: &'a str,
    /// One line of `authorized_keys`.
    pub public_key: &'a str,
    pub ttl_minutes: u32,
}

impl ServerApi {
    /// All keys that this sign-in may read.
    pub async fn my_keys(&self, token: &AccessToken) -> Result<KeyListing, ApiError> {
        self.keys(token, &[]).await
    }

    /// The active keys for one host account.
    pub async fn active_keys(&self, token: &AccessToken, host: &str, host_account: &str) -> Result<KeyListing, ApiError> {
        self.keys(token, &[("host", host), ("host_account", host_account), ("state", "active")]).await
    }

    async fn keys(&self, token: &AccessToken, filter: &[(&str, &str)]) -> Result<KeyListing, ApiError> {
        let mut keys = KeyListing { entries: Vec::new(), unreadable: 0 };
        let mut next = None;
        for _ in 0..MAX_PAGES {
            let page: MyKeys = self.get(&page_path(filter, next.as_deref()), token).await?;
            keys.unreadable += page.num_keys.saturating_sub(page.keys.len());
            keys.entries.extend(page.keys);
            match page.next_cursor {
                Some(cursor) => next = Some(cursor),
                None => return Ok(keys),
            }
        }
        Err(self.unexpected_response("an endless list of keys"))
    }

    pub async fn register_key(&self, token: &AccessToken, key: &KeyRegistration<'_>) -> Result<MyKey, ApiError> {
        let body = json!({
            "host": key.host,
            "host_account": key.host_account,
            "public_key": key.public_key,
            "ttl_minutes": key.ttl_minutes,
            "num_uses": UNLIMITED_USES,
        });
        self.parse_response(self.http.post_json(&self.target.url(paths::MY_KEYS), Some(token), &body).await, paths::MY_KEYS)
    }

    /// Revokes a key. Returns false if it did not exist or was already revoked.
    pub async fn revoke_key(&self, token: &AccessToken, id: i64) -> Result<bool, ApiError> {
        let answer = self.http.delete(&self.target.url(&format!("{}/{id}", paths::MY_KEYS)), token).await;
        if is_not_found(&answer) {
            return Ok(false);
        }
        self.parse_response::<IgnoredAny>(answer, paths::MY_KEYS).map(|_| true)
    }
}

/// Whether the key can log in, as far as its own limits are concerned.
pub fn is_active(key: &MyKey) -> bool {
    key.state == "active"
}

fn page_path(filter: &[(&str, &str)], cursor: Option<&str>) -> String {
    let mut query = oauth2::url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("limit", PAGE_SIZE).extend_pairs(filter);
    if let Some(cursor) = cursor {
        query.append_pair("cursor", cursor);
    }
    format!("{}?{}", paths::MY_KEYS, query.finish())
}

fn is_not_found(response: &Result<HttpResponse, TransportError>) -> bool {
    response.as_ref().is_ok_and(|answer| answer.status() == StatusCode::NOT_FOUND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_is_sent_unchanged_and_alone() {
        assert_eq!(page_path(&[], None), "/v1/tms/me/keys?limit=100");
        assert_eq!(page_path(&[], Some("a b&limit=1#/../x")), "/v1/tms/me/keys?limit=100&cursor=a+b%26limit%3D1%23%2F..%2Fx");
        assert_eq!(page_path(&[("host", "a&b"), ("state", "active")], None), "/v1/tms/me/keys?limit=100&host=a%26b&state=active");
    }
}
