//! Detection of browsers that reject cookies. The result of a form waits in the session, which is found by its cookie; without it the next
//! page could show nothing.
//!
//! A redirect that first sets the session cookie therefore carries the time (`cookies=SECONDS`). If the request that follows it sends the
//! cookie, it is redirected to the URL without the parameter; if not, the page says that cookies are required.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{COOKIE, InvalidHeaderValue, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use tower_sessions::cookie::{Cookie, SameSite};

use super::security_headers::Https;
use crate::domain::paths;
use crate::domain::time::Timestamp;
use crate::server::state::AppState;

const CHECK_PARAM: &str = "cookies=";
/// Longest time for following the redirect. A URL that is opened later was bookmarked or shared.
const CHECK_WINDOW: Duration = Duration::from_secs(60);

/// The browser was just given the session cookie and did not send it back.
#[derive(Clone, Copy)]
pub struct CookiesDisabled;

/// Name of the session cookie. The prefix `__Host-` binds it to this host and to TLS; browsers refuse it over plain HTTP on loopback.
pub fn session_cookie(https: Https) -> &'static str {
    if https.0 { "__Host-tms" } else { "tms" }
}

pub async fn check(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let brought = cookie(request.headers(), session_cookie(state.https)).map(str::to_owned);
    let now = state.services.now();
    let mut missing = false;
    if let Some((address, at)) = parse_check(request.uri()) {
        missing = brought.is_none() && now.since(at) < CHECK_WINDOW && at <= now;
        if !missing && request.method() == Method::GET {
            return Redirect::to(&address).into_response();
        }
        if let Ok(uri) = address.parse() {
            *request.uri_mut() = uri;
        }
    }
    if missing {
        request.extensions_mut().insert(CookiesDisabled);
    }
    let signs_out = [paths::SIGN_OUT, paths::SIGN_OUT_REQUEST].contains(&request.uri().path());
    let mut response = next.run(request).await;
    let set = drop_unchanged_session_cookie(response.headers_mut(), session_cookie(state.https), brought.as_deref(), signs_out);
    if brought.is_none() && (missing || set) && response.status() == StatusCode::SEE_OTHER {
        add_check(response.headers_mut(), now);
    }
    response
}

/// The value of a cookie.
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    cookies.flat_map(|cookies| cookies.split(';')).find_map(|cookie| cookie.trim().strip_prefix(name)?.strip_prefix('='))
}

/// Returns whether the session cookie is set. A `Set-Cookie` with the value that the browser already has is removed: the response may
/// arrive after that of a sign-in in another tab, and must not restore the old cookie. For the same reason only sign-out deletes it.
fn drop_unchanged_session_cookie(headers: &mut HeaderMap, name: &str, brought: Option<&str>, signs_out: bool) -> bool {
    let cookies: Vec<HeaderValue> = headers.get_all(SET_COOKIE).iter().cloned().collect();
    headers.remove(SET_COOKIE);
    let mut set = false;
    for cookie in cookies {
        let value = value_of(&cookie, name);
        let removed = value == Some("") && !signs_out;
        if value.is_some() && (removed || value == brought) {
            continue;
        }
        set |= value.is_some();
        headers.append(SET_COOKIE, cookie);
    }
    set
}

/// The value that a `Set-Cookie` header gives the named cookie.
fn value_of<'h>(cookie: &'h HeaderValue, name: &str) -> Option<&'h str> {
    cookie.to_str().ok()?.strip_prefix(name)?.strip_prefix('=')?.split(';').next()
}

/// The value that a response gives a cookie.
pub fn set_to(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get_all(SET_COOKIE).iter().filter_map(|cookie| value_of(cookie, name)).find(|value| !value.is_empty()).map(str::to_owned)
}

/// `Set-Cookie` for the session, with the same attributes as the session layer's.
pub fn session(https: Https, value: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    let cookie = Cookie::build((session_cookie(https), value)).http_only(true).same_site(SameSite::Lax).secure(https.0).path("/");
    HeaderValue::try_from(cookie.build().to_string())
}

/// The URL without the parameter, and the time in it.
fn parse_check(uri: &Uri) -> Option<(String, Timestamp)> {
    let query = uri.query()?;
    let seconds = query.split('&').find_map(|part| part.strip_prefix(CHECK_PARAM))?.parse::<i64>().unwrap_or_default();
    let rest: Vec<&str> = query.split('&').filter(|part| !part.starts_with(CHECK_PARAM)).collect();
    let path = format!("/{}", uri.path().trim_start_matches('/'));
    let address = if rest.is_empty() { path } else { format!("{path}?{}", rest.join("&")) };
    Some((address, Timestamp::from_millis(seconds.saturating_mul(1_000))))
}

/// Adds the parameter to a redirect to a page of the portal.
fn add_check(headers: &mut HeaderMap, now: Timestamp) {
    let Some(location) = headers.get(LOCATION).and_then(|location| location.to_str().ok()) else { return };
    if !location.starts_with('/') {
        return;
    }
    let joint = if location.contains('?') { '&' } else { '?' };
    if let Ok(location) = HeaderValue::from_str(&format!("{location}{joint}{CHECK_PARAM}{}", now.as_seconds())) {
        headers.insert(LOCATION, location);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_check_is_removed_from_the_url() {
        let unmarked = |uri: &str| parse_check(&uri.parse().expect("an address")).map(|(address, at)| (address, at.as_seconds()));
        assert_eq!(unmarked("/sign-in?then=/keys%3Fq%3Da&cookies=7"), Some(("/sign-in?then=/keys%3Fq%3Da".into(), 7)));
        assert_eq!(unmarked("/?cookies=x"), Some(("/".into(), 0)));
        assert_eq!(unmarked("//evil.example?cookies=1"), Some(("/evil.example".into(), 1)), "an address of ours");
        assert_eq!((unmarked("/keys?q=cookies%3D7"), unmarked("/keys")), (None, None));
    }

    #[test]
    fn an_unchanged_session_cookie_is_not_set_again() {
        let mut headers = HeaderMap::new();
        for cookie in ["tms=old; Path=/", "tms=; Max-Age=0; Path=/", "tms=new; Path=/", "language=es; Path=/"] {
            headers.append(SET_COOKIE, HeaderValue::from_static(cookie));
        }
        assert!(drop_unchanged_session_cookie(&mut headers, "tms", Some("old"), false));
        assert_eq!(headers.get_all(SET_COOKIE).iter().collect::<Vec<_>>(), ["tms=new; Path=/", "language=es; Path=/"]);
    }
}
