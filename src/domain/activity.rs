//! What happened, for the person it happened to and for the tenant's operators. Written in the transaction of the change.

use std::net::IpAddr;

use super::ids::{AdminId, ClientId, DeviceGrantId, TenantId, UserId};
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
    /// The administrator who did it, if one did.
    pub admin: Option<AdminId>,
    /// What else it was about: a key's fingerprint, `account@host`, a host, a tenant.
    pub subject: Option<String>,
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
    KeyCreated = "key_created",
    KeyChanged = "key_changed",
    KeyRevoked = "key_revoked",
    /// A host was shown the key, for a new login.
    KeyUsed = "key_used",
    KeyReserved = "key_reserved",
    ReservationEnded = "reservation_ended",
    HostLinked = "host_linked",
    HostLinkChanged = "host_link_changed",
    HostUnlinked = "host_unlinked",
    Delegated = "delegated",
    DelegationChanged = "delegation_changed",
    DelegationEnded = "delegation_ended",
    MfaOpened = "mfa_opened",
    MfaChanged = "mfa_changed",
    MfaClosed = "mfa_closed",
    ClientCreated = "client_created",
    ClientChanged = "client_changed",
    ClientSecretChanged = "client_secret_changed",
    ClientDeleted = "client_deleted",
    HostAdded = "host_added",
    HostRemoved = "host_removed",
    HostCredentialMade = "host_credential_made",
    HostCredentialChanged = "host_credential_changed",
    HostCredentialRemoved = "host_credential_removed",
    AdminAdded = "admin_added",
    AdminSecretChanged = "admin_secret_changed",
    AdminRemoved = "admin_removed",
    TenantCreated = "tenant_created",
    TenantChanged = "tenant_changed",
    TenantDeleted = "tenant_deleted",
}

impl Activity {
    pub fn new(tenant_id: TenantId, kind: Kind, at: Timestamp) -> Self {
        Self { tenant_id, at, kind, person: None, client_id: None, device_grant_id: None, admin: None, subject: None, from: None }
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
    pub fn client(mut self, client_id: &ClientId) -> Self {
        self.client_id = Some(client_id.clone());
        self
    }

    #[must_use]
    pub fn admin(mut self, admin: Option<&AdminId>) -> Self {
        self.admin = admin.cloned();
        self
    }

    #[must_use]
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    #[must_use]
    pub fn from(mut self, address: Option<IpAddr>) -> Self {
        self.from = address;
        self
    }
}
