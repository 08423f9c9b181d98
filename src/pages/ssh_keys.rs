//! `/keys`: the person's SSH keys, in groups or as a list.

mod entry;
mod groups;
mod revoke;

use leptos::either::{Either, EitherOf3};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use self::groups::{KeyGroups, requested_page};
use super::components::{Command, Confirm, EmptyList, FlashMessage, FormError, List, ListOption, PageContent, PostForm, ServerError, confirm_url};
use super::list_query;
use crate::domain::ids::{ClientId, HostName};
use crate::domain::pagination::{ListQuery, Page, QueryParam};
use crate::domain::paths::{self, ReturnTo};
use crate::domain::ssh_key::search::{KeyGroup, KeyGrouping, KeySearch};
use crate::i18n::to_count;
use crate::islands::KeyFile;
use crate::server::context::{self, translations};
use crate::server::sign_in::session::flash::Flash;
use crate::server_fns::host_accounts::{HostAccountItem, list_host_accounts};
use crate::server_fns::ssh_keys::{AddKey, KeyGroupsItem, KeyItem, RevokeEverything, group_keys, list_keys, was_my_key};
pub use entry::{KeyEntry, KeyListReader, display_name};
pub use revoke::RevokeTheseKeys;

#[component]
pub fn Keys() -> impl IntoView {
    let selected = key_list_query();
    let none = selected.is_none();
    let query = selected.unwrap_or_else(list_query);
    let page = requested_page(&query);
    let by = use_query_map().with_untracked(|query| query.get("by").unwrap_or_default());
    Suspend::new(async move {
        let flash = context::take_flash().await;
        if none {
            let keys = Page { items: Vec::new(), next: None, position: None };
            return EitherOf3::B(view! { <KeyList keys gone=false query flash/> });
        }
        if let Some(page) = page {
            return match group_keys(by.clone(), page).await {
                Ok(found) => EitherOf3::A(view! { <GroupedKeys found by=KeyGrouping::parse(&by) page query flash/> }),
                Err(_) => EitherOf3::C(view! { <ServerError/> }),
            };
        }
        let found = match list_keys(query.clone()).await {
            // The audit log links here by fingerprint.
            Ok(keys) if keys.items.is_empty() && KeySearch::is_fingerprint(&query.q) => was_my_key(query.q.clone()).await.map(|gone| (keys, gone)),
            keys => keys.map(|keys| (keys, false)),
        };
        match found {
            Ok((keys, gone)) => EitherOf3::B(view! { <KeyList keys gone query flash/> }),
            Err(_) => EitherOf3::C(view! { <ServerError/> }),
        }
    })
}

/// The list's parameters in the page's URL. `client` and `host` stand for the search for their group; `None`, which selects no keys, if they
/// are no ids or too long with the rest of the search. A search for a fingerprint also finds keys that have ended.
pub fn key_list_query() -> Option<ListQuery> {
    let get = |name: &str| use_query_map().with_untracked(|query| query.get(name));
    let client = get("client").map(ClientId::parse).transpose().ok()?.map(KeyGroup::Client);
    let host = get("host").map(HostName::parse).transpose().ok()?.map(KeyGroup::Host);
    let mut query = list_query();
    let words: Vec<String> = [client, host].into_iter().flatten().map(|group| group.search()).collect();
    let restricted = !words.is_empty();
    query.q = words.into_iter().chain(Some(query.q.clone()).filter(|text| !text.is_empty())).collect::<Vec<_>>().join(" ");
    if restricted && query.is_search_truncated() {
        return None;
    }
    if query.show.is_empty() && KeySearch::is_fingerprint(&query.q) {
        query.show = "all".to_owned();
    }
    Some(query)
}

/// The frame of the page around the list.
#[component]
fn KeysPage(flash: Option<Flash>, children: Children) -> impl IntoView {
    let t = translations();
    view! {
        <PageContent title=t.keys_title() wide=true>
            <p class="lead">{t.keys_lead()}</p>
            <FlashMessage flash/>
            <p class="actions">
                <a class="button" href=paths::KEYS_ADD>{t.keys_add()}</a>
            </p>
            {children()}
            <section class="row aside" aria-labelledby="everything">
                <h2 id="everything">{t.keys_everything_lead()}</h2>
                <a class="button danger" href=paths::REVOKE_EVERYTHING>{t.keys_everything()}</a>
            </section>
        </PageContent>
    }
}

#[component]
fn GroupedKeys(found: KeyGroupsItem, by: KeyGrouping, page: u32, query: ListQuery, flash: Option<Flash>) -> impl IntoView {
    let t = translations();
    let (active, ended, shown) = (found.active, found.ended, found.groups.len());
    let summary = if active == 0 { String::new() } else { t.keys_summary(active, found.group_count) };
    view! {
        <KeysPage flash>
            <List path=paths::KEYS query=query.clone() search_for=t.keys_search_for() filters=filters() orders=orders() summary shown next=None position=None>
                {if active == 0 {
                    Either::Left(view! {
                        <EmptyList title=t.keys_empty_title() query>
                            <p class="hint">{t.keys_empty()}</p>
                            <Command text="tms ssh HOST"/>
                        </EmptyList>
                    })
                } else {
                    Either::Right(view! { <KeyGroups found by page/> })
                }}
                {(ended > 0).then(|| view! {
                    <p class="aside"><a href=format!("{}?show=ended", paths::KEYS) data-page="">{t.keys_ended(ended)}</a></p>
                })}
            </List>
        </KeysPage>
    }
}

