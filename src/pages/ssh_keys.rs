//! `/keys`: the person's SSH keys; `/keys/revoke`: confirms that some are revoked.

use leptos::either::Either;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::components::{
    Command, Confirm, Copyable, EmptyList, ExactTime, FlashMessage, FormError, Hidden, List, ListOption, PageContent, PostForm, RelativeTime,
    ServerError, back_url, confirm_url,
};
use super::list_query;
use crate::domain::pagination::{ListQuery, Page};
use crate::domain::paths::{self, ReturnTo, encode};
use crate::islands::KeyFile;
use crate::server::context::{self, translations};
use crate::server::sign_in::session::flash::Flash;
use crate::server_fns::host_accounts::{HostAccountItem, list_host_accounts};
use crate::server_fns::ssh_keys::{AddKey, KeyItem, KeyState, RevokeEverything, RevokeKeys, find_keys, keys_of_client, list_keys, was_my_key};

#[component]
pub fn Keys() -> impl IntoView {
    let query = list_query();
    Suspend::new(async move {
        let found = match list_keys(query.clone()).await {
            // The audit log links here by fingerprint.
            Ok(keys) if keys.items.is_empty() && query.q.starts_with("SHA256:") => was_my_key(query.q.clone()).await.map(|gone| (keys, gone)),
            keys => keys.map(|keys| (keys, false)),
        };
        match found {
            Ok((keys, gone)) => Either::Left(view! { <KeyList keys gone query said=context::take_flash().await/> }),
            Err(_) => Either::Right(view! { <ServerError/> }),
        }
    })
}

#[component]
fn KeyList(
    keys: Page<KeyItem>,
    /// Whether the key that was searched for has been revoked.
    gone: bool,
    query: ListQuery,
    said: Option<Flash>,
) -> impl IntoView {
    let t = translations();
    let nothing = if gone { t.keys_gone() } else { t.list_nothing_found() };
    let Page { items, next, position } = keys;
    let shown = items.len();
    view! {
        <PageContent title=t.keys_title() wide=true>
            <p class="lead">{t.keys_lead()}</p>
            <FlashMessage flash=said/>
            <p class="actions">
                <a class="button" href=paths::KEYS_ADD>{t.keys_add()}</a>
            </p>
            <List path=paths::KEYS query=query.clone() search_for=t.keys_search_for() filters=filters() orders=orders() nothing shown next position>
                {if items.is_empty() {
                    Either::Left(view! {
                        <EmptyList title=t.keys_empty_title() query>
                            <p class="hint">{t.keys_empty()}</p>
                            <Command text="tms ssh HOST"/>
                        </EmptyList>
                    })
                } else {
                    Either::Right(view! {
                        <form action=paths::KEYS_REVOKE>
                            <ul class="rows">
                                {items.into_iter().map(|key| view! { <Key key/> }).collect_view()}
                            </ul>
                            <input type="hidden" name="back" value=context::current_page().as_str().to_owned()/>
                            <p class="hint" data-elsewhere="key" hidden>{t.keys_selected_elsewhere()}</p>
                            <button class="danger">{t.keys_revoke_ticked()}</button>
                        </form>
                    })
                }}
            </List>
            <section class="row aside" aria-labelledby="everything">
                <h2 id="everything">{t.keys_everything_lead()}</h2>
                <a class="button danger" href=paths::REVOKE_EVERYTHING>{t.keys_everything()}</a>
            </section>
        </PageContent>
    }
}

#[component]
fn Key(key: KeyItem) -> impl IntoView {
    let t = translations();
    let name = display_name(&key);
    view! {
        <li class="row-card">
            <label class="tick-row">
                <input type="checkbox" name="key" value=key.number.to_string() aria-label=t.keys_select(name.as_str())/>
            </label>
            <div class="what">
                <h2><bdi>{name.clone()}</bdi> " " {state_badge(key.state)}</h2>
                <Copyable text=key.fingerprint.clone()/>
                <KeyFacts key=key.clone() revocable=true/>
            </div>
            <a
                class="button danger"
                href=confirm_url(&format!("{}?key={}", paths::KEYS_REVOKE, key.number))
                data-confirm=""
                aria-label=t.keys_revoke_this(name.as_str())
            >
                {t.revoke()}
            </a>
        </li>
    }
}

