//! All that is stored about a person, to be exported or erased. `docs/privacy.md` lists the tables.

use serde_json::{Map, Value as Json};

use super::sql::{self, Cells, Value};
use super::{Connection, Error};
use crate::domain::ids::{AdminId, TenantId, UserId};
use crate::domain::time::Timestamp;

/// The rows of one kind about a person, as JSON objects.
pub struct Section {
    pub name: &'static str,
    pub rows: Vec<Json>,
}

/// What is stored about a person, without secrets, audit events and failed attempts; all as of one moment.
pub async fn read(pool: &sql::Pool, tenant_id: &TenantId, user_id: &UserId) -> Result<Vec<Section>, Error> {
    // The names of the columns; `@` marks times and `?` booleans.
    let queries = [
        (
            "account",
            "user display_name enabled? administrator? email email_issuer optional_mail? language mailed_at@ created_at@ password?",
            "SELECT user_id, display_name, enabled, admin, email, email_issuer, optional_mail, language, nullif(mailed_at, 0), created_at,
                    password_hash IS NOT NULL
             FROM people WHERE tenant_id = $1 AND user_id = $2",
        ),
        (
            "identities",
            "issuer subject label linked_at@ last_used_at@",
            "SELECT issuer, subject, label, linked_at, last_used_at FROM identities WHERE tenant_id = $1 AND user_id = $2 ORDER BY number",
        ),
        (
            "groups",
            "group issuer",
            "SELECT name, nullif(issuer, '') FROM person_groups WHERE tenant_id = $1 AND user_id = $2 ORDER BY name, issuer",
        ),
        ("invitations", "expires_at@", "SELECT expires_at FROM invitations WHERE tenant_id = $1 AND user_id = $2 ORDER BY expires_at"),
        ("authenticator_apps", "created_at@ last_used_at@", "SELECT created_at, last_used_at FROM totp WHERE tenant_id = $1 AND user_id = $2"),
        (
            "passkeys",
            "name created_at@ last_used_at@",
            "SELECT name, created_at, last_used_at FROM passkeys WHERE tenant_id = $1 AND user_id = $2 ORDER BY number",
        ),
        ("recovery_codes", "left", "SELECT count(*) FROM recovery_codes WHERE tenant_id = $1 AND user_id = $2 GROUP BY user_id"),
        (
            "mfa_records",
            "enabled? expires_at@ created_at@ updated_at@",
            "SELECT enabled, expires_at, created_at, updated_at FROM user_mfa WHERE tenant_id = $1 AND user_id = $2",
        ),
        (
            "host_accounts",
            "host account linked_at@ expires_at@ linked_by linked_through",
            "SELECT host, account, linked_at, expires_at, linked_by, linked_through
             FROM host_accounts WHERE tenant_id = $1 AND user_id = $2 ORDER BY number",
        ),
        (
            "link_requests",
            "host account uid state asked_at@ expires_at@",
            "SELECT host, account, uid, state, asked_at, expires_at
             FROM link_requests WHERE tenant_id = $1 AND (person = $2 OR claimed_person = $2) ORDER BY asked_at",
        ),
        (
            "delegations",
            "client scope every_host_account? created_at@ expires_at@ ended_at@ made_by",
            "SELECT client_id, scope, every_host_account, created_at, expires_at, ended_at, made_by
             FROM delegations WHERE tenant_id = $1 AND user_id = $2 ORDER BY number",
        ),
        (
            "delegated_host_accounts",
            "client host account",
            "SELECT d.client_id, h.host, h.account
             FROM delegations d
             JOIN delegation_host_accounts a ON a.tenant_id = d.tenant_id AND a.delegation_id = d.id
             JOIN host_accounts h ON h.tenant_id = a.tenant_id AND h.id = a.host_account_id
             WHERE d.tenant_id = $1 AND d.user_id = $2 ORDER BY d.number, h.number",
        ),
        (
            "authorizations",
            "client origin scope resources given_at@ given_from given_agent access_until@ last_used_at@ last_used_from ended_at@ end_reason",
            "SELECT client_id, origin, scope, resources, given_at, given_from, given_agent, access_until, last_used_at, last_used_from, ended_at,
                    end_reason
             FROM authorizations WHERE tenant_id = $1 AND user_id = $2 ORDER BY given_at, id",
        ),
        (
            "sign_ins",
            "client scope resources offline? begun_at@ begun_from begun_agent authenticated_at@ second_factor_at@ refreshed_at@ refreshed_from idle_until@ ended_at@ end_reason",
            "SELECT f.client_id, f.scope, f.resources, f.offline, f.begun_at, f.begun_from, f.begun_agent, f.authenticated_at,
                    f.second_factor_at, f.refreshed_at, f.refreshed_from, f.idle_until, f.ended_at, f.end_reason
             FROM authorizations a JOIN token_families f ON f.tenant_id = a.tenant_id AND f.authorization_id = a.id
             WHERE a.tenant_id = $1 AND a.user_id = $2 ORDER BY f.begun_at, f.id",
        ),
        (
            "devices",
            "client scope resources granted_scope state reported? requested_at@ requested_from requested_agent decided_at@ redeemed_at@ redeemed_from",
            "SELECT client_id, scope, resources, granted_scope, state, reported, requested_at, requested_from, requested_agent, decided_at, redeemed_at,
                    redeemed_from
             FROM device_grants WHERE tenant_id = $1 AND (person = $2 OR claimed_person = $2) ORDER BY requested_at",
        ),
        (
            "sign_in_requests",
            "client state reported? requested_at@ requested_from requested_agent expires_at@ decided_at@",
            "SELECT client_id, state, reported, requested_at, requested_from, requested_agent, expires_at, decided_at
             FROM authorization_requests WHERE tenant_id = $1 AND opened_person = $2 ORDER BY requested_at",
        ),
        (
            "sign_in_codes",
            "client redirect_uri scope authenticated_at@ second_factor_at@ issued_at@ redeemed_at@",
            "SELECT client_id, redirect_uri, scope, authenticated_at, second_factor_at, issued_at, redeemed_at
             FROM authorization_codes WHERE tenant_id = $1 AND user_id = $2 ORDER BY issued_at",
        ),
        (
            "remembered_consents",
            "client scope redirect_host client_name expires_at@",
            "SELECT client_id, scope, redirect_host, client_name, expires_at
             FROM consents WHERE tenant_id = $1 AND user_id = $2 ORDER BY client_id",
        ),
        (
            "keys",
            "client host account fingerprint public_key label uses max_uses created_at@ expires_at@ last_used_at@",
            "SELECT client_id, host, account, fingerprint, public_key, label, uses, max_uses, created_at, expires_at, last_used_at
             FROM pubkeys WHERE tenant_id = $1 AND user_id = $2 ORDER BY number",
        ),
        (
            "reservations",
            "client fingerprint created_at@ expires_at@",
            "SELECT r.client_id, k.fingerprint, r.created_at, r.expires_at
             FROM pubkeys k JOIN reservations r ON r.pubkey = k.number WHERE k.tenant_id = $1 AND k.user_id = $2 ORDER BY r.number",
        ),
        (
            "refused_lookups",
            "host account fingerprint reason client from first_at@ last_at@ times",
            "SELECT host, account, fingerprint, reason, client_id, from_address, first_at, last_at, times
             FROM refused_lookups WHERE tenant_id = $1 AND user_id = $2 ORDER BY number",
        ),
        (
            "notifications",
            "kind at@ client subject from dismissed_at@",
            "SELECT kind, at, client_id, subject, from_address, dismissed_at
             FROM notifications WHERE tenant_id = $1 AND user_id = $2 ORDER BY id",
        ),
        (
            "mail_queue",
            "created_at@ due_at@ attempts",
            "SELECT created_at, due_at, attempts FROM mail_outbox WHERE tenant_id = $1 AND user_id = $2 ORDER BY notification_id",
        ),
        (
            "logout_notices",
            "client created_at@ due_at@ attempts",
            "SELECT client_id, created_at, due_at, attempts FROM logout_notices WHERE tenant_id = $1 AND user_id = $2 ORDER BY client_id, session_id",
        ),
        (
            "sign_in_networks",
            "network last_seen_at@",
            "SELECT network, last_seen_at FROM sign_in_networks WHERE tenant_id = $1 AND user_id = $2 ORDER BY network",
        ),
        (
            "sessions",
            "signed_in_at@ last_seen_at@ expires_at@ from agent provider issuer subject",
            "SELECT signed_in_at, last_seen_at, expires_at, from_address, agent, provider_id, idp_issuer, idp_subject
             FROM browser_sessions WHERE tenant_id = $1 AND user_id = $2 ORDER BY last_seen_at",
        ),
    ];
    let mut db = pool.snapshot().await?;
    let mut sections = Vec::new();
    for (name, columns, query) in queries {
        let rows: Vec<Cells> = sql::query_as(query).bind(tenant_id.as_str()).bind(user_id.as_str()).fetch_all(&mut *db).await?;
        sections.push(Section { name, rows: rows.into_iter().map(|row| object(columns, row)).collect() });
    }
    db.commit().await?;
    Ok(sections)
}

