//! All paths of the portal, defined once.

mod return_to;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::ids::{CodeEntryId, DeviceGrantId, LinkRequestId, ProviderId, TenantId};
use super::step_up::StepUpRequired;
use super::time::Timestamp;

pub use self::return_to::{ReturnTo, is_handle};

pub const HOME: &str = "/";
pub const DEVICE: &str = "/device";
pub const DEVICE_RESULT: &str = "/device/result";
pub const DEVICE_REPORT: &str = "/device/report";
/// The page of an authorization request: what is done next, and the consent page.
pub const AUTHORIZE: &str = "/authorize";
/// Returns to the client with the answer to an authorization request.
pub const AUTHORIZE_ONWARD: &str = "/authorize/onward";
pub const SIGN_IN: &str = "/sign-in";
pub const SIGN_IN_PASSWORD: &str = "/sign-in/password";
/// Stores an invitation in the session until its holder is back from an identity provider.
pub const SIGN_IN_INVITATION: &str = "/sign-in/invitation";
/// Redirects to an identity provider.
pub const UPSTREAM_AUTHORIZE: &str = "/sign-in/with/{tenant}/{provider}";
/// Redirect URI for identity providers.
pub const UPSTREAM_CALLBACK: &str = "/sign-in/back/{tenant}/{provider}";
/// Prefix of the paths of [`UPSTREAM_AUTHORIZE`], for every tenant and provider.
pub const UPSTREAM_AUTHORIZE_PREFIX: &str = "/sign-in/with/";
pub const UPSTREAM_CALLBACK_PREFIX: &str = "/sign-in/back/";
/// Asks for the second factor.
pub const SECOND_FACTOR: &str = "/sign-in/second-factor";
pub const SUBMIT_SECOND_FACTOR: &str = "/sign-in/second-factor/show";
/// Receives logout tokens of identity providers (OpenID Connect Back-Channel Logout 1.0).
pub const BACKCHANNEL_LOGOUT: &str = "/sign-in/ended/{tenant}/{provider}";
pub const SIGN_OUT: &str = "/sign-out";
/// Signs out for a client, or goes on to the question whether to.
pub const SIGN_OUT_REQUEST: &str = "/sign-out/request";
/// Asks whether to sign out, for a client that cannot show whose session it means.
pub const SIGN_OUT_CONFIRM: &str = "/sign-out/confirm";
/// Shown after sign-out to those who signed in through an institution, or go back to a client.
pub const SIGNED_OUT: &str = "/signed-out";
/// Redirects to the institution's sign-out page.
pub const UPSTREAM_LOGOUT: &str = "/sign-out/there";
pub const HOSTS: &str = "/hosts";
pub const KEYS: &str = "/keys";
/// Confirms revoking the keys in its query.
pub const KEYS_REVOKE: &str = "/keys/revoke";
/// Confirms revoking all access.
pub const REVOKE_EVERYTHING: &str = "/keys/revoke-everything";
/// Registers a public key of the person.
pub const KEYS_ADD: &str = "/keys/add";
/// Confirms unlinking a host account.
pub const HOSTS_UNLINK: &str = "/hosts/unlink";
/// Accepts the code that `tms link` shows on a host, and confirms the link.
pub const HOSTS_LINK: &str = "/hosts/link";
/// Selects the upstream accounts to link.
pub const UPSTREAM_ACCOUNTS: &str = "/hosts/provider";
pub const APPS: &str = "/apps";
/// Confirms revoking a delegation or changing its expiry.
pub const APPS_CHANGE: &str = "/apps/change";
/// One application with all its devices.
pub const APPS_APPLICATION: &str = "/apps/application";
/// Confirms revoking all access of an application.
pub const APPS_REVOKE: &str = "/apps/revoke";
/// Lists a person's sign-in methods.
pub const IDENTITIES: &str = "/identities";
/// Confirms linking or unlinking an identity.
pub const IDENTITIES_LINK: &str = "/identities/link";
pub const IDENTITIES_UNLINK: &str = "/identities/unlink";
/// Explains second factors and offers the methods.
pub const IDENTITIES_SECOND_FACTOR: &str = "/identities/second-factor";
/// Enrolls an authenticator app or a passkey.
pub const IDENTITIES_APP: &str = "/identities/app";
pub const IDENTITIES_PASSKEY: &str = "/identities/passkey";
/// Shows new recovery codes, once.
pub const IDENTITIES_RECOVERY: &str = "/identities/recovery";
/// Confirms replacing recovery codes or removing a second factor.
pub const IDENTITIES_RECOVERY_NEW: &str = "/identities/recovery/new";
pub const IDENTITIES_REMOVE: &str = "/identities/remove";
/// Recovery codes as a text file.
pub const IDENTITIES_RECOVERY_FILE: &str = "/identities/recovery.txt";
/// Renames a passkey.
pub const IDENTITIES_RENAME: &str = "/identities/rename";
/// Changes the local password.
pub const IDENTITIES_PASSWORD: &str = "/identities/password";
/// Redirect for password managers (W3C, A Well-Known URL for Changing Passwords).
pub const CHANGE_PASSWORD: &str = "/.well-known/change-password";
pub const SESSIONS: &str = "/sessions";
/// Confirms ending sessions or revoking devices.
pub const SESSIONS_END: &str = "/sessions/end";
pub const ACTIVITY: &str = "/activity";
/// The person's audit log as a file.
pub const ACTIVITY_JSON: &str = "/activity.json";
pub const ACTIVITY_CSV: &str = "/activity.csv";
/// Administration of a tenant. Everything below requires the role and recent authentication.
pub const ADMIN: &str = "/admin";
pub const ADMIN_CLIENTS: &str = "/admin/clients";
pub const ADMIN_CLIENTS_ADD: &str = "/admin/clients/add";
pub const ADMIN_CLIENT: &str = "/admin/clients/client";
pub const ADMIN_CLIENT_DELETE: &str = "/admin/clients/delete";
pub const ADMIN_HOSTS: &str = "/admin/hosts";
pub const ADMIN_HOSTS_ADD: &str = "/admin/hosts/add";
pub const ADMIN_HOST: &str = "/admin/hosts/host";
pub const ADMIN_HOST_REMOVE: &str = "/admin/hosts/remove";
pub const ADMIN_PROVIDERS: &str = "/admin/providers";
pub const ADMIN_PROVIDERS_ADD: &str = "/admin/providers/add";
pub const ADMIN_PROVIDER: &str = "/admin/providers/provider";
pub const ADMIN_PROVIDER_REMOVE: &str = "/admin/providers/remove";
pub const ADMIN_RESOURCES: &str = "/admin/resources";
pub const ADMIN_RESOURCES_ADD: &str = "/admin/resources/add";
pub const ADMIN_RESOURCE: &str = "/admin/resources/resource";
pub const ADMIN_RESOURCE_REMOVE: &str = "/admin/resources/remove";
pub const ADMIN_PEOPLE: &str = "/admin/people";
pub const ADMIN_PEOPLE_ADD: &str = "/admin/people/add";
pub const ADMIN_PERSON: &str = "/admin/people/person";
pub const ADMIN_PERSON_CHANGE: &str = "/admin/people/change";
pub const ADMIN_DELEGATIONS: &str = "/admin/delegations";
pub const ADMIN_DELEGATIONS_ADD: &str = "/admin/delegations/add";
pub const ADMIN_DELEGATION_END: &str = "/admin/delegations/end";
pub const ADMIN_KEYS: &str = "/admin/keys";
pub const ADMIN_KEY_REVOKE: &str = "/admin/keys/revoke";
pub const ADMIN_POLICY: &str = "/admin/policy";
pub const ADMIN_ACTIVITY: &str = "/admin/activity";
pub const ADMIN_ACTIVITY_JSON: &str = "/admin/activity.json";
pub const ADMIN_ACTIVITY_CSV: &str = "/admin/activity.csv";
pub const ADMIN_TENANTS: &str = "/admin/tenants";
pub const ADMIN_TENANT_CHANGE: &str = "/admin/tenants/change";
/// Language, colours, and the time zone in which times are shown.
pub const SETTINGS: &str = "/settings";
pub const API_DOCS: &str = "/docs/api";

