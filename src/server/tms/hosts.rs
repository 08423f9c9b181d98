//! `/v1/tms/hosts…`: the tenant's hosts and what they prove themselves with. For administrators.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Answer, Deleted, Done, Made, Paged, Paging, Updated, created, deleted, saying, success};
use super::auth::{AsAdmin, AsHost};
use super::body::{Body, InQuery, Number, Text, same_tenant};
use super::clients::Rotation;
use super::error::{Refused, TmsError};
use super::pubkeys::lookup_refused;
use crate::domain::host::Host;
use crate::domain::ids::HostName;
use crate::domain::readable::name;
use crate::server::service::hosts::{Added, Exists};
use crate::server::service::lookups::HostChecked;
use crate::server::service::{Error, Services};

#[derive(Deserialize, ToSchema)]
pub struct HostAddress {
    /// Free text, such as an IPv4 address. One that is a name (`vista.tacc.example`) is a further name of the host.
    addr: Text,
    host: Text,
    tenant: Text,
}

#[derive(Serialize, ToSchema)]
pub struct HostAdded {
    addr: String,
    host: String,
    tenant: String,
}

/// Adds a host address. A host that sends no tenant belongs to the first tenant that registered its name.
#[utoipa::path(post, path = "/v1/tms/hosts", tag = "hosts", request_body = HostAddress, security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 201, description = "Added", body = Answer<HostAdded>), Refused))]
pub async fn create(State(services): State<Services>, AsAdmin(admin): AsAdmin, Body(wanted): Body<HostAddress>) -> Made<HostAdded> {
    same_tenant(admin.tenant_id(), &wanted.tenant)?;
    let (host, address): (HostName, String) = (wanted.host.id("host")?, wanted.addr.words("addr")?);
    match services.add_host(&admin, &host, &address).await {
        Ok(Added { host, answers, shared_with }) => {
            let mut sentence = "success".to_owned();
            if let Some(other) = shared_with {
                sentence = format!("{sentence}; WARNING: {address} is also an address of {other}, so it identifies neither {host} nor {other}");
            }
            if !answers {
                sentence = format!("{sentence}; another tenant has a host with this name, so this host must send X-TMS-TENANT or a credential");
            }
            let (status, answer) = created(HostAdded { addr: address, host: host.into(), tenant: admin.tenant_id().to_string() });
            Ok((status, answer.0.but(&sentence)))
        }
        Err(Error::Refused(Exists)) => Err(TmsError::Conflict(format!("ERROR: {host} already has this address."))),
        Err(Error::Internal(fault)) => Err(fault.into()),
    }
}

#[derive(Serialize, ToSchema)]
pub struct HostShown {
    addr: String,
    created: String,
    host: String,
    id: i64,
    tenant: String,
    updated: String,
}

impl From<Host> for HostShown {
    fn from(host: Host) -> Self {
        Self {
            addr: host.address,
            created: host.created_at.to_rfc3339(),
            host: host.host.into(),
            id: host.number,
            tenant: host.tenant_id.into(),
            updated: host.updated_at.to_rfc3339(),
        }
    }
}

/// Returns a host address.
#[utoipa::path(get, path = "/v1/tms/hosts/{id}", tag = "hosts", params(("id" = i64, Path)), security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "The address", body = Answer<HostShown>), Refused))]
pub async fn get(State(services): State<Services>, AsAdmin(admin): AsAdmin, Number(id): Number) -> Done<HostShown> {
    Ok(success(services.find_host(&admin, id).await?.ok_or(TmsError::NOT_FOUND)?.into()))
}

/// TMS calls them `users` here too.
#[derive(Serialize, ToSchema)]
pub struct HostList {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    num_mappings: usize,
    users: Vec<HostShown>,
}

/// Lists all host addresses.
#[utoipa::path(get, path = "/v1/tms/hosts/list", tag = "hosts", params(Paging), security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "The addresses", body = Answer<HostList>), Refused))]
pub async fn list(State(services): State<Services>, AsAdmin(admin): AsAdmin, Paged(page): Paged) -> Done<HostList> {
    let hosts = services.list_hosts(&admin, page).await?;
    let next_cursor = page.next(&hosts, |host| host.number);
    let users: Vec<HostShown> = hosts.into_iter().map(HostShown::from).collect();
    Ok(success(HostList { num_mappings: users.len(), next_cursor, users }))
}

/// Removes a host address.
#[utoipa::path(delete, path = "/v1/tms/hosts/del", tag = "hosts", request_body = HostAddress, security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "Number of deleted records", body = Answer<Deleted>), Refused))]
pub async fn delete(State(services): State<Services>, AsAdmin(admin): AsAdmin, Body(wanted): Body<HostAddress>) -> Done<Deleted> {
    same_tenant(admin.tenant_id(), &wanted.tenant)?;
    let (host, typed): (HostName, String) = (wanted.host.id("host")?, wanted.addr.0);
    // As `create` reads it. Pages keep an address as it was typed, so that is looked for as well.
    let address = name(&typed).unwrap_or_else(|_| typed.clone());
    let mut was_there = services.remove_host(&admin, &host, &address).await?;
    if !was_there && typed != address {
        was_there = services.remove_host(&admin, &host, &typed).await?;
    }
    Ok(deleted(&format!("Host {host}"), was_there.into()))
}

