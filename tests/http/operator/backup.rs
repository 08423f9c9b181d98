//! `tms-portal backup`, `restore` and `verify`, which are for SQLite.

use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use reqwest::Client;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use super::reload::Logged;
use super::serve::Server;
use super::{CommandOutput, Deployment};
use crate::postgres;

impl Deployment {
    fn data(&self, name: &str) -> PathBuf {
        self.path().join("data").join(name)
    }

    /// Makes a backup, and returns its file.
    pub(super) fn back_up(&self, more: &[&str]) -> PathBuf {
        let said = self.run(&[&["backup", "--to", "backups"], more].concat());
        assert_eq!(said.code, Some(0), "{}", said.err);
        let file = said.out.lines().find_map(|line| line.trim().strip_prefix("file ")).expect("it names the file");
        self.path().join(file.trim())
    }

    pub(super) fn restore(&self, file: &Path) -> CommandOutput {
        self.run(&["restore", file.to_str().expect("a path")])
    }

    fn previous_databases(&self) -> Vec<PathBuf> {
        let is_previous = |path: &PathBuf| path.display().to_string().contains(".db.before-restore-") && path.display().to_string().ends_with('Z');
        fs::read_dir(self.path().join("data")).expect("a folder").map(|entry| entry.expect("an entry").path()).filter(is_previous).collect()
    }
}

async fn start_devices(server: &Server, count: usize) {
    let url = format!("http://{}/t/test/oauth/device_authorization", server.address);
    for _ in 0..count {
        assert_eq!(Client::new().post(&url).form(&[("client_id", "tms-cli")]).send().await.expect("an answer").status(), 200);
    }
}

fn kill(server: &mut Server) {
    server.child.kill().expect("killed");
    server.child.wait().expect("ended");
}

/// The number of device grants. The connection is closed afterwards, so that the file can be replaced.
async fn grants_in(file: &Path) -> String {
    let mut database = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.expect("a database");
    let count = sqlx::query_scalar("SELECT concat(count(*)) FROM device_grants").fetch_one(&mut database).await.expect("a number");
    database.close().await.expect("closed");
    count
}

/// A backup is made and three requests follow; then the server is killed, so that these are in its WAL.
async fn killed_after_backup() -> (Deployment, PathBuf) {
    let deployment = Deployment::set_up().await;
    let mut server = Server::start_with(&deployment, &[]);
    start_devices(&server, 1).await;
    let backup = deployment.back_up(&[]);
    start_devices(&server, 3).await;
    kill(&mut server);
    assert!(fs::metadata(deployment.data("tms-portal.db-wal")).expect("a WAL").len() > 32);
    (deployment, backup)
}

