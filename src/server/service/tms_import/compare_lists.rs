//! Compares what an administrator of the old server sees with the rows here: links, delegations, addresses of hosts, and clients.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::options::ImportOptions;
use super::report::Report;
use super::rows::Table;
use super::times;
use crate::domain::client::CLI_CLIENT_ID;
use crate::domain::display_text;
use crate::domain::pagination::PageRequest;
use crate::domain::time::Timestamp;
use crate::server::service::{Fault, Principal, Services, TenantAdmin};

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    Links,
    Delegations,
    Hosts,
    Clients,
}

impl List {
    pub const ALL: [Self; 4] = [Self::Links, Self::Delegations, Self::Hosts, Self::Clients];

    /// Where the old server lists them; `None`: its list of clients does not work, so that each has to be asked for.
    pub fn path(self) -> Option<&'static str> {
        match self {
            Self::Links => Some("userhosts/list"),
            Self::Delegations => Some("delegations/list"),
            Self::Hosts => Some("hosts/list"),
            Self::Clients => None,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Links => "links",
            Self::Delegations => "delegations",
            Self::Hosts => "hosts",
            Self::Clients => "clients",
        }
    }

    fn table(self) -> Table {
        match self {
            Self::Links => Table::UserHosts,
            Self::Delegations => Table::Delegations,
            Self::Hosts => Table::Hosts,
            Self::Clients => Table::Clients,
        }
    }

    /// Names the row of an old list, and says what must be the same here. `None`: a field is missing.
    fn read(self, row: &Value) -> Option<(String, State)> {
        let text = |field: &str| row.get(field)?.as_str();
        let until = || Some(State::Until(times::parse(text("expires_at")?)?.at));
        Some(match self {
            Self::Links => (link_name(text("tms_user_id")?, text("host")?, text("host_account")?), until()?),
            Self::Delegations => (delegation_name(text("client_id")?, text("client_user_id")?), until()?),
            Self::Hosts => (address_name(text("host")?, &display_text::sanitize(text("addr")?).unwrap_or_default()), State::There),
            Self::Clients => (text("client_id")?.to_owned(), State::Enabled(boolean(row.get("enabled")?)?)),
        })
    }
}

fn link_name(user: &str, host: &str, account: &str) -> String {
    format!("{user} {account}@{}", host.to_ascii_lowercase())
}

fn delegation_name(client: &str, user: &str) -> String {
    format!("{client} {user}")
}

fn address_name(host: &str, address: &str) -> String {
    format!("{} {}", host.to_ascii_lowercase(), address.to_ascii_lowercase())
}

fn boolean(value: &Value) -> Option<bool> {
    value.as_bool().or_else(|| Some(value.as_i64()? != 0))
}

/// What must be the same on both servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    There,
    Until(Timestamp),
    Enabled(bool),
}

impl State {
    /// Whether a row here has the state of an old one; one that had expired may be valid during the grace period.
    fn follows_from(self, old: Self, options: &ImportOptions) -> bool {
        match (old, self) {
            (Self::Until(old), Self::Until(here)) if options.grace.is_some() => here >= old,
            _ => self == old,
        }
    }
}

/// How a row compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowComparison {
    Same,
    /// Only the old server has it, as the import's report said.
    LeftOut,
    Missing,
    OnlyHere,
    Different,
}

impl RowComparison {
    pub fn is_error(self) -> bool {
        !matches!(self, Self::Same | Self::LeftOut)
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::LeftOut => "left_out",
            Self::Missing => "missing",
            Self::OnlyHere => "only_here",
            Self::Different => "different",
        }
    }
}

/// A row of the old server that is not as its API describes it.
#[derive(Debug)]
pub struct UnknownRow(List);

impl fmt::Display for UnknownRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the old server's list of {} has an entry without its fields, or with a time that cannot be read", self.0.word())
    }
}

/// The old rows by name, each with its number. Of two that differ in the case of the host, the one that lasts longer counts.
fn old_rows(list: List, rows: &[Value]) -> Result<BTreeMap<String, (State, i64)>, UnknownRow> {
    let mut found = BTreeMap::<String, (State, i64)>::new();
    for row in rows {
        let (name, state) = list.read(row).ok_or(UnknownRow(list))?;
        let number = row.get("id").and_then(Value::as_i64).unwrap_or_default();
        let shorter = |(other, _): &(State, i64)| matches!((other, state), (State::Until(other), State::Until(until)) if until <= *other);
        if !found.get(&name).is_some_and(shorter) {
            found.insert(name, (state, number));
        }
    }
    Ok(found)
}

fn compare(
    old: BTreeMap<String, (State, i64)>,
    mut here: BTreeMap<String, State>,
    options: &ImportOptions,
    is_left_out: impl Fn(i64) -> bool,
) -> Vec<(RowComparison, String)> {
    let mut compared = Vec::new();
    for (name, (state, number)) in old {
        let comparison = match here.remove(&name) {
            Some(here) if here.follows_from(state, options) => RowComparison::Same,
            Some(_) => RowComparison::Different,
            None if is_left_out(number) => RowComparison::LeftOut,
            None => RowComparison::Missing,
        };
        compared.push((comparison, name));
    }
    compared.extend(here.into_keys().map(|name| (RowComparison::OnlyHere, name)));
    compared
}

