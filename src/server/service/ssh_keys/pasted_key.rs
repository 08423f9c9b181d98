//! Parses a public key as people paste it: a line of a `.pub` file, also wrapped by a terminal or with the command before it, or a file in
//! the format of RFC 4716. Other contents are identified, so that the error can tell what to send instead.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ssh_key::PublicKey;
use thiserror::Error as ThisError;

use crate::domain::private_key::{self, PrivateKeyKind};

/// Shorter RSA keys are refused; OpenSSH generates at least 2048 bits.
pub(super) const MIN_RSA_BITS: u32 = 2_048;
/// Maximum length of the text, in bytes.
const MAX_TEXT_BYTES: usize = 16 * 1024;
/// Maximum length of a public key in characters of base64: RSA with 16384 bits.
const MAX_KEY_CHARS: usize = 4_096;
/// Maximum number of pieces that a key may be wrapped into.
const MAX_FRAGMENTS: usize = 128;
/// Prefix of every key in base64: the length of its type's name, whose first bytes are 0.
const KEY_PREFIX: &str = "AAAA";
const CERTIFICATE_TYPE: &str = "-cert-v01@openssh.com";
const RFC4716_BEGIN: &str = "BEGIN SSH2 PUBLIC KEY";
const RFC4716_END: &str = "END SSH2 PUBLIC KEY";

/// Why a public key is refused.
#[derive(Clone, Debug, ThisError, PartialEq, Eq)]
pub enum PublicKeyRefused {
    #[error("it is not one line of the form 'ssh-ed25519 AAAA… comment', nor a public key in the form of RFC 4716")]
    Unreadable,
    #[error("it is a private key; send only the line of the .pub file, and make a new key if others may have seen this one")]
    Private,
    #[error(
        "it is a PuTTY key file (.ppk), which holds the private key; send the public key that PuTTYgen shows, and make a new key if others may have seen this one"
    )]
    PuttyFile,
    #[error("it is a certificate; send the public key alone, the line of the .pub file without '-cert'")]
    Certificate,
    #[error("it is more than one key; send them one by one")]
    Several,
    #[error("it is a public key in PEM format; 'ssh-keygen -i -m PKCS8 -f FILE' prints it as OpenSSH writes it (for 'BEGIN RSA PUBLIC KEY': -m PEM)")]
    Pem,
    #[error("something stands before the key, such as options of authorized_keys; send the key alone, from its type on")]
    TextBefore,
    #[error("the key is cut off or damaged; copy it again as a whole")]
    Damaged,
    #[error("{0} keys are not taken; use ed25519, ecdsa or rsa")]
    Unsupported(String),
    #[error("RSA keys need at least {MIN_RSA_BITS} bits; this one has {0}")]
    TooShort(u32),
}

/// Finds the one public key in a text.
pub fn parse(text: &str) -> Result<PublicKey, PublicKeyRefused> {
    check_not_private(text)?;
    if text.len() > MAX_TEXT_BYTES {
        return Err(PublicKeyRefused::Unreadable);
    }
    // Copies from editors and web pages contain byte order marks and invisible characters.
    let text: String = text.chars().filter(|c| !matches!(c, '\u{feff}' | '\u{200b}'..='\u{200d}' | '\u{2060}')).collect();
    let text = text.trim().trim_matches(['"', '\'', '`']);
    if text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return Err(PublicKeyRefused::Unreadable);
    }
    let words: Vec<TextWord<'_>> =
        text.lines().enumerate().flat_map(|(line, text)| text.split_whitespace().map(move |text| TextWord { text, line })).collect();
    let starts: Vec<usize> = words.windows(2).enumerate().filter(|(_, pair)| starts_key(pair)).map(|(at, _)| at).collect();
    match (starts.as_slice(), text.matches(RFC4716_BEGIN).count()) {
        ([], 0) => Err(explain_missing_key(text)),
        ([start], 0) => openssh(&words, *start),
        ([], 1) => rfc4716(text),
        _ => Err(PublicKeyRefused::Several),
    }
}

/// Checked first, so that a person who pasted a private key is told so before anything else.
pub(in crate::server::service) fn check_not_private(text: &str) -> Result<(), PublicKeyRefused> {
    match private_key::find(text) {
        Some(PrivateKeyKind::Putty) => Err(PublicKeyRefused::PuttyFile),
        Some(PrivateKeyKind::Pem) => Err(PublicKeyRefused::Private),
        None => Ok(()),
    }
}

#[derive(Clone, Copy)]
struct TextWord<'a> {
    text: &'a str,
    line: usize,
}

