//! `curl` commands. Secrets are shell variables, so that they do not get into the shell's history.

use serde_json::{Value, json};

use super::model::{ApiCaller, Field};
use crate::domain::paths::encode;

/// The `curl` command of an operation as the documentation shows it: with example values for required fields; for changes also the optional
/// ones.
pub fn example(method: &str, path: &str, caller: Option<&ApiCaller>, fields: &[Field]) -> String {
    let headers = caller.map(|caller| caller.headers.as_slice()).unwrap_or_default();
    let named = fields.iter().filter(|field| field.required || method == "PATCH");
    let values: Vec<(&Field, Value)> = named.map(|field| (field, placeholder(field))).collect();
    line("$TMS_URL", method, path, headers, &values)
}

/// A `curl` command. Shell variables are expanded in the address and headers only.
pub fn line(address: &str, method: &str, path: &str, headers: &[(&str, &str)], values: &[(&Field, Value)]) -> String {
    let within = |place: &'static str| values.iter().filter(move |(field, _)| field.location == place);
    let path = within("path").fold(path.to_owned(), |path, (field, value)| path.replace(&format!("{{{}}}", field.name), &fill_path(value)));
    let query: Vec<String> = within("query").map(|(field, value)| format!("{}={}", field.name, fill_path(value))).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let verb = match method {
        "GET" => "curl -sS".to_owned(),
        other => format!("curl -sS -X {other}"),
    };
    let mut parts = vec![format!("{verb} \"{address}{path}{query}\"")];
    parts.extend(headers.iter().map(|(name, value)| format!("-H \"{name}: {value}\"")));
    let body: Vec<String> = within("body").map(|(field, value)| format!("\"{}\": {value}", field.name)).collect();
    if !body.is_empty() {
        parts.push("-H 'Content-Type: application/json'".into());
        // Single-quoted for the shell.
        parts.push(format!("-d '{{{}}}'", body.join(", ").replace('\'', r"'\''")));
    }
    parts.join(" \\\n  ")
}

fn fill_path(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), encode)
}

/// An example value.
fn placeholder(field: &Field) -> Value {
    let known = match field.name.as_str() {
        "tenant" => "test",
        "client_id" => "myapp",
        "client_user_id" | "tms_user_id" => "jdoe",
        "host" => "myhost",
        "host_account" | "user" => "jdoe1",
        "addr" => "192.0.2.1",
        "app_name" => "My app",
        "app_version" => "1.0",
        "public_key_fingerprint" => "SHA256:...",
        "public_key" => "ssh-ed25519 ...",
        "ttl_minutes" | "overlap_minutes" => "60",
        "num_uses" => "-1",
        "max_uses" => "10",
        _ if field.kind.starts_with("integer") => "1",
        _ if field.kind.starts_with("true") => "true",
        _ => "...",
    };
    if field.kind == "string" { json!(known) } else { known.parse().unwrap_or_else(|_| json!(known)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, place: &'static str, kind: &str, required: bool) -> Field {
        Field { name: name.into(), location: place, kind: kind.into(), required, meaning: String::new() }
    }

    #[test]
    fn examples_have_required_fields_and_secrets_as_variables() {
        let client = ApiCaller { who: "the client".into(), headers: vec![("X-TMS-TENANT", "$TENANT"), ("X-TMS-CLIENT-SECRET", "$CLIENT_SECRET")] };
        let fields =
            [field("host", "body", "string", true), field("ttl_minutes", "body", "integer", true), field("key_type", "body", "string", false)];
        assert_eq!(
            example("POST", "/v1/keys", Some(&client), &fields),
            "curl -sS -X POST \"$TMS_URL/v1/keys\" \\\n  \
             -H \"X-TMS-TENANT: $TENANT\" \\\n  \
             -H \"X-TMS-CLIENT-SECRET: $CLIENT_SECRET\" \\\n  \
             -H 'Content-Type: application/json' \\\n  \
             -d '{\"host\": \"myhost\", \"ttl_minutes\": 60}'"
        );
    }

    #[test]
    fn paths_are_filled_in_and_changes_have_all_fields() {
        let fields = [field("client_id", "path", "string", true), field("enabled", "query", "true or false", false)];
        assert_eq!(example("PATCH", "/c/{client_id}", None, &fields), "curl -sS -X PATCH \"$TMS_URL/c/myapp?enabled=true\"");
        assert_eq!(example("GET", "/c/{client_id}", None, &fields), "curl -sS \"$TMS_URL/c/myapp\"");
    }

    #[test]
    fn values_cannot_escape_their_quotes() {
        let (path, body) = (field("id", "path", "string", true), field("name", "body", "string", true));
        let command = line("$TMS_URL", "POST", "/c/{id}", &[], &[(&path, json!("a\"$(id)")), (&body, json!("o'clock \"$(id)\""))]);
        assert_eq!(
            command,
            "curl -sS -X POST \"$TMS_URL/c/a%22%24%28id%29\" \\\n  -H 'Content-Type: application/json' \\\n  -d '{\"name\": \"o'\\''clock \\\"$(id)\\\"\"}'"
        );
    }
}
