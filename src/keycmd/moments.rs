//! Times as the portal writes them, and as sshd reads them.

use crate::domain::time::Timestamp;

/// The current time. Everything else takes it as an argument.
pub fn now() -> Timestamp {
    Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
}

/// When a key ends, as the portal wrote it: `Some(None)` for one that never does, `None` for what is no time.
pub fn read_expiry(rfc3339: &str) -> Option<Option<Timestamp>> {
    // TMS' "forever"; jiff ends a day before it, so that every time can be shown in every zone.
    if rfc3339.starts_with("9999-") {
        return Some(None);
    }
    let time: jiff::Timestamp = rfc3339.parse().ok()?;
    Some(Some(Timestamp::from_millis(time.as_millisecond())))
}

/// `expiry-time="202611210500Z"`, cut down to the minute: never later than the portal said. OpenSSH knows the `Z` since 9.1.
pub fn expiry_option(expires_at: Timestamp) -> Option<String> {
    let time = jiff::Timestamp::from_millisecond(expires_at.as_millis()).ok()?;
    Some(time.strftime("expiry-time=\"%Y%m%d%H%MZ\"").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_the_portals_becomes_one_of_sshds() {
        for (written, option) in [
            ("2026-11-21T05:00:00+00:00", "expiry-time=\"202611210500Z\""),
            ("2026-11-21T05:00:59.999999+00:00", "expiry-time=\"202611210500Z\""),
            ("2026-11-21T05:00:00Z", "expiry-time=\"202611210500Z\""),
            ("2026-11-21T05:00:00-06:00", "expiry-time=\"202611211100Z\""),
        ] {
            let time = read_expiry(written).unwrap().unwrap();
            assert_eq!(expiry_option(time).unwrap(), option);
        }
    }

    #[test]
    fn forever_is_no_end_and_nonsense_is_no_time() {
        assert_eq!(read_expiry("9999-12-31T23:59:59+00:00"), Some(None));
        for nonsense in ["", "tomorrow", "2026-11-21", "2026-11-21T05:00:00", "2026-13-21T05:00:00Z"] {
            assert_eq!(read_expiry(nonsense), None, "{nonsense}");
        }
    }
}
