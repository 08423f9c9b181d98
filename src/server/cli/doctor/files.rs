//! Folders and files: whether they exist, who may read them, and whether the portal's user may write.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, statvfs};
use rustix::process::geteuid;

use super::Finding;
use crate::server::cli::secrets::{EARLIER_SECRETS, FIRST_SECRETS};
use crate::server::config::{Config, LeptosOptions};
use crate::server::service::platform::data_lock::LOCK_FILES;
use crate::server::service::platform::file_modes::is_open_to_all;
use crate::server::service::platform::keystore::KEYS_DIR;
use crate::server::service::{DATABASE_FILE, Database};

/// Below this, a warning; SQLite's checkpoints and migrations need room.
const MIN_FREE_BYTES: u64 = 1 << 30;
const MIN_FREE_PERCENT: u64 = 10;

/// `None` if there is no file.
fn metadata(file: &Path) -> io::Result<Option<Metadata>> {
    match std::fs::metadata(file) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the folder exists and this user may write in it.
pub fn data_directory(dir: &Path) -> Vec<Finding> {
    const CHECK: &str = "data directory";
    let name = dir.display();
    let found = match metadata(dir) {
        Err(error) => return vec![Finding::error(CHECK, format!("cannot look into {name}: {error}"), "run this as the portal's user")],
        Ok(None) => return vec![Finding::warning(CHECK, format!("{name} does not exist"), "the first start, or tms-portal init, creates it")],
        Ok(Some(found)) => found,
    };
    if !found.is_dir() {
        return vec![Finding::error(CHECK, format!("{name} is not a directory"), "correct the setting data-dir")];
    }
    let user = geteuid().as_raw();
    let mut findings = match access(dir, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => vec![Finding::ok(CHECK, format!("{name} is writable by user {user}"))],
        Err(error) => {
            let advice = format!("it belongs to user {}; run the portal, and this, as that user", found.uid());
            vec![Finding::error(CHECK, format!("user {user} cannot write in {name}: {}", io::Error::from(error)), advice)]
        }
    };
    if found.mode() & 0o077 != 0 {
        findings.push(Finding::warning(
            CHECK,
            format!("{name} can be opened by others (mode {:04o})", found.mode() & 0o7777),
            format!("chmod 700 {name}"),
        ));
    }
    findings
}

/// The files of the database, which its group may read too.
fn database_files(config: &Config) -> Vec<PathBuf> {
    match &config.database {
        Database::File(file) => ["", "-wal", "-shm", "-journal"].map(|suffix| file.with_file_name(format!("{DATABASE_FILE}{suffix}"))).into(),
        Database::Postgres(_) => Vec::new(),
    }
}

/// The files that only the portal's user may read.
fn private_files(config: &Config) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in [KEYS_DIR, "tls"] {
        // A folder that cannot be read is reported with the keys.
        let entries = std::fs::read_dir(config.data_dir.join(folder)).into_iter().flatten().flatten();
        let mut inside: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|file| !file.ends_with("ca.pem")).collect();
        inside.sort();
        files.append(&mut inside);
    }
    files
}

/// Whether others can access the data, and to whom they belong.
pub fn modes_and_owners(config: &Config) -> Vec<Finding> {
    let (mut findings, mut owners, mut files) = (Vec::new(), BTreeSet::new(), 0);
    let private = private_files(config).into_iter().map(|file| (file, false));
    for (file, group_may) in database_files(config).into_iter().map(|file| (file, true)).chain(private) {
        let Ok(Some(found)) = metadata(&file) else { continue };
        files += 1;
        owners.insert(found.uid());
        findings.extend(access_of_others(&file, &found, group_may));
    }
    if findings.is_empty() && files > 0 {
        findings.push(Finding::ok("modes", format!("only their owner can access the {files} files with keys and data")));
    }
    owners.extend(metadata(&config.data_dir).ok().flatten().map(|dir| dir.uid()));
    owners.extend(LOCK_FILES.iter().filter_map(|name| metadata(&config.data_dir.join(name)).ok().flatten()).map(|lock| lock.uid()));
    findings.extend(owner(&owners, geteuid().as_raw()));
    findings
}

/// `group_may`: the portal accepts access of the file's group.
fn access_of_others(file: &Path, found: &Metadata, group_may: bool) -> Option<Finding> {
    let (name, mode) = (file.display(), found.mode() & 0o7777);
    if mode & 0o077 == 0 {
        return None;
    }
    let advice = format!("chmod 600 {name}; on Kubernetes, fsGroup sets such modes: see fsGroupChangePolicy");
    Some(if is_open_to_all(found) {
        Finding::error("modes", format!("{name} is accessible to others (mode {mode:04o})"), advice)
    } else {
        let text = format!("{name} is accessible to group {} (mode {mode:04o})", found.gid());
        if group_may { Finding::warning("modes", text, advice) } else { Finding::error("modes", text, advice) }
    })
}

