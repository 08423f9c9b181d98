//! One public key with several registrations: they are independent of each other.

use std::time::Duration;

use serde_json::{Value, json};

use super::api::{EVERYTHING, changed, key_request, login, named};
use super::endpoints::OWN_KEY;
use crate::app::TestApp;
use crate::browser::{Browser, Page, en};

const NONE: Value = Value::Null;
const CREATE: &str = "POST /pubkeys/creds";
/// The fingerprint of `OWN_KEY`.
const FINGERPRINT: &str = "SHA256:Z/Fn8ioe1ARfZ2DK7IhiMfPhs4E8WPyk3yJfI3BRjEI";

fn given(changes: Value) -> Value {
    key_request(changed(json!({ "public_key": OWN_KEY }), changes))
}

async fn add_own(browser: &Browser, key: &str) -> Page {
    let page = browser.get("/keys/add").await;
    let account = page.text.split("<option value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a host account");
    browser.post("/api/keys/add", &[("host_account", account), ("public_key", key), ("days", "7")]).await
}

#[tokio::test]
async fn ended_key_can_be_registered_again() {
    let app = TestApp::start().await;
    let (client, host) = (app.client(), app.unauthenticated());
    let key = client.done(CREATE, given(json!({ "ttl_minutes": 5, "num_uses": 1 }))).await;
    assert_eq!(client.refusal(CREATE, given(json!({}))).await, 409, "it has not ended");
    assert!(host.gets_key(&login(&key)).await);
    let used_up = client.done(CREATE, given(json!({ "ttl_minutes": 5, "num_uses": 1 }))).await;
    assert_eq!(used_up["remaining_uses"], "1");
    assert!(host.gets_key(&login(&key)).await);
    app.clock.advance(Duration::from_secs(5 * 60));
    assert!(!host.gets_key(&login(&key)).await, "expired");
    client.done(CREATE, given(json!({}))).await;
    assert!(host.gets_key(&login(&key)).await);
    assert_eq!(client.get("/pubkeys/list").await.body["num_pubkeys"], 1, "the new registration takes the old one's place");
}

#[tokio::test]
async fn renewed_registration_is_found_by_its_new_label() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    for (label, folded) in [("Ñandú", "ñandú"), ("ÄRGER", "ärger"), ("plain", "none")] {
        let page = browser.get("/keys/add").await;
        let account = page.text.split("<option value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a host account");
        let form = [("host_account", account), ("public_key", OWN_KEY), ("days", "7"), ("label", label)];
        assert_eq!(browser.post("/api/keys/add", &form).await.path, "/keys");
        assert_eq!(app.texts("SELECT coalesce(label_folded, 'none') FROM pubkeys").await, [folded]);
        app.sql("UPDATE pubkeys SET max_uses = 1, uses = 1").await;
    }
}

#[tokio::test]
async fn registration_does_not_block_other_clients() {
    let app = TestApp::start().await;
    let (admin, client, host) = (app.admin("test").await, app.client(), app.unauthenticated());
    let squatted = client.done(CREATE, given(json!({}))).await;
    let device = app.device_with(EVERYTHING).await;
    let own = json!({ "host": "testhost1", "host_account": "testhostaccount1", "public_key": OWN_KEY });
    device.done("POST /me/keys", own).await;
    let other = app.add_client(&admin, "test", "other").await;
    admin.done("POST /delegations", json!({ "tenant": "test", "client_id": "other", "client_user_id": "testuser1", "ttl_minutes": -1 })).await;
    other.done(CREATE, given(json!({ "ttl_minutes": 5 }))).await;

    assert_eq!(client.done("DELETE /pubkeys/del", named(&squatted, json!({}))).await["num_deleted"], 1, "its own alone");
    assert!(host.gets_key(&login(&squatted)).await, "the others' stand");
    let end_all = json!({ "client_id": "other", "ttl_minutes": 0 });
    other.done("PATCH /pubkeys", named(&squatted, end_all)).await;
    assert!(host.gets_key(&login(&squatted)).await, "the person's stands");
    let keys = device.get("/me/keys?state=active").await.body;
    assert_eq!(keys["num_keys"], 1);
    device.done(&format!("DELETE /me/keys/{}", keys["keys"][0]["id"]), NONE).await;
    assert!(!host.gets_key(&login(&squatted)).await, "nothing is left");
}

