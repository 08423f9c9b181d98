//! Secrets issued by Tapis.

use serde::{Deserialize, Serialize};

/// Longer than any token of Tapis; header values are limited.
const MAX_LENGTH: usize = 8 * 1024;

/// A token or device code of Tapis. A separate type from portals' tokens, so that neither can be sent to the other.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TapisSecret(String);

impl TapisSecret {
    /// The value, for a request to the tenant that issued it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Refuses empty values and those that cannot be sent in a header.
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
