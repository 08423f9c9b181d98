//! The database, its keys, and the clock.

use std::time::UNIX_EPOCH;

use super::Finding;
use crate::domain::time::{Timestamp, humanize_duration};
use crate::server::config::Config;
use crate::server::service::platform::examination::{Examination, KeysFound};
use crate::server::service::platform::keystore::{Recorded, RotatedKey};
use crate::server::service::platform::readiness::{CLOCK_LIMIT, CLOCK_WARNING};
use crate::server::service::{Database, DatabaseFound, Fault, Inspection};

/// Whether the database can be used by this release, and is intact.
pub fn database(config: &Config, examined: &Examination) -> Vec<Finding> {
    const CHECK: &str = "database";
    let inspection = match &examined.database {
        Ok(DatabaseFound::Read(inspection)) => inspection,
        Ok(DatabaseFound::Absent) => return vec![missing_database(config, examined)],
        Ok(DatabaseFound::NotClosed) => {
            let advice = "stop and start the portal, then run this again";
            return vec![Finding::warning(CHECK, "there are changes in its WAL that cannot be read without creating files; not checked", advice)];
        }
        Err(fault) => return vec![unreadable_database(config, fault)],
    };
    let mut findings = vec![schema(config, inspection)];
    if matches!(config.database, Database::File(_)) {
        findings.push(integrity(inspection));
    }
    findings
}

fn missing_database(config: &Config, examined: &Examination) -> Finding {
    if matches!(examined.keys, Ok(KeysFound::Absent)) {
        missing("database", format!("{}: not there yet", config.database), config)
    } else {
        Finding::error(
            "database",
            format!("{}: not there, but there are keys", config.database),
            "restore a backup (tms-portal restore), or correct data-dir",
        )
    }
}

/// What only `init` creates, if others reach the portal: `serve` would refuse to start.
fn missing(check: &'static str, found: String, config: &Config) -> Finding {
    if config.is_reachable() || matches!(config.database, Database::Postgres(_)) {
        Finding::error(check, found, "if this portal is new, run tms-portal init; if it has data, mount its data directory or restore a backup")
    } else {
        Finding::warning(check, found, "the first start, or tms-portal init, creates it")
    }
}

fn unreadable_database(config: &Config, fault: &Fault) -> Finding {
    let advice = match config.database {
        Database::File(_) => "run this as the portal's user; if the file is damaged, restore the backup",
        Database::Postgres(_) => "check the server, the address and the password",
    };
    Finding::error("database", format!("{}: {fault}", config.database), advice)
}

fn schema(config: &Config, inspection: &Inspection) -> Finding {
    const CHECK: &str = "database";
    let (place, needed) = (&config.database, inspection.newest_schema);
    match inspection.schema {
        _ if !inspection.in_use && inspection.schema.unwrap_or_default() <= needed => {
            Finding::warning(CHECK, format!("{place}: no portal was set up in it"), "run tms-portal init")
        }
        Some(schema) if schema == needed => Finding::ok(CHECK, format!("{place}: schema {schema}, that of this release")),
        Some(schema) if schema > needed && inspection.supports_this_release && matches!(place, Database::Postgres(_)) => Finding::warning(
            CHECK,
            format!("{place}: schema {schema} is of a newer release, which supports this one ({needed})"),
            "upgrade this portal too",
        ),
        Some(schema) if schema > needed => {
            let advice = "install that release or a later one; to go back, restore the backup made before the upgrade";
            Finding::error(CHECK, format!("{place}: schema {schema} is of a newer release than this one ({needed})"), advice)
        }
        schema => {
            let schema = schema.unwrap_or_default();
            let advice = "make a backup; the next start, or tms-portal migrate, brings it up to date";
            Finding::warning(CHECK, format!("{place}: schema {schema} is of an older release than this one ({needed})"), advice)
        }
    }
}

