//! Documents that list what the program has are complete.

use std::collections::BTreeMap;
use std::path::Path;

use tms_portal::domain::audit_log::AuditKind;
use tms_portal::server::service::DATABASE_FILE;
use tms_portal::server::storage::sql::query_scalar;
use tms_portal::server::storage::{Database, Storage};

use crate::database::connection_to;

/// The rows of the document's tables whose first cell is code: that, and the other cells.
fn rows(document: &str) -> BTreeMap<String, Vec<String>> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(document)).expect("a document");
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let mut found = BTreeMap::new();
    for mut cells in text.lines().filter(|line| line.starts_with("| `")).map(cells) {
        let first = cells.remove(0).trim_matches('`').to_owned();
        assert!(cells.iter().all(|cell| !cell.is_empty()), "{document}: {first} has an empty cell");
        assert!(found.insert(first.clone(), cells).is_none(), "{document} lists {first} twice");
    }
    found
}

#[test]
fn every_kind_of_event_is_documented_with_its_retention() {
    let documented = rows("audit-events.md");
    let kinds: Vec<&str> = AuditKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let unknown: Vec<&String> = documented.keys().filter(|kind| !kinds.contains(&kind.as_str())).collect();
    assert!(unknown.is_empty(), "not in the program: {unknown:?}");
    for kind in AuditKind::ALL {
        let row = documented.get(kind.as_str()).unwrap_or_else(|| panic!("docs/audit-events.md lacks {}", kind.as_str()));
        let longer = if kind.is_security_relevant() { "longer" } else { "–" };
        assert_eq!(row.last().map(String::as_str), Some(longer), "{}", kind.as_str());
    }
}

/// Each table is listed, as one with personal data or without.
#[tokio::test]
async fn every_table_is_in_the_list_of_personal_data() {
    let dir = tempfile::tempdir().expect("a folder");
    let database = Database::File(dir.path().join(DATABASE_FILE));
    Storage::open(&database, true).await.expect("a database").close().await;
    let query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND name NOT GLOB '_sqlx*' ORDER BY name";
    let tables: Vec<String> = query_scalar(query).fetch_all(&mut connection_to(&database).await).await.expect("tables");
    let documented: Vec<String> = rows("privacy.md").into_keys().collect();
    assert_eq!(documented, tables);
}
