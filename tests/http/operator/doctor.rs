//! `tms-portal doctor`: it finds what is wrong with the system, and changes nothing.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use super::Deployment;
use super::serve::Server;
use super::settings::append;
use super::start::taken;
use crate::postgres;

/// A deployment with the files of the browser part.
async fn set_up() -> Deployment {
    let deployment = Deployment::set_up().await;
    let pkg = deployment.path().join("pkg");
    fs::create_dir(&pkg).expect("a folder");
    for kind in ["js", "wasm", "css"] {
        fs::write(pkg.join(format!("tms-portal.{kind}")), "").expect("written");
    }
    make_private(&deployment.path().join("data"));
    deployment
}

/// The template's copy has the modes of this process.
fn make_private(path: &Path) {
    let mode = if path.is_dir() { 0o700 } else { 0o600 };
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("set");
    if path.is_dir() {
        fs::read_dir(path).expect("a folder").for_each(|entry| make_private(&entry.expect("an entry").path()));
    }
}

/// Runs it, and returns the exit code and the findings: level, check, and text with advice.
pub(super) fn diagnose(deployment: &Deployment, more: &[&str]) -> (Option<i32>, Vec<(String, String, String)>) {
    let said = deployment.run(&[&["doctor", "--json"], more].concat());
    let json: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("no JSON: {} {}", said.out, said.err));
    let text = |finding: &Value, name: &str| finding[name].as_str().expect("a text").to_owned();
    let findings = json["findings"].as_array().expect("findings").iter();
    let findings: Vec<_> = findings
        .map(|finding| (text(finding, "level"), text(finding, "check"), format!("{}; {}", text(finding, "found"), text(finding, "advice"))))
        .collect();
    let errors = findings.iter().filter(|(level, ..)| level == "error").count();
    assert_eq!(json["errors"], errors, "{json}");
    assert_eq!(said.code, Some(i32::from(errors > 0)), "{json}");
    (said.code, findings)
}

/// Asserts that a check has this result.
#[track_caller]
fn assert_found(deployment: &Deployment, more: &[&str], level: &str, check: &str, text: &str) {
    let (_, findings) = diagnose(deployment, more);
    let found = findings.iter().any(|(is, of, found)| is == level && of == check && found.contains(text));
    assert!(found, "{level} {check} {text}: {findings:#?}");
}

/// The files below a folder, with size and time of change.
fn files(folder: &Path, found: &mut BTreeMap<String, (u64, std::time::SystemTime)>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let metadata = fs::metadata(&path).expect("metadata");
        found.insert(path.display().to_string(), (metadata.len(), metadata.modified().expect("a time")));
        if metadata.is_dir() {
            files(&path, found);
        }
    }
}

fn all_files(deployment: &Deployment) -> BTreeMap<String, (u64, std::time::SystemTime)> {
    let mut found = BTreeMap::new();
    files(deployment.path(), &mut found);
    found
}

#[tokio::test]
async fn healthy_system_has_no_errors_and_is_not_changed() {
    let deployment = set_up().await;
    let before = all_files(&deployment);
    let (code, findings) = diagnose(&deployment, &[]);
    assert_eq!(code, Some(0), "{findings:#?}");
    assert_eq!(all_files(&deployment), before, "nothing is created or changed");
    let checks = [
        "settings",
        "data directory",
        "modes",
        "owner",
        "database",
        "keys",
        "clock",
        "site",
        "translations",
        "providers",
        "mail",
        "port",
        "certificate",
        "proxy",
        "metrics",
    ];
    for check in checks {
        assert!(findings.iter().any(|(level, of, _)| level == "ok" && of == check), "{check}: {findings:#?}");
    }
    assert!(["disk", "signing keys"].iter().all(|name| findings.iter().any(|(_, check, _)| check == name)));
    assert_eq!(findings.iter().any(|(level, check, _)| level == "ok" && check == "integrity"), !postgres::is_used());
    let text = deployment.run(&["doctor"]);
    assert!(text.code == Some(0) && text.out.contains("ok       keys ") && text.out.contains("errors: 0, "), "{}", text.out);
    assert!(deployment.run(&["check"]).out.trim_end().lines().last().expect("a line").contains("tms-portal doctor"));
}

