//! A person links accounts on the hosts that an identity provider owns, by signing in there (docs/decisions/0016): what the provider
//! says waits in the session until the person has said which.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::FutureExt;
use serde::{Deserialize, Serialize};

use crate::domain::audit_log::AuditEvent;
use crate::domain::host_account::{HostAccount, is_system_account};
use crate::domain::ids::{AccountName, HostAccountId, HostName, ProviderId, TenantId, UserId};
use crate::domain::link_request::link_expiry;
use crate::domain::provider::Provider;
use crate::domain::tenant::Policy;
use crate::domain::time::Timestamp;
use crate::domain::upstream_accounts::{ListedAccount, UpstreamAccount, UpstreamHosts};
use crate::server::service::auth::browser_sessions::still_signed_in;
use crate::server::service::auth::identities::{HostAccountsLogin, ProviderError, UpstreamLoginRefused};
use crate::server::service::auth::principals::{RecentlyAuthenticated, SignedIn};
use crate::server::service::host_accounts::link_decisions::{LinkOutcome, NewLink, host_account_key, link_or_renew};
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::providers::ProviderWithSecret;
use crate::server::storage::{self, Connection, SqliteExecutor, audit_log, host_accounts, hosts, identities, providers, tenants, user_mfa};

/// How long what a provider said waits for the person.
const PROPOSAL_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// The most accounts one page asks about.
const MAX_PROPOSED_ACCOUNTS: usize = 100;

/// What a provider says of somebody's accounts on its hosts. Kept in their session, which is sealed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccountProposal {
    pub tenant_id: TenantId,
    /// Who set out.
    pub user_id: UserId,
    pub provider: ProviderId,
    /// Who they are there: `jdoe at TACC`.
    pub label: String,
    accounts: Vec<UpstreamAccount>,
    since: Timestamp,
}

impl AccountProposal {
    fn is_open_to(&self, person: &SignedIn, now: Timestamp) -> bool {
        self.tenant_id == *person.tenant_id() && self.user_id == *person.user_id() && now.since(self.since) < PROPOSAL_LIFETIME
    }
}

/// An offer as it stands now.
pub struct ProposalReview {
    /// What people call the provider.
    pub provider: String,
    /// Who they are there.
    pub label: String,
    pub accounts: Vec<ProposedAccount>,
}

/// One of an offer's accounts.
pub struct ProposedAccount {
    pub host: HostName,
    pub account: Option<AccountName>,
    pub eligibility: LinkEligibility,
}

/// Whether an account can be linked, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkEligibility {
    New {
        until: Timestamp,
    },
    /// It is theirs already.
    Renews {
        until: Timestamp,
    },
    /// The provider says no name that an account could have.
    InvalidName,
    /// It runs the host, and is nobody's.
    SystemAccount,
    /// It is linked to somebody else, and this tenant shares none.
    LinkedToAnother,
}

/// Why nothing is linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProposalRefused {
    /// There is no offer, or not any more; or the session has been ended meanwhile.
    Gone,
    /// Nothing of it was chosen.
    NothingSelected,
    /// What was chosen cannot be linked, or not any more.
    CannotBeLinked,
    /// The person has no second factor on record.
    MfaMissing,
}

