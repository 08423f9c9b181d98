//! What has expired is deleted, however much of it there is.

use sqlx::AssertSqlSafe;
use tms_portal::server::storage::Database;
use tms_portal::server::storage::sql::{Connection, query, query_scalar};

use crate::app::TestApp;
use crate::database::connection_to;

/// More than two batches.
const ROWS: u32 = 1_200;

/// The columns of an authorization that must have values.
const AUTHORIZATION: &str = "tenant_id, id, client_id, user_id, origin, scope, given_at, given_agent, access_until";

/// Rows that are past their retention: table, columns, values for the number `i`, and how many. `BYTES` stands for a value of bytes.
const OLD: [(&str, &str, &str, u32); 21] = [
    ("browser_sessions", "id_hash, public_id, sealed, last_seen_at, agent, expires_at", "BYTES, 's' || i, BYTES, 0, '', 0", ROWS),
    ("attempts", "key, at", "'k' || i, 0", ROWS),
    ("form_results", "id, created_at", "BYTES, 0", ROWS),
    (
        "device_grants",
        "tenant_id, id, client_id, device_code_hash, user_code_hash, scope, requested_at, requested_agent, expires_at, state, decided_at",
        "'test', 'dgr_denied' || i, 'tms-cli', BYTES, BYTES, 'hosts:read', 0, '', 0, 'denied', 0",
        ROWS,
    ),
    // Approved and not redeemed in time.
    (
        "device_grants",
        "tenant_id, id, client_id, device_code_hash, user_code_hash, scope, requested_at, requested_agent, expires_at, state, decided_at, person, \
         granted_scope, access_until",
        "'test', 'dgr_approved' || i, 'tms-cli', BYTES, BYTES, 'hosts:read', 0, '', 0, 'approved', 0, 'testuser1', 'hosts:read', 0",
        120,
    ),
    // One with many keys that have no expiry of their own.
    (
        "device_grants",
        "tenant_id, id, client_id, device_code_hash, user_code_hash, scope, requested_at, requested_agent, expires_at, state, decided_at, person, \
         granted_scope, access_until, redeemed_at, token_id",
        "'test', 'dgr_many', 'testclient1', BYTES, BYTES, 'hosts:read', 0, '', 0, 'redeemed', 0, 'testuser1', 'hosts:read', 0, 0, 'tok_1'",
        1,
    ),
    ("authorizations", AUTHORIZATION, "'test', 'dgr_approved' || i, 'tms-cli', 'testuser1', 'device', 'hosts:read', 0, '', 0", 120),
    ("authorizations", AUTHORIZATION, "'test', 'dgr_many', 'testclient1', 'testuser1', 'device', 'hosts:read', 0, '', 0", 1),
    ("authorizations", AUTHORIZATION, "'test', 'aut_old' || i, 'tms-cli', 'testuser1', 'code', 'hosts:read', 0, '', 0", ROWS),
    // Those of an authorization that stays.
    (
        "token_families",
        "tenant_id, id, authorization_id, client_id, scope, salt, rotated_at, offline, begun_at, begun_agent, ended_at, end_reason",
        "'test', 'fam_old' || i, (SELECT max(id) FROM authorizations WHERE access_until > 0), 'tms-cli', 'hosts:read', \
         (SELECT salt FROM token_families LIMIT 1), 0, true, 0, '', 0, 'client'",
        ROWS,
    ),
    (
        "delegations",
        "tenant_id, id, client_id, user_id, device_grant_id, scope, every_host_account, created_at, expires_at, number",
        "'test', 'dlg_old' || i, 'tms-cli', 'testuser1', 'aut_old' || i, 'hosts:read', true, 0, 0, 900000 + i",
        ROWS,
    ),
    (
        "pubkeys",
        "tenant_id, client_id, user_id, host, account, device_grant_id, fingerprint, public_key, key_type, key_bits, max_uses, \
         initial_ttl_minutes, expires_at, created_at, updated_at",
        "'test', 'testclient1', 'testuser1', 'testhost1', 'testhostaccount1', 'dgr_many', 'of the grant' || i, 'k', 'ed25519', 256, 1, 1, \
         253402300799000, 0, 0",
        ROWS,
    ),
    (
        "pubkeys",
        "tenant_id, client_id, user_id, host, account, fingerprint, public_key, key_type, key_bits, max_uses, initial_ttl_minutes, expires_at, \
         created_at, updated_at",
        "'test', 'testclient1', 'testuser1', 'testhost1', 'testhostaccount1', 'expired' || i, 'k', 'ed25519', 256, 1, 1, 0, 0, 0",
        ROWS,
    ),
    (
        "reservations",
        "tenant_id, resid, number, parent_resid, client_id, pubkey, expires_at, created_at, updated_at",
        "'test', 'r' || i, 900000 + i, 'r' || i, 'testclient1', (SELECT number FROM pubkeys WHERE fingerprint = 'expired1'), 0, 0, 0",
        ROWS,
    ),
    (
        "authorization_requests",
        "tenant_id, id, handle_hash, client_id, pushed, content_sealed, requested_at, requested_agent, expires_at, state",
        "'test', 'arq_unopened' || i, BYTES, 'tms-cli', false, BYTES, 0, '', 0, 'waiting'",
        ROWS,
    ),
    (
        "authorization_requests",
        "tenant_id, id, handle_hash, client_id, pushed, content_sealed, requested_at, requested_agent, expires_at, opened_session, state, decided_at",
        "'test', 'arq_denied' || i, BYTES, 'tms-cli', false, BYTES, 0, '', 0, 'ses_1', 'refused', 0",
        ROWS,
    ),
    (
        "link_requests",
        "tenant_id, host, account, id, uid, secret_hash, user_code_hash, asked_at, expires_at, state",
        "'test', 'frontera', 'a' || i, 'lnk_' || i, 1001, BYTES, BYTES, 0, 0, 'waiting'",
        ROWS,
    ),
    (
        "refused_lookups",
        "number, tenant_id, host, account, fingerprint, reason, key_known, first_at, last_at, times",
        "900000 + i, 'test', 'testhost1', 'a' || i, 'f', 'unknown_key', false, 0, 0, 1",
        ROWS,
    ),
    ("invitations", "tenant_id, code_hash, user_id, expires_at", "'test', BYTES, 'testuser1', 0", ROWS),
    ("notifications", "id, tenant_id, user_id, kind, at", "900000 + i, 'test', 'testuser1', 'new_network', 0", ROWS),
    ("mail_outbox", "notification_id, tenant_id, user_id, created_at, due_at", "900000 + i, 'test', 'testuser1', 0, 0", ROWS),
];

