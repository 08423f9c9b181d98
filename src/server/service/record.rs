//! The record of what happened, as it is read: a person's own, and for administrators the tenant's.

use super::proofs::{SignedIn, TenantAdmin};
use super::storage::activity;
pub use super::storage::activity::RecordWanted;
use super::{Fault, Services};
use crate::domain::activity::Happened;
use crate::domain::ids::{TenantId, UserId};
use crate::domain::listing::Listed;

/// Lines of an export that are read at once.
const EXPORTED_AT_ONCE: i64 = 1_000;

/// Whose record an export holds. Only this room can make it, for those who may read it.
#[derive(Clone, Debug)]
pub struct Readable {
    tenant_id: TenantId,
    /// `None`: all of the tenant's.
    person: Option<UserId>,
}

impl SignedIn {
    /// The person's own record.
    pub fn own_record(&self) -> Readable {
        Readable { tenant_id: self.tenant_id().clone(), person: Some(self.user_id().clone()) }
    }
}

impl TenantAdmin {
    /// The tenant's record.
    pub fn tenants_record(&self) -> Readable {
        Readable { tenant_id: self.tenant_id().clone(), person: None }
    }
}

impl Services {
    /// A piece of a record, the newest first. What `wanted` says of a person holds only for a tenant's record.
    pub async fn list_record(&self, readable: &Readable, wanted: RecordWanted) -> Result<Listed<Happened>, Fault> {
        let wanted = RecordWanted { person: readable.person.clone().or(wanted.person), ..wanted };
        let listed = activity::list(self.storage().reader(), &readable.tenant_id, &wanted, self.now()).await?;
        Ok(listed.map(|line| readable.as_shown(line)))
    }

    /// How far the record goes now: an export goes no further, however slowly it is fetched.
    pub async fn record_end(&self) -> Result<i64, Fault> {
        Ok(activity::last(self.storage().reader()).await?)
    }

    /// The next lines of an export, the oldest first, behind the line with that number, up to `end`; none after that.
    pub async fn export_record(&self, readable: &Readable, after: i64, end: i64) -> Result<Vec<Happened>, Fault> {
        let Readable { tenant_id, person } = readable;
        let lines = activity::export(self.storage().reader(), tenant_id, person.as_ref(), after, end, EXPORTED_AT_ONCE).await?;
        Ok(lines.into_iter().map(|line| readable.as_shown(line)).collect())
    }
}

impl Readable {
    /// Where an administrator sits is none of other people's business.
    fn as_shown(&self, line: Happened) -> Happened {
        let hidden = self.person.is_some() && line.admin.is_some();
        Happened { from: line.from.filter(|_| !hidden), ..line }
    }
}
