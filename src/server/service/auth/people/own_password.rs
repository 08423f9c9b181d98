//! A person changes their local password.

use std::time::Duration;

use futures_util::FutureExt;
use zxcvbn::{Score, zxcvbn};

use crate::domain::attempts::AttemptKind;
use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::refused_authentication::{AuthenticationFailure, CredentialKind, MIN_SECRET_CHARS};
use crate::domain::step_up::REAUTH_WINDOW;
use crate::domain::time::Timestamp;
use crate::server::request_id;
use crate::server::service::auth::attempts;
use crate::server::service::auth::browser_sessions::still_signed_in;
use crate::server::service::auth::people::{MAX_PASSWORD_BYTES, PasswordAttempt, normalize};
use crate::server::service::auth::principals::SignedIn;
use crate::server::service::platform::rng::Secret;
use crate::server::service::storage::token_families::EndedSessions;
use crate::server::service::storage::{Connection, audit_log, browser_sessions, logout_notices, people};
use crate::server::service::{Error, Fault, Services};

/// Minimum for passwords that are the only factor (NIST SP 800-63B-4 §3.1.1.2). No rules about kinds of characters.
pub const MIN_PASSWORD_CHARS: usize = MIN_SECRET_CHARS;

/// What a person has to present to change their password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordChangeRequirement {
    /// The current password.
    CurrentPassword,
    /// A second factor, which was presented recently.
    RecentSecondFactor,
    /// A second factor, which is yet to be presented.
    SecondFactorFirst,
}

/// Why a password is not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordChangeRefused {
    /// The person has no local password.
    NoPassword,
    /// The current password is wrong.
    WrongPassword,
    TooManyTries {
        wait: Duration,
    },
    SecondFactorFirst,
    New(NewPasswordRefused),
    /// The session was ended in the meantime.
    SignedOut,
}

/// Why a new password is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewPasswordRefused {
    TooShort,
    TooLong,
    /// It contains the user name.
    UserName,
    /// It is easy to guess.
    Common,
}

impl Services {
    /// Whether a person has a local password.
    pub async fn has_own_password(&self, person: &SignedIn) -> Result<bool, Fault> {
        Ok(self.own_password_hash(person).await?.is_some())
    }

    async fn own_password_hash(&self, person: &SignedIn) -> Result<Option<String>, Fault> {
        let found = people::find(self.storage().reader(), person.tenant_id(), person.user_id()).await?;
        Ok(found.filter(|_| person.tenant().policy.local_passwords).and_then(|person| person.password_hash))
    }

    pub fn password_change_requirement(&self, person: &SignedIn) -> PasswordChangeRequirement {
        let shown = person.auth_times.second_at.is_some_and(|at| at.is_within(REAUTH_WINDOW, self.now()));
        match (shown, person.has_second_factor) {
            (true, _) => PasswordChangeRequirement::RecentSecondFactor,
            (false, true) => PasswordChangeRequirement::SecondFactorFirst,
            (false, false) => PasswordChangeRequirement::CurrentPassword,
        }
    }

    /// Sets a new password, and ends all other sessions and pending sign-ins of the person.
    pub async fn change_own_password(&self, person: &SignedIn, current: &Secret, new: &Secret) -> Result<(), Error<PasswordChangeRefused>> {
        let (services, person) = (self.clone(), person.clone());
        let (current, new) = (Secret::from_plaintext(current.reveal()), Secret::from_plaintext(new.reveal()));
        // In its own task: a caller that disconnects must not escape the queue or the count.
        let tried = request_id::spawn(async move { services.attempt_password_change(&person, &current, &new).await });
        tried.await.map_err(Fault::new)?
    }

    async fn attempt_password_change(&self, person: &SignedIn, current: &Secret, new: &Secret) -> Result<(), Error<PasswordChangeRefused>> {
        let refused = |why| Err(Error::Refused(why));
        let Some(hash) = self.own_password_hash(person).await? else { return refused(PasswordChangeRefused::NoPassword) };
        match self.password_change_requirement(person) {
            PasswordChangeRequirement::RecentSecondFactor => {}
            PasswordChangeRequirement::SecondFactorFirst => return refused(PasswordChangeRefused::SecondFactorFirst),
            PasswordChangeRequirement::CurrentPassword => self.check_current(person, hash, current).await?,
        }
        let (judged, about) = (Secret::from_plaintext(new.reveal()), personal_words(person, self.public_url()));
        self.on_password_thread(move || Ok(check_strength(&judged, &about))).await?.map_err(|why| Error::Refused(PasswordChangeRefused::New(why)))?;
        let (hash, person, now) = (self.password_hash(new).await?, person.clone(), self.now());
        self.try_write(move |db| change(db, person, hash, now).boxed()).await
    }

