//! The client's IP address. `X-Forwarded-For` and `Forwarded` (RFC 7239) are used only as far as trusted proxies wrote them. If a trusted
//! proxy's entry cannot be parsed, the address is unknown, and never the proxy's own.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request};
use axum::http::{Extensions, HeaderMap, HeaderName, header};
use ipnet::IpNet;
use serde::Deserialize;

use super::rate_limit::Limiter;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The client's address, if it can be determined.
#[derive(Clone, Copy, Debug)]
struct RealIp(Option<IpAddr>);

/// The address that [`insert`] determined.
pub fn get(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<RealIp>()?.0
}

/// Which proxies are trusted, and the header they use.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies {
    pub networks: Arc<[IpNet]>,
    /// `None`: `X-Forwarded-For`, or `Forwarded` if that is missing.
    pub header: Option<ForwardedHeader>,
}

impl From<Vec<IpNet>> for TrustedProxies {
    fn from(networks: Vec<IpNet>) -> Self {
        Self { networks: networks.into(), header: None }
    }
}

impl TrustedProxies {
    fn trusts(&self, address: &IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address))
    }
}

/// A header in which proxies pass on the client's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedHeader {
    XForwardedFor,
    Forwarded,
}

/// Determines the client's address and stores it in the request. `lines` limits the log lines about unknown addresses.
pub fn insert(proxies: &TrustedProxies, lines: &Limiter, request: &mut Request) {
    let address = peer(request).and_then(|peer| match resolve(peer, request.headers(), proxies) {
        Ok(address) => Some(address),
        Err(unknown) => {
            if lines.check(&peer.to_string()).is_ok() {
                tracing::warn!(proxy = %peer, %unknown, "A trusted proxy does not say where requests come from; their addresses count as unknown");
            }
            None
        }
    });
    request.extensions_mut().insert(RealIp(address));
}

/// Whether a trusted proxy sends the request.
pub fn is_from_proxy(proxies: &TrustedProxies, request: &Request) -> bool {
    peer(request).is_some_and(|peer| proxies.trusts(&peer))
}

/// The other end of the connection.
fn peer(request: &Request) -> Option<IpAddr> {
    request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical())
}

/// Why an address is unknown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum UnknownClientError {
    #[error("{header} names {entry:?}, which is no address")]
    InvalidAddress { header: HeaderName, entry: String },
}

fn resolve(peer: IpAddr, headers: &HeaderMap, proxies: &TrustedProxies) -> Result<IpAddr, UnknownClientError> {
    let is_trusted = |address: &IpAddr| proxies.trusts(address);
    if !is_trusted(&peer) {
        return Ok(peer);
    }
    let said = |counted, name: HeaderName, entries: Vec<String>| {
        let counts = proxies.header.is_none_or(|only| only == counted) && !entries.is_empty();
        counts.then(|| walk(peer, &entries, name, is_trusted))
    };
    let x_forwarded_for = said(ForwardedHeader::XForwardedFor, X_FORWARDED_FOR, x_forwarded_for(headers));
    let forwarded = said(ForwardedHeader::Forwarded, header::FORWARDED, forwarded(headers));
    match (x_forwarded_for, forwarded) {
        (None, None) => Ok(peer),
        (Some(found), None) | (None, Some(found)) => found,
        // Most proxies write this header and pass on the other as the client sent it: a header that the client adds must not make its
        // address unknown.
        (Some(x_forwarded_for), Some(_)) => x_forwarded_for,
    }
}

/// Walks the chain of proxies from the nearest one, as long as each is trusted.
fn walk(peer: IpAddr, entries: &[String], header: HeaderName, is_trusted: impl Fn(&IpAddr) -> bool) -> Result<IpAddr, UnknownClientError> {
    const LONGEST_SHOWN: usize = 60;
    let mut address = peer;
    for entry in entries.iter().rev() {
        if !is_trusted(&address) {
            break;
        }
        address = node(entry)
            .ok_or_else(|| UnknownClientError::InvalidAddress { header: header.clone(), entry: entry.chars().take(LONGEST_SHOWN).collect() })?;
    }
    Ok(address)
}

