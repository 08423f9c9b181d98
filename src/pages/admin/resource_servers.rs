//! `/admin/resources`.

use leptos::either::{Either, EitherOf3};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::components::AdminPage;
use crate::domain::paths::{self, encode};
use crate::pages::components::{AlreadyGone, Command, Confirm, FlashMessage, Hidden, PostForm, ServerError};
use crate::server::context::{self, translations};
use crate::server::sign_in::session::flash::Flash;
use crate::server_fns::admin::resource_servers::{
    AddResourceServer, RemoveResourceServer, ResourceServerItem, SetUpResourceServer, find_resource_server, list_resource_servers,
};

#[component]
pub fn ResourceServers() -> impl IntoView {
    Suspend::new(async move {
        match list_resource_servers().await {
            Ok(servers) => Either::Left(view! { <ResourceServerList servers said=context::take_flash().await/> }),
            Err(_) => Either::Right(view! { <ServerError/> }),
        }
    })
}

#[component]
fn ResourceServerList(servers: Vec<ResourceServerItem>, said: Option<Flash>) -> impl IntoView {
    let t = translations();
    view! {
        <AdminPage title=t.admin_resources() here=paths::ADMIN_RESOURCES>
            <FlashMessage flash=said/>
            <p class="lead">{t.admin_resources_lead()}</p>
            <p class="actions"><a class="button" href=paths::ADMIN_RESOURCES_ADD>{t.admin_resources_add()}</a></p>
            {if servers.is_empty() {
                Either::Left(view! { <div class="card empty"><h2>{t.admin_resources_empty()}</h2></div> })
            } else {
                Either::Right(view! { <ul class="rows">{servers.into_iter().map(|server| view! { <ResourceServerEntry server/> }).collect_view()}</ul> })
            }}
            <CliCommands verb="list"/>
        </AdminPage>
    }
}

fn page_of(path: &str, server: &ResourceServerItem) -> String {
    format!("{path}?resource={}", encode(&server.indicator))
}

#[component]
fn ResourceServerEntry(server: ResourceServerItem) -> impl IntoView {
    let t = translations();
    let address = page_of(paths::ADMIN_RESOURCE, &server);
    view! {
        <li class="row-card">
            <div class="what">
                <h2><a href=address><bdi>{server.name}</bdi></a></h2>
                <dl class="facts short">
                    <div><dt>{t.admin_resources_indicator()}</dt><dd><code translate="no" dir="ltr">{server.indicator}</code></dd></div>
                    <div><dt>{t.admin_providers_scope()}</dt><dd><code translate="no" dir="ltr">{server.scope}</code></dd></div>
                </dl>
            </div>
        </li>
    }
}

/// A command of `tms-portal`, as the TMS API cannot manage resource servers.
#[component]
fn CliCommands(verb: &'static str, #[prop(optional)] resource: String) -> impl IntoView {
    let tenant = context::current_person().map(|person| person.tenant_id().to_string()).unwrap_or_default();
    let command = format!("tms-portal resource {verb} --tenant {tenant} {resource}").trim_end().to_owned();
    view! {
        <details class="curl">
            <summary>{translations().admin_as_command()}</summary>
            <Command text=command/>
        </details>
    }
}

#[component]
pub fn AddAResourceServer() -> impl IntoView {
    Suspend::new(async move {
        let (t, said) = (translations(), context::take_flash().await);
        view! {
            <AdminPage title=t.admin_resources_add() here=paths::ADMIN_RESOURCES refused=said.is_some()>
                <FlashMessage flash=said/>
                <PostForm action=AddResourceServer::url() main=true class="narrow">
                    <label for="resource">{t.admin_resources_indicator()}</label>
                    <input id="resource" name="resource" type="text" inputmode="url" required maxlength="2048" dir="ltr" autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby="resource-hint"/>
                    <p class="hint" id="resource-hint">{t.admin_resources_indicator_hint()}</p>
                    <SettingsFields/>
                    <button class="main">{t.admin_resources_add_button()}</button>
                </PostForm>
                <CliCommands verb="add"/>
            </AdminPage>
        }
    })
}

