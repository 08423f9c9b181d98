//! `/apps`: the clients that may act for the person, each with its devices.

mod application;
mod change;
mod entry;

use leptos::either::Either;
use leptos::prelude::*;

use self::entry::DelegationEntry;
use super::components::{ClientName, Command, EmptyList, FlashMessage, List, ListOption, PageContent, ServerError, confirm_url};
use super::list_query;
use crate::domain::pagination::{ListQuery, Page};
use crate::domain::paths::{self, encode};
use crate::i18n::to_count;
use crate::server::context::{self, translations};
use crate::server::sign_in::session::flash::Flash;
use crate::server_fns::delegations::{ClientDelegationsItem, list_my_clients};
pub use application::OneApplication;
pub use change::{ChangeDelegation, RevokeApplication, RevokeQuestion};
pub use entry::{DelegationDetails, DelegationFacts, StateBadge, delegation_name};

#[component]
pub fn Apps() -> impl IntoView {
    let query = list_query();
    Suspend::new(async move {
        match list_my_clients(query.clone()).await {
            Ok(clients) => Either::Left(view! { <ClientList clients query said=context::take_flash().await/> }),
            Err(_) => Either::Right(view! { <ServerError/> }),
        }
    })
}

#[component]
fn ClientList(clients: Page<ClientDelegationsItem>, query: ListQuery, said: Option<Flash>) -> impl IntoView {
    let t = translations();
    let filters = vec![ListOption("", t.apps_show_in_force()), ListOption("ended", t.apps_show_ended()), ListOption("all", t.apps_show_all())];
    let orders = vec![ListOption("", t.apps_sort_made()), ListOption("expires", t.apps_sort_expires()), ListOption("client", t.apps_sort_client())];
    let Page { items, next, position } = clients;
    let shown = items.len();
    let login = context::login_command();
    // The default filter shows active delegations.
    let nothing = match query.show.as_str() {
        "" => t.apps_none_in_force(),
        "ended" if query.search().is_none() => t.apps_none_ended(),
        "all" if query.search().is_none() => t.apps_empty_title(),
        _ => t.list_nothing_found(),
    };
    let show = query.show.clone();
    view! {
        <PageContent title=t.apps_title() wide=true>
            <p class="lead">{t.apps_lead()}</p>
            <FlashMessage flash=said/>
            <List path=paths::APPS query=query.clone() search_for=t.apps_search_for() filters orders nothing shown next position>
                {if items.is_empty() {
                    Either::Left(view! {
                        <EmptyList title=t.apps_empty_title() query>
                            <p class="hint">{t.apps_empty()}</p>
                            <Command text=login/>
                        </EmptyList>
                    })
                } else {
                    Either::Right(view! {
                        <ul class="rows">{items.into_iter().map(|item| view! { <ClientEntry item show=show.clone()/> }).collect_view()}</ul>
                    })
                }}
            </List>
        </PageContent>
    }
}

#[component]
fn ClientEntry(
    item: ClientDelegationsItem,
    /// The list's filter.
    show: String,
) -> impl IntoView {
    let t = translations();
    let page = paths::apps_application(&item.client_id);
    let all = if show.is_empty() { page.clone() } else { format!("{page}&show={}", encode(&show)) };
    let more = item.total > to_count(item.newest.len());
    // With a single device, to revoke it is to revoke the application.
    let single = item.active == 1;
    view! {
        <li class="row-card">
            <div class="what">
                <h2><ClientName client=item.client.clone() href=page/></h2>
            </div>
            {(item.active > 0).then(|| view! { <RevokeLink client_id=item.client_id.clone() name=item.client.name.clone()/> })}
            <ul class="devices">
                {item.newest.into_iter().map(|app| view! { <DelegationEntry app single/> }).collect_view()}
            </ul>
            {more.then(|| view! {
                <p><a href=all aria-label=t.apps_show_all_of(item.total, item.client.name.as_str())>{t.apps_show_all_devices(item.total)}</a></p>
            })}
        </li>
    }
}

/// The link that leads to revoking all access of a client.
#[component]
fn RevokeLink(client_id: String, name: String) -> impl IntoView {
    let t = translations();
    let address = confirm_url(&format!("{}?client={}", paths::APPS_REVOKE, encode(&client_id)));
    view! {
        <div class="actions">
            <a class="button danger" href=address data-confirm="" aria-label=t.apps_revoke_access_of(name)>{t.apps_revoke_access()}</a>
        </div>
    }
}
