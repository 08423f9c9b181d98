//! The code a person carries from their device to the verification page (RFC 8628 §6.1).

use std::fmt;

use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

/// Twenty consonants: no vowels, so no words; no digits, so nothing looks like anything else.
pub const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// Letters in a code: 20⁸ possibilities, 34.6 bits.
const LENGTH: usize = 8;

/// The longest text that is looked at: room for a pasted address of ours, nothing more.
const MAX_TYPED_LENGTH: usize = 2_048;

/// A well-formed user code. Prints as `WDJB-MJHT`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct UserCode([u8; LENGTH]);

/// Why a text cannot be a code. Each says the way out, in the person's words.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum UserCodeRefused {
    #[error("Enter the code shown on your device.")]
    Empty,
    #[error("That code has {0} {letters}; it should have 8.", letters = if *.0 == 1 { "letter" } else { "letters" })]
    WrongLength(usize),
    #[error("Codes never contain 0, 1 or vowels. Check for look-alike letters.")]
    ImpossibleCharacters,
}

impl UserCode {
    /// Draws a code in which every letter is equally likely.
    ///
    /// Bytes of 240 and more are thrown away: 256 is not a multiple of 20, and taking them would favour the first letters.
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

    /// Reads what a person typed or pasted: any case, any dashes and spaces, full-width letters, a leading label such as
    /// `Code:`, or a whole address with `user_code=` in it.
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
        let folded: String = without_wrapping(typed).nfkc().collect();
        let letters: Vec<char> = folded.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_uppercase()).collect();
        if letters.is_empty() {
            return Err(UserCodeRefused::Empty);
        }
        if letters.iter().any(|c| !is_code_letter(*c)) {
            return Err(UserCodeRefused::ImpossibleCharacters);
        }
        let code: [char; LENGTH] = letters.try_into().map_err(|letters: Vec<char>| UserCodeRefused::WrongLength(letters.len()))?;
        Ok(Self(code.map(|c| c as u8)))
    }

    /// The eight letters without the dash: what is hashed and compared.
    pub fn letters(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// True for the letters a code may have, in upper case.
fn is_code_letter(c: char) -> bool {
    c.is_ascii() && ALPHABET.contains(&(c as u8))
}

/// How a half-typed code reads best: upper case, with the dash after the fourth letter. Never refuses, never shortens.
pub fn as_typed(typed: &str) -> String {
    let letters: Vec<char> = without_wrapping(typed).chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_uppercase()).collect();
    let mut shown: String = letters.iter().take(4).collect();
    if letters.len() > 4 {
        shown.push('-');
        shown.extend(letters.iter().skip(4));
    }
    shown
}

/// Takes the code out of an address (`…?user_code=WDJB-MJHT&…`) or from behind a label (`Code: WDJB-MJHT`).
fn without_wrapping(typed: &str) -> &str {
    if let Some((_, after)) = typed.split_once("user_code=") {
        return after.split(['&', '#']).next().unwrap_or(after);
    }
    typed.rsplit_once(':').map_or(typed, |(_, after)| after)
}

impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters = self.letters();
        let (first, second) = letters.split_at_checked(4).unwrap_or((letters, ""));
        write!(f, "{first}-{second}")
    }
}

/// A code is a secret while it lives: it must not slip into a log.
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
    fn what_people_type_and_paste_is_understood() {
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

    #[test]
    fn what_cannot_be_a_code_says_why() {
        assert_eq!(parsed(""), Err(UserCodeRefused::Empty));
        assert_eq!(parsed(" - "), Err(UserCodeRefused::Empty));
        assert_eq!(parsed("WDJB-MJ"), Err(UserCodeRefused::WrongLength(6)));
        assert_eq!(parsed("WDJB-MJHTX"), Err(UserCodeRefused::WrongLength(9)));
        assert_eq!(parsed("WDJ8-MJHT"), Err(UserCodeRefused::ImpossibleCharacters));
        assert_eq!(parsed("WDOB-MJHT"), Err(UserCodeRefused::ImpossibleCharacters));
        assert_eq!(parsed("ŴDJB-MJHT"), Err(UserCodeRefused::ImpossibleCharacters));
        assert_eq!(parsed("WDJB\0MJHT").as_deref(), Ok("WDJB-MJHT"));
        assert_eq!(parsed(&"B".repeat(1_000_000)), Err(UserCodeRefused::WrongLength(1_000_000)));
        assert_eq!(UserCodeRefused::WrongLength(6).to_string(), "That code has 6 letters; it should have 8.");
        assert_eq!(UserCodeRefused::WrongLength(1).to_string(), "That code has 1 letter; it should have 8.");
    }

    #[test]
    fn ten_thousand_codes_use_every_letter_equally() {
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
    fn a_half_typed_code_is_shown_with_its_dash() {
        assert_eq!(as_typed("wdj"), "WDJ");
        assert_eq!(as_typed("wdjbm"), "WDJB-M");
        assert_eq!(as_typed("https://x/device?user_code=WDJB-MJHT"), "WDJB-MJHT");
        assert_eq!(as_typed("WDJB-MJHT-TOO-LONG"), "WDJB-MJHTTOOLONG");
    }

    proptest! {
        #[test]
        fn every_code_survives_being_shown_and_typed(bytes in proptest::collection::vec(0_u8..240, 8)) {
            let mut bytes = bytes.into_iter();
            let code = UserCode::draw(|| bytes.next().expect("eight bytes"));
            prop_assert_eq!(UserCode::parse(&code.to_string()), Ok(code));
            prop_assert_eq!(UserCode::parse(&code.to_string().to_lowercase()), Ok(code));
        }

        #[test]
        fn no_text_makes_it_panic(typed in ".*") {
            let _ = UserCode::parse(&typed);
            let _ = as_typed(&typed);
        }
    }
}
