//! Refusals and results of use cases as text. [`crate::i18n`] has the sentences and knows nothing of the server, so the methods that take
//! types of the service layer are here.

use crate::domain::host_account::HostAccount;
use crate::domain::resource_server::ResourceSettingsRefused;
use crate::domain::sentence::Sentence;
use crate::domain::ssh_key::{DependencyError, LabelRefused};
use crate::domain::time::{Timestamp, Zone};
use crate::domain::user_code::UserCodeRefused;
use crate::i18n::Language;
use crate::i18n::to_count;
use crate::server::service::admin::resource_servers::ResourceServerRefused;
use crate::server::service::admin::tenants::TenantRefused;
use crate::server::service::auth::people::{MIN_PASSWORD_CHARS, NewPasswordRefused, PasswordChangeRefused, PersonRefused, SignInRefused};
use crate::server::service::auth::second_factors::enrollment::EnrollmentRefused;
use crate::server::service::auth::second_factors::verification::MfaRefused;
use crate::server::service::auth::upstream_login::{ConnectError, ProviderError, UpstreamLoginRefused};
use crate::server::service::device_flow::user_codes::CodeRefused;
use crate::server::service::host_accounts::link_decisions::LinkOutcome;
use crate::server::service::host_accounts::upstream_accounts::ProposalRefused;
use crate::server::service::ssh_keys::{KeyRefused, PublicKeyRefused};

impl Language {
    /// Why a user code was refused.
    pub fn code_refused(&self, refused: &CodeRefused) -> String {
        match refused {
            CodeRefused::Malformed(UserCodeRefused::Empty) => self.code_refused_empty(),
            CodeRefused::Malformed(UserCodeRefused::WrongLength(letters)) => self.code_refused_length(to_count(*letters)),
            CodeRefused::Malformed(UserCodeRefused::InvalidCharacters) => self.code_refused_impossible(),
            CodeRefused::Malformed(UserCodeRefused::Ambiguous) => self.code_refused_ambiguous(),
            CodeRefused::NotValid => self.code_refused_not_valid(),
            CodeRefused::TooManyTries { wait } => self.code_refused_too_many(self.format_wait(*wait)),
            CodeRefused::SignInRequired => self.code_refused_sign_in_first(),
            CodeRefused::ClaimedElsewhere { wait } => self.code_refused_claimed(self.format_wait(*wait)),
            CodeRefused::OtherTenant { tenant_name, .. } => self.code_refused_other_tenant(tenant_name),
        }
    }

    /// Why a resource server cannot be registered, changed or removed.
    pub fn resource_server_refused(&self, refused: &ResourceServerRefused) -> String {
        match refused {
            ResourceServerRefused::Exists => self.admin_resources_refused_exists(),
            ResourceServerRefused::NotFound => self.admin_gone(),
            ResourceServerRefused::Stale => self.admin_stale(),
            ResourceServerRefused::Settings(ResourceSettingsRefused::NoScope) => self.admin_resources_refused_no_scope(),
            ResourceServerRefused::Settings(ResourceSettingsRefused::TooManyScopes) => self.admin_resources_refused_too_many(),
            ResourceServerRefused::Settings(ResourceSettingsRefused::RepeatedScope(scope)) => self.admin_resources_refused_repeated(scope.as_str()),
            ResourceServerRefused::Settings(ResourceSettingsRefused::OfThePortal) => self.admin_resources_refused_portal(),
            ResourceServerRefused::NoClient(client) => self.admin_resources_refused_no_client(client.as_str()),
            ResourceServerRefused::PublicReader(client) => self.admin_resources_refused_public(client.as_str()),
        }
    }

    /// Why a sign-in was refused.
    pub fn sign_in_refused(&self, refused: &SignInRefused) -> String {
        match refused {
            SignInRefused::InvalidCredentials => self.sign_in_refused_wrong(),
            SignInRefused::TooManyTries { wait } => self.sign_in_refused_too_many(self.format_wait(*wait)),
        }
    }

