//! What went wrong, next to where it can be mended; and what was done.

use leptos::either::Either;
use leptos::prelude::*;

use super::{Copyable, Page};
use crate::islands::told;
use crate::server::context::{self, Notice, Place, set_refused, words};

/// One sentence, announced as soon as the page is there.
#[component]
pub fn Problem(
    #[prop(into)] sentence: String,
    /// For `aria-describedby` of the field it belongs to.
    #[prop(optional)]
    id: Option<&'static str>,
) -> impl IntoView {
    view! { <p class="problem" role="alert" id=id>{sentence}</p> }
}

/// Where the institution that went wrong helps itself, if it does.
#[component]
pub fn Help(help: Option<context::Help>) -> impl IntoView {
    help.map(|help| view! {
        <p>{words().sign_in_help(help.provider)} " " <a href=help.address.clone() rel="external noreferrer" translate="no" dir="ltr">{help.address.clone()}</a></p>
    })
}

/// What came of the form that led here, if one did ([`crate::server::context::said`]).
#[component]
pub fn Said(notice: Option<Notice>) -> impl IntoView {
    notice.map(|notice| match notice.place {
        Place::Refused => {
            set_refused(&notice);
            Either::Left(view! {
                <Problem sentence=notice.sentence/>
                <Help help=notice.help/>
            })
        }
        _ => Either::Right(view! {
            <p class="notice" role="status">{told(&notice.told())}</p>
            {notice.secret.map(|secret| view! {
                <div class="card once">
                    <p><strong>{words().secret_once()}</strong></p>
                    <Copyable text=secret/>
                </div>
            })}
        }),
    })
}

/// In place of a page whose data could not be had.
#[component]
pub fn Sorry() -> impl IntoView {
    view! {
        <Page title=words().sorry_title() refused=true>
            <p>{words().sorry()}</p>
        </Page>
    }
}
