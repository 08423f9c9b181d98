//! `tms-portal person add|show|email|groups|password|unlock|invite|unlink|forget-factors|disable|enable|promote|demote|export|erase`.

mod email;
mod groups;
mod identities;
mod personal_data;

use clap::Subcommand;

use super::secrets::SecretOutput;
use super::{CommandError, TenantOptions};
use crate::domain::ids::UserId;
use crate::server::service::Error;
use crate::server::service::auth::people::PersonRefused;
use crate::server::service::platform::rng::Secret;

/// Exit code: it can be done, but was not confirmed.
const NOT_CONFIRMED: u8 = 11;

#[derive(clap::Args)]
pub struct PersonArgs {
    #[command(subcommand)]
    command: PersonCommand,
}

#[derive(Subcommand)]
enum PersonCommand {
    /// Create an account and print its password once
    Add(PersonAddArgs),
    /// Show a person and their linked identities
    Show(PersonSelector),
    /// Set or remove the e-mail address to which a person's notifications are sent
    Email(email::EmailArgs),
    /// Set the groups that applications are told about a person
    Groups(groups::GroupsArgs),
    /// Reset a person's password, sign out their sessions and print the new password once
    Password(PersonSelector),
    /// Delete the counters of failed attempts at a person's account, so that they can sign in at once
    Unlock(PersonSelector),
    /// Invite a person to sign in with an identity provider for the first time, and print the invitation once
    Invite(PersonSelector),
    /// Unlink one of a person's identities, even their only sign-in method
    Unlink(identities::UnlinkArgs),
    /// Reset the second factors of a person who has lost them; the password alone is then enough to sign in
    ForgetFactors(PersonSelector),
    /// Disable a person: their sessions are signed out, and their tokens and keys do not work until `enable`
    Disable(PersonSelector),
    /// Enable a person again
    Enable(PersonSelector),
    /// Make a person an administrator of the tenant in the portal
    Promote(PersonSelector),
    /// Remove the administrator role
    Demote(PersonSelector),
    /// Write all that is stored about a person, without secrets, as JSON
    Export(personal_data::ExportArgs),
    /// Remove a person and all that is stored about them; audit events stay under a pseudonym
    Erase(personal_data::EraseArgs),
}

#[derive(clap::Args)]
struct PersonAddArgs {
    #[command(flatten)]
    person: PersonSelector,
    /// The display name [default: the user name]
    #[arg(long, value_parser = super::parse_name)]
    display_name: Option<String>,
}

#[derive(clap::Args)]
struct PersonSelector {
    #[command(flatten)]
    target: TenantOptions,
    /// The person's user name
    #[arg(value_parser = |name: &str| UserId::parse(name))]
    user: UserId,
}

