//! `tms-portal person add|show|password|invite|unlink|forget-factors|disable|enable|promote|demote`.

mod identities;

use clap::Subcommand;

use super::{CommandError, TenantOptions};
use crate::domain::ids::UserId;
use crate::server::service::Error;
use crate::server::service::people::PersonRefused;
use crate::server::service::rng::Secret;

#[derive(clap::Args)]
pub struct PersonArgs {
    #[command(subcommand)]
    command: PersonCommand,
}

#[derive(Subcommand)]
enum PersonCommand {
    /// Make an account; prints its new password once
    Add(PersonAddArgs),
    /// Show a person, and who they are at identity providers
    Show(PersonSelector),
    /// Give a person a new password, and end their sessions; prints it once
    Password(PersonSelector),
    /// Let a person sign in at an identity provider for the first time; prints an invitation once
    Invite(PersonSelector),
    /// Take away one of a person's identities, even their only way in
    Unlink(identities::UnlinkArgs),
    /// Take all second factors of a person away who has lost them: their password alone lets them in then
    ForgetFactors(PersonSelector),
    /// Keep a person out: their sessions end, and their tokens do not work until `enable`
    Disable(PersonSelector),
    /// Let a person in again
    Enable(PersonSelector),
    /// Give a person the role of an administrator: they may run the tenant in the portal
    Promote(PersonSelector),
    /// Take that role away
    Demote(PersonSelector),
}

#[derive(clap::Args)]
struct PersonAddArgs {
    #[command(flatten)]
    person: PersonSelector,
    /// The name that people read [default: the user name]
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
        PersonCommand::Show(person)
        | PersonCommand::Password(person)
        | PersonCommand::Invite(person)
        | PersonCommand::ForgetFactors(person)
        | PersonCommand::Disable(person)
        | PersonCommand::Enable(person)
        | PersonCommand::Promote(person)
        | PersonCommand::Demote(person) => (person, ""),
    };
    let PersonSelector { target, user } = person;
    let (services, operator) = target.open_as_operator().await?;
    let password = services.generate_password();
    let done = match &args.command {
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
            Ok(true) => Ok(PersonOutcome::Message(format!("{user} has no second factor any more."))),
            Ok(false) => Ok(PersonOutcome::Message(format!("{user} had none."))),
            Err(fault) => Err(fault.into()),
        },
        PersonCommand::Show(_) => identities::show(&services, &operator, user).await.map(PersonOutcome::Message),
        PersonCommand::Unlink(unlink) => identities::unlink(&services, &operator, unlink).await.map(PersonOutcome::Message),
        PersonCommand::Disable(_) => services.set_person_enabled(&operator, user, false).await.map(|()| PersonOutcome::Disabled),
        PersonCommand::Enable(_) => services.set_person_enabled(&operator, user, true).await.map(|()| PersonOutcome::Enabled),
        PersonCommand::Promote(_) => services.set_admin_role(&operator, user, true).await.map(|()| PersonOutcome::Promoted),
        PersonCommand::Demote(_) => services.set_admin_role(&operator, user, false).await.map(|()| PersonOutcome::Demoted),
    };
    services.close().await;
    print_outcome(done, user)
}

enum PersonOutcome<'a> {
    Password(&'a Secret),
    Invited(Secret),
    Message(String),
    Disabled,
    Enabled,
    Promoted,
    Demoted,
}

fn print_outcome(outcome: Result<PersonOutcome<'_>, Error<PersonRefused>>, user: &UserId) -> Result<(), CommandError> {
    match outcome {
        Ok(PersonOutcome::Password(password)) => println!("{user} signs in with the password {}\nIt is not shown again.", password.reveal()),
        Ok(PersonOutcome::Invited(code)) => println!(
            "{user} signs in once with the invitation {}\nIt is typed on the sign-in page, is good for 7 days, and is not shown again.",
            code.reveal()
        ),
        Ok(PersonOutcome::Message(said)) => println!("{said}"),
        Ok(PersonOutcome::Disabled) => println!("{user} cannot sign in any more."),
        Ok(PersonOutcome::Enabled) => println!("{user} can sign in again."),
        Ok(PersonOutcome::Promoted) => println!("{user} is an administrator, at /admin in the portal."),
        Ok(PersonOutcome::Demoted) => println!("{user} is no administrator any more."),
        Err(Error::Refused(refused)) => return Err(CommandError::Other(refused.to_string())),
        Err(Error::Internal(fault)) => return Err(fault.into()),
    }
    Ok(())
}