    /// Why a sign-in through an institution was refused, and what to do.
    pub fn upstream_login_refused(&self, refused: &UpstreamLoginRefused) -> String {
        match refused {
            UpstreamLoginRefused::NoProvider => self.upstream_login_refused_no_provider(),
            UpstreamLoginRefused::UnknownState => self.upstream_login_refused_unknown(),
            UpstreamLoginRefused::AlreadyUsed => self.upstream_login_refused_used(),
            UpstreamLoginRefused::Expired => self.upstream_login_refused_too_late(),
            UpstreamLoginRefused::Cancelled => self.upstream_login_refused_cancelled(),
            UpstreamLoginRefused::AuthorizationError(error) => self.upstream_login_refused_by_provider(error),
            UpstreamLoginRefused::ProviderFailed(trouble) => match trouble {
                ProviderError::Unreachable(_) => self.upstream_login_refused_unreachable(),
                ProviderError::Timeout => self.upstream_login_refused_slow(),
                ProviderError::InvalidResponse(_) => self.upstream_login_refused_broken(),
                ProviderError::CodeRefused(_) => self.upstream_login_refused_code(),
                ProviderError::IssuerMismatch(_) => self.upstream_login_refused_issuer(),
                ProviderError::ClockSkew(_) => self.upstream_login_refused_clock(),
                ProviderError::TokenRefused(_) => self.upstream_login_refused_untrusted(),
                ProviderError::ReauthenticationMissing => self.upstream_login_refused_not_fresh(),
                ProviderError::Denied(_) => self.upstream_login_refused_list_denied(),
                ProviderError::Misconfigured(_) | ProviderError::DiscoveryIssuerMismatch(_) | ProviderError::AddressBlocked => {
                    self.upstream_login_refused_misconfigured()
                }
            },
            UpstreamLoginRefused::AccountListFailed(trouble) => match trouble {
                ProviderError::Denied(_) => self.upstream_login_refused_list_denied(),
                ProviderError::Unreachable(_) | ProviderError::Timeout => self.upstream_login_refused_list_away(),
                _ => self.upstream_login_refused_list_broken(),
            },
            UpstreamLoginRefused::NotInvited { label } => self.upstream_login_refused_not_invited(label),
            UpstreamLoginRefused::InvitationUsed => self.upstream_login_refused_invitation(),
            UpstreamLoginRefused::Disabled => self.upstream_login_refused_disabled(),
            UpstreamLoginRefused::WrongPerson { label } => self.upstream_login_refused_wrong_account(label),
        }
    }

    /// Why a second factor was refused.
    pub fn mfa_refused(&self, refused: &MfaRefused) -> String {
        match refused {
            MfaRefused::MalformedCode => self.second_factor_no_code(),
            MfaRefused::NoApp => self.second_factor_no_app(),
            MfaRefused::WrongCode => self.second_factor_wrong(),
            MfaRefused::WrongRecoveryCode => self.second_factor_wrong_recovery(),
            MfaRefused::WrongPasskey => self.second_factor_wrong_passkey(),
            MfaRefused::UnknownChallenge => self.second_factor_not_asked(),
            MfaRefused::TooManyCodes { wait } => self.second_factor_too_many(self.format_wait(*wait)),
            MfaRefused::TooManyRecoveryCodes { wait } => self.second_factor_too_many_recovery(self.format_wait(*wait)),
            MfaRefused::Expired => self.second_factor_too_late(),
            MfaRefused::SessionEnded => self.second_factor_ended(),
        }
    }

    /// Why the enrollment of a second factor was refused.
    pub fn enrollment_refused(&self, refused: &EnrollmentRefused) -> String {
        match refused {
            EnrollmentRefused::WrongCode => self.factors_wrong_code(),
            EnrollmentRefused::AppExists => self.factors_exists(),
            EnrollmentRefused::PasskeyExists => self.factors_passkey_exists(),
            EnrollmentRefused::TooManyPasskeys => self.factors_too_many(),
            EnrollmentRefused::InvalidPasskey => self.factors_passkey_unusable(),
            EnrollmentRefused::SignedOut => self.factors_signed_out(),
        }
    }

