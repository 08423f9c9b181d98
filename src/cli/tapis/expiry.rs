//! Expiry times of codes and tokens in Tapis' formats.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::domain::time::Timestamp;

/// `expires_in` or `expires_at`, which Tapis' services do not distinguish: seconds from now, or a time.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Expiry {
    Seconds(f64),
    Text(String),
    /// An unreadable expiry does not invalidate the response.
    Unreadable(IgnoredAny),
}

impl Expiry {
    pub fn to_timestamp(&self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Seconds(seconds) => Duration::try_from_secs_f64(*seconds).ok().map(|span| now + span),
            Self::Text(text) => text.trim().parse().map_or_else(|_| parse_time(text), |seconds| Self::Seconds(seconds).to_timestamp(now)),
            Self::Unreadable(_) => None,
        }
    }
}

/// With an offset or without, which means UTC; in ISO 8601 or in the HTTP date format, which Flask uses.
pub fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let iso = || text.parse::<jiff::Timestamp>().ok();
    let without_offset = || TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok();
    let http = || rfc2822::parse(text).ok().map(|time| time.timestamp());
    let time = iso().or_else(without_offset).or_else(http)?;
    Some(Timestamp::from_millis(time.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(json: &str) -> Option<String> {
        let expiry: Expiry = serde_json::from_str(json).unwrap();
        expiry.to_timestamp(Timestamp::from_millis(1_795_237_200_000)).map(Timestamp::to_rfc3339)
    }

    #[test]
    fn all_expiry_formats_are_parsed() {
        for end in [
            "600",
            "600.0",
            r#""600""#,
            r#""2026-11-21T05:10:00Z""#,
            r#""2026-11-21T05:10:00+00:00""#,
            r#""2026-11-21T05:10:00.000000+00:00""#,
            r#""2026-11-21T00:10:00-05:00""#,
            r#""2026-11-21 05:10:00+00:00""#,
            r#""2026-11-21T05:10:00""#,
            r#""2026-11-21 05:10:00.000000""#,
            r#"" 2026-11-21 05:10:00 ""#,
            r#""Sat, 21 Nov 2026 05:10:00 GMT""#,
        ] {
            assert_eq!(after(end).as_deref(), Some("2026-11-21T05:10:00+00:00"), "{end}");
        }
    }

    #[test]
    fn invalid_expiries_are_ignored() {
        for end in [r#""""#, r#""soon""#, r#""-5""#, "-5", "1e300", r#""inf""#, r#""NaN""#, r#""2026-13-45T00:00:00""#, "true", "[600]"] {
            assert_eq!(after(end), None, "{end}");
        }
    }
}