/// `kind`: the number of the kind of rows, so that no two have the same bytes.
async fn insert(app: &TestApp, db: &mut Connection, kind: usize, (table, columns, values, rows): (&str, &str, &str, u32)) {
    let bytes = match app.database {
        Database::File(_) => format!("CAST('{kind} ' || i AS BLOB)"),
        Database::Postgres(_) => format!("convert_to('{kind} ' || i, 'UTF8')"),
    };
    let statement = format!(
        "INSERT INTO {table} ({columns}) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) SELECT {} FROM n",
        values.replace("BYTES", &bytes)
    );
    query(AssertSqlSafe(statement.clone())).execute(db).await.expect(&statement);
}

async fn counts(db: &mut Connection) -> Vec<(&'static str, i64)> {
    let mut counts = Vec::new();
    for (table, ..) in OLD {
        counts.push((table, query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM {table}"))).fetch_one(&mut *db).await.expect("a number")));
    }
    counts
}

#[tokio::test]
async fn everything_past_its_retention_is_deleted() {
    let app = TestApp::start().await;
    app.host(&app.admin("test").await, "test", "frontera", false).await;
    app.token().await;
    let mut db = connection_to(&app.database).await;
    let before = counts(&mut db).await;
    for (kind, rows) in OLD.into_iter().enumerate() {
        insert(&app, &mut db, kind, rows).await;
    }
    let networks = ("sign_in_networks", "tenant_id, user_id, network, last_seen_at", "'test', 'testuser1', 'n' || i, i", ROWS);
    insert(&app, &mut db, OLD.len(), networks).await;
    app.services.run_housekeeping().await.expect("tidied");
    assert_eq!(counts(&mut db).await, before);
    assert_eq!(app.number("SELECT count(*) FROM sign_in_networks").await, 1, "a person's last network stays");
    assert_eq!(app.number("SELECT count(*) FROM activity WHERE kind = 'device_lapsed'").await, 120);
}
