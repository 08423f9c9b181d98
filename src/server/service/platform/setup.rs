//! Initial data of a deployment: the tenants `default` and `test`, their administrators, the CLI's client, and test data.

use futures_util::FutureExt;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::client::{CLI_CLIENT_ID, Client};
use crate::domain::delegation::Creator;
use crate::domain::host_account::HostAccount;
use crate::domain::ids::{AdminId, ClientId, DelegationId, HostAccountId, HostName, IdRefused, TenantId, UserId};
use crate::domain::scope::{Scope, ScopeSet};
use crate::domain::tenant::{Policy, Tenant};
use crate::domain::time::Timestamp;
use crate::server::service::admin::admins::ADMIN_SECRET;
use crate::server::service::admin::clients::CLIENT_SECRET;
use crate::server::service::auth::principals::{DEFAULT_TENANT, TenantAdmin};
use crate::server::service::platform::rng::{Secret, random_password};
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::delegations::NewDelegation;
use crate::server::storage::people::Person;
use crate::server::storage::{Connection, admins, audit_log, clients, delegations, host_accounts, hosts, people, tenants, user_mfa};

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

/// The tenant for tests, and its only person.
pub const TEST_TENANT: &str = "test";
pub const TEST_PERSON: &str = "testuser1";

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

    /// True if the data were created now.
    async fn ensure_test_data(&self, tenant: &TenantId, password: &Secret) -> Result<bool, Fault> {
        let data = TestData::new(self, tenant, password).await?;
        let result = self.try_write(move |db| data.insert(db).boxed()).await;
        match result {
            Ok(()) => Ok(true),
            Err(Error::Refused(TestDataExists)) => Ok(false),
            Err(Error::Internal(fault)) => Err(fault),
        }
    }
}

struct TestDataExists;

/// The rows that TMS' own installer creates, so that scripts for the old server's test tenant work here.
struct TestData {
    client: Client,
    client_secret_hash: Vec<u8>,
    person: Person,
    account: HostAccount,
    delegation: DelegationId,
    now: Timestamp,
}

impl TestData {
    async fn new(services: &Services, tenant: &TenantId, password: &Secret) -> Result<Self, Fault> {
        let user_id = UserId::parse(TEST_PERSON).map_err(Fault::new)?;
        let now = services.now();
        Ok(Self {
            client: Client {
                device_grant: true,
                scope: Scope::ALL.into_iter().collect(),
                ..Client::new(tenant.clone(), ClientId::parse("testclient1").map_err(Fault::new)?, "testapp1", "1.0", now)
            },
            client_secret_hash: services.signing_keys().hash(CLIENT_SECRET, "secret1"),
            person: Person {
                tenant_id: tenant.clone(),
                user_id: user_id.clone(),
                display_name: "Test User".into(),
                enabled: true,
                // So that `/admin` can be tried.
                admin: true,
                password_hash: Some(services.password_hash(password).await?),
            },
            account: HostAccount {
                number: 0,
                id: HostAccountId::parse(services.new_id("hac")).map_err(Fault::new)?,
                user_id,
                host: "testhost1".into(),
                account: "testhostaccount1".into(),
                linked_at: now,
                expires_at: Timestamp::FOREVER,
                updated_at: now,
                linked_by: Creator::Admin,
                linked_through: None,
            },
            delegation: DelegationId::parse(services.new_id("dlg")).map_err(Fault::new)?,
            now,
        })
    }

    async fn insert(self, db: &mut Connection) -> Result<(), Error<TestDataExists>> {
        let Self { client, client_secret_hash, person, account, delegation, now } = self;
        let tenant = &client.tenant_id;
        if !people::insert(db, &person, now).await? {
            return Err(Error::Refused(TestDataExists));
        }
        clients::insert(db, &client, Some(&client_secret_hash)).await?;
        user_mfa::insert(db, tenant, &person.user_id, Timestamp::FOREVER, now).await?;
        let host = HostName::parse(account.host.clone()).map_err(Fault::new)?;
        hosts::insert(db, tenant, &host, "127.0.0.1", now).await?;
        host_accounts::insert(db, tenant, &account).await?;
        let everything: ScopeSet = Scope::ALL.into_iter().collect();
        let new = NewDelegation {
            tenant_id: tenant,
            id: delegation,
            client_id: &client.id,
            user_id: &person.user_id,
            device_grant_id: None,
            made_by: Creator::Admin,
            scope: &everything,
            expires_at: Timestamp::FOREVER,
        };
        delegations::insert_for_every_host(db, &new, now).await?;
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
