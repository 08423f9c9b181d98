//! `tms login` through the browser on this machine; `xdg-open` only records the address, and the test is the browser.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command};

use oauth2::url::Url;
use serde_json::{Value, json};

use crate::authorization_server::{Decision, Form, USER_CODE};
use crate::machine::{Machine, Run, kill, wait_until};
use crate::portal::Portal;

const XDG_OPEN: &str = "#!/bin/sh
[ -z \"$OPEN_STATUS\" ] || exit \"$OPEN_STATUS\"
cut -d' ' -f5 /proc/$$/stat > \"$OPENED.group\"
printf '%s' \"$1\" > \"$OPENED.new\" && mv \"$OPENED.new\" \"$OPENED\"\n";

/// A portal, and a machine with a browser.
fn desktop() -> (Portal, Machine) {
    let machine = Machine::new();
    machine.write("bin/xdg-open", XDG_OPEN, 0o755);
    (Portal::with_authorization_server(), machine)
}

fn command(machine: &Machine, portal: &Portal, more: &[&str]) -> Command {
    let mut command = machine.command(&[&["login", "--server", &portal.url, "--tenant", "test"], more].concat());
    command.env("DISPLAY", ":0").env("OPENED", machine.path("opened"));
    command
}

/// A `tms login` whose page has been opened.
struct Login {
    child: Child,
    page: Url,
}

impl Login {
    fn begin(machine: &Machine, portal: &Portal, more: &[&str]) -> Self {
        let child = command(machine, portal, more).spawn().unwrap();
        let opened = machine.path("opened");
        wait_until("the page is opened", || opened.exists());
        Self { child, page: Url::parse(&fs::read_to_string(opened).unwrap()).unwrap() }
    }

    /// Where the browser is sent after the decision.
    fn decide(&self) -> Url {
        let page = get(&self.page);
        assert_eq!(page.status, 303, "{page:?}");
        page.location.unwrap()
    }

    fn end(self) -> Run {
        Run::of(self.child.wait_with_output().unwrap())
    }
}

#[derive(Debug)]
struct Page {
    status: u16,
    head: String,
    location: Option<Url>,
    text: String,
}

/// Opens an address in the browser, which follows no redirect.
fn get(url: &Url) -> Page {
    let mut stream = connect(url).unwrap();
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    write!(stream, "GET {}{query} HTTP/1.1\r\nHost: {}\r\n\r\n", url.path(), url.authority()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, text) = answer.split_once("\r\n\r\n").unwrap();
    let location = head.lines().find_map(|line| line.strip_prefix("location: ")).map(|address| Url::parse(address).unwrap());
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Page { status, head: head.to_owned(), location, text: text.to_owned() }
}

fn connect(url: &Url) -> std::io::Result<TcpStream> {
    TcpStream::connect((url.host_str().unwrap(), url.port().unwrap()))
}

fn parameters(url: &Url) -> Form {
    url.query_pairs().into_owned().collect()
}

/// The address with another value of one parameter, or without it.
fn with_parameter(url: &Url, name: &str, value: Option<&str>) -> Url {
    let mut changed = url.clone();
    let kept: Vec<_> = url.query_pairs().into_owned().filter(|(given, _)| given != name).collect();
    changed.query_pairs_mut().clear().extend_pairs(kept).extend_pairs(value.map(|value| (name, value)));
    changed
}

fn forms(portal: &Portal, endpoint: &str) -> Vec<Form> {
    portal.oauth(|oauth| oauth.take_forms(endpoint))
}

#[test]
fn login_uses_the_browser_of_this_machine() {
    let (portal, machine) = desktop();
    let login = Login::begin(&machine, &portal, &[]);
    let pushed = &forms(&portal, "par")[0];
    let names = ["client_id", "code_challenge", "code_challenge_method", "redirect_uri", "response_type", "scope", "state"];
    let mut sent: Vec<&String> = pushed.keys().collect();
    sent.sort();
    assert_eq!(sent, names);
    assert_eq!((pushed["client_id"].as_str(), pushed["response_type"].as_str()), ("tms-cli", "code"));
    assert_eq!((pushed["code_challenge"].len(), pushed["code_challenge_method"].as_str(), pushed["state"].len()), (43, "S256", 43));
    assert_eq!(pushed["scope"], "hosts:read keys:read keys:create keys:revoke offline_access");
    let mut shown: Vec<String> = parameters(&login.page).into_keys().collect();
    shown.sort();
    assert_eq!(shown, ["client_id", "request_uri"], "the rest was pushed");

    // Ctrl-C must not end the browser.
    let group = |path: String| fs::read_to_string(path).unwrap();
    let own = group(format!("/proc/{}/stat", login.child.id()));
    let opener = group(machine.path("opened.group").display().to_string());
    assert_ne!(own.split(' ').nth(4), Some(opener.trim()));

    let back = login.decide();
    assert_eq!((back.scheme(), back.host_str(), back.path()), ("http", Some("127.0.0.1"), "/callback"));
    let page = get(&back);
    assert!(page.status == 200 && page.text.contains("You can close this page") && page.text.contains(&portal.url), "{page:?}");
    for header in ["Cache-Control: no-store", "Referrer-Policy: no-referrer", "Content-Security-Policy: default-src 'none'"] {
        assert!(page.head.contains(header), "{header}: {page:?}");
    }
    let run = login.end();
    assert_eq!((run.code, run.out), (Some(0), format!("Signed in to {}, tenant test as testuser1.\n", portal.url)), "{}", run.err);
    assert!(run.err.contains("tms login --device") && !run.err.contains(USER_CODE), "{}", run.err);
    assert!(connect(&back).is_err(), "the listener is closed");
    assert_eq!(forms(&portal, "token").len(), 1);
    assert_eq!(machine.sign_in()["refresh_token"], "tmsr_0_1");
    assert_eq!(machine.tms(&["whoami"]).code, Some(0));
}

#[test]
fn address_has_the_request_if_it_cannot_be_pushed() {
    let (portal, machine) = desktop();
    portal.oauth(|oauth| oauth.features.pushed_requests = false);
    let login = Login::begin(&machine, &portal, &["--scope", "hosts:read"]);
    let shown = parameters(&login.page);
    assert_eq!((shown["client_id"].as_str(), shown["scope"].as_str(), shown.len()), ("tms-cli", "hosts:read offline_access", 7));
    assert_eq!(get(&login.decide()).status, 200);
    assert_eq!(login.end().code, Some(0));
}

#[test]
fn code_is_used_where_there_is_no_browser() {
    type Change = fn(&mut Command);
    let machines: [(&str, &[&str], Change); 5] = [
        ("no display", &[], |command| {
            command.env_remove("DISPLAY").env("WAYLAND_DISPLAY", "");
        }),
        ("SSH_CONNECTION", &[], |command| {
            command.env("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22");
        }),
        ("no xdg-open", &[], |command| {
            command.env("PATH", "/nowhere");
        }),
        ("--device", &["--device"], |_| {}),
        ("--json", &["--json"], |_| {}),
    ];
    let running = machines.map(|(what, words, change)| {
        let (portal, machine) = desktop();
        let mut command = command(&machine, &portal, words);
        change(&mut command);
        (what, command.spawn().unwrap(), portal, machine)
    });
    for (what, child, portal, machine) in running {
        let run = Run::of(child.wait_with_output().unwrap());
        assert!(run.code == Some(0) && format!("{}{}", run.err, run.out).contains(USER_CODE), "{what}: {run:?}");
        assert!(!machine.path("opened").exists() && forms(&portal, "par").is_empty(), "{what}");
    }
}

#[test]
fn code_is_used_if_the_portal_has_no_browser_flow() {
    for words in [&[][..], &["--browser"]] {
        let (portal, machine) = desktop();
        portal.oauth(|oauth| oauth.features.authorization_endpoint = false);
        let run = Run::of(command(&machine, &portal, words).output().unwrap());
        assert!(run.code == Some(0) && run.err.contains(USER_CODE), "{run:?}");
        assert_eq!(run.err.contains("does not support sign-in with --browser"), !words.is_empty(), "{run:?}");
    }
}

/// An administrator may have taken the grant type from `tms-cli`.
#[test]
fn code_is_used_if_the_browser_flow_is_not_allowed() {
    for words in [&[][..], &["--browser"]] {
        let (portal, machine) = desktop();
        portal.oauth(|oauth| oauth.features.allows_browser_flow = false);
        let run = Run::of(command(&machine, &portal, words).output().unwrap());
        assert!(run.code == Some(0) && run.err.contains(USER_CODE), "{run:?}");
        assert_eq!(run.err.contains("does not support sign-in with --browser"), !words.is_empty(), "{run:?}");
        assert!(!machine.path("opened").exists());
    }
}

#[test]
fn options_of_login_exclude_each_other() {
    let run = Machine::new().tms(&["login", "--browser", "--device"]);
    assert!(run.code == Some(2) && run.err.contains("--device"), "{run:?}");
}

#[test]
fn browser_can_be_requested_and_is_an_event() {
    let (portal, machine) = desktop();
    let mut command = command(&machine, &portal, &["--browser", "--json"]);
    let mut child = command.env_remove("DISPLAY").env("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22").spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let event: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&event["event"], &event["expires_in"]), (&json!("browser"), &json!(900)));
    let page = get(&Url::parse(event["authorization_url"].as_str().unwrap()).unwrap());
    assert_eq!(get(&page.location.unwrap()).status, 200);
    line.clear();
    out.read_line(&mut line).unwrap();
    let event: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&event["event"], event["access_until"].is_string(), child.wait().unwrap().code()), (&json!("signed_in"), true, Some(0)));
}

