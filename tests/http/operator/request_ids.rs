//! The id of a request: in its response, in its log lines and on its error page.

use reqwest::header::HeaderMap;
use reqwest::{Client, RequestBuilder, Response};

use super::Deployment;
use super::reload::Logged;
use super::settings::append;
use crate::browser::en;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn id(headers: &HeaderMap) -> String {
    let mut ids = headers.get_all("x-request-id").iter();
    let id = ids.next().and_then(|id| id.to_str().ok()).expect("an id").to_owned();
    assert!(ids.next().is_none() && id.len() == 32 && id.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')), "{id}");
    id
}

async fn send(request: RequestBuilder) -> Response {
    request.send().await.expect("an answer")
}

/// Client and person, whose secrets are wrong: each is a line in the log, of the person from another task.
fn refused(http: &Client, url: &str) -> [RequestBuilder; 2] {
    [
        http.post(format!("{url}/t/test/oauth/token")).form(&[("client_id", "testclient1"), ("client_secret", "wrong"), ("grant_type", "x")]),
        http.post(format!("{url}/sign-in/password")).form(&[("tenant", "test"), ("user_name", "testuser1"), ("password", "wrong")]),
    ]
}

fn client() -> Client {
    Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client")
}

fn start(deployment: &Deployment, trusted: bool) -> Logged {
    if trusted {
        append(deployment, "trusted-proxies = [\"127.0.0.1/32\"]\n");
    }
    Logged::start(deployment, &[])
}

#[tokio::test]
async fn responses_log_lines_and_error_pages_have_the_same_id() {
    let deployment = Deployment::set_up().await;
    let portal = start(&deployment, false);
    let (http, url) = (client(), portal.server.url());
    for request in refused(&http, &url) {
        // Those of the client are ignored.
        let request = request.header("x-request-id", TRACE).header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"));
        let id = id(send(request).await.headers());
        let line = portal.wait_for("Authentication refused");
        assert!(line.contains(&format!("http{{request_id={id}}}: ")) && !line.contains(TRACE), "{id}: {line}");
    }
    let response = send(http.get(format!("{url}/nowhere")).header("accept", "text/html").header("x-request-id", "<b>forged</b>")).await;
    let id = id(response.headers());
    let page = response.text().await.expect("a page");
    assert!(page.contains(&en().error_reference(&id)) && !page.contains("forged"), "{id}: {page}");
}

#[tokio::test]
async fn traces_of_trusted_proxies_are_logged() {
    let deployment = Deployment::set_up().await;
    let portal = start(&deployment, true);
    let (http, url) = (client(), portal.server.url());
    let valid = format!("00-{TRACE}-00f067aa0ba902b7-01");
    for (traceparent, trusted) in [
        (vec![valid.as_str()], true),
        (vec![valid.as_str(), valid.as_str()], false),
        (vec!["00-4bf92f3577b34da6-01"], false),
        (vec!["00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"], false),
        (vec!["00-00000000000000000000000000000000-00f067aa0ba902b7-01"], false),
    ] {
        let [request, _] = refused(&http, &url);
        let id = id(send(traceparent.iter().fold(request, |request, header| request.header("traceparent", *header))).await.headers());
        let line = portal.wait_for(&id);
        let trace = if trusted { format!(" trace_id={TRACE}") } else { String::new() };
        assert!(line.contains(&format!("http{{request_id={id}{trace}}}: ")), "{traceparent:?}: {line}");
    }
}
