//! Resolves `[ACCOUNT@]HOST` to a host account.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::super::printable::Printable;
use crate::wire::MyHost;

const MAX_NAME_LENGTH: usize = 128;

/// The destination as typed by the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    account: Option<String>,
    host: String,
}

/// A host account with names that are safe as arguments of `ssh` and as file names: none is an option, a path or part of a shell
/// command (ssh inserts them into `ProxyCommand`).
#[derive(Debug, PartialEq, Eq)]
pub struct SshTarget {
    pub host: String,
    pub host_account: String,
    /// The address to connect to, if it differs from the host's name.
    pub address: Option<String>,
}

/// Why a destination is not exactly one host account of the user.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum DestinationRefused {
    #[error(
        "this sign-in covers no host account {requested}; it covers {shared}. If the account is linked (`tms link` on the host, or Hosts in the portal), run `tms login` and select it"
    )]
    NotShared { requested: String, shared: AccountList },
    #[error("this sign-in covers no host accounts: link one (`tms link` on the host, or Hosts in the portal), then run `tms login` and select it")]
    NothingShared,
    #[error("the link to {0} has expired: run `tms link` again on the host, or renew it under Hosts in the portal")]
    Expired(AccountList),
    #[error("you have several accounts on {host} ({accounts}): name one, as in `tms ssh ACCOUNT@{host}`")]
    Ambiguous { host: String, accounts: AccountList },
    #[error("{0} cannot be used with ssh because of its name: tell the portal's operators")]
    UnsafeName(Printable),
}

/// Host accounts as they are typed: `a@x, b@x`.
#[derive(Debug, PartialEq, Eq)]
pub struct AccountList(Vec<String>);

impl DestinationRefused {
    /// The host account that a new sign-in may cover.
    pub fn unshared_account(&self) -> Option<String> {
        match self {
            Self::NotShared { requested, shared } => Some(format!("Your sign-in covers no host account {requested}; it covers {shared}")),
            Self::NothingShared => Some("Your sign-in covers no host account".to_owned()),
            Self::Expired(_) | Self::Ambiguous { .. } | Self::UnsafeName(_) => None,
        }
    }
}

/// The one active host account that matches. A host matches by its name, and by its address unless that is the name of another
/// host.
pub fn resolve(destination: &Destination, accounts: &[MyHost]) -> Result<SshTarget, DestinationRefused> {
    let by_name = accounts.iter().any(|account| destination.matches_host(&account.host));
    let (active, expired): (Vec<&MyHost>, Vec<&MyHost>) = accounts.iter().partition(|account| account.state == "active");
    let matching: Vec<&MyHost> = active.iter().copied().filter(|account| destination.matches(account, by_name)).collect();
    let matching_expired: Vec<&MyHost> = expired.into_iter().filter(|account| destination.matches(account, by_name)).collect();
    match (matching.as_slice(), matching_expired.as_slice()) {
        ([account], _) => SshTarget::new(account),
        ([], []) if active.is_empty() => Err(DestinationRefused::NothingShared),
        ([], []) => Err(DestinationRefused::NotShared { requested: destination.to_string(), shared: AccountList::of(&active) }),
        ([], expired) => Err(DestinationRefused::Expired(AccountList::of(expired))),
        (several, _) => Err(DestinationRefused::Ambiguous { host: destination.host.clone(), accounts: AccountList::of(several) }),
    }
}

impl Destination {
    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    fn matches(&self, account: &MyHost, by_name: bool) -> bool {
        let host = if by_name { Some(account.host.as_str()) } else { account.address.as_deref() };
        host.is_some_and(|host| self.matches_host(host)) && self.account.as_deref().is_none_or(|requested| account.host_account == requested)
    }

    fn matches_host(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case(&self.host)
    }
}

impl FromStr for Destination {
    type Err = &'static str;

    /// The last `@` separates: hosts have no `@` in their names, accounts may.
    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        let (account, host) = match typed.rsplit_once('@') {
            Some((account, host)) => (Some(account.to_owned()), host),
            None => (None, typed),
        };
        if host.is_empty() || account.as_ref().is_some_and(String::is_empty) {
            return Err("use HOST or ACCOUNT@HOST");
        }
        Ok(Self { account, host: host.to_owned() })
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.account {
            Some(account) => write!(f, "{account}@{}", self.host),
            None => write!(f, "on {}", self.host),
        }
    }
}

impl SshTarget {
    fn new(account: &MyHost) -> Result<Self, DestinationRefused> {
        let address = account.address.as_deref().filter(|address| !address.is_empty() && *address != account.host.as_str());
        let (host, name) = (account.host.as_str(), account.host_account.as_str());
        if is_safe_name(host, "") && is_safe_name(name, "@+~") && address.is_none_or(|address| is_safe_name(address, "") || is_ipv6(address)) {
            return Ok(Self { host: host.to_owned(), host_account: name.to_owned(), address: address.map(str::to_owned) });
        }
        Err(DestinationRefused::UnsafeName(Printable::new(&format_account(account))))
    }
}

/// Letters, digits, `.`, `_`, `-` and the characters in `besides`; the first is a letter, digit or `_`.
fn is_safe_name(name: &str, besides: &str) -> bool {
    let begins_well = name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') || besides.contains(c);
    begins_well && name.len() <= MAX_NAME_LENGTH && name.chars().all(allowed)
}

