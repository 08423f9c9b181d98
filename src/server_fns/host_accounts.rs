//! Linked host accounts.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::domain::pagination::{ListQuery, Page};
use crate::domain::time::Timestamp;

/// A linked host account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostAccountItem {
    pub id: String,
    pub host: String,
    pub account: String,
    pub linked_at: Timestamp,
    /// [`Timestamp::FOREVER`]: it does not expire.
    pub expires_at: Timestamp,
    pub active: bool,
    /// Whether it is time to renew it.
    pub ends_soon: bool,
    pub linked_by: LinkedBy,
}

/// Who linked a host account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkedBy {
    Administrator,
    /// Imported from the previous system, when a client requested a key.
    Imported,
    /// The person, from the host.
    Person,
    /// The person, by signing in at this provider, which owns the host.
    Provider(String),
}

/// A host account with the use of its keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostAccountUsageItem {
    pub account: HostAccountItem,
    /// The number of keys with logins left.
    pub keys: i64,
    pub last_used_at: Option<Timestamp>,
}

/// A page of the person's host accounts. `show`: `active`, `expired`; `sort`: `linked`, `expires`.
#[server(prefix = "/api", endpoint = "hosts/search")]
pub async fn search_host_accounts(#[server(default)] query: ListQuery) -> Result<Page<HostAccountUsageItem>, ServerFnError> {
    use crate::server::context;
    let services = context::services()?;
    let listed = services.list_my_host_accounts(&context::signed_in()?, &query.params()).await.map_err(context::fault)?;
    let now = services.now();
    let item = |row: crate::server::service::host_accounts::my_host_accounts::HostAccountSummary| HostAccountUsageItem {
        account: HostAccountItem::new(&row.account, now),
        keys: row.keys,
        last_used_at: row.last_used_at,
    };
    Ok(listed.map(item))
}

/// One of the person's host accounts, to confirm that it is unlinked.
#[server(prefix = "/api", endpoint = "hosts/find")]
pub async fn find_host_account(#[server(default)] account: String) -> Result<Option<HostAccountItem>, ServerFnError> {
    use crate::domain::ids::HostAccountId;
    use crate::server::context;
    let Ok(id) = HostAccountId::parse(account) else { return Ok(None) };
    let services = context::services()?;
    let found = services.find_my_host_account(&context::signed_in()?, &id).await.map_err(context::fault)?;
    Ok(found.map(|account| HostAccountItem::new(&account, services.now())))
}

/// Unlinks a host account.
#[server(prefix = "/api", endpoint = "hosts/unlink")]
pub async fn unlink_host_account(#[server(default)] account: String, #[server(default)] back: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::HostAccountId;
    use crate::domain::paths::HOSTS;
    use crate::server::context;
    let (services, person, t) = (context::services()?, context::signed_in()?, context::translations());
    context::redirect_back(&back, HOSTS);
    let unlinked = match HostAccountId::parse(account) {
        Ok(id) => services.unlink_my_host_account(&person, &id).await.map_err(context::fault)?,
        Err(_) => None,
    };
    match unlinked {
        Some(account) => context::flash_success(t.hosts_unlinked(account.account, account.host)).await,
        None => context::flash_error(t.hosts_unlinked_already()).await,
    }
}

/// All of the person's, by host and account.
#[server(prefix = "/api", endpoint = "hosts/list")]
pub async fn list_host_accounts() -> Result<Vec<HostAccountItem>, ServerFnError> {
    use crate::server::context;
    let services = context::services()?;
    let accounts = services.list_host_accounts(&context::signed_in()?).await.map_err(context::fault)?;
    let now = services.now();
    Ok(accounts.iter().map(|account| HostAccountItem::new(account, now)).collect())
}

#[cfg(feature = "ssr")]
impl HostAccountItem {
    pub(super) fn new(account: &crate::domain::host_account::HostAccount, now: Timestamp) -> Self {
        use crate::domain::delegation::Creator;
        Self {
            id: account.id.to_string(),
            host: account.host.clone(),
            account: account.account.clone(),
            linked_at: account.linked_at,
            expires_at: account.expires_at,
            active: account.is_active(now),
            ends_soon: account.expires_soon(now),
            linked_by: match (account.linked_by, &account.linked_through) {
                (Creator::Admin, _) => LinkedBy::Administrator,
                (Creator::Mvp, _) => LinkedBy::Imported,
                (Creator::Person, None) => LinkedBy::Person,
                (Creator::Person, Some(provider)) => LinkedBy::Provider(provider.clone()),
            },
        }
    }
}
