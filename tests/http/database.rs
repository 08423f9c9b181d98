//! Direct access to the database.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::AssertSqlSafe;
use tms_portal::server::storage::Database;
use tms_portal::server::storage::sql::{Connection, query, query_as, query_scalar};

use crate::app::TestApp;

/// A connection with a portal's limits, which may write.
pub async fn connection_to(database: &Database) -> Connection {
    database.connect().await.expect("the database").acquire().await.expect("a connection")
}

impl TestApp {
    async fn database(&self) -> Connection {
        connection_to(&self.database).await
    }

    /// Makes changes that the portal has no function for.
    pub async fn sql(&self, statement: &'static str) {
        query(statement).execute(&mut self.database().await).await.expect(statement);
    }

    /// Makes the database refuse all changes of a kind (`INSERT`, `UPDATE`) of a table.
    pub async fn refuse_writes(&self, kind: &str, table: &str) {
        let mut database = self.database().await;
        let statements = match self.database {
            Database::File(_) => vec![format!("CREATE TRIGGER refuse BEFORE {kind} ON {table} BEGIN SELECT RAISE(ABORT, 'no'); END")],
            Database::Postgres(_) => vec![
                "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$".to_owned(),
                format!("CREATE TRIGGER refuse BEFORE {kind} ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()"),
            ],
        };
        for statement in statements {
            query(AssertSqlSafe(statement)).execute(&mut database).await.expect("a trigger");
        }
    }

    /// Ends [`Self::refuse_writes`].
    pub async fn allow_writes(&self, table: &str) {
        let statement = match self.database {
            Database::File(_) => "DROP TRIGGER refuse".to_owned(),
            Database::Postgres(_) => format!("DROP TRIGGER refuse ON {table}"),
        };
        query(AssertSqlSafe(statement)).execute(&mut self.database().await).await.expect("no trigger");
    }

    /// The number that a query returns.
    pub async fn number(&self, query: &'static str) -> i64 {
        query_scalar(query).fetch_one(&mut self.database().await).await.expect(query)
    }

    /// Waits until a query returns a number: what is written after the response.
    pub async fn wait_for(&self, query: &'static str, number: i64) {
        let written = async {
            while self.number(query).await != number {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), written).await.expect(query);
    }

    /// The numbers of the audit events after one, ascending.
    pub async fn numbers_after(&self, number: i64) -> Vec<i64> {
        let query = query_scalar("SELECT id FROM activity WHERE id > $1 ORDER BY id").bind(number);
        query.fetch_all(&mut self.database().await).await.expect("numbers")
    }

    /// The texts that a query returns, one per row.
    pub async fn texts(&self, query: &'static str) -> Vec<String> {
        query_scalar(query).fetch_all(&mut self.database().await).await.expect(query)
    }

    /// All rows of a tenant, by table, without "last used" times and refused lookups, which are written after the response.
    pub async fn dump(&self, tenant: &str) -> BTreeMap<String, Vec<String>> {
        let mut database = self.database().await;
        // Each table, and the expression for a row of it `t`.
        let tables: Vec<(String, String)> = query_as(match self.database {
            Database::File(_) => {
                "SELECT m.name, 'json_object(' || group_concat('''' || c.name || ''', quote(' || c.name || ')') || ')' FROM sqlite_schema m, pragma_table_info(m.name) c
                 WHERE m.type = 'table' AND m.name NOT GLOB 'sqlite_*' AND m.name NOT GLOB '_sqlx*'
                   AND m.name NOT IN ('host_questions', 'refused_lookups') AND m.name || '.' || c.name NOT IN ('authorizations.last_used_at', 'authorizations.last_used_from')
                 GROUP BY m.name HAVING sum(c.name = 'tenant_id') OR m.name = 'tenants'"
            }
            Database::Postgres(_) => {
                "SELECT CAST(table_name AS TEXT), '(to_jsonb(t) - ''last_used_at'' - ''last_used_from'')::text' FROM information_schema.columns
                 WHERE table_schema = 'public' AND table_name NOT IN ('host_questions', 'refused_lookups')
                   AND (column_name = 'tenant_id' OR (table_name = 'tenants' AND column_name = 'id'))"
            }
        })
        .fetch_all(&mut database)
        .await
        .expect("tables");
        let mut dump = BTreeMap::new();
        for (table, row) in tables {
            let key = if table == "tenants" { "id" } else { "tenant_id" };
            let query = format!("SELECT {row} FROM {table} t WHERE {key} = $1 ORDER BY 1");
            let rows = query_scalar(AssertSqlSafe(query)).bind(tenant).fetch_all(&mut database).await.expect("rows");
            dump.insert(table, rows);
        }
        assert!(dump.len() > 12, "{dump:?}");
        dump
    }

    /// Inserts an audit event.
    pub async fn insert_activity(&self, tenant: &str, user: &str, at: i64, kind: &str) {
        let insert = query("INSERT INTO activity (tenant_id, user_id, at, kind) VALUES ($1, $2, $3, $4)");
        insert.bind(tenant).bind(user).bind(at).bind(kind).execute(&mut self.database().await).await.expect("inserted");
    }

    /// The number of audit events of a kind.
    pub async fn count_audit_events(&self, kind: &str) -> usize {
        self.texts("SELECT kind FROM activity").await.iter().filter(|recorded| *recorded == kind).count()
    }

    /// All device grants with all columns.
    pub async fn grants(&self) -> Vec<String> {
        self.texts(match self.database {
            Database::File(_) => {
                "SELECT concat_ws('|', id, state, hex(claimed_session), claimed_person, person, granted_scope, access_until, decided_at, reported, token_id)
                 FROM device_grants ORDER BY id"
            }
            Database::Postgres(_) => {
                "SELECT concat_ws('|', id, state, claimed_session, claimed_person, person, granted_scope, access_until, decided_at, reported, token_id)
                 FROM device_grants ORDER BY id"
            }
        })
        .await
    }

    /// The number of valid delegations by consent.
    pub async fn consents(&self) -> i64 {
        self.number("SELECT count(*) FROM delegations WHERE device_grant_id IS NOT NULL AND ended_at IS NULL").await
    }

    /// Links a host account with the id `hac_` and the host's name.
    pub async fn link_host(&self, tenant: &str, user: &str, host: &str, expires_at: i64) {
        query(
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
