//! The form for the user code of a device or host.

use leptos::prelude::*;

use super::{FormError, Hidden, PageContent, PostForm};
use crate::domain::tenant::Tenant;
use crate::islands::UserCodeInput;
use crate::server::context::{self, translations};
use crate::server::sign_in::session::flash::Flash;

#[component]
pub fn EnterCodeForm(
    title: String,
    /// Where the code comes from.
    how: impl IntoView + 'static,
    /// The server function that receives the code.
    action: &'static str,
    /// Why the last code was refused, if it was.
    flash: Option<Flash>,
    /// The initial value of the field.
    filled: Option<String>,
    /// A note above the field.
    note: Option<String>,
    /// The tenant that the code belongs to, if it is another one; and the server function that switches to it, with its hidden fields.
    other: Option<Tenant>,
    switch: (&'static str, Option<Hidden>),
    /// The page for codes of the other kind, and the sentence that refers to it when a code was refused.
    other_kind: (&'static str, String),
    /// What to continue with.
    #[prop(optional_no_strip)]
    about: Option<Hidden>,
    /// The warning about codes from other people.
    children: Children,
) -> impl IntoView {
    let t = translations();
    if let Some(flash) = &flash {
        context::set_error_status(flash);
    }
    let refused = flash.is_some();
    let typed = flash.as_ref().map(|flash| flash.input.clone()).filter(|typed| !typed.is_empty());
    let value = typed.or(filled).unwrap_or_default();
    view! {
        <PageContent title refused>
            {how}
            <PostForm action=action main=true class="enter-code" novalidate=true>
                {about.map(|Hidden(name, value)| view! { <input type="hidden" name=name value=value/> })}
                <label for="user-code">{t.device_code()}</label>
                {flash.map(|flash| view! { <FormError id="user-code-error" sentence=flash.message/> })}
                {note.map(|sentence| view! { <p class="notice">{sentence}</p> })}
                <UserCodeInput value refused/>
                <p class="hint" id="user-code-hint">{t.device_hint_before()} " " <span translate="no" dir="ltr">"WDJB-MJHT"</span> {t.device_hint_after()}</p>
                <button class="main">{t.device_continue()}</button>
            </PostForm>
            {other.map(|tenant| view! {
                <PostForm action=switch.0 class="aside">
                    <input type="hidden" name="tenant" value=tenant.id.to_string()/>
                    {switch.1.map(|Hidden(name, value)| view! { <input type="hidden" name=name value=value/> })}
                    <button>{t.device_switch_to(tenant.display_name)}</button>
                </PostForm>
            })}
            {refused.then(|| view! { <p class="aside"><a href=other_kind.0>{other_kind.1}</a></p> })}
            <p class="aside">{children()}</p>
        </PageContent>
    }
}

/// The tenant of a refused code, if it is another one.
pub async fn other_tenant(flash: Option<&Flash>) -> Option<Tenant> {
    let id = flash?.tenant.as_ref()?;
    context::services().ok()?.enabled_tenant(id).await.ok().flatten()
}
