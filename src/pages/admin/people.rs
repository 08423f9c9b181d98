//! `/admin/people`.

mod change;
mod email;
mod groups;
mod sessions;

use leptos::either::{Either, EitherOf3};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;
use serde_json::json;

use self::sessions::PersonSessions;
use super::components::{AdminPage, CurlExample};
use crate::domain::access_overview::LastSignIn;
use crate::domain::pagination::{ListQuery, Page};
use crate::domain::paths::{self, encode};
use crate::domain::time::Timestamp;
use crate::pages::components::{
    AlreadyGone, Command, EmptyList, ExactTime, FlashMessage, List, ListOption, PersonRefusedLogins, PostForm, RelativeTime, RelativeTimeOrNever,
    ServerError,
};
use crate::pages::identities::OneIdentity;
use crate::pages::list_query;
use crate::server::context::{self, translations};
use crate::server::sign_in::session::flash::Flash;
use crate::server_fns::admin::people::{
    AddPerson, ChangePerson, FactorItem, LinkAccount, MfaItem, PersonDetail, PersonItem, find_person, list_people,
};
use crate::server_fns::host_accounts::HostAccountItem;
use crate::server_fns::identities::IdentityItem;
pub use change::ChangeAPerson;
use email::Email;
use groups::Groups;

#[component]
pub fn People() -> impl IntoView {
    let query = list_query();
    Suspend::new(async move {
        match list_people(query.clone()).await {
            Ok(people) => Either::Left(view! { <PersonList people query said=context::take_flash().await/> }),
            Err(_) => Either::Right(view! { <ServerError/> }),
        }
    })
}

#[component]
fn PersonList(people: Page<PersonItem>, query: ListQuery, said: Option<Flash>) -> impl IntoView {
    let t = translations();
    let filters = vec![
        ListOption("", t.admin_people_show_all()),
        ListOption("enabled", t.admin_people_show_enabled()),
        ListOption("disabled", t.admin_people_show_disabled()),
        ListOption("admins", t.admin_people_show_admins()),
        ListOption("no-mfa", t.admin_people_show_no_mfa()),
        ListOption("no-factor", t.admin_people_show_no_factor()),
    ];
    let orders = vec![ListOption("", t.admin_people_sort_name()), ListOption("made", t.admin_people_sort_made())];
    let Page { items, next, position } = people;
    let shown = items.len();
    view! {
        <AdminPage title=t.admin_people() here=paths::ADMIN_PEOPLE>
            <FlashMessage flash=said/>
            <p class="actions"><a class="button" href=paths::ADMIN_PEOPLE_ADD>{t.admin_people_add()}</a></p>
            <List path=paths::ADMIN_PEOPLE query=query.clone() search_for=t.admin_people_search_for() filters orders shown next position>
                {if items.is_empty() {
                    Either::Left(view! { <EmptyList title=t.admin_people_empty() query><p class="hint">{t.admin_people_empty_hint()}</p></EmptyList> })
                } else {
                    Either::Right(view! { <ul class="rows">{items.into_iter().map(|person| view! { <PersonEntry person/> }).collect_view()}</ul> })
                }}
            </List>
            <CurlExample call="GET /v1/tms/usermfa/list"/>
        </AdminPage>
    }
}

#[component]
fn PersonEntry(person: PersonItem) -> impl IntoView {
    let t = translations();
    let address = format!("{}?user={}", paths::ADMIN_PERSON, encode(&person.user));
    view! {
        <li class="row-card">
            <div class="what">
                <h2><a href=address><bdi>{person.display_name.clone()}</bdi></a> " " <Badges person=person.clone()/></h2>
                <dl class="facts short">
                    <div><dt>{t.admin_user_name()}</dt><dd><code translate="no" dir="ltr">{person.user}</code></dd></div>
                    <div><dt>{t.admin_people_mfa()}</dt><dd><Mfa mfa=person.mfa/></dd></div>
                    <div><dt>{t.admin_made()}</dt><dd><RelativeTime at=person.created_at/></dd></div>
                </dl>
            </div>
        </li>
    }
}

#[component]
fn Badges(person: PersonItem) -> impl IntoView {
    let t = translations();
    view! {
        {(!person.enabled).then(|| view! { <span class="badge bad">{t.admin_disabled()}</span> " " })}
        {person.admin.then(|| view! { <span class="badge">{t.admin_people_admin()}</span> })}
    }
}

