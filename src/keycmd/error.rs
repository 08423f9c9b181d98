//! Why nothing is printed.

use std::io;

use thiserror::Error;

use super::config::ConfigError;
use super::key_query::KeyQueryRefused;
use super::portal::LookupError;
use super::root_certs::RootStoreError;

/// Everything that ends without a line for sshd, as a sentence for the log.
#[derive(Debug, Error)]
pub enum KeycmdError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    RootCerts(#[from] RootStoreError),
    #[error(transparent)]
    KeyQuery(#[from] KeyQueryRefused),
    #[error("the user id is below min_uid ({0}): the portal is not asked for such users")]
    BelowMinUid(u32),
    #[error("keys of type {0} cannot log in by a line of authorized_keys: the portal is not asked for them")]
    UnsupportedKeyType(String),
    #[error(transparent)]
    Lookup(#[from] LookupError),
    #[error("{outage}; and from the cache: {cached}")]
    LookupAndCache { outage: LookupError, cached: String },
    #[error("the key has expired")]
    Expired,
    #[error("the time is over, and something still hangs: a file system, or the network")]
    Timeout,
    #[error("the line could not be handed to sshd: {0}")]
    Stdout(io::Error),
    #[error("no thread could be started: {0}")]
    ThreadSpawn(io::Error),
    #[error("a fault in this program; it has said more on stderr")]
    WorkerPanicked,
}

impl KeycmdError {
    /// Whether it is an answer, "no", and not a fault: people offer keys and certificates that TMS has never seen, and root logs in, too.
    /// The program ends with 0 then; after anything else sshd logs that its command failed.
    pub fn is_denial(&self) -> bool {
        matches!(self, Self::Lookup(LookupError::NotFound) | Self::BelowMinUid(_) | Self::UnsupportedKeyType(_) | Self::Expired)
    }
}
