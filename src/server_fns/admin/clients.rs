//! The tenant's clients.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::domain::client::{Client, ClientDetail};
#[cfg(feature = "ssr")]
use crate::domain::client_uris::{ClientEndpoint, ClientUris, UriListRefused};
use crate::domain::id_token::PersonClaims;
use crate::domain::pagination::{ListQuery, Page};

/// A page of the list. `show`: `enabled`, `disabled`, `public`.
#[server(prefix = "/api", endpoint = "admin/clients/list")]
pub async fn list_clients(#[server(default)] query: ListQuery) -> Result<Page<Client>, ServerFnError> {
    use crate::server::context;
    context::services()?.search_clients(&context::admin()?, &query.params()).await.map_err(context::fault)
}

#[server(prefix = "/api", endpoint = "admin/clients/find")]
pub async fn find_client(#[server(default)] client: String) -> Result<Option<ClientDetail>, ServerFnError> {
    use crate::domain::ids::ClientId;
    use crate::server::context;
    let Ok(id) = ClientId::parse(client) else { return Ok(None) };
    context::services()?.client_detail(&context::admin()?, &id).await.map_err(context::fault)
}

/// What a client would be told about a person, besides `sub`.
#[server(prefix = "/api", endpoint = "admin/clients/preview")]
pub async fn preview_claims(#[server(default)] client: String, #[server(default)] person: String) -> Result<Option<PersonClaims>, ServerFnError> {
    use crate::domain::ids::{ClientId, UserId};
    use crate::server::context;
    let (services, admin) = (context::services()?, context::admin()?);
    let (Ok(client), Ok(person)) = (ClientId::parse(client), UserId::parse(person.trim())) else { return Ok(None) };
    services.preview_claims(&admin, &client, &person).await.map_err(context::fault)
}

/// Registers a client; its page shows the secret once.
#[server(prefix = "/api", endpoint = "admin/clients/add")]
pub async fn add_client(
    #[server(default)] client: String,
    #[server(default)] app_name: String,
    #[server(default)] app_version: String,
    #[server(default)] device_grant: String,
    #[server(default)] grant_type: Vec<String>,
    #[server(default)] scope: Vec<String>,
) -> Result<(), ServerFnError> {
    use crate::domain::client::registration::GrantTypes;
    use crate::domain::display_text;
    use crate::domain::ids::ClientId;
    use crate::domain::paths::{ADMIN_CLIENT, ADMIN_CLIENTS_ADD};
    use crate::domain::scope::ScopeSet;
    use crate::server::context;
    use crate::server::service::Error;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_CLIENTS_ADD);
    let Ok(id) = ClientId::parse(client.trim()) else { return context::flash_error(t.id_refused(&[&client])).await };
    let (app_name, app_version) = match (display_text::parse_name(&app_name), display_text::parse_name(&app_version)) {
        (Ok(name), Ok(version)) => (name, version),
        (Err(why), _) | (_, Err(why)) => return context::flash_error(t.client_name_refused(why)).await,
    };
    let new = Client {
        device_grant: !device_grant.is_empty(),
        grant_types: GrantTypes::parse_known(&grant_type.join(" ")),
        scope: ScopeSet::parse_known(&scope.join(" ")),
        ..Client::new(admin.tenant_id().clone(), id.clone(), app_name, app_version, services.now())
    };
    match services.register_client(Some(&admin), new, admin.from()).await {
        Ok(secret) => {
            context::redirect_to_detail(ADMIN_CLIENT, "client", id.as_str());
            context::flash_secret(ADMIN_CLIENT, t.admin_clients_added(), &secret).await
        }
        Err(Error::Refused(_)) => context::flash_error(t.admin_clients_exists()).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Sets a client's permissions. `grant_type` is empty if an earlier release rendered the form, which has no boxes for it then; otherwise it has an
/// empty text at least.
#[server(prefix = "/api", endpoint = "admin/clients/set-up")]
pub async fn set_up_client(
    #[server(default)] client: String,
    #[server(default)] seen: i64,
    #[server(default)] enabled: String,
    #[server(default)] verified: String,
    #[server(default)] device_grant: String,
    #[server(default)] grant_type: Vec<String>,
    #[server(default)] scope: Vec<String>,
) -> Result<(), ServerFnError> {
    use crate::domain::client::registration::GrantTypes;
    use crate::domain::scope::ScopeSet;
    let grant_types = (!grant_type.is_empty()).then(|| GrantTypes::parse_known(&grant_type.join(" ")));
    edit(client, seen, move |client, _| {
        client.enabled = !enabled.is_empty();
        client.verified = !verified.is_empty();
        client.device_grant = !device_grant.is_empty();
        client.grant_types = grant_types.unwrap_or(client.grant_types);
        client.scope = ScopeSet::parse_known(&scope.join(" "));
    })
    .await
}

/// Sets a client's addresses, each list separated by white space.
#[server(prefix = "/api", endpoint = "admin/clients/addresses")]
pub async fn set_client_uris(
    #[server(default)] client: String,
    #[server(default)] seen: i64,
    #[server(default)] redirect_uris: String,
    #[server(default)] post_logout_uris: String,
    #[server(default)] backchannel_logout_uri: String,
    #[server(default)] origins: String,
) -> Result<(), ServerFnError> {
    use crate::domain::client_uris::{WebOrigin, parse_list};
    use crate::domain::redirect_uri::RedirectUri;
    let parsed = parse_list(&redirect_uris, RedirectUri::parse).and_then(|redirect| {
        let post_logout = parse_list(&post_logout_uris, RedirectUri::parse)?;
        Ok((redirect, post_logout, parse_list(&origins, WebOrigin::parse)?, parse_endpoint(&backchannel_logout_uri)?))
    });
    match parsed {
        Ok((redirect, post_logout, origins, backchannel_logout)) => {
            edit(client, seen, move |_, uris| {
                uris.redirect = redirect;
                uris.post_logout = post_logout;
                uris.origins = origins;
                uris.backchannel_logout = backchannel_logout;
            })
            .await
        }
        Err(refused) => refuse(client, |t| t.uri_list_refused(&refused)).await,
    }
}

/// Sets how a client authenticates, and its keys. A client that has to have a secret now gets one, which is shown once.
#[server(prefix = "/api", endpoint = "admin/clients/authentication")]
pub async fn set_client_authentication(
    #[server(default)] client: String,
    #[server(default)] seen: i64,
    #[server(default)] auth_method: String,
    #[server(default)] jwks: String,
    #[server(default)] jwks_uri: String,
    #[server(default)] endpoint_audience: String,
) -> Result<(), ServerFnError> {
    use crate::domain::client::registration::ClientAuthMethod;
    let endpoint = match parse_endpoint(&jwks_uri) {
        Ok(endpoint) => endpoint,
        Err(refused) => return refuse(client, |t| t.uri_list_refused(&refused)).await,
    };
    let jwks = Some(jwks.trim().to_owned()).filter(|jwks| !jwks.is_empty());
    edit(client, seen, move |client, uris| {
        client.auth_method = ClientAuthMethod::parse(&auth_method).unwrap_or(client.auth_method);
        client.jwks = jwks;
        client.endpoint_audience = !endpoint_audience.is_empty();
        uris.jwks = endpoint;
    })
    .await
}

/// The form about tokens and consent; browsers do not send unchecked boxes, so a missing one is false.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientRulesForm {
    pub pkce: String,
    pub id_token_algorithm: String,
    /// In hours; empty: as the policy says.
    pub longest_access_hours: String,
    /// The name of a host; empty: none.
    pub username_of_host: String,
    pub pushed_requests_only: String,
    pub refresh_always: String,
    pub consent_always: String,
}

