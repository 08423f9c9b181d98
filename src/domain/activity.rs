//! What happened, for the person it happened to and for the tenant's operators. Written in the transaction of the change.

use std::net::IpAddr;

use super::ids::{ClientId, DeviceGrantId, TenantId, UserId};
use super::time::Timestamp;

/// One line of the record. No secrets, no codes.
#[derive(Clone, Debug)]
pub struct Activity {
    pub tenant_id: TenantId,
    pub at: Timestamp,
    pub kind: Kind,
    /// Whose account it concerns.
    pub person: Option<UserId>,
    pub client_id: Option<ClientId>,
    pub device_grant_id: Option<DeviceGrantId>,
    pub from: Option<IpAddr>,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// What kind of thing happened; the words are stable and stand in the database and in exports.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind { $($(#[$doc])* $name,)* }

        impl Kind {
            pub fn as_str(self) -> &'static str {
                match self { $(Kind::$name => $word,)* }
            }
        }
    };
}

kinds! {
    SignedIn = "signed_in",
    SignInFailed = "sign_in_failed",
    SignedOut = "signed_out",
    SessionEnded = "session_ended",
    DeviceApproved = "device_approved",
    DeviceDenied = "device_denied",
    /// "I did not start this": of interest to the tenant's operators.
    DeviceReported = "device_reported",
    DeviceWithdrawn = "device_withdrawn",
    /// A device fetched its token.
    DeviceRedeemed = "device_redeemed",
    /// A spent device code came again; the access it once gave has been ended.
    DeviceReplayed = "device_replayed",
    /// A code that is open in one session was typed into another.
    CodePresentedTwice = "code_presented_twice",
    /// Somebody typed too many wrong codes.
    CodeGuessingStopped = "code_guessing_stopped",
    /// An approved device never came for its token; the permission has been taken back.
    DeviceLapsed = "device_lapsed",
}

impl Activity {
    pub fn new(tenant_id: TenantId, kind: Kind, at: Timestamp) -> Self {
        Self { tenant_id, at, kind, person: None, client_id: None, device_grant_id: None, from: None }
    }

    #[must_use]
    pub fn of(mut self, person: &UserId) -> Self {
        self.person = Some(person.clone());
        self
    }

    #[must_use]
    pub fn about(mut self, client_id: &ClientId, grant: &DeviceGrantId) -> Self {
        self.client_id = Some(client_id.clone());
        self.device_grant_id = Some(grant.clone());
        self
    }

    #[must_use]
    pub fn from(mut self, address: Option<IpAddr>) -> Self {
        self.from = address;
        self
    }
}
