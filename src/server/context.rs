//! What pages and server functions may ask of their request.

use axum::http::header::{LOCATION, RETRY_AFTER, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method as HttpMethod, StatusCode};
use leptos::context::use_context;
use leptos::server_fn::ServerFnError;
use leptos_axum::ResponseOptions;

pub use super::caller::{Caller, code_notice};
use super::guard::cookies::KeepsNoCookies;
pub use super::guard::form_fill::MAIN_FORM;
use super::guard::forms::{NOT_KEPT, SIGN_IN_NEEDED};
use super::guard::headers::Https;
pub use super::guard::headers::page_policy;
use super::preferences;
pub use super::preferences::Theme;
pub use super::service::browser_sessions::ListedSession;
pub use super::service::entropy::Secret;
pub use super::service::my_apps::{ClientName, InUse as AppRow};
pub use super::service::my_host_accounts::InUse as HostAccountRow;
pub use super::service::proofs::{FreshlySignedIn, MayAllow};
use super::service::record::RecordWanted;
pub use super::service::{Error, Fault, Principal, Services, SignedIn, TenantAdmin, consent, user_codes};
pub use super::service::{
    administration, clients, delegations, host_accounts, identities, my_links as links, people, providers, pubkeys as keys, resources, second_factors,
};
pub use super::sign_in::Ways;
pub use super::sign_in::session::{Ceremony, Help, Notice, Place, SettingUp, TypedCode};
pub use super::tms::openapi::document as api_description;
use super::user_agent;
use crate::domain::form::{self, Why};
use crate::domain::listing::{ListQuery, Word};
use crate::domain::paths::{self, Onward};
use crate::domain::sentence::Sentence;
use crate::domain::step_up::Missing;
use crate::domain::time::{Timestamp, Zone};
use crate::words::{self, Languages, Words};

/// `Chrome on Linux`, as far as the browser says.
pub fn browser_in_words(agent: &str) -> String {
    match user_agent::parts(agent) {
        (Some(browser), Some(system)) => words().browser_on(browser, system),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => words().browser_unknown(),
    }
}

/// What it takes to answer somebody as they want to read.
#[derive(Clone)]
pub struct Reading {
    pub languages: Languages,
    pub https: Https,
}

/// The language to answer in.
pub fn words() -> Words {
    match (use_context::<Reading>(), use_context::<Parts>()) {
        (Some(reading), Some(parts)) => preferences::words(&parts.headers, &reading.languages),
        _ => words::fallback(),
    }
}

/// The languages one can choose from.
pub fn languages() -> Vec<Words> {
    use_context::<Reading>().map_or_else(Vec::new, |reading| reading.languages.all().to_vec())
}

/// Says that the entries of a form are kept, where it is to be gone on with at `then` after sign-in.
pub async fn entries_kept(then: &Onward) -> Result<Option<String>, Fault> {
    let (Ok(caller), Some(id)) = (caller(), form::draft_of(then.as_str())) else { return Ok(None) };
    let draft = caller.session.draft(id).await?.filter(|draft| draft.why == Why::SignInNeeded);
    Ok(draft.map(|_| words().sign_in_entries_kept()))
}

/// Where somebody signed in last with this browser.
pub fn last_institution() -> Option<String> {
    use_context::<Parts>().and_then(|parts| preferences::institution(&parts.headers).map(str::to_owned))
}

/// Light or dark, if this browser's person chose.
pub fn theme() -> Option<Theme> {
    use_context::<Parts>().and_then(|parts| preferences::theme(&parts.headers))
}

/// Remembers language, colours and time zone in this browser.
pub fn keep_preferences(language: &str, theme: &str, zone: &str) -> Result<(), ServerFnError> {
    let Reading { languages, https } = use_context().ok_or_else(|| lost("languages"))?;
    let cookies = [
        languages.all().iter().find(|known| known.tag() == language).and_then(|words| preferences::keep_language(words, https.0)),
        (theme == "system" || Theme::parse(theme).is_some()).then(|| preferences::keep_theme(Theme::parse(theme), https.0)).flatten(),
        (zone == "browser" || Zone::parse(zone).is_some()).then(|| preferences::keep_zone(Zone::parse(zone), https.0)).flatten(),
    ];
    if let Some(response) = use_context::<ResponseOptions>() {
        cookies.into_iter().flatten().for_each(|cookie| response.append_header(SET_COOKIE, cookie));
    }
    Ok(())
}

/// In which zone times are shown: the one this browser's person chose, or UTC.
pub fn zone() -> Zone {
    chosen_zone().unwrap_or(Zone::UTC)
}

/// The zone this browser's person chose.
pub fn chosen_zone() -> Option<Zone> {
    use_context::<Parts>().and_then(|parts| preferences::zone(&parts.headers))
}

