//! `tms-portal person email`: where a person's notifications are sent.

use super::PersonSelector;
use crate::domain::mail::EmailAddress;
use crate::server::service::auth::people::PersonRefused;
use crate::server::service::{Error, Services, TenantAdmin};

#[derive(clap::Args)]
pub struct EmailArgs {
    #[command(flatten)]
    pub person: PersonSelector,
    /// The address; it replaces the one that the institution confirmed
    #[arg(value_parser = EmailAddress::parse, required_unless_present = "remove")]
    address: Option<EmailAddress>,
    /// Remove the address; the next sign-in through an institution may set it again
    #[arg(long, conflicts_with = "address")]
    remove: bool,
}

/// Sets or removes the address.
pub async fn set(services: &Services, operator: &TenantAdmin, args: &EmailArgs) -> Result<String, Error<PersonRefused>> {
    let user = &args.person.user;
    services.set_email(operator, user, args.address.clone().filter(|_| !args.remove)).await?;
    Ok(match &args.address {
        Some(address) => format!("Notifications of {user} are sent to {address}."),
        None => format!("The e-mail address of {user} has been removed."),
    })
}
