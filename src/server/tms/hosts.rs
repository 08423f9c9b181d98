//! `/v1/tms/hosts…`: the tenant's hosts and their credentials. For administrators.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::{AdminAuth, HostCallerAuth};
use super::clients::RotationParams;
use super::error::{ErrorResponses, TmsError};
use super::extractors::{JsonBody, QueryParams, RowId, Text, check_tenant};
use super::pubkeys::lookup_error;
use super::reply::{
    CreatedResult, DeleteResponse, Pagination, PaginationParams, Reply, ReplyResult, UpdateResponse, created, deleted, reply_with, success,
};
use crate::domain::display_text::parse_name;
use crate::domain::host::Host;
use crate::domain::ids::HostName;
use crate::domain::refused_lookup::RefusedLookup;
use crate::server::service::admin::hosts::{AddHostRefused, AddedAddress};
use crate::server::service::ssh_keys::lookups::HostCheck;
use crate::server::service::{Error, Services};

#[derive(Deserialize, ToSchema)]
pub struct HostAddress {
    /// Free text, such as an IPv4 address. One that is a name (`vista.tacc.example`) is a further name of the host.
    addr: Text,
    host: Text,
    tenant: Text,
}

#[derive(Serialize, ToSchema)]
pub struct CreatedHostAddress {
    addr: String,
    host: String,
    tenant: String,
}

/// Adds a host address. A host that sends no tenant belongs to the first tenant that registered its name.
#[utoipa::path(post, path = "/v1/tms/hosts", tag = "hosts", request_body = HostAddress, security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 201, description = "Added", body = Reply<CreatedHostAddress>), ErrorResponses))]
pub async fn create(
    State(services): State<Services>,
    AdminAuth(admin): AdminAuth,
    JsonBody(request): JsonBody<HostAddress>,
) -> CreatedResult<CreatedHostAddress> {
    check_tenant(admin.tenant_id(), &request.tenant)?;
    let (host, address): (HostName, String) = (request.host.id("host")?, request.addr.display_text("addr")?);
    match services.add_host(&admin, &host, &address).await {
        Ok(AddedAddress { host, is_default_tenant, shared_with }) => {
            let mut sentence = "success".to_owned();
            if let Some(other) = shared_with {
                sentence = format!("{sentence}; WARNING: {address} is also an address of {other}, so it identifies neither {host} nor {other}");
            }
            if !is_default_tenant {
                sentence = format!("{sentence}; another tenant has a host with this name, so this host must send X-TMS-TENANT or a credential");
            }
            let (status, answer) = created(CreatedHostAddress { addr: address, host: host.into(), tenant: admin.tenant_id().to_string() });
            Ok((status, answer.0.with_message(&sentence)))
        }
        Err(Error::Refused(AddHostRefused)) => Err(TmsError::Conflict(format!("ERROR: {host} already has this address."))),
        Err(Error::Internal(fault)) => Err(fault.into()),
    }
}

#[derive(Serialize, ToSchema)]
pub struct HostAddressResponse {
    addr: String,
    created: String,
    host: String,
    id: i64,
    tenant: String,
    updated: String,
}

impl From<Host> for HostAddressResponse {
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
    responses((status = 200, description = "The address", body = Reply<HostAddressResponse>), ErrorResponses))]
pub async fn get(State(services): State<Services>, AdminAuth(admin): AdminAuth, RowId(id): RowId) -> ReplyResult<HostAddressResponse> {
    Ok(success(services.find_host(&admin, id).await?.ok_or(TmsError::NOT_FOUND)?.into()))
}

/// TMS calls them `users` here too.
#[derive(Serialize, ToSchema)]
pub struct HostList {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    num_mappings: usize,
    users: Vec<HostAddressResponse>,
}

