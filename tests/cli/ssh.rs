//! `tms ssh`

use std::fs;
use std::path::Path;

use rustix::io::Errno;
use serde_json::{Value, json};
use ssh_key::{HashAlg, PrivateKey};

use crate::machine::{Machine, NO_LOCKS, Run, mode};
use crate::portal::{Portal, host};

const HOSTS: &str = "GET /v1/tms/me/hosts";
const ME: &str = "GET /v1/tms/me";
const LIST: &str = "GET /v1/tms/me/keys";
const REGISTER: &str = "POST /v1/tms/me/keys";

/// The fingerprint of the key that `ssh` was last given.
fn key_of(called: &[String]) -> String {
    let key = PrivateKey::read_openssh_file(Path::new(&called[1])).unwrap();
    key.fingerprint(HashAlg::Sha256).to_string()
}

fn fingerprints(portal: &Portal) -> Vec<Value> {
    portal.state().keys.iter().map(|key| key["public_key_fingerprint"].clone()).collect()
}

#[test]
fn times_use_the_time_zone_of_the_machine() {
    let portal = Portal::start();
    let machine = Machine::signed_in_to(&portal);
    let output = machine.command(&["ssh", "testhost1"]).env("TZ", "America/Chicago").output().unwrap();
    assert_eq!(Run::of(output).err, "Created a key for testhostaccount1 on testhost1, valid until 1 January 2999, 06:00 CST.\n");
}

#[test]
fn first_run_creates_and_registers_a_key() {
    let portal = Portal::start();
    let machine = Machine::signed_in_to(&portal);
    let run = machine.tms(&["ssh", "testhost1", "--", "-p", "2222", "hostname", "-f"]);
    assert_eq!((run.code, run.out.as_str()), (Some(0), ""), "{run:?}");
    assert_eq!(run.err, "Created a key for testhostaccount1 on testhost1, valid until 1 January 2999, 12:00 UTC.\n");
    assert_eq!(portal.requests(), [HOSTS, REGISTER]);

    let called = machine.ssh_arguments().unwrap();
    let expected = ["-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-l", "testhostaccount1", "testhost1", "-p", "2222", "hostname", "-f"];
    assert_eq!((called[0].as_str(), &called[2..]), ("-i", &expected.map(str::to_owned)[..]));
    assert_eq!(fingerprints(&portal), [key_of(&called)]);

    let posted = portal.state().posted.clone();
    assert_eq!((&posted["host"], &posted["host_account"]), (&"testhost1".into(), &"testhostaccount1".into()));
    assert_eq!((&posted["ttl_minutes"], &posted["num_uses"]), (&720.into(), &json!(-1)));
    assert!(!posted.to_string().contains("PRIVATE"), "{posted}");
    let public_key = fs::read_to_string(format!("{}.pub", called[1])).unwrap();
    assert_eq!(posted["public_key"], public_key.trim_end());
}

