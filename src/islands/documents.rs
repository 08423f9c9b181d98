//! Other pages of ours, fetched to show a part of them here.

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos::wasm_bindgen::closure::Closure;
use web_sys::{Document, XmlHttpRequest, XmlHttpRequestResponseType};

/// Fetches a page, and hands it on once it is there, if it is still `wanted` then. The browser itself parses it, as a document in which no script runs; a
/// parser of our own would need an exception from the policy about scripts.
///
/// Whatever comes instead (a sign-in page, an error, nothing) is shown as a page of its own: the browser goes there.
pub fn fetch(address: &str, wanted: impl Fn() -> bool + 'static, then: impl FnOnce(Document) + 'static) {
    let Ok(request) = XmlHttpRequest::new() else { return navigate(address) };
    let (answered, asked) = (request.clone(), address.to_owned());
    let done = Closure::once_into_js(move || {
        if !wanted() {
            return;
        }
        let page = answered.response().ok().and_then(|response| response.dyn_into::<Document>().ok());
        let same_page = path(&answered.response_url()) == path(&asked);
        match page.filter(|_| same_page && answered.status() == Ok(200)) {
            Some(page) => then(page),
            None => navigate(&asked),
        }
    });
    request.set_onloadend(Some(done.unchecked_ref()));
    request.set_response_type(XmlHttpRequestResponseType::Document);
    if request.open("GET", address).and_then(|()| request.send()).is_err() {
        navigate(address);
    }
}

/// Opens an address of ours as the browser itself would.
pub fn navigate(address: &str) {
    let _ = window().location().assign(address);
}

/// The path of an address, with or without its origin.
fn path(address: &str) -> &str {
    let local = address.find("://").and_then(|at| address.get(at + 3..)).and_then(|rest| rest.get(rest.find('/')?..)).unwrap_or(address);
    local.split(['?', '#']).next().unwrap_or_default()
}

/// The name of the event that tells that a part of the page was replaced.
pub const CHANGED: &str = "tms-changed";

/// Tells other islands that a part of the page was replaced.
pub fn notify_changed() {
    if let Ok(event) = web_sys::Event::new(CHANGED) {
        let _ = window().dispatch_event(&event);
    }
}
