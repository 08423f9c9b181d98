//! A fake portal with one person, which records the requests.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use ssh_key::{HashAlg, PublicKey};
use tms_portal::wire::{Me, MyHost, MyKey, MyRefusal};

pub const TOKEN: &str = "the-token";
/// So small that every list has several pages.
const PAGE_SIZE: usize = 2;

pub struct Portal {
    pub url: String,
    state: Arc<Mutex<State>>,
}

/// The state of the fake; tests change it directly.
pub struct State {
    pub hosts: Vec<Value>,
    pub keys: Vec<Value>,
    /// The scope of the sign-in.
    pub scope: &'static str,
    /// When a new key expires.
    pub expires_at: &'static str,
    /// A refusal of key registrations: status, additional header lines, and the message.
    pub refusal: Option<(u16, &'static str, &'static str)>,
    /// Refused logins; `None`: an older portal without that call.
    pub refusals: Option<Vec<Value>>,
    /// Method and path, such as `POST /v1/tms/me/keys`, in order.
    pub requests: Vec<String>,
    /// The last posted body.
    pub posted: Value,
}

impl Portal {
    pub fn start() -> Self {
        Self::listen("http", Some)
    }

    pub fn start_with(tls: ServerConfig) -> Self {
        let tls = Arc::new(tls);
        Self::listen("https", move |stream| Some(StreamOwned::new(ServerConnection::new(tls.clone()).ok()?, stream)))
    }

    fn listen<S: Read + Write>(scheme: &str, secure: impl Fn(TcpStream) -> Option<S> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            hosts: vec![host("testhostaccount1", "testhost1")],
            keys: Vec::new(),
            scope: "hosts:read keys:create keys:read keys:revoke",
            expires_at: "2999-01-01T12:00:00+00:00",
            refusal: None,
            refusals: Some(Vec::new()),
            requests: Vec::new(),
            posted: Value::Null,
        }));
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that disconnects or rejects the certificate is not an error.
                let _gone = secure(stream).map(|stream| serve(stream, &shared));
            }
        });
        Self { url, state }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The requests since the last call.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state().requests)
    }
}

/// A host account as in `GET /v1/tms/me/hosts`.
pub fn host(account: &str, host: &str) -> Value {
    let host = MyHost {
        address: None,
        expires_at: "9999-12-31T23:59:59+00:00".into(),
        host: host.into(),
        host_account: account.into(),
        linked_at: "2026-11-01T08:00:00+00:00".into(),
        state: "active".into(),
    };
    json!(host)
}

/// A key as in `GET /v1/tms/me/keys`.
pub fn key(id: i64, fingerprint: &str) -> Value {
    let key = MyKey {
        client_id: Some("testclient1".into()),
        created: "2026-11-20T20:00:00+00:00".into(),
        expires_at: "9999-12-31T23:59:59+00:00".into(),
        host: "testhost1".into(),
        host_account: "testhostaccount1".into(),
        id,
        key_type: "ed25519".into(),
        last_used_at: None,
        max_uses: i32::MAX as u32,
        public_key: "ssh-ed25519 AAAA".into(),
        public_key_fingerprint: fingerprint.into(),
        remaining_uses: i32::MAX as u32,
        state: "active".into(),
    };
    json!(key)
}

/// A refusal as in `GET /v1/tms/me/refusals`.
pub fn refusal(fingerprint: &str, last_at: &str) -> Value {
    let refusal = MyRefusal {
        client_id: Some("tms-cli".into()),
        first_at: "2026-11-20T08:00:00+00:00".into(),
        host: "testhost1".into(),
        host_account: "testhostaccount1".into(),
        last_at: last_at.into(),
        message: "the key has expired: create a new one".into(),
        public_key_fingerprint: fingerprint.into(),
        reason: "key_expired".into(),
        times: 3,
    };
    json!(refusal)
}

