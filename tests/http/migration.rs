//! A database as an older release left it, brought up to date.

use std::path::Path;

use serde_json::json;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _};

use crate::app::TestApp;
use crate::tms::api::login;

const MIGRATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/server/storage/migrations");

/// The first migration's tables that hold something of a tenant.
const TABLES: [&str; 10] = [
    "tenants",
    "tenant_admins",
    "clients",
    "people",
    "user_mfa",
    "hosts",
    "host_accounts",
    "device_grants",
    "delegations",
    "delegation_host_accounts",
];

async fn open(file: &Path) -> SqliteConnection {
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file).create_if_missing(true).foreign_keys(false)).await.expect("a database")
}

async fn texts(database: &mut SqliteConnection, query: String) -> Vec<String> {
    sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(database).await.expect("texts")
}

/// A row is what stands in these columns.
async fn rows(database: &mut SqliteConnection, table: &str, columns: &[String]) -> Vec<String> {
    let quoted: Vec<String> = columns.iter().map(|column| format!("quote({column})")).collect();
    texts(database, format!("SELECT concat_ws('|', {}) FROM {table} ORDER BY 1", quoted.join(", "))).await
}

async fn columns(database: &mut SqliteConnection, table: &str) -> Vec<String> {
    texts(database, format!("SELECT name FROM pragma_table_info('{table}')")).await
}

/// Makes of today's database one as the first migration alone would have it: the same rows, as far as it knows them.
async fn as_the_first_migration_left_it(data_dir: &Path) -> Vec<(&'static str, Vec<String>, Vec<String>)> {
    let only_first = tempfile::tempdir().expect("a folder");
    std::fs::copy(format!("{MIGRATIONS}/0001_foundation.sql"), only_first.path().join("0001_foundation.sql")).expect("copied");
    let (today, old) = (data_dir.join("tms-portal.db"), data_dir.join("old.db"));
    let mut database = open(&old).await;
    Migrator::new(only_first.path()).await.expect("a migration").run(&mut database).await.expect("migrated");
    sqlx::query("ATTACH $1 AS today").bind(today.to_str().expect("a path")).execute(&mut database).await.expect("attached");
    let mut held = Vec::new();
    for table in TABLES {
        let mut columns = columns(&mut database, table).await;
        // Claims on codes, which live for minutes, name their session otherwise now.
        columns.retain(|column| column != "claimed_session");
        let copy = format!("INSERT INTO main.{table} ({0}) SELECT {0} FROM today.{table}", columns.join(", "));
        sqlx::query(AssertSqlSafe(copy)).execute(&mut database).await.expect(table);
        let rows = rows(&mut database, table, &columns).await;
        assert!(!rows.is_empty(), "{table}");
        held.push((table, columns, rows));
    }
    database.close().await.expect("closed");
    for leftover in ["tms-portal.db-wal", "tms-portal.db-shm"] {
        let _ = std::fs::remove_file(data_dir.join(leftover));
    }
    std::fs::rename(old, today).expect("renamed");
    held
}

#[tokio::test]
async fn the_first_releases_database_loses_nothing_and_its_rows_get_numbers() {
    let now = TestApp::start().await;
    let token = now.token().await;
    now.services.close().await;
    let dir = tempfile::tempdir().expect("a folder");
    crate::app::copy_template(dir.path()).await;
    std::fs::copy(now.data_dir.join("tms-portal.db"), dir.path().join("tms-portal.db")).expect("copied");
    let held = as_the_first_migration_left_it(dir.path()).await;

    let app = TestApp::start_on(dir).await;
    let mut database = open(&app.data_dir.join("tms-portal.db")).await;
    for (table, mut columns, before) in held {
        // The portal's own command line grew the scopes for keys.
        if table == "clients" {
            columns.retain(|column| column != "scope");
        }
        let after = rows(&mut database, table, &columns).await;
        assert_eq!(after.len(), before.len(), "{table}");
        assert!(table == "clients" || after == before, "{table}: {after:?} is not {before:?}");
    }
    for table in ["tenants", "clients", "user_mfa", "hosts", "host_accounts", "delegations"] {
        let count = format!(
            "SELECT concat_ws(' ', count(*), count(DISTINCT number), min(number) > 0, max(number) <= (SELECT last FROM numbers WHERE name = '{table}')) FROM {table}"
        );
        let said = texts(&mut database, count).await.remove(0);
        let (all, rest) = said.split_once(' ').expect("numbers");
        assert_eq!(rest, format!("{all} 1 1"), "{table}");
    }
    drop(database);

    // Everything still works, and new rows get numbers of their own.
    let key = app.client().make_key(json!({})).await;
    assert!(app.nobody().lets_in(&login(&key)).await, "testhost1 is the test tenant's");
    assert_eq!(app.admin("test").await.get("/usermfa/testuser1").await.body["expires_at"], "9999-12-31T23:59:59+00:00");
    assert_eq!(app.client().get("/client/testclient1").await.body["updated"], "2026-11-20T12:00:00+00:00");
    let grants = app.number("SELECT count(*) FROM device_grants WHERE state = 'redeemed'").await;
    assert_eq!((grants, app.api("/v1/tms/me", &token).await.status), (1, 401), "another address, another issuer");
    assert_eq!(app.admin("test").await.get("/delegations/list").await.body["users"][1]["made_by"], "person");
    app.add_tenant("new").await;
    app.add_client(&app.admin("test").await, "test", "new").await;
}
