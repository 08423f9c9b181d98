//! Imports after the first: what they end, and what they leave.

use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use tms_portal::domain::ids::TenantId;
use tms_portal::server::service::platform::keystore::RotatedKey;
use tms_portal::server::service::tms_import::options::{ImportOptions, OldSettings, Secrets};
use tms_portal::server::service::tms_import::{Mode, Outcome};
use tms_portal::server::state::RequestLimits;

use super::old::{NEVER, Old, secret_hash};
use crate::app::{TestApp, admin_secret, no_limits, number};

const FIRST: &str = "f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1";
const SECOND: &str = "f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2";
const NEXT: &str = "b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3";
const DEFAULT: &str = "d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4";
/// Administrators of `tacc` who have not used their imported secrets.
const UNUSED: &str = "SELECT count(*) FROM tenant_admins WHERE tenant_id = 'tacc' AND imported_secret_hash IS NOT NULL";

/// A database with these administrators, each with tenant, id and secret. `person` distinguishes it from others.
async fn database(person: &str, tacc_enabled: &str, admins: &[(&str, &str, &str)]) -> (TempDir, PathBuf) {
    let mut old = Old::default();
    for (id, tenant, enabled) in [("1", "default", "1"), ("2", "tacc", tacc_enabled)] {
        old.add("tenants", &[id, tenant, enabled]);
    }
    for (tenant, admin, secret) in admins {
        old.add("admin", &["1", tenant, admin, &secret_hash(secret), "PERM_ADMIN"]);
    }
    old.add("user_mfa", &["1", "tacc", person, NEVER, "1"]);
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("tms.db");
    old.write_sqlite(&file).await;
    (dir, file)
}

async fn status(app: &TestApp, tenant: &str, admin: &str, secret: &str) -> u16 {
    app.admin_of(tenant, admin, secret).get("/usermfa/list").await.status
}

/// A canary is imported into every night: a secret that was changed or removed at the old server is not valid here any more, used or not.
#[tokio::test]
async fn secrets_that_the_next_file_does_not_have_are_not_valid_any_more() {
    let app = TestApp::start().await;
    let first = [("tacc", "~~admin", FIRST), ("tacc", "second", SECOND), ("tacc", "third", SECOND), ("default", "~~admin", DEFAULT)];
    let (_first_dir, first) = database("one", "1", &first).await;
    app.imported(&first, &ImportOptions::default()).await;
    let own = admin_secret("default").await;
    for (tenant, admin, secret) in
        [("tacc", "~~admin", FIRST), ("tacc", "second", SECOND), ("default", "~~admin", DEFAULT), ("default", "~~admin", own.as_str())]
    {
        assert_eq!(status(&app, tenant, admin, secret).await, 200, "{admin} of {tenant}");
    }
    app.wait_for(UNUSED, 1).await;
    app.wait_for("SELECT count(*) FROM activity WHERE kind = 'imported_secret_used'", 3).await;
    // The first use of a secret is recorded at most once a minute.
    app.clock.advance(Duration::from_secs(120));

    let (_next_dir, next) = database("two", "1", &[("tacc", "~~admin", NEXT)]).await;
    app.imported(&next, &ImportOptions::default()).await;
    for (tenant, admin, secret, expected) in [
        ("tacc", "~~admin", FIRST, 401),
        ("tacc", "second", SECOND, 401),
        ("tacc", "third", SECOND, 401),
        ("default", "~~admin", DEFAULT, 401),
        ("default", "~~admin", own.as_str(), 200),
        ("tacc", "~~admin", NEXT, 200),
    ] {
        assert_eq!(status(&app, tenant, admin, secret).await, expected, "{admin} of {tenant} {secret}");
    }
    assert_eq!(app.texts("SELECT admin_id FROM tenant_admins WHERE tenant_id = 'tacc'").await, ["~~admin"]);

    app.wait_for(UNUSED, 0).await;
    let (_new_dir, new) = database("three", "1", &[("tacc", "~~admin", NEXT)]).await;
    app.imported(&new, &ImportOptions { secrets: Secrets::New, ..ImportOptions::default() }).await;
    assert_eq!(status(&app, "tacc", "~~admin", NEXT).await, 401, "all need new secrets");
    assert_eq!(status(&app, "default", "~~admin", &own).await, 200);
}