/// Query parameter of a page: the draft whose values its form shows; see `domain::form`.
pub const DRAFT: &str = "draft";

/// Server functions. Every path below requires a signed-in person unless it is in [`PUBLIC_ACTIONS`].
pub const ACTIONS: &str = "/api";
pub const ENTER_CODE: &str = "/api/device/enter";
pub const REPORT_CODE: &str = "/api/device/report";
pub const SET_PREFERENCES: &str = "/api/preferences/set";
/// Server functions of administration.
pub const ADMIN_ACTIONS: &str = "/api/admin";

/// Pages that need no sign-in; all others redirect to sign-in.
pub const PUBLIC_PAGES: [&str; 11] =
    [HOME, DEVICE, DEVICE_REPORT, AUTHORIZE, AUTHORIZE_ONWARD, SIGN_IN, SECOND_FACTOR, SIGN_OUT_CONFIRM, SIGNED_OUT, SETTINGS, API_DOCS];
/// Server functions that need no sign-in.
pub const PUBLIC_ACTIONS: [&str; 3] = [ENTER_CODE, REPORT_CODE, SET_PREFERENCES];

/// Pages that [`ReturnTo`] may name, besides [`CODE_PAGES`] and everything below [`ADMIN`].
const PAGES: [&str; 32] = [
    SECOND_FACTOR,
    SIGN_OUT_CONFIRM,
    SIGNED_OUT,
    SETTINGS,
    HOME,
    API_DOCS,
    HOSTS,
    UPSTREAM_ACCOUNTS,
    HOSTS_UNLINK,
    KEYS,
    KEYS_ADD,
    KEYS_REVOKE,
    REVOKE_EVERYTHING,
    APPS,
    APPS_CHANGE,
    APPS_APPLICATION,
    APPS_REVOKE,
    IDENTITIES,
    IDENTITIES_LINK,
    IDENTITIES_UNLINK,
    IDENTITIES_SECOND_FACTOR,
    IDENTITIES_APP,
    IDENTITIES_PASSKEY,
    IDENTITIES_RECOVERY,
    IDENTITIES_RECOVERY_NEW,
    IDENTITIES_REMOVE,
    IDENTITIES_RENAME,
    IDENTITIES_PASSWORD,
    SESSIONS,
    SESSIONS_END,
    ACTIVITY,
    SIGN_IN,
];