pub async fn run(args: PersonArgs) -> Result<(), CommandError> {
    let (person, display_name) = match &args.command {
        PersonCommand::Add(add) => (&add.person, add.display_name.as_deref().unwrap_or(add.person.user.as_str())),
        PersonCommand::Unlink(unlink) => (&unlink.person, ""),
        PersonCommand::Email(email) => (&email.person, ""),
        PersonCommand::Groups(groups) => (&groups.person, ""),
        PersonCommand::Export(export) => (&export.person, ""),
        PersonCommand::Erase(erase) => (&erase.person, ""),
        PersonCommand::Show(person)
        | PersonCommand::Password(person)
        | PersonCommand::Unlock(person)
        | PersonCommand::Invite(person)
        | PersonCommand::ForgetFactors(person)
        | PersonCommand::Disable(person)
        | PersonCommand::Enable(person)
        | PersonCommand::Promote(person)
        | PersonCommand::Demote(person) => (person, ""),
    };
    let PersonSelector { target, user } = person;
    let (services, operator) = target.open_as_operator().await?;
    let output = match begin_secret(&args.command, user) {
        Ok(output) => output,
        Err(unwritten) => {
            services.close().await;
            return Err(unwritten);
        }
    };
    let password = services.generate_password();
    let result = match &args.command {
        PersonCommand::Add(_) => {
            services.add_person(&operator, user, display_name, Some(&password)).await.map(|()| PersonOutcome::Password(&password))
        }
        PersonCommand::Password(_) => services.set_password(&operator, user, &password).await.map(|()| PersonOutcome::Password(&password)),
        PersonCommand::Invite(_) => match services.invite(&operator, user).await {
            Ok(Some(code)) => Ok(PersonOutcome::Invited(code)),
            Ok(None) => Err(Error::Refused(PersonRefused::NoPerson)),
            Err(fault) => Err(fault.into()),
        },
        PersonCommand::ForgetFactors(_) => match services.reset_second_factors(&operator, user).await {
            Ok(true) => Ok(PersonOutcome::Message(format!("The second factors of {user} have been reset."))),
            Ok(false) => Ok(PersonOutcome::Message(format!("{user} has no second factors."))),
            Err(fault) => Err(fault.into()),
        },
        PersonCommand::Unlock(_) => match services.allow_sign_in(&operator, user).await {
            Ok(true) => Ok(PersonOutcome::Message(format!(
                "The failed attempts at the account of {user} no longer count. If sign-in is still refused, the limit per network address applies; it ends after 10 minutes."
            ))),
            Ok(false) => Err(Error::Refused(PersonRefused::NoPerson)),
            Err(fault) => Err(fault.into()),
        },
        PersonCommand::Show(_) => identities::show(&services, &operator, user).await.map(PersonOutcome::Message),
        PersonCommand::Email(email) => email::set(&services, &operator, email).await.map(PersonOutcome::Message),
        PersonCommand::Groups(groups) => groups::set(&services, &operator, groups).await.map(PersonOutcome::Message),
        PersonCommand::Unlink(unlink) => identities::unlink(&services, &operator, unlink).await.map(PersonOutcome::Message),
        PersonCommand::Disable(_) => services.set_person_enabled(&operator, user, false).await.map(|()| PersonOutcome::Disabled),
        PersonCommand::Enable(_) => services.set_person_enabled(&operator, user, true).await.map(|()| PersonOutcome::Enabled),
        PersonCommand::Promote(_) => services.set_admin_role(&operator, user, true).await.map(|()| PersonOutcome::Promoted),
        PersonCommand::Demote(_) => services.set_admin_role(&operator, user, false).await.map(|()| PersonOutcome::Demoted),
        PersonCommand::Export(export) => personal_data::export(&services, &operator, export).await,
        PersonCommand::Erase(erase) => personal_data::erase(&services, &operator, erase).await,
    };
    services.close().await;
    print_outcome(result, person, output)
}

/// Begins the output of the commands that create a secret.
fn begin_secret(command: &PersonCommand, user: &UserId) -> Result<Option<SecretOutput>, CommandError> {
    match command {
        PersonCommand::Add(_) | PersonCommand::Password(_) => SecretOutput::begin(&format!("The password of {user} is ")).map(Some),
        PersonCommand::Invite(_) => SecretOutput::begin(&format!("The invitation for {user} is ")).map(Some),
        _ => Ok(None),
    }
}

enum PersonOutcome<'a> {
    Password(&'a Secret),
    Invited(Secret),
    Message(String),
    /// Nothing was done, because that was not confirmed.
    NotConfirmed(String),
    /// The output is complete.
    Printed,
    Disabled,
    Enabled,
    Promoted,
    Demoted,
}

fn print_outcome(
    outcome: Result<PersonOutcome<'_>, Error<PersonRefused>>,
    PersonSelector { target, user }: &PersonSelector,
    output: Option<SecretOutput>,
) -> Result<(), CommandError> {
    let finish = |secret: &Secret, after: &str, verb: &str| match output {
        Some(output) => output.finish(secret, after, &format!("person {verb} --tenant {} {user}", target.tenant)),
        None => Ok(()),
    };
    match outcome {
        Ok(PersonOutcome::Password(password)) => finish(password, "\nIt is not shown again.\n", "password")?,
        Ok(PersonOutcome::Invited(code)) => {
            finish(&code, "\nIt is entered on the sign-in page, can be used once within 7 days, and is not shown again.\n", "invite")?;
        }
        Ok(PersonOutcome::Message(message)) => println!("{message}"),
        Ok(PersonOutcome::NotConfirmed(message)) => {
            println!("{message}");
            return Err(CommandError::Exit(NOT_CONFIRMED));
        }
        Ok(PersonOutcome::Printed) => {}
        Ok(PersonOutcome::Disabled) => println!("{user} has been disabled and can no longer sign in."),
        Ok(PersonOutcome::Enabled) => println!("{user} has been enabled and can sign in again."),
        Ok(PersonOutcome::Promoted) => println!("{user} is now an administrator (see /admin in the portal)."),
        Ok(PersonOutcome::Demoted) => println!("{user} is no longer an administrator."),
        Err(Error::Refused(refused)) => return Err(CommandError::Other(refused.to_string())),
        Err(Error::Internal(fault)) => return Err(fault.into()),
    }
    Ok(())
}
