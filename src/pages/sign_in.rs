//! `/sign-in`: for the tenant of the pending code, or one that the person selects.

use leptos::either::Either;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::components::{FormError, HelpContactLine, HelpLink, PageContent, PostForm, ServerError};
use super::device::redirect_page;
use crate::domain::ids::TenantId;
use crate::domain::paths::{self, ReturnTo};
use crate::domain::provider::Provider;
use crate::domain::tenant::Tenant;
use crate::domain::user_code::UserCode;
use crate::islands::SubmitOnce;

use crate::server::context::{self, translations};
use crate::server::preferences::LastMethod;
use crate::server::request_context::RequestContext;
use crate::server::service::{Fault, Services, SignedIn};
use crate::server::sign_in::SignInMethods;
use crate::server::sign_in::session::flash::{Flash, FlashTarget};

#[component]
pub fn SignIn() -> impl IntoView {
    let has = |name: &str| use_query_map().with_untracked(|query| query.get(name).is_some());
    let get = |name: &str| use_query_map().with_untracked(|query| query.get(name).unwrap_or_default());
    let (again, gone, then) = (has("again"), has("gone"), ReturnTo::from_untrusted(&get("then")));
    let asked = SignInParams { tenant: TenantId::parse(get("tenant")).ok(), anywhere: has("choose"), invitation: get("invitation") };
    let another = has("another") || has("choose") || has("invitation") || gone;
    Suspend::new(async move {
        let (Ok(services), Ok(caller)) = (context::services(), context::request_context()) else {
            return Either::Right(view! { <ServerError/> }.into_any());
        };
        if let Some(person) = caller.signed_in.clone().filter(|_| again) {
            let flash = caller.session.take_flash(FlashTarget::SignIn).await.ok().flatten();
            let found = async { Ok::<_, Fault>((SignInMethods::for_person(&services, &person).await?, context::entries_kept(&then).await?)) };
            return match found.await {
                Ok((methods, entries_kept)) => Either::Left(Either::Right(view! { <ReauthForm person methods flash entries_kept then/> })),
                Err(fault) => {
                    context::fault(fault);
                    Either::Right(view! { <ServerError/> }.into_any())
                }
            };
        }
        match load_view(&services, &caller, asked, &then).await {
            Ok(choice) if !another && choice.is_only_for(caller.signed_in.as_ref()) => {
                Either::Right(redirect_page(then.after_sign_in().as_str().to_owned()))
            }
            Ok(choice) => Either::Left(Either::Left(view! { <SignInOptions choice then gone person=caller.signed_in/> })),
            Err(fault) => {
                context::fault(fault);
                Either::Right(view! { <ServerError/> }.into_any())
            }
        }
    })
}

/// The query of the page.
struct SignInParams {
    tenant: Option<TenantId>,
    /// The person wants to select the tenant, although the session knows one.
    anywhere: bool,
    /// The id of this tab's invitation.
    invitation: String,
}

/// What the page shows.
struct SignInView {
    /// The tenants to select from, if there are several.
    tenants: Vec<Tenant>,
    tenant: Option<(Tenant, SignInMethods)>,
    flash: Option<Flash>,
    /// A user code waits until the sign-in is complete.
    with_code: bool,
    /// The id of an invitation that waits as well.
    invitation: Option<String>,
    /// The message that the values of a form wait as well.
    entries_kept: Option<String>,
    /// The user name that an authorization request asks for.
    hint: Option<String>,
}

impl SignInView {
    /// Whether the page has nothing but sign-in for this person, who is signed in already.
    fn is_only_for(&self, person: Option<&SignedIn>) -> bool {
        let other_tenant = |person: &SignedIn| self.tenant.as_ref().is_some_and(|(tenant, _)| tenant.id != *person.tenant_id());
        person.is_some_and(|person| !other_tenant(person)) && self.flash.is_none()
    }
}

