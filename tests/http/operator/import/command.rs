//! The command: exit codes, output, and comparison with an old server.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::routing::{MethodRouter, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tms_portal::server::service::platform::data_lock::DataLock;
use tms_portal::server::service::{Clock as _, SystemClock};
use tms_portal::server::storage::sql::query;

use super::super::super::postgres;
use super::super::{CommandOutput, Deployment, connect, sql, text};
use super::example::{example, files};
use super::old::compress;
use super::server_of_0_3::{answers, dump};

pub async fn run(deployment: &Deployment, arguments: &[&str]) -> CommandOutput {
    run_with_input(deployment, arguments, "").await
}

/// The command runs on a separate thread: servers of the tests run in this one.
pub async fn run_with_input(deployment: &Deployment, arguments: &[&str], input: &'static str) -> CommandOutput {
    let mut command = deployment.command(&[&["import"], arguments].concat());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().expect("started");
        // It may end without reading it.
        let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
        child.wait_with_output().expect("run")
    });
    CommandOutput::from(output.await.expect("run"))
}

pub fn path(file: &Path) -> String {
    file.display().to_string()
}

#[tokio::test]
async fn command_reports_imports_and_tells_what_is_unused() {
    let (deployment, example) = (Deployment::set_up().await, example());
    let (_dir, files) = files(&example.old).await;
    let from = path(&files[3]);
    let contested = run(&deployment, &["--from", &from]).await;
    assert!(contested.code == Some(10) && contested.out.contains("--host-owner frontera=TENANT"), "{} {}", contested.out, contested.err);
    let options = ["--from", &from, "--host-owner", "frontera=tacc"];
    let report = deployment.path().join("report.json");
    let dry = run(&deployment, &[&options[..], &["--report", "report.json"]].concat()).await;
    assert_eq!(dry.code, Some(11), "{}", dry.err);
    for words in ["This was a dry run", "(the key has expired)", "by client: ghost 1", "pubkeys", "Not imported:", example.fingerprint("K6")] {
        assert!(dry.out.contains(words), "{words}: {}", dry.out);
    }
    let written: Value = serde_json::from_str(&std::fs::read_to_string(&report).expect("a report")).expect("JSON");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&report).expect("there").permissions());
    assert_eq!(mode & 0o077, 0, "it names people");
    let keys = written["keys"].as_array().expect("keys");
    assert!(keys.iter().any(|key| key["reason"] == "expired" && key["list"] == "locked_out" && key["fingerprint"] == example.fingerprint("K6")));
    assert_eq!(written["report"]["rows"]["pubkeys"]["read"], 22);
    assert_eq!(text(&deployment, "SELECT concat(count(*)) FROM tenants").await, "2", "nothing was written");

    let json = run(&deployment, &[&options[..], &["--json", "--yes"]].concat()).await;
    assert_eq!(json.code, Some(0), "{} {}", json.out, json.err);
    let lines: Vec<Value> = json.out.lines().map(|line| serde_json::from_str(line).expect("JSON lines")).collect();
    assert!(lines.iter().any(|line| line["event"] == "progress" && line["done"] == 22 && line["total"] == 22), "{}", json.out);
    assert_eq!(lines.last().expect("a report")["outcome"], "imported");
    let again = run(&deployment, &[&options[..], &["--yes"]].concat()).await;
    assert!(again.code == Some(0) && again.out.contains("Nothing to do"), "{} {}", again.out, again.err);

    let status = run(&deployment, &["status"]).await;
    assert_eq!(status.code, Some(0), "{}", status.err);
    for words in ["tacc: client tapis, old secret valid until", "default: administrator ~~admin", "5 old secrets have not been used here yet."] {
        assert!(status.out.contains(words), "{words}: {}", status.out);
    }
    let status = run(&deployment, &["status", "--json"]).await;
    assert!(status.out.lines().all(|line| serde_json::from_str::<Value>(line).is_ok_and(|line| line["owner"].is_string())), "{}", status.out);
}

