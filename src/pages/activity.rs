//! `/activity`: the person's part of the audit log.

use leptos::either::Either;
use leptos::prelude::*;

use super::components::{EmptyList, FlashMessage, List, ListOption, PageContent, RelativeTime, ServerError};
use super::list_query;
use crate::domain::audit_log::{AuditGroup, AuditKind};
use crate::domain::ids::AdminId;
use crate::domain::pagination::{ListQuery, Page};
use crate::domain::paths::{self, encode};
use crate::server::context::{self, Flash, translations};
use crate::server_fns::audit_log::{AuditEntryItem, list_person_audit_log};

#[component]
pub fn Activity() -> impl IntoView {
    let query = list_query();
    Suspend::new(async move {
        match list_person_audit_log(query.clone()).await {
            Ok(happened) => Either::Left(view! { <PersonAuditLog happened query said=context::take_flash().await/> }),
            Err(_) => Either::Right(view! { <ServerError/> }),
        }
    })
}

#[component]
fn PersonAuditLog(happened: Page<AuditEntryItem>, query: ListQuery, said: Option<Flash>) -> impl IntoView {
    let w = translations();
    view! {
        <PageContent title=w.activity_title() wide=true>
            <p class="lead">{w.activity_lead()}</p>
            <FlashMessage notice=said/>
            <AuditLog path=paths::ACTIVITY happened query own=true/>
            <ExportLinks json=paths::ACTIVITY_JSON csv=paths::ACTIVITY_CSV/>
        </PageContent>
    }
}

/// An audit log, for people and for administrators.
#[component]
pub fn AuditLog(
    path: &'static str,
    happened: Page<AuditEntryItem>,
    query: ListQuery,
    /// The reader's own audit log: each entry links to the page where its access can be ended.
    #[prop(optional)]
    own: bool,
) -> impl IntoView {
    let w = translations();
    let filters = vec![
        ListOption("", w.activity_show_all()),
        ListOption("sign-ins", w.activity_show_sign_ins()),
        ListOption("apps", w.activity_show_apps()),
        ListOption("keys", w.activity_show_keys()),
        ListOption("hosts", w.activity_show_hosts()),
        ListOption("administration", w.activity_show_administration()),
    ];
    let spans = vec![
        ListOption("", w.activity_since_ever()),
        ListOption("day", w.activity_since_day()),
        ListOption("week", w.activity_since_week()),
        ListOption("month", w.activity_since_month()),
    ];
    let Page { items, next, position } = happened;
    let shown = items.len();
    view! {
        <List path query=query.clone() search_for=w.activity_search_for() filters spans shown next position>
            {if items.is_empty() {
                Either::Left(view! { <EmptyList title=w.activity_empty_title() query><p class="hint">{w.activity_empty()}</p></EmptyList> })
            } else {
                Either::Right(view! { <ol class="rows">{items.into_iter().map(|line| view! { <AuditLogEntry line own/> }).collect_view()}</ol> })
            }}
        </List>
    }
}

#[component]
fn AuditLogEntry(line: AuditEntryItem, own: bool) -> impl IntoView {
    let w = translations();
    let what = w.audit_kind(&line.kind);
    let stop = own.then(|| stop_url(&line));
    let fact = |name: String, value: Option<String>| value.map(|value| view! { <div><dt>{name}</dt><dd><bdi>{value}</bdi></dd></div> });
    view! {
        <li class="row-card">
            <div class="what">
                <h2 class="happened">{what.clone()}</h2>
                <p class="hint"><RelativeTime at=line.at/></p>
                <dl class="facts short">
                    {(!own).then(|| fact(w.activity_who(), line.person))}
                    {fact(w.activity_client(), line.client)}
                    {fact(w.activity_subject(), line.subject)}
                    {fact(w.activity_from(), line.from)}
                    {fact(w.activity_by(), line.admin.map(admin_label))}
                </dl>
            </div>
            {stop.map(|address| view! { <a href=address aria-label=w.activity_not_me_this(what)>{w.activity_not_me()}</a> })}
        </li>
    }
}

/// The page on which the access that an entry is about can be ended.
fn stop_url(line: &AuditEntryItem) -> String {
    let about = |path: &str, what: &Option<String>| match what {
        Some(what) => format!("{path}?q={}", encode(what)),
        None => path.to_owned(),
    };
    match AuditKind::parse(&line.kind).map(AuditKind::group) {
        Some(AuditGroup::SignIns) => paths::SESSIONS.to_owned(),
        Some(AuditGroup::Apps) => about(paths::APPS, &line.client),
        Some(AuditGroup::Keys) => about(paths::KEYS, &line.subject),
        Some(AuditGroup::Hosts) => paths::HOSTS.to_owned(),
        _ => paths::REVOKE_EVERYTHING.to_owned(),
    }
}

/// Links to download the audit log.
#[component]
pub fn ExportLinks(json: &'static str, csv: &'static str) -> impl IntoView {
    let w = translations();
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

/// Who caused the event, if it was not the person.
fn admin_label(admin: String) -> String {
    match admin.as_str() {
        AdminId::OPERATOR => translations().activity_by_operator(),
        admin => translations().activity_by_admin(admin.trim_start_matches("person:")),
    }
}
