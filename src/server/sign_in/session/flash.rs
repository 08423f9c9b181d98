//! Flashes: messages that the next page shows once.

use std::sync::PoisonError;

use serde::{Deserialize, Serialize};

use super::PortalSession;
use crate::domain::ids::TenantId;
use crate::domain::sentence::{NamedTime, Sentence};
use crate::server::service::Fault;
use crate::server::service::platform::rng::Secret;
use crate::server::sign_in::session::slots::MAX_SLOT_ENTRIES;

const FLASHES: &str = "notices";

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

impl PortalSession {
    pub async fn set_flash(&self, flash: &Flash) -> Result<(), Fault> {
        *self.1.lock().unwrap_or_else(PoisonError::into_inner) = Some(flash.clone());
        let mut flashes: Vec<Flash> = self.get(FLASHES).await?.unwrap_or_default();
        flashes.retain(|other| (other.target, &other.about, &other.only_at) != (flash.target, &flash.about, &flash.only_at));
        flashes.truncate(MAX_SLOT_ENTRIES - 1);
        flashes.insert(0, flash.clone());
        self.set(FLASHES, &flashes).await
    }

    /// The flash that this request has left.
    pub fn request_flash(&self) -> Option<Flash> {
        self.1.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes the flash for this target, if any.
    pub async fn take_flash(&self, place: FlashTarget) -> Result<Option<Flash>, Fault> {
        self.take_flash_at(&[place], "").await
    }

    /// The same for what one tab does.
    pub async fn take_flash_about(&self, place: FlashTarget, about: &str) -> Result<Option<Flash>, Fault> {
        self.take_flash_if(|flash| flash.target == place && flash.about == about).await
    }

    /// The same on the page with that path, for any of these targets.
    pub async fn take_flash_at(&self, places: &[FlashTarget], path: &str) -> Result<Option<Flash>, Fault> {
        let here = |only: &Option<String>| only.as_deref().is_none_or(|only| only == path);
        self.take_flash_if(|flash| places.contains(&flash.target) && flash.about.is_empty() && here(&flash.only_at)).await
    }

    async fn take_flash_if(&self, is_it: impl Fn(&Flash) -> bool) -> Result<Option<Flash>, Fault> {
        let mut flashes: Vec<Flash> = self.get(FLASHES).await?.unwrap_or_default();
        let Some(at) = flashes.iter().position(is_it) else { return Ok(None) };
        let flash = flashes.remove(at);
        self.set(FLASHES, &flashes).await?;
        Ok(Some(flash))
    }
}
