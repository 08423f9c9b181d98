//! A host asks for one of its accounts to be linked to whoever is logged in to it (docs/decisions/0016); what the person answers is in
//! `my_links`.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::FutureExt;
use thiserror::Error as ThisError;

use super::entropy::{self, Secret};
use super::proofs::ProvedHost;
use super::storage::{self, Connection, activity, hosts, links};
use super::{Error, Fault, Services};
use crate::domain::activity::{Activity, Kind};
use crate::domain::device_grant::INTERVAL;
use crate::domain::host_account::is_system_account;
use crate::domain::ids::{AccountName, LinkRequestId};
use crate::domain::link::{LONGEST_CODE, LinkRequest, Standing, State, WAITING_AT_ONCE, is_a_persons_uid};
use crate::domain::user_code::UserCode;

/// What the hosts' secrets are hashed as.
const LINK_SECRET: &str = "link secret";
/// What user codes are hashed as: not as those of devices, so that neither opens the other.
pub(super) const LINK_CODE: &str = "link code";
/// Draws before giving up on finding a free code.
const DRAWS: usize = 5;

/// The answer to a host.
pub struct Asked {
    /// What the host asks with how it ended.
    pub secret: Secret,
    pub user_code: UserCode,
    pub expires_in: Duration,
    pub interval: Duration,
    /// The tenant wants the code to be filled in by the address.
    pub complete_uri: bool,
}

/// Why an account cannot ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskRefused {
    TenantOff,
    /// It runs the host, and is nobody's.
    SystemAccount,
    TooManyWaiting,
}

#[derive(Debug, ThisError)]
#[error("no free user code in {DRAWS} draws")]
struct NoFreeCode;

impl Services {
    /// Takes a host's word that somebody is logged in to this account, and hands out a code for them.
    pub async fn ask_for_link(&self, host: &ProvedHost, account: &AccountName, uid: u32, from: Option<IpAddr>) -> Result<Asked, Error<AskRefused>> {
        let policy = self.enabled_tenant(&host.tenant_id).await?.ok_or(Error::Refused(AskRefused::TenantOff))?.policy;
        if is_system_account(account.as_str()) || !is_a_persons_uid(uid, policy.lowest_linked_uid) {
            return Err(Error::Refused(AskRefused::SystemAccount));
        }
        let (now, expires_in) = (self.now(), policy.code_lifetime.min(LONGEST_CODE));
        for _ in 0..DRAWS {
            let request = LinkRequest {
                tenant_id: host.tenant_id.clone(),
                id: LinkRequestId::parse(self.new_id("lnk")).map_err(Fault::new)?,
                host: host.host.clone(),
                account: account.clone(),
                uid,
                asked_at: now,
                expires_at: now + expires_in,
                claim: None,
                state: State::Waiting,
            };
            let (secret, user_code) = (Secret::generate(self.entropy()), entropy::user_code(self.entropy()));
            let hashes = (self.keys().hash(LINK_SECRET, secret.reveal()), self.keys().hash(LINK_CODE, user_code.letters()));
            if self.attempt(move |db| ask(db, request, hashes, from).boxed()).await? {
                return Ok(Asked { secret, user_code, expires_in, interval: INTERVAL, complete_uri: policy.prefill_user_code });
            }
        }
        Err(Fault::new(NoFreeCode).into())
    }

    /// How a request of this host stands. `None`: it is another host's, or gone.
    pub async fn link_standing(&self, host: &ProvedHost, secret: &str) -> Result<Option<Standing>, Error<AskRefused>> {
        self.enabled_tenant(&host.tenant_id).await?.ok_or(Error::Refused(AskRefused::TenantOff))?;
        let hash = self.keys().hash(LINK_SECRET, secret);
        let found = links::find_of_host(self.storage().reader(), &host.tenant_id, &host.host, &hash).await?;
        Ok(found.map(|request| request.standing(self.now())))
    }

    /// Whoever asked has gone: nobody answers any more. What is answered already stays so. How many requests were forgotten;
    /// like a code's end, that is not in the record.
    pub async fn withdraw_link(&self, host: &ProvedHost, secret: &str) -> Result<u64, Error<AskRefused>> {
        self.enabled_tenant(&host.tenant_id).await?.ok_or(Error::Refused(AskRefused::TenantOff))?;
        let (host, hash) = (host.clone(), self.keys().hash(LINK_SECRET, secret));
        Ok(self.change(move |db| async move { links::withdraw(db, &host.tenant_id, &host.host, &hash).await }.boxed()).await?)
    }
}

/// False when one of the secrets is taken: draw again.
async fn ask(
    db: &mut Connection,
    request: LinkRequest,
    (secret, user_code): (Vec<u8>, Vec<u8>),
    from: Option<IpAddr>,
) -> Result<bool, Error<AskRefused>> {
    if links::others_waiting(db, &request).await? >= WAITING_AT_ONCE {
        return Err(Error::Refused(AskRefused::TooManyWaiting));
    }
    let taken = !links::replace(db, &request, &secret, &user_code).await?;
    if !taken {
        let record = Activity::new(request.tenant_id.clone(), Kind::HostLinkAsked, request.asked_at).subject(subject(db, &request).await?).from(from);
        activity::insert(db, &record).await?;
    }
    Ok(!taken)
}

/// What the record calls it: by the host's own name, not by the one its credential was made under.
pub(super) async fn subject(db: &mut Connection, request: &LinkRequest) -> Result<String, storage::Fault> {
    Ok(format!("{}@{}", request.account, hosts::registered(db, &request.tenant_id, &request.host).await?))
}
