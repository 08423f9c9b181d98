//! `/apps/application`: a client with all of the person's delegations to it.

use leptos::either::{Either, EitherOf3};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::RevokeLink;
use super::entry::DelegationEntry;
use crate::domain::pagination::{Cursor, Page, PagePosition};
use crate::domain::paths::{self, encode};
use crate::i18n::to_count;
use crate::pages::components::{AlreadyGone, ClientTrustBadge, FlashMessage, PageContent, PageLinks, ServerError};
use crate::pages::list_query;
use crate::server::context::{self, translations};
use crate::server::sign_in::session::flash::Flash;
use crate::server_fns::delegations::{ClientDelegationsDetail, find_my_client};

#[component]
pub fn OneApplication() -> impl IntoView {
    let client = use_query_map().with_untracked(|query| query.get("client").unwrap_or_default());
    let query = list_query();
    Suspend::new(async move {
        match find_my_client(client, query.clone()).await {
            Ok(Some(found)) => EitherOf3::A(view! { <Detail found show=query.show after=query.after said=context::take_flash().await/> }),
            Ok(None) => EitherOf3::B(view! { <AlreadyGone back=paths::APPS/> }),
            Err(_) => EitherOf3::C(view! { <ServerError/> }),
        }
    })
}

#[component]
fn Detail(found: ClientDelegationsDetail, show: String, after: String, said: Option<Flash>) -> impl IntoView {
    let t = translations();
    let ClientDelegationsDetail { client, delegations } = found;
    let Page { items, next, position } = delegations;
    let page = paths::apps_application(&client.client_id);
    let filtered = move |show: &str| if show.is_empty() { page.clone() } else { format!("{page}&show={}", encode(show)) };
    let filters = [("", t.apps_show_in_force()), ("ended", t.apps_show_ended()), ("all", t.apps_show_all())];
    let keys = paths::keys_of_client(paths::KEYS, &client.client_id);
    let single = client.active == 1;
    let here = filtered(&show);
    let from = |cursor: &Cursor| format!("{here}&after={}", encode(&cursor.to_string()));
    let beginning = (!after.is_empty()).then(|| here.clone());
    let previous = position.as_ref().and_then(|position| position.previous.as_ref()).map(from);
    let more = next.as_ref().map(from);
    let summary = match position {
        Some(PagePosition { before, total, .. }) if total > items.len() => {
            let [first, last, total] = [before + 1, before + items.len(), total].map(to_count);
            Some(t.list_shown_of(first, last, total))
        }
        _ => None,
    };
    view! {
        <PageContent title=client.client.name.clone() wide=true>
            <p><ClientTrustBadge trust=client.client.trust/></p>
            <FlashMessage flash=said/>
            <dl class="facts">
                <dt>{t.apps_client_id()}</dt>
                <dd><code translate="no" dir="ltr">{client.client_id.clone()}</code></dd>
                <dt>{t.apps_keys()}</dt>
                <dd><a href=keys>{t.hosts_key_count(client.keys)}</a></dd>
            </dl>
            {(client.active > 0).then(|| view! { <RevokeLink client_id=client.client_id.clone() name=client.client.name.clone()/> })}
            <section aria-labelledby="devices">
                <h2 id="devices">{t.apps_devices()}</h2>
                <nav class="actions" aria-label=t.list_filter()>
                    {filters.map(|(word, text)| view! {
                        <a class="button" href=filtered(word) aria-current=(word == show).then_some("true")>{text}</a>
                    })}
                </nav>
                {summary.map(|summary| view! { <p class="hint">{summary}</p> })}
                {if items.is_empty() {
                    Either::Left(view! { <p class="hint">{if show == "ended" { t.apps_none_ended() } else { t.apps_none_active() }}</p> })
                } else {
                    Either::Right(view! {
                        <ul class="rows">{items.into_iter().map(|app| view! { <DelegationEntry app single/> }).collect_view()}</ul>
                    })
                }}
                {(beginning.is_some() || more.is_some()).then(|| view! { <PageLinks beginning previous more/> })}
            </section>
            <p class="aside"><a href=paths::APPS>{t.apps_all()}</a></p>
        </PageContent>
    }
}
