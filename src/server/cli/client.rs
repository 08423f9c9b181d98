//! `tms-portal client set`: what a client may ask people for in the browser.

use clap::Subcommand;

use super::{Failed, InTenant};
use crate::domain::ids::ClientId;
use crate::domain::scope::ScopeSet;
use crate::server::service::Error;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Change what a client may do; what is not named stays as it is
    Set(Set),
}

#[derive(clap::Args)]
struct Set {
    #[command(flatten)]
    place: InTenant,
    /// The client
    #[arg(value_parser = |name: &str| ClientId::parse(name))]
    client: ClientId,
    /// Whether it may use the OAuth device grant, to ask people for permission
    #[arg(long)]
    device_grant: Option<bool>,
    /// The most it may ask for, such as "hosts:read keys:create"
    #[arg(long, value_parser = scope)]
    scope: Option<ScopeSet>,
    /// Whether people are told that you have looked at it
    #[arg(long)]
    verified: Option<bool>,
    /// Whether it may do anything at all
    #[arg(long)]
    enabled: Option<bool>,
}

fn scope(words: &str) -> Result<ScopeSet, String> {
    let known = ScopeSet::parse_known(words);
    let all_known = words.split_ascii_whitespace().count() == known.to_string().split_ascii_whitespace().count();
    if all_known { Ok(known) } else { Err("the scopes are hosts:read, keys:read, keys:create and keys:revoke".to_owned()) }
}

pub async fn run(arguments: Arguments) -> Result<(), Failed> {
    let Verb::Set(Set { place, client, device_grant, scope, verified, enabled }) = arguments.verb;
    let (services, operator) = place.open_as_operator().await?;
    let tenant = &place.tenant;
    let done = services
        .set_up_client(&operator, &client, None, move |client| {
            client.device_grant = device_grant.unwrap_or(client.device_grant);
            client.scope = scope.unwrap_or_else(|| client.scope.clone());
            client.verified = verified.unwrap_or(client.verified);
            client.enabled = enabled.unwrap_or(client.enabled);
        })
        .await;
    services.close().await;
    match done {
        Ok(()) => {}
        Err(Error::Refused(_)) => return Err(Failed::Other(format!("tenant {tenant} has no client {client}"))),
        Err(Error::Internal(fault)) => return Err(fault.into()),
    }
    println!("Client {client} of tenant {tenant} has been changed.");
    Ok(())
}
