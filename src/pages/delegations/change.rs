//! `/apps/change`: changes or revokes one delegation; `/apps/revoke`: revokes all of a client.

use leptos::either::{Either, EitherOf3};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::entry::{DelegationFacts, SignInFacts, delegation_name};
use crate::domain::pagination::ListQuery;
use crate::domain::paths;
use crate::domain::time::Timestamp;
use crate::pages::components::{AlreadyGone, Confirm, ExactTime, Hidden, ServerError};
use crate::server::context::{self, translations};
use crate::server_fns::delegations::{
    ChangeMyDelegation, ClientDelegationsItem, DelegationItem, DelegationOrigin, EndMySignIn, RevokeMyClient, RevokeMyDelegation, SignInItem,
    find_my_client, find_my_delegation,
};

/// The list that the confirmation was opened from.
fn list() -> &'static str {
    paths::apps_list(&use_query_map().with_untracked(|query| query.get("back").unwrap_or_default()))
}

#[component]
pub fn ChangeDelegation() -> impl IntoView {
    let (app, end) = use_query_map().with_untracked(|query| (query.get("app").and_then(|app| app.parse().ok()), query.get("end").is_some()));
    let sign_in = use_query_map().with_untracked(|query| query.get("sign_in"));
    Suspend::new(async move {
        let found = find_my_delegation(app.unwrap_or_default(), String::new()).await;
        if let Some(id) = sign_in {
            return EitherOf3::C(match found {
                Ok(app) => match app.and_then(|app| Some((app.sign_ins.into_iter().find(|sign_in| sign_in.id == id)?, app.client.name))) {
                    Some((sign_in, client)) => EitherOf3::A(view! { <EndSignInQuestion sign_in client/> }),
                    None => EitherOf3::B(view! { <AlreadyGone back=list()/> }),
                },
                Err(_) => EitherOf3::C(view! { <ServerError/> }),
            });
        }
        match found {
            Ok(Some(app)) if end => EitherOf3::A(EitherOf3::A(view! { <RevokeQuestion app/> })),
            Ok(Some(app)) => EitherOf3::A(EitherOf3::B(view! { <ExpiryQuestion app/> })),
            Ok(None) => EitherOf3::A(EitherOf3::C(view! { <AlreadyGone back=list()/> })),
            Err(_) => EitherOf3::B(view! { <ServerError/> }),
        }
    })
}

#[component]
fn EndSignInQuestion(
    sign_in: SignInItem,
    /// The client's name.
    client: String,
) -> impl IntoView {
    let t = translations();
    view! {
        <Confirm
            title=t.apps_sign_in_end_question(client)
            action=EndMySignIn::url()
            fields=vec![Hidden("sign_in", sign_in.id.clone())]
            button=t.apps_sign_in_end()
            cancel=paths::APPS
            list=list()
        >
            <SignInFacts sign_in=sign_in.clone()/>
            <p class="warning">{t.apps_sign_in_end_consequence()}</p>
        </Confirm>
    }
}

/// Asks by the device's name, or without a device by how the access was created.
fn revoke_question(app: &DelegationItem) -> String {
    let (t, client) = (translations(), app.client.name.as_str());
    match (&app.device, app.origin) {
        (Some(_), _) => t.apps_end_question(delegation_name(app, false), client),
        (None, DelegationOrigin::Administrator) => t.apps_end_question_admin(client),
        (None, DelegationOrigin::Imported) => t.apps_end_question_imported(client),
        (None, DelegationOrigin::Consent) => t.apps_end_question_consent(client),
    }
}

#[component]
pub fn RevokeQuestion(app: DelegationItem) -> impl IntoView {
    let t = translations();
    view! {
        <Confirm
            title=revoke_question(&app)
            action=RevokeMyDelegation::url()
            fields=vec![Hidden("app", app.number.to_string())]
            button=t.apps_revoke_access()
            cancel=paths::APPS
            list=list()
        >
            <DelegationFacts app=app.clone()/>
            <p class="warning">{t.apps_end_consequence(app.revocable_keys)}</p>
        </Confirm>
    }
}

#[component]
pub fn RevokeApplication() -> impl IntoView {
    let client = use_query_map().with_untracked(|query| query.get("client").unwrap_or_default());
    Suspend::new(async move {
        match find_my_client(client, ListQuery::default()).await {
            Ok(Some(found)) if found.client.active > 0 => EitherOf3::A(view! { <RevokeAllQuestion client=found.client/> }),
            Ok(_) => EitherOf3::B(view! { <AlreadyGone back=list()/> }),
            Err(_) => EitherOf3::C(view! { <ServerError/> }),
        }
    })
}

#[component]
fn RevokeAllQuestion(client: ClientDelegationsItem) -> impl IntoView {
    let t = translations();
    view! {
        <Confirm
            title=t.apps_revoke_question(client.client.name)
            action=RevokeMyClient::url()
            fields=vec![Hidden("client", client.client_id)]
            button=t.apps_revoke_access()
            cancel=paths::APPS
            list=list()
        >
            <p class="warning">{t.apps_revoke_consequence(client.active)} " " {t.apps_revoke_keys(client.keys)} " " {t.apps_revoke_then()}</p>
        </Confirm>
    }
}

#[component]
fn ExpiryQuestion(app: DelegationItem) -> impl IntoView {
    let t = translations();
    let now = context::services().map(|services| services.now()).ok();
    let end = move |seconds: u64| now.map(|now| now + std::time::Duration::from_secs(seconds));
    view! {
        <Confirm
            title=t.apps_change_question(app.client.name)
            action=ChangeMyDelegation::url()
            fields=vec![Hidden("app", app.number.to_string())]
            button=t.apps_change_button()
            cancel=paths::APPS
            list=list()
            harmless=true
        >
            {if app.until >= Timestamp::FOREVER {
                Either::Left(view! { <p>{t.apps_change_never()}</p> })
            } else {
                Either::Right(view! { <p>{t.apps_change_now()} " " <ExactTime at=app.until/></p> })
            }}
            <fieldset>
                <legend>{t.apps_change_to()}</legend>
                {app.ends.into_iter().enumerate().map(|(n, seconds)| view! {
                    <label class="choice">
                        <input type="radio" name="ends" value=seconds.to_string() checked=n == 0/>
                        <span>
                            <strong>{t.format_duration(std::time::Duration::from_secs(seconds))}</strong>
                            " "
                            {end(seconds).map(|at| view! { <span class="hint"><ExactTime at/></span> })}
                        </span>
                    </label>
                }).collect_view()}
            </fieldset>
            <p class="hint">{t.apps_change_hint()}</p>
        </Confirm>
    }
}
