//! What the operator decides, and imports after the first.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use tms_portal::domain::ids::TenantId;
use tms_portal::server::service::tms_import::options::{ImportOptions, OldSettings};
use tms_portal::server::service::tms_import::{Mode, Outcome};

use super::example::{ADMIN_SECRET, FREE, SECRET, example, files, owner};
use super::old::{MVP, NEVER, TestKey};
use super::with_reason;
use crate::app::{PASSWORD, TestApp};

#[tokio::test]
async fn host_of_several_tenants_must_be_assigned() {
    let (app, example) = (TestApp::start().await, example());
    let (_dir, files) = files(&example.old).await;
    let obstacles = app.obstacles(&files[0], &ImportOptions::default()).await;
    assert!(obstacles.contains("the host frontera has keys of") && obstacles.contains("--host-owner frontera=TENANT"), "{obstacles}");
    assert_eq!(app.texts("SELECT id FROM tenants ORDER BY id").await, ["default", "test"], "nothing was written");
    let nowhere = app.obstacles(&files[0], &owner("frontera", "nowhere")).await;
    assert!(nowhere.contains("there is no tenant nowhere"), "{nowhere}");
    let report = app.imported(&files[0], &owner("frontera", "other")).await;
    assert!(with_reason(&report, "host owned by another tenant").contains(&example.fingerprint("K1").to_owned()));
    assert!(app.retrieve("jo", "frontera", example.fingerprint("other")).await.is_some());
    assert!(app.retrieve("jdoe", "frontera", example.fingerprint("K1")).await.is_none());
}

#[tokio::test]
async fn tenants_are_selected_and_renamed() {
    let (app, mut example) = (TestApp::start().await, example());
    example.old.add("tenants", &["5", "bad tenant", "1"]);
    let (_dir, files) = files(&example.old).await;
    let obstacles = app.obstacles(&files[1], &owner("frontera", "tacc")).await;
    assert!(obstacles.contains("\"bad tenant\" needs another name"), "{obstacles}");
    let to = |name: &str| TenantId::parse(name).expect("a tenant");
    let twice = ImportOptions { tenants: BTreeMap::from([("bad tenant".to_owned(), to("tacc"))]), ..owner("frontera", "tacc") };
    assert!(app.obstacles(&files[1], &twice).await.contains("two tenants would be called tacc"));
    let test = ImportOptions { only_tenants: vec!["test".to_owned(), "typo".to_owned()], ..ImportOptions::default() };
    let obstacles = app.obstacles(&files[1], &test).await;
    assert!(obstacles.contains("the tenant test is in use here") && obstacles.contains("no tenant typo"), "{obstacles}");
    let only = ImportOptions {
        only_tenants: vec!["tacc".to_owned()],
        tenants: BTreeMap::from([("tacc".to_owned(), to("centre"))]),
        settings: OldSettings::parse("enable_mvp = true\nnew_clients = \"allow\"").ok(),
        keep_open_registration: true,
        ..ImportOptions::default()
    };
    let report = app.imported(&files[1], &only).await;
    assert_eq!(report.tenants, [("tacc".to_owned(), "centre".to_owned())]);
    assert_eq!(app.texts("SELECT id FROM tenants ORDER BY id").await, ["centre", "default", "test"]);
    let policy = "SELECT concat_ws(' ', CAST(mvp AS INTEGER), CAST(open_registration AS INTEGER)) FROM tenants WHERE id = 'centre'";
    assert_eq!(app.texts(policy).await, ["1 0"], "clients could not be registered while MVP was on");
}

#[tokio::test]
async fn missing_rows_are_created_on_request() {
    let (app, example) = (TestApp::start().await, example());
    let (_dir, files) = files(&example.old).await;
    let report = app.imported(&files[0], &ImportOptions { mend: true, ..owner("frontera", "tacc") }).await;
    assert!(with_reason(&report, "without client").is_empty());
    assert!(app.retrieve("jdoe", "frontera", example.fingerprint("K11")).await.is_some());
    assert_eq!(app.client_of("tacc", "ghost", SECRET).get("/client/ghost").await.status, 401, "it has no secret");
    assert!(app.retrieve("jdoe", "frontera", example.fingerprint("K13")).await.is_none(), "a name that is refused stays so");
}

