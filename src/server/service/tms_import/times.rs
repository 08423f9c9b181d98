//! Times as TMS' databases have them: texts of SQLite in UTC, and of `pg_dump` in the zone of the server.

use jiff::civil::DateTime;

use crate::domain::time::Timestamp;

/// From this year on, a time means "never": TMS' API adds 2,147,483,647 minutes, and its scripts insert the last time that a library knows.
const FIRST_YEAR_OF_NEVER: i64 = 4_000;

/// A time, and how it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OldTime {
    pub at: Timestamp,
    /// It is 9999-12-31T23:59:59Z, which TMS writes where it creates rows by itself (MVP).
    pub by_mvp: bool,
    /// It was so far in the future that it means "never".
    pub far: bool,
    /// It had no zone, and was read as UTC.
    pub without_zone: bool,
}

/// Parses a time: date and time of day with `T` or a space between, a fraction, and `Z` or an offset. A fraction of a millisecond is cut
/// off. `None` for any other text.
pub fn parse(text: &str) -> Option<OldTime> {
    let text = text.trim();
    let plain = |at| OldTime { at, by_mvp: false, far: false, without_zone: false };
    match text {
        "infinity" => return Some(OldTime { far: true, ..plain(Timestamp::FOREVER) }),
        "-infinity" => return Some(plain(Timestamp::from_millis(0))),
        _ => {}
    }
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let (year, month, day) = date_parts(date)?;
    let (time, offset) = split_offset(time.trim_start())?;
    let (hour, minute, second, nanos) = time_parts(time)?;
    let without_zone = offset.is_none();
    // Years of five and six digits are of SQLite's rows only; the rest of such a time must be well-formed as well.
    let calendar_year = if (0..=9_999).contains(&year) { i16::try_from(year).ok()? } else { 2_000 };
    let civil = DateTime::new(calendar_year, month, day, hour, minute, second, nanos).ok()?;
    if year < 0 {
        return Some(OldTime { without_zone, ..plain(Timestamp::from_millis(0)) });
    }
    let since_1970 = civil.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0)).as_nanos();
    let utc = since_1970 - i128::from(offset.unwrap_or(0)) * 1_000_000_000;
    let millis = i64::try_from(utc.div_euclid(1_000_000)).ok()?;
    let by_mvp = year <= 9_999 && millis == Timestamp::FOREVER.as_millis();
    let far = year >= FIRST_YEAR_OF_NEVER;
    Some(OldTime { at: if far { Timestamp::FOREVER } else { Timestamp::from_millis(millis) }, by_mvp, far, without_zone })
}

fn date_parts(date: &str) -> Option<(i64, i8, i8)> {
    let (sign, digits) = match date.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, date.strip_prefix('+').unwrap_or(date)),
    };
    let mut parts = digits.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let valid = parts.next().is_none() && (4..=6).contains(&year.len());
    valid.then_some((sign * number::<i64>(year)?, two_digits(month)?, two_digits(day)?))
}

fn time_parts(time: &str) -> Option<(i8, i8, i8, i32)> {
    let (time, fraction) = time.split_once('.').map_or((time, None), |(time, fraction)| (time, Some(fraction)));
    let mut parts = time.split(':');
    let (hour, minute) = (two_digits(parts.next()?)?, two_digits(parts.next()?)?);
    let second = parts.next().map_or(Some(0), two_digits)?;
    let nanos = match fraction {
        None => 0,
        Some(digits) if (1..=9).contains(&digits.len()) => number::<i32>(digits)? * 10_i32.pow(9 - u32::try_from(digits.len()).ok()?),
        Some(_) => return None,
    };
    parts.next().is_none().then_some((hour, minute, second, nanos))
}

/// Splits the offset from the time of day, in seconds east of UTC; `None` if there is none.
fn split_offset(text: &str) -> Option<(&str, Option<i64>)> {
    if let Some(time) = text.strip_suffix(['Z', 'z']) {
        return Some((time.trim_end(), Some(0)));
    }
    let Some(at) = text.rfind(['+', '-']) else { return Some((text, None)) };
    let (time, offset) = text.split_at_checked(at)?;
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let digits: String = offset.chars().skip(1).filter(|c| *c != ':').collect();
    let (hours, rest) = digits.split_at_checked(2)?;
    let (minutes, seconds) = if rest.is_empty() { ("00", "") } else { rest.split_at_checked(2)? };
    let seconds = if seconds.is_empty() { 0 } else { two_digits(seconds)? };
    let (hours, minutes) = (i64::from(two_digits(hours)?), i64::from(two_digits(minutes)?));
    (hours < 24 && minutes < 60).then_some((time.trim_end(), Some(sign * (hours * 3_600 + minutes * 60 + i64::from(seconds)))))
}

