//! The entries of an audit log by day, each as a sentence with its facts and what to do about it.

use std::time::Duration;

use leptos::either::{Either, EitherOf3};
use leptos::prelude::*;

use super::Reader;
use super::remedies::{Remedy, remedies};
use super::sentence::{EventSentence, key_url, person_url};
use super::timeline::{Day, by_day};
use crate::domain::ids::AdminId;
use crate::domain::paths::{self, encode};
use crate::domain::time::{CalendarDate, Timestamp};
use crate::i18n::to_count;
use crate::pages::components::RelativeTime;
use crate::server::context::{self, format_time, translations};
use crate::server_fns::audit_log::AuditEntryItem;

/// All entries of a page of the list, newest first.
#[component]
pub fn Days(entries: Vec<AuditEntryItem>, reader: Reader) -> impl IntoView {
    let zone = context::zone();
    let today = context::services().ok().and_then(|services| CalendarDate::of(services.now(), &zone));
    by_day(&entries, &zone)
        .into_iter()
        .map(|Day { date, runs }| {
            view! {
                <section class="group">
                    <h2>{day_name(date, today)}</h2>
                    <ol class="rows">{runs.into_iter().map(|events| view! { <Run events reader/> }).collect_view()}</ol>
                </section>
            }
        })
        .collect_view()
}

/// "Today", "Yesterday" or the date.
fn day_name(date: Option<CalendarDate>, today: Option<CalendarDate>) -> String {
    let t = translations();
    match date {
        None => t.moment_unknown(),
        Some(date) if Some(date) == today => t.activity_today(),
        Some(date) if date.tomorrow() == today => t.activity_yesterday(),
        Some(date) => t.format_date(date),
    }
}

/// Equal consecutive events.
#[component]
fn Run(events: Vec<AuditEntryItem>, reader: Reader) -> impl IntoView {
    let sentence = EventSentence::new(&events, reader)?;
    let t = translations();
    let stop = match reader {
        Reader::Person { has_password } => remedies(&events, has_password),
        Reader::Administrator => Vec::new(),
    };
    let (newest, oldest) = (events.first()?.clone(), events.last()?.clone());
    let count = events.len();
    let single = count > 1;
    let now = context::services().map_or(newest.at, |services| services.now());
    let spoken = |at: Timestamp| t.format_relative(at, now);
    Some(view! {
        <li class="row-card">
            <div class="what event">
                <p class="happened">{sentence.view()}</p>
                <p class="hint">
                    {(spoken(oldest.at) != spoken(newest.at)).then(|| view! { <EventTime at=oldest.at/> " – " })}
                    <EventTime at=newest.at/>
                </p>
                {facts(&sentence, newest, reader, single)}
                {single.then(|| view! {
                    <details class="more">
                        <summary>{t.activity_single(to_count(count))}</summary>
                        <ol class="single">{events.into_iter().map(|entry| view! { <Single entry reader/> }).collect_view()}</ol>
                    </details>
                })}
            </div>
            {(!stop.is_empty()).then(|| view! { <NotMe stop what=sentence.plain/> })}
        </li>
    })
}

/// One of several equal events.
#[component]
fn Single(entry: AuditEntryItem, reader: Reader) -> impl IntoView {
    let sentence = EventSentence::new(std::slice::from_ref(&entry), reader)?;
    Some(view! {
        <li class="event">
            <p class="happened">{sentence.view()}</p>
            <p class="hint"><EventTime at=entry.at/></p>
            {facts(&sentence, entry, reader, false)}
        </li>
    })
}

