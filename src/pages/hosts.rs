//! `/hosts`: the person's linked host accounts; `/hosts/unlink`: whether one of them is to go.

use leptos::either::Either;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::components::{Ago, AgoOrNever, At, Choice, Command, Confirm, Empty, Gone, Hidden, List, Page, Said, Sorry, asked_here};
use super::links::COMMAND;
use super::list_query;
use crate::domain::listing::{ListQuery, Listed};
use crate::domain::paths::{self, encoded};
use crate::domain::provider::Provider;
use crate::domain::time::Timestamp;
use crate::server::context::{self, Notice, words};
use crate::server_fns::host_accounts::{HostAccountInUse, HostAccountItem, LinkedBy, UnlinkHostAccount, find_host_account, search_host_accounts};

#[component]
pub fn Hosts() -> impl IntoView {
    let query = list_query();
    Suspend::new(async move {
        match search_host_accounts(query.clone()).await {
            Ok(accounts) => Either::Left(view! { <AccountList accounts query owners=owners().await said=context::said().await/> }),
            Err(_) => Either::Right(view! { <Sorry/> }),
        }
    })
}

/// Providers that own hosts, and so can say which accounts are whose.
async fn owners() -> Vec<Provider> {
    let (Ok(services), Some(person)) = (context::services(), context::visitor()) else { return Vec::new() };
    match services.providers_of(person.tenant_id()).await {
        Ok(providers) => providers.into_iter().filter(|provider| provider.resources.is_some()).collect(),
        Err(fault) => {
            context::fault(fault);
            Vec::new()
        }
    }
}

#[component]
fn AccountList(accounts: Listed<HostAccountInUse>, query: ListQuery, owners: Vec<Provider>, said: Option<Notice>) -> impl IntoView {
    let w = words();
    let filters = vec![Choice("", w.hosts_show_all()), Choice("active", w.hosts_show_active()), Choice("expired", w.hosts_show_expired())];
    let orders = vec![Choice("", w.hosts_sort_host()), Choice("linked", w.hosts_sort_linked()), Choice("expires", w.hosts_sort_expires())];
    let Listed { items, next, extent } = accounts;
    let shown = items.len();
    view! {
        <Page title=w.hosts_title() wide=true>
            <p class="lead">{w.hosts_lead()}</p>
            <Said notice=said/>
            <p class="actions">
                <a class="button" href=paths::HOSTS_LINK>{w.hosts_link()}</a>
                {owners.into_iter().map(|provider| view! {
                    <a class="button" href=paths::link_hosts_with(&provider.tenant_id, &provider.id) rel="external">
                        {w.hosts_link_through(provider.display_name)}
                    </a>
                }).collect_view()}
            </p>
            <List path=paths::HOSTS query=query.clone() search_for=w.hosts_search_for() filters orders shown next extent>
                {if items.is_empty() {
                    Either::Left(view! {
                        <Empty title=w.hosts_empty_title() query>
                            <p class="hint">{w.hosts_empty()}</p>
                            <p class="hint">{w.hosts_link_hint()}</p>
                            <Command text=COMMAND/>
                        </Empty>
                    })
                } else {
                    Either::Right(by_host(items).into_iter().map(|(host, accounts)| view! {
                        <section class="group">
                            <h2><bdi>{host}</bdi></h2>
                            <ul class="rows">
                                {accounts.into_iter().map(|account| view! { <Account account/> }).collect_view()}
                            </ul>
                        </section>
                    }).collect_view())
                }}
            </List>
        </Page>
    }
}

/// Neighbours on the same host, together.
fn by_host(accounts: Vec<HostAccountInUse>) -> Vec<(String, Vec<HostAccountInUse>)> {
    let mut groups: Vec<(String, Vec<HostAccountInUse>)> = Vec::new();
    for account in accounts {
        match groups.last_mut() {
            Some((host, group)) if host.eq_ignore_ascii_case(&account.account.host) => group.push(account),
            _ => groups.push((account.account.host.clone(), vec![account])),
        }
    }
    groups
}