/// Sets a client's rules about tokens and consent.
#[server(prefix = "/api", endpoint = "admin/clients/rules")]
pub async fn set_client_rules(
    #[server(default)] client: String,
    #[server(default)] seen: i64,
    #[server(default)] rules: ClientRulesForm,
) -> Result<(), ServerFnError> {
    use std::time::Duration;

    use crate::domain::client::registration::{ConsentRule, MAX_LONGEST_ACCESS_HOURS, PkceRule, RefreshRule};
    use crate::domain::ids::HostName;
    use crate::domain::signing_key::SigningAlgorithm;
    let ClientRulesForm { pkce, id_token_algorithm, longest_access_hours, username_of_host, pushed_requests_only, refresh_always, consent_always } =
        rules;
    let hours = longest_access_hours.trim();
    let longest_access = match hours.parse::<u64>() {
        _ if hours.is_empty() => None,
        Ok(hours) if (1..=MAX_LONGEST_ACCESS_HOURS).contains(&hours) => Some(Duration::from_secs(hours * 3_600)),
        _ => return refuse(client, |t| t.admin_clients_longest_access_refused()).await,
    };
    let host = match HostName::parse(username_of_host.trim()) {
        _ if username_of_host.trim().is_empty() => None,
        Ok(host) => Some(host),
        Err(_) => return refuse(client, |t| t.id_refused(&[&username_of_host])).await,
    };
    edit(client, seen, move |client, _| {
        client.pkce = PkceRule::parse(&pkce).unwrap_or(client.pkce);
        client.id_token_algorithm = SigningAlgorithm::parse(&id_token_algorithm).unwrap_or(client.id_token_algorithm);
        client.longest_access = longest_access;
        client.username_of_host = host;
        client.pushed_requests_only = !pushed_requests_only.is_empty();
        client.refresh = if refresh_always.is_empty() { RefreshRule::OfflineAccess } else { RefreshRule::Always };
        client.consent = if consent_always.is_empty() { ConsentRule::Remembered } else { ConsentRule::Always };
    })
    .await
}

/// An address to which the portal sends requests; empty: none.
#[cfg(feature = "ssr")]
fn parse_endpoint(text: &str) -> Result<Option<ClientEndpoint>, UriListRefused> {
    let refused = |why| UriListRefused::Uri { uri: text.trim().to_owned(), why };
    match text.trim() {
        "" => Ok(None),
        url => ClientEndpoint::parse(url, false).map(Some).map_err(refused),
    }
}

