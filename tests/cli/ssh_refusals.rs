//! Why a login was refused: after `tms ssh` failed, and with `tms ssh --why`.

use serde_json::json;

use crate::machine::{Machine, Run};
use crate::portal::{Portal, refusal};

const REFUSALS: &str = "GET /v1/tms/me/refusals";
/// Ten seconds before the time of the portal.
const NOW: &str = "2026-11-20T20:00:00+00:00";

/// A machine with a key, and its fingerprint.
fn with_a_key(portal: &Portal) -> (Machine, String) {
    let machine = Machine::signed_in_to(portal);
    assert_eq!(machine.tms(&["ssh", "testhost1"]).code, Some(0));
    let fingerprint = portal.state().keys[0]["public_key_fingerprint"].as_str().unwrap().to_owned();
    portal.requests();
    (machine, fingerprint)
}

fn ssh_with_status(machine: &Machine, status: &str) -> Run {
    Run::of(machine.command(&["ssh", "testhost1"]).env("SSH_STATUS", status).output().unwrap())
}

#[test]
fn refused_login_is_explained() {
    let portal = Portal::start();
    let (machine, fingerprint) = with_a_key(&portal);
    portal.state().refusals = Some(vec![refusal("SHA256:other", NOW), refusal(&fingerprint, NOW)]);
    let run = ssh_with_status(&machine, "255");
    let said = "tms: the portal refused the key for testhostaccount1@testhost1: the key has expired: create a new one\n";
    assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (Some(255), "", said));
    assert_eq!(portal.requests().last().unwrap(), REFUSALS);
    for status in ["0", "1", "254"] {
        assert_eq!(ssh_with_status(&machine, status).err, "", "{status}: it had logged in");
    }
    assert!(!portal.requests().contains(&REFUSALS.to_owned()));
}

#[test]
fn failure_without_a_recent_refusal_says_nothing() {
    let portal = Portal::start();
    let (machine, fingerprint) = with_a_key(&portal);
    let refusals = [Some(Vec::new()), None, Some(vec![refusal("SHA256:other", NOW)]), Some(vec![refusal(&fingerprint, "2026-11-20T19:50:00+00:00")])];
    for refusals in refusals {
        portal.state().refusals = refusals;
        let run = ssh_with_status(&machine, "255");
        assert_eq!((run.code, run.err.as_str()), (Some(255), ""));
    }
}

#[test]
fn why_lists_refused_logins() {
    let portal = Portal::start();
    let machine = Machine::signed_in_to(&portal);
    let run = machine.tms(&["ssh", "--why", "testhost1"]);
    assert!(
        run.code == Some(0)
            && run.out.starts_with("No refused login on testhost1 was recorded in the last 30 days.")
            && run.out.lines().count() == 1
            && run.err.is_empty(),
        "{run:?}"
    );

    portal.state().refusals = Some(vec![refusal("SHA256:x", NOW), json!({ "reason": 7 })]);
    let run = machine.tms(&["ssh", "--why", "testhostaccount1@testhost1"]);
    assert_eq!(
        run.out,
        "LAST REFUSED                 ACCOUNT                     TIMES  REASON\n\
         20 November 2026, 20:00 UTC  testhostaccount1@testhost1  3      the key has expired: create a new one\n"
    );
    assert!(run.err.starts_with("1 refusal of the list cannot be read"), "{run:?}");
    let object = machine.tms(&["--json", "ssh", "--why", "testhost1"]).json();
    assert_eq!((&object["num_refusals"], &object["num_unreadable"]), (&json!(1), &json!(1)));
    assert_eq!(object["refusals"][0]["reason"], "key_expired");
    assert!(portal.requests().iter().all(|request| request == REFUSALS) && machine.ssh_arguments().is_none(), "it does not log in");
}

#[test]
fn why_fails_as_other_commands_do() {
    let portal = Portal::start();
    portal.state().refusals = None;
    let machine = Machine::signed_in_to(&portal);
    assert_eq!(machine.tms(&["--json", "ssh", "--why", "testhost1"]).json()["error"], "refused");
    assert_eq!(Machine::new().tms(&["ssh", "--why", "testhost1"]).code, Some(2), "no server is known");
    assert_eq!(machine.tms(&["ssh", "--why", "testhost1", "--", "hostname"]).code, Some(2));
    portal.state().refusals = Some(vec![refusal("SHA256:x", "2026\u{1b}[2J")]);
    assert!(!machine.tms(&["ssh", "--why", "testhost1"]).out.contains('\u{1b}'));
}
