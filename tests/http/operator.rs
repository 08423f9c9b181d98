//! The operators' command line: the real program in a separate folder.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use tms_portal::server::storage::sql::{Connection, query, query_scalar};

use crate::app;
use crate::postgres;

mod activity;
mod backup;
mod certificates;
mod client;
mod database_copy;
mod disk_full;
mod doctor;
mod handbook;
mod idp;
mod import;
mod key_rotation;
mod metrics;
mod migrate;
mod packages;
mod personal_data;
mod progress;
mod refusals;
mod reload;
mod request_ids;
mod resource;
mod secrets;
mod settings;
mod start;
mod stop;
mod systemd;
mod tls;

/// The files of the keys, sorted.
const KEYS: [&str; 3] = ["codes.key", "secrets.key", "signing-key.pem"];

/// A folder with settings and the data of a first start.
struct Deployment(TempDir);

impl Deployment {
    /// Settings without data.
    fn empty() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let settings = "[package.metadata.leptos]\noutput-name = \"tms-portal\"\nsite-addr = \"127.0.0.1:0\"\n[portal]\ndata-dir = \"data\"\n";
        std::fs::write(dir.path().join("Leptos.toml"), settings).expect("written");
        Self(dir)
    }

    async fn set_up() -> Self {
        let deployment = Self::empty();
        std::fs::create_dir(deployment.path().join("data")).expect("a folder");
        app::copy_template(&deployment.path().join("data")).await;
        deployment
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(env!("CARGO_BIN_EXE_tms-portal"));
        command.args(arguments);
        command
    }

    /// Any program, in the folder of the deployment.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        let inherited = std::env::vars().filter(|(name, _)| name.starts_with("TMS_") || name.starts_with("LEPTOS_"));
        for (name, _) in inherited {
            command.env_remove(name);
        }
        command.current_dir(self.path()).stdin(Stdio::null()).envs(postgres::environment_of(&self.path().join("data")));
        command
    }

    fn run(&self, arguments: &[&str]) -> CommandOutput {
        CommandOutput::from(self.command(arguments).output().expect("run"))
    }
}

struct CommandOutput {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for CommandOutput {
    fn from(output: Output) -> Self {
        Self { code: output.status.code(), out: String::from_utf8_lossy(&output.stdout).into(), err: String::from_utf8_lossy(&output.stderr).into() }
    }
}

#[tokio::test]
async fn invisible_names_are_refused() {
    let deployment = Deployment::set_up().await;
    for name in ["Alice\u{202e}nimda", "\u{200b}\u{200c}", "TMS\u{200b}", "\u{2800}"] {
        for command in
            [&["person", "add", "--tenant", "test", "eve"][..], &["tenant", "set", "--tenant", "test"], &["idp", "set", "--tenant", "test", "campus"]]
        {
            let said = deployment.run(&[command, &["--display-name", name]].concat());
            assert!(said.code == Some(2) && said.err.contains("invisible"), "{command:?} {name:?}: {:?} {}", said.code, said.err);
        }
    }
    let said = deployment.run(&["person", "add", "--tenant", "test", "eve", "--display-name", "علی\u{200c}رضا"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
}

#[tokio::test]
async fn closed_stdout_is_not_an_error() {
    let deployment = Deployment::set_up().await;
    for words in [&["idp", "list", "--tenant", "test"][..], &["admin", "list", "--tenant", "test"], &["check"], &["--help"]] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let said = CommandOutput::from(
            deployment.command(words).stdout(writer).stderr(Stdio::piped()).spawn().expect("started").wait_with_output().expect("run"),
        );
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{words:?}");
    }
    let full = std::fs::File::options().write(true).open("/dev/full").expect("there");
    let said = CommandOutput::from(
        deployment
            .command(&["idp", "list", "--tenant", "test"])
            .stdout(full)
            .stderr(Stdio::piped())
            .spawn()
            .expect("started")
            .wait_with_output()
            .expect("run"),
    );
    assert!(said.code == Some(1) && said.err.contains("cannot write to standard output"), "{}", said.err);
}

#[test]
fn init_creates_missing_files_and_shows_secrets_once() {
    let deployment = Deployment::empty();
    let first = deployment.run(&["init", "--test-tenant"]);
    assert_eq!(first.code, Some(0), "{}", first.err);
    let secrets: Vec<&str> = first.out.lines().filter_map(|line| line.trim().strip_prefix("X-TMS-ADMIN-SECRET  ")).collect();
    assert_eq!(secrets.len(), 2, "{}", first.out);
    assert!(secrets.iter().all(|secret| secret.len() == 48) && secrets[0] != secrets[1], "192 bits each, and no default: {secrets:?}");
    let password = first.out.lines().find_map(|line| line.trim().strip_prefix("password  ")).expect("a password");

    let data = deployment.path().join("data");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&data).expect("there").permissions());
    assert_eq!(mode & 0o077, 0, "others can look into it");
    for entry in std::fs::read_dir(&data).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            let bytes = std::fs::read(&path).expect("read");
            for secret in secrets.iter().chain([&password]) {
                assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "a secret stands in {}", path.display());
            }
        }
    }

    let second = deployment.run(&["init", "--test-tenant"]);
    assert_eq!((second.code, second.out.as_str()), (Some(0), "Nothing to do: data is already set up.\n"));
}

