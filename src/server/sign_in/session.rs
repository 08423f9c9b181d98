//! What a browser session holds, each thing under a name written once.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tower_sessions::Session;

use crate::domain::form::{self, FormDraft};
use crate::domain::ids::{CodeEntryId, SessionId, TenantId, UserId};
use crate::domain::paths::ReturnTo;
use crate::domain::provider::{UpstreamSession, VerifiedIdentity};
use crate::domain::sentence::{NamedTime, Sentence};
use crate::domain::step_up::AuthenticationTimes;
use crate::domain::time::Timestamp;
use crate::server::service::auth::identities::UpstreamAuthorization;
use crate::server::service::auth::people::AuthenticatedPerson;
use crate::server::service::auth::principals::BrowserSession;
use crate::server::service::auth::second_factors::{PENDING_MFA_LIFETIME, PendingMfa};
use crate::server::service::host_accounts::upstream_accounts::AccountProposal;
use crate::server::service::platform::rng::Secret;
use crate::server::service::{Fault, Services};

pub(super) const BROWSER_INFO: &str = "visitor";
pub(super) const SIGNED_IN: &str = "signed_in";
const PENDING_USER_CODES: &str = "typed_codes";
const FLASHES: &str = "notices";
const CHOSEN_TENANT: &str = "chosen_tenant";
pub(super) const UPSTREAM_SESSION: &str = "through";
const UPSTREAM_LOGOUT: &str = "signed_out";
const DRAFTS: &str = "drafts";
/// Tabs in which codes were typed that wait for the sign-in.
const MAX_PENDING_USER_CODES: usize = 8;

/// As long as any session lasts.
const SESSION_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);
const PENDING_MFA: Slot = Slot { name: "half_sign_ins", lifetime: SESSION_LIFETIME };
const UPSTREAM_LOGINS: Slot = Slot { name: "trips_away", lifetime: SESSION_LIFETIME };
const INVITATIONS: Slot = Slot { name: "invitations", lifetime: SESSION_LIFETIME };
const PENDING_IDENTITY_LINKS: Slot = Slot { name: "linkings", lifetime: PENDING_MFA_LIFETIME };
const ACCOUNT_PROPOSALS: Slot = Slot { name: "offers", lifetime: PENDING_MFA_LIFETIME };
const APP_ENROLLMENTS: Slot = Slot { name: "apps_set_up", lifetime: PENDING_MFA_LIFETIME };
const PASSKEY_ENROLLMENTS: Slot = Slot { name: "passkeys_set_up", lifetime: PENDING_MFA_LIFETIME };
const PASSKEY_CHALLENGES: Slot = Slot { name: "passkeys_asked", lifetime: PENDING_MFA_LIFETIME };
const RECOVERY_CODES: Slot = Slot { name: "recovery_codes", lifetime: PENDING_MFA_LIFETIME };
/// Of each kind; the oldest makes way.
const MAX_SLOT_ENTRIES: usize = 8;

/// What several tabs do at the same time, each under an id that stands in its address and forms.
struct Slot {
    name: &'static str,
    lifetime: Duration,
}

/// What one tab does.
#[derive(Clone, Serialize, Deserialize)]
struct SlotEntry<T> {
    id: String,
    since: Timestamp,
    value: T,
}

/// The browser itself, before and after sign-in alike. Made when there is first something to remember.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct BrowserInfo {
    /// Survives the renewal of the cookie at sign-in.
    pub session_id: SessionId,
    pub from: Option<IpAddr>,
    pub agent: String,
}

/// Who signed in, and when.
#[derive(Clone, Serialize, Deserialize)]
pub struct SignInRecord {
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub at: Timestamp,
    /// When they proved it: at an institution that may be earlier.
    #[serde(rename = "proved_at")]
    pub authenticated_at: Timestamp,
    /// When they showed a second factor.
    #[serde(default, rename = "second_at")]
    pub mfa_at: Option<Timestamp>,
}

impl SignInRecord {
    fn is_of(&self, tenant_id: &TenantId, user_id: &UserId) -> bool {
        (&self.tenant_id, &self.user_id) == (tenant_id, user_id)
    }

