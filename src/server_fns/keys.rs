//! A person's SSH keys.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::domain::listing::{ListQuery, Listed};
use crate::domain::time::Timestamp;

/// A key as its person sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyItem {
    pub number: i64,
    /// What the person calls it; may be empty.
    pub label: String,
    /// `ed25519`, `ecdsa` or `rsa`.
    pub key_type: String,
    pub bits: u32,
    /// `SHA256:` and unpadded base64, as OpenSSH writes it.
    pub fingerprint: String,
    pub host: String,
    pub account: String,
    /// Who made it; `None`: the person brought it themselves.
    pub client: Option<String>,
    pub created_at: Timestamp,
    /// [`Timestamp::FOREVER`]: never.
    pub expires_at: Timestamp,
    /// `None`: as often as one likes.
    pub uses_left: Option<u32>,
    pub last_used_at: Option<Timestamp>,
    pub state: KeyState,
}

/// What a key's own limits say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyState {
    Active,
    Expired,
    UsedUp,
}

/// A piece of the list of the person's keys. `show`: `active`, `ended`, `unused`; `sort`: `used`, `expires`, `host`.
#[server(prefix = "/api", endpoint = "keys/list")]
pub async fn list_keys(#[server(default)] query: ListQuery) -> Result<Listed<KeyItem>, ServerFnError> {
    use crate::server::context::{self, my_keys};
    let services = context::services()?;
    let wanted = my_keys::KeysWanted {
        search: query.search().map(str::to_owned),
        show: match query.show.as_str() {
            "active" => my_keys::Show::Active,
            "ended" => my_keys::Show::Ended,
            "unused" => my_keys::Show::NeverUsed,
            _ => my_keys::Show::All,
        },
        sort: match query.sort.as_str() {
            "used" => my_keys::Sort::Used,
            "expires" => my_keys::Sort::Expires,
            "host" => my_keys::Sort::Host,
            _ => my_keys::Sort::Created,
        },
        after: query.mark(),
    };
    let listed = services.list_my_keys(&context::signed_in()?, &wanted).await.map_err(context::fault)?;
    let now = services.now();
    Ok(listed.map(|key| KeyItem::new(key, now)))
}

/// Those of the person's keys that have these numbers, to ask whether they are to be revoked.
#[server(prefix = "/api", endpoint = "keys/find")]
pub async fn find_keys(#[server(default)] key: Vec<i64>) -> Result<Vec<KeyItem>, ServerFnError> {
    use crate::server::context;
    let services = context::services()?;
    let keys = services.find_my_keys(&context::signed_in()?, &key).await.map_err(context::fault)?;
    let now = services.now();
    Ok(keys.into_iter().map(|key| KeyItem::new(key, now)).collect())
}

/// Revokes keys.
#[server(prefix = "/api", endpoint = "keys/revoke")]
pub async fn revoke_keys(#[server(default)] key: Vec<i64>) -> Result<(), ServerFnError> {
    use crate::domain::paths::KEYS;
    use crate::server::context;
    let revoked = context::services()?.revoke_my_keys(&context::signed_in()?, key).await.map_err(context::fault)?;
    context::say(context::words().keys_revoked(i64::try_from(revoked).unwrap_or(i64::MAX))).await?;
    context::see_other(KEYS);
    Ok(())
}

#[cfg(feature = "ssr")]
impl KeyItem {
    fn new(key: crate::domain::pubkey::Pubkey, now: Timestamp) -> Self {
        use crate::domain::pubkey::{State, UNLIMITED};
        Self {
            state: match key.state(now) {
                State::Active => KeyState::Active,
                State::Expired => KeyState::Expired,
                State::UsedUp => KeyState::UsedUp,
            },
            number: key.number,
            label: key.label,
            key_type: key.key_type.as_str().to_owned(),
            bits: key.key_bits,
            fingerprint: key.fingerprint,
            host: key.host.to_string(),
            account: key.account.to_string(),
            client: key.client_id.map(|client| client.to_string()),
            created_at: key.created_at,
            expires_at: key.expires_at,
            uses_left: (key.max_uses != UNLIMITED).then_some(key.remaining_uses),
            last_used_at: key.last_used_at,
        }
    }
}
