//! Common behaviour of all API and OAuth endpoints.

use std::io::{Read, Write};
use std::net::TcpStream;

use reqwest::RequestBuilder;

use crate::app::{Answer, DEVICE_CODE_GRANT, TestApp};
use crate::{oauth, tms};

const FORM: &str = "application/x-www-form-urlencoded";
const POSTED: [&str; 3] = ["/oauth/device_authorization", "/oauth/token", "/oauth/revoke"];

/// Valid and invalid requests to all endpoints.
fn requests_to_all_endpoints(app: &TestApp) -> Vec<RequestBuilder> {
    let post = |path: &str, form: &[(&str, &str)]| app.http.post(app.tenant(path)).form(form);
    let get = |path: &str| app.http.get(app.url(path));
    vec![
        post("/oauth/device_authorization", &[("client_id", "tms-cli")]),
        post("/oauth/device_authorization", &[]),
        post("/oauth/device_authorization", &[("client_id", "nobody")]),
        post("/oauth/token", &[("client_id", "tms-cli"), ("grant_type", DEVICE_CODE_GRANT), ("device_code", "x")]),
        post("/oauth/revoke", &[("client_id", "tms-cli"), ("token", "x")]),
        get("/t/test/oauth/token"),
        get("/t/test/oauth/jwks"),
        get("/t/test/.well-known/openid-configuration"),
        get("/t/nobody/.well-known/openid-configuration"),
        get("/v1/tms/me"),
        get("/v1/tms/me").bearer_auth("x"),
        get("/v1/nothing"),
    ]
}

#[tokio::test]
async fn api_responses_have_no_cookies_or_html() {
    let app = TestApp::start().await;
    for request in requests_to_all_endpoints(&app) {
        let answer = Answer::of(request.header("cookie", "tms=x").header("origin", "https://elsewhere.example")).await;
        assert_eq!(answer.headers.get("set-cookie"), None);
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        for (name, value) in [("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("cross-origin-resource-policy", "same-origin")] {
            assert_eq!(answer.header(name), value);
        }
        assert!(answer.headers.contains_key("referrer-policy") && answer.headers.contains_key("cache-control"));
    }
}

/// Java's `HttpURLConnection` prefers HTML by default, and so do browsers.
#[tokio::test]
async fn api_returns_json_even_if_html_is_preferred() {
    let app = TestApp::start().await;
    for (plain, pages) in requests_to_all_endpoints(&app).into_iter().zip(requests_to_all_endpoints(&app)) {
        let (plain, pages) = (Answer::of(plain).await, Answer::of(pages.header("accept", "text/html, image/gif, */*; q=.2")).await);
        assert_eq!((pages.status, pages.header("content-type")), (plain.status, plain.header("content-type")), "{}", plain.body);
        assert_eq!((pages.error(), pages.header("www-authenticate")), (plain.error(), plain.header("www-authenticate")), "{}", plain.body);
    }
}

#[tokio::test]
async fn unknown_tenant_is_a_json_error() {
    let app = TestApp::start().await;
    for tenant in ["nobody", "TEST", "test%00", "%FF", "%zz", "test%20", "~~", "..%2ftest", &"x".repeat(1_000)] {
        for path in POSTED {
            let request = app.http.post(app.url(&format!("/t/{tenant}{path}"))).form(&[("client_id", "tms-cli")]);
            assert_eq!(oauth::error(&Answer::of(request).await), oauth::refused(404, "invalid_request"), "{tenant}{path}");
        }
    }
}

#[tokio::test]
async fn bodies_over_16_kib_are_refused() {
    let app = TestApp::start().await;
    let of_length = |length: usize| format!("client_id=tms-cli&x={}", "a".repeat(length - "client_id=tms-cli&x=".len()));
    for path in POSTED {
        assert_eq!(oauth::error(&app.send_raw(path, of_length(16 * 1024 + 1)).await), oauth::refused(413, "invalid_request"), "{path}");
        assert_ne!(app.send_raw(path, of_length(16 * 1024)).await.status, 413, "{path}");
        assert_eq!(status_of_chunks(&app, path).await, 413, "{path}");
    }
}

/// The status of a chunked request without a length: three chunks of 8 KiB.
async fn status_of_chunks(app: &TestApp, path: &str) -> u16 {
    let address = app.base.strip_prefix("http://").expect("an address").to_owned();
    let head = format!("POST /t/test{path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: {FORM}\r\ntransfer-encoding: chunked\r\n\r\n");
    let chunks = format!("2000\r\n{}\r\n", "a".repeat(0x2000)).repeat(3);
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).expect("connected");
        stream.write_all(format!("{head}{chunks}0\r\n\r\n").as_bytes()).expect("sent");
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).expect("an answer");
        answer
    });
    let answer = answer.await.expect("an answer");
    std::str::from_utf8(&answer[9..]).expect("a status").parse().expect("a number")
}

#[tokio::test]
async fn megabyte_device_code_is_refused() {
    let app = TestApp::start().await;
    let body = format!("client_id=tms-cli&grant_type={DEVICE_CODE_GRANT}&device_code={}", "x".repeat(1024 * 1024));
    for _ in 0..8 {
        let sent = app.http.post(app.tenant("/oauth/token")).header("content-type", FORM).body(body.clone()).send().await;
        // The server may close the connection before all of it is sent.
        assert!(sent.map_or(true, |answer| answer.status() == 413));
    }
    app.start_device().await;
}

#[tokio::test]
async fn invalid_utf8_is_refused() {
    let app = TestApp::start().await;
    let every_byte: Vec<u8> = (0..=255).collect();
    let bodies = [every_byte.clone(), every_byte.repeat(60), vec![0; 1_000], vec![b'&'; 16_000], vec![b'%'; 16_000], b"a=1&".repeat(4_000)];
    for path in POSTED {
        for body in &bodies {
            let answer = app.send_raw(path, body.clone()).await;
            assert_eq!(oauth::error(&answer), oauth::refused(400, "invalid_request"), "{path}");
        }
    }
    for value in [&b"Bearer \xFF\xFE"[..], b"Bearer", b"Bearer ", b"\xFF", b"Basic \xFF"] {
        let value = reqwest::header::HeaderValue::from_bytes(value).expect("a header value");
        let answer = Answer::of(app.http.get(app.url("/v1/tms/me")).header("authorization", value.clone())).await;
        assert_eq!(tms::error(&answer), 401);
        let posted = app.http.post(app.tenant("/oauth/token")).header("authorization", value).form(&[("client_id", "tms-cli")]);
        assert_eq!(oauth::error(&Answer::of(posted).await), oauth::refused(401, "invalid_client"));
    }
    app.start_device().await;
}

#[tokio::test]
async fn any_user_agent_is_accepted() {
    let app = TestApp::start().await;
    for agent in [&b"\xFF\xFE"[..], &[b'a'; 8_000], b"<script>alert(1)</script>", "caf\u{e9}".as_bytes()] {
        let agent = reqwest::header::HeaderValue::from_bytes(agent).expect("a header value");
        let request = app.http.post(app.tenant("/oauth/device_authorization")).header("user-agent", agent).form(&[("client_id", "tms-cli")]);
        assert_eq!(Answer::of(request).await.status, 200);
    }
}
