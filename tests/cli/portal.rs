//! A fake portal with one person, which records the requests.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use ssh_key::{HashAlg, PublicKey};
use tms_portal::wire::{Me, MyHost, MyKey, MyRefusal};

use crate::authorization_server::{AuthorizationServer, TOKEN_ENDPOINT};
use crate::machine::now;

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
    /// `None`: the portal has only the API, and one access token.
    pub oauth: Option<AuthorizationServer>,
    /// The next requests for tokens that are held up.
    pauses: Vec<Waiter>,
    /// So many requests for tokens are processed, but their responses are lost.
    pub lost_responses: u32,
}

/// Where a request for tokens is held up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    BeforeProcessing,
    BeforeResponse,
}

/// A request for tokens that is held up, until this is dropped.
pub struct Pause {
    reached: Receiver<()>,
    _resume: Sender<()>,
}

struct Waiter {
    moment: Moment,
    reached: Sender<()>,
    resume: Receiver<()>,
}

impl Pause {
    pub fn wait_until_reached(&self) {
        self.reached.recv().unwrap();
    }
}

impl Portal {
    pub fn start() -> Self {
        Self::listen("http", Some)
    }

    /// With an authorization server.
    pub fn with_authorization_server() -> Self {
        let portal = Self::start();
        portal.state().oauth = Some(AuthorizationServer::new(&portal.url));
        portal
    }

    pub fn start_with(tls: ServerConfig) -> Self {
        let tls = Arc::new(tls);
        Self::listen("https", move |stream| Some(StreamOwned::new(ServerConnection::new(tls.clone()).ok()?, stream)))
    }

    fn listen<S: Read + Write>(scheme: &str, secure: impl Fn(TcpStream) -> Option<S> + Send + Sync + 'static) -> Self {
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
            oauth: None,
            pauses: Vec::new(),
            lost_responses: 0,
        }));
        let (shared, secure) = (state.clone(), Arc::new(secure));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (shared, secure) = (shared.clone(), secure.clone());
                // A client that disconnects or rejects the certificate is not an error.
                thread::spawn(move || secure(stream).map(|stream| serve(stream, &shared)));
            }
        });
        Self { url, state }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn oauth<T>(&self, look: impl FnOnce(&mut AuthorizationServer) -> T) -> T {
        look(self.state().oauth.as_mut().unwrap())
    }

    /// Holds up the next request for tokens.
    pub fn pause(&self, moment: Moment) -> Pause {
        let ((reached, on_reached), (resume, on_resume)) = (channel(), channel());
        self.state().pauses.push(Waiter { moment, reached, resume: on_resume });
        Pause { reached: on_reached, _resume: resume }
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
    let is_for_tokens = head.first().is_some_and(|line| line.starts_with(&format!("POST {TOKEN_ENDPOINT} ")));
    let hold_up = |moment: Moment| {
        let held = is_for_tokens.then(|| state.lock().unwrap().pauses.extract_if(.., |waiter| waiter.moment == moment).next()).flatten();
        if let Some(Waiter { reached, resume, .. }) = held {
            reached.send(()).unwrap();
            // Ends when the test drops the other half.
            let _resumed = resume.recv();
        }
    };
    hold_up(Moment::BeforeProcessing);
    let (status, headers, body) = state.lock().unwrap().answer(&head, &body);
    hold_up(Moment::BeforeResponse);
    if is_for_tokens && state.lock().unwrap().loses_response() {
        return Ok(());
    }
    let mut answer = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n", body.len());
    write!(answer, "connection: close\r\n{headers}\r\n{body}").unwrap();
    stream.get_mut().write_all(answer.as_bytes())?;
    stream.get_mut().flush()
}

/// Status, additional header lines, and body.
pub type Answer = (u16, String, String);

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
    fn answer(&mut self, head: &[String], body: &[u8]) -> Answer {
        let mut words = head.first().map(String::as_str).unwrap_or_default().split(' ');
        let (method, address) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        self.requests.push(format!("{method} {path}"));
        if let Some(answer) = self.oauth.as_mut().and_then(|oauth| oauth.answer(method, path, query, body)) {
            return answer;
        }
        let token = head.iter().find_map(|line| line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("authorization")));
        let token = token.and_then(|(_, value)| value.strip_prefix("Bearer ")).unwrap_or_default();
        if token != TOKEN && !self.oauth.as_mut().is_some_and(|oauth| oauth.accepts(token)) {
            return refused(401, "", "ERROR: UNAUTHORIZED");
        }
        match (method, path.strip_prefix("/v1/tms/me").unwrap_or(path)) {
            ("GET", "") => done(200, json!(self.me(token))),
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

    fn loses_response(&mut self) -> bool {
        let left = self.lost_responses.checked_sub(1);
        self.lost_responses = left.unwrap_or(0);
        left.is_some()
    }

    fn me(&self, token: &str) -> Me {
        let ends = self.oauth.as_ref().and_then(|oauth| oauth.ends(token));
        let time = |seconds: Option<u64>| match seconds {
            Some(seconds) => jiff::Timestamp::from_millisecond(now() + 1000 * i64::try_from(seconds).unwrap()).unwrap().to_string(),
            None => "9999-12-31T23:59:59+00:00".to_owned(),
        };
        Me {
            access_until: Some(time(ends.map(|(_, access)| access))),
            client_id: "tms-cli".into(),
            expires_at: time(ends.map(|(token, _)| token)),
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

fn done(status: u16, mut object: Value) -> Answer {
    object["result_code"] = "0".into();
    object["result_msg"] = "success".into();
    (status, String::new(), object.to_string())
}

fn refused(status: u16, headers: &str, sentence: &str) -> Answer {
    (status, headers.to_owned(), json!({ "result_code": status.to_string(), "result_msg": sentence }).to_string())
}
