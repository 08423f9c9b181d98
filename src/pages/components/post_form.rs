//! Forms that change something.

use leptos::prelude::*;

use crate::domain::form;
use crate::server::context;

/// A form with the hidden fields that every form has ([`crate::domain::form`]): the account and the page that it was rendered for, and a
/// form key.
#[component]
pub fn PostForm(
    /// Where it is sent: the path of a server function, or one of `domain::paths`.
    action: &'static str,
    #[prop(optional, into)] class: Option<&'static str>,
    /// Whether its values are kept when language or colours are changed; at most one form of a page.
    #[prop(optional)]
    main: bool,
    /// Whether missing values are reported by the server instead of the browser.
    #[prop(optional)]
    novalidate: bool,
    children: Children,
) -> AnyView {
    let context::FormContext { account, page, key } = context::form_context();
    view! {
        <form method="post" action=action class=class id=main.then_some(crate::server::middleware::form_fill::MAIN_FORM) novalidate=novalidate>
            <input type="hidden" name=form::ACCOUNT value=account/>
            <input type="hidden" name=form::PAGE value=page/>
            <input type="hidden" name=form::KEY value=key/>
            {main.then(|| view! { <input type="hidden" name=form::ACTION value=action/> })}
            {children()}
        </form>
    }
    .into_any()
}
