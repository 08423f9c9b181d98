//! Times and durations as text.

use std::time::Duration;

use super::Language;
use super::to_count;
use crate::domain::sentence::Sentence;
use crate::domain::time::{CalendarDate, Timestamp, Unit, Zone, largest_unit};

impl Language {
    /// `20 November 2026, 14:02 UTC`.
    pub fn format_time(&self, at: Timestamp, zone: &Zone) -> String {
        match at.civil_time(zone) {
            Some(at) => self.exact_time(at.day.to_string(), at.month, at.year.to_string(), format!("{:02}:{:02} {}", at.hour, at.minute, at.zone)),
            None => self.moment_unknown(),
        }
    }

    /// `20 November 2026`.
    pub fn format_date(&self, date: CalendarDate) -> String {
        self.calendar_date(date.day().to_string(), date.month(), date.year().to_string())
    }

    /// The format of times for each month, one per line, with the placeholders `{day}`, `{year}` and `{time}`: for the browser, which fills
    /// in times of its own zone.
    pub fn month_formats(&self) -> String {
        (1..=12_i64).map(|month| self.exact_time("{day}", month, "{year}", "{time}")).collect::<Vec<_>>().join("\n")
    }

    /// A sentence that contains a time.
    pub fn naming(&self, at: Timestamp, zone: &Zone, sentence: impl FnOnce(&str) -> String) -> Sentence {
        Sentence::naming(at, self.format_time(at, zone), sentence)
    }

    /// A time relative to now: `just now`, `3 days ago`, `in 2 hours`.
    pub fn format_relative(&self, at: Timestamp, now: Timestamp) -> String {
        let (gone, left) = (now.since(at), at.since(now));
        if gone.max(left) < Duration::from_secs(10) {
            return self.just_now();
        }
        if at > now { self.in_span(self.format_duration(left)) } else { self.span_ago(self.format_duration(gone)) }
    }

    /// A duration in its largest unit, rounded to the nearest: `45 seconds`, `8 hours`, `30 days`.
    pub fn format_duration(&self, span: Duration) -> String {
        let (count, unit) = largest_unit(span);
        let count = to_count(count);
        match unit {
            Unit::Seconds => self.span_seconds(count),
            Unit::Minutes => self.span_minutes(count),
            Unit::Hours => self.span_hours(count),
            Unit::Days => self.span_days(count),
        }
    }

    /// A waiting time, rounded up to whole minutes, so that a retry after it is never too early.
    pub fn format_wait(&self, wait: Duration) -> String {
        self.format_duration(Duration::from_secs(wait.as_secs().div_ceil(60).max(1) * 60))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Languages, Translations};
    use super::*;

    fn both() -> [Translations; 2] {
        let languages = Languages::built_in();
        [languages.choose(Some("en"), None), languages.choose(Some("es"), None)]
    }

    #[test]
    fn times_are_formatted_in_each_language() {
        let now = Timestamp::from_millis(1_795_210_927_123);
        let [en, es] = both();
        assert_eq!(en.format_time(now, &Zone::UTC), "20 November 2026, 21:42 UTC");
        let madrid = Zone::parse("Europe/Madrid").expect("a zone");
        assert_eq!(es.format_time(now, &madrid), "20 de noviembre de 2026, 22:42 CET");
        let month_formats = es.month_formats();
        assert_eq!((month_formats.lines().count(), month_formats.lines().nth(10)), (12, Some("{day} de noviembre de {year}, {time}")));
        let hours = |hours: u64| Duration::from_secs(hours * 3_600);
        assert_eq!(en.format_relative(now - hours(72), now), "3 days ago");
        assert_eq!(es.format_relative(now - hours(72), now), "hace 3 días");
        assert_eq!(en.format_relative(now + hours(1), now), "in 1 hour");
        assert_eq!(es.format_relative(now + hours(1), now), "dentro de 1 hora");
        assert_eq!(en.format_relative(now - Duration::from_secs(5), now), "just now");
        assert_eq!(en.format_relative(now + hours(8) - Duration::from_secs(1), now), "in 8 hours", "rounded to the nearest");
        assert_eq!(en.format_wait(Duration::from_secs(301)), "6 minutes");
    }
}
