//! Second factors kept here: setting them up, showing them, and taking them away.

mod app;
mod passkeys;

use std::net::IpAddr;
use std::time::Duration;

use futures_util::FutureExt;
use serde::{Deserialize, Serialize};

use super::browser_sessions::{StoredSession, still_signed_in};
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
use crate::domain::readable::{self, NameRefused};
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
    /// Among the sessions it has a row of its own, which opens nothing: what ends all of a person's sessions ends this too.
    pub id: SessionId,
    pub tenant_id: TenantId,
    pub user_id: UserId,
    shown: Shown,
    #[serde(default)]
    pub through: Option<Through>,
    pub since: Timestamp,
}

impl HalfSignedIn {
    pub fn is_of(&self, tenant_id: &TenantId, user_id: &UserId) -> bool {
        (&self.tenant_id, &self.user_id) == (tenant_id, user_id)
    }

    /// Whether it has taken too long.
    pub fn is_late(&self, now: Timestamp) -> bool {
        now.since(self.since) >= LONGEST_SHOWING
    }
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
    /// What they typed is neither a code of an app nor one for recovery.
    NoCode,
    /// They have no app.
    NoApp,
    /// Not the app's code, or one that has counted before.
    WrongCode,
    /// None of their recovery codes, or one that has been used.
    WrongRecoveryCode,
    /// The passkey is none of theirs, did not verify them, or what it signed cannot be trusted.
    WrongPasskey,
    /// What the passkey answers was not asked in this session, was answered before, or too long ago.
    NotAsked,
    /// Too many wrong codes of an app.
    TooManyCodes {
        wait: Duration,
    },
    TooManyRecoveryCodes {
        wait: Duration,
    },
    TooLate,
    /// The session has been ended meanwhile, or there is no half sign-in to show it for.
    Ended,
}

impl NotShown {
    /// Until one may try again.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::TooManyCodes { wait } | Self::TooManyRecoveryCodes { wait } => Some(*wait),
            _ => None,
        }
    }
}

/// Why a second factor is not set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotSetUp {
    /// The code is not the app's.
    WrongCode,
    /// There is an app already.
    AppExists,
    /// This passkey is set up already.
    PasskeyExists,
    /// There are as many as one may have.
    TooMany,
    /// What the browser sent is nothing of a passkey.
    Unusable,
    /// The session has been ended meanwhile.
    SignedOut,
}

