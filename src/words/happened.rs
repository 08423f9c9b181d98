//! What happened, in words.

use super::Language;
use crate::domain::activity::Kind;

impl Language {
    /// A kind of activity, by its word in the record.
    pub fn happened(&self, kind: &str) -> String {
        let Some(kind) = Kind::parse(kind) else { return self.happened_otherwise() };
        match kind {
            Kind::SignedIn => self.happened_signed_in(),
            Kind::SignInFailed => self.happened_sign_in_failed(),
            Kind::SignedOut => self.happened_signed_out(),
            Kind::IdentityLinked => self.happened_identity_linked(),
            Kind::IdentityUnlinked => self.happened_identity_unlinked(),
            Kind::SessionEnded => self.happened_session_ended(),
            Kind::DeviceApproved => self.happened_device_approved(),
            Kind::DeviceDenied => self.happened_device_denied(),
            Kind::DeviceReported => self.happened_device_reported(),
            Kind::DeviceWithdrawn => self.happened_device_withdrawn(),
            Kind::DeviceRedeemed => self.happened_device_redeemed(),
            Kind::DeviceReplayed => self.happened_device_replayed(),
            Kind::CodePresentedTwice => self.happened_code_presented_twice(),
            Kind::CodeGuessingStopped => self.happened_code_guessing_stopped(),
            Kind::DeviceLapsed => self.happened_device_lapsed(),
            Kind::KeyCreated => self.happened_key_created(),
            Kind::KeyChanged => self.happened_key_changed(),
            Kind::KeyRevoked => self.happened_key_revoked(),
            Kind::KeyUsed => self.happened_key_used(),
            Kind::EverythingRevoked => self.happened_everything_revoked(),
            Kind::KeyReserved => self.happened_key_reserved(),
            Kind::ReservationEnded => self.happened_reservation_ended(),
            Kind::HostLinked => self.happened_host_linked(),
            Kind::HostLinkChanged => self.happened_host_link_changed(),
            Kind::HostUnlinked => self.happened_host_unlinked(),
            Kind::Delegated => self.happened_delegated(),
            Kind::DelegationChanged => self.happened_delegation_changed(),
            Kind::DelegationEnded => self.happened_delegation_ended(),
            Kind::MfaOpened => self.happened_mfa_opened(),
            Kind::MfaChanged => self.happened_mfa_changed(),
            Kind::MfaClosed => self.happened_mfa_closed(),
            Kind::ClientCreated => self.happened_client_created(),
            Kind::ClientChanged => self.happened_client_changed(),
            Kind::ClientSecretChanged => self.happened_client_secret_changed(),
            Kind::ClientDeleted => self.happened_client_deleted(),
            Kind::HostAdded => self.happened_host_added(),
            Kind::HostRemoved => self.happened_host_removed(),
            Kind::HostCredentialMade => self.happened_host_credential_made(),
            Kind::HostCredentialChanged => self.happened_host_credential_changed(),
            Kind::HostCredentialRemoved => self.happened_host_credential_removed(),
            Kind::AdminAdded => self.happened_admin_added(),
            Kind::AdminSecretChanged => self.happened_admin_secret_changed(),
            Kind::AdminRemoved => self.happened_admin_removed(),
            Kind::PersonAdded => self.happened_person_added(),
            Kind::PersonChanged => self.happened_person_changed(),
            Kind::TenantCreated => self.happened_tenant_created(),
            Kind::TenantChanged => self.happened_tenant_changed(),
            Kind::TenantDeleted => self.happened_tenant_deleted(),
            Kind::PersonInvited => self.happened_person_invited(),
            Kind::ProviderChanged => self.happened_provider_changed(),
            Kind::ProviderAdded => self.happened_provider_added(),
            Kind::ProviderRemoved => self.happened_provider_removed(),
        }
    }
}
