//! Rotating `codes.key` and `secrets.key` while portals run.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tms_portal::server::service::Error;
use tms_portal::server::service::platform::key_rotation::{Resealed, RotationRefused};
use tms_portal::server::service::platform::keystore::RotatedKey::{self, Codes, Secrets};

use crate::app::{PASSWORD, TestApp};
use crate::oauth::refresh::Tokens;
use crate::operator::files;
use crate::second_factors::App;
use crate::tms::api::login;

/// All portals use an activated key after this time.
const ACTIVATION_TIME: Duration = Duration::from_secs(5);

/// Prepares and activates a key.
async fn activate(app: &TestApp, key: RotatedKey) {
    app.services.prepare_key(key).await.expect("prepared");
    assert!(app.services.activate_key(key).await.expect("activated"));
}

async fn finish(app: &TestApp, key: RotatedKey, expire: bool) -> Result<Vec<String>, Vec<String>> {
    app.clock.advance(ACTIVATION_TIME);
    let kinds = |all: Vec<tms_portal::server::service::platform::key_rotation::Dependent>| {
        let mut kinds: Vec<_> = all.into_iter().map(|dependent| dependent.kind).collect();
        kinds.dedup();
        kinds
    };
    match app.services.finish_key(key, expire, false, |_| {}).await {
        Ok(ended) => Ok(kinds(ended)),
        Err(Error::Refused(RotationRefused::InUse(_, dependents))) => Err(kinds(dependents)),
        Err(error) => panic!("{error:?}"),
    }
}

impl TestApp {
    async fn unready(&self) -> Option<String> {
        let answer = self.http.get(self.url("/readyz")).send().await.expect("an answer");
        let failed = answer.status() == 503;
        let text = answer.text().await.expect("a text");
        failed.then_some(text)
    }
}

fn copy_key(from: &TestApp, to: &TestApp, name: &str) {
    let file = |app: &TestApp| app.data_dir.join("keys").join(name);
    std::fs::copy(file(from), file(to)).expect("copied");
}

#[tokio::test]
async fn secrets_of_the_previous_codes_key_stay_valid_and_change_at_use() {
    let app = TestApp::start().await;
    let admin = app.admin("test").await;
    let host = app.host(&admin, "test", "testhost1", true).await;
    let key = app.client().make_key(json!({})).await;
    let device = app.start_device().await;
    activate(&app, Codes).await;
    assert!(!app.services.activate_key(Codes).await.expect("done before"));
    assert!(matches!(app.services.prepare_key(Codes).await, Err(Error::Refused(RotationRefused::NotFinished("codes.key")))));
    assert!(matches!(app.services.finish_key(Codes, true, false, |_| {}).await, Err(Error::Refused(RotationRefused::TooEarly(..)))));
    assert_eq!(finish(&app, Codes, false).await, Err(["administrator", "client", "device request", "host"].map(str::to_owned).to_vec()));

    app.allow(&device).await;
    assert_eq!(app.poll(&device).await.status, 200, "its codes are found by their previous hashes");
    let later = app.start_device().await;
    app.allow(&later).await;
    assert_eq!(app.poll(&later).await.status, 200);
    assert_eq!(app.client_of("test", "testclient1", "wrong").get("/client/testclient1").await.status, 401);
    app.client().make_key(json!({})).await;
    assert!(host.gets_key(&login(&key)).await);
    assert_eq!(admin.get("/client/testclient1").await.status, 200);
    app.wait_for("SELECT count(*) FROM clients WHERE client_id = 'testclient1' AND tenant_id = 'test' AND length(secret_hash) = 40", 1).await;
    app.wait_for("SELECT count(*) FROM host_credentials WHERE length(secret_hash) = 40", 1).await;
    app.wait_for("SELECT count(*) FROM tenant_admins WHERE tenant_id = 'test' AND length(secret_hash) = 40", 1).await;
    app.client().make_key(json!({})).await;
    assert!(host.gets_key(&login(&key)).await);

    // The administrator of the other tenant has not signed in.
    assert_eq!(finish(&app, Codes, false).await, Err(vec!["administrator".to_owned()]));
    assert_eq!(finish(&app, Codes, true).await, Ok(vec!["administrator".to_owned()]));
    app.client().make_key(json!({})).await;
    assert!(host.gets_key(&login(&key)).await);
    assert_eq!(app.admin("test").await.get("/client/testclient1").await.status, 200);
    assert_eq!(app.admin("default").await.refusal("POST /tenants/newone", Value::Null).await, 401);
    let status = app.services.key_status(Codes).await.expect("a status");
    assert_eq!((status.previous, status.dependents.len()), (None, 1), "it names what has to be set anew");
}