#[tokio::test]
async fn running_portal_is_recognised_and_its_files_are_left_alone() {
    let deployment = set_up().await;
    let server = Server::start_with(&deployment, &[]);
    let address = server.address.to_string();
    assert_found(&deployment, &["--listen", &address], "ok", "port", "a portal answers");
    assert_found(&deployment, &["--listen", &address], "ok", "database", "that of this release");
    let (_other, taken) = taken();
    // Accepts no connection: the request ends after its time limit.
    assert_found(&deployment, &["--listen", &taken], "error", "port", "no portal answers");
}

/// S203: clients would refuse an issuer with another spelling.
#[tokio::test]
async fn issuer_is_compared_to_the_letter() {
    let deployment = set_up().await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").to_string();
    let _server = Server::start_with(&deployment, &["--listen", &free]);
    assert_found(&deployment, &["--listen", &free], "ok", "issuer", &format!("names http://{free}/t/default"));
    let localhost = format!("http://{}", free.replace("127.0.0.1", "localhost"));
    assert_found(&deployment, &["--listen", &free, "--public-url", &localhost], "error", "issuer", "t/default");
}

#[tokio::test]
async fn system_before_the_first_start_has_warnings_only() {
    let deployment = Deployment::empty();
    let before = all_files(&deployment);
    for check in ["data directory", "database", "keys"] {
        assert_found(&deployment, &[], "warning", check, "tms-portal init");
    }
    assert_found(&deployment, &[], "error", "site", "cannot read ./pkg/tms-portal.js");
    assert_eq!(all_files(&deployment), before);
}

#[tokio::test]
async fn exposed_missing_and_foreign_files_are_errors() {
    let deployment = set_up().await;
    let data = deployment.path().join("data");
    let key = data.join("keys/codes.key");
    let mode = |mode| fs::set_permissions(&key, Permissions::from_mode(mode)).expect("set");
    mode(0o644);
    assert_found(&deployment, &[], "error", "modes", "codes.key is accessible to others (mode 0644)");
    mode(0o640);
    assert_found(&deployment, &[], "error", "modes", "fsGroup");
    mode(0o600);
    fs::set_permissions(&data, Permissions::from_mode(0o755)).expect("set");
    assert_found(&deployment, &[], "warning", "data directory", "chmod 700");
    fs::set_permissions(&data, Permissions::from_mode(0o700)).expect("set");
    let original = fs::read(&key).expect("read");
    fs::write(&key, [7; 32]).expect("written");
    assert_found(&deployment, &[], "error", "keys", "keys/codes.key is not the key");
    fs::remove_file(&key).expect("removed");
    assert_found(&deployment, &[], "error", "keys", "codes.key does not exist");
    fs::write(&key, original).expect("written");
    mode(0o600);
    fs::rename(data.join("keys"), deployment.path().join("elsewhere")).expect("moved");
    assert_found(&deployment, &[], "error", "keys", "the database depends on them");
    fs::rename(deployment.path().join("elsewhere"), data.join("keys")).expect("moved");
    fs::write(data.join("first-secrets.1"), "x").expect("written");
    assert_found(&deployment, &[], "warning", "first secrets", "may be valid: try them before you delete it");
    fs::remove_file(deployment.path().join("pkg/tms-portal.css")).expect("removed");
    assert_found(&deployment, &[], "error", "site", "tms-portal.css");
}

#[tokio::test]
async fn damaged_newer_and_lost_database_are_errors() {
    if postgres::is_used() {
        return;
    }
    let deployment = set_up().await;
    super::sql(&deployment, "INSERT INTO _sqlx_migrations VALUES (9999, 'future', CURRENT_TIMESTAMP, 1, unhex('00'), 0)").await;
    assert_found(&deployment, &[], "error", "database", "schema 9999 is of a newer release");

    // Another one, which this process has not opened.
    let deployment = set_up().await;
    assert_found(&deployment, &[], "ok", "integrity", "intact");
    let file = deployment.path().join("data/tms-portal.db");
    let mut bytes = fs::read(&file).expect("read");
    // The content of the pages after the schema, but not their headers.
    let page = 4_096;
    for start in (page * 2..bytes.len()).step_by(page) {
        bytes[start + 8..start + 64].fill(0xff);
    }
    fs::write(&file, bytes).expect("written");
    let (code, findings) = diagnose(&deployment, &[]);
    let damaged = findings.iter().any(|(level, check, _)| level == "error" && (check == "integrity" || check == "database"));
    assert!(code == Some(1) && damaged, "{findings:#?}");
    fs::remove_file(&file).expect("removed");
    assert_found(&deployment, &[], "error", "database", "not there, but there are keys");
}

