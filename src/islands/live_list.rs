//! Searching, filtering, sorting and paging a list in place.

use std::time::Duration;

use leptos::ev;
use leptos::prelude::*;
use leptos::wasm_bindgen::{JsCast, JsValue};
use web_sys::{Document, Element, Event, FormData, HtmlFormElement, HtmlInputElement, MouseEvent, SubmitEvent, UrlSearchParams};

use super::documents;

/// Time between the last keystroke of a search and its request.
const DEBOUNCE: Duration = Duration::from_millis(300);

/// Wraps a list's tools (`form[data-tools]`) and rows (`[data-rows]`). Their forms and links are fetched, and only the rows are replaced;
/// checked boxes stay checked. The address bar follows, so that links, Back and reload show the same list.
#[island]
pub fn LiveList(children: Children) -> impl IntoView {
    let root: NodeRef<leptos::html::Div> = NodeRef::new();
    let said = RwSignal::new(String::new());
    let latest = StoredValue::new(0_u32);
    let kept = StoredValue::new(Vec::new());
    // Shows a page once it has loaded, unless another was requested in the meantime.
    let show = move |address: String, part: &'static str, how: HistoryUpdate| {
        let Some(list) = root.get_untracked() else { return };
        let asked = latest.get_value().wrapping_add(1);
        latest.set_value(asked);
        let _ = list.set_attribute("aria-busy", "true");
        let is_latest = move || latest.get_value() == asked;
        documents::fetch(&address.clone(), is_latest, move |page| {
            let _ = list.remove_attribute("aria-busy");
            match kept.try_update_value(|kept| replace_part(&page, &list, part, kept)).flatten() {
                Some(summary) => {
                    how.apply(&address);
                    said.set(summary);
                }
                None => documents::navigate(&address),
            }
        });
    };
    let submit = move |event: SubmitEvent| {
        if let Some(address) = event.target().and_then(|form| form.dyn_into().ok()).and_then(|form| form_url(&form)) {
            event.prevent_default();
            show(address, ROWS, HistoryUpdate::Push);
        }
    };
    let typing = StoredValue::new(None::<TimeoutHandle>);
    let searching = StoredValue::new(false);
    let input = move |event: Event| {
        let Some(field) = event.target().and_then(|field| field.dyn_into::<Element>().ok()) else { return };
        let form = field.closest("form[data-tools]").ok().flatten();
        let Some(form) = form.and_then(|form| form.dyn_into::<HtmlFormElement>().ok()) else { return };
        let is_search = field.tag_name() == "INPUT";
        let change = move || {
            if let Some(address) = form_url(&form) {
                // All keystrokes of one search are one history entry.
                let how = if is_search && searching.get_value() { HistoryUpdate::Replace } else { HistoryUpdate::Push };
                searching.set_value(is_search);
                show(address, ROWS, how);
            }
        };
        if let Some(earlier) = typing.get_value() {
            earlier.clear();
        }
        typing.set_value(set_timeout_with_handle(change, DEBOUNCE).ok());
    };
    let click = move |event: MouseEvent| {
        let other_key = event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key();
        let link = event.target().and_then(|target| target.dyn_into::<Element>().ok()).and_then(|target| target.closest("a[data-page]").ok()?);
        if let Some(address) = link.filter(|_| !other_key).and_then(|link| link.get_attribute("href")) {
            event.prevent_default();
            show(address, ROWS, HistoryUpdate::Push);
        }
    };
    Effect::new(move |_| {
        let here = || {
            let location = window().location();
            Some(format!("{}{}", location.pathname().ok()?, location.search().ok()?))
        };
        // The tools change as well: they show the current search, filter and order.
        let listening = window_event_listener(ev::popstate, move |_| {
            if let Some(address) = here() {
                show(address, TOOLS_AND_ROWS, HistoryUpdate::Keep);
            }
        });
        on_cleanup(move || listening.remove());
    });
    view! {
        <p class="only-heard" aria-live="polite">{said}</p>
        <div class="live-list" data-list="" node_ref=root on:submit=submit on:input=input on:click=click>{children()}</div>
    }
}

const ROWS: &str = "[data-rows]";
const TOOLS_AND_ROWS: &str = "[data-shown]";

/// How the address bar changes.
#[derive(Clone, Copy)]
enum HistoryUpdate {
    Push,
    Replace,
    Keep,
}

impl HistoryUpdate {
    fn apply(self, address: &str) {
        let Ok(history) = window().history() else { return };
        let _ = match self {
            Self::Push => history.push_state_with_url(&JsValue::NULL, "", Some(address)),
            Self::Replace => history.replace_state_with_url(&JsValue::NULL, "", Some(address)),
            Self::Keep => Ok(()),
        };
    }
}

/// Replaces a part of this page by the same part of the fetched one. Returns the message to announce; `None` if the part is missing.
/// `kept`: the values of all checked boxes, including those on other pages of the list.
fn replace_part(page: &Document, list: &Element, part: &str, kept: &mut Vec<String>) -> Option<String> {
    let new = page.query_selector(part).ok()??;
    let old = list.query_selector(part).ok()??;
    let new: Element = document().adopt_node(&new).ok()?.dyn_into().ok()?;
    let shown = checkboxes(list);
    if !shown.is_empty() {
        *kept = shown.iter().filter(|checkbox| checkbox.checked()).map(HtmlInputElement::value).collect();
    }
    old.replace_with_with_node_1(&new).ok()?;
    documents::notify_changed();
    let shown = checkboxes(list);
    // Boxes of other pages become hidden fields of the form around the rows, so that they are sent along.
    if let Some(elsewhere) = list.query_selector("[data-elsewhere]").ok().flatten() {
        let name = elsewhere.get_attribute("data-elsewhere").unwrap_or_default();
        for value in kept.iter() {
            if let Some(here) = shown.iter().find(|here| here.value() == *value) {
                here.set_checked(true);
            } else if let Ok(checkbox) = document().create_element("input") {
                for (attribute, value) in [("type", "checkbox"), ("name", name.as_str()), ("value", value), ("checked", ""), ("hidden", "")] {
                    let _ = checkbox.set_attribute(attribute, value);
                }
                let _ = elsewhere.append_child(&checkbox);
                let _ = elsewhere.remove_attribute("hidden");
            }
        }
    }
    let summary = list.query_selector("[data-summary]").ok().flatten().and_then(|summary| summary.text_content());
    Some(summary.unwrap_or_default())
}

/// The checkboxes of the rows, and the fields that stand for checked boxes of other pages.
fn checkboxes(list: &Element) -> Vec<HtmlInputElement> {
    let Ok(boxes) = list.query_selector_all("[data-rows] [type=checkbox]") else { return Vec::new() };
    (0..boxes.length()).filter_map(|n| boxes.item(n)?.dyn_into().ok()).collect()
}

/// The URL that a list's tools lead to, without empty parameters. `None` for other forms.
fn form_url(form: &HtmlFormElement) -> Option<String> {
    if !form.has_attribute("data-tools") {
        return None;
    }
    let filled = UrlSearchParams::new().ok()?;
    let fields = FormData::new_with_form(form).ok()?;
    for name in ["q", "show", "from", "to", "actor", "sort"] {
        if let Some(value) = fields.get(name).as_string().filter(|value| !value.is_empty()) {
            filled.append(name, &value);
        }
    }
    let (path, query) = (form.get_attribute("action")?, String::from(filled.to_string()));
    Some(if query.is_empty() { path } else { format!("{path}?{query}") })
}
