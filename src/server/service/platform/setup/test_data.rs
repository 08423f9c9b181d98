//! The test tenant and its data.

use crate::domain::client::Client;
use crate::domain::delegation::Creator;
use crate::domain::host_account::HostAccount;
use crate::domain::ids::{ClientId, DelegationId, HostAccountId, HostName, TenantId, UserId};
use crate::domain::scope::{Scope, ScopeSet};
use crate::domain::time::Timestamp;
use crate::server::service::admin::clients::CLIENT_SECRET;
use crate::server::service::platform::rng::Secret;
use crate::server::service::{Fault, Services};
use crate::server::storage::delegations::{self, NewDelegation};
use crate::server::storage::people::{self, Person};
use crate::server::storage::{self, Connection, clients, host_accounts, hosts, user_mfa};

/// The tenant for tests, and its only person.
pub const TEST_TENANT: &str = "test";
pub const TEST_PERSON: &str = "testuser1";
const TEST_HOST: &str = "testhost1";

impl Services {
    /// Whether the test data were created, at any time.
    pub(super) async fn has_test_data(&self) -> Result<bool, Fault> {
        let (tenant, person) = (TenantId::parse(TEST_TENANT).map_err(Fault::new)?, UserId::parse(TEST_PERSON).map_err(Fault::new)?);
        Ok(people::find(self.storage().reader(), &tenant, &person).await?.is_some())
    }
}

/// The rows that TMS' own installer creates, so that scripts for the old server's test tenant work here.
pub(super) struct TestData {
    client: Client,
    client_secret_hash: Vec<u8>,
    person: Person,
    host: HostName,
    account: HostAccount,
    delegation: DelegationId,
    now: Timestamp,
}

impl TestData {
    pub(super) async fn new(services: &Services, tenant: &TenantId, password: &Secret) -> Result<Self, Fault> {
        let user_id = UserId::parse(TEST_PERSON).map_err(Fault::new)?;
        let now = services.now();
        Ok(Self {
            client: Client {
                device_grant: true,
                scope: Scope::TMS.into_iter().chain([Scope::OfflineAccess]).collect(),
                ..Client::new(tenant.clone(), ClientId::parse("testclient1").map_err(Fault::new)?, "testapp1", "1.0", now)
            },
            client_secret_hash: services.keys().hash(CLIENT_SECRET, "secret1"),
            person: Person {
                tenant_id: tenant.clone(),
                user_id: user_id.clone(),
                display_name: "Test User".into(),
                enabled: true,
                // So that `/admin` can be tried.
                admin: true,
                password_hash: Some(services.password_hash(password).await?),
            },
            host: HostName::parse(TEST_HOST).map_err(Fault::new)?,
            account: HostAccount {
                number: 0,
                id: HostAccountId::parse(services.new_id("hac")).map_err(Fault::new)?,
                user_id,
                host: TEST_HOST.into(),
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

    /// False if the person exists.
    pub(super) async fn insert(self, db: &mut Connection) -> Result<bool, storage::Error> {
        let Self { client, client_secret_hash, person, host, account, delegation, now } = self;
        let tenant = &client.tenant_id;
        if !people::insert(db, &person, now).await? {
            return Ok(false);
        }
        clients::insert(db, &client, Some(&client_secret_hash)).await?;
        user_mfa::insert(db, tenant, &person.user_id, Timestamp::FOREVER, now).await?;
        hosts::insert(db, tenant, &host, "127.0.0.1", now).await?;
        host_accounts::insert(db, tenant, &account).await?;
        let everything: ScopeSet = Scope::TMS.into_iter().collect();
        let new = NewDelegation {
            tenant_id: tenant,
            id: delegation,
            client_id: &client.id,
            user_id: &person.user_id,
            authorization_id: None,
            made_by: Creator::Admin,
            scope: &everything,
            expires_at: Timestamp::FOREVER,
        };
        delegations::insert_for_every_host(db, &new, now).await?;
        Ok(true)
    }
}
