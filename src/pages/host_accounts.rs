//! `/hosts`: the person's linked host accounts; `/hosts/unlink`: confirms that one is unlinked.

use leptos::either::Either;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::components::{
    AlreadyGone, Command, Confirm, EmptyList, ExactTime, FlashMessage, Hidden, List, ListOption, PageContent, RelativeTime, RelativeTimeOrNever,
    ServerError, confirm_url,
};
use super::link_requests::COMMAND;
use super::list_query;
use crate::domain::pagination::{ListQuery, Page};
use crate::domain::paths::{self, ReturnTo, encode};
use crate::domain::provider::Provider;
use crate::domain::time::Timestamp;
use crate::server::context::{self, translations};
use crate::server::sign_in::session::flash::Flash;
use crate::server_fns::host_accounts::{HostAccountItem, HostAccountUsageItem, LinkedBy, UnlinkHostAccount, find_host_account, search_host_accounts};

#[component]
pub fn Hosts() -> impl IntoView {
    let query = list_query();
    Suspend::new(async move {
        match search_host_accounts(query.clone()).await {
            Ok(accounts) => Either::Left(view! { <AccountList accounts query owners=host_providers().await said=context::take_flash().await/> }),
            Err(_) => Either::Right(view! { <ServerError/> }),
        }
    })
}

/// The providers that own hosts, and can assert accounts on them.
pub async fn host_providers() -> Vec<Provider> {
    let (Ok(services), Some(person)) = (context::services(), context::current_person()) else { return Vec::new() };
    match services.enabled_providers(person.tenant_id()).await {
        Ok(providers) => providers.into_iter().filter(|provider| provider.upstream_hosts.is_some()).collect(),
        Err(fault) => {
            context::fault(fault);
            Vec::new()
        }
    }
}

/// Links to link accounts through providers.
#[component]
pub fn ProviderLinks(
    providers: Vec<Provider>,
    /// The page to return to; default: none in particular.
    #[prop(optional)]
    then: ReturnTo,
) -> impl IntoView {
    let t = translations();
    let links = providers.into_iter().map(|provider| {
        view! {
            <a class="button" href=paths::upstream_authorize_accounts(&provider.tenant_id, &provider.id, &then) rel="external">
                {t.hosts_link_through(provider.display_name)}
            </a>
        }
    });
    links.collect_view()
}

#[component]
fn AccountList(accounts: Page<HostAccountUsageItem>, query: ListQuery, owners: Vec<Provider>, said: Option<Flash>) -> impl IntoView {
    let t = translations();
    let filters =
        vec![ListOption("", t.hosts_show_all()), ListOption("active", t.hosts_show_active()), ListOption("expired", t.hosts_show_expired())];
    let orders =
        vec![ListOption("", t.hosts_sort_host()), ListOption("linked", t.hosts_sort_linked()), ListOption("expires", t.hosts_sort_expires())];
    let Page { items, next, position } = accounts;
    let shown = items.len();
    view! {
        <PageContent title=t.hosts_title() wide=true>
            <p class="lead">{t.hosts_lead()}</p>
            <FlashMessage flash=said/>
            <p class="actions">
                <a class="button" href=paths::HOSTS_LINK>{t.hosts_link()}</a>
                <ProviderLinks providers=owners/>
            </p>
            <List path=paths::HOSTS query=query.clone() search_for=t.hosts_search_for() filters orders shown next position>
                {if items.is_empty() {
                    Either::Left(view! {
                        <EmptyList title=t.hosts_empty_title() query>
                            <p class="hint">{t.hosts_empty()}</p>
                            <p class="hint">{t.hosts_link_hint()}</p>
                            <Command text=COMMAND/>
                        </EmptyList>
                    })
                } else {
                    Either::Right(group_by_host(items).into_iter().map(|(host, accounts)| view! {
                        <section class="group">
                            <h2><bdi>{host}</bdi></h2>
                            <ul class="rows">
                                {accounts.into_iter().map(|account| view! { <Account account/> }).collect_view()}
                            </ul>
                        </section>
                    }).collect_view())
                }}
            </List>
        </PageContent>
    }
}

/// Groups consecutive accounts of the same host.
fn group_by_host(accounts: Vec<HostAccountUsageItem>) -> Vec<(String, Vec<HostAccountUsageItem>)> {
    let mut groups: Vec<(String, Vec<HostAccountUsageItem>)> = Vec::new();
    for account in accounts {
        match groups.last_mut() {
            Some((host, group)) if host.eq_ignore_ascii_case(&account.account.host) => group.push(account),
            _ => groups.push((account.account.host.clone(), vec![account])),
        }
    }
    groups
}

