//! Second factors: listing, renaming, removing and resetting them.

mod app;
pub mod enrollment;
mod passkeys;
pub mod pending_mfa;
mod recovery_codes;
pub mod verification;

use futures_util::FutureExt;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::display_text::{self, NameRefused};
use crate::domain::ids::{TenantId, UserId};
use crate::domain::second_factor::{Factor, SecondFactors};
use crate::domain::time::Timestamp;
use crate::server::service::auth::browser_sessions::still_signed_in;
use crate::server::service::auth::principals::{RecentlyAuthenticated, SignedIn, TenantAdmin};
pub use crate::server::service::auth::second_factors::app::AppEnrollment;
pub(in crate::server::service) use crate::server::service::auth::second_factors::app::sealing_context;
pub use crate::server::service::auth::second_factors::passkeys::{PasskeyChallenge, RelyingParty};
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::token_families::EndedSessions;
use crate::server::storage::{self, Connection, audit_log, browser_sessions, logout_notices, second_factors};

/// Why a passkey is not renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenameRefused {
    /// It does not exist or is another person's; or the session was ended.
    NotFound,
    /// The new name is not valid.
    Name(NameRefused),
}

impl Services {
    pub async fn list_second_factors(&self, person: &SignedIn) -> Result<SecondFactors, Fault> {
        self.second_factors_of(person.tenant_id(), person.user_id()).await
    }

    /// As [`Self::list_second_factors`], for a person whose sign-in is pending.
    pub async fn second_factors_of(&self, tenant_id: &TenantId, user_id: &UserId) -> Result<SecondFactors, Fault> {
        Ok(second_factors::of_person(self.storage().reader(), tenant_id, user_id).await?)
    }

    /// Removes a second factor. False if it does not exist.
    pub async fn remove_second_factor(&self, person: &RecentlyAuthenticated, factor: Factor) -> Result<bool, Fault> {
        let (person, now) = (SignedIn::clone(person), self.now());
        self.write(move |db| delete_factor(db, person, factor, now).boxed()).await
    }

    /// Renames a passkey.
    pub async fn rename_passkey(&self, person: &RecentlyAuthenticated, number: i64, name: &str) -> Result<(), Error<RenameRefused>> {
        let name = display_text::parse_name(name).map_err(|why| Error::Refused(RenameRefused::Name(why)))?;
        let (person, now) = (SignedIn::clone(person), self.now());
        self.try_write(move |db| {
            async move {
                let (tenant, user) = (person.tenant_id(), person.user_id());
                let renamed = still_signed_in(db, &person, now).await? && second_factors::rename_passkey(db, tenant, user, number, &name).await?;
                if !renamed {
                    return Err(Error::Refused(RenameRefused::NotFound));
                }
                audit_log::insert(db, &audit_event(&person, AuditKind::SecondFactorRenamed, now).subject(passkey_label(&name))).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Removes all second factors of a person who has lost them and whom the administrator identified otherwise; ends their sessions. False
    /// if they had none.
    pub async fn reset_second_factors(&self, admin: &TenantAdmin, user_id: &UserId) -> Result<bool, Fault> {
        let (tenant, user, now) = (admin.tenant_id().clone(), user_id.clone(), self.now());
        let record =
            AuditEvent::new(tenant.clone(), AuditKind::SecondFactorRemoved, now).of(user_id).admin(Some(admin.admin_id())).from(admin.from());
        let admins_own = admin.session.clone();
        self.write_audited(record, move |db| {
            async move {
                let any = second_factors::delete_all(&mut *db, &tenant, &user).await? > 0;
                if any {
                    // Another user may have signed in with the lost factors.
                    browser_sessions::delete_others(db, &tenant, &user, admins_own.as_ref()).await?;
                    logout_notices::sessions_ended(db, &tenant, &user, EndedSessions::AllBut(admins_own.as_ref()), now).await?;
                }
                Ok(any)
            }
            .boxed()
        })
        .await
    }
}

async fn delete_factor(db: &mut Connection, person: SignedIn, factor: Factor, now: Timestamp) -> Result<bool, storage::Error> {
    let (tenant, user) = (person.tenant_id(), person.user_id());
    if !still_signed_in(db, &person, now).await? {
        return Ok(false);
    }
    let removed = match factor {
        Factor::App => second_factors::delete_totp(&mut *db, tenant, user).await?.then(|| APP_LABEL.into()),
        Factor::Passkey(number) => second_factors::delete_passkey(&mut *db, tenant, user, number).await?.map(|name| passkey_label(&name)),
    };
    let Some(name) = removed else { return Ok(false) };
    if !second_factors::has_any(&mut *db, tenant, user).await? {
        second_factors::delete_recovery_codes(db, tenant, user).await?;
    }
    audit_log::insert(db, &audit_event(&person, AuditKind::SecondFactorRemoved, now).subject(name)).await?;
    Ok(true)
}

/// Name in audit events.
const APP_LABEL: &str = "authenticator app";

fn passkey_label(name: &str) -> String {
    format!("passkey {name}").trim_end().to_owned()
}

fn audit_event(person: &SignedIn, kind: AuditKind, now: Timestamp) -> AuditEvent {
    AuditEvent::new(person.tenant_id().clone(), kind, now).of(person.user_id()).from(person.session().from)
}
