//! A fake portal that sends the test's response.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// Listens until the test process ends.
pub struct FakePortal {
    pub address: SocketAddr,
    requests: Receiver<Request>,
}

/// A received request.
pub struct Request {
    pub head: String,
    pub body: Value,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().filter_map(|line| line.split_once(": ")).find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

impl FakePortal {
    /// Reads each request, then writes `answer` unchanged.
    pub fn answering(answer: impl Into<String>) -> Self {
        let answer = answer.into();
        Self::serving(move |mut stream, requests| {
            let Some(request) = read(&mut stream) else { return };
            let _ = requests.send(request);
            let _ = stream.write_all(answer.as_bytes());
        })
    }

    /// Runs `serve` for each connection, one after the other.
    pub fn serving(serve: impl Fn(TcpStream, &Sender<Request>) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (tell, requests) = channel();
        thread::spawn(move || listener.incoming().flatten().for_each(|stream| serve(stream, &tell)));
        Self { address, requests }
    }

    pub fn url(&self) -> String {
        format!("http://{}/v1/tms/pubkeys/creds/retrieve", self.address)
    }

    /// Waits for the next request.
    pub fn next(&self) -> Request {
        self.requests.recv_timeout(Duration::from_secs(10)).expect("a request")
    }

    /// The next request that has arrived, if any.
    pub fn try_next(&self) -> Option<Request> {
        self.requests.try_recv().ok()
    }
}

/// The URL of a port that nothing listens on.
pub fn unused_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    format!("http://{}/v1/tms/pubkeys/creds/retrieve", listener.local_addr().expect("an address"))
}

/// A complete request, or `None` if the client disconnected.
pub fn read(stream: &mut impl Read) -> Option<Request> {
    let mut bytes = Vec::new();
    let end_of_head = loop {
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&buffer[..read]);
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let request = Request { head: String::from_utf8_lossy(&bytes[..end_of_head]).into(), body: Value::Null };
    let length: usize = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    while bytes.len() < end_of_head + length {
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&buffer[..read]);
    }
    Some(Request { body: serde_json::from_slice(&bytes[end_of_head..]).unwrap_or(Value::Null), ..request })
}

pub fn http(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

/// The response of this portal for a key; older ones have no `expires_at`.
pub fn key(line: &str, expires_at: Option<&str>) -> String {
    let mut answer = serde_json::json!({ "public_key": line, "result_code": "0", "result_msg": "success" });
    if let Some(expires_at) = expires_at {
        answer["expires_at"] = expires_at.into();
    }
    http("200 OK", &answer.to_string())
}

pub fn not_found() -> String {
    http("404 Not Found", r#"{"result_code":"404","result_msg":"NOT_FOUND"}"#)
}
