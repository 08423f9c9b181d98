//! A passkey, made or shown by the browser.

use js_sys::{Function, JSON, Object, Promise, Reflect};
use leptos::html;
use leptos::prelude::*;
use leptos::wasm_bindgen::closure::Closure;
use leptos::wasm_bindgen::{JsCast, JsValue};
use web_sys::HtmlFormElement;

/// A button that asks the browser for a passkey, and sends the form around it with what the browser answers. Shown only where that
/// works; elsewhere stands why not.
#[island]
pub fn PasskeyButton(
    /// What is asked: the JSON forms of WebAuthn Level 3 §5.1.
    options: String,
    /// A new one is made; otherwise one is shown.
    make: bool,
    /// What the button says.
    label: String,
    /// What is said when the person, or the browser, gave up.
    failed: String,
    /// What is said when the device has one of those there are already (WebAuthn Level 3 §5.1.3: `InvalidStateError`).
    exists: String,
    /// What stands there where it does not work.
    missing: String,
) -> impl IntoView {
    let answer: NodeRef<html::Input> = NodeRef::new();
    let (works, why) = (RwSignal::new(false), RwSignal::new(String::new()));
    Effect::new(move |_| works.set(parser(make).is_some()));
    let ask = move |_| {
        why.set(String::new());
        let (failed, exists) = (failed.clone(), exists.clone());
        let unsent = failed.clone();
        let send = Closure::once_into_js(move |credential: JsValue| {
            if JSON::stringify(&credential).ok().and_then(|json| send(answer, &String::from(json))).is_none() {
                why.set(unsent);
            }
        });
        let give_up = failed.clone();
        let give_up = Closure::once_into_js(move |error: JsValue| {
            let is_there = make && Reflect::get(&error, &"name".into()).is_ok_and(|name| name == "InvalidStateError");
            why.set(if is_there { exists } else { give_up });
        });
        match promise(&options, make) {
            Some(promise) => drop(call(promise.as_ref(), "then", &[send, give_up])),
            None => why.set(failed),
        }
    };
    view! {
        <div class="passkey">
            <input node_ref=answer type="hidden" name="passkey" value=""/>
            <p class="hint" hidden=move || works.get()>{missing}</p>
            <button type="button" class="main" hidden=move || !works.get() on:click=ask>{label}</button>
            <p class="problem" role="alert" hidden=move || why.get().is_empty()>{move || why.get()}</p>
        </div>
    }
}

/// Puts the answer into the form, and sends it.
fn send(answer: NodeRef<html::Input>, json: &str) -> Option<()> {
    let field = answer.get_untracked()?;
    field.set_value(json);
    let form: HtmlFormElement = field.closest("form").ok()??.dyn_into().ok()?;
    // Not `request_submit`: the field for a code beside it may be empty.
    form.submit().ok()
}

/// The browser's own reader of the JSON forms, as a method of its class; older browsers have none.
fn parser(make: bool) -> Option<(JsValue, Function)> {
    let class = Reflect::get(&window(), &"PublicKeyCredential".into()).ok()?;
    let name = if make { "parseCreationOptionsFromJSON" } else { "parseRequestOptionsFromJSON" };
    let parse = Reflect::get(&class, &name.into()).ok()?.dyn_into().ok()?;
    Some((class, parse))
}

/// `navigator.credentials.create` or `get`.
fn promise(options: &str, make: bool) -> Option<Promise> {
    let (class, parse) = parser(make)?;
    let options = parse.call1(&class, &JSON::parse(options).ok()?).ok()?;
    let wanted = Object::new();
    Reflect::set(&wanted, &"publicKey".into(), &options).ok()?;
    let credentials = Reflect::get(&window().navigator(), &"credentials".into()).ok()?;
    call(&credentials, if make { "create" } else { "get" }, &[wanted.into()])?.dyn_into().ok()
}

fn call(on: &JsValue, method: &str, arguments: &[JsValue]) -> Option<JsValue> {
    let method: Function = Reflect::get(on, &method.into()).ok()?.dyn_into().ok()?;
    method.apply(on, &arguments.iter().collect()).ok()
}