async fn load_view(services: &Services, caller: &RequestContext, params: SignInParams, return_to: &ReturnTo) -> Result<SignInView, Fault> {
    let typed = caller.session.pending_user_code_for(return_to).await?;
    let code = typed.as_ref().and_then(|typed| UserCode::parse(&typed.code).ok());
    let mut named = match code {
        Some(code) => services.tenant_of_user_code(&code).await?,
        None => None,
    };
    if named.is_none() {
        named = params.tenant;
    }
    if named.is_none() {
        named = caller.session.chosen_tenant().await?;
    }
    let flash = caller.session.take_flash(FlashTarget::SignIn).await?;
    let mut tenants = Vec::new();
    for tenant in services.enabled_tenants().await? {
        let methods = SignInMethods::for_tenant(services, &tenant).await?;
        tenants.push((tenant, methods));
    }
    if named.is_none() {
        let tried = flash.as_ref().and_then(|flash| flash.tenant.as_ref());
        named = tenants.iter().find(|(tenant, methods)| Some(&tenant.id) == tried && !methods.is_empty()).map(|(tenant, _)| tenant.id.clone());
    }
    let named = named.filter(|_| !params.anywhere);
    tenants.retain(|(tenant, methods)| !methods.is_empty() || named.as_ref() == Some(&tenant.id));
    let tenant = match (&named, tenants.as_slice()) {
        (Some(named), all) => all.iter().find(|(tenant, _)| tenant.id == *named).cloned(),
        (None, [only]) => Some(only.clone()),
        (None, _) => None,
    };
    let tenants = tenants.into_iter().map(|(tenant, _)| tenant).collect();
    let invitation = caller.session.invitation(&params.invitation, tenant.as_ref().map(|(tenant, _)| &tenant.id)).await?;
    let entries_kept = context::entries_kept(return_to).await?;
    let hint = match return_to.authorization_handle() {
        Some(handle) => services.login_hint(handle).await?,
        None => None,
    };
    Ok(SignInView { tenants, tenant, flash, with_code: typed.is_some(), invitation: invitation.map(|(id, _)| id), entries_kept, hint })
}

#[component]
fn SignInOptions(
    choice: SignInView,
    then: ReturnTo,
    /// What the person had started has expired.
    gone: bool,
    /// The person, if signed in already.
    person: Option<SignedIn>,
) -> impl IntoView {
    let t = translations();
    let SignInView { tenants, tenant, flash, with_code, invitation, entries_kept, hint } = choice;
    let flash = flash.or_else(|| gone.then(|| Flash::new(FlashTarget::SignIn, t.sign_in_gone())));
    if let Some(flash) = &flash {
        context::set_error_status(flash);
    }
    let refused = flash.is_some();
    let elsewhere = paths::with_return_to(paths::SIGN_IN, &then);
    let elsewhere = format!("{elsewhere}{}choose=1", if elsewhere.contains('?') { '&' } else { '?' });
    let (here, carried) = (tenant.as_ref().map(|(tenant, _)| tenant.id.to_string()), invitation.clone().unwrap_or_default());
    let others = tenant.is_some() && tenants.len() > 1;
    view! {
        <PageContent title=t.sign_in() refused>
            {entries_kept.map(|sentence| view! { <p class="notice" role="status">{sentence}</p> })}
            {with_code.then(|| view! { <p class="notice">{t.sign_in_code_kept()}</p> })}
            {person.map(|person| view! {
                <p class="notice">
                    {t.sign_in_signed_in(person.display_name())} " " <a href=then.as_str().to_owned()>{t.second_factor_go_on()}</a>
                </p>
            })}
            {invitation.map(|invitation| view! {
                <div class="notice">
                    <p>{t.sign_in_invitation_kept()}</p>
                    <PostForm action=paths::SIGN_IN_INVITATION clone:then>
                        <input type="hidden" name="tenant" value=here.unwrap_or_default()/>
                        <input type="hidden" name="then" value=then.as_str().to_owned()/>
                        <input type="hidden" name="kept" value=invitation/>
                        <button class="quiet">{t.sign_in_invitation_forget()}</button>
                    </PostForm>
                </div>
            })}
            {match tenant {
                Some((tenant, methods)) => Either::Left(view! { <MethodList tenant methods flash then=then.clone() invitation=carried hint=hint.unwrap_or_default()/> }),
                None => Either::Right(view! {
                    {flash.map(|flash| view! { <FormError id="sign-in-error" sentence=flash.message/> })}
                    <Tenants tenants then=then.clone() invitation=carried/>
                }),
            }}
            {others.then(|| view! { <p class="aside"><a href=elsewhere>{t.sign_in_elsewhere()}</a></p> })}
        </PageContent>
    }
}

