//! `/`: the signed-in person and what waits for them; for others, what the portal is.

use leptos::either::Either;
use leptos::prelude::*;

use super::components::{Command, PageContent, ServerError};
use super::device::PendingDevices;
use crate::domain::paths;
use crate::server::context::{self, translations};
use crate::server::service::SignedIn;

use crate::server_fns::device::{PendingDeviceGrant, pending_devices};
use crate::server_fns::host_accounts::{HostAccountItem, list_host_accounts};

#[component]
pub fn Home() -> impl IntoView {
    Suspend::new(async move {
        let Some(person) = context::current_person() else {
            return Either::Left(view! { <Welcome/> });
        };
        Either::Right(match (pending_devices().await, list_host_accounts().await) {
            (Ok(waiting), Ok(hosts)) => Either::Left(view! { <Overview person waiting hosts/> }),
            _ => Either::Right(view! { <ServerError/> }),
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
fn Overview(person: SignedIn, waiting: Vec<PendingDeviceGrant>, hosts: Vec<HostAccountItem>) -> impl IntoView {
    let active = hosts.iter().filter(|host| host.active).count();
    let t = translations();
    let linked = t.home_hosts_linked(i64::try_from(active).unwrap_or(i64::MAX));
    let login = context::login_command();
    view! {
        <PageContent title=t.home_hello(person.display_name())>
            <p class="lead">{t.home_signed_in_as()} " " <strong>{person.user_id().to_string()}</strong> " " {t.home_at()} " " <strong>{person.tenant_name().to_owned()}</strong> "."</p>
            <section aria-labelledby="waiting">
                <h2 id="waiting">{t.home_waiting()}</h2>
                {if waiting.is_empty() {
                    Either::Right(view! {
                        <p>{t.home_nothing_before()} " " <a href=paths::DEVICE>{t.home_nothing_link()}</a> "."</p>
                    })
                } else {
                    Either::Left(view! { <PendingDevices waiting/> })
                }}
            </section>
            <section aria-labelledby="linked">
                <h2 id="linked">{t.home_hosts()}</h2>
                <p>{linked} " " <a href=paths::HOSTS>{t.home_hosts_see()}</a></p>
            </section>
            <section aria-labelledby="terminal">
                <h2 id="terminal">{t.home_terminal()}</h2>
                <Command text=login/>
            </section>
        </PageContent>
    }
}
