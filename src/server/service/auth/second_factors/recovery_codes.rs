//! Recovery codes: generated with the first second factor, and replaced on request.

use futures_util::FutureExt;

use super::audit_event;
use crate::domain::audit_log::AuditKind;
use crate::domain::second_factor::{RECOVERY_CODE_COUNT, format_recovery_code};
use crate::server::service::auth::browser_sessions::still_signed_in;
use crate::server::service::auth::principals::{RecentlyAuthenticated, SignedIn};
use crate::server::service::platform::rng::Secret;
use crate::server::service::{Fault, Services};
use crate::server::storage::{audit_log, second_factors};

const RECOVERY_HASH_KIND: &str = "recovery code";

impl Services {
    /// Replaces the recovery codes. `None` if the person has no second factor.
    pub async fn renew_recovery_codes(&self, person: &RecentlyAuthenticated) -> Result<Option<Secret>, Fault> {
        let (codes, hashes) = self.recovery_codes();
        let (person, now) = (SignedIn::clone(person), self.now());
        let made = self
            .write(move |db| {
                async move {
                    let (tenant, user) = (person.tenant_id(), person.user_id());
                    if !still_signed_in(db, &person, now).await? || !second_factors::has_any(&mut *db, tenant, user).await? {
                        return Ok(false);
                    }
                    second_factors::replace_recovery_codes(db, tenant, user, &hashes).await?;
                    audit_log::insert(db, &audit_event(&person, AuditKind::RecoveryCodesCreated, now)).await?;
                    Ok(true)
                }
                .boxed()
            })
            .await?;
        Ok(made.then_some(codes))
    }

    /// What a code may be stored as.
    pub(super) fn recovery_hashes(&self, letters: &str) -> Vec<Vec<u8>> {
        self.keys().hashes(RECOVERY_HASH_KIND, letters)
    }

    /// New codes, one per line, and the hashes to store.
    pub(super) fn recovery_codes(&self) -> (Secret, Vec<Vec<u8>>) {
        let codes: Vec<String> = (0..RECOVERY_CODE_COUNT)
            .map(|_| {
                let mut random = [0; 12];
                self.rng().fill(&mut random);
                format_recovery_code(random)
            })
            .collect();
        let keys = self.keys();
        let hashes = codes.iter().map(|code| keys.hash(RECOVERY_HASH_KIND, &code.replace('-', ""))).collect();
        (Secret::from_plaintext(codes.join("\n")), hashes)
    }
}
