//! The two schemas, of SQLite and of PostgreSQL, are the same: tables, columns, keys, references, checks, indexes and first rows. Each
//! schema is read from its database as a set of facts, a text each.

use std::collections::BTreeSet;
use std::path::Path;

use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _};

use crate::migration;
use crate::postgres::{self, TestDatabase};

type Facts = BTreeSet<String>;

/// A column of either database.
struct Column {
    table: String,
    name: String,
    /// `text`, `integer`, `boolean` or `bytes`.
    class: &'static str,
    not_null: bool,
    ignores_case: bool,
    generated: bool,
    default: String,
}

impl Column {
    fn fact(self) -> String {
        let Self { table, name, class, not_null, ignores_case, generated, default } = self;
        let default = match normalized(&default).as_str() {
            "true" => "1".to_owned(),
            "false" => "0".to_owned(),
            default => default.to_owned(),
        };
        let words = [(not_null, "not null"), (ignores_case, "nocase"), (generated, "generated")];
        let words: Vec<&str> = words.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect();
        format!("column {table}.{name} {class} {} default {default}", words.join(" "))
    }
}

/// An expression, without what the two write differently: spaces, parentheses, quotes, types of literals, and `IN`.
fn normalized(expression: &str) -> String {
    let mut text = expression.to_lowercase();
    for kind in ["::text[]", "::text", "::bigint", "::integer"] {
        text = text.replace(kind, "");
    }
    text.retain(|c| !c.is_whitespace() && !"()\"".contains(c));
    text = text.replace("=anyarray[", "in").replace("<>allarray[", "notin").replace(']', "");
    // PostgreSQL quotes large numbers.
    match text.split('\'').collect::<Vec<_>>().as_slice() {
        [before, number, after] if !number.is_empty() && number.chars().all(|c| c.is_ascii_digit()) => format!("{before}{number}{after}"),
        _ => text,
    }
}

/// What is in the parentheses that begin the text, and what follows them.
fn in_parentheses(text: &str) -> (&str, &str) {
    let mut depth = 0_i32;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return (&text[1..at], &text[at + 1..]);
        }
    }
    panic!("no end of {text}")
}