#[test]
fn all_files_have_restricted_modes() {
    let portal = Portal::start();
    let machine = Machine::signed_in_to(&portal);
    machine.tms(&["ssh", "testhost1"]);
    let kept = machine.state_files();
    assert!(kept.iter().any(|path| path.ends_with("keys")) && kept.iter().any(|path| path.ends_with("testhost1/testhostaccount1/id_ed25519")));
    for path in &kept {
        assert_eq!(mode(path), if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
    }
    assert_eq!(kept.iter().filter(|path| !path.is_dir()).count(), 5, "nothing unfinished is left: {kept:?}");
}

#[test]
fn active_key_is_reused() {
    let portal = Portal::start();
    // Among others, on a later page.
    portal.state().keys = (1..=5).map(|id| crate::portal::key(id, "SHA256:other")).collect();
    let machine = Machine::signed_in_to(&portal);
    machine.tms(&["ssh", "testhost1"]);
    let first = key_of(&machine.ssh_arguments().unwrap());
    portal.requests();

    let run = machine.tms(&["ssh", "testhostaccount1@testhost1"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    assert_eq!(portal.requests(), [HOSTS, LIST, LIST, LIST, ME]);
    assert_eq!(key_of(&machine.ssh_arguments().unwrap()), first);
}

/// As after an administrator removed `keys:create` from `tms`: hosts do not get the key, although it is listed.
#[test]
fn key_refused_by_hosts_is_not_used() {
    let portal = Portal::start();
    let machine = Machine::signed_in_to(&portal);
    machine.tms(&["ssh", "testhost1"]);
    machine.ssh_arguments().unwrap();
    portal.state().scope = "hosts:read keys:read keys:revoke";
    let run = machine.tms(&["ssh", "testhost1"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.err.contains("an administrator of") && run.err.contains("reduced the permissions of this application"), "{run:?}");
    assert!(run.err.contains("keys:create is missing. Signing in again does not help"), "{run:?}");
    assert!(machine.ssh_arguments().is_none());
}

#[test]
fn revoked_or_used_up_key_is_replaced() {
    for end in [None, Some("used up"), Some("expired")] {
        let portal = Portal::start();
        let machine = Machine::signed_in_to(&portal);
        machine.tms(&["ssh", "testhost1"]);
        let first = key_of(&machine.ssh_arguments().unwrap());
        match end {
            None => portal.state().keys.clear(),
            Some(state) => portal.state().keys[0]["state"] = state.into(),
        }
        portal.requests();

        let run = machine.tms(&["ssh", "testhost1"]);
        assert!(run.err.starts_with("Created a key"), "{run:?}");
        // The id of a deleted key may be reused, so no key is revoked by that id.
        assert_eq!(portal.requests(), [HOSTS, LIST, REGISTER]);
        let second = key_of(&machine.ssh_arguments().unwrap());
        assert_ne!(first, second);
        assert_eq!(fingerprints(&portal).last(), Some(&second.into()));
    }
}

#[test]
fn expiring_key_is_replaced_and_revoked() {
    let portal = Portal::start();
    let machine = Machine::signed_in_to(&portal);
    portal.state().expires_at = "2020-01-01T00:00:00+00:00";
    machine.tms(&["ssh", "testhost1"]);
    portal.state().expires_at = "2999-01-01T12:00:00+00:00";
    portal.requests();

    let run = machine.tms(&["ssh", "testhost1", "--ttl-minutes", "5"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(portal.requests(), [HOSTS, LIST, REGISTER, "DELETE /v1/tms/me/keys/101"]);
    assert_eq!(portal.state().posted["ttl_minutes"], 5);
    assert_eq!(fingerprints(&portal), [key_of(&machine.ssh_arguments().unwrap())]);
}

#[test]
fn modified_key_is_replaced() {
    type Touch = fn(&Path);
    let touches: [Touch; 3] = [
        |key| fs::remove_file(key).unwrap(),
        |key| fs::write(key, "not a key").unwrap(),
        |key| fs::set_permissions(key, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap(),
    ];
    for touch in touches {
        let portal = Portal::start();
        let machine = Machine::signed_in_to(&portal);
        machine.tms(&["ssh", "testhost1"]);
        touch(Path::new(&machine.ssh_arguments().unwrap()[1]));
        let run = machine.tms(&["ssh", "testhost1"]);
        assert!(run.err.starts_with("Created a key"), "{run:?}");
        let called = machine.ssh_arguments().unwrap();
        assert_eq!((fingerprints(&portal), mode(Path::new(&called[1]))), (vec![key_of(&called).into()], 0o600));
    }
}

#[test]
fn concurrent_runs_share_one_key() {
    let portal = Portal::start();
    let machine = Machine::signed_in_to(&portal);
    let running: Vec<_> = (0..4).map(|_| machine.command(&["ssh", "testhost1"]).spawn().unwrap()).collect();
    for running in running {
        assert_eq!(Run::of(running.wait_with_output().unwrap()).code, Some(0));
    }
    assert_eq!(portal.requests().iter().filter(|requests| *requests == REGISTER).count(), 1);
}

/// As on a read-only file system.
#[test]
fn nothing_is_written_while_the_key_is_active() {
    let portal = Portal::start();
    let machine = Machine::signed_in_to(&portal);
    machine.tms(&["ssh", "testhost1"]);
    let key = machine.ssh_arguments().unwrap()[1].clone();
    let directory = Path::new(&key).parent().unwrap().to_owned();
    fs::remove_file(directory.join("lock")).unwrap();
    let modes = |mode: u32| {
        for directory in [&directory, &machine.state()] {
            fs::set_permissions(directory, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        }
    };
    modes(0o500);
    let before = machine.state_files();
    for words in [&["ssh", "testhost1"][..], &["hosts"], &["keys"]] {
        let run = machine.tms(words);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{words:?}");
    }
    assert_eq!((machine.state_files(), machine.ssh_arguments().unwrap()[1].clone()), (before, key));
    modes(0o700);
}

#[test]
fn works_on_file_systems_without_locks() {
    let portal = Portal::start();
    let machine = Machine::signed_in_to(&portal);
    let library = machine.library("flock", NO_LOCKS);
    for errno in [Errno::NOSYS, Errno::OPNOTSUPP, Errno::NOLCK] {
        portal.state().keys.clear();
        let mut command = machine.command(&["ssh", "testhost1"]);
        let run = Run::of(command.env("LD_PRELOAD", &library).env("FLOCK_ERROR", errno.raw_os_error().to_string()).output().unwrap());
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(run.err.starts_with("Files in ") && run.err.contains(" cannot be locked (") && run.err.contains("\nCreated a key for "), "{run:?}");
        assert_eq!(fingerprints(&portal), [key_of(&machine.ssh_arguments().unwrap())]);
    }
}

#[test]
fn command_without_separator_is_explained() {
    let machine = Machine::new();
    for words in [&["ssh", "testhost1", "hostname"][..], &["ssh", "testhost1", "-p", "2222"], &["ssh", "testhost1", "squeue", "--me"]] {
        let run = machine.tms(words);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.err.contains("stands behind `--`: tms ssh HOST -- COMMAND"), "{run:?}");
    }
    assert!(!machine.tms(&["hosts", "x"]).err.contains("behind `--`"));
}

#[test]
fn exit_status_is_that_of_ssh() {
    let portal = Portal::start();
    let machine = Machine::signed_in_to(&portal);
    for status in [0, 3, 255] {
        let output = machine.command(&["ssh", "testhost1", "--", "exit 3"]).env("SSH_STATUS", status.to_string()).output().unwrap();
        assert_eq!(output.status.code(), Some(status));
    }
}

#[test]
fn host_with_address_keeps_its_name() {
    let portal = Portal::start();
    portal.state().hosts[0]["address"] = "login1.example.org".into();
    let machine = Machine::signed_in_to(&portal);
    machine.tms(&["ssh", "testhost1"]);
    let called = machine.ssh_arguments().unwrap();
    assert_eq!(called[8..], ["-o", "HostName=login1.example.org", "-o", "HostKeyAlias=testhost1", "testhost1"]);
}

#[test]
fn host_is_selected_by_address() {
    let portal = Portal::start();
    portal.state().hosts[0]["address"] = "vista.tacc.example".into();
    let machine = Machine::signed_in_to(&portal);
    let run = machine.tms(&["ssh", "VISTA.tacc.example"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(machine.ssh_arguments().unwrap()[8..], ["-o", "HostName=vista.tacc.example", "-o", "HostKeyAlias=testhost1", "testhost1"]);
}

#[test]
fn ambiguous_host_is_refused() {
    let portal = Portal::start();
    let mut expired = host("testhostaccount1", "gone");
    expired["state"] = "expired".into();
    portal.state().hosts = vec![host("a", "both"), host("b", "both"), expired];
    let machine = Machine::signed_in_to(&portal);
    let covered =
        "it covers a@both, b@both. If the account is linked (`tms link` on the host, or Hosts in the portal), run `tms login` and select it";
    for (destination, why) in [
        ("both", "tms: you have several accounts on both (a@both, b@both): name one, as in `tms ssh ACCOUNT@both`\n"),
        ("gone", "tms: the link to testhostaccount1@gone has expired: run `tms link` again on the host, or renew it under Hosts in the portal\n"),
        ("elsewhere", &format!("tms: this sign-in covers no host account on elsewhere; {covered}\n")),
        ("c@both", &format!("tms: this sign-in covers no host account c@both; {covered}\n")),
    ] {
        let run = machine.tms(&["ssh", destination]);
        assert_eq!((run.code, run.err.as_str()), (Some(1), why));
    }
    assert_eq!(machine.tms(&["ssh", "both", "--json"]).json()["error"], "no_such_host_account");
    assert!(machine.ssh_arguments().is_none());
    assert!(portal.requests().iter().all(|requests| requests == HOSTS), "no key was made");
    assert_eq!(machine.tms(&["ssh", "b@both"]).code, Some(0));
}

#[test]
fn names_unsafe_for_ssh_are_refused() {
    let portal = Portal::start();
    let hostile = ["../../x", "-oProxyCommand=touch owned", "x;touch owned", "x%h", "..", "a/b"];
    let machine = Machine::signed_in_to(&portal);
    for name in hostile {
        let mut addressed = host("a", "testhost1");
        addressed["address"] = name.into();
        for (shared, typed) in
            [(host("a", name), format!("a@{name}")), (host(name, "testhost1"), "testhost1".to_owned()), (addressed, "testhost1".to_owned())]
        {
            portal.state().hosts = vec![shared];
            let run = machine.tms(&["ssh", &typed]);
            assert_eq!(run.code, Some(1), "{name}: {run:?}");
            assert!(run.err.contains("cannot be used with ssh"), "{run:?}");
        }
    }
    assert!(machine.ssh_arguments().is_none());
    assert_eq!(machine.state_files(), [machine.path("state/credentials.json")]);
    assert_eq!(machine.tms(&["ssh", "-oProxyCommand=touch owned"]).code, Some(2));
}

#[test]
fn control_characters_are_removed() {
    let portal = Portal::start();
    portal.state().hosts = vec![host("a\u{1b}[2J", "test\u{1b}host1\n"), host("b", "test\u{9b}host2")];
    let machine = Machine::signed_in_to(&portal);
    let run = machine.tms(&["ssh", "nowhere"]);
    assert!(run.err.contains("it covers a[2J@testhost1 , b@testhost2") && !run.err.contains('\u{1b}'), "{run:?}");
    assert_eq!(machine.tms(&["ssh", "testhost2"]).code, Some(0));
    assert_eq!(machine.ssh_arguments().unwrap().last().unwrap(), "testhost2");
}

#[test]
fn refused_registration_is_reported_and_stores_nothing() {
    let portal = Portal::start();
    let machine = Machine::signed_in_to(&portal);
    portal.state().refusal = Some((403, "", "Sign in to the portal with your second factor first."));
    let run = machine.tms(&["ssh", "testhost1"]);
    assert_eq!((run.code, run.out.as_str()), (Some(1), ""));
    assert_eq!(run.err, format!("tms: {} refused: Sign in to the portal with your second factor first.\n", portal.url));
    assert_eq!(machine.tms(&["--json", "ssh", "testhost1"]).json()["error"], "not_allowed");

    portal.state().refusal = Some((409, "", "That key is registered for this host."));
    assert!(machine.tms(&["ssh", "testhost1"]).err.contains("That key is registered for this host."));
    assert!(machine.ssh_arguments().is_none());
    assert!(machine.state_files().iter().all(|path| path.is_dir() || path.ends_with("lock") || path.ends_with("credentials.json")), "no key is left");
}

#[test]
fn scope_not_requested_needs_new_sign_in() {
    let portal = Portal::start();
    let machine = Machine::signed_in_for(&portal, "hosts:read", "hosts:read");
    let challenge = "WWW-Authenticate: Bearer realm=\"tms\", error=\"insufficient_scope\", scope=\"keys:create\"\r\n";
    portal.state().refusal = Some((403, challenge, "ERROR: FORBIDDEN - the access token lacks the required scope."));
    let run = machine.tms(&["ssh", "testhost1"]);
    let said = format!("tms: your sign-in to {}, tenant test does not cover this (keys:create): sign in again with `tms login`\n", portal.url);
    assert_eq!((run.code, run.err), (Some(3), said));

    let machine = Machine::signed_in_for(&portal, "hosts:read keys:create", "hosts:read");
    let run = machine.tms(&["ssh", "testhost1"]);
    assert!(run.code == Some(3) && run.err.contains("did not let this application, `tms`, request it (keys:create)"), "{run:?}");
}

#[test]
fn directory_unsafe_for_ssh_is_refused() {
    let portal = Portal::start();
    let machine = Machine::signed_in_to(&portal);
    fs::rename(machine.state(), machine.path("100%")).unwrap();
    let run = Run::of(machine.command(&["ssh", "testhost1"]).env("TMS_CONFIG_DIR", machine.path("100%")).output().unwrap());
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("set TMS_CONFIG_DIR to another directory"), "{run:?}");
    assert_eq!(portal.requests(), [HOSTS]);
}

#[test]
fn missing_ssh_is_reported() {
    let portal = Portal::start();
    let machine = Machine::signed_in_to(&portal);
    let output = machine.command(&["ssh", "testhost1"]).env("PATH", machine.path("nothing")).output().unwrap();
    let run = Run::of(output);
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("install OpenSSH's client"), "{run:?}");
}
