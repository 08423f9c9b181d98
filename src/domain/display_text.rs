//! Display texts: names that people enter and others read. One rule for persons, clients, tenants, providers, keys, passkeys and addresses.
//!
//! A name is stored in Unicode's composed form (NFC), trimmed, with single spaces. Invisible characters (controls, direction marks,
//! blanks, default-ignorable ones) are refused, or removed from names that come from other systems. A joiner or variation selector is
//! allowed where it changes what is seen: in Persian and Indic words, within an emoji, after an ideograph.

use icu_properties::props::{
    CanonicalCombiningClass, DefaultIgnorableCodePoint, Emoji, EmojiModifier, ExtendedPictographic, GeneralCategory, Ideographic, JoiningType,
};
use icu_properties::{CodePointMapData, CodePointSetData};
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

/// Maximum length in characters.
pub const MAX_LENGTH: usize = 128;

/// Why a text is not a valid name.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NameRefused {
    #[error("is empty")]
    Empty,
    #[error("contains invisible characters or control characters")]
    Invisible,
    #[error("is longer than {MAX_LENGTH} characters")]
    TooLong,
}

/// The normalized name. Refuses what is empty, too long, or has invisible characters.
pub fn parse_name(text: &str) -> Result<String, NameRefused> {
    let chars = normalize(text);
    let fine = (0..chars.len()).all(|at| is_visible(&chars, at));
    match chars.len() {
        0 => Err(NameRefused::Empty),
        _ if !fine || !has_visible_content(&chars) => Err(NameRefused::Invisible),
        1..=MAX_LENGTH => Ok(chars.into_iter().collect()),
        _ => Err(NameRefused::TooLong),
    }
}

/// Whether a text has invisible characters, which are reported before any other cause.
pub fn hides_something(text: &str) -> bool {
    parse_name(text) == Err(NameRefused::Invisible)
}

/// The name without invisible characters, truncated to [`MAX_LENGTH`]. `None` if nothing remains.
pub fn sanitize(text: &str) -> Option<String> {
    let cut = |chars: Vec<char>| normalize(&chars.into_iter().take(MAX_LENGTH).collect::<String>());
    // Truncation may have separated what a joiner joined.
    let chars = seen(cut(seen(normalize(text))));
    has_visible_content(&chars).then(|| chars.into_iter().collect())
}

/// A text of any length without invisible characters, otherwise unchanged.
pub fn visible(text: &str) -> String {
    seen(text.chars().collect()).into_iter().collect()
}

/// Removes invisible characters until none are left: removing one may make a joiner invisible.
fn seen(mut chars: Vec<char>) -> Vec<char> {
    loop {
        let kept = (0..chars.len()).filter(|at| is_visible(&chars, *at)).filter_map(|at| chars.get(at)).copied();
        // Combining marks without a base character are removed together: one at a time, a long text of them would take hours.
        let kept: Vec<char> = kept.skip_while(|c| is_mark(*c)).collect();
        if kept.len() == chars.len() {
            return kept;
        }
        chars = kept;
    }
}

/// Whether a text is a valid name as it is.
pub fn is_valid(text: &str) -> bool {
    parse_name(text).is_ok()
}

/// NFC, with every run of spaces as one. Line breaks and tabs are controls, not spaces.
fn normalize(text: &str) -> Vec<char> {
    let mut chars: Vec<char> = Vec::new();
    for c in text.trim().nfc() {
        let c = if category(c) == GeneralCategory::SpaceSeparator { ' ' } else { c };
        if c != ' ' || chars.last().is_some_and(|last| *last != ' ') {
            chars.push(c);
        }
    }
    if chars.last() == Some(&' ') {
        chars.pop();
    }
    chars
}

/// Whether there is anything but spaces and combining marks.
fn has_visible_content(chars: &[char]) -> bool {
    chars.iter().any(|c| *c != ' ' && !is_mark(*c) && !is_ignorable(*c))
}

/// Whether the character at `at` is visible, by itself or by its effect on its neighbours.
fn is_visible(chars: &[char], at: usize) -> bool {
    let Some(&c) = chars.get(at) else { return false };
    let before = at.checked_sub(1).and_then(|at| chars.get(at)).copied();
    let after = chars.get(at + 1).copied();
    match c {
        ZWNJ => is_virama(before) || separates(chars, at),
        ZWJ => is_virama(before) || is_virama(after) || joins_emoji(before, after),
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => before.is_some_and(|before| varies(before, c, after)),
        BRAILLE_BLANK | NULL_NOTEHEAD | OBJECT_REPLACEMENT => false,
        _ if is_ignorable(c) => false,
        // Without a base character it would be drawn over the text before the name.
        _ if is_mark(c) => before.is_some(),
        _ => !matches!(
            category(c),
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
                | GeneralCategory::PrivateUse
                | GeneralCategory::Surrogate
                | GeneralCategory::Unassigned
        ),
    }
}

const ZWNJ: char = '\u{200c}';
const ZWJ: char = '\u{200d}';
/// U+2800, a symbol to Unicode, but blank.
const BRAILLE_BLANK: char = '\u{2800}';
const NULL_NOTEHEAD: char = '\u{1d159}';
const OBJECT_REPLACEMENT: char = '\u{fffc}';

fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

