//! Why something was not done, in words.

use super::Language;
use crate::domain::brand::BrandRefused;
use crate::domain::client::RequestRefused;
use crate::domain::delegation::ChangeRefused;
use crate::domain::device_grant::DecisionRefused;
use crate::domain::link::AnswerRefused;
use crate::domain::pubkey::{LabelRefused, Missing};
use crate::domain::readable::{NameRefused, hides_something};
use crate::domain::sentence::Sentence;
use crate::domain::step_up;
use crate::domain::time::Zone;
use crate::domain::user_code::UserCodeRefused;
use crate::server::service::identities::{ArrivalRefused, Trouble, Why};
use crate::server::service::people::{FEWEST_CHARACTERS, NewPasswordRefused, PasswordRefused, PersonRefused, SignInRefused};
use crate::server::service::pubkeys::{KeyRefused, PublicKeyRefused};
use crate::server::service::resources::OfferRefused;
use crate::server::service::second_factors::{NotSetUp, NotShown};
use crate::server::service::tenants::TenantRefused;
use crate::server::service::user_codes::CodeRefused;
use crate::server_fns::device::Outcome;

impl Language {
    /// Why a typed code leads nowhere.
    pub fn code_refused(&self, refused: &CodeRefused) -> String {
        match refused {
            CodeRefused::Malformed(UserCodeRefused::Empty) => self.code_refused_empty(),
            CodeRefused::Malformed(UserCodeRefused::WrongLength(letters)) => self.code_refused_length(i64::try_from(*letters).unwrap_or(i64::MAX)),
            CodeRefused::Malformed(UserCodeRefused::ImpossibleCharacters) => self.code_refused_impossible(),
            CodeRefused::Malformed(UserCodeRefused::Ambiguous) => self.code_refused_ambiguous(),
            CodeRefused::NotValid => self.code_refused_not_valid(),
            CodeRefused::TooManyTries { wait } => self.code_refused_too_many(self.wait(*wait)),
            CodeRefused::SignInFirst => self.code_refused_sign_in_first(),
            CodeRefused::ClaimedElsewhere { wait } => self.code_refused_claimed(self.wait(*wait)),
            CodeRefused::OtherTenant { tenant_name, .. } => self.code_refused_other_tenant(tenant_name),
        }
    }

    /// Why a decision does not count.
    pub fn decision_refused(&self, refused: DecisionRefused) -> String {
        match refused {
            DecisionRefused::NotYours => self.decision_refused_not_yours(),
            DecisionRefused::AlreadyDecided => self.decision_refused_decided(),
            DecisionRefused::Expired => self.decision_refused_expired(),
            DecisionRefused::NotConfirmed => self.decision_refused_not_confirmed(),
            DecisionRefused::LifetimeNotOffered => self.decision_refused_lifetime(),
            DecisionRefused::LifetimeTooLong => self.decision_refused_too_long(),
            DecisionRefused::HostAccountNotYours => self.decision_refused_host_account(),
            DecisionRefused::NotAllowed(RequestRefused::Disabled) => self.decision_refused_disabled(),
            DecisionRefused::NotAllowed(RequestRefused::GrantNotAllowed | RequestRefused::NoSignIn) => self.decision_refused_grant(),
            DecisionRefused::NotAllowed(RequestRefused::NoScopeLeft) => self.decision_refused_scope(),
        }
    }

    /// Why a person is not let in.
    pub fn sign_in_refused(&self, refused: &SignInRefused) -> String {
        match refused {
            SignInRefused::Wrong => self.sign_in_refused_wrong(),
            SignInRefused::TooManyTries { wait } => self.sign_in_refused_too_many(self.wait(*wait)),
        }
    }

