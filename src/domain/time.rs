//! Points in time and spans, as whole milliseconds. The clock itself is the service's; rules get a [`Timestamp`].

use std::ops::{Add, Sub};
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(i64);

impl Timestamp {
    /// What TMS calls "forever" on its wire: 9999-12-31T23:59:59Z.
    pub const FOREVER: Timestamp = Timestamp(253_402_300_799_000);

    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, as JWTs count (RFC 7519 `NumericDate`).
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// How long after `earlier` this is; zero when it is not after.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// RFC 3339 with whole seconds and `+00:00`, as TMS writes times.
    pub fn to_rfc3339(self) -> String {
        self.zoned("%Y-%m-%dT%H:%M:%S+00:00")
    }

    /// For people: `20 December 2026, 14:02 UTC`.
    pub fn to_words(self) -> String {
        self.zoned("%-d %B %Y, %H:%M UTC")
    }

    /// For people, time of day only: `14:02:07 UTC`.
    pub fn to_clock_words(self) -> String {
        self.zoned("%H:%M:%S UTC")
    }

    /// Its date and time of day in UTC; `None` beyond the years that calendars have.
    pub fn calendar(self) -> Option<Calendar> {
        let utc = self.utc()?;
        let small = |n: i8| i64::from(n);
        Some(Calendar {
            year: i64::from(utc.year()),
            month: small(utc.month()),
            day: small(utc.day()),
            hour: small(utc.hour()),
            minute: small(utc.minute()),
        })
    }

    fn zoned(self, format: &str) -> String {
        self.utc().map_or_else(|| String::from("unknown time"), |utc| utc.strftime(format).to_string())
    }

    /// Not as jiff's own timestamp: that ends a day before `FOREVER`, to leave room for time zones.
    fn utc(self) -> Option<DateTime> {
        DateTime::constant(1970, 1, 1, 0, 0, 0, 0).checked_add(SignedDuration::from_millis(self.0)).ok()
    }

    /// How long ago this was, in words: `just now`, `3 minutes ago`.
    pub fn ago(self, now: Timestamp) -> String {
        match now.since(self).as_secs() {
            0..=9 => "just now".to_owned(),
            _ => format!("{} ago", span_in_words(now.since(self))),
        }
    }
}

/// A point in time as calendars and clocks show it, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar {
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
}

impl Sub<Duration> for Timestamp {
    type Output = Timestamp;
    fn sub(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Timestamp;
    fn add(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)).min(Self::FOREVER.0))
    }
}

/// What spans are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Seconds,
    Minutes,
    Hours,
    Days,
}

/// The largest whole unit that fits, and how many of it; hours up to two days.
pub fn largest_unit(span: Duration) -> (u64, Unit) {
    let seconds = span.as_secs();
    match seconds {
        0..=59 => (seconds, Unit::Seconds),
        60..=3_599 => (seconds / 60, Unit::Minutes),
        3_600..=172_799 => (seconds / 3_600, Unit::Hours),
        _ => (seconds / 86_400, Unit::Days),
    }
}

/// The largest whole unit that fits: `45 seconds`, `3 minutes`, `8 hours`, `30 days`.
pub fn span_in_words(span: Duration) -> String {
    let (count, unit) = largest_unit(span);
    let unit = match unit {
        Unit::Seconds => "second",
        Unit::Minutes => "minute",
        Unit::Hours => "hour",
        Unit::Days => "day",
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// A time to wait, in whole minutes upwards: nobody who waits as told comes too early.
pub fn wait_in_words(wait: Duration) -> String {
    span_in_words(Duration::from_secs(wait.as_secs().div_ceil(60).max(1) * 60))
}

/// A time to wait, in whole seconds upwards, at least one (RFC 9110 §10.2.3 `Retry-After`).
pub fn retry_after(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_tms_and_people_expect() {
        let time = Timestamp::from_millis(1_795_210_927_123);
        assert_eq!(time.to_rfc3339(), "2026-11-20T21:42:07+00:00");
        assert_eq!(time.to_words(), "20 November 2026, 21:42 UTC");
        assert_eq!(Timestamp::FOREVER.to_rfc3339(), "9999-12-31T23:59:59+00:00");
        assert_eq!(Timestamp::FOREVER + Duration::from_secs(1), Timestamp::FOREVER);
    }

    #[test]
    fn spans_are_said_in_their_largest_unit() {
        for (seconds, words) in
            [(1, "1 second"), (59, "59 seconds"), (60, "1 minute"), (28_800, "8 hours"), (86_400, "24 hours"), (2_592_000, "30 days")]
        {
            assert_eq!(span_in_words(Duration::from_secs(seconds)), words);
        }
        let waits = [(299, "5 minutes"), (300, "5 minutes"), (301, "6 minutes"), (1, "1 minute"), (0, "1 minute")];
        for (seconds, words) in waits {
            assert_eq!(wait_in_words(Duration::from_secs(seconds)), words);
        }
        assert_eq!([0, 1, 1_000, 1_001].map(|millis| retry_after(Duration::from_millis(millis))), [1, 1, 1, 2]);
        let now = Timestamp::from_millis(1_000_000);
        assert_eq!(Timestamp::from_millis(995_000).ago(now), "just now");
        assert_eq!(Timestamp::from_millis(880_000).ago(now), "2 minutes ago");
        assert_eq!(Timestamp::from_millis(2_000_000).ago(now), "just now");
    }
}
