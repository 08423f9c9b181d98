//! People's accounts.

use sqlx::FromRow;

use super::keyset::{KeysetQuery, Order};
use super::row::{Values, row, select};
use super::sql;
use super::{Connection, Error, parse_column, sequences, user_mfa};
use crate::domain::folding;
use crate::domain::ids::{TenantId, UserId};
use crate::domain::pagination::{ListParams, Page};
use crate::domain::person::{PersonFilter, PersonSort, PersonSummary};
use crate::domain::time::Timestamp;

/// A person as stored.
pub struct Person {
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub display_name: String,
    pub enabled: bool,
    /// Has the administrator role in the portal.
    pub admin: bool,
    /// Argon2 hash in PHC format; `None` for people without a local password.
    pub password_hash: Option<String>,
}

row!(people:
    struct Row {
        tenant_id: String,
        user_id: String,
        display_name: String,
        enabled: bool,
        admin: bool,
        password_hash: Option<String>,
    }
);

impl TryFrom<Row> for Person {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Person {
            tenant_id: parse_column("people", &row.user_id, TenantId::parse(row.tenant_id))?,
            user_id: parse_column("people", &row.user_id, UserId::parse(row.user_id.clone()))?,
            display_name: row.display_name,
            enabled: row.enabled,
            admin: row.admin,
            password_hash: row.password_hash,
        })
    }
}

pub async fn find(db: impl sql::Executor<'_>, tenant_id: &TenantId, user_id: &UserId) -> Result<Option<Person>, Error> {
    let query = sql::query_as(select!("WHERE tenant_id = $1 AND user_id = $2")).bind(tenant_id.as_str()).bind(user_id.as_str());
    let row: Option<Row> = query.fetch_optional(db).await?;
    row.map(Person::try_from).transpose()
}

/// Whether any tenant has people.
pub async fn any_exist(db: impl sql::Executor<'_>) -> Result<bool, Error> {
    Ok(sql::query_scalar("SELECT EXISTS (SELECT 1 FROM people)").fetch_one(db).await?)
}

/// Those of these user ids that have an account, in order.
pub async fn existing(db: impl sql::Executor<'_>, tenant_id: &TenantId, ids: &[String]) -> Result<Vec<String>, Error> {
    let query = sql::query_scalar("SELECT user_id FROM people WHERE tenant_id = $1 AND user_id IN (SELECT atom FROM json_each($2)) ORDER BY user_id");
    Ok(query.bind(tenant_id.as_str()).bind(serde_json::to_string(ids).unwrap_or_default()).fetch_all(db).await?)
}

/// False if the tenant has a person of that id.
pub async fn insert(db: &mut Connection, person: &Person, now: Timestamp) -> Result<bool, Error> {
    let number = sequences::next(db, "people").await?;
    Values::new()
        .set("number", number)
        .set("tenant_id", person.tenant_id.as_str())
        .set("user_id", person.user_id.as_str())
        .set("display_name", &person.display_name)
        .set("display_name_folded", folding::search_key(&person.display_name))
        .set("enabled", person.enabled)
        .set("admin", person.admin)
        .set("password_hash", &person.password_hash)
        .set("created_at", now.as_millis())
        .insert(db, table!())
        .await
}