#[tokio::test]
async fn standard_input_is_read() {
    let deployment = Deployment::set_up().await;
    let mut child = deployment
        .command(&["import", "--from", "-", "--yes"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    child.stdin.take().expect("a pipe").write_all(&std::fs::read(dump("utc.sql")).expect("read")).expect("written");
    let said = CommandOutput::from(child.wait_with_output().expect("run"));
    assert!(said.code == Some(0) && said.out.contains("TMS 0.3, SHA-256 "), "{} {}", said.out, said.err);
    assert_eq!(text(&deployment, "SELECT concat(count(*)) FROM pubkeys WHERE tenant_id = 'default'").await, "11");
}

/// Each unusable file has its sentence; nothing is written, and the exit code is 10.
#[tokio::test]
async fn unusable_files_are_refused_with_a_sentence() {
    let (deployment, example) = (Deployment::set_up().await, example());
    let (dir, files) = files(&example.old).await;
    let before =
        text(&deployment, "SELECT concat((SELECT count(*) FROM tenants), (SELECT count(*) FROM clients), (SELECT count(*) FROM activity))").await;
    let file = |name: &str| dir.path().join(name);
    let dumped = example.old.dump();
    let gzip = std::fs::read(&files[3]).expect("read");
    let database = std::fs::read(&files[2]).expect("read");
    let key = example.fingerprint("K1");
    let short = dumped.replacen(&format!("\t{key}\t"), "\t", 1);
    let (head, tail) = dumped.split_at(dumped.find(key).expect("the key"));
    for (name, contents, why) in [
        ("0.4.sql", dumped.replace("10001\tinit\tt\n", "10001\tinit\tt\n10002\tremove tenancy\tt\n").into_bytes(), "it is a database of TMS 0.4"),
        ("custom", b"PGDMP\x01\x0e\0".to_vec(), "pg_restore -f - FILE | tms-portal import --from -"),
        ("cut.sql.gz", gzip[..gzip.len() / 2].to_vec(), "its gzip data are cut off"),
        ("cut.db.gz", database[..database.len() / 2].to_vec(), "its gzip data are cut off"),
        ("cut.sql", head.as_bytes().to_vec(), "the file ends early"),
        ("short.sql", short.into_bytes(), "has 15 values, its columns are 16"),
        ("nul.sql", format!("{head}\0{tail}").into_bytes(), "has a NUL character"),
        ("escaped-nul.sql", format!("{head}\\000{tail}").into_bytes(), "has a NUL character"),
        ("empty", Vec::new(), "the file is empty"),
        ("text", b"hello".to_vec(), "neither a SQLite database nor a plain dump"),
        ("other.sql", dumped.replace("tms.", "wiki.").into_bytes(), "it has no table _sqlx_migrations"),
        ("new.sql", dumped.replace("10001\tinit", "20001\tinit").into_bytes(), "it has the migration 20001"),
        ("column.sql", dumped.replace("public_key_fingerprint", "fingerprint").into_bytes(), "has no column public_key_fingerprint"),
    ] {
        std::fs::write(file(name), contents).expect("written");
        let said = run(&deployment, &["--from", &path(&file(name)), "--host-owner", "frontera=tacc", "--yes"]).await;
        assert!(said.code == Some(10) && said.err.contains(why), "{name}: {:?} {} {}", said.code, said.out, said.err);
        assert!(said.err.lines().count() == 1 && !said.err.contains("panicked"), "{name}: {}", said.err);
    }
    let missing = run(&deployment, &["--from", &path(&file("missing"))]).await;
    assert!(missing.code == Some(10) && missing.err.contains("cannot read the file"), "{}", missing.err);
    let folder = run(&deployment, &["--from", &path(dir.path())]).await;
    assert!(folder.code == Some(10) && folder.err.contains("it is a directory"), "{}", folder.err);
    for wrong in
        [&["--yes"][..], &["--from", "x", "--tenant", "a"], &["--from", "x", "--ended", "grace=31"], &["--from", "x", "--secrets-until", "0d"]]
    {
        let said = run(&deployment, wrong).await;
        assert_eq!(said.code, Some(2), "{wrong:?}: {}", said.err);
    }
    let after =
        text(&deployment, "SELECT concat((SELECT count(*) FROM tenants), (SELECT count(*) FROM clients), (SELECT count(*) FROM activity))").await;
    assert_eq!(after, before);
}

#[tokio::test]
async fn own_database_and_unreadable_changes_are_refused() {
    if crate::postgres::is_used() {
        return;
    }
    let (deployment, example) = (Deployment::set_up().await, example());
    let own = run(&deployment, &["--from", "data/tms-portal.db"]).await;
    assert!(own.code == Some(10) && own.err.contains("tms-portal copy"), "{}", own.err);
    let (dir, files) = files(&example.old).await;
    std::fs::create_dir(dir.path().join("tms.db-wal")).expect("a folder, which cannot be read as a file");
    let said = run(&deployment, &["--from", &path(&files[0])]).await;
    assert!(said.code == Some(10) && said.err.contains(".backup COPY"), "{}", said.err);
    std::fs::remove_dir(dir.path().join("tms.db-wal")).expect("removed");
    let read = run(&deployment, &["--from", &path(&files[0]), "--host-owner", "frontera=tacc"]).await;
    assert_eq!(read.code, Some(11), "{}", read.err);
    let beside: Vec<_> = std::fs::read_dir(dir.path()).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
    assert!(!beside.iter().any(|name| name.to_string_lossy().starts_with("tms.db-")), "nothing is created beside the old database: {beside:?}");
}

#[tokio::test]
async fn portal_that_runs_is_not_imported_into() {
    let deployment = Deployment::set_up().await;
    let _lock = if postgres::is_used() {
        let begun = query("UPDATE periodic_tasks SET begun_at = $1").bind(SystemClock.now().as_millis());
        begun.execute(&mut connect(&deployment).await).await.expect("changed");
        None
    } else {
        Some(DataLock::acquire(&deployment.path().join("data")).expect("the lock of a server"))
    };
    let from = path(&dump("utc.sql"));
    let refused = run(&deployment, &["--from", &from, "--yes"]).await;
    assert!(refused.code == Some(10) && refused.err.contains("--while-running"), "{}", refused.err);
    assert_ne!(run(&deployment, &["--from", &from]).await.code, Some(10), "a dry run writes nothing");
    assert_eq!(run(&deployment, &["--from", &from, "--yes", "--while-running"]).await.code, Some(0));
}

/// Answers lookups from these rows, as the old server does. `line`: where the JSON of a row has the key.
pub fn retrieve(keys: Vec<Value>, line: &'static str) -> MethodRouter {
    let keys = Arc::new(keys);
    post(move |Json(asked): Json<Value>| {
        let keys = Arc::clone(&keys);
        async move {
            let is_asked = |key: &&Value| {
                key["public_key_fingerprint"] == asked["public_key_fingerprint"]
                    && key["host"] == asked["host"]
                    && key["host_account"] == asked["user"]
            };
            match keys.iter().find(is_asked) {
                Some(key) => (StatusCode::OK, Json(json!({ "result_code": "0", "public_key": key.pointer(line) }))),
                None => (StatusCode::NOT_FOUND, Json(json!({ "result_code": "404", "result_msg": "NOT_FOUND" }))),
            }
        }
    })
}

/// Serves on a free port of this machine. Returns the origin.
pub async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("its address"));
    tokio::spawn(axum::serve(listener, router).into_future());
    address
}

