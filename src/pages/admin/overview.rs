//! `/admin`: figures of the tenant that link to their lists, sign-ins of the last day, and the areas.

use leptos::either::Either;
use leptos::prelude::*;

use super::areas;
use super::components::AdminPage;
use crate::domain::paths::{self, encode};
use crate::domain::tenant_overview::{EXPIRY_WINDOW, SignInHour, TenantOverview};
use crate::domain::time::Timestamp;
use crate::pages::components::{ExactTime, ServerError};
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
                    <section aria-labelledby="areas-list">
                        <h2 id="areas-list">{t.admin_areas()}</h2>
                        <p class="hint">{t.admin_lead()}</p>
                        <ul class="cards">
                            {areas().into_iter().map(|area| view! {
                                <li class="card"><h3><a href=area.path>{area.name}</a></h3> <p class="hint">{area.purpose}</p></li>
                            }).collect_view()}
                        </ul>
                    </section>
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
}

fn listed(figures: &TenantOverview) -> Vec<Figure> {
    let t = translations();
    let figure = |count, label: fn(&crate::i18n::Translations, i64) -> String, path: String, urgent| Figure {
        count,
        label: label(&t, i64::try_from(count).unwrap_or(i64::MAX)),
        path,
        urgent,
    };
    let filtered = |path: &str, word: &str| format!("{path}?show={word}");
    vec![
        figure(figures.reported_requests, |t, n| t.admin_figure_reports(n), format!("{}?q=reported", paths::ADMIN_ACTIVITY), true),
        figure(figures.locked_out, |t, n| t.admin_figure_locked_out(n), format!("{}?q=failed", paths::ADMIN_ACTIVITY), true),
        figure(figures.silent_hosts, |t, n| t.admin_figure_silent_hosts(n), filtered(paths::ADMIN_HOSTS, "silent"), true),
        figure(figures.hosts_without_credential, |t, n| t.admin_figure_no_credential(n), filtered(paths::ADMIN_HOSTS, "no-credential"), false),
        figure(figures.expiring_secrets, |t, n| t.admin_figure_secrets(n), paths::ADMIN_CLIENTS.to_owned(), true),
        figure(figures.people_without_second_factor, |t, n| t.admin_figure_no_factor(n), filtered(paths::ADMIN_PEOPLE, "no-factor"), false),
    ]
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
                {listed(&figures).into_iter().map(|Figure { count, label, path, urgent }| view! {
                    <li class="card" class:attention=urgent && count != 0>
                        <a href=path><strong class="figure">{count}</strong> " " {label}</a>
                    </li>
                }).collect_view()}
            </ul>
            {(!figures.locked_out_names.is_empty()).then(|| view! {
                <p class="hint">
                    {t.admin_figure_locked_out_names()} " "
                    {figures.locked_out_names.into_iter().map(|user| view! {
                        <a href=format!("{}?user={}", paths::ADMIN_PERSON, encode(&user))><bdi>{user.clone()}</bdi></a> " "
                    }).collect_view()}
                </p>
            })}
            {figures.next_secret_expiry.map(|at| view! { <p class="hint">{t.admin_figure_next_secret()} " " <ExactTime at/></p> })}
            {certificate.filter(|_| expires_soon).map(|at| view! { <p class="warning">{t.admin_figure_certificate()} " " <ExactTime at/></p> })}
        </section>
    }
}

const COLUMN: u64 = 24;
const HEIGHT: u64 = 96;

/// Sign-ins by the hour: a chart for the eye, and the same figures as a table.
#[component]
fn SignInChart(hours: Vec<SignInHour>) -> impl IntoView {
    let t = translations();
    let total = |of: fn(&SignInHour) -> u64| i64::try_from(hours.iter().map(of).sum::<u64>()).unwrap_or(i64::MAX);
    let summary = t.admin_chart_summary(total(|hour| hour.succeeded), total(|hour| hour.refused));
    let most = hours.iter().map(|hour| hour.succeeded + hour.refused).max().unwrap_or(0).max(1);
    let scaled = move |count: u64| count * HEIGHT / most;
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
            <p>{summary.clone()}</p>
            <svg class="chart" viewBox=format!("0 0 {width} {}", HEIGHT + 1) role="img" aria-label=summary preserveAspectRatio="none">
                {columns.collect_view()}
                <line x1="0" x2=width.to_string() y1=HEIGHT.to_string() y2=HEIGHT.to_string()/>
            </svg>
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
    let at: Timestamp = hour.start;
    view! { <tr><th scope="row"><ExactTime at/></th><td>{hour.succeeded}</td><td>{hour.refused}</td></tr> }
}
