//! Linked host accounts.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// A linked host account, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostAccountItem {
    pub id: String,
    pub host: String,
    pub account: String,
    /// RFC 3339, and the same in words.
    pub linked_at: (String, String),
    /// `None`: it does not expire.
    pub expires_at: Option<(String, String)>,
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
    pub(super) fn new(account: &crate::domain::host_account::HostAccount, now: crate::domain::time::Timestamp) -> Self {
        use crate::domain::time::Timestamp;
        let both = |time: Timestamp| (time.to_rfc3339(), time.to_words());
        Self {
            id: account.id.to_string(),
            host: account.host.clone(),
            account: account.account.clone(),
            linked_at: both(account.linked_at),
            expires_at: (account.expires_at < Timestamp::FOREVER).then(|| both(account.expires_at)),
            active: account.is_active(now),
        }
    }
}
