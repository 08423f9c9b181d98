//! A client's page in the portal: addresses, authentication, rules.

use serde_json::{Value, json};
use tms_portal::domain::client::registration::{ClientAuthMethod, ClientSettingsRefused, JwksRefused, PkceRule};
use tms_portal::domain::client_uris::UriListRefused;
use tms_portal::domain::redirect_uri::UriRefused;

use jsonwebtoken::Algorithm;

use super::{ClientKey, changed, key_set};
use crate::app::{Answer, TestApp};
use crate::browser::{Browser, Page, en};

const PAGE: &str = "/admin/clients/client?client=testclient1";
const ADDRESSES: &str = "/api/admin/clients/addresses";
const AUTHENTICATION: &str = "/api/admin/clients/authentication";
const RULES: &str = "/api/admin/clients/rules";
const SET_UP: &str = "/api/admin/clients/set-up";

/// Sends a form of the client's page as it is filled in, with changes.
async fn send(browser: &Browser, action: &str, changes: &[(&str, &str)]) -> Page {
    let mut fields = browser.get(PAGE).await.form(action);
    fields.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(changes.iter().copied()).collect();
    browser.post(action, &fields).await
}

/// The settings of the client that changed, as the audit log has them.
async fn recorded(app: &TestApp) -> Vec<String> {
    app.texts("SELECT subject FROM activity WHERE kind = 'client_changed' AND admin_id = 'person:testuser1' ORDER BY id").await
}

#[tokio::test]
async fn addresses_are_set_and_shown() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let lists = [
        ("redirect_uris", "https://hub.example.org/cb\r\nhttp://127.0.0.1/cb"),
        ("post_logout_uris", "https://hub.example.org/bye"),
        ("backchannel_logout_uri", "https://hub.example.org/out"),
        ("origins", "https://hub.example.org"),
    ];
    let page = send(&browser, ADDRESSES, &lists).await;
    assert!(page.says(en().admin_saved()), "{}", page.words());
    let form = browser.get(PAGE).await.form(ADDRESSES);
    let value = |name: &str| form.iter().find(|(field, _)| field == name).map(|(_, value)| value.trim().to_owned()).unwrap_or_default();
    assert_eq!(value("redirect_uris"), "http://127.0.0.1/cb\nhttps://hub.example.org/cb");
    for (name, expected) in &lists[1..] {
        assert_eq!(value(name), *expected);
    }
    let stored = "SELECT kind || ' ' || uri FROM client_uris WHERE client_id = 'testclient1' ORDER BY kind, uri";
    assert_eq!(
        app.texts(stored).await,
        [
            "backchannel_logout https://hub.example.org/out",
            "origin https://hub.example.org",
            "post_logout https://hub.example.org/bye",
            "redirect http://127.0.0.1/cb",
            "redirect https://hub.example.org/cb"
        ]
    );
    // Saved again without a change: nothing to record.
    send(&browser, ADDRESSES, &[]).await;
    assert_eq!(recorded(&app).await, ["redirect-uris post-logout-uris backchannel-logout-uri origins"]);
    send(&browser, ADDRESSES, &[("redirect_uris", ""), ("post_logout_uris", ""), ("backchannel_logout_uri", ""), ("origins", "")]).await;
    assert_eq!(app.number("SELECT count(*) FROM client_uris WHERE client_id = 'testclient1'").await, 0);
}

/// S22.
#[tokio::test]
async fn ambiguous_addresses_are_refused() {
    use UriRefused as R;
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    for (field, uri, why) in [
        ("redirect_uris", "https://hub.example.org/cb#x", R::Fragment),
        ("redirect_uris", "https://jdoe@hub.example.org/cb", R::UserInfo),
        ("redirect_uris", "https://*.example.org/cb", R::Wildcard),
        ("redirect_uris", "https://hub.example.org\\cb", R::Character),
        ("redirect_uris", "http://hub.example.org/cb", R::PlainHttp),
        ("redirect_uris", "myapp:/cb", R::Scheme),
        ("redirect_uris", "javascript:alert(1)", R::Scheme),
        ("redirect_uris", "data:text/html,x", R::Scheme),
        ("redirect_uris", "https://hub.example.org/cb?state=x", R::Parameter),
        ("post_logout_uris", "https://hub.example.org/../x", R::DotSegment),
        ("backchannel_logout_uri", "http://hub.example.org/out", R::PlainHttp),
        ("backchannel_logout_uri", "org.example.app:/out", R::Scheme),
        ("origins", "https://hub.example.org/", R::NotAnOrigin),
    ] {
        let page = send(&browser, ADDRESSES, &[(field, uri)]).await;
        let refused = UriListRefused::Uri { uri: uri.to_owned(), why };
        assert_eq!(page.problem(), en().uri_list_refused(&refused), "{uri}");
    }
    assert_eq!(app.number("SELECT count(*) FROM client_uris WHERE client_id = 'testclient1'").await, 0);
    assert_eq!(recorded(&app).await, Vec::<String>::new());
}

