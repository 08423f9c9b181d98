//! Stored secrets whose form is outdated: they are replaced when the secret is used.

use super::sql;
use super::{Connection, Error};
use crate::domain::ids::{AdminId, ClientId, HostName, TenantId};

/// Whose secret is stored in an outdated form.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum OutdatedSecretOwner {
    Client(TenantId, ClientId),
    Admin(TenantId, AdminId),
    Host(TenantId, HostName),
}

impl OutdatedSecretOwner {
    fn tenant_and_id(&self) -> (&str, &str) {
        match self {
            Self::Client(tenant, id) => (tenant.as_str(), id.as_str()),
            Self::Admin(tenant, id) => (tenant.as_str(), id.as_str()),
            Self::Host(tenant, id) => (tenant.as_str(), id.as_str()),
        }
    }
}

/// `also`: a further assignment, after a comma.
macro_rules! replace {
    ($table:literal, $id:literal, $also:literal) => {
        concat!(
            "UPDATE ",
            $table,
            "
             SET secret_hash = CASE WHEN secret_hash = $3 THEN $4 ELSE secret_hash END,
                 old_secret_hash = CASE WHEN old_secret_hash = $3 THEN $4 ELSE old_secret_hash END",
            $also,
            "
             WHERE tenant_id = $1 AND ",
            $id,
            " = $2 AND (secret_hash = $3 OR old_secret_hash = $3)"
        )
    };
}

/// `also`: a further assignment, with a comma.
macro_rules! convert_imported {
    ($table:literal, $id:literal, $also:literal) => {
        concat!(
            "UPDATE ",
            $table,
            "
             SET secret_hash = CASE WHEN length(secret_hash) = 0 THEN $4 ELSE secret_hash END,
                 old_secret_hash = CASE WHEN length(secret_hash) = 0 THEN old_secret_hash ELSE $4 END,
                 old_secret_until = CASE WHEN length(secret_hash) = 0 THEN old_secret_until ELSE imported_secret_until END,
                 ",
            $also,
            "imported_secret_hash = NULL, imported_secret_until = NULL
             WHERE tenant_id = $1 AND ",
            $id,
            " = $2 AND imported_secret_hash = $3
               AND (length(secret_hash) = 0 OR old_secret_hash IS NULL OR length(old_secret_hash) = 0)"
        )
    };
}

/// Replaces a hash of a secret by one of the same secret under another key. False if it was replaced or removed meanwhile.
pub async fn replace(db: &mut Connection, owner: &OutdatedSecretOwner, outdated: &[u8], hash: &[u8]) -> Result<bool, Error> {
    let query = match owner {
        OutdatedSecretOwner::Client(..) => replace!("clients", "client_id", ""),
        // By it a later import knows that the secret was imported.
        OutdatedSecretOwner::Admin(..) => replace!(
            "tenant_admins",
            "admin_id",
            ", converted_secret_hash = CASE WHEN converted_secret_hash = $3 THEN $4 ELSE converted_secret_hash END"
        ),
        OutdatedSecretOwner::Host(..) => replace!("host_credentials", "host", ""),
    };
    let (tenant, id) = owner.tenant_and_id();
    let done = sql::query(query).bind(tenant).bind(id).bind(outdated).bind(hash).execute(db).await?;
    Ok(done.rows_affected() == 1)
}

/// Stores an imported secret as all others after its first use: as the current one, or beside one that was set here as the old one, until
/// the imported one would have ended. A later import ends that of an administrator. False if it was stored, changed or removed meanwhile.
pub async fn convert_imported(db: &mut Connection, owner: &OutdatedSecretOwner, imported: &[u8], hash: &[u8]) -> Result<bool, Error> {
    let query = match owner {
        OutdatedSecretOwner::Client(..) => convert_imported!("clients", "client_id", ""),
        OutdatedSecretOwner::Admin(..) => convert_imported!("tenant_admins", "admin_id", "converted_secret_hash = $4, "),
        // TMS hosts have no credentials.
        OutdatedSecretOwner::Host(..) => return Ok(false),
    };
    let (tenant, id) = owner.tenant_and_id();
    let done = sql::query(query).bind(tenant).bind(id).bind(imported).bind(hash).execute(db).await?;
    Ok(done.rows_affected() == 1)
}
