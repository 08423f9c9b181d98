//! Confirmation of destructive actions.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::{PageContent, PostForm};
use crate::domain::paths::{ReturnTo, with_back};
use crate::server::context::{self, set_status, translations};

/// A hidden field of a form: name and value.
#[derive(Clone)]
pub struct Hidden(pub &'static str, pub String);

/// The URL of a confirmation page that leads back to the current page.
pub fn confirm_url(address: &str) -> String {
    with_back(address, &context::current_page())
}

/// The URL of the list that the confirmation was opened from, with its search and filters.
pub fn back_url(list: &'static str) -> String {
    let asked = use_query_map().with_untracked(|query| query.get("back").unwrap_or_default());
    ReturnTo::within(&asked, list).as_str().to_owned()
}

/// A page that asks for confirmation and describes the consequences (`children`). `islands::ConfirmDialog` shows it as a dialog over the
/// list. The link to cancel comes first.
#[component]
pub fn Confirm(
    /// The question.
    #[prop(into)]
    title: String,
    /// The server function.
    action: &'static str,
    #[prop(optional)] fields: Vec<Hidden>,
    /// Label of the button.
    #[prop(into)]
    button: String,
    /// Target of the link to cancel.
    #[prop(into)]
    cancel: String,
    /// The list that it was opened from, to which the form returns with its search and filters.
    #[prop(optional)]
    list: Option<&'static str>,
    /// Whether nothing that works is lost.
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

/// Shown instead of a confirmation if the object does not exist or is not the person's.
#[component]
pub fn AlreadyGone(
    /// The list that it would be in.
    back: &'static str,
) -> impl IntoView {
    set_status(axum::http::StatusCode::NOT_FOUND);
    let t = translations();
    view! {
        <PageContent title=t.gone_title() refused=true>
            <p>{t.gone()}</p>
            <p><a class="button main" href=back_url(back) data-cancel="">{t.gone_back()}</a></p>
        </PageContent>
    }
}
