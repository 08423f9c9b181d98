//! Fields that every form of the pages carries, and drafts of forms that were not carried out.

use serde::{Deserialize, Serialize};

use super::ids::TenantId;
use super::paths::{self, DRAFT, ReturnTo};
use super::private_key;

/// Field with the account a form was rendered for ([`account`]); empty for anonymous sessions.
pub const ACCOUNT: &str = "form_account";
/// Field with the path and query of the page that contains the form.
pub const PAGE: &str = "form_page";
/// Field with the path that the form is sent to; a button's `formaction` does not change it.
pub const ACTION: &str = "form_action";
/// Field with the form key, a random value per rendering: two submissions with the same key and fields are carried out once.
pub const KEY: &str = "form_key";

/// Maximum size of a draft, in bytes of names and values.
const MAX_DRAFT_SIZE: usize = 12 * 1024;
/// Maximum size of a draft of an anonymous session; lower, because anyone can send those.
const MAX_ANONYMOUS_DRAFT_SIZE: usize = 2 * 1024;
/// Bytes counted for a field besides its name and value.
const FIELD_OVERHEAD: usize = 32;
/// Maximum number of drafts per session; the oldest is dropped.
const MAX_DRAFTS: usize = 5;

/// The account of a person of a tenant, as forms carry it.
pub fn account(tenant_id: &str, user_id: &str) -> String {
    format!("{tenant_id}/{user_id}")
}

/// The tenant of an account; `None` if it is malformed.
pub fn tenant_of(account: &str) -> Option<TenantId> {
    let (tenant, _) = account.split_once('/')?;
    TenantId::parse(tenant).ok()
}

/// The draft id in a page's query.
pub fn draft_of(address: &str) -> Option<&str> {
    let (_, query) = address.split_once('?')?;
    query.split('&').find_map(|part| part.strip_prefix(DRAFT)?.strip_prefix('='))
}

/// The value of [`PAGE`] for a page: without a draft id and without a user code.
pub fn page(address: &str) -> String {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let name = |part: &str| part.split('=').next().unwrap_or_default().to_owned();
    let kept: Vec<&str> = query.split('&').filter(|part| !part.is_empty() && ![DRAFT, "user_code"].contains(&name(part).as_str())).collect();
    if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) }
}

/// Whether a form may be carried out for `signed_in`, the account of the session that sent it.
///
/// `carried` is the account in the form. Actions that need a signed-in person accept forms of that account only; the others (entering a
/// code, sign-in, sign-out) also accept forms that were rendered before sign-in or carry no account. Without a session there is no account
/// to check, and actions that need one redirect to sign-in.
pub fn may_act(carried: Option<&str>, signed_in: Option<&str>, needs_person: bool) -> bool {
    match (carried, signed_in) {
        (_, None) => true,
        (None | Some(""), Some(_)) => !needs_person,
        (Some(carried), Some(signed_in)) => carried == signed_in,
    }
}

/// A submitted form (`application/x-www-form-urlencoded`).
#[derive(Clone, Debug, Default)]
pub struct SubmittedForm(Vec<(String, String)>);

impl SubmittedForm {
    pub fn new(fields: Vec<(String, String)>) -> Self {
        Self(fields)
    }

    /// The first value of a field; `None` when it was not sent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// The draft of this form. `None` if it is too large or empty, or does not state its page.
    pub fn into_draft(self, id: String, path: &str, why: DraftReason) -> Option<FormDraft> {
        let page = self.get(PAGE).filter(|page| !page.is_empty())?.to_owned();
        let account = self.get(ACCOUNT).unwrap_or_default().to_owned();
        let action = match why {
            DraftReason::PreferencesChanged => self.get(ACTION)?.to_owned(),
            DraftReason::Refused | DraftReason::SignInNeeded => path.to_owned(),
        };
        let own = self.0.into_iter().filter(|(name, _)| ![ACCOUNT, PAGE, ACTION, KEY].contains(&name.as_str()));
        let (dropped, fields): (Vec<_>, Vec<_>) = own.partition(|(name, value)| is_secret(name) || may_be_private_key(name, value));
        if why == DraftReason::PreferencesChanged && fields.iter().all(|(_, value)| value.is_empty()) {
            return None;
        }
        let size: usize = fields.iter().map(|(name, value)| FIELD_OVERHEAD + name.len() + value.len()).sum();
        let size = size + page.len() + account.len() + action.len();
        let without_secrets = dropped.iter().any(|(name, value)| is_password(name) && !value.is_empty());
        let is_ours = ReturnTo::from_untrusted(&page).as_str() == page;
        let most = if account.is_empty() { MAX_ANONYMOUS_DRAFT_SIZE } else { MAX_DRAFT_SIZE };
        (size <= most && is_ours && is_path(&action)).then_some(FormDraft { id, account, page, action, fields, reason: why, without_secrets })
    }
}

