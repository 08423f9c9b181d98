//! The real portal: the program itself on loopback, with its own data, for tests that need a complete portal.

use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use reqwest::{Client, Method};
use serde_json::Value;
use tempfile::TempDir;
use tms_portal::server::storage::Database;
use tms_portal::server::storage::sql::Connection;

/// The test person's password.
pub const PASSWORD: &str = "correct horse battery staple";

pub struct Portal {
    /// Its URL, which restarts do not change.
    pub url: String,
    port: u16,
    /// `None` while it does not run.
    child: Option<Child>,
    http: Client,
    folder: TempDir,
}

/// A client of the tenant `test`, with its secret.
#[derive(Clone)]
pub struct Gateway {
    pub id: String,
    pub secret: String,
}

impl Gateway {
    /// The client of the test data.
    pub fn from_test_data() -> Self {
        Self { id: "testclient1".into(), secret: "secret1".into() }
    }

    /// Adds this client's authentication to a request of the tenant `test`.
    pub fn sign(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        request.header("x-tms-tenant", "test").header("x-tms-client-id", &self.id).header("x-tms-client-secret", &self.secret)
    }
}

impl Portal {
    /// Starts it with the tenant `test` and the test data.
    pub fn start() -> Self {
        let mut portal = Self::unstarted();
        first_start().put_into(&portal.folder.path().join("data"));
        portal.resume();
        portal
    }

    /// Not started, and without data.
    pub fn unstarted() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = "[package.metadata.leptos]\noutput-name = \"tms-portal\"\n[portal]\ndata-dir = \"data\"\n[portal.limits]\n\
                        device-requests = 1000000\noauth-requests = 1000000\nwrong-secrets = 1000000\nwrong-refresh-tokens = 1000000\npages = 1000000\n";
        fs::write(folder.path().join("Leptos.toml"), settings).expect("written");
        let port = free_port();
        // A portal that was stopped closes idle connections, so none are kept.
        let http = Client::builder().no_proxy().pool_max_idle_per_host(0).build().expect("a client");
        Self { url: format!("http://127.0.0.1:{port}"), port, child: None, http, folder }
    }

    /// A new deployment with the tenant `test` on an empty PostgreSQL database; not started.
    pub fn on_database(url: &str) -> Self {
        let portal = Self::unstarted();
        portal.use_database(url);
        portal.operate(&["init", "--test-tenant"]);
        portal
    }

    /// Another portal of the same deployment, with its keys; not started. It may reach the database by another URL.
    pub fn beside(&self, url: &str) -> Self {
        let portal = Self::unstarted();
        portal.use_database(url);
        let (mut files, data) = (Vec::new(), self.folder.path().join("data"));
        read_into(&mut files, &data, Path::new(""));
        FirstStart { files, admin_secrets: [String::new(), String::new()] }.put_into(&portal.folder.path().join("data"));
        portal
    }

    fn use_database(&self, url: &str) {
        let file = self.folder.path().join("Leptos.toml");
        let settings = fs::read_to_string(&file).expect("settings").replace("[portal]\n", &format!("[portal]\ndatabase = \"{url}\"\n"));
        fs::write(file, settings).expect("written");
    }

    /// Starts it, or restarts it with the same data and URL, and waits until it listens.
    pub fn resume(&mut self) {
        let out = self.spawn();
        let listens = BufReader::new(out).lines().map_while(Result::ok).any(|line| line.starts_with("Stop with"));
        assert!(listens, "the portal does not start: {}", self.log());
    }

    /// Starts it without waiting.
    pub fn spawn(&mut self) -> std::process::ChildStdout {
        let listen = format!("127.0.0.1:{}", self.port);
        let log = File::options().append(true).create(true).open(self.folder.path().join("log")).expect("a file");
        let mut command = self.command(&["serve", "--test-tenant", "--listen", &listen]);
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().expect("started");
        let out = child.stdout.take().expect("its output");
        self.child = Some(child);
        out
    }

    /// `tms-portal` with these arguments, in the portal's folder.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = program(self.folder.path());
        command.args(words);
        command
    }

    /// Runs an operator's command.
    pub fn operate(&self, words: &[&str]) -> Output {
        let output = self.command(words).output().expect("run");
        assert!(output.status.success(), "{words:?}: {output:?}");
        output
    }

    /// Stops it and waits until it has ended.
    pub fn stop(&mut self) {
        self.signal("-TERM");
        let status = self.child.take().expect("it runs").wait().expect("ended");
        assert!(status.success(), "{status}: {}", self.log());
    }

    /// `kill -9`
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Sends a signal to this process only.
    pub fn signal(&self, name: &str) {
        let id = self.child.as_ref().expect("it runs").id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().expect("kill").success());
    }

    /// Sends a request as the tenant's first administrator.
    pub async fn admin(&self, tenant: &str, method: Method, path: &str, body: Value) -> Answer {
        let secret = first_start().admin_secret(tenant);
        let request = self.http.request(method, format!("{}{path}", self.url));
        Answer::of(request.header("x-tms-tenant", tenant).header("x-tms-admin-id", "~~admin").header("x-tms-admin-secret", secret).json(&body)).await
    }

    /// Sends a request as a client of the tenant `test`.
    pub async fn client(&self, client: &Gateway, method: Method, path: &str, body: Value) -> Answer {
        Answer::of(client.sign(self.http.request(method, format!("{}{path}", self.url))).json(&body)).await
    }

    /// Opens the SQLite database directly.
    pub async fn database(&self) -> Connection {
        let file = Database::File(self.folder.path().join("data/tms-portal.db"));
        file.connect().await.expect("the database").acquire().await.expect("a connection")
    }

    /// Whether its folder has such a file.
    pub fn has(&self, name: &str) -> bool {
        self.folder.path().join(name).exists()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Portal {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A response of the TMS API.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    async fn of(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.expect("an answer");
        Self { status: response.status().as_u16(), body: response.json().await.expect("JSON") }
    }

    /// The body; panics if the status differs.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// Asserts 200 and that exactly one row was changed or deleted.
    #[track_caller]
    pub fn assert_changed_one(self) {
        let body = self.expect(200);
        let count = body.get("fields_updated").or(body.get("num_deleted"));
        assert_eq!(count, Some(&Value::from(1)), "{body}");
    }
}

/// A data directory after the first start, created once per run: keys and passwords are slow to create.
struct FirstStart {
    files: Vec<(PathBuf, u32, Vec<u8>)>,
    /// Of the tenants `default` and `test`.
    admin_secrets: [String; 2],
}

fn first_start() -> &'static FirstStart {
    static FIRST_START: OnceLock<FirstStart> = OnceLock::new();
    FIRST_START.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("Leptos.toml"), "[package.metadata.leptos]\noutput-name = \"tms-portal\"\n").expect("written");
        let output = program(folder.path()).args(["init", "--test-tenant", "--data-dir", "data"]).output().expect("run");
        let said = String::from_utf8(output.stdout).expect("text");
        assert!(output.status.success(), "{said} {}", String::from_utf8_lossy(&output.stderr));
        let secret = |tenant: &str| {
            let (_, after) = said.split_once(&format!("Administrator of tenant {tenant},")).expect("the tenant's admin");
            let (_, after) = after.split_once("X-TMS-ADMIN-SECRET").expect("a secret");
            after.split_whitespace().next().expect("a secret").to_owned()
        };
        let mut files = Vec::new();
        read_into(&mut files, &folder.path().join("data"), Path::new(""));
        FirstStart { files, admin_secrets: [secret("default"), secret("test")] }
    })
}

