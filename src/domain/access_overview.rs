//! What the home page states about a person's access: how much there is, the newest, and what expires soon.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// How long before its expiry access is pointed out: on the home page, and in lists of keys.
pub const EXPIRY_WINDOW: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Expiring host accounts and applications that are named; the lists have the others.
pub const MAX_NAMED: usize = 3;

/// A person's access, as of one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessOverview {
    /// No host account was ever linked, no application allowed, no key registered.
    pub has_no_access_yet: bool,
    pub clients: AccessCount,
    pub keys: AccessCount,
    pub host_accounts: AccessCount,
    /// What expires within [`EXPIRY_WINDOW`], earliest first: all keys as one entry, and at most [`MAX_NAMED`] of each other kind.
    pub expiring: Vec<ExpiringAccess>,
    /// The last sign-in before that of this session; `None` if the audit log has none.
    pub last_sign_in: Option<LastSignIn>,
    pub second_factor: SecondFactorAdvice,
}

/// The number of what is active, and the newest of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessCount {
    /// Counted up to `pagination::MAX_COUNTED`.
    pub count: u64,
    pub newest: Option<NewestAccess>,
}

/// A name of the newest, and when it was created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewestAccess {
    /// Of a client its name; else `account@host`.
    pub name: String,
    pub at: Timestamp,
}

/// What expires soon, with the earliest expiry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpiringAccess {
    pub what: ExpiringKind,
    pub at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ExpiringKind {
    /// That many keys.
    Keys(u64),
    HostAccount {
        account: String,
        host: String,
    },
    /// The access of a client with this name.
    Client(String),
}

/// A past sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastSignIn {
    pub at: Timestamp,
    /// The IP address, if it is known.
    pub from: Option<String>,
}

/// Whether to suggest a second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecondFactorAdvice {
    /// The person has one, here or at the institution they signed in through.
    NotNeeded,
    Suggested,
    /// The tenant requires one for what the person may do.
    Required,
}

impl AccessOverview {
    /// Whether something needs the person's attention.
    pub fn needs_attention(&self) -> bool {
        self.host_accounts.count == 0 || !self.expiring.is_empty() || self.second_factor != SecondFactorAdvice::NotNeeded
    }
}

/// Of what is active, the first [`MAX_NAMED`] to expire within [`EXPIRY_WINDOW`], earliest first. What has several expiries ends at the latest.
pub fn expiring(active: impl IntoIterator<Item = ExpiringAccess>, now: Timestamp) -> Vec<ExpiringAccess> {
    let mut latest = BTreeMap::new();
    for access in active {
        let at = latest.entry(access.what).or_insert(access.at);
        *at = access.at.max(*at);
    }
    let ends_soon = |at: Timestamp| now < at && at <= now + EXPIRY_WINDOW;
    let mut named: Vec<ExpiringAccess> = latest.into_iter().filter(|(_, at)| ends_soon(*at)).map(|(what, at)| ExpiringAccess { what, at }).collect();
    named.sort_by_key(|access| access.at);
    named.truncate(MAX_NAMED);
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latest_expiry_of_each_client_is_named() {
        let now = Timestamp::from_millis(1_000_000);
        let client = |name: &str, at| ExpiringAccess { what: ExpiringKind::Client(name.to_owned()), at };
        let days = |days: u64| now + Duration::from_secs(days * 86_400);
        let soon = expiring(
            [
                client("a", days(6)),
                client("past", now),
                client("a", days(2)),
                client("b", days(7)),
                client("late", days(8)),
                client("c", days(1)),
                client("d", days(7)),
                client("lasting", days(1)),
                client("lasting", days(30)),
            ],
            now,
        );
        assert_eq!(soon, [client("c", days(1)), client("a", days(6)), client("b", days(7))]);
    }
}
