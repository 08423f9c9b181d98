//! Sign-ins with a refresh token: renewal, its failures, and the end of the sign-in.

use std::fs;
use std::net::TcpListener;
use std::process::Child;
use std::thread;

use rustix::io::Errno;
use serde_json::{Value, json};

use crate::authorization_server::{Features, Replaces};
use crate::machine::{Machine, NO_LOCKS, Run, kill, mode, now, wait_until};
use crate::portal::{Moment, Portal, TOKEN};

const METADATA: &str = "GET /.well-known/oauth-authorization-server/t/test";
const TOKEN_REQUEST: &str = "POST /t/test/oauth/token";
const ME: &str = "GET /v1/tms/me";
const HOSTS: &str = "GET /v1/tms/me/hosts";
const REGISTER: &str = "POST /v1/tms/me/keys";
/// 1 January 2020, 12:00 UTC, in milliseconds.
const NOON: i64 = 1_577_880_000_000;

fn signed_in() -> (Portal, Machine) {
    let portal = Portal::with_authorization_server();
    let machine = Machine::renewable(&portal);
    (portal, machine)
}

/// A sign-in whose access token has expired.
fn expired() -> (Portal, Machine) {
    let (portal, machine) = signed_in();
    machine.expire(&portal);
    (portal, machine)
}

fn credentials(machine: &Machine) -> String {
    fs::read_to_string(machine.path("state/credentials.json")).unwrap()
}

/// The refresh tokens that were presented since the last call.
fn presented(portal: &Portal) -> Vec<String> {
    portal.oauth(|oauth| oauth.take_forms("token")).into_iter().filter_map(|mut form| form.remove("refresh_token")).collect()
}

fn reuses(portal: &Portal) -> usize {
    portal.oauth(|oauth| oauth.reuses)
}

