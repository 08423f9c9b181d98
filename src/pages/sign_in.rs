//! `/sign-in`: to the tenant whose code was typed, or one that the person chooses.

use leptos::either::Either;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::components::{Page, Problem, Sorry};
use crate::domain::ids::TenantId;
use crate::domain::paths::{self, Onward};
use crate::domain::tenant::Tenant;
use crate::domain::user_code::UserCode;
use crate::islands::OnePress;

use crate::server::context::{self, Caller, Fault, Method, Notice, Place, Services, SignedIn, words};

#[component]
pub fn SignIn() -> impl IntoView {
    let (wanted, then, anywhere, again) =
        use_query_map().with_untracked(|query| (query.get("tenant"), query.get("then"), query.get("choose").is_some(), query.get("again").is_some()));
    let then = Onward::wanted(&then.unwrap_or_default());
    Suspend::new(async move {
        let (Ok(services), Ok(caller)) = (context::services(), context::caller()) else {
            return Either::Right(view! { <Sorry/> });
        };
        if let Some(person) = caller.signed_in.clone().filter(|_| again) {
            let notice = caller.session.take_notice(Place::SignIn).await.ok().flatten();
            return Either::Left(Either::Right(view! { <Again person notice then/> }));
        }
        match choose(&services, &caller, wanted, anywhere).await {
            Ok(choice) => Either::Left(Either::Left(view! { <Choice choice then/> })),
            Err(fault) => {
                context::fault(fault);
                Either::Right(view! { <Sorry/> })
            }
        }
    })
}

/// What the page shows.
struct Chosen {
    /// The tenants one can sign in to, if there is something to choose.
    tenants: Vec<Tenant>,
    tenant: Option<Tenant>,
    notice: Option<Notice>,
    /// A code waits for the end of the sign-in.
    with_code: bool,
}

async fn choose(services: &Services, caller: &Caller, wanted: Option<String>, anywhere: bool) -> Result<Chosen, Fault> {
    let typed = caller.session.typed_code().await?;
    let code = typed.as_deref().and_then(|typed| UserCode::parse(typed).ok());
    let mut named = match code {
        Some(code) => services.tenant_of_user_code(&code).await?,
        None => None,
    };
    if named.is_none() {
        named = wanted.and_then(|wanted| TenantId::parse(wanted).ok());
    }
    if named.is_none() {
        named = caller.session.chosen_tenant().await?;
    }
    let notice = caller.session.take_notice(Place::SignIn).await?;
    let mut tenants = services.enabled_tenants().await?;
    if named.is_none() {
        let tried = notice.as_ref().and_then(|notice| notice.tenant.as_ref());
        named = tenants.iter().find(|tenant| Some(&tenant.id) == tried && !context::methods(tenant).is_empty()).map(|tenant| tenant.id.clone());
    }
    let named = named.filter(|_| !anywhere);
    tenants.retain(|tenant| !context::methods(tenant).is_empty() || named.as_ref() == Some(&tenant.id));
    let tenant = match (&named, tenants.as_slice()) {
        (Some(named), all) => all.iter().find(|tenant| tenant.id == *named).cloned(),
        (None, [only]) => Some(only.clone()),
        (None, _) => None,
    };
    Ok(Chosen { tenants, tenant, notice, with_code: typed.is_some() })
}

#[component]
fn Choice(choice: Chosen, then: Onward) -> impl IntoView {
    let w = words();
    let Chosen { tenants, tenant, notice, with_code } = choice;
    if let Some(notice) = &notice {
        context::set_refused(notice);
    }
    let refused = notice.is_some();
    let others = tenant.is_some() && tenants.len() > 1;
    view! {
        <Page title=w.sign_in() refused>
            {with_code.then(|| view! { <p class="notice">{w.sign_in_code_kept()}</p> })}
            {match tenant {
                Some(tenant) => Either::Left(view! { <Ways tenant notice then/> }),
                None => Either::Right(view! { <Tenants tenants then/> }),
            }}
            {others.then(|| view! { <p class="aside"><a href=format!("{}?choose=1", paths::SIGN_IN)>{w.sign_in_elsewhere()}</a></p> })}
        </Page>
    }
}

