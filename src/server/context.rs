//! Request state and responses for pages and server functions.

use std::time::Duration;

use axum::http::header::{LOCATION, REFRESH, RETRY_AFTER, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method as HttpMethod, StatusCode};
use leptos::context::{provide_context, use_context};
use leptos::server_fn::ServerFnError;
use leptos_axum::ResponseOptions;

use super::middleware::cookies::CookiesDisabled;
use super::middleware::forms::{DISCARD_DRAFT, SIGN_IN_NEEDED};
use super::middleware::security_headers::Https;
use super::middleware::unavailable::{RETRY_AFTER as RETRY_SOON, fault_status};
use super::preferences::{LastMethod, Theme};
use super::request_context::RequestContext;
use super::request_id::RequestId;
use super::service::audit_log::AuditQuery;
use super::service::auth::principals::{ConsentAuthorized, RecentlyAuthenticated};
use super::service::platform::rng::Secret;
use super::service::{Error, Fault, Services, SignedIn, TenantAdmin};
use super::sign_in::session::flash::{Flash, FlashTarget};
use super::{preferences, user_agent};
use crate::domain::form::{self, DraftReason};
use crate::domain::help_contact::HelpContact;
use crate::domain::pagination::{ListQuery, QueryParam};
use crate::domain::paths::{self, ReturnTo};
use crate::domain::sentence::Sentence;
use crate::domain::step_up::StepUpRequired;
use crate::domain::time::{DateRange, DateRangeRefused, Timestamp, Zone};
use crate::i18n::{self, Languages, Translations};
use crate::server::service::admin::edit_refused::EditRefused;

/// `Chrome on Linux`, as far as the user agent tells.
pub fn format_browser(agent: &str) -> String {
    match user_agent::parts(agent) {
        (Some(browser), Some(system)) => translations().browser_on(browser, system),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => translations().browser_unknown(),
    }
}

/// `tms 0.4.0`, as far as the user agent tells; `None` if it tells nothing.
pub fn format_program(agent: &str) -> Option<String> {
    user_agent::program(agent).or_else(|| (!agent.trim().is_empty()).then(|| format_browser(agent)))
}

/// What all responses need.
#[derive(Clone)]
pub struct RenderContext {
    pub languages: Languages,
    pub https: Https,
    pub certificate_expiry: Option<Timestamp>,
    pub request_id: Option<RequestId>,
}

/// Language and time zone of a response. Read once per request: a page asks for them with each text and time.
#[derive(Clone)]
struct ResponseLocale {
    translations: Translations,
    zone: Option<Zone>,
}

/// Provides language and time zone of the response. Leptos has provided the request before.
pub fn provide_locale(languages: &Languages) {
    if let Some(parts) = use_context::<Parts>() {
        let requested = requested_language(&parts);
        let requested = requested.and_then(|tag| languages.all().iter().find(|language| language.tag() == tag).copied());
        let translations = requested.unwrap_or_else(|| preferences::translations(&parts.headers, languages));
        provide_context(ResponseLocale { translations, zone: preferences::zone(&parts.headers) });
    }
}

/// The language that an authorization request asks for, on its own page and at the sign-in for it.
fn requested_language(parts: &Parts) -> Option<String> {
    let here = parts.uri.path_and_query().map_or("", |address| address.as_str());
    let then = || paths::return_to_of_sign_in(here);
    let page = Some(ReturnTo::from_untrusted(here)).filter(|page| page.authorization_handle().is_some()).or_else(then)?;
    page.request_language().map(str::to_owned)
}

/// The language of the response.
pub fn translations() -> Translations {
    use_context::<ResponseLocale>().map_or_else(i18n::fallback, |locale| locale.translations)
}

/// When the certificate of the portal's own TLS expires.
pub fn certificate_expiry() -> Option<Timestamp> {
    use_context::<RenderContext>()?.certificate_expiry
}

/// The id of the request, by which its lines in the log are found.
pub fn request_id() -> Option<String> {
    use_context::<RenderContext>()?.request_id.map(|id| id.as_str().to_owned())
}

/// The languages that can be chosen.
pub fn languages() -> Vec<Translations> {
    use_context::<RenderContext>().map_or_else(Vec::new, |reading| reading.languages.all().to_vec())
}