    pub fn authentication_times(&self) -> AuthenticationTimes {
        AuthenticationTimes { at: self.authenticated_at, second_at: self.mfa_at }
    }
}

/// Somebody has signed out here, and may be signed in still at an institution.
#[derive(Clone, Serialize, Deserialize)]
pub struct PendingUpstreamLogout {
    /// What people call it.
    pub institution: String,
    /// Where they sign out there; until they have set out.
    pub end_session_url: Option<String>,
    /// What comes back if they do.
    pub state: String,
}

/// What kind of second factor is being set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnrollmentKind {
    App,
    Passkey,
}

impl EnrollmentKind {
    fn slot(self) -> &'static Slot {
        match self {
            Self::App => &APP_ENROLLMENTS,
            Self::Passkey => &PASSKEY_ENROLLMENTS,
        }
    }
}

/// A second factor that is being set up.
#[derive(Clone)]
pub struct Enrollment {
    pub id: String,
    /// When it was begun, by a person who had just signed in.
    pub since: Timestamp,
    /// The secret that an app was told, or what was asked for a new passkey.
    pub state: String,
}

/// A sign-in on its way to an institution, or back from it.
#[derive(Clone, Serialize, Deserialize)]
pub struct PendingUpstreamLogin {
    pub authorization: UpstreamAuthorization,
    pub return_to: ReturnTo,
    /// The invitation they set out with, by its id.
    #[serde(default)]
    pub invitation: String,
    /// They have been back.
    #[serde(default)]
    pub spent: bool,
}

/// An invitation that was typed before sign-in.
#[derive(Clone, Serialize, Deserialize)]
struct PendingInvitation {
    tenant: Option<TenantId>,
    code: String,
}

/// A code that was typed before sign-in, or belongs to another tenant: until its person has signed in there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingUserCode {
    pub entry: CodeEntryId,
    pub code: String,
}

/// Something the next page has to say, once.
#[derive(Clone, Serialize, Deserialize)]
pub struct Flash {
    /// The form it belongs to.
    pub target: FlashTarget,
    /// The id of what one tab does, where it belongs to that alone.
    #[serde(default)]
    pub about: String,
    /// One sentence for the person.
    pub message: String,
    /// The time that stands in it.
    #[serde(default)]
    pub time: Option<NamedTime>,
    /// What they typed, so that they can mend it.
    pub input: String,
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
    pub help: Option<ProviderHelp>,
}

/// Where a provider helps.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProviderHelp {
    pub provider: String,
    pub address: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FlashTarget {
    EnterCode,
    Consent,
    /// The consent's tick.
    Confirmation,
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
    Success,
    /// Any page: something was not done.
    Refused,
}

impl Flash {
    pub fn new(target: FlashTarget, sentence: impl ToString) -> Self {
        Self {
            target,
            about: String::new(),
            message: sentence.to_string(),
            time: None,
            input: String::new(),
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
        Self { time, ..Self::new(FlashTarget::Success, text) }
    }

    /// The sentence with its time.
    pub fn told(&self) -> Sentence {
        Sentence { text: self.message.clone(), time: self.time.clone() }
    }

    /// Says it only where that one tab's work is.
    #[must_use]
    pub fn about(mut self, id: &str) -> Self {
        id.clone_into(&mut self.about);
        self
    }

    /// Shows a secret along with it. The session is sealed, and gives it out once.
    #[must_use]
    pub fn with_secret(mut self, path: &str, secret: &Secret) -> Self {
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
        !matches!(self.target, FlashTarget::Success | FlashTarget::Reported)
    }

    /// Keeps what was typed; nobody needs to see more of it again than a line.
    #[must_use]
    pub fn with_input(mut self, typed: &str) -> Self {
        self.input = typed.chars().filter(|c| !c.is_control()).take(100).collect();
        self
    }
}

/// The session of one request, and the notice that this request has left in it.
#[derive(Clone)]
pub struct PortalSession(Session, Arc<Mutex<Option<Flash>>>);

impl PortalSession {
    pub fn new(session: Session) -> Self {
        Self(session, Arc::default())
    }

