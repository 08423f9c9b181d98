//! Refresh tokens of the real portal.

use std::process::Child;
use std::thread;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{keys, sign_in};
use crate::machine::{Machine, Run, now};
use crate::real_portal::Portal;

async fn signed_in() -> (Portal, Machine, Value) {
    let (portal, machine) = (Portal::start(), Machine::new());
    let event = sign_in(&portal, &machine, &["--server", &portal.url, "--tenant", "test"]).await;
    (portal, machine, event)
}

/// Makes `tms` take the access token for expired.
fn expire(machine: &Machine) {
    machine.change_sign_in(|sign_in| sign_in["expires_at"] = (now() - 1000).into());
}

fn seconds(time: &Value) -> i64 {
    time.as_str().unwrap().parse::<Timestamp>().unwrap().as_second()
}

#[track_caller]
fn assert_works(machine: &Machine) {
    let run = machine.tms(&["whoami"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{run:?}");
}

#[tokio::test]
async fn sign_in_is_renewed_until_the_allowed_date() {
    let (portal, machine, event) = signed_in().await;
    assert!(seconds(&event["access_until"]) > seconds(&event["expires_at"]), "{event}");
    let first = machine.sign_in();
    expire(&machine);
    assert_works(&machine);
    let second = machine.sign_in();
    for token in ["access_token", "refresh_token"] {
        assert!(first[token].is_string() && second[token].is_string() && first[token] != second[token], "{token}");
    }
    let told = machine.tms(&["whoami", "--json"]).json();
    let until = seconds(&told["access_until"]);
    assert!((until - seconds(&event["access_until"])).abs() <= 5 && told["tms_user_id"] == "testuser1", "{event} {told}");
    assert!(seconds(&told["expires_at"]) <= now() / 1000 + 3600, "{told}");

    // Keys end with the authorization, not with the access token.
    assert_eq!(machine.tms(&["ssh", "testhost1", "--ttl-minutes", "525600"]).code, Some(0));
    let key = keys(&portal).await[0].clone();
    assert_eq!(seconds(&key["expires_at"]), until, "{key}");

    assert_eq!(machine.tms(&["logout"]).code, Some(0));
    assert!(keys(&portal).await.is_empty());
    machine.write("state/credentials.json", &json!({ "current": null, "sign_ins": [second] }).to_string(), 0o600);
    let run = machine.tms(&["whoami", "--json", "--server", &portal.url, "--tenant", "test"]);
    assert_eq!((run.code, &run.json()["error"]), (Some(6), &json!("sign_in_ended")), "{run:?}");
}

#[tokio::test]
async fn hundred_commands_at_once_keep_the_sign_in() {
    let (_portal, machine, _) = signed_in().await;
    expire(&machine);
    let running: Vec<Child> = (0..100).map(|_| machine.command(&["whoami"]).spawn().unwrap()).collect();
    for running in running {
        let run = Run::of(running.wait_with_output().unwrap());
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    }
    expire(&machine);
    assert_works(&machine);
}

#[tokio::test]
async fn killed_renewals_keep_the_sign_in() {
    let (_portal, machine, _) = signed_in().await;
    // Fewer than the repetitions that the portal answers.
    for spins in 0..15 {
        expire(&machine);
        let mut renewing = machine.command(&["whoami"]).spawn().unwrap();
        (0..spins * 6000).for_each(|_| thread::yield_now());
        renewing.kill().unwrap();
        renewing.wait().unwrap();
    }
    expire(&machine);
    assert_works(&machine);
}

#[tokio::test]
async fn copied_credentials_end_the_sign_in() {
    let (portal, machine, _) = signed_in().await;
    let copied = machine.sign_in();
    for _ in 0..2 {
        expire(&machine);
        assert_works(&machine);
    }
    let copy = Machine::new();
    std::fs::create_dir(copy.state()).unwrap();
    copy.write("state/credentials.json", &json!({ "current": null, "sign_ins": [copied] }).to_string(), 0o600);
    expire(&copy);
    let place = ["--server", &portal.url, "--tenant", "test"];
    assert_eq!(copy.tms(&[&["whoami"][..], &place].concat()).code, Some(6));
    let run = machine.tms(&["whoami"]);
    assert!(run.code == Some(6) && run.err.contains("because a copy of it was used"), "{run:?}");
}
