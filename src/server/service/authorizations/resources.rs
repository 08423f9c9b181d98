//! The resource servers that requests name, as they are registered now (RFC 8707).

use std::net::IpAddr;

use crate::domain::client::Client;
use crate::domain::ids::TenantId;
use crate::domain::refused_request::{RefusedRequest, RefusedRequestReason};
use crate::domain::requested_access::{RequestedResources, distinct};
use crate::domain::resource_server::{GrantedResource, ResourceServer};
use crate::domain::token_access::TargetRefused;
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::{self, Connection, resource_servers};

impl Services {
    /// The resource servers that a request for access names with its `resource` parameters. Refused if one does not exist, or if the client
    /// may not request access to it, which is recorded.
    pub(in crate::server::service) async fn requested_resources(
        &self,
        client: &Client,
        sent: &[String],
        from: Option<IpAddr>,
    ) -> Result<RequestedResources, Error<TargetRefused>> {
        let (named, api) = (distinct(sent), self.audience());
        let others: Vec<&str> = named.iter().copied().filter(|resource| *resource != api).collect();
        let servers = match others.as_slice() {
            [] => Vec::new(),
            others => resource_servers::read_all(self.storage().reader(), &client.tenant_id, others).await?,
        };
        let is_known = |resource: &str| servers.iter().any(|server| server.indicator.as_str() == resource && server.allows(&client.id));
        if let Some(unknown) = others.iter().find(|resource| !is_known(resource)) {
            let refused = RefusedRequest::new(RefusedRequestReason::Resource).with(unknown);
            self.record_refused_request(&client.tenant_id, &client.id, &refused, from);
            return Err(Error::Refused(TargetRefused::Unknown));
        }
        Ok(RequestedResources { api: named.is_empty() || others.len() < named.len(), servers })
    }

    /// The resource servers of what a person allowed.
    pub(in crate::server::service) async fn registered_resources(
        &self,
        tenant_id: &TenantId,
        granted: &[GrantedResource],
    ) -> Result<Vec<ResourceServer>, Fault> {
        let named = indicators(granted);
        if named.is_empty() { Ok(Vec::new()) } else { Ok(resource_servers::read_all(self.storage().reader(), tenant_id, &named).await?) }
    }
}

/// The same in a transaction.
pub(in crate::server::service) async fn registered(
    db: &mut Connection,
    tenant_id: &TenantId,
    granted: &[GrantedResource],
) -> Result<Vec<ResourceServer>, storage::Error> {
    let named = indicators(granted);
    if named.is_empty() { Ok(Vec::new()) } else { resource_servers::find_all(db, tenant_id, &named).await }
}

fn indicators(granted: &[GrantedResource]) -> Vec<&str> {
    granted.iter().map(|granted| granted.indicator.as_str()).collect()
}
