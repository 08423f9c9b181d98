//! Migration of a database of an older release.

mod authorizations;
mod previous_release;
mod side_by_side;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _};

use crate::app::TestApp;
use crate::tms::api::login;

pub const MIGRATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/server/storage/migrations/sqlite");

/// The tables of the first migration that have rows of a tenant.
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

/// Each row as one text of these columns.
async fn rows(database: &mut SqliteConnection, table: &str, columns: &[String]) -> Vec<String> {
    let quoted: Vec<String> = columns.iter().map(|column| format!("quote({column})")).collect();
    texts(database, format!("SELECT concat_ws('|', {}) FROM {table} ORDER BY 1", quoted.join(", "))).await
}

async fn columns(database: &mut SqliteConnection, table: &str) -> Vec<String> {
    texts(database, format!("SELECT name FROM pragma_table_info('{table}')")).await
}

/// Reduces today's database to the schema of the first migration, with the same rows.
async fn reduce_to_first_migration(data_dir: &Path) -> Vec<(&'static str, Vec<String>, Vec<String>)> {
    let only_first = tempfile::tempdir().expect("a folder");
    std::fs::copy(format!("{MIGRATIONS}/0001_foundation.sql"), only_first.path().join("0001_foundation.sql")).expect("copied");
    let (today, old) = (data_dir.join("tms-portal.db"), data_dir.join("old.db"));
    let mut database = open(&old).await;
    Migrator::new(only_first.path()).await.expect("a migration").run(&mut database).await.expect("migrated");
    sqlx::query("ATTACH $1 AS today").bind(today.to_str().expect("a path")).execute(&mut database).await.expect("attached");
    let mut held = Vec::new();
    for table in TABLES {
        let mut columns = columns(&mut database, table).await;
        // Claims on codes, which last for minutes, identify their session differently now.
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
    std::fs::set_permissions(&old, std::fs::Permissions::from_mode(0o600)).expect("set");
    std::fs::rename(old, today).expect("renamed");
    held
}

#[tokio::test]
async fn first_release_database_migrates_without_loss() {
    if crate::postgres::is_used() {
        return;
    }
    let now = TestApp::start().await;
    let token = now.token().await;
    now.services.close().await;
    let dir = tempfile::tempdir().expect("a folder");
    crate::app::copy_template(dir.path()).await;
    std::fs::copy(now.data_dir.join("tms-portal.db"), dir.path().join("tms-portal.db")).expect("copied");
    let held = reduce_to_first_migration(dir.path()).await;

    let app = TestApp::start_on(dir).await;
    let mut database = open(&app.data_dir.join("tms-portal.db")).await;
    for (table, mut columns, before) in held {
        // The portal's own command line got the scopes for keys later.
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

    // Everything still works, and new rows get ids.
    let key = app.client().make_key(json!({})).await;
    assert!(app.unauthenticated().gets_key(&login(&key)).await, "testhost1 is the test tenant's");
    assert_eq!(app.admin("test").await.get("/usermfa/testuser1").await.body["expires_at"], "9999-12-31T23:59:59+00:00");
    assert_eq!(app.client().get("/client/testclient1").await.body["updated"], "2026-11-20T12:00:00+00:00");
    let grants = app.number("SELECT count(*) FROM device_grants WHERE state = 'redeemed'").await;
    assert_eq!((grants, app.api("/v1/tms/me", &token).await.status), (1, 401), "another address, another issuer");
    assert_eq!(app.admin("test").await.get("/delegations/list").await.body["users"][1]["made_by"], "person");
    app.add_tenant("new").await;
    app.add_client(&app.admin("test").await, "test", "new").await;
}

/// Rows from before host names were compared case-insensitively.
const SPELLED_TWICE: &str = "
    INSERT INTO tenants (id, display_name, enabled, local_passwords, prefill_user_code, require_started_tick, code_lifetime_ms, longest_access_ms,
                         created_at, number)
        VALUES ('a', 'A', 1, 1, 0, 1, 1, 1, 1, 1), ('b', 'B', 1, 1, 0, 1, 1, 1, 1, 2);
    INSERT INTO people (tenant_id, user_id, display_name, enabled, created_at) VALUES ('a', 'jdoe', 'J', 1, 1);
    INSERT INTO clients (tenant_id, client_id, app_name, app_version, enabled, device_grant, scope, verified, created_at, number)
        VALUES ('a', 'app', 'App', '1', 1, 0, '', 1, 1, 1);
    INSERT INTO hosts (tenant_id, host, address, created_at, number)
        VALUES ('a', 'Vista', '10.0.0.1', 1, 1), ('a', 'vista', '10.0.0.1', 2, 2), ('a', 'vista', 'vista.tacc.example', 3, 3);
    INSERT INTO host_accounts (tenant_id, id, user_id, host, account, linked_at, expires_at, number)
        VALUES ('a', 'hac_1', 'jdoe', 'Vista', 'jd', 1, 10, 1), ('a', 'hac_2', 'jdoe', 'vista', 'jd', 1, 20, 2),
               ('a', 'hac_3', 'jdoe', 'VISTA', 'other', 1, 5, 3);
    INSERT INTO delegations (tenant_id, id, client_id, user_id, scope, every_host_account, created_at, expires_at, number)
        VALUES ('a', 'dlg_1', 'app', 'jdoe', '', 0, 1, 9, 1);
    INSERT INTO delegation_host_accounts VALUES ('a', 'dlg_1', 'hac_1'), ('a', 'dlg_1', 'hac_2');
    INSERT INTO pubkeys (number, tenant_id, client_id, user_id, host, account, fingerprint, public_key, key_type, key_bits, max_uses, uses,
                         initial_ttl_minutes, expires_at, created_at, updated_at)
        VALUES (1, 'a', 'app', 'jdoe', 'Vista', 'jd', 'SHA256:F', 'k', 'ed25519', 256, 3, 0, 1, 10, 1, 1),
               (2, 'a', 'app', 'jdoe', 'vista', 'jd', 'SHA256:F', 'k', 'ed25519', 256, 3, 1, 1, 20, 1, 1),
               (3, 'a', 'app', 'jdoe', 'Vista', 'jd', 'SHA256:G', 'k', 'ed25519', 256, 3, 0, 1, 10, 1, 1),
               (9, 'a', 'app', 'jdoe', 'Vista', 'jd', 'SHA256:H', 'k', 'ed25519', 256, 3, 0, 1, 10, 1, 1);
    DELETE FROM pubkeys WHERE number = 9;
    INSERT INTO reservations (tenant_id, resid, number, parent_resid, client_id, pubkey, expires_at, created_at, updated_at)
        VALUES ('a', 'r', 1, 'r', 'app', 3, 9, 1, 1), ('a', 's', 2, 's', 'app', 1, 9, 1, 1), ('a', 't', 3, 's', 'app', 2, 9, 1, 1);
    INSERT INTO host_credentials (tenant_id, host, secret_hash, required, created_at, updated_at)
        VALUES ('a', 'Vista', x'01', 1, 1, 1), ('a', 'vista', x'02', 0, 2, 2), ('a', 'VISTA', x'03', 0, 3, 3);
    INSERT INTO host_questions VALUES ('a', 'Vista', 1, NULL), ('a', 'vista', 2, NULL);
    INSERT INTO host_names VALUES ('Vista', 'a', 1), ('vista', 'b', 2);
    INSERT INTO activity (tenant_id, at, kind, user_id, from_address)
        VALUES ('a', 7, 'signed_in', 'jdoe', '192.0.2.200'), ('a', 8, 'signed_in', 'jdoe', '192.0.2.13'), ('a', 9, 'signed_in', 'jdoe', '2001:db8::1'),
               ('a', 9, 'signed_in', 'jdoe', NULL), ('a', 9, 'signed_in', 'gone', '192.0.2.1'), ('a', 9, 'signed_out', 'jdoe', '198.51.100.1');";

#[tokio::test]
async fn hosts_that_differ_by_case_are_merged() {
    let dir = tempfile::tempdir().expect("a folder");
    for entry in std::fs::read_dir(MIGRATIONS).expect("a folder").map(|entry| entry.expect("a file")) {
        if entry.file_name().to_str().expect("a name") < "0012" {
            std::fs::copy(entry.path(), dir.path().join(entry.file_name())).expect("copied");
        }
    }
    let options = SqliteConnectOptions::new().filename(dir.path().join("db")).create_if_missing(true);
    let mut database = SqliteConnection::connect_with(&options).await.expect("a database");
    Migrator::new(dir.path()).await.expect("migrations").run(&mut database).await.expect("migrated");
    sqlx::raw_sql(SPELLED_TWICE).execute(&mut database).await.expect("rows");
    Migrator::new(Path::new(MIGRATIONS)).await.expect("migrations").run(&mut database).await.expect("migrated");

    for (query, expected) in [
        ("SELECT concat_ws(' ', number, host, address) FROM hosts ORDER BY number", &["1 Vista 10.0.0.1", "3 Vista vista.tacc.example"][..]),
        ("SELECT concat_ws(' ', id, host, account, expires_at) FROM host_accounts ORDER BY number", &["hac_2 Vista jd 20", "hac_3 Vista other 5"]),
        ("SELECT host_account_id FROM delegation_host_accounts", &["hac_2"]),
        (
            "SELECT concat_ws(' ', number, host, fingerprint, remaining_uses) FROM pubkeys ORDER BY number",
            &["2 Vista SHA256:F 2", "3 Vista SHA256:G 3"],
        ),
        ("SELECT concat_ws(' ', resid, parent_resid, pubkey) FROM reservations ORDER BY number", &["r r 3", "s s 2", "t s 2"]),
        // The two newest ones; it is required if it was for any of them.
        ("SELECT concat_ws(' ', host, hex(secret_hash), hex(old_secret_hash), required) FROM host_credentials", &["Vista 03 02 1"]),
        ("SELECT concat_ws(' ', host, asked_at) FROM host_questions", &["Vista 2"]),
        ("SELECT concat_ws(' ', alias, host) FROM host_aliases", &["vista.tacc.example Vista"]),
        ("SELECT concat_ws(' ', host, tenant_id) FROM host_names ORDER BY 1", &["Vista a", "vista b", "vista.tacc.example a"]),
        ("SELECT CAST(seq AS TEXT) FROM sqlite_sequence WHERE name = 'pubkeys'", &["9"]),
        ("SELECT concat_ws(' ', tenant_id, user_id, network, last_seen_at) FROM sign_in_networks", &["a jdoe 192.0.2.0/24 8"]),
        ("SELECT 'broken' FROM pragma_foreign_key_check", &[]),
    ] {
        assert_eq!(texts(&mut database, query.to_owned()).await, expected, "{query}");
    }
}
