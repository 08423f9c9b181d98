//! What a browser session holds, each thing under a name written once.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tower_sessions::Session;

use crate::domain::form::{self, Draft};
use crate::domain::ids::{CodeEntryId, SessionId, TenantId, UserId};
use crate::domain::paths::Onward;
use crate::domain::provider::{Through, Vouched};
use crate::domain::sentence::{NamedTime, Sentence};
use crate::domain::step_up::Shown;
use crate::domain::time::Timestamp;
use crate::server::service::entropy::Secret;
use crate::server::service::identities::Trip;
use crate::server::service::people::Identity;
use crate::server::service::proofs::Visit;
use crate::server::service::resources::Offer;
use crate::server::service::second_factors::{HalfSignedIn, LONGEST_SHOWING};
use crate::server::service::{Fault, Services};

pub(super) const VISITOR: &str = "visitor";
pub(super) const SIGNED_IN: &str = "signed_in";
const TYPED_CODES: &str = "typed_codes";
const NOTICES: &str = "notices";
const CHOSEN_TENANT: &str = "chosen_tenant";
pub(super) const THROUGH: &str = "through";
const SIGNED_OUT: &str = "signed_out";
const DRAFTS: &str = "drafts";
/// Tabs in which codes were typed that wait for the sign-in.
const TYPED_AT_ONCE: usize = 8;

/// As long as any session lasts.
const SESSION: Duration = Duration::from_secs(12 * 60 * 60);
const HALF_SIGN_INS: Slot = Slot { name: "half_sign_ins", lasts: SESSION };
const TRIPS: Slot = Slot { name: "trips_away", lasts: SESSION };
const INVITATIONS: Slot = Slot { name: "invitations", lasts: SESSION };
const LINKINGS: Slot = Slot { name: "linkings", lasts: LONGEST_SHOWING };
const OFFERS: Slot = Slot { name: "offers", lasts: LONGEST_SHOWING };
const APPS_SET_UP: Slot = Slot { name: "apps_set_up", lasts: LONGEST_SHOWING };
const PASSKEYS_SET_UP: Slot = Slot { name: "passkeys_set_up", lasts: LONGEST_SHOWING };
const PASSKEYS_ASKED: Slot = Slot { name: "passkeys_asked", lasts: LONGEST_SHOWING };
const RECOVERY_CODES: Slot = Slot { name: "recovery_codes", lasts: LONGEST_SHOWING };
/// Of each kind; the oldest makes way.
const AT_ONCE: usize = 8;

/// What several tabs do at the same time, each under an id that stands in its address and forms.
struct Slot {
    name: &'static str,
    lasts: Duration,
}

/// What one tab does.
#[derive(Clone, Serialize, Deserialize)]
struct Kept<T> {
    id: String,
    since: Timestamp,
    what: T,
}

/// The browser itself, before and after sign-in alike. Made when there is first something to remember.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Visitor {
    /// Survives the renewal of the cookie at sign-in.
    pub session_id: SessionId,
    pub from: Option<IpAddr>,
    pub agent: String,
}

/// Who signed in, and when.
#[derive(Clone, Serialize, Deserialize)]
pub struct WhoSignedIn {
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub at: Timestamp,
    /// When they proved it: at an institution that may be earlier.
    pub proved_at: Timestamp,
    /// When they showed a second factor.
    #[serde(default)]
    pub second_at: Option<Timestamp>,
}

impl WhoSignedIn {
    fn is(&self, tenant_id: &TenantId, user_id: &UserId) -> bool {
        (&self.tenant_id, &self.user_id) == (tenant_id, user_id)
    }

    pub fn shown(&self) -> Shown {
        Shown { at: self.proved_at, second_at: self.second_at }
    }
}

/// Somebody has signed out here, and may be signed in still at an institution.
#[derive(Clone, Serialize, Deserialize)]
pub struct SignedOutHere {
    /// What people call it.
    pub institution: String,
    /// Where they sign out there; until they have set out.
    pub address: Option<String>,
    /// What comes back if they do.
    pub state: String,
}

/// What kind of second factor is being set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingUp {
    App,
    Passkey,
}