#[track_caller]
fn assert_works(machine: &Machine) {
    let run = machine.tms(&["whoami"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{run:?}");
}

fn login(machine: &Machine, portal: &Portal, more: &[&str]) -> Run {
    let run = machine.tms(&[&["login", "--server", &portal.url, "--tenant", "test"], more].concat());
    assert_eq!(run.code, Some(0), "{run:?}");
    run
}

#[test]
fn login_asks_for_refresh_tokens_if_they_are_listed() {
    let (portal, machine) = (Portal::with_authorization_server(), Machine::new());
    let before = now();
    login(&machine, &portal, &[]);
    let asked = portal.oauth(|oauth| oauth.take_forms("device_authorization"));
    assert_eq!(asked[0]["scope"], "hosts:read keys:read keys:create keys:revoke offline_access");
    let sign_in = machine.sign_in();
    assert_eq!(
        (&sign_in["refresh_token"], &sign_in["requested_scope"]),
        (&json!("tmsr_0_1"), &json!("hosts:read keys:read keys:create keys:revoke"))
    );
    let day = 24 * 3600 * 1000;
    for (time, length) in [("expires_at", 3_600_000), ("access_until", 30 * day), ("refresh_expires_at", 14 * day)] {
        let end = sign_in[time].as_i64().unwrap() - length;
        assert!((before..=now()).contains(&end), "{time}: {sign_in}");
    }
    assert_eq!(mode(&machine.path("state/credentials.json")), 0o600);
    assert_works(&machine);

    login(&machine, &portal, &["--scope", "hosts:read offline_access"]);
    assert_eq!(portal.oauth(|oauth| oauth.take_forms("device_authorization"))[0]["scope"], "hosts:read offline_access");
    let ended: Vec<bool> = portal.oauth(|oauth| oauth.families.iter().map(|family| family.ended).collect());
    assert_eq!(ended, [true, false], "the earlier sign-in is revoked");
    let revoked = portal.oauth(|oauth| oauth.take_forms("revoke"));
    assert_eq!((revoked[0]["token"].as_str(), revoked[0]["token_type_hint"].as_str()), ("tmsr_0_1", "refresh_token"));
}

/// A portal before refresh tokens.
#[test]
fn login_is_as_before_if_refresh_tokens_are_not_listed() {
    let (portal, machine) = (Portal::with_authorization_server(), Machine::new());
    let features =
        Features { refresh_tokens: false, authorization_endpoint: false, pushed_requests: false, issuer: false, allows_browser_flow: false };
    portal.oauth(|oauth| oauth.features = features);
    login(&machine, &portal, &[]);
    assert_eq!(portal.oauth(|oauth| oauth.take_forms("device_authorization"))[0]["scope"], "hosts:read keys:read keys:create keys:revoke");
    let sign_in = machine.sign_in();
    let mut names: Vec<&String> = sign_in.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["access_token", "expires_at", "requested_scope", "scope", "server", "tenant"]);

    machine.expire(&portal);
    portal.requests();
    let run = machine.tms(&["whoami"]);
    let said = format!("tms: your sign-in to {}, tenant test has expired or was revoked: run `tms login`\n", portal.url);
    assert_eq!((run.code, run.err, portal.requests()), (Some(3), said, vec![ME.to_owned()]));
}

#[test]
fn expired_token_is_renewed_before_the_request() {
    let (portal, machine) = expired();
    assert_works(&machine);
    assert_eq!(portal.requests(), [METADATA, TOKEN_REQUEST, ME]);
    assert_eq!(presented(&portal), ["tmsr_0_1"]);
    let sign_in = machine.sign_in();
    assert_eq!((&sign_in["refresh_token"], &sign_in["access_token"]), (&json!("tmsr_0_2"), &json!("access-0-2-2")));
    assert_eq!(mode(&machine.path("state/credentials.json")), 0o600);
    assert_works(&machine);
    assert_eq!(portal.requests(), [ME], "once");
}

#[test]
fn refused_token_is_renewed_once() {
    let (portal, machine) = signed_in();
    portal.oauth(|oauth| oauth.void_access_tokens());
    assert_works(&machine);
    assert_eq!(portal.requests(), [ME, METADATA, TOKEN_REQUEST, ME]);

    // A portal that accepts none of the tokens that it issues.
    portal.oauth(|oauth| oauth.accepts_none = true);
    let run = machine.tms(&["whoami"]);
    assert!(run.code == Some(3) && run.err.contains("has expired or was revoked: run `tms login`"), "{run:?}");
    assert_eq!(portal.requests(), [ME, METADATA, TOKEN_REQUEST, ME]);
}

#[test]
fn response_may_keep_or_omit_the_refresh_token() {
    for (replaces, kept) in [(Replaces::Same, "tmsr_0_1"), (Replaces::Nothing, "tmsr_0_1"), (Replaces::Another, "tmsr_0_3")] {
        let (portal, machine) = signed_in();
        portal.oauth(|oauth| oauth.replaces = replaces);
        for _ in 0..2 {
            machine.expire(&portal);
            assert_works(&machine);
        }
        assert_eq!((machine.sign_in()["refresh_token"].as_str(), presented(&portal).len(), reuses(&portal)), (Some(kept), 2, 0));
    }
}

fn start_all(number: usize, machine: &Machine) -> Vec<Child> {
    (0..number).map(|_| machine.command(&["whoami"]).spawn().unwrap()).collect()
}

#[track_caller]
fn assert_all_succeed(running: Vec<Child>) {
    for running in running {
        let run = Run::of(running.wait_with_output().unwrap());
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    }
}

#[test]
fn hundred_commands_at_once_renew_once() {
    let (portal, machine) = expired();
    assert_all_succeed(start_all(100, &machine));
    assert_eq!((presented(&portal).len(), reuses(&portal)), (1, 0));

    // With a token that only the portal knows to have ended.
    portal.oauth(|oauth| oauth.void_access_tokens());
    assert_all_succeed(start_all(30, &machine));
    assert_eq!((presented(&portal).len(), reuses(&portal)), (1, 0));
}

#[test]
fn commands_at_once_work_without_locks() {
    let (portal, machine) = expired();
    let library = machine.library("flock", NO_LOCKS);
    for _ in 0..3 {
        let start = |_| machine.command(&["whoami"]).env("LD_PRELOAD", &library).env("FLOCK_ERROR", Errno::NOLCK.raw_os_error().to_string()).spawn();
        assert_all_succeed((0..12).map(|place| start(place).unwrap()).collect());
        assert_eq!(reuses(&portal), 0);
        machine.expire(&portal);
    }
}

/// The portal replaces the refresh token in each case.
#[test]
fn killed_renewal_loses_no_sign_in() {
    for moment in [Moment::BeforeProcessing, Moment::BeforeResponse] {
        let (portal, machine) = expired();
        let pause = portal.pause(moment);
        let mut renewing = machine.command(&["whoami"]).spawn().unwrap();
        pause.wait_until_reached();
        renewing.kill().unwrap();
        renewing.wait().unwrap();
        drop(pause);
        // Longer than the time in which a portal answers repetitions anyway.
        portal.oauth(|oauth| oauth.now += 3600);
        assert_works(&machine);
        machine.expire(&portal);
        assert_works(&machine);
        assert_eq!(reuses(&portal), 0);
    }
}

#[test]
fn renewal_killed_while_it_writes_loses_no_sign_in() {
    for spins in 0..24 {
        let (portal, machine) = expired();
        let before = credentials(&machine);
        let pause = portal.pause(Moment::BeforeResponse);
        let mut renewing = machine.command(&["whoami"]).spawn().unwrap();
        pause.wait_until_reached();
        drop(pause);
        match spins {
            0 => wait_until("the tokens are stored", || credentials(&machine) != before),
            spins => (0..spins * 40).for_each(|_| thread::yield_now()),
        }
        renewing.kill().unwrap();
        renewing.wait().unwrap();
        assert_works(&machine);
        machine.expire(&portal);
        assert_works(&machine);
        assert_eq!(reuses(&portal), 0, "{spins}");
    }
}

#[test]
fn interrupted_renewal_loses_no_sign_in() {
    let (portal, machine) = expired();
    let pause = portal.pause(Moment::BeforeResponse);
    let renewing = machine.command(&["whoami"]).spawn().unwrap();
    pause.wait_until_reached();
    kill("-INT", &renewing.id().to_string());
    assert_eq!(Run::of(renewing.wait_with_output().unwrap()).code, Some(130));
    drop(pause);
    assert_works(&machine);
    assert_eq!(reuses(&portal), 0);
}

#[test]
fn lost_response_keeps_the_sign_in() {
    let (portal, machine) = expired();
    portal.state().lost_responses = 1;
    assert_works(&machine);
    assert_eq!((presented(&portal), reuses(&portal)), (vec!["tmsr_0_1".to_owned(); 2], 0));

    machine.expire(&portal);
    portal.state().lost_responses = 2;
    let before = credentials(&machine);
    let run = machine.tms(&["whoami", "--json"]);
    assert_eq!((run.code, &run.json()["error"]), (Some(1), &json!("no_answer")), "{run:?}");
    assert_eq!(credentials(&machine), before);
    portal.oauth(|oauth| oauth.now += 3600);
    assert_works(&machine);
    assert_eq!((presented(&portal), reuses(&portal)), (vec!["tmsr_0_2".to_owned(); 3], 0));
}

/// As with a full disk or an exceeded quota.
#[test]
fn nothing_is_requested_that_cannot_be_stored() {
    let (portal, machine) = expired();
    let before = credentials(&machine);
    let full = format!("trap '' XFSZ; ulimit -f 0; exec '{}' whoami", env!("CARGO_BIN_EXE_tms"));
    let run = Run::of(machine.command_of("sh", &["-c", &full]).output().unwrap());
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains(&format!("cannot write {}", machine.path("state/credentials.json").display())), "{run:?}");
    assert_eq!((presented(&portal), credentials(&machine)), (Vec::new(), before));
    let left: Vec<_> = machine.state_files().into_iter().filter(|path| path.to_string_lossy().contains(".new-")).collect();
    assert!(left.is_empty(), "{left:?}");
    assert_works(&machine);
}

