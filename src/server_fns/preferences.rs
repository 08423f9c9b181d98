//! Preferences: language, colours and time zone.

use leptos::prelude::*;

/// Stores the choices in cookies, and returns to the page. Empty or unknown values change nothing; `theme=system` and `zone=browser` return
/// to the browser's setting.
#[server(prefix = "/api", endpoint = "preferences/set")]
pub async fn set_preferences(
    #[server(default)] language: String,
    #[server(default)] theme: String,
    #[server(default)] zone: String,
    #[server(default)] back: String,
) -> Result<(), ServerFnError> {
    use crate::domain::paths::ReturnTo;
    use crate::server::context;
    context::save_preferences(&language, &theme, &zone)?;
    let chosen = context::languages().into_iter().find(|words| words.tag() == language);
    if let Some((person, words)) = context::current_person().zip(chosen) {
        // E-mails are in the language that the person used last.
        context::services()?.set_language(person.tenant_id(), person.user_id(), words.tag()).await.map_err(context::fault)?;
    }
    let back = ReturnTo::from_untrusted(&back);
    // The choice applies instead of what a request asks for.
    context::redirect(&if chosen.is_some() { back.without_request_language() } else { back });
    Ok(())
}
