//! `tms-portal idp add|set|list|test|remove`: a tenant's identity providers.

use clap::Subcommand;

use super::secrets::read_secret;
use super::{CommandError, TenantOptions};
use crate::domain::group::GroupName;
use crate::domain::ids::{HostName, ProviderId};
use crate::domain::provider::claims::MfaEvidence;
use crate::domain::provider::groups::GroupClaim;
use crate::domain::provider::provisioning::ProvisioningPolicy;
use crate::domain::upstream_accounts::UpstreamHosts;
use crate::i18n;
use crate::server::providers::check_url;
use crate::server::service::Error;
use crate::server::service::admin::edit_refused::EditRefused;
use crate::server::service::admin::providers::{NewProvider, ProviderRefused};

#[derive(clap::Args)]
pub struct IdpArgs {
    #[command(subcommand)]
    command: IdpCommand,
}

#[derive(Subcommand)]
enum IdpCommand {
    /// Add an identity provider for a tenant
    Add(Box<IdpAddArgs>),
    /// Change a provider's settings; options that are not given leave the setting unchanged
    Set(Box<IdpSetArgs>),
    /// List a tenant's identity providers and the available profiles
    List(TenantOptions),
    /// Fetch a provider's metadata
    Test(ProviderSelector),
    /// Remove a provider; linked identities are kept
    Remove(ProviderSelector),
}

#[derive(clap::Args)]
struct ProviderSelector {
    #[command(flatten)]
    target: TenantOptions,
    /// The provider's short name
    #[arg(value_parser = |name: &str| ProviderId::parse(name))]
    provider: ProviderId,
}

#[derive(clap::Args)]
struct IdpAddArgs {
    #[command(flatten)]
    selector: ProviderSelector,
    /// The provider's profile; see `idp list`
    #[arg(long, default_value = "oidc")]
    profile: String,
    /// The issuer URL of an OpenID Connect provider, otherwise its base URL
    #[arg(long, default_value = "")]
    base: String,
    /// The client ID
    #[arg(long)]
    client_id: String,
    /// Read the client secret from standard input; without it, the portal is a public client
    #[arg(long)]
    secret_from_stdin: bool,
    /// The button label [default: the provider's short name]
    #[arg(long, value_parser = super::parse_name)]
    display_name: Option<String>,
    /// The scopes to request instead of the profile's
    #[arg(long)]
    scope: Option<String>,
    /// New users who may sign in: `open` (anyone), `invited`, or CLAIM=VALUE,VALUE
    #[arg(long = "newcomers", value_name = "NEWCOMERS", default_value = "invited", value_parser = parse_provisioning)]
    provisioning: ProvisioningPolicy,
    /// The provider requires a second factor from every user
    #[arg(long)]
    mfa_always: bool,
    /// An `acr` value that proves a second factor; may be given several times
    #[arg(long)]
    mfa_acr: Vec<String>,
    /// An `amr` value that proves a second factor; may be given several times
    #[arg(long)]
    mfa_amr: Vec<String>,
    /// Use the provider's user names unchanged for new users; otherwise `~` and its short name are appended
    #[arg(long)]
    own_names: bool,
    /// A host that the provider manages, by its name here: people link accounts on it by signing in there; may be given several times
    #[arg(long, value_parser = |name: &str| HostName::parse(name))]
    host: Vec<HostName>,
    /// The URL of the provider's list of host accounts; without it, the user name at the provider is the account name on these hosts
    #[arg(long, requires = "host", value_parser = parse_url)]
    resource_list: Option<String>,
}