/// What the sentence does not tell. Of several events only what they have in common.
fn facts(sentence: &EventSentence, entry: AuditEntryItem, reader: Reader, several: bool) -> AnyView {
    let t = translations();
    let fact = |name: String, value: Option<String>| value.map(|value| view! { <div><dt>{name}</dt><dd><bdi>{value}</bdi></dd></div> });
    let of_key = entry.subject.as_deref().filter(|_| !several && entry.is_about_key()).map(str::to_owned);
    let details = sentence.details().filter(|_| of_key.is_none() && !(several && entry.is_about_key()));
    let key = of_key.map(|fingerprint| {
        let fingerprint = view! { <code translate="no" dir="ltr">{fingerprint}</code> };
        let value = match key_url(&entry, reader) {
            Some(address) => Either::Left(view! { <a href=address>{fingerprint}</a> }),
            None => Either::Right(fingerprint),
        };
        view! { <div><dt>{t.activity_key()}</dt><dd>{value}</dd></div> }
    });
    let person = entry.person.clone().filter(|_| reader == Reader::Administrator).map(|user| {
        let name = match entry.objects.person_name.clone().filter(|name| *name != user) {
            Some(name) => t.activity_person(name, user.as_str()),
            None => user,
        };
        let value = match person_url(&entry, reader) {
            Some(address) => Either::Left(view! { <a href=address><bdi>{name}</bdi></a> }),
            None => Either::Right(view! { <bdi>{name}</bdi> }),
        };
        view! { <div><dt>{t.activity_who()}</dt><dd>{value}</dd></div> }
    });
    let admin = entry.admin.clone().map(|admin| view! { <div><dt>{t.activity_by()}</dt><dd>{admin_name(&admin, reader)}</dd></div> });
    // Equal events of keys may have come from different addresses.
    let from = entry.from.clone().filter(|_| !(several && entry.is_about_key()));
    view! {
        <dl class="facts short">
            {person}
            {key}
            {fact(t.activity_client(), sentence.other_app().map(str::to_owned))}
            {fact(t.activity_subject(), details)}
            {fact(t.activity_from(), from)}
            {admin}
        </dl>
    }
    .into_any()
}

/// Who caused the event, if it was not the person.
fn admin_name(admin: &str, reader: Reader) -> impl IntoView + use<> {
    let t = translations();
    if admin == AdminId::OPERATOR {
        return EitherOf3::A(t.activity_by_operator());
    }
    match (admin.strip_prefix("person:"), reader) {
        (Some(person), Reader::Administrator) => {
            let address = format!("{}?user={}", paths::ADMIN_PERSON, encode(person));
            EitherOf3::B(view! { <a href=address><bdi>{t.activity_by_admin(person)}</bdi></a> })
        }
        (person, _) => EitherOf3::C(view! { <bdi>{t.activity_by_admin(person.unwrap_or(admin))}</bdi> }),
    }
}

/// What the person can do if they did not cause the event.
#[component]
fn NotMe(stop: Vec<Remedy>, what: String) -> impl IntoView {
    let t = translations();
    view! {
        <details class="not-me">
            <summary aria-label=t.activity_not_me_this(what)>{t.activity_not_me()}</summary>
            <p class="actions">{stop.into_iter().map(|Remedy { address, name }| view! { <a class="button" href=address>{name}</a> }).collect_view()}</p>
        </details>
    }
}

/// When an event occurred: relative for two days; then the time of day, or the exact time if the browser's own zone may be another one.
#[component]
fn EventTime(at: Timestamp) -> impl IntoView {
    const RECENT: Duration = Duration::from_secs(2 * 86_400);
    let now = context::services().map_or(at, |services| services.now());
    let exact = format_time(at);
    let chosen = context::chosen_zone().and_then(|zone| at.civil_time(&zone));
    if now.since(at) < RECENT {
        return EitherOf3::A(view! { <RelativeTime at/> });
    }
    match chosen {
        Some(there) => EitherOf3::B(view! { <time datetime=at.to_rfc3339() title=exact>{format!("{:02}:{:02}", there.hour, there.minute)}</time> }),
        None => EitherOf3::C(view! { <time datetime=at.to_rfc3339()>{exact}</time> }),
    }
}
