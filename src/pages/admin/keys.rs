//! `/admin/keys`.

use leptos::either::{Either, EitherOf3};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::parts::{AdminPage, Curl};
use crate::domain::listing::{ListQuery, Listed};
use crate::domain::paths::{self, encoded};
use crate::pages::components::{Confirm, Copyable, Empty, Gone, Hidden, List, Said, Sorry, asked_here};
use crate::pages::keys::{KeyFacts, filters, name_of, orders, state_badge};
use crate::pages::list_query;
use crate::server::context::{self, Notice, words};
use crate::server_fns::admin::keys::{PersonsKey, RevokeKeyOfTenant, find_key_of_tenant, list_keys_of_tenant};

#[component]
pub fn AdminKeys() -> impl IntoView {
    let query = list_query();
    Suspend::new(async move {
        match list_keys_of_tenant(query.clone()).await {
            Ok(keys) => Either::Left(view! { <All keys query said=context::said().await/> }),
            Err(_) => Either::Right(view! { <Sorry/> }),
        }
    })
}

#[component]
fn All(keys: Listed<PersonsKey>, query: ListQuery, said: Option<Notice>) -> impl IntoView {
    let w = words();
    let Listed { items, next, extent } = keys;
    let shown = items.len();
    view! {
        <AdminPage title=w.keys_title() here=paths::ADMIN_KEYS>
            <Said notice=said/>
            <List path=paths::ADMIN_KEYS query=query.clone() search_for=w.admin_keys_search_for() filters=filters() orders=orders() shown next extent>
                {if items.is_empty() {
                    Either::Left(view! { <Empty title=w.admin_keys_empty() query><p class="hint">{w.admin_keys_purpose()}</p></Empty> })
                } else {
                    Either::Right(view! { <ul class="rows">{items.into_iter().map(|item| view! { <One item/> }).collect_view()}</ul> })
                }}
            </List>
            <Curl call="GET /v1/tms/pubkeys/list"/>
        </AdminPage>
    }
}

#[component]
fn One(item: PersonsKey) -> impl IntoView {
    let w = words();
    let PersonsKey { user, key } = item;
    let name = name_of(&key);
    let person = format!("{}?user={}", paths::ADMIN_PERSON, encoded(&user));
    let revoke = asked_here(&format!("{}?key={}", paths::ADMIN_KEY_REVOKE, key.number));
    view! {
        <li class="row-card">
            <div class="what">
                <h2><bdi>{name.clone()}</bdi> " " {state_badge(key.state)} " " <a href=person><bdi>{user}</bdi></a></h2>
                <Copyable text=key.fingerprint.clone()/>
                <KeyFacts key/>
            </div>
            <a class="button danger" href=revoke data-confirm="" aria-label=w.keys_revoke_this(name)>{w.revoke()}</a>
        </li>
    }
}

#[component]
pub fn RevokeAKey() -> impl IntoView {
    let key = use_query_map().with_untracked(|query| query.get("key").and_then(|key| key.parse().ok()).unwrap_or_default());
    Suspend::new(async move {
        let w = words();
        match find_key_of_tenant(key).await {
            Ok(Some(PersonsKey { user, key })) => EitherOf3::A(view! {
                <Confirm
                    title=w.keys_revoke_question(1)
                    action=RevokeKeyOfTenant::url()
                    fields=vec![Hidden("key", key.number.to_string())]
                    button=w.revoke()
                    cancel=paths::ADMIN_KEYS
                    list=paths::ADMIN_KEYS
                >
                    <p><strong><bdi>{name_of(&key)}</bdi></strong> ", " <bdi>{user}</bdi></p>
                    <p><code translate="no" dir="ltr">{key.fingerprint}</code></p>
                    <p class="warning">{w.keys_revoke_consequence()}</p>
                </Confirm>
            }),
            Ok(None) => EitherOf3::B(view! { <Gone back=paths::ADMIN_KEYS/> }),
            Err(_) => EitherOf3::C(view! { <Sorry/> }),
        }
    })
}
