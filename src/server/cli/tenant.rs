//! `tms-portal tenant set`.

use std::time::Duration;

use clap::Subcommand;

use super::{CommandError, TenantOptions};
use crate::server::service::Error;

#[derive(clap::Args)]
pub struct TenantArgs {
    #[command(subcommand)]
    command: TenantCommand,
}

#[derive(Subcommand)]
enum TenantCommand {
    /// Change a tenant's policy; what is not named stays as it is
    Set(TenantSetArgs),
}

#[derive(clap::Args)]
struct TenantSetArgs {
    #[command(flatten)]
    target: TenantOptions,
    /// The name that people read
    #[arg(long, value_parser = super::parse_name)]
    display_name: Option<String>,
    /// Whether people sign in with a password kept here
    #[arg(long)]
    local_passwords: Option<bool>,
    /// Whether an address may fill in the user code: easier to use, and easier to phish
    #[arg(long)]
    prefill_user_code: Option<bool>,
    /// Whether the consent page demands the “Yes, I started this” tick
    #[arg(long)]
    require_started_tick: Option<bool>,
    /// Whether links and delegations that are missing are made when a client asks for a key: for moving over from an older server
    #[arg(long)]
    mvp: Option<bool>,
    /// Whether anybody may register a client
    #[arg(long)]
    open_registration: Option<bool>,
    /// Whether keys are only shown to hosts that send a credential
    #[arg(long)]
    require_host_credential: Option<bool>,
    /// Whether people may register public keys of their own
    #[arg(long)]
    own_keys: Option<bool>,
    /// Whether administrators show a second factor before they use the role
    #[arg(long)]
    second_factor_for_admins: Option<bool>,
    /// Whether people show a second factor before they let a device act for them
    #[arg(long)]
    second_factor_at_consent: Option<bool>,
    /// How many days a link lasts that people make from the host (`tms link`)
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=3_650))]
    link_days: Option<u64>,
    /// Whether one host account may be linked to several people: then nobody on the host can tell them apart
    #[arg(long)]
    shared_host_accounts: Option<bool>,
    /// The lowest number of an account that people may link; lower ones are the host's own
    #[arg(long, value_name = "UID", value_parser = clap::value_parser!(u32).range(1..))]
    lowest_linked_uid: Option<u32>,
}

pub async fn run(args: TenantArgs) -> Result<(), CommandError> {
    let TenantCommand::Set(set) = args.command;
    let (services, operator) = set.target.open_as_operator().await?;
    let id = set.target.tenant;
    let done = services
        .edit_tenant(&operator, None, move |tenant| {
            if let Some(name) = set.display_name {
                tenant.display_name = name;
            }
            let policy = &mut tenant.policy;
            policy.local_passwords = set.local_passwords.unwrap_or(policy.local_passwords);
            policy.prefill_user_code = set.prefill_user_code.unwrap_or(policy.prefill_user_code);
            policy.require_started_tick = set.require_started_tick.unwrap_or(policy.require_started_tick);
            policy.auto_provision = set.mvp.unwrap_or(policy.auto_provision);
            policy.open_registration = set.open_registration.unwrap_or(policy.open_registration);
            policy.own_keys = set.own_keys.unwrap_or(policy.own_keys);
            policy.second_factor_for_admins = set.second_factor_for_admins.unwrap_or(policy.second_factor_for_admins);
            policy.second_factor_at_consent = set.second_factor_at_consent.unwrap_or(policy.second_factor_at_consent);
            policy.link_lifetime = set.link_days.map_or(policy.link_lifetime, |days| Duration::from_secs(days * 86_400));
            policy.shared_host_accounts = set.shared_host_accounts.unwrap_or(policy.shared_host_accounts);
            policy.lowest_linked_uid = set.lowest_linked_uid.unwrap_or(policy.lowest_linked_uid);
            policy.require_host_credential = set.require_host_credential.unwrap_or(policy.require_host_credential);
        })
        .await;
    services.close().await;
    if let Err(Error::Internal(fault)) = done {
        return Err(fault.into());
    }
    println!("Tenant {id} has been changed.");
    Ok(())
}