/// Edits a client, and redirects to its page with the result. A new secret is shown there, once.
#[cfg(feature = "ssr")]
async fn edit(client: String, seen: i64, edit: impl FnOnce(&mut Client, &mut ClientUris) + Send + 'static) -> Result<(), ServerFnError> {
    use crate::domain::ids::ClientId;
    use crate::domain::paths::{ADMIN_CLIENT, ADMIN_CLIENTS};
    use crate::domain::time::Timestamp;
    use crate::server::context;
    use crate::server::service::Error;
    use crate::server::service::admin::client_settings::ClientEditRefused;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_CLIENTS);
    let Ok(id) = ClientId::parse(client) else { return Ok(()) };
    context::redirect_to_detail(ADMIN_CLIENT, "client", id.as_str());
    match services.edit_client(&admin, &id, Some(Timestamp::from_millis(seen)), edit).await {
        Ok(None) => context::flash_success(t.admin_saved()).await,
        Ok(Some(secret)) => context::flash_secret(ADMIN_CLIENT, t.admin_clients_new_secret(), &secret).await,
        Err(Error::Refused(ClientEditRefused::Edit(refused))) => context::flash_edit_result(Err(Error::Refused(refused))).await,
        Err(Error::Refused(ClientEditRefused::Settings(refused))) => context::flash_error(t.client_settings_refused(refused)).await,
        Err(Error::Refused(ClientEditRefused::Keys(refused))) => context::flash_error(t.jwks_refused(refused)).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Redirects to a client's page, and says why its form was refused.
#[cfg(feature = "ssr")]
async fn refuse(client: String, why: impl FnOnce(crate::i18n::Translations) -> String) -> Result<(), ServerFnError> {
    use crate::domain::paths::ADMIN_CLIENT;
    use crate::server::context;
    context::admin()?;
    context::see_other(ADMIN_CLIENT);
    context::redirect_to_detail(ADMIN_CLIENT, "client", &client);
    context::flash_error(why(context::translations())).await
}

/// Rotates a client's secret; the new one is shown once, and the old one is valid for `overlap` more hours.
#[server(prefix = "/api", endpoint = "admin/clients/rotate")]
pub async fn rotate_client(#[server(default)] client: String, #[server(default)] overlap: u32) -> Result<(), ServerFnError> {
    use std::time::Duration;

    use crate::domain::ids::ClientId;
    use crate::domain::paths::{ADMIN_CLIENT, ADMIN_CLIENTS};
    use crate::server::context;
    use crate::server::service::{Error, Principal};
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_CLIENTS);
    let Ok(id) = ClientId::parse(client) else { return Ok(()) };
    context::redirect_to_detail(ADMIN_CLIENT, "client", id.as_str());
    let Some(access) = Principal::Admin(Box::new(admin)).client_access(id) else { return Ok(()) };
    match services.rotate_client_secret(&access, Duration::from_secs(u64::from(overlap.min(24 * 30)) * 3_600)).await {
        Ok(rotated) => {
            let sentence = context::naming(rotated.old_until, |until| t.admin_rotated(until));
            context::flash_secret(ADMIN_CLIENT, sentence, &rotated.secret).await
        }
        Err(Error::Refused(_)) => context::flash_error(t.admin_gone()).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Ends all access of a client, which stays registered.
#[server(prefix = "/api", endpoint = "admin/clients/end-access")]
pub async fn end_client_access(#[server(default)] client: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::ClientId;
    use crate::domain::paths::{ADMIN_CLIENT, ADMIN_CLIENTS};
    use crate::i18n::to_count;
    use crate::server::context;
    use crate::server_fns::delegations::receipt;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_CLIENTS);
    let Ok(id) = ClientId::parse(client) else { return Ok(()) };
    context::redirect_to_detail(ADMIN_CLIENT, "client", id.as_str());
    let ended = services.revoke_client_access(&admin, &id).await.map_err(context::fault)?;
    if ended.permissions > 0 {
        context::flash_success(format!("{} {}", t.admin_clients_access_ended(to_count(ended.permissions)), receipt(&ended))).await
    } else {
        context::flash_error(t.admin_clients_access_none()).await
    }
}

/// Deletes a client with its delegations, keys and reservations.
#[server(prefix = "/api", endpoint = "admin/clients/delete")]
pub async fn delete_client(#[server(default)] client: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::ClientId;
    use crate::domain::paths::ADMIN_CLIENTS;
    use crate::server::context;
    use crate::server::service::Principal;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_CLIENTS);
    let Ok(id) = ClientId::parse(client) else { return Ok(()) };
    let name = id.to_string();
    let Some(access) = Principal::Admin(Box::new(admin)).client_access(id) else { return Ok(()) };
    if services.delete_client(&access).await.map_err(context::fault)? {
        context::flash_success(t.admin_deleted(name)).await
    } else {
        context::flash_error(t.admin_gone()).await
    }
}
