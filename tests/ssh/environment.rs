//! The environment that these tests need.
//!
//! As root, sshd runs as in production: the login is to an account created for the tests, and the key command runs as a third user.
//! Other users log in as themselves (an sshd without root cannot do more), and need a key command installed by root.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError, Weak};

/// Created by `.make/sshd`.
const ACCOUNT: &str = "tmse2e";
/// An account of another person.
pub const OTHER_ACCOUNT: &str = "tmse2e-other";
const KEYCMD_ACCOUNT: &str = "tmse2e-keycmd";
/// Where `.make/sshd` installs the program for users other than root.
const INSTALLED: &str = "/usr/local/lib/tms-portal-e2e/tms-keycmd";
/// sshd runs only programs that root alone can change, including the directories: nothing below /tmp.
const PLACES: [&str; 4] = ["/usr/local/lib", "/usr/local/libexec", "/opt", "/var/lib"];
const OUR_FOLDERS: &str = "tms-portal-e2e-";

pub struct Environment {
    pub sshd: PathBuf,
    /// The version of OpenSSH.
    pub version: (u32, u32),
    /// The account that logs in.
    pub account: String,
    /// The account that runs the key command.
    pub keycmd_account: String,
    /// Its UID, if it is not the current one.
    pub keycmd_uid: Option<u32>,
    pub program: PathBuf,
    /// Owned by root; deleted with the last test that uses it.
    folder: Option<Arc<Folder>>,
}

/// A folder owned by root.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// `None`, with the reason on stderr, if logins are impossible.
pub fn environment() -> Option<Environment> {
    static SAID: Once = Once::new();
    match Environment::detect() {
        Ok(environment) => Some(environment),
        Err(why) => {
            // `eprintln!` is captured for passing tests. `.make/test` repeats the line in its summary.
            SAID.call_once(|| {
                let _ = writeln!(std::io::stderr(), "\n!!! SKIPPED: sshd tests: {why}\n");
            });
            None
        }
    }
}

impl Environment {
    fn detect() -> Result<Self, String> {
        let sshd = find("sshd").ok_or("there is no sshd (Debian: openssh-server)")?;
        find("ssh").ok_or("there is no ssh (Debian: openssh-client)")?;
        let version = version(&sshd).ok_or("sshd does not say which version it is")?;
        if rustix::process::geteuid().is_root() {
            let missing = |name| format!("there is no account {name}: run .make/sshd");
            id(&["-u", ACCOUNT]).ok_or(missing(ACCOUNT))?;
            let keycmd_uid = id(&["-u", KEYCMD_ACCOUNT]).and_then(|uid| uid.parse().ok()).ok_or(missing(KEYCMD_ACCOUNT))?;
            let folder = roots_folder()?;
            // sshd's own, empty, and missing after a reboot.
            fs::create_dir_all("/run/sshd").map_err(|error| format!("/run/sshd: {error}"))?;
            Ok(Self {
                sshd,
                version,
                account: ACCOUNT.into(),
                keycmd_account: KEYCMD_ACCOUNT.into(),
                keycmd_uid: Some(keycmd_uid),
                program: folder.0.join("tms-keycmd"),
                folder: Some(folder),
            })
        } else {
            let (built, installed) = (Path::new(env!("CARGO_BIN_EXE_tms-keycmd")), Path::new(INSTALLED));
            let same = Command::new("cmp").arg("-s").args([built, installed]).status().is_ok_and(|status| status.success());
            if !same {
                return Err(format!("this is not root, and {INSTALLED} is not the program that has just been built: run .make/sshd"));
            }
            let me = id(&["-un"]).ok_or("this user has no name")?;
            Ok(Self { sshd, version, account: me.clone(), keycmd_account: me, keycmd_uid: None, program: installed.into(), folder: None })
        }
    }

    /// Where `tms` is installed for all users, which only root can do.
    pub fn tms(&self) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.0.join("tms"))
    }

    pub fn is_root(&self) -> bool {
        self.folder.is_some()
    }

    /// A folder for one test that the key command can read: in the test's own folder, or in root's.
    pub fn folder_for_settings(&self, own: &Path) -> PathBuf {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let path = match &self.folder {
            Some(folder) => folder.0.join(MADE.fetch_add(1, Ordering::Relaxed).to_string()),
            None => own.join("settings"),
        };
        fs::create_dir(&path).expect("a folder");
        fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("set");
        path
    }
}

/// Contains the program. Shared by all tests that run at the same time.
fn roots_folder() -> Result<Arc<Folder>, String> {
    static SHARED: Mutex<Weak<Folder>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(folder) = shared.upgrade() {
        return Ok(folder);
    }
    let top = PLACES.iter().map(Path::new).find(|place| is_changed_by_root_only(place)).ok_or("no directory here can be changed by root only")?;
    remove_stale_folders(top);
    let path = top.join(format!("{OUR_FOLDERS}{}", std::process::id()));
    let make = || {
        fs::create_dir_all(&path)?;
        fs::set_permissions(&path, Permissions::from_mode(0o755))?;
        install(Path::new(env!("CARGO_BIN_EXE_tms-keycmd")), &path.join("tms-keycmd"))?;
        install(Path::new(env!("CARGO_BIN_EXE_tms")), &path.join("tms"))
    };
    let folder = Arc::new(Folder(path.clone()));
    make().map_err(|error: std::io::Error| format!("the programs cannot be installed in {}: {error}", path.display()))?;
    *shared = Arc::downgrade(&folder);
    Ok(folder)
}

/// Executable by all users. Unstripped programs are large, so it is linked instead of copied where possible.
fn install(built: &Path, program: &Path) -> std::io::Result<()> {
    let metadata = fs::metadata(built)?;
    if metadata.uid() != 0 || metadata.mode() & 0o777 != 0o755 || fs::hard_link(built, program).is_err() {
        fs::copy(built, program)?;
        std::os::unix::fs::chown(program, Some(0), Some(0))?;
        fs::set_permissions(program, Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// Deletes the folders of killed runs.
fn remove_stale_folders(top: &Path) {
    for entry in fs::read_dir(top).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(OUR_FOLDERS)?.parse::<u32>().ok());
        if process.is_some_and(|process| !Path::new(&format!("/proc/{process}")).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn is_changed_by_root_only(place: &Path) -> bool {
    let alone = |place: &Path| place.metadata().is_ok_and(|metadata| metadata.uid() == 0 && metadata.mode() & 0o022 == 0);
    place.canonicalize().is_ok_and(|place| place.is_dir() && place.ancestors().all(alone))
}

/// Includes directories that are missing in the PATH of users other than root.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    folders.map(|folder| folder.join(program)).find(|file| file.is_file() && file.is_absolute())
}

/// `OpenSSH_9.2p1 Debian…`. Older versions reject `-V`, but print the version with the usage.
fn version(sshd: &Path) -> Option<(u32, u32)> {
    let output = Command::new(sshd).arg("-V").stdin(Stdio::null()).output().ok()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let (_, number) = said.split_once("OpenSSH_")?;
    let mut parts = number.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

pub fn id(words: &[&str]) -> Option<String> {
    let output = Command::new("id").args(words.iter().map(OsStr::new)).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