/// Lists all host addresses.
#[utoipa::path(get, path = "/v1/tms/hosts/list", tag = "hosts", params(PaginationParams), security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "The addresses", body = Reply<HostList>), ErrorResponses))]
pub async fn list(State(services): State<Services>, AdminAuth(admin): AdminAuth, Pagination(page): Pagination) -> ReplyResult<HostList> {
    let hosts = services.list_hosts(&admin, page).await?;
    let next_cursor = page.next_cursor(&hosts, |host| host.number);
    let users: Vec<HostAddressResponse> = hosts.into_iter().map(HostAddressResponse::from).collect();
    Ok(success(HostList { num_mappings: users.len(), next_cursor, users }))
}

/// Removes a host address.
#[utoipa::path(delete, path = "/v1/tms/hosts/del", tag = "hosts", request_body = HostAddress, security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "Number of deleted records", body = Reply<DeleteResponse>), ErrorResponses))]
pub async fn delete(
    State(services): State<Services>,
    AdminAuth(admin): AdminAuth,
    JsonBody(request): JsonBody<HostAddress>,
) -> ReplyResult<DeleteResponse> {
    check_tenant(admin.tenant_id(), &request.tenant)?;
    let (host, typed): (HostName, String) = (request.host.id("host")?, request.addr.0);
    // As `create` parses it. Pages store an address as typed, so both forms are looked up.
    let address = parse_name(&typed).unwrap_or_else(|_| typed.clone());
    let mut was_there = services.remove_host(&admin, &host, &address).await?;
    if !was_there && typed != address {
        was_there = services.remove_host(&admin, &host, &typed).await?;
    }
    Ok(deleted(&format!("Host {host}"), was_there.into()))
}

#[derive(Deserialize, ToSchema)]
pub struct CredentialRequest {
    host: Text,
    /// Key lookups for the host require the credential. If omitted, they do not.
    #[serde(default)]
    required: Option<bool>,
    tenant: Text,
}

#[derive(Serialize, ToSchema)]
pub struct CreatedCredential {
    /// What the host sends as `Authorization: Bearer`; shown only once.
    credential: String,
    host: String,
    /// Until when the host's previous credential also works.
    old_credential_until: String,
    required: bool,
    tenant: String,
}

/// Creates or rotates a host's credential. The old one keeps working for a while.
#[utoipa::path(post, path = "/v1/tms/hosts/credential", tag = "hosts", request_body = CredentialRequest, params(RotationParams),
    security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 201, description = "The credential", body = Reply<CreatedCredential>), ErrorResponses))]
