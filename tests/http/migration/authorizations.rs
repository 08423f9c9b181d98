//! Migration 28: device grants of the previous release become authorizations, and what was issued before works on.

use std::time::Duration;

use serde_json::{Value, json};

use super::previous_release::with_schema_of;
use crate::app::{Device, TestApp};
use crate::browser::en;
use crate::database::connection_to;
use crate::tms::api::{ApiClient, EVERYTHING, login};
use crate::tms::endpoints::OWN_KEY;

/// The last migration of the previous release.
const PREVIOUS: u32 = 27;

/// What the previous release stored otherwise than this one: the date and the last use of an authorization were the device grant's.
const AS_BEFORE: [&str; 2] = [
    "UPDATE device_grants
     SET token_id = replace(token_id, 'ended/', ''),
         access_until = coalesce((SELECT d.expires_at FROM delegations d
                                  WHERE d.tenant_id = device_grants.tenant_id AND d.device_grant_id = device_grants.id), access_until)",
    "UPDATE device_grants SET last_used_at = redeemed_at, last_used_from = '192.0.2.77' WHERE state = 'redeemed'",
];

/// A device that was redeemed, and a key that was made with its token.
struct Terminal {
    device: Device,
    api: ApiClient,
    token: String,
    key: Value,
}

impl Terminal {
    /// `variant`: one character of base64, for a public key of its own.
    async fn connected(app: &TestApp, variant: char) -> Self {
        let device = app.start_device_of(&[("client_id", "tms-cli"), ("scope", EVERYTHING)]).await;
        app.allow(&device).await;
        let token = app.poll(&device).await.token();
        let api = app.bearer(&token);
        let public_key = OWN_KEY.replace("ErqSGC5", &format!("ErqSGC{variant}"));
        let key = json!({ "host": "testhost1", "host_account": "testhostaccount1", "public_key": public_key });
        let key = api.done("POST /me/keys", key).await;
        Self { device, api, token, key }
    }

    async fn works(&self, app: &TestApp) -> (bool, bool) {
        (app.api("/v1/tms/me", &self.token).await.status == 200, app.unauthenticated().gets_key(&login(&self.key)).await)
    }
}

/// The number of the newest delegation, as pages name it.
async fn newest_delegation(app: &TestApp) -> String {
    app.number("SELECT max(number) FROM delegations").await.to_string()
}

