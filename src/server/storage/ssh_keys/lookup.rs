//! Queries that decide whether a key may log in: for a key that is being created, and for a lookup by a host.

use std::hash::{Hash, Hasher};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Serialize;
use sqlx::FromRow;

use super::super::clients::flow_is_allowed;
use super::super::host_accounts::HostAccountKey;
use super::super::hosts::{names_of_host, tenant_answering};
use super::super::sql;
use super::super::{Connection, Error, parse_column};
use crate::domain::ids::{AccountName, AuthorizationId, ClientId, HostAccountId, HostName, TenantId, UserId};
use crate::domain::ssh_key::{Dependencies, Fingerprint, HostAccountLink, KeyStatus, MfaStatus};
use crate::domain::time::Timestamp;

/// SQL condition: delegation `d` covers host account `a`. A consent covers it as far as the client's current settings allow.
macro_rules! delegation_covers_account {
    () => {
        concat!(
            "d.ended_at IS NULL AND ' ' || d.scope || ' ' LIKE '% keys:create %'
             AND (d.device_grant_id IS NULL
                  OR EXISTS (SELECT 1 FROM clients o WHERE o.tenant_id = d.tenant_id AND o.client_id = d.client_id
                             AND ' ' || o.scope || ' ' LIKE '% keys:create %' AND ",
            flow_is_allowed!("o", "d.tenant_id", "d.device_grant_id"),
            "))
             AND (d.every_host_account
                  OR EXISTS (SELECT 1 FROM delegation_host_accounts t
                             WHERE t.tenant_id = d.tenant_id AND t.delegation_id = d.id AND t.host_account_id = a.id))"
        )
    };
}

/// Asks for the dependencies of a key for this host account and client and, if it is created with an access token, this authorization.
#[derive(PartialEq, Eq, Hash)]
pub struct DependencyQuery {
    pub host_account: HostAccountKey,
    /// `None`: a person's own key.
    pub client_id: Option<ClientId>,
    pub authorization_id: Option<AuthorizationId>,
}

/// A [`DependencyQuery`] as the statement reads it, by these names.
#[derive(Serialize)]
struct DependencyParams<'a> {
    tenant_id: &'a str,
    user_id: &'a str,
    host: &'a str,
    account: &'a str,
    client_id: Option<&'a str>,
    authorization_id: Option<&'a str>,
}

#[derive(FromRow)]
struct DependenciesRow {
    person_enabled: Option<bool>,
    mfa_enabled: Option<bool>,
    mfa_expires_at: Option<i64>,
    link_id: Option<String>,
    link_host: Option<String>,
    host_known: bool,
    link_expires_at: Option<i64>,
    delegated_until: Option<i64>,
}

impl TryFrom<DependenciesRow> for Dependencies {
    type Error = Error;

    fn try_from(row: DependenciesRow) -> Result<Self, Error> {
        let link = row.link_id.zip(row.link_host).zip(row.link_expires_at);
        let link = link.map(|((id, host), expires_at)| {
            let host = parse_column("host_accounts", &id, HostName::parse(host))?;
            let id = parse_column("host_accounts", &id, HostAccountId::parse(id.clone()))?;
            Ok::<_, Error>(HostAccountLink { id, host, host_known: row.host_known, expires_at: Timestamp::from_millis(expires_at) })
        });
        Ok(Dependencies {
            person_enabled: row.person_enabled,
            mfa: row.mfa_enabled.zip(row.mfa_expires_at).map(|(enabled, at)| MfaStatus { enabled, expires_at: Timestamp::from_millis(at) }),
            link: link.transpose()?,
            delegated_until: row.delegated_until.map(Timestamp::from_millis),
        })
    }
}

/// Finds the dependencies of keys; for [`batched_reader`](super::super::batched_reader).
pub fn find_dependencies<'c>(db: &'c mut Connection, queries: &'c [DependencyQuery]) -> BoxFuture<'c, Result<Vec<Dependencies>, Error>> {
    async move {
        let questions: Vec<_> = queries
            .iter()
            .map(|DependencyQuery { host_account: place, client_id, authorization_id }| DependencyParams {
                tenant_id: place.tenant_id.as_str(),
                user_id: place.user_id.as_str(),
                host: place.host.as_str(),
                account: place.account.as_str(),
                client_id: client_id.as_ref().map(ClientId::as_str),
                authorization_id: authorization_id.as_ref().map(AuthorizationId::as_str),
            })
            .collect();
        let rows: Vec<DependenciesRow> = sql::query_as(concat!(
            "WITH q AS MATERIALIZED (
                 SELECT key, value ->> 'tenant_id' AS tenant_id, value ->> 'user_id' AS user_id, value ->> 'host' AS host, value ->> 'account' AS account,
                        value ->> 'client_id' AS client_id, value ->> 'authorization_id' AS authorization_id
                 FROM json_each($1))
             SELECT p.enabled AS person_enabled, m.enabled AS mfa_enabled, m.expires_at AS mfa_expires_at, a.id AS link_id, a.host AS link_host, a.expires_at AS link_expires_at,
                    NOT EXISTS (SELECT 1 FROM hosts h WHERE h.tenant_id = q.tenant_id)
                    OR EXISTS (SELECT 1 FROM hosts h WHERE h.tenant_id = q.tenant_id AND h.host IN ",
            names_of_host!("q.tenant_id", "q.host"),
            ")
                    OR EXISTS (SELECT 1 FROM host_credentials h WHERE h.tenant_id = q.tenant_id AND h.host IN ",
            names_of_host!("q.tenant_id", "q.host"),
            ") AS host_known,
                    (SELECT max(d.expires_at) FROM delegations d
                     WHERE d.tenant_id = q.tenant_id AND d.client_id = q.client_id AND d.user_id = q.user_id
                       AND (q.authorization_id IS NULL OR d.device_grant_id = q.authorization_id) AND ",
            delegation_covers_account!(),
            ") AS delegated_until
             FROM q
             LEFT JOIN people p ON p.tenant_id = q.tenant_id AND p.user_id = q.user_id
             LEFT JOIN user_mfa m ON m.tenant_id = q.tenant_id AND m.user_id = q.user_id
             LEFT JOIN host_accounts a
                    ON a.tenant_id = q.tenant_id
                   AND a.id = (SELECT b.id FROM host_accounts b
                               WHERE b.tenant_id = q.tenant_id AND b.user_id = q.user_id AND b.account = q.account AND b.host IN ",
            names_of_host!("q.tenant_id", "q.host"),
            "
                               ORDER BY b.expires_at DESC LIMIT 1)
             ORDER BY q.key"
        ))
        .bind(serde_json::to_string(&questions).unwrap_or_default())
        .fetch_all(db)
        .await?;
        rows.into_iter().map(Dependencies::try_from).collect()
    }
    .boxed()
}

/// A lookup by a host at a login.
pub struct LookupQuery {
    pub host: HostName,
    pub account: AccountName,
    /// `None` finds no registration; only what the host needs to ask.
    pub fingerprint: Option<Fingerprint>,
    /// `None`: the tenant that is responsible for the host name.
    pub tenant_id: Option<TenantId>,
}

impl LookupQuery {
    /// The host as it is spelled: two tenants may have names that differ in case only (from before names ignored it).
    fn as_asked(&self) -> (&str, &AccountName, Option<&Fingerprint>, Option<&TenantId>) {
        (self.host.as_str(), &self.account, self.fingerprint.as_ref(), self.tenant_id.as_ref())
    }
}

impl PartialEq for LookupQuery {
    fn eq(&self, other: &Self) -> bool {
        self.as_asked() == other.as_asked()
    }
}

impl Eq for LookupQuery {}

impl Hash for LookupQuery {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_asked().hash(state);
    }
}

/// A [`LookupQuery`] as the statement reads it, by these names.
#[derive(Serialize)]
struct LookupParams<'a> {
    fingerprint: Option<&'a str>,
    host: &'a str,
    account: &'a str,
    tenant_id: Option<&'a str>,
}

/// The response to a lookup.
#[derive(Clone, Default)]
pub struct LookupResult {
    /// The host must authenticate; set independently of whether such a key exists. Also set if the name is an address of several hosts, and
    /// thus an alias of none, and one of them requires it: registering the address for another host must not remove the requirement.
    pub credential_required: bool,
    /// All registrations of the key.
    pub candidates: Vec<KeyCandidate>,
}

/// A registration of a key, with all that decides whether it may log in.
#[derive(Clone)]
pub struct KeyCandidate {
    pub number: i64,
    pub user_id: UserId,
    pub client_id: Option<ClientId>,
    pub public_key: String,
    pub status: KeyStatus,
    /// The minimum UID for an account whose link was made by automatic provisioning or through a provider, because neither checked the UID.
    pub minimum_uid: Option<u32>,
}

#[derive(FromRow)]
struct LookupRow {
    /// The position of the query in the batch.
    asked: i64,
    number: Option<i64>,
    user_id: Option<String>,
    client_id: Option<String>,
    public_key: String,
    expires_at: i64,
    #[sqlx(try_from = "i64")]
    max_uses: u32,
    #[sqlx(try_from = "i64")]
    uses: u32,
    #[sqlx(try_from = "i64")]
    remaining_uses: u32,
    last_used_at: Option<i64>,
    tenant_enabled: bool,
    client_enabled: Option<bool>,
    #[sqlx(flatten)]
    dependencies: DependenciesRow,
    reserved_until: Option<i64>,
    lowest_unseen_uid: Option<i64>,
    credential_required: bool,
}

impl LookupRow {
    /// `None`: there is no registration.
    fn candidate(self) -> Result<Option<KeyCandidate>, Error> {
        let row = self;
        let Some((number, user_id)) = row.number.zip(row.user_id) else { return Ok(None) };
        let user_id = parse_column("pubkeys", &row.public_key, UserId::parse(user_id))?;
        let client_id = row.client_id.map(|client| parse_column("pubkeys", &row.public_key, ClientId::parse(client))).transpose()?;
        let standing = KeyStatus {
            tenant_enabled: row.tenant_enabled,
            client_enabled: row.client_enabled,
            dependencies: row.dependencies.try_into()?,
            max_uses: row.max_uses,
            uses: row.uses,
            remaining_uses: row.remaining_uses,
            expires_at: Timestamp::from_millis(row.expires_at),
            reserved_until: row.reserved_until.map(Timestamp::from_millis),
            last_used_at: row.last_used_at.map(Timestamp::from_millis),
        };
        Ok(Some(KeyCandidate {
            number,
            user_id,
            client_id,
            public_key: row.public_key,
            status: standing,
            minimum_uid: row.lowest_unseen_uid.and_then(|uid| u32::try_from(uid).ok()),
        }))
    }
}

/// Finds the keys that hosts ask for; for [`batched_reader`](super::super::batched_reader).
pub fn look_up_keys<'c>(db: &'c mut Connection, queries: &'c [LookupQuery]) -> BoxFuture<'c, Result<Vec<LookupResult>, Error>> {
    async move {
        let questions: Vec<_> = queries
            .iter()
            .map(|asked| LookupParams {
                fingerprint: asked.fingerprint.as_ref().map(Fingerprint::as_str),
                host: asked.host.as_str(),
                account: asked.account.as_str(),
                tenant_id: asked.tenant_id.as_ref().map(TenantId::as_str),
            })
            .collect();
        let rows: Vec<LookupRow> = sql::query_as(concat!(
            "WITH q AS MATERIALIZED (
                 SELECT key, value ->> 'fingerprint' AS fingerprint, value ->> 'host' AS host, value ->> 'account' AS account,
                        value ->> 'tenant_id' AS tenant_id
                 FROM json_each($1))
             SELECT q.key AS asked, k.number, k.user_id, k.client_id, coalesce(k.public_key, '') AS public_key, coalesce(k.expires_at, 0) AS expires_at, coalesce(k.max_uses, 0) AS max_uses,
                    coalesce(k.uses, 0) AS uses,
                    coalesce(k.remaining_uses, 0) AS remaining_uses, k.last_used_at,
                    coalesce(n.enabled, false) AS tenant_enabled, CASE WHEN k.client_id IS NOT NULL THEN coalesce(c.enabled, false) END AS client_enabled,
                    p.enabled AS person_enabled, m.enabled AS mfa_enabled, m.expires_at AS mfa_expires_at,
                    a.id AS link_id, a.host AS link_host, true AS host_known, a.expires_at AS link_expires_at,
                    CASE WHEN a.linked_through IS NOT NULL THEN n.lowest_linked_uid WHEN a.linked_by = 'mvp' THEN 1 END AS lowest_unseen_uid,
                    (SELECT max(d.expires_at) FROM delegations d
                     WHERE d.tenant_id = k.tenant_id AND d.client_id = k.client_id AND d.user_id = k.user_id
                       AND (k.device_grant_id IS NULL OR d.device_grant_id = k.device_grant_id) AND ",
            delegation_covers_account!(),
            ") AS delegated_until,
                    (SELECT max(r.expires_at) FROM reservations r WHERE r.pubkey = k.number) AS reserved_until,
                    CASE WHEN n.require_host_credential
                           OR EXISTS (SELECT 1 FROM host_credentials h WHERE h.tenant_id = n.id AND h.required AND h.host IN ",
            names_of_host!("n.id", "q.host"),
            ")
                         THEN true
                         ELSE EXISTS (SELECT 1 FROM host_credentials h CROSS JOIN hosts o
                                      WHERE h.tenant_id = n.id AND h.required
                                        AND o.tenant_id = h.tenant_id AND o.host = h.host AND o.address = q.host)
                    END AS credential_required
             FROM q
             LEFT JOIN tenants n ON n.id = coalesce(q.tenant_id, ",
            tenant_answering!("q.host"),
            ")
             LEFT JOIN pubkeys k
                    ON k.fingerprint = q.fingerprint AND k.tenant_id = n.id AND k.account = q.account AND k.host IN ",
            names_of_host!("n.id", "q.host"),
            "
             LEFT JOIN people p ON p.tenant_id = k.tenant_id AND p.user_id = k.user_id
             LEFT JOIN host_accounts a ON a.tenant_id = k.tenant_id AND a.user_id = k.user_id AND a.host = k.host AND a.account = k.account
             LEFT JOIN clients c ON c.tenant_id = k.tenant_id AND c.client_id = k.client_id
             LEFT JOIN user_mfa m ON m.tenant_id = k.tenant_id AND m.user_id = k.user_id
             ORDER BY q.key"
        ))
        .bind(serde_json::to_string(&questions).unwrap_or_default())
        .fetch_all(db)
        .await?;
        let mut answers: Vec<LookupResult> = queries.iter().map(|_| LookupResult::default()).collect();
        for row in rows {
            let Some(answer) = usize::try_from(row.asked).ok().and_then(|place| answers.get_mut(place)) else { continue };
            answer.credential_required = row.credential_required;
            answer.candidates.extend(row.candidate()?);
        }
        Ok(answers)
    }
    .boxed()
}
