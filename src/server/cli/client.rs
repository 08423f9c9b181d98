//! `tms-portal client add|set|show|test`: a tenant's clients, and what they may request.

mod settings;

use clap::Subcommand;

use self::settings::{ClientSettingsArgs, settings_of};
use super::{CommandError, TenantOptions};
use crate::domain::client::{Client, ClientDetail};
use crate::domain::client_uris::ClientUris;
use crate::domain::ids::ClientId;
use crate::i18n;
use crate::server::service::Error;
use crate::server::service::admin::client_settings::{AddClientRefused, ClientEditRefused, TestKeysRefused};
use crate::server::service::platform::rng::Secret;

#[derive(clap::Args)]
pub struct ClientArgs {
    #[command(subcommand)]
    command: ClientCommand,
}

#[derive(Subcommand)]
enum ClientCommand {
    /// Register a client and print its secret
    Add(Box<ClientAddArgs>),
    /// Change what a client may do; options that are not given leave the setting unchanged
    Set(Box<ClientSetArgs>),
    /// Show a client's settings
    Show(ClientSelector),
    /// Fetch the keys that a client publishes
    Test(ClientSelector),
}

#[derive(clap::Args)]
struct ClientSelector {
    #[command(flatten)]
    target: TenantOptions,
    /// The client ID
    #[arg(value_parser = |name: &str| ClientId::parse(name))]
    client: ClientId,
}

#[derive(clap::Args)]
struct ClientAddArgs {
    #[command(flatten)]
    selector: ClientSelector,
    /// The application's name, as people read it [default: the client ID]
    #[arg(long, value_parser = super::parse_name)]
    app_name: Option<String>,
    /// The application's version; any text
    #[arg(long, default_value = "1", value_parser = super::parse_name)]
    app_version: String,
    #[command(flatten)]
    settings: ClientSettingsArgs,
}

#[derive(clap::Args)]
struct ClientSetArgs {
    #[command(flatten)]
    selector: ClientSelector,
    #[command(flatten)]
    settings: ClientSettingsArgs,
    /// Whether the client is enabled
    #[arg(long)]
    enabled: Option<bool>,
}

pub async fn run(args: ClientArgs) -> Result<(), CommandError> {
    match args.command {
        ClientCommand::Add(add) => self::add(*add).await,
        ClientCommand::Set(set) => self::set(*set).await,
        ClientCommand::Show(selector) => show(selector).await,
        ClientCommand::Test(selector) => test(selector).await,
    }
}

async fn add(add: ClientAddArgs) -> Result<(), CommandError> {
    let ClientAddArgs { selector: ClientSelector { target, client: id }, app_name, app_version, settings } = add;
    let jwks = settings.read_jwks()?;
    let (services, operator) = target.open_as_operator().await?;
    let name = app_name.unwrap_or_else(|| id.to_string());
    let (mut client, mut uris) = (Client::new(target.tenant.clone(), id.clone(), name, app_version, services.now()), ClientUris::default());
    settings.apply(jwks, &mut client, &mut uris);
    let added = services.add_client(&operator, client, uris).await;
    services.close().await;
    let secret = added.map_err(|error| match error {
        Error::Refused(AddClientRefused::Exists) => {
            CommandError::Other(format!("tenant {} has a client {id}, or one of that name and version", target.tenant))
        }
        Error::Refused(AddClientRefused::Settings(refused)) => edit_refused(refused, &id, &target),
        Error::Internal(fault) => fault.into(),
    })?;
    println!("Client {id} of tenant {} has been registered.", target.tenant);
    print_secret(secret.as_ref());
    Ok(())
}

async fn set(set: ClientSetArgs) -> Result<(), CommandError> {
    let ClientSetArgs { selector: ClientSelector { target, client: id }, settings, enabled } = set;
    let jwks = settings.read_jwks()?;
    let (services, operator) = target.open_as_operator().await?;
    let result = services
        .edit_client(&operator, &id, None, move |client, uris| {
            client.enabled = enabled.unwrap_or(client.enabled);
            settings.apply(jwks, client, uris);
        })
        .await;
    services.close().await;
    let secret = result.map_err(|error| match error {
        Error::Refused(refused) => edit_refused(refused, &id, &target),
        Error::Internal(fault) => fault.into(),
    })?;
    println!("Client {id} of tenant {} has been changed.", target.tenant);
    print_secret(secret.as_ref());
    Ok(())
}

/// It is stored as a hash only.
fn print_secret(secret: Option<&Secret>) {
    if let Some(secret) = secret {
        println!("Its secret, which is not shown again:\n  {}", secret.reveal());
    }
}

fn edit_refused(refused: ClientEditRefused, id: &ClientId, target: &TenantOptions) -> CommandError {
    match refused {
        ClientEditRefused::Edit(_) => no_client(id, target),
        ClientEditRefused::Settings(why) => CommandError::Other(format!("{id}: {why}")),
        ClientEditRefused::Keys(why) => CommandError::Other(format!("--jwks: {why}")),
    }
}

fn no_client(id: &ClientId, target: &TenantOptions) -> CommandError {
    CommandError::Other(format!("client {id} of tenant {} does not exist", target.tenant))
}

async fn show(ClientSelector { target, client: id }: ClientSelector) -> Result<(), CommandError> {
    let (services, operator) = target.open_as_operator().await?;
    let found = services.client_detail(&operator, &id).await;
    services.close().await;
    let ClientDetail { client, uris, .. } = found?.ok_or_else(|| no_client(&id, &target))?;
    for (name, value) in settings_of(&client, &uris) {
        println!("{name:<24}{value}");
    }
    Ok(())
}

async fn test(ClientSelector { target, client: id }: ClientSelector) -> Result<(), CommandError> {
    let (services, operator) = target.open_as_operator().await?;
    let tested = services.test_client_keys(&operator, &id).await;
    services.close().await;
    let keys = tested.map_err(|error| match error {
        Error::Refused(TestKeysRefused::NoUrl) => CommandError::Other(format!("client {id} of tenant {} has no jwks-uri", target.tenant)),
        Error::Refused(TestKeysRefused::Failed(why)) => CommandError::Other(format!("{id}: {}", i18n::fallback().provider_error(&why))),
        Error::Internal(fault) => fault.into(),
    })?;
    println!("OK: {id} publishes the keys {}", keys.join(" "));
    Ok(())
}
