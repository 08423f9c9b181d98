//! The host's credential: sent to the portal, and not shown anywhere else.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::desk::{Desk, FINGERPRINT, LINE};
use crate::portal::{self, FakePortal, http, key, not_found};

const CREDENTIAL: &str = "tms-host-credential-3f9a17c0de";
const SETTINGS: &str = "credential_file = \"FOLDER/credential\"\ntenant = \"tacc\"";

fn desk(url: &str, mode: u32) -> Desk {
    let desk = Desk::with(url, SETTINGS);
    desk.write("credential", mode, &format!("{CREDENTIAL}\n"));
    desk
}

#[test]
fn credential_and_tenant_are_sent() {
    let portal = FakePortal::answering(key(LINE, None));
    for mode in [0o600, 0o640, 0o400] {
        desk(&portal.url(), mode).ask().said(LINE);
        let asked = portal.asked().expect("asked");
        assert_eq!(asked.header("authorization"), Some(format!("Bearer {CREDENTIAL}").as_str()));
        assert_eq!(asked.header("x-tms-tenant"), Some("tacc"));
    }
}

#[test]
fn world_readable_credential_is_not_used() {
    let portal = FakePortal::answering(key(LINE, None));
    for mode in [0o644, 0o604, 0o602, 0o601] {
        desk(&portal.url(), mode).ask().said_nothing("contains a secret");
    }
    assert!(portal.asked().is_none());
}

#[test]
fn malformed_credential_is_not_used() {
    let portal = FakePortal::answering(key(LINE, None));
    for text in ["", "\n", "two words", "two\nlines", "a\r\nX-Injected: b", "ü"] {
        let desk = desk(&portal.url(), 0o600);
        desk.write("credential", 0o600, text);
        desk.ask().said_nothing("credential_file");
    }
    let desk = desk(&portal.url(), 0o600);
    fs::remove_file(desk.path("credential")).expect("removed");
    desk.ask().said_nothing("credential");
    assert!(portal.asked().is_none());
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
    urls.push(portal::nobody());
    urls.extend(portals.first().map(|portal| portal.url().replace("http://", "https://")));
    for url in urls {
        let desk = desk(&url, 0o600);
        let (asked, checked) = (desk.ask(), desk.check());
        fs::set_permissions(desk.path("credential"), Permissions::from_mode(0o644)).expect("set");
        let exposed = desk.ask_for("jdoe", "1000", FINGERPRINT, "ssh-ed25519");
        for ran in [asked, checked, exposed] {
            for said in [ran.out, ran.err, ran.log] {
                assert!(!said.contains(CREDENTIAL), "{url}: {said}");
            }
        }
    }
}
