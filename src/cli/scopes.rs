//! The requested and granted scopes of a sign-in, used to explain why a scope is missing.

use thiserror::Error;

use super::error_code::ErrorCode;
use super::printable::Printable;
use super::target::Target;

/// Space-separated scopes; empty if unknown.
#[derive(Clone, Default)]
pub struct Scopes {
    pub requested: String,
    pub granted: String,
}

/// Why a sign-in does not cover a scope.
#[derive(Debug, Error)]
pub enum ScopeError {
    #[error("your sign-in to {target} does not cover this ({scope}): sign in again with `tms login`")]
    NotRequested { target: Target, scope: Printable },
    #[error(
        "your sign-in to {target} does not cover this, because the administrators there did not let this application, `tms`, request it ({scope}): ask them to allow it, then sign in again with `tms login`"
    )]
    NotGranted { target: Target, scope: Printable },
    #[error(
        "an administrator of {target} has reduced the permissions of this application, `tms`, since you signed in: {scope} is missing. Signing in again does not help; ask the administrators to allow it again"
    )]
    Reduced { target: Target, scope: Printable },
}

impl ScopeError {
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotRequested { .. } | Self::NotGranted { .. } | Self::Reduced { .. } => ErrorCode::InsufficientScope,
        }
    }
}

impl Scopes {
    /// The error for a missing scope. Signing in again is suggested only if the scope was not requested before.
    pub fn missing_scope_error(&self, scope: &str, target: &Target) -> ScopeError {
        let has = |scopes: &str| scopes.split_ascii_whitespace().any(|word| word == scope);
        let (target, scope) = (target.clone(), Printable::new(scope));
        if has(&self.granted) {
            ScopeError::Reduced { target, scope }
        } else if has(&self.requested) {
            ScopeError::NotGranted { target, scope }
        } else {
            ScopeError::NotRequested { target, scope }
        }
    }
}