    /// The browser, if it has been here before.
    pub async fn browser_session(&self, services: &Services, from: Option<IpAddr>) -> Result<Option<BrowserSession>, Fault> {
        let visitor: Option<BrowserInfo> = self.get(BROWSER_INFO).await?;
        Ok(visitor.map(|visitor| services.browser_session(visitor.session_id, from)))
    }

    /// The browser; remembered from now on.
    pub async fn start_session(&self, services: &Services, from: Option<IpAddr>, agent: &str) -> Result<BrowserSession, Fault> {
        if let Some(visit) = self.browser_session(services, from).await? {
            return Ok(visit);
        }
        let visitor =
            BrowserInfo { session_id: services.new_session_id()?, from, agent: agent.chars().filter(|c| !c.is_control()).take(300).collect() };
        self.set(BROWSER_INFO, &visitor).await?;
        Ok(services.browser_session(visitor.session_id, from))
    }

    /// Who signed in, if anybody did.
    pub async fn sign_in_record(&self) -> Result<Option<SignInRecord>, Fault> {
        self.get(SIGNED_IN).await
    }

    /// Forgets all but the browser, the codes that were typed in it, and what is this person's or not anybody's yet.
    async fn forget_other_people(&self, tenant: &TenantId, user: &UserId) -> Result<(), Fault> {
        let (visitor, typed) = (self.get::<BrowserInfo>(BROWSER_INFO).await?, self.pending_user_codes().await?);
        let account = form::account(tenant.as_str(), user.as_str());
        let mut drafts = self.drafts().await?;
        drafts.retain(|draft| draft.account == account);
        let mut halves: Vec<SlotEntry<(PendingMfa, ReturnTo)>> = self.entries(&PENDING_MFA).await?;
        halves.retain(|kept| kept.value.0.belongs_to(tenant, user));
        let mut trips: Vec<SlotEntry<PendingUpstreamLogin>> = self.entries(&UPSTREAM_LOGINS).await?;
        trips.retain(|kept| kept.value.authorization.may_belong_to(tenant, user));
        self.0.clear().await;
        if !drafts.is_empty() {
            self.set(DRAFTS, &drafts).await?;
        }
        if let Some(visitor) = visitor {
            self.set(BROWSER_INFO, &visitor).await?;
        }
        if !typed.is_empty() {
            self.set(PENDING_USER_CODES, &typed).await?;
        }
        self.set_entries(&PENDING_MFA, &halves).await?;
        self.set_entries(&UPSTREAM_LOGINS, &trips).await
    }

    /// Signs a person in. The cookie's value is replaced first, so that one planted before sign-in is worth nothing after it;
    /// and what was meant for another person in this browser is forgotten. What this person has begun in other tabs stays.
    pub async fn sign_in(&self, identity: &AuthenticatedPerson, now: Timestamp) -> Result<(), Fault> {
        let same = self.sign_in_record().await?.is_some_and(|who| who.is_of(identity.tenant_id(), identity.user_id()));
        if !same {
            self.forget_other_people(identity.tenant_id(), identity.user_id()).await?;
        }
        self.0.cycle_id().await.map_err(Fault::new)?;
        let (tenant_id, user_id) = (identity.tenant_id().clone(), identity.user_id().clone());
        let AuthenticationTimes { at: proved_at, second_at } = identity.auth_times();
        self.set(SIGNED_IN, &SignInRecord { tenant_id, user_id, at: now, authenticated_at: proved_at, mfa_at: second_at }).await?;
        // Who shows once more that it is them may do so elsewhere; what the session rests on stays.
        let resting = self.upstream_session().await?;
        if let Some(through) =
            identity.upstream_session().filter(|through| !same || resting.is_some_and(|resting| resting.provider == through.provider))
        {
            self.set(UPSTREAM_SESSION, through).await?;
        }
        Ok(())
    }