#[tokio::test]
async fn check_prints_the_effective_settings() {
    let deployment = Deployment::empty();
    let good = deployment.run(&["check"]);
    assert_eq!(good.code, Some(0), "{}", good.err);
    assert!(good.out.starts_with("The settings are valid.\n") && good.out.contains("test tenant off"), "{}", good.out);
    assert!(!deployment.path().join("data").exists(), "it only looks");
}

#[tokio::test]
async fn all_invalid_settings_are_reported_together() {
    let deployment = Deployment::empty();
    let bad = deployment.run(&["check", "--test-tenant", "--listen", "0.0.0.0:80", "--public-url", "http://tms.example"]);
    assert_eq!(bad.code, Some(2));
    assert!(bad.err.contains("--test-tenant-anywhere") && bad.err.contains("--insecure-http"), "{}", bad.err);
    for arguments in [&["check", "--config", "missing.toml"][..], &["serve", "--public-url", "tms.example"], &["nonsense"], &[]] {
        let said = deployment.run(arguments);
        assert_eq!(said.code, Some(2), "{arguments:?}: {}", said.err);
        assert!(!said.err.contains("panicked") && said.out.is_empty(), "{arguments:?}: {}", said.err);
    }
}

#[tokio::test]
async fn only_given_policy_options_change() {
    let deployment = Deployment::set_up().await;
    let policy =
        "SELECT concat_ws(' ', display_name, CAST(enabled AS INTEGER), CAST(local_passwords AS INTEGER), CAST(prefill_user_code AS INTEGER), CAST(require_started_tick AS INTEGER))
         FROM tenants WHERE id = 'test'";
    assert_eq!(text(&deployment, policy).await, "Test 1 1 0 1");
    let said = deployment.run(&["tenant", "set", "--tenant", "test", "--display-name", "Our Centre", "--prefill-user-code", "true"]);
    assert_eq!((said.code, said.out.as_str()), (Some(0), "Tenant test has been changed.\n"), "{}", said.err);
    assert_eq!(text(&deployment, policy).await, "Our Centre 1 1 1 1");
    let said = deployment.run(&["tenant", "set", "--tenant", "test", "--local-passwords", "false", "--require-started-tick", "false"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(text(&deployment, policy).await, "Our Centre 1 0 1 0");
    let links = "SELECT concat_ws(' ', link_lifetime_ms, CAST(shared_host_accounts AS INTEGER), lowest_linked_uid) FROM tenants WHERE id = 'test'";
    assert_eq!(text(&deployment, links).await, "31536000000 0 1000");
    let set = ["tenant", "set", "--tenant", "test", "--link-days", "30", "--shared-host-accounts", "true", "--lowest-linked-uid", "500"];
    assert_eq!(deployment.run(&set).code, Some(0));
    assert_eq!(text(&deployment, links).await, "2592000000 1 500");
    for nonsense in [["--link-days", "0"], ["--link-days", "3651"], ["--lowest-linked-uid", "0"]] {
        assert_eq!(deployment.run(&[&["tenant", "set", "--tenant", "test"], &nonsense[..]].concat()).code, Some(2), "{nonsense:?}");
    }
    let help = "SELECT coalesce(help_contact, 'none') FROM tenants WHERE id = 'test'";
    for (contact, stored) in [("help@tacc.example", "help@tacc.example"), ("", "none"), (" +1 512 475-9411 ", "+1 512 475-9411")] {
        assert_eq!(deployment.run(&["tenant", "set", "--tenant", "test", "--help-contact", contact]).code, Some(0), "{contact}");
        assert_eq!(text(&deployment, help).await, stored);
    }
    let refused = deployment.run(&["tenant", "set", "--tenant", "test", "--help-contact", "http://help.example"]);
    assert!(refused.code == Some(2) && refused.err.contains("not a valid https URL"), "{}", refused.err);
    let unknown = deployment.run(&["tenant", "set", "--tenant", "nowhere", "--display-name", "x"]);
    assert_eq!((unknown.code, unknown.err.as_str()), (Some(1), "tms-portal: tenant nowhere does not exist\n"));
}

#[tokio::test]
async fn people_are_added_and_disabled() {
    let deployment = Deployment::set_up().await;
    let person = |verb: &str, user: &str| deployment.run(&["person", verb, "--tenant", "default", user]);
    let added = person("add", "dora");
    assert_eq!(added.code, Some(0), "{}", added.err);
    assert!(added.out.starts_with("The password of dora is ") && added.out.ends_with("It is not shown again.\n"), "{}", added.out);
    assert_eq!(person("add", "dora").err, "tms-portal: the tenant has a person of that name already\n");
    let renewed = person("password", "dora");
    assert!(renewed.code == Some(0) && renewed.out != added.out, "{}", renewed.out);
    let enabled = "SELECT concat(CAST(enabled AS INTEGER)) FROM people WHERE user_id = 'dora'";
    let (out, back) = ("dora has been disabled and can no longer sign in.\n", "dora has been enabled and can sign in again.\n");
    for (verb, state, said) in [("disable", "0", out), ("disable", "0", out), ("enable", "1", back)] {
        assert_eq!(person(verb, "dora").out, said);
        assert_eq!(text(&deployment, enabled).await, state);
    }
    let attempts = "INSERT INTO attempts (key, at)
                    VALUES ('password account default/dora', 1), ('code account default/dora', 1), ('password account default/dora2', 1)";
    sql(&deployment, attempts).await;
    assert_eq!(
        person("unlock", "dora").out,
        "The failed attempts at the account of dora no longer count. If sign-in is still refused, the limit per network address applies; it ends after 10 minutes.\n"
    );
    assert_eq!(text(&deployment, "SELECT key FROM attempts").await, "password account default/dora2");
    let unlocked = "SELECT concat(kind, ' ', user_id, ' ', admin_id) FROM activity ORDER BY id DESC LIMIT 1";
    assert_eq!(text(&deployment, unlocked).await, "person_changed dora operator:");
    for verb in ["password", "disable", "enable", "unlock"] {
        let unknown = person(verb, "nobody");
        assert_eq!((unknown.code, unknown.err.as_str()), (Some(1), "tms-portal: the tenant has no person of that name\n"), "{verb}");
    }
    let email = |arguments: &[&str]| deployment.run(&[&["person", "email", "--tenant", "default"], arguments].concat());
    assert_eq!(email(&["dora", "dora@example.org"]).out, "Notifications of dora are sent to dora@example.org.\n");
    assert!(person("show", "dora").out.contains("e-mail  dora@example.org"));
    assert_eq!(email(&["dora", "--remove"]).out, "The e-mail address of dora has been removed.\n");
    for bad in [&["dora"][..], &["dora", "x@y\nBcc: z@y"], &["dora", "dora@example.org", "--remove"]] {
        assert_eq!(email(bad).code, Some(2), "{bad:?}");
    }
    let nowhere = deployment.run(&["person", "add", "--tenant", "nowhere", "dora"]);
    assert_eq!((nowhere.code, nowhere.err.as_str()), (Some(1), "tms-portal: tenant nowhere does not exist\n"));
    let bad = deployment.run(&["person", "add", "--tenant", "default", "do ra"]);
    assert!(bad.code == Some(2) && bad.err.contains("do ra"), "{}", bad.err);
}

/// The sorted names in a folder; none if it does not exist.
pub(crate) fn files(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).map(|entries| entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into()).collect());
    let mut names: Vec<String> = entries.unwrap_or_default();
    names.sort();
    names
}

