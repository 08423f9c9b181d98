//! RFC 8628 §3.1, §3.2.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::join_all;
use serde_json::Value;
use tms_portal::domain::user_code::{ALPHABET, UserCode};
use tms_portal::server::service::{Rng, SystemRng};

use super::{assert_never_stored, error, refused};
use crate::app::{Answer, TestApp, no_limits, number};

const PATH: &str = "/oauth/device_authorization";

#[tokio::test]
async fn response_is_complete_and_not_cacheable() {
    let app = TestApp::start().await;
    let answer = app.send(PATH, &[("client_id", "tms-cli")]).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert_never_stored(&answer);
    let body = answer.body.as_object().expect("an object");
    let members: Vec<&str> = body.keys().map(String::as_str).collect();
    assert_eq!(members, ["device_code", "expires_in", "interval", "message", "user_code", "verification_uri"]);
    assert_eq!(body["verification_uri"], app.url("/device"));
    assert_eq!((&body["expires_in"], &body["interval"]), (&Value::from(900), &Value::from(5)), "numbers, not texts");
    let message = body["message"].as_str().expect("a sentence");
    assert!(message.contains(&app.url("/device")) && message.contains(body["user_code"].as_str().expect("a code")), "{message}");
    assert!(!message.contains(body["device_code"].as_str().expect("a code")));
}

#[tokio::test]
async fn only_a_posted_form_is_accepted() {
    let app = TestApp::start().await;
    for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH"] {
        let request = app.http.request(method.parse().expect("a method"), app.tenant(PATH)).query(&[("client_id", "tms-cli")]);
        let answer = Answer::of(request).await;
        assert_eq!((answer.status, answer.header("allow")), (405, "POST"), "{method}");
    }
    let bodies = [
        ("application/json", r#"{"client_id":"tms-cli"}"#),
        ("application/json", "client_id=tms-cli"),
        ("text/plain", "client_id=tms-cli"),
        ("multipart/form-data; boundary=x", "--x\r\ncontent-disposition: form-data; name=client_id\r\n\r\ntms-cli\r\n--x--\r\n"),
        ("application/x-www-form-urlencodedx", "client_id=tms-cli"),
        ("", "client_id=tms-cli"),
    ];
    for (content_type, body) in bodies {
        let answer = Answer::of(app.http.post(app.tenant(PATH)).header("content-type", content_type).body(body)).await;
        assert_eq!(error(&answer), refused(400, "invalid_request"), "{content_type}");
    }
    let untyped = Answer::of(app.http.post(app.tenant(PATH)).body("client_id=tms-cli")).await;
    assert_eq!(error(&untyped), refused(400, "invalid_request"));
    let charset =
        app.http.post(app.tenant(PATH)).header("content-type", "Application/X-WWW-Form-urlencoded; charset=UTF-8").body("client_id=tms-cli");
    assert_eq!(Answer::of(charset).await.status, 200);
}

#[tokio::test]
async fn repeated_parameters_are_refused_unknown_ignored() {
    let app = TestApp::start().await;
    for good in [
        "client_id=tms-cli&scope=",
        "client_id=tms-cli&tenant=common&client_info=1&code=&response_type=device_code",
        "&&client_id=tms-cli&&",
        "client_id=tms%2Dcli",
        "client_id=tms-cli&x=%FF%zz%",
    ] {
        assert_eq!(app.send_raw(PATH, good).await.status, 200, "{good}");
    }
    for bad in [
        "",
        "&",
        "client_id",
        "client_id=&scope=hosts:read",
        "client_id=tms-cli&client_id=tms-cli",
        "client_id=tms-cli&client_id=",
        "client_id=tms-cli&client%5Fid=testclient1",
        "client_id=tms-cli&scope=hosts:read&scope=keys:create",
        "client_id=tms-cli&unknown=1&unknown=1",
        "client_id=tms-cli&client_secret=&client_secret=",
        "client_id[]=tms-cli",
    ] {
        assert_eq!(error(&app.send_raw(PATH, bad).await), refused(400, "invalid_request"), "{bad}");
    }
    for stranger in [&b"client_id=\xFF\xFE"[..], b"client_id=%FF", b"client_id=tms-cli%", b"client_id=tms-cli%00", b"client_id=%zz"] {
        let answer = app.send_raw(PATH, stranger).await;
        assert_eq!(error(&answer), refused(401, "invalid_client"), "{}", String::from_utf8_lossy(stranger));
    }
}

#[tokio::test]
async fn client_without_the_grant_is_refused() {
    let app = TestApp::start().await;
    app.sql("UPDATE clients SET device_grant = false WHERE client_id = 'tms-cli' AND tenant_id = 'test'").await;
    let form = [("client_id", "tms-cli"), ("scope", "hosts:read")];
    assert_eq!(error(&app.send(PATH, &form).await), refused(400, "unauthorized_client"));
}

