//! A tenant: a computing centre, isolated from all others.

use std::time::Duration;

use super::brand::Brand;
use super::ids::TenantId;
use super::time::Timestamp;

/// A tenant and its policy.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// `id` on TMS' wire.
    pub row_id: i64,
    pub id: TenantId,
    /// What people read.
    pub display_name: String,
    pub enabled: bool,
    pub policy: Policy,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Tenant {
    /// The names of what may be changed and differs from another.
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        let mut names = self.policy.differences(&other.policy);
        names.extend((self.display_name != other.display_name).then_some("display-name"));
        names.extend((self.enabled != other.enabled).then_some("enabled"));
        names
    }
}

/// What a tenant's operator decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// People may sign in with a password kept here. Off wherever an institution vouches for its people.
    pub local_passwords: bool,
    /// `verification_uri_complete` is sent, and fills in the code. Off by default: it makes phishing by link easier.
    pub prefill_user_code: bool,
    /// The consent page demands the "Yes, I started this" tick.
    pub require_started_tick: bool,
    /// How long a user code lives.
    pub code_lifetime: Duration,
    /// The longest access a person may grant.
    pub longest_access: Duration,
    /// What a key needs and is not there is made when a client asks for the key. For moving over from an older deployment.
    pub auto_provision: bool,
    /// Anybody may register a client.
    pub open_registration: bool,
    /// Public keys are only shown to hosts that prove who they are.
    pub require_host_credential: bool,
    /// How long a second factor counts when an administrator opens its window without saying until when.
    pub mfa_lifetime: Duration,
    /// People may register public keys of their own.
    pub own_keys: bool,
    /// Administrators show a second factor before they do anything with the role.
    pub second_factor_for_admins: bool,
    /// People show a second factor before they let a device act for them.
    pub second_factor_at_consent: bool,
    /// How long a link lasts that people make from the host itself; they renew it the same way.
    pub link_lifetime: Duration,
    /// One host account may be linked to several people. Off by default: whoever is let in to it acts for all of them.
    pub shared_host_accounts: bool,
    /// Accounts with a lower number on the host are the host's own, and people do not link them.
    pub lowest_linked_uid: u32,
    /// The tenant's colours; `None`: the portal's own.
    pub brand: Option<Brand>,
}

impl Policy {
    /// The names of the settings in which this differs from another.
    fn differences(&self, other: &Self) -> Vec<&'static str> {
        let Self {
            local_passwords,
            prefill_user_code,
            require_started_tick,
            code_lifetime,
            longest_access,
            auto_provision: mvp,
            open_registration,
            require_host_credential,
            mfa_lifetime,
            own_keys,
            second_factor_for_admins,
            second_factor_at_consent,
            link_lifetime,
            shared_host_accounts,
            lowest_linked_uid,
            brand,
        } = self;
        let settings = [
            ("local-passwords", *local_passwords != other.local_passwords),
            ("prefill-user-code", *prefill_user_code != other.prefill_user_code),
            ("require-started-tick", *require_started_tick != other.require_started_tick),
            ("code-lifetime", *code_lifetime != other.code_lifetime),
            ("longest-access", *longest_access != other.longest_access),
            ("mvp", *mvp != other.auto_provision),
            ("open-registration", *open_registration != other.open_registration),
            ("require-host-credential", *require_host_credential != other.require_host_credential),
            ("mfa-lifetime", *mfa_lifetime != other.mfa_lifetime),
            ("own-keys", *own_keys != other.own_keys),
            ("second-factor-for-admins", *second_factor_for_admins != other.second_factor_for_admins),
            ("second-factor-at-consent", *second_factor_at_consent != other.second_factor_at_consent),
            ("link-lifetime", *link_lifetime != other.link_lifetime),
            ("shared-host-accounts", *shared_host_accounts != other.shared_host_accounts),
            ("lowest-linked-uid", *lowest_linked_uid != other.lowest_linked_uid),
            ("brand", *brand != other.brand),
        ];
        settings.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            local_passwords: false,
            prefill_user_code: false,
            require_started_tick: true,
            code_lifetime: Duration::from_secs(15 * 60),
            longest_access: Duration::from_secs(30 * 24 * 60 * 60),
            auto_provision: false,
            open_registration: false,
            require_host_credential: false,
            mfa_lifetime: Duration::from_secs(7 * 24 * 60 * 60),
            own_keys: true,
            second_factor_for_admins: false,
            second_factor_at_consent: false,
            link_lifetime: Duration::from_secs(365 * 24 * 60 * 60),
            shared_host_accounts: false,
            lowest_linked_uid: 1_000,
            brand: None,
        }
    }
}

/// The lifetimes a person may choose from on the consent page, shortest first: 8 hours, 7 days, 30 days, cut at the tenant's longest.
pub fn offered_lifetimes(longest: Duration) -> Vec<Duration> {
    const HOUR: u64 = 60 * 60;
    let mut offered: Vec<Duration> =
        [8 * HOUR, 7 * 24 * HOUR, 30 * 24 * HOUR].map(Duration::from_secs).into_iter().filter(|lifetime| *lifetime <= longest).collect();
    if offered.is_empty() {
        offered.push(longest);
    }
    offered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_lifetime_is_offered_beyond_the_tenants_longest() {
        let days = |n: u64| Duration::from_secs(n * 86_400);
        assert_eq!(offered_lifetimes(days(30)).len(), 3);
        assert_eq!(offered_lifetimes(days(10)), [Duration::from_secs(28_800), days(7)]);
        assert_eq!(offered_lifetimes(Duration::from_secs(600)), [Duration::from_secs(600)]);
    }
}