/// What a person did as an administrator: kind, time and address, not whom it concerned.
pub async fn administration(db: impl sql::Executor<'_>, tenant_id: &TenantId, user_id: &UserId) -> Result<Section, Error> {
    let query = sql::query_as("SELECT kind, at, from_address FROM activity WHERE tenant_id = $1 AND admin_id = $2 ORDER BY at, id");
    let rows: Vec<Cells> = query.bind(tenant_id.as_str()).bind(AdminId::of_person(user_id).as_str()).fetch_all(db).await?;
    Ok(Section { name: "administration", rows: rows.into_iter().map(|row| object("kind at@ from", row)).collect() })
}

fn object(columns: &str, row: Cells) -> Json {
    let members = columns.split_whitespace().zip(row.0).map(|(column, value)| {
        let json = match value {
            Value::Integer(Some(time)) if column.ends_with('@') => Timestamp::from_millis(time).to_rfc3339().into(),
            Value::Integer(Some(number)) if column.ends_with('?') => (number != 0).into(),
            Value::Integer(Some(number)) => number.into(),
            Value::Bool(Some(value)) => value.into(),
            Value::Text(Some(text)) => text.into_owned().into(),
            // No column has bytes.
            _ => Json::Null,
        };
        (column.trim_end_matches(['@', '?']).to_owned(), json)
    });
    Json::Object(members.collect::<Map<_, _>>())
}

