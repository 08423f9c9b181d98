//! `tms-portal idp add|set|list|test|remove`: where a tenant's people sign in.

use std::io::Read as _;

use clap::Subcommand;

use super::{Failed, InTenant};
use crate::domain::ids::{HostName, ProviderId};
use crate::domain::provider::{MfaEvidence, Newcomers};
use crate::domain::resources::Resources;
use crate::server::providers::check_address;
use crate::server::service::Error;
use crate::server::service::administration::EditRefused;
use crate::server::service::entropy::Secret;
use crate::server::service::providers::{NewProvider, ProviderRefused};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Add an identity provider for a tenant
    Add(Box<Add>),
    /// Change a provider's settings; options that are not given leave the setting unchanged
    Set(Box<Set>),
    /// List a tenant's identity providers and the available profiles
    List(InTenant),
    /// Fetch a provider's metadata
    Test(One),
    /// Remove a provider; linked identities are kept
    Remove(One),
}

#[derive(clap::Args)]
struct One {
    #[command(flatten)]
    place: InTenant,
    /// The provider's short name
    #[arg(value_parser = |name: &str| ProviderId::parse(name))]
    provider: ProviderId,
}

#[derive(clap::Args)]
struct Add {
    #[command(flatten)]
    one: One,
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
    #[arg(long, value_parser = super::name)]
    display_name: Option<String>,
    /// The scopes to request instead of the profile's
    #[arg(long)]
    scope: Option<String>,
    /// New users who may sign in: `open` (anyone), `invited`, or CLAIM=VALUE,VALUE
    #[arg(long, default_value = "invited", value_parser = newcomers)]
    newcomers: Newcomers,
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
    #[arg(long, requires = "host", value_parser = address)]
    resource_list: Option<String>,
}

