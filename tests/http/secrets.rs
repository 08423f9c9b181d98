//! Where codes, tokens and passwords must not be found.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use tms_portal::server::service::{Clock, DATABASE_FILE, DataLocation, SystemClock};
use tms_portal::server::storage::Database;

use crate::app::{PASSWORD, TestApp};
use crate::browser::en;
use crate::clients::ClientKey;
use crate::oauth::CONFIDENTIAL;
use crate::oauth::refresh::Tokens;
use crate::tms::api::{key_request, login};
use crate::tms::endpoints::{ApiClients, Endpoint, endpoints};

/// All secrets of a test run, with their names.
struct Secrets(Vec<(&'static str, String)>);

impl Secrets {
    /// A person approves a public and a confidential device; a third one waits; the public one's token is used and replayed.
    async fn of_complete_run(app: &TestApp) -> Self {
        let (device, confidential, waiting) = (app.start_device().await, app.start_confidential_device().await, app.start_device().await);
        let browser = app.signed_in().await;
        let mut tokens = Vec::new();
        for device in [&device, &confidential] {
            browser.allow(&browser.enter(&device.user_code).await).await;
        }
        tokens.push(("access token", app.poll(&device).await.token()));
        tokens.push(("confidential access token", app.poll_confidentially(&confidential).await.token()));
        for (_, token) in &tokens {
            assert_eq!(app.api("/v1/tms/me/hosts", token).await.status, 200);
        }
        let program = app.program().await;
        let refreshed = Tokens::of(&app.refresh(&program.refresh).await);
        let newest = Tokens::of(&app.refresh(&refreshed.refresh).await);
        let wrong = format!("{}A", newest.refresh);
        for refused in [&wrong, &program.refresh, &newest.refresh] {
            assert_eq!(app.refresh(refused).await.error(), "invalid_grant");
        }
        let key = ClientKey::new("k1", jsonwebtoken::Algorithm::ES256);
        app.register_gateway(&[&key]).await;
        let metadata = app.http.get(app.tenant("/.well-known/oauth-authorization-server")).send().await.expect("an answer");
        let metadata: Value = metadata.json().await.expect("JSON");
        let mut claims = app.assertion_claims();
        claims["aud"] = metadata["issuer"].clone();
        let assertion = key.sign(&claims);
        let client_token = app.assert_as_gateway(&assertion).await.token();
        assert_eq!(app.assert_as_gateway(&assertion).await.status, 401);
        assert_eq!(app.bearer(&client_token).get("/client/list").await.status, 200);
        tokens.extend([("client assertion", assertion), ("client's own token", client_token)]);
        let flow = crate::authorize::secrets_of_a_run(app).await;
        browser.get(&format!("/device?user_code={}", waiting.user_code)).await;
        browser.enter(&waiting.user_code).await;
        app.browser().sign_in("test", "testuser1", "a wrong password").await;
        app.send("/oauth/revoke", &[("client_id", "testclient1"), ("client_secret", "a wrong secret"), ("token", &tokens[0].1)]).await;
        app.send("/oauth/revoke", &[("client_id", "tms-cli"), ("token", &tokens[0].1)]).await;

        let mut all = vec![
            ("password", PASSWORD.to_owned()),
            ("wrong password", "a wrong password".to_owned()),
            ("client secret", CONFIDENTIAL.1.to_owned()),
            ("wrong client secret", "a wrong secret".to_owned()),
            ("session cookie", browser.cookie().split_once('=').expect("a session").1.to_owned()),
        ];
        for device in [device, confidential, waiting] {
            all.push(("user code without its dash", device.user_code.replace('-', "")));
            all.push(("user code", device.user_code));
            all.push(("device code", device.device_code));
        }
        all.push(("wrong refresh token", wrong));
        all.extend(flow);
        for Tokens { access, refresh } in [program, refreshed, newest] {
            tokens.push(("access token", access));
            all.push(("refresh token", refresh));
        }
        for (name, token) in tokens {
            all.push(("signature", token.rsplit_once('.').expect("a JWT").1.to_owned()));
            all.push((name, token));
        }
        all.extend(credentials(app).await);
        Self(all)
    }

    fn assert_not_in(&self, text: &[u8], place: &str) {
        for (name, secret) in &self.0 {
            let found = [secret.clone(), secret.to_lowercase(), secret.replace(' ', "+")].iter().any(|form| contains(text, form.as_bytes()));
            assert!(!found, "a {name} stands in {place}");
        }
    }
}

/// W11: all kinds of secrets of the TMS API are created, shown once, rotated, used and guessed.
async fn credentials(app: &TestApp) -> Vec<(&'static str, String)> {
    let (root, admin, client) = (app.admin("default").await, app.admin("test").await, app.client());
    let given = |answer: &Value, name: &str| answer[name].as_str().expect("a secret").to_owned();
    let registration = json!({ "tenant": "test", "client_id": "busy", "app_name": "busy", "app_version": "1" });
    let first = given(&admin.done("POST /client", registration).await, "client_secret");
    let changed = app.client_of("test", "busy", &first).done("PATCH /client/secret/busy", Value::Null).await;
    let other = given(&root.done("POST /tenants/busy", Value::Null).await, "admin_secret");
    app.admin_of("busy", "~~admin", &other).done("GET /usermfa/list", Value::Null).await;
    let host = json!({ "tenant": "test", "host": "testhost1", "required": true });
    let old_host = given(&admin.done("POST /hosts/credential", host.clone()).await, "credential");
    let new_host = given(&admin.done("POST /hosts/credential", host).await, "credential");
    let key = client.make_key(json!({ "num_uses": 1 })).await;
    for credential in [&old_host, &new_host] {
        assert!(app.bearer(credential).gets_key(&login(&key)).await);
    }
    let link = app.bearer(&new_host).done("POST /links", json!({ "user": "jd", "user_uid": "1001" })).await;
    let question = app.signed_in().await.enter_link(&given(&link, "user_code")).await;
    assert!(question.says(en().link_question("jd", "testhost1")), "{}", question.words());
    app.bearer(&new_host).done("POST /links/status", json!({ "link_id": link["link_id"] })).await;
    let pasted = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaPASTED\n-----END OPENSSH PRIVATE KEY-----\n";
    assert_eq!(client.refusal("POST /pubkeys/creds", key_request(json!({ "public_key": pasted }))).await, 400);
    let wrong = "a-wrong-credential";
    for attacker in [app.client_of("test", "busy", wrong), app.admin_of("test", "~~admin", wrong), app.bearer(wrong)] {
        attacker.call("POST /pubkeys/creds/retrieve", login(&key)).await;
        attacker.get("/client/list").await;
    }
    let mut secrets = vec![
        ("client secret that was made", first),
        ("client secret that was changed", given(&changed, "client_secret")),
        ("administrator's secret", crate::app::admin_secret("test").await),
        ("new tenant's administrator's secret", other),
        ("host's old credential", old_host),
        ("host's credential", new_host),
        ("link's id", given(&link, "link_id")),
        ("link's user code", given(&link, "user_code")),
        ("wrong credential", wrong.to_owned()),
        ("private key that was pasted", "b3BlbnNzaPASTED".to_owned()),
    ];
    // The first lines of all private keys are the same.
    let private = given(&key, "private_key");
    secrets.extend(private.lines().skip(3).filter(|line| !line.starts_with("-----")).map(|line| ("private key", line.to_owned())));
    assert!(secrets.len() >= 11);
    secrets
}

fn contains(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|window| window == needle)
}

/// Every file below a folder, as bytes.
fn all_bytes(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(all_bytes(&path));
        } else {
            files.push((path.display().to_string(), std::fs::read(&path).expect("a file")));
        }
    }
    files
}