/// Why a passkey keeps its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotRenamed {
    /// It is not there, or not theirs; or the session has been ended meanwhile.
    Gone,
    /// The new one cannot be a name.
    Name(NameRefused),
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
    pub async fn half_signed_in(&self, identity: &Identity, from: Option<IpAddr>, agent: &str) -> Result<Option<HalfSignedIn>, Fault> {
        let (tenant_id, user_id, shown) = (identity.tenant_id.clone(), identity.user_id.clone(), identity.shown);
        if shown.second_at.is_some() || !second_factors::has_any(self.storage().reader(), &tenant_id, &user_id).await? {
            return Ok(None);
        }
        let id = self.new_session()?;
        let half = HalfSignedIn { id, tenant_id, user_id, shown, through: identity.through.clone(), since: self.now() };
        self.create_session(self.row_of(&half, from, agent)).await?;
        Ok(Some(half))
    }

    /// No cookie leads to it, and it holds nothing.
    fn row_of(&self, half: &HalfSignedIn, from: Option<IpAddr>, agent: &str) -> StoredSession {
        let through = half.through.clone();
        StoredSession {
            id_hash: self.keys().hash("half a sign-in", half.id.as_str()),
            public_id: half.id.to_string(),
            sealed: Vec::new(),
            tenant_id: Some(half.tenant_id.to_string()),
            user_id: Some(half.user_id.to_string()),
            signed_in_at: None,
            last_seen_at: half.since.as_millis(),
            from_address: from.map(|from| from.to_string()),
            agent: agent.to_owned(),
            expires_at: (half.since + LONGEST_SHOWING).as_millis(),
            idp_issuer: through.as_ref().map(|through| through.issuer.clone()),
            idp_subject: through.as_ref().map(|through| through.subject.clone()),
            idp_sid: through.and_then(|through| through.sid),
        }
    }

    /// Whether the other half can still be shown.
    pub async fn is_open(&self, half: &HalfSignedIn) -> Result<bool, Fault> {
        let live = browser_sessions::is_live(self.storage().reader(), &half.tenant_id, &half.user_id, &half.id, self.now()).await?;
        Ok(live && !half.is_late(self.now()))
    }

    /// The other half of a sign-in.
    pub async fn finish_sign_in(&self, half: &HalfSignedIn, proof: Proof<'_>, from: Option<IpAddr>) -> Result<Identity, Error<NotShown>> {
        if half.is_late(self.now()) {
            return Err(Error::Refused(NotShown::TooLate));
        }
        let identity = self.show(&half.tenant_id, &half.user_id, half.shown, proof, Where::Half { id: half.id.clone(), from }).await?;
        Ok(Identity { through: half.through.clone(), ..identity })
    }

    /// Shown once more by somebody who is signed in, before something that is hard to take back.
    pub async fn step_up(&self, person: &SignedIn, proof: Proof<'_>) -> Result<Identity, Error<NotShown>> {
        self.show(person.tenant_id(), person.user_id(), person.shown, proof, Where::In(person.visit().clone())).await
    }

    /// Takes one away.
    pub async fn remove_second_factor(&self, person: &FreshlySignedIn, factor: Factor) -> Result<bool, Fault> {
        let (person, now) = (SignedIn::clone(person), self.now());
        self.change(move |db| remove(db, person, factor, now).boxed()).await
    }

    /// Gives a passkey another name.
    pub async fn rename_passkey(&self, person: &FreshlySignedIn, number: i64, name: &str) -> Result<(), Error<NotRenamed>> {
        let name = readable::name(name).map_err(|why| Error::Refused(NotRenamed::Name(why)))?;
        let (person, now) = (SignedIn::clone(person), self.now());
        self.attempt(move |db| {
            async move {
                let (tenant, user) = (person.tenant_id(), person.user_id());
                let renamed = still_signed_in(db, &person, now).await? && second_factors::rename_passkey(db, tenant, user, number, &name).await?;
                if !renamed {
                    return Err(Error::Refused(NotRenamed::Gone));
                }
                activity::insert(db, &of(&person, Kind::SecondFactorRenamed, now).subject(of_passkey(&name))).await?;
                Ok(())
            }
            .boxed()
        })
        .await
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

    async fn show(&self, tenant_id: &TenantId, user_id: &UserId, shown: Shown, proof: Proof<'_>, place: Where) -> Result<Identity, Error<NotShown>> {
        let tenant = self.enabled_tenant(tenant_id).await?.ok_or(Error::Refused(NotShown::Ended))?;
        let offered = match proof {
            Proof::Code(typed) => self.judge_code(tenant_id, user_id, typed).await?,
            Proof::Passkey { asked, answer } => self.judge_passkey(tenant_id, user_id, asked, answer).await?,
        };
        let now = self.now();
        let showing =
            Showing { tenant_id: tenant_id.clone(), user_id: user_id.clone(), offered, mfa_until: now + tenant.policy.mfa_lifetime, place, now };
        // Not an attempt that is undone: what failed has to be counted.
        self.change(move |db| showing.show(db).boxed()).await?.map_err(Error::Refused)?;
        Ok(Identity { tenant_id: tenant_id.clone(), user_id: user_id.clone(), shown: Shown { at: shown.at, second_at: Some(now) }, through: None })
    }

    async fn judge_code(&self, tenant_id: &TenantId, user_id: &UserId, typed: &str) -> Result<Offered, Fault> {
        match TypedCode::parse(typed) {
            Some(TypedCode::App(code)) => {
                let Some(app) = second_factors::find_totp(self.storage().reader(), tenant_id, user_id).await? else {
                    return Ok(Offered::Nothing(NotShown::NoApp));
                };
                let step = self.matching_step(tenant_id, user_id, &app.secret_sealed, &code)?;
                Ok(step.map_or(Offered::Nothing(NotShown::WrongCode), Offered::Step))
            }
            Some(TypedCode::Recovery(code)) => Ok(Offered::Recovery(self.recovery_hash(&code))),
            None => Ok(Offered::Nothing(NotShown::NoCode)),
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
    let (inserted, name, exists) = match new {
        NewFactor::App { secret_sealed, step } => {
            (second_factors::insert_totp(db, tenant, user, &secret_sealed, step, now).await?, APP.into(), NotSetUp::AppExists)
        }
        NewFactor::Passkey { credential_id, passkey, name } => {
            if second_factors::passkeys(&mut *db, tenant, user).await?.len() >= MOST_PASSKEYS {
                return Err(Error::Refused(NotSetUp::TooMany));
            }
            let inserted = second_factors::insert_passkey(db, tenant, user, &credential_id, &passkey, &name, now).await?;
            (inserted, of_passkey(&name), NotSetUp::PasskeyExists)
        }
    };
    if !inserted {
        return Err(Error::Refused(exists));
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
    /// Nothing that could be right, and why.
    Nothing(NotShown),
}

/// What a second factor is shown in.
enum Where {
    /// Half a sign-in, which it finishes.
    Half { id: SessionId, from: Option<IpAddr> },
    /// A session.
    In(Visit),
}

impl Where {
    fn session(&self) -> &SessionId {
        match self {
            Self::Half { id, .. } => id,
            Self::In(visit) => visit.session_id(),
        }
    }

    fn from(&self) -> Option<IpAddr> {
        match self {
            Self::Half { from, .. } => *from,
            Self::In(visit) => visit.from,
        }
    }
}

struct Showing {
    tenant_id: TenantId,
    user_id: UserId,
    offered: Offered,
    mfa_until: Timestamp,
    place: Where,
    now: Timestamp,
}

impl Showing {
    async fn show(self, db: &mut Connection) -> Result<Result<(), NotShown>, storage::Fault> {
        let (tenant, user, now) = (&self.tenant_id, &self.user_id, self.now);
        let enabled = people::find(&mut *db, tenant, user).await?.is_some_and(|person| person.enabled);
        if !enabled || !browser_sessions::is_live(&mut *db, tenant, user, self.place.session(), now).await? {
            return Ok(Err(NotShown::Ended));
        }
        let guesser = Guesser { tenant: Some(tenant), person: Some(user), session: None, address: self.place.from() };
        let wrong = match &self.offered {
            Offered::Recovery(_) => NotShown::WrongRecoveryCode,
            Offered::Step(_) => NotShown::WrongCode,
            Offered::Passkey { .. } => NotShown::NotAsked,
            Offered::Nothing(why) => why.clone(),
        };
        // Whoever is kept waiting by guesses at the app's six digits, their own or a stranger's, may still show something else.
        let guessed = match wrong {
            NotShown::WrongRecoveryCode => Guessed::RecoveryCode,
            NotShown::WrongPasskey | NotShown::NotAsked => Guessed::Passkey,
            _ => Guessed::SecondFactor,
        };
        let right_passkey = matches!(self.offered, Offered::Passkey { .. });
        if let Some(wait) = guesses::wait(db, guessed, &guesser, now).await?.filter(|_| !right_passkey) {
            return Ok(Err(match guessed {
                Guessed::RecoveryCode => NotShown::TooManyRecoveryCodes { wait },
                // What a passkey signs cannot be guessed; it is only not written down any more.
                Guessed::Passkey => wrong,
                _ => NotShown::TooManyCodes { wait },
            }));
        }
        let good = match &self.offered {
            Offered::Step(step) => second_factors::spend_step(db, tenant, user, *step, now).await?,
            Offered::Recovery(hash) => second_factors::spend_recovery_code(db, tenant, user, hash).await?,
            Offered::Passkey { number, passkey, asked } => second_factors::use_passkey(db, tenant, user, *number, passkey, asked, now).await?,
            Offered::Nothing(_) => false,
        };
        if !good {
            guesses::count(db, guessed, &guesser, now).await?;
            activity::insert(db, &self.record(Kind::SecondFactorFailed)).await?;
            return Ok(Err(wrong));
        }
        if matches!(self.offered, Offered::Recovery(_)) {
            activity::insert(db, &self.record(Kind::RecoveryCodeUsed)).await?;
        }
        if user_mfa::extend(db, tenant, user, self.mfa_until, now).await? {
            activity::insert(db, &self.record(Kind::MfaOpened)).await?;
        }
        if let Where::Half { id, .. } = &self.place {
            browser_sessions::delete_of_person(db, tenant, user, id).await?;
            activity::insert(db, &self.record(Kind::SignedIn)).await?;
        }
        Ok(Ok(()))
    }

    fn record(&self, kind: Kind) -> Activity {
        Activity::new(self.tenant_id.clone(), kind, self.now).of(&self.user_id).from(self.place.from())
    }
}
