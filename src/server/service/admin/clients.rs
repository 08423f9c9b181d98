//! Clients: registration and changes.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::FutureExt;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::client::{Client, ClientDetail, ClientFilter};
use crate::domain::ids::ClientId;
use crate::domain::pagination::{ListParams, Page, PageRequest};
use crate::domain::tenant::Tenant;
use crate::domain::time::Timestamp;
use crate::server::service::admin::secret_rotation::{NewSecretHash, RotatedSecret};
use crate::server::service::auth::principals::{ClientAccess, Principal, TenantAdmin};
use crate::server::service::platform::housekeeping::BATCH;
use crate::server::service::platform::rng::Secret;
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::clients::ClientWithSecrets;
use crate::server::storage::ssh_keys::{KeySelection, Revoker};
use crate::server::storage::{audit_log, client_uris, clients, ssh_keys};

/// Kind under which clients' secrets are hashed.
pub(in crate::server::service) const CLIENT_SECRET: &str = "client secret";

/// Why authentication is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthenticationRefused {
    /// There is no such tenant, or it is disabled.
    NoTenant,
    /// Unknown or disabled, or its credentials are wrong or not the registered ones. The caller is not told which (RFC 6749 §5.2
    /// `invalid_client`).
    InvalidCredentials,
}

/// Why a client is not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientRegistrationRefused {
    NoTenant,
    /// Only the tenant's administrators may register clients.
    Closed,
    /// Open registration is off while the tenant uses automatic provisioning: an unknown client could get keys for any person.
    ClosedByAutoProvisioning,
    /// The tenant has a client of that id, or of that name and version.
    Exists,
}

/// Changes to a client; `None` leaves the value as it is.
#[derive(Clone, Debug, Default)]
pub struct ClientChanges {
    pub app_version: Option<String>,
    pub enabled: Option<bool>,
}

/// Why a client is not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientUpdateRefused {
    NotFound,
    /// Another client has that name and version.
    Exists,
    /// It is public, or authenticates with its keys.
    NoSecret,
}

impl Services {
    /// Registers a client for an administrator, or for any caller if the tenant allows open registration. Its secret is shown once.
    pub async fn register_client(
        &self,
        admin: Option<&TenantAdmin>,
        client: Client,
        from: Option<IpAddr>,
    ) -> Result<Secret, Error<ClientRegistrationRefused>> {
        let tenant = self.enabled_tenant(&client.tenant_id).await?.ok_or(Error::Refused(ClientRegistrationRefused::NoTenant))?;
        check_registration(admin, &tenant).map_err(Error::Refused)?;
        let (secret, hash) = self.new_secret(CLIENT_SECRET);
        let now = self.now();
        let client = match admin {
            Some(_) => client,
            // Only an administrator decides what a client may do.
            None => Client::new(tenant.id, client.id, client.app_name, client.app_version, now),
        };
        let record = AuditEvent::new(client.tenant_id.clone(), AuditKind::ClientCreated, now)
            .client(&client.id)
            .admin(admin.map(TenantAdmin::admin_id))
            .from(from);
        self.try_write(move |db| {
            async move {
                if !clients::insert(db, &client, Some(&hash)).await? {
                    return Err(Error::Refused(ClientRegistrationRefused::Exists));
                }
                audit_log::insert(db, &record).await?;
                Ok(())
            }
            .boxed()
        })
        .await?;
        Ok(secret)
    }

    /// A client finds itself, as it was when it authenticated; an administrator finds any of the tenant.
    pub async fn find_client(&self, principal: Principal, id: &ClientId) -> Result<Option<Client>, Fault> {
        match principal {
            Principal::Client(own) => Ok(Some(own.client).filter(|client| client.id == *id)),
            Principal::Admin(admin) => {
                let found = clients::find(self.storage().reader(), admin.tenant_id(), id).await?;
                Ok(found.map(|registered| registered.client))
            }
        }
    }

    /// All clients of the tenant for an administrator; only itself for a client.
    pub async fn list_clients(&self, principal: &Principal, page: PageRequest) -> Result<Vec<Client>, Fault> {
        match principal {
            Principal::Client(client) => Ok(Some(client.client.clone()).into_iter().filter(|client| client.number > page.after).collect()),
            Principal::Admin(admin) => Ok(clients::page(self.storage().reader(), admin.tenant_id(), page).await?),
        }
    }