#[component]
fn KeyList(
    keys: Page<KeyItem>,
    /// Whether the key that was searched for has been revoked.
    gone: bool,
    query: ListQuery,
    flash: Option<Flash>,
) -> impl IntoView {
    let t = translations();
    let nothing = if gone { t.keys_gone() } else { t.list_nothing_found() };
    let Page { items, next, position } = keys;
    let shown = items.len();
    let revoke_all = match &position {
        Some(position) => t.keys_revoke_matching(to_count(position.total)),
        None => t.keys_revoke_all_matching(),
    };
    let group = KeySearch::parse(&query.q).group();
    let creator = matches!(group, None | Some(KeyGroup::Host(_)));
    let only_active = query.show.is_empty() && query.search().is_some() && !gone;
    let with_ended = ListQuery { show: "all".to_owned(), after: String::new(), ..query.clone() };
    let all = revoke_list_url(&query);
    let selected = use_query_map().with_untracked(|query| query.get("select").is_some_and(|select| select == "all"));
    view! {
        <KeysPage flash>
            <List path=paths::KEYS query=query.clone() search_for=t.keys_search_for() filters=filters() orders=orders() nothing shown next position>
                <Views current=None listed=query.show == "active"/>
                {(shown > 0).then(|| view! {
                    <form action=paths::KEYS_REVOKE class="keys">
                        {(shown > 1).then(|| view! { <SelectAll query=query.clone() selected shown=to_count(shown)/> })}
                        <ul class="rows">
                            {items.into_iter().map(|key| view! {
                                <KeyEntry revoke=revoke_url(&key) key reader=KeyListReader::Person { grouped: false, creator, selected }/>
                            }).collect_view()}
                        </ul>
                        <RevocationBar all text=revoke_all/>
                    </form>
                })}
                {only_active.then(|| view! { <p class="aside"><a href=with_ended.url(paths::KEYS, None) data-page="">{t.keys_search_ended()}</a></p> })}
            </List>
        </KeysPage>
    }
}

/// Links to the groups and to the list of all active keys.
#[component]
fn Views(
    /// `None`: a list is shown.
    current: Option<KeyGrouping>,
    /// Whether it is that of all active keys.
    #[prop(optional)]
    listed: bool,
) -> impl IntoView {
    let t = translations();
    let views = [
        (paths::KEYS.to_owned(), t.keys_by_client(), current == Some(KeyGrouping::Client)),
        (format!("{}?by=host", paths::KEYS), t.keys_by_host(), current == Some(KeyGrouping::Host)),
        (format!("{}?show=active", paths::KEYS), t.keys_in_one_list(), listed),
    ];
    view! {
        <nav class="views" aria-label=t.keys_views()>
            <ul>
                {views.into_iter().map(|(address, text, here)| view! {
                    <li><a href=address data-page="" aria-current=here.then_some("true")>{text}</a></li>
                }).collect_view()}
            </ul>
        </nav>
    }
}

/// Loads the page of the list again with all its keys selected, or none.
#[component]
fn SelectAll(
    query: ListQuery,
    /// Whether all are selected.
    selected: bool,
    shown: i64,
) -> impl IntoView {
    let t = translations();
    let none = query.url(paths::KEYS, query.cursor().as_ref());
    let (address, text) = if selected {
        (none, t.keys_select_none())
    } else {
        (format!("{none}{}select=all", if none.contains('?') { '&' } else { '?' }), t.keys_select_all(shown))
    };
    view! { <p class="select-all"><a href=address>{text}</a></p> }
}

/// Below the keys: revokes the selected ones, or all of the list (`all`, the URL of its confirmation).
#[component]
fn RevocationBar(all: String, text: String) -> impl IntoView {
    let t = translations();
    view! {
        <input type="hidden" name="back" value=context::current_page().as_str().to_owned()/>
        <p class="hint" data-elsewhere="key" hidden>{t.keys_selected_elsewhere()}</p>
        <p class="actions selection">
            <button class="danger">{t.keys_revoke_selected()} " " <span class="selected-count" aria-hidden="true"></span></button>
            <a class="button danger" href=all data-confirm="">{text}</a>
        </p>
    }
}

/// Confirms that a key is revoked.
fn revoke_url(key: &KeyItem) -> String {
    confirm_url(&format!("{}?key={}", paths::KEYS_REVOKE, key.number))
}