#[tokio::test]
async fn grant_types_are_set_beside_the_device_grant() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    send(&browser, SET_UP, &[("grant_type[]", "authorization_code")]).await;
    let stored = "SELECT grant_types FROM clients WHERE client_id = 'testclient1' AND device_grant";
    assert_eq!(app.texts(stored).await, ["authorization_code"]);
    // A page of an earlier release has no boxes for them.
    let seen = browser.get(PAGE).await.field("seen");
    let form = [("client", "testclient1"), ("seen", seen.as_str()), ("enabled", "yes"), ("device_grant", "yes"), ("scope[]", "hosts:read")];
    browser.post(SET_UP, &form).await;
    assert_eq!(app.texts(stored).await, ["authorization_code"]);
}

#[tokio::test]
async fn authentication_changes_at_once() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let key = ClientKey::new("k1", Algorithm::ES256);
    let refused = async |changes: &[(&str, &str)], why: String| assert_eq!(send(&browser, AUTHENTICATION, changes).await.problem(), why);
    let by_keys = ("auth_method", "private_key_jwt");
    refused(&[by_keys], en().client_settings_refused(ClientSettingsRefused::NoKeys)).await;
    refused(&[by_keys, ("jwks", "-----BEGIN PUBLIC KEY-----")], en().jwks_refused(JwksRefused::NotAKeySet)).await;
    let private = json!({ "keys": [changed(key.public.clone(), &json!({ "d": "AAAA" }))] }).to_string();
    refused(&[by_keys, ("jwks", private.as_str())], en().jwks_refused(JwksRefused::SecretKey)).await;
    let keys = key_set(&[&key]);
    let both = [by_keys, ("jwks", &*keys), ("jwks_uri", "https://hub.example.org/jwks")];
    refused(&both, en().client_settings_refused(ClientSettingsRefused::KeysTwice)).await;
    assert_eq!(app.client().get("/client/list").await.status, 200, "nothing was changed");
    assert!(!app.dump("test").await.values().flatten().any(|row| row.contains("AAAA\"")), "a private key is kept nowhere");

    let page = send(&browser, AUTHENTICATION, &[by_keys, ("jwks", keys.as_str())]).await;
    assert!(page.says(en().admin_saved()), "{}", page.words());
    assert_eq!(app.client().refusal("GET /client/list", Value::Null).await, 401);
    assert!(!browser.get(PAGE).await.says("/api/admin/clients/rotate"), "there is no secret to rotate");
    let rotate = browser.post("/api/admin/clients/rotate", &[("client", "testclient1"), ("overlap", "1")]).await;
    assert_eq!(rotate.problem(), en().admin_gone());

    let page = send(&browser, AUTHENTICATION, &[("auth_method", "secret")]).await;
    assert!(page.says(en().admin_clients_new_secret()), "{}", page.words());
    let secret = crate::admin::secret(&page);
    assert!(!browser.get(PAGE).await.says(&secret), "shown once");
    assert_eq!(app.client_of("test", "testclient1", &secret).get("/client/list").await.status, 200);
    assert_eq!(recorded(&app).await, ["jwks auth-method=private_key_jwt", "auth-method=secret"]);

    send(&browser, SET_UP, &[("grant_type[]", "client_credentials")]).await;
    let public = ("auth_method", "none");
    refused(&[public], en().client_settings_refused(ClientSettingsRefused::PublicClientCredentials)).await;
    send(&browser, SET_UP, &[("grant_type[]", ""), ("verified", "yes")]).await;
    send(&browser, AUTHENTICATION, &[public]).await;
    assert_eq!(app.number("SELECT count(*) FROM clients WHERE client_id = 'testclient1' AND secret_hash IS NULL AND NOT verified").await, 1);
    assert_eq!(app.send("/oauth/device_authorization", &[("client_id", "testclient1")]).await.status, 200);
}

