//! The periodic task that expires unredeemed grants and deletes old rows.

use std::time::Duration;

use futures_util::FutureExt;

use crate::domain::notification::{NETWORK_MEMORY, NOTIFICATION_RETENTION};
use crate::server::service::{Fault, Services};
use crate::server::storage::{
    attempts, browser_sessions, deployment, device_grants, form_results, identities, link_requests, mail_outbox, notifications, refused_lookups,
    reservations, ssh_keys,
};

/// How long a grant is kept after its code and access have expired, so that its device learns the result.
const GRANT_RETENTION: Duration = Duration::from_secs(24 * 60 * 60);
/// How long an ended key is still listed.
const KEY_RETENTION: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// How long a refused lookup is listed.
pub(in crate::server::service) const REFUSAL_RETENTION: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Longer than the longest window in `domain::attempts`.
const ATTEMPT_RETENTION: Duration = Duration::from_secs(2 * 60 * 60);

/// Less than the interval of each portal's attempts, so that a single portal cleans up each time.
const CLEANUP_INTERVAL: Duration = Duration::from_secs(55);

impl Services {
    /// Runs the housekeeping, unless another portal has just done so.
    pub async fn run_due_housekeeping(&self) -> Result<(), Fault> {
        self.log_suppressed_refusals();
        let now = self.now();
        let begin = self.write(move |db| async move { deployment::begin_task(db, "cleanup", now, now - CLEANUP_INTERVAL).await }.boxed());
        if begin.await? { self.run_housekeeping().await } else { Ok(()) }
    }

    /// Expires unredeemed grants, and deletes rows past their retention.
    pub async fn run_housekeeping(&self) -> Result<(), Fault> {
        self.expire_unredeemed_grants().await?;
        let now = self.now();
        let (old_grants, old_attempts, old_keys) = (now - GRANT_RETENTION, now - ATTEMPT_RETENTION, now - KEY_RETENTION);
        let old_results = now - crate::server::service::platform::form_results::RESULT_LIFETIME;
        let sessions_end = (self.session_expiry(None), self.session_expiry(Some(now)));
        self.write(move |db| {
            async move {
                browser_sessions::delete_expired(db, now).await?;
                browser_sessions::correct_times(db, now, sessions_end).await?;
                attempts::bring_all_back(db, now).await?;
                attempts::delete_old(db, old_attempts).await?;
                mail_outbox::correct_times(db, now).await?;
                form_results::delete_old(db, old_results).await?;
                device_grants::delete_old(db, old_grants).await?;
                link_requests::delete_old(db, old_grants).await?;
                reservations::delete_old(db, old_grants).await?;
                ssh_keys::delete_old(db, old_keys).await?;
                refused_lookups::delete_old(db, now - REFUSAL_RETENTION).await?;
                identities::delete_old_invitations(db, now).await?;
                notifications::delete_old(db, now - NOTIFICATION_RETENTION, now - NETWORK_MEMORY).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }
}
