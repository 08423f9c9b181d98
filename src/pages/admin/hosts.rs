//! `/admin/hosts`.

use leptos::either::{Either, EitherOf3, EitherOf4};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;
use serde_json::json;

use super::components::{AdminPage, Checkbox, CurlExample};
use crate::domain::pagination::{ListQuery, Page};
use crate::domain::paths::{self, encode};
use crate::domain::tenant_overview::SILENT_AFTER;
use crate::domain::time::Timestamp;
use crate::pages::components::{
    AlreadyGone, Confirm, Copyable, EmptyList, FlashMessage, Hidden, HostRefusedLogins, List, ListOption, PostForm, RelativeTime, ServerError,
};
use crate::pages::list_query;
use crate::server::context::{self, translations};
use crate::server::sign_in::session::flash::Flash;
use crate::server_fns::admin::hosts::{AddHost, HostItem, MakeCredential, RemoveCredential, RemoveHost, RequireCredential, find_host, list_hosts};

#[component]
pub fn AdminHosts() -> impl IntoView {
    let query = list_query();
    Suspend::new(async move {
        match list_hosts(query.clone()).await {
            Ok(hosts) => Either::Left(view! { <HostList hosts query said=context::take_flash().await/> }),
            Err(_) => Either::Right(view! { <ServerError/> }),
        }
    })
}

#[component]
fn HostList(hosts: Page<HostItem>, query: ListQuery, said: Option<Flash>) -> impl IntoView {
    let t = translations();
    let filters = vec![
        ListOption("", t.admin_hosts_show_all()),
        ListOption("silent", t.admin_hosts_show_silent()),
        ListOption("no-credential", t.admin_hosts_show_no_credential()),
    ];
    let Page { items, next, position } = hosts;
    let shown = items.len();
    view! {
        <AdminPage title=t.admin_hosts() here=paths::ADMIN_HOSTS>
            <FlashMessage flash=said/>
            <p class="actions"><a class="button" href=paths::ADMIN_HOSTS_ADD>{t.admin_hosts_add()}</a></p>
            <List path=paths::ADMIN_HOSTS query=query.clone() search_for=t.admin_hosts_search_for() filters shown next position>
                {if items.is_empty() {
                    Either::Left(view! { <EmptyList title=t.admin_hosts_empty() query><p class="hint">{t.admin_hosts_empty_hint()}</p></EmptyList> })
                } else {
                    Either::Right(view! {
                        <ul class="rows">
                            {items.into_iter().map(|host| {
                                let address = format!("{}?host={}", paths::ADMIN_HOST, encode(&host.host));
                                view! {
                                    <li class="row-card">
                                        <div class="what">
                                            <h2><a href=address><bdi>{host.host.clone()}</bdi></a></h2>
                                            <HostFacts host/>
                                        </div>
                                    </li>
                                }
                            }).collect_view()}
                        </ul>
                    })
                }}
            </List>
            <CurlExample call="GET /v1/tms/hosts/list"/>
        </AdminPage>
    }
}

/// `status_shown`: the last lookup is stated elsewhere.
#[component]
fn HostFacts(host: HostItem, #[prop(optional)] status_shown: bool) -> impl IntoView {
    let t = translations();
    let credential = match host.credential_required {
        None => t.admin_hosts_credential_none(),
        Some(true) => t.admin_hosts_credential_required(),
        Some(false) => t.admin_hosts_credential_optional(),
    };
    view! {
        <dl class="facts short">
            <div><dt>{t.admin_hosts_addresses()}</dt><dd><code translate="no" dir="ltr">{host.addresses.join(", ")}</code></dd></div>
            {(!status_shown).then(|| view! {
                <div><dt>{t.admin_hosts_asked()}</dt><dd><LastLookup at=host.asked_at from=host.asked_from/></dd></div>
            })}
            <div><dt>{t.admin_hosts_credential()}</dt><dd>{credential}</dd></div>
        </dl>
    }
}

#[component]
fn LastLookup(at: Option<Timestamp>, from: Option<String>) -> impl IntoView {
    match at {
        Some(at) => Either::Left(view! { <RelativeTime at/> {from.map(|from| view! { ", " <bdi>{from}</bdi> })} }),
        None => Either::Right(translations().never()),
    }
}

