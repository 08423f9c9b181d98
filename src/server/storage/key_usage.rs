//! What depends on a `codes.key` that is not the one in use. A hash has 32 bytes, and after those the mark of its key.

use super::sql;
use super::{Connection, Error};
use crate::domain::time::Timestamp;

/// Kind, tenant and id of what has valid hashes without this mark.
pub async fn outdated(db: impl sql::Executor<'_>, mark: &[u8], now: Timestamp) -> Result<Vec<(String, String, String)>, Error> {
    let query = sql::query_as(
        "SELECT 'client' AS kind, tenant_id, client_id AS id FROM clients
         WHERE (length(secret_hash) > 0 AND substr(secret_hash, 33) <> $1)
            OR (length(old_secret_hash) > 0 AND old_secret_until > $2 AND substr(old_secret_hash, 33) <> $1)
            OR (imported_secret_until > $2 AND substr(imported_secret_hash, 33) <> $1)
         UNION ALL
         SELECT 'administrator', tenant_id, admin_id FROM tenant_admins
         WHERE (length(secret_hash) > 0 AND substr(secret_hash, 33) <> $1)
            OR (length(old_secret_hash) > 0 AND old_secret_until > $2 AND substr(old_secret_hash, 33) <> $1)
            OR (imported_secret_until > $2 AND substr(imported_secret_hash, 33) <> $1)
         UNION ALL
         SELECT 'host', tenant_id, host FROM host_credentials
         WHERE substr(secret_hash, 33) <> $1 OR (old_secret_until > $2 AND substr(old_secret_hash, 33) <> $1)
         UNION ALL
         SELECT DISTINCT 'recovery codes', tenant_id, user_id FROM recovery_codes WHERE substr(code_hash, 33) <> $1
         UNION ALL
         SELECT 'invitation', tenant_id, user_id FROM invitations WHERE expires_at > $2 AND substr(code_hash, 33) <> $1
         UNION ALL
         SELECT 'device request', tenant_id, id FROM device_grants
         WHERE expires_at > $2 AND state IN ('pending', 'approved') AND substr(device_code_hash, 33) <> $1
         UNION ALL
         SELECT 'link request', tenant_id, id FROM link_requests WHERE expires_at > $2 AND state = 'waiting' AND substr(secret_hash, 33) <> $1
         UNION ALL
         SELECT 'sign-in request', tenant_id, id FROM authorization_requests
         WHERE expires_at > $2 AND state = 'waiting' AND substr(handle_hash, 33) <> $1
         UNION ALL
         SELECT 'refresh token', f.tenant_id, f.id
         FROM token_families f JOIN authorizations a ON a.tenant_id = f.tenant_id AND a.id = f.authorization_id
         WHERE f.ended_at IS NULL AND f.idle_until > $2 AND a.access_until > $2 AND f.key_mark <> $1",
    );
    Ok(query.bind(mark).bind(now.as_millis()).fetch_all(db).await?)
}

/// Deletes recovery codes whose hashes do not have this mark, at most `limit`, after their key has ended. Returns how many there were.
pub async fn delete_outdated_recovery_codes(db: &mut Connection, mark: &[u8], limit: u32) -> Result<u64, Error> {
    let delete = "DELETE FROM recovery_codes WHERE (tenant_id, user_id, code_hash) IN
                      (SELECT tenant_id, user_id, code_hash FROM recovery_codes WHERE substr(code_hash, 33) <> $1 LIMIT $2)";
    Ok(sql::query(delete).bind(mark).bind(limit).execute(db).await?.rows_affected())
}
