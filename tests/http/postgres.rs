//! Databases of the PostgreSQL cluster that `.make/postgres` makes. `TMS_TEST_DATABASE` is the URL of a database in it, from which others
//! are created.

use std::io::Write as _;
use std::path::Path;
use std::str::FromStr as _;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection as _};

pub const MIGRATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/server/storage/migrations/postgres");

/// A database with today's schema, for one test.
pub struct TestDatabase {
    maintenance: PgConnectOptions,
    name: String,
}

impl TestDatabase {
    /// `None` without a cluster; that is printed.
    pub async fn create() -> Option<Self> {
        static SAID: Once = Once::new();
        static CREATED: AtomicU32 = AtomicU32::new(0);
        let Ok(url) = std::env::var("TMS_TEST_DATABASE") else {
            let why = "TMS_TEST_DATABASE is not set (`.make/postgres` makes a cluster)";
            SAID.call_once(|| drop(writeln!(std::io::stderr(), "\n!!! SKIPPED: tests with PostgreSQL: {why}\n")));
            return None;
        };
        let maintenance = PgConnectOptions::from_str(&url).expect("the URL of a database");
        let created = Self { maintenance, name: format!("tms_{}_{}", std::process::id(), CREATED.fetch_add(1, Ordering::Relaxed)) };
        created.run(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", created.name)).await;
        created.run(&format!("CREATE DATABASE {} TEMPLATE template0", created.name)).await;
        let mut database = created.connect().await;
        Migrator::new(Path::new(MIGRATIONS)).await.expect("migrations").run(&mut database).await.expect("migrated");
        database.close().await.expect("closed");
        Some(created)
    }

    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect_with(&self.maintenance.clone().database(&self.name)).await.expect("a connection")
    }

    /// Removes the database; one that a failed test leaves goes with the cluster.
    pub async fn remove(self) {
        self.run(&format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
    }

    async fn run(&self, statement: &str) {
        let mut database = PgConnection::connect_with(&self.maintenance).await.expect("a connection");
        sqlx::query(AssertSqlSafe(statement)).execute(&mut database).await.expect(statement);
        database.close().await.expect("closed");
    }
}
