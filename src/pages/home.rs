//! `/`: who you are and what waits; for strangers, what this is.

use leptos::either::Either;
use leptos::prelude::*;

use super::components::{ClientName, Command, Page, Sorry};
use crate::domain::paths;
use crate::server::context::{self, SignedIn};

use crate::server_fns::device::{WaitingRequest, waiting_device};
use crate::server_fns::host_accounts::{HostAccountItem, list_host_accounts};

#[component]
pub fn Home() -> impl IntoView {
    Suspend::new(async move {
        let Some(person) = context::visitor() else {
            return Either::Left(view! { <Welcome/> });
        };
        Either::Right(match (waiting_device().await, list_host_accounts().await) {
            (Ok(waiting), Ok(hosts)) => Either::Left(view! { <Overview person waiting hosts/> }),
            _ => Either::Right(view! { <Sorry/> }),
        })
    })
}

#[component]
fn Welcome() -> impl IntoView {
    view! {
        <Page title="Let your programs in, and see who you let in">
            <p class="lead">
                "The Trust Manager lets the applications you choose work for you on your computing centre’s hosts, without your password, and only for as long as you say."
            </p>
            <p class="actions">
                <a class="button main" href=paths::DEVICE>"Enter a code"</a>
                <a class="button" href=paths::SIGN_IN>"Sign in"</a>
            </p>
            <p class="hint">"A code appears when a program, such as " <code translate="no">"tms login"</code> " in a terminal, asks to act for you."</p>
        </Page>
    }
}

#[component]
fn Overview(person: SignedIn, waiting: Option<WaitingRequest>, hosts: Vec<HostAccountItem>) -> impl IntoView {
    let active = hosts.iter().filter(|host| host.active).count();
    let linked = match active {
        0 => "No host account is linked to you yet.".to_owned(),
        1 => "One host account is linked to you.".to_owned(),
        n => format!("{n} host accounts are linked to you."),
    };
    let login = context::login_command();
    view! {
        <Page title=format!("Hello, {}", person.display_name())>
            <p class="lead">"You are signed in as " <strong>{person.user_id().to_string()}</strong> " at " <strong>{person.tenant_name().to_owned()}</strong> "."</p>
            <section aria-labelledby="waiting">
                <h2 id="waiting">"Waiting for you"</h2>
                {match waiting {
                    Some(device) => Either::Left(view! {
                        <div class="card ask">
                            <p><ClientName client=device.client/> " asks to use your account."</p>
                            <p><a class="button main" href=paths::DEVICE>"Look at the request"</a></p>
                        </div>
                    }),
                    None => Either::Right(view! {
                        <p>"Nothing. When a program shows you a code, " <a href=paths::DEVICE>"enter it here"</a> "."</p>
                    }),
                }}
            </section>
            <section aria-labelledby="linked">
                <h2 id="linked">"Your hosts"</h2>
                <p>{linked} " " <a href=paths::HOSTS>"See your hosts"</a></p>
            </section>
            <section aria-labelledby="terminal">
                <h2 id="terminal">"Sign in from a terminal"</h2>
                <Command text=login/>
            </section>
        </Page>
    }
}
