//! `tms keys` and `tms keys revoke`

use serde_json::{Value, json};

use crate::machine::{Machine, Run};
use crate::portal::{Portal, TOKEN, host, key};

fn with_five_keys() -> (Portal, Machine) {
    let portal = Portal::start();
    portal.state().keys = (1..=5).map(|id| key(id, &format!("SHA256:{}", ["a", "b", "c"][id as usize % 3]))).collect();
    let machine = Machine::signed_in_to(&portal);
    (portal, machine)
}

fn left(portal: &Portal) -> Vec<Value> {
    portal.state().keys.iter().map(|key| key["id"].clone()).collect()
}

#[test]
fn all_pages_are_listed() {
    let (portal, machine) = with_five_keys();
    let run = machine.tms(&["keys"]);
    assert_eq!((run.code, run.out.lines().count()), (Some(0), 6), "{run:?}");
    let line = "5   testhost1  testhostaccount1  active  testclient1  never      never    SHA256:c";
    assert_eq!(run.out.lines().last(), Some(line));

    let listed = machine.tms(&["keys", "--json"]).json();
    assert_eq!((&listed["num_keys"], &listed["server"], &listed["tenant"]), (&5.into(), &portal.url.as_str().into(), &"test".into()));
    assert_eq!(listed["keys"], Value::from(portal.state().keys.clone()), "as the portal tells them");
}

#[test]
fn result_that_cannot_be_written_is_an_error() {
    let (_portal, machine) = with_five_keys();
    for words in [&["keys"][..], &["keys", "--json"], &["hosts"]] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let run = Run::of(machine.command(words).stdout(full).output().unwrap());
        assert_eq!(run.code, Some(1), "{words:?} {run:?}");
        assert!(run.err.starts_with("tms: cannot write to standard output: "), "{run:?}");
        let (reader, closed) = std::io::pipe().unwrap();
        drop(reader);
        let run = Run::of(machine.command(words).stdout(closed).output().unwrap());
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{words:?}");
    }
}

#[test]
fn empty_variables_count_as_unset() {
    let (_portal, machine) = with_five_keys();
    let plain = machine.tms(&["keys"]);
    let names = ["TMS_SERVER", "TMS_TENANT", "TMS_CA_FILE", "TAPIS_BASE_URL", "TAPIS_CLIENT_ID"];
    for name in names {
        let run = Run::of(machine.command(&["keys"]).env(name, "").output().unwrap());
        assert_eq!((run.code, &run.out, &run.err), (Some(0), &plain.out, &plain.err), "{name}");
    }
    let help = [machine.tms(&["login", "--help"]).out, machine.tms(&["tapis", "login", "--help"]).out].concat();
    let words: Vec<&str> = help.split_whitespace().collect();
    let named = words.windows(2).filter(|pair| pair[0] == "[env:").filter_map(|pair| pair[1].split('=').next());
    assert!(named.into_iter().all(|name| names.contains(&name)), "all of them are tried: {help}");
}