#[tokio::test]
async fn proxy_that_is_not_trusted_is_a_warning() {
    let deployment = set_up().await;
    let file = deployment.path().join("Leptos.toml");
    let settings = fs::read_to_string(&file).expect("settings");
    let with = |networks: &str| fs::write(&file, format!("{settings}trusted-proxies = {networks}\n")).expect("written");
    let public = ["--public-url", "https://tms.example.org"];
    with("[\"127.0.0.1/32\"]");
    assert_found(&deployment, &public, "ok", "proxy", "X-Forwarded-For");
    for (networks, text) in [("[]", "no proxy is trusted"), ("[\"10.0.0.1/32\"]", "no proxy on this machine"), ("[\"0.0.0.0/0\"]", "all addresses")] {
        with(networks);
        assert_found(&deployment, &public, "warning", "proxy", text);
    }
}

#[tokio::test]
async fn invalid_settings_are_findings_too() {
    let deployment = Deployment::empty();
    let said = deployment.run(&["doctor", "--json", "--public-url", "x"]);
    assert_eq!(said.code, Some(2));
    let json: Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!((&json["errors"], &json["findings"][0]["check"]), (&1.into(), &"settings".into()), "{json}");
}

#[tokio::test]
async fn access_of_a_group_to_the_database_is_a_warning_and_of_others_an_error() {
    if postgres::is_used() {
        return;
    }
    let deployment = set_up().await;
    let database = deployment.path().join("data/tms-portal.db");
    for (mode, level, who) in [(0o640, "warning", "group"), (0o644, "error", "others"), (0o602, "error", "others")] {
        fs::set_permissions(&database, Permissions::from_mode(mode)).expect("set");
        assert_found(&deployment, &[], level, "modes", &format!("tms-portal.db is accessible to {who}"));
    }
}

#[tokio::test]
async fn translations_and_profiles_that_prevent_a_start_are_errors() {
    let deployment = set_up().await;
    let data = deployment.path().join("data");
    fs::create_dir(data.join("words")).expect("a folder");
    assert_found(&deployment, &[], "ok", "translations", "data/words can be used");
    fs::write(data.join("words/pl.ftl"), "product = x\n").expect("written");
    assert_found(&deployment, &[], "error", "translations", "pl.ftl");
    fs::write(data.join("profiles.toml"), "[campus]\nabuot = \"Ours\"\n").expect("written");
    assert_found(&deployment, &[], "error", "providers", "abuot");
}

/// Answers each command of SMTP with a line, on one connection.
fn answer_smtp(listener: &TcpListener) {
    let (connection, _) = listener.accept().expect("a connection");
    let mut reply = connection.try_clone().expect("a copy");
    reply.write_all(b"220 mail.test ESMTP\r\n").expect("sent");
    for line in BufReader::new(connection).lines().map_while(Result::ok) {
        let quits = line.to_ascii_uppercase().starts_with("QUIT");
        if reply.write_all(if quits { b"221 bye\r\n" } else { b"250 mail.test\r\n" }).is_err() || quits {
            return;
        }
    }
}

#[tokio::test]
async fn mail_server_is_tried_on_request_only() {
    let deployment = set_up().await;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let smtp = format!("[portal.smtp]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\nfrom = \"tms@example.org\"\n");
    append(&deployment, &smtp);
    assert_found(&deployment, &[], "ok", "mail", "add --connect");
    std::thread::scope(|scope| {
        scope.spawn(|| answer_smtp(&listener));
        assert_found(&deployment, &["--connect"], "ok", "mail", "accepts a connection");
    });
    drop(listener);
    assert_found(&deployment, &["--connect"], "error", "mail", &format!("127.0.0.1:{port}: "));
}
