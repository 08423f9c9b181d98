//! `/v1/tms/me…`: what an access token's holder may know and do of themselves.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::answer::{Answer, Deleted, Done, Made, Paged, Paging, created, saying, success};
use super::auth::Bearer;
use super::body::{Body, InQuery, Number, Text};
use super::error::{Refused, TmsError};
use super::pubkeys::{Wanting, key_refused};
use crate::domain::pubkey::Pubkey;
use crate::domain::scope::Scope;
use crate::domain::time::Timestamp;
use crate::server::service::Services;
use crate::server::service::pubkeys::{KeySource, KeyWanted, OwnKeysWanted};
use crate::wire::{Me, MyHost, MyHosts, MyKey, MyKeys};

/// Returns the token's user, client and scope.
#[utoipa::path(get, path = "/v1/tms/me", tag = "me", security(("bearer" = [])), responses((status = 200, description = "The token's user", body = Answer<Me>), Refused))]
pub async fn get(Bearer(holder): Bearer) -> Json<Answer<Me>> {
    success(Me {
        client_id: holder.client_id().to_string(),
        expires_at: holder.expires_at().to_rfc3339(),
        scope: holder.scope().to_string(),
        tenant: holder.tenant_id().to_string(),
        tms_user_id: holder.user_id().to_string(),
    })
}

/// Lists the host accounts that the user selected when allowing the token's client. Requires `hosts:read`.
#[utoipa::path(get, path = "/v1/tms/me/hosts", tag = "me", security(("bearer" = ["hosts:read"])),
    responses((status = 200, description = "The host accounts", body = Answer<MyHosts>), Refused))]
pub async fn get_hosts(State(services): State<Services>, bearer: Bearer) -> Done<MyHosts> {
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

fn my_key(key: Pubkey, now: Timestamp) -> MyKey {
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
pub struct KeysWanted {
    /// Only keys for this host.
    host: Option<String>,
    /// Only keys for host accounts of this name.
    host_account: Option<String>,
    /// `active`: only keys that have not expired and are not used up.
    state: Option<String>,
}

impl KeysWanted {
    fn read(self) -> Result<OwnKeysWanted, TmsError> {
        let active = match self.state.as_deref() {
            None | Some("") => false,
            Some("active") => true,
            Some(_) => return Err(TmsError::BadRequest("ERROR: state must be 'active' or omitted.".into())),
        };
        let host = self.host.map(|host| Text(host).id("host")).transpose()?;
        let account = self.host_account.map(|account| Text(account).id("host_account")).transpose()?;
        Ok(OwnKeysWanted { host, account, active })
    }
}

/// Lists all keys for the host accounts of `/v1/tms/me/hosts`, including those of other clients. Requires `keys:read`.
#[utoipa::path(get, path = "/v1/tms/me/keys", tag = "me", params(Paging, KeysWanted), security(("bearer" = ["keys:read"])),
    responses((status = 200, description = "The keys", body = Answer<MyKeys>), Refused))]
pub async fn get_keys(State(services): State<Services>, bearer: Bearer, Paged(page): Paged, InQuery(wanted): InQuery<KeysWanted>) -> Done<MyKeys> {
    let holder = bearer.with(Scope::KeysRead)?;
    let keys = services.list_own_keys(&holder, wanted.read()?, page).await?;
    let next_cursor = page.next(&keys, |key| key.number);
    let now = services.now();
    let keys: Vec<MyKey> = keys.into_iter().map(|key| my_key(key, now)).collect();
    Ok(success(MyKeys { num_keys: keys.len(), next_cursor, keys }))
}

#[derive(Deserialize, ToSchema)]
pub struct OwnKey {
    host: Text,
    host_account: Text,
    /// Maximum number of logins; unlimited if negative or omitted.
    num_uses: Option<i32>,
    /// The line of a `.pub` file.
    public_key: Text,
    /// Lifetime in minutes; at most, and if omitted, that of the token.
    ttl_minutes: Option<i32>,
}

/// Registers the user's own public key for one of the host accounts of `/v1/tms/me/hosts`. It expires with the token at the latest.
/// Requires `keys:create`.
#[utoipa::path(post, path = "/v1/tms/me/keys", tag = "me", request_body = OwnKey, security(("bearer" = ["keys:create"])),
    responses((status = 201, description = "The key", body = Answer<MyKey>), Refused))]
pub async fn create_key(State(services): State<Services>, bearer: Bearer, Body(request): Body<OwnKey>) -> Made<MyKey> {
    let holder = bearer.with(Scope::KeysCreate)?;
    let wanted = KeyWanted {
        host: request.host.id("host")?,
        account: request.host_account.id("host_account")?,
        num_uses: request.num_uses.unwrap_or(-1),
        ttl_minutes: request.ttl_minutes.unwrap_or(-1),
        source: KeySource::Given(request.public_key.0),
        label: None,
    };
    let made = services.create_own_key(&holder, &wanted).await.map_err(|error| {
        key_refused(error, &Wanting { tenant: holder.tenant_id(), client: holder.client_id(), user: holder.user_id(), key: &wanted })
    })?;
    Ok(created(my_key(made.pubkey, services.now())))
}

/// Revokes one of the keys of `/v1/tms/me/keys`. Requires `keys:revoke`.
#[utoipa::path(delete, path = "/v1/tms/me/keys/{id}", tag = "me", params(("id" = i64, Path)), security(("bearer" = ["keys:revoke"])),
    responses((status = 200, description = "Revoked", body = Answer<Deleted>), Refused))]
pub async fn delete_key(State(services): State<Services>, bearer: Bearer, Number(id): Number) -> Done<Deleted> {
    let holder = bearer.with(Scope::KeysRevoke)?;
    if services.revoke_own_key(&holder, id).await? {
        Ok(saying(format!("Key {id} revoked"), Deleted { num_deleted: 1 }))
    } else {
        Err(TmsError::NOT_FOUND)
    }
}
