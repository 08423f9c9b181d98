//! The contents of a browser session, each with a name defined once.

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
/// How many tabs can keep a user code until the sign-in is complete.
const MAX_PENDING_USER_CODES: usize = 8;

/// The longest lifetime of any session.
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
/// Limit of entries per slot; the oldest is removed.
const MAX_SLOT_ENTRIES: usize = 8;

/// What several tabs do at the same time, each under an id in its URL and forms.
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

/// The browser, before and after sign-in. Created when there is first something to store.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct BrowserInfo {
    /// Kept when the cookie is renewed at sign-in.
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
    /// When they authenticated, which at a provider may be earlier.
    #[serde(rename = "proved_at")]
    pub authenticated_at: Timestamp,
    /// When they presented a second factor.
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

/// The person has signed out here, and may still be signed in at the institution.
#[derive(Clone, Serialize, Deserialize)]
pub struct PendingUpstreamLogout {
    /// Its display name.
    pub institution: String,
    /// Where to sign out there; `None` after the redirect.
    pub end_session_url: Option<String>,
    /// The value that the provider returns after sign-out.
    pub state: String,
}

/// Kinds of second factors that are set up in steps.
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
    /// When it was started, by a person who had signed in recently.
    pub since: Timestamp,
    /// The secret for the authenticator app, or the state of the passkey challenge.
    pub state: String,
}

/// A login at a provider that is in progress.
#[derive(Clone, Serialize, Deserialize)]
pub struct PendingUpstreamLogin {
    pub authorization: UpstreamAuthorization,
    pub return_to: ReturnTo,
    /// The id of the invitation to use.
    #[serde(default)]
    pub invitation: String,
    /// The callback has been received.
    #[serde(default)]
    pub spent: bool,
}

/// An invitation that was entered before sign-in.
#[derive(Clone, Serialize, Deserialize)]
struct PendingInvitation {
    tenant: Option<TenantId>,
    code: String,
}

/// A user code that was entered before sign-in, or that belongs to another tenant, kept until the person has signed in there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingUserCode {
    pub entry: CodeEntryId,
    pub code: String,
}

/// A message that the next page shows once.
#[derive(Clone, Serialize, Deserialize)]
pub struct Flash {
    /// The form or area it belongs to.
    pub target: FlashTarget,
    /// The id of what one tab does, if it belongs to that alone.
    #[serde(default)]
    pub about: String,
    /// One sentence.
    pub message: String,
    /// The time in the sentence.
    #[serde(default)]
    pub time: Option<NamedTime>,
    /// What was typed, so that it can be corrected.
    pub input: String,
    /// Seconds until the next attempt.
    pub wait: Option<u64>,
    /// A new secret, shown this once.
    #[serde(default)]
    pub secret: Option<String>,
    /// The only page that shows it.
    #[serde(default)]
    pub only_at: Option<String>,
    /// The tenant it is about: that of a code, or of a sign-in.
    pub tenant: Option<TenantId>,
    /// The provider's help page for people whose sign-in keeps failing.
    #[serde(default)]
    pub help: Option<ProviderHelp>,
}

/// A provider's help page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProviderHelp {
    pub provider: String,
    pub address: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FlashTarget {
    EnterCode,
    Consent,
    /// The confirmation checkbox of the consent page.
    Confirmation,
    Result,
    Report,
    /// A report was received.
    Reported,
    SignIn,
    SecondFactor,
    /// The user code of a link request.
    LinkCode,
    /// The decision on a link request.
    Link,
    /// Any list: a change succeeded.
    Success,
    /// Any page: a change was refused.
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

    /// A message about a successful change.
    pub fn said(sentence: impl Into<Sentence>) -> Self {
        let Sentence { text, time } = sentence.into();
        Self { time, ..Self::new(FlashTarget::Success, text) }
    }

    /// The sentence with its time.
    pub fn told(&self) -> Sentence {
        Sentence { text: self.message.clone(), time: self.time.clone() }
    }

    /// Shows it only on the page of that one tab's work.
    #[must_use]
    pub fn about(mut self, id: &str) -> Self {
        id.clone_into(&mut self.about);
        self
    }

    /// Shows a secret with it. The session is sealed, and returns the secret once.
    #[must_use]
    pub fn with_secret(mut self, path: &str, secret: &Secret) -> Self {
        self.secret = Some(secret.reveal().to_owned());
        self.only_at(path)
    }

    /// Shows it only on the page with this URL.
    #[must_use]
    pub fn only_at(mut self, address: &str) -> Self {
        self.only_at = Some(address.to_owned());
        self
    }

    /// Whether it reports a refusal.
    pub fn is_refusal(&self) -> bool {
        !matches!(self.target, FlashTarget::Success | FlashTarget::Reported)
    }

    /// Keeps what was typed, at most one line of it.
    #[must_use]
    pub fn with_input(mut self, typed: &str) -> Self {
        self.input = typed.chars().filter(|c| !c.is_control()).take(100).collect();
        self
    }
}

