//! Refused key lookups: why a host did not get a key.

use std::fmt;

use super::ids::{AccountName, ClientId, HostName, UserId};
use super::time::Timestamp;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $message:literal;)*) => {
        /// Why a key lookup was refused. Hosts are not told. The words are stable: they are stored in the database and part of the API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum RefusalReason { $($(#[$doc])* $name,)* }

        impl RefusalReason {
            pub const ALL: &'static [RefusalReason] = &[$(RefusalReason::$name,)*];

            pub fn as_str(self) -> &'static str {
                match self { $(RefusalReason::$name => $word,)* }
            }

            /// `None` for a word that this release does not define.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|reason| reason.as_str() == word)
            }
        }

        /// The reason and what to do, in English: for the API and `tms`.
        impl fmt::Display for RefusalReason {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(RefusalReason::$name => $message,)* })
            }
        }
    };
}

reasons! {
    /// Not registered for this account on this host: never, or no longer.
    UnknownKey = "unknown_key", "the key is not registered for this account on this host; it may have been revoked";
    KeyExpired = "key_expired", "the key has expired: create a new one";
    KeyUsedUp = "key_used_up", "the key has no logins left: create a new one";
    ReservationEnded = "reservation_ended", "the key has expired, and so has its reservation: create a new one";
    MfaMissing = "mfa_missing", "the user has no MFA record: signing in to the portal with a second factor creates it";
    MfaDisabled = "mfa_disabled", "an administrator has disabled the user's MFA record";
    MfaExpired = "mfa_expired", "the user's MFA record has expired: signing in to the portal with a second factor renews it";
    LinkMissing = "link_missing", "the account is linked to no user: link it with `tms link` on the host, or under Hosts in the portal";
    LinkExpired = "link_expired", "the link to the account has expired: renew it with `tms link` on the host, or under Hosts in the portal";
    DelegationMissing = "delegation_missing", "the application may no longer use this account: allow it again";
    DelegationExpired = "delegation_expired", "the access of the application has expired: allow it again";
    ClientDisabled = "client_disabled", "an administrator has disabled the application that created the key";
    PersonDisabled = "user_disabled", "an administrator has disabled the user";
    TenantDisabled = "tenant_disabled", "the tenant is disabled";
    UidBelowMinimum = "uid_below_minimum", "the account's UID is below the minimum: it counts as a system account";
    KeyTypeMismatch = "key_type_mismatch", "the host asked for a key of another type, for example for a certificate";
    HostOfOtherTenant = "host_of_other_tenant", "the host's name belongs to another tenant: the host must send its tenant or its credential";
    CredentialMissing = "credential_missing", "the host did not send its credential";
    CredentialInvalid = "credential_invalid", "the credential that the host sent is not valid";
    CredentialOfOtherHost = "credential_of_other_host", "the credential that the host sent belongs to another host";
}

impl RefusalReason {
    /// Whether another key of the same person would have been refused as well: the host or its credential is at fault.
    pub fn is_about_host(self) -> bool {
        matches!(self, Self::HostOfOtherTenant | Self::CredentialMissing | Self::CredentialInvalid | Self::CredentialOfOtherHost)
    }
}

/// Refused lookups of one key for one account on one host, for one reason.
#[derive(Clone, Debug)]
pub struct RefusedLookup {
    /// The host's stored name.
    pub host: HostName,
    pub account: AccountName,
    pub fingerprint: String,
    pub reason: RefusalReason,
    /// The key's owner, or else the only person to whom the account is linked.
    pub user_id: Option<UserId>,
    /// The client that created the key.
    pub client_id: Option<ClientId>,
    /// IP address of the host at the last lookup.
    pub from: Option<String>,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// How many were recorded: at most one per minute.
    pub times: u32,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn reasons_have_distinct_words_and_messages() {
        let words: BTreeSet<&str> = RefusalReason::ALL.iter().map(|reason| reason.as_str()).collect();
        let messages: BTreeSet<String> = RefusalReason::ALL.iter().map(ToString::to_string).collect();
        assert_eq!((words.len(), messages.len()), (RefusalReason::ALL.len(), RefusalReason::ALL.len()));
        for reason in RefusalReason::ALL {
            assert_eq!(RefusalReason::parse(reason.as_str()), Some(*reason));
        }
        assert_eq!(RefusalReason::parse("of_a_newer_release"), None);
    }
}
