//! Host names are case-insensitive, and registered addresses that are names are aliases of their host.

use serde_json::{Value, json};

use super::api::{ApiClient, EVERYTHING, changed, login, named, text};
use super::endpoints::OWN_KEY;
use crate::app::TestApp;

const NONE: Value = Value::Null;
const LOOKUP: &str = "POST /pubkeys/creds/retrieve";
const FQDN: &str = "testhost1.tacc.example";

fn lookup_by(host: &str, key: &Value) -> Value {
    changed(login(key), json!({ "host": host }))
}

async fn register(admin: &ApiClient, host: &str, address: &str) -> Value {
    admin.done("POST /hosts", json!({ "tenant": "test", "host": host, "addr": address })).await
}

#[tokio::test]
async fn key_matches_host_case_insensitively() {
    let app = TestApp::start().await;
    let (client, host) = (app.client(), app.unauthenticated());
    let key = client.make_key(json!({ "host": "TestHost1" })).await;
    for spelled in ["testhost1", "TESTHOST1", "TestHost1"] {
        assert!(host.gets_key(&lookup_by(spelled, &key)).await, "{spelled}");
    }
    let listed = client.get("/pubkeys/list").await.body;
    assert_eq!(listed["pubkeys"][0]["host"], "testhost1", "as it was registered");
    client.done("PATCH /pubkeys", named(&key, json!({ "host": "TESTHOST1", "ttl_minutes": 5 }))).await;
    let reserved =
        json!({ "client_user_id": "testuser1", "host": "TestHost1", "public_key_fingerprint": key["public_key_fingerprint"], "ttl_minutes": 5 });
    client.done("POST /reservations", reserved).await;
    assert_eq!(client.done("DELETE /pubkeys/del", named(&key, json!({ "host": "TestHOST1" }))).await["num_deleted"], 1);
}

#[tokio::test]
async fn host_names_are_case_insensitive_everywhere() {
    let app = TestApp::start().await;
    let admin = app.admin("test").await;
    let link = json!({ "tenant": "test", "tms_user_id": "testuser1", "host": "TESTHOST1", "host_account": "testhostaccount1", "ttl_minutes": 5 });
    assert_eq!(admin.refusal("POST /userhosts", link.clone()).await, 409);
    assert_eq!(admin.done("PATCH /userhosts/upd", link.clone()).await["fields_updated"], 1);
    let made = admin.done("POST /userhosts", changed(link.clone(), json!({ "host_account": "another" }))).await;
    assert_eq!(made["host"], "testhost1", "as it was registered");
    assert_eq!(register(&admin, "TestHost1", "10.0.0.9").await["host"], "testhost1");
    let again = json!({ "tenant": "test", "host": "TESTHOST1", "addr": "10.0.0.9" });
    assert_eq!(admin.refusal("POST /hosts", again.clone()).await, 409);
    assert_eq!(admin.done("DELETE /hosts/del", again).await["num_deleted"], 1);

    let first = app.host(&admin, "test", "TestHost1", true).await;
    app.host(&admin, "test", "testhost1", true).await;
    let key = app.client().make_key(json!({})).await;
    assert!(first.gets_key(&lookup_by("TESTHOST1", &key)).await, "the first credential goes on beside the second");
    assert_eq!(app.unauthenticated().refusal(LOOKUP, lookup_by("TESTHOST1", &key)).await, 401, "it is required in any case");
    assert_eq!(admin.done("DELETE /hosts/credential", json!({ "tenant": "test", "host": "TESTHOST1" })).await["num_deleted"], 1);
    assert!(app.unauthenticated().gets_key(&login(&key)).await);
    assert_eq!(admin.done("DELETE /userhosts/del", link).await["num_deleted"], 1);
}

