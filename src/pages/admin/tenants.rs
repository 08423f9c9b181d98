//! `/admin/tenants`, for administrators of `default`.

use leptos::either::{Either, EitherOf3, EitherOf4};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;
use serde_json::json;

use super::components::{AdminPage, CurlExample};
use crate::domain::paths::{self, encode};
use crate::pages::components::{AlreadyGone, Confirm, FlashMessage, Hidden, PostForm, RelativeTime, ServerError};
use crate::server::context::{self, translations};
use crate::server::sign_in::session::flash::Flash;
use crate::server_fns::admin::tenants::{AddTenant, DeleteTenant, SwitchTenant, TenantItem, list_tenants};

#[component]
pub fn Tenants() -> impl IntoView {
    Suspend::new(async move {
        match list_tenants().await {
            Ok(Some(tenants)) => EitherOf3::A(view! { <TenantList tenants said=context::take_flash().await/> }),
            Ok(None) => EitherOf3::B(view! { <NotYours/> }),
            Err(_) => EitherOf3::C(view! { <ServerError/> }),
        }
    })
}

/// For administrators of another tenant than `default`.
#[component]
fn NotYours() -> impl IntoView {
    let t = translations();
    context::set_status(axum::http::StatusCode::FORBIDDEN);
    view! {
        <AdminPage title=t.admin_tenants() here=paths::ADMIN_TENANTS>
            <p class="lead">{t.admin_tenants_not_yours()}</p>
        </AdminPage>
    }
}

#[component]
fn TenantList(tenants: Vec<TenantItem>, said: Option<Flash>) -> impl IntoView {
    let t = translations();
    view! {
        <AdminPage title=t.admin_tenants() here=paths::ADMIN_TENANTS>
            <FlashMessage flash=said/>
            <ul class="rows">{tenants.into_iter().map(|tenant| view! { <TenantEntry tenant/> }).collect_view()}</ul>
            <section aria-labelledby="add">
                <h2 id="add">{t.admin_tenants_add()}</h2>
                <PostForm action=AddTenant::url() main=true class="narrow">
                    <label for="tenant">{t.admin_tenants_name()}</label>
                    <input id="tenant" name="tenant" type="text" required maxlength="64" autocomplete="off" autocapitalize="none" spellcheck="false"/>
                    <button class="main">{t.admin_tenants_add()}</button>
                </PostForm>
                <CurlExample call="POST /v1/tms/tenants/{tenant}" with=vec![("tenant", json!("TENANT"))]/>
            </section>
        </AdminPage>
    }
}

#[component]
fn TenantEntry(tenant: TenantItem) -> impl IntoView {
    let t = translations();
    let change = |what: &str| format!("{}?tenant={}&change={what}", paths::ADMIN_TENANT_CHANGE, encode(&tenant.id));
    let (off, delete) = (change("off"), change("delete"));
    let id = tenant.id.clone();
    view! {
        <li class="row-card">
            <div class="what">
                <h2>
                    <bdi>{tenant.display_name}</bdi>
                    " "
                    {if tenant.enabled {
                        Either::Left(view! { <span class="badge good">{t.admin_enabled()}</span> })
                    } else {
                        Either::Right(view! { <span class="badge bad">{t.admin_disabled()}</span> })
                    }}
                </h2>
                <dl class="facts short">
                    <div><dt>{t.admin_id()}</dt><dd><code translate="no" dir="ltr">{tenant.id}</code></dd></div>
                    <div><dt>{t.admin_made()}</dt><dd><RelativeTime at=tenant.created_at/></dd></div>
                </dl>
            </div>
            <div class="actions">
                {if tenant.enabled {
                    Either::Left(view! { <a class="button danger" href=off data-confirm="">{t.admin_disable()}</a> })
                } else {
                    Either::Right(view! {
                        <PostForm action=SwitchTenant::url()>
                            <input type="hidden" name="tenant" value=id/>
                            <button name="enabled" value="yes">{t.admin_enable()}</button>
                        </PostForm>
                    })
                }}
                <a class="button danger" href=delete>{t.admin_tenants_delete()}</a>
            </div>
        </li>
    }
}

#[component]
pub fn ChangeATenant() -> impl IntoView {
    let (tenant, change) = use_query_map().with_untracked(|query| (query.get("tenant").unwrap_or_default(), query.get("change").unwrap_or_default()));
    Suspend::new(async move {
        let t = translations();
        let Ok(Some(tenants)) = list_tenants().await else { return EitherOf4::D(view! { <NotYours/> }) };
        let known = tenants.into_iter().find(|known| known.id == tenant);
        match (known, change.as_str()) {
            (Some(known), "off") => EitherOf4::A(view! {
                <Confirm
                    title=t.admin_tenants_off_question(known.id.as_str())
                    action=SwitchTenant::url()
                    fields=vec![Hidden("tenant", known.id)]
                    button=t.admin_disable()
                    cancel=paths::ADMIN_TENANTS
                >
                    <p class="warning">{t.admin_tenants_off_consequence()}</p>
                </Confirm>
            }),
            (Some(known), "delete") => EitherOf4::B(view! {
                <Confirm
                    title=t.admin_tenants_delete_question(known.id.as_str())
                    action=DeleteTenant::url()
                    fields=vec![Hidden("tenant", known.id.clone())]
                    button=t.admin_tenants_delete()
                    cancel=paths::ADMIN_TENANTS
                >
                    <p class="warning">{t.admin_tenants_delete_consequence()}</p>
                    <label for="typed">{t.admin_tenants_type(known.id)}</label>
                    <input id="typed" name="typed" type="text" required autocomplete="off" autocapitalize="none" spellcheck="false"/>
                </Confirm>
            }),
            _ => EitherOf4::C(view! { <AlreadyGone back=paths::ADMIN_TENANTS/> }),
        }
    })
}
