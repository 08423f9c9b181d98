//! Values of open forms, across a reload of the page.

use js_sys::Reflect;
use leptos::prelude::*;
use leptos::wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, PerformanceNavigation};

/// Where the tab keeps them; the browser deletes it with the tab.
const STORED: &str = "tms-entries";
/// The fields that are kept: no passwords, no files, nothing that is marked as secret or short-lived (`data-unkept`).
const FIELDS: &str = "form[method=post] :is(input:not([type=hidden],[type=password],[type=file]),textarea,select):not([data-unkept])";

/// Stores the changed values of this page's forms when the page is left, and restores them if it is reloaded. Every other way to the page
/// shows the values that the server rendered.
#[island]
pub fn KeptEntries(
    /// The signed-in account; empty if none. Its values are not shown to another, and deleted after sign-out.
    account: String,
) -> impl IntoView {
    let account = StoredValue::new(account);
    Effect::new(move |_| {
        let Some(storage) = window().session_storage().ok().flatten() else { return };
        let page = || window().location().href().unwrap_or_default();
        let head = move || account.with_value(|account| format!("{account} {}", page()));
        let stored = storage.get_item(STORED).ok().flatten().unwrap_or_default();
        let _ = storage.remove_item(STORED);
        if account.with_value(String::is_empty) {
            return;
        }
        let reloaded = window().performance().is_some_and(|performance| performance.navigation().type_() == PerformanceNavigation::TYPE_RELOAD);
        if let Some(values) = stored.strip_prefix(&head()).and_then(|rest| rest.strip_prefix('\0')).filter(|_| reloaded) {
            restore(values);
        }
        let listening = window_event_listener_untyped("pagehide", move |_| {
            let values = changed();
            if !values.is_empty() {
                let _ = storage.set_item(STORED, &format!("{}\0{values}", head()));
            }
        });
        on_cleanup(move || listening.remove());
    });
}

/// `name`, position and value of each changed field, separated by NUL.
fn changed() -> String {
    let changed = fields().into_iter().enumerate().filter_map(|(n, field)| {
        let (property, default) = properties(&field);
        let value = get(&field, property);
        (value != get(&field, default))
            .then(|| format!("{n} {}\0{}", name(&field), value.as_string().unwrap_or_else(|| value.is_truthy().to_string())))
    });
    changed.collect::<Vec<_>>().join("\0")
}

fn restore(values: &str) {
    let fields = fields();
    let mut values = values.split('\0');
    while let (Some(key), Some(value)) = (values.next(), values.next()) {
        let Some((n, named)) = key.split_once(' ') else { return };
        let Some(field) = n.parse().ok().and_then(|n: usize| fields.get(n)).filter(|field| name(field) == named) else { continue };
        let (property, _) = properties(field);
        let value = if property == "checked" { JsValue::from_bool(value == "true") } else { JsValue::from_str(value) };
        let _ = Reflect::set(field, &property.into(), &value);
    }
}

fn fields() -> Vec<Element> {
    let Ok(found) = document().query_selector_all(FIELDS) else { return Vec::new() };
    (0..found.length()).filter_map(|n| found.item(n)?.dyn_into().ok()).collect()
}

fn name(field: &Element) -> String {
    field.get_attribute("name").unwrap_or_default()
}

/// The properties with a field's value and its value as rendered. A `select` has no such default: its value is always kept.
fn properties(field: &Element) -> (&'static str, &'static str) {
    match field.get_attribute("type").as_deref() {
        Some("checkbox" | "radio") => ("checked", "defaultChecked"),
        _ => ("value", "defaultValue"),
    }
}

fn get(field: &Element, property: &str) -> JsValue {
    Reflect::get(field, &property.into()).unwrap_or_default()
}
