//! Old secrets are valid here, and after their first use stored as all others.

use std::time::Duration;

use serde_json::{Value, json};
use tms_portal::server::service::tms_import::options::{ImportOptions, Secrets};

use super::example::{ADMIN_SECRET, DEFAULT_ADMIN_SECRET, SECRET, example, files, owner};
use super::old::{NEVER, Old, secret_hash};
use crate::app::{TestApp, admin_secret};
use crate::tms::api::ApiClient;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How many clients have an imported secret that was not used.
const UNUSED: &str = "SELECT count(*) FROM clients WHERE client_id = 'tapis' AND tenant_id = 'tacc' AND imported_secret_hash IS NOT NULL";

async fn imported(options: &ImportOptions) -> TestApp {
    let (app, example) = (TestApp::start().await, example());
    let (_dir, files) = files(&example.old).await;
    app.imported(&files[0], options).await;
    app
}

async fn status(client: &ApiClient) -> u16 {
    client.get("/client/tapis").await.status
}

#[tokio::test]
async fn old_secret_is_valid_and_stored_anew_after_its_first_use() {
    let app = imported(&owner("frontera", "tacc")).await;
    let (right, wrong) = (app.client_of("tacc", "tapis", SECRET), app.client_of("tacc", "tapis", &SECRET.replace('4', "5")));
    // What the old database has is no secret.
    let stolen = app.client_of("tacc", "tapis", &secret_hash(SECRET));
    assert_eq!([status(&wrong).await, status(&stolen).await, app.client_of("tacc", "off", SECRET).get("/client/off").await.status], [401; 3]);
    assert_eq!(app.number(UNUSED).await, 1);
    assert_eq!(status(&right).await, 200);
    app.wait_for(UNUSED, 0).await;
    app.wait_for("SELECT count(*) FROM activity WHERE kind = 'imported_secret_used' AND client_id = 'tapis' AND tenant_id = 'tacc'", 1).await;
    // Also after the old secrets have ended.
    app.clock.advance(200 * DAY);
    assert_eq!([status(&right).await, status(&wrong).await, status(&stolen).await], [200, 401, 401]);
    assert_eq!(app.number("SELECT count(*) FROM activity WHERE kind = 'imported_secret_used'").await, 1);
}

#[tokio::test]
async fn old_secret_that_was_not_used_ends() {
    let app = imported(&ImportOptions { secrets: Secrets::Keep(10 * DAY), ..owner("frontera", "tacc") }).await;
    app.clock.advance(10 * DAY);
    assert_eq!(status(&app.client_of("tacc", "tapis", SECRET)).await, 401);
    assert_eq!(app.client_of("other", "tapis", SECRET).get("/client/tapis").await.status, 401);
    let app = imported(&ImportOptions { secrets: Secrets::New, ..owner("frontera", "tacc") }).await;
    assert_eq!(status(&app.client_of("tacc", "tapis", SECRET)).await, 401);
    let unused = app.services.unused_imported_secrets().await.expect("a list");
    assert!(unused.is_empty(), "{unused:?}");
}

#[tokio::test]
async fn rotation_ends_the_old_secret_with_its_overlap() {
    let app = imported(&owner("frontera", "tacc")).await;
    let admin = app.admin_of("tacc", "~~admin", ADMIN_SECRET);
    let new = admin.done("PATCH /client/secret/tapis?overlap_minutes=60", Value::Null).await;
    let (new, old) = (app.client_of("tacc", "tapis", new["client_secret"].as_str().expect("a secret")), app.client_of("tacc", "tapis", SECRET));
    assert_eq!([status(&new).await, status(&old).await], [200; 2]);
    // The use of the old one does not take the place of the new one.
    app.wait_for(UNUSED, 0).await;
    assert_eq!([status(&new).await, status(&old).await], [200; 2]);
    app.clock.advance(Duration::from_secs(60 * 60));
    assert_eq!([status(&new).await, status(&old).await], [200, 401]);
}

#[tokio::test]
async fn old_and_own_secret_of_an_administrator_are_valid_side_by_side() {
    let app = imported(&owner("frontera", "tacc")).await;
    let own = app.admin_of("default", "~~admin", &admin_secret("default").await);
    let old = app.admin_of("default", "~~admin", DEFAULT_ADMIN_SECRET);
    let unused = "SELECT count(*) FROM tenant_admins WHERE tenant_id = 'default' AND imported_secret_hash IS NOT NULL";
    assert_eq!(app.number(unused).await, 1);
    for _ in 0..2 {
        assert_eq!([own.get("/usermfa/list").await.status, old.get("/usermfa/list").await.status], [200; 2]);
        app.wait_for(unused, 0).await;
    }
    app.clock.advance(180 * DAY);
    assert_eq!([own.get("/usermfa/list").await.status, old.get("/usermfa/list").await.status], [200, 401], "the old one has its end");
}

#[tokio::test]
async fn published_and_malformed_secrets_are_not_imported() {
    let (app, mut old, dir) = (TestApp::start().await, Old::default(), tempfile::tempdir().expect("a folder"));
    old.add("tenants", &["1", "default", "1"]);
    for (id, client, stored) in
        [("1", "published", secret_hash("secret1")), ("2", "empty", String::new()), ("3", "upper", secret_hash(SECRET).to_uppercase())]
    {
        old.add("clients", &[id, "default", client, "1", client, &stored, "1"]);
    }
    old.add("user_mfa", &["1", "default", "jdoe", NEVER, "1"]);
    let file = dir.path().join("tms.db");
    old.write_sqlite(&file).await;
    let report = app.imported(&file, &ImportOptions::default()).await;
    let note = "need a new secret: client empty of default, client published of default, client upper of default";
    assert!(report.notes.iter().any(|line| line == note), "{:?}", report.notes);
    for (client, secret) in [("published", "secret1"), ("empty", "x"), ("upper", SECRET)] {
        assert_eq!(app.client_of("default", client, secret).get(&format!("/client/{client}")).await.status, 401, "{client}");
    }
    let admin = app.admin("default").await;
    let new = admin.done("PATCH /client/secret/published", Value::Null).await;
    let client = app.client_of("default", "published", new["client_secret"].as_str().expect("a secret"));
    assert_eq!(client.get("/client/published").await.body["client_id"], json!("published"));
}