    /// Checks the current password; counted like an attempt to sign in.
    async fn check_current(&self, person: &SignedIn, hash: String, current: &Secret) -> Result<(), Error<PasswordChangeRefused>> {
        let (tenant, typed, from) = (person.tenant_id().clone(), Some(person.user_id().clone()), person.session().from);
        let attempt = PasswordAttempt { tenant, user_id: typed, from, now: self.now() };
        let _slot = self.password_slot().await?;
        let before = attempt.clone();
        let wait =
            self.write(move |db| async move { attempts::retry_after(db, AttemptKind::Password, &before.source(), before.now).await }.boxed()).await?;
        let log = |failure| self.log_refusal_of_person(CredentialKind::Password, (person.tenant_id(), person.user_id()), from, failure);
        if let Some(wait) = wait {
            log(AuthenticationFailure::TooManyAttempts);
            return Err(Error::Refused(PasswordChangeRefused::TooManyTries { wait }));
        }
        if self.password_matches(Some(hash), current).await? {
            return Ok(());
        }
        log(AuthenticationFailure::Wrong);
        let record = audit_event(person, AuditKind::PasswordChangeFailed, attempt.now);
        let blocked = audit_event(person, AuditKind::SignInBlocked, attempt.now).subject(CredentialKind::Password.as_str());
        let failed = self.write(move |db| {
            async move {
                let reached = attempts::record_failure(db, AttemptKind::Password, &attempt.source(), attempt.now).await?;
                audit_log::insert(db, &record).await?;
                if reached { audit_log::insert(db, &blocked).await } else { Ok(()) }
            }
            .boxed()
        });
        failed.await?;
        Err(Error::Refused(PasswordChangeRefused::WrongPassword))
    }
}

async fn change(db: &mut Connection, person: SignedIn, hash: String, now: Timestamp) -> Result<(), Error<PasswordChangeRefused>> {
    let (tenant, user) = (person.tenant_id(), person.user_id());
    if !still_signed_in(db, &person, now).await? {
        return Err(Error::Refused(PasswordChangeRefused::SignedOut));
    }
    people::set_password(db, tenant, user, &hash).await?;
    let own = Some(person.session().session_id());
    browser_sessions::delete_others(db, tenant, user, own).await?;
    logout_notices::sessions_ended(db, tenant, user, EndedSessions::AllBut(own), now).await?;
    audit_log::insert(db, &audit_event(&person, AuditKind::PasswordChanged, now)).await?;
    Ok(())
}

fn audit_event(person: &SignedIn, kind: AuditKind, now: Timestamp) -> AuditEvent {
    AuditEvent::new(person.tenant_id().clone(), kind, now).of(person.user_id()).from(person.session().from)
}

/// What an attacker would try first for this person.
fn personal_words(person: &SignedIn, public_url: &str) -> Vec<String> {
    let words = [person.user_id().as_str(), person.display_name(), person.tenant_id().as_str(), person.tenant_name(), public_url, "Trust Manager"];
    let parts = words.iter().flat_map(|words| words.split(|c: char| !c.is_alphanumeric())).filter(|part| part.chars().count() > 2);
    let mut about: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    about.extend(parts.map(str::to_owned));
    about
}

/// `about`: words to avoid, the user name first.
fn check_strength(password: &Secret, about: &[String]) -> Result<(), NewPasswordRefused> {
    let password = normalize(password);
    let password = password.reveal();
    if password.chars().count() < MIN_PASSWORD_CHARS {
        return Err(NewPasswordRefused::TooShort);
    }
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(NewPasswordRefused::TooLong);
    }
    let user_name = about.first().map(|name| name.to_lowercase()).filter(|name| name.chars().count() > 2);
    if user_name.is_some_and(|name| password.to_lowercase().contains(&name)) {
        return Err(NewPasswordRefused::UserName);
    }
    let about: Vec<&str> = about.iter().map(String::as_str).collect();
    if zxcvbn(password, &about).score() < Score::Three { Err(NewPasswordRefused::Common) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_long_common_and_personal_passwords_are_refused() {
        let about: Vec<String> = ["jdoe", "Jane Doe", "frontera"].map(str::to_owned).into();
        let judge = |password: &str| check_strength(&Secret::from_plaintext(password), &about);
        for good in ["violet tractor seldom winter", "ñandú über ¿qué? 7 Fjord", "kq8zvw1xjr5tbn3m", "abstand halten im regen"] {
            assert_eq!(judge(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("", NewPasswordRefused::TooShort),
            ("Tr0ub4dor&3", NewPasswordRefused::TooShort),
            ("passwordpassword", NewPasswordRefused::Common),
            ("aaaaaaaaaaaaaaaaaaaaaaaa", NewPasswordRefused::Common),
            ("123456789012345", NewPasswordRefused::Common),
            ("qwertyuiopasdfghjkl", NewPasswordRefused::Common),
            ("fronterafrontera", NewPasswordRefused::Common),
            ("my name is JDoe, really", NewPasswordRefused::UserName),
            (&"violet tractor ".repeat(80), NewPasswordRefused::TooLong),
        ] {
            assert_eq!(judge(bad), Err(why), "{bad}");
        }
    }
}