/// Default-ignorable characters, which include the bidirectional controls.
fn is_ignorable(c: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

fn is_mark(c: char) -> bool {
    matches!(category(c), GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark | GeneralCategory::SpacingMark)
}

fn is_virama(c: Option<char>) -> bool {
    c.is_some_and(|c| CodePointMapData::<CanonicalCombiningClass>::new().get(c) == CanonicalCombiningClass::Virama)
}

/// Whether the neighbouring letters would join without the character at `at` (RFC 5892 A.1).
fn separates(chars: &[char], at: usize) -> bool {
    let kinds = CodePointMapData::<JoiningType>::new();
    let nearest = |kind: &JoiningType| *kind != JoiningType::Transparent;
    let before = chars.iter().take(at).rev().map(|c| kinds.get(*c)).find(nearest);
    let after = chars.iter().skip(at + 1).map(|c| kinds.get(*c)).find(nearest);
    matches!(before, Some(JoiningType::LeftJoining | JoiningType::DualJoining))
        && matches!(after, Some(JoiningType::RightJoining | JoiningType::DualJoining))
}

/// Whether a joiner between these makes one emoji of two (UTS 51).
fn joins_emoji(before: Option<char>, after: Option<char>) -> bool {
    let is_picture = |c: char| CodePointSetData::new::<ExtendedPictographic>().contains(c);
    let ends_one = |c: char| is_picture(c) || c == '\u{fe0f}' || CodePointSetData::new::<EmojiModifier>().contains(c);
    before.is_some_and(ends_one) && after.is_some_and(is_picture)
}

/// Whether a variation selector changes the character before it. Digits are emoji only before a keycap.
fn varies(before: char, selector: char, after: Option<char>) -> bool {
    let is_emoji = CodePointSetData::new::<Emoji>().contains(before) && (!before.is_ascii() || after == Some('\u{20e3}'));
    match selector {
        '\u{fe0e}' | '\u{fe0f}' => is_emoji,
        _ => CodePointSetData::new::<Ideographic>().contains(before),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_every_script_are_valid() {
        for text in [
            "Jupyter für alle 4.2",
            "مختبر",
            "علی‌رضا",
            "می‌خواهم",
            "José Ñandú",
            "O’Neill-Łukasz",
            "张伟",
            "葛\u{e0100}城",
            "ශ්‍රී ලංකා",
            "র‍্যাব",
            "क्ष",
            "👩‍💻 lab",
            "👩🏽‍🔬",
            "🏳️‍🌈",
            "❤️",
            "1️⃣",
            "C++ & R#",
        ] {
            assert_eq!(parse_name(text).as_deref(), Ok(text), "{text:?}");
            assert_eq!(sanitize(text).as_deref(), Some(text), "{text:?}");
            assert_eq!(visible(text), text, "{text:?}");
        }
        assert_eq!(parse_name(&"é".repeat(MAX_LENGTH)).map(|name| name.chars().count()), Ok(MAX_LENGTH));
    }

    #[test]
    fn invisible_characters_are_refused_or_removed() {
        for (text, left) in [
            ("a\nb", Some("ab")),
            ("a\u{1b}[2J", Some("a[2J")),
            ("Alice\u{202e}nimda", Some("Alicenimda")),
            ("TMS\u{200b} command line", Some("TMS command line")),
            ("TM\u{200d}S", Some("TMS")),
            ("TM\u{200c}S", Some("TMS")),
            ("TMS\u{fe0f}", Some("TMS")),
            ("1\u{fe0f}", Some("1")),
            ("TMS\u{ad}", Some("TMS")),
            ("TMS\u{e0041}", Some("TMS")),
            ("TMS\u{3164}", Some("TMS")),
            ("TMS\u{2800}", Some("TMS")),
            ("TMS\u{e000}", Some("TMS")),
            ("T\u{2028}MS", Some("TMS")),
            ("TMS\u{61c}", Some("TMS")),
            ("TMS\u{2066}x\u{2069}", Some("TMSx")),
            ("\u{301}TMS", Some("TMS")),
            ("ی\u{200c}\u{200c}ی", Some("یی")),
            ("👩\u{200d}", Some("👩")),
            ("\u{200b}\u{200b}", None),
            ("\u{2800}", None),
            ("\u{3164}\u{a0}", None),
        ] {
            assert_eq!(parse_name(text), Err(NameRefused::Invisible), "{text:?}");
            assert_eq!(sanitize(text).as_deref(), left, "{text:?}");
        }
        for empty in ["", " \u{3000} "] {
            assert_eq!((parse_name(empty), sanitize(empty)), (Err(NameRefused::Empty), None), "{empty:?}");
        }
        assert_eq!(parse_name(&"x".repeat(MAX_LENGTH + 1)), Err(NameRefused::TooLong));
        assert_eq!(parse_name(&"x\u{200b}".repeat(MAX_LENGTH)), Err(NameRefused::Invisible), "the cause that cannot be seen");
        assert_eq!(sanitize(&"x".repeat(MAX_LENGTH + 1)).map(|name| name.len()), Some(MAX_LENGTH));
    }

    #[test]
    fn long_text_of_diacritics_is_cleaned_fast() {
        assert_eq!(visible(&format!("\u{200b}{}a\u{301}", "\u{301}".repeat(1_000_000))), "a\u{301}");
        assert_eq!(visible("a \u{a0} b  \u{202e}c"), "a \u{a0} b  c", "spaces stay as they are");
    }

    #[test]
    fn equal_names_have_one_stored_form() {
        for (text, kept) in [("Jose\u{301}", "José"), ("  TMS \u{a0}\u{3000}command  line ", "TMS command line")] {
            assert_eq!(parse_name(text).as_deref(), Ok(kept));
        }
    }
}
