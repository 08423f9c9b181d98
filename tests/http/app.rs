//! A separate portal for each test.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum_server::tls_rustls::RustlsConfig;
use ipnet::IpNet;
use leptos::config::LeptosOptions;
use tempfile::TempDir;
use tms_portal::domain::ids::{ClientId, TenantId, UserId};
use tms_portal::domain::step_up::AuthenticationTimes;
use tms_portal::domain::tenant::Tenant;
use tms_portal::domain::time::Timestamp;
use tms_portal::i18n::Languages;
use tms_portal::server::listen::{self, ServerHandle};
use tms_portal::server::middleware::client_ip::TrustedProxies;
use tms_portal::server::middleware::security_headers::Https;
use tms_portal::server::providers::egress::EgressPolicy;
use tms_portal::server::service::platform::rng::Secret;
use tms_portal::server::service::platform::setup::CreatedTenant;
use tms_portal::server::service::{Clock, DataLocation, Rng, Services, SignedIn, SystemRng, TenantAdmin};
use tms_portal::server::state::{self, AppState, RequestLimits};
use tms_portal::server::storage::Database;
use tms_portal::server::tls::development;
use tokio::sync::OnceCell;

use crate::browser::{Browser, en};
use crate::postgres;

/// The test person's password.
pub const PASSWORD: &str = "correct horse battery staple";
/// RFC 8628 §3.4.
pub const DEVICE_CODE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A clock that moves only when told to.
#[derive(Clone)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub fn advance(&self, span: Duration) {
        self.0.fetch_add(i64::try_from(span.as_millis()).expect("a span"), Ordering::SeqCst);
    }

    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }

    /// As when a wrong clock is corrected.
    pub fn set_back(&self, span: Duration) {
        self.0.fetch_sub(i64::try_from(span.as_millis()).expect("a span"), Ordering::SeqCst);
    }
}

impl Default for TestClock {
    fn default() -> Self {
        // 2026-11-20T12:00:00Z
        Self(Arc::new(AtomicI64::new(1_795_176_000_000)))
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// A portal with the tenant `test` and its test data, on its own port.
pub struct TestApp {
    pub base: String,
    pub services: Services,
    pub clock: TestClock,
    /// Without cookies; does not follow redirects.
    pub http: reqwest::Client,
    pub data_dir: PathBuf,
    pub database: Database,
    setup: Setup,
    handle: ServerHandle,
    _dir: TempDir,
}

/// Options of a test portal.
#[derive(Clone)]
pub struct Setup {
    pub limits: RequestLimits,
    /// Its public URL is `https://`; the test still uses plain HTTP.
    pub https: bool,
    /// Its public URL, which is the issuer of its tokens; `None`: the address that it listens on.
    pub public_url: Option<String>,
    /// It trusts `X-Forwarded-For`, so that browsers can have different addresses.
    pub behind_proxy: bool,
    /// It serves TLS; the test brings its own client.
    pub tls: bool,
    pub timeouts: listen::Timeouts,
    /// The networks on which identity providers may be.
    pub egress: EgressPolicy,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            limits: no_limits(),
            https: false,
            public_url: None,
            behind_proxy: false,
            tls: false,
            timeouts: listen::Timeouts::default(),
            egress: EgressPolicy::default(),
        }
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.handle.shutdown();
        postgres::drop_later(self._dir.path());
    }
}

/// Limits that no test reaches by accident.
pub fn no_limits() -> RequestLimits {
    let many = std::num::NonZeroU32::new(1_000_000).expect("not zero");
    RequestLimits {
        device_requests: many,
        oauth_requests: many,
        wrong_secrets: many,
        wrong_refresh_tokens: many,
        registrations: many,
        pages: many,
        upstream_callbacks: many,
    }
}

pub fn number(n: u32) -> std::num::NonZeroU32 {
    std::num::NonZeroU32::new(n).expect("not zero")
}

impl TestApp {
    pub async fn start() -> Self {
        Self::start_with(no_limits()).await
    }

    pub async fn start_with(limits: RequestLimits) -> Self {
        Self::start_as(Setup { limits, ..Setup::default() }).await
    }

