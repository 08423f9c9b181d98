//! What a host asks when somebody logs in: may this key in?

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Arc, MutexGuard, PoisonError};

use futures_util::FutureExt;

use super::proofs::ProvedHost;
use super::storage::hosts;
use super::storage::pubkeys;
use super::storage::pubkeys::standing::{Found, Looked, LookupAsked};
use super::{Error, Fault, Services};
use crate::domain::ids::{AccountName, HostName, TenantId};
use crate::domain::pubkey::Lookup;
use crate::domain::time::Timestamp;

/// A login on a host, as its `sshd` describes it.
#[derive(Clone, Debug)]
pub struct Login {
    pub host: HostName,
    pub account: AccountName,
    /// The account's number, if the host says it.
    pub uid: Option<u32>,
    pub fingerprint: String,
    pub from: Option<IpAddr>,
}

/// Who asks.
pub enum Asking {
    /// A host that has shown its credential.
    Proved(ProvedHost),
    /// Anybody who names a tenant.
    Tenant(TenantId),
    /// Anybody: the tenant that has the host's name answers.
    Nobody,
}

/// A key that lets its holder in.
pub struct Shown {
    pub public_key: String,
    /// When it stops doing so, if nothing changes before.
    pub expires_at: Timestamp,
}

/// Why no key is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookupRefused {
    /// There is none, or it must not be used now: the host learns no more.
    NotServed,
    /// This host must show a credential.
    CredentialRequired,
    /// The credential is another host's.
    OtherHost,
}

impl Services {
    /// Judges a login. One login asks two to four times; see [`crate::domain::pubkey::LOGIN_WINDOW`].
    pub async fn look_up_key(&self, asking: &Asking, login: &Login) -> Result<Shown, Error<LookupRefused>> {
        let found = self.find_shown(asking, login).await?;
        match found.standing.look_up(self.now()) {
            Lookup::Refused => return Err(Error::Refused(LookupRefused::NotServed)),
            Lookup::SameLogin => {}
            Lookup::NewLogin if found.standing.is_limited() => {
                if !self.count_use(found.number, login.from).await? {
                    // Somebody else's lookup was counted at the same moment: either it is this login's, or nothing is left.
                    let again = self.find_shown(asking, login).await?;
                    if again.standing.look_up(self.now()) != Lookup::SameLogin {
                        return Err(Error::Refused(LookupRefused::NotServed));
                    }
                }
            }
            // Nobody has to wait for the disk, or to stay outside when it is full, for the sake of the record.
            Lookup::NewLogin => self.count_use_later(found.number, login.from),
        }
        Ok(Shown { expires_at: found.standing.ends(), public_key: found.public_key })
    }

    async fn find_shown(&self, asking: &Asking, login: &Login) -> Result<Found, Error<LookupRefused>> {
        let tenant_id = match asking {
            Asking::Proved(proved) if proved.host != login.host => return Err(Error::Refused(LookupRefused::OtherHost)),
            Asking::Proved(proved) => Some(proved.tenant_id.clone()),
            Asking::Tenant(tenant) => Some(tenant.clone()),
            Asking::Nobody => None,
        };
        let (host, account, fingerprint) = (login.host.clone(), login.account.clone(), login.fingerprint.clone());
        let asked = LookupAsked { host, account, fingerprint, tenant_id: tenant_id.clone() };
        let Looked { credential_required, found } = self.storage().look_up(asked).await?;
        if credential_required && !matches!(asking, Asking::Proved(_)) {
            return Err(Error::Refused(LookupRefused::CredentialRequired));
        }
        self.note_question(tenant_id.as_ref(), login);
        // MVP mode links whatever name a client gives, and a provider says names alone; root under another name is still root.
        let hosts_own = |found: &Found| found.lowest_unseen_uid.zip(login.uid).is_some_and(|(lowest, uid)| uid < lowest);
        found.filter(|found| !hosts_own(found)).ok_or(Error::Refused(LookupRefused::NotServed))
    }

    /// Writes down that one of the tenants' hosts asked; at most once a minute, and nobody waits for it. While nothing can be
    /// written, most questions are not: whoever asks for names of their own making must not fill the memory.
    fn note_question(&self, tenant: Option<&TenantId>, login: &Login) {
        let (services, tenant, host, from, now) = (self.clone(), tenant.cloned(), login.host.clone(), login.from, self.now());
        let Ok(slot) = Arc::clone(&self.shared.question_slots).try_acquire_owned() else { return };
        if !self.shared.questions.is_due((tenant.clone(), host.clone()), now) {
            return;
        }
        tokio::spawn(async move {
            if let Err(fault) = services.set_asked(tenant, host, from, now).await {
                tracing::warn!(error = %fault, "A host's question could not be written down");
            }
            drop(slot);
        });
    }

    async fn set_asked(&self, tenant: Option<TenantId>, host: HostName, from: Option<IpAddr>, now: Timestamp) -> Result<(), Fault> {
        let Some(tenant) = hosts::asked_of(self.storage().reader(), tenant.as_ref(), &host).await? else { return Ok(()) };
        self.change(move |db| async move { hosts::set_asked(db, &tenant, &host, from, now).await }.boxed()).await
    }

    async fn count_use(&self, number: i64, from: Option<IpAddr>) -> Result<bool, Fault> {
        let now = self.now();
        self.change(move |db| async move { pubkeys::count_use(db, number, from, now).await }.boxed()).await
    }

    /// One use of a key waits at a time: while nothing can be written, logins must not pile up.
    fn count_use_later(&self, number: i64, from: Option<IpAddr>) {
        if !self.uses_waiting().insert(number) {
            return;
        }
        let services = self.clone();
        tokio::spawn(async move {
            if let Err(fault) = services.count_use(number, from).await {
                tracing::error!(error = %fault, "A login could not be recorded");
            }
            services.uses_waiting().remove(&number);
        });
    }

    fn uses_waiting(&self) -> MutexGuard<'_, HashSet<i64>> {
        self.shared.uses_waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
