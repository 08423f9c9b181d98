//! Initial data of a deployment: the tenants `default` and `test`, their administrators, the CLI's client, and test data.

pub mod test_data;

use futures_util::FutureExt;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::client::registration::{ClientAuthMethod, GrantTypes};
use crate::domain::client::{CLI_CLIENT_ID, CLI_REDIRECT_URIS, Client};
use crate::domain::client_uris::ClientUris;
use crate::domain::ids::{AdminId, ClientId, IdRefused, TenantId};
use crate::domain::redirect_uri::RedirectUri;
use crate::domain::scope::Scope;
use crate::domain::tenant::{Policy, Tenant};
use crate::domain::time::Timestamp;
use crate::server::service::admin::admins::ADMIN_SECRET;
use crate::server::service::auth::principals::{DEFAULT_TENANT, TenantAdmin};
use crate::server::service::platform::rng::{Secret, random_password};
use crate::server::service::platform::setup::test_data::{TEST_TENANT, TestData};
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::{self, Connection, admins, audit_log, client_uris, clients, people, tenants};

/// TMS' name for each tenant's first administrator.
pub const FIRST_ADMIN: &str = "~~admin";

/// A newly created tenant, with its administrator's secret, which is shown once.
pub struct CreatedTenant {
    pub tenant: TenantId,
    pub admin_secret: Secret,
}

/// The secrets of what a set-up creates. They cannot be shown later, because only their hashes are stored.
#[derive(Default)]
pub struct SetupSummary {
    pub new_tenants: Vec<CreatedTenant>,
    /// The test person's password, if the test data are created.
    pub test_password: Option<Secret>,
}

impl SetupSummary {
    pub fn is_empty(&self) -> bool {
        self.new_tenants.is_empty() && self.test_password.is_none()
    }
}

/// A tenant to create, and what is stored with it.
struct NewTenant {
    tenant: Tenant,
    admin_id: AdminId,
    secret_hash: Vec<u8>,
    cli_client: Client,
    event: AuditEvent,
}

impl NewTenant {
    /// False if there is a tenant of that id.
    async fn insert(&self, db: &mut Connection) -> Result<bool, storage::Error> {
        let Self { tenant, admin_id, secret_hash, cli_client, event } = self;
        let new = tenants::find(&mut *db, &tenant.id).await?.is_none() && tenants::insert(db, tenant).await?;
        if new {
            admins::insert(db, &tenant.id, admin_id, secret_hash, tenant.created_at).await?;
            insert_cli_client(db, cli_client).await?;
            audit_log::insert(db, event).await?;
        }
        Ok(new)
    }
}

impl Services {
    /// Whether anyone was added to any tenant.
    pub async fn has_people(&self) -> Result<bool, Fault> {
        Ok(people::any_exist(self.storage().reader()).await?)
    }

    /// Generates the secrets of what [`initialize`](Self::initialize) will create, so that they can be shown before it does.
    pub async fn plan_setup(&self, test_tenant: bool, chosen_test_password: Option<Secret>) -> Result<SetupSummary, Fault> {
        let mut plan = SetupSummary::default();
        for name in [DEFAULT_TENANT, TEST_TENANT] {
            let tenant = tenant_id(name)?;
            if tenants::find(self.storage().reader(), &tenant).await?.is_none() {
                plan.new_tenants.push(CreatedTenant { tenant, admin_secret: Secret::hexadecimal(self.rng()) });
            }
        }
        if test_tenant && !self.has_test_data().await? {
            plan.test_password = Some(chosen_test_password.unwrap_or_else(|| random_password(self.rng())));
        }
        Ok(plan)
    }

