//! `/admin/keys`.

use leptos::either::{Either, EitherOf3};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::components::{AdminPage, CurlExample};
use crate::domain::pagination::{ListQuery, Page};
use crate::domain::paths;
use crate::pages::components::{AlreadyGone, Confirm, EmptyList, FlashMessage, Hidden, List, ListOption, ServerError, confirm_url};
use crate::pages::list_query;
use crate::pages::ssh_keys::{KeyEntry, KeyListReader, display_name, filters, key_list_query, orders};
use crate::server::context::{self, translations};
use crate::server::sign_in::session::flash::Flash;
use crate::server_fns::admin::ssh_keys::{PersonKeyItem, RevokeKeyOfTenant, find_key_of_tenant, list_keys_of_tenant};

#[component]
pub fn AdminKeys() -> impl IntoView {
    let query = key_list_query().unwrap_or_else(list_query);
    Suspend::new(async move {
        match list_keys_of_tenant(query.clone()).await {
            Ok(keys) => Either::Left(view! { <KeyList keys query said=context::take_flash().await/> }),
            Err(_) => Either::Right(view! { <ServerError/> }),
        }
    })
}

#[component]
fn KeyList(keys: Page<PersonKeyItem>, query: ListQuery, said: Option<Flash>) -> impl IntoView {
    let t = translations();
    let Page { items, next, position } = keys;
    let shown = items.len();
    // Unlike on a person's page, all keys are listed unless a filter is selected.
    let first = [ListOption("", t.keys_show_all()), ListOption("active", t.keys_show_active())];
    let filters = first.into_iter().chain(filters().into_iter().filter(|filter| !matches!(filter.0, "" | "active" | "all"))).collect();
    view! {
        <AdminPage title=t.keys_title() here=paths::ADMIN_KEYS>
            <FlashMessage flash=said/>
            <List path=paths::ADMIN_KEYS query=query.clone() search_for=t.admin_keys_search_for() filters orders=orders() shown next position>
                {if items.is_empty() {
                    Either::Left(view! { <EmptyList title=t.admin_keys_empty() query><p class="hint">{t.admin_keys_empty_hint()}</p></EmptyList> })
                } else {
                    Either::Right(view! { <ul class="rows">{items.into_iter().map(entry).collect_view()}</ul> })
                }}
            </List>
            <CurlExample call="GET /v1/tms/pubkeys/list"/>
        </AdminPage>
    }
}

fn entry(PersonKeyItem { user, key }: PersonKeyItem) -> impl IntoView {
    let revoke = confirm_url(&format!("{}?key={}", paths::ADMIN_KEY_REVOKE, key.number));
    view! { <KeyEntry key reader=KeyListReader::Admin(user) revoke/> }
}

#[component]
pub fn RevokeAKey() -> impl IntoView {
    let key = use_query_map().with_untracked(|query| query.get("key").and_then(|key| key.parse().ok()).unwrap_or_default());
    Suspend::new(async move {
        let t = translations();
        match find_key_of_tenant(key).await {
            Ok(Some(PersonKeyItem { user, key })) => EitherOf3::A(view! {
                <Confirm
                    title=t.keys_revoke_question(1)
                    action=RevokeKeyOfTenant::url()
                    fields=vec![Hidden("key", key.number.to_string())]
                    button=t.revoke()
                    cancel=paths::ADMIN_KEYS
                    list=paths::ADMIN_KEYS
                >
                    <p><strong><bdi>{display_name(&key)}</bdi></strong> ", " <bdi>{user}</bdi></p>
                    <p><code translate="no" dir="ltr">{key.fingerprint}</code></p>
                    <p class="warning">{t.keys_revoke_consequence()}</p>
                </Confirm>
            }),
            Ok(None) => EitherOf3::B(view! { <AlreadyGone back=paths::ADMIN_KEYS/> }),
            Err(_) => EitherOf3::C(view! { <ServerError/> }),
        }
    })
}
