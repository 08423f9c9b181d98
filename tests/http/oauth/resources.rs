//! RFC 8707: access to resource servers besides the TMS API.

use serde_json::json;
use tms_portal::domain::ids::{ClientId, TenantId};
use tms_portal::domain::resource_server::{
    RegisteredScope, RequestingClients, ResourceIndicator, ResourceScope, ResourceServer, ResourceSettingsRefused, ScopeDescription,
};
use tms_portal::server::service::Error;
use tms_portal::server::service::admin::resource_servers::ResourceServerRefused;

use super::refresh::Tokens;
use super::{CONFIDENTIAL, claims, error, refused};
use crate::app::{Answer, DEVICE_CODE_GRANT, Device, TestApp};
use crate::browser::{Browser, en};
use crate::clients::READER;

pub const DATA: &str = "https://data.example.org/api";
const OTHER: &str = "https://other.example.org";
const HOUR: u64 = 60 * 60;

fn indicator(text: &str) -> ResourceIndicator {
    ResourceIndicator::parse(text).expect("an indicator")
}

fn client(id: &str) -> ClientId {
    ClientId::parse(id).expect("a client id")
}

fn scope(word: &str) -> RegisteredScope {
    let description = ScopeDescription::new(&format!("Use {word} for you"), &format!("Usar {word} por usted")).expect("descriptions");
    RegisteredScope { scope: ResourceScope::parse(word).expect("a scope"), description }
}

impl TestApp {
    /// A resource server with the scopes `read` and `write`, for all clients and without readers; not registered.
    fn resource(&self, address: &str) -> ResourceServer {
        let now = self.services.now();
        ResourceServer {
            tenant_id: TenantId::parse("test").expect("a tenant"),
            indicator: indicator(address),
            name: "Data service".into(),
            scopes: vec![scope("read"), scope("write")],
            clients: RequestingClients::All,
            readers: Vec::new(),
            created_at: now,
            updated_at: now,
        }
    }

    async fn add_resource(&self, tenant: &str, server: ResourceServer) -> Result<(), ResourceServerRefused> {
        match self.services.add_resource_server(&self.operator(tenant).await, server).await {
            Ok(()) => Ok(()),
            Err(Error::Refused(refused)) => Err(refused),
            Err(Error::Internal(fault)) => panic!("{fault}"),
        }
    }

    /// Registers [`DATA`], which [`READER`] may ask about. Returns the reader's secret.
    pub async fn register_data(&self) -> String {
        let secret = self.register(READER, |_, _| ()).await.expect("a secret");
        self.add_resource("test", ResourceServer { readers: vec![client(READER)], ..self.resource(DATA) }).await.expect("registered");
        secret
    }

    async fn edit_data(&self, edit: impl FnOnce(&mut ResourceServer) + Send + 'static) {
        self.services.edit_resource_server(&self.operator("test").await, &indicator(DATA), None, edit).await.expect("changed");
    }

    /// The response to a device authorization request of `tms-cli`.
    async fn ask(&self, parameters: &[(&str, &str)]) -> Answer {
        self.send("/oauth/device_authorization", &[&[("client_id", "tms-cli")], parameters].concat()).await
    }

    /// A device of `tms-cli` that the test person allowed, and the browser in which they did.
    async fn allowed(&self, parameters: &[(&str, &str)]) -> (Device, Browser) {
        let device = self.start_device_of(&[&[("client_id", "tms-cli")], parameters].concat()).await;
        let browser = self.allow(&device).await;
        (device, browser)
    }

    /// Polls as `tms-cli`, for a resource server.
    async fn poll_for(&self, device: &Device, resources: &[&str]) -> Answer {
        let mut form = vec![("grant_type", DEVICE_CODE_GRANT), ("client_id", "tms-cli"), ("device_code", &device.device_code)];
        form.extend(resources.iter().map(|resource| ("resource", *resource)));
        self.poll_with(&form).await
    }

