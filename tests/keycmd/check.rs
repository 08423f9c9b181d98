//! The output of `tms-keycmd check`.

use std::io::Write;

use crate::host::{Host, LINE};
use crate::portal::{self, FakePortal, http, key, not_found};

#[track_caller]
fn has(out: &str, verdict: &str, what: &str, output: &str) {
    let found = out.lines().any(|line| line.starts_with(verdict) && line.contains(what) && line.contains(output));
    assert!(found, "no {verdict} for {what} with {output:?} in:\n{out}");
}

#[test]
fn valid_setup_passes() {
    let portal = FakePortal::answering(not_found());
    let host = Host::with(&portal.url(), "credential_file = \"FOLDER/credential\"\ncache_dir = \"FOLDER/cache\"\ncache_seconds = 30");
    host.write("credential", 0o600, "secret");
    host.write("log", 0o600, "");
    host.make_folder("cache", 0o700);
    let run = host.check();
    has(&run.out, "ok", "settings", "frontera");
    has(&run.out, "ok", "log", "");
    has(&run.out, "ok", "credential", "not readable by others");
    has(&run.out, "ok", "cache", "30 s");
    has(&run.out, "ok", "portal", "valid TMS response");
    has(&run.out, "ok", "link", "while `tms-keycmd link` runs");
    assert!(run.out.contains("AuthorizedKeysCommand /") && run.out.contains("%u %U %f %t\n    AuthorizedKeysCommandUser"), "{}", run.out);
    assert!(run.out.contains(&format!("--config {}", host.path("settings.toml").display())), "{}", run.out);
    // The only other failures are of directories above that are not owned by root, as in tests.
    let wrong: Vec<&str> = run.out.lines().filter(|line| line.starts_with("FAILED") && !line.contains("must belong to root")).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(run.code, Some(if run.out.contains("FAILED") { 1 } else { 0 }));
    assert_eq!(std::fs::read_dir(host.path("cache")).expect("a folder").count(), 0, "nothing is left behind");
}

#[test]
fn errors_are_named() {
    let answers = |answer: String| FakePortal::answering(answer);
    for (portal, output) in [
        (answers(http("401 Unauthorized", "")), "credential_file"),
        (answers(http("404 Not Found", "not found")), "tms_url"),
        (answers(http("302 Found", "")), "tms_url"),
        (answers(http("503 Service Unavailable", "")), "503"),
        (answers(key(LINE, None)), "a different key"),
    ] {
        let run = Host::at(&portal.url()).check();
        has(&run.out, "FAILED", "portal", output);
        assert_eq!(run.code, Some(1));
    }
    has(&Host::at(&portal::unused_url()).check().out, "FAILED", "portal", "is unreachable");
    has(&Host::at(&portal::unused_url()).check().out, "ok", "link", "set credential_file to allow it");
    let host = Host::with(&answers(http("401 Unauthorized", "")).url(), "credential_file = \"FOLDER/credential\"");
    host.write("credential", 0o600, "secret");
    has(&host.check().out, "FAILED", "link", "rejected this host's credential");
}

#[test]
fn all_wrong_files_are_named() {
    let settings = "credential_file = \"FOLDER/credential\"\nca_file = \"FOLDER/ca\"\ncache_dir = \"FOLDER/cache\"\ncache_seconds = 30\nmin_uid = 0";
    let host = Host::with("https://127.0.0.1:1/", settings);
    host.write("credential", 0o644, "secret");
    host.write("ca", 0o600, "no PEM");
    host.make_folder("cache", 0o777);
    let run = host.check();
    has(&run.out, "FAILED", "log", "install -o");
    assert!(!host.path("log").exists(), "a file of root's would keep the command's user from writing it");
    has(&run.out, "FAILED", "credential", "contains a secret");
    has(&run.out, "FAILED", "certificates", "PEM");
    has(&run.out, "FAILED", "cache", "writable by users other than its owner");
    has(&run.out, "FAILED", "portal", "fix the failures above");
    has(&run.out, "warning", "min_uid", "root");
    assert_eq!(run.code, Some(1));
}

#[test]
fn unreadable_settings_are_named() {
    let host = Host::with("https://127.0.0.1:1/", "typo = 1");
    let run = host.check();
    has(&run.out, "FAILED", "settings", "typo");
    assert_eq!(run.code, Some(1));
    let run = host.run(&["check", "--config", "/nonexistent/tms.toml"]);
    has(&run.out, "FAILED", "settings", "/nonexistent/tms.toml");
    assert_eq!(run.code, Some(1));
}

/// The output of `check` for a portal's response about the host.
fn check_with_record(standing: &'static str, more: &str) -> crate::host::Run {
    let portal = FakePortal::serving(move |mut stream, _| {
        let Some(request) = portal::read(&mut stream) else { return };
        let answer = if request.head.starts_with("POST /v1/tms/hosts/check ") { http("200 OK", standing) } else { not_found() };
        let _ = stream.write_all(answer.as_bytes());
    });
    let host = Host::with(&portal.url(), &format!("credential_file = \"FOLDER/credential\"\n{more}"));
    host.write("credential", 0o600, "secret");
    host.check()
}

#[test]
fn hosts_record_at_the_portal_is_shown() {
    let known = r#"{"credential":"accepted","credential_required":true,"host":"Frontera","registered":true,"tenant":"tacc","tenant_enabled":true}"#;
    let run = check_with_record(known, "tenant = \"tacc\"");
    has(&run.out, "ok", "host", "registered as \"Frontera\" of tenant \"tacc\"; its credential is valid and required");
    has(&run.out, "ok", "host", "a different spelling");
    let run = check_with_record(known, "tenant = \"tset\"");
    has(&run.out, "FAILED", "host", "check tenant");
    assert_eq!(run.code, Some(1));
    let unregistered = r#"{"credential_required":false,"host":"frontera","registered":false,"tenant":"tacc","tenant_enabled":true}"#;
    has(&check_with_record(unregistered, "").out, "FAILED", "host", "no registered address");
    let no_tenant = r#"{"credential_required":false,"host":null,"registered":null,"tenant":"tset","tenant_enabled":false}"#;
    has(&check_with_record(no_tenant, "tenant = \"tset\"").out, "FAILED", "host", "the tenant \"tset\" does not exist");
    let untold = r#"{"credential_required":false,"host":null,"registered":null,"tenant":"tacc","tenant_enabled":true}"#;
    has(&check_with_record(untold, "").out, "warning", "host", "set credential_file");
    let old = FakePortal::answering(not_found());
    has(&Host::at(&old.url()).check().out, "warning", "host", "too old");
}
