//! `tms-portal copy`: a deployment moves between SQLite and PostgreSQL, and back.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _};
use tms_portal::domain::progress::Unobserved;
use tms_portal::server::service::{self, Clock as _, Copied, CopyError, SystemClock};
use tms_portal::server::storage::sql::query;
use tms_portal::server::storage::{Database, Error, Storage};

use super::CommandOutput;
use crate::app::TestApp;
use crate::database::connection_to;
use crate::postgres::{self, TestDatabase};
use crate::tms::api::{login, named};

async fn copy(from: &Database, to: &Database) -> Result<Copied, CopyError> {
    service::copy(from, to, &mut Unobserved).await
}

/// A portal with people, keys that are in use, used up and revoked, a refused lookup, sessions and device flows.
async fn portal_with_data() -> (TestApp, serde_json::Value) {
    let app = TestApp::start().await;
    app.add_dora().await;
    app.token().await;
    app.start_device().await;
    let key = app.client().make_key(json!({ "num_uses": 5 })).await;
    assert!(app.unauthenticated().gets_key(&login(&key)).await);
    let once = app.client().make_key(json!({ "num_uses": 1 })).await;
    assert!(app.unauthenticated().gets_key(&login(&once)).await);
    let revoked = app.client().make_key(json!({})).await;
    app.client().done("DELETE /pubkeys/del", named(&revoked, json!({}))).await;
    // The newest event is deleted: its number is not given again, in the copy neither.
    app.sql("DELETE FROM activity WHERE id = (SELECT max(id) FROM activity)").await;
    (app, key)
}

fn file(dir: &Path) -> Database {
    Database::File(dir.join("copies/tms-portal.db"))
}

#[tokio::test]
async fn portal_on_a_copy_of_a_copy_goes_on() {
    let (mut app, key) = portal_with_data().await;
    let dir = tempfile::tempdir().expect("a folder");
    let (before, last) = (app.dump("test").await, app.number("SELECT max(id) FROM activity").await);
    let there = copy(&app.database, &file(dir.path())).await.expect("copied");
    // A copy of it in another journal mode, as `VACUUM INTO` makes backups.
    let mut connection = connection_to(&file(dir.path())).await;
    let backup = Database::File(dir.path().join("backup.db"));
    query(AssertSqlSafe(format!("VACUUM INTO '{}'", dir.path().join("backup.db").display()))).execute(&mut connection).await.expect("a backup");
    drop(connection);
    assert!(there.tables > 30 && there.rows > 50, "{there:?}");
    let target = TestDatabase::create_empty().await;
    let database = target.as_ref().map_or_else(|| Database::File(dir.path().join("back.db")), TestDatabase::address);
    assert_eq!(copy(&backup, &database).await.expect("copied back"), there);

    let original = std::mem::replace(&mut app.database, database.clone());
    assert_eq!(app.dump("test").await, before);
    app.database = original;
    let portal = app.portal_on(database).await;
    assert!(portal.unauthenticated().gets_key(&login(&key)).await);
    let new = portal.client().make_key(json!({})).await;
    assert!(portal.unauthenticated().gets_key(&login(&new)).await);
    let next = portal.numbers_after(last).await;
    assert!(next.first().is_some_and(|first| *first > last + 1), "the number of the deleted event is not given again: {next:?}");
}

#[tokio::test]
async fn copy_to_a_database_with_data_is_refused() {
    let (app, other) = (TestApp::start().await, TestApp::start().await);
    let before = other.dump("test").await;
    let refused = copy(&app.database, &other.database).await.expect_err("refused");
    assert!(matches!(refused, CopyError::TargetInUse(_)), "{refused}");
    assert_eq!(other.dump("test").await, before);
    assert!(matches!(copy(&app.database, &app.database).await, Err(CopyError::TargetInUse(_))), "onto itself");
}

