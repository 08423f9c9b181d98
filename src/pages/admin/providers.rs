//! `/admin/providers`.

use leptos::either::{Either, EitherOf3};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::components::{AdminPage, Checkbox};
use crate::domain::ids::ProviderId;
use crate::domain::paths::{self, encode};
use crate::domain::provider::provisioning::ProvisioningPolicy;
use crate::pages::components::{AlreadyGone, Command, Confirm, Copyable, FlashMessage, Hidden, PostForm, ServerError};
use crate::server::context::{self, translations};
use crate::server::sign_in::session::flash::Flash;
use crate::server_fns::admin::providers::{
    AddProvider, ProviderDetail, ProviderItem, RemoveProvider, ReplaceSecret, SetUpProvider, TestProvider, find_provider, list_providers,
};

#[component]
pub fn Providers() -> impl IntoView {
    Suspend::new(async move {
        match list_providers().await {
            Ok(providers) => Either::Left(view! { <ProviderList providers said=context::take_flash().await/> }),
            Err(_) => Either::Right(view! { <ServerError/> }),
        }
    })
}

#[component]
fn ProviderList(providers: Vec<ProviderItem>, said: Option<Flash>) -> impl IntoView {
    let t = translations();
    view! {
        <AdminPage title=t.admin_providers() here=paths::ADMIN_PROVIDERS>
            <FlashMessage flash=said/>
            <p class="actions"><a class="button" href=paths::ADMIN_PROVIDERS_ADD>{t.admin_providers_add()}</a></p>
            {if providers.is_empty() {
                Either::Left(view! {
                    <div class="card empty">
                        <h2>{t.admin_providers_empty()}</h2>
                        <p class="hint">{t.admin_providers_empty_hint()}</p>
                    </div>
                })
            } else {
                Either::Right(view! { <ul class="rows">{providers.into_iter().map(|provider| view! { <ProviderEntry provider/> }).collect_view()}</ul> })
            }}
            <CliCommands verbs=&["list"] provider=String::new()/>
        </AdminPage>
    }
}

#[component]
fn ProviderEntry(provider: ProviderItem) -> impl IntoView {
    let t = translations();
    let address = format!("{}?provider={}", paths::ADMIN_PROVIDER, encode(&provider.id));
    view! {
        <li class="row-card">
            <div class="what">
                <h2><a href=address><bdi>{provider.display_name.clone()}</bdi></a> " " <Badge enabled=provider.enabled/></h2>
                <dl class="facts short">
                    <div><dt>{t.admin_providers_id()}</dt><dd><code translate="no" dir="ltr">{provider.id}</code></dd></div>
                    <div><dt>{t.admin_providers_kind()}</dt><dd><code translate="no" dir="ltr">{provider.kind}</code></dd></div>
                </dl>
            </div>
        </li>
    }
}

#[component]
fn Badge(enabled: bool) -> impl IntoView {
    let t = translations();
    if enabled {
        Either::Left(view! { <span class="badge good">{t.admin_enabled()}</span> })
    } else {
        Either::Right(view! { <span class="badge bad">{t.admin_disabled()}</span> })
    }
}

/// Commands of `tms-portal`, as the TMS API cannot manage providers.
#[component]
fn CliCommands(verbs: &'static [&'static str], provider: String) -> impl IntoView {
    let tenant = context::current_person().map(|person| person.tenant_id().to_string()).unwrap_or_default();
    let commands: Vec<String> =
        verbs.iter().map(|verb| format!("tms-portal idp {verb} --tenant {tenant} {provider}").trim_end().to_owned()).collect();
    view! {
        <details class="curl">
            <summary>{translations().admin_as_command()}</summary>
            <Command text=commands.join("\n")/>
        </details>
    }
}

