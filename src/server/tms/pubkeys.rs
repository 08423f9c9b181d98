//! `/v1/tms/pubkeys…`: keys for clients, and key lookups by hosts.

use std::net::IpAddr;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::{CREDENTIAL_REQUIRED, ClientAuth, ClientIp, ClientOrAdminAuth, HostCallerAuth, OptionalTenant, client_access};
use super::error::{ErrorResponses, TmsError};
use super::extractors::{JsonBody, RowId, Text, check_tenant};
use super::reply::{
    CreatedResult, DeleteResponse, Pagination, PaginationParams, Reply, ReplyResult, UpdateResponse, created_with_warning, deleted, reply_with,
    success,
};
use crate::domain::display_text::NameRefused;
use crate::domain::ids::{AccountName, ClientId, HostName, TenantId, UserId};
use crate::domain::scope::Scope;
use crate::domain::ssh_key::{DependencyError, Fingerprint, KeyType, LabelRefused, SshKey};
use crate::server::service::auth::principals::KeyAccess;
use crate::server::service::ssh_keys::lookups::{LookupRefused, SshLogin};
use crate::server::service::ssh_keys::{CreatedKey, KeyParams, KeyRefused, KeySource, NewLimits};
use crate::server::service::{Error, Principal, Services};

#[derive(Deserialize, ToSchema)]
pub struct KeyRequest {
    client_user_id: Text,
    host: Text,
    host_account: Text,
    /// `ed25519`, `ecdsa` (P-521) or `rsa` (4096 bits), in upper or lower case; ed25519 if empty or omitted.
    key_type: Option<Text>,
    /// Maximum number of logins; unlimited if negative.
    num_uses: i32,
    /// An existing public key, as in a `.pub` file or RFC 4716. If present, no key pair is generated and no private key is returned.
    public_key: Option<Text>,
    /// Lifetime in minutes; negative means no expiry, 0 means already expired.
    ttl_minutes: i32,
}

/// The created key; numbers are strings here.
#[derive(Serialize, ToSchema)]
pub struct CreatedKeyResponse {
    expires_at: String,
    key_bits: String,
    key_type: String,
    max_uses: String,
    /// In OpenSSH format, not encrypted; shown only once. Absent if the request had a public key.
    #[serde(skip_serializing_if = "Option::is_none")]
    private_key: Option<String>,
    public_key: String,
    public_key_fingerprint: String,
    remaining_uses: String,
}

/// Creates a key pair with which the client logs in to a host account for a user. The private key is not stored.
#[utoipa::path(post, path = "/v1/tms/pubkeys/creds", tag = "pubkeys", request_body = KeyRequest, security(("tenant" = [], "client_id" = [], "client_secret" = []), ("client_token" = ["keys:create"])),
    responses((status = 201, description = "The key", body = Reply<CreatedKeyResponse>), ErrorResponses))]
pub async fn create(
    State(services): State<Services>,
    client: ClientAuth,
    JsonBody(request): JsonBody<KeyRequest>,
) -> CreatedResult<CreatedKeyResponse> {
    let client = client.with(Scope::KeysCreate)?;
    let user_id: UserId = request.client_user_id.id("client_user_id")?;
    let params = KeyParams {
        host: request.host.id("host")?,
        account: request.host_account.id("host_account")?,
        num_uses: request.num_uses,
        ttl_minutes: request.ttl_minutes,
        source: source(request.public_key, request.key_type)?,
        label: None,
    };
    let CreatedKey { pubkey, private_key, host_known } = services.create_key(&client, &user_id, &params).await.map_err(|error| {
        let client = client.client();
        key_error(error, &KeyRequestContext { tenant: &client.tenant_id, client: &client.id, user: &user_id, key: &params })
    })?;
    let unknown_host = (!host_known).then(|| unknown_host_warning(&pubkey.host, &pubkey.tenant_id));
    Ok(created_with_warning(
        unknown_host,
        CreatedKeyResponse {
            expires_at: pubkey.expires_at.to_rfc3339(),
            key_bits: pubkey.key_bits.to_string(),
            key_type: pubkey.key_type.as_str().to_owned(),
            max_uses: pubkey.max_uses.to_string(),
            private_key: private_key.map(|key| key.reveal().to_owned()),
            public_key: pubkey.public_key,
            public_key_fingerprint: pubkey.fingerprint,
            remaining_uses: pubkey.remaining_uses.to_string(),
        },
    ))
}

/// A warning beside a success: the host's name may be misspelt, and the key of no use.
pub fn unknown_host_warning(host: &HostName, tenant: &TenantId) -> String {
    format!("success; WARNING: tenant {tenant} has no host {host} on record (POST /v1/tms/hosts), so it is possible that no host looks up this key")
}