/// The session of one request, and the flash that this request has left in it.
#[derive(Clone)]
pub struct PortalSession(Session, Arc<Mutex<Option<Flash>>>);

impl PortalSession {
    pub fn new(session: Session) -> Self {
        Self(session, Arc::default())
    }

    /// The browser session, if there is one.
    pub async fn browser_session(&self, services: &Services, from: Option<IpAddr>) -> Result<Option<BrowserSession>, Fault> {
        let visitor: Option<BrowserInfo> = self.get(BROWSER_INFO).await?;
        Ok(visitor.map(|visitor| services.browser_session(visitor.session_id, from)))
    }

    /// The browser session, created if there is none.
    pub async fn start_session(&self, services: &Services, from: Option<IpAddr>, agent: &str) -> Result<BrowserSession, Fault> {
        if let Some(visit) = self.browser_session(services, from).await? {
            return Ok(visit);
        }
        let visitor =
            BrowserInfo { session_id: services.new_session_id()?, from, agent: agent.chars().filter(|c| !c.is_control()).take(300).collect() };
        self.set(BROWSER_INFO, &visitor).await?;
        Ok(services.browser_session(visitor.session_id, from))
    }

    /// Who signed in, if anyone.
    pub async fn sign_in_record(&self) -> Result<Option<SignInRecord>, Fault> {
        self.get(SIGNED_IN).await
    }

    /// Removes all but the browser, pending codes, and what belongs to this person or to no one yet.
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

    /// Signs a person in. The cookie's value is replaced first, so that one planted before sign-in is worthless, and data of other people
    /// in this browser is removed. What this person started in other tabs is kept.
    pub async fn sign_in(&self, identity: &AuthenticatedPerson, now: Timestamp) -> Result<(), Fault> {
        let same = self.sign_in_record().await?.is_some_and(|who| who.is_of(identity.tenant_id(), identity.user_id()));
        if !same {
            self.forget_other_people(identity.tenant_id(), identity.user_id()).await?;
        }
        self.0.cycle_id().await.map_err(Fault::new)?;
        let (tenant_id, user_id) = (identity.tenant_id().clone(), identity.user_id().clone());
        let AuthenticationTimes { at: proved_at, second_at } = identity.auth_times();
        self.set(SIGNED_IN, &SignInRecord { tenant_id, user_id, at: now, authenticated_at: proved_at, mfa_at: second_at }).await?;
        // Re-authentication may use a different provider; the session stays bound to the original one.
        let resting = self.upstream_session().await?;
        if let Some(through) =
            identity.upstream_session().filter(|through| !same || resting.is_some_and(|resting| resting.provider == through.provider))
        {
            self.set(UPSTREAM_SESSION, through).await?;
        }
        Ok(())
    }

    /// Stores a sign-in whose first factor was accepted, and the page to continue with. It signs no one in, but signs out any other person.
    pub async fn add_pending_mfa(&self, pending: &PendingMfa, return_to: &ReturnTo, now: Timestamp) -> Result<(), Fault> {
        if self.sign_in_record().await?.is_some_and(|who| !who.is_of(&pending.tenant_id, &pending.user_id)) {
            self.forget_other_people(&pending.tenant_id, &pending.user_id).await?;
            self.0.cycle_id().await.map_err(Fault::new)?;
        }
        self.insert_entry(&PENDING_MFA, pending.id.as_str(), (pending, return_to), now).await
    }

    /// The pending sign-in of a tab; without an id the newest, for forms of an earlier release.
    pub async fn pending_mfa(&self, id: &str, now: Timestamp) -> Result<Option<(PendingMfa, ReturnTo)>, Fault> {
        Ok(self.entry(&PENDING_MFA, id, now).await?.map(|kept| kept.value))
    }

