//! `tms-portal client set`: what a client may request from people in the browser.

use clap::Subcommand;

use super::{CommandError, TenantOptions};
use crate::domain::ids::ClientId;
use crate::domain::scope::ScopeSet;
use crate::server::service::Error;

#[derive(clap::Args)]
pub struct ClientArgs {
    #[command(subcommand)]
    command: ClientCommand,
}

#[derive(Subcommand)]
enum ClientCommand {
    /// Change what a client may do; options that are not given leave the setting unchanged
    Set(ClientSetArgs),
}

#[derive(clap::Args)]
struct ClientSetArgs {
    #[command(flatten)]
    target: TenantOptions,
    /// The client ID
    #[arg(value_parser = |name: &str| ClientId::parse(name))]
    client: ClientId,
    /// Whether it may use the device authorization grant to ask people for access
    #[arg(long)]
    device_grant: Option<bool>,
    /// The scopes it may request, such as "hosts:read keys:create"
    #[arg(long, value_parser = parse_scope)]
    scope: Option<ScopeSet>,
    /// Whether people are told that your centre has verified it
    #[arg(long)]
    verified: Option<bool>,
    /// Whether the client is enabled
    #[arg(long)]
    enabled: Option<bool>,
}

fn parse_scope(text: &str) -> Result<ScopeSet, String> {
    let known = ScopeSet::parse_known(text);
    let all_known = text.split_ascii_whitespace().count() == known.to_string().split_ascii_whitespace().count();
    if all_known { Ok(known) } else { Err("the scopes are hosts:read, keys:read, keys:create and keys:revoke".to_owned()) }
}

pub async fn run(args: ClientArgs) -> Result<(), CommandError> {
    let ClientCommand::Set(ClientSetArgs { target, client, device_grant, scope, verified, enabled }) = args.command;
    let (services, operator) = target.open_as_operator().await?;
    let tenant = &target.tenant;
    let result = services
        .edit_client(&operator, &client, None, move |client| {
            client.device_grant = device_grant.unwrap_or(client.device_grant);
            client.scope = scope.unwrap_or_else(|| client.scope.clone());
            client.verified = verified.unwrap_or(client.verified);
            client.enabled = enabled.unwrap_or(client.enabled);
        })
        .await;
    services.close().await;
    match result {
        Ok(()) => {}
        Err(Error::Refused(_)) => return Err(CommandError::Other(format!("client {client} of tenant {tenant} does not exist"))),
        Err(Error::Internal(fault)) => return Err(fault.into()),
    }
    println!("Client {client} of tenant {tenant} has been changed.");
    Ok(())
}
