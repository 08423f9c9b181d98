//! The host's settings, with a real sshd.

use reqwest::Method;
use serde_json::json;

use crate::fixture::{Fixture, print_note};
use crate::host;

#[tokio::test]
async fn required_credential_is_enforced() {
    let Some(fixture) = Fixture::start().await else { return };
    let (host, key) = (&fixture.host, fixture.key(-1, -1).await);
    host.log_in(&key).assert_logged_in();
    let credential = async |name: &str, required: bool| {
        let request = json!({ "tenant": "test", "host": name, "required": required });
        let made = fixture.admin(Method::POST, "/v1/tms/hosts/credential", request).await.expect(201);
        made["credential"].as_str().expect("a credential").to_owned()
    };
    let ours = host.secret("credential", &credential(host::NAME, true).await);
    let anothers = host.secret("credential-of-another", &credential("testhost2", false).await);
    let not_taken = "the host credential is missing or was rejected";
    host.log_in(&key).assert_refused(not_taken);
    host.set(&format!("credential_file = \"{}\"", anothers.display()));
    host.log_in(&key).assert_refused(not_taken);
    host.set(&format!("credential_file = \"{}\"\ntenant = \"test\"", ours.display()));
    host.log_in(&key).assert_logged_in();
}

#[tokio::test]
async fn sshd_applies_the_configured_options() {
    let Some(fixture) = Fixture::start().await else { return };
    let (host, account) = (&fixture.host, fixture.host.environment.account.as_str());
    let (ends, never_ends) = (fixture.key(-1, 5).await, fixture.key(-1, -1).await);
    let restrict = "options = \"restrict,pty\"\n";
    // OpenSSH supports the `Z` since 9.1.
    let settings = if host.environment.version >= (9, 1) { format!("{restrict}expiry_time = true") } else { restrict.to_owned() };
    host.set(&settings);
    let line = host.keycmd(account, 1000, &ends).output().expect("run").stdout;
    print_note(String::from_utf8_lossy(&line).trim());
    assert!(line.starts_with(b"restrict,pty"), "{}", String::from_utf8_lossy(&line));
    assert_eq!(String::from_utf8_lossy(&line).contains(",expiry-time=\""), host.environment.version >= (9, 1));
    host.log_in(&ends).assert_logged_in();
    host.log_in(&never_ends).assert_logged_in();

    // sshd itself applies the options: this one expires every key.
    host.set("options = \"expiry-time=\\\"20200101\\\"\"");
    let login = host.log_in(&ends);
    login.assert_refused(": allowed");
    assert!(host.sshd_log().contains("Refused by key options"), "{}", host.sshd_log());
}

#[tokio::test]
async fn root_is_never_looked_up() {
    let Some(fixture) = Fixture::start().await else { return };
    fixture.link(crate::fixture::PERSON, "root").await;
    let (host, key) = (&fixture.host, fixture.key_for("root", 1, -1).await);
    let login = host.log_in_as("root", &[&key]);
    assert!(!login.lookups.iter().any(|line| !line.contains("below min_uid")), "{login:#?}");
    if host.environment.is_root() {
        login.assert_refused("below min_uid (1)");
    } else {
        assert_ne!(login.code, Some(0), "{login:#?}");
    }
    let by_hand = host.keycmd("root", 0, &key).output().expect("run");
    assert_eq!((by_hand.status.code(), by_hand.stdout.as_slice()), (Some(0), &b""[..]));
    let record = fixture.record(&key).await;
    assert_eq!((&record["remaining_uses"], &record["last_used_at"]), (&json!(1), &json!(null)), "the portal has not been asked");

    // The portal would have returned the key.
    host.set("min_uid = 0");
    let by_hand = host.keycmd("root", 0, &key).output().expect("run");
    assert!(by_hand.status.success() && by_hand.stdout.starts_with(b"ssh-ed25519 "), "{by_hand:?}");
}