    /// Whether its person has signed in here since it was started, in another tab.
    pub async fn has_finished(&self, pending: &PendingMfa) -> Result<bool, Fault> {
        Ok(self.sign_in_record().await?.is_some_and(|who| who.is_of(&pending.tenant_id, &pending.user_id) && pending.since <= who.at))
    }

    /// Stores the state of a passkey challenge until the browser responds.
    pub async fn add_passkey_challenge(&self, id: &str, state: &str, now: Timestamp) -> Result<(), Fault> {
        self.insert_entry(&PASSKEY_CHALLENGES, id, state, now).await
    }

    /// Takes it: a challenge is answered once.
    pub async fn take_passkey_challenge(&self, id: &str, now: Timestamp) -> Result<Option<String>, Fault> {
        self.take_entry(&PASSKEY_CHALLENGES, id, now).await
    }

    /// Stores an authenticator app's secret or a passkey challenge until the enrollment is complete; for a short time, because anyone who
    /// sees the screen knows the secret as well.
    pub async fn add_enrollment(&self, kind: EnrollmentKind, id: &str, state: &str, now: Timestamp) -> Result<(), Fault> {
        self.insert_entry(kind.slot(), id, state, now).await
    }

    pub async fn enrollment(&self, kind: EnrollmentKind, id: &str, now: Timestamp) -> Result<Option<Enrollment>, Fault> {
        let kept: Option<SlotEntry<String>> = self.entry(kind.slot(), id, now).await?;
        Ok(kept.map(|SlotEntry { id, since, value: what }| Enrollment { id, since, state: what }))
    }

    /// The newest one started since the last sign-in; another person may have seen an older one.
    pub async fn newest_enrollment(&self, kind: EnrollmentKind, now: Timestamp) -> Result<Option<Enrollment>, Fault> {
        let signed_in_at = self.sign_in_record().await?.map(|who| who.at);
        Ok(self.enrollment(kind, "", now).await?.filter(|ceremony| signed_in_at.is_some_and(|at| at < ceremony.since)))
    }

    pub async fn forget_enrollment(&self, kind: EnrollmentKind, id: &str, now: Timestamp) -> Result<(), Fault> {
        self.take_entry::<String>(kind.slot(), id, now).await.map(drop)
    }

    /// Stores new recovery codes; only this session can show them, for long enough to save them.
    pub async fn add_recovery_codes(&self, id: &str, codes: &Secret, now: Timestamp) -> Result<(), Fault> {
        // Older ones are no longer valid.
        self.take::<Vec<SlotEntry<String>>>(RECOVERY_CODES.name).await?;
        self.insert_entry(&RECOVERY_CODES, id, codes.reveal(), now).await
    }

    /// The codes, and when they were generated.
    pub async fn recovery_codes(&self, id: &str, now: Timestamp) -> Result<Option<(Secret, Timestamp)>, Fault> {
        let kept: Option<SlotEntry<String>> = self.entry(&RECOVERY_CODES, id, now).await?.filter(|_| !id.is_empty());
        Ok(kept.map(|kept| (Secret::from_plaintext(kept.value), kept.since)))
    }

    /// Stores a login that starts at a provider.
    pub async fn add_upstream_login(&self, login: &PendingUpstreamLogin, now: Timestamp) -> Result<(), Fault> {
        self.insert_entry(&UPSTREAM_LOGINS, &login.authorization.state, login, now).await
    }

    /// Takes the login with this state: a callback is accepted once. It stays recorded as spent.
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

    /// Stores an identity until its person confirms that it is to be linked.
    pub async fn add_identity_link(&self, id: &str, identity: &VerifiedIdentity, now: Timestamp) -> Result<(), Fault> {
        self.insert_entry(&PENDING_IDENTITY_LINKS, id, identity, now).await
    }

    pub async fn identity_link(&self, id: &str, now: Timestamp) -> Result<Option<VerifiedIdentity>, Fault> {
        Ok(self.entry(&PENDING_IDENTITY_LINKS, id, now).await?.map(|kept| kept.value))
    }

    pub async fn take_identity_link(&self, id: &str, now: Timestamp) -> Result<Option<VerifiedIdentity>, Fault> {
        self.take_entry(&PENDING_IDENTITY_LINKS, id, now).await
    }

