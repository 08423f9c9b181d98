//! The header `Host` (RFC 9112 §3.2): one, and valid.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::app::TestApp;

/// Sends a request without a body, and returns the response.
async fn send(app: &TestApp, line: &str, headers: &str) -> String {
    let address = app.base.trim_start_matches("http://").to_owned();
    let request = format!("{line}\r\n{headers}Connection: close\r\n\r\n");
    let exchange = move || {
        let mut connection = TcpStream::connect(address).expect("connected");
        connection.write_all(request.as_bytes()).expect("sent");
        let mut response = Vec::new();
        connection.read_to_end(&mut response).expect("a response");
        String::from_utf8_lossy(&response).into_owned()
    };
    tokio::task::spawn_blocking(exchange).await.expect("a thread")
}

const INVALID: [&str; 6] = ["", "Host: x\r\nHost: x\r\n", "Host: x\r\nHost: y\r\n", "Host:\r\n", "Host: a b\r\n", "Host: user@x\r\n"];

#[tokio::test]
async fn missing_repeated_and_invalid_hosts_are_refused_on_every_route() {
    let app = TestApp::start().await;
    for (line, explanation) in [
        ("GET /healthz", "one header Host"),
        ("GET /readyz", "one header Host"),
        ("GET /v1/tms/version", "\"result_code\":\"400\""),
        ("GET /v1/nothing", "\"result_code\":\"400\""),
        ("POST /t/test/oauth/token", "\"error\":\"invalid_request\""),
        ("GET /t/test/.well-known/oauth-authorization-server", "\"error\":\"invalid_request\""),
        ("GET /sign-in", "one header Host"),
        ("POST /api/sign_in", "one header Host"),
        ("GET /pkg/tms-portal.0123.js", "one header Host"),
        ("GET /nothing", "one header Host"),
    ] {
        for host in INVALID {
            let response = send(&app, &format!("{line} HTTP/1.1"), host).await;
            assert!(response.starts_with("HTTP/1.1 400 ") && response.contains(explanation), "{line} {host:?}: {response}");
            assert!(response.contains("x-content-type-options: nosniff"), "{line} {host:?}: {response}");
        }
    }
}

#[tokio::test]
async fn browsers_get_a_page() {
    let app = TestApp::start().await;
    let response = send(&app, "GET /sign-in HTTP/1.1", "Accept: text/html\r\n").await;
    assert!(response.starts_with("HTTP/1.1 400 ") && response.contains("<html"), "{response}");
}

#[tokio::test]
async fn only_http_1_0_may_leave_the_host_out() {
    let app = TestApp::start().await;
    for (line, host, status) in [
        ("GET /healthz HTTP/1.0", "", "200"),
        ("GET /healthz HTTP/1.0", "Host: x\r\n", "200"),
        ("GET /healthz HTTP/1.0", "Host: x\r\nHost: x\r\n", "400"),
        ("GET /healthz HTTP/1.1", "host: tms.example.org:8443\r\n", "200"),
        ("GET /healthz HTTP/1.1", "Host: [::1]:3000\r\n", "200"),
    ] {
        let response = send(&app, line, host).await;
        assert_eq!(response.split(' ').nth(1), Some(status), "{line} {host:?}: {response}");
    }
}
