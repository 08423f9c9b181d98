//! Fetches other pages of the portal, to insert a part of them here.

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos::wasm_bindgen::closure::Closure;
use web_sys::{Document, XmlHttpRequest, XmlHttpRequestResponseType};

/// Fetches a page and passes it on, unless `is_current` returns false by then. The browser parses it, as a document without scripts; a
/// parser of our own would need an exception from the content security policy.
///
/// Any other response (a sign-in page, an error, none) is not inserted: the browser navigates to the address.
pub fn fetch(address: &str, is_current: impl Fn() -> bool + 'static, then: impl FnOnce(Document) + 'static) {
    let asked = address.to_owned();
    request(address, move |page| match page {
        _ if !is_current() => {}
        Some(page) => then(page),
        None => navigate(&asked),
    });
}

/// Fetches a page and passes it on; `None` if the response is not that page, with status 200.
pub fn request(address: &str, then: impl FnOnce(Option<Document>) + 'static) {
    let Ok(request) = XmlHttpRequest::new() else { return then(None) };
    let (answered, asked) = (request.clone(), address.to_owned());
    let done = Closure::once_into_js(move || {
        let page = answered.response().ok().and_then(|response| response.dyn_into::<Document>().ok());
        let same_page = path(&answered.response_url()) == path(&asked);
        then(page.filter(|_| same_page && answered.status() == Ok(200)));
    });
    request.set_onloadend(Some(done.unchecked_ref()));
    request.set_response_type(XmlHttpRequestResponseType::Document);
    // An error of `send` is reported by the event.
    let _ = request.open("GET", address).and_then(|()| request.send());
}

/// Navigates to an address of the portal.
pub fn navigate(address: &str) {
    let _ = window().location().assign(address);
}

/// The path of a URL, with or without origin.
fn path(address: &str) -> &str {
    let local = address.find("://").and_then(|at| address.get(at + 3..)).and_then(|rest| rest.get(rest.find('/')?..)).unwrap_or(address);
    local.split(['?', '#']).next().unwrap_or_default()
}

/// The event sent when a part of the page was replaced.
pub const CHANGED: &str = "tms-changed";

/// Tells other islands that a part of the page was replaced.
pub fn notify_changed() {
    if let Ok(event) = web_sys::Event::new(CHANGED) {
        let _ = window().dispatch_event(&event);
    }
}