impl SettingUp {
    fn slot(self) -> &'static Slot {
        match self {
            Self::App => &APPS_SET_UP,
            Self::Passkey => &PASSKEYS_SET_UP,
        }
    }
}

/// A second factor that is being set up.
#[derive(Clone)]
pub struct Ceremony {
    pub id: String,
    /// When it was begun, by a person who had just signed in.
    pub since: Timestamp,
    /// The secret that an app was told, or what was asked for a new passkey.
    pub state: String,
}

/// A sign-in on its way to an institution, or back from it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Away {
    pub trip: Trip,
    pub then: Onward,
    /// The invitation they set out with, by its id.
    #[serde(default)]
    pub invitation: String,
    /// They have been back.
    #[serde(default)]
    pub spent: bool,
}

/// An invitation that was typed before sign-in.
#[derive(Clone, Serialize, Deserialize)]
struct TypedInvitation {
    tenant: Option<TenantId>,
    code: String,
}

/// A code that was typed before sign-in, or belongs to another tenant: until its person has signed in there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypedCode {
    pub entry: CodeEntryId,
    pub code: String,
}

/// Something the next page has to say, once.
#[derive(Clone, Serialize, Deserialize)]
pub struct Notice {
    /// The form it belongs to.
    pub place: Place,
    /// The id of what one tab does, where it belongs to that alone.
    #[serde(default)]
    pub about: String,
    /// One sentence for the person.
    pub sentence: String,
    /// The time that stands in it.
    #[serde(default)]
    pub time: Option<NamedTime>,
    /// What they typed, so that they can mend it.
    pub typed: String,
    /// Seconds to wait before trying again.
    pub wait: Option<u64>,
    /// A secret that was made just now, and is shown this once.
    #[serde(default)]
    pub secret: Option<String>,
    /// The address of the only page that says it.
    #[serde(default)]
    pub only_at: Option<String>,
    /// The tenant it is about: the one a code belongs to, or the one that somebody tried to sign in to.
    pub tenant: Option<TenantId>,
    /// A provider's own page for people whom it keeps sending the wrong way.
    #[serde(default)]
    pub help: Option<Help>,
}

/// Where a provider helps.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Help {
    pub provider: String,
    pub address: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    EnterCode,
    Consent,
    /// The consent's tick.
    Tick,
    Result,
    Report,
    /// Nothing to say but that the report has been taken.
    Reported,
    SignIn,
    SecondFactor,
    /// The code of a host account.
    LinkCode,
    /// The answer to a host account.
    Link,
    /// Any list: something was done.
    Said,
    /// Any page: something was not done.
    Refused,
}

impl Notice {
    pub fn new(place: Place, sentence: impl ToString) -> Self {
        Self {
            place,
            about: String::new(),
            sentence: sentence.to_string(),
            time: None,
            typed: String::new(),
            wait: None,
            secret: None,
            only_at: None,
            tenant: None,
            help: None,
        }
    }

    /// What was done.
    pub fn said(sentence: impl Into<Sentence>) -> Self {
        let Sentence { text, time } = sentence.into();
        Self { time, ..Self::new(Place::Said, text) }
    }

    /// The sentence with its time.
    pub fn told(&self) -> Sentence {
        Sentence { text: self.sentence.clone(), time: self.time.clone() }
    }

    /// Says it only where that one tab's work is.
    #[must_use]
    pub fn about(mut self, id: &str) -> Self {
        id.clone_into(&mut self.about);
        self
    }

    /// Shows a secret along with it. The session is sealed, and gives it out once.
    #[must_use]
    pub fn secret(mut self, path: &str, secret: &Secret) -> Self {
        self.secret = Some(secret.reveal().to_owned());
        self.only_at(path)
    }

    /// Says it on the page with this address and on no other.
    #[must_use]
    pub fn only_at(mut self, address: &str) -> Self {
        self.only_at = Some(address.to_owned());
        self
    }

    /// Whether it says that something was not done.
    pub fn is_refusal(&self) -> bool {
        !matches!(self.place, Place::Said | Place::Reported)
    }