fn without_comments(sql: &str) -> String {
    sql.lines().map(|line| line.split("--").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The conditions of a table's `CHECK`s, without those that make an integer a boolean.
fn checks(sql: &str) -> Vec<&str> {
    let conditions = sql.match_indices("CHECK (").map(|(at, found)| in_parentheses(&sql[at + found.len() - 1..]).0);
    conditions.filter(|condition| !condition.ends_with("IN (0, 1)")).collect()
}

async fn facts_of_sqlite(database: &mut SqliteConnection) -> Facts {
    let mut facts = Facts::new();
    let query = "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_sqlx%' ESCAPE '\\'";
    let tables: Vec<(String, String)> = sqlx::query_as(query).fetch_all(&mut *database).await.expect("tables");
    for (table, sql) in tables {
        let sql = without_comments(&sql);
        let query = "SELECT name, type, \"notnull\", hidden > 1, coalesce(dflt_value, ''), pk FROM pragma_table_xinfo($1) ORDER BY pk";
        let columns: Vec<(String, String, bool, bool, String, i64)> =
            sqlx::query_as(query).bind(&table).fetch_all(&mut *database).await.expect("columns");
        let key: Vec<&str> = columns.iter().filter(|(.., key)| *key > 0).map(|(name, ..)| name.as_str()).collect();
        if !key.is_empty() {
            facts.insert(format!("primary key {table} {}", key.join(",")));
        }
        for (name, kind, not_null, generated, default, _) in columns {
            let class = match kind.as_str() {
                "TEXT" => "text",
                "BLOB" => "bytes",
                "INTEGER" if sql.contains(&format!("CHECK ({name} IN (0, 1))")) => "boolean",
                "INTEGER" => "integer",
                other => panic!("{table}.{name} is {other}"),
            };
            let mut definitions = sql.split(['\n', ',']).map(str::trim).filter(|part| part.split(' ').next() == Some(name.as_str()));
            let ignores_case = definitions.any(|definition| definition.contains("COLLATE NOCASE"));
            facts.insert(Column { table: table.clone(), name, class, not_null, ignores_case, generated, default }.fact());
        }
        facts.extend(checks(&sql).into_iter().map(|condition| format!("check {table} {}", normalized(condition))));
        let query = "SELECT group_concat(\"from\"), \"table\", group_concat(\"to\"), on_delete
                     FROM (SELECT * FROM pragma_foreign_key_list($1) ORDER BY id, seq) GROUP BY id";
        let references: Vec<(String, String, String, String)> =
            sqlx::query_as(query).bind(&table).fetch_all(&mut *database).await.expect("references");
        for (from, to, keys, on_delete) in references {
            let on_delete = if on_delete == "NO ACTION" { String::new() } else { format!("on delete {on_delete}") };
            facts.insert(format!("reference {table} {}", normalized(&format!("foreign key {from} references {to} {keys} {on_delete}"))));
        }
        let query = "SELECT (SELECT group_concat(name) FROM (SELECT name FROM pragma_index_info(l.name) ORDER BY seqno))
                     FROM pragma_index_list($1) l WHERE l.origin = 'u'";
        let uniques: Vec<String> = sqlx::query_scalar(query).bind(&table).fetch_all(&mut *database).await.expect("constraints");
        facts.extend(uniques.into_iter().map(|columns| format!("unique {table} {columns}")));
    }
    let query = "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL";
    let indexes: Vec<(String, String, String)> = sqlx::query_as(query).fetch_all(database).await.expect("indexes");
    facts.extend(indexes.iter().map(|(name, table, sql)| index(name, table, sql)));
    facts
}

fn index(name: &str, table: &str, sql: &str) -> String {
    let unique = if sql.contains("UNIQUE") { " unique" } else { "" };
    let (columns, rest) = in_parentheses(&sql[sql.find('(').expect("columns")..]);
    let condition = rest.trim().strip_prefix("WHERE").unwrap_or_default();
    format!("index {name}{unique} on {table} {} where {}", normalized(columns), normalized(condition))
}

async fn facts_of_postgres(database: &mut PgConnection) -> Facts {
    let mut facts = Facts::new();
    let query = "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, NULL), a.attnotnull, coalesce(l.collname = 'nocase', false),
                        a.attgenerated <> '', coalesce(pg_get_expr(d.adbin, d.adrelid), '')
                 FROM pg_class c
                 JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                 LEFT JOIN pg_collation l ON l.oid = a.attcollation
                 LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
                 WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname NOT LIKE '\\_sqlx%'";
    let columns: Vec<(String, String, String, bool, bool, bool, String)> = sqlx::query_as(query).fetch_all(&mut *database).await.expect("columns");
    for (table, name, kind, not_null, ignores_case, generated, default) in columns {
        let class = match kind.as_str() {
            "text" => "text",
            "bytea" => "bytes",
            "boolean" => "boolean",
            "bigint" => "integer",
            other => panic!("{table}.{name} is {other}"),
        };
        let default = if generated { String::new() } else { default };
        facts.insert(Column { table, name, class, not_null, ignores_case, generated, default }.fact());
    }
    let query = "SELECT c.relname::text, k.contype::text, pg_get_constraintdef(k.oid, true)
                 FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
                 WHERE c.relnamespace = 'public'::regnamespace AND c.relname NOT LIKE '\\_sqlx%'";
    let constraints: Vec<(String, String, String)> = sqlx::query_as(query).fetch_all(&mut *database).await.expect("constraints");
    for (table, kind, definition) in constraints {
        let definition = normalized(&definition);
        let without = |prefix: &str| definition.strip_prefix(prefix).expect("the kind of constraint").to_owned();
        facts.insert(match kind.as_str() {
            "p" => format!("primary key {table} {}", without("primarykey")),
            "u" => format!("unique {table} {}", without("unique")),
            "c" => format!("check {table} {}", without("check")),
            "f" => format!("reference {table} {definition}"),
            other => panic!("{table} has a constraint {other}"),
        });
    }
    let query = "SELECT i.relname::text, c.relname::text, pg_get_indexdef(x.indexrelid)
                 FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
                 WHERE c.relnamespace = 'public'::regnamespace AND c.relname NOT LIKE '\\_sqlx%'
                   AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u'))";
    let indexes: Vec<(String, String, String)> = sqlx::query_as(query).fetch_all(database).await.expect("indexes");
    facts.extend(indexes.iter().map(|(name, table, sql)| index(name, table, sql)));
    facts
}

async fn open_sqlite(dir: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(dir.join("schema.db")).create_if_missing(true);
    let mut database = SqliteConnection::connect_with(&options).await.expect("a database");
    Migrator::new(Path::new(migration::MIGRATIONS)).await.expect("migrations").run(&mut database).await.expect("migrated");
    database
}

#[tokio::test]
async fn both_schemas_are_the_same() {
    let Some(test_database) = TestDatabase::create().await else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let (mut sqlite, mut postgres) = (open_sqlite(dir.path()).await, test_database.connect().await);
    let (left, right) = (facts_of_sqlite(&mut sqlite).await, facts_of_postgres(&mut postgres).await);
    assert!(left.len() > 400, "{left:#?}");
    let only = |one: &Facts, other: &Facts| one.difference(other).cloned().collect::<Vec<_>>();
    let (only_sqlite, only_postgres) = (only(&left, &right), only(&right, &left));
    assert!(only_sqlite.is_empty() && only_postgres.is_empty(), "only SQLite: {only_sqlite:#?}\nonly PostgreSQL: {only_postgres:#?}");
    for table in left.iter().filter_map(|fact| fact.strip_prefix("primary key ")?.split(' ').next()) {
        let query = || AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        let rows: (i64, i64) = (
            sqlx::query_scalar(query()).fetch_one(&mut sqlite).await.expect("a number"),
            sqlx::query_scalar(query()).fetch_one(&mut postgres).await.expect("a number"),
        );
        assert_eq!(rows.0, rows.1, "{table}");
    }
    postgres.close().await.expect("closed");
    test_database.remove().await;
}

#[tokio::test]
async fn migrations_have_the_same_numbers_from_the_baseline_on() {
    let versions = async |folder: &str| {
        let migrator = Migrator::new(Path::new(folder)).await.expect("migrations");
        migrator.iter().map(|migration| migration.version).collect::<Vec<_>>()
    };
    let (sqlite, postgres) = (versions(migration::MIGRATIONS).await, versions(postgres::MIGRATIONS).await);
    let baseline = *postgres.first().expect("a baseline");
    assert_eq!(postgres, sqlite.into_iter().filter(|version| *version >= baseline).collect::<Vec<_>>());
}
