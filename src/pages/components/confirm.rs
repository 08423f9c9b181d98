//! Before something is destroyed.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::{PageContent, PostForm};
use crate::domain::paths::{ReturnTo, with_back};
use crate::server::context::{self, set_status, translations};

/// A value that a form carries along.
#[derive(Clone)]
pub struct Hidden(pub &'static str, pub String);

/// The address of a question that is asked from the page that is shown, and leads back to it.
pub fn confirm_url(address: &str) -> String {
    with_back(address, &context::current_page())
}

/// The list that the question was asked from, as it was shown there.
pub fn back_url(list: &'static str) -> String {
    let asked = use_query_map().with_untracked(|query| query.get("back").unwrap_or_default());
    ReturnTo::within(&asked, list).as_str().to_owned()
}

/// A page that asks whether to go on, and names what that means (`children`). With `islands::ConfirmDialog` the question comes
/// into a dialog over the list it was asked from. The way back stands first.
#[component]
pub fn Confirm(
    /// The question.
    #[prop(into)]
    title: String,
    /// The server function that does it.
    action: &'static str,
    #[prop(optional)] fields: Vec<Hidden>,
    /// What the button says.
    #[prop(into)]
    button: String,
    /// Where the way back leads.
    #[prop(into)]
    cancel: String,
    /// The list it was asked from, which the form leads back to as it was shown.
    #[prop(optional)]
    list: Option<&'static str>,
    /// Nothing that works is lost.
    #[prop(optional)]
    harmless: bool,
    children: Children,
) -> AnyView {
    let back = list.map(back_url);
    let cancel = back.clone().unwrap_or(cancel);
    view! {
        <PageContent title=title.clone() bare=true>
            <div class="question" data-question="">
                <h1 id="confirm-title">{title}</h1>
                <PostForm action=action main=true>
                    {children()}
                    {fields.into_iter().map(|Hidden(name, value)| view! { <input type="hidden" name=name value=value/> }).collect_view()}
                    {back.map(|back| view! { <input type="hidden" name="back" value=back/> })}
                    <div class="decide">
                        <a class="button" href=cancel data-cancel="">{translations().cancel()}</a>
                        <button class=if harmless { "main" } else { "main danger" }>{button}</button>
                    </div>
                </PostForm>
            </div>
        </PageContent>
    }
    .into_any()
}

/// In place of a question about something that is not there, or not theirs who asks.
#[component]
pub fn AlreadyGone(
    /// The list it would stand in.
    back: &'static str,
) -> impl IntoView {
    set_status(axum::http::StatusCode::NOT_FOUND);
    let w = translations();
    view! {
        <PageContent title=w.gone_title() refused=true>
            <p>{w.gone()}</p>
            <p><a class="button main" href=back_url(back) data-cancel="">{w.gone_back()}</a></p>
        </PageContent>
    }
}
