//! What ends a key: the next login is refused, for that reason.

use reqwest::Method;
use serde_json::json;

use crate::fixture::{Fixture, KEY_DENIED, PERSON};
use crate::host;
use crate::portal::Answer;

#[tokio::test]
async fn revoked_key_is_refused() {
    let Some(fixture) = Fixture::start().await else { return };
    let (key, other) = (fixture.key(-1, -1).await, fixture.key(-1, -1).await);
    fixture.host.log_in(&key).assert_logged_in();
    fixture.revoke(&key).await;
    fixture.host.log_in(&key).assert_refused(KEY_DENIED);
    fixture.host.log_in(&other).assert_logged_in();
}

#[tokio::test]
async fn expired_key_is_refused() {
    let Some(fixture) = Fixture::start().await else { return };
    let (key, stillborn) = (fixture.key(-1, 60).await, fixture.key(-1, 0).await);
    fixture.host.log_in(&key).assert_logged_in();
    fixture.limit(&key, "ttl_minutes", 0).await;
    fixture.host.log_in(&key).assert_refused(KEY_DENIED);
    fixture.limit(&key, "ttl_minutes", 5).await;
    fixture.host.log_in(&key).assert_logged_in();
    fixture.host.log_in(&stillborn).assert_refused(KEY_DENIED);
}

/// Login succeeds, fails while switched off, and succeeds again.
async fn check_switch(fixture: &Fixture, mut switch: impl AsyncFnMut(bool)) {
    let key = fixture.key(-1, -1).await;
    fixture.host.log_in(&key).assert_logged_in();
    switch(false).await;
    fixture.host.log_in(&key).assert_refused(KEY_DENIED);
    switch(true).await;
    fixture.host.log_in(&key).assert_logged_in();
}

#[tokio::test]
async fn key_of_disabled_client_is_refused() {
    let Some(fixture) = Fixture::start().await else { return };
    let path = |on| format!("/v1/tms/client/upd/{}?enabled={on}", fixture.gateway.id);
    check_switch(&fixture, async |on| fixture.admin(Method::PATCH, &path(on), json!(null)).await.assert_changed_one()).await;
}

#[tokio::test]
async fn key_of_disabled_tenant_is_refused() {
    let Some(fixture) = Fixture::start().await else { return };
    // Its own administrator could not enable it again.
    let switch = async |on: bool| -> Answer {
        fixture.portal.admin("default", Method::PATCH, "/v1/tms/tenants/upd", json!({ "tenant": "test", "enabled": on })).await
    };
    check_switch(&fixture, async |on| switch(on).await.assert_changed_one()).await;
}

#[tokio::test]
async fn key_without_valid_mfa_record_is_refused() {
    let Some(fixture) = Fixture::start().await else { return };
    let mfa = |on: bool| json!({ "tenant": "test", "tms_user_id": PERSON, "enabled": on });
    check_switch(&fixture, async |on| fixture.admin(Method::PATCH, "/v1/tms/usermfa/upd", mfa(on)).await.assert_changed_one()).await;
}

#[tokio::test]
async fn key_of_disabled_person_is_refused() {
    let Some(fixture) = Fixture::start().await else { return };
    let verb = |on: bool| if on { "enable" } else { "disable" };
    check_switch(&fixture, async |on| drop(fixture.portal.operate(&["person", verb(on), "--tenant", "test", PERSON]))).await;
}

#[tokio::test]
async fn key_without_delegation_is_refused() {
    let Some(fixture) = Fixture::start().await else { return };
    let key = fixture.key(-1, -1).await;
    fixture.host.log_in(&key).assert_logged_in();
    let delegation = json!({ "tenant": "test", "client_id": fixture.gateway.id, "client_user_id": PERSON });
    fixture.admin(Method::DELETE, "/v1/tms/delegations/del", delegation).await.expect(200);
    fixture.host.log_in(&key).assert_refused(KEY_DENIED);
    // The old key stays revoked.
    fixture.delegate().await;
    fixture.host.log_in(&key).assert_refused(KEY_DENIED);
    fixture.host.log_in(&fixture.key(-1, -1).await).assert_logged_in();
}

#[tokio::test]
async fn key_of_unlinked_account_is_refused() {
    let Some(fixture) = Fixture::start().await else { return };
    let (key, account) = (fixture.key(-1, -1).await, fixture.host.environment.account.clone());
    fixture.host.log_in(&key).assert_logged_in();
    let link = json!({ "tenant": "test", "tms_user_id": PERSON, "host": host::NAME, "host_account": account });
    fixture.admin(Method::DELETE, "/v1/tms/userhosts/del", link).await.expect(200);
    fixture.host.log_in(&key).assert_refused(KEY_DENIED);
    fixture.link(PERSON, &account).await;
    fixture.host.log_in(&fixture.key(-1, -1).await).assert_logged_in();
}
