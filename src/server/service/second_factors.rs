//! Second factors kept here: setting them up, showing them, and taking them away.

mod app;
mod passkeys;

use std::net::IpAddr;
use std::time::Duration;

use futures_util::FutureExt;
use serde::{Deserialize, Serialize};

use super::browser_sessions::still_signed_in;
use super::entropy::Secret;
use super::people::Identity;
use super::proofs::{FreshlySignedIn, SignedIn, TenantAdmin, Visit};
use super::storage::{self, Connection, activity, browser_sessions, people, second_factors, user_mfa};
use super::{Error, Fault, Services, guesses};
pub use app::AppSetUp;
pub(super) use app::place;
pub use passkeys::{PasskeyAsked, Passkeys};

use crate::domain::activity::{Activity, Kind};
use crate::domain::attempts::{Guessed, Guesser};
use crate::domain::ids::{SessionId, TenantId, UserId};
use crate::domain::provider::Through;
use crate::domain::second_factor::{Factor, MOST_PASSKEYS, RECOVERY_CODES, SecondFactors, TypedCode, recovery_code};
use crate::domain::step_up::Shown;
use crate::domain::time::Timestamp;

const RECOVERY: &str = "recovery code";

/// How long somebody may take for it: to look for a telephone.
pub const LONGEST_SHOWING: Duration = Duration::from_secs(15 * 60);

/// Somebody who has shown the first factor, and is not signed in before they have shown the second. Kept in their session, which is
/// sealed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HalfSignedIn {
    pub tenant_id: TenantId,
    pub user_id: UserId,
    shown: Shown,
    #[serde(default)]
    pub through: Option<Through>,
    since: Timestamp,
}

/// What somebody shows.
pub enum Proof<'a> {
    /// What they typed: a code of their app, or one for recovery.
    Code(&'a str),
    /// What their browser made of a passkey, and what was asked.
    Passkey { asked: &'a str, answer: &'a str },
}

/// Why what somebody showed is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotShown {
    Wrong,
    TooManyTries {
        wait: Duration,
    },
    /// It took too long, the session has been ended meanwhile, or there is nobody to show it for.
    TooLate,
}

/// Why a second factor is not set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotSetUp {
    /// The code is not the app's.
    WrongCode,
    /// There is an app already, or this passkey is somebody's.
    Exists,
    /// There are as many as one may have.
    TooMany,
    /// What the browser sent is nothing of a passkey.
    Unusable,
    /// The session has been ended meanwhile.
    SignedOut,
}

/// What came of setting one up.
pub struct SetUp {
    pub identity: Identity,
    /// With the first second factor: codes for the day it is lost, shown once.
    pub recovery_codes: Option<Secret>,
}

impl Services {
    pub async fn list_second_factors(&self, person: &SignedIn) -> Result<SecondFactors, Fault> {
        self.second_factors_of(person.tenant_id(), person.user_id()).await
    }

    /// The same of somebody who is only half signed in.
    pub async fn second_factors_of(&self, tenant_id: &TenantId, user_id: &UserId) -> Result<SecondFactors, Fault> {
        Ok(second_factors::of_person(self.storage().reader(), tenant_id, user_id).await?)
    }

    /// Somebody who has shown their first factor, if they have to show a second one as well.
    pub async fn half_signed_in(&self, identity: &Identity) -> Result<Option<HalfSignedIn>, Fault> {
        let (tenant_id, user_id, shown) = (identity.tenant_id.clone(), identity.user_id.clone(), identity.shown);
        let needed = shown.second_at.is_none() && second_factors::has_any(self.storage().reader(), &tenant_id, &user_id).await?;
        Ok(needed.then(|| HalfSignedIn { tenant_id, user_id, shown, through: identity.through.clone(), since: self.now() }))
    }

    /// The other half of a sign-in.
    pub async fn finish_sign_in(&self, half: &HalfSignedIn, proof: Proof<'_>, visit: &Visit) -> Result<Identity, Error<NotShown>> {
        if self.now().since(half.since) >= LONGEST_SHOWING {
            return Err(Error::Refused(NotShown::TooLate));
        }
        let identity = self.show(&half.tenant_id, &half.user_id, half.shown, proof, visit, Some(Kind::SignedIn)).await?;
        Ok(Identity { through: half.through.clone(), ..identity })
    }

