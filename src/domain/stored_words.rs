//! Enums whose variants are stored as words.

/// Defines `as_str`, the word under which a variant is stored, and `parse`, which returns `None` for a word that this release does not define.
macro_rules! stored_words {
    ($type:ty { $($variant:ident = $word:literal,)* }) => {
        impl $type {
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            pub fn parse(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}
pub(super) use stored_words;