#[tokio::test]
async fn data_directory_contains_no_usable_secrets() {
    if crate::postgres::is_used() {
        return;
    }
    let app = TestApp::start().await;
    let secrets = Secrets::of_complete_run(&app).await;
    let files = all_bytes(&app.data_dir);
    let written: Vec<u8> = files.iter().filter(|(name, _)| name.contains("tms-portal.db")).flat_map(|(_, bytes)| bytes.clone()).collect();
    assert!(contains(&written, b"testuser1") && contains(&written, b"device_redeemed"), "what was written is looked at");
    for (name, bytes) in &files {
        secrets.assert_not_in(bytes, name);
    }
}

/// W11: a secret is returned once, and never by read requests.
#[tokio::test]
async fn responses_never_repeat_secrets() {
    let app = TestApp::start().await;
    let secrets = Secrets::of_complete_run(&app).await;
    let callers = ApiClients::of(&app).await;
    for Endpoint { who, call, body } in endpoints("test").into_iter().filter(Endpoint::only_reads) {
        for caller in callers.for_whom(who) {
            secrets.assert_not_in(caller.call(&call, body.clone()).await.body.to_string().as_bytes(), &call);
        }
    }
}

/// The real program, with its log in a file.
struct Program {
    child: Child,
    address: String,
    log: PathBuf,
    /// Kept open as long as the program may print.
    _out: BufReader<ChildStdout>,
    _dir: TempDir,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    /// With the data of `app`.
    fn start(level: &str, format: &str, app: &TestApp) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let settings = "[package.metadata.leptos]\noutput-name = \"tms-portal\"\nsite-addr = \"127.0.0.1:0\"\n";
        std::fs::write(dir.path().join("Leptos.toml"), settings).expect("written");
        let log = dir.path().join("log");
        let mut child = Command::new(env!("CARGO_BIN_EXE_tms-portal"))
            .args(["serve", "--test-tenant", "--data-dir"])
            .arg(&app.data_dir)
            .current_dir(dir.path())
            .envs([("TMS_LOG", level), ("TMS_LOG_FORMAT", format)])
            .envs(crate::postgres::environment_of(&app.data_dir))
            .stdout(Stdio::piped())
            .stderr(File::create(&log).expect("a file"))
            .spawn()
            .expect("started");
        let mut out = BufReader::new(child.stdout.take().expect("its output"));
        let mut lines = out.by_ref().lines().map_while(Result::ok);
        let address = lines.find_map(|line| line.split_once("(listening on ")?.1.split(',').next().map(str::to_owned)).expect("an address");
        Self { child, address, log, _out: out, _dir: dir }
    }
}

