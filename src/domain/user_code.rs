//! User codes, which people copy from their device to the verification page (RFC 8628 §6.1).

use std::fmt;
use std::ops::RangeInclusive;

use percent_encoding::percent_decode_str;
use unicode_normalization::UnicodeNormalization;

/// Twenty consonants: no vowels, so no words; no digits, so no lookalikes.
pub const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// Letters per code: 20⁸ possibilities, 34.6 bits.
const LENGTH: usize = 8;

/// Maximum length of a searched text in bytes: enough for a pasted terminal page.
const MAX_TYPED_LENGTH: usize = 16_384;

/// A well-formed user code, displayed as `WDJB-MJHT`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct UserCode([u8; LENGTH]);

/// Why no code was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserCodeRefused {
    Empty,
    WrongLength(usize),
    InvalidCharacters,
    Ambiguous,
}

impl UserCode {
    /// Draws a code in which every letter is equally likely.
    ///
    /// Bytes of 240 and more are discarded: 256 is not a multiple of 20, and using them would favour the first letters.
    pub fn draw(mut random_byte: impl FnMut() -> u8) -> Self {
        #[expect(clippy::indexing_slicing, reason = "the remainder is always inside")]
        let mut letter = || loop {
            let byte = random_byte();
            if byte < 240 {
                return ALPHABET[usize::from(byte) % ALPHABET.len()];
            }
        };
        Self(std::array::from_fn(|_| letter()))
    }

    /// Finds the code in a typed or pasted text: in any case, with any dashes and spaces, full-width, percent-encoded, in a sentence, or in
    /// a URL.
    ///
    /// ```
    /// use tms_portal::domain::user_code::UserCode;
    /// let code = UserCode::parse(" code: wdjb\u{2013}mjht ").unwrap();
    /// assert_eq!(code.to_string(), "WDJB-MJHT");
    /// ```
    pub fn parse(typed: &str) -> Result<Self, UserCodeRefused> {
        if typed.len() > MAX_TYPED_LENGTH {
            return Err(UserCodeRefused::WrongLength(typed.chars().filter(|c| c.is_alphanumeric()).count()));
        }
        let text: String = percent_decode(typed).nfkc().collect();
        match find(&text) {
            CodeMatch::One(code) => Ok(code),
            CodeMatch::Several => Err(UserCodeRefused::Ambiguous),
            CodeMatch::Nothing => Self::parse_whole(&text),
        }
    }

    /// Parses the whole text, or what follows its last colon, as a code with dashes, spaces and other characters anywhere.
    fn parse_whole(text: &str) -> Result<Self, UserCodeRefused> {
        let text = text.rsplit_once(':').map_or(text, |(_, after)| after);
        let letters: Vec<char> = text.chars().filter(|c| c.is_alphanumeric() && !is_dash(*c)).map(|c| c.to_ascii_uppercase()).collect();
        if letters.is_empty() {
            return Err(UserCodeRefused::Empty);
        }
        if letters.iter().any(|c| !is_code_letter(*c)) {
            return Err(UserCodeRefused::InvalidCharacters);
        }
        let code: [char; LENGTH] = letters.try_into().map_err(|letters: Vec<char>| UserCodeRefused::WrongLength(letters.len()))?;
        Ok(Self(code.map(|c| c as u8)))
    }

    /// The code with these letters, in any case; `None` for other letters or another length.
    fn from_letters(letters: &str) -> Option<Self> {
        let letters: [u8; LENGTH] = letters.as_bytes().try_into().ok()?;
        let letters = letters.map(|letter| letter.to_ascii_uppercase());
        letters.iter().all(|letter| ALPHABET.contains(letter)).then_some(Self(letters))
    }