#[component]
pub fn AddAHost() -> impl IntoView {
    Suspend::new(async move {
        let (t, said) = (translations(), context::take_flash().await);
        view! {
            <AdminPage title=t.admin_hosts_add() here=paths::ADMIN_HOSTS refused=said.is_some()>
                <FlashMessage flash=said/>
                <PostForm action=AddHost::url() main=true class="narrow">
                    <label for="host">{t.admin_hosts_name()}</label>
                    <input id="host" name="host" type="text" required maxlength="128" autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby="host-hint"/>
                    <p class="hint" id="host-hint">{t.admin_hosts_name_hint()}</p>
                    <label for="address">{t.admin_hosts_address()}</label>
                    <input id="address" name="address" type="text" required maxlength="255" autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby="address-hint"/>
                    <p class="hint" id="address-hint">{t.admin_hosts_address_hint()}</p>
                    <button class="main">{t.admin_hosts_add()}</button>
                </PostForm>
                <CurlExample call="POST /v1/tms/hosts"/>
            </AdminPage>
        }
    })
}

#[component]
pub fn OneHost() -> impl IntoView {
    let host = use_query_map().with_untracked(|query| query.get("host").unwrap_or_default());
    Suspend::new(async move {
        match find_host(host).await {
            Ok(Some(host)) => EitherOf3::A(view! { <Detail host said=context::take_flash().await/> }),
            Ok(None) => EitherOf3::B(view! { <AlreadyGone back=paths::ADMIN_HOSTS/> }),
            Err(_) => EitherOf3::C(view! { <ServerError/> }),
        }
    })
}

/// The packages, which bring the account of `tms-keycmd`, its folders and its units.
const INSTALL: &str = "apt install ./tms-keycmd_*.deb ./tms_*.deb          # Debian, Ubuntu
dnf install ./tms-keycmd-*.rpm ./tms-[0-9]*.rpm     # RHEL 8 to 10";

/// Reads the credential from the terminal, so that it is in no history.
const STORE_CREDENTIAL: &str = "install -o root -g tms-keycmd -m 0640 /dev/stdin /etc/ssh/tms_keycmd/credential";

const SSHD: &str = "AuthorizedKeysCommand /usr/libexec/tms-keycmd %u %U %f %t
AuthorizedKeysCommandUser tms-keycmd
AuthorizedKeysFile /etc/ssh/break-glass/%u
MaxStartups 100:30:300
LoginGraceTime 30";

/// The configuration of `tms-keycmd` for that host.
fn keycmd_config(host: &HostItem) -> String {
    let url = context::services().map(|services| services.public_url().to_owned()).unwrap_or_default();
    let tenant = context::current_person().map(|person| person.tenant_id().to_string()).unwrap_or_default();
    let credential = if host.credential_required.is_some() { "\ncredential_file = \"/etc/ssh/tms_keycmd/credential\"" } else { "" };
    format!("tms_url = \"{url}/v1/tms/pubkeys/creds/retrieve\"\nhost_name = \"{}\"\ntenant = \"{tenant}\"{credential}", host.host)
}

#[component]
fn Detail(host: HostItem, said: Option<Flash>) -> impl IntoView {
    let t = translations();
    let name = host.host.clone();
    let here = format!("{}?host={}", paths::ADMIN_HOST, encode(&name));
    let take_away = format!("{}?host={}&credential=1", paths::ADMIN_HOST_REMOVE, encode(&name));
    let settings = keycmd_config(&host);
    let has_credential = host.credential_required.is_some();
    let required = host.credential_required == Some(true);
    let never_asked = host.asked_at.is_none();
    view! {
        <AdminPage title=name.clone() here=paths::ADMIN_HOSTS>
            <FlashMessage flash=said/>
            <HostStatus host=host.clone()/>
            <HostFacts host=host.clone() status_shown=true/>
            {(!host.answers).then(|| view! { <p class="warning">{t.admin_hosts_answers_not()}</p> })}
            <p class="actions"><a class="button" href=here>{t.admin_hosts_test()}</a> <span class="hint">{t.admin_hosts_test_hint()}</span></p>
            <HostRefusedLogins host=name.clone()/>
            <section aria-labelledby="credential">
                <h2 id="credential">{t.admin_hosts_credential()}</h2>
                <PostForm action=MakeCredential::url() class="narrow" clone:name>
                    <input type="hidden" name="host" value=name.clone()/>
                    <Checkbox name="required" checked=required text=t.admin_hosts_credential_required()/>
                    <button class="main">{if has_credential { t.admin_hosts_credential_renew() } else { t.admin_hosts_credential_make() }}</button>
                </PostForm>
                {has_credential.then(|| view! {
                    <div class="actions aside">
                        <PostForm action=RequireCredential::url() clone:name>
                            <input type="hidden" name="host" value=name.clone()/>
                            {(!required).then(|| view! { <input type="hidden" name="required" value="yes"/> })}
                            <button>{if required { t.admin_hosts_credential_demand_not() } else { t.admin_hosts_credential_demand() }}</button>
                        </PostForm>
                        <a class="button danger" href=take_away data-confirm="">{t.admin_hosts_credential_remove()}</a>
                    </div>
                })}
                <CurlExample call="POST /v1/tms/hosts/credential" with=vec![("host", json!(name)), ("required", json!(required))]/>
            </section>
            <section aria-labelledby="addresses">
                <h2 id="addresses">{t.admin_hosts_addresses()}</h2>
                <ul class="rows">
                    {host.addresses.into_iter().map(|address| {
                        let remove = format!("{}?host={}&address={}", paths::ADMIN_HOST_REMOVE, encode(&host.host), encode(&address));
                        view! {
                            <li class="row-card">
                                <div class="what"><code translate="no" dir="ltr">{address}</code></div>
                                <a class="button danger" href=remove data-confirm="">{t.admin_remove()}</a>
                            </li>
                        }
                    }).collect_view()}
                </ul>
            </section>
            <section aria-labelledby="set-up">
                <details open=never_asked>
                    <summary><h2 id="set-up">{t.admin_hosts_set_up()}</h2></summary>
                    <p>{t.admin_hosts_install()}</p>
                    <Copyable text=INSTALL block=true/>
                    {has_credential.then(|| view! {
                        <p>{t.admin_hosts_store_credential()}</p>
                        <Copyable text=STORE_CREDENTIAL block=true/>
                    })}
                    <p>{t.admin_hosts_sshd_config()}</p>
                    <Copyable text=SSHD block=true/>
                    <p>{t.admin_hosts_key_command()}</p>
                    <Copyable text=settings block=true/>
                    <p class="hint">{t.admin_hosts_then_check()}</p>
                    <Copyable text="runuser -u tms-keycmd -- /usr/libexec/tms-keycmd check" block=true/>
                    {if has_credential {
                        Either::Left(view! {
                            <p>{t.admin_hosts_links()}</p>
                            <Copyable text="systemctl enable --now tms-link.socket" block=true/>
                        })
                    } else {
                        Either::Right(view! { <p class="hint">{t.admin_hosts_links_credential()}</p> })
                    }}
                </details>
            </section>
        </AdminPage>
    }
}

