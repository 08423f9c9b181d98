//! Which consent an authorization request needs, and what a person may select (RFC 6749 §10.2, OpenID Connect Core §3.1.2.4).

use std::time::Duration;

use super::authorization::{Authorization, AuthorizationOrigin};
use super::device_grant::{Consent, DecisionRefused};
use super::ids::AuthorizationId;
use super::resource_server::GrantedResource;
use super::scope::{Scope, ScopeSet};
use super::tenant::{Policy, lifetime_options};
use super::time::Timestamp;

/// A consent in force is asked for again if it ends within this time.
pub const RENEWAL_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a consent to sign-in scopes is remembered.
pub const REMEMBERED_FOR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What the consent page has to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsentNeeded {
    /// No page is needed. `under`: the live authorization that covers the request; without one, a remembered consent to sign-in scopes does.
    Nothing {
        under: Option<AuthorizationId>,
    },
    /// To learn who the person is.
    SignIn,
    /// To act for the person.
    Delegation,
    Both,
}

/// A person's consent to sign-in scopes of a confidential client, which later requests need not ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RememberedConsent {
    pub scope: ScopeSet,
    /// Host of the redirect URI, as the page showed it.
    pub redirect_host: String,
    /// The client's name, as the page showed it.
    pub client_name: String,
    pub until: Timestamp,
}

/// A request, as far as it decides whether to ask.
#[derive(Clone, Copy, Debug)]
pub struct ConsentRequest<'a> {
    pub scope: &'a ScopeSet,
    /// At resource servers besides the TMS API.
    pub resources: &'a [GrantedResource],
    pub redirect_host: &'a str,
    pub client_name: &'a str,
    /// The client does not authenticate: any program can claim to be it (RFC 8252 §8.6).
    pub public: bool,
    /// `prompt=consent`.
    pub ask_again: bool,
}

impl ConsentRequest<'_> {
    /// Which consent the request needs. `live`: the person's authorizations of the client.
    pub fn needed(&self, remembered: Option<&RememberedConsent>, live: &[Authorization], now: Timestamp) -> ConsentNeeded {
        if !self.public && !self.ask_again {
            let covers = |authorization: &&Authorization| {
                // What was allowed on the page of a device is for that device, and its tokens have other lifetimes.
                authorization.origin == AuthorizationOrigin::Code
                    && authorization.is_in_force(now + RENEWAL_WINDOW)
                    && self.scope.is_within(&authorization.scope)
                    && self.resources.iter().all(|requested| requested.is_within(&authorization.resources))
            };
            // The one that lasts longest, so that a program is asked least often.
            if let Some(under) = live.iter().filter(covers).max_by_key(|authorization| authorization.access_until) {
                return ConsentNeeded::Nothing { under: Some(under.id.clone()) };
            }
            if self.is_for_sign_in_only() && remembered.is_some_and(|remembered| remembered.covers(self, now)) {
                return ConsentNeeded::Nothing { under: None };
            }
        }
        match (self.scope.sign_in().is_empty(), self.scope.delegated().is_empty() && self.resources.is_empty()) {
            (true, false) => ConsentNeeded::Delegation,
            (false, false) => ConsentNeeded::Both,
            (_, true) => ConsentNeeded::SignIn,
        }
    }

    /// Whether the consent can be remembered: it gives nothing beyond the sign-in.
    pub fn can_be_remembered(&self) -> bool {
        !self.public && self.is_for_sign_in_only()
    }

    /// Every new `offline_access` is asked for (OpenID Connect Core §11).
    fn is_for_sign_in_only(&self) -> bool {
        !has_date(self.scope, self.resources)
    }
}

impl RememberedConsent {
    /// Whether it is for a request like the one that the person consented to.
    fn covers(&self, request: &ConsentRequest<'_>, now: Timestamp) -> bool {
        now < self.until
            && request.scope.is_within(&self.scope)
            && request.redirect_host == self.redirect_host
            && request.client_name == self.client_name
    }
}

/// Whether access has a date of its own. Without, it ends with the browser session.
pub fn has_date(scope: &ScopeSet, resources: &[GrantedResource]) -> bool {
    !scope.delegated().is_empty() || !resources.is_empty() || scope.contains(Scope::OfflineAccess)
}

