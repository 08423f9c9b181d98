//! Device grants.

use super::claims::{Claimed, claim, claim_ends, claims, select_requests};
use super::row::{Values, row};
use super::sql;
use super::{Connection, Error, granted_resources, parse_address, parse_column};
use crate::domain::device_grant::{Approval, Claimant, DeviceGrant, DeviceGrantState, DeviceRequest, Pickup};
use crate::domain::ids::{ClientId, DeviceGrantId, TenantId, TokenFamilyId, UserId};
use crate::domain::scope::ScopeSet;
use crate::domain::time::Timestamp;

row!(device_grants:
    struct Row {
        tenant_id: String,
        id: String,
        client_id: String,
        scope: String,
        resources: String,
        requested_at: i64,
        requested_from: Option<String>,
        requested_agent: String,
        expires_at: i64,
        claimed_session: Option<String>,
        claimed_person: Option<String>,
        state: String,
        decided_at: Option<i64>,
        person: Option<String>,
        granted_scope: Option<String>,
        reported: bool,
        redeemed_at: Option<i64>,
        redeemed_from: Option<String>,
        token_id: Option<String>,
    }
);

impl TryFrom<Claimed<Row>> for DeviceGrant {
    type Error = Error;

    fn try_from(Claimed { row, claim_ends }: Claimed<Row>) -> Result<Self, Error> {
        let id = row.id.clone();
        let state = row.state()?;
        let claim = claim("device_grants", &id, row.claimed_session.as_ref(), row.claimed_person.as_ref(), claim_ends)?;
        Ok(DeviceGrant {
            tenant_id: parse_column("device_grants", &id, TenantId::parse(row.tenant_id))?,
            id: parse_column("device_grants", &id, DeviceGrantId::parse(row.id))?,
            client_id: parse_column("device_grants", &id, ClientId::parse(row.client_id))?,
            scope: ScopeSet::parse_known(&row.scope),
            resources: parse_column("device_grants", &id, granted_resources::read(&row.resources))?,
            requested: DeviceRequest {
                at: Timestamp::from_millis(row.requested_at),
                from: parse_address(row.requested_from),
                agent: row.requested_agent,
            },
            expires_at: Timestamp::from_millis(row.expires_at),
            claim,
            state,
        })
    }
}

impl Row {
    fn state(&self) -> Result<DeviceGrantState, Error> {
        match self.state.as_str() {
            "pending" => Ok(DeviceGrantState::Pending),
            "approved" => Ok(DeviceGrantState::Approved(self.approval()?)),
            "denied" => Ok(DeviceGrantState::Denied { at: self.decided_at()?, reported: self.reported }),
            "withdrawn" => Ok(DeviceGrantState::Revoked { at: self.decided_at()? }),
            "lapsed" => Ok(DeviceGrantState::Expired { at: self.decided_at()? }),
            "redeemed" => Ok(DeviceGrantState::Redeemed { approval: self.approval()?, pickup: self.pickup()? }),
            _ => Err(self.inconsistent("an unknown state")),
        }
    }

    fn approval(&self) -> Result<Approval, Error> {
        let (Some(person), Some(scope)) = (&self.person, &self.granted_scope) else {
            return Err(self.inconsistent("approved without person or scope"));
        };
        Ok(Approval {
            person: parse_column("device_grants", &self.id, UserId::parse(person.clone()))?,
            at: self.decided_at()?,
            scope: ScopeSet::parse_known(scope),
        })
    }

    fn pickup(&self) -> Result<Pickup, Error> {
        let (Some(at), Some(token_id)) = (self.redeemed_at, &self.token_id) else {
            return Err(self.inconsistent("redeemed without time or token"));
        };
        Ok(Pickup {
            at: Timestamp::from_millis(at),
            from: parse_address(self.redeemed_from.clone()),
            family_id: parse_column("device_grants", &self.id, TokenFamilyId::parse(token_id.clone()))?,
        })
    }

    fn decided_at(&self) -> Result<Timestamp, Error> {
        self.decided_at.map(Timestamp::from_millis).ok_or_else(|| self.inconsistent("decided without a time"))
    }

    fn inconsistent(&self, why: &str) -> Error {
        Error::Inconsistent { table: "device_grants", id: self.id.clone(), why: why.to_owned() }
    }
}

/// False if one of the codes is in use: draw again.
pub async fn insert(db: &mut Connection, grant: &DeviceGrant, device_code_hash: &[u8], user_code_hash: &[u8]) -> Result<bool, Error> {
    Values::new()
        .set("tenant_id", grant.tenant_id.as_str())
        .set("id", grant.id.as_str())
        .set("client_id", grant.client_id.as_str())
        .set("device_code_hash", device_code_hash)
        .set("user_code_hash", user_code_hash)
        .set("scope", grant.scope.to_string())
        .set("resources", granted_resources::stored(&grant.resources))
        .set("requested_at", grant.requested.at.as_millis())
        .set("requested_from", grant.requested.from.map(|from| from.to_string()))
        .set("requested_agent", &grant.requested.agent)
        .set("expires_at", grant.expires_at.as_millis())
        .set("state", state_name(&DeviceGrantState::Pending))
        .insert(db, table!())
        .await
}

