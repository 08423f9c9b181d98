//! `/`: what waits for the person, what needs their attention, and what can act for them; for others, what the portal is.

use leptos::either::{Either, EitherOf3};
use leptos::prelude::*;

use super::components::{Command, Notifications, PageContent, RelativeTime, ServerError};
use super::device::PendingDevices;
use super::host_accounts::{ProviderLinks, host_providers};
use crate::domain::access_overview::{AccessOverview, ExpiringAccess, ExpiringKind, LastSignIn, NewestAccess, SecondFactorAdvice};
use crate::domain::paths;
use crate::domain::provider::Provider;
use crate::i18n::to_count;
use crate::server::context::{self, translations};
use crate::server::service::SignedIn;
use crate::server_fns::access_overview::my_access_overview;
use crate::server_fns::device::{PendingDeviceGrant, pending_devices};

#[component]
pub fn Home() -> impl IntoView {
    Suspend::new(async move {
        let Some(person) = context::current_person() else {
            return Either::Left(view! { <Welcome/> });
        };
        let (waiting, access) = (pending_devices().await, my_access_overview().await);
        Either::Right(match (waiting, access) {
            (Ok(waiting), Ok(access)) if access.has_no_access_yet => {
                EitherOf3::A(view! { <FirstSteps person waiting owners=host_providers().await/> })
            }
            (Ok(waiting), Ok(access)) => EitherOf3::B(view! { <Overview person waiting access/> }),
            _ => EitherOf3::C(view! { <ServerError/> }),
        })
    })
}

#[component]
fn Welcome() -> impl IntoView {
    let t = translations();
    view! {
        <PageContent title=t.home_welcome()>
            <p class="lead">
                {t.home_welcome_lead()}
            </p>
            <p class="actions">
                <a class="button main" href=paths::DEVICE>{t.nav_device()}</a>
                <a class="button" href=paths::SIGN_IN>{t.sign_in()}</a>
            </p>
            <p class="hint">{t.home_welcome_code_before()} " " <code translate="no">"tms login"</code> " " {t.home_welcome_code_after()}</p>
        </PageContent>
    }
}

#[component]
fn Overview(person: SignedIn, waiting: Vec<PendingDeviceGrant>, access: AccessOverview) -> impl IntoView {
    let t = translations();
    let (nothing_waits, needs_attention) = (waiting.is_empty(), access.needs_attention());
    view! {
        <PageContent title=t.home_hello(person.display_name()) wide=true>
            <p class="lead">{t.home_signed_in_as()} " " <strong>{person.user_id().to_string()}</strong> " " {t.home_at()} " " <strong>{person.tenant_name().to_owned()}</strong> "."</p>
            {access.last_sign_in.map(|last| view! { <LastSignInLine last/> })}
            {(!nothing_waits).then(|| view! {
                <section aria-labelledby="waiting">
                    <h2 id="waiting">{t.home_waiting()}</h2>
                    <PendingDevices waiting/>
                </section>
            })}
            <section aria-labelledby="access">
                <h2 id="access">{t.home_access()}</h2>
                <ul class="cards three">
                    <AccessCard path=paths::APPS count=t.home_apps_count(to_count(access.clients.count)) newest=access.clients.newest/>
                    <AccessCard path=paths::KEYS count=t.home_keys_count(to_count(access.keys.count)) newest=access.keys.newest/>
                    <AccessCard path=paths::HOSTS count=t.home_hosts_count(to_count(access.host_accounts.count)) newest=access.host_accounts.newest/>
                </ul>
            </section>
            {needs_attention.then(|| view! {
                <Attention no_host_account=access.host_accounts.count == 0 second_factor=access.second_factor expiring=access.expiring/>
            })}
            <Notifications/>
            <section aria-labelledby="code">
                <h2 id="code">{t.home_allow()}</h2>
                {nothing_waits.then(|| view! {
                    <p>{t.home_nothing_before()} " " <a href=paths::DEVICE>{t.home_nothing_link()}</a> "."</p>
                })}
                <p>{t.home_terminal()}</p>
                <Command text=context::login_command()/>
            </section>
        </PageContent>
    }
}

