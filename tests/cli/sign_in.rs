//! `tms` with the real portal, from `tms login` to `tms logout`.

mod renewal;
mod through_browser;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Stdio};

use reqwest::Method;
use serde_json::{Value, json};

use crate::browser::{Browser, en};
use crate::machine::{Machine, Run};
use crate::real_portal::{Gateway, PASSWORD, Portal};

const OWN_KEY: &str = "UPDATE pubkeys SET client_id = NULL WHERE client_id = 'testclient1'";

/// A `tms login` that waits for the decision in the browser.
struct Login {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
    user_code: String,
}

impl Login {
    fn begin(machine: &Machine, words: &[&str]) -> Self {
        let mut child = machine.command(&[&["--json", "login"], words].concat()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let event: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no event: {line}"));
        Self { child, out, user_code: event["user_code"].as_str().unwrap_or_else(|| panic!("no code: {event}")).to_owned() }
    }

    fn end(mut self) -> (Option<i32>, Value) {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        (self.child.wait().unwrap().code(), serde_json::from_str(&line).unwrap())
    }
}

async fn browser(portal: &Portal) -> Browser {
    let browser = Browser::new(&portal.url);
    assert_eq!(browser.sign_in("test", "testuser1", PASSWORD).await.status, 200);
    browser
}

async fn sign_in(portal: &Portal, machine: &Machine, words: &[&str]) -> Value {
    let login = Login::begin(machine, words);
    let browser = browser(portal).await;
    let result = browser.allow(&browser.enter(&login.user_code).await).await;
    assert!(result.says(en().result_connected()), "{}", result.text);
    let (code, event) = login.end();
    assert_eq!((code, &event["event"]), (Some(0), &json!("signed_in")), "{event}");
    event
}

/// The portal's keys, as the test client's administrator lists them.
async fn keys(portal: &Portal) -> Vec<Value> {
    let list = portal.admin("test", Method::GET, "/v1/tms/pubkeys/list", Value::Null).await.expect(200);
    list["pubkeys"].as_array().unwrap().clone()
}

fn private_keys(machine: &Machine) -> usize {
    machine.state_files().iter().filter(|path| path.ends_with("id_ed25519")).count()
}

#[tokio::test]
async fn every_command_works_with_the_real_portal() {
    let (portal, machine) = (Portal::start(), Machine::new());
    // The tenant's issuer is enough.
    let event = sign_in(&portal, &machine, &["--server", &format!("{}/t/test/", portal.url)]).await;
    assert_eq!((&event["tenant"], &event["tms_user_id"], &event["earlier_sign_in"]), (&json!("test"), &json!("testuser1"), &Value::Null));

    let me = machine.tms(&["whoami", "--json"]).json();
    assert_eq!((&me["tms_user_id"], &me["client_id"], &me["server"]), (&json!("testuser1"), &json!("tms-cli"), &json!(portal.url)));
    let hosts = machine.tms(&["hosts", "--json"]).json();
    assert_eq!((&hosts["num_hosts"], &hosts["num_unreadable"], &hosts["hosts"][0]["host"]), (&1.into(), &0.into(), &json!("testhost1")));
    assert_eq!(machine.tms(&["keys", "--json"]).json()["num_keys"], 0);

    // A key without a client, as after "Add a key" in the portal.
    let params = json!({ "client_user_id": "testuser1", "host": "testhost1", "host_account": "testhostaccount1", "num_uses": -1, "ttl_minutes": 60 });
    portal.client(&Gateway::from_test_data(), Method::POST, "/v1/tms/pubkeys/creds", params).await.expect(201);
    assert_eq!(tms_portal::server::storage::sql::query(OWN_KEY).execute(&mut portal.database().await).await.unwrap().rows_affected(), 1);
    let listed = machine.tms(&["keys", "--json"]).json();
    assert_eq!((&listed["num_keys"], &listed["num_unreadable"], &listed["keys"][0]["client_id"]), (&1.into(), &0.into(), &Value::Null));

    let first = machine.tms(&["ssh", "testhost1", "--", "hostname"]);
    assert!(first.code == Some(0) && first.err.starts_with("Created a key"), "{first:?}");
    let key = machine.ssh_arguments().unwrap()[1].clone();
    let again = machine.tms(&["ssh", "testhostaccount1@testhost1"]);
    assert_eq!((again.code, again.err.as_str(), &machine.ssh_arguments().unwrap()[1]), (Some(0), "", &key));

    // Revoking a key deletes its private half.
    let id = machine.tms(&["keys", "--json"]).json()["keys"][1]["id"].to_string();
    let revoked = machine.tms(&["keys", "revoke", &id]);
    assert_eq!((revoked.code, revoked.out.as_str()), (Some(0), "1 key revoked.\n"), "{revoked:?}");
    assert_eq!((Path::new(&key).exists(), keys(&portal).await.len()), (false, 1));

    assert_eq!(machine.tms(&["ssh", "testhost1"]).code, Some(0));
    let out = machine.tms(&["logout"]);
    let said = format!("Signed out of {}, tenant test. Its key on this machine was deleted.\n", portal.url);
    assert_eq!((out.code, out.out, out.err.as_str()), (Some(0), said, ""));
    assert_eq!((private_keys(&machine), keys(&portal).await.len()), (0, 1), "the person's own stays");
    assert_eq!(machine.tms(&["whoami"]).code, Some(3));
}

#[tokio::test]
async fn second_sign_in_revokes_the_first_and_its_keys() {
    let (portal, machine) = (Portal::start(), Machine::new());
    let place = ["--server", &portal.url, "--tenant", "test"];
    sign_in(&portal, &machine, &place).await;
    assert_eq!(machine.tms(&["ssh", "testhost1"]).code, Some(0));
    assert_eq!(keys(&portal).await.len(), 1);

    let event = sign_in(&portal, &machine, &place).await;
    assert_eq!(event["earlier_sign_in"], "ended");
    assert!(keys(&portal).await.is_empty());
    let live: i64 = tms_portal::server::storage::sql::query_scalar("SELECT count(*) FROM token_families WHERE ended_at IS NULL")
        .fetch_one(&mut portal.database().await)
        .await
        .unwrap();
    assert_eq!(live, 1);
    let run = machine.tms(&["ssh", "testhost1"]);
    assert!(run.code == Some(0) && run.err.starts_with("Created a key"), "{run:?}");
}

/// The state of an earlier `tms`, which did not revoke the sign-ins it replaced.
#[tokio::test]
async fn logout_revokes_keys_of_earlier_sign_ins() {
    let (portal, machine) = (Portal::start(), Machine::new());
    let place = ["--server", &portal.url, "--tenant", "test"];
    sign_in(&portal, &machine, &place).await;
    assert_eq!(machine.tms(&["ssh", "testhost1"]).code, Some(0));
    fs::remove_file(machine.path("state/credentials.json")).unwrap();
    sign_in(&portal, &machine, &place).await;
    assert_eq!(keys(&portal).await.len(), 1);
    assert_eq!(machine.tms(&["logout"]).code, Some(0));
    assert_eq!((private_keys(&machine), keys(&portal).await.len()), (0, 0));
}

#[tokio::test]
async fn logout_without_portal_lists_what_is_still_valid() {
    let (mut portal, machine) = (Portal::start(), Machine::new());
    sign_in(&portal, &machine, &["--server", &portal.url, "--tenant", "test"]).await;
    assert_eq!(machine.tms(&["ssh", "testhost1", "--ttl-minutes", "60"]).code, Some(0));
    let credentials = fs::read(machine.path("state/credentials.json")).unwrap();
    let token = serde_json::from_slice::<Value>(&credentials).unwrap()["sign_ins"][0]["access_token"].as_str().unwrap().to_owned();
    portal.stop();

    let run = machine.tms(&["logout"]);
    assert_eq!((run.code, run.out.as_str()), (Some(1), ""), "{run:?}");
    for said in [
        "did not revoke the sign-in",
        "the refresh token, until ",
        "the key for testhostaccount1 on testhost1, until ",
        &format!("{}/apps", portal.url),
    ] {
        assert!(run.err.contains(said), "{said}: {run:?}");
    }
    assert_eq!(private_keys(&machine), 0);
    assert!(!fs::read_to_string(machine.path("state/credentials.json")).unwrap().contains(&token));
    assert_eq!(machine.tms(&["logout"]).code, Some(0), "nothing is left to sign out of");
}

#[test]
fn login_to_tenant_without_sign_in_names_others() {
    let (portal, machine) = (Portal::start(), Machine::new());
    let issuer = format!("{}/t/nowhere", portal.url);
    // Without `--tenant` it is `default`, which has no sign-in method.
    for words in
        [&["login", "--server", &portal.url][..], &["login", "--server", &portal.url, "--tenant", "nowhere"], &["login", "--server", &issuer]]
    {
        let run = machine.tms(words);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.err.ends_with(&format!(" of {0}; they can to `test`: pass --server {0} --tenant test\n", portal.url)), "{run:?}");
    }
    let run = machine.tms(&["login", "--json", "--server", &portal.url]);
    assert_eq!((&run.json()["error"], &run.json()["tenants"]), (&json!("no_sign_in"), &json!(["test"])));

