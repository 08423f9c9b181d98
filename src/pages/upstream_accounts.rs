//! `/hosts/provider`: the accounts that a provider asserts to be the person's, and the selection of those to link.

use leptos::either::Either;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::components::{AlreadyGone, FlashMessage, PageContent, PostForm, ServerError, told};
use crate::domain::paths::{self, ReturnTo};
use crate::domain::time::Timestamp;
use crate::islands::SubmitOnce;
use crate::server::context::{self, translations};
use crate::server::service::host_accounts::upstream_accounts::{LinkEligibility, ProposalReview, ProposedAccount};
use crate::server::service::{Fault, SignedIn};
use crate::server::sign_in::session::flash::Flash;
use crate::server_fns::upstream_accounts::LinkUpstreamAccounts;

#[component]
pub fn LinkUpstreamAccounts() -> impl IntoView {
    let id = use_query_map().with_untracked(|query| query.get("offer").unwrap_or_default());
    let then = ReturnTo::from_untrusted(&use_query_map().with_untracked(|query| query.get("then").unwrap_or_default()));
    Suspend::new(async move {
        let Some(person) = context::current_person() else { return Either::Right(Either::Right(view! { <ServerError/> })) };
        match load_proposal(&person, &id).await {
            Ok(Some(review)) => Either::Left(view! { <ProposalForm review id then person said=context::take_flash().await/> }),
            Ok(None) => Either::Right(Either::Left(view! { <AlreadyGone back=paths::HOSTS/> })),
            Err(fault) => {
                context::fault(fault);
                Either::Right(Either::Right(view! { <ServerError/> }))
            }
        }
    })
}

async fn load_proposal(person: &SignedIn, id: &str) -> Result<Option<ProposalReview>, Fault> {
    let (Ok(services), Ok(caller)) = (context::services(), context::request_context()) else { return Ok(None) };
    match caller.session.account_proposal(id, services.now()).await? {
        Some(proposal) => services.review_proposal(person, &proposal).await,
        None => Ok(None),
    }
}

#[component]
fn ProposalForm(review: ProposalReview, id: String, then: ReturnTo, person: SignedIn, said: Option<Flash>) -> impl IntoView {
    let t = translations();
    let ProposalReview { provider, label, accounts } = review;
    let can = |account: &ProposedAccount| matches!(account.eligibility, LinkEligibility::New { .. } | LinkEligibility::Renews { .. });
    let (linkable, others): (Vec<_>, Vec<_>) = accounts.into_iter().partition(can);
    let none = linkable.is_empty();
    view! {
        <PageContent title=t.proposal_title(provider.as_str()) refused=said.is_some()>
            <FlashMessage flash=said/>
            <dl class="facts">
                <dt>{t.proposal_there(provider.as_str())}</dt>
                <dd><strong><bdi>{label}</bdi></strong></dd>
                <dt>{t.proposal_here()}</dt>
                <dd><strong>{person.display_name().to_owned()}</strong> " (" {t.person_at(person.user_id().as_str(), person.tenant_name())} ")"</dd>
            </dl>
            {if none && others.is_empty() {
                Either::Left(view! { <p>{t.proposal_empty(provider)}</p> })
            } else {
                Either::Right((!others.is_empty()).then(|| view! {
                    <section aria-labelledby="others">
                        <h2 id="others">{t.proposal_others()}</h2>
                        <ul>{others.into_iter().map(|account| view! { <CannotBeLinked account/> }).collect_view()}</ul>
                    </section>
                }))
            }}
            {if none {
                Either::Left(view! { <p><a class="button main" href=paths::HOSTS>{t.gone_back()}</a></p> })
            } else {
                Either::Right(view! {
                    <SubmitOnce>
                        <PostForm action=LinkUpstreamAccounts::url() main=true class="consent">
                            <input type="hidden" name="offer" value=id/>
                            <input type="hidden" name="then" value=then.as_str().to_owned()/>
                            <fieldset>
                                <legend>{t.proposal_accounts()}</legend>
                                {linkable.into_iter().map(|account| view! { <AccountChoice account/> }).collect_view()}
                            </fieldset>
                            <p class="warning">{t.proposal_means(person.user_id().as_str())}</p>
                            <div class="decide">
                                <a class="button" href=paths::HOSTS>{t.cancel()}</a>
                                <button class="main">{t.link_link()}</button>
                            </div>
                        </PostForm>
                    </SubmitOnce>
                })
            }}
        </PageContent>
    }
}

#[component]
fn AccountChoice(account: ProposedAccount) -> impl IntoView {
    let t = translations();
    let ProposedAccount { host, account, eligibility } = account;
    let account = account.map(String::from).unwrap_or_default();
    let until = match eligibility {
        LinkEligibility::Renews { until } if until < Timestamp::FOREVER => context::naming(until, |until| t.proposal_renews(until)),
        LinkEligibility::Renews { .. } => t.link_yours_for_ever().into(),
        LinkEligibility::New { until } => context::naming(until, |until| t.proposal_until(until)),
        LinkEligibility::InvalidName | LinkEligibility::SystemAccount | LinkEligibility::LinkedToAnother => String::new().into(),
    };
    view! {
        <label class="choice">
            <input type="checkbox" name="accounts[]" value=format!("{host} {account}") checked=true/>
            <span>
                <strong>{String::from(host)}</strong> " " {t.consent_as()} " " <strong translate="no" dir="ltr">{account}</strong>
                " " <span class="hint">{told(&until)}</span>
            </span>
        </label>
    }
}

/// Shown instead of a checkbox: why the account cannot be linked.
#[component]
fn CannotBeLinked(account: ProposedAccount) -> impl IntoView {
    let t = translations();
    let ProposedAccount { host, account, eligibility } = account;
    let why = match eligibility {
        LinkEligibility::SystemAccount => t.proposal_system_account(),
        LinkEligibility::LinkedToAnother => t.link_refused_linked_to_another(),
        LinkEligibility::InvalidName | LinkEligibility::New { .. } | LinkEligibility::Renews { .. } => t.proposal_no_name(),
    };
    view! {
        <li>
            <strong>{String::from(host)}</strong>
            {account.map(|account| view! { " " {t.consent_as()} " " <strong translate="no" dir="ltr">{String::from(account)}</strong> })}
            ": " {why}
        </li>
    }
}