#[tokio::test]
async fn source_of_another_schema_or_without_one_is_refused() {
    let (app, dir) = (TestApp::start().await, tempfile::tempdir().expect("a folder"));
    app.sql("UPDATE _sqlx_migrations SET version = 999 WHERE version = (SELECT max(version) FROM _sqlx_migrations)").await;
    let refused = copy(&app.database, &file(dir.path())).await.expect_err("refused");
    assert!(matches!(refused, CopyError::SourceSchema { found: 999, .. }), "{refused}");
    assert!(!dir.path().join("copies").exists(), "nothing was created");
    let empty = dir.path().join("empty.db");
    std::fs::write(&empty, "").expect("written");
    let refused = copy(&Database::File(empty), &file(dir.path())).await.expect_err("refused");
    assert!(refused.to_string().contains("there are no data of a portal in SQLite, "), "{refused}");
}

/// A value that PostgreSQL refuses, and SQLite stores only while its checks are off.
#[tokio::test]
async fn nothing_is_stored_if_a_row_cannot_be_copied() {
    let Some(target) = TestDatabase::create_empty().await else { return };
    let (app, dir) = (TestApp::start().await, tempfile::tempdir().expect("a folder"));
    let source = file(dir.path());
    copy(&app.database, &source).await.expect("copied");
    let mut connection = connection_to(&source).await;
    query("PRAGMA ignore_check_constraints = ON").execute(&mut connection).await.expect("off");
    query("UPDATE clients SET enabled = 2").execute(&mut connection).await.expect("changed");
    drop(connection);
    let refused = copy(&source, &target.address()).await.expect_err("refused");
    assert!(refused.to_string().contains("enabled"), "{refused}");
    let mut database = target.connect().await;
    let tenants: i64 = sqlx::query_scalar("SELECT count(*) FROM tenants").fetch_one(&mut database).await.expect("a number");
    assert_eq!(tenants, 0, "tenants come before clients");
    database.close().await.expect("closed");
    target.remove().await;
}

/// A trigger that changes a row while it is inserted.
#[tokio::test]
async fn nothing_is_stored_if_a_row_differs() {
    let Some(target) = TestDatabase::create().await else { return };
    let app = TestApp::start().await;
    let mut database = target.connect().await;
    let trigger =
        "CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.display_name := upper(NEW.display_name); RETURN NEW; END $$;
                   CREATE TRIGGER shout BEFORE INSERT ON people FOR EACH ROW EXECUTE FUNCTION shout()";
    sqlx::raw_sql(trigger).execute(&mut database).await.expect("a trigger");
    let refused = copy(&app.database, &target.address()).await.expect_err("refused");
    assert!(matches!(&refused, CopyError::RowsDiffer { table, row: 1 } if table == "people"), "{refused}");
    let tenants: i64 = sqlx::query_scalar("SELECT count(*) FROM tenants").fetch_one(&mut database).await.expect("a number");
    assert_eq!(tenants, 0);
    sqlx::raw_sql("DROP TRIGGER shout ON people; ALTER TABLE people ADD COLUMN more TEXT").execute(&mut database).await.expect("a column");
    let refused = copy(&app.database, &target.address()).await.expect_err("refused");
    assert!(matches!(&refused, CopyError::SchemasDiffer(table) if table == "people"), "{refused}");
    database.close().await.expect("closed");
    target.remove().await;
}

/// A portal on the target of a copy that failed would begin a new deployment.
#[tokio::test]
async fn schema_without_data_is_no_portal() {
    let Some(target) = TestDatabase::create().await else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let Database::Postgres(address) = target.address() else { return };
    let opened = Storage::open(&Database::Postgres(address.clone()), false).await;
    assert!(matches!(opened, Err(Error::NoPortal(_))));
    assert!(matches!(copy(&target.address(), &file(dir.path())).await, Err(CopyError::NoSource(_))));
    target.remove().await;
}

/// `init` and no key yet: SQLite's last number of the keys is 0.
#[tokio::test]
async fn fresh_deployment_is_copied() {
    let (app, dir) = (TestApp::start().await, tempfile::tempdir().expect("a folder"));
    copy(&app.database, &file(dir.path())).await.expect("copied");
    let Some(target) = TestDatabase::create_empty().await else { return };
    copy(&file(dir.path()), &target.address()).await.expect("copied");
    app.portal_on(target.address()).await.client().make_key(json!({})).await;
}

