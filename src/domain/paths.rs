//! Every address of the portal, written once.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::form;
use super::ids::{CodeEntryId, DeviceGrantId, LinkRequestId, ProviderId, TenantId};
use super::step_up::StepUpRequired;
use super::time::Timestamp;

pub const HOME: &str = "/";
pub const DEVICE: &str = "/device";
pub const DEVICE_RESULT: &str = "/device/result";
pub const DEVICE_REPORT: &str = "/device/report";
pub const SIGN_IN: &str = "/sign-in";
pub const SIGN_IN_PASSWORD: &str = "/sign-in/password";
/// Keeps an invitation until its holder is back from an identity provider.
pub const SIGN_IN_INVITATION: &str = "/sign-in/invitation";
/// Sends somebody to an identity provider.
pub const UPSTREAM_AUTHORIZE: &str = "/sign-in/with/{tenant}/{provider}";
/// Where an identity provider sends them back to.
pub const UPSTREAM_CALLBACK: &str = "/sign-in/back/{tenant}/{provider}";
/// Beneath these stand the two above, for every tenant and provider.
pub const UPSTREAM_AUTHORIZE_PREFIX: &str = "/sign-in/with/";
pub const UPSTREAM_CALLBACK_PREFIX: &str = "/sign-in/back/";
/// Asks for a second factor.
pub const SECOND_FACTOR: &str = "/sign-in/second-factor";
pub const SUBMIT_SECOND_FACTOR: &str = "/sign-in/second-factor/show";
/// Where an identity provider says that somebody has signed out there.
pub const BACKCHANNEL_LOGOUT: &str = "/sign-in/ended/{tenant}/{provider}";
pub const SIGN_OUT: &str = "/sign-out";
/// Where they are who signed in through an institution and have signed out.
pub const SIGNED_OUT: &str = "/signed-out";
/// On to where one signs out there too.
pub const UPSTREAM_LOGOUT: &str = "/sign-out/there";
pub const HOSTS: &str = "/hosts";
pub const KEYS: &str = "/keys";
/// Confirms the revocation of the keys in its query.
pub const KEYS_REVOKE: &str = "/keys/revoke";
/// Confirms the panic button.
pub const REVOKE_EVERYTHING: &str = "/keys/revoke-everything";
/// Registers a public key of one's own.
pub const KEYS_ADD: &str = "/keys/add";
/// Confirms that a host account is unlinked.
pub const HOSTS_UNLINK: &str = "/hosts/unlink";
/// Where the code is typed that `tms link` shows on a host, and confirmed.
pub const HOSTS_LINK: &str = "/hosts/link";
/// Confirms which accounts are linked that a provider says are the person's.
pub const UPSTREAM_ACCOUNTS: &str = "/hosts/provider";
pub const APPS: &str = "/apps";
/// Confirms that what an application may do ends, or is made shorter or longer.
pub const APPS_CHANGE: &str = "/apps/change";
/// A person's ways to sign in.
pub const IDENTITIES: &str = "/identities";
/// Confirms that an identity is linked, or unlinked.
pub const IDENTITIES_LINK: &str = "/identities/link";
pub const IDENTITIES_UNLINK: &str = "/identities/unlink";
/// What a second factor is for, and which there are.
pub const IDENTITIES_SECOND_FACTOR: &str = "/identities/second-factor";
/// Sets up an authenticator app, or a passkey.
pub const IDENTITIES_APP: &str = "/identities/app";
pub const IDENTITIES_PASSKEY: &str = "/identities/passkey";
/// Shows recovery codes, once.
pub const IDENTITIES_RECOVERY: &str = "/identities/recovery";
/// Confirms that new recovery codes are made, or that a second factor is taken away.
pub const IDENTITIES_RECOVERY_NEW: &str = "/identities/recovery/new";
pub const IDENTITIES_REMOVE: &str = "/identities/remove";
/// Recovery codes as a file.
pub const IDENTITIES_RECOVERY_FILE: &str = "/identities/recovery.txt";
/// Gives a passkey another name.
pub const IDENTITIES_RENAME: &str = "/identities/rename";
/// A new local password.
pub const IDENTITIES_PASSWORD: &str = "/identities/password";
/// Where password managers look for it (W3C, A Well-Known URL for Changing Passwords).
pub const CHANGE_PASSWORD: &str = "/.well-known/change-password";
pub const SESSIONS: &str = "/sessions";
/// Confirms that sessions or devices end.
pub const SESSIONS_END: &str = "/sessions/end";
pub const ACTIVITY: &str = "/activity";
/// One's own activity as a file.
pub const ACTIVITY_JSON: &str = "/activity.json";
pub const ACTIVITY_CSV: &str = "/activity.csv";
/// Where a tenant's administrators work. Everything beneath it takes the role and a fresh sign-in.
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
/// Chooses the time zone in which times are shown.
pub const TIME_ZONE: &str = "/time-zone";
pub const API_DOCS: &str = "/docs/api";

