//! The hosts that an identity provider owns, and the accounts on them that it says are somebody's (docs/decisions/0016).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::ids::{AccountName, HostName};

/// What a tenant lets a provider say about hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamHosts {
    /// Those it owns: nothing on any other is ever linked through it.
    pub hosts: Vec<HostName>,
    /// Where it lists them with their users. `None`: what it calls somebody is their account on each.
    pub list: Option<String>,
}

/// An entry of a provider's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedAccount {
    /// What may be the host's name here, the best first.
    pub names: Vec<String>,
    /// `None`: it names none, which means that it is the provider's own name.
    pub account: Option<String>,
}

/// An account that a provider says is somebody's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UpstreamAccount {
    pub host: HostName,
    /// `None`: the name is missing, or no account can have it. No name is mended: another's could be made of it.
    pub account: Option<AccountName>,
}

impl UpstreamHosts {
    pub fn contains(&self, host: &HostName) -> bool {
        self.hosts.contains(host)
    }

    /// The accounts of somebody on these hosts, by host and name, each once. `own_name`: what the provider calls them; `list`: what it
    /// lists for them, if it keeps a list.
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

    /// The host an entry is about, if it is one of these.
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
    fn without_a_list_the_providers_own_name_is_the_account_everywhere() {
        assert_eq!(said(Some("jdoe"), None), ["jdoe@frontera", "jdoe@stampede"]);
        for nothing in [None, Some(""), Some("j doe"), Some(" jdoe"), Some("jdoe\n"), Some("j\u{f6}e")] {
            assert_eq!(said(nothing, None), ["?@frontera", "?@stampede"], "{nothing:?} is not mended");
        }
    }

    #[test]
    fn a_list_names_hosts_of_the_providers_own_only() {
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
