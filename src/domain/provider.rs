//! Identity providers of tenants: their settings, profiles, and the evaluation of their claims.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::display_text::sanitize;
use super::ids::{ProviderId, TenantId, UserId};
use super::time::Timestamp;
use super::upstream_accounts::UpstreamHosts;

/// An identity provider at which a tenant's people sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    pub tenant_id: TenantId,
    pub id: ProviderId,
    /// Label of the sign-in button.
    pub display_name: String,
    /// The name of its [`Profile`].
    pub profile: String,
    /// The issuer URL, or the value of `{base}` in the profile.
    pub base_url: String,
    /// This portal's client id there (RFC 6749 §2.2).
    pub client_id: String,
    /// The requested scope, if it is not the profile's.
    pub scope: Option<String>,
    pub provisioning: ProvisioningPolicy,
    pub mfa: MfaEvidence,
    /// User names of this provider are used as user ids of the tenant unchanged. Otherwise a suffix is appended.
    pub own_names: bool,
    /// Hosts that it owns: people link their accounts on them by signing in there.
    pub upstream_hosts: Option<UpstreamHosts>,
    pub enabled: bool,
    /// Requests to it may reach private networks: set by operators only, not for providers that administrators add.
    pub unrestricted_egress: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Properties of one kind of provider, from `server/providers/profiles.toml`: no provider has code of its own.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Profile {
    /// Name of this kind of provider, for administrators.
    pub about: String,
    /// The base URL, if there is only one.
    #[serde(default)]
    pub base: Option<String>,
    /// Endpoint URLs with `{base}`. `None`: they are discovered from metadata (OpenID Connect Discovery 1.0).
    #[serde(default)]
    pub endpoints: Option<Endpoints>,
    pub identity: IdentitySource,
    pub scope: String,
    /// Claim that identifies a person; constant, and never reassigned.
    #[serde(default = "default_subject_claim")]
    pub subject: String,
    /// Claims to derive a user id from, best first.
    #[serde(default)]
    pub user_name: Vec<String>,
    /// Claims with a display name, best first.
    #[serde(default)]
    pub display_name: Vec<String>,
    /// Claims with the person's organization, best first.
    #[serde(default)]
    pub organization: Vec<String>,
    /// Claims that must have these values; `{client_id}` is replaced.
    #[serde(default)]
    pub require: BTreeMap<String, String>,
    /// URL to sign out at, if the metadata have none.
    #[serde(default)]
    pub sign_out: Option<String>,
    /// Too weak to create accounts; only for people who already exist.
    #[serde(default)]
    pub known_people_only: bool,
    /// Help page of the provider, shown after repeated failures.
    #[serde(default)]
    pub help: Option<String>,
    /// Whether its ID tokens carry `auth_time` on request. If not, the time of the callback is used.
    #[serde(default = "default_true")]
    #[serde(rename = "says-when")]
    pub sends_auth_time: bool,
}

impl Profile {
    /// The issuer that identities are stored under, without a trailing slash.
    pub fn issuer(&self, base: &str) -> String {
        let base = self.base.as_deref().unwrap_or(base).trim_end_matches('/');
        self.endpoints.as_ref().map_or(base.to_owned(), |endpoints| endpoints.issuer.replace("{base}", base))
    }

    /// All claims with names of people or organizations.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        [&self.user_name, &self.display_name, &self.organization].into_iter().flatten().map(String::as_str)
    }
}

fn default_subject_claim() -> String {
    "sub".to_owned()
}

fn default_true() -> bool {
    true
}

/// The endpoints of a provider without discovery.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Endpoints {
    pub issuer: String,
    pub authorization: String,
    pub token: String,
    /// JWKS URL, where tokens identify the person.
    #[serde(default)]
    pub keys: Option<String>,
    /// Userinfo endpoint.
    #[serde(default)]
    pub user: Option<String>,
}

/// Which token or endpoint identifies the person.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum IdentitySource {
    /// An ID token (OpenID Connect Core §2).
    IdToken,
    /// An access token that is a signed JWT.
    AccessToken,
    /// The userinfo endpoint.
    User,
}

/// Which unknown users get an account at first sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProvisioningPolicy {
    /// All users of the provider.
    Open,
    /// Users with an invitation, which links their identity to an existing person.
    Invited,
    /// Users who have one of these values in a claim.
    Rule { claim: String, values: Vec<String> },
}