#[derive(Deserialize, ToSchema)]
pub struct CredentialWanted {
    host: Text,
    /// Key lookups for the host require the credential. If omitted, they do not.
    #[serde(default)]
    required: Option<bool>,
    tenant: Text,
}

#[derive(Serialize, ToSchema)]
pub struct CredentialMade {
    /// What the host sends as `Authorization: Bearer`; shown only once.
    credential: String,
    host: String,
    /// Until when the host's previous credential also works.
    old_credential_until: String,
    required: bool,
    tenant: String,
}

/// Creates or rotates a host's credential. The old one keeps working for a while.
#[utoipa::path(post, path = "/v1/tms/hosts/credential", tag = "hosts", request_body = CredentialWanted, params(Rotation),
    security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 201, description = "The credential", body = Answer<CredentialMade>), Refused))]
pub async fn make_credential(
    State(services): State<Services>,
    AsAdmin(admin): AsAdmin,
    InQuery(rotation): InQuery<Rotation>,
    Body(wanted): Body<CredentialWanted>,
) -> Made<CredentialMade> {
    same_tenant(admin.tenant_id(), &wanted.tenant)?;
    let host: HostName = wanted.host.id("host")?;
    let (overlap, required) = (rotation.overlap()?, wanted.required.unwrap_or(false));
    let made = services.make_host_credential(&admin, &host, required, overlap).await?;
    Ok(created(CredentialMade {
        credential: made.secret.reveal().to_owned(),
        host: host.into(),
        old_credential_until: made.old_until.to_rfc3339(),
        required,
        tenant: admin.tenant_id().to_string(),
    }))
}

#[derive(Deserialize, ToSchema)]
pub struct CredentialPolicy {
    host: Text,
    required: bool,
    tenant: Text,
}

/// Sets whether a host must send its credential.
#[utoipa::path(patch, path = "/v1/tms/hosts/credential", tag = "hosts", request_body = CredentialPolicy, security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "Number of changed fields", body = Answer<Updated>), Refused))]
pub async fn require_credential(State(services): State<Services>, AsAdmin(admin): AsAdmin, Body(wanted): Body<CredentialPolicy>) -> Done<Updated> {
    same_tenant(admin.tenant_id(), &wanted.tenant)?;
    let host: HostName = wanted.host.id("host")?;
    let fields_updated = services.require_host_credential(&admin, &host, wanted.required).await?.into();
    Ok(saying(format!("{fields_updated} update(s) to the credential of {host} completed"), Updated { fields_updated }))
}

#[derive(Deserialize, ToSchema)]
pub struct CredentialEnd {
    host: Text,
    tenant: Text,
}

/// Deletes a host's credential.
#[utoipa::path(delete, path = "/v1/tms/hosts/credential", tag = "hosts", request_body = CredentialEnd, security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "Number of deleted records", body = Answer<Deleted>), Refused))]
pub async fn remove_credential(State(services): State<Services>, AsAdmin(admin): AsAdmin, Body(wanted): Body<CredentialEnd>) -> Done<Deleted> {
    same_tenant(admin.tenant_id(), &wanted.tenant)?;
    let host: HostName = wanted.host.id("host")?;
    Ok(deleted(&format!("Credential of {host}"), services.remove_host_credential(&admin, &host).await?.into()))
}

#[derive(Deserialize, ToSchema)]
pub struct HostAsking {
    host: Text,
}

/// What the portal knows about a host. Some fields are null without the host's credential.
#[derive(Serialize, ToSchema)]
pub struct HostStanding {
    /// The host belongs to this tenant even if it sends neither tenant nor credential.
    answers_without_tenant: Option<bool>,
    /// The host sent its credential.
    credential_accepted: bool,
    /// Key lookups require the host's credential.
    credential_required: bool,
    /// The host's registered name; names are case-insensitive.
    host: Option<String>,
    /// An address of the host is registered.
    registered: Option<bool>,
    /// The tenant of the credential, or else the one that was sent.
    tenant: Option<String>,
    /// The tenant exists and is enabled; null if none was sent.
    tenant_enabled: Option<bool>,
}

/// Returns what the portal knows about the calling host. Whether it is registered is returned only with its credential.
#[utoipa::path(post, path = "/v1/tms/hosts/check", tag = "hosts", request_body = HostAsking, security((), ("tenant" = []), ("host" = [])),
    responses((status = 200, description = "The host's status", body = Answer<HostStanding>), Refused))]
pub async fn check(State(services): State<Services>, AsHost(asking): AsHost, Body(asked): Body<HostAsking>) -> Done<HostStanding> {
    let host: HostName = asked.host.id("host")?;
    let HostChecked { tenant_id, tenant_enabled, credential_required, known } = services.check_host(&asking, &host).await.map_err(lookup_refused)?;
    Ok(success(HostStanding {
        answers_without_tenant: known.as_ref().map(|known| known.answers_without_tenant),
        credential_accepted: known.is_some(),
        credential_required,
        registered: known.as_ref().map(|known| known.registered),
        host: known.map(|known| known.host.into()),
        tenant: tenant_id.map(String::from),
        tenant_enabled,
    }))
}