    /// The eight letters without the dash, which are hashed and compared.
    pub fn letters(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Whether `c` is an upper-case letter of [`ALPHABET`].
fn is_code_letter(c: char) -> bool {
    c.is_ascii() && ALPHABET.contains(&(c as u8))
}

/// The value of the input field after pasting: the only code in the text, else as [`format_typed`]. Avoids Unicode tables because it runs
/// in the browser.
pub fn format_pasted(pasted: &str) -> String {
    match find(pasted) {
        // Percent-encoded text is left to `UserCode::parse`.
        CodeMatch::One(code) if !pasted.contains('%') => code.to_string(),
        _ => format_typed(pasted),
    }
}

/// The value of the input field while typing: upper case, with a dash after the fourth letter. Text with anything but code letters is
/// unchanged, so that [`UserCode::parse`] can still find a code in it.
pub fn format_typed(typed: &str) -> String {
    let plain = normalize(typed);
    let letters: String = plain.chars().filter(|c| !matches!(c, '-' | ' ')).map(|c| c.to_ascii_uppercase()).collect();
    let words = letters.len() > LENGTH && plain.contains(' ');
    if words || letters.is_empty() || !letters.chars().all(is_code_letter) {
        return typed.to_owned();
    }
    match letters.split_at_checked(LENGTH / 2) {
        Some((first, second)) if !second.is_empty() => format!("{first}-{second}"),
        _ => letters,
    }
}

/// The codes in a text.
enum CodeMatch {
    Nothing,
    One(UserCode),
    Several,
}

/// Separates parts of a text that do not belong together.
const SEPARATOR: char = '|';

/// Finds eight code letters, or two groups of four with dashes or spaces between them, that are not adjacent to other letters or digits.
fn find(text: &str) -> CodeMatch {
    let mut found = CodeMatch::Nothing;
    let mut take = |letters: &str| {
        if let Some(code) = UserCode::from_letters(letters) {
            found = match found {
                CodeMatch::Nothing => CodeMatch::One(code),
                CodeMatch::One(known) if known == code => CodeMatch::One(code),
                _ => CodeMatch::Several,
            };
        }
    };
    for part in normalize(&strip_urls(text)).split(SEPARATOR) {
        let mut before = "";
        for word in part.split(' ').map(|word| word.trim_matches('-')).filter(|word| !word.is_empty()) {
            let mut groups = word.split('-').filter(|group| !group.is_empty());
            match (groups.next(), groups.next(), groups.next()) {
                (Some(one), None, _) if one.len() == LENGTH => take(one),
                (Some(first), Some(second), None) if first.len() == LENGTH / 2 => take(&format!("{first}{second}")),
                // Two groups of four in different case are not a code, as in `MJHT http`.
                (Some(one), None, _) if one.len() == LENGTH / 2 && before.len() == LENGTH / 2 && !differ_in_case(before, one) => {
                    take(&format!("{before}{one}"));
                }
                _ => {}
            }
            before = word;
        }
    }
    found
}

fn differ_in_case(one: &str, other: &str) -> bool {
    let is_upper = |word: &str| word.bytes().all(|letter| letter.is_ascii_uppercase());
    let is_lower = |word: &str| word.bytes().all(|letter| letter.is_ascii_lowercase());
    is_upper(one) && is_lower(other) || is_lower(one) && is_upper(other)
}

/// Maps letters and digits to ASCII, every dash to `-`, every space to a space, invisible characters to nothing, and the rest to
/// [`SEPARATOR`].
fn normalize(text: &str) -> String {
    let plain = |c: char| match to_ascii_width(c) {
        c if c.is_ascii_alphanumeric() => Some(c),
        c if is_dash(c) => Some('-'),
        c if c.is_whitespace() => Some(' '),
        c if c.is_control() || is_invisible(c) => None,
        _ => Some(SEPARATOR),
    };
    text.chars().filter_map(plain).collect()
}

/// Replaces each URL in the text by the code in its query (`…?user_code=WDJB-MJHT&…`), or else by its path.
fn strip_urls(text: &str) -> String {
    const NAME: &str = "user_code=";
    let text: String = text.chars().map(to_ascii_width).collect();
    let mut kept = String::new();
    for word in text.split_inclusive(char::is_whitespace) {
        let (before, address) = match word.split_once("://") {
            Some((before, address)) => (before.trim_end_matches(|c: char| c.is_ascii_alphanumeric()), address),
            None if word.contains(NAME) => ("", word),
            None => (word, ""),
        };
        kept.push_str(before);
        if address.contains(NAME) {
            for value in address.split(NAME).skip(1) {
                kept.push(SEPARATOR);
                kept.push_str(value.split(['&', '#']).next().unwrap_or_default());
            }
        } else if let Some((_, path)) = address.split_once('/') {
            kept.push(SEPARATOR);
            kept.push_str(path);
        }
    }
    kept
}

/// Decodes percent-encoding (RFC 3986 §2.1) twice, because a URL within a URL is encoded twice.
fn percent_decode(text: &str) -> String {
    let once = |text: String| percent_decode_str(&text).decode_utf8().map(|decoded| decoded.into_owned()).unwrap_or(text);
    once(once(text.to_owned()))
}

/// The ASCII form of a full-width character.
fn to_ascii_width(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

/// Characters that people and programs use for a dash: the Unicode property `Dash`, the soft hyphen, the hyphenation point, line-drawing
/// characters, and the long-vowel marks that Japanese keyboards produce for `-`.
fn is_dash(c: char) -> bool {
    const OTHERS: &str = "-\u{ad}\u{58a}\u{5be}\u{1400}\u{1806}\u{2027}\u{2043}\u{2053}\u{207b}\u{208b}\u{2212}\u{2500}\u{2501}\u{2796}\u{2e17}\u{2e1a}\
        \u{2e3a}\u{2e3b}\u{2e40}\u{2e5d}\u{301c}\u{3030}\u{30a0}\u{30fc}\u{fe31}\u{fe32}\u{fe58}\u{fe63}\u{ff0d}\u{ff70}\u{10d6e}\u{10ead}";
    ('\u{2010}'..='\u{2015}').contains(&c) || OTHERS.contains(c)
}

/// The Unicode property `Default_Ignorable_Code_Point`, except the soft hyphen, and interlinear annotation characters.
fn is_invisible(c: char) -> bool {
    const OTHERS: &str = "\u{34f}\u{61c}\u{115f}\u{1160}\u{17b4}\u{17b5}\u{3164}\u{feff}\u{ffa0}";
    const RANGES: [RangeInclusive<char>; 7] = [
        '\u{180b}'..='\u{180f}',
        '\u{200b}'..='\u{200f}',
        '\u{202a}'..='\u{202e}',
        '\u{2060}'..='\u{206f}',
        '\u{fe00}'..='\u{fe0f}',
        '\u{fff0}'..='\u{fffb}',
        '\u{e0000}'..='\u{e0fff}',
    ];
    OTHERS.contains(c) || RANGES.iter().any(|range| range.contains(&c))
}

impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters = self.letters();
        let (first, second) = letters.split_at_checked(4).unwrap_or((letters, ""));
        write!(f, "{first}-{second}")
    }
}

/// Prints no letters: a pending code is a secret and must not be logged.
impl fmt::Debug for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(typed: &str) -> Result<String, UserCodeRefused> {
        UserCode::parse(typed).map(|code| code.to_string())
    }

