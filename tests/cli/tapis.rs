//! `tms tapis login`, `whoami` and `logout`

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::Command;

use serde_json::{Value, json};

use crate::authenticator::{Authenticator, CLIENT, CODE, DEVICE_CODE, REVOKE, Replacement, TOKENS, USER_CODE, USER_INFO, refusal};
use crate::machine::{Machine, Run, mode};
use crate::portal::{Portal, TOKEN};

pub fn signed_in(tapis: &Authenticator) -> Machine {
    let machine = Machine::new();
    let run = machine.tms(&tapis.login());
    assert_eq!(run.code, Some(0), "{run:?}");
    tapis.requests();
    machine
}

/// The JSON objects that a run printed, one per line.
pub fn events(run: &Run) -> Vec<Value> {
    run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn sign_in_with_the_tapis_device_grant() {
    let tapis = Authenticator::start();
    tapis.state().polls_until_entered = 1;
    let machine = Machine::new();
    let run = machine.tms(&tapis.login());
    assert_eq!((run.code, run.out.as_str()), (Some(0), format!("Signed in to {} as jdoe.\n", tapis.url).as_str()), "{run:?}");
    for said in [
        &format!("    {}/v3/oauth2/device?client_id={CLIENT}\n", tapis.url),
        &format!("    {USER_CODE}\n"),
        "Upper and lower case matter; I is a capital i; l is a small L.",
        "If the page in the browser still asks for something, close it",
    ] {
        assert!(run.err.contains(said), "{said}: {run:?}");
    }

    let requests = tapis.requests();
    let lines: Vec<&str> = requests.iter().map(|request| request.line.as_str()).collect();
    assert_eq!(lines, [CODE, TOKENS, TOKENS].map(|path| format!("POST {path}")).into_iter().chain([format!("GET {USER_INFO}")]).collect::<Vec<_>>());
    assert_eq!(requests[0].body, json!({ "client_id": CLIENT }));
    assert_eq!(requests[1].body, json!({ "grant_type": "device_code", "client_id": CLIENT, "device_code": DEVICE_CODE }));
    assert!(requests.iter().all(|request| request.header("authorization").is_none()), "{requests:?}");
    assert_eq!(requests[3].header("x-tapis-token"), Some(tapis.tokens()[0].as_str()));
    assert!(requests[..3].iter().all(|request| request.header("x-tapis-token").is_none()));

    let file = machine.path("state/tapis.json");
    assert_eq!((machine.state_files(), mode(&file), mode(&machine.state())), (vec![machine.path("state/lock"), file.clone()], 0o600, 0o700));
    let kept = fs::read_to_string(file).unwrap();
    assert!(kept.contains(&tapis.tokens()[0]) && !kept.contains("the-refresh-token") && !kept.contains(DEVICE_CODE), "{kept}");
}

#[test]
fn json_events_contain_code_and_expiry() {
    let tapis = Authenticator::start();
    let run = Machine::new().tms(&[&tapis.login()[..], &["--json"]].concat());
    let [code, signed_in] = &events(&run)[..] else { panic!("{run:?}") };
    assert_eq!(
        *code,
        json!({
            "event": "code", "user_code": USER_CODE, "verification_uri": format!("{}/v3/oauth2/device?client_id={CLIENT}", tapis.url),
            "verification_uri_complete": null, "expires_in": 600, "interval": 1,
        })
    );
    assert_eq!((&signed_in["event"], &signed_in["username"]), (&"signed_in".into(), &"jdoe".into()));
    assert_eq!((&signed_in["tenant"], &signed_in["base_url"]), (&"tacc".into(), &tapis.url.as_str().into()));
    assert!(signed_in["expires_at"].is_string() && run.err.is_empty());
    assert!(!run.out.contains(&tapis.tokens()[0]) && !run.out.contains(DEVICE_CODE), "{run:?}");
}

#[test]
fn ctrl_c_ends_the_wait_and_stores_nothing() {
    let tapis = Authenticator::start();
    tapis.state().interval = None;
    let machine = Machine::new();
    let mut running = machine.command(&[&tapis.login()[..], &["--json"]].concat()).spawn().unwrap();
    let mut out = BufReader::new(running.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let code: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(code["interval"], 5, "Tapis names none");

    assert!(Command::new("kill").args(["-INT", &running.id().to_string()]).status().unwrap().success());
    assert_eq!(running.wait().unwrap().code(), Some(130));
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("interrupted"), "{rest}");
    assert_eq!(machine.state_files().len(), 0);
    assert_eq!(tapis.requests().len(), 1);
}

#[test]
fn whoami_shows_user_and_expiry() {
    let tapis = Authenticator::start();
    let machine = signed_in(&tapis);
    let run = machine.tms(&["tapis", "whoami"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let start = format!("jdoe\n  server   {}\n  tenant   tacc\n  account  user\n  client   {CLIENT}\n  expires  ", tapis.url);
    assert!(run.out.starts_with(&start) && run.out.ends_with(" days left)\n"), "{run:?}");

    let told = machine.tms(&["tapis", "whoami", "--json"]).json();
    let expires_at = told["expires_at"].clone();
    let client_id = CLIENT;
    let expected = json!({
        "base_url": tapis.url, "username": "jdoe", "tenant": "tacc", "account_type": "user", "client_id": client_id, "expires_at": expires_at,
    });
    assert_eq!((&told, expires_at.is_string()), (&expected, true));
    assert!(tapis.requests().iter().all(|request| request.line == format!("GET {USER_INFO}")));
}

#[test]
fn ended_sign_in_is_reported() {
    let tapis = Authenticator::start();
    let machine = signed_in(&tapis);
    for replacement in [refusal(401, "no"), refusal(403, "The tenant_id claim in the token, x does not match"), refusal(400, "Invalid Tapis token.")]
    {
        tapis.next(USER_INFO, replacement);
        let run = machine.tms(&["tapis", "whoami"]);
        let said = format!("tms: your sign-in to {} has expired or was revoked: run `tms tapis login`\n", tapis.url);
        assert_eq!((run.code, run.err, run.out.as_str()), (Some(3), said, ""));
    }
    tapis.revoke_all_tokens();
    assert_eq!(machine.tms(&["tapis", "whoami", "--json"]).json()["error"], "not_signed_in");

    // Other errors do not end the sign-in.
    for (replacement, code) in [(refusal(500, "Unrecognized exception type: x"), 1), (refusal(400, "LDAP is down"), 1), (refusal(503, "x"), 1)] {
        tapis.next(USER_INFO, replacement);
        assert_eq!(machine.tms(&["tapis", "whoami"]).code, Some(code));
    }
}

#[test]
fn logout_revokes_the_token_and_keeps_the_client() {
    let tapis = Authenticator::start();
    let machine = signed_in(&tapis);
    let token = tapis.tokens().remove(0);
    let run = machine.tms(&["tapis", "logout"]);
    assert_eq!((run.code, run.out, run.err.as_str()), (Some(0), format!("Signed out of {}.\n", tapis.url), ""));
    let requests = tapis.requests();
    assert_eq!((requests[0].line.as_str(), &requests[0].body), (format!("POST {REVOKE}").as_str(), &json!({ "token": token })));
    assert!(tapis.tokens().is_empty() && !fs::read_to_string(machine.path("state/tapis.json")).unwrap().contains(&token));

    let run = machine.tms(&["tapis", "whoami"]);
    assert_eq!((run.code, run.err), (Some(3), format!("tms: you are not signed in to {}: run `tms tapis login`\n", tapis.url)));
    assert_eq!(machine.tms(&["tapis", "logout", "--json"]).json()["reason"], "not signed in");
    assert_eq!(tapis.requests().len(), 0);
    assert_eq!(machine.tms(&["tapis", "login"]).code, Some(0), "tenant and client are remembered");
}

#[test]
fn failed_revocation_deletes_the_token_and_is_reported() {
    let tapis = Authenticator::start();
    for replacement in
        [refusal(400, "Unexpected error trying to revoke the token: debug data: x."), Replacement::Response(502, "", "<html>".to_owned())]
    {
        let machine = signed_in(&tapis);
        let token = tapis.tokens().pop().unwrap();
        tapis.next(REVOKE, replacement);
        let run = machine.tms(&["tapis", "logout"]);
        assert_eq!(run.code, Some(1), "documented: something is still valid");
        assert!(run.err.contains("but Tapis did not revoke it: ") && run.err.contains("It stays valid until "), "{run:?}");
        assert!(!run.err.contains("debug data") && !run.err.contains(&token));
        assert!(!fs::read_to_string(machine.path("state/tapis.json")).unwrap().contains(&token));
    }
}

#[test]
fn second_sign_in_revokes_the_first() {
    let tapis = Authenticator::start();
    let machine = signed_in(&tapis);
    let first = tapis.tokens().remove(0);
    let run = machine.tms(&["tapis", "login", "--json"]);
    assert_eq!((run.code, &events(&run)[1]["earlier_sign_in"]), (Some(0), &json!("ended")), "{run:?}");
    assert!(tapis.tokens().len() == 1 && tapis.tokens()[0] != first, "the new one alone is left");
    assert_eq!(machine.tms(&["tapis", "whoami"]).code, Some(0));

    tapis.next(REVOKE, Replacement::Response(502, "", "<html>".to_owned()));
    let run = machine.tms(&["tapis", "login"]);
    assert_eq!((run.code, tapis.tokens().len()), (Some(0), 2), "{run:?}");
    assert!(run.err.contains("Your earlier sign-in could not be revoked: ") && run.err.contains("It stays valid until "), "{run:?}");
    assert!(!run.err.contains(&tapis.tokens()[0]));
}

#[test]
fn damaged_file_is_replaced_or_deleted() {
    let tapis = Authenticator::start();
    let machine = signed_in(&tapis);
    machine.write("state/tapis.json", "{", 0o600);
    let run = machine.tms(&["tapis", "logout"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("signed out of Tapis on this machine only: no token could be revoked: ") && run.err.contains("is damaged\n"), "{run:?}");
    assert!(!machine.path("state/tapis.json").exists());

    machine.write("state/tapis.json", "", 0o600);
    let run = machine.tms(&tapis.login());
    assert!(run.code == Some(0) && run.err.contains("is damaged and will be replaced"), "{run:?}");
    assert_eq!(machine.tms(&["tapis", "whoami"]).code, Some(0));
}

#[test]
fn portal_and_tapis_sign_ins_are_independent() {
    let (portal, tapis) = (Portal::start(), Authenticator::start());
    let machine = Machine::signed_in_to(&portal);
    let portals = fs::read(machine.path("state/credentials.json")).unwrap();
    for words in [&tapis.login()[..], &["tapis", "whoami"], &["tapis", "logout"], &["tapis", "login"]] {
        let run = Run::of(machine.command(words).env("TMS_SERVER", &portal.url).env("TMS_TENANT", "test").output().unwrap());
        assert_eq!(run.code, Some(0), "{run:?}");
    }
    assert!(portal.requests().is_empty());
    assert!(tapis.requests().iter().all(|request| !format!("{request:?}").contains(TOKEN)));
    assert_eq!(fs::read(machine.path("state/credentials.json")).unwrap(), portals);

    let tapis_own = fs::read(machine.path("state/tapis.json")).unwrap();
    assert_eq!(machine.tms(&["hosts"]).code, Some(0));
    assert_eq!(machine.tms(&["logout"]).code, Some(1), "this portal revokes nothing");
    assert_eq!(machine.tms(&["hosts"]).code, Some(3));
    assert_eq!(fs::read(machine.path("state/tapis.json")).unwrap(), tapis_own);
    assert!(tapis.requests().is_empty());
    assert_eq!(machine.tms(&["tapis", "whoami"]).code, Some(0));

    // The portal's file in place of Tapis' is not a sign-in.
    fs::rename(machine.path("state/tapis.json"), machine.path("state/credentials.json")).unwrap();
    portal.requests();
    let run = machine.tms(&["hosts", "--server", &tapis.url]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("is damaged"), "{run:?}");
    assert!(tapis.requests().iter().all(|request| request.line.ends_with(USER_INFO)));
}

#[test]
fn tenant_and_client_are_required() {
    let tapis = Authenticator::start();
    let machine = Machine::new();
    for (words, said) in [
        (&["tapis", "login"][..], "tms: no Tapis tenant is set: pass its URL, such as --base-url https://tacc.tapis.io\n"),
        (&["tapis", "whoami"], "--base-url"),
        (&["tapis", "login", "--base-url", &tapis.url], "accepts registered clients only: pass a client ID with --client-id\n"),
        (&["tapis", "login", "--base-url", "http://tacc.tapis.io", "--client-id", "x"], "use https://"),
        (&["tapis", "login", "--base-url", "https://tacc.tapis.io/v3", "--client-id", "x"], "pass https://tacc.tapis.io\n"),
        (&["tapis", "login", "--base-url", "tacc.tapis.io", "--client-id", "x"], "is not a server URL"),
        (&["tapis", "--server", &tapis.url, "login"], "name a Tapis tenant with --base-url"),
        (&["tapis", "whoami", "--tenant", "tacc"], "name a Tapis tenant with --base-url"),
        (&["tapis"], "Usage: tms tapis"),
    ] {
        let run = machine.tms(words);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.err.contains(said), "{said}: {run:?}");
    }
    assert!(tapis.requests().is_empty());

    let run = machine.tms(&["tapis", "login", "--base-url", &tapis.url, "--client-id", "another"]);
    let said = format!("tms: {} does not know the client `another`: check --client-id and --base-url\n", tapis.url);
    assert_eq!((run.code, run.err), (Some(1), said));
    assert_eq!(machine.state_files().len(), 0, "what did not work is not remembered");
}
