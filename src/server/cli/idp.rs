//! `tms-portal idp add|list|test|remove`: where a tenant's people sign in.

use std::io::Read as _;

use clap::Subcommand;

use super::{Failed, InTenant};
use crate::domain::ids::ProviderId;
use crate::domain::provider::{MfaEvidence, Newcomers};
use crate::server::service::Error;
use crate::server::service::entropy::Secret;
use crate::server::service::identities::{NewProvider, ProviderRefused};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Let people of a tenant sign in at an identity provider
    Add(Box<Add>),
    /// List a tenant's identity providers, and the profiles there are
    List(InTenant),
    /// Ask a provider what it says of itself
    Test(One),
    /// Let nobody sign in there any more; who people are there stays known
    Remove(One),
}

#[derive(clap::Args)]
struct One {
    #[command(flatten)]
    place: InTenant,
    /// The provider
    #[arg(value_parser = |name: &str| ProviderId::parse(name))]
    provider: ProviderId,
}

#[derive(clap::Args)]
struct Add {
    #[command(flatten)]
    one: One,
    /// What kind of provider it is; `idp list` names them
    #[arg(long, default_value = "oidc")]
    profile: String,
    /// Where it is: the issuer of an OpenID provider, else its address
    #[arg(long, default_value = "")]
    base: String,
    /// As what it knows this portal
    #[arg(long)]
    client_id: String,
    /// Read the client's secret from standard input; without it, the portal is a public client
    #[arg(long)]
    secret_from_stdin: bool,
    /// What the button says [default: the provider's name]
    #[arg(long)]
    display_name: Option<String>,
    /// What to ask for, in place of the profile's scopes
    #[arg(long)]
    scope: Option<String>,
    /// Who may come for the first time: `open`, `invited`, or CLAIM=VALUE,VALUE
    #[arg(long, default_value = "invited", value_parser = newcomers)]
    newcomers: Newcomers,
    /// It demands a second factor of everybody
    #[arg(long)]
    mfa_always: bool,
    /// A value of `acr` that means a second factor; may be given several times
    #[arg(long)]
    mfa_acr: Vec<String>,
    /// A value of `amr` that means a second factor; may be given several times
    #[arg(long)]
    mfa_amr: Vec<String>,
    /// Call newcomers what it calls them; otherwise its own name is put behind theirs
    #[arg(long)]
    own_names: bool,
}

fn newcomers(text: &str) -> Result<Newcomers, String> {
    Newcomers::parse(text).ok_or_else(|| "say `open`, `invited`, or CLAIM=VALUE,VALUE".to_owned())
}

pub async fn run(arguments: Arguments) -> Result<(), Failed> {
    match arguments.verb {
        Verb::Add(add) => self::add(*add).await,
        Verb::List(place) => list(place).await,
        Verb::Test(one) => test(one).await,
        Verb::Remove(one) => remove(one).await,
    }
}

async fn add(add: Add) -> Result<(), Failed> {
    let mut secret = String::new();
    if add.secret_from_stdin {
        std::io::stdin().read_to_string(&mut secret).map_err(|error| Failed::Other(format!("the secret cannot be read: {error}")))?;
    }
    let (place, id) = (add.one.place, add.one.provider);
    let (services, operator) = place.open_as_operator().await?;
    let new = NewProvider {
        display_name: add.display_name.unwrap_or_else(|| id.to_string()),
        profile: add.profile,
        base: add.base,
        client_id: add.client_id,
        client_secret: Some(secret.trim()).filter(|secret| !secret.is_empty()).map(Secret::given),
        scope: add.scope,
        newcomers: add.newcomers,
        mfa: MfaEvidence { always: add.mfa_always, acr: add.mfa_acr, amr: add.mfa_amr },
        own_names: add.own_names,
        id: id.clone(),
    };
    let added = services.add_provider(&operator, new).await;
    services.close().await;
    added.map_err(|error| refused(error, &id))?;
    println!("People of {} can sign in with {id}. It must know this address, beneath the portal's public URL:", place.tenant);
    println!("  {}", crate::domain::paths::sign_in_back(&place.tenant, &id));
    Ok(())
}

async fn list(place: InTenant) -> Result<(), Failed> {
    let (services, operator) = place.open_as_operator().await?;
    let (listed, profiles) = (services.list_providers(&operator).await, services.profiles());
    services.close().await;
    for provider in listed? {
        println!("{}  {}  {}  {}", provider.id, provider.profile, provider.base, provider.display_name);
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
    println!("{provider} answers: its issuer is {}", tested.map_err(|error| refused(error, &provider))?);
    Ok(())
}

async fn remove(One { place, provider }: One) -> Result<(), Failed> {
    let (services, operator) = place.open_as_operator().await?;
    let removed = services.remove_provider(&operator, &provider).await;
    services.close().await;
    if !removed? {
        return Err(refused(Error::Refused(ProviderRefused::Gone), &provider));
    }
    println!("Nobody signs in with {provider} any more.");
    Ok(())
}

fn refused(error: Error<ProviderRefused>, id: &ProviderId) -> Failed {
    match error {
        Error::Refused(ProviderRefused::Exists) => Failed::Other(format!("there is a provider {id} already; remove it first")),
        Error::Refused(ProviderRefused::Gone) => Failed::Other(format!("there is no provider {id}")),
        Error::Refused(ProviderRefused::Trouble(trouble)) => Failed::Other(format!("{id}: {trouble}")),
        Error::Internal(fault) => fault.into(),
    }
}
