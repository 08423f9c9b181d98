//! Second factors: pending sign-ins, passkey challenges, enrollments and new recovery codes.

use super::{PortalSession, SESSION_LIFETIME, session_fault};
use crate::domain::paths::ReturnTo;
use crate::domain::time::Timestamp;
use crate::server::service::Fault;
use crate::server::service::auth::second_factors::pending_mfa::{PENDING_MFA_LIFETIME, PendingMfa};
use crate::server::service::platform::rng::Secret;
use crate::server::sign_in::session::slots::{Slot, SlotEntry};

pub(super) const PENDING_MFA: Slot = Slot { name: "half_sign_ins", lifetime: SESSION_LIFETIME };
const APP_ENROLLMENTS: Slot = Slot { name: "apps_set_up", lifetime: PENDING_MFA_LIFETIME };
const PASSKEY_ENROLLMENTS: Slot = Slot { name: "passkeys_set_up", lifetime: PENDING_MFA_LIFETIME };
const PASSKEY_CHALLENGES: Slot = Slot { name: "passkeys_asked", lifetime: PENDING_MFA_LIFETIME };
const RECOVERY_CODES: Slot = Slot { name: "recovery_codes", lifetime: PENDING_MFA_LIFETIME };

/// Kinds of second factors that are set up in steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnrollmentKind {
    App,
    Passkey,
}

impl EnrollmentKind {
    fn slot(self) -> &'static Slot {
        match self {
            Self::App => &APP_ENROLLMENTS,
            Self::Passkey => &PASSKEY_ENROLLMENTS,
        }
    }
}

/// A second factor that is being set up.
#[derive(Clone)]
pub struct Enrollment {
    pub id: String,
    /// When it was started, by a person who had signed in recently.
    pub since: Timestamp,
    /// The secret for the authenticator app, or the state of the passkey challenge.
    pub state: String,
}

impl PortalSession {
    /// Stores a sign-in whose first factor was accepted, and the page to continue with. It signs no one in, but signs out any other person.
    pub async fn add_pending_mfa(&self, pending: &PendingMfa, return_to: &ReturnTo, now: Timestamp) -> Result<(), Fault> {
        if self.sign_in_record().await?.is_some_and(|who| !who.is_of(&pending.tenant_id, &pending.user_id)) {
            self.forget_other_people(&pending.tenant_id, &pending.user_id).await?;
            self.0.cycle_id().await.map_err(session_fault)?;
        }
        self.insert_entry(&PENDING_MFA, pending.id.as_str(), (pending, return_to), now).await
    }

    /// The pending sign-in of a tab; without an id the newest, for forms of an earlier release.
    pub async fn pending_mfa(&self, id: &str, now: Timestamp) -> Result<Option<(PendingMfa, ReturnTo)>, Fault> {
        Ok(self.entry(&PENDING_MFA, id, now).await?.map(|kept| kept.value))
    }

    /// Whether its person has signed in here since it was started, in another tab.
    pub async fn has_finished(&self, pending: &PendingMfa) -> Result<bool, Fault> {
        Ok(self.sign_in_record().await?.is_some_and(|who| who.is_of(&pending.tenant_id, &pending.user_id) && pending.since <= who.at))
    }

    /// Stores the state of a passkey challenge until the browser responds.
    pub async fn add_passkey_challenge(&self, id: &str, state: &str, now: Timestamp) -> Result<(), Fault> {
        self.insert_entry(&PASSKEY_CHALLENGES, id, state, now).await
    }

    /// Takes it: a challenge is answered once.
    pub async fn take_passkey_challenge(&self, id: &str, now: Timestamp) -> Result<Option<String>, Fault> {
        self.take_entry(&PASSKEY_CHALLENGES, id, now).await
    }

    /// Stores an authenticator app's secret or a passkey challenge until the enrollment is complete; for a short time, because anyone who
    /// sees the screen knows the secret as well.
    pub async fn add_enrollment(&self, kind: EnrollmentKind, id: &str, state: &str, now: Timestamp) -> Result<(), Fault> {
        self.insert_entry(kind.slot(), id, state, now).await
    }

    pub async fn enrollment(&self, kind: EnrollmentKind, id: &str, now: Timestamp) -> Result<Option<Enrollment>, Fault> {
        let kept: Option<SlotEntry<String>> = self.entry(kind.slot(), id, now).await?;
        Ok(kept.map(|SlotEntry { id, since, value: what }| Enrollment { id, since, state: what }))
    }

    /// The newest one started since the last sign-in; another person may have seen an older one.
    pub async fn newest_enrollment(&self, kind: EnrollmentKind, now: Timestamp) -> Result<Option<Enrollment>, Fault> {
        let signed_in_at = self.sign_in_record().await?.map(|who| who.at);
        Ok(self.enrollment(kind, "", now).await?.filter(|ceremony| signed_in_at.is_some_and(|at| at < ceremony.since)))
    }

    pub async fn forget_enrollment(&self, kind: EnrollmentKind, id: &str, now: Timestamp) -> Result<(), Fault> {
        self.take_entry::<String>(kind.slot(), id, now).await.map(drop)
    }

    /// Stores new recovery codes; only this session can show them, for long enough to save them.
    pub async fn add_recovery_codes(&self, id: &str, codes: &Secret, now: Timestamp) -> Result<(), Fault> {
        // Older ones are no longer valid.
        self.take::<Vec<SlotEntry<String>>>(RECOVERY_CODES.name).await?;
        self.insert_entry(&RECOVERY_CODES, id, codes.reveal(), now).await
    }

    /// The codes, and when they were generated.
    pub async fn recovery_codes(&self, id: &str, now: Timestamp) -> Result<Option<(Secret, Timestamp)>, Fault> {
        let kept: Option<SlotEntry<String>> = self.entry(&RECOVERY_CODES, id, now).await?.filter(|_| !id.is_empty());
        Ok(kept.map(|kept| (Secret::from_plaintext(kept.value), kept.since)))
    }
}