/// What SQLite's own checks found.
fn integrity(inspection: &Inspection) -> Finding {
    const CHECK: &str = "integrity";
    match (inspection.damage.first(), inspection.dangling.as_slice()) {
        (Some(first), _) => {
            let found = format!("the file is damaged in {} places, such as: {}", inspection.damage.len(), first.escape_debug());
            Finding::error(CHECK, found, "stop the portal and restore the backup")
        }
        (None, []) => Finding::ok(CHECK, "the file is intact, and no row refers to a missing one"),
        (None, tables) => {
            Finding::error(CHECK, format!("rows refer to missing ones in {}", tables.join(", ")), "stop the portal and restore the backup")
        }
    }
}

/// Whether the keys are those of the database.
pub fn keys(examined: &Examination) -> Finding {
    const CHECK: &str = "keys";
    let in_use = matches!(&examined.database, Ok(DatabaseFound::Read(inspection)) if inspection.in_use);
    let was_read = matches!(&examined.database, Ok(DatabaseFound::Read(_)));
    match &examined.keys {
        Ok(KeysFound::Usable { .. }) if !was_read => {
            Finding::warning(CHECK, "all can be used; they were not compared with the database, which was not read", "repair the database first")
        }
        Ok(KeysFound::Usable { recorded: 0 }) => Finding::ok(CHECK, "all can be used; the database has no fingerprints to compare them with"),
        Ok(KeysFound::Usable { .. }) => rotation(examined).unwrap_or_else(|| Finding::ok(CHECK, "all are those of the database")),
        Ok(KeysFound::NotCopied(name)) => Finding::error(
            CHECK,
            format!("keys/{name} does not exist, but a rotation of the keys needs it"),
            "copy it from the machine where `tms-portal keys rotate prepare` was run",
        ),
        Ok(KeysFound::Different(name)) => Finding::error(
            CHECK,
            format!("keys/{name} is not the key that this database is used with"),
            "copy that key from where the keys are kept, or from another portal; one that was replaced gets the suffix .previous",
        ),
        Ok(KeysFound::Absent) if in_use => Finding::error(
            CHECK,
            "there are none, but the database depends on them",
            "copy them from where the keys are kept, or from another portal",
        ),
        Ok(KeysFound::Absent) => Finding::warning(
            CHECK,
            "there are none yet",
            "tms-portal init creates them, or the first start of a portal that only this machine reaches",
        ),
        Err(fault) => Finding::error(CHECK, fault.to_string(), "the portal does not start until they can be used"),
    }
}

/// A rotation of a key that is not finished.
fn rotation(examined: &Examination) -> Option<Finding> {
    let Ok(DatabaseFound::Read(inspection)) = &examined.database else { return None };
    RotatedKey::ALL.into_iter().find_map(|key| {
        let key = key.file_name();
        let recorded = Recorded::of(key, &inspection.key_fingerprints);
        let advice = if recorded.previous.is_some() {
            format!("`tms-portal keys status` says what depends on the old key; `tms-portal keys rotate finish {key}` ends it")
        } else {
            recorded.next?;
            format!(
                "when all portals have the next key: `tms-portal keys rotate activate {key}`; to give it up: `tms-portal keys rotate cancel {key}`"
            )
        };
        Some(Finding::warning("keys", format!("all are those of the database; the rotation of {key} is not finished"), advice))
    })
}

/// Compares the clock with the database server's, with the last use of the database, and with the date of the program.
pub fn clock(examined: &Examination, now: Timestamp) -> Vec<Finding> {
    let inspection = match &examined.database {
        Ok(DatabaseFound::Read(inspection)) => Some(inspection),
        _ => None,
    };
    let server = inspection.and_then(|inspection| inspection.clock);
    let last_use = inspection.and_then(|inspection| inspection.last_cleanup);
    vec![compare_clocks(now, server, last_use, program_date())]
}

