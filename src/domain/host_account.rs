//! Host accounts: logins on hosts that are linked to people.

use std::time::Duration;

use super::delegation::Creator;
use super::ids::{HostAccountId, HostName, UserId};
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

/// A client's host, under whose account names people arrive there (`Client::username_of_host`).
#[derive(Clone, Copy, Debug)]
pub struct HostUsername<'a> {
    pub host: &'a HostName,
    /// The account that the person selected.
    pub selected: Option<&'a HostAccountId>,
}

/// The account whose name a client is told, of a person's accounts on its host: the selected one; without a selection, the only one. `None` if it
/// is not linked any more, or if the person would have to select one.
pub fn username_account<'a>(accounts: &'a [HostAccount], selected: Option<&HostAccountId>, now: Timestamp) -> Option<&'a HostAccount> {
    let mut active = accounts.iter().filter(|account| account.is_active(now));
    match selected {
        Some(id) => active.find(|account| account.id == *id),
        None => active.next().filter(|_| active.next().is_none()),
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

    #[test]
    fn client_is_told_the_selected_or_the_only_account() {
        let now = Timestamp::from_millis(1_000);
        let id = |id: &str| HostAccountId::parse(id).expect("an id");
        let account = |name: &str, expires_at: i64| HostAccount {
            number: 1,
            id: id(name),
            user_id: UserId::parse("jdoe").expect("a user id"),
            host: "frontera".into(),
            account: name.into(),
            linked_at: Timestamp::from_millis(0),
            expires_at: Timestamp::from_millis(expires_at),
            updated_at: Timestamp::from_millis(0),
            linked_by: Creator::Person,
            linked_through: None,
        };
        let told = |accounts: &[HostAccount], selected: Option<&str>| {
            let selected = selected.map(id);
            username_account(accounts, selected.as_ref(), now).map(|account| account.account.clone())
        };
        let (one, expired) = ([account("hac_a", 2_000)], [account("hac_a", 1_000)]);
        let two = [account("hac_a", 2_000), account("hac_b", 2_000), account("hac_c", 999)];
        assert_eq!(told(&one, None).as_deref(), Some("hac_a"));
        assert_eq!((told(&[], None), told(&expired, None), told(&two, None)), (None, None, None));
        assert_eq!(told(&two, Some("hac_b")).as_deref(), Some("hac_b"));
        assert_eq!((told(&two, Some("hac_c")), told(&two, Some("hac_d"))), (None, None), "it is not linked any more");
    }
}
