//! `/v1/tms/me…`: what the holder of an access token may read and do.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::auth::Bearer;
use super::error::{ErrorResponses, TmsError};
use super::extractors::{JsonBody, QueryParams, RowId, Text};
use super::pubkeys::{KeyRequestContext, key_error};
use super::reply::{CreatedResult, DeleteResponse, Pagination, PaginationParams, Reply, ReplyResult, created, reply_with, success};
use crate::domain::refused_lookup::RefusedLookup;
use crate::domain::scope::Scope;
use crate::domain::ssh_key::SshKey;
use crate::domain::time::Timestamp;
use crate::server::service::Services;
use crate::server::service::ssh_keys::{KeyParams, KeySource, OwnKeyFilter};
use crate::wire::{Me, MyHost, MyHosts, MyKey, MyKeys, MyRefusal, MyRefusals};

/// Returns the token's user, client, scope and times.
#[utoipa::path(get, path = "/v1/tms/me", tag = "me", security(("bearer" = [])), responses((status = 200, description = "The token's user", body = Reply<Me>), ErrorResponses))]
pub async fn get(Bearer(holder): Bearer) -> Json<Reply<Me>> {
    success(Me {
        access_until: Some(holder.access_until().to_rfc3339()),
        client_id: holder.client_id().to_string(),
        expires_at: holder.expires_at().to_rfc3339(),
        scope: holder.scope().to_string(),
        tenant: holder.tenant_id().to_string(),
        tms_user_id: holder.user_id().to_string(),
    })
}

/// Lists the host accounts that the user selected when allowing the token's client. Requires `hosts:read`.
#[utoipa::path(get, path = "/v1/tms/me/hosts", tag = "me", security(("bearer" = ["hosts:read"])),
    responses((status = 200, description = "The host accounts", body = Reply<MyHosts>), ErrorResponses))]
pub async fn get_hosts(State(services): State<Services>, bearer: Bearer) -> ReplyResult<MyHosts> {
    let holder = bearer.with(Scope::HostsRead)?;
    let now = services.now();
    let accounts = services.list_granted_host_accounts(&holder).await?;
    let addresses = services.addresses_of(&holder, &accounts).await?;
    let hosts: Vec<MyHost> = accounts
        .into_iter()
        .map(|account| MyHost {
            address: addresses.get(&account.host).cloned(),
            state: if account.is_active(now) { "active" } else { "expired" }.into(),
            linked_at: account.linked_at.to_rfc3339(),
            expires_at: account.expires_at.to_rfc3339(),
            host: account.host,
            host_account: account.account,
        })
        .collect();
    Ok(success(MyHosts { num_hosts: hosts.len(), hosts }))
}

fn my_key(key: SshKey, now: Timestamp) -> MyKey {
    MyKey {
        state: key.state(now).as_str().into(),
        client_id: key.client_id.map(String::from),
        created: key.created_at.to_rfc3339(),
        expires_at: key.expires_at.to_rfc3339(),
        host: key.host.into(),
        host_account: key.account.into(),
        id: key.number,
        key_type: key.key_type.as_str().into(),
        last_used_at: key.last_used_at.map(|at| at.to_rfc3339()),
        max_uses: key.max_uses,
        public_key: key.public_key,
        public_key_fingerprint: key.fingerprint,
        remaining_uses: key.remaining_uses,
    }
}

/// Filters; without any, all keys are returned.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct KeyListParams {
    /// Only keys for this host.
    host: Option<String>,
    /// Only keys for host accounts of this name.
    host_account: Option<String>,
    /// `active`: only keys that have not expired and are not used up.
    state: Option<String>,
}

impl KeyListParams {
    fn into_filter(self) -> Result<OwnKeyFilter, TmsError> {
        let active = match self.state.as_deref() {
            None | Some("") => false,
            Some("active") => true,
            Some(_) => return Err(TmsError::BadRequest("ERROR: state must be 'active' or omitted.".into())),
        };
        let host = self.host.map(|host| Text(host).id("host")).transpose()?;
        let account = self.host_account.map(|account| Text(account).id("host_account")).transpose()?;
        Ok(OwnKeyFilter { host, account, active })
    }
}

/// Lists all keys for the host accounts of `/v1/tms/me/hosts`, including those of other clients. Requires `keys:read`.
#[utoipa::path(get, path = "/v1/tms/me/keys", tag = "me", params(PaginationParams, KeyListParams), security(("bearer" = ["keys:read"])),
    responses((status = 200, description = "The keys", body = Reply<MyKeys>), ErrorResponses))]
