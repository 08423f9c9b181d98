//! Browser sessions: storing them, restoring their person, and ending them.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::FutureExt;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::ids::{AdminId, SessionId, TenantId, UserId};
use crate::domain::step_up::{AuthenticationTimes, StepUpRequired, required_step_up};
use crate::domain::time::Timestamp;
use crate::server::service::auth::principals::{AccessDenied, BrowserSession, ConsentAuthorized, RecentlyAuthenticated, SignedIn, TenantAdmin};
use crate::server::service::{Fault, Services};
pub use crate::server::storage::browser_sessions::{SESSIONS_SHOWN, SessionRow, SessionSummary};
use crate::server::storage::token_families::EndedSessions;
use crate::server::storage::{self, Connection, audit_log, browser_sessions, logout_notices, people, second_factors};

/// Lifetime of an anonymous session: long enough to enter a code, too short to fill the disk.
const ANONYMOUS_LIFETIME: Duration = Duration::from_secs(30 * 60);
/// A session that is not used ends after this time.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2 * 60 * 60);
/// A session ends this long after sign-in, however it is used.
const ABSOLUTE_TIMEOUT: Duration = Duration::from_secs(12 * 60 * 60);
/// Accuracy of "last seen"; a write per page would be too expensive.
const LAST_SEEN_INTERVAL: Duration = Duration::from_secs(60);
/// How long a page waits until "last seen" is written.
const TOUCH_TIMEOUT: Duration = Duration::from_secs(1);

/// Whether the principal's session still exists. Checked in the transaction of changes that give access: after a person has revoked all
/// access, no request that was in progress may give some back.
pub(in crate::server::service) async fn still_signed_in(db: &mut Connection, person: &SignedIn, now: Timestamp) -> Result<bool, storage::Error> {
    browser_sessions::is_live(db, person.tenant_id(), person.user_id(), person.session().session_id(), now).await
}

impl Services {
    /// Expiry of a session that is used now.
    pub fn session_expiry(&self, signed_in_at: Option<Timestamp>) -> Timestamp {
        let now = self.now();
        signed_in_at.map_or(now + ANONYMOUS_LIFETIME, |at| (now + IDLE_TIMEOUT).min(at + ABSOLUTE_TIMEOUT))
    }

    /// The time until the person's session ends if it is not used, and if it is.
    pub fn session_time_left(&self, person: &SignedIn) -> (Duration, Duration) {
        let now = self.now();
        let longest = (person.auth_times.at + ABSOLUTE_TIMEOUT).since(now);
        (IDLE_TIMEOUT.min(longest), longest)
    }

    /// A random id for what one tab does, used in its URLs and forms.
    pub fn new_tab_id(&self) -> String {
        self.new_id("tab")
    }

    /// A new session's public id. User codes are claimed under it; it is read from the sealed session only, so that no request can name
    /// another.
    pub fn new_session_id(&self) -> Result<SessionId, Fault> {
        SessionId::parse(self.new_id("ses")).map_err(Fault::new)
    }

    pub fn browser_session(&self, session_id: SessionId, from: Option<IpAddr>) -> BrowserSession {
        BrowserSession { session_id, from }
    }

    /// Reloads the person and tenant of a session; `None` if either was disabled or deleted.
    pub async fn restore_signed_in(
        &self,
        tenant_id: &TenantId,
        user_id: &UserId,
        auth_times: AuthenticationTimes,
        session: BrowserSession,
    ) -> Result<Option<SignedIn>, Fault> {
        let Some(tenant) = self.enabled_tenant(tenant_id).await? else { return Ok(None) };
        let person = people::find(self.storage().reader(), tenant_id, user_id).await?;
        let Some(person) = person.filter(|person| person.enabled) else { return Ok(None) };
        let has_second_factor = second_factors::has_any(self.storage().reader(), tenant_id, user_id).await?;
        Ok(Some(SignedIn {
            tenant_id: person.tenant_id,
            user_id: person.user_id,
            display_name: person.display_name,
            tenant,
            admin: person.admin,
            auth_times,
            has_second_factor,
            session,
        }))
    }

