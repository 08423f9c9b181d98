//! Texts of refused key lookups.

use super::Language;
use crate::domain::refused_lookup::RefusalReason;

impl Language {
    /// Why a login to `place` (account@host) was refused, as a sentence.
    pub fn refusal_reason(&self, reason: RefusalReason, place: &str) -> String {
        match reason {
            RefusalReason::UnknownKey => self.refused_unknown_key(place),
            RefusalReason::KeyExpired => self.refused_key_expired(place),
            RefusalReason::KeyUsedUp => self.refused_key_used_up(place),
            RefusalReason::ReservationEnded => self.refused_reservation_ended(place),
            RefusalReason::MfaMissing => self.refused_mfa_missing(place),
            RefusalReason::MfaDisabled => self.refused_mfa_disabled(place),
            RefusalReason::MfaExpired => self.refused_mfa_expired(place),
            RefusalReason::LinkMissing => self.refused_link_missing(place),
            RefusalReason::LinkExpired => self.refused_link_expired(place),
            RefusalReason::DelegationMissing => self.refused_delegation_missing(place),
            RefusalReason::DelegationExpired => self.refused_delegation_expired(place),
            RefusalReason::ClientDisabled => self.refused_client_disabled(place),
            RefusalReason::PersonDisabled => self.refused_person_disabled(place),
            RefusalReason::TenantDisabled => self.refused_tenant_disabled(place),
            RefusalReason::UidBelowMinimum => self.refused_uid(place),
            RefusalReason::KeyTypeMismatch => self.refused_key_type(place),
            RefusalReason::HostOfOtherTenant => self.refused_other_tenant(place),
            RefusalReason::CredentialMissing => self.refused_credential_missing(place),
            RefusalReason::CredentialInvalid => self.refused_credential_invalid(place),
            RefusalReason::CredentialOfOtherHost => self.refused_credential_other(place),
        }
    }
}
