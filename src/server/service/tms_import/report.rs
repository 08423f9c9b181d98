//! What an import would do, and who would be affected: the result of a dry run.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::rows::Table;

/// Examples that are kept of each reason.
const MAX_EXAMPLES: usize = 20;

macro_rules! reasons {
    ($($name:ident = $word:literal, $sentence:literal;)*) => {
        /// Why a key would not log in, or why a row is not imported. The words are stable: they are in the JSON of the report.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason { $($name,)* }

        impl Reason {
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// For the operator.
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence,)* }
            }
        }
    };
}

reasons! {
    Expired = "expired", "the key has expired";
    NoUses = "no uses", "the key has no logins left";
    TenantOff = "tenant off", "the tenant is disabled, which the old server did not enforce for keys";
    ClientOff = "client off", "the client is disabled, which the old server did not enforce";
    MfaOff = "mfa off", "the person's MFA record is disabled";
    MfaEnded = "mfa ended", "the person's MFA record has expired";
    LinkEnded = "link ended", "the link to the account has expired";
    DelegationEnded = "delegation ended", "the delegation to the client has expired";
    SystemAccount = "system account", "MVP linked a system account: a host that sends the uid 0 is refused";
    HostOfOther = "host owned by another tenant", "the host's name belongs to another tenant, which answers hosts that send no tenant";
    Limited = "limited", "the key has a limited number of logins, and they are counted from now on";
    EndsSoon = "ends soon", "the key, or what it depends on, expires within 30 days";
    Name = "name", "a name has characters other than letters, digits and . _ - @ + ~ /, or more than 128";
    Wildcard = "wildcard", "* meant everyone, but no release of TMS ever read it so";
    ClientMissing = "without client", "its client was deleted";
    MfaMissing = "without mfa", "the person has no MFA record";
    LinkMissing = "without link", "the account is not linked to the person";
    DelegationMissing = "without delegation", "the person has no delegation to the client";
    Fingerprint = "fingerprint", "the stored fingerprint is another key's";
    KeyUnreadable = "unreadable key", "the public key cannot be read";
    KeyType = "key type", "keys of this type are not supported";
    ShortRsa = "short rsa", "the RSA key is shorter than 2048 bits";
    Time = "time", "its expiry cannot be read";
    Value = "value", "a number or boolean of the row cannot be read";
    Twice = "twice", "it is there twice (host names are compared without regard to case)";
    Reserved = "reserved", "the client's id, or its name and version, are the portal's own";
    Ended = "ended", "the reservation has expired";
    ParentNotImported = "without parent", "the reservation that it extends is not imported";
    KeyNotImported = "without key", "its key is not imported";
    Privilege = "privilege", "its privilege is not PERM_ADMIN";
    TenantNotTaken = "tenant", "its tenant is not imported";
}

/// A key whose owner will notice the import.
#[derive(Clone, Debug, Serialize)]
pub struct KeyLine {
    pub list: &'static str,
    pub reason: &'static str,
    pub tenant: String,
    pub client_id: String,
    pub user_id: String,
    pub host: String,
    pub account: String,
    pub fingerprint: String,
}

/// The lists of a report's keys: they log in today and would not; they would, but not for long; they are not imported.
pub const LOCKED_OUT: &str = "locked_out";
pub const WILL_END: &str = "will_end";

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct RowCount {
    pub read: u64,
    pub imported: u64,
}

/// Rows of one table that are not imported for one reason.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Group {
    pub rows: u64,
    pub examples: Vec<String>,
}

impl Group {
    fn add(&mut self, example: impl FnOnce() -> String) {
        self.rows += 1;
        if self.examples.len() < MAX_EXAMPLES {
            self.examples.push(example());
        }
    }
}

/// What is affected by one reason: keys by client and host.
#[derive(Clone, Debug, Default, Serialize)]
pub struct KeyGroup {
    pub keys: u64,
    pub by_client: BTreeMap<String, u64>,
    pub by_host: BTreeMap<String, u64>,
    pub examples: Vec<KeyLine>,
}

