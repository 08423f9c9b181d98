//! One question, answered by the portal, or by what it said a moment ago if it cannot be reached.

use super::budget::Budget;
use super::cache::Cache;
use super::config::Config;
use super::failure::Failure;
use super::moments;
use super::portal::{Key, NoKey, Portal};
use super::question::Question;

/// What sshd gets, and what the log says about it.
#[derive(Debug)]
pub struct Allowed {
    pub line: String,
    /// Where it came from, when not from the portal; what did not work beside it.
    pub remark: String,
}

/// Asks whether the key may log in.
pub fn look_up(config: &Config, question: &Question, budget: Budget) -> Result<Allowed, Failure> {
    if question.uid < config.min_uid {
        return Err(Failure::BelowMinUid(config.min_uid));
    }
    let portal = Portal::new(config)?;
    let cache = config.cache.as_ref().map(|settings| Cache::new(settings, config, question));
    let (key, remark) = match portal.ask(question, budget.for_the_portal()) {
        Ok(key) => {
            let kept = cache.map_or(Ok(()), |cache| cache.keep(&key, moments::now()));
            (key, kept.err().map(|why| format!(" (but not cached: {why})")).unwrap_or_default())
        }
        Err(why) => stand_in(cache, why)?,
    };
    if key.expires_at.is_some_and(|end| end <= moments::now()) {
        return Err(Failure::Expired);
    }
    let watched_by_sshd = key.expires_at.filter(|_| config.expiry_time);
    Ok(Allowed { line: config.options.line(&key.line, watched_by_sshd), remark })
}

/// The cached key, if there is one and the portal said nothing about it. A no is remembered: by forgetting the key.
fn stand_in(cache: Option<Cache<'_>>, why: NoKey) -> Result<(Key, String), Failure> {
    let Some(cache) = cache else { return Err(why.into()) };
    if why.is_a_no() {
        // What cannot be removed now is refused once it is too old.
        let _ = cache.forget();
    }
    if !why.is_an_outage() {
        return Err(why.into());
    }
    match cache.find(moments::now()) {
        Ok(key) => Ok((key, format!(" from the cache, because {why}"))),
        Err(cached) => Err(Failure::NoKeyNorCached { outage: why, cached: cached.to_string() }),
    }
}
