//! Tenants: computing centres, isolated from each other, and their policies.

use std::time::Duration;

use super::audit_log::retention::Retention;
use super::brand::Brand;
use super::help_contact::HelpContact;
use super::ids::TenantId;
use super::mail::MailDomain;
use super::time::Timestamp;

/// A tenant and its policy.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// `id` in TMS' API.
    pub row_id: i64,
    pub id: TenantId,
    /// Display name.
    pub display_name: String,
    pub enabled: bool,
    pub policy: Policy,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Tenant {
    /// Names of the changeable settings in which this differs from `other`.
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        let mut names = self.policy.differences(&other.policy);
        names.extend((self.display_name != other.display_name).then_some("display-name"));
        names.extend((self.enabled != other.enabled).then_some("enabled"));
        names
    }
}

/// The longest lifetime of access tokens that come with a refresh token, in minutes: those that are verified offline cannot be revoked.
pub const MAX_ACCESS_TOKEN_MINUTES: u64 = 24 * 60;
/// The longest time without a refresh, in days.
pub const MAX_REFRESH_IDLE_DAYS: u64 = 365;

/// A tenant's rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Local passwords are accepted. Off where an institution authenticates all people.
    pub local_passwords: bool,
    /// `verification_uri_complete` is sent and prefills the code. Off by default: it makes phishing by link easier.
    pub prefill_user_code: bool,
    /// The consent page requires the "Yes, I started this" checkbox.
    pub require_started_tick: bool,
    /// Lifetime of user codes.
    pub code_lifetime: Duration,
    /// The longest access that a person may grant.
    pub longest_access: Duration,
    /// Lifetime of access tokens that come with a refresh token; at most until the access ends.
    pub access_token_lifetime: Duration,
    /// After this time without a refresh a program has to sign in again.
    pub refresh_idle_time: Duration,
    /// Missing dependencies are created when a client asks for a key. For migration from an older deployment.
    pub auto_provision: bool,
    /// Clients can be registered without authentication.
    pub open_registration: bool,
    /// Keys are returned only to hosts that authenticate.
    pub require_host_credential: bool,
    /// Lifetime of an MFA record that an administrator creates without an expiry.
    pub mfa_lifetime: Duration,
    /// People may register public keys.
    pub own_keys: bool,
    /// Administration requires a second factor.
    pub second_factor_for_admins: bool,
    /// Allowing a device or an application requires a second factor.
    pub second_factor_at_consent: bool,
    /// Lifetime of links that people make from the host; renewing applies it again.
    pub link_lifetime: Duration,
    /// A host account may be linked to several people. Off by default: each of them acts as the same account.
    pub shared_host_accounts: bool,
    /// Lowest UID that may be linked; accounts below belong to the host.
    pub lowest_linked_uid: u32,
    /// Accent colours; `None`: the portal's.
    pub brand: Option<Brand>,
    /// Shown on sign-in, error and report pages.
    pub help_contact: Option<HelpContact>,
    /// People's verified e-mail addresses are their user names at this domain; operators set it. `None`: only institutions confirm addresses.
    pub email_domain: Option<MailDomain>,
    /// How long audit events are kept.
    pub retention: Retention,
    /// Only archived audit events are deleted.
    pub archive_first: bool,
}

impl Policy {
    /// Names of the settings in which this differs from `other`.
    fn differences(&self, other: &Self) -> Vec<&'static str> {
        let Self {
            local_passwords,
            prefill_user_code,
            require_started_tick,
            code_lifetime,
            longest_access,
            access_token_lifetime,
            refresh_idle_time,
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
            help_contact,
            email_domain,
            retention,
            archive_first,
        } = self;
        let settings = [
            ("local-passwords", *local_passwords != other.local_passwords),
            ("prefill-user-code", *prefill_user_code != other.prefill_user_code),
            ("require-started-tick", *require_started_tick != other.require_started_tick),
            ("code-lifetime", *code_lifetime != other.code_lifetime),
            ("longest-access", *longest_access != other.longest_access),
            ("access-token-minutes", *access_token_lifetime != other.access_token_lifetime),
            ("refresh-idle-days", *refresh_idle_time != other.refresh_idle_time),
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
            ("help-contact", *help_contact != other.help_contact),
            ("email-domain", *email_domain != other.email_domain),
            ("keep-activity-days", retention.days() != other.retention.days()),
            ("keep-security-activity-days", retention.security_days() != other.retention.security_days()),
            ("archive-first", *archive_first != other.archive_first),
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
            access_token_lifetime: Duration::from_secs(60 * 60),
            refresh_idle_time: Duration::from_secs(14 * 24 * 60 * 60),
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
            help_contact: None,
            email_domain: None,
            retention: Retention::default(),
            archive_first: false,
        }
    }
}

/// Lifetimes offered on the consent page, shortest first: 8 hours, 7 days and 30 days, limited to `longest`.
pub fn lifetime_options(longest: Duration) -> Vec<Duration> {
    const HOUR: u64 = 60 * 60;
    let mut lifetimes: Vec<Duration> =
        [8 * HOUR, 7 * 24 * HOUR, 30 * 24 * HOUR].map(Duration::from_secs).into_iter().filter(|lifetime| *lifetime <= longest).collect();
    if lifetimes.is_empty() {
        lifetimes.push(longest);
    }
    lifetimes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetime_options_stay_within_the_tenants_longest() {
        let days = |n: u64| Duration::from_secs(n * 86_400);
        assert_eq!(lifetime_options(days(30)).len(), 3);
        assert_eq!(lifetime_options(days(10)), [Duration::from_secs(28_800), days(7)]);
        assert_eq!(lifetime_options(Duration::from_secs(600)), [Duration::from_secs(600)]);
    }
}
