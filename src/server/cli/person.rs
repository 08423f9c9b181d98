//! `tms-portal person add|password|disable|enable`.

use clap::Subcommand;

use super::{Failed, open};
use crate::domain::ids::{TenantId, UserId};
use crate::server::config::{Config, Options};
use crate::server::service::entropy::{Secret, readable_password};
use crate::server::service::people::PersonRefused;
use crate::server::service::{Error, SystemEntropy};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Make an account; prints its new password once
    Add(Add),
    /// Give a person a new password; prints it once
    Password(Person),
    /// Keep a person out: sessions and tokens end at once
    Disable(Person),
    /// Let a person in again
    Enable(Person),
}

#[derive(clap::Args)]
struct Add {
    #[command(flatten)]
    person: Person,
    /// The name that people read [default: the user name]
    #[arg(long)]
    display_name: Option<String>,
}

#[derive(clap::Args)]
struct Person {
    #[command(flatten)]
    options: Options,
    /// The tenant
    #[arg(long)]
    tenant: String,
    /// The person's user name
    user: String,
}

pub async fn run(arguments: Arguments) -> Result<(), Failed> {
    let (person, display_name) = match &arguments.verb {
        Verb::Add(add) => (&add.person, add.display_name.as_deref().unwrap_or(&add.person.user)),
        Verb::Password(person) | Verb::Disable(person) | Verb::Enable(person) => (person, ""),
    };
    let tenant = TenantId::parse(person.tenant.clone()).map_err(|refused| Failed::Other(format!("{}: {refused}", person.tenant)))?;
    let user = UserId::parse(person.user.clone()).map_err(|refused| Failed::Other(format!("{}: {refused}", person.user)))?;
    let services = open(&Config::read(&person.options)?).await?;
    let password = readable_password(&SystemEntropy);
    let done = match &arguments.verb {
        Verb::Add(_) => services.add_person(&tenant, &user, display_name, &password).await.map(|()| Some(&password)),
        Verb::Password(_) => services.set_password(&tenant, &user, &password).await.map(|()| Some(&password)),
        Verb::Disable(_) => services.set_person_enabled(&tenant, &user, false).await.map(|()| None),
        Verb::Enable(_) => services.set_person_enabled(&tenant, &user, true).await.map(|()| None),
    };
    services.close().await;
    say(done, &user)
}

fn say(done: Result<Option<&Secret>, Error<PersonRefused>>, user: &UserId) -> Result<(), Failed> {
    match done {
        Ok(Some(password)) => println!("{user} signs in with the password {}\nIt is not shown again.", password.reveal()),
        Ok(None) => println!("{user} has been changed."),
        Err(Error::Refused(refused)) => return Err(Failed::Other(refused.to_string())),
        Err(Error::Internal(fault)) => return Err(fault.into()),
    }
    Ok(())
}
