//! `tms link` with real accounts, a real socket, and the helper run as in docs/hosts.md.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Once;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::browser::{Browser, en};
use crate::environment::{OTHER_ACCOUNT, id};
use crate::fixture::{Fixture, PERSON};
use crate::host;
use crate::portal::PASSWORD;

/// A running helper with its socket.
struct Helper<'a> {
    fixture: &'a Fixture,
    socket: PathBuf,
    child: Child,
}

/// `None`, with the reason on stderr, if the tests cannot run as other accounts.
async fn fixture() -> Option<Fixture> {
    static SAID: Once = Once::new();
    let fixture = Fixture::start().await?;
    let why = match (fixture.host.environment.is_root(), id(&["-u", OTHER_ACCOUNT])) {
        (false, _) => "this is not root, and only root can be two people".to_owned(),
        (true, None) => format!("there is no account {OTHER_ACCOUNT}: run .make/sshd"),
        (true, Some(_)) => {
            fixture.add_host_credential().await;
            return Some(fixture);
        }
    };
    SAID.call_once(|| drop(writeln!(std::io::stderr(), "\n!!! SKIPPED: tests of `tms link`: {why}\n")));
    None
}

impl Fixture {
    /// Creates the host's credential.
    async fn add_host_credential(&self) {
        let request = json!({ "tenant": "test", "host": host::NAME });
        let made = self.admin(Method::POST, "/v1/tms/hosts/credential", request).await.expect(201);
        let credential = self.host.secret("credential", made["credential"].as_str().expect("a credential"));
        self.host.set(&format!("credential_file = \"{}\"", credential.display()));
    }

    /// The people to whom an account of the host is linked.
    async fn linked_to(&self, account: &str) -> Vec<String> {
        let list = self.admin(Method::GET, "/v1/tms/userhosts/list", Value::Null).await.expect(200);
        let links = list["users"].as_array().expect("links").clone();
        let of_account = links.into_iter().filter(|link| link["host"] == host::NAME && link["host_account"] == account);
        of_account.map(|link| link["tms_user_id"].as_str().expect("a person").to_owned()).collect()
    }

    async fn unlink(&self, account: &str) {
        let link = json!({ "tenant": "test", "tms_user_id": PERSON, "host": host::NAME, "host_account": account });
        self.admin(Method::DELETE, "/v1/tms/userhosts/del", link).await.assert_changed_one();
    }

    async fn signed_in(&self) -> Browser {
        let browser = Browser::new(&self.portal.url);
        assert_eq!(browser.sign_in("test", "testuser1", PASSWORD).await.status, 200);
        browser
    }
}

impl<'a> Helper<'a> {
    /// As root, with a socket that it creates.
    fn start(fixture: &'a Fixture) -> Self {
        let socket = fixture.host.settings_file().with_file_name("link.sock");
        let mut command = Command::new(&fixture.host.environment.program);
        command.arg("link").arg("--config").arg(fixture.host.settings_file()).arg("--socket").arg(&socket).stdin(Stdio::null());
        Self::run(fixture, socket, command)
    }

    /// As its own user, with a socket passed as systemd does: file descriptor 3, `LISTEN_PID` and `LISTEN_FDS`.
    fn start_with_passed_socket(fixture: &'a Fixture) -> Self {
        const HAND_OVER: &str = "exec 3<&0 </dev/null; export LISTEN_PID=$$ LISTEN_FDS=1; exec \"$0\" link --config \"$1\"";
        let socket = fixture.host.settings_file().with_file_name("link.sock");
        let listener = UnixListener::bind(&socket).expect("a socket");
        fs::set_permissions(&socket, Permissions::from_mode(0o666)).expect("set");
        let mut command = Command::new("sh");
        command.args(["-c", HAND_OVER]).arg(&fixture.host.environment.program).arg(fixture.host.settings_file());
        command.uid(fixture.host.environment.keycmd_uid.expect("root's")).stdin(Stdio::from(OwnedFd::from(listener)));
        Self::run(fixture, socket, command)
    }

    fn run(fixture: &'a Fixture, socket: PathBuf, mut command: Command) -> Self {
        let ready = || fixture.host.lookups().iter().filter(|line| line.contains("link: ready")).count();
        let before = ready();
        let mut child = command.stdout(Stdio::null()).spawn().expect("the helper");
        let patience = Instant::now() + Duration::from_secs(10);
        while ready() == before {
            assert!(child.try_wait().expect("its state").is_none() && Instant::now() < patience, "the helper does not start");
            std::thread::sleep(Duration::from_millis(5));
        }
        Self { fixture, socket, child }
    }

    /// `tms link`, run by that account.
    fn link_as(&self, account: &str) -> Linking {
        Self::linking(self.tms_as(account, &self.socket))
    }

