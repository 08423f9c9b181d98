//! Keys that log in, and how often they are looked up.

use serde_json::json;

use crate::world::{LET_NOBODY_IN, World, note};

#[tokio::test]
async fn one_login_counts_one_use() {
    let Some(world) = World::start().await else { return };
    let key = world.key(5, 60).await;
    assert_eq!(world.known(&key).await["remaining_uses"], 5);
    let login = world.host.log_in(&key);
    login.got_in();
    note(format!("1st key right: {} lookups, {:?}", login.asked.len(), login.took));
    assert!(
        login.asked.len() >= 2 && login.asked.iter().all(|line| line.contains(": allowed")),
        "sshd asks before the signature and after: {login:#?}"
    );
    let known = world.known(&key).await;
    assert_eq!((&known["remaining_uses"], &known["max_uses"]), (&json!(4), &json!(5)));
    assert!(known["last_used_at"].is_string(), "{known}");

    world.a_minute_passes(&key).await;
    world.host.log_in(&key).got_in();
    assert_eq!(world.known(&key).await["remaining_uses"], 3);
}

#[tokio::test]
async fn single_use_key_survives_repeated_lookups_of_one_login() {
    let Some(world) = World::start().await else { return };
    let (host, key) = (&world.host, world.key(1, 60).await);
    let (wrong, wrong_too) = (host.unknown_key("wrong"), host.unknown_key("wrong-too"));
    let login = host.log_in_as(&host.ground.account, &[&wrong, &wrong_too, &key]);
    login.got_in();
    note(format!("3rd key right: {} lookups, {:?}", login.asked.len(), login.took));
    assert_eq!(login.asked.iter().filter(|line| line.contains(LET_NOBODY_IN)).count(), 2, "{login:#?}");
    assert!(login.asked.iter().filter(|line| line.contains(": allowed")).count() >= 2, "{login:#?}");
    assert_eq!(world.known(&key).await["remaining_uses"], 0);

    // Within the time in which lookups count as one login.
    host.log_in(&key).got_in();
    world.a_minute_passes(&key).await;
    host.log_in(&key).was_refused(LET_NOBODY_IN);
    world.limit(&key, "max_uses", 2).await;
    host.log_in(&key).got_in();
    assert_eq!(world.known(&key).await["remaining_uses"], 0);
}

#[tokio::test]
async fn key_logs_in_to_its_own_account_only() {
    let Some(world) = World::start().await else { return };
    let account = world.host.ground.account.clone();
    world.link(crate::world::PERSON, "another").await;
    let (ours, anothers) = (world.key(-1, -1).await, world.key_for("another", -1, -1).await);
    world.host.log_in(&anothers).was_refused(LET_NOBODY_IN);
    world.host.log_in(&world.host.unknown_key("unknown")).was_refused(LET_NOBODY_IN);
    world.host.log_in_as(&account, &[&anothers, &ours]).got_in();
    assert!(world.known(&anothers).await["last_used_at"].is_null());
}

#[tokio::test]
async fn denied_key_is_not_a_failed_command() {
    let Some(world) = World::start().await else { return };
    let (host, key) = (&world.host, world.key(-1, 60).await);
    host.log_in(&host.unknown_key("unknown")).was_refused(LET_NOBODY_IN);
    assert!(!host.sshd_said().contains("failed, status"), "{}", host.sshd_said());
    host.set("typo = 1");
    assert_eq!(host.log_in(&key).code, Some(255));
    assert!(host.sshd_said().contains("failed, status 1"), "{}", host.sshd_said());
}

#[tokio::test]
async fn certificate_is_refused_without_a_lookup() {
    let Some(world) = World::start().await else { return };
    let (host, key) = (&world.host, world.host.unknown_key("certified"));
    host.certify(&key);
    let login = host.log_in(&key);
    assert_eq!(login.code, Some(255), "{login:#?}");
    let refused = login.asked.iter().filter(|line| line.contains("ssh-ed25519-cert-v01@openssh.com are not supported")).count();
    assert!(refused >= 1, "{login:#?}");
    assert!(!host.sshd_said().contains("failed, status"), "{}", host.sshd_said());
}