#[derive(clap::Args)]
struct IdpSetArgs {
    #[command(flatten)]
    selector: ProviderSelector,
    /// The button label
    #[arg(long, value_parser = super::parse_name)]
    display_name: Option<String>,
    /// The scopes to request; empty: the profile's
    #[arg(long)]
    scope: Option<String>,
    /// New users who may sign in: `open` (anyone), `invited`, or `CLAIM=VALUE,VALUE`
    #[arg(long = "newcomers", value_name = "NEWCOMERS", value_parser = parse_provisioning)]
    provisioning: Option<ProvisioningPolicy>,
    /// Whether the provider requires a second factor from every user
    #[arg(long)]
    mfa_always: Option<bool>,
    /// Replaces the current values: an `acr` value that proves a second factor; may be given several times, empty for none
    #[arg(long)]
    mfa_acr: Vec<String>,
    /// Replaces the current values: an `amr` value that proves a second factor; may be given several times, empty for none
    #[arg(long)]
    mfa_amr: Vec<String>,
    /// Whether the provider's user names are used unchanged for new users
    #[arg(long)]
    own_names: Option<bool>,
    /// Replaces the current hosts: a host that the provider manages; may be given several times, empty for none
    #[arg(long, value_parser = parse_host)]
    host: Vec<String>,
    /// The URL of the provider's list of host accounts; empty: none
    #[arg(long, value_parser = parse_url)]
    resource_list: Option<String>,
    /// A claim whose values put people into groups of the tenant; empty: none
    #[arg(long, value_name = "CLAIM")]
    group_claim: Option<String>,
    /// Replaces the current values: VALUE=GROUP, a value of that claim and its group here; may be given several times
    #[arg(long, value_name = "VALUE=GROUP", value_parser = parse_group)]
    group: Vec<(String, GroupName)>,
    /// Whether the provider is enabled
    #[arg(long)]
    enabled: Option<bool>,
    /// Whether the provider may be on the portal's own network, which administrators in the portal cannot allow
    #[arg(long)]
    anywhere: Option<bool>,
    /// Read a new client secret from standard input
    #[arg(long)]
    secret_from_stdin: bool,
}

fn parse_provisioning(text: &str) -> Result<ProvisioningPolicy, String> {
    ProvisioningPolicy::parse(text).ok_or_else(|| "use `open`, `invited`, or CLAIM=VALUE,VALUE".to_owned())
}

/// The value may have equals signs, as names of LDAP do.
fn parse_group(text: &str) -> Result<(String, GroupName), String> {
    let (value, group) = text.rsplit_once('=').filter(|(value, _)| !value.is_empty()).ok_or("use VALUE=GROUP")?;
    Ok((value.to_owned(), GroupName::parse(group).map_err(|refused| refused.to_string())?))
}

/// The claim with its groups, after a change of one or both. `None` without claim.
fn group_claim(current: Option<GroupClaim>, claim: Option<String>, groups: Vec<(String, GroupName)>) -> Option<GroupClaim> {
    let (claim_now, groups_now) = current.map(|current| (current.claim, current.groups)).unwrap_or_default();
    let claim = claim.unwrap_or(claim_now);
    let groups = if groups.is_empty() { groups_now } else { groups.into_iter().collect() };
    (!claim.is_empty()).then_some(GroupClaim { claim, groups })
}

/// A host name, or an empty string.
fn parse_host(name: &str) -> Result<String, String> {
    let parsed = HostName::parse(name).map(|_| ()).map_err(|refused| refused.to_string());
    if name.is_empty() { Ok(String::new()) } else { parsed.map(|()| name.to_owned()) }
}

/// A URL that a token may be sent to, or an empty string.
fn parse_url(address: &str) -> Result<String, String> {
    let checked = check_url(address, true).map_err(|error| error.to_string());
    if address.is_empty() { Ok(String::new()) } else { checked.map(|()| address.to_owned()) }
}

pub async fn run(args: IdpArgs) -> Result<(), CommandError> {
    match args.command {
        IdpCommand::Add(add) => self::add(*add).await,
        IdpCommand::Set(set) => self::set(*set).await,
        IdpCommand::List(target) => list(target).await,
        IdpCommand::Test(selector) => test(selector).await,
        IdpCommand::Remove(selector) => remove(selector).await,
    }
}

