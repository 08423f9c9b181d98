//! Automatic provisioning (MVP mode): missing prerequisites of a key are created.

use serde_json::{Value, json};

use super::api::{changed, key_request, login};
use crate::app::TestApp;

const CREATE: &str = "POST /pubkeys/creds";
const NONE: Value = Value::Null;

async fn with_mvp() -> TestApp {
    let app = TestApp::start().await;
    app.change_tenant("test", |tenant| tenant.policy.auto_provision = true).await;
    app
}

fn of_jdoe(changes: Value) -> Value {
    changed(json!({ "client_user_id": "jdoe", "host": "frontera", "host_account": "jd" }), changes)
}

#[tokio::test]
async fn nothing_is_created_without_mvp_mode() {
    let app = TestApp::start().await;
    let before = app.dump("test").await;
    assert_eq!(app.client().refusal(CREATE, key_request(of_jdoe(json!({})))).await, 403);
    assert_eq!(app.dump("test").await, before);
}

#[tokio::test]
async fn missing_prerequisites_are_created_and_last() {
    let app = with_mvp().await;
    let key = app.client().make_key(of_jdoe(json!({ "num_uses": 3, "ttl_minutes": 5 }))).await;
    assert_eq!((&key["max_uses"], &key["expires_at"]), (&"3".into(), &"2026-11-20T12:05:00+00:00".into()), "limits are kept");
    assert!(app.unauthenticated().gets_key(&changed(login(&key), json!({ "user": "jd", "host": "frontera" }))).await);
    let admin = app.admin("test").await;
    assert_eq!(admin.get("/usermfa/jdoe").await.body["expires_at"], "9999-12-31T23:59:59+00:00");
    let delegation = admin.get("/delegations/list").await.body["users"][1].clone();
    assert_eq!((&delegation["client_user_id"], &delegation["made_by"]), (&"jdoe".into(), &"mvp".into()));
    for kind in ["mfa_opened", "delegated", "host_linked"] {
        assert_eq!(app.count_audit_events(kind).await, 1, "{kind}");
    }
    app.client().make_key(of_jdoe(json!({ "host": "stampede" }))).await;
    assert_eq!((app.count_audit_events("mfa_opened").await, app.count_audit_events("host_linked").await), (1, 2), "only what is absent");
}

/// W8: what an administrator or its expiry has ended is not created again.
#[tokio::test]
async fn ended_prerequisites_are_not_restored() {
    let app = with_mvp().await;
    let (admin, client) = (app.admin("test").await, app.client());
    let person = json!({ "tenant": "test", "tms_user_id": "testuser1" });
    let link = changed(person.clone(), json!({ "host": "testhost1", "host_account": "testhostaccount1", "ttl_minutes": 0 }));
    let delegation = json!({ "tenant": "test", "client_id": "testclient1", "client_user_id": "testuser1", "ttl_minutes": 0 });
    let forever = json!({ "ttl_minutes": -1 });
    let enabled = |on: bool| changed(person.clone(), json!({ "enabled": on }));
    for (call, ended, again) in [
        ("PATCH /usermfa/upd", enabled(false), enabled(true)),
        ("PATCH /userhosts/upd", link.clone(), changed(link, forever.clone())),
        ("PATCH /delegations/upd", delegation.clone(), changed(delegation, forever)),
    ] {
        admin.done(call, ended).await;
        let before = app.dump("test").await;
        assert_eq!(client.refusal(CREATE, key_request(json!({}))).await, 403, "{call}");
        assert_eq!(app.dump("test").await, before, "{call}");
        // Other prerequisites are missing too and are created; the existing one decides.
        let elsewhere = client.call(CREATE, key_request(json!({ "host": "elsewhere" }))).await;
        assert_eq!(elsewhere.status, if call.contains("userhosts") { 201 } else { 403 }, "{call}");
        admin.done(call, again).await;
        client.make_key(json!({})).await;
    }
    app.switch_person("testuser1", false).await;
    assert_eq!(client.refusal(CREATE, key_request(json!({ "host": "third" }))).await, 403, "a person who is off");
}

/// W8: with one leaked secret, keys for `root` could be created on any host.
#[tokio::test]
async fn system_accounts_are_never_linked() {
    let app = with_mvp().await;
    let before = app.dump("test").await;
    for account in ["root", "ROOT", "toor", "slurm", "sshd", "postgres", "systemd-network", "_apt", "-x", "nobody"] {
        let (status, sentence) = app.client().refused(CREATE, key_request(json!({ "host_account": account }))).await;
        assert!(status == 403 && sentence.contains("user host record not found"), "{account}: {sentence}");
        assert_eq!(app.client().refusal(CREATE, key_request(of_jdoe(json!({ "host_account": account })))).await, 403, "{account}");
    }
    assert_eq!(app.dump("test").await, before);
    let link = json!({ "tenant": "test", "tms_user_id": "testuser1", "host": "testhost1", "host_account": "slurm", "ttl_minutes": -1 });
    app.admin("test").await.done("POST /userhosts", link).await;
    app.client().make_key(json!({ "host_account": "slurm" })).await;
}

/// W8: UID 0 under another name is still root.
#[tokio::test]
async fn uid_zero_is_never_linked() {
    let app = with_mvp().await;
    let linked = changed(login(&app.client().make_key(of_jdoe(json!({}))).await), json!({ "user": "jd", "host": "frontera" }));
    let admin_event = login(&app.client().make_key(json!({})).await);
    for (uid, gets_key) in
        [(json!("0"), false), (json!(0), false), (json!(0.0), false), (json!("00"), false), (json!("+0"), false), (json!("1001"), true), (NONE, true)]
    {
        assert_eq!(app.unauthenticated().gets_key(&changed(linked.clone(), json!({ "user_uid": uid }))).await, gets_key, "{uid}");
        assert!(app.unauthenticated().gets_key(&changed(admin_event.clone(), json!({ "user_uid": uid }))).await, "{uid}: an administrator's link");
    }
}

#[tokio::test]
async fn concurrent_first_keys_create_each_row_once() {
    let app = with_mvp().await;
    let client = app.client();
    futures_util::future::join_all((0..16).map(|_| client.make_key(of_jdoe(json!({}))))).await;
    let count = "SELECT (SELECT count(*) FROM user_mfa WHERE user_id = 'jdoe') + (SELECT count(*) FROM host_accounts WHERE user_id = 'jdoe')
                      + (SELECT count(*) FROM delegations WHERE user_id = 'jdoe')";
    assert_eq!((app.number(count).await, app.count_audit_events("host_linked").await), (3, 1));
}

/// A client must not create again what a person has revoked in the portal.
#[tokio::test]
async fn objects_revoked_by_a_person_are_not_restored() {
    for (ask, end, field) in [("/apps", "/api/apps/end", "app"), ("/hosts", "/api/hosts/unlink", "account")] {
        let app = with_mvp().await;
        let key = app.client().make_key(json!({})).await;
        let browser = app.signed_in().await;
        let (_, rest) = browser.get(ask).await.text.split_once(&format!("{field}=")).map(|(a, b)| (a.to_owned(), b.to_owned())).expect("a link");
        let number: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == '-').collect();
        let page = browser.post(end, &[(field, &number)]).await;
        assert_eq!(page.path, ask, "{}", page.words());
        assert!(!app.unauthenticated().gets_key(&login(&key)).await, "{ask}: the key is revoked");
        assert_eq!(app.client().refusal(CREATE, key_request(json!({}))).await, 403, "{ask}");
    }
}