#[tokio::test]
async fn database_of_another_program_is_refused_unchanged() {
    let (app, dir) = (TestApp::start().await, tempfile::tempdir().expect("a folder"));
    let other = dir.path().join("other.db");
    let wiki = SqliteConnectOptions::new().filename(&other).create_if_missing(true);
    let mut database = SqliteConnection::connect_with(&wiki).await.expect("a database");
    sqlx::query("CREATE TABLE wiki (page TEXT)").execute(&mut database).await.expect("a table");
    database.close().await.expect("closed");
    let before = std::fs::read(&other).expect("a file");
    let refused = copy(&app.database, &Database::File(other.clone())).await.expect_err("refused");
    assert!(matches!(&refused, CopyError::TargetInUse(table) if table == "wiki"), "{refused}");
    assert!(std::fs::read(&other).expect("a file") == before);
}

/// A portal that runs cleans up every minute.
#[tokio::test]
async fn source_that_a_portal_uses_is_refused() {
    let (app, dir) = (TestApp::start().await, tempfile::tempdir().expect("a folder"));
    let words = |more: &[&str]| {
        let to = format!("sqlite:{}", dir.path().join("copy.db").display());
        [&["--from", &url(&app), "--to", &to], more].concat().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let now = SystemClock.now().as_millis();
    let mut connection = connection_to(&app.database).await;
    query("UPDATE periodic_tasks SET begun_at = $1").bind(now).execute(&mut connection).await.expect("changed");
    drop(connection);
    let refused = run(&words(&[])).await;
    assert!(refused.code == Some(1) && refused.err.contains("--while-running"), "{} {}", refused.out, refused.err);
    assert_eq!(run(&words(&["--while-running"])).await.code, Some(0));
}

fn url(app: &TestApp) -> String {
    match &app.database {
        Database::File(file) => format!("sqlite:{}", file.display()),
        Database::Postgres(_) => postgres::environment_of(&app.data_dir).expect("a URL").1,
    }
}

/// The program's output.
async fn run(arguments: &[String]) -> CommandOutput {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tms-portal"));
    command.arg("copy").args(arguments).env_remove("TMS_INSECURE_DATABASE").stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output().expect("run")).await.expect("run");
    CommandOutput::from(output)
}

#[tokio::test]
async fn command_tells_what_it_copied_and_why_not() {
    let (app, dir) = (TestApp::start().await, tempfile::tempdir().expect("a folder"));
    let from = url(&app);
    let to = format!("sqlite:{}", dir.path().join("copy.db").display());
    let words = |from: &str, to: &str| ["--from", from, "--to", to].map(str::to_owned).to_vec();
    for (from, to, why) in [
        ("tms.db", to.as_str(), "--from: must begin with sqlite: or postgres://"),
        ("sqlite:file:tms.db", to.as_str(), "--from: sqlite: needs the path of a file, without : and ?"),
        (from.as_str(), "mysql://localhost/tms", "--to: must begin with sqlite: or postgres://"),
        (from.as_str(), "postgres://tms:secret@db.example/tms", "--to: db.example is another machine"),
    ] {
        let refused = run(&words(from, to)).await;
        assert!(refused.code == Some(2) && refused.err.contains(why) && !refused.err.contains("secret"), "{} {}", refused.out, refused.err);
    }
    let missing = run(&words("sqlite:/nowhere/tms.db", &to)).await;
    assert_eq!((missing.code, missing.err.as_str()), (Some(1), "tms-portal: --from: there is no file /nowhere/tms.db\n"));

    let done = run(&words(&from, &to)).await;
    assert!(done.code == Some(0) && done.out.starts_with("Copied ") && !done.out.contains("secret"), "{} {}", done.out, done.err);
    let again = run(&words(&from, &to)).await;
    assert!(again.code == Some(1) && again.err.contains("--to: the table "), "{} {}", again.out, again.err);
}
