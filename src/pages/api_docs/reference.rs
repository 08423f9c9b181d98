//! The API's description (OpenAPI 3.1) as the page shows it: sections of operations, each with its fields, in order. No input or output.

use serde_json::{Map, Value};

use super::curl;
use super::model::{ApiCaller, ErrorDoc, Field, Operation, Reference, ResponseDoc, Section};

impl Reference {
    pub fn read(document: &Value) -> Self {
        let sections: Vec<Section> = array(document, "/tags").map(|tag| Section::read(document, tag)).collect();
        let mut errors: Vec<ErrorDoc> = Vec::new();
        for response in operations(document).flat_map(|(_, _, operation)| responses(operation).filter(|(status, _)| !is_success(status))) {
            let refusal = ErrorDoc { status: response.0.clone(), meaning: text(response.1, "/description") };
            if !errors.contains(&refusal) {
                errors.push(refusal);
            }
        }
        errors.sort_by(|a, b| a.status.cmp(&b.status));
        Self { about: text(document, "/info/description"), version: text(document, "/info/version"), sections, errors }
    }

    pub fn count(&self) -> usize {
        self.sections.iter().map(|section| section.operations.len()).sum()
    }
}

impl Section {
    fn read(document: &Value, tag: &Value) -> Self {
        let name = text(tag, "/name");
        let ours = |operation: &Value| array(operation, "/tags").any(|tag| tag.as_str() == Some(&name));
        let mut operations: Vec<Operation> = operations(document)
            .filter(|(_, _, operation)| ours(operation))
            .map(|(path, method, operation)| Operation::read(document, path, method, operation))
            .collect();
        // In the order of use: create, read, change, delete.
        let rank = |method: &str| ["POST", "GET", "PATCH"].iter().position(|known| *known == method).unwrap_or(3);
        operations.sort_by_key(|operation| rank(&operation.method));
        Self { anchor: anchor(&name), about: text(tag, "/description"), name, operations }
    }
}

impl Operation {
    fn read(document: &Value, path: &str, method: &str, operation: &Value) -> Self {
        let method = method.to_uppercase();
        let (summary, about) = first_sentence(&format!("{} {}", text(operation, "/summary"), text(operation, "/description")));
        let mut fields: Vec<Field> = array(operation, "/parameters").map(parameter).collect();
        if let Some(body) = operation.pointer("/requestBody/content/application~1json/schema") {
            fields.extend(properties(document, body, "").into_iter().map(|field| Field { location: "body", ..field }));
        }
        let callers: Vec<ApiCaller> = array(operation, "/security").filter_map(Value::as_object).map(caller).collect();
        // Prefer a caller with credentials.
        let usual = callers.iter().find(|caller| !caller.headers.is_empty());
        let success = responses(operation).find(|(status, _)| is_success(status));
        Self {
            anchor: anchor(&text(operation, "/operationId")),
            curl: curl::example(&method, path, usual, &fields),
            path: path.to_owned(),
            summary,
            about,
            callers,
            fields,
            response: success.map(|(status, response)| ResponseDoc::read(document, status, response)).unwrap_or_default(),
            errors: responses(operation).map(|(status, _)| status.clone()).filter(|status| !is_success(status)).collect(),
            method,
        }
    }
}

impl ResponseDoc {
    fn read(document: &Value, status: &str, response: &Value) -> Self {
        let content = response.pointer("/content/application~1json/schema");
        let mut fields = content.map(|schema| properties(document, schema, "")).unwrap_or_default();
        fields.retain(|field| !matches!(field.name.as_str(), "result_code" | "result_msg"));
        Self { status: status.to_owned(), about: text(response, "/description"), fields }
    }
}

fn for_scopes(scopes: &Value) -> String {
    let scopes: Vec<&str> = array(scopes, "").filter_map(Value::as_str).collect();
    if scopes.is_empty() { String::new() } else { format!(" for {}", scopes.join(" ")) }
}

/// The kind of caller that sends these headers.
fn caller(headers: &Map<String, Value>) -> ApiCaller {
    let has = |name: &str| headers.contains_key(name);
    let tenant = ("X-TMS-TENANT", "$TENANT");
    if has("client_secret") {
        let headers = vec![tenant, ("X-TMS-CLIENT-ID", "$CLIENT_ID"), ("X-TMS-CLIENT-SECRET", "$CLIENT_SECRET")];
        ApiCaller { who: "the client".into(), headers }
    } else if has("admin_secret") {
        let headers = vec![tenant, ("X-TMS-ADMIN-ID", "$ADMIN_ID"), ("X-TMS-ADMIN-SECRET", "$ADMIN_SECRET")];
        ApiCaller { who: "an administrator of the tenant".into(), headers }
    } else if let Some(scopes) = headers.get("bearer") {
        ApiCaller { who: format!("the holder of an access token{}", for_scopes(scopes)), headers: vec![("Authorization", "Bearer $ACCESS_TOKEN")] }
    } else if let Some(scopes) = headers.get("client_token") {
        ApiCaller {
            who: format!("the client, with its own access token{}", for_scopes(scopes)),
            headers: vec![("Authorization", "Bearer $CLIENT_TOKEN")],
        }
    } else if has("host") {
        ApiCaller { who: "a host".into(), headers: vec![("Authorization", "Bearer $HOST_CREDENTIAL")] }
    } else if has("tenant") {
        ApiCaller { who: "anyone who names a tenant".into(), headers: vec![tenant] }
    } else {
        ApiCaller { who: "anyone".into(), headers: Vec::new() }
    }
}

