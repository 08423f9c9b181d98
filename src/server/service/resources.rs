//! A person links accounts on the hosts that an identity provider owns, by signing in there (docs/decisions/0016): what the provider
//! says waits in the session until the person has said which.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::FutureExt;
use serde::{Deserialize, Serialize};

use super::browser_sessions::still_signed_in;
use super::identities::{Arrival, ArrivalRefused, Trouble};
use super::my_links::{Linked, New, make_or_renew, place};
use super::proofs::{FreshlySignedIn, SignedIn};
use super::storage::providers::Stored;
use super::storage::{self, Connection, SqliteExecutor, activity, host_accounts, hosts, identities, providers, tenants, user_mfa};
use super::{Error, Fault, Services};
use crate::domain::activity::Activity;
use crate::domain::host_account::{HostAccount, is_system_account};
use crate::domain::ids::{AccountName, HostAccountId, HostName, ProviderId, TenantId, UserId};
use crate::domain::link::link_end;
use crate::domain::provider::Provider;
use crate::domain::resources::{Listed, Named, Resources};
use crate::domain::tenant::Policy;
use crate::domain::time::Timestamp;

/// How long what a provider said waits for the person.
const OFFERED: Duration = Duration::from_secs(15 * 60);
/// The most accounts one page asks about.
const MOST: usize = 100;

/// What a provider says of somebody's accounts on its hosts. Kept in their session, which is sealed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Offer {
    pub tenant_id: TenantId,
    /// Who set out.
    pub user_id: UserId,
    pub provider: ProviderId,
    /// Who they are there: `jdoe at TACC`.
    pub label: String,
    accounts: Vec<Named>,
    since: Timestamp,
}

impl Offer {
    fn is_open_to(&self, person: &SignedIn, now: Timestamp) -> bool {
        self.tenant_id == *person.tenant_id() && self.user_id == *person.user_id() && now.since(self.since) < OFFERED
    }
}

/// An offer as it stands now.
pub struct Offered {
    /// What people call the provider.
    pub provider: String,
    /// Who they are there.
    pub label: String,
    pub accounts: Vec<OfferedAccount>,
}

/// One of an offer's accounts.
pub struct OfferedAccount {
    pub host: HostName,
    pub account: Option<AccountName>,
    pub standing: Standing,
}

/// Whether an account can be linked, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    New {
        until: Timestamp,
    },
    /// It is theirs already.
    Renews {
        until: Timestamp,
    },
    /// The provider says no name that an account could have.
    NoName,
    /// It runs the host, and is nobody's.
    SystemAccount,
    /// It is linked to somebody else, and this tenant shares none.
    SomebodyElses,
}

/// Why nothing is linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferRefused {
    /// There is no offer, or not any more; or the session has been ended meanwhile.
    Gone,
    /// Nothing of it was chosen.
    NothingChosen,
    /// What was chosen cannot be linked, or not any more.
    CannotBeLinked,
    /// The person has no second factor on record.
    NoMfa,
}

impl Services {
    /// What the provider says of the accounts of somebody who has just signed in there.
    pub(super) async fn offer(&self, provider: Provider, user_id: UserId, arrival: Arrival) -> Result<Offer, Error<ArrivalRefused>> {
        let resources = provider.resources.as_ref().ok_or(Error::Refused(ArrivalRefused::NoProvider))?;
        let vouched = &arrival.vouched;
        let known = identities::find(self.storage().reader(), &provider.tenant_id, &vouched.issuer, &vouched.subject).await?;
        if known.is_some_and(|known| known.user_id != user_id) {
            return Err(Error::Refused(ArrivalRefused::SomebodyElse { label: vouched.label.clone() }));
        }
        let no_list = |trouble| Error::Refused(ArrivalRefused::NoList(Trouble::shortened(trouble)));
        let list = match &resources.list {
            Some(list) => Some(self.shared.providers.resources(&provider, list, &arrival.token, self.now()).await.map_err(no_list)?),
            None => None,
        };
        let (reader, tenant) = (self.storage().reader(), &provider.tenant_id);
        let resources = by_own_names(reader, tenant, resources).await?;
        let list = match list {
            Some(list) => Some(listed_by_own_names(reader, tenant, list).await?),
            None => None,
        };
        let accounts = resources.named(arrival.own_name.as_deref(), list.as_deref());
        if accounts.len() > MOST {
            return Err(no_list(Trouble::Broken(format!("it names {} accounts", accounts.len()))));
        }
        let (tenant_id, label) = (provider.tenant_id, arrival.vouched.label);
        Ok(Offer { tenant_id, user_id, provider: provider.id, label, accounts, since: self.now() })
    }

    /// The offer as it stands now, if it is this person's and still open.
    pub async fn offered(&self, person: &SignedIn, offer: &Offer) -> Result<Option<Offered>, Fault> {
        let (reader, now) = (self.storage().reader(), self.now());
        let found = providers::find(reader, &offer.tenant_id, &offer.provider).await?.filter(|_| offer.is_open_to(person, now));
        let Some((name, resources)) = owner(reader, found).await? else { return Ok(None) };
        let policy = &person.tenant().policy;
        let mut accounts = Vec::new();
        for Named { host, account } in offer.accounts.iter().filter(|named| resources.cover(&named.host)) {
            let standing = match account {
                Some(account) => {
                    let place = place(person, host, account);
                    let own = host_accounts::find_at(reader, &place).await?;
                    let somebody_elses = host_accounts::is_somebody_elses(reader, &place, now).await?;
                    standing(account, own.as_ref(), somebody_elses, policy, now)
                }
                None => Standing::NoName,
            };
            accounts.push(OfferedAccount { host: host.clone(), account: account.clone(), standing });
        }
        Ok(Some(Offered { provider: name, label: offer.label.clone(), accounts }))
    }

