//! `tms tapis` with unusual responses of Tapis, or of another server in its place.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::authenticator::{Authenticator, CLIENT_KEY, CODE, DEVICE_CODE, Replacement, TOKENS, USER_INFO, http_date, refusal};
use crate::machine::{Machine, Run};
use crate::tapis::{events, signed_in};

fn login(tapis: &Authenticator) -> Run {
    Machine::new().tms(&[&tapis.login()[..], &["--json"]].concat())
}

fn html(status: u16) -> Replacement {
    Replacement::Response(status, "", "<html>Please sign in to the Wi-Fi</html>".to_owned())
}

fn huge() -> Replacement {
    Replacement::Response(200, "", json!({ "status": "success", "result": "x".repeat(2 * 1024 * 1024) }).to_string())
}

#[test]
fn all_expiry_formats_of_codes_are_accepted() {
    let tapis = Authenticator::start();
    let endings: [fn(Timestamp) -> Value; 5] = [
        |end| http_date(end).into(),
        |end| end.strftime("%Y-%m-%d %H:%M:%S.%6f").to_string().into(),
        |end| end.strftime("%Y-%m-%dT%H:%M:%S").to_string().into(),
        |end| end.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string().into(),
        |_| 600.into(),
    ];
    for ending in endings {
        tapis.state().ending = ending;
        let run = login(&tapis);
        let seconds = events(&run)[0]["expires_in"].as_u64().unwrap();
        assert!((600..=601).contains(&seconds) && run.code == Some(0), "{run:?}");
    }
}

#[test]
fn code_lifetime_ignores_clock_difference() {
    let tapis = Authenticator::start();
    for ahead in [5 * 3600, 0] {
        tapis.state().ahead = Duration::from_secs(ahead);
        assert_eq!(events(&login(&tapis))[0]["expires_in"], 600);
    }
}

#[test]
fn nested_and_plain_tokens_are_accepted() {
    let tapis = Authenticator::start();
    let dresses: [fn(Value) -> Value; 3] = [
        |result| result["access_token"].clone(),
        |result| json!({ "access_token": { "access_token": result["access_token"]["access_token"], "expires_in": 2_592_000 } }),
        // Then the token's `exp` claim is used.
        |result| json!({ "access_token": result["access_token"]["access_token"], "expires_at": [] }),
    ];
    for transform in dresses {
        tapis.state().transform = transform;
        let run = login(&tapis);
        let end: Timestamp = events(&run)[1]["expires_at"].as_str().unwrap().parse().unwrap();
        #[expect(clippy::disallowed_methods, reason = "`tms` reads the machine's clock, so its counterpart does")]
        let days = end.duration_since(Timestamp::now()).as_hours() / 24;
        assert!((29..=30).contains(&days), "{run:?}");
    }
}

#[test]
fn response_without_token_is_not_stored() {
    let tapis = Authenticator::start();
    let dresses: [fn(Value) -> Value; 4] =
        [|_| Value::Null, |_| json!({ "access_token": {} }), |_| json!({ "access_token": "two\nlines" }), |_| json!({ "access_token": "" })];
    for transform in dresses {
        tapis.state().transform = transform;
        let machine = Machine::new();
        let run = machine.tms(&tapis.login());
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.err.contains("did not send a Tapis response (a token with parts missing): check --base-url"), "{run:?}");
        assert_eq!(machine.state_files().len(), 0);
    }
}

#[test]
fn other_pending_messages_are_recognized() {
    let tapis = Authenticator::start();
    for message in ["Device Code is NOT  Ready", "device_code not ready", "authorization_pending"] {
        tapis.next(TOKENS, refusal(400, message));
    }
    let run = login(&tapis);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(tapis.requests().iter().filter(|request| request.line.ends_with(TOKENS)).count(), 4);
}

#[test]
fn expired_code_is_reported() {
    let tapis = Authenticator::start();
    tapis.state().polls_until_entered = usize::MAX;
    tapis.state().code_lifetime = Duration::from_secs(2);
    let run = Machine::new().tms(&tapis.login());
    assert_eq!(run.code, Some(5), "{run:?}");
    assert!(run.err.ends_with("tms: the code expired before it was entered: run `tms tapis login` again for a new one\n"), "{run:?}");

    tapis.next(TOKENS, refusal(400, "Device code is expired."));
    assert_eq!(events(&login(&tapis))[1]["error"], "expired_token");

    tapis.state().code_lifetime = Duration::ZERO;
    let run = login(&tapis);
    assert_eq!(events(&run)[0]["error"], "unexpected_answer", "{run:?}");
}

