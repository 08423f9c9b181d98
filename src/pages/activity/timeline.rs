//! Entries of the audit log, divided into days, with equal consecutive ones together.

use crate::domain::audit_log::{AuditGroup, AuditKind};
use crate::domain::time::{CalendarDate, Zone};
use crate::server_fns::audit_log::AuditEntryItem;

/// A day with its entries, in the order of the list.
pub struct Day {
    /// `None`: outside the calendar's range of years.
    pub date: Option<CalendarDate>,
    /// Each has at least one entry; of several, all are equal.
    pub runs: Vec<Vec<AuditEntryItem>>,
}

/// Divides a page of the list into days of that time zone. Entries of different days or pages are never shown together.
pub fn by_day(entries: &[AuditEntryItem], zone: &Zone) -> Vec<Day> {
    let date = |entry: &AuditEntryItem| CalendarDate::of(entry.at, zone);
    let days = entries.chunk_by(|a, b| date(a) == date(b));
    days.map(|day| Day { date: day.first().and_then(date), runs: day.chunk_by(equal).map(<[_]>::to_vec).collect() }).collect()
}

/// Whether two consecutive entries are shown as one: the same kind of event, of the same person, client and administrator. Those of keys
/// may be of different keys and addresses; created and revoked keys may also be for different accounts.
fn equal(a: &AuditEntryItem, b: &AuditEntryItem) -> bool {
    let Some(kind) = AuditKind::parse(&a.kind) else { return false };
    let of_key = kind.group() == AuditGroup::Keys;
    let anywhere = matches!(kind, AuditKind::KeyCreated | AuditKind::KeyRevoked);
    (&a.kind, &a.person, &a.client, &a.admin) == (&b.kind, &b.person, &b.client, &b.admin)
        && (of_key || (&a.subject, &a.from) == (&b.subject, &b.from))
        && (anywhere || (&a.host, &a.account) == (&b.host, &b.account))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit_log::AuditObjects;
    use crate::domain::time::Timestamp;

    const HOUR: i64 = 3_600_000;

    fn entry(kind: AuditKind, hour: i64) -> AuditEntryItem {
        AuditEntryItem {
            at: Timestamp::from_millis(hour * HOUR),
            kind: kind.as_str().to_owned(),
            person: None,
            client: None,
            subject: None,
            admin: None,
            from: None,
            host: None,
            account: None,
            objects: AuditObjects::default(),
        }
    }

    fn lengths(entries: &[AuditEntryItem], zone: &str) -> Vec<Vec<usize>> {
        let zone = Zone::parse(zone).expect("a zone");
        by_day(entries, &zone).iter().map(|day| day.runs.iter().map(Vec::len).collect()).collect()
    }

    #[test]
    fn days_are_those_of_the_zone() {
        let entries = [entry(AuditKind::SignedIn, 30), entry(AuditKind::SignedOut, 26), entry(AuditKind::SignedIn, 23)];
        assert_eq!(lengths(&entries, "UTC"), [vec![1, 1], vec![1]]);
        assert_eq!(lengths(&entries, "America/Chicago"), [vec![1], vec![1, 1]]);
        let far = AuditEntryItem { at: Timestamp::from_millis(i64::MAX), ..entry(AuditKind::SignedIn, 0) };
        assert_eq!(lengths(&[far], "UTC"), [vec![1]]);
    }

    #[test]
    fn equal_consecutive_events_are_collapsed() {
        let key = |n: i64, host: &str| AuditEntryItem {
            subject: Some(format!("SHA256:{n}")),
            client: Some("designsafe".into()),
            host: Some(host.into()),
            ..entry(AuditKind::KeyCreated, 5)
        };
        let used = |host: &str| AuditEntryItem { kind: AuditKind::KeyUsed.as_str().into(), ..key(1, host) };
        assert_eq!(lengths(&[key(1, "frontera"), key(2, "frontera"), key(3, "vista")], "UTC"), [[3]]);
        assert_eq!(lengths(&[used("frontera"), used("frontera"), used("vista")], "UTC"), [[2, 1]], "each login names its host");
        let other = AuditEntryItem { client: None, ..key(4, "frontera") };
        assert_eq!(lengths(&[key(1, "frontera"), other, key(2, "frontera")], "UTC"), [[1, 1, 1]]);
        let failed = |from: &str| AuditEntryItem { from: Some(from.into()), ..entry(AuditKind::SignInFailed, 5) };
        assert_eq!(lengths(&[failed("192.0.2.1"), failed("192.0.2.1"), failed("192.0.2.2")], "UTC"), [[2, 1]]);
        let unknown = || AuditEntryItem { kind: "of_a_newer_release".into(), ..entry(AuditKind::SignedIn, 0) };
        assert_eq!(lengths(&[unknown(), unknown()], "UTC"), [[1, 1]]);
    }

    #[test]
    fn equal_events_of_two_days_stay_apart() {
        assert_eq!(lengths(&[entry(AuditKind::SignedIn, 24), entry(AuditKind::SignedIn, 23)], "UTC"), [[1], [1]]);
    }
}
