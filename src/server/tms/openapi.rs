//! The API's OpenAPI 3.1 description, generated from the handlers.

use std::sync::OnceLock;

use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use serde_json::Value;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{ComponentsBuilder, ContactBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};

use super::error::ErrorReply;

/// The tags, in the order of the documentation.
const TAGS: [(&str, &str); 11] = [
    ("general", "Health and version."),
    ("pubkeys", "Key pairs for clients, and key lookups by hosts."),
    ("clients", "The applications of a tenant."),
    ("user MFA", "Until when a user's second factor is active. Keys require an active record."),
    ("user hosts", "Links between users and their accounts on hosts."),
    ("delegations", "Which client may act for which user."),
    ("hosts", "The tenant's hosts and their credentials."),
    ("links", "Linking a host account from the host: the host requests the link, and the user confirms it in the browser."),
    ("reservations", "Leases that keep keys valid for work in progress."),
    ("tenants", "Tenants. Administrators of the tenant `default` manage the deployment."),
    ("me", "The account of the access token's user."),
];

/// Descriptions of fields that mean the same everywhere; a field's own description has precedence.
const FIELD_DESCRIPTIONS: [(&str, &str); 52] = [
    ("addr", "The host's address."),
    ("admin_id", "The tenant's first administrator."),
    ("app_name", "The application's display name."),
    ("app_version", "The application's version; any text."),
    ("client_id", "The client."),
    ("client_user_id", "The user; the same as `tms_user_id`."),
    ("clients", "The clients."),
    ("created", "When it was created."),
    ("enabled", "Whether it is enabled."),
    ("expires_at", "When it expires; 9999-12-31T23:59:59 means never."),
    ("fields_updated", "Number of changed fields; 0 if nothing matched."),
    ("git_branch", "The branch it was built from."),
    ("git_commit", "The commit it was built from."),
    ("host", "The host, by the name it has in TMS."),
    ("host_account", "The account on the host."),
    ("hosts", "The host accounts."),
    ("id", "The record's number."),
    ("initial_ttl_minutes", "The key's lifetime when it was created."),
    ("key_bits", "The key's length."),
    ("key_type", "`ed25519`, `ecdsa` or `rsa`."),
    ("keys", "The keys."),
    ("last_used_at", "When the last counted login began."),
    ("linked_at", "When the account was linked."),
    ("max_uses", "Maximum number of logins; 2147483647 means unlimited."),
    ("next_cursor", "Send it as `cursor` to get the next page; absent on the last page."),
    ("num_clients", "Number of entries in this response."),
    ("num_deleted", "Number of deleted records; 0 if nothing matched."),
    ("num_hosts", "Number of entries in this response."),
    ("num_keys", "Number of entries in this response."),
    ("num_mappings", "Number of entries in this response."),
    ("num_pubkeys", "Number of entries in this response."),
    ("num_tenants", "Number of entries in this response."),
    ("num_users", "Number of entries in this response."),
    ("parent_resid", "The reservation that this one extends, or its own `resid`."),
    ("pubkeys", "The keys."),
    ("public_key", "One line for `authorized_keys`, without options or comment."),
    ("public_key_fingerprint", "`SHA256:` and 43 characters, as `ssh-keygen -l` prints it."),
    ("remaining_uses", "Number of logins left."),
    ("required", "Whether the host must send its credential."),
    ("resid", "The reservation."),
    ("result_code", "`0`; the HTTP status, as text, of an error."),
    ("result_msg", "A message for people; may change."),
    ("rustc_version", "The compiler it was built with."),
    ("seqno", "The key's number, `id` in lists."),
    ("source_ts", "When its source was last changed."),
    ("tenant", "The tenant; the same as in `X-TMS-TENANT`, where that is sent."),
    ("tenants", "The tenants."),
    ("tms_user_id", "The user."),
    ("tms_version", "The portal's version."),
    ("updated", "When it was last changed."),
    ("user", "The account on the host: what sshd calls the user."),
    ("users", "The records."),
];

const BEARER: &str = "A user's access token, from the OAuth 2.0 device authorization grant. With the scope offline_access it lasts an hour, and \
                      the token endpoint gives new ones for the refresh token that came with it.";

/// The parts that are not generated from handlers.
pub fn base_document() -> OpenApi {
    let in_header = |name: &str, about: &str| SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(name, about)));
    let bearer = |about: &str| SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(about)).build());
    // The schema of errors is in no handler's description.
    let mut components = ComponentsBuilder::new().schema_from::<ErrorReply>().build();
    for (name, scheme) in [
        ("tenant", in_header("X-TMS-TENANT", "The tenant that the request is about.")),
        ("client_id", in_header("X-TMS-CLIENT-ID", "The client's ID.")),
        ("client_secret", in_header("X-TMS-CLIENT-SECRET", "The client's secret.")),
        ("admin_id", in_header("X-TMS-ADMIN-ID", "The administrator's ID; that of the first administrator is ~~admin.")),
        ("admin_secret", in_header("X-TMS-ADMIN-SECRET", "The administrator's secret.")),
        ("host", bearer("A host's credential.")),
        ("bearer", bearer(BEARER)),
        ("client_token", bearer("A client's access token, from the OAuth 2.0 client credentials grant, with the scope for the call.")),
    ] {
        components.add_security_scheme(name, scheme);
    }
    let about = "SSH keys for research applications: clients request key pairs, and hosts look up public keys when a user logs in. \
                 Every response is a JSON object with `result_code` (0, or the HTTP status of an error) and `result_msg` in addition to its other fields.";
    let tags = TAGS.map(|(name, about)| TagBuilder::new().name(name).description(Some(about)).build());
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
        .tags(Some(tags))
        .components(Some(components))
        .build()
}

