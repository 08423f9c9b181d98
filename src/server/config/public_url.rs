//! The public URL: an origin (RFC 6454 §4) and nothing else.

use std::net::SocketAddr;

use rustls::pki_types::DnsName;
use thiserror::Error;
use url::{Host, ParseError, SyntaxViolation, Url};

/// Why a text is not a public URL.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PublicUrlRefused {
    #[error("it is no URL of the form https://host[:port] ({0})")]
    InvalidUrl(ParseError),
    #[error("it is no URL of the form https://host[:port] ({})", .0.description())]
    Malformed(SyntaxViolation),
    #[error("it has to begin with https:// or http://, not {0}:")]
    Scheme(String),
    #[error("no user name or password may stand in it")]
    Credentials,
    #[error("nothing may follow host and port: the portal is served from the root of its host")]
    NotAnOrigin,
    #[error("{0} is no name of a host")]
    HostName(String),
    #[error("no one can connect to port 0")]
    Port,
}

/// Parses a public URL. Host and port are normalized (lower case, internationalized names in ASCII, no default port), so that issuer and
/// origin match what clients and browsers derive from it.
pub fn origin(text: &str) -> Result<Url, PublicUrlRefused> {
    // What the URL standard tolerates for browsers, such as a backslash for a slash, is refused as a mistake.
    let violation = std::cell::Cell::new(None);
    let note = |found| violation.set(Some(found));
    let url = Url::options().syntax_violation_callback(Some(&note)).parse(text).map_err(PublicUrlRefused::InvalidUrl)?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(PublicUrlRefused::Scheme(url.scheme().to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(PublicUrlRefused::Credentials);
    }
    if let Some(violation) = violation.get() {
        return Err(PublicUrlRefused::Malformed(violation));
    }
    // `/..` is no longer in the parsed URL.
    let written = text.split_once("://").map_or(text, |(_, rest)| rest.strip_suffix('/').unwrap_or(rest));
    if written.contains('/') || url.query().is_some() || url.fragment().is_some() {
        return Err(PublicUrlRefused::NotAnOrigin);
    }
    match url.host() {
        Some(Host::Domain(name)) if DnsName::try_from(name).is_err() => Err(PublicUrlRefused::HostName(name.to_owned())),
        _ if url.port() == Some(0) => Err(PublicUrlRefused::Port),
        _ => Ok(url),
    }
}

/// The origin of requests to the listening address itself; port 0 is one that is not assigned yet.
pub fn of_listener(scheme: &str, listen: SocketAddr) -> Result<Url, PublicUrlRefused> {
    Url::parse(&format!("{scheme}://{listen}")).map_err(PublicUrlRefused::InvalidUrl)
}

/// The origin without trailing slash, to be followed by a path.
pub fn text(url: &Url) -> String {
    url.origin().ascii_serialization()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(written: &str) -> Result<String, PublicUrlRefused> {
        origin(written).map(|url| text(&url))
    }

    #[test]
    fn an_origin_is_normalized() {
        for (written, origin) in [
            ("https://tms.example.org", "https://tms.example.org"),
            ("https://tms.example.org/", "https://tms.example.org"),
            ("HTTPS://TMS.Example.org:443/", "https://tms.example.org"),
            ("https://tms.example.org:80", "https://tms.example.org:80"),
            ("http://127.0.0.1:80", "http://127.0.0.1"),
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
            ("http://[::1]:80", "http://[::1]"),
            ("https://[2001:DB8:0::1]:8443", "https://[2001:db8::1]:8443"),
            ("https://m\u{fc}nchen.example", "https://xn--mnchen-3ya.example"),
            ("https://tms_1.example", "https://tms_1.example"),
        ] {
            assert_eq!(read(written).as_deref(), Ok(origin), "{written}");
        }
    }

    #[test]
    fn other_texts_than_origins_are_refused() {
        for written in [
            "",
            "tms.example.org",
            "tms.example.org:443",
            "https://",
            "https:///",
            "https:tms.example.org",
            "https:/tms.example.org",
            "https:\\\\tms.example.org",
            "ftp://tms.example.org",
            "javascript:alert(1)",
            "https://x.example:abc",
            "https://x.example:99999",
            "https://x.example:0",
            "http://[::1",
            "http://[::1]x",
            "http://a\\b",
            "http://a b",
            " https://x.example",
            "https://x.example ",
            "https://x.exa\tmple",
            "https://u@x.example",
            "https://u:p@x.example",
            "https://@x.example",
            "https://x.example/path",
            "https://x.example//",
            "https://x.example/..",
            "https://x.example?q",
            "https://x.example?",
            "https://x.example#",
            "https://*.example",
            "https://a..b",
            "https://-a.example",
            "https://x.example/t/test",
            "https://256.256.256.256",
        ] {
            assert!(read(written).is_err(), "{written}: {:?}", read(written));
        }
        assert_eq!(
            read("https://x.example:abc").expect_err("a port").to_string(),
            "it is no URL of the form https://host[:port] (invalid port number)"
        );
        assert_eq!(read("http://a\\b").expect_err("a backslash").to_string(), "it is no URL of the form https://host[:port] (backslash)");
    }
}
