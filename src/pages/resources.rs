//! `/hosts/provider`: the accounts that a provider says are the person's, and which of them are to be linked.

use leptos::either::Either;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::components::{Gone, Page, PostForm, Said, Sorry};
use crate::domain::paths;
use crate::domain::time::Timestamp;
use crate::islands::{OnePress, told};
use crate::server::context::resources::{Offered, OfferedAccount, Standing};
use crate::server::context::{self, Fault, Notice, SignedIn, words};
use crate::server_fns::resources::LinkOfferedAccounts;

#[component]
pub fn LinkThroughProvider() -> impl IntoView {
    let id = use_query_map().with_untracked(|query| query.get("offer").unwrap_or_default());
    Suspend::new(async move {
        let Some(person) = context::visitor() else { return Either::Right(Either::Right(view! { <Sorry/> })) };
        match offered(&person, &id).await {
            Ok(Some(offered)) => Either::Left(view! { <Question offered id person said=context::said().await/> }),
            Ok(None) => Either::Right(Either::Left(view! { <Gone back=paths::HOSTS/> })),
            Err(fault) => {
                context::fault(fault);
                Either::Right(Either::Right(view! { <Sorry/> }))
            }
        }
    })
}

async fn offered(person: &SignedIn, id: &str) -> Result<Option<Offered>, Fault> {
    let (Ok(services), Ok(caller)) = (context::services(), context::caller()) else { return Ok(None) };
    match caller.session.offer(id, services.now()).await? {
        Some(offer) => services.offered(person, &offer).await,
        None => Ok(None),
    }
}

#[component]
fn Question(offered: Offered, id: String, person: SignedIn, said: Option<Notice>) -> impl IntoView {
    let w = words();
    let Offered { provider, label, accounts } = offered;
    let can = |account: &OfferedAccount| matches!(account.standing, Standing::New { .. } | Standing::Renews { .. });
    let (linkable, others): (Vec<_>, Vec<_>) = accounts.into_iter().partition(can);
    let none = linkable.is_empty();
    view! {
        <Page title=w.offer_title(provider.as_str()) refused=said.is_some()>
            <Said notice=said/>
            <dl class="facts">
                <dt>{w.offer_there(provider.as_str())}</dt>
                <dd><strong><bdi>{label}</bdi></strong></dd>
                <dt>{w.offer_here()}</dt>
                <dd><strong>{person.display_name().to_owned()}</strong> " (" {w.person_at(person.user_id().as_str(), person.tenant_name())} ")"</dd>
            </dl>
            {if none && others.is_empty() {
                Either::Left(view! { <p>{w.offer_empty(provider)}</p> })
            } else {
                Either::Right((!others.is_empty()).then(|| view! {
                    <section aria-labelledby="others">
                        <h2 id="others">{w.offer_others()}</h2>
                        <ul>{others.into_iter().map(|account| view! { <CannotBeLinked account/> }).collect_view()}</ul>
                    </section>
                }))
            }}
            {if none {
                Either::Left(view! { <p><a class="button main" href=paths::HOSTS>{w.gone_back()}</a></p> })
            } else {
                Either::Right(view! {
                    <OnePress>
                        <PostForm action=LinkOfferedAccounts::url() main=true class="consent">
                            <input type="hidden" name="offer" value=id/>
                            <fieldset>
                                <legend>{w.offer_accounts()}</legend>
                                {linkable.into_iter().map(|account| view! { <Choice account/> }).collect_view()}
                            </fieldset>
                            <p class="warning">{w.offer_means(person.user_id().as_str())}</p>
                            <div class="decide">
                                <a class="button" href=paths::HOSTS>{w.cancel()}</a>
                                <button class="main">{w.link_link()}</button>
                            </div>
                        </PostForm>
                    </OnePress>
                })
            }}
        </Page>
    }
}

#[component]
fn Choice(account: OfferedAccount) -> impl IntoView {
    let w = words();
    let OfferedAccount { host, account, standing } = account;
    let account = account.map(String::from).unwrap_or_default();
    let until = match standing {
        Standing::Renews { until } if until < Timestamp::FOREVER => context::naming(until, |until| w.offer_renews(until)),
        Standing::Renews { .. } => w.link_yours_for_ever().into(),
        Standing::New { until } => context::naming(until, |until| w.offer_until(until)),
        Standing::NoName | Standing::SystemAccount | Standing::SomebodyElses => String::new().into(),
    };
    view! {
        <label class="choice">
            <input type="checkbox" name="accounts[]" value=format!("{host} {account}") checked=true/>
            <span>
                <strong>{String::from(host)}</strong> " " {w.consent_as()} " " <strong translate="no" dir="ltr">{account}</strong>
                " " <span class="hint">{told(&until)}</span>
            </span>
        </label>
    }
}

/// In place of a tick: why there is none.
#[component]
fn CannotBeLinked(account: OfferedAccount) -> impl IntoView {
    let w = words();
    let OfferedAccount { host, account, standing } = account;
    let why = match standing {
        Standing::SystemAccount => w.offer_system_account(),
        Standing::SomebodyElses => w.link_refused_somebody_elses(),
        Standing::NoName | Standing::New { .. } | Standing::Renews { .. } => w.offer_no_name(),
    };
    view! {
        <li>
            <strong>{String::from(host)}</strong>
            {account.map(|account| view! { " " {w.consent_as()} " " <strong translate="no" dir="ltr">{String::from(account)}</strong> })}
            ": " {why}
        </li>
    }
}
