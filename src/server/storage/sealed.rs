//! Secrets that are sealed under `secrets.key`, in all tables, so that a new key can be used.

use super::sql;
use super::{Connection, Error};

/// A kind of sealed secrets that belong to a tenant, and its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedKind {
    /// The secrets of authenticator apps.
    Apps,
    /// The client secrets at identity providers.
    Providers,
    /// Codes that a person has entered, of devices that wait for their answer.
    DeviceCodes,
    /// The same of hosts.
    LinkCodes,
}

impl SealedKind {
    pub const ALL: [Self; 4] = [Self::Apps, Self::Providers, Self::DeviceCodes, Self::LinkCodes];
}

/// Where a sealed secret is.
#[derive(Clone)]
pub enum SealedRow {
    /// In the table of its kind, by tenant and id.
    OfTenant(SealedKind, String, String),
    /// The result of a form that was submitted within the last minute, whose id is the hash.
    FormResult,
    /// A signing key, by its id.
    SigningKey(String),
}

/// A sealed secret and where it is.
#[derive(Clone)]
pub struct SealedSecret {
    pub row: SealedRow,
    /// The hash of a code, or of a form; empty for others.
    pub hash: Vec<u8>,
    pub sealed: Vec<u8>,
}

/// All with a tenant: at most `limit`, after the row of that tenant and id.
pub async fn list_of_tenants(db: impl sql::Executor<'_>, kind: SealedKind, after: (&str, &str), limit: u32) -> Result<Vec<SealedSecret>, Error> {
    let query = match kind {
        SealedKind::Apps => {
            "SELECT tenant_id, user_id, secret_sealed, secret_sealed FROM totp
             WHERE (tenant_id, user_id) > ($1, $2) ORDER BY tenant_id, user_id LIMIT $3"
        }
        SealedKind::Providers => {
            "SELECT tenant_id, id, secret_sealed, secret_sealed FROM identity_providers
             WHERE (tenant_id, id) > ($1, $2) AND secret_sealed IS NOT NULL ORDER BY tenant_id, id LIMIT $3"
        }
        SealedKind::DeviceCodes => {
            "SELECT tenant_id, id, user_code_hash, claimed_code FROM device_grants
             WHERE (tenant_id, id) > ($1, $2) AND state = 'pending' AND claimed_code IS NOT NULL ORDER BY tenant_id, id LIMIT $3"
        }
        SealedKind::LinkCodes => {
            "SELECT tenant_id, id, user_code_hash, claimed_code FROM link_requests
             WHERE (tenant_id, id) > ($1, $2) AND state = 'waiting' AND claimed_code IS NOT NULL ORDER BY tenant_id, id LIMIT $3"
        }
    };
    let rows: Vec<(String, String, Vec<u8>, Vec<u8>)> = sql::query_as(query).bind(after.0).bind(after.1).bind(limit).fetch_all(db).await?;
    Ok(rows.into_iter().map(|(tenant, id, hash, sealed)| SealedSecret { row: SealedRow::OfTenant(kind, tenant, id), hash, sealed }).collect())
}

/// The results of forms: at most `limit`, after the one of that id.
pub async fn list_form_results(db: impl sql::Executor<'_>, after: &[u8], limit: u32) -> Result<Vec<SealedSecret>, Error> {
    let query = sql::query_as("SELECT id, result FROM form_results WHERE id > $1 AND result IS NOT NULL ORDER BY id LIMIT $2");
    let rows: Vec<(Vec<u8>, Vec<u8>)> = query.bind(after).bind(limit).fetch_all(db).await?;
    Ok(rows.into_iter().map(|(hash, sealed)| SealedSecret { row: SealedRow::FormResult, hash, sealed }).collect())
}

/// The keys that sign tokens, of which there are few.
pub async fn list_signing_keys(db: impl sql::Executor<'_>) -> Result<Vec<SealedSecret>, Error> {
    let rows: Vec<(String, Vec<u8>)> = sql::query_as("SELECT kid, key_sealed FROM signing_keys ORDER BY kid").fetch_all(db).await?;
    Ok(rows.into_iter().map(|(kid, sealed)| SealedSecret { row: SealedRow::SigningKey(kid), hash: Vec::new(), sealed }).collect())
}

/// Replaces a sealed secret, unless it was changed or removed meanwhile.
pub async fn replace(db: &mut Connection, secret: &SealedSecret, sealed: &[u8]) -> Result<(), Error> {
    let update = match &secret.row {
        SealedRow::OfTenant(kind, tenant, id) => {
            let update = match kind {
                SealedKind::Apps => "UPDATE totp SET secret_sealed = $4 WHERE tenant_id = $1 AND user_id = $2 AND secret_sealed = $3",
                SealedKind::Providers => "UPDATE identity_providers SET secret_sealed = $4 WHERE tenant_id = $1 AND id = $2 AND secret_sealed = $3",
                SealedKind::DeviceCodes => "UPDATE device_grants SET claimed_code = $4 WHERE tenant_id = $1 AND id = $2 AND claimed_code = $3",
                SealedKind::LinkCodes => "UPDATE link_requests SET claimed_code = $4 WHERE tenant_id = $1 AND id = $2 AND claimed_code = $3",
            };
            sql::query(update).bind(tenant.as_str()).bind(id.as_str())
        }
        SealedRow::FormResult => sql::query("UPDATE form_results SET result = $3 WHERE id = $1 AND result = $2").bind(secret.hash.as_slice()),
        SealedRow::SigningKey(kid) => sql::query("UPDATE signing_keys SET key_sealed = $3 WHERE kid = $1 AND key_sealed = $2").bind(kid.as_str()),
    };
    update.bind(secret.sealed.as_slice()).bind(sealed).execute(db).await?;
    Ok(())
}