/// The rotation stores the secret under another key; it is still the imported one.
#[tokio::test]
async fn imported_secret_ends_with_the_next_import_also_after_a_rotation_of_keys() {
    let app = TestApp::start().await;
    let (_first_dir, first) = database("one", "1", &[("tacc", "~~admin", FIRST), ("tacc", "second", SECOND)]).await;
    app.imported(&first, &ImportOptions::default()).await;
    assert_eq!(status(&app, "tacc", "second", SECOND).await, 200);
    app.wait_for("SELECT count(*) FROM activity WHERE kind = 'imported_secret_used'", 1).await;
    app.clock.advance(Duration::from_secs(120));
    app.services.prepare_key(RotatedKey::Codes).await.expect("prepared");
    assert!(app.services.activate_key(RotatedKey::Codes).await.expect("activated"));
    assert_eq!(status(&app, "tacc", "second", SECOND).await, 200);
    // A hash under a later key has a mark of eight bytes.
    app.wait_for("SELECT count(*) FROM tenant_admins WHERE tenant_id = 'tacc' AND length(secret_hash) = 40", 1).await;

    let (_next_dir, next) = database("two", "1", &[("tacc", "~~admin", FIRST)]).await;
    app.imported(&next, &ImportOptions::default()).await;
    assert_eq!(status(&app, "tacc", "second", SECOND).await, 401);
    assert_eq!(status(&app, "tacc", "~~admin", FIRST).await, 200);
}

#[tokio::test]
async fn tenant_that_was_disabled_here_stays_disabled() {
    let app = TestApp::start().await;
    let enabled = "SELECT concat(CAST(enabled AS INTEGER), ' ', CAST(open_registration AS INTEGER)) FROM tenants WHERE id = 'tacc'";
    let (_off_dir, off) = database("zero", "0", &[]).await;
    app.imported(&off, &ImportOptions::default()).await;
    assert_eq!(app.texts(enabled).await, ["0 0"]);
    let (_first_dir, first) = database("one", "1", &[]).await;
    app.imported(&first, &ImportOptions::default()).await;
    assert_eq!(app.texts(enabled).await, ["1 0"], "it was disabled by the import, not here");
    app.change_tenant("tacc", |tenant| tenant.policy.open_registration = true).await;
    let (operator, tacc) = (app.operator("default").await, TenantId::parse("tacc").expect("a tenant"));
    assert!(app.services.set_tenant_enabled(&operator, &tacc, false).await.expect("disabled"));
    let (_next_dir, next) = database("two", "1", &[]).await;
    let settings = OldSettings::parse("enable_mvp = true").ok();
    let report = app.imported(&next, &ImportOptions { settings, ..ImportOptions::default() }).await;
    assert_eq!(app.texts(enabled).await, ["0 1"]);
    for note in ["the tenant tacc was disabled here; it stays disabled", "the settings of the tenant tacc were changed here"] {
        assert!(report.notes.iter().any(|line| line.starts_with(note)), "{:?}", report.notes);
    }
}

/// What anyone can cause without a secret does not prevent another import.
#[tokio::test]
async fn wrong_secrets_do_not_prevent_the_next_import() {
    let app = TestApp::start_with(RequestLimits { wrong_secrets: number(3), ..no_limits() }).await;
    let (_first_dir, first) = database("one", "1", &[("tacc", "~~admin", FIRST)]).await;
    app.imported(&first, &ImportOptions::default()).await;
    for _ in 0..5 {
        status(&app, "tacc", "~~admin", "wrong").await;
    }
    app.wait_for("SELECT count(*) FROM activity WHERE tenant_id = 'tacc' AND kind = 'secret_guessing_stopped'", 1).await;
    let (_next_dir, next) = database("two", "1", &[("tacc", "~~admin", FIRST)]).await;
    let (outcome, report) = app.import(&next, &ImportOptions::default(), Mode::Write).await.expect("a report");
    assert_eq!(outcome, Outcome::Written, "{:?}", report.obstacles);
}