/// A point in time in words, in the zone of [`zone`].
pub fn exactly(at: Timestamp) -> String {
    words().exactly(at, &zone())
}

/// A sentence that names such a point in time.
pub fn naming(at: Timestamp, sentence: impl FnOnce(&str) -> String) -> Sentence {
    words().naming(at, &zone(), sentence)
}

/// All use cases.
pub fn services() -> Result<Services, ServerFnError> {
    use_context().ok_or_else(|| lost("services"))
}

/// Session, address, and the person if one has signed in.
pub fn caller() -> Result<Caller, ServerFnError> {
    use_context::<Parts>().and_then(|parts| parts.extensions.get::<Caller>().cloned()).ok_or_else(|| lost("caller"))
}

/// The person, if one has signed in; pages outside the people's stack have none.
pub fn visitor() -> Option<SignedIn> {
    use_context::<Parts>()?.extensions.get::<Caller>()?.signed_in.clone()
}

/// Whether the browser has not brought the session's cookie that it was given just now.
pub fn keeps_no_cookies() -> bool {
    use_context::<Parts>().is_some_and(|parts| parts.extensions.get::<KeepsNoCookies>().is_some())
}

/// The person; a stranger who got past the guard all the same is answered with 401.
pub fn signed_in() -> Result<SignedIn, ServerFnError> {
    caller()?.signed_in.ok_or_else(|| {
        set_status(StatusCode::UNAUTHORIZED);
        ServerFnError::new("Sign in first.")
    })
}

/// What every form carries; see [`crate::domain::form`].
pub struct FormContext {
    pub account: String,
    pub page: String,
    pub key: String,
}

pub fn form_context() -> FormContext {
    let account = caller().ok().and_then(|caller| caller.account()).unwrap_or_default();
    let page = use_context::<Parts>().and_then(|parts| parts.uri.path_and_query().map(|address| form::page(address.as_str()))).unwrap_or_default();
    let key = services().map(|services| services.form_key(&account)).unwrap_or_default();
    FormContext { account, page, key }
}

/// Sends the browser on to a page of ours after a form (303: the form is never sent again, RFC 9700 §4.12).
pub fn see_other(path: &'static str) {
    set_status(StatusCode::SEE_OTHER);
    set_header(LOCATION, HeaderValue::from_static(path));
}

/// Sends the browser on to a page of ours that was chosen from the closed list of [`Onward`].
pub fn go_on(onward: &Onward) {
    go_to(onward.as_str());
}

/// Sends the browser back to the list at `path`, as it was shown when the question was asked there.
pub fn go_back(back: &str, path: &'static str) {
    go_on(&Onward::back_to(back, path));
}

/// The page that is asked for, with its query.
pub fn here() -> Onward {
    let address = use_context::<Parts>().and_then(|parts| parts.uri.path_and_query().map(|address| address.as_str().to_owned()));
    Onward::wanted(&address.unwrap_or_default())
}

/// The same to a page of ours whose address was made here.
pub fn go_to(address: &str) {
    if let Ok(location) = HeaderValue::from_str(address) {
        set_status(StatusCode::SEE_OTHER);
        set_header(LOCATION, location);
    }
}

/// The person, who has signed in just now; everybody else is sent to do so, and then on to `then`, or back to the page that was
/// asked for. `None`: they are on their way.
pub fn freshly_signed_in(then: &Onward) -> Result<Option<FreshlySignedIn>, ServerFnError> {
    let fresh = services()?.fresh(&signed_in()?);
    let page = use_context::<Parts>().filter(|parts| parts.method == HttpMethod::GET);
    let page = page.and_then(|parts| parts.uri.path_and_query().map(|address| Onward::wanted(address.as_str())));
    Ok(fresh.map_err(|missing| show_first(missing, page.as_ref().unwrap_or(then))).ok())
}

/// The person, if they may let a device in; everybody else is sent to show what is missing, and then back to the request.
pub fn may_allow(then: &Onward) -> Result<Option<MayAllow>, ServerFnError> {
    let may = services()?.may_allow(&signed_in()?);
    Ok(may.map_err(|missing| show_first(missing, then)).ok())
}

/// Sends the browser to where a person shows what is missing.
pub fn show_first(missing: Missing, then: &Onward) {
    go_to(&paths::show(missing, then));
    set_header(SIGN_IN_NEEDED, HeaderValue::from_static("1"));
}

/// The person as an administrator of their tenant. The guard has turned everybody else away.
pub fn admin() -> Result<TenantAdmin, ServerFnError> {
    services()?.administer(&signed_in()?).map_err(|_| {
        set_status(StatusCode::FORBIDDEN);
        ServerFnError::new("This takes an administrator.")
    })
}

