//! Host accounts: as people and their devices see them, and as administrators link them.

pub mod link_decisions;
pub mod link_requests;
pub mod my_host_accounts;
pub mod upstream_accounts;

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use futures_util::FutureExt;

use super::storage::host_accounts::HostAccountKey;
use super::storage::ssh_keys::{KeySelection, Revoker};
use super::storage::{self, Connection, audit_log, host_accounts, hosts, ssh_keys, user_mfa};
use super::{Error, Fault, Services};
use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::delegation::Creator;
use crate::domain::host_account::HostAccount;
use crate::domain::ids::{AccountName, HostAccountId, HostName, UserId};
use crate::domain::pagination::PageRequest;
use crate::domain::ssh_key::expiry_of;
use crate::domain::time::Timestamp;
use crate::server::service::auth::principals::{SignedIn, TenantAdmin, TokenHolder};

/// A person's account on a host, to be linked, changed or unlinked.
#[derive(Clone, Debug)]
pub struct HostAccountRef {
    pub user_id: UserId,
    pub host: HostName,
    pub account: AccountName,
}

/// An account that was linked to a person.
pub struct LinkedHostAccount {
    /// The host's stored name.
    pub host: HostName,
    pub until: Timestamp,
}

/// Why an account is not linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkRefused {
    /// The person has no valid MFA record.
    NoMfa,
    Exists,
}

impl Services {
    /// All host accounts of a person, by host and account, expired ones included.
    pub async fn list_host_accounts(&self, person: &SignedIn) -> Result<Vec<HostAccount>, Fault> {
        Ok(host_accounts::of_person(self.storage().reader(), person.tenant_id(), person.user_id()).await?)
    }

    /// The host accounts selected when this token's client was approved.
    pub async fn list_granted_host_accounts(&self, holder: &TokenHolder) -> Result<Vec<HostAccount>, Fault> {
        Ok(host_accounts::of_authorization(self.storage().reader(), &holder.tenant_id, &holder.authorization_id).await?)
    }

    /// The addresses at which `ssh` reaches the hosts of these accounts, by host; only for hosts with exactly one address, without ranges.
    pub async fn addresses_of(&self, holder: &TokenHolder, accounts: &[HostAccount]) -> Result<HashMap<String, String>, Fault> {
        let names: BTreeSet<&str> = accounts.iter().map(|account| account.host.as_str()).collect();
        let mut addresses: HashMap<String, Option<String>> = HashMap::new();
        for (host, address) in hosts::addresses(self.storage().reader(), &holder.tenant_id, &names).await? {
            let plain = address.parse::<IpAddr>().is_ok() || is_dns_name(&address);
            addresses.entry(host).and_modify(|known| *known = None).or_insert(plain.then_some(address));
        }
        Ok(addresses.into_iter().filter_map(|(host, address)| Some((host, address?))).collect())
    }

    /// Links an account to a person.
    pub async fn link_host_account(
        &self,
        admin: &TenantAdmin,
        account_ref: HostAccountRef,
        ttl_minutes: i32,
    ) -> Result<LinkedHostAccount, Error<LinkRefused>> {
        let (now, id) = (self.now(), HostAccountId::parse(self.new_id("hac")).map_err(Fault::new)?);
        let until = expiry_of(ttl_minutes, now);
        let record = audit_event(admin, AuditKind::HostLinked, &account_ref, now);
        let tenant = admin.tenant_id().clone();
        let account = HostAccount {
            number: 0,
            id,
            user_id: account_ref.user_id,
            host: account_ref.host.into(),
            account: account_ref.account.into(),
            linked_at: now,
            expires_at: until,
            updated_at: now,
            linked_by: Creator::Admin,
            linked_through: None,
        };
        self.try_write(move |db| {
            async move {
                user_mfa::find(&mut *db, &tenant, &account.user_id).await?.ok_or(Error::Refused(LinkRefused::NoMfa))?;
                let host = host_accounts::insert(db, &tenant, &account).await?.ok_or(Error::Refused(LinkRefused::Exists))?;
                let subject = format!("{}@{host}", account.account);
                audit_log::insert(db, &record.subject(subject)).await?;
                Ok(LinkedHostAccount { host, until })
            }
            .boxed()
        })
        .await
    }

