//! The command line, of which connecting clients choose the user name.

use crate::desk::{Desk, FINGERPRINT, LINE};
use crate::portal::{FakePortal, key};

#[test]
fn user_name_is_treated_as_data() {
    let portal = FakePortal::answering(key(LINE, None));
    for user in ["j\"doe", "jdoe\",\"host\":\"other", "../../etc", "$(id)", "DOMAIN\\jdoe", "zoë", "check"] {
        Desk::at(&portal.url()).ask_for(user, "1000", FINGERPRINT, "ssh-ed25519").said(LINE);
        let asked = portal.asked().expect("asked");
        assert_eq!((asked.body["user"].as_str(), asked.body["host"].as_str()), (Some(user), Some("frontera")));
    }
}

#[test]
fn invalid_arguments_are_not_sent() {
    let portal = FakePortal::answering(key(LINE, None));
    let desk = Desk::at(&portal.url());
    for (user, uid, fingerprint, key_type, reason) in [
        ("", "1000", FINGERPRINT, "ssh-ed25519", "user name"),
        ("a\nb", "1000", FINGERPRINT, "ssh-ed25519", "user name"),
        ("-oProxyCommand=id", "1000", FINGERPRINT, "ssh-ed25519", "user name"),
        ("jdoe", "x", FINGERPRINT, "ssh-ed25519", "UID (%U)"),
        ("jdoe", "4294967296", FINGERPRINT, "ssh-ed25519", "UID (%U)"),
        ("jdoe", "1000", "MD5:00:11", "ssh-ed25519", "FingerprintHash"),
        ("jdoe", "1000", FINGERPRINT, "ssh ed25519", "key type"),
    ] {
        desk.ask_for(user, uid, fingerprint, key_type).said_nothing(reason);
    }
    assert!(portal.asked().is_none());
}

#[test]
fn line_breaks_in_names_are_escaped_in_the_log() {
    let ran = Desk::at("http://127.0.0.1:1/").ask_for("a\nb\u{1b}[31m", "1000", FINGERPRINT, "ssh-ed25519");
    assert_eq!(ran.log.lines().count(), 1);
    assert!(!ran.log.trim_end().contains(char::is_control), "{}", ran.log);
}

#[test]
fn root_is_not_looked_up_by_default() {
    let portal = FakePortal::answering(key(LINE, None));
    let ask_for_root = |desk: Desk| desk.ask_for("root", "0", FINGERPRINT, "ssh-ed25519");
    ask_for_root(Desk::at(&portal.url())).said_no("min_uid");
    assert!(portal.asked().is_none());
    ask_for_root(Desk::with(&portal.url(), "min_uid = 0")).said(LINE);

    let desk = Desk::with(&portal.url(), "min_uid = 1000");
    desk.ask().said(LINE);
    desk.ask_for("daemon", "999", FINGERPRINT, "ssh-ed25519").said_no("min_uid");
}

#[test]
fn other_command_lines_print_nothing_on_stdout() {
    let desk = Desk::at("http://127.0.0.1:1/");
    for arguments in [&[][..], &["jdoe"], &["jdoe", "1000", FINGERPRINT], &["a", "1", FINGERPRINT, "t", "more"], &["--config"], &["--verbose"]] {
        desk.run(arguments).said_nothing("");
    }
    desk.run(&["--config", "settings.toml", "jdoe", "1000", FINGERPRINT, "ssh-ed25519"]).said_nothing("absolute");
}

#[test]
fn version_and_help_are_printed() {
    let desk = Desk::at("http://127.0.0.1:1/");
    desk.run(&["--version"]).said(concat!("tms-keycmd ", env!("CARGO_PKG_VERSION")));
    let help = desk.run(&["--help"]);
    assert!(help.code == Some(0) && help.out.contains("check") && help.out.lines().all(|line| line.chars().count() <= 130), "{}", help.out);
}
