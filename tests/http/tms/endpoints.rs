//! All endpoints, each with a valid request for the test data, for tests that apply to all of them.

use serde_json::{Value, json};

use super::api::{ApiClient, EVERYTHING, NO_KEY};
use super::error;
use crate::app::{Answer, TestApp};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Anybody,
    Client,
    Admin,
    /// The client itself or an administrator.
    Either,
    /// A person's device.
    Person,
    /// A host with a credential.
    Host,
}

pub struct Endpoint {
    pub who: Who,
    pub call: String,
    /// `Null`: it has none.
    pub body: Value,
}

impl Endpoint {
    pub fn takes_a_body(&self) -> bool {
        !self.body.is_null()
    }

    pub fn only_reads(&self) -> bool {
        self.call.starts_with("GET ") || matches!(self.call.as_str(), "POST /pubkeys/creds/retrieve" | "POST /links/status")
    }
}

/// All endpoints, with objects of a tenant.
pub fn endpoints(tenant: &str) -> Vec<Endpoint> {
    use Who::{Admin, Anybody, Client, Either, Host, Person};
    let mfa = json!({ "tenant": tenant, "tms_user_id": "testuser1" });
    let link = json!({ "tenant": tenant, "tms_user_id": "testuser1", "host": "testhost1", "host_account": "testhostaccount1", "ttl_minutes": 5 });
    let delegation = json!({ "tenant": tenant, "client_id": "testclient1", "client_user_id": "testuser1", "ttl_minutes": 5 });
    let address = json!({ "tenant": tenant, "host": "testhost1", "addr": "127.0.0.1" });
    let host = json!({ "tenant": tenant, "host": "testhost1", "required": true });
    let key = json!({ "tenant": tenant, "client_id": "testclient1", "host": "testhost1", "public_key_fingerprint": NO_KEY, "ttl_minutes": 5 });
    let params = json!({ "client_user_id": "testuser1", "host": "testhost1", "host_account": "testhostaccount1", "num_uses": 1, "ttl_minutes": 5 });
    let reservation = json!({ "client_user_id": "testuser1", "host": "testhost1", "public_key_fingerprint": NO_KEY, "ttl_minutes": 5 });
    let extension = json!({ "client_user_id": "testuser1", "host": "testhost1", "public_key_fingerprint": NO_KEY, "parent_resid": "x" });
    let login = json!({ "user": "testhostaccount1", "user_uid": "1001", "host": "testhost1", "public_key_fingerprint": NO_KEY });
    let registration = json!({ "tenant": tenant, "client_id": "newclient", "app_name": "newapp", "app_version": "1.0" });
    let own = json!({ "host": "testhost1", "host_account": "testhostaccount1", "public_key": OWN_KEY });
    let enabled = |body: &Value| super::api::changed(body.clone(), json!({ "enabled": false }));
    let lasting = |body: &Value| super::api::changed(body.clone(), json!({ "ttl_minutes": 5 }));
    let none = Value::Null;
    [
        (Anybody, "GET /hello", &none),
        (Anybody, "GET /version", &none),
        (Admin, "POST /client", &registration),
        (Either, "GET /client/testclient1", &none),
        (Either, "GET /client/list", &none),
        (Either, "PATCH /client/upd/testclient1?enabled=false&app_version=2", &none),
        (Either, "PATCH /client/secret/testclient1", &none),
        (Either, "DELETE /client/del/testclient1", &none),
        (Admin, "POST /usermfa", &lasting(&mfa)),
        (Admin, "GET /usermfa/testuser1", &none),
        (Admin, "GET /usermfa/list", &none),
        (Admin, "PATCH /usermfa/upd", &enabled(&mfa)),
        (Admin, "DELETE /usermfa/del/testuser1", &none),
        (Admin, "POST /userhosts", &link),
        (Admin, "GET /userhosts/1", &none),
        (Admin, "GET /userhosts/list", &none),
        (Admin, "PATCH /userhosts/upd", &link),
        (Admin, "DELETE /userhosts/del", &link),
        (Admin, "POST /delegations", &delegation),
        (Admin, "GET /delegations/1", &none),
        (Admin, "GET /delegations/list", &none),
        (Admin, "PATCH /delegations/upd", &delegation),
        (Admin, "DELETE /delegations/del", &delegation),
        (Admin, "POST /hosts", &address),
        (Admin, "GET /hosts/1", &none),
        (Admin, "GET /hosts/list", &none),
        (Admin, "GET /hosts/refusals?host=testhost1", &none),
        (Admin, "DELETE /hosts/del", &address),
        (Admin, "POST /hosts/credential", &host),
        (Admin, "PATCH /hosts/credential", &host),
        (Admin, "DELETE /hosts/credential", &host),
        (Anybody, "POST /hosts/check", &json!({ "host": "testhost1" })),
        (Host, "POST /links", &json!({ "user": "testhostaccount1", "user_uid": "1001" })),
        (Host, "POST /links/status", &json!({ "link_id": "nothing" })),
        (Host, "POST /links/withdraw", &json!({ "link_id": "nothing" })),
        (Client, "POST /pubkeys/creds", &params),
        (Anybody, "POST /pubkeys/creds/retrieve", &login),
        (Either, "GET /pubkeys/id/1", &none),
        (Either, "GET /pubkeys/list", &none),
        (Either, "PATCH /pubkeys", &key),
        (Either, "DELETE /pubkeys/del", &key),
        (Client, "POST /reservations", &reservation),
        (Client, "POST /reservations/extend", &extension),
        (Either, "GET /reservations/testclient1/x", &none),
        (Either, "DELETE /reservations/del/testclient1/x", &none),
        (Either, "DELETE /reservations/del/related/testclient1/x", &none),
        (Admin, &format!("POST /tenants/{tenant}"), &none),
        (Anybody, &format!("GET /tenants/{tenant}"), &none),
        (Anybody, "GET /tenants/list", &none),
        (Admin, "PATCH /tenants/upd", &json!({ "tenant": tenant, "enabled": false })),
        (Admin, &format!("DELETE /tenants/del/{tenant}"), &none),
        (Admin, &format!("DELETE /tenants/wipe/{tenant}"), &none),
        (Person, "GET /me", &none),
        (Person, "GET /me/hosts", &none),
        (Person, "GET /me/keys", &none),
        (Person, "GET /me/refusals", &none),
        (Person, "POST /me/keys", &own),
        (Person, "DELETE /me/keys/1", &none),
    ]
    .into_iter()
    .map(|(who, call, body)| Endpoint { who, call: call.to_owned(), body: body.clone() })
    .collect()
}

