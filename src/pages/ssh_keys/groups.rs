//! The person's active keys in groups, each with the keys that were used or created last.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::entry::{KeyEntry, KeyListReader};
use super::{RevocationBar, Views, revoke_list_url, revoke_url};
use crate::domain::pagination::ListQuery;
use crate::domain::paths;
use crate::domain::ssh_key::search::{KeyGroup, KeyGrouping};
use crate::pages::components::RelativeTime;
use crate::server::context::translations;
use crate::server_fns::ssh_keys::{KeyGroupItem, KeyGroupsItem};

/// Groups that are open on a page with more of them.
const OPEN_GROUPS: usize = 3;

/// The part of the list below its tools.
#[component]
pub fn KeyGroups(
    found: KeyGroupsItem,
    by: KeyGrouping,
    /// From 0.
    page: u32,
) -> AnyView {
    let KeyGroupsItem { groups, pages, active, .. } = found;
    view! {
        <Views current=Some(by)/>
        <form action=paths::KEYS_REVOKE class="keys">
            {groups.into_iter().enumerate().map(|(place, item)| view! { <Group item place open=place < OPEN_GROUPS/> }).collect_view()}
            <RevocationBar all=revoke_list_url(&ListQuery::default()) text=translations().keys_revoke_all_active(active)/>
        </form>
        <GroupPages by page pages/>
    }
    .into_any()
}

#[component]
fn Group(item: KeyGroupItem, place: usize, open: bool) -> AnyView {
    let t = translations();
    let KeyGroupItem { group, active, newest_at, last_used_at, first } = item;
    let client = first.first().and_then(|key| key.client_name.clone()).filter(|name| !name.is_empty());
    let (name, all, revoke) = match &group {
        KeyGroup::Client(id) => {
            let name = client.unwrap_or_else(|| id.to_string());
            (name.clone(), t.keys_show_all_of_client(active, name.as_str()), t.keys_revoke_all_of_client(active, name.as_str()))
        }
        KeyGroup::Own => (t.keys_group_own(), t.keys_show_all_own(active), t.keys_revoke_all_own(active)),
        KeyGroup::Host(host) => (host.to_string(), t.keys_show_all_of_host(active, host.as_str()), t.keys_revoke_all_of_host(active, host.as_str())),
    };
    let list = ListQuery { q: group.search(), ..ListQuery::default() };
    let more = usize::try_from(active).is_ok_and(|active| active > first.len());
    let id = format!("group-{place}");
    let by_host = matches!(group, KeyGroup::Host(_));
    let used_on = first.first().filter(|key| !by_host && key.last_used_at == last_used_at).map(|key| t.keys_used_on(key.host.as_str()));
    view! {
        <details class="key-group" open=open>
            <summary>
                <h2 id=id><bdi>{name}</bdi></h2>
                " "
                <span class="key-facts">
                    <span>{t.keys_count(active)}</span>
                    " "
                    {last_used_at.map(|at| view! { <span>{t.keys_last_used()} " " <RelativeTime at/> {used_on.map(|host| view! { " " {host} })}</span> " " })}
                    <span>{t.keys_group_newest()} " " <RelativeTime at=newest_at/></span>
                </span>
            </summary>
            <ul class="rows">
                {first.into_iter().map(|key| view! {
                    <KeyEntry revoke=revoke_url(&key) key reader=KeyListReader::Person { grouped: true, creator: by_host, selected: false }/>
                }).collect_view()}
            </ul>
            <p class="actions">
                {more.then(|| view! { <a class="button" href=list.url(paths::KEYS, None) data-page="">{all}</a> })}
                <a class="button danger" href=revoke_list_url(&list) data-confirm="">{revoke}</a>
            </p>
        </details>
    }
    .into_any()
}

/// Links to the other pages of groups.
#[component]
fn GroupPages(by: KeyGrouping, page: u32, pages: u32) -> impl IntoView {
    let t = translations();
    let url = |page: u32| {
        let parts = [(by == KeyGrouping::Host).then(|| "by=host".to_owned()), (page > 0).then(|| format!("page={}", page + 1))];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() { paths::KEYS.to_owned() } else { format!("{}?{}", paths::KEYS, parts.join("&")) }
    };
    let next = (page + 1 < pages).then(|| url(page + 1));
    let previous = (page > 1).then(|| url(page - 1));
    let beginning = (page > 0).then(|| url(0));
    (beginning.is_some() || next.is_some()).then(|| {
        view! {
            <nav class="page-links" aria-label=t.list_pages()>
                {beginning.map(|address| view! { <a class="button" href=address data-page="">{t.list_beginning()}</a> })}
                {previous.map(|address| view! { <a class="button" href=address rel="prev" data-page="">{t.list_previous()}</a> })}
                {next.map(|address| view! { <a class="button" href=address rel="next" data-page="">{t.list_more()}</a> })}
            </nav>
        }
    })
}

/// The number of the page of groups, from 0; `None` if the URL searches, filters or sorts, so that a list is shown.
pub fn requested_page(query: &ListQuery) -> Option<u32> {
    let is_list = query.is_filtered() || query.cursor().is_some() || !query.sort.is_empty();
    (!is_list).then(|| use_query_map().with_untracked(|query| query.get("page")?.parse::<u32>().ok()).unwrap_or(1).saturating_sub(1))
}
