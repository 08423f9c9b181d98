//! Lists with search, filters, sorting and pages, all in the URL.

use leptos::either::Either;
use leptos::prelude::*;

use crate::domain::pagination::{Cursor, ListQuery, MAX_COUNTED, PagePosition};
use crate::domain::time::CalendarDate;
use crate::i18n::to_count;
use crate::islands::LiveList;
use crate::server::context::translations;

/// One filter or order of a list: its word in the URL and its label. The first is the default, with an empty word.
#[derive(Clone)]
pub struct ListOption(pub &'static str, pub String);

/// A filter of a list that is typed.
#[derive(Clone)]
pub struct ListField {
    /// Its name in the URL.
    pub name: &'static str,
    /// The type of the input.
    pub kind: &'static str,
    pub label: String,
    pub value: String,
}

/// A list's tools around its rows (`children`). Without scripts it is a form and links; `islands::LiveList` replaces the rows in place.
#[component]
pub fn List(
    /// The list's path.
    path: &'static str,
    query: ListQuery,
    /// What the search finds, such as "host, account or client".
    #[prop(into)]
    search_for: String,
    #[prop(optional)] filters: Vec<ListOption>,
    #[prop(optional)] orders: Vec<ListOption>,
    /// Filters that are folded away unless one is in use.
    #[prop(optional)]
    more: Vec<ListField>,
    /// Shown when a search finds nothing, if there is a more specific explanation.
    #[prop(optional)]
    nothing: Option<String>,
    /// Instead of the position, for rows that are no page of the list.
    #[prop(optional)]
    summary: Option<String>,
    /// The number of rows shown.
    shown: usize,
    next: Option<Cursor>,
    /// Their position in the list; `None` if the list is too long to count.
    position: Option<PagePosition>,
    children: Children,
) -> AnyView {
    let t = translations();
    let narrowed = query.is_filtered();
    let empty = shown == 0;
    let beginning = query.cursor().is_some().then(|| query.url(path, None));
    // On the second page, and in a list that is too long to count, "previous" is the first page.
    let previous = position.as_ref().and_then(|position| position.previous.as_ref()).map(|cursor| query.url(path, Some(cursor)));
    let following = next.map(|next| query.url(path, Some(&next)));
    let summary = summary.unwrap_or_else(|| match (empty, narrowed) {
        (true, true) => nothing.unwrap_or_else(|| t.list_nothing_found()),
        (true, false) => String::new(),
        (false, _) => match position {
            Some(PagePosition { total, .. }) if total <= shown => t.list_shown(to_count(shown)),
            Some(PagePosition { before, total, .. }) => t.list_shown_of(to_count(before + 1), to_count(before + shown), to_count(total)),
            None => t.list_shown_of_more(to_count(shown), to_count(MAX_COUNTED)),
        },
    });
    view! {
        <LiveList>
            <div data-shown="">
                <form class="list-tools" role="search" action=path data-tools="">
                    <div class="field grow">
                        <label for="list-q">{t.list_search()}</label>
                        <input id="list-q" type="search" name="q" value=query.q placeholder=search_for autocomplete="off" enterkeyhint="search"/>
                    </div>
                    {(!filters.is_empty()).then(|| view! { <ListSelect name="show" label=t.list_filter() choices=filters chosen=query.show/> })}
                    {(!orders.is_empty()).then(|| view! { <ListSelect name="sort" label=t.list_order() choices=orders chosen=query.sort/> })}
                    {(!more.is_empty()).then(|| view! { <MoreFilters fields=more/> })}
                    <button>{t.list_apply()}</button>
                </form>
                <div data-rows="">
                    <p class="hint" data-summary="">{summary}</p>
                    {children()}
                    {(beginning.is_some() || following.is_some()).then(|| view! { <PageLinks beginning previous more=following/> })}
                </div>
            </div>
        </LiveList>
    }
    .into_any()
}

#[component]
fn ListSelect(name: &'static str, label: String, choices: Vec<ListOption>, chosen: String) -> impl IntoView {
    let id = format!("list-{name}");
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <select id=id name=name>
                {choices.into_iter().map(|ListOption(word, text)| view! { <option value=word selected=word == chosen>{text}</option> }).collect_view()}
            </select>
        </div>
    }
}

#[component]
fn MoreFilters(fields: Vec<ListField>) -> impl IntoView {
    let in_use = fields.iter().any(|field| !field.value.is_empty());
    view! {
        <details class="more-filters" open=in_use>
            <summary>{translations().list_more_filters()}</summary>
            <div class="list-tools">
                {fields.into_iter().map(|ListField { name, kind, label, value }| {
                    let id = format!("list-{name}");
                    // A browser complains about the value of a date field that is no date.
                    let value = if kind == "date" && CalendarDate::parse(&value).is_none() { String::new() } else { value };
                    view! {
                        <div class="field">
                            <label for=id.clone()>{label}</label>
                            <input id=id name=name type=kind value=value autocomplete="off"/>
                        </div>
                    }
                }).collect_view()}
            </div>
        </details>
    }
}

/// Links to the list's other pages.
#[component]
pub fn PageLinks(beginning: Option<String>, previous: Option<String>, more: Option<String>) -> AnyView {
    let t = translations();
    view! {
        <nav class="page-links" aria-label=t.list_pages()>
            {beginning.map(|address| view! { <a class="button" href=address data-page="">{t.list_beginning()}</a> })}
            {previous.map(|address| view! { <a class="button" href=address rel="prev" data-page="">{t.list_previous()}</a> })}
            {more.map(|address| view! { <a class="button" href=address rel="next" data-page="">{t.list_more()}</a> })}
        </nav>
    }
    .into_any()
}

/// Shown instead of an empty list: an explanation and the next step. Nothing if a search or filter found no rows, which the list states.
#[component]
pub fn EmptyList(#[prop(into)] title: String, query: ListQuery, children: Children) -> impl IntoView {
    if query.is_filtered() || query.cursor().is_some() {
        return Either::Left(());
    }
    Either::Right(view! {
        <div class="card empty">
            <h2>{title}</h2>
            {children()}
        </div>
    })
}
