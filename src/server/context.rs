//! What pages and server functions may ask of their request.

use axum::http::header::{LOCATION, RETRY_AFTER, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method as HttpMethod, StatusCode};
use leptos::context::use_context;
use leptos::server_fn::ServerFnError;
use leptos_axum::ResponseOptions;

use super::middleware::cookies::CookiesDisabled;
pub use super::middleware::form_fill::MAIN_FORM;
use super::middleware::forms::{DISCARD_DRAFT, SIGN_IN_NEEDED};
use super::middleware::security_headers::Https;
pub use super::middleware::security_headers::content_security_policy;
pub use super::preferences::Theme;
pub use super::request_context::{RequestContext, code_refused_flash};
use super::service::audit_log::AuditQuery;
pub use super::service::{Error, Fault, Principal, Services, SignedIn, TenantAdmin, host_accounts, ssh_keys as keys};
pub use super::sign_in::SignInMethods;
pub use super::sign_in::session::{Enrollment, EnrollmentKind, Flash, FlashTarget, PendingUserCode, ProviderHelp};
pub use super::tms::openapi::document as api_description;
use super::{preferences, user_agent};
use crate::domain::form::{self, DraftReason};
use crate::domain::pagination::{ListQuery, QueryParam};
use crate::domain::paths::{self, ReturnTo};
use crate::domain::sentence::Sentence;
use crate::domain::step_up::StepUpRequired;
use crate::domain::time::{Timestamp, Zone};
use crate::i18n::{self, Languages, Translations};
pub use crate::server::service::admin::{administration, clients, providers};
pub use crate::server::service::auth::browser_sessions::SessionSummary;
pub use crate::server::service::auth::principals::{ConsentAuthorized, RecentlyAuthenticated};
pub use crate::server::service::auth::{identities, people, second_factors};
pub use crate::server::service::authorizations::delegations;
pub use crate::server::service::authorizations::my_delegations::{ClientName, DelegationSummary};
pub use crate::server::service::device_flow::{consent, user_codes};
pub use crate::server::service::host_accounts::my_host_accounts::HostAccountSummary;
pub use crate::server::service::host_accounts::{link_decisions as links, upstream_accounts};
pub use crate::server::service::platform::rng::Secret;

/// `Chrome on Linux`, as far as the browser says.
pub fn format_browser(agent: &str) -> String {
    match user_agent::parts(agent) {
        (Some(browser), Some(system)) => translations().browser_on(browser, system),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => translations().browser_unknown(),
    }
}

/// What it takes to answer somebody as they want to read.
#[derive(Clone)]
pub struct RenderContext {
    pub languages: Languages,
    pub https: Https,
}

/// The language to answer in.
pub fn translations() -> Translations {
    match (use_context::<RenderContext>(), use_context::<Parts>()) {
        (Some(reading), Some(parts)) => preferences::translations(&parts.headers, &reading.languages),
        _ => i18n::fallback(),
    }
}

/// The languages one can choose from.
pub fn languages() -> Vec<Translations> {
    use_context::<RenderContext>().map_or_else(Vec::new, |reading| reading.languages.all().to_vec())
}

/// Says that the entries of a form are kept, where it is to be gone on with at `then` after sign-in.
pub async fn entries_kept(then: &ReturnTo) -> Result<Option<String>, Fault> {
    let (Ok(caller), Some(id)) = (request_context(), form::draft_of(then.as_str())) else { return Ok(None) };
    let draft = caller.session.draft(id).await?.filter(|draft| draft.reason == DraftReason::SignInNeeded);
    Ok(draft.map(|_| translations().sign_in_entries_kept()))
}

/// Where somebody signed in last with this browser.
pub fn last_provider() -> Option<String> {
    use_context::<Parts>().and_then(|parts| preferences::last_provider(&parts.headers).map(str::to_owned))
}

/// Light or dark, if this browser's person chose.
pub fn theme() -> Option<Theme> {
    use_context::<Parts>().and_then(|parts| preferences::theme(&parts.headers))
}

