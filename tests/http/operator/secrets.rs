//! Secrets that are shown once, when the output does not work.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use super::serve::Server;
use super::{CommandOutput, Deployment};

impl Deployment {
    /// Runs a command whose output goes nowhere: to a full disk, or to a closed pipe.
    pub(super) fn run_into(&self, stdout: Stdio, words: &[&str]) -> CommandOutput {
        let child = self.command(words).stdout(stdout).stderr(Stdio::piped()).spawn().expect("started");
        CommandOutput::from(child.wait_with_output().expect("run"))
    }
}

pub(super) fn full_disk() -> Stdio {
    File::options().write(true).open("/dev/full").expect("there").into()
}

pub(super) fn closed_pipe() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

fn secrets(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.trim().strip_prefix("X-TMS-ADMIN-SECRET  ")).collect()
}

#[test]
fn nothing_is_set_up_if_the_secrets_cannot_be_shown() {
    let deployment = Deployment::empty();
    for stdout in [full_disk(), closed_pipe()] {
        let failed = deployment.run_into(stdout, &["init", "--test-tenant"]);
        assert_eq!(failed.code, Some(1), "{}", failed.err);
        assert!(failed.err.contains("cannot write the secrets to standard output") && failed.err.contains("nothing was set up"), "{}", failed.err);
    }
    let made = deployment.run(&["init", "--test-tenant"]);
    assert_eq!((made.code, secrets(&made.out).len()), (Some(0), 2), "{} {}", made.out, made.err);
}

#[test]
fn secrets_are_written_to_a_new_file_if_asked_to() {
    let deployment = Deployment::empty();
    let init = ["init", "--test-tenant", "--secrets-to", "secrets"];
    let file = deployment.path().join("secrets");
    fs::write(&file, "other").expect("written");
    let refused = deployment.run(&init);
    assert!(refused.code == Some(1) && refused.err.contains("secrets exists already"), "{}", refused.err);
    assert_eq!(fs::read_to_string(&file).expect("read"), "other");
    fs::remove_file(&file).expect("removed");
    let made = deployment.run(&init);
    assert_eq!(made.code, Some(0), "{}", made.err);
    assert_eq!(made.out, "The secrets of the first start are in secrets: store them like passwords, then delete the file.\n");
    let text = fs::read_to_string(&file).expect("read");
    assert!(secrets(&text).len() == 2 && text.contains("password  "), "{text}");
    assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    fs::remove_file(&file).expect("removed");
    assert_eq!(deployment.run(&init).out, "Nothing to do: data is already set up.\n");
    assert!(!file.exists(), "there are no secrets");
}

#[test]
fn server_without_a_terminal_writes_first_secrets_to_a_file() {
    let deployment = Deployment::empty();
    let server = Server::start_with(&deployment, &[]);
    let file = deployment.path().join("data/first-secrets");
    let text = fs::read_to_string(&file).expect("read");
    let password = text.lines().find_map(|line| line.trim().strip_prefix("password  ")).expect("a password");
    assert_eq!(secrets(&text).len(), 2, "{text}");
    assert!(secrets(&text).into_iter().chain([password]).all(|secret| !server.said.contains(secret)), "{}", server.said);
    assert!(server.said.contains("are in data/first-secrets") && server.said.contains("with the password in data/first-secrets"), "{}", server.said);
    assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn valid_first_secrets_are_not_called_invalid() {
    let deployment = Deployment::empty();
    let mut first = Server::spawn(deployment.command(&["serve"]).stderr(Stdio::null()));
    first.signal("-TERM");
    assert_eq!(first.child.wait().expect("ended").code(), Some(0));
    // Creates the test tenant, and so another file.
    let second = Server::start_with(&deployment, &[]);
    let kept = "data/first-secrets is now data/first-secrets.1. The secrets in a file with a number may be valid: try them before you delete it.";
    assert!(second.said.contains(kept), "{}", second.said);
    let text = fs::read_to_string(deployment.path().join("data/first-secrets.1")).expect("read");
    let found = secrets(&text);
    let [secret, ..] = found[..] else { panic!("no secrets: {text}") };
    let request = reqwest::Client::new().get(format!("{}/v1/tms/usermfa/list", second.url()));
    let request = request.header("x-tms-tenant", "default").header("x-tms-admin-id", "~~admin").header("x-tms-admin-secret", secret);
    assert_eq!(request.send().await.expect("an answer").status(), 200, "it is valid");
}

#[tokio::test]
async fn nothing_is_changed_if_a_new_secret_cannot_be_shown() {
    let deployment = Deployment::set_up().await;
    assert_eq!(deployment.run(&["admin", "add", "--tenant", "test", "jane"]).code, Some(0));
    let state = "SELECT concat(count(*), ' ', max(password_hash)) FROM people WHERE tenant_id = 'test'";
    let (admins, people) = (deployment.run(&["admin", "list", "--tenant", "test"]).out, super::text(&deployment, state).await);
    for words in [
        &["admin", "add", "--tenant", "test", "joe"][..],
        &["admin", "rotate", "--tenant", "test", "jane"],
        &["person", "add", "--tenant", "test", "eve"],
        &["person", "password", "--tenant", "test", "testuser1"],
        &["person", "invite", "--tenant", "test", "testuser1"],
    ] {
        for stdout in [full_disk(), closed_pipe()] {
            let failed = deployment.run_into(stdout, words);
            assert_eq!(failed.code, Some(1), "{words:?}: {}", failed.err);
            assert!(
                failed.err.starts_with("tms-portal: cannot write to standard output") && failed.err.contains("nothing was changed"),
                "{}",
                failed.err
            );
        }
    }
    assert_eq!(deployment.run(&["admin", "list", "--tenant", "test"]).out, admins);
    assert_eq!(super::text(&deployment, state).await, people);
}

#[tokio::test]
async fn refused_command_says_that_there_is_no_new_secret() {
    let deployment = Deployment::set_up().await;
    let refused = deployment.run(&["person", "add", "--tenant", "test", "testuser1"]);
    assert_eq!((refused.code, refused.out.as_str()), (Some(1), "The password of testuser1 is not changed\n"), "{}", refused.err);
}

#[tokio::test]
async fn closed_or_full_stderr_changes_no_exit_code() {
    let deployment = Deployment::empty();
    for (words, code) in [(&["check"][..], 0), (&["migrate"], 2), (&["nonsense"], 2), (&["check", "--config", "missing.toml"], 2)] {
        for stderr in [full_disk(), closed_pipe()] {
            // Misspelt, so that there is a line in the log.
            let status = deployment.command(words).env("TMS_LISTN", "x").stdout(Stdio::null()).stderr(stderr).status().expect("run");
            assert_eq!(status.code(), Some(code), "{words:?}");
        }
    }
}
