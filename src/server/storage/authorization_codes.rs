//! Authorization codes (RFC 6749 §4.1.2), by their HMAC.

use super::row::{Values, row, select};
use super::sql;
use super::{Connection, Error, granted_resources, parse_column};
use crate::domain::authorization_code::{AuthorizationCode, AuthorizationCodeState, MAX_WRONG_TRIES};
use crate::domain::code_challenge::CodeChallenge;
use crate::domain::ids::{AuthorizationId, AuthorizationRequestId, ClientId, HostAccountId, SessionId, TenantId, TokenFamilyId, UserId};
use crate::domain::scope::ScopeSet;
use crate::domain::step_up::AuthenticationTimes;
use crate::domain::time::Timestamp;

row!(authorization_codes:
    struct Row {
        tenant_id: String,
        request_id: String,
        client_id: String,
        redirect_uri: String,
        redirect_uri_named: bool,
        challenge: Option<String>,
        nonce: Option<String>,
        user_id: String,
        session_id: String,
        authenticated_at: i64,
        second_factor_at: Option<i64>,
        authorization_id: String,
        made_authorization: bool,
        scope: String,
        resources: String,
        username_account_id: Option<String>,
        issued_at: i64,
        wrong_tries: i64,
        redeemed_at: Option<i64>,
        family_id: Option<String>,
    }
);

impl TryFrom<Row> for AuthorizationCode {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        const TABLE: &str = "authorization_codes";
        let id = row.request_id.clone();
        let state = match (row.redeemed_at, row.family_id) {
            (Some(at), Some(family)) => {
                AuthorizationCodeState::Redeemed { at: Timestamp::from_millis(at), family: parse_column(TABLE, &id, TokenFamilyId::parse(family))? }
            }
            _ => AuthorizationCodeState::Issued,
        };
        Ok(AuthorizationCode {
            tenant_id: parse_column(TABLE, &id, TenantId::parse(row.tenant_id))?,
            request_id: parse_column(TABLE, &id, AuthorizationRequestId::parse(row.request_id))?,
            client_id: parse_column(TABLE, &id, ClientId::parse(row.client_id))?,
            redirect_uri: row.redirect_uri,
            redirect_uri_named: row.redirect_uri_named,
            challenge: row.challenge.map(|challenge| parse_column(TABLE, &id, CodeChallenge::parse(challenge))).transpose()?,
            nonce: row.nonce,
            person: parse_column(TABLE, &id, UserId::parse(row.user_id))?,
            session: parse_column(TABLE, &id, SessionId::parse(row.session_id))?,
            authenticated: AuthenticationTimes {
                at: Timestamp::from_millis(row.authenticated_at),
                second_at: row.second_factor_at.map(Timestamp::from_millis),
            },
            authorization_id: parse_column(TABLE, &id, AuthorizationId::parse(row.authorization_id))?,
            made_authorization: row.made_authorization,
            scope: ScopeSet::parse_known(&row.scope),
            resources: parse_column(TABLE, &id, granted_resources::read(&row.resources))?,
            username_account: row.username_account_id.map(|account| parse_column(TABLE, &id, HostAccountId::parse(account))).transpose()?,
            issued_at: Timestamp::from_millis(row.issued_at),
            wrong_tries: parse_column(TABLE, &id, u32::try_from(row.wrong_tries))?,
            state,
        })
    }
}

/// Inserts an issued code. False if its request has one.
pub async fn insert(db: &mut Connection, code: &AuthorizationCode, hash: &[u8]) -> Result<bool, Error> {
    Values::new()
        .set("tenant_id", code.tenant_id.as_str())
        .set("request_id", code.request_id.as_str())
        .set("code_hash", hash)
        .set("client_id", code.client_id.as_str())
        .set("redirect_uri", &code.redirect_uri)
        .set("redirect_uri_named", code.redirect_uri_named)
        .set("challenge", code.challenge.as_ref().map(CodeChallenge::as_str))
        .set("nonce", code.nonce.as_deref())
        .set("user_id", code.person.as_str())
        .set("session_id", code.session.as_str())
        .set("authenticated_at", code.authenticated.at.as_millis())
        .set("second_factor_at", code.authenticated.second_at.map(Timestamp::as_millis))
        .set("username_account_id", code.username_account.as_ref().map(HostAccountId::as_str))
        .set("authorization_id", code.authorization_id.as_str())
        .set("made_authorization", code.made_authorization)
        .set("scope", code.scope.to_string())
        .set("resources", granted_resources::stored(&code.resources))
        .set("issued_at", code.issued_at.as_millis())
        .insert(db, table!())
        .await
}

