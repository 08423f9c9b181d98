//! What a sign-in was asked for and what it got, to tell why something is missing.

use super::failure::Failure;
use super::printable::Printable;
use super::target::Target;

/// Words with spaces between; empty where nothing is known.
#[derive(Clone, Default)]
pub struct Scopes {
    pub asked: String,
    pub granted: String,
}

impl Scopes {
    /// Why a sign-in does not cover `scope` now. Signing in again helps only where it was not asked for.
    pub fn why_without(&self, scope: &str, target: &Target) -> Failure {
        let has = |scopes: &str| scopes.split_ascii_whitespace().any(|word| word == scope);
        let (target, scope) = (target.clone(), Printable::new(scope));
        if has(&self.granted) {
            Failure::Narrowed { target, scope }
        } else if has(&self.asked) {
            Failure::NotGranted { target, scope }
        } else {
            Failure::NotCovered { target, scope }
        }
    }
}