    /// Why a password was not changed.
    pub fn password_refused(&self, refused: &PasswordChangeRefused) -> String {
        match refused {
            PasswordChangeRefused::NoPassword => self.password_refused_none(),
            PasswordChangeRefused::WrongPassword => self.password_refused_wrong(),
            PasswordChangeRefused::TooManyTries { wait } => self.sign_in_refused_too_many(self.format_wait(*wait)),
            PasswordChangeRefused::SecondFactorFirst => self.second_factor_again(),
            PasswordChangeRefused::SignedOut => self.password_refused_signed_out(),
            PasswordChangeRefused::New(NewPasswordRefused::TooShort) => self.password_refused_short(to_count(MIN_PASSWORD_CHARS)),
            PasswordChangeRefused::New(NewPasswordRefused::TooLong) => self.password_refused_long(),
            PasswordChangeRefused::New(NewPasswordRefused::UserName) => self.password_refused_user_name(),
            PasswordChangeRefused::New(NewPasswordRefused::Common) => self.password_refused_common(),
        }
    }

    /// Why a provider does not work, for those who configure it. The details come from the provider or from libraries, in English.
    pub fn provider_error(&self, error: &ProviderError) -> String {
        match error {
            ProviderError::Unreachable(why) => self.provider_error_unreachable(self.connect_error(why)),
            ProviderError::AddressBlocked => self.provider_error_address_blocked(),
            ProviderError::Timeout => self.provider_error_slow(),
            ProviderError::IssuerMismatch(detail) | ProviderError::DiscoveryIssuerMismatch(detail) => self.provider_error_issuer(detail),
            ProviderError::Misconfigured(detail) => self.provider_error_misconfigured(detail),
            ProviderError::InvalidResponse(_)
            | ProviderError::CodeRefused(_)
            | ProviderError::ClockSkew(_)
            | ProviderError::TokenRefused(_)
            | ProviderError::ReauthenticationMissing
            | ProviderError::Denied(_) => self.provider_error_broken(error.to_string()),
        }
    }

    fn connect_error(&self, error: &ConnectError) -> String {
        match error {
            ConnectError::HostNotFound => self.connect_error_host_not_found(),
            ConnectError::ConnectionRefused => self.connect_error_refused(),
            ConnectError::NoRoute => self.connect_error_no_route(),
            ConnectError::ConnectionClosed => self.connect_error_connection_closed(),
            ConnectError::NoTls => self.connect_error_no_tls(),
            ConnectError::UnknownAuthority => self.connect_error_unknown_authority(),
            ConnectError::CertificateNameMismatch => self.connect_error_certificate_name(),
            ConnectError::CertificateOutsideValidity => self.connect_error_certificate_expired(),
            ConnectError::Timeout => self.connect_error_slow(),
            ConnectError::Proxied { proxy, why } => self.connect_error_proxied(self.connect_error(why), proxy),
            ConnectError::InvalidCertificate(detail) | ConnectError::Other(detail) => detail.clone(),
        }
    }

    /// Why an account was not created or changed.
    pub fn person_refused(&self, refused: PersonRefused) -> String {
        match refused {
            PersonRefused::NoPerson | PersonRefused::NoIdentity => self.admin_gone(),
            PersonRefused::Exists => self.admin_people_exists(),
            PersonRefused::LastAdmin => self.person_refused_last_admin(),
        }
    }

    /// Why a tenant was not created, switched or deleted.
    pub fn tenant_refused(&self, refused: TenantRefused) -> String {
        match refused {
            TenantRefused::NotAllowed => self.tenant_refused_not_yours(),
            TenantRefused::Exists => self.tenant_refused_exists(),
            TenantRefused::Default => self.tenant_refused_default(),
            TenantRefused::InUse(_) => self.tenant_refused_in_use(),
            TenantRefused::NotArchived => self.tenant_refused_not_archived(),
        }
    }

