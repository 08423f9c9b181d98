//! `/activity`: the person's part of the audit log.

mod entries;
mod remedies;
mod sentence;
mod timeline;

use leptos::either::Either;
use leptos::prelude::*;

use super::components::{EmptyList, FlashMessage, FormError, List, ListField, ListOption, MyRefusedLogins, PageContent, ServerError};
use super::list_query;
use crate::domain::pagination::{ListQuery, Page};
use crate::domain::paths;
use crate::domain::time::DateRangeRefused;
use crate::server::context::{self, translations};
use crate::server::sign_in::session::flash::Flash;
use crate::server_fns::audit_log::{AuditEntryItem, list_person_audit_log};
use entries::Days;

/// Who reads an audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Their own: each entry offers what to do if they did not cause it.
    Person {
        /// Whether they can sign in with a local password.
        has_password: bool,
    },
    Administrator,
}

#[component]
pub fn Activity() -> impl IntoView {
    let query = list_query();
    Suspend::new(async move {
        let (Ok(services), Some(person)) = (context::services(), context::current_person()) else {
            return Either::Right(view! { <ServerError/> });
        };
        let events = match context::date_range(&query) {
            Ok(_) => list_person_audit_log(query.clone()).await.map(Ok),
            Err(refused) => Ok(Err(refused)),
        };
        match (events, services.has_own_password(&person).await) {
            (Ok(events), Ok(has_password)) => Either::Left(view! { <PersonAuditLog events query has_password said=context::take_flash().await/> }),
            _ => Either::Right(view! { <ServerError/> }),
        }
    })
}

#[component]
fn PersonAuditLog(
    events: Result<Page<AuditEntryItem>, DateRangeRefused>,
    query: ListQuery,
    has_password: bool,
    said: Option<Flash>,
) -> impl IntoView {
    let t = translations();
    view! {
        <PageContent title=t.activity_title() wide=true>
            <p class="lead">{t.activity_lead()}</p>
            <FlashMessage flash=said/>
            <MyRefusedLogins/>
            <AuditLog path=paths::ACTIVITY events query reader=Reader::Person { has_password }/>
            <ExportLinks json=paths::ACTIVITY_JSON csv=paths::ACTIVITY_CSV/>
        </PageContent>
    }
}

/// An audit log, for people and for administrators.
#[component]
pub fn AuditLog(path: &'static str, events: Result<Page<AuditEntryItem>, DateRangeRefused>, query: ListQuery, reader: Reader) -> impl IntoView {
    let t = translations();
    let filters = vec![
        ListOption("", t.activity_show_all()),
        ListOption("sign-ins", t.activity_show_sign_ins()),
        ListOption("apps", t.activity_show_apps()),
        ListOption("keys", t.activity_show_keys()),
        ListOption("hosts", t.activity_show_hosts()),
        ListOption("administration", t.activity_show_administration()),
    ];
    let mut more = vec![
        ListField { name: "from", kind: "date", label: t.activity_date_from(), value: query.from.clone() },
        ListField { name: "to", kind: "date", label: t.activity_date_to(), value: query.to.clone() },
    ];
    if reader == Reader::Administrator {
        more.push(ListField { name: "actor", kind: "text", label: t.activity_actor(), value: query.actor.clone() });
    }
    let (page, refused) = match events {
        Ok(page) => (page, None),
        Err(refused) => (Page { items: Vec::new(), next: None, position: None }, Some(refused)),
    };
    let Page { items, next, position } = page;
    let shown = items.len();
    let nothing = if refused.is_some() { String::new() } else { t.list_nothing_found() };
    view! {
        <List path query=query.clone() search_for=t.activity_search_for() filters more nothing shown next position>
            {refused.map(|refused| view! { <FormError sentence=t.date_range_refused(refused)/> })}
            {if items.is_empty() {
                Either::Left(view! { <EmptyList title=t.activity_empty_title() query><p class="hint">{t.activity_empty()}</p></EmptyList> })
            } else {
                Either::Right(view! {
                    <Days entries=items reader/>
                    <p class="hint">{t.activity_zone(context::zone().name())} " " <a href=paths::SETTINGS>{t.settings_title()}</a></p>
                })
            }}
        </List>
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
