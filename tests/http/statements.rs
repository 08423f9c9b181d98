//! Every statement of the storage layer is valid for the migrated schema. Statements that are literals are read from the sources and
//! prepared; lists and statements that are assembled at run time are run with all their filters and orders.

mod macros;

use std::path::{Path, PathBuf};

use futures_util::FutureExt;
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use serde_json::json;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Column as _, Connection as _, Executor as _, SqlSafeStr as _, Statement as _, TypeInfo};
use tms_portal::domain::audit_log::AuditGroup;
use tms_portal::domain::ids::{AuthorizationId, ClientId, HostName, ProviderId, TenantId, UserId};
use tms_portal::domain::pagination::{Cursor, ListParams, QueryParam};
use tms_portal::domain::time::DateRange;
use tms_portal::server::service::DATABASE_FILE;
use tms_portal::server::storage::audit_log::AuditQuery;
use tms_portal::server::storage::delegations::Selection;
use tms_portal::server::storage::{Database, Storage, audit_log, clients, delegations, host_accounts, hosts, people, ssh_keys, tenants};

use self::macros::{Macros, text_of, tokens};
use crate::app::{PASSWORD, TestApp};
use crate::institution::Institution;
use crate::postgres::TestDatabase;

/// How statements begin.
const VERBS: [&str; 8] = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "SAVEPOINT", "ROLLBACK", "RELEASE"];
/// These assemble statements at run time, from parts that begin like a statement. Tests of `tms-portal copy` run those of `copy.rs`.
const ASSEMBLING: [&str; 3] = ["copy.rs", "keyset.rs", "row.rs"];
/// These run the statements of the others.
const RUNNING: [&str; 2] = ["sql.rs", "sql/cells.rs"];
/// Further statements that `assembled_statements_are_valid` runs: two for each table of a tenant that is deleted.
const ASSEMBLED: usize = 2;
/// Lists that it runs.
const LISTS: usize = 9;
/// Calls of `Values::insert` and `Values::update` that it runs.
const WRITES: usize = 15;
/// Files with statements for SQLite only.
const SQLITE_ONLY: [&str; 3] = ["folding_backfill.rs", "sqlite.rs", "tms_import/old_database.rs"];
/// The file that is for PostgreSQL only.
const POSTGRES_ONLY: &str = "postgres.rs";

/// What a file has of statements.
#[derive(Debug, Default)]
struct Found {
    statements: Vec<String>,
    /// Calls with a statement that is assembled at run time.
    assembled: usize,
    problems: Vec<String>,
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The sources of the storage layer, without unit tests.
fn sources() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/server/storage");
    let mut paths = vec![folder.with_extension("rs")];
    files(&folder, &mut paths);
    let code = |path: &Path| std::fs::read_to_string(path).expect("a text").split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned();
    let paths = paths.iter().filter(|path| !RUNNING.iter().any(|file| path.ends_with(file)));
    paths.map(|path| (path.strip_prefix(&folder).unwrap_or(path).display().to_string(), code(path))).collect()
}

fn parsed(code: &str) -> Vec<TokenTree> {
    tokens(code.parse::<TokenStream>().expect("Rust"))
}

/// Looks for `fn name(…) { … }`; what is in functions of functions belongs to the outer one.
fn functions(code: &[TokenTree], found: &mut Found) {
    let mut name = None;
    for (at, token) in code.iter().enumerate() {
        match token {
            TokenTree::Ident(word) if word == "fn" => name = code.get(at + 1).map(ToString::to_string),
            TokenTree::Group(body) if body.delimiter() == Delimiter::Brace => match name.take() {
                Some(name) => function(&name, &tokens(body.stream()), found),
                None => functions(&tokens(body.stream()), found),
            },
            _ => {}
        }
    }
}

fn function(name: &str, body: &[TokenTree], found: &mut Found) {
    let mut calls = Vec::new();
    let before = found.statements.len();
    walk(body, &mut found.statements, &mut calls);
    for argument in calls {
        match argument.as_slice() {
            [literal @ TokenTree::Literal(_)] => {
                if !text_of(literal).is_some_and(|text| is_statement(&text)) {
                    found.problems.push(format!("{name} runs {literal}, which begins like no statement"));
                }
            }
            argument if argument.iter().any(|token| token.to_string() == "AssertSqlSafe") => found.assembled += 1,
            argument => {
                if found.statements.len() == before {
                    found
                        .problems
                        .push(format!("{name} runs a statement that is not found in it: {}", argument.iter().cloned().collect::<TokenStream>()));
                }
            }
        }
    }
}

fn is_statement(text: &str) -> bool {
    VERBS.contains(&text.split_whitespace().next().unwrap_or_default())
}