/// A key created outside the portal.
pub const OWN_KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIErqSGC5Fd9/VWqg20dtfAYEmp4uPDSwenE5VfeMKJvA user@laptop";

/// One caller of each kind, of the tenant `test`.
pub struct ApiClients {
    pub unauthenticated: ApiClient,
    pub client: ApiClient,
    pub admin: ApiClient,
    pub person: ApiClient,
    /// `testhost2` of the tenant.
    pub host: ApiClient,
}

impl ApiClients {
    pub async fn of(app: &TestApp) -> Self {
        let admin = app.admin("test").await;
        let host = app.host(&admin, "test", "testhost2", false).await;
        Self { unauthenticated: app.unauthenticated(), client: app.client(), admin, person: app.device_with(EVERYTHING).await, host }
    }

    /// All callers that may use an endpoint.
    pub fn for_whom(&self, who: Who) -> Vec<&ApiClient> {
        match who {
            Who::Anybody => vec![&self.unauthenticated],
            Who::Client => vec![&self.client],
            Who::Admin => vec![&self.admin],
            Who::Either => vec![&self.client, &self.admin],
            Who::Person => vec![&self.person],
            Who::Host => vec![&self.host],
        }
    }
}

/// The route of a call as in the API description, such as `GET /v1/tms/client/{client_id}`.
pub fn route_of(call: &str, routes: &[String]) -> String {
    described(call, routes).unwrap_or_else(|| panic!("{call} is not described"))
}

/// `None` if it is not described. A literal path comes before one with parameters, for any method.
pub fn described(call: &str, routes: &[String]) -> Option<String> {
    let (verb, path) = call.split_once(' ').expect("a verb and a path");
    let path = format!("/v1/tms{}", path.split('?').next().unwrap_or_default());
    let parts: Vec<&str> = path.split('/').collect();
    let fits = |template: &&str| {
        let expected: Vec<&str> = template.split('/').collect();
        parts.len() == expected.len() && parts.iter().zip(expected).all(|(part, expected)| *part == expected || expected.starts_with('{'))
    };
    let templates = routes.iter().map(|route| route.split_once(' ').expect("a verb and a path").1);
    let route = format!("{verb} {}", templates.filter(fits).min_by_key(|template| template.matches('{').count())?);
    routes.contains(&route).then_some(route)
}

