//! `tms-portal activity follow` and `activity archive`.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::secrets::{closed_pipe, full_disk};
use super::serve::Server;
use super::{CommandOutput, Deployment, sql, text};
use crate::postgres;

const FOLLOW: [&str; 3] = ["activity", "follow", "--json"];

impl Deployment {
    fn add_person(&self, name: &str) {
        let said = self.run(&["person", "add", "--tenant", "test", name]);
        assert_eq!(said.code, Some(0), "{}", said.err);
    }

    fn follow_once(&self, more: &[&str]) -> CommandOutput {
        self.run(&[&FOLLOW[..], &["--once"], more].concat())
    }
}

fn lines(said: &CommandOutput) -> Vec<Value> {
    said.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The people whose accounts the lines say were added.
fn added(lines: &[Value]) -> Vec<&str> {
    lines.iter().filter(|line| line["kind"] == "person_added").filter_map(|line| line["person"].as_str()).collect()
}

/// A follower that is running.
struct Follower {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Follower {
    fn start(deployment: &Deployment) -> Self {
        let command = [&FOLLOW[..], &["--state", "state"]].concat();
        let mut child = deployment.command(&command).stdout(Stdio::piped()).spawn().expect("started");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        Self { child, lines }
    }

    /// Waits until it prints that a person was added. Returns the numbers of the lines up to this one.
    fn wait_for(&mut self, person: &str) -> Vec<i64> {
        let mut numbers = Vec::new();
        for line in self.lines.by_ref() {
            let line: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
            numbers.push(line["id"].as_i64().expect("a number"));
            if line["kind"] == "person_added" && line["person"] == person {
                return numbers;
            }
        }
        panic!("it has ended before {person}");
    }
}

#[tokio::test]
async fn events_are_printed_in_order_and_continued_from_the_state() {
    let deployment = Deployment::set_up().await;
    deployment.add_person("ann");
    deployment.add_person("bob");
    let first = deployment.follow_once(&["--state", "state"]);
    assert_eq!((first.code, first.err.as_str()), (Some(0), ""));
    let first = lines(&first);
    let numbers: Vec<i64> = first.iter().filter_map(|line| line["id"].as_i64()).collect();
    assert!(numbers.len() == first.len() && numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    assert_eq!(added(&first), ["ann", "bob"]);
    let last = first.last().expect("a line").as_object().expect("an object");
    let mut names: Vec<&str> = last.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["account", "administrator", "at", "client", "from", "host", "id", "kind", "person", "subject", "tenant"]);
    assert_eq!((&last["tenant"], &last["administrator"]), (&json!("test"), &json!("operator:")));
    let state = deployment.path().join("state");
    assert_eq!(fs::metadata(&state).expect("there").permissions().mode() & 0o777, 0o600);

    deployment.add_person("cid");
    assert_eq!(added(&lines(&deployment.follow_once(&["--state", "state"]))), ["cid"]);
    assert_eq!(deployment.follow_once(&["--state", "state"]).out, "");
    let bob = numbers.last().expect("a number").to_string();
    assert_eq!(added(&lines(&deployment.follow_once(&["--from", &bob]))), ["bob", "cid"]);
    assert_eq!(lines(&deployment.follow_once(&["--tenant", "default"])).iter().filter(|line| line["tenant"] != "default").count(), 0);

    fs::write(&state, "nonsense").expect("written");
    let damaged = deployment.follow_once(&["--state", "state"]);
    assert!(damaged.code == Some(1) && damaged.out.is_empty() && damaged.err.contains("--state: cannot use state"), "{}", damaged.err);
    let nowhere = deployment.follow_once(&["--tenant", "nowhere"]);
    assert_eq!((nowhere.code, nowhere.err.as_str()), (Some(1), "tms-portal: tenant nowhere does not exist\n"));
    for wrong in [&["activity", "follow"][..], &["activity", "follow", "--json", "--from", "1", "--state", "x"]] {
        assert_eq!(deployment.run(wrong).code, Some(2), "{wrong:?}");
    }
}

#[tokio::test]
async fn nothing_is_missed_while_the_portal_is_killed_and_started_again() {
    let deployment = Deployment::set_up().await;
    let mut server = Server::start_with(&deployment, &[]);
    let mut follower = Follower::start(&deployment);
    deployment.add_person("ann");
    let mut numbers = follower.wait_for("ann");
    server.child.kill().expect("killed");
    server.child.wait().expect("ended");
    deployment.add_person("bob");
    numbers.extend(follower.wait_for("bob"));
    let again = Server::start_with(&deployment, &[]);
    deployment.add_person("cid");
    numbers.extend(follower.wait_for("cid"));
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    let other = deployment.follow_once(&["--state", "state"]);
    assert!(other.code == Some(1) && other.err.contains("another command follows"), "{}", other.err);
    // Killed at any time: what comes next continues, and repeats the last events at most.
    drop(follower);
    deployment.add_person("dan");
    let next = lines(&deployment.follow_once(&["--state", "state"]));
    let people = added(&next);
    assert!(["dan"][..] == people || ["cid", "dan"][..] == people, "{people:?}");
    drop(again);
}

#[tokio::test]
async fn follower_does_not_keep_the_portal_from_emptying_its_wal() {
    if postgres::is_used() {
        return;
    }
    let deployment = Deployment::set_up().await;
    let mut follower = Follower::start(&deployment);
    deployment.add_person("ann");
    follower.wait_for("ann");
    let wal = deployment.path().join("data/tms-portal.db-wal");
    // It has the database open for some milliseconds each second.
    let emptied = ["bob", "cid", "dan", "eve", "fay"].into_iter().any(|name| {
        deployment.add_person(name);
        fs::metadata(&wal).map_or(0, |metadata| metadata.len()) == 0
    });
    assert!(emptied, "the database is one file after a command has closed it");
}

#[tokio::test]
async fn output_that_does_not_work_moves_no_position() {
    let deployment = Deployment::set_up().await;
    deployment.add_person("ann");
    let command = [&FOLLOW[..], &["--once", "--state", "state"]].concat();
    for (stdout, code, why) in [(closed_pipe(), 0, ""), (full_disk(), 1, "cannot write to standard output")] {
        let said = deployment.run_into(stdout, &command);
        assert!(said.code == Some(code) && said.err.contains(why), "{:?} {}", said.code, said.err);
        assert!(!deployment.path().join("state").exists(), "nothing was written");
    }
    assert_eq!(added(&lines(&deployment.follow_once(&["--state", "state"]))), ["ann"]);
}

#[tokio::test]
async fn deleted_events_are_reported_as_a_gap() {
    let deployment = Deployment::set_up().await;
    assert_eq!(deployment.follow_once(&["--state", "state"]).code, Some(0));
    sql(&deployment, "UPDATE tenants SET activity_deleted_until = (SELECT max(id) + 2 FROM activity) WHERE id = 'test'").await;
    let said = deployment.follow_once(&["--state", "state"]);
    let last: i64 = text(&deployment, "SELECT concat(max(id)) FROM activity").await.parse().expect("a number");
    assert_eq!(said.code, Some(12), "{}", said.err);
    assert_eq!(lines(&said), [json!({ "gap": { "after": last, "until": last + 2, "reason": "deleted" } })]);
    assert!(said.err.starts_with("WARNING: events after "), "{}", said.err);
    assert_eq!(deployment.follow_once(&["--tenant", "default", "--from", &last.to_string()]).code, Some(0), "of another tenant");
    assert_eq!(deployment.follow_once(&[]).code, Some(0), "a first run begins with what is kept");
}

#[tokio::test]
async fn restored_database_is_noticed_and_its_new_events_are_printed() {
    if postgres::is_used() {
        return;
    }
    let deployment = Deployment::set_up().await;
    deployment.add_person("ann");
    let backup = deployment.back_up(&[]);
    for name in ["bob", "cid", "dan"] {
        deployment.add_person(name);
    }
    assert_eq!(deployment.follow_once(&["--state", "state"]).code, Some(0));
    assert_eq!(deployment.restore(&backup).code, Some(0));
    deployment.add_person("eve");
    let said = deployment.follow_once(&["--state", "state"]);
    assert_eq!(said.code, Some(12), "{}", said.err);
    let lines = lines(&said);
    assert_eq!(lines[0]["gap"]["reason"], "restored");
    assert!(added(&lines).ends_with(&["eve"]), "{}", said.out);
}

const OLD_EVENTS: &str = "INSERT INTO activity (tenant_id, user_id, at, kind) VALUES ('test', 'testuser1', 1000, 'key_used'),
                          ('default', 'dora', 2000, 'key_used'), ('test', 'testuser1', 3000, 'key_revoked')";

fn read_archive(file: &Path) -> Vec<Value> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(File::open(file).expect("there")).read_to_string(&mut text).expect("gzip");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[tokio::test]
async fn archive_has_each_event_once_and_replaces_no_file() {
    let deployment = Deployment::set_up().await;
    sql(&deployment, OLD_EVENTS).await;
    let archive = |until: &str, to: &str, more: &[&str]| {
        deployment.run(&[&["activity", "archive", "--tenant", "test", "--until", until, "--to", to], more].concat())
    };
    let none = archive("1970-01-01", "none.gz", &[]);
    assert!(none.code == Some(0) && none.out.starts_with("Nothing to archive") && !deployment.path().join("none.gz").exists(), "{}", none.err);
    let said = archive("2000-01-01", "old.jsonl.gz", &[]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let file = deployment.path().join("old.jsonl.gz");
    assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    let sum = hex::encode(Sha256::digest(fs::read(&file).expect("read")));
    assert!(said.out.contains(&format!("\n{sum}  old.jsonl.gz\n")), "{}", said.out);
    let archived = read_archive(&file);
    assert!(archived.iter().all(|event| event["tenant"] == "test"), "{archived:?}");
    let kinds: Vec<&str> = archived.iter().filter_map(|event| event["kind"].as_str()).collect();
    assert!(kinds.ends_with(&["key_used", "key_revoked"]), "{kinds:?}");

    let again = archive("2000-01-01", "old.jsonl.gz", &["--again"]);
    assert!(again.code == Some(1) && again.err.contains("old.jsonl.gz") && again.err.contains("nothing was archived"), "{}", again.err);
    assert_eq!(read_archive(&file), archived);
    assert!(archive("2000-01-01", "more.gz", &[]).out.starts_with("Nothing to archive"));
    assert_eq!(archive("2000-01-01", "again.gz", &["--again"]).code, Some(0));
    assert_eq!(read_archive(&deployment.path().join("again.gz")), archived);
    assert_eq!(archive("yesterday", "x.gz", &[]).code, Some(2));
}

#[tokio::test]
async fn retention_is_set_for_a_tenant() {
    let deployment = Deployment::set_up().await;
    let stored =
        "SELECT concat(keep_activity_days, ' ', keep_security_activity_days, ' ', CAST(archive_first AS INTEGER)) FROM tenants WHERE id = 'test'";
    assert_eq!(text(&deployment, stored).await, "0 0 0");
    let set = |options: &[&str]| deployment.run(&[&["tenant", "set", "--tenant", "test"], options].concat());
    let done = set(&["--keep-activity-days", "90", "--keep-security-activity-days", "730", "--archive-first", "true"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert_eq!(text(&deployment, stored).await, "90 730 1");
    for refused in [
        &["--keep-activity-days", "731"][..],
        &["--keep-security-activity-days", "89"],
        &["--keep-activity-days", "0"],
        &["--keep-activity-days", "36501"],
    ] {
        let said = set(refused);
        assert!(said.code == Some(2) && said.err.contains("--keep-"), "{refused:?}: {}", said.err);
    }
    assert_eq!(text(&deployment, stored).await, "90 730 1");
    assert_eq!(set(&["--keep-security-activity-days", "0"]).code, Some(0));
    assert_eq!(set(&["--keep-activity-days", "0"]).code, Some(0));
    assert_eq!(text(&deployment, stored).await, "0 0 1");
    let recorded = "SELECT subject FROM activity WHERE kind = 'tenant_changed' AND tenant_id = 'test' ORDER BY id DESC LIMIT 1";
    assert_eq!(text(&deployment, recorded).await, "keep-activity-days");
}