fn serve(stream: impl Read + Write, state: &Mutex<State>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let (head, body) = read_request(&mut stream)?;
    let (status, headers, body) = state.lock().unwrap().answer(&head, &body);
    let mut answer = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n", body.len());
    write!(answer, "connection: close\r\n{headers}\r\n{body}").unwrap();
    stream.get_mut().write_all(answer.as_bytes())?;
    stream.get_mut().flush()
}

/// The lines before the body, and the body.
pub fn read_request(stream: &mut impl BufRead) -> std::io::Result<(Vec<String>, Vec<u8>)> {
    let (mut head, mut length) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push(line);
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((head, body))
}

impl State {
    fn answer(&mut self, head: &[String], body: &[u8]) -> (u16, &'static str, String) {
        let mut words = head.first().map(String::as_str).unwrap_or_default().split(' ');
        let (method, address) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        self.requests.push(format!("{method} {path}"));
        if !head.iter().any(|line| line.to_ascii_lowercase() == format!("authorization: bearer {TOKEN}")) {
            return refused(401, "", "ERROR: UNAUTHORIZED");
        }
        match (method, path.strip_prefix("/v1/tms/me").unwrap_or(path)) {
            ("GET", "") => done(200, json!(self.me())),
            ("GET", "/hosts") => done(200, json!({ "num_hosts": self.hosts.len(), "hosts": self.hosts })),
            ("GET", "/keys") => done(200, self.page(query)),
            ("GET", "/refusals") => match &self.refusals {
                Some(refusals) => done(200, json!({ "as_of": "2026-11-20T20:00:10+00:00", "num_refusals": refusals.len(), "refusals": refusals })),
                None => refused(404, "", "ERROR: NOT FOUND"),
            },
            ("POST", "/keys") => match self.refusal {
                Some((status, headers, sentence)) => refused(status, headers, sentence),
                None => done(201, self.register(serde_json::from_slice(body).unwrap())),
            },
            ("DELETE", path) => {
                let before = self.keys.len();
                self.keys.retain(|key| path != format!("/keys/{}", key["id"]));
                if self.keys.len() < before { done(200, json!({ "num_deleted": 1 })) } else { refused(404, "", "ERROR: NOT FOUND") }
            }
            _ => refused(404, "", "ERROR: NOT FOUND"),
        }
    }

    fn me(&self) -> Me {
        Me {
            access_until: Some("9999-12-31T23:59:59+00:00".into()),
            client_id: "tms-cli".into(),
            expires_at: "9999-12-31T23:59:59+00:00".into(),
            scope: self.scope.into(),
            tenant: "test".into(),
            tms_user_id: "testuser1".into(),
        }
    }

    fn page(&self, query: &str) -> Value {
        let start: usize = query.split('&').find_map(|part| part.strip_prefix("cursor=after-")).map_or(0, |start| start.parse().unwrap());
        let end = (start + PAGE_SIZE).min(self.keys.len());
        let mut page = json!({ "num_keys": end - start, "keys": self.keys[start..end] });
        if end < self.keys.len() {
            page["next_cursor"] = format!("after-{end}").into();
        }
        page
    }

    fn register(&mut self, posted: Value) -> Value {
        let public_key = PublicKey::from_openssh(posted["public_key"].as_str().unwrap()).unwrap();
        let id = self.keys.iter().filter_map(|key| key["id"].as_i64()).max().unwrap_or(100) + 1;
        let mut key = key(id, &public_key.fingerprint(HashAlg::Sha256).to_string());
        for name in ["host", "host_account", "public_key"] {
            key[name] = posted[name].clone();
        }
        key["client_id"] = "tms-cli".into();
        key["expires_at"] = self.expires_at.into();
        self.keys.push(key.clone());
        self.posted = posted;
        key
    }
}

fn done(status: u16, mut object: Value) -> (u16, &'static str, String) {
    object["result_code"] = "0".into();
    object["result_msg"] = "success".into();
    (status, "", object.to_string())
}

fn refused(status: u16, headers: &'static str, sentence: &str) -> (u16, &'static str, String) {
    (status, headers, json!({ "result_code": status.to_string(), "result_msg": sentence }).to_string())
}
