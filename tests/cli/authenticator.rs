//! A fake of Tapis' authenticator with its device grant: its response formats, messages and weaknesses.

use std::fmt::Write as _;
use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde_json::{Value, json};

use crate::portal::read_request;

pub const CODE: &str = "/v3/oauth2/device/code";
pub const TOKENS: &str = "/v3/oauth2/tokens";
pub const REVOKE: &str = "/v3/oauth2/tokens/revoke";
pub const USER_INFO: &str = "/v3/oauth2/userinfo";
pub const CLIENT: &str = "my-client";
pub const USER_CODE: &str = "oMIbhSly";
pub const DEVICE_CODE: &str = "d3v1ceC0de";
/// Tapis repeats it in error messages, although it is confidential.
pub const CLIENT_KEY: &str = "client-key-1";
const TOKEN_LIFETIME: Duration = Duration::from_secs(2_592_000);

pub struct Authenticator {
    pub url: String,
    state: Arc<Mutex<State>>,
}

/// The state of the fake; tests change it directly.
pub struct State {
    /// How many polls are answered with "pending" before the code counts as entered.
    pub polls_until_entered: usize,
    pub code_lifetime: Duration,
    /// How a code's expiry is written.
    pub ending: fn(Timestamp) -> Value,
    /// Tapis sends none; a short one keeps the tests fast.
    pub interval: Option<u64>,
    /// How far its clock is ahead.
    pub ahead: Duration,
    /// Transforms the `result` of a token response.
    pub transform: fn(Value) -> Value,
    /// Responses that replace the regular one of a path once.
    pub replacement: Vec<(&'static str, Replacement)>,
    pub requests: Vec<Request>,
    code_is_open: bool,
    made: usize,
    tokens: Vec<String>,
}

pub enum Replacement {
    /// Status, additional header lines, and the body.
    Response(u16, &'static str, String),
    /// The beginning of a response, and then nothing.
    Hangs,
}

#[derive(Debug)]
pub struct Request {
    /// The method and the path, such as `POST /v3/oauth2/tokens`.
    pub line: String,
    pub head: Vec<String>,
    pub body: Value,
}

impl Authenticator {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            polls_until_entered: 0,
            code_lifetime: Duration::from_secs(600),
            ending: |end| http_date(end).into(),
            interval: Some(1),
            ahead: Duration::ZERO,
            transform: |result| result,
            replacement: Vec::new(),
            requests: Vec::new(),
            code_is_open: false,
            made: 0,
            tokens: Vec::new(),
        }));
        let (shared, own_url) = (state.clone(), url.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (shared, url) = (shared.clone(), own_url.clone());
                // A client that disconnects is not an error.
                thread::spawn(move || serve(stream, &shared, &url));
            }
        });
        Self { url, state }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Replaces the next response of a path.
    pub fn next(&self, path: &'static str, replacement: Replacement) {
        self.state().replacement.push((path, replacement));
    }

    /// The requests since the last call.
    pub fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.state().requests)
    }

    /// Arguments that sign in here.
    pub fn login(&self) -> [&str; 7] {
        ["tapis", "login", "--base-url", &self.url, "--client-id", CLIENT, "--no-qr"]
    }

    /// The tokens that were issued and not revoked.
    pub fn tokens(&self) -> Vec<String> {
        self.state().tokens.clone()
    }

    /// Revokes all tokens.
    pub fn revoke_all_tokens(&self) {
        self.state().tokens.clear();
    }
}

/// The date format of Flask.
pub fn http_date(time: Timestamp) -> String {
    DateTimePrinter::new().timestamp_to_rfc9110_string(&time).unwrap()
}

/// A refusal in Tapis' envelope.
pub fn refusal(status: u16, message: &str) -> Replacement {
    let (status, body) = error(status, message);
    Replacement::Response(status, "", body.to_string())
}

fn serve(stream: TcpStream, state: &Mutex<State>, url: &str) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let (head, body) = read_request(&mut stream)?;
    let (line, _) = head[0].rsplit_once(' ').unwrap();
    let request = Request { line: line.to_owned(), body: serde_json::from_slice(&body).unwrap_or_default(), head };
    let (date, replacement, answer) = state.lock().unwrap().take(request, url);
    let (status, headers, body) = match replacement {
        Some(Replacement::Response(status, headers, body)) => (status, headers, body),
        Some(Replacement::Hangs) => {
            stream.get_mut().write_all(b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"status\":")?;
            // Until the client disconnects.
            return stream.read_to_end(&mut Vec::new()).map(drop);
        }
        None => (answer.0, "", answer.1.to_string()),
    };
    let mut answer = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n", body.len());
    write!(answer, "connection: close\r\ndate: {date}\r\n{headers}\r\n{body}").unwrap();
    stream.get_mut().write_all(answer.as_bytes())
}

