//! How a person wants to read: language, colours and time zone.

use leptos::prelude::*;

/// Remembers what was chosen in this browser, and goes back to the page where it was. What is empty or unknown stays as it is;
/// `theme=system` and `zone=browser` follow the browser again.
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
