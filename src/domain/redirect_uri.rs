//! Redirect URIs of clients (RFC 6749 §3.1.2), as they are registered and compared.
//!
//! Only a form that has one reading is accepted: lower case scheme and host, an IPv4 address with four decimal numbers, no dot segments.
//! What a browser opens is then what was registered, and requests can be compared character by character (RFC 9700 §2.1).

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Maximum length, in bytes.
pub const MAX_LENGTH: usize = 2_048;

/// Names of parameters that the portal adds to a redirect URI (RFC 6749 §4.1.2, RFC 9207 §2).
const ADDED_PARAMETERS: [&str; 5] = ["code", "state", "iss", "error", "error_description"];

/// Hosts with which plain HTTP is allowed, because the requests do not leave the machine (RFC 8252 §7.3, §8.3).
const LOOPBACK_HOSTS: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

/// A registered redirect URI.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RedirectUri(String);

/// Why a URI cannot be registered.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum UriRefused {
    #[error("it is longer than {MAX_LENGTH} characters")]
    TooLong,
    /// Not absolute, or with a scheme that browsers interpret themselves.
    #[error("it begins neither with https:// nor with a private-use scheme that has a dot, such as org.example.app:/callback")]
    Scheme,
    #[error("http:// is allowed for 127.0.0.1, [::1] and localhost only")]
    PlainHttp,
    #[error("its host is not a name in lower case, an IPv4 address or an IPv6 address in brackets, with or without a port")]
    Host,
    #[error("it contains a user name or a password")]
    UserInfo,
    #[error("it has a fragment (#)")]
    Fragment,
    #[error("it has a wildcard (*): it is compared character by character")]
    Wildcard,
    #[error("it has a space, a backslash or another character that has to be percent-encoded")]
    Character,
    #[error("its path has the segment . or ..")]
    DotSegment,
    #[error("its query has a parameter that the portal adds: code, state, iss, error or error_description")]
    Parameter,
    /// Of an origin: it has more than scheme, host and port, or the default port.
    #[error("it is more than a scheme, a host and a port other than the default one")]
    NotAnOrigin,
}

impl RedirectUri {
    /// Refuses what is not a single, unambiguous address, plain HTTP to other machines, and parameters that responses add.
    pub fn parse(text: &str) -> Result<Self, UriRefused> {
        check_characters(text)?;
        let (scheme, rest) = text.split_once(':').ok_or(UriRefused::Scheme)?;
        let query = if ["https", "http"].contains(&scheme) { WebUri::parse(text)?.query } else { private_use_query(scheme, rest)? };
        if query.is_some_and(has_added_parameter) {
            return Err(UriRefused::Parameter);
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether a request may name `requested`: it is the same text; or, for plain HTTP to a loopback host, the same but for the port, which a
    /// program gets from its system (RFC 8252 §7.3). No host stands for another.
    pub fn matches(&self, requested: &str) -> bool {
        if self.0 == requested {
            return true;
        }
        let Some((registered, requested)) = without_loopback_port(&self.0).zip(without_loopback_port(requested)) else { return false };
        registered == requested
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host that a browser opens, without port; `None` with a private-use scheme, which opens a program on the person's machine.
    pub fn host(&self) -> Option<&str> {
        WebUri::parse(&self.0).ok().map(|uri| uri.host)
    }

    /// Whether it leads to a program on the person's machine: a loopback host, or a private-use scheme.
    pub fn is_native(&self) -> bool {
        self.host().is_none_or(|host| LOOPBACK_HOSTS.contains(&host))
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for RedirectUri {
    type Error = UriRefused;

    fn try_from(text: String) -> Result<Self, UriRefused> {
        Self::parse(&text)
    }
}

impl From<RedirectUri> for String {
    fn from(uri: RedirectUri) -> Self {
        uri.0
    }
}

/// Scheme and host, and what follows the port, of an `http` URI with a loopback host.
fn without_loopback_port(uri: &str) -> Option<(&str, &str)> {
    LOOPBACK_HOSTS.into_iter().find_map(|host| {
        let rest = uri.strip_prefix("http://")?.strip_prefix(host)?;
        let after = match rest.strip_prefix(':') {
            Some(port) => {
                let digits = port.find(|c: char| !c.is_ascii_digit()).unwrap_or(port.len());
                let (port, after) = port.split_at(digits);
                is_port(port).then_some(after)?
            }
            None => rest,
        };
        (after.is_empty() || after.starts_with(['/', '?'])).then_some((host, after))
    })
}

/// An absolute URI with the scheme `https`, or `http` with a loopback host, in its parts.
pub(super) struct WebUri<'a> {
    pub scheme: &'a str,
    pub host: &'a str,
    pub port: Option<&'a str>,
    pub path: &'a str,
    pub query: Option<&'a str>,
}

impl<'a> WebUri<'a> {
    pub fn parse(text: &'a str) -> Result<Self, UriRefused> {
        check_characters(text)?;
        let (scheme, rest) = text.split_once("://").ok_or(UriRefused::Scheme)?;
        if !["https", "http"].contains(&scheme) {
            return Err(UriRefused::Scheme);
        }
        let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(UriRefused::UserInfo);
        }
        let (host, port) = split_port(authority)?;
        if scheme == "http" && !LOOPBACK_HOSTS.contains(&host) {
            return Err(UriRefused::PlainHttp);
        }
        let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
        check_segments(path)?;
        Ok(Self { scheme, host, port, path, query })
    }
}

/// The query of a URI with a private-use scheme (RFC 8252 §7.1): a domain name under the author's control, in reverse order.
fn private_use_query<'a>(scheme: &str, rest: &'a str) -> Result<Option<&'a str>, UriRefused> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '+');
    if !scheme.contains('.') || !scheme.starts_with(|c: char| c.is_ascii_lowercase()) || !scheme.chars().all(allowed) {
        return Err(UriRefused::Scheme);
    }
    let (before, query) = rest.split_once('?').map_or((rest, None), |(before, query)| (before, Some(query)));
    let (authority, path) = before.strip_prefix("//").map_or(("", before), |after| after.split_once('/').unwrap_or((after, "")));
    if authority.contains('@') {
        return Err(UriRefused::UserInfo);
    }
    if !authority.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')) {
        return Err(UriRefused::Host);
    }
    check_segments(path)?;
    Ok(query)
}

