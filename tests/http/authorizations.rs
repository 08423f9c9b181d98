//! Authorizations and token families: what the device flow makes, what ends with what, and the date that everything follows.

use std::time::Duration;

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::browser::{Browser, en};
use crate::oauth::CONFIDENTIAL;
use crate::tms::api::{ApiClient, EVERYTHING, login};
use crate::tms::endpoints::OWN_KEY;

/// Why each authorization ended, and its family, if it has one.
const ENDS: &str = "SELECT concat_ws(' ', coalesce(a.end_reason, 'live'), CASE WHEN f.id IS NULL THEN 'none' ELSE coalesce(f.end_reason, 'live') END)
                    FROM authorizations a LEFT JOIN token_families f ON f.authorization_id = a.id ORDER BY 1";

/// Registers a public key of its own for each `variant`, a character of base64.
async fn own_key(api: &ApiClient, variant: char, ttl_minutes: Option<i32>) -> Value {
    let public_key = OWN_KEY.replace("ErqSGC5", &format!("ErqSGC{variant}"));
    let request = json!({ "host": "testhost1", "host_account": "testhostaccount1", "public_key": public_key, "ttl_minutes": ttl_minutes });
    api.done("POST /me/keys", request).await
}

async fn number_of_newest_delegation(app: &TestApp) -> String {
    app.number("SELECT max(number) FROM delegations").await.to_string()
}

async fn change_date(app: &TestApp, browser: &Browser, seconds: u64) {
    let form = [("app", &*number_of_newest_delegation(app).await), ("ends", &seconds.to_string())];
    let page = browser.post("/api/apps/change", &form).await;
    assert!(page.tells(|x| en().apps_changed(x)), "{}", page.words());
}

/// A token of the confidential client.
async fn confidential_token(app: &TestApp) -> String {
    let device = app.start_confidential_device().await;
    app.allow(&device).await;
    app.poll_confidentially(&device).await.token()
}

#[tokio::test]
async fn approval_makes_an_authorization_and_redemption_a_family() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    app.allow(&device).await;
    let authorization = "SELECT concat_ws(' ', a.origin, a.client_id, a.user_id, a.scope, a.given_agent, a.given_from,
                                           a.access_until - a.given_at, g.state)
                         FROM authorizations a JOIN device_grants g ON g.id = a.id";
    assert_eq!(app.texts(authorization).await, ["device tms-cli testuser1 hosts:read curl/8.9 127.0.0.1 28800000 approved"]);
    assert_eq!(app.texts(ENDS).await, ["live none"]);
    app.clock.advance(Duration::from_secs(60));
    app.poll(&device).await.token();
    let family = "SELECT concat_ws(' ', f.client_id, f.scope, f.generation, f.begun_at - a.given_at, f.begun_from, g.state)
                  FROM token_families f JOIN authorizations a ON a.id = f.authorization_id JOIN device_grants g ON g.token_id = f.id
                  WHERE f.offline AND f.idle_until IS NULL";
    assert_eq!(app.texts(family).await, ["tms-cli hosts:read 0 60000 127.0.0.1 redeemed"]);
}

#[tokio::test]
async fn each_end_is_stored_with_its_reason() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let (by_person, by_client) = (app.token().await, app.token().await);
    let number = app.texts("SELECT number || '' FROM delegations WHERE device_grant_id IS NOT NULL ORDER BY number").await.remove(0);
    browser.post("/api/apps/end", &[("app", &number)]).await;
    app.send("/oauth/revoke", &[("client_id", "tms-cli"), ("token", &by_client)]).await;
    let copied = app.start_device().await;
    app.allow(&copied).await;
    let by_replay = app.poll(&copied).await.token();
    app.clock.advance(Duration::from_secs(2));
    app.poll(&copied).await;
    let unredeemed = app.start_device().await;
    app.allow(&unredeemed).await;
    app.clock.advance(Duration::from_secs(3_600));
    app.services.run_housekeeping().await.expect("tidied");
    let by_administrator = app.token().await;
    let named = json!({ "tenant": "test", "client_id": "tms-cli", "client_user_id": "testuser1" });
    app.admin("test").await.done("DELETE /delegations/del", named).await;

    let expected = ["administrator authorization", "client authorization", "code_replay authorization", "person authorization", "unredeemed none"];
    assert_eq!(app.texts(ENDS).await, expected);
    for token in [by_person, by_client, by_replay, by_administrator] {
        assert_eq!(app.api("/v1/tms/me", &token).await.status, 401);
    }
    assert_eq!(app.consents().await, 0);
    assert_eq!(app.number("SELECT count(*) FROM device_grants WHERE state IN ('approved', 'redeemed')").await, 0);
}

