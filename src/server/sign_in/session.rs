//! The contents of a browser session, each with a name defined once.

mod drafts;
pub mod flash;
mod invitations;
pub mod second_factors;
mod slots;
pub mod upstream;
pub mod user_codes;

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tower_sessions::{Session, session, session_store};

use crate::domain::form;
use crate::domain::ids::{SessionId, TenantId, UserId};
use crate::domain::paths::ReturnTo;
use crate::domain::step_up::AuthenticationTimes;
use crate::domain::time::Timestamp;
use crate::server::service::auth::people::AuthenticatedPerson;
use crate::server::service::auth::principals::BrowserSession;
use crate::server::service::auth::second_factors::pending_mfa::PendingMfa;
use crate::server::service::{Fault, Services};
use crate::server::sign_in::session::drafts::DRAFTS;
use crate::server::sign_in::session::flash::Flash;
use crate::server::sign_in::session::second_factors::PENDING_MFA;
use crate::server::sign_in::session::slots::SlotEntry;
use crate::server::sign_in::session::upstream::{PendingUpstreamLogin, UPSTREAM_LOGINS, UPSTREAM_SESSION};
use crate::server::sign_in::session::user_codes::{PENDING_USER_CODES, PendingUserCode};

pub(super) const BROWSER_INFO: &str = "visitor";
pub(super) const SIGNED_IN: &str = "signed_in";
const CHOSEN_TENANT: &str = "chosen_tenant";

