//! Header and footer.

use leptos::prelude::*;
use leptos_router::components::Outlet;
use leptos_router::hooks::use_location;

use crate::domain::paths;
use crate::server::context;

/// Around every page of the router.
#[component]
pub fn Layout() -> impl IntoView {
    let here = use_location().pathname.get_untracked();
    view! {
        <Frame here>
            <Outlet/>
        </Frame>
    }
}

/// A skip link, where one is, who one is, the page, and where help is.
#[component]
pub fn Frame(
    /// The page's path; empty for pages outside the router.
    #[prop(optional)]
    here: String,
    children: Children,
) -> impl IntoView {
    let person = context::visitor();
    let current = move |path: &'static str| (here == path).then_some("page");
    let link = move |path: &'static str, words: &'static str| view! { <li><a href=path aria-current=current(path)>{words}</a></li> };
    view! {
        <a class="skip" href="#main">"Skip to the content"</a>
        <header class="top">
            <a class="brand" href=paths::HOME>
                <Mark/>
                <span>"Trust Manager"</span>
            </a>
            {person.map(|person| view! {
                <nav aria-label="Main">
                    <ul>
                        {link(paths::DEVICE, "Enter a code")}
                        {link(paths::HOSTS, "Hosts")}
                        {link(paths::SESSIONS, "Sessions")}
                    </ul>
                </nav>
                <div class="who">
                    <span class="who-name" title=format!("{} at {}", person.user_id(), person.tenant_name())>{person.display_name().to_owned()}</span>
                    <form method="post" action=paths::SIGN_OUT>
                        <button class="quiet">"Sign out"</button>
                    </form>
                </div>
            })}
        </header>
        <main id="main" tabindex="-1">
            {children()}
        </main>
        <Footer/>
    }
}

#[component]
fn Footer() -> impl IntoView {
    view! {
        <footer class="bottom">
            <p>"Support staff never ask you to enter a code or to tell them one."</p>
            <p><a href=paths::DEVICE_REPORT>"I did not start this"</a></p>
            <p><a href=paths::API_DOCS>"TMS API"</a></p>
        </footer>
    }
}

/// Two links of a chain: one side trusts the other.
#[component]
fn Mark() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" focusable="false">
            <rect x="3" y="9" width="16" height="14" rx="7"/>
            <rect x="13" y="9" width="16" height="14" rx="7"/>
        </svg>
    }
}