#[component]
fn Account(account: HostAccountInUse) -> impl IntoView {
    let w = words();
    let HostAccountInUse { account, keys, last_used_at } = account;
    let (class, state) = if account.active { ("badge good", w.state_active()) } else { ("badge bad", w.state_expired()) };
    let how = match &account.linked_by {
        LinkedBy::Administrator => w.hosts_linked_by_admin(),
        LinkedBy::CarriedOver => w.hosts_linked_carried_over(),
        LinkedBy::Person => w.hosts_linked_by_you(),
        LinkedBy::Provider(provider) => w.hosts_linked_through(provider),
    };
    let ends = account.expires_at < Timestamp::FOREVER;
    // What to do then, and whether that is a command on the host.
    let renew = match (account.active, account.ends_soon, &account.linked_by) {
        (true, false, _) => None,
        (false, _, LinkedBy::Provider(provider)) => Some((w.hosts_has_ended_through(provider), false)),
        (true, true, LinkedBy::Provider(provider)) => Some((w.hosts_ends_soon_through(provider), false)),
        (false, ..) => Some((w.hosts_has_ended(), true)),
        (true, true, _) => Some((w.hosts_ends_soon(), true)),
    };
    view! {
        <li class="row-card">
            <div class="what">
                <h3><code translate="no" dir="ltr">{account.account.clone()}</code> " " <span class=class>{state}</span></h3>
                <dl class="facts short">
                    <div><dt>{w.hosts_linked()}</dt><dd><Ago at=account.linked_at/> ", " {how}</dd></div>
                    <div>
                        <dt>{if account.active { w.hosts_expires() } else { w.hosts_expired() }}</dt>
                        <dd>{if ends { Either::Left(view! { <Ago at=account.expires_at/> }) } else { Either::Right(view! { <At at=account.expires_at/> }) }}</dd>
                    </div>
                    <div>
                        <dt>{w.hosts_last_login()}</dt>
                        <dd><AgoOrNever at=last_used_at/></dd>
                    </div>
                    <div>
                        <dt>{w.hosts_keys()}</dt>
                        <dd><a href=format!("{}?q={}", paths::KEYS, encoded(&account.host))>{w.hosts_key_count(keys)}</a></dd>
                    </div>
                </dl>
                {renew.map(|(sentence, on_the_host)| view! {
                    <p class="hint">{sentence}</p>
                    {on_the_host.then(|| view! { <Command text=COMMAND/> })}
                })}
            </div>
            <a
                class="button danger"
                href=asked_here(&format!("{}?account={}", paths::HOSTS_UNLINK, encoded(&account.id)))
                data-confirm=""
                aria-label=w.hosts_unlink_this(account.account, account.host)
            >
                {w.hosts_unlink()}
            </a>
        </li>
    }
}

#[component]
pub fn UnlinkThisAccount() -> impl IntoView {
    let account = use_query_map().with_untracked(|query| query.get("account").unwrap_or_default());
    Suspend::new(async move {
        match find_host_account(account).await {
            Ok(Some(account)) => Either::Left(Either::Left(view! { <Question account/> })),
            Ok(None) => Either::Left(Either::Right(view! { <Gone back=paths::HOSTS/> })),
            Err(_) => Either::Right(view! { <Sorry/> }),
        }
    })
}

#[component]
fn Question(account: HostAccountItem) -> impl IntoView {
    let w = words();
    view! {
        <Confirm
            title=w.hosts_unlink_question(account.account, account.host)
            action=UnlinkHostAccount::url()
            fields=vec![Hidden("account", account.id)]
            button=w.hosts_unlink()
            cancel=paths::HOSTS
            list=paths::HOSTS
        >
            <p class="warning">{w.hosts_unlink_consequence()}</p>
        </Confirm>
    }
}
