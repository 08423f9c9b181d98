//! No space is left. A limit of the size of files stands for the full disk: writes beyond it fail, also within existing files.

use std::io::Read;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use serde_json::{Value, json};

use super::Deployment;
use super::serve::Server;
use crate::postgres;
use crate::tms::api::{ApiClient, key_request, login};

/// A portal that does not die of the signal about the limit.
struct Portal(Server);

impl Portal {
    fn start(deployment: &Deployment) -> Self {
        let mut shell = deployment.program("sh");
        shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_tms-portal"), "serve", "--test-tenant"]);
        Self(Server::spawn(shell.stderr(Stdio::piped())))
    }

    /// Limits the size of its files.
    fn limit_files(&self, bytes: Option<u64>) {
        let pid = Pid::from_child(&self.0.child);
        let Rlimit { maximum, .. } = getrlimit(Resource::Fsize);
        prlimit(Some(pid), Resource::Fsize, Rlimit { current: bytes.or(maximum), maximum }).expect("limited");
    }

    async fn get(&self, path: &str, accept: &str) -> reqwest::Response {
        reqwest::Client::new().get(format!("{}{path}", self.0.url())).header("accept", accept).send().await.expect("an answer")
    }

    /// Ends it, and returns its log.
    fn log(mut self) -> String {
        self.0.child.kill().expect("ended");
        let mut log = String::new();
        self.0.child.stderr.take().expect("its log").read_to_string(&mut log).expect("a text");
        log
    }
}

#[tokio::test]
async fn full_disk_stops_changes_only_and_is_named() {
    if postgres::is_used() {
        // Its server has the disk.
        return;
    }
    let deployment = Deployment::set_up().await;
    let portal = Portal::start(&deployment);
    let host = ApiClient::at(&portal.0.url());
    let client = host.with("x-tms-tenant", "test").with("x-tms-client-id", "testclient1").with("x-tms-client-secret", "secret1");
    let (free, limited) = (client.make_key(json!({})).await, client.make_key(json!({ "num_uses": 5 })).await);
    let page = portal.get("/sign-in", "text/html").await.status();

    portal.limit_files(Some(0));
    for _ in 0..3 {
        let made = client.call("POST /pubkeys/creds", key_request(json!({}))).await;
        assert_eq!((made.status, &made.body["result_code"], made.header("retry-after")), (503, &"503".into(), "5"), "{}", made.body);
        assert!(!made.body.to_string().contains("overload"), "{}", made.body);
    }
    let form = [("client_id", "tms-cli")];
    let device =
        reqwest::Client::new().post(format!("{}/t/test/oauth/device_authorization", portal.0.url())).form(&form).send().await.expect("an answer");
    assert!(device.status() == 503 && device.headers().contains_key("retry-after"));
    assert_eq!(device.json::<Value>().await.expect("JSON")["error"], "temporarily_unavailable");
    assert!(host.gets_key(&login(&free)).await, "its login is recorded later or not at all");
    let refused = host.call("POST /pubkeys/creds/retrieve", login(&limited)).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, "5"), "a login that cannot be counted is refused");
    assert_eq!(portal.get("/sign-in", "text/html").await.status(), page);
    assert_eq!(portal.get("/t/test/oauth/jwks", "*/*").await.status(), 200);
    let ready = portal.get("/readyz", "*/*").await;
    assert_eq!((ready.status().as_u16(), ready.text().await.expect("a text").as_str()), (503, "not ready: disk\n"));
    let components = portal.get("/readyz", "application/json").await.json::<Value>().await.expect("JSON")["components"].clone();
    assert_eq!((&components["disk"]["status"], &components["database"]["status"]), (&"failed".into(), &"ok".into()), "{components}");

    portal.limit_files(None);
    client.make_key(json!({})).await;
    let recovered = async { while portal.get("/readyz", "*/*").await.status() != 200 {} };
    tokio::time::timeout(Duration::from_secs(30), recovered).await.expect("ready again");
    let log = portal.log();
    assert_eq!(log.matches("No space left for the database").count(), 1, "one line a minute: {log}");
}
