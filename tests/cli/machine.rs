//! A user's machine: a state directory for `tms`, and an `ssh` that records its arguments.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::authorization_server::{ACCESS_TOKEN_SECONDS, AuthorizationServer};
use crate::portal::{Portal, TOKEN};

/// A file system without locks, as Lustre without `-o flock`, and NFS without a lock manager; `FLOCK_ERROR` is the error.
pub const NO_LOCKS: &str =
    "#include <errno.h>\n#include <stdlib.h>\nint flock(int fd, int operation) { errno = atoi(getenv(\"FLOCK_ERROR\")); return -1; }\n";
const SSH: &str = "#!/bin/sh\nprintf '%s\\n' \"$@\" > \"$SSH_CALLED\"\nexit \"${SSH_STATUS:-0}\"\n";

pub struct Machine {
    folder: TempDir,
}

/// Output and exit code of a command.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Machine {
    /// A machine without a sign-in.
    pub fn new() -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(machine.path("bin")).unwrap();
        machine.write("bin/ssh", SSH, 0o755);
        machine
    }

    /// A machine with a sign-in.
    pub fn signed_in_to(portal: &Portal) -> Self {
        let everything = "hosts:read keys:create keys:read keys:revoke";
        Self::signed_in_for(portal, everything, everything)
    }

    /// A machine with a sign-in that requested `requested` and was granted `scope`.
    pub fn signed_in_for(portal: &Portal, requested: &str, scope: &str) -> Self {
        let machine = Self::new();
        let place = json!({ "server": portal.url, "tenant": "test" });
        let sign_in = json!({ "server": portal.url, "tenant": "test", "access_token": TOKEN, "scope": scope, "requested_scope": requested, "expires_at": null });
        fs::create_dir(machine.state()).unwrap();
        machine.write("state/credentials.json", &json!({ "current": place, "sign_ins": [sign_in] }).to_string(), 0o600);
        machine
    }

    /// A machine with a sign-in that has a refresh token of the portal's authorization server.
    pub fn renewable(portal: &Portal) -> Self {
        let machine = Self::signed_in_to(portal);
        let tokens = portal.oauth(AuthorizationServer::add_family);
        let end = |seconds: &str| now() + tokens[seconds].as_i64().unwrap() * 1000;
        machine.change_sign_in(|sign_in| {
            sign_in["access_token"] = tokens["access_token"].clone();
            sign_in["refresh_token"] = tokens["refresh_token"].clone();
            sign_in["expires_at"] = end("expires_in").into();
            sign_in["access_until"] = end("authorization_expires_in").into();
            sign_in["refresh_expires_at"] = end("refresh_token_timeout").into();
        });
        machine
    }

    /// The stored sign-in.
    pub fn sign_in(&self) -> Value {
        let credentials: Value = serde_json::from_str(&fs::read_to_string(self.path("state/credentials.json")).unwrap()).unwrap();
        credentials["sign_ins"][0].clone()
    }

    /// Changes the stored sign-in.
    pub fn change_sign_in(&self, change: impl FnOnce(&mut Value)) {
        let mut credentials: Value = serde_json::from_str(&fs::read_to_string(self.path("state/credentials.json")).unwrap()).unwrap();
        change(&mut credentials["sign_ins"][0]);
        self.write("state/credentials.json", &credentials.to_string(), 0o600);
    }

    /// Ends the access token, here and at the portal.
    pub fn expire(&self, portal: &Portal) {
        self.change_sign_in(|sign_in| sign_in["expires_at"] = (now() - 1000).into());
        portal.oauth(|oauth| oauth.now += ACCESS_TOKEN_SECONDS);
    }

    /// A library for `LD_PRELOAD`, from its source in C.
    pub fn library(&self, name: &str, source: &str) -> PathBuf {
        self.write(&format!("{name}.c"), source, 0o600);
        let (source, library) = (self.path(&format!("{name}.c")), self.path(&format!("{name}.so")));
        assert!(Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &source]).status().unwrap().success());
        library
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn state(&self) -> PathBuf {
        self.path("state")
    }

    pub fn write(&self, name: &str, text: &str, mode: u32) {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    pub fn tms(&self, words: &[&str]) -> Run {
        Run::of(self.command(words).output().unwrap())
    }

    pub fn command(&self, words: &[&str]) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_tms"), words)
    }

    /// Another program in the same environment.
    pub fn command_of(&self, program: &str, words: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(words).env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("TMS_CONFIG_DIR", self.state()).env("TZ", "UTC");
        command.env("PATH", format!("{}:/usr/bin:/bin", self.path("bin").display())).env("SSH_CALLED", self.path("called"));
        command
    }

    /// The arguments of `ssh` since the last call.
    pub fn ssh_arguments(&self) -> Option<Vec<String>> {
        let words = fs::read_to_string(self.path("called")).ok()?;
        fs::remove_file(self.path("called")).unwrap();
        Some(words.lines().map(str::to_owned).collect())
    }

    /// All files and folders below `state`.
    pub fn state_files(&self) -> Vec<PathBuf> {
        let (mut found, mut folders) = (Vec::new(), vec![self.state()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                found.push(path.clone());
                if path.is_dir() {
                    folders.push(path);
                }
            }
        }
        found.sort();
        found
    }
}

impl Run {
    pub fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap()
    }
}

/// Milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "`tms` compares the times in its file with the machine's clock")]
pub fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

pub fn wait_until(what: &str, done: impl Fn() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(20), "{what}");
        thread::yield_now();
    }
}

pub fn kill(signal: &str, target: &str) {
    assert!(Command::new("kill").args([signal, "--", target]).status().unwrap().success());
}

pub fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