#[tokio::test]
async fn registered_address_name_is_an_alias() {
    let app = TestApp::start().await;
    let (admin, client, host) = (app.admin("test").await, app.client(), app.unauthenticated());
    let before = client.make_key(json!({})).await;
    register(&admin, "testhost1", FQDN).await;
    let key = client.make_key(json!({ "host": "TestHost1.TACC.example" })).await;
    for (spelled, key) in [("testhost1", &key), (FQDN, &key), ("TESTHOST1.tacc.example", &before)] {
        assert!(host.gets_key(&lookup_by(spelled, key)).await, "{spelled}");
    }
    let authenticated = app.host(&admin, "test", FQDN, true).await;
    assert!(authenticated.gets_key(&login(&key)).await && authenticated.gets_key(&lookup_by(FQDN, &key)).await);
    assert_eq!(host.refusal(LOOKUP, login(&key)).await, 401, "the credential is required of both names");
    assert_eq!(authenticated.refusal(LOOKUP, lookup_by("frontera", &key)).await, 401, "another host");
    admin.done("DELETE /hosts/credential", json!({ "tenant": "test", "host": "testhost1" })).await;

    admin.done("DELETE /hosts/del", json!({ "tenant": "test", "host": FQDN, "addr": FQDN.to_uppercase() })).await;
    assert!(!host.gets_key(&lookup_by(FQDN, &key)).await && host.gets_key(&login(&key)).await, "a name no more");
}

#[tokio::test]
async fn keys_from_before_an_alias_existed_log_in() {
    let app = TestApp::start().await;
    let (admin, client, host) = (app.admin("test").await, app.client(), app.unauthenticated());
    let link = json!({ "tenant": "test", "tms_user_id": "testuser1", "host": FQDN, "host_account": "testhostaccount1", "ttl_minutes": -1 });
    admin.done("POST /userhosts", link).await;
    let key = client.make_key(json!({ "host": FQDN })).await;
    assert!(!host.gets_key(&login(&key)).await && host.gets_key(&lookup_by(FQDN, &key)).await);
    register(&admin, "testhost1", FQDN).await;
    assert!(host.gets_key(&login(&key)).await && host.gets_key(&lookup_by(FQDN, &key)).await);
}

#[tokio::test]
async fn address_of_two_hosts_names_neither() {
    let app = TestApp::start().await;
    let (admin, client) = (app.admin("test").await, app.client());
    register(&admin, "testhost1", "login.tacc.example").await;
    register(&admin, "other", "login.tacc.example").await;
    register(&admin, "other", "testhost1").await;
    let key = client.make_key(json!({})).await;
    for spelled in ["login.tacc.example", "other"] {
        assert!(!app.unauthenticated().gets_key(&lookup_by(spelled, &key)).await, "{spelled}");
    }
    assert!(app.unauthenticated().gets_key(&login(&key)).await, "a registered host's own name is its own");
}

#[tokio::test]
async fn shared_address_keeps_credential_requirement() {
    const SHARED: &str = "login9.example";
    let app = TestApp::start().await;
    let (admin, unauthenticated) = (app.admin("test").await, app.unauthenticated());
    let link = json!({ "tenant": "test", "tms_user_id": "testuser1", "host": SHARED, "host_account": "testhostaccount1", "ttl_minutes": -1 });
    admin.done("POST /userhosts", link).await;
    let key = app.client().make_key(json!({ "host": SHARED })).await;
    assert_eq!(register(&admin, "H9", SHARED).await["result_msg"], "success");
    app.host(&admin, "test", "H9", true).await;
    assert_eq!(unauthenticated.refusal(LOOKUP, lookup_by(SHARED, &key)).await, 401);

    for other in ["H10", "H11"] {
        let added = register(&admin, other, "LOGIN9.example").await;
        assert!(text(&added["result_msg"]).starts_with("success; WARNING: LOGIN9.example is also an address of H9"), "{added}");
        assert_eq!(unauthenticated.refusal(LOOKUP, lookup_by(SHARED, &key)).await, 401, "{other}");
        assert_eq!(unauthenticated.done("POST /hosts/check", json!({ "host": SHARED })).await["credential_required"], true);
    }
    assert_eq!(unauthenticated.done("POST /hosts/check", json!({ "host": "H10" })).await["credential_required"], false, "of its own name nothing is");
    admin.done("PATCH /hosts/credential", json!({ "tenant": "test", "host": "H9", "required": false })).await;
    assert!(unauthenticated.gets_key(&lookup_by(SHARED, &key)).await);
}

