//! What became of the sign-in that a new one takes the place of.

use super::failure::Failure;
use super::output::Output;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Earlier {
    None,
    Ended,
    NotEnded,
    /// What was kept could not be read.
    Unknown,
}

impl Earlier {
    /// With the outcome for one more. Where it was not ended, the person hears how long it is valid.
    pub fn and(self, ended: Result<(), Failure>, still_valid: &str, output: &Output) -> Self {
        match ended {
            Ok(()) if self == Self::None => Self::Ended,
            Ok(()) => self,
            Err(why) => {
                output.note(&format!("Your earlier sign-in could not be revoked: {why}"));
                output.note(still_valid);
                Self::NotEnded
            }
        }
    }

    /// For scripts.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Ended => Some("ended"),
            Self::NotEnded => Some("not_ended"),
            Self::Unknown => Some("unknown"),
        }
    }
}
