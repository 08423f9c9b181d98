//! Refusals of the domain as text.

use super::Language;
use crate::domain::brand::BrandRefused;
use crate::domain::client::RequestRefused;
use crate::domain::client::registration::{ClientSettingsRefused, JwksRefused};
use crate::domain::client_uris::UriListRefused;
use crate::domain::delegation::DelegationChangeRefused;
use crate::domain::device_grant::DecisionRefused;
use crate::domain::display_text::{NameRefused, hides_something};
use crate::domain::help_contact::HelpContactRefused;
use crate::domain::link_request::AnswerRefused;
use crate::domain::redirect_uri::UriRefused;
use crate::domain::step_up;

impl Language {
    /// Why a decision was refused.
    pub fn decision_refused(&self, refused: DecisionRefused) -> String {
        match refused {
            DecisionRefused::NotYours => self.decision_refused_not_yours(),
            DecisionRefused::AlreadyDecided => self.decision_refused_decided(),
            DecisionRefused::Expired => self.decision_refused_expired(),
            DecisionRefused::NotConfirmed => self.decision_refused_not_confirmed(),
            DecisionRefused::LifetimeNotAvailable => self.decision_refused_lifetime(),
            DecisionRefused::LifetimeTooLong => self.decision_refused_too_long(),
            DecisionRefused::HostAccountNotYours => self.decision_refused_host_account(),
            DecisionRefused::NotAllowed(RequestRefused::Disabled) => self.decision_refused_disabled(),
            DecisionRefused::NotAllowed(RequestRefused::GrantNotAllowed | RequestRefused::NoSignIn) => self.decision_refused_grant(),
            DecisionRefused::NotAllowed(RequestRefused::NoScopeLeft) => self.decision_refused_scope(),
        }
    }

    /// What is required before a request can be allowed.
    pub fn step_up_required(&self, missing: step_up::StepUpRequired) -> String {
        match missing {
            step_up::StepUpRequired::Reauthenticate => self.consent_missing_sign_in(),
            step_up::StepUpRequired::SecondFactor => self.consent_missing_second_factor(),
            step_up::StepUpRequired::EnrollSecondFactor => self.consent_missing_own(),
        }
    }

    /// Why colours were refused.
    pub fn brand_refused(&self, refused: BrandRefused) -> String {
        match refused {
            BrandRefused::NotAColour => self.brand_refused_not_a_colour(),
            BrandRefused::FaintOnLight(contrast) => self.brand_refused_faint_on_light(format!("{contrast:.1}")),
            BrandRefused::FaintOnDark(contrast) => self.brand_refused_faint_on_dark(format!("{contrast:.1}")),
        }
    }

    /// Why a help contact was refused.
    pub fn help_contact_refused(&self, refused: HelpContactRefused) -> String {
        match refused {
            HelpContactRefused::Empty | HelpContactRefused::TooLong => self.help_contact_refused_too_long(),
            HelpContactRefused::Invisible => self.name_refused_invisible(),
            HelpContactRefused::NotAnEmailAddress => self.help_contact_refused_not_an_email_address(),
            HelpContactRefused::NotAnHttpsUrl => self.help_contact_refused_not_an_https_url(),
        }
    }

    /// Why a name was refused.
    pub fn name_refused(&self, why: NameRefused) -> String {
        match why {
            NameRefused::Empty => self.name_refused_empty(),
            NameRefused::Invisible => self.name_refused_invisible(),
            NameRefused::TooLong => self.name_refused_too_long(),
        }
    }

    /// Why a client's name or version was refused.
    pub fn client_name_refused(&self, why: NameRefused) -> String {
        match why {
            NameRefused::Empty => self.admin_clients_name_needed(),
            NameRefused::Invisible | NameRefused::TooLong => self.name_refused(why),
        }
    }

    /// Why a client cannot have such settings.
    pub fn client_settings_refused(&self, refused: ClientSettingsRefused) -> String {
        match refused {
            ClientSettingsRefused::PublicClientCredentials => self.client_settings_refused_public_client_credentials(),
            ClientSettingsRefused::PublicWithoutPkce => self.client_settings_refused_public_without_pkce(),
            ClientSettingsRefused::PkceOffByOperator => self.client_settings_refused_pkce_off(),
            ClientSettingsRefused::NoKeys => self.client_settings_refused_no_keys(),
            ClientSettingsRefused::KeysTwice => self.client_settings_refused_keys_twice(),
            ClientSettingsRefused::CommandLineClient => self.client_settings_refused_command_line(),
        }
    }

    /// Why a document is no set of public keys of a client.
    pub fn jwks_refused(&self, refused: JwksRefused) -> String {
        match refused {
            JwksRefused::NotAKeySet => self.jwks_refused_not_a_key_set(),
            JwksRefused::TooLarge | JwksRefused::TooMany => self.jwks_refused_too_many(),
            JwksRefused::SecretKey => self.jwks_refused_secret_key(),
            JwksRefused::NoUsableKey => self.jwks_refused_no_usable_key(),
        }
    }

    /// Why addresses of a client cannot be registered.
    pub fn uri_list_refused(&self, refused: &UriListRefused) -> String {
        match refused {
            UriListRefused::Uri { uri, why } => self.uri_refused_of(uri, self.uri_refused(*why)),
            UriListRefused::TooMany => self.uri_refused_too_many(),
        }
    }

    fn uri_refused(&self, why: UriRefused) -> String {
        match why {
            UriRefused::TooLong => self.uri_refused_too_long(),
            UriRefused::Scheme => self.uri_refused_scheme(),
            UriRefused::PlainHttp => self.uri_refused_plain_http(),
            UriRefused::Host => self.uri_refused_host(),
            UriRefused::UserInfo => self.uri_refused_user_info(),
            UriRefused::Fragment => self.uri_refused_fragment(),
            UriRefused::Wildcard => self.uri_refused_wildcard(),
            UriRefused::Character => self.uri_refused_character(),
            UriRefused::DotSegment => self.uri_refused_dot_segment(),
            UriRefused::Parameter => self.uri_refused_parameter(),
            UriRefused::NotAnOrigin => self.uri_refused_origin(),
        }
    }

    /// Why what was typed is not a valid name; invisible characters are mentioned.
    pub fn id_refused(&self, typed: &[&str]) -> String {
        if typed.iter().any(|text| hides_something(text)) { self.name_refused_invisible() } else { self.admin_bad_id() }
    }

    /// Why a host account was not linked.
    pub fn link_refused(&self, refused: AnswerRefused) -> String {
        match refused {
            AnswerRefused::NotYours => self.link_refused_not_yours(),
            AnswerRefused::AlreadyAnswered => self.link_refused_answered(),
            AnswerRefused::Expired => self.link_refused_expired(),
            AnswerRefused::NoMfa => self.link_refused_no_mfa(),
            AnswerRefused::LinkedToAnother => self.link_refused_linked_to_another(),
        }
    }

    pub fn change_refused(&self, refused: DelegationChangeRefused) -> String {
        match refused {
            DelegationChangeRefused::NotFound | DelegationChangeRefused::StepUpRequired(_) => self.change_refused_gone(),
            DelegationChangeRefused::InThePast => self.change_refused_in_the_past(),
            DelegationChangeRefused::TooLong => self.change_refused_too_long(),
            DelegationChangeRefused::ExtensionNotAllowed => self.change_refused_not_yours(),
        }
    }
}