fn source(public_key: Option<Text>, key_type: Option<Text>) -> Result<KeySource, TmsError> {
    if let Some(Text(line)) = public_key {
        return Ok(KeySource::Provided(line));
    }
    KeyType::parse(key_type.as_ref().map(|Text(word)| word.as_str()))
        .map(KeySource::Generated)
        .ok_or_else(|| TmsError::BadRequest("ERROR: key_type must be ed25519, ecdsa or rsa; omit it for ed25519.".into()))
}

/// The caller of a key request, for error messages.
pub struct KeyRequestContext<'a> {
    pub tenant: &'a TenantId,
    pub client: &'a ClientId,
    pub user: &'a UserId,
    pub key: &'a KeyParams,
}

pub fn key_error(error: Error<KeyRefused>, wanting: &KeyRequestContext<'_>) -> TmsError {
    match error {
        Error::Refused(KeyRefused::DependencyMissing(missing)) => missing_dependency(missing, wanting),
        Error::Refused(KeyRefused::PublicKey(refused)) => TmsError::BadRequest(format!("ERROR: public_key is not valid: {refused}.")),
        Error::Refused(KeyRefused::Label(LabelRefused::Comment)) => {
            TmsError::BadRequest(format!("ERROR: public_key is not valid: its comment {}; remove the comment.", NameRefused::Invisible))
        }
        // Only the portal's pages accept typed labels.
        Error::Refused(KeyRefused::Label(LabelRefused::Typed(why))) => TmsError::BadRequest(format!("ERROR: the name of the key {why}.")),
        Error::Refused(KeyRefused::Exists) => TmsError::Conflict("ERROR: this key is already registered for this account.".into()),
        Error::Refused(KeyRefused::KeyGenerationBusy) => {
            TmsError::Busy("ERROR: too many keys of this type are being generated; use ed25519, or try again later.")
        }
        Error::Refused(KeyRefused::OwnKeysDisabled) => {
            TmsError::Forbidden("ERROR: FORBIDDEN - users cannot register their own public keys in this tenant.".into())
        }
        // Only the portal's pages return this.
        Error::Refused(KeyRefused::SignedOut) => TmsError::Forbidden("ERROR: register your own keys in the portal.".into()),
        Error::Internal(fault) => fault.into(),
    }
}

/// TMS' message for a missing dependency.
fn missing_dependency(missing: DependencyError, wanting: &KeyRequestContext<'_>) -> TmsError {
    let KeyRequestContext { tenant, client, user, key: KeyParams { host, account, .. } } = wanting;
    let what = match missing {
        DependencyError::PersonDisabled => format!("User ID {user} in tenant {tenant} is disabled."),
        DependencyError::Mfa => format!("Required user MFA record not found for user ID {user} in tenant {tenant}."),
        DependencyError::MfaDisabled => format!("Required user MFA record for user ID {user} in tenant {tenant} is disabled."),
        DependencyError::MfaExpired(at) => format!("Required user MFA record for user ID {user} in tenant {tenant} expired at {}.", at.to_rfc3339()),
        DependencyError::Link => format!("Required user host record not found for user {user}@{tenant} with account {account} on host {host}."),
        DependencyError::LinkExpired(at) => {
            format!("Required user host record for user {user}@{tenant} with account {account} on host {host} expired at {}.", at.to_rfc3339())
        }
        DependencyError::Delegation => {
            format!("Required delegation record not found for client {client} and client_user_id {user} in tenant {tenant}.")
        }
        DependencyError::DelegationExpired(at) => {
            format!("Required delegation record for client {client} and client_user_id {user} in tenant {tenant} expired at {}.", at.to_rfc3339())
        }
    };
    TmsError::Forbidden(format!("Missing or expired dependency: {what}"))
}

#[derive(Deserialize, ToSchema)]
pub struct KeyLookupRequest {
    host: Text,
    /// OpenSSH's `%t`. Only a key of this type is returned; for a certificate (`ssh-ed25519-cert-v01@openssh.com`), none is.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    key_type: serde_json::Value,
    public_key_fingerprint: Text,
    user: Text,
    /// The account's UID on the host.
    #[schema(value_type = Option<String>)]
    user_uid: Option<Text>,
}

#[derive(Serialize, ToSchema)]
pub struct KeyLookupResponse {
    /// When this key can no longer log in, if nothing changes before.
    expires_at: String,
    public_key: String,
}

/// Returns the public key if it may log in to the host account, and `NOT_FOUND` in every other case. Lookups of one key
/// on one host within 30 seconds count as one login.
#[utoipa::path(post, path = "/v1/tms/pubkeys/creds/retrieve", tag = "pubkeys", request_body = KeyLookupRequest,
    security((), ("tenant" = []), ("host" = [])),
    responses((status = 200, description = "The key", body = Reply<KeyLookupResponse>), ErrorResponses))]