#[component]
fn Tenants(tenants: Vec<Tenant>, then: ReturnTo, invitation: String) -> impl IntoView {
    let t = translations();
    if tenants.is_empty() {
        return Either::Left(view! { <p class="lead">{t.sign_in_not_configured()}</p> });
    }
    Either::Right(view! {
        <p class="lead">{t.sign_in_where()}</p>
        <ul class="cards">
            {tenants.into_iter().map(|tenant| view! {
                <li><a class="card" href=paths::sign_in_invited(Some(&tenant.id), &then, &invitation)>{tenant.display_name}</a></li>
            }).collect_view()}
        </ul>
    })
}

/// The tenant's sign-in methods: the usual one first, the local password collapsed if it is not the usual one.
#[component]
fn MethodList(
    tenant: Tenant,
    methods: SignInMethods,
    flash: Option<Flash>,
    then: ReturnTo,
    /// The person who re-authenticates.
    #[prop(optional)]
    only: Option<String>,
    /// The id of this tab's invitation.
    #[prop(optional)]
    invitation: String,
    /// The user name to begin with.
    #[prop(optional)]
    hint: String,
) -> impl IntoView {
    let t = translations();
    let help = tenant.policy.help_contact.clone();
    if methods.is_empty() {
        return Either::Left(view! {
            <p class="lead">{t.sign_in_no_way(tenant.display_name)}</p>
            <HelpContactLine contact=help/>
        });
    }
    let last = context::last_method();
    let SignInMethods { mut providers, password } = methods;
    let is_last = |provider: &Provider| matches!(&last, Some(LastMethod::Provider(id)) if *id == provider.id.as_str());
    providers.sort_by_key(|provider| !is_last(provider));
    let with_providers = !providers.is_empty();
    let password_is_usual = password && (!with_providers || last == Some(LastMethod::Password));
    // The usual provider: the last used one, or the only one.
    let usual = (!password_is_usual && (providers.len() == 1 || providers.first().is_some_and(is_last))).then(|| providers.remove(0));
    // A password form has its own place for error messages.
    let of_password = !with_providers || flash.as_ref().is_some_and(|flash| !flash.input.is_empty());
    let (above, within) = if of_password { (None, flash) } else { (flash, None) };
    let again = only.is_some();
    let (begin, return_to, badge) = (t, then.clone(), last.clone());
    let link = move |provider: Provider, class: &'static str| {
        let address = match again {
            true => paths::upstream_authorize(&provider.tenant_id, &provider.id, &return_to, true),
            false => paths::upstream_authorize_invited(&provider.tenant_id, &provider.id, &return_to, &invitation),
        };
        let is_last = badge == Some(LastMethod::Provider(provider.id.as_str().to_owned()));
        view! {
            <a class=class href=address rel="external">
                {begin.sign_in_with(provider.display_name)}
                {is_last.then(|| view! { " " <span class="badge">{begin.sign_in_last()}</span> })}
            </a>
        }
    };
    let open = password_is_usual || within.is_some();
    let form = password.then(|| view! { <PasswordForm tenant=tenant.clone() flash=within then=then.clone() only first=!with_providers hint/> });
    Either::Right(view! {
        {above.map(|flash| view! {
            <FormError id="sign-in-error" sentence=flash.message/>
            <HelpLink help=flash.help/>
        })}
        {usual.map(|provider| view! { <p class="sign-in">{link(provider, "button main")}</p> })}
        {(!providers.is_empty()).then(|| view! {
            <ul class="cards">
                {providers.into_iter().map(|provider| view! { <li>{link(provider, "card")}</li> }).collect_view()}
            </ul>
        })}
        {match with_providers {
            true => Either::Left(form.map(|form| view! {
                <details class="aside" open=open>
                    <summary>{t.sign_in_or_password()}</summary>
                    {form}
                </details>
            })),
            false => Either::Right(form),
        }}
        {(with_providers && !again).then(|| view! { <InvitationForm tenant then/> })}
        <HelpContactLine contact=help/>
    })
}

