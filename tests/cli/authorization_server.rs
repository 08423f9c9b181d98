//! A fake of the portal's authorization server: device grant, authorization code with PKCE and pushed requests, revocation, and refresh
//! tokens that are replaced at each use, by the portal's rules. It decides at once; its clock is set by the tests.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth2::url::{Url, form_urlencoded};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::portal::Answer;

const OAUTH: &str = "/t/test/oauth";
pub const TOKEN_ENDPOINT: &str = "/t/test/oauth/token";
pub const DEVICE_CODE: &str = "the-device-code";
pub const USER_CODE: &str = "BCDF-GHJK";
pub const ACCESS_TOKEN_SECONDS: u64 = 3600;
const DAY: u64 = 24 * 3600;
/// For how long an old refresh token brings the same successor, and how often.
const GRACE_SECONDS: u64 = 60;
const GRACE_USES: u32 = 20;

pub type Form = HashMap<String, String>;

pub struct AuthorizationServer {
    issuer: String,
    /// In seconds.
    pub now: u64,
    pub features: Features,
    pub replaces: Replaces,
    /// No access token is accepted.
    pub accepts_none: bool,
    /// What the page answers.
    pub decision: Decision,
    /// Changes the parameters of an authorization response.
    pub tamper: fn(&mut Vec<(String, String)>),
    pub families: Vec<Family>,
    /// Access tokens: their family, the generation with which they were issued, and when they expire.
    access_tokens: HashMap<String, (usize, u32, u64)>,
    pushed: Vec<Form>,
    codes: HashMap<String, Form>,
    /// Forms that were sent, each with its endpoint, such as `token`.
    pub forms: Vec<(String, Form)>,
    /// How often an old refresh token was taken for a stolen one.
    pub reuses: usize,
}

/// What the metadata list, and what the client may use of it.
#[derive(Clone, Copy)]
pub struct Features {
    pub refresh_tokens: bool,
    pub authorization_endpoint: bool,
    pub pushed_requests: bool,
    pub issuer: bool,
    /// Whether the client may use the authorization code flow, which the metadata list for others too.
    pub allows_browser_flow: bool,
}

/// The refresh token in the response to a refresh.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Replaces {
    Another,
    Same,
    Nothing,
}

pub enum Decision {
    Allow,
    Refuse { error: &'static str, description: Option<&'static str> },
}

/// One sign-in.
pub struct Family {
    generation: u32,
    replaced_at: u64,
    /// Whether the present refresh token or an access token issued with it was used.
    is_seen: bool,
    grace_uses: u32,
    issued: u32,
    pub access_until: u64,
    pub idle_until: u64,
    pub ended: bool,
}

/// What the presented generation is.
enum Presented {
    Current,
    LostAnswer,
    Spent,
    Reused,
}

impl Family {
    fn present(&self, generation: u32, now: u64) -> Presented {
        let age = now - self.replaced_at;
        match self.generation.checked_sub(generation) {
            Some(0) => Presented::Current,
            Some(1) if age <= GRACE_SECONDS && self.grace_uses < GRACE_USES => Presented::LostAnswer,
            Some(1) if age <= GRACE_SECONDS => Presented::Spent,
            Some(1) if age <= DAY && !self.is_seen => Presented::LostAnswer,
            Some(_) => Presented::Reused,
            None => Presented::Spent,
        }
    }
}

impl AuthorizationServer {
    pub fn new(url: &str) -> Self {
        Self {
            issuer: format!("{url}/t/test"),
            now: 1_000_000,
            features: Features { refresh_tokens: true, authorization_endpoint: true, pushed_requests: true, issuer: true, allows_browser_flow: true },
            replaces: Replaces::Another,
            accepts_none: false,
            decision: Decision::Allow,
            tamper: |_| {},
            families: Vec::new(),
            access_tokens: HashMap::new(),
            pushed: Vec::new(),
            codes: HashMap::new(),
            forms: Vec::new(),
            reuses: 0,
        }
    }

    /// Adds a sign-in for 30 days; returns the token response.
    pub fn add_family(&mut self) -> Value {
        let (access_until, idle_until) = (self.now + 30 * DAY, self.now + 14 * DAY);
        let replaced_at = self.now;
        let family = Family { generation: 1, replaced_at, is_seen: false, grace_uses: 0, issued: 0, access_until, idle_until, ended: false };
        self.families.push(family);
        self.token_response(self.families.len() - 1)
    }

    /// Ends all access tokens, as a compromised signing key does.
    pub fn void_access_tokens(&mut self) {
        self.access_tokens.clear();
    }

