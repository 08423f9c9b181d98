//! A host: a separate sshd, configured as in docs/hosts.md.

use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::environment::Environment;
use crate::portal::free_port;

/// Its name at the portal.
pub const NAME: &str = "testhost1";

pub struct Host {
    pub environment: Environment,
    port: u16,
    sshd: Child,
    /// Files of the person who logs in and of sshd.
    folder: TempDir,
    /// Files of the key command.
    settings: PathBuf,
    portal: String,
}

/// A private key in a file, as for `ssh -i`.
pub struct Key {
    pub file: PathBuf,
    pub fingerprint: String,
}

/// The outcome of a login attempt.
#[derive(Debug)]
pub struct Login {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
    pub took: Duration,
    /// The key command's log lines during the login, one per lookup.
    pub lookups: Vec<String>,
    account: String,
}

impl Host {
    /// Starts a host whose key command uses the portal at `url`.
    pub fn start(environment: Environment, url: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = environment.folder_for_settings(folder.path());
        make_key(&folder.path().join("host_key"));
        fs::create_dir(settings.join("break-glass")).expect("a folder");
        fs::write(settings.join("log"), "").expect("a log");
        if let Some(uid) = environment.keycmd_uid {
            chown(settings.join("log"), Some(uid), None).expect("given");
        }
        let port = free_port();
        fs::write(folder.path().join("sshd_config"), sshd_config(&environment, folder.path(), &settings, port)).expect("written");
        let mut sshd = run_sshd(&environment, folder.path());
        wait_for(port, &mut sshd, folder.path());

        let host = Self { environment, port, sshd, folder, settings, portal: url.to_owned() };
        let key = fs::read_to_string(host.path("host_key.pub")).expect("a key");
        host.write("known_hosts", &format!("[127.0.0.1]:{port} {key}{NAME} {key}"));
        host.set("");
        host
    }

    /// Writes the key command's settings: the required ones, the log, and `more`.
    pub fn set(&self, more: &str) {
        let (url, log) = (&self.portal, self.settings.join("log"));
        let text = format!("tms_url = \"{url}/v1/tms/pubkeys/creds/retrieve\"\nhost_name = \"{NAME}\"\nlog = \"{}\"\n{more}\n", log.display());
        fs::write(self.settings_file(), text).expect("written");
        fs::set_permissions(self.settings_file(), Permissions::from_mode(0o644)).expect("set");
    }

    pub fn settings_file(&self) -> PathBuf {
        self.settings.join("tms_keycmd.toml")
    }

    /// A file that only the key command can read.
    pub fn secret(&self, name: &str, text: &str) -> PathBuf {
        let file = self.settings.join(name);
        fs::write(&file, text).expect("written");
        fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("set");
        if let Some(uid) = self.environment.keycmd_uid {
            chown(&file, Some(uid), None).expect("given");
        }
        file
    }

    /// A key in `authorized_keys`, which works without the portal.
    pub fn break_glass(&self, key: &Key) {
        self.break_glass_with("", key);
    }

    /// The same, with options before it (sshd(8), AUTHORIZED_KEYS FILE FORMAT).
    pub fn break_glass_with(&self, options: &str, key: &Key) {
        let line = fs::read_to_string(key.file.with_extension("pub")).expect("a key");
        fs::write(self.settings.join("break-glass").join(&self.environment.account), format!("{options} {line}")).expect("written");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("written");
    }

    /// A key that is not registered.
    pub fn unknown_key(&self, name: &str) -> Key {
        make_key(&self.path(name))
    }

    /// A private key that was created elsewhere.
    pub fn key_from(&self, name: &str, private_key: &str, fingerprint: &str) -> Key {
        let file = self.path(name);
        self.write(name, private_key);
        fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("set");
        Key { file, fingerprint: fingerprint.to_owned() }
    }

    /// A certificate for the key, which `ssh` then offers as well; its authority is unknown to the host.
    pub fn certify(&self, key: &Key) {
        let (authority, public) = (make_key(&self.path("authority")), key.file.with_extension("pub"));
        let output = Command::new("ssh-keygen").arg("-yf").arg(&key.file).stdin(Stdio::null()).output().expect("ssh-keygen");
        fs::write(&public, output.stdout).expect("written");
        let mut ssh_keygen = Command::new("ssh-keygen");
        ssh_keygen.args(["-q", "-I", "test", "-n", &self.environment.account, "-s"]).arg(&authority.file).arg(&public).stdin(Stdio::null());
        assert!(ssh_keygen.status().expect("ssh-keygen").success());
    }

    /// The options of `ssh` for this host.
    pub fn ssh_options(&self) -> Vec<String> {
        let known_hosts = format!("UserKnownHostsFile={}", self.path("known_hosts").display());
        let options = ["BatchMode=yes", "StrictHostKeyChecking=yes", &known_hosts, "PreferredAuthentications=publickey", "ConnectTimeout=5"];
        let (port, none) = (self.port.to_string(), ["-F".to_owned(), "none".to_owned()]);
        none.into_iter().chain(["-p".to_owned(), port]).chain(options.into_iter().flat_map(|option| ["-o".to_owned(), option.to_owned()])).collect()
    }

