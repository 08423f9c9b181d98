//! `tms-portal migrate`, and commands on databases of another release.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;
use sqlx::Connection as _;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tms_portal::server::service::platform::data_lock::DataLock;

use super::{Deployment, sql};
use crate::migration::MIGRATIONS;
use crate::postgres;

#[tokio::test]
async fn migrate_updates_the_schema_and_creates_no_portal() {
    let nothing = Deployment::empty().run(&["migrate"]);
    assert!(nothing.code == Some(2) && nothing.err.contains("there is no portal in data"), "{}", nothing.err);
    let deployment = Deployment::set_up().await;
    for _ in 0..2 {
        let said = deployment.run(&["migrate"]);
        assert_eq!((said.code, said.out.as_str()), (Some(0), "The schema in data is up to date.\n"), "{}", said.err);
    }
    let said = deployment.run(&["migrate", "--check"]);
    assert!(said.code == Some(0) && said.out.ends_with("needs no migration.\n"), "{} {}", said.out, said.err);
    assert_eq!(deployment.run(&["migrate", "--json"]).code, Some(2), "it is for --check");
}

#[tokio::test]
async fn newer_database_is_not_changed() {
    if postgres::is_used() {
        return;
    }
    let deployment = Deployment::set_up().await;
    sql(&deployment, "INSERT INTO _sqlx_migrations VALUES (9999, 'future', CURRENT_TIMESTAMP, 1, unhex('00'), 0)").await;
    for arguments in [&["migrate"][..], &["migrate", "--check"]] {
        let said = deployment.run(arguments);
        assert_eq!(said.code, Some(1), "{}", said.out);
        assert!(said.err.starts_with("tms-portal: ") && said.err.contains("9999"), "{}", said.err);
    }
}

/// Replaces the database by an empty one of the release before this one. Returns the number of the migration that it lacks.
async fn make_older(data: &Path) -> i64 {
    let folder = tempfile::tempdir().expect("a folder");
    let mut files: Vec<_> = fs::read_dir(MIGRATIONS).expect("a folder").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    let newest = files.pop().expect("a migration");
    for file in files {
        fs::copy(&file, folder.path().join(file.file_name().expect("a name"))).expect("copied");
    }
    let database = data.join("tms-portal.db");
    for suffix in ["", "-wal", "-shm", "-generation"] {
        let _ = fs::remove_file(data.join(format!("tms-portal.db{suffix}")));
    }
    let options = SqliteConnectOptions::new().filename(&database).create_if_missing(true);
    let mut older = SqliteConnection::connect_with(&options).await.expect("a database");
    Migrator::new(folder.path()).await.expect("migrations").run(&mut older).await.expect("migrated");
    older.close().await.expect("closed");
    fs::set_permissions(&database, Permissions::from_mode(0o600)).expect("set");
    let name = newest.file_name().expect("a name").to_string_lossy().into_owned();
    name.split('_').next().expect("a number").parse().expect("a number")
}

async fn newest_migration(data: &Path) -> i64 {
    let options = SqliteConnectOptions::new().filename(data.join("tms-portal.db"));
    let mut database = SqliteConnection::connect_with(&options).await.expect("a database");
    let newest = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(&mut database).await.expect("a number");
    database.close().await.expect("closed");
    newest
}

#[tokio::test]
async fn command_does_not_migrate_under_a_portal_of_an_older_release() {
    if postgres::is_used() {
        // Its migrations keep what the releases before them need.
        return;
    }
    let deployment = Deployment::set_up().await;
    let data = deployment.path().join("data");
    let newest = make_older(&data).await;
    let files = || {
        let mut names: Vec<_> = fs::read_dir(&data).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
        names.sort();
        (names, fs::read(data.join("tms-portal.db")).expect("read"))
    };
    let before = files();
    let check = deployment.run(&["migrate", "--check"]);
    assert!(check.code == Some(3) && check.out.contains(&format!("  {newest:04} ")), "{:?} {} {}", check.code, check.out, check.err);
    let check = deployment.run(&["migrate", "--check", "--json"]);
    let json: Value = serde_json::from_str(&check.out).expect("JSON");
    assert_eq!((check.code, &json["newest"], &json["pending"][0]["version"]), (Some(3), &newest.into(), &newest.into()), "{json}");
    assert!(json["schema"].as_i64().is_some_and(|schema| schema < newest) && json["pending"][0]["name"].is_string(), "{json}");
    assert_eq!(files(), before, "nothing is created or changed");

    let portal = DataLock::acquire(&data).expect("the lock of a portal");
    for arguments in [
        &["migrate"][..],
        &["admin", "list", "--tenant", "test"],
        &["import", "status"],
        &["keys", "tidy"],
        &["keys", "rotate", "secrets.key"],
        &["keys", "rotate", "prepare", "secrets.key"],
    ] {
        let said = deployment.run(arguments);
        assert!(
            said.code == Some(1) && said.err.contains("stop that portal and run tms-portal migrate, or start the portal of this release"),
            "{arguments:?}: {:?} {}",
            said.code,
            said.err
        );
    }
    assert_eq!(deployment.run(&["migrate", "--check"]).code, Some(3));
    assert!(newest_migration(&data).await < newest);
    drop(portal);
    let said = deployment.run(&["migrate"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(newest_migration(&data).await, newest);
    // With the schema of the portal, commands work beside it.
    let _portal = DataLock::acquire(&data).expect("the lock of a portal");
    assert_eq!(deployment.run(&["import", "status"]).code, Some(0));
    assert_eq!(deployment.run(&["migrate"]).code, Some(0));
}
