//! What a browser session holds, each thing under a name written once.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tower_sessions::Session;

use crate::domain::form::{self, Draft};
use crate::domain::ids::{CodeEntryId, SessionId, TenantId, UserId};
use crate::domain::paths::Onward;
use crate::domain::provider::{Through, Vouched};
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
/// What is kept of a text that was refused, in characters.
const LONGEST_TYPED: usize = 2_000;
const TYPED_CODES: &str = "typed_codes";
const NOTICE: &str = "notice";
const CHOSEN_TENANT: &str = "chosen_tenant";
const TRIPS: &str = "trips";
const INVITATION: &str = "invitation";
const LINKING: &str = "linking";
const OFFER: &str = "offer";
pub(super) const THROUGH: &str = "through";
const SIGNED_OUT: &str = "signed_out";
pub(super) const HALF: &str = "half_signed_in";
const SETTING_UP: &str = "to_set_up";
const PASSKEY_ASKED: &str = "passkey_asked";
const DRAFTS: &str = "drafts";
/// Tabs in which one person tries to sign in.
const TRIPS_AT_ONCE: usize = 4;
/// Tabs in which codes were typed that wait for the sign-in.
const TYPED_AT_ONCE: usize = 8;

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

/// A second factor that is being set up.
#[derive(Clone, Serialize, Deserialize)]
pub enum SettingUp {
    /// The secret that its app was told.
    App(String),
    Passkey(String),
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
    /// One sentence for the person.
    pub sentence: String,
    /// What they typed, so that they can mend it.
    pub typed: String,
    /// What they chose on the consent page, so that they need not choose it again.
    pub chosen: Option<Chosen>,
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

/// The choices of a consent that was refused, as the form sent them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Chosen {
    pub lifetime: String,
    pub host_accounts: Vec<String>,
    #[serde(default)]
    pub started_this: bool,
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
            sentence: sentence.to_string(),
            typed: String::new(),
            chosen: None,
            wait: None,
            secret: None,
            only_at: None,
            tenant: None,
            help: None,
        }
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

    /// Keeps what was typed, without what a field of one line cannot hold.
    #[must_use]
    pub fn typed(mut self, typed: &str) -> Self {
        self.typed = typed.chars().filter(|c| !c.is_control()).take(LONGEST_TYPED).collect();
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

    /// Forgets all but the browser, the codes that were typed in it, and the drafts of the account that signs in.
    async fn clear(&self, next: &str) -> Result<(), Fault> {
        let (visitor, typed) = (self.get::<Visitor>(VISITOR).await?, self.typed_codes().await?);
        let mut drafts = self.drafts().await?;
        drafts.retain(|draft| draft.account == next);
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
        Ok(())
    }

    /// Signs a person in. The cookie's value is replaced first, so that one planted before sign-in is worth nothing after it;
    /// and what was meant for somebody else in this browser is forgotten.
    pub async fn sign_in(&self, identity: &Identity, now: Timestamp) -> Result<(), Fault> {
        let same = self.who().await?.is_some_and(|who| who.is(identity.tenant_id(), identity.user_id()));
        if !same {
            self.clear(&form::account(identity.tenant_id().as_str(), identity.user_id().as_str())).await?;
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
        self.take::<(HalfSignedIn, Onward)>(HALF).await?;
        // What was made for who had the old cookie, and may not have been this person.
        self.forget_setting_up().await?;
        self.take::<String>(PASSKEY_ASKED).await.map(drop)
    }

    /// Remembers somebody who has shown the first factor, and where they want to go. They are not signed in by that; but whoever else
    /// was is not any more.
    pub async fn set_half_signed_in(&self, half: &HalfSignedIn, then: &Onward) -> Result<(), Fault> {
        if self.who().await?.is_some_and(|who| !who.is(&half.tenant_id, &half.user_id)) {
            self.clear(&form::account(half.tenant_id.as_str(), half.user_id.as_str())).await?;
            self.0.cycle_id().await.map_err(Fault::new)?;
        }
        self.set(HALF, &(half, then)).await
    }

    pub async fn half_signed_in(&self) -> Result<Option<(HalfSignedIn, Onward)>, Fault> {
        self.get(HALF).await
    }

    /// What was asked of a passkey, until the browser answers.
    pub async fn set_passkey_asked(&self, state: &str) -> Result<(), Fault> {
        self.set(PASSKEY_ASKED, &state).await
    }

    /// It can be answered once.
    pub async fn take_passkey_asked(&self) -> Result<Option<String>, Fault> {
        self.take(PASSKEY_ASKED).await
    }

    /// The secret of an app, or what was asked for a new passkey, until it has been set up; not for long, because who sees the
    /// screen in the meantime knows it as well.
    pub async fn set_setting_up(&self, what: &SettingUp, now: Timestamp) -> Result<(), Fault> {
        self.set(SETTING_UP, &(what, now + LONGEST_SHOWING)).await
    }

    pub async fn setting_up(&self, now: Timestamp) -> Result<Option<SettingUp>, Fault> {
        let kept: Option<(SettingUp, Timestamp)> = self.get(SETTING_UP).await?;
        Ok(kept.filter(|(_, until)| now < *until).map(|(what, _)| what))
    }

    pub async fn forget_setting_up(&self) -> Result<(), Fault> {
        self.take::<(SettingUp, Timestamp)>(SETTING_UP).await.map(drop)
    }

    /// Remembers somebody who sets out for an institution. They may do so in several tabs.
    pub async fn add_trip(&self, trip: Trip, then: &Onward) -> Result<(), Fault> {
        let mut trips: Vec<(Trip, Onward)> = self.get(TRIPS).await?.unwrap_or_default();
        trips.truncate(TRIPS_AT_ONCE - 1);
        trips.insert(0, (trip, then.clone()));
        self.set(TRIPS, &trips).await
    }

    /// The trip that has this state, which is over now: nobody comes back from it twice.
    pub async fn take_trip(&self, state: &str) -> Result<Option<(Trip, Onward)>, Fault> {
        let mut trips: Vec<(Trip, Onward)> = self.get(TRIPS).await?.unwrap_or_default();
        let Some(at) = trips.iter().position(|(trip, _)| trip.state == state) else { return Ok(None) };
        let trip = trips.remove(at);
        self.set(TRIPS, &trips).await?;
        Ok(Some(trip))
    }

    /// Who somebody is elsewhere, until they say that it is to be linked.
    pub async fn set_linking(&self, vouched: &Vouched) -> Result<(), Fault> {
        self.set(LINKING, vouched).await
    }

    pub async fn linking(&self) -> Result<Option<Vouched>, Fault> {
        self.get(LINKING).await
    }

    pub async fn take_linking(&self) -> Result<Option<Vouched>, Fault> {
        self.take(LINKING).await
    }

    /// What a provider says of the person's accounts on its hosts, until they say which are to be linked.
    pub async fn set_offer(&self, offer: &Offer) -> Result<(), Fault> {
        self.set(OFFER, offer).await
    }

    pub async fn offer(&self) -> Result<Option<Offer>, Fault> {
        self.get(OFFER).await
    }

    pub async fn forget_offer(&self) -> Result<(), Fault> {
        self.take::<Offer>(OFFER).await.map(drop)
    }

    /// An invitation that was typed before sign-in.
    pub async fn invitation(&self) -> Result<Option<String>, Fault> {
        Ok(self.get::<String>(INVITATION).await?.filter(|code| !code.is_empty()))
    }

    /// Nothing forgets it.
    pub async fn set_invitation(&self, code: &str) -> Result<(), Fault> {
        self.set(INVITATION, &code).await
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
        self.set(NOTICE, notice).await
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

    /// The same on the page with that address, at any of these places.
    pub async fn take_notice_at(&self, places: &[Place], address: &str) -> Result<Option<Notice>, Fault> {
        let notice: Option<Notice> = self.get(NOTICE).await?;
        match notice {
            Some(notice) if places.contains(&notice.place) && notice.only_at.as_deref().is_none_or(|only| only == address) => self.take(NOTICE).await,
            _ => Ok(None),
        }
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
