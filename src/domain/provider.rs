//! Identity providers of tenants: their settings.

pub mod claims;
pub mod groups;
pub mod profile;
pub mod provisioning;

use serde::{Deserialize, Serialize};

use super::ids::{ProviderId, TenantId};
use super::time::Timestamp;
use super::upstream_accounts::UpstreamHosts;
use crate::domain::provider::claims::MfaEvidence;
use crate::domain::provider::groups::GroupClaim;
use crate::domain::provider::provisioning::ProvisioningPolicy;

/// An identity provider at which a tenant's people sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    pub tenant_id: TenantId,
    pub id: ProviderId,
    /// Label of the sign-in button.
    pub display_name: String,
    /// The name of its [`profile::Profile`].
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
    /// Puts people into groups of the tenant, when they sign in through it.
    pub group_claim: Option<GroupClaim>,
    pub enabled: bool,
    /// Requests to it may reach private networks: set by operators only, not for providers that administrators add.
    pub unrestricted_egress: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
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
            ("groups", self.group_claim != other.group_claim),
            ("enabled", self.enabled != other.enabled),
            ("anywhere", self.unrestricted_egress != other.unrestricted_egress),
        ];
        settings.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::provider::claims::{Claims, ClaimsRefused, VerifiedIdentity};
    use crate::domain::provider::profile::{IdentitySource, Profile};

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
            group_claim: None,
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
                email: None,
                email_unverified: false,
                groups: Vec::new(),
                may_provision: true,
                mfa: false,
            };
            let own = Provider { own_names: true, ..provider(ProvisioningPolicy::Open) };
            let names = [provider(ProvisioningPolicy::Open).user_id_candidates(&identity, "1f"), own.user_id_candidates(&identity, "1f")];
            names.map(|names| format!("{} {} {}", names[0], names[1], names[names.len() - 1])).join(", ")
        };
        let campus = |name: &str| format!("{name}~globus {name}~globus-2 {name}~globus-1f");
        assert_eq!(named(Some("jdoe@utexas.edu")), campus("jdoe@utexas.edu") + ", jdoe@utexas.edu jdoe@utexas.edu~globus jdoe@utexas.edu~globus-1f");
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