async fn connect(deployment: &Deployment) -> Connection {
    let database = postgres::database_of(&deployment.path().join("data"));
    database.connect().await.expect("the database").acquire().await.expect("a connection")
}

async fn text(deployment: &Deployment, query: &'static str) -> String {
    query_scalar(query).fetch_one(&mut connect(deployment).await).await.expect(query)
}

async fn sql(deployment: &Deployment, statement: &'static str) {
    query(statement).execute(&mut connect(deployment).await).await.expect(statement);
}

mod serve {
    //! `tms-portal serve`: starting and stopping.

    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::{SocketAddr, TcpStream};
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

    use super::Deployment;

    pub struct Server {
        pub child: Child,
        pub address: SocketAddr,
        /// Its output at the start.
        pub said: String,
    }

    impl Drop for Server {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    /// Stops a process with SIGSTOP, and waits until it has stopped; SIGCONT continues it.
    pub fn suspend(child: &Child) {
        let pid = Pid::from_child(child);
        kill_process(pid, Signal::STOP).expect("sent");
        let (_, status) = waitpid(Some(pid), WaitOptions::UNTRACED).expect("waited").expect("a status");
        assert!(status.stopped(), "{status:?}");
    }

    impl Server {
        fn start(deployment: &Deployment) -> Self {
            Self::start_with(deployment, &[])
        }

        pub fn start_with(deployment: &Deployment, arguments: &[&str]) -> Self {
            let arguments = [&["serve", "--test-tenant"], arguments].concat();
            Self::spawn(deployment.command(&arguments).stderr(Stdio::null()))
        }

