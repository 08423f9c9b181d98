//! Limits on failed attempts at secrets. The counters are stored in the database: neither a restart nor a success resets them, but
//! administrators can reset those of an account.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use super::ids::{TenantId, UserId};
use super::time::Timestamp;

/// What is being guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptKind {
    UserCode,
    /// A user code in a URL, which prefills the form.
    PrefilledUserCode,
    Password,
    /// A code of an authenticator app.
    SecondFactor,
    RecoveryCode,
    Passkey,
}

/// A counter of failed attempts, with its maximum and window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptLimit {
    /// The counter's key in the database.
    pub key: String,
    pub max: u32,
    pub window: Duration,
    /// Counts the attempts of all callers together, so its exhaustion is not this caller's doing.
    pub shared: bool,
}

/// What an attempt is counted against; `None` where it is unknown.
#[derive(Clone, Debug, Default)]
pub struct AttemptSource<'a> {
    pub tenant: Option<&'a TenantId>,
    pub person: Option<&'a UserId>,
    /// A stable identifier of the browser session.
    pub session: Option<&'a str>,
    pub address: Option<IpAddr>,
}

/// Factor for the limit shared by all callers whose IP address is unknown, because a proxy does not send it in a readable form: high enough
/// that they do not lock each other out at once, low enough that hiding the address does not bypass the limits.
pub const UNKNOWN_ADDRESS_FACTOR: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// How the keys of the counters of user codes begin.
const USER_CODE: &str = "code";
const PREFILLED_USER_CODE: &str = "code in address";

const MINUTE: Duration = Duration::from_secs(60);
const TEN_MINUTES: Duration = Duration::from_secs(10 * 60);
const QUARTER_HOUR: Duration = Duration::from_secs(15 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Limits on wrong user codes: 5 per session in 10 minutes, 20 per account and hour, 10 per network address and minute, and 600 per minute
/// for all anonymous callers together. With 10 000 pending codes the last one keeps the chance of a hit within a code's lifetime below 0.4
/// %.
fn user_code_limits(source: &AttemptSource) -> Vec<AttemptLimit> {
    code_limits(USER_CODE, 600, source)
}

/// Limits on wrong codes in URLs: those of typed codes under separate counters, so that following an old link uses up no attempts; and 60
/// per minute for all anonymous callers together, a tenth of what they may type.
fn prefilled_user_code_limits(source: &AttemptSource) -> Vec<AttemptLimit> {
    code_limits(PREFILLED_USER_CODE, 60, source)
}

fn code_limits(name: &str, anonymous: u32, source: &AttemptSource) -> Vec<AttemptLimit> {
    let limit = |key: String, most, window| AttemptLimit { key: format!("{name} {key}"), max: most, window, shared: false };
    let mut limits = Vec::new();
    if source.person.is_none() {
        limits.push(AttemptLimit { shared: true, ..limit("visitors".into(), anonymous, MINUTE) });
    }
    limits.extend(source.session.map(|session| limit(format!("session {session}"), 5, TEN_MINUTES)));
    limits.extend(account_key(source).map(|account| limit(account, 20, HOUR)));
    let (network, most) = network_counter(source.address, 10);
    limits.push(limit(network, most, MINUTE));
    limits
}

/// Limits on wrong passwords, each in 10 minutes: 10 per account and network address, 30 per network address, and 200 per account from
/// everywhere, so that a single attacker cannot lock a person out.
fn password_limits(source: &AttemptSource) -> Vec<AttemptLimit> {
    let mut limits = per_account_limits(&PASSWORD, source);
    let (network, most) = network_counter(source.address, 30);
    limits.push(AttemptLimit { key: format!("password {network}"), max: most, window: TEN_MINUTES, shared: false });
    limits
}

/// Maxima per account, from one network address and from everywhere, each in its window.
pub struct AccountLimit {
    /// How the keys of its counters begin.
    pub name: &'static str,
    pub from_one: (u32, Duration),
    pub from_all: (u32, Duration),
}

const PASSWORD: AccountLimit = AccountLimit { name: "password", from_one: (10, TEN_MINUTES), from_all: (200, TEN_MINUTES) };
const SECOND_FACTOR: AccountLimit = AccountLimit { name: "second factor", from_one: (4, QUARTER_HOUR), from_all: (24, HOUR) };
const RECOVERY_CODE: AccountLimit = AccountLimit { name: "recovery code", from_one: (10, TEN_MINUTES), from_all: (200, TEN_MINUTES) };
const PASSKEY: AccountLimit = AccountLimit { name: "passkey", from_one: (10, TEN_MINUTES), from_all: (200, TEN_MINUTES) };

/// How the keys of all counters of an account begin, without the name of the person: what an administrator resets.
pub fn account_key_prefixes(tenant: &TenantId) -> impl Iterator<Item = String> {
    let names = ACCOUNT_LIMITS.into_iter().map(|limit| limit.name).chain([USER_CODE, PREFILLED_USER_CODE]);
    names.map(move |name| account_key_prefix(name, tenant))
}

fn account_key_prefix(name: &str, tenant: &TenantId) -> String {
    format!("{name} account {tenant}/")
}

/// The limits on attempts to sign in to an account.
pub const ACCOUNT_LIMITS: [AccountLimit; 4] = [PASSWORD, SECOND_FACTOR, RECOVERY_CODE, PASSKEY];

impl AccountLimit {
    /// How the keys of this limit begin for the accounts of a tenant.
    pub fn key_prefix(&self, tenant: &TenantId) -> String {
        account_key_prefix(self.name, tenant)
    }

    /// The user, the maximum and the window of one of this limit's counters. `rest`: its key after [`Self::key_prefix`].
    fn counter<'k>(&self, rest: &'k str) -> (&'k str, u32, Duration) {
        match rest.rsplit_once(" network ") {
            Some((user, network)) => {
                let factor = if network == "unknown" { UNKNOWN_ADDRESS_FACTOR.get() } else { 1 };
                (user, (self.from_one.0 * factor).min(self.from_all.0), self.from_one.1)
            }
            None => (rest, self.from_all.0, self.from_all.1),
        }
    }

    /// How long a counter blocks further attempts. `newest_first`: the times of its attempts.
    pub fn wait(&self, rest: &str, newest_first: &[Timestamp], now: Timestamp) -> Option<Duration> {
        let (_, max, window) = self.counter(rest);
        let times: Vec<Timestamp> = newest_first.iter().copied().filter(|at| *at > now - window).take(max as usize).collect();
        let limit = AttemptLimit { key: rest.to_owned(), max, window, shared: false };
        retry_after(&limit, u32::try_from(times.len()).unwrap_or(u32::MAX), times.last().copied(), now)
    }

    /// The user whom these attempts lock out, if they do. `rest`: the key after [`Self::key_prefix`]; the counts are those of the two
    /// windows.
    pub fn locked_out<'k>(&self, rest: &'k str, within_one: u32, within_all: u32) -> Option<&'k str> {
        let (user, max, _) = self.counter(rest);
        let within = if user == rest { within_all } else { within_one };
        (within >= max).then_some(user)
    }
}