/// The entries of all `X-Forwarded-For` headers, farthest first. Empty ones are ignored (RFC 9110 §5.6.1).
fn x_forwarded_for(headers: &HeaderMap) -> Vec<String> {
    // Addresses contain no commas: split without regard to quotes, so that an unclosed quote cannot hide what a proxy appended.
    let lines = lines(headers, X_FORWARDED_FOR);
    lines.iter().flat_map(|line| line.split(',')).map(|entry| entry.trim().to_owned()).filter(|entry| !entry.is_empty()).collect()
}

/// The `for` of each element of all `Forwarded` headers (RFC 7239 §4), farthest first; empty if it is missing.
fn forwarded(headers: &HeaderMap) -> Vec<String> {
    let lines = lines(headers, header::FORWARDED);
    let elements = lines.iter().flat_map(|line| rsplit_unquoted(line, ',')).filter(|element| !element.trim().is_empty());
    elements
        .map(|element| {
            let pairs = rsplit_unquoted(element, ';');
            let of = pairs.iter().filter_map(|pair| pair.split_once('=')).find(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
            of.map(|(_, node)| node.trim().to_owned()).unwrap_or_default()
        })
        .collect()
}

fn lines(headers: &HeaderMap, name: HeaderName) -> Vec<String> {
    // The client may have sent any bytes in front of what the proxies appended.
    headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
}

/// Splits at separators outside quoted strings (RFC 9110 §5.6.4). Parsed from the end, which a trusted proxy wrote, so that an unclosed
/// quote sent by the client cannot swallow it.
fn rsplit_unquoted(line: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut rest, mut quoted) = (Vec::new(), line, false);
    for (at, c) in line.char_indices().rev() {
        let Some((before, from)) = rest.split_at_checked(at) else { continue };
        let escaped = || before.chars().rev().take_while(|c| *c == '\\').count() % 2 == 1;
        if c == '"' && !(quoted && escaped()) {
            quoted = !quoted;
        } else if c == separator && !quoted {
            parts.push(from.strip_prefix(separator).unwrap_or_default());
            rest = before;
        }
    }
    parts.push(rest);
    parts.reverse();
    parts
}

/// An address as proxies write it: with or without quotes, brackets, port (RFC 7239 §6) and zone. `None` for `unknown`, obfuscated names
/// (`_hidden`), and anything else.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text).trim();
    let (address, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, after) = rest.split_once(']')?;
            (address, if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
        }
        // An IPv6 address without brackets has several colons, and no port.
        None if text.matches(':').count() == 1 => text.split_once(':').map(|(address, port)| (address, Some(port)))?,
        None => (text, None),
    };
    if !port.is_none_or(is_port) {
        return None;
    }
    let (address, zone) = address.split_once('%').map_or((address, None), |(address, zone)| (address, Some(zone)));
    let address: IpAddr = address.parse().ok()?;
    // Only IPv6 has zones (RFC 4007 §11).
    (zone.is_none() || address.is_ipv6()).then(|| address.to_canonical())
}

