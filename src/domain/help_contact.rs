//! A tenant's help contact: where its people ask for help, shown on sign-in, error and report pages.

use std::fmt;

use thiserror::Error;

use super::display_text;
use super::paths::encode;

/// Maximum length in characters.
pub const MAX_LENGTH: usize = 200;

/// An e-mail address, a web page, a telephone number, or any other text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HelpContact {
    Email(String),
    /// An `https` URL.
    WebPage(String),
    Phone(String),
    /// A sentence, such as the opening hours of an office.
    Text(String),
}

/// Why a text is not a help contact.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum HelpContactRefused {
    #[error("is empty")]
    Empty,
    #[error("is longer than {MAX_LENGTH} characters")]
    TooLong,
    #[error("contains invisible characters or control characters")]
    Invisible,
    #[error("looks like an e-mail address, but is not a valid one")]
    NotAnEmailAddress,
    #[error("looks like a URL, but is not a valid https URL without a user name")]
    NotAnHttpsUrl,
}

impl HelpContact {
    /// Parses what an administrator entered. A single word with `@` must be an e-mail address, one with a scheme an `https` URL.
    pub fn parse(text: &str) -> Result<Self, HelpContactRefused> {
        let text = text.trim();
        if text.is_empty() {
            return Err(HelpContactRefused::Empty);
        }
        if text.chars().count() > MAX_LENGTH {
            return Err(HelpContactRefused::TooLong);
        }
        if display_text::visible(text) != text {
            return Err(HelpContactRefused::Invisible);
        }
        let (text, one_word) = (text.to_owned(), !text.contains(char::is_whitespace));
        if one_word && has_scheme(&text) {
            return if is_https_url(&text) { Ok(Self::WebPage(text)) } else { Err(HelpContactRefused::NotAnHttpsUrl) };
        }
        if one_word && text.contains('@') {
            return if is_email_address(&text) { Ok(Self::Email(text)) } else { Err(HelpContactRefused::NotAnEmailAddress) };
        }
        Ok(if is_phone_number(&text) { Self::Phone(text) } else { Self::Text(text) })
    }

    /// As entered.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Email(text) | Self::WebPage(text) | Self::Phone(text) | Self::Text(text) => text,
        }
    }

    /// The URL that it links to: `mailto:` (RFC 6068), `https:` or `tel:` (RFC 3966).
    pub fn url(&self) -> Option<String> {
        match self {
            Self::Email(address) => address.split_once('@').map(|(local, domain)| format!("mailto:{}@{domain}", encode(local))),
            Self::WebPage(address) => Some(address.clone()),
            Self::Phone(number) => Some(format!("tel:{}", number.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect::<String>())),
            Self::Text(_) => None,
        }
    }
}

impl fmt::Display for HelpContact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a word begins with a URL's scheme, such as `https:`.
fn has_scheme(word: &str) -> bool {
    word.split_once(':').is_some_and(|(scheme, rest)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.bytes().all(|b| b.is_ascii_alphanumeric()) && !rest.is_empty()
    })
}

/// `https`, a host name of ASCII labels or an IPv4 address, an optional port, and no user name.
fn is_https_url(word: &str) -> bool {
    let Some(rest) = word.strip_prefix("https://") else { return false };
    let (authority, _) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    let port_ok = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    host.split('.').all(is_label) && port_ok && rest.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b))
}

/// The common form of RFC 5321 addresses: no quotes, no comments, a domain of ASCII labels.
fn is_email_address(word: &str) -> bool {
    let Some((local, domain)) = word.split_once('@') else { return false };
    let local_ok = !local.is_empty() && local.len() <= 64 && local.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b));
    local_ok && domain.contains('.') && domain.split('.').all(is_label)
}

/// A label of a host name (RFC 1123 §2.1).
fn is_label(label: &str) -> bool {
    !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Digits, at least five, with the usual separators and an optional `+` in front.
fn is_phone_number(text: &str) -> bool {
    let rest = text.strip_prefix('+').unwrap_or(text);
    let digits = rest.bytes().filter(u8::is_ascii_digit).count();
    (5..=15).contains(&digits) && rest.bytes().all(|b| b.is_ascii_digit() || b" ()-./".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Option<String> {
        HelpContact::parse(text).expect(text).url()
    }

    #[test]
    fn contact_links_to_what_it_is() {
        assert_eq!(url(" help@tacc.utexas.edu "), Some("mailto:help@tacc.utexas.edu".into()));
        assert_eq!(url("a?cc=b&c%d@x.example"), Some("mailto:a%3Fcc%3Db%26c%25d@x.example".into()), "no header fields");
        assert_eq!(url("https://help.example/new?x=1"), Some("https://help.example/new?x=1".into()));
        assert_eq!(url("https://127.0.0.1:8443"), Some("https://127.0.0.1:8443".into()));
        assert_eq!(url("+1 (512) 475-9411"), Some("tel:+15124759411".into()));
        for text in ["Room 3.204, 9 to 17 h", "1234", "Write to help@x.example", "Slack: #help", "see http://x.example"] {
            assert_eq!(url(text), None, "{text}");
            assert_eq!(HelpContact::parse(text).expect(text).as_str(), text);
        }
    }

    #[test]
    fn contact_that_is_not_what_it_looks_like_is_refused() {
        use HelpContactRefused::{Empty, Invisible, NotAnEmailAddress, NotAnHttpsUrl, TooLong};
        for (text, refused) in [
            ("  ", Empty),
            ("a\u{200b}b", Invisible),
            ("a\nb", Invisible),
            ("help@localhost", NotAnEmailAddress),
            ("help@x..example", NotAnEmailAddress),
            ("a@b@x.example", NotAnEmailAddress),
            ("\"<b>\"@x.example", NotAnEmailAddress),
            ("http://x.example", NotAnHttpsUrl),
            ("javascript:alert(1)", NotAnHttpsUrl),
            ("JavaScript:alert(1)", NotAnHttpsUrl),
            ("data:text/html,x", NotAnHttpsUrl),
            ("https://u:p@x.example", NotAnHttpsUrl),
            ("https://", NotAnHttpsUrl),
            ("https:///x.example", NotAnHttpsUrl),
            ("https://x.example:0", NotAnHttpsUrl),
            ("https://x.example\\@evil.example", NotAnHttpsUrl),
            ("https://x.example/\"onclick=\"x", NotAnHttpsUrl),
        ] {
            assert_eq!(HelpContact::parse(text), Err(refused), "{text}");
        }
        assert_eq!(HelpContact::parse(&"x".repeat(200)).map(|contact| contact.url()), Ok(None));
        assert_eq!(HelpContact::parse(&"x".repeat(201)), Err(TooLong));
    }
}
