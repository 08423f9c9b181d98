//! What the packages' scripts do to files of the system, in another folder.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A folder for the system's files, and for programs that only record their calls.
struct System(TempDir);

impl System {
    fn new(programs: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let (bin, calls) = (dir.path().join("bin"), dir.path().join("calls"));
        fs::create_dir(&bin).expect("a folder");
        fs::write(&calls, "").expect("written");
        for program in programs {
            let file = bin.join(program);
            fs::write(&file, format!("#!/bin/sh\necho {program} \"$@\" >>'{}'\n", calls.display())).expect("written");
            fs::set_permissions(&file, Permissions::from_mode(0o755)).expect("set");
        }
        Self(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs a script in which the paths below `/etc` and `/var` are in this folder; returns the calls.
    fn run(&self, script: &str, arguments: &[&str]) -> String {
        let root = self.0.path().display();
        // The name of this folder may have such a part itself.
        let script = script.replace("/etc/", "@ROOT@/etc/").replace("/var/", "@ROOT@/var/").replace("@ROOT@", &root.to_string());
        fs::write(self.path("calls"), "").expect("written");
        let path = format!("{root}/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        let done = Command::new("/bin/sh").args(["-c", &script, "sh"]).args(arguments).env("PATH", path).output().expect("run");
        assert!(done.status.success() && done.stderr.is_empty(), "{done:?}");
        fs::read_to_string(self.path("calls")).expect("read")
    }
}

fn source(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name)).expect("a script")
}

#[test]
fn upgrade_does_not_change_owner_and_place_of_the_keys() {
    let script = source("deb/tms-portal/postinst");
    let programs = ["chgrp", "chmod", "chown", "deb-systemd-invoke", "runuser", "systemctl", "systemd-sysusers", "systemd-tmpfiles", "tms-portal"];
    let system = System::new(&programs);
    let changes = |version: &str| {
        let calls = system.run(&script, &["configure", version]);
        calls.lines().filter_map(|call| call.split(' ').next()).filter(|name| !name.contains("system")).map(str::to_owned).collect::<Vec<_>>()
    };
    for dir in ["etc/tms-portal/keys", "var/lib/tms-portal"] {
        fs::create_dir_all(system.path(dir)).expect("a folder");
    }
    assert_eq!(changes(""), ["chgrp", "chmod", "tms-portal", "chown", "runuser"], "the first installation");
    assert!(changes("0.1.0").is_empty(), "they were moved away since");
    fs::write(system.path("etc/tms-portal/keys/codes.key"), "").expect("written");
    assert!(changes("0.1.0").is_empty(), "they may be root's");
    assert_eq!(changes(""), ["chgrp", "chmod", "runuser"], "they are of an earlier installation");
}

const SETTINGS: &str = "etc/ssh/tms_keycmd/tms_keycmd.toml";

/// The host after the files of `tms-keycmd.rpm` were installed, which runs the package's script.
fn host() -> (System, impl Fn(&System)) {
    let spec = source("rpm/tms-keycmd.spec");
    let (_, post) = spec.split_once("\n%post\n").expect("the script");
    let script = post.split_once("\n%posttrans\n").expect("its end").0.replace("%%", "%");
    let system = System::new(&["chown", "systemctl", "systemd-tmpfiles"]);
    fs::create_dir_all(system.path(SETTINGS).parent().expect("its folder")).expect("a folder");
    fs::write(system.path("secret"), "secret").expect("written");
    fs::set_permissions(system.path("secret"), Permissions::from_mode(0o600)).expect("set");
    (system, move |system: &System| drop(system.run(&script, &["1"])))
}

#[test]
fn settings_of_another_user_become_a_file_of_root() {
    let (system, install) = host();
    let settings = system.path(SETTINGS);
    fs::write(&settings, "host_name = \"frontera\"\n").expect("written");
    fs::set_permissions(&settings, Permissions::from_mode(0o600)).expect("set");
    // Only root can; other users own it already.
    let _ = chown(&settings, Some(65_534), Some(65_534));
    let mut held = File::options().append(true).open(&settings).expect("opened");
    install(&system);
    held.write_all(b"tms_url = \"https://attacker.example\"\n").expect("written");
    assert_eq!(fs::read_to_string(&settings).expect("read"), "host_name = \"frontera\"\n");
    let found = fs::metadata(&settings).expect("there");
    assert_eq!((found.mode() & 0o777, found.uid()), (0o644, rustix::process::geteuid().as_raw()));
}

#[test]
fn link_in_place_of_the_settings_gives_no_other_file_away() {
    let (system, install) = host();
    let (settings, secret) = (system.path(SETTINGS), system.path("secret"));
    let links: [fn(&Path, &Path) -> std::io::Result<()>; 2] = [|to, at| symlink(to, at), |to, at| fs::hard_link(to, at)];
    for link in links {
        link(&secret, &settings).expect("a link");
        install(&system);
        assert!(fs::symlink_metadata(&settings).is_err(), "it is moved away");
        let found = fs::metadata(&secret).expect("there");
        assert_eq!((found.mode() & 0o777, fs::read_to_string(&secret).expect("read").as_str()), (0o600, "secret"));
    }
    install(&system);
    assert!(fs::symlink_metadata(&settings).is_err(), "there is nothing to do without settings");
}