/// Fields whose values are never stored in a draft: passwords, secrets, and one-time codes. User codes are not secret to their person.
pub fn is_secret(name: &str) -> bool {
    name == "code" || name == "passkey" || is_password(name)
}

fn is_password(name: &str) -> bool {
    ["password", "secret"].iter().any(|word| name.contains(word))
}

/// Whether a value is a private key pasted by mistake, or may be a part of one: a long text without a key type in the field of a public
/// key, or a member of private and symmetric keys in a JSON Web Key Set (RFC 7518 §6).
fn may_be_private_key(name: &str, value: &str) -> bool {
    const LONGEST_NONSENSE: usize = 100;
    let names_type = ["ssh-", "ecdsa-", "sk-", "SSH2 PUBLIC KEY"].iter().any(|word| value.contains(word));
    let is_private_jwk = name == "jwks" && ["\"d\"", "\"k\""].iter().any(|member| value.contains(member));
    private_key::find(value).is_some() || is_private_jwk || (name == "public_key" && value.len() > LONGEST_NONSENSE && !names_type)
}

/// A path of the portal, which needs no escaping in a selector.
fn is_path(action: &str) -> bool {
    action.starts_with('/') && action.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-'))
}

/// Why a form was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DraftReason {
    /// A field was refused; the page names it.
    Refused,
    /// The session had ended, or the action requires a more recent sign-in.
    SignInNeeded,
    /// Language, colours or time zone were changed on the same page.
    PreferencesChanged,
}

/// The values, without secrets, of a form that was not carried out; its page shows them again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormDraft {
    pub id: String,
    /// The account it belongs to; empty: an anonymous session.
    pub account: String,
    /// The page that contains the form.
    pub page: String,
    /// The path that the form is sent to.
    pub action: String,
    pub fields: Vec<(String, String)>,
    pub reason: DraftReason,
    /// A secret was left out and must be entered again.
    pub without_secrets: bool,
}

impl FormDraft {
    /// The form's page with the draft id in its query.
    pub fn url(&self) -> String {
        self.url_at(&self.page)
    }

    /// `page` with the draft id in its query.
    pub fn url_at(&self, page: &str) -> String {
        let separator = if page.contains('?') { '&' } else { '?' };
        format!("{page}{separator}{DRAFT}={}", paths::encode(&self.id))
    }

    /// Whether it is for the page at `path`, rendered for `signed_in`.
    pub fn belongs_to(&self, path: &str, signed_in: Option<&str>) -> bool {
        self.page.split('?').next() == Some(path) && (self.account.is_empty() || Some(self.account.as_str()) == signed_in)
    }

    /// Whether a field was sent with this value, such as a selected checkbox or option.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.fields.iter().any(|(field, sent)| field == name && sent == value)
    }

    /// The first value of a field; `None` when it was not sent.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

/// Adds a draft; replaces one of the same form and drops the oldest if there are too many.
pub fn save_draft(drafts: &mut Vec<FormDraft>, draft: FormDraft) {
    discard_draft(drafts, &draft.account, &draft.page, &draft.action);
    drafts.insert(0, draft);
    drafts.truncate(MAX_DRAFTS);
}