/// Such as one that the person added in the portal: it has no client.
#[test]
fn key_without_client_is_listed_as_own() {
    let (portal, machine) = with_five_keys();
    portal.state().keys[4]["client_id"] = Value::Null;
    let run = machine.tms(&["keys"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    assert!(run.out.lines().last().unwrap().contains("  active  you          never"), "{run:?}");
    assert_eq!(machine.tms(&["keys", "--json"]).json()["keys"][4]["client_id"], Value::Null);
    assert_eq!(machine.tms(&["ssh", "testhost1"]).code, Some(0));
}

#[test]
fn unreadable_key_is_skipped_and_counted() {
    let (portal, machine) = with_five_keys();
    for odd in [json!({ "id": "two" }), Value::Null] {
        portal.state().keys[1] = odd;
        let run = machine.tms(&["keys"]);
        assert_eq!((run.code, run.out.lines().count()), (Some(0), 5), "{run:?}");
        assert_eq!(run.err, "1 key of the list cannot be read by this program and is not shown. Check for a newer `tms`.\n");
        let listed = machine.tms(&["keys", "--json"]).json();
        assert_eq!((&listed["num_keys"], &listed["num_unreadable"]), (&4.into(), &1.into()));
    }
    // The first creates a key, the second finds it in the list.
    assert!((0..2).all(|_| machine.tms(&["ssh", "testhost1"]).code == Some(0)));
    portal.state().hosts.push(json!({ "host": "new" }));
    let run = machine.tms(&["hosts"]);
    assert_eq!((run.code, run.out.lines().count(), run.err.contains("1 host account of the list")), (Some(0), 2, true), "{run:?}");
    assert_eq!(machine.tms(&["keys", "revoke", "1"]).code, Some(0));
}

#[test]
fn empty_list_says_how_to_create_a_key() {
    let portal = Portal::start();
    let run = Machine::signed_in_to(&portal).tms(&["keys"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), "No keys. `tms ssh HOST` creates one when needed.\n"));
}

#[test]
fn keys_are_revoked_by_id_and_fingerprint() {
    let (portal, machine) = with_five_keys();
    let run = machine.tms(&["keys", "revoke", "1", "SHA256:a"]);
    assert_eq!((run.code, run.out.as_str()), (Some(0), "2 keys revoked.\n"), "{run:?}");
    assert_eq!(run.err, "Revoked 1: testhostaccount1 on testhost1.\nRevoked 3: testhostaccount1 on testhost1.\n");
    assert_eq!(left(&portal), [2, 4, 5]);

    let revoked = machine.tms(&["keys", "revoke", "--json", "4"]).json();
    let key = json!({ "id": 4, "host": "testhost1", "host_account": "testhostaccount1", "public_key_fingerprint": "SHA256:b" });
    assert_eq!((&revoked["num_revoked"], &revoked["keys"]), (&1.into(), &json!([key])));
}

#[test]
fn unknown_key_revokes_nothing() {
    let (portal, machine) = with_five_keys();
    let run = machine.tms(&["keys", "revoke", "1", "17"]);
    assert_eq!((run.code, run.err.as_str()), (Some(1), "tms: key 17 does not exist or is not visible to this sign-in: see `tms keys`\n"));
    for wrong in [&["keys", "revoke", "testhost1"][..], &["keys", "revoke"], &["keys", "revoke", "--all", "1"]] {
        assert_eq!(machine.tms(wrong).code, Some(2), "{wrong:?}");
    }
    assert_eq!(left(&portal).len(), 5);
}

#[test]
fn revoking_all_keys_requires_confirmation() {
    let (portal, machine) = with_five_keys();
    let run = machine.tms(&["keys", "revoke", "--all"]);
    assert_eq!((run.code, run.err.as_str()), (Some(2), "tms: not a terminal: pass --yes to revoke all keys\n"));
    assert_eq!((left(&portal).len(), portal.requests().len()), (5, 0));

    let run = machine.tms(&["keys", "revoke", "--all", "--yes"]);
    assert_eq!((run.code, run.out.as_str()), (Some(0), "5 keys revoked.\n"));
    assert!(left(&portal).is_empty());
}

#[test]
fn ended_sign_in_is_reported() {
    let portal = Portal::start();
    let machine = Machine::signed_in_to(&portal);
    let place = json!({ "server": portal.url, "tenant": "test" });
    let old = json!({ "server": portal.url, "tenant": "test", "access_token": "old", "scope": "hosts:read", "expires_at": null });
    machine.write("state/credentials.json", &json!({ "current": place, "sign_ins": [old] }).to_string(), 0o600);
    for words in [&["keys"][..], &["keys", "revoke", "1"], &["ssh", "testhost1"]] {
        assert_eq!(machine.tms(words).code, Some(3), "{words:?}");
    }
}

/// Simulates a read-only key directory, which root could write to.
const READ_ONLY: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
int unlinkat(int directory, const char *name, int flags) {
    char link[64], place[4096] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
    if (readlink(link, place, sizeof place - 1) > 0 && strstr(place, "/testhost1/")) { errno = EACCES; return -1; }
    return syscall(SYS_unlinkat, directory, name, flags);
}
"#;

#[test]
fn logout_names_files_it_cannot_delete() {
    let portal = Portal::start();
    portal.state().hosts.push(host("testhostaccount1", "testhost2"));
    let machine = Machine::signed_in_to(&portal);
    for host in ["testhost1", "testhost2"] {
        assert_eq!(machine.tms(&["ssh", host]).code, Some(0));
    }
    let library = machine.library("unlinkat", READ_ONLY);

    // This portal refuses to revoke, as one that is down.
    let run = Run::of(machine.command(&["logout"]).env("LD_PRELOAD", &library).output().unwrap());
    assert_eq!((run.code, run.out.as_str()), (Some(1), ""), "{run:?}");
    let kept = machine.state_files();
    let left: Vec<_> = kept.iter().filter(|path| path.ends_with("id_ed25519")).collect();
    assert!(matches!(left.as_slice(), [key] if key.ends_with("testhost1/testhostaccount1/id_ed25519")), "{kept:?}");
    let directory = left[0].parent().unwrap().display().to_string();
    assert!(run.err.contains("did not revoke the sign-in") && run.err.contains("the access token, "), "{run:?}");
    assert!(run.err.contains(&format!("could not be deleted:\n    cannot delete the key in {directory}: ")), "{run:?}");
    assert!(!run.err.contains("The files on this machine are deleted"), "{run:?}");
    assert!(!std::fs::read_to_string(machine.path("state/credentials.json")).unwrap().contains(TOKEN), "the token is forgotten all the same");

    // Again, without a sign-in.
    let run = Run::of(machine.command(&["logout", "--json"]).env("LD_PRELOAD", &library).output().unwrap());
    let said = run.json();
    assert_eq!((run.code, &said["error"], &said["signed_in"]), (Some(1), &json!("not_deleted"), &json!(false)), "{said}");
    assert!(said["not_deleted"][0].as_str().unwrap().contains(&directory), "{said}");
    let run = machine.tms(&["logout"]);
    assert!(run.code == Some(0) && run.out.ends_with("Its key on this machine was deleted.\n"), "{run:?}");
    assert!(machine.state_files().iter().all(|path| !path.ends_with("id_ed25519")));
}