pub async fn retrieve(
    State(services): State<Services>,
    ClientIp(from): ClientIp,
    OptionalTenant(tenant): OptionalTenant,
    asking: Result<HostCallerAuth, TmsError>,
    asked: Result<JsonBody<KeyLookupRequest>, TmsError>,
) -> ReplyResult<KeyLookupResponse> {
    let HostCallerAuth(asking) = asking.inspect_err(|error| {
        if let (TmsError::HostCredential(_), Ok(JsonBody(asked))) = (error, &asked)
            && let Some(login) = parse_login(asked, from)
        {
            services.record_invalid_credential(tenant, &login);
        }
    })?;
    // An invalid name cannot have a key.
    let login = parse_login(&asked?.0, from).ok_or(TmsError::NOT_FOUND)?;
    match services.look_up_key(&asking, &login).await {
        Ok(shown) => Ok(success(KeyLookupResponse { expires_at: shown.expires_at.to_rfc3339(), public_key: shown.public_key })),
        Err(error) => Err(lookup_error(error)),
    }
}

pub fn lookup_error(error: Error<LookupRefused>) -> TmsError {
    match error {
        Error::Refused(LookupRefused::NotFound) => TmsError::NOT_FOUND,
        Error::Refused(LookupRefused::CredentialRequired) => TmsError::HostCredential(CREDENTIAL_REQUIRED),
        Error::Refused(LookupRefused::OtherHost) => TmsError::HostCredential("ERROR: NOT AUTHORIZED - the credential belongs to another host."),
        Error::Internal(fault) => fault.into(),
    }
}

fn parse_login(asked: &KeyLookupRequest, from: Option<IpAddr>) -> Option<SshLogin> {
    Some(SshLogin {
        host: HostName::parse(asked.host.0.as_str()).ok()?,
        account: AccountName::parse(asked.user.0.as_str()).ok()?,
        uid: asked.user_uid.as_ref().and_then(|Text(uid)| uid.parse().ok()),
        fingerprint: Fingerprint::parse(&asked.public_key_fingerprint.0)?,
        key_type: asked.key_type.as_str().map(str::to_owned),
        from,
    })
}

#[derive(Serialize, ToSchema)]
pub struct KeyResponse {
    client_id: Option<String>,
    client_user_id: String,
    created: String,
    expires_at: String,
    host: String,
    host_account: String,
    id: i64,
    initial_ttl_minutes: u32,
    key_bits: u32,
    key_type: &'static str,
    /// When the last login began that was counted.
    last_used_at: Option<String>,
    max_uses: u32,
    public_key: String,
    public_key_fingerprint: String,
    remaining_uses: u32,
    tenant: String,
    updated: String,
}

impl From<SshKey> for KeyResponse {
    fn from(key: SshKey) -> Self {
        Self {
            client_id: key.client_id.map(String::from),
            client_user_id: key.user_id.into(),
            created: key.created_at.to_rfc3339(),
            expires_at: key.expires_at.to_rfc3339(),
            host: key.host.into(),
            host_account: key.account.into(),
            id: key.number,
            initial_ttl_minutes: key.initial_ttl_minutes,
            key_bits: key.key_bits,
            key_type: key.key_type.as_str(),
            last_used_at: key.last_used_at.map(|at| at.to_rfc3339()),
            max_uses: key.max_uses,
            public_key: key.public_key,
            public_key_fingerprint: key.fingerprint,
            remaining_uses: key.remaining_uses,
            tenant: key.tenant_id.into(),
            updated: key.updated_at.to_rfc3339(),
        }
    }
}

