//! Lines of a `COPY` section in a dump of PostgreSQL (its text format).

use std::iter::Peekable;
use std::str::Bytes;

/// The values of a line; `None` is NULL. Fails if an escape is incomplete, or the escaped bytes are not UTF-8.
pub fn parse_line(line: &str) -> Option<Vec<Option<String>>> {
    line.split('\t').map(|field| if field == "\\N" { Some(None) } else { unescape(field).map(Some) }).collect()
}

fn unescape(field: &str) -> Option<String> {
    if !field.contains('\\') {
        return Some(field.to_owned());
    }
    let mut text = Vec::with_capacity(field.len());
    let mut bytes = field.bytes().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            text.push(byte);
            continue;
        }
        text.push(match bytes.next()? {
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 0x0b,
            first @ b'0'..=b'7' => digits(&mut bytes, u32::from(first - b'0'), 8, 2).0,
            b'x' => match digits(&mut bytes, 0, 16, 2) {
                (_, 0) => b'x',
                (byte, _) => byte,
            },
            other => other,
        });
    }
    String::from_utf8(text).ok()
}

/// The byte that `value` and at most `most` further digits stand for, and how many of these there were.
fn digits(bytes: &mut Peekable<Bytes<'_>>, mut value: u32, radix: u32, most: usize) -> (u8, usize) {
    let mut count = 0;
    while count < most
        && let Some(digit) = bytes.peek().and_then(|byte| char::from(*byte).to_digit(radix))
    {
        value = value * radix + digit;
        count += 1;
        bytes.next();
    }
    (u8::try_from(value & 0xff).unwrap_or_default(), count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(line: &str) -> Option<String> {
        parse_line(line).expect("a line").remove(0)
    }

    #[test]
    fn escapes_are_replaced() {
        assert_eq!(parse_line("1\tdefault\t\\N\t"), Some(vec![Some("1".into()), Some("default".into()), None, Some(String::new())]));
        for (written, meant) in [
            ("a\\tb\\\\n \"q\" 'x'", "a\tb\\n \"q\" 'x'"),
            ("jdoe@login1\\n", "jdoe@login1\n"),
            ("\\b\\f\\n\\r\\t\\v", "\u{8}\u{c}\n\r\t\u{b}"),
            ("\\101\\60\\7a", "A0\u{7}a"),
            ("\\x41\\x7\\xg", "A\u{7}xg"),
            ("\\xc3\\xa9\\303\\251", "éé"),
            ("\\.\\q", ".q"),
            ("\\\\N", "\\N"),
            ("é", "é"),
        ] {
            assert_eq!(one(written).as_deref(), Some(meant), "{written}");
        }
        for broken in ["a\\", "\\xff", "\\377"] {
            assert_eq!(parse_line(broken), None, "{broken}");
        }
    }

    proptest! {
        #[test]
        fn escaped_text_is_read_unchanged(text in ".{0,40}") {
            let mut written = String::new();
            for c in text.chars() {
                match c {
                    '\\' => written.push_str("\\\\"),
                    '\t' => written.push_str("\\t"),
                    '\n' => written.push_str("\\n"),
                    '\r' => written.push_str("\\r"),
                    other => written.push(other),
                }
            }
            prop_assert_eq!(one(&written), Some(text));
        }
    }
}
