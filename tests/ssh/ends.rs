//! What ends a key: the next login is refused, for that reason.

use reqwest::Method;
use serde_json::json;

use crate::host;
use crate::portal::Answer;
use crate::world::{LET_NOBODY_IN, PERSON, World};

#[tokio::test]
async fn revoked_key_is_refused() {
    let Some(world) = World::start().await else { return };
    let (key, other) = (world.key(-1, -1).await, world.key(-1, -1).await);
    world.host.log_in(&key).got_in();
    world.revoke(&key).await;
    world.host.log_in(&key).was_refused(LET_NOBODY_IN);
    world.host.log_in(&other).got_in();
}

#[tokio::test]
async fn expired_key_is_refused() {
    let Some(world) = World::start().await else { return };
    let (key, stillborn) = (world.key(-1, 60).await, world.key(-1, 0).await);
    world.host.log_in(&key).got_in();
    world.limit(&key, "ttl_minutes", 0).await;
    world.host.log_in(&key).was_refused(LET_NOBODY_IN);
    world.limit(&key, "ttl_minutes", 5).await;
    world.host.log_in(&key).got_in();
    world.host.log_in(&stillborn).was_refused(LET_NOBODY_IN);
}

/// Login succeeds, fails while switched off, and succeeds again.
async fn switched(world: &World, mut switch: impl AsyncFnMut(bool)) {
    let key = world.key(-1, -1).await;
    world.host.log_in(&key).got_in();
    switch(false).await;
    world.host.log_in(&key).was_refused(LET_NOBODY_IN);
    switch(true).await;
    world.host.log_in(&key).got_in();
}

#[tokio::test]
async fn key_of_disabled_client_is_refused() {
    let Some(world) = World::start().await else { return };
    let path = |on| format!("/v1/tms/client/upd/{}?enabled={on}", world.gateway.id);
    switched(&world, async |on| world.admin(Method::PATCH, &path(on), json!(null)).await.did_one()).await;
}

#[tokio::test]
async fn key_of_disabled_tenant_is_refused() {
    let Some(world) = World::start().await else { return };
    // Its own administrator could not enable it again.
    let switch = async |on: bool| -> Answer {
        world.portal.admin("default", Method::PATCH, "/v1/tms/tenants/upd", json!({ "tenant": "test", "enabled": on })).await
    };
    switched(&world, async |on| switch(on).await.did_one()).await;
}

#[tokio::test]
async fn key_without_valid_mfa_record_is_refused() {
    let Some(world) = World::start().await else { return };
    let mfa = |on: bool| json!({ "tenant": "test", "tms_user_id": PERSON, "enabled": on });
    switched(&world, async |on| world.admin(Method::PATCH, "/v1/tms/usermfa/upd", mfa(on)).await.did_one()).await;
}

#[tokio::test]
async fn key_of_disabled_person_is_refused() {
    let Some(world) = World::start().await else { return };
    let verb = |on: bool| if on { "enable" } else { "disable" };
    switched(&world, async |on| drop(world.portal.operate(&["person", verb(on), "--tenant", "test", PERSON]))).await;
}

#[tokio::test]
async fn key_without_delegation_is_refused() {
    let Some(world) = World::start().await else { return };
    let key = world.key(-1, -1).await;
    world.host.log_in(&key).got_in();
    let delegation = json!({ "tenant": "test", "client_id": world.gateway.id, "client_user_id": PERSON });
    world.admin(Method::DELETE, "/v1/tms/delegations/del", delegation).await.expect(200);
    world.host.log_in(&key).was_refused(LET_NOBODY_IN);
    // The old key stays revoked.
    world.delegate().await;
    world.host.log_in(&key).was_refused(LET_NOBODY_IN);
    world.host.log_in(&world.key(-1, -1).await).got_in();
}

#[tokio::test]
async fn key_of_unlinked_account_is_refused() {
    let Some(world) = World::start().await else { return };
    let (key, account) = (world.key(-1, -1).await, world.host.ground.account.clone());
    world.host.log_in(&key).got_in();
    let link = json!({ "tenant": "test", "tms_user_id": PERSON, "host": host::NAME, "host_account": account });
    world.admin(Method::DELETE, "/v1/tms/userhosts/del", link).await.expect(200);
    world.host.log_in(&key).was_refused(LET_NOBODY_IN);
    world.link(PERSON, &account).await;
    world.host.log_in(&world.key(-1, -1).await).got_in();
}