impl State {
    fn take(&mut self, request: Request, url: &str) -> (String, Option<Replacement>, (u16, Value)) {
        #[expect(clippy::disallowed_methods, reason = "`tms` reads the machine's clock, so its counterpart does")]
        let now = Timestamp::now() + self.ahead;
        let path = request.line.split_once(' ').unwrap().1;
        let replacement = self.replacement.iter().position(|(replacement, _)| *replacement == path).map(|at| self.replacement.remove(at).1);
        let answer = if replacement.is_some() { (0, Value::Null) } else { self.answer(&request, now, url) };
        self.requests.push(request);
        (http_date(now), replacement, answer)
    }

    fn answer(&mut self, request: &Request, now: Timestamp, url: &str) -> (u16, Value) {
        let body = &request.body;
        match request.line.as_str() {
            "POST /v3/oauth2/device/code" if body["client_id"] != CLIENT => error(400, &format!("Invalid client: {}", body["client_id"])),
            "POST /v3/oauth2/device/code" => {
                self.code_is_open = true;
                let mut result = json!({
                    "client_id": CLIENT, "user_code": USER_CODE, "device_code": DEVICE_CODE,
                    "verification_uri": format!("{url}/v3/oauth2/device?client_id={CLIENT}"),
                    "expires_in": (self.ending)(now + self.code_lifetime),
                });
                if let Some(interval) = self.interval {
                    result["interval"] = interval.into();
                }
                done("Token created successfully.", result)
            }
            "POST /v3/oauth2/tokens" => self.token(request, now, url),
            "POST /v3/oauth2/tokens/revoke" => match self.tokens.iter().position(|token| body["token"] == token.as_str()) {
                Some(at) => done(&format!("Token {} has been revoked.", self.tokens.remove(at)), "".into()),
                None => error(400, &format!("Invalid POST data; could not validate the token: debug data: {}.", body["token"])),
            },
            "GET /v3/oauth2/userinfo" => match request.header("x-tapis-token") {
                None => error(400, "No Tapis access token found in the request."),
                Some(token) if self.tokens.iter().any(|known| known == token) => {
                    done("User profile retrieved successfully.", json!({ "username": "jdoe", "given_name": "Jane", "email": "jdoe@example.org" }))
                }
                Some(_) => error(400, "Invalid Tapis token."),
            },
            _ => error(404, "Not found"),
        }
    }

    /// Tapis issues the token when the code was entered, before the user has consented.
    fn token(&mut self, request: &Request, now: Timestamp, url: &str) -> (u16, Value) {
        let body = &request.body;
        if request.header("content-type") != Some("application/json") || body["device_code"].is_null() {
            return error(400, "Required device_code parameter missing.");
        }
        if body["grant_type"] != "device_code" {
            return error(400, "Invalid grant_type; this grant type is not allowed for this tenant.");
        }
        if !self.code_is_open || body["device_code"] != DEVICE_CODE {
            return error(400, &format!("No db_code found for {}", body["device_code"].as_str().unwrap()));
        }
        if self.polls_until_entered > 0 {
            self.polls_until_entered -= 1;
            return error(400, "device code not ready.");
        }
        if body["client_id"] != CLIENT {
            return error(400, "Device code client id and passed in client id do not match");
        }
        self.code_is_open = false;
        let end = now + TOKEN_LIFETIME;
        self.made += 1;
        let token = jwt(&json!({
            "jti": format!("j-{}", self.made), "iss": format!("{url}/v3/tokens"), "sub": "jdoe@tacc", "exp": end.as_second(), "tapis/tenant_id": "tacc",
            "tapis/token_type": "access", "tapis/username": "jdoe", "tapis/account_type": "user", "tapis/client_id": CLIENT,
        }));
        self.tokens.push(token.clone());
        let result = json!({
            "access_token": { "access_token": token, "expires_at": end.to_string(), "expires_in": TOKEN_LIFETIME.as_secs(), "jti": "j-1" },
            "refresh_token": { "refresh_token": "the-refresh-token", "expires_at": end.to_string(), "expires_in": 31_536_000, "jti": "j-2" },
        });
        done("Token created successfully.", (self.transform)(result))
    }
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.iter().filter_map(|line| line.split_once(": "));
        lines.find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

fn jwt(claims: &Value) -> String {
    let [head, claims] = [json!({ "alg": "RS256", "typ": "JWT" }), claims.clone()].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    format!("{head}.{claims}.c2lnbmF0dXJl")
}

fn done(message: &str, result: Value) -> (u16, Value) {
    (200, json!({ "status": "success", "message": message, "version": "dev", "metadata": {}, "result": result }))
}

fn error(status: u16, message: &str) -> (u16, Value) {
    (status, json!({ "status": "error", "message": message, "version": "dev", "metadata": {}, "result": null }))
}