    let run = machine.tms(&["login", "--server", &format!("{}/t/test", portal.url), "--tenant", "default"]);
    assert_eq!(run.code, Some(2));
    assert!(run.err.contains("--server names the tenant `test`, and --tenant (or TMS_TENANT) names `default`"), "{run:?}");
}

#[tokio::test]
async fn denied_sign_in_is_reported() {
    let (portal, machine) = (Portal::start(), Machine::new());
    let login = Login::begin(&machine, &["--server", &portal.url, "--tenant", "test"]);
    let browser = browser(&portal).await;
    browser.deny(&browser.enter(&login.user_code).await).await;
    let (code, event) = login.end();
    assert_eq!((code, &event["error"], &event["message"]), (Some(4), &json!("access_denied"), &json!("Denied in the browser. Nothing was shared.")));
    assert_eq!(Run::of(machine.command(&["whoami", "--server", &portal.url, "--tenant", "test"]).output().unwrap()).code, Some(3));
}

/// `tms ssh HOST` on a terminal, which `script` provides.
struct Terminal {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
    seen: String,
}

impl Terminal {
    fn run(machine: &Machine, words: &str) -> Self {
        let tms = format!("stty cols 100 rows 40; exec '{}' {words}", env!("CARGO_BIN_EXE_tms"));
        let mut command = machine.command_of("script", &["--quiet", "--return", "--command", &tms, "/dev/null"]);
        let mut child = command.env("NO_COLOR", "1").env("TERM", "xterm").stdin(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out, seen: String::new() }
    }

