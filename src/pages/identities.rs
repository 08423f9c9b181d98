//! `/identities`: the person's ways to sign in; linking and unlinking of identities.

mod mail;
mod password;
mod second_factors;

use leptos::either::{Either, EitherOf3};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::components::{AlreadyGone, Confirm, FlashMessage, Hidden, PageContent, RelativeTime, RelativeTimeOrNever, ServerError};
use crate::domain::paths;
use crate::domain::second_factor::SecondFactors;
use crate::server::context::{self, translations};
use crate::server::service::notifications::MailPreferences;
use crate::server::service::{Fault, Services, SignedIn};
use crate::server::sign_in::SignInMethods;
use crate::server::sign_in::session::flash::Flash;
use mail::Mail;
pub use password::ChangePassword;
use second_factors::Factors;
pub use second_factors::{NewRecoveryCodes, RecoveryCodes, RemoveAFactor, RenameAPasskey, SecondFactorRequired, SetUpApp, SetUpPasskey};

use crate::server_fns::identities::{IdentityItem, LinkIdentity, UnlinkIdentity, list_identities};

#[component]
pub fn Identities() -> impl IntoView {
    Suspend::new(async move {
        let (Ok(services), Some(person), Ok(linked)) = (context::services(), context::current_person(), list_identities().await) else {
            return Either::Right(view! { <ServerError/> });
        };
        match load_methods(&services, &person).await {
            Ok((methods, factors, password, mail)) => {
                Either::Left(view! { <IdentityList person methods linked factors password mail said=context::take_flash().await/> })
            }
            Err(fault) => {
                context::fault(fault);
                Either::Right(view! { <ServerError/> })
            }
        }
    })
}

/// The tenant's sign-in methods, and the person's second factors, local password and e-mail.
async fn load_methods(services: &Services, person: &SignedIn) -> Result<(SignInMethods, SecondFactors, bool, Option<MailPreferences>), Fault> {
    let methods = SignInMethods::for_tenant(services, person.tenant()).await?;
    let (factors, password) = (services.list_second_factors(person).await?, services.has_own_password(person).await?);
    Ok((methods, factors, password, services.mail_preferences(person).await?))
}

#[component]
fn IdentityList(
    person: SignedIn,
    methods: SignInMethods,
    linked: Vec<IdentityItem>,
    factors: SecondFactors,
    /// Whether the person has a local password.
    password: bool,
    mail: Option<MailPreferences>,
    said: Option<Flash>,
) -> impl IntoView {
    let t = translations();
    let SignInMethods { providers, .. } = methods;
    view! {
        <PageContent title=t.identities_title() wide=true>
            <p class="lead">{t.identities_lead(person.display_name())}</p>
            <FlashMessage flash=said/>
            {if linked.is_empty() {
                Either::Left(password.then(|| view! { <p class="hint">{t.identities_none()}</p> }))
            } else {
                Either::Right(view! {
                    <ul class="rows">
                        {linked.into_iter().map(|identity| {
                            let unlink = format!("{}?identity={}", paths::IDENTITIES_UNLINK, identity.number);
                            view! { <OneIdentity identity unlink/> }
                        }).collect_view()}
                    </ul>
                })
            }}
            {(!providers.is_empty()).then(|| view! {
                <section aria-labelledby="more">
                    <h2 id="more">{t.identities_link_another()}</h2>
                    <p class="hint">{t.identities_link_means()}</p>
                    <p class="actions">
                        {providers.into_iter().map(|provider| view! {
                            <a class="button" href=paths::upstream_authorize_link(&provider.tenant_id, &provider.id) rel="external">{provider.display_name}</a>
                        }).collect_view()}
                    </p>
                </section>
            })}
            {password.then(|| view! {
                <section aria-labelledby="password">
                    <h2 id="password">{t.sign_in_password()}</h2>
                    <p class="actions"><a class="button" href=paths::IDENTITIES_PASSWORD>{t.password_change()}</a></p>
                </section>
            })}
            <Factors factors/>
            <Mail preferences=mail/>
        </PageContent>
    }
}

/// One of a person's identities, with the link to unlink it.
#[component]
pub fn OneIdentity(
    identity: IdentityItem,
    unlink: String,
    /// Whether it is in a section with a heading.
    #[prop(optional)]
    within: bool,
) -> impl IntoView {
    let t = translations();
    view! {
        <li class="row-card">
            <div class="what">
                {if within {
                    Either::Left(view! { <h3><bdi>{identity.label.clone()}</bdi></h3> })
                } else {
                    Either::Right(view! { <h2><bdi>{identity.label.clone()}</bdi></h2> })
                }}
                <dl class="facts short">
                    <div><dt>{t.identities_at()}</dt><dd><code translate="no" dir="ltr">{identity.issuer}</code></dd></div>
                    <div><dt>{t.identities_since()}</dt><dd><RelativeTime at=identity.linked_at/></dd></div>
                    <div>
                        <dt>{t.identities_last_used()}</dt>
                        <dd><RelativeTimeOrNever at=identity.last_used_at/></dd>
                    </div>
                </dl>
            </div>
            <a class="button danger" href=unlink data-confirm="" aria-label=t.identities_unlink_this(identity.label)>{t.identities_unlink()}</a>
        </li>
    }
}

/// Confirms the link between the identity and the signed-in account; shows both names.
#[component]
pub fn LinkThisIdentity() -> impl IntoView {
    let id = use_query_map().with_untracked(|query| query.get("linking").unwrap_or_default());
    Suspend::new(async move {
        let t = translations();
        let linking = match (context::request_context(), context::services()) {
            (Ok(caller), Ok(services)) => caller.session.identity_link(&id, services.now()).await.ok().flatten(),
            _ => None,
        };
        match linking.zip(context::current_person()) {
            Some((identity, person)) => Either::Left(view! {
                <Confirm
                    title=t.identities_link_question(identity.label.as_str(), person.display_name())
                    action=LinkIdentity::url()
                    fields=vec![Hidden("linking", id)]
                    button=t.identities_link()
                    cancel=paths::IDENTITIES
                    harmless=true
                >
                    <p><code translate="no" dir="ltr">{identity.issuer}</code></p>
                    <p class="warning">{t.identities_link_consequence(identity.label, person.user_id().as_str())}</p>
                </Confirm>
            }),
            None => Either::Right(view! { <AlreadyGone back=paths::IDENTITIES/> }),
        }
    })
}

#[component]
pub fn UnlinkThisIdentity() -> impl IntoView {
    let number = use_query_map().with_untracked(|query| query.get("identity").and_then(|number| number.parse::<i64>().ok()).unwrap_or_default());
    Suspend::new(async move {
        let t = translations();
        match list_identities().await.map(|linked| linked.into_iter().find(|identity| identity.number == number)) {
            Ok(Some(identity)) => EitherOf3::A(view! {
                <Confirm
                    title=t.identities_unlink_question(identity.label)
                    action=UnlinkIdentity::url()
                    fields=vec![Hidden("identity", identity.number.to_string())]
                    button=t.identities_unlink()
                    cancel=paths::IDENTITIES
                >
                    <p class="warning">{t.identities_unlink_consequence()}</p>
                </Confirm>
            }),
            Ok(None) => EitherOf3::B(view! { <AlreadyGone back=paths::IDENTITIES/> }),
            Err(_) => EitherOf3::C(view! { <ServerError/> }),
        }
    })
}
