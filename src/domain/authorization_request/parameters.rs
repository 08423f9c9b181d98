//! The parameters of an authorization request, before they are checked (RFC 6749 §3.1).

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// The only parameter that may be sent more than once (RFC 8707 §2).
const RESOURCE: &str = "resource";

/// Longest `state`, in bytes.
const MAX_STATE: usize = 4 * 1024;
/// Longest `nonce`, in bytes.
const MAX_NONCE: usize = 1024;

/// A parameter without a value counts as absent, and one that is not known as not sent.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    values: BTreeMap<String, String>,
    resources: Vec<String>,
    repeated: BTreeSet<String>,
}

impl Parameters {
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut parameters = Self::default();
        for (name, value) in pairs {
            if name == RESOURCE {
                parameters.resources.extend((!value.is_empty()).then_some(value));
                continue;
            }
            match parameters.values.entry(name) {
                Entry::Vacant(free) => {
                    free.insert(value);
                }
                Entry::Occupied(sent) => {
                    parameters.repeated.insert(sent.key().clone());
                }
            }
        }
        parameters
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether a parameter was sent more than once: which of its values counts is not known.
    pub fn is_repeated(&self, name: &str) -> bool {
        self.repeated.contains(name)
    }

    pub fn has_repeated(&self) -> bool {
        !self.repeated.is_empty()
    }

    /// The resource indicators (RFC 8707 §2).
    pub fn resources(&self) -> &[String] {
        &self.resources
    }

    /// None of two: which one the client expects is not known.
    pub(super) fn state(&self) -> Result<Option<&str>, TooLong> {
        limited(self.get("state").filter(|_| !self.is_repeated("state")), MAX_STATE)
    }

    pub(super) fn nonce(&self) -> Result<Option<&str>, TooLong> {
        limited(self.get("nonce"), MAX_NONCE)
    }
}

pub(super) struct TooLong;

fn limited(value: Option<&str>, longest: usize) -> Result<Option<&str>, TooLong> {
    match value {
        Some(value) if value.len() > longest => Err(TooLong),
        value => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(pairs: &[(&str, &str)]) -> Parameters {
        Parameters::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn empty_is_absent_and_only_resource_may_repeat() {
        let sent = parameters(&[("scope", ""), ("state", "a"), ("resource", "r"), ("resource", "s"), ("resource", ""), ("x", "1"), ("x", "")]);
        assert_eq!((sent.get("scope"), sent.get("state"), sent.get("y")), (None, Some("a"), None));
        assert_eq!(sent.resources(), ["r", "s"]);
        assert!(sent.is_repeated("x") && sent.has_repeated() && !sent.is_repeated("resource"));
        assert!(!parameters(&[("resource", "r"), ("resource", "s")]).has_repeated());
    }

    #[test]
    fn long_values_are_refused() {
        let state = |length: usize| parameters(&[("state", &"s".repeat(length))]).state().is_ok();
        assert!(state(4 * 1024) && !state(4 * 1024 + 1));
        let nonce = |length: usize| parameters(&[("nonce", &"n".repeat(length))]).nonce().is_ok();
        assert!(nonce(1024) && !nonce(1025));
    }
}
