//! `/hosts`: the person's linked host accounts.

use leptos::either::Either;
use leptos::prelude::*;

use super::components::{At, Page, Sorry};
use crate::server_fns::host_accounts::{HostAccountItem, list_host_accounts};

#[component]
pub fn Hosts() -> impl IntoView {
    Suspend::new(async move {
        match list_host_accounts().await {
            Ok(accounts) => Either::Left(view! { <List accounts/> }),
            Err(_) => Either::Right(view! { <Sorry/> }),
        }
    })
}

#[component]
fn List(accounts: Vec<HostAccountItem>) -> impl IntoView {
    let empty = accounts.is_empty();
    view! {
        <Page title="Hosts" wide=true>
            <p class="lead">"Host accounts that are linked to you. An application you allow can only use those you tick for it."</p>
            {if empty {
                Either::Left(view! {
                    <div class="card empty">
                        <p>"No host account is linked to you yet."</p>
                        <p class="hint">"The operators of your centre link them. Tell them the host and your user name on it."</p>
                    </div>
                })
            } else {
                Either::Right(view! {
                    <ul class="cards">
                        {accounts.into_iter().map(|account| view! { <Account account/> }).collect_view()}
                    </ul>
                })
            }}
        </Page>
    }
}

#[component]
fn Account(account: HostAccountItem) -> impl IntoView {
    let (class, state) = if account.active { ("badge good", "active") } else { ("badge bad", "expired") };
    view! {
        <li class="card">
            <h2>{account.host} " " <span class=class>{state}</span></h2>
            <dl class="facts">
                <dt>"Account"</dt>
                <dd translate="no">{account.account}</dd>
                <dt>"Linked"</dt>
                <dd><At at=account.linked_at/></dd>
                <dt>{if account.active { "Expires" } else { "Expired" }}</dt>
                <dd><At at=account.expires_at/></dd>
            </dl>
        </li>
    }
}