/// Returns a key; a client sees only its own.
#[utoipa::path(get, path = "/v1/tms/pubkeys/id/{seqno}", tag = "pubkeys", params(("seqno" = i64, Path)),
    security(("tenant" = [], "client_id" = [], "client_secret" = []), ("client_token" = ["keys:read"]), ("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "The key", body = Reply<KeyResponse>), ErrorResponses))]
pub async fn get(State(services): State<Services>, principal: ClientOrAdminAuth, RowId(seqno): RowId) -> ReplyResult<KeyResponse> {
    Ok(success(services.find_key(&principal.with(Scope::KeysRead)?, seqno).await?.ok_or(TmsError::NOT_FOUND)?.into()))
}

#[derive(Serialize, ToSchema)]
pub struct KeyList {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    num_pubkeys: usize,
    pubkeys: Vec<KeyResponse>,
}

/// Lists the tenant's keys; a client sees only its own.
#[utoipa::path(get, path = "/v1/tms/pubkeys/list", tag = "pubkeys", params(PaginationParams),
    security(("tenant" = [], "client_id" = [], "client_secret" = []), ("client_token" = ["keys:read"]), ("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "The keys", body = Reply<KeyList>), ErrorResponses))]
pub async fn list(State(services): State<Services>, principal: ClientOrAdminAuth, Pagination(page): Pagination) -> ReplyResult<KeyList> {
    let principal = principal.with(Scope::KeysRead)?;
    let keys = services.list_keys(&principal, page).await?;
    let next_cursor = page.next_cursor(&keys, |key| key.number);
    let pubkeys: Vec<KeyResponse> = keys.into_iter().map(KeyResponse::from).collect();
    Ok(success(KeyList { num_pubkeys: pubkeys.len(), next_cursor, pubkeys }))
}

#[derive(Deserialize, ToSchema)]
pub struct KeyUpdate {
    /// Omitted, null or empty: a key that a user registered. Only for administrators.
    client_id: Option<Text>,
    /// Only this user's key, if several users have registered the same key.
    client_user_id: Option<Text>,
    host: Text,
    /// Maximum number of logins, including those already made.
    max_uses: Option<u32>,
    public_key_fingerprint: Text,
    tenant: Text,
    /// New lifetime in minutes, from now; with 0 the key expires immediately. This also ends the key's reservations.
    ttl_minutes: Option<u32>,
}

/// Changes a key's limits.
#[utoipa::path(patch, path = "/v1/tms/pubkeys", tag = "pubkeys", request_body = KeyUpdate,
    security(("tenant" = [], "client_id" = [], "client_secret" = []), ("client_token" = ["keys:create"]), ("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "Number of changed fields", body = Reply<UpdateResponse>), ErrorResponses))]
pub async fn update(
    State(services): State<Services>,
    principal: ClientOrAdminAuth,
    JsonBody(request): JsonBody<KeyUpdate>,
) -> ReplyResult<UpdateResponse> {
    let principal = principal.with(Scope::KeysCreate)?;
    let (access, host) = (key_access(&principal, request.client_id, request.client_user_id, &request.tenant)?, request.host.id("host")?);
    let limits = NewLimits { max_uses: request.max_uses, ttl_minutes: request.ttl_minutes };
    let fields_updated = i32::from(limits.max_uses.is_some()) + i32::from(limits.ttl_minutes.is_some());
    if fields_updated == 0 {
        return Ok(reply_with("No updates specified", UpdateResponse { fields_updated }));
    }
    let Text(fingerprint) = request.public_key_fingerprint;
    if services.set_key_limits(&access, &host, &fingerprint, limits).await? {
        Ok(reply_with(format!("{fields_updated} update(s) to pubkey completed"), UpdateResponse { fields_updated }))
    } else {
        Err(TmsError::NOT_FOUND)
    }
}

#[derive(Deserialize, ToSchema)]
pub struct KeyRevocation {
    /// Omitted, null or empty: a key that a user registered. Only for administrators.
    client_id: Option<Text>,
    /// Only this user's key, if several users have registered the same key.
    client_user_id: Option<Text>,
    host: Text,
    public_key_fingerprint: Text,
    tenant: Text,
}

/// Revokes a key: the host's next lookup returns `NOT_FOUND`.
#[utoipa::path(delete, path = "/v1/tms/pubkeys/del", tag = "pubkeys", request_body = KeyRevocation,
    security(("tenant" = [], "client_id" = [], "client_secret" = []), ("client_token" = ["keys:revoke"]), ("tenant" = [], "admin_id" = [], "admin_secret" = [])),
    responses((status = 200, description = "Number of deleted records", body = Reply<DeleteResponse>), ErrorResponses))]
pub async fn delete(
    State(services): State<Services>,
    principal: ClientOrAdminAuth,
    JsonBody(request): JsonBody<KeyRevocation>,
) -> Result<Json<Reply<DeleteResponse>>, TmsError> {
    let principal = principal.with(Scope::KeysRevoke)?;
    let (access, host) = (key_access(&principal, request.client_id, request.client_user_id, &request.tenant)?, request.host.id("host")?);
    let Text(fingerprint) = request.public_key_fingerprint;
    Ok(deleted("Pubkey", services.revoke_key(&access, &host, &fingerprint).await?))
}

/// Permission to act on keys of the client in the body, or on those that users registered themselves.
fn key_access(principal: &Principal, client: Option<Text>, user: Option<Text>, tenant: &Text) -> Result<KeyAccess, TmsError> {
    check_tenant(principal.tenant_id(), tenant)?;
    let user: Option<UserId> = user.filter(|Text(user)| !user.is_empty()).map(|user| user.id("client_user_id")).transpose()?;
    let access = match client.filter(|Text(client)| !client.is_empty()) {
        Some(client) => client_access(principal, client.id("client_id")?, "Payload")?.into(),
        None => principal.own_key_access().ok_or_else(|| {
            TmsError::BadRequest("ERROR: client_id is required; only administrators may omit it, for a key that a user registered.".into())
        })?,
    };
    Ok(access.for_person(user))
}
