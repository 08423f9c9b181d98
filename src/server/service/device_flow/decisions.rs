//! A person's decisions on device grants: approve, deny, revoke.

use std::collections::BTreeSet;

use futures_util::FutureExt;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::authorization::{Authorization, AuthorizationEnd, AuthorizationOrigin, AuthorizationState, RequestSource};
use crate::domain::client::RequestRefused;
use crate::domain::consent;
use crate::domain::delegation::Creator;
use crate::domain::device_grant::{Consent, DecisionRefused, DeviceGrant, DeviceGrantState};
use crate::domain::ids::{AuthorizationId, DelegationId, DeviceGrantId};
use crate::domain::time::Timestamp;
use crate::server::service::auth::browser_sessions::still_signed_in;
use crate::server::service::auth::principals::{ConsentAuthorized, SignedIn};
use crate::server::service::authorizations::ending::{end_authorization, end_by_person};
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::delegations::NewDelegation;
use crate::server::storage::{self, Connection, audit_log, authorizations, clients, delegations, device_grants, host_accounts, tenants};
use crate::server::user_agent;

impl Services {
    /// Approves a device grant: authorization, delegation, state and audit event are written in one transaction.
    pub async fn approve_device(
        &self,
        ConsentAuthorized(person): &ConsentAuthorized,
        grant: &DeviceGrantId,
        consent: Consent,
    ) -> Result<(), Error<DecisionRefused>> {
        let delegation = DelegationId::parse(self.new_id("dlg")).map_err(Fault::new)?;
        let decision = Decision::new(self, person, grant);
        self.try_write(move |db| approve(db, decision, consent, delegation).boxed()).await
    }

    /// Denies a device grant: nothing is shared, and the device is told at its next poll.
    pub async fn deny_device(&self, person: &SignedIn, grant: &DeviceGrantId) -> Result<(), Error<DecisionRefused>> {
        let decision = Decision::new(self, person, grant);
        self.try_write(move |db| deny(db, decision).boxed()).await
    }

    /// Revokes an approval, redeemed or not.
    pub async fn revoke_device(&self, person: &SignedIn, grant: &DeviceGrantId) -> Result<(), Error<DecisionRefused>> {
        let decision = Decision::new(self, person, grant);
        self.try_write(move |db| revoke(db, decision).boxed()).await
    }

    /// Expires approved grants that were not redeemed in time.
    pub(in crate::server::service) async fn expire_unredeemed_grants(&self) -> Result<(), Fault> {
        /// Each takes several statements.
        const BATCH: u32 = 50;
        let now = self.now();
        self.in_batches(BATCH, move |db, limit| expire_unredeemed(db, now, limit).boxed()).await
    }
}

/// Who decides on which grant, and when.
struct Decision {
    person: SignedIn,
    grant: DeviceGrantId,
    now: Timestamp,
}

impl Decision {
    fn new(services: &Services, person: &SignedIn, grant: &DeviceGrantId) -> Self {
        Self { person: person.clone(), grant: grant.clone(), now: services.now() }
    }

    async fn load(&self, db: &mut Connection) -> Result<DeviceGrant, Error<DecisionRefused>> {
        let found = device_grants::find(db, self.person.tenant_id(), &self.grant).await?;
        found.ok_or(Error::Refused(DecisionRefused::NotYours))
    }

    fn audit_event(&self, kind: AuditKind, grant: &DeviceGrant) -> AuditEvent {
        AuditEvent::new(grant.tenant_id.clone(), kind, self.now)
            .of(self.person.user_id())
            .about(&grant.client_id, &grant.id)
            .from(self.person.session().from)
    }
}

