//! Browser sessions: who is behind one, and ending them.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::FutureExt;

use super::proofs::{FreshlySignedIn, MayAllow, NotNow, SignedIn, TenantAdmin, Visit};
pub use super::storage::browser_sessions::{Listed as ListedSession, Stored as StoredSession};
use super::storage::{self, Connection, activity, browser_sessions, people, second_factors};
use super::{Fault, Services};
use crate::domain::activity::{Activity, Kind};
use crate::domain::ids::{AdminId, SessionId, TenantId, UserId};
use crate::domain::step_up::{Missing, Shown, missing};
use crate::domain::time::Timestamp;

/// A session of somebody who has not signed in: long enough for a code, too short to fill the disk with.
const VISITOR_LIMIT: Duration = Duration::from_secs(30 * 60);
/// A session that nobody uses ends after this.
const IDLE_LIMIT: Duration = Duration::from_secs(2 * 60 * 60);
/// A session ends this long after sign-in, however busy it is.
const ABSOLUTE_LIMIT: Duration = Duration::from_secs(12 * 60 * 60);
/// How exact "last seen" is; a write for every page would be too dear.
const SEEN_EVERY: Duration = Duration::from_secs(60);

/// Whether the session behind a proof is still there. Asked within the transaction by what gives somebody access: once the person
/// has revoked everything, no request that was on its way may give some of it back.
pub(super) async fn still_signed_in(db: &mut Connection, person: &SignedIn, now: Timestamp) -> Result<bool, storage::Fault> {
    browser_sessions::is_live(db, person.tenant_id(), person.user_id(), person.visit().session_id(), now).await
}

impl Services {
    /// When a session ends if it is used now.
    pub fn session_end(&self, signed_in_at: Option<Timestamp>) -> Timestamp {
        let now = self.now();
        signed_in_at.map_or(now + VISITOR_LIMIT, |at| (now + IDLE_LIMIT).min(at + ABSOLUTE_LIMIT))
    }

    /// A name for what one tab does, for its address and forms.
    pub fn new_tab_id(&self) -> String {
        self.new_id("tab")
    }

    /// What people know a new session by. It claims user codes under this name, which is taken from the sealed session only: no request
    /// can name another one.
    pub fn new_session(&self) -> Result<SessionId, Fault> {
        SessionId::parse(self.new_id("ses")).map_err(Fault::new)
    }

    pub fn visit(&self, session_id: SessionId, from: Option<IpAddr>) -> Visit {
        Visit { session_id, from }
    }