#[tokio::test]
async fn device_grants_of_the_previous_release_work_on() {
    let mut app = TestApp::start().await;
    let lapsed = app.start_device().await;
    app.allow(&lapsed).await;
    app.clock.advance(Duration::from_secs(3_600));
    app.services.run_housekeeping().await.expect("tidied");

    let mut browser = app.signed_in().await;
    let (used, shortened, revoked) =
        (Terminal::connected(&app, 'a').await, Terminal::connected(&app, 'b').await, Terminal::connected(&app, 'c').await);
    browser.post("/api/apps/end", &[("app", &newest_delegation(&app).await)]).await;
    let number = app.texts("SELECT number || '' FROM delegations WHERE ended_at IS NULL ORDER BY number DESC LIMIT 1").await.remove(0);
    assert!(browser.post("/api/apps/change", &[("app", &number), ("ends", "3600")]).await.tells(|x| en().apps_changed(x)));
    let (confidential, gateway_key) = (app.start_confidential_device().await, app.client().make_key(json!({})).await);
    app.allow(&confidential).await;
    let gateway = app.poll_confidentially(&confidential).await.token();
    let (approved, entered, pending, denied) =
        (app.start_device().await, app.start_device().await, app.start_device().await, app.start_device().await);
    app.allow(&approved).await;
    browser.deny(&browser.enter(&denied.user_code).await).await;
    let consent = browser.enter(&entered.user_code).await;

    let dir = with_schema_of(&app, PREVIOUS).await;
    let mut previous = connection_to(&crate::postgres::database_of(dir.path())).await;
    for statement in AS_BEFORE {
        tms_portal::server::storage::sql::query(statement).execute(&mut previous).await.expect(statement);
    }
    drop(previous);
    app.restart_on(dir).await;
    browser.base.clone_from(&app.base);

    assert_eq!(app.number("SELECT count(*) FROM device_grants").await, 9);
    let authorizations = "SELECT concat_ws(' ', origin, client_id, coalesce(end_reason, 'live'), count(*)) FROM authorizations
                          GROUP BY origin, client_id, end_reason ORDER BY 1";
    let expected = ["device testclient1 live 1", "device tms-cli live 3", "device tms-cli unrecorded 1", "device tms-cli unredeemed 1"];
    assert_eq!(app.texts(authorizations).await, expected);
    let families = "SELECT concat_ws(' ', coalesce(end_reason, 'live'), length(salt), count(*)) FROM token_families
                    GROUP BY end_reason, length(salt) ORDER BY 1";
    assert_eq!(app.texts(families).await, ["authorization 32 1", "live 32 3"]);
    assert_eq!(app.number("SELECT count(DISTINCT salt) FROM token_families").await, 4);

    // The session, and what was issued before.
    let words = browser.get("/apps/application?client=tms-cli").await.words();
    assert!(words.contains(&en().apps_used_from("192.0.2.77")), "{words}");
    let (used, shortened, revoked) = (used.at(&app), shortened.at(&app), revoked.at(&app));
    assert_eq!(used.works(&app).await, (true, true));
    assert_eq!((revoked.works(&app).await.0, app.poll(&revoked.device).await.error()), (false, "access_denied"));
    assert!(app.unauthenticated().gets_key(&login(&gateway_key)).await);
    assert_eq!(app.api("/v1/tms/me", &gateway).await.status, 200);
    assert_eq!(used.api.get("/me").await.body["access_until"], "2026-11-20T21:00:00+00:00");
    assert_eq!(shortened.api.get("/me").await.body["access_until"], "2026-11-20T14:00:00+00:00");

    // Codes in each state.
    assert_eq!(app.poll(&lapsed).await.error(), "expired_token");
    assert_eq!(app.poll(&denied).await.error(), "access_denied");
    assert_eq!(app.poll(&pending).await.error(), "authorization_pending");
    assert_eq!(app.api("/v1/tms/me", &app.poll(&approved).await.token()).await.status, 200);
    browser.allow(&consent).await;
    assert_eq!(app.api("/v1/tms/me", &app.poll(&entered).await.token()).await.status, 200);
    app.allow(&pending).await;
    assert_eq!(app.poll(&pending).await.status, 200);

    // What ends them.
    app.clock.advance(Duration::from_secs(3_600));
    assert_eq!(shortened.works(&app).await, (false, false));
    assert_eq!(app.poll(&used.device).await.error(), "invalid_grant");
    assert_eq!(used.works(&app).await, (false, false), "the device code was copied");
    assert_eq!(app.number("SELECT count(*) FROM authorizations WHERE end_reason = 'code_replay'").await, 1);
    app.send("/oauth/revoke", &[("client_id", "testclient1"), ("client_secret", "secret1"), ("token", &gateway)]).await;
    assert_eq!(app.api("/v1/tms/me", &gateway).await.status, 401);
    assert!(app.unauthenticated().gets_key(&login(&gateway_key)).await);
}

impl Terminal {
    /// The same, for the portal after its restart.
    fn at(self, app: &TestApp) -> Self {
        Self { api: app.bearer(&self.token), ..self }
    }
}

/// Rows of the first release, which did not always keep person and scope of what was revoked.
const REVOKED_EARLY: &str = "
    INSERT INTO device_grants (tenant_id, id, client_id, device_code_hash, user_code_hash, scope, requested_at, requested_agent, expires_at, state,
                               decided_at)
        VALUES ('test', 'dgr_kept', 'tms-cli', 'a', 'b', 'hosts:read', 1, '', 2, 'withdrawn', 3),
               ('test', 'dgr_lost', 'tms-cli', 'c', 'd', 'hosts:read', 1, '', 2, 'withdrawn', 3);
    INSERT INTO delegations (tenant_id, id, client_id, user_id, device_grant_id, scope, every_host_account, created_at, expires_at, ended_at, number)
        VALUES ('test', 'dlg_kept', 'tms-cli', 'testuser1', 'dgr_kept', 'hosts:read', false, 2, 9, 3, 777)";

#[tokio::test]
async fn revoked_grants_without_a_person_are_known_by_their_delegation() {
    let mut app = TestApp::start().await;
    let dir = with_schema_of(&app, PREVIOUS).await;
    let mut previous = connection_to(&crate::postgres::database_of(dir.path())).await;
    for statement in REVOKED_EARLY.split(';') {
        // The hashes are bytes.
        let statement = match app.database {
            tms_portal::server::storage::Database::File(_) => {
                ["'a'", "'b'", "'c'", "'d'"].iter().fold(statement.to_owned(), |text, hash| text.replace(hash, &format!("CAST({hash} AS BLOB)")))
            }
            tms_portal::server::storage::Database::Postgres(_) => statement.to_owned(),
        };
        let statement = sqlx::AssertSqlSafe(statement);
        tms_portal::server::storage::sql::query(statement).execute(&mut previous).await.expect("rows");
    }
    drop(previous);
    app.restart_on(dir).await;
    let found = app.texts("SELECT concat_ws(' ', id, user_id, scope, given_at, access_until, ended_at, end_reason) FROM authorizations").await;
    assert_eq!(found, ["dgr_kept testuser1 hosts:read 2 9 3 unrecorded"]);
}