/// The person's number, which no other person gets.
pub async fn number(db: impl sql::Executor<'_>, tenant_id: &TenantId, user_id: &UserId) -> Result<Option<i64>, Error> {
    let query = sql::query_scalar("SELECT number FROM people WHERE tenant_id = $1 AND user_id = $2");
    Ok(query.bind(tenant_id.as_str()).bind(user_id.as_str()).fetch_optional(db).await?)
}

/// Deletes some of a person's rows, at most `limit`, and what depends on these; not the account. Returns how many there were.
pub async fn delete_some(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId, limit: u32) -> Result<u64, Error> {
    // Those that others refer to come after these.
    for statement in [
        "DELETE FROM browser_sessions WHERE id_hash IN (SELECT id_hash FROM browser_sessions WHERE tenant_id = $1 AND user_id = $2 LIMIT $3)",
        "DELETE FROM reservations WHERE number IN
             (SELECT r.number FROM pubkeys k JOIN reservations r ON r.pubkey = k.number WHERE k.tenant_id = $1 AND k.user_id = $2 LIMIT $3)",
        "DELETE FROM pubkeys WHERE number IN (SELECT number FROM pubkeys WHERE tenant_id = $1 AND user_id = $2 LIMIT $3)",
        "DELETE FROM delegations WHERE (tenant_id, id) IN (SELECT tenant_id, id FROM delegations WHERE tenant_id = $1 AND user_id = $2 LIMIT $3)",
        "DELETE FROM authorizations WHERE (tenant_id, id) IN
             (SELECT tenant_id, id FROM authorizations WHERE tenant_id = $1 AND user_id = $2 LIMIT $3)",
        "DELETE FROM device_grants WHERE (tenant_id, id) IN
             (SELECT tenant_id, id FROM device_grants WHERE tenant_id = $1 AND (person = $2 OR claimed_person = $2) LIMIT $3)",
        "DELETE FROM authorization_requests WHERE (tenant_id, id) IN
             (SELECT tenant_id, id FROM authorization_requests WHERE tenant_id = $1 AND opened_person = $2 LIMIT $3)",
        "DELETE FROM consents WHERE (tenant_id, user_id, client_id) IN
             (SELECT tenant_id, user_id, client_id FROM consents WHERE tenant_id = $1 AND user_id = $2 LIMIT $3)",
        "DELETE FROM link_requests WHERE (tenant_id, id) IN
             (SELECT tenant_id, id FROM link_requests WHERE tenant_id = $1 AND (person = $2 OR claimed_person = $2) LIMIT $3)",
        "DELETE FROM host_accounts WHERE (tenant_id, id) IN
             (SELECT tenant_id, id FROM host_accounts WHERE tenant_id = $1 AND user_id = $2 LIMIT $3)",
        "DELETE FROM refused_lookups WHERE number IN (SELECT number FROM refused_lookups WHERE tenant_id = $1 AND user_id = $2 LIMIT $3)",
        "DELETE FROM mail_outbox WHERE notification_id IN
             (SELECT notification_id FROM mail_outbox WHERE tenant_id = $1 AND user_id = $2 LIMIT $3)",
        "DELETE FROM logout_notices WHERE (tenant_id, client_id, session_id, user_id) IN
             (SELECT tenant_id, client_id, session_id, user_id FROM logout_notices WHERE tenant_id = $1 AND user_id = $2 LIMIT $3)",
        "DELETE FROM notifications WHERE id IN (SELECT id FROM notifications WHERE tenant_id = $1 AND user_id = $2 LIMIT $3)",
        "DELETE FROM sign_in_networks WHERE (tenant_id, user_id, network) IN
             (SELECT tenant_id, user_id, network FROM sign_in_networks WHERE tenant_id = $1 AND user_id = $2 LIMIT $3)",
        "DELETE FROM user_mfa WHERE (tenant_id, user_id) IN (SELECT tenant_id, user_id FROM user_mfa WHERE tenant_id = $1 AND user_id = $2 LIMIT $3)",
        "DELETE FROM identities WHERE (tenant_id, issuer, subject) IN
             (SELECT tenant_id, issuer, subject FROM identities WHERE tenant_id = $1 AND user_id = $2 LIMIT $3)",
        "DELETE FROM invitations WHERE code_hash IN (SELECT code_hash FROM invitations WHERE tenant_id = $1 AND user_id = $2 LIMIT $3)",
        "DELETE FROM person_groups WHERE (tenant_id, user_id, issuer, name) IN
             (SELECT tenant_id, user_id, issuer, name FROM person_groups WHERE tenant_id = $1 AND user_id = $2 LIMIT $3)",
        "DELETE FROM totp WHERE (tenant_id, user_id) IN (SELECT tenant_id, user_id FROM totp WHERE tenant_id = $1 AND user_id = $2 LIMIT $3)",
        "DELETE FROM passkeys WHERE number IN (SELECT number FROM passkeys WHERE tenant_id = $1 AND user_id = $2 LIMIT $3)",
        "DELETE FROM recovery_codes WHERE (tenant_id, user_id, code_hash) IN
             (SELECT tenant_id, user_id, code_hash FROM recovery_codes WHERE tenant_id = $1 AND user_id = $2 LIMIT $3)",
    ] {
        let deleted = sql::query(statement).bind(tenant_id.as_str()).bind(user_id.as_str()).bind(limit).execute(&mut *db).await?;
        if deleted.rows_affected() > 0 {
            return Ok(deleted.rows_affected());
        }
    }
    Ok(0)
}

