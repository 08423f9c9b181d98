//! Audit events: what happened, for the person concerned and for the tenant's administrators. Written in the transaction of the change.

pub mod record;
pub mod retention;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::ids::{AccountName, AdminId, AuthorizationId, ClientId, HostName, TenantId, UserId};
use super::pagination::QueryParam;
use super::time::Timestamp;

/// One event to be written to the audit log. Contains no secrets and no codes.
#[derive(Clone, Debug)]
pub struct AuditEvent {
    pub tenant_id: TenantId,
    pub at: Timestamp,
    pub kind: AuditKind,
    /// The person whose account it concerns.
    pub person: Option<UserId>,
    pub client_id: Option<ClientId>,
    /// The authorization, or the device grant that may become one.
    pub authorization_id: Option<AuthorizationId>,
    /// The administrator who caused it, if any.
    pub admin: Option<AdminId>,
    /// What else it concerns: a key's fingerprint, `account@host`, a host, a tenant, the device that was allowed.
    pub subject: Option<String>,
    /// The host that it is about, and the account there.
    pub host: Option<HostName>,
    pub account: Option<AccountName>,
    pub from: Option<IpAddr>,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// The kind of an audit event. The words are stable: they are stored in the database and written to exports.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum AuditKind { $($(#[$doc])* $name,)* }

        impl AuditKind {
            pub const ALL: &'static [AuditKind] = &[$(AuditKind::$name,)*];

            pub fn as_str(self) -> &'static str {
                match self { $(AuditKind::$name => $word,)* }
            }

            /// `None` for a word that this release does not define.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
            }
        }
    };
}

kinds! {
    SignedIn = "signed_in",
    SignInFailed = "sign_in_failed",
    /// A limit on wrong passwords, second factors or recovery codes was reached.
    SignInBlocked = "sign_in_blocked",
    SignedOut = "signed_out",
    SessionEnded = "session_ended",
    /// Signing in with this upstream identity now signs in this person.
    IdentityLinked = "identity_linked",
    IdentityUnlinked = "identity_unlinked",
    /// Does not sign the person in: the second factor is still required.
    FirstFactorVerified = "first_factor_shown",
    SecondFactorAdded = "second_factor_added",
    SecondFactorRemoved = "second_factor_removed",
    SecondFactorRenamed = "second_factor_renamed",
    SecondFactorFailed = "second_factor_failed",
    RecoveryCodeUsed = "recovery_code_used",
    RecoveryCodesCreated = "recovery_codes_made",
    /// By the person, not by an administrator.
    PasswordChanged = "password_changed",
    PasswordChangeFailed = "password_change_failed",
    DeviceApproved = "device_approved",
    DeviceDenied = "device_denied",
    /// "I did not start this", reported with the code; administrators should look at it.
    DeviceReported = "device_reported",
    DeviceRevoked = "device_withdrawn",
    /// A client with a secret, or the person, ended the tokens of one sign-in; what the person allowed it stays.
    TokensRevoked = "tokens_revoked",
    /// A device redeemed its grant for a token.
    DeviceRedeemed = "device_redeemed",
    /// A redeemed device code was sent again; the access it gave was revoked.
    DeviceReplayed = "device_replayed",
    /// A refresh token was used after it had been replaced; the authorization that it belongs to was ended.
    RefreshTokenReused = "refresh_token_reused",
    /// A program refreshed its tokens from a network that is new to it and to the person.
    RefreshedFromNewNetwork = "refreshed_from_new_network",
    /// A person allowed a client what it asked for in the browser.
    AuthorizationAllowed = "authorization_allowed",
    /// A person allowed a client to learn who they are, and nothing else.
    SignInAllowed = "sign_in_allowed",
    AuthorizationDenied = "authorization_denied",
    /// "I did not start this", to a request in the browser; administrators should look at it.
    AuthorizationReported = "authorization_reported",
    /// A client exchanged an authorization code for tokens: the person is signed in there.
    SignedInAtClient = "signed_in_at_client",
    /// A client could not be told that the person has signed out; the subject is the reason.
    LogoutNotDelivered = "logout_not_delivered",
    /// A code that had been exchanged was sent again; what it gave was ended.
    AuthorizationCodeReplayed = "authorization_code_replayed",
    /// A client did not exchange its code in time; the permission was revoked.
    AuthorizationLapsed = "authorization_lapsed",
    /// A code claimed in one session was submitted in another.
    CodeSubmittedTwice = "code_presented_twice",
    /// Too many wrong user codes were submitted.
    CodeGuessingStopped = "code_guessing_stopped",
    /// A limit on wrong secrets of a client or administrator was reached.
    SecretGuessingStopped = "secret_guessing_stopped",
    /// An approved device did not fetch its token in time; the permission was revoked.
    DeviceExpired = "device_lapsed",
    KeyCreated = "key_created",
    KeyChanged = "key_changed",
    KeyRevoked = "key_revoked",
    /// The key was returned to a host for a new login.
    KeyUsed = "key_used",
    /// All keys, delegations and other sessions of the person were revoked.
    EverythingRevoked = "everything_revoked",
    KeyReserved = "key_reserved",
    ReservationEnded = "reservation_ended",
    /// A host asked to link one of its accounts.
    HostLinkRequested = "host_link_asked",
    HostLinked = "host_linked",
    HostLinkChanged = "host_link_changed",
    HostUnlinked = "host_unlinked",
    /// "Not me", answered to a link request; administrators should look at it.
    HostLinkRefused = "host_link_refused",
    DelegationCreated = "delegated",
    DelegationChanged = "delegation_changed",
    DelegationRevoked = "delegation_ended",
    MfaOpened = "mfa_opened",
    MfaChanged = "mfa_changed",
    MfaClosed = "mfa_closed",
    ClientCreated = "client_created",
    ClientChanged = "client_changed",
    ClientSecretChanged = "client_secret_changed",
    ClientDeleted = "client_deleted",
    /// The authorization server refused a request of a client; the subject is the reason.
    ClientRequestRefused = "client_request_refused",
    ResourceServerAdded = "resource_server_added",
    ResourceServerChanged = "resource_server_changed",
    ResourceServerRemoved = "resource_server_removed",
    HostAdded = "host_added",
    HostRemoved = "host_removed",
    HostCredentialCreated = "host_credential_made",
    HostCredentialChanged = "host_credential_changed",
    HostCredentialRemoved = "host_credential_removed",
    AdminAdded = "admin_added",
    AdminSecretChanged = "admin_secret_changed",
    AdminRemoved = "admin_removed",
    PersonAdded = "person_added",
    /// Enabled, disabled, or given a new password.
    PersonChanged = "person_changed",
    PersonInvited = "person_invited",
    /// The person and their data were removed; the subject is the pseudonym in their events.
    PersonErased = "person_erased",
    ProviderAdded = "provider_added",
    /// Settings changed, enabled, disabled, or given a new secret.
    ProviderChanged = "provider_changed",
    ProviderRemoved = "provider_removed",
    TenantCreated = "tenant_created",
    TenantChanged = "tenant_changed",
    TenantDeleted = "tenant_deleted",
    /// The tenant's data were imported from a TMS server; the subject is the SHA-256 of the file.
    Imported = "imported",
    /// A client or administrator used an imported secret for the first time.
    ImportedSecretUsed = "imported_secret_used",
    /// Another key signs tokens; the subject is its algorithm and id.
    SigningKeyRotated = "signing_key_rotated",
    /// A signing key was removed because others may know it: its tokens are refused.
    SigningKeyCompromised = "signing_key_compromised",
}