#[tokio::test]
async fn unlimited_registration_takes_precedence() {
    let app = TestApp::start().await;
    let (admin, client) = (app.admin("test").await, app.client());
    let key = client.done(CREATE, given(json!({ "num_uses": 1 }))).await;
    app.add_all(&admin, "test", "testclient1", "eve", "testhost1", "testhostaccount1").await;
    client.done(CREATE, given(json!({ "client_user_id": "eve" }))).await;
    assert!(app.unauthenticated().gets_key(&login(&key)).await);
    let listed = client.get("/pubkeys/list").await.body;
    assert_eq!((&listed["pubkeys"][0]["remaining_uses"], &listed["num_pubkeys"]), (&1.into(), &2.into()));
}

#[tokio::test]
async fn administrator_changes_and_deletes_own_keys() {
    let app = TestApp::start().await;
    let (admin, client) = (app.admin("test").await, app.client());
    for nobodys in [json!({ "client_id": "" }), json!({ "client_id": NONE }), json!({})] {
        let browser = app.signed_in().await;
        let page = add_own(&browser, OWN_KEY).await;
        assert_eq!(page.path, "/keys", "{}", page.words());
        let key = json!({ "public_key_fingerprint": FINGERPRINT });
        let which = |changes: Value| {
            let mut named = named(&key, changed(nobodys.clone(), changes));
            if nobodys.get("client_id").is_none() {
                named.as_object_mut().expect("an object").remove("client_id");
            }
            named
        };
        assert!(app.unauthenticated().gets_key(&login(&key)).await);
        assert_eq!(client.refusal("DELETE /pubkeys/del", which(json!({}))).await, 400, "only administrators");
        assert_eq!(admin.done("PATCH /pubkeys", which(json!({ "ttl_minutes": 7 }))).await["fields_updated"], 1);
        assert_eq!(admin.done("DELETE /pubkeys/del", which(json!({ "client_user_id": "eve" }))).await["num_deleted"], 0);
        assert_eq!(admin.done("DELETE /pubkeys/del", which(json!({ "client_user_id": "testuser1" }))).await["num_deleted"], 1);
        assert!(!app.unauthenticated().gets_key(&login(&key)).await, "{nobodys}");
    }
}

#[tokio::test]
async fn pasted_keys_are_checked_alike_on_every_path() {
    let app = TestApp::start().await;
    let (client, device, browser) = (app.client(), app.device_with(EVERYTHING).await, app.signed_in().await);
    let encoded = OWN_KEY.split(' ').nth(1).expect("a key");
    let rfc4716 = format!("---- BEGIN SSH2 PUBLIC KEY ----\nComment: \"laptop\"\n{encoded}\n---- END SSH2 PUBLIC KEY ----\n");
    let wrapped = format!("\u{feff}$ cat id_ed25519.pub\r\n{}\r\n{}  user@laptop\r\n$", &OWN_KEY[..60], &OWN_KEY[60..80]);
    let me = json!({ "host": "testhost1", "host_account": "testhostaccount1" });
    for pasted in [rfc4716.as_str(), &wrapped] {
        let made = client.done(CREATE, given(json!({ "public_key": pasted }))).await;
        assert_eq!(made["public_key_fingerprint"], FINGERPRINT, "{pasted}");
        device.done("POST /me/keys", changed(me.clone(), json!({ "public_key": pasted }))).await;
        let page = add_own(&browser, pasted).await;
        assert!(page.path == "/keys" && page.says(FINGERPRINT), "{pasted}: {}", page.words());
        app.sql("DELETE FROM pubkeys").await;
    }
    let certificate = OWN_KEY.replace("ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com");
    let putty = "PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\nc2VjcmV0";
    for (pasted, named, on_page) in [
        (certificate.as_str(), "certificate", en().key_refused_certificate()),
        (&format!("{OWN_KEY}\n{OWN_KEY}"), "more than one key", en().key_refused_several()),
        ("-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----", "PEM", en().key_refused_pem()),
        (&format!("restrict {OWN_KEY}"), "options", en().key_refused_text_before()),
        (putty, "PuTTY", en().key_refused_putty()),
    ] {
        for (caller, call, body) in [(&client, CREATE, given(json!({}))), (&device, "POST /me/keys", me.clone())] {
            let (status, sentence) = caller.refused(call, changed(body, json!({ "public_key": pasted }))).await;
            assert!(status == 400 && sentence.contains(named) && !sentence.contains("c2VjcmV0"), "{sentence}");
        }
        let page = add_own(&browser, pasted).await;
        assert!(page.says(&on_page) && !page.text.contains("c2VjcmV0"), "{pasted}: {}", page.words());
    }
}