pub async fn make_credential(
    State(services): State<Services>,
    AdminAuth(admin): AdminAuth,
    QueryParams(rotation): QueryParams<RotationParams>,
    JsonBody(request): JsonBody<CredentialRequest>,
) -> CreatedResult<CreatedCredential> {
    check_tenant(admin.tenant_id(), &request.tenant)?;
    let host: HostName = request.host.id("host")?;
    let (overlap, required) = (rotation.overlap()?, request.required.unwrap_or(false));
    let made = services.create_host_credential(&admin, &host, required, overlap).await?;
    Ok(created(CreatedCredential {
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
    responses((status = 200, description = "Number of changed fields", body = Reply<UpdateResponse>), ErrorResponses))]
pub async fn require_credential(
    State(services): State<Services>,
    AdminAuth(admin): AdminAuth,
    JsonBody(request): JsonBody<CredentialPolicy>,
) -> ReplyResult<UpdateResponse> {
    check_tenant(admin.tenant_id(), &request.tenant)?;
    let host: HostName = request.host.id("host")?;
    let fields_updated = services.require_host_credential(&admin, &host, request.required).await?.into();
    Ok(reply_with(format!("{fields_updated} update(s) to the credential of {host} completed"), UpdateResponse { fields_updated }))
}

#[derive(Deserialize, ToSchema)]
pub struct CredentialRevocation {
    host: Text,
    tenant: Text,
}

/// Deletes a host's credential.
#[utoipa::path(delete, path = "/v1/tms/hosts/credential", tag = "hosts", request_body = CredentialRevocation, security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "Number of deleted records", body = Reply<DeleteResponse>), ErrorResponses))]
pub async fn remove_credential(
    State(services): State<Services>,
    AdminAuth(admin): AdminAuth,
    JsonBody(request): JsonBody<CredentialRevocation>,
) -> ReplyResult<DeleteResponse> {
    check_tenant(admin.tenant_id(), &request.tenant)?;
    let host: HostName = request.host.id("host")?;
    Ok(deleted(&format!("Credential of {host}"), services.remove_host_credential(&admin, &host).await?.into()))
}

#[derive(Deserialize, ToSchema)]
pub struct HostCheckRequest {
    host: Text,
}

/// What the portal knows about a host. Some fields are null without the host's credential.
#[derive(Serialize, ToSchema)]
pub struct HostCheckResponse {
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
#[utoipa::path(post, path = "/v1/tms/hosts/check", tag = "hosts", request_body = HostCheckRequest, security((), ("tenant" = []), ("host" = [])),
    responses((status = 200, description = "The host's status", body = Reply<HostCheckResponse>), ErrorResponses))]
pub async fn check(
    State(services): State<Services>,
    HostCallerAuth(asking): HostCallerAuth,
    JsonBody(asked): JsonBody<HostCheckRequest>,
) -> ReplyResult<HostCheckResponse> {
    let host: HostName = asked.host.id("host")?;
    let HostCheck { tenant_id, tenant_enabled, credential_required, registration } =
        services.check_host(&asking, &host).await.map_err(lookup_error)?;
    Ok(success(HostCheckResponse {
        answers_without_tenant: registration.as_ref().map(|known| known.answers_without_tenant),
        credential_accepted: registration.is_some(),
        credential_required,
        registered: registration.as_ref().map(|known| known.registered),
        host: registration.map(|known| known.host.into()),
        tenant: tenant_id.map(String::from),
        tenant_enabled,
    }))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RefusalParams {
    /// The host, by any of its names.
    host: String,
}

#[derive(Serialize, ToSchema)]
pub struct RefusalResponse {
    /// The client that created the key; null if no client did, or if the key is unknown.
    client_id: Option<String>,
    /// IP address of the host at the last lookup.
    from: Option<String>,
    /// When it was refused for the first time.
    first_at: String,
    host: String,
    host_account: String,
    /// When it was refused for the last time.
    last_at: String,
    /// The reason and what to do; may change.
    message: String,
    public_key_fingerprint: String,
    /// The reason, such as `key_expired`; there may be more in later versions.
    reason: &'static str,
    /// How many refusals were recorded, at most one per minute.
    times: u32,
    /// The key's owner, or else the only user to whom the account is linked.
    tms_user_id: Option<String>,
}

impl From<RefusedLookup> for RefusalResponse {
    fn from(refused: RefusedLookup) -> Self {
        Self {
            client_id: refused.client_id.map(String::from),
            from: refused.from,
            first_at: refused.first_at.to_rfc3339(),
            host: refused.host.into(),
            host_account: refused.account.into(),
            last_at: refused.last_at.to_rfc3339(),
            message: refused.reason.to_string(),
            public_key_fingerprint: refused.fingerprint,
            reason: refused.reason.as_str(),
            times: refused.times,
            tms_user_id: refused.user_id.map(String::from),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct RefusalList {
    /// Number of entries in this response.
    num_refusals: usize,
    /// The refusals, newest first.
    refusals: Vec<RefusalResponse>,
}

/// Lists a host's last refused key lookups, with the reason; at most 200, kept for 30 days.
#[utoipa::path(get, path = "/v1/tms/hosts/refusals", tag = "hosts", params(RefusalParams), security(("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "The refusals", body = Reply<RefusalList>), ErrorResponses))]
pub async fn refusals(
    State(services): State<Services>,
    AdminAuth(admin): AdminAuth,
    QueryParams(query): QueryParams<RefusalParams>,
) -> ReplyResult<RefusalList> {
    let host: HostName = Text(query.host).id("host")?;
    let mut refused = services.list_refused_lookups_of_host(&admin, &host).await?;
    refused.sort_by_key(|refused| std::cmp::Reverse(refused.last_at));
    let refusals: Vec<RefusalResponse> = refused.into_iter().map(RefusalResponse::from).collect();
    Ok(success(RefusalList { num_refusals: refusals.len(), refusals }))
}