/// RFC 7009; what a gateway left in the queue outlives the sign-in there.
#[tokio::test]
async fn confidential_client_that_revokes_its_token_keeps_the_delegation() {
    let app = TestApp::start().await;
    let token = confidential_token(&app).await;
    let key = app.client().make_key(json!({})).await;
    let revoke = [("client_id", CONFIDENTIAL.0), ("client_secret", CONFIDENTIAL.1), ("token", &token)];
    for _ in 0..2 {
        assert_eq!(app.send("/oauth/revoke", &revoke).await.status, 200);
    }
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 401);
    assert_eq!(app.texts(ENDS).await, ["live client"]);
    assert_eq!((app.consents().await, app.count_audit_events("tokens_revoked").await), (1, 1));
    assert!(app.unauthenticated().gets_key(&login(&key)).await);
    let browser = app.signed_in().await;
    let number = number_of_newest_delegation(&app).await;
    assert!(browser.post("/api/apps/end", &[("app", &number)]).await.says(en().apps_ended()), "the person can still end it");
    assert_eq!(app.texts(ENDS).await, ["person client"]);
}

#[tokio::test]
async fn public_client_that_revokes_its_token_leaves_nothing_behind() {
    let app = TestApp::start().await;
    let device = app.start_device_of(&[("client_id", "tms-cli"), ("scope", EVERYTHING)]).await;
    app.allow(&device).await;
    let token = app.poll(&device).await.token();
    let key = own_key(&app.bearer(&token), 'a', None).await;
    assert!(app.unauthenticated().gets_key(&login(&key)).await);
    app.send("/oauth/revoke", &[("client_id", "tms-cli"), ("token", &token)]).await;
    assert!(!app.unauthenticated().gets_key(&login(&key)).await);
    assert_eq!((app.consents().await, app.number("SELECT count(*) FROM pubkeys").await), (0, 0));
}

#[tokio::test]
async fn one_date_moves_token_keys_and_delegation() {
    let app = TestApp::start().await;
    let (api, browser) = (app.device_with(EVERYTHING).await, app.signed_in().await);
    let keys = [own_key(&api, 'a', None).await, own_key(&api, 'b', Some(600)).await, own_key(&api, 'c', Some(30)).await];
    let ends = async || {
        let keys = api.get("/me/keys").await.body["keys"].as_array().expect("keys").clone();
        keys.iter().map(|key| key["expires_at"].as_str().expect("a time")[11..16].to_owned()).collect::<Vec<_>>()
    };
    let dates = async || {
        let me = api.get("/me").await.body;
        ["access_until", "expires_at"].map(|date| me[date].as_str().expect("a time")[8..16].to_owned())
    };
    assert_eq!(ends().await, ["20:00", "20:00", "12:30"], "none outlives the authorization");
    assert_eq!(dates().await, ["20T20:00", "20T20:00"]);

    change_date(&app, &browser, 24 * 3_600).await;
    assert_eq!(ends().await, ["12:00", "22:00", "12:30"], "tomorrow, after the ten hours that were requested, and as before");
    assert_eq!(dates().await, ["21T12:00", "20T20:00"], "the token expires as it was issued");
    app.clock.advance(Duration::from_secs(9 * 3_600));
    assert_eq!(api.get("/me").await.status, 401);
    let found = async |keys: &[Value]| {
        let mut found = Vec::new();
        for key in keys {
            found.push(app.unauthenticated().gets_key(&login(key)).await);
        }
        found
    };
    assert_eq!(found(&keys).await, [true, true, false]);

    change_date(&app, &app.signed_in().await, 8 * 3_600).await;
    app.clock.advance(Duration::from_secs(8 * 3_600));
    assert_eq!(found(&keys).await, [false, false, false]);
    let left = "SELECT count(*) FROM pubkeys k JOIN authorizations a ON a.id = k.device_grant_id WHERE k.expires_at > a.access_until";
    assert_eq!(app.number(left).await, 0);
}

