//! Host accounts that are linked to people.

use sqlx::FromRow;

use super::hosts::names_of_host;
use super::keyset::{KeysetQuery, Order};
use super::row::{row, select};
use super::sql;
use super::{Connection, Error, hosts, parse_column, sequences};
use crate::domain::delegation::Creator;
use crate::domain::host_account::{HostAccount, HostAccountFilter, HostAccountSort};
use crate::domain::ids::{AccountName, AuthorizationId, HostAccountId, HostName, TenantId, UserId};
use crate::domain::pagination::{ListParams, Page, PageRequest};
use crate::domain::time::Timestamp;

row!(host_accounts as a:
    struct Row {
        number: i64,
        id: String,
        user_id: String,
        host: String,
        account: String,
        linked_at: i64,
        expires_at: i64,
        updated_at: i64,
        linked_by: String,
        linked_through: Option<String>,
    }
);

impl TryFrom<Row> for HostAccount {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(HostAccount {
            number: row.number,
            user_id: parse_column("host_accounts", &row.id, UserId::parse(row.user_id))?,
            id: parse_column("host_accounts", &row.id, HostAccountId::parse(row.id.clone()))?,
            host: row.host,
            account: row.account,
            linked_at: Timestamp::from_millis(row.linked_at),
            expires_at: Timestamp::from_millis(row.expires_at),
            updated_at: Timestamp::from_millis(row.updated_at),
            linked_by: parse_column("host_accounts", &row.id, Creator::parse(&row.linked_by).ok_or(row.linked_by))?,
            linked_through: row.linked_through,
        })
    }
}

/// A host account, and the use of its keys.
#[derive(Clone, Debug)]
pub struct HostAccountSummary {
    pub account: HostAccount,
    /// Number of keys with logins left.
    pub keys: i64,
    /// Last login with any key that still exists.
    pub last_used_at: Option<Timestamp>,
}

#[derive(FromRow)]
struct HostAccountSummaryRow {
    #[sqlx(flatten)]
    account: Row,
    keys: i64,
    last_used_at: Option<i64>,
}

impl TryFrom<HostAccountSummaryRow> for HostAccountSummary {
    type Error = Error;

    fn try_from(row: HostAccountSummaryRow) -> Result<Self, Error> {
        Ok(Self { account: row.account.try_into()?, keys: row.keys, last_used_at: row.last_used_at.map(Timestamp::from_millis) })
    }
}

/// A tenant's host accounts; restricted to a person if given.
pub async fn list(
    db: &sql::Pool,
    tenant_id: &TenantId,
    user_id: Option<&UserId>,
    params: &ListParams<HostAccountFilter, HostAccountSort>,
    now: Timestamp,
) -> Result<Page<HostAccountSummary>, Error> {
    const SUMMARY_COLUMNS: &str = concat!(
        columns!(),
        ", (SELECT max(k.last_used_at) FROM pubkeys k
            WHERE k.tenant_id = a.tenant_id AND k.user_id = a.user_id AND k.host = a.host AND k.account = a.account) AS last_used_at,
           (SELECT count(*) FROM pubkeys k
            WHERE k.tenant_id = a.tenant_id AND k.user_id = a.user_id AND k.host = a.host AND k.account = a.account
              AND k.remaining_uses > 0 AND k.expires_at > now) AS keys"
    );
    let order = match params.sort {
        HostAccountSort::Host => Order::text("a.host", "a.number"),
        HostAccountSort::Linked => Order::integer("a.linked_at", "a.number").descending(),
        HostAccountSort::Expires => Order::integer("a.expires_at", "a.number"),
    };
    let mut listing = KeysetQuery::at(now, SUMMARY_COLUMNS, "moment, host_accounts a WHERE a.tenant_id = ", tenant_id.as_str().to_owned(), order);
    if let Some(user_id) = user_id {
        listing.and_bound("a.user_id = ", user_id.as_str().to_owned());
    }
    match params.show {
        HostAccountFilter::All => {}
        HostAccountFilter::Active => drop(listing.and_bound("a.expires_at > ", now.as_millis())),
        HostAccountFilter::Expired => drop(listing.and_bound("a.expires_at <= ", now.as_millis())),
    }
    listing.search(params.search.as_deref(), &["a.host", "a.account", "a.user_id"]);
    listing.fetch::<HostAccountSummaryRow>(db, params.after.as_ref()).await?.try_map(HostAccountSummary::try_from)
}

