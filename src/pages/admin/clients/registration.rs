//! The parts of a client's page about its registration: addresses, authentication, rules.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::super::components::Checkbox;
use crate::domain::client::Client;
use crate::domain::client::registration::{ClientAuthMethod, ConsentRule, PkceRule, RefreshRule};
use crate::domain::client_uris::{ClientEndpoint, ClientUris};
use crate::domain::signing_key::SigningAlgorithm;
use crate::pages::components::{Command, PostForm};
use crate::server::context::{self, translations};
use crate::server_fns::admin::clients::{SetClientAuthentication, SetClientRules, SetClientUris};

/// The fields that say which client a form is about, and as of when.
#[component]
fn AboutClient(client: Client) -> impl IntoView {
    view! {
        <input type="hidden" name="client" value=client.id.to_string()/>
        <input type="hidden" name="seen" value=client.updated_at.as_millis().to_string()/>
    }
}

/// Where people return to, and where the portal sends requests.
#[component]
pub fn Addresses(client: Client, uris: ClientUris) -> impl IntoView {
    let t = translations();
    let ClientUris { redirect, post_logout, backchannel_logout, origins, .. } = uris;
    let lines = |name: &'static str, label: String, hint: String, values: Vec<String>| {
        let (id, hint_id) = (name.replace('_', "-"), format!("{name}-hint").replace('_', "-"));
        view! {
            <label for=id.clone()>{label}</label>
            <textarea id=id name=name dir="ltr" translate="no" spellcheck="false" autocomplete="off" autocapitalize="none" aria-describedby=hint_id.clone()>
                {values.join("\n")}
            </textarea>
            <p class="hint" id=hint_id>{hint}</p>
        }
    };
    view! {
        <section aria-labelledby="addresses">
            <h2 id="addresses">{t.admin_clients_addresses()}</h2>
            <PostForm action=SetClientUris::url() class="narrow">
                <AboutClient client/>
                {lines("redirect_uris", t.admin_clients_redirect_uris(), t.admin_clients_redirect_uris_hint(), redirect.iter().map(ToString::to_string).collect::<Vec<_>>())}
                {lines("post_logout_uris", t.admin_clients_post_logout_uris(), t.admin_clients_one_per_line(), post_logout.iter().map(ToString::to_string).collect())}
                <label for="backchannel-logout-uri">{t.admin_clients_backchannel_logout_uri()}</label>
                <input id="backchannel-logout-uri" name="backchannel_logout_uri" type="text" inputmode="url" value=url(backchannel_logout.as_ref()) maxlength="2048" dir="ltr" autocomplete="off" aria-describedby="backchannel-logout-uri-hint"/>
                <p class="hint" id="backchannel-logout-uri-hint">{t.admin_clients_backchannel_logout_uri_hint()}</p>
                {lines("origins", t.admin_clients_origins(), t.admin_clients_origins_hint(), origins.iter().map(ToString::to_string).collect())}
                <button class="main">{t.admin_save()}</button>
            </PostForm>
        </section>
    }
}

fn url(endpoint: Option<&ClientEndpoint>) -> String {
    endpoint.map(|endpoint| endpoint.url.clone()).unwrap_or_default()
}

/// How the client proves who it is, and its keys.
#[component]
pub fn Authentication(client: Client, jwks_uri: Option<ClientEndpoint>) -> impl IntoView {
    let t = translations();
    let chosen = client.auth_method;
    let method = move |method: ClientAuthMethod, text: String| {
        view! {
            <label class="choice">
                <input type="radio" name="auth_method" value=method.as_str() checked=method == chosen/>
                <span>{text}</span>
            </label>
        }
    };
    view! {
        <section aria-labelledby="authentication">
            <h2 id="authentication">{t.admin_clients_authentication()}</h2>
            <PostForm action=SetClientAuthentication::url() class="narrow">
                <AboutClient client=client.clone()/>
                <fieldset>
                    <legend>{t.admin_clients_auth_method()}</legend>
                    {method(ClientAuthMethod::Secret, t.admin_clients_auth_secret())}
                    {method(ClientAuthMethod::PrivateKeyJwt, t.admin_clients_auth_keys())}
                    {method(ClientAuthMethod::None, t.admin_clients_auth_none())}
                    <p class="hint">{t.admin_clients_auth_hint()}</p>
                </fieldset>
                <label for="jwks">{t.admin_clients_jwks()}</label>
                <textarea id="jwks" name="jwks" dir="ltr" translate="no" spellcheck="false" autocomplete="off" autocapitalize="none" aria-describedby="jwks-hint">
                    {client.jwks.clone().unwrap_or_default()}
                </textarea>
                <label for="jwks-uri">{t.admin_clients_jwks_uri()}</label>
                <input id="jwks-uri" name="jwks_uri" type="text" inputmode="url" value=url(jwks_uri.as_ref()) maxlength="2048" dir="ltr" autocomplete="off" aria-describedby="jwks-hint"/>
                <p class="hint" id="jwks-hint">{t.admin_clients_jwks_hint()}</p>
                <Checkbox name="endpoint_audience" checked=client.endpoint_audience text=t.admin_clients_endpoint_audience()/>
                <button class="main">{t.admin_save()}</button>
            </PostForm>
        </section>
    }
}

