//! A host: settings in a temporary folder, and the program run with them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub const LINE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
pub const FINGERPRINT: &str = "SHA256:UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcIQ";
/// A key of another person.
pub const OTHER_LINE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6dNNwy1E4C1dZNIR357I/Ocky611IpIwmvoDrv7YEz";

/// The budget is two seconds; a busy machine may need longer.
const TIME_LIMIT: Duration = Duration::from_secs(3);

pub struct Host {
    folder: TempDir,
}

/// Output, exit code, duration and log of a run.
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
    pub log: String,
    took: Duration,
}

impl Host {
    /// A host with the two settings of the original key command, and a log.
    pub fn at(url: &str) -> Self {
        Self::with(url, "")
    }

    pub fn with(url: &str, more: &str) -> Self {
        let host = Self { folder: tempfile::tempdir().expect("a folder") };
        host.set(url, more);
        host
    }

    /// Changes the settings. `FOLDER` in them stands for the folder.
    pub fn set(&self, url: &str, more: &str) {
        let log = self.path("log");
        let more = more.replace("FOLDER", &self.folder.path().to_string_lossy());
        self.write("settings.toml", 0o600, &format!("tms_url = \"{url}\"\nhost_name = \"frontera\"\nlog = \"{}\"\n{more}\n", log.display()));
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, mode: u32, text: &str) {
        self.write_bytes(name, mode, text.as_bytes());
    }

    pub fn write_bytes(&self, name: &str, mode: u32, text: &[u8]) {
        let path = self.path(name);
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("set");
    }

    pub fn make_folder(&self, name: &str, mode: u32) -> PathBuf {
        let path = self.path(name);
        fs::create_dir(&path).expect("a folder");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("set");
        path
    }

    /// Runs the lookup that sshd runs for one key of one user.
    pub fn look_up(&self) -> Run {
        self.look_up_as("jdoe", "1000", FINGERPRINT, "ssh-ed25519")
    }

    pub fn look_up_as(&self, user: &str, uid: &str, fingerprint: &str, key_type: &str) -> Run {
        let settings = self.path("settings.toml");
        self.run(&["--config", &settings.to_string_lossy(), user, uid, fingerprint, key_type])
    }

    pub fn check(&self) -> Run {
        let settings = self.path("settings.toml");
        self.run(&["check", "--config", &settings.to_string_lossy()])
    }

    /// For a log that cannot be read either.
    pub fn run_without_log(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, false)
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, true)
    }

    /// With a misleading environment, which must be ignored.
    fn run_with(&self, arguments: &[&str], with_log: bool) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tms-keycmd"));
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
            command.env(name, "http://127.0.0.1:1");
        }
        command.env("SSL_CERT_FILE", "/nonexistent").env("SSL_CERT_DIR", "/nonexistent").env("TMPDIR", "/nonexistent");
        let started = Instant::now();
        let output = command.args(arguments).current_dir("/").stdin(Stdio::null()).output().expect("run");
        let took = started.elapsed();
        let log = if with_log { fs::read_to_string(self.path("log")).unwrap_or_default() } else { String::new() };
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Run { code: output.status.code(), out: text(output.stdout), err: text(output.stderr), log, took }
    }
}

impl Run {
    pub fn took(&self) -> Duration {
        self.took
    }

    /// Asserts success with exactly this output.
    #[track_caller]
    pub fn assert_output(&self, line: &str) {
        assert_eq!((self.out.as_str(), self.code), (format!("{line}\n").as_str(), Some(0)), "{} {}", self.err, self.log);
    }

    /// Asserts a denial: no output, exit code 0, within the time limit, and the reason in the log.
    #[track_caller]
    pub fn assert_denied(&self, reason: &str) {
        self.assert_no_output(0, reason);
        assert_eq!(self.err, "");
    }

    /// Asserts a failure: no output, exit code 1, within the time limit, and the reason in the log.
    #[track_caller]
    pub fn assert_failed(&self, reason: &str) {
        self.assert_no_output(1, reason);
    }

    #[track_caller]
    fn assert_no_output(&self, code: i32, reason: &str) {
        assert_eq!((self.out.as_str(), self.code), ("", Some(code)), "{} {}", self.err, self.log);
        assert!(self.took < TIME_LIMIT, "took {:?}", self.took);
        let last = self.log.lines().last().unwrap_or(&self.err);
        assert!(last.contains(reason), "the log does not say {reason:?}: {last}");
    }
}
