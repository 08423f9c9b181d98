//! A person's SSH keys.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::domain::pagination::{ListQuery, Page};
use crate::domain::time::Timestamp;

/// A key, as its person sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyItem {
    pub number: i64,
    /// The person's label for it; may be empty.
    pub label: String,
    /// `ed25519`, `ecdsa` or `rsa`.
    pub key_type: String,
    pub bits: u32,
    /// `SHA256:` and unpadded base64, as OpenSSH writes it.
    pub fingerprint: String,
    pub host: String,
    pub account: String,
    /// The client that created it; `None`: the person registered it.
    pub client: Option<String>,
    pub created_at: Timestamp,
    /// [`Timestamp::FOREVER`]: it does not expire.
    pub expires_at: Timestamp,
    /// Remaining logins; `None`: unlimited.
    pub uses_left: Option<u32>,
    pub last_used_at: Option<Timestamp>,
    pub state: KeyState,
}

/// The state of a key by its own limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyState {
    Active,
    Expired,
    UsedUp,
}

/// A page of the person's keys. `show`: `active`, `ended`, `unused`; `sort`: `used`, `expires`, `host`.
#[server(prefix = "/api", endpoint = "keys/list")]
pub async fn list_keys(#[server(default)] query: ListQuery) -> Result<Page<KeyItem>, ServerFnError> {
    use crate::server::context;
    let services = context::services()?;
    let listed = services.list_my_keys(&context::signed_in()?, &query.params()).await.map_err(context::fault)?;
    let now = services.now();
    Ok(listed.map(|key| KeyItem::new(key, now)))
}

/// Whether, according to the audit log, a key with this fingerprint was the person's.
#[server(prefix = "/api", endpoint = "keys/was-mine")]
pub async fn was_my_key(#[server(default)] fingerprint: String) -> Result<bool, ServerFnError> {
    use crate::server::context;
    context::services()?.was_my_key(&context::signed_in()?, fingerprint.trim()).await.map_err(context::fault)
}

/// The person's keys with these ids, to confirm that they are revoked.
#[server(prefix = "/api", endpoint = "keys/find")]
pub async fn find_keys(#[server(default)] key: Vec<i64>) -> Result<Vec<KeyItem>, ServerFnError> {
    use crate::server::context;
    let services = context::services()?;
    let keys = services.find_my_keys(&context::signed_in()?, &key).await.map_err(context::fault)?;
    let now = services.now();
    Ok(keys.into_iter().map(|key| KeyItem::new(key, now)).collect())
}

/// The ids of the keys that a client created for the person.
#[server(prefix = "/api", endpoint = "keys/of-client")]
pub async fn keys_of_client(#[server(default)] client: String) -> Result<Vec<i64>, ServerFnError> {
    use crate::domain::ids::ClientId;
    use crate::server::context;
    let Ok(client) = ClientId::parse(client) else { return Ok(Vec::new()) };
    context::services()?.keys_of_client(&context::signed_in()?, &client).await.map_err(context::fault)
}

/// Registers a public key of the person.
#[server(prefix = "/api", endpoint = "keys/add")]
pub async fn add_key(
    #[server(default)] host_account: String,
    #[server(default)] public_key: String,
    #[server(default)] label: String,
    #[server(default)] days: u32,
) -> Result<(), ServerFnError> {
    use crate::domain::ids::{AccountName, HostAccountId, HostName};
    use crate::domain::paths::{KEYS, KEYS_ADD, ReturnTo};
    use crate::server::context;
    use crate::server::service::Error;
    use crate::server::service::ssh_keys::{KeyParams, KeySource};
    let (services, t) = (context::services()?, context::translations());
    // A key is valid for weeks, while a stolen session alone must not be enough to add one.
    let Some(person) = context::require_recent_authentication(&ReturnTo::to(KEYS_ADD))? else { return Ok(()) };
    context::see_other(KEYS_ADD);
    if let Err(refused) = services.reject_private_key(&public_key) {
        return context::flash_error(t.key_refused(&refused)).await;
    }
    let account = match HostAccountId::parse(host_account) {
        Ok(id) => services.find_my_host_account(&person, &id).await.map_err(context::fault)?,
        Err(_) => None,
    };
    let place = account.and_then(|account| HostName::parse(account.host).ok().zip(AccountName::parse(account.account).ok()));
    let Some((host, account)) = place else { return context::flash_error(t.keys_add_no_account()).await };
    let longest = person.tenant().policy.longest_access.as_secs() / 60;
    let minutes = (u64::from(days.max(1)) * 24 * 60).min(longest);
    let params = KeyParams {
        host,
        account,
        num_uses: -1,
        ttl_minutes: i32::try_from(minutes).unwrap_or(i32::MAX),
        source: KeySource::Provided(public_key),
        label: Some(label).filter(|label| !label.trim().is_empty()),
    };
    match services.register_my_key(&person, &params).await {
        Ok(made) => {
            context::see_other(KEYS);
            context::flash_success(t.keys_added(made.pubkey.fingerprint, made.pubkey.host.as_str())).await
        }
        Err(Error::Refused(refused)) => context::flash_error(t.key_refused(&refused)).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Revokes all access of the person.
#[server(prefix = "/api", endpoint = "keys/revoke-everything")]
pub async fn revoke_everything() -> Result<(), ServerFnError> {
    use crate::domain::paths::{ACTIVITY, REVOKE_EVERYTHING, ReturnTo};
    use crate::server::context;
    let Some(person) = context::require_recent_authentication(&ReturnTo::to(REVOKE_EVERYTHING))? else { return Ok(()) };
    let revoked = context::services()?.revoke_everything(&person).await.map_err(context::fault)?;
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    context::flash_success(context::translations().keys_everything_revoked(number(revoked.keys), number(revoked.apps), number(revoked.sessions)))
        .await?;
    context::see_other(ACTIVITY);
    Ok(())
}

/// Revokes keys: those with the ids, or all that a client created.
#[server(prefix = "/api", endpoint = "keys/revoke")]
pub async fn revoke_keys(
    #[server(default)] key: Vec<i64>,
    #[server(default)] client: String,
    #[server(default)] back: String,
) -> Result<(), ServerFnError> {
    use crate::domain::paths::KEYS;
    use crate::server::context;
    let numbers = if client.is_empty() { key } else { keys_of_client(client).await? };
    let revoked = context::services()?.revoke_my_keys(&context::signed_in()?, numbers).await.map_err(context::fault)?;
    context::flash_success(context::translations().keys_revoked(i64::try_from(revoked).unwrap_or(i64::MAX))).await?;
    context::redirect_back(&back, KEYS);
    Ok(())
}

#[cfg(feature = "ssr")]
impl KeyItem {
    pub(super) fn new(key: crate::domain::ssh_key::SshKey, now: Timestamp) -> Self {
        use crate::domain::ssh_key::{KeyValidity, UNLIMITED};
        Self {
            state: match key.state(now) {
                KeyValidity::Active => KeyState::Active,
                KeyValidity::Expired => KeyState::Expired,
                KeyValidity::UsedUp => KeyState::UsedUp,
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