#[tokio::test]
async fn limit_set_for_a_key_outlives_a_changed_date() {
    let app = TestApp::start().await;
    let (api, browser) = (app.device_with(EVERYTHING).await, app.signed_in().await);
    let key = own_key(&api, 'a', Some(600)).await;
    let limit = json!({ "tenant": "test", "client_id": "tms-cli", "host": "testhost1", "public_key_fingerprint": key["public_key_fingerprint"],
                        "ttl_minutes": 540 });
    change_date(&app, &browser, 24 * 3_600).await;
    app.admin("test").await.done("PATCH /pubkeys", limit).await;
    for (hours, end) in [(8, "20:00"), (24, "21:00")] {
        change_date(&app, &browser, hours * 3_600).await;
        assert_eq!(&api.get("/me/keys").await.body["keys"][0]["expires_at"].as_str().expect("a time")[11..16], end, "{hours} hours");
    }
}

#[tokio::test]
async fn shorter_policy_shortens_authorization_and_keys() {
    let app = TestApp::start().await;
    let api = app.device_with(EVERYTHING).await;
    own_key(&api, 'a', None).await;
    app.change_tenant("test", |tenant| tenant.policy.longest_access = Duration::from_secs(3_600)).await;
    assert_eq!(api.get("/me").await.body["access_until"], "2026-11-20T13:00:00+00:00");
    assert_eq!(api.get("/me/keys").await.body["keys"][0]["expires_at"], "2026-11-20T13:00:00+00:00");
}

/// A sign-in without a delegation, as the authorization code flow makes it.
const SIGN_IN_ONLY: [&str; 2] = [
    "INSERT INTO authorizations (tenant_id, id, client_id, user_id, origin, scope, given_at, given_agent, access_until)
     SELECT tenant_id, 'aut_sign_in', client_id, user_id, 'code', '', given_at, '', access_until FROM authorizations",
    "INSERT INTO token_families (tenant_id, id, authorization_id, client_id, scope, salt, rotated_at, offline, begun_at, begun_agent)
     SELECT tenant_id, 'fam_sign_in', 'aut_sign_in', client_id, '', salt, begun_at, true, begun_at, '' FROM token_families",
];

#[tokio::test]
async fn authorization_without_a_delegation_ends_with_the_others() {
    for path in ["/api/apps/revoke", "/api/keys/revoke-everything"] {
        let app = TestApp::start().await;
        app.token().await;
        for statement in SIGN_IN_ONLY {
            app.sql(statement).await;
        }
        let browser = app.signed_in().await;
        let page = browser.post(path, &[("client", "tms-cli")]).await;
        assert_eq!(page.status, 200, "{path}: {}", page.words());
        assert_eq!(app.texts(ENDS).await, ["person authorization", "person authorization"], "{path}");
    }
}

/// They are refused while something is switched off, and nothing ends (S96, S205).
#[tokio::test]
async fn switching_off_ends_nothing() {
    let app = TestApp::start().await;
    let token = app.token().await;
    let status = async || app.api("/v1/tms/me", &token).await.status;
    app.switch_person("testuser1", false).await;
    assert_eq!(status().await, 401);
    app.switch_person("testuser1", true).await;
    app.switch_client("tms-cli", false).await;
    assert_eq!(status().await, 401);
    app.switch_client("tms-cli", true).await;
    app.change_tenant("test", |tenant| tenant.enabled = false).await;
    assert_eq!(status().await, 401);
    app.change_tenant("test", |tenant| tenant.enabled = true).await;
    assert_eq!(status().await, 200);
    assert_eq!(app.texts(ENDS).await, ["live live"]);
}
