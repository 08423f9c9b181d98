//! Where a request comes from. `X-Forwarded-For` counts only as far as proxies we were told about wrote it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request};
use axum::http::{Extensions, HeaderMap};
use ipnet::IpNet;

/// The caller's address, where it can be known.
#[derive(Clone, Copy, Debug)]
struct ClientAddress(Option<IpAddr>);

/// The address that [`note`] found.
pub fn of(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<ClientAddress>()?.0
}

/// The networks whose `X-Forwarded-For` is believed.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(pub Arc<[IpNet]>);

pub fn note(trusted: &TrustedProxies, mut request: Request) -> Request {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
    let address = peer.map(|peer| behind_proxies(peer, request.headers(), &trusted.0));
    request.extensions_mut().insert(ClientAddress(address));
    request
}

/// Walks the chain of proxies from the near end, as long as each is trusted.
fn behind_proxies(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let said: Vec<&str> =
        headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).collect();
    let mut address = peer;
    for hop in said.into_iter().rev() {
        if !is_trusted(&address) {
            break;
        }
        let Ok(next) = hop.trim().parse::<IpAddr>() else { break };
        address = next.to_canonical();
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&'static str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().expect("a header value"));
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().expect("a network")).collect();
        behind_proxies(peer.parse().expect("an address"), &headers, &trusted).to_string()
    }

    #[test]
    fn a_stranger_cannot_choose_their_address() {
        assert_eq!(seen("192.0.2.9", &["10.0.0.1"], &[]), "192.0.2.9");
        assert_eq!(seen("192.0.2.9", &["10.0.0.1"], &["10.0.0.0/8"]), "192.0.2.9");
    }

    #[test]
    fn trusted_proxies_are_seen_through_from_the_near_end() {
        assert_eq!(seen("10.0.0.1", &["198.51.100.7"], &["10.0.0.0/8"]), "198.51.100.7");
        assert_eq!(seen("10.0.0.1", &["1.1.1.1, 198.51.100.7, 10.0.0.2"], &["10.0.0.0/8"]), "198.51.100.7");
        assert_eq!(seen("10.0.0.1", &["1.1.1.1", "198.51.100.7"], &["10.0.0.0/8"]), "198.51.100.7");
        assert_eq!(seen("10.0.0.1", &["nonsense"], &["10.0.0.0/8"]), "10.0.0.1");
    }
}