/// What of a record a list's address asks for.
pub fn record_wanted(query: &ListQuery) -> RecordWanted {
    RecordWanted {
        person: None,
        search: query.search().map(str::to_owned),
        group: Word::parse(&query.show),
        since: Word::parse(&query.since),
        after: query.mark(),
    }
}

/// How the person signs in from a terminal.
pub fn login_command() -> String {
    let server = services().map(|services| services.public_url().to_owned()).unwrap_or_default();
    let tenant = visitor().map(|person| person.tenant_id().to_string()).unwrap_or_default();
    format!("tms login --server {server} --tenant {tenant}")
}

/// What the next list has to say, once: a change that was made.
pub async fn say(sentence: impl Into<Sentence>) -> Result<(), ServerFnError> {
    caller()?.session.set_notice(&Notice::said(sentence)).await.map_err(fault)
}

/// What the page at `path` has to say, once, with a secret that was made just now. No other page shows it.
pub async fn say_secret(path: &str, sentence: impl Into<Sentence>, secret: &Secret) -> Result<(), ServerFnError> {
    caller()?.session.set_notice(&Notice::said(sentence).secret(path, secret)).await.map_err(fault)
}

/// What came of an edit.
pub async fn say_edited(edited: Result<(), Error<administration::EditRefused>>) -> Result<(), ServerFnError> {
    let w = words();
    match edited {
        Ok(()) => say(w.admin_saved()).await,
        Err(Error::Refused(administration::EditRefused::Gone)) => say_refused(w.admin_gone()).await,
        Err(Error::Refused(administration::EditRefused::Stale)) => {
            // The page shows what it is now; what was entered would hide that.
            set_header(NOT_KEPT, HeaderValue::from_static("1"));
            say_refused(w.admin_stale()).await
        }
        Err(Error::Refused(administration::EditRefused::LocksOut)) => say_refused(w.admin_locks_out()).await,
        Err(Error::Internal(broken)) => Err(fault(broken)),
    }
}

/// Sends the browser back to a page of the administrators, about one thing of a list.
pub fn back_to(path: &str, name: &str, value: &str) {
    go_on(&Onward::wanted(&format!("{path}?{name}={}", paths::encoded(value))));
}

/// What the next page has to say, once: why a change was not made.
pub async fn say_refused(sentence: impl ToString) -> Result<(), ServerFnError> {
    caller()?.session.set_notice(&Notice::new(Place::Refused, sentence)).await.map_err(fault)
}

/// The same on a page of that path about what one tab does.
pub async fn say_refused_about(id: &str, sentence: impl ToString) -> Result<(), ServerFnError> {
    caller()?.session.set_notice(&Notice::new(Place::Refused, sentence).about(id)).await.map_err(fault)
}

/// What the page about what one tab does has to say, if anything; said once.
pub async fn said_about(id: &str) -> Option<Notice> {
    caller().ok()?.session.take_notice_about(Place::Refused, id).await.ok().flatten()
}

/// What this list has to say, if anything; said once.
pub async fn said() -> Option<Notice> {
    let (session, parts) = (caller().ok()?.session, use_context::<Parts>()?);
    // Nobody reads what a browser fetches in advance.
    if parts.method == HttpMethod::HEAD || parts.headers.contains_key("sec-purpose") {
        return None;
    }
    session.take_notice_at(&[Place::Said, Place::Refused], parts.uri.path()).await.ok().flatten()
}

/// Whether a person has opened this address, as far as the browser says (`Sec-Fetch-Dest`).
pub fn is_navigation() -> bool {
    use_context::<Parts>().is_some_and(|parts| parts.headers.get("sec-fetch-dest").is_none_or(|dest| dest == "document"))
}

pub fn set_status(status: StatusCode) {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(status);
    }
}

pub fn set_header(name: HeaderName, value: HeaderValue) {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.insert_header(name, value);
    }
}

/// Gives a page with an error its status: 429 with the time to wait, else 422.
pub fn set_refused(notice: &Notice) {
    match notice.wait {
        Some(seconds) => {
            set_status(StatusCode::TOO_MANY_REQUESTS);
            set_header(RETRY_AFTER, HeaderValue::from(seconds));
        }
        None => set_status(StatusCode::UNPROCESSABLE_ENTITY),
    }
}

/// A fault, logged here; the caller learns that it is not their mistake, and nothing else.
pub fn fault(fault: Fault) -> ServerFnError {
    tracing::error!(error = %fault, "A page or a form failed on our side");
    set_status(StatusCode::INTERNAL_SERVER_ERROR);
    ServerFnError::new("Something broke on our side.")
}

fn lost(what: &str) -> ServerFnError {
    tracing::error!(what, "A request came without its context");
    set_status(StatusCode::INTERNAL_SERVER_ERROR);
    ServerFnError::new("Something broke on our side.")
}
