//! `/signed-out`: the person has signed out here, and perhaps not yet at the institution.

use leptos::either::{Either, EitherOf3};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::components::{PageContent, ServerError};
use crate::domain::paths::{self, ReturnTo};
use crate::server::context::{self, translations};

#[component]
pub fn SignedOut() -> impl IntoView {
    let back = use_query_map().with_untracked(|query| query.get("state"));
    let then = ReturnTo::from_untrusted(&use_query_map().with_untracked(|query| query.get("then").unwrap_or_default()));
    let sign_in = paths::sign_in(None, &then);
    Suspend::new(async move {
        let Ok(caller) = context::request_context() else { return EitherOf3::C(Either::Left(view! { <ServerError/> })) };
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
        EitherOf3::B(view! {
            <PageContent title=t.signed_out_title()>
                {match here {
                    Some(here) => Either::Left(view! {
                        <p class="lead">{t.signed_out_here(here.institution.as_str())}</p>
                        <p class="hint">{t.signed_out_shared(here.institution.as_str())}</p>
                        <p class="actions">
                            {here.end_session_url.map(|_| view! {
                                <a class="button main" href=paths::UPSTREAM_LOGOUT rel="external">{t.signed_out_there_too(here.institution)}</a>
                            })}
                            <a class="button" href=sign_in>{t.signed_out_again()}</a>
                        </p>
                    }),
                    None => Either::Right(view! {
                        <p class="lead">{t.signed_out_lead()}</p>
                        <p><a class="button" href=sign_in>{t.sign_in()}</a></p>
                    }),
                }}
            </PageContent>
        })
    })
}
