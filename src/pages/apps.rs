//! `/apps`: what may act for the person; `/apps/change`: whether one of them is to end, or when.

use leptos::either::{Either, EitherOf3};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::components::{Ago, AgoOrNever, At, Choice, ClientName, Command, Confirm, Empty, Gone, Hidden, List, Page, Said, Sorry, asked_here};
use super::list_query;
use crate::domain::listing::{ListQuery, Listed};
use crate::domain::paths::{self, encoded};
use crate::domain::scope::Scope;
use crate::domain::time::Timestamp;
use crate::server::context::{self, Notice, words};
use crate::server_fns::apps::{AppItem, AppState, ChangeApp, EndApp, Origin, find_app, list_apps};

#[component]
pub fn Apps() -> impl IntoView {
    let query = list_query();
    Suspend::new(async move {
        match list_apps(query.clone()).await {
            Ok(apps) => Either::Left(view! { <AppList apps query said=context::said().await/> }),
            Err(_) => Either::Right(view! { <Sorry/> }),
        }
    })
}

#[component]
fn AppList(apps: Listed<AppItem>, query: ListQuery, said: Option<Notice>) -> impl IntoView {
    let w = words();
    let filters = vec![Choice("", w.apps_show_in_force()), Choice("ended", w.apps_show_ended()), Choice("all", w.apps_show_all())];
    let orders = vec![Choice("", w.apps_sort_made()), Choice("expires", w.apps_sort_expires()), Choice("client", w.apps_sort_client())];
    let Listed { items, next, extent } = apps;
    let shown = items.len();
    let login = context::login_command();
    // Those in force are what is shown unless something else is asked for.
    let nothing = if query.show.is_empty() { w.apps_none_in_force() } else { w.list_nothing_found() };
    view! {
        <Page title=w.apps_title() wide=true>
            <p class="lead">{w.apps_lead()}</p>
            <Said notice=said/>
            <List path=paths::APPS query=query.clone() search_for=w.apps_search_for() filters orders nothing shown next extent>
                {if items.is_empty() {
                    Either::Left(view! {
                        <Empty title=w.apps_empty_title() query>
                            <p class="hint">{w.apps_empty()}</p>
                            <Command text=login/>
                        </Empty>
                    })
                } else {
                    Either::Right(view! {
                        <ul class="rows">{items.into_iter().map(|app| view! { <App app/> }).collect_view()}</ul>
                    })
                }}
            </List>
        </Page>
    }
}

#[component]
fn App(app: AppItem) -> impl IntoView {
    let w = words();
    let (class, state) = match app.state {
        AppState::InForce => ("badge good", w.apps_in_force()),
        AppState::Expired => ("badge bad", w.apps_expired()),
        AppState::Ended => ("badge", w.apps_was_ended()),
    };
    let name = app.client.name.clone();
    let in_force = app.state == AppState::InForce;
    let change = format!("{}?app={}", paths::APPS_CHANGE, app.number);
    let end = asked_here(&format!("{change}&end=1"));
    let change = asked_here(&change);
    view! {
        <li class="row-card">
            <div class="what">
                <h2><ClientName client=app.client.clone()/> " " <span class=class>{state}</span></h2>
                <Facts app=app.clone()/>
            </div>
            {in_force.then(|| view! {
                <div class="actions">
                    {(!app.ends.is_empty()).then(|| view! {
                        <a class="button" href=change data-confirm="" aria-label=w.apps_change_this(name.as_str())>{w.apps_change()}</a>
                    })}
                    <a class="button danger" href=end data-confirm="" aria-label=w.apps_end_this(name.as_str())>{w.revoke()}</a>
                </div>
            })}
        </li>
    }
}