/// Collects the literals that are statements, and the first argument of each `sql::query…(…)`.
fn walk(code: &[TokenTree], statements: &mut Vec<String>, calls: &mut Vec<Vec<TokenTree>>) {
    for (at, token) in code.iter().enumerate() {
        match token {
            // What `format!` gets is assembled.
            TokenTree::Group(_) if at >= 2 && code[at - 2].to_string() == "format" => {}
            TokenTree::Group(inner) => walk(&tokens(inner.stream()), statements, calls),
            TokenTree::Literal(_) => statements.extend(text_of(token).filter(|text| is_statement(text))),
            TokenTree::Ident(word) if word.to_string().starts_with("query") && follows_sql(code, at) => {
                let arguments = code[at..].iter().find_map(|token| match token {
                    TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => Some(tokens(group.stream())),
                    _ => None,
                });
                let statement = arguments.as_deref().and_then(|arguments| arguments.split(|token| token.to_string() == ",").next());
                calls.push(statement.unwrap_or_default().to_vec());
            }
            _ => {}
        }
    }
}

/// `sqlx` is for SQLite alone.
fn follows_sql(code: &[TokenTree], at: usize) -> bool {
    at >= 3 && ["sql", "sqlx"].contains(&code[at - 3].to_string().as_str())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// How many `sql::query…` a text has.
fn count_calls(code: &[TokenTree]) -> usize {
    let (mut statements, mut calls) = (Vec::new(), Vec::new());
    walk(code, &mut statements, &mut calls);
    calls.len()
}

/// All statements, and what is wrong with how they are written.
fn find_statements(sources: &[(String, String)]) -> Found {
    let mut shared = Macros::default();
    for (_, code) in sources {
        let exported =
            |name: &str| code.lines().any(|line| line.starts_with("pub(super) use") && line.split(|c: char| !is_word(c)).any(|word| word == name));
        shared.define_all(&parsed(code), exported);
    }
    let mut all = Found::default();
    for (file, code) in sources {
        let (mut macros, code_tokens) = (shared.clone(), parsed(code));
        // Those of the module that this file is a part of are visible in it.
        let parent = file.split_once('/').map(|(module, _)| format!("{module}.rs"));
        if let Some((_, code)) = sources.iter().find(|(file, _)| Some(file) == parent.as_ref()) {
            macros.define_all(&parsed(code), |_| true);
        }
        macros.define_all(&code_tokens, |_| true);
        let expanded = macros.expand(&code_tokens);
        let mut found = Found::default();
        functions(&expanded, &mut found);
        if code.contains("query!(") || (code.contains("QueryBuilder") && !ASSEMBLING.contains(&file.as_str())) {
            found.problems.push("only keyset.rs builds statements from parts".to_owned());
        }
        let imported = ["use sqlx::", "sql::{"].into_iter().flat_map(|begin| code.split(begin).skip(1)).filter_map(|rest| rest.split(';').next());
        if imported.into_iter().any(|imported| imported.contains("query")) {
            found.problems.push("calls of imported functions are not found; write sql::query".to_owned());
        }
        // Nothing was missed: neither by the tokens nor by the search for functions.
        let written = code.matches("sqlx::query").count() + code.matches("sql::query").count();
        let seen = count_calls(&code_tokens);
        if written != seen {
            found.problems.push(format!("{written} calls of sql::query are written, {seen} are found"));
        }
        let (everywhere, mut calls) = (count_calls(&expanded), Vec::new());
        in_functions(&expanded, &mut calls);
        if everywhere != calls.len() {
            found.problems.push(format!("{} of {everywhere} queries are in functions", calls.len()));
        }
        all.problems.extend(found.problems.into_iter().map(|problem| format!("{file}: {problem}")));
        if !ASSEMBLING.contains(&file.as_str()) {
            all.assembled += found.assembled;
            all.statements.append(&mut found.statements);
        }
    }
    all
}

fn in_functions(code: &[TokenTree], calls: &mut Vec<Vec<TokenTree>>) {
    let mut named = false;
    for token in code {
        match token {
            TokenTree::Ident(word) if word == "fn" => named = true,
            TokenTree::Group(body) if body.delimiter() == Delimiter::Brace => {
                let body = tokens(body.stream());
                if std::mem::take(&mut named) { walk(&body, &mut Vec::new(), calls) } else { in_functions(&body, calls) }
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn every_literal_statement_is_valid() {
    let sources: Vec<_> = sources().into_iter().filter(|(file, _)| file != POSTGRES_ONLY).collect();
    let Found { statements, assembled, problems } = find_statements(&sources);
    assert!(problems.is_empty(), "{problems:#?}");
    assert_eq!(assembled, ASSEMBLED, "add the others to assembled_statements_are_valid");
    assert!(statements.len() > 150, "{}", statements.len());
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join(DATABASE_FILE);
    Storage::open(&Database::File(file.clone()), true).await.expect("a database").close().await;
    let mut database = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&file)).await.expect("the database");
    let mut wrong = Vec::new();
    for statement in statements {
        if let Err(error) = database.prepare(AssertSqlSafe(statement.clone()).into_sql_str()).await {
            wrong.push(format!("{error}: {statement}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whether the parse tree of a statement compares texts of two collations: PostgreSQL refuses that only when it runs.
fn compares_two_collations(tree: &str) -> bool {
    // =, <>, <, >, <=, >= of texts
    const OPERATORS: [&str; 6] = ["98", "531", "664", "666", "665", "667"];
    tree.split(":opno ")
        .skip(1)
        .filter_map(|operation| operation.split(":args").next())
        .any(|operation| OPERATORS.contains(&operation.split(' ').next().unwrap_or_default()) && operation.contains(":inputcollid 0 "))
}

/// What PostgreSQL has against a statement.
async fn problem_on_postgresql(database: &mut PgConnection, statement: &str) -> Result<Option<String>, sqlx::Error> {
    /// The types of our columns, which rows are decoded from.
    const TYPES: [&str; 4] = ["TEXT", "INT8", "BOOL", "BYTEA"];
    let prepared = (&mut *database).prepare(AssertSqlSafe(statement).into_sql_str()).await?;
    let returned = prepared.columns().iter().map(|column| column.type_info().name());
    let parameters: Vec<&str> = match prepared.parameters() {
        Some(sqlx::Either::Left(types)) => types.iter().map(TypeInfo::name).collect(),
        _ => Vec::new(),
    };
    if let Some(odd) = returned.chain(parameters.iter().copied()).find(|kind| !TYPES.contains(kind)) {
        return Ok(Some(format!("has a value of type {odd}")));
    }
    // A function keeps its parse tree.
    let create = format!("CREATE FUNCTION parsed({}) RETURNS void LANGUAGE sql BEGIN ATOMIC {statement}; END", parameters.join(", "));
    sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut *database).await?;
    let tree: String = sqlx::query_scalar("SELECT prosqlbody::text FROM pg_proc WHERE proname = 'parsed'").fetch_one(&mut *database).await?;
    sqlx::raw_sql("DROP FUNCTION parsed").execute(database).await?;
    Ok(compares_two_collations(&tree).then(|| "compares two collations".to_owned()))
}

#[tokio::test]
async fn every_literal_statement_is_valid_on_postgresql() {
    let Some(test_database) = TestDatabase::create().await else { return };
    let mut database = test_database.connect().await;
    let sources: Vec<_> = sources().into_iter().filter(|(file, _)| !SQLITE_ONLY.contains(&file.as_str())).collect();
    let mut wrong = Vec::new();
    let is_transaction = |statement: &&String| ["SAVEPOINT", "ROLLBACK", "RELEASE"].iter().any(|verb| statement.starts_with(verb));
    let statements = find_statements(&sources).statements;
    for statement in statements.iter().filter(|statement| !is_transaction(statement)) {
        match problem_on_postgresql(&mut database, statement).await {
            Ok(None) => {}
            Ok(Some(problem)) => wrong.push(format!("{problem}: {statement}")),
            Err(error) => wrong.push(format!("{error}: {statement}")),
        }
    }
    assert!(wrong.is_empty(), "{} refused: {wrong:#?}", wrong.len());
    let mixed = "SELECT 1 FROM hosts h JOIN activity a ON a.host = h.host";
    assert!(problem_on_postgresql(&mut database, mixed).await.expect("valid").is_some());
    database.close().await.expect("closed");
    test_database.remove().await;
}

#[test]
fn a_statement_that_is_not_found_is_a_problem() {
    let problems = |code: &str| find_statements(&[("x.rs".to_owned(), code.to_owned())]).problems;
    assert_eq!(problems("macro_rules! s { ($w:literal) => { concat!(\"SELECT \", $w) } } fn f() { sql::query(s!(\"1\")) }"), Vec::<String>::new());
    for code in [
        "fn f(q: &'static str) { sql::query(q) }",
        "fn f() { sql::query(\"EXPLAIN x\") }",
        "const F: X = sql::query(\"SELECT 1\");",
        "use sqlx::query_as;",
        "use super::sql::{self, query_as};",
        "fn f() { QueryBuilder::new(\"\") }",
    ] {
        assert!(!problems(code).is_empty(), "{code}");
    }
}

/// The parameters of a list: each filter with each order, with search and cursor.
fn all_params<Show: QueryParam, Sort: QueryParam>() -> Vec<ListParams<Show, Sort>> {
    let after = || Some(Cursor { row_id: 1, value: "1".into() });
    let shown = |show: Show| {
        let orders = Sort::ALL.iter().map(|(_, sort)| *sort).chain([Sort::default()]);
        orders.flat_map(move |sort| [None, after()].map(|after| ListParams { search: Some("é_x".into()), show, sort, after }))
    };
    Show::ALL.iter().map(|(_, show)| *show).chain([Show::default()]).flat_map(shown).collect()
}

/// Inserts a person, a session, a device grant with its authorization and token family, a provider and a link request, and updates those that
/// can change.
async fn write_through_services(app: &TestApp) {
    app.add_person("test", "eve").await;
    let browser = app.signed_in_as("test", "eve", PASSWORD).await;
    assert!(browser.enter(&app.start_device().await.user_code).await.path.starts_with("/device"));
    app.token().await;
    crate::authorize::secrets_of_a_run(app).await;
    app.add_institution(&Institution::start().await, "open").await;
    let campus = ProviderId::parse("campus").expect("a provider");
    let edited = app.services.edit_provider(&app.operator("test").await, &campus, None, |provider| provider.enabled = false).await;
    assert!(edited.is_ok());
    let host = app.host(&app.admin("test").await, "test", "frontera", false).await;
    host.done("POST /links", json!({ "user": "jdoe", "user_uid": "1001" })).await;
}

#[tokio::test]
async fn assembled_statements_are_valid() {
    let app = TestApp::start().await;
    let storage = Storage::open(&app.database, false).await.expect("the database");
    let (db, now) = (storage.reader(), app.services.now());
    let (tenant, user) = (TenantId::parse("test").expect("a tenant"), UserId::parse("testuser1").expect("a person"));
    let host = HostName::parse("frontera").expect("a host");
    let (client, authorization) = (ClientId::parse("tms-cli").expect("an id"), AuthorizationId::parse("dgr_1").expect("an id"));
    for params in all_params() {
        clients::list(db, &tenant, &params).await.expect("clients");
    }
    for params in all_params() {
        host_accounts::list(db, &tenant, Some(&user), &params, now).await.expect("host accounts");
    }
    for params in all_params() {
        people::list(db, &tenant, Some(&user), &params, now).await.expect("people");
    }
    for params in all_params() {
        ssh_keys::list(db, &tenant, Some(&user), &params, now).await.expect("keys");
        let params = ListParams { search: Some("app:tms-cli host:frontera is:own é_x".into()), ..params };
        ssh_keys::list(db, &tenant, Some(&user), &params, now).await.expect("keys");
        let mut connection = db.acquire().await.expect("a connection");
        ssh_keys::numbers(&mut connection, &tenant, &user, &params, Some(1), now).await.expect("numbers");
    }
    for params in all_params() {
        let selection = Selection { user_id: Some(&user), client_id: Some(&client), authorization_id: Some(&authorization), number: Some(1) };
        delegations::list(db, &tenant, selection, &params, now).await.expect("delegations");
        delegations::by_client::list(db, &tenant, &user, Some(&client), &params, now).await.expect("clients");
    }
    for params in all_params() {
        hosts::list(db, &tenant, Some(&host), &params, now).await.expect("hosts");
    }
    for ListParams { search, show, after, .. } in all_params::<AuditGroup, ()>() {
        let dates = DateRange { from: Some(now), until: Some(now) };
        let query = AuditQuery { person: Some(user.clone()), search, group: show, dates, actor: None, after };
        audit_log::list(db, &tenant, &query, now).await.expect("events");
        let of_actor = AuditQuery { actor: Some("jdoe".into()), ..query };
        audit_log::list(db, &tenant, &of_actor, now).await.expect("events");
    }

    let mut copy = tenants::find(db, &tenant).await.expect("a query").expect("a tenant");
    let client = clients::find(db, &tenant, &ClientId::parse("tms-cli").expect("an id")).await.expect("a query").expect("a client");
    let mut client = client.client;
    copy.id = TenantId::parse("copy").expect("a tenant");
    client.tenant_id = copy.id.clone();
    let work = storage.write(move |db| {
        async move {
            assert!(tenants::insert(db, &copy).await? && tenants::update(db, &copy, now).await?);
            assert!(clients::insert(db, &client, None).await? && clients::update(db, &client, now).await?);
            assert_eq!(tenants::first_table_in_use(db, &copy.id).await?, None, "the client of the CLI does not count");
            tenants::delete(db, &copy.id).await
        }
        .boxed()
    });
    work.await.expect("written");
    write_through_services(&app).await;

    let sources = sources();
    let count = |text: &str| {
        sources.iter().filter(|(file, _)| !ASSEMBLING.contains(&file.as_str())).map(|(_, code)| code.matches(text).count()).sum::<usize>()
    };
    assert_eq!(count("KeysetQuery::new(") + count("KeysetQuery::at(") + count("KeysetQuery::of_person("), LISTS, "run the others here");
    assert_eq!(count(".insert(db, table") + count(".update(db, table"), WRITES, "run the others here");
    storage.close().await;
}
