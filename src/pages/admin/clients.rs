//! `/admin/clients`.

mod products;
mod registration;

use leptos::either::{Either, EitherOf3};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;
use serde_json::json;

use self::products::{ClaimsPreview, Preview, Products};
use self::registration::{Addresses, Authentication, Rules, SetUpCommand};
use super::components::{AdminPage, Checkbox, CurlExample};
use crate::domain::client::registration::{ClientAuthMethod, GrantType, GrantTypes, PkceRule};
use crate::domain::client::{Client, ClientDetail};
use crate::domain::pagination::{ListQuery, Page};
use crate::domain::paths::{self, encode};
use crate::domain::scope::{Scope, ScopeSet};
use crate::pages::components::{AlreadyGone, Confirm, EmptyList, FlashMessage, Hidden, List, ListOption, PostForm, RelativeTime, ServerError};
use crate::pages::list_query;
use crate::server::context::{self, translations};
use crate::server::sign_in::session::flash::Flash;
use crate::server_fns::admin::clients::{
    AddClient, DeleteClient, EndClientAccess, RotateClient, SetUpClient, find_client, list_clients, preview_claims,
};

#[component]
pub fn Clients() -> impl IntoView {
    let query = list_query();
    Suspend::new(async move {
        match list_clients(query.clone()).await {
            Ok(clients) => Either::Left(view! { <ClientList clients query said=context::take_flash().await/> }),
            Err(_) => Either::Right(view! { <ServerError/> }),
        }
    })
}

#[component]
fn ClientList(clients: Page<Client>, query: ListQuery, said: Option<Flash>) -> impl IntoView {
    let t = translations();
    let filters = vec![
        ListOption("", t.admin_clients_show_all()),
        ListOption("enabled", t.admin_clients_show_enabled()),
        ListOption("disabled", t.admin_clients_show_disabled()),
        ListOption("public", t.admin_clients_show_public()),
    ];
    let Page { items, next, position } = clients;
    let shown = items.len();
    view! {
        <AdminPage title=t.admin_clients() here=paths::ADMIN_CLIENTS>
            <FlashMessage flash=said/>
            <p class="actions"><a class="button" href=paths::ADMIN_CLIENTS_ADD>{t.admin_clients_add()}</a></p>
            <List path=paths::ADMIN_CLIENTS query=query.clone() search_for=t.admin_clients_search_for() filters shown next position>
                {if items.is_empty() {
                    Either::Left(view! { <EmptyList title=t.admin_clients_empty() query><p class="hint">{t.admin_clients_empty_hint()}</p></EmptyList> })
                } else {
                    Either::Right(view! { <ul class="rows">{items.into_iter().map(|client| view! { <ClientEntry client/> }).collect_view()}</ul> })
                }}
            </List>
            <CurlExample call="GET /v1/tms/client/list"/>
        </AdminPage>
    }
}

#[component]
fn ClientEntry(client: Client) -> impl IntoView {
    let t = translations();
    let address = format!("{}?client={}", paths::ADMIN_CLIENT, encode(client.id.as_str()));
    view! {
        <li class="row-card">
            <div class="what">
                <h2><a href=address><bdi>{client.app_name.clone()}</bdi></a> " " <Badges client=client.clone()/></h2>
                <dl class="facts short">
                    <div><dt>{t.admin_id()}</dt><dd><code translate="no" dir="ltr">{client.id.to_string()}</code></dd></div>
                    <div><dt>{t.admin_clients_app_version()}</dt><dd><bdi>{client.app_version.clone()}</bdi></dd></div>
                    <div><dt>{t.admin_made()}</dt><dd><RelativeTime at=client.created_at/></dd></div>
                </dl>
            </div>
        </li>
    }
}

#[component]
fn Badges(client: Client) -> impl IntoView {
    let t = translations();
    view! {
        {if client.enabled {
            Either::Left(view! { <span class="badge good">{t.admin_enabled()}</span> })
        } else {
            Either::Right(view! { <span class="badge bad">{t.admin_disabled()}</span> })
        }}
        {client.is_public().then(|| view! { " " <span class="badge">{t.admin_clients_public()}</span> })}
        {client.verified.then(|| view! { " " <span class="badge good">{t.admin_clients_verified()}</span> })}
    }
}

