//! `/apps`: the clients that may act for the person; `/apps/change`: changes or revokes one delegation.

use leptos::either::{Either, EitherOf3};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::components::{
    AlreadyGone, ClientName, Command, Confirm, EmptyList, ExactTime, FlashMessage, Hidden, List, ListOption, PageContent, RelativeTime,
    RelativeTimeOrNever, ServerError, confirm_url,
};
use super::list_query;
use crate::domain::pagination::{ListQuery, Page};
use crate::domain::paths::{self, encode};
use crate::domain::scope::Scope;
use crate::domain::time::Timestamp;
use crate::server::context::{self, translations};
use crate::server::sign_in::session::flash::Flash;
use crate::server_fns::delegations::{
    ChangeMyDelegation, DelegationItem, DelegationOrigin, DelegationState, RevokeMyDelegation, find_my_delegation, list_my_delegations,
};

#[component]
pub fn Apps() -> impl IntoView {
    let query = list_query();
    Suspend::new(async move {
        match list_my_delegations(query.clone()).await {
            Ok(apps) => Either::Left(view! { <DelegationList apps query said=context::take_flash().await/> }),
            Err(_) => Either::Right(view! { <ServerError/> }),
        }
    })
}

#[component]
fn DelegationList(apps: Page<DelegationItem>, query: ListQuery, said: Option<Flash>) -> impl IntoView {
    let t = translations();
    let filters = vec![ListOption("", t.apps_show_in_force()), ListOption("ended", t.apps_show_ended()), ListOption("all", t.apps_show_all())];
    let orders = vec![ListOption("", t.apps_sort_made()), ListOption("expires", t.apps_sort_expires()), ListOption("client", t.apps_sort_client())];
    let Page { items, next, position } = apps;
    let shown = items.len();
    let login = context::login_command();
    // The default filter shows active delegations.
    let nothing = if query.show.is_empty() { t.apps_none_in_force() } else { t.list_nothing_found() };
    view! {
        <PageContent title=t.apps_title() wide=true>
            <p class="lead">{t.apps_lead()}</p>
            <FlashMessage flash=said/>
            <List path=paths::APPS query=query.clone() search_for=t.apps_search_for() filters orders nothing shown next position>
                {if items.is_empty() {
                    Either::Left(view! {
                        <EmptyList title=t.apps_empty_title() query>
                            <p class="hint">{t.apps_empty()}</p>
                            <Command text=login/>
                        </EmptyList>
                    })
                } else {
                    Either::Right(view! {
                        <ul class="rows">{items.into_iter().map(|app| view! { <DelegationEntry app/> }).collect_view()}</ul>
                    })
                }}
            </List>
        </PageContent>
    }
}

#[component]
fn DelegationEntry(app: DelegationItem) -> impl IntoView {
    let t = translations();
    let (class, state) = match app.state {
        DelegationState::Active => ("badge good", t.apps_in_force()),
        DelegationState::Expired => ("badge bad", t.apps_expired()),
        DelegationState::Revoked => ("badge", t.apps_was_ended()),
    };
    let name = app.client.name.clone();
    let in_force = app.state == DelegationState::Active;
    let change = format!("{}?app={}", paths::APPS_CHANGE, app.number);
    let end = confirm_url(&format!("{change}&end=1"));
    let change = confirm_url(&change);
    view! {
        <li class="row-card">
            <div class="what">
                <h2><ClientName client=app.client.clone()/> " " <span class=class>{state}</span></h2>
                <DelegationFacts app=app.clone()/>
            </div>
            {in_force.then(|| view! {
                <div class="actions">
                    {(!app.ends.is_empty()).then(|| view! {
                        <a class="button" href=change data-confirm="" aria-label=t.apps_change_this(name.as_str())>{t.apps_change()}</a>
                    })}
                    <a class="button danger" href=end data-confirm="" aria-label=t.apps_end_this(name.as_str())>{t.revoke()}</a>
                </div>
            })}
        </li>
    }
}