/// Groups of kinds by which the list is filtered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuditGroup {
    #[default]
    All,
    SignIns,
    /// Devices and applications.
    Apps,
    Keys,
    /// Host accounts and the second factor.
    Hosts,
    /// Changes made by administrators.
    Administration,
}

impl QueryParam for AuditGroup {
    const ALL: &'static [(&'static str, Self)] = &[
        ("", Self::All),
        ("sign-ins", Self::SignIns),
        ("apps", Self::Apps),
        ("keys", Self::Keys),
        ("hosts", Self::Hosts),
        ("administration", Self::Administration),
    ];
}

impl AuditKind {
    pub fn group(self) -> AuditGroup {
        match self {
            Self::SignedIn
            | Self::SignInFailed
            | Self::SignInBlocked
            | Self::SignedOut
            | Self::SessionEnded
            | Self::IdentityLinked
            | Self::IdentityUnlinked
            | Self::FirstFactorVerified
            | Self::SecondFactorAdded
            | Self::SecondFactorRemoved
            | Self::SecondFactorRenamed
            | Self::SecondFactorFailed
            | Self::RecoveryCodeUsed
            | Self::RecoveryCodesCreated
            | Self::PasswordChanged
            | Self::PasswordChangeFailed => AuditGroup::SignIns,
            Self::DeviceApproved
            | Self::DeviceDenied
            | Self::DeviceReported
            | Self::DeviceRevoked
            | Self::TokensRevoked
            | Self::DeviceRedeemed
            | Self::DeviceReplayed
            | Self::RefreshTokenReused
            | Self::RefreshedFromNewNetwork
            | Self::AuthorizationAllowed
            | Self::SignInAllowed
            | Self::AuthorizationDenied
            | Self::AuthorizationReported
            | Self::SignedInAtClient
            | Self::LogoutNotDelivered
            | Self::AuthorizationCodeReplayed
            | Self::AuthorizationLapsed
            | Self::CodeSubmittedTwice
            | Self::CodeGuessingStopped
            | Self::DeviceExpired
            | Self::DelegationCreated
            | Self::DelegationChanged
            | Self::DelegationRevoked => AuditGroup::Apps,
            Self::KeyCreated
            | Self::KeyChanged
            | Self::KeyRevoked
            | Self::KeyUsed
            | Self::KeyReserved
            | Self::ReservationEnded
            | Self::EverythingRevoked => AuditGroup::Keys,
            Self::HostLinkRequested
            | Self::HostLinked
            | Self::HostLinkChanged
            | Self::HostUnlinked
            | Self::HostLinkRefused
            | Self::MfaOpened
            | Self::MfaChanged
            | Self::MfaClosed => AuditGroup::Hosts,
            Self::ClientCreated
            | Self::ClientChanged
            | Self::ClientSecretChanged
            | Self::ClientDeleted
            | Self::ClientRequestRefused
            | Self::ResourceServerAdded
            | Self::ResourceServerChanged
            | Self::ResourceServerRemoved
            | Self::HostAdded
            | Self::HostRemoved
            | Self::HostCredentialCreated
            | Self::HostCredentialChanged
            | Self::HostCredentialRemoved
            | Self::SecretGuessingStopped
            | Self::AdminAdded
            | Self::AdminSecretChanged
            | Self::AdminRemoved
            | Self::PersonAdded
            | Self::PersonChanged
            | Self::PersonInvited
            | Self::PersonErased
            | Self::ProviderAdded
            | Self::ProviderChanged
            | Self::ProviderRemoved
            | Self::TenantCreated
            | Self::TenantChanged
            | Self::TenantDeleted
            | Self::Imported
            | Self::ImportedSecretUsed
            | Self::SigningKeyRotated
            | Self::SigningKeyCompromised => AuditGroup::Administration,
        }
    }
}

