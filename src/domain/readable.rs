//! Names and descriptions that somebody typed and others read.

/// The longest, in characters.
pub const LONGEST: usize = 128;

/// What turns the direction of the text after it.
pub(super) fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{061c}')
}

/// Whether a text can stand in a line: not empty, not too long, nothing that moves a cursor or turns the direction of what follows.
pub fn is_readable(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= LONGEST && !text.contains(|c: char| c.is_control() || turns(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_a_cursor_or_hides_is_not_readable() {
        assert!(is_readable("Jupyter für alle 4.2") && is_readable("مختبر"));
        for text in ["", "  ", "a\nb", "a\u{1b}[2J", "user\u{202e}nimda", &"x".repeat(LONGEST + 1)] {
            assert!(!is_readable(text), "{text:?}");
        }
    }
}