fn per_account_limits(
    AccountLimit { name, from_one: (from_one, one), from_all: (from_all, all) }: &AccountLimit,
    source: &AttemptSource,
) -> Vec<AttemptLimit> {
    let (from_one, from_all, one, all) = (*from_one, *from_all, *one, *all);
    let limit = |key: String, most, window| AttemptLimit { key: format!("{name} {key}"), max: most, window, shared: false };
    let Some(account) = account_key(source) else { return Vec::new() };
    let (from, from_one) = network_counter(source.address, from_one);
    vec![limit(format!("{account} {from}"), from_one.min(from_all), one), limit(account, from_all, all)]
}

/// Limits on wrong codes of an authenticator app, after a correct first factor: 4 in 15 minutes per account and network address (16 an
/// hour), and 24 an hour per account from everywhere, so that a single attacker who knows the password cannot lock the person out. Three of
/// a million codes are valid at a time: a year of uninterrupted guessing succeeds with a probability of 47 %, and fills the audit log.
fn second_factor_limits(source: &AttemptSource) -> Vec<AttemptLimit> {
    per_account_limits(&SECOND_FACTOR, source)
}

/// Limits on wrong recovery codes, in 10 minutes: 10 per account and network address, 200 per account from everywhere. Guessing one is
/// hopeless; the limits keep the audit log from being filled.
fn recovery_code_limits(source: &AttemptSource) -> Vec<AttemptLimit> {
    per_account_limits(&RECOVERY_CODE, source)
}

/// Limits on refused passkeys, as for recovery codes. They cannot be guessed, and a valid one is never delayed; the limits only keep the
/// audit log from being filled.
fn passkey_limits(source: &AttemptSource) -> Vec<AttemptLimit> {
    per_account_limits(&PASSKEY, source)
}

pub fn limits(kind: AttemptKind, source: &AttemptSource) -> Vec<AttemptLimit> {
    match kind {
        AttemptKind::UserCode => user_code_limits(source),
        AttemptKind::PrefilledUserCode => prefilled_user_code_limits(source),
        AttemptKind::Password => password_limits(source),
        AttemptKind::SecondFactor => second_factor_limits(source),
        AttemptKind::RecoveryCode => recovery_code_limits(source),
        AttemptKind::Passkey => passkey_limits(source),
    }
}

/// When the next attempt is allowed if the limit is used up, else `None`; never later than after one window. `oldest` is the time of the
/// earliest of the last `limit.max` attempts in the window; one in the future, from before the clock was set back, counts as made now.
pub fn retry_after(limit: &AttemptLimit, guesses: u32, oldest: Option<Timestamp>, now: Timestamp) -> Option<Duration> {
    let free_at = oldest?.min(now) + limit.window;
    (guesses >= limit.max && now < free_at).then(|| free_at.since(now))
}

