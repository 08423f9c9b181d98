//! The host's credential: sent to the portal, and not shown anywhere else.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::host::{FINGERPRINT, Host, LINE};
use crate::portal::{self, FakePortal, http, key, not_found};

const CREDENTIAL: &str = "tms-host-credential-3f9a17c0de";
const SETTINGS: &str = "credential_file = \"FOLDER/credential\"\ntenant = \"tacc\"";

fn host(url: &str, mode: u32) -> Host {
    let host = Host::with(url, SETTINGS);
    host.write("credential", mode, &format!("{CREDENTIAL}\n"));
    host
}

#[test]
fn credential_and_tenant_are_sent() {
    let portal = FakePortal::answering(key(LINE, None));
    for mode in [0o600, 0o640, 0o400] {
        host(&portal.url(), mode).look_up().assert_output(LINE);
        let request = portal.try_next().expect("asked");
        assert_eq!(request.header("authorization"), Some(format!("Bearer {CREDENTIAL}").as_str()));
        assert_eq!(request.header("x-tms-tenant"), Some("tacc"));
    }
}

#[test]
fn credential_with_open_permissions_is_not_used() {
    let portal = FakePortal::answering(key(LINE, None));
    for mode in [0o644, 0o604, 0o602, 0o601] {
        host(&portal.url(), mode).look_up().assert_failed("contains a secret");
    }
    assert!(portal.try_next().is_none());
}

#[test]
fn malformed_credential_is_not_used() {
    let portal = FakePortal::answering(key(LINE, None));
    for text in ["", "\n", "two words", "two\nlines", "a\r\nX-Injected: b", "ü"] {
        let host = host(&portal.url(), 0o600);
        host.write("credential", 0o600, text);
        host.look_up().assert_failed("credential_file");
    }
    let host = host(&portal.url(), 0o600);
    fs::remove_file(host.path("credential")).expect("removed");
    host.look_up().assert_failed("credential");
    assert!(portal.try_next().is_none());
}

/// For all failures, and for servers that repeat the credential.
#[test]
fn credential_is_never_printed_or_logged() {
    let echo = format!(r#"{{"result_code":"401","result_msg":"Bearer {CREDENTIAL} is wrong","public_key":"{CREDENTIAL}"}}"#);
    let answers = [
        key(LINE, None),
        key(CREDENTIAL, None),
        not_found(),
        http("200 OK", &echo),
        http("401 Unauthorized", &echo),
        http("500 Internal Server Error", &echo),
        format!("HTTP/1.1 302 Found\r\nlocation: http://{CREDENTIAL}/\r\n\r\n"),
        format!("HTTP/1.1 {CREDENTIAL}\r\n\r\n"),
        format!("{CREDENTIAL}\r\n\r\n"),
        String::new(),
    ];
    let mut urls: Vec<String> = Vec::new();
    let portals: Vec<FakePortal> = answers.into_iter().map(FakePortal::answering).collect();
    urls.extend(portals.iter().map(FakePortal::url));
    urls.push(portal::unused_url());
    urls.extend(portals.first().map(|portal| portal.url().replace("http://", "https://")));
    for url in urls {
        let host = host(&url, 0o600);
        let (looked_up, checked) = (host.look_up(), host.check());
        fs::set_permissions(host.path("credential"), Permissions::from_mode(0o644)).expect("set");
        let exposed = host.look_up_as("jdoe", "1000", FINGERPRINT, "ssh-ed25519");
        for run in [looked_up, checked, exposed] {
            for output in [run.out, run.err, run.log] {
                assert!(!output.contains(CREDENTIAL), "{url}: {output}");
            }
        }
    }
}
