//! `tms-portal person export` and `person erase`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use tms_portal::domain::ids::UserId;

use super::{Deployment, sql, text};
use crate::app::{PASSWORD, TestApp};
use crate::tms::api::login;

const ROWS: [&str; 4] = [
    "INSERT INTO notifications (tenant_id, user_id, kind, at, from_address) VALUES ('test', 'testuser1', 'new_network', 1, '192.0.2.1')",
    "INSERT INTO sign_in_networks (tenant_id, user_id, network, last_seen_at) VALUES ('test', 'testuser1', '192.0.2.0/24', 1)",
    "INSERT INTO refused_lookups (number, tenant_id, host, account, fingerprint, reason, key_known, user_id, first_at, last_at, times)
     VALUES (900001, 'test', 'testhost1', 'a', 'f', 'unknown_key', false, 'testuser1', 1, 1, 1)",
    "INSERT INTO attempts (key, at) VALUES ('password account test/testuser1', 1795176000000), ('password account test/testuser12', 1795176000000)",
];

/// A portal where the test person has something of each kind, as an administrator too.
async fn portal_with_data() -> TestApp {
    let app = TestApp::start().await;
    for rows in ROWS {
        app.sql(rows).await;
    }
    app.add_person("test", "eve").await;
    app.signed_in().await.post("/api/admin/people/change", &[("user", "eve"), ("change", "open-mfa")]).await;
    app
}

fn test_person() -> UserId {
    UserId::parse("testuser1").expect("a person")
}

#[tokio::test]
async fn erased_person_can_do_nothing_and_is_named_nowhere() {
    let app = portal_with_data().await;
    let (token, browser) = (app.token().await, app.signed_in().await);
    let waiting = app.start_device().await;
    browser.enter(&waiting.user_code).await;
    let key = app.client().make_key(json!({})).await;
    assert!(app.unauthenticated().gets_key(&login(&key)).await);
    let events = app.number("SELECT count(*) FROM activity").await;
    let erased = app.services.erase_person(&app.operator("test").await, &test_person()).await.expect("erased");

    assert_eq!(app.texts("SELECT key FROM attempts WHERE key LIKE '%testuser1%'").await, ["password account test/testuser12"], "another account's");
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 401);
    assert!(!app.unauthenticated().gets_key(&login(&key)).await);
    assert_eq!(browser.get("/keys").await.path, "/sign-in");
    assert_eq!(app.browser().sign_in("test", "testuser1", PASSWORD).await.status, 422);
    assert_ne!(app.poll(&waiting).await.status, 200);
    for (table, rows) in app.dump("test").await {
        let naming: Vec<_> = rows.into_iter().filter(|row| row.contains("testuser1") && !row.contains("testuser12")).collect();
        assert!(naming.is_empty(), "{table}: {naming:?}");
    }
    assert_eq!(app.number("SELECT count(*) FROM refused_lookups WHERE user_id IS NOT NULL").await, 0);
    assert!(app.number("SELECT count(*) FROM activity").await > events, "events stay");
    assert!(erased.pseudonym.starts_with("erased:") && erased.rows > 8 && erased.events > 3, "{} {}", erased.rows, erased.events);
    let under = |column: &str, name: &str| {
        format!("SELECT concat(count(*), ' ', count(from_address), ' ', count(account)) FROM activity WHERE {column} = '{name}'")
    };
    for (column, name) in [("user_id", erased.pseudonym.clone()), ("admin_id", erased.pseudonym.clone())] {
        let query: &'static str = under(column, &name).leak();
        let counts = app.texts(query).await.remove(0);
        assert!(!counts.starts_with("0 ") && counts.ends_with(" 0 0"), "{column}: {counts}");
    }
    let last = "SELECT concat(kind, ' ', coalesce(user_id, '-'), ' ', subject, ' ', admin_id) FROM activity ORDER BY id DESC LIMIT 1";
    assert_eq!(app.texts(last).await, [format!("person_erased - {} operator:", erased.pseudonym)]);
    assert!(app.number("SELECT count(*) FROM activity WHERE subject LIKE 'SHA256:%'").await > 0, "fingerprints of keys stay");
    let eve = UserId::parse("eve").expect("a person");
    app.services.set_admin_role(&app.operator("test").await, &eve, true).await.expect("an administrator");
    let page = app.signed_in_as("test", "eve", PASSWORD).await.get("/admin/activity").await;
    assert!(page.says(&erased.pseudonym) && !page.says("user=erased") && !page.says("user=person"), "{}", page.words());
}

#[tokio::test]
async fn name_that_is_registered_again_inherits_nothing() {
    let app = portal_with_data().await;
    let token = app.token().await;
    app.client().make_key(json!({})).await;
    let operator = app.operator("test").await;
    let first = app.services.erase_person(&operator, &test_person()).await.expect("erased").pseudonym;
    app.add_person("test", "testuser1").await;
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 401);
    let data = app.services.personal_data(&operator, &test_person()).await.expect("read").expect("a person");
    let kept: Vec<&str> = data.iter().filter(|section| !section.rows.is_empty()).map(|section| section.name).collect();
    assert_eq!(kept, ["account"]);
    let events = app.services.export_audit_events(&operator.audit_log_of(&test_person()), 0, i64::MAX).await.expect("events");
    assert_eq!(events.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>(), ["person_added"]);
    assert_eq!(app.signed_in().await.get("/admin").await.status, 404, "no administrator any more");
    let second = app.services.erase_person(&operator, &test_person()).await.expect("erased").pseudonym;
    assert_ne!(first, second);
}

