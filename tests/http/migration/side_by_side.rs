//! Portals of two releases on one PostgreSQL database: the previous one knows device grants only. Its statements are run as it would.

use serde_json::json;
use sqlx::AssertSqlSafe;
use tms_portal::server::storage::sql::query;

use crate::app::TestApp;
use crate::database::connection_to;
use crate::oauth::CONFIDENTIAL;
use crate::postgres::{self, TestDatabase};
use crate::tms::api::{EVERYTHING, login};
use crate::tms::endpoints::OWN_KEY;

/// Runs a statement of the previous release; `GRANT` is the id of the newest device grant.
async fn as_previous_release(app: &TestApp, statement: &str) {
    let grant = "(SELECT id FROM device_grants ORDER BY requested_at DESC, id DESC LIMIT 1)";
    let statement = statement.replace("GRANT", grant);
    query(AssertSqlSafe(statement.clone())).execute(&mut connection_to(&app.database).await).await.expect(&statement);
}

const APPROVE: [&str; 3] = [
    "UPDATE device_grants SET state = 'approved', claimed_code = NULL, decided_at = 1795176000000, person = 'testuser1', granted_scope = scope,
            access_until = 1795176000000 + 3600000
     WHERE tenant_id = 'test' AND id = GRANT AND state = 'pending'",
    "INSERT INTO delegations (number, tenant_id, id, client_id, user_id, device_grant_id, scope, every_host_account, created_at, updated_at,
                              expires_at, made_by)
     SELECT 4711, tenant_id, 'dlg_previous', client_id, person, id, granted_scope, false, decided_at, decided_at, access_until, 'person'
     FROM device_grants WHERE id = GRANT",
    "INSERT INTO delegation_host_accounts (tenant_id, delegation_id, host_account_id) SELECT tenant_id, 'dlg_previous', id FROM host_accounts",
];

const SHORTEN: [&str; 2] = [
    "UPDATE delegations SET expires_at = 1795176000000 + 60000 WHERE id = 'dlg_previous'",
    "UPDATE device_grants SET access_until = 1795176000000 + 60000 WHERE id = GRANT AND state IN ('approved', 'redeemed')",
];

const WITHDRAW: [&str; 2] = [
    "UPDATE device_grants SET state = 'withdrawn', claimed_code = NULL, decided_at = 1795176000001 WHERE id = GRANT AND state = 'redeemed'",
    "UPDATE delegations SET ended_at = 1795176000001 WHERE device_grant_id = GRANT",
];

async fn app() -> Option<TestApp> {
    if postgres::is_used() {
        return Some(TestApp::start().await);
    }
    // Says that it is skipped.
    TestDatabase::create_empty().await;
    None
}

#[tokio::test]
async fn what_the_previous_release_allows_and_ends_counts_here() {
    let Some(app) = app().await else { return };
    let device = app.start_device_of(&[("client_id", "tms-cli"), ("scope", EVERYTHING)]).await;
    for statement in APPROVE {
        as_previous_release(&app, statement).await;
    }
    let token = app.poll(&device).await.token();
    let api = app.bearer(&token);
    assert_eq!(api.get("/me").await.body["access_until"], "2026-11-20T13:00:00+00:00");
    let key = api.done("POST /me/keys", json!({ "host": "testhost1", "host_account": "testhostaccount1", "public_key": OWN_KEY })).await;
    assert!(app.unauthenticated().gets_key(&login(&key)).await);
    for statement in SHORTEN {
        as_previous_release(&app, statement).await;
    }
    assert_eq!(api.get("/me").await.body["access_until"], "2026-11-20T12:01:00+00:00");
    for statement in WITHDRAW {
        as_previous_release(&app, statement).await;
    }
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 401);
    assert!(!app.unauthenticated().gets_key(&login(&key)).await);
    let ended = "SELECT concat_ws(' ', a.end_reason, f.end_reason) FROM authorizations a JOIN token_families f ON f.authorization_id = a.id";
    assert_eq!(app.texts(ended).await, ["unrecorded authorization"]);
}

#[tokio::test]
async fn token_issued_by_the_previous_release_has_a_family() {
    let Some(app) = app().await else { return };
    app.start_device().await;
    for statement in APPROVE {
        as_previous_release(&app, statement).await;
    }
    as_previous_release(
        &app,
        "UPDATE device_grants SET state = 'redeemed', redeemed_at = 1795176000000, redeemed_from = '192.0.2.7', token_id = 'tok_previous'
         WHERE id = GRANT AND state = 'approved'",
    )
    .await;
    let family = "SELECT concat_ws(' ', id, scope, begun_at, begun_from, begun_agent, offline, length(salt)) FROM token_families";
    assert_eq!(app.texts(family).await, ["tok_previous hosts:read 1795176000000 192.0.2.7 curl/8.9 t 32"]);
}

/// A token is accepted by the previous release if its device grant is redeemed and has its `jti`.
#[tokio::test]
async fn what_ends_here_counts_at_the_previous_release() {
    let Some(app) = app().await else { return };
    let accepted = "SELECT count(*) FROM device_grants g JOIN token_families f ON f.id = g.token_id WHERE g.state = 'redeemed'";
    let revoke = async |form: &[(&str, &str)]| assert_eq!(app.send("/oauth/revoke", form).await.status, 200);

    let token = app.token().await;
    assert_eq!(app.number(accepted).await, 1);
    let number = app.number("SELECT max(number) FROM delegations").await.to_string();
    app.signed_in().await.post("/api/apps/change", &[("app", &number), ("ends", "3600")]).await;
    assert_eq!(app.number("SELECT access_until - 1795176000000 FROM device_grants").await, 3_600_000);
    revoke(&[("client_id", "tms-cli"), ("token", &token)]).await;
    assert_eq!(app.number(accepted).await, 0);

    let device = app.start_confidential_device().await;
    app.allow(&device).await;
    let token = app.poll_confidentially(&device).await.token();
    assert_eq!(app.number(accepted).await, 1);
    revoke(&[("client_id", CONFIDENTIAL.0), ("client_secret", CONFIDENTIAL.1), ("token", &token)]).await;
    assert_eq!(app.number(accepted).await, 0);
    assert_eq!(app.number("SELECT count(*) FROM authorizations WHERE client_id = 'testclient1' AND ended_at IS NULL").await, 1);
}
