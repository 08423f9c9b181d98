//! Proxies of the environment (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`): which one a request uses.

use std::fmt;

use hyper_util::client::proxy::matcher::Matcher;
use oauth2::http::Uri;

use crate::domain::loopback::is_loopback;

/// A proxy's host and port, without its credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy(String);

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Proxy {
    /// The proxy for requests to `url`, by reqwest's rules. `None` for a loopback host: a request to this machine, with its token,
    /// must not reach another machine.
    pub fn for_url(url: &str) -> Option<Self> {
        Self::select(&Matcher::from_system(), url)
    }

    fn select(matcher: &Matcher, url: &str) -> Option<Self> {
        let url: Uri = url.parse().ok()?;
        if is_loopback(url.host()?) {
            return None;
        }
        let proxy = matcher.intercept(&url)?;
        let (host, port) = (proxy.uri().host()?, proxy.uri().port_u16());
        Some(Self(port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_named_without_its_credentials() {
        let matcher = Matcher::builder().all("http://user:pass@proxy.example:3128").no("direct.example").build();
        let named = |url: &str| Proxy::select(&matcher, url).map(|proxy| proxy.to_string());
        assert_eq!(named("https://portal.example.org/x").as_deref(), Some("proxy.example:3128"));
        assert_eq!(named("http://portal.example.org:8080").as_deref(), Some("proxy.example:3128"));
        assert_eq!(named("https://direct.example/"), None);
        let odd = Matcher::builder().all("http://user:p@ss@proxy.example").build();
        assert_eq!(Proxy::select(&odd, "https://portal.example.org").map_or(String::new(), |proxy| proxy.to_string()).matches("ss").count(), 0);
    }

    #[test]
    fn no_proxy_leads_to_a_loopback_host() {
        let matcher = Matcher::builder().all("http://proxy.example:3128").build();
        for url in ["http://127.0.0.1:3000", "https://127.9.9.9/x", "http://[::1]:3000/", "http://localhost:3000", "https://tms.localhost/"] {
            assert_eq!(Proxy::select(&matcher, url), None, "{url}");
        }
    }
}
