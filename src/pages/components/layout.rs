//! Header and footer.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::components::Outlet;
use leptos_router::hooks::use_location;

use super::{FormError, PostForm};
use crate::domain::paths::{self, ReturnTo};
use crate::islands::{ConfirmDialog, Copying, LocalTimes};
use crate::server::context::{self, translations};
use crate::server::preferences::Theme;
use crate::server::service::SignedIn;
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
        <Copying copied=translations().copied()/>
        <ConfirmDialog/>
        <LocalTimes now=context::services().map_or(0, |services| services.now().as_millis()) month_formats=context::chosen_zone().is_none().then(|| translations().month_formats())/>
    }
}

/// Skip link, tenant, signed-in person, page content and support contact.
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
        <header class="top">
            <a class="brand" href=paths::HOME>
                <Logo/>
                <span>{t.product()}</span>
                {context::current_person().map(|person| view! { <span class="centre"><bdi>{person.tenant_name().to_owned()}</bdi></span> })}
            </a>
            {context::current_person().map(|person| view! { <PersonalNav person here/> })}
        </header>
        <main id="main" tabindex="-1">
            {no_cookies.then(|| view! { <div class="page"><FormError sentence=t.cookies_needed()/></div> })}
            {children()}
        </main>
        <Footer back/>
    }
    .into_any()
}

/// Navigation for signed-in people.
#[component]
fn PersonalNav(person: SignedIn, here: String) -> AnyView {
    let t = translations();
    let beneath = |path: &str| here.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let link = |path: &'static str, words: String| view! { <li><a href=path aria-current=beneath(path).then_some("page")>{words}</a></li> };
    view! {
        <nav aria-label=t.nav_main()>
            <ul>
                {link(paths::DEVICE, t.nav_device())}
                {link(paths::HOSTS, t.nav_hosts())}
                {link(paths::KEYS, t.nav_keys())}
                {link(paths::APPS, t.nav_apps())}
                {link(paths::SESSIONS, t.nav_sessions())}
                {link(paths::IDENTITIES, t.nav_identities())}
                {link(paths::ACTIVITY, t.nav_activity())}
                {person.is_admin().then(|| link(paths::ADMIN, t.nav_admin()))}
            </ul>
        </nav>
        <div class="who">
            <a class="who-name" href=paths::IDENTITIES title=t.person_at(person.user_id().as_str(), person.tenant_name())>
                <bdi>{person.display_name().to_owned()}</bdi>
            </a>
            <PostForm action=paths::SIGN_OUT>
                <button class="quiet">{t.sign_out()}</button>
            </PostForm>
        </div>
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
            <p><a href=paths::with_return_to(paths::TIME_ZONE, &ReturnTo::from_untrusted(&back))>{t.footer_time_zone()}</a></p>
            <Preferences back/>
        </footer>
    }
    .into_any()
}

/// Language and colours. Each choice is a button, so that no script is needed.
#[component]
fn Preferences(back: String) -> AnyView {
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

/// Two links of a chain.
#[component]
fn Logo() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" focusable="false">
            <rect x="3" y="9" width="16" height="14" rx="7"/>
            <rect x="13" y="9" width="16" height="14" rx="7"/>
        </svg>
    }
}