    /// Remembers somebody who has shown the first factor, and where they want to go. They are not signed in by that; but whoever else
    /// was is not any more.
    pub async fn add_pending_mfa(&self, pending: &PendingMfa, return_to: &ReturnTo, now: Timestamp) -> Result<(), Fault> {
        if self.sign_in_record().await?.is_some_and(|who| !who.is_of(&pending.tenant_id, &pending.user_id)) {
            self.forget_other_people(&pending.tenant_id, &pending.user_id).await?;
            self.0.cycle_id().await.map_err(Fault::new)?;
        }
        self.insert_entry(&PENDING_MFA, pending.id.as_str(), (pending, return_to), now).await
    }

    /// The half sign-in of a tab; without an id the newest, as for a form of an earlier release.
    pub async fn pending_mfa(&self, id: &str, now: Timestamp) -> Result<Option<(PendingMfa, ReturnTo)>, Fault> {
        Ok(self.entry(&PENDING_MFA, id, now).await?.map(|kept| kept.value))
    }

    /// Whether its person has signed in here since it was begun: another tab was faster.
    pub async fn has_finished(&self, pending: &PendingMfa) -> Result<bool, Fault> {
        Ok(self.sign_in_record().await?.is_some_and(|who| who.is_of(&pending.tenant_id, &pending.user_id) && pending.since <= who.at))
    }

    /// What was asked of a passkey, until the browser answers.
    pub async fn add_passkey_challenge(&self, id: &str, state: &str, now: Timestamp) -> Result<(), Fault> {
        self.insert_entry(&PASSKEY_CHALLENGES, id, state, now).await
    }

    /// It can be answered once.
    pub async fn take_passkey_challenge(&self, id: &str, now: Timestamp) -> Result<Option<String>, Fault> {
        self.take_entry(&PASSKEY_CHALLENGES, id, now).await
    }

    /// The secret of an app, or what was asked for a new passkey, until it has been set up; not for long, because who sees the
    /// screen in the meantime knows it as well.
    pub async fn add_enrollment(&self, kind: EnrollmentKind, id: &str, state: &str, now: Timestamp) -> Result<(), Fault> {
        self.insert_entry(kind.slot(), id, state, now).await
    }

    pub async fn enrollment(&self, kind: EnrollmentKind, id: &str, now: Timestamp) -> Result<Option<Enrollment>, Fault> {
        let kept: Option<SlotEntry<String>> = self.entry(kind.slot(), id, now).await?;
        Ok(kept.map(|SlotEntry { id, since, value: what }| Enrollment { id, since, state: what }))
    }

    /// The newest that was begun since the last sign-in: an older one may have been seen by another person.
    pub async fn newest_enrollment(&self, kind: EnrollmentKind, now: Timestamp) -> Result<Option<Enrollment>, Fault> {
        let signed_in_at = self.sign_in_record().await?.map(|who| who.at);
        Ok(self.enrollment(kind, "", now).await?.filter(|ceremony| signed_in_at.is_some_and(|at| at < ceremony.since)))
    }

    pub async fn forget_enrollment(&self, kind: EnrollmentKind, id: &str, now: Timestamp) -> Result<(), Fault> {
        self.take_entry::<String>(kind.slot(), id, now).await.map(drop)
    }

    /// Recovery codes that were made just now; this session alone can show them, for as long as it takes to put them away.
    pub async fn add_recovery_codes(&self, id: &str, codes: &Secret, now: Timestamp) -> Result<(), Fault> {
        // Older ones are void.
        self.take::<Vec<SlotEntry<String>>>(RECOVERY_CODES.name).await?;
        self.insert_entry(&RECOVERY_CODES, id, codes.reveal(), now).await
    }

    /// They, and when they were made.
    pub async fn recovery_codes(&self, id: &str, now: Timestamp) -> Result<Option<(Secret, Timestamp)>, Fault> {
        let kept: Option<SlotEntry<String>> = self.entry(&RECOVERY_CODES, id, now).await?.filter(|_| !id.is_empty());
        Ok(kept.map(|kept| (Secret::from_plaintext(kept.value), kept.since)))
    }

    /// Remembers a sign-in that sets out for an institution.
    pub async fn add_upstream_login(&self, login: &PendingUpstreamLogin, now: Timestamp) -> Result<(), Fault> {
        self.insert_entry(&UPSTREAM_LOGINS, &login.authorization.state, login, now).await
    }

