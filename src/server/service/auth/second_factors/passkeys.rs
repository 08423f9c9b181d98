//! Passkeys (WebAuthn), verified by `webauthn-rs`. User verification is required: fingerprint, face or PIN.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use webauthn_rs::prelude::{Passkey, PasskeyAuthentication, PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential, Url, Uuid};
use webauthn_rs::{Webauthn, WebauthnBuilder};

use crate::domain::display_text;
use crate::domain::ids::{TenantId, UserId};
use crate::server::service::auth::principals::RecentlyAuthenticated;
use crate::server::service::auth::second_factors::enrollment::{CreatedFactor, EnrollmentRefused, NewFactor};
use crate::server::service::auth::second_factors::verification::{FactorCheck, MfaRefused};
use crate::server::service::storage::second_factors::{self, Passkey as PasskeyRow};
use crate::server::service::{Error, Fault, Services};

/// The portal as a WebAuthn relying party. `None` if its URL has an IP address, because browsers tie passkeys to host names.
#[derive(Clone)]
pub struct RelyingParty(Option<Arc<Webauthn>>);

impl RelyingParty {
    pub fn for_url(public_url: &str) -> Self {
        let url = Url::parse(public_url).ok();
        let portal = url.as_ref().and_then(|url| WebauthnBuilder::new(url.domain()?, url).ok());
        Self(portal.and_then(|portal| portal.rp_name("Trust Manager").build().ok()).map(Arc::new))
    }
}

/// Options for the browser's passkey call, and the state to verify its response.
pub struct PasskeyChallenge {
    /// `PublicKeyCredentialCreationOptionsJSON` or `PublicKeyCredentialRequestOptionsJSON` (WebAuthn Level 3 §5.1).
    pub options: String,
    /// Kept in the sealed session.
    pub state: String,
}

impl Services {
    /// Whether this portal supports passkeys.
    pub fn has_passkeys(&self) -> bool {
        self.shared.passkeys.0.is_some()
    }

    /// Creates the challenge for registering a passkey.
    pub async fn start_passkey_registration(&self, person: &RecentlyAuthenticated) -> Result<Option<PasskeyChallenge>, Fault> {
        let Some(portal) = &self.shared.passkeys.0 else { return Ok(None) };
        let (tenant, user) = (person.tenant_id(), person.user_id());
        let known = self.passkeys(tenant, user).await?.iter().map(|(_, passkey)| passkey.cred_id().clone()).collect();
        let label = format!("{user} · {}", person.tenant_name());
        let asked = portal.start_passkey_registration(self.user_handle(tenant, user), &label, person.display_name(), Some(known));
        let (options, state) = asked.map_err(Fault::new)?;
        Ok(Some(PasskeyChallenge { options: to_json(&options.public_key)?, state: to_json(&state)? }))
    }

    /// Verifies and stores a new passkey.
    pub async fn finish_passkey_registration(
        &self,
        person: &RecentlyAuthenticated,
        state: &str,
        answer: &str,
        name: &str,
    ) -> Result<CreatedFactor, Error<EnrollmentRefused>> {
        let unusable = || Error::Refused(EnrollmentRefused::InvalidPasskey);
        let portal = self.shared.passkeys.0.as_ref().ok_or_else(unusable)?;
        let state: PasskeyRegistration = parse_json(state).ok_or_else(unusable)?;
        let answer: RegisterPublicKeyCredential = parse_json(answer).ok_or_else(unusable)?;
        let passkey = portal.finish_passkey_registration(&answer, &state).map_err(|error| {
            tracing::info!(%error, "A new passkey was refused");
            unusable()
        })?;
        let name = display_text::sanitize(name).unwrap_or_default();
        let new = NewFactor::Passkey { credential_id: passkey.cred_id().to_vec(), passkey: to_json(&passkey)?, name };
        self.enroll_factor(person, new).await
    }

    /// Creates the challenge for using one of a person's passkeys. `None` if they have none.
    pub async fn start_passkey_authentication(&self, tenant: &TenantId, user: &UserId) -> Result<Option<PasskeyChallenge>, Fault> {
        let Some(portal) = &self.shared.passkeys.0 else { return Ok(None) };
        let passkeys: Vec<Passkey> = self.passkeys(tenant, user).await?.into_iter().map(|(_, passkey)| passkey).collect();
        if passkeys.is_empty() {
            return Ok(None);
        }
        let (options, state) = portal.start_passkey_authentication(&passkeys).map_err(Fault::new)?;
        Ok(Some(PasskeyChallenge { options: to_json(&options.public_key)?, state: to_json(&state)? }))
    }

    pub(super) async fn check_passkey(&self, tenant: &TenantId, user: &UserId, asked: &str, answer: &str) -> Result<FactorCheck, Fault> {
        let nothing = |why| Ok(FactorCheck::Invalid(why));
        let (Some(portal), Some(state)) = (&self.shared.passkeys.0, parse_json::<PasskeyAuthentication>(asked)) else {
            return nothing(MfaRefused::UnknownChallenge);
        };
        let Some(answer) = parse_json::<PublicKeyCredential>(answer) else { return nothing(MfaRefused::WrongPasskey) };
        let result = match portal.finish_passkey_authentication(&answer, &state) {
            Ok(result) if result.user_verified() => result,
            Ok(_) => return nothing(MfaRefused::WrongPasskey),
            Err(error) => {
                tracing::info!(%error, "A passkey was refused");
                return nothing(MfaRefused::WrongPasskey);
            }
        };
        for (PasskeyRow { number, .. }, mut passkey) in self.passkeys(tenant, user).await? {
            if passkey.update_credential(&result).is_some() {
                let asked = self.keys().hash("passkey asked", asked);
                return Ok(FactorCheck::Passkey { number, passkey: to_json(&passkey)?, challenge_hash: asked });
            }
        }
        nothing(MfaRefused::WrongPasskey)
    }

    async fn passkeys(&self, tenant: &TenantId, user: &UserId) -> Result<Vec<(PasskeyRow, Passkey)>, Fault> {
        let stored = second_factors::passkeys(self.storage().reader(), tenant, user).await?;
        let parsed = |stored: PasskeyRow| {
            let passkey = serde_json::from_str(&stored.passkey).map_err(Fault::new)?;
            Ok((stored, passkey))
        };
        stored.into_iter().map(parsed).collect()
    }

    /// The user handle for authenticators: constant, and without personal data (WebAuthn Level 3 §14.6.1).
    fn user_handle(&self, tenant: &TenantId, user: &UserId) -> Uuid {
        let hash = self.keys().hash("passkey owner", &format!("{tenant}\n{user}"));
        Uuid::from_slice(hash.get(..16).unwrap_or_default()).unwrap_or_default()
    }
}

fn to_json(value: &impl Serialize) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(Fault::new)
}

fn parse_json<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}
