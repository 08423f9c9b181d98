//! The wire format: the requests and responses of each endpoint are in `wire/*.txt`, with variable parts masked. After an intended
//! change: `WIRE=write cargo test … --test http wire`, and read the diff: deployed clients depend on it.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::api::{ApiClient, EVERYTHING, NO_KEY, login, text};
use super::endpoints::{OWN_KEY, route_of, routes};
use super::openapi;
use crate::app::{Answer, TestApp};

/// A portal whose responses are recorded.
struct Wire {
    app: TestApp,
    noun: &'static str,
    spec: Value,
    routes: Vec<String>,
    said: String,
    masks: Masks,
}

impl Wire {
    async fn about(noun: &'static str) -> Self {
        let app = TestApp::start().await;
        let spec = Answer::of(app.http.get(app.url("/spec"))).await.body;
        Self { routes: routes(&spec), app, noun, spec, said: String::new(), masks: Masks::default() }
    }

    /// Makes a call, records it, and returns the response.
    async fn call(&mut self, who: (&str, &ApiClient), call: &str, body: Value) -> Value {
        let answer = who.1.call(call, body.clone()).await;
        assert_eq!((answer.header("content-type"), answer.headers.get("set-cookie")), ("application/json", None), "{call}");
        openapi::check(&self.spec, &route_of(call, &self.routes), &answer);
        let asked = self.masks.path(call).replacen(' ', " /v1/tms", 1);
        self.said += &format!("### {}: {asked}\n", who.0);
        if !body.is_null() {
            self.said += &format!("{}\n", self.masks.masked("", body));
        }
        let pretty = serde_json::to_string_pretty(&self.masks.masked("", answer.body.clone())).expect("JSON");
        self.said += &format!("--> {}\n{pretty}\n\n", answer.status);
        // So that the times of changes differ.
        self.app.clock.advance(Duration::from_secs(60));
        answer.body
    }

    fn compare_with_snapshot(self) {
        let file = PathBuf::from(format!("{}/tests/http/tms/wire/{}.txt", env!("CARGO_MANIFEST_DIR"), self.noun));
        if std::env::var_os("WIRE").is_some_and(|what| what == "write") {
            std::fs::write(&file, &self.said).expect("written");
        }
        let written = std::fs::read_to_string(&file).unwrap_or_default();
        let (written, said): (Vec<&str>, Vec<&str>) = (written.lines().collect(), self.said.lines().collect());
        for (number, line) in said.iter().enumerate() {
            let before = said[..number].iter().rev().find(|line| line.starts_with("###")).copied().unwrap_or_default();
            assert_eq!(*line, written.get(number).copied().unwrap_or("(nothing)"), "{}, line {}, {before}", file.display(), number + 1);
        }
        assert_eq!(said.len(), written.len(), "{} has more than is said", file.display());
    }
}

/// Masks variable parts, after checking their format.
#[derive(Default)]
struct Masks {
    resids: Vec<String>,
}

impl Masks {
    fn masked(&mut self, name: &str, value: Value) -> Value {
        match value {
            Value::Object(members) => members.into_iter().map(|(name, value)| (name.clone(), self.masked(&name, value))).collect(),
            Value::Array(items) => items.into_iter().map(|item| self.masked(name, item)).collect(),
            Value::Number(number) if name == "id" => {
                assert!(number.as_i64().is_some_and(|number| number > 0), "{number}");
                json!(1)
            }
            Value::String(text) if text != "unknown" => self.word(name, text).into(),
            other => other,
        }
    }

