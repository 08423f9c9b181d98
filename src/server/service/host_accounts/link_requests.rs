//! Link requests: a host asks to link one of its accounts to the person logged in to it (docs/decisions/0016). The person's answer is in
//! [`super::link_decisions`].

use std::net::IpAddr;
use std::time::Duration;

use futures_util::FutureExt;
use thiserror::Error as ThisError;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::device_grant::INTERVAL;
use crate::domain::host_account::is_system_account;
use crate::domain::ids::{AccountName, LinkRequestId};
use crate::domain::link_request::{LinkRequest, LinkRequestState, LinkStatus, MAX_CODE_LIFETIME, MAX_PENDING_PER_HOST, is_personal_uid};
use crate::domain::user_code::UserCode;
use crate::server::service::auth::principals::AuthenticatedHost;
use crate::server::service::platform::rng::{self, Secret};
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::{self, Connection, audit_log, hosts, link_requests};

/// Kind under which the secrets of link requests are hashed.
const LINK_SECRET: &str = "link secret";
/// Kind under which their user codes are hashed: other than for devices, so that neither is accepted for the other.
pub(in crate::server::service) const LINK_CODE: &str = "link code";
/// Attempts to draw a free code.
const MAX_DRAWS: usize = 5;

/// The response to the host.
pub struct StartedLinkRequest {
    /// The secret with which the host polls for the result.
    pub secret: Secret,
    pub user_code: UserCode,
    pub expires_in: Duration,
    pub interval: Duration,
    /// Whether to send a URL with the code, as the tenant's policy decides.
    pub complete_uri: bool,
}

/// Why a link request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkRequestRefused {
    TenantDisabled,
    /// The account runs the host and belongs to no person.
    SystemAccount,
    TooManyPending,
}

#[derive(Debug, ThisError)]
#[error("no free user code in {MAX_DRAWS} draws")]
struct LinkCodeDrawError;

impl Services {
    /// Starts a link request for an account that a user of the host is logged in to, as the host asserts. Returns the codes.
    pub async fn start_link_request(
        &self,
        host: &AuthenticatedHost,
        account: &AccountName,
        uid: u32,
        from: Option<IpAddr>,
    ) -> Result<StartedLinkRequest, Error<LinkRequestRefused>> {
        let policy = self.enabled_tenant(&host.tenant_id).await?.ok_or(Error::Refused(LinkRequestRefused::TenantDisabled))?.policy;
        if is_system_account(account.as_str()) || !is_personal_uid(uid, policy.lowest_linked_uid) {
            return Err(Error::Refused(LinkRequestRefused::SystemAccount));
        }
        let (now, expires_in) = (self.now(), policy.code_lifetime.min(MAX_CODE_LIFETIME));
        for _ in 0..MAX_DRAWS {
            let request = LinkRequest {
                tenant_id: host.tenant_id.clone(),
                id: LinkRequestId::parse(self.new_id("lnk")).map_err(Fault::new)?,
                host: host.host.clone(),
                account: account.clone(),
                uid,
                requested_at: now,
                expires_at: now + expires_in,
                claim: None,
                state: LinkRequestState::Pending,
            };
            let (secret, user_code) = (Secret::generate(self.rng()), rng::user_code(self.rng()));
            let hashes = (self.keys().hash(LINK_SECRET, secret.reveal()), self.keys().hash(LINK_CODE, user_code.letters()));
            if self.try_write(move |db| insert_request(db, request, hashes, from).boxed()).await? {
                return Ok(StartedLinkRequest { secret, user_code, expires_in, interval: INTERVAL, complete_uri: policy.prefill_user_code });
            }
        }
        Err(Fault::new(LinkCodeDrawError).into())
    }

    /// Status of a request of this host. `None` if it is another host's or was deleted.
    pub async fn link_request_status(&self, host: &AuthenticatedHost, secret: &str) -> Result<Option<LinkStatus>, Error<LinkRequestRefused>> {
        self.enabled_tenant(&host.tenant_id).await?.ok_or(Error::Refused(LinkRequestRefused::TenantDisabled))?;
        for hash in self.keys().hashes(LINK_SECRET, secret) {
            let found = link_requests::find_of_host(self.storage().reader(), &host.tenant_id, &host.host, &hash).await?;
            if let Some(request) = found {
                return Ok(Some(request.status(self.now())));
            }
        }
        Ok(None)
    }

    /// Cancels a pending request after its user has disconnected; an answered one is unchanged. Returns the number of requests deleted.
    /// Like expiry, it causes no audit event.
    pub async fn cancel_link_request(&self, host: &AuthenticatedHost, secret: &str) -> Result<u64, Error<LinkRequestRefused>> {
        self.enabled_tenant(&host.tenant_id).await?.ok_or(Error::Refused(LinkRequestRefused::TenantDisabled))?;
        let (host, hashes) = (host.clone(), self.keys().hashes(LINK_SECRET, secret));
        let cancel = self.write(move |db| {
            async move {
                let mut deleted = 0;
                for hash in &hashes {
                    deleted += link_requests::cancel(db, &host.tenant_id, &host.host, hash).await?;
                }
                Ok(deleted)
            }
            .boxed()
        });
        Ok(cancel.await?)
    }
}

/// False if one of the secrets is in use: draw again.
async fn insert_request(
    db: &mut Connection,
    request: LinkRequest,
    (secret, user_code): (Vec<u8>, Vec<u8>),
    from: Option<IpAddr>,
) -> Result<bool, Error<LinkRequestRefused>> {
    if link_requests::count_other_pending(db, &request).await? >= MAX_PENDING_PER_HOST {
        return Err(Error::Refused(LinkRequestRefused::TooManyPending));
    }
    let taken = !link_requests::replace(db, &request, &secret, &user_code).await?;
    if !taken {
        let record = AuditEvent::new(request.tenant_id.clone(), AuditKind::HostLinkRequested, request.requested_at).from(from);
        let record = about_link(db, record, &request).await?;
        audit_log::insert(db, &record).await?;
    }
    Ok(!taken)
}

/// Names the account in an audit event: with the host's own name, not the one that its credential is stored under.
pub(in crate::server::service) async fn about_link(
    db: &mut Connection,
    event: AuditEvent,
    request: &LinkRequest,
) -> Result<AuditEvent, storage::Error> {
    let host = hosts::canonical_name(db, &request.tenant_id, &request.host).await?;
    Ok(event.subject(format!("{}@{host}", request.account)).on(&host, &request.account))
}