/// A server that answers as the old one did, with changes.
async fn old_server(change: impl Fn(&mut Value)) -> String {
    let mut answers = answers();
    change(&mut answers);
    let keys = answers["keys"].as_array().expect("keys").clone();
    serve(Router::new().route("/v1/tms/pubkeys/creds/retrieve", retrieve(keys, "/old_retrieve/1"))).await
}

#[tokio::test]
async fn comparison_finds_what_the_import_did_not_report() {
    let deployment = Deployment::set_up().await;
    let from = path(&dump("chicago.sql"));
    assert_eq!(run(&deployment, &["--from", &from, "--yes"]).await.code, Some(0));
    let compare =
        async |old: &str, more: &[&str]| run(&deployment, &[&["compare", "--from", &from, "--rate", "10000", "--old", old], more].concat()).await;
    let same = compare(&old_server(|_| {}).await, &[]).await;
    assert_eq!(same.code, Some(0), "{} {}", same.out, same.err);
    // 11 keys and that of the test tenant's rows, of which there are none.
    assert!(
        same.out.contains("0 keys: only the old server returns them, unexpectedly") && same.out.contains("0 keys: different keys"),
        "{}",
        same.out
    );
    let uses = text(&deployment, "SELECT concat(sum(uses)) FROM pubkeys WHERE tenant_id = 'default'").await;
    assert_eq!(uses, "0", "nothing was counted");

    let first = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG5eYrRk8QWXCFrLxYFPyyYBmJ3N6s2pEwPGG2AsJPY4";
    let other = old_server(|answers| answers["keys"][0]["old_retrieve"][1] = json!(first)).await;
    let different = compare(&other, &["--json"]).await;
    assert_eq!(different.code, Some(10), "{}", different.err);
    assert!(different.out.contains("\"kind\":\"different_key\"") && different.out.contains("SHA256:Wyllers"), "{}", different.out);
    let without = old_server(|answers| drop(answers["keys"].as_array_mut().expect("keys").remove(0))).await;
    let only_here = compare(&without, &[]).await;
    assert!(only_here.code == Some(10) && only_here.out.contains("1 keys: only this portal returns them"), "{}", only_here.out);

    sql(&deployment, "DELETE FROM pubkeys WHERE number = 6").await;
    let missing = compare(&old_server(|_| {}).await, &[]).await;
    assert!(missing.code == Some(10) && missing.out.contains("1 keys: only the old server returns them, unexpectedly"), "{}", missing.out);
    let down = compare("http://127.0.0.1:9", &[]).await;
    assert!(down.code == Some(10) && down.err.contains("--old: "), "{}", down.err);
}

/// A file with gzip inside a file with gzip, as backup scripts that run twice make it.
#[tokio::test]
async fn gzip_in_gzip_is_named() {
    let (deployment, dir) = (Deployment::set_up().await, tempfile::tempdir().expect("a folder"));
    let (once, twice) = (dir.path().join("dump.sql.gz"), dir.path().join("dump.sql.gz.gz"));
    compress(&dump("utc.sql"), &once);
    compress(&once, &twice);
    let said = run(&deployment, &["--from", &path(&twice)]).await;
    assert!(said.code == Some(10) && said.err.contains("gzip twice"), "{}", said.err);
}
