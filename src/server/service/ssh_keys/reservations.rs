//! Reservations: a client keeps a key valid for running work.

use futures_util::FutureExt;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::ids::{HostName, UserId};
use crate::domain::reservation::{Reservation, expiry_of};
use crate::domain::ssh_key::{DependencyError, KeyValidity, SshKey};
use crate::domain::time::Timestamp;
use crate::server::service::auth::principals::{AuthenticatedClient, ClientAccess};
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::host_accounts::HostAccountKey;
use crate::server::storage::ssh_keys::lookup::DependencyQuery;
use crate::server::storage::{audit_log, reservations, ssh_keys};

/// A client's key, as reservations refer to it.
#[derive(Clone, Debug)]
pub struct KeyReference {
    pub user_id: UserId,
    pub host: HostName,
    pub fingerprint: String,
}

/// Why a key is not reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReservationRefused {
    KeyNotFound,
    NoUsesLeft,
    KeyExpired(Timestamp),
    DependencyMissing(DependencyError),
    ParentNotFound,
    /// Only a reservation that extends no other can be extended.
    ParentIsChild,
    ParentExpired(Timestamp),
}

impl Services {
    /// Reserves a key that is valid now.
    pub async fn reserve_key(
        &self,
        client: &AuthenticatedClient,
        named: KeyReference,
        ttl_minutes: i32,
    ) -> Result<Reservation, Error<ReservationRefused>> {
        let now = self.now();
        let key = self.find_reservable_key(client, &named, now).await?;
        if now >= key.expires_at {
            return Err(Error::Refused(ReservationRefused::KeyExpired(key.expires_at)));
        }
        let resid = self.random_uuid();
        self.save_reservation(&key, client, resid.clone(), resid, expiry_of(ttl_minutes, now), now).await
    }

    /// Adds a reservation that ends with the one it extends; all dependencies of the key must be valid.
    pub async fn extend_reservation(
        &self,
        client: &AuthenticatedClient,
        named: KeyReference,
        parent_resid: &str,
    ) -> Result<Reservation, Error<ReservationRefused>> {
        let now = self.now();
        let parent = reservations::find(self.storage().reader(), &client.tenant.id, &client.client.id, parent_resid).await?;
        let parent = parent.ok_or(Error::Refused(ReservationRefused::ParentNotFound))?;
        if parent.is_child() {
            return Err(Error::Refused(ReservationRefused::ParentIsChild));
        }
        if now >= parent.expires_at {
            return Err(Error::Refused(ReservationRefused::ParentExpired(parent.expires_at)));
        }
        let key = self.find_reservable_key(client, &named, now).await?;
        self.save_reservation(&key, client, self.random_uuid(), parent.resid, parent.expires_at, now).await
    }

    pub async fn find_reservation(&self, access: &ClientAccess, resid: &str) -> Result<Option<Reservation>, Fault> {
        Ok(reservations::find(self.storage().reader(), &access.tenant_id, &access.client_id, resid).await?)
    }

    /// Ends a reservation; with `related`, also those that extend it. Returns the number of reservations.
    pub async fn end_reservation(&self, access: &ClientAccess, resid: &str, related: bool) -> Result<u64, Fault> {
        let (access, resid, now) = (access.clone(), resid.to_owned(), self.now());
        self.write(move |db| {
            async move {
                let ended = reservations::delete(db, &access.tenant_id, &access.client_id, &resid, related).await?;
                if ended > 0 {
                    let record = AuditEvent::new(access.tenant_id, AuditKind::ReservationEnded, now).client(&access.client_id);
                    audit_log::insert(db, &record.subject(resid).admin(access.admin_id.as_ref()).from(access.from)).await?;
                }
                Ok(ended)
            }
            .boxed()
        })
        .await
    }