impl AuditKind {
    /// Whether the event is about the link of a host account.
    pub fn is_about_link(self) -> bool {
        matches!(self, Self::HostLinkRequested | Self::HostLinked | Self::HostLinkChanged | Self::HostUnlinked | Self::HostLinkRefused)
    }

    /// Whether the event is about a host as administrators manage it.
    fn is_about_host(self) -> bool {
        matches!(self, Self::HostAdded | Self::HostRemoved | Self::HostCredentialCreated | Self::HostCredentialChanged | Self::HostCredentialRemoved)
    }
}

/// An audit event as it is read.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    pub row_id: i64,
    pub at: Timestamp,
    /// The kind's word; one written by a newer release may be unknown to this one.
    pub kind: String,
    pub person: Option<String>,
    pub client_id: Option<String>,
    pub admin: Option<String>,
    pub subject: Option<String>,
    pub host: Option<String>,
    pub account: Option<String>,
    pub from: Option<String>,
}

/// What an event is about, as far as it still exists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditObjects {
    /// The client's display name.
    pub client_name: Option<String>,
    /// The person's display name.
    pub person_name: Option<String>,
    /// The number of the key.
    pub key: Option<i64>,
    /// The id of the host account.
    pub host_account: Option<String>,
    /// The number of the delegation that the device was given, if it is in force.
    pub delegation: Option<i64>,
    /// Whether the client may act for the person.
    pub delegated: bool,
    /// Whether the host is registered.
    pub host: bool,
}

/// An audit event in a list.
#[derive(Clone, Debug)]
pub struct ListedAuditEntry {
    pub entry: AuditEntry,
    pub objects: AuditObjects,
}

impl AuditEntry {
    /// The host and account that it is about. Events that were written before these had columns name them in their subject, with or without
    /// what the link is based on: `jdoe@frontera (jdoe@example.org)`.
    pub fn place(&self) -> (Option<String>, Option<String>) {
        if self.host.is_some() {
            return (self.host.clone(), self.account.clone());
        }
        let (Some(kind), Some(subject)) = (AuditKind::parse(&self.kind), &self.subject) else { return (None, None) };
        if kind.is_about_host() {
            return (Some(subject.clone()), None);
        }
        let link = subject.split_once(" (").map_or(subject.as_str(), |(link, _)| link);
        match link.rsplit_once('@').filter(|_| kind.is_about_link()) {
            Some((account, host)) => (Some(host.to_owned()), Some(account.to_owned())),
            None => (None, None),
        }
    }
}

impl AuditEvent {
    pub fn new(tenant_id: TenantId, kind: AuditKind, at: Timestamp) -> Self {
        Self {
            tenant_id,
            at,
            kind,
            person: None,
            client_id: None,
            authorization_id: None,
            admin: None,
            subject: None,
            host: None,
            account: None,
            from: None,
        }
    }

    #[must_use]
    pub fn of(mut self, person: &UserId) -> Self {
        self.person = Some(person.clone());
        self
    }

    #[must_use]
    pub fn about(mut self, client_id: &ClientId, authorization: impl Into<AuthorizationId>) -> Self {
        self.client_id = Some(client_id.clone());
        self.authorization_id = Some(authorization.into());
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

    /// About an account on a host.
    #[must_use]
    pub fn on(mut self, host: &HostName, account: &AccountName) -> Self {
        self.account = Some(account.clone());
        self.host(host)
    }

    /// About a host.
    #[must_use]
    pub fn host(mut self, host: &HostName) -> Self {
        self.host = Some(host.clone());
        self
    }

    #[must_use]
    pub fn from(mut self, address: Option<IpAddr>) -> Self {
        self.from = address;
        self
    }
}
