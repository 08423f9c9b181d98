//! Texts of the audit log.

use super::Language;
use crate::domain::audit_log::AuditKind;
use crate::domain::time::DateRangeRefused;

impl Language {
    /// The name of a kind of event.
    fn audit_kind(&self, kind: AuditKind) -> String {
        match kind {
            AuditKind::SignedIn => self.event_signed_in(),
            AuditKind::SignInFailed => self.event_sign_in_failed(),
            AuditKind::SignInBlocked => self.event_sign_in_blocked(),
            AuditKind::SecretGuessingStopped => self.event_secret_guessing_stopped(),
            AuditKind::SignedOut => self.event_signed_out(),
            AuditKind::IdentityLinked => self.event_identity_linked(),
            AuditKind::IdentityUnlinked => self.event_identity_unlinked(),
            AuditKind::FirstFactorVerified => self.event_first_factor_used(),
            AuditKind::SecondFactorAdded => self.event_second_factor_added(),
            AuditKind::SecondFactorRemoved => self.event_second_factor_removed(),
            AuditKind::SecondFactorRenamed => self.event_second_factor_renamed(),
            AuditKind::SecondFactorFailed => self.event_second_factor_failed(),
            AuditKind::RecoveryCodeUsed => self.event_recovery_code_used(),
            AuditKind::RecoveryCodesCreated => self.event_recovery_codes_created(),
            AuditKind::PasswordChanged => self.event_password_changed(),
            AuditKind::PasswordChangeFailed => self.event_password_change_failed(),
            AuditKind::SessionEnded => self.event_session_ended(),
            AuditKind::DeviceApproved => self.event_device_approved(),
            AuditKind::DeviceDenied => self.event_device_denied(),
            AuditKind::DeviceReported => self.event_device_reported(),
            AuditKind::AuthorizationAllowed => self.event_authorization_allowed(),
            AuditKind::SignInAllowed => self.event_sign_in_allowed(),
            AuditKind::AuthorizationDenied => self.event_device_denied(),
            AuditKind::AuthorizationReported => self.event_device_reported(),
            AuditKind::SignedInAtClient => self.event_signed_in_at_client(),
            AuditKind::LogoutNotDelivered => self.event_logout_not_delivered(),
            AuditKind::AuthorizationCodeReplayed => self.event_authorization_code_replayed(),
            AuditKind::AuthorizationLapsed => self.event_authorization_lapsed(),
            AuditKind::DeviceRevoked => self.event_device_revoked(),
            AuditKind::TokensRevoked => self.event_tokens_revoked(),
            AuditKind::DeviceRedeemed => self.event_device_redeemed(),
            AuditKind::DeviceReplayed => self.event_device_replayed(),
            AuditKind::RefreshTokenReused => self.event_refresh_token_reused(),
            AuditKind::RefreshedFromNewNetwork => self.event_refreshed_from_new_network(),
            AuditKind::CodeSubmittedTwice => self.event_code_presented_twice(),
            AuditKind::CodeGuessingStopped => self.event_code_guessing_stopped(),
            AuditKind::DeviceExpired => self.event_device_expired(),
            AuditKind::KeyCreated => self.event_key_created(),
            AuditKind::KeyChanged => self.event_key_changed(),
            AuditKind::KeyRevoked => self.event_key_revoked(),
            AuditKind::KeyUsed => self.event_key_used(),
            AuditKind::EverythingRevoked => self.event_everything_revoked(),
            AuditKind::KeyReserved => self.event_key_reserved(),
            AuditKind::ReservationEnded => self.event_reservation_ended(),
            AuditKind::HostLinkRequested => self.event_host_link_requested(),
            AuditKind::HostLinked => self.event_host_linked(),
            AuditKind::HostLinkChanged => self.event_host_link_changed(),
            AuditKind::HostUnlinked => self.event_host_unlinked(),
            AuditKind::HostLinkRefused => self.event_host_link_refused(),
            AuditKind::DelegationCreated => self.event_delegated(),
            AuditKind::DelegationChanged => self.event_delegation_changed(),
            AuditKind::DelegationRevoked => self.event_delegation_ended(),
            AuditKind::MfaOpened => self.event_mfa_opened(),
            AuditKind::MfaChanged => self.event_mfa_changed(),
            AuditKind::MfaClosed => self.event_mfa_closed(),
            AuditKind::ClientCreated => self.event_client_created(),
            AuditKind::ClientChanged => self.event_client_changed(),
            AuditKind::ClientSecretChanged => self.event_client_secret_changed(),
            AuditKind::ClientDeleted => self.event_client_deleted(),
            AuditKind::ClientRequestRefused => self.event_client_request_refused(),
            AuditKind::ResourceServerAdded => self.event_resource_server_added(),
            AuditKind::ResourceServerChanged => self.event_resource_server_changed(),
            AuditKind::ResourceServerRemoved => self.event_resource_server_removed(),
            AuditKind::HostAdded => self.event_host_added(),
            AuditKind::HostRemoved => self.event_host_removed(),
            AuditKind::HostCredentialCreated => self.event_host_credential_created(),
            AuditKind::HostCredentialChanged => self.event_host_credential_changed(),
            AuditKind::HostCredentialRemoved => self.event_host_credential_removed(),
            AuditKind::AdminAdded => self.event_admin_added(),
            AuditKind::AdminSecretChanged => self.event_admin_secret_changed(),
            AuditKind::AdminRemoved => self.event_admin_removed(),
            AuditKind::PersonAdded => self.event_person_added(),
            AuditKind::PersonChanged => self.event_person_changed(),
            AuditKind::TenantCreated => self.event_tenant_created(),
            AuditKind::TenantChanged => self.event_tenant_changed(),
            AuditKind::TenantDeleted => self.event_tenant_deleted(),
            AuditKind::Imported => self.event_imported(),
            AuditKind::ImportedSecretUsed => self.event_imported_secret_used(),
            AuditKind::SigningKeyRotated => self.event_signing_key_rotated(),
            AuditKind::SigningKeyCompromised => self.event_signing_key_compromised(),
            AuditKind::PersonInvited => self.event_person_invited(),
            AuditKind::PersonErased => self.event_person_erased(),
            AuditKind::ProviderChanged => self.event_provider_changed(),
            AuditKind::ProviderAdded => self.event_provider_added(),
            AuditKind::ProviderRemoved => self.event_provider_removed(),
        }
    }
}