    /// Shown once more by somebody who is signed in, before something that is hard to take back.
    pub async fn step_up(&self, person: &SignedIn, proof: Proof<'_>) -> Result<Identity, Error<NotShown>> {
        self.show(person.tenant_id(), person.user_id(), person.shown, proof, person.visit(), None).await
    }

    /// Takes one away.
    pub async fn remove_second_factor(&self, person: &FreshlySignedIn, factor: Factor) -> Result<bool, Fault> {
        let (person, now) = (SignedIn::clone(person), self.now());
        self.change(move |db| remove(db, person, factor, now).boxed()).await
    }

    /// New recovery codes, in place of those there are.
    pub async fn renew_recovery_codes(&self, person: &FreshlySignedIn) -> Result<Option<Secret>, Fault> {
        let (codes, hashes) = self.recovery_codes();
        let (person, now) = (SignedIn::clone(person), self.now());
        let made = self
            .change(move |db| {
                async move {
                    let (tenant, user) = (person.tenant_id(), person.user_id());
                    if !still_signed_in(db, &person, now).await? || !second_factors::has_any(&mut *db, tenant, user).await? {
                        return Ok(false);
                    }
                    second_factors::replace_recovery_codes(db, tenant, user, &hashes).await?;
                    activity::insert(db, &of(&person, Kind::RecoveryCodesMade, now)).await?;
                    Ok(true)
                }
                .boxed()
            })
            .await?;
        Ok(made.then_some(codes))
    }

    /// For somebody who has lost all of them, and is known to the administrator by other means. Ends their sessions. False when they
    /// had none.
    pub async fn forget_second_factors(&self, admin: &TenantAdmin, user_id: &UserId) -> Result<bool, Fault> {
        let (tenant, user, now) = (admin.tenant_id().clone(), user_id.clone(), self.now());
        let record = Activity::new(tenant.clone(), Kind::SecondFactorRemoved, now).of(user_id).admin(Some(admin.admin_id())).from(admin.from());
        let admins_own = admin.session.clone();
        self.recorded(record, move |db| {
            async move {
                let any = second_factors::delete_all(&mut *db, &tenant, &user).await? > 0;
                if any {
                    // Whoever has got hold of what is lost may be in by it.
                    browser_sessions::delete_others(db, &tenant, &user, admins_own.as_ref()).await?;
                }
                Ok(any)
            }
            .boxed()
        })
        .await
    }

    async fn show(
        &self,
        tenant_id: &TenantId,
        user_id: &UserId,
        shown: Shown,
        proof: Proof<'_>,
        visit: &Visit,
        record: Option<Kind>,
    ) -> Result<Identity, Error<NotShown>> {
        let tenant = self.enabled_tenant(tenant_id).await?.ok_or(Error::Refused(NotShown::TooLate))?;
        let offered = match proof {
            Proof::Code(typed) => self.judge_code(tenant_id, user_id, typed).await?,
            Proof::Passkey { asked, answer } => self.judge_passkey(tenant_id, user_id, asked, answer).await?,
        };
        let now = self.now();
        let showing = Showing {
            tenant_id: tenant_id.clone(),
            user_id: user_id.clone(),
            offered,
            mfa_until: now + tenant.policy.mfa_lifetime,
            session: visit.session_id().clone(),
            from: visit.from,
            record,
            now,
        };
        // Not an attempt that is undone: what failed has to be counted.
        self.change(move |db| showing.show(db).boxed()).await?.map_err(Error::Refused)?;
        Ok(Identity { tenant_id: tenant_id.clone(), user_id: user_id.clone(), shown: Shown { at: shown.at, second_at: Some(now) }, through: None })
    }

