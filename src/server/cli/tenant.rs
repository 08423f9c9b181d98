//! `tms-portal tenant set`.

use std::time::Duration;

use clap::Subcommand;

use super::{CommandError, TenantOptions};
use crate::domain::audit_log::retention::{MAX_DAYS, Retention, RetentionRefused};
use crate::domain::help_contact::HelpContact;
use crate::domain::mail::MailDomain;
use crate::domain::tenant::{MAX_ACCESS_TOKEN_MINUTES, MAX_REFRESH_IDLE_DAYS};
use crate::server::config::ConfigProblems;
use crate::server::service::{Error, Services};

#[derive(clap::Args)]
pub struct TenantArgs {
    #[command(subcommand)]
    command: TenantCommand,
}

#[derive(Subcommand)]
enum TenantCommand {
    /// Change a tenant's policy; options that are not given leave the setting unchanged
    Set(TenantSetArgs),
}

#[derive(clap::Args)]
struct TenantSetArgs {
    #[command(flatten)]
    target: TenantOptions,
    /// The tenant's display name
    #[arg(long, value_parser = super::parse_name)]
    display_name: Option<String>,
    /// Whether people can sign in with a local password
    #[arg(long)]
    local_passwords: Option<bool>,
    /// Whether links may fill in the user code: easier to use, but also easier to phish
    #[arg(long)]
    prefill_user_code: Option<bool>,
    /// Whether the consent page requires “Yes, I started this”
    #[arg(long)]
    require_started_tick: Option<bool>,
    /// Lifetime in minutes of access tokens that come with a refresh token
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u64).range(1..=MAX_ACCESS_TOKEN_MINUTES))]
    access_token_minutes: Option<u64>,
    /// After how many days without a refresh a program has to sign in again
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=MAX_REFRESH_IDLE_DAYS))]
    refresh_idle_days: Option<u64>,
    /// Whether missing links and delegations are created when a client requests a key; for migrating from an older server
    #[arg(long)]
    mvp: Option<bool>,
    /// Whether anyone may register a client
    #[arg(long)]
    open_registration: Option<bool>,
    /// Whether key lookups require a host credential
    #[arg(long)]
    require_host_credential: Option<bool>,
    /// Whether people may register their own public keys
    #[arg(long)]
    own_keys: Option<bool>,
    /// Whether administrators need a second factor to use their role
    #[arg(long)]
    second_factor_for_admins: Option<bool>,
    /// Whether people need a second factor to allow a device to act for them
    #[arg(long)]
    second_factor_at_consent: Option<bool>,
    /// Lifetime in days of links created from a host (`tms link`)
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=3_650))]
    link_days: Option<u64>,
    /// Whether a host account may be linked to several people, whom the host cannot tell apart
    #[arg(long)]
    shared_host_accounts: Option<bool>,
    /// The minimum UID of accounts that people may link; lower UIDs are system accounts
    #[arg(long, value_name = "UID", value_parser = clap::value_parser!(u32).range(1..))]
    lowest_linked_uid: Option<u32>,
    /// Where people ask for help: an e-mail address, an https URL, a telephone number or a short text; empty: nowhere
    #[arg(long, value_name = "CONTACT", value_parser = parse_help_contact)]
    help_contact: Option<String>,
    /// The domain at which people have addresses of their user names, which applications are told as verified; empty: none
    #[arg(long, value_name = "DOMAIN", value_parser = parse_email_domain)]
    email_domain: Option<String>,
    /// How many days audit events are kept; 0: for ever
    #[arg(long, value_name = "DAYS")]
    keep_activity_days: Option<u32>,
    /// How many days audit events of security-relevant kinds are kept; 0: for ever; else at least as long as the others
    #[arg(long, value_name = "DAYS")]
    keep_security_activity_days: Option<u32>,
    /// Whether audit events are deleted only once they are archived (tms-portal activity archive)
    #[arg(long)]
    archive_first: Option<bool>,
}

