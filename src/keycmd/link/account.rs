//! The account of a UID.

use nix::unistd::{Uid, User};
use thiserror::Error;

/// The UID that Linux shows for UIDs of other user namespaces (`/proc/sys/kernel/overflowuid`).
const OVERFLOW_UID: u32 = 65_534;

/// An account of this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnixAccount {
    pub name: String,
    pub uid: u32,
}

/// Why an account cannot be linked.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AccountRefused {
    #[error("the root account cannot be linked: run this as yourself")]
    Root,
    #[error("this is a system account and cannot be linked")]
    SystemAccount,
    #[error("you are in a container or another user namespace, where this host cannot identify you: run this outside of it")]
    OtherUserNamespace,
    #[error("this host has no account with your UID")]
    Unknown,
    #[error("this host has two accounts with your name: its operators have to correct that")]
    Ambiguous,
    #[error("this host failed to look up your account; try again")]
    LookupFailed,
}

impl UnixAccount {
    /// Looks up the UID in the system's user database, which may use the network.
    pub fn look_up(uid: u32) -> Result<Self, AccountRefused> {
        match uid {
            0 => return Err(AccountRefused::Root),
            OVERFLOW_UID | u32::MAX => return Err(AccountRefused::OtherUserNamespace),
            _ => {}
        }
        let not_looked_up = |_| AccountRefused::LookupFailed;
        let user = User::from_uid(Uid::from_raw(uid)).map_err(not_looked_up)?.ok_or(AccountRefused::Unknown)?;
        // A link is for a name, and sshd resolves the name to a UID: that must be this UID, or the account could link another one.
        let named = User::from_name(&user.name).map_err(not_looked_up)?.ok_or(AccountRefused::Ambiguous)?;
        if named.uid.as_raw() == uid { Ok(Self { name: user.name, uid }) } else { Err(AccountRefused::Ambiguous) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_and_overflow_uid_are_refused() {
        assert_eq!(UnixAccount::look_up(0), Err(AccountRefused::Root));
        for uid in [65_534, u32::MAX] {
            assert_eq!(UnixAccount::look_up(uid), Err(AccountRefused::OtherUserNamespace));
        }
        assert_eq!(UnixAccount::look_up(4_294_000_111), Err(AccountRefused::Unknown));
        assert_eq!(UnixAccount::look_up(1).map(|account| account.uid), Ok(1), "every system has this one");
    }
}
