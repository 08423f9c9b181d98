//! The addresses of clients.

use super::sql;
use super::{Connection, Error, parse_column};
use crate::domain::client_uris::{ClientEndpoint, ClientUriKind, ClientUris, WebOrigin};
use crate::domain::ids::{ClientId, TenantId};
use crate::domain::redirect_uri::RedirectUri;

/// All addresses of a client.
pub async fn find(db: impl sql::Executor<'_>, tenant_id: &TenantId, id: &ClientId) -> Result<ClientUris, Error> {
    let query = sql::query_as("SELECT kind, uri, unrestricted_egress FROM client_uris WHERE tenant_id = $1 AND client_id = $2 ORDER BY kind, uri");
    let rows: Vec<(String, String, bool)> = query.bind(tenant_id.as_str()).bind(id.as_str()).fetch_all(db).await?;
    let mut uris = ClientUris::default();
    for (kind, uri, unrestricted_egress) in rows {
        let parse_redirect = || parse_column("client_uris", id.as_str(), RedirectUri::parse(&uri));
        let parse_endpoint = || parse_column("client_uris", id.as_str(), ClientEndpoint::parse(&uri, unrestricted_egress));
        match ClientUriKind::parse(&kind) {
            Some(ClientUriKind::Redirect) => uris.redirect.push(parse_redirect()?),
            Some(ClientUriKind::PostLogout) => uris.post_logout.push(parse_redirect()?),
            Some(ClientUriKind::BackchannelLogout) => uris.backchannel_logout = Some(parse_endpoint()?),
            Some(ClientUriKind::Origin) => uris.origins.push(parse_column("client_uris", id.as_str(), WebOrigin::parse(&uri))?),
            Some(ClientUriKind::Jwks) => uris.jwks = Some(parse_endpoint()?),
            // Of a later release.
            None => {}
        }
    }
    Ok(uris)
}

/// The client's address of a kind of which it has one at most.
pub async fn find_endpoint(
    db: impl sql::Executor<'_>,
    tenant_id: &TenantId,
    id: &ClientId,
    kind: ClientUriKind,
) -> Result<Option<ClientEndpoint>, Error> {
    let query =
        sql::query_as("SELECT uri, unrestricted_egress FROM client_uris WHERE tenant_id = $1 AND client_id = $2 AND kind = $3 ORDER BY uri LIMIT 1");
    let row: Option<(String, bool)> = query.bind(tenant_id.as_str()).bind(id.as_str()).bind(kind.as_str()).fetch_optional(db).await?;
    row.map(|(uri, unrestricted_egress)| parse_column("client_uris", id.as_str(), ClientEndpoint::parse(&uri, unrestricted_egress))).transpose()
}

/// Whether an origin is one of an enabled client's, in an enabled tenant.
pub async fn is_origin_of_tenant(db: impl sql::Executor<'_>, tenant_id: &TenantId, origin: &str) -> Result<bool, Error> {
    let query = sql::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM client_uris u
                        JOIN clients c ON c.tenant_id = u.tenant_id AND c.client_id = u.client_id
                        JOIN tenants t ON t.id = u.tenant_id
                        WHERE u.tenant_id = $1 AND u.kind = 'origin' AND u.uri = $2 AND c.enabled AND t.enabled)",
    );
    Ok(query.bind(tenant_id.as_str()).bind(origin).fetch_one(db).await?)
}

/// Whether an origin is one of this client's.
pub async fn is_origin_of_client(db: impl sql::Executor<'_>, tenant_id: &TenantId, id: &ClientId, origin: &str) -> Result<bool, Error> {
    let query =
        sql::query_scalar("SELECT EXISTS (SELECT 1 FROM client_uris WHERE tenant_id = $1 AND client_id = $2 AND kind = 'origin' AND uri = $3)");
    Ok(query.bind(tenant_id.as_str()).bind(id.as_str()).bind(origin).fetch_one(db).await?)
}

/// Replaces all addresses of a client.
pub async fn replace(db: &mut Connection, tenant_id: &TenantId, id: &ClientId, uris: &ClientUris) -> Result<(), Error> {
    sql::query("DELETE FROM client_uris WHERE tenant_id = $1 AND client_id = $2")
        .bind(tenant_id.as_str())
        .bind(id.as_str())
        .execute(&mut *db)
        .await?;
    let ClientUris { redirect, post_logout, backchannel_logout, origins, jwks } = uris;
    let of_redirect = |kind: ClientUriKind, list: &[RedirectUri]| list.iter().map(|uri| (kind, uri.to_string(), false)).collect::<Vec<_>>();
    let of_endpoint = |kind: ClientUriKind, endpoint: &Option<ClientEndpoint>| {
        endpoint.iter().map(|endpoint| (kind, endpoint.url.clone(), endpoint.unrestricted_egress)).collect::<Vec<_>>()
    };
    let rows = [
        of_redirect(ClientUriKind::Redirect, redirect),
        of_redirect(ClientUriKind::PostLogout, post_logout),
        of_endpoint(ClientUriKind::BackchannelLogout, backchannel_logout),
        origins.iter().map(|origin| (ClientUriKind::Origin, origin.to_string(), false)).collect(),
        of_endpoint(ClientUriKind::Jwks, jwks),
    ];
    for (kind, uri, unrestricted_egress) in rows.into_iter().flatten() {
        sql::query("INSERT INTO client_uris (tenant_id, client_id, kind, uri, unrestricted_egress) VALUES ($1, $2, $3, $4, $5)")
            .bind(tenant_id.as_str())
            .bind(id.as_str())
            .bind(kind.as_str())
            .bind(uri)
            .bind(unrestricted_egress)
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}
