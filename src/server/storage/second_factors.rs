//! People's second factors.

use sqlx::FromRow;

use super::sql;
use super::{Connection, Error, parse_column};
use crate::domain::ids::{TenantId, UserId};
use crate::domain::second_factor::{FactorUsage, PasskeySummary, SecondFactors};
use crate::domain::time::Timestamp;

/// A code may be so many time steps older than the last accepted one and still count as used: portals' clocks and a code's validity differ by
/// less. If the last one is later than that, it was accepted while the clock was ahead.
const MAX_STEPS_AHEAD: i64 = 4;

/// An authenticator app.
#[derive(FromRow)]
pub struct Totp {
    pub secret_sealed: Vec<u8>,
    /// Time step of the last accepted code.
    pub last_step: i64,
    created_at: i64,
    last_used_at: Option<i64>,
}

/// A passkey, with the state that the library keeps of it.
#[derive(FromRow)]
pub struct Passkey {
    pub number: i64,
    pub passkey: String,
    name: String,
    created_at: i64,
    last_used_at: Option<i64>,
}

/// Whether the person has an app or a passkey.
pub async fn has_any(db: impl sql::Executor<'_>, tenant_id: &TenantId, user_id: &UserId) -> Result<bool, Error> {
    let query = "SELECT EXISTS (SELECT 1 FROM totp WHERE tenant_id = $1 AND user_id = $2)
         OR EXISTS (SELECT 1 FROM passkeys WHERE tenant_id = $1 AND user_id = $2)";
    Ok(sql::query_scalar(query).bind(tenant_id.as_str()).bind(user_id.as_str()).fetch_one(db).await?)
}

pub async fn of_person(db: &sql::Pool, tenant_id: &TenantId, user_id: &UserId) -> Result<SecondFactors, Error> {
    let app = find_totp(db, tenant_id, user_id).await?.map(|totp| usage(totp.created_at, totp.last_used_at));
    let passkeys = passkeys(db, tenant_id, user_id).await?.into_iter();
    let passkeys =
        passkeys.map(|key| PasskeySummary { number: key.number, name: key.name, usage: usage(key.created_at, key.last_used_at) }).collect();
    Ok(SecondFactors { app, passkeys, recovery_codes_left: recovery_codes_left(db, tenant_id, user_id).await? })
}

pub async fn find_totp(db: impl sql::Executor<'_>, tenant_id: &TenantId, user_id: &UserId) -> Result<Option<Totp>, Error> {
    let query = "SELECT secret_sealed, last_step, created_at, last_used_at FROM totp WHERE tenant_id = $1 AND user_id = $2";
    Ok(sql::query_as(query).bind(tenant_id.as_str()).bind(user_id.as_str()).fetch_optional(db).await?)
}

/// The app of any one person, to test whether its secret can be unsealed.
pub async fn any_totp(db: impl sql::Executor<'_>) -> Result<Option<(TenantId, UserId, Vec<u8>)>, Error> {
    let found: Option<(String, String, Vec<u8>)> =
        sql::query_as("SELECT tenant_id, user_id, secret_sealed FROM totp LIMIT 1").fetch_optional(db).await?;
    let checked = |(tenant, user, sealed): (String, String, Vec<u8>)| {
        Ok((parse_column("totp", &user, TenantId::parse(tenant))?, parse_column("totp", &user, UserId::parse(user.clone()))?, sealed))
    };
    found.map(checked).transpose()
}

