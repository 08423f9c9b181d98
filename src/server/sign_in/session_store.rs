//! Browser sessions in the database (`tower_sessions::SessionStore`).
//!
//! The table holds a hash of the cookie's value, and data sealed under a key derived from that value: access to the database is not enough
//! to use a session or to read its contents, such as a pending user code.
//!
//! Requests of one session run concurrently, each on a copy of its data. A request that saves therefore merges its own changes into what is
//! stored by then ([`merge_data`]), so that no tab loses another one's changes.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use hkdf::Hkdf;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};

use super::session::{BROWSER_INFO, BrowserInfo, SIGNED_IN, SignInRecord, decode};
use crate::domain::provider::UpstreamSession;
use crate::domain::time::Timestamp;
use crate::server::middleware::unavailable::unavailable;
use crate::server::service::auth::browser_sessions::SessionRow;
use crate::server::service::{Fault, Rng, Services, SystemRng};
use crate::server::sign_in::session::upstream::UPSTREAM_SESSION;

type SessionData = HashMap<String, Value>;

/// Where a request keeps the data that it started with; never stored.
const LOADED: &str = "loaded";

#[derive(Clone)]
pub struct DbSessionStore(Services);

impl DbSessionStore {
    pub fn new(services: Services) -> Self {
        Self(services)
    }

    fn to_row(&self, record: &Record) -> Result<SessionRow> {
        let browser: Option<BrowserInfo> = bucket(record, BROWSER_INFO);
        let who: Option<SignInRecord> = bucket(record, SIGNED_IN);
        let whose = who.as_ref().map(|who| (&who.tenant_id, &who.user_id));
        let through = bucket::<UpstreamSession>(record, UPSTREAM_SESSION);
        let now = self.0.now();
        let signed_in_at = who.as_ref().map(|who| who.at);
        let public_id = match &browser {
            Some(browser) => browser.session_id.clone(),
            None => self.0.new_session_id().map_err(backend_error)?,
        };
        Ok(SessionRow {
            id_hash: id_hash(record.id),
            public_id: public_id.to_string(),
            sealed: seal(record.id, &record.data)?,
            tenant_id: whose.map(|(tenant_id, _)| tenant_id.to_string()),
            user_id: whose.map(|(_, user_id)| user_id.to_string()),
            signed_in_at: signed_in_at.map(Timestamp::as_millis),
            last_seen_at: now.as_millis(),
            from_address: browser.as_ref().and_then(|browser| browser.from).map(|from| from.to_string()),
            idp_issuer: through.as_ref().map(|through| through.issuer.clone()),
            idp_subject: through.as_ref().map(|through| through.subject.clone()),
            provider_id: through.as_ref().map(|through| through.provider.to_string()),
            idp_sid: through.and_then(|through| through.sid),
            agent: browser.map(|browser| browser.agent).unwrap_or_default(),
            expires_at: self.0.session_expiry(signed_in_at).as_millis(),
        })
    }
}

#[async_trait::async_trait]
impl SessionStore for DbSessionStore {
    async fn create(&self, record: &mut Record) -> Result<()> {
        // The id is 128 random bits; the unique key would refuse a second equal one.
        self.0.create_session(self.to_row(record)?).await.map_err(backend_error)
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let (store, id, mut record) = (self.clone(), record.id, record.clone());
        let Some(loaded) = record.data.remove(LOADED) else {
            // Nothing of the original data is left.
            return self.0.save_session(self.to_row(&record)?).await.map_err(backend_error);
        };
        let merge = move |stored: &[u8]| {
            let (base, theirs) = (serde_json::from_value(loaded).map_err(Fault::new)?, open(id, stored).map_err(Fault::new)?);
            record.data = merge_data(&base, record.data, theirs);
            store.to_row(&record).map_err(Fault::new)
        };
        self.0.merge_session(id_hash(id), merge).await.map_err(backend_error)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let Some(stored) = self.0.load_session(&id_hash(*id)).await.map_err(backend_error)? else { return Ok(None) };
        let expiry_date =
            OffsetDateTime::from_unix_timestamp(Timestamp::from_millis(stored.expires_at).as_seconds()).map_err(|e| Error::Decode(e.to_string()))?;
        let mut data = open(*id, &stored.sealed)?;
        data.insert(LOADED.to_owned(), serde_json::to_value(&data).map_err(|e| Error::Decode(e.to_string()))?);
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.0.delete_session(id_hash(*id)).await.map_err(backend_error)
    }
}

impl fmt::Debug for DbSessionStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

tokio::task_local! {
    /// Whether the store failed in this request in a way that may succeed soon.
    static UNAVAILABLE: Cell<bool>;
}

/// Temporary faults are errors of the backend, others of the data; `session_fault` tells them apart again.
fn backend_error(fault: Fault) -> Error {
    if fault.is_temporary() {
        let _ = UNAVAILABLE.try_with(|unavailable| unavailable.set(true));
        Error::Backend(fault.to_string())
    } else {
        Error::Decode(fault.to_string())
    }
}

