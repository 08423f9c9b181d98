//! Loopback host names and addresses, which are this machine without a DNS query.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Addresses of loopback names; they are not resolved by DNS. Port 0 means the URL's port.
pub const LOOPBACK_ADDRESSES: [SocketAddr; 2] =
    [SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0), SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 0)];

/// Whether a URL's host is `localhost`, a name below `.localhost` (RFC 6761 §6.3), or a loopback address.
pub fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return address.to_canonical().is_loopback();
    }
    is_loopback_name(bare)
}

/// Whether the host is a loopback name rather than an address.
pub fn is_loopback_name(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_hosts_are_recognized() {
        for host in ["localhost", "LocalHost.", "a.localhost", "a.b.LOCALHOST", "127.0.0.1", "127.9.9.9", "::1", "[::1]", "[::ffff:127.0.0.1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["", "localhost.example.org", "notlocalhost", "10.0.0.1", "128.0.0.1", "[::2]", "0.0.0.0", "[2001:db8::1]"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