    pub async fn update_client(&self, access: &ClientAccess, update: ClientChanges) -> Result<(), Error<ClientUpdateRefused>> {
        let (access, now) = (access.clone(), self.now());
        self.try_write(move |db| {
            async move {
                let found = clients::find(&mut *db, &access.tenant_id, &access.client_id).await?;
                let before = found.ok_or(Error::Refused(ClientUpdateRefused::NotFound))?.client;
                let mut client = before.clone();
                client.app_version = update.app_version.unwrap_or(client.app_version);
                client.enabled = update.enabled.unwrap_or(client.enabled);
                if before.enabled && !client.enabled {
                    client.end_own_tokens(now);
                }
                if !clients::update(db, &client, now).await? {
                    return Err(Error::Refused(ClientUpdateRefused::Exists));
                }
                let record = audit_event(&access, AuditKind::ClientChanged, now).subject(client.differences(&before).join(" "));
                audit_log::insert(db, &record).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Sets a new secret for a client; the old one stays valid for `overlap`, and without it the tokens that the client got for itself end. The
    /// new one is shown once. Refused for a client that has none.
    pub async fn rotate_client_secret(&self, access: &ClientAccess, overlap: Duration) -> Result<RotatedSecret, Error<ClientUpdateRefused>> {
        let access = access.clone();
        self.rotate_secret(CLIENT_SECRET, overlap, move |db, NewSecretHash { hash, old_until, now }| {
            async move {
                let (tenant, client) = (&access.tenant_id, &access.client_id);
                let found = clients::find(&mut *db, tenant, client).await?.ok_or(Error::Refused(ClientUpdateRefused::NotFound))?;
                if !clients::set_secret(db, tenant, client, &hash, old_until, now).await? {
                    return Err(Error::Refused(ClientUpdateRefused::NoSecret));
                }
                if old_until <= now {
                    let mut client = found.client;
                    client.end_own_tokens(now);
                    clients::update(db, &client, now).await?;
                }
                audit_log::insert(db, &audit_event(&access, AuditKind::ClientSecretChanged, now)).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Deletes a client with its keys, delegations and device grants. False if it does not exist.
    pub async fn delete_client(&self, access: &ClientAccess) -> Result<bool, Fault> {
        self.revoke_many_keys(access).await?;
        let (access, now) = (access.clone(), self.now());
        let record = audit_event(&access, AuditKind::ClientDeleted, now);
        let by_whom = record.clone();
        self.write_audited(record, move |db| {
            async move {
                let (tenant, client) = (&access.tenant_id, &access.client_id);
                ssh_keys::revoke(db, tenant, KeySelection::Client(client), Revoker::of(&by_whom), now).await?;
                clients::delete(db, tenant, client).await
            }
            .boxed()
        })
        .await
    }

    /// If a client has many keys, revokes them in batches, so that other changes get their turn: hundreds of thousands in one change would keep
    /// them waiting for seconds. The client is disabled first, so that its other keys do not log in meanwhile, and it creates no more.
    async fn revoke_many_keys(&self, access: &ClientAccess) -> Result<(), Fault> {
        let (keys, _) = clients::usage_counts(self.storage().reader(), &access.tenant_id, &access.client_id).await?;
        if keys <= i64::from(BATCH) {
            return Ok(());
        }
        let disabled = self.update_client(access, ClientChanges { app_version: None, enabled: Some(false) }).await;
        if let Err(Error::Internal(fault)) = disabled {
            return Err(fault);
        }
        let now = self.now();
        loop {
            let (access, record) = (access.clone(), audit_event(access, AuditKind::ClientDeleted, now));
            let revoke = self.write(move |db| {
                async move {
                    let some = KeySelection::SomeOfClient(&access.client_id, BATCH);
                    ssh_keys::revoke(db, &access.tenant_id, some, Revoker::of(&record), now).await
                }
                .boxed()
            });
            if revoke.await? < u64::from(BATCH) {
                return Ok(());
            }
        }
    }

    pub async fn search_clients(&self, admin: &TenantAdmin, params: &ListParams<ClientFilter, ()>) -> Result<Page<Client>, Fault> {
        Ok(clients::list(self.storage().reader(), admin.tenant_id(), params).await?.map(|found| found.client))
    }

    pub async fn client_detail(&self, admin: &TenantAdmin, id: &ClientId) -> Result<Option<ClientDetail>, Fault> {
        let (db, now) = (self.storage().reader(), self.now());
        let Some(ClientWithSecrets { client, secrets }) = clients::find(db, admin.tenant_id(), id).await? else { return Ok(None) };
        let old_secret_until = secrets.and_then(|secrets| secrets.old).map(|(_, until)| until).filter(|until| now < *until);
        let (keys, people) = clients::usage_counts(db, admin.tenant_id(), id).await?;
        let uris = client_uris::find(db, admin.tenant_id(), id).await?;
        Ok(Some(ClientDetail { client, uris, old_secret_until, keys, people }))
    }
}

fn check_registration(admin: Option<&TenantAdmin>, tenant: &Tenant) -> Result<(), ClientRegistrationRefused> {
    if admin.is_some_and(|admin| *admin.tenant_id() == tenant.id) {
        Ok(())
    } else if tenant.policy.auto_provision {
        Err(ClientRegistrationRefused::ClosedByAutoProvisioning)
    } else if tenant.policy.open_registration {
        Ok(())
    } else {
        Err(ClientRegistrationRefused::Closed)
    }
}

fn audit_event(access: &ClientAccess, kind: AuditKind, now: Timestamp) -> AuditEvent {
    AuditEvent::new(access.tenant_id.clone(), kind, now).client(&access.client_id).admin(access.admin_id.as_ref()).from(access.from)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::ids::TenantId;
    use crate::server::providers::egress::EgressPolicy;
    use crate::server::service::{DATABASE_FILE, DataLocation, Database, SystemClock, SystemRng};
    use crate::server::storage::sql;

    const KEYS: i64 = 3_000;
    const INSERT: &str = "INSERT INTO pubkeys (tenant_id, client_id, user_id, host, account, fingerprint, public_key, key_type, key_bits, max_uses,
                                               initial_ttl_minutes, expires_at, created_at, updated_at)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
         SELECT 'test', 'testclient1', 'testuser1', 'testhost1', 'testhostaccount1', 'f' || i, 'k', 'ed25519', 256, 1, 1, 253402300799000, 0, 0 FROM n";
    const COUNT: &str = "SELECT count(*) FROM pubkeys WHERE client_id = 'testclient1'";
    const EVENTS: &str = "SELECT count(*) FROM activity WHERE kind = 'key_revoked' AND admin_id = 'operator:'";

    async fn count(services: &Services, query: &'static str) -> i64 {
        let count = services.write(move |db| async move { Ok(sql::query_scalar::<i64>(query).fetch_one(db).await?) }.boxed());
        count.await.expect("a count")
    }

    /// The numbers of keys that are left, as seen by changes that wait for their turn one after the other.
    async fn keys_left(services: &Services) -> Vec<i64> {
        let mut seen = vec![KEYS];
        while seen.last() != Some(&0) {
            seen.push(count(services, COUNT).await);
        }
        seen
    }

    #[tokio::test]
    async fn other_changes_get_their_turn_while_a_client_with_many_keys_is_deleted() {
        let dir = tempfile::tempdir().expect("a folder");
        let database = Database::File(dir.path().join(DATABASE_FILE));
        let data = DataLocation { dir: dir.path(), database: &database, create: true };
        let egress = EgressPolicy::default();
        let services = Services::open(data, "http://unused", &egress, Arc::new(SystemClock), Arc::new(SystemRng)).await.expect("services");
        let plan = services.plan_setup(true, None).await.expect("a plan");
        services.initialize(true, plan).await.expect("set up");
        let fill = services.write(|db| async move { Ok(sql::query(INSERT).execute(db).await.map(drop)?) }.boxed());
        fill.await.expect("keys");
        let operator = services.operator(&TenantId::parse("test").expect("a tenant")).await.expect("an answer").expect("a tenant");
        let client = ClientId::parse("testclient1").expect("a client");
        let access = Principal::Admin(Box::new(operator)).client_access(client).expect("allowed");
        let (deleted, seen) = tokio::join!(services.delete_client(&access), keys_left(&services));
        assert!(deleted.expect("deleted"));
        // One batch before and one after the other change in its group.
        assert!(seen.windows(2).all(|pair| pair[0] - pair[1] <= 2 * i64::from(BATCH)), "{seen:?}");
        assert_eq!(count(&services, EVENTS).await, KEYS, "each is recorded");
        services.close().await;
    }
}
