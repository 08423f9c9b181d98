//! Fills a draft's values into the form of any page, and lets the buttons for language and colours submit the main form's values. Both are
//! one pass over the rendered HTML, so that forms need no code for it.

use std::cell::{Cell, RefCell};

use axum::body::{Body, to_bytes};
use axum::http::header;
use axum::response::Response;
use html_escape::{decode_html_entities, encode_double_quoted_attribute, encode_text};
use lol_html::errors::RewritingError;
use lol_html::html_content::{ContentType, Element};
use lol_html::{HandlerResult, RewriteStrSettings, element, rewrite_str};

use crate::domain::form::{DraftReason, FormDraft};
use crate::domain::paths::SET_PREFERENCES;
use crate::i18n::Translations;
use crate::server::service::Fault;

/// Id of the form whose values the buttons for language and colours keep; at most one per page.
pub const MAIN_FORM: &str = "main-form";
/// Larger than any page of the portal, in bytes.
const MAX_PAGE_SIZE: usize = 8 * 1024 * 1024;

pub async fn fill(response: Response, draft: Option<&FormDraft>, words: Translations) -> Result<Response, Fault> {
    let is_html = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !is_html {
        return Ok(response);
    }
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, MAX_PAGE_SIZE).await.map_err(Fault::new)?;
    let html = String::from_utf8_lossy(&body);
    let has_main_form = html.contains(&format!("id=\"{MAIN_FORM}\""));
    if draft.is_none() && !has_main_form {
        return Ok(Response::from_parts(parts, Body::from(body)));
    }
    let filled = rewrite(&html, draft, has_main_form, words).map_err(Fault::new)?;
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok(Response::from_parts(parts, Body::from(filled)))
}

fn rewrite(html: &str, draft: Option<&FormDraft>, has_main_form: bool, words: Translations) -> Result<String, RewritingError> {
    let mut settings = RewriteStrSettings::new();
    if has_main_form {
        settings = settings.append_element_content_handler(element!("form.preferences button", submit_main_form));
    }
    let Some(draft) = draft else { return rewrite_str(html, settings) };
    let sentence = encode_text(&draft_message(draft, words)).into_owned();
    let (forms, select, told) = (Cell::new(0_u32), RefCell::new(String::new()), Cell::new(html.contains(&sentence)));
    // Rows of a list can have forms with the same action: fill the first one.
    let in_first = || forms.get() == 1;
    let form = format!("form[action=\"{}\"]", draft.action);
    let settings = settings
        // Beside the reason of a refusal, unless the page has the sentence already.
        .append_element_content_handler(element!("p.problem", |problem| {
            if !told.replace(true) && draft.reason == DraftReason::Refused {
                problem.after(&format!("<p class=\"hint\">{sentence}</p>"), ContentType::Html);
            }
            Ok(())
        }))
        .append_element_content_handler(element!(form, |form| {
            forms.set(forms.get() + 1);
            if in_first() && draft.reason != DraftReason::Refused && !sentence.is_empty() {
                form.prepend(&format!("<p class=\"notice\" role=\"status\">{sentence}</p>"), ContentType::Html);
            }
            Ok(())
        }))
        .append_element_content_handler(element!(format!("{form} input[name]"), |input| if in_first() { fill_input(input, draft) } else { Ok(()) }))
        .append_element_content_handler(element!(format!("{form} textarea[name]"), |area| {
            let value = attribute(area, "name").and_then(|name| draft.value(&name));
            if let (true, Some(value)) = (in_first(), value) {
                area.set_inner_content(value, ContentType::Text);
            }
            Ok(())
        }))
        .append_element_content_handler(element!(format!("{form} select[name]"), |field| {
            *select.borrow_mut() = attribute(field, "name").unwrap_or_default();
            Ok(())
        }))
        .append_element_content_handler(element!(format!("{form} select[name] option"), |option| {
            let (name, value) = (select.borrow(), attribute(option, "value").unwrap_or_default());
            if in_first() && draft.value(&name).is_some() {
                set(option, "selected", draft.has(&name, &value));
            }
            Ok(())
        }));
    rewrite_str(html, settings)
}

/// Makes a button submit the main form to the preferences action.
fn submit_main_form(button: &mut Element<'_, '_>) -> HandlerResult {
    button.set_attribute("form", MAIN_FORM)?;
    button.set_attribute("formaction", SET_PREFERENCES)?;
    button.set_attribute("formnovalidate", "")?;
    Ok(())
}

/// The message about the draft: beside the reason of a refusal, or above the form.
fn draft_message(draft: &FormDraft, words: Translations) -> String {
    let nothing_changed = match draft.reason {
        DraftReason::Refused => words.form_nothing_changed(),
        DraftReason::SignInNeeded => words.form_nothing_changed_yet(),
        DraftReason::PreferencesChanged => String::new(),
    };
    let secrets = if draft.without_secrets { words.form_secrets_again() } else { String::new() };
    [nothing_changed, secrets].iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(" ")
}

fn fill_input(input: &mut Element<'_, '_>, draft: &FormDraft) -> HandlerResult {
    let name = attribute(input, "name").unwrap_or_default();
    match attribute(input, "type").as_deref() {
        Some("radio") if draft.value(&name).is_none() => {}
        Some("checkbox" | "radio") => {
            let value = attribute(input, "value").unwrap_or_else(|| "on".to_owned());
            set(input, "checked", draft.has(&name, &value));
        }
        // The version that the values were entered against: a later change by others must still be detected.
        Some("hidden") if name == "seen" || name.ends_with("[seen]") => {
            if let Some(value) = draft.value(&name) {
                input.set_attribute("value", &encode_double_quoted_attribute(value))?;
            }
        }
        Some("hidden" | "password" | "file" | "submit" | "button") => {}
        _ if input.has_attribute("readonly") => {}
        _ => {
            if let Some(value) = draft.value(&name) {
                input.set_attribute("value", &encode_double_quoted_attribute(value))?;
            }
        }
    }
    Ok(())
}

/// An attribute's value as a browser decodes it; the rewriter neither decodes nor encodes.
fn attribute(element: &Element<'_, '_>, name: &str) -> Option<String> {
    element.get_attribute(name).map(|value| decode_html_entities(&value).into_owned())
}

/// Sets a boolean attribute.
fn set(element: &mut Element<'_, '_>, attribute: &str, on: bool) {
    if on {
        // Fails only for invalid attribute names.
        let _ = element.set_attribute(attribute, "");
    } else {
        element.remove_attribute(attribute);
    }
}