/// False if there is no such person.
pub async fn set_password(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId, password_hash: &str) -> Result<bool, Error> {
    let done = sql::query("UPDATE people SET password_hash = $3 WHERE tenant_id = $1 AND user_id = $2")
        .bind(tenant_id.as_str())
        .bind(user_id.as_str())
        .bind(password_hash)
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// False if there is no such person.
pub async fn set_enabled(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId, enabled: bool) -> Result<bool, Error> {
    let done = sql::query("UPDATE people SET enabled = $3 WHERE tenant_id = $1 AND user_id = $2")
        .bind(tenant_id.as_str())
        .bind(user_id.as_str())
        .bind(enabled)
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Grants or revokes the administrator role. False if there is no such person.
pub async fn set_admin(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId, admin: bool) -> Result<bool, Error> {
    let done = sql::query("UPDATE people SET admin = $3 WHERE tenant_id = $1 AND user_id = $2")
        .bind(tenant_id.as_str())
        .bind(user_id.as_str())
        .bind(admin)
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

#[derive(FromRow)]
struct PersonSummaryRow {
    #[sqlx(flatten)]
    person: Row,
    created_at: i64,
}

/// SQL for an enabled person `p` without an app or passkey.
macro_rules! without_second_factor {
    () => {
        "p.enabled AND NOT EXISTS (SELECT 1 FROM totp f WHERE f.tenant_id = p.tenant_id AND f.user_id = p.user_id)
             AND NOT EXISTS (SELECT 1 FROM passkeys f WHERE f.tenant_id = p.tenant_id AND f.user_id = p.user_id)"
    };
}
pub(super) use without_second_factor;

/// A tenant's people; only one of them if given.
pub async fn list(
    db: &sql::Pool,
    tenant_id: &TenantId,
    user_id: Option<&UserId>,
    params: &ListParams<PersonFilter, PersonSort>,
    now: Timestamp,
) -> Result<Page<PersonSummary>, Error> {
    const COLUMNS: &str = "p.tenant_id, p.user_id, p.display_name, p.enabled, p.admin, p.password_hash, p.created_at";
    let order = match params.sort {
        PersonSort::Name => Order::text("p.user_id", "p.number"),
        PersonSort::Created => Order::integer("p.created_at", "p.number").descending(),
    };
    let mut listing = KeysetQuery::new(COLUMNS, "people p WHERE p.tenant_id = ", tenant_id.as_str().to_owned(), order);
    if let Some(user_id) = user_id {
        listing.and_bound("p.user_id = ", user_id.as_str().to_owned());
    }
    match params.show {
        PersonFilter::All => {}
        PersonFilter::Enabled => drop(listing.and("p.enabled")),
        PersonFilter::Disabled => drop(listing.and("NOT p.enabled")),
        PersonFilter::Administrators => drop(listing.and("p.admin")),
        PersonFilter::WithoutSecondFactor => drop(listing.and(without_second_factor!())),
        PersonFilter::WithoutMfa => drop(
            listing
                .and_bound(
                    "NOT EXISTS (SELECT 1 FROM user_mfa m WHERE m.tenant_id = p.tenant_id AND m.user_id = p.user_id AND m.enabled AND m.expires_at > ",
                    now.as_millis(),
                )
                .close_paren(),
        ),
    }
    listing.search(params.search.as_deref(), &["p.user_id", "coalesce(p.display_name_folded, p.display_name)"]);
    let rows: Page<PersonSummaryRow> = listing.fetch(db, params.after.as_ref()).await?;
    let mut accounts = Vec::new();
    for PersonSummaryRow { person, created_at } in rows.items {
        let person = Person::try_from(person)?;
        let mfa = user_mfa::find(db, tenant_id, &person.user_id).await?;
        accounts.push(PersonSummary {
            user_id: person.user_id,
            display_name: person.display_name,
            enabled: person.enabled,
            admin: person.admin,
            has_password: person.password_hash.is_some(),
            created_at: Timestamp::from_millis(created_at),
            mfa,
        });
    }
    Ok(Page { items: accounts, next: rows.next, position: rows.position })
}

/// Enabled ways to sign in to a tenant: with a local password, or an identity of one of these issuers.
#[derive(Clone, Debug)]
pub struct EnabledSignInMethods {
    pub passwords: bool,
    pub issuers: Vec<String>,
}

impl EnabledSignInMethods {
    fn issuers(&self) -> String {
        serde_json::to_string(&self.issuers).unwrap_or_default()
    }
}

/// The number of people who have the administrator role and can sign in.
pub async fn count_admins(db: &mut Connection, tenant_id: &TenantId, methods: &EnabledSignInMethods) -> Result<i64, Error> {
    let query = "SELECT count(*) FROM people p WHERE p.tenant_id = $1 AND p.admin AND p.enabled
         AND ($2 AND p.password_hash IS NOT NULL
              OR EXISTS (SELECT 1 FROM identities i WHERE i.tenant_id = p.tenant_id AND i.user_id = p.user_id
                                                      AND i.issuer IN (SELECT atom FROM json_each($3))))";
    Ok(sql::query_scalar(query).bind(tenant_id.as_str()).bind(methods.passwords).bind(methods.issuers()).fetch_one(db).await?)
}

/// The number of people with an identity of these issuers, and of those among them whom no method in `others` lets sign in.
pub async fn count_of_issuers(
    db: &sql::Pool,
    tenant_id: &TenantId,
    issuers: &[String],
    other_methods: &EnabledSignInMethods,
) -> Result<(i64, i64), Error> {
    let query = "SELECT count(*), count(*) FILTER (WHERE NOT ($3 AND p.password_hash IS NOT NULL)
              AND NOT EXISTS (SELECT 1 FROM identities o WHERE o.tenant_id = p.tenant_id AND o.user_id = p.user_id
                                                           AND o.issuer IN (SELECT atom FROM json_each($4))))
         FROM people p WHERE p.tenant_id = $1
         AND p.user_id IN (SELECT i.user_id FROM identities i WHERE i.tenant_id = $1 AND i.issuer IN (SELECT atom FROM json_each($2)))";
    let issuers = serde_json::to_string(issuers).unwrap_or_default();
    Ok(sql::query_as(query).bind(tenant_id.as_str()).bind(issuers).bind(other_methods.passwords).bind(other_methods.issuers()).fetch_one(db).await?)
}
