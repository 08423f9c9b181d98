//! Starts of `tms-portal serve` that are refused, and leave everything as it was.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, Stdio};

use reqwest::Client;

use super::Deployment;
use super::serve::Server;
use crate::postgres;

const TEST_TENANT: &str = "SELECT concat(CAST(enabled AS INTEGER)) FROM tenants WHERE id = 'test'";

/// An address in use, with its listener.
pub(super) fn taken() -> (TcpListener, String) {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    (taken, address)
}

#[tokio::test]
async fn refused_start_does_not_change_the_data() {
    let deployment = Deployment::set_up().await;
    let (_taken, address) = taken();
    let said = deployment.run(&["serve", "--listen", &address]);
    assert!(said.code == Some(1) && said.err.contains("cannot listen on"), "{}", said.err);
    assert_eq!(super::text(&deployment, TEST_TENANT).await, "1", "a start without --test-tenant would disable it");

    fs::create_dir(deployment.path().join("data/words")).expect("a folder");
    fs::write(deployment.path().join("data/words/pl.ftl"), "product = x\n").expect("written");
    let said = deployment.run(&["serve"]);
    assert!(said.code == Some(2) && said.err.contains("pl.ftl"), "{}", said.err);
    assert_eq!(super::text(&deployment, TEST_TENANT).await, "1");

    let fresh = Deployment::empty();
    let said = fresh.run(&["serve", "--listen", &address]);
    assert!(said.code == Some(1) && said.err.contains("cannot listen on"), "{}", said.err);
    assert!(!fresh.path().join("data").exists(), "nothing is created");
}

#[tokio::test]
async fn one_portal_serves_a_data_directory() {
    if postgres::is_used() {
        return;
    }
    let deployment = Deployment::set_up().await;
    let mut server = Server::start_with(&deployment, &[]);
    let said = deployment.run(&["serve"]);
    assert!(said.code == Some(1) && said.err.contains("another tms-portal uses the data directory data"), "{}", said.err);
    assert_eq!(super::text(&deployment, TEST_TENANT).await, "1", "the running portal's test tenant");
    // Other commands work beside it.
    assert_eq!(deployment.run(&["tenant", "set", "--tenant", "default", "--display-name", "Centre"]).code, Some(0));
    let init = deployment.run(&["init"]);
    assert!(init.code == Some(0) && init.out.starts_with("Nothing to do"), "{} {}", init.out, init.err);
    assert_eq!(super::text(&deployment, TEST_TENANT).await, "1");
    server.child.kill().expect("killed");
    server.child.wait().expect("ended");
    drop(Server::start_with(&deployment, &[]));
}

/// The portal's user could not open what root creates in its data directory, such as the locks.
#[tokio::test]
async fn root_changes_no_data_of_another_user() {
    let deployment = Deployment::set_up().await;
    if postgres::is_used() || !rustix::process::geteuid().is_root() {
        return;
    }
    let data = deployment.path().join("data");
    let locks = || ["lock", "lock.commands"].map(|name| data.join(name).exists());
    assert!(std::process::Command::new("chown").args(["-R", "998"]).arg(&data).status().expect("run").success());
    for (words, code) in [
        (&["tenant", "set", "--tenant", "default", "--display-name", "Centre"][..], 1),
        (&["migrate"], 1),
        (&["init"], 1),
        (&["serve"], 2),
        (&["import", "status"], 1),
        (&["import", "--from", "/dev/null", "--yes"], 10),
    ] {
        let said = deployment.run(words);
        assert!(said.code == Some(code) && said.err.contains("data belongs to the user 998"), "{words:?}: {:?} {}", said.code, said.err);
    }
    assert_eq!(locks(), [false; 2]);
    // As an earlier release left it.
    fs::write(data.join("lock.commands"), "").expect("written");
    let said = deployment.run(&["doctor"]);
    assert!(said.out.contains("the data belong to several users: 0, 998"), "{} {}", said.out, said.err);
}

/// Waits until a portal has started or ended: its address, or its exit code and errors.
pub fn outcome(mut child: Child) -> Result<(Child, String), (Option<i32>, String)> {
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines().map_while(Result::ok);
    let said: Vec<String> = lines.take_while(|line| !line.starts_with("Stop with")).collect();
    match said.iter().find_map(|line| Some(line.split_once("(listening on ")?.1.split(',').next()?.to_owned())) {
        Some(address) => Ok((child, address)),
        None => {
            let mut errors = String::new();
            child.stderr.take().expect("its errors").read_to_string(&mut errors).expect("a text");
            Err((child.wait().expect("ended").code(), errors))
        }
    }
}

