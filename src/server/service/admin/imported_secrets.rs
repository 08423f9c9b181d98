//! Secrets that are stored anew when they are used: those that were imported from a TMS server, and those whose hash is of a key that a rotation
//! replaced.

use std::fmt;

use futures_util::FutureExt;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::time::Timestamp;
use crate::server::request_id;
use crate::server::service::admin::secret_rotation::SecretMatch;
use crate::server::service::{Fault, Services};
use crate::server::storage::admins::SecretHashes;
use crate::server::storage::secret_hashes::{self, OutdatedSecretOwner};
use crate::server::storage::tms_import;

impl fmt::Display for OutdatedSecretOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(tenant, client) => write!(f, "client {client} of {tenant}"),
            Self::Admin(tenant, admin) => write!(f, "administrator {admin} of {tenant}"),
            Self::Host(tenant, host) => write!(f, "host {host} of {tenant}"),
        }
    }
}

/// A client or administrator who has not used the imported secret yet.
#[derive(Debug)]
pub struct UnusedSecret {
    pub tenant_id: String,
    /// `client` or `administrator`.
    pub owner: &'static str,
    pub id: String,
    /// When the secret stops being valid.
    pub until: Timestamp,
}

impl Services {
    /// Whether the secret is valid. One that was imported, or hashed with an earlier key, is stored as all others from now on. `kind`: under
    /// which the owner's secrets are hashed.
    pub(in crate::server::service) fn accepts_secret(
        &self,
        owner: impl FnOnce() -> OutdatedSecretOwner,
        kind: &str,
        secret: &str,
        hashes: &SecretHashes,
    ) -> bool {
        match self.match_secret(kind, secret, hashes) {
            SecretMatch::None => false,
            SecretMatch::Stored => true,
            SecretMatch::Outdated(hash) => {
                self.rehash_secret_later(owner(), kind, secret, hash);
                true
            }
            SecretMatch::Imported(hash) => {
                self.convert_imported_secret_later(owner(), kind, secret, hash);
                true
            }
        }
    }

    /// Stores the imported secret as all others, in the background: the request does not wait for the disk. At most one attempt per owner and
    /// minute. `kind`: under which the owner's secrets are hashed.
    fn convert_imported_secret_later(&self, owner: OutdatedSecretOwner, kind: &str, secret: &str, imported: Vec<u8>) {
        if !self.shared.rehash_throttle.is_due(owner.clone(), self.now()) {
            return;
        }
        // What TMS generates is 24 random bytes; a shorter one may be guessed from its SHA-512, which the old server has.
        let chosen = secret.len() != 48 || !secret.bytes().all(|byte| byte.is_ascii_hexdigit());
        let (services, hash) = (self.clone(), self.keys().hash(kind, secret));
        request_id::spawn(async move {
            let name = owner.to_string();
            match services.convert_imported_secret(owner, imported, hash).await {
                Ok(true) if chosen => tracing::warn!(owner = name, "The imported secret was chosen by hand: set a new one"),
                Ok(_) => {}
                Err(fault) => tracing::warn!(error = %fault, "An imported secret was used, but could not be stored anew; it remains valid"),
            }
        });
    }

    /// Stores a secret under the key in use, as above.
    fn rehash_secret_later(&self, owner: OutdatedSecretOwner, kind: &str, secret: &str, outdated: Vec<u8>) {
        if !self.shared.rehash_throttle.is_due(owner.clone(), self.now()) {
            return;
        }
        let (services, hash) = (self.clone(), self.keys().hash(kind, secret));
        request_id::spawn(async move {
            let name = owner.to_string();
            let stored = services.write(move |db| async move { secret_hashes::replace(db, &owner, &outdated, &hash).await }.boxed());
            if let Err(fault) = stored.await {
                tracing::warn!(owner = name, error = %fault, "A secret was used that depends on the previous codes.key, but could not be stored anew");
            }
        });
    }

    async fn convert_imported_secret(&self, owner: OutdatedSecretOwner, imported: Vec<u8>, hash: Vec<u8>) -> Result<bool, Fault> {
        let now = self.now();
        let event = match &owner {
            OutdatedSecretOwner::Client(tenant, client) => AuditEvent::new(tenant.clone(), AuditKind::ImportedSecretUsed, now).client(client),
            OutdatedSecretOwner::Admin(tenant, admin) => {
                AuditEvent::new(tenant.clone(), AuditKind::ImportedSecretUsed, now).admin(Some(admin)).subject(admin.as_str())
            }
            // TMS hosts have no credentials.
            OutdatedSecretOwner::Host(..) => return Ok(false),
        };
        self.write_audited(event, move |db| async move { secret_hashes::convert_imported(db, &owner, &imported, &hash).await }.boxed()).await
    }

    /// Clients and administrators who have not used their imported secrets yet and still can, of all tenants.
    pub async fn unused_imported_secrets(&self) -> Result<Vec<UnusedSecret>, Fault> {
        let found = tms_import::unused_secrets(self.storage().reader()).await?;
        let secret = |(tenant_id, is_client, id, until): (String, bool, String, i64)| UnusedSecret {
            tenant_id,
            owner: if is_client { "client" } else { "administrator" },
            id,
            until: Timestamp::from_millis(until),
        };
        Ok(found.into_iter().map(secret).filter(|unused| self.now() < unused.until).collect())
    }
}
