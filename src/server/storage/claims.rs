//! Claims on pending requests: device grants and link requests. A claim names the browser session that submitted the request's code.

use super::{Error, parse_column};
use crate::domain::device_grant::{Claim, Claimant};
use crate::domain::ids::{SessionId, UserId};
use crate::domain::time::Timestamp;

/// SQL for the expiry of the claiming session, in a query on a table with claims. NULL: it has ended, or another person has signed in to
/// it. While its person is signing in, the session row has no person.
macro_rules! claim_ends {
    ($table:expr) => {
        concat!(
            "(SELECT max(s.expires_at) FROM browser_sessions s WHERE s.public_id = ",
            $table,
            ".claimed_session AND (",
            $table,
            ".claimed_person IS NULL OR s.user_id IS NULL OR (s.tenant_id = ",
            $table,
            ".tenant_id AND s.user_id = ",
            $table,
            ".claimed_person))) AS claim_ends"
        )
    };
}

/// `SELECT` of the columns of this module's `row!`, and of `claim_ends`, of the requests for which the condition holds.
macro_rules! select_requests {
    ($condition:literal) => {
        concat!("SELECT ", columns!(), ", ", claim_ends!(table!()), " FROM ", table!(), " WHERE ", $condition)
    };
}

/// A row with the expiry of its claim.
#[derive(sqlx::FromRow)]
pub(super) struct Claimed<T> {
    #[sqlx(flatten)]
    pub row: T,
    pub claim_ends: Option<i64>,
}
pub(super) use {claim_ends, select_requests};

/// The claim in a row of such a table.
pub(super) fn claim(
    table: &'static str,
    id: &str,
    session: Option<&String>,
    person: Option<&String>,
    session_ends: Option<i64>,
) -> Result<Option<Claim>, Error> {
    let Some(session) = session else { return Ok(None) };
    let session = parse_column(table, id, SessionId::parse(session.clone()))?;
    let person = person.map(|person| parse_column(table, id, UserId::parse(person.clone()))).transpose()?;
    Ok(Some(Claim { by: Claimant { session, person }, session_ends: session_ends.map(Timestamp::from_millis) }))
}

/// The statements on claims for one table; used in the module of that table, whose `row!` is `Row`.
macro_rules! claims {
    ($request:ty, waiting: $state:literal, of_person: $condition:literal) => {
        /// Pending requests that this person has claimed, newest first.
        pub async fn claimed_by(db: impl sql::Executor<'_>, tenant_id: &TenantId, person: &UserId, now: Timestamp) -> Result<Vec<$request>, Error> {
            let query = sql::query_as(select_requests!($condition)).bind(tenant_id.as_str()).bind(person.as_str()).bind(now.as_millis());
            let rows: Vec<Claimed<Row>> = query.fetch_all(db).await?;
            rows.into_iter().map(<$request>::try_from).collect()
        }

        /// Claims a pending request; replaces a claim that is no longer valid. False if the request is not pending.
        pub async fn save_claim(db: &mut Connection, request: &$request, by: &Claimant, code_sealed: &[u8]) -> Result<bool, Error> {
            set_claim(db, request, Some((by, code_sealed))).await
        }

        /// Removes the claim of a pending request.
        pub async fn release_claim(db: &mut Connection, request: &$request) -> Result<(), Error> {
            set_claim(db, request, None).await.map(drop)
        }

        async fn set_claim(db: &mut Connection, request: &$request, claim: Option<(&Claimant, &[u8])>) -> Result<bool, Error> {
            let statement = concat!(
                "UPDATE ",
                table!(),
                " SET claimed_session = $3, claimed_person = $4, claimed_code = $5 WHERE tenant_id = $1 AND id = $2 AND state = '",
                $state,
                "'"
            );
            let done = sql::query(statement)
                .bind(request.tenant_id.as_str())
                .bind(request.id.as_str())
                .bind(claim.map(|(by, _)| by.session.as_str()))
                .bind(claim.and_then(|(by, _)| by.person.as_ref()).map(UserId::as_str))
                .bind(claim.map(|(_, code_sealed)| code_sealed))
                .execute(db)
                .await?;
            Ok(done.rows_affected() == 1)
        }

        /// The submitted code: its hash, and the sealed code.
        pub async fn claimed_code(db: impl sql::Executor<'_>, request: &$request) -> Result<Option<(Vec<u8>, Vec<u8>)>, Error> {
            let query =
                concat!("SELECT user_code_hash, claimed_code FROM ", table!(), " WHERE tenant_id = $1 AND id = $2 AND claimed_code IS NOT NULL");
            Ok(sql::query_as(query).bind(request.tenant_id.as_str()).bind(request.id.as_str()).fetch_optional(db).await?)
        }
    };
}
pub(super) use claims;