    fn word(&mut self, name: &str, text: String) -> String {
        match name {
            "client_secret" | "admin_secret" | "credential" => {
                assert!(text.len() == 48 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')), "{name}: {text}");
                "<48 hexadecimal digits>".into()
            }
            "private_key" => {
                assert!(text.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n") && text.ends_with("\n-----END OPENSSH PRIVATE KEY-----\n"));
                "<an OpenSSH private key>".into()
            }
            "public_key" => format!("{} <base64>", text.split(' ').next().unwrap_or_default()),
            "public_key_fingerprint" => {
                let rest = text.strip_prefix("SHA256:").expect("a fingerprint");
                assert!(rest.len() == 43 && !rest.contains('='), "{text}");
                "SHA256:<43 characters>".into()
            }
            "resid" | "parent_resid" if text != "x" => {
                assert_eq!(text.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{text}");
                assert_eq!(&text[14..15], "4", "a uuid of version 4: {text}");
                if !self.resids.contains(&text) {
                    self.resids.push(text.clone());
                }
                self.path(&text)
            }
            "git_branch" | "git_commit" | "git_dirty" | "rustc_version" | "source_ts" | "tms_version" => format!("<{name}>"),
            "link_id" => "<43 characters>".into(),
            "user_code" => "<user code>".into(),
            "verification_uri" => format!("<portal>{}", text.split_at(text.rfind("/hosts").expect("our page")).1),
            "next_cursor" => "<cursor>".into(),
            _ => text,
        }
    }

    /// Row ids and reservations in a path.
    fn path(&self, path: &str) -> String {
        let named = |part: &str| match self.resids.iter().position(|resid| resid == part) {
            Some(place) => format!("<reservation {}>", place + 1),
            None if !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) => "<id>".to_owned(),
            None => part.to_owned(),
        };
        path.split('/').map(named).collect::<Vec<_>>().join("/")
    }
}

const NONE: Value = Value::Null;

#[tokio::test]
async fn wire_of_general_endpoints() {
    let mut wire = Wire::about("general").await;
    let unauthenticated = wire.app.unauthenticated();
    wire.call(("nobody", &unauthenticated), "GET /version", NONE).await;
    let hello = unauthenticated.request("GET /hello?name=tapis").send().await.expect("an answer");
    let content = hello.headers()["content-type"].to_str().expect("ASCII").to_owned();
    wire.said +=
        &format!("### nobody: GET /v1/tms/hello?name=tapis\n--> {} {content}\n{}\n\n", hello.status().as_u16(), hello.text().await.expect("a text"));
    wire.compare_with_snapshot();
}

#[tokio::test]
async fn wire_of_clients() {
    let mut wire = Wire::about("clients").await;
    let (admin, client) = (wire.app.admin("test").await, wire.app.client());
    let (admin, client) = (("admin", &admin), ("client", &client));
    let new = json!({ "client_id": "newclient", "tenant": "test", "app_name": "newapp", "app_version": "1.0" });
    wire.call(admin, "POST /client", new.clone()).await;
    wire.call(admin, "POST /client", new).await;
    wire.call(client, "GET /client/testclient1", NONE).await;
    wire.call(admin, "GET /client/nobody", NONE).await;
    wire.call(client, "GET /client/newclient", NONE).await;
    wire.call(client, "GET /client/list", NONE).await;
    wire.call(admin, "GET /client/list?limit=1", NONE).await;
    wire.call(admin, "PATCH /client/upd/newclient?app_version=1.1&enabled=false", NONE).await;
    wire.call(admin, "GET /client/list", NONE).await;
    wire.call(admin, "PATCH /client/upd/newclient", NONE).await;
    wire.call(admin, "PATCH /client/upd/nobody?enabled=true", NONE).await;
    wire.call(client, "PATCH /client/secret/testclient1", NONE).await;
    wire.call(admin, "PATCH /client/secret/nobody", NONE).await;
    wire.call(admin, "DELETE /client/del/newclient", NONE).await;
    wire.call(admin, "DELETE /client/del/newclient", NONE).await;
    let strange = wire.app.client_of("test", "testclient1", "wrong");
    wire.call(("a client with a wrong secret", &strange), "GET /client/testclient1", NONE).await;
    let nowhere = strange.without("x-tms-tenant");
    wire.call(("a client without a tenant", &nowhere), "GET /client/testclient1", NONE).await;
    wire.compare_with_snapshot();
}

#[tokio::test]
async fn wire_of_user_mfa() {
    let mut wire = Wire::about("user_mfa").await;
    let admin = wire.app.admin("test").await;
    let admin = ("admin", &admin);
    let new = json!({ "tenant": "test", "tms_user_id": "jdoe", "ttl_minutes": 60 });
    wire.call(admin, "POST /usermfa", new.clone()).await;
    wire.call(admin, "POST /usermfa", new).await;
    wire.call(admin, "POST /usermfa", json!({ "tenant": "test", "tms_user_id": "now", "ttl_minutes": 0 })).await;
    wire.call(admin, "GET /usermfa/testuser1", NONE).await;
    wire.call(admin, "GET /usermfa/nobody", NONE).await;
    wire.call(admin, "PATCH /usermfa/upd", json!({ "tenant": "test", "tms_user_id": "jdoe", "enabled": false })).await;
    wire.call(admin, "PATCH /usermfa/upd", json!({ "tenant": "test", "tms_user_id": "nobody", "enabled": false })).await;
    wire.call(admin, "PATCH /usermfa/upd", json!({ "tenant": "default", "tms_user_id": "jdoe", "enabled": false })).await;
    wire.call(admin, "GET /usermfa/list", NONE).await;
    wire.call(admin, "DELETE /usermfa/del/jdoe", NONE).await;
    wire.call(admin, "DELETE /usermfa/del/jdoe", NONE).await;
    wire.compare_with_snapshot();
}

#[tokio::test]
async fn wire_of_user_hosts() {
    let mut wire = Wire::about("user_hosts").await;
    let admin = wire.app.admin("test").await;
    let admin = ("admin", &admin);
    let link =
        |user: &str, minutes: i32| json!({ "tenant": "test", "tms_user_id": user, "host": "frontera", "host_account": "jd", "ttl_minutes": minutes });
    wire.call(admin, "POST /userhosts", link("testuser1", -1)).await;
    wire.call(admin, "POST /userhosts", link("testuser1", -1)).await;
    wire.call(admin, "POST /userhosts", link("nobody", -1)).await;
    let list = wire.call(admin, "GET /userhosts/list", NONE).await;
    wire.call(admin, &format!("GET /userhosts/{}", list["users"][1]["id"]), NONE).await;
    wire.call(admin, "GET /userhosts/999999", NONE).await;
    wire.call(admin, "GET /userhosts/x", NONE).await;
    wire.call(admin, "PATCH /userhosts/upd", link("testuser1", 10)).await;
    wire.call(admin, "PATCH /userhosts/upd", link("nobody", 10)).await;
    wire.call(admin, "DELETE /userhosts/del", link("testuser1", 0)).await;
    wire.call(admin, "DELETE /userhosts/del", link("testuser1", 0)).await;
    wire.compare_with_snapshot();
}

#[tokio::test]
async fn wire_of_delegations() {
    let mut wire = Wire::about("delegations").await;
    let admin = wire.app.admin("test").await;
    wire.app.add_client(&admin, "test", "newclient").await;
    let admin = ("admin", &admin);
    let delegation = |client: &str, user: &str| json!({ "tenant": "test", "client_id": client, "client_user_id": user, "ttl_minutes": 30 });
    wire.call(admin, "POST /delegations", delegation("newclient", "testuser1")).await;
    wire.call(admin, "POST /delegations", delegation("newclient", "testuser1")).await;
    wire.call(admin, "POST /delegations", delegation("nobody", "testuser1")).await;
    wire.call(admin, "POST /delegations", delegation("newclient", "nobody")).await;
    let list = wire.call(admin, "GET /delegations/list", NONE).await;
    wire.call(admin, &format!("GET /delegations/{}", list["users"][1]["id"]), NONE).await;
    wire.call(admin, "GET /delegations/999999", NONE).await;
    wire.call(admin, "PATCH /delegations/upd", delegation("newclient", "testuser1")).await;
    wire.call(admin, "PATCH /delegations/upd", delegation("newclient", "nobody")).await;
    wire.call(admin, "DELETE /delegations/del", delegation("newclient", "testuser1")).await;
    wire.call(admin, "DELETE /delegations/del", delegation("newclient", "testuser1")).await;
    wire.compare_with_snapshot();
}

#[tokio::test]
async fn wire_of_hosts() {
    let mut wire = Wire::about("hosts").await;
    let admin = wire.app.admin("test").await;
    let other = wire.app.add_tenant("other").await;
    let admin = ("admin", &admin);
    let address = json!({ "tenant": "test", "host": "frontera", "addr": "129.114.*.*" });
    wire.call(admin, "POST /hosts", address.clone()).await;
    wire.call(admin, "POST /hosts", address.clone()).await;
    wire.call(("admin of another tenant", &other), "POST /hosts", json!({ "tenant": "other", "host": "frontera", "addr": "10.0.0.1" })).await;
    let list = wire.call(admin, "GET /hosts/list", NONE).await;
    wire.call(admin, &format!("GET /hosts/{}", list["users"][1]["id"]), NONE).await;
    wire.call(admin, "GET /hosts/999999", NONE).await;
    wire.call(admin, "DELETE /hosts/del", address.clone()).await;
    wire.call(admin, "DELETE /hosts/del", address).await;
    wire.call(admin, "POST /hosts/credential", json!({ "tenant": "test", "host": "frontera" })).await;
    wire.call(admin, "POST /hosts/credential?overlap_minutes=5", json!({ "tenant": "test", "host": "frontera", "required": true })).await;
    wire.call(admin, "PATCH /hosts/credential", json!({ "tenant": "test", "host": "frontera", "required": false })).await;
    wire.call(admin, "PATCH /hosts/credential", json!({ "tenant": "test", "host": "nowhere", "required": false })).await;
    wire.call(admin, "DELETE /hosts/credential", json!({ "tenant": "test", "host": "frontera" })).await;
    wire.call(admin, "DELETE /hosts/credential", json!({ "tenant": "test", "host": "frontera" })).await;
    let (host, unauthenticated) = (wire.app.host(admin.1, "test", "testhost1", true).await, wire.app.unauthenticated());
    wire.call(("host", &host), "POST /hosts/check", json!({ "host": "TestHost1" })).await;
    wire.call(("nobody", &unauthenticated), "POST /hosts/check", json!({ "host": "TestHost1" })).await;
    wire.compare_with_snapshot();
}

#[tokio::test]
async fn wire_of_links() {
    let mut wire = Wire::about("links").await;
    let admin = wire.app.admin("test").await;
    let (host, other) = (wire.app.host(&admin, "test", "frontera", false).await, wire.app.host(&admin, "test", "stampede", false).await);
    let unauthenticated = wire.app.unauthenticated();
    let (host, other, unauthenticated) = (("host", &host), ("another host", &other), ("nobody", &unauthenticated));
    let asked = wire.call(host, "POST /links", json!({ "user": "jd", "user_uid": "1001" })).await;
    wire.call(host, "POST /links", json!({ "user": "root", "user_uid": "0" })).await;
    wire.call(host, "POST /links", json!({ "user": "jd", "user_uid": "many" })).await;
    wire.call(unauthenticated, "POST /links", json!({ "user": "jd", "user_uid": "1001" })).await;
    let status = json!({ "link_id": asked["link_id"] });
    wire.call(host, "POST /links/status", status.clone()).await;
    wire.call(other, "POST /links/status", status.clone()).await;
    let browser = wire.app.signed_in().await;
    browser.link(&browser.enter_link(text(&asked["user_code"])).await).await;
    wire.call(host, "POST /links/status", status).await;
    let link_id = json!({ "link_id": wire.call(host, "POST /links", json!({ "user": "jd", "user_uid": "1001" })).await["link_id"] });
    wire.call(unauthenticated, "POST /links/withdraw", link_id.clone()).await;
    wire.call(host, "POST /links/withdraw", link_id.clone()).await;
    wire.call(host, "POST /links/withdraw", link_id).await;
    wire.compare_with_snapshot();
}

#[tokio::test]
async fn wire_of_pubkeys() {
    let mut wire = Wire::about("pubkeys").await;
    let (admin, client, unauthenticated) = (wire.app.admin("test").await, wire.app.client(), wire.app.unauthenticated());
    let (admin, client, unauthenticated) = (("admin", &admin), ("client", &client), ("a host", &unauthenticated));
    let place = json!({ "client_user_id": "testuser1", "host": "testhost1", "host_account": "testhostaccount1" });
    let params = |more: Value| super::api::changed(place.clone(), more);
    let key = wire.call(client, "POST /pubkeys/creds", params(json!({ "num_uses": -1, "ttl_minutes": -1, "key_type": "" }))).await;
    let limited = wire.call(client, "POST /pubkeys/creds", params(json!({ "num_uses": 3, "ttl_minutes": 60, "key_type": "ECDSA" }))).await;
    wire.call(client, "POST /pubkeys/creds", params(json!({ "num_uses": 1, "ttl_minutes": 5, "public_key": OWN_KEY }))).await;
    wire.call(client, "POST /pubkeys/creds", params(json!({ "num_uses": 1, "ttl_minutes": 5, "public_key": OWN_KEY }))).await;
    wire.call(client, "POST /pubkeys/creds", params(json!({ "num_uses": 1, "ttl_minutes": 5, "client_user_id": "nobody" }))).await;
    wire.call(client, "POST /pubkeys/creds", params(json!({ "num_uses": 1, "ttl_minutes": 5, "key_type": "dsa" }))).await;
    wire.call(unauthenticated, "POST /pubkeys/creds/retrieve", login(&limited)).await;
    wire.call(unauthenticated, "POST /pubkeys/creds/retrieve", login(&json!({ "public_key_fingerprint": NO_KEY }))).await;
    let list = wire.call(client, "GET /pubkeys/list?limit=2", NONE).await;
    wire.call(client, &format!("GET /pubkeys/id/{}", list["pubkeys"][1]["id"]), NONE).await;
    wire.call(admin, "GET /pubkeys/id/999999", NONE).await;
    let named = |more: Value| super::api::named(&key, more);
    wire.call(client, "PATCH /pubkeys", named(json!({ "max_uses": 5, "ttl_minutes": 10 }))).await;
    wire.call(client, "PATCH /pubkeys", named(json!({}))).await;
    wire.call(client, "PATCH /pubkeys", named(json!({ "host": "nowhere", "max_uses": 5 }))).await;
    wire.call(client, "PATCH /pubkeys", named(json!({ "client_id": "tms-cli", "max_uses": 5 }))).await;
    wire.call(client, "DELETE /pubkeys/del", named(json!({}))).await;
    wire.call(admin, "DELETE /pubkeys/del", named(json!({}))).await;
    wire.compare_with_snapshot();
}

#[tokio::test]
async fn wire_of_reservations() {
    let mut wire = Wire::about("reservations").await;
    let (admin, client) = (wire.app.admin("test").await, wire.app.client());
    let key = client.make_key(json!({})).await;
    let (admin, client) = (("admin", &admin), ("client", &client));
    let named = |more: Value| {
        super::api::changed(
            json!({ "client_user_id": "testuser1", "host": "testhost1", "public_key_fingerprint": key["public_key_fingerprint"] }),
            more,
        )
    };
    let parent = wire.call(client, "POST /reservations", named(json!({ "ttl_minutes": 30 }))).await;
    wire.call(client, "POST /reservations", named(json!({ "ttl_minutes": 30, "public_key_fingerprint": NO_KEY }))).await;
    let child = wire.call(client, "POST /reservations/extend", named(json!({ "parent_resid": parent["resid"] }))).await;
    wire.call(client, "POST /reservations/extend", named(json!({ "parent_resid": child["resid"] }))).await;
    wire.call(client, "POST /reservations/extend", named(json!({ "parent_resid": "x" }))).await;
    let (parent, child) = (text(&parent["resid"]), text(&child["resid"]));
    wire.call(client, &format!("GET /reservations/testclient1/{child}"), NONE).await;
    wire.call(admin, "GET /reservations/testclient1/x", NONE).await;
    wire.call(client, &format!("DELETE /reservations/del/testclient1/{child}"), NONE).await;
    wire.call(client, &format!("DELETE /reservations/del/related/testclient1/{parent}"), NONE).await;
    wire.call(client, &format!("DELETE /reservations/del/testclient1/{parent}"), NONE).await;
    wire.compare_with_snapshot();
}

#[tokio::test]
async fn wire_of_tenants() {
    let mut wire = Wire::about("tenants").await;
    let (root, admin, unauthenticated) = (wire.app.admin("default").await, wire.app.admin("test").await, wire.app.unauthenticated());
    let (root, admin, unauthenticated) = (("admin of default", &root), ("admin", &admin), ("nobody", &unauthenticated));
    wire.call(root, "POST /tenants/newtenant", NONE).await;
    wire.call(root, "POST /tenants/newtenant", NONE).await;
    wire.call(admin, "POST /tenants/another", NONE).await;
    wire.call(unauthenticated, "GET /tenants/newtenant", NONE).await;
    wire.call(unauthenticated, "GET /tenants/nowhere", NONE).await;
    wire.call(root, "PATCH /tenants/upd", json!({ "tenant": "newtenant", "enabled": false })).await;
    wire.call(root, "PATCH /tenants/upd", json!({ "tenant": "nowhere", "enabled": false })).await;
    wire.call(admin, "PATCH /tenants/upd", json!({ "tenant": "newtenant", "enabled": true })).await;
    wire.call(unauthenticated, "GET /tenants/list", NONE).await;
    wire.call(admin, "DELETE /tenants/del/test", NONE).await;
    wire.call(root, "DELETE /tenants/del/newtenant", NONE).await;
    wire.call(root, "DELETE /tenants/del/newtenant", NONE).await;
    wire.call(root, "DELETE /tenants/del/default", NONE).await;
    wire.call(admin, "DELETE /tenants/wipe/test", NONE).await;
    wire.call(root, "DELETE /tenants/wipe/test", NONE).await;
    wire.compare_with_snapshot();
}

#[tokio::test]
async fn wire_of_me() {
    let mut wire = Wire::about("me").await;
    let (device, poor) = (wire.app.device_with(EVERYTHING).await, wire.app.device_with("hosts:read").await);
    let (device, poor) = (("device", &device), ("device that may only read hosts", &poor));
    wire.call(device, "GET /me", NONE).await;
    wire.call(device, "GET /me/hosts", NONE).await;
    let own = json!({ "host": "testhost1", "host_account": "testhostaccount1", "public_key": OWN_KEY });
    let key = wire.call(device, "POST /me/keys", own.clone()).await;
    wire.call(device, "POST /me/keys", own.clone()).await;
    wire.call(poor, "POST /me/keys", own).await;
    wire.call(device, "GET /me/keys", NONE).await;
    wire.call(device, &format!("DELETE /me/keys/{}", key["id"]), NONE).await;
    wire.call(device, &format!("DELETE /me/keys/{}", key["id"]), NONE).await;
    let unauthenticated = wire.app.unauthenticated();
    wire.call(("nobody", &unauthenticated), "GET /me/keys", NONE).await;
    wire.compare_with_snapshot();
}

#[tokio::test]
async fn wire_of_refusals() {
    let mut wire = Wire::about("refusals").await;
    let (admin, device, host) = (wire.app.admin("test").await, wire.app.device_with(EVERYTHING).await, wire.app.unauthenticated());
    let expired = wire.app.client().make_key(json!({ "ttl_minutes": 0 })).await;
    assert!(!host.gets_key(&login(&expired)).await);
    wire.app.refusals(1).await;
    wire.call(("admin", &admin), "GET /hosts/refusals?host=testhost1", NONE).await;
    wire.call(("admin", &admin), "GET /hosts/refusals?host=nowhere", NONE).await;
    wire.call(("admin", &admin), "GET /hosts/refusals", NONE).await;
    wire.call(("device", &device), "GET /me/refusals?host=testhost1", NONE).await;
    wire.call(("device", &device), "GET /me/refusals?host=nowhere", NONE).await;
    wire.compare_with_snapshot();
}

/// W1, W2: every PATCH returned 500, and three lists closed the connection.
#[tokio::test]
async fn every_endpoint_has_a_recorded_success() {
    let app = TestApp::start().await;
    let mut missing = routes(&Answer::of(app.http.get(app.url("/spec"))).await.body);
    let all = missing.clone();
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/http/tms/wire"));
    for file in std::fs::read_dir(folder).expect("a folder") {
        let written = std::fs::read_to_string(file.expect("a file").path()).expect("a text");
        for call in written.split("### ").filter(|call| call.contains("\n--> 2")) {
            let asked = call.lines().next().and_then(|line| line.split_once(": ")).expect("who and what").1;
            missing.retain(|route| *route != route_of(&asked.replacen("/v1/tms", "", 1), &all));
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}