#[component]
pub fn AddAClient() -> impl IntoView {
    Suspend::new(async move {
        let (t, said) = (translations(), context::take_flash().await);
        view! {
            <AdminPage title=t.admin_clients_add() here=paths::ADMIN_CLIENTS refused=said.is_some()>
                <FlashMessage flash=said/>
                <PostForm action=AddClient::url() main=true class="narrow">
                    <label for="client">{t.admin_id()}</label>
                    <input id="client" name="client" type="text" required autocomplete="off" autocapitalize="none" spellcheck="false"/>
                    <label for="app-name">{t.admin_clients_app_name()}</label>
                    <input id="app-name" name="app_name" type="text" required maxlength="150" autocomplete="off"/>
                    <label for="app-version">{t.admin_clients_app_version()}</label>
                    <input id="app-version" name="app_version" type="text" required maxlength="50" autocomplete="off"/>
                    <PermissionFields scope=ScopeSet::default() device_grant=false grant_types=GrantTypes::default()/>
                    <button class="main">{t.admin_clients_add_button()}</button>
                </PostForm>
                <CurlExample call="POST /v1/tms/client"/>
            </AdminPage>
        }
    })
}

/// Grant types and scopes.
#[component]
fn PermissionFields(scope: ScopeSet, device_grant: bool, grant_types: GrantTypes) -> impl IntoView {
    let t = translations();
    let grant_type = |of: GrantType, checked: bool, text: String| view! { <Checkbox name="grant_type[]" value=of.as_str() checked text/> };
    view! {
        <fieldset>
            <legend>{t.admin_clients_may()}</legend>
            <Checkbox name="device_grant" checked=device_grant text=t.admin_clients_device_grant()/>
            {grant_type(GrantType::AuthorizationCode, grant_types.authorization_code, t.admin_clients_code_grant())}
            {grant_type(GrantType::RefreshToken, grant_types.refresh_token, t.admin_clients_refresh_grant())}
            {grant_type(GrantType::ClientCredentials, grant_types.client_credentials, t.admin_clients_own_tokens())}
            {Scope::ALL.into_iter().map(|one| view! {
                <Checkbox name="scope[]" value=one.as_str() checked=scope.contains(one) text=one.as_str().to_owned()/>
            }).collect_view()}
        </fieldset>
    }
}

#[component]
pub fn OneClient() -> impl IntoView {
    let (client, person) = use_query_map().with_untracked(|query| (query.get("client").unwrap_or_default(), query.get("person").unwrap_or_default()));
    Suspend::new(async move {
        let preview = match person.trim() {
            "" => Ok(None),
            person => preview_claims(client.clone(), person.to_owned()).await.map(|claims| Some(Preview { person: person.to_owned(), claims })),
        };
        match (find_client(client).await, preview) {
            (Ok(Some(client)), Ok(preview)) => EitherOf3::A(view! { <Detail client preview said=context::take_flash().await/> }),
            (Ok(None), Ok(_)) => EitherOf3::B(view! { <AlreadyGone back=paths::ADMIN_CLIENTS/> }),
            (Err(_), _) | (_, Err(_)) => EitherOf3::C(view! { <ServerError/> }),
        }
    })
}

