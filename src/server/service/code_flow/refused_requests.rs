//! Authorization requests that are refused: recorded for the tenant's administrators with the reason, which the visitor does not learn.

use std::net::IpAddr;

use crate::domain::authorization_request::{Parameters, RequestProblem, Unanswerable};
use crate::domain::client::Client;
use crate::domain::client::registration::GrantType;
use crate::domain::ids::{ClientId, TenantId};
use crate::domain::refused_request::{RefusedRequest, RefusedRequestReason};
use crate::server::service::{Fault, Services};
use crate::server::storage::{client_uris, clients};

/// The number of registered addresses that the record names.
const NAMED_URIS: usize = 3;

impl Services {
    /// Records a request whose visitor gets an error page, if it names a client of the tenant: anybody can make up others.
    pub(super) async fn record_unanswerable(
        &self,
        tenant: &TenantId,
        sent: &Parameters,
        refused: Unanswerable,
        from: Option<IpAddr>,
    ) -> Result<(), Fault> {
        let id = sent.get("client_id").filter(|_| !sent.is_repeated("client_id")).and_then(|id| ClientId::parse(id).ok());
        let (Some(id), Some(reason)) = (id, refused.reason()) else { return Ok(()) };
        if clients::find(self.storage().reader(), tenant, &id).await?.is_none() {
            return Ok(());
        }
        let mut record = RefusedRequest::new(reason);
        if reason == RefusedRequestReason::GrantType {
            record = record.with(GrantType::AuthorizationCode.as_str());
        }
        if reason == RefusedRequestReason::RedirectUri {
            let registered = client_uris::find(self.storage().reader(), tenant, &id).await?.redirect;
            let registered: Vec<&str> = registered.iter().take(NAMED_URIS).map(|uri| uri.as_str()).collect();
            record = record.with(&format!("{}; registered: {}", sent.get("redirect_uri").unwrap_or_default(), registered.join(" ")));
        }
        self.record_refused_request(tenant, &id, &record, from);
        Ok(())
    }

    /// Records a problem that the client is told.
    pub(super) fn record_problem(&self, client: &Client, problem: RequestProblem, from: Option<IpAddr>) {
        let record = RefusedRequest::new(problem.reason()).with(problem.description());
        self.record_refused_request(&client.tenant_id, &client.id, &record, from);
    }
}
