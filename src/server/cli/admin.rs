//! `tms-portal admin add|list|rotate|remove`.

use std::time::Duration;

use clap::Subcommand;

use super::secrets::SecretOutput;
use super::{CommandError, TenantOptions};
use crate::domain::ids::AdminId;
use crate::server::service::admin::admins::{AdminRefused, AdminSummary};
use crate::server::service::{Error, Services};

#[derive(clap::Args)]
pub struct AdminArgs {
    #[command(subcommand)]
    command: AdminCommand,
}

#[derive(Subcommand)]
enum AdminCommand {
    /// Add an administrator for the TMS API and print the secret once. Administrators of the tenant `default` also manage the deployment
    Add(AdminSelector),
    /// List a tenant's administrators
    List(TenantOptions),
    /// Rotate an administrator's secret and print the new one once
    Rotate(RotateArgs),
    /// Remove an administrator
    Remove(AdminSelector),
}

#[derive(clap::Args)]
struct AdminSelector {
    #[command(flatten)]
    target: TenantOptions,
    /// The administrator's ID, sent as X-TMS-ADMIN-ID
    #[arg(value_parser = |name: &str| AdminId::parse(name))]
    admin: AdminId,
}

#[derive(clap::Args)]
struct RotateArgs {
    #[command(flatten)]
    admin: AdminSelector,
    /// Minutes for which the old secret keeps working; use 0 if it has leaked
    #[arg(long, value_name = "MINUTES", default_value_t = 60, value_parser = clap::value_parser!(u32).range(0..=10_080))]
    overlap_minutes: u32,
}

pub async fn run(args: AdminArgs) -> Result<(), CommandError> {
    let target = match &args.command {
        AdminCommand::Add(admin) | AdminCommand::Remove(admin) => &admin.target,
        AdminCommand::List(target) => target,
        AdminCommand::Rotate(rotate) => &rotate.admin.target,
    };
    let services = target.open().await?;
    let result = execute(&services, &args.command).await;
    services.close().await;
    result
}

async fn execute(services: &Services, command: &AdminCommand) -> Result<(), CommandError> {
    match command {
        AdminCommand::Add(AdminSelector { target, admin }) => {
            let output = begin_secret(admin)?;
            let secret = services.add_admin(&target.tenant, admin).await.map_err(command_error)?;
            output.finish(&secret, NOT_AGAIN, &rotation(target, admin))?;
        }
        AdminCommand::Rotate(RotateArgs { admin: AdminSelector { target, admin }, overlap_minutes }) => {
            let overlap = Duration::from_secs(u64::from(*overlap_minutes) * 60);
            let output = begin_secret(admin)?;
            let new = services.rotate_admin_secret(&target.tenant, admin, overlap).await.map_err(command_error)?;
            output.finish(&new.secret, NOT_AGAIN, &rotation(target, admin))?;
            println!("The previous secret works for {overlap_minutes} more minutes.");
        }
        AdminCommand::Remove(AdminSelector { target, admin }) => {
            services.remove_admin(&target.tenant, admin).await.map_err(command_error)?;
            println!("{admin} is no longer an administrator of {}.", target.tenant);
        }
        AdminCommand::List(target) => services.list_admins(&target.tenant).await?.iter().for_each(print_admin),
    }
    Ok(())
}

const NOT_AGAIN: &str = "\nIt is not shown again.\n";

fn begin_secret(admin: &AdminId) -> Result<SecretOutput, CommandError> {
    SecretOutput::begin(&format!("X-TMS-ADMIN-ID      {admin}\nX-TMS-ADMIN-SECRET  "))
}

fn rotation(target: &TenantOptions, admin: &AdminId) -> String {
    format!("admin rotate --tenant {} {admin}", target.tenant)
}

fn print_admin(admin: &AdminSummary) {
    let old = admin.old_secret_until.map_or_else(String::new, |until| format!(", old secret until {}", until.humanize()));
    println!("{}  since {}{old}", admin.admin_id, admin.created_at.humanize());
}

fn command_error(error: Error<AdminRefused>) -> CommandError {
    match error {
        Error::Refused(refused) => CommandError::Other(refused.to_string()),
        Error::Internal(fault) => fault.into(),
    }
}