#[tokio::test]
async fn new_secrets_during_a_rotation_survive_it() {
    let app = TestApp::start().await;
    let admin = app.admin("test").await;
    let old = app.add_client(&admin, "test", "newclient").await;
    activate(&app, Codes).await;
    let new = app.add_client(&admin, "test", "laterclient").await;
    assert_eq!([old.get("/client/newclient").await.status, new.get("/client/laterclient").await.status], [200, 200]);
    assert!(finish(&app, Codes, true).await.is_ok());
    activate(&app, Codes).await;
    assert_eq!(new.get("/client/laterclient").await.status, 200, "a second rotation");
    app.wait_for("SELECT count(*) FROM clients WHERE client_id = 'laterclient' AND length(secret_hash) = 40", 1).await;
}

#[tokio::test]
async fn refresh_tokens_of_the_previous_codes_key_are_replaced_at_use() {
    let app = TestApp::start().await;
    let (public, idle, confidential) = (app.program().await, app.program().await, app.confidential_program().await);
    let dependents = async || {
        let status = app.services.key_status(Codes).await.expect("a status");
        status.dependents.iter().filter(|dependent| dependent.kind == "refresh token").count()
    };
    assert_eq!(dependents().await, 0);
    activate(&app, Codes).await;
    let next = Tokens::of(&app.refresh(&public.refresh).await);
    assert_eq!(Tokens::of(&app.refresh(&public.refresh).await).refresh, next.refresh, "its response may have been lost");
    let kept = Tokens::of(&app.refresh_confidentially(&confidential.refresh).await);
    assert_ne!(kept.refresh, confidential.refresh, "the same generation under the new key");
    assert_eq!(Tokens::of(&app.refresh_confidentially(&confidential.refresh).await).refresh, kept.refresh);
    assert_eq!(dependents().await, 3, "none of the new ones has been used");
    assert!(finish(&app, Codes, false).await.expect_err("in use").contains(&"refresh token".to_owned()));
    let next = Tokens::of(&app.refresh(&next.refresh).await);
    assert_eq!(app.refresh_confidentially(&kept.refresh).await.status, 200);
    assert_eq!(dependents().await, 1);
    assert!(finish(&app, Codes, true).await.expect("finished").contains(&"refresh token".to_owned()));
    for (token, status) in [(&idle.refresh, 400), (&public.refresh, 400), (&next.refresh, 200)] {
        assert_eq!(app.refresh(token).await.status, status);
    }
    assert_eq!(app.refresh_confidentially(&kept.refresh).await.status, 200);
    assert_eq!(app.number("SELECT count(*) FROM token_families WHERE ended_at IS NOT NULL").await, 0);
}

#[tokio::test]
async fn key_does_not_wait_for_refresh_tokens_whose_date_has_passed() {
    let app = TestApp::start().await;
    app.program().await;
    activate(&app, Codes).await;
    let dependents = async || app.services.key_status(Codes).await.expect("a status").dependents.into_iter().map(|dependent| dependent.kind);
    assert!(dependents().await.any(|kind| kind == "refresh token"));
    app.clock.advance(Duration::from_secs(8 * 60 * 60));
    assert!(!dependents().await.any(|kind| kind == "refresh token"), "the refresh token alone would be accepted for 14 days");
}

