//! Refusals of the domain as text.

use super::Language;
use crate::domain::brand::BrandRefused;
use crate::domain::client::RequestRefused;
use crate::domain::delegation::DelegationChangeRefused;
use crate::domain::device_grant::DecisionRefused;
use crate::domain::display_text::{NameRefused, hides_something};
use crate::domain::help_contact::HelpContactRefused;
use crate::domain::link_request::AnswerRefused;
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
