//! All SSH keys of the tenant.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::domain::pagination::{ListQuery, Page};
use crate::server_fns::ssh_keys::KeyItem;

/// A key and its person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonKeyItem {
    pub user: String,
    pub key: KeyItem,
}

/// A page of the list, with the search and orders of a person's own; all keys unless `show` has a filter.
#[server(prefix = "/api", endpoint = "admin/keys/list")]
pub async fn list_keys_of_tenant(#[server(default)] query: ListQuery) -> Result<Page<PersonKeyItem>, ServerFnError> {
    use crate::domain::ssh_key::search::KeyFilter;
    use crate::server::context;
    let services = context::services()?;
    let mut params = query.params();
    if query.show.is_empty() {
        params.show = KeyFilter::All;
    }
    let listed = services.search_keys(&context::admin()?, &params).await.map_err(context::fault)?;
    let now = services.now();
    Ok(listed.map(|listed| PersonKeyItem { user: listed.key.user_id.to_string(), key: KeyItem::new(listed, now) }))
}

#[server(prefix = "/api", endpoint = "admin/keys/find")]
pub async fn find_key_of_tenant(#[server(default)] key: i64) -> Result<Option<PersonKeyItem>, ServerFnError> {
    use crate::server::context;
    use crate::server::service::ssh_keys::my_keys::KeySummary;
    let services = context::services()?;
    let found = services.tenant_key(&context::admin()?, key).await.map_err(context::fault)?;
    let now = services.now();
    Ok(found.map(|key| PersonKeyItem { user: key.user_id.to_string(), key: KeyItem::new(KeySummary { key, client_name: None }, now) }))
}

#[server(prefix = "/api", endpoint = "admin/keys/revoke")]
pub async fn revoke_key_of_tenant(#[server(default)] key: i64, #[server(default)] back: String) -> Result<(), ServerFnError> {
    use crate::domain::paths::ADMIN_KEYS;
    use crate::server::context;
    let t = context::translations();
    context::redirect_back(&back, ADMIN_KEYS);
    if context::services()?.revoke_tenant_key(&context::admin()?, key).await.map_err(context::fault)? {
        context::flash_success(t.keys_revoked(1)).await
    } else {
        context::flash_error(t.keys_revoked(0)).await
    }
}
