//! `/identities/password`: changes the local password.

use axum::http::StatusCode;
use leptos::either::{Either, EitherOf3};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::super::components::{FormError, PageContent, PostForm, ServerError};
use crate::domain::paths::{self, ReturnTo};
use crate::i18n::to_count;
use crate::islands::SubmitOnce;
use crate::server::context::{self, translations};
use crate::server::service::SignedIn;
use crate::server::service::auth::people::{MIN_PASSWORD_CHARS, PasswordChangeRequirement};
use crate::server::sign_in::session::flash::Flash;
use crate::server_fns::passwords::ChangePassword as Change;

#[component]
pub fn ChangePassword() -> impl IntoView {
    Suspend::new(async move {
        let (Ok(services), Some(person)) = (context::services(), context::current_person()) else {
            return EitherOf3::C(view! { <ServerError/> });
        };
        match services.has_own_password(&person).await {
            Ok(true) => match services.password_change_requirement(&person) {
                PasswordChangeRequirement::SecondFactorFirst => {
                    context::redirect_to_url(&paths::second_factor_again(&ReturnTo::to(paths::IDENTITIES_PASSWORD)));
                    EitherOf3::A(Either::Left(()))
                }
                requirement => EitherOf3::A(Either::Right(view! { <Form person requirement flash=context::take_flash().await/> })),
            },
            Ok(false) => EitherOf3::B(view! { <NoPassword/> }),
            Err(fault) => {
                context::fault(fault);
                EitherOf3::C(view! { <ServerError/> })
            }
        }
    })
}

#[component]
fn Form(person: SignedIn, requirement: PasswordChangeRequirement, flash: Option<Flash>) -> impl IntoView {
    let t = translations();
    if let Some(flash) = &flash {
        context::set_error_status(flash);
    }
    let refused = flash.is_some();
    let ask = requirement == PasswordChangeRequirement::CurrentPassword;
    view! {
        <PageContent title=t.password_change() refused>
            <p class="lead">{t.password_lead()}</p>
            {flash.map(|flash| view! { <FormError id="password-error" sentence=flash.message/> })}
            <SubmitOnce>
                <PostForm action=Change::url() class="sign-in">
                    <label for="user-name">{t.sign_in_user_name()}</label>
                    <input id="user-name" name="user_name" type="text" value=person.user_id().to_string() autocomplete="username" readonly/>
                    {ask.then(|| view! {
                        <label for="current">{t.password_current()}</label>
                        <input
                            id="current"
                            name="current_password"
                            type="password"
                            autocomplete="current-password"
                            required
                            aria-describedby=refused.then_some("password-error")
                        />
                    })}
                    <label for="new">{t.password_new()}</label>
                    <input
                        id="new"
                        name="new_password"
                        type="password"
                        autocomplete="new-password"
                        required
                        minlength=MIN_PASSWORD_CHARS.to_string()
                        aria-describedby=if refused { "password-error password-hint" } else { "password-hint" }
                    />
                    <p class="hint" id="password-hint">{t.password_hint(to_count(MIN_PASSWORD_CHARS))}</p>
                    <label for="repeated">{t.password_repeated()}</label>
                    <input id="repeated" name="repeated_password" type="password" autocomplete="new-password" required/>
                    <p class="actions">
                        <button class="main">{t.password_change()}</button>
                        <a class="button" href=paths::IDENTITIES>{t.cancel()}</a>
                    </p>
                </PostForm>
            </SubmitOnce>
        </PageContent>
    }
}

/// Shown to people who sign in through an institution.
#[component]
fn NoPassword() -> impl IntoView {
    let t = translations();
    context::set_status(StatusCode::NOT_FOUND);
    view! {
        <PageContent title=t.password_change() refused=true>
            <p>{t.password_refused_none()}</p>
            <p><a class="button main" href=paths::IDENTITIES>{t.nav_identities()}</a></p>
        </PageContent>
    }
}
