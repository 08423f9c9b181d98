//! Refused key lookups. Bounded, and what callers can cause with any key never displaces what concerns registered keys.

use std::net::IpAddr;

use sqlx::FromRow;

use super::hosts::{names_of_host, tenant_answering};
use super::row::{row, select};
use super::sql;
use super::{Connection, Error, parse_column, sequences};
use crate::domain::ids::{AccountName, ClientId, HostName, TenantId, UserId};
use crate::domain::refused_lookup::{RefusalReason, RefusedLookup};
use crate::domain::time::Timestamp;

/// Rows per account of a host, per host, and per tenant: of unknown keys, and of registered ones.
const PER_ACCOUNT: [i64; 2] = [10, 40];
const PER_HOST: [i64; 2] = [50, 150];
const PER_TENANT: [i64; 2] = [2_000, 8_000];

row!(refused_lookups as r:
    struct Row {
        host: String,
        account: String,
        fingerprint: String,
        reason: String,
        user_id: Option<String>,
        client_id: Option<String>,
        from_address: Option<String>,
        first_at: i64,
        last_at: i64,
        #[sqlx(try_from = "i64")]
        times: u32,
    }
);

impl Row {
    /// `None` for a reason of a newer release.
    fn refused_lookup(self) -> Result<Option<RefusedLookup>, Error> {
        let row = self;
        let Some(reason) = RefusalReason::parse(&row.reason) else { return Ok(None) };
        let user_id = row.user_id.map(|user| parse_column("refused_lookups", &row.host, UserId::parse(user)));
        let client_id = row.client_id.map(|client| parse_column("refused_lookups", &row.host, ClientId::parse(client)));
        Ok(Some(RefusedLookup {
            account: parse_column("refused_lookups", &row.host, AccountName::parse(row.account))?,
            host: parse_column("refused_lookups", &row.host, HostName::parse(row.host.clone()))?,
            fingerprint: row.fingerprint,
            reason,
            user_id: user_id.transpose()?,
            client_id: client_id.transpose()?,
            from: row.from_address,
            first_at: Timestamp::from_millis(row.first_at),
            last_at: Timestamp::from_millis(row.last_at),
            times: row.times,
        }))
    }
}

/// A login whose lookup was refused.
pub struct LoginQuery {
    /// `None`: the tenant that is responsible for the host name.
    pub tenant_id: Option<TenantId>,
    pub host: HostName,
    pub account: AccountName,
    pub fingerprint: String,
}

/// What is known about such a login.
#[derive(Default)]
pub struct LoginContext {
    /// Where to record it; `None`: the tenant has neither registered nor linked the host.
    pub place: Option<LoginPlace>,
    /// If no tenant was named: registrations of the key in other tenants than the responsible one.
    pub elsewhere: Vec<KeyElsewhere>,
}

pub struct LoginPlace {
    pub tenant_id: TenantId,
    /// The host's stored name.
    pub host: HostName,
    /// Whether the account is linked to any person, also if the link has expired.
    pub ever_linked: bool,
    /// Whether any link is in force.
    pub linked: bool,
    /// The person with the only link in force.
    pub only_person: Option<UserId>,
}

pub struct KeyElsewhere {
    pub tenant_id: TenantId,
    pub host: HostName,
    pub user_id: UserId,
    pub client_id: Option<ClientId>,
}

#[derive(FromRow)]
struct ContextRow {
    tenant_id: Option<String>,
    host: Option<String>,
    links: i64,
    people: i64,
    user_id: Option<String>,
    client_id: Option<String>,
    elsewhere: bool,
}

/// The number of rows with a lookup since `from`. Their number is bounded per tenant.
pub async fn count_since(db: impl sql::Executor<'_>, tenant_id: &TenantId, from: Timestamp) -> Result<i64, Error> {
    let query = "SELECT count(*) FROM refused_lookups WHERE tenant_id = $1 AND key_known IN (false, true) AND last_at > $2";
    Ok(sql::query_scalar(query).bind(tenant_id.as_str()).bind(from.as_millis()).fetch_one(db).await?)
}