#[component]
fn Account(account: HostAccountUsageItem) -> impl IntoView {
    let t = translations();
    let HostAccountUsageItem { account, keys, last_used_at } = account;
    let how = match &account.linked_by {
        LinkedBy::Administrator => t.hosts_linked_by_admin(),
        LinkedBy::Imported => t.hosts_linked_carried_over(),
        LinkedBy::Person => t.hosts_linked_by_you(),
        LinkedBy::Provider(provider) => t.hosts_linked_through(provider),
    };
    let ends = account.expires_at < Timestamp::FOREVER;
    // What to do about an account that has expired or expires soon, and whether that is a command on the host.
    let renew = match (account.active, account.ends_soon, &account.linked_by) {
        (true, false, _) => None,
        (false, _, LinkedBy::Provider(provider)) => Some((t.hosts_has_ended_through(provider), false)),
        (true, true, LinkedBy::Provider(provider)) => Some((t.hosts_ends_soon_through(provider), false)),
        (false, ..) => Some((t.hosts_has_ended(), true)),
        (true, true, _) => Some((t.hosts_ends_soon(), true)),
    };
    view! {
        <li class="row-card">
            <div class="what">
                <h3><code translate="no" dir="ltr">{account.account.clone()}</code> {(!account.active).then(|| view! { " " <span class="badge bad">{t.state_expired()}</span> })}</h3>
                <dl class="facts short">
                    <div><dt>{t.hosts_linked()}</dt><dd><RelativeTime at=account.linked_at/> ", " {how}</dd></div>
                    <div>
                        <dt>{if account.active { t.hosts_expires() } else { t.hosts_expired() }}</dt>
                        <dd>{if ends { Either::Left(view! { <RelativeTime at=account.expires_at/> }) } else { Either::Right(view! { <ExactTime at=account.expires_at/> }) }}</dd>
                    </div>
                    <div>
                        <dt>{t.hosts_last_login()}</dt>
                        <dd><RelativeTimeOrNever at=last_used_at/></dd>
                    </div>
                    <div>
                        <dt>{t.hosts_keys()}</dt>
                        <dd><a href=format!("{}?q={}", paths::KEYS, encode(&account.host))>{t.hosts_key_count(keys)}</a></dd>
                    </div>
                </dl>
                {renew.map(|(sentence, on_the_host)| view! {
                    <p class="hint">{sentence}</p>
                    {on_the_host.then(|| view! { <Command text=COMMAND/> })}
                })}
            </div>
            <a
                class="button danger"
                href=confirm_url(&format!("{}?account={}", paths::HOSTS_UNLINK, encode(&account.id)))
                data-confirm=""
                aria-label=t.hosts_unlink_this(account.account, account.host)
            >
                {t.hosts_unlink()}
            </a>
        </li>
    }
}

#[component]
pub fn UnlinkThisAccount() -> impl IntoView {
    let account = use_query_map().with_untracked(|query| query.get("account").unwrap_or_default());
    Suspend::new(async move {
        match find_host_account(account).await {
            Ok(Some(account)) => Either::Left(Either::Left(view! { <UnlinkQuestion account/> })),
            Ok(None) => Either::Left(Either::Right(view! { <AlreadyGone back=paths::HOSTS/> })),
            Err(_) => Either::Right(view! { <ServerError/> }),
        }
    })
}

#[component]
fn UnlinkQuestion(account: HostAccountItem) -> impl IntoView {
    let t = translations();
    view! {
        <Confirm
            title=t.hosts_unlink_question(account.account, account.host)
            action=UnlinkHostAccount::url()
            fields=vec![Hidden("account", account.id)]
            button=t.hosts_unlink()
            cancel=paths::HOSTS
            list=paths::HOSTS
        >
            <p class="warning">{t.hosts_unlink_consequence()}</p>
        </Confirm>
    }
}

/// How a person without a host account links one for a request, and returns to it.
#[component]
pub fn LinkFirst(
    /// The page of the request.
    here: ReturnTo,
    /// The request, as [`paths::ContinuedRequest`] names it.
    continued: String,
    providers: Vec<Provider>,
) -> impl IntoView {
    let t = translations();
    view! {
        <div class="notice">
            <p>{t.consent_no_hosts()}</p>
            <p class="actions">
                <a class="button" href=paths::hosts_link_for(&continued)>{t.hosts_link()}</a>
                <ProviderLinks providers then=here/>
            </p>
        </div>
    }
}
