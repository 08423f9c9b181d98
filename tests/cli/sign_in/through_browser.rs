//! `tms login` through the browser with the real portal; the test is the browser.

use std::fs;
use std::io::{BufRead, BufReader};

use reqwest::{Method, Url};
use serde_json::{Value, json};

use super::browser;
use crate::browser::{Browser, Page, en};
use crate::machine::Machine;
use crate::real_portal::Portal;

const DECIDE: &str = "/api/authorize/decide";

/// A `tms login --browser` that waits for the decision.
struct Login {
    child: std::process::Child,
    out: BufReader<std::process::ChildStdout>,
    page: Url,
}

impl Login {
    fn begin(machine: &Machine, portal: &Portal) -> Self {
        machine.write("bin/xdg-open", "#!/bin/sh\n", 0o755);
        let words = ["--json", "login", "--browser", "--server", &portal.url, "--tenant", "test"];
        let mut child = machine.command(&words).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let event = event(&mut out);
        Self { child, out, page: event["authorization_url"].as_str().unwrap().parse().unwrap() }
    }

    /// The consent page.
    async fn open(&self, browser: &Browser) -> Page {
        let address = format!("{}?{}", self.page.path(), self.page.query().unwrap());
        let page = browser.follow_out(browser.request(Method::GET, &address)).await;
        assert!(page.says(DECIDE), "{}", page.words());
        page
    }

    /// Decides, and follows the portal's page to the listener of `tms`.
    async fn decide(mut self, browser: &Browser, page: &Page, decision: &str) -> (Option<i32>, Value) {
        let mut fields = page.form(DECIDE);
        fields.extend([("decision", decision), ("started_this", "yes")].map(|(name, value)| (name.to_owned(), value.to_owned())));
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let onward = browser.post(DECIDE, &fields).await;
        let refresh = onward.headers.get("refresh").unwrap_or_else(|| panic!("no address: {}", onward.words()));
        let back = refresh.to_str().unwrap().strip_prefix("0;url=").unwrap();
        assert!(back.starts_with("http://127.0.0.1:"), "{back}");
        let received = reqwest::Client::builder().no_proxy().build().unwrap().get(back).send().await.unwrap();
        assert_eq!(received.status(), 200);
        let event = event(&mut self.out);
        (self.child.wait().unwrap().code(), event)
    }
}

fn event(out: &mut impl BufRead) -> Value {
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|_| panic!("no event: {line}"))
}

#[tokio::test]
async fn allowed_sign_in_works_and_is_renewed() {
    let (portal, machine) = (Portal::start(), Machine::new());
    let login = Login::begin(&machine, &portal);
    assert_eq!(login.page.query_pairs().map(|(name, _)| name.into_owned()).collect::<Vec<_>>(), ["client_id", "request_uri"]);
    let browser = browser(&portal).await;
    let page = login.open(&browser).await;
    assert!(page.says(en().authorize_to_this_computer()), "{}", page.words());
    let (code, event) = login.decide(&browser, &page, "allow").await;
    assert_eq!((code, &event["event"], &event["tms_user_id"]), (Some(0), &json!("signed_in"), &json!("testuser1")), "{event}");
    let first = machine.sign_in()["refresh_token"].clone();
    machine.change_sign_in(|sign_in| sign_in["expires_at"] = 1.into());
    let run = machine.tms(&["ssh", "testhost1"]);
    assert!(run.code == Some(0) && run.err.starts_with("Created a key"), "{run:?}");
    assert_ne!(machine.sign_in()["refresh_token"], first);
    assert_eq!(machine.tms(&["logout"]).code, Some(0));
}

#[tokio::test]
async fn refused_sign_in_is_reported() {
    let (portal, machine) = (Portal::start(), Machine::new());
    let login = Login::begin(&machine, &portal);
    let browser = browser(&portal).await;
    let page = login.open(&browser).await;
    let (code, event) = login.decide(&browser, &page, "deny").await;
    assert_eq!((code, &event["error"], &event["message"]), (Some(4), &json!("access_denied"), &json!("Denied in the browser. Nothing was shared.")));
    assert!(fs::read_to_string(machine.path("state/credentials.json")).is_err());
}