    pub async fn start_as(setup: Setup) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        copy_template(dir.path()).await;
        Self::open(dir, setup, TestClock::default(), Arc::new(SystemRng)).await
    }

    /// With the test's own random bytes.
    pub async fn start_with_rng(entropy: Arc<dyn Rng>) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        copy_template(dir.path()).await;
        Self::open(dir, Setup::default(), TestClock::default(), entropy).await
    }

    /// With the test's own data.
    pub async fn start_on(dir: TempDir) -> Self {
        Self::open(dir, Setup::default(), TestClock::default(), Arc::new(SystemRng)).await
    }

    /// Restarts with the same data.
    pub async fn restart(&mut self) {
        self.handle.shutdown();
        self.services.close().await;
        let dir = std::mem::replace(&mut self._dir, tempfile::tempdir().expect("a folder"));
        *self = Self::open(dir, self.setup.clone(), self.clock.clone(), Arc::new(SystemRng)).await;
    }

    /// Restarts with other data, under the public URL that it had.
    pub async fn restart_on(&mut self, dir: TempDir) {
        self.handle.shutdown();
        self.services.close().await;
        let setup = Setup { public_url: Some(self.base.clone()), ..self.setup.clone() };
        *self = Self::open(dir, setup, self.clock.clone(), Arc::new(SystemRng)).await;
    }

    /// Another portal on the same database, with copies of the keys.
    pub async fn second_portal(&self) -> Self {
        self.portal_on(self.database.clone()).await
    }

    /// Another portal on a database, with copies of the keys.
    pub async fn portal_on(&self, database: Database) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(dir.path().join("keys")).expect("a folder");
        copy(&self.data_dir.join("keys"), &dir.path().join("keys"));
        Self::open_on(dir, database, self.setup.clone(), self.clock.clone(), Arc::new(SystemRng)).await
    }

    async fn open(dir: TempDir, setup: Setup, clock: TestClock, entropy: Arc<dyn Rng>) -> Self {
        let database = postgres::database_of(dir.path());
        Self::open_on(dir, database, setup, clock, entropy).await
    }

    async fn open_on(dir: TempDir, database: Database, setup: Setup, clock: TestClock, entropy: Arc<dyn Rng>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("its address"));
        let public_url = setup.public_url.as_deref().unwrap_or(if setup.https { "https://portal.test" } else { &base });
        let data = DataLocation { dir: dir.path(), database: &database, create: true };
        let services = Services::open(data, public_url, &setup.egress, Arc::new(clock.clone()), entropy).await.expect("services");
        let proxies: Vec<IpNet> = if setup.behind_proxy { vec!["127.0.0.0/8".parse().expect("a network")] } else { Vec::new() };
        let state = AppState::new(state::AppStateInner {
            certificate_expiry: None.into(),
            services: services.clone(),
            leptos: LeptosOptions::builder().output_name("tms-portal").site_root(dir.path().join("site").to_string_lossy()).build(),
            languages: Languages::built_in(),
            https: Https(setup.https),
            trusted_proxies: TrustedProxies::from(proxies).into(),
            limits: setup.limits.into(),
        });
        let tls = setup.tls.then(|| development::prepare(dir.path(), &[], clock.now()).expect("a certificate"));
        let handle = ServerHandle::new();
        tokio::spawn(listen::serve(listener, tls.map(RustlsConfig::from_config), handle.clone(), setup.timeouts, state));
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Self { base, services, clock, http, data_dir: dir.path().to_owned(), database, setup, handle, _dir: dir }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A URL of the tenant `test`: `app.tenant("/oauth/token")`.
    pub fn tenant(&self, path: &str) -> String {
        self.url(&format!("/t/test{path}"))
    }

    /// A new browser without a session.
    pub fn browser(&self) -> Browser {
        Browser::new(&self.base)
    }

    /// A new browser with an IP address; see [`Setup::behind_proxy`].
    pub fn browser_at(&self, address: &str) -> Browser {
        Browser::at(&self.base, address)
    }

    /// A browser in which the test person is signed in.
    pub async fn signed_in(&self) -> Browser {
        self.signed_in_as("test", "testuser1", PASSWORD).await
    }

    pub async fn signed_in_as(&self, tenant: &str, user: &str, password: &str) -> Browser {
        let browser = self.browser();
        let page = browser.sign_in(tenant, user, password).await;
        assert_eq!(page.status, 200, "signing in as {user}: {}", page.text);
        browser
    }

    /// Adds a person with [`PASSWORD`].
    pub async fn add_person(&self, tenant: &str, user: &str) {
        let user = UserId::parse(user).expect("a user");
        self.services.add_person(&self.operator(tenant).await, &user, user.as_str(), Some(&Secret::from_plaintext(PASSWORD))).await.expect("added");
    }

    /// Changes a tenant's policy.
    pub async fn change_tenant(&self, tenant: &str, change: impl FnOnce(&mut Tenant) + Send + 'static) {
        self.services.edit_tenant(&self.operator(tenant).await, None, change).await.expect("changed");
    }

    /// The principal of a request whose session has ended since it began.
    pub async fn person_without_session(&self, user: &str) -> SignedIn {
        let (tenant, user) = (TenantId::parse("test").expect("a tenant"), UserId::parse(user).expect("a user"));
        let session = self.services.browser_session(self.services.new_session_id().expect("a session"), None);
        self.services
            .restore_signed_in(&tenant, &user, AuthenticationTimes::first_factor(self.services.now()), session)
            .await
            .expect("an answer")
            .expect("a person")
    }

    /// The operator, as the tenant's administrator.
    pub async fn operator(&self, tenant: &str) -> TenantAdmin {
        let tenant = TenantId::parse(tenant).expect("a tenant");
        self.services.operator(&tenant).await.expect("an answer").unwrap_or_else(|| panic!("there is no tenant {tenant}"))
    }

    /// Adds a person to another tenant: `dora` of `default`.
    pub async fn add_dora(&self) {
        self.change_tenant("default", |tenant| tenant.policy.local_passwords = true).await;
        self.add_person("default", "dora").await;
    }

    /// Starts a device grant of the public client `tms-cli`.
    pub async fn start_device(&self) -> Device {
        self.start_device_of(&[("client_id", "tms-cli"), ("scope", "hosts:read")]).await
    }

    pub async fn start_device_of(&self, form: &[(&str, &str)]) -> Device {
        self.start_device_at("test", form).await
    }

    /// Starts a device grant in any tenant.
    pub async fn start_device_at(&self, tenant: &str, form: &[(&str, &str)]) -> Device {
        let address = self.url(&format!("/t/{tenant}/oauth/device_authorization"));
        let answer = self.http.post(address).header("user-agent", "curl/8.9").form(form).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        let body: serde_json::Value = answer.json().await.expect("JSON");
        let text = |name: &str| body[name].as_str().expect("a text").to_owned();
        Device { device_code: text("device_code"), user_code: text("user_code"), body }
    }

    /// Polls as `tms-cli`.
    pub async fn poll(&self, device: &Device) -> Answer {
        self.poll_with(&[("grant_type", DEVICE_CODE_GRANT), ("client_id", "tms-cli"), ("device_code", &device.device_code)]).await
    }

    pub async fn poll_with(&self, form: &[(&str, &str)]) -> Answer {
        Answer::of(self.http.post(self.tenant("/oauth/token")).form(form)).await
    }

    /// Posts a form to a path of the tenant `test`.
    pub async fn send(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        Answer::of(self.http.post(self.tenant(path)).form(form)).await
    }

    /// The test person approves a device in a new browser.
    pub async fn allow(&self, device: &Device) -> Browser {
        let browser = self.signed_in().await;
        let result = browser.allow(&browser.enter(&device.user_code).await).await;
        assert!(result.says(en().result_connected()), "{}", result.text);
        browser
    }

    /// The public id of the newest decided device grant.
    pub async fn decided_grant(&self) -> String {
        self.texts(match self.database {
            Database::File(_) => "SELECT id FROM device_grants WHERE decided_at IS NOT NULL ORDER BY rowid DESC LIMIT 1",
            // The transaction that created it, or changed it last.
            Database::Postgres(_) => "SELECT id FROM device_grants WHERE decided_at IS NOT NULL ORDER BY age(xmin) LIMIT 1",
        })
        .await
        .remove(0)
    }

    /// An access token of `tms-cli` for the test person.
    pub async fn token(&self) -> String {
        let device = self.start_device().await;
        self.allow(&device).await;
        self.poll(&device).await.token()
    }

    pub async fn switch_client(&self, client: &str, on: bool) {
        let (operator, client) = (self.operator("test").await, ClientId::parse(client).expect("a client"));
        self.services.edit_client(&operator, &client, None, move |client, _| client.enabled = on).await.expect("switched");
    }

    pub async fn switch_person(&self, user: &str, on: bool) {
        let (operator, user) = (self.operator("test").await, UserId::parse(user).expect("a user"));
        self.services.set_person_enabled(&operator, &user, on).await.expect("switched");
    }

    /// Sends `GET` to the TMS API with a token.
    pub async fn api(&self, path: &str, token: &str) -> Answer {
        Answer::of(self.http.get(self.url(path)).bearer_auth(token)).await
    }
}

