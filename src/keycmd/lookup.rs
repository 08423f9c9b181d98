//! One question, answered by the portal, or by what it said a moment ago if it cannot be reached.

use super::budget::Budget;
use super::cache::{Cache, CacheFault};
use super::config::Config;
use super::failure::Failure;
use super::moments;
use super::portal::{Key, NoKey, Portal};
use super::question::Question;

/// What sshd gets, and what the log says about it.
#[derive(Debug)]
pub struct Allowed {
    pub line: String,
    /// Where it came from, when not from the portal.
    pub remark: String,
}

impl Allowed {
    /// With something more for the log.
    pub fn with_remark(self, more: &str) -> Self {
        Self { remark: self.remark + more, ..self }
    }
}

/// Asks whether the key may log in. What the portal said is to be kept once sshd has its line: a slow disk keeps nobody out.
pub fn look_up(config: &Config, question: &Question, budget: Budget) -> Result<(Allowed, Option<Key>), Failure> {
    if question.uid < config.min_uid {
        return Err(Failure::BelowMinUid(config.min_uid));
    }
    if !question.is_about_a_plain_key() {
        return Err(Failure::NotAPlainKey(question.key_type.clone()));
    }
    let portal = Portal::new(config)?;
    let (key, from_portal, remark) = match portal.ask(question, budget.for_the_portal()) {
        Ok(key) => (key, true, String::new()),
        Err(why) => stand_in(cache(config, question), why).map(|(key, remark)| (key, false, remark))?,
    };
    if key.has_ended() {
        return Err(Failure::Expired);
    }
    let watched_by_sshd = key.expires_at.zip(config.expiry_time).and_then(|(end, written)| moments::expiry_option(end, written));
    let allowed = Allowed { line: config.options.line(&key.line, watched_by_sshd.as_deref()), remark };
    Ok((allowed, Some(key).filter(|_| from_portal)))
}

/// Keeps what the portal said, for when it says nothing.
pub fn keep(config: &Config, question: &Question, key: &Key) -> Result<(), CacheFault> {
    cache(config, question).map_or(Ok(()), |cache| cache.keep(key, moments::now()))
}

fn cache<'a>(config: &'a Config, question: &'a Question) -> Option<Cache<'a>> {
    config.cache.as_ref().map(|settings| Cache::new(settings, config, question))
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
        Ok(key) if key.has_ended() => Err(Failure::NoKeyNorCached { outage: why, cached: "the key has expired".to_owned() }),
        Ok(key) => Ok((key, format!(" from the cache, because {why}"))),
        Err(cached) => Err(Failure::NoKeyNorCached { outage: why, cached: cached.to_string() }),
    }
}
