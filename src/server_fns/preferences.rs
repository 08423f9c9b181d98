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
    context::redirect(&ReturnTo::from_untrusted(&back));
    Ok(())
}