/// A tenant's colours: `/brand/TENANT.css`.
pub const BRAND: &str = "/brand/{file}";
pub const HEALTHZ: &str = "/healthz";
pub const READYZ: &str = "/readyz";
pub const ME: &str = "/v1/tms/me";
pub const MY_HOSTS: &str = "/v1/tms/me/hosts";
pub const MY_KEYS: &str = "/v1/tms/me/keys";
pub const MY_REFUSALS: &str = "/v1/tms/me/refusals";
/// OpenAPI description of the TMS API, at the path of the old server.
pub const OPENAPI: &str = "/spec";

pub const DEVICE_AUTHORIZATION: &str = "/oauth/device_authorization";
pub const AUTHORIZATION: &str = "/oauth/authorize";
/// RFC 9126.
pub const PUSHED_AUTHORIZATION: &str = "/oauth/par";
/// OpenID Connect RP-Initiated Logout 1.0.
pub const END_SESSION: &str = "/oauth/end_session";
pub const TOKEN: &str = "/oauth/token";
pub const REVOKE: &str = "/oauth/revoke";
pub const INTROSPECT: &str = "/oauth/introspect";
pub const USERINFO: &str = "/oauth/userinfo";
pub const JWKS: &str = "/oauth/jwks";
pub const OAUTH_METADATA: &str = "/.well-known/oauth-authorization-server";
pub const OPENID_METADATA: &str = "/.well-known/openid-configuration";
/// Metadata of the TMS API: the well-known part is inserted before the path of its identifier (RFC 9728 §3.1).
pub const PROTECTED_RESOURCE: &str = "/.well-known/oauth-protected-resource/v1/tms";