/// What can be changed of a resource server.
#[component]
fn SettingsFields(#[prop(optional)] server: Option<ResourceServerItem>) -> impl IntoView {
    let t = translations();
    let (name, scopes, clients, readers) = server.map(|server| (server.name, server.scopes, server.clients, server.readers)).unwrap_or_default();
    view! {
        <label for="name">{t.admin_resources_name()}</label>
        <input id="name" name="name" type="text" value=name required maxlength="128" autocomplete="off"/>
        <label for="scopes">{t.admin_resources_scopes()}</label>
        <textarea id="scopes" name="scopes" rows="5" required maxlength="20000" autocomplete="off" spellcheck="false" aria-describedby="scopes-hint">{scopes}</textarea>
        <p class="hint" id="scopes-hint">{t.admin_resources_scopes_hint()} " " <code translate="no">"read=Read your files|Leer sus archivos"</code></p>
        <label for="clients">{t.admin_resources_clients()}</label>
        <input id="clients" name="clients" type="text" value=clients maxlength="10000" dir="ltr" autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby="clients-hint"/>
        <p class="hint" id="clients-hint">{t.admin_resources_clients_hint()}</p>
        <label for="readers">{t.admin_resources_readers()}</label>
        <input id="readers" name="readers" type="text" value=readers maxlength="10000" dir="ltr" autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby="readers-hint"/>
        <p class="hint" id="readers-hint">{t.admin_resources_readers_hint()}</p>
    }
}

#[component]
pub fn OneResourceServer() -> impl IntoView {
    let resource = use_query_map().with_untracked(|query| query.get("resource").unwrap_or_default());
    Suspend::new(async move {
        match find_resource_server(resource).await {
            Ok(Some(server)) => EitherOf3::A(view! { <Detail server said=context::take_flash().await/> }),
            Ok(None) => EitherOf3::B(view! { <AlreadyGone back=paths::ADMIN_RESOURCES/> }),
            Err(_) => EitherOf3::C(view! { <ServerError/> }),
        }
    })
}

#[component]
fn Detail(server: ResourceServerItem, said: Option<Flash>) -> impl IntoView {
    let t = translations();
    let remove = page_of(paths::ADMIN_RESOURCE_REMOVE, &server);
    let indicator = server.indicator.clone();
    view! {
        <AdminPage title=server.name.clone() here=paths::ADMIN_RESOURCES refused=said.as_ref().is_some_and(Flash::is_refusal)>
            <FlashMessage flash=said/>
            <dl class="facts">
                <dt>{t.admin_resources_indicator()}</dt>
                <dd><code translate="no" dir="ltr">{server.indicator.clone()}</code></dd>
            </dl>
            <section aria-labelledby="set-up">
                <h2 id="set-up">{t.admin_providers_set_up()}</h2>
                <PostForm action=SetUpResourceServer::url() main=true class="narrow">
                    <input type="hidden" name="resource" value=server.indicator.clone()/>
                    <input type="hidden" name="seen" value=server.updated_at.as_millis().to_string()/>
                    <SettingsFields server/>
                    <button class="main">{t.admin_save()}</button>
                </PostForm>
            </section>
            <section aria-labelledby="remove">
                <h2 id="remove">{t.admin_resources_remove()}</h2>
                <p><a class="button danger" href=remove data-confirm="">{t.admin_resources_remove()}</a></p>
            </section>
            <CliCommands verb="set" resource=indicator/>
        </AdminPage>
    }
}

#[component]
pub fn RemoveAResourceServer() -> impl IntoView {
    let resource = use_query_map().with_untracked(|query| query.get("resource").unwrap_or_default());
    Suspend::new(async move {
        let t = translations();
        match find_resource_server(resource).await {
            Ok(Some(server)) => EitherOf3::A(view! {
                <Confirm
                    title=t.admin_resources_remove_question(server.name.as_str())
                    action=RemoveResourceServer::url()
                    cancel=page_of(paths::ADMIN_RESOURCE, &server)
                    fields=vec![Hidden("resource", server.indicator)]
                    button=t.admin_resources_remove()
                >
                    <p class="warning">{t.admin_resources_remove_consequence()}</p>
                </Confirm>
            }),
            Ok(None) => EitherOf3::B(view! { <AlreadyGone back=paths::ADMIN_RESOURCES/> }),
            Err(_) => EitherOf3::C(view! { <ServerError/> }),
        }
    })
}