/// What the client may do, and from when until when.
#[component]
pub fn DelegationFacts(
    app: DelegationItem,
    /// The reader is an administrator: the texts are about the person, not to the person.
    #[prop(optional)]
    for_admin: bool,
) -> impl IntoView {
    let t = translations();
    let in_force = app.state == DelegationState::Active;
    let origin = match app.origin {
        DelegationOrigin::Consent if for_admin => t.admin_delegations_by_consent(),
        DelegationOrigin::Consent => t.apps_by_consent(),
        DelegationOrigin::Administrator => t.apps_by_admin(),
        DelegationOrigin::Imported => t.apps_carried_over(),
    };
    let forever = app.until >= Timestamp::FOREVER;
    let keys = if for_admin { paths::ADMIN_KEYS } else { paths::KEYS };
    view! {
                <ul class="may">{app.scope.iter().map(|scope| view! { <li>{scope_label(*scope, for_admin)}</li> }).collect_view()}</ul>
                <dl class="facts short">
                    <div>
                        <dt>{t.apps_on()}</dt>
                        <dd>{match app.host_accounts {
                            None if for_admin => EitherOf3::A(t.admin_delegations_every_host_account()),
                            None => EitherOf3::A(t.apps_every_host_account()),
                            Some(accounts) if accounts.is_empty() => EitherOf3::B(t.apps_no_host_account()),
                            Some(accounts) => EitherOf3::C(view! { <code translate="no" dir="ltr">{accounts.join(", ")}</code> }),
                        }}</dd>
                    </div>
                    <div><dt>{t.apps_since()}</dt><dd><RelativeTime at=app.since/> ", " {origin}</dd></div>
                    <div>
                        <dt>{if in_force { t.apps_until() } else { t.apps_ended_at() }}</dt>
                        <dd>{if forever { Either::Left(view! { <ExactTime at=app.until/> }) } else { Either::Right(view! { <RelativeTime at=app.until/> }) }}</dd>
                    </div>
                    <div>
                        <dt>{t.apps_last_used()}</dt>
                        <dd><RelativeTimeOrNever at=app.last_used_at/></dd>
                    </div>
                    <div>
                        <dt>{t.apps_keys()}</dt>
                        <dd><a href=format!("{keys}?q={}", encode(&app.client_id))>{t.hosts_key_count(app.keys)}</a></dd>
                    </div>
                </dl>
    }
}

/// What a scope lets a client do; `for_admin` as in `DelegationFacts`.
fn scope_label(scope: Scope, for_admin: bool) -> String {
    let t = translations();
    match scope {
        Scope::HostsRead => t.apps_may_read_hosts(),
        Scope::KeysRead if for_admin => t.admin_delegations_may_read_keys(),
        Scope::KeysRead => t.apps_may_read_keys(),
        Scope::KeysCreate if for_admin => t.admin_delegations_may_create_keys(),
        Scope::KeysCreate => t.apps_may_create_keys(),
        Scope::KeysRevoke if for_admin => t.admin_delegations_may_revoke_keys(),
        Scope::KeysRevoke => t.apps_may_revoke_keys(),
    }
}

#[component]
pub fn ChangeDelegation() -> impl IntoView {
    let (app, end) = use_query_map().with_untracked(|query| (query.get("app").and_then(|app| app.parse().ok()), query.get("end").is_some()));
    Suspend::new(async move {
        match find_my_delegation(app.unwrap_or_default()).await {
            Ok(Some(app)) if end => Either::Left(EitherOf3::A(view! { <RevokeQuestion app/> })),
            Ok(Some(app)) => Either::Left(EitherOf3::B(view! { <ExpiryQuestion app/> })),
            Ok(None) => Either::Left(EitherOf3::C(view! { <AlreadyGone back=paths::APPS/> })),
            Err(_) => Either::Right(view! { <ServerError/> }),
        }
    })
}

#[component]
fn RevokeQuestion(app: DelegationItem) -> impl IntoView {
    let t = translations();
    view! {
        <Confirm
            title=t.apps_end_question(app.client.name)
            action=RevokeMyDelegation::url()
            fields=vec![Hidden("app", app.number.to_string())]
            button=t.revoke()
            cancel=paths::APPS
            list=paths::APPS
        >
            <p class="warning">{t.apps_end_consequence(app.keys)}</p>
        </Confirm>
    }
}

#[component]
fn ExpiryQuestion(app: DelegationItem) -> impl IntoView {
    let t = translations();
    let now = context::services().map(|services| services.now()).ok();
    let end = move |seconds: u64| now.map(|now| now + std::time::Duration::from_secs(seconds));
    view! {
        <Confirm
            title=t.apps_change_question(app.client.name)
            action=ChangeMyDelegation::url()
            fields=vec![Hidden("app", app.number.to_string())]
            button=t.apps_change_button()
            cancel=paths::APPS
            list=paths::APPS
            harmless=true
        >
            <p>{t.apps_change_now()} " " <ExactTime at=app.until/></p>
            <fieldset>
                <legend>{t.apps_change_to()}</legend>
                {app.ends.into_iter().enumerate().map(|(n, seconds)| view! {
                    <label class="choice">
                        <input type="radio" name="ends" value=seconds.to_string() checked=n == 0/>
                        <span>
                            <strong>{t.format_duration(std::time::Duration::from_secs(seconds))}</strong>
                            " "
                            {end(seconds).map(|at| view! { <span class="hint"><ExactTime at/></span> })}
                        </span>
                    </label>
                }).collect_view()}
            </fieldset>
            <p class="hint">{t.apps_change_hint()}</p>
        </Confirm>
    }
}