/// The message that the values of a form are kept until the sign-in is complete; `None` if that form is not at `then`.
pub async fn entries_kept(then: &ReturnTo) -> Result<Option<String>, Fault> {
    let (Ok(caller), Some(id)) = (request_context(), form::draft_of(then.as_str())) else { return Ok(None) };
    let draft = caller.session.draft(id).await?.filter(|draft| draft.reason == DraftReason::SignInNeeded);
    Ok(draft.map(|_| translations().sign_in_entries_kept()))
}

/// The method of the last sign-in with this browser.
pub fn last_method() -> Option<LastMethod> {
    use_context::<Parts>().and_then(|parts| preferences::last_method(&parts.headers))
}

/// The chosen colour scheme; `None` if the browser's setting applies.
pub fn theme() -> Option<Theme> {
    use_context::<Parts>().and_then(|parts| preferences::theme(&parts.headers))
}

/// Stores language, colours and time zone in cookies.
pub fn save_preferences(language: &str, theme: &str, zone: &str) -> Result<(), ServerFnError> {
    let RenderContext { languages, https, .. } = use_context().ok_or_else(|| missing_context("languages"))?;
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

/// The time zone for rendering: the chosen one, or UTC.
pub fn zone() -> Zone {
    chosen_zone().unwrap_or(Zone::UTC)
}

/// The time zone chosen in this browser.
pub fn chosen_zone() -> Option<Zone> {
    use_context::<ResponseLocale>()?.zone
}

/// A time as text, in the time zone of [`zone`].
pub fn format_time(at: Timestamp) -> String {
    translations().format_time(at, &zone())
}

/// A sentence that contains a time in that zone.
pub fn naming(at: Timestamp, sentence: impl FnOnce(&str) -> String) -> Sentence {
    translations().naming(at, &zone(), sentence)
}

/// All use cases.
pub fn services() -> Result<Services, ServerFnError> {
    use_context().ok_or_else(|| missing_context("services"))
}

/// The request's session, client IP and signed-in person.
pub fn request_context() -> Result<RequestContext, ServerFnError> {
    use_context::<Parts>().and_then(|parts| parts.extensions.get::<RequestContext>().cloned()).ok_or_else(|| missing_context("caller"))
}

/// The signed-in person, if any; pages outside the session middleware have none.
pub fn current_person() -> Option<SignedIn> {
    use_context::<Parts>()?.extensions.get::<RequestContext>()?.signed_in.clone()
}

/// The help contact of the signed-in person's tenant; before sign-in, that of the tenant selected in this session, or of the only one in
/// which people can sign in.
pub async fn help_contact() -> Option<HelpContact> {
    if let Some(person) = current_person() {
        return person.tenant().policy.help_contact.clone();
    }
    let selected = match request_context() {
        Ok(caller) => caller.session.chosen_tenant().await.ok()?,
        Err(_) => None,
    };
    let tenants = use_context::<Services>()?.sign_in_tenants().await.ok()?;
    let mut candidates = tenants.into_iter().filter(|tenant| selected.as_ref().is_none_or(|selected| *selected == tenant.id));
    match (candidates.next(), candidates.next()) {
        (Some(only), None) => only.policy.help_contact,
        _ => None,
    }
}

/// The time until the session ends if it is not used, and if it is; `None` without sign-in.
pub fn session_time_left() -> Option<(Duration, Duration)> {
    let (services, person) = (services().ok()?, current_person()?);
    Some(services.session_time_left(&person))
}

/// Whether the browser did not send back the session cookie that it was just given.
pub fn cookies_disabled() -> bool {
    use_context::<Parts>().is_some_and(|parts| parts.extensions.get::<CookiesDisabled>().is_some())
}

/// The signed-in person. If the middleware let someone else through, sets status 401.
pub fn signed_in() -> Result<SignedIn, ServerFnError> {
    request_context()?.signed_in.ok_or_else(|| {
        set_status(StatusCode::UNAUTHORIZED);
        ServerFnError::new("Sign in first.")
    })
}

/// The hidden fields of every form; see [`crate::domain::form`].
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

/// Redirects to a page of the portal after a form (303: the form is not sent again, RFC 9700 §4.12).
pub fn see_other(path: &'static str) {
    set_status(StatusCode::SEE_OTHER);
    set_header(LOCATION, HeaderValue::from_static(path));
}

/// Redirects to a page from the closed list of [`ReturnTo`].
pub fn redirect(return_to: &ReturnTo) {
    redirect_to_url(return_to.as_str());
}

/// Redirects back to the list at `path`, with the search and filters it had when the confirmation was opened.
pub fn redirect_back(back: &str, path: &'static str) {
    redirect(&ReturnTo::within(back, path));
}

/// The current page, with its query.
pub fn current_page() -> ReturnTo {
    let address = use_context::<Parts>().and_then(|parts| parts.uri.path_and_query().map(|address| address.as_str().to_owned()));
    ReturnTo::from_untrusted(&address.unwrap_or_default())
}

/// Redirects to a page of the portal; the URL must have been built here.
pub fn redirect_to_url(address: &str) {
    if let Ok(location) = HeaderValue::from_str(address) {
        set_status(StatusCode::SEE_OTHER);
        set_header(LOCATION, location);
    }
}

/// The person, if they authenticated recently. Otherwise redirects to the sign-in, which then returns to `return_to` or the current page,
/// and returns `None`.
pub fn require_recent_authentication(return_to: &ReturnTo) -> Result<Option<RecentlyAuthenticated>, ServerFnError> {
    let fresh = services()?.require_recent_auth(&signed_in()?);
    let page = use_context::<Parts>().filter(|parts| parts.method == HttpMethod::GET);
    let page = page.and_then(|parts| parts.uri.path_and_query().map(|address| ReturnTo::from_untrusted(address.as_str())));
    Ok(fresh.map_err(|missing| redirect_to_step_up(missing, page.as_ref().unwrap_or(return_to))).ok())
}

/// The person, if they may allow a device. Otherwise redirects to the required step-up, which then returns to the request, and returns
/// `None`.
pub fn require_consent_authorization(return_to: &ReturnTo) -> Result<Option<ConsentAuthorized>, ServerFnError> {
    let may = services()?.authorize_consent(&signed_in()?);
    Ok(may.map_err(|missing| redirect_to_step_up(missing, return_to)).ok())
}

/// Redirects to the page of the required step-up.
pub fn redirect_to_step_up(missing: StepUpRequired, return_to: &ReturnTo) {
    redirect_to_url(&paths::step_up(missing, return_to));
    set_header(SIGN_IN_NEEDED, HeaderValue::from_static("1"));
}

/// The person as an administrator of their tenant. The middleware has refused everyone else.
pub fn admin() -> Result<TenantAdmin, ServerFnError> {
    services()?.authorize_admin(&signed_in()?).map_err(|_| {
        set_status(StatusCode::FORBIDDEN);
        ServerFnError::new("This takes an administrator.")
    })
}

/// The dates of a list's parameters, in the time zone of [`zone`].
pub fn date_range(query: &ListQuery) -> Result<DateRange, DateRangeRefused> {
    DateRange::parse(&query.from, &query.to, &zone())
}

/// The audit log query of a list's parameters. Sets status 422 for invalid dates.
pub fn audit_query(query: &ListQuery) -> Result<AuditQuery, ServerFnError> {
    let dates = date_range(query).map_err(|refused| {
        set_status(StatusCode::UNPROCESSABLE_ENTITY);
        ServerFnError::new(refused.to_string())
    })?;
    Ok(AuditQuery {
        person: None,
        search: query.search().map(str::to_owned),
        group: QueryParam::parse(&query.show),
        dates,
        actor: Some(query.actor.trim().to_owned()).filter(|actor| !actor.is_empty()),
        after: query.cursor(),
    })
}

/// The command to sign in from a terminal.
pub fn login_command() -> String {
    let server = services().map(|services| services.public_url().to_owned()).unwrap_or_default();
    let tenant = current_person().map(|person| person.tenant_id().to_string()).unwrap_or_default();
    format!("tms login --server {server} --tenant {tenant}")
}

/// Leaves a message about a successful change for the next list.
pub async fn flash_success(sentence: impl Into<Sentence>) -> Result<(), ServerFnError> {
    request_context()?.session.set_flash(&Flash::said(sentence)).await.map_err(fault)
}

/// Leaves a message with a new secret for the page at `path`. It is shown once, and on no other page.
pub async fn flash_secret(path: &str, sentence: impl Into<Sentence>, secret: &Secret) -> Result<(), ServerFnError> {
    request_context()?.session.set_flash(&Flash::said(sentence).with_secret(path, secret)).await.map_err(fault)
}

/// Leaves a message about the result of an edit.
pub async fn flash_edit_result(edited: Result<(), Error<EditRefused>>) -> Result<(), ServerFnError> {
    let t = translations();
    match edited {
        Ok(()) => flash_success(t.admin_saved()).await,
        Err(Error::Refused(EditRefused::NotFound)) => flash_error(t.admin_gone()).await,
        Err(Error::Refused(EditRefused::Stale)) => {
            // The page shows the current values; the submitted ones would hide them.
            set_header(DISCARD_DRAFT, HeaderValue::from_static("1"));
            flash_error(t.admin_stale()).await
        }
        Err(Error::Refused(EditRefused::NoAdminLeft)) => flash_error(t.admin_locks_out()).await,
        Err(Error::Internal(broken)) => Err(fault(broken)),
    }
}

/// Redirects to an administrators' page about one entry of a list.
pub fn redirect_to_detail(path: &str, name: &str, value: &str) {
    redirect(&ReturnTo::from_untrusted(&format!("{path}?{name}={}", paths::encode(value))));
}

/// Leaves a message for the next page: why a change was refused.
pub async fn flash_error(sentence: impl ToString) -> Result<(), ServerFnError> {
    request_context()?.session.set_flash(&Flash::new(FlashTarget::Refused, sentence)).await.map_err(fault)
}

/// The same for the page of what one tab does.
pub async fn flash_error_about(id: &str, sentence: impl ToString) -> Result<(), ServerFnError> {
    request_context()?.session.set_flash(&Flash::new(FlashTarget::Refused, sentence).about(id)).await.map_err(fault)
}

/// Takes the message for the page of what one tab does, if any.
pub async fn take_flash_about(id: &str) -> Option<Flash> {
    request_context().ok()?.session.take_flash_about(FlashTarget::Refused, id).await.ok().flatten()
}

/// Takes the message for this list, if any.
pub async fn take_flash() -> Option<Flash> {
    let (session, parts) = (request_context().ok()?.session, use_context::<Parts>()?);
    // A prefetch by the browser must not consume the message.
    if parts.method == HttpMethod::HEAD || parts.headers.contains_key("sec-purpose") {
        return None;
    }
    session.take_flash_at(&[FlashTarget::Success, FlashTarget::Refused], parts.uri.path()).await.ok().flatten()
}

/// Whether the response is to an authorization request of a client, which a page answers.
pub fn is_authorization_endpoint() -> bool {
    use_context::<Parts>().is_some_and(|parts| parts.uri.path().ends_with(paths::AUTHORIZATION))
}

/// Whether a person opened this URL, according to the browser (`Sec-Fetch-Dest`).
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

/// Lets the browser go to another site once it shows the page, as `<meta http-equiv=refresh>` does (HTML Standard, the header `Refresh`). After
/// a form it follows no redirect there, because of `form-action 'self'`.
pub fn refresh_to(address: &str) {
    if let Ok(refresh) = HeaderValue::from_str(&format!("0;url={address}")) {
        set_header(REFRESH, refresh);
    }
}

/// Sets the status of a page with an error: 429 with the time to wait, else 422.
pub fn set_error_status(flash: &Flash) {
    match flash.wait {
        Some(seconds) => {
            set_status(StatusCode::TOO_MANY_REQUESTS);
            set_header(RETRY_AFTER, HeaderValue::from(seconds));
        }
        None => set_status(StatusCode::UNPROCESSABLE_ENTITY),
    }
}

/// Logs a fault. The caller only learns that it is an internal error.
pub fn fault(fault: Fault) -> ServerFnError {
    if !fault.is_logged() {
        tracing::error!(error = %fault, "A page or a form failed on our side");
    }
    let status = fault_status(&fault);
    set_status(status);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        set_header(RETRY_AFTER, RETRY_SOON);
    }
    ServerFnError::new("Something broke on our side.")
}

fn missing_context(what: &str) -> ServerFnError {
    tracing::error!(what, "A request came without its context");
    set_status(StatusCode::INTERNAL_SERVER_ERROR);
    ServerFnError::new("Something broke on our side.")
}
