//! Initial data of a deployment: the tenants `default` and `test`, their administrators, the CLI's client, and test data.

pub mod test_data;

use futures_util::FutureExt;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::client::{CLI_CLIENT_ID, Client};
use crate::domain::ids::{AdminId, ClientId, IdRefused, TenantId};
use crate::domain::scope::Scope;
use crate::domain::tenant::{Policy, Tenant};
use crate::domain::time::Timestamp;
use crate::server::service::admin::admins::ADMIN_SECRET;
use crate::server::service::auth::principals::{DEFAULT_TENANT, TenantAdmin};
use crate::server::service::platform::rng::{Secret, random_password};
use crate::server::service::platform::setup::test_data::TEST_TENANT;
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::{admins, audit_log, clients, tenants};

/// TMS' name for each tenant's first administrator.
pub const FIRST_ADMIN: &str = "~~admin";

/// A newly created tenant, with its administrator's secret, which is shown once.
pub struct CreatedTenant {
    pub tenant: TenantId,
    pub admin_secret: Secret,
}

/// What was created and must be shown now, because it cannot be shown again.
#[derive(Default)]
pub struct SetupSummary {
    pub new_tenants: Vec<CreatedTenant>,
    /// The test person's password, if the test data were created now.
    pub test_password: Option<Secret>,
}

impl Services {
    /// Creates what is missing; repeating it changes nothing. The test tenant is enabled if, and only if, `test_tenant` is set.
    pub async fn initialize(&self, test_tenant: bool, chosen_test_password: Option<Secret>) -> Result<SetupSummary, Fault> {
        let mut made = SetupSummary::default();
        let now = self.now();
        let default = Tenant {
            row_id: 0,
            id: tenant_id(DEFAULT_TENANT)?,
            display_name: "Default".into(),
            enabled: true,
            policy: Policy::default(),
            created_at: now,
            updated_at: now,
        };
        let test = Tenant {
            id: tenant_id(TEST_TENANT)?,
            display_name: "Test".into(),
            enabled: test_tenant,
            policy: Policy { local_passwords: true, ..Policy::default() },
            ..default.clone()
        };
        made.new_tenants.extend(self.ensure_tenant(default, None).await?);
        made.new_tenants.extend(self.ensure_tenant(test.clone(), None).await?);
        if test_tenant {
            let password = chosen_test_password.unwrap_or_else(|| random_password(self.rng()));
            made.test_password = self.ensure_test_data(&test.id, &password).await?.then_some(password);
        }
        if let Some(operator) = self.operator(&test.id).await? {
            let switched = self.edit_tenant(&operator, None, move |tenant| tenant.enabled = test_tenant).await;
            if let Err(Error::Internal(fault)) = switched {
                return Err(fault);
            }
        }
        self.ensure_cli_client().await?;
        Ok(made)
    }

    /// `None` if there is a tenant of that id.
    pub(in crate::server::service) async fn ensure_tenant(
        &self,
        tenant: Tenant,
        made_by: Option<&TenantAdmin>,
    ) -> Result<Option<CreatedTenant>, Fault> {
        let (id, now, admin_secret) = (tenant.id.clone(), self.now(), Secret::hexadecimal(self.rng()));
        let first_admin = AdminId::parse(FIRST_ADMIN).map_err(Fault::new)?;
        let cli = cli_client(id.clone(), now)?;
        let secret_hash = self.signing_keys().hash(ADMIN_SECRET, admin_secret.reveal());
        let record = AuditEvent::new(id.clone(), AuditKind::TenantCreated, now).admin(made_by.map(TenantAdmin::admin_id));
        let record = record.from(made_by.and_then(|admin| admin.from));
        let new = self
            .write(move |db| {
                async move {
                    let new = tenants::find(&mut *db, &tenant.id).await?.is_none() && tenants::insert(db, &tenant).await?;
                    if new {
                        admins::insert(db, &tenant.id, &first_admin, &secret_hash, now).await?;
                        clients::insert(db, &cli, None).await?;
                        audit_log::insert(db, &record).await?;
                    }
                    Ok(new)
                }
                .boxed()
            })
            .await?;
        Ok(new.then_some(CreatedTenant { tenant: id, admin_secret }))
    }

    /// Creates the CLI's client in every tenant, also in those created by older releases.
    async fn ensure_cli_client(&self) -> Result<(), Fault> {
        for tenant in tenants::list(self.storage().reader()).await? {
            let client = cli_client(tenant.id, self.now())?;
            if clients::find(self.storage().reader(), &client.tenant_id, &client.id).await?.is_none() {
                self.write(move |db| async move { clients::insert(db, &client, None).await }.boxed()).await?;
            }
        }
        Ok(())
    }
}

fn cli_client(tenant_id: TenantId, now: Timestamp) -> Result<Client, Fault> {
    let id = ClientId::parse(CLI_CLIENT_ID).map_err(Fault::new)?;
    Ok(Client {
        device_grant: true,
        scope: Scope::ALL.into_iter().collect(),
        public: true,
        ..Client::new(tenant_id, id, "TMS command line", "1", now)
    })
}

fn tenant_id(name: &str) -> Result<TenantId, Fault> {
    TenantId::parse(name).map_err(|refused: IdRefused| Fault::new(refused))
}