async fn add(add: IdpAddArgs) -> Result<(), CommandError> {
    let client_secret = if add.secret_from_stdin { Some(read_secret()?) } else { None };
    let (target, id) = (add.selector.target, add.selector.provider);
    let (services, operator) = target.open_as_operator().await?;
    let new = NewProvider {
        display_name: add.display_name.unwrap_or_else(|| id.to_string()),
        profile: add.profile,
        base_url: add.base,
        client_id: add.client_id,
        client_secret,
        scope: add.scope,
        provisioning: add.provisioning,
        mfa: MfaEvidence { always: add.mfa_always, acr: add.mfa_acr, amr: add.mfa_amr },
        own_names: add.own_names,
        upstream_hosts: upstream_hosts(add.host, add.resource_list),
        id: id.clone(),
    };
    let added = services.add_provider(&operator, new).await;
    services.close().await;
    added.map_err(|error| provider_error(error, &id))?;
    println!("People of {} can sign in with {id}. Register this redirect URI at the provider, below the portal's public URL:", target.tenant);
    println!("  {}", crate::domain::paths::upstream_callback(&target.tenant, &id));
    println!("If it supports sign-out, also register the post-logout redirect URI and the back-channel logout URI:");
    println!("  {}\n  {}", crate::domain::paths::SIGNED_OUT, crate::domain::paths::backchannel_logout(&target.tenant, &id));
    Ok(())
}

/// `None` if there are no hosts.
fn upstream_hosts(hosts: Vec<HostName>, list: Option<String>) -> Option<UpstreamHosts> {
    (!hosts.is_empty()).then(|| UpstreamHosts { hosts, list: list.filter(|list| !list.is_empty()) })
}

async fn set(set: IdpSetArgs) -> Result<(), CommandError> {
    let IdpSetArgs {
        selector: ProviderSelector { target, provider: id },
        display_name,
        scope,
        provisioning,
        mfa_always,
        mfa_acr,
        mfa_amr,
        own_names,
        host,
        resource_list,
        group_claim,
        group,
        enabled,
        anywhere,
        ..
    } = set;
    let secret = if set.secret_from_stdin { Some(read_secret()?) } else { None };
    let (services, operator) = target.open_as_operator().await?;
    let non_empty = |values: Vec<String>| (!values.is_empty()).then(|| values.into_iter().filter(|value| !value.is_empty()).collect::<Vec<_>>());
    let (acr, amr, hosts) = (non_empty(mfa_acr), non_empty(mfa_amr), non_empty(host));
    let hosts: Option<Vec<HostName>> = hosts.map(|names| names.into_iter().filter_map(|name| HostName::parse(name).ok()).collect());
    // A list without hosts has no effect: there would be no host to link accounts on.
    if resource_list.as_deref().is_some_and(|list| !list.is_empty()) && hosts.is_none() {
        let has_hosts = services.list_providers(&operator).await?.iter().any(|provider| provider.id == id && provider.upstream_hosts.is_some());
        if !has_hosts {
            services.close().await;
            return Err(CommandError::Other(format!("{id} has no hosts here: pass them with --host")));
        }
    }
    // Groups without a claim have no effect either.
    if !group.is_empty() && group_claim.as_ref().is_none_or(String::is_empty) {
        let has_claim = services.list_providers(&operator).await?.iter().any(|provider| provider.id == id && provider.group_claim.is_some());
        if group_claim.is_some() || !has_claim {
            services.close().await;
            return Err(CommandError::Other(format!("{id} has no claim with groups here: pass it with --group-claim")));
        }
    }
    let mut result = services
        .edit_provider(&operator, &id, None, move |provider| {
            let given_or = |given: Option<bool>, current: bool| given.unwrap_or(current);
            provider.display_name = display_name.unwrap_or_else(|| provider.display_name.clone());
            provider.scope = scope.map_or_else(|| provider.scope.clone(), |scope| Some(scope).filter(|scope| !scope.is_empty()));
            provider.provisioning = provisioning.unwrap_or_else(|| provider.provisioning.clone());
            provider.mfa.always = given_or(mfa_always, provider.mfa.always);
            provider.mfa.acr = acr.unwrap_or_else(|| provider.mfa.acr.clone());
            provider.mfa.amr = amr.unwrap_or_else(|| provider.mfa.amr.clone());
            provider.own_names = given_or(own_names, provider.own_names);
            let UpstreamHosts { hosts: hosts_now, list } = provider.upstream_hosts.take().unwrap_or_default();
            provider.upstream_hosts = upstream_hosts(hosts.unwrap_or(hosts_now), resource_list.or(list));
            provider.group_claim = self::group_claim(provider.group_claim.take(), group_claim, group);
            provider.enabled = given_or(enabled, provider.enabled);
            provider.unrestricted_egress = given_or(anywhere, provider.unrestricted_egress);
        })
        .await;
    if let (Ok(()), Some(secret)) = (&result, secret) {
        let replaced = services.replace_provider_secret(&operator, &id, &secret).await;
        result = replaced.map_err(Error::Internal).and_then(|replaced| replaced.then_some(()).ok_or(Error::Refused(EditRefused::NotFound)));
    }
    services.close().await;
    result.map_err(|error| edit_error(error, &id))?;
    println!("{id} has been changed.");
    Ok(())
}

