//! One delegation in a list: the device, and what it may do.

use leptos::either::{Either, EitherOf3};
use leptos::prelude::*;

use crate::domain::authorization::AuthorizationOrigin;
use crate::domain::paths::{self, encode};
use crate::domain::scope::Scope;
use crate::domain::time::Timestamp;
use crate::i18n::to_count;
use crate::pages::components::{ExactTime, RelativeTime, RelativeTimeOrNever, confirm_url};
use crate::server::context::translations;
use crate::server_fns::delegations::{DelegationItem, DelegationOrigin, DelegationState, DeviceItem, SignInItem};

/// What a delegation is called: its device's program, or how it was created.
pub fn delegation_name(app: &DelegationItem, for_admin: bool) -> String {
    let t = translations();
    match (&app.device, app.origin) {
        (Some(device), _) => device.program.clone().unwrap_or_else(|| t.apps_program_unknown()),
        (None, DelegationOrigin::Administrator) => t.apps_by_admin(),
        (None, DelegationOrigin::Imported) => t.apps_carried_over(),
        (None, DelegationOrigin::Consent) if for_admin => t.admin_delegations_by_consent(),
        (None, DelegationOrigin::Consent) => t.apps_by_consent(),
    }
}

/// A delegation below its client.
#[component]
pub fn DelegationEntry(
    app: DelegationItem,
    /// Whether it is the client's only active one, which is revoked with the client.
    single: bool,
) -> impl IntoView {
    let t = translations();
    let name = delegation_name(&app, false);
    let active = app.state == DelegationState::Active;
    let change = format!("{}?app={}", paths::APPS_CHANGE, app.number);
    let end = confirm_url(&format!("{change}&end=1"));
    let change = confirm_url(&change);
    let changeable = active && !app.ends.is_empty();
    let change_label = t.apps_change_this(app.client.name.as_str(), name.as_str());
    let end_label = t.apps_end_this(app.client.name.as_str(), name.as_str());
    view! {
        <li class="row-card">
            <div class="what">
                <h3><bdi>{name}</bdi> <StateBadge state=app.state/></h3>
                <DelegationFacts app=app.clone()/>
                <DelegationDetails app=app.clone()>
                    {changeable.then(|| view! { <a class="button" href=change data-confirm="" aria-label=change_label>{t.apps_change()}</a> })}
                </DelegationDetails>
            </div>
            {(active && !single).then(|| view! { <a class="button danger" href=end data-confirm="" aria-label=end_label>{t.apps_revoke_access()}</a> })}
        </li>
    }
}

/// Nothing while it is active.
#[component]
pub fn StateBadge(state: DelegationState) -> impl IntoView {
    let t = translations();
    match state {
        DelegationState::Active => None,
        DelegationState::Expired => Some(view! { " " <span class="badge bad">{t.apps_expired()}</span> }),
        DelegationState::Revoked => Some(view! { " " <span class="badge">{t.apps_was_ended()}</span> }),
    }
}

/// What distinguishes a delegation: where its device is, where it was used, and until when it lasts.
#[component]
pub fn DelegationFacts(app: DelegationItem) -> impl IntoView {
    let t = translations();
    let active = app.state == DelegationState::Active;
    let forever = app.until >= Timestamp::FOREVER;
    // Where only keys were used, the login says when.
    let only_keys = app.last_login.is_some() && app.device.as_ref().is_none_or(|device| device.used_at.is_none());
    view! {
        <dl class="facts short">
            {app.device.clone().map(|device| view! {
                <div><dt>{t.apps_from()}</dt><dd><bdi>{device.from.unwrap_or_else(|| t.sessions_from_unknown())}</bdi></dd></div>
            })}
            {(!only_keys).then(|| view! { <div><dt>{t.apps_last_used()}</dt><dd><LastUse device=app.device.clone()/></dd></div> })}
            {app.last_login.clone().map(|login| view! {
                <div>
                    <dt>{t.apps_last_login()}</dt>
                    <dd><code translate="no" dir="ltr">{login.host}</code> ", " <RelativeTime at=login.at/></dd>
                </div>
            })}
            <div><dt>{t.apps_since()}</dt><dd><RelativeTime at=app.since/></dd></div>
            <div>
                <dt>{if active { t.apps_until() } else { t.apps_ended_at() }}</dt>
                <dd>{if forever { Either::Left(view! { <ExactTime at=app.until/> }) } else { Either::Right(view! { <RelativeTime at=app.until/> }) }}</dd>
            </div>
        </dl>
    }
}

