//! Parsing and formatting of times.

use std::time::Duration;

use crate::domain::time::{Timestamp, Zone, humanize_duration};

/// The current time. The clock and the time zone of the machine are read only here; all other functions take them as arguments.
#[expect(clippy::disallowed_methods, reason = "the only place of `tms` that reads the clock")]
pub fn now() -> Timestamp {
    Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
}

/// `20 December 2026, 08:02 CST`, in this machine's time zone, or `never` for TMS' "forever"; an unparsable time is returned
/// unchanged.
pub fn format_time(rfc3339: &str) -> String {
    format_time_in(rfc3339, &Zone::system())
}

fn format_time_in(rfc3339: &str, zone: &Zone) -> String {
    match parse_time(rfc3339) {
        Some(Timestamp::FOREVER) => "never".to_owned(),
        Some(time) => time.humanize_in(zone),
        None => rfc3339.to_owned(),
    }
}

/// The time left: `7 hours left`.
pub fn format_time_left(rfc3339: &str, now: Timestamp) -> Option<String> {
    let time = parse_time(rfc3339).filter(|time| *time != Timestamp::FOREVER)?;
    Some(format!("{} left", humanize_duration(time.since(now))))
}

/// The time since: `3 minutes ago`; an unparsable time is returned unchanged.
pub fn format_age(rfc3339: &str, now: Timestamp) -> String {
    parse_time(rfc3339).map_or_else(|| rfc3339.to_owned(), |time| time.humanize_ago(now))
}

/// An expiry relative to now: `7 hours left`, `never`, or how long ago it was.
pub fn format_expiry(rfc3339: &str, now: Timestamp) -> String {
    match parse_time(rfc3339) {
        Some(end) if end != Timestamp::FOREVER && end <= now => end.humanize_ago(now),
        _ => format_time_left(rfc3339, now).unwrap_or_else(|| format_time(rfc3339)),
    }
}

/// How long something that was not revoked remains valid.
pub fn format_validity(expires_at: Option<Timestamp>) -> String {
    match expires_at {
        Some(Timestamp::FOREVER) => "until it is revoked".to_owned(),
        Some(time) => format!("until {}", time.humanize_in(&Zone::system())),
        None => "for as long as the server allows".to_owned(),
    }
}

/// For the spinner's countdown: `14 min 32 s`.
pub fn format_countdown(left: Duration) -> String {
    let seconds = (left + Duration::from_millis(500)).as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

/// Parses a time as TMS writes it.
pub fn parse_time(rfc3339: &str) -> Option<Timestamp> {
    // jiff's largest time is a day before "forever", so that every time can be shown in every time zone.
    if rfc3339.starts_with("9999-12-31T") {
        return Some(Timestamp::FOREVER);
    }
    let time: jiff::Timestamp = rfc3339.parse().ok()?;
    Some(Timestamp::from_millis(time.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_formatted_for_users() {
        for (sent, words) in [
            ("2026-11-21T05:00:00+00:00", "21 November 2026, 05:00 UTC"),
            ("2026-11-21T06:00:00+01:00", "21 November 2026, 05:00 UTC"),
            ("9999-12-31T23:59:59+00:00", "never"),
            ("soon", "soon"),
        ] {
            assert_eq!(format_time_in(sent, &Zone::UTC), words);
        }
    }

    #[test]
    fn time_left_is_shown_unless_forever() {
        let now = Timestamp::from_millis(1_795_237_200_000 - 8 * 3_600_000);
        assert_eq!(format_time_left("2026-11-21T05:00:00+00:00", now).as_deref(), Some("8 hours left"));
        assert_eq!(format_time_left("2026-11-21T05:00:00+00:00", now + Duration::from_secs(1)).as_deref(), Some("8 hours left"), "to the nearest");
        assert_eq!(format_time_left("9999-12-31T23:59:59+00:00", now), None);
    }

    #[test]
    fn expiry_is_shown_relative_to_now() {
        let end = "2026-11-21T05:00:00+00:00";
        let at = |hours: i64| Timestamp::from_millis(1_795_237_200_000 + hours * 3_600_000);
        assert_eq!(format_expiry(end, at(-8)), "8 hours left");
        assert_eq!(format_expiry(end, at(3)), "3 hours ago");
        assert_eq!(format_expiry("9999-12-31T23:59:59+00:00", at(0)), "never");
        assert_eq!(format_expiry("soon", at(0)), "soon");
        assert_eq!(format_age(end, at(3)), "3 hours ago");
    }

    #[test]
    fn countdown_shows_its_two_largest_units() {
        for (seconds, words) in [(0, "0 s"), (59, "59 s"), (60, "1 min 0 s"), (872, "14 min 32 s"), (3600, "1 h 0 min"), (90_061, "25 h 1 min")] {
            assert_eq!(format_countdown(Duration::from_secs(seconds)), words);
        }
    }
}
