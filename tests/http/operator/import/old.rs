//! Databases of a TMS server: one table of rows, written as a SQLite file of 0.2 and as a dump of 0.3.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use sha2::{Digest, Sha512};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{AssertSqlSafe, Connection as _};
use ssh_key::public::{EcdsaPublicKey, Ed25519PublicKey, KeyData, RsaPublicKey};
use ssh_key::{HashAlg, Mpint, PublicKey};

/// The columns of each table, with their types in SQLite.
const TABLES: [(&str, &[&str]); 9] = [
    ("admin", &["id INTEGER", "tenant TEXT", "admin_user TEXT", "admin_secret TEXT", "privilege TEXT", "created TEXT", "updated TEXT"]),
    (
        "clients",
        &[
            "id INTEGER",
            "tenant TEXT",
            "app_name TEXT",
            "app_version TEXT",
            "client_id TEXT",
            "client_secret TEXT",
            "enabled INTEGER",
            "created TEXT",
            "updated TEXT",
        ],
    ),
    ("delegations", &["id INTEGER", "tenant TEXT", "client_id TEXT", "client_user_id TEXT", "expires_at TEXT", "created TEXT", "updated TEXT"]),
    ("hosts", &["id INTEGER", "tenant TEXT", "host TEXT", "addr TEXT", "created TEXT", "updated TEXT"]),
    (
        "pubkeys",
        &[
            "id INTEGER",
            "tenant TEXT",
            "client_id TEXT",
            "client_user_id TEXT",
            "host TEXT",
            "host_account TEXT",
            "public_key_fingerprint TEXT",
            "public_key TEXT",
            "key_type TEXT",
            "key_bits INTEGER",
            "max_uses INTEGER",
            "remaining_uses INTEGER",
            "initial_ttl_minutes INTEGER",
            "expires_at TEXT",
            "created TEXT",
            "updated TEXT",
        ],
    ),
    (
        "reservations",
        &[
            "id INTEGER",
            "resid TEXT",
            "parent_resid TEXT",
            "tenant TEXT",
            "client_id TEXT",
            "client_user_id TEXT",
            "host TEXT",
            "public_key_fingerprint TEXT",
            "expires_at TEXT",
            "created TEXT",
            "updated TEXT",
        ],
    ),
    ("tenants", &["id INTEGER", "tenant TEXT", "enabled INTEGER", "created TEXT", "updated TEXT"]),
    (
        "user_hosts",
        &["id INTEGER", "tenant TEXT", "tms_user_id TEXT", "host TEXT", "host_account TEXT", "expires_at TEXT", "created TEXT", "updated TEXT"],
    ),
    ("user_mfa", &["id INTEGER", "tenant TEXT", "tms_user_id TEXT", "expires_at TEXT", "enabled INTEGER", "created TEXT", "updated TEXT"]),
];

pub const CREATED: &str = "2026-01-02T03:04:05.123456Z";
pub const MVP: &str = "9999-12-31T23:59:59Z";
/// What the old administrators' API writes for "never".
pub const NEVER: &str = "6109-12-22T22:45:32.257807Z";
pub const PAST: &str = "2026-03-04 05:06:07.5-05";
pub const UNLIMITED: &str = "2147483647";

/// Rows by table.
#[derive(Clone, Default)]
pub struct Old {
    rows: BTreeMap<&'static str, Vec<Vec<String>>>,
}

impl Old {
    /// Adds a row without its last two columns, which say when it was created and changed.
    pub fn add(&mut self, table: &'static str, values: &[&str]) {
        self.add_created(table, values, CREATED);
    }

    pub fn add_created(&mut self, table: &'static str, values: &[&str], created: &str) {
        let (_, columns) = TABLES.iter().find(|(name, _)| *name == table).expect("a table");
        let row: Vec<String> = values.iter().copied().chain([created, created]).map(str::to_owned).collect();
        assert_eq!(row.len(), columns.len(), "{table}: {values:?}");
        self.rows.entry(table).or_default().push(row);
    }

    /// Adds a key of `jdoe` on `frontera`, which another row may replace.
    pub fn add_key(&mut self, id: &str, key: &TestKey, client: &str, account: &str, uses: (&str, &str), expires_at: &str) {
        let (tenant, user) = ("tacc", if account == "root" { "jdoe" } else { account });
        self.add_key_of(id, key, (tenant, client, user), ("frontera", account), uses, expires_at);
    }

    pub fn add_key_of(
        &mut self,
        id: &str,
        key: &TestKey,
        (tenant, client, user): (&str, &str, &str),
        (host, account): (&str, &str),
        (max, remaining): (&str, &str),
        expires_at: &str,
    ) {
        let minutes = if expires_at == PAST { "60" } else { UNLIMITED };
        let values = [id, tenant, client, user, host, account, &key.fingerprint, &key.stored, "ed25519", "1", max, remaining, minutes, expires_at];
        self.add("pubkeys", &values);
    }