fn two_digits(text: &str) -> Option<i8> {
    number(text).filter(|_| text.len() == 2)
}

/// Digits only: no sign, which `parse` would accept.
fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2026-04-29T13:29:00.123Z
    const MILLIS: i64 = 1_777_469_340_123;

    fn millis(text: &str) -> i64 {
        parse(text).unwrap_or_else(|| panic!("{text} is a time")).at.as_millis()
    }

    #[test]
    fn one_instant_is_read_from_all_forms() {
        for text in [
            "2026-04-29T13:29:00.123Z",
            "2026-04-29T13:29:00.123456Z",
            "2026-04-29T13:29:00.123999999Z",
            "2026-04-29 13:29:00.123456+00",
            "2026-04-29 13:29:00.123456+00:00",
            "2026-04-29 08:29:00.123456-05",
            "2026-04-29 18:59:00.1239+05:30",
            "2026-04-29T18:59:00.123+0530",
            "2026-04-29 13:29:00.123456",
            " 2026-04-29 13:29:00.123 Z",
        ] {
            assert_eq!(millis(text), MILLIS, "{text}");
        }
        assert_eq!((millis("2026-04-29 13:29Z"), millis("1970-01-01 00:00:00Z")), (MILLIS - 123, 0));
        assert_eq!(millis("1969-12-31 23:59:59.9995Z"), -1, "cut downwards");
        assert!(parse("2026-04-29 13:29:00").expect("a time").without_zone && !parse("2026-04-29 13:29:00Z").expect("a time").without_zone);
    }

    #[test]
    fn never_is_told_from_what_mvp_writes() {
        let forever = Timestamp::FOREVER.as_millis();
        for (text, by_mvp) in [
            ("9999-12-31T23:59:59Z", true),
            ("9999-12-31 17:59:59-06", true),
            ("9999-12-31 23:59:59+00", true),
            ("9999-12-31T23:59:58Z", false),
            ("6109-12-22 16:45:32.257807-06", false),
            ("+262142-12-31T23:59:59Z", false),
            ("4000-01-01T00:00:00Z", false),
            ("infinity", false),
        ] {
            let time = parse(text).unwrap_or_else(|| panic!("{text} is a time"));
            assert_eq!((time.at.as_millis(), time.by_mvp, time.far), (forever, by_mvp, true), "{text}");
        }
        let last = parse("3999-12-31T23:59:59Z").expect("a time");
        assert!(!last.far && last.at < Timestamp::FOREVER);
    }

    #[test]
    fn other_texts_are_no_times() {
        for text in [
            "",
            "2026-04-29",
            "2026-04-31 00:00:00Z",
            "2026-13-01 00:00:00Z",
            "2026-04-29 24:00:00Z",
            "2026-04-29 13:60:00Z",
            "2026-04-29 13:29:00.Z",
            "2026-04-29 13:29:00.1234567890Z",
            "2026-04-29 13:29:00+5",
            "2026-04-29 13:29:00+99",
            "26-04-29 13:29:00Z",
            "2026-4-29 13:29:00Z",
            "+1234567-01-01 00:00:00Z",
            "2026-04-29 13:29:00é",
            "2026-04-29 é",
            "+-26-04-29 13:29:00Z",
            "now",
            "1777469340",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_fault(text in ".{0,40}") {
            let _ = parse(&text);
        }

        #[test]
        fn offset_and_fraction_do_not_move_the_instant(millis in 0_i64..60_000_000_000_000, offset in -14_i64..=14) {
            let there = Timestamp::from_millis(millis + offset * 3_600_000).to_rfc3339();
            let there = there.strip_suffix("+00:00").expect("UTC");
            let text = format!("{there}.{:03}{offset:+03}", millis.rem_euclid(1_000));
            prop_assert_eq!(parse(&text).expect("a time").at.as_millis(), millis);
        }
    }
}
