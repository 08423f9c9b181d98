//! Messages: errors next to what caused them, and results.

use leptos::either::Either;
use leptos::prelude::*;

use super::{Copyable, PageContent};
use crate::islands::told;
use crate::server::context::{self, Flash, FlashTarget, set_error_status, translations};

/// An error, announced when the page loads.
#[component]
pub fn FormError(
    #[prop(into)] sentence: String,
    /// For `aria-describedby` of its field.
    #[prop(optional)]
    id: Option<&'static str>,
) -> impl IntoView {
    view! { <p class="problem" role="alert" id=id>{sentence}</p> }
}

/// A link to the provider's own help page, if it has one.
#[component]
pub fn HelpLink(help: Option<context::ProviderHelp>) -> impl IntoView {
    help.map(|help| view! {
        <p>{translations().sign_in_help(help.provider)} " " <a href=help.address.clone() rel="external noreferrer" translate="no" dir="ltr">{help.address.clone()}</a></p>
    })
}

/// The flash message that the last form left, if any ([`crate::server::context::take_flash`]).
#[component]
pub fn FlashMessage(notice: Option<Flash>) -> impl IntoView {
    notice.map(|notice| match notice.target {
        FlashTarget::Refused => {
            set_error_status(&notice);
            Either::Left(view! {
                <FormError sentence=notice.message/>
                <HelpLink help=notice.help/>
            })
        }
        _ => Either::Right(view! {
            <p class="notice" role="status">{told(&notice.told())}</p>
            {notice.secret.map(|secret| view! {
                <div class="card once">
                    <p><strong>{translations().secret_once()}</strong></p>
                    <Copyable text=secret/>
                </div>
            })}
        }),
    })
}

/// Shown instead of a page whose data could not be loaded.
#[component]
pub fn ServerError() -> impl IntoView {
    view! {
        <PageContent title=translations().sorry_title() refused=true>
            <p>{translations().sorry()}</p>
        </PageContent>
    }
}
