//! Sends logout tokens to clients (OpenID Connect Back-Channel Logout 1.0). No request waits for it: notices are queued in the transaction that ends
//! a session, and sent by a task.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::client::Client;
use crate::domain::client_uris::ClientUriKind;
use crate::domain::logout::{ClientLogoutClaims, LOGOUT_TOKEN_LIFETIME, LogoutEvents, next_attempt};
use crate::server::metrics::{self, LogoutNoticeResult};
use crate::server::providers::error::ProviderError;
use crate::server::service::authorizations::id_tokens::session_name;
use crate::server::service::{Fault, Services};
use crate::server::storage::logout_notices::{ClaimLimits, ClaimedNotice};
use crate::server::storage::{audit_log, client_uris, clients, logout_notices};

/// How long a claimed notice belongs to its sender: longer than a delivery takes. Sent again if the sender disappears.
const CLAIM_LIFETIME: Duration = Duration::from_secs(60);
/// Half of the places stay free for other clients than one that does not answer.
const AT_ONCE: ClaimLimits = ClaimLimits { total: 16, of_client: 8 };

impl Services {
    /// Sends notices that are due, a limited number. Returns how many there were.
    pub async fn send_logout_notices(&self) -> Result<usize, Fault> {
        let now = self.now();
        if !logout_notices::is_any_due(self.storage().reader(), now).await? {
            return Ok(0);
        }
        let claimed = self.write(move |db| async move { logout_notices::claim(db, now, now + CLAIM_LIFETIME, AT_ONCE).await }.boxed()).await?;
        let number = claimed.len();
        // A fault with one does not stop the others.
        let sent = join_all(claimed.into_iter().map(|notice| self.send_logout_notice(notice))).await;
        sent.into_iter().collect::<Result<(), Fault>>().map(|()| number)
    }

    async fn send_logout_notice(&self, notice: ClaimedNotice) -> Result<(), Fault> {
        let found = clients::find(self.storage().reader(), &notice.tenant_id, &notice.client_id).await?;
        let kind = ClientUriKind::BackchannelLogout;
        let endpoint = client_uris::find_endpoint(self.storage().reader(), &notice.tenant_id, &notice.client_id, kind).await?;
        let Some((found, endpoint)) = found.zip(endpoint) else {
            // Its address was removed in the meantime.
            return self.forget_logout_notice(notice).await;
        };
        let token = self.logout_token(&found.client, &notice)?;
        match self.shared.providers.send_logout_token(&endpoint, &token).await {
            Ok(()) => {
                metrics::record(|metrics| metrics.count_logout_notice(LogoutNoticeResult::Delivered));
                self.forget_logout_notice(notice).await
            }
            Err(error) => self.retry_logout_notice(notice, error.truncated()).await,
        }
    }

    async fn forget_logout_notice(&self, notice: ClaimedNotice) -> Result<(), Fault> {
        self.write(move |db| async move { logout_notices::delete(db, &notice).await.map(drop) }.boxed()).await
    }

    /// A new token for each attempt, as it lives for two minutes.
    fn logout_token(&self, client: &Client, notice: &ClaimedNotice) -> Result<String, Fault> {
        let now = self.now();
        let claims = ClientLogoutClaims {
            iss: self.issuer(&notice.tenant_id),
            sub: notice.person.to_string(),
            aud: client.id.to_string(),
            iat: now.as_seconds(),
            exp: (now + LOGOUT_TOKEN_LIFETIME).as_seconds(),
            jti: self.new_id("out"),
            events: LogoutEvents::default(),
            sid: session_name(&notice.tenant_id, &client.id, &notice.person, notice.session.as_str()),
        };
        self.keys().sign(&claims, client.id_token_algorithm)
    }

    /// Sends it again later, or gives up, which administrators find in the audit log.
    async fn retry_logout_notice(&self, notice: ClaimedNotice, error: ProviderError) -> Result<(), Fault> {
        let now = self.now();
        let next = next_attempt(notice.attempts, now);
        let result = if next.is_some() { LogoutNoticeResult::Failed } else { LogoutNoticeResult::Dropped };
        metrics::record(|metrics| metrics.count_logout_notice(result));
        // Texts from others are quoted, so that they cannot look like a log line of the portal.
        tracing::warn!(?error, tenant = %notice.tenant_id, client = %notice.client_id, again = next.is_some(), "A client could not be told of a sign-out");
        self.write(move |db| {
            async move {
                if let Some(due_at) = next {
                    return logout_notices::postpone(db, &notice, due_at).await;
                }
                // A person who was erased in the meantime is named no more.
                if !logout_notices::delete(&mut *db, &notice).await? {
                    return Ok(());
                }
                let event = AuditEvent::new(notice.tenant_id.clone(), AuditKind::LogoutNotDelivered, now);
                audit_log::insert(db, &event.of(&notice.person).client(&notice.client_id).subject(error.to_string())).await
            }
            .boxed()
        })
        .await
    }
}
