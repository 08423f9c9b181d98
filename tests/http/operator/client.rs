//! `tms-portal client add|set|show|test`, beside a running portal.

use serde_json::{Value, json};

use super::CommandOutput;
use super::idp::operate;
use crate::app::TestApp;

/// An RSA key of 2,048 bits, which no one has the private half of.
const JWKS: &str = r#"{"keys":[{"kty":"RSA","kid":"r1","e":"AQAB","n":"paWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpQ"}]}"#;

/// The line of a setting.
fn setting<'o>(shown: &'o CommandOutput, name: &str) -> &'o str {
    let line = shown.out.lines().find(|line| line.split_whitespace().next() == Some(name));
    line.unwrap_or_else(|| panic!("no {name} in {}", shown.out)).strip_prefix(name).expect("its name").trim()
}

#[tokio::test]
async fn client_is_registered_with_one_command() {
    let app = TestApp::start().await;
    let add = [
        "client",
        "add",
        "--app-name",
        "JupyterHub",
        "--grant-types",
        "authorization_code refresh_token client_credentials",
        "--redirect-uris",
        "https://hub.example.org/hub/oauth_callback http://127.0.0.1/cb",
        "--scope",
        "hosts:read keys:create",
        "--longest-access-hours",
        "12",
        "hub",
    ];
    let added = operate(&app, &add, "").await;
    assert_eq!(added.code, Some(0), "{}", added.err);
    let secret = added.out.lines().last().expect("a secret").trim();
    let form = [("grant_type", "client_credentials"), ("client_id", "hub"), ("client_secret", secret)];
    let token = app.send("/oauth/token", &form).await.token();
    assert_eq!(app.bearer(&token).get("/client/hub").await.body["app_name"], "JupyterHub", "the portal that runs knows at once");
    let shown = operate(&app, &["client", "show", "hub"], "").await;
    for (name, value) in [
        ("app-name", "JupyterHub"),
        ("redirect-uris", "http://127.0.0.1/cb https://hub.example.org/hub/oauth_callback"),
        ("grant-types", "authorization_code refresh_token client_credentials"),
        ("auth-method", "secret"),
        ("pkce", "required"),
        ("longest-access-hours", "12"),
        ("username-of-host", ""),
    ] {
        assert_eq!(setting(&shown, name), value, "{name}");
    }
    assert!(!shown.out.contains(secret));
    let again = operate(&app, &add, "").await;
    assert!(again.code == Some(1) && again.err.contains("has a client hub"), "{}", again.err);
}

#[tokio::test]
async fn settings_are_changed_one_at_a_time() {
    let app = TestApp::start().await;
    let set = async |options: &[&str]| operate(&app, &[&["client", "set"], options, &["testclient1"]].concat(), "").await;
    for options in [
        &["--redirect-uris", "https://a.example/cb"][..],
        &["--post-logout-uris", "https://a.example/bye", "--origins", "https://a.example"],
        &["--backchannel-logout-uri", "https://a.example/out"],
        &["--pkce", "off"],
        &["--username-of-host", "testhost1", "--consent", "always", "--refresh", "always", "--id-token-alg", "ES256"],
        &["--backchannel-logout-uri", "", "--username-of-host", "", "--pkce", "nonce"],
        &["--pkce", "nonce"],
    ] {
        let changed = set(options).await;
        assert_eq!(
            (changed.code, changed.out.as_str()),
            (Some(0), "Client testclient1 of tenant test has been changed.\n"),
            "{options:?} {}",
            changed.err
        );
    }
    let subjects = "SELECT subject FROM activity WHERE kind = 'client_changed' AND admin_id = 'operator:' ORDER BY id";
    assert_eq!(
        app.texts(subjects).await,
        [
            "redirect-uris",
            "post-logout-uris origins",
            "backchannel-logout-uri",
            "pkce=off",
            "id-token-alg username-of-host refresh consent",
            "username-of-host pkce=nonce backchannel-logout-uri",
        ],
        "and nothing if nothing changed"
    );
    for (options, why) in [
        (&["--redirect-uris", "http://a.example/cb"][..], "http://a.example/cb: http:// is allowed for"),
        (&["--redirect-uris", "https://a.example/cb#x"], "fragment"),
        (&["--grant-types", "password"], "the grant types are"),
        (&["--pkce", "plain"], "use required, nonce or off"),
        (&["--auth-method", "private_key_jwt"], "needs the client's keys"),
        (&["--auth-method", "none", "--grant-types", "client_credentials"], "a public client cannot get tokens for itself"),
        (&["--jwks", "/nowhere"], "cannot read /nowhere"),
    ] {
        let refused = set(options).await;
        assert!(refused.code != Some(0) && refused.err.contains(why), "{options:?}: {}", refused.err);
    }
    let nobody = operate(&app, &["client", "set", "--enabled", "true", "nobody"], "").await;
    assert_eq!((nobody.code, nobody.err.as_str()), (Some(1), "tms-portal: client nobody of tenant test does not exist\n"));
}

#[tokio::test]
async fn keys_and_methods_are_set_by_the_operator() {
    let app = TestApp::start().await;
    let set = async |options: &[&str], input: &'static str| operate(&app, &[&["client", "set"], options, &["testclient1"]].concat(), input).await;
    let private = set(&["--jwks", "-"], r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#).await;
    assert!(private.code == Some(1) && private.err.contains("private or symmetric key"), "{}", private.err);
    let with_keys = set(&["--jwks", "-", "--auth-method", "private_key_jwt"], JWKS).await;
    assert_eq!(with_keys.code, Some(0), "{}", with_keys.err);
    assert_eq!(app.client().refusal("GET /client/list", Value::Null).await, 401, "its secret has ended");
    let shown = operate(&app, &["client", "show", "testclient1"], "").await;
    assert_eq!((setting(&shown, "auth-method"), setting(&shown, "jwks")), ("private_key_jwt", JWKS));
    let url = set(&["--jwks-uri", "http://127.0.0.1:1/jwks"], "").await;
    assert_eq!(url.code, Some(0), "it replaces the keys: {}", url.err);
    let tested = operate(&app, &["client", "test", "testclient1"], "").await;
    assert!(tested.code == Some(1) && tested.err.contains("testclient1"), "{}", tested.err);
    let by_secret = set(&["--auth-method", "secret"], "").await;
    let secret = by_secret.out.lines().last().expect("a secret").trim();
    assert_eq!(app.client_of("test", "testclient1", secret).get("/client/list").await.status, 200);
    assert!(set(&["--jwks-uri", ""], "").await.code == Some(0));
    let tested = operate(&app, &["client", "test", "testclient1"], "").await;
    assert!(tested.err.contains("has no jwks-uri"), "{}", tested.err);
    let command_line = operate(&app, &["client", "set", "--auth-method", "secret", "tms-cli"], "").await;
    assert!(command_line.code == Some(1) && command_line.err.contains("public and stays so"), "{}", command_line.err);
    let made = app.admin("test").await.done("POST /client", json!({ "tenant": "test", "client_id": "x", "app_name": "x", "app_version": "1" })).await;
    assert!(made["client_secret"].is_string(), "the API registers clients as before");
}