    /// Why somebody who comes from an institution is not let in, and what to do.
    pub fn arrival_refused(&self, refused: &ArrivalRefused) -> String {
        match refused {
            ArrivalRefused::NoProvider => self.arrival_refused_no_provider(),
            ArrivalRefused::NoTrip => self.arrival_refused_no_trip(),
            ArrivalRefused::Used => self.arrival_refused_used(),
            ArrivalRefused::TooLate => self.arrival_refused_too_late(),
            ArrivalRefused::Cancelled => self.arrival_refused_cancelled(),
            ArrivalRefused::ProviderSays(error) => self.arrival_refused_provider_says(error),
            ArrivalRefused::Trouble(trouble) => match trouble {
                Trouble::Unreachable(_) => self.arrival_refused_unreachable(),
                Trouble::Slow => self.arrival_refused_slow(),
                Trouble::Broken(_) => self.arrival_refused_broken(),
                Trouble::Refused(_) => self.arrival_refused_code(),
                Trouble::WrongIssuer(_) => self.arrival_refused_issuer(),
                Trouble::Clock(_) => self.arrival_refused_clock(),
                Trouble::Untrusted(_) => self.arrival_refused_untrusted(),
                Trouble::NotFresh => self.arrival_refused_not_fresh(),
                Trouble::Denied(_) => self.arrival_refused_list_denied(),
                Trouble::Misconfigured(_) | Trouble::OtherName(_) | Trouble::OutOfBounds => self.arrival_refused_misconfigured(),
            },
            ArrivalRefused::NoList(trouble) => match trouble {
                Trouble::Denied(_) => self.arrival_refused_list_denied(),
                Trouble::Unreachable(_) | Trouble::Slow => self.arrival_refused_list_away(),
                _ => self.arrival_refused_list_broken(),
            },
            ArrivalRefused::NotInvited { label } => self.arrival_refused_not_invited(label),
            ArrivalRefused::InvitationSpent => self.arrival_refused_invitation(),
            ArrivalRefused::Disabled => self.arrival_refused_disabled(),
            ArrivalRefused::SomebodyElse { label } => self.arrival_refused_somebody_else(label),
        }
    }

    /// Why a second factor does not count.
    pub fn not_shown(&self, refused: &NotShown) -> String {
        match refused {
            NotShown::NoCode => self.second_factor_no_code(),
            NotShown::NoApp => self.second_factor_no_app(),
            NotShown::WrongCode => self.second_factor_wrong(),
            NotShown::WrongRecoveryCode => self.second_factor_wrong_recovery(),
            NotShown::WrongPasskey => self.second_factor_wrong_passkey(),
            NotShown::NotAsked => self.second_factor_not_asked(),
            NotShown::TooManyCodes { wait } => self.second_factor_too_many(self.wait(*wait)),
            NotShown::TooManyRecoveryCodes { wait } => self.second_factor_too_many_recovery(self.wait(*wait)),
            NotShown::TooLate => self.second_factor_too_late(),
            NotShown::Ended => self.second_factor_ended(),
        }
    }

    /// What somebody has to show before they can allow anything.
    pub fn consent_missing(&self, missing: step_up::Missing) -> String {
        match missing {
            step_up::Missing::SignIn => self.consent_missing_sign_in(),
            step_up::Missing::SecondFactor => self.consent_missing_second_factor(),
            step_up::Missing::NoSecondFactor => self.consent_missing_own(),
        }
    }

    /// Why a second factor is not set up.
    pub fn not_set_up(&self, refused: &NotSetUp) -> String {
        match refused {
            NotSetUp::WrongCode => self.factors_wrong_code(),
            NotSetUp::AppExists => self.factors_exists(),
            NotSetUp::PasskeyExists => self.factors_passkey_exists(),
            NotSetUp::TooMany => self.factors_too_many(),
            NotSetUp::Unusable => self.factors_passkey_unusable(),
            NotSetUp::SignedOut => self.factors_signed_out(),
        }
    }