        /// Starts the command `serve`, and waits until it listens.
        pub fn spawn(command: &mut Command) -> Self {
            let mut child = command.stdout(Stdio::piped()).spawn().expect("started");
            let lines = BufReader::new(child.stdout.take().expect("its output")).lines().map_while(Result::ok);
            let said: Vec<String> = lines.take_while(|line| !line.starts_with("Stop with")).collect();
            let address = said.iter().find_map(|line| line.split_once("(listening on ")?.1.split(',').next()?.parse().ok());
            Self { child, address: address.expect("it says where it listens"), said: said.join("\n") }
        }

        pub fn url(&self) -> String {
            format!("http://{}", self.address)
        }

        pub fn connect(&self) -> TcpStream {
            let connection = TcpStream::connect(self.address).expect("connected");
            connection.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
            connection
        }

        pub fn signal(&self, name: &str) {
            let done = std::process::Command::new("kill").args([name, &self.child.id().to_string()]).status().expect("kill");
            assert!(done.success());
        }

        /// Waits until no connection is accepted.
        fn wait_until_closed(&self) {
            let patience = Instant::now() + Duration::from_secs(5);
            while TcpStream::connect(self.address).is_ok() {
                assert!(Instant::now() < patience, "it still takes connections");
                std::thread::yield_now();
            }
        }
    }

    #[tokio::test]
    async fn shutdown_finishes_running_requests() {
        let deployment = Deployment::set_up().await;
        let mut server = Server::start(&deployment);
        let mut connection = server.connect();
        let body = "client_id=tms-cli";
        let head = format!(
            "POST /t/test/oauth/device_authorization HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\nExpect: 100-continue\r\n\r\n",
            server.address,
            body.len()
        );
        connection.write_all(head.as_bytes()).expect("sent");
        let mut go_on = [0; 25];
        connection.read_exact(&mut go_on).expect("it reads the body: the request is under way");
        assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");

        server.signal("-TERM");
        server.wait_until_closed();
        connection.write_all(body.as_bytes()).expect("sent");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("an answer, then the end");
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("\"user_code\""), "{answer}");
        assert_eq!(server.child.wait().expect("ended").code(), Some(0));
        let left = super::text(&deployment, "SELECT concat(count(*)) FROM device_grants").await;
        assert_eq!(left, "1", "what was answered is kept");
    }

    /// Connections that the portal has not accepted when it is told to stop, while no other is open.
    #[tokio::test]
    async fn shutdown_answers_connections_that_wait_to_be_accepted() {
        let deployment = Deployment::set_up().await;
        for _ in 0..4 {
            let mut server = Server::start(&deployment);
            suspend(&server.child);
            let waiting = [(); 20].map(|()| {
                let mut connection = server.connect();
                connection.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
                connection
            });
            server.signal("-TERM");
            server.signal("-CONT");
            for mut connection in waiting {
                let mut answer = String::new();
                connection.read_to_string(&mut answer).expect("an answer, then the end");
                assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
            }
            assert_eq!(server.child.wait().expect("ended").code(), Some(0));
        }
    }

    #[tokio::test]
    async fn idle_connections_do_not_delay_shutdown() {
        let deployment = Deployment::set_up().await;
        let mut server = Server::start(&deployment);
        // Connections are accepted in their order, so that the response shows that both were.
        let (_silent, mut idle) = (server.connect(), server.connect());
        idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
        let mut first = [0; 15];
        idle.read_exact(&mut first).expect("an answer");
        assert_eq!(&first, b"HTTP/1.1 200 OK");
        let asked = Instant::now();
        server.signal("-INT");
        assert_eq!(server.child.wait().expect("ended").code(), Some(0));
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    }

    #[tokio::test]
    async fn restart_after_kill_keeps_acknowledged_data() {
        let deployment = Deployment::set_up().await;
        let mut server = Server::start(&deployment);
        let http = reqwest::Client::new();
        let form = [("client_id", "tms-cli")];
        let url = format!("http://{}/t/test/oauth/device_authorization", server.address);
        assert_eq!(http.post(url).form(&form).send().await.expect("an answer").status(), 200);
        server.child.kill().expect("killed");
        server.child.wait().expect("ended");
        let again = Server::start(&deployment);
        assert_eq!(http.get(format!("http://{}/readyz", again.address)).send().await.expect("an answer").status(), 200);
        assert_eq!(super::text(&deployment, "SELECT concat(count(*)) FROM device_grants").await, "1");
    }

    #[tokio::test]
    async fn address_in_use_is_reported() {
        let deployment = Deployment::set_up().await;
        let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = taken.local_addr().expect("its address").to_string();
        let said = deployment.run(&["serve", "--listen", &address]);
        assert_eq!(said.code, Some(1));
        assert!(said.err.contains(&format!("cannot listen on {address}")), "{}", said.err);
    }
}