pub async fn find(db: impl sql::Executor<'_>, tenant_id: &TenantId, id: &DeviceGrantId) -> Result<Option<DeviceGrant>, Error> {
    let row: Option<Claimed<Row>> =
        sql::query_as(select_requests!("tenant_id = $1 AND id = $2")).bind(tenant_id.as_str()).bind(id.as_str()).fetch_optional(db).await?;
    row.map(DeviceGrant::try_from).transpose()
}

/// Finds a grant of this tenant; the caller must compare the client.
pub async fn find_by_device_code(db: impl sql::Executor<'_>, tenant_id: &TenantId, hash: &[u8]) -> Result<Option<DeviceGrant>, Error> {
    let row: Option<Claimed<Row>> =
        sql::query_as(select_requests!("tenant_id = $1 AND device_code_hash = $2")).bind(tenant_id.as_str()).bind(hash).fetch_optional(db).await?;
    row.map(DeviceGrant::try_from).transpose()
}

/// Finds a grant of any tenant: user codes are unique across tenants, because the verification page is shared.
pub async fn find_by_user_code(db: impl sql::Executor<'_>, hash: &[u8]) -> Result<Option<DeviceGrant>, Error> {
    let row: Option<Claimed<Row>> = sql::query_as(select_requests!("user_code_hash = $1")).bind(hash).fetch_optional(db).await?;
    row.map(DeviceGrant::try_from).transpose()
}

/// Approved grants that were not redeemed in time, at most `limit`.
pub async fn expired_unredeemed(db: impl sql::Executor<'_>, now: Timestamp, limit: u32) -> Result<Vec<DeviceGrant>, Error> {
    let query = sql::query_as(select_requests!("state = 'approved' AND expires_at <= $1 LIMIT $2"));
    let rows: Vec<Claimed<Row>> = query.bind(now.as_millis()).bind(limit).fetch_all(db).await?;
    rows.into_iter().map(DeviceGrant::try_from).collect()
}

claims!(
    DeviceGrant,
    waiting: "pending",
    of_person: "tenant_id = $1 AND claimed_person = $2 AND state = 'pending' AND expires_at > $3 ORDER BY requested_at DESC"
);

/// Writes the grant's new state if it is still in the state `from`. False if another change came first. The authorization of an approved
/// grant must have been stored before (docs/decisions/0028).
pub async fn transition(db: &mut Connection, from: &DeviceGrantState, grant: &DeviceGrant) -> Result<bool, Error> {
    let (decided_at, approval, pickup, reported) = match &grant.state {
        DeviceGrantState::Pending => (None, None, None, false),
        DeviceGrantState::Approved(approval) => (Some(approval.at), Some(approval), None, false),
        DeviceGrantState::Redeemed { approval, pickup } => (Some(approval.at), Some(approval), Some(pickup), false),
        DeviceGrantState::Denied { at, reported } => (Some(*at), None, None, *reported),
        DeviceGrantState::Revoked { at } | DeviceGrantState::Expired { at } => (Some(*at), None, None, false),
    };
    let done = sql::query(
        "UPDATE device_grants
         SET state = $4, claimed_code = NULL, decided_at = $5, person = coalesce($6, person), granted_scope = coalesce($7, granted_scope),
             access_until = coalesce(access_until, (SELECT a.access_until FROM authorizations a WHERE a.tenant_id = $1 AND a.id = $2)),
             reported = $8, redeemed_at = coalesce($9, redeemed_at), redeemed_from = coalesce($10, redeemed_from),
             token_id = coalesce($11, token_id)
         WHERE tenant_id = $1 AND id = $2 AND state = $3",
    )
    .bind(grant.tenant_id.as_str())
    .bind(grant.id.as_str())
    .bind(state_name(from))
    .bind(state_name(&grant.state))
    .bind(decided_at.map(Timestamp::as_millis))
    .bind(approval.map(|approval| approval.person.as_str()))
    .bind(approval.map(|approval| approval.scope.to_string()))
    .bind(reported)
    .bind(pickup.map(|pickup| pickup.at.as_millis()))
    .bind(pickup.and_then(|pickup| pickup.from).map(|from| from.to_string()))
    .bind(pickup.map(|pickup| pickup.family_id.as_str()))
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes grants whose code and consented access both expired before `before`, and whose authorization, if they had one, is deleted; at most
/// `limit`, in the order of an index. Returns how many there were. Audit events remain.
pub async fn delete_old(db: &mut Connection, before: Timestamp, limit: u32) -> Result<u64, Error> {
    let delete = sql::query(
        "DELETE FROM device_grants WHERE (tenant_id, id) IN
             (SELECT g.tenant_id, g.id FROM device_grants g
              WHERE coalesce(g.access_until, 0) < $1 AND g.expires_at < $1
                AND NOT EXISTS (SELECT 1 FROM authorizations a WHERE a.tenant_id = g.tenant_id AND a.id = g.id)
              ORDER BY coalesce(g.access_until, 0), g.expires_at, g.tenant_id, g.id LIMIT $2)",
    );
    Ok(delete.bind(before.as_millis()).bind(limit).execute(db).await?.rows_affected())
}

fn state_name(state: &DeviceGrantState) -> &'static str {
    match state {
        DeviceGrantState::Pending => "pending",
        DeviceGrantState::Approved(_) => "approved",
        DeviceGrantState::Denied { .. } => "denied",
        DeviceGrantState::Redeemed { .. } => "redeemed",
        DeviceGrantState::Revoked { .. } => "withdrawn",
        DeviceGrantState::Expired { .. } => "lapsed",
    }
}
