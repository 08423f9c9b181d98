//! Automatic provisioning (TMS' MVP mode): the missing dependencies of a key are created when a client asks for it, so that an older
//! deployment can migrate before its people have linked accounts and delegated. What exists and is expired or disabled is unchanged.

use futures_util::FutureExt;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::delegation::Creator;
use crate::domain::host_account::{HostAccount, is_system_account};
use crate::domain::ids::{ClientId, DelegationId, HostAccountId};
use crate::domain::scope::{Scope, ScopeSet};
use crate::domain::ssh_key::Dependencies;
use crate::domain::time::Timestamp;
use crate::server::service::{Fault, Services};
use crate::server::storage::delegations::NewDelegation;
use crate::server::storage::host_accounts::HostAccountKey;
use crate::server::storage::people::Person;
use crate::server::storage::{Connection, Error as StorageError, audit_log, delegations, host_accounts, people, user_mfa};

/// False for system accounts.
pub(in crate::server::service) fn may_provision(place: &HostAccountKey, dependencies: &Dependencies) -> bool {
    dependencies.any_missing() && !is_system_account(place.account.as_str())
}

/// Creates what is missing.
pub(in crate::server::service) async fn provision(services: &Services, place: &HostAccountKey, client_id: &ClientId) -> Result<(), Fault> {
    let now = services.now();
    let missing = ProvisioningPlan {
        delegation: DelegationId::parse(services.new_id("dlg")).map_err(Fault::new)?,
        account: HostAccount {
            number: 0,
            id: HostAccountId::parse(services.new_id("hac")).map_err(Fault::new)?,
            user_id: place.user_id.clone(),
            host: place.host.to_string(),
            account: place.account.to_string(),
            linked_at: now,
            expires_at: Timestamp::FOREVER,
            updated_at: now,
            linked_by: Creator::Mvp,
            linked_through: None,
        },
        place: place.clone(),
        client_id: client_id.clone(),
        now,
    };
    services.write(move |db| async move { missing.insert(db).await }.boxed()).await
}

struct ProvisioningPlan {
    place: HostAccountKey,
    client_id: ClientId,
    account: HostAccount,
    delegation: DelegationId,
    now: Timestamp,
}

impl ProvisioningPlan {
    async fn insert(self, db: &mut Connection) -> Result<(), StorageError> {
        let Self { place, client_id, account, delegation, now } = self;
        let (tenant, user) = (&place.tenant_id, &place.user_id);
        let person = Person {
            tenant_id: tenant.clone(),
            user_id: user.clone(),
            display_name: user.to_string(),
            enabled: true,
            admin: false,
            password_hash: None,
        };
        people::insert(db, &person, now).await?;
        let record = |kind| AuditEvent::new(tenant.clone(), kind, now).of(user).client(&client_id);
        if user_mfa::insert(db, tenant, user, Timestamp::FOREVER, now).await? {
            audit_log::insert(db, &record(AuditKind::MfaOpened)).await?;
        }
        let scope: ScopeSet = Scope::TMS.into_iter().collect();
        let new = NewDelegation {
            tenant_id: tenant,
            id: delegation,
            client_id: &client_id,
            user_id: user,
            authorization_id: None,
            made_by: Creator::Mvp,
            scope: &scope,
            expires_at: Timestamp::FOREVER,
        };
        if delegations::insert_for_every_host(db, &new, now).await? {
            audit_log::insert(db, &record(AuditKind::DelegationCreated)).await?;
        }
        if let Some(host) = host_accounts::insert(db, tenant, &account).await? {
            audit_log::insert(db, &record(AuditKind::HostLinked).subject(format!("{}@{host}", place.account)).on(&host, &place.account)).await?;
        }
        Ok(())
    }
}