    /// Why a person's password stays.
    pub fn password_refused(&self, refused: &PasswordRefused) -> String {
        match refused {
            PasswordRefused::NoPassword => self.password_refused_none(),
            PasswordRefused::Wrong => self.password_refused_wrong(),
            PasswordRefused::TooManyTries { wait } => self.sign_in_refused_too_many(self.wait(*wait)),
            PasswordRefused::SecondFactorFirst => self.second_factor_again(),
            PasswordRefused::SignedOut => self.password_refused_signed_out(),
            PasswordRefused::New(NewPasswordRefused::TooShort) => self.password_refused_short(i64::try_from(FEWEST_CHARACTERS).unwrap_or(i64::MAX)),
            PasswordRefused::New(NewPasswordRefused::TooLong) => self.password_refused_long(),
            PasswordRefused::New(NewPasswordRefused::UserName) => self.password_refused_user_name(),
            PasswordRefused::New(NewPasswordRefused::Common) => self.password_refused_common(),
        }
    }

    /// What is wrong with a provider, for those who set it up. The details are the provider's, or the libraries', in English.
    pub fn provider_trouble(&self, trouble: &Trouble) -> String {
        match trouble {
            Trouble::Unreachable(why) => self.provider_trouble_unreachable(self.provider_why(why)),
            Trouble::OutOfBounds => self.provider_trouble_out_of_bounds(),
            Trouble::Slow => self.provider_trouble_slow(),
            Trouble::WrongIssuer(detail) | Trouble::OtherName(detail) => self.provider_trouble_issuer(detail),
            Trouble::Misconfigured(detail) => self.provider_trouble_misconfigured(detail),
            Trouble::Broken(_) | Trouble::Refused(_) | Trouble::Clock(_) | Trouble::Untrusted(_) | Trouble::NotFresh | Trouble::Denied(_) => {
                self.provider_trouble_broken(trouble.to_string())
            }
        }
    }

    fn provider_why(&self, why: &Why) -> String {
        match why {
            Why::NoSuchName => self.provider_why_no_such_name(),
            Why::Refused => self.provider_why_refused(),
            Why::NoRoute => self.provider_why_no_route(),
            Why::HangsUp => self.provider_why_hangs_up(),
            Why::NoTls => self.provider_why_no_tls(),
            Why::UnknownAuthority => self.provider_why_unknown_authority(),
            Why::OtherName => self.provider_why_other_name(),
            Why::NotNow => self.provider_why_not_now(),
            Why::Slow => self.provider_why_slow(),
            Why::Proxied { proxy, why } => self.provider_why_proxied(self.provider_why(why), proxy),
            Why::Certificate(detail) | Why::Other(detail) => detail.clone(),
        }
    }

    /// How an answered request stands.
    pub fn outcome(&self, outcome: &Outcome, zone: &Zone) -> Sentence {
        Sentence::from(match outcome {
            Outcome::Waiting => self.pickup_waiting(),
            Outcome::PickedUp { at, from } => {
                return self.naming(*at, zone, |time| match from {
                    Some(from) => self.pickup_at_from(time, from),
                    None => self.pickup_at(time),
                });
            }
            Outcome::Denied => self.pickup_denied(),
            Outcome::Withdrawn => self.pickup_withdrawn(),
            Outcome::Expired => self.pickup_expired(),
            Outcome::Refused(RequestRefused::Disabled) => self.pickup_refused_disabled(),
            Outcome::Refused(RequestRefused::GrantNotAllowed | RequestRefused::NoSignIn) => self.pickup_refused_grant(),
            Outcome::Refused(RequestRefused::NoScopeLeft) => self.pickup_refused_scope(),
        })
    }

    /// Why an account is not made or changed.
    pub fn person_refused(&self, refused: PersonRefused) -> String {
        match refused {
            PersonRefused::NoPerson | PersonRefused::NoIdentity => self.admin_gone(),
            PersonRefused::Exists => self.admin_people_exists(),
            PersonRefused::LastAdmin => self.person_refused_last_admin(),
        }
    }

