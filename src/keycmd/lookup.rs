//! One lookup: the portal's response, or the cached one if the portal cannot be reached.

use super::budget::Budget;
use super::cache::{Cache, CacheError};
use super::config::KeycmdConfig;
use super::error::KeycmdError;
use super::key_query::KeyQuery;
use super::portal::{Key, LookupError, Portal};
use super::time_format;

/// The line for sshd, and a remark for the log.
#[derive(Debug)]
pub struct AllowedKey {
    pub line: String,
    /// Where the key came from, if not from the portal.
    pub remark: String,
}

impl AllowedKey {
    /// Appends to the remark.
    pub fn with_remark(self, more: &str) -> Self {
        Self { remark: self.remark + more, ..self }
    }
}

/// Looks up whether the key may log in. The key is to be cached after sshd has its line, so that a slow disk does not prevent a
/// login.
pub fn look_up(config: &KeycmdConfig, query: &KeyQuery, budget: Budget) -> Result<(AllowedKey, Option<Key>), KeycmdError> {
    if query.uid < config.min_uid {
        return Err(KeycmdError::BelowMinUid(config.min_uid));
    }
    if !query.is_plain_key() {
        return Err(KeycmdError::UnsupportedKeyType(query.key_type.clone()));
    }
    let portal = Portal::new(config)?;
    let (key, from_portal, remark) = match portal.look_up(query, budget.portal_timeout()) {
        Ok(key) => (key, true, String::new()),
        Err(why) => serve_stale(cache(config, query), why).map(|(key, remark)| (key, false, remark))?,
    };
    if key.is_expired() {
        return Err(KeycmdError::Expired);
    }
    let expiry_option = key.expires_at.zip(config.expiry_time).and_then(|(end, written)| time_format::expiry_option(end, written));
    let allowed = AllowedKey { line: config.options.line(&key.line, expiry_option.as_deref()), remark };
    Ok((allowed, Some(key).filter(|_| from_portal)))
}

/// Caches the portal's response.
pub fn store(config: &KeycmdConfig, query: &KeyQuery, key: &Key) -> Result<(), CacheError> {
    cache(config, query).map_or(Ok(()), |cache| cache.store(key, time_format::now()))
}

fn cache<'a>(config: &'a KeycmdConfig, query: &'a KeyQuery) -> Option<Cache<'a>> {
    config.cache.as_ref().map(|settings| Cache::new(settings, config, query))
}

/// The cached key, if there is one and the error is an outage. A denial deletes the cached key.
fn serve_stale(cache: Option<Cache<'_>>, error: LookupError) -> Result<(Key, String), KeycmdError> {
    let Some(cache) = cache else { return Err(error.into()) };
    if error.is_denial() {
        // If it cannot be removed now, it will become too old.
        let _ = cache.remove();
    }
    if !error.is_outage() {
        return Err(error.into());
    }
    match cache.load(time_format::now()) {
        Ok(key) if key.is_expired() => Err(KeycmdError::LookupAndCache { outage: error, cached: "the key has expired".to_owned() }),
        Ok(key) => Ok((key, format!(" from the cache, because {error}"))),
        Err(cached) => Err(KeycmdError::LookupAndCache { outage: error, cached: cached.to_string() }),
    }
}
