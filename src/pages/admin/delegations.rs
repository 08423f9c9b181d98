//! `/admin/delegations`.

use leptos::either::Either;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;
use serde_json::json;

use super::components::{AdminPage, CurlExample};
use crate::domain::pagination::{ListQuery, Page};
use crate::domain::paths::{self, encode};
use crate::pages::components::{ClientName, Confirm, EmptyList, FlashMessage, Hidden, List, ListOption, PostForm, ServerError, confirm_url};
use crate::pages::delegations::{DelegationDetails, DelegationFacts, StateBadge, delegation_name};
use crate::pages::list_query;
use crate::server::context::{self, translations};
use crate::server::sign_in::session::flash::Flash;
use crate::server_fns::admin::delegations::{AddDelegation, EndDelegation, PersonDelegationItem, list_delegations};
use crate::server_fns::delegations::DelegationState;

#[component]
pub fn Delegations() -> impl IntoView {
    let query = list_query();
    Suspend::new(async move {
        match list_delegations(query.clone()).await {
            Ok(delegations) => Either::Left(view! { <DelegationList delegations query said=context::take_flash().await/> }),
            Err(_) => Either::Right(view! { <ServerError/> }),
        }
    })
}

#[component]
fn DelegationList(delegations: Page<PersonDelegationItem>, query: ListQuery, said: Option<Flash>) -> impl IntoView {
    let t = translations();
    let filters = vec![ListOption("", t.apps_show_in_force()), ListOption("ended", t.apps_show_ended()), ListOption("all", t.apps_show_all())];
    let orders = vec![ListOption("", t.apps_sort_made()), ListOption("expires", t.apps_sort_expires()), ListOption("client", t.apps_sort_client())];
    let Page { items, next, position } = delegations;
    let shown = items.len();
    view! {
        <AdminPage title=t.admin_delegations() here=paths::ADMIN_DELEGATIONS>
            <FlashMessage flash=said/>
            <p class="actions"><a class="button" href=paths::ADMIN_DELEGATIONS_ADD>{t.admin_delegations_add()}</a></p>
            <List path=paths::ADMIN_DELEGATIONS query=query.clone() search_for=t.admin_delegations_search_for() filters orders shown next position>
                {if items.is_empty() {
                    Either::Left(view! { <EmptyList title=t.admin_delegations_empty() query><p class="hint">{t.admin_delegations_empty_hint()}</p></EmptyList> })
                } else {
                    Either::Right(view! { <ul class="rows">{items.into_iter().map(|item| view! { <DelegationEntry item/> }).collect_view()}</ul> })
                }}
            </List>
            <CurlExample call="GET /v1/tms/delegations/list"/>
        </AdminPage>
    }
}

#[component]
fn DelegationEntry(item: PersonDelegationItem) -> impl IntoView {
    let t = translations();
    let PersonDelegationItem { user, app } = item;
    let in_force = app.state == DelegationState::Active;
    let person = format!("{}?user={}", paths::ADMIN_PERSON, encode(&user));
    let end = confirm_url(&format!("{}?client={}&user={}", paths::ADMIN_DELEGATION_END, encode(&app.client_id), encode(&user)));
    let label = t.admin_delegations_end_this(app.client.name.as_str(), user.as_str());
    view! {
        <li class="row-card">
            <div class="what">
                <h2><ClientName client=app.client.clone()/> " → " <a href=person><bdi>{user}</bdi></a></h2>
                <p><bdi>{delegation_name(&app, true)}</bdi> <StateBadge state=app.state/></p>
                <DelegationFacts app=app.clone()/>
                <DelegationDetails app for_admin=true/>
            </div>
            {in_force.then(|| view! { <a class="button danger" href=end data-confirm="" aria-label=label>{t.admin_delegations_end()}</a> })}
        </li>
    }
}

#[component]
pub fn AddADelegation() -> impl IntoView {
    Suspend::new(async move {
        let (t, said) = (translations(), context::take_flash().await);
        view! {
            <AdminPage title=t.admin_delegations_add() here=paths::ADMIN_DELEGATIONS refused=said.is_some()>
                <FlashMessage flash=said/>
                <p class="lead">{t.admin_delegations_add_means()}</p>
                <PostForm action=AddDelegation::url() main=true class="narrow">
                    <label for="client">{t.admin_clients_id()}</label>
                    <input id="client" name="client" type="text" required autocomplete="off" autocapitalize="none" spellcheck="false"/>
                    <label for="user">{t.admin_user_name()}</label>
                    <input id="user" name="user" type="text" required autocomplete="off" autocapitalize="none" spellcheck="false"/>
                    <label for="days">{t.admin_days()}</label>
                    <input id="days" name="days" type="number" min="0" max="36500" value="30" required/>
                    <button class="main">{t.admin_delegations_add()}</button>
                </PostForm>
                <CurlExample call="POST /v1/tms/delegations" with=vec![("ttl_minutes", json!(43_200))]/>
            </AdminPage>
        }
    })
}

#[component]
pub fn EndADelegation() -> impl IntoView {
    let (client, user) = use_query_map().with_untracked(|query| (query.get("client").unwrap_or_default(), query.get("user").unwrap_or_default()));
    let t = translations();
    view! {
        <Confirm
            title=t.admin_delegations_end_question(client.as_str(), user.as_str())
            action=EndDelegation::url()
            fields=vec![Hidden("client", client), Hidden("user", user)]
            button=t.admin_delegations_end()
            cancel=paths::ADMIN_DELEGATIONS
            list=paths::ADMIN_DELEGATIONS
        >
            <p class="warning">{t.admin_delegations_end_consequence()}</p>
        </Confirm>
    }
}