    #[test]
    fn typed_and_pasted_codes_are_parsed() {
        for typed in [
            "WDJB-MJHT",
            "wdjbmjht",
            "  wdjb mjht\n",
            "w d j b - m j h t",
            "WDJB\u{2010}MJHT",
            "WDJB\u{2014}MJHT",
            "Code: WDJB-MJHT",
            "ＷＤＪＢ－ＭＪＨＴ",
            "\"WDJB-MJHT\".",
            "https://tms.example/device?user_code=WDJB-MJHT",
            "https://tms.example/device?user_code=wdjb-mjht&x=1#top",
        ] {
            assert_eq!(parsed(typed).as_deref(), Ok("WDJB-MJHT"), "{typed:?}");
        }
    }

    /// Texts that contain the code `WDJB-MJHT` and no other.
    const PASTED: [&str; 30] = [
        "http://127.0.0.1:3000/device?user_code=WDJB%2DMJHT",
        "https://tms.example/device?user_code=WDJB%E3%83%BCMJHT",
        "https%3A%2F%2Ftms.example%2Fdevice%3Fuser_code%3DWDJB-MJHT%26x%3DBCDF-GHJK",
        "https://links.example/?url=https%3A%2F%2Ftms.example%2Fdevice%3Fuser_code%3DWDJB%252DMJHT&data=BCDF-GHJK",
        "https://bcdf-ghjk.example/device?user_code=WDJB-MJHT",
        "<https://tms.example/device/WDJB-MJHT>",
        "http://tms.example/device wdjb mjht",
        "tms.example/device?user_code=WDJB MJHT",
        "[WDJB-MJHT](http://tms.example/device)",
        "WDJB\u{30fc}MJHT",
        "WDJB\u{ff70}MJHT",
        "WDJB\u{ad}MJHT",
        "WDJB\u{2212}MJHT",
        "WDJB\u{fe58}MJHT",
        "WDJB\u{fe63}MJHT",
        "WDJB\u{2011}MJHT",
        "WDJB\u{a0}MJHT",
        "WDJB\u{3000}MJHT",
        "W\u{200b}DJB\u{200d}-\u{feff}MJ\u{2060}HT",
        "\u{202a}wdjb-mjht\u{202c}",
        "ｗｄｊｂ　ｍｊｈｔ",
        "To sign in, open https://tms.example/device in a browser and enter the code WDJB-MJHT.",
        "To sign in, open http://tms.example/device in a browser and enter the code wdjb mjht; it is good for 15 minutes",
        "Ihr Code\u{a0}\u{2013} \u{201e}WDJB\u{2013}MJHT\u{201c} \u{2013} läuft ab.",
        "コードはWDJBーMJHTです",
        "المدخل «WDJB-MJHT» صالح",
        "code WDJB-MJHT (once more: wdjbmjht)",
        "- WDJB-MJHT -",
        "user_code=WDJB-MJHT",
        "enter Wdjb Mjht",
    ];

    #[test]
    fn single_code_is_found_in_any_text() {
        for typed in PASTED {
            assert_eq!(parsed(typed).as_deref(), Ok("WDJB-MJHT"), "{typed:?}");
        }
    }

