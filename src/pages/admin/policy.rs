//! `/admin/policy`: the tenant's name, policy and colours.

use std::time::Duration;

use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::components::{AdminPage, Checkbox};
use crate::domain::audit_log::retention::MAX_DAYS;
use crate::domain::help_contact::MAX_LENGTH;
use crate::domain::paths;
use crate::domain::tenant::{MAX_ACCESS_TOKEN_MINUTES, MAX_REFRESH_IDLE_DAYS, Tenant};
use crate::pages::components::{Command, FlashMessage, PostForm, ServerError};
use crate::server::context::{self, translations};
use crate::server::sign_in::session::flash::Flash;
use crate::server_fns::admin::policy::SavePolicy;

#[component]
pub fn TenantPolicy() -> impl IntoView {
    Suspend::new(async move {
        let said = context::take_flash().await;
        match context::current_person() {
            Some(person) => leptos::either::Either::Left(view! { <Form tenant=person.tenant().clone() said/> }),
            None => leptos::either::Either::Right(view! { <ServerError/> }),
        }
    })
}

#[component]
fn Form(tenant: Tenant, said: Option<Flash>) -> impl IntoView {
    let t = translations();
    let policy = tenant.policy;
    let number = |id: &'static str, label: String, value: u64, most: u64| {
        view! {
            <label for=id>{label}</label>
            <input id=id name=format!("policy[{id}]") type="number" min="1" max=most.to_string() value=value.to_string() required/>
        }
    };
    let retention = |id: &'static str, label: String, value: u32| {
        view! {
            <label for=id>{label}</label>
            <input id=id name=format!("policy[{id}]") type="number" min="0" max=MAX_DAYS.to_string() value=value.to_string() required aria-describedby="retention-hint"/>
        }
    };
    let help_contact = policy.help_contact.as_ref().map(ToString::to_string).unwrap_or_default();
    let command = format!(
        "tms-portal tenant set --tenant {} --require-started-tick {} --prefill-user-code {} --own-keys {} --link-days {} --lowest-linked-uid {} \
         --access-token-minutes {} --refresh-idle-days {} \
         --shared-host-accounts {} --require-host-credential {} --open-registration {} --mvp {} --second-factor-for-admins {} \
         --second-factor-at-consent {} --help-contact {} --keep-activity-days {} --keep-security-activity-days {}",
        tenant.id,
        policy.require_started_tick,
        policy.prefill_user_code,
        policy.own_keys,
        days(policy.link_lifetime),
        policy.lowest_linked_uid,
        policy.access_token_lifetime.as_secs().div_ceil(60),
        days(policy.refresh_idle_time),
        policy.shared_host_accounts,
        policy.require_host_credential,
        policy.open_registration,
        policy.auto_provision,
        policy.second_factor_for_admins,
        policy.second_factor_at_consent,
        quote(&help_contact),
        policy.retention.days(),
        policy.retention.security_days()
    );
    let (light, dark) = policy.brand.map(|brand| (brand.light(), brand.dark())).unwrap_or_default();
    view! {
        <AdminPage title=t.admin_policy() here=paths::ADMIN_POLICY>
            <FlashMessage flash=said/>
            <PostForm action=SavePolicy::url() main=true class="narrow">
                <input type="hidden" name="policy[seen]" value=tenant.updated_at.as_millis().to_string()/>
                <label for="display_name">{t.admin_policy_name()}</label>
                <input id="display_name" name="policy[display_name]" type="text" value=tenant.display_name required maxlength="100"/>
                <label for="help_contact">{t.admin_policy_help_contact()}</label>
                <input id="help_contact" name="policy[help_contact]" type="text" value=help_contact maxlength=MAX_LENGTH.to_string() aria-describedby="help-contact-hint"/>
                <p class="hint" id="help-contact-hint">{t.admin_policy_help_contact_hint()}</p>
                {number("code_minutes", t.admin_policy_code_minutes(), policy.code_lifetime.as_secs().div_ceil(60), 60)}
                {number("access_days", t.admin_policy_access_days(), days(policy.longest_access), 3_650)}
                {number("access_token_minutes", t.admin_policy_access_token_minutes(), policy.access_token_lifetime.as_secs().div_ceil(60), MAX_ACCESS_TOKEN_MINUTES)}
                {number("refresh_idle_days", t.admin_policy_refresh_idle_days(), days(policy.refresh_idle_time), MAX_REFRESH_IDLE_DAYS)}
                {number("mfa_hours", t.admin_policy_mfa_hours(), policy.mfa_lifetime.as_secs().div_ceil(3_600), 87_600)}
                {number("link_days", t.admin_policy_link_days(), days(policy.link_lifetime), 3_650)}
                {number("lowest_linked_uid", t.admin_policy_lowest_uid(), policy.lowest_linked_uid.into(), u32::MAX.into())}
                <fieldset>
                    <legend>{t.admin_policy_people()}</legend>
                    <Checkbox name="policy[require_started_tick]" checked=policy.require_started_tick text=t.admin_policy_require_started()/>
                    <Checkbox name="policy[prefill_user_code]" checked=policy.prefill_user_code text=t.admin_policy_prefill()/>
                    <Checkbox name="policy[own_keys]" checked=policy.own_keys text=t.admin_policy_own_keys()/>
                    <Checkbox name="policy[second_factor_at_consent]" checked=policy.second_factor_at_consent text=t.admin_policy_second_factor_at_consent()/>
                    <Checkbox name="policy[second_factor_for_admins]" checked=policy.second_factor_for_admins text=t.admin_policy_second_factor_for_admins()/>
                    <Checkbox name="policy[shared_host_accounts]" checked=policy.shared_host_accounts text=t.admin_policy_shared()/>
                    <p class="hint">{t.admin_policy_shared_hint()}</p>
                </fieldset>
                <fieldset>
                    <legend>{t.admin_policy_machines()}</legend>
                    <Checkbox name="policy[require_host_credential]" checked=policy.require_host_credential text=t.admin_policy_host_credential()/>
                    <Checkbox name="policy[open_registration]" checked=policy.open_registration text=t.admin_policy_open_registration()/>
                    <Checkbox name="policy[mvp]" checked=policy.auto_provision text=t.admin_policy_mvp()/>
                </fieldset>
                <fieldset>
                    <legend>{t.admin_activity()}</legend>
                    {retention("keep_activity_days", t.admin_policy_keep_activity(), policy.retention.days())}
                    {retention("keep_security_activity_days", t.admin_policy_keep_security_activity(), policy.retention.security_days())}
                    <p class="hint" id="retention-hint">{t.admin_policy_retention_hint()}</p>
                </fieldset>
                <fieldset>
                    <legend>{t.admin_policy_look()}</legend>
                    <label for="brand_light">{t.admin_policy_brand_light()}</label>
                    <input id="brand_light" name="policy[brand_light]" type="text" value=light placeholder="#17579f" dir="ltr" maxlength="7" autocomplete="off" aria-describedby="brand-hint"/>
                    <label for="brand_dark">{t.admin_policy_brand_dark()}</label>
                    <input id="brand_dark" name="policy[brand_dark]" type="text" value=dark placeholder="#8cbdf7" dir="ltr" maxlength="7" autocomplete="off" aria-describedby="brand-hint"/>
                    <p class="hint" id="brand-hint">{t.admin_policy_brand_hint()}</p>
                </fieldset>
                <button class="main">{t.admin_save()}</button>
            </PostForm>
            <details class="curl">
                <summary>{t.admin_as_command()}</summary>
                <Command text=command/>
            </details>
        </AdminPage>
    }
}

/// Quotes a text for a POSIX shell.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn days(span: Duration) -> u64 {
    span.as_secs().div_ceil(86_400)
}
