//! `tms-portal` under a service manager: the socket, the keys and the notifications of systemd.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType};

use super::serve::suspend;
use super::{Deployment, KEYS, files};
use crate::postgres;

const REQUEST: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// Starts the portal on a socket of the test, as systemd would, and waits until it listens.
fn start_on(deployment: &Deployment, listener: &TcpListener) -> Child {
    let socket = OwnedFd::from(listener.try_clone().expect("a copy"));
    let mut command = deployment.command(&["serve", "--test-tenant"]);
    command.envs([("LISTEN_FDS", "1"), ("LISTEN_FDS_FIRST_FD", "0")]).stdin(Stdio::from(socket));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("started");
    let said = BufReader::new(child.stdout.take().expect("its output")).lines().map_while(Result::ok);
    let address = listener.local_addr().expect("its address");
    assert!(said.into_iter().any(|line| line.contains(&format!("(listening on {address}"))), "it says where it listens");
    child
}

fn stop(child: Child) {
    signal(&child, "-TERM");
    ended(child);
}

fn signal(child: &Child, name: &str) {
    let done = std::process::Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill");
    assert!(done.success());
}

fn ended(mut child: Child) {
    assert_eq!(child.wait().expect("ended").code(), Some(0));
}

fn connect(listener: &TcpListener) -> TcpStream {
    let mut connection = TcpStream::connect(listener.local_addr().expect("its address")).expect("connected");
    connection.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
    connection.write_all(REQUEST).expect("sent");
    connection
}

fn answer(mut connection: TcpStream) -> String {
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("an answer");
    answer
}

#[tokio::test]
async fn connections_wait_for_the_next_start_on_a_passed_socket() {
    let deployment = Deployment::set_up().await;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let first = start_on(&deployment, &listener);
    assert!(answer(connect(&listener)).starts_with("HTTP/1.1 200 OK"));
    stop(first);
    let waiting: Vec<TcpStream> = (0..20).map(|_| connect(&listener)).collect();
    let second = start_on(&deployment, &listener);
    for connection in waiting {
        assert!(answer(connection).starts_with("HTTP/1.1 200 OK"));
    }
    stop(second);
}

/// Connections that a portal has not accepted when it is told to stop get their response, from it or from the next one.
#[tokio::test]
async fn restart_loses_no_connection_of_a_passed_socket() {
    let deployment = Deployment::set_up().await;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut portal = start_on(&deployment, &listener);
    for _ in 0..3 {
        suspend(&portal);
        let waiting: Vec<TcpStream> = (0..20).map(|_| connect(&listener)).collect();
        signal(&portal, "-TERM");
        signal(&portal, "-CONT");
        ended(portal);
        portal = start_on(&deployment, &listener);
        for connection in waiting {
            assert!(answer(connection).starts_with("HTTP/1.1 200 OK"));
        }
    }
    stop(portal);
}

#[tokio::test]
async fn reachable_passed_socket_is_refused_for_the_test_tenant() {
    let deployment = Deployment::set_up().await;
    let listener = TcpListener::bind("0.0.0.0:0").expect("a port");
    let mut command = deployment.command(&["serve", "--test-tenant", "--listen", "127.0.0.1:0"]);
    command.envs([("LISTEN_FDS", "1"), ("LISTEN_FDS_FIRST_FD", "0")]).stdin(Stdio::from(OwnedFd::from(listener)));
    let said = super::CommandOutput::from(command.output().expect("run"));
    assert!(said.code == Some(2) && said.err.contains("--test-tenant-anywhere"), "{}", said.err);
}

#[tokio::test]
async fn unusable_passed_sockets_are_reported() {
    let deployment = Deployment::set_up().await;
    for (count, reason) in [("1", "systemd did not pass a TCP socket"), ("2", "systemd passed 2 sockets, but the portal listens on one")] {
        let mut command = deployment.command(&["serve"]);
        let said = super::CommandOutput::from(command.envs([("LISTEN_FDS", count), ("LISTEN_FDS_FIRST_FD", "0")]).output().expect("run"));
        assert!(said.code == Some(2) && said.err.contains(reason), "{count}: {}", said.err);
    }
    let bound = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    rustix::net::bind(&bound, &SocketAddr::from(([127, 0, 0, 1], 0))).expect("bound");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let connected = OwnedFd::from(TcpStream::connect(listener.local_addr().expect("its address")).expect("connected"));
    for socket in [bound, connected] {
        let mut command = deployment.command(&["serve"]);
        command.envs([("LISTEN_FDS", "1"), ("LISTEN_FDS_FIRST_FD", "0")]).stdin(Stdio::from(socket)).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (code, errors) = super::start::outcome(command.spawn().expect("started")).expect_err("no connection could be accepted");
        assert!(code == Some(2) && errors.contains("systemd did not pass a TCP socket: it does not listen"), "{errors}");
    }
}