    /// The person, if they authenticated within [`REAUTH_WINDOW`], with a second factor if one is enrolled; else the step-up required.
    ///
    /// [`REAUTH_WINDOW`]: crate::domain::step_up::REAUTH_WINDOW
    pub fn require_recent_auth(&self, person: &SignedIn) -> Result<RecentlyAuthenticated, StepUpRequired> {
        self.require_step_up(person, false)
    }

    /// As [`Self::require_recent_auth`], but evaluated at `at`, when the person began what they finish now.
    pub fn require_recent_auth_at(&self, person: &SignedIn, at: Timestamp) -> Result<RecentlyAuthenticated, StepUpRequired> {
        match required_step_up(person.auth_times, person.has_second_factor, false, at, self.now()) {
            None => Ok(RecentlyAuthenticated(person.clone())),
            Some(missing) => Err(missing),
        }
    }

    /// The person before consenting to a device or an application, for which the tenant may require a second factor; else the step-up required.
    pub fn authorize_consent(&self, person: &SignedIn) -> Result<ConsentAuthorized, StepUpRequired> {
        if person.tenant.policy.second_factor_at_consent {
            self.require_step_up(person, true)?;
        }
        Ok(ConsentAuthorized(person.clone()))
    }

    /// The person as administrator of their tenant. Refused if they do not have the role, or have not authenticated recently.
    pub fn authorize_admin(&self, person: &SignedIn) -> Result<TenantAdmin, AccessDenied> {
        if !person.admin {
            return Err(AccessDenied::NotAdmin);
        }
        let fresh = self.require_step_up(person, person.tenant.policy.second_factor_for_admins);
        let RecentlyAuthenticated(person) = fresh.map_err(AccessDenied::StepUpRequired)?;
        let session = Some(person.session.session_id().clone());
        Ok(TenantAdmin { admin_id: AdminId::of_person(&person.user_id), tenant: person.tenant, from: person.session.from, session })
    }

    fn require_step_up(&self, person: &SignedIn, demanded: bool) -> Result<RecentlyAuthenticated, StepUpRequired> {
        let now = self.now();
        match required_step_up(person.auth_times, person.has_second_factor, demanded, now, now) {
            None => Ok(RecentlyAuthenticated(person.clone())),
            Some(missing) => Err(missing),
        }
    }

    /// A person's live sessions: the current one first, then by their last use; at most [`SESSIONS_SHOWN`].
    pub async fn list_sessions(&self, person: &SignedIn) -> Result<Vec<SessionSummary>, Fault> {
        Ok(browser_sessions::of_person(
            self.storage().reader(),
            person.tenant_id(),
            person.user_id(),
            Some(person.session().session_id()),
            self.now(),
        )
        .await?)
    }

    /// Ends one of a person's sessions. False if it does not exist or is another person's.
    pub async fn end_session(&self, person: &SignedIn, id: &SessionId) -> Result<bool, Fault> {
        let (person, id, now) = (person.clone(), id.clone(), self.now());
        self.write(move |db| {
            async move {
                let ended = browser_sessions::delete_of_person(db, person.tenant_id(), person.user_id(), &id).await?;
                if ended {
                    logout_notices::sessions_ended(db, person.tenant_id(), person.user_id(), EndedSessions::Only(&id), now).await?;
                    audit_log::insert(db, &session_ended_event(&person, now)).await?;
                }
                Ok(ended)
            }
            .boxed()
        })
        .await
    }

    /// Ends all of a person's sessions except this one. Returns their number.
    pub async fn end_other_sessions(&self, person: &SignedIn) -> Result<u64, Fault> {
        let (person, now) = (person.clone(), self.now());
        self.write(move |db| {
            async move {
                let (tenant, user, own) = (person.tenant_id(), person.user_id(), Some(person.session().session_id()));
                let ended = browser_sessions::delete_others(db, tenant, user, own).await?;
                logout_notices::sessions_ended(db, tenant, user, EndedSessions::AllBut(own), now).await?;
                if ended > 0 {
                    audit_log::insert(db, &session_ended_event(&person, now)).await?;
                }
                Ok(ended)
            }
            .boxed()
        })
        .await
    }

