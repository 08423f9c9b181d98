//! Sign-ins whose first factor was accepted and that wait for the second.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::ids::{SessionId, TenantId, UserId};
use crate::domain::provider::UpstreamSession;
use crate::domain::step_up::AuthenticationTimes;
use crate::domain::time::Timestamp;
use crate::server::service::auth::browser_sessions::SessionRow;
use crate::server::service::auth::people::AuthenticatedPerson;
use crate::server::service::auth::second_factors::verification::{MfaAttempt, MfaContext, MfaRefused, MfaResponse};
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::{browser_sessions, second_factors};

/// How long a person may take: time to find a phone.
pub const PENDING_MFA_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// A sign-in whose first factor was accepted and that waits for the second. Kept in the sealed session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PendingMfa {
    /// Id of its own row among the sessions, which gives no access: ending all of a person's sessions ends this too.
    pub id: SessionId,
    pub tenant_id: TenantId,
    pub user_id: UserId,
    auth_times: AuthenticationTimes,
    #[serde(default)]
    pub upstream_session: Option<UpstreamSession>,
    pub since: Timestamp,
}

impl PendingMfa {
    pub fn belongs_to(&self, tenant_id: &TenantId, user_id: &UserId) -> bool {
        (&self.tenant_id, &self.user_id) == (tenant_id, user_id)
    }

    /// Whether it has expired.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        !self.since.is_within(PENDING_MFA_LIFETIME, now)
    }
}

impl Services {
    /// Starts the second step of a sign-in; `None` if the person has no second factor.
    pub async fn begin_mfa(&self, identity: &AuthenticatedPerson, from: Option<IpAddr>, agent: &str) -> Result<Option<PendingMfa>, Fault> {
        let (tenant_id, user_id, shown) = (identity.tenant_id.clone(), identity.user_id.clone(), identity.auth_times);
        if shown.second_at.is_some() || !second_factors::has_any(self.storage().reader(), &tenant_id, &user_id).await? {
            return Ok(None);
        }
        let id = self.new_session_id()?;
        let half = PendingMfa { id, tenant_id, user_id, auth_times: shown, upstream_session: identity.upstream_session.clone(), since: self.now() };
        self.create_session(self.pending_session_row(&half, from, agent)).await?;
        Ok(Some(half))
    }

    /// A session row without a cookie and without data.
    fn pending_session_row(&self, half: &PendingMfa, from: Option<IpAddr>, agent: &str) -> SessionRow {
        let through = half.upstream_session.clone();
        SessionRow {
            id_hash: self.keys().hash("half a sign-in", half.id.as_str()),
            public_id: half.id.to_string(),
            sealed: Vec::new(),
            tenant_id: Some(half.tenant_id.to_string()),
            user_id: Some(half.user_id.to_string()),
            signed_in_at: None,
            last_seen_at: half.since.as_millis(),
            from_address: from.map(|from| from.to_string()),
            agent: agent.to_owned(),
            expires_at: (half.since + PENDING_MFA_LIFETIME).as_millis(),
            idp_issuer: through.as_ref().map(|through| through.issuer.clone()),
            idp_subject: through.as_ref().map(|through| through.subject.clone()),
            provider_id: through.as_ref().map(|through| through.provider.to_string()),
            idp_sid: through.and_then(|through| through.sid),
        }
    }

    /// Whether the second factor can still be presented.
    pub async fn is_pending(&self, half: &PendingMfa) -> Result<bool, Fault> {
        let live = browser_sessions::is_live(self.storage().reader(), &half.tenant_id, &half.user_id, &half.id, self.now()).await?;
        Ok(live && !half.is_expired(self.now()))
    }

    /// Verifies the second factor and completes the sign-in.
    pub async fn finish_sign_in(
        &self,
        pending: &PendingMfa,
        response: MfaResponse<'_>,
        from: Option<IpAddr>,
    ) -> Result<AuthenticatedPerson, Error<MfaRefused>> {
        if pending.is_expired(self.now()) {
            return Err(Error::Refused(MfaRefused::Expired));
        }
        let attempt = MfaAttempt {
            tenant_id: &pending.tenant_id,
            user_id: &pending.user_id,
            shown: pending.auth_times,
            response,
            place: MfaContext::PendingSignIn { id: pending.id.clone(), from },
        };
        let identity = self.verify_factor(attempt).await?;
        Ok(AuthenticatedPerson { upstream_session: pending.upstream_session.clone(), ..identity })
    }
}