pub async fn find(db: impl sql::Executor<'_>, tenant_id: &TenantId, id: &HostAccountId) -> Result<Option<HostAccount>, Error> {
    let query = sql::query_as(select!("WHERE a.tenant_id = $1 AND a.id = $2"));
    let row: Option<Row> = query.bind(tenant_id.as_str()).bind(id.as_str()).fetch_optional(db).await?;
    row.map(HostAccount::try_from).transpose()
}

/// The person, host and account of a link; identifies at most one row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostAccountKey {
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub host: HostName,
    pub account: AccountName,
}

pub async fn of_person(db: impl sql::Executor<'_>, tenant_id: &TenantId, user_id: &UserId) -> Result<Vec<HostAccount>, Error> {
    let query = sql::query_as(select!("WHERE a.tenant_id = $1 AND a.user_id = $2 ORDER BY a.host, a.account"));
    let rows: Vec<Row> = query.bind(tenant_id.as_str()).bind(user_id.as_str()).fetch_all(db).await?;
    rows.into_iter().map(HostAccount::try_from).collect()
}

/// A person's accounts on a host, which may have other names.
pub async fn of_person_on(db: impl sql::Executor<'_>, tenant_id: &TenantId, user_id: &UserId, host: &HostName) -> Result<Vec<HostAccount>, Error> {
    let query = sql::query_as(concat!(
        select!("WHERE a.tenant_id = $1 AND a.user_id = $2 AND a.host IN "),
        names_of_host!("$1", "$3"),
        " ORDER BY a.account, a.host"
    ));
    let rows: Vec<Row> = query.bind(tenant_id.as_str()).bind(user_id.as_str()).bind(host.as_str()).fetch_all(db).await?;
    rows.into_iter().map(HostAccount::try_from).collect()
}

/// The host accounts that were selected for this authorization.
pub async fn of_authorization(db: impl sql::Executor<'_>, tenant_id: &TenantId, id: &AuthorizationId) -> Result<Vec<HostAccount>, Error> {
    let rows: Vec<Row> = sql::query_as(select!(
        "JOIN delegation_host_accounts t ON t.tenant_id = a.tenant_id AND t.host_account_id = a.id
         JOIN delegations d ON d.tenant_id = t.tenant_id AND d.id = t.delegation_id AND d.user_id = a.user_id
         WHERE d.tenant_id = $1 AND d.device_grant_id = $2 AND d.ended_at IS NULL
         ORDER BY a.host, a.account"
    ))
    .bind(tenant_id.as_str())
    .bind(id.as_str())
    .fetch_all(db)
    .await?;
    rows.into_iter().map(HostAccount::try_from).collect()
}

pub async fn find_by_number(db: impl sql::Executor<'_>, tenant_id: &TenantId, number: i64) -> Result<Option<HostAccount>, Error> {
    let query = sql::query_as(select!("WHERE a.tenant_id = $1 AND a.number = $2"));
    let row: Option<Row> = query.bind(tenant_id.as_str()).bind(number).fetch_optional(db).await?;
    row.map(HostAccount::try_from).transpose()
}

pub async fn page(db: impl sql::Executor<'_>, tenant_id: &TenantId, page: PageRequest) -> Result<Vec<HostAccount>, Error> {
    let query = sql::query_as(select!("WHERE a.tenant_id = $1 AND a.number > $2 ORDER BY a.number LIMIT $3"));
    let rows: Vec<Row> = query.bind(tenant_id.as_str()).bind(page.after).bind(page.limit).fetch_all(db).await?;
    rows.into_iter().map(HostAccount::try_from).collect()
}

