//! Why nothing is printed.

use std::io;

use thiserror::Error;

use super::config::ConfigFault;
use super::portal::NoKey;
use super::question::QuestionRefused;
use super::roots::RootsFault;

/// Everything that ends without a line for sshd, as a sentence for the log.
#[derive(Debug, Error)]
pub enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigFault),
    #[error(transparent)]
    Roots(#[from] RootsFault),
    #[error(transparent)]
    Question(#[from] QuestionRefused),
    #[error("the UID is below min_uid ({0}): no lookup for such users")]
    BelowMinUid(u32),
    #[error("keys of type {0} are not supported: no lookup for them")]
    NotAPlainKey(String),
    #[error(transparent)]
    NoKey(#[from] NoKey),
    #[error("{outage}; and from the cache: {cached}")]
    NoKeyNorCached { outage: NoKey, cached: String },
    #[error("the key has expired")]
    Expired,
    #[error("timed out while waiting for a file system or the network")]
    OutOfTime,
    #[error("cannot write the key line to sshd: {0}")]
    Unprintable(io::Error),
    #[error("cannot start a thread: {0}")]
    NoThread(io::Error),
    #[error("internal error; see stderr")]
    Fault,
}

impl Failure {
    /// Whether it is an answer, "no", and not a fault: people offer keys and certificates that TMS has never seen, and root logs in, too.
    /// The program ends with 0 then; after anything else sshd logs that its command failed.
    pub fn is_ordinary(&self) -> bool {
        matches!(self, Self::NoKey(NoKey::NotFound) | Self::BelowMinUid(_) | Self::NotAPlainKey(_) | Self::Expired)
    }
}
