//! The server's URL as typed by the user.

use std::fmt;

use oauth2::url::Url;
use percent_encoding::percent_decode_str;
use thiserror::Error;

use crate::domain::loopback::is_loopback;

/// A server: scheme, host and port only, normalized, so that two spellings of one server are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUrl(String);

/// Why a URL was refused, with the form to type instead.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ServerUrlRefused {
    #[error("`{0}` is not a server URL: pass a URL such as https://portal.example.org")]
    InvalidUrl(String),
    #[error("a server URL must not contain a user name or password: pass {0}")]
    HasCredentials(String),
    #[error("a server URL has only a scheme and a host: pass {0}")]
    NotAnOrigin(String),
    #[error("http:// sends your token unencrypted: use https://, or allow it with --insecure-http")]
    PlainHttp,
}

impl ServerUrl {
    /// Accepts `https://`, and `http://` on this machine; `http://` to other machines only if `allow_http`.
    pub fn parse(typed: &str, allow_http: bool) -> Result<Self, ServerUrlRefused> {
        let not_an_address = || ServerUrlRefused::InvalidUrl(typed.to_owned());
        let url = Url::parse(typed.trim()).map_err(|_| not_an_address())?;
        let host = url.host_str().ok_or_else(not_an_address)?;
        let origin = url.origin().ascii_serialization();
        match url.scheme() {
            "https" => {}
            "http" if allow_http || is_loopback(host) => {}
            "http" => return Err(ServerUrlRefused::PlainHttp),
            _ => return Err(not_an_address()),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ServerUrlRefused::HasCredentials(origin));
        }
        if url.path().contains(|c| c != '/') || url.query().is_some() || url.fragment().is_some() {
            return Err(ServerUrlRefused::NotAnOrigin(origin));
        }
        Ok(Self(origin))
    }

    /// As [`Self::parse`], but also accepts a tenant's issuer (`https://HOST/t/TENANT`) and returns its tenant.
    pub fn parse_issuer(typed: &str, allow_http: bool) -> Result<(Self, Option<String>), ServerUrlRefused> {
        let Ok(mut url) = Url::parse(typed.trim()) else {
            return Self::parse(typed, allow_http).map(|server| (server, None));
        };
        let tenant = url.path().trim_end_matches('/').strip_prefix("/t/").filter(|tenant| !tenant.is_empty() && !tenant.contains('/'));
        let tenant = tenant.map(|tenant| percent_decode_str(tenant).decode_utf8_lossy().into_owned());
        if tenant.is_some() {
            url.set_path("/");
        }
        let server = Self::parse(if tenant.is_some() { url.as_str() } else { typed }, allow_http)?;
        Ok((server, tenant))
    }

    /// Whether `url` is on this server, so that the token may be sent to it.
    pub fn is_origin_of(&self, url: &Url) -> bool {
        url.origin().ascii_serialization() == self.0
    }

    /// The host, if it is a name that always means this machine.
    pub fn loopback_name(&self) -> Option<String> {
        let url = Url::parse(&self.0).ok()?;
        url.domain().filter(|name| is_loopback(name)).map(str::to_owned)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equivalent_urls_are_equal() {
        for (typed, server) in [
            ("https://Portal.Example.org", "https://portal.example.org"),
            ("https://portal.example.org:443//", "https://portal.example.org"),
            (" https://portal.example.org:8443/ ", "https://portal.example.org:8443"),
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
            ("http://127.9.9.9", "http://127.9.9.9"),
            ("http://localhost:3000/", "http://localhost:3000"),
            ("http://tms.localhost", "http://tms.localhost"),
            ("http://[::1]:3000", "http://[::1]:3000"),
        ] {
            assert_eq!(ServerUrl::parse(typed, false).unwrap().as_str(), server);
        }
    }

    #[test]
    fn loopback_names_are_recognized() {
        for (typed, name) in [
            ("http://LocalHost:3000", Some("localhost")),
            ("http://localhost.:3000", Some("localhost.")),
            ("https://tms.localhost", Some("tms.localhost")),
            ("http://127.0.0.1:3000", None),
            ("http://[::1]:3000", None),
            ("https://localhost.example.org", None),
        ] {
            assert_eq!(ServerUrl::parse(typed, false).unwrap().loopback_name().as_deref(), name, "{typed}");
        }
    }

    #[test]
    fn invalid_urls_are_refused_with_a_hint() {
        let server = || "https://portal.example.org".to_owned();
        for (typed, refused) in [
            ("https://portal.example.org/device", ServerUrlRefused::NotAnOrigin(server())),
            ("https://portal.example.org/?a=b", ServerUrlRefused::NotAnOrigin(server())),
            ("https://me:pw@portal.example.org", ServerUrlRefused::HasCredentials(server())),
            ("http://portal.example.org", ServerUrlRefused::PlainHttp),
            ("http://localhost.example.org", ServerUrlRefused::PlainHttp),
            ("http://10.0.0.1", ServerUrlRefused::PlainHttp),
        ] {
            assert_eq!(ServerUrl::parse(typed, false), Err(refused));
        }
        for typed in ["", "portal.example.org", "localhost:3000", "ftp://portal.example.org", "file:///etc/passwd"] {
            assert_eq!(ServerUrl::parse(typed, true), Err(ServerUrlRefused::InvalidUrl(typed.to_owned())));
        }
    }

    #[test]
    fn http_to_other_machines_requires_the_option() {
        assert!(ServerUrl::parse("http://portal.example.org", true).is_ok());
    }

    #[test]
    fn port_and_scheme_distinguish_servers() {
        let server = ServerUrl::parse("https://portal.example.org", false).unwrap();
        for (url, same) in [
            ("https://portal.example.org/t/a/oauth/token", true),
            ("https://portal.example.org:8443/t/a/oauth/token", false),
            ("http://portal.example.org/t/a/oauth/token", false),
            ("https://portal.example.org.evil.test/", false),
        ] {
            assert_eq!(server.is_origin_of(&Url::parse(url).unwrap()), same, "{url}");
        }
    }
}