/// Links an account to a person, on the host of this name or alias. Returns the host's stored name; `None` if the account is linked to the
/// person already. Assigns the number.
pub async fn insert(db: &mut Connection, tenant_id: &TenantId, account: &HostAccount) -> Result<Option<HostName>, Error> {
    let host = parse_column("host_accounts", account.id.as_str(), HostName::parse(account.host.clone()))?;
    let host = hosts::canonical_name(&mut *db, tenant_id, &host).await?;
    hosts::claim_name(db, tenant_id, host.as_str(), account.linked_at).await?;
    let number = sequences::next(db, "host_accounts").await?;
    let done = sql::query(concat!(
        "INSERT INTO host_accounts (number, tenant_id, id, user_id, host, account, linked_at, expires_at, updated_at, linked_by, linked_through)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $7, $9, $10
         WHERE NOT EXISTS (SELECT 1 FROM host_accounts WHERE tenant_id = $2 AND user_id = $4 AND account = $6 AND host IN ",
        names_of_host!("$2", "$5"),
        ")"
    ))
    .bind(number)
    .bind(tenant_id.as_str())
    .bind(account.id.as_str())
    .bind(account.user_id.as_str())
    .bind(host.as_str())
    .bind(&account.account)
    .bind(account.linked_at.as_millis())
    .bind(account.expires_at.as_millis())
    .bind(account.linked_by.as_str())
    .bind(&account.linked_through)
    .execute(db)
    .await?;
    Ok((done.rows_affected() == 1).then_some(host))
}

/// The person's own link to an account.
pub async fn find_by_key(db: impl sql::Executor<'_>, key: &HostAccountKey) -> Result<Option<HostAccount>, Error> {
    let query = sql::query_as(concat!(
        select!("WHERE a.tenant_id = $1 AND a.user_id = $2 AND a.account = $4 AND a.host IN "),
        names_of_host!("$1", "$3"),
        " ORDER BY a.expires_at DESC LIMIT 1"
    ));
    let query = query.bind(key.tenant_id.as_str()).bind(key.user_id.as_str()).bind(key.host.as_str()).bind(key.account.as_str());
    let row: Option<Row> = query.fetch_optional(db).await?;
    row.map(HostAccount::try_from).transpose()
}

/// Whether an active link of another person to the account exists.
pub async fn is_linked_to_another(db: impl sql::Executor<'_>, key: &HostAccountKey, now: Timestamp) -> Result<bool, Error> {
    let query = concat!(
        "SELECT EXISTS (SELECT 1 FROM host_accounts
                        WHERE tenant_id = $1 AND account = $4 AND user_id <> $2 AND expires_at > $5 AND host IN ",
        names_of_host!("$1", "$3"),
        ")"
    );
    let query = sql::query_scalar(query).bind(key.tenant_id.as_str()).bind(key.user_id.as_str()).bind(key.host.as_str());
    Ok(query.bind(key.account.as_str()).bind(now.as_millis()).fetch_one(db).await?)
}

/// Updates a link's expiry and its creation. It remains the same link, with its keys.
pub async fn renew(db: &mut Connection, tenant_id: &TenantId, account: &HostAccount) -> Result<(), Error> {
    sql::query(
        "UPDATE host_accounts SET linked_at = $3, expires_at = $4, updated_at = $5, linked_by = $6, linked_through = $7
         WHERE tenant_id = $1 AND id = $2",
    )
    .bind(tenant_id.as_str())
    .bind(account.id.as_str())
    .bind(account.linked_at.as_millis())
    .bind(account.expires_at.as_millis())
    .bind(account.updated_at.as_millis())
    .bind(account.linked_by.as_str())
    .bind(&account.linked_through)
    .execute(db)
    .await?;
    Ok(())
}

/// False if there is no such link.
pub async fn set_expiry(db: &mut Connection, key: &HostAccountKey, expires_at: Timestamp, now: Timestamp) -> Result<bool, Error> {
    let statement = concat!(
        "UPDATE host_accounts SET expires_at = $5, updated_at = $6 WHERE tenant_id = $1 AND user_id = $2 AND account = $4 AND host IN ",
        names_of_host!("$1", "$3")
    );
    let done = sql::query(statement)
        .bind(key.tenant_id.as_str())
        .bind(key.user_id.as_str())
        .bind(key.host.as_str())
        .bind(key.account.as_str())
        .bind(expires_at.as_millis())
        .bind(now.as_millis())
        .execute(db)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Its keys must have been revoked. False when there is no such link.
pub async fn delete(db: &mut Connection, key: &HostAccountKey) -> Result<bool, Error> {
    let statement =
        concat!("DELETE FROM host_accounts WHERE tenant_id = $1 AND user_id = $2 AND account = $4 AND host IN ", names_of_host!("$1", "$3"));
    let done = sql::query(statement)
        .bind(key.tenant_id.as_str())
        .bind(key.user_id.as_str())
        .bind(key.host.as_str())
        .bind(key.account.as_str())
        .execute(db)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// All of a person's; their keys must have been revoked. Returns how many.
pub async fn delete_of_person(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId) -> Result<u64, Error> {
    let done = sql::query("DELETE FROM host_accounts WHERE tenant_id = $1 AND user_id = $2")
        .bind(tenant_id.as_str())
        .bind(user_id.as_str())
        .execute(db)
        .await?;
    Ok(done.rows_affected())
}
