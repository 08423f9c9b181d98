//! What a browser session holds, each thing under a name written once.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tower_sessions::Session;

use crate::domain::form::{self, Draft};
use crate::domain::ids::{DeviceGrantId, LinkRequestId, SessionId, TenantId, UserId};
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
const TYPED_CODE: &str = "typed_code";
const WAITING: &str = "waiting";
const WAITING_LINK: &str = "waiting_link";
const DECIDED: &str = "decided";
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

/// The browser itself, before and after sign-in alike. Made when there is first something to remember.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Visitor {
    /// Claims user codes; survives the renewal of the cookie at sign-in.
    pub secret: String,
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

/// A request that waits for the person's decision, with the code to compare.
#[derive(Clone, Serialize, Deserialize)]
pub struct WaitingGrant {
    pub grant: DeviceGrantId,
    pub code: String,
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

/// A host account that waits for the person's answer, with the code to compare.
#[derive(Clone, Serialize, Deserialize)]
pub struct WaitingLink {
    pub request: LinkRequestId,
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
    /// A secret that was made just now, and is shown this once; with the path of the only page that may.
    #[serde(default)]
    pub secret: Option<String>,
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
        self.only_at = Some(path.to_owned());
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
        Ok(visitor.map(|visitor| services.visit(&visitor.secret, visitor.session_id, from)))
    }

    /// The browser; remembered from now on.
    pub async fn begin_visit(&self, services: &Services, from: Option<IpAddr>, agent: &str) -> Result<Visit, Fault> {
        if let Some(visit) = self.visit(services, from).await? {
            return Ok(visit);
        }
        let (secret, session_id) = services.new_session()?;
        let visitor =
            Visitor { secret: secret.reveal().to_owned(), session_id, from, agent: agent.chars().filter(|c| !c.is_control()).take(300).collect() };
        self.set(VISITOR, &visitor).await?;
        Ok(services.visit(&visitor.secret, visitor.session_id, from))
    }

    /// Who signed in, if anybody did.
    pub async fn who(&self) -> Result<Option<WhoSignedIn>, Fault> {
        self.get(SIGNED_IN).await
    }

    /// Forgets all but the browser, the code that was typed in it, and the drafts of whoever signs in.
    async fn clear(&self, next: &str) -> Result<(), Fault> {
        let (visitor, code) = (self.get::<Visitor>(VISITOR).await?, self.typed_code().await?);
        let mut drafts = self.drafts().await?;
        drafts.retain(|draft| draft.account == next);
        self.0.clear().await;
        if !drafts.is_empty() {
            self.set(DRAFTS, &drafts).await?;
        }
        if let Some(visitor) = visitor {
            self.set(VISITOR, &visitor).await?;
        }
        if let Some(code) = code {
            self.set_typed_code(&code).await?;
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
    pub async fn switch_to(&self, tenant: &TenantId, code: &str) -> Result<(), Fault> {
        self.0.clear().await;
        self.0.cycle_id().await.map_err(Fault::new)?;
        if !code.is_empty() {
            self.set_typed_code(code).await?;
        }
        self.set(CHOSEN_TENANT, tenant).await
    }

    pub async fn chosen_tenant(&self) -> Result<Option<TenantId>, Fault> {
        self.get(CHOSEN_TENANT).await
    }

    /// A code that was typed before sign-in.
    pub async fn typed_code(&self) -> Result<Option<String>, Fault> {
        self.get(TYPED_CODE).await
    }

    pub async fn set_typed_code(&self, code: &str) -> Result<(), Fault> {
        self.set(TYPED_CODE, &code).await
    }

    pub async fn take_typed_code(&self) -> Result<Option<String>, Fault> {
        self.take(TYPED_CODE).await
    }

    pub async fn waiting(&self) -> Result<Option<WaitingGrant>, Fault> {
        self.get(WAITING).await
    }

    pub async fn set_waiting(&self, grant: &DeviceGrantId, code: &str) -> Result<(), Fault> {
        self.set(WAITING, &WaitingGrant { grant: grant.clone(), code: code.to_owned() }).await
    }

    /// The request has been answered: its result is what is shown from now on.
    pub async fn set_decided(&self, grant: &DeviceGrantId) -> Result<(), Fault> {
        self.take::<WaitingGrant>(WAITING).await?;
        self.set(DECIDED, grant).await
    }

    pub async fn decided(&self) -> Result<Option<DeviceGrantId>, Fault> {
        self.get(DECIDED).await
    }

    /// Lets go of the request that waits, so that another code can be typed.
    pub async fn forget_waiting(&self) -> Result<(), Fault> {
        self.take::<WaitingGrant>(WAITING).await?;
        Ok(())
    }

    pub async fn waiting_link(&self) -> Result<Option<WaitingLink>, Fault> {
        self.get(WAITING_LINK).await
    }

    pub async fn set_waiting_link(&self, request: &LinkRequestId, code: &str) -> Result<(), Fault> {
        self.set(WAITING_LINK, &WaitingLink { request: request.clone(), code: code.to_owned() }).await
    }

    pub async fn forget_waiting_link(&self) -> Result<(), Fault> {
        self.take::<WaitingLink>(WAITING_LINK).await?;
        Ok(())
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

    /// The same on the page with that path, at any of these places.
    pub async fn take_notice_at(&self, places: &[Place], path: &str) -> Result<Option<Notice>, Fault> {
        let notice: Option<Notice> = self.get(NOTICE).await?;
        match notice {
            Some(notice) if places.contains(&notice.place) && notice.only_at.as_deref().is_none_or(|only| only == path) => self.take(NOTICE).await,
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
