//! Stopping while a request computes.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use super::Deployment;
use super::serve::Server;
use crate::tms::api::key_request;

/// More RSA keys than cores are asked for; each takes seconds of one. Requests may go on for 10 seconds; closing the database and what the
/// other threads still compute have limits of their own.
#[tokio::test]
async fn one_sigterm_ends_the_portal_in_time_while_rsa_keys_are_generated() {
    let deployment = Deployment::set_up().await;
    let mut server = Server::start_with(&deployment, &[]);
    let body = key_request(json!({ "key_type": "rsa" })).to_string();
    let request = format!(
        "POST /v1/tms/pubkeys/creds HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nX-TMS-TENANT: test\r\n\
         X-TMS-CLIENT-ID: testclient1\r\nX-TMS-CLIENT-SECRET: secret1\r\nContent-Length: {}\r\n\r\n{body}",
        server.address,
        body.len()
    );
    let asked: Vec<TcpStream> = (0..12)
        .map(|_| {
            let mut connection = server.connect();
            connection.write_all(request.as_bytes()).expect("sent");
            connection
        })
        .collect();
    // Connections are accepted in their order.
    let mut last = server.connect();
    last.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
    last.read_exact(&mut [0; 15]).expect("an answer");
    let signalled = Instant::now();
    server.signal("-TERM");
    assert_eq!(server.child.wait().expect("ended").code(), Some(0));
    assert!(signalled.elapsed() < Duration::from_secs(25), "{:?}", signalled.elapsed());
    drop(asked);
}