/// A portal that a service manager started on its socket, and what it tells it.
struct Supervised {
    child: Child,
    listener: TcpListener,
    notifications: UnixDatagram,
}

impl Supervised {
    fn start(deployment: &Deployment, environment: &[(&str, &str)]) -> Self {
        let path = deployment.path().join("notify");
        let notifications = UnixDatagram::bind(&path).expect("a socket");
        notifications.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let mut command = deployment.command(&["serve", "--test-tenant"]);
        command.envs([("LISTEN_FDS", "1"), ("LISTEN_FDS_FIRST_FD", "0")]).envs(environment.iter().copied()).env("NOTIFY_SOCKET", &path);
        command.stdin(Stdio::from(OwnedFd::from(listener.try_clone().expect("a copy")))).stdout(Stdio::null()).stderr(Stdio::null());
        let supervised = Self { child: command.spawn().expect("started"), listener, notifications };
        assert_eq!(supervised.next(), "READY=1\n");
        supervised
    }

    fn next(&self) -> String {
        let mut text = [0; 200];
        let length = self.notifications.recv(&mut text).expect("a notification");
        String::from_utf8_lossy(&text[..length]).into_owned()
    }
}

#[tokio::test]
async fn systemd_is_told_of_the_start_each_response_and_the_stop() {
    let deployment = Deployment::set_up().await;
    let portal = Supervised::start(&deployment, &[("WATCHDOG_USEC", "300000")]);
    assert_eq!([portal.next(), portal.next()], ["WATCHDOG=1\n", "WATCHDOG=1\n"]);
    signal(&portal.child, "-TERM");
    let rest: Vec<String> = std::iter::from_fn(|| Some(portal.next())).take_while(|text| text != "STOPPING=1\n").collect();
    assert!(rest.iter().all(|text| text == "WATCHDOG=1\n"), "{rest:?}");
    ended(portal.child);
}

#[tokio::test]
async fn systemd_is_told_of_a_reload() {
    let deployment = Deployment::set_up().await;
    let portal = Supervised::start(&deployment, &[]);
    signal(&portal.child, "-HUP");
    let reloading = portal.next();
    assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
    assert_eq!(portal.next(), "READY=1\n");
    stop(portal.child);
}

#[tokio::test]
async fn requests_on_connections_from_before_the_stop_are_answered() {
    let deployment = Deployment::set_up().await;
    let portal = Supervised::start(&deployment, &[]);
    let open = || {
        let connection = TcpStream::connect(portal.listener.local_addr().expect("its address")).expect("connected");
        connection.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
        connection
    };
    let (mut silent, mut used) = (open(), open());
    // Connections are accepted in their order, so that this response shows that both were.
    let kept = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    used.write_all(kept).expect("sent");
    let mut first = Vec::new();
    while !first.ends_with(b"\r\n\r\nok\n") {
        let mut byte = [0];
        used.read_exact(&mut byte).expect("an answer");
        first.extend(byte);
    }
    signal(&portal.child, "-TERM");
    assert_eq!(portal.next(), "STOPPING=1\n");
    silent.write_all(kept).expect("sent");
    used.write_all(kept).expect("sent");
    for connection in [silent, used] {
        // Which ends, as the connection is closed.
        let answer = answer(connection);
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("connection: close\r\n"), "{answer}");
    }
    ended(portal.child);
}

#[tokio::test]
async fn passed_keys_replace_those_in_the_data_directory() {
    let deployment = Deployment::set_up().await;
    let (keys, passed) = (deployment.path().join("data/keys"), deployment.path().join("passed"));
    let run = || {
        let mut command = deployment.command(&["admin", "list", "--tenant", "test"]);
        super::CommandOutput::from(command.env("CREDENTIALS_DIRECTORY", &passed).output().expect("run"))
    };
    assert_eq!(run().code, Some(0), "no credentials are passed");
    std::fs::rename(&keys, &passed).expect("moved");
    let said = run();
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(files(&keys).is_empty(), "no key is created in the data directory");
    // The database has the first key that signs tokens since its first start.
    for name in KEYS.into_iter().filter(|name| *name != "signing-key.pem") {
        let elsewhere = deployment.path().join(name);
        std::fs::rename(passed.join(name), &elsewhere).expect("moved");
        let said = run();
        assert!(said.code == Some(1) && said.err.contains(&format!("passed/{name} does not exist")), "{}", said.err);
        assert_eq!(files(&passed).len(), 2, "none is created");
        std::fs::rename(&elsewhere, passed.join(name)).expect("moved");
    }
}