    /// Writes it as a SQLite database of 0.2, without foreign keys as its tools leave them.
    pub async fn write_sqlite(&self, file: &Path) {
        let options = SqliteConnectOptions::new().filename(file).create_if_missing(true).journal_mode(SqliteJournalMode::Wal).foreign_keys(false);
        let mut database = SqliteConnection::connect_with(&options).await.expect("a database");
        let migrations = "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMP NOT NULL,
                              success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT NOT NULL);
                          INSERT INTO _sqlx_migrations VALUES (20240315211037, 'init', '2024-03-15 21:10:37', TRUE, x'00', 1),
                              (20240618140143, 'audit', '2024-06-18 14:01:43', TRUE, x'01', 1)";
        sqlx::raw_sql(migrations).execute(&mut database).await.expect("migrations");
        for (table, columns) in TABLES {
            sqlx::query(AssertSqlSafe(format!("CREATE TABLE {table} ({})", columns.join(", ")))).execute(&mut database).await.expect("a table");
            for row in self.rows.get(table).into_iter().flatten() {
                let places: Vec<String> = (1..=row.len()).map(|n| format!("${n}")).collect();
                let insert = AssertSqlSafe(format!("INSERT INTO {table} VALUES ({})", places.join(", ")));
                let bound = row.iter().zip(columns).fold(sqlx::query(insert), |query, (value, column)| {
                    if column.ends_with("INTEGER") { query.bind(value.parse::<i64>().expect("a number")) } else { query.bind(value.as_str()) }
                });
                bound.execute(&mut database).await.expect("a row");
            }
        }
        database.close().await.expect("closed");
    }

    /// The rows of a table as the old server's API has them.
    pub fn json(&self, table: &str) -> Vec<Value> {
        let (_, columns) = TABLES.iter().find(|(name, _)| *name == table).expect("a table");
        let field = |(value, column): (&String, &&str)| match column.split_once(' ').expect("a type") {
            (name, "INTEGER") => (name.to_owned(), Value::from(value.parse::<i64>().expect("a number"))),
            (name, _) => (name.to_owned(), Value::from(value.as_str())),
        };
        let row = |row: &Vec<String>| Value::Object(row.iter().zip(*columns).map(field).collect());
        self.rows.get(table).into_iter().flatten().map(row).collect()
    }

    /// The text of a dump of 0.3. Its columns are in another order than in SQLite.
    pub fn dump(&self) -> String {
        let mut text =
            String::from("--\n-- PostgreSQL database dump\n--\n\n\\restrict abcDEF\n\nSET client_encoding = 'UTF8';\n\nCREATE SCHEMA tms;\n\n");
        text.push_str("COPY tms._sqlx_migrations (version, description, success) FROM stdin;\n10001\tinit\tt\n\\.\n\n\n");
        for (table, columns) in TABLES {
            let names: Vec<&str> = columns.iter().rev().map(|column| column.split(' ').next().expect("a name")).collect();
            text.push_str(&format!("COPY tms.{table} ({}) FROM stdin;\n", names.join(", ")));
            for row in self.rows.get(table).into_iter().flatten() {
                let value = |(value, column): (&String, &&str)| match (column.starts_with("enabled "), value.as_str()) {
                    (true, "1") => "t".to_owned(),
                    (true, "0") => "f".to_owned(),
                    _ => value.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n"),
                };
                text.push_str(&row.iter().zip(columns).rev().map(value).collect::<Vec<_>>().join("\t"));
                text.push('\n');
            }
            text.push_str("\\.\n\n\n");
        }
        text + "SELECT pg_catalog.setval('tms.admin_id_seq', 2, true);\n\n--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abcDEF\n\n"
    }
}

/// What a TMS server stores of a secret.
pub fn secret_hash(secret: &str) -> String {
    hex::encode(Sha512::digest(secret))
}

pub fn compress(file: &Path, to: &Path) {
    let mut encoder = GzEncoder::new(std::fs::File::create(to).expect("created"), Compression::fast());
    encoder.write_all(&std::fs::read(file).expect("read")).expect("written");
    encoder.finish().expect("finished");
}

/// A public key as the old database has it.
#[derive(Clone, Debug)]
pub struct TestKey {
    /// Type and key.
    pub line: String,
    /// What the row has: also with a comment.
    pub stored: String,
    pub fingerprint: String,
}

impl TestKey {
    fn of(data: KeyData) -> Self {
        let key = PublicKey::from(data);
        let line = key.to_openssh().expect("a line");
        Self { stored: line.clone(), line, fingerprint: key.fingerprint(HashAlg::Sha256).to_string() }
    }

    pub fn ed25519(n: u16) -> Self {
        let mut bytes = [7; 32];
        bytes[..2].copy_from_slice(&n.to_be_bytes());
        Self::of(KeyData::Ed25519(Ed25519PublicKey(bytes)))
    }

    pub fn p521() -> Self {
        let mut point = [5; 133];
        point[0] = 4;
        Self::of(KeyData::Ecdsa(EcdsaPublicKey::from_sec1_bytes(&point).expect("a point")))
    }

    pub fn rsa(bytes: usize) -> Self {
        let number = |bytes: &[u8]| Mpint::from_positive_bytes(bytes).expect("a number");
        Self::of(KeyData::Rsa(RsaPublicKey { e: number(&[1, 0, 1]), n: number(&vec![0xc5; bytes]) }))
    }

    #[must_use]
    pub fn with_comment(self, comment: &str) -> Self {
        Self { stored: format!("{} {comment}", self.line), ..self }
    }
}