/// S28: the operator alone can set it; administrators see it, and can end it.
#[tokio::test]
async fn pkce_is_switched_off_by_the_operator_only() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let warning = en().admin_clients_pkce_off_warning();
    assert!(!browser.get(PAGE).await.says(&warning));
    let page = send(&browser, RULES, &[("rules[pkce]", "off")]).await;
    assert_eq!(page.problem(), en().client_settings_refused(ClientSettingsRefused::PkceOffByOperator));
    app.edit_client("testclient1", |client, _| client.pkce = PkceRule::Off).await.expect("set");
    assert!(browser.get(PAGE).await.says(&warning));
    let operators = "SELECT subject FROM activity WHERE kind = 'client_changed' AND admin_id = 'operator:'";
    assert_eq!(app.texts(operators).await, ["pkce=off"]);
    send(&browser, RULES, &[("rules[consent_always]", "yes")]).await;
    assert!(browser.get(PAGE).await.says(&warning), "other rules can be changed beside it");
    send(&browser, RULES, &[("rules[pkce]", "required")]).await;
    assert!(!browser.get(PAGE).await.says(&warning));
    assert_eq!(recorded(&app).await, ["consent", "pkce=required"]);
    let public = app.edit_client("testclient1", |client, _| (client.auth_method, client.pkce) = (ClientAuthMethod::None, PkceRule::Off)).await;
    assert_eq!(public.map_err(|refused| format!("{refused:?}")), Err("Settings(PublicWithoutPkce)".to_owned()));
}

#[tokio::test]
async fn rules_are_set_and_checked() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let rules = [
        ("rules[pkce]", "nonce"),
        ("rules[id_token_algorithm]", "ES256"),
        ("rules[longest_access_hours]", "12"),
        ("rules[username_of_host]", "testhost1"),
        ("rules[pushed_requests_only]", "yes"),
        ("rules[refresh_always]", "yes"),
        ("rules[consent_always]", "yes"),
    ];
    send(&browser, RULES, &rules).await;
    let stored = "SELECT concat_ws(' ', pkce, id_token_algorithm, longest_access_ms, username_of_host, refresh, consent)
                  FROM clients WHERE client_id = 'testclient1' AND pushed_requests_only";
    assert_eq!(app.texts(stored).await, ["nonce ES256 43200000 testhost1 always always"]);
    let form = browser.get(PAGE).await.form(RULES);
    for (name, value) in rules {
        assert!(form.contains(&(name.to_owned(), value.to_owned())), "{name}: {form:?}");
    }
    for hours in ["0", "87601", "x", "-1"] {
        let page = send(&browser, RULES, &[("rules[longest_access_hours]", hours)]).await;
        assert_eq!(page.problem(), en().admin_clients_longest_access_refused(), "{hours}");
    }
    assert_eq!(send(&browser, RULES, &[("rules[username_of_host]", "a b")]).await.problem(), en().admin_bad_id());
    send(&browser, RULES, &[("rules[longest_access_hours]", ""), ("rules[username_of_host]", "")]).await;
    assert_eq!(app.texts(stored).await, ["nonce ES256 always always"]);
}

/// A form that was open while the client was changed does not undo that change.
#[tokio::test]
async fn stale_forms_are_refused() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let seen = browser.get(PAGE).await.field("seen");
    app.clock.advance(std::time::Duration::from_secs(1));
    app.edit_client("testclient1", |client, _| client.endpoint_audience = true).await.expect("set");
    for action in [ADDRESSES, AUTHENTICATION, RULES] {
        let page = browser.post(action, &[("client", "testclient1"), ("seen", seen.as_str())]).await;
        assert!(page.problem().contains(&en().admin_stale()), "{action}: {}", page.problem());
    }
}

/// What an earlier release stored is a client as before.
#[tokio::test]
async fn client_of_an_earlier_release_keeps_its_method() {
    let app = TestApp::start().await;
    app.sql(
        "INSERT INTO clients (number, tenant_id, client_id, app_name, app_version, secret_hash, enabled, device_grant, scope, verified, created_at, updated_at)
         VALUES (900, 'test', 'older', 'Older', '1', NULL, true, true, 'hosts:read', false, 0, 0)",
    )
    .await;
    assert_eq!(app.send("/oauth/device_authorization", &[("client_id", "older")]).await.status, 200, "public");
    let shown = app.signed_in().await.get("/admin/clients/client?client=older").await;
    assert!(shown.says(en().admin_clients_public()), "{}", shown.words());
    assert_eq!(app.client().get("/client/list").await.status, 200, "with a secret");
    let cli = "SELECT uri FROM client_uris WHERE client_id = 'tms-cli' AND tenant_id = 'test' AND kind = 'redirect' ORDER BY uri";
    assert_eq!(app.texts(cli).await, ["http://127.0.0.1/callback", "http://[::1]/callback"]);
}