    /// Tokens of `tms-cli` for [`DATA`], with a refresh token.
    pub async fn data_program(&self) -> Tokens {
        let (device, _) = self.allowed(&[("scope", "read write offline_access"), ("resource", DATA)]).await;
        Tokens::of(&self.poll(&device).await)
    }

    /// Refreshes as `tms-cli`.
    async fn refresh_for(&self, token: &str, others: &[(&str, &str)]) -> Answer {
        self.send("/oauth/token", &[&[("grant_type", "refresh_token"), ("client_id", "tms-cli"), ("refresh_token", token)], others].concat()).await
    }
}

#[tokio::test]
async fn token_for_another_resource_is_not_for_the_tms_api() {
    let app = TestApp::start().await;
    let reader = app.register_data().await;
    let device = app.start_device_of(&[("client_id", "tms-cli"), ("scope", "read hosts:read unknown"), ("resource", DATA)]).await;
    let browser = app.signed_in().await;
    let consent = browser.enter(&device.user_code).await;
    assert!(consent.says(en().consent_may_at("Data service")) && consent.says("Use read for you") && consent.says(DATA), "{}", consent.text);
    assert!(!consent.says("Use write for you"), "it was not requested");
    assert!(!consent.text.contains("host_accounts[]") && !consent.says(en().consent_may_see_hosts()), "nothing of the TMS API is allowed");
    browser.allow(&consent).await;
    let answer = app.poll(&device).await;
    assert_eq!((&answer.body["scope"], &answer.body["expires_in"]), (&json!("read"), &json!(HOUR)));
    let token = answer.token();
    let claims = claims(&token);
    assert_eq!((&claims["aud"], &claims["scope"], &claims["sub"]), (&json!(DATA), &json!("read"), &json!("testuser1")));
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 401, "another audience");
    let found = app.introspect(READER, &reader, &token).await;
    assert_eq!((&found.body["active"], &found.body["aud"], &found.body["scope"]), (&json!(true), &json!(DATA), &json!("read")));
}

#[tokio::test]
async fn consent_is_in_the_language_of_the_person() {
    let app = TestApp::start().await;
    app.register_data().await;
    let device = app.start_device_of(&[("client_id", "tms-cli"), ("scope", "read"), ("resource", DATA)]).await;
    let browser = app.signed_in().await;
    let consent = browser.enter(&device.user_code).await;
    let address = format!("/device?grant={}", consent.field("grant"));
    let page = browser.request(reqwest::Method::GET, &address).header("accept-language", "es");
    assert!(browser.follow(page).await.says("Usar read por usted"));
}

/// S120: unknown, of another tenant, and not for this client are the same.
#[tokio::test]
async fn unknown_resource_is_an_invalid_target() {
    let app = TestApp::start().await;
    app.register_data().await;
    app.add_resource("default", app.resource(OTHER)).await.expect("registered");
    app.edit_data(|server| server.clients = RequestingClients::Only(vec![client(CONFIDENTIAL.0)])).await;
    let answers = [DATA, OTHER, "https://unknown.example", "https://data.example.org/api/", "data", "https://data.example.org/api#x", "\u{e9}"];
    let mut bodies = Vec::new();
    for resource in answers {
        let answer = app.ask(&[("scope", "read"), ("resource", resource)]).await;
        assert_eq!(error(&answer), refused(400, "invalid_target"), "{resource}");
        bodies.push(answer.body);
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "the same to the letter");
    assert_eq!(error(&app.ask(&[("scope", "hosts:read"), ("resource", DATA), ("resource", &app.url("/v1/tms"))]).await).1, "invalid_target");
    app.wait_for("SELECT count(*) FROM activity WHERE kind = 'client_request_refused'", 1).await;
    assert_eq!(app.texts("SELECT subject FROM activity WHERE kind = 'client_request_refused'").await, [format!("resource_unknown: {DATA}")]);
    assert_eq!(app.ask(&[("scope", "hosts:read"), ("resource", "")]).await.status, 200, "empty counts as absent");
    assert_eq!(app.ask(&[("scope", "hosts:read"), ("resource", &app.url("/v1/tms"))]).await.status, 200, "the TMS API is one");
}

