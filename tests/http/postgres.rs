//! Databases of the PostgreSQL cluster that `.make/postgres` makes. `TMS_TEST_DATABASE` is the URL of a database in it, from which others
//! are created.

use std::io::Write as _;
use std::path::Path;
use std::str::FromStr as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Once};

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection as _};
use tms_portal::server::service::DATABASE_FILE;
use tms_portal::server::storage::Database;
use tms_portal::server::storage::postgres::PostgresAddress;
use tokio::sync::mpsc;

pub const MIGRATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/server/storage/migrations/postgres");

/// A database for one test.
pub struct TestDatabase {
    maintenance: PgConnectOptions,
    name: String,
    url: String,
}

/// The URL of the database from which others are created, if the tests run on PostgreSQL.
fn maintenance_url() -> Option<String> {
    std::env::var("TMS_TEST_DATABASE").ok()
}

/// In a portal's data directory: the URL of its database. Without it, the database is a file in that directory.
const URL_FILE: &str = "test-database";

/// The database of a portal with this data directory.
pub fn database_of(data_dir: &Path) -> Database {
    match url_of(data_dir) {
        Some(url) => Database::Postgres(PostgresAddress::parse(&url, false).expect("an address")),
        None => Database::File(data_dir.join(DATABASE_FILE)),
    }
}

/// The URL of that database, if it is not a file.
pub fn url_of(data_dir: &Path) -> Option<String> {
    std::fs::read_to_string(data_dir.join(URL_FILE)).ok()
}

/// Whether the tests' portals use PostgreSQL. Tests of what only SQLite has (its file, its old schemas) run without it.
pub fn is_used() -> bool {
    maintenance_url().is_some()
}

/// The environment in which the program uses that database.
pub fn environment_of(data_dir: &Path) -> Option<(&'static str, String)> {
    url_of(data_dir).map(|url| ("TMS_DATABASE", url))
}

/// Creates the empty database of the template, if the tests run on PostgreSQL.
pub async fn create_template(data_dir: &Path) {
    if let Some(url) = maintenance_url() {
        create_database(&url, data_dir, &format!("tms_{}_template", std::process::id()), "template0").await;
    }
}

/// Copies the template's database for a data directory that is a copy of the template's.
pub async fn copy_template(data_dir: &Path) {
    static COPIES: AtomicU32 = AtomicU32::new(0);
    if let Some(url) = maintenance_url() {
        let process = std::process::id();
        let name = format!("tms_{process}_copy_{}", COPIES.fetch_add(1, Ordering::Relaxed));
        create_database(&url, data_dir, &name, &format!("tms_{process}_template")).await;
    }
}

async fn create_database(maintenance: &str, data_dir: &Path, name: &str, template: &str) {
    let options = PgConnectOptions::from_str(maintenance).expect("the URL of a database");
    run(&options, &format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
    std::fs::write(data_dir.join(URL_FILE), with_database(maintenance, name)).expect("written");
}

/// The URL of another database of the same cluster.
fn with_database(url: &str, name: &str) -> String {
    let mut url = reqwest::Url::parse(url).expect("a URL");
    url.set_path(name);
    url.into()
}

/// Removes the database of a portal that has ended, in the background.
pub fn drop_later(data_dir: &Path) {
    static ENDED: LazyLock<mpsc::UnboundedSender<(PgConnectOptions, String)>> = LazyLock::new(|| {
        let (send, mut ended) = mpsc::unbounded_channel();
        // A runtime of its own: that of the test ends with it.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                while let Some((maintenance, name)) = ended.recv().await {
                    run(&maintenance, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
                }
            });
        });
        send
    });
    if let (Some(maintenance), Some(url)) = (maintenance_url(), url_of(data_dir)) {
        let name = PgConnectOptions::from_str(&url).expect("a URL").get_database().expect("a name").to_owned();
        let _ = ENDED.send((PgConnectOptions::from_str(&maintenance).expect("a URL"), name));
    }
}

async fn run(maintenance: &PgConnectOptions, statement: &str) {
    let mut database = PgConnection::connect_with(maintenance).await.expect("a connection");
    sqlx::query(AssertSqlSafe(statement)).execute(&mut database).await.expect(statement);
    database.close().await.expect("closed");
}

impl TestDatabase {
    /// A database with today's schema. `None` without a cluster; that is printed.
    pub async fn create() -> Option<Self> {
        let created = Self::create_empty().await?;
        let mut database = created.connect().await;
        Migrator::new(Path::new(MIGRATIONS)).await.expect("migrations").run(&mut database).await.expect("migrated");
        database.close().await.expect("closed");
        Some(created)
    }

    /// An empty database. `None` without a cluster; that is printed.
    pub async fn create_empty() -> Option<Self> {
        static SAID: Once = Once::new();
        static CREATED: AtomicU32 = AtomicU32::new(0);
        let Some(url) = maintenance_url() else {
            let why = "TMS_TEST_DATABASE is not set (`.make/postgres` makes a cluster)";
            SAID.call_once(|| drop(writeln!(std::io::stderr(), "\n!!! SKIPPED: tests with PostgreSQL: {why}\n")));
            return None;
        };
        let maintenance = PgConnectOptions::from_str(&url).expect("the URL of a database");
        let name = format!("tms_{}_{}", std::process::id(), CREATED.fetch_add(1, Ordering::Relaxed));
        let created = Self { url: with_database(&url, &name), maintenance, name };
        run(&created.maintenance, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", created.name)).await;
        run(&created.maintenance, &format!("CREATE DATABASE {} TEMPLATE template0", created.name)).await;
        Some(created)
    }

    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect_with(&self.maintenance.clone().database(&self.name)).await.expect("a connection")
    }

    /// As a portal opens it.
    pub fn address(&self) -> Database {
        Database::Postgres(PostgresAddress::parse(&self.url, false).expect("an address"))
    }

    /// Removes the database; one that a failed test leaves goes with the cluster.
    pub async fn remove(self) {
        run(&self.maintenance, &format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
    }
}
