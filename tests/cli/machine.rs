//! A user's machine: a state directory for `tms`, and an `ssh` that records its arguments.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::portal::{Portal, TOKEN};

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

pub fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
