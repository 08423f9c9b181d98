//! PostgreSQL: for deployments with more than one portal.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions, PgSslMode};
use sqlx::{ConnectOptions as _, Connection as _};

use super::sql::{self, ColumnRow, Connection, Pool};
use super::{Error, Readers};
use crate::domain::loopback::is_loopback;

/// Maximum number of changes per commit: PostgreSQL keeps up to 64 open savepoints in shared memory, and more of them slow down other
/// sessions.
pub const MAX_GROUP: usize = 60;

/// How long a start waits for the server, and for another portal's migrations.
const START_TIMEOUT: Duration = Duration::from_secs(30);
const RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// The address of a database: `postgres://USER@HOST/NAME?sslmode=verify-full&sslrootcert=FILE`. The password comes from `PGPASSWORD` or the
/// file `PGPASSFILE`, if it is not in the address.
#[derive(Clone)]
pub struct PostgresAddress(Box<PgConnectOptions>);

/// Without the password.
impl fmt::Debug for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.display())
    }
}

impl PostgresAddress {
    /// Refuses an address that is not on this machine unless the server's certificate is verified (`sslmode=verify-full`); `insecure` allows it.
    /// Errors are a text for the operator, without the password.
    pub fn parse(url: &str, insecure: bool) -> Result<Self, String> {
        let options = PgConnectOptions::from_str(url).map_err(|error| error.to_string())?;
        let local = options.get_socket().is_some() || options.get_host().starts_with('/') || is_loopback(options.get_host());
        if !local && !insecure && !matches!(options.get_ssl_mode(), PgSslMode::VerifyFull) {
            return Err(format!(
                "{} is another machine: add sslmode=verify-full (and sslrootcert=FILE), or set insecure-database to send passwords and data unencrypted",
                options.get_host()
            ));
        }
        let timeouts = [("statement_timeout", "10s"), ("lock_timeout", "8s"), ("idle_in_transaction_session_timeout", "5s")];
        let options = options.application_name("tms-portal").options(timeouts).statement_cache_capacity(256);
        Ok(Self(Box::new(options)))
    }

    /// The server and the database, without user and password.
    pub fn display(&self) -> String {
        let host = self.0.get_socket().map_or_else(|| self.0.get_host().to_owned(), |socket| socket.display().to_string());
        format!("{} on {host}:{}", self.0.get_database().unwrap_or("the user's database"), self.0.get_port())
    }

    /// The single connection that writes.
    pub async fn writer(&self) -> Result<Pool, Error> {
        let pool = PgPoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None).acquire_timeout(Duration::from_secs(2));
        let pool = pool.test_before_acquire(false);
        Ok(Pool::Postgres(pool.connect_with((*self.0).clone()).await?))
    }

    /// A pool of connections that only read; it opens them when they are needed.
    pub(super) fn readers(&self, readers: Readers) -> Pool {
        let pool = PgPoolOptions::new().max_connections(readers.connections()).acquire_timeout(Duration::from_secs(5));
        let pool = if readers == Readers::Single { pool.idle_timeout(None).max_lifetime(None).test_before_acquire(false) } else { pool };
        let read_only = (*self.0).clone().options([("default_transaction_read_only", "on")]);
        Pool::Postgres(pool.connect_lazy_with(read_only))
    }

    /// Waits for the server, and runs the migrations. A newer schema is left as it is, so that portals of two releases can run side by side.
    /// Without `create`, an empty database is refused.
    pub async fn migrate(&self, create: bool) -> Result<(), Error> {
        let deadline = tokio::time::Instant::now() + START_TIMEOUT;
        // A table that is locked by a long query is not waited for: all others would wait behind the migration.
        // One that takes more than a second would be in the log with its whole text.
        let options = (*self.0).clone().options([("statement_timeout", "0"), ("lock_timeout", "2s")]).disable_statement_logging();
        let mut connection = loop {
            let left = deadline.saturating_duration_since(tokio::time::Instant::now());
            match sql::in_time(left, PgConnection::connect_with(&options)).await {
                Ok(connection) => break connection,
                Err(error) if tokio::time::Instant::now() >= deadline || !is_starting(&error) => return Err(error.into()),
                Err(_) => tokio::time::sleep(RETRY_INTERVAL).await,
            }
        };
        if !create && !is_set_up(&mut connection).await? {
            return Err(Error::NoPortal(self.display()));
        }
        // The lock of changes: no change holds a table that a migration needs while the migration holds one that the change needs.
        // It is tried for, because a waiting statement would block `CREATE INDEX CONCURRENTLY`.
        while !sqlx::query_scalar::<_, bool>("SELECT pg_try_advisory_lock(7416, 1)").fetch_one(&mut connection).await? {
            if tokio::time::Instant::now() >= deadline {
                return Err(Error::MigrationLock);
            }
            tokio::time::sleep(RETRY_INTERVAL).await;
        }
        let mut migrations = migrations();
        migrations.set_ignore_missing(true).set_locking(false);
        migrations.run(&mut connection).await?;
        Ok(connection.close().await?)
    }
}