#[tokio::test]
async fn restored_backup_has_what_was_backed_up() {
    if postgres::is_used() {
        return;
    }
    let (deployment, backup) = killed_after_backup().await;
    let said = deployment.restore(&backup);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.contains("The keys in data/keys are those of this backup."), "{}", said.out);
    let server = Server::start_with(&deployment, &[]);
    assert_eq!(Client::new().get(format!("http://{}/readyz", server.address)).send().await.expect("an answer").status(), 200);
    assert_eq!(grants_in(&deployment.data("tms-portal.db")).await, "1", "nothing of the killed server's WAL");
    let [previous] = &deployment.previous_databases()[..] else { panic!("the previous database is kept") };
    assert_eq!(grants_in(previous).await, "4", "with its WAL");
    for name in ["tms-portal.db", "lock"] {
        assert_eq!(fs::metadata(deployment.data(name)).expect("there").permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn wal_of_another_database_is_refused() {
    if postgres::is_used() {
        return;
    }
    let (deployment, backup) = killed_after_backup().await;
    let database = deployment.data("tms-portal.db");
    let original = fs::read(&database).expect("read");
    fs::copy(&backup, &database).expect("copied by hand");
    for arguments in
        [&["init"][..], &["migrate"], &["tenant", "set", "--tenant", "test", "--display-name", "x"], &["verify"], &["backup", "--to", "b"]]
    {
        let said = deployment.run(arguments);
        assert!(
            said.code == Some(1) && said.err.contains("tms-portal.db-wal") && said.err.contains("tms-portal restore"),
            "{arguments:?}: {}",
            said.err
        );
    }
    let doctor = deployment.run(&["doctor"]);
    assert!(doctor.code == Some(1) && doctor.out.contains("tms-portal.db-wal has changes that do not belong to"), "{}", doctor.out);
    assert!(fs::read(&database).expect("read") == fs::read(&backup).expect("read"), "it is not changed");
    for lose in [|file: &Path| fs::write(file, ""), |file: &Path| fs::remove_file(file)] {
        lose(&database).expect("done");
        let said = deployment.run(&["init"]);
        assert!(said.code == Some(1) && said.err.contains("tms-portal.db-wal"), "{}", said.err);
        assert!(deployment.data("tms-portal.db-wal").exists(), "SQLite would delete it");
    }
    fs::write(&database, original).expect("written");
    fs::set_permissions(&database, fs::Permissions::from_mode(0o600)).expect("set");
    let migrated = deployment.run(&["migrate"]);
    assert_eq!(migrated.code, Some(0), "its own WAL is used: {}", migrated.err);
    assert_eq!(grants_in(&deployment.data("tms-portal.db")).await, "4");
}

/// A copy in WAL mode, made while the portal was stopped.
#[tokio::test]
async fn wal_beside_a_copy_from_an_earlier_run_is_refused() {
    if postgres::is_used() {
        return;
    }
    let deployment = Deployment::set_up().await;
    let database = deployment.data("tms-portal.db");
    let mut server = Server::start_with(&deployment, &[]);
    server.signal("-TERM");
    server.child.wait().expect("ended");
    let copy = fs::read(&database).expect("read");
    assert_eq!(copy[18..20], [2, 2], "in WAL mode");
    let mut server = Server::start_with(&deployment, &[]);
    start_devices(&server, 2).await;
    kill(&mut server);
    let own = fs::read(&database).expect("read");
    fs::write(&database, &copy).expect("copied by hand");
    for arguments in [&["init"][..], &["verify"]] {
        let said = deployment.run(arguments);
        assert!(said.code == Some(1) && said.err.contains("tms-portal restore"), "{arguments:?}: {} {}", said.out, said.err);
    }
    fs::write(&database, own).expect("written");
    let mut server = Server::start_with(&deployment, &[]);
    kill(&mut server);
    assert_eq!(deployment.run(&["init"]).code, Some(0), "after each crash its own WAL is used");
    assert_eq!(grants_in(&deployment.data("tms-portal.db")).await, "2");
    // `init` and this test have closed it, so that there is no WAL, and any copy can be used.
    fs::write(&database, copy).expect("copied by hand");
    drop(Server::start_with(&deployment, &[]));
    assert_eq!(grants_in(&deployment.data("tms-portal.db")).await, "0");
}

#[tokio::test]
async fn backup_is_private_and_described_and_old_ones_are_deleted() {
    if postgres::is_used() {
        return;
    }
    let deployment = Deployment::set_up().await;
    let first = deployment.back_up(&[]);
    for file in [&first, &first.with_extension("json")] {
        assert_eq!(fs::metadata(file).expect("there").permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
    let info: serde_json::Value = serde_json::from_slice(&fs::read(first.with_extension("json")).expect("read")).expect("JSON");
    let found = serde_json::json!([info["format"], info["release"], info["rows"]["tenants"]]);
    assert_eq!(found, serde_json::json!([1, env!("CARGO_PKG_VERSION"), 2]));
    assert_eq!(info["keys"].as_object().expect("fingerprints").len(), 2);
    assert_eq!(info["sha256"].as_str().expect("a hash").len(), 64);

    let folder = deployment.path().join("backups");
    // Not made by the command, or by that of another deployment.
    let others = ["notes.txt", "tms-portal-20200101T000000.000Z.db", "tms-portal-20200102T000000.000Z.db", "tms-portal-20200102T000000.000Z.json"];
    for name in others {
        fs::write(folder.join(name), "").expect("written");
    }
    let mut foreign = info.clone();
    foreign["keys"] = serde_json::json!({ "codes.key": "00" });
    fs::write(folder.join(others[3]), foreign.to_string()).expect("written");
    // Made while the clock was ahead.
    for extension in ["db", "json"] {
        fs::copy(first.with_extension(extension), folder.join(format!("tms-portal-29990101T000000.000Z.{extension}"))).expect("copied");
    }
    let made = [deployment.back_up(&[]), deployment.back_up(&["--keep", "2"])];
    let mut expected: Vec<PathBuf> = made.iter().flat_map(|file| [file.clone(), file.with_extension("json")]).collect();
    expected.extend(others.map(|name| folder.join(name)));
    expected.sort();
    let mut there: Vec<PathBuf> = fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    there.sort();
    assert_eq!(there, expected);
    assert_eq!(deployment.run(&["backup", "--to", "backups", "--keep", "0"]).code, Some(2));
    let nowhere = deployment.run(&["backup", "--to", "missing/backups"]);
    assert!(nowhere.code == Some(1) && nowhere.err.contains("missing does not exist"), "{}", nowhere.err);
}

/// Files of backups that were killed.
#[tokio::test]
async fn incomplete_backups_are_deleted_unless_one_is_being_made() {
    if postgres::is_used() {
        return;
    }
    let deployment = Deployment::set_up().await;
    let folder = deployment.path().join("backups");
    fs::create_dir(&folder).expect("a folder");
    let stale = ["Z.partial", "Z.partial-journal", "Z.json"].map(|end| folder.join(format!("tms-portal-20200101T000000.000{end}")));
    // Of other programs, and information about a backup that was deleted by hand.
    let others = ["notes.partial", "tms-portal-notes.partial", "tms-portal-20200102T000000.000Z.json"].map(|name| folder.join(name));
    for file in stale.iter().chain(&others) {
        fs::write(file, "").expect("written");
    }
    let another = fs::File::open(&folder).expect("a folder");
    another.try_lock_shared().expect("the lock of another backup");
    deployment.back_up(&[]);
    assert!(stale.iter().all(|file| file.exists()), "they may be those of the other backup");
    drop(another);
    let said = deployment.run(&["backup", "--to", "backups"]);
    assert!(said.code == Some(0) && said.out.contains("Deleted backups/tms-portal-20200101T000000.000Z.partial\n"), "{} {}", said.out, said.err);
    assert!(!stale.iter().any(|file| file.exists()) && others.iter().all(|file| file.exists()));
}

#[tokio::test]
async fn running_portal_is_not_restored_over() {
    if postgres::is_used() {
        return;
    }
    let deployment = Deployment::set_up().await;
    let server = Server::start_with(&deployment, &[]);
    let backup = deployment.back_up(&[]);
    let said = deployment.restore(&backup);
    assert!(said.code == Some(1) && said.err.contains("another tms-portal uses the data directory data"), "{}", said.err);
    let checked = deployment.run(&["restore", "--verify-only", backup.to_str().expect("a path")]);
    assert_eq!(checked.code, Some(0), "{}", checked.err);
    assert_eq!(deployment.run(&["verify"]).code, Some(0));
    start_devices(&server, 1).await;
    assert_eq!(grants_in(&deployment.data("tms-portal.db")).await, "1");
    assert!(deployment.previous_databases().is_empty());
}

#[tokio::test]
async fn restore_and_commands_wait_for_each_other() {
    if postgres::is_used() {
        return;
    }
    let deployment = Deployment::set_up().await;
    let backup = deployment.back_up(&[]);
    let add = ["person", "add", "--tenant", "test", "--display-name", "Dora", "dora"];
    let lock = fs::File::create(deployment.data("lock.commands")).expect("a file");
    lock.try_lock_shared().expect("free");
    let said = deployment.restore(&backup);
    assert!(said.code == Some(1) && said.err.contains("a command of tms-portal changes the data in data"), "{}", said.err);
    assert!(deployment.previous_databases().is_empty());
    lock.unlock().expect("unlocked");
    lock.try_lock().expect("free");
    let said = deployment.run(&add);
    assert!(said.code == Some(1) && said.err.contains("a backup is being restored or a key rotated in data"), "{}", said.err);
    lock.unlock().expect("unlocked");
    assert_eq!(deployment.run(&add).code, Some(0));
    assert_eq!(deployment.restore(&backup).code, Some(0));
}

/// Overwrites pages, of which some are in use.
fn damage(file: &Path) {
    let mut bytes = fs::read(file).expect("read");
    bytes[4_096..20 * 4_096].fill(0xff);
    fs::write(file, bytes).expect("written");
}

#[tokio::test]
async fn unusable_backups_are_refused_before_anything_is_replaced() {
    if postgres::is_used() {
        return;
    }
    let deployment = Deployment::set_up().await;
    let good = deployment.back_up(&[]);
    let before = fs::read(deployment.data("tms-portal.db")).expect("read");
    let bad = deployment.path().join("bad.db");
    let refused = |what: &str, why: &str| {
        let file = bad.to_str().expect("a path");
        for arguments in [&["restore", file][..], &["restore", "--verify-only", file]] {
            let said = deployment.run(arguments);
            assert!(said.code == Some(1) && said.err.contains(why), "{what}, {arguments:?}: {} {}", said.out, said.err);
        }
        assert!(fs::read(deployment.data("tms-portal.db")).expect("read") == before, "{what}");
        assert!(deployment.previous_databases().is_empty() && !deployment.data("tms-portal.db.restoring").exists(), "{what}");
    };
    refused("no file", "bad.db");
    fs::write(&bad, "").expect("written");
    refused("an empty file", "there are no data of a portal in");
    fs::write(&bad, "no database, but long enough to be taken for one".repeat(100)).expect("written");
    refused("no database", "cannot be used");
    fs::copy(&good, &bad).expect("copied");
    damage(&bad);
    refused("a damaged page", "cannot be used");
    let length = fs::metadata(&good).expect("there").len();
    fs::write(&bad, &fs::read(&good).expect("read")[..usize::try_from(length / 2).expect("a length")]).expect("written");
    refused("half of it", "cannot be used");
    fs::copy(good.with_extension("json"), bad.with_extension("json")).expect("copied");
    refused("half of it, with information", "SHA-256");
    fs::write(bad.with_extension("json"), "{}").expect("written");
    refused("damaged information", "bad.json does not describe a backup");
    fs::remove_file(bad.with_extension("json")).expect("removed");

    for (statement, why) in [
        // Found first: rows that refer to tenants.
        ("DELETE FROM tenants", "refer to rows that do not exist"),
        ("INSERT INTO _sqlx_migrations VALUES (9999, 'newer', CURRENT_TIMESTAMP, 1, unhex('00'), 0)", "migration 9999, of a newer release"),
        ("UPDATE _sqlx_migrations SET checksum = unhex('00') WHERE version = 2", "migration 2 is another one"),
        ("UPDATE deployment SET value = 'x' WHERE name = 'key:secrets.key'", "secrets.key is not the key"),
    ] {
        fs::copy(&good, &bad).expect("copied");
        change(&bad, &["PRAGMA foreign_keys = OFF", statement]).await;
        refused(statement, why);
    }
    fs::copy(&good, &bad).expect("copied");
    fs::write(deployment.path().join("bad.db-wal"), [0; 4_096]).expect("written");
    refused("a database with a WAL", "is not complete");
    fs::remove_file(deployment.path().join("bad.db-wal")).expect("removed");

    let key = deployment.data("keys/codes.key");
    let kept = fs::read(&key).expect("read");
    fs::remove_file(&key).expect("removed");
    refused("a missing key", "codes.key does not exist");
    fs::write(&key, [7; 32]).expect("written");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("chmod");
    refused("another key", "codes.key is not the key");
    fs::write(&key, kept).expect("written");
    assert_eq!(deployment.restore(&bad).code, Some(0), "the same file is restored with its key");
}

/// Runs statements on a file, and closes it, so that there is no WAL beside it.
async fn change(file: &Path, statements: &[&'static str]) {
    let mut database = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.expect("a database");
    for statement in statements {
        sqlx::query(*statement).execute(&mut database).await.expect(statement);
    }
    database.close().await.expect("closed");
}

#[tokio::test]
async fn backup_on_a_new_host_needs_only_the_keys() {
    if postgres::is_used() {
        return;
    }
    let (old, new) = (Deployment::set_up().await, Deployment::empty());
    let backup = old.back_up(&[]);
    let without = new.restore(&backup);
    assert!(without.code == Some(1) && without.err.contains("codes.key does not exist"), "{}", without.err);
    assert!(!new.path().join("data").exists());
    fs::create_dir_all(new.data("keys")).expect("a folder");
    for entry in fs::read_dir(old.data("keys")).expect("a folder") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), new.data("keys").join(entry.file_name())).expect("copied");
    }
    let said = new.restore(&backup);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let verified = new.run(&["verify"]);
    assert!(verified.code == Some(0) && verified.out.contains("not damaged"), "{} {}", verified.out, verified.err);
    assert_eq!(new.run(&["init"]).out, "Nothing to do: data is already set up.\n");
}

#[tokio::test]
async fn verify_reports_damage() {
    if postgres::is_used() {
        return;
    }
    let deployment = Deployment::set_up().await;
    let good = fs::read(deployment.data("tms-portal.db")).expect("read");
    let refused = |why: &str| {
        let said = deployment.run(&["verify"]);
        assert!(said.code == Some(1) && said.err.contains(why) && said.out.is_empty(), "{why}: {} {}", said.out, said.err);
    };
    damage(&deployment.data("tms-portal.db"));
    refused("cannot be used");
    let backup = deployment.run(&["backup", "--to", "backups"]);
    assert_eq!(backup.code, Some(1), "{}", backup.out);
    assert_eq!(fs::read_dir(deployment.path().join("backups")).expect("a folder").count(), 0, "no damaged copy is left");
    fs::write(deployment.data("tms-portal.db"), good).expect("written");
    assert_eq!(deployment.run(&["verify"]).code, Some(0));
    change(&deployment.data("tms-portal.db"), &["PRAGMA foreign_keys = OFF", "UPDATE people SET tenant_id = 'nowhere'"]).await;
    refused("rows of people refer to rows that do not exist");
}

/// A small database is checked before the start, and a large one while it is served, so that a start takes no longer with more data.
#[tokio::test]
async fn damaged_page_is_found_at_the_start() {
    if postgres::is_used() {
        return;
    }
    let deployment = Deployment::set_up().await;
    damage(&deployment.data("tms-portal.db"));
    let said = deployment.run(&["serve"]);
    assert!(said.code == Some(2) && said.err.contains("cannot be used, because it is damaged"), "{:?} {}", said.code, said.err);

    let deployment = Deployment::set_up().await;
    let database = deployment.data("tms-portal.db");
    change(&database, &["CREATE TABLE filler (content BLOB)", "INSERT INTO filler VALUES (zeroblob(70000000))"]).await;
    // The number of the next page of this value.
    let mut file = fs::File::options().write(true).open(&database).expect("there");
    let middle = file.metadata().expect("metadata").len() / 4_096 / 2 * 4_096;
    file.seek(SeekFrom::Start(middle)).and_then(|_| file.write_all(&[0xff; 4])).expect("written");
    drop(file);
    let portal = Logged::start(&deployment, &[]);
    let line = portal.wait_for("The database is damaged");
    assert!(line.contains("ERROR") && line.contains("tms-portal.db"), "{line}");
    assert_eq!(Client::new().get(format!("{}/healthz", portal.server.url())).send().await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn description_of_a_backup_is_not_taken_for_the_backup() {
    if postgres::is_used() {
        return;
    }
    let deployment = Deployment::set_up().await;
    let backup = deployment.back_up(&[]);
    let description = backup.with_extension("json");
    for arguments in [&["restore"][..], &["restore", "--verify-only"]] {
        let said = deployment.run(&[arguments, &[description.to_str().expect("a path")]].concat());
        let advice = format!("describes a backup: name the database beside it, {}", backup.display());
        assert!(said.code == Some(1) && said.err.contains(&advice), "{arguments:?}: {}", said.err);
    }
    assert!(deployment.previous_databases().is_empty());
}

#[test]
fn data_in_postgresql_are_for_its_own_tools() {
    let deployment = Deployment::empty();
    for arguments in [&["backup", "--to", "backups"][..], &["restore", "backup.db"], &["restore", "--verify-only", "backup.db"], &["verify"]] {
        let said = deployment.run(&[arguments, &["--database", "postgres://tms@127.0.0.1:1/tms"]].concat());
        assert!(said.code == Some(1) && said.err.contains("pg_dump"), "{arguments:?}: {}", said.err);
    }
    assert!(!deployment.path().join("backups").exists() && !deployment.path().join("data").exists());
}