impl ProvisioningPolicy {
    /// Parses the operators' notation: `open`, `invited`, or `CLAIM=VALUE,VALUE`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "open" => Some(Self::Open),
            "invited" => Some(Self::Invited),
            rule => {
                let (claim, values) = rule.split_once('=')?;
                let values: Vec<String> = values.split(',').map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned).collect();
                (!claim.trim().is_empty() && !values.is_empty()).then(|| Self::Rule { claim: claim.trim().to_owned(), values })
            }
        }
    }

    /// The claim that decides, in [`Self::Rule`].
    pub fn claim(&self) -> Option<&str> {
        match self {
            Self::Rule { claim, .. } => Some(claim),
            Self::Open | Self::Invited => None,
        }
    }

    fn admits(&self, claims: &Claims) -> bool {
        match self {
            Self::Open => true,
            Self::Invited => false,
            // An unverified email address proves nothing.
            Self::Rule { claim, .. } if claim == "email" && claims.single("email_verified") != Some("true") => false,
            Self::Rule { claim, values } => claims.all(claim).iter().any(|value| values.contains(value)),
        }
    }
}

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
    /// Whether the provisioning policy allows creating an account for it.
    pub may_provision: bool,
    /// A second factor was used at the provider.
    pub mfa: bool,
}