impl Services {
    /// What the provider says of the accounts of somebody who has just signed in there.
    pub async fn propose_accounts(&self, login: HostAccountsLogin) -> Result<AccountProposal, Error<UpstreamLoginRefused>> {
        let HostAccountsLogin { provider, user_id, login: arrival } = login;
        let resources = provider.upstream_hosts.as_ref().ok_or(Error::Refused(UpstreamLoginRefused::NoProvider))?;
        let vouched = &arrival.identity;
        let known = identities::find(self.storage().reader(), &provider.tenant_id, &vouched.issuer, &vouched.subject).await?;
        if known.is_some_and(|known| known.user_id != user_id) {
            return Err(Error::Refused(UpstreamLoginRefused::WrongPerson { label: vouched.label.clone() }));
        }
        let no_list = |trouble| Error::Refused(UpstreamLoginRefused::AccountListFailed(ProviderError::truncated(trouble)));
        let list = match &resources.list {
            Some(list) => Some(self.shared.providers.upstream_accounts(&provider, list, &arrival.access_token, self.now()).await.map_err(no_list)?),
            None => None,
        };
        let (reader, tenant) = (self.storage().reader(), &provider.tenant_id);
        let resources = by_own_names(reader, tenant, resources).await?;
        let list = match list {
            Some(list) => Some(listed_by_own_names(reader, tenant, list).await?),
            None => None,
        };
        let accounts = resources.accounts(arrival.upstream_user_name.as_deref(), list.as_deref());
        if accounts.len() > MAX_PROPOSED_ACCOUNTS {
            return Err(no_list(ProviderError::InvalidResponse(format!("it names {} accounts", accounts.len()))));
        }
        let (tenant_id, label) = (provider.tenant_id, arrival.identity.label);
        Ok(AccountProposal { tenant_id, user_id, provider: provider.id, label, accounts, since: self.now() })
    }

    /// The offer as it stands now, if it is this person's and still open.
    pub async fn review_proposal(&self, person: &SignedIn, proposal: &AccountProposal) -> Result<Option<ProposalReview>, Fault> {
        let (reader, now) = (self.storage().reader(), self.now());
        let found = providers::find(reader, &proposal.tenant_id, &proposal.provider).await?.filter(|_| proposal.is_open_to(person, now));
        let Some((name, resources)) = linkable_hosts(reader, found).await? else { return Ok(None) };
        let policy = &person.tenant().policy;
        let mut accounts = Vec::new();
        for UpstreamAccount { host, account } in proposal.accounts.iter().filter(|named| resources.contains(&named.host)) {
            let standing = match account {
                Some(account) => {
                    let place = host_account_key(person, host, account);
                    let own = host_accounts::find_by_key(reader, &place).await?;
                    let somebody_elses = host_accounts::is_linked_to_another(reader, &place, now).await?;
                    link_eligibility(account, own.as_ref(), somebody_elses, policy, now)
                }
                None => LinkEligibility::InvalidName,
            };
            accounts.push(ProposedAccount { host: host.clone(), account: account.clone(), eligibility: standing });
        }
        Ok(Some(ProposalReview { provider: name, label: proposal.label.clone(), accounts }))
    }

    /// Links the chosen accounts of an offer, or renews their links: all of them, or none.
    pub async fn link_proposed_accounts(
        &self,
        person: &RecentlyAuthenticated,
        offer: &AccountProposal,
        selected: BTreeSet<(HostName, AccountName)>,
    ) -> Result<Vec<LinkOutcome>, Error<ProposalRefused>> {
        let ids: Result<Vec<HostAccountId>, _> = selected.iter().map(|_| HostAccountId::parse(self.new_id("hac"))).collect();
        let (person, offer, now) = (SignedIn::clone(person), offer.clone(), self.now());
        let chosen = selected.into_iter().zip(ids.map_err(Fault::new)?).collect();
        self.try_write(move |db| link(db, person, offer, chosen, now).boxed()).await
    }
}

