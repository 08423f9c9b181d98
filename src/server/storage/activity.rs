//! The record of what happened. Only ever added to.

use super::{Connection, Fault};
use crate::domain::activity::Activity;
use crate::domain::ids::{AdminId, ClientId, DeviceGrantId, UserId};

pub async fn insert(db: &mut Connection, activity: &Activity) -> Result<(), Fault> {
    sqlx::query(
        "INSERT INTO activity (tenant_id, at, kind, user_id, client_id, device_grant_id, from_address, admin_id, subject)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(activity.tenant_id.as_str())
    .bind(activity.at.as_millis())
    .bind(activity.kind.as_str())
    .bind(activity.person.as_ref().map(UserId::as_str))
    .bind(activity.client_id.as_ref().map(ClientId::as_str))
    .bind(activity.device_grant_id.as_ref().map(DeviceGrantId::as_str))
    .bind(activity.from.map(|from| from.to_string()))
    .bind(activity.admin.as_ref().map(AdminId::as_str))
    .bind(&activity.subject)
    .execute(db)
    .await?;
    Ok(())
}
