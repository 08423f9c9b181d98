//! Claims about a person, and their evaluation (OpenID Connect Core §5).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Provider;
use crate::domain::display_text::sanitize;
use crate::domain::group::GroupName;
use crate::domain::mail::EmailAddress;
use crate::domain::provider::profile::Profile;

/// Claims that count as a second factor at the provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MfaEvidence {
    /// The provider requires a second factor of all users.
    pub always: bool,
    /// Values of `acr`, any of which is sufficient.
    pub acr: Vec<String>,
    /// Values of `amr`, any of which is sufficient (RFC 8176).
    pub amr: Vec<String>,
}

impl MfaEvidence {
    pub fn is_required(&self) -> bool {
        self.always || !self.acr.is_empty() || !self.amr.is_empty()
    }

    pub fn is_satisfied_by(&self, claims: &Claims) -> bool {
        let any = |claim: &str, accepted: &[String]| claims.all(claim).iter().any(|value| accepted.contains(value));
        self.always || any("acr", &self.acr) || any("amr", &self.amr)
    }
}

/// Claims about a person, by name. Numbers and booleans are converted to text; nested values are dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims(BTreeMap<String, Vec<String>>);

impl Claims {
    pub fn insert(&mut self, name: &str, values: Vec<String>) {
        self.0.insert(name.to_owned(), values);
    }

    pub fn all(&self, name: &str) -> &[String] {
        self.0.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// The value of a claim that has exactly one.
    pub fn single(&self, name: &str) -> Option<&str> {
        match self.all(name) {
            [one] => Some(one),
            _ => None,
        }
    }

    /// The address, if the provider has verified it (OpenID Connect Core §5.1).
    fn verified_email(&self) -> Option<EmailAddress> {
        let address = self.single("email").filter(|_| self.single("email_verified") == Some("true"))?;
        EmailAddress::parse(address).ok()
    }

    fn first(&self, names: &[String]) -> Option<&str> {
        names.iter().find_map(|name| self.single(name).map(str::trim).filter(|value| !value.is_empty()))
    }

    /// The first of these claims that gives a display text, without invisible characters.
    fn first_display_text(&self, names: &[String]) -> Option<String> {
        names.iter().find_map(|name| self.single(name).and_then(sanitize))
    }
}

/// A verified identity that meets the profile's requirements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedIdentity {
    pub issuer: String,
    pub subject: String,
    /// `jdoe at TACC`.
    pub label: String,
    pub user_name: Option<String>,
    pub display_name: Option<String>,
    /// The address, if the provider says that it has verified it.
    #[serde(default)]
    pub email: Option<EmailAddress>,
    /// Whether it names an address, and does not say that it has verified it.
    #[serde(default)]
    pub email_unverified: bool,
    /// The groups of the tenant into which its claims put the person.
    #[serde(default)]
    pub groups: Vec<GroupName>,
    /// Whether the provisioning policy allows creating an account for it.
    pub may_provision: bool,
    /// A second factor was used at the provider.
    pub mfa: bool,
}

/// Why verified claims are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimsRefused {
    /// The subject is missing or too long.
    NoSubject,
    /// A claim lacks the value that the profile requires.
    RequiredClaim(String),
}

/// Maximum length of a subject (OpenID Connect Core §2).
const MAX_SUBJECT_LENGTH: usize = 255;

impl Provider {
    /// Evaluates claims whose signature and times were verified. Refuses missing subjects and claims the profile does not allow. Names with
    /// invisible characters are sanitized rather than refused, because their owners cannot change them.
    pub fn verify_identity(&self, profile: &Profile, issuer: &str, claims: &Claims) -> Result<VerifiedIdentity, ClaimsRefused> {
        let subject = claims.single(&profile.subject).filter(|subject| !subject.is_empty() && subject.len() <= MAX_SUBJECT_LENGTH);
        let subject = subject.ok_or(ClaimsRefused::NoSubject)?.to_owned();
        for (claim, value) in &profile.require {
            if claims.single(claim) != Some(value.replace("{client_id}", &self.client_id).as_str()) {
                return Err(ClaimsRefused::RequiredClaim(claim.clone()));
            }
        }
        let user_name = claims.first(&profile.user_name).map(str::to_owned);
        let organization = claims.first_display_text(&profile.organization).unwrap_or_else(|| self.display_name.clone());
        let shown = claims.first_display_text(&profile.user_name).or_else(|| sanitize(&subject));
        let label = shown.map_or_else(|| organization.clone(), |shown| format!("{shown} · {organization}"));
        let email = claims.verified_email();
        Ok(VerifiedIdentity {
            issuer: issuer.to_owned(),
            label: sanitize(&label).unwrap_or_default(),
            display_name: claims.first_display_text(&profile.display_name),
            email_unverified: email.is_none() && !claims.all("email").is_empty(),
            email,
            groups: self.group_claim.as_ref().map(|mapping| mapping.groups(claims)).unwrap_or_default(),
            may_provision: !profile.known_people_only && self.provisioning.admits(claims),
            mfa: self.mfa.is_satisfied_by(claims),
            subject,
            user_name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_verified_addresses_are_trusted() {
        let claims = |email: &[&str], verified: &[&str]| {
            let mut claims = Claims::default();
            claims.insert("email", email.iter().map(ToString::to_string).collect());
            claims.insert("email_verified", verified.iter().map(ToString::to_string).collect());
            claims.verified_email().map(String::from)
        };
        assert_eq!(claims(&["jdoe@example.org"], &["true"]).as_deref(), Some("jdoe@example.org"));
        for (email, verified) in [
            (&["jdoe@example.org"][..], &["false"][..]),
            (&["jdoe@example.org"], &[]),
            (&["jdoe@example.org"], &["true", "true"]),
            (&["a@example.org", "b@example.org"], &["true"]),
            (&["jdoe@example.org\r\nBcc: x@example.org"], &["true"]),
            (&[], &["true"]),
        ] {
            assert_eq!(claims(email, verified), None, "{email:?} {verified:?}");
        }
    }
}