    /// Writes the audit event of a sign-out, ends the sign-ins of programs that do not outlive the session, and has its clients told.
    pub async fn record_sign_out(&self, person: &SignedIn) -> Result<(), Fault> {
        let (person, now) = (person.clone(), self.now());
        let record = AuditEvent::new(person.tenant_id().clone(), AuditKind::SignedOut, now).of(person.user_id()).from(person.session().from);
        self.write(move |db| {
            async move {
                let own = EndedSessions::Only(person.session().session_id());
                logout_notices::sessions_ended(db, person.tenant_id(), person.user_id(), own, now).await?;
                audit_log::insert(db, &record).await
            }
            .boxed()
        })
        .await
    }

    /// For the session store: finds a live session by the hash of its id. One that was signed in while the clock was ahead has ended: it would
    /// live that much longer.
    pub async fn load_session(&self, id_hash: &[u8]) -> Result<Option<SessionRow>, Fault> {
        let now = self.now();
        let Some(session) = browser_sessions::find(self.storage().reader(), id_hash, now).await? else { return Ok(None) };
        let signed_in_at = session.signed_in_at.map(Timestamp::from_millis);
        if signed_in_at.is_some_and(|at| at.is_ahead_of(now)) {
            return Ok(None);
        }
        if Timestamp::from_millis(session.last_seen_at).is_within(LAST_SEEN_INTERVAL, now) {
            return Ok(Some(session));
        }
        let end = self.session_expiry(signed_in_at);
        let id_hash = id_hash.to_vec();
        let touch = self.write(move |db| async move { browser_sessions::touch(db, &id_hash, now, end).await }.boxed());
        match tokio::time::timeout(TOUCH_TIMEOUT, touch).await {
            Ok(Ok(())) => Ok(Some(SessionRow { last_seen_at: now.as_millis(), expires_at: end.as_millis(), ..session })),
            // Pages are shown while nothing can be written; the session just does not last longer for it.
            Ok(Err(fault)) if !fault.is_temporary() => Err(fault),
            Ok(Err(_)) | Err(_) => Ok(Some(session)),
        }
    }

    /// For the session store: inserts a new session.
    pub async fn create_session(&self, session: SessionRow) -> Result<(), Fault> {
        self.write(move |db| async move { browser_sessions::insert(db, &session).await }.boxed()).await
    }

    /// For the session store: updates a session. One that was ended in the meantime remains ended.
    pub async fn save_session(&self, session: SessionRow) -> Result<(), Fault> {
        self.write(move |db| async move { browser_sessions::update(db, &session).await }.boxed()).await?;
        Ok(())
    }

    /// As [`Self::save_session`], for a request that has not seen the stored state: `merge` changes it to what is to be stored.
    pub async fn merge_session(
        &self,
        id_hash: Vec<u8>,
        merge: impl FnOnce(&[u8]) -> Result<SessionRow, Fault> + Send + 'static,
    ) -> Result<(), Fault> {
        let now = self.now();
        let merged = self.write(move |db| {
            async move {
                let Some(stored) = browser_sessions::find(&mut *db, &id_hash, now).await? else { return Ok(Ok(())) };
                match merge(&stored.sealed) {
                    Ok(session) => browser_sessions::update(db, &session).await.map(|_| Ok(())),
                    Err(fault) => Ok(Err(fault)),
                }
            }
            .boxed()
        });
        merged.await?
    }

    /// For the session store: deletes a session.
    pub async fn delete_session(&self, id_hash: Vec<u8>) -> Result<(), Fault> {
        self.write(move |db| async move { browser_sessions::delete(db, &id_hash).await }.boxed()).await
    }
}

fn session_ended_event(person: &SignedIn, now: Timestamp) -> AuditEvent {
    AuditEvent::new(person.tenant_id().clone(), AuditKind::SessionEnded, now).of(person.user_id()).from(person.session().from)
}