/// Confirms that all keys of a list are revoked.
fn revoke_list_url(query: &ListQuery) -> String {
    let list = ListQuery { sort: String::new(), after: String::new(), ..query.clone() };
    let url = list.url(paths::KEYS_REVOKE, None);
    confirm_url(&format!("{url}{}all=1", if url.contains('?') { '&' } else { '?' }))
}

pub fn filters() -> Vec<ListOption> {
    let t = translations();
    vec![
        ListOption("", t.keys_show_active()),
        ListOption("active", t.keys_show_active_list()),
        ListOption("soon", t.keys_show_soon()),
        ListOption("unused", t.keys_show_unused()),
        ListOption("ended", t.keys_show_ended()),
        ListOption("all", t.keys_show_all()),
    ]
}

pub fn orders() -> Vec<ListOption> {
    let t = translations();
    vec![
        ListOption("", t.keys_sort_created()),
        ListOption("used", t.keys_sort_used()),
        ListOption("expires", t.keys_sort_expires()),
        ListOption("host", t.keys_sort_host()),
    ]
}

#[component]
pub fn AddKeyPage() -> impl IntoView {
    Suspend::new(async move {
        match (context::require_recent_authentication(&ReturnTo::to(paths::KEYS_ADD)), list_host_accounts().await) {
            (Ok(Some(_)), Ok(accounts)) => Either::Left(view! { <AddForm accounts flash=context::take_flash().await/> }),
            // The browser is redirected to re-authenticate, before anything is typed.
            (Ok(None), _) => Either::Right(Either::Left(())),
            (Err(_), _) | (_, Err(_)) => Either::Right(Either::Right(view! { <ServerError/> })),
        }
    })
}

#[component]
fn AddForm(accounts: Vec<HostAccountItem>, flash: Option<Flash>) -> impl IntoView {
    let t = translations();
    if let Some(flash) = &flash {
        context::set_error_status(flash);
    }
    let refused = flash.is_some();
    let most = context::current_person().map_or(30, |person| person.tenant().policy.longest_access.as_secs() / 86_400).max(1);
    let active: Vec<HostAccountItem> = accounts.into_iter().filter(|account| account.active).collect();
    let none = active.is_empty();
    view! {
        <PageContent title=t.keys_add_title() refused>
            <p class="lead">{t.keys_add_lead()}</p>
            {flash.map(|flash| view! { <FormError id="add-error" sentence=flash.message/> })}
            {if none {
                Either::Left(view! { <p class="notice">{t.keys_add_none()}</p> })
            } else {
                Either::Right(view! {
                    <PostForm action=AddKey::url() main=true>
                        <label for="host-account">{t.keys_add_account()}</label>
                        <select id="host-account" name="host_account">
                            {active.into_iter().map(|account| view! {
                                <option value=account.id>{t.keys_add_account_on(account.account, account.host)}</option>
                            }).collect_view()}
                        </select>
                        <label for="public-key">{t.keys_add_key()}</label>
                        <textarea
                            id="public-key"
                            name="public_key"
                            data-unkept=""
                            dir="ltr"
                            translate="no"
                            spellcheck="false"
                            autocomplete="off"
                            autocapitalize="none"
                            required
                            aria-invalid=refused.then_some("true")
                            aria-describedby=if refused { "add-error public-key-hint" } else { "public-key-hint" }
                        ></textarea>
                        <p class="hint" id="public-key-hint">{t.keys_add_key_hint()}</p>
                        <KeyFile label=t.keys_add_file() into="public-key".to_owned()/>
                        <label for="key-name">{t.keys_add_name()}</label>
                        <input id="key-name" name="label" type="text" maxlength="100" autocomplete="off" aria-describedby="key-name-hint"/>
                        <p class="hint" id="key-name-hint">{t.keys_add_name_hint()}</p>
                        <label for="key-days">{t.keys_add_days()}</label>
                        <input id="key-days" name="days" type="number" min="1" max=most.to_string() value=most.min(30).to_string() required aria-describedby="key-days-hint"/>
                        <p class="hint" id="key-days-hint">{t.keys_add_days_hint(to_count(most))}</p>
                        <button class="main">{t.keys_add_button()}</button>
                    </PostForm>
                })
            }}
        </PageContent>
    }
}

/// `/keys/revoke-everything`: revokes all access at once. Requires a recent sign-in.
#[component]
pub fn RevokeEverythingPage() -> impl IntoView {
    let t = translations();
    match context::require_recent_authentication(&ReturnTo::to(paths::REVOKE_EVERYTHING)) {
        Ok(Some(_)) => Either::Left(view! {
            <Confirm title=t.keys_everything_question() action=RevokeEverything::url() button=t.keys_everything() cancel=paths::KEYS>
                <p class="warning">{t.keys_everything_consequence()}</p>
            </Confirm>
        }),
        // The browser is redirected to sign in.
        Ok(None) => Either::Right(Either::Left(())),
        Err(_) => Either::Right(Either::Right(view! { <ServerError/> })),
    }
}