/// An administrator of the deployment acts in other tenants too.
#[tokio::test]
async fn deployment_administrator_is_named_in_no_tenant() {
    let app = TestApp::start().await;
    app.add_dora().await;
    for insert in [
        "INSERT INTO activity (tenant_id, at, kind, admin_id, from_address) VALUES ('test', 1, 'tenant_changed', 'person:dora', '192.0.2.1')",
        "INSERT INTO activity (tenant_id, at, kind, admin_id) VALUES ('test', 1, 'host_added', 'dora')",
    ] {
        app.sql(insert).await;
    }
    let dora = UserId::parse("dora").expect("a person");
    app.services.erase_person(&app.operator("default").await, &dora).await.expect("erased");
    assert_eq!(app.number("SELECT count(*) FROM activity WHERE admin_id = 'person:dora' OR user_id = 'dora' OR from_address = '192.0.2.1'").await, 0);
    assert_eq!(app.number("SELECT count(*) FROM activity WHERE admin_id = 'dora'").await, 1, "the administrator of the API with that name");
}

/// More than two batches of keys and of events.
#[tokio::test]
async fn person_with_many_rows_is_erased() {
    let app = TestApp::start().await;
    app.sql(
        "INSERT INTO pubkeys (tenant_id, client_id, user_id, host, account, fingerprint, public_key, key_type, key_bits, max_uses,
                              initial_ttl_minutes, expires_at, created_at, updated_at)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
         SELECT 'test', 'testclient1', 'testuser1', 'testhost1', 'testhostaccount1', 'f' || i, 'k', 'ed25519', 256, 1, 1, 253402300799000, 0, 0 FROM n",
    )
    .await;
    app.sql(
        "INSERT INTO activity (tenant_id, at, kind, user_id)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200) SELECT 'test', i, 'key_used', 'testuser1' FROM n",
    )
    .await;
    let erased = app.services.erase_person(&app.operator("test").await, &test_person()).await.expect("erased");
    assert!(erased.rows > 1_200 && erased.events >= 1_200, "{} {}", erased.rows, erased.events);
    assert_eq!(app.number("SELECT count(*) FROM pubkeys WHERE user_id = 'testuser1'").await, 0);
}

#[tokio::test]
async fn command_erases_only_with_yes() {
    let deployment = Deployment::set_up().await;
    let erase = |more: &[&str]| deployment.run(&[&["person", "erase", "--tenant", "test", "testuser1"], more].concat());
    let people = "SELECT concat(count(*)) FROM people WHERE tenant_id = 'test' AND user_id = 'testuser1' AND enabled";
    let dry = erase(&[]);
    assert_eq!(dry.code, Some(11), "{}", dry.err);
    assert!(dry.out.contains("This would remove testuser1 from tenant test:") && dry.out.contains("1  host accounts"), "{}", dry.out);
    assert_eq!(text(&deployment, people).await, "1");
    let done = erase(&["--yes"]);
    assert!(done.code == Some(0) && done.out.starts_with("testuser1 has been erased: "), "{} {}", done.out, done.err);
    assert_eq!(text(&deployment, people).await, "0");
    for more in [&[][..], &["--yes"]] {
        let again = erase(more);
        assert_eq!((again.code, again.err.as_str()), (Some(1), "tms-portal: the tenant has no person of that name\n"));
    }
}

#[tokio::test]
async fn command_exports_all_sections_without_secrets() {
    let deployment = Deployment::set_up().await;
    for rows in ROWS {
        sql(&deployment, rows).await;
    }
    let export = |to: &str| deployment.run(&["person", "export", "--tenant", "test", "testuser1", "--to", to]);
    let said = export("person.json");
    assert_eq!(said.code, Some(0), "{}", said.err);
    let file = deployment.path().join("person.json");
    assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    let written = fs::read_to_string(&file).expect("read");
    let data: Value = serde_json::from_str(&written).expect("JSON");
    assert_eq!((&data["tenant"], &data["person"], &data["account"][0]["enabled"]), (&json!("test"), &json!("testuser1"), &json!(true)));
    assert_eq!(data["account"][0]["password"], json!(true), "only that there is one");
    assert_eq!((&data["host_accounts"][0]["account"], &data["notifications"][0]["from"]), (&json!("testhostaccount1"), &json!("192.0.2.1")));
    assert_eq!(data["sign_in_networks"][0]["last_seen_at"], json!("1970-01-01T00:00:00+00:00"));
    assert_eq!(data["failed_attempts"].as_array().map(Vec::len), Some(1), "not those at another account");
    assert!(data["activity"].is_array() && !written.contains("$argon2"), "{written}");
    let again = export("person.json");
    assert!(again.code == Some(1) && again.err.contains("--to person.json: "), "{}", again.err);
    let printed: Value = serde_json::from_str(&export("-").out).expect("JSON");
    assert_eq!(printed["host_accounts"], data["host_accounts"]);
    let unknown = deployment.run(&["person", "export", "--tenant", "test", "nobody", "--to", "x.json"]);
    assert_eq!((unknown.code, unknown.err.as_str()), (Some(1), "tms-portal: the tenant has no person of that name\n"));
    assert!(!deployment.path().join("x.json").exists());
}
