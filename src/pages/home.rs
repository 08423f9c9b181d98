//! `/`: the signed-in person and what waits for them; for others, what the portal is.

use leptos::either::Either;
use leptos::prelude::*;

use super::components::{Command, PageContent, ServerError};
use super::device::PendingDevices;
use crate::domain::paths;
use crate::server::context::{self, SignedIn, translations};

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
    let w = translations();
    view! {
        <PageContent title=w.home_welcome()>
            <p class="lead">
                {w.home_welcome_lead()}
            </p>
            <p class="actions">
                <a class="button main" href=paths::DEVICE>{w.nav_device()}</a>
                <a class="button" href=paths::SIGN_IN>{w.sign_in()}</a>
            </p>
            <p class="hint">{w.home_welcome_code_before()} " " <code translate="no">"tms login"</code> " " {w.home_welcome_code_after()}</p>
        </PageContent>
    }
}

#[component]
fn Overview(person: SignedIn, waiting: Vec<PendingDeviceGrant>, hosts: Vec<HostAccountItem>) -> impl IntoView {
    let active = hosts.iter().filter(|host| host.active).count();
    let w = translations();
    let linked = w.home_hosts_linked(i64::try_from(active).unwrap_or(i64::MAX));
    let login = context::login_command();
    view! {
        <PageContent title=w.home_hello(person.display_name())>
            <p class="lead">{w.home_signed_in_as()} " " <strong>{person.user_id().to_string()}</strong> " " {w.home_at()} " " <strong>{person.tenant_name().to_owned()}</strong> "."</p>
            <section aria-labelledby="waiting">
                <h2 id="waiting">{w.home_waiting()}</h2>
                {if waiting.is_empty() {
                    Either::Right(view! {
                        <p>{w.home_nothing_before()} " " <a href=paths::DEVICE>{w.home_nothing_link()}</a> "."</p>
                    })
                } else {
                    Either::Left(view! { <PendingDevices waiting/> })
                }}
            </section>
            <section aria-labelledby="linked">
                <h2 id="linked">{w.home_hosts()}</h2>
                <p>{linked} " " <a href=paths::HOSTS>{w.home_hosts_see()}</a></p>
            </section>
            <section aria-labelledby="terminal">
                <h2 id="terminal">{w.home_terminal()}</h2>
                <Command text=login/>
            </section>
        </PageContent>
    }
}
