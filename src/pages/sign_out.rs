//! `/sign-out/confirm`: whether to sign out, for a client that cannot show whose session it means (OpenID Connect RP-Initiated Logout 1.0 §2).

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::components::{Confirm, Hidden, ServerError};
use super::signed_out::SignedOutHere;
use crate::domain::paths;
use crate::server::context::{self, translations};

#[component]
pub fn ConfirmSignOut() -> impl IntoView {
    let sealed = use_query_map().with_untracked(|query| query.get("request").unwrap_or_default());
    Suspend::new(async move {
        let (Ok(services), Ok(caller)) = (context::services(), context::request_context()) else { return view! { <ServerError/> }.into_any() };
        let request = match services.open_sign_out(&sealed).await {
            Ok(request) => request,
            Err(fault) => {
                context::fault(fault);
                return view! { <ServerError/> }.into_any();
            }
        };
        if caller.signed_in.is_none() {
            return view! { <SignedOutHere request/> }.into_any();
        }
        let t = translations();
        let asks = request.and_then(|request| request.client_name).map(|app| t.sign_out_asked_by(app));
        view! {
            <Confirm title=t.sign_out_question() action=paths::SIGN_OUT fields=vec![Hidden("request", sealed)] button=t.sign_out()
                cancel=paths::HOME harmless=true>
                {asks.map(|asks| view! { <p>{asks}</p> })}
                <p>{t.sign_out_means()}</p>
            </Confirm>
        }
        .into_any()
    })
}