    /// Stores the accounts that a provider asserts until the person selects those to link.
    pub async fn add_account_proposal(&self, id: &str, proposal: &AccountProposal, now: Timestamp) -> Result<(), Fault> {
        self.insert_entry(&ACCOUNT_PROPOSALS, id, proposal, now).await
    }

    pub async fn account_proposal(&self, id: &str, now: Timestamp) -> Result<Option<AccountProposal>, Fault> {
        Ok(self.entry(&ACCOUNT_PROPOSALS, id, now).await?.map(|kept| kept.value))
    }

    pub async fn forget_account_proposal(&self, id: &str, now: Timestamp) -> Result<(), Fault> {
        self.take_entry::<AccountProposal>(&ACCOUNT_PROPOSALS, id, now).await.map(drop)
    }

    /// An invitation that was entered before sign-in: the tab's own, or the newest for that tenant.
    pub async fn invitation(&self, id: &str, tenant: Option<&TenantId>) -> Result<Option<(String, String)>, Fault> {
        let all: Vec<SlotEntry<PendingInvitation>> = self.entries(&INVITATIONS).await?;
        let own = all.iter().find(|kept| kept.id == id);
        let found = own.or_else(|| all.iter().find(|kept| kept.value.tenant.as_ref() == tenant && tenant.is_some()));
        Ok(found.map(|kept| (kept.id.clone(), kept.value.code.clone())))
    }

    pub async fn add_invitation(&self, id: &str, tenant: Option<TenantId>, code: &str, now: Timestamp) -> Result<(), Fault> {
        self.insert_entry(&INVITATIONS, id, PendingInvitation { tenant, code: code.to_owned() }, now).await
    }

    /// Removes that invitation; without an id, all for that tenant.
    pub async fn forget_invitations(&self, id: &str, tenant: Option<&TenantId>) -> Result<(), Fault> {
        let mut all: Vec<SlotEntry<PendingInvitation>> = self.entries(&INVITATIONS).await?;
        all.retain(|kept| if id.is_empty() { kept.value.tenant.as_ref() != tenant } else { kept.id != id });
        self.set_entries(&INVITATIONS, &all).await
    }

    /// Changes the cookie's value, after a change of the person's credentials.
    pub async fn renew(&self) -> Result<(), Fault> {
        self.0.cycle_id().await.map_err(Fault::new)
    }

    /// Whether the session will be saved under another id than the browser's cookie has: it is new or was renewed.
    pub fn will_be_renewed(&self) -> bool {
        self.0.id().is_none()
    }

    /// Ends the session, here and in the database.
    pub async fn end(&self) -> Result<(), Fault> {
        self.0.flush().await.map_err(Fault::new)
    }

    /// The provider's session that this one depends on.
    pub async fn upstream_session(&self) -> Result<Option<UpstreamSession>, Fault> {
        self.get(UPSTREAM_SESSION).await
    }

    /// Ends the session; what remains knows where to sign out at the institution, and nothing about the person.
    pub async fn end_with_upstream_logout(&self, elsewhere: &PendingUpstreamLogout) -> Result<(), Fault> {
        self.0.clear().await;
        self.0.cycle_id().await.map_err(Fault::new)?;
        self.set(UPSTREAM_LOGOUT, elsewhere).await
    }

    pub async fn upstream_logout(&self) -> Result<Option<PendingUpstreamLogout>, Fault> {
        self.get(UPSTREAM_LOGOUT).await
    }

    /// Takes the URL for signing out at the institution, if it was not used yet.
    pub async fn take_end_session_url(&self) -> Result<Option<String>, Fault> {
        let Some(mut here) = self.upstream_logout().await? else { return Ok(None) };
        let address = here.end_session_url.take();
        self.set(UPSTREAM_LOGOUT, &here).await?;
        Ok(address)
    }

    /// The person has signed out there too, or signs in again.
    pub async fn forget_upstream_logout(&self) -> Result<(), Fault> {
        self.take::<PendingUpstreamLogout>(UPSTREAM_LOGOUT).await.map(drop)
    }

    /// Signs out but keeps what was pending, to continue as another person.
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