/// What a delegation allows, on demand; with what can be done about it (`children`).
#[component]
pub fn DelegationDetails(
    app: DelegationItem,
    /// The reader is an administrator: the texts are about the person, not to the person.
    #[prop(optional)]
    for_admin: bool,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let t = translations();
    // The only sign-in of a device is all that its access is for.
    let endable = !for_admin && (app.sign_in_count > 1 || app.flow == Some(AuthorizationOrigin::Code));
    let end_sign_in = endable.then(|| format!("{}?app={}", paths::APPS_CHANGE, app.number));
    let keys = paths::keys_of_client(if for_admin { paths::ADMIN_KEYS } else { paths::KEYS }, &app.client_id);
    view! {
        <details>
            <summary>{t.apps_details()}</summary>
            <ul class="may">
                {app.scope.into_iter().map(|scope| view! { <li>{scope_label(scope, for_admin)}</li> }).collect_view()}
                {app.resources.into_iter().map(|granted| view! {
                    <li>{t.apps_may_at(granted.scope.to_string(), granted.indicator.to_string())}</li>
                }).collect_view()}
            </ul>
            <dl class="facts short">
                <div>
                    <dt>{t.apps_on()}</dt>
                    <dd>{match app.host_accounts {
                        None if for_admin => EitherOf3::A(t.admin_delegations_every_host_account()),
                        None => EitherOf3::A(t.apps_every_host_account()),
                        Some(accounts) if accounts.is_empty() => EitherOf3::B(t.apps_no_host_account()),
                        Some(accounts) => EitherOf3::C(view! { <code translate="no" dir="ltr">{accounts.join(", ")}</code> }),
                    }}</dd>
                </div>
                <div><dt>{t.apps_keys()}</dt><dd><a href=keys>{t.hosts_key_count(app.keys)}</a></dd></div>
                {app.flow.map(|flow| view! { <div><dt>{t.apps_flow()}</dt><dd>{flow_label(flow)}</dd></div> })}
                {app.device.and_then(|device| device.agent).map(|agent| view! {
                    <div><dt>{t.apps_agent()}</dt><dd><bdi class="agent">{agent}</bdi></dd></div>
                })}
            </dl>
            {(!app.sign_ins.is_empty()).then(|| view! { <SignIns sign_ins=app.sign_ins total=app.sign_in_count client=app.client.name end=end_sign_in/> })}
            {children.map(|children| view! { <p class="actions">{children()}</p> })}
        </details>
    }
}

/// When and from where the device's token was last used.
#[component]
fn LastUse(device: Option<DeviceItem>) -> impl IntoView {
    let t = translations();
    match device {
        None => EitherOf3::A(t.never()),
        Some(device) if !device.connected => EitherOf3::B(t.apps_not_connected()),
        Some(device) => EitherOf3::C(view! {
            <RelativeTimeOrNever at=device.used_at/>
            {device.used_from.map(|from| view! { " " <bdi>{t.apps_used_from(from)}</bdi> })}
        }),
    }
}

/// How the person was asked.
fn flow_label(flow: AuthorizationOrigin) -> String {
    let t = translations();
    match flow {
        AuthorizationOrigin::Device => t.apps_flow_device(),
        AuthorizationOrigin::Code => t.apps_flow_code(),
    }
}

/// The sign-ins of programs under a delegation.
#[component]
fn SignIns(
    sign_ins: Vec<SignInItem>,
    total: i64,
    /// The client's name.
    client: String,
    /// The page that asks whether to end one, to which its id is added; `None`: the reader cannot.
    end: Option<String>,
) -> impl IntoView {
    let t = translations();
    let shown = to_count(sign_ins.len());
    let entry = move |sign_in: SignInItem| {
        let program = sign_in.program.clone().unwrap_or_else(|| t.apps_program_unknown());
        let end = end.as_ref().map(|page| confirm_url(&format!("{page}&sign_in={}", encode(&sign_in.id))));
        let label = t.apps_sign_in_end_this(client.as_str(), program.as_str());
        view! {
            <li>
                <bdi>{program}</bdi>
                <SignInFacts sign_in/>
                {end.map(|end| view! { <p class="actions"><a class="button" href=end data-confirm="" aria-label=label>{t.apps_sign_in_end()}</a></p> })}
            </li>
        }
    };
    view! {
        <p>{if shown < total { t.apps_sign_ins_newest(shown, total) } else { t.apps_sign_ins(total) }}</p>
        <ul class="sign-ins">{sign_ins.into_iter().map(entry).collect_view()}</ul>
    }
}

/// When and from where a sign-in began and was last refreshed, and when it ends before the access does.
#[component]
pub fn SignInFacts(sign_in: SignInItem) -> impl IntoView {
    let t = translations();
    let place = |from: Option<String>| from.map(|from| view! { " " <bdi>{t.apps_used_from(from)}</bdi> });
    view! {
        <dl class="facts short">
            <div><dt>{t.apps_sign_in_since()}</dt><dd><RelativeTime at=sign_in.since/> {place(sign_in.from)}</dd></div>
            {sign_in.idle_until.map(|until| view! {
                <div><dt>{t.apps_sign_in_refreshed()}</dt><dd><RelativeTimeOrNever at=sign_in.refreshed_at/> {place(sign_in.refreshed_from)}</dd></div>
                <div><dt>{t.apps_sign_in_idle_until()}</dt><dd><RelativeTime at=until/></dd></div>
            })}
            {sign_in.with_session.then(|| view! { <div><dt>{t.apps_ends()}</dt><dd>{t.apps_ends_with_session()}</dd></div> })}
        </dl>
    }
}

/// What a scope lets a client do; `for_admin` as in `DelegationDetails`.
fn scope_label(scope: Scope, for_admin: bool) -> String {
    let t = translations();
    match scope {
        Scope::HostsRead => t.apps_may_read_hosts(),
        Scope::KeysRead if for_admin => t.admin_delegations_may_read_keys(),
        Scope::KeysRead => t.apps_may_read_keys(),
        Scope::KeysCreate if for_admin => t.admin_delegations_may_create_keys(),
        Scope::KeysCreate => t.apps_may_create_keys(),
        Scope::KeysRevoke if for_admin => t.admin_delegations_may_revoke_keys(),
        Scope::KeysRevoke => t.apps_may_revoke_keys(),
        Scope::OfflineAccess => t.apps_may_stay_signed_in(),
        Scope::OpenId => t.apps_may_sign_in(),
        Scope::Profile => t.apps_may_know_name(),
        Scope::Email => t.apps_may_know_email(),
        Scope::Groups => t.apps_may_know_groups(),
    }
}