    fn user_code(&mut self) -> String {
        let is_code = |line: &str| line.len() == 9 && line.split('-').map(str::len).eq([4, 4]);
        loop {
            let mut line = String::new();
            assert_ne!(self.out.read_line(&mut line).unwrap(), 0, "no code: {}", self.seen);
            self.seen.push_str(&line);
            if is_code(line.trim()) {
                return line.trim().to_owned();
            }
        }
    }

    fn end(mut self) -> (Option<i32>, String) {
        self.out.read_to_string(&mut self.seen).unwrap();
        (self.child.wait().unwrap().code(), self.seen)
    }
}

#[tokio::test]
async fn ssh_on_a_terminal_signs_in_if_needed() {
    let (portal, machine) = (Portal::start(), Machine::new());
    let words = format!("ssh testhost1 --server {} --tenant test", portal.url);
    let mut terminal = Terminal::run(&machine, &words);
    let code = terminal.user_code();
    let browser = browser(&portal).await;
    assert!(browser.allow(&browser.enter(&code).await).await.says(en().result_connected()));
    let (code, said) = terminal.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&format!("You are not signed in to {}, tenant test: sign in first.", portal.url)), "{said}");
    assert!(said.contains("as testuser1.") && said.contains("Created a key for testhostaccount1 on testhost1"), "{said}");
    assert_eq!(machine.ssh_arguments().unwrap().last().unwrap(), "testhost1");

    // The sign-in does not cover such a host account; a newer one may.
    let mut terminal = Terminal::run(&machine, "ssh elsewhere");
    let code = terminal.user_code();
    browser.deny(&browser.enter(&code).await).await;
    let (code, said) = terminal.end();
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("Your sign-in covers no host account on elsewhere; it covers testhostaccount1@testhost1: sign in again"), "{said}");
    assert_eq!(machine.tms(&["whoami"]).code, Some(0), "until there is a newer one, the older one holds");

    // Without a terminal.
    assert_eq!(machine.tms(&["ssh", "elsewhere"]).code, Some(1));
    assert_eq!(machine.tms(&["logout"]).code, Some(0));
    let run = machine.tms(&["ssh", "testhost1"]);
    assert!(run.code == Some(3) && run.err.contains("run `tms login`") && run.out.is_empty(), "{run:?}");
}

