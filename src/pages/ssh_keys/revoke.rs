//! `/keys/revoke`: confirms that keys are revoked: selected ones, or all of a list.

use leptos::either::{Either, EitherOf3};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::{display_name, key_list_query};
use crate::domain::pagination::{ListQuery, QueryParam};
use crate::domain::paths;
use crate::domain::ssh_key::search::{KeyFilter, KeySearch};
use crate::i18n::to_count;
use crate::pages::components::{Confirm, Hidden, PageContent, ServerError, back_url};
use crate::server::context::translations;
use crate::server::service::ssh_keys::my_keys::MAX_NAMED_KEYS;
use crate::server_fns::ssh_keys::{KeyItem, RevokeKeys, announce_revocation, find_keys};

/// What the URL selects.
enum RequestedKeys {
    Numbers(Vec<i64>),
    List(ListQuery),
}

/// `key` selects keys by number; `client`, `host` or `all` a list. A list of a client or host without filter includes keys that have ended.
/// What is not valid selects no keys: left out, it would select more than was meant.
fn requested_keys() -> RequestedKeys {
    let (numbers, all) = use_query_map().with_untracked(|query| (query.get_all("key").unwrap_or_default(), query.get("all").is_some()));
    let group = use_query_map().with_untracked(|query| query.get("client").or_else(|| query.get("host")).is_some());
    let known = key_list_query().filter(|query| KeyFilter::ALL.iter().any(|(word, _)| *word == query.show));
    let Some(query) = known else { return RequestedKeys::Numbers(Vec::new()) };
    let mut query = ListQuery { sort: String::new(), after: String::new(), ..query };
    if numbers.is_empty() && (all || (group && query.search().is_some())) {
        if query.show.is_empty() && !all {
            query.show = "all".to_owned();
        }
        return RequestedKeys::List(query);
    }
    RequestedKeys::Numbers(numbers.iter().filter_map(|number| number.parse().ok()).collect())
}

#[component]
pub fn RevokeTheseKeys() -> impl IntoView {
    let requested = requested_keys();
    Suspend::new(async move {
        let found = match requested {
            RequestedKeys::Numbers(numbers) => find_keys(numbers).await.map(|keys| {
                let fields = keys.iter().map(|key| Hidden("key[]", key.number.to_string())).collect();
                (keys.len(), keys, fields, KeySearch::default())
            }),
            RequestedKeys::List(query) => announce_revocation(query.clone()).await.map(|found| {
                let search = KeySearch::parse(&query.q);
                let fields = vec![
                    Hidden("query[q]", query.q),
                    Hidden("query[show]", query.show),
                    Hidden("newest", found.newest.to_string()),
                    Hidden("count", found.count.to_string()),
                ];
                (found.count, found.first, fields, search)
            }),
        };
        match found {
            Ok((0, ..)) => EitherOf3::A(view! { <NoneSelected/> }),
            Ok((count, keys, fields, search)) => EitherOf3::B(view! { <RevokeQuestion count keys fields search/> }),
            Err(_) => EitherOf3::C(view! { <ServerError/> }),
        }
    })
}

#[component]
fn NoneSelected() -> impl IntoView {
    let t = translations();
    view! {
        <PageContent title=t.keys_none_selected_title()>
            <p>{t.keys_none_selected()}</p>
            <p><a class="button main" href=back_url(paths::KEYS)>{t.keys_back()}</a></p>
        </PageContent>
    }
}

#[component]
fn RevokeQuestion(
    /// How many there are; `keys` may have the first of them only.
    count: usize,
    keys: Vec<KeyItem>,
    fields: Vec<Hidden>,
    /// What all keys have in common.
    search: KeySearch,
) -> impl IntoView {
    let t = translations();
    let more = to_count(count.saturating_sub(keys.len().min(MAX_NAMED_KEYS)));
    let common = common_facts(&search, keys.first(), to_count(count));
    view! {
        <Confirm title=t.keys_revoke_question(to_count(count)) action=RevokeKeys::url() fields button=t.keys_revoke_number(to_count(count)) cancel=paths::KEYS list=paths::KEYS>
            {common.into_iter().map(|sentence| view! { <p>{sentence}</p> }).collect_view()}
            <ul>
                {keys.into_iter().take(MAX_NAMED_KEYS).map(|key| {
                    let client = key.client_name.clone().or_else(|| key.client.clone());
                    view! {
                        <li>
                            <strong><bdi>{display_name(&key)}</bdi></strong>
                            {match client {
                                Some(client) => Either::Left(view! { " · " {t.keys_made_by()} " " <bdi>{client}</bdi> }),
                                None => Either::Right(view! { " · " {t.keys_own()} }),
                            }}
                            " "
                            <code translate="no" dir="ltr">{key.fingerprint}</code>
                        </li>
                    }
                }).collect_view()}
                {(more > 0).then(|| view! { <li>{t.keys_and_more(more)}</li> })}
            </ul>
            <p class="warning">{t.keys_revoke_consequence()}</p>
        </Confirm>
    }
}

/// The groups that all keys are in, each as a sentence.
fn common_facts(search: &KeySearch, first: Option<&KeyItem>, count: i64) -> Vec<String> {
    let t = translations();
    let name = first.and_then(|key| key.client_name.as_deref()).filter(|name| !name.is_empty());
    let client = search.client.as_deref().map(|id| t.keys_all_of_client(count, name.unwrap_or(id)));
    let host = search.host.as_deref().map(|host| t.keys_all_of_host(count, host));
    [client, search.own.then(|| t.keys_all_own(count)), host].into_iter().flatten().collect()
}
