//! Identities of people at providers, and invitations.

use sqlx::FromRow;

use super::sql;
use super::{Connection, Error, parse_column, sequences};
use crate::domain::ids::{TenantId, UserId};
use crate::domain::time::Timestamp;

/// The link between a person and a subject of an issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The number that forms use; assigned by the table.
    pub number: i64,
    pub issuer: String,
    pub subject: String,
    pub user_id: UserId,
    pub label: String,
    pub linked_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

#[derive(FromRow)]
struct Row {
    number: i64,
    issuer: String,
    subject: String,
    user_id: String,
    label: String,
    linked_at: i64,
    last_used_at: Option<i64>,
}

impl TryFrom<Row> for Identity {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            number: row.number,
            user_id: parse_column("identities", &row.subject, UserId::parse(row.user_id))?,
            issuer: row.issuer,
            subject: row.subject,
            label: row.label,
            linked_at: Timestamp::from_millis(row.linked_at),
            last_used_at: row.last_used_at.map(Timestamp::from_millis),
        })
    }
}

pub async fn find(db: impl sql::Executor<'_>, tenant_id: &TenantId, issuer: &str, subject: &str) -> Result<Option<Identity>, Error> {
    let query = "SELECT number, issuer, subject, user_id, label, linked_at, last_used_at FROM identities WHERE tenant_id = $1 AND issuer = $2 AND subject = $3";
    let row: Option<Row> = sql::query_as(query).bind(tenant_id.as_str()).bind(issuer).bind(subject).fetch_optional(db).await?;
    row.map(Identity::try_from).transpose()
}

/// A person's identities, oldest first.
pub async fn of_person(db: impl sql::Executor<'_>, tenant_id: &TenantId, user_id: &UserId) -> Result<Vec<Identity>, Error> {
    let query = "SELECT number, issuer, subject, user_id, label, linked_at, last_used_at FROM identities
         WHERE tenant_id = $1 AND user_id = $2 ORDER BY linked_at, number";
    let rows: Vec<Row> = sql::query_as(query).bind(tenant_id.as_str()).bind(user_id.as_str()).fetch_all(db).await?;
    rows.into_iter().map(Identity::try_from).collect()
}

/// False if it does not exist.
pub async fn delete(db: &mut Connection, tenant_id: &TenantId, identity: &Identity) -> Result<bool, Error> {
    let done = sql::query("DELETE FROM identities WHERE tenant_id = $1 AND issuer = $2 AND subject = $3 AND user_id = $4")
        .bind(tenant_id.as_str())
        .bind(&identity.issuer)
        .bind(&identity.subject)
        .bind(identity.user_id.as_str())
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// False if it is linked to a person already.
pub async fn insert(db: &mut Connection, tenant_id: &TenantId, identity: &Identity) -> Result<bool, Error> {
    let number = sequences::next(db, "identities").await?;
    let done = sql::query(
        "INSERT INTO identities (tenant_id, issuer, subject, user_id, label, linked_at, last_used_at, number)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
    )
    .bind(tenant_id.as_str())
    .bind(&identity.issuer)
    .bind(&identity.subject)
    .bind(identity.user_id.as_str())
    .bind(&identity.label)
    .bind(identity.linked_at.as_millis())
    .bind(identity.last_used_at.map(Timestamp::as_millis))
    .bind(number)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Records a sign-in, and the current label of the identity.
pub async fn touch(db: &mut Connection, tenant_id: &TenantId, issuer: &str, subject: &str, label: &str, now: Timestamp) -> Result<(), Error> {
    sql::query("UPDATE identities SET last_used_at = $4, label = $5 WHERE tenant_id = $1 AND issuer = $2 AND subject = $3")
        .bind(tenant_id.as_str())
        .bind(issuer)
        .bind(subject)
        .bind(now.as_millis())
        .bind(label)
        .execute(db)
        .await?;
    Ok(())
}

/// Invites an existing person. Replaces an earlier invitation.
pub async fn insert_invitation(
    db: &mut Connection,
    tenant_id: &TenantId,
    user_id: &UserId,
    code_hash: &[u8],
    expires_at: Timestamp,
) -> Result<(), Error> {
    sql::query("DELETE FROM invitations WHERE tenant_id = $1 AND user_id = $2")
        .bind(tenant_id.as_str())
        .bind(user_id.as_str())
        .execute(&mut *db)
        .await?;
    sql::query("INSERT INTO invitations (tenant_id, code_hash, user_id, expires_at) VALUES ($1, $2, $3, $4)")
        .bind(tenant_id.as_str())
        .bind(code_hash)
        .bind(user_id.as_str())
        .bind(expires_at.as_millis())
        .execute(db)
        .await?;
    Ok(())
}

/// Consumes an invitation. Returns the invited person; `None` if it is unknown or has expired.
pub async fn consume_invitation(db: &mut Connection, tenant_id: &TenantId, code_hash: &[u8], now: Timestamp) -> Result<Option<UserId>, Error> {
    let user: Option<String> =
        sql::query_scalar("DELETE FROM invitations WHERE tenant_id = $1 AND code_hash = $2 AND expires_at > $3 RETURNING user_id")
            .bind(tenant_id.as_str())
            .bind(code_hash)
            .bind(now.as_millis())
            .fetch_optional(db)
            .await?;
    user.map(|user| parse_column("invitations", &user, UserId::parse(user.clone()))).transpose()
}

/// Deletes expired invitations, at most `limit`. Returns how many there were.
pub async fn delete_old_invitations(db: &mut Connection, now: Timestamp, limit: u32) -> Result<u64, Error> {
    let delete = "DELETE FROM invitations WHERE code_hash IN (SELECT code_hash FROM invitations WHERE expires_at <= $1 LIMIT $2)";
    Ok(sql::query(delete).bind(now.as_millis()).bind(limit).execute(db).await?.rows_affected())
}