/// What it may do, since when and until when.
#[component]
pub fn Facts(app: AppItem) -> impl IntoView {
    let w = words();
    let in_force = app.state == AppState::InForce;
    let origin = match app.origin {
        Origin::Consent => w.apps_by_consent(),
        Origin::Administrator => w.apps_by_admin(),
        Origin::CarriedOver => w.apps_carried_over(),
    };
    let forever = app.until >= Timestamp::FOREVER;
    view! {
                <ul class="may">{app.scope.iter().map(|scope| view! { <li>{may(*scope)}</li> }).collect_view()}</ul>
                <dl class="facts short">
                    <div>
                        <dt>{w.apps_on()}</dt>
                        <dd>{match app.host_accounts {
                            None => EitherOf3::A(w.apps_every_host_account()),
                            Some(accounts) if accounts.is_empty() => EitherOf3::B(w.apps_no_host_account()),
                            Some(accounts) => EitherOf3::C(view! { <code translate="no" dir="ltr">{accounts.join(", ")}</code> }),
                        }}</dd>
                    </div>
                    <div><dt>{w.apps_since()}</dt><dd><Ago at=app.since/> ", " {origin}</dd></div>
                    <div>
                        <dt>{if in_force { w.apps_until() } else { w.apps_ended_at() }}</dt>
                        <dd>{if forever { Either::Left(view! { <At at=app.until/> }) } else { Either::Right(view! { <Ago at=app.until/> }) }}</dd>
                    </div>
                    <div>
                        <dt>{w.apps_last_used()}</dt>
                        <dd><AgoOrNever at=app.last_used_at/></dd>
                    </div>
                    <div>
                        <dt>{w.apps_keys()}</dt>
                        <dd><a href=format!("{}?q={}", paths::KEYS, encoded(&app.client_id))>{w.hosts_key_count(app.keys)}</a></dd>
                    </div>
                </dl>
    }
}

/// What a scope lets a client do.
fn may(scope: Scope) -> String {
    let w = words();
    match scope {
        Scope::HostsRead => w.apps_may_read_hosts(),
        Scope::KeysRead => w.apps_may_read_keys(),
        Scope::KeysCreate => w.apps_may_create_keys(),
        Scope::KeysRevoke => w.apps_may_revoke_keys(),
    }
}

#[component]
pub fn ChangeThisApp() -> impl IntoView {
    let (app, end) = use_query_map().with_untracked(|query| (query.get("app").and_then(|app| app.parse().ok()), query.get("end").is_some()));
    Suspend::new(async move {
        match find_app(app.unwrap_or_default()).await {
            Ok(Some(app)) if end => Either::Left(EitherOf3::A(view! { <WhetherToEnd app/> })),
            Ok(Some(app)) => Either::Left(EitherOf3::B(view! { <WhenToEnd app/> })),
            Ok(None) => Either::Left(EitherOf3::C(view! { <Gone back=paths::APPS/> })),
            Err(_) => Either::Right(view! { <Sorry/> }),
        }
    })
}

#[component]
fn WhetherToEnd(app: AppItem) -> impl IntoView {
    let w = words();
    view! {
        <Confirm
            title=w.apps_end_question(app.client.name)
            action=EndApp::url()
            fields=vec![Hidden("app", app.number.to_string())]
            button=w.revoke()
            cancel=paths::APPS
            list=paths::APPS
        >
            <p class="warning">{w.apps_end_consequence(app.keys)}</p>
        </Confirm>
    }
}

#[component]
fn WhenToEnd(app: AppItem) -> impl IntoView {
    let w = words();
    let now = context::services().map(|services| services.now()).ok();
    let end = move |seconds: u64| now.map(|now| now + std::time::Duration::from_secs(seconds));
    view! {
        <Confirm
            title=w.apps_change_question(app.client.name)
            action=ChangeApp::url()
            fields=vec![Hidden("app", app.number.to_string())]
            button=w.apps_change_button()
            cancel=paths::APPS
            list=paths::APPS
            harmless=true
        >
            <p>{w.apps_change_now()} " " <At at=app.until/></p>
            <fieldset>
                <legend>{w.apps_change_to()}</legend>
                {app.ends.into_iter().enumerate().map(|(n, seconds)| view! {
                    <label class="choice">
                        <input type="radio" name="ends" value=seconds.to_string() checked=n == 0/>
                        <span>
                            <strong>{w.span(std::time::Duration::from_secs(seconds))}</strong>
                            " "
                            {end(seconds).map(|at| view! { <span class="hint"><At at/></span> })}
                        </span>
                    </label>
                }).collect_view()}
            </fieldset>
            <p class="hint">{w.apps_change_hint()}</p>
        </Confirm>
    }
}