/// Other pages and programs on the machine can send requests to the listener, and browsers send some by themselves.
#[test]
fn other_requests_are_not_taken_for_the_answer() {
    let (portal, machine) = desktop();
    let login = Login::begin(&machine, &portal, &[]);
    let back = login.decide();
    let idle = connect(&back).unwrap();
    let mut path = back.clone();
    path.set_path("/favicon.ico");
    for (url, status) in [
        (path, 404),
        (with_parameter(&back, "state", Some("forged")), 400),
        (with_parameter(&back, "state", None), 400),
        (with_parameter(&with_parameter(&back, "state", None), "error", Some("access_denied")), 400),
    ] {
        let page = get(&url);
        assert_eq!(page.status, status, "{url}");
        assert!(!page.text.contains("forged") && !page.text.contains("You can close"), "{page:?}");
    }
    let mut posted = connect(&back).unwrap();
    write!(posted, "POST {}?{} HTTP/1.1\r\n\r\n", back.path(), back.query().unwrap()).unwrap();
    let mut answer = String::new();
    posted.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    assert!(forms(&portal, "token").is_empty());

    assert_eq!(get(&back).status, 200);
    assert_eq!(login.end().code, Some(0));
    drop(idle);
}

/// Mix-up: what another server answered must not be sent to this one.
#[test]
fn answer_of_another_issuer_is_refused() {
    let (portal, machine) = desktop();
    for issuer in [Some("https://evil.example/t/test"), None, Some("")] {
        let login = Login::begin(&machine, &portal, &[]);
        let back = with_parameter(&login.decide(), "iss", issuer);
        assert_eq!(get(&back).status, 200);
        let run = login.end();
        assert_eq!(run.code, Some(1), "{run:?}");
        assert_eq!(run.err.contains("https://evil.example/t/test"), issuer.is_some_and(|issuer| !issuer.is_empty()), "{run:?}");
        assert!(forms(&portal, "token").is_empty() && !machine.path("state/credentials.json").exists());
        fs::remove_file(machine.path("opened")).unwrap();
    }
    // A server that does not announce the parameter need not send it.
    portal.oauth(|oauth| oauth.features.issuer = false);
    let login = Login::begin(&machine, &portal, &[]);
    assert_eq!(get(&login.decide()).status, 200);
    assert_eq!(login.end().code, Some(0));
}