/// The characters of RFC 3986 §2, without those that have a meaning of their own here.
fn check_characters(text: &str) -> Result<(), UriRefused> {
    if text.len() > MAX_LENGTH {
        return Err(UriRefused::TooLong);
    }
    let mut escape = 0_u8;
    for c in text.chars() {
        match c {
            '#' => return Err(UriRefused::Fragment),
            '*' => return Err(UriRefused::Wildcard),
            c if escape > 0 && !c.is_ascii_hexdigit() => return Err(UriRefused::Character),
            '%' => escape = 2,
            c if c.is_ascii_alphanumeric() || "-._~:/?[]@!$&'()+,;=".contains(c) => escape = escape.saturating_sub(1),
            _ => return Err(UriRefused::Character),
        }
    }
    if escape == 0 { Ok(()) } else { Err(UriRefused::Character) }
}

fn check_segments(path: &str) -> Result<(), UriRefused> {
    let is_dots = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    match () {
        () if path.contains(['[', ']']) => Err(UriRefused::Character),
        () if path.split('/').any(is_dots) => Err(UriRefused::DotSegment),
        () => Ok(()),
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<&str>), UriRefused> {
    let end = if authority.starts_with('[') { authority.find(']').map_or(authority.len(), |at| at + 1) } else { 0 };
    let (address, rest) = authority.split_at(end);
    let (name, port) = rest.split_once(':').map_or((rest, None), |(name, port)| (name, Some(port)));
    let host = if end > 0 { address } else { name };
    let is_valid = if end > 0 { name.is_empty() && is_ipv6(address) } else { is_name_or_ipv4(name) };
    if is_valid && port.is_none_or(is_port) { Ok((host, port)) } else { Err(UriRefused::Host) }
}

/// A port as it is usually written, 1 to 65535.
fn is_port(text: &str) -> bool {
    !text.starts_with(['0', '+']) && text.parse::<u16>().is_ok()
}

fn is_ipv6(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    // Browsers write an IPv4 address in an IPv6 one otherwise.
    let is_plain = |parsed: Ipv6Addr| parsed.to_ipv4_mapped().is_none();
    address.is_some_and(|text| text.parse::<Ipv6Addr>().is_ok_and(|parsed| parsed.to_string() == text && is_plain(parsed)))
}

fn is_name_or_ipv4(host: &str) -> bool {
    // A browser takes a host whose last label is a number for an IPv4 address, in many forms (WHATWG URL §3.5).
    let last = host.rsplit('.').next().unwrap_or_default();
    if last.starts_with("0x") || last.chars().all(|c| c.is_ascii_digit()) {
        return host.parse::<Ipv4Addr>().is_ok();
    }
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    host.len() <= 253 && host.split('.').all(|label| !label.is_empty() && label.len() <= 63 && label.chars().all(allowed))
}

fn has_added_parameter(query: &str) -> bool {
    let name = |pair: &str| {
        let name = pair.split('=').next().unwrap_or_default().replace('+', " ");
        percent_encoding::percent_decode_str(&name).decode_utf8_lossy().into_owned()
    };
    query.split('&').any(|pair| ADDED_PARAMETERS.contains(&name(pair).as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registered(text: &str) -> RedirectUri {
        RedirectUri::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"))
    }

    #[test]
    fn unambiguous_addresses_are_accepted() {
        for good in [
            "https://gateway.example.org/oauth/callback",
            "https://gateway.example.org",
            "https://gateway.example.org:8443/hub/oauth_callback?next=%2Fhub&x",
            "https://xn--bcher-kva.example/cb",
            "https://192.0.2.7/cb",
            "https://[2001:db8::1]:8443/cb",
            "http://127.0.0.1/cb",
            "http://127.0.0.1:4242",
            "http://[::1]/cb",
            "http://localhost:8000/",
            "org.example.app:/callback",
            "org.example.app://callback/x?y=1",
        ] {
            assert_eq!(registered(good).as_str(), good);
        }
    }

    #[test]
    fn what_can_be_misread_is_refused() {
        use UriRefused as R;
        for (bad, why) in [
            ("", R::Scheme),
            ("/callback", R::Scheme),
            ("gateway.example.org/cb", R::Scheme),
            ("javascript:alert(1)", R::Scheme),
            ("data:text/html,x", R::Scheme),
            ("vscode://x/cb", R::Scheme),
            ("HTTPS://gateway.example.org/cb", R::Scheme),
            ("https:/gateway.example.org/cb", R::Scheme),
            ("ftp://gateway.example.org/cb", R::Scheme),
            ("http://gateway.example.org/cb", R::PlainHttp),
            ("http://127.0.0.1.evil.example/cb", R::PlainHttp),
            ("http://127.0.0.2/cb", R::PlainHttp),
            ("org.example.app://:8443/cb", R::Host),
            ("http://[::2]/cb", R::PlainHttp),
            ("http://app.localhost/cb", R::PlainHttp),
            ("http://127.1/cb", R::Host),
            ("http://0177.0.0.1/cb", R::Host),
            ("http://2130706433/cb", R::Host),
            ("http://0x7f.1/cb", R::Host),
            ("http://0x7f000001/cb", R::Host),
            ("http://[::ffff:127.0.0.1]/cb", R::Host),
            ("http://[0:0:0:0:0:0:0:1]/cb", R::Host),
            ("http://localhost./cb", R::Host),
            ("http://LOCALHOST/cb", R::Host),
            ("https://Gateway.example.org/cb", R::Host),
            ("https://gateway..example.org/cb", R::Host),
            ("https:///cb", R::Host),
            ("https://gateway.example.org:/cb", R::Host),
            ("https://gateway.example.org:0/cb", R::Host),
            ("https://gateway.example.org:08443/cb", R::Host),
            ("https://gateway.example.org:65536/cb", R::Host),
            ("https://gateway%2eexample.org/cb", R::Host),
            ("https://user@gateway.example.org/cb", R::UserInfo),
            ("https://gateway.example.org@evil.example/cb", R::UserInfo),
            ("org.example.app://user@callback/x", R::UserInfo),
            ("https://gateway.example.org/cb#x", R::Fragment),
            ("https://gateway.example.org/cb#", R::Fragment),
            ("https://*.example.org/cb", R::Wildcard),
            ("https://gateway.example.org/*", R::Wildcard),
            ("https://gateway.example.org\\@evil.example/cb", R::Character),
            ("https://bücher.example/cb", R::Character),
            ("https://gateway.example.org/a b", R::Character),
            ("https://gateway.example.org/a\tb", R::Character),
            ("https://gateway.example.org/cb\n", R::Character),
            ("https://gateway.example.org/%zz", R::Character),
            ("https://gateway.example.org/%2", R::Character),
            ("https://gateway.example.org/a[0]", R::Character),
            ("https://gateway.example.org/../cb", R::DotSegment),
            ("https://gateway.example.org/a/%2e%2E/cb", R::DotSegment),
            ("https://gateway.example.org/.", R::DotSegment),
            ("https://gateway.example.org/cb?code=1", R::Parameter),
            ("https://gateway.example.org/cb?x=1&st%61te", R::Parameter),
            ("org.example.app:/cb?iss=x", R::Parameter),
            ("https://gateway.example.org/cb?error=1", R::Parameter),
        ] {
            assert_eq!(RedirectUri::parse(bad), Err(why), "{bad}");
        }
        let long = |length: usize| format!("https://gateway.example.org/{}", "a".repeat(length - 28));
        assert!(RedirectUri::parse(&long(MAX_LENGTH)).is_ok());
        assert_eq!(RedirectUri::parse(&long(MAX_LENGTH + 1)), Err(R::TooLong));
    }

    #[test]
    fn requests_are_compared_character_by_character() {
        let uri = registered("https://gateway.example.org/oauth/cb?x=1");
        assert!(uri.matches("https://gateway.example.org/oauth/cb?x=1"));
        for other in [
            "https://gateway.example.org/oauth/cb",
            "https://gateway.example.org/oauth/cb?x=1&y=2",
            "https://gateway.example.org/oauth/cb?x=1#f",
            "https://gateway.example.org/oauth/cb/?x=1",
            "https://gateway.example.org/oauth/CB?x=1",
            "https://GATEWAY.example.org/oauth/cb?x=1",
            "https://gateway.example.org:443/oauth/cb?x=1",
            "https://gateway.example.org/%6fauth/cb?x=1",
            "https://gateway.example.org/oauth/%2e%2e/oauth/cb?x=1",
            "https://gateway.example.org/oauth/./cb?x=1",
            "https://gateway.example.org./oauth/cb?x=1",
            "https://user@gateway.example.org/oauth/cb?x=1",
            "https://gateway.example.org\\oauth/cb?x=1",
            "https://gateway.example.org/oauth/cb?x=1\n",
            "\thttps://gateway.example.org/oauth/cb?x=1",
            "http://gateway.example.org/oauth/cb?x=1",
            "https://gateway.example.org.evil.example/oauth/cb?x=1",
            "",
        ] {
            assert!(!uri.matches(other), "{other}");
        }
    }

    #[test]
    fn any_port_of_a_registered_loopback_host_matches() {
        for host in LOOPBACK_HOSTS {
            for registered_as in [format!("http://{host}/cb?x=1"), format!("http://{host}:4242/cb?x=1")] {
                let uri = registered(&registered_as);
                for port in ["", ":1", ":80", ":65535"] {
                    assert!(uri.matches(&format!("http://{host}{port}/cb?x=1")), "{registered_as} {port}");
                }
                for port in [":", ":0", ":065", ":65536", ":+80", ":8x", ":80@evil.example", ".evil.example", ":80:80"] {
                    assert!(!uri.matches(&format!("http://{host}{port}/cb?x=1")), "{registered_as} {port}");
                }
                for rest in ["/cb", "/cb?x=2", "/CB?x=1", "/cb?x=1#f", "/cb/?x=1", ""] {
                    assert!(!uri.matches(&format!("http://{host}:4242{rest}")), "{rest}");
                }
                for other in
                    LOOPBACK_HOSTS.into_iter().chain(["127.1", "[::ffff:127.0.0.1]", "LOCALHOST", "127.0.0.2"]).filter(|other| *other != host)
                {
                    assert!(!uri.matches(&format!("http://{other}:4242/cb?x=1")), "{other} for {host}");
                }
                assert!(!uri.matches(&format!("https://{host}:4242/cb?x=1")));
            }
            let bare = registered(&format!("http://{host}"));
            assert!(bare.matches(&format!("http://{host}:9000")) && !bare.matches(&format!("http://{host}:9000/")));
        }
        let remote = registered("https://127.0.0.1:8443/cb");
        assert!(!remote.matches("https://127.0.0.1:8444/cb"), "only plain HTTP");
    }

    #[test]
    fn native_programs_are_told_from_web_servers() {
        let native = |text: &str| registered(text).is_native();
        assert!(native("http://127.0.0.1/cb") && native("http://[::1]:1/cb") && native("http://localhost/cb") && native("org.example.app:/cb"));
        assert!(!native("https://gateway.example.org/cb"));
        assert_eq!(registered("https://gateway.example.org:8443/cb").host(), Some("gateway.example.org"));
        assert_eq!(registered("org.example.app://host/cb").host(), None);
    }
}
