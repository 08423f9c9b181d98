//! Calendar dates in a time zone.

use std::fmt;

use jiff::civil::Date;
use thiserror::Error;

use super::{Timestamp, Zone};

/// A day of the Gregorian calendar; displayed as `2026-11-30`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CalendarDate(Date);

impl fmt::Display for CalendarDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl CalendarDate {
    /// Parses `2026-11-30` (RFC 3339 `full-date`), and nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        let shape =
            text.len() == 10 && text.bytes().enumerate().all(|(n, byte)| if matches!(n, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() });
        text.parse().ok().filter(|_| shape).map(Self)
    }

    /// The day in that zone; `None` outside the calendar's range of years.
    pub fn of(at: Timestamp, zone: &Zone) -> Option<Self> {
        at.to_civil(zone).map(|(there, _)| Self(there.date()))
    }

    /// The first moment of the day in that zone, which is not midnight where clocks are changed at midnight.
    pub fn start(self, zone: &Zone) -> Option<Timestamp> {
        self.0.to_zoned(zone.0.clone()).ok().map(|start| Timestamp::from_millis(start.timestamp().as_millisecond()))
    }

    /// `None` for the last day of the calendar.
    pub fn tomorrow(self) -> Option<Self> {
        self.0.tomorrow().ok().map(Self)
    }

    pub fn year(self) -> i64 {
        i64::from(self.0.year())
    }

    /// 1 to 12.
    pub fn month(self) -> i64 {
        i64::from(self.0.month())
    }

    pub fn day(self) -> i64 {
        i64::from(self.0.day())
    }
}

/// A range of days as points in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DateRange {
    /// The start of the first day; `None`: unlimited.
    pub from: Option<Timestamp>,
    /// The end of the last day, exclusive; `None`: unlimited.
    pub until: Option<Timestamp>,
}

/// Why two dates are not a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DateRangeRefused {
    #[error("A date is not written as YYYY-MM-DD.")]
    NotADate,
    #[error("The first date is after the last one.")]
    Reversed,
}

impl DateRange {
    /// From the start of the day `from` to the end of the day `to`, in that zone; empty: unlimited.
    pub fn parse(from: &str, to: &str, zone: &Zone) -> Result<Self, DateRangeRefused> {
        let parse = |text: &str| match text.trim() {
            "" => Ok(None),
            text => CalendarDate::parse(text).map(Some).ok_or(DateRangeRefused::NotADate),
        };
        let (first, last) = (parse(from)?, parse(to)?);
        if first.zip(last).is_some_and(|(first, last)| first > last) {
            return Err(DateRangeRefused::Reversed);
        }
        let start = |day: CalendarDate| day.start(zone);
        Ok(Self { from: first.and_then(start), until: last.and_then(CalendarDate::tomorrow).and_then(start) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_parsed_strictly() {
        assert!(CalendarDate::parse("2026-11-30").is_some_and(|date| (date.year(), date.month(), date.day()) == (2026, 11, 30)));
        for wrong in ["", "2026-02-30", "20261130", "2026-11-30T10:00", "30.11.2026", "+002026-11-30", "2026-11-3", "abcd-ef-gh", "２０２６-11-30"]
        {
            assert_eq!(CalendarDate::parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn range_covers_whole_days_of_the_zone() {
        let chicago = Zone::parse("America/Chicago").expect("a zone");
        let range = DateRange::parse("2026-11-01", "2026-11-01", &chicago).expect("a range");
        let (from, until) = (range.from.expect("a start"), range.until.expect("an end"));
        assert_eq!(from.to_rfc3339(), "2026-11-01T05:00:00+00:00");
        assert_eq!(until.to_rfc3339(), "2026-11-02T06:00:00+00:00", "25 hours, as clocks are set back");
        assert_eq!(DateRange::parse("", " ", &chicago), Ok(DateRange::default()));
        assert_eq!(DateRange::parse("9999-12-31", "9999-12-31", &Zone::UTC).expect("a range").until, None);
        assert!(DateRange::parse("0000-01-01", "0001-01-01", &chicago).is_ok());
        assert_eq!(DateRange::parse("2026-11-02", "2026-11-01", &chicago), Err(DateRangeRefused::Reversed));
        assert_eq!(DateRange::parse("yesterday", "", &chicago), Err(DateRangeRefused::NotADate));
    }

    #[test]
    fn day_depends_on_the_zone() {
        let at = Timestamp::from_millis(1_795_210_927_123);
        let day = |zone: &str| CalendarDate::of(at, &Zone::parse(zone).expect("a zone")).map(CalendarDate::day);
        assert_eq!((day("UTC"), day("Asia/Kolkata")), (Some(20), Some(21)));
        assert_eq!(CalendarDate::of(Timestamp::from_millis(i64::MAX), &Zone::UTC), None);
    }
}
