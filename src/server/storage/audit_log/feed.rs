//! The audit log as it is followed: events after a position, in the order of their commits.
//!
//! Numbers ascend in that order: SQLite has one writer, and on PostgreSQL a number is drawn while the lock of changes is held
//! ([`Pool::begin_write`](sql::Pool)), which is released when the change is visible to others. So no event appears after one with a higher
//! number was seen. Numbers are not given again, except in a database that was restored to an earlier state.

use super::{FeedRow, events_after};
use crate::domain::audit_log::record::AuditRecord;
use crate::domain::ids::TenantId;
use crate::domain::time::{CLOCK_TOLERANCE, Timestamp};
use crate::server::storage::{Connection, Database, Error, Readers, postgres, sql, sqlite};

/// The last event that was followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Its number; 0: none was.
    pub after: i64,
    /// Its time, if it was seen: a restored database has another event of that number, or none.
    pub at: Option<Timestamp>,
}

/// Events that cannot be followed, or are followed again: those after a number, up to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    pub after: i64,
    pub until: i64,
    pub reason: GapReason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GapReason {
    /// Some of them were deleted because of their age, or with their tenant.
    Deleted,
    /// The database was restored to an earlier state: these numbers are given again.
    Restored,
}

/// What was read.
pub struct Batch {
    /// Each with the position after it.
    pub events: Vec<(Position, AuditRecord)>,
    pub gap: Option<Gap>,
    /// Where the next batch begins.
    pub next: Position,
}

/// Reads the audit log beside portals, on connections that cannot change anything.
pub struct Feed {
    database: Database,
    /// The connection to PostgreSQL. That to SQLite is opened each time: the file may be replaced meanwhile, and a portal that stops moves the
    /// WAL into it only if no other program has it open.
    postgres: Option<sql::Pool>,
}

impl Feed {
    pub fn new(database: Database) -> Self {
        let postgres = match &database {
            Database::File(_) => None,
            Database::Postgres(address) => Some(address.readers(Readers::Single)),
        };
        Self { database, postgres }
    }

    /// At most `limit` events after a position: one tenant's, or all. `None` if there is no such tenant.
    pub async fn read(&self, tenant: Option<&TenantId>, position: Position, limit: i64) -> Result<Option<Batch>, Error> {
        if let Some(pool) = &self.postgres {
            return self.read_from(pool, tenant, position, limit).await;
        }
        let pool = self.database.connect_reader().await?;
        let batch = self.read_from(&pool, tenant, position, limit).await;
        pool.close().await;
        batch
    }

    async fn read_from(&self, pool: &sql::Pool, tenant: Option<&TenantId>, position: Position, limit: i64) -> Result<Option<Batch>, Error> {
        let mut db = pool.snapshot().await?;
        let Some(deleted_until) = deleted_until(&mut db, tenant).await? else { return Ok(None) };
        let (mut start, mut gap) = (position, None);
        if let Some(after) = self.restored_to(&mut db, position).await? {
            start = Position { after, at: None };
            gap = Some(Gap { after, until: position.after, reason: GapReason::Restored });
        } else if position.after > 0 && deleted_until > position.after {
            gap = Some(Gap { after: position.after, until: deleted_until, reason: GapReason::Deleted });
        }
        let rows = events_after(&mut db, tenant, start.after, limit).await?;
        db.commit().await?;
        let events: Vec<(Position, AuditRecord)> = rows
            .into_iter()
            .map(|FeedRow { tenant_id, row }| {
                let position = Position { after: row.id, at: Some(Timestamp::from_millis(row.at)) };
                (position, AuditRecord::new(tenant_id, row.into()))
            })
            .collect();
        let next = events.last().map_or(start, |(position, _)| *position);
        Ok(Some(Batch { events, gap, next }))
    }

    /// If the database was restored since the event was seen: the number after which events follow that are new. Some that were seen before
    /// are repeated, because times are not exact.
    async fn restored_to(&self, db: &mut Connection, position: Position) -> Result<Option<i64>, Error> {
        let Some(at) = position.at else { return Ok(None) };
        let found = time_of(&mut *db, position.after).await?;
        if found == Some(at) || (found.is_none() && self.last_number(&mut *db).await? >= position.after) {
            return Ok(None);
        }
        match first_after(&mut *db, at - CLOCK_TOLERANCE).await? {
            Some(first) => Ok(Some(first - 1)),
            None => self.last_number(db).await.map(Some),
        }
    }

    /// The last number that was given to an event, which may have been deleted.
    async fn last_number(&self, db: &mut Connection) -> Result<i64, Error> {
        let last = match self.database {
            Database::File(_) => sqlite::last_number(db, "activity").await?,
            Database::Postgres(_) => postgres::last_number(db, "activity", "id").await?,
        };
        Ok(last.unwrap_or_default())
    }
}

/// The highest number of an event that was deleted. `None` if there is no such tenant.
async fn deleted_until(db: &mut Connection, tenant: Option<&TenantId>) -> Result<Option<i64>, Error> {
    let Some(tenant) = tenant else {
        let query = "SELECT max(number) FROM (SELECT activity_deleted_until AS number FROM tenants
                                              UNION ALL SELECT last FROM numbers WHERE name = 'activity_of_deleted_tenants') AS deleted";
        return Ok(sql::query_scalar::<Option<i64>>(query).fetch_one(db).await?);
    };
    Ok(sql::query_scalar("SELECT activity_deleted_until FROM tenants WHERE id = $1").bind(tenant.as_str()).fetch_optional(db).await?)
}

async fn time_of(db: &mut Connection, id: i64) -> Result<Option<Timestamp>, Error> {
    let at: Option<i64> = sql::query_scalar("SELECT at FROM activity WHERE id = $1").bind(id).fetch_optional(db).await?;
    Ok(at.map(Timestamp::from_millis))
}

/// The number of the first event after a time.
async fn first_after(db: &mut Connection, at: Timestamp) -> Result<Option<i64>, Error> {
    Ok(sql::query_scalar::<Option<i64>>("SELECT min(id) FROM activity WHERE at > $1").bind(at.as_millis()).fetch_one(db).await?)
}
