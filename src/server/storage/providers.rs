//! Identity providers.

use super::row::{Values, row, select};
use super::sql;
use super::{Connection, Error, parse_column};
use crate::domain::ids::{ProviderId, TenantId};
use crate::domain::provider::Provider;
use crate::domain::time::Timestamp;

/// A provider with its sealed client secret.
#[derive(Clone)]
pub struct ProviderWithSecret {
    pub provider: Provider,
    pub secret_sealed: Option<Vec<u8>>,
}

row!(identity_providers:
    struct Row {
        tenant_id: String,
        id: String,
        display_name: String,
        profile: String,
        base: String,
        client_id: String,
        secret_sealed: Option<Vec<u8>>,
        scope: Option<String>,
        newcomers: String,
        mfa: String,
        own_names: bool,
        resources: Option<String>,
        group_claim: Option<String>,
        enabled: bool,
        anywhere: bool,
        created_at: i64,
        updated_at: i64,
    }
);

impl TryFrom<Row> for ProviderWithSecret {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        const TABLE: &str = "identity_providers";
        Ok(Self {
            provider: Provider {
                tenant_id: parse_column(TABLE, &row.id, TenantId::parse(row.tenant_id))?,
                id: parse_column(TABLE, &row.id, ProviderId::parse(row.id.clone()))?,
                display_name: row.display_name,
                profile: row.profile,
                base_url: row.base,
                client_id: row.client_id,
                scope: row.scope,
                provisioning: parse_column(TABLE, &row.id, serde_json::from_str(&row.newcomers))?,
                mfa: parse_column(TABLE, &row.id, serde_json::from_str(&row.mfa))?,
                own_names: row.own_names,
                upstream_hosts: row.resources.map(|json| parse_column(TABLE, &row.id, serde_json::from_str(&json))).transpose()?,
                group_claim: row.group_claim.map(|json| parse_column(TABLE, &row.id, serde_json::from_str(&json))).transpose()?,
                enabled: row.enabled,
                unrestricted_egress: row.anywhere,
                created_at: Timestamp::from_millis(row.created_at),
                updated_at: Timestamp::from_millis(row.updated_at),
            },
            secret_sealed: row.secret_sealed,
        })
    }
}

pub async fn find(db: impl sql::Executor<'_>, tenant_id: &TenantId, id: &ProviderId) -> Result<Option<ProviderWithSecret>, Error> {
    let row: Option<Row> =
        sql::query_as(select!("WHERE tenant_id = $1 AND id = $2")).bind(tenant_id.as_str()).bind(id.as_str()).fetch_optional(db).await?;
    row.map(ProviderWithSecret::try_from).transpose()
}

/// A tenant's providers, in the order in which they were added.
pub async fn list(db: impl sql::Executor<'_>, tenant_id: &TenantId) -> Result<Vec<Provider>, Error> {
    let rows: Vec<Row> = sql::query_as(select!("WHERE tenant_id = $1 ORDER BY created_at, id")).bind(tenant_id.as_str()).fetch_all(db).await?;
    rows.into_iter().map(|row| ProviderWithSecret::try_from(row).map(|stored| stored.provider)).collect()
}

/// The client secret of any one provider, to test whether it can be unsealed.
pub async fn any_secret(db: impl sql::Executor<'_>) -> Result<Option<(TenantId, ProviderId, Vec<u8>)>, Error> {
    let query = "SELECT tenant_id, id, secret_sealed FROM identity_providers WHERE secret_sealed IS NOT NULL LIMIT 1";
    let found: Option<(String, String, Vec<u8>)> = sql::query_as(query).fetch_optional(db).await?;
    let checked = |(tenant, id, sealed): (String, String, Vec<u8>)| {
        Ok((
            parse_column("identity_providers", &id, TenantId::parse(tenant))?,
            parse_column("identity_providers", &id, ProviderId::parse(id.clone()))?,
            sealed,
        ))
    };
    found.map(checked).transpose()
}

/// False if the tenant has a provider of that id.
pub async fn insert(db: &mut Connection, new: &ProviderWithSecret) -> Result<bool, Error> {
    let ProviderWithSecret { provider, secret_sealed } = new;
    settings(provider)
        .set("tenant_id", provider.tenant_id.as_str())
        .set("id", provider.id.as_str())
        .set("profile", &provider.profile)
        .set("base", &provider.base_url)
        .set("client_id", &provider.client_id)
        .set("secret_sealed", secret_sealed)
        .set("created_at", provider.created_at.as_millis())
        .set("updated_at", provider.updated_at.as_millis())
        .insert(db, table!())
        .await
}

/// Stores a changed provider. False if there is no provider of that id.
pub async fn update(db: &mut Connection, provider: &Provider, now: Timestamp) -> Result<bool, Error> {
    let key = [("tenant_id", provider.tenant_id.as_str()), ("id", provider.id.as_str())];
    settings(provider).set("updated_at", now.as_millis()).update(db, table!(), &key).await
}

/// What can be changed of a provider.
fn settings(provider: &Provider) -> Values<'_> {
    Values::new()
        .set("display_name", &provider.display_name)
        .set("scope", &provider.scope)
        .set("newcomers", serde_json::to_string(&provider.provisioning).unwrap_or_default())
        .set("mfa", serde_json::to_string(&provider.mfa).unwrap_or_default())
        .set("own_names", provider.own_names)
        .set("resources", provider.upstream_hosts.as_ref().and_then(|resources| serde_json::to_string(resources).ok()))
        .set("group_claim", provider.group_claim.as_ref().and_then(|groups| serde_json::to_string(groups).ok()))
        .set("enabled", provider.enabled)
        .set("anywhere", provider.unrestricted_egress)
}

/// False if there is no provider of that id.
pub async fn set_secret(db: &mut Connection, tenant_id: &TenantId, id: &ProviderId, sealed: &[u8], now: Timestamp) -> Result<bool, Error> {
    let done = sql::query("UPDATE identity_providers SET secret_sealed = $3, updated_at = $4 WHERE tenant_id = $1 AND id = $2")
        .bind(tenant_id.as_str())
        .bind(id.as_str())
        .bind(sealed)
        .bind(now.as_millis())
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// False if there is no provider of that id. Its identities remain, in case it is added again.
pub async fn delete(db: &mut Connection, tenant_id: &TenantId, id: &ProviderId) -> Result<bool, Error> {
    let done =
        sql::query("DELETE FROM identity_providers WHERE tenant_id = $1 AND id = $2").bind(tenant_id.as_str()).bind(id.as_str()).execute(db).await?;
    Ok(done.rows_affected() == 1)
}
