//! Refused authentications in the log of the real program, as an operator's fail2ban reads it.

use std::fs::File;

use regex::Regex;

use super::Deployment;
use super::serve::Server;
use crate::app::admin_secret;

const FILTER: &str = include_str!("../../../docs/fail2ban/filter.conf");

/// A portal whose log goes to a file.
struct LoggingServer(Server);

impl LoggingServer {
    fn start(deployment: &Deployment, json: bool) -> Self {
        let log = File::create(deployment.path().join("log")).expect("a file");
        let mut command = deployment.command(&["serve", "--test-tenant"]);
        command.env("NO_COLOR", "1").stderr(log);
        if json {
            command.env("TMS_LOG_FORMAT", "json");
        }
        Self(Server::spawn(&mut command))
    }

    /// Stops it, and returns its log.
    fn stop(mut self, deployment: &Deployment) -> String {
        self.0.signal("-TERM");
        assert!(self.0.child.wait().expect("ended").success());
        std::fs::read_to_string(deployment.path().join("log")).expect("a log")
    }
}

/// The expressions of the documented filter, for the addresses that fail2ban recognizes.
fn filter() -> Vec<Regex> {
    let (_, kinds) = FILTER.split_once("\n_kinds = ").expect("the kinds");
    let kinds = kinds.lines().next().expect("a line");
    let (_, rest) = FILTER.split_once("\nfailregex = ").expect("the expressions");
    let (expressions, _) = rest.split_once("\n\n").expect("what follows");
    let address = "(?P<address>[0-9a-fA-F:.]+)";
    let expression = |line: &str| line.trim().replace("%(_kinds)s", kinds).replace("<ADDR>", address);
    expressions.lines().map(|line| Regex::new(&expression(line)).expect(line)).collect()
}

fn banned<'l>(filter: &[Regex], line: &'l str) -> Option<&'l str> {
    filter.iter().find_map(|expression| expression.captures(line)).and_then(|found| found.name("address")).map(|found| found.as_str())
}

async fn guess(server: &LoggingServer, secret: &str) {
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let (token, tms) = (format!("{}/t/test/oauth/token", server.0.url()), format!("{}/v1/tms", server.0.url()));
    let form = |id: &str, secret: &str| http.post(&token).form(&[("client_id", id), ("client_secret", secret), ("grant_type", "x")]);
    let admin = |id: &str, secret: &str| {
        let headers = [("x-tms-tenant", "test"), ("x-tms-admin-id", id), ("x-tms-admin-secret", secret)];
        headers.into_iter().fold(http.get(format!("{tms}/usermfa/list")), |request, (name, value)| request.header(name, value))
    };
    let sign_in =
        |name: &str| http.post(format!("{}/sign-in/password", server.0.url())).form(&[("tenant", "test"), ("user_name", name), ("password", secret)]);
    let lookup = http.post(format!("{tms}/pubkeys/creds/retrieve")).bearer_auth(secret).json(&serde_json::json!({}));
    for request in [
        form("testclient1", secret),
        form(secret, "x"),
        form("no such\nclient", secret),
        http.post(&token).header("authorization", format!("Basic {secret}")).form(&[("grant_type", "x")]),
        admin("~~admin", secret),
        admin("boss", secret),
        sign_in("testuser1"),
        sign_in("eve\n2026-11-30T00:00:00Z  WARN tms_portal::refusals: x"),
        http.get(format!("{tms}/me")).bearer_auth(secret),
        lookup,
    ] {
        let status = request.send().await.expect("an answer").status().as_u16();
        assert!(status == 401 || status == 303, "{status}");
    }
    for _ in 0..5 {
        assert_eq!(form("testclient1", secret).send().await.expect("an answer").status(), 401);
    }
}

