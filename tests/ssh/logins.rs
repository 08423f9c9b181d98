//! Keys that log in, and how often they are looked up.

use serde_json::json;

use crate::fixture::{Fixture, KEY_DENIED, print_note};

#[tokio::test]
async fn one_login_counts_one_use() {
    let Some(fixture) = Fixture::start().await else { return };
    let key = fixture.key(5, 60).await;
    assert_eq!(fixture.record(&key).await["remaining_uses"], 5);
    let login = fixture.host.log_in(&key);
    login.assert_logged_in();
    print_note(format!("1st key right: {} lookups, {:?}", login.lookups.len(), login.took));
    assert!(
        login.lookups.len() >= 2 && login.lookups.iter().all(|line| line.contains(": allowed")),
        "sshd asks before the signature and after: {login:#?}"
    );
    let record = fixture.record(&key).await;
    assert_eq!((&record["remaining_uses"], &record["max_uses"]), (&json!(4), &json!(5)));
    assert!(record["last_used_at"].is_string(), "{record}");

    fixture.age_last_login(&key).await;
    fixture.host.log_in(&key).assert_logged_in();
    assert_eq!(fixture.record(&key).await["remaining_uses"], 3);
}

#[tokio::test]
async fn single_use_key_survives_repeated_lookups_of_one_login() {
    let Some(fixture) = Fixture::start().await else { return };
    let (host, key) = (&fixture.host, fixture.key(1, 60).await);
    let (wrong, wrong_too) = (host.unknown_key("wrong"), host.unknown_key("wrong-too"));
    let login = host.log_in_as(&host.environment.account, &[&wrong, &wrong_too, &key]);
    login.assert_logged_in();
    print_note(format!("3rd key right: {} lookups, {:?}", login.lookups.len(), login.took));
    assert_eq!(login.lookups.iter().filter(|line| line.contains(KEY_DENIED)).count(), 2, "{login:#?}");
    assert!(login.lookups.iter().filter(|line| line.contains(": allowed")).count() >= 2, "{login:#?}");
    assert_eq!(fixture.record(&key).await["remaining_uses"], 0);

    // Within the time in which lookups count as one login.
    host.log_in(&key).assert_logged_in();
    fixture.age_last_login(&key).await;
    host.log_in(&key).assert_refused(KEY_DENIED);
    fixture.limit(&key, "max_uses", 2).await;
    host.log_in(&key).assert_logged_in();
    assert_eq!(fixture.record(&key).await["remaining_uses"], 0);
}

#[tokio::test]
async fn key_logs_in_to_its_own_account_only() {
    let Some(fixture) = Fixture::start().await else { return };
    let account = fixture.host.environment.account.clone();
    fixture.link(crate::fixture::PERSON, "another").await;
    let (ours, anothers) = (fixture.key(-1, -1).await, fixture.key_for("another", -1, -1).await);
    fixture.host.log_in(&anothers).assert_refused(KEY_DENIED);
    fixture.host.log_in(&fixture.host.unknown_key("unknown")).assert_refused(KEY_DENIED);
    fixture.host.log_in_as(&account, &[&anothers, &ours]).assert_logged_in();
    assert!(fixture.record(&anothers).await["last_used_at"].is_null());
}

#[tokio::test]
async fn denied_key_is_not_a_failed_command() {
    let Some(fixture) = Fixture::start().await else { return };
    let (host, key) = (&fixture.host, fixture.key(-1, 60).await);
    host.log_in(&host.unknown_key("unknown")).assert_refused(KEY_DENIED);
    assert!(!host.sshd_log().contains("failed, status"), "{}", host.sshd_log());
    host.set("typo = 1");
    assert_eq!(host.log_in(&key).code, Some(255));
    assert!(host.sshd_log().contains("failed, status 1"), "{}", host.sshd_log());
}

#[tokio::test]
async fn certificate_is_refused_without_a_lookup() {
    let Some(fixture) = Fixture::start().await else { return };
    let (host, key) = (&fixture.host, fixture.host.unknown_key("certified"));
    host.certify(&key);
    let login = host.log_in(&key);
    assert_eq!(login.code, Some(255), "{login:#?}");
    let refused = login.lookups.iter().filter(|line| line.contains("ssh-ed25519-cert-v01@openssh.com are not supported")).count();
    assert!(refused >= 1, "{login:#?}");
    assert!(!host.sshd_log().contains("failed, status"), "{}", host.sshd_log());
}
