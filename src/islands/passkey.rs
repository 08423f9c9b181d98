//! Creating and using passkeys in the browser.

use js_sys::{Function, JSON, Object, Promise, Reflect};
use leptos::html;
use leptos::prelude::*;
use leptos::wasm_bindgen::closure::Closure;
use leptos::wasm_bindgen::{JsCast, JsValue};
use web_sys::HtmlFormElement;

/// A button that asks the browser for a passkey, and submits the form around it with the browser's response. Shown only where this works;
/// elsewhere the page shows `missing`.
#[island]
pub fn PasskeyButton(
    /// The options, in the JSON forms of WebAuthn Level 3 §5.1.
    options: String,
    /// Whether to create a passkey; otherwise an existing one is used.
    make: bool,
    /// Label of the button.
    label: String,
    /// Shown when the person or the browser cancelled.
    failed: String,
    /// Shown when the device already has one of the registered passkeys (WebAuthn Level 3 §5.1.3: `InvalidStateError`).
    exists: String,
    /// Shown where passkeys are not supported.
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

/// Puts the response into the form and submits it.
fn send(answer: NodeRef<html::Input>, json: &str) -> Option<()> {
    let field = answer.get_untracked()?;
    field.set_value(json);
    let form: HtmlFormElement = field.closest("form").ok()??.dyn_into().ok()?;
    // Not `request_submit`: the required field for a code beside it may be empty.
    form.submit().ok()
}

/// The browser's parser of the JSON forms and the class that it is a method of; `None` in older browsers.
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
    let request = Object::new();
    Reflect::set(&request, &"publicKey".into(), &options).ok()?;
    let credentials = Reflect::get(&window().navigator(), &"credentials".into()).ok()?;
    call(&credentials, if make { "create" } else { "get" }, &[request.into()])?.dyn_into().ok()
}

fn call(on: &JsValue, method: &str, arguments: &[JsValue]) -> Option<JsValue> {
    let method: Function = Reflect::get(on, &method.into()).ok()?.dyn_into().ok()?;
    method.apply(on, &arguments.iter().collect()).ok()
}
