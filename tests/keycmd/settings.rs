//! Invalid settings: no login succeeds, and the reason names the key.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::desk::{Desk, LINE};
use crate::portal::{FakePortal, key};

#[test]
fn invalid_settings_refuse_all_logins() {
    let portal = FakePortal::answering(key(LINE, None));
    for (more, reason) in [
        ("cache_second = 30", "cache_second"),
        ("timeout_ms = 60000", "timeout_ms"),
        ("options = \"command=\\\"id\\\"\\nssh-rsa\"", "options"),
        ("cache_dir = \"/c\"\ncache_seconds = 3600", "cache_seconds"),
        ("host_name = \"twice\"", "duplicate key"),
        ("not TOML", "the settings are not valid"),
    ] {
        Desk::with(&portal.url(), more).ask().said_nothing(reason);
    }
    Desk::at("http://tms.example.org/v1/tms/pubkeys/creds/retrieve").ask().said_nothing("tms_url is http://");
    let desk = Desk::at(&portal.url());
    fs::remove_file(desk.path("settings.toml")).expect("removed");
    desk.ask().said_nothing("settings.toml");
    assert!(portal.asked().is_none());
}

#[test]
fn settings_writable_by_others_are_not_used() {
    let portal = FakePortal::answering(key(LINE, None));
    for mode in [0o620, 0o602, 0o666] {
        let desk = Desk::at(&portal.url());
        fs::set_permissions(desk.path("settings.toml"), Permissions::from_mode(mode)).expect("set");
        desk.ask().said_nothing("writable by users other than its owner");
    }
    assert!(portal.asked().is_none());
}

#[test]
fn unwritable_log_does_not_prevent_logins() {
    let portal = FakePortal::answering(key(LINE, None));
    let desk = Desk::at(&portal.url());
    fs::create_dir(desk.path("log")).expect("a folder in its place");
    desk.ask().said(LINE);
}

#[test]
fn log_is_readable_by_owner_and_group_only() {
    let desk = Desk::at("http://127.0.0.1:1/");
    desk.ask().said_nothing("is unreachable");
    let mode = fs::metadata(desk.path("log")).expect("there").permissions().mode();
    assert_eq!(mode & 0o137, 0, "{mode:o}");
}

/// They are not looked up at a name server.
#[test]
fn loopback_names_resolve_to_this_machine() {
    let portal = FakePortal::answering(key(LINE, None));
    for host in ["localhost", "LocalHost.", "tms.localhost", "no.such.LOCALHOST"] {
        let url = format!("http://{host}:{}/v1/tms/pubkeys/creds/retrieve", portal.address.port());
        let desk = Desk::with(&url, "credential_file = \"FOLDER/credential\"");
        desk.write("credential", 0o600, "secret");
        desk.ask().said(LINE);
        assert_eq!(portal.next().header("authorization"), Some("Bearer secret"), "{host}");
    }
}