    /// Why a person's own key was refused.
    pub fn key_refused(&self, refused: &KeyRefused) -> String {
        match refused {
            KeyRefused::DependencyMissing(missing) => match missing {
                DependencyError::Mfa => self.key_refused_no_mfa(),
                DependencyError::MfaExpired(_) => self.key_refused_mfa_expired(),
                DependencyError::PersonDisabled | DependencyError::MfaDisabled => self.key_refused_mfa(),
                DependencyError::Link | DependencyError::LinkExpired(_) => self.key_refused_link(),
                DependencyError::Delegation | DependencyError::DelegationExpired(_) => self.change_refused_gone(),
            },
            KeyRefused::PublicKey(PublicKeyRefused::Private) => self.key_refused_private(),
            KeyRefused::PublicKey(PublicKeyRefused::PuttyFile) => self.key_refused_putty(),
            KeyRefused::PublicKey(PublicKeyRefused::Unreadable) => self.key_refused_unreadable(),
            KeyRefused::PublicKey(PublicKeyRefused::Certificate) => self.key_refused_certificate(),
            KeyRefused::PublicKey(PublicKeyRefused::Several) => self.key_refused_several(),
            KeyRefused::PublicKey(PublicKeyRefused::Pem) => self.key_refused_pem(),
            KeyRefused::PublicKey(PublicKeyRefused::TextBefore) => self.key_refused_text_before(),
            KeyRefused::PublicKey(PublicKeyRefused::Damaged) => self.key_refused_damaged(),
            KeyRefused::PublicKey(PublicKeyRefused::Unsupported(kind)) => self.key_refused_unsupported(kind),
            KeyRefused::PublicKey(PublicKeyRefused::TooShort(bits)) => self.key_refused_too_short(*bits),
            KeyRefused::Label(LabelRefused::Typed(why)) => self.name_refused(*why),
            KeyRefused::Label(LabelRefused::Comment) => self.key_refused_comment(),
            KeyRefused::Exists => self.key_refused_exists(),
            KeyRefused::OwnKeysDisabled => self.key_refused_not_here(),
            KeyRefused::SignedOut => self.key_refused_signed_out(),
            KeyRefused::KeyGenerationBusy => self.server_error_text(),
        }
    }

    /// Why no account of a provider was linked.
    pub fn proposal_refused(&self, refused: ProposalRefused) -> String {
        match refused {
            ProposalRefused::NotFound => self.proposal_refused_gone(),
            ProposalRefused::NothingSelected => self.proposal_refused_nothing(),
            ProposalRefused::CannotBeLinked => self.proposal_refused_cannot(),
            ProposalRefused::MfaMissing => self.link_refused_no_mfa(),
        }
    }

    /// The result of linking proposed accounts: the outcome of a single one, the number of several.
    pub fn linked_accounts(&self, linked: &[LinkOutcome], zone: &Zone) -> Sentence {
        match linked {
            [one] => self.link_decided(Some(one), zone),
            several => self.proposal_linked_several(to_count(several.len())).into(),
        }
    }

    /// The result of a decision on a link request; `None`: it was refused.
    pub fn link_decided(&self, linked: Option<&LinkOutcome>, zone: &Zone) -> Sentence {
        let Some(LinkOutcome { account: HostAccount { account, host, expires_at, .. }, renewed }) = linked else {
            return self.link_stopped().into();
        };
        match (*renewed, *expires_at < Timestamp::FOREVER) {
            (false, true) => self.naming(*expires_at, zone, |until| self.link_linked(account, host, until)),
            (false, false) => self.link_linked_for_ever(account, host).into(),
            (true, true) => self.naming(*expires_at, zone, |until| self.link_renewed(account, host, until)),
            (true, false) => self.link_renewed_for_ever(account, host).into(),
        }
    }
}
