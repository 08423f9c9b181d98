//! What a browser remembers about how its person reads, and where they sign in: language, colours, time zone, institution. In cookies of
//! its own, so that it holds before sign-in, after sign-out, and for the error pages.

use axum::http::header::{ACCEPT_LANGUAGE, COOKIE};
use axum::http::{HeaderMap, HeaderValue};

use crate::domain::ids::ProviderId;
use crate::domain::time::Zone;
use crate::words::{Languages, Words};

const LANGUAGE: &str = "language";
const THEME: &str = "theme";
const ZONE: &str = "zone";
const INSTITUTION: &str = "institution";
/// A year, in seconds.
const KEPT: u32 = 31_536_000;

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
pub fn words(headers: &HeaderMap, languages: &Languages) -> Words {
    languages.choose(cookie(headers, LANGUAGE), headers.get(ACCEPT_LANGUAGE).and_then(|accepted| accepted.to_str().ok()))
}

/// `None`: as the browser's own setting is.
pub fn theme(headers: &HeaderMap) -> Option<Theme> {
    cookie(headers, THEME).and_then(Theme::parse)
}

/// `Set-Cookie` for the language chosen.
pub fn keep_language(words: Words, https: bool) -> Option<HeaderValue> {
    set_cookie(LANGUAGE, words.tag(), KEPT, https)
}

/// `Set-Cookie` for the colours chosen.
pub fn keep_theme(theme: Option<Theme>, https: bool) -> Option<HeaderValue> {
    theme.map_or_else(|| set_cookie(THEME, "", 0, https), |theme| set_cookie(THEME, theme.as_str(), KEPT, https))
}

/// `None`: nothing was chosen, or no such zone is known any more.
pub fn zone(headers: &HeaderMap) -> Option<Zone> {
    cookie(headers, ZONE).and_then(Zone::parse)
}

/// `Set-Cookie` for the time zone chosen.
pub fn keep_zone(zone: Option<Zone>, https: bool) -> Option<HeaderValue> {
    zone.map_or_else(|| set_cookie(ZONE, "", 0, https), |zone| set_cookie(ZONE, zone.name(), KEPT, https))
}

/// Where somebody signed in last.
pub fn institution(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, INSTITUTION)
}

/// `Set-Cookie` for where somebody has signed in.
pub fn keep_institution(provider: &ProviderId, https: bool) -> Option<HeaderValue> {
    set_cookie(INSTITUTION, provider.as_str(), KEPT, https)
}

fn set_cookie(name: &str, value: &str, seconds: u32, https: bool) -> Option<HeaderValue> {
    let secure = if https { "; Secure" } else { "" };
    HeaderValue::from_str(&format!("{name}={value}; Path=/; Max-Age={seconds}; SameSite=Lax; HttpOnly{secure}")).ok()
}

fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    cookies.flat_map(|cookies| cookies.split(';')).find_map(|cookie| cookie.trim().strip_prefix(name)?.strip_prefix('='))
}