/// What a sentence about an event may name. `None` for what is unknown; the host without an account only where hosts are managed.
#[derive(Clone, Copy, Debug, Default)]
pub struct EventNames<'a> {
    pub app: Option<&'a str>,
    pub host: Option<&'a str>,
    pub account: Option<&'a str>,
    pub person: Option<&'a str>,
    pub subject: Option<&'a str>,
}

impl Language {
    /// An event as a sentence with the names that are known.
    pub fn audit_sentence(&self, kind: &str, names: EventNames<'_>) -> String {
        let EventNames { app, host, account, person, subject } = names;
        let Some(kind) = AuditKind::parse(kind) else { return self.event_otherwise() };
        let (place, link) = (host.zip(account), app.zip(host.zip(account)));
        link.and_then(|(app, (host, account))| self.event_of_app_on_host(kind, app, host, account))
            .or_else(|| place.and_then(|(host, account)| self.event_on_host(kind, host, account)))
            .or_else(|| host.and_then(|host| self.event_of_host(kind, host)))
            .or_else(|| app.and_then(|app| self.event_of_app(kind, app)))
            .or_else(|| person.and_then(|person| self.event_of_person(kind, person)))
            .or_else(|| subject.and_then(|subject| self.event_with_subject(kind, subject)))
            .unwrap_or_else(|| self.audit_kind(kind))
    }

    /// An event as its person reads it; `None`: as others do.
    pub fn audit_sentence_for_person(&self, kind: &str, names: EventNames<'_>) -> Option<String> {
        match AuditKind::parse(kind)? {
            AuditKind::DeviceReported | AuditKind::AuthorizationReported => Some(self.event_device_reported_own(names.app?)),
            AuditKind::HostLinkRefused => Some(self.event_host_link_refused_own(names.account?, names.host?)),
            _ => None,
        }
    }

    /// Several equal events as one sentence; without the host if they were on several.
    pub fn audit_sentence_of_many(&self, kind: &str, names: EventNames<'_>, count: i64) -> String {
        let EventNames { app, host, account, .. } = names;
        match (AuditKind::parse(kind), app, host.zip(account)) {
            (Some(AuditKind::KeyCreated), Some(app), Some((host, account))) => self.event_keys_created_app_host(count, account, host, app),
            (Some(AuditKind::KeyCreated), Some(app), None) => self.event_keys_created_app(count, app),
            (Some(AuditKind::KeyCreated), None, Some((host, account))) => self.event_keys_created_host(count, account, host),
            (Some(AuditKind::KeyCreated), None, None) => self.event_keys_created(count),
            (Some(AuditKind::KeyRevoked), Some(app), Some((host, account))) => self.event_keys_revoked_app_host(count, app, account, host),
            (Some(AuditKind::KeyRevoked), Some(app), None) => self.event_keys_revoked_app(count, app),
            (Some(AuditKind::KeyRevoked), None, Some((host, account))) => self.event_keys_revoked_host(count, account, host),
            (Some(AuditKind::KeyRevoked), None, None) => self.event_keys_revoked(count),
            (Some(AuditKind::KeyUsed), Some(app), Some((host, account))) => self.event_keys_used_app_host(app, host, account, count),
            (Some(AuditKind::KeyUsed), None, Some((host, account))) => self.event_keys_used_host(count, host, account),
            _ => self.event_times(self.audit_sentence(kind, names), count),
        }
    }

