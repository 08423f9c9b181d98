//! What the administrators' overview states about a tenant. Numbers are counted up to [`MAX_COUNTED`].

use sqlx::FromRow;

use super::Error;
use super::hosts::{names_of_host, without_credential};
use super::people::without_second_factor;
use super::sql;
use crate::domain::ids::TenantId;
use crate::domain::pagination::MAX_COUNTED;
use crate::domain::tenant_overview::{ExpiringSecret, MAX_NAMED, SecretOwner};
use crate::domain::time::Timestamp;

const MOST: i64 = MAX_COUNTED as i64;

/// Requests that people reported since `from`. The kinds are those of the index `activity_of_reports`.
pub async fn count_reports(db: impl sql::Executor<'_>, tenant_id: &TenantId, from: Timestamp) -> Result<i64, Error> {
    let query = "SELECT count(*) FROM (SELECT 1 FROM activity WHERE tenant_id = $1 AND at >= $2
                                       AND kind IN ('device_reported', 'host_link_refused', 'authorization_reported') LIMIT $3) AS reports";
    Ok(sql::query_scalar(query).bind(tenant_id.as_str()).bind(from.as_millis()).bind(MOST).fetch_one(db).await?)
}

/// Hosts whose last lookup was before `before`.
pub async fn count_silent_hosts(db: impl sql::Executor<'_>, tenant_id: &TenantId, before: Timestamp) -> Result<i64, Error> {
    let query = "SELECT count(*) FROM (SELECT 1 FROM host_questions q WHERE q.tenant_id = $1 AND q.asked_at < $2
                   AND EXISTS (SELECT 1 FROM hosts h WHERE h.tenant_id = q.tenant_id AND h.host = q.host) LIMIT $3) AS silent";
    Ok(sql::query_scalar(query).bind(tenant_id.as_str()).bind(before.as_millis()).bind(MOST).fetch_one(db).await?)
}

/// Hosts that have a credential under none of their names.
pub async fn count_hosts_without_credential(db: impl sql::Executor<'_>, tenant_id: &TenantId) -> Result<i64, Error> {
    let query = concat!(
        "SELECT count(*) FROM (SELECT DISTINCT h.host FROM hosts h WHERE h.tenant_id = $1 AND ",
        without_credential!(),
        " LIMIT $2) AS hosts"
    );
    Ok(sql::query_scalar(query).bind(tenant_id.as_str()).bind(MOST).fetch_one(db).await?)
}

/// The number of old secrets that expire between two times, and the first [`MAX_NAMED`] of them.
pub async fn expiring_secrets(
    db: impl sql::Executor<'_>,
    tenant_id: &TenantId,
    now: Timestamp,
    until: Timestamp,
) -> Result<(i64, Vec<ExpiringSecret>), Error> {
    let query = "SELECT owner, id, old_secret_until, count(*) OVER () AS total
                 FROM (SELECT 'client' AS owner, client_id AS id, old_secret_until FROM clients WHERE tenant_id = $1
                       UNION ALL
                       SELECT 'host', coalesce((SELECT a.host FROM host_aliases a WHERE a.tenant_id = c.tenant_id AND a.alias = c.host), c.host),
                              c.old_secret_until
                       FROM host_credentials c WHERE c.tenant_id = $1
                       UNION ALL SELECT 'admin', admin_id, old_secret_until FROM tenant_admins WHERE tenant_id = $1) AS secrets
                 WHERE old_secret_until > $2 AND old_secret_until <= $3 ORDER BY old_secret_until, owner, id LIMIT $4";
    let query = sql::query_as(query).bind(tenant_id.as_str()).bind(now.as_millis()).bind(until.as_millis()).bind(MAX_NAMED as i64);
    let rows: Vec<(String, String, i64, i64)> = query.fetch_all(db).await?;
    let owner = |word: &str| match word {
        "client" => SecretOwner::Client,
        "host" => SecretOwner::Host,
        _ => SecretOwner::Admin,
    };
    let total = rows.first().map_or(0, |(.., total)| *total);
    let secret = |(word, id, at, _): (String, String, i64, i64)| ExpiringSecret { owner: owner(&word), id, expires_at: Timestamp::from_millis(at) };
    Ok((total, rows.into_iter().map(secret).collect()))
}

/// Enabled people without an app or passkey.
pub async fn count_people_without_second_factor(db: impl sql::Executor<'_>, tenant_id: &TenantId) -> Result<i64, Error> {
    let query = concat!("SELECT count(*) FROM (SELECT 1 FROM people p WHERE p.tenant_id = $1 AND ", without_second_factor!(), " LIMIT $2) AS people");
    Ok(sql::query_scalar(query).bind(tenant_id.as_str()).bind(MOST).fetch_one(db).await?)
}

/// Sign-ins of one hour since the given time.
#[derive(FromRow)]
pub struct SignInCount {
    /// Hours since then.
    pub hour: i64,
    pub succeeded: i64,
    pub refused: i64,
}

/// Sign-ins by the hour. The kinds are those of the index `activity_of_sign_in`.
pub async fn count_sign_ins(db: impl sql::Executor<'_>, tenant_id: &TenantId, from: Timestamp) -> Result<Vec<SignInCount>, Error> {
    let query = "SELECT (at - $2) / 3600000 AS hour, count(CASE WHEN kind = 'signed_in' THEN 1 END) AS succeeded,
                        count(CASE WHEN kind <> 'signed_in' THEN 1 END) AS refused
                 FROM activity WHERE tenant_id = $1 AND at >= $2 AND kind IN ('signed_in', 'sign_in_failed', 'second_factor_failed')
                 GROUP BY (at - $2) / 3600000";
    Ok(sql::query_as(query).bind(tenant_id.as_str()).bind(from.as_millis()).fetch_all(db).await?)
}
