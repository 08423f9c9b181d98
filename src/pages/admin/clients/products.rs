//! The parts of a client's page about sign-ins: the configuration of products, and what the client is told about people.

use leptos::either::{Either, EitherOf3};
use leptos::prelude::*;
use serde_json::json;

use crate::domain::client::Client;
use crate::domain::client::product_configuration::{ProductConfiguration, SECRET_PLACEHOLDER, configurations};
use crate::domain::client::registration::{ClientAuthMethod, GrantType};
use crate::domain::client_uris::ClientUris;
use crate::domain::id_token::PersonClaims;
use crate::domain::paths;
use crate::domain::scope::Scope;
use crate::pages::components::Copyable;
use crate::server::context::{self, translations};

/// The client's values in the words of each product, to copy; without its secret.
#[component]
pub fn Products(client: Client, uris: ClientUris) -> impl IntoView {
    let t = translations();
    let issuer = context::services().map(|services| services.issuer(&client.tenant_id)).unwrap_or_default();
    let has_secret = client.auth_method == ClientAuthMethod::Secret;
    view! {
        <section aria-labelledby="products">
            <h2 id="products">{t.admin_clients_products()}</h2>
            {if client.allows(GrantType::AuthorizationCode) {
                Either::Left(view! {
                    <p class="hint">
                        {t.admin_clients_products_hint()}
                        {has_secret.then(|| view! { " " {t.admin_clients_products_secret(SECRET_PLACEHOLDER)} })}
                    </p>
                    {configurations(&client, &uris, &issuer).into_iter().map(|configuration| view! { <Product configuration/> }).collect_view()}
                })
            } else {
                Either::Right(view! { <p class="hint">{t.admin_clients_products_no_sign_in()}</p> })
            }}
        </section>
    }
}

#[component]
fn Product(configuration: ProductConfiguration) -> impl IntoView {
    let t = translations();
    let ProductConfiguration { product, text, unregistered, missing } = configuration;
    view! {
        <details class="curl">
            <summary>{product.name().map_or_else(|| t.admin_clients_products_other(), str::to_owned)}</summary>
            {product.file().map(|file| view! { <p class="hint"><code translate="no" dir="ltr">{file}</code></p> })}
            {(!missing.is_empty()).then(|| view! { <p class="warning">{t.admin_clients_products_missing(missing.to_string())}</p> })}
            {unregistered.map(|uri| view! { <p class="hint">{t.admin_clients_products_redirect_uri(uri)}</p> })}
            <Copyable text block=true/>
        </details>
    }
}

/// What the client would be told about a person.
pub struct Preview {
    /// The user name that was entered.
    pub person: String,
    /// Besides `sub`; `None`: there is no such person.
    pub claims: Option<PersonClaims>,
}

/// Asks for a person, and shows what the client would be told about them.
#[component]
pub fn ClaimsPreview(client: Client, preview: Option<Preview>) -> impl IntoView {
    let t = translations();
    let person = preview.as_ref().map(|preview| preview.person.clone()).unwrap_or_default();
    client.scope.contains(Scope::OpenId).then(|| view! {
        <section aria-labelledby="claims">
            <h2 id="claims">{t.admin_clients_claims()}</h2>
            <p class="hint">{t.admin_clients_claims_hint()}</p>
            <form method="get" action=paths::ADMIN_CLIENT class="list-tools">
                <input type="hidden" name="client" value=client.id.to_string()/>
                <div class="field">
                    <label for="person">{t.admin_user_name()}</label>
                    <input id="person" name="person" type="text" value=person required maxlength="128" autocomplete="off" autocapitalize="none" spellcheck="false"/>
                </div>
                <button>{t.admin_clients_claims_show()}</button>
            </form>
            {preview.map(|preview| view! { <Claims preview client=client.clone()/> })}
        </section>
    })
}

#[component]
fn Claims(preview: Preview, client: Client) -> impl IntoView {
    let t = translations();
    let Preview { person, claims } = preview;
    match (claims, client.username_of_host) {
        (None, _) => EitherOf3::A(view! { <p class="warning">{t.admin_delegations_no_person()}</p> }),
        (Some(claims), Some(host)) if client.scope.contains(Scope::Profile) && claims.preferred_username.is_none() => {
            EitherOf3::B(view! { <p class="warning">{t.admin_clients_claims_no_account(host.to_string())}</p> })
        }
        (Some(claims), _) => EitherOf3::C(view! { <Copyable text=as_json(&person, &claims) block=true/> }),
    }
}

/// The claims as the userinfo endpoint returns them.
fn as_json(person: &str, claims: &PersonClaims) -> String {
    let mut told = json!({ "sub": person });
    if let (Some(told), Ok(serde_json::Value::Object(claims))) = (told.as_object_mut(), serde_json::to_value(claims)) {
        told.extend(claims);
    }
    serde_json::to_string_pretty(&told).unwrap_or_default()
}
