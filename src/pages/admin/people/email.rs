//! A person's e-mail address, on their page.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use crate::pages::components::PostForm;
use crate::server::context::translations;
use crate::server_fns::admin::people::{EmailItem, SetPersonEmail};

#[component]
pub fn Email(user: String, email: Option<EmailItem>) -> impl IntoView {
    let t = translations();
    let (address, origin) = match email {
        None => (String::new(), t.admin_people_email_none()),
        Some(email) if email.from_institution => (email.address, t.admin_people_email_claimed()),
        Some(email) => (email.address, t.admin_people_email_set()),
    };
    view! {
        <section aria-labelledby="email-heading">
            <h2 id="email-heading">{t.admin_people_email()}</h2>
            <p>{(!address.is_empty()).then(|| view! { <bdi dir="ltr" translate="no">{address.clone()}</bdi> ", " })} {origin}</p>
            <PostForm action=SetPersonEmail::url() class="list-tools">
                <input type="hidden" name="user" value=user/>
                <div class="field">
                    <label for="email">{t.admin_people_email()}</label>
                    <input id="email" name="email" type="text" inputmode="email" maxlength="254" autocomplete="off" spellcheck="false" aria-describedby="email-hint" value=address/>
                </div>
                <button>{t.mail_save()}</button>
            </PostForm>
            <p class="hint" id="email-hint">{t.admin_people_email_hint()}</p>
        </section>
    }
}
