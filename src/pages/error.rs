//! Error pages.

use leptos::prelude::*;

use super::components::{DocumentTitle, Frame, PostForm, TenantHelpContact};
use crate::domain::ids::TenantId;
use crate::domain::paths::{self, ReturnTo};
use crate::server::context::{self, translations};

/// The page for a status code. As a context value it replaces all pages.
#[derive(Clone)]
pub struct ErrorPage {
    pub status: u16,
    /// Details of a form that belongs to another account.
    pub form: Option<FormElsewhere>,
}

/// A form that was rendered for another account than the signed-in one.
#[derive(Clone)]
pub struct FormElsewhere {
    /// The form's page.
    pub page: ReturnTo,
    /// The tenant of the form's account, if the form names one.
    pub tenant: Option<TenantId>,
}

impl ErrorPage {
    pub fn view(self) -> impl IntoView {
        let (title, sentence) = self.messages();
        if let Ok(status) = self.status.try_into() {
            crate::server::context::set_status(status);
        }
        view! {
            <DocumentTitle title=title.clone() refused=true/>
            <Frame>
                <article class="page">
                    <h1>{title}</h1>
                    <p>{sentence}</p>
                    {self.form.map(|form| view! { <AccountLinks form/> })}
                    <p><a class="button" href=paths::HOME>{translations().error_home()}</a></p>
                    // A portal that is overloaded reads nothing more.
                    {context::request_id().map(|id| view! { <p class="hint">{translations().error_reference(id)}</p> })}
                    {(self.status != 503).then(|| view! { <TenantHelpContact/> })}
                </article>
            </Frame>
        }
    }

    fn messages(&self) -> (String, String) {
        let t = translations();
        match self.status {
            400 if context::is_authorization_endpoint() => (t.authorize_refused(), t.authorize_refused_means()),
            400 | 415 | 422 => (t.error_bad(), t.error_bad_means()),
            401 => (t.error_sign_in(), t.error_sign_in_means()),
            403 => (t.error_forbidden(), t.error_forbidden_means()),
            404 => (t.error_not_found(), t.error_not_found_means()),
            405 => (t.error_method(), t.error_method_means()),
            409 => (t.error_other_account(), other_account()),
            413 => (t.error_too_large(), t.error_too_large_means()),
            429 => (t.error_too_many(), t.error_too_many_means()),
            503 => (t.error_busy(), t.error_busy_means()),
            _ => (t.error_fault(), t.error_fault_means()),
        }
    }
}

/// Links to the form's page, as the signed-in person or as the other one.
#[component]
fn AccountLinks(form: FormElsewhere) -> impl IntoView {
    let t = translations();
    let FormElsewhere { page, tenant } = form;
    let then = page.as_str().to_owned();
    view! {
        <p><a class="button main" href=then.clone()>{t.error_page_again()}</a></p>
        {tenant.map(|tenant| view! {
            <PostForm action=paths::SIGN_OUT>
                <input type="hidden" name="tenant" value=tenant.to_string()/>
                <input type="hidden" name="then" value=then/>
                <p><button>{t.error_other_account_sign_in()}</button></p>
            </PostForm>
        })}
    }
}

/// The sentence that names the signed-in account, to which the form does not belong.
fn other_account() -> String {
    let t = translations();
    context::current_person()
        .map_or_else(|| t.error_bad_means(), |person| t.error_other_account_means(t.person_at(person.user_id().as_str(), person.tenant_name())))
}