/// Lists the tenants that people can sign in to.
pub const TENANTS: &str = "/t";

/// `/t/{tenant}`: the path of a tenant's issuer URL, and prefix of its endpoints.
pub fn tenant(tenant: &TenantId) -> String {
    format!("/t/{tenant}")
}

/// A tenant's style sheet; `since` is the time of the last change, so that it can be cached.
pub fn brand(tenant: &TenantId, since: Timestamp) -> String {
    format!("/brand/{tenant}.css?since={}", since.as_millis())
}

/// Starts a login at a provider and returns to `return_to`; `again`: re-authentication of a signed-in person.
pub fn upstream_authorize(tenant: &TenantId, provider: &ProviderId, return_to: &ReturnTo, again: bool) -> String {
    let path = fill_template(UPSTREAM_AUTHORIZE, tenant, provider);
    with_query(&path, &[if again { "again=1" } else { "" }, &return_to_param(return_to)])
}

/// Starts a login at a provider with the invitation of this tab.
pub fn upstream_authorize_invited(tenant: &TenantId, provider: &ProviderId, return_to: &ReturnTo, invitation: &str) -> String {
    with_query(&fill_template(UPSTREAM_AUTHORIZE, tenant, provider), &[&return_to_param(return_to), &id_param("invitation", invitation)])
}

/// Starts a login at a provider to link one more identity.
pub fn upstream_authorize_link(tenant: &TenantId, provider: &ProviderId) -> String {
    with_query(&fill_template(UPSTREAM_AUTHORIZE, tenant, provider), &["link=1"])
}

/// Starts a login at a provider to link accounts on its hosts, and then returns to `return_to` instead of the list of accounts.
pub fn upstream_authorize_accounts(tenant: &TenantId, provider: &ProviderId, return_to: &ReturnTo) -> String {
    with_query(&fill_template(UPSTREAM_AUTHORIZE, tenant, provider), &["hosts=1", &return_to_param(return_to)])
}

/// The redirect URI of a provider.
pub fn upstream_callback(tenant: &TenantId, provider: &ProviderId) -> String {
    fill_template(UPSTREAM_CALLBACK, tenant, provider)
}

/// The back-channel logout URI of a provider.
pub fn backchannel_logout(tenant: &TenantId, provider: &ProviderId) -> String {
    fill_template(BACKCHANNEL_LOGOUT, tenant, provider)
}

fn fill_template(template: &str, tenant: &TenantId, provider: &ProviderId) -> String {
    template.replace("{tenant}", tenant.as_str()).replace("{provider}", provider.as_str())
}

/// The page of an application of the person.
pub fn apps_application(client: &str) -> String {
    format!("{APPS_APPLICATION}?client={}", encode(client))
}

/// All keys in one of the lists that a client created, also those that have expired.
pub fn keys_of_client(list: &str, client: &str) -> String {
    format!("{list}?q={}&show=all", encode(&format!("app:{client}")))
}

/// The list that a confirmation about applications was opened from: the page of one of them, or else of all.
pub fn apps_list(back: &str) -> &'static str {
    if back.split('?').next() == Some(APPS_APPLICATION) { APPS_APPLICATION } else { APPS }
}

/// A device grant's page: the consent page while it is pending.
pub fn device(grant: &DeviceGrantId) -> String {
    format!("{DEVICE}?{GRANT}={}", encode(grant.as_str()))
}

/// A device grant's result page.
pub fn device_result(grant: &DeviceGrantId) -> String {
    format!("{DEVICE_RESULT}?{GRANT}={}", encode(grant.as_str()))
}