    async fn judge_code(&self, tenant_id: &TenantId, user_id: &UserId, typed: &str) -> Result<Offered, Fault> {
        match TypedCode::parse(typed) {
            Some(TypedCode::App(code)) => {
                let app = second_factors::find_totp(self.storage().reader(), tenant_id, user_id).await?;
                let step = app.map(|app| self.matching_step(tenant_id, user_id, &app.secret_sealed, &code)).transpose()?.flatten();
                Ok(step.map_or(Offered::Nothing, Offered::Step))
            }
            Some(TypedCode::Recovery(code)) => Ok(Offered::Recovery(self.recovery_hash(&code))),
            None => Ok(Offered::Nothing),
        }
    }

    fn recovery_hash(&self, letters: &str) -> Vec<u8> {
        self.keys().hash(RECOVERY, letters)
    }

    /// The codes, one a line, and what is kept of them.
    fn recovery_codes(&self) -> (Secret, Vec<Vec<u8>>) {
        let codes: Vec<String> = (0..RECOVERY_CODES)
            .map(|_| {
                let mut random = [0; 12];
                self.entropy().fill(&mut random);
                recovery_code(random)
            })
            .collect();
        let hashes = codes.iter().map(|code| self.recovery_hash(&code.replace('-', ""))).collect();
        (Secret::given(codes.join("\n")), hashes)
    }

    /// Stores a new one; what proves it proves the person as well.
    async fn set_up_second_factor(&self, person: &FreshlySignedIn, new: NewFactor) -> Result<SetUp, Error<NotSetUp>> {
        let (codes, hashes) = self.recovery_codes();
        let (person, now) = (SignedIn::clone(person), self.now());
        let shown = Shown { at: person.shown.at, second_at: Some(now) };
        let identity = Identity { tenant_id: person.tenant_id().clone(), user_id: person.user_id().clone(), shown, through: None };
        let first = self.attempt(move |db| set_up(db, person, new, hashes, now).boxed()).await?;
        Ok(SetUp { identity, recovery_codes: first.then_some(codes) })
    }
}

/// What is stored of a new one.
enum NewFactor {
    App { secret_sealed: Vec<u8>, step: i64 },
    Passkey { credential_id: Vec<u8>, passkey: String, name: String },
}

/// True when it is the person's first.
async fn set_up(
    db: &mut Connection,
    person: SignedIn,
    new: NewFactor,
    recovery_hashes: Vec<Vec<u8>>,
    now: Timestamp,
) -> Result<bool, Error<NotSetUp>> {
    let (tenant, user) = (person.tenant_id(), person.user_id());
    if !still_signed_in(db, &person, now).await? {
        return Err(Error::Refused(NotSetUp::SignedOut));
    }
    let first = !second_factors::has_any(&mut *db, tenant, user).await?;
    let (inserted, name) = match new {
        NewFactor::App { secret_sealed, step } => (second_factors::insert_totp(db, tenant, user, &secret_sealed, step, now).await?, APP.into()),
        NewFactor::Passkey { credential_id, passkey, name } => {
            if second_factors::passkeys(&mut *db, tenant, user).await?.len() >= MOST_PASSKEYS {
                return Err(Error::Refused(NotSetUp::TooMany));
            }
            (second_factors::insert_passkey(db, tenant, user, &credential_id, &passkey, &name, now).await?, of_passkey(&name))
        }
    };
    if !inserted {
        return Err(Error::Refused(NotSetUp::Exists));
    }
    if first {
        second_factors::replace_recovery_codes(db, tenant, user, &recovery_hashes).await?;
    }
    activity::insert(db, &of(&person, Kind::SecondFactorAdded, now).subject(name)).await?;
    if user_mfa::extend(db, tenant, user, now + person.tenant().policy.mfa_lifetime, now).await? {
        activity::insert(db, &of(&person, Kind::MfaOpened, now)).await?;
    }
    Ok(first)
}

