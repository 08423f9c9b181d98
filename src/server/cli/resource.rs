//! `tms-portal resource add|set|show|list|remove`: a tenant's resource servers besides the TMS API.

use clap::Subcommand;

use super::{CommandError, TenantOptions};
use crate::domain::ids::{ClientId, TenantId};
use crate::domain::resource_server::text::{self, SettingTextRefused, clients_text, parse_clients};
use crate::domain::resource_server::{RegisteredScope, RequestingClients, ResourceIndicator, ResourceServer};
use crate::domain::time::Timestamp;
use crate::server::service::admin::resource_servers::ResourceServerRefused;
use crate::server::service::{Error, Services, TenantAdmin};

#[derive(clap::Args)]
pub struct ResourceArgs {
    #[command(subcommand)]
    command: ResourceCommand,
}

#[derive(Subcommand)]
enum ResourceCommand {
    /// Register an application that accepts access tokens of this portal, for its own scopes
    Add(ResourceAddArgs),
    /// Change a resource server; options that are not given leave the setting unchanged
    Set(ResourceSetArgs),
    /// Show a resource server's settings
    Show(ResourceSelector),
    /// List a tenant's resource servers
    List(TenantOptions),
    /// Remove a resource server; access to it that people allowed has no effect any more
    Remove(ResourceSelector),
}

#[derive(clap::Args)]
struct ResourceSelector {
    #[command(flatten)]
    target: TenantOptions,
    /// Its identifier, which is the audience of its tokens: an absolute URI, such as https://data.example.org/api
    #[arg(value_parser = |text: &str| ResourceIndicator::parse(text))]
    resource: ResourceIndicator,
}

#[derive(clap::Args)]
struct ResourceAddArgs {
    #[command(flatten)]
    selector: ResourceSelector,
    /// Its name, as people read it
    #[arg(long, value_parser = super::parse_name)]
    name: String,
    /// A scope that can be requested for it, with what it permits in both languages; may be given several times
    #[arg(long, value_name = "SCOPE=ENGLISH|SPANISH", required = true, value_parser = RegisteredScope::parse)]
    scope: Vec<RegisteredScope>,
    /// The clients that may ask people for access to it, separated by spaces; "*": all of the tenant
    #[arg(long, value_parser = RequestingClients::parse)]
    clients: RequestingClients,
    /// The confidential clients that may ask whether a token for it is valid, separated by spaces
    #[arg(long, default_value = "", value_parser = parse_client_list)]
    readers: ClientList,
}

#[derive(clap::Args)]
struct ResourceSetArgs {
    #[command(flatten)]
    selector: ResourceSelector,
    /// Its name, as people read it
    #[arg(long, value_parser = super::parse_name)]
    name: Option<String>,
    /// A scope that can be requested for it, with what it permits in both languages; may be given several times, and replaces the current ones
    #[arg(long, value_name = "SCOPE=ENGLISH|SPANISH", value_parser = RegisteredScope::parse)]
    scope: Vec<RegisteredScope>,
    /// The clients that may ask people for access to it, separated by spaces; "*": all of the tenant
    #[arg(long, value_parser = RequestingClients::parse)]
    clients: Option<RequestingClients>,
    /// The confidential clients that may ask whether a token for it is valid, separated by spaces
    #[arg(long, value_parser = parse_client_list)]
    readers: Option<ClientList>,
}

/// Client ids as one value of an option.
#[derive(Clone)]
struct ClientList(Vec<ClientId>);

fn parse_client_list(text: &str) -> Result<ClientList, SettingTextRefused> {
    parse_clients(text).map(ClientList)
}

pub async fn run(args: ResourceArgs) -> Result<(), CommandError> {
    let target = match &args.command {
        ResourceCommand::Add(ResourceAddArgs { selector, .. }) | ResourceCommand::Set(ResourceSetArgs { selector, .. }) => &selector.target,
        ResourceCommand::Show(selector) | ResourceCommand::Remove(selector) => &selector.target,
        ResourceCommand::List(target) => target,
    };
    let tenant = target.tenant.clone();
    let (services, operator) = target.open_as_operator().await?;
    let result = execute(&services, &operator, tenant, args.command).await;
    services.close().await;
    result
}

async fn execute(services: &Services, operator: &TenantAdmin, tenant: TenantId, command: ResourceCommand) -> Result<(), CommandError> {
    match command {
        ResourceCommand::Add(add) => {
            let server = add.into_server(tenant, services.now());
            let indicator = server.indicator.clone();
            services.add_resource_server(operator, server).await.map_err(|error| refused(error, &indicator))?;
            println!("Resource server {indicator} has been registered.");
        }
        ResourceCommand::Set(ResourceSetArgs { selector, name, mut scope, clients, readers }) => {
            text::sort(&mut scope);
            let edit = move |server: &mut ResourceServer| {
                server.name = name.unwrap_or_else(|| server.name.clone());
                if !scope.is_empty() {
                    server.scopes = scope;
                }
                server.clients = clients.unwrap_or_else(|| server.clients.clone());
                server.readers = readers.map_or_else(|| server.readers.clone(), |ClientList(readers)| readers);
            };
            let edited = services.edit_resource_server(operator, &selector.resource, None, edit).await;
            edited.map_err(|error| refused(error, &selector.resource))?;
            println!("Resource server {} has been changed.", selector.resource);
        }
        ResourceCommand::Show(ResourceSelector { resource, .. }) => {
            let found = services.find_resource_server(operator, &resource).await?;
            let not_found = || refused(Error::Refused(ResourceServerRefused::NotFound), &resource);
            print_settings(&found.ok_or_else(not_found)?);
        }
        ResourceCommand::List(_) => {
            for server in services.list_resource_servers(operator).await? {
                println!("{}  {}: {}", server.indicator, server.name, server.scope());
            }
        }
        ResourceCommand::Remove(ResourceSelector { resource, .. }) => {
            services.remove_resource_server(operator, &resource).await.map_err(|error| refused(error, &resource))?;
            println!("Resource server {resource} has been removed.");
        }
    }
    Ok(())
}

impl ResourceAddArgs {
    fn into_server(self, tenant_id: TenantId, now: Timestamp) -> ResourceServer {
        let Self { selector, name, mut scope, clients, readers: ClientList(readers) } = self;
        text::sort(&mut scope);
        ResourceServer { tenant_id, indicator: selector.resource, name, scopes: scope, clients, readers, created_at: now, updated_at: now }
    }
}

fn refused(error: Error<ResourceServerRefused>, indicator: &ResourceIndicator) -> CommandError {
    match error {
        Error::Refused(why) => CommandError::Other(format!("{indicator}: {why}")),
        Error::Internal(fault) => fault.into(),
    }
}

/// The settings by the names of their options.
fn print_settings(server: &ResourceServer) {
    println!("{:<9}{}", "name", server.name);
    for scope in &server.scopes {
        println!("{:<9}{}", "scope", scope.text());
    }
    println!("{:<9}{}", "clients", server.clients.text());
    println!("{:<9}{}", "readers", clients_text(&server.readers));
}
