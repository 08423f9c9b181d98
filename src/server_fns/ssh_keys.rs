//! A person's SSH keys.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::domain::pagination::{ListQuery, Page};
use crate::domain::ssh_key::search::KeyGroup;
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
    pub client_name: Option<String>,
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

/// A group of the person's active keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyGroupItem {
    pub group: KeyGroup,
    /// Number of active keys.
    pub active: i64,
    /// When the newest was created.
    pub newest_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    /// The last used and then the newest few.
    pub first: Vec<KeyItem>,
}

/// A page of groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyGroupsItem {
    pub groups: Vec<KeyGroupItem>,
    /// Number of groups on all pages.
    pub group_count: i64,
    /// Number of pages.
    pub pages: u32,
    /// Number of active keys in all groups.
    pub active: i64,
    /// Number of keys that have expired or are used up.
    pub ended: i64,
}

/// What a confirmation says about the keys of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnouncedKeysItem {
    pub count: usize,
    /// The highest number.
    pub newest: i64,
    /// The newest few.
    pub first: Vec<KeyItem>,
}

/// A page of the person's active keys in groups. `by`: `host`, otherwise by client; `page` counts from 0.
#[server(prefix = "/api", endpoint = "keys/group")]
pub async fn group_keys(#[server(default)] by: String, #[server(default)] page: u32) -> Result<KeyGroupsItem, ServerFnError> {
    use crate::domain::pagination::QueryParam;
    use crate::domain::ssh_key::search::KeyGrouping;
    use crate::server::context;
    let services = context::services()?;
    let (found, pages) = services.group_my_keys(&context::signed_in()?, KeyGrouping::parse(&by), page).await.map_err(context::fault)?;
    let now = services.now();
    let groups = found.groups.into_iter().map(|group| KeyGroupItem {
        group: group.group,
        active: group.active,
        newest_at: group.newest_at,
        last_used_at: group.last_used_at,
        first: group.first.into_iter().map(|key| KeyItem::new(key, now)).collect(),
    });
    Ok(KeyGroupsItem { groups: groups.collect(), group_count: found.group_count, pages, active: found.active, ended: found.ended })
}

/// A page of the person's keys. `show`: `active`, `soon`, `unused`, `ended`, `all`; `sort`: `used`, `expires`, `host`.
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

/// The keys that a list has, on all its pages, to confirm that they are revoked. None for a search that would be truncated.
#[server(prefix = "/api", endpoint = "keys/announce")]
pub async fn announce_revocation(#[server(default)] query: ListQuery) -> Result<AnnouncedKeysItem, ServerFnError> {
    use crate::server::context;
    if query.is_search_truncated() {
        return Ok(AnnouncedKeysItem { count: 0, newest: 0, first: Vec::new() });
    }
    let services = context::services()?;
    let found = services.announce_revocation(&context::signed_in()?, &query.params()).await.map_err(context::fault)?;
    let now = services.now();
    let first = found.first.into_iter().map(|key| KeyItem::new(key, now)).collect();
    Ok(AnnouncedKeysItem { count: found.count, newest: found.newest, first })
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
    use crate::i18n::to_count;
    use crate::server::context;
    let Some(person) = context::require_recent_authentication(&ReturnTo::to(REVOKE_EVERYTHING))? else { return Ok(()) };
    let revoked = context::services()?.revoke_everything(&person).await.map_err(context::fault)?;
    context::flash_success(context::translations().keys_everything_revoked(
        to_count(revoked.keys),
        to_count(revoked.apps),
        to_count(revoked.sessions),
    ))
    .await?;
    context::see_other(ACTIVITY);
    Ok(())
}

/// Revokes keys: those with the ids; or those of a list, if it still has at most `count` keys up to the number `newest`.
#[server(prefix = "/api", endpoint = "keys/revoke")]
pub async fn revoke_keys(
    #[server(default)] key: Vec<i64>,
    #[server(default)] query: ListQuery,
    #[server(default)] newest: i64,
    #[server(default)] count: usize,
    #[server(default)] back: String,
) -> Result<(), ServerFnError> {
    use crate::domain::paths::KEYS;
    use crate::i18n::to_count;
    use crate::server::context;
    let (services, person, t) = (context::services()?, context::signed_in()?, context::translations());
    let revoked = if count == 0 {
        Some(services.revoke_my_keys(&person, key).await.map_err(context::fault)?)
    } else if query.is_search_truncated() {
        None
    } else {
        services.revoke_announced_keys(&person, query.params(), newest, count).await.map_err(context::fault)?
    };
    context::redirect_back(&back, KEYS);
    match revoked {
        Some(revoked) => context::flash_success(t.keys_revoked(to_count(revoked))).await,
        None => context::flash_error(t.keys_more_than_announced()).await,
    }
}

#[cfg(feature = "ssr")]
impl KeyItem {
    pub(super) fn new(summary: crate::server::service::ssh_keys::my_keys::KeySummary, now: Timestamp) -> Self {
        use crate::domain::ssh_key::{KeyValidity, UNLIMITED};
        let key = summary.key;
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
            client_name: summary.client_name,
            created_at: key.created_at,
            expires_at: key.expires_at,
            uses_left: (key.max_uses != UNLIMITED).then_some(key.remaining_uses),
            last_used_at: key.last_used_at,
        }
    }
}
