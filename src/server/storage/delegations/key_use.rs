//! How many keys rest on a person's delegations, and where they were last used.

use std::collections::BTreeSet;

use sqlx::FromRow;

use super::super::sql;
use super::DelegationSummary;
use crate::domain::ids::{AuthorizationId, TenantId, UserId};
use crate::domain::time::Timestamp;
use crate::server::storage::Error;

/// Keys that a client has created for a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyUse {
    pub keys: i64,
    pub last_login: Option<KeyLogin>,
}

/// The last counted login with any of these keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyLogin {
    pub at: Timestamp,
    pub host: String,
}

impl KeyUse {
    fn add(&mut self, row: &Row) {
        self.keys += row.keys;
        let login = row.last_used_at.map(|at| KeyLogin { at: Timestamp::from_millis(at), host: row.host.clone() });
        if login.as_ref().map(|login| login.at) > self.last_login.as_ref().map(|login| login.at) {
            self.last_login = login;
        }
    }
}

/// The keys of one client, device and host. `device_grant_id` is `None` for keys that the client created by itself, which rest on any of the
/// person's delegations to it.
#[derive(FromRow)]
struct Row {
    client_id: String,
    device_grant_id: Option<String>,
    host: String,
    keys: i64,
    last_used_at: Option<i64>,
}

/// The keys that clients have created for one person.
pub(super) struct PersonKeyUse(Vec<Row>);

impl PersonKeyUse {
    pub async fn read(db: impl sql::Executor<'_>, tenant_id: &TenantId, user_id: &UserId) -> Result<Self, Error> {
        let rows = sql::query_as(
            "SELECT client_id, device_grant_id, host, count(*) AS keys, max(last_used_at) AS last_used_at
             FROM pubkeys WHERE tenant_id = $1 AND user_id = $2 AND client_id IS NOT NULL GROUP BY client_id, device_grant_id, host",
        );
        Ok(Self(rows.bind(tenant_id.as_str()).bind(user_id.as_str()).fetch_all(db).await?))
    }

    /// All keys of a client.
    pub fn of_client(&self, client_id: &str) -> KeyUse {
        self.sum(|row| row.client_id == client_id)
    }

    /// The keys that a client created through a device, or by itself.
    fn of_device(&self, client_id: &str, device_grant_id: Option<&str>) -> KeyUse {
        self.sum(|row| row.client_id == client_id && row.device_grant_id.as_deref() == device_grant_id)
    }

    /// The keys that rest on a delegation: with a device also those that the client created by itself.
    fn resting_on(&self, client_id: &str, device_grant_id: Option<&str>) -> KeyUse {
        self.sum(|row| row.client_id == client_id && (row.device_grant_id.is_none() || row.device_grant_id.as_deref() == device_grant_id))
    }

    fn sum(&self, which: impl Fn(&Row) -> bool) -> KeyUse {
        let mut total = KeyUse::default();
        self.0.iter().filter(|row| which(row)).for_each(|row| total.add(row));
        total
    }

    /// Sets the key use of this person's delegations.
    pub fn fill<'a>(&self, summaries: impl IntoIterator<Item = &'a mut DelegationSummary>) {
        for summary in summaries {
            let (client, device) = (summary.delegation.client_id.as_str(), summary.delegation.authorization_id.as_ref().map(AuthorizationId::as_str));
            summary.keys = self.of_device(client, device);
            summary.revocable_keys = self.resting_on(client, device).keys;
        }
    }
}

/// Sets the key use of delegations of any people of a tenant. One query per person.
pub(super) async fn fill(db: &sql::Pool, tenant_id: &TenantId, summaries: &mut [DelegationSummary]) -> Result<(), Error> {
    let people: BTreeSet<UserId> = summaries.iter().map(|summary| summary.delegation.user_id.clone()).collect();
    for user_id in people {
        let keys = PersonKeyUse::read(db, tenant_id, &user_id).await?;
        keys.fill(summaries.iter_mut().filter(|summary| summary.delegation.user_id == user_id));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_without_a_device_are_no_login_of_a_device() {
        let row = |device: Option<&str>, host: &str, used: i64| Row {
            client_id: "app".into(),
            device_grant_id: device.map(str::to_owned),
            host: host.into(),
            keys: 1,
            last_used_at: Some(used),
        };
        let keys = PersonKeyUse(vec![row(Some("laptop"), "frontera", 1), row(None, "stampede3", 2), row(Some("login"), "vista", 3)]);
        let last_host = |device| keys.of_device("app", device).last_login.map(|login| login.host);
        assert_eq!(last_host(Some("laptop")).as_deref(), Some("frontera"));
        assert_eq!(last_host(None).as_deref(), Some("stampede3"));
        assert_eq!(last_host(Some("unused")), None);
        let resting = [Some("laptop"), Some("unused"), None].map(|device| keys.resting_on("app", device).keys);
        assert_eq!(resting, [2, 1, 1], "those revoked with it");
        assert_eq!(keys.of_client("app").keys, 3);
    }
}
