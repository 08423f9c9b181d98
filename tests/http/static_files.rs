//! Built files, and `public/`.

use std::io::{Read, Write};

use crate::app::TestApp;

#[tokio::test]
async fn built_files_are_compressed_and_immutable() {
    let app = TestApp::start().await;
    for (accepted, encoding, text) in [("br, gzip", "br", "brotli"), ("gzip", "gzip", "gzip"), ("identity", "", "plain")] {
        let answer = app.http.get(app.url("/pkg/tms-portal.0123.js")).header("accept-encoding", accepted).send().await.expect("an answer");
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        assert_eq!((answer.status().as_u16(), header("content-encoding").as_str()), (200, encoding));
        assert_eq!(header("cache-control"), "public, max-age=31536000, immutable");
        assert!(header("content-type").contains("javascript"), "{}", header("content-type"));
        assert!(header("vary").to_lowercase().contains("accept-encoding"), "a cache must not hand brotli to who cannot read it");
        assert_eq!(answer.text().await.expect("a text"), text);
    }
}

#[tokio::test]
async fn unmodified_files_have_the_headers_of_the_full_response() {
    let app = TestApp::start().await;
    let own_headers = ["accept-ranges", "content-encoding", "content-length", "content-type", "date", "x-request-id"];
    for path in ["/pkg/tms-portal.0123.js", "/favicon.svg"] {
        let get = || app.http.get(app.url(path)).header("accept-encoding", "br");
        let full = get().send().await.expect("an answer");
        assert_eq!(full.status(), 200, "{path}");
        for (condition, validator) in [("if-none-match", "etag"), ("if-modified-since", "last-modified")] {
            let unmodified = get().header(condition, &full.headers()[validator]).send().await.expect("an answer");
            assert_eq!(unmodified.status(), 304, "{path} {condition}");
            for (name, value) in full.headers().iter().filter(|(name, _)| !own_headers.contains(&name.as_str())) {
                assert_eq!(unmodified.headers().get(name), Some(value), "{path} {condition} {name}");
            }
        }
    }
}

#[tokio::test]
async fn missing_built_file_is_not_cached() {
    let app = TestApp::start().await;
    for path in ["/pkg/tms-portal.9999.js", "/pkg/", "/pkg"] {
        let answer = app.http.get(app.url(path)).send().await.expect("an answer");
        assert_eq!((answer.status().as_u16(), answer.headers()["cache-control"].as_bytes()), (404, &b"no-store"[..]), "{path}");
    }
}

#[tokio::test]
async fn public_files_are_served_to_all() {
    let app = TestApp::start().await;
    for (path, kind) in [("/favicon.svg", "image/svg+xml"), ("/robots.txt", "text/plain")] {
        let answer = app.http.get(app.url(path)).send().await.expect("an answer");
        assert_eq!((answer.status().as_u16(), answer.headers()["content-type"].to_str().expect("ASCII").split(';').next()), (200, Some(kind)));
        assert!(!answer.headers().contains_key("set-cookie"));
    }
}

/// In these tests, the database is in the folder above the site.
#[tokio::test]
async fn paths_cannot_leave_the_site() {
    let app = TestApp::start().await;
    let address = app.base.trim_start_matches("http://").to_owned();
    for path in [
        "/../tms-portal.db",
        "/pkg/../../tms-portal.db",
        "/%2e%2e/tms-portal.db",
        "/pkg/%2e%2e/%2e%2e/tms-portal.db",
        "/..%2ftms-portal.db",
        "/pkg/..%2f..%2ftms-portal.db",
        "/pkg/..%5c..%5ctms-portal.db",
        "/%2fetc/passwd",
        "//etc/passwd",
        "/favicon.svg%00",
        "/.",
        "/pkg/.",
    ] {
        let address = address.clone();
        let answer = tokio::task::spawn_blocking(move || {
            let mut connection = std::net::TcpStream::connect(address).expect("connected");
            write!(connection, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("sent");
            let mut answer = Vec::new();
            connection.read_to_end(&mut answer).expect("an answer");
            String::from_utf8_lossy(&answer).into_owned()
        });
        let answer = answer.await.expect("a thread");
        assert!(answer.starts_with("HTTP/1.1 40"), "{path}: {answer}");
        assert!(!answer.contains("SQLite format 3") && !answer.contains("root:"), "{path}");
    }
}