#[tokio::test]
async fn passed_keys_show_that_a_database_was_lost() {
    if postgres::is_used() {
        return;
    }
    let deployment = Deployment::set_up().await;
    let (passed, database) = (deployment.path().join("passed"), deployment.path().join("data/tms-portal.db"));
    std::fs::rename(deployment.path().join("data/keys"), &passed).expect("moved");
    let run = |words: &[&str]| super::CommandOutput::from(deployment.command(words).env("CREDENTIALS_DIRECTORY", &passed).output().expect("run"));
    let backup = run(&["backup", "--to", "backups"]);
    assert!(backup.code == Some(0) && backup.out.contains("passed are not in it"), "{} {}", backup.out, backup.err);
    std::fs::write(&database, "").expect("emptied");
    let said = run(&["init"]);
    assert!(said.code == Some(1) && said.err.contains("passed: restore the database"), "{}", said.err);
    std::fs::remove_file(&database).expect("removed");
    // Its address is taken, so that a start which is not refused ends.
    let (_taken, address) = super::start::taken();
    let said = run(&["serve", "--listen", &address]);
    assert!(said.code == Some(2) && said.err.contains("there is no database data/tms-portal.db"), "{}", said.err);
    assert!(!database.exists());

    let file = files(&deployment.path().join("backups")).into_iter().find(|name| name.ends_with(".db")).expect("a backup");
    let restored = run(&["restore", &format!("backups/{file}")]);
    assert!(restored.code == Some(0) && restored.out.contains("passed are those of this backup"), "{} {}", restored.out, restored.err);
    super::sql(&deployment, "UPDATE deployment SET value = 'x' WHERE name = 'key:codes.key'").await;
    let said = run(&["init"]);
    assert!(said.code == Some(1) && said.err.contains("passed/codes.key is not the key"), "{}", said.err);
}

#[tokio::test]
async fn keys_are_created_once_for_a_directory_that_is_passed() {
    let deployment = Deployment::empty();
    let created = deployment.run(&["keys", "init", "--to", "new/keys"]);
    assert_eq!((created.code, created.out.as_str()), (Some(0), "Created keys in new/keys. Back them up, apart from the database.\n"));
    let dir = deployment.path().join("new/keys");
    assert_eq!(files(&dir), KEYS);
    let contents = || KEYS.map(|name| std::fs::read(dir.join(name)).expect("a key"));
    let before = contents();
    for name in KEYS {
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(dir.join(name)).expect("a key").permissions());
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let again = deployment.run(&["keys", "init", "--to", "new/keys"]);
    assert_eq!((again.code, again.out.as_str()), (Some(0), "Nothing to do: the keys are in new/keys.\n"));
    assert!(contents() == before, "they are kept");
}

#[test]
fn packages_get_manual_pages_and_completions() {
    let deployment = Deployment::empty();
    for kind in ["man", "completions"] {
        let said = deployment.run(&["doc", kind, "docs"]);
        assert_eq!(said.code, Some(0), "{}", said.err);
    }
    for file in ["tms-portal.1", "tms-portal-serve.1", "tms-portal-tenant-set.1", "tms-portal.bash", "tms-portal.fish", "_tms-portal"] {
        assert!(deployment.path().join("docs").join(file).exists(), "{file}");
    }
}

#[test]
fn settings_of_the_packages_are_valid() {
    let deployment = Deployment::empty();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/etc/portal.toml");
    let text = std::fs::read_to_string(&file).expect("a text");
    // The browser's half may not be built.
    let check = |file: &Path| {
        let mut command = deployment.command(&["check", "--config"]);
        super::CommandOutput::from(command.arg(file).env("LEPTOS_HASH_FILES", "false").env_remove("TMS_DATABASE").output().expect("run"))
    };
    let said = check(&file);
    assert!(said.code == Some(0) && said.out.contains("data        /var/lib/tms-portal\n"), "{} {}", said.out, said.err);
    // Those that are commented out are valid too; the certificate of the database is not read.
    let all =
        text.replace("\n# public-url", "\npublic-url").replace("\n# trusted-proxies", "\ntrusted-proxies").replace("\n# database", "\ndatabase");
    let file = deployment.path().join("portal.toml");
    std::fs::write(&file, &all).expect("written");
    let said = check(&file);
    assert!(all != text && said.code == Some(0) && said.out.contains("https://tms.example.org\n"), "{} {}", said.out, said.err);
}