async fn approve(db: &mut Connection, decision: Decision, consent: Consent, delegation: DelegationId) -> Result<(), Error<DecisionRefused>> {
    let Decision { person, now, .. } = &decision;
    if !still_signed_in(db, person, *now).await? {
        return Err(Error::Refused(DecisionRefused::NotYours));
    }
    let grant = decision.load(db).await?;
    let before = grant.state.clone();
    let until = *now + consent.lifetime;
    let approved = grant.approve(&person.claimant(), *now).map_err(Error::Refused)?;
    // Client and tenant as they are now, not as they were when the page was rendered.
    let found = clients::find(&mut *db, &approved.tenant_id, &approved.client_id).await?;
    let not_allowed = |refused| Error::Refused(DecisionRefused::NotAllowed(refused));
    let client = found.ok_or(not_allowed(RequestRefused::Disabled))?.client;
    let approved = approved.restrict_to_client(&client).map_err(not_allowed)?.restrict_to_shown(consent.shown_scope.as_ref());
    if approved.allowed_scope().is_empty() && approved.resources.is_empty() {
        return Err(not_allowed(RequestRefused::NoScopeLeft));
    }
    let tenant = tenants::find(&mut *db, person.tenant_id()).await?.filter(|tenant| tenant.enabled);
    let tenant = tenant.ok_or(Error::Refused(DecisionRefused::NotYours))?;
    consent::check(&consent, tenant.policy.require_started_tick, &consent::lifetimes(&tenant.policy, None)).map_err(Error::Refused)?;
    let linked = host_accounts::of_person(&mut *db, person.tenant_id(), person.user_id()).await?;
    let active: BTreeSet<_> = linked.iter().filter(|account| account.is_active(*now)).map(|account| &account.id).collect();
    if !consent.host_accounts.iter().all(|id| active.contains(id)) {
        return Err(Error::Refused(DecisionRefused::HostAccountNotYours));
    }
    let authorization = authorization_of(&approved, person, until, *now);
    authorizations::insert(db, &authorization).await?;
    save(db, &before, &approved).await?;
    let new = NewDelegation {
        tenant_id: &authorization.tenant_id,
        id: delegation,
        client_id: &authorization.client_id,
        user_id: &authorization.person,
        authorization_id: Some(&authorization.id),
        made_by: Creator::Person,
        scope: &authorization.scope,
        expires_at: until,
    };
    // Without a permission of the TMS API the delegation permits nothing, and lists the access among the person's applications.
    let permits_something = !authorization.scope.delegated().is_empty();
    let host_accounts: BTreeSet<_> = consent.host_accounts.into_iter().filter(|_| permits_something).collect();
    delegations::insert(db, &new, &Vec::from_iter(host_accounts), *now).await?;
    let record = decision.audit_event(AuditKind::DeviceApproved, &approved);
    audit_log::insert(
        db,
        &match user_agent::program_at(&approved.requested.agent, approved.requested.from) {
            Some(device) => record.subject(device),
            None => record,
        },
    )
    .await?;
    Ok(())
}

/// The authorization that the approval of a grant makes; it has the grant's id.
fn authorization_of(approved: &DeviceGrant, person: &SignedIn, until: Timestamp, now: Timestamp) -> Authorization {
    Authorization {
        tenant_id: approved.tenant_id.clone(),
        id: AuthorizationId::from(&approved.id),
        client_id: approved.client_id.clone(),
        person: person.user_id().clone(),
        origin: AuthorizationOrigin::Device,
        scope: approved.allowed_scope().clone(),
        resources: approved.resources.clone(),
        given: RequestSource { at: now, from: approved.requested.from, agent: approved.requested.agent.clone() },
        access_until: until,
        last_used: None,
        state: AuthorizationState::Live,
    }
}

async fn deny(db: &mut Connection, decision: Decision) -> Result<(), Error<DecisionRefused>> {
    let grant = decision.load(db).await?;
    let before = grant.state.clone();
    let denied = grant.deny(&decision.person.claimant(), decision.now).map_err(Error::Refused)?;
    save(db, &before, &denied).await?;
    audit_log::insert(db, &decision.audit_event(AuditKind::DeviceDenied, &denied)).await?;
    Ok(())
}

async fn revoke(db: &mut Connection, decision: Decision) -> Result<(), Error<DecisionRefused>> {
    let grant = decision.load(db).await?;
    let found = authorizations::find(&mut *db, &grant.tenant_id, &AuthorizationId::from(&grant.id)).await?;
    // Not approved, or deleted since.
    let authorization = found.ok_or(Error::Refused(DecisionRefused::AlreadyDecided))?;
    if authorization.person != *decision.person.user_id() {
        return Err(Error::Refused(DecisionRefused::NotYours));
    }
    let ended = end_by_person(db, &decision.person, authorization, decision.now).await?;
    ended.map(|_| ()).ok_or(Error::Refused(DecisionRefused::AlreadyDecided))
}

/// Expires at most `limit` grants, with their authorizations. Returns how many there were.
async fn expire_unredeemed(db: &mut Connection, now: Timestamp, limit: u32) -> Result<u64, storage::Error> {
    let mut expired_grants = 0;
    for grant in device_grants::expired_unredeemed(&mut *db, now, limit).await? {
        let Some(authorization) = authorizations::find(&mut *db, &grant.tenant_id, &AuthorizationId::from(&grant.id)).await? else {
            // Of a person who does not exist any more.
            let before = grant.state.clone();
            if let Some(expired) = grant.expire_unredeemed(now) {
                expired_grants += u64::from(device_grants::transition(db, &before, &expired).await?);
            }
            continue;
        };
        let record =
            AuditEvent::new(grant.tenant_id.clone(), AuditKind::DeviceExpired, now).of(&authorization.person).about(&grant.client_id, &grant.id);
        expired_grants += u64::from(end_authorization(db, authorization, AuthorizationEnd::Unredeemed, &record).await?.is_some());
    }
    Ok(expired_grants)
}

async fn save(db: &mut Connection, before: &DeviceGrantState, decided: &DeviceGrant) -> Result<(), Error<DecisionRefused>> {
    let first = device_grants::transition(db, before, decided).await?;
    first.then_some(()).ok_or(Error::Refused(DecisionRefused::AlreadyDecided))
}