#[tokio::test]
async fn unknown_scopes_are_ignored_unless_none_is_left() {
    let app = TestApp::start().await;
    app.sql("UPDATE clients SET scope = 'hosts:read' WHERE client_id = 'tms-cli' AND tenant_id = 'test'").await;
    // MSAL always adds `openid profile offline_access`.
    for good in ["hosts:read", "hosts:read openid profile offline_access", "  hosts:read\t hosts:read ", "keys:create hosts:read", ""] {
        assert_eq!(app.send(PATH, &[("client_id", "tms-cli"), ("scope", good)]).await.status, 200, "{good:?}");
    }
    for bad in ["openid profile offline_access", "keys:create", "HOSTS:READ", "hosts:readx", "hosts:read,keys:create", "hosts:read\0", " ", "é"] {
        let answer = app.send(PATH, &[("client_id", "tms-cli"), ("scope", bad)]).await;
        assert_eq!(error(&answer), refused(400, "invalid_scope"), "{bad:?}");
    }
}

#[tokio::test]
async fn complete_uri_is_returned_only_by_policy() {
    let app = TestApp::start().await;
    assert_eq!(app.start_device().await.body.get("verification_uri_complete"), None);
    app.change_tenant("test", |tenant| tenant.policy.prefill_user_code = true).await;
    let device = app.start_device().await;
    assert_eq!(device.body["verification_uri_complete"], app.url(&format!("/device?user_code={}", device.user_code)));
    assert_eq!(device.body["verification_uri"], app.url("/device"));
}

#[tokio::test]
async fn code_lifetime_is_set_by_policy() {
    let app = TestApp::start().await;
    app.change_tenant("test", |tenant| tenant.policy.code_lifetime = std::time::Duration::from_secs(300)).await;
    assert_eq!(app.start_device().await.body["expires_in"], 300);
}

#[tokio::test]
async fn codes_are_unique() {
    let app = TestApp::start().await;
    let devices = join_all((0..200).map(|_| app.start_device())).await;
    for device in &devices {
        let letters = device.user_code.replacen('-', "", 1);
        assert!(device.user_code.len() == 9 && device.user_code.as_bytes()[4] == b'-', "{}", device.user_code);
        assert!(letters.bytes().all(|letter| ALPHABET.contains(&letter)) && UserCode::parse(&letters).is_ok(), "{letters}");
        assert_eq!(device.device_code.len(), 43, "256 bits in base64url");
        assert!(device.device_code.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_')), "{}", device.device_code);
        assert!(!device.device_code.to_uppercase().contains(&letters[..4]) || !device.device_code.to_uppercase().contains(&letters[4..]));
    }
    let distinct = |code: fn(&crate::app::Device) -> &String| devices.iter().map(code).collect::<HashSet<_>>().len();
    assert_eq!((distinct(|device| &device.device_code), distinct(|device| &device.user_code)), (200, 200));
}

/// Random bytes that yield the user code `BBBB-BBBB` for a number of times.
struct CollidingRng {
    draws: AtomicU64,
}

impl Rng for CollidingRng {
    fn fill(&self, bytes: &mut [u8]) {
        SystemRng.fill(bytes);
        // The letters of user codes are drawn one byte at a time, eight per code.
        if let [letter] = bytes
            && self.draws.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
        {
            *letter = 0;
        }
    }
}

#[tokio::test]
async fn colliding_code_is_drawn_again_a_few_times() {
    let entropy = Arc::new(CollidingRng { draws: AtomicU64::new(8 * 4) });
    let app = TestApp::start_with_rng(entropy.clone()).await;
    assert_eq!(app.start_device().await.user_code, "BBBB-BBBB");
    assert_ne!(app.start_device().await.user_code, "BBBB-BBBB", "three draws later");

    entropy.draws.store(u64::MAX, Ordering::SeqCst);
    let failed = app.send(PATH, &[("client_id", "tms-cli")]).await;
    assert_eq!(error(&failed), refused(500, "server_error"));
    assert_eq!((failed.body["request_id"].as_str(), failed.header("x-request-id").len()), (Some(failed.header("x-request-id")), 32));
    entropy.draws.store(0, Ordering::SeqCst);
    app.start_device().await;
}

#[tokio::test]
async fn code_requests_per_ip_are_limited() {
    let mut limits = no_limits();
    limits.device_requests = number(3);
    let app = TestApp::start_with(limits).await;
    for _ in 0..3 {
        app.start_device().await;
    }
    // Another address or client in the request does not change the caller.
    let form = [("client_id", "testclient1"), ("client_secret", "secret1")];
    let wall = Answer::of(app.http.post(app.tenant(PATH)).header("x-forwarded-for", "192.0.2.1").form(&form)).await;
    assert_eq!(error(&wall), refused(429, "temporarily_unavailable"));
    assert!((1..=60).contains(&wall.header("retry-after").parse().expect("seconds")));
}
