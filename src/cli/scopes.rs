//! What a sign-in was asked for and what it got, to tell why something is missing.

use super::failure::CliError;
use super::printable::Printable;
use super::target::Target;

/// Words with spaces between; empty where nothing is known.
#[derive(Clone, Default)]
pub struct Scopes {
    pub requested: String,
    pub granted: String,
}

impl Scopes {
    /// Why a sign-in does not cover `scope` now. Signing in again helps only where it was not asked for.
    pub fn missing_scope_error(&self, scope: &str, target: &Target) -> CliError {
        let has = |scopes: &str| scopes.split_ascii_whitespace().any(|word| word == scope);
        let (target, scope) = (target.clone(), Printable::new(scope));
        if has(&self.granted) {
            CliError::ScopeReduced { target, scope }
        } else if has(&self.requested) {
            CliError::ScopeNotGranted { target, scope }
        } else {
            CliError::InsufficientScope { target, scope }
        }
    }
}