#[tokio::test]
async fn scope_of_a_resource_is_requested_with_it() {
    let app = TestApp::start().await;
    app.register_data().await;
    assert_eq!(error(&app.ask(&[("scope", "read")]).await), refused(400, "invalid_scope"), "the TMS API has no such scope");
    assert_eq!(error(&app.ask(&[("scope", "hosts:read"), ("resource", DATA)]).await), refused(400, "invalid_scope"));
    assert_eq!(error(&app.ask(&[("scope", "delete offline_access"), ("resource", DATA)]).await), refused(400, "invalid_scope"));
    let (device, _) = app.allowed(&[("resource", DATA)]).await;
    assert_eq!(app.poll(&device).await.body["scope"], "read write", "without a scope all of it");
}

/// S99, S121: each access token is for one resource server, and has its scope only.
#[tokio::test]
async fn refresh_token_gives_tokens_for_each_allowed_resource() {
    let app = TestApp::start().await;
    app.register_data().await;
    app.add_resource("test", app.resource(OTHER)).await.expect("registered");
    let api = app.url("/v1/tms");
    let asked = [("scope", "read hosts:read offline_access"), ("resource", DATA), ("resource", api.as_str())];
    let (device, _) = app.allowed(&asked).await;
    assert_eq!(error(&app.poll_for(&device, &[DATA, &api]).await), refused(400, "invalid_target"), "a token is for one");
    assert_eq!(error(&app.poll_for(&device, &[OTHER]).await), refused(400, "invalid_target"), "the person was not asked");
    let answer = app.poll(&device).await;
    assert_eq!(answer.body["scope"], "hosts:read offline_access", "the TMS API, unless another one is named");
    let first = Tokens::of(&answer);
    assert_eq!(app.api("/v1/tms/me", &first.access).await.body["scope"], "hosts:read");

    let answer = app.refresh_for(&first.refresh, &[("resource", DATA)]).await;
    assert_eq!(answer.body["scope"], "offline_access read");
    let data = Tokens::of(&answer);
    assert_eq!((claims(&data.access)["aud"].clone(), claims(&data.access)["scope"].clone()), (json!(DATA), json!("read")));
    assert_eq!(app.api("/v1/tms/me", &data.access).await.status, 401);
    for (resource, scope, code) in [
        (OTHER, "read", "invalid_target"),
        ("https://unknown.example", "read", "invalid_target"),
        (DATA, "write", "invalid_scope"),
        (DATA, "hosts:read", "invalid_scope"),
        (&api, "read", "invalid_scope"),
    ] {
        let answer = app.refresh_for(&data.refresh, &[("resource", resource), ("scope", scope)]).await;
        assert_eq!(error(&answer), refused(400, code), "{resource} {scope}");
    }
    let again = Tokens::of(&app.refresh_for(&data.refresh, &[("resource", &api)]).await);
    assert_eq!(app.api("/v1/tms/me", &again.access).await.status, 200, "nothing was changed by what was refused");
}