    pub async fn find_link(&self, admin: &TenantAdmin, number: i64) -> Result<Option<HostAccount>, Fault> {
        Ok(host_accounts::find_by_number(self.storage().reader(), admin.tenant_id(), number).await?)
    }

    pub async fn list_links(&self, admin: &TenantAdmin, page: PageRequest) -> Result<Vec<HostAccount>, Fault> {
        Ok(host_accounts::page(self.storage().reader(), admin.tenant_id(), page).await?)
    }

    /// Sets a link's expiry. `None` if there is no such link.
    pub async fn set_link_expiry(&self, admin: &TenantAdmin, account_ref: HostAccountRef, ttl_minutes: i32) -> Result<Option<Timestamp>, Fault> {
        let now = self.now();
        let until = expiry_of(ttl_minutes, now);
        let link = HostAccountRef { host: self.registered(admin, &account_ref.host).await?, ..account_ref };
        let record = audit_event(admin, AuditKind::HostLinkChanged, &link, now);
        let place = host_account_key(admin, link);
        let changed = self.write_audited(record, move |db| async move { host_accounts::set_expiry(db, &place, until, now).await }.boxed()).await?;
        Ok(changed.then_some(until))
    }

    /// Unlinks an account and deletes its keys. False if there is no such link.
    pub async fn unlink_host_account(&self, admin: &TenantAdmin, account_ref: HostAccountRef) -> Result<bool, Fault> {
        let link = HostAccountRef { host: self.registered(admin, &account_ref.host).await?, ..account_ref };
        let record = audit_event(admin, AuditKind::HostUnlinked, &link, self.now());
        let place = host_account_key(admin, link);
        let by_whom = record.clone();
        self.write_audited(record, move |db| async move { delete_with_keys(db, &place, &by_whom).await }.boxed()).await
    }

    /// All host accounts of a person.
    pub async fn host_accounts_of(&self, admin: &TenantAdmin, user_id: &UserId) -> Result<Vec<HostAccount>, Fault> {
        Ok(host_accounts::of_person(self.storage().reader(), admin.tenant_id(), user_id).await?)
    }
}

/// Unlinks a host account and revokes its keys. False when there is no such link.
async fn delete_with_keys(db: &mut Connection, place: &HostAccountKey, record: &AuditEvent) -> Result<bool, storage::Error> {
    let keys = KeySelection::HostAccount(&place.user_id, &place.host, &place.account);
    ssh_keys::revoke(db, &place.tenant_id, keys, Revoker::of(record), record.at).await?;
    host_accounts::delete(db, place).await
}

/// False for ranges and for `*`, which mean more than one machine.
fn is_dns_name(address: &str) -> bool {
    let last = address.rsplit('.').next().unwrap_or_default();
    let plain = address.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    plain && !address.starts_with('-') && last.contains(|c: char| c.is_ascii_alphabetic())
}

fn host_account_key(admin: &TenantAdmin, link: HostAccountRef) -> HostAccountKey {
    HostAccountKey { tenant_id: admin.tenant_id().clone(), user_id: link.user_id, host: link.host, account: link.account }
}

fn audit_event(admin: &TenantAdmin, kind: AuditKind, link: &HostAccountRef, now: Timestamp) -> AuditEvent {
    let subject = format!("{}@{}", link.account, link.host);
    AuditEvent::new(admin.tenant_id().clone(), kind, now)
        .of(&link.user_id)
        .subject(subject)
        .on(&link.host, &link.account)
        .admin(Some(admin.admin_id()))
        .from(admin.from)
}
