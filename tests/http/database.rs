//! Direct access to the database.

use std::collections::BTreeMap;

use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use crate::app::TestApp;

impl TestApp {
    async fn database(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(self.data_dir.join("tms-portal.db"));
        SqliteConnection::connect_with(&options).await.expect("the database")
    }

    /// Makes changes that the portal has no function for.
    pub async fn sql(&self, statement: &'static str) {
        sqlx::query(statement).execute(&mut self.database().await).await.expect(statement);
    }

    /// The number that a query returns.
    pub async fn number(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&mut self.database().await).await.expect(query)
    }

    /// The texts that a query returns, one per row.
    pub async fn texts(&self, query: &'static str) -> Vec<String> {
        sqlx::query_scalar(query).fetch_all(&mut self.database().await).await.expect(query)
    }

    /// All rows of a tenant, by table, without "last used" times and refused lookups, which are written after the response.
    pub async fn dump(&self, tenant: &str) -> BTreeMap<String, Vec<String>> {
        let mut database = self.database().await;
        let columns: Vec<(String, String)> = sqlx::query_as(
            "SELECT m.name, group_concat('''' || c.name || ''', quote(' || c.name || ')') FROM sqlite_schema m, pragma_table_info(m.name) c
             WHERE m.type = 'table' AND m.name NOT GLOB 'sqlite_*' AND m.name NOT GLOB '_sqlx*'
               AND m.name NOT IN ('host_questions', 'refused_lookups') AND m.name || '.' || c.name NOT IN ('device_grants.last_used_at', 'device_grants.last_used_from')
             GROUP BY m.name HAVING sum(c.name = 'tenant_id') OR m.name = 'tenants'",
        )
        .fetch_all(&mut database)
        .await
        .expect("tables");
        let mut dump = BTreeMap::new();
        for (table, columns) in columns {
            let key = if table == "tenants" { "id" } else { "tenant_id" };
            let query = format!("SELECT json_object({columns}) FROM {table} WHERE {key} = $1 ORDER BY 1");
            let rows = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).bind(tenant).fetch_all(&mut database).await.expect("rows");
            dump.insert(table, rows);
        }
        assert!(dump.len() > 12, "{dump:?}");
        dump
    }

    /// Inserts an audit event.
    pub async fn insert_activity(&self, tenant: &str, user: &str, at: i64, kind: &str) {
        let insert = sqlx::query("INSERT INTO activity (tenant_id, user_id, at, kind) VALUES ($1, $2, $3, $4)");
        insert.bind(tenant).bind(user).bind(at).bind(kind).execute(&mut self.database().await).await.expect("inserted");
    }

    /// The number of audit events of a kind.
    pub async fn count_audit_events(&self, kind: &str) -> usize {
        self.texts("SELECT kind FROM activity").await.iter().filter(|recorded| *recorded == kind).count()
    }

    /// All device grants with all columns.
    pub async fn grants(&self) -> Vec<String> {
        self.texts(
            "SELECT concat_ws('|', id, state, hex(claimed_session), claimed_person, person, granted_scope, access_until, decided_at, reported, token_id)
             FROM device_grants ORDER BY id",
        )
        .await
    }

    /// The number of valid delegations by consent.
    pub async fn consents(&self) -> i64 {
        self.number("SELECT count(*) FROM delegations WHERE device_grant_id IS NOT NULL AND ended_at IS NULL").await
    }

    /// Links a host account with the id `hac_` and the host's name.
    pub async fn link_host(&self, tenant: &str, user: &str, host: &str, expires_at: i64) {
        sqlx::query(
            "INSERT INTO host_accounts (number, tenant_id, id, user_id, host, account, linked_at, expires_at)
             VALUES ((SELECT max(number) + 1 FROM host_accounts), $1, $2, $3, $4, $5, 0, $6)",
        )
        .bind(tenant)
        .bind(format!("hac_{host}"))
        .bind(user)
        .bind(host)
        .bind(format!("{user}-on-{host}"))
        .bind(expires_at)
        .execute(&mut self.database().await)
        .await
        .expect("linked");
    }
}

/// A time that no test reaches.
pub const FAR: i64 = 4_102_444_800_000;
