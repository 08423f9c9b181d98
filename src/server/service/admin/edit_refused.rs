//! Why an administrator's change is refused.

use crate::domain::time::Timestamp;
use crate::server::service::Error;

/// Why a change is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditRefused {
    NotFound,
    /// The object was changed since the form was rendered; saving would undo that change.
    Stale,
    /// No administrator could sign in any more.
    NoAdminLeft,
}

impl EditRefused {
    pub(in crate::server::service) fn check_version(seen: Option<Timestamp>, changed: Timestamp) -> Result<(), Error<Self>> {
        if seen.is_none_or(|seen| seen == changed) { Ok(()) } else { Err(Error::Refused(Self::Stale)) }
    }
}
