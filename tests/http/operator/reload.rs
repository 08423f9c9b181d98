//! Signals and faults of a running portal, and its log.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use reqwest::Client;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use super::Deployment;
use super::certificates::{OPTIONS, params, write_certificate};
use super::serve::Server;
use super::tls::trusting;

/// A running portal with its log.
pub struct Logged {
    pub server: Server,
    log: Receiver<String>,
}

impl Logged {
    pub fn start(deployment: &Deployment, arguments: &[&str]) -> Self {
        Self::spawn(&mut deployment.command(&[&["serve", "--test-tenant"], arguments].concat()))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut server = Server::spawn(command.stderr(Stdio::piped()));
        let lines = BufReader::new(server.child.stderr.take().expect("its log")).lines().map_while(Result::ok);
        let (sender, log) = channel();
        std::thread::spawn(move || lines.for_each(|line| drop(sender.send(line))));
        Self { server, log }
    }

    /// The next line of the log with these words.
    pub fn wait_for(&self, words: &str) -> String {
        let patience = Instant::now() + Duration::from_secs(10);
        loop {
            let left = patience.saturating_duration_since(Instant::now());
            let line = self.log.recv_timeout(left).unwrap_or_else(|_| panic!("the log has no line with {words:?}"));
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Reloads; returns why nothing was.
    fn refused_reload(&self) -> String {
        self.server.signal("-HUP");
        let line = self.wait_for("Nothing was reloaded");
        assert!(line.contains("ERROR"), "{line}");
        line
    }

    fn reload(&self) {
        self.server.signal("-HUP");
        self.wait_for("Reloaded the settings");
    }
}

#[tokio::test]
async fn sighup_replaces_the_certificate() {
    let deployment = Deployment::set_up().await;
    let old = write_certificate(&deployment, &params());
    let portal = Logged::start(&deployment, &OPTIONS);
    let url = format!("https://{}/healthz", portal.server.address);
    let status = async |client: &Client| client.get(&url).send().await.map(|response| response.status().as_u16()).ok();
    let earlier = trusting(old.as_bytes());
    assert_eq!(status(&earlier).await, Some(200));

    let new = write_certificate(&deployment, &params());
    portal.reload();
    assert_eq!(status(&earlier).await, Some(200), "its connection stays open");
    assert_eq!(status(&trusting(old.as_bytes())).await, None, "a new connection has the new certificate");
    assert_eq!(status(&trusting(new.as_bytes())).await, Some(200));

    let [certificate, key] = ["cert.pem", "key.pem"].map(|file| deployment.path().join(file));
    let valid = [&certificate, &key].map(|file| fs::read(file).expect("read"));
    let expired = |deployment: &Deployment| {
        let mut params = params();
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
        write_certificate(deployment, &params);
    };
    let other_key = |_: &Deployment| fs::write(&key, rcgen::KeyPair::generate().expect("a key").serialize_pem()).expect("written");
    let cut_off = |_: &Deployment| fs::write(&certificate, "-----BEGIN CERTIFICATE-----\nAAAA").expect("written");
    let missing = |_: &Deployment| fs::remove_file(&key).expect("removed");
    let set_mode = |mode| fs::set_permissions(&key, Permissions::from_mode(mode)).expect("set");
    let exposed = |_: &Deployment| set_mode(0o644);
    type Change<'c> = &'c dyn Fn(&Deployment);
    let changes: [(Change, &str); 5] = [
        (&exposed, "key.pem can be accessed by all users"),
        (&expired, "expired on 1 January 2020"),
        (&other_key, "is not the key of"),
        (&cut_off, "there is no certificate in"),
        (&missing, "cannot read"),
    ];
    for (change, why) in changes {
        change(&deployment);
        let line = portal.refused_reload();
        assert!(line.contains(why), "{why}: {line}");
        assert_eq!(status(&trusting(new.as_bytes())).await, Some(200), "{why}");
        for (file, bytes) in [&certificate, &key].into_iter().zip(&valid) {
            fs::write(file, bytes).expect("written");
        }
        set_mode(0o640);
    }
    portal.reload();
    assert_eq!(status(&trusting(new.as_bytes())).await, Some(200));
}

#[tokio::test]
async fn sighup_changes_limits_and_trusted_proxies() {
    let deployment = Deployment::set_up().await;
    let file = deployment.path().join("Leptos.toml");
    let before = fs::read_to_string(&file).expect("read");
    let set = |added: &str| fs::write(&file, format!("{before}{added}")).expect("written");
    let portal = Logged::start(&deployment, &[]);
    let (client, url) = (Client::new(), format!("http://{}/t/test/oauth/device_authorization", portal.server.address));
    // Whether a request from this address is below the limit.
    let allowed = async |from: &str| client.post(&url).header("x-forwarded-for", from).send().await.expect("a response").status() != 429;
    assert!(allowed("192.0.2.1").await && allowed("192.0.2.2").await);

    set("[portal.limits]\noauth-requests = 1\n");
    portal.reload();
    assert!(allowed("192.0.2.1").await && !allowed("192.0.2.2").await, "both are from this machine");
    portal.reload();
    assert!(!allowed("192.0.2.1").await, "the limit is the same, and counting continues");

    let limit = "[portal.limits]\noauth-requests = 1\n";
    set(&format!("trusted-proxies = [\"127.0.0.0/8\"]\n{limit}"));
    portal.reload();
    assert!(allowed("192.0.2.1").await && allowed("192.0.2.2").await && !allowed("192.0.2.1").await);

    for (invalid, why) in [
        ("[portal.limits]\noauth-requests = 0\n", "nonzero"),
        ("trusted-proxies = [\"everywhere\"]\n[portal.limits]\noauth-requests = 100\n", "trusted-proxies"),
        ("public-url = \"tms.example\"\n[portal.limits]\noauth-requests = 100\n", "tms.example"),
        ("[portal", "Leptos.toml"),
    ] {
        set(invalid);
        let line = portal.refused_reload();
        assert!(line.contains(why), "{line}");
        assert!(!allowed("192.0.2.1").await && !allowed("192.0.2.2").await, "{invalid}: nothing has changed");
    }
}

#[tokio::test]
async fn changed_settings_that_need_a_restart_are_named() {
    let deployment = Deployment::set_up().await;
    let file = deployment.path().join("Leptos.toml");
    let before = fs::read_to_string(&file).expect("read");
    let portal = Logged::start(&deployment, &[]);
    fs::write(&file, format!("{before}public-url = \"http://127.0.0.1:1\"\n[portal.limits]\npages = 7\n[portal.providers]\nnetworks = []\n"))
        .expect("written");
    portal.server.signal("-HUP");
    let line = portal.wait_for("only after a restart");
    assert!(line.contains("WARN") && line.contains("settings=\"[portal.providers] networks, [portal] public-url\""), "{line}");
    portal.wait_for("Reloaded the settings");
}

#[tokio::test]
async fn too_many_open_files_are_reported_and_survived() {
    let deployment = Deployment::set_up().await;
    let portal = Logged::start(&deployment, &[]);
    let (pid, usual) = (Some(Pid::from_child(&portal.server.child)), getrlimit(Resource::Nofile));
    prlimit(pid, Resource::Nofile, Rlimit { current: Some(3), ..usual }).expect("set");
    let mut connections = [portal.server.connect(), portal.server.connect()];
    let line = portal.wait_for("Connections cannot be accepted");
    assert!(line.contains("WARN") && line.contains("open files"), "{line}");
    prlimit(pid, Resource::Nofile, usual).expect("set");
    for connection in &mut connections {
        connection.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
        let mut response = [0; 15];
        connection.read_exact(&mut response).expect("a response");
        assert_eq!(&response, b"HTTP/1.1 200 OK");
    }
    portal.server.signal("-TERM");
    let lines: Vec<String> = portal.log.iter().collect();
    assert!(!lines.iter().any(|line| line.contains("cannot be accepted")), "one line per minute: {lines:?}");
}

#[tokio::test]
async fn second_signal_does_not_wait_for_rsa_keys() {
    let deployment = Deployment::set_up().await;
    let mut portal = Logged::start(&deployment, &[]);
    let body = r#"{"client_user_id": "testuser1", "host": "testhost1", "host_account": "testhostaccount1", "num_uses": 1, "ttl_minutes": 60, "key_type": "rsa"}"#;
    let head = format!(
        "POST /v1/tms/pubkeys/creds HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-TMS-TENANT: test\r\nX-TMS-CLIENT-ID: testclient1\r\n\
         X-TMS-CLIENT-SECRET: secret1\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    );
    let mut connections = Vec::new();
    for _ in 0..8 {
        let mut connection = portal.server.connect();
        connection.write_all(head.as_bytes()).expect("sent");
        let mut go_on = [0; 25];
        connection.read_exact(&mut go_on).expect("it reads the body");
        assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
        connection.write_all(body.as_bytes()).expect("sent");
        connections.push(connection);
    }
    portal.server.signal("-TERM");
    portal.wait_for("Stopping; requests in progress may finish");
    let asked = Instant::now();
    portal.server.signal("-TERM");
    assert_eq!(portal.server.child.wait().expect("ended").code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn log_has_no_colours_and_an_empty_filter_is_the_usual_one() {
    let deployment = Deployment::set_up().await;
    for (filter, format) in [("", ""), ("info", "text"), ("tms_portal=info", "json")] {
        let mut command = deployment.command(&["serve", "--test-tenant"]);
        let portal = Logged::spawn(command.envs([("TMS_LOG", filter), ("TMS_LOG_FORMAT", format)]));
        portal.server.signal("-TERM");
        let line = portal.wait_for("Stopping; requests in progress may finish");
        assert!(!line.contains('\u{1b}') && line.contains("INFO") && line.starts_with('{') == (format == "json"), "{line:?}");
    }
}

#[test]
fn invalid_log_settings_are_refused() {
    let deployment = Deployment::empty();
    for (variable, value) in [("TMS_LOG", "inof"), ("TMS_LOG", "tms_portal=debgu"), ("TMS_LOG", ","), ("TMS_LOG_FORMAT", "jsno")] {
        for verb in [&["check"][..], &["serve"], &["admin", "list", "--tenant", "test"]] {
            let said = super::CommandOutput::from(deployment.command(verb).env(variable, value).output().expect("run"));
            let refused = said.code == Some(2) && said.err.contains(&format!("{variable}: "));
            assert!(refused && said.out.is_empty(), "{variable}={value} {verb:?}: {:?} {}", said.code, said.err);
        }
    }
}
