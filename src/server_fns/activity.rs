//! What happened to the person's account.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::domain::listing::{ListQuery, Listed};
use crate::domain::time::Timestamp;

/// A line of the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HappenedItem {
    pub at: Timestamp,
    /// The kind's stable word, such as `key_created`.
    pub kind: String,
    pub person: Option<String>,
    pub client: Option<String>,
    /// A key's fingerprint, `account@host`, a host …
    pub subject: Option<String>,
    /// The administrator who did it; `None`: the person, or a machine.
    pub admin: Option<String>,
    pub from: Option<String>,
}

/// A piece of the person's record. `show`: `sign-ins`, `apps`, `keys`, `hosts`, `administration`; `since`: `day`, `week`, `month`.
#[server(prefix = "/api", endpoint = "activity/list")]
pub async fn list_activity(#[server(default)] query: ListQuery) -> Result<Listed<HappenedItem>, ServerFnError> {
    use crate::server::context;
    let record = context::signed_in()?.own_record();
    let listed = context::services()?.list_record(&record, context::record_wanted(&query)).await.map_err(context::fault)?;
    Ok(listed.map(HappenedItem::from))
}

/// A piece of the tenant's record, for its administrators.
#[server(prefix = "/api", endpoint = "admin/activity/list")]
pub async fn list_record_of_tenant(#[server(default)] query: ListQuery) -> Result<Listed<HappenedItem>, ServerFnError> {
    use crate::server::context;
    let record = context::admin()?.tenants_record();
    let listed = context::services()?.list_record(&record, context::record_wanted(&query)).await.map_err(context::fault)?;
    Ok(listed.map(HappenedItem::from))
}

#[cfg(feature = "ssr")]
impl From<crate::domain::activity::Happened> for HappenedItem {
    fn from(line: crate::domain::activity::Happened) -> Self {
        Self { at: line.at, kind: line.kind, person: line.person, client: line.client_id, subject: line.subject, admin: line.admin, from: line.from }
    }
}