fn parameter(parameter: &Value) -> Field {
    let place = if parameter.get("in").and_then(Value::as_str) == Some("path") { "path" } else { "query" };
    let kind = parameter.get("schema").map(kind).unwrap_or_default();
    let required = parameter.get("required").and_then(Value::as_bool).unwrap_or_default();
    Field { name: text(parameter, "/name"), location: place, kind, required, meaning: text(parameter, "/description") }
}

/// The fields of an object, and those of objects in its lists: `keys[].host`.
fn properties(document: &Value, schema: &Value, prefix: &str) -> Vec<Field> {
    let schema = resolved(document, schema);
    let mut fields: Vec<Field> = array(schema, "/allOf").flat_map(|part| properties(document, part, prefix)).collect();
    let required: Vec<&str> = array(schema, "/required").filter_map(Value::as_str).collect();
    for (name, field) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        // An optional reference is described as a choice between it and null.
        let one = array(field, "/oneOf").find(|choice| choice.get("type").and_then(Value::as_str) != Some("null")).unwrap_or(field);
        fields.push(Field {
            name: format!("{prefix}{name}"),
            location: "",
            kind: kind(resolved(document, one)),
            required: required.contains(&name.as_str()),
            meaning: text(one, "/description"),
        });
        if let Some(items) = one.get("items") {
            fields.extend(properties(document, items, &format!("{prefix}{name}[].")));
        }
    }
    fields
}

fn resolved<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    let reference = schema.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
    reference.and_then(|pointer| document.pointer(pointer)).unwrap_or(schema)
}

/// A short description of a type: `integer, 1 to 10000`.
fn kind(schema: &Value) -> String {
    let named = |kind: &Value| match kind.as_str()? {
        "null" => None,
        "array" => Some("list"),
        "boolean" => Some("true or false"),
        "integer" => Some("integer"),
        other => Some(if other == "string" { "string" } else { "object" }),
    };
    let kind = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().find_map(named),
        Some(kind) => named(kind),
        None => None,
    };
    let kind = kind.unwrap_or("object");
    match (schema.get("minimum").and_then(Value::as_i64), schema.get("maximum").and_then(Value::as_i64)) {
        (Some(least), Some(most)) => format!("{kind}, {least} to {most}"),
        _ => kind.to_owned(),
    }
}

/// The first sentence, and the rest.
fn first_sentence(text: &str) -> (String, String) {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.split_once(". ") {
        Some((first, rest)) => (format!("{first}."), rest.to_owned()),
        None => (text, String::new()),
    }
}

/// A valid fragment identifier for a name.
fn anchor(name: &str) -> String {
    name.to_lowercase().replace([' ', '_'], "-")
}

/// Path, method and description of all operations.
fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document.get("paths").and_then(Value::as_object).into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let methods = item.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

fn responses(operation: &Value) -> impl Iterator<Item = (&String, &Value)> {
    operation.get("responses").and_then(Value::as_object).into_iter().flatten()
}

fn is_success(status: &str) -> bool {
    status.starts_with('2')
}

