//! The one way to write a form that changes something.

use leptos::prelude::*;

use crate::domain::form;
use crate::server::context;

/// A form with what every form carries ([`crate::domain::form`]): the account and the page it is rendered for, and a one-time key.
#[component]
pub fn PostForm(
    /// The path it is sent to: a server function's, or one of `domain::paths`.
    action: &'static str,
    #[prop(optional, into)] class: Option<&'static str>,
    /// The page's one form whose values stay when language or colours are changed.
    #[prop(optional)]
    main: bool,
    /// The server says what is missing, not the browser.
    #[prop(optional)]
    novalidate: bool,
    children: Children,
) -> AnyView {
    let context::FormContext { account, page, key } = context::form_context();
    view! {
        <form method="post" action=action class=class id=main.then_some(context::MAIN_FORM) novalidate=novalidate>
            <input type="hidden" name=form::ACCOUNT value=account/>
            <input type="hidden" name=form::PAGE value=page/>
            <input type="hidden" name=form::KEY value=key/>
            {main.then(|| view! { <input type="hidden" name=form::ACTION value=action/> })}
            {children()}
        </form>
    }
    .into_any()
}