/// Exit code, message and JSON code of `tms whoami`, which changes nothing on this machine.
fn refusal(machine: &Machine) -> (Option<i32>, String, Value) {
    let before = credentials(machine);
    let run = machine.tms(&["whoami"]);
    let code = machine.tms(&["whoami", "--json"]).json()["error"].clone();
    assert_eq!(credentials(machine), before, "the portal may allow it again");
    (run.code, run.err, code)
}

#[test]
fn end_of_the_authorization_is_told() {
    let (portal, machine) = expired();
    let day = 24 * 3600;
    portal.oauth(|oauth| oauth.now += 30 * day);
    machine.change_sign_in(|sign_in| sign_in["access_until"] = NOON.into());
    let (status, said, code) = refusal(&machine);
    let expected = "until 1 January 2020, 12:00 UTC, and that time has passed: run `tms login` to allow it again\n";
    assert_eq!(said, format!("tms: you allowed access to {}, tenant test {expected}", portal.url));
    assert_eq!((status, code), (Some(3), json!("not_signed_in")));
}

#[test]
fn sign_in_that_was_not_used_is_told() {
    let (portal, machine) = expired();
    portal.oauth(|oauth| oauth.now += 14 * 24 * 3600);
    machine.change_sign_in(|sign_in| sign_in["refresh_expires_at"] = NOON.into());
    let (status, said, code) = refusal(&machine);
    let expected = "was valid until 1 January 2020, 12:00 UTC unless used before, and has expired: run `tms login`\n";
    assert_eq!(said, format!("tms: your sign-in to {}, tenant test {expected}", portal.url));
    assert_eq!((status, code), (Some(3), json!("not_signed_in")));
}

