//! Long lists: searched, filtered, sorted and paged by their address.

use leptos::either::Either;
use leptos::prelude::*;

use crate::domain::listing::{COUNTED, Extent, ListQuery, Mark};
use crate::islands::LiveList;
use crate::server::context::words;

/// One of a list's filters or orders: its word in the address, and what people read. The first one is the usual: its word is
/// empty.
#[derive(Clone)]
pub struct Choice(pub &'static str, pub String);

/// A list's tools around its rows (`children`). Without scripts it is a form and links; `islands::LiveList` changes the rows in
/// place.
#[component]
pub fn List(
    /// The list's own address.
    path: &'static str,
    query: ListQuery,
    /// What one may search for, such as "host, account or client".
    #[prop(into)]
    search_for: String,
    #[prop(optional)] filters: Vec<Choice>,
    #[prop(optional)] spans: Vec<Choice>,
    #[prop(optional)] orders: Vec<Choice>,
    /// What is said when a search finds nothing, where it can be said why.
    #[prop(optional)]
    nothing: Option<String>,
    /// How many rows are shown.
    shown: usize,
    next: Option<Mark>,
    /// Where they stand in the list; `None`: it is too long to be counted.
    extent: Option<Extent>,
    children: Children,
) -> AnyView {
    let w = words();
    let narrowed = query.is_narrowed();
    let empty = shown == 0;
    let beginning = query.mark().is_some().then(|| query.address(path, None));
    // On the second piece, and in a list that is too long to be counted, the way back is the one to the beginning.
    let previous = extent.as_ref().and_then(|extent| extent.previous.as_ref()).map(|mark| query.address(path, Some(mark)));
    let more = next.map(|next| query.address(path, Some(&next)));
    let summary = match (empty, narrowed) {
        (true, true) => nothing.unwrap_or_else(|| w.list_nothing_found()),
        (true, false) => String::new(),
        (false, _) => match extent {
            Some(Extent { total, .. }) if total <= shown => w.list_shown(number(shown)),
            Some(Extent { before, total, .. }) => w.list_shown_of(number(before + 1), number(before + shown), number(total)),
            None => w.list_shown_of_more(number(shown), number(COUNTED)),
        },
    };
    view! {
        <LiveList>
            <div data-shown="">
                <form class="list-tools" role="search" action=path data-tools="">
                    <div class="field grow">
                        <label for="list-q">{w.list_search()}</label>
                        <input id="list-q" type="search" name="q" value=query.q placeholder=search_for autocomplete="off" enterkeyhint="search"/>
                    </div>
                    {(!filters.is_empty()).then(|| view! { <Choices name="show" label=w.list_filter() choices=filters chosen=query.show/> })}
                    {(!spans.is_empty()).then(|| view! { <Choices name="since" label=w.list_since() choices=spans chosen=query.since/> })}
                    {(!orders.is_empty()).then(|| view! { <Choices name="sort" label=w.list_order() choices=orders chosen=query.sort/> })}
                    <button>{w.list_apply()}</button>
                </form>
                <div data-rows="">
                    <p class="hint" data-summary="">{summary}</p>
                    {children()}
                    {(beginning.is_some() || more.is_some()).then(|| view! { <More beginning previous more/> })}
                </div>
            </div>
        </LiveList>
    }
    .into_any()
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[component]
fn Choices(name: &'static str, label: String, choices: Vec<Choice>, chosen: String) -> impl IntoView {
    let id = format!("list-{name}");
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <select id=id name=name>
                {choices.into_iter().map(|Choice(word, text)| view! { <option value=word selected=word == chosen>{text}</option> }).collect_view()}
            </select>
        </div>
    }
}

/// The ways to the list's other pieces.
#[component]
fn More(beginning: Option<String>, previous: Option<String>, more: Option<String>) -> AnyView {
    let w = words();
    view! {
        <nav class="pieces" aria-label=w.list_pieces()>
            {beginning.map(|address| view! { <a class="button" href=address data-piece="">{w.list_beginning()}</a> })}
            {previous.map(|address| view! { <a class="button" href=address rel="prev" data-piece="">{w.list_previous()}</a> })}
            {more.map(|address| view! { <a class="button" href=address rel="next" data-piece="">{w.list_more()}</a> })}
        </nav>
    }
    .into_any()
}

/// In place of a list without rows: what that means, and the next step. Nothing when a search left none: the list says so.
#[component]
pub fn Empty(#[prop(into)] title: String, query: ListQuery, children: Children) -> impl IntoView {
    if query.is_narrowed() || query.mark().is_some() {
        return Either::Left(());
    }
    Either::Right(view! {
        <div class="card empty">
            <h2>{title}</h2>
            {children()}
        </div>
    })
}