#[component]
fn Tenants(tenants: Vec<Tenant>, then: Onward) -> impl IntoView {
    let w = words();
    if tenants.is_empty() {
        return Either::Left(view! { <p class="lead">{w.sign_in_nobody()}</p> });
    }
    Either::Right(view! {
        <p class="lead">{w.sign_in_where()}</p>
        <ul class="cards">
            {tenants.into_iter().map(|tenant| view! {
                <li><a class="card" href=paths::sign_in(Some(&tenant.id), &then)>{tenant.display_name}</a></li>
            }).collect_view()}
        </ul>
    })
}

/// Each way into the tenant.
#[component]
fn Ways(tenant: Tenant, notice: Option<Notice>, then: Onward) -> impl IntoView {
    let w = words();
    let methods = context::methods(&tenant);
    if methods.is_empty() {
        return Either::Left(view! {
            <p class="lead">{w.sign_in_no_way(tenant.display_name)}</p>
        });
    }
    Either::Right(
        methods
            .into_iter()
            .map(|method| match method {
                Method::LocalPassword => view! { <PasswordForm tenant=tenant.clone() notice=notice.clone() then=then.clone()/> },
            })
            .collect_view(),
    )
}

/// For somebody who is signed in: it is still them, before something that is hard to take back.
#[component]
fn Again(person: SignedIn, notice: Option<Notice>, then: Onward) -> impl IntoView {
    let w = words();
    if let Some(notice) = &notice {
        context::set_refused(notice);
    }
    let refused = notice.is_some();
    let tenant = person.tenant().clone();
    view! {
        <Page title=w.sign_in_again_title() refused>
            <p class="lead">{w.sign_in_again_why()}</p>
            {context::methods(&tenant).into_iter().map(|method| match method {
                Method::LocalPassword => view! { <PasswordForm tenant=tenant.clone() notice=notice.clone() then=then.clone() only=person.user_id().to_string()/> },
            }).collect_view()}
        </Page>
    }
}

#[component]
fn PasswordForm(
    tenant: Tenant,
    notice: Option<Notice>,
    then: Onward,
    /// The only user name that is taken: that of somebody who is signed in.
    #[prop(optional)]
    only: Option<String>,
) -> impl IntoView {
    let w = words();
    let refused = notice.is_some();
    let again = only.is_some();
    let user_name = only.or_else(|| notice.as_ref().map(|notice| notice.typed.clone())).unwrap_or_default();
    let described = refused.then_some("sign-in-error");
    view! {
        <OnePress>
            <form method="post" action=paths::SIGN_IN_PASSWORD class="sign-in">
                <p class="hint">{w.sign_in_account_at()} " " <strong>{tenant.display_name}</strong></p>
                {notice.map(|notice| view! { <Problem id="sign-in-error" sentence=notice.sentence/> })}
                <input type="hidden" name="tenant" value=tenant.id.to_string()/>
                <input type="hidden" name="then" value=then.as_str().to_owned()/>
                {again.then(|| view! { <input type="hidden" name="again" value="1"/> })}
                <label for="user-name">{w.sign_in_user_name()}</label>
                <input
                    id="user-name"
                    name="user_name"
                    type="text"
                    value=user_name
                    autocomplete="username"
                    autocapitalize="none"
                    spellcheck="false"
                    required
                    readonly=again
                    autofocus=!again
                    aria-describedby=described
                />
                <label for="password">{w.sign_in_password()}</label>
                <input id="password" name="password" type="password" autocomplete="current-password" required autofocus=again aria-describedby=described/>
                <button class="main">{w.sign_in()}</button>
            </form>
        </OnePress>
    }
}