#[test]
fn sign_in_ended_elsewhere_is_told() {
    let (portal, machine) = expired();
    portal.oauth(|oauth| oauth.families[0].ended = true);
    let (status, said, code) = refusal(&machine);
    assert!(said.starts_with(&format!("tms: your sign-in to {}, tenant test was ended elsewhere: in the portal, ", portal.url)), "{said}");
    assert!(said.contains(&format!("{}/activity in any browser", portal.url)), "{said}");
    assert_eq!((status, code), (Some(6), json!("sign_in_ended")));

    // As when an administrator switches a person on again.
    portal.oauth(|oauth| oauth.families[0].ended = false);
    assert_works(&machine);
}

/// A backup of the home directory, or a thief's copy.
#[test]
fn copy_of_the_credentials_ends_the_sign_in() {
    let (portal, machine) = expired();
    let copied = credentials(&machine);
    assert_works(&machine);
    machine.expire(&portal);
    assert_works(&machine);
    let copy = Machine::signed_in_to(&portal);
    copy.write("state/credentials.json", &copied, 0o600);
    assert_eq!((copy.tms(&["whoami"]).code, reuses(&portal)), (Some(6), 1));
    assert_eq!(machine.tms(&["whoami"]).code, Some(6));
}

#[test]
fn other_failures_keep_the_sign_in() {
    let (portal, machine) = expired();
    portal.oauth(|oauth| oauth.features.refresh_tokens = false);
    let (status, said, code) = refusal(&machine);
    assert!(said.ends_with(" refused: unsupported_grant_type\n"), "{said}");
    assert_eq!((status, code), (Some(1), json!("refused")));
    portal.oauth(|oauth| oauth.features.refresh_tokens = true);

    let closed = format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    machine.write("state/credentials.json", &credentials(&machine).replace(&portal.url, &closed), 0o600);
    let (status, _, code) = refusal(&machine);
    assert_eq!((status, code), (Some(1), json!("no_answer")));
    machine.write("state/credentials.json", &credentials(&machine).replace(&closed, &portal.url), 0o600);
    assert_works(&machine);
}

#[test]
fn whoami_shows_both_dates() {
    let (_portal, machine) = signed_in();
    let run = machine.tms(&["whoami"]);
    let lines: Vec<&str> = run.out.lines().collect();
    assert!(lines[5].starts_with("  expires  ") && lines[5].ends_with(" (30 days left)"), "{run:?}");
    assert!(lines[6].starts_with("  token    until ") && lines[6].ends_with(", then renewed"), "{run:?}");
    let told = machine.tms(&["whoami", "--json"]).json();
    assert!(told["access_until"].is_string() && told["expires_at"].is_string(), "{told}");
    assert_ne!(told["access_until"], told["expires_at"]);
}