/// Removes the draft of a form, if any.
pub fn discard_draft(drafts: &mut Vec<FormDraft>, account: &str, page: &str, action: &str) {
    drafts.retain(|draft| (draft.account.as_str(), draft.page.as_str(), draft.action.as_str()) != (account, page, action));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn submitted(fields: &[(&str, &str)]) -> SubmittedForm {
        SubmittedForm::new(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn form_acts_for_its_own_account_only() {
        let (alice, bob) = (Some("test/alice"), Some("test/bob"));
        for (carried, signed_in, for_a_person, for_anyone) in [
            (alice, alice, true, true),
            (alice, bob, false, false),
            (Some("default/alice"), alice, false, false),
            (Some(""), alice, false, true),
            (None, alice, false, true),
            (alice, None, true, true),
            (None, None, true, true),
        ] {
            assert_eq!(may_act(carried, signed_in, true), for_a_person, "{carried:?} {signed_in:?}");
            assert_eq!(may_act(carried, signed_in, false), for_anyone, "{carried:?} {signed_in:?}");
        }
    }

    #[test]
    fn draft_keeps_fields_but_no_secrets() {
        let form = [(ACCOUNT, "test/alice"), (PAGE, "/keys/add"), (KEY, "k"), ("label", "a"), ("host[]", "1"), ("host[]", "2"), ("password", "p")];
        let draft = submitted(&form).into_draft("d1".into(), "/api/keys/add", DraftReason::Refused).expect("a draft");
        assert_eq!(draft.url(), "/keys/add?draft=d1");
        assert!(draft.without_secrets && draft.value("password").is_none() && draft.value(KEY).is_none());
        for private in ["-----BEGIN OPENSSH PRIVATE KEY-----\nb3", "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU", "Private-Lines: 1\nAAAA", &"QUFB\n".repeat(40)]
        {
            let form = [(PAGE, "/keys/add"), ("public_key", private)];
            let draft = submitted(&form).into_draft("d2".into(), "/api/keys/add", DraftReason::Refused).expect("a draft");
            assert!(draft.fields.is_empty() && !draft.without_secrets, "{private}");
        }
        assert!(draft.has("host[]", "2") && !draft.has("host[]", "3"));
        assert_eq!(draft.value("label"), Some("a"));
        assert!(draft.belongs_to("/keys/add", Some("test/alice")) && !draft.belongs_to("/keys/add", Some("test/bob")));
        assert!(!draft.belongs_to("/keys", Some("test/alice")));
    }

    #[test]
    fn draft_needs_its_page_and_is_limited_in_size() {
        assert_eq!(submitted(&[("label", "a")]).into_draft("d".into(), "/api/x", DraftReason::Refused), None);
        let long = "x".repeat(MAX_DRAFT_SIZE);
        assert_eq!(submitted(&[(PAGE, "/keys"), ("label", &long)]).into_draft("d".into(), "/api/x", DraftReason::Refused), None);
        let many: Vec<(&str, &str)> = std::iter::once((PAGE, "/keys")).chain(std::iter::repeat_n(("", ""), 500)).collect();
        assert_eq!(submitted(&many).into_draft("d".into(), "/api/x", DraftReason::Refused), None, "fields without a value count too");
        let page = format!("/keys?q={}", "x".repeat(5_000));
        assert_eq!(submitted(&[(PAGE, &page), (ACCOUNT, "test/alice")]).into_draft("d".into(), "/api/x", DraftReason::Refused), None);
        let elsewhere = [(PAGE, "/keys"), (ACTION, "/api/x\"]")];
        assert_eq!(submitted(&elsewhere).into_draft("d".into(), "/api/x", DraftReason::PreferencesChanged), None);
    }

    #[test]
    fn session_keeps_the_latest_draft_of_each_form() {
        let mut drafts = Vec::new();
        for n in 0..8 {
            let page = format!("/admin/clients?n={}", n % 7);
            let form = [(PAGE, page.as_str()), ("label", "a")];
            save_draft(&mut drafts, submitted(&form).into_draft(n.to_string(), "/api/x", DraftReason::Refused).expect("a draft"));
        }
        assert_eq!(drafts.iter().map(|draft| draft.id.as_str()).collect::<Vec<_>>(), ["7", "6", "5", "4", "3"]);
        discard_draft(&mut drafts, "", "/admin/clients?n=6", "/api/x");
        assert_eq!(drafts.len(), 4);
    }
}
