//! A PostgreSQL cluster of a test's own, which the test may kill (`.make/postgres`).

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tms_portal::server::storage::Database;
use tms_portal::server::storage::postgres::PostgresAddress;
use tms_portal::server::storage::sql::{Connection, query};

pub struct Cluster {
    folder: PathBuf,
    url: String,
}

impl Cluster {
    /// `None` if PostgreSQL is not available; prints the reason.
    pub fn start() -> Option<Self> {
        Self::made(&["start"])
    }

    /// A streaming standby of this one.
    pub fn standby(&self) -> Self {
        Self::made(&["standby", self.folder.to_str().expect("UTF-8")]).expect("a standby")
    }

    fn made(words: &[&str]) -> Option<Self> {
        // A path only: the script makes the folder, for the account that the server runs as.
        let folder = std::env::temp_dir().join(format!("tms-cluster-{}-{}", std::process::id(), super::portal::free_port()));
        let said = script(words, &folder);
        let Some(url) = said.lines().next() else {
            let _ = writeln!(std::io::stderr(), "\n!!! SKIPPED: crashes with PostgreSQL: no cluster could be made\n");
            return None;
        };
        Some(Self { folder, url: url.to_owned() })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops the server immediately, without a shutdown.
    pub fn kill(&self) {
        script(&["kill"], &self.folder);
    }

    /// Starts it again with its data.
    pub fn resume(&self) {
        assert!(!script(&["resume"], &self.folder).is_empty(), "the server starts again");
    }

    pub async fn connect(&self) -> Connection {
        let database = Database::Postgres(PostgresAddress::parse(&self.url, false).expect("an address"));
        database.connect().await.expect("the database").acquire().await.expect("a connection")
    }

    pub async fn execute(&self, statement: &'static str) {
        query(statement).execute(&mut self.connect().await).await.expect(statement);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        script(&["stop"], &self.folder);
    }
}

/// Runs `.make/postgres WORDS… FOLDER` and returns its output. Its errors go to the test's output.
fn script(words: &[&str], folder: &Path) -> String {
    let output = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.make/postgres")).args(words).arg(folder).output().expect("run");
    let _ = std::io::stderr().write_all(&output.stderr);
    String::from_utf8(output.stdout).expect("text")
}