    /// The trip that has this state, which is over now: it is answered once. That it was one is remembered.
    pub async fn take_upstream_login(&self, state: &str, now: Timestamp) -> Result<Option<PendingUpstreamLogin>, Fault> {
        if state.is_empty() {
            return Ok(None);
        }
        let kept: Option<SlotEntry<PendingUpstreamLogin>> = self.entry(&UPSTREAM_LOGINS, state, now).await?;
        if let Some(kept) = &kept {
            self.insert_entry(&UPSTREAM_LOGINS, state, &PendingUpstreamLogin { spent: true, ..kept.value.clone() }, kept.since).await?;
        }
        Ok(kept.map(|kept| kept.value))
    }

    /// Who somebody is elsewhere, until they say that it is to be linked.
    pub async fn add_identity_link(&self, id: &str, identity: &VerifiedIdentity, now: Timestamp) -> Result<(), Fault> {
        self.insert_entry(&PENDING_IDENTITY_LINKS, id, identity, now).await
    }

    pub async fn identity_link(&self, id: &str, now: Timestamp) -> Result<Option<VerifiedIdentity>, Fault> {
        Ok(self.entry(&PENDING_IDENTITY_LINKS, id, now).await?.map(|kept| kept.value))
    }

    pub async fn take_identity_link(&self, id: &str, now: Timestamp) -> Result<Option<VerifiedIdentity>, Fault> {
        self.take_entry(&PENDING_IDENTITY_LINKS, id, now).await
    }

    /// What a provider says of the person's accounts on its hosts, until they say which are to be linked.
    pub async fn add_account_proposal(&self, id: &str, proposal: &AccountProposal, now: Timestamp) -> Result<(), Fault> {
        self.insert_entry(&ACCOUNT_PROPOSALS, id, proposal, now).await
    }

    pub async fn account_proposal(&self, id: &str, now: Timestamp) -> Result<Option<AccountProposal>, Fault> {
        Ok(self.entry(&ACCOUNT_PROPOSALS, id, now).await?.map(|kept| kept.value))
    }

    pub async fn forget_account_proposal(&self, id: &str, now: Timestamp) -> Result<(), Fault> {
        self.take_entry::<AccountProposal>(&ACCOUNT_PROPOSALS, id, now).await.map(drop)
    }

    /// An invitation that was typed before sign-in: the tab's own, or the newest for that tenant.
    pub async fn invitation(&self, id: &str, tenant: Option<&TenantId>) -> Result<Option<(String, String)>, Fault> {
        let all: Vec<SlotEntry<PendingInvitation>> = self.entries(&INVITATIONS).await?;
        let own = all.iter().find(|kept| kept.id == id);
        let found = own.or_else(|| all.iter().find(|kept| kept.value.tenant.as_ref() == tenant && tenant.is_some()));
        Ok(found.map(|kept| (kept.id.clone(), kept.value.code.clone())))
    }

    pub async fn add_invitation(&self, id: &str, tenant: Option<TenantId>, code: &str, now: Timestamp) -> Result<(), Fault> {
        self.insert_entry(&INVITATIONS, id, PendingInvitation { tenant, code: code.to_owned() }, now).await
    }