/// `ann` has an authenticator app: the app and her recovery codes.
async fn with_app(app: &TestApp) -> (App, Vec<String>) {
    app.add_person("test", "ann").await;
    let browser = app.signed_in_as("test", "ann", PASSWORD).await;
    let ann = App::scan(&browser.get("/identities/app").await);
    let page = browser.post("/api/second-factors/app", &[("code", &ann.code(app))]).await;
    assert_eq!(page.path, "/identities/recovery", "{}", page.words());
    let (_, codes) = page.text.split_once("data-copy=\"").expect("codes to copy");
    (ann, codes.split('"').next().expect("their end").lines().map(str::to_owned).collect())
}

/// Signs in with a code of the app or a recovery code.
async fn signs_in(app: &TestApp, code: &str) -> bool {
    let browser = app.browser();
    browser.sign_in("test", "ann", PASSWORD).await;
    let page = browser.post("/sign-in/second-factor/show", &[("code", code)]).await;
    page.path == "/"
}

#[tokio::test]
async fn secrets_key_is_replaced_although_the_command_is_killed() {
    let mut app = TestApp::start().await;
    let (ann, recovery) = with_app(&app).await;
    let device = app.start_device().await;
    app.signed_in().await.enter(&device.user_code).await;
    activate(&app, Secrets).await;
    // Killed before anything was sealed again and before the files were renamed.
    app.restart().await;
    app.clock.advance(Duration::from_secs(30));
    assert!(signs_in(&app, &ann.code(&app)).await, "the previous key opens it");
    let Resealed { changed, lost } = app.services.reseal_secrets(|_| {}).await.expect("sealed");
    assert!(changed >= 2 && lost == 0, "at least the app's secret and the code that was entered: {changed} {lost}");
    assert_eq!(app.services.reseal_secrets(|_| {}).await.expect("sealed"), Resealed::default(), "again: nothing is left to do");
    assert_eq!(finish(&app, Secrets, false).await, Ok(Vec::new()));
    assert!(app.services.arrange_key_files(Secrets).await.expect("renamed").is_none());
    app.restart().await;
    app.clock.advance(Duration::from_secs(30));
    assert!(app.services.lost_secrets().await.expect("read").is_empty());
    assert!(signs_in(&app, &ann.code(&app)).await);
    assert!(signs_in(&app, &recovery[0]).await, "recovery codes depend on the other key");
}

#[tokio::test]
async fn codes_that_were_entered_before_a_rotation_can_be_answered() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    let browser = app.signed_in().await;
    let consent = browser.enter(&device.user_code).await;
    for key in [Codes, Secrets] {
        activate(&app, key).await;
    }
    app.services.reseal_secrets(|_| {}).await.expect("sealed");
    assert_eq!(finish(&app, Secrets, false).await, Ok(Vec::new()));
    assert_eq!(browser.allow(&consent).await.status, 200);
    assert_eq!(app.poll(&device).await.status, 200);
}

#[tokio::test]
async fn recovery_codes_depend_on_codes_key_until_they_are_renewed() {
    let app = TestApp::start().await;
    let (_, recovery) = with_app(&app).await;
    activate(&app, Codes).await;
    assert!(signs_in(&app, &recovery[0]).await);
    assert!(!signs_in(&app, &recovery[0]).await, "each is valid once");
    let ended = finish(&app, Codes, true).await.expect("ended");
    assert!(ended.contains(&"recovery codes".to_owned()), "{ended:?}");
    assert_eq!(app.number("SELECT count(*) FROM recovery_codes").await, 0, "none is counted as left");
    assert!(!signs_in(&app, &recovery[1]).await);
}