fn account_key(source: &AttemptSource) -> Option<String> {
    Some(format!("account {}/{}", source.tenant?, source.person?))
}

/// The counter key and the maximum for a network address.
fn network_counter(address: Option<IpAddr>, most: u32) -> (String, u32) {
    address.map_or_else(|| ("network unknown".to_owned(), most * UNKNOWN_ADDRESS_FACTOR.get()), |address| (network_key(address), most))
}

/// The network that attempts count against: an IPv4 address, or an IPv6 /64, within which one customer can use any address.
pub fn network_key(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => format!("network {address}"),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => format!("network {address}"),
            None => {
                let [a, b, c, d, ..] = address.segments();
                format!("network {a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_ipv6_network_share_a_counter() {
        let key = |text: &str| network_key(text.parse().expect("an address"));
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:2"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
    }

    #[test]
    fn accounts_at_a_limit_are_named() {
        let tenant = TenantId::parse("test").expect("a tenant");
        let person = UserId::parse("jdoe").expect("a person");
        let source = AttemptSource {
            tenant: Some(&tenant),
            person: Some(&person),
            address: Some("192.0.2.1".parse().expect("an address")),
            ..Default::default()
        };
        for (limit, kind) in
            ACCOUNT_LIMITS.iter().zip([AttemptKind::Password, AttemptKind::SecondFactor, AttemptKind::RecoveryCode, AttemptKind::Passkey])
        {
            for AttemptLimit { key, max, .. } in limits(kind, &source).into_iter().filter(|limit| limit.key.contains("account")) {
                let rest = key.strip_prefix(&limit.key_prefix(&tenant)).expect("a key of this limit");
                assert_eq!(limit.locked_out(rest, max, max), Some("jdoe"), "{key}");
                assert_eq!(limit.locked_out(rest, max - 1, max - 1), None, "{key}");
            }
        }
    }

    #[test]
    fn wait_ends_when_the_oldest_counted_attempt_is_old() {
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1_000);
        let tries: Vec<Timestamp> = (0..10).rev().map(|n| at(1_000 + n)).collect();
        assert_eq!(PASSWORD.wait("jdoe network 192.0.2.1", &tries, at(1_100)), Some(Duration::from_secs(500)));
        assert_eq!(PASSWORD.wait("jdoe network unknown", &tries, at(1_100)), None);
        assert_eq!(PASSWORD.wait("jdoe", &tries, at(1_100)), None);
        assert_eq!(PASSWORD.wait("jdoe network 192.0.2.1", &tries, at(1_600)), None);
    }

    #[test]
    fn limit_is_free_when_its_oldest_attempt_leaves_the_window() {
        let limit = AttemptLimit { key: "k".into(), max: 5, window: Duration::from_secs(600), shared: false };
        let now = Timestamp::from_millis(1_000_000);
        let oldest = Some(Timestamp::from_millis(700_000));
        assert_eq!(retry_after(&limit, 4, oldest, now), None);
        assert_eq!(retry_after(&limit, 5, oldest, now), Some(Duration::from_secs(300)));
        assert_eq!(retry_after(&limit, 5, oldest, Timestamp::from_millis(1_300_000)), None);
    }

    #[test]
    fn no_wait_is_longer_than_its_window() {
        let now = Timestamp::from_millis(1_000_000_000);
        let tomorrow = now + Duration::from_secs(86_400);
        let limit = AttemptLimit { key: "k".into(), max: 5, window: Duration::from_secs(600), shared: false };
        assert_eq!(retry_after(&limit, 5, Some(tomorrow), now), Some(limit.window));
        assert_eq!(retry_after(&limit, 4, Some(tomorrow), now), None);
        assert_eq!(PASSWORD.wait("jdoe network 192.0.2.1", &[tomorrow; 10], now), Some(TEN_MINUTES));
    }

    #[test]
    fn every_known_part_of_the_source_is_counted() {
        let tenant = TenantId::parse("test").expect("a tenant");
        let person = UserId::parse("jdoe").expect("a person");
        let source = AttemptSource {
            tenant: Some(&tenant),
            person: Some(&person),
            session: Some("s1"),
            address: Some("192.0.2.1".parse().expect("an address")),
        };
        assert_eq!(user_code_limits(&source).len(), 3);
        assert_eq!(password_limits(&source).len(), 3);
        assert_eq!(second_factor_limits(&source).len(), 2);
        let unknown = AttemptSource { address: None, ..source };
        let most = |limits: Vec<AttemptLimit>| limits.into_iter().find(|limit| limit.key.ends_with("unknown")).map(|limit| limit.max);
        assert_eq!((most(user_code_limits(&unknown)), most(password_limits(&unknown))), (Some(100), Some(100)));
        assert_eq!(password_limits(&unknown).len(), 3);
    }
}
