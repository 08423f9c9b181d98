//! The API's own description (OpenAPI 3.1), made from the handlers.

use std::sync::OnceLock;

use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, ContactBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};

/// What the handlers do not say.
pub fn head() -> OpenApi {
    let in_header = |name: &str, about: &str| SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(name, about)));
    let bearer = |about: &str| SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(about)).build());
    let mut components = Components::new();
    for (name, scheme) in [
        ("tenant", in_header("X-TMS-TENANT", "The tenant it is about.")),
        ("client_id", in_header("X-TMS-CLIENT-ID", "The client's id.")),
        ("client_secret", in_header("X-TMS-CLIENT-SECRET", "The client's secret.")),
        ("admin_id", in_header("X-TMS-ADMIN-ID", "The administrator's id, at first ~~admin.")),
        ("admin_secret", in_header("X-TMS-ADMIN-SECRET", "The administrator's secret.")),
        ("host", bearer("A host's credential.")),
        ("bearer", bearer("A person's access token, from the OAuth 2.0 device flow.")),
    ] {
        components.add_security_scheme(name, scheme);
    }
    let about = "SSH keys for research applications: clients ask for key pairs, hosts ask for public keys when somebody logs in. \
                 Every answer is a JSON object with result_code (0, or the HTTP status of an error) and result_msg beside its other fields.";
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Trust Manager System API")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(about))
                .license(Some(LicenseBuilder::new().name("BSD-3-Clause").identifier(Some("BSD-3-Clause")).build()))
                .contact(Some(ContactBuilder::new().name(Some("The operators of this portal")).build()))
                .build(),
        )
        .components(Some(components))
        .build()
}

/// The description, as JSON.
pub fn json() -> &'static str {
    static JSON: OnceLock<String> = OnceLock::new();
    JSON.get_or_init(|| super::described().1.to_pretty_json().unwrap_or_default())
}

/// `GET /spec`, where TMS has it.
pub async fn get() -> impl IntoResponse {
    let headers =
        [(header::CONTENT_TYPE, HeaderValue::from_static("application/json")), (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))];
    (headers, json())
}