/// The form to add a provider. What was entered is in the query when the form was refused.
#[component]
pub fn AddAProvider() -> impl IntoView {
    let query = use_query_map().get_untracked();
    let typed = move |name: &str| query.get(name).unwrap_or_default();
    Suspend::new(async move {
        let (t, said) = (translations(), context::take_flash().await);
        let profiles = context::services().map(|services| services.profiles()).unwrap_or_default();
        let redirect = redirect_pattern();
        let chosen = if typed("kind").is_empty() { "oidc".to_owned() } else { typed("kind") };
        view! {
            <AdminPage title=t.admin_providers_add() here=paths::ADMIN_PROVIDERS refused=said.is_some()>
                <FlashMessage flash=said/>
                <PostForm action=AddProvider::url() main=true class="narrow">
                    <label for="provider">{t.admin_providers_id()}</label>
                    <input id="provider" name="provider" type="text" value=typed("provider") required maxlength="64" dir="ltr" autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby="provider-hint"/>
                    <p class="hint" id="provider-hint">{t.admin_providers_id_hint()}</p>
                    <p class="hint">{t.admin_providers_redirect_will_be()} " " <code dir="ltr">{redirect}</code></p>
                    <label for="display-name">{t.admin_providers_name()}</label>
                    <input id="display-name" name="display_name" type="text" value=typed("display_name") required maxlength="128" autocomplete="off"/>
                    <label for="kind">{t.admin_providers_kind()}</label>
                    <select id="kind" name="kind">
                        {profiles.into_iter().map(|(name, profile)| {
                            let selected = name == chosen;
                            view! { <option value=name.clone() selected=selected>{format!("{name}: {}", profile.about)}</option> }
                        }).collect_view()}
                    </select>
                    <label for="base">{t.admin_providers_base()}</label>
                    <input id="base" name="base" type="text" inputmode="url" value=typed("base") maxlength="128" dir="ltr" autocomplete="off" aria-describedby="base-hint"/>
                    <p class="hint" id="base-hint">{t.admin_providers_base_hint()}</p>
                    <label for="client-id">{t.admin_providers_client_id()}</label>
                    <input id="client-id" name="client_id" type="text" value=typed("client_id") required maxlength="128" dir="ltr" autocomplete="off" autocapitalize="none" spellcheck="false"/>
                    <label for="secret">{t.admin_providers_secret()}</label>
                    <input id="secret" name="secret" type="password" maxlength="1000" dir="ltr" autocomplete="off" aria-describedby="secret-hint"/>
                    <p class="hint" id="secret-hint">{t.admin_providers_secret_hint()}</p>
                    <p class="hint">{t.admin_providers_provisioning_hint()}</p>
                    <button class="main">{t.admin_providers_add_button()}</button>
                </PostForm>
                <CliCommands verbs=&["add --base URL --client-id ID --secret-from-stdin"] provider="PROVIDER".to_owned()/>
            </AdminPage>
        }
    })
}

/// The redirect URI with a placeholder for the provider's short name: most providers require it before they issue a client id.
fn redirect_pattern() -> String {
    let name = ProviderId::parse("NAME").ok();
    let address = context::services().ok().zip(context::current_person()).zip(name);
    address.map(|((services, person), name)| services.redirect_uri(person.tenant_id(), &name)).unwrap_or_default()
}

#[component]
pub fn OneProvider() -> impl IntoView {
    let provider = use_query_map().with_untracked(|query| query.get("provider").unwrap_or_default());
    Suspend::new(async move {
        match find_provider(provider).await {
            Ok(Some(provider)) => EitherOf3::A(view! { <Detail provider said=context::take_flash().await/> }),
            Ok(None) => EitherOf3::B(view! { <AlreadyGone back=paths::ADMIN_PROVIDERS/> }),
            Err(_) => EitherOf3::C(view! { <ServerError/> }),
        }
    })
}

#[component]
fn Detail(provider: ProviderDetail, said: Option<Flash>) -> impl IntoView {
    let t = translations();
    let ProviderItem { id, display_name, kind, base, client_id, enabled, .. } = provider.provider.clone();
    let remove = format!("{}?provider={}", paths::ADMIN_PROVIDER_REMOVE, encode(&id));
    view! {
        <AdminPage title=display_name here=paths::ADMIN_PROVIDERS>
            <FlashMessage flash=said/>
            <p><Badge enabled/></p>
            <dl class="facts">
                <dt>{t.admin_providers_id()}</dt>
                <dd><code translate="no" dir="ltr">{id.clone()}</code></dd>
                <dt>{t.admin_providers_kind()}</dt>
                <dd><code translate="no" dir="ltr">{kind}</code></dd>
                {(!base.is_empty()).then(|| view! {
                    <dt>{t.admin_providers_base()}</dt>
                    <dd><code translate="no" dir="ltr">{base}</code></dd>
                })}
                <dt>{t.admin_clients_id()}</dt>
                <dd><code translate="no" dir="ltr">{client_id}</code></dd>
                <dt>{t.admin_clients_secret()}</dt>
                <dd>{if provider.has_secret { t.admin_providers_has_secret() } else { t.admin_providers_no_secret() }}</dd>
                <dt>{t.admin_providers_people()}</dt>
                <dd>{provider.people}</dd>
            </dl>
            <section aria-labelledby="redirect">
                <h2 id="redirect">{t.admin_providers_redirect()}</h2>
                <p>{t.admin_providers_redirect_means()}</p>
                <Copyable text=provider.redirect_uri.clone() block=true/>
                <p>{t.admin_providers_signed_out_means()}</p>
                <Copyable text=provider.post_logout_redirect_uri.clone() block=true/>
                <p>{t.admin_providers_ended_means()}</p>
                <Copyable text=provider.backchannel_logout_uri.clone() block=true/>
                <PostForm action=TestProvider::url() class="actions aside" clone:id>
                    <input type="hidden" name="provider" value=id.clone()/>
                    <button>{t.admin_providers_test()}</button>
                    <span class="hint">{t.admin_providers_test_hint()}</span>
                </PostForm>
            </section>
            <section aria-labelledby="set-up">
                <h2 id="set-up">{t.admin_providers_set_up()}</h2>
                <SettingsForm provider/>
            </section>
            <section aria-labelledby="secret-title">
                <h2 id="secret-title">{t.admin_clients_secret()}</h2>
                <PostForm action=ReplaceSecret::url() class="narrow" clone:id>
                    <input type="hidden" name="provider" value=id.clone()/>
                    <label for="secret">{t.admin_providers_new_secret()}</label>
                    <input id="secret" name="secret" type="password" required maxlength="1000" dir="ltr" autocomplete="off"/>
                    <button class="main">{t.admin_providers_replace_secret()}</button>
                </PostForm>
            </section>
            <section aria-labelledby="remove">
                <h2 id="remove">{t.admin_providers_remove()}</h2>
                <p><a class="button danger" href=remove data-confirm="">{t.admin_providers_remove()}</a></p>
            </section>
            <CliCommands verbs=&["test", "set", "remove"] provider=id/>
        </AdminPage>
    }
}