    /// Creates what is missing, in one transaction, with the secrets that were generated for it. Returns those of the secrets that are valid:
    /// another portal may have been faster.
    pub async fn initialize(&self, test_tenant: bool, plan: SetupSummary) -> Result<SetupSummary, Fault> {
        let now = self.now();
        let mut new = Vec::new();
        for CreatedTenant { tenant, admin_secret } in &plan.new_tenants {
            let is_test = tenant.as_str() == TEST_TENANT;
            let tenant = Tenant {
                row_id: 0,
                id: tenant.clone(),
                display_name: if is_test { "Test" } else { "Default" }.into(),
                enabled: !is_test || test_tenant,
                policy: Policy { local_passwords: is_test, ..Policy::default() },
                created_at: now,
                updated_at: now,
            };
            new.push(self.new_tenant(tenant, admin_secret, None)?);
        }
        let test_data = match &plan.test_password {
            Some(password) => Some(TestData::new(self, &tenant_id(TEST_TENANT)?, password).await?),
            None => None,
        };
        let work = self.write(move |db| {
            async move {
                let mut created = Vec::new();
                for tenant in &new {
                    created.push(tenant.insert(db).await?);
                }
                let has_test_data = match test_data {
                    Some(data) => data.insert(db).await?,
                    None => false,
                };
                Ok((created, has_test_data))
            }
            .boxed()
        });
        let (created, has_test_data) = work.await?;
        let new_tenants = plan.new_tenants.into_iter().zip(created).filter_map(|(tenant, created)| created.then_some(tenant)).collect();
        Ok(SetupSummary { new_tenants, test_password: plan.test_password.filter(|_| has_test_data) })
    }

    /// Enables the test tenant if, and only if, `test_tenant` is set, and adds the CLI's client to tenants of older releases.
    pub async fn update_tenants(&self, test_tenant: bool) -> Result<(), Fault> {
        if let Some(operator) = self.operator(&tenant_id(TEST_TENANT)?).await? {
            let switched = self.edit_tenant(&operator, None, move |tenant| tenant.enabled = test_tenant).await;
            if let Err(Error::Internal(fault)) = switched {
                return Err(fault);
            }
        }
        self.ensure_cli_client().await
    }

    /// `None` if there is a tenant of that id.
    pub(in crate::server::service) async fn ensure_tenant(&self, tenant: Tenant, made_by: &TenantAdmin) -> Result<Option<CreatedTenant>, Fault> {
        let (id, admin_secret) = (tenant.id.clone(), Secret::hexadecimal(self.rng()));
        let new = self.new_tenant(tenant, &admin_secret, Some(made_by))?;
        let created = self.write(move |db| async move { new.insert(db).await }.boxed()).await?;
        Ok(created.then_some(CreatedTenant { tenant: id, admin_secret }))
    }

    fn new_tenant(&self, tenant: Tenant, admin_secret: &Secret, made_by: Option<&TenantAdmin>) -> Result<NewTenant, Fault> {
        let (id, now) = (tenant.id.clone(), tenant.created_at);
        let event = AuditEvent::new(id.clone(), AuditKind::TenantCreated, now).admin(made_by.map(TenantAdmin::admin_id));
        Ok(NewTenant {
            tenant,
            admin_id: AdminId::parse(FIRST_ADMIN).map_err(Fault::new)?,
            secret_hash: self.keys().hash(ADMIN_SECRET, admin_secret.reveal()),
            cli_client: cli_client(id, now)?,
            event: event.from(made_by.and_then(|admin| admin.from)),
        })
    }

    /// Creates the CLI's client in every tenant, also in those created by older releases.
    async fn ensure_cli_client(&self) -> Result<(), Fault> {
        for tenant in tenants::list(self.storage().reader()).await? {
            let client = cli_client(tenant.id, self.now())?;
            if clients::find(self.storage().reader(), &client.tenant_id, &client.id).await?.is_none() {
                self.write(move |db| async move { insert_cli_client(db, &client).await }.boxed()).await?;
            }
        }
        Ok(())
    }
}

fn cli_client(tenant_id: TenantId, now: Timestamp) -> Result<Client, Fault> {
    let id = ClientId::parse(CLI_CLIENT_ID).map_err(Fault::new)?;
    Ok(Client {
        device_grant: true,
        grant_types: GrantTypes { authorization_code: true, refresh_token: true, client_credentials: false },
        scope: Scope::TMS.into_iter().chain([Scope::OfflineAccess]).collect(),
        auth_method: ClientAuthMethod::None,
        pushed_requests_only: true,
        ..Client::new(tenant_id, id, "TMS command line", "1", now)
    })
}

async fn insert_cli_client(db: &mut Connection, client: &Client) -> Result<(), storage::Error> {
    if clients::insert(db, client, None).await? {
        let redirect = CLI_REDIRECT_URIS.into_iter().filter_map(|uri| RedirectUri::parse(uri).ok()).collect();
        client_uris::replace(db, &client.tenant_id, &client.id, &ClientUris { redirect, ..ClientUris::default() }).await?;
    }
    Ok(())
}

fn tenant_id(name: &str) -> Result<TenantId, Fault> {
    TenantId::parse(name).map_err(|refused: IdRefused| Fault::new(refused))
}