#[component]
fn Detail(client: ClientDetail, preview: Option<Preview>, said: Option<Flash>) -> impl IntoView {
    let t = translations();
    let ClientDetail { client, uris, old_secret_until, keys, people } = client;
    let (id, public, scope) = (client.id.to_string(), client.is_public(), client.scope.clone());
    view! {
        <AdminPage title=client.app_name.clone() here=paths::ADMIN_CLIENTS>
            <FlashMessage flash=said/>
            <p><Badges client=client.clone()/></p>
            {(client.pkce == PkceRule::Off).then(|| view! { <p class="warning">{t.admin_clients_pkce_off_warning()}</p> })}
            <dl class="facts">
                <dt>{t.admin_id()}</dt>
                <dd><code translate="no" dir="ltr">{id.clone()}</code></dd>
                <dt>{t.admin_clients_app_version()}</dt>
                <dd><bdi>{client.app_version.clone()}</bdi></dd>
                <dt>{t.admin_made()}</dt>
                <dd><RelativeTime at=client.created_at/></dd>
                <dt>{t.admin_keys()}</dt>
                <dd><a href=format!("{}?q={}", paths::ADMIN_KEYS, encode(&id))>{keys}</a></dd>
                <dt>{t.admin_people()}</dt>
                <dd><a href=format!("{}?q={}", paths::ADMIN_DELEGATIONS, encode(&id))>{people}</a></dd>
            </dl>
            <section aria-labelledby="set-up">
                <h2 id="set-up">{t.admin_clients_set_up()}</h2>
                <PostForm action=SetUpClient::url() main=true class="narrow" clone:id>
                    <input type="hidden" name="client" value=id.clone()/>
                    <input type="hidden" name="seen" value=client.updated_at.as_millis().to_string()/>
                    <input type="hidden" name="grant_type[]" value=""/>
                    <fieldset>
                        <legend>{t.admin_clients_standing()}</legend>
                        <Checkbox name="enabled" checked=client.enabled text=t.admin_clients_enabled_means()/>
                        {(!public).then(|| view! { <Checkbox name="verified" checked=client.verified text=t.admin_clients_verified_means()/> })}
                    </fieldset>
                    <PermissionFields scope=scope.clone() device_grant=client.device_grant grant_types=client.grant_types/>
                    <button class="main">{t.admin_save()}</button>
                </PostForm>
                <CurlExample call="PATCH /v1/tms/client/upd/{client_id}" with=vec![("client_id", json!(id)), ("enabled", json!(client.enabled))]/>
            </section>
            <Addresses client=client.clone() uris=uris.clone()/>
            <Authentication client=client.clone() jwks_uri=uris.jwks.clone()/>
            <Rules client=client.clone()/>
            <SetUpCommand client=client.clone() uris=uris.clone()/>
            <Products client=client.clone() uris/>
            <ClaimsPreview client=client.clone() preview/>
            {(client.auth_method == ClientAuthMethod::Secret).then(|| view! {
                <section aria-labelledby="secret">
                    <h2 id="secret">{t.admin_clients_secret()}</h2>
                    {old_secret_until.map(|until| view! { <p>{t.admin_clients_old_secret()} " " <RelativeTime at=until/></p> })}
                    <PostForm action=RotateClient::url() class="narrow" clone:id>
                        <input type="hidden" name="client" value=id.clone()/>
                        <label for="overlap">{t.admin_clients_overlap()}</label>
                        <input id="overlap" name="overlap" type="number" min="0" max="720" value="1" required/>
                        <button class="main">{t.admin_clients_rotate()}</button>
                    </PostForm>
                    <CurlExample call="PATCH /v1/tms/client/secret/{client_id}" with=vec![("client_id", json!(id)), ("overlap_minutes", json!(60))]/>
                </section>
            })}
            <section aria-labelledby="end-access">
                <h2 id="end-access">{t.admin_clients_end_access()}</h2>
                <p class="hint">{t.admin_clients_end_access_hint()}</p>
                <p><a class="button danger" href=format!("{}?client={}&access=1", paths::ADMIN_CLIENT_DELETE, encode(&id)) data-confirm="">{t.admin_clients_end_access()}</a></p>
            </section>
            <section aria-labelledby="delete">
                <h2 id="delete">{t.admin_clients_delete()}</h2>
                <p><a class="button danger" href=format!("{}?client={}", paths::ADMIN_CLIENT_DELETE, encode(&id)) data-confirm="">{t.admin_clients_delete()}</a></p>
                <CurlExample call="DELETE /v1/tms/client/del/{client_id}" with=vec![("client_id", json!(id))]/>
            </section>
        </AdminPage>
    }
}

/// Asks whether to delete a client, or with `access` in the query, whether to end its access only.
#[component]
pub fn DeleteAClient() -> impl IntoView {
    let (client, access) = use_query_map().with_untracked(|query| (query.get("client").unwrap_or_default(), query.get("access").is_some()));
    Suspend::new(async move {
        let t = translations();
        match find_client(client).await {
            Ok(Some(ClientDetail { client, .. })) if access => EitherOf3::A(Either::Left(view! {
                <Confirm
                    title=t.admin_clients_end_access_question(client.app_name)
                    action=EndClientAccess::url()
                    fields=vec![Hidden("client", client.id.to_string())]
                    button=t.admin_clients_end_access()
                    cancel=format!("{}?client={}", paths::ADMIN_CLIENT, encode(client.id.as_str()))
                >
                    <p class="warning">{t.admin_clients_end_access_consequence()}</p>
                </Confirm>
            })),
            Ok(Some(ClientDetail { client, keys, people, .. })) => EitherOf3::A(Either::Right(view! {
                <Confirm
                    title=t.admin_clients_delete_question(client.app_name)
                    action=DeleteClient::url()
                    fields=vec![Hidden("client", client.id.to_string())]
                    button=t.admin_clients_delete()
                    cancel=paths::ADMIN_CLIENTS
                >
                    <p class="warning">{t.admin_clients_delete_consequence(keys, people)}</p>
                </Confirm>
            })),
            Ok(None) => EitherOf3::B(view! { <AlreadyGone back=paths::ADMIN_CLIENTS/> }),
            Err(_) => EitherOf3::C(view! { <ServerError/> }),
        }
    })
}