/// The provider's session on which a browser session depends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamSession {
    pub provider: ProviderId,
    pub issuer: String,
    pub subject: String,
    /// Session id at the provider (OpenID Connect Back-Channel Logout 1.0 §2.1).
    pub sid: Option<String>,
    /// Sent as `id_token_hint` at sign-out (OpenID Connect RP-Initiated Logout 1.0 §2).
    pub id_token: Option<String>,
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
    /// Names of the changeable settings in which this differs from `other`.
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        let settings = [
            ("display-name", self.display_name != other.display_name),
            ("scope", self.scope != other.scope),
            ("newcomers", self.provisioning != other.provisioning),
            ("mfa", self.mfa != other.mfa),
            ("own-names", self.own_names != other.own_names),
            ("resources", self.upstream_hosts != other.upstream_hosts),
            ("enabled", self.enabled != other.enabled),
            ("anywhere", self.unrestricted_egress != other.unrestricted_egress),
        ];
        settings.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
    }

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
        Ok(VerifiedIdentity {
            issuer: issuer.to_owned(),
            label: sanitize(&label).unwrap_or_default(),
            display_name: claims.first_display_text(&profile.display_name),
            may_provision: !profile.known_people_only && self.provisioning.admits(claims),
            mfa: self.mfa.is_satisfied_by(claims),
            subject,
            user_name,
        })
    }

    /// Candidates for a new person's user id, best first; the last one contains `unique_suffix` and is unused. A user id does not identify
    /// the person at the provider: issuer and subject do. Letters outside ASCII are transliterated: `josé@…` gives `jose@…`.
    pub fn user_id_candidates(&self, identity: &VerifiedIdentity, unique_suffix: &str) -> Vec<UserId> {
        const MAX_SUFFIX: usize = 5;
        let preferred = identity.user_name.as_deref().unwrap_or_default();
        let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
        let name: String = deunicode::deunicode(preferred).chars().filter(allowed).skip_while(|c| !c.is_ascii_alphanumeric()).take(64).collect();
        // A sanitized name is not the owner's name at the provider and could collide with another's.
        let own = self.own_names && name == preferred;
        let base = match (name.is_empty(), own) {
            (true, _) => format!("user~{}", self.id),
            (false, true) => name,
            (false, false) => format!("{name}~{}", self.id),
        };
        let more = (2..=MAX_SUFFIX).map(|n| format!("{base}-{n}")).chain([format!("{base}-{unique_suffix}")]);
        [base.clone()].into_iter().chain(more).filter_map(|name| UserId::parse(name).ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(newcomers: ProvisioningPolicy) -> Provider {
        Provider {
            tenant_id: TenantId::parse("test").expect("a tenant"),
            id: ProviderId::parse("globus").expect("a provider"),
            display_name: "Globus".into(),
            profile: "oidc".into(),
            base_url: "https://auth.example".into(),
            client_id: "portal".into(),
            scope: None,
            provisioning: newcomers,
            mfa: MfaEvidence { always: false, acr: vec!["https://refeds.org/profile/mfa".into()], amr: vec!["mfa".into(), "hwk".into()] },
            own_names: false,
            upstream_hosts: None,
            enabled: true,
            unrestricted_egress: true,
            created_at: Timestamp::from_millis(0),
            updated_at: Timestamp::from_millis(0),
        }
    }

    fn profile() -> Profile {
        Profile {
            about: "OpenID Connect".into(),
            base: None,
            endpoints: None,
            identity: IdentitySource::IdToken,
            scope: "openid".into(),
            subject: "sub".into(),
            user_name: vec!["preferred_username".into()],
            display_name: vec!["name".into()],
            organization: vec!["organization".into()],
            require: BTreeMap::from([("kind".to_owned(), "access-{client_id}".to_owned())]),
            sign_out: None,
            known_people_only: false,
            help: None,
            sends_auth_time: true,
        }
    }

    fn claims(more: &[(&str, &[&str])]) -> Claims {
        let mut claims = Claims::default();
        for (name, values) in [("sub", &["42"][..]), ("kind", &["access-portal"]), ("preferred_username", &["jdoe@utexas.edu"])].iter().chain(more) {
            claims.insert(name, values.iter().map(|value| (*value).to_owned()).collect());
        }
        claims
    }

    #[test]
    fn identity_needs_one_subject_and_the_required_claims() {
        let judge = |claims: &Claims| provider(ProvisioningPolicy::Open).verify_identity(&profile(), "https://auth.example", claims);
        let identity = judge(&claims(&[("organization", &["UT\n\u{202e}Austin"])])).expect("vouched for");
        assert_eq!((identity.subject.as_str(), identity.label.as_str()), ("42", "jdoe@utexas.edu · UTAustin"));
        for subjects in [&[][..], &[""], &["a", "b"], &[&"x".repeat(256)]] {
            assert_eq!(judge(&claims(&[("sub", subjects)])), Err(ClaimsRefused::NoSubject), "{subjects:?}");
        }
        assert_eq!(judge(&claims(&[("kind", &["access-another"])])), Err(ClaimsRefused::RequiredClaim("kind".into())));
    }

    #[test]
    fn provisioning_follows_the_tenants_policy() {
        let comes = |rule: &str, claims: &Claims| {
            let provider = provider(ProvisioningPolicy::parse(rule).expect("a rule"));
            provider.verify_identity(&profile(), "https://auth.example", claims).expect("vouched for").may_provision
        };
        let staff = claims(&[("affiliation", &["member@tacc", "staff@tacc"])]);
        assert!(comes("open", &staff) && !comes("invited", &staff));
        assert!(comes("affiliation=staff@tacc, faculty@tacc", &staff));
        let verified = |verified: &[&str]| comes("email=jdoe@tacc", &claims(&[("email", &["jdoe@tacc"]), ("email_verified", verified)]));
        assert!(verified(&["true"]) && !verified(&["false"]) && !verified(&[]));
        assert!(!comes("affiliation=student@tacc", &staff) && !comes("affiliation=staff", &staff));
        for nonsense in ["", "=", "a=", "=b", "a=,", "anything"] {
            assert_eq!(ProvisioningPolicy::parse(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn mfa_evidence_is_what_the_tenant_accepts() {
        let shown = |more: &[(&str, &[&str])]| provider(ProvisioningPolicy::Open).mfa.is_satisfied_by(&claims(more));
        assert!(!shown(&[]) && !shown(&[("amr", &["pwd"])]) && !shown(&[("acr", &["mfa"])]));
        assert!(shown(&[("amr", &["pwd", "hwk"])]) && shown(&[("acr", &["https://refeds.org/profile/mfa"])]));
        assert!(MfaEvidence { always: true, ..MfaEvidence::default() }.is_satisfied_by(&Claims::default()));
    }

    #[test]
    fn user_id_candidates_are_always_valid() {
        let named = |name: Option<&str>| {
            let identity = VerifiedIdentity {
                issuer: String::new(),
                subject: "42".into(),
                label: String::new(),
                user_name: name.map(str::to_owned),
                display_name: None,
                may_provision: true,
                mfa: false,
            };
            let own = Provider { own_names: true, ..provider(ProvisioningPolicy::Open) };
            let names = [provider(ProvisioningPolicy::Open).user_id_candidates(&identity, "1f"), own.user_id_candidates(&identity, "1f")];
            names.map(|names| format!("{} {} {}", names[0], names[1], names[names.len() - 1])).join(", ")
        };
        let campus = |name: &str| format!("{name}~globus {name}~globus-2 {name}~globus-1f");
        assert_eq!(named(Some("jdoe@utexas.edu")), campus("jdoe@utexas.edu") + ", jdoe@utexas.edu jdoe@utexas.edu-2 jdoe@utexas.edu-1f");
        for (odd, mended) in [("ro/ot", "root"), ("-rf", "rf"), ("j/d o~e'", "jdoe"), (".x", "x")] {
            assert_eq!(named(Some(odd)), [campus(mended), campus(mended)].join(", "), "never the plain name: it is another's");
        }
        for (foreign, written) in [
            ("jos\u{e9}@uni.example", "jose@uni.example"),
            ("jose\u{301}", "jose"),
            ("Łukasz", "Lukasz"),
            ("Straße", "Strasse"),
            ("张伟", "ZhangWei"),
        ] {
            assert_eq!(named(Some(foreign)), [campus(written), campus(written)].join(", "));
        }
        for nobody in [None, Some("\u{202e}"), Some(".."), Some("@")] {
            assert_eq!(named(nobody), [campus("user"), campus("user")].join(", "));
        }
    }
}
