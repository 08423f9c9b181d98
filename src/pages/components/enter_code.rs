//! Where people type the code that a device or a host shows.

use leptos::prelude::*;

use super::{FormError, Hidden, PageContent, PostForm};
use crate::domain::tenant::Tenant;
use crate::islands::UserCodeInput;
use crate::server::context::{self, Flash, translations};

#[component]
pub fn EnterCodeForm(
    title: String,
    /// How one comes by a code.
    how: impl IntoView + 'static,
    /// The server function that takes the code.
    action: &'static str,
    /// Why the last code was refused, if one was.
    notice: Option<Flash>,
    /// What stands in the field at first.
    filled: Option<String>,
    /// What to say above it.
    note: Option<String>,
    /// The tenant that the code belongs to, where that is another one; and the server function that lets them go on there, with what
    /// it is told.
    other: Option<Tenant>,
    switch: (&'static str, Option<Hidden>),
    /// Where codes of the other kind are typed, and how to say so to whom this one was refused.
    other_kind: (&'static str, String),
    /// What to do with codes from somebody else.
    children: Children,
) -> impl IntoView {
    let w = translations();
    if let Some(notice) = &notice {
        context::set_error_status(notice);
    }
    let refused = notice.is_some();
    let typed = notice.as_ref().map(|notice| notice.input.clone()).filter(|typed| !typed.is_empty());
    let value = typed.or(filled).unwrap_or_default();
    view! {
        <PageContent title refused>
            {how}
            <PostForm action=action main=true class="enter-code" novalidate=true>
                <label for="user-code">{w.device_code()}</label>
                {notice.map(|notice| view! { <FormError id="user-code-error" sentence=notice.message/> })}
                {note.map(|sentence| view! { <p class="notice">{sentence}</p> })}
                <UserCodeInput value refused/>
                <p class="hint" id="user-code-hint">{w.device_hint_before()} " " <span translate="no" dir="ltr">"WDJB-MJHT"</span> {w.device_hint_after()}</p>
                <button class="main">{w.device_continue()}</button>
            </PostForm>
            {other.map(|tenant| view! {
                <PostForm action=switch.0 class="aside">
                    <input type="hidden" name="tenant" value=tenant.id.to_string()/>
                    {switch.1.map(|Hidden(name, value)| view! { <input type="hidden" name=name value=value/> })}
                    <button>{w.device_switch_to(tenant.display_name)}</button>
                </PostForm>
            })}
            {refused.then(|| view! { <p class="aside"><a href=other_kind.0>{other_kind.1}</a></p> })}
            <p class="aside">{children()}</p>
        </PageContent>
    }
}

/// The tenant a refused code belongs to, where that is another one.
pub async fn other_tenant(notice: Option<&Flash>) -> Option<Tenant> {
    let id = notice?.tenant.as_ref()?;
    context::services().ok()?.enabled_tenant(id).await.ok().flatten()
}
