//! The tenant's name, policy and colours.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// The form's fields; browsers do not send unchecked boxes, so a missing one is false.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PolicyForm {
    /// When the tenant was last changed, as of the form's rendering: milliseconds since 1970.
    pub seen: i64,
    pub display_name: String,
    pub code_minutes: u64,
    pub access_days: u64,
    /// Missing in a form that an earlier release rendered: stays as it is.
    pub access_token_minutes: Option<u64>,
    pub refresh_idle_days: Option<u64>,
    pub mfa_hours: u64,
    pub link_days: u64,
    pub lowest_linked_uid: u32,
    pub keep_activity_days: u32,
    pub keep_security_activity_days: u32,
    pub prefill_user_code: String,
    pub require_started_tick: String,
    pub own_keys: String,
    pub second_factor_for_admins: String,
    pub second_factor_at_consent: String,
    pub shared_host_accounts: String,
    pub open_registration: String,
    pub require_host_credential: String,
    pub mvp: String,
    pub brand_light: String,
    pub brand_dark: String,
    pub help_contact: String,
}

/// Saves all of them.
#[server(prefix = "/api", endpoint = "admin/policy/save")]
pub async fn save_policy(#[server(default)] policy: PolicyForm) -> Result<(), ServerFnError> {
    use std::time::Duration;

    use crate::domain::audit_log::retention::Retention;
    use crate::domain::brand::Brand;
    use crate::domain::display_text;
    use crate::domain::help_contact::HelpContact;
    use crate::domain::paths::ADMIN_POLICY;
    use crate::domain::tenant::{MAX_ACCESS_TOKEN_MINUTES, MAX_REFRESH_IDLE_DAYS, Policy};
    use crate::domain::time::Timestamp;
    use crate::server::context;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_POLICY);
    let PolicyForm { code_minutes, access_days, access_token_minutes, refresh_idle_days, mfa_hours, link_days, lowest_linked_uid, .. } = policy;
    let (name, seen) = (display_text::parse_name(&policy.display_name), Timestamp::from_millis(policy.seen));
    let name = match name {
        Ok(name) => name,
        Err(why) => return context::flash_error(t.name_refused(why)).await,
    };
    let within = |n: u64, most: u64| (1..=most).contains(&n);
    let lifetimes = within(code_minutes, 60) && within(access_days, 3_650) && within(mfa_hours, 24 * 3_650) && within(link_days, 3_650);
    let tokens = access_token_minutes.is_none_or(|minutes| within(minutes, MAX_ACCESS_TOKEN_MINUTES))
        && refresh_idle_days.is_none_or(|days| within(days, MAX_REFRESH_IDLE_DAYS));
    if !lifetimes || !tokens || lowest_linked_uid == 0 {
        return context::flash_error(t.admin_policy_out_of_range()).await;
    }
    let brand = match (policy.brand_light.trim(), policy.brand_dark.trim()) {
        ("", "") => None,
        (light, dark) => match Brand::parse(light, dark) {
            Ok(brand) => Some(brand),
            Err(refused) => return context::flash_error(t.brand_refused(refused)).await,
        },
    };
    let help_contact = match policy.help_contact.trim() {
        "" => None,
        contact => match HelpContact::parse(contact) {
            Ok(contact) => Some(contact),
            Err(refused) => return context::flash_error(t.help_contact_refused(refused)).await,
        },
    };
    let retention = match Retention::new(policy.keep_activity_days, policy.keep_security_activity_days) {
        Ok(retention) if admin.policy().retention.allows_in_portal(retention) => retention,
        _ => return context::flash_error(t.admin_policy_retention_refused()).await,
    };
    let checked = |field: &str| !field.is_empty();
    let before = admin.policy();
    let policy = Policy {
        // Only the operator decides on these three.
        local_passwords: false,
        archive_first: false,
        email_domain: None,
        prefill_user_code: checked(&policy.prefill_user_code),
        require_started_tick: checked(&policy.require_started_tick),
        code_lifetime: Duration::from_secs(code_minutes * 60),
        longest_access: Duration::from_secs(access_days * 86_400),
        access_token_lifetime: access_token_minutes.map_or(before.access_token_lifetime, |minutes| Duration::from_secs(minutes * 60)),
        refresh_idle_time: refresh_idle_days.map_or(before.refresh_idle_time, |days| Duration::from_secs(days * 86_400)),
        auto_provision: checked(&policy.mvp),
        open_registration: checked(&policy.open_registration),
        require_host_credential: checked(&policy.require_host_credential),
        mfa_lifetime: Duration::from_secs(mfa_hours * 3_600),
        own_keys: checked(&policy.own_keys),
        second_factor_for_admins: checked(&policy.second_factor_for_admins),
        second_factor_at_consent: checked(&policy.second_factor_at_consent),
        link_lifetime: Duration::from_secs(link_days * 86_400),
        shared_host_accounts: checked(&policy.shared_host_accounts),
        lowest_linked_uid,
        brand,
        help_contact,
        retention,
    };
    let edit = move |tenant: &mut crate::domain::tenant::Tenant| {
        tenant.display_name = name;
        let Policy { local_passwords, archive_first, email_domain, .. } = tenant.policy.clone();
        tenant.policy = Policy { local_passwords, archive_first, email_domain, ..policy };
    };
    context::flash_edit_result(services.edit_tenant(&admin, Some(seen), edit).await).await
}
