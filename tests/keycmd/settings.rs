//! Invalid settings: no login succeeds, and the reason names the key.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::host::{Host, LINE};
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
        Host::with(&portal.url(), more).look_up().assert_failed(reason);
    }
    Host::at("http://tms.example.org/v1/tms/pubkeys/creds/retrieve").look_up().assert_failed("tms_url is http://");
    let host = Host::at(&portal.url());
    fs::remove_file(host.path("settings.toml")).expect("removed");
    host.look_up().assert_failed("settings.toml");
    assert!(portal.try_next().is_none());
}

#[test]
fn settings_writable_by_others_are_not_used() {
    let portal = FakePortal::answering(key(LINE, None));
    for mode in [0o620, 0o602, 0o666] {
        let host = Host::at(&portal.url());
        fs::set_permissions(host.path("settings.toml"), Permissions::from_mode(mode)).expect("set");
        host.look_up().assert_failed("writable by users other than its owner");
    }
    assert!(portal.try_next().is_none());
}

#[test]
fn unwritable_log_does_not_prevent_logins() {
    let portal = FakePortal::answering(key(LINE, None));
    let host = Host::at(&portal.url());
    fs::create_dir(host.path("log")).expect("a folder in its place");
    host.look_up().assert_output(LINE);
}

#[test]
fn log_is_closed_to_others() {
    let host = Host::at("http://127.0.0.1:1/");
    host.look_up().assert_failed("is unreachable");
    let mode = fs::metadata(host.path("log")).expect("there").permissions().mode();
    assert_eq!(mode & 0o137, 0, "{mode:o}");
}

/// They are not looked up at a name server.
#[test]
fn loopback_names_resolve_to_this_machine() {
    let portal = FakePortal::answering(key(LINE, None));
    for name in ["localhost", "LocalHost.", "tms.localhost", "no.such.LOCALHOST"] {
        let url = format!("http://{name}:{}/v1/tms/pubkeys/creds/retrieve", portal.address.port());
        let host = Host::with(&url, "credential_file = \"FOLDER/credential\"");
        host.write("credential", 0o600, "secret");
        host.look_up().assert_output(LINE);
        assert_eq!(portal.next().header("authorization"), Some("Bearer secret"), "{name}");
    }
}
