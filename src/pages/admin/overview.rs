//! `/admin`: figures of the tenant that link to their lists, and sign-ins of the last day.

use std::time::Duration;

use leptos::either::Either;
use leptos::prelude::*;

use super::components::AdminPage;
use crate::domain::paths::{self, encode};
use crate::domain::tenant_overview::{EXPIRY_WINDOW, ExpiringSecret, SecretOwner, SignInHour, TenantOverview};
use crate::domain::time::{CalendarDate, Timestamp};
use crate::i18n::to_count;
use crate::pages::components::{ExactTime, RelativeTime, ServerError};
use crate::server::context::{self, translations};
use crate::server_fns::admin::overview::get_tenant_overview;

#[component]
pub fn Overview() -> impl IntoView {
    Suspend::new(async move {
        let t = translations();
        match get_tenant_overview().await {
            Ok(figures) => Either::Left(view! {
                <AdminPage title=t.admin_title() here=paths::ADMIN>
                    <Figures figures=figures.clone()/>
                    <SignInChart hours=figures.sign_ins/>
                    <p class="hint">{t.admin_lead()}</p>
                </AdminPage>
            }),
            Err(_) => Either::Right(view! { <ServerError/> }),
        }
    })
}

/// A figure of the overview: what it counts, where its list is, and whether it needs attention if it is not zero.
struct Figure {
    count: u64,
    label: String,
    path: String,
    urgent: bool,
    /// The first of what it counts.
    named: Vec<Named>,
}

struct Named {
    text: String,
    path: Option<String>,
    expires_at: Option<Timestamp>,
}

fn listed(figures: &TenantOverview) -> Vec<Figure> {
    let t = translations();
    let figure = |count, label: fn(&crate::i18n::Translations, i64) -> String, path: String, urgent| Figure {
        count,
        label: label(&t, to_count(count)),
        path,
        urgent,
        named: Vec::new(),
    };
    let filtered = |path: &str, word: &str| format!("{path}?show={word}");
    let first_day = |days: u64| {
        let now = context::services().ok()?.now();
        CalendarDate::of(now - Duration::from_secs(days * 86_400), &context::zone())
    };
    let events = |words: &str, days: u64| {
        let from = first_day(days).map_or_else(String::new, |day| format!("&from={day}"));
        format!("{}?q={words}{from}", paths::ADMIN_ACTIVITY)
    };
    let of_hosts = !figures.next_secrets.is_empty() && figures.next_secrets.iter().all(|secret| secret.owner == SecretOwner::Host);
    let secrets = if of_hosts { paths::ADMIN_HOSTS } else { paths::ADMIN_CLIENTS };
    vec![
        figure(figures.reported_requests, |t, n| t.admin_figure_reports(n), events("reported", 7), true),
        Figure {
            named: figures.locked_out_names.iter().map(|user| Named::person(user)).collect(),
            ..figure(figures.locked_out, |t, n| t.admin_figure_locked_out(n), events("failed", 1), true)
        },
        figure(figures.silent_hosts, |t, n| t.admin_figure_silent_hosts(n), filtered(paths::ADMIN_HOSTS, "silent"), true),
        figure(figures.refused_lookups, |t, n| t.admin_figure_refused_lookups(n), paths::ADMIN_HOSTS.to_owned(), false),
        figure(figures.hosts_without_credential, |t, n| t.admin_figure_no_credential(n), filtered(paths::ADMIN_HOSTS, "no-credential"), false),
        Figure {
            named: figures.next_secrets.iter().map(Named::secret).collect(),
            ..figure(figures.expiring_secrets, |t, n| t.admin_figure_secrets(n), secrets.to_owned(), true)
        },
        figure(figures.people_without_second_factor, |t, n| t.admin_figure_no_factor(n), filtered(paths::ADMIN_PEOPLE, "no-factor"), false),
    ]
}

impl Named {
    fn person(user: &str) -> Self {
        Self { text: user.to_owned(), path: Some(format!("{}?user={}", paths::ADMIN_PERSON, encode(user))), expires_at: None }
    }

    fn secret(secret: &ExpiringSecret) -> Self {
        let path = match secret.owner {
            SecretOwner::Client => Some(format!("{}?client={}", paths::ADMIN_CLIENT, encode(&secret.id))),
            SecretOwner::Host => Some(format!("{}?host={}", paths::ADMIN_HOST, encode(&secret.id))),
            SecretOwner::Admin => None,
        };
        Self { text: secret.id.clone(), path, expires_at: Some(secret.expires_at) }
    }
}

