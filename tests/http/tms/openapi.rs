//! `/spec`: the API description, and its agreement with the responses.

use serde_json::Value;

use super::endpoints::{described, endpoints, routes};
use crate::app::{Answer, TestApp};

/// Checks a response against the description of its route: no field missing or undescribed, all types correct.
pub fn check(spec: &Value, route: &str, answer: &Answer) {
    let (verb, path) = route.split_once(' ').expect("a verb and a path");
    let described = &spec["paths"][path][verb.to_lowercase()]["responses"][answer.status.to_string()];
    let schema = resolve(spec, described)["content"]["application/json"]["schema"].clone();
    assert!(schema.is_object(), "{route} does not describe {}", answer.status);
    let mut wrong = Vec::new();
    compare(spec, &schema, &answer.body, "", &mut wrong);
    assert!(wrong.is_empty(), "{route} {}: {wrong:?} in {}", answer.status, answer.body);
}

fn resolve<'s>(spec: &'s Value, schema: &'s Value) -> &'s Value {
    match schema["$ref"].as_str() {
        Some(reference) => spec.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("{reference} leads nowhere")),
        None => schema,
    }
}

/// All properties of an object and the required ones, including its `allOf` parts.
fn members(spec: &Value, schema: &Value) -> (serde_json::Map<String, Value>, Vec<String>) {
    let schema = resolve(spec, schema);
    let mut properties = schema["properties"].as_object().cloned().unwrap_or_default();
    let mut required: Vec<String> = schema["required"].as_array().into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        let (more, needed) = members(spec, part);
        properties.extend(more);
        required.extend(needed);
    }
    (properties, required)
}

fn compare(spec: &Value, schema: &Value, value: &Value, place: &str, wrong: &mut Vec<String>) {
    let schema = resolve(spec, schema);
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => vec!["object"],
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !kinds.contains(&kind) {
        wrong.push(format!("{place} is {kind}, described as {kinds:?}"));
    }
    if let Value::Array(items) = value {
        items.iter().for_each(|item| compare(spec, &schema["items"], item, &format!("{place}[]"), wrong));
    }
    if let Value::Object(fields) = value {
        let (properties, required) = members(spec, schema);
        wrong.extend(required.iter().filter(|name| !fields.contains_key(*name)).map(|name| format!("{place}.{name} is missing")));
        for (name, field) in fields {
            match properties.get(name) {
                Some(described) => compare(spec, described, field, &format!("{place}.{name}"), wrong),
                None => wrong.push(format!("{place}.{name} is not described")),
            }
        }
    }
}

async fn spec(app: &TestApp) -> Value {
    let answer = Answer::of(app.http.get(app.url("/spec"))).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    answer.body
}

#[tokio::test]
async fn description_is_complete_openapi_3_1() {
    let app = TestApp::start().await;
    let spec = spec(&app).await;
    assert!(spec["openapi"].as_str().is_some_and(|version| version.starts_with("3.1.")), "{}", spec["openapi"]);
    assert_eq!(spec["info"]["version"], env!("CARGO_PKG_VERSION"));
    for reference in references(&spec) {
        assert!(spec.pointer(reference.trim_start_matches('#')).is_some(), "{reference} leads nowhere");
    }
    let mut names = std::collections::BTreeSet::new();
    for route in routes(&spec) {
        let (verb, path) = route.split_once(' ').expect("a verb and a path");
        let operation = &spec["paths"][path][verb.to_lowercase()];
        let said = |field: &str| operation[field].as_str().is_some_and(|text| !text.is_empty());
        assert!(said("operationId") && (said("summary") || said("description")), "{route}: {operation}");
        assert!(names.insert(operation["operationId"].to_string()), "{route}: {} is taken", operation["operationId"]);
        let declared: Vec<String> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|parameter| format!("{{{}}}", parameter["name"].as_str().unwrap_or_default()))
            .collect();
        for part in path.split('/').filter(|part| part.starts_with('{')) {
            assert!(declared.iter().any(|name| name == part), "{route} does not describe {part}");
        }
    }
}

fn references(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(members) => {
            let inner = members.values().flat_map(references);
            members.get("$ref").and_then(Value::as_str).into_iter().chain(inner).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

/// All described routes exist, and all existing ones are described: every other method of a described path returns 405.
#[tokio::test]
async fn description_matches_the_routes() {
    let app = TestApp::start().await;
    let all = routes(&spec(&app).await);
    for endpoint in endpoints("test") {
        let path = endpoint.call.split_once(' ').expect("a path").1;
        for verb in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let call = format!("{verb} {path}");
            let status = app.unauthenticated().call(&call, Value::Null).await.status;
            assert_eq!(described(&call, &all).is_some(), status != 405, "{call}: {status}");
        }
    }
}

#[tokio::test]
async fn description_in_repository_is_current() {
    let app = TestApp::start().await;
    let served = app.http.get(app.url("/spec")).send().await.expect("an answer").text().await.expect("a text") + "\n";
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/api/openapi.json");
    if std::env::var_os("OPENAPI").is_some_and(|what| what == "write") {
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        std::fs::write(&file, &served).expect("written");
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    let first = served.lines().zip(kept.lines().chain(std::iter::repeat("(nothing)"))).find(|(served, kept)| served != kept);
    assert!(first.is_none() && served.len() == kept.len(), "docs/api/openapi.json is not what /spec says (OPENAPI=write makes it anew): {first:?}");
}
