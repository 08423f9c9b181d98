//! Following the audit log beside the portal, for operators.

use crate::domain::audit_log::record::AuditRecord;
use crate::domain::ids::TenantId;
use crate::server::service::{Database, Fault};
use crate::server::storage::audit_log::feed::Feed;
pub use crate::server::storage::audit_log::feed::{Gap, GapReason, Position};

/// Number of events that are read at once.
const BATCH_SIZE: usize = 500;

/// Reads events in the order of their commits, from a position on.
pub struct Follower {
    feed: Feed,
    tenant: Option<TenantId>,
    position: Position,
    /// The last gap that was returned.
    known_gap: Option<Gap>,
}

/// The next events.
pub struct Followed {
    /// Each with the position after it.
    pub events: Vec<(Position, AuditRecord)>,
    /// What precedes them and is missing; returned once.
    pub gap: Option<Gap>,
    /// The position after them.
    pub position: Position,
    /// Whether there may be more now.
    pub more: bool,
}

impl Follower {
    /// `tenant`: of one tenant only.
    pub fn new(database: Database, tenant: Option<TenantId>, position: Position) -> Self {
        Self { feed: Feed::new(database), tenant, position, known_gap: None }
    }

    /// Reads the next events; none if there are none yet. `None`: there is no such tenant. After an error it can be called again.
    pub async fn next(&mut self) -> Result<Option<Followed>, Fault> {
        let limit = i64::try_from(BATCH_SIZE).unwrap_or(i64::MAX);
        let Some(batch) = self.feed.read(self.tenant.as_ref(), self.position, limit).await? else { return Ok(None) };
        let gap = batch.gap.filter(|gap| self.known_gap.is_none_or(|known| (known.until, known.reason) != (gap.until, gap.reason)));
        self.known_gap = gap.or(self.known_gap);
        self.position = batch.next;
        Ok(Some(Followed { more: batch.events.len() == BATCH_SIZE, events: batch.events, gap, position: batch.next }))
    }
}
