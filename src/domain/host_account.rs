//! A login on a host that a person has linked to their TMS identity.

use std::time::Duration;

use super::delegation::Creator;
use super::ids::{HostAccountId, UserId};
use super::pagination::QueryParam;
use super::time::Timestamp;

/// How long before its end a person is told how to renew a link.
pub const EXPIRY_WARNING: Duration = Duration::from_secs(30 * 24 * 60 * 60);

#[derive(Clone, Debug)]
pub struct HostAccount {
    /// `id` on TMS' wire.
    pub number: i64,
    pub id: HostAccountId,
    pub user_id: UserId,
    pub host: String,
    pub account: String,
    pub linked_at: Timestamp,
    pub expires_at: Timestamp,
    pub updated_at: Timestamp,
    pub linked_by: Creator,
    /// What people called the provider through which the person linked it; `None`: from the host, or it was not a person.
    pub linked_through: Option<String>,
}

impl HostAccount {
    /// A link counts until its end; an expired one is shown but gives nobody anything.
    pub fn is_active(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// Whether it is time to think of renewing it.
    pub fn expires_soon(&self, now: Timestamp) -> bool {
        self.is_active(now) && self.expires_at.since(now) <= EXPIRY_WARNING
    }
}

/// Accounts that run a host rather than belong to a person: no host, no provider and no MVP mode links them. The names that Linux distributions and
/// batch systems give out, and all that start like a service's.
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

/// Which host accounts a list shows.
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

/// The order of a list of host accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostAccountSort {
    #[default]
    Host,
    /// The newest link first.
    Linked,
    /// The one that ends first first.
    Expires,
}

impl QueryParam for HostAccountSort {
    const ALL: &'static [(&'static str, Self)] = &[("", Self::Host), ("linked", Self::Linked), ("expires", Self::Expires)];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_that_run_the_host_are_known() {
        for account in ["root", "ROOT", "toor", "slurm", "systemd-network", "_apt", "-x", "+", "~root"] {
            assert!(is_system_account(account), "{account}");
        }
        for account in ["testhostaccount1", "tg459284", "rooter", "jdoe@tacc"] {
            assert!(!is_system_account(account), "{account}");
        }
    }
}
