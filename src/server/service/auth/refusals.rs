//! Records refused authentications: a log line, and an audit event when a client's or administrator's secret is guessed.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::FutureExt;

use crate::domain::attempts::network_key;
use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::ids::{AdminId, ClientId, TenantId, UserId};
use crate::domain::refused_authentication::{AuthenticationFailure, ClaimedName, CredentialKind, RefusedAuthentication};
use crate::domain::refused_request::RefusedRequest;
use crate::server::metrics;
use crate::server::request_id;
use crate::server::service::auth::attempts;
use crate::server::service::platform::refusal_log::Suppressed;
use crate::server::service::{Fault, Services};
use crate::server::storage::{admins, audit_log, clients};

/// The target of the log lines. Part of their documented format (docs/reference.md).
const TARGET: &str = "tms_portal::refusals";

/// At most one audit event about guessing per client or administrator in this time.
const GUESSING_AUDIT_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Whose secret was presented.
#[derive(Clone, Debug)]
pub enum SecretOwner {
    Client(ClientId),
    Admin(AdminId),
}

impl SecretOwner {
    pub fn kind(&self) -> CredentialKind {
        match self {
            Self::Client(_) => CredentialKind::ClientSecret,
            Self::Admin(_) => CredentialKind::AdminSecret,
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Self::Client(id) => id.as_str(),
            Self::Admin(id) => id.as_str(),
        }
    }
}

impl Services {
    /// Logs a refused authentication; at most a few lines per minute for each kind and network, the others are counted.
    pub fn log_refusal(&self, refused: &RefusedAuthentication<'_>) {
        metrics::record(|metrics| metrics.count_refusal(refused.kind, refused.failure));
        let network = refused.from.map_or_else(|| "-".to_owned(), network);
        let (logged, ended) = self.shared.refusal_log.record(refused.kind, network, self.now());
        log_suppressed(&ended);
        if logged {
            let address = refused.from.map_or_else(|| "-".to_owned(), |from| from.to_canonical().to_string());
            tracing::warn!(
                target: TARGET,
                kind = %refused.kind.as_str(),
                tenant = %refused.tenant.loggable(),
                name = %refused.name.loggable(),
                address = %address,
                reason = %refused.failure.as_str(),
                "Authentication refused"
            );
        }
    }

    /// Logs how many refusals were not logged in the minutes that have passed.
    pub(in crate::server::service) fn log_suppressed_refusals(&self) {
        log_suppressed(&self.shared.refusal_log.take_ended(self.now()));
    }

    /// As [`Self::log_suppressed_refusals`], before the portal stops.
    pub(in crate::server::service) fn log_all_suppressed_refusals(&self) {
        log_suppressed(&self.shared.refusal_log.take_all());
    }

    /// Logs what a person of a tenant presented.
    pub(in crate::server::service) fn log_refusal_of_person(
        &self,
        kind: CredentialKind,
        (tenant, person): (&TenantId, &UserId),
        from: Option<IpAddr>,
        failure: AuthenticationFailure,
    ) {
        let (tenant, name) = (ClaimedName::Registered(tenant.as_str()), ClaimedName::Registered(person.as_str()));
        self.log_refusal(&RefusedAuthentication { kind, tenant, name, from, failure });
    }

    /// Writes an audit event that a limit on wrong secrets is reached; at most one per client or administrator and hour, from any address,
    /// and none for one that does not exist, so that callers cannot fill the audit log.
    pub async fn record_secret_guessing(&self, tenant: &TenantId, owner: &SecretOwner, from: Option<IpAddr>) -> Result<(), Fault> {
        let (now, counter) = (self.now(), format!("{} {tenant}/{}", owner.kind().as_str(), owner.name()));
        if !self.shared.guessing_throttle.is_due(counter.clone(), now) {
            return Ok(());
        }
        let (tenant, owner) = (tenant.clone(), owner.clone());
        let event = AuditEvent::new(tenant.clone(), AuditKind::SecretGuessingStopped, now).subject(owner.name()).from(from);
        self.write(move |db| {
            async move {
                let (exists, event) = match &owner {
                    SecretOwner::Client(id) => (clients::find(&mut *db, &tenant, id).await?.is_some(), event.client(id)),
                    SecretOwner::Admin(id) => (admins::find(&mut *db, &tenant, id).await?.is_some(), event),
                };
                if exists && attempts::is_first_report(db, &counter, GUESSING_AUDIT_INTERVAL, now).await? {
                    audit_log::insert(db, &event).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
    }
}

impl Services {
    /// Records in the background that a request of a registered client was refused, once a minute for each client and reason.
    pub fn record_refused_request(&self, tenant: &TenantId, client: &ClientId, refused: &RefusedRequest, from: Option<IpAddr>) {
        let now = self.now();
        if !self.shared.refused_request_throttle.is_due((tenant.clone(), client.clone(), refused.reason), now) {
            return;
        }
        let event = AuditEvent::new(tenant.clone(), AuditKind::ClientRequestRefused, now).client(client).subject(refused.to_string()).from(from);
        let services = self.clone();
        request_id::spawn(async move {
            let written = services.write(move |db| async move { audit_log::insert(db, &event).await }.boxed()).await;
            if let Err(fault) = written
                && !fault.is_logged()
            {
                tracing::warn!(error = %fault, "A refused request of a client could not be recorded");
            }
        });
    }
}

/// The network of an address, as refusals are counted.
fn network(address: IpAddr) -> String {
    let key = network_key(address);
    key.strip_prefix("network ").map_or(key.clone(), str::to_owned)
}

fn log_suppressed(suppressed: &[Suppressed]) {
    for Suppressed { kind, network, count } in suppressed {
        tracing::warn!(target: TARGET, kind = %kind.as_str(), network = %network, suppressed = count, "Authentication refusals not logged");
    }
}
