//! Preferences of a browser: language, colours, time zone, last sign-in method. They have their own cookies, so that they apply before sign-in,
//! after sign-out and on error pages.

use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::{HeaderMap, HeaderValue};

use super::middleware::cookies;
use crate::domain::ids::ProviderId;
use crate::domain::time::Zone;
use crate::i18n::{Languages, Translations};

const LANGUAGE: &str = "tms-language";
const THEME: &str = "tms-theme";
const ZONE: &str = "tms-zone";
const LAST_METHOD: &str = "tms-institution";
/// The value of that cookie for a local password; no provider has this ID.
const PASSWORD: &str = "*password";
/// Over TLS: a sibling site cannot set a cookie of this name for the common parent domain (RFC 6265bis §4.1.3.2).
const HOST_ONLY: &str = "__Host-";
/// The value for "no choice": deleting the cookie would expose one that a sibling site has set.
const SYSTEM_DEFAULT: &str = "system";
/// A year, in seconds.
const MAX_AGE: u32 = 31_536_000;

/// A colour scheme, independent of the browser's setting.
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

/// How a person signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LastMethod {
    Password,
    /// The ID of the provider, as the browser sent it.
    Provider(String),
}

/// The language of the response.
pub fn translations(headers: &HeaderMap, languages: &Languages) -> Translations {
    languages.choose(cookie(headers, LANGUAGE), headers.get(ACCEPT_LANGUAGE).and_then(|accepted| accepted.to_str().ok()))
}

/// `None`: the browser's setting applies.
pub fn theme(headers: &HeaderMap) -> Option<Theme> {
    cookie(headers, THEME).and_then(Theme::parse)
}

/// `Set-Cookie` for the language.
pub fn language_cookie(words: Translations, https: bool) -> Option<HeaderValue> {
    set_cookie(LANGUAGE, words.tag(), https)
}

/// `Set-Cookie` for the colour scheme.
pub fn theme_cookie(theme: Option<Theme>, https: bool) -> Option<HeaderValue> {
    set_cookie(THEME, theme.map_or(SYSTEM_DEFAULT, Theme::as_str), https)
}

/// `None`: not chosen, or the zone is not known any more.
pub fn zone(headers: &HeaderMap) -> Option<Zone> {
    cookie(headers, ZONE).and_then(Zone::parse)
}

/// `Set-Cookie` for the time zone.
pub fn zone_cookie(zone: Option<Zone>, https: bool) -> Option<HeaderValue> {
    set_cookie(ZONE, zone.as_ref().map_or(SYSTEM_DEFAULT, Zone::name), https)
}

/// The method of the last sign-in with this browser.
pub fn last_method(headers: &HeaderMap) -> Option<LastMethod> {
    cookie(headers, LAST_METHOD).map(|value| match value {
        PASSWORD => LastMethod::Password,
        provider => LastMethod::Provider(provider.to_owned()),
    })
}

/// `Set-Cookie` after a sign-in through a provider.
pub fn last_provider_cookie(provider: &ProviderId, https: bool) -> Option<HeaderValue> {
    set_cookie(LAST_METHOD, provider.as_str(), https)
}

/// `Set-Cookie` after a sign-in with a local password.
pub fn last_password_cookie(https: bool) -> Option<HeaderValue> {
    set_cookie(LAST_METHOD, PASSWORD, https)
}

fn set_cookie(name: &str, value: &str, https: bool) -> Option<HeaderValue> {
    let (prefix, secure) = if https { (HOST_ONLY, "; Secure") } else { ("", "") };
    HeaderValue::from_str(&format!("{prefix}{name}={value}; Path=/; Max-Age={MAX_AGE}; SameSite=Lax; HttpOnly{secure}")).ok()
}

/// A cookie's value. The `__Host-` cookie has precedence over one that a sibling site could have set.
fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    cookies::cookie(headers, &format!("{HOST_ONLY}{name}")).or_else(|| cookies::cookie(headers, name))
}