/// Where the server functions live. Beneath it every path needs a signed-in person unless it is in [`PUBLIC_ACTIONS`].
pub const ACTIONS: &str = "/api";
pub const ENTER_CODE: &str = "/api/device/enter";
pub const REPORT_CODE: &str = "/api/device/report";
pub const SET_PREFERENCES: &str = "/api/preferences/set";
/// The server functions of a tenant's administrators.
pub const ADMIN_ACTIONS: &str = "/api/admin";

/// Pages that a person who is not signed in may see. Everything else asks to sign in first.
pub const PUBLIC_PAGES: [&str; 8] = [HOME, DEVICE, DEVICE_REPORT, SIGN_IN, SECOND_FACTOR, SIGNED_OUT, TIME_ZONE, API_DOCS];
/// Server functions that a person who is not signed in may call.
pub const PUBLIC_ACTIONS: [&str; 3] = [ENTER_CODE, REPORT_CODE, SET_PREFERENCES];
/// Asked by the script of a result page while the device has not come. It changes nothing, so it carries no form's account.
pub const DEVICE_PICKUP: &str = "/api/device/pickup";

/// The pages one may want to come back to, beside [`PAGES_OF_CODES`]; those of administrators are all beneath [`ADMIN`].
const PAGES: [&str; 29] = [
    SECOND_FACTOR,
    SIGNED_OUT,
    TIME_ZONE,
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
/// The description of the TMS API, where the old server has it.
pub const OPENAPI: &str = "/spec";

pub const DEVICE_AUTHORIZATION: &str = "/oauth/device_authorization";
pub const TOKEN: &str = "/oauth/token";
pub const REVOKE: &str = "/oauth/revoke";
pub const JWKS: &str = "/oauth/jwks";
pub const OAUTH_METADATA: &str = "/.well-known/oauth-authorization-server";
pub const OPENID_METADATA: &str = "/.well-known/openid-configuration";

/// The tenants in which people can sign in.
pub const TENANTS: &str = "/t";

/// `/t/{tenant}`: the path of a tenant's issuer, and the prefix of its endpoints.
pub fn tenant(tenant: &TenantId) -> String {
    format!("/t/{tenant}")
}

/// A tenant's colours, as they are since then.
pub fn brand(tenant: &TenantId, since: Timestamp) -> String {
    format!("/brand/{tenant}.css?since={}", since.as_millis())
}

/// The way to an identity provider, and on to a page; `again`: by somebody who is signed in, and shows once more that it is them.
pub fn upstream_authorize(tenant: &TenantId, provider: &ProviderId, return_to: &ReturnTo, again: bool) -> String {
    let path = fill_template(UPSTREAM_AUTHORIZE, tenant, provider);
    with_query(&path, &[if again { "again=1" } else { "" }, &return_to_param(return_to)])
}

/// The same with the invitation that the tab has.
pub fn upstream_authorize_invited(tenant: &TenantId, provider: &ProviderId, return_to: &ReturnTo, invitation: &str) -> String {
    with_query(&fill_template(UPSTREAM_AUTHORIZE, tenant, provider), &[&return_to_param(return_to), &id_param("invitation", invitation)])
}

/// The way to an identity provider for somebody who links one more identity.
pub fn upstream_authorize_link(tenant: &TenantId, provider: &ProviderId) -> String {
    with_query(&fill_template(UPSTREAM_AUTHORIZE, tenant, provider), &["link=1"])
}

/// The way to an identity provider for somebody who links accounts on its hosts.
pub fn upstream_authorize_accounts(tenant: &TenantId, provider: &ProviderId) -> String {
    with_query(&fill_template(UPSTREAM_AUTHORIZE, tenant, provider), &["hosts=1"])
}

/// Where an identity provider sends people back to.
pub fn upstream_callback(tenant: &TenantId, provider: &ProviderId) -> String {
    fill_template(UPSTREAM_CALLBACK, tenant, provider)
}

/// Where an identity provider says that somebody has signed out there.
pub fn backchannel_logout(tenant: &TenantId, provider: &ProviderId) -> String {
    fill_template(BACKCHANNEL_LOGOUT, tenant, provider)
}

fn fill_template(template: &str, tenant: &TenantId, provider: &ProviderId) -> String {
    template.replace("{tenant}", tenant.as_str()).replace("{provider}", provider.as_str())
}

/// The page of one request: its consent while it waits.
pub fn device(grant: &DeviceGrantId) -> String {
    format!("{DEVICE}?{GRANT}={}", encode(grant.as_str()))
}

/// What came of one request.
pub fn device_result(grant: &DeviceGrantId) -> String {
    format!("{DEVICE_RESULT}?{GRANT}={}", encode(grant.as_str()))
}

/// Where a code goes on that this session keeps.
pub fn device_entry(entry: &CodeEntryId) -> String {
    format!("{DEVICE}?{ENTRY}={}", encode(entry.as_str()))
}

/// The page of one host account that asks to be linked.
pub fn hosts_link(request: &LinkRequestId) -> String {
    format!("{HOSTS_LINK}?{REQUEST}={}", encode(request.as_str()))
}

/// What the pages of codes may have in their address: public names, and never a code.
const GRANT: &str = "grant";
const ENTRY: &str = "entry";
const REQUEST: &str = "request";

/// The sign-in page, for a tenant and the page to go on to.
pub fn sign_in(tenant: Option<&TenantId>, return_to: &ReturnTo) -> String {
    with_query(SIGN_IN, &[&tenant.map_or_else(String::new, |tenant| format!("tenant={tenant}")), &return_to_param(return_to)])
}

/// The sign-in page for somebody who is signed in, and has to show once more that it is them.
pub fn sign_in_again(return_to: &ReturnTo) -> String {
    with_query(SIGN_IN, &["again=1", &format!("then={}", encode(return_to.as_str()))])
}

/// The sign-in page for whom what they had begun is not there any more.
pub fn sign_in_expired(return_to: &ReturnTo) -> String {
    with_query(SIGN_IN, &["gone=1", &return_to_param(return_to)])
}

/// The sign-in page of a tenant, in a tab that has an invitation.
pub fn sign_in_invited(tenant: Option<&TenantId>, return_to: &ReturnTo, invitation: &str) -> String {
    let about = id_param("invitation", invitation);
    with_query(SIGN_IN, &[&tenant.map_or_else(String::new, |tenant| format!("tenant={tenant}")), &return_to_param(return_to), &about])
}

/// The page that asks for the second factor of a half sign-in.
pub fn second_factor(attempt: &str, return_to: &ReturnTo) -> String {
    with_query(SECOND_FACTOR, &[&id_param("attempt", attempt), &return_to_param(return_to)])
}

/// A page about what one tab does, and on from there.
pub fn page_about(path: &str, name: &str, id: &str, return_to: &ReturnTo) -> String {
    with_query(path, &[&id_param(name, id), &return_to_param(return_to)])
}

fn id_param(name: &str, id: &str) -> String {
    if id.is_empty() { String::new() } else { format!("{name}={}", encode(id)) }
}

/// The page that asks somebody who is signed in for their second factor.
pub fn second_factor_again(return_to: &ReturnTo) -> String {
    with_query(SECOND_FACTOR, &["again=1", &format!("then={}", encode(return_to.as_str()))])
}

/// Where somebody shows what is missing, and goes on from there.
pub fn step_up(missing: StepUpRequired, return_to: &ReturnTo) -> String {
    match missing {
        StepUpRequired::Reauthenticate => sign_in_again(return_to),
        StepUpRequired::SecondFactor => second_factor_again(return_to),
        StepUpRequired::EnrollSecondFactor => with_return_to(IDENTITIES_SECOND_FACTOR, return_to),
    }
}

/// A page from which one goes on to another.
pub fn with_return_to(path: &str, return_to: &ReturnTo) -> String {
    with_query(path, &[&return_to_param(return_to)])
}

/// The address of a question that is asked from a list, and leads back to it was shown.
pub fn with_back(address: &str, list: &ReturnTo) -> String {
    let sign = if address.contains('?') { '&' } else { '?' };
    format!("{address}{sign}back={}", encode(list.as_str()))
}

/// The part of a query that says where to go on to; home goes without saying.
fn return_to_param(return_to: &ReturnTo) -> String {
    if *return_to == ReturnTo::default() { String::new() } else { format!("then={}", encode(return_to.as_str())) }
}

fn with_query(path: &str, parts: &[&str]) -> String {
    let query: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

/// A value for a query (RFC 3986 §3.4).
pub fn encode(value: &str) -> String {
    const SPECIAL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
    utf8_percent_encode(value, SPECIAL).to_string()
}

/// A page of ours to go on to, with its query: one of a closed list of paths, never an address out of a request as it is
/// (RFC 9700 §4.11).
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ReturnTo(String);

impl Default for ReturnTo {
    fn default() -> Self {
        Self(HOME.to_owned())
    }
}

impl ReturnTo {
    /// One of the paths above.
    pub fn to(path: &'static str) -> Self {
        Self(path.to_owned())
    }

    /// The page somebody wanted; home when it is none of ours.
    pub fn from_untrusted(address: &str) -> Self {
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        if let Some((page, names)) = CODE_PAGES.iter().find(|(page, _)| *page == path) {
            // Never with a code in the address.
            let kept = |part: &&str| names.iter().any(|(name, prefix)| is_public_name(part, name, prefix)) || is_draft(part);
            let kept: Vec<&str> = query.split('&').filter(kept).collect();
            return Self(if kept.is_empty() { (*page).to_owned() } else { format!("{page}?{}", kept.join("&")) });
        }
        let ours = PAGES.contains(&path) || path.strip_prefix(ADMIN).is_some_and(is_below);
        let plain = address.len() <= 1_000 && query.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'#' | b'"' | b'<' | b'>'));
        if ours && plain { Self(address.to_owned()) } else { Self::default() }
    }

    /// The code that goes on there, where it is one that a session keeps.
    pub fn code_entry(&self) -> Option<CodeEntryId> {
        let query = self.0.strip_prefix(DEVICE)?.strip_prefix('?')?;
        let entry = query.split('&').find_map(|part| part.strip_prefix(ENTRY)?.strip_prefix('='))?;
        CodeEntryId::parse(entry).ok()
    }

    /// Another page in place of home, for who wants nowhere else.
    #[must_use]
    pub fn or(self, path: &'static str) -> Self {
        if self == Self::default() { Self::to(path) } else { self }
    }

    /// The list at `path`, as it was shown; from its beginning where `address` is of anything else.
    pub fn within(address: &str, path: &'static str) -> Self {
        let wanted = Self::from_untrusted(address);
        if wanted.0.split('?').next() == Some(path) { wanted } else { Self::to(path) }
    }

    /// Another address in place of home.
    #[must_use]
    pub fn or_untrusted(self, address: &str) -> Self {
        if self == Self::default() { Self::from_untrusted(address) } else { self }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the address of each page keeps on the way through sign-in, with how such a name begins.
const CODE_PAGES: [(&str, &[(&str, &str)]); 4] = [
    (DEVICE, &[(GRANT, "dgr_"), (ENTRY, "ent_")]),
    (DEVICE_RESULT, &[(GRANT, "dgr_")]),
    (DEVICE_REPORT, &[(GRANT, "dgr_")]),
    (HOSTS_LINK, &[(REQUEST, "lnk_")]),
];

/// `grant=dgr_` and the 32 hexadecimal digits of a public name: too long for a code.
fn is_public_name(part: &str, name: &str, prefix: &str) -> bool {
    let random = part.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')).and_then(|value| value.strip_prefix(prefix));
    random.is_some_and(|random| random.len() == 32 && random.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
}

/// `draft=ID`: values of a form that a session keeps.
fn is_draft(part: &str) -> bool {
    let plain = |value: &str| value.len() <= 64 && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    part.split_once('=').is_some_and(|(name, value)| name == form::DRAFT && plain(value))
}

/// The rest of a path, in plain segments: nothing that a browser could take for another host or a way up.
fn is_below(rest: &str) -> bool {
    let plain = |segment: &str| segment.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    rest.is_empty() || rest.strip_prefix('/').is_some_and(|rest| rest.split('/').all(|segment| !segment.is_empty() && plain(segment)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_on_to_pages_of_ours_only() {
        for ours in ["/keys", "/keys?q=frontera&after=3.7", "/admin", "/admin/clients?show=off", "/admin/hosts/add"] {
            assert_eq!(ReturnTo::from_untrusted(ours).as_str(), ours);
        }
        for not_ours in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example/keys",
            "/admin//evil.example",
            "/admin/../sign-out",
            "/adminx",
            "/keysx",
            "/keys?a b",
            "/keys?\r\nSet-Cookie:x",
            "/keys#x",
            "/admin?\u{e9}",
            "javascript:alert(1)",
        ] {
            assert_eq!(ReturnTo::from_untrusted(not_ours).as_str(), HOME, "{not_ours:?}");
        }
    }

    #[test]
    fn the_request_stays_in_an_address_and_the_code_never() {
        const ID: &str = "0199f0c4b3a27cc1a5d0bcdfbcdfbcdf";
        let with_id = |address: &str| address.replace("ID", ID);
        for kept in [
            "/device?grant=dgr_ID",
            "/device?entry=ent_ID",
            "/device/result?grant=dgr_ID",
            "/device/report?grant=dgr_ID",
            "/hosts/link?request=lnk_ID",
        ] {
            assert_eq!(ReturnTo::from_untrusted(&with_id(kept)).as_str(), with_id(kept));
        }
        for (wanted, reached) in [
            ("/device?user_code=WDJB-MJHT&grant=dgr_ID", "/device?grant=dgr_ID"),
            ("/device?grant=dgr_ID&user_code=WDJB-MJHT", "/device?grant=dgr_ID"),
            ("/device?user_code=WDJB-MJHT", DEVICE),
            ("/device?grant=WDJB-MJHT", DEVICE),
            ("/device?grant=dgr_bcdfbcdf", DEVICE),
            ("/device?entry=dgr_ID", DEVICE),
            ("/device/result?entry=ent_ID", DEVICE_RESULT),
            ("/device/report?user_code=WDJB-MJHT", DEVICE_REPORT),
            ("/hosts/link?user_code=WDJB-MJHT", HOSTS_LINK),
            ("/hosts/link?request=lnk_ID#x", HOSTS_LINK),
        ] {
            assert_eq!(ReturnTo::from_untrusted(&with_id(wanted)).as_str(), with_id(reached), "{wanted}");
        }
        let entry = ReturnTo::from_untrusted(&with_id("/device?entry=ent_ID")).code_entry();
        assert_eq!(entry.map(String::from), Some(with_id("ent_ID")));
        let drafted = with_id("/device?entry=ent_ID&draft=abc");
        assert_eq!(ReturnTo::from_untrusted(&drafted).as_str(), drafted);
        assert!(ReturnTo::from_untrusted(&drafted).code_entry().is_some());
        assert_eq!(ReturnTo::from_untrusted(&with_id("/device?grant=dgr_ID")).code_entry(), None);
    }

    #[test]
    fn a_question_leads_back_to_its_own_list_only() {
        assert_eq!(ReturnTo::within("/keys?q=a&after=3.7", KEYS).as_str(), "/keys?q=a&after=3.7");
        for other in ["", "/hosts", "/keys/add", "//evil.example/keys", "/keys?a b", "https://evil.example/keys"] {
            assert_eq!(ReturnTo::within(other, KEYS).as_str(), KEYS, "{other:?}");
        }
        assert_eq!(with_back("/keys/revoke?key=3", &ReturnTo::from_untrusted("/keys?q=a")), "/keys/revoke?key=3&back=/keys%3Fq%3Da");
    }

    #[test]
    fn addresses_carry_where_to_go_on() {
        assert_eq!(sign_in(None, &ReturnTo::default()), "/sign-in");
        assert_eq!(sign_in(None, &ReturnTo::from_untrusted("/keys?q=a&show=b")), "/sign-in?then=/keys%3Fq%3Da%26show%3Db");
        assert_eq!(sign_in_again(&ReturnTo::to(ADMIN)), "/sign-in?again=1&then=/admin");
    }
}