#[tokio::test]
async fn two_portals_rotate_a_key_step_by_step() {
    let one = TestApp::start().await;
    let other = one.second_portal().await;
    let admin = one.admin("test").await;
    one.services.prepare_key(Codes).await.expect("prepared");
    one.services.prepare_key(Codes).await.expect("nothing to do");
    assert!(!other.services.reload_keys().await.expect("read"));
    assert_eq!(other.unready().await, Some("not ready: keys\n".to_owned()), "it lacks the next key");
    let refused = other.services.activate_key(Codes).await.expect_err("refused");
    assert!(matches!(&refused, Error::Internal(fault) if fault.to_string().contains("codes.key.next")), "{refused:?}");

    copy_key(&one, &other, "codes.key.next");
    std::fs::write(other.data_dir.join("keys/codes.key.next"), [0; 16]).expect("written");
    let truncated = other.services.reload_keys().await.expect_err("a truncated copy is refused").to_string();
    assert!(truncated.contains("codes.key.next is not a key of 32 bytes"), "{truncated}");
    copy_key(&one, &other, "codes.key.next");
    assert!(other.services.reload_keys().await.expect("read"), "SIGHUP is not needed");
    assert_eq!(other.services.missing_key(), None);

    assert!(one.services.activate_key(Codes).await.expect("activated"));
    // The other portal has not noticed yet: each accepts what the other one stored.
    let admin_there = other.admin("test").await;
    one.add_client(&admin, "test", "newclient").await;
    other.add_client(&admin_there, "test", "oldclient").await;
    assert_eq!(one.number("SELECT count(*) FROM clients WHERE client_id = 'newclient' AND length(secret_hash) = 40").await, 1);
    assert_eq!(one.number("SELECT count(*) FROM clients WHERE client_id = 'oldclient' AND length(secret_hash) = 32").await, 1);
    let device = one.start_device().await;
    assert_eq!(other.poll(&device).await.error(), "authorization_pending");
    let device = other.start_device().await;
    assert_eq!(one.poll(&device).await.error(), "authorization_pending");
    assert!(other.services.reload_keys().await.expect("read"));
    let device = other.start_device().await;
    assert_eq!(one.number("SELECT count(*) FROM device_grants WHERE length(device_code_hash) = 40").await, 2);
    assert_eq!(one.poll(&device).await.error(), "authorization_pending");

    assert!(finish(&one, Codes, true).await.is_ok());
    assert!(other.services.reload_keys().await.expect("read"));
    for app in [&one, &other] {
        assert!(app.services.arrange_key_files(Codes).await.expect("renamed").is_none());
        assert_eq!(key_files(&app.data_dir), ["codes.key"]);
    }
    assert_eq!(std::fs::read(one.data_dir.join("keys/codes.key")).ok(), std::fs::read(other.data_dir.join("keys/codes.key")).ok());
}

fn key_files(data_dir: &Path) -> Vec<String> {
    files(&data_dir.join("keys")).into_iter().filter(|name| name.starts_with("codes.key")).collect()
}

#[tokio::test]
async fn portal_with_a_key_that_the_database_does_not_name_uses_the_named_one() {
    let app = TestApp::start().await;
    let keys = app.data_dir.join("keys");
    let hash = app.number("SELECT count(*) FROM clients WHERE length(secret_hash) = 32").await;
    std::fs::copy(keys.join("codes.key"), keys.join("codes.key.previous")).expect("copied");
    std::fs::write(keys.join("codes.key"), [9; 32]).expect("written");
    let mut app = app;
    app.restart().await;
    app.client().make_key(json!({})).await;
    assert_eq!(app.number("SELECT count(*) FROM clients WHERE length(secret_hash) = 32").await, hash, "the forged key is not used");
}

#[tokio::test]
async fn portal_that_has_not_noticed_a_rotation_is_ready() {
    let one = TestApp::start().await;
    let other = one.second_portal().await;
    one.services.prepare_key(Codes).await.expect("prepared");
    copy_key(&one, &other, "codes.key.next");
    assert_eq!(other.unready().await, None, "it reads the keys that are there");
    assert_eq!(other.services.missing_key(), None);
}
