//! A person links accounts on the hosts of an identity provider by signing in there (docs/decisions/0016). The accounts that the provider
//! asserts are kept in the session until the person selects some.

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
use crate::server::service::auth::principals::{RecentlyAuthenticated, SignedIn};
use crate::server::service::auth::upstream_login::{HostAccountsLogin, ProviderError, UpstreamLoginRefused};
use crate::server::service::host_accounts::link_decisions::{LinkOutcome, NewLink, host_account_key, link_or_renew};
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::providers::ProviderWithSecret;
use crate::server::storage::sql::Executor;
use crate::server::storage::{self, Connection, audit_log, host_accounts, hosts, identities, providers, tenants, user_mfa};

/// How long a proposal waits for the person's selection.
const PROPOSAL_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// Maximum number of accounts in a proposal.
const MAX_PROPOSED_ACCOUNTS: usize = 100;

/// The accounts that a provider asserts for a person. Kept in the sealed session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccountProposal {
    pub tenant_id: TenantId,
    /// The person who started the login.
    pub user_id: UserId,
    pub provider: ProviderId,
    /// The identity at the provider: `jdoe at TACC`.
    pub label: String,
    accounts: Vec<UpstreamAccount>,
    since: Timestamp,
}

impl AccountProposal {
    fn is_open_to(&self, person: &SignedIn, now: Timestamp) -> bool {
        self.tenant_id == *person.tenant_id() && self.user_id == *person.user_id() && self.since.is_within(PROPOSAL_LIFETIME, now)
    }
}

/// A proposal, evaluated now.
pub struct ProposalReview {
    /// Display name of the provider.
    pub provider: String,
    /// The identity at the provider.
    pub label: String,
    pub accounts: Vec<ProposedAccount>,
}

/// An account of a proposal.
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
    /// Linked to the person already.
    Renews {
        until: Timestamp,
    },
    /// The provider asserts no valid account name.
    InvalidName,
    /// The account runs the host and belongs to no person.
    SystemAccount,
    /// Linked to another person, and the tenant does not allow shared accounts.
    LinkedToAnother,
}

/// Why nothing is linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProposalRefused {
    /// There is no proposal, or it has expired; or the session was ended.
    NotFound,
    /// No account was selected.
    NothingSelected,
    /// A selected account cannot be linked, or not any more.
    CannotBeLinked,
    /// The person has no valid MFA record.
    MfaMissing,
}

impl Services {
    /// The proposal for a person who has just signed in at a provider: the accounts that it asserts.
    pub async fn propose_accounts(&self, login: HostAccountsLogin) -> Result<AccountProposal, Error<UpstreamLoginRefused>> {
        let HostAccountsLogin { provider, user_id, login } = login;
        let resources = provider.upstream_hosts.as_ref().ok_or(Error::Refused(UpstreamLoginRefused::NoProvider))?;
        let identity = &login.identity;
        let known = identities::find(self.storage().reader(), &provider.tenant_id, &identity.issuer, &identity.subject).await?;
        if known.is_some_and(|known| known.user_id != user_id) {
            return Err(Error::Refused(UpstreamLoginRefused::WrongPerson { label: identity.label.clone() }));
        }
        let no_list = |error| Error::Refused(UpstreamLoginRefused::AccountListFailed(ProviderError::truncated(error)));
        let list = match &resources.list {
            Some(list) => Some(self.shared.providers.upstream_accounts(&provider, list, &login.access_token, self.now()).await.map_err(no_list)?),
            None => None,
        };
        let (reader, tenant) = (self.storage().reader(), &provider.tenant_id);
        let resources = by_own_names(reader, tenant, resources).await?;
        let list = match list {
            Some(list) => Some(listed_by_own_names(reader, tenant, list).await?),
            None => None,
        };
        let accounts = resources.accounts(login.upstream_user_name.as_deref(), list.as_deref());
        if accounts.len() > MAX_PROPOSED_ACCOUNTS {
            return Err(no_list(ProviderError::InvalidResponse(format!("it names {} accounts", accounts.len()))));
        }
        let (tenant_id, label) = (provider.tenant_id, login.identity.label);
        Ok(AccountProposal { tenant_id, user_id, provider: provider.id, label, accounts, since: self.now() })
    }

    /// Evaluates a proposal now; `None` if it is another person's or has expired.
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
                    let linked_to_another = host_accounts::is_linked_to_another(reader, &place, now).await?;
                    link_eligibility(account, own.as_ref(), linked_to_another, policy, now)
                }
                None => LinkEligibility::InvalidName,
            };
            accounts.push(ProposedAccount { host: host.clone(), account: account.clone(), eligibility: standing });
        }
        Ok(Some(ProposalReview { provider: name, label: proposal.label.clone(), accounts }))
    }

    /// Links the selected accounts of a proposal, or renews their links: all of them, or none.
    pub async fn link_proposed_accounts(
        &self,
        person: &RecentlyAuthenticated,
        proposal: &AccountProposal,
        selected: BTreeSet<(HostName, AccountName)>,
    ) -> Result<Vec<LinkOutcome>, Error<ProposalRefused>> {
        let ids: Result<Vec<HostAccountId>, _> = selected.iter().map(|_| HostAccountId::parse(self.new_id("hac"))).collect();
        let (person, proposal, now) = (SignedIn::clone(person), proposal.clone(), self.now());
        let chosen = selected.into_iter().zip(ids.map_err(Fault::new)?).collect();
        self.try_write(move |db| link(db, person, proposal, chosen, now).boxed()).await
    }
}

