//! What consent pages show and receive, for device grants and authorization requests.

use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;

/// The address of a request compared with the browser's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NetworkProximity {
    SameAddress,
    /// In the same IPv6 /64.
    SameNetwork,
    OtherNetwork,
    /// One of them is unknown.
    Unknown,
}

/// The client, as people read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientItem {
    pub name: String,
    pub trust: ClientTrust,
}

/// How far a client's name can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientTrust {
    /// It authenticates, and the tenant's administrators have verified it.
    Verified,
    /// It authenticates, but no one has verified it.
    Unverified,
    /// It has no secret to authenticate with (RFC 8628 §5.6).
    Public,
}

/// A lifetime that can be selected, and the resulting expiry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifetimeItem {
    pub seconds: u64,
    pub label: String,
    pub until: Timestamp,
}

/// Begins the choice of all host accounts; the ids that the page showed follow, separated by commas.
pub const ALL_ACCOUNTS: &str = "all:";

#[cfg(feature = "ssr")]
pub use received::{chosen_accounts, parse};

#[cfg(feature = "ssr")]
mod received {
    use std::net::IpAddr;
    use std::time::Duration;

    use super::{ALL_ACCOUNTS, ClientItem, ClientTrust, LifetimeItem, NetworkProximity};
    use crate::domain::attempts::network_key;
    use crate::domain::device_grant::{Consent, DecisionRefused};
    use crate::domain::ids::HostAccountId;
    use crate::domain::scope::ScopeSet;
    use crate::domain::time::Timestamp;
    use crate::server::context::translations;
    use crate::server::service::authorizations::my_delegations::ClientName;

    /// The ids of the selected host accounts. "All" are those that the page showed, never one that was linked later.
    pub fn chosen_accounts(choice: &str, selected: Vec<String>) -> Vec<String> {
        match (choice.strip_prefix(ALL_ACCOUNTS), choice) {
            (Some(shown), _) => shown.split(',').filter(|id| !id.is_empty()).map(str::to_owned).collect(),
            (None, "none") => Vec::new(),
            // The page has no such choice if there are few accounts.
            (None, _) => selected,
        }
    }

    /// The fields of a consent form.
    pub fn parse(lifetime: &str, host_accounts: &[String], started_this: &str, shown: Option<&str>) -> Result<Consent, DecisionRefused> {
        let seconds = lifetime.parse().map_err(|_| DecisionRefused::LifetimeNotAvailable)?;
        let host_accounts: Result<Vec<_>, _> = host_accounts.iter().map(HostAccountId::parse).collect();
        Ok(Consent {
            lifetime: Duration::from_secs(seconds),
            host_accounts: host_accounts.map_err(|_| DecisionRefused::HostAccountNotYours)?,
            started_this: started_this == "yes",
            shown_scope: shown.map(ScopeSet::parse_known),
        })
    }

    impl ClientTrust {
        fn of(client: &ClientName) -> Self {
            match (client.public, client.verified) {
                (true, _) => Self::Public,
                (false, true) => Self::Verified,
                (false, false) => Self::Unverified,
            }
        }
    }

    impl NetworkProximity {
        pub(in crate::server_fns) fn of(requested: Option<IpAddr>, browser: Option<IpAddr>) -> Self {
            match requested.zip(browser) {
                None => Self::Unknown,
                Some((requested, browser)) if requested == browser => Self::SameAddress,
                Some((requested, browser)) if network_key(requested) == network_key(browser) => Self::SameNetwork,
                Some(_) => Self::OtherNetwork,
            }
        }
    }

    impl ClientItem {
        pub fn of(client: &ClientName) -> Self {
            Self { name: client.name.clone(), trust: ClientTrust::of(client) }
        }
    }

    impl LifetimeItem {
        pub(in crate::server_fns) fn new(lifetime: Duration, now: Timestamp) -> Self {
            Self { seconds: lifetime.as_secs(), label: translations().format_duration(lifetime), until: now + lifetime }
        }
    }
}
