//! A person changes the local password they sign in with.

use std::time::Duration;

use futures_util::FutureExt;
use zxcvbn::{Score, zxcvbn};

use super::{Guess, LONGEST_PASSWORD, normalized};
use crate::domain::activity::{Activity, Kind};
use crate::domain::attempts::Guessed;
use crate::domain::step_up::FRESH;
use crate::domain::time::Timestamp;
use crate::server::service::browser_sessions::still_signed_in;
use crate::server::service::entropy::Secret;
use crate::server::service::proofs::SignedIn;
use crate::server::service::storage::{Connection, activity, browser_sessions, people};
use crate::server::service::{Error, Fault, Services, guesses};

/// For passwords that are the only factor (NIST SP 800-63B-4 §3.1.1.2). Nothing is said of which characters.
pub const FEWEST_CHARACTERS: usize = 15;

/// What shows that it is the person who changes their password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordProof {
    /// The current one.
    Current,
    /// A second factor, which has been shown just now.
    SecondFactor,
    /// A second factor, which is still to be shown.
    SecondFactorFirst,
}

/// Why a person's password stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordRefused {
    /// They sign in through an institution.
    NoPassword,
    /// The current one is not right.
    Wrong,
    TooManyTries {
        wait: Duration,
    },
    SecondFactorFirst,
    New(NewPasswordRefused),
    /// The session has been ended meanwhile.
    SignedOut,
}

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewPasswordRefused {
    TooShort,
    TooLong,
    /// The user name is in it.
    UserName,
    /// It is easy to guess.
    Common,
}

impl Services {
    /// Whether a person signs in with a password kept here.
    pub async fn has_own_password(&self, person: &SignedIn) -> Result<bool, Fault> {
        Ok(self.own_password_hash(person).await?.is_some())
    }

    async fn own_password_hash(&self, person: &SignedIn) -> Result<Option<String>, Fault> {
        let found = people::find(self.storage().reader(), person.tenant_id(), person.user_id()).await?;
        Ok(found.filter(|_| person.tenant().policy.local_passwords).and_then(|person| person.password_hash))
    }

    pub fn password_proof(&self, person: &SignedIn) -> PasswordProof {
        let shown = person.shown.second_at.is_some_and(|at| self.now().since(at) < FRESH);
        match (shown, person.has_second_factor) {
            (true, _) => PasswordProof::SecondFactor,
            (false, true) => PasswordProof::SecondFactorFirst,
            (false, false) => PasswordProof::Current,
        }
    }

    /// Takes a new password, and ends all other sessions of the person, and their half sign-ins.
    pub async fn change_own_password(&self, person: &SignedIn, current: &Secret, new: &Secret) -> Result<(), Error<PasswordRefused>> {
        let (services, person) = (self.clone(), person.clone());
        let (current, new) = (Secret::given(current.reveal()), Secret::given(new.reveal()));
        // In a task of its own: a caller that hangs up must neither get out of the queue nor out of the count.
        let tried = tokio::spawn(async move { services.try_change(&person, &current, &new).await });
        tried.await.map_err(Fault::new)?
    }

    async fn try_change(&self, person: &SignedIn, current: &Secret, new: &Secret) -> Result<(), Error<PasswordRefused>> {
        let refused = |why| Err(Error::Refused(why));
        let Some(hash) = self.own_password_hash(person).await? else { return refused(PasswordRefused::NoPassword) };
        match self.password_proof(person) {
            PasswordProof::SecondFactor => {}
            PasswordProof::SecondFactorFirst => return refused(PasswordRefused::SecondFactorFirst),
            PasswordProof::Current => self.check_current(person, hash, current).await?,
        }
        let (judged, about) = (Secret::given(new.reveal()), about(person, self.public_url()));
        self.on_password_thread(move || Ok(judge(&judged, &about))).await?.map_err(|why| Error::Refused(PasswordRefused::New(why)))?;
        let (hash, person, now) = (self.password_hash(new).await?, person.clone(), self.now());
        self.attempt(move |db| change(db, person, hash, now).boxed()).await
    }

    /// Counted like a try to sign in.
    async fn check_current(&self, person: &SignedIn, hash: String, current: &Secret) -> Result<(), Error<PasswordRefused>> {
        let (tenant, typed, from) = (person.tenant_id().clone(), Some(person.user_id().clone()), person.visit().from);
        let guess = Guess { tenant, typed, from, now: self.now() };
        let _slot = self.password_slot().await?;
        let before = guess.clone();
        let wait = self.change(move |db| async move { guesses::wait(db, Guessed::Password, &before.guesser(), before.now).await }.boxed()).await?;
        if let Some(wait) = wait {
            return Err(Error::Refused(PasswordRefused::TooManyTries { wait }));
        }
        if self.password_matches(Some(hash), current).await? {
            return Ok(());
        }
        let record = of(person, Kind::PasswordChangeFailed, guess.now);
        let failed = self.change(move |db| {
            async move {
                guesses::count(db, Guessed::Password, &guess.guesser(), guess.now).await?;
                activity::insert(db, &record).await
            }
            .boxed()
        });
        failed.await?;
        Err(Error::Refused(PasswordRefused::Wrong))
    }
}

async fn change(db: &mut Connection, person: SignedIn, hash: String, now: Timestamp) -> Result<(), Error<PasswordRefused>> {
    let (tenant, user) = (person.tenant_id(), person.user_id());
    if !still_signed_in(db, &person, now).await? {
        return Err(Error::Refused(PasswordRefused::SignedOut));
    }
    people::set_password(db, tenant, user, &hash).await?;
    browser_sessions::delete_others(db, tenant, user, Some(person.visit().session_id())).await?;
    activity::insert(db, &of(&person, Kind::PasswordChanged, now)).await?;
    Ok(())
}

fn of(person: &SignedIn, kind: Kind, now: Timestamp) -> Activity {
    Activity::new(person.tenant_id().clone(), kind, now).of(person.user_id()).from(person.visit().from)
}

/// What a guess at this person's password would try first.
fn about(person: &SignedIn, public_url: &str) -> Vec<String> {
    let words = [person.user_id().as_str(), person.display_name(), person.tenant_id().as_str(), person.tenant_name(), public_url, "Trust Manager"];
    let parts = words.iter().flat_map(|words| words.split(|c: char| !c.is_alphanumeric())).filter(|part| part.chars().count() > 2);
    let mut about: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    about.extend(parts.map(str::to_owned));
    about
}

/// The user name comes first in `about`.
fn judge(password: &Secret, about: &[String]) -> Result<(), NewPasswordRefused> {
    let password = normalized(password);
    let password = password.reveal();
    if password.chars().count() < FEWEST_CHARACTERS {
        return Err(NewPasswordRefused::TooShort);
    }
    if password.len() > LONGEST_PASSWORD {
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
        let judge = |password: &str| judge(&Secret::given(password), &about);
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
