//! Parsing of the portal's times, and formatting for sshd.

use std::path::Path;

use jiff::tz::TimeZone;

use crate::domain::time::Timestamp;

use super::files::{self, FileRequirement};

/// The current time. All other functions take it as an argument.
#[expect(clippy::disallowed_methods, reason = "the only place of `tms-keycmd` that reads the clock")]
pub fn now() -> Timestamp {
    Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
}

/// Parses a key's expiry: `Some(None)` if it never expires, `None` if it is not a time.
pub fn parse_expiry(rfc3339: &str) -> Option<Option<Timestamp>> {
    // TMS' "forever". jiff's largest time is a day before it, so that every time can be shown in every time zone.
    if rfc3339.starts_with("9999-") {
        return Some(None);
    }
    let time: jiff::Timestamp = rfc3339.parse().ok()?;
    Some(Some(Timestamp::from_millis(time.as_millisecond())))
}

/// How a key's expiry is written for sshd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiryTime {
    /// For OpenSSH 9.1 and later, which support the `Z`.
    Utc,
    /// For any OpenSSH.
    Local,
}

/// `expiry-time="20261121050059Z"`, in seconds. `None` for a local time that occurs twice when clocks are set back, because sshd
/// could use either.
pub fn expiry_option(expires_at: Timestamp, written: ExpiryTime) -> Option<String> {
    let time = jiff::Timestamp::from_millisecond(expires_at.as_millis()).ok()?;
    match written {
        ExpiryTime::Utc => Some(time.strftime("expiry-time=\"%Y%m%d%H%M%SZ\"").to_string()),
        ExpiryTime::Local => expiry_option_in(time, &local_zone()),
    }
}

fn expiry_option_in(time: jiff::Timestamp, zone: &TimeZone) -> Option<String> {
    let local = zone.to_datetime(time);
    let once = !zone.to_ambiguous_timestamp(local).is_ambiguous();
    once.then(|| local.strftime("expiry-time=\"%Y%m%d%H%M%S\"").to_string())
}

/// The local time zone as libc finds it for sshd, but ignoring the environment. UTC if the file does not exist.
fn local_zone() -> TimeZone {
    const FILE: &str = "/etc/localtime";
    const LONGEST_FILE: u64 = 64 * 1024;
    let file = files::read_bytes(Path::new(FILE), LONGEST_FILE, FileRequirement::Unchecked).ok();
    file.and_then(|file| TimeZone::tzif(FILE, &file).ok()).unwrap_or(TimeZone::UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn portal_time_is_formatted_for_sshd() {
        for (written, option) in [
            ("2026-11-21T05:00:00+00:00", "expiry-time=\"20261121050000Z\""),
            ("2026-11-21T05:00:59.999999+00:00", "expiry-time=\"20261121050059Z\""),
            ("2026-11-21T05:00:00Z", "expiry-time=\"20261121050000Z\""),
            ("2026-11-21T05:00:00-06:00", "expiry-time=\"20261121110000Z\""),
        ] {
            let time = parse_expiry(written).unwrap().unwrap();
            assert_eq!(expiry_option(time, ExpiryTime::Utc).unwrap(), option);
        }
    }

    #[test]
    fn ambiguous_local_time_is_omitted() {
        let zone = TimeZone::posix("CST6CDT,M3.2.0,M11.1.0").unwrap();
        for (time, option) in [
            ("2026-07-21T05:00:59.9Z", Some("expiry-time=\"20260721000059\"")),
            ("2026-11-21T05:00:00Z", Some("expiry-time=\"20261120230000\"")),
            ("2026-11-01T06:30:00Z", None),
            ("2026-11-01T07:30:00Z", None),
            ("2026-11-01T08:00:00Z", Some("expiry-time=\"20261101020000\"")),
        ] {
            assert_eq!(expiry_option_in(time.parse().unwrap(), &zone).as_deref(), option, "{time}");
        }
    }

    #[test]
    fn forever_is_no_expiry_and_invalid_times_are_refused() {
        assert_eq!(parse_expiry("9999-12-31T23:59:59+00:00"), Some(None));
        for nonsense in ["", "tomorrow", "2026-11-21", "2026-11-21T05:00:00", "2026-13-21T05:00:00Z"] {
            assert_eq!(parse_expiry(nonsense), None, "{nonsense}");
        }
    }
}
