//! The keys that sign tokens.

use std::time::Duration;

use super::Finding;
use crate::domain::signing_key::{AlgorithmKeys, SigningAlgorithm, SigningKey, SigningKeyState};
use crate::domain::time::Timestamp;
use crate::server::service::DatabaseFound;
use crate::server::service::platform::examination::Examination;

const CHECK: &str = "signing keys";
/// How late a rotation may be: the portal may have been stopped for a while.
const PATIENCE: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// Whether there are keys that sign, and whether they are rotated. Nothing about a database that was not read, or that no portal of this release has
/// used.
pub fn findings(examined: &Examination, every: Option<Duration>, now: Timestamp) -> Vec<Finding> {
    let Ok(DatabaseFound::Read(inspection)) = &examined.database else { return Vec::new() };
    let keys: Vec<SigningKey> = inspection.signing_keys.keys.iter().map(|row| row.key.clone()).collect();
    if keys.is_empty() {
        return Vec::new();
    }
    if let Some(lost) = examined.lost_signing_keys.first() {
        let found = format!("secrets.key does not open {} of them, such as {}", examined.lost_signing_keys.len(), lost.id);
        return vec![Finding::error(
            CHECK,
            found,
            "put the key that sealed them back, or run tms-portal keys rotate signing --compromised --all --yes",
        )];
    }
    let problems: Vec<_> = SigningAlgorithm::ALL.into_iter().filter_map(|algorithm| problem(algorithm, &keys, every, now)).collect();
    if problems.is_empty() { vec![Finding::ok(CHECK, summary(&keys))] } else { problems }
}

fn problem(algorithm: SigningAlgorithm, keys: &[SigningKey], every: Option<Duration>, now: Timestamp) -> Option<Finding> {
    const ADVICE: &str = "a running portal creates it within a minute; see its log";
    let of_algorithm = AlgorithmKeys::of(algorithm, keys);
    let Some(active) = of_algorithm.active() else {
        return Some(Finding::error(CHECK, format!("no key signs with {algorithm}"), ADVICE));
    };
    if of_algorithm.next().is_none() {
        return Some(Finding::warning(CHECK, format!("{algorithm} has no next key"), ADVICE));
    }
    let activated_at = active.activated_at.unwrap_or(active.created_at);
    let is_overdue = every.is_some_and(|every| now.since(activated_at) > every + PATIENCE);
    is_overdue.then(|| {
        let found = format!("the key of {algorithm} signs since {}, longer than signing-key-days", activated_at.humanize());
        Finding::warning(CHECK, found, "a running portal rotates it; see its log, or run tms-portal keys rotate signing")
    })
}

fn summary(keys: &[SigningKey]) -> String {
    let since = |algorithm| {
        let active = AlgorithmKeys::of(algorithm, keys).active()?;
        Some(format!("{algorithm} since {}", active.activated_at.unwrap_or(active.created_at).humanize()))
    };
    let retired = keys.iter().filter(|key| key.state == SigningKeyState::Retired).count();
    let signing: Vec<_> = SigningAlgorithm::ALL.into_iter().filter_map(since).collect();
    format!("{}; {retired} retired", signing.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;
    use crate::domain::ids::SigningKeyId;

    #[test]
    fn missing_and_overdue_keys_are_found() {
        let start = Timestamp::from_millis(1_795_176_000_000);
        let day = Duration::from_secs(24 * 60 * 60);
        let key = |id: &str, state| SigningKey::new(SigningKeyId::parse(id).expect("an id"), SigningAlgorithm::Es256, state, start);
        let keys = [key("a", SigningKeyState::Active), key("b", SigningKeyState::Next)];
        let level = |keys: &[SigningKey], after| problem(SigningAlgorithm::Es256, keys, Some(day * 90), start + after).map(|finding| finding.level);
        assert_eq!(level(&keys, day * 91), None);
        assert_eq!(level(&keys, day * 93), Some(Level::Warning));
        assert_eq!(level(&keys[..1], day), Some(Level::Warning));
        assert_eq!(level(&keys[1..], day), Some(Level::Error));
        assert!(problem(SigningAlgorithm::Es256, &keys, None, start + day * 1_000).is_none(), "rotated by command only");
        assert!(summary(&keys).ends_with("; 0 retired"), "{}", summary(&keys));
    }
}