fn migrations() -> Migrator {
    sqlx::migrate!("src/server/storage/migrations/postgres")
}

/// The numbers and names of the migrations of this release, in their order.
pub fn known_migrations() -> Vec<(i64, String)> {
    migrations().iter().map(|migration| (migration.version, migration.description.to_string())).collect()
}

/// Whether any migration was applied.
pub async fn has_migrations(db: &mut Connection) -> Result<bool, Error> {
    Ok(sql::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL").fetch_one(db).await?)
}

/// The columns of all tables that are not computed from others, in their order.
pub async fn columns(db: &mut Connection) -> Result<Vec<ColumnRow>, Error> {
    let query = sql::query_as(
        "SELECT CAST(t.relname AS TEXT) AS table_name, CAST(c.attname AS TEXT) AS name, format_type(c.atttypid, NULL) AS kind,
                CAST(coalesce(array_position(k.conkey, c.attnum), 0) AS BIGINT) AS key_position, c.attidentity <> '' AS numbered
         FROM pg_class t
         JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum > 0 AND NOT c.attisdropped AND c.attgenerated = ''
         LEFT JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype = 'p'
         WHERE t.relkind IN ('r', 'p', 'v', 'm', 'f') AND t.relnamespace = CAST(current_schema() AS regnamespace) AND t.relname NOT LIKE '\\_sqlx%'
         ORDER BY CAST(t.relname AS TEXT), c.attnum",
    );
    Ok(query.fetch_all(db).await?)
}

/// Pairs of tables: the first has a foreign key to the second.
pub async fn references(db: &mut Connection) -> Result<Vec<(String, String)>, Error> {
    let query = sql::query_as(
        "SELECT CAST(a.relname AS TEXT), CAST(b.relname AS TEXT)
         FROM pg_constraint k JOIN pg_class a ON a.oid = k.conrelid JOIN pg_class b ON b.oid = k.confrelid
         WHERE k.contype = 'f' AND a.relnamespace = CAST(current_schema() AS regnamespace)",
    );
    Ok(query.fetch_all(db).await?)
}

/// The last number given to a row of a table with an identity column.
pub async fn last_number(db: &mut Connection, table: &str, column: &str) -> Result<Option<i64>, Error> {
    let query = sql::query_scalar("SELECT pg_sequence_last_value(CAST(pg_get_serial_sequence($1, $2) AS regclass))");
    Ok(query.bind(table).bind(column).fetch_one(db).await?)
}

pub async fn set_last_number(db: &mut Connection, table: &str, column: &str, last: i64) -> Result<(), Error> {
    let query = sql::query_scalar("SELECT setval(CAST(pg_get_serial_sequence($1, $2) AS regclass), $3)");
    let _: i64 = query.bind(table).bind(column).bind(last).fetch_one(db).await?;
    Ok(())
}

/// Whether there is a deployment: not only the schema, which a copy that failed leaves.
async fn is_set_up(db: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let has_schema: bool = sqlx::query_scalar("SELECT to_regclass('tenants') IS NOT NULL").fetch_one(&mut *db).await?;
    Ok(has_schema && sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM tenants)").fetch_one(db).await?)
}

/// Whether the server may be reachable soon: it is starting up, shutting down or not listening yet.
fn is_starting(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57P") || code.starts_with("53")),
        _ => false,
    }
}
