//! Isolation of tenants with the same names, clients and portal.

use crate::app::{Answer, DEVICE_CODE_GRANT, Device, PASSWORD, TestApp};
use crate::database::FAR;
use crate::oauth::{error, refused};

/// The tenant `default` with a person and host account of the same names as in `test`, and the same public client.
async fn two_tenants() -> TestApp {
    let app = TestApp::start().await;
    app.change_tenant("default", |tenant| tenant.policy.local_passwords = true).await;
    app.add_person("default", "testuser1").await;
    app.link_host("default", "testuser1", "defaulthost", FAR).await;
    app
}

impl TestApp {
    async fn send_to(&self, tenant: &str, path: &str, form: &[(&str, &str)]) -> Answer {
        Answer::of(self.http.post(self.url(&format!("/t/{tenant}{path}"))).form(form)).await
    }

    async fn start_device_in(&self, tenant: &str) -> Device {
        self.start_device_at(tenant, &[("client_id", "tms-cli")]).await
    }

    async fn poll_in(&self, tenant: &str, device: &Device) -> Answer {
        let form = [("client_id", "tms-cli"), ("grant_type", DEVICE_CODE_GRANT), ("device_code", &device.device_code)];
        self.send_to(tenant, "/oauth/token", &form).await
    }

    async fn token_in(&self, tenant: &str) -> String {
        let device = self.start_device_in(tenant).await;
        let browser = self.signed_in_as(tenant, "testuser1", PASSWORD).await;
        browser.allow(&browser.enter(&device.user_code).await).await;
        self.poll_in(tenant, &device).await.token()
    }
}

#[tokio::test]
async fn device_code_is_invalid_in_another_tenant() {
    let app = two_tenants().await;
    let device = app.start_device_in("default").await;
    assert_eq!(error(&app.poll_in("test", &device).await), refused(400, "invalid_grant"));
    let browser = app.signed_in_as("default", "testuser1", PASSWORD).await;
    browser.allow(&browser.enter(&device.user_code).await).await;
    assert_eq!(error(&app.poll_in("test", &device).await), refused(400, "invalid_grant"));
    let token = app.poll_in("default", &device).await.token();
    app.clock.advance(std::time::Duration::from_secs(60));
    assert_eq!(error(&app.poll_in("test", &device).await), refused(400, "invalid_grant"));
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 200, "no replay, as far as the other tenant knows");
}

#[tokio::test]
async fn person_cannot_approve_a_device_of_another_tenant() {
    let app = two_tenants().await;
    let (device, browser) = (app.start_device_in("default").await, app.signed_in().await);
    let page = browser.enter(&device.user_code).await;
    assert!(!page.text.contains("name=\"decision\""), "{}", page.text);
    assert_eq!(error(&app.poll_in("default", &device).await), refused(400, "authorization_pending"));
}

#[tokio::test]
async fn token_gives_access_to_its_own_tenant_only() {
    let app = two_tenants().await;
    for (tenant, host) in [("test", "testhost1"), ("default", "defaulthost")] {
        let token = app.token_in(tenant).await;
        let me = app.api("/v1/tms/me", &token).await.body;
        assert_eq!((&me["tenant"], &me["tms_user_id"]), (&tenant.into(), &"testuser1".into()));
        let hosts = app.api("/v1/tms/me/hosts", &token).await.body;
        assert_eq!((&hosts["num_hosts"], &hosts["hosts"][0]["host"]), (&1.into(), &host.into()), "{hosts}");
    }
}

#[tokio::test]
async fn client_cannot_revoke_its_namesakes_token() {
    let app = two_tenants().await;
    let token = app.token_in("default").await;
    let form = [("client_id", "tms-cli"), ("token", token.as_str())];
    assert_eq!(app.send_to("test", "/oauth/revoke", &form).await.status, 200, "as for an unknown token");
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 200, "nothing ended");
    assert_eq!(app.send_to("default", "/oauth/revoke", &form).await.status, 200);
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 401);
}

#[tokio::test]
async fn clients_are_valid_in_their_tenant_only() {
    let app = two_tenants().await;
    let form = [("client_id", "testclient1"), ("client_secret", "secret1")];
    assert_eq!(app.send_to("test", "/oauth/device_authorization", &form).await.status, 200);
    assert_eq!(error(&app.send_to("default", "/oauth/device_authorization", &form).await), refused(401, "invalid_client"));
}

#[tokio::test]
async fn disabling_a_tenant_does_not_affect_others() {
    let app = two_tenants().await;
    let (test, default) = (app.token_in("test").await, app.token_in("default").await);
    app.switch_person("testuser1", false).await;
    app.switch_client("tms-cli", false).await;
    assert_eq!(app.api("/v1/tms/me", &default).await.status, 200);
    app.change_tenant("test", |tenant| tenant.enabled = false).await;
    assert_eq!((app.api("/v1/tms/me", &test).await.status, app.api("/v1/tms/me", &default).await.status), (401, 200));
    app.start_device_in("default").await;
    assert_eq!(error(&app.send("/oauth/device_authorization", &[("client_id", "tms-cli")]).await), refused(404, "invalid_request"));
}