/// For new users of a tenant that admits only invited ones.
#[component]
fn InvitationForm(tenant: Tenant, then: ReturnTo) -> impl IntoView {
    let t = translations();
    view! {
        <details class="aside">
            <summary>{t.sign_in_invited()}</summary>
            <PostForm action=paths::SIGN_IN_INVITATION class="narrow">
                <input type="hidden" name="tenant" value=tenant.id.to_string()/>
                <input type="hidden" name="then" value=then.as_str().to_owned()/>
                <label for="invitation">{t.sign_in_invitation()}</label>
                <input id="invitation" name="invitation" type="text" required maxlength="100" autocomplete="off" autocapitalize="none" spellcheck="false"/>
                <button>{t.sign_in_invitation_keep()}</button>
            </PostForm>
        </details>
    }
}

/// Re-authentication of a signed-in person before a sensitive action.
#[component]
fn ReauthForm(person: SignedIn, methods: SignInMethods, flash: Option<Flash>, entries_kept: Option<String>, then: ReturnTo) -> impl IntoView {
    let t = translations();
    if let Some(flash) = &flash {
        context::set_error_status(flash);
    }
    let refused = flash.is_some();
    let tenant = person.tenant().clone();
    view! {
        <PageContent title=t.sign_in_again_title() refused>
            {entries_kept.map(|sentence| view! { <p class="notice" role="status">{sentence}</p> })}
            <p class="lead">{t.sign_in_again_why()}</p>
            <MethodList tenant methods flash then only=person.user_id().to_string()/>
        </PageContent>
    }
}

#[component]
fn PasswordForm(
    tenant: Tenant,
    flash: Option<Flash>,
    then: ReturnTo,
    /// The only user name that is accepted: that of the signed-in person.
    only: Option<String>,
    /// Nothing is above it, so it gets the focus.
    first: bool,
    /// The user name to begin with.
    hint: String,
) -> impl IntoView {
    let t = translations();
    let refused = flash.is_some();
    let again = only.is_some();
    let user_name = only.or_else(|| flash.as_ref().map(|flash| flash.input.clone())).unwrap_or(hint);
    let described = refused.then_some("sign-in-error");
    view! {
        <SubmitOnce>
            <PostForm action=paths::SIGN_IN_PASSWORD main=true class="sign-in">
                <p class="hint">{t.sign_in_account_at()} " " <strong>{tenant.display_name}</strong></p>
                {flash.map(|flash| view! { <FormError id="sign-in-error" sentence=flash.message/> })}
                <input type="hidden" name="tenant" value=tenant.id.to_string()/>
                <input type="hidden" name="then" value=then.as_str().to_owned()/>
                {again.then(|| view! { <input type="hidden" name="again" value="1"/> })}
                <label for="user-name">{t.sign_in_user_name()}</label>
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
                    autofocus=first && !again
                    aria-describedby=described
                />
                <label for="password">{t.sign_in_password()}</label>
                <input id="password" name="password" type="password" autocomplete="current-password" required autofocus=first && again aria-describedby=described/>
                <button class="main">{t.sign_in()}</button>
            </PostForm>
        </SubmitOnce>
    }
}