#[derive(clap::Args)]
struct Set {
    #[command(flatten)]
    one: One,
    /// The button label
    #[arg(long, value_parser = super::name)]
    display_name: Option<String>,
    /// The scopes to request; empty: the profile's
    #[arg(long)]
    scope: Option<String>,
    /// New users who may sign in: `open` (anyone), `invited`, or `CLAIM=VALUE,VALUE`
    #[arg(long, value_parser = newcomers)]
    newcomers: Option<Newcomers>,
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
    #[arg(long, value_parser = host)]
    host: Vec<String>,
    /// The URL of the provider's list of host accounts; empty: none
    #[arg(long, value_parser = address)]
    resource_list: Option<String>,
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

fn newcomers(text: &str) -> Result<Newcomers, String> {
    Newcomers::parse(text).ok_or_else(|| "use `open`, `invited`, or CLAIM=VALUE,VALUE".to_owned())
}

/// A host's name, or nothing.
fn host(name: &str) -> Result<String, String> {
    let named = HostName::parse(name).map(|_| ()).map_err(|refused| refused.to_string());
    if name.is_empty() { Ok(String::new()) } else { named.map(|()| name.to_owned()) }
}

/// An address that a token may be sent to, or nothing.
fn address(address: &str) -> Result<String, String> {
    let safe = check_address(address, true).map_err(|trouble| trouble.to_string());
    if address.is_empty() { Ok(String::new()) } else { safe.map(|()| address.to_owned()) }
}

pub async fn run(arguments: Arguments) -> Result<(), Failed> {
    match arguments.verb {
        Verb::Add(add) => self::add(*add).await,
        Verb::Set(set) => self::set(*set).await,
        Verb::List(place) => list(place).await,
        Verb::Test(one) => test(one).await,
        Verb::Remove(one) => remove(one).await,
    }
}

async fn add(add: Add) -> Result<(), Failed> {
    let client_secret = if add.secret_from_stdin { Some(read_secret()?) } else { None };
    let (place, id) = (add.one.place, add.one.provider);
    let (services, operator) = place.open_as_operator().await?;
    let new = NewProvider {
        display_name: add.display_name.unwrap_or_else(|| id.to_string()),
        profile: add.profile,
        base: add.base,
        client_id: add.client_id,
        client_secret,
        scope: add.scope,
        newcomers: add.newcomers,
        mfa: MfaEvidence { always: add.mfa_always, acr: add.mfa_acr, amr: add.mfa_amr },
        own_names: add.own_names,
        resources: owned(add.host, add.resource_list),
        id: id.clone(),
    };
    let added = services.add_provider(&operator, new).await;
    services.close().await;
    added.map_err(|error| refused(error, &id))?;
    println!("People of {} can sign in with {id}. Register this redirect URI at the provider, below the portal's public URL:", place.tenant);
    println!("  {}", crate::domain::paths::sign_in_back(&place.tenant, &id));
    println!("If it supports sign-out, also register the post-logout redirect URI and the back-channel logout URI:");
    println!("  {}\n  {}", crate::domain::paths::SIGNED_OUT, crate::domain::paths::sign_in_ended(&place.tenant, &id));
    Ok(())
}

/// Nothing, where there are no hosts.
fn owned(hosts: Vec<HostName>, list: Option<String>) -> Option<Resources> {
    (!hosts.is_empty()).then(|| Resources { hosts, list: list.filter(|list| !list.is_empty()) })
}

fn read_secret() -> Result<Secret, Failed> {
    let mut secret = String::new();
    std::io::stdin().read_to_string(&mut secret).map_err(|error| Failed::Other(format!("cannot read the secret: {error}")))?;
    let secret = secret.trim_start_matches('\u{feff}').trim();
    if secret.is_empty() { Err(Failed::Other("standard input is empty: expected the secret".to_owned())) } else { Ok(Secret::given(secret)) }
}

async fn set(set: Set) -> Result<(), Failed> {
    let Set {
        one: One { place, provider: id },
        display_name,
        scope,
        newcomers,
        mfa_always,
        mfa_acr,
        mfa_amr,
        own_names,
        host,
        resource_list,
        enabled,
        anywhere,
        ..
    } = set;
    let secret = if set.secret_from_stdin { Some(read_secret()?) } else { None };
    let (services, operator) = place.open_as_operator().await?;
    let some = |values: Vec<String>| (!values.is_empty()).then(|| values.into_iter().filter(|value| !value.is_empty()).collect::<Vec<_>>());
    let (acr, amr, hosts) = (some(mfa_acr), some(mfa_amr), some(host));
    let hosts: Option<Vec<HostName>> = hosts.map(|names| names.into_iter().filter_map(|name| HostName::parse(name).ok()).collect());
    // A list alone says nothing: accounts on no host could be linked.
    if resource_list.as_deref().is_some_and(|list| !list.is_empty()) && hosts.is_none() {
        let owns = services.list_providers(&operator).await?.iter().any(|provider| provider.id == id && provider.resources.is_some());
        if !owns {
            services.close().await;
            return Err(Failed::Other(format!("{id} has no hosts here: pass them with --host")));
        }
    }
    let mut done = services
        .set_up_provider(&operator, &id, None, move |provider| {
            let or = |new: Option<bool>, old: bool| new.unwrap_or(old);
            provider.display_name = display_name.unwrap_or_else(|| provider.display_name.clone());
            provider.scope = scope.map_or_else(|| provider.scope.clone(), |scope| Some(scope).filter(|scope| !scope.is_empty()));
            provider.newcomers = newcomers.unwrap_or_else(|| provider.newcomers.clone());
            provider.mfa.always = or(mfa_always, provider.mfa.always);
            provider.mfa.acr = acr.unwrap_or_else(|| provider.mfa.acr.clone());
            provider.mfa.amr = amr.unwrap_or_else(|| provider.mfa.amr.clone());
            provider.own_names = or(own_names, provider.own_names);
            let Resources { hosts: hosts_now, list } = provider.resources.take().unwrap_or_default();
            provider.resources = owned(hosts.unwrap_or(hosts_now), resource_list.or(list));
            provider.enabled = or(enabled, provider.enabled);
            provider.anywhere = or(anywhere, provider.anywhere);
        })
        .await;
    if let (Ok(()), Some(secret)) = (&done, secret) {
        let there = services.replace_provider_secret(&operator, &id, &secret).await;
        done = there.map_err(Error::Internal).and_then(|there| there.then_some(()).ok_or(Error::Refused(EditRefused::Gone)));
    }
    services.close().await;
    done.map_err(|error| unchanged(error, &id))?;
    println!("{id} has been changed.");
    Ok(())
}

async fn list(place: InTenant) -> Result<(), Failed> {
    let (services, operator) = place.open_as_operator().await?;
    let (listed, profiles) = (services.list_providers(&operator).await, services.profiles());
    services.close().await;
    for provider in listed? {
        let state = if provider.enabled { "on" } else { "off" };
        println!("{}  {state}  {}  {}  {}", provider.id, provider.profile, provider.base, provider.display_name);
        if let Some(Resources { hosts, list }) = provider.resources {
            let hosts: Vec<&str> = hosts.iter().map(HostName::as_str).collect();
            println!("  hosts: {}  listed at: {}", hosts.join(" "), list.as_deref().unwrap_or("nowhere"));
        }
    }
    println!("\nprofiles:");
    for (name, profile) in profiles {
        println!("  {name}  {}", profile.about);
    }
    Ok(())
}

async fn test(One { place, provider }: One) -> Result<(), Failed> {
    let (services, operator) = place.open_as_operator().await?;
    let tested = services.test_provider(&operator, &provider).await;
    services.close().await;
    println!("OK: {provider} has the issuer {}", tested.map_err(|error| refused(error, &provider))?);
    Ok(())
}

async fn remove(One { place, provider }: One) -> Result<(), Failed> {
    let (services, operator) = place.open_as_operator().await?;
    let removed = services.remove_provider(&operator, &provider).await;
    services.close().await;
    removed.map_err(|error| unchanged(error, &provider))?;
    println!("Provider {provider} has been removed. Linked identities are kept.");
    Ok(())
}

fn refused(error: Error<ProviderRefused>, id: &ProviderId) -> Failed {
    match error {
        Error::Refused(ProviderRefused::Exists) => Failed::Other(format!("provider {id} already exists; remove it first")),
        Error::Refused(ProviderRefused::Gone) => Failed::Other(format!("provider {id} does not exist")),
        Error::Refused(ProviderRefused::Trouble(trouble)) => Failed::Other(format!("{id}: {trouble}")),
        Error::Internal(fault) => fault.into(),
    }
}

fn unchanged(error: Error<EditRefused>, id: &ProviderId) -> Failed {
    match error {
        Error::Refused(EditRefused::Gone) => Failed::Other(format!("provider {id} does not exist")),
        // The operator names no state that was seen, and may lock out whom they like.
        Error::Refused(EditRefused::Stale | EditRefused::LocksOut) => Failed::Other(format!("{id} was changed in the meantime; try again")),
        Error::Internal(fault) => fault.into(),
    }
}