/// The lifetimes to choose from: the tenant's, limited to `longest_of_client`.
pub fn lifetimes(policy: &Policy, longest_of_client: Option<Duration>) -> Vec<Duration> {
    lifetime_options(longest_of_client.map_or(policy.longest_access, |longest| longest.min(policy.longest_access)))
}

/// Checks what a person selected, other than the host accounts. `needs_tick`: the page had the "I started this" checkbox.
pub fn check(consent: &Consent, needs_tick: bool, available: &[Duration]) -> Result<(), DecisionRefused> {
    if needs_tick && !consent.started_this {
        return Err(DecisionRefused::NotConfirmed);
    }
    if available.contains(&consent.lifetime) {
        Ok(())
    } else if lifetime_options(Duration::MAX).contains(&consent.lifetime) {
        // The page offered it when it was rendered.
        Err(DecisionRefused::LifetimeTooLong)
    } else {
        Err(DecisionRefused::LifetimeNotAvailable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::authorization::{AuthorizationState, RequestSource};
    use crate::domain::ids::{ClientId, TenantId, UserId};
    use crate::domain::resource_server::{ResourceIndicator, ResourceScopeSet};

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    const NOW: Timestamp = Timestamp::from_millis(1_795_176_000_000);

    fn live(id: &str, scope: &str, until: Timestamp) -> Authorization {
        Authorization {
            tenant_id: TenantId::parse("test").expect("a tenant id"),
            id: AuthorizationId::parse(id).expect("an id"),
            client_id: ClientId::parse("hub").expect("a client id"),
            person: UserId::parse("jdoe").expect("a user id"),
            origin: AuthorizationOrigin::Code,
            scope: ScopeSet::parse_known(scope),
            resources: Vec::new(),
            given: RequestSource { at: NOW, from: None, agent: String::new() },
            access_until: until,
            last_used: None,
            state: AuthorizationState::Live,
        }
    }

    fn remembered(scope: &str) -> RememberedConsent {
        RememberedConsent {
            scope: ScopeSet::parse_known(scope),
            redirect_host: "hub.example".into(),
            client_name: "Hub".into(),
            until: NOW + REMEMBERED_FOR,
        }
    }

    struct Asked {
        scope: ScopeSet,
        public: bool,
        ask_again: bool,
    }

    fn asked(scope: &str) -> Asked {
        Asked { scope: ScopeSet::parse_known(scope), public: false, ask_again: false }
    }

    impl Asked {
        fn needed(&self, remembered: Option<&RememberedConsent>, live: &[Authorization], now: Timestamp) -> ConsentNeeded {
            let Self { scope, public, ask_again } = self;
            let request =
                ConsentRequest { scope, resources: &[], redirect_host: "hub.example", client_name: "Hub", public: *public, ask_again: *ask_again };
            request.needed(remembered, live, now)
        }
    }

    fn nothing(under: Option<&str>) -> ConsentNeeded {
        ConsentNeeded::Nothing { under: under.map(|id| AuthorizationId::parse(id).expect("an id")) }
    }

    #[test]
    fn live_authorization_covers_its_scope() {
        let both = [live("aut_1", "openid keys:create hosts:read offline_access", NOW + 10 * DAY), live("aut_2", "openid", NOW + 20 * DAY)];
        assert_eq!(asked("openid keys:create").needed(None, &both, NOW), nothing(Some("aut_1")));
        assert_eq!(asked("openid").needed(None, &both, NOW), nothing(Some("aut_2")), "the one that lasts longest");
        assert_eq!(asked("openid keys:create offline_access").needed(None, &both, NOW), nothing(Some("aut_1")));
        assert_eq!(asked("openid keys:revoke").needed(None, &both, NOW), ConsentNeeded::Both, "wider");
        assert_eq!(asked("keys:revoke").needed(None, &both, NOW), ConsentNeeded::Delegation);
        assert_eq!(asked("openid email").needed(None, &both, NOW), ConsentNeeded::SignIn);
        let of_device = Authorization { origin: AuthorizationOrigin::Device, ..live("aut_3", "openid keys:create", NOW + 30 * DAY) };
        assert_eq!(asked("openid keys:create").needed(None, &[of_device], NOW), ConsentNeeded::Both, "allowed to a device");
    }

    #[test]
    fn authorization_that_ends_soon_is_asked_for_again() {
        let hours = |hours: u32| [live("aut_1", "keys:create", NOW + Duration::from_secs(3_600) * hours)];
        assert_eq!(asked("keys:create").needed(None, &hours(25), NOW), nothing(Some("aut_1")));
        assert_eq!(asked("keys:create").needed(None, &hours(23), NOW), ConsentNeeded::Delegation);
    }

    #[test]
    fn public_clients_and_prompt_consent_are_always_asked() {
        let live = [live("aut_1", "openid keys:create", NOW + 10 * DAY)];
        let known = remembered("openid");
        let public = Asked { public: true, ..asked("openid") };
        assert_eq!(public.needed(Some(&known), &live, NOW), ConsentNeeded::SignIn);
        let again = Asked { ask_again: true, ..asked("openid keys:create") };
        assert_eq!(again.needed(Some(&known), &live, NOW), ConsentNeeded::Both);
    }

    #[test]
    fn consent_is_for_the_resource_servers_that_were_named() {
        let granted = |scope: &str| GrantedResource {
            indicator: ResourceIndicator::parse("https://data.example").expect("an indicator"),
            scope: ResourceScopeSet::parse(scope),
        };
        let (scope, known) = (ScopeSet::parse_known("openid"), remembered("openid"));
        let with = Authorization { resources: vec![granted("read write")], ..live("aut_1", "openid", NOW + 10 * DAY) };
        let needed = |resources: &[GrantedResource], live: &[Authorization]| {
            let request =
                ConsentRequest { scope: &scope, resources, redirect_host: "hub.example", client_name: "Hub", public: false, ask_again: false };
            request.needed(Some(&known), live, NOW)
        };
        assert_eq!(needed(&[granted("read")], std::slice::from_ref(&with)), nothing(Some("aut_1")));
        assert_eq!(needed(&[granted("read delete")], &[with]), ConsentNeeded::Both, "wider");
        assert_eq!(needed(&[granted("read")], &[live("aut_1", "openid", NOW + 10 * DAY)]), ConsentNeeded::Both, "another resource server");
    }

    #[test]
    fn remembered_consent_covers_the_same_sign_in_only() {
        let known = remembered("openid profile");
        assert_eq!(asked("openid").needed(Some(&known), &[], NOW), nothing(None));
        assert_eq!(asked("openid").needed(None, &[], NOW), ConsentNeeded::SignIn);
        for scope in ["openid email", "openid offline_access", "openid keys:read"] {
            assert_ne!(asked(scope).needed(Some(&known), &[], NOW), nothing(None), "{scope}");
        }
        for changed in [
            RememberedConsent { redirect_host: "other.example".into(), ..known.clone() },
            RememberedConsent { client_name: "Hub 2".into(), ..known.clone() },
            RememberedConsent { until: NOW, ..known.clone() },
        ] {
            assert_eq!(asked("openid").needed(Some(&changed), &[], NOW), ConsentNeeded::SignIn, "{changed:?}");
        }
        let wide = remembered("openid offline_access");
        assert_eq!(asked("openid offline_access").needed(Some(&wide), &[], NOW), ConsentNeeded::SignIn, "offline_access is never remembered");
    }

    #[test]
    fn lifetimes_are_limited_by_tenant_and_client() {
        let policy = Policy::default();
        assert_eq!(lifetimes(&policy, None).len(), 3);
        assert_eq!(lifetimes(&policy, Some(8 * DAY)), [DAY / 3, 7 * DAY]);
        let consent = |lifetime, started_this| Consent { lifetime, host_accounts: Vec::new(), started_this, shown_scope: None };
        let available = lifetimes(&policy, Some(8 * DAY));
        assert_eq!(check(&consent(7 * DAY, false), false, &available), Ok(()));
        assert_eq!(check(&consent(30 * DAY, false), false, &available), Err(DecisionRefused::LifetimeTooLong));
        assert_eq!(check(&consent(31 * DAY, false), false, &available), Err(DecisionRefused::LifetimeNotAvailable));
        assert_eq!(check(&consent(7 * DAY, false), true, &available), Err(DecisionRefused::NotConfirmed));
    }
}