#[component]
fn Mfa(mfa: Option<MfaItem>) -> impl IntoView {
    let t = translations();
    match mfa {
        None => EitherOf3::A(t.admin_people_mfa_none()),
        Some(mfa) if mfa.counts && mfa.until >= Timestamp::FOREVER => EitherOf3::A(t.admin_people_mfa_forever()),
        Some(mfa) if mfa.counts => EitherOf3::B(view! { {t.admin_people_mfa_until()} " " <ExactTime at=mfa.until/> }),
        Some(mfa) => EitherOf3::C(if mfa.enabled { t.admin_people_mfa_expired() } else { t.admin_people_mfa_off() }),
    }
}

#[component]
pub fn AddAPerson() -> impl IntoView {
    Suspend::new(async move {
        let (t, said) = (translations(), context::take_flash().await);
        let tenant = context::current_person().map(|person| person.tenant_id().to_string()).unwrap_or_default();
        view! {
            <AdminPage title=t.admin_people_add() here=paths::ADMIN_PEOPLE refused=said.is_some()>
                <FlashMessage flash=said/>
                <PostForm action=AddPerson::url() main=true class="narrow">
                    <label for="user">{t.admin_user_name()}</label>
                    <input id="user" name="user" type="text" required maxlength="128" autocomplete="off" autocapitalize="none" spellcheck="false"/>
                    <label for="display-name">{t.admin_people_display_name()}</label>
                    <input id="display-name" name="display_name" type="text" maxlength="200" autocomplete="off"/>
                    <button class="main">{t.admin_people_add()}</button>
                </PostForm>
                <details class="curl">
                    <summary>{t.admin_as_command()}</summary>
                    <Command text=format!("tms-portal person add --tenant {tenant} USER")/>
                </details>
            </AdminPage>
        }
    })
}

#[component]
pub fn OnePerson() -> impl IntoView {
    let user = use_query_map().with_untracked(|query| query.get("user").unwrap_or_default());
    Suspend::new(async move {
        match find_person(user).await {
            Ok(Some(person)) => EitherOf3::A(view! { <Detail person said=context::take_flash().await/> }),
            Ok(None) => EitherOf3::B(view! { <AlreadyGone back=paths::ADMIN_PEOPLE/> }),
            Err(_) => EitherOf3::C(view! { <ServerError/> }),
        }
    })
}