    /// Keeps what was typed; nobody needs to see more of it again than a line.
    #[must_use]
    pub fn typed(mut self, typed: &str) -> Self {
        self.typed = typed.chars().filter(|c| !c.is_control()).take(100).collect();
        self
    }
}

/// The session of one request, and the notice that this request has left in it.
#[derive(Clone)]
pub struct PortalSession(Session, Arc<Mutex<Option<Notice>>>);

impl PortalSession {
    pub fn new(session: Session) -> Self {
        Self(session, Arc::default())
    }

    /// The browser, if it has been here before.
    pub async fn visit(&self, services: &Services, from: Option<IpAddr>) -> Result<Option<Visit>, Fault> {
        let visitor: Option<Visitor> = self.get(VISITOR).await?;
        Ok(visitor.map(|visitor| services.visit(visitor.session_id, from)))
    }

    /// The browser; remembered from now on.
    pub async fn begin_visit(&self, services: &Services, from: Option<IpAddr>, agent: &str) -> Result<Visit, Fault> {
        if let Some(visit) = self.visit(services, from).await? {
            return Ok(visit);
        }
        let visitor = Visitor { session_id: services.new_session()?, from, agent: agent.chars().filter(|c| !c.is_control()).take(300).collect() };
        self.set(VISITOR, &visitor).await?;
        Ok(services.visit(visitor.session_id, from))
    }

    /// Who signed in, if anybody did.
    pub async fn who(&self) -> Result<Option<WhoSignedIn>, Fault> {
        self.get(SIGNED_IN).await
    }

    /// Forgets all but the browser, the codes that were typed in it, and what is this person's or not anybody's yet.
    async fn forget_others(&self, tenant: &TenantId, user: &UserId) -> Result<(), Fault> {
        let (visitor, typed) = (self.get::<Visitor>(VISITOR).await?, self.typed_codes().await?);
        let account = form::account(tenant.as_str(), user.as_str());
        let mut drafts = self.drafts().await?;
        drafts.retain(|draft| draft.account == account);
        let mut halves: Vec<Kept<(HalfSignedIn, Onward)>> = self.all(&HALF_SIGN_INS).await?;
        halves.retain(|kept| kept.what.0.is_of(tenant, user));
        let mut trips: Vec<Kept<Away>> = self.all(&TRIPS).await?;
        trips.retain(|kept| kept.what.trip.may_be_of(tenant, user));
        self.0.clear().await;
        if !drafts.is_empty() {
            self.set(DRAFTS, &drafts).await?;
        }
        if let Some(visitor) = visitor {
            self.set(VISITOR, &visitor).await?;
        }
        if !typed.is_empty() {
            self.set(TYPED_CODES, &typed).await?;
        }
        self.set_all(&HALF_SIGN_INS, &halves).await?;
        self.set_all(&TRIPS, &trips).await
    }

    /// Signs a person in. The cookie's value is replaced first, so that one planted before sign-in is worth nothing after it;
    /// and what was meant for another person in this browser is forgotten. What this person has begun in other tabs stays.
    pub async fn sign_in(&self, identity: &Identity, now: Timestamp) -> Result<(), Fault> {
        let same = self.who().await?.is_some_and(|who| who.is(identity.tenant_id(), identity.user_id()));
        if !same {
            self.forget_others(identity.tenant_id(), identity.user_id()).await?;
        }
        self.0.cycle_id().await.map_err(Fault::new)?;
        let (tenant_id, user_id) = (identity.tenant_id().clone(), identity.user_id().clone());
        let Shown { at: proved_at, second_at } = identity.shown();
        self.set(SIGNED_IN, &WhoSignedIn { tenant_id, user_id, at: now, proved_at, second_at }).await?;
        // Who shows once more that it is them may do so elsewhere; what the session rests on stays.
        let resting = self.through().await?;
        if let Some(through) = identity.through().filter(|through| !same || resting.is_some_and(|resting| resting.provider == through.provider)) {
            self.set(THROUGH, through).await?;
        }
        Ok(())
    }