/// Replaces a person's name in events about them by a pseudonym, at most `limit`, and removes address, account and subject; a key's
/// fingerprint stays. Returns how many there were.
pub async fn pseudonymize_some(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId, pseudonym: &str, limit: u32) -> Result<u64, Error> {
    let update = sql::query(
        "UPDATE activity SET user_id = $3, from_address = NULL, account = NULL, subject_folded = NULL,
                subject = CASE WHEN subject LIKE 'SHA256:%' THEN subject END
         WHERE id IN (SELECT id FROM activity WHERE tenant_id = $1 AND user_id = $2 LIMIT $4)",
    );
    let update = update.bind(tenant_id.as_str()).bind(user_id.as_str()).bind(pseudonym).bind(limit);
    Ok(update.execute(db).await?.rows_affected())
}

/// The same in events that a person caused as an administrator: these are about others.
pub async fn pseudonymize_some_of_admin(
    db: &mut Connection,
    tenant_id: &TenantId,
    user_id: &UserId,
    pseudonym: &str,
    limit: u32,
) -> Result<u64, Error> {
    let update = sql::query(
        "UPDATE activity SET admin_id = $3, from_address = NULL
         WHERE id IN (SELECT id FROM activity WHERE tenant_id = $1 AND admin_id = $2 LIMIT $4)",
    );
    let update = update.bind(tenant_id.as_str()).bind(AdminId::of_person(user_id).to_string());
    Ok(update.bind(pseudonym).bind(limit).execute(db).await?.rows_affected())
}

/// Deletes the account. Refused by the database while there are rows that refer to it.
pub async fn delete_account(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId) -> Result<bool, Error> {
    let delete = sql::query("DELETE FROM people WHERE tenant_id = $1 AND user_id = $2").bind(tenant_id.as_str()).bind(user_id.as_str());
    Ok(delete.execute(db).await?.rows_affected() == 1)
}