impl TenantSetArgs {
    /// The retention with what is given of it. `None` if there is no such tenant any more.
    async fn retention(&self, services: &Services) -> Result<Option<Retention>, CommandError> {
        let Some(tenant) = services.find_tenant(&self.target.tenant).await? else { return Ok(None) };
        let before = tenant.policy.retention;
        let (days, security_days) =
            (self.keep_activity_days.unwrap_or(before.days()), self.keep_security_activity_days.unwrap_or(before.security_days()));
        let refused = |why: RetentionRefused| {
            let option = if days > MAX_DAYS { "--keep-activity-days" } else { "--keep-security-activity-days" };
            ConfigProblems(vec![format!("{option}: {why}")])
        };
        Ok(Some(Retention::new(days, security_days).map_err(refused)?))
    }
}

/// Checks a help contact; empty removes it.
fn parse_help_contact(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Ok(String::new()),
        text => HelpContact::parse(text).map(|contact| contact.to_string()).map_err(|why| format!("the help contact {why}")),
    }
}

/// Checks a domain; empty removes it.
fn parse_email_domain(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Ok(String::new()),
        text => MailDomain::parse(text).map(|domain| domain.as_str().to_owned()).map_err(|_| "it is no domain, such as example.edu".to_owned()),
    }
}

pub async fn run(args: TenantArgs) -> Result<(), CommandError> {
    let TenantCommand::Set(set) = args.command;
    let (services, operator) = set.target.open_as_operator().await?;
    let retention = match set.retention(&services).await {
        Ok(retention) => retention,
        Err(refused) => {
            services.close().await;
            return Err(refused);
        }
    };
    let id = set.target.tenant;
    let result = services
        .edit_tenant(&operator, None, move |tenant| {
            if let Some(name) = set.display_name {
                tenant.display_name = name;
            }
            let policy = &mut tenant.policy;
            policy.local_passwords = set.local_passwords.unwrap_or(policy.local_passwords);
            policy.prefill_user_code = set.prefill_user_code.unwrap_or(policy.prefill_user_code);
            policy.require_started_tick = set.require_started_tick.unwrap_or(policy.require_started_tick);
            policy.access_token_lifetime = set.access_token_minutes.map_or(policy.access_token_lifetime, |minutes| Duration::from_secs(minutes * 60));
            policy.refresh_idle_time = set.refresh_idle_days.map_or(policy.refresh_idle_time, |days| Duration::from_secs(days * 86_400));
            policy.auto_provision = set.mvp.unwrap_or(policy.auto_provision);
            policy.open_registration = set.open_registration.unwrap_or(policy.open_registration);
            policy.own_keys = set.own_keys.unwrap_or(policy.own_keys);
            policy.second_factor_for_admins = set.second_factor_for_admins.unwrap_or(policy.second_factor_for_admins);
            policy.second_factor_at_consent = set.second_factor_at_consent.unwrap_or(policy.second_factor_at_consent);
            policy.link_lifetime = set.link_days.map_or(policy.link_lifetime, |days| Duration::from_secs(days * 86_400));
            policy.shared_host_accounts = set.shared_host_accounts.unwrap_or(policy.shared_host_accounts);
            policy.lowest_linked_uid = set.lowest_linked_uid.unwrap_or(policy.lowest_linked_uid);
            if let Some(contact) = set.help_contact {
                policy.help_contact = HelpContact::parse(&contact).ok();
            }
            if let Some(domain) = set.email_domain {
                policy.email_domain = MailDomain::parse(&domain).ok();
            }
            policy.retention = retention.unwrap_or(policy.retention);
            policy.archive_first = set.archive_first.unwrap_or(policy.archive_first);
            policy.require_host_credential = set.require_host_credential.unwrap_or(policy.require_host_credential);
        })
        .await;
    services.close().await;
    if let Err(Error::Internal(fault)) = result {
        return Err(fault.into());
    }
    println!("Tenant {id} has been changed.");
    Ok(())
}
