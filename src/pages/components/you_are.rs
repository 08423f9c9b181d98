//! The signed-in account, shown before decisions.

use leptos::prelude::*;

use super::{Hidden, PostForm};
use crate::server::context::translations;
use crate::server::service::SignedIn;

#[component]
pub fn YouAre(
    person: SignedIn,
    /// The server function that switches to another account.
    another: &'static str,
    /// The request to take along.
    #[prop(optional)]
    about: Option<Hidden>,
) -> impl IntoView {
    let t = translations();
    view! {
        <div class="row you-are">
            <p>
                {t.consent_you_are()} " " <strong>{person.display_name().to_owned()}</strong> " (" {t.person_at(person.user_id().as_str(), person.tenant_name())} ")."
            </p>
            <PostForm action=another>
                <input type="hidden" name="tenant" value=person.tenant_id().to_string()/>
                {about.map(|Hidden(name, value)| view! { <input type="hidden" name=name value=value/> })}
                <button class="quiet">{t.consent_use_another()}</button>
            </PostForm>
        </div>
    }
}
