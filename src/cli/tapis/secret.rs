//! What Tapis gave to us alone.

use serde::{Deserialize, Serialize};

/// Longer than any token of Tapis'; headers have their limits.
const MAX_LENGTH: usize = 8 * 1024;

/// A token or a device code of Tapis'. It is not the type that portals' tokens have, so neither can be sent to the other.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TapisSecret(String);

impl TapisSecret {
    /// For a request to the tenant that gave it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// What cannot stand in a header, or is nothing, is no secret.
impl TryFrom<String> for TapisSecret {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.len() {
            1..=MAX_LENGTH if text.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Self(text)),
            _ => Err("neither a token nor a code"),
        }
    }
}

impl From<TapisSecret> for String {
    fn from(secret: TapisSecret) -> Self {
        secret.0
    }
}
