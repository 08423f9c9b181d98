//! RFC 8628 §3.4, §3.5 and RFC 6749 §5.

use std::time::Duration;

use super::{CONFIDENTIAL, assert_never_stored, error, refused};
use crate::app::{Answer, DEVICE_CODE_GRANT, Device, TestApp, no_limits, number};

const PATH: &str = "/oauth/token";

const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// The default lifetime of a code.
const CODE_LIFETIME: Duration = seconds(15 * 60);
const DAY: Duration = seconds(24 * 60 * 60);

impl TestApp {
    /// Polls as `tms-cli` with any code.
    async fn poll_code(&self, code: &str) -> Answer {
        self.poll_with(&[("grant_type", DEVICE_CODE_GRANT), ("client_id", "tms-cli"), ("device_code", code)]).await
    }

    async fn deny(&self, device: &Device) {
        let browser = self.signed_in().await;
        browser.deny(&browser.enter(&device.user_code).await).await;
    }
}

#[tokio::test]
async fn poll_requires_grant_type_client_and_code() {
    let app = TestApp::start().await;
    let grant = format!("grant_type={DEVICE_CODE_GRANT}");
    let table = [
        (format!("client_id=tms-cli&{grant}"), 400, "invalid_request"),
        (format!("client_id=tms-cli&{grant}&device_code="), 400, "invalid_request"),
        (format!("client_id=tms-cli&{grant}&device_code=x&device_code=x"), 400, "invalid_request"),
        (format!("client_id=tms-cli&{grant}&{grant}&device_code=x"), 400, "invalid_request"),
        (format!("{grant}&device_code=x"), 400, "invalid_request"),
        ("client_id=tms-cli&device_code=x".into(), 400, "invalid_request"),
        ("client_id=tms-cli&grant_type=&device_code=x".into(), 400, "invalid_request"),
        (String::new(), 400, "invalid_request"),
        (format!("client_id=nobody&{grant}&device_code=x"), 401, "invalid_client"),
    ];
    for (body, status, code) in table {
        assert_eq!(error(&app.send_raw(PATH, body.clone()).await), refused(status, code), "{body}");
    }
    let get = app.http.get(app.tenant(PATH)).query(&[("client_id", "tms-cli"), ("grant_type", DEVICE_CODE_GRANT), ("device_code", "x")]);
    assert_eq!(Answer::of(get).await.status, 405);
    let json = app.http.post(app.tenant(PATH)).json(&serde_json::json!({ "client_id": "tms-cli", "grant_type": DEVICE_CODE_GRANT }));
    assert_eq!(error(&Answer::of(json).await), refused(400, "invalid_request"));
}

#[tokio::test]
async fn other_grant_types_are_refused() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    for grant in ["password", "device_code", "urn:ietf:params:oauth:grant-type:jwt-bearer"] {
        let form = [("client_id", "tms-cli"), ("grant_type", grant), ("device_code", &device.device_code), ("username", "testuser1")];
        assert_eq!(error(&app.send(PATH, &form).await), refused(400, "unsupported_grant_type"), "{grant}");
    }
}

#[tokio::test]
async fn malformed_device_code_is_an_invalid_grant() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    let mut codes: Vec<String> = (1..=64).map(|length| "x".repeat(length)).collect();
    codes.extend((1..=64).map(|length| device.device_code.chars().cycle().take(length).collect()).filter(|code| *code != device.device_code));
    codes.extend(["\0", "a\0b", "é", "🦀", "\u{202e}", "' OR 1=1 --", "%", "\r\n", " ", "null", "-1"].map(String::from));
    codes.extend([
        device.user_code.clone(),
        device.device_code.to_lowercase(),
        format!("{}\0", device.device_code),
        format!(" {}", device.device_code),
    ]);
    codes.push("x".repeat(15_000));
    for code in codes {
        assert_eq!(error(&app.poll_code(&code).await), refused(400, "invalid_grant"), "{code:?}");
    }
    for raw in [&b"%FF"[..], b"\xFF\xFE", b"%", b"%zz", b"%00"] {
        let body = [format!("client_id=tms-cli&grant_type={DEVICE_CODE_GRANT}&device_code=").as_bytes(), raw].concat();
        assert_eq!(error(&app.send_raw(PATH, body).await), refused(400, "invalid_grant"), "{raw:?}");
    }
    assert_eq!(error(&app.poll(&device).await), refused(400, "authorization_pending"), "the real one is none the worse");
}

#[tokio::test]
async fn code_of_another_client_is_refused_and_stays_valid() {
    let app = TestApp::start().await;
    let device = app.start_confidential_device().await;
    let stolen = app.poll(&device).await;
    assert_eq!(error(&stolen), refused(400, "invalid_grant"));
    assert_eq!(stolen.body, app.poll_code("unknown").await.body, "nothing tells it from an unknown one");
    app.allow(&device).await;
    assert_eq!(error(&app.poll(&device).await), refused(400, "invalid_grant"));
    let token = app.poll_confidentially(&device).await.token();
    app.clock.advance(seconds(60));
    assert_eq!(error(&app.poll(&device).await), refused(400, "invalid_grant"));
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 200, "a stranger's poll is no replay");
}

