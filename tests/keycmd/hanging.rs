//! Everything that can hang ends after two seconds, with no output and exit code 1.

use std::io::{Read, Write};
use std::process::Command;
use std::time::Duration;

use crate::desk::{Desk, LINE};
use crate::portal::{self, FakePortal, key};

/// Longer than any run: holds the connection until the client disconnects.
fn hold(stream: &mut std::net::TcpStream) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
    while stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {}
}

#[test]
fn portal_that_does_not_listen() {
    Desk::at(&portal::nobody()).ask().said_nothing("is unreachable");
}

#[test]
fn portal_that_never_responds() {
    let portal = FakePortal::doing(|mut stream, asked| {
        if let Some(request) = portal::read(&mut stream) {
            let _ = asked.send(request);
        }
        hold(&mut stream);
    });
    Desk::at(&portal.url()).ask().said_nothing("time");
    assert!(portal.asked().is_some());
}

#[test]
fn portal_without_tls_handshake() {
    let portal = FakePortal::doing(|mut stream, _| hold(&mut stream));
    Desk::at(&portal.url().replace("http://", "https://")).ask().said_nothing("time");
}

#[test]
fn portal_that_responds_byte_by_byte() {
    for prefix in ["", "HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n"] {
        let portal = FakePortal::doing(move |mut stream, _| {
            let _ = portal::read(&mut stream);
            let _ = stream.write_all(prefix.as_bytes());
            // Each byte is within any limit of a single read; their sum is not.
            let _ = stream.set_read_timeout(Some(Duration::from_millis(20)));
            while stream.write_all(b" ").is_ok() {
                let _ = stream.read(&mut [0; 1]);
            }
        });
        Desk::with(&portal.url(), "timeout_ms = 500").ask().said_nothing("");
    }
}

#[test]
fn shorter_budget_is_respected() {
    let portal = FakePortal::doing(|mut stream, _| hold(&mut stream));
    let ran = Desk::with(&portal.url(), "timeout_ms = 250").ask();
    ran.said_nothing("time");
    assert!(ran.took() < Duration::from_millis(1_900), "took {:?}", ran.took());
}

/// A pipe without a writer simulates a hanging file system.
#[test]
fn file_that_hangs() {
    let pipe = |desk: &Desk, name: &str| {
        let path = desk.path(name);
        let _ = std::fs::remove_file(&path);
        assert!(Command::new("mkfifo").arg("-m").arg("600").arg(&path).status().expect("mkfifo").success());
    };
    let portal = FakePortal::answering(key(LINE, None));

    let desk = Desk::at(&portal.url());
    pipe(&desk, "settings.toml");
    desk.ask().said_nothing("timed out while waiting");

    let desk = Desk::with(&portal.url(), "timeout_ms = 250\ncredential_file = \"FOLDER/credential\"");
    pipe(&desk, "credential");
    desk.ask().said_nothing("timed out while waiting");

    let desk = Desk::at(&portal.url());
    pipe(&desk, "log");
    // The login succeeds, because the log is written last.
    let settings = desk.path("settings.toml");
    let ran = desk.run_without_log(&["--config", &settings.to_string_lossy(), "jdoe", "1000", crate::desk::FINGERPRINT, "ssh-ed25519"]);
    ran.said(LINE);
}