#[tokio::test]
async fn address_added_by_alias_belongs_to_the_host() {
    let app = TestApp::start().await;
    let (admin, key) = (app.admin("test").await, app.client().make_key(json!({})).await);
    register(&admin, "testhost1", FQDN).await;
    let added = register(&admin, "TestHost1.TACC.example", " 10.9.9.9 ").await;
    assert_eq!((&added["host"], &added["addr"], &added["result_msg"]), (&"testhost1".into(), &"10.9.9.9".into(), &"success".into()));
    assert!(app.unauthenticated().gets_key(&lookup_by(FQDN, &key)).await, "still the host's name");
    let recorded = "SELECT subject FROM activity WHERE kind = 'host_added' ORDER BY id DESC LIMIT 1";
    assert_eq!(app.texts(recorded).await, ["testhost1"]);
    let again = json!({ "tenant": "test", "host": FQDN, "addr": FQDN });
    assert_eq!(admin.refusal("POST /hosts", again).await, 409, "it has that address");
    for num_deleted in [1, 0] {
        let removed = admin.done("DELETE /hosts/del", json!({ "tenant": "test", "host": FQDN, "addr": "\u{a0}10.9.9.9 " })).await;
        assert_eq!(removed["num_deleted"], num_deleted, "read as it was when it was added");
    }
    app.sql("UPDATE hosts SET address = ' 10.9.9.8' WHERE address = '127.0.0.1'").await;
    let removed = admin.done("DELETE /hosts/del", json!({ "tenant": "test", "host": FQDN, "addr": " 10.9.9.8" })).await;
    assert_eq!(removed["num_deleted"], 1, "or as it was stored otherwise");
}

#[tokio::test]
async fn link_by_alias_is_audited_with_the_host_name() {
    let app = TestApp::start().await;
    let admin = app.admin("test").await;
    register(&admin, "testhost1", FQDN).await;
    let host = FQDN.to_uppercase();
    let link = json!({ "tenant": "test", "tms_user_id": "testuser1", "host": host, "host_account": "acc1", "ttl_minutes": 5 });
    assert_eq!(admin.done("POST /userhosts", link).await["host"], "testhost1");
    let place = json!({ "tenant": "test", "tms_user_id": "testuser1", "host": FQDN, "host_account": "acc1", "ttl_minutes": 9 });
    admin.done("PATCH /userhosts/upd", place.clone()).await;
    admin.done("DELETE /userhosts/del", place).await;
    let recorded = "SELECT concat(kind, ' ', subject) FROM activity WHERE subject LIKE '%acc1@%' ORDER BY id";
    let expected = ["host_linked acc1@testhost1", "host_link_changed acc1@testhost1", "host_unlinked acc1@testhost1"];
    assert_eq!(app.texts(recorded).await, expected);
}

#[tokio::test]
async fn lookup_by_alias_is_audited_with_the_host_name() {
    let app = TestApp::start().await;
    let admin = app.admin("test").await;
    let host = app.host(&admin, "test", FQDN, true).await;
    register(&admin, "testhost1", FQDN).await;
    host.done("POST /links", json!({ "user": "acc1", "user_uid": "1001" })).await;
    assert_eq!(app.texts("SELECT subject FROM activity WHERE kind = 'host_link_asked'").await, ["acc1@testhost1"]);
}

#[tokio::test]
async fn other_tenant_cannot_take_a_name_in_another_case() {
    let app = TestApp::start().await;
    let (admin, other) = (app.admin("test").await, app.add_tenant("other").await);
    register(&admin, "testhost1", FQDN).await;
    for (number, name) in ["TESTHOST1", FQDN, "Testhost1.tacc.example"].into_iter().enumerate() {
        let added = other.done("POST /hosts", json!({ "tenant": "other", "host": name, "addr": format!("10.0.0.{number}") })).await;
        assert!(text(&added["result_msg"]).contains("another tenant"), "{name}");
    }
    let key = app.client().make_key(json!({})).await;
    assert!(app.unauthenticated().gets_key(&lookup_by("TESTHOST1", &key)).await);
}

#[tokio::test]
async fn key_for_unregistered_host_has_a_warning() {
    let app = TestApp::start().await;
    let admin = app.admin("test").await;
    let link = json!({ "tenant": "test", "tms_user_id": "testuser1", "host": "vsita", "host_account": "jdoe", "ttl_minutes": -1 });
    let warned = |answer: &Value| text(&answer["result_msg"]).contains("WARNING") && text(&answer["result_msg"]).contains("vsita");
    admin.done("POST /userhosts", link).await;
    let key = app.client().make_key(json!({ "host": "vsita", "host_account": "jdoe" })).await;
    assert!(warned(&key), "{key}");
    register(&admin, "vsita", "10.0.0.7").await;
    for host in ["vsita", "VSITA"] {
        assert_eq!(app.client().make_key(json!({ "host": host, "host_account": "jdoe" })).await["result_msg"], "success");
    }
}