    /// Links the chosen accounts of an offer, or renews their links: all of them, or none.
    pub async fn link_offered(
        &self,
        person: &FreshlySignedIn,
        offer: &Offer,
        chosen: BTreeSet<(HostName, AccountName)>,
    ) -> Result<Vec<Linked>, Error<OfferRefused>> {
        let ids: Result<Vec<HostAccountId>, _> = chosen.iter().map(|_| HostAccountId::parse(self.new_id("hac"))).collect();
        let (person, offer, now) = (SignedIn::clone(person), offer.clone(), self.now());
        let chosen = chosen.into_iter().zip(ids.map_err(Fault::new)?).collect();
        self.attempt(move |db| link(db, person, offer, chosen, now).boxed()).await
    }
}

async fn link(
    db: &mut Connection,
    person: SignedIn,
    offer: Offer,
    chosen: Vec<((HostName, AccountName), HostAccountId)>,
    now: Timestamp,
) -> Result<Vec<Linked>, Error<OfferRefused>> {
    if !offer.is_open_to(&person, now) || !still_signed_in(db, &person, now).await? {
        return Err(Error::Refused(OfferRefused::Gone));
    }
    if chosen.is_empty() {
        return Err(Error::Refused(OfferRefused::NothingChosen));
    }
    // As they are now, not as they were when the page was made.
    let (tenant, user) = (person.tenant_id(), person.user_id());
    let found = providers::find(&mut *db, tenant, &offer.provider).await?;
    let (through, resources) = owner(&mut *db, found).await?.ok_or(Error::Refused(OfferRefused::Gone))?;
    let policy = tenants::find(&mut *db, tenant).await?.filter(|tenant| tenant.enabled).ok_or(Error::Refused(OfferRefused::Gone))?.policy;
    user_mfa::find(&mut *db, tenant, user).await?.ok_or(Error::Refused(OfferRefused::NoMfa))?;

    let mut linked = Vec::new();
    for ((host, account), id) in chosen {
        let named = Named { host: host.clone(), account: Some(account.clone()) };
        if !offer.accounts.contains(&named) || !resources.cover(&host) {
            return Err(Error::Refused(OfferRefused::CannotBeLinked));
        }
        let place = place(&person, &host, &account);
        let own = host_accounts::find_at(&mut *db, &place).await?;
        let somebody_elses = host_accounts::is_somebody_elses(&mut *db, &place, now).await?;
        let (Standing::New { until } | Standing::Renews { until }) = standing(&account, own.as_ref(), somebody_elses, &policy, now) else {
            return Err(Error::Refused(OfferRefused::CannotBeLinked));
        };
        let made = make_or_renew(db, &place, own, New { id, until, through: Some(through.clone()), now }).await?;
        // With who they were there: it is all that speaks for the link.
        let host = hosts::registered(&mut *db, tenant, &host).await?;
        let subject = format!("{account}@{host} ({})", offer.label);
        activity::insert(db, &Activity::new(tenant.clone(), made.kind(), now).of(user).subject(subject).from(person.visit().from)).await?;
        linked.push(made);
    }
    Ok(linked)
}

/// What people call a provider that people may come from and that owns hosts, and those hosts.
async fn owner(db: impl SqliteExecutor<'_>, stored: Option<Stored>) -> Result<Option<(String, Resources)>, storage::Fault> {
    let Some(Provider { tenant_id, display_name, resources: Some(resources), enabled: true, .. }) = stored.map(|stored| stored.provider) else {
        return Ok(None);
    };
    Ok(Some((display_name, by_own_names(db, &tenant_id, &resources).await?)))
}

/// With each host as it is registered; the one who set the provider up may have used another of its names.
async fn by_own_names(db: impl SqliteExecutor<'_>, tenant: &TenantId, resources: &Resources) -> Result<Resources, storage::Fault> {
    let registered = hosts::all_registered(db, tenant, &resources.hosts.iter().collect()).await?;
    Ok(Resources { hosts: registered.into_values().collect(), list: resources.list.clone() })
}

/// The same of what a provider lists.
async fn listed_by_own_names(db: impl SqliteExecutor<'_>, tenant: &TenantId, mut list: Vec<Listed>) -> Result<Vec<Listed>, storage::Fault> {
    let names: BTreeSet<HostName> = list.iter().flat_map(|entry| &entry.names).filter_map(|name| HostName::parse(name.clone()).ok()).collect();
    let registered = hosts::all_registered(db, tenant, &names.iter().collect()).await?;
    for name in list.iter_mut().flat_map(|entry| &mut entry.names) {
        if let Some(own) = HostName::parse(name.clone()).ok().and_then(|name| registered.get(&name)) {
            own.as_str().clone_into(name);
        }
    }
    Ok(list)
}

/// The rules of links from hosts ([`super::my_links`]), but for the account's number, which no provider says.
fn standing(account: &AccountName, own: Option<&HostAccount>, somebody_elses: bool, policy: &Policy, now: Timestamp) -> Standing {
    if is_system_account(account.as_str()) {
        return Standing::SystemAccount;
    }
    if somebody_elses && !policy.shared_host_accounts {
        return Standing::SomebodyElses;
    }
    let until = link_end(own, policy.link_lifetime, now);
    if own.is_some_and(|own| own.is_active(now)) { Standing::Renews { until } } else { Standing::New { until } }
}