    /// The forms sent to one endpoint since the last call.
    pub fn take_forms(&mut self, endpoint: &str) -> Vec<Form> {
        self.forms.extract_if(.., |(name, _)| name == endpoint).map(|(_, form)| form).collect()
    }

    /// Whether the access token is valid; it counts as used then.
    pub fn accepts(&mut self, token: &str) -> bool {
        let Some(&(family, generation, expires)) = self.access_tokens.get(token) else { return false };
        let family = &mut self.families[family];
        let valid = !self.accepts_none && !family.ended && self.now < expires;
        family.is_seen |= valid && generation == family.generation;
        valid
    }

    /// In how many seconds an access token and its authorization end.
    pub fn ends(&self, token: &str) -> Option<(u64, u64)> {
        let &(family, _, expires) = self.access_tokens.get(token)?;
        Some((expires - self.now, self.families[family].access_until - self.now))
    }

    /// `None` if the path is not of this server.
    pub fn answer(&mut self, method: &str, path: &str, query: &str, body: &[u8]) -> Option<Answer> {
        if path == "/.well-known/oauth-authorization-server/t/test" {
            return Some(json(200, &self.metadata()));
        }
        let endpoint = path.strip_prefix(OAUTH)?.trim_start_matches('/').to_owned();
        let form: Form = form_urlencoded::parse(if method == "GET" { query.as_bytes() } else { body }).into_owned().collect();
        self.forms.push((endpoint.clone(), form.clone()));
        if form.get("client_id").map(String::as_str) != Some("tms-cli") {
            return Some(error("invalid_client"));
        }
        Some(match (method, endpoint.as_str()) {
            ("POST", "device_authorization") => json(200, &self.device_authorization()),
            ("POST", "par") => self.push(form),
            ("GET", "authorize") => self.authorize(form),
            ("POST", "token") => self.token(&form),
            ("POST", "revoke") => self.revoke(&form),
            _ => (404, String::new(), String::new()),
        })
    }

    fn metadata(&self) -> Value {
        let Features { refresh_tokens, authorization_endpoint, pushed_requests, issuer, .. } = self.features;
        let endpoint = |name: &str| Value::from(format!("{}/oauth/{name}", self.issuer));
        let mut metadata = json!({
            "issuer": self.issuer, "device_authorization_endpoint": endpoint("device_authorization"), "token_endpoint": endpoint("token"),
            "revocation_endpoint": endpoint("revoke"), "authorization_response_iss_parameter_supported": issuer,
            "grant_types_supported": ["urn:ietf:params:oauth:grant-type:device_code"], "scopes_supported": ["hosts:read", "keys:create"],
        });
        if refresh_tokens {
            metadata["grant_types_supported"] = json!(["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"]);
            metadata["scopes_supported"] = json!(["hosts:read", "keys:create", "offline_access"]);
        }
        if authorization_endpoint {
            metadata["authorization_endpoint"] = endpoint("authorize");
        }
        if pushed_requests {
            metadata["pushed_authorization_request_endpoint"] = endpoint("par");
        }
        metadata
    }

    fn device_authorization(&self) -> Value {
        let page = format!("{}/device", self.issuer.trim_end_matches("/t/test"));
        json!({ "device_code": DEVICE_CODE, "user_code": USER_CODE, "verification_uri": page, "expires_in": 900, "interval": 1 })
    }

    /// RFC 9126
    fn push(&mut self, form: Form) -> Answer {
        if !self.features.allows_browser_flow {
            return error("unauthorized_client");
        }
        if let Err(refused) = check_request(&form) {
            return error(refused);
        }
        self.pushed.push(form);
        json(201, &json!({ "request_uri": format!("urn:ietf:params:oauth:request_uri:{}", self.pushed.len() - 1), "expires_in": 90 }))
    }

    /// The page, which decides at once.
    fn authorize(&mut self, form: Form) -> Answer {
        let request = match form.get("request_uri") {
            Some(uri) => self.pushed[uri.rsplit(':').next().unwrap().parse::<usize>().unwrap()].clone(),
            None => form,
        };
        if let Err(refused) = check_request(&request) {
            return error(refused);
        }
        let mut parameters = vec![("state".to_owned(), request["state"].clone())];
        if self.features.issuer {
            parameters.push(("iss".to_owned(), self.issuer.clone()));
        }
        match self.decision {
            Decision::Allow => {
                let code = format!("code-{}", self.codes.len());
                parameters.push(("code".to_owned(), code.clone()));
                self.codes.insert(code, request.clone());
            }
            Decision::Refuse { error, description } => {
                parameters.push(("error".to_owned(), error.to_owned()));
                parameters.extend(description.map(|description| ("error_description".to_owned(), description.to_owned())));
            }
        }
        (self.tamper)(&mut parameters);
        let mut address = Url::parse(&request["redirect_uri"]).unwrap();
        address.query_pairs_mut().extend_pairs(parameters);
        (303, format!("location: {address}\r\n"), String::new())
    }

