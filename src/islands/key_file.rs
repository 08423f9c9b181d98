//! Reading a public key from a file.

use leptos::html;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos::wasm_bindgen::closure::Closure;
use web_sys::{FileReader, HtmlTextAreaElement};

/// The largest file that is read, in bytes; a public key is one line.
const MAX_FILE_SIZE: f64 = 20_000.0;

/// Reads the selected file into the text field with the id `into`; the file itself is not sent. Shown only where this works.
#[island]
pub fn KeyFile(label: String, into: String) -> impl IntoView {
    let field: NodeRef<html::Input> = NodeRef::new();
    let ready = RwSignal::new(false);
    Effect::new(move |_| ready.set(true));
    let read = move |_| {
        let file = field.get_untracked().and_then(|field| field.files()).and_then(|files| files.get(0));
        let Some(file) = file.filter(|file| file.size() <= MAX_FILE_SIZE) else { return };
        let Ok(reader) = FileReader::new() else { return };
        let (done, into) = (reader.clone(), into.clone());
        let take = Closure::once_into_js(move || {
            let text = done.result().ok().and_then(|text| text.as_string()).unwrap_or_default();
            if let Some(area) = document().get_element_by_id(&into).and_then(|area| area.dyn_into::<HtmlTextAreaElement>().ok()) {
                area.set_value(&text);
            }
        });
        reader.set_onload(Some(take.unchecked_ref()));
        let _ = reader.read_as_text(&file);
    };
    view! {
        <p class="key-file" hidden=move || !ready.get()>
            <label for="key-file">{label}</label>
            <input node_ref=field id="key-file" type="file" accept=".pub,text/plain" on:change=read/>
        </p>
    }
}
