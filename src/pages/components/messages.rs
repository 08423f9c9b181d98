//! Messages: errors next to what caused them, and results.

use leptos::either::Either;
use leptos::prelude::*;

use super::told;
use super::{Copyable, PageContent};
use crate::domain::help_contact::HelpContact;
use crate::server::context::{help_contact, set_error_status, translations};
use crate::server::sign_in::session::flash::{Flash, FlashTarget};

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
pub fn HelpLink(help: Option<crate::server::sign_in::session::flash::ProviderHelp>) -> impl IntoView {
    help.map(|help| view! {
        <p>{translations().sign_in_help(help.provider)} " " <a href=help.address.clone() rel="external noreferrer" translate="no" dir="ltr">{help.address.clone()}</a></p>
    })
}

/// Where the tenant's people ask for help, if its policy says so.
#[component]
pub fn HelpContactLine(contact: Option<HelpContact>) -> impl IntoView {
    contact.map(|contact| {
        let text = contact.to_string();
        view! {
            <p class="aside">
                {translations().help_contact()} " "
                {match contact.url() {
                    Some(url) => Either::Left(view! { <a href=url rel="external noreferrer">{text}</a> }),
                    None => Either::Right(view! { <bdi>{text}</bdi> }),
                }}
            </p>
        }
    })
}

/// The help contact of the person's tenant; before sign-in see [`help_contact`].
#[component]
pub fn TenantHelpContact() -> impl IntoView {
    Suspend::new(async {
        view! { <HelpContactLine contact=help_contact().await/> }
    })
}

/// The flash message that the last form left, if any ([`crate::server::context::take_flash`]).
#[component]
pub fn FlashMessage(flash: Option<Flash>) -> impl IntoView {
    flash.map(|flash| match flash.target {
        FlashTarget::Refused => {
            set_error_status(&flash);
            Either::Left(view! {
                <FormError sentence=flash.message/>
                <HelpLink help=flash.help/>
            })
        }
        _ => Either::Right(view! {
            <p class="notice" role="status">{told(&flash.told())}</p>
            {flash.secret.map(|secret| view! {
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
        <PageContent title=translations().server_error_title() refused=true>
            <p>{translations().server_error_text()}</p>
            <TenantHelpContact/>
        </PageContent>
    }
}