#[tokio::test]
async fn what_has_expired_is_valid_during_the_grace_period() {
    let (app, example) = (TestApp::start().await, example());
    let (_dir, files) = files(&example.old).await;
    let grace = Duration::from_secs(14 * 24 * 60 * 60);
    let report = app.imported(&files[0], &ImportOptions { grace: Some(grace), ..owner("frontera", "tacc") }).await;
    for reason in ["expired", "no uses", "mfa ended", "link ended", "delegation ended"] {
        assert!(with_reason(&report, reason).is_empty(), "{reason}");
    }
    for (account, host, name) in [
        ("jdoe", "frontera", "K5"),
        ("jdoe", "frontera", "K6"),
        ("late@tacc", "frontera", "K15"),
        ("jd", "vista", "vista"),
        ("jdoe", "frontera", "K18"),
    ] {
        assert!(app.retrieve(account, host, example.fingerprint(name)).await.is_some(), "{name}");
    }
    assert_eq!(with_reason(&report, "client off"), example.fingerprints(&["K12"]), "what was switched off stays off");
    app.clock.advance(grace);
    assert!(app.retrieve("jdoe", "frontera", example.fingerprint("K6")).await.is_none());
}

#[tokio::test]
async fn same_file_is_imported_once_and_another_one_replaces_it() {
    let (app, mut example) = (TestApp::start().await, example());
    let (_dir, files) = files(&example.old).await;
    let options = owner("frontera", "tacc");
    app.imported(&files[0], &options).await;
    let before = (app.dump("tacc").await, app.dump("default").await);
    let (outcome, _) = app.import(&files[0], &options, Mode::Write).await.expect("a report");
    assert_eq!(outcome, Outcome::NothingToDo);
    assert_eq!((app.dump("tacc").await, app.dump("default").await), before);

    // A canary: keys were used and a secret too; the next night's database replaces the rows.
    assert!(app.retrieve("jdoe", "frontera", example.fingerprint("K1")).await.is_some());
    app.wait_for("SELECT count(*) FROM activity WHERE kind = 'key_used'", 1).await;
    assert_eq!(app.client_of("tacc", "tapis", SECRET).get("/client/tapis").await.status, 200);
    app.wait_for("SELECT count(*) FROM activity WHERE kind = 'imported_secret_used'", 1).await;
    let new = example.key("new", TestKey::ed25519(77));
    example.old.add_key("60", &new, "tapis", "jdoe", FREE, MVP);
    let (_next_dir, next) = super::example::files(&example.old).await;
    app.imported(&next[1], &options).await;
    assert!(app.retrieve("jdoe", "frontera", &new.fingerprint).await.is_some());
    assert_eq!(app.texts("SELECT concat(count(*)) FROM pubkeys WHERE tenant_id = 'tacc' AND number = 31").await, ["1"], "with its number");

    // A change by an administrator would be undone by a third file.
    let admin = app.admin_of("tacc", "~~admin", ADMIN_SECRET);
    admin.done("POST /usermfa", json!({ "tenant": "tacc", "tms_user_id": "new", "ttl_minutes": -1 })).await;
    let obstacles = app.obstacles(&files[1], &options).await;
    assert!(obstacles.contains("the tenant tacc was imported from another file and has changed since"), "{obstacles}");
}

#[tokio::test]
async fn nothing_is_stored_if_a_row_cannot_be_inserted() {
    let (app, example) = (TestApp::start().await, example());
    let (_dir, files) = files(&example.old).await;
    let before = app.dump("default").await;
    app.refuse_writes("INSERT", "reservations").await;
    let failed = app.import(&files[0], &owner("frontera", "tacc"), Mode::Write).await;
    assert!(failed.is_err(), "reservations come last");
    app.allow_writes("reservations").await;
    assert_eq!(app.texts("SELECT id FROM tenants ORDER BY id").await, ["default", "test"]);
    assert_eq!(app.dump("default").await, before);
    app.imported(&files[0], &owner("frontera", "tacc")).await;
}

/// Administrators are added before the import; they stay, also if a second import replaces the first.
#[tokio::test]
async fn people_who_can_sign_in_already_stay() {
    let (app, mut example) = (TestApp::start().await, example());
    app.add_dora().await;
    example.old.add("user_mfa", &["8", "default", "dora", NEVER, "1"]);
    example.old.add("user_mfa", &["9", "default", "eve", NEVER, "1"]);
    let (_dir, files) = files(&example.old).await;
    app.imported(&files[0], &owner("frontera", "tacc")).await;
    app.imported(&files[1], &owner("frontera", "tacc")).await;
    let people = "SELECT concat_ws(' ', p.user_id, m.number, CASE WHEN p.password_hash IS NULL THEN 'imported' ELSE 'here' END)
                  FROM people p JOIN user_mfa m ON m.tenant_id = p.tenant_id AND m.user_id = p.user_id WHERE p.tenant_id = 'default' ORDER BY 1";
    assert_eq!(app.texts(people).await, ["dora 8 here", "eve 9 imported"]);
    app.signed_in_as("default", "dora", PASSWORD).await;
}