#[tokio::test]
async fn immediate_first_poll_and_its_retry_are_allowed() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    assert_eq!(error(&app.poll(&device).await), refused(400, "authorization_pending"));
    app.clock.advance(Duration::from_millis(999));
    assert_eq!(error(&app.poll(&device).await), refused(400, "authorization_pending"), "the twin");
    assert_eq!(error(&app.poll(&app.start_device().await).await), refused(400, "authorization_pending"), "each device has its own clock");
}

#[tokio::test]
async fn fast_polling_gets_slow_down_until_it_waits() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    app.poll(&device).await;
    for (after, wait) in [(1_000, "4"), (1_000, "3"), (1_500, "2"), (499, "2")] {
        app.clock.advance(Duration::from_millis(after));
        let hasty = app.poll(&device).await;
        assert_eq!(error(&hasty), refused(400, "slow_down"));
        assert_eq!(hasty.header("retry-after"), wait);
    }
    app.clock.advance(Duration::from_millis(1));
    assert_eq!(error(&app.poll(&device).await), refused(400, "authorization_pending"), "4 s after the last poll in time");
}

#[tokio::test]
async fn regular_polling_is_never_slowed_down() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    for jitter in [0, 300, -300, 300, -300, -300, 0, 299, -299].repeat(10) {
        assert_eq!(error(&app.poll(&device).await), refused(400, "authorization_pending"));
        app.clock.advance(Duration::from_millis(5_000_u64.saturating_add_signed(jitter)));
    }
}

#[tokio::test]
async fn decision_takes_precedence_over_slow_down() {
    let app = TestApp::start().await;
    let (allowed, denied, expiring) = (app.start_device().await, app.start_device().await, app.start_device().await);
    for device in [&allowed, &denied] {
        app.poll(device).await;
    }
    app.clock.advance(seconds(2));
    app.allow(&allowed).await;
    app.deny(&denied).await;
    assert_eq!(app.poll(&allowed).await.status, 200);
    for _ in 0..3 {
        assert_eq!(error(&app.poll(&denied).await), refused(400, "access_denied"), "at once, and again");
    }
    app.clock.advance(CODE_LIFETIME - seconds(3));
    assert_eq!(error(&app.poll(&expiring).await), refused(400, "authorization_pending"));
    app.clock.advance(Duration::from_millis(1_500));
    for _ in 0..3 {
        assert_eq!(error(&app.poll(&expiring).await), refused(400, "expired_token"));
    }
    app.clock.advance(DAY);
    assert_eq!(error(&app.poll(&denied).await), refused(400, "access_denied"), "a denial stays one");
}

#[tokio::test]
async fn expired_code_is_reported_for_a_day() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    app.clock.advance(CODE_LIFETIME - Duration::from_millis(1));
    assert_eq!(error(&app.poll(&device).await), refused(400, "authorization_pending"));
    app.clock.advance(Duration::from_millis(1));
    for wait in [Duration::ZERO, seconds(60), DAY - seconds(60)] {
        app.clock.advance(wait);
        app.services.run_housekeeping().await.expect("tidied");
        assert_eq!(error(&app.poll(&device).await), refused(400, "expired_token"), "{wait:?}");
    }
    app.clock.advance(Duration::from_millis(1));
    app.services.run_housekeeping().await.expect("tidied");
    assert_eq!(error(&app.poll(&device).await), refused(400, "invalid_grant"));
}

#[tokio::test]
async fn unredeemed_approval_expires() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    app.allow(&device).await;
    app.clock.advance(CODE_LIFETIME);
    assert_eq!(error(&app.poll(&device).await), refused(400, "expired_token"));
    app.services.run_housekeeping().await.expect("tidied");
    assert_eq!(error(&app.poll(&device).await), refused(400, "expired_token"), "expired, not denied");
}

#[tokio::test]
async fn approved_device_gets_a_token_with_its_scope() {
    let app = TestApp::start().await;
    let device = app.start_device_of(&[("client_id", "tms-cli"), ("scope", "openid hosts:read")]).await;
    app.allow(&device).await;
    app.clock.advance(seconds(10));
    let answer = app.poll(&device).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert_never_stored(&answer);
    let body = answer.body.as_object().expect("an object");
    assert_eq!(body.keys().map(String::as_str).collect::<Vec<_>>(), ["access_token", "expires_in", "scope", "token_type"]);
    assert_eq!((&body["token_type"], &body["scope"]), (&"Bearer".into(), &"hosts:read".into()));
    assert_eq!(body["expires_in"], 8 * 60 * 60 - 10, "a number; the 8 hours that were chosen run from the consent");
}

#[tokio::test]
async fn omitted_scope_grants_all_scopes_of_the_client() {
    let app = TestApp::start().await;
    let device = app.start_device_of(&[("client_id", "tms-cli")]).await;
    app.allow(&device).await;
    assert_eq!(app.poll(&device).await.body["scope"], "hosts:read keys:read keys:create keys:revoke");
}

