//! The addresses that are registered for a client: where people return to, and where the portal sends requests.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::redirect_uri::{RedirectUri, UriRefused, WebUri};
use super::stored_words::stored_words;

/// The largest number of addresses of one kind.
pub const MAX_PER_KIND: usize = 50;

/// What an address is for; the words are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientUriKind {
    /// Where an authorization response may be sent (RFC 6749 §3.1.2).
    Redirect,
    /// Where people may return to after they signed out (OpenID Connect RP-Initiated Logout 1.0 §3.1).
    PostLogout,
    /// Where logout tokens are sent (OpenID Connect Back-Channel Logout 1.0 §2.2).
    BackchannelLogout,
    /// The web origin of a program in a browser that may read responses (CORS).
    Origin,
    /// Where the client publishes its keys (RFC 7591 §2 `jwks_uri`).
    Jwks,
}

impl ClientUriKind {
    pub const ALL: [Self; 5] = [Self::Redirect, Self::PostLogout, Self::BackchannelLogout, Self::Origin, Self::Jwks];
}

stored_words!(ClientUriKind {
    Redirect = "redirect",
    PostLogout = "post_logout",
    BackchannelLogout = "backchannel_logout",
    Origin = "origin",
    Jwks = "jwks",
});

/// All addresses of a client, each list sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientUris {
    pub redirect: Vec<RedirectUri>,
    pub post_logout: Vec<RedirectUri>,
    pub backchannel_logout: Option<ClientEndpoint>,
    pub origins: Vec<WebOrigin>,
    pub jwks: Option<ClientEndpoint>,
}

impl ClientUris {
    /// The registered redirect URI that a request may name as `requested`.
    pub fn redirect_uri(&self, requested: &str) -> Option<&RedirectUri> {
        self.redirect.iter().find(|registered| registered.matches(requested))
    }

    /// Whether people may return to `requested` after they signed out.
    pub fn allows_return_to(&self, requested: &str) -> bool {
        self.post_logout.iter().any(|registered| registered.matches(requested))
    }
}

/// A URL of a client's server to which the portal sends requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientEndpoint {
    pub url: String,
    /// The operator registered it, so that it may be on the portal's own network (`EgressPolicy`).
    pub unrestricted_egress: bool,
}

impl ClientEndpoint {
    /// Refuses what [`RedirectUri::parse`] refuses of web addresses.
    pub fn parse(url: &str, unrestricted_egress: bool) -> Result<Self, UriRefused> {
        WebUri::parse(url).map(|_| Self { url: url.to_owned(), unrestricted_egress })
    }
}

/// A web origin (RFC 6454 §6.2), as browsers send it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebOrigin(String);

impl WebOrigin {
    pub fn parse(text: &str) -> Result<Self, UriRefused> {
        let WebUri { scheme, port, path, query, .. } = WebUri::parse(text)?;
        let is_default = matches!((scheme, port), ("https", Some("443")) | ("http", Some("80")));
        if path.is_empty() && query.is_none() && !is_default { Ok(Self(text.to_owned())) } else { Err(UriRefused::NotAnOrigin) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for WebOrigin {
    type Error = UriRefused;

    fn try_from(text: String) -> Result<Self, UriRefused> {
        Self::parse(&text)
    }
}

impl From<WebOrigin> for String {
    fn from(origin: WebOrigin) -> Self {
        origin.0
    }
}

/// Why a list of addresses cannot be registered.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum UriListRefused {
    #[error("{uri}: {why}")]
    Uri { uri: String, why: UriRefused },
    #[error("there are more than {MAX_PER_KIND}")]
    TooMany,
}

/// A list of addresses as people write it, separated by white space. Sorted, each once.
pub fn parse_list<T: Ord>(text: &str, parse: impl Fn(&str) -> Result<T, UriRefused>) -> Result<Vec<T>, UriListRefused> {
    let refused = |uri: &str, why| UriListRefused::Uri { uri: uri.to_owned(), why };
    let mut list = text.split_whitespace().map(|uri| parse(uri).map_err(|why| refused(uri, why))).collect::<Result<Vec<_>, _>>()?;
    list.sort();
    list.dedup();
    if list.len() > MAX_PER_KIND { Err(UriListRefused::TooMany) } else { Ok(list) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_as_browsers_send_them() {
        for good in ["https://app.example.org", "https://app.example.org:8443", "http://localhost:3000", "http://127.0.0.1"] {
            assert_eq!(WebOrigin::parse(good).map(String::from), Ok(good.to_owned()));
        }
        for bad in ["https://app.example.org/", "https://app.example.org:443", "http://localhost:80", "https://app.example.org?x"] {
            assert_eq!(WebOrigin::parse(bad), Err(UriRefused::NotAnOrigin), "{bad}");
        }
        assert_eq!(WebOrigin::parse("null"), Err(UriRefused::Scheme));
        assert_eq!(WebOrigin::parse("http://app.example.org"), Err(UriRefused::PlainHttp));
    }

    #[test]
    fn lists_are_sorted_and_name_what_is_wrong() {
        let parsed = parse_list(" https://b.example/cb\r\nhttps://a.example/cb https://b.example/cb\n", RedirectUri::parse).expect("a list");
        assert_eq!(parsed.iter().map(RedirectUri::as_str).collect::<Vec<_>>(), ["https://a.example/cb", "https://b.example/cb"]);
        assert_eq!(parse_list("", RedirectUri::parse), Ok(Vec::new()));
        let refused = parse_list("https://a.example/cb http://b.example/cb", RedirectUri::parse);
        assert_eq!(refused, Err(UriListRefused::Uri { uri: "http://b.example/cb".into(), why: UriRefused::PlainHttp }));
        let many = (0..=MAX_PER_KIND).map(|n| format!("https://a.example/{n} ")).collect::<String>();
        assert_eq!(parse_list(&many, RedirectUri::parse), Err(UriListRefused::TooMany));
    }

    #[test]
    fn kinds_are_read_back() {
        assert!(ClientUriKind::ALL.into_iter().all(|kind| ClientUriKind::parse(kind.as_str()) == Some(kind)));
        assert_eq!(ClientUriKind::parse("document"), None);
    }
}