/// What a line of the log says, without time, level and target.
fn told(line: &str) -> Option<String> {
    let Ok(json) = serde_json::from_str::<serde_json::Value>(line) else {
        return line.split_once("tms_portal::refusals: ").map(|(_, told)| told.to_owned());
    };
    let fields = json["fields"].as_object().filter(|_| json["target"] == "tms_portal::refusals")?;
    let rest = fields.iter().filter(|(name, _)| *name != "message").map(|(name, value)| match value.as_str() {
        Some(text) => format!("{name}={text}"),
        None => format!("{name}={value}"),
    });
    let mut words: Vec<String> = rest.collect();
    words.sort_by_key(|word| ["kind", "tenant", "name", "address", "network", "reason", "suppressed"].iter().position(|name| word.starts_with(name)));
    Some(format!("{} {}", fields["message"].as_str()?, words.join(" ")))
}

async fn guessing_is_logged(json: bool) {
    let deployment = Deployment::set_up().await;
    let server = LoggingServer::start(&deployment, json);
    // Not the right one, but in all places.
    let secret: String = admin_secret("test").await.chars().rev().collect();
    guess(&server, &secret).await;
    let log = server.stop(&deployment);
    let lines: Vec<String> = log.lines().filter_map(told).collect();
    let expected = [
        ("client_secret", "test", "testclient1", "wrong"),
        ("client_secret", "test", "-", "unknown"),
        ("client_secret", "test", "-", "malformed"),
        ("client_secret", "test", "-", "malformed"),
        ("admin_secret", "test", "~~admin", "wrong"),
        ("admin_secret", "test", "boss", "unknown"),
        ("password", "test", "testuser1", "wrong"),
        ("password", "test", "-", "unknown"),
        ("access_token", "-", "-", "wrong"),
        ("host_credential", "-", "-", "unknown"),
        ("client_secret", "test", "testclient1", "wrong"),
    ];
    let expected = expected.map(|(kind, tenant, name, reason)| {
        format!("Authentication refused kind={kind} tenant={tenant} name={name} address=127.0.0.1 reason={reason}")
    });
    let suppressed = "Authentication refusals not logged kind=client_secret network=127.0.0.1 suppressed=4".to_owned();
    assert_eq!(lines, [&expected[..], &[suppressed]].concat(), "{log}");
    assert!(!log.contains(secret.get(..8).expect("it is longer")), "{log}");
    let filter = filter();
    let found: Vec<&str> = log.lines().filter_map(|line| banned(&filter, line)).collect();
    assert_eq!(found, ["127.0.0.1"; 9], "without the token and the host's credential: {log}");
}

#[tokio::test]
async fn guessing_is_logged_as_text_that_fail2ban_reads() {
    guessing_is_logged(false).await;
}

#[tokio::test]
async fn guessing_is_logged_as_json_that_fail2ban_reads() {
    guessing_is_logged(true).await;
}

#[test]
fn no_text_of_a_caller_bans_an_address() {
    let filter = filter();
    let refused = "Authentication refused kind=password tenant=- name=- address=192.0.2.1 reason=wrong";
    let at = "2026-11-30T15:25:12.605346Z ";
    for line in [
        format!("{at} WARN tms_portal::refusals: {refused}"),
        format!("host tms-portal[812]: {at} WARN tms_portal::refusals: {refused}"),
        format!("{at} WARN request{{method=POST route=\"/t/{{tenant}}/oauth/token\"}}: tms_portal::refusals: {refused}"),
    ] {
        assert_eq!(banned(&filter, &line), Some("192.0.2.1"), "{line}");
    }
    for line in [
        format!("{at} WARN tms_portal::server: x tms_portal::refusals: {refused}"),
        format!("{at} INFO tms_portal::refusals: {refused}"),
        format!("{at} WARN tms_portal::refusals: {refused} and more"),
        format!(
            "{{\"level\":\"WARN\",\"fields\":{{\"message\":\"x \\\"level\\\":\\\"WARN\\\" tms_portal::refusals: {refused}\"}},\"target\":\"x\"}}"
        ),
    ] {
        assert_eq!(banned(&filter, &line), None, "{line}");
    }
}