fn is_port(text: &str) -> bool {
    let hidden = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    text.parse::<u16>().is_ok() || text.strip_prefix('_').is_some_and(|name| !name.is_empty() && hidden(name))
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::num::NonZeroU32;
    use std::sync::Mutex;

    use axum::body::Body;

    use super::*;

    /// Collects log output.
    #[derive(Clone, Default)]
    struct LogBuffer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for LogBuffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("a log").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_unreadable_address_is_logged_once_per_minute() {
        let (log, lines) = (LogBuffer::default(), Limiter::per_minute(NonZeroU32::MIN));
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).finish();
        let peer: SocketAddr = "10.0.0.1:1".parse().expect("an address");
        tracing::subscriber::with_default(subscriber, || {
            for written in ["nonsense", "nonsense", "198.51.100.7:1"] {
                let request = Request::builder().extension(ConnectInfo(peer)).header(X_FORWARDED_FOR, written).body(Body::empty());
                let mut request = request.expect("a request");
                insert(&proxies(&[LOCAL]), &lines, &mut request);
                assert_eq!(get(request.extensions()).is_some(), written != "nonsense");
            }
        });
        let log = String::from_utf8(log.0.lock().expect("a log").clone()).expect("text");
        assert_eq!(log.lines().count(), 1, "{log}");
        assert!(log.contains("proxy=10.0.0.1") && log.contains("x-forwarded-for names \"nonsense\", which is no address"), "{log}");
    }

    const LOCAL: &str = "10.0.0.0/8";

    fn seen_by(proxies: &TrustedProxies, peer: &str, headers: &[(HeaderName, &str)]) -> String {
        let mut sent = HeaderMap::new();
        for (name, value) in headers {
            sent.append(name, axum::http::HeaderValue::from_bytes(value.as_bytes()).expect("a header value"));
        }
        resolve(peer.parse().expect("an address"), &sent, proxies).map_or_else(|_| "unknown".to_owned(), |address| address.to_string())
    }

    fn proxies(networks: &[&str]) -> TrustedProxies {
        TrustedProxies::from(networks.iter().map(|network| network.parse().expect("a network")).collect::<Vec<IpNet>>())
    }

    fn seen(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let headers: Vec<_> = forwarded.iter().map(|value| (X_FORWARDED_FOR, *value)).collect();
        seen_by(&proxies(trusted), peer, &headers)
    }

    fn by_standard(forwarded: &[&str]) -> String {
        let headers: Vec<_> = forwarded.iter().map(|value| (header::FORWARDED, *value)).collect();
        seen_by(&proxies(&[LOCAL]), "10.0.0.1", &headers)
    }

    #[test]
    fn an_untrusted_client_cannot_choose_its_address() {
        assert_eq!(seen("192.0.2.9", &["10.0.0.1"], &[]), "192.0.2.9");
        assert_eq!(seen("192.0.2.9", &["10.0.0.1"], &[LOCAL]), "192.0.2.9");
        assert_eq!(seen("192.0.2.9", &["nonsense"], &[LOCAL]), "192.0.2.9");
        for sent_before in ["1.1.1.1", "\"", "\"1.1.1.1", "unknown", "caf\u{e9}", "\\", "for=1.1.1.1"] {
            assert_eq!(seen("10.0.0.1", &[&format!("{sent_before}, 198.51.100.7")], &[LOCAL]), "198.51.100.7", "{sent_before}");
            assert_eq!(by_standard(&[&format!("{sent_before}, for=198.51.100.7")]), "198.51.100.7", "{sent_before}");
            assert_eq!(by_standard(&[&format!("for=\"{sent_before}, for=198.51.100.7;host=\"a\\\", b\"")]), "198.51.100.7", "{sent_before}");
        }
    }

    #[test]
    fn trusted_proxies_are_skipped_from_the_nearest_one() {
        assert_eq!(seen("10.0.0.1", &["198.51.100.7"], &[LOCAL]), "198.51.100.7");
        assert_eq!(seen("10.0.0.1", &["1.1.1.1, 198.51.100.7, 10.0.0.2"], &[LOCAL]), "198.51.100.7");
        assert_eq!(seen("10.0.0.1", &["1.1.1.1", "198.51.100.7"], &[LOCAL]), "198.51.100.7");
        assert_eq!(seen("10.0.0.1", &["1.1.1.1, 198.51.100.7:4711, 10.0.0.2:80", ""], &[LOCAL]), "198.51.100.7");
        assert_eq!(by_standard(&["for=1.1.1.1, for=198.51.100.7", "for=10.0.0.2;proto=http, For=\"10.0.0.3:80\""]), "198.51.100.7");
        assert_eq!(seen("10.0.0.1", &[], &[LOCAL]), "10.0.0.1", "a request of the proxy's own");
        assert_eq!(seen("10.0.0.1", &["", " , "], &[LOCAL]), "10.0.0.1");
    }

    #[test]
    fn every_spelling_of_an_address_is_parsed() {
        for (written, address) in [
            ("203.0.113.10", "203.0.113.10"),
            ("203.0.113.10:51234", "203.0.113.10"),
            ("\"203.0.113.10\"", "203.0.113.10"),
            ("\"203.0.113.10:51234\"", "203.0.113.10"),
            ("\t203.0.113.10 ,, ", "203.0.113.10"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:DB8::1]:51234", "2001:db8::1"),
            ("\"[2001:db8::1]:51234\"", "2001:db8::1"),
            ("\"[2001:db8::1]:_port\"", "2001:db8::1"),
            ("203.0.113.10:_port-1", "203.0.113.10"),
            ("::ffff:203.0.113.10", "203.0.113.10"),
            ("[::ffff:203.0.113.10]:80", "203.0.113.10"),
            ("[::ffff:cb00:710a]", "203.0.113.10"),
            ("fe80::1%eth0", "fe80::1"),
            ("[fe80::1%25eth0]:80", "fe80::1"),
        ] {
            assert_eq!(seen("10.0.0.1", &[written], &[LOCAL]), address, "{written}");
            let element = written.trim_matches([' ', ',', '\t']);
            assert_eq!(by_standard(&[&format!("proto=https ; for={element};by=10.0.0.1")]), address, "{element}");
        }
    }

    #[test]
    fn an_invalid_address_is_unknown_and_not_the_proxys() {
        for written in [
            "nonsense",
            "unknown",
            "_hidden",
            "\"_hidden\"",
            "203.0.113.10:port",
            "203.0.113.10:99999",
            "203.0.113.10:",
            "203.0.113.256",
            "203.0.113.10%eth0",
            "[2001:db8::1",
            "[2001:db8::1]51234",
            "[203.0.113.10]x",
            "\"203.0.113.10",
            "203.0.113.10 1.1.1.1",
            "caf\u{e9}",
            "1.1.1.1, unknown",
        ] {
            assert_eq!(seen("10.0.0.1", &[written], &[LOCAL]), "unknown", "{written}");
            assert_eq!(by_standard(&[&format!("for={}", written.replace(", ", ", for="))]), "unknown", "{written}");
        }
        for written in ["proto=https", "for=", "for", "198.51.100.7", "for=1.1.1.1, proto=https"] {
            assert_eq!(by_standard(&[written]), "unknown", "{written}");
        }
        assert_eq!(seen("10.0.0.1", &["nonsense, 198.51.100.7"], &[LOCAL]), "198.51.100.7", "what a stranger sent is not looked at");
    }

    #[test]
    fn a_header_added_by_the_client_is_ignored() {
        let both = |x: &'static str, standard: &'static str, header| {
            let proxies = TrustedProxies { header, ..proxies(&[LOCAL]) };
            seen_by(&proxies, "10.0.0.1", &[(X_FORWARDED_FOR, x), (header::FORWARDED, standard)])
        };
        assert_eq!(both("198.51.100.7:80", "for=198.51.100.7", None), "198.51.100.7");
        assert_eq!(both("198.51.100.7", "for=1.1.1.1", None), "198.51.100.7");
        assert_eq!(both("198.51.100.7", "for=unknown", None), "198.51.100.7");
        assert_eq!(both("198.51.100.7", "for=1.1.1.1", Some(ForwardedHeader::XForwardedFor)), "198.51.100.7");
        assert_eq!(both("198.51.100.7", "for=1.1.1.1", Some(ForwardedHeader::Forwarded)), "1.1.1.1");
        let only = TrustedProxies { header: Some(ForwardedHeader::Forwarded), ..proxies(&[LOCAL]) };
        assert_eq!(seen_by(&only, "10.0.0.1", &[(X_FORWARDED_FOR, "1.1.1.1")]), "10.0.0.1");
    }
}
