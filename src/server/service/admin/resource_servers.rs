//! Resource servers besides the TMS API, as administrators and the operator register them.

use futures_util::FutureExt;
use thiserror::Error as ThisError;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::ids::ClientId;
use crate::domain::resource_server::{RequestingClients, ResourceIndicator, ResourceServer, ResourceSettingsRefused};
use crate::domain::time::Timestamp;
use crate::server::service::auth::principals::TenantAdmin;
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::{Connection, audit_log, clients, resource_servers};

/// Why a resource server is not registered, changed or removed.
#[derive(Clone, Debug, ThisError, PartialEq, Eq)]
pub enum ResourceServerRefused {
    /// In this tenant or another: a token names its resource server by the indicator alone.
    #[error("a resource server with this address is registered already")]
    Exists,
    #[error("it is not registered")]
    NotFound,
    /// Saving would undo a change since the form was rendered.
    #[error("it was changed in the meantime; try again")]
    Stale,
    #[error("{0}")]
    Settings(#[from] ResourceSettingsRefused),
    #[error("client {0} does not exist")]
    NoClient(ClientId),
    #[error("client {0} is public: it cannot prove who it is, and may not ask about tokens")]
    PublicReader(ClientId),
}

impl Services {
    /// Registers a resource server of the administrator's tenant.
    pub async fn add_resource_server(&self, admin: &TenantAdmin, server: ResourceServer) -> Result<(), Error<ResourceServerRefused>> {
        server.check_settings(self.public_url()).map_err(|refused| Error::Refused(refused.into()))?;
        let record = audit_event(admin, AuditKind::ResourceServerAdded, server.indicator.to_string(), self.now());
        let server = ResourceServer { tenant_id: admin.tenant_id().clone(), ..server };
        self.try_write(move |db| {
            async move {
                check_clients(db, &server).await?;
                if !resource_servers::insert(db, &server).await? {
                    return Err(Error::Refused(ResourceServerRefused::Exists));
                }
                audit_log::insert(db, &record).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Changes a resource server; the audit event names the settings that changed. `seen`: the state that the form showed; refused as stale if
    /// it differs from the current one. What people allowed is narrowed by it, never widened.
    pub async fn edit_resource_server(
        &self,
        admin: &TenantAdmin,
        indicator: &ResourceIndicator,
        seen: Option<Timestamp>,
        edit: impl FnOnce(&mut ResourceServer) + Send + 'static,
    ) -> Result<(), Error<ResourceServerRefused>> {
        let (admin, indicator, now, portal) = (admin.clone(), indicator.clone(), self.now(), self.public_url().to_owned());
        self.try_write(move |db| {
            async move {
                let found = resource_servers::find(&mut *db, admin.tenant_id(), &indicator).await?;
                let before = found.ok_or(Error::Refused(ResourceServerRefused::NotFound))?;
                if seen.is_some_and(|seen| seen != before.updated_at) {
                    return Err(Error::Refused(ResourceServerRefused::Stale));
                }
                let mut after = before.clone();
                edit(&mut after);
                after.check_settings(&portal).map_err(|refused| Error::Refused(refused.into()))?;
                let changed = after.differences(&before);
                if changed.is_empty() {
                    return Ok(());
                }
                check_clients(db, &after).await?;
                resource_servers::update(db, &after, now).await?;
                let subject = format!("{indicator} ({})", changed.join(" "));
                audit_log::insert(db, &audit_event(&admin, AuditKind::ResourceServerChanged, subject, now)).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Removes a resource server. Its tokens are not valid any more for those who introspect them; others accept them for up to an hour.
    pub async fn remove_resource_server(&self, admin: &TenantAdmin, indicator: &ResourceIndicator) -> Result<(), Error<ResourceServerRefused>> {
        let record = audit_event(admin, AuditKind::ResourceServerRemoved, indicator.to_string(), self.now());
        let (tenant, indicator) = (admin.tenant_id().clone(), indicator.clone());
        let removed = self.write_audited(record, move |db| async move { resource_servers::delete(db, &tenant, &indicator).await }.boxed());
        if removed.await? { Ok(()) } else { Err(Error::Refused(ResourceServerRefused::NotFound)) }
    }

    pub async fn find_resource_server(&self, admin: &TenantAdmin, indicator: &ResourceIndicator) -> Result<Option<ResourceServer>, Fault> {
        Ok(resource_servers::read_all(self.storage().reader(), admin.tenant_id(), &[indicator.as_str()]).await?.pop())
    }

    /// All resource servers of the administrator's tenant.
    pub async fn list_resource_servers(&self, admin: &TenantAdmin) -> Result<Vec<ResourceServer>, Fault> {
        Ok(resource_servers::list(self.storage().reader(), admin.tenant_id()).await?)
    }
}

/// Refuses clients that do not exist, and readers that cannot authenticate.
async fn check_clients(db: &mut Connection, server: &ResourceServer) -> Result<(), Error<ResourceServerRefused>> {
    let requesting: &[ClientId] = match &server.clients {
        RequestingClients::All => &[],
        RequestingClients::Only(clients) => clients,
    };
    for id in requesting.iter().chain(&server.readers) {
        let found = clients::find(&mut *db, &server.tenant_id, id).await?;
        let client = found.ok_or_else(|| Error::Refused(ResourceServerRefused::NoClient(id.clone())))?.client;
        if client.is_public() && server.readers.contains(id) {
            return Err(Error::Refused(ResourceServerRefused::PublicReader(id.clone())));
        }
    }
    Ok(())
}

fn audit_event(admin: &TenantAdmin, kind: AuditKind, subject: String, now: Timestamp) -> AuditEvent {
    AuditEvent::new(admin.tenant_id().clone(), kind, now).admin(Some(admin.admin_id())).from(admin.from).subject(subject)
}