/// Around the layer of the sessions, which answers each fault of the store with 500: 503 if the request may succeed soon.
pub async fn answer_unavailable(request: Request, next: Next) -> Response {
    let answered = async {
        let response = next.run(request).await;
        (response, UNAVAILABLE.with(Cell::get))
    };
    match UNAVAILABLE.scope(Cell::new(false), answered).await {
        (response, true) if response.status() == StatusCode::INTERNAL_SERVER_ERROR => unavailable(),
        (response, _) => response,
    }
}

fn bucket<T: DeserializeOwned>(record: &Record, name: &str) -> Option<T> {
    record.data.get(name).and_then(decode)
}

fn id_hash(id: Id) -> Vec<u8> {
    Sha256::digest(id.0.to_le_bytes()).to_vec()
}

fn cipher(id: Id) -> Result<ChaCha20Poly1305> {
    let mut key = Key::default();
    Hkdf::<Sha256>::new(None, &id.0.to_le_bytes()).expand(b"tms-portal browser session", &mut key).map_err(|e| Error::Encode(e.to_string()))?;
    Ok(ChaCha20Poly1305::new(&key))
}

fn seal(id: Id, data: &SessionData) -> Result<Vec<u8>> {
    let data: HashMap<_, _> = data.iter().filter(|(name, _)| *name != LOADED).collect();
    let data = serde_json::to_vec(&data).map_err(|e| Error::Encode(e.to_string()))?;
    let mut nonce = [0; 12];
    SystemRng.fill(&mut nonce);
    let sealed = cipher(id)?.encrypt(&Nonce::from(nonce), data.as_slice()).map_err(|e| Error::Encode(e.to_string()))?;
    Ok([&nonce[..], &sealed].concat())
}

/// Merges concurrent changes: what this request changed, and everything else as stored by now (`theirs`). Of a list that both changed,
/// entries are merged individually.
fn merge_data(base: &SessionData, mine: SessionData, theirs: SessionData) -> SessionData {
    let mut result = theirs;
    let gone: Vec<&String> = base.keys().filter(|name| !mine.contains_key(*name)).collect();
    for name in gone {
        result.remove(name);
    }
    for (name, value) in mine {
        if base.get(&name) == Some(&value) {
            continue;
        }
        let entries = |value: Option<&Value>| value.map_or_else(|| Some(Vec::new()), |value| value.as_array().cloned());
        let lists = (entries(base.get(&name)), entries(Some(&value)), entries(result.get(&name)));
        let value = match lists {
            (Some(base), Some(mine), Some(theirs)) => {
                let added = mine.iter().filter(|entry| !base.contains(entry)).cloned();
                let stay = theirs.into_iter().filter(|entry| mine.contains(entry) || !base.contains(entry));
                added.chain(stay).collect()
            }
            _ => value,
        };
        result.insert(name, value);
    }
    result
}

fn open(id: Id, sealed: &[u8]) -> Result<SessionData> {
    let (nonce, sealed) = sealed.split_first_chunk::<12>().ok_or_else(|| Error::Decode("too short".into()))?;
    let data = cipher(id)?.decrypt(&Nonce::from(*nonce), sealed).map_err(|e| Error::Decode(e.to_string()))?;
    serde_json::from_slice(&data).map_err(|e| Error::Decode(e.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_session_is_decrypted_only_under_its_own_id() {
        let data: SessionData = [("typed_code".to_owned(), "WDJBMJHT".into())].into();
        let sealed = seal(Id(7), &data).expect("sealed");
        assert_eq!(open(Id(7), &sealed).expect("opened"), data);
        assert!(open(Id(8), &sealed).is_err());
        assert!(open(Id(7), &sealed[..11]).is_err());
        assert!(!sealed.windows(8).any(|window| window == b"WDJBMJHT"), "the code must not stand there in clear");
    }

    #[test]
    fn unreadable_value_does_not_prevent_saving() {
        let data: SessionData = [(UPSTREAM_SESSION.to_owned(), json!({ "other": 1 })), ("number".to_owned(), 7.into())].into();
        let record = Record { id: Id(7), data, expiry_date: OffsetDateTime::UNIX_EPOCH };
        assert!(bucket::<UpstreamSession>(&record, UPSTREAM_SESSION).is_none());
        assert_eq!((bucket(&record, "number"), bucket::<i64>(&record, "missing")), (Some(7), None));
    }

    #[test]
    fn concurrent_requests_of_a_session_are_merged() {
        let data = |json: Value| serde_json::from_value::<SessionData>(json).expect("data");
        let base = data(json!({ "a": 1, "b": 1, "gone": 1, "list": ["x", "y"] }));
        let mine = data(json!({ "a": 2, "b": 1, "new": 1, "list": ["mine", "x"] }));
        let theirs = data(json!({ "a": 1, "b": 3, "gone": 1, "list": ["theirs", "y", "x"], "other": ["z"] }));
        let expected = data(json!({ "a": 2, "b": 3, "new": 1, "list": ["mine", "theirs", "x"], "other": ["z"] }));
        assert_eq!(merge_data(&base, mine, theirs), expected);
        let (one, two) = (data(json!({ "list": [1] })), data(json!({ "list": [2] })));
        assert_eq!(merge_data(&SessionData::new(), one, two), data(json!({ "list": [1, 2] })), "both began it");
    }
}
