//! Choices on consent pages: host accounts, lifetime; and where a request came from.

use leptos::either::Either;
use leptos::prelude::*;

use super::{ExactTime, RelativeTime};
use crate::domain::time::Timestamp;
use crate::server::context::translations;
use crate::server_fns::consent::{ALL_ACCOUNTS, LifetimeItem, NetworkProximity};
use crate::server_fns::host_accounts::HostAccountItem;

/// More accounts than these are chosen together: all, none, or the selected ones of a list that only then is shown.
const LISTED_ACCOUNTS: usize = 3;
/// The hosts that are named beside "all".
const NAMED_HOSTS: usize = 6;

/// The host accounts to choose from; all are selected at first.
#[component]
pub fn HostChoices(accounts: Vec<HostAccountItem>) -> impl IntoView {
    let t = translations();
    if accounts.len() <= LISTED_ACCOUNTS {
        return Either::Left(accounts.into_iter().map(|account| view! { <HostChoice account/> }).collect_view());
    }
    // "All" is what this page shows, not what is linked when the form is received.
    let shown = accounts.iter().map(|account| account.id.as_str()).collect::<Vec<_>>().join(",");
    let every = format!("{ALL_ACCOUNTS}{shown}");
    let mut hosts: Vec<&str> = accounts.iter().map(|account| account.host.as_str()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    let (named, more) = (hosts.iter().take(NAMED_HOSTS).copied().collect::<Vec<_>>().join(", "), hosts.len().saturating_sub(NAMED_HOSTS));
    let on = if more == 0 { t.consent_accounts_on(named) } else { t.consent_accounts_on_more(more, named) };
    let all = t.consent_all_accounts(accounts.len());
    let choice = |value: String, checked: bool, label: String, hint: Option<String>| {
        view! {
            <label class="choice">
                <input type="radio" name="accounts" value=value checked=checked/>
                <span><strong>{label}</strong> {hint.map(|hint| view! { <span class="hint">" " <bdi>{hint}</bdi></span> })}</span>
            </label>
        }
    };
    Either::Right(view! {
        {choice(every, true, all, Some(on))}
        {choice("none".to_owned(), false, t.consent_no_accounts(), None)}
        {choice("selected".to_owned(), false, t.consent_selected_accounts(), None)}
        <div class="if-selected" role="group" aria-label=t.consent_selected_accounts()>
            {accounts.into_iter().map(|account| view! { <HostChoice account/> }).collect_view()}
        </div>
    })
}

#[component]
fn HostChoice(account: HostAccountItem) -> impl IntoView {
    let t = translations();
    view! {
        <label class="choice">
            <input type="checkbox" name="host_accounts[]" value=account.id checked/>
            <span><strong>{account.host}</strong> " " {t.consent_as()} " " <strong>{account.account}</strong></span>
        </label>
    }
}

/// The "I started this" checkbox. `refused`: the form was sent without it; the error has the id `consent-error`.
#[component]
pub fn StartedThis(sentence: String, refused: bool) -> impl IntoView {
    view! {
        <label class="choice tick">
            <input
                type="checkbox"
                name="started_this"
                value="yes"
                autofocus=refused
                aria-invalid=refused.then_some("true")
                aria-describedby=refused.then_some("consent-error")
            />
            <span>{sentence}</span>
        </label>
    }
}

/// The lifetimes to choose from, the shortest selected at first. `is_fixed`: the shortest, as a hint.
#[component]
pub fn LifetimeChoices(lifetimes: Vec<LifetimeItem>, #[prop(optional)] is_fixed: bool) -> impl IntoView {
    let t = translations();
    if is_fixed {
        return Either::Left(lifetimes.into_iter().next().map(|shortest| {
            view! {
                <input type="hidden" name="lifetime" value=shortest.seconds.to_string()/>
                <p class="hint">{t.consent_lasts(shortest.label)}</p>
            }
        }));
    }
    Either::Right(view! {
        <fieldset>
            <legend>{t.consent_how_long()}</legend>
            {lifetimes.into_iter().enumerate().map(|(n, lifetime)| view! {
                <label class="choice">
                    <input type="radio" name="lifetime" value=lifetime.seconds.to_string() checked=n == 0/>
                    <span><strong>{lifetime.label}</strong> <span class="hint">" " {t.consent_until()} " " <ExactTime at=lifetime.until/></span></span>
                </label>
            }).collect_view()}
        </fieldset>
    })
}

/// When and from where a request was sent, and by which program.
#[component]
pub fn RequestFacts(at: Timestamp, from: Option<String>, proximity: NetworkProximity, agent: String) -> impl IntoView {
    let t = translations();
    view! {
        <dt>{t.consent_requested()}</dt>
        <dd><RelativeTime at/></dd>
        <dt>{t.consent_from()}</dt>
        <dd>{request_origin(from, proximity)}</dd>
        {(!agent.is_empty()).then(|| view! {
            <dt>{t.consent_program()}</dt>
            <dd><bdi>{agent}</bdi> <span class="hint">" " {t.consent_program_says()}</span></dd>
        })}
    }
}

/// The address that a request came from, compared with the browser's.
fn request_origin(from: Option<String>, proximity: NetworkProximity) -> String {
    let t = translations();
    match (from, proximity) {
        (Some(from), NetworkProximity::SameAddress) => t.consent_from_same(from),
        (Some(from), NetworkProximity::SameNetwork) => t.consent_from_network(from),
        (Some(from), NetworkProximity::OtherNetwork) => t.consent_from_other(from),
        (Some(from), NetworkProximity::Unknown) => t.consent_from_uncompared(from),
        (None, _) => t.consent_from_unknown(),
    }
}