    /// Remembers somebody who has shown the first factor, and where they want to go. They are not signed in by that; but whoever else
    /// was is not any more.
    pub async fn add_half_sign_in(&self, half: &HalfSignedIn, then: &Onward, now: Timestamp) -> Result<(), Fault> {
        if self.who().await?.is_some_and(|who| !who.is(&half.tenant_id, &half.user_id)) {
            self.forget_others(&half.tenant_id, &half.user_id).await?;
            self.0.cycle_id().await.map_err(Fault::new)?;
        }
        self.keep(&HALF_SIGN_INS, half.id.as_str(), (half, then), now).await
    }

    /// The half sign-in of a tab; without an id the newest, as for a form of an earlier release.
    pub async fn half_sign_in(&self, id: &str, now: Timestamp) -> Result<Option<(HalfSignedIn, Onward)>, Fault> {
        Ok(self.kept(&HALF_SIGN_INS, id, now).await?.map(|kept| kept.what))
    }

    /// Whether its person has signed in here since it was begun: another tab was faster.
    pub async fn has_finished(&self, half: &HalfSignedIn) -> Result<bool, Fault> {
        Ok(self.who().await?.is_some_and(|who| who.is(&half.tenant_id, &half.user_id) && half.since <= who.at))
    }

    /// What was asked of a passkey, until the browser answers.
    pub async fn add_passkey_asked(&self, id: &str, state: &str, now: Timestamp) -> Result<(), Fault> {
        self.keep(&PASSKEYS_ASKED, id, state, now).await
    }

    /// It can be answered once.
    pub async fn take_passkey_asked(&self, id: &str, now: Timestamp) -> Result<Option<String>, Fault> {
        self.take_kept(&PASSKEYS_ASKED, id, now).await
    }

    /// The secret of an app, or what was asked for a new passkey, until it has been set up; not for long, because who sees the
    /// screen in the meantime knows it as well.
    pub async fn add_ceremony(&self, kind: SettingUp, id: &str, state: &str, now: Timestamp) -> Result<(), Fault> {
        self.keep(kind.slot(), id, state, now).await
    }

    pub async fn ceremony(&self, kind: SettingUp, id: &str, now: Timestamp) -> Result<Option<Ceremony>, Fault> {
        let kept: Option<Kept<String>> = self.kept(kind.slot(), id, now).await?;
        Ok(kept.map(|Kept { id, since, what }| Ceremony { id, since, state: what }))
    }

    /// The newest that was begun since the last sign-in: an older one may have been seen by another person.
    pub async fn newest_ceremony(&self, kind: SettingUp, now: Timestamp) -> Result<Option<Ceremony>, Fault> {
        let signed_in_at = self.who().await?.map(|who| who.at);
        Ok(self.ceremony(kind, "", now).await?.filter(|ceremony| signed_in_at.is_some_and(|at| at < ceremony.since)))
    }

    pub async fn forget_ceremony(&self, kind: SettingUp, id: &str, now: Timestamp) -> Result<(), Fault> {
        self.take_kept::<String>(kind.slot(), id, now).await.map(drop)
    }

    /// Recovery codes that were made just now; this session alone can show them, for as long as it takes to put them away.
    pub async fn add_recovery_codes(&self, id: &str, codes: &Secret, now: Timestamp) -> Result<(), Fault> {
        // Older ones are void.
        self.take::<Vec<Kept<String>>>(RECOVERY_CODES.name).await?;
        self.keep(&RECOVERY_CODES, id, codes.reveal(), now).await
    }

    /// They, and when they were made.
    pub async fn recovery_codes(&self, id: &str, now: Timestamp) -> Result<Option<(Secret, Timestamp)>, Fault> {
        let kept: Option<Kept<String>> = self.kept(&RECOVERY_CODES, id, now).await?.filter(|_| !id.is_empty());
        Ok(kept.map(|kept| (Secret::given(kept.what), kept.since)))
    }

    /// Remembers a sign-in that sets out for an institution.
    pub async fn add_trip(&self, away: &Away, now: Timestamp) -> Result<(), Fault> {
        self.keep(&TRIPS, &away.trip.state, away, now).await
    }

