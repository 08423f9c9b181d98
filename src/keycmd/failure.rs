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
    #[error("the user id is below min_uid ({0}): the portal is not asked for such users")]
    BelowMinUid(u32),
    #[error("keys of type {0} cannot log in by a line of authorized_keys: the portal is not asked for them")]
    NotAPlainKey(String),
    #[error(transparent)]
    NoKey(#[from] NoKey),
    #[error("{outage}; and from the cache: {cached}")]
    NoKeyNorCached { outage: NoKey, cached: String },
    #[error("the key has expired")]
    Expired,
    #[error("the time is over, and something still hangs: a file system, or the network")]
    OutOfTime,
    #[error("the line could not be handed to sshd: {0}")]
    Unprintable(io::Error),
    #[error("no thread could be started: {0}")]
    NoThread(io::Error),
    #[error("a fault in this program; it has said more on stderr")]
    Fault,
}

impl Failure {
    /// Whether it is an answer, "no", and not a fault: people offer keys and certificates that TMS has never seen, and root logs in, too.
    /// The program ends with 0 then; after anything else sshd logs that its command failed.
    pub fn is_ordinary(&self) -> bool {
        matches!(self, Self::NoKey(NoKey::NotFound) | Self::BelowMinUid(_) | Self::NotAPlainKey(_) | Self::Expired)
    }
}