#[test]
fn ssh_and_keys_renew_the_token() {
    let (portal, machine) = expired();
    let run = machine.tms(&["ssh", "testhost1"]);
    assert!(run.code == Some(0) && run.err.starts_with("Created a key for testhostaccount1 on testhost1, valid until 1 January 2999"), "{run:?}");
    assert_eq!(portal.requests(), [METADATA, TOKEN_REQUEST, HOSTS, REGISTER]);

    // The token ends between two requests of one command.
    machine.expire(&portal);
    machine.change_sign_in(|sign_in| sign_in["expires_at"] = Value::Null);
    assert_eq!(machine.tms(&["keys"]).code, Some(0));
    machine.expire(&portal);
    assert_eq!(machine.tms(&["keys", "revoke", "--all", "--yes"]).code, Some(0));
    assert!(portal.state().keys.is_empty());
    assert_eq!((presented(&portal).len(), reuses(&portal)), (3, 0));
}

#[test]
fn logout_revokes_the_refresh_token() {
    let (portal, machine) = signed_in();
    assert_eq!(machine.tms(&["ssh", "testhost1"]).code, Some(0));
    machine.expire(&portal);
    portal.requests();
    let run = machine.tms(&["logout"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{run:?}");
    let requests = portal.requests();
    assert!(requests.contains(&"DELETE /v1/tms/me/keys/101".to_owned()), "a key of an earlier sign-in would stay: {requests:?}");
    assert!(portal.state().keys.is_empty());
    let revoked = portal.oauth(|oauth| oauth.take_forms("revoke"));
    assert_eq!((revoked.len(), revoked[0]["token"].as_str(), revoked[0]["token_type_hint"].as_str()), (1, "tmsr_0_2", "refresh_token"));
    assert!(portal.oauth(|oauth| oauth.families[0].ended));
    assert!(!credentials(&machine).contains("tmsr_"));
    assert_eq!(machine.tms(&["whoami"]).code, Some(3));
}

#[test]
fn logout_waits_for_a_renewal() {
    let (portal, machine) = expired();
    let pause = portal.pause(Moment::BeforeResponse);
    let renewing = machine.command(&["whoami"]).spawn().unwrap();
    pause.wait_until_reached();
    let logout = machine.command(&["logout"]).spawn().unwrap();
    drop(pause);
    assert_eq!(Run::of(logout.wait_with_output().unwrap()).code, Some(0));
    // It may have been signed out between its renewal and its request.
    let renewed = Run::of(renewing.wait_with_output().unwrap());
    assert!(matches!(renewed.code, Some(0 | 3)), "{renewed:?}");
    assert!(portal.oauth(|oauth| oauth.families[0].ended) && !credentials(&machine).contains("tmsr_"));
    assert_eq!(reuses(&portal), 0);
}

#[test]
fn logout_without_the_portal_says_until_when() {
    let (portal, machine) = signed_in();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let until = machine.sign_in()["access_until"].as_i64().unwrap();
    machine.write("state/credentials.json", &credentials(&machine).replace(&portal.url, &format!("http://{closed}")), 0o600);
    let run = machine.tms(&["logout", "--json"]);
    let told = run.json()["token_expires_at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert_eq!((run.code, told.as_second()), (Some(1), until / 1000), "{run:?}");
    assert!(!credentials(&machine).contains("tmsr_"));
}

/// What `tms` stored before it knew refresh tokens.
#[test]
fn sign_in_of_an_earlier_version_stays_as_it_is() {
    let portal = Portal::with_authorization_server();
    let machine = Machine::signed_in_to(&portal);
    let before = credentials(&machine);
    for words in [&["whoami"][..], &["hosts"], &["keys"]] {
        assert_eq!(machine.tms(words).code, Some(0));
    }
    assert_eq!(credentials(&machine), before);
    assert!(!portal.requests().iter().any(|request| request == METADATA));
    assert_eq!(machine.tms(&["logout"]).code, Some(0));
    let revoked = portal.oauth(|oauth| oauth.take_forms("revoke"));
    assert_eq!((revoked[0]["token"].as_str(), revoked[0]["token_type_hint"].as_str()), (TOKEN, "access_token"));
}
