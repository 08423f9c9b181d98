//! RFC 7009.

use super::{CONFIDENTIAL, assert_never_stored, error, refused};
use crate::app::{Answer, TestApp};

const PATH: &str = "/oauth/revoke";

#[tokio::test]
async fn client_revokes_its_token_idempotently() {
    let app = TestApp::start().await;
    let (token, other) = (app.token().await, app.token().await);
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 200);
    for hint in ["", "access_token", "refresh_token", "nonsense"] {
        let answer = app.send(PATH, &[("client_id", "tms-cli"), ("token", &token), ("token_type_hint", hint)]).await;
        assert_eq!(answer.status, 200, "{hint} {}", answer.body);
        assert_never_stored(&answer);
        assert_eq!(app.api("/v1/tms/me", &token).await.status, 401);
        assert_eq!(app.api("/v1/tms/me/hosts", &token).await.status, 401);
    }
    assert_eq!(app.api("/v1/tms/me", &other).await.status, 200, "the person's other devices go on");
}

#[tokio::test]
async fn token_of_another_client_is_not_revoked() {
    let app = TestApp::start().await;
    let device = app.start_confidential_device().await;
    app.allow(&device).await;
    let (confidential, public) = (app.poll_confidentially(&device).await.token(), app.token().await);
    let (id, secret) = CONFIDENTIAL;
    let by_public = app.send(PATH, &[("client_id", "tms-cli"), ("token", &confidential)]).await;
    let by_confidential = app.send(PATH, &[("client_id", id), ("client_secret", secret), ("token", &public)]).await;
    let unproved = app.send(PATH, &[("client_id", id), ("token", &confidential)]).await;
    for (answer, expected) in [
        (by_public, refused(400, "unauthorized_client")),
        (by_confidential, refused(400, "unauthorized_client")),
        (unproved, refused(401, "invalid_client")),
    ] {
        assert_eq!(error(&answer), expected);
    }
    for token in [&confidential, &public] {
        assert_eq!(app.api("/v1/tms/me", token).await.status, 200);
    }
    assert_eq!(app.send(PATH, &[("client_id", id), ("client_secret", secret), ("token", &confidential)]).await.status, 200);
    assert_eq!(app.api("/v1/tms/me", &confidential).await.status, 401);
}

/// S9: the same client id, at another tenant.
#[tokio::test]
async fn token_of_another_tenant_is_one_that_never_was() {
    let app = TestApp::start().await;
    let (program, token) = (app.program().await, app.token().await);
    let at_default = async |token: &str| {
        let form = [("client_id", "tms-cli"), ("token", token)];
        Answer::of(app.http.post(app.url("/t/default/oauth/revoke")).form(&form)).await
    };
    let unknown = at_default("x").await;
    for foreign in [&token, &program.access, &program.refresh] {
        let answer = at_default(foreign).await;
        assert_eq!((answer.status, answer.body), (200, unknown.body.clone()));
    }
    for own in [&token, &program.access] {
        assert_eq!(app.api("/v1/tms/me", own).await.status, 200);
    }
    assert_eq!(app.refresh(&program.refresh).await.status, 200);
}

#[tokio::test]
async fn revocation_works_while_disabled_and_lasts() {
    let app = TestApp::start().await;
    let token = app.token().await;
    app.switch_person("testuser1", false).await;
    assert_eq!(app.send(PATH, &[("client_id", "tms-cli"), ("token", &token)]).await.status, 200);
    app.switch_person("testuser1", true).await;
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 401);
}

#[tokio::test]
async fn unknown_token_counts_as_revoked() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    for token in ["x", "é", "\0", "a.b.c", &"x".repeat(15_000), &device.device_code, &app.token().await[..100]] {
        assert_eq!(app.send(PATH, &[("client_id", "tms-cli"), ("token", token)]).await.status, 200, "{token:?}");
    }
    assert_eq!(error(&app.poll(&device).await), refused(400, "authorization_pending"), "a device code is no token");
}

#[tokio::test]
async fn revocation_requires_a_posted_form_with_token() {
    let app = TestApp::start().await;
    for body in ["client_id=tms-cli", "client_id=tms-cli&token=", "client_id=tms-cli&token=x&token=x", "token=x", ""] {
        assert_eq!(error(&app.send_raw(PATH, body).await), refused(400, "invalid_request"), "{body}");
    }
    let get = Answer::of(app.http.get(app.tenant(PATH)).query(&[("client_id", "tms-cli"), ("token", "x")])).await;
    assert_eq!(get.status, 405);
}
