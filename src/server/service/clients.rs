//! Authenticating clients (RFC 6749 §2.3).

use super::proofs::AuthenticatedClient;
use super::storage::clients;
use super::{Error, Services};
use crate::domain::ids::{ClientId, TenantId};

/// What secrets of clients are hashed as.
pub(super) const SECRET: &str = "client secret";

/// The client is unknown or switched off, the secret wrong, or there is one where there should be none. The caller learns no
/// more than that (RFC 6749 §5.2 `invalid_client`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidClient;

impl Services {
    /// Checks a client's claim to be `id`. A public client has no secret; an empty one counts as none, because some programs
    /// always send Basic credentials (docs/decisions/0005).
    pub async fn authenticate_client(
        &self,
        tenant: &TenantId,
        id: &ClientId,
        secret: Option<&str>,
    ) -> Result<AuthenticatedClient, Error<InvalidClient>> {
        let refused = Err(Error::Refused(InvalidClient));
        let Some(registered) = clients::find(self.storage().reader(), tenant, id).await? else { return refused };
        let proved = match (secret.filter(|secret| !secret.is_empty()), &registered.secret_hash) {
            (None, None) => true,
            (Some(secret), Some(hash)) => self.keys().matches(SECRET, secret, hash),
            _ => false,
        };
        if proved && registered.client.enabled { Ok(AuthenticatedClient { client: registered.client }) } else { refused }
    }
}