impl FirstStart {
    fn admin_secret(&self, tenant: &str) -> &str {
        let [default, test] = &self.admin_secrets;
        if tenant == "default" { default } else { test }
    }

    fn put_into(&self, folder: &Path) {
        for (name, mode, bytes) in &self.files {
            let file = folder.join(name);
            fs::create_dir_all(file.parent().expect("a folder")).expect("made");
            fs::write(&file, bytes).expect("written");
            fs::set_permissions(file, Permissions::from_mode(*mode)).expect("set");
        }
        fs::set_permissions(folder, Permissions::from_mode(0o700)).expect("set");
    }
}

fn read_into(files: &mut Vec<(PathBuf, u32, Vec<u8>)>, top: &Path, below: &Path) {
    for entry in fs::read_dir(top.join(below)).expect("a folder") {
        let entry = entry.expect("an entry");
        let name = below.join(entry.file_name());
        let metadata = entry.metadata().expect("metadata");
        if metadata.is_dir() {
            read_into(files, top, &name);
        } else {
            files.push((name, metadata.permissions().mode(), fs::read(entry.path()).expect("read")));
        }
    }
}

/// The program without this environment's settings.
fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tms-portal"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TMS_") || name.starts_with("LEPTOS_")) {
        command.env_remove(name);
    }
    command.env("TMS_TEST_PASSWORD", PASSWORD).current_dir(folder).stdin(Stdio::null());
    command
}

/// A port below the ephemeral range, so that no other process gets it. Each is returned once per process.
pub fn free_port() -> u16 {
    const LOWEST: u32 = 20_000;
    const HOW_MANY: u32 = 12_000;
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id().wrapping_mul(97);
    loop {
        let next = GIVEN.fetch_add(1, Ordering::Relaxed);
        assert!(next < HOW_MANY, "no port is free");
        let port = LOWEST + first.wrapping_add(next) % HOW_MANY;
        let port = u16::try_from(port).expect("a port");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