    fn tms_as(&self, account: &str, socket: &Path) -> Command {
        let number = |what| id(&[what, account]).and_then(|number| number.parse().ok()).expect("an account");
        let mut command = Command::new(self.fixture.host.environment.tms().expect("root's"));
        command.args(["--json", "link", "--socket"]).arg(socket).env_clear().uid(number("-u")).gid(number("-g")).current_dir("/");
        command
    }

    fn linking(mut command: Command) -> Linking {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("tms");
        let out = BufReader::new(child.stdout.take().expect("its output"));
        Linking { child, out }
    }

    /// Waits for a line of the log.
    fn wait_for_log(&self, what: &str) {
        let patience = Instant::now() + Duration::from_secs(20);
        while !self.fixture.host.lookups().iter().any(|line| line.contains(what)) {
            assert!(Instant::now() < patience, "the helper does not say {what:?}: {:#?}", self.fixture.host.lookups());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Helper<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A running `tms link`.
struct Linking {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Linking {
    fn event(&mut self) -> Value {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("no event: {line:?}"))
    }

    fn code(&mut self) -> String {
        let event = self.event();
        assert_eq!(event["event"], "code", "{event}");
        event["user_code"].as_str().expect("a code").to_owned()
    }

    /// Its last event and exit code.
    fn end(mut self) -> (Value, Option<i32>) {
        (self.event(), self.child.wait().expect("ended").code())
    }
}

#[tokio::test]
async fn tms_link_links_the_current_account() {
    let Some(fixture) = fixture().await else { return };
    let account = fixture.host.environment.account.clone();
    let helper = Helper::start_with_passed_socket(&fixture);
    let (browser, mut codes) = (fixture.signed_in().await, Vec::new());
    for account in [account.as_str(), OTHER_ACCOUNT] {
        let uid = id(&["-u", account]).expect("an account");
        let mut linking = helper.link_as(account);
        let event = linking.event();
        assert_eq!((&event["account"], &event["host"]), (&json!(account), &json!(host::NAME)), "{event}");
        assert_eq!(event["verification_uri"], format!("{}/hosts/link", fixture.portal.url));
        let code = event["user_code"].as_str().expect("a code");
        codes.push(code.to_owned());
        let question = browser.enter_link(code).await;
        let words = question.words();
        assert!(
            words.contains(&format!("{} {account} {} {} {}", en().link_account(), en().link_number(&uid), en().link_host(), host::NAME)),
            "{words}"
        );
        if account == OTHER_ACCOUNT {
            assert!(browser.link(&question).await.tells(|x| en().link_linked(x, x, x)));
        } else {
            // An administrator has linked it to another person.
            assert!(words.contains(&en().link_refused_linked_to_another()), "{words}");
            fixture.unlink(account).await;
            assert!(browser.link(&question).await.tells(|x| en().link_linked(x, x, x)));
        }
        let (linked, code) = linking.end();
        assert_eq!((&linked["event"], &linked["tms_user_id"], code), (&json!("linked"), &json!("testuser1"), Some(0)), "{linked}");
        assert_eq!(fixture.linked_to(account).await, ["testuser1"]);
        helper.wait_for_log(&format!("link: uid={uid} account=\"{account}\": linked to \"testuser1\""));
    }
    let log = fixture.host.lookups().join("\n");
    assert!(!codes.iter().any(|code| log.contains(code)), "no code stands in the log: {log}");
}

#[tokio::test]
async fn refusal_or_newer_code_ends_the_wait() {
    let Some(fixture) = fixture().await else { return };
    let helper = Helper::start(&fixture);
    let browser = fixture.signed_in().await;
    let mut first = helper.link_as(OTHER_ACCOUNT);
    first.code();
    let mut second = helper.link_as(OTHER_ACCOUNT);
    let question = browser.enter_link(&second.code()).await;
    browser.refuse_link(&question).await;
    assert_eq!(
        second.end(),
        (json!({ "event": "error", "error": "access_denied", "message": "Refused in the browser. Nothing was linked." }), Some(4))
    );
    let (replaced, code) = first.end();
    assert_eq!((&replaced["error"], code), (&json!("expired_token"), Some(5)), "{replaced}");
    assert!(fixture.linked_to(OTHER_ACCOUNT).await.is_empty());

    // A caller that disconnects has its request cancelled, and the code becomes invalid.
    let mut third = helper.link_as(OTHER_ACCOUNT);
    let left = third.code();
    third.child.kill().expect("killed");
    third.child.wait().expect("ended");
    helper.wait_for_log("the client disconnected");
    let page = browser.enter_link(&left).await;
    assert!(page.words().contains(&en().code_refused_not_valid()), "{}", page.words());
}

#[tokio::test]
async fn root_and_system_accounts_are_refused() {
    let Some(fixture) = fixture().await else { return };
    let helper = Helper::start(&fixture);
    let keycmd = fixture.host.environment.keycmd_account.clone();
    for (account, why) in [("root", "the root account cannot be linked: run this as yourself"), (&keycmd, "this is a system account")] {
        let (said, code) = helper.link_as(account).end();
        assert_eq!((&said["error"], code), (&json!("not_linked"), Some(1)), "{said}");
        assert!(said["message"].as_str().is_some_and(|message| message.contains(why)), "{said}");
    }
    let links = fixture.admin(Method::GET, "/v1/tms/userhosts/list", Value::Null).await.expect(200);
    assert!(!links.to_string().contains(&keycmd), "{links}");
}

/// Errors of the host's settings are logged for its operators; transient errors are shown to the caller.
#[tokio::test]
async fn faults_of_host_or_portal_are_reported() {
    let Some(mut fixture) = fixture().await else { return };
    let settings = fs::read_to_string(fixture.host.settings_file()).expect("settings");
    {
        let helper = Helper::start(&fixture);
        // Settings are read again for each caller.
        fixture.host.set("");
        let (said, code) = helper.link_as(OTHER_ACCOUNT).end();
        assert_eq!(
            (&said["message"], code),
            (&json!("this host is not set up for linking; its operators find the reason in its log"), Some(1)),
            "{said}"
        );
        helper.wait_for_log("credential_file is not set");
        fs::write(fixture.host.settings_file(), settings).expect("written");
    }
    fixture.portal.stop();
    let helper = Helper::start(&fixture);
    let (said, code) = helper.link_as(OTHER_ACCOUNT).end();
    assert!(said["message"].as_str().is_some_and(|message| message.contains("is unreachable")) && code == Some(1), "{said}");
}

/// A key restricted to one command can still forward to sockets. Neither its user nor a forged message gets a code for any account.
#[tokio::test]
async fn forwarded_connections_cannot_request_links() {
    let Some(fixture) = fixture().await else { return };
    let helper = Helper::start(&fixture);
    let (host, account) = (&fixture.host, fixture.host.environment.account.clone());
    let tunnel = Tunnel::open(&fixture, &helper.socket);
    let forged = format!("{{\"user\":\"{OTHER_ACCOUNT}\",\"user_uid\":\"{}\"}}\n", id(&["-u", OTHER_ACCOUNT]).expect("an account"));
    // The greeting without an open file; a forged message; and nothing.
    for sent in ["tms link\n", &forged, ""] {
        let mut connection = UnixStream::connect(&tunnel.here).expect("connected");
        connection.write_all(sent.as_bytes()).expect("sent");
        let mut said = String::new();
        connection.read_to_string(&mut said).expect("hung up");
        assert!(said.starts_with("{\"event\":\"error\",\"error\":\"unexpected_input\"") && said.lines().count() == 1, "{sent:?}: {said}");
    }
    // `tms link` passes its file to ssh, which cannot forward it.
    let (said, code) = Helper::linking(helper.tms_as(&account, &tunnel.here)).end();
    assert!(said["error"] == "not_linked" && code == Some(1), "{said}");

    let number = id(&["-u", &account]).expect("an account");
    helper.wait_for_log(&format!("link: uid={number}: the client did not send the start message of `tms link`"));
    assert!(!host.lookups().iter().any(|line| line.contains(OTHER_ACCOUNT)));
    let count: i64 = tms_portal::server::storage::sql::query_scalar("SELECT count(*) FROM link_requests")
        .fetch_one(&mut fixture.portal.database().await)
        .await
        .expect("a number");
    assert_eq!(count, 0, "nothing was asked at the portal");
}

/// `ssh -N -L`, with a key that `authorized_keys` restricts to `/bin/false`.
struct Tunnel {
    here: PathBuf,
    ssh: Child,
}

impl Tunnel {
    fn open(fixture: &Fixture, there: &Path) -> Self {
        let (host, key) = (&fixture.host, fixture.host.unknown_key("one-command"));
        host.break_glass_with("command=\"/bin/false\"", &key);
        let here = there.with_file_name("forwarded.sock");
        let mut ssh = Command::new("ssh");
        ssh.args(host.ssh_options()).args(["-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "ExitOnForwardFailure=yes"]);
        // For all accounts of the machine that runs ssh.
        ssh.args(["-o", "StreamLocalBindMask=0111", "-N", "-L", &format!("{}:{}", here.display(), there.display()), "-i"]).arg(&key.file);
        ssh.arg(format!("{}@127.0.0.1", host.environment.account));
        let mut ssh = ssh.stdin(Stdio::null()).spawn().expect("ssh");
        let patience = Instant::now() + Duration::from_secs(20);
        while !here.exists() {
            assert!(ssh.try_wait().expect("its state").is_none() && Instant::now() < patience, "no way there");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { here, ssh }
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        let _ = self.ssh.kill();
        let _ = self.ssh.wait();
    }
}
