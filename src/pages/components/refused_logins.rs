//! Refused logins: a person's own on `/activity`, and those of a host or person for administrators.

use std::collections::HashMap;

use leptos::either::{Either, EitherOf3};
use leptos::prelude::*;

use super::RelativeTime;
use crate::domain::ids::{HostName, TenantId, UserId};
use crate::domain::paths::{self, ReturnTo, encode};
use crate::domain::refused_lookup::{RefusalReason, RefusedLookup};
use crate::domain::time::Timestamp;
use crate::i18n::to_count;
use crate::server::context::{self, translations};
use crate::server::service::{Fault, Services};

/// How many a person is shown, and an administrator.
const SHOWN: usize = 10;
const SHOWN_TO_ADMIN: usize = 25;
/// The list is open if the newest is not older than this, in milliseconds.
const RECENT_MILLIS: i64 = 60 * 60 * 1_000;

/// Who reads the list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Audience {
    /// The person themselves, and whether they have a second factor.
    Person { has_second_factor: bool },
    /// An administrator, on the page of a host.
    AdminOfHost,
    /// An administrator, on the page of a person.
    AdminOfPerson,
}

/// The signed-in person's refused logins, in a section that is open if there are recent ones; nothing if there are none.
#[component]
pub fn MyRefusedLogins() -> impl IntoView {
    Suspend::new(async move {
        let (Ok(services), Ok(person)) = (context::services(), context::signed_in()) else { return None };
        let (refused, names) = with_client_names(&services, person.tenant_id(), services.list_my_refused_lookups(&person)).await?;
        let newest = refused.iter().map(|refused| refused.last_at).max()?;
        let open = is_recent(newest, services.now());
        let (t, count) = (translations(), to_count(refused.len()));
        let reader = Audience::Person { has_second_factor: person.has_second_factor() };
        Some(view! {
            <section class="refused" aria-labelledby="refused">
                <h2 id="refused">{t.refused_title()}</h2>
                <details open=open>
                    <summary>{t.refused_count(count)}</summary>
                    <Entries refused names limit=SHOWN reader/>
                    <p class="hint">{t.refused_lead()}</p>
                </details>
            </section>
        })
    })
}

/// Refused lookups with the names of the clients that created the keys, by id. `None` after a fault, which is logged.
async fn with_client_names(
    services: &Services,
    tenant: &TenantId,
    listed: impl Future<Output = Result<Vec<RefusedLookup>, Fault>>,
) -> Option<(Vec<RefusedLookup>, HashMap<String, String>)> {
    let found = async {
        let refused = listed.await?;
        let names = services.client_names_of(tenant, &refused).await?;
        Ok((refused, names))
    };
    found.await.map_err(context::fault).ok()
}

fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    now.as_millis() - at.as_millis() <= RECENT_MILLIS
}

/// A host's refused logins, for administrators.
#[component]
pub fn HostRefusedLogins(host: String) -> impl IntoView {
    Suspend::new(async move {
        let (Ok(services), Ok(admin), Ok(host)) = (context::services(), context::admin(), HostName::parse(host)) else { return None };
        let listed = services.list_refused_lookups_of_host(&admin, &host);
        let (refused, names) = with_client_names(&services, admin.tenant_id(), listed).await?;
        Some(view! { <AdminSection refused names reader=Audience::AdminOfHost/> })
    })
}

/// A person's refused logins, for administrators.
#[component]
pub fn PersonRefusedLogins(user: String) -> impl IntoView {
    Suspend::new(async move {
        let (Ok(services), Ok(admin), Ok(user)) = (context::services(), context::admin(), UserId::parse(user)) else { return None };
        let listed = services.list_refused_lookups_of_person(&admin, &user);
        let (refused, names) = with_client_names(&services, admin.tenant_id(), listed).await?;
        Some(view! { <AdminSection refused names reader=Audience::AdminOfPerson/> })
    })
}

#[component]
fn AdminSection(refused: Vec<RefusedLookup>, names: HashMap<String, String>, reader: Audience) -> impl IntoView {
    let t = translations();
    let count = to_count(refused.len());
    view! {
        <section aria-labelledby="refused">
            <h2 id="refused">{t.refused_title()}</h2>
            {if refused.is_empty() {
                Either::Left(view! { <p class="hint">{t.refused_none()}</p> })
            } else {
                Either::Right(view! {
                    <details>
                        <summary>{t.refused_count(count)}</summary>
                        <Entries refused names limit=SHOWN_TO_ADMIN reader/>
                    </details>
                })
            }}
        </section>
    }
}

/// The first ones; says so if there are more.
#[component]
fn Entries(
    refused: Vec<RefusedLookup>,
    /// The names of clients by id.
    names: HashMap<String, String>,
    limit: usize,
    reader: Audience,
) -> impl IntoView {
    let more = refused.len() > limit;
    view! {
        <ol class="rows">{refused.into_iter().take(limit).map(|refused| {
            let client = refused.client_id.as_ref().map(|id| names.get(id.as_str()).cloned().unwrap_or_else(|| id.to_string()));
            view! { <Entry refused client reader/> }
        }).collect_view()}</ol>
        {more.then(|| view! { <p class="hint">{translations().refused_newest(to_count(limit))}</p> })}
    }
}

