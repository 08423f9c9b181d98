//! The keys that sign tokens, sealed.

use std::time::Duration;

use super::row::{row, select};
use super::sql;
use super::{Connection, Error, parse_column};
use crate::domain::ids::SigningKeyId;
use crate::domain::signing_key::{SigningAlgorithm, SigningKey, SigningKeyState};
use crate::domain::time::Timestamp;

row!(signing_keys:
    struct Row {
        kid: String,
        algorithm: String,
        state: String,
        key_sealed: Vec<u8>,
        created_at: i64,
        activated_at: Option<i64>,
        retired_at: Option<i64>,
        remove_at: Option<i64>,
    }
);

/// A key with its sealed content: the private key, or the public one of a retired key.
#[derive(Clone)]
pub struct SealedSigningKey {
    pub key: SigningKey,
    pub sealed: Vec<u8>,
}

/// Ids and states of all keys, by which a portal notices changes.
pub type KeyStates = Vec<(String, String)>;

/// All keys.
#[derive(Clone, Default)]
pub struct SigningKeyRows {
    pub keys: Vec<SealedSigningKey>,
    /// Also of keys whose algorithm or state only a newer release defines.
    pub states: KeyStates,
}

impl Row {
    /// `None` for an algorithm or state of a newer release.
    fn key(self) -> Result<Option<SealedSigningKey>, Error> {
        let row = self;
        let Some((algorithm, state)) = SigningAlgorithm::parse(&row.algorithm).zip(SigningKeyState::parse(&row.state)) else { return Ok(None) };
        let time = |millis: Option<i64>| millis.map(Timestamp::from_millis);
        let key = SigningKey {
            id: parse_column("signing_keys", &row.kid, SigningKeyId::parse(row.kid.clone()))?,
            algorithm,
            state,
            created_at: Timestamp::from_millis(row.created_at),
            activated_at: time(row.activated_at),
            retired_at: time(row.retired_at),
            remove_at: time(row.remove_at),
        };
        Ok(Some(SealedSigningKey { key, sealed: row.key_sealed }))
    }
}

pub async fn list(db: impl sql::Executor<'_>) -> Result<SigningKeyRows, Error> {
    let rows: Vec<Row> = sql::query_as(select!("ORDER BY kid")).fetch_all(db).await?;
    let states = rows.iter().map(|row| (row.kid.clone(), row.state.clone())).collect();
    let keys = rows.into_iter().map(Row::key).collect::<Result<Vec<_>, _>>()?;
    Ok(SigningKeyRows { keys: keys.into_iter().flatten().collect(), states })
}

/// Those of [`SigningKeyRows`], which a portal reads once a second.
pub async fn states(db: impl sql::Executor<'_>) -> Result<KeyStates, Error> {
    Ok(sql::query_as("SELECT kid, state FROM signing_keys ORDER BY kid").fetch_all(db).await?)
}

pub async fn insert(db: &mut Connection, new: &SealedSigningKey) -> Result<(), Error> {
    let SealedSigningKey { key, sealed } = new;
    let insert = sql::query(
        "INSERT INTO signing_keys (kid, algorithm, state, key_sealed, created_at, activated_at, retired_at, remove_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    );
    let insert = insert.bind(key.id.as_str()).bind(key.algorithm.as_str()).bind(key.state.as_str()).bind(sealed.as_slice());
    let millis = |time: Option<Timestamp>| time.map(Timestamp::as_millis);
    let insert = insert.bind(key.created_at.as_millis()).bind(millis(key.activated_at)).bind(millis(key.retired_at)).bind(millis(key.remove_at));
    insert.execute(db).await?;
    Ok(())
}

pub async fn activate(db: &mut Connection, id: &SigningKeyId, now: Timestamp) -> Result<(), Error> {
    let update = sql::query("UPDATE signing_keys SET state = 'active', activated_at = $2 WHERE kid = $1");
    update.bind(id.as_str()).bind(now.as_millis()).execute(db).await?;
    Ok(())
}

/// Replaces the private key by the public one, which verifies tokens until the last of them has ended: after the longest lifetime that a tenant allows.
pub async fn retire(db: &mut Connection, id: &SigningKeyId, public_sealed: &[u8], now: Timestamp) -> Result<(), Error> {
    let remove_at = now + longest_lifetime(&mut *db).await?;
    let update = sql::query("UPDATE signing_keys SET state = 'retired', key_sealed = $2, retired_at = $3, remove_at = $4 WHERE kid = $1");
    update.bind(id.as_str()).bind(public_sealed).bind(now.as_millis()).bind(remove_at.as_millis()).execute(db).await?;
    Ok(())
}

/// The longest lifetime of an access token: that of an access, which a tenant's policy also shortens afterwards, or, for sign-ins and for clients
/// themselves, that of a token.
async fn longest_lifetime(db: &mut Connection) -> Result<Duration, Error> {
    let query = sql::query_scalar(
        "SELECT max(CASE WHEN longest_access_ms < access_token_lifetime_ms THEN access_token_lifetime_ms ELSE longest_access_ms END) FROM tenants",
    );
    let millis: Option<i64> = query.fetch_one(db).await?;
    Ok(Duration::from_millis(millis.and_then(|millis| u64::try_from(millis).ok()).unwrap_or_default()))
}

pub async fn delete(db: &mut Connection, id: &SigningKeyId) -> Result<(), Error> {
    sql::query("DELETE FROM signing_keys WHERE kid = $1").bind(id.as_str()).execute(db).await?;
    Ok(())
}

/// Corrects the times of a key that were stored while a clock was ahead. A retired key is kept as long as before.
pub async fn correct_times(db: &mut Connection, key: &SigningKey, now: Timestamp) -> Result<(), Error> {
    let corrected = |time: Timestamp| if time.is_ahead_of(now) { now } else { time };
    let kept = key.retired_at.zip(key.remove_at).map(|(retired_at, remove_at)| corrected(retired_at) + remove_at.since(retired_at));
    let millis = |time: Option<Timestamp>| time.map(Timestamp::as_millis);
    let update =
        sql::query("UPDATE signing_keys SET created_at = $3, activated_at = $4, retired_at = $5, remove_at = $6 WHERE kid = $1 AND state = $2");
    let update = update.bind(key.id.as_str()).bind(key.state.as_str()).bind(corrected(key.created_at).as_millis());
    let update = update.bind(millis(key.activated_at.map(corrected))).bind(millis(key.retired_at.map(corrected))).bind(millis(kept));
    update.execute(db).await?;
    Ok(())
}