/// The longest lifetime of any session.
const SESSION_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// A fault of the session; one of the store's backend is temporary.
fn session_fault(error: session::Error) -> Fault {
    match error {
        session::Error::Store(session_store::Error::Backend(_)) => Fault::temporary(error),
        _ => Fault::new(error),
    }
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

/// The session of one request, and the flash that this request has left in it.
#[derive(Clone)]
pub struct PortalSession(Session, Arc<Mutex<Option<Flash>>>);

impl PortalSession {
    pub fn new(session: Session) -> Self {
        Self(session, Arc::default())
    }

    /// The browser session, if there is one.
    pub async fn browser_session(&self, services: &Services, from: Option<IpAddr>) -> Result<Option<BrowserSession>, Fault> {
        let browser: Option<BrowserInfo> = self.get(BROWSER_INFO).await?;
        Ok(browser.map(|browser| services.browser_session(browser.session_id, from)))
    }

    /// The browser session, created if there is none.
    pub async fn start_session(&self, services: &Services, from: Option<IpAddr>, agent: &str) -> Result<BrowserSession, Fault> {
        if let Some(browser) = self.browser_session(services, from).await? {
            return Ok(browser);
        }
        let browser =
            BrowserInfo { session_id: services.new_session_id()?, from, agent: agent.chars().filter(|c| !c.is_control()).take(300).collect() };
        self.set(BROWSER_INFO, &browser).await?;
        Ok(services.browser_session(browser.session_id, from))
    }

    /// Who signed in, if anyone.
    pub async fn sign_in_record(&self) -> Result<Option<SignInRecord>, Fault> {
        self.get(SIGNED_IN).await
    }

    /// Removes all but the browser, pending codes, and what belongs to this person or to no one yet.
    async fn forget_other_people(&self, tenant: &TenantId, user: &UserId) -> Result<(), Fault> {
        let (browser, typed) = (self.get::<BrowserInfo>(BROWSER_INFO).await?, self.pending_user_codes().await?);
        let account = form::account(tenant.as_str(), user.as_str());
        let mut drafts = self.drafts().await?;
        drafts.retain(|draft| draft.account == account);
        let mut halves: Vec<SlotEntry<(PendingMfa, ReturnTo)>> = self.entries(&PENDING_MFA).await?;
        halves.retain(|kept| kept.value.0.belongs_to(tenant, user));
        let mut logins: Vec<SlotEntry<PendingUpstreamLogin>> = self.entries(&UPSTREAM_LOGINS).await?;
        logins.retain(|kept| kept.value.authorization.may_belong_to(tenant, user));
        self.0.clear().await;
        if !drafts.is_empty() {
            self.set(DRAFTS, &drafts).await?;
        }
        if let Some(browser) = browser {
            self.set(BROWSER_INFO, &browser).await?;
        }
        if !typed.is_empty() {
            self.set(PENDING_USER_CODES, &typed).await?;
        }
        self.set_entries(&PENDING_MFA, &halves).await?;
        self.set_entries(&UPSTREAM_LOGINS, &logins).await
    }

    /// Signs a person in. The cookie's value is replaced first, so that one planted before sign-in is worthless, and data of other people
    /// in this browser is removed. What this person started in other tabs is kept.
    pub async fn sign_in(&self, identity: &AuthenticatedPerson, now: Timestamp) -> Result<(), Fault> {
        let same = self.sign_in_record().await?.is_some_and(|who| who.is_of(identity.tenant_id(), identity.user_id()));
        if !same {
            self.forget_other_people(identity.tenant_id(), identity.user_id()).await?;
        }
        self.0.cycle_id().await.map_err(session_fault)?;
        let (tenant_id, user_id) = (identity.tenant_id().clone(), identity.user_id().clone());
        let AuthenticationTimes { at: authenticated_at, second_at } = identity.auth_times();
        self.set(SIGNED_IN, &SignInRecord { tenant_id, user_id, at: now, authenticated_at, mfa_at: second_at }).await?;
        // Re-authentication may use a different provider; the session stays bound to the original one.
        let resting = self.upstream_session().await?;
        if let Some(through) =
            identity.upstream_session().filter(|through| !same || resting.is_some_and(|resting| resting.provider == through.provider))
        {
            self.set(UPSTREAM_SESSION, through).await?;
        }
        Ok(())
    }

    /// Changes the cookie's value, after a change of the person's credentials.
    pub async fn renew(&self) -> Result<(), Fault> {
        self.0.cycle_id().await.map_err(session_fault)
    }

    /// Whether the session will be saved under another id than the browser's cookie has: it is new or was renewed.
    pub fn will_be_renewed(&self) -> bool {
        self.0.id().is_none()
    }

    /// Ends the session, here and in the database.
    pub async fn end(&self) -> Result<(), Fault> {
        self.0.flush().await.map_err(session_fault)
    }

    /// Signs out but keeps what was pending, to continue as another person.
    pub async fn switch_tenant(&self, tenant: &TenantId, typed: Option<&PendingUserCode>) -> Result<(), Fault> {
        self.0.clear().await;
        self.0.cycle_id().await.map_err(session_fault)?;
        if let Some(typed) = typed {
            self.add_pending_user_code(typed).await?;
        }
        self.set(CHOSEN_TENANT, tenant).await
    }

    /// Signs out, to continue with another account of a tenant in the same browser session.
    pub async fn change_account(&self, tenant: &TenantId) -> Result<(), Fault> {
        let browser = self.get::<BrowserInfo>(BROWSER_INFO).await?;
        self.switch_tenant(tenant, None).await?;
        match browser {
            Some(browser) => self.set(BROWSER_INFO, &browser).await,
            None => Ok(()),
        }
    }

    pub async fn chosen_tenant(&self) -> Result<Option<TenantId>, Fault> {
        self.get(CHOSEN_TENANT).await
    }

    async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Fault> {
        Ok(self.0.get_value(key).await.map_err(session_fault)?.as_ref().and_then(decode))
    }

    async fn set(&self, key: &str, value: &(impl Serialize + Sync)) -> Result<(), Fault> {
        self.0.insert(key, value).await.map_err(session_fault)
    }

    async fn take<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Fault> {
        Ok(self.0.remove_value(key).await.map_err(session_fault)?.as_ref().and_then(decode))
    }
}

/// A value that another release stored in another form counts as absent: what was in progress starts again.
pub(super) fn decode<T: DeserializeOwned>(value: &Value) -> Option<T> {
    T::deserialize(value).ok()
}