    /// The trip that has this state, which is over now: it is answered once. That it was one is remembered.
    pub async fn take_trip(&self, state: &str, now: Timestamp) -> Result<Option<Away>, Fault> {
        if state.is_empty() {
            return Ok(None);
        }
        let kept: Option<Kept<Away>> = self.kept(&TRIPS, state, now).await?;
        if let Some(kept) = &kept {
            self.keep(&TRIPS, state, &Away { spent: true, ..kept.what.clone() }, kept.since).await?;
        }
        Ok(kept.map(|kept| kept.what))
    }

    /// Who somebody is elsewhere, until they say that it is to be linked.
    pub async fn add_linking(&self, id: &str, vouched: &Vouched, now: Timestamp) -> Result<(), Fault> {
        self.keep(&LINKINGS, id, vouched, now).await
    }

    pub async fn linking(&self, id: &str, now: Timestamp) -> Result<Option<Vouched>, Fault> {
        Ok(self.kept(&LINKINGS, id, now).await?.map(|kept| kept.what))
    }

    pub async fn take_linking(&self, id: &str, now: Timestamp) -> Result<Option<Vouched>, Fault> {
        self.take_kept(&LINKINGS, id, now).await
    }

    /// What a provider says of the person's accounts on its hosts, until they say which are to be linked.
    pub async fn add_offer(&self, id: &str, offer: &Offer, now: Timestamp) -> Result<(), Fault> {
        self.keep(&OFFERS, id, offer, now).await
    }

    pub async fn offer(&self, id: &str, now: Timestamp) -> Result<Option<Offer>, Fault> {
        Ok(self.kept(&OFFERS, id, now).await?.map(|kept| kept.what))
    }

    pub async fn forget_offer(&self, id: &str, now: Timestamp) -> Result<(), Fault> {
        self.take_kept::<Offer>(&OFFERS, id, now).await.map(drop)
    }

    /// An invitation that was typed before sign-in: the tab's own, or the newest for that tenant.
    pub async fn invitation(&self, id: &str, tenant: Option<&TenantId>) -> Result<Option<(String, String)>, Fault> {
        let all: Vec<Kept<TypedInvitation>> = self.all(&INVITATIONS).await?;
        let own = all.iter().find(|kept| kept.id == id);
        let found = own.or_else(|| all.iter().find(|kept| kept.what.tenant.as_ref() == tenant && tenant.is_some()));
        Ok(found.map(|kept| (kept.id.clone(), kept.what.code.clone())))
    }

    pub async fn add_invitation(&self, id: &str, tenant: Option<TenantId>, code: &str, now: Timestamp) -> Result<(), Fault> {
        self.keep(&INVITATIONS, id, TypedInvitation { tenant, code: code.to_owned() }, now).await
    }

    /// Forgets that one; without an id, all for that tenant.
    pub async fn forget_invitations(&self, id: &str, tenant: Option<&TenantId>) -> Result<(), Fault> {
        let mut all: Vec<Kept<TypedInvitation>> = self.all(&INVITATIONS).await?;
        all.retain(|kept| if id.is_empty() { kept.what.tenant.as_ref() != tenant } else { kept.id != id });
        self.set_all(&INVITATIONS, &all).await
    }

    /// Gives the cookie another value: after a change of what its person signs in with.
    pub async fn renew(&self) -> Result<(), Fault> {
        self.0.cycle_id().await.map_err(Fault::new)
    }

    /// Whether it is saved under another id than the browser's cookie has: it was renewed, or is new.
    pub fn will_be_renewed(&self) -> bool {
        self.0.id().is_none()
    }

    /// Ends the session, here and in the database.
    pub async fn end(&self) -> Result<(), Fault> {
        self.0.flush().await.map_err(Fault::new)
    }

    /// The institution's session that this one rests on.
    pub async fn through(&self) -> Result<Option<Through>, Fault> {
        self.get(THROUGH).await
    }

    /// Ends the session; what is left knows where its person may sign out as well, and nothing of them.
    pub async fn end_here(&self, elsewhere: &SignedOutHere) -> Result<(), Fault> {
        self.0.clear().await;
        self.0.cycle_id().await.map_err(Fault::new)?;
        self.set(SIGNED_OUT, elsewhere).await
    }