#[component]
fn Figures(figures: TenantOverview) -> impl IntoView {
    let t = translations();
    let certificate = context::certificate_expiry();
    let now = context::services().map(|services| services.now()).ok();
    let expires_soon = certificate.zip(now).is_some_and(|(at, now)| at <= now + EXPIRY_WINDOW);
    view! {
        <section aria-label=t.admin_figures()>
            <ul class="cards figures">
                {listed(&figures).into_iter().map(|Figure { count, label, path, urgent, named }| view! {
                    <li class="card" class:attention=urgent && count != 0>
                        <a href=path><strong class="figure">{count}</strong> " " {label}</a>
                        {(!named.is_empty()).then(|| view! { <ul class="named">{named.into_iter().map(|named| view! { <NamedItem named/> }).collect_view()}</ul> })}
                    </li>
                }).collect_view()}
            </ul>
            {certificate.filter(|_| expires_soon).map(|at| view! { <p class="warning">{t.admin_figure_certificate()} " " <ExactTime at/></p> })}
        </section>
    }
}

#[component]
fn NamedItem(named: Named) -> impl IntoView {
    let Named { text, path, expires_at } = named;
    view! {
        <li>
            {match path {
                Some(path) => Either::Left(view! { <a href=path><bdi>{text}</bdi></a> }),
                None => Either::Right(view! { <bdi>{text}</bdi> }),
            }}
            {expires_at.map(|at| view! { " " <small><RelativeTime at/></small> })}
        </li>
    }
}

const COLUMN: u64 = 24;
const HEIGHT: u64 = 96;

/// Sign-ins by the hour: a chart for the eye, and the same figures as a table.
#[component]
fn SignInChart(hours: Vec<SignInHour>) -> impl IntoView {
    let t = translations();
    let total = |of: fn(&SignInHour) -> u64| to_count(hours.iter().map(of).sum::<u64>());
    let (succeeded, refused) = (total(|hour| hour.succeeded), total(|hour| hour.refused));
    let summary = t.admin_chart_summary(succeeded, refused);
    let most = hours.iter().map(|hour| hour.succeeded + hour.refused).max().unwrap_or(0);
    let first = hours.first().and_then(|hour| hour.start.civil_time(&context::zone())).map(|at| format!("{:02}:{:02}", at.hour, at.minute));
    let scaled = move |count: u64| count * HEIGHT / most.max(1);
    let width = COLUMN * hours.len() as u64;
    let columns = hours.iter().enumerate().map(|(n, hour)| {
        let (x, good, bad) = (n as u64 * COLUMN + 3, scaled(hour.succeeded), scaled(hour.refused).max(u64::from(hour.refused > 0) * 3));
        view! {
            <rect class="succeeded" x=x.to_string() y=(HEIGHT - good).to_string() width=(COLUMN - 6).to_string() height=good.to_string()/>
            <rect class="refused" x=x.to_string() y=HEIGHT.saturating_sub(good + bad).to_string() width=(COLUMN - 6).to_string() height=bad.to_string()/>
        }
    });
    view! {
        <section aria-labelledby="chart">
            <h2 id="chart">{t.admin_chart()}</h2>
            <p class="legend">
                <span><i class="succeeded"></i> {t.admin_chart_succeeded()} ": " {succeeded}</span>
                <span><i class="refused"></i> {t.admin_chart_refused()} ": " {refused}</span>
            </p>
            <svg class="chart" viewBox=format!("0 0 {width} {}", HEIGHT + 1) role="img" aria-label=summary preserveAspectRatio="none">
                {columns.collect_view()}
                <line x1="0" x2=width.to_string() y1=HEIGHT.to_string() y2=HEIGHT.to_string()/>
            </svg>
            <p class="hint ends">
                <span>{first}</span>
                <span>{t.admin_chart_most(to_count(most))}</span>
                <span>{t.admin_chart_now()}</span>
            </p>
            <details>
                <summary>{t.admin_chart_table()}</summary>
                <table>
                    <thead><tr><th scope="col">{t.admin_chart_hour()}</th><th scope="col">{t.admin_chart_succeeded()}</th><th scope="col">{t.admin_chart_refused()}</th></tr></thead>
                    <tbody>{hours.into_iter().rev().map(|hour| view! { <HourRow hour/> }).collect_view()}</tbody>
                </table>
            </details>
        </section>
    }
}

#[component]
fn HourRow(hour: SignInHour) -> impl IntoView {
    view! { <tr><th scope="row"><ExactTime at=hour.start/></th><td>{hour.succeeded}</td><td>{hour.refused}</td></tr> }
}
