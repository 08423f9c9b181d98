//! Before something is destroyed.

use leptos::prelude::*;

use super::{Page, PostForm};
use crate::server::context::{set_status, words};

/// A value that a form carries along.
#[derive(Clone)]
pub struct Hidden(pub &'static str, pub String);

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
    /// Nothing that works is lost.
    #[prop(optional)]
    harmless: bool,
    children: Children,
) -> AnyView {
    view! {
        <Page title=title.clone() bare=true>
            <div class="question" data-question="">
                <h1 id="confirm-title">{title}</h1>
                <PostForm action=action main=true>
                    {children()}
                    {fields.into_iter().map(|Hidden(name, value)| view! { <input type="hidden" name=name value=value/> }).collect_view()}
                    <div class="decide">
                        <a class="button" href=cancel data-cancel="">{words().cancel()}</a>
                        <button class=if harmless { "main" } else { "main danger" }>{button}</button>
                    </div>
                </PostForm>
            </div>
        </Page>
    }
    .into_any()
}

/// In place of a question about something that is not there, or not theirs who asks.
#[component]
pub fn Gone(
    /// The list it would stand in.
    back: &'static str,
) -> impl IntoView {
    set_status(axum::http::StatusCode::NOT_FOUND);
    let w = words();
    view! {
        <Page title=w.gone_title() refused=true>
            <p>{w.gone()}</p>
            <p><a class="button main" href=back data-cancel="">{w.gone_back()}</a></p>
        </Page>
    }
}