pub fn filters() -> Vec<ListOption> {
    let t = translations();
    vec![
        ListOption("", t.keys_show_all()),
        ListOption("active", t.keys_show_active()),
        ListOption("ended", t.keys_show_ended()),
        ListOption("unused", t.keys_show_unused()),
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

pub fn state_badge(state: KeyState) -> impl IntoView {
    let t = translations();
    let (class, text) = match state {
        KeyState::Active => ("badge good", t.state_active()),
        KeyState::Expired => ("badge bad", t.state_expired()),
        KeyState::UsedUp => ("badge bad", t.state_used_up()),
    };
    view! { <span class=class>{text}</span> }
}

/// The facts of a key other than name and fingerprint.
#[component]
pub fn KeyFacts(
    key: KeyItem,
    /// Whether to offer revoking all keys of its client.
    #[prop(optional)]
    revocable: bool,
) -> impl IntoView {
    let t = translations();
    view! {
                <dl class="facts short">
                    <div><dt>{t.keys_type()}</dt><dd translate="no">{key.key_type} " " {key.bits}</dd></div>
                    <div><dt>{t.keys_made_by()}</dt><dd>{if revocable { Either::Left(view! { <MadeBy client=key.client/> }) } else { Either::Right(view! { <bdi>{key.client.unwrap_or_else(|| t.keys_made_by_person())}</bdi> }) }}</dd></div>
                    <div><dt>{t.keys_created()}</dt><dd><RelativeTime at=key.created_at/></dd></div>
                    <div>
                        <dt>{t.keys_last_used()}</dt>
                        <dd>{match key.last_used_at {
                            Some(at) => Either::Left(view! { <RelativeTime at/> " " {t.keys_used_on(key.host.as_str())} }),
                            None => Either::Right(t.keys_never_used()),
                        }}</dd>
                    </div>
                    <div><dt>{t.keys_expires()}</dt><dd><ExactTime at=key.expires_at/></dd></div>
                    <div>
                        <dt>{t.keys_uses_left()}</dt>
                        <dd>{key.uses_left.map_or_else(|| t.keys_uses_unlimited(), |left| left.to_string())}</dd>
                    </div>
                </dl>
    }
}

/// The client, with a link to revoke all of its keys.
#[component]
fn MadeBy(client: Option<String>) -> impl IntoView {
    let t = translations();
    match client {
        None => Either::Left(t.keys_made_by_you()),
        Some(client) => {
            let all = confirm_url(&format!("{}?client={}", paths::KEYS_REVOKE, encode(&client)));
            Either::Right(view! {
                <bdi>{client.clone()}</bdi>
                " · "
                <a href=all data-confirm="">{t.keys_revoke_all_of(client)}</a>
            })
        }
    }
}

/// A key's label, or else the account and host it is for.
pub fn display_name(key: &KeyItem) -> String {
    let place = format!("{}@{}", key.account, key.host);
    if key.label.is_empty() { place } else { format!("{} ({place})", key.label) }
}

#[component]
pub fn RevokeTheseKeys() -> impl IntoView {
    let (numbers, client) = use_query_map().with_untracked(|query| (query.get_all("key").unwrap_or_default(), query.get("client")));
    let selected: Vec<i64> = numbers.iter().filter_map(|number| number.parse().ok()).collect();
    Suspend::new(async move {
        let numbers = match &client {
            Some(client) => keys_of_client(client.clone()).await.unwrap_or_default(),
            None => selected,
        };
        match find_keys(numbers).await {
            Ok(keys) => Either::Left(view! { <RevokeQuestion keys client/> }),
            Err(_) => Either::Right(view! { <ServerError/> }),
        }
    })
}

/// How many keys a confirmation lists by name.
const MAX_NAMED_KEYS: usize = 10;

#[component]
fn RevokeQuestion(
    keys: Vec<KeyItem>,
    /// Set to revoke all keys of this client, which may be more than a form can list.
    client: Option<String>,
) -> impl IntoView {
    let t = translations();
    if keys.is_empty() {
        return Either::Left(view! {
            <PageContent title=t.keys_none_ticked_title()>
                <p>{t.keys_none_ticked()}</p>
                <p><a class="button main" href=back_url(paths::KEYS)>{t.keys_back()}</a></p>
            </PageContent>
        });
    }
    let count = i64::try_from(keys.len()).unwrap_or(i64::MAX);
    let more = i64::try_from(keys.len().saturating_sub(MAX_NAMED_KEYS)).unwrap_or(i64::MAX);
    let fields = match client {
        Some(client) => vec![Hidden("client", client)],
        None => keys.iter().map(|key| Hidden("key[]", key.number.to_string())).collect(),
    };
    Either::Right(view! {
        <Confirm title=t.keys_revoke_question(count) action=RevokeKeys::url() fields button=t.revoke() cancel=paths::KEYS list=paths::KEYS>
            <ul>
                {keys.into_iter().take(MAX_NAMED_KEYS).map(|key| view! {
                    <li><strong><bdi>{display_name(&key)}</bdi></strong> " " <code translate="no" dir="ltr">{key.fingerprint}</code></li>
                }).collect_view()}
                {(more > 0).then(|| view! { <li>{t.keys_and_more(more)}</li> })}
            </ul>
            <p class="warning">{t.keys_revoke_consequence()}</p>
        </Confirm>
    })
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
                        <p class="hint" id="key-days-hint">{t.keys_add_days_hint(i64::try_from(most).unwrap_or(i64::MAX))}</p>
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
