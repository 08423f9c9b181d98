//! Responses of the portal, and the resulting output for sshd.

use crate::host::{FINGERPRINT, Host, LINE, OTHER_LINE};
use crate::portal::{FakePortal, http, key, not_found};

#[track_caller]
fn refused(answer: impl Into<String>, reason: &str) {
    let portal = FakePortal::answering(answer);
    Host::at(&portal.url()).look_up().assert_failed(reason);
    assert!(portal.try_next().is_some(), "it was asked");
}

/// The same for a response that is a denial.
#[track_caller]
fn assert_denied(answer: impl Into<String>, reason: &str) {
    let portal = FakePortal::answering(answer);
    Host::at(&portal.url()).look_up().assert_denied(reason);
    assert!(portal.try_next().is_some(), "it was asked");
}

#[test]
fn registered_key_logs_in() {
    let portal = FakePortal::answering(key(LINE, Some("2126-11-21T05:00:00+00:00")));
    let run = Host::at(&portal.url()).look_up();
    run.assert_output(LINE);
    assert!(run.log.contains("info") && run.log.contains("jdoe") && run.log.contains("frontera") && run.log.contains(FINGERPRINT), "{}", run.log);
    assert_eq!((run.log.lines().count(), run.err.as_str()), (1, ""));

    let request = portal.try_next().expect("asked");
    assert!(request.head.starts_with("POST /v1/tms/pubkeys/creds/retrieve HTTP/1.1\r\n"), "{}", request.head);
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!((request.header("x-tms-tenant"), request.header("authorization")), (None, None));
    let expected = serde_json::json!({
        "user": "jdoe", "user_uid": "1000", "host": "frontera", "public_key_fingerprint": FINGERPRINT, "key_type": "ssh-ed25519"
    });
    assert_eq!(request.body, expected);
    assert!(portal.try_next().is_none(), "once");
}

#[test]
fn response_without_expiry_is_accepted() {
    for answer in [key(LINE, None), http("200 OK", &format!(r#"{{"public_key":"{LINE}","expires_at":null}}"#))] {
        let portal = FakePortal::answering(answer);
        let host = Host::with(&portal.url(), "expiry_time = true");
        host.look_up().assert_output(LINE);
    }
}

#[test]
fn options_and_expiry_are_printed_if_configured() {
    let settings = "options = \"restrict,pty\"\nexpiry_time = true";
    for (expires_at, options) in
        [("2126-11-21T05:00:30+00:00", "restrict,pty,expiry-time=\"21261121050030Z\""), ("9999-12-31T23:59:59+00:00", "restrict,pty")]
    {
        let portal = FakePortal::answering(key(LINE, Some(expires_at)));
        Host::with(&portal.url(), settings).look_up().assert_output(&format!("{options} {LINE}"));
    }
}

#[test]
fn all_key_types_are_accepted() {
    for sample in include_str!("keys.txt").lines() {
        let (fingerprint, line) = sample.split_once(' ').expect("two words");
        let portal = FakePortal::answering(key(line, None));
        let key_type = line.split(' ').next().expect("a type");
        Host::at(&portal.url()).look_up_as("jdoe", "1000", fingerprint, key_type).assert_output(line);
    }
}

#[test]
fn unknown_key_is_denied() {
    assert_denied(not_found(), "no such authorized key");
    refused(http("404 Not Found", "<html>nothing here</html>"), "check tms_url");
    refused("HTTP/1.1 404 Not Found\r\ncontent-length: 10\r\n\r\n", "check tms_url");
}

#[test]
fn expired_key_is_denied() {
    assert_denied(key(LINE, Some("2001-01-01T00:00:00+00:00")), "expired");
    refused(key(LINE, Some("one day")), "expires_at");
}

#[test]
fn other_key_is_refused() {
    refused(key(OTHER_LINE, None), "a different key");
}

#[test]
fn certificate_is_denied_without_a_lookup() {
    let portal = FakePortal::answering(key(LINE, None));
    let host = Host::at(&portal.url());
    for key_type in ["ssh-ed25519-cert-v01@openssh.com", "ssh-rsa-cert-v01@openssh.com", "unknown"] {
        host.look_up_as("jdoe", "1000", FINGERPRINT, key_type).assert_denied("are not supported");
    }
    assert!(portal.try_next().is_none());
}

#[test]
fn key_of_another_type_is_refused() {
    let portal = FakePortal::answering(key(LINE, None));
    Host::at(&portal.url()).look_up_as("jdoe", "1000", FINGERPRINT, "ssh-rsa").assert_failed("another type");
}

#[test]
fn response_must_be_one_line_with_a_key() {
    for line in [
        format!("{LINE}\n{OTHER_LINE}"),
        format!("{LINE}\n"),
        format!("{LINE}\r{OTHER_LINE}"),
        format!("{LINE} comment\0{OTHER_LINE}"),
        format!("{LINE} {}", "x".repeat(20_000)),
    ] {
        refused(key(&line, None), "not exactly one line");
    }
    for line in [
        format!("command=\"/bin/sh\" {LINE}"),
        format!("command=\"/bin/sh -c id\",no-pty {LINE}"),
        format!("restrict {LINE}"),
        format!("cert-authority {LINE}"),
        format!(" {LINE}"),
        format!("# {LINE}"),
        LINE.replace("ssh-ed25519 ", "ssh-rsa "),
        String::new(),
    ] {
        refused(key(&line, None), "not a public key without options");
    }
}

#[test]
fn response_of_another_server_is_refused() {
    for body in ["<html>Please sign in to the Wi-Fi</html>", "", "[]", "{}", r#"{"public_key":null}"#, r#"{"public_key":["a"]}"#, LINE] {
        refused(http("200 OK", body), "invalid response");
    }
    let twice = format!(r#"{{"public_key":"{LINE}","public_key":"{LINE}"}}"#);
    refused(http("200 OK", &twice), "invalid response");
    refused("SSH-2.0-OpenSSH_9.2\r\n", "invalid response");
}

#[test]
fn endless_response_is_cut_off() {
    let huge = format!(r#"{{"padding":"{}","public_key":"{LINE}"}}"#, "x".repeat(70_000));
    refused(http("200 OK", &huge), "larger than 65536 bytes");
    refused(format!("HTTP/1.1 200 OK\r\nx-padding: {}\r\n\r\n", "x".repeat(200_000)), "larger than");
    let half = key(LINE, None).replace("content-length: ", "content-length: 1");
    refused(half, "");
}

#[test]
fn other_statuses_are_failures_for_any_body() {
    let body = format!(r#"{{"public_key":"{LINE}"}}"#);
    for (status, reason) in [
        ("201 Created", "HTTP 201"),
        ("204 No Content", "HTTP 204"),
        ("400 Bad Request", "HTTP 400"),
        ("401 Unauthorized", "credential"),
        ("403 Forbidden", "credential"),
        ("429 Too Many Requests", "429"),
        ("500 Internal Server Error", "HTTP 500"),
        ("503 Service Unavailable", "HTTP 503"),
    ] {
        refused(http(status, &body), reason);
    }
}

#[test]
fn redirects_are_not_followed() {
    let elsewhere = FakePortal::answering(key(LINE, None));
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"] {
        refused(format!("HTTP/1.1 {status}\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", elsewhere.url()), "redirect refused");
    }
    assert!(elsewhere.try_next().is_none());
}