/// Administrators may remove scopes from `tms`.
#[tokio::test]
async fn missing_client_scope_does_not_suggest_login() {
    let (portal, machine) = (Portal::start(), Machine::new());
    let place = ["--server", &portal.url, "--tenant", "test"];
    sign_in(&portal, &machine, &place).await;
    portal.operate(&["client", "set", "--tenant", "test", "--scope", "hosts:read", "tms-cli"]);
    for words in [&["keys"][..], &["ssh", "testhost1"]] {
        let run = machine.tms(words);
        assert_eq!(run.code, Some(3), "{run:?}");
        assert!(run.err.contains("has reduced the permissions of this application") && !run.err.contains("tms login"), "{run:?}");
    }
    sign_in(&portal, &machine, &place).await;
    let run = machine.tms(&["ssh", "testhost1"]);
    assert!(run.code == Some(3) && run.err.contains("ask them to allow it, then sign in again"), "{run:?}");
}

#[tokio::test]
async fn logout_with_damaged_credentials_deletes_files() {
    let (portal, machine) = (Portal::start(), Machine::new());
    let place = ["--server", &portal.url, "--tenant", "test"];
    let file = machine.path("state/credentials.json");
    for damaged in [&b"{\"current\": "[..], b"", b"\xff\xfe"] {
        sign_in(&portal, &machine, &place).await;
        assert_eq!(machine.tms(&["ssh", "testhost1", "--ttl-minutes", "60"]).code, Some(0));
        fs::write(&file, damaged).unwrap();
        let run = machine.tms(&["whoami"]);
        assert!(run.code == Some(1) && run.err.contains("is damaged: sign in again, which replaces it, or sign out"), "{run:?}");

        let run = machine.tms(&["logout"]);
        assert_eq!((run.code, run.out.as_str()), (Some(1), ""), "{run:?}");
        let cause = format!("signed out on this machine only: no sign-in could be revoked: {} is damaged", file.display());
        for said in [
            cause.as_str(),
            "each stored token, until it expires",
            "the key for testhostaccount1 on testhost1, until ",
            &format!("{}/apps", portal.url),
        ] {
            assert!(run.err.contains(said), "{said}: {run:?}");
        }
        assert_eq!((private_keys(&machine), file.exists()), (0, false));
    }
    assert_eq!(machine.tms(&["logout", "--server", &portal.url]).code, Some(0), "nothing is left to sign out of");
}

#[tokio::test]
async fn login_replaces_damaged_credentials() {
    let (portal, machine) = (Portal::start(), Machine::new());
    fs::create_dir(machine.state()).unwrap();
    machine.write("state/credentials.json", "{\"sign_ins\": [{}]}", 0o600);
    let event = sign_in(&portal, &machine, &["--server", &portal.url, "--tenant", "test"]).await;
    assert_eq!(event["earlier_sign_in"], "unknown");
    assert_eq!(machine.tms(&["whoami"]).code, Some(0));
}