#[component]
fn Detail(person: PersonDetail, said: Option<Flash>) -> impl IntoView {
    let t = translations();
    let PersonDetail { person, host_accounts, identities, sessions, last_sign_in, email, groups, second_factors, recovery_codes_left, blocked_for } =
        person;
    let user = person.user.clone();
    let tenant = context::current_person().map(|person| person.tenant_id().to_string()).unwrap_or_default();
    let about = |path: &str| format!("{path}?q={}", encode(&person.user));
    let (delegations, keys) = (about(paths::ADMIN_DELEGATIONS), about(paths::ADMIN_KEYS));
    let record = format!("{}?actor={}", paths::ADMIN_ACTIVITY, encode(&person.user));
    let has_mfa = person.mfa.is_some();
    let mfa_on = person.mfa.is_some_and(|mfa| mfa.enabled);
    view! {
        <AdminPage title=person.display_name.clone() here=paths::ADMIN_PEOPLE>
            <FlashMessage flash=said/>
            <p><Badges person=person.clone()/></p>
            {blocked_for.map(|wait| view! {
                <p class="warning">{t.admin_people_blocked(t.format_wait(wait))}</p>
                <ActionButton user=user.clone() change="allow-sign-in" text=t.admin_people_allow_sign_in()/>
                <details class="curl">
                    <summary>{t.admin_as_command()}</summary>
                    <Command text=format!("tms-portal person unlock --tenant {tenant} {user}")/>
                </details>
            })}
            <dl class="facts">
                <dt>{t.admin_user_name()}</dt>
                <dd><code translate="no" dir="ltr">{user.clone()}</code></dd>
                <dt>{t.admin_people_last_sign_in()}</dt>
                <dd>{match last_sign_in {
                    Some(LastSignIn { at, from }) => Either::Left(view! { <RelativeTime at/> {from.map(|from| view! { ", " {t.home_from()} " " <bdi>{from}</bdi> })} }),
                    None => Either::Right(t.never()),
                }}</dd>
                <dt>{t.admin_made()}</dt>
                <dd><RelativeTime at=person.created_at/></dd>
            </dl>
            <p class="actions">
                <a class="button" href=delegations>{t.admin_delegations()}</a>
                <a class="button" href=keys>{t.admin_keys()}</a>
                <a class="button" href=record>{t.admin_activity()}</a>
            </p>
            <section aria-labelledby="mfa">
                <h2 id="mfa">{t.admin_people_mfa()}</h2>
                <p><Mfa mfa=person.mfa/></p>
                <p class="hint">{t.admin_people_mfa_hint()}</p>
                <div class="actions">
                    <ActionButton user=user.clone() change="open-mfa" text=if has_mfa { t.admin_people_mfa_renew() } else { t.admin_people_mfa_open() }/>
                    {has_mfa.then(|| if mfa_on {
                        Either::Left(view! { <ActionButton user=user.clone() change="disable-mfa" text=t.admin_people_mfa_disable()/> })
                    } else {
                        Either::Right(view! { <ActionButton user=user.clone() change="enable-mfa" text=t.admin_people_mfa_enable()/> })
                    })}
                    {has_mfa.then(|| view! { <ConfirmLink user=user.clone() change="close-mfa" text=t.admin_people_mfa_close()/> })}
                </div>
                <CurlExample call="POST /v1/tms/usermfa" with=vec![("tms_user_id", json!(user)), ("ttl_minutes", json!(-1))]/>
            </section>
            <EnrolledFactors user=user.clone() second_factors recovery_codes_left/>
            <HostAccounts user=user.clone() host_accounts/>
            <PersonRefusedLogins user=user.clone()/>
            <Identities user=user.clone() identities/>
            <Email user=user.clone() email/>
            <Groups user=user.clone() groups/>
            <PersonSessions user=user.clone() sessions/>
            <section aria-labelledby="account">
                <h2 id="account">{t.admin_people_account()}</h2>
                <div class="actions">
                    {if person.enabled {
                        Either::Left(view! { <ConfirmLink user=user.clone() change="disable" text=t.admin_people_disable()/> })
                    } else {
                        Either::Right(view! { <ActionButton user=user.clone() change="enable" text=t.admin_people_enable()/> })
                    }}
                    {if person.admin {
                        Either::Left(view! { <ConfirmLink user=user.clone() change="dismiss" text=t.admin_people_demote()/> })
                    } else {
                        Either::Right(view! { <ConfirmLink user=user.clone() change="appoint" text=t.admin_people_promote()/> })
                    }}
                    {person.has_password.then(|| view! { <ConfirmLink user=user.clone() change="password" text=t.admin_people_password()/> })}
                </div>
                <details class="curl">
                    <summary>{t.admin_as_command()}</summary>
                    <Command text=["disable", "enable", "promote", "demote", "password"].map(|verb| format!("tms-portal person {verb} --tenant {tenant} {user}")).join("\n")/>
                </details>
            </section>
        </AdminPage>
    }
}

#[component]
fn EnrolledFactors(user: String, second_factors: Vec<FactorItem>, recovery_codes_left: i64) -> impl IntoView {
    let t = translations();
    view! {
        <section aria-labelledby="factors">
            <h2 id="factors">{t.admin_people_factors()}</h2>
            {if second_factors.is_empty() {
                Either::Left(view! { <p class="hint">{t.admin_people_factors_none()}</p> })
            } else {
                Either::Right(view! {
                    <ul class="rows">
                        {second_factors.into_iter().map(|factor| view! {
                            <li class="row-card">
                                <div class="what">
                                    <h3><bdi>{factor.passkey.unwrap_or_else(|| t.factors_app())}</bdi></h3>
                                    <dl class="facts short">
                                        <div><dt>{t.admin_people_factors_since()}</dt><dd><RelativeTime at=factor.created_at/></dd></div>
                                        <div><dt>{t.keys_last_used()}</dt><dd><RelativeTimeOrNever at=factor.last_used_at/></dd></div>
                                    </dl>
                                </div>
                            </li>
                        }).collect_view()}
                    </ul>
                    <p class="hint">{t.admin_people_factors_recovery(recovery_codes_left)}</p>
                    <div class="actions"><ConfirmLink user change="forget-factors" text=t.admin_people_forget_factors()/></div>
                })
            }}
        </section>
    }
}

