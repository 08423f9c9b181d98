//! Upstream accounts: host accounts that a provider asserts for a person, on hosts that it owns (docs/decisions/0016).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::ids::{AccountName, HostName};

/// The hosts for which a tenant accepts a provider's assertions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamHosts {
    /// The hosts it owns; accounts on others are never linked through it.
    pub hosts: Vec<HostName>,
    /// URL of its account list. `None`: the user's name at the provider is the account name on every host.
    pub list: Option<String>,
}

/// An entry of a provider's account list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedAccount {
    /// Possible names of the host, best first.
    pub names: Vec<String>,
    /// The account name. `None`: the user's name at the provider.
    pub account: Option<String>,
}

/// A host account that a provider asserts for a person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UpstreamAccount {
    pub host: HostName,
    /// `None`: the name is missing or invalid. Names are never sanitized, because the result could be another person's account.
    pub account: Option<AccountName>,
}

impl UpstreamHosts {
    pub fn contains(&self, host: &HostName) -> bool {
        self.hosts.contains(host)
    }

    /// A person's accounts on these hosts, by host and name, without duplicates. `own_name`: the user name at the provider; `list`: the
    /// entries of its account list, if it has one.
    pub fn accounts(&self, own_name: Option<&str>, list: Option<&[ListedAccount]>) -> Vec<UpstreamAccount> {
        let named = |host: &HostName, name: Option<&str>| UpstreamAccount {
            host: host.clone(),
            account: name.and_then(|name| AccountName::parse(name).ok()),
        };
        let accounts: BTreeSet<UpstreamAccount> = match list {
            None => self.hosts.iter().map(|host| named(host, own_name)).collect(),
            Some(list) => list.iter().filter_map(|entry| Some(named(self.listed_host(entry)?, entry.account.as_deref().or(own_name)))).collect(),
        };
        accounts.into_iter().collect()
    }

    /// The host of an entry, if it is one of these.
    fn listed_host(&self, entry: &ListedAccount) -> Option<&HostName> {
        entry.names.iter().find_map(|name| self.hosts.iter().find(|host| host.as_str().eq_ignore_ascii_case(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resources() -> UpstreamHosts {
        UpstreamHosts { hosts: ["stampede", "frontera"].map(|host| HostName::parse(host).expect("a host")).into(), list: None }
    }

    fn said(own_name: Option<&str>, list: Option<&[(&[&str], Option<&str>)]>) -> Vec<String> {
        let entry = |(names, account): &(&[&str], Option<&str>)| ListedAccount {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            account: account.map(str::to_owned),
        };
        let list: Option<Vec<ListedAccount>> = list.map(|list| list.iter().map(entry).collect());
        let named = resources().accounts(own_name, list.as_deref());
        named.into_iter().map(|named| format!("{}@{}", named.account.as_ref().map_or("?", AccountName::as_str), named.host)).collect()
    }

    #[test]
    fn without_a_list_the_user_name_is_the_account_everywhere() {
        assert_eq!(said(Some("jdoe"), None), ["jdoe@frontera", "jdoe@stampede"]);
        for nothing in [None, Some(""), Some("j doe"), Some(" jdoe"), Some("jdoe\n"), Some("j\u{f6}e")] {
            assert_eq!(said(nothing, None), ["?@frontera", "?@stampede"], "{nothing:?} is not mended");
        }
    }

    #[test]
    fn account_list_counts_for_the_providers_hosts_only() {
        let list: [(&[&str], Option<&str>); 7] = [
            (&["r-1", "frontera"], Some("jd")),
            (&["stampede", "frontera"], None),
            (&["vista", "vista.example"], Some("jd")),
            (&["Frontera"], Some("capital")),
            (&["frontera.evil.example"], Some("jd")),
            (&["frontera"], Some("jd")),
            (&["frontera"], Some("j;d")),
        ];
        let expected = ["?@frontera", "capital@frontera", "jd@frontera", "jdoe@stampede"];
        assert_eq!(said(Some("jdoe"), Some(&list)), expected, "the best name counts, and each account once");
        assert!(said(Some("jdoe"), Some(&[])).is_empty());
    }
}
