//! The command line, of which connecting clients choose the user name.

use crate::host::{FINGERPRINT, Host, LINE};
use crate::portal::{FakePortal, key};

#[test]
fn user_name_is_treated_as_data() {
    let portal = FakePortal::answering(key(LINE, None));
    for user in ["j\"doe", "jdoe\",\"host\":\"other", "../../etc", "$(id)", "DOMAIN\\jdoe", "zoë", "check"] {
        Host::at(&portal.url()).look_up_as(user, "1000", FINGERPRINT, "ssh-ed25519").assert_output(LINE);
        let request = portal.try_next().expect("asked");
        assert_eq!((request.body["user"].as_str(), request.body["host"].as_str()), (Some(user), Some("frontera")));
    }
}

#[test]
fn invalid_arguments_are_not_sent() {
    let portal = FakePortal::answering(key(LINE, None));
    let host = Host::at(&portal.url());
    for (user, uid, fingerprint, key_type, reason) in [
        ("", "1000", FINGERPRINT, "ssh-ed25519", "user name"),
        ("a\nb", "1000", FINGERPRINT, "ssh-ed25519", "user name"),
        ("-oProxyCommand=id", "1000", FINGERPRINT, "ssh-ed25519", "user name"),
        ("jdoe", "x", FINGERPRINT, "ssh-ed25519", "UID (%U)"),
        ("jdoe", "4294967296", FINGERPRINT, "ssh-ed25519", "UID (%U)"),
        ("jdoe", "1000", "MD5:00:11", "ssh-ed25519", "FingerprintHash"),
        ("jdoe", "1000", FINGERPRINT, "ssh ed25519", "key type"),
    ] {
        host.look_up_as(user, uid, fingerprint, key_type).assert_failed(reason);
    }
    assert!(portal.try_next().is_none());
}

#[test]
fn line_breaks_in_names_are_escaped_in_the_log() {
    let run = Host::at("http://127.0.0.1:1/").look_up_as("a\nb\u{1b}[31m", "1000", FINGERPRINT, "ssh-ed25519");
    assert_eq!(run.log.lines().count(), 1);
    assert!(!run.log.trim_end().contains(char::is_control), "{}", run.log);
}

#[test]
fn root_is_not_looked_up_by_default() {
    let portal = FakePortal::answering(key(LINE, None));
    let ask_for_root = |host: Host| host.look_up_as("root", "0", FINGERPRINT, "ssh-ed25519");
    ask_for_root(Host::at(&portal.url())).assert_denied("min_uid");
    assert!(portal.try_next().is_none());
    ask_for_root(Host::with(&portal.url(), "min_uid = 0")).assert_output(LINE);

    let host = Host::with(&portal.url(), "min_uid = 1000");
    host.look_up().assert_output(LINE);
    host.look_up_as("daemon", "999", FINGERPRINT, "ssh-ed25519").assert_denied("min_uid");
}

#[test]
fn other_command_lines_print_nothing_on_stdout() {
    let host = Host::at("http://127.0.0.1:1/");
    for arguments in [&[][..], &["jdoe"], &["jdoe", "1000", FINGERPRINT], &["a", "1", FINGERPRINT, "t", "more"], &["--config"], &["--verbose"]] {
        host.run(arguments).assert_failed("");
    }
    host.run(&["--config", "settings.toml", "jdoe", "1000", FINGERPRINT, "ssh-ed25519"]).assert_failed("absolute");
}

#[test]
fn version_and_help_are_printed() {
    let host = Host::at("http://127.0.0.1:1/");
    host.run(&["--version"]).assert_output(concat!("tms-keycmd ", env!("CARGO_PKG_VERSION")));
    let help = host.run(&["--help"]);
    assert!(help.code == Some(0) && help.out.contains("check") && help.out.lines().all(|line| line.chars().count() <= 130), "{}", help.out);
}
