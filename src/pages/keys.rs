//! `/keys`: the person's SSH keys; `/keys/revoke`: whether some of them are to go.

use leptos::either::Either;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::components::{Ago, At, Choice, Command, Confirm, Copyable, Empty, Hidden, List, Page, Said, Sorry};
use super::list_query;
use crate::domain::listing::{ListQuery, Listed};
use crate::domain::paths;
use crate::server::context::{self, Notice, words};
use crate::server_fns::keys::{KeyItem, KeyState, RevokeKeys, find_keys, list_keys};

#[component]
pub fn Keys() -> impl IntoView {
    let query = list_query();
    Suspend::new(async move {
        match list_keys(query.clone()).await {
            Ok(keys) => Either::Left(view! { <KeyList keys query said=context::said().await/> }),
            Err(_) => Either::Right(view! { <Sorry/> }),
        }
    })
}

#[component]
fn KeyList(keys: Listed<KeyItem>, query: ListQuery, said: Option<Notice>) -> impl IntoView {
    let w = words();
    let filters = vec![
        Choice("", w.keys_show_all()),
        Choice("active", w.keys_show_active()),
        Choice("ended", w.keys_show_ended()),
        Choice("unused", w.keys_show_unused()),
    ];
    let orders = vec![
        Choice("", w.keys_sort_created()),
        Choice("used", w.keys_sort_used()),
        Choice("expires", w.keys_sort_expires()),
        Choice("host", w.keys_sort_host()),
    ];
    let Listed { items, next } = keys;
    let shown = items.len();
    view! {
        <Page title=w.keys_title() wide=true>
            <p class="lead">{w.keys_lead()}</p>
            <Said notice=said/>
            <List path=paths::KEYS query=query.clone() search_for=w.keys_search_for() filters orders shown next>
                {if items.is_empty() {
                    Either::Left(view! {
                        <Empty title=w.keys_empty_title() query>
                            <p class="hint">{w.keys_empty()}</p>
                            <Command text="tms ssh HOST"/>
                        </Empty>
                    })
                } else {
                    Either::Right(view! {
                        <form action=paths::KEYS_REVOKE>
                            <ul class="rows">
                                {items.into_iter().map(|key| view! { <Key key/> }).collect_view()}
                            </ul>
                            <button class="danger">{w.keys_revoke_ticked()}</button>
                        </form>
                    })
                }}
            </List>
        </Page>
    }
}

#[component]
fn Key(key: KeyItem) -> impl IntoView {
    let w = words();
    let name = name_of(&key);
    let (class, state) = match key.state {
        KeyState::Active => ("badge good", w.state_active()),
        KeyState::Expired => ("badge bad", w.state_expired()),
        KeyState::UsedUp => ("badge bad", w.state_used_up()),
    };
    view! {
        <li class="row-card">
            <label class="tick-row">
                <input type="checkbox" name="key" value=key.number.to_string() aria-label=w.keys_tick(name.as_str())/>
            </label>
            <div class="what">
                <h2><bdi>{name.clone()}</bdi> " " <span class=class>{state}</span></h2>
                <Copyable text=key.fingerprint/>
                <dl class="facts short">
                    <div><dt>{w.keys_type()}</dt><dd translate="no">{key.key_type} " " {key.bits}</dd></div>
                    <div><dt>{w.keys_made_by()}</dt><dd><bdi>{key.client.unwrap_or_else(|| w.keys_made_by_you())}</bdi></dd></div>
                    <div><dt>{w.keys_created()}</dt><dd><Ago at=key.created_at/></dd></div>
                    <div>
                        <dt>{w.keys_last_used()}</dt>
                        <dd>{match key.last_used_at {
                            Some(at) => Either::Left(view! { <Ago at/> " " {w.keys_used_on(key.host.as_str())} }),
                            None => Either::Right(w.keys_never_used()),
                        }}</dd>
                    </div>
                    <div><dt>{w.keys_expires()}</dt><dd><At at=key.expires_at/></dd></div>
                    <div>
                        <dt>{w.keys_uses_left()}</dt>
                        <dd>{key.uses_left.map_or_else(|| w.keys_uses_unlimited(), |left| left.to_string())}</dd>
                    </div>
                </dl>
            </div>
            <a
                class="button danger"
                href=format!("{}?key={}", paths::KEYS_REVOKE, key.number)
                data-confirm=""
                aria-label=w.keys_revoke_this(name.as_str())
            >
                {w.revoke()}
            </a>
        </li>
    }
}

/// What a person calls a key: their own name for it, or where it leads.
fn name_of(key: &KeyItem) -> String {
    let place = format!("{}@{}", key.account, key.host);
    if key.label.is_empty() { place } else { format!("{} ({place})", key.label) }
}

#[component]
pub fn RevokeTheseKeys() -> impl IntoView {
    let numbers = use_query_map().with_untracked(|query| query.get_all("key").unwrap_or_default());
    let numbers = numbers.iter().filter_map(|number| number.parse().ok()).collect();
    Suspend::new(async move {
        match find_keys(numbers).await {
            Ok(keys) => Either::Left(view! { <Question keys/> }),
            Err(_) => Either::Right(view! { <Sorry/> }),
        }
    })
}

#[component]
fn Question(keys: Vec<KeyItem>) -> impl IntoView {
    let w = words();
    if keys.is_empty() {
        return Either::Left(view! {
            <Page title=w.keys_none_ticked_title()>
                <p>{w.keys_none_ticked()}</p>
                <p><a class="button main" href=paths::KEYS>{w.keys_back()}</a></p>
            </Page>
        });
    }
    let count = i64::try_from(keys.len()).unwrap_or(i64::MAX);
    let fields = keys.iter().map(|key| Hidden("key[]", key.number.to_string())).collect();
    Either::Right(view! {
        <Confirm title=w.keys_revoke_question(count) action=RevokeKeys::url() fields button=w.revoke() cancel=paths::KEYS>
            <ul>
                {keys.into_iter().map(|key| view! {
                    <li><strong><bdi>{name_of(&key)}</bdi></strong> " " <code translate="no" dir="ltr">{key.fingerprint}</code></li>
                }).collect_view()}
            </ul>
            <p class="warning">{w.keys_revoke_consequence()}</p>
        </Confirm>
    })
}