    #[test]
    fn two_codes_in_a_text_are_ambiguous() {
        for typed in [
            "WDJB-MJHT BCDF-GHJK",
            "WDJB-MJHT or bcdfghjk?",
            "WDJB-MJHT or BCDF GHJK",
            "WDJB MJHT BCDF",
            "https://tms.example/device?user_code=WDJB-MJHT and https://tms.example/device?user_code=BCDF-GHJK",
            "https://tms.example/device?user_code=WDJB-MJHT&user_code=BCDF-GHJK",
            "https://tms.example/device?user_code=WDJB-MJHT, not BCDF-GHJK",
        ] {
            assert_eq!(parsed(typed), Err(UserCodeRefused::Ambiguous), "{typed:?}");
            assert_eq!(format_pasted(typed), typed, "the field leaves it alone");
        }
    }

    #[test]
    fn formatting_keeps_valid_input_valid() {
        for typed in PASTED {
            for shown in [format_typed(typed), format_pasted(typed)] {
                assert_eq!(parsed(&shown).as_deref(), Ok("WDJB-MJHT"), "{typed:?} is shown as {shown:?}");
            }
        }
    }

    #[test]
    fn invalid_codes_are_refused_with_the_reason() {
        assert_eq!(parsed(""), Err(UserCodeRefused::Empty));
        assert_eq!(parsed(" - "), Err(UserCodeRefused::Empty));
        assert_eq!(parsed("WDJB-MJ"), Err(UserCodeRefused::WrongLength(6)));
        assert_eq!(parsed("WDJB-MJHTX"), Err(UserCodeRefused::WrongLength(9)));
        assert_eq!(parsed("WDJ8-MJHT"), Err(UserCodeRefused::InvalidCharacters));
        assert_eq!(parsed("WDOB-MJHT"), Err(UserCodeRefused::InvalidCharacters));
        assert_eq!(parsed("ŴDJB-MJHT"), Err(UserCodeRefused::InvalidCharacters));
        assert_eq!(parsed("WDJB\0MJHT").as_deref(), Ok("WDJB-MJHT"));
        assert_eq!(parsed(&"B".repeat(1_000_000)), Err(UserCodeRefused::WrongLength(1_000_000)));
    }

    #[test]
    fn drawn_codes_use_every_letter_equally() {
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        let mut random_byte = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        };
        let mut counts = [0_u32; 20];
        for _ in 0..10_000 {
            for letter in UserCode::draw(&mut random_byte).letters().bytes() {
                counts[ALPHABET.iter().position(|l| *l == letter).expect("a letter of the alphabet")] += 1;
            }
        }
        // Chi-square with 19 degrees of freedom: 43.8 is the 0.1 % point.
        let expected = 80_000.0 / 20.0;
        let chi_square: f64 = counts.iter().map(|n| (f64::from(*n) - expected).powi(2) / expected).sum();
        assert!(chi_square < 43.8, "chi-square {chi_square}");
    }

    #[test]
    fn partly_typed_code_is_formatted_with_its_dash() {
        assert_eq!(format_typed("wdj"), "WDJ");
        assert_eq!(format_typed("wdjbm"), "WDJB-M");
        assert_eq!(format_pasted("https://x/device?user_code=WDJB-MJHT"), "WDJB-MJHT");
        assert_eq!(format_typed("w d j b - m j h t"), "WDJB-MJHT");
        assert_eq!(format_typed("WxzJB-MJHT"), "WXZJ-BMJHT");
        assert_eq!(format_typed("wdjb\u{30fc}"), "WDJB");
        for unchanged in ["", " ", "-", "WDJB-MJHT-TOO-LONG", "enter", "code ", "WDJB%2", "c: WDJB", "WDJB-MJHT BC"] {
            assert_eq!(format_typed(unchanged), unchanged);
        }
    }

    proptest! {
        #[test]
        fn every_code_parses_as_displayed(bytes in proptest::collection::vec(0_u8..240, 8)) {
            let mut bytes = bytes.into_iter();
            let code = UserCode::draw(|| bytes.next().expect("eight bytes"));
            prop_assert_eq!(UserCode::parse(&code.to_string()), Ok(code));
            prop_assert_eq!(UserCode::parse(&code.to_string().to_lowercase()), Ok(code));
        }

        #[test]
        fn parse_never_panics(typed in ".*") {
            let _ = UserCode::parse(&typed);
            let _ = format_pasted(&typed);
        }

        #[test]
        fn formatting_keeps_every_code(before in "\\PC{0,12}", after in "\\PC{0,12}") {
            let typed = format!("{before} WDJB-MJHT {after}");
            for shown in [format_typed(&typed), format_pasted(&typed)] {
                prop_assert_eq!(UserCode::parse(&shown), UserCode::parse(&typed));
            }
        }
    }
}