/// Whether the two words are a key type and the start of its base64.
fn starts_key(pair: &[TextWord<'_>]) -> bool {
    let [first, second] = pair else { return false };
    ["ssh-", "ecdsa-", "sk-", "rsa-"].iter().any(|prefix| first.text.starts_with(prefix)) && second.text.starts_with(KEY_PREFIX)
}

/// Parses `type base64 comment`. The key contains its own length: pieces are joined until it is complete.
fn openssh(words: &[TextWord<'_>], start: usize) -> Result<PublicKey, PublicKeyRefused> {
    let (before, rest) = words.split_at_checked(start).ok_or(PublicKeyRefused::Unreadable)?;
    let (key_type, fragments) = rest.split_first().ok_or(PublicKeyRefused::Unreadable)?;
    if key_type.text.ends_with(CERTIFICATE_TYPE) {
        return Err(PublicKeyRefused::Certificate);
    }
    if before.iter().any(|word| word.line == key_type.line || is_option(word.text)) {
        return Err(PublicKeyRefused::TextBefore);
    }
    let mut encoded = String::new();
    for (at, fragment) in fragments.iter().enumerate().take(MAX_FRAGMENTS) {
        encoded.push_str(fragment.text);
        if encoded.len() > MAX_KEY_CHARS || !fragment.text.chars().all(is_base64) {
            break;
        }
        if let Ok(mut key) = PublicKey::from_openssh(&format!("{} {encoded}", key_type.text)) {
            let comment: Vec<&str> = fragments.iter().skip(at + 1).take_while(|word| word.line == fragment.line).map(|word| word.text).collect();
            key.set_comment(comment.join(" "));
            return Ok(key);
        }
    }
    Err(PublicKeyRefused::Damaged)
}

fn is_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')
}

/// Whether a word is part of the options of an `authorized_keys` line (sshd(8)), which a terminal may have wrapped away from their key.
fn is_option(word: &str) -> bool {
    const NAMES: [&str; 12] = [
        "restrict",
        "cert-authority",
        "pty",
        "no-pty",
        "port-forwarding",
        "no-port-forwarding",
        "agent-forwarding",
        "no-agent-forwarding",
        "x11-forwarding",
        "no-x11-forwarding",
        "user-rc",
        "no-user-rc",
    ];
    word.contains("=\"") || word.split(',').any(|name| NAMES.contains(&name.to_ascii_lowercase().as_str()))
}

/// RFC 4716 §3: headers, of which a comment is one, then the key in lines of base64.
fn rfc4716(text: &str) -> Result<PublicKey, PublicKeyRefused> {
    let (mut encoded, mut comment, mut continues, mut ended) = (String::new(), String::new(), false, false);
    for line in text.lines().map(str::trim).skip_while(|line| !line.contains(RFC4716_BEGIN)).skip(1) {
        if line.contains(RFC4716_END) {
            ended = true;
            break;
        }
        // Base64 never contains a colon.
        let header = line.split_once(':').filter(|_| !continues);
        if let Some((_, value)) = header.filter(|(tag, _)| tag.eq_ignore_ascii_case("comment")) {
            value.trim().trim_matches('"').trim_end_matches('\\').clone_into(&mut comment);
        }
        if header.is_none() && !continues {
            encoded.extend(line.split_whitespace());
        }
        continues = (continues || header.is_some()) && line.ends_with('\\');
    }
    if !ended || encoded.len() > MAX_KEY_CHARS {
        return Err(PublicKeyRefused::Damaged);
    }
    let bytes = STANDARD.decode(encoded).map_err(|_| PublicKeyRefused::Damaged)?;
    if bytes.windows(CERTIFICATE_TYPE.len()).take(64).any(|window| window == CERTIFICATE_TYPE.as_bytes()) {
        return Err(PublicKeyRefused::Certificate);
    }
    let mut key = PublicKey::from_bytes(&bytes).map_err(|_| PublicKeyRefused::Damaged)?;
    key.set_comment(comment);
    Ok(key)
}

/// The error for a text without an OpenSSH key: what it is instead.
fn explain_missing_key(text: &str) -> PublicKeyRefused {
    let begins = |what: &str| text.lines().any(|line| line.trim_start().starts_with("-----BEGIN ") && line.contains(what));
    if begins("CERTIFICATE") {
        PublicKeyRefused::Certificate
    } else if begins("PUBLIC KEY") {
        PublicKeyRefused::Pem
    } else {
        PublicKeyRefused::Unreadable
    }
}
