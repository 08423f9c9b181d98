//! Linked host accounts.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;

/// A linked host account, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostAccountItem {
    pub id: String,
    pub host: String,
    pub account: String,
    pub linked_at: Timestamp,
    /// [`Timestamp::FOREVER`]: it does not expire.
    pub expires_at: Timestamp,
    pub active: bool,
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
        Self {
            id: account.id.to_string(),
            host: account.host.clone(),
            account: account.account.clone(),
            linked_at: account.linked_at,
            expires_at: account.expires_at,
            active: account.is_active(now),
        }
    }
}