fn is_ipv6(address: &str) -> bool {
    address.parse::<std::net::Ipv6Addr>().is_ok()
}

fn format_account(account: &MyHost) -> String {
    format!("{}@{}", account.host_account, account.host)
}

impl AccountList {
    fn of(accounts: &[&MyHost]) -> Self {
        Self(accounts.iter().map(|account| format_account(account)).collect())
    }
}

impl fmt::Display for AccountList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(account: &str, host: &str, state: &str, address: Option<&str>) -> MyHost {
        MyHost {
            host: host.to_owned(),
            host_account: account.to_owned(),
            address: address.map(str::to_owned),
            state: state.to_owned(),
            linked_at: String::new(),
            expires_at: String::new(),
        }
    }

    fn chosen(typed: &str, accounts: &[MyHost]) -> Result<String, String> {
        let account = resolve(&typed.parse().unwrap(), accounts).map_err(|refused| refused.to_string())?;
        Ok(format!("{}@{}", account.host_account, account.host))
    }

    #[test]
    fn host_alone_suffices_for_a_single_account() {
        let accounts = [
            account("jdoe", "frontera", "active", None),
            account("jdoe", "vista", "active", None),
            account("shared@proj", "vista", "active", None),
            account("old", "frontera", "expired", None),
            account("old", "gone", "expired", None),
        ];
        assert_eq!(chosen("frontera", &accounts).unwrap(), "jdoe@frontera");
        assert_eq!(chosen("Frontera", &accounts).unwrap(), "jdoe@frontera", "case does not count");
        assert_eq!(chosen("jdoe@vista", &accounts).unwrap(), "jdoe@vista");
        assert_eq!(chosen("shared@proj@vista", &accounts).unwrap(), "shared@proj@vista");
        let covered = "it covers jdoe@frontera, jdoe@vista, shared@proj@vista. If the account is linked (`tms link` on the host, or Hosts in the portal), \
                       run `tms login` and select it";
        for (typed, why) in [
            ("vista", "you have several accounts on vista (jdoe@vista, shared@proj@vista): name one, as in `tms ssh ACCOUNT@vista`"),
            ("gone", "the link to old@gone has expired: run `tms link` again on the host, or renew it under Hosts in the portal"),
            ("old@frontera", "the link to old@frontera has expired: run `tms link` again on the host, or renew it under Hosts in the portal"),
            ("elsewhere", &format!("this sign-in covers no host account on elsewhere; {covered}")),
            ("root@vista", &format!("this sign-in covers no host account root@vista; {covered}")),
        ] {
            assert_eq!(chosen(typed, &accounts).unwrap_err(), why);
        }
        assert!(chosen("vista", &[]).unwrap_err().contains("`tms login`"));
    }

    #[test]
    fn host_name_takes_precedence_over_address() {
        let accounts = [
            account("jdoe", "vista", "active", Some("vista.tacc.example")),
            account("old", "gone", "expired", Some("gone.tacc.example")),
            account("jdoe", "login9", "active", Some("192.0.2.9")),
            account("jdoe", "frontera", "active", Some("login9")),
        ];
        assert_eq!(chosen("VISTA.tacc.example", &accounts).unwrap(), "jdoe@vista");
        assert_eq!(chosen("jdoe@vista.tacc.example", &accounts).unwrap(), "jdoe@vista");
        assert_eq!(chosen("login9", &accounts).unwrap(), "jdoe@login9", "and not the host with that address");
        assert!(chosen("root@vista.tacc.example", &accounts).unwrap_err().contains("covers no host account root@vista.tacc.example"));
        assert!(chosen("gone.tacc.example", &accounts).unwrap_err().starts_with("the link to old@gone has expired"));
    }

    #[test]
    fn incomplete_destinations_are_refused() {
        for typed in ["", "@", "@vista", "jdoe@"] {
            assert!(typed.parse::<Destination>().is_err(), "{typed}");
        }
    }

    #[test]
    fn names_unsafe_for_ssh_are_refused() {
        let odd = ["-oProxyCommand=x", "../../x", "a/b", "..", ".", ".ssh", "a b", "a;b", "$(id)", "a%h", "`id`", "é", "a'b", "a\"b"];
        let too_long = "a".repeat(129);
        for odd in odd.into_iter().chain([too_long.as_str()]) {
            for account in
                [account("jdoe", odd, "active", None), account(odd, "vista", "active", None), account("jdoe", "vista", "active", Some(odd))]
            {
                assert_eq!(SshTarget::new(&account), Err(DestinationRefused::UnsafeName(Printable::new(&format_account(&account)))), "{odd}");
            }
        }
    }

    #[test]
    fn address_is_used_if_it_differs_from_the_name() {
        for (address, kept) in [
            (None, None),
            (Some(""), None),
            (Some("vista"), None),
            (Some("login1.vista.example.org"), Some("login1.vista.example.org")),
            (Some("192.0.2.7"), Some("192.0.2.7")),
            (Some("2001:db8::7"), Some("2001:db8::7")),
            (Some("::1"), Some("::1")),
        ] {
            assert_eq!(SshTarget::new(&account("jdoe", "vista", "active", address)).unwrap().address.as_deref(), kept);
        }
    }
}
