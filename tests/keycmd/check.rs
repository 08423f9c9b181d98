//! The output of `tms-keycmd check`.

use std::io::Write;

use crate::desk::{Desk, LINE};
use crate::portal::{self, FakePortal, http, key, not_found};

#[track_caller]
fn has(out: &str, verdict: &str, what: &str, said: &str) {
    let found = out.lines().any(|line| line.starts_with(verdict) && line.contains(what) && line.contains(said));
    assert!(found, "no {verdict} for {what} with {said:?} in:\n{out}");
}

#[test]
fn valid_setup_passes() {
    let portal = FakePortal::answering(not_found());
    let desk = Desk::with(&portal.url(), "credential_file = \"FOLDER/credential\"\ncache_dir = \"FOLDER/cache\"\ncache_seconds = 30");
    desk.write("credential", 0o600, "secret");
    desk.write("log", 0o600, "");
    desk.make_folder("cache", 0o700);
    let ran = desk.check();
    has(&ran.out, "ok", "settings", "frontera");
    has(&ran.out, "ok", "log", "");
    has(&ran.out, "ok", "credential", "not readable by others");
    has(&ran.out, "ok", "cache", "30 s");
    has(&ran.out, "ok", "portal", "valid TMS response");
    has(&ran.out, "ok", "link", "while `tms-keycmd link` runs");
    assert!(ran.out.contains("AuthorizedKeysCommand /") && ran.out.contains("%u %U %f %t\n    AuthorizedKeysCommandUser"), "{}", ran.out);
    assert!(ran.out.contains(&format!("--config {}", desk.path("settings.toml").display())), "{}", ran.out);
    // The only other failures are of directories above that are not owned by root, as in tests.
    let wrong: Vec<&str> = ran.out.lines().filter(|line| line.starts_with("FAILED") && !line.contains("must belong to root")).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(ran.code, Some(if ran.out.contains("FAILED") { 1 } else { 0 }));
    assert_eq!(std::fs::read_dir(desk.path("cache")).expect("a folder").count(), 0, "nothing is left behind");
}

#[test]
fn errors_are_named() {
    let answers = |answer: String| FakePortal::answering(answer);
    for (portal, said) in [
        (answers(http("401 Unauthorized", "")), "credential_file"),
        (answers(http("404 Not Found", "not found")), "tms_url"),
        (answers(http("302 Found", "")), "tms_url"),
        (answers(http("503 Service Unavailable", "")), "503"),
        (answers(key(LINE, None)), "a different key"),
    ] {
        let ran = Desk::at(&portal.url()).check();
        has(&ran.out, "FAILED", "portal", said);
        assert_eq!(ran.code, Some(1));
    }
    has(&Desk::at(&portal::nobody()).check().out, "FAILED", "portal", "is unreachable");
    has(&Desk::at(&portal::nobody()).check().out, "ok", "link", "set credential_file to allow it");
    let desk = Desk::with(&answers(http("401 Unauthorized", "")).url(), "credential_file = \"FOLDER/credential\"");
    desk.write("credential", 0o600, "secret");
    has(&desk.check().out, "FAILED", "link", "rejected this host's credential");
}

#[test]
fn all_wrong_files_are_named() {
    let settings = "credential_file = \"FOLDER/credential\"\nca_file = \"FOLDER/ca\"\ncache_dir = \"FOLDER/cache\"\ncache_seconds = 30\nmin_uid = 0";
    let desk = Desk::with("https://127.0.0.1:1/", settings);
    desk.write("credential", 0o644, "secret");
    desk.write("ca", 0o600, "no PEM");
    desk.make_folder("cache", 0o777);
    let ran = desk.check();
    has(&ran.out, "FAILED", "log", "install -o");
    assert!(!desk.path("log").exists(), "a file of root's would keep the command's user from writing it");
    has(&ran.out, "FAILED", "credential", "contains a secret");
    has(&ran.out, "FAILED", "certificates", "PEM");
    has(&ran.out, "FAILED", "cache", "writable by users other than its owner");
    has(&ran.out, "FAILED", "portal", "fix the failures above");
    has(&ran.out, "warning", "min_uid", "root");
    assert_eq!(ran.code, Some(1));
}

#[test]
fn unreadable_settings_are_named() {
    let desk = Desk::with("https://127.0.0.1:1/", "typo = 1");
    let ran = desk.check();
    has(&ran.out, "FAILED", "settings", "typo");
    assert_eq!(ran.code, Some(1));
    let ran = desk.run(&["check", "--config", "/nonexistent/tms.toml"]);
    has(&ran.out, "FAILED", "settings", "/nonexistent/tms.toml");
    assert_eq!(ran.code, Some(1));
}

/// The output of `check` for a portal's response about the host.
fn told(standing: &'static str, more: &str) -> crate::desk::Ran {
    let portal = FakePortal::doing(move |mut stream, _| {
        let Some(request) = portal::read(&mut stream) else { return };
        let answer = if request.head.starts_with("POST /v1/tms/hosts/check ") { http("200 OK", standing) } else { not_found() };
        let _ = stream.write_all(answer.as_bytes());
    });
    let desk = Desk::with(&portal.url(), &format!("credential_file = \"FOLDER/credential\"\n{more}"));
    desk.write("credential", 0o600, "secret");
    desk.check()
}

#[test]
fn hosts_record_at_the_portal_is_shown() {
    let known = r#"{"credential":"accepted","credential_required":true,"host":"Frontera","registered":true,"tenant":"tacc","tenant_enabled":true}"#;
    let ran = told(known, "tenant = \"tacc\"");
    has(&ran.out, "ok", "host", "registered as \"Frontera\" of tenant \"tacc\"; its credential is valid and required");
    has(&ran.out, "ok", "host", "a different spelling");
    let ran = told(known, "tenant = \"tset\"");
    has(&ran.out, "FAILED", "host", "check tenant");
    assert_eq!(ran.code, Some(1));
    let unregistered = r#"{"credential_required":false,"host":"frontera","registered":false,"tenant":"tacc","tenant_enabled":true}"#;
    has(&told(unregistered, "").out, "FAILED", "host", "no registered address");
    let no_tenant = r#"{"credential_required":false,"host":null,"registered":null,"tenant":"tset","tenant_enabled":false}"#;
    has(&told(no_tenant, "tenant = \"tset\"").out, "FAILED", "host", "the tenant \"tset\" does not exist");
    let untold = r#"{"credential_required":false,"host":null,"registered":null,"tenant":"tacc","tenant_enabled":true}"#;
    has(&told(untold, "").out, "warning", "host", "set credential_file");
    let old = FakePortal::answering(not_found());
    has(&Desk::at(&old.url()).check().out, "warning", "host", "too old");
}
