//! What the forms of the pages carry besides their own fields, and what is kept of a form that was not carried out.

use serde::{Deserialize, Serialize};

use super::ids::TenantId;
use super::paths::{self, ReturnTo};
use super::private_key;

/// The account that a form was rendered for: [`account`]; empty for visitors.
pub const ACCOUNT: &str = "form_account";
/// The address of the page that a form stands on.
pub const PAGE: &str = "form_page";
/// Where a form is sent to; a button that sends it elsewhere (`formaction`) does not change it.
pub const ACTION: &str = "form_action";
/// A random value, new with each rendering: two submissions with the same one and the same fields are one.
pub const KEY: &str = "form_key";
/// In a page's query: the draft whose values the page's form shows.
pub const DRAFT: &str = "draft";

/// How much of a form is kept, in bytes of names and values.
const MAX_DRAFT_SIZE: usize = 12 * 1024;
/// The same of a form that names no account: anybody can send those.
const MAX_ANONYMOUS_DRAFT_SIZE: usize = 2 * 1024;
/// What a field costs beside its name and value.
const FIELD_OVERHEAD: usize = 32;
/// How many drafts one session keeps; the oldest goes first.
const MAX_DRAFTS: usize = 5;

/// A person of a tenant, as forms name them.
pub fn account(tenant_id: &str, user_id: &str) -> String {
    format!("{tenant_id}/{user_id}")
}

/// The tenant of an account.
pub fn tenant_of(account: &str) -> Option<TenantId> {
    let (tenant, _) = account.split_once('/')?;
    TenantId::parse(tenant).ok()
}

/// The draft that a page's address names.
pub fn draft_of(address: &str) -> Option<&str> {
    let (_, query) = address.split_once('?')?;
    query.split('&').find_map(|part| part.strip_prefix(DRAFT)?.strip_prefix('='))
}

/// The address of a page for [`PAGE`]: without an earlier draft, and without a user code.
pub fn page(address: &str) -> String {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let name = |part: &str| part.split('=').next().unwrap_or_default().to_owned();
    let kept: Vec<&str> = query.split('&').filter(|part| !part.is_empty() && ![DRAFT, "user_code"].contains(&name(part).as_str())).collect();
    if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) }
}

/// Whether a form may be carried out for `signed_in`, the account of the session that sent it.
///
/// `carried` is the account in the form. Actions that need a signed-in person take their own account's forms only; the others
/// (entering a code, sign-in, sign-out) also take forms that were rendered before sign-in, and those that carry nothing.
/// Without a session there is no account to act for: what needs one is sent to sign in.
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

    /// What is kept of the form for its page. `None` if that is too much or nothing, or the form does not say where it stands.
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

/// Fields whose values are never kept: passwords, secrets, and codes that count once. User codes are not secret to their person.
pub fn is_secret(name: &str) -> bool {
    name == "code" || name == "passkey" || is_password(name)
}

fn is_password(name: &str) -> bool {
    ["password", "secret"].iter().any(|word| name.contains(word))
}

/// A private key that was pasted by mistake, or what may be a piece of one: a long text in place of a public key that names no type.
fn may_be_private_key(name: &str, value: &str) -> bool {
    const LONGEST_NONSENSE: usize = 100;
    let names_type = ["ssh-", "ecdsa-", "sk-", "SSH2 PUBLIC KEY"].iter().any(|word| value.contains(word));
    private_key::find(value).is_some() || (name == "public_key" && value.len() > LONGEST_NONSENSE && !names_type)
}

/// A path of ours, which needs no escaping in a selector.
fn is_path(action: &str) -> bool {
    action.starts_with('/') && action.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-'))
}

/// Why a form was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DraftReason {
    /// A field was refused; the page says which.
    Refused,
    /// The session had ended, or the action takes a more recent sign-in.
    SignInNeeded,
    /// Language, colours or time zone were changed from the same page.
    PreferencesChanged,
}

/// The values of a form that was not carried out, without secrets; its page shows them again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormDraft {
    pub id: String,
    /// Whose form it is; empty: a visitor's.
    pub account: String,
    /// The page it stands on.
    pub page: String,
    /// The path it is sent to.
    pub action: String,
    pub fields: Vec<(String, String)>,
    pub reason: DraftReason,
    /// A secret was entered, and has to be entered again.
    pub without_secrets: bool,
}

impl FormDraft {
    /// The form's page with the draft in its query.
    pub fn url(&self) -> String {
        self.url_at(&self.page)
    }

    /// A page with the draft in its query.
    pub fn url_at(&self, page: &str) -> String {
        let separator = if page.contains('?') { '&' } else { '?' };
        format!("{page}{separator}{DRAFT}={}", paths::encode(&self.id))
    }

    /// Whether it belongs on the page at `path`, shown to `signed_in`.
    pub fn belongs_to(&self, path: &str, signed_in: Option<&str>) -> bool {
        self.page.split('?').next() == Some(path) && (self.account.is_empty() || Some(self.account.as_str()) == signed_in)
    }

    /// Whether a field was sent with this value: a ticked box, a chosen option.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.fields.iter().any(|(field, sent)| field == name && sent == value)
    }

    /// The first value of a field; `None` when it was not sent.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

/// Adds a draft, in place of an earlier one of the same form.
pub fn save_draft(drafts: &mut Vec<FormDraft>, draft: FormDraft) {
    discard_draft(drafts, &draft.account, &draft.page, &draft.action);
    drafts.insert(0, draft);
    drafts.truncate(MAX_DRAFTS);
}

/// Removes what is kept of a form.
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
    fn a_form_acts_for_its_own_account_only() {
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
    fn a_draft_keeps_fields_but_no_secrets() {
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
    fn a_draft_needs_its_page_and_stays_small() {
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
    fn a_session_keeps_the_latest_draft_of_each_form() {
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