fn array<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = &'v Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document() -> Value {
        json!({
            "info": { "description": "About.", "version": "1" },
            "tags": [{ "name": "user hosts", "description": "Links." }],
            "paths": {
                "/links": { "delete": {
                    "tags": ["user hosts"], "operationId": "user_hosts_delete", "summary": "Unlinks.",
                    "security": [{}],
                    "responses": { "200": { "description": "Done" }, "404": { "description": "None." } },
                } },
                "/links/{id}": { "post": {
                    "tags": ["user hosts"], "operationId": "user_hosts_create",
                    "summary": "Links `a`\nto b. Twice is refused.", "description": "More.",
                    "security": [
                        { "tenant": [], "client_id": [], "client_secret": [] },
                        { "tenant": [], "admin_id": [], "admin_secret": [] },
                    ],
                    "parameters": [{ "name": "id", "in": "path", "required": true, "description": "Which.", "schema": { "type": "integer" } }],
                    "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Link" } } } },
                    "responses": {
                        "201": { "description": "Linked", "content": { "application/json": { "schema": { "allOf": [
                            { "$ref": "#/components/schemas/List" },
                            { "type": "object", "required": ["result_code"], "properties": { "result_code": { "type": "string" } } },
                        ] } } } },
                        "404": { "description": "None." },
                        "409": { "description": "There is one." },
                    },
                } },
            },
            "components": { "schemas": {
                "Text": { "type": "string", "description": "A text." },
                "Link": { "type": "object", "required": ["host"], "properties": {
                    "host": { "$ref": "#/components/schemas/Text", "description": "Where." },
                    "kind": { "oneOf": [{ "$ref": "#/components/schemas/Text", "description": "What." }, { "type": "null" }] },
                    "limit": { "type": ["integer", "null"], "minimum": 1, "maximum": 9 },
                } },
                "List": { "type": "object", "required": ["links"], "properties": {
                    "links": { "type": "array", "items": { "$ref": "#/components/schemas/Link" } },
                } },
            } },
        })
    }

    fn names(fields: &[Field]) -> Vec<(&str, &str, &str, bool, &str)> {
        fields.iter().map(|field| (field.name.as_str(), field.location, field.kind.as_str(), field.required, field.meaning.as_str())).collect()
    }

    #[test]
    fn an_operation_has_summary_fields_and_response() {
        let reference = Reference::read(&document());
        let [section] = reference.sections.as_slice() else { panic!("one section") };
        assert_eq!((section.anchor.as_str(), section.name.as_str(), section.about.as_str()), ("user-hosts", "user hosts", "Links."));
        let [create, delete] = section.operations.as_slice() else { panic!("two operations, what makes before what removes") };
        assert_eq!((create.anchor.as_str(), create.method.as_str(), create.path.as_str()), ("user-hosts-create", "POST", "/links/{id}"));
        assert_eq!((create.summary.as_str(), create.about.as_str()), ("Links `a` to b.", "Twice is refused. More."));
        assert_eq!(
            names(&create.fields),
            [
                ("id", "path", "integer", true, "Which."),
                ("host", "body", "string", true, "Where."),
                ("kind", "body", "string", false, "What."),
                ("limit", "body", "integer, 1 to 9", false, ""),
            ]
        );
        assert_eq!((create.response.status.as_str(), create.response.about.as_str()), ("201", "Linked"));
        let answered: Vec<&str> = create.response.fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(answered, ["links", "links[].host", "links[].kind", "links[].limit"], "and not result_code, which all have");
        assert_eq!((delete.summary.as_str(), delete.about.as_str()), ("Unlinks.", ""));
    }

    #[test]
    fn callers_are_described() {
        let reference = Reference::read(&document());
        let callers = |n: usize| reference.sections[0].operations[n].callers.clone();
        let who: Vec<String> = callers(0).into_iter().map(|caller| caller.who).collect();
        assert_eq!(who, ["the client", "an administrator of the tenant"]);
        assert_eq!(callers(1), [ApiCaller { who: "anyone".into(), headers: Vec::new() }]);
        let of = |headers: Value| caller(headers.as_object().expect("headers"));
        assert_eq!(of(json!({ "bearer": ["keys:read"] })).who, "the holder of an access token for keys:read");
        assert_eq!(of(json!({ "client_token": [] })).who, "the client, with its own access token");
        assert_eq!(of(json!({ "host": [] })).headers, [("Authorization", "Bearer $HOST_CREDENTIAL")]);
        assert_eq!(of(json!({ "tenant": [] })).who, "anyone who names a tenant");
    }

    #[test]
    fn errors_are_described_once() {
        let reference = Reference::read(&document());
        let told: Vec<(&str, &str)> = reference.errors.iter().map(|error| (error.status.as_str(), error.meaning.as_str())).collect();
        assert_eq!(told, [("404", "None."), ("409", "There is one.")]);
        assert_eq!(reference.sections[0].operations[0].errors, ["404", "409"]);
    }

    #[test]
    fn the_real_description_is_parsed_completely() {
        let reference = Reference::read(crate::server::tms::openapi::document());
        assert_eq!(reference.sections.len(), 11);
        assert!(reference.count() > 50, "{}", reference.count());
        let operations = || reference.sections.iter().flat_map(|section| &section.operations);
        for operation in operations() {
            assert!(!operation.callers.is_empty() && operation.summary.ends_with('.'), "{operation:?}");
            assert!(!operation.response.status.is_empty() && !operation.errors.is_empty(), "{operation:?}");
            assert!(operation.fields.iter().chain(&operation.response.fields).all(|field| !field.meaning.is_empty()), "{operation:?}");
        }
        let create = operations().find(|operation| operation.anchor == "pubkeys-create").expect("an operation");
        assert!(create.response.fields.iter().any(|field| field.name == "private_key"));
    }
}
