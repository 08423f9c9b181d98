//! `import compare --admin-of`: the lists of the old server's administrators.

use std::sync::Arc;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::super::{CommandOutput, Deployment, sql};
use super::command::{path, retrieve, run, run_with_input, serve};
use super::example::{ADMIN_SECRET, example, files};
use super::old::Old;

fn rows(old: &Old, table: &str) -> Vec<Value> {
    old.json(table).into_iter().filter(|row| row["tenant"] == "tacc").collect()
}

fn is_admin(headers: &HeaderMap) -> bool {
    let is = |name: &str, value: &str| headers.get(name).is_some_and(|found| found == value);
    is("x-tms-tenant", "tacc") && is("x-tms-admin-id", "~~admin") && is("x-tms-admin-secret", ADMIN_SECRET)
}

/// A server that answers from the rows of the old database.
async fn old_server(old: &Old) -> String {
    let clients = Arc::new(rows(old, "clients"));
    let client = move |headers: HeaderMap, Path(id): Path<String>| {
        let clients = Arc::clone(&clients);
        async move {
            match clients.iter().find(|client| client["client_id"] == id.as_str()) {
                _ if !is_admin(&headers) => (StatusCode::UNAUTHORIZED, Json(json!({}))),
                Some(client) => (StatusCode::OK, Json(json!({ "client_id": id, "enabled": client["enabled"] == 1 }))),
                None => (StatusCode::NOT_FOUND, Json(json!({}))),
            }
        }
    };
    let mut router =
        Router::new().route("/v1/tms/pubkeys/creds/retrieve", retrieve(old.json("pubkeys"), "/public_key")).route("/v1/tms/client/{id}", get(client));
    for (list, table) in [("userhosts", "user_hosts"), ("delegations", "delegations"), ("hosts", "hosts")] {
        let rows = Arc::new(rows(old, table));
        let answer = move |headers: HeaderMap| {
            let rows = Arc::clone(&rows);
            async move { if is_admin(&headers) { (StatusCode::OK, Json(json!({ "users": *rows }))) } else { (StatusCode::UNAUTHORIZED, Json(json!({}))) } }
        };
        router = router.route(&format!("/v1/tms/{list}/list"), get(answer));
    }
    serve(router).await
}

#[tokio::test]
async fn lists_of_an_administrator_are_compared() {
    let (deployment, example) = (Deployment::set_up().await, example());
    let (_dir, files) = files(&example.old).await;
    let from = path(&files[1]);
    let source = ["--from", &from, "--host-owner", "frontera=tacc"];
    let imported = run(&deployment, &[&source[..], &["--yes"]].concat()).await;
    assert_eq!(imported.code, Some(0), "{} {}", imported.out, imported.err);
    let server = old_server(&example.old).await;
    let compare = async |more: &[&str], secret: &'static str| {
        let arguments = [&["compare"], &source[..], &["--rate", "10000", "--old", &server, "--admin-of"], more].concat();
        run_with_input(&deployment, &arguments, secret).await
    };
    let has = |said: &CommandOutput, line: &str| said.out.lines().any(|found| found == line);
    let same = compare(&["tacc"], ADMIN_SECRET).await;
    assert_eq!(same.code, Some(0), "{} {}", same.out, same.err);
    for line in [
        "links: 6 the same, 2 left out as reported, 0 missing, 0 only here, 0 different",
        "delegations: 6 the same, 3 left out as reported, 0 missing, 0 only here, 0 different",
        "hosts: 2 the same, 0 left out as reported, 0 missing, 0 only here, 0 different",
        "clients: 3 the same, 0 left out as reported, 0 missing, 0 only here, 0 different",
    ] {
        assert!(has(&same, line), "{line}: {}", same.out);
    }

    for change in [
        "UPDATE host_accounts SET expires_at = 5 WHERE tenant_id = 'tacc' AND number = 16",
        "UPDATE clients SET enabled = (1 = 1) WHERE tenant_id = 'tacc' AND client_id = 'off'",
        "DELETE FROM hosts WHERE tenant_id = 'tacc' AND number = 2",
        "UPDATE delegations SET user_id = 'gone' WHERE tenant_id = 'tacc' AND number = 30",
    ] {
        sql(&deployment, change).await;
    }
    let different = compare(&["tacc", "--json"], ADMIN_SECRET).await;
    assert_eq!(different.code, Some(10), "{} {}", different.out, different.err);
    let lines: Vec<Value> = different.out.lines().map(|line| serde_json::from_str(line).expect("JSON lines")).collect();
    for (list, kind, name) in [
        ("links", "different", "gone gone@frontera"),
        ("clients", "different", "off"),
        ("hosts", "missing", "frontera [10.0.0.1, 10.0.0.9]"),
        ("delegations", "missing", "ete jdoe"),
        ("delegations", "only_here", "ete gone"),
    ] {
        let is_it = |line: &Value| line["event"] == "difference" && line["list"] == list && line["kind"] == kind && line["name"] == name;
        assert!(lines.iter().any(is_it), "{list} {kind} {name}: {}", different.out);
    }

    let wrong = compare(&["tacc"], "wrong").await;
    assert!(wrong.code == Some(10) && wrong.err.contains("--admin-of: the old server refuses userhosts/list"), "{}", wrong.err);
    let unknown = compare(&["nowhere"], ADMIN_SECRET).await;
    assert!(unknown.code == Some(10) && unknown.err.contains("the tenant nowhere was not imported"), "{}", unknown.err);
    let nothing = compare(&["tacc"], "").await;
    assert!(nothing.code == Some(1) && nothing.err.contains("standard input is empty"), "{}", nothing.err);
    let both = run_with_input(&deployment, &["compare", "--from", "-", "--old", &server, "--admin-of", "tacc"], "x").await;
    assert!(both.code == Some(2) && both.err.contains("--from must be a file"), "{}", both.err);
}
