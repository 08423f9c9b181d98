//! The groups that people are in.

use std::collections::BTreeSet;

use sqlx::FromRow;

use super::sql;
use super::{Connection, Error, parse_column};
use crate::domain::group::{GroupMembership, GroupName};
use crate::domain::ids::{TenantId, UserId};

/// The issuer of what administrators added.
const ADMINISTRATORS: &str = "";

#[derive(FromRow)]
struct Row {
    name: String,
    issuer: String,
}

impl TryFrom<Row> for GroupMembership {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let group = parse_column("person_groups", &row.name, GroupName::parse(row.name.as_str()))?;
        Ok(Self { group, issuer: Some(row.issuer).filter(|issuer| issuer != ADMINISTRATORS) })
    }
}

/// A person's memberships, by group.
pub async fn of_person(db: impl sql::Executor<'_>, tenant_id: &TenantId, user_id: &UserId) -> Result<Vec<GroupMembership>, Error> {
    let query = sql::query_as("SELECT name, issuer FROM person_groups WHERE tenant_id = $1 AND user_id = $2 ORDER BY name, issuer");
    let rows: Vec<Row> = query.bind(tenant_id.as_str()).bind(user_id.as_str()).fetch_all(db).await?;
    rows.into_iter().map(GroupMembership::try_from).collect()
}

/// Replaces what an issuer says about a person's groups, or, without issuer, what administrators say. The person exists.
pub async fn replace(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId, issuer: Option<&str>, groups: &[GroupName]) -> Result<(), Error> {
    let issuer = issuer.unwrap_or(ADMINISTRATORS);
    sql::query("DELETE FROM person_groups WHERE tenant_id = $1 AND user_id = $2 AND issuer = $3")
        .bind(tenant_id.as_str())
        .bind(user_id.as_str())
        .bind(issuer)
        .execute(&mut *db)
        .await?;
    for group in groups {
        sql::query("INSERT INTO person_groups (tenant_id, user_id, issuer, name) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING")
            .bind(tenant_id.as_str())
            .bind(user_id.as_str())
            .bind(issuer)
            .bind(group.as_str())
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}

/// Deletes what issuers say about people's groups, except for those listed. What administrators say stays.
pub async fn delete_claimed_except(db: &mut Connection, tenant_id: &TenantId, listed: &BTreeSet<GroupName>) -> Result<(), Error> {
    let listed = serde_json::to_string(listed).unwrap_or_default();
    sql::query("DELETE FROM person_groups WHERE tenant_id = $1 AND issuer <> $2 AND name NOT IN (SELECT atom FROM json_each($3))")
        .bind(tenant_id.as_str())
        .bind(ADMINISTRATORS)
        .bind(listed)
        .execute(db)
        .await?;
    Ok(())
}