#[test]
fn refusal_in_the_browser_is_reported() {
    let (portal, machine) = desktop();
    let refused = |error, description, status, said: &str| {
        portal.oauth(|oauth| oauth.decision = Decision::Refuse { error, description });
        let login = Login::begin(&machine, &portal, &[]);
        assert_eq!(get(&login.decide()).status, 200);
        let run = login.end();
        assert!(run.code == Some(status) && run.err.ends_with(said), "{run:?}");
        assert!(forms(&portal, "token").is_empty() && !machine.path("state/credentials.json").exists());
        fs::remove_file(machine.path("opened")).unwrap();
    };
    refused("access_denied", None, 4, "\nDenied in the browser. Nothing was shared.\n");
    refused("access_denied", Some("The user or the authorization server denied the request."), 4, "\nDenied in the browser. Nothing was shared.\n");
    refused("access_denied", Some("No \u{1b}[2Jaccount there."), 4, "refused the sign-in: No [2Jaccount there.\n");
    refused("invalid_scope", Some("Not for you."), 1, "refused: Not for you. (invalid_scope)\n");
    refused("temporarily_unavailable", None, 1, "refused: temporarily_unavailable\n");
}

/// Changes the parameters of an answer.
type Tamper = fn(&mut Vec<(String, String)>);

