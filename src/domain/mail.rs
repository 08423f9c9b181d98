//! E-mail: addresses, and when a message is sent again.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::ids::UserId;
use super::time::Timestamp;

/// Maximum number of attempts to send a message.
pub const MAX_ATTEMPTS: i64 = 8;
/// A message that could not be sent for this long is dropped.
pub const MAX_MAIL_AGE: Duration = Duration::from_secs(2 * 86_400);
/// Least time between two messages to one person: what comes in between is gathered into one message.
pub const MAIL_INTERVAL: Duration = Duration::from_secs(6 * 60);
/// Maximum number of a tenant's notifications that wait to be sent.
pub const MAX_QUEUED: i64 = 10_000;
/// Maximum number of a person's.
pub const MAX_QUEUED_OF_PERSON: i64 = 200;
/// With so many of a person, no more are queued that they can turn off.
pub const MAX_QUEUED_OPTIONAL: i64 = 100;
/// Maximum number of notifications in one message.
pub const MAX_PER_MESSAGE: i64 = 20;
const FIRST_RETRY: Duration = Duration::from_secs(5 * 60);
/// The longest time until the next attempt.
pub const LONGEST_RETRY: Duration = Duration::from_secs(12 * 60 * 60);

/// When to try again after a number of failed attempts; `None`: not any more.
pub fn next_attempt(attempts: i64, created_at: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let exponent = u32::try_from(attempts.saturating_sub(1)).unwrap_or(0);
    let delay = FIRST_RETRY.saturating_mul(3_u32.saturating_pow(exponent)).min(LONGEST_RETRY);
    let next = now + delay;
    (attempts < MAX_ATTEMPTS && next.since(created_at) < MAX_MAIL_AGE).then_some(next)
}

/// An e-mail address of ASCII characters that need no quoting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

/// It is not an address that the portal sends e-mail to.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("it is no e-mail address, or one with characters that the portal does not accept")]
pub struct AddressRefused;

/// A domain at which each person of a tenant has the address `user name@domain`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailDomain(String);

impl MailDomain {
    /// Accepts a host name.
    pub fn parse(text: &str) -> Result<Self, AddressRefused> {
        EmailAddress::parse(&format!("x@{text}")).map(|_| Self(text.to_ascii_lowercase()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A person's address. `None` if their user name is no local part, or is one of another institution: these have a `~` (`own_names` of
    /// `domain::provider`).
    fn address_of(&self, user: &UserId) -> Option<EmailAddress> {
        let is_own = !user.as_str().contains('~');
        EmailAddress::parse(&format!("{user}@{}", self.0)).ok().filter(|_| is_own)
    }
}

/// The address of a person that counts as verified: the one that an administrator set, or that of the tenant's domain, or the one that an
/// institution verified. `stored`: the address, and whether an administrator set it.
pub fn verified_address(stored: Option<(EmailAddress, bool)>, domain: Option<&MailDomain>, user: &UserId) -> Option<EmailAddress> {
    match (stored, domain.and_then(|domain| domain.address_of(user))) {
        (Some((address, true)), _) | (Some((_, false)) | None, Some(address)) | (Some((address, false)), None) => Some(address),
        (None, None) => None,
    }
}

/// RFC 5321 §4.5.3.1.
const MAX_LOCAL: usize = 64;
const MAX_ADDRESS: usize = 254;

impl EmailAddress {
    /// Accepts `local@domain`: a dot-atom (RFC 5322 §3.2.3) and a host name.
    pub fn parse(text: &str) -> Result<Self, AddressRefused> {
        let (local, domain) = text.rsplit_once('@').ok_or(AddressRefused)?;
        let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
        let label = |part: &str| {
            !part.is_empty()
                && part.len() <= 63
                && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                && !part.starts_with('-')
                && !part.ends_with('-')
        };
        let valid = text.len() <= MAX_ADDRESS
            && local.len() <= MAX_LOCAL
            && local.split('.').all(|part| !part.is_empty() && part.chars().all(atom))
            && domain.split('.').all(label);
        if valid { Ok(Self(text.to_owned())) } else { Err(AddressRefused) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = AddressRefused;

    fn try_from(text: String) -> Result<Self, AddressRefused> {
        Self::parse(&text)
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> String {
        address.0
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_could_break_a_header_are_refused() {
        for good in ["jdoe@tacc.example", "j.doe+tms@localhost", "x@a-b.example.org"] {
            assert_eq!(EmailAddress::parse(good).map(|address| address.to_string()).as_deref(), Ok(good));
        }
        let long = format!("{}@example.org", "x".repeat(65));
        for bad in [
            "",
            "jdoe",
            "@example.org",
            "jdoe@",
            "a@b@c",
            "j doe@example.org",
            "j\r\nBcc: x@example.org",
            "jdoe@example.org\n",
            "<jdoe@example.org>",
            "\"j\"@example.org",
            ".j@example.org",
            "jdoe@-x.example",
            "jdoe@example..org",
            "jdoé@example.org",
            "jdoe@[127.0.0.1]",
            &long,
        ] {
            assert_eq!(EmailAddress::parse(bad), Err(AddressRefused), "{bad:?}");
        }
    }

    #[test]
    fn messages_are_tried_8_times_within_2_days() {
        let created = Timestamp::from_millis(0);
        let (mut now, mut attempts) = (created, 1);
        while let Some(next) = next_attempt(attempts, created, now) {
            assert!(next > now);
            (now, attempts) = (next, attempts + 1);
        }
        assert_eq!(attempts, MAX_ATTEMPTS);
        assert!(now.since(created) > Duration::from_secs(24 * 60 * 60) && now.since(created) < MAX_MAIL_AGE);
        assert_eq!(next_attempt(1, created, created + MAX_MAIL_AGE), None);
    }

    #[test]
    fn administrators_come_before_the_domain_and_that_before_institutions() {
        let address = |text: &str| EmailAddress::parse(text).expect("an address");
        let domain = MailDomain::parse("Example.org").expect("a domain");
        let verified = |stored: Option<(&str, bool)>, domain: Option<&MailDomain>, user: &str| {
            let stored = stored.map(|(text, by_administrator)| (address(text), by_administrator));
            verified_address(stored, domain, &UserId::parse(user).expect("a user id")).map(String::from)
        };
        let (set, claimed) = (Some(("j@set.example", true)), Some(("j@campus.example", false)));
        assert_eq!(verified(set, Some(&domain), "jdoe").as_deref(), Some("j@set.example"));
        assert_eq!(verified(claimed, Some(&domain), "jdoe").as_deref(), Some("jdoe@example.org"));
        assert_eq!(verified(None, Some(&domain), "jdoe").as_deref(), Some("jdoe@example.org"));
        assert_eq!(verified(claimed, None, "jdoe").as_deref(), Some("j@campus.example"));
        assert_eq!(verified(claimed, Some(&domain), "jdoe~campus").as_deref(), Some("j@campus.example"), "a user of another institution");
        assert_eq!(verified(None, Some(&domain), "jdoe@campus"), None);
        assert_eq!(verified(None, None, "jdoe"), None);
        for bad in ["", "a b", "@example.org", "x@example.org", "example.org\n", "-a.example"] {
            assert_eq!(MailDomain::parse(bad), Err(AddressRefused), "{bad:?}");
        }
    }
}