/// Compares the owners of the data with this user.
fn owner(owners: &BTreeSet<u32>, user: u32) -> Option<Finding> {
    const CHECK: &str = "owner";
    let list = || owners.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    match owners.iter().collect::<Vec<_>>().as_slice() {
        [] => None,
        [only] if **only == user => Some(Finding::ok(CHECK, format!("all data belong to user {user}, who runs this"))),
        [only] if user == 0 => {
            let advice = format!("run the portal and its commands as user {only}: files that root creates could not be read by that user");
            Some(Finding::warning(CHECK, format!("the data belong to user {only}, and this runs as root"), advice))
        }
        [only] => {
            Some(Finding::error(CHECK, format!("the data belong to user {only}, but this runs as user {user}"), format!("run this as user {only}")))
        }
        _ => Some(Finding::error(CHECK, format!("the data belong to several users: {}", list()), "chown them to the portal's user")),
    }
}

/// Files with secrets that should have been deleted: those of the last start that created some, and of earlier ones.
pub fn first_secrets(data_dir: &Path) -> Option<Finding> {
    let entries = std::fs::read_dir(data_dir).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    let is_one = |file: &PathBuf| file.file_stem().is_some_and(|stem| stem == FIRST_SECRETS);
    let mut found: Vec<_> = entries.filter(is_one).map(|file| file.display().to_string()).collect();
    found.sort_unstable();
    let advice = format!("store the secrets like passwords, then delete the file. {EARLIER_SECRETS}");
    (!found.is_empty()).then(|| Finding::warning("first secrets", format!("there is {}", found.join(", ")), advice))
}

/// Whether the files of the browser part are there.
pub fn site(leptos: &LeptosOptions) -> Finding {
    const CHECK: &str = "site";
    const ADVICE: &str = "copy the site and hash.txt of this release, and set site-root (make build creates them)";
    let files = match site_files(leptos) {
        Ok(files) => files,
        Err(error) => return Finding::error(CHECK, format!("cannot read {}: {error}", leptos.hash_file), ADVICE),
    };
    let unreadable = files.iter().find_map(|file| std::fs::File::open(file).err().map(|error| (file, error)));
    match unreadable {
        Some((file, error)) => Finding::error(CHECK, format!("cannot read {}: {error}", file.display()), ADVICE),
        None => Finding::ok(CHECK, format!("{} files below {} can be read", files.len(), leptos.site_root)),
    }
}

/// Script, program and style of the pages, as Leptos names them.
fn site_files(leptos: &LeptosOptions) -> io::Result<Vec<PathBuf>> {
    let pkg = Path::new(leptos.site_root.as_ref()).join(leptos.site_pkg_dir.as_ref());
    let name = &leptos.output_name;
    if !leptos.hash_files {
        return Ok(["js", "wasm", "css"].map(|kind| pkg.join(format!("{name}.{kind}"))).into());
    }
    let hashes = std::fs::read_to_string(leptos.hash_file.as_ref())?;
    let files = hashes.lines().filter_map(|line| line.split_once(':'));
    Ok(files.map(|(kind, hash)| pkg.join(format!("{name}.{}.{}", hash.trim(), kind.trim()))).collect())
}

/// The room on the file system of the data directory, or of the folder in which it will be created.
pub fn disk(data_dir: &Path) -> Finding {
    let absolute = std::path::absolute(data_dir).unwrap_or_else(|_| data_dir.to_owned());
    let place = absolute.ancestors().find(|place| place.try_exists().unwrap_or(true)).unwrap_or(data_dir);
    match statvfs(place) {
        Ok(found) => free_space(found.f_bavail.saturating_mul(found.f_frsize), found.f_blocks.saturating_mul(found.f_frsize)),
        Err(error) => Finding::error("disk", format!("cannot determine the free space of {}: {}", place.display(), io::Error::from(error)), ""),
    }
}

fn free_space(free: u64, all: u64) -> Finding {
    let percent = free.saturating_mul(100).checked_div(all).unwrap_or(0);
    let found = format!("{} MiB free, {percent} % of the data directory's file system", free >> 20);
    if free < MIN_FREE_BYTES || percent < MIN_FREE_PERCENT {
        Finding::warning("disk", found, "make room: on a full disk the portal accepts no changes")
    } else {
        Finding::ok("disk", found)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn little_free_space_is_a_warning() {
        for (free, all, level) in [
            (100 << 30, 500 << 30, Level::Ok),
            (40 << 30, 500 << 30, Level::Warning),
            (1 << 29, 1 << 30, Level::Warning),
            (0, 1 << 40, Level::Warning),
            (0, 0, Level::Warning),
        ] {
            assert_eq!(free_space(free, all).level, level, "{free} of {all}");
        }
    }

    #[test]
    fn data_must_belong_to_the_user_that_runs_the_portal() {
        let level = |owners: &[u32], user| owner(&owners.iter().copied().collect(), user).map(|finding| finding.level);
        assert_eq!(level(&[], 998), None);
        assert_eq!(level(&[998], 998), Some(Level::Ok));
        assert_eq!(level(&[0], 0), Some(Level::Ok));
        assert_eq!(level(&[998], 0), Some(Level::Warning));
        assert_eq!(level(&[0], 998), Some(Level::Error));
        assert_eq!(level(&[0, 998], 998), Some(Level::Error));
        assert!(owner(&[998].into(), 0).expect("a finding").advice.contains("as user 998"), "root is told who owns the data");
    }
}