async fn link(
    db: &mut Connection,
    person: SignedIn,
    offer: AccountProposal,
    chosen: Vec<((HostName, AccountName), HostAccountId)>,
    now: Timestamp,
) -> Result<Vec<LinkOutcome>, Error<ProposalRefused>> {
    if !offer.is_open_to(&person, now) || !still_signed_in(db, &person, now).await? {
        return Err(Error::Refused(ProposalRefused::Gone));
    }
    if chosen.is_empty() {
        return Err(Error::Refused(ProposalRefused::NothingSelected));
    }
    // As they are now, not as they were when the page was made.
    let (tenant, user) = (person.tenant_id(), person.user_id());
    let found = providers::find(&mut *db, tenant, &offer.provider).await?;
    let (through, resources) = linkable_hosts(&mut *db, found).await?.ok_or(Error::Refused(ProposalRefused::Gone))?;
    let policy = tenants::find(&mut *db, tenant).await?.filter(|tenant| tenant.enabled).ok_or(Error::Refused(ProposalRefused::Gone))?.policy;
    user_mfa::find(&mut *db, tenant, user).await?.ok_or(Error::Refused(ProposalRefused::MfaMissing))?;

    let mut linked = Vec::new();
    for ((host, account), id) in chosen {
        let named = UpstreamAccount { host: host.clone(), account: Some(account.clone()) };
        if !offer.accounts.contains(&named) || !resources.contains(&host) {
            return Err(Error::Refused(ProposalRefused::CannotBeLinked));
        }
        let place = host_account_key(&person, &host, &account);
        let own = host_accounts::find_by_key(&mut *db, &place).await?;
        let somebody_elses = host_accounts::is_linked_to_another(&mut *db, &place, now).await?;
        let (LinkEligibility::New { until } | LinkEligibility::Renews { until }) =
            link_eligibility(&account, own.as_ref(), somebody_elses, &policy, now)
        else {
            return Err(Error::Refused(ProposalRefused::CannotBeLinked));
        };
        let made = link_or_renew(db, &place, own, NewLink { id, until, linked_through: Some(through.clone()), now }).await?;
        // With who they were there: it is all that speaks for the link.
        let host = hosts::canonical_name(&mut *db, tenant, &host).await?;
        let subject = format!("{account}@{host} ({})", offer.label);
        audit_log::insert(db, &AuditEvent::new(tenant.clone(), made.audit_kind(), now).of(user).subject(subject).from(person.session().from)).await?;
        linked.push(made);
    }
    Ok(linked)
}

/// What people call a provider that people may come from and that owns hosts, and those hosts.
async fn linkable_hosts(db: impl SqliteExecutor<'_>, stored: Option<ProviderWithSecret>) -> Result<Option<(String, UpstreamHosts)>, storage::Error> {
    let Some(Provider { tenant_id, display_name, upstream_hosts: Some(resources), enabled: true, .. }) = stored.map(|stored| stored.provider) else {
        return Ok(None);
    };
    Ok(Some((display_name, by_own_names(db, &tenant_id, &resources).await?)))
}

/// With each host as it is registered; the one who set the provider up may have used another of its names.
async fn by_own_names(db: impl SqliteExecutor<'_>, tenant: &TenantId, resources: &UpstreamHosts) -> Result<UpstreamHosts, storage::Error> {
    let registered = hosts::all_registered(db, tenant, &resources.hosts.iter().collect()).await?;
    Ok(UpstreamHosts { hosts: registered.into_values().collect(), list: resources.list.clone() })
}

/// The same of what a provider lists.
async fn listed_by_own_names(
    db: impl SqliteExecutor<'_>,
    tenant: &TenantId,
    mut list: Vec<ListedAccount>,
) -> Result<Vec<ListedAccount>, storage::Error> {
    let names: BTreeSet<HostName> = list.iter().flat_map(|entry| &entry.names).filter_map(|name| HostName::parse(name.clone()).ok()).collect();
    let registered = hosts::all_registered(db, tenant, &names.iter().collect()).await?;
    for name in list.iter_mut().flat_map(|entry| &mut entry.names) {
        if let Some(own) = HostName::parse(name.clone()).ok().and_then(|name| registered.get(&name)) {
            own.as_str().clone_into(name);
        }
    }
    Ok(list)
}

/// The rules of links from hosts ([`crate::server::service::my_links`]), but for the account's number, which no provider says.
fn link_eligibility(account: &AccountName, own: Option<&HostAccount>, somebody_elses: bool, policy: &Policy, now: Timestamp) -> LinkEligibility {
    if is_system_account(account.as_str()) {
        return LinkEligibility::SystemAccount;
    }
    if somebody_elses && !policy.shared_host_accounts {
        return LinkEligibility::LinkedToAnother;
    }
    let until = link_expiry(own, policy.link_lifetime, now);
    if own.is_some_and(|own| own.is_active(now)) { LinkEligibility::Renews { until } } else { LinkEligibility::New { until } }
}