#[derive(Clone, Debug, Default)]
pub struct Report {
    pub release: &'static str,
    pub sha256: String,
    /// Names of the tenants: in the old database and here.
    pub tenants: Vec<(String, String)>,
    pub rows: BTreeMap<Table, RowCount>,
    pub locked_out: BTreeMap<Reason, KeyGroup>,
    pub will_end: BTreeMap<Reason, KeyGroup>,
    pub not_imported: BTreeMap<(Table, Reason), Group>,
    /// The same rows, of the tables with ids: table, old tenant and id. Not in the JSON.
    pub left_out: BTreeSet<(Table, String, i64)>,
    /// Whether clients are disabled, or clients or administrators need a new secret: a note names them.
    pub clients_refused: bool,
    /// What else differs.
    pub notes: Vec<String>,
    /// What is wrong in the old database; nothing of it is imported.
    pub errors: Vec<String>,
    /// Why the import cannot be done.
    pub obstacles: Vec<String>,
}

impl Report {
    pub fn read(&mut self, table: Table) {
        self.rows.entry(table).or_default().read += 1;
    }

    pub fn imported(&mut self, table: Table) {
        self.rows.entry(table).or_default().imported += 1;
    }

    pub fn not_imported(&mut self, table: Table, reason: Reason, example: impl FnOnce() -> String) {
        self.not_imported.entry((table, reason)).or_default().add(|| escaped(&example()));
    }

    /// Counts a key in the list that its line names.
    pub fn key(&mut self, reason: Reason, line: &KeyLine) {
        let list = if line.list == WILL_END { &mut self.will_end } else { &mut self.locked_out };
        let group = list.entry(reason).or_default();
        group.keys += 1;
        *group.by_client.entry(line.client_id.clone()).or_default() += 1;
        *group.by_host.entry(line.host.clone()).or_default() += 1;
        if group.examples.len() < MAX_EXAMPLES {
            group.examples.push(line.clone());
        }
    }

    /// Whether people or programs will notice the import: a key stops logging in, a client or administrator is refused, or rows are missing.
    pub fn is_noticed(&self) -> bool {
        let harmless = |reason: &Reason| matches!(reason, Reason::Ended | Reason::TenantNotTaken | Reason::Wildcard | Reason::Twice);
        self.clients_refused
            || !self.locked_out.is_empty()
            || !self.errors.is_empty()
            || self.not_imported.keys().any(|(_, reason)| !harmless(reason))
    }

    /// The number of imported rows.
    pub fn imported_rows(&self) -> u64 {
        self.rows.values().map(|count| count.imported).sum()
    }

    pub fn to_json(&self) -> serde_json::Value {
        let not_imported: Vec<_> = self
            .not_imported
            .iter()
            .map(|((table, reason), group)| {
                serde_json::json!({ "table": table.as_str(), "reason": reason.word(), "rows": group.rows, "examples": group.examples })
            })
            .collect();
        serde_json::json!({
            "release": self.release,
            "sha256": self.sha256,
            "tenants": self.tenants.iter().map(|(old, new)| serde_json::json!({ "old": old, "new": new })).collect::<Vec<_>>(),
            "rows": self.rows.iter().map(|(table, count)| (table.as_str(), count)).collect::<BTreeMap<_, _>>(),
            "locked_out": by_word(&self.locked_out),
            "will_end": by_word(&self.will_end),
            "not_imported": not_imported,
            "notes": self.notes,
            "errors": self.errors,
            "obstacles": self.obstacles,
        })
    }
}

fn by_word(list: &BTreeMap<Reason, KeyGroup>) -> BTreeMap<&'static str, &KeyGroup> {
    list.iter().map(|(reason, group)| (reason.word(), group)).collect()
}

/// A text of the old database for a terminal, at most 200 characters: control and other invisible characters are escaped.
pub fn escaped(text: &str) -> String {
    printable(&text.chars().take(200).collect::<String>())
}

/// As [`escaped`], of any length.
pub fn printable(text: &str) -> String {
    text.chars().flat_map(|c| if c == '"' || c == '\'' || c == '\\' { vec![c] } else { c.escape_debug().collect() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_clients_are_noticed() {
        assert!(!Report::default().is_noticed());
        assert!(Report { clients_refused: true, ..Report::default() }.is_noticed());
    }

    #[test]
    fn names_of_the_old_database_cannot_control_the_terminal() {
        assert_eq!(escaped("a b\u{1b}[2J\n\u{202e}\"DOMAIN\\user\" é"), "a b\\u{1b}[2J\\n\\u{202e}\"DOMAIN\\user\" é");
    }
}
