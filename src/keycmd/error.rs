//! Why no key is printed.

use std::io;

use thiserror::Error;

use super::config::ConfigError;
use super::key_query::KeyQueryRefused;
use super::portal::{LookupError, PortalSetupError};

/// All outcomes without a line for sshd, with the message for the log.
#[derive(Debug, Error)]
pub enum KeycmdError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    PortalSetup(#[from] PortalSetupError),
    #[error(transparent)]
    KeyQuery(#[from] KeyQueryRefused),
    #[error("the UID is below min_uid ({0}): no lookup for such users")]
    BelowMinUid(u32),
    #[error("keys of type {0} are not supported: no lookup for them")]
    UnsupportedKeyType(String),
    #[error(transparent)]
    Lookup(#[from] LookupError),
    #[error("{outage}; and from the cache: {cached}")]
    LookupAndCache { outage: LookupError, cached: String },
    #[error("the key has expired")]
    Expired,
    #[error("timed out while waiting for a file system or the network")]
    Timeout,
    #[error("cannot write the key line to sshd: {0}")]
    Stdout(io::Error),
    #[error("cannot start a thread: {0}")]
    ThreadSpawn(io::Error),
    #[error("internal error; see stderr")]
    WorkerPanicked,
}

impl KeycmdError {
    /// Whether it is a denial and not a failure: users offer keys and certificates unknown to TMS, and root logs in, too. The exit
    /// code is then 0; sshd logs any other one as a failed command.
    pub fn is_denial(&self) -> bool {
        matches!(self, Self::Lookup(LookupError::NotFound) | Self::BelowMinUid(_) | Self::UnsupportedKeyType(_) | Self::Expired)
    }
}