impl Services {
    /// Compares the rows of a tenant that the old server lists with those here. `report`: that of the same import, decided again.
    pub async fn compare_list(
        &self,
        list: List,
        old_tenant: &str,
        admin: &TenantAdmin,
        rows: &[Value],
        (options, report): (&ImportOptions, &Report),
    ) -> Result<Result<Vec<(RowComparison, String)>, UnknownRow>, Fault> {
        let here = self.listed(list, admin).await?;
        let is_left_out = |number| report.left_out.contains(&(list.table(), old_tenant.to_owned(), number));
        Ok(old_rows(list, rows).map(|old| compare(old, here, options, is_left_out)))
    }

    /// The ids of a tenant's clients, without that of the portal itself.
    pub async fn imported_clients(&self, admin: &TenantAdmin) -> Result<Vec<String>, Fault> {
        Ok(self.listed(List::Clients, admin).await?.into_keys().collect())
    }

    async fn listed(&self, list: List, admin: &TenantAdmin) -> Result<BTreeMap<String, State>, Fault> {
        let mut found = BTreeMap::new();
        let mut page = PageRequest { after: 0, limit: PageRequest::MAX_LIMIT };
        loop {
            let rows = self.listed_page(list, admin, page).await?;
            let Some((last, _)) = rows.last() else { return Ok(found) };
            page.after = *last;
            found.extend(rows.into_iter().map(|(_, row)| row));
        }
    }

    /// A page of rows with their numbers.
    async fn listed_page(&self, list: List, admin: &TenantAdmin, page: PageRequest) -> Result<Vec<(i64, (String, State))>, Fault> {
        Ok(match list {
            List::Links => {
                let links = self.list_links(admin, page).await?.into_iter();
                links
                    .map(|link| (link.number, (link_name(link.user_id.as_str(), &link.host, &link.account), State::Until(link.expires_at))))
                    .collect()
            }
            List::Delegations => {
                let delegations = self.list_delegations(admin, page).await?.into_iter();
                delegations
                    .map(|found| {
                        let name = delegation_name(found.client_id.as_str(), found.user_id.as_str());
                        (found.number, (name, State::Until(found.expires_at)))
                    })
                    .collect()
            }
            List::Hosts => {
                let hosts = self.list_hosts(admin, page).await?.into_iter();
                hosts.map(|host| (host.number, (address_name(host.host.as_str(), &host.address), State::There))).collect()
            }
            List::Clients => {
                let clients = self.list_clients(&Principal::Admin(Box::new(admin.clone())), page).await?.into_iter();
                let imported = clients.filter(|client| client.id.as_str() != CLI_CLIENT_ID);
                imported.map(|client| (client.number, (client.id.to_string(), State::Enabled(client.enabled)))).collect()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn compared(list: List, rows: &[Value], here: &[(&str, State)], options: &ImportOptions, left_out: i64) -> Vec<(RowComparison, String)> {
        let here = here.iter().map(|(name, state)| ((*name).to_owned(), *state)).collect();
        compare(old_rows(list, rows).expect("rows"), here, options, |number| number == left_out)
    }

    #[test]
    fn rows_are_compared_by_name_and_expiry() {
        let link =
            |id: i64, host: &str, until: &str| json!({ "id": id, "tms_user_id": "jdoe", "host": host, "host_account": "jd", "expires_at": until });
        let at = |text: &str| State::Until(times::parse(text).expect("a time").at);
        let rows = [
            link(1, "Vista", "2026-01-01T00:00:00Z"),
            link(2, "vista", "6109-12-22T22:45:32.257807+00:00"),
            link(3, "frontera", "2026-01-01T00:00:00.000123Z"),
            link(4, "ls6", "2026-01-01T00:00:00Z"),
            link(5, "gone", "2026-01-01T00:00:00Z"),
            link(6, "left", "2026-01-01T00:00:00Z"),
        ];
        let here = [
            ("jdoe jd@vista", State::Until(Timestamp::FOREVER)),
            ("jdoe jd@frontera", at("2026-01-01T00:00:00Z")),
            ("jdoe jd@ls6", at("2026-01-02T00:00:00Z")),
            ("asmith as@ls6", at("2026-01-02T00:00:00Z")),
        ];
        let of = |comparison: RowComparison, rows: &[(RowComparison, String)]| {
            rows.iter().filter(|(is, _)| *is == comparison).map(|(_, name)| name.clone()).collect::<Vec<_>>()
        };
        let found = compared(List::Links, &rows, &here, &ImportOptions::default(), 6);
        assert_eq!(of(RowComparison::Same, &found), ["jdoe jd@frontera", "jdoe jd@vista"]);
        assert_eq!(of(RowComparison::Different, &found), ["jdoe jd@ls6"]);
        assert_eq!(of(RowComparison::Missing, &found), ["jdoe jd@gone"]);
        assert_eq!(of(RowComparison::LeftOut, &found), ["jdoe jd@left"]);
        assert_eq!(of(RowComparison::OnlyHere, &found), ["asmith as@ls6"]);
        let grace = ImportOptions { grace: Some(std::time::Duration::from_secs(86_400)), ..ImportOptions::default() };
        assert!(of(RowComparison::Different, &compared(List::Links, &rows, &here, &grace, 6)).is_empty());
    }

    #[test]
    fn entries_of_another_form_are_refused() {
        for row in [json!({}), json!([]), json!({ "client_id": "a" }), json!({ "client_id": "a", "enabled": "x" })] {
            assert!(old_rows(List::Clients, std::slice::from_ref(&row)).is_err(), "{row}");
        }
        for enabled in [json!(true), json!(1)] {
            let rows = old_rows(List::Clients, &[json!({ "client_id": "a", "enabled": enabled })]).expect("a row");
            assert_eq!(rows["a"].0, State::Enabled(true));
        }
    }
}