/// Remembers language, colours and time zone in this browser.
pub fn save_preferences(language: &str, theme: &str, zone: &str) -> Result<(), ServerFnError> {
    let RenderContext { languages, https } = use_context().ok_or_else(|| missing_context("languages"))?;
    let cookies = [
        languages.all().iter().find(|known| known.tag() == language).and_then(|words| preferences::language_cookie(words, https.0)),
        (theme == "system" || Theme::parse(theme).is_some()).then(|| preferences::theme_cookie(Theme::parse(theme), https.0)).flatten(),
        (zone == "browser" || Zone::parse(zone).is_some()).then(|| preferences::zone_cookie(Zone::parse(zone), https.0)).flatten(),
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
pub fn format_time(at: Timestamp) -> String {
    translations().format_time(at, &zone())
}

/// A sentence that names such a point in time.
pub fn naming(at: Timestamp, sentence: impl FnOnce(&str) -> String) -> Sentence {
    translations().naming(at, &zone(), sentence)
}

/// All use cases.
pub fn services() -> Result<Services, ServerFnError> {
    use_context().ok_or_else(|| missing_context("services"))
}

/// Session, address, and the person if one has signed in.
pub fn request_context() -> Result<RequestContext, ServerFnError> {
    use_context::<Parts>().and_then(|parts| parts.extensions.get::<RequestContext>().cloned()).ok_or_else(|| missing_context("caller"))
}

/// The person, if one has signed in; pages outside the people's stack have none.
pub fn current_person() -> Option<SignedIn> {
    use_context::<Parts>()?.extensions.get::<RequestContext>()?.signed_in.clone()
}

/// Whether the browser has not brought the session's cookie that it was given just now.
pub fn cookies_disabled() -> bool {
    use_context::<Parts>().is_some_and(|parts| parts.extensions.get::<CookiesDisabled>().is_some())
}

/// The person; a stranger who got past the guard all the same is answered with 401.
pub fn signed_in() -> Result<SignedIn, ServerFnError> {
    request_context()?.signed_in.ok_or_else(|| {
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
    let account = request_context().ok().and_then(|caller| caller.account()).unwrap_or_default();
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
pub fn redirect(return_to: &ReturnTo) {
    redirect_to_url(return_to.as_str());
}

/// Sends the browser back to the list at `path`, as it was shown when the question was asked there.
pub fn redirect_back(back: &str, path: &'static str) {
    redirect(&ReturnTo::within(back, path));
}

/// The page that is asked for, with its query.
pub fn current_page() -> ReturnTo {
    let address = use_context::<Parts>().and_then(|parts| parts.uri.path_and_query().map(|address| address.as_str().to_owned()));
    ReturnTo::from_untrusted(&address.unwrap_or_default())
}

/// The same to a page of ours whose address was made here.
pub fn redirect_to_url(address: &str) {
    if let Ok(location) = HeaderValue::from_str(address) {
        set_status(StatusCode::SEE_OTHER);
        set_header(LOCATION, location);
    }
}

/// The person, who has signed in just now; everybody else is sent to do so, and then on to `then`, or back to the page that was
/// asked for. `None`: they are on their way.
pub fn require_recent_authentication(return_to: &ReturnTo) -> Result<Option<RecentlyAuthenticated>, ServerFnError> {
    let fresh = services()?.require_recent_auth(&signed_in()?);
    let page = use_context::<Parts>().filter(|parts| parts.method == HttpMethod::GET);
    let page = page.and_then(|parts| parts.uri.path_and_query().map(|address| ReturnTo::from_untrusted(address.as_str())));
    Ok(fresh.map_err(|missing| redirect_to_step_up(missing, page.as_ref().unwrap_or(return_to))).ok())
}

/// The person, if they may let a device in; everybody else is sent to show what is missing, and then back to the request.
pub fn require_consent_authorization(return_to: &ReturnTo) -> Result<Option<ConsentAuthorized>, ServerFnError> {
    let may = services()?.authorize_consent(&signed_in()?);
    Ok(may.map_err(|missing| redirect_to_step_up(missing, return_to)).ok())
}

/// Sends the browser to where a person shows what is missing.
pub fn redirect_to_step_up(missing: StepUpRequired, return_to: &ReturnTo) {
    redirect_to_url(&paths::step_up(missing, return_to));
    set_header(SIGN_IN_NEEDED, HeaderValue::from_static("1"));
}

/// The person as an administrator of their tenant. The guard has turned everybody else away.
pub fn admin() -> Result<TenantAdmin, ServerFnError> {
    services()?.authorize_admin(&signed_in()?).map_err(|_| {
        set_status(StatusCode::FORBIDDEN);
        ServerFnError::new("This takes an administrator.")
    })
}

/// What of a record a list's address asks for.
pub fn audit_query(query: &ListQuery) -> AuditQuery {
    AuditQuery {
        person: None,
        search: query.search().map(str::to_owned),
        group: QueryParam::parse(&query.show),
        since: QueryParam::parse(&query.since),
        after: query.cursor(),
    }
}

/// How the person signs in from a terminal.
pub fn login_command() -> String {
    let server = services().map(|services| services.public_url().to_owned()).unwrap_or_default();
    let tenant = current_person().map(|person| person.tenant_id().to_string()).unwrap_or_default();
    format!("tms login --server {server} --tenant {tenant}")
}

/// What the next list has to say, once: a change that was made.
pub async fn flash_success(sentence: impl Into<Sentence>) -> Result<(), ServerFnError> {
    request_context()?.session.set_flash(&Flash::said(sentence)).await.map_err(fault)
}

/// What the page at `path` has to say, once, with a secret that was made just now. No other page shows it.
pub async fn flash_secret(path: &str, sentence: impl Into<Sentence>, secret: &Secret) -> Result<(), ServerFnError> {
    request_context()?.session.set_flash(&Flash::said(sentence).with_secret(path, secret)).await.map_err(fault)
}

/// What came of an edit.
pub async fn flash_edit_result(edited: Result<(), Error<administration::EditRefused>>) -> Result<(), ServerFnError> {
    let w = translations();
    match edited {
        Ok(()) => flash_success(w.admin_saved()).await,
        Err(Error::Refused(administration::EditRefused::Gone)) => flash_error(w.admin_gone()).await,
        Err(Error::Refused(administration::EditRefused::Stale)) => {
            // The page shows what it is now; what was entered would hide that.
            set_header(DISCARD_DRAFT, HeaderValue::from_static("1"));
            flash_error(w.admin_stale()).await
        }
        Err(Error::Refused(administration::EditRefused::NoAdminLeft)) => flash_error(w.admin_locks_out()).await,
        Err(Error::Internal(broken)) => Err(fault(broken)),
    }
}

/// Sends the browser back to a page of the administrators, about one thing of a list.
pub fn redirect_to_detail(path: &str, name: &str, value: &str) {
    redirect(&ReturnTo::from_untrusted(&format!("{path}?{name}={}", paths::encode(value))));
}

/// What the next page has to say, once: why a change was not made.
pub async fn flash_error(sentence: impl ToString) -> Result<(), ServerFnError> {
    request_context()?.session.set_flash(&Flash::new(FlashTarget::Refused, sentence)).await.map_err(fault)
}

/// The same on a page of that path about what one tab does.
pub async fn flash_error_about(id: &str, sentence: impl ToString) -> Result<(), ServerFnError> {
    request_context()?.session.set_flash(&Flash::new(FlashTarget::Refused, sentence).about(id)).await.map_err(fault)
}

/// What the page about what one tab does has to say, if anything; said once.
pub async fn take_flash_about(id: &str) -> Option<Flash> {
    request_context().ok()?.session.take_flash_about(FlashTarget::Refused, id).await.ok().flatten()
}

/// What this list has to say, if anything; said once.
pub async fn take_flash() -> Option<Flash> {
    let (session, parts) = (request_context().ok()?.session, use_context::<Parts>()?);
    // Nobody reads what a browser fetches in advance.
    if parts.method == HttpMethod::HEAD || parts.headers.contains_key("sec-purpose") {
        return None;
    }
    session.take_flash_at(&[FlashTarget::Success, FlashTarget::Refused], parts.uri.path()).await.ok().flatten()
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
pub fn set_error_status(notice: &Flash) {
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

fn missing_context(what: &str) -> ServerFnError {
    tracing::error!(what, "A request came without its context");
    set_status(StatusCode::INTERNAL_SERVER_ERROR);
    ServerFnError::new("Something broke on our side.")
}