/// All routes of the API description.
pub fn routes(spec: &Value) -> Vec<String> {
    let paths = spec["paths"].as_object().expect("paths");
    let verbs = |(path, item): (&String, &Value)| {
        let verbs: Vec<String> = item.as_object().expect("verbs").keys().map(|verb| format!("{} {path}", verb.to_uppercase())).collect();
        verbs
    };
    paths.iter().flat_map(verbs).collect()
}

#[tokio::test]
async fn table_contains_every_endpoint() {
    let app = TestApp::start().await;
    let spec = Answer::of(app.http.get(app.url("/spec"))).await.body;
    let mut missing = routes(&spec);
    assert!(missing.len() >= 54, "{missing:?}");
    let all = routes(&spec);
    for endpoint in endpoints("test") {
        let route = route_of(&endpoint.call, &all);
        let operation = &spec["paths"][route.split_once(' ').expect("a path").1][route.split_once(' ').expect("a verb").0.to_lowercase()];
        assert_eq!(operation["requestBody"].is_null(), endpoint.body.is_null(), "{route}");
        missing.retain(|other| *other != route);
    }
    assert!(missing.is_empty(), "{missing:?}");
}

#[tokio::test]
async fn unauthenticated_calls_are_refused() {
    let app = TestApp::start().await;
    let (callers, before) = (ApiClients::of(&app).await, app.dump("test").await);
    for Endpoint { who, call, body } in endpoints("test").into_iter().filter(|endpoint| endpoint.who != Who::Anybody) {
        let bearer = matches!(who, Who::Person | Who::Host);
        let strangers = [
            (app.unauthenticated(), if bearer || call == "POST /client" { 401 } else { 400 }),
            (app.unauthenticated().with("x-tms-tenant", "test"), if who == Who::Client { 400 } else { 401 }),
            (app.client_of("test", "testclient1", "wrong"), 401),
            (app.client_of("test", "testclient1", ""), 401),
            (app.client_of("test", "nobody", "secret1"), 401),
            // A public client has no secret; that is enough at the OAuth endpoints, but not here.
            (app.client_of("test", "tms-cli", ""), 401),
            (app.client_of("test", "tms-cli", "x"), 401),
            (app.client_of("test", "tms-cli", "").without("x-tms-client-secret"), 401),
            (app.client_of("default", "testclient1", "secret1"), 401),
            (app.client_of("nowhere", "testclient1", "secret1"), if bearer || who == Who::Admin { 401 } else { 400 }),
            (app.admin_of("test", "~~admin", "wrong"), if who == Who::Client { 400 } else { 401 }),
            (app.admin_of("test", "~~admin", ""), if who == Who::Client { 400 } else { 401 }),
            (app.admin_of("test", "nobody", "secret1"), if who == Who::Client { 400 } else { 401 }),
            (callers.admin.with("x-tms-tenant", "default"), if who == Who::Client { 400 } else { 401 }),
            (app.bearer("x"), if who == Who::Admin && call != "POST /client" { 400 } else { 401 }),
        ];
        for (place, (stranger, status)) in strangers.into_iter().enumerate() {
            let answer = stranger.call(&call, body.clone()).await;
            assert_eq!(error(&answer), status, "{call} by stranger {place}: {}", answer.body);
            assert_eq!(answer.headers.contains_key("www-authenticate"), answer.status == 401, "{call}");
        }
        let others: &[&ApiClient] = match who {
            Who::Client => &[&callers.admin, &callers.person],
            Who::Admin => &[&callers.client, &callers.person],
            Who::Person => &[&callers.client, &callers.admin, &callers.host],
            Who::Host => &[&callers.client, &callers.admin, &callers.person],
            _ => &[&callers.person],
        };
        for other in others {
            let status = other.refusal(&call, body.clone()).await;
            assert!(matches!(status, 400 | 401), "{call}: {status}");
        }
    }
    assert_eq!(app.dump("test").await, before);
}
