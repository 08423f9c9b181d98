//! `tms login`, then `tms ssh`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use reqwest::Method;
use serde_json::{Value, json};
use tms_portal::domain::refused_lookup::RefusalReason;

use crate::browser::{Browser, Page, en};
use crate::environment::find;
use crate::fixture::{Fixture, KEY_DENIED, print_note};
use crate::host::{self, Key};
use crate::portal::PASSWORD;

/// A user's machine.
struct Machine<'a> {
    fixture: &'a Fixture,
    state: PathBuf,
}

impl Machine<'_> {
    fn tms(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tms"));
        let ssh = find("ssh").expect("ssh");
        command.args(words).env_clear().env("TMS_CONFIG_DIR", &self.state);
        command.env("PATH", ssh.parent().expect("its folder")).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Signs in, including the browser.
    async fn sign_in(&self) {
        let mut login: Child = self.tms(&["--json", "login", "--server", &self.fixture.portal.url, "--tenant", "test"]).spawn().expect("tms");
        let mut out = BufReader::new(login.stdout.take().expect("its output"));
        let mut line = String::new();
        out.read_line(&mut line).expect("a line");
        let event: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no event: {line}"));
        let browser = Browser::new(&self.fixture.portal.url);
        assert_eq!(browser.sign_in("test", "testuser1", PASSWORD).await.status, 200);
        let consent = browser.enter(event["user_code"].as_str().expect("a code")).await;
        let result = allow_everything(&browser, &consent).await;
        assert!(result.says(en().result_connected()), "{}", result.text);
        line.clear();
        out.read_line(&mut line).expect("a line");
        assert!(line.contains("signed_in"), "{line}");
        assert!(login.wait().expect("ended").success());
    }

    /// `tms ssh ACCOUNT@HOST -- … id -un`
    fn ssh(&self) -> host::Login {
        let host = &self.fixture.host;
        let destination = format!("{}@{}", host.environment.account, host::NAME);
        let mut command = self.tms(&["ssh", &destination, "--"]);
        command.args(host.ssh_options()).args(["id", "-un"]);
        host.watch(&host.environment.account, || command.output().expect("tms"))
    }

    fn run(&self, words: &[&str]) -> Output {
        let output = self.tms(words).output().expect("tms");
        assert!(output.status.success(), "{words:?}: {output:?}");
        output
    }

    /// A copy of the key of `tms ssh`, which deletes its own when the key is revoked.
    fn key(&self, copy: &str) -> Key {
        let (kept, file) = (find_file(&self.state, "id_ed25519").expect("a key"), self.fixture.host.path(copy));
        std::fs::copy(kept, &file).expect("copied");
        Key { fingerprint: host::fingerprint(&file), file }
    }
}

/// Allows with the preselected choices.
async fn allow_everything(browser: &Browser, consent: &Page) -> Page {
    let (grant, lifetime) = (consent.field("grant"), consent.field("lifetime"));
    let mut form = vec![("grant", grant.as_str()), ("decision", "allow"), ("lifetime", lifetime.as_str()), ("started_this", "yes")];
    let checkboxes = consent.text.split('<').filter(|tag| tag.contains("name=\"host_accounts[]\""));
    form.extend(checkboxes.filter_map(|tag| Some(("host_accounts[]", tag.split_once("value=\"")?.1.split('"').next()?))));
    browser.post("/api/device/decide", &form).await
}

fn find_file(folder: &Path, name: &str) -> Option<PathBuf> {
    std::fs::read_dir(folder).ok()?.flatten().find_map(|entry| {
        let path = entry.path();
        if path.is_dir() { find_file(&path, name) } else { (entry.file_name() == name).then_some(path) }
    })
}

#[tokio::test]
async fn tms_ssh_logs_in_until_sign_out() {
    let Some(fixture) = Fixture::start().await else { return };
    fixture.link("testuser1", &fixture.host.environment.account).await;
    let machine = Machine { fixture: &fixture, state: fixture.host.path("state") };
    machine.sign_in().await;

    let first = machine.ssh();
    first.assert_logged_in();
    assert!(first.err.contains("Created a key"), "{first:#?}");
    print_note(format!("tms ssh: {:?} with a new key, {} lookups", first.took, first.lookups.len()));
    let again = machine.ssh();
    again.assert_logged_in();
    print_note(format!("tms ssh: {:?} with the same key", again.took));
    assert!(!again.err.contains("Created a key"), "{again:#?}");

    // A revoked key is replaced.
    let key = machine.key("first");
    fixture.host.log_in(&key).assert_logged_in();
    machine.run(&["keys", "revoke", &key.fingerprint]);
    fixture.host.log_in(&key).assert_refused(KEY_DENIED);
    let replaced = machine.ssh();
    replaced.assert_logged_in();
    assert!(replaced.err.contains("Created a key"), "{replaced:#?}");

    // Revoking a device's access revokes its keys.
    let key = machine.key("second");
    fixture.host.log_in(&key).assert_logged_in();
    machine.run(&["logout"]);
    fixture.host.log_in(&key).assert_refused(KEY_DENIED);
    assert_eq!(machine.ssh().code, Some(3), "sign in first");
}

#[tokio::test]
async fn tms_ssh_tells_why_a_login_was_refused() {
    let Some(fixture) = Fixture::start().await else { return };
    let account = fixture.host.environment.account.clone();
    fixture.link("testuser1", &account).await;
    let machine = Machine { fixture: &fixture, state: fixture.host.path("state") };
    machine.sign_in().await;
    machine.ssh().assert_logged_in();

    let mfa = |on: bool| json!({ "tenant": "test", "tms_user_id": "testuser1", "enabled": on });
    fixture.admin(Method::PATCH, "/v1/tms/usermfa/upd", mfa(false)).await.assert_changed_one();
    let refused = machine.ssh();
    let reason = RefusalReason::MfaDisabled.to_string();
    assert_eq!(refused.code, Some(255), "{refused:#?}");
    assert!(refused.err.contains(&format!("tms: the portal refused the key for {account}@{}: {reason}", host::NAME)), "{refused:#?}");
    print_note(format!("tms ssh: {:?} with the reason", refused.took));

    let listed = machine.run(&["--json", "ssh", "--why", host::NAME]);
    let listed: Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    assert_eq!((&listed["num_refusals"], &listed["refusals"][0]["reason"]), (&json!(1), &json!("mfa_disabled")), "{listed}");

    fixture.admin(Method::PATCH, "/v1/tms/usermfa/upd", mfa(true)).await.assert_changed_one();
    let again = machine.ssh();
    again.assert_logged_in();
    assert!(!again.err.contains("refused"), "{again:#?}");
}