/// Finds a code of this tenant; the caller must compare all that it is bound to.
pub async fn find(db: impl sql::Executor<'_>, tenant_id: &TenantId, hash: &[u8]) -> Result<Option<AuthorizationCode>, Error> {
    let query = sql::query_as(select!("WHERE tenant_id = $1 AND code_hash = $2")).bind(tenant_id.as_str()).bind(hash);
    let row: Option<Row> = query.fetch_optional(db).await?;
    row.map(AuthorizationCode::try_from).transpose()
}

/// The code of an answered request, and its hash.
pub async fn of_request(
    db: impl sql::Executor<'_>,
    tenant_id: &TenantId,
    request: &AuthorizationRequestId,
) -> Result<Option<(AuthorizationCode, Vec<u8>)>, Error> {
    let query = sql::query_as(concat!("SELECT ", columns!(), ", code_hash FROM ", table!(), " WHERE tenant_id = $1 AND request_id = $2"));
    let row: Option<WithHash> = query.bind(tenant_id.as_str()).bind(request.as_str()).fetch_optional(db).await?;
    row.map(|WithHash { row, code_hash }| Ok((row.try_into()?, code_hash))).transpose()
}

#[derive(sqlx::FromRow)]
struct WithHash {
    #[sqlx(flatten)]
    row: Row,
    code_hash: Vec<u8>,
}

/// Counts a token request that did not match an unredeemed code.
pub async fn count_wrong_try(db: &mut Connection, code: &AuthorizationCode) -> Result<(), Error> {
    sql::query("UPDATE authorization_codes SET wrong_tries = wrong_tries + 1 WHERE tenant_id = $1 AND request_id = $2 AND redeemed_at IS NULL")
        .bind(code.tenant_id.as_str())
        .bind(code.request_id.as_str())
        .execute(db)
        .await?;
    Ok(())
}

/// Stores the redemption of a code. False if it was redeemed before, or ended with too many wrong tries.
pub async fn redeem(db: &mut Connection, redeemed: &AuthorizationCode) -> Result<bool, Error> {
    let AuthorizationCodeState::Redeemed { at, family } = &redeemed.state else { return Ok(false) };
    let done = sql::query(
        "UPDATE authorization_codes SET redeemed_at = $3, family_id = $4
         WHERE tenant_id = $1 AND request_id = $2 AND redeemed_at IS NULL AND wrong_tries < $5",
    )
    .bind(redeemed.tenant_id.as_str())
    .bind(redeemed.request_id.as_str())
    .bind(at.as_millis())
    .bind(family.as_str())
    .bind(MAX_WRONG_TRIES)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Codes issued before `before` that were not redeemed, and whose authorization was made with them, has not ended and is not used by another
/// code, as of another tab; at most `limit`.
pub async fn unredeemed(db: impl sql::Executor<'_>, before: Timestamp, limit: u32) -> Result<Vec<AuthorizationCode>, Error> {
    let query = sql::query_as(select!(
        "WHERE issued_at <= $1 AND redeemed_at IS NULL AND made_authorization
           AND EXISTS (SELECT 1 FROM authorizations a WHERE a.tenant_id = authorization_codes.tenant_id
                       AND a.id = authorization_codes.authorization_id AND a.ended_at IS NULL)
           AND NOT EXISTS (SELECT 1 FROM authorization_codes o WHERE o.tenant_id = authorization_codes.tenant_id
                           AND o.authorization_id = authorization_codes.authorization_id AND (o.redeemed_at IS NOT NULL OR o.issued_at > $1))
         ORDER BY issued_at LIMIT $2"
    ));
    let rows: Vec<Row> = query.bind(before.as_millis()).bind(limit).fetch_all(db).await?;
    rows.into_iter().map(AuthorizationCode::try_from).collect()
}