#[tokio::test]
async fn one_of_two_first_starts_creates_the_portal() {
    if postgres::is_used() {
        return;
    }
    let deployment = Deployment::empty();
    let start = || deployment.command(&["serve"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    let (one, other) = (start(), start());
    let other = std::thread::spawn(|| outcome(other));
    let outcomes = [outcome(one), other.join().expect("no panic")];
    let refused = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect::<Vec<_>>();
    let [(code, errors)] = refused[..] else { panic!("one is refused: {outcomes:?}") };
    assert!(*code == Some(1) && errors.contains("another tms-portal uses the data directory"), "{errors}");
    let (mut child, address) = outcomes.into_iter().find_map(Result::ok).expect("one serves");
    let ready = Client::new().get(format!("http://{address}/readyz")).send().await.expect("an answer").status();
    child.kill().expect("killed");
    child.wait().expect("ended");
    assert_eq!(ready, 200);
}

/// `init` does what the beginning of `serve` does, and ends by itself.
#[tokio::test]
async fn damaged_or_missing_key_is_not_replaced() {
    let deployment = Deployment::set_up().await;
    let keys = deployment.path().join("data/keys");
    let refused = |what: &str, why: &str| {
        let said = deployment.run(&["init"]);
        assert!(said.code == Some(1) && said.err.contains(why) && said.out.is_empty(), "{what}: {} {}", said.out, said.err);
    };
    for recorded in [true, false] {
        if !recorded {
            // As a release before fingerprints were recorded left it.
            super::sql(&deployment, "DELETE FROM deployment WHERE name LIKE 'key:%'").await;
        }
        for name in ["codes.key", "secrets.key"] {
            let file = keys.join(name);
            let kept = fs::read(&file).expect("read");
            for length in [0, kept.len() / 2] {
                fs::write(&file, &kept[..length]).expect("written");
                refused(name, name);
                assert_eq!(fs::read(&file).expect("read").len(), length, "{name} is left as it is");
            }
            let away = keys.join("away");
            fs::rename(&file, &away).expect("moved");
            refused(name, &format!("{name} does not exist"));
            assert!(!file.exists(), "{name} is not created");
            fs::rename(&away, &file).expect("moved back");
            fs::write(&file, kept).expect("written");
        }
        let away = deployment.path().join("away");
        fs::rename(&keys, &away).expect("moved");
        refused("no keys", "codes.key does not exist");
        assert!(!keys.exists());
        symlink(deployment.path().join("not-mounted"), &keys).expect("a link");
        refused("a link to nothing", "is its file system mounted?");
        fs::remove_file(&keys).expect("removed");
        fs::rename(&away, &keys).expect("moved back");
    }
    assert_eq!(deployment.run(&["init"]).code, Some(0), "with its keys it starts again");
}

/// Older releases have their only signing key in a file.
#[tokio::test]
async fn first_signing_key_is_needed_until_the_database_has_it() {
    let deployment = Deployment::set_up().await;
    let (file, away) = (deployment.path().join("data/keys/signing-key.pem"), deployment.path().join("away"));
    let kid = "SELECT kid FROM signing_keys WHERE algorithm = 'RS256' AND state = 'active'";
    let before = super::text(&deployment, kid).await;
    super::sql(
        &deployment,
        "INSERT INTO deployment (name, value) SELECT 'key:signing-key.pem', kid FROM signing_keys WHERE algorithm = 'RS256' AND state = 'active'",
    )
    .await;
    super::sql(&deployment, "DELETE FROM signing_keys").await;
    let kept = fs::read(&file).expect("read");
    for length in [0, kept.len() / 2] {
        fs::write(&file, &kept[..length]).expect("written");
        let said = deployment.run(&["init"]);
        assert!(said.code == Some(1) && said.err.contains("signing-key.pem is not an RSA private key"), "{} {}", said.out, said.err);
    }
    fs::rename(&file, &away).expect("moved");
    let said = deployment.run(&["init"]);
    assert!(said.code == Some(1) && said.err.contains("signing-key.pem does not exist") && !file.exists(), "{} {}", said.out, said.err);
    fs::write(&away, kept).expect("written");
    fs::rename(&away, &file).expect("moved back");
    assert_eq!(deployment.run(&["init"]).code, Some(0));
    assert_eq!(super::text(&deployment, kid).await, before, "tokens from before are valid");
    fs::remove_file(&file).expect("removed");
    let said = deployment.run(&["init"]);
    assert!(said.code == Some(0) && !file.exists(), "{} {}", said.out, said.err);
}

#[tokio::test]
async fn lost_data_are_no_first_start() {
    if postgres::is_used() {
        return;
    }
    let (_taken, address) = taken();
    let reachable = Deployment::empty();
    // The address is taken, so that a start which is not refused ends.
    let said = reachable.run(&["serve", "--listen", &address, "--public-url", "http://tms.example.org", "--insecure-http"]);
    assert!(
        said.code == Some(2) && said.err.contains("there is no database data/tms-portal.db") && said.err.contains("tms-portal init"),
        "{}",
        said.err
    );
    assert!(!reachable.path().join("data").exists());

    let deployment = Deployment::set_up().await;
    for (command, code) in [("init", 1), ("serve", 2)] {
        let said = deployment.run(&[command, "--data-dir", "not-mounted/data", "--listen", &address]);
        assert!(said.code == Some(code) && said.err.contains("the directory not-mounted does not exist"), "{command}: {}", said.err);
    }
    assert!(!deployment.path().join("not-mounted").exists());
    symlink(deployment.path().join("not-mounted"), deployment.path().join("link")).expect("a link");
    let said = deployment.run(&["init", "--data-dir", "link"]);
    assert!(said.code == Some(1) && said.err.contains("is its file system mounted?"), "{}", said.err);

    let file = deployment.path().join("data/tms-portal.db");
    fs::write(&file, "").expect("emptied");
    let said = deployment.run(&["init"]);
    assert!(said.code == Some(1) && said.err.contains("there are keys of a deployment in data/keys"), "{}", said.err);
    fs::remove_file(&file).expect("removed");
    let said = deployment.run(&["serve", "--listen", &address]);
    assert!(said.code == Some(2) && said.err.contains("there is no database data/tms-portal.db"), "{}", said.err);
    assert!(!file.exists());
}

/// The same rule for all commands, and for the changes beside the database.
#[tokio::test]
async fn database_that_all_users_can_access_is_refused() {
    if postgres::is_used() {
        return;
    }
    let deployment = Deployment::set_up().await;
    let (database, wal) = (deployment.path().join("data/tms-portal.db"), deployment.path().join("data/tms-portal.db-wal"));
    let set_mode = |file: &Path, mode| fs::set_permissions(file, Permissions::from_mode(mode)).expect("set");
    let commands = [&["serve"][..], &["init"], &["migrate"], &["verify"], &["admin", "list", "--tenant", "test"]];
    let exit_code = |arguments: &[&str]| if arguments == ["serve"] { Some(2) } else { Some(1) };
    for mode in [0o644, 0o606, 0o602] {
        set_mode(&database, mode);
        for arguments in commands {
            let said = deployment.run(arguments);
            assert!(
                said.code == exit_code(arguments) && said.err.contains("data/tms-portal.db can be accessed by all users of this machine"),
                "{arguments:?} {mode:o}: {:?} {}",
                said.code,
                said.err
            );
        }
    }
    set_mode(&database, 0o600);
    fs::write(&wal, "").expect("written");
    set_mode(&wal, 0o644);
    for arguments in commands {
        let said = deployment.run(arguments);
        assert!(
            said.code == exit_code(arguments) && said.err.contains("tms-portal.db-wal can be accessed by all users"),
            "{arguments:?}: {}",
            said.err
        );
    }
    fs::remove_file(wal).expect("removed");
    // The group is the operator's decision.
    set_mode(&database, 0o640);
    for arguments in &commands[1..] {
        assert_eq!(deployment.run(arguments).code, Some(0), "{arguments:?}");
    }
    drop(Server::start_with(&deployment, &[]));
}

#[tokio::test]
async fn advice_to_add_people_ends_when_there_are_people() {
    const ADVICE: &str = "add people to a tenant";
    let deployment = Deployment::set_up().await;
    let with_people = Server::spawn(deployment.command(&["serve"]).stderr(Stdio::null()));
    assert!(!with_people.said.contains(ADVICE), "{}", with_people.said);
    if !postgres::is_used() {
        let empty = Deployment::empty();
        let first = Server::spawn(empty.command(&["serve"]).stderr(Stdio::null()));
        assert!(first.said.contains(ADVICE), "{}", first.said);
    }
}

/// A service manager must not repeat a start that fails until an operator has corrected something.
#[tokio::test]
async fn start_that_a_restart_would_not_correct_ends_with_2() {
    if postgres::is_used() {
        return;
    }
    let deployment = Deployment::set_up().await;
    let refused = |why: &str| {
        let child = deployment.command(&["serve"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
        match outcome(child) {
            Err((code, errors)) => assert!(code == Some(2) && errors.contains(why), "{why}: {code:?} {errors}"),
            Ok((mut child, _)) => {
                child.kill().expect("killed");
                child.wait().expect("ended");
                panic!("{why}: it has started");
            }
        }
    };
    let data = deployment.path().join("data");
    let damaged = |name: &str, damage: fn(&Path) -> std::io::Result<()>, why: &str| {
        let file = data.join(name);
        let kept = fs::read(&file).expect("read");
        damage(&file).expect("done");
        refused(why);
        fs::write(&file, kept).expect("written");
        fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("set");
    };
    damaged("keys/codes.key", |file| fs::remove_file(file), "codes.key does not exist");
    damaged("keys/codes.key", |file| fs::write(file, [7; 32]), "is not the key");
    damaged("keys/secrets.key", |file| fs::write(file, "short"), "is not a key of 32 bytes");
    damaged("keys/signing-key.pem", |file| fs::set_permissions(file, Permissions::from_mode(0o644)), "can be read by others");
    damaged("tms-portal.db", |file| fs::write(file, [7; 4_096]), "is damaged");
    damaged("tms-portal.db", |file| fs::set_permissions(file, Permissions::from_mode(0o644)), "can be accessed by all users");
    fs::write(data.join("profiles.toml"), "x").expect("written");
    refused("profiles.toml");
    fs::remove_file(data.join("profiles.toml")).expect("removed");
    super::sql(&deployment, "INSERT INTO _sqlx_migrations VALUES (9999, 'future', CURRENT_TIMESTAMP, 1, unhex('00'), 0)").await;
    refused("9999");
}
