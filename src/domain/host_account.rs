//! Host accounts: logins on hosts that are linked to people.

use std::time::Duration;

use super::delegation::Creator;
use super::ids::{HostAccountId, UserId};
use super::pagination::QueryParam;
use super::time::Timestamp;

/// How long before its expiry a link is shown as due for renewal.
pub const EXPIRY_WARNING: Duration = Duration::from_secs(30 * 24 * 60 * 60);

#[derive(Clone, Debug)]
pub struct HostAccount {
    /// `id` in TMS' API.
    pub number: i64,
    pub id: HostAccountId,
    pub user_id: UserId,
    pub host: String,
    pub account: String,
    pub linked_at: Timestamp,
    pub expires_at: Timestamp,
    pub updated_at: Timestamp,
    pub linked_by: Creator,
    /// Display name of the provider through which the person linked it. `None`: linked from the host, or not by the person.
    pub linked_through: Option<String>,
}

impl HostAccount {
    /// Whether the link is in force; an expired one is listed but gives no access.
    pub fn is_active(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// Whether to suggest renewing it.
    pub fn expires_soon(&self, now: Timestamp) -> bool {
        self.is_active(now) && self.expires_at.since(now) <= EXPIRY_WARNING
    }
}

/// Whether an account runs a host rather than belonging to a person; such accounts are never linked by hosts, providers or automatic
/// provisioning. Covers the names that Linux distributions and batch systems create, and the usual prefixes of service accounts.
pub fn is_system_account(account: &str) -> bool {
    const NAMES: [&str; 47] = [
        "adm",
        "admin",
        "administrator",
        "apache",
        "backup",
        "bin",
        "chrony",
        "daemon",
        "dbus",
        "ftp",
        "games",
        "gdm",
        "gnats",
        "halt",
        "irc",
        "list",
        "lp",
        "mail",
        "man",
        "messagebus",
        "munge",
        "mysql",
        "news",
        "nfsnobody",
        "nginx",
        "nobody",
        "nscd",
        "ntp",
        "operator",
        "polkitd",
        "postfix",
        "postgres",
        "proxy",
        "root",
        "rpc",
        "rpcuser",
        "shutdown",
        "slurm",
        "sshd",
        "sync",
        "sys",
        "syslog",
        "toor",
        "uucp",
        "uuidd",
        "wheel",
        "www-data",
    ];
    let account = account.to_ascii_lowercase();
    NAMES.contains(&account.as_str())
        || account.starts_with("systemd-")
        || account.starts_with('_')
        || !account.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// Filters of the list of host accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostAccountFilter {
    #[default]
    All,
    Active,
    Expired,
}

impl QueryParam for HostAccountFilter {
    const ALL: &'static [(&'static str, Self)] = &[("", Self::All), ("active", Self::Active), ("expired", Self::Expired)];
}

/// Orders of the list of host accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostAccountSort {
    #[default]
    Host,
    /// Most recently linked first.
    Linked,
    /// Earliest expiry first.
    Expires,
}

impl QueryParam for HostAccountSort {
    const ALL: &'static [(&'static str, Self)] = &[("", Self::Host), ("linked", Self::Linked), ("expires", Self::Expires)];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_accounts_are_recognized() {
        for account in ["root", "ROOT", "toor", "slurm", "systemd-network", "_apt", "-x", "+", "~root"] {
            assert!(is_system_account(account), "{account}");
        }
        for account in ["testhostaccount1", "tg459284", "rooter", "jdoe@tacc"] {
            assert!(!is_system_account(account), "{account}");
        }
    }
}
