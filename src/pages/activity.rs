//! `/activity`: the person's part of the audit log.

use leptos::either::Either;
use leptos::prelude::*;

use super::components::{EmptyList, FlashMessage, List, ListOption, PageContent, RelativeTime, ServerError};
use super::list_query;
use crate::domain::audit_log::{AuditGroup, AuditKind};
use crate::domain::ids::AdminId;
use crate::domain::pagination::{ListQuery, Page};
use crate::domain::paths::{self, encode};
use crate::server::context::{self, translations};
use crate::server::sign_in::session::flash::Flash;
use crate::server_fns::audit_log::{AuditEntryItem, list_person_audit_log};

#[component]
pub fn Activity() -> impl IntoView {
    let query = list_query();
    Suspend::new(async move {
        match list_person_audit_log(query.clone()).await {
            Ok(events) => Either::Left(view! { <PersonAuditLog events query said=context::take_flash().await/> }),
            Err(_) => Either::Right(view! { <ServerError/> }),
        }
    })
}

#[component]
fn PersonAuditLog(events: Page<AuditEntryItem>, query: ListQuery, said: Option<Flash>) -> impl IntoView {
    let t = translations();
    view! {
        <PageContent title=t.activity_title() wide=true>
            <p class="lead">{t.activity_lead()}</p>
            <FlashMessage flash=said/>
            <AuditLog path=paths::ACTIVITY events query own=true/>
            <ExportLinks json=paths::ACTIVITY_JSON csv=paths::ACTIVITY_CSV/>
        </PageContent>
    }
}

/// An audit log, for people and for administrators.
#[component]
pub fn AuditLog(
    path: &'static str,
    events: Page<AuditEntryItem>,
    query: ListQuery,
    /// The reader's own audit log: each entry links to the page where its access can be ended.
    #[prop(optional)]
    own: bool,
) -> impl IntoView {
    let t = translations();
    let filters = vec![
        ListOption("", t.activity_show_all()),
        ListOption("sign-ins", t.activity_show_sign_ins()),
        ListOption("apps", t.activity_show_apps()),
        ListOption("keys", t.activity_show_keys()),
        ListOption("hosts", t.activity_show_hosts()),
        ListOption("administration", t.activity_show_administration()),
    ];
    let spans = vec![
        ListOption("", t.activity_since_ever()),
        ListOption("day", t.activity_since_day()),
        ListOption("week", t.activity_since_week()),
        ListOption("month", t.activity_since_month()),
    ];
    let Page { items, next, position } = events;
    let shown = items.len();
    view! {
        <List path query=query.clone() search_for=t.activity_search_for() filters spans shown next position>
            {if items.is_empty() {
                Either::Left(view! { <EmptyList title=t.activity_empty_title() query><p class="hint">{t.activity_empty()}</p></EmptyList> })
            } else {
                Either::Right(view! { <ol class="rows">{items.into_iter().map(|line| view! { <AuditLogEntry line own/> }).collect_view()}</ol> })
            }}
        </List>
    }
}

#[component]
fn AuditLogEntry(line: AuditEntryItem, own: bool) -> impl IntoView {
    let t = translations();
    let what = t.audit_kind(&line.kind);
    let stop = own.then(|| stop_url(&line));
    let fact = |name: String, value: Option<String>| value.map(|value| view! { <div><dt>{name}</dt><dd><bdi>{value}</bdi></dd></div> });
    view! {
        <li class="row-card">
            <div class="what">
                <h2 class="happened">{what.clone()}</h2>
                <p class="hint"><RelativeTime at=line.at/></p>
                <dl class="facts short">
                    {(!own).then(|| fact(t.activity_who(), line.person))}
                    {fact(t.activity_client(), line.client)}
                    {fact(t.activity_subject(), line.subject)}
                    {fact(t.activity_from(), line.from)}
                    {fact(t.activity_by(), line.admin.map(admin_label))}
                </dl>
            </div>
            {stop.map(|address| view! { <a href=address aria-label=t.activity_not_me_this(what)>{t.activity_not_me()}</a> })}
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
    let t = translations();
    view! {
        <section aria-labelledby="export">
            <h2 id="export">{t.activity_export()}</h2>
            <p class="actions">
                <a class="button" href=json download="">{t.activity_export_json()}</a>
                <a class="button" href=csv download="">{t.activity_export_csv()}</a>
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