/// The tenant's settings of a provider.
#[component]
fn SettingsForm(provider: ProviderDetail) -> impl IntoView {
    let t = translations();
    let ProviderDetail { provider: item, scope, usual_scope, provisioning, known_people_only, mfa, own_names, .. } = provider;
    let (chosen, claim, values) = match provisioning {
        ProvisioningPolicy::Open => ("open", String::new(), String::new()),
        ProvisioningPolicy::Invited => ("invited", String::new(), String::new()),
        ProvisioningPolicy::Rule { claim, values } => ("rule", claim, values.join(", ")),
    };
    let choice = move |value: &'static str, text: String| {
        view! {
            <label class="choice">
                <input type="radio" name="set_up[newcomers]" value=value checked=chosen == value/>
                <span>{text}</span>
            </label>
        }
    };
    let field = |id: &'static str, label: String, value: String, hint: &'static str| {
        view! {
            <label for=id>{label}</label>
            <input id=id name=format!("set_up[{id}]") type="text" value=value maxlength="1000" dir="ltr" autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby=(!hint.is_empty()).then_some(hint)/>
        }
    };
    view! {
        <PostForm action=SetUpProvider::url() main=true class="narrow">
            <input type="hidden" name="provider" value=item.id.clone()/>
            <input type="hidden" name="set_up[seen]" value=item.updated_at.as_millis().to_string()/>
            <label for="display_name">{t.admin_providers_name()}</label>
            <input id="display_name" name="set_up[display_name]" type="text" value=item.display_name required maxlength="128" autocomplete="off"/>
            <fieldset>
                <legend>{t.admin_providers_state()}</legend>
                <Checkbox name="set_up[enabled]" checked=item.enabled text=t.admin_providers_enabled_means()/>
            </fieldset>
            <fieldset>
                <legend>{t.admin_providers_provisioning()}</legend>
                {choice("open", t.admin_providers_provisioning_open())}
                {choice("invited", t.admin_providers_provisioning_invited())}
                {choice("rule", t.admin_providers_provisioning_rule())}
                {known_people_only.then(|| view! { <p class="hint">{t.admin_providers_known_only()}</p> })}
                {field("claim", t.admin_providers_claim(), claim, "")}
                {field("values", t.admin_providers_values(), values, "values-hint")}
                <p class="hint" id="values-hint">{t.admin_providers_values_hint()}</p>
            </fieldset>
            <fieldset>
                <legend>{t.admin_providers_mfa()}</legend>
                <Checkbox name="set_up[mfa_always]" checked=mfa.always text=t.admin_providers_mfa_always()/>
                {field("mfa_acr", t.admin_providers_mfa_acr(), mfa.acr.join(" "), "mfa-hint")}
                {field("mfa_amr", t.admin_providers_mfa_amr(), mfa.amr.join(" "), "mfa-hint")}
                <p class="hint" id="mfa-hint">{t.admin_providers_mfa_hint()}</p>
            </fieldset>
            <fieldset>
                <legend>{t.admin_providers_names()}</legend>
                <Checkbox name="set_up[own_names]" checked=own_names text=t.admin_providers_own_names(item.id)/>
            </fieldset>
            {field("scope", t.admin_providers_scope(), scope.unwrap_or_default(), "scope-hint")}
            <p class="hint" id="scope-hint">{t.admin_providers_scope_hint(usual_scope)}</p>
            <button class="main">{t.admin_save()}</button>
        </PostForm>
    }
}

#[component]
pub fn RemoveAProvider() -> impl IntoView {
    let provider = use_query_map().with_untracked(|query| query.get("provider").unwrap_or_default());
    Suspend::new(async move {
        let t = translations();
        match find_provider(provider).await {
            Ok(Some(ProviderDetail { provider, people, only_there, .. })) => EitherOf3::A(view! {
                <Confirm
                    title=t.admin_providers_remove_question(provider.display_name)
                    action=RemoveProvider::url()
                    cancel=format!("{}?provider={}", paths::ADMIN_PROVIDER, encode(&provider.id))
                    fields=vec![Hidden("provider", provider.id)]
                    button=t.admin_providers_remove()
                >
                    <p class="warning">{t.admin_providers_remove_consequence(people, only_there)}</p>
                </Confirm>
            }),
            Ok(None) => EitherOf3::B(view! { <AlreadyGone back=paths::ADMIN_PROVIDERS/> }),
            Err(_) => EitherOf3::C(view! { <ServerError/> }),
        }
    })
}