/// A device between its request and its token.
#[derive(Clone)]
pub struct Device {
    pub device_code: String,
    pub user_code: String,
    /// The whole response.
    pub body: serde_json::Value,
}

/// A response of an API or OAuth endpoint.
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    /// `Null` if the body is not JSON.
    pub body: serde_json::Value,
}

impl Answer {
    pub async fn of(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.expect("a body");
        Self { status, headers, body: serde_json::from_slice(&body).unwrap_or_default() }
    }

    /// The OAuth error code; empty if there is none.
    pub fn error(&self) -> &str {
        self.body["error"].as_str().unwrap_or_default()
    }

    /// The access token; panics if there is none.
    pub fn token(&self) -> String {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body["access_token"].as_str().expect("a token").to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// A data directory after the first start, created once: keys and passwords are slow to create.
async fn template() -> &'static Template {
    static TEMPLATE: OnceCell<Template> = OnceCell::const_new();
    TEMPLATE
        .get_or_init(|| async {
            let dir = tempfile::tempdir().expect("a folder");
            postgres::create_template(dir.path()).await;
            let database = postgres::database_of(dir.path());
            let data = DataLocation { dir: dir.path(), database: &database, create: true };
            let services = Services::open(data, "http://unused", &EgressPolicy::default(), Arc::new(TestClock::default()), Arc::new(SystemRng))
                .await
                .expect("services");
            let plan = services.plan_setup(true, Some(Secret::from_plaintext(PASSWORD))).await.expect("a plan");
            let new_tenants = services.initialize(true, plan).await.expect("set up").new_tenants;
            services.close().await;
            make_site(&dir.path().join("site"));
            Template { dir, new_tenants }
        })
        .await
}

struct Template {
    dir: TempDir,
    new_tenants: Vec<CreatedTenant>,
}

/// Copies the template to a data directory.
pub async fn copy_template(to: &Path) {
    copy(template().await.dir.path(), to);
    postgres::copy_template(to).await;
}

/// The administrator's secret that the first start printed.
pub async fn admin_secret(tenant: &str) -> String {
    let new = template().await.new_tenants.iter().find(|new| new.tenant.as_str() == tenant).expect("a tenant of the first start");
    new.admin_secret.reveal().to_owned()
}

/// A small substitute for the output of `make build`.
fn make_site(site: &Path) {
    std::fs::create_dir_all(site.join("pkg")).expect("a folder");
    copy(Path::new("public"), site);
    for (name, text) in [("tms-portal.0123.js", "plain"), ("tms-portal.0123.js.br", "brotli"), ("tms-portal.0123.js.gz", "gzip")] {
        std::fs::write(site.join("pkg").join(name), text).expect("written");
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir_all(&target).expect("a folder");
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copied");
        }
    }
}
