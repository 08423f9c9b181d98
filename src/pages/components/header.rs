//! The header of every page. Its menus are popovers: without scripts they open by button, and close on Escape or a click elsewhere.

use leptos::prelude::*;

use super::PostForm;
use crate::domain::paths;
use crate::server::context::{self, translations};
use crate::server::service::SignedIn;

/// Brand, main navigation and the person's menu.
#[component]
pub fn Header(
    /// The page's path.
    here: String,
) -> AnyView {
    let t = translations();
    let person = context::current_person();
    view! {
        <header class="top">
            <a class="brand" href=paths::HOME>
                <Logo/>
                <span class="product">{t.product()}</span>
                {person.as_ref().map(|person| view! { <span class="centre"><bdi>{person.tenant_name().to_owned()}</bdi></span> })}
            </a>
            {person.map(|person| view! { <MainNav is_admin=person.is_admin() here=here.clone()/> <PersonMenu person here/> })}
        </header>
    }
    .into_any()
}

/// The links of the header: a row; on phones a menu.
#[component]
fn MainNav(is_admin: bool, here: String) -> AnyView {
    let t = translations();
    view! {
        <button type="button" class="quiet menu-button" popovertarget="main-menu">{t.nav_menu()}</button>
        <nav id="main-menu" class="menu bar" popover="auto" aria-label=t.nav_main()>
            <ul>
                {link(paths::DEVICE, t.nav_device(), &here)}
                {link(paths::HOSTS, t.nav_hosts(), &here)}
                {link(paths::KEYS, t.nav_keys(), &here)}
                {link(paths::APPS, t.nav_apps(), &here)}
                {link(paths::ACTIVITY, t.nav_activity(), &here)}
                {is_admin.then(|| link(paths::ADMIN, t.nav_admin(), &here))}
            </ul>
        </nav>
    }
    .into_any()
}

/// The person's name, with a menu of the pages about their account.
#[component]
fn PersonMenu(person: SignedIn, here: String) -> AnyView {
    let t = translations();
    let name = person.display_name().to_owned();
    let initial: String = name.chars().next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let account = t.person_at(person.user_id().as_str(), person.tenant_name());
    view! {
        <button type="button" class="quiet menu-button who" popovertarget="person-menu" title=account.clone()>
            <span class="initial" aria-hidden="true">{initial}</span>
            <bdi>{name.clone()}</bdi>
        </button>
        <div id="person-menu" class="menu" popover="auto">
            <p><strong><bdi>{name}</bdi></strong> <span class="hint"><bdi>{account}</bdi></span></p>
            <nav aria-label=t.nav_account()>
                <ul>
                    // The row has no place for it on windows of medium width.
                    {link(paths::DEVICE, t.nav_device(), &here)}
                    {link(paths::IDENTITIES, t.nav_identities(), &here)}
                    {link(paths::SESSIONS, t.nav_sessions(), &here)}
                    {link(paths::SETTINGS, t.nav_settings(), &here)}
                </ul>
            </nav>
            <PostForm action=paths::SIGN_OUT>
                <button class="quiet">{t.sign_out()}</button>
            </PostForm>
        </div>
    }
    .into_any()
}

/// A link to a page; it is marked on that page and those below it.
fn link(path: &'static str, words: String, here: &str) -> impl IntoView + use<> {
    let current = here.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    view! { <li><a href=path aria-current=current.then_some("page")>{words}</a></li> }
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
