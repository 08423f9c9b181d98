//! Where and about what the person gets e-mail.

use leptos::either::Either;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use crate::pages::components::PostForm;
use crate::server::context::translations;
use crate::server::service::notifications::MailPreferences;
use crate::server_fns::notifications::SetOptionalMail;

/// A section; nothing if the server sends no e-mail.
#[component]
pub fn Mail(preferences: Option<MailPreferences>) -> impl IntoView {
    let t = translations();
    preferences.filter(|preferences| preferences.enabled).map(|preferences| {
        let origin = if preferences.issuer.is_some() { t.mail_from_institution() } else { t.mail_from_admin() };
        view! {
            <section aria-labelledby="mail">
                <h2 id="mail">{t.mail_title()}</h2>
                {match preferences.address {
                    None => Either::Left(view! { <p class="hint">{t.mail_no_address()}</p> }),
                    Some(address) => Either::Right(view! {
                        <p>{t.mail_sent_to(address.as_str())} " " {origin}</p>
                        <p class="hint">{t.mail_always()}</p>
                        <PostForm action=SetOptionalMail::url()>
                            <label class="choice">
                                <input type="checkbox" name="optional" value="1" checked=preferences.optional_mail/>
                                {t.mail_optional()}
                            </label>
                            <button>{t.mail_save()}</button>
                        </PostForm>
                    }),
                }}
            </section>
        }
    })
}