    /// Why a tenant is not made, switched or removed.
    pub fn tenant_refused(&self, refused: TenantRefused) -> String {
        match refused {
            TenantRefused::NotYours => self.tenant_refused_not_yours(),
            TenantRefused::Exists => self.tenant_refused_exists(),
            TenantRefused::Default => self.tenant_refused_default(),
            TenantRefused::InUse(_) => self.tenant_refused_in_use(),
        }
    }

    /// Why colours are not taken.
    pub fn brand_refused(&self, refused: BrandRefused) -> String {
        match refused {
            BrandRefused::NotAColour => self.brand_refused_not_a_colour(),
            BrandRefused::FaintOnLight(contrast) => self.brand_refused_faint_on_light(format!("{contrast:.1}")),
            BrandRefused::FaintOnDark(contrast) => self.brand_refused_faint_on_dark(format!("{contrast:.1}")),
        }
    }

    /// Why a name is not taken.
    pub fn name_refused(&self, why: NameRefused) -> String {
        match why {
            NameRefused::Empty => self.name_refused_empty(),
            NameRefused::Invisible => self.name_refused_invisible(),
            NameRefused::TooLong => self.name_refused_too_long(),
        }
    }

    /// Why a client's name or version is not taken.
    pub fn client_name_refused(&self, why: NameRefused) -> String {
        match why {
            NameRefused::Empty => self.admin_clients_name_needed(),
            NameRefused::Invisible | NameRefused::TooLong => self.name_refused(why),
        }
    }

    /// Why what was typed names nothing: what cannot be seen has to be said.
    pub fn id_refused(&self, typed: &[&str]) -> String {
        if typed.iter().any(|text| hides_something(text)) { self.name_refused_invisible() } else { self.admin_bad_id() }
    }

    /// Why a person's own key is not taken.
    pub fn key_refused(&self, refused: &KeyRefused) -> String {
        match refused {
            KeyRefused::Missing(missing) => match missing {
                Missing::Mfa => self.key_refused_no_mfa(),
                Missing::MfaExpired(_) => self.key_refused_mfa_expired(),
                Missing::PersonDisabled | Missing::MfaDisabled => self.key_refused_mfa(),
                Missing::Link | Missing::LinkExpired(_) => self.key_refused_link(),
                Missing::Delegation | Missing::DelegationExpired(_) => self.change_refused_gone(),
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
            KeyRefused::NotHere => self.key_refused_not_here(),
            KeyRefused::SignedOut => self.key_refused_signed_out(),
            KeyRefused::TooManyAtOnce => self.sorry(),
        }
    }

    /// Why a host account is not linked.
    pub fn link_refused(&self, refused: AnswerRefused) -> String {
        match refused {
            AnswerRefused::NotYours => self.link_refused_not_yours(),
            AnswerRefused::AlreadyAnswered => self.link_refused_answered(),
            AnswerRefused::Expired => self.link_refused_expired(),
            AnswerRefused::NoMfa => self.link_refused_no_mfa(),
            AnswerRefused::SomebodyElses => self.link_refused_somebody_elses(),
        }
    }

    /// Why nothing of what a provider says is linked.
    pub fn offer_refused(&self, refused: OfferRefused) -> String {
        match refused {
            OfferRefused::Gone => self.offer_refused_gone(),
            OfferRefused::NothingChosen => self.offer_refused_nothing(),
            OfferRefused::CannotBeLinked => self.offer_refused_cannot(),
            OfferRefused::NoMfa => self.link_refused_no_mfa(),
        }
    }

    pub fn change_refused(&self, refused: ChangeRefused) -> String {
        match refused {
            ChangeRefused::Gone | ChangeRefused::Missing(_) => self.change_refused_gone(),
            ChangeRefused::InThePast => self.change_refused_in_the_past(),
            ChangeRefused::TooLong => self.change_refused_too_long(),
            ChangeRefused::NotYoursToProlong => self.change_refused_not_yours(),
        }
    }
}