/// False if the person has one.
pub async fn insert_totp(
    db: &mut Connection,
    tenant_id: &TenantId,
    user_id: &UserId,
    secret_sealed: &[u8],
    last_step: i64,
    now: Timestamp,
) -> Result<bool, Error> {
    let done =
        sql::query("INSERT INTO totp (tenant_id, user_id, secret_sealed, last_step, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING")
            .bind(tenant_id.as_str())
            .bind(user_id.as_str())
            .bind(secret_sealed)
            .bind(last_step)
            .bind(now.as_millis())
            .execute(db)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// False if a code of this time step, or of a later one, was accepted before (RFC 6238 §5.2).
pub async fn consume_totp_step(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId, step: i64, now: Timestamp) -> Result<bool, Error> {
    let query = "UPDATE totp SET last_step = $3, last_used_at = $4 WHERE tenant_id = $1 AND user_id = $2 AND (last_step < $3 OR last_step > $5)";
    let query = sql::query(query).bind(tenant_id.as_str()).bind(user_id.as_str()).bind(step).bind(now.as_millis());
    let done = query.bind(step.saturating_add(MAX_STEPS_AHEAD)).execute(db).await?;
    Ok(done.rows_affected() == 1)
}

/// False if there is none.
pub async fn delete_totp(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId) -> Result<bool, Error> {
    let done = sql::query("DELETE FROM totp WHERE tenant_id = $1 AND user_id = $2").bind(tenant_id.as_str()).bind(user_id.as_str());
    Ok(done.execute(db).await?.rows_affected() == 1)
}

/// A person's passkeys, oldest first.
pub async fn passkeys(db: impl sql::Executor<'_>, tenant_id: &TenantId, user_id: &UserId) -> Result<Vec<Passkey>, Error> {
    let query = "SELECT number, passkey, name, created_at, last_used_at FROM passkeys WHERE tenant_id = $1 AND user_id = $2 ORDER BY number";
    Ok(sql::query_as(query).bind(tenant_id.as_str()).bind(user_id.as_str()).fetch_all(db).await?)
}

/// False if the credential id is stored for any person of the tenant.
pub async fn insert_passkey(
    db: &mut Connection,
    tenant_id: &TenantId,
    user_id: &UserId,
    credential_id: &[u8],
    passkey: &str,
    name: &str,
    now: Timestamp,
) -> Result<bool, Error> {
    let done = sql::query(
        "INSERT INTO passkeys (tenant_id, user_id, credential_id, passkey, name, created_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT DO NOTHING",
    )
    .bind(tenant_id.as_str())
    .bind(user_id.as_str())
    .bind(credential_id)
    .bind(passkey)
    .bind(name)
    .bind(now.as_millis())
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Stores the library's state after a use. False if the passkey was removed, or has answered this challenge before.
pub async fn use_passkey(
    db: &mut Connection,
    tenant_id: &TenantId,
    user_id: &UserId,
    number: i64,
    passkey: &str,
    challenge: &[u8],
    now: Timestamp,
) -> Result<bool, Error> {
    let done = sql::query(
        "UPDATE passkeys SET passkey = $4, last_asked = $5, last_used_at = $6
         WHERE tenant_id = $1 AND user_id = $2 AND number = $3 AND last_asked IS DISTINCT FROM $5",
    )
    .bind(tenant_id.as_str())
    .bind(user_id.as_str())
    .bind(number)
    .bind(passkey)
    .bind(challenge)
    .bind(now.as_millis())
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// False if there is none.
pub async fn rename_passkey(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId, number: i64, name: &str) -> Result<bool, Error> {
    let query = "UPDATE passkeys SET name = $4 WHERE tenant_id = $1 AND user_id = $2 AND number = $3";
    let done = sql::query(query).bind(tenant_id.as_str()).bind(user_id.as_str()).bind(number).bind(name).execute(db).await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes a passkey and returns its name; `None` if there is none.
pub async fn delete_passkey(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId, number: i64) -> Result<Option<String>, Error> {
    let query = "DELETE FROM passkeys WHERE tenant_id = $1 AND user_id = $2 AND number = $3 RETURNING name";
    Ok(sql::query_scalar(query).bind(tenant_id.as_str()).bind(user_id.as_str()).bind(number).fetch_optional(db).await?)
}

/// Deletes all second factors of a person. Returns the number of apps and passkeys.
pub async fn delete_all(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId) -> Result<u64, Error> {
    let passkeys = sql::query("DELETE FROM passkeys WHERE tenant_id = $1 AND user_id = $2").bind(tenant_id.as_str()).bind(user_id.as_str());
    let passkeys = passkeys.execute(&mut *db).await?.rows_affected();
    let app = delete_totp(&mut *db, tenant_id, user_id).await?;
    delete_recovery_codes(db, tenant_id, user_id).await?;
    Ok(passkeys + u64::from(app))
}

pub async fn recovery_codes_left(db: impl sql::Executor<'_>, tenant_id: &TenantId, user_id: &UserId) -> Result<i64, Error> {
    let query = "SELECT count(*) FROM recovery_codes WHERE tenant_id = $1 AND user_id = $2";
    Ok(sql::query_scalar(query).bind(tenant_id.as_str()).bind(user_id.as_str()).fetch_one(db).await?)
}

/// Replaces all recovery codes of a person.
pub async fn replace_recovery_codes(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId, hashes: &[Vec<u8>]) -> Result<(), Error> {
    delete_recovery_codes(&mut *db, tenant_id, user_id).await?;
    for hash in hashes {
        let insert = sql::query("INSERT INTO recovery_codes (tenant_id, user_id, code_hash) VALUES ($1, $2, $3)");
        insert.bind(tenant_id.as_str()).bind(user_id.as_str()).bind(hash).execute(&mut *db).await?;
    }
    Ok(())
}

/// False if it is not one of the person's codes, or was used before.
pub async fn consume_recovery_code(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId, hash: &[u8]) -> Result<bool, Error> {
    let query = "DELETE FROM recovery_codes WHERE tenant_id = $1 AND user_id = $2 AND code_hash = $3";
    let done = sql::query(query).bind(tenant_id.as_str()).bind(user_id.as_str()).bind(hash).execute(db).await?;
    Ok(done.rows_affected() == 1)
}

pub async fn delete_recovery_codes(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId) -> Result<(), Error> {
    let query = sql::query("DELETE FROM recovery_codes WHERE tenant_id = $1 AND user_id = $2");
    query.bind(tenant_id.as_str()).bind(user_id.as_str()).execute(db).await?;
    Ok(())
}

fn usage(created_at: i64, last_used_at: Option<i64>) -> FactorUsage {
    FactorUsage { created_at: Timestamp::from_millis(created_at), last_used_at: last_used_at.map(Timestamp::from_millis) }
}
