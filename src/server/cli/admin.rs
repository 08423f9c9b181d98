//! `tms-portal admin add|list|rotate|remove`.

use std::time::Duration;

use clap::Subcommand;

use super::{Failed, InTenant};
use crate::domain::ids::AdminId;
use crate::server::service::admins::{AdminRefused, ListedAdmin};
use crate::server::service::entropy::Secret;
use crate::server::service::{Error, Services};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Add an administrator for the TMS API and print the secret once. Administrators of the tenant `default` also manage the deployment
    Add(Admin),
    /// List a tenant's administrators
    List(InTenant),
    /// Rotate an administrator's secret and print the new one once
    Rotate(Rotate),
    /// Remove an administrator
    Remove(Admin),
}

#[derive(clap::Args)]
struct Admin {
    #[command(flatten)]
    place: InTenant,
    /// The administrator's ID, sent as X-TMS-ADMIN-ID
    #[arg(value_parser = |name: &str| AdminId::parse(name))]
    admin: AdminId,
}

#[derive(clap::Args)]
struct Rotate {
    #[command(flatten)]
    admin: Admin,
    /// Minutes for which the old secret keeps working; use 0 if it has leaked
    #[arg(long, value_name = "MINUTES", default_value_t = 60, value_parser = clap::value_parser!(u32).range(0..=10_080))]
    overlap_minutes: u32,
}

pub async fn run(arguments: Arguments) -> Result<(), Failed> {
    let place = match &arguments.verb {
        Verb::Add(admin) | Verb::Remove(admin) => &admin.place,
        Verb::List(place) => place,
        Verb::Rotate(rotate) => &rotate.admin.place,
    };
    let services = place.open().await?;
    let done = act(&services, &arguments.verb).await;
    services.close().await;
    done
}

async fn act(services: &Services, verb: &Verb) -> Result<(), Failed> {
    match verb {
        Verb::Add(Admin { place, admin }) => {
            let secret = services.add_admin(&place.tenant, admin).await.map_err(refused)?;
            show(admin, &secret);
        }
        Verb::Rotate(Rotate { admin: Admin { place, admin }, overlap_minutes }) => {
            let overlap = Duration::from_secs(u64::from(*overlap_minutes) * 60);
            let new = services.rotate_admin_secret(&place.tenant, admin, overlap).await.map_err(refused)?;
            show(admin, &new.secret);
            println!("The previous secret works for {overlap_minutes} more minutes.");
        }
        Verb::Remove(Admin { place, admin }) => {
            services.remove_admin(&place.tenant, admin).await.map_err(refused)?;
            println!("{admin} is no longer an administrator of {}.", place.tenant);
        }
        Verb::List(place) => services.list_admins(&place.tenant).await?.iter().for_each(list),
    }
    Ok(())
}

fn show(admin: &AdminId, secret: &Secret) {
    println!("X-TMS-ADMIN-ID      {admin}\nX-TMS-ADMIN-SECRET  {}\nIt is not shown again.", secret.reveal());
}

fn list(listed: &ListedAdmin) {
    let old = listed.old_secret_until.map_or_else(String::new, |until| format!(", old secret until {}", until.to_words()));
    println!("{}  since {}{old}", listed.admin_id, listed.created_at.to_words());
}

fn refused(error: Error<AdminRefused>) -> Failed {
    match error {
        Error::Refused(refused) => Failed::Other(refused.to_string()),
        Error::Internal(fault) => fault.into(),
    }
}
