//! The outcome for the sign-in that a new one replaces.

use std::fmt::Display;

use super::output::Output;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreviousSignIn {
    None,
    Revoked,
    NotRevoked,
    /// The stored sign-in could not be read.
    Unknown,
}

impl PreviousSignIn {
    /// Adds the outcome for one more sign-in. If it was not revoked, a note says how long it is valid.
    pub fn merge(self, revoked: Result<(), impl Display>, still_valid: &str, output: &Output) -> Self {
        match revoked {
            Ok(()) if self == Self::None => Self::Revoked,
            Ok(()) => self,
            Err(why) => {
                output.note(&format!("Your earlier sign-in could not be revoked: {why}"));
                output.note(still_valid);
                Self::NotRevoked
            }
        }
    }

    /// The value in JSON output.
    pub fn json_value(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Revoked => Some("ended"),
            Self::NotRevoked => Some("not_ended"),
            Self::Unknown => Some("unknown"),
        }
    }
}