/// S198.
#[tokio::test]
async fn page_configures_products_with_the_values_of_the_client() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    assert!(browser.get(PAGE).await.says(en().admin_clients_products_no_sign_in()));
    assert!(!browser.get(PAGE).await.says("GenericOAuthenticator"));
    let scopes = ["openid", "profile", "keys:create"].map(|scope| ("scope[]", scope));
    send(&browser, SET_UP, &[&[("grant_type[]", "authorization_code")][..], &scopes[..]].concat()).await;
    send(&browser, ADDRESSES, &[("redirect_uris", "https://hub.example.org/hub/oauth_callback")]).await;
    let secret = crate::admin::secret(&browser.post("/api/admin/clients/rotate", &[("client", "testclient1"), ("overlap", "0")]).await);

    let page = browser.get(PAGE).await;
    let (words, issuer) = (page.words(), format!("{}/t/test", app.base));
    for line in [
        "c.GenericOAuthenticator.client_id = \"testclient1\"".to_owned(),
        "c.GenericOAuthenticator.client_secret = \"CLIENT_SECRET\"".to_owned(),
        "c.GenericOAuthenticator.oauth_callback_url = \"https://hub.example.org/hub/oauth_callback\"".to_owned(),
        format!("c.GenericOAuthenticator.token_url = \"{issuer}/oauth/token\""),
        "c.GenericOAuthenticator.scope = [\"openid\", \"profile\", \"keys:create\"]".to_owned(),
        format!("oidc_provider_metadata_url: \"{issuer}/.well-known/openid-configuration\""),
        format!("OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration"),
        format!("auth_url = {issuer}/oauth/authorize"),
        format!("oidc_issuer_url = \"{issuer}\""),
        format!("issuer: \"{issuer}\","),
        format!("issuer: {issuer}"),
    ] {
        assert!(words.contains(&line), "{line}: {words}");
    }
    assert!(words.contains(&en().admin_clients_products_missing("email")), "Grafana needs it: {words}");
    assert!(words.contains(&en().admin_clients_products_redirect_uri("https://HOST/login/generic_oauth")), "{words}");
    assert!(!words.contains(&en().admin_clients_products_redirect_uri("https://HOST/hub/oauth_callback")), "it is registered");
    assert!(!page.says(&secret), "the secret was shown once");

    send(&browser, AUTHENTICATION, &[("auth_method", "none")]).await;
    let page = browser.get(PAGE).await;
    assert!(page.says("token_endpoint_auth_method: none") && !page.says("CLIENT_SECRET") && !page.says("GenericOAuthenticator"), "{}", page.words());
}

/// The endpoints in a client's configuration are those of the metadata.
#[tokio::test]
async fn configured_endpoints_are_those_of_the_metadata() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    send(&browser, SET_UP, &[("grant_type[]", "authorization_code"), ("scope[]", "openid")]).await;
    let words = browser.get(PAGE).await.words();
    let metadata = Answer::of(app.http.get(app.tenant("/.well-known/openid-configuration"))).await;
    for name in ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"] {
        let endpoint = metadata.body[name].as_str().unwrap_or_else(|| panic!("no {name}"));
        assert!(words.contains(&format!("{name}: {endpoint}")), "{name}: {words}");
    }
}

/// S199.
#[tokio::test]
async fn page_shows_what_the_client_would_be_told_about_a_person() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let about = |person: &str| format!("{PAGE}&person={person}");
    assert!(!browser.get(&about("testuser1")).await.says(en().admin_clients_claims()), "it may not ask who people are");
    let scopes = ["openid", "profile"].map(|scope| ("scope[]", scope));
    send(&browser, SET_UP, &[&[("grant_type[]", "authorization_code")][..], &scopes[..]].concat()).await;
    let words = browser.get(&about("testuser1")).await.words();
    for claim in ["\"sub\": \"testuser1\"", "\"preferred_username\": \"testuser1\"", "\"name\": "] {
        assert!(words.contains(claim), "{claim}: {words}");
    }
    assert!(!words.contains("\"email\""), "{words}");
    let words = browser.get(&about("nobody")).await.words();
    assert!(words.contains(&en().admin_delegations_no_person()) && !words.contains("\"sub\": "), "{words}");

    app.link_host("test", "testuser1", "frontera", crate::database::FAR).await;
    send(&browser, RULES, &[("rules[username_of_host]", "frontera")]).await;
    let words = browser.get(&about("testuser1")).await.words();
    assert!(words.contains("\"preferred_username\": \"testuser1-on-frontera\""), "{words}");
    send(&browser, RULES, &[("rules[username_of_host]", "stampede")]).await;
    assert!(browser.get(&about("testuser1")).await.words().contains(&en().admin_clients_claims_no_account("stampede")));
    assert_eq!(app.number("SELECT count(*) FROM token_families").await, 0, "nobody is signed in");
}
