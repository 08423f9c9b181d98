//! Everything that can hang ends after two seconds, with no output and exit code 1.

use std::io::{Read, Write};
use std::process::Command;
use std::time::Duration;

use crate::host::{Host, LINE};
use crate::portal::{self, FakePortal, key};

/// Longer than any run: holds the connection until the client disconnects.
fn hold(stream: &mut std::net::TcpStream) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
    while stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {}
}

#[test]
fn portal_that_does_not_listen() {
    Host::at(&portal::unused_url()).look_up().assert_failed("is unreachable");
}

#[test]
fn portal_that_never_responds() {
    let portal = FakePortal::serving(|mut stream, requests| {
        if let Some(request) = portal::read(&mut stream) {
            let _ = requests.send(request);
        }
        hold(&mut stream);
    });
    Host::at(&portal.url()).look_up().assert_failed("time");
    assert!(portal.try_next().is_some());
}

#[test]
fn portal_without_tls_handshake() {
    let portal = FakePortal::serving(|mut stream, _| hold(&mut stream));
    Host::at(&portal.url().replace("http://", "https://")).look_up().assert_failed("time");
}

#[test]
fn portal_that_responds_byte_by_byte() {
    for prefix in ["", "HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n"] {
        let portal = FakePortal::serving(move |mut stream, _| {
            let _ = portal::read(&mut stream);
            let _ = stream.write_all(prefix.as_bytes());
            // Each byte is within any limit of a single read; their sum is not.
            let _ = stream.set_read_timeout(Some(Duration::from_millis(20)));
            while stream.write_all(b" ").is_ok() {
                let _ = stream.read(&mut [0; 1]);
            }
        });
        Host::with(&portal.url(), "timeout_ms = 500").look_up().assert_failed("");
    }
}

#[test]
fn shorter_budget_is_respected() {
    let portal = FakePortal::serving(|mut stream, _| hold(&mut stream));
    let run = Host::with(&portal.url(), "timeout_ms = 250").look_up();
    run.assert_failed("time");
    assert!(run.took() < Duration::from_millis(1_900), "took {:?}", run.took());
}

/// A pipe without a writer simulates a hanging file system.
#[test]
fn file_that_hangs() {
    let pipe = |host: &Host, name: &str| {
        let path = host.path(name);
        let _ = std::fs::remove_file(&path);
        assert!(Command::new("mkfifo").arg("-m").arg("600").arg(&path).status().expect("mkfifo").success());
    };
    let portal = FakePortal::answering(key(LINE, None));

    let host = Host::at(&portal.url());
    pipe(&host, "settings.toml");
    host.look_up().assert_failed("timed out while waiting");

    let host = Host::with(&portal.url(), "timeout_ms = 250\ncredential_file = \"FOLDER/credential\"");
    pipe(&host, "credential");
    host.look_up().assert_failed("timed out while waiting");

    let host = Host::at(&portal.url());
    pipe(&host, "log");
    // The login succeeds, because the log is written last.
    let settings = host.path("settings.toml");
    let run = host.run_without_log(&["--config", &settings.to_string_lossy(), "jdoe", "1000", crate::host::FINGERPRINT, "ssh-ed25519"]);
    run.assert_output(LINE);
}
