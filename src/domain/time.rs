//! Points in time and durations, in whole milliseconds. Rules get a [`Timestamp`] as a parameter; the clock is in the service layer.

mod calendar;

use std::ops::{Add, Sub};
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

pub use calendar::{CalendarDate, DateRange, DateRangeRefused};

/// By how much the clocks of several portals may differ.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The time that TMS calls "forever": 9999-12-31T23:59:59Z.
    pub const FOREVER: Timestamp = Timestamp(253_402_300_799_000);

    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01 (RFC 7519 `NumericDate`).
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Time elapsed since `earlier`; zero if `earlier` is later.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// How far the two times are apart.
    pub fn difference(self, other: Timestamp) -> Duration {
        self.since(other).max(other.since(self))
    }

    /// Whether it is in the future by more than clocks differ: it was stored while a clock was wrong, or the clock was set back since.
    pub fn is_ahead_of(self, now: Timestamp) -> bool {
        self > now + CLOCK_TOLERANCE
    }

    /// Whether less than `window` has passed since. False for a time that is ahead of now: the window would last that much longer.
    pub fn is_within(self, window: Duration, now: Timestamp) -> bool {
        !self.is_ahead_of(now) && now.since(self) < window
    }

    /// RFC 3339 with whole seconds and `+00:00`, as in TMS' API.
    pub fn to_rfc3339(self) -> String {
        self.format_utc("%Y-%m-%dT%H:%M:%S+00:00")
    }

    /// RFC 3339 with whole seconds and the zone's offset.
    pub fn to_rfc3339_in(self, zone: &Zone) -> String {
        let zoned = jiff::Timestamp::from_millisecond(self.0).map(|at| at.to_zoned(zone.0.clone()));
        zoned.map_or_else(|_| self.to_rfc3339(), |zoned| zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
    }

    /// For people: `20 December 2026, 14:02 UTC`.
    pub fn humanize(self) -> String {
        self.humanize_in(&Zone::UTC)
    }

    /// For people: `20 December 2026, 08:02 CST`.
    pub fn humanize_in(self, zone: &Zone) -> String {
        self.to_civil(zone).map_or_else(|| String::from("unknown time"), |(there, zone)| format!("{} {zone}", there.strftime("%-d %B %Y, %H:%M")))
    }

    /// Local date and time of day; `None` outside the calendar's range of years.
    pub fn civil_time(self, zone: &Zone) -> Option<CivilTime> {
        let (there, zone) = self.to_civil(zone)?;
        let small = |n: i8| i64::from(n);
        Some(CivilTime {
            year: i64::from(there.year()),
            month: small(there.month()),
            day: small(there.day()),
            hour: small(there.hour()),
            minute: small(there.minute()),
            zone,
        })
    }

    /// Local date and time, and the zone's abbreviation then: `CST`, or `UTC-03` if it has no letters.
    fn to_civil(self, zone: &Zone) -> Option<(DateTime, String)> {
        // jiff's own timestamps end a day before `FOREVER`, to leave room for time zones.
        let Some(at) = jiff::Timestamp::from_millisecond(self.0).ok().filter(|_| !zone.is_utc()) else {
            return Some((self.utc()?, "UTC".to_owned()));
        };
        let called = zone.0.to_offset_info(at).abbreviation().to_owned();
        let called = if called.starts_with(['+', '-']) { format!("UTC{called}") } else { called };
        Some((zone.0.to_datetime(at), called))
    }

    fn format_utc(self, format: &str) -> String {
        self.utc().map_or_else(|| String::from("unknown time"), |utc| utc.strftime(format).to_string())
    }

    fn utc(self) -> Option<DateTime> {
        DateTime::constant(1970, 1, 1, 0, 0, 0, 0).checked_add(SignedDuration::from_millis(self.0)).ok()
    }

    /// The time elapsed, in words: `just now`, `3 minutes ago`.
    pub fn humanize_ago(self, now: Timestamp) -> String {
        match now.since(self).as_secs() {
            0..=9 => "just now".to_owned(),
            _ => format!("{} ago", humanize_duration(now.since(self))),
        }
    }
}

/// A time zone of the IANA database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    pub const UTC: Zone = Zone(TimeZone::UTC);

    /// Finds a zone by name, such as `America/Chicago`, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        TimeZone::get(name).ok().filter(|zone| zone.iana_name().is_some()).map(Self)
    }

    /// The zone of the variable `TZ` or of this machine; UTC if neither is set.
    pub fn system() -> Self {
        TimeZone::try_system().map_or(Self::UTC, Self)
    }

    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// Names to choose from: those of continents and oceans, and `UTC`.
    pub fn all() -> Vec<String> {
        const REGIONS: [&str; 10] = ["Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"];
        let names = jiff::tz::db().available().map(|name| name.to_string());
        let known = |name: &String| name.split_once('/').is_some_and(|(region, _)| REGIONS.contains(&region));
        let mut names: Vec<String> = names.filter(known).collect();
        names.sort();
        names.insert(0, "UTC".to_owned());
        names
    }

    fn is_utc(&self) -> bool {
        self.0 == TimeZone::UTC || self.0.is_unknown()
    }
}

/// A point in time as calendar date and time of day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CivilTime {
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
    /// The zone's abbreviation at that time.
    pub zone: String,
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

/// Units of durations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Seconds,
    Minutes,
    Hours,
    Days,
}

