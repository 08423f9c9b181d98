//! `/activity`: what happened to the person's account.

use leptos::either::Either;
use leptos::prelude::*;

use super::components::{Ago, Choice, Empty, List, Page, Said, Sorry};
use super::list_query;
use crate::domain::activity::{Group, Kind};
use crate::domain::ids::AdminId;
use crate::domain::listing::{ListQuery, Listed};
use crate::domain::paths::{self, encoded};
use crate::server::context::{self, Notice, words};
use crate::server_fns::activity::{HappenedItem, list_activity};

#[component]
pub fn Activity() -> impl IntoView {
    let query = list_query();
    Suspend::new(async move {
        match list_activity(query.clone()).await {
            Ok(happened) => Either::Left(view! { <Own happened query said=context::said().await/> }),
            Err(_) => Either::Right(view! { <Sorry/> }),
        }
    })
}

#[component]
fn Own(happened: Listed<HappenedItem>, query: ListQuery, said: Option<Notice>) -> impl IntoView {
    let w = words();
    view! {
        <Page title=w.activity_title() wide=true>
            <p class="lead">{w.activity_lead()}</p>
            <Said notice=said/>
            <Record path=paths::ACTIVITY happened query own=true/>
            <Exports json=paths::ACTIVITY_JSON csv=paths::ACTIVITY_CSV/>
        </Page>
    }
}

/// A record, as people and administrators read it.
#[component]
pub fn Record(
    path: &'static str,
    happened: Listed<HappenedItem>,
    query: ListQuery,
    /// The reader's own: each line leads to what stops it.
    #[prop(optional)]
    own: bool,
) -> impl IntoView {
    let w = words();
    let filters = vec![
        Choice("", w.activity_show_all()),
        Choice("sign-ins", w.activity_show_sign_ins()),
        Choice("apps", w.activity_show_apps()),
        Choice("keys", w.activity_show_keys()),
        Choice("hosts", w.activity_show_hosts()),
        Choice("administration", w.activity_show_administration()),
    ];
    let spans = vec![
        Choice("", w.activity_since_ever()),
        Choice("day", w.activity_since_day()),
        Choice("week", w.activity_since_week()),
        Choice("month", w.activity_since_month()),
    ];
    let Listed { items, next, extent } = happened;
    let shown = items.len();
    view! {
        <List path query=query.clone() search_for=w.activity_search_for() filters spans shown next extent>
            {if items.is_empty() {
                Either::Left(view! { <Empty title=w.activity_empty_title() query><p class="hint">{w.activity_empty()}</p></Empty> })
            } else {
                Either::Right(view! { <ol class="rows">{items.into_iter().map(|line| view! { <Line line own/> }).collect_view()}</ol> })
            }}
        </List>
    }
}

#[component]
fn Line(line: HappenedItem, own: bool) -> impl IntoView {
    let w = words();
    let what = w.happened(&line.kind);
    let stop = own.then(|| stop(&line));
    let fact = |name: String, value: Option<String>| value.map(|value| view! { <div><dt>{name}</dt><dd><bdi>{value}</bdi></dd></div> });
    view! {
        <li class="row-card">
            <div class="what">
                <h2 class="happened">{what.clone()}</h2>
                <p class="hint"><Ago at=line.at/></p>
                <dl class="facts short">
                    {(!own).then(|| fact(w.activity_who(), line.person))}
                    {fact(w.activity_client(), line.client)}
                    {fact(w.activity_subject(), line.subject)}
                    {fact(w.activity_from(), line.from)}
                    {fact(w.activity_by(), line.admin.map(by))}
                </dl>
            </div>
            {stop.map(|address| view! { <a href=address aria-label=w.activity_not_me_this(what)>{w.activity_not_me()}</a> })}
        </li>
    }
}

/// Where that is stopped.
fn stop(line: &HappenedItem) -> String {
    let about = |path: &str, what: &Option<String>| match what {
        Some(what) => format!("{path}?q={}", encoded(what)),
        None => path.to_owned(),
    };
    match Kind::parse(&line.kind).map(Kind::group) {
        Some(Group::SignIns) => paths::SESSIONS.to_owned(),
        Some(Group::Apps) => about(paths::APPS, &line.client),
        Some(Group::Keys) => about(paths::KEYS, &line.subject),
        Some(Group::Hosts) => paths::HOSTS.to_owned(),
        _ => paths::REVOKE_EVERYTHING.to_owned(),
    }
}

/// The record as files.
#[component]
pub fn Exports(json: &'static str, csv: &'static str) -> impl IntoView {
    let w = words();
    view! {
        <section aria-labelledby="export">
            <h2 id="export">{w.activity_export()}</h2>
            <p class="actions">
                <a class="button" href=json download="">{w.activity_export_json()}</a>
                <a class="button" href=csv download="">{w.activity_export_csv()}</a>
            </p>
        </section>
    }
}

/// Who did it, where it was not the person.
fn by(admin: String) -> String {
    match admin.as_str() {
        AdminId::OPERATOR => words().activity_by_operator(),
        admin => words().activity_by_admin(admin.trim_start_matches("person:")),
    }
}