#[test]
fn refusal_ends_the_wait_and_hides_echoed_data() {
    let tapis = Authenticator::start();
    for (message, said) in [
        (format!("No db_code found for {DEVICE_CODE}"), "refused: No db_code found for …\n"),
        ("Device code client id and passed in client id do not match".to_owned(), "passed in client id do not match\n"),
        (format!("Invalid client credentials: my-client, {CLIENT_KEY}. session: <{{'username': 'jdoe'}}>"), "refused: Invalid client credentials\n"),
        (format!("\u{1b}]0;{DEVICE_CODE}\u{7}two\nlines {}", "A".repeat(40)), "refused: ]0;…two lines …\n"),
        (String::new(), "refused: HTTP 400\n"),
    ] {
        tapis.next(TOKENS, refusal(400, &message));
        let machine = Machine::new();
        let run = machine.tms(&tapis.login());
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.err.ends_with(said), "{said}: {run:?}");
        assert!([DEVICE_CODE, CLIENT_KEY, "jdoe", "\u{1b}"].iter().all(|secret| !run.err.contains(secret)), "{run:?}");
        assert_eq!(machine.state_files().len(), 0);
    }
}

#[test]
fn server_that_is_not_tapis_is_reported() {
    let tapis = Authenticator::start();
    let json = |status: u16, body: &str| Replacement::Response(status, "", body.to_owned());
    let url = tapis.url.as_str();
    for (replacement, word, said) in [
        (html(200), "unexpected_answer", format!("{url} did not send a Tapis response (HTTP 200): check --base-url")),
        (html(404), "unexpected_answer", format!("{url} did not send a Tapis response (HTTP 404): check --base-url")),
        (html(500), "unexpected_answer", format!("{url} did not send a Tapis response (HTTP 500): check --base-url")),
        (json(200, "{}"), "unexpected_answer", format!("{url} did not send a Tapis response (a code with parts missing): check --base-url")),
        (
            refusal(500, "Unrecognized exception type: <class 'KeyError'>. Exception: 'x'"),
            "no_answer",
            format!("{url} reported an internal error (Unrecognized exception type): try again later"),
        ),
        (refusal(400, "Internal error saving device code."), "refused", format!("{url} refused: Internal error saving device code")),
        (huge(), "no_answer", format!("no response from {url}: the response was too long. Check the address and your connection, then try again")),
        (json(429, ""), "no_answer", format!("{url} is busy: try again in a minute")),
        (
            Replacement::Response(302, "location: https://elsewhere.example/\r\n", String::new()),
            "unexpected_answer",
            format!("{url} redirected to https://elsewhere.example/: if that is the right address, pass it instead"),
        ),
    ] {
        tapis.next(CODE, replacement);
        let run = login(&tapis);
        assert_eq!((run.code, events(&run)), (Some(1), vec![json!({ "event": "error", "error": word, "message": said })]));
    }
}

#[test]
fn invalid_responses_do_not_end_the_wait() {
    let tapis = Authenticator::start();
    for replacement in [html(502), html(200), Replacement::Response(429, "retry-after: 1\r\n", String::new())] {
        tapis.next(TOKENS, replacement);
        let run = Machine::new().tms(&tapis.login());
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(run.err.contains("No response: ") && run.err.contains("; trying again."), "{run:?}");
    }
}

#[test]
fn endless_response_ends_with_the_code() {
    let tapis = Authenticator::start();
    tapis.state().code_lifetime = Duration::from_secs(1);
    tapis.next(TOKENS, Replacement::Hangs);
    let machine = Machine::new();
    let run = machine.tms(&tapis.login());
    assert_eq!((run.code, machine.state_files().len()), (Some(5), 0), "{run:?}");
}

#[test]
fn token_is_not_sent_to_redirects() {
    let (tapis, elsewhere) = (Authenticator::start(), Authenticator::start());
    let machine = signed_in(&tapis);
    // Tests may leak memory: the header must live as long as the program.
    let location = Box::leak(format!("location: {}{USER_INFO}\r\n", elsewhere.url).into_boxed_str());
    tapis.next(USER_INFO, Replacement::Response(307, location, String::new()));
    let run = machine.tms(&["tapis", "whoami"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("redirected to"), "{run:?}");
    assert!(elsewhere.requests().is_empty());
    assert_eq!(machine.tms(&["tapis", "whoami", "--base-url", &elsewhere.url]).code, Some(3), "nor is it anybody else's");
    assert!(elsewhere.requests().is_empty());
}

#[test]
fn names_from_tapis_are_sanitized() {
    let tapis = Authenticator::start();
    let machine = signed_in(&tapis);
    tapis.next(USER_INFO, Replacement::Response(200, "", json!({ "result": { "username": "jd\u{1b}[2Joe\n" } }).to_string()));
    let run = machine.tms(&["tapis", "whoami"]);
    assert!(run.out.starts_with("jd[2Joe \n") && !run.out.contains('\u{1b}'), "{run:?}");
}