/// The description.
pub fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| complete(serde_json::to_value(super::described().1).unwrap_or_default()))
}

/// `GET /spec`, at TMS' path.
pub async fn get() -> impl IntoResponse {
    static JSON: OnceLock<String> = OnceLock::new();
    let json = JSON.get_or_init(|| format!("{:#}", document()));
    let headers =
        [(header::CONTENT_TYPE, HeaderValue::from_static("application/json")), (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))];
    (headers, json.as_str())
}

/// Adds what every handler would have to repeat: descriptions of fields, tags, and which errors cannot occur.
fn complete(mut document: Value) -> Value {
    let schemas = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut);
    schemas.into_iter().flatten().for_each(|(_, schema)| describe_fields(schema));
    let paths = document.pointer_mut("/paths").and_then(Value::as_object_mut);
    for (_, item) in paths.into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            describe_parameters(operation);
            qualify_operation_id(operation);
            drop_impossible_errors(method, operation);
        }
    }
    document
}

fn describe_fields(schema: &mut Value) {
    let parts = schema.get_mut("allOf").and_then(Value::as_array_mut);
    parts.into_iter().flatten().for_each(describe_fields);
    for (name, field) in schema.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
        let says_more = field.get("oneOf").and_then(Value::as_array).is_some_and(|kinds| kinds.iter().any(|kind| kind.get("description").is_some()));
        if !says_more {
            describe(name, field);
        }
    }
}

fn describe_parameters(operation: &mut Value) {
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(name) = parameter.get("name").and_then(Value::as_str).map(str::to_owned) {
            describe(&name, parameter);
        }
    }
}

fn describe(name: &str, field: &mut Value) {
    let known = FIELD_DESCRIPTIONS.iter().find(|(word, _)| *word == name);
    if let (Some((_, meaning)), Some(field)) = (known, field.as_object_mut()) {
        field.entry("description").or_insert_with(|| (*meaning).into());
    }
}

/// Several tags have a `get`; OpenAPI requires unique operation ids.
fn qualify_operation_id(operation: &mut Value) {
    let tag = operation.pointer("/tags/0").and_then(Value::as_str).map(|tag| tag.to_lowercase().replace(' ', "_"));
    let name = operation.get("operationId").and_then(Value::as_str);
    if let Some(name) = tag.zip(name).map(|(tag, name)| format!("{tag}_{name}")) {
        operation["operationId"] = name.into();
    }
}

fn drop_impossible_errors(method: &str, operation: &mut Value) {
    let with_body = operation.get("requestBody").is_some();
    let for_all = operation.get("security").is_some_and(|security| *security == serde_json::json!([{}]));
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    responses.retain(|status, _| match status.as_str() {
        "413" | "415" => with_body,
        "401" | "403" => !for_all,
        "409" => method != "get",
        _ => true,
    });
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn operations() -> Vec<&'static Value> {
        let paths = document()["paths"].as_object().expect("paths");
        paths.values().flat_map(|item| item.as_object().expect("an item").values()).collect()
    }

    #[test]
    fn every_operation_has_a_unique_id_and_a_known_tag() {
        let names: BTreeSet<&str> = operations().iter().map(|operation| operation["operationId"].as_str().expect("a name")).collect();
        assert!(names.len() > 50 && names.len() == operations().len(), "{names:?}");
        assert!(names.contains("user_mfa_create") && names.contains("pubkeys_retrieve"));
        let used: BTreeSet<&str> = operations().iter().map(|operation| operation["tags"][0].as_str().expect("a tag")).collect();
        assert_eq!(used, TAGS.iter().map(|(name, _)| *name).collect());
    }

    #[test]
    fn every_field_and_parameter_is_described() {
        let mut silent = Vec::new();
        for (name, schema) in document()["components"]["schemas"].as_object().expect("schemas") {
            let parts = schema["allOf"].as_array().cloned().unwrap_or_else(|| vec![schema.clone()]);
            for (field, about) in parts.iter().filter_map(|part| part["properties"].as_object()).flatten() {
                if !about.to_string().contains("\"description\"") {
                    silent.push(format!("{name}.{field}"));
                }
            }
        }
        for operation in operations() {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            silent.extend(parameters.iter().filter(|parameter| parameter["description"].is_null()).map(ToString::to_string));
        }
        assert!(silent.is_empty(), "{silent:#?}");
    }

    #[test]
    fn specific_descriptions_are_kept() {
        let of = |schema: &str, field: &str| document()["components"]["schemas"][schema]["properties"][field]["description"].clone();
        assert_eq!(
            of("HostAddress", "addr"),
            "Free text, such as an IPv4 address. One that is a name (`vista.tacc.example`) is a further name of the host."
        );
        assert_eq!(of("HostAddress", "host"), "The host, by the name it has in TMS.");
    }

    #[test]
    fn impossible_errors_are_not_listed() {
        let of = |method: &str, path: &str| -> Vec<String> {
            document()["paths"][path][method]["responses"].as_object().expect("responses").keys().cloned().collect()
        };
        assert_eq!(of("get", "/v1/tms/version"), ["200", "400", "404", "429", "500", "503"]);
        assert!(of("post", "/v1/tms/pubkeys/creds").contains(&"415".to_owned()));
    }
}