    /// `ssh` to the host, offering these keys in this order.
    pub fn ssh(&self, account: &str, keys: &[&Key]) -> Command {
        let mut ssh = Command::new("ssh");
        ssh.args(self.ssh_options()).args(["-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none"]);
        for key in keys {
            ssh.arg("-i").arg(&key.file);
        }
        ssh.arg(format!("{account}@127.0.0.1")).args(["id", "-un"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        ssh
    }

    /// Attempts to log in.
    pub fn log_in(&self, key: &Key) -> Login {
        self.log_in_as(&self.environment.account, &[key])
    }

    pub fn log_in_as(&self, account: &str, keys: &[&Key]) -> Login {
        self.watch(account, || self.ssh(account, keys).output().expect("ssh"))
    }

    /// Runs a command that logs in, and returns the outcome with the lookups of sshd.
    pub fn watch(&self, account: &str, run: impl FnOnce() -> Output) -> Login {
        let before = self.lookups().len();
        let started = Instant::now();
        let Output { status, stdout, stderr } = run();
        let took = started.elapsed();
        // sshd continues only after the key command has ended, so its lines are complete.
        let lookups = self.lookups().split_off(before);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Login { code: status.code(), out: text(stdout), err: text(stderr), took, lookups, account: account.to_owned() }
    }

    /// The key command, run as sshd runs it.
    pub fn keycmd(&self, user: &str, uid: u32, key: &Key) -> Command {
        let mut command = Command::new(&self.environment.program);
        command.arg("--config").arg(self.settings_file()).args([user, &uid.to_string(), &key.fingerprint, "ssh-ed25519"]);
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// All lines of the key command's log.
    pub fn lookups(&self) -> Vec<String> {
        fs::read_to_string(self.settings.join("log")).expect("the log").lines().map(str::to_owned).collect()
    }

    pub fn sshd_log(&self) -> String {
        fs::read_to_string(self.path("sshd.log")).unwrap_or_default()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.sshd.kill();
        let _ = self.sshd.wait();
        if std::thread::panicking() {
            eprintln!("--- the key command's log\n{}\n--- sshd's\n{}", self.lookups().join("\n"), self.sshd_log());
        }
    }
}

impl Login {
    #[track_caller]
    pub fn assert_logged_in(&self) {
        assert_eq!((self.code, self.out.trim()), (Some(0), self.account.as_str()), "{self:#?}");
    }

    /// Asserts a regular refusal with this reason in the key command's last line.
    #[track_caller]
    pub fn assert_refused(&self, why: &str) {
        assert_eq!((self.code, self.out.as_str()), (Some(255), ""), "{self:#?}");
        assert!(self.err.contains("Permission denied (publickey)"), "{self:#?}");
        assert!(self.lookups.last().is_some_and(|line| line.contains(why)), "not because {why:?}: {self:#?}");
    }
}

fn sshd_config(environment: &Environment, folder: &Path, settings: &Path, port: u16) -> String {
    let (folder, settings, program) = (folder.display(), settings.display(), environment.program.display());
    let (account, keycmd_account) = (&environment.account, &environment.keycmd_account);
    // Permissions of directories are checked only as root, whose folders are safe.
    let strict = if environment.is_root() { "yes" } else { "no" };
    let mut text = format!(
        "ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host_key\nPidFile {folder}/sshd.pid\nLogLevel VERBOSE\nUsePAM no\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nAllowUsers {account} root\n\
         StrictModes {strict}\n\
         AuthorizedKeysCommand {program} --config {settings}/tms_keycmd.toml %u %U %f %t\nAuthorizedKeysCommandUser {keycmd_account}\n\
         AuthorizedKeysFile {settings}/break-glass/%u\nMaxStartups 100:30:300\nLoginGraceTime 30\n"
    );
    if environment.version >= (9, 8) {
        // Otherwise sshd would block this machine after a few refusals.
        text.push_str("PerSourcePenalties no\n");
    }
    text
}

fn run_sshd(environment: &Environment, folder: &Path) -> Child {
    let log = File::create(folder.join("sshd.log")).expect("a file");
    let mut command = Command::new(&environment.sshd);
    command.args(["-D", "-e", "-f"]).arg(folder.join("sshd_config"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("sshd")
}

/// Waits until sshd sends its version.
fn wait_for(port: u16, sshd: &mut Child, folder: &Path) {
    let patience = Instant::now() + Duration::from_secs(10);
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut greeting = String::new();
    while !greeting.starts_with("SSH-2.0-") {
        let said = || fs::read_to_string(folder.join("sshd.log")).unwrap_or_default();
        assert!(sshd.try_wait().expect("its state").is_none(), "sshd ended: {}", said());
        assert!(Instant::now() < patience, "sshd does not listen: {}", said());
        greeting.clear();
        if let Ok(connection) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) {
            connection.set_read_timeout(Some(Duration::from_secs(5))).expect("set");
            let _ = BufReader::new(connection).read_line(&mut greeting);
        } else {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn make_key(file: &Path) -> Key {
    let mut ssh_keygen = Command::new("ssh-keygen");
    ssh_keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"]).arg(file).stdin(Stdio::null());
    assert!(ssh_keygen.status().expect("ssh-keygen").success());
    Key { file: file.to_owned(), fingerprint: fingerprint(file) }
}

/// The fingerprint as printed by OpenSSH.
pub fn fingerprint(key: &Path) -> String {
    let output = Command::new("ssh-keygen").arg("-lf").arg(key).stdin(Stdio::null()).output().expect("ssh-keygen");
    let said = String::from_utf8(output.stdout).expect("text");
    said.split(' ').nth(1).expect("a fingerprint").to_owned()
}