    fn token(&mut self, form: &Form) -> Answer {
        match form.get("grant_type").map(String::as_str) {
            Some("refresh_token") if self.features.refresh_tokens => self.refresh(&form["refresh_token"]),
            Some("urn:ietf:params:oauth:grant-type:device_code") if form["device_code"] == DEVICE_CODE => json(200, &self.add_family()),
            Some("authorization_code") => self.redeem(form),
            _ => error("unsupported_grant_type"),
        }
    }

    fn redeem(&mut self, form: &Form) -> Answer {
        let Some(request) = self.codes.remove(&form["code"]) else { return error("invalid_grant") };
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
        if challenge != request["code_challenge"] || form.get("redirect_uri") != request.get("redirect_uri") {
            return error("invalid_grant");
        }
        json(200, &self.add_family())
    }

    fn refresh(&mut self, token: &str) -> Answer {
        let Some((place, generation)) = read_refresh_token(token).filter(|(place, _)| *place < self.families.len()) else {
            return error("invalid_grant");
        };
        let (now, replaces) = (self.now, self.replaces);
        let family = &mut self.families[place];
        if family.ended || now >= family.access_until || now >= family.idle_until {
            return error("invalid_grant");
        }
        match family.present(generation, now) {
            Presented::Current if replaces == Replaces::Another => {
                family.generation += 1;
                (family.replaced_at, family.is_seen, family.grace_uses) = (now, false, 0);
            }
            Presented::Current => family.is_seen = true,
            Presented::LostAnswer => family.grace_uses += 1,
            Presented::Spent => return error("invalid_grant"),
            Presented::Reused => {
                family.ended = true;
                self.reuses += 1;
                return error("invalid_grant");
            }
        }
        family.idle_until = now + 14 * DAY;
        let mut response = self.token_response(place);
        if replaces == Replaces::Nothing {
            response.as_object_mut().unwrap().remove("refresh_token");
        }
        json(200, &response)
    }

    /// RFC 7009: any token of a family ends it.
    fn revoke(&mut self, form: &Form) -> Answer {
        let token = &form["token"];
        let family = self.access_tokens.get(token).map(|(family, ..)| *family).or(read_refresh_token(token).map(|(family, _)| family));
        if let Some(family) = family.and_then(|family| self.families.get_mut(family)) {
            family.ended = true;
        }
        (200, String::new(), String::new())
    }

    fn token_response(&mut self, place: usize) -> Value {
        let family = &mut self.families[place];
        family.issued += 1;
        let access_token = format!("access-{place}-{}-{}", family.generation, family.issued);
        self.access_tokens.insert(access_token.clone(), (place, family.generation, self.now + ACCESS_TOKEN_SECONDS));
        let mut response = json!({
            "access_token": access_token, "token_type": "Bearer", "expires_in": ACCESS_TOKEN_SECONDS,
            "scope": "hosts:read keys:create keys:read keys:revoke",
        });
        if self.features.refresh_tokens {
            response["refresh_token"] = format!("tmsr_{place}_{}", family.generation).into();
            response["authorization_expires_in"] = (family.access_until - self.now).into();
            response["refresh_token_timeout"] = (family.idle_until - self.now).into();
        }
        response
    }
}

/// The family and the generation.
fn read_refresh_token(token: &str) -> Option<(usize, u32)> {
    let (family, generation) = token.strip_prefix("tmsr_")?.split_once('_')?;
    Some((family.parse().ok()?, generation.parse().ok()?))
}

fn check_request(form: &Form) -> Result<(), &'static str> {
    let text = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let redirect = Url::parse(text("redirect_uri")).map_err(|_| "invalid_request")?;
    let loopback = redirect.scheme() == "http" && redirect.host_str() == Some("127.0.0.1") && redirect.port().is_some();
    let registered = loopback && redirect.path() == "/callback" && redirect.query().is_none();
    let pkce = text("code_challenge_method") == "S256" && text("code_challenge").len() == 43;
    match text("response_type") {
        "code" if registered && pkce && !text("state").is_empty() => Ok(()),
        "code" => Err("invalid_request"),
        _ => Err("unsupported_response_type"),
    }
}

fn json(status: u16, object: &Value) -> Answer {
    (status, "cache-control: no-store\r\n".to_owned(), object.to_string())
}

fn error(name: &str) -> Answer {
    json(400, &json!({ "error": name }))
}