    fn event_of_app_on_host(&self, kind: AuditKind, app: &str, host: &str, account: &str) -> Option<String> {
        Some(match kind {
            AuditKind::KeyUsed => self.event_key_used_app_host(app, host, account),
            AuditKind::KeyCreated => self.event_key_created_app_host(app, account, host),
            AuditKind::KeyChanged => self.event_key_changed_app_host(app, account, host),
            AuditKind::KeyRevoked => self.event_key_revoked_app_host(app, account, host),
            AuditKind::KeyReserved => self.event_key_reserved_app_host(app, account, host),
            _ => return None,
        })
    }

    fn event_on_host(&self, kind: AuditKind, host: &str, account: &str) -> Option<String> {
        Some(match kind {
            AuditKind::KeyUsed => self.event_key_used_host(host, account),
            AuditKind::KeyCreated => self.event_key_created_host(account, host),
            AuditKind::KeyChanged => self.event_key_changed_host(account, host),
            AuditKind::KeyRevoked => self.event_key_revoked_host(account, host),
            AuditKind::HostLinkRequested => self.event_host_link_requested_host(account, host),
            AuditKind::HostLinked => self.event_host_linked_host(account, host),
            AuditKind::HostLinkChanged => self.event_host_link_changed_host(account, host),
            AuditKind::HostUnlinked => self.event_host_unlinked_host(account, host),
            AuditKind::HostLinkRefused => self.event_host_link_refused_host(account, host),
            _ => return None,
        })
    }

    fn event_of_host(&self, kind: AuditKind, host: &str) -> Option<String> {
        Some(match kind {
            AuditKind::HostAdded => self.event_host_added_host(host),
            AuditKind::HostRemoved => self.event_host_removed_host(host),
            AuditKind::HostCredentialCreated => self.event_host_credential_created_host(host),
            AuditKind::HostCredentialChanged => self.event_host_credential_changed_host(host),
            AuditKind::HostCredentialRemoved => self.event_host_credential_removed_host(host),
            _ => return None,
        })
    }

    fn event_of_app(&self, kind: AuditKind, app: &str) -> Option<String> {
        Some(match kind {
            AuditKind::KeyUsed => self.event_key_used_app(app),
            AuditKind::KeyCreated => self.event_key_created_app(app),
            AuditKind::KeyChanged => self.event_key_changed_app(app),
            AuditKind::KeyRevoked => self.event_key_revoked_app(app),
            AuditKind::KeyReserved => self.event_key_reserved_app(app),
            AuditKind::ReservationEnded => self.event_reservation_ended_app(app),
            AuditKind::DeviceApproved | AuditKind::AuthorizationAllowed => self.event_device_approved_app(app),
            AuditKind::DeviceDenied | AuditKind::AuthorizationDenied => self.event_device_denied_app(app),
            AuditKind::DeviceReported | AuditKind::AuthorizationReported => self.event_device_reported_app(app),
            AuditKind::SignInAllowed => self.event_sign_in_allowed_app(app),
            AuditKind::SignedInAtClient => self.event_signed_in_at_client_app(app),
            AuditKind::LogoutNotDelivered => self.event_logout_not_delivered_app(app),
            AuditKind::AuthorizationCodeReplayed => self.event_authorization_code_replayed_app(app),
            AuditKind::AuthorizationLapsed => self.event_authorization_lapsed_app(app),
            AuditKind::DeviceRevoked | AuditKind::DelegationRevoked => self.event_device_revoked_app(app),
            AuditKind::TokensRevoked => self.event_tokens_revoked_app(app),
            AuditKind::DeviceRedeemed => self.event_device_redeemed_app(app),
            AuditKind::DeviceReplayed => self.event_device_replayed_app(app),
            AuditKind::RefreshTokenReused => self.event_refresh_token_reused_app(app),
            AuditKind::RefreshedFromNewNetwork => self.event_refreshed_from_new_network_app(app),
            AuditKind::CodeSubmittedTwice => self.event_code_presented_twice_app(app),
            AuditKind::DeviceExpired => self.event_device_expired_app(app),
            AuditKind::DelegationCreated => self.event_delegated_app(app),
            AuditKind::DelegationChanged => self.event_delegation_changed_app(app),
            AuditKind::ClientCreated => self.event_client_created_app(app),
            AuditKind::ClientChanged => self.event_client_changed_app(app),
            AuditKind::ClientSecretChanged => self.event_client_secret_changed_app(app),
            AuditKind::ClientDeleted => self.event_client_deleted_app(app),
            AuditKind::ClientRequestRefused => self.event_client_request_refused_app(app),
            _ => return None,
        })
    }