/// Finds where a refused lookup is to be recorded, and whom it concerns. One statement, for reading in the background.
pub async fn find_context(db: impl sql::Executor<'_>, login: &LoginQuery, now: Timestamp) -> Result<LoginContext, Error> {
    let rows: Vec<ContextRow> = sql::query_as(concat!(
        "WITH q (tenant_id) AS (SELECT coalesce($1, ",
        tenant_answering!("$2"),
        "))
         SELECT q.tenant_id,
                coalesce((SELECT host FROM hosts WHERE tenant_id = q.tenant_id AND host = $2 ORDER BY number LIMIT 1),
                         (SELECT host FROM host_aliases WHERE tenant_id = q.tenant_id AND alias = $2),
                         (SELECT host FROM host_credentials WHERE tenant_id = q.tenant_id AND host = $2),
                         (SELECT host FROM host_accounts WHERE tenant_id = q.tenant_id AND host = $2 ORDER BY number LIMIT 1)) AS host,
                (SELECT count(*) FROM host_accounts a WHERE a.tenant_id = q.tenant_id AND a.account = $3 AND a.host IN ",
        names_of_host!("q.tenant_id", "$2"),
        ") AS links,
                (SELECT count(DISTINCT a.user_id) FROM host_accounts a
                 WHERE a.tenant_id = q.tenant_id AND a.account = $3 AND a.expires_at > $5 AND a.host IN ",
        names_of_host!("q.tenant_id", "$2"),
        ") AS people,
                (SELECT min(a.user_id) FROM host_accounts a
                 WHERE a.tenant_id = q.tenant_id AND a.account = $3 AND a.expires_at > $5 AND a.host IN ",
        names_of_host!("q.tenant_id", "$2"),
        ") AS user_id,
                CAST(NULL AS TEXT) AS client_id, false AS elsewhere
         FROM q
         UNION ALL
         SELECT * FROM (SELECT k.tenant_id, k.host, 1, 1, k.user_id, k.client_id, true
                        FROM pubkeys k
                        WHERE $1 IS NULL AND k.fingerprint = $4 AND k.account = $3
                          AND k.tenant_id <> coalesce((SELECT tenant_id FROM q), '') AND k.host IN ",
        names_of_host!("k.tenant_id", "$2"),
        " ORDER BY k.number DESC LIMIT 3) AS elsewhere_keys"
    ))
    .bind(login.tenant_id.as_ref().map(TenantId::as_str))
    .bind(login.host.as_str())
    .bind(login.account.as_str())
    .bind(&login.fingerprint)
    .bind(now.as_millis())
    .fetch_all(db)
    .await?;
    let mut context = LoginContext::default();
    for row in rows {
        let (Some(tenant_id), Some(host)) = (row.tenant_id, row.host) else { continue };
        let tenant_id = parse_column("refused_lookups", &host, TenantId::parse(tenant_id))?;
        let user_id = row.user_id.map(|user| parse_column("host_accounts", &host, UserId::parse(user))).transpose()?;
        let client_id = row.client_id.map(|client| parse_column("pubkeys", &host, ClientId::parse(client))).transpose()?;
        let host = parse_column("hosts", login.host.as_str(), HostName::parse(host))?;
        match user_id {
            Some(user_id) if row.elsewhere => context.elsewhere.push(KeyElsewhere { tenant_id, host, user_id, client_id }),
            user_id => {
                let only_person = user_id.filter(|_| row.people == 1);
                context.place = Some(LoginPlace { tenant_id, host, ever_linked: row.links > 0, linked: row.people > 0, only_person });
            }
        }
    }
    Ok(context)
}

/// A refused lookup to be recorded.
pub struct NewRefusedLookup {
    pub tenant_id: TenantId,
    /// The host's stored name.
    pub host: HostName,
    pub account: AccountName,
    pub fingerprint: String,
    pub reason: RefusalReason,
    /// Whether the key is registered for the account.
    pub key_known: bool,
    pub user_id: Option<UserId>,
    pub client_id: Option<ClientId>,
    pub from: Option<IpAddr>,
    pub at: Timestamp,
}

/// Records a refused lookup, and deletes the oldest ones beyond the limits.
pub async fn record(db: &mut Connection, new: &NewRefusedLookup) -> Result<(), Error> {
    let updated = sql::query(
        "UPDATE refused_lookups SET last_at = $7, times = times + 1, from_address = $8, client_id = $9, key_known = $10
         WHERE tenant_id = $1 AND host = $2 AND account = $3 AND fingerprint = $4 AND reason = $5 AND coalesce(user_id, '') = coalesce($6, '')",
    )
    .bind(new.tenant_id.as_str())
    .bind(new.host.as_str())
    .bind(new.account.as_str())
    .bind(&new.fingerprint)
    .bind(new.reason.as_str())
    .bind(new.user_id.as_ref().map(UserId::as_str))
    .bind(new.at.as_millis())
    .bind(new.from.map(|from| from.to_string()))
    .bind(new.client_id.as_ref().map(ClientId::as_str))
    .bind(new.key_known)
    .execute(&mut *db)
    .await?;
    if updated.rows_affected() > 0 {
        return Ok(());
    }
    let number = sequences::next(db, "refused_lookups").await?;
    // The tenant may have been deleted since.
    sql::query(
        "INSERT INTO refused_lookups
             (number, tenant_id, host, account, fingerprint, reason, key_known, user_id, client_id, from_address, first_at, last_at, times)
         SELECT $1, id, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, 1 FROM tenants WHERE id = $2",
    )
    .bind(number)
    .bind(new.tenant_id.as_str())
    .bind(new.host.as_str())
    .bind(new.account.as_str())
    .bind(&new.fingerprint)
    .bind(new.reason.as_str())
    .bind(new.key_known)
    .bind(new.user_id.as_ref().map(UserId::as_str))
    .bind(new.client_id.as_ref().map(ClientId::as_str))
    .bind(new.from.map(|from| from.to_string()))
    .bind(new.at.as_millis())
    .execute(&mut *db)
    .await?;
    trim(db, new).await
}

/// Each new row exceeds each limit by one at most.
async fn trim(db: &mut Connection, new: &NewRefusedLookup) -> Result<(), Error> {
    let limit = |limits: [i64; 2]| if new.key_known { limits[1] } else { limits[0] };
    sql::query(
        "DELETE FROM refused_lookups WHERE number IN
             (SELECT number FROM refused_lookups WHERE tenant_id = $1 AND host = $2 AND key_known = $3 AND account = $4
              ORDER BY last_at DESC, number DESC LIMIT 100 OFFSET $5)",
    )
    .bind(new.tenant_id.as_str())
    .bind(new.host.as_str())
    .bind(new.key_known)
    .bind(new.account.as_str())
    .bind(limit(PER_ACCOUNT))
    .execute(&mut *db)
    .await?;
    sql::query(
        "DELETE FROM refused_lookups WHERE number IN
             (SELECT number FROM refused_lookups WHERE tenant_id = $1 AND host = $2 AND key_known = $3
              ORDER BY last_at DESC, number DESC LIMIT 100 OFFSET $4)",
    )
    .bind(new.tenant_id.as_str())
    .bind(new.host.as_str())
    .bind(new.key_known)
    .bind(limit(PER_HOST))
    .execute(&mut *db)
    .await?;
    sql::query(
        "DELETE FROM refused_lookups WHERE number IN
             (SELECT number FROM refused_lookups WHERE tenant_id = $1 AND key_known = $2
              ORDER BY last_at DESC, number DESC LIMIT 100 OFFSET $3)",
    )
    .bind(new.tenant_id.as_str())
    .bind(new.key_known)
    .bind(limit(PER_TENANT))
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes those last recorded before `before`, at most `limit`. Returns how many there were.
pub async fn delete_old(db: &mut Connection, before: Timestamp, limit: u32) -> Result<u64, Error> {
    let delete = "DELETE FROM refused_lookups WHERE number IN (SELECT number FROM refused_lookups WHERE last_at < $1 LIMIT $2)";
    Ok(sql::query(delete).bind(before.as_millis()).bind(limit).execute(db).await?.rows_affected())
}

/// A person's refused lookups since `since`: those of registered keys first, as anybody can cause others, and each newest first; only of one
/// host if given. Without unknown keys on accounts to which the person logged in afterwards: `ssh` offers all keys that it has.
pub async fn list_of_person(
    db: impl sql::Executor<'_>,
    tenant_id: &TenantId,
    user_id: &UserId,
    host: Option<&HostName>,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<RefusedLookup>, Error> {
    let rows: Vec<Row> = sql::query_as(concat!(
        select!(
            "WHERE r.tenant_id = $1 AND r.user_id = $2 AND (CAST($3 AS TEXT) IS NULL OR r.host = $3) AND r.last_at >= $4
               AND NOT (r.reason = 'unknown_key'
                        AND EXISTS (SELECT 1 FROM pubkeys k
                                    WHERE k.tenant_id = r.tenant_id AND k.user_id = r.user_id AND k.account = r.account
                                      AND k.last_used_at > r.last_at - 30000 AND k.host IN "
        ),
        names_of_host!("r.tenant_id", "r.host COLLATE NOCASE"),
        "))
             ORDER BY r.key_known DESC, r.last_at DESC, r.number DESC LIMIT $5"
    ))
    .bind(tenant_id.as_str())
    .bind(user_id.as_str())
    .bind(host.map(HostName::as_str))
    .bind(since.as_millis())
    .bind(limit)
    .fetch_all(db)
    .await?;
    rows.into_iter().filter_map(|row| row.refused_lookup().transpose()).collect()
}

/// A host's refused lookups since `since`, in the order of [`list_of_person`].
pub async fn list_of_host(
    db: impl sql::Executor<'_>,
    tenant_id: &TenantId,
    host: &HostName,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<RefusedLookup>, Error> {
    let query = sql::query_as(select!(
        "WHERE r.tenant_id = $1 AND r.host = $2 AND r.last_at >= $3 ORDER BY r.key_known DESC, r.last_at DESC, r.number DESC LIMIT $4"
    ));
    let rows: Vec<Row> = query.bind(tenant_id.as_str()).bind(host.as_str()).bind(since.as_millis()).bind(limit).fetch_all(db).await?;
    rows.into_iter().filter_map(|row| row.refused_lookup().transpose()).collect()
}