    /// Forgets that one; without an id, all for that tenant.
    pub async fn forget_invitations(&self, id: &str, tenant: Option<&TenantId>) -> Result<(), Fault> {
        let mut all: Vec<SlotEntry<PendingInvitation>> = self.entries(&INVITATIONS).await?;
        all.retain(|kept| if id.is_empty() { kept.value.tenant.as_ref() != tenant } else { kept.id != id });
        self.set_entries(&INVITATIONS, &all).await
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
    pub async fn upstream_session(&self) -> Result<Option<UpstreamSession>, Fault> {
        self.get(UPSTREAM_SESSION).await
    }

    /// Ends the session; what is left knows where its person may sign out as well, and nothing of them.
    pub async fn end_with_upstream_logout(&self, elsewhere: &PendingUpstreamLogout) -> Result<(), Fault> {
        self.0.clear().await;
        self.0.cycle_id().await.map_err(Fault::new)?;
        self.set(UPSTREAM_LOGOUT, elsewhere).await
    }

    pub async fn upstream_logout(&self) -> Result<Option<PendingUpstreamLogout>, Fault> {
        self.get(UPSTREAM_LOGOUT).await
    }

    /// The way to the institution, if they have not been on it yet.
    pub async fn take_end_session_url(&self) -> Result<Option<String>, Fault> {
        let Some(mut here) = self.upstream_logout().await? else { return Ok(None) };
        let address = here.end_session_url.take();
        self.set(UPSTREAM_LOGOUT, &here).await?;
        Ok(address)
    }

    /// They have signed out there too, or sign in again.
    pub async fn forget_upstream_logout(&self) -> Result<(), Fault> {
        self.take::<PendingUpstreamLogout>(UPSTREAM_LOGOUT).await.map(drop)
    }

    /// Forgets who signed in, but not what they came for: to go on as somebody else.
    pub async fn switch_tenant(&self, tenant: &TenantId, typed: Option<&PendingUserCode>) -> Result<(), Fault> {
        self.0.clear().await;
        self.0.cycle_id().await.map_err(Fault::new)?;
        if let Some(typed) = typed {
            self.add_pending_user_code(typed).await?;
        }
        self.set(CHOSEN_TENANT, tenant).await
    }

    pub async fn chosen_tenant(&self) -> Result<Option<TenantId>, Fault> {
        self.get(CHOSEN_TENANT).await
    }

    /// The code of this entry; without one the code that was typed last.
    pub async fn pending_user_code(&self, entry: Option<&CodeEntryId>) -> Result<Option<PendingUserCode>, Fault> {
        let typed = self.pending_user_codes().await?;
        Ok(typed.into_iter().find(|typed| entry.is_none_or(|entry| typed.entry == *entry)))
    }

    /// The code that a sign-in takes up which goes on to `then`: the one it is for, or the last one if it is for nothing else.
    pub async fn pending_user_code_for(&self, return_to: &ReturnTo) -> Result<Option<PendingUserCode>, Fault> {
        match return_to.code_entry() {
            None if *return_to != ReturnTo::default() => Ok(None),
            entry => self.pending_user_code(entry.as_ref()).await,
        }
    }

    /// Keeps a code until sign-in. That may be so in several tabs.
    pub async fn add_pending_user_code(&self, typed: &PendingUserCode) -> Result<(), Fault> {
        let mut all = self.pending_user_codes().await?;
        all.retain(|other| other.entry != typed.entry && other.code != typed.code);
        all.truncate(MAX_PENDING_USER_CODES - 1);
        all.insert(0, typed.clone());
        self.set(PENDING_USER_CODES, &all).await
    }

    pub async fn forget_pending_user_code(&self, entry: &CodeEntryId) -> Result<(), Fault> {
        let mut all = self.pending_user_codes().await?;
        all.retain(|other| other.entry != *entry);
        self.set(PENDING_USER_CODES, &all).await
    }

    async fn pending_user_codes(&self) -> Result<Vec<PendingUserCode>, Fault> {
        Ok(self.get(PENDING_USER_CODES).await?.unwrap_or_default())
    }

    pub async fn set_flash(&self, flash: &Flash) -> Result<(), Fault> {
        *self.1.lock().unwrap_or_else(PoisonError::into_inner) = Some(flash.clone());
        let mut notices: Vec<Flash> = self.get(FLASHES).await?.unwrap_or_default();
        notices.retain(|other| (other.target, &other.about, &other.only_at) != (flash.target, &flash.about, &flash.only_at));
        notices.truncate(MAX_SLOT_ENTRIES - 1);
        notices.insert(0, flash.clone());
        self.set(FLASHES, &notices).await
    }

    /// What this request has left to be said.
    pub fn request_flash(&self) -> Option<Flash> {
        self.1.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn drafts(&self) -> Result<Vec<FormDraft>, Fault> {
        Ok(self.get(DRAFTS).await?.unwrap_or_default())
    }

    /// Keeps the values of a form that was not carried out.
    pub async fn save_draft(&self, draft: FormDraft) -> Result<(), Fault> {
        let mut drafts = self.drafts().await?;
        form::save_draft(&mut drafts, draft);
        self.set(DRAFTS, &drafts).await
    }

    pub async fn draft(&self, id: &str) -> Result<Option<FormDraft>, Fault> {
        Ok(self.drafts().await?.into_iter().find(|draft| draft.id == id))
    }

    /// Forgets the values of a form that has been carried out.
    pub async fn discard_draft(&self, account: &str, page: &str, action: &str) -> Result<(), Fault> {
        let mut drafts = self.drafts().await?;
        let before = drafts.len();
        form::discard_draft(&mut drafts, account, page, action);
        if drafts.len() == before { Ok(()) } else { self.set(DRAFTS, &drafts).await }
    }

    /// What is to be said at this place, if anything; said once.
    pub async fn take_flash(&self, place: FlashTarget) -> Result<Option<Flash>, Fault> {
        self.take_flash_at(&[place], "").await
    }

    /// The same of what one tab does.
    pub async fn take_flash_about(&self, place: FlashTarget, about: &str) -> Result<Option<Flash>, Fault> {
        self.take_flash_if(|notice| notice.target == place && notice.about == about).await
    }

    /// The same on the page with that path, at any of these places.
    pub async fn take_flash_at(&self, places: &[FlashTarget], path: &str) -> Result<Option<Flash>, Fault> {
        let here = |only: &Option<String>| only.as_deref().is_none_or(|only| only == path);
        self.take_flash_if(|notice| places.contains(&notice.target) && notice.about.is_empty() && here(&notice.only_at)).await
    }

    async fn take_flash_if(&self, is_it: impl Fn(&Flash) -> bool) -> Result<Option<Flash>, Fault> {
        let mut notices: Vec<Flash> = self.get(FLASHES).await?.unwrap_or_default();
        let Some(at) = notices.iter().position(is_it) else { return Ok(None) };
        let notice = notices.remove(at);
        self.set(FLASHES, &notices).await?;
        Ok(Some(notice))
    }

    /// Keeps what a tab does, under its id.
    async fn insert_entry(&self, slot: &Slot, id: &str, what: impl Serialize, since: Timestamp) -> Result<(), Fault> {
        let mut all: Vec<SlotEntry<serde_json::Value>> = self.entries(slot).await?;
        all.retain(|kept| kept.id != id && since < kept.since + slot.lifetime);
        all.truncate(MAX_SLOT_ENTRIES - 1);
        all.insert(0, SlotEntry { id: id.to_owned(), since, value: serde_json::to_value(what).map_err(Fault::new)? });
        self.set_entries(slot, &all).await
    }

    /// What is kept under an id, if it has not ended; the newest without one.
    async fn entry<T: DeserializeOwned>(&self, slot: &Slot, id: &str, now: Timestamp) -> Result<Option<SlotEntry<T>>, Fault> {
        let all: Vec<SlotEntry<T>> = self.entries(slot).await?;
        Ok(all.into_iter().filter(|kept| now < kept.since + slot.lifetime).find(|kept| id.is_empty() || kept.id == id))
    }

    async fn take_entry<T: Serialize + DeserializeOwned + Sync>(&self, slot: &Slot, id: &str, now: Timestamp) -> Result<Option<T>, Fault> {
        let Some(found) = self.entry::<T>(slot, id, now).await? else { return Ok(None) };
        let mut all: Vec<SlotEntry<T>> = self.entries(slot).await?;
        all.retain(|kept| kept.id != found.id);
        self.set_entries(slot, &all).await?;
        Ok(Some(found.value))
    }

    async fn entries<T: DeserializeOwned>(&self, slot: &Slot) -> Result<Vec<SlotEntry<T>>, Fault> {
        Ok(self.get(slot.name).await?.unwrap_or_default())
    }

    async fn set_entries<T: Serialize + Sync>(&self, slot: &Slot, all: &[SlotEntry<T>]) -> Result<(), Fault> {
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
