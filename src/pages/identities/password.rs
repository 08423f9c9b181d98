//! `/identities/password`: a new local password.

use axum::http::StatusCode;
use leptos::either::{Either, EitherOf3};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::super::components::{Page, PostForm, Problem, Sorry};
use crate::domain::paths::{self, Onward};
use crate::islands::OnePress;
use crate::server::context::people::{FEWEST_CHARACTERS, PasswordProof};
use crate::server::context::{self, Notice, SignedIn, words};
use crate::server_fns::passwords::ChangePassword as Change;

#[component]
pub fn ChangePassword() -> impl IntoView {
    Suspend::new(async move {
        let (Ok(services), Some(person)) = (context::services(), context::visitor()) else {
            return EitherOf3::C(view! { <Sorry/> });
        };
        match services.has_own_password(&person).await {
            Ok(true) => match services.password_proof(&person) {
                PasswordProof::SecondFactorFirst => {
                    context::go_to(&paths::second_factor_again(&Onward::to(paths::IDENTITIES_PASSWORD)));
                    EitherOf3::A(Either::Left(()))
                }
                proof => EitherOf3::A(Either::Right(view! { <Form person proof notice=context::said().await/> })),
            },
            Ok(false) => EitherOf3::B(view! { <NoPassword/> }),
            Err(fault) => {
                context::fault(fault);
                EitherOf3::C(view! { <Sorry/> })
            }
        }
    })
}

#[component]
fn Form(person: SignedIn, proof: PasswordProof, notice: Option<Notice>) -> impl IntoView {
    let w = words();
    if let Some(notice) = &notice {
        context::set_refused(notice);
    }
    let refused = notice.is_some();
    let ask = proof == PasswordProof::Current;
    view! {
        <Page title=w.password_change() refused>
            <p class="lead">{w.password_lead()}</p>
            {notice.map(|notice| view! { <Problem id="password-error" sentence=notice.sentence/> })}
            <OnePress>
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
                        minlength=FEWEST_CHARACTERS.to_string()
                        aria-describedby=if refused { "password-error password-hint" } else { "password-hint" }
                    />
                    <p class="hint" id="password-hint">{w.password_hint(i64::try_from(FEWEST_CHARACTERS).unwrap_or(i64::MAX))}</p>
                    <label for="repeated">{w.password_repeated()}</label>
                    <input id="repeated" name="repeated_password" type="password" autocomplete="new-password" required/>
                    <p class="actions">
                        <button class="main">{w.password_change()}</button>
                        <a class="button" href=paths::IDENTITIES>{w.cancel()}</a>
                    </p>
                </PostForm>
            </OnePress>
        </Page>
    }
}

/// For a person who signs in through an institution.
#[component]
fn NoPassword() -> impl IntoView {
    let w = words();
    context::set_status(StatusCode::NOT_FOUND);
    view! {
        <Page title=w.password_change() refused=true>
            <p>{w.password_refused_none()}</p>
            <p><a class="button main" href=paths::IDENTITIES>{w.nav_identities()}</a></p>
        </Page>
    }
}