    fn event_of_person(&self, kind: AuditKind, person: &str) -> Option<String> {
        Some(match kind {
            AuditKind::PersonAdded => self.event_person_added_name(person),
            AuditKind::PersonChanged => self.event_person_changed_name(person),
            AuditKind::PersonInvited => self.event_person_invited_name(person),
            _ => return None,
        })
    }

    fn event_with_subject(&self, kind: AuditKind, subject: &str) -> Option<String> {
        Some(match kind {
            AuditKind::SignedIn => self.event_signed_in_as(subject),
            AuditKind::IdentityLinked => self.event_identity_linked_name(subject),
            AuditKind::IdentityUnlinked => self.event_identity_unlinked_name(subject),
            AuditKind::AdminAdded => self.event_admin_added_name(subject),
            AuditKind::AdminSecretChanged => self.event_admin_secret_changed_name(subject),
            AuditKind::AdminRemoved => self.event_admin_removed_name(subject),
            AuditKind::ProviderAdded => self.event_provider_added_name(subject),
            AuditKind::ProviderRemoved => self.event_provider_removed_name(subject),
            AuditKind::TenantDeleted => self.event_tenant_deleted_name(subject),
            AuditKind::ResourceServerAdded => self.event_resource_server_added_name(subject),
            AuditKind::ResourceServerChanged => self.event_resource_server_changed_name(subject),
            AuditKind::ResourceServerRemoved => self.event_resource_server_removed_name(subject),
            AuditKind::SigningKeyRotated => self.event_signing_key_rotated_name(subject),
            AuditKind::SigningKeyCompromised => self.event_signing_key_compromised_name(subject),
            _ => return None,
        })
    }

    /// Why dates of a list were refused.
    pub fn date_range_refused(&self, refused: DateRangeRefused) -> String {
        match refused {
            DateRangeRefused::NotADate => self.activity_date_invalid(),
            DateRangeRefused::Reversed => self.activity_dates_reversed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Languages;
    use super::*;

    #[test]
    fn sentences_name_what_is_known() {
        let languages = Languages::built_in();
        let [en, es] = ["en", "es"].map(|tag| languages.choose(Some(tag), None));
        let known = EventNames { app: Some("JupyterHub"), host: Some("frontera"), account: Some("jdoe"), ..EventNames::default() };
        let key_used = AuditKind::KeyUsed.as_str();
        assert_eq!(en.audit_sentence(key_used, known), "JupyterHub logged in to frontera as jdoe");
        assert_eq!(es.audit_sentence(key_used, known), "JupyterHub inició sesión en frontera como jdoe");
        assert_eq!(en.audit_sentence(key_used, EventNames { host: None, ..known }), en.event_key_used_app("JupyterHub"));
        assert_eq!(en.audit_sentence(key_used, EventNames { app: None, ..known }), en.event_key_used_host("frontera", "jdoe"));
        assert_eq!(en.audit_sentence(key_used, EventNames::default()), en.event_key_used());
        let without_place = EventNames { host: None, ..known };
        assert_eq!(en.audit_sentence_of_many(AuditKind::KeyCreated.as_str(), without_place, 6), "6 SSH keys created by JupyterHub");
        let everything = EventNames { person: Some("jdoe"), subject: Some("x"), ..known };
        for kind in AuditKind::ALL.iter().map(|kind| kind.as_str()) {
            for names in [EventNames::default(), EventNames { host: None, account: None, ..everything }, everything] {
                let said = [en, es].map(|language| [language.audit_sentence(kind, names), language.audit_sentence_of_many(kind, names, 2)]);
                assert!(said.iter().flatten().all(|said| !said.is_empty() && !said.contains('{')), "{kind}: {said:?}");
                // The arguments of a text are in the order of its English sentence.
                let swapped = ["frontera on jdoe", "jdoe as frontera", "for frontera", "frontera en jdoe", "by frontera", "by jdoe"];
                assert!(swapped.iter().all(|swapped| said.iter().flatten().all(|said| !said.contains(swapped))), "{kind}: {said:?}");
            }
        }
    }
}