async fn list(target: TenantOptions) -> Result<(), CommandError> {
    let (services, operator) = target.open_as_operator().await?;
    let (listed, profiles) = (services.list_providers(&operator).await, services.profiles());
    services.close().await;
    for provider in listed? {
        let state = if provider.enabled { "on" } else { "off" };
        println!("{}  {state}  {}  {}  {}", provider.id, provider.profile, provider.base_url, provider.display_name);
        if let Some(UpstreamHosts { hosts, list }) = provider.upstream_hosts {
            let hosts: Vec<&str> = hosts.iter().map(HostName::as_str).collect();
            println!("  hosts: {}  listed at: {}", hosts.join(" "), list.as_deref().unwrap_or("nowhere"));
        }
        if let Some(GroupClaim { claim, groups }) = provider.group_claim {
            let groups: Vec<String> = groups.iter().map(|(value, group)| format!("{}={group}", value.escape_debug())).collect();
            println!("  groups: {}  {}", claim.escape_debug(), groups.join("  "));
        }
    }
    println!("\nprofiles:");
    for (name, profile) in profiles {
        println!("  {name}  {}", profile.about);
    }
    Ok(())
}

async fn test(ProviderSelector { target, provider }: ProviderSelector) -> Result<(), CommandError> {
    let (services, operator) = target.open_as_operator().await?;
    let tested = services.test_provider(&operator, &provider).await;
    services.close().await;
    println!("OK: {provider} has the issuer {}", tested.map_err(|error| provider_error(error, &provider))?);
    Ok(())
}

async fn remove(ProviderSelector { target, provider }: ProviderSelector) -> Result<(), CommandError> {
    let (services, operator) = target.open_as_operator().await?;
    let removed = services.remove_provider(&operator, &provider).await;
    services.close().await;
    removed.map_err(|error| edit_error(error, &provider))?;
    println!("Provider {provider} has been removed. Linked identities are kept.");
    Ok(())
}

fn provider_error(error: Error<ProviderRefused>, id: &ProviderId) -> CommandError {
    match error {
        Error::Refused(ProviderRefused::Exists) => CommandError::Other(format!("provider {id} already exists; remove it first")),
        Error::Refused(ProviderRefused::NotFound) => CommandError::Other(format!("provider {id} does not exist")),
        Error::Refused(ProviderRefused::ProviderFailed(error)) => CommandError::Other(format!("{id}: {}", i18n::fallback().provider_error(&error))),
        Error::Internal(fault) => fault.into(),
    }
}

fn edit_error(error: Error<EditRefused>, id: &ProviderId) -> CommandError {
    match error {
        Error::Refused(EditRefused::NotFound) => CommandError::Other(format!("provider {id} does not exist")),
        // Cannot happen: operators pass no expected state, and may lock out all administrators.
        Error::Refused(EditRefused::Stale | EditRefused::NoAdminLeft) => CommandError::Other(format!("{id} was changed in the meantime; try again")),
        Error::Internal(fault) => fault.into(),
    }
}
