//! The part of a client's page with the configuration of products that sign people in.

use leptos::either::Either;
use leptos::prelude::*;

use crate::domain::client::Client;
use crate::domain::client::product_configuration::{ProductConfiguration, SECRET_PLACEHOLDER, configurations};
use crate::domain::client::registration::{ClientAuthMethod, GrantType};
use crate::domain::client_uris::ClientUris;
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
