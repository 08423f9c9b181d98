//! What a browser remembers about how its person reads, and where they sign in: language, colours, time zone, institution. In cookies of
//! its own, so that it holds before sign-in, after sign-out, and for the error pages.

use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::{HeaderMap, HeaderValue};

use super::middleware::cookies;
use crate::domain::ids::ProviderId;
use crate::domain::time::Zone;
use crate::i18n::{Languages, Translations};

const LANGUAGE: &str = "tms-language";
const THEME: &str = "tms-theme";
const ZONE: &str = "tms-zone";
const LAST_PROVIDER: &str = "tms-institution";
/// Over TLS: a cookie that a sibling site sets for a common parent domain cannot have this name (RFC 6265bis §4.1.3.2).
const HOST_ONLY: &str = "__Host-";
/// No choice of one's own, kept as a value: removing a cookie would bring back one that a sibling site has set.
const SYSTEM_DEFAULT: &str = "system";
/// A year, in seconds.
const MAX_AGE: u32 = 31_536_000;

/// Light or dark, whatever the browser's own setting says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    Light,
    Dark,
}

impl Theme {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        [Self::Light, Self::Dark].into_iter().find(|theme| theme.as_str() == word)
    }
}

/// The language to answer in.
pub fn translations(headers: &HeaderMap, languages: &Languages) -> Translations {
    languages.choose(cookie(headers, LANGUAGE), headers.get(ACCEPT_LANGUAGE).and_then(|accepted| accepted.to_str().ok()))
}

/// `None`: as the browser's own setting is.
pub fn theme(headers: &HeaderMap) -> Option<Theme> {
    cookie(headers, THEME).and_then(Theme::parse)
}

/// `Set-Cookie` for the language chosen.
pub fn language_cookie(words: Translations, https: bool) -> Option<HeaderValue> {
    set_cookie(LANGUAGE, words.tag(), https)
}

/// `Set-Cookie` for the colours chosen.
pub fn theme_cookie(theme: Option<Theme>, https: bool) -> Option<HeaderValue> {
    set_cookie(THEME, theme.map_or(SYSTEM_DEFAULT, Theme::as_str), https)
}

/// `None`: nothing was chosen, or no such zone is known any more.
pub fn zone(headers: &HeaderMap) -> Option<Zone> {
    cookie(headers, ZONE).and_then(Zone::parse)
}

/// `Set-Cookie` for the time zone chosen.
pub fn zone_cookie(zone: Option<Zone>, https: bool) -> Option<HeaderValue> {
    set_cookie(ZONE, zone.as_ref().map_or(SYSTEM_DEFAULT, Zone::name), https)
}

/// Where somebody signed in last.
pub fn last_provider(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, LAST_PROVIDER)
}

/// `Set-Cookie` for where somebody has signed in.
pub fn last_provider_cookie(provider: &ProviderId, https: bool) -> Option<HeaderValue> {
    set_cookie(LAST_PROVIDER, provider.as_str(), https)
}

fn set_cookie(name: &str, value: &str, https: bool) -> Option<HeaderValue> {
    let (prefix, secure) = if https { (HOST_ONLY, "; Secure") } else { ("", "") };
    HeaderValue::from_str(&format!("{prefix}{name}={value}; Path=/; Max-Age={MAX_AGE}; SameSite=Lax; HttpOnly{secure}")).ok()
}

/// A cookie's value; the host's own before one that a sibling site could have set.
fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    cookies::cookie(headers, &format!("{HOST_ONLY}{name}")).or_else(|| cookies::cookie(headers, name))
}
