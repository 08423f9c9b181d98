//! Passkeys (WebAuthn), judged by `webauthn-rs`. Each use is verified by the device: a finger, a face, or its PIN.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use webauthn_rs::prelude::{Passkey, PasskeyAuthentication, PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential, Url, Uuid};
use webauthn_rs::{Webauthn, WebauthnBuilder};

use super::{NewFactor, NotSetUp, NotShown, Offered, SetUp};
use crate::domain::ids::{TenantId, UserId};
use crate::domain::readable;
use crate::server::service::proofs::FreshlySignedIn;
use crate::server::service::storage::second_factors::{self, Passkey as Stored};
use crate::server::service::{Error, Fault, Services};

/// The portal as browsers know it. Without a name of its own, at an address of numbers, it has no passkeys: browsers tie them to names.
#[derive(Clone)]
pub struct Passkeys(Option<Arc<Webauthn>>);

impl Passkeys {
    pub fn of(public_url: &str) -> Self {
        let url = Url::parse(public_url).ok();
        let portal = url.as_ref().and_then(|url| WebauthnBuilder::new(url.domain()?, url).ok());
        Self(portal.and_then(|portal| portal.rp_name("Trust Manager").build().ok()).map(Arc::new))
    }
}

/// What a browser is asked, and what to keep until it answers.
pub struct PasskeyAsked {
    /// `PublicKeyCredentialCreationOptionsJSON` or `PublicKeyCredentialRequestOptionsJSON` (WebAuthn Level 3 §5.1).
    pub options: String,
    /// For the session, which is sealed.
    pub state: String,
}

impl Services {
    /// Whether this portal can have passkeys at all.
    pub fn has_passkeys(&self) -> bool {
        self.shared.passkeys.0.is_some()
    }

    /// Asks the browser to make a passkey.
    pub async fn ask_for_new_passkey(&self, person: &FreshlySignedIn) -> Result<Option<PasskeyAsked>, Fault> {
        let Some(portal) = &self.shared.passkeys.0 else { return Ok(None) };
        let (tenant, user) = (person.tenant_id(), person.user_id());
        let known = self.passkeys(tenant, user).await?.iter().map(|(_, passkey)| passkey.cred_id().clone()).collect();
        let label = format!("{user} · {}", person.tenant_name());
        let asked = portal.start_passkey_registration(self.handle(tenant, user), &label, person.display_name(), Some(known));
        let (options, state) = asked.map_err(Fault::new)?;
        Ok(Some(PasskeyAsked { options: json(&options.public_key)?, state: json(&state)? }))
    }

    /// Takes up the passkey that the browser has made.
    pub async fn set_up_passkey(&self, person: &FreshlySignedIn, state: &str, answer: &str, name: &str) -> Result<SetUp, Error<NotSetUp>> {
        let unusable = || Error::Refused(NotSetUp::Unusable);
        let portal = self.shared.passkeys.0.as_ref().ok_or_else(unusable)?;
        let state: PasskeyRegistration = read(state).ok_or_else(unusable)?;
        let answer: RegisterPublicKeyCredential = read(answer).ok_or_else(unusable)?;
        let passkey = portal.finish_passkey_registration(&answer, &state).map_err(|error| {
            tracing::info!(%error, "A new passkey was refused");
            unusable()
        })?;
        let name = readable::cleaned(name).unwrap_or_default();
        let new = NewFactor::Passkey { credential_id: passkey.cred_id().to_vec(), passkey: json(&passkey)?, name };
        self.set_up_second_factor(person, new).await
    }

    /// Asks the browser to show one of a person's passkeys. `None` when they have none.
    pub async fn ask_for_passkey(&self, tenant: &TenantId, user: &UserId) -> Result<Option<PasskeyAsked>, Fault> {
        let Some(portal) = &self.shared.passkeys.0 else { return Ok(None) };
        let passkeys: Vec<Passkey> = self.passkeys(tenant, user).await?.into_iter().map(|(_, passkey)| passkey).collect();
        if passkeys.is_empty() {
            return Ok(None);
        }
        let (options, state) = portal.start_passkey_authentication(&passkeys).map_err(Fault::new)?;
        Ok(Some(PasskeyAsked { options: json(&options.public_key)?, state: json(&state)? }))
    }

    pub(super) async fn judge_passkey(&self, tenant: &TenantId, user: &UserId, asked: &str, answer: &str) -> Result<Offered, Fault> {
        let nothing = |why| Ok(Offered::Nothing(why));
        let (Some(portal), Some(state)) = (&self.shared.passkeys.0, read::<PasskeyAuthentication>(asked)) else {
            return nothing(NotShown::NotAsked);
        };
        let Some(answer) = read::<PublicKeyCredential>(answer) else { return nothing(NotShown::WrongPasskey) };
        let result = match portal.finish_passkey_authentication(&answer, &state) {
            Ok(result) if result.user_verified() => result,
            Ok(_) => return nothing(NotShown::WrongPasskey),
            Err(error) => {
                tracing::info!(%error, "A passkey was refused");
                return nothing(NotShown::WrongPasskey);
            }
        };
        for (Stored { number, .. }, mut passkey) in self.passkeys(tenant, user).await? {
            if passkey.update_credential(&result).is_some() {
                let asked = self.keys().hash("passkey asked", asked);
                return Ok(Offered::Passkey { number, passkey: json(&passkey)?, asked });
            }
        }
        nothing(NotShown::WrongPasskey)
    }

    async fn passkeys(&self, tenant: &TenantId, user: &UserId) -> Result<Vec<(Stored, Passkey)>, Fault> {
        let stored = second_factors::passkeys(self.storage().reader(), tenant, user).await?;
        let parsed = |stored: Stored| {
            let passkey = serde_json::from_str(&stored.passkey).map_err(Fault::new)?;
            Ok((stored, passkey))
        };
        stored.into_iter().map(parsed).collect()
    }

    /// What an authenticator knows the person by: always the same, and says nothing of them (WebAuthn Level 3 §14.6.1).
    fn handle(&self, tenant: &TenantId, user: &UserId) -> Uuid {
        let hash = self.keys().hash("passkey owner", &format!("{tenant}\n{user}"));
        Uuid::from_slice(hash.get(..16).unwrap_or_default()).unwrap_or_default()
    }
}

fn json(value: &impl Serialize) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(Fault::new)
}

fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}