#[tokio::test]
async fn log_contains_no_secrets_at_any_level() {
    for format in ["text", "json"] {
        let mut app = TestApp::start().await;
        // Client assertions have times.
        app.clock.set(SystemClock.now());
        let program = Program::start("trace", format, &app);
        app.base = format!("http://{}", program.address);
        let secrets = Secrets::of_complete_run(&app).await;
        let logged = std::fs::read(&program.log).expect("the log");
        for expected in ["TRACE", "sqlx", "/oauth/token"] {
            assert!(contains(&logged, expected.as_bytes()), "{expected} is not in {}", String::from_utf8_lossy(&logged));
        }
        secrets.assert_not_in(&logged, "the log");
    }
}

#[tokio::test]
async fn database_is_closed_to_others() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("chmod");
    let clock = std::sync::Arc::new(crate::app::TestClock::default());
    let entropy = std::sync::Arc::new(tms_portal::server::service::SystemRng);
    let database = Database::File(dir.path().join(DATABASE_FILE));
    let data = DataLocation { dir: dir.path(), database: &database, create: true };
    let services = tms_portal::server::service::Services::open(data, "http://unused", &Default::default(), clock, entropy).await.expect("services");
    services.readiness().await.expect("a database");
    for entry in std::fs::read_dir(dir.path()).expect("a folder") {
        let path = entry.expect("an entry").path();
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).expect("metadata").permissions());
        assert_eq!(mode & 0o077, 0, "{}", path.display());
    }
    services.close().await;
}