fn compare_clocks(now: Timestamp, server: Option<Timestamp>, last_use: Option<Timestamp>, program: Option<Timestamp>) -> Finding {
    const CHECK: &str = "clock";
    const ADVICE: &str = "synchronize the clock with NTP; one-time codes and lock-outs depend on it";
    let shown = now.humanize();
    let difference = server.map(|server| now.difference(server)).unwrap_or_default();
    let after = |time: Option<Timestamp>| time.filter(|time| time.since(now) > CLOCK_LIMIT);
    if difference > CLOCK_WARNING {
        let found = format!("it is {shown}, which differs from the database server's clock by {}", humanize_duration(difference));
        return if difference > CLOCK_LIMIT { Finding::error(CHECK, found, ADVICE) } else { Finding::warning(CHECK, found, ADVICE) };
    }
    if let Some(last) = after(last_use) {
        return Finding::error(CHECK, format!("it is {shown}, but a portal used the database at {}", last.humanize()), ADVICE);
    }
    match after(program) {
        Some(built) => Finding::error(CHECK, format!("it is {shown}, but this program is of {}", built.humanize()), ADVICE),
        None => Finding::ok(CHECK, format!("it is {shown}")),
    }
}

/// When the program was built or installed.
fn program_date() -> Option<Timestamp> {
    let modified = std::env::current_exe().and_then(std::fs::metadata).and_then(|file| file.modified()).ok()?;
    let since_1970 = modified.duration_since(UNIX_EPOCH).ok()?;
    Some(Timestamp::from_millis(i64::try_from(since_1970.as_millis()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis((1_800_000_000 + seconds) * 1_000)
    }

    #[test]
    fn clock_is_compared_with_server_last_use_and_program() {
        let level = |server, last_use, program| compare_clocks(at(0), server, last_use, program).level;
        assert_eq!(level(None, None, None), Level::Ok);
        assert_eq!(level(Some(at(1)), Some(at(-60)), Some(at(-9_999))), Level::Ok);
        assert_eq!(level(Some(at(5)), None, None), Level::Warning);
        assert_eq!(level(Some(at(-5)), None, None), Level::Warning);
        assert_eq!(level(Some(at(-31)), None, None), Level::Error);
        assert_eq!(level(None, Some(at(86_400)), None), Level::Error);
        assert_eq!(level(None, None, Some(at(86_400))), Level::Error);
    }

    fn inspection() -> Inspection {
        Inspection {
            schema: Some(7),
            newest_schema: 7,
            supports_this_release: true,
            in_use: true,
            key_fingerprints: Vec::new(),
            signing_keys: Default::default(),
            clock: None,
            last_cleanup: None,
            damage: Vec::new(),
            dangling: Vec::new(),
        }
    }

    #[test]
    fn damage_and_missing_rows_are_errors() {
        assert_eq!(integrity(&inspection()).level, Level::Ok);
        assert_eq!(integrity(&Inspection { damage: vec!["page 3".into()], ..inspection() }).level, Level::Error);
        assert_eq!(integrity(&Inspection { dangling: vec!["pubkeys".into()], ..inspection() }).level, Level::Error);
    }

    #[test]
    fn keys_must_be_there_if_the_database_is_in_use() {
        let examined =
            |inspection, found| Examination { database: Ok(DatabaseFound::Read(inspection)), keys: Ok(found), lost_signing_keys: Vec::new() };
        let level = |inspection, found| keys(&examined(inspection, found)).level;
        assert_eq!(level(inspection(), KeysFound::Usable { recorded: 3 }), Level::Ok);
        assert_eq!(level(inspection(), KeysFound::Different("codes.key")), Level::Error);
        assert_eq!(level(inspection(), KeysFound::NotCopied("codes.key.next".into())), Level::Error);
        let rotating = Inspection { key_fingerprints: vec![("codes.key.previous".into(), "x".into())], ..inspection() };
        assert_eq!(level(rotating, KeysFound::Usable { recorded: 4 }), Level::Warning);
        assert_eq!(level(inspection(), KeysFound::Absent), Level::Error);
        assert_eq!(level(Inspection { in_use: false, ..inspection() }, KeysFound::Absent), Level::Warning);
    }
}