    pub async fn signed_out_here(&self) -> Result<Option<SignedOutHere>, Fault> {
        self.get(SIGNED_OUT).await
    }

    /// The way to the institution, if they have not been on it yet.
    pub async fn take_way_there(&self) -> Result<Option<String>, Fault> {
        let Some(mut here) = self.signed_out_here().await? else { return Ok(None) };
        let address = here.address.take();
        self.set(SIGNED_OUT, &here).await?;
        Ok(address)
    }

    /// They have signed out there too, or sign in again.
    pub async fn forget_signed_out(&self) -> Result<(), Fault> {
        self.take::<SignedOutHere>(SIGNED_OUT).await.map(drop)
    }

    /// Forgets who signed in, but not what they came for: to go on as somebody else.
    pub async fn switch_to(&self, tenant: &TenantId, typed: Option<&TypedCode>) -> Result<(), Fault> {
        self.0.clear().await;
        self.0.cycle_id().await.map_err(Fault::new)?;
        if let Some(typed) = typed {
            self.keep_typed_code(typed).await?;
        }
        self.set(CHOSEN_TENANT, tenant).await
    }

    pub async fn chosen_tenant(&self) -> Result<Option<TenantId>, Fault> {
        self.get(CHOSEN_TENANT).await
    }

    /// The code of this entry; without one the code that was typed last.
    pub async fn typed_code(&self, entry: Option<&CodeEntryId>) -> Result<Option<TypedCode>, Fault> {
        let typed = self.typed_codes().await?;
        Ok(typed.into_iter().find(|typed| entry.is_none_or(|entry| typed.entry == *entry)))
    }

    /// The code that a sign-in takes up which goes on to `then`: the one it is for, or the last one if it is for nothing else.
    pub async fn typed_code_for(&self, then: &Onward) -> Result<Option<TypedCode>, Fault> {
        match then.entry() {
            None if *then != Onward::default() => Ok(None),
            entry => self.typed_code(entry.as_ref()).await,
        }
    }

    /// Keeps a code until sign-in. That may be so in several tabs.
    pub async fn keep_typed_code(&self, typed: &TypedCode) -> Result<(), Fault> {
        let mut all = self.typed_codes().await?;
        all.retain(|other| other.entry != typed.entry && other.code != typed.code);
        all.truncate(TYPED_AT_ONCE - 1);
        all.insert(0, typed.clone());
        self.set(TYPED_CODES, &all).await
    }

    pub async fn forget_typed_code(&self, entry: &CodeEntryId) -> Result<(), Fault> {
        let mut all = self.typed_codes().await?;
        all.retain(|other| other.entry != *entry);
        self.set(TYPED_CODES, &all).await
    }

    async fn typed_codes(&self) -> Result<Vec<TypedCode>, Fault> {
        Ok(self.get(TYPED_CODES).await?.unwrap_or_default())
    }

    pub async fn set_notice(&self, notice: &Notice) -> Result<(), Fault> {
        *self.1.lock().unwrap_or_else(PoisonError::into_inner) = Some(notice.clone());
        let mut notices: Vec<Notice> = self.get(NOTICES).await?.unwrap_or_default();
        notices.retain(|other| (other.place, &other.about, &other.only_at) != (notice.place, &notice.about, &notice.only_at));
        notices.truncate(AT_ONCE - 1);
        notices.insert(0, notice.clone());
        self.set(NOTICES, &notices).await
    }

