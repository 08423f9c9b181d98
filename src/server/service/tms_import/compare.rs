//! Compares the answers of the old server with those here, without counting logins.

use super::keys::Observer;
use super::report::Reason;
use crate::domain::ids::{AccountName, HostName};
use crate::domain::ssh_key::{Fingerprint, LookupDecision};
use crate::server::service::{Fault, Services};
use crate::server::storage::ssh_keys::lookup::LookupQuery;

/// A key to compare.
#[derive(Clone, Debug)]
pub struct ComparedKey {
    pub host: String,
    pub account: String,
    pub fingerprint: String,
    /// Why the import decided that it does not log in here, or that its owner will notice the import.
    pub reason: Option<Reason>,
}

impl ComparedKey {
    /// Whether the import said that it does not log in here.
    pub fn is_expected_to_be_refused(&self) -> bool {
        self.reason.is_some_and(|reason| !matches!(reason, Reason::Limited | Reason::EndsSoon | Reason::SystemAccount))
    }
}

/// Collects the keys of an import.
#[derive(Default)]
pub struct KeysToCompare(pub Vec<ComparedKey>);

impl Observer for KeysToCompare {
    fn judged(&mut self, host: &str, account: &str, fingerprint: &str, reason: Option<Reason>) {
        self.0.push(ComparedKey { host: host.to_owned(), account: account.to_owned(), fingerprint: fingerprint.to_owned(), reason });
    }
}

/// How the answers for a key compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Comparison {
    Same,
    NeitherAnswers,
    /// Only the old server answers, as the import's report said.
    ExpectedRefusal,
    UnexpectedRefusal,
    OnlyHere,
    DifferentKey,
}

impl Comparison {
    pub fn of(key: &ComparedKey, old: Option<&str>, here: Option<&str>) -> Self {
        match (old.map(without_comment), here.map(without_comment)) {
            (None, None) => Self::NeitherAnswers,
            (Some(old), Some(here)) if old == here => Self::Same,
            (Some(_), Some(_)) => Self::DifferentKey,
            (None, Some(_)) => Self::OnlyHere,
            (Some(_), None) if key.is_expected_to_be_refused() => Self::ExpectedRefusal,
            (Some(_), None) => Self::UnexpectedRefusal,
        }
    }

    pub fn is_error(self) -> bool {
        matches!(self, Self::UnexpectedRefusal | Self::OnlyHere | Self::DifferentKey)
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::NeitherAnswers => "neither_answers",
            Self::ExpectedRefusal => "expected_refusal",
            Self::UnexpectedRefusal => "unexpected_refusal",
            Self::OnlyHere => "only_here",
            Self::DifferentKey => "different_key",
        }
    }
}

/// The type and the key of a line.
fn without_comment(line: &str) -> Vec<&str> {
    line.split_whitespace().take(2).collect()
}

impl Services {
    /// What a host without tenant and credential would get for a login now. Nothing is counted or recorded.
    pub async fn answer_without_counting(&self, key: &ComparedKey) -> Result<Option<String>, Fault> {
        let names = (HostName::parse(key.host.as_str()), AccountName::parse(key.account.as_str()), Fingerprint::parse(&key.fingerprint));
        let (Ok(host), Ok(account), Some(fingerprint)) = names else { return Ok(None) };
        let found = self.storage().look_up_keys(LookupQuery { host, account, fingerprint: Some(fingerprint), tenant_id: None }).await?;
        if found.credential_required {
            return Ok(None);
        }
        let now = self.now();
        let decided = found.candidates.into_iter().map(|found| (found.status.authorize_login(now), found));
        let allowed = decided.filter(|(decision, _)| !matches!(decision, LookupDecision::Refused(_)));
        Ok(allowed.max_by_key(|(decision, found)| found.status.preference(*decision)).map(|(_, found)| found.public_key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_compared_without_comments() {
        let key = |reason| ComparedKey { host: "h".into(), account: "a".into(), fingerprint: "SHA256:x".into(), reason };
        let (plain, ended) = (key(None), key(Some(Reason::Expired)));
        for (key, old, here, expected) in [
            (&plain, Some("ssh-ed25519 AAAA jdoe@login1\n"), Some("ssh-ed25519 AAAA"), Comparison::Same),
            (&plain, Some("ssh-ed25519 AAAA"), Some("ssh-ed25519 BBBB"), Comparison::DifferentKey),
            (&plain, Some("ssh-ed25519 AAAA"), None, Comparison::UnexpectedRefusal),
            (&ended, Some("ssh-ed25519 AAAA"), None, Comparison::ExpectedRefusal),
            (&ended, None, Some("ssh-ed25519 AAAA"), Comparison::OnlyHere),
            (&plain, None, None, Comparison::NeitherAnswers),
            (&key(Some(Reason::Limited)), Some("ssh-ed25519 AAAA"), None, Comparison::UnexpectedRefusal),
        ] {
            assert_eq!(Comparison::of(key, old, here), expected, "{old:?} {here:?}");
        }
    }
}
