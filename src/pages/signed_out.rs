//! `/signed-out`: the person has signed out here, and perhaps not yet at the institution; perhaps for a client, to which they go back.

use leptos::either::{Either, EitherOf3};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::components::{PageContent, ServerError};
use crate::domain::paths::{self, ReturnTo};
use crate::server::context::{self, translations};
use crate::server::service::auth::sign_out_requests::OpenSignOutRequest;

#[component]
pub fn SignedOut() -> impl IntoView {
    let back = use_query_map().with_untracked(|query| query.get("state"));
    let then = ReturnTo::from_untrusted(&use_query_map().with_untracked(|query| query.get("then").unwrap_or_default()));
    let sealed = use_query_map().with_untracked(|query| query.get("request").unwrap_or_default());
    let sign_in = paths::sign_in(None, &then);
    Suspend::new(async move {
        let (Ok(services), Ok(caller)) = (context::services(), context::request_context()) else {
            return EitherOf3::C(Either::Left(view! { <ServerError/> }));
        };
        if caller.signed_in.is_some() {
            context::see_other(paths::HOME);
            return EitherOf3::C(Either::Right(()));
        }
        let t = translations();
        let here = match caller.session.upstream_logout().await {
            Ok(here) => here,
            Err(fault) => {
                context::fault(fault);
                return EitherOf3::C(Either::Left(view! { <ServerError/> }));
            }
        };
        if back.is_some() && here.as_ref().map(|here| &here.state) == back.as_ref() {
            if let Err(fault) = caller.session.forget_upstream_logout().await {
                context::fault(fault);
            }
            let institution = here.map(|here| here.institution).unwrap_or_default();
            return EitherOf3::A(view! {
                <PageContent title=t.signed_out_title()>
                    <p class="lead">{t.signed_out_both(institution)}</p>
                    <p><a class="button" href=sign_in>{t.sign_in()}</a></p>
                </PageContent>
            });
        }
        let request = match services.open_sign_out(&sealed).await {
            Ok(request) => request,
            Err(fault) => {
                context::fault(fault);
                return EitherOf3::C(Either::Left(view! { <ServerError/> }));
            }
        };
        EitherOf3::B(match here {
            None => Either::Right(view! { <SignedOutHere request sign_in/> }),
            Some(here) => Either::Left(view! {
                <PageContent title=t.signed_out_title()>
                    <p class="lead">{t.signed_out_here(here.institution.as_str())}</p>
                    <p class="hint">{t.signed_out_shared(here.institution.as_str())}</p>
                    <p class="actions">
                        {here.end_session_url.map(|_| view! {
                            <a class="button main" href=paths::UPSTREAM_LOGOUT rel="external">{t.signed_out_there_too(here.institution)}</a>
                        })}
                        <ReturnLink request/>
                        <a class="button" href=sign_in>{t.signed_out_again()}</a>
                    </p>
                </PageContent>
            }),
        })
    })
}

/// No one is signed in here. Goes back to the client by itself, or by its link: after a form the browser follows no redirect to another site
/// (`form-action 'self'`).
#[component]
pub fn SignedOutHere(request: Option<OpenSignOutRequest>, #[prop(optional, into)] sign_in: Option<String>) -> impl IntoView {
    let t = translations();
    if let Some(address) = request.as_ref().and_then(OpenSignOutRequest::return_to) {
        context::refresh_to(address);
    }
    let sign_in = sign_in.unwrap_or_else(|| paths::sign_in(None, &ReturnTo::default()));
    view! {
        <PageContent title=t.signed_out_title()>
            <p class="lead">{t.signed_out_lead()}</p>
            <p class="actions">
                <ReturnLink request/>
                <a class="button" href=sign_in>{t.sign_in()}</a>
            </p>
        </PageContent>
    }
}

/// The way back to the client that asked, if it registered one.
#[component]
fn ReturnLink(request: Option<OpenSignOutRequest>) -> impl IntoView {
    let t = translations();
    request.and_then(|request| {
        let (address, app) = (request.return_to()?.to_owned(), request.client_name.clone()?);
        Some(view! { <a class="button main" href=address rel="external noreferrer">{t.signed_out_back_to(app)}</a> })
    })
}
