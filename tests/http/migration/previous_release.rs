//! A portal's data as an earlier release would have stored them: the schema up to one of the migrations, with today's rows.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::str::FromStr as _;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use tempfile::TempDir;
use tms_portal::server::storage::Database;

use super::{MIGRATIONS, open, texts};
use crate::app::{TestApp, copy_template};
use crate::postgres;

/// A data directory with the rows of a portal in the schema of the migration with this number.
pub async fn with_schema_of(app: &TestApp, last: u32) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    copy_template(dir.path()).await;
    match app.database {
        Database::File(_) => reduce_sqlite(&app.data_dir, dir.path(), last).await,
        Database::Postgres(_) => reduce_postgres(&app.data_dir, dir.path(), last).await,
    }
    dir
}

/// The migrations up to that number.
async fn migrations(folder: &str, last: u32) -> Migrator {
    let dir = tempfile::tempdir().expect("a folder");
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file")) {
        let name = entry.file_name().into_string().expect("a name");
        if name.split('_').next().and_then(|number| number.parse().ok()).is_some_and(|number: u32| number <= last) {
            std::fs::copy(entry.path(), dir.path().join(name)).expect("copied");
        }
    }
    Migrator::new(dir.path()).await.expect("migrations")
}

async fn reduce_sqlite(from: &Path, to: &Path, last: u32) {
    let file = to.join("tms-portal.db");
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(to.join(format!("tms-portal.db{suffix}")));
    }
    let mut database = open(&file).await;
    migrations(MIGRATIONS, last).await.run(&mut database).await.expect("migrated");
    let today = from.join("tms-portal.db");
    sqlx::query("ATTACH $1 AS today").bind(today.to_str().expect("a path")).execute(&mut database).await.expect("attached");
    let tables = "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND name NOT GLOB '_sqlx*'
                  AND name <> 'periodic_tasks'";
    for table in texts(&mut database, tables.to_owned()).await {
        let columns = texts(&mut database, format!("SELECT name FROM pragma_table_xinfo('{table}') WHERE hidden = 0")).await.join(", ");
        run(&mut database, &format!("DELETE FROM main.{table}")).await;
        run(&mut database, &format!("INSERT INTO main.{table} ({columns}) SELECT {columns} FROM today.{table}")).await;
    }
    run(&mut database, "DELETE FROM main.sqlite_sequence").await;
    run(
        &mut database,
        "INSERT INTO main.sqlite_sequence SELECT name, seq FROM today.sqlite_sequence WHERE name IN (SELECT name FROM main.sqlite_master)",
    )
    .await;
    database.close().await.expect("closed");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("set");
}

async fn run(database: &mut SqliteConnection, statement: &str) {
    sqlx::query(AssertSqlSafe(statement)).execute(database).await.expect(statement);
}

async fn connect(data_dir: &Path) -> PgConnection {
    let url = postgres::url_of(data_dir).expect("a database");
    PgConnection::connect_with(&PgConnectOptions::from_str(&url).expect("a URL")).await.expect("a connection")
}

async fn pg_texts(database: &mut PgConnection, query: &str) -> Vec<String> {
    sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(database).await.expect(query)
}

async fn reduce_postgres(from: &Path, to: &Path, last: u32) {
    let (mut today, mut database) = (connect(from).await, connect(to).await);
    for statement in ["DROP SCHEMA public CASCADE", "CREATE SCHEMA public"] {
        sqlx::query(statement).execute(&mut database).await.expect(statement);
    }
    migrations(postgres::MIGRATIONS, last).await.run(&mut database).await.expect("migrated");
    let tables = "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = 'public' AND table_name NOT IN ('_sqlx_migrations', 'periodic_tasks')";
    let mut left = pg_texts(&mut database, tables).await;
    for table in &left {
        sqlx::query(AssertSqlSafe(format!("TRUNCATE {table} CASCADE"))).execute(&mut database).await.expect(table);
    }
    // Those that refer to others are refused until these are there.
    while !left.is_empty() {
        let before = left.len();
        let mut refused = Vec::new();
        for table in left {
            if !copied(&mut today, &mut database, &table).await {
                refused.push(table);
            }
        }
        assert!(refused.len() < before, "cannot be copied: {refused:?}");
        left = refused;
    }
    let identities =
        "SELECT concat('SELECT setval(pg_get_serial_sequence(''', table_name, ''', ''', column_name, '''), greatest(max(', column_name, \
                      '), 1)) FROM ', table_name)
                      FROM information_schema.columns WHERE table_schema = 'public' AND is_identity = 'YES'";
    for statement in pg_texts(&mut database, identities).await {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut database).await.expect("a sequence");
    }
}

/// Copies the rows of a table. False if a row refers to one that is not there yet.
async fn copied(today: &mut PgConnection, database: &mut PgConnection, table: &str) -> bool {
    let columns = format!(
        "SELECT CAST(column_name AS TEXT) FROM information_schema.columns
         WHERE table_schema = 'public' AND table_name = '{table}' AND is_generated = 'NEVER'"
    );
    let columns = pg_texts(database, &columns).await.join(", ");
    let rows = pg_texts(today, &format!("SELECT CAST(coalesce(json_agg(t), '[]') AS TEXT) FROM {table} t")).await.remove(0);
    let insert = format!("INSERT INTO {table} ({columns}) SELECT {columns} FROM json_populate_recordset(NULL::{table}, CAST($1 AS JSON))");
    sqlx::query(AssertSqlSafe(insert)).bind(rows).execute(database).await.is_ok()
}