/// The largest unit that fits, and the count rounded to nearest; hours are used up to two days.
pub fn largest_unit(span: Duration) -> (u64, Unit) {
    let nearest = |seconds: u64| {
        let unit = u128::from(seconds) * 1_000;
        u64::try_from((span.as_millis() + unit / 2) / unit).unwrap_or(u64::MAX)
    };
    match (nearest(1), nearest(60), nearest(3_600)) {
        (seconds @ 0..=59, _, _) => (seconds, Unit::Seconds),
        (_, minutes @ 0..=59, _) => (minutes, Unit::Minutes),
        (_, _, hours @ 0..=47) => (hours, Unit::Hours),
        _ => (nearest(86_400), Unit::Days),
    }
}

/// The largest unit, rounded to nearest: `45 seconds`, `3 minutes`, `8 hours`, `30 days`.
pub fn humanize_duration(span: Duration) -> String {
    let (count, unit) = largest_unit(span);
    let unit = match unit {
        Unit::Seconds => "second",
        Unit::Minutes => "minute",
        Unit::Hours => "hour",
        Unit::Days => "day",
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// Rounded up to whole seconds, at least one (RFC 9110 §10.2.3 `Retry-After`).
pub fn retry_after(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_formatted_for_tms_and_people() {
        let time = Timestamp::from_millis(1_795_210_927_123);
        assert_eq!(time.to_rfc3339(), "2026-11-20T21:42:07+00:00");
        assert_eq!(time.humanize(), "20 November 2026, 21:42 UTC");
        assert_eq!(time.humanize_in(&Zone::UTC), time.humanize());
        assert_eq!(Timestamp::FOREVER.to_rfc3339(), "9999-12-31T23:59:59+00:00");
        assert_eq!(Timestamp::FOREVER + Duration::from_secs(1), Timestamp::FOREVER);
    }

    #[test]
    fn no_window_begins_in_the_future() {
        let (minute, now) = (Duration::from_secs(60), Timestamp::from_millis(1_000_000_000));
        let within = |at: Timestamp| at.is_within(10 * minute, now);
        assert_eq!([now, now - 9 * minute, now - 10 * minute].map(within), [true, true, false]);
        assert_eq!([now + minute, now + minute + Duration::from_millis(1), now + 1_440 * minute].map(within), [true, false, false]);
        assert!(!Timestamp::FOREVER.is_within(10 * minute, now) && Timestamp::FOREVER.is_ahead_of(now));
    }

    #[test]
    fn durations_are_formatted_in_their_largest_unit() {
        for (seconds, words) in
            [(1, "1 second"), (59, "59 seconds"), (60, "1 minute"), (28_800, "8 hours"), (86_400, "24 hours"), (2_592_000, "30 days")]
        {
            assert_eq!(humanize_duration(Duration::from_secs(seconds)), words);
        }
        for (millis, words) in [
            (59_499, "59 seconds"),
            (59_500, "1 minute"),
            (3_569_000, "59 minutes"),
            (3_570_000, "1 hour"),
            (28_799_000, "8 hours"),
            (26_999_000, "7 hours"),
            (172_799_000, "2 days"),
            (2_591_999_000, "30 days"),
        ] {
            assert_eq!(humanize_duration(Duration::from_millis(millis)), words, "rounded to the nearest");
        }
        assert_eq!([0, 1, 1_000, 1_001].map(|millis| retry_after(Duration::from_millis(millis))), [1, 1, 1, 2]);
        let now = Timestamp::from_millis(1_000_000);
        assert_eq!(Timestamp::from_millis(995_000).humanize_ago(now), "just now");
        assert_eq!(Timestamp::from_millis(880_000).humanize_ago(now), "2 minutes ago");
        assert_eq!(Timestamp::from_millis(2_000_000).humanize_ago(now), "just now");
    }

    #[test]
    fn times_show_the_zones_abbreviation_at_that_time() {
        let (winter, summer) = (Timestamp::from_millis(1_795_210_927_123), Timestamp::from_millis(1_782_000_000_000));
        for (zone, in_winter, in_summer) in [
            ("america/chicago", "20 November 2026, 15:42 CST", "20 June 2026, 19:00 CDT"),
            ("Asia/Kolkata", "21 November 2026, 03:12 IST", "21 June 2026, 05:30 IST"),
            ("America/Sao_Paulo", "20 November 2026, 18:42 UTC-03", "20 June 2026, 21:00 UTC-03"),
            ("UTC", "20 November 2026, 21:42 UTC", "21 June 2026, 00:00 UTC"),
        ] {
            let zone = Zone::parse(zone).expect("a zone");
            assert_eq!((winter.humanize_in(&zone).as_str(), summer.humanize_in(&zone).as_str()), (in_winter, in_summer));
        }
        let chicago = Zone::parse("America/Chicago").expect("a zone");
        assert_eq!(chicago.name(), "America/Chicago");
        assert_eq!(winter.to_rfc3339_in(&chicago), "2026-11-20T15:42:07-06:00");
        assert_eq!(Timestamp::FOREVER.humanize_in(&chicago), "31 December 9999, 23:59 UTC");
        for nonsense in ["", "Nowhere/At_All", "../../etc/passwd", "CET-1", "America/Chicago\r\n"] {
            assert_eq!(Zone::parse(nonsense), None, "{nonsense:?}");
        }
        let all = Zone::all();
        assert!(all.len() > 300 && all.iter().all(|name| Zone::parse(name).is_some()), "{}", all.len());
    }
}