#[test]
fn unusable_answers_are_reported() {
    let (portal, machine) = desktop();
    let tampered: [Tamper; 3] = [
        |parameters| parameters.retain(|(name, _)| name != "code"),
        |parameters| parameters.push(("error".to_owned(), "access_denied".to_owned())),
        |parameters| parameters.push(("code".to_owned(), "another".to_owned())),
    ];
    for tamper in tampered {
        portal.oauth(|oauth| oauth.tamper = tamper);
        let login = Login::begin(&machine, &portal, &[]);
        get(&login.decide());
        let run = login.end();
        assert!(run.code == Some(1) && run.err.contains("sent an invalid response (an authorization response with "), "{run:?}");
        assert!(forms(&portal, "token").is_empty());
        fs::remove_file(machine.path("opened")).unwrap();
    }
    // A code that the server does not know is sent once.
    portal.oauth(|oauth| oauth.tamper = |parameters| parameters.retain(|(name, _)| name != "code"));
    let login = Login::begin(&machine, &portal, &[]);
    get(&with_parameter(&login.decide(), "code", Some("unknown")));
    let run = login.end();
    assert!(run.code == Some(1) && run.err.ends_with(" refused: invalid_grant\n"), "{run:?}");
    assert_eq!(forms(&portal, "token").len(), 1);
    assert!(!machine.path("state/credentials.json").exists());
}

#[test]
fn browser_that_does_not_open_is_replaced_by_a_code() {
    let (portal, machine) = desktop();
    let run = Run::of(command(&machine, &portal, &[]).env("OPEN_STATUS", "3").output().unwrap());
    assert!(run.code == Some(0) && run.err.contains("no browser could be opened (xdg-open ended with exit status: 3)"), "{run:?}");
    assert!(run.err.contains(USER_CODE), "{run:?}");

    // If it was requested, the person may open the page.
    let mut child = command(&machine, &portal, &["--browser"]).env("OPEN_STATUS", "3").spawn().unwrap();
    let mut err = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("open the page yourself.") {
        assert_ne!(err.read_line(&mut said).unwrap(), 0, "{said}");
    }
    let page = said.lines().map(str::trim).find(|line| line.starts_with("http")).unwrap();
    assert_eq!(get(&get(&Url::parse(page).unwrap()).location.unwrap()).status, 200);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn ctrl_c_ends_the_wait_for_the_browser() {
    let (portal, machine) = desktop();
    let login = Login::begin(&machine, &portal, &[]);
    let back = login.decide();
    kill("-INT", &login.child.id().to_string());
    let run = login.end();
    assert!(run.code == Some(130) && run.err.ends_with("tms: stopped\n"), "{run:?}");
    assert!(connect(&back).is_err() && !machine.path("state/credentials.json").exists());
}
