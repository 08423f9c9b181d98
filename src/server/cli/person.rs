//! `tms-portal person add|show|password|invite|unlink|forget-factors|disable|enable|promote|demote`.

mod identities;

use clap::Subcommand;

use super::{Failed, InTenant};
use crate::domain::ids::UserId;
use crate::server::service::Error;
use crate::server::service::entropy::Secret;
use crate::server::service::people::PersonRefused;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Create an account and print its password once
    Add(Add),
    /// Show a person and their linked identities
    Show(Person),
    /// Reset a person's password, sign out their sessions and print the new password once
    Password(Person),
    /// Invite a person to sign in with an identity provider for the first time, and print the invitation once
    Invite(Person),
    /// Unlink one of a person's identities, even their only sign-in method
    Unlink(identities::Unlink),
    /// Reset the second factors of a person who has lost them; the password alone is then enough to sign in
    ForgetFactors(Person),
    /// Disable a person: their sessions are signed out, and their tokens and keys do not work until `enable`
    Disable(Person),
    /// Enable a person again
    Enable(Person),
    /// Make a person an administrator of the tenant in the portal
    Promote(Person),
    /// Remove the administrator role
    Demote(Person),
}

#[derive(clap::Args)]
struct Add {
    #[command(flatten)]
    person: Person,
    /// The display name [default: the user name]
    #[arg(long, value_parser = super::name)]
    display_name: Option<String>,
}

#[derive(clap::Args)]
struct Person {
    #[command(flatten)]
    place: InTenant,
    /// The person's user name
    #[arg(value_parser = |name: &str| UserId::parse(name))]
    user: UserId,
}

pub async fn run(arguments: Arguments) -> Result<(), Failed> {
    let (person, display_name) = match &arguments.verb {
        Verb::Add(add) => (&add.person, add.display_name.as_deref().unwrap_or(add.person.user.as_str())),
        Verb::Unlink(unlink) => (&unlink.person, ""),
        Verb::Show(person)
        | Verb::Password(person)
        | Verb::Invite(person)
        | Verb::ForgetFactors(person)
        | Verb::Disable(person)
        | Verb::Enable(person)
        | Verb::Promote(person)
        | Verb::Demote(person) => (person, ""),
    };
    let Person { place, user } = person;
    let (services, operator) = place.open_as_operator().await?;
    let password = services.readable_password();
    let done = match &arguments.verb {
        Verb::Add(_) => services.add_account(&operator, user, display_name, Some(&password)).await.map(|()| Done::Password(&password)),
        Verb::Password(_) => services.set_password(&operator, user, &password).await.map(|()| Done::Password(&password)),
        Verb::Invite(_) => match services.invite(&operator, user).await {
            Ok(Some(code)) => Ok(Done::Invited(code)),
            Ok(None) => Err(Error::Refused(PersonRefused::NoPerson)),
            Err(fault) => Err(fault.into()),
        },
        Verb::ForgetFactors(_) => match services.forget_second_factors(&operator, user).await {
            Ok(true) => Ok(Done::Said(format!("The second factors of {user} have been reset."))),
            Ok(false) => Ok(Done::Said(format!("{user} has no second factors."))),
            Err(fault) => Err(fault.into()),
        },
        Verb::Show(_) => identities::show(&services, &operator, user).await.map(Done::Said),
        Verb::Unlink(unlink) => identities::unlink(&services, &operator, unlink).await.map(Done::Said),
        Verb::Disable(_) => services.switch_person(&operator, user, false).await.map(|()| Done::Disabled),
        Verb::Enable(_) => services.switch_person(&operator, user, true).await.map(|()| Done::Enabled),
        Verb::Promote(_) => services.appoint(&operator, user, true).await.map(|()| Done::Promoted),
        Verb::Demote(_) => services.appoint(&operator, user, false).await.map(|()| Done::Demoted),
    };
    services.close().await;
    say(done, user)
}

enum Done<'a> {
    Password(&'a Secret),
    Invited(Secret),
    Said(String),
    Disabled,
    Enabled,
    Promoted,
    Demoted,
}

fn say(done: Result<Done<'_>, Error<PersonRefused>>, user: &UserId) -> Result<(), Failed> {
    match done {
        Ok(Done::Password(password)) => println!("The password of {user} is {}\nIt is not shown again.", password.reveal()),
        Ok(Done::Invited(code)) => println!(
            "The invitation for {user} is {}\nIt is entered on the sign-in page, can be used once within 7 days, and is not shown again.",
            code.reveal()
        ),
        Ok(Done::Said(said)) => println!("{said}"),
        Ok(Done::Disabled) => println!("{user} has been disabled and can no longer sign in."),
        Ok(Done::Enabled) => println!("{user} has been enabled and can sign in again."),
        Ok(Done::Promoted) => println!("{user} is now an administrator (see /admin in the portal)."),
        Ok(Done::Demoted) => println!("{user} is no longer an administrator."),
        Err(Error::Refused(refused)) => return Err(Failed::Other(refused.to_string())),
        Err(Error::Internal(fault)) => return Err(fault.into()),
    }
    Ok(())
}
