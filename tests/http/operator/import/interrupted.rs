//! Imports that end early leave nothing, and can be repeated; and the copy of the database from before an import.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use super::super::{CommandOutput, Deployment, text};
use super::command::{path, run};
use super::example::{FREE, SECRET};
use super::old::{MVP, Old, TestKey, secret_hash};
use crate::postgres;

/// Several batches, which take seconds.
const KEYS: u16 = 20_000;
const COUNTS: &str = "SELECT concat_ws(' ', (SELECT count(*) FROM tenants), (SELECT count(*) FROM clients), (SELECT count(*) FROM people),
                          (SELECT count(*) FROM pubkeys), (SELECT count(*) FROM activity))";

/// A dump with many keys.
fn large_dump(dir: &Path) -> PathBuf {
    let mut old = Old::default();
    old.add("tenants", &["1", "tacc", "1"]);
    old.add("clients", &["1", "tacc", "Tapis", "1.6", "tapis", &secret_hash(SECRET), "1"]);
    old.add("user_mfa", &["1", "tacc", "jdoe", MVP, "1"]);
    old.add("user_hosts", &["1", "tacc", "jdoe", "frontera", "jdoe", MVP]);
    old.add("delegations", &["1", "tacc", "tapis", "jdoe", MVP]);
    for number in 0..KEYS {
        old.add_key(&(number + 1).to_string(), &TestKey::ed25519(number), "tapis", "jdoe", FREE, MVP);
    }
    let file = dir.join("dump.sql");
    fs::write(&file, old.dump()).expect("written");
    file
}

/// The copies of the database from before imports.
fn copies(deployment: &Deployment) -> Vec<PathBuf> {
    let entries = fs::read_dir(deployment.path().join("data")).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("before-import-"))).collect()
}

#[tokio::test]
async fn import_that_is_killed_leaves_nothing_and_can_be_repeated() {
    let (deployment, dir) = (Deployment::set_up().await, tempfile::tempdir().expect("a folder"));
    let from = path(&large_dump(dir.path()));
    let before = text(&deployment, COUNTS).await;
    let mut import = deployment.command(&["import", "--from", &from, "--yes", "--json"]);
    let mut child = import.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("started");
    // The first batch was inserted.
    let mut progress = String::new();
    let mut output = BufReader::new(child.stdout.take().expect("its output"));
    output.read_line(&mut progress).expect("a line");
    assert!(progress.contains("\"event\":\"progress\""), "{progress}");
    child.kill().expect("killed");
    assert_eq!(child.wait().expect("ended").code(), None, "it had not ended before");
    assert_eq!(text(&deployment, COUNTS).await, before);
    let again = run(&deployment, &["--from", &from, "--yes"]).await;
    assert_eq!(again.code, Some(0), "{} {}", again.out, again.err);
    assert_eq!(text(&deployment, "SELECT concat(count(*)) FROM pubkeys WHERE tenant_id = 'tacc'").await, KEYS.to_string());
}

/// A limit of the size of files, beyond which there is room for the copy of the database and not for the keys.
#[tokio::test]
async fn import_onto_a_full_disk_leaves_nothing_and_can_be_repeated() {
    if postgres::is_used() {
        // Its server has the disk.
        return;
    }
    let (deployment, dir) = (Deployment::set_up().await, tempfile::tempdir().expect("a folder"));
    let from = path(&large_dump(dir.path()));
    let before = text(&deployment, COUNTS).await;
    for blocks in ["8192", "256"] {
        let import = deployment.command(&["import", "--from", &from, "--yes"]);
        let mut limited = Command::new("sh");
        limited.args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"")]).arg(import.get_program()).args(import.get_args());
        for (name, value) in import.get_envs() {
            match value {
                Some(value) => limited.env(name, value),
                None => limited.env_remove(name),
            };
        }
        let said = CommandOutput::from(limited.current_dir(deployment.path()).stdin(Stdio::null()).output().expect("run"));
        assert!(said.code == Some(10) && said.err.contains("nothing was imported"), "{blocks}: {:?} {} {}", said.code, said.out, said.err);
        assert_eq!(text(&deployment, COUNTS).await, before, "{blocks}");
        assert_eq!(copies(&deployment), Vec::<PathBuf>::new(), "{blocks}");
    }
    let again = run(&deployment, &["--from", &from, "--yes"]).await;
    assert_eq!(again.code, Some(0), "{} {}", again.out, again.err);
}

/// The connection is closed afterwards, so that the file can be replaced.
async fn counts_in(deployment: &Deployment) -> String {
    let options = SqliteConnectOptions::new().filename(deployment.path().join("data/tms-portal.db"));
    let mut database = SqliteConnection::connect_with(&options).await.expect("a database");
    let counts = sqlx::query_scalar(COUNTS).fetch_one(&mut database).await.expect("counts");
    database.close().await.expect("closed");
    counts
}

#[tokio::test]
async fn database_from_before_the_import_is_kept_and_can_be_restored() {
    if postgres::is_used() {
        return;
    }
    let (deployment, example) = (Deployment::set_up().await, super::example::example());
    let (_dir, files) = super::example::files(&example.old).await;
    let from = path(&files[1]);
    let before = counts_in(&deployment).await;
    let options = ["--from", &from, "--host-owner", "frontera=tacc", "--yes"];
    let said = run(&deployment, &options).await;
    assert_eq!(said.code, Some(0), "{} {}", said.out, said.err);
    assert_ne!(counts_in(&deployment).await, before);
    let kept = copies(&deployment);
    let copy = kept.iter().find(|path| path.extension().is_some_and(|extension| extension == "db")).expect("a copy");
    assert_eq!(kept.len(), 2, "with its description: {kept:?}");
    assert!(said.out.contains(&format!("tms-portal restore data/{}", copy.file_name().expect("a name").to_string_lossy())), "{}", said.out);
    assert!(kept.iter().all(|file| fs::metadata(file).expect("there").permissions().mode() & 0o777 == 0o600));
    assert_eq!(run(&deployment, &options).await.code, Some(0));
    assert_eq!(run(&deployment, &options[..4]).await.code, Some(0), "nothing to do");
    assert_eq!(copies(&deployment).len(), 2, "no copy of an import that changed nothing");
    let restored = deployment.run(&["restore", copy.to_str().expect("a path")]);
    assert_eq!(restored.code, Some(0), "{}", restored.err);
    assert_eq!(counts_in(&deployment).await, before);
}