#[tokio::test]
async fn host_gets_its_own_record() {
    let app = TestApp::start().await;
    let (admin, check) = (app.admin("test").await, "POST /hosts/check");
    let asked = |host: &str| json!({ "host": host });
    let host = app.host(&admin, "test", "testhost1", false).await;
    let said = host.done(check, asked("TestHost1")).await;
    let expected = json!({
        "answers_without_tenant": true, "credential_accepted": true, "credential_required": false, "host": "testhost1", "registered": true,
        "tenant": "test", "tenant_enabled": true, "result_code": "0", "result_msg": "success",
    });
    assert_eq!(said, expected);
    let unregistered = app.host(&admin, "test", "frontera", true).await;
    let said = unregistered.done(check, asked("frontera")).await;
    assert_eq!((&said["registered"], &said["credential_required"]), (&false.into(), &true.into()));
    assert_eq!(unregistered.refusal(check, asked("testhost1")).await, 401, "another host's credential");
    assert_eq!(app.bearer("0123456789abcdef").refusal(check, asked("testhost1")).await, 401);
}

#[tokio::test]
async fn host_without_credential_gets_no_record() {
    let app = TestApp::start().await;
    let admin = app.admin("test").await;
    app.host(&admin, "test", "guarded", true).await;
    let check = async |caller: &ApiClient, host: &str| caller.done("POST /hosts/check", json!({ "host": host })).await;
    let (unauthenticated, named) = (app.unauthenticated(), app.unauthenticated().with("x-tms-tenant", "test"));
    for caller in [&unauthenticated, &named] {
        assert_eq!(check(caller, "testhost1").await, check(caller, "nowhere").await, "registered or not");
    }
    let said = check(&named, "testhost1").await;
    assert_eq!(
        (&said["registered"], &said["host"], &said["credential_accepted"], &said["tenant_enabled"]),
        (&NONE, &NONE, &false.into(), &true.into())
    );
    assert_eq!(check(&named, "guarded").await["credential_required"], true, "as a lookup says, too");
    assert_eq!(check(&app.unauthenticated().with("x-tms-tenant", "tset"), "testhost1").await["tenant_enabled"], false);
    assert_eq!(named.refusal("POST /hosts/check", json!({ "host": "no name" })).await, 400);
}

#[tokio::test]
async fn certificate_lookup_gets_no_key_and_counts_no_use() {
    let app = TestApp::start().await;
    let (client, host) = (app.client(), app.unauthenticated());
    let key = client.make_key(json!({ "num_uses": 1 })).await;
    for key_type in ["ssh-ed25519-cert-v01@openssh.com", "ssh-rsa-cert-v01@openssh.com", "ssh-rsa"] {
        assert!(!host.gets_key(&changed(login(&key), json!({ "key_type": key_type }))).await, "{key_type}");
    }
    assert_eq!(client.get("/pubkeys/list").await.body["pubkeys"][0]["remaining_uses"], 1);
    assert!(host.gets_key(&changed(login(&key), json!({ "key_type": "ssh-ed25519" }))).await);
}

#[tokio::test]
async fn device_lists_active_keys_of_one_account() {
    let app = TestApp::start().await;
    let device = app.device_with(EVERYTHING).await;
    for _ in 0..3 {
        app.client().make_key(json!({ "ttl_minutes": 0 })).await;
    }
    let own = json!({ "host": "TestHost1", "host_account": "testhostaccount1", "public_key": OWN_KEY });
    let key = device.done("POST /me/keys", own).await;
    let count = async |query: &str| device.get(&format!("/me/keys?{query}")).await.body["num_keys"].clone();
    assert_eq!((&key["host"], count("").await), (&"testhost1".into(), 4.into()));
    assert_eq!(count("state=active&host=TESTHOST1&host_account=testhostaccount1").await, 1);
    assert_eq!((count("host=nowhere").await, count("host_account=nobody").await), (0.into(), 0.into()));
    assert_eq!(device.refusal("GET /me/keys?state=ended", NONE).await, 400);
}