async fn link(
    db: &mut Connection,
    person: SignedIn,
    proposal: AccountProposal,
    chosen: Vec<((HostName, AccountName), HostAccountId)>,
    now: Timestamp,
) -> Result<Vec<LinkOutcome>, Error<ProposalRefused>> {
    if !proposal.is_open_to(&person, now) || !still_signed_in(db, &person, now).await? {
        return Err(Error::Refused(ProposalRefused::NotFound));
    }
    if chosen.is_empty() {
        return Err(Error::Refused(ProposalRefused::NothingSelected));
    }
    // As they are now, not as they were when the page was rendered.
    let (tenant, user) = (person.tenant_id(), person.user_id());
    let found = providers::find(&mut *db, tenant, &proposal.provider).await?;
    let (through, resources) = linkable_hosts(&mut *db, found).await?.ok_or(Error::Refused(ProposalRefused::NotFound))?;
    let policy = tenants::find(&mut *db, tenant).await?.filter(|tenant| tenant.enabled).ok_or(Error::Refused(ProposalRefused::NotFound))?.policy;
    user_mfa::find(&mut *db, tenant, user).await?.ok_or(Error::Refused(ProposalRefused::MfaMissing))?;

    let mut linked = Vec::new();
    for ((host, account), id) in chosen {
        let named = UpstreamAccount { host: host.clone(), account: Some(account.clone()) };
        if !proposal.accounts.contains(&named) || !resources.contains(&host) {
            return Err(Error::Refused(ProposalRefused::CannotBeLinked));
        }
        let place = host_account_key(&person, &host, &account);
        let own = host_accounts::find_by_key(&mut *db, &place).await?;
        let linked_to_another = host_accounts::is_linked_to_another(&mut *db, &place, now).await?;
        let (LinkEligibility::New { until } | LinkEligibility::Renews { until }) =
            link_eligibility(&account, own.as_ref(), linked_to_another, &policy, now)
        else {
            return Err(Error::Refused(ProposalRefused::CannotBeLinked));
        };
        let made = link_or_renew(db, &place, own, NewLink { id, until, linked_through: Some(through.clone()), now }).await?;
        // Names the upstream identity, the only evidence for the link.
        let host = hosts::canonical_name(&mut *db, tenant, &host).await?;
        let subject = format!("{account}@{host} ({})", proposal.label);
        let record = AuditEvent::new(tenant.clone(), made.audit_kind(), now).of(user).subject(subject).on(&host, &account);
        audit_log::insert(db, &record.from(person.session().from)).await?;
        linked.push(made);
    }
    Ok(linked)
}

/// Display name and hosts of a provider that is enabled and owns hosts.
async fn linkable_hosts(db: impl Executor<'_>, stored: Option<ProviderWithSecret>) -> Result<Option<(String, UpstreamHosts)>, storage::Error> {
    let Some(Provider { tenant_id, display_name, upstream_hosts: Some(resources), enabled: true, .. }) = stored.map(|stored| stored.provider) else {
        return Ok(None);
    };
    Ok(Some((display_name, by_own_names(db, &tenant_id, &resources).await?)))
}

/// Replaces each host by its stored name; the provider may be configured with an alias.
async fn by_own_names(db: impl Executor<'_>, tenant: &TenantId, resources: &UpstreamHosts) -> Result<UpstreamHosts, storage::Error> {
    let registered = hosts::all_registered(db, tenant, &resources.hosts.iter().collect()).await?;
    Ok(UpstreamHosts { hosts: registered.into_values().collect(), list: resources.list.clone() })
}

/// The same for the entries of a provider's account list.
async fn listed_by_own_names(db: impl Executor<'_>, tenant: &TenantId, mut list: Vec<ListedAccount>) -> Result<Vec<ListedAccount>, storage::Error> {
    let names: BTreeSet<HostName> = list.iter().flat_map(|entry| &entry.names).filter_map(|name| HostName::parse(name.clone()).ok()).collect();
    let registered = hosts::all_registered(db, tenant, &names.iter().collect()).await?;
    for name in list.iter_mut().flat_map(|entry| &mut entry.names) {
        if let Some(own) = HostName::parse(name.clone()).ok().and_then(|name| registered.get(&name)) {
            own.as_str().clone_into(name);
        }
    }
    Ok(list)
}

/// Same rules as for link requests ([`crate::server::service::host_accounts::link_decisions`]), except for the UID, which providers do not
/// assert.
fn link_eligibility(account: &AccountName, own: Option<&HostAccount>, linked_to_another: bool, policy: &Policy, now: Timestamp) -> LinkEligibility {
    if is_system_account(account.as_str()) {
        return LinkEligibility::SystemAccount;
    }
    if linked_to_another && !policy.shared_host_accounts {
        return LinkEligibility::LinkedToAnother;
    }
    let until = link_expiry(own, policy.link_lifetime, now);
    if own.is_some_and(|own| own.is_active(now)) { LinkEligibility::Renews { until } } else { LinkEligibility::New { until } }
}