    /// The client's key, if it has uses left and all its dependencies are valid.
    async fn find_reservable_key(
        &self,
        client: &AuthenticatedClient,
        key_ref: &KeyReference,
        now: Timestamp,
    ) -> Result<SshKey, Error<ReservationRefused>> {
        let keys = ssh_keys::find(self.storage().reader(), &client.tenant.id, &key_ref.host, &key_ref.fingerprint).await?;
        let own = |key: &SshKey| key.client_id.as_ref() == Some(&client.client.id) && key.user_id == key_ref.user_id;
        // It may be registered for several accounts and by several devices: one within its limits is preferred.
        let key = keys
            .into_iter()
            .filter(own)
            .max_by_key(|key| key.state(now) == KeyValidity::Active)
            .ok_or(Error::Refused(ReservationRefused::KeyNotFound))?;
        if key.remaining_uses == 0 {
            return Err(Error::Refused(ReservationRefused::NoUsesLeft));
        }
        // Expired and not reserved: a reservation cannot revive it.
        let reserved_until = reservations::latest_expiry(self.storage().reader(), key.number).await?;
        if now >= key.expires_at && reserved_until.is_none_or(|until| now >= until) {
            return Err(Error::Refused(ReservationRefused::KeyExpired(key.expires_at)));
        }
        let place =
            HostAccountKey { tenant_id: key.tenant_id.clone(), user_id: key.user_id.clone(), host: key.host.clone(), account: key.account.clone() };
        let asked =
            DependencyQuery { host_account: place, client_id: Some(client.client.id.clone()), authorization_id: key.authorization_id.clone() };
        let dependencies = self.storage().find_dependencies(asked).await?;
        dependencies.check(true, now).map_err(|missing| Error::Refused(ReservationRefused::DependencyMissing(missing)))?;
        Ok(key)
    }

    async fn save_reservation(
        &self,
        key: &SshKey,
        client: &AuthenticatedClient,
        resid: String,
        parent_resid: String,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Reservation, Error<ReservationRefused>> {
        let reservation = Reservation {
            number: 0,
            tenant_id: key.tenant_id.clone(),
            resid,
            parent_resid,
            client_id: client.client.id.clone(),
            user_id: key.user_id.clone(),
            host: key.host.clone(),
            fingerprint: key.fingerprint.clone(),
            pubkey: key.number,
            expires_at,
            created_at: now,
            updated_at: now,
        };
        let (saved, host, fingerprint, from) = (reservation.clone(), key.host.clone(), key.fingerprint.clone(), client.from);
        self.try_write(move |db| {
            async move {
                // Revoked, used up or expired since it was read: nothing is left to reserve.
                let there = ssh_keys::find(&mut *db, &saved.tenant_id, &host, &fingerprint).await?;
                let key = there.iter().find(|key| key.number == saved.pubkey && key.remaining_uses > 0);
                let key = key.ok_or(Error::Refused(ReservationRefused::KeyNotFound))?;
                let child = saved.parent_resid != saved.resid;
                if child && reservations::find(&mut *db, &saved.tenant_id, &saved.client_id, &saved.parent_resid).await?.is_none() {
                    return Err(Error::Refused(ReservationRefused::ParentNotFound));
                }
                let reserved_until = reservations::latest_expiry(&mut *db, key.number).await?;
                if now >= key.expires_at && reserved_until.is_none_or(|until| now >= until) {
                    return Err(Error::Refused(ReservationRefused::KeyExpired(key.expires_at)));
                }
                reservations::insert(db, &saved).await?;
                let record = AuditEvent::new(saved.tenant_id.clone(), AuditKind::KeyReserved, now).of(&saved.user_id).client(&saved.client_id);
                audit_log::insert(db, &record.subject(&saved.fingerprint).on(&key.host, &key.account).from(from)).await?;
                Ok(())
            }
            .boxed()
        })
        .await?;
        Ok(reservation)
    }

    fn random_uuid(&self) -> String {
        let mut random = [0_u8; 16];
        self.rng().fill(&mut random);
        uuid::Builder::from_random_bytes(random).into_uuid().hyphenated().to_string()
    }
}