    /// The identity a session kept, made good: the person and the tenant are still there and switched on.
    pub async fn signed_in(&self, tenant_id: &TenantId, user_id: &UserId, shown: Shown, visit: Visit) -> Result<Option<SignedIn>, Fault> {
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
            shown,
            has_second_factor,
            visit,
        }))
    }

    /// The person, if they have shown within [`FRESH`] that it is them; with a second factor if they have set one up here.
    ///
    /// [`FRESH`]: crate::domain::step_up::FRESH
    pub fn fresh(&self, person: &SignedIn) -> Result<FreshlySignedIn, Missing> {
        self.fresh_if(person, false)
    }

    /// The person, if they had shown by then that it was them, when they began what they finish now.
    pub fn fresh_when_begun(&self, person: &SignedIn, begun: Timestamp) -> Result<FreshlySignedIn, Missing> {
        match missing(person.shown, person.has_second_factor, false, begun) {
            None => Ok(FreshlySignedIn(person.clone())),
            Some(missing) => Err(missing),
        }
    }

    /// The person, before they let a device in, for which the tenant may demand a second factor of everybody.
    pub fn may_allow(&self, person: &SignedIn) -> Result<MayAllow, Missing> {
        if person.tenant.policy.second_factor_at_consent {
            self.fresh_if(person, true)?;
        }
        Ok(MayAllow(person.clone()))
    }

    /// The person as an administrator of their tenant, if they are one and have shown just now that it is them.
    pub fn administer(&self, person: &SignedIn) -> Result<TenantAdmin, NotNow> {
        if !person.admin {
            return Err(NotNow::NoAdmin);
        }
        let fresh = self.fresh_if(person, person.tenant.policy.second_factor_for_admins);
        let FreshlySignedIn(person) = fresh.map_err(NotNow::Missing)?;
        let session = Some(person.visit.session_id().clone());
        Ok(TenantAdmin { admin_id: AdminId::of_person(&person.user_id), tenant: person.tenant, from: person.visit.from, session })
    }

    fn fresh_if(&self, person: &SignedIn, demanded: bool) -> Result<FreshlySignedIn, Missing> {
        match missing(person.shown, person.has_second_factor, demanded, self.now()) {
            None => Ok(FreshlySignedIn(person.clone())),
            Some(missing) => Err(missing),
        }
    }

    /// A person's live sessions, the one used last first.
    pub async fn list_sessions(&self, person: &SignedIn) -> Result<Vec<ListedSession>, Fault> {
        Ok(browser_sessions::of_person(self.storage().reader(), person.tenant_id(), person.user_id(), self.now()).await?)
    }

    /// Ends one of a person's sessions. False when it is not theirs, or gone.
    pub async fn end_session(&self, person: &SignedIn, id: &SessionId) -> Result<bool, Fault> {
        let (person, id, now) = (person.clone(), id.clone(), self.now());
        self.change(move |db| {
            async move {
                let ended = browser_sessions::delete_of_person(db, person.tenant_id(), person.user_id(), &id).await?;
                if ended {
                    activity::insert(db, &session_ended(&person, now)).await?;
                }
                Ok(ended)
            }
            .boxed()
        })
        .await
    }

    /// Ends all of a person's sessions but this one, and says how many.
    pub async fn end_other_sessions(&self, person: &SignedIn) -> Result<u64, Fault> {
        let (person, now) = (person.clone(), self.now());
        self.change(move |db| {
            async move {
                let ended = browser_sessions::delete_others(db, person.tenant_id(), person.user_id(), Some(person.visit().session_id())).await?;
                if ended > 0 {
                    activity::insert(db, &session_ended(&person, now)).await?;
                }
                Ok(ended)
            }
            .boxed()
        })
        .await
    }

    /// Writes down that a person left.
    pub async fn record_sign_out(&self, person: &SignedIn) -> Result<(), Fault> {
        let record = Activity::new(person.tenant_id().clone(), Kind::SignedOut, self.now()).of(person.user_id()).from(person.visit().from);
        self.change(move |db| async move { activity::insert(db, &record).await }.boxed()).await
    }

    /// For the session store: a live session by the hash of its id.
    pub async fn load_session(&self, id_hash: &[u8]) -> Result<Option<StoredSession>, Fault> {
        let now = self.now();
        let Some(session) = browser_sessions::find(self.storage().reader(), id_hash, now).await? else { return Ok(None) };
        if now.since(Timestamp::from_millis(session.last_seen_at)) < SEEN_EVERY {
            return Ok(Some(session));
        }
        let end = self.session_end(session.signed_in_at.map(Timestamp::from_millis));
        let id_hash = id_hash.to_vec();
        self.change(move |db| async move { browser_sessions::touch(db, &id_hash, now, end).await }.boxed()).await?;
        Ok(Some(StoredSession { last_seen_at: now.as_millis(), expires_at: end.as_millis(), ..session }))
    }

    /// For the session store: a new session.
    pub async fn create_session(&self, session: StoredSession) -> Result<(), Fault> {
        self.change(move |db| async move { browser_sessions::insert(db, &session).await }.boxed()).await
    }

    /// For the session store: what changed. A session that was ended in the meantime stays ended.
    pub async fn save_session(&self, session: StoredSession) -> Result<(), Fault> {
        self.change(move |db| async move { browser_sessions::update(db, &session).await }.boxed()).await?;
        Ok(())
    }

    /// The same by a request that has not seen all of what is stored by now: `merge` makes of that what is to be stored.
    pub async fn merge_session(
        &self,
        id_hash: Vec<u8>,
        merge: impl FnOnce(&[u8]) -> Result<StoredSession, Fault> + Send + 'static,
    ) -> Result<(), Fault> {
        let now = self.now();
        let merged = self.change(move |db| {
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

    /// For the session store: the end.
    pub async fn delete_session(&self, id_hash: Vec<u8>) -> Result<(), Fault> {
        self.change(move |db| async move { browser_sessions::delete(db, &id_hash).await }.boxed()).await
    }
}

fn session_ended(person: &SignedIn, now: Timestamp) -> Activity {
    Activity::new(person.tenant_id().clone(), Kind::SessionEnded, now).of(person.user_id()).from(person.visit().from)
}