/// Continues with a user code that this session stores.
pub fn device_entry(entry: &CodeEntryId) -> String {
    format!("{DEVICE}?{ENTRY}={}", encode(entry.as_str()))
}

/// The page of an authorization request; `language`: the one that the request asks for.
pub fn authorize(handle: &str, language: Option<&str>) -> String {
    with_query(AUTHORIZE, &[&id_param(HANDLE, handle), &id_param(LANGUAGE, language.unwrap_or_default())])
}

/// The same. `account_kept`: the person has confirmed the account that is signed in.
pub fn authorize_with(handle: &str, language: Option<&str>, account_kept: bool) -> String {
    let page = authorize(handle, language);
    if account_kept { format!("{page}&{ACCOUNT_KEPT}") } else { page }
}

/// The page that returns to the client.
pub fn authorize_onward(handle: &str, language: Option<&str>) -> String {
    with_query(AUTHORIZE_ONWARD, &[&id_param(HANDLE, handle), &id_param(LANGUAGE, language.unwrap_or_default())])
}

/// Signs out for a client; `request`: the sealed request.
pub fn sign_out_request(request: &str) -> String {
    with_query(SIGN_OUT_REQUEST, &[&id_param(REQUEST, request)])
}

/// Asks whether to sign out.
pub fn sign_out_confirm(request: &str) -> String {
    with_query(SIGN_OUT_CONFIRM, &[&id_param(REQUEST, request)])
}

/// The page after sign-out, which leads back to the client.
pub fn signed_out_for(request: &str) -> String {
    with_query(SIGNED_OUT, &[&id_param(REQUEST, request)])
}

/// A link request's page.
pub fn hosts_link(request: &LinkRequestId) -> String {
    format!("{HOSTS_LINK}?{REQUEST}={}", encode(request.as_str()))
}

/// Where a host account is linked for a device grant or an authorization request, which then continues; or for neither, if it is empty.
pub fn hosts_link_for(grant: &str) -> String {
    with_query(HOSTS_LINK, &[&id_param(GRANT, grant)])
}

/// A link request's page; `grant`: what continues after it, as in [`hosts_link_for`].
pub fn hosts_link_then(request: &LinkRequestId, grant: &str) -> String {
    with_query(HOSTS_LINK, &[&id_param(REQUEST, request.as_str()), &id_param(GRANT, grant)])
}

/// A device grant, or the handle of an authorization request, that continues when a host account was linked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContinuedRequest(String);