async fn remove(db: &mut Connection, person: SignedIn, factor: Factor, now: Timestamp) -> Result<bool, storage::Fault> {
    let (tenant, user) = (person.tenant_id(), person.user_id());
    if !still_signed_in(db, &person, now).await? {
        return Ok(false);
    }
    let removed = match factor {
        Factor::App => second_factors::delete_totp(&mut *db, tenant, user).await?.then(|| APP.into()),
        Factor::Passkey(number) => second_factors::delete_passkey(&mut *db, tenant, user, number).await?.map(|name| of_passkey(&name)),
    };
    let Some(name) = removed else { return Ok(false) };
    if !second_factors::has_any(&mut *db, tenant, user).await? {
        second_factors::delete_recovery_codes(db, tenant, user).await?;
    }
    activity::insert(db, &of(&person, Kind::SecondFactorRemoved, now).subject(name)).await?;
    Ok(true)
}

/// In the record.
const APP: &str = "authenticator app";

fn of_passkey(name: &str) -> String {
    format!("passkey {name}").trim_end().to_owned()
}

fn of(person: &SignedIn, kind: Kind, now: Timestamp) -> Activity {
    Activity::new(person.tenant_id().clone(), kind, now).of(person.user_id()).from(person.visit().from)
}

/// What was offered, as far as it could be judged without the writer.
enum Offered {
    /// The right code for this time step.
    Step(i64),
    /// A recovery code, if it is one of theirs.
    Recovery(Vec<u8>),
    /// A passkey's right answer, and what to keep of it.
    Passkey {
        number: i64,
        passkey: String,
        /// A hash of what was asked: it is answered once.
        asked: Vec<u8>,
    },
    Nothing,
}

struct Showing {
    tenant_id: TenantId,
    user_id: UserId,
    offered: Offered,
    mfa_until: Timestamp,
    session: SessionId,
    from: Option<IpAddr>,
    /// What to write down, beside that the window was opened.
    record: Option<Kind>,
    now: Timestamp,
}

impl Showing {
    async fn show(self, db: &mut Connection) -> Result<Result<(), NotShown>, storage::Fault> {
        let (tenant, user, now) = (&self.tenant_id, &self.user_id, self.now);
        let enabled = people::find(&mut *db, tenant, user).await?.is_some_and(|person| person.enabled);
        if !enabled || !browser_sessions::is_live(db, tenant, user, &self.session, now).await? {
            return Ok(Err(NotShown::TooLate));
        }
        let guesser = Guesser { tenant: Some(tenant), person: Some(user), session: None, address: self.from };
        // Whoever is kept waiting by guesses at the app's six digits, their own or a stranger's, may still show something else.
        let guessed = match self.offered {
            Offered::Recovery(_) => Guessed::RecoveryCode,
            Offered::Step(_) | Offered::Nothing | Offered::Passkey { .. } => Guessed::SecondFactor,
        };
        // Nobody guesses what a passkey signs.
        let by_passkey = matches!(self.offered, Offered::Passkey { .. });
        if let Some(wait) = guesses::wait(db, guessed, &guesser, now).await?.filter(|_| !by_passkey) {
            return Ok(Err(NotShown::TooManyTries { wait }));
        }
        let good = match &self.offered {
            Offered::Step(step) => second_factors::spend_step(db, tenant, user, *step, now).await?,
            Offered::Recovery(hash) => second_factors::spend_recovery_code(db, tenant, user, hash).await?,
            Offered::Passkey { number, passkey, asked } => second_factors::use_passkey(db, tenant, user, *number, passkey, asked, now).await?,
            Offered::Nothing => false,
        };
        if !good {
            guesses::count(db, guessed, &guesser, now).await?;
            activity::insert(db, &self.record(Kind::SecondFactorFailed)).await?;
            return Ok(Err(NotShown::Wrong));
        }
        if matches!(self.offered, Offered::Recovery(_)) {
            activity::insert(db, &self.record(Kind::RecoveryCodeUsed)).await?;
        }
        if user_mfa::extend(db, tenant, user, self.mfa_until, now).await? {
            activity::insert(db, &self.record(Kind::MfaOpened)).await?;
        }
        if let Some(kind) = self.record {
            activity::insert(db, &self.record(kind)).await?;
        }
        Ok(Ok(()))
    }

    fn record(&self, kind: Kind) -> Activity {
        Activity::new(self.tenant_id.clone(), kind, self.now).of(&self.user_id).from(self.from)
    }
}
