//! A person's identities at providers: linked and unlinked by themselves or an administrator.

use futures_util::FutureExt;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::ids::{SessionId, TenantId, UserId};
use crate::domain::provider::claims::VerifiedIdentity;
use crate::domain::time::Timestamp;
use crate::server::service::admin::people::admin_event;
use crate::server::service::auth::browser_sessions::still_signed_in;
use crate::server::service::auth::people::PersonRefused;
use crate::server::service::auth::principals::{RecentlyAuthenticated, SignedIn, TenantAdmin};
use crate::server::service::{Error, Fault, Services};
pub use crate::server::storage::identities::Identity;
use crate::server::storage::token_families::EndedSessions;
use crate::server::storage::{self, Connection, audit_log, browser_sessions, identities, logout_notices, mail_outbox, people, person_groups};

/// Why an identity is not linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityLinkRefused {
    AlreadyLinked,
    LinkedToAnother,
    /// The session was ended in the meantime.
    SignedOut,
}

/// Why an identity is not unlinked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityUnlinkRefused {
    NotFound,
    /// The person has no other sign-in method.
    OnlySignInMethod,
}

impl Services {
    /// A person's identities, oldest first.
    pub async fn list_my_identities(&self, person: &SignedIn) -> Result<Vec<Identity>, Fault> {
        Ok(identities::of_person(self.storage().reader(), person.tenant_id(), person.user_id()).await?)
    }

    /// Links a verified identity to the person.
    pub async fn link_identity(&self, person: &RecentlyAuthenticated, identity: &VerifiedIdentity) -> Result<(), Error<IdentityLinkRefused>> {
        let (person, verified, now) = (SignedIn::clone(person), identity.clone(), self.now());
        self.try_write(move |db| link(db, person, verified, now).boxed()).await
    }

    /// Unlinks one of the person's identities. Refused if it is their only sign-in method.
    pub async fn unlink_identity(&self, person: &RecentlyAuthenticated, number: i64) -> Result<Identity, Error<IdentityUnlinkRefused>> {
        let (person, now) = (SignedIn::clone(person), self.now());
        self.try_write(move |db| unlink(db, person, number, now).boxed()).await
    }

    /// A person's identities, oldest first.
    pub async fn identities_of(&self, admin: &TenantAdmin, user_id: &UserId) -> Result<Vec<Identity>, Fault> {
        Ok(identities::of_person(self.storage().reader(), admin.tenant_id(), user_id).await?)
    }

    /// Unlinks an identity of a person, even if it is their only sign-in method. Refused if no administrator could sign in afterwards.
    pub async fn unlink_identity_of(&self, admin: &TenantAdmin, user_id: &UserId, number: i64) -> Result<Identity, Error<PersonRefused>> {
        let linked = self.identities_of(admin, user_id).await?.into_iter().find(|identity| identity.number == number);
        let linked = linked.ok_or(Error::Refused(PersonRefused::NoIdentity))?;
        let now = self.now();
        let (identity, record) = (linked.clone(), admin_event(admin, AuditKind::IdentityUnlinked, user_id, now).subject(&linked.label));
        let admins_own = admin.session.clone();
        self.update_person(admin, record, user_id, move |db, tenant, _| {
            async move { delete_identity(db, &tenant, &identity, admins_own.as_ref(), now).await }.boxed()
        })
        .await?;
        Ok(linked)
    }
}

async fn link(db: &mut Connection, person: SignedIn, verified: VerifiedIdentity, now: Timestamp) -> Result<(), Error<IdentityLinkRefused>> {
    if !still_signed_in(db, &person, now).await? {
        return Err(Error::Refused(IdentityLinkRefused::SignedOut));
    }
    let tenant = person.tenant_id();
    match identities::find(&mut *db, tenant, &verified.issuer, &verified.subject).await? {
        Some(linked) if linked.user_id == *person.user_id() => return Err(Error::Refused(IdentityLinkRefused::AlreadyLinked)),
        Some(_) => return Err(Error::Refused(IdentityLinkRefused::LinkedToAnother)),
        None => {}
    }
    if let Some(address) = &verified.email {
        mail_outbox::set_claimed_address(&mut *db, tenant, person.user_id(), &verified.issuer, address).await?;
    }
    let identity = Identity {
        number: 0,
        issuer: verified.issuer,
        subject: verified.subject,
        user_id: person.user_id().clone(),
        label: verified.label,
        linked_at: now,
        last_used_at: None,
    };
    identities::insert(db, tenant, &identity).await?;
    audit_log::insert(db, &person_event(&person, AuditKind::IdentityLinked, &identity.label, now)).await?;
    Ok(())
}

async fn unlink(db: &mut Connection, person: SignedIn, number: i64, now: Timestamp) -> Result<Identity, Error<IdentityUnlinkRefused>> {
    let tenant = person.tenant_id();
    let mut linked = identities::of_person(&mut *db, tenant, person.user_id()).await?;
    let at = linked.iter().position(|identity| identity.number == number).ok_or(Error::Refused(IdentityUnlinkRefused::NotFound))?;
    let identity = linked.swap_remove(at);
    let password = people::find(&mut *db, tenant, person.user_id()).await?.is_some_and(|person| person.password_hash.is_some());
    if linked.is_empty() && !(password && person.tenant().policy.local_passwords) {
        return Err(Error::Refused(IdentityUnlinkRefused::OnlySignInMethod));
    }
    delete_identity(db, tenant, &identity, Some(person.session().session_id()), now).await?;
    audit_log::insert(db, &person_event(&person, AuditKind::IdentityUnlinked, &identity.label, now)).await?;
    Ok(identity)
}

/// Deletes an identity with address and groups that its issuer asserted, and ends the sessions that depend on it, because another user may have signed
/// in with it; except `keep`, the acting session.
async fn delete_identity(
    db: &mut Connection,
    tenant: &TenantId,
    identity: &Identity,
    keep: Option<&SessionId>,
    now: Timestamp,
) -> Result<bool, storage::Error> {
    browser_sessions::delete_of_identity(&mut *db, tenant, &identity.issuer, &identity.subject, keep).await?;
    logout_notices::sessions_ended(db, tenant, &identity.user_id, EndedSessions::Deleted, now).await?;
    mail_outbox::forget_claimed_address(&mut *db, tenant, &identity.user_id, &identity.issuer).await?;
    person_groups::replace(&mut *db, tenant, &identity.user_id, Some(&identity.issuer), &[]).await?;
    identities::delete(db, tenant, identity).await
}

fn person_event(person: &SignedIn, kind: AuditKind, label: &str, now: Timestamp) -> AuditEvent {
    AuditEvent::new(person.tenant_id().clone(), kind, now).of(person.user_id()).subject(label).from(person.session().from)
}