pub async fn get_keys(
    State(services): State<Services>,
    bearer: Bearer,
    Pagination(page): Pagination,
    QueryParams(query): QueryParams<KeyListParams>,
) -> ReplyResult<MyKeys> {
    let holder = bearer.with(Scope::KeysRead)?;
    let keys = services.list_own_keys(&holder, query.into_filter()?, page).await?;
    let next_cursor = page.next_cursor(&keys, |key| key.number);
    let now = services.now();
    let keys: Vec<MyKey> = keys.into_iter().map(|key| my_key(key, now)).collect();
    Ok(success(MyKeys { num_keys: keys.len(), next_cursor, keys }))
}

#[derive(Deserialize, ToSchema)]
pub struct OwnKeyRequest {
    host: Text,
    host_account: Text,
    /// Maximum number of logins; unlimited if negative or omitted.
    num_uses: Option<i32>,
    /// The line of a `.pub` file.
    public_key: Text,
    /// Lifetime in minutes; at most, and if omitted, until `access_until` of `/v1/tms/me`.
    ttl_minutes: Option<i32>,
}

/// Registers the user's own public key for one of the host accounts of `/v1/tms/me/hosts`. It expires at `access_until` of `/v1/tms/me` at
/// the latest. Requires `keys:create`.
#[utoipa::path(post, path = "/v1/tms/me/keys", tag = "me", request_body = OwnKeyRequest, security(("bearer" = ["keys:create"])),
    responses((status = 201, description = "The key", body = Reply<MyKey>), ErrorResponses))]
pub async fn create_key(State(services): State<Services>, bearer: Bearer, JsonBody(request): JsonBody<OwnKeyRequest>) -> CreatedResult<MyKey> {
    let holder = bearer.with(Scope::KeysCreate)?;
    let params = KeyParams {
        host: request.host.id("host")?,
        account: request.host_account.id("host_account")?,
        num_uses: request.num_uses.unwrap_or(-1),
        ttl_minutes: request.ttl_minutes.unwrap_or(-1),
        source: KeySource::Provided(request.public_key.0),
        label: None,
    };
    let made = services.create_own_key(&holder, &params).await.map_err(|error| {
        key_error(error, &KeyRequestContext { tenant: holder.tenant_id(), client: holder.client_id(), user: holder.user_id(), key: &params })
    })?;
    Ok(created(my_key(made.pubkey, services.now())))
}

/// Revokes one of the keys of `/v1/tms/me/keys`. Requires `keys:revoke`.
#[utoipa::path(delete, path = "/v1/tms/me/keys/{id}", tag = "me", params(("id" = i64, Path)), security(("bearer" = ["keys:revoke"])),
    responses((status = 200, description = "Revoked", body = Reply<DeleteResponse>), ErrorResponses))]
pub async fn delete_key(State(services): State<Services>, bearer: Bearer, RowId(id): RowId) -> ReplyResult<DeleteResponse> {
    let holder = bearer.with(Scope::KeysRevoke)?;
    if services.revoke_own_key(&holder, id).await? {
        Ok(reply_with(format!("Key {id} revoked"), DeleteResponse { num_deleted: 1 }))
    } else {
        Err(TmsError::NOT_FOUND)
    }
}

/// Filters; without any, all refusals are returned.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RefusalListParams {
    /// Only logins to this host, under any of its names.
    host: Option<String>,
    /// Only logins to host accounts of this name.
    host_account: Option<String>,
}

/// Lists the last refused logins of the user's keys, with the reason, for the host accounts of `/v1/tms/me/hosts`; at most 200, kept for 30
/// days. Requires `keys:read`.
#[utoipa::path(get, path = "/v1/tms/me/refusals", tag = "me", params(RefusalListParams), security(("bearer" = ["keys:read"])),
    responses((status = 200, description = "The refusals", body = Reply<MyRefusals>), ErrorResponses))]
pub async fn get_refusals(
    State(services): State<Services>,
    bearer: Bearer,
    QueryParams(query): QueryParams<RefusalListParams>,
) -> ReplyResult<MyRefusals> {
    let holder = bearer.with(Scope::KeysRead)?;
    let host = query.host.map(|host| Text(host).id("host")).transpose()?;
    let account = query.host_account.map(|account| Text(account).id("host_account")).transpose()?;
    let refused = services.list_own_refused_lookups(&holder, host.as_ref(), account.as_ref()).await?;
    let refusals: Vec<MyRefusal> = refused.into_iter().map(my_refusal).collect();
    Ok(success(MyRefusals { as_of: services.now().to_rfc3339(), num_refusals: refusals.len(), refusals }))
}

fn my_refusal(refused: RefusedLookup) -> MyRefusal {
    MyRefusal {
        client_id: refused.client_id.map(String::from),
        first_at: refused.first_at.to_rfc3339(),
        host: refused.host.into(),
        host_account: refused.account.into(),
        last_at: refused.last_at.to_rfc3339(),
        message: refused.reason.to_string(),
        public_key_fingerprint: refused.fingerprint,
        reason: refused.reason.as_str().to_owned(),
        times: refused.times,
    }
}
