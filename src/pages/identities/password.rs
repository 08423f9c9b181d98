//! `/identities/password`: changes the local password.

use axum::http::StatusCode;
use leptos::either::{Either, EitherOf3};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::super::components::{FormError, PageContent, PostForm, ServerError};
use crate::domain::paths::{self, ReturnTo};
use crate::islands::SubmitOnce;
use crate::server::context::people::{MIN_PASSWORD_CHARS, PasswordChangeRequirement};
use crate::server::context::{self, Flash, SignedIn, translations};
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
                proof => EitherOf3::A(Either::Right(view! { <Form person proof notice=context::take_flash().await/> })),
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
fn Form(person: SignedIn, proof: PasswordChangeRequirement, notice: Option<Flash>) -> impl IntoView {
    let w = translations();
    if let Some(notice) = &notice {
        context::set_error_status(notice);
    }
    let refused = notice.is_some();
    let ask = proof == PasswordChangeRequirement::CurrentPassword;
    view! {
        <PageContent title=w.password_change() refused>
            <p class="lead">{w.password_lead()}</p>
            {notice.map(|notice| view! { <FormError id="password-error" sentence=notice.message/> })}
            <SubmitOnce>
                <PostForm action=Change::url() class="sign-in">
                    <label for="user-name">{w.sign_in_user_name()}</label>
                    <input id="user-name" name="user_name" type="text" value=person.user_id().to_string() autocomplete="username" readonly/>
                    {ask.then(|| view! {
                        <label for="current">{w.password_current()}</label>
                        <input
                            id="current"
                            name="current_password"
                            type="password"
                            autocomplete="current-password"
                            required
                            aria-describedby=refused.then_some("password-error")
                        />
                    })}
                    <label for="new">{w.password_new()}</label>
                    <input
                        id="new"
                        name="new_password"
                        type="password"
                        autocomplete="new-password"
                        required
                        minlength=MIN_PASSWORD_CHARS.to_string()
                        aria-describedby=if refused { "password-error password-hint" } else { "password-hint" }
                    />
                    <p class="hint" id="password-hint">{w.password_hint(i64::try_from(MIN_PASSWORD_CHARS).unwrap_or(i64::MAX))}</p>
                    <label for="repeated">{w.password_repeated()}</label>
                    <input id="repeated" name="repeated_password" type="password" autocomplete="new-password" required/>
                    <p class="actions">
                        <button class="main">{w.password_change()}</button>
                        <a class="button" href=paths::IDENTITIES>{w.cancel()}</a>
                    </p>
                </PostForm>
            </SubmitOnce>
        </PageContent>
    }
}

/// Shown to people who sign in through an institution.
#[component]
fn NoPassword() -> impl IntoView {
    let w = translations();
    context::set_status(StatusCode::NOT_FOUND);
    view! {
        <PageContent title=w.password_change() refused=true>
            <p>{w.password_refused_none()}</p>
            <p><a class="button main" href=paths::IDENTITIES>{w.nav_identities()}</a></p>
        </PageContent>
    }
}