/// Whether the host makes lookups.
#[component]
fn HostStatus(host: HostItem) -> impl IntoView {
    let t = translations();
    let now = context::services().map(|services| services.now()).ok();
    let (class, status) = match host.asked_at {
        None => ("badge", t.admin_hosts_status_new()),
        Some(at) if now.is_some_and(|now| now.since(at) > SILENT_AFTER) => ("badge bad", t.admin_hosts_status_silent()),
        Some(_) => ("badge good", t.admin_hosts_status_working()),
    };
    view! {
        <p class="lead">
            <span class=class>{status}</span>
            {host.asked_at.is_some().then(|| view! { " " {t.admin_hosts_asked()} ": " <LastLookup at=host.asked_at from=host.asked_from/> })}
        </p>
    }
}

/// Confirms the removal of an address or of the credential.
#[component]
pub fn RemoveAHost() -> impl IntoView {
    let query = use_query_map().get_untracked();
    let (host, address, credential) =
        (query.get("host").unwrap_or_default(), query.get("address").unwrap_or_default(), query.get("credential").is_some());
    Suspend::new(async move {
        let t = translations();
        match find_host(host).await {
            Ok(Some(found)) if credential && found.credential_required.is_some() => EitherOf4::A(view! {
                <Confirm
                    title=t.admin_hosts_credential_remove_question(found.host.as_str())
                    action=RemoveCredential::url()
                    cancel=format!("{}?host={}", paths::ADMIN_HOST, encode(&found.host))
                    fields=vec![Hidden("host", found.host)]
                    button=t.admin_hosts_credential_remove()
                >
                    <p class="warning">{t.admin_hosts_credential_remove_consequence()}</p>
                </Confirm>
            }),
            Ok(Some(found)) if found.addresses.contains(&address) => EitherOf4::B(view! {
                <Confirm
                    title=t.admin_hosts_remove_question(address.as_str(), found.host.as_str())
                    action=RemoveHost::url()
                    fields=vec![Hidden("host", found.host), Hidden("address", address)]
                    button=t.admin_remove()
                    cancel=paths::ADMIN_HOSTS
                >
                    <p class="warning">{t.admin_hosts_remove_consequence()}</p>
                </Confirm>
            }),
            Ok(_) => EitherOf4::C(view! { <AlreadyGone back=paths::ADMIN_HOSTS/> }),
            Err(_) => EitherOf4::D(view! { <ServerError/> }),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sshd_configuration_is_that_of_the_package() {
        let packaged = include_str!("../../../packaging/etc/50-tms.conf");
        assert!(SSHD.lines().all(|line| packaged.lines().any(|packaged| packaged.trim_start_matches('#') == line)), "{packaged}");
    }
}
