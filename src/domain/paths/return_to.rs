//! A page to return to.

use super::{
    ADMIN, AUTHORIZE, AUTHORIZE_ONWARD, DEVICE, DEVICE_REPORT, DEVICE_RESULT, DRAFT, ENTRY, GRANT, HANDLE, HOME, HOSTS_LINK, LANGUAGE, PAGES,
    REQUEST, SIGN_IN, with_query,
};
use crate::domain::code_challenge::is_base64url;
use crate::domain::ids::CodeEntryId;

/// A page of the portal to return to, with its query. Always from a closed list of paths, never an unchecked URL of a request (RFC 9700
/// §4.11).
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ReturnTo(String);

impl Default for ReturnTo {
    fn default() -> Self {
        Self(HOME.to_owned())
    }
}

impl ReturnTo {
    /// `path` must be one of the constants of the module above.
    pub fn to(path: &'static str) -> Self {
        Self(path.to_owned())
    }

    /// The requested page; home if it is not in the closed list.
    pub fn from_untrusted(address: &str) -> Self {
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        if let Some((page, names)) = CODE_PAGES.iter().find(|(page, _)| *page == path) {
            // Never keeps a code.
            let kept = |part: &&str| is_kept(part, names) || is_draft(part);
            let kept: Vec<&str> = query.split('&').filter(kept).collect();
            return Self(if kept.is_empty() { (*page).to_owned() } else { format!("{page}?{}", kept.join("&")) });
        }
        let ours = PAGES.contains(&path) || path.strip_prefix(ADMIN).is_some_and(is_below);
        let plain = address.len() <= 1_000 && query.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'#' | b'"' | b'<' | b'>'));
        if ours && plain { Self(address.to_owned()) } else { Self::default() }
    }

    /// The stored user code that the page continues with, if any.
    pub fn code_entry(&self) -> Option<CodeEntryId> {
        let query = self.0.strip_prefix(DEVICE)?.strip_prefix('?')?;
        let entry = query.split('&').find_map(|part| part.strip_prefix(ENTRY)?.strip_prefix('='))?;
        CodeEntryId::parse(entry).ok()
    }

    /// The handle of the authorization request whose page it is.
    pub fn authorization_handle(&self) -> Option<&str> {
        self.request_parameter(HANDLE)
    }

    /// The language of the authorization request whose page it is.
    pub fn request_language(&self) -> Option<&str> {
        self.request_parameter(LANGUAGE)
    }

    /// The same page in the language of the browser's preferences.
    #[must_use]
    pub fn without_request_language(self) -> Self {
        let Some((path, query)) = self.0.split_once('?').filter(|_| self.request_language().is_some()) else { return self };
        let kept: Vec<&str> = query.split('&').filter(|part| !part.starts_with("lang=")).collect();
        Self(with_query(path, &kept))
    }

    fn request_parameter(&self, name: &str) -> Option<&str> {
        let (path, query) = self.0.split_once('?')?;
        let value = || query.split('&').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
        [AUTHORIZE, AUTHORIZE_ONWARD].contains(&path).then(value).flatten()
    }

    /// The page for a person who is signed in: home instead of a page of the sign-in.
    #[must_use]
    pub fn after_sign_in(self) -> Self {
        if self.0.starts_with(SIGN_IN) { Self::default() } else { self }
    }

    /// `path` instead of home.
    #[must_use]
    pub fn or(self, path: &'static str) -> Self {
        if self == Self::default() { Self::to(path) } else { self }
    }

    /// The list at `path` with its query, or without if `address` is another page.
    pub fn within(address: &str, path: &'static str) -> Self {
        let requested = Self::from_untrusted(address);
        if requested.0.split('?').next() == Some(path) { requested } else { Self::to(path) }
    }

    /// The checked `address` instead of home.
    #[must_use]
    pub fn or_untrusted(self, address: &str) -> Self {
        if self == Self::default() { Self::from_untrusted(address) } else { self }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a query parameter that is kept through sign-in looks like.
#[derive(Clone, Copy)]
enum Kept {
    /// A public id with this prefix and 32 hexadecimal digits, which is too long for a user code.
    Id(&'static str),
    /// The handle of an authorization request: 256 bits in base64url.
    Handle,
    /// The tag of a language.
    Language,
    Word(&'static str),
}

impl Kept {
    fn matches(self, value: &str) -> bool {
        match self {
            Self::Id(prefix) => value
                .strip_prefix(prefix)
                .is_some_and(|random| random.len() == 32 && random.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))),
            Self::Handle => is_handle(value),
            Self::Language => (2..=11).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
            Self::Word(word) => value == word,
        }
    }
}

/// Whether a text has the form of a request's handle.
pub fn is_handle(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(is_base64url)
}

/// Pages that never keep a code, with the query parameters that each keeps through sign-in.
const CODE_PAGES: [(&str, &[(&str, Kept)]); 6] = [
    (DEVICE, &[(GRANT, Kept::Id("dgr_")), (ENTRY, Kept::Id("ent_"))]),
    (DEVICE_RESULT, &[(GRANT, Kept::Id("dgr_"))]),
    (DEVICE_REPORT, &[(GRANT, Kept::Id("dgr_"))]),
    (HOSTS_LINK, &[(REQUEST, Kept::Id("lnk_")), (GRANT, Kept::Id("dgr_")), (GRANT, Kept::Handle)]),
    (AUTHORIZE, &[(HANDLE, Kept::Handle), (LANGUAGE, Kept::Language), ("account", Kept::Word("kept"))]),
    (AUTHORIZE_ONWARD, &[(HANDLE, Kept::Handle), (LANGUAGE, Kept::Language)]),
];

fn is_kept(part: &str, names: &[(&str, Kept)]) -> bool {
    part.split_once('=').is_some_and(|(sent, value)| names.iter().any(|(name, kept)| *name == sent && kept.matches(value)))
}

/// Whether `part` is `draft=ID`.
fn is_draft(part: &str) -> bool {
    let plain = |value: &str| value.len() <= 64 && value.bytes().all(is_base64url);
    part.split_once('=').is_some_and(|(name, value)| name == DRAFT && plain(value))
}

/// Whether a path's rest has plain segments only: nothing that a browser could take for another host or a parent folder.
fn is_below(rest: &str) -> bool {
    let plain = |segment: &str| segment.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    rest.is_empty() || rest.strip_prefix('/').is_some_and(|rest| rest.split('/').all(|segment| !segment.is_empty() && plain(segment)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::paths::{KEYS, return_to_of_sign_in, sign_in};

    #[test]
    fn return_to_accepts_pages_of_the_portal_only() {
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
    fn return_to_keeps_public_ids_but_never_codes() {
        const ID: &str = "0199f0c4b3a27cc1a5d0bcdfbcdfbcdf";
        const HANDLE: &str = "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE";
        let with_id = |address: &str| address.replace("ID", ID).replace("HANDLE", HANDLE);
        for kept in [
            "/device?grant=dgr_ID",
            "/device?entry=ent_ID",
            "/device/result?grant=dgr_ID",
            "/device/report?grant=dgr_ID",
            "/hosts/link?request=lnk_ID",
            "/hosts/link?request=lnk_ID&grant=dgr_ID",
            "/hosts/link?grant=dgr_ID",
            "/authorize?request=HANDLE",
            "/authorize?request=HANDLE&lang=es&account=kept",
            "/authorize/onward?request=HANDLE&lang=pt-BR",
            "/hosts/link?grant=HANDLE",
        ] {
            assert_eq!(ReturnTo::from_untrusted(&with_id(kept)).as_str(), with_id(kept));
        }
        for (requested, reached) in [
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
            ("/authorize?request=HANDLEx", AUTHORIZE),
            ("/authorize?request=HANDLE&code=HANDLE&account=other", "/authorize?request=HANDLE"),
            ("/authorize?lang=<es>", AUTHORIZE),
            ("/authorize/elsewhere?request=HANDLE", HOME),
        ] {
            assert_eq!(ReturnTo::from_untrusted(&with_id(requested)).as_str(), with_id(reached), "{requested}");
        }
        let entry = ReturnTo::from_untrusted(&with_id("/device?entry=ent_ID")).code_entry();
        assert_eq!(entry.map(String::from), Some(with_id("ent_ID")));
        let drafted = with_id("/device?entry=ent_ID&draft=abc");
        assert_eq!(ReturnTo::from_untrusted(&drafted).as_str(), drafted);
        assert!(ReturnTo::from_untrusted(&drafted).code_entry().is_some());
        assert_eq!(ReturnTo::from_untrusted(&with_id("/device?grant=dgr_ID")).code_entry(), None);
        let request = ReturnTo::from_untrusted(&with_id("/authorize?request=HANDLE&lang=es"));
        assert_eq!((request.authorization_handle(), request.request_language()), (Some(HANDLE), Some("es")));
        let sign_in = sign_in(None, &request);
        assert_eq!(return_to_of_sign_in(&sign_in), Some(request.clone()));
        assert_eq!(request.without_request_language().as_str(), with_id("/authorize?request=HANDLE"));
        assert_eq!(ReturnTo::from_untrusted(&with_id("/hosts/link?grant=HANDLE")).authorization_handle(), None);
    }

    #[test]
    fn confirmation_returns_to_its_own_list_only() {
        assert_eq!(ReturnTo::within("/keys?q=a&after=3.7", KEYS).as_str(), "/keys?q=a&after=3.7");
        for other in ["", "/hosts", "/keys/add", "//evil.example/keys", "/keys?a b", "https://evil.example/keys"] {
            assert_eq!(ReturnTo::within(other, KEYS).as_str(), KEYS, "{other:?}");
        }
    }
}
