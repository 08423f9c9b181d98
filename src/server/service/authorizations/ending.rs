//! The end of authorizations and token families: what ends with them.

use std::ops::AddAssign;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::authorization::{Authorization, AuthorizationEnd, AuthorizationOrigin};
use crate::domain::ids::{ClientId, DeviceGrantId, UserId};
use crate::domain::time::Timestamp;
use crate::domain::token_family::{FamilyEnd, TokenFamily};
use crate::server::service::auth::principals::{SignedIn, TenantAdmin};
use crate::server::storage::ssh_keys::{KeySelection, Revoker};
use crate::server::storage::{
    Connection, Error, audit_log, authorizations, consents, delegations, device_grants, logout_notices, ssh_keys, token_families,
};

/// What ended when access was revoked, for who revoked it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndedAccess {
    /// Authorizations and delegations; a delegation counts once with its authorization.
    pub permissions: u64,
    /// Sign-ins of programs (token families).
    pub sign_ins: u64,
    /// SSH keys.
    pub keys: u64,
    /// Notices to clients that the person is signed out.
    pub notices: u64,
}

impl AddAssign for EndedAccess {
    fn add_assign(&mut self, other: Self) {
        self.permissions += other.permissions;
        self.sign_ins += other.sign_ins;
        self.keys += other.keys;
        self.notices += other.notices;
    }
}

/// Ends an authorization at the time of the audit event, with its token families, its delegation, the keys made with its tokens, and the
/// keys that its client created for the person, unless another delegation allows those. The client is told that the person is signed out, unless
/// it caused the end. `None` if it had ended before.
pub(in crate::server::service) async fn end_authorization(
    db: &mut Connection,
    authorization: Authorization,
    reason: AuthorizationEnd,
    record: &AuditEvent,
) -> Result<Option<EndedAccess>, Error> {
    let now = record.at;
    let Ok(ended) = authorization.end(reason, now) else { return Ok(None) };
    if !authorizations::end(db, &ended).await? {
        return Ok(None);
    }
    let sign_ins = token_families::end_all_of(db, &ended.tenant_id, &ended.id, now).await?;
    let notices = match reason {
        AuthorizationEnd::Person | AuthorizationEnd::Administrator | AuthorizationEnd::TokenReuse | AuthorizationEnd::CodeReplay => {
            logout_notices::queue_of_authorization(db, &ended, now).await?
        }
        // The client knows, or never signed anyone in.
        AuthorizationEnd::Client | AuthorizationEnd::Unredeemed | AuthorizationEnd::Unrecorded => 0,
    };
    if ended.origin == AuthorizationOrigin::Device {
        end_device_grant(db, &ended, reason, now).await?;
    }
    delegations::revoke_of_authorization(db, &ended.tenant_id, &ended.id, now).await?;
    if reason != AuthorizationEnd::Unredeemed {
        // What was ended is not given again without asking.
        consents::delete(db, &ended.tenant_id, &ended.person, Some(&ended.client_id)).await?;
    }
    audit_log::insert(db, record).await?;
    let orphaned = KeySelection::Orphaned(&ended.client_id, &ended.person);
    let keys = ssh_keys::revoke(db, &ended.tenant_id, orphaned, Revoker::of(record), now).await?;
    Ok(Some(EndedAccess { permissions: 1, sign_ins, keys, notices }))
}

/// Ends the device grant on which an authorization was given, so that the device is told.
async fn end_device_grant(db: &mut Connection, ended: &Authorization, reason: AuthorizationEnd, now: Timestamp) -> Result<(), Error> {
    let Some(grant) = device_grants::find(&mut *db, &ended.tenant_id, &DeviceGrantId::from(&ended.id)).await? else { return Ok(()) };
    let before = grant.state.clone();
    let changed = match reason {
        AuthorizationEnd::Unredeemed => grant.expire_unredeemed(now),
        _ => grant.revoke(now),
    };
    if let Some(changed) = changed {
        device_grants::transition(db, &before, &changed).await?;
    }
    Ok(())
}

/// Ends one token family; its authorization stays, with delegation and keys. False if it had ended before.
pub(in crate::server::service) async fn end_family(
    db: &mut Connection,
    family: TokenFamily,
    reason: FamilyEnd,
    record: &AuditEvent,
) -> Result<bool, Error> {
    let Ok(ended) = family.end(reason, record.at) else { return Ok(false) };
    let first = token_families::end(db, &ended).await?;
    if first {
        audit_log::insert(db, record).await?;
    }
    Ok(first)
}

/// Ends an authorization that the person revokes. `None` if it had ended before.
pub(in crate::server::service) async fn end_by_person(
    db: &mut Connection,
    person: &SignedIn,
    authorization: Authorization,
    now: Timestamp,
) -> Result<Option<EndedAccess>, Error> {
    let record = revoked(&authorization, now).from(person.session().from);
    end_authorization(db, authorization, AuthorizationEnd::Person, &record).await
}

/// Ends a person's authorizations for an administrator; `None`: those of all clients.
pub(in crate::server::service) async fn end_authorizations_of(
    db: &mut Connection,
    admin: &TenantAdmin,
    person: &UserId,
    client_id: Option<&ClientId>,
    now: Timestamp,
) -> Result<EndedAccess, Error> {
    let mut ended = EndedAccess::default();
    for authorization in authorizations::live_of_person(&mut *db, admin.tenant_id(), person, client_id).await? {
        let record = revoked(&authorization, now).admin(Some(admin.admin_id())).from(admin.from);
        ended += end_authorization(db, authorization, AuthorizationEnd::Administrator, &record).await?.unwrap_or_default();
    }
    Ok(ended)
}

/// The event that an authorization was revoked.
pub(in crate::server::service) fn revoked(authorization: &Authorization, now: Timestamp) -> AuditEvent {
    AuditEvent::new(authorization.tenant_id.clone(), AuditKind::DeviceRevoked, now)
        .of(&authorization.person)
        .about(&authorization.client_id, &authorization.id)
}