/// What needs the person's attention: a missing host account or second factor, and what expires soon.
#[component]
fn Attention(no_host_account: bool, second_factor: SecondFactorAdvice, expiring: Vec<ExpiringAccess>) -> impl IntoView {
    let t = translations();
    let advice = match second_factor {
        SecondFactorAdvice::NotNeeded => None,
        SecondFactorAdvice::Suggested => Some((t.home_second_factor_suggested(), paths::IDENTITIES)),
        SecondFactorAdvice::Required => Some((t.home_second_factor_required(), paths::IDENTITIES_SECOND_FACTOR)),
    };
    view! {
        <section aria-labelledby="attention">
            <h2 id="attention">{t.home_attention()}</h2>
            <ul class="rows">
                {no_host_account.then(|| view! {
                    <li class="row-card">
                        <p class="what">{t.home_no_host_account()}</p>
                        <a class="button" href=paths::HOSTS_LINK>{t.hosts_link()}</a>
                    </li>
                })}
                {advice.map(|(advice, page)| view! {
                    <li class="row-card">
                        <p class="what">{advice}</p>
                        <a class="button" href=page>{t.home_second_factor_set_up()}</a>
                    </li>
                })}
                {expiring.into_iter().map(|access| view! { <ExpiringEntry access/> }).collect_view()}
            </ul>
        </section>
    }
}

#[component]
fn ExpiringEntry(access: ExpiringAccess) -> impl IntoView {
    let t = translations();
    let (path, what, see) = match access.what {
        ExpiringKind::Keys(count) => (format!("{}?show=soon&sort=expires", paths::KEYS), t.home_expiring_keys(to_count(count)), t.home_see_keys()),
        ExpiringKind::Client(name) => (format!("{}?sort=expires", paths::APPS), t.home_expiring_app(name), t.home_see_apps()),
        ExpiringKind::HostAccount { account, host } => {
            (format!("{}?sort=expires", paths::HOSTS), t.home_expiring_host(account, host), t.home_see_hosts())
        }
    };
    view! {
        <li class="row-card">
            <p class="what">{what} " " <RelativeTime at=access.at/> "."</p>
            <a href=path>{see}</a>
        </li>
    }
}

/// A number of active objects that links to their list, and the newest of them.
#[component]
fn AccessCard(path: &'static str, count: String, newest: Option<NewestAccess>) -> impl IntoView {
    let t = translations();
    view! {
        <li class="card">
            <h3><a href=path>{count}</a></h3>
            {newest.map(|newest| view! {
                <p class="hint">{t.home_newest()} " " <bdi>{newest.name}</bdi> ", " <RelativeTime at=newest.at/></p>
            })}
        </li>
    }
}

#[component]
fn LastSignInLine(last: LastSignIn) -> impl IntoView {
    let t = translations();
    view! {
        <p class="hint">
            {t.home_last_sign_in()} " " <RelativeTime at=last.at/>
            {last.from.map(|from| view! { ", " {t.home_from()} " " <bdi>{from}</bdi> })} ". "
            <a href=paths::ACTIVITY>{t.home_see_activity()}</a>
        </p>
    }
}

/// The first steps of a person who has nothing yet.
#[component]
fn FirstSteps(person: SignedIn, waiting: Vec<PendingDeviceGrant>, owners: Vec<Provider>) -> impl IntoView {
    let t = translations();
    view! {
        <PageContent title=t.home_hello(person.display_name()) wide=true>
            <p class="lead">{t.home_signed_in_as()} " " <strong>{person.user_id().to_string()}</strong> " " {t.home_at()} " " <strong>{person.tenant_name().to_owned()}</strong> "."</p>
            <PendingDevices waiting/>
            <Notifications/>
            <ol class="steps">
                <li>
                    <h2>{t.hosts_link()}</h2>
                    <p>{t.home_link_means()}</p>
                    <p class="actions">
                        <a class="button main" href=paths::HOSTS_LINK>{t.hosts_link()}</a>
                        <ProviderLinks providers=owners/>
                    </p>
                </li>
                <li>
                    <h2>{t.home_terminal_title()}</h2>
                    <p>{t.home_terminal()}</p>
                    <Command text=context::login_command()/>
                </li>
            </ol>
        </PageContent>
    }
}