    /// The code of this entry; without an id, the last one entered.
    pub async fn pending_user_code(&self, entry: Option<&CodeEntryId>) -> Result<Option<PendingUserCode>, Fault> {
        let typed = self.pending_user_codes().await?;
        Ok(typed.into_iter().find(|typed| entry.is_none_or(|entry| typed.entry == *entry)))
    }

    /// The code that a sign-in which continues with `return_to` submits: the one it is for, or the last one if it is for nothing else.
    pub async fn pending_user_code_for(&self, return_to: &ReturnTo) -> Result<Option<PendingUserCode>, Fault> {
        match return_to.code_entry() {
            None if *return_to != ReturnTo::default() => Ok(None),
            entry => self.pending_user_code(entry.as_ref()).await,
        }
    }

    /// Keeps a code until sign-in, in several tabs if need be.
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

    /// The flash that this request has left.
    pub fn request_flash(&self) -> Option<Flash> {
        self.1.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn drafts(&self) -> Result<Vec<FormDraft>, Fault> {
        Ok(self.get(DRAFTS).await?.unwrap_or_default())
    }

    /// Stores the values of a form that was not carried out.
    pub async fn save_draft(&self, draft: FormDraft) -> Result<(), Fault> {
        let mut drafts = self.drafts().await?;
        form::save_draft(&mut drafts, draft);
        self.set(DRAFTS, &drafts).await
    }

    pub async fn draft(&self, id: &str) -> Result<Option<FormDraft>, Fault> {
        Ok(self.drafts().await?.into_iter().find(|draft| draft.id == id))
    }

    /// Removes the values of a form that has been carried out.
    pub async fn discard_draft(&self, account: &str, page: &str, action: &str) -> Result<(), Fault> {
        let mut drafts = self.drafts().await?;
        let before = drafts.len();
        form::discard_draft(&mut drafts, account, page, action);
        if drafts.len() == before { Ok(()) } else { self.set(DRAFTS, &drafts).await }
    }

    /// Takes the flash for this target, if any.
    pub async fn take_flash(&self, place: FlashTarget) -> Result<Option<Flash>, Fault> {
        self.take_flash_at(&[place], "").await
    }

    /// The same for what one tab does.
    pub async fn take_flash_about(&self, place: FlashTarget, about: &str) -> Result<Option<Flash>, Fault> {
        self.take_flash_if(|notice| notice.target == place && notice.about == about).await
    }

    /// The same on the page with that path, for any of these targets.
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

    /// Stores what a tab does under its id.
    async fn insert_entry(&self, slot: &Slot, id: &str, what: impl Serialize, since: Timestamp) -> Result<(), Fault> {
        let mut all: Vec<SlotEntry<serde_json::Value>> = self.entries(slot).await?;
        all.retain(|kept| kept.id != id && since < kept.since + slot.lifetime);
        all.truncate(MAX_SLOT_ENTRIES - 1);
        all.insert(0, SlotEntry { id: id.to_owned(), since, value: serde_json::to_value(what).map_err(Fault::new)? });
        self.set_entries(slot, &all).await
    }

    /// What is stored under an id, if it has not expired; without an id, the newest.
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
        decoded_or_absent(self.0.get(key).await)
    }

    async fn set(&self, key: &str, value: &(impl Serialize + Sync)) -> Result<(), Fault> {
        self.0.insert(key, value).await.map_err(Fault::new)
    }

    async fn take<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Fault> {
        decoded_or_absent(self.0.remove(key).await)
    }
}

/// A value that another release stored in another form counts as absent: what was in progress starts again.
fn decoded_or_absent<T>(value: Result<Option<T>, tower_sessions::session::Error>) -> Result<Option<T>, Fault> {
    match value {
        Err(tower_sessions::session::Error::SerdeJson(_)) => Ok(None),
        value => value.map_err(Fault::new),
    }
}

#[cfg(test)]
mod tests {
    use tower_sessions::session::Error;
    use tower_sessions::session_store;

    use super::decoded_or_absent;

    #[test]
    fn a_value_in_another_form_counts_as_absent() {
        let error = serde_json::from_str::<u8>("\"text\"").expect_err("no number");
        assert!(matches!(decoded_or_absent::<u8>(Err(Error::SerdeJson(error))), Ok(None)));
        assert!(decoded_or_absent::<u8>(Err(Error::Store(session_store::Error::Backend("broken".into())))).is_err());
    }
}
