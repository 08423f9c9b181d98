//! Random bytes, and secrets made from them.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rand::TryRngCore;
#[expect(clippy::disallowed_types, reason = "all random bytes of the server come from here, but for the signing keys")]
use rand::rngs::OsRng;
use zeroize::Zeroizing;

use crate::domain::user_code::UserCode;

pub trait Rng: Send + Sync + 'static {
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's generator.
pub struct SystemRng;

impl Rng for SystemRng {
    fn fill(&self, bytes: &mut [u8]) {
        #[expect(clippy::expect_used, reason = "a system without randomness must not hand out secrets")]
        OsRng.try_fill_bytes(bytes).expect("the operating system has no randomness");
    }
}

/// A secret that is shown once. Cannot be printed, compared or copied by accident; wiped when dropped.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// 256 bits, as 43 characters of base64url.
    pub fn generate(entropy: &dyn Rng) -> Self {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        entropy.fill(bytes.as_mut());
        Self(Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(*bytes)))
    }

    /// 192 bits, as 48 hexadecimal digits: the format of TMS' clients and administrators.
    pub fn hexadecimal(entropy: &dyn Rng) -> Self {
        let mut bytes = Zeroizing::new([0_u8; 24]);
        entropy.fill(bytes.as_mut());
        Self(Zeroizing::new(hex::encode(*bytes)))
    }

    /// A secret that a person chose or typed.
    pub fn from_plaintext(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The secret itself, for the one place that shows or checks it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// A password that can be read aloud: 4 groups of 4 letters, 69 bits.
pub fn random_password(entropy: &dyn Rng) -> Secret {
    let groups: Vec<String> = (0..2).map(|_| user_code(entropy).to_string().to_lowercase()).collect();
    Secret::from_plaintext(groups.join("-"))
}

pub(in crate::server::service) fn user_code(entropy: &dyn Rng) -> UserCode {
    let mut byte = [0_u8; 1];
    UserCode::draw(|| {
        entropy.fill(&mut byte);
        byte[0]
    })
}

/// A public id: ordered by time of creation, and not guessable.
pub(in crate::server::service) fn public_id(prefix: &str, entropy: &dyn Rng, now: crate::domain::time::Timestamp) -> String {
    let mut random = [0_u8; 10];
    entropy.fill(&mut random);
    let millis = u64::try_from(now.as_millis()).unwrap_or(0);
    let id = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
    format!("{prefix}_{}", id.simple())
}

/// Adapts [`Rng`] for libraries that generate keys.
pub(in crate::server::service) struct RngAdapter<'a>(pub &'a dyn Rng);

impl ssh_key::rand_core::RngCore for RngAdapter<'_> {
    fn next_u32(&mut self) -> u32 {
        ssh_key::rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        ssh_key::rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), ssh_key::rand_core::Error> {
        self.0.fill(bytes);
        Ok(())
    }
}

/// True of the system's generator; tests choose their own.
impl ssh_key::rand_core::CryptoRng for RngAdapter<'_> {}