#[tokio::test]
async fn narrowed_registration_narrows_what_was_allowed() {
    let app = TestApp::start().await;
    let reader = app.register_data().await;
    let first = app.data_program().await;
    let scope_of = async |token: &str| app.introspect(READER, &reader, token).await.body["scope"].clone();
    assert_eq!(scope_of(&first.access).await, "read write");
    app.edit_data(|server| server.scopes.retain(|registered| registered.scope.as_str() == "read")).await;
    assert_eq!(scope_of(&first.access).await, "read");
    let second = Tokens::of(&app.refresh_for(&first.refresh, &[]).await);
    assert_eq!(claims(&second.access)["scope"], "read");

    app.edit_data(|server| server.clients = RequestingClients::Only(Vec::new())).await;
    assert_eq!(app.introspect(READER, &reader, &second.access).await.body, json!({ "active": false }));
    assert_eq!(error(&app.refresh_for(&second.refresh, &[]).await), refused(400, "invalid_target"));
    app.edit_data(|server| server.clients = RequestingClients::All).await;
    assert_eq!(scope_of(&second.access).await, "read", "nothing had ended");

    app.services.remove_resource_server(&app.operator("test").await, &indicator(DATA)).await.expect("removed");
    assert_eq!(app.introspect(READER, &reader, &second.access).await.body, json!({ "active": false }));
    assert_eq!(error(&app.refresh_for(&second.refresh, &[]).await), refused(400, "invalid_target"));
    let events = "SELECT kind || ' ' || subject FROM activity WHERE kind LIKE 'resource_server%' ORDER BY id";
    let changed = |what: &str| format!("resource_server_changed {DATA} ({what})");
    let expected = [
        format!("resource_server_added {DATA}"),
        changed("scopes"),
        changed("clients"),
        changed("clients"),
        format!("resource_server_removed {DATA}"),
    ];
    assert_eq!(app.texts(events).await, expected);
}

#[tokio::test]
async fn access_to_a_resource_is_listed_and_revoked() {
    let app = TestApp::start().await;
    let reader = app.register_data().await;
    let (device, browser) = app.allowed(&[("scope", "read offline_access"), ("resource", DATA)]).await;
    let tokens = Tokens::of(&app.poll(&device).await);
    assert!(browser.get("/apps").await.says(en().apps_may_at("read", DATA)));
    assert_eq!(app.number("SELECT count(*) FROM delegation_host_accounts").await, 0, "no host account is delegated");
    let form = [("client", "tms-cli")];
    browser.post("/api/apps/revoke", &form).await;
    assert_eq!(app.introspect(READER, &reader, &tokens.access).await.body, json!({ "active": false }));
    assert_eq!(error(&app.refresh_for(&tokens.refresh, &[]).await), refused(400, "invalid_grant"));
}

#[tokio::test]
async fn client_gets_no_token_for_itself_at_other_resources() {
    let app = TestApp::start().await;
    app.register_data().await;
    app.edit_client(CONFIDENTIAL.0, |client, _| client.grant_types.client_credentials = true).await.expect("allowed");
    let form = [("grant_type", "client_credentials"), ("client_id", CONFIDENTIAL.0), ("client_secret", CONFIDENTIAL.1)];
    let with = async |resource: &str| app.send("/oauth/token", &[&form[..], &[("resource", resource)]].concat()).await;
    assert_eq!(error(&with(DATA).await), refused(400, "invalid_target"));
    assert_eq!(with(&app.url("/v1/tms")).await.status, 200);
}

/// Abuse 43: a token names its resource server by the address alone.
#[tokio::test]
async fn resource_servers_are_unique_and_not_of_the_portal() {
    use ResourceServerRefused as R;
    let app = TestApp::start().await;
    app.register_data().await;
    assert_eq!(app.add_resource("test", app.resource(DATA)).await, Err(R::Exists));
    assert_eq!(app.add_resource("default", app.resource(DATA)).await, Err(R::Exists), "of another tenant");
    let own = app.resource(&app.url("/v1/tms"));
    assert_eq!(app.add_resource("test", own).await, Err(R::Settings(ResourceSettingsRefused::OfThePortal)));
    let with = |readers: &str| ResourceServer { readers: vec![client(readers)], ..app.resource(OTHER) };
    assert_eq!(app.add_resource("test", with("nobody")).await, Err(R::NoClient(client("nobody"))));
    assert_eq!(app.add_resource("test", with("tms-cli")).await, Err(R::PublicReader(client("tms-cli"))));
    assert_eq!(
        app.add_resource("test", ResourceServer { scopes: Vec::new(), ..app.resource(OTHER) }).await,
        Err(R::Settings(ResourceSettingsRefused::NoScope))
    );
}
