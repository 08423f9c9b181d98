//! The document's body around every page, and the footer.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::components::Outlet;
use leptos_router::hooks::use_location;

use super::header::Header;
use super::{FormError, SessionIslands};
use crate::domain::paths::{self, ReturnTo};
use crate::islands::{ConfirmDialog, Copying, LocalTimes};
use crate::server::context::{self, translations};
use crate::server::preferences::Theme;
use crate::server_fns::preferences::SetPreferences;

/// The layout around every page of the router.
#[component]
pub fn Layout() -> impl IntoView {
    let location = use_location();
    let (here, query) = (location.pathname.get_untracked(), location.search.get_untracked());
    view! {
        <Frame here query>
            <Outlet/>
        </Frame>
        <SessionIslands back=context::current_page()/>
        <Copying copied=translations().copied()/>
        <ConfirmDialog/>
        <LocalTimes now=context::services().map_or(0, |services| services.now().as_millis()) month_formats=context::chosen_zone().is_none().then(|| translations().month_formats())/>
    }
}

/// Skip link, header, page content and footer.
#[component]
pub fn Frame(
    /// The page's path; empty for pages outside the router.
    #[prop(optional)]
    here: String,
    /// The page's query, without question mark.
    #[prop(optional)]
    query: String,
    children: Children,
) -> AnyView {
    let t = translations();
    let no_cookies = context::cookies_disabled();
    if no_cookies {
        context::set_status(axum::http::StatusCode::UNPROCESSABLE_ENTITY);
    }
    let back = if query.is_empty() { here.clone() } else { format!("{here}?{}", query.trim_start_matches('?')) };
    view! {
        <a class="skip" href="#main">{t.skip_to_content()}</a>
        <Header here=here.clone()/>
        <main id="main" tabindex="-1">
            {no_cookies.then(|| view! { <div class="page"><FormError sentence=t.cookies_needed()/></div> })}
            {children()}
        </main>
        <Footer back/>
    }
    .into_any()
}

#[component]
fn Footer(back: String) -> AnyView {
    let t = translations();
    // The page of one request knows the code, so that it need not be typed.
    let request =
        ReturnTo::from_untrusted(&back).as_str().strip_prefix(paths::DEVICE).and_then(|rest| rest.strip_prefix("?grant=").map(str::to_owned));
    let report = request.map_or_else(|| paths::DEVICE_REPORT.to_owned(), |grant| format!("{}?grant={grant}", paths::DEVICE_REPORT));
    view! {
        <footer class="bottom">
            <p>{t.footer_never_asked()}</p>
            <p><a href=report>{t.not_started()}</a></p>
            <p><a href=paths::API_DOCS>{t.nav_api()}</a></p>
            {(!back.starts_with(paths::SETTINGS)).then(|| view! {
                <p><a href=paths::with_return_to(paths::SETTINGS, &ReturnTo::from_untrusted(&back))>{t.settings_title()}</a></p>
                <Preferences back/>
            })}
        </footer>
    }
    .into_any()
}

/// Language and colours. Each choice is a button, so that no script is needed.
#[component]
pub fn Preferences(back: String) -> AnyView {
    let t = translations();
    let theme = context::theme();
    let themes = [("system", None, t.theme_system()), ("light", Some(Theme::Light), t.theme_light()), ("dark", Some(Theme::Dark), t.theme_dark())];
    let languages = context::languages();
    view! {
        <form method="post" action=SetPreferences::url() class="preferences">
            <input type="hidden" name="back" value=back/>
            <fieldset>
                <legend>{t.preferences_language()}</legend>
                {languages.into_iter().map(|language| view! {
                    <button class="quiet" name="language" value=language.tag() lang=language.tag() aria-pressed=pressed(language.tag() == t.tag())>
                        {language.language_name()}
                    </button>
                }).collect_view()}
            </fieldset>
            <fieldset>
                <legend>{t.preferences_theme()}</legend>
                {themes.into_iter().map(|(word, this, text)| view! {
                    <button class="quiet" name="theme" value=word aria-pressed=pressed(this == theme)>{text}</button>
                }).collect_view()}
            </fieldset>
        </form>
    }
    .into_any()
}

fn pressed(chosen: bool) -> &'static str {
    if chosen { "true" } else { "false" }
}
