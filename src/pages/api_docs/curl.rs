//! A line for the terminal. Whatever is secret stands in a variable of the shell, so that it is in no history.

use super::reference::{Caller, Field};

/// What stands for a value nobody has named.
const SOMETHING: &str = "...";

/// `curl` for an operation, as `caller`, with what it needs; a change also names what may be left out.
pub fn line(method: &str, path: &str, caller: Option<&Caller>, fields: &[Field]) -> String {
    let named: Vec<&Field> = fields.iter().filter(|field| field.required || method == "PATCH").collect();
    let within = |place: &'static str| named.iter().filter(move |field| field.place == place);
    let path = within("path").fold(path.to_owned(), |path, field| path.replace(&format!("{{{}}}", field.name), &example(field)));
    let query: Vec<String> = within("query").map(|field| format!("{}={}", field.name, example(field))).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let verb = match method {
        "GET" => "curl -sS".to_owned(),
        other => format!("curl -sS -X {other}"),
    };
    let mut parts = vec![format!("{verb} \"$TMS_URL{path}{query}\"")];
    parts.extend(caller.iter().flat_map(|caller| &caller.headers).map(|(name, value)| format!("-H \"{name}: {value}\"")));
    let body: Vec<String> = within("body").map(|field| format!("\"{}\": {}", field.name, json(field))).collect();
    if !body.is_empty() {
        parts.push("-H 'Content-Type: application/json'".into());
        parts.push(format!("-d '{{{}}}'", body.join(", ")));
    }
    parts.join(" \\\n  ")
}

fn json(field: &Field) -> String {
    let example = example(field);
    if field.kind == "string" { format!("\"{example}\"") } else { example }
}

/// A value such as one would send.
fn example(field: &Field) -> String {
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
        _ => SOMETHING,
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, place: &'static str, kind: &str, required: bool) -> Field {
        Field { name: name.into(), place, kind: kind.into(), required, meaning: String::new() }
    }

    #[test]
    fn secrets_are_left_to_the_shell_and_what_is_needed_is_there() {
        let client = Caller { who: "the client".into(), headers: vec![("X-TMS-TENANT", "$TENANT"), ("X-TMS-CLIENT-SECRET", "$CLIENT_SECRET")] };
        let fields =
            [field("host", "body", "string", true), field("ttl_minutes", "body", "integer", true), field("key_type", "body", "string", false)];
        assert_eq!(
            line("POST", "/v1/keys", Some(&client), &fields),
            "curl -sS -X POST \"$TMS_URL/v1/keys\" \\\n  \
             -H \"X-TMS-TENANT: $TENANT\" \\\n  \
             -H \"X-TMS-CLIENT-SECRET: $CLIENT_SECRET\" \\\n  \
             -H 'Content-Type: application/json' \\\n  \
             -d '{\"host\": \"myhost\", \"ttl_minutes\": 60}'"
        );
    }

    #[test]
    fn paths_are_filled_in_and_changes_name_all_that_can_be_changed() {
        let fields = [field("client_id", "path", "string", true), field("enabled", "query", "true or false", false)];
        assert_eq!(line("PATCH", "/c/{client_id}", None, &fields), "curl -sS -X PATCH \"$TMS_URL/c/myapp?enabled=true\"");
        assert_eq!(line("GET", "/c/{client_id}", None, &fields), "curl -sS \"$TMS_URL/c/myapp\"");
    }
}