#[component]
fn Entry(
    refused: RefusedLookup,
    /// The name of the client that created the key.
    client: Option<String>,
    reader: Audience,
) -> impl IntoView {
    let t = translations();
    let RefusedLookup { host, account, fingerprint, reason, user_id, from, last_at, times, .. } = refused;
    let sentence = t.refusal_reason(reason, &format!("{account}@{host}"));
    let for_admin = !matches!(reader, Audience::Person { .. });
    let person = user_id.filter(|_| reader == Audience::AdminOfHost).map(|user| {
        let page = format!("{}?user={}", paths::ADMIN_PERSON, encode(user.as_str()));
        view! { <div><dt>{t.refused_person()}</dt><dd><a href=page><bdi>{user.to_string()}</bdi></a></dd></div> }
    });
    let of_host = (reader == Audience::AdminOfPerson).then(|| {
        let page = format!("{}?host={}", paths::ADMIN_HOST, encode(host.as_str()));
        view! { <div><dt>{t.refused_host()}</dt><dd><a href=page><bdi>{host.to_string()}</bdi></a></dd></div> }
    });
    let remedy = match reader {
        Audience::Person { has_second_factor } => Some(view! { <Remedy reason has_second_factor sentence=sentence.clone()/> }),
        Audience::AdminOfHost | Audience::AdminOfPerson => None,
    };
    view! {
        <li class="row-card">
            <div class="what">
                <p class="happened">{sentence}</p>
                <p class="hint"><RelativeTime at=last_at/></p>
                <dl class="facts short">
                    <div><dt>{t.refused_key()}</dt><dd>{fingerprint_view(fingerprint, reason, for_admin)}</dd></div>
                    {client.map(|client| view! { <div><dt>{t.refused_client()}</dt><dd><bdi>{client}</bdi></dd></div> })}
                    {person}
                    {of_host}
                    {from.filter(|_| for_admin).map(|from| view! { <div><dt>{t.refused_asked_from()}</dt><dd><bdi>{from}</bdi></dd></div> })}
                    {(times > 1).then(|| view! { <div><dt>{t.refused_times()}</dt><dd>{t.refused_times_count(times)}</dd></div> })}
                </dl>
                {remedy}
            </div>
        </li>
    }
}

/// The fingerprint, as a link to the key if one is registered.
fn fingerprint_view(fingerprint: String, reason: RefusalReason, for_admin: bool) -> impl IntoView {
    let list = if for_admin { paths::ADMIN_KEYS } else { paths::KEYS };
    let address = format!("{list}?q={}", encode(&fingerprint));
    let text = view! { <code translate="no" dir="ltr">{fingerprint}</code> };
    if reason == RefusalReason::UnknownKey || reason.is_about_host() {
        Either::Left(text)
    } else {
        Either::Right(view! { <a href=address>{text}</a> })
    }
}

/// What the person can do about it, and where.
#[component]
fn Remedy(reason: RefusalReason, has_second_factor: bool, sentence: String) -> impl IntoView {
    let t = translations();
    let link = match reason {
        RefusalReason::KeyExpired | RefusalReason::KeyUsedUp | RefusalReason::ReservationEnded => {
            return EitherOf3::C(view! { <p class="hint">{t.refused_do_new_key()}</p> });
        }
        RefusalReason::UnknownKey => Some((paths::KEYS.to_owned(), t.refused_do_keys())),
        RefusalReason::MfaMissing | RefusalReason::MfaExpired if has_second_factor => {
            Some((paths::second_factor_again(&ReturnTo::to(paths::ACTIVITY)), t.refused_do_mfa()))
        }
        RefusalReason::MfaMissing | RefusalReason::MfaExpired => Some((paths::IDENTITIES.to_owned(), t.refused_do_mfa_set_up())),
        RefusalReason::LinkMissing | RefusalReason::LinkExpired => Some((paths::HOSTS.to_owned(), t.refused_do_hosts())),
        RefusalReason::DelegationMissing | RefusalReason::DelegationExpired => Some((paths::APPS.to_owned(), t.refused_do_apps())),
        RefusalReason::MfaDisabled
        | RefusalReason::ClientDisabled
        | RefusalReason::PersonDisabled
        | RefusalReason::TenantDisabled
        | RefusalReason::UidBelowMinimum
        | RefusalReason::KeyTypeMismatch
        | RefusalReason::HostOfOtherTenant
        | RefusalReason::CredentialMissing
        | RefusalReason::CredentialInvalid
        | RefusalReason::CredentialOfOtherHost => None,
    };
    match link {
        Some((page, text)) => EitherOf3::A(view! { <p><a href=page aria-label=format!("{text}: {sentence}")>{text.clone()}</a></p> }),
        None => EitherOf3::B(view! { <p class="hint">{t.refused_ask()}</p> }),
    }
}
