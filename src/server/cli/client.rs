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
    /// Change what a client may do; options that are not given leave the setting unchanged
    Set(Set),
}

#[derive(clap::Args)]
struct Set {
    #[command(flatten)]
    place: InTenant,
    /// The client ID
    #[arg(value_parser = |name: &str| ClientId::parse(name))]
    client: ClientId,
    /// Whether it may use the device authorization grant to ask people for access
    #[arg(long)]
    device_grant: Option<bool>,
    /// The scopes it may request, such as "hosts:read keys:create"
    #[arg(long, value_parser = scope)]
    scope: Option<ScopeSet>,
    /// Whether people are told that your centre has verified it
    #[arg(long)]
    verified: Option<bool>,
    /// Whether the client is enabled
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
        Err(Error::Refused(_)) => return Err(Failed::Other(format!("client {client} of tenant {tenant} does not exist"))),
        Err(Error::Internal(fault)) => return Err(fault.into()),
    }
    println!("Client {client} of tenant {tenant} has been changed.");
    Ok(())
}