#[component]
fn HostAccounts(user: String, host_accounts: Vec<HostAccountItem>) -> impl IntoView {
    let t = translations();
    view! {
        <section aria-labelledby="host-accounts">
            <h2 id="host-accounts">{t.admin_people_host_accounts()}</h2>
            {(!host_accounts.is_empty()).then(|| view! {
                <ul class="rows">
                    {host_accounts.into_iter().map(|account| {
                        let place = format!("{}@{}", account.account, account.host);
                        let of = format!("{}?user={}", paths::ADMIN_PERSON_CHANGE, encode(&user));
                        let unlink = format!("{of}&change=unlink&host={}&account={}", encode(&account.host), encode(&account.account));
                        view! {
                            <li class="row-card">
                                <div class="what">
                                    <h3><code translate="no" dir="ltr">{place.clone()}</code></h3>
                                    <dl class="facts short">
                                        <div><dt>{t.hosts_linked()}</dt><dd><RelativeTime at=account.linked_at/></dd></div>
                                        <div><dt>{t.hosts_expires()}</dt><dd><ExactTime at=account.expires_at/></dd></div>
                                    </dl>
                                </div>
                                <a class="button danger" href=unlink data-confirm="" aria-label=t.admin_people_unlink_this(place)>{t.hosts_unlink()}</a>
                            </li>
                        }
                    }).collect_view()}
                </ul>
            })}
            <PostForm action=LinkAccount::url() main=true class="list-tools" clone:user>
                <input type="hidden" name="user" value=user.clone()/>
                <div class="field"><label for="link-host">{t.admin_hosts_name()}</label><input id="link-host" name="host" type="text" required autocomplete="off"/></div>
                <div class="field"><label for="link-account">{t.hosts_account()}</label><input id="link-account" name="account" type="text" required autocomplete="off"/></div>
                <div class="field"><label for="link-days">{t.admin_days()}</label><input id="link-days" name="days" type="number" min="0" max="36500" value="0" required/></div>
                <button>{t.admin_people_link()}</button>
            </PostForm>
            <CurlExample call="POST /v1/tms/userhosts" with=vec![("tms_user_id", json!(user)), ("ttl_minutes", json!(-1))]/>
        </section>
    }
}

#[component]
fn Identities(user: String, identities: Vec<IdentityItem>) -> impl IntoView {
    let t = translations();
    let tenant = context::current_person().map(|person| person.tenant_id().to_string()).unwrap_or_default();
    view! {
        <section aria-labelledby="identities">
            <h2 id="identities">{t.admin_people_identities()}</h2>
            {if identities.is_empty() {
                Either::Left(view! { <p class="hint">{t.admin_people_no_identities()}</p> })
            } else {
                Either::Right(view! {
                    <ul class="rows">
                        {identities.into_iter().map(|identity| {
                            let unlink = format!("{}?user={}&change=unlink-identity&identity={}", paths::ADMIN_PERSON_CHANGE, encode(&user), identity.number);
                            view! { <OneIdentity identity unlink within=true/> }
                        }).collect_view()}
                    </ul>
                })
            }}
            <details class="curl">
                <summary>{t.admin_as_command()}</summary>
                <Command text=["show", "invite"].map(|verb| format!("tms-portal person {verb} --tenant {tenant} {user}")).join("\n")/>
            </details>
        </section>
    }
}

/// A button for a change without confirmation.
#[component]
fn ActionButton(user: String, change: &'static str, text: String) -> impl IntoView {
    view! {
        <PostForm action=ChangePerson::url()>
            <input type="hidden" name="user" value=user/>
            <button name="change" value=change>{text}</button>
        </PostForm>
    }
}

/// A link to a change that asks for confirmation.
#[component]
fn ConfirmLink(user: String, change: &'static str, text: String) -> impl IntoView {
    let address = format!("{}?user={}&change={change}", paths::ADMIN_PERSON_CHANGE, encode(&user));
    view! { <a class="button danger" href=address data-confirm="">{text}</a> }
}