impl ContinuedRequest {
    pub fn parse(text: &str) -> Option<Self> {
        (is_handle(text) || DeviceGrantId::parse(text).is_ok()).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its page.
    pub fn page(&self) -> String {
        if is_handle(&self.0) { authorize(&self.0, None) } else { format!("{DEVICE}?{GRANT}={}", encode(&self.0)) }
    }
}

/// Query parameters that the pages of codes may keep: public ids, never a code.
const GRANT: &str = "grant";
const ENTRY: &str = "entry";
const REQUEST: &str = "request";
/// The handle of an authorization request, by which its page finds it.
const HANDLE: &str = "request";
/// The language of a request's pages.
const LANGUAGE: &str = "lang";
/// The person goes on with the account that is signed in.
const ACCOUNT_KEPT: &str = "account=kept";

/// The sign-in page for a tenant, which then returns to `return_to`.
pub fn sign_in(tenant: Option<&TenantId>, return_to: &ReturnTo) -> String {
    with_query(SIGN_IN, &[&tenant.map_or_else(String::new, |tenant| format!("tenant={tenant}")), &return_to_param(return_to)])
}

/// The sign-in page for another account than the one that may be signed in.
pub fn sign_in_another(tenant: &TenantId, return_to: &ReturnTo) -> String {
    with_query(SIGN_IN, &["another=1", &format!("tenant={tenant}"), &return_to_param(return_to)])
}

/// The sign-in page for re-authentication.
pub fn sign_in_again(return_to: &ReturnTo) -> String {
    with_query(SIGN_IN, &["again=1", &format!("then={}", encode(return_to.as_str()))])
}

/// The sign-in page after a pending sign-in has expired.
pub fn sign_in_expired(return_to: &ReturnTo) -> String {
    with_query(SIGN_IN, &["gone=1", &return_to_param(return_to)])
}

/// A tenant's sign-in page in a tab with an invitation.
pub fn sign_in_invited(tenant: Option<&TenantId>, return_to: &ReturnTo, invitation: &str) -> String {
    let about = id_param("invitation", invitation);
    with_query(SIGN_IN, &[&tenant.map_or_else(String::new, |tenant| format!("tenant={tenant}")), &return_to_param(return_to), &about])
}

/// The second-factor page of a pending sign-in.
pub fn second_factor(attempt: &str, return_to: &ReturnTo) -> String {
    with_query(SECOND_FACTOR, &[&id_param("attempt", attempt), &return_to_param(return_to)])
}

/// The page that a page of the sign-in returns to.
pub fn return_to_of_sign_in(address: &str) -> Option<ReturnTo> {
    let (path, query) = address.split_once('?')?;
    let then = query.split('&').find_map(|part| part.strip_prefix("then="))?;
    let then = percent_decode_str(then).decode_utf8().ok()?;
    path.starts_with(SIGN_IN).then(|| ReturnTo::from_untrusted(&then))
}

/// A page about one entry of a session (`name` = `id`), which then returns to `return_to`.
pub fn page_about(path: &str, name: &str, id: &str, return_to: &ReturnTo) -> String {
    with_query(path, &[&id_param(name, id), &return_to_param(return_to)])
}

fn id_param(name: &str, id: &str) -> String {
    if id.is_empty() { String::new() } else { format!("{name}={}", encode(id)) }
}

/// The second-factor page for a signed-in person.
pub fn second_factor_again(return_to: &ReturnTo) -> String {
    with_query(SECOND_FACTOR, &["again=1", &format!("then={}", encode(return_to.as_str()))])
}

/// The page that performs the required step-up and then returns to `return_to`.
pub fn step_up(missing: StepUpRequired, return_to: &ReturnTo) -> String {
    match missing {
        StepUpRequired::Reauthenticate => sign_in_again(return_to),
        StepUpRequired::SecondFactor => second_factor_again(return_to),
        StepUpRequired::EnrollSecondFactor => with_return_to(IDENTITIES_SECOND_FACTOR, return_to),
    }
}

/// `path` with the page to return to.
pub fn with_return_to(path: &str, return_to: &ReturnTo) -> String {
    with_query(path, &[&return_to_param(return_to)])
}

/// `address` with the list, as it was shown, to return to.
pub fn with_back(address: &str, list: &ReturnTo) -> String {
    let sign = if address.contains('?') { '&' } else { '?' };
    format!("{address}{sign}back={}", encode(list.as_str()))
}

/// The query parameter for `return_to`; empty for home.
fn return_to_param(return_to: &ReturnTo) -> String {
    if *return_to == ReturnTo::default() { String::new() } else { format!("then={}", encode(return_to.as_str())) }
}

fn with_query(path: &str, parts: &[&str]) -> String {
    let query: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

/// Percent-encodes a query value (RFC 3986 §3.4).
pub fn encode(value: &str) -> String {
    const SPECIAL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
    utf8_percent_encode(value, SPECIAL).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_carry_return_to() {
        assert_eq!(sign_in(None, &ReturnTo::default()), "/sign-in");
        assert_eq!(sign_in(None, &ReturnTo::from_untrusted("/keys?q=a&show=b")), "/sign-in?then=/keys%3Fq%3Da%26show%3Db");
        assert_eq!(with_back("/keys/revoke?key=3", &ReturnTo::from_untrusted("/keys?q=a")), "/keys/revoke?key=3&back=/keys%3Fq%3Da");
        assert_eq!(sign_in_again(&ReturnTo::to(ADMIN)), "/sign-in?again=1&then=/admin");
    }
}