#[tokio::test]
async fn additional_poll_parameters_are_ignored() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    app.allow(&device).await;
    // x/oauth2 sends `scope`, MSAL `client_info` and `code`; PKCE was not used in the authorization request.
    let answer = app
        .poll_with(&[
            ("grant_type", DEVICE_CODE_GRANT),
            ("client_id", "tms-cli"),
            ("device_code", &device.device_code),
            ("scope", "hosts:read keys:create"),
            ("code", &device.device_code),
            ("client_info", "1"),
            ("code_verifier", "x"),
        ])
        .await;
    assert_eq!((answer.status, &answer.body["scope"]), (200, &"hosts:read".into()), "{}", answer.body);
}

#[tokio::test]
async fn code_is_redeemed_once_and_a_retry_is_harmless() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    app.allow(&device).await;
    let token = app.poll(&device).await.token();
    for wait in [0, 1_000] {
        app.clock.advance(Duration::from_millis(wait));
        assert_eq!(error(&app.poll(&device).await), refused(400, "invalid_grant"));
        assert_eq!(app.api("/v1/tms/me", &token).await.status, 200, "a repeated request is no theft");
    }
}

#[tokio::test]
async fn later_reuse_of_a_code_revokes_the_token() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    app.allow(&device).await;
    let token = app.poll(&device).await.token();
    app.clock.advance(Duration::from_millis(1_001));
    assert_eq!(error(&app.poll(&device).await), refused(400, "invalid_grant"));
    for path in ["/v1/tms/me", "/v1/tms/me/hosts"] {
        assert_eq!(app.api(path, &token).await.status, 401, "{path}");
    }
    assert_ne!(app.poll(&device).await.status, 200);
}

#[tokio::test]
async fn consent_revoked_before_redemption_is_a_denial() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    let browser = app.allow(&device).await;
    let grant = app.decided_grant().await;
    browser.post("/api/device/withdraw", &[("grant", &grant)]).await;
    assert_eq!(error(&app.poll(&device).await), refused(400, "access_denied"));
}

#[tokio::test]
async fn redemption_rechecks_person_client_and_tenant() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    app.allow(&device).await;

    app.switch_person("testuser1", false).await;
    assert_eq!(error(&app.poll(&device).await), refused(400, "access_denied"));
    app.switch_person("testuser1", true).await;

    app.switch_client("tms-cli", false).await;
    assert_eq!(error(&app.poll(&device).await), refused(401, "invalid_client"));
    app.switch_client("tms-cli", true).await;

    app.change_tenant("test", |tenant| tenant.enabled = false).await;
    assert_eq!(error(&app.poll(&device).await), refused(404, "invalid_request"));
    app.change_tenant("test", |tenant| tenant.enabled = true).await;

    assert_eq!(app.poll(&device).await.status, 200, "none of it has burnt the code");
}

#[tokio::test]
async fn confidential_client_authenticates_on_every_poll() {
    let app = TestApp::start().await;
    let device = app.start_confidential_device().await;
    app.allow(&device).await;
    let form = [("grant_type", DEVICE_CODE_GRANT), ("device_code", &device.device_code), ("client_id", CONFIDENTIAL.0)];
    for secret in [None, Some("wrong")] {
        let with_secret = [&form[..], &secret.map(|secret| ("client_secret", secret)).into_iter().collect::<Vec<_>>()].concat();
        assert_eq!(error(&app.poll_with(&with_secret).await), refused(401, "invalid_client"));
    }
    let (id, secret) = CONFIDENTIAL;
    let answer = Answer::of(app.http.post(app.tenant(PATH)).basic_auth(id, Some(secret)).form(&form[..2])).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn poll_over_the_limit_gets_slow_down() {
    let mut limits = no_limits();
    limits.oauth_requests = number(5);
    let app = TestApp::start_with(limits).await;
    let device = app.start_device().await;
    let names: Vec<String> = (0..20).map(|n| format!("client{n}")).collect();
    let poll =
        async |name: &str| app.poll_with(&[("grant_type", DEVICE_CODE_GRANT), ("client_id", name), ("device_code", &device.device_code)]).await;
    for name in &names[..4] {
        assert_eq!(error(&poll(name).await), refused(401, "invalid_client"));
    }
    let wall = poll(&names[4]).await;
    assert_eq!(error(&wall), refused(400, "slow_down"), "standard clients end at anything else");
    assert!((1..=60).contains(&wall.header("retry-after").parse().expect("seconds")));
    let start = app.send("/oauth/device_authorization", &[("client_id", "tms-cli")]).await;
    assert_eq!(error(&start), refused(429, "temporarily_unavailable"));
    assert!((1..=60).contains(&start.header("retry-after").parse().expect("seconds")));
    assert_eq!(app.number("SELECT count(*) FROM device_grants WHERE state = 'pending'").await, 1);
}