    /// What this request has left to be said.
    pub fn notice_of_this_request(&self) -> Option<Notice> {
        self.1.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn drafts(&self) -> Result<Vec<Draft>, Fault> {
        Ok(self.get(DRAFTS).await?.unwrap_or_default())
    }

    /// Keeps the values of a form that was not carried out.
    pub async fn keep_draft(&self, draft: Draft) -> Result<(), Fault> {
        let mut drafts = self.drafts().await?;
        form::keep(&mut drafts, draft);
        self.set(DRAFTS, &drafts).await
    }

    pub async fn draft(&self, id: &str) -> Result<Option<Draft>, Fault> {
        Ok(self.drafts().await?.into_iter().find(|draft| draft.id == id))
    }

    /// Forgets the values of a form that has been carried out.
    pub async fn discard_draft(&self, account: &str, page: &str, action: &str) -> Result<(), Fault> {
        let mut drafts = self.drafts().await?;
        let before = drafts.len();
        form::discard(&mut drafts, account, page, action);
        if drafts.len() == before { Ok(()) } else { self.set(DRAFTS, &drafts).await }
    }

    /// What is to be said at this place, if anything; said once.
    pub async fn take_notice(&self, place: Place) -> Result<Option<Notice>, Fault> {
        self.take_notice_at(&[place], "").await
    }

    /// The same of what one tab does.
    pub async fn take_notice_about(&self, place: Place, about: &str) -> Result<Option<Notice>, Fault> {
        self.take_notice_if(|notice| notice.place == place && notice.about == about).await
    }

    /// The same on the page with that path, at any of these places.
    pub async fn take_notice_at(&self, places: &[Place], path: &str) -> Result<Option<Notice>, Fault> {
        let here = |only: &Option<String>| only.as_deref().is_none_or(|only| only == path);
        self.take_notice_if(|notice| places.contains(&notice.place) && notice.about.is_empty() && here(&notice.only_at)).await
    }

    async fn take_notice_if(&self, is_it: impl Fn(&Notice) -> bool) -> Result<Option<Notice>, Fault> {
        let mut notices: Vec<Notice> = self.get(NOTICES).await?.unwrap_or_default();
        let Some(at) = notices.iter().position(is_it) else { return Ok(None) };
        let notice = notices.remove(at);
        self.set(NOTICES, &notices).await?;
        Ok(Some(notice))
    }

    /// Keeps what a tab does, under its id.
    async fn keep(&self, slot: &Slot, id: &str, what: impl Serialize, since: Timestamp) -> Result<(), Fault> {
        let mut all: Vec<Kept<serde_json::Value>> = self.all(slot).await?;
        all.retain(|kept| kept.id != id && since < kept.since + slot.lasts);
        all.truncate(AT_ONCE - 1);
        all.insert(0, Kept { id: id.to_owned(), since, what: serde_json::to_value(what).map_err(Fault::new)? });
        self.set_all(slot, &all).await
    }

    /// What is kept under an id, if it has not ended; the newest without one.
    async fn kept<T: DeserializeOwned>(&self, slot: &Slot, id: &str, now: Timestamp) -> Result<Option<Kept<T>>, Fault> {
        let all: Vec<Kept<T>> = self.all(slot).await?;
        Ok(all.into_iter().filter(|kept| now < kept.since + slot.lasts).find(|kept| id.is_empty() || kept.id == id))
    }

    async fn take_kept<T: Serialize + DeserializeOwned + Sync>(&self, slot: &Slot, id: &str, now: Timestamp) -> Result<Option<T>, Fault> {
        let Some(found) = self.kept::<T>(slot, id, now).await? else { return Ok(None) };
        let mut all: Vec<Kept<T>> = self.all(slot).await?;
        all.retain(|kept| kept.id != found.id);
        self.set_all(slot, &all).await?;
        Ok(Some(found.what))
    }

    async fn all<T: DeserializeOwned>(&self, slot: &Slot) -> Result<Vec<Kept<T>>, Fault> {
        Ok(self.get(slot.name).await?.unwrap_or_default())
    }

    async fn set_all<T: Serialize + Sync>(&self, slot: &Slot, all: &[Kept<T>]) -> Result<(), Fault> {
        if all.is_empty() {
            return self.take::<serde_json::Value>(slot.name).await.map(drop);
        }
        self.set(slot.name, &all).await
    }

    async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Fault> {
        self.0.get(key).await.map_err(Fault::new)
    }

    async fn set(&self, key: &str, value: &(impl Serialize + Sync)) -> Result<(), Fault> {
        self.0.insert(key, value).await.map_err(Fault::new)
    }

    async fn take<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Fault> {
        self.0.remove(key).await.map_err(Fault::new)
    }
}
