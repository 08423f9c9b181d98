//! What became of the sign-in that a new one takes the place of.

use super::failure::CliError;
use super::output::Output;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreviousSignIn {
    None,
    Revoked,
    NotRevoked,
    /// What was kept could not be read.
    Unknown,
}

impl PreviousSignIn {
    /// With the outcome for one more. Where it was not ended, the person hears how long it is valid.
    pub fn merge(self, revoked: Result<(), CliError>, still_valid: &str, output: &Output) -> Self {
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

    /// For scripts.
    pub fn json_value(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Revoked => Some("ended"),
            Self::NotRevoked => Some("not_ended"),
            Self::Unknown => Some("unknown"),
        }
    }
}