/// Rules about tokens and consent. That PKCE is not required can only be kept here.
#[component]
pub fn Rules(client: Client) -> impl IntoView {
    let t = translations();
    let (rule_now, algorithm_now) = (client.pkce, client.id_token_algorithm);
    let pkce = move |rule: PkceRule, text: String| view! { <option value=rule.as_str() selected=rule == rule_now>{text}</option> };
    let algorithm = move |of: SigningAlgorithm| view! { <option value=of.as_str() selected=of == algorithm_now>{of.as_str()}</option> };
    let hours = client.longest_access.map(|longest| (longest.as_secs() / 3_600).to_string()).unwrap_or_default();
    view! {
        <section aria-labelledby="rules">
            <h2 id="rules">{t.admin_clients_rules()}</h2>
            <PostForm action=SetClientRules::url() class="narrow">
                <AboutClient client=client.clone()/>
                <label for="pkce">{t.admin_clients_pkce()}</label>
                <select id="pkce" name="rules[pkce]">
                    {pkce(PkceRule::Required, t.admin_clients_pkce_required())}
                    {pkce(PkceRule::Nonce, t.admin_clients_pkce_nonce())}
                    {(rule_now == PkceRule::Off).then(|| pkce(PkceRule::Off, t.admin_clients_pkce_off()))}
                </select>
                <label for="id-token-algorithm">{t.admin_clients_id_token_algorithm()}</label>
                <select id="id-token-algorithm" name="rules[id_token_algorithm]">
                    {algorithm(SigningAlgorithm::Rs256)}
                    {algorithm(SigningAlgorithm::Es256)}
                </select>
                <label for="longest-access">{t.admin_clients_longest_access()}</label>
                <input id="longest-access" name="rules[longest_access_hours]" type="number" min="1" max="87600" value=hours aria-describedby="longest-access-hint"/>
                <p class="hint" id="longest-access-hint">{t.admin_clients_longest_access_hint()}</p>
                <label for="username-of-host">{t.admin_clients_username_of_host()}</label>
                <input id="username-of-host" name="rules[username_of_host]" type="text" value=client.username_of_host.as_ref().map(ToString::to_string).unwrap_or_default() maxlength="128" dir="ltr" autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby="username-of-host-hint"/>
                <p class="hint" id="username-of-host-hint">{t.admin_clients_username_of_host_hint()}</p>
                <Checkbox name="rules[pushed_requests_only]" checked=client.pushed_requests_only text=t.admin_clients_pushed_only()/>
                <Checkbox name="rules[refresh_always]" checked=client.refresh == RefreshRule::Always text=t.admin_clients_refresh_always()/>
                <Checkbox name="rules[consent_always]" checked=client.consent == ConsentRule::Always text=t.admin_clients_consent_always()/>
                <button class="main">{t.admin_save()}</button>
            </PostForm>
        </section>
    }
}

/// The settings as a command for the operator.
#[component]
pub fn SetUpCommand(client: Client, uris: ClientUris) -> impl IntoView {
    let t = translations();
    let tenant = context::current_person().map(|person| person.tenant_id().to_string()).unwrap_or_default();
    view! {
        <details class="curl">
            <summary>{t.admin_as_command()}</summary>
            <Command text=command(&tenant, &client, &uris)/>
        </details>
    }
}

fn words<T: ToString>(values: &[T]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn command(tenant: &str, client: &Client, uris: &ClientUris) -> String {
    let quoted = |text: String| format!("'{}'", text.replace('\'', r"'\''"));
    [
        format!("tms-portal client set --tenant {tenant} {}", client.id),
        format!("--grant-types {}", quoted(client.grant_types.to_string())),
        format!("--redirect-uris {}", quoted(words(&uris.redirect))),
        format!("--post-logout-uris {}", quoted(words(&uris.post_logout))),
        format!("--backchannel-logout-uri {}", quoted(url(uris.backchannel_logout.as_ref()))),
        format!("--origins {}", quoted(words(&uris.origins))),
        format!("--auth-method {}", client.auth_method.as_str()),
        format!("--pkce {}", client.pkce.as_str()),
        format!("--id-token-alg {}", client.id_token_algorithm.as_str()),
        format!("--longest-access-hours {}", client.longest_access.map_or(0, |longest| longest.as_secs() / 3_600)),
        format!("--username-of-host {}", quoted(client.username_of_host.as_ref().map(ToString::to_string).unwrap_or_default())),
        format!("--pushed-requests-only {}", client.pushed_requests_only),
        format!("--refresh {}", client.refresh.as_str()),
        format!("--consent {}", client.consent.as_str()),
    ]
    .join(" ")
}
