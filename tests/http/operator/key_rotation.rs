//! `tms-portal keys`, `backup keys` and `restore keys`, with the real program.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use age::secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::reload::Logged;
use super::serve::Server;
use super::{CommandOutput, Deployment, KEYS, files};
use crate::postgres;
use crate::tms::api::ApiClient;

impl Deployment {
    fn key_files(&self) -> Vec<String> {
        files(&self.path().join("data/keys"))
    }

    fn key(&self, name: &str) -> PathBuf {
        self.path().join("data/keys").join(name)
    }

    /// Rotates a key with all steps for one portal.
    fn rotate(&self, key: &str, more: &[&str]) -> CommandOutput {
        let said = self.run(&[&["keys", "rotate", key, "--single-portal"], more].concat());
        assert_eq!(said.code, Some(0), "{} {}", said.out, said.err);
        said
    }

    fn key_status(&self) -> Value {
        let said = self.run(&["keys", "status", "--json"]);
        assert_eq!(said.code, Some(0), "{}", said.err);
        serde_json::from_str(&said.out).expect("JSON")
    }

    /// A file with a new identity of age, and its recipient.
    fn identity(&self) -> (PathBuf, String) {
        let identity = age::x25519::Identity::generate();
        let file = self.path().join("identity.txt");
        fs::write(&file, format!("# created by a test\n{}\n", identity.to_string().expose_secret())).expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("set");
        (file, identity.to_public().to_string())
    }
}

fn client(url: &str, secret: &str) -> ApiClient {
    ApiClient::at(url).with("x-tms-tenant", "test").with("x-tms-client-id", "testclient1").with("x-tms-client-secret", secret)
}

#[tokio::test]
async fn keys_are_rotated_while_the_portal_serves() {
    let deployment = Deployment::set_up().await;
    let portal = Logged::start(&deployment, &[]);
    let client = client(&portal.server.url(), "secret1");
    let old = KEYS.map(|name| fs::read(deployment.key(name)).expect("read"));

    let said = deployment.rotate("secrets.key", &[]);
    assert!(said.out.contains("The previous secrets.key has ended."), "{}", said.out);
    portal.wait_for("Reloaded the keys");
    assert_eq!(deployment.key_files(), KEYS);

    let said = deployment.rotate("codes.key", &[]);
    assert!(said.out.contains("client: 1: test/testclient1") && said.out.contains("keys rotate finish codes.key"), "{}", said.out);
    portal.server.signal("-HUP");
    portal.wait_for("Reloaded the settings");
    client.make_key(json!({})).await;
    assert_eq!(self::client(&portal.server.url(), "wrong").get("/client/testclient1").await.status, 401);
    let patience = Instant::now() + Duration::from_secs(10);
    while deployment.key_status()["keys"][0]["dependents"].to_string().contains("testclient1") {
        assert!(Instant::now() < patience, "the secret is stored anew at its use");
        // The portal reads the new key within a second.
        assert_eq!(client.get("/client/testclient1").await.status, 200);
    }
    assert_eq!(deployment.key_files(), ["codes.key", "codes.key.previous", "secrets.key", "signing-key.pem"]);
    let doctor = deployment.run(&["doctor"]);
    assert!(
        doctor.out.contains("the rotation of codes.key is not finished") && doctor.out.contains("keys rotate finish codes.key"),
        "{}",
        doctor.out
    );

    let refused = deployment.run(&["keys", "rotate", "finish", "codes.key"]);
    assert!(
        refused.code == Some(1) && refused.err.contains("--expire") && refused.out.contains("administrator: 2"),
        "{} {}",
        refused.out,
        refused.err
    );
    let ended = deployment.run(&["keys", "rotate", "finish", "codes.key", "--expire"]);
    assert!(ended.code == Some(0) && ended.out.contains("administrator: 2"), "{} {}", ended.out, ended.err);
    let again = deployment.run(&["keys", "rotate", "finish", "codes.key"]);
    assert!(again.code == Some(0) && again.out.contains("Nothing to do"), "{} {}", again.out, again.err);
    assert_eq!(deployment.key_files(), KEYS);
    let new = KEYS.map(|name| fs::read(deployment.key(name)).expect("read"));
    assert_eq!([0, 1, 2].map(|at| old[at] == new[at]), [false, false, true]);
    client.make_key(json!({})).await;
    drop(portal);
    let server = Server::start_with(&deployment, &[]);
    self::client(&server.url(), "secret1").make_key(json!({})).await;
}

#[tokio::test]
async fn killed_rotation_is_completed() {
    let deployment = Deployment::set_up().await;
    for key in ["secrets.key", "codes.key"] {
        let command = &mut deployment.command(&["keys", "rotate", key, "--single-portal"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("started");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let first = lines.next().expect("a line").expect("a text");
        child.kill().expect("killed");
        child.wait().expect("ended");
        assert!(first.contains("is in use"), "{first}");
        let again = deployment.run(&["keys", "rotate", key, "--single-portal"]);
        if key == "codes.key" {
            assert!(again.code == Some(1) && again.err.contains("nothing was rotated"), "{:?} {}", again.code, again.err);
        } else {
            assert_eq!(again.code, Some(0), "{}", again.err);
        }
        let said = deployment.run(&["keys", "rotate", "finish", key, "--expire"]);
        assert_eq!(said.code, Some(0), "{}", said.err);
        assert_eq!(deployment.key_files(), KEYS, "{key}");
        drop(Server::start_with(&deployment, &[]));
    }
}

#[tokio::test]
async fn compromised_key_ends_at_once_after_a_confirmation() {
    let deployment = Deployment::set_up().await;
    let server = Server::start_with(&deployment, &[]);
    let client = client(&server.url(), "secret1");
    let before = fs::read(deployment.key("codes.key")).expect("read");
    let said = deployment.rotate("codes.key", &["--compromised"]);
    assert!(said.out.contains("stop working") && said.out.contains("Nothing was changed"), "{}", said.out);
    assert_eq!(fs::read(deployment.key("codes.key")).expect("read"), before);
    client.make_key(json!({})).await;
    let said = deployment.rotate("codes.key", &["--compromised", "--yes"]);
    assert!(said.out.contains("client: 1: test/testclient1"), "{}", said.out);
    assert_eq!(deployment.key_files(), KEYS);
    let patience = Instant::now() + Duration::from_secs(10);
    while client.get("/client/testclient1").await.status != 401 {
        assert!(Instant::now() < patience, "the running portal follows");
    }
}

#[tokio::test]
async fn compromised_key_in_use_ends_although_a_rotation_is_not_finished() {
    let deployment = Deployment::set_up().await;
    for (at, key) in ["codes.key", "secrets.key"].into_iter().enumerate() {
        let fingerprints = || {
            let status = deployment.key_status();
            ["fingerprint", "previous", "next"].map(|name| status["keys"][at][name].as_str().unwrap_or_default().to_owned())
        };
        for step in ["prepare", "activate"] {
            assert_eq!(deployment.run(&["keys", "rotate", step, key]).code, Some(0), "{step}");
        }
        let [leaked, previous, _] = fingerprints();
        let said = deployment.rotate(key, &["--compromised"]);
        assert!([&leaked, &previous].iter().all(|named| said.out.contains(&named[..16])), "{}", said.out);
        assert_eq!(fingerprints()[0], leaked, "nothing was changed");
        let said = deployment.rotate(key, &["--compromised", "--yes"]);
        let [new, no_previous, no_next] = fingerprints();
        assert!(new != leaked && new != previous && no_previous.is_empty() && no_next.is_empty(), "{new} {no_previous} {no_next}");
        assert!([&leaked, &previous, &new].iter().all(|named| said.out.contains(&named[..16])), "{}", said.out);
        assert_eq!(said.out.contains("Waiting until running portals use"), key == "secrets.key", "{}", said.out);
        // A key that was prepared in the same directory is not used.
        assert_eq!(deployment.run(&["keys", "rotate", "prepare", key]).code, Some(0));
        let [_, _, prepared] = fingerprints();
        deployment.rotate(key, &["--compromised", "--yes"]);
        let [newer, ..] = fingerprints();
        assert!(newer != new && newer != prepared, "{newer}");
        assert_eq!(deployment.key_files(), KEYS);
    }
    drop(Server::start_with(&deployment, &[]));
}

async fn published(url: &str) -> Vec<String> {
    let keys: Value = reqwest::get(format!("{url}/t/test/oauth/jwks")).await.expect("an answer").json().await.expect("JSON");
    keys["keys"].as_array().expect("keys").iter().map(|key| key["kid"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn signing_keys_are_rotated_while_the_portal_serves() {
    let deployment = Deployment::set_up().await;
    // Their publication is that of the tests' clock.
    super::sql(&deployment, "UPDATE signing_keys SET created_at = 0").await;
    let portal = Logged::start(&deployment, &[]);
    let url = portal.server.url();
    let first = published(&url).await;
    let rotate = |more: &[&str]| deployment.run(&[&["keys", "rotate", "signing"], more].concat());
    let said = rotate(&[]);
    assert!(said.code == Some(0) && said.out.contains("Other keys sign tokens now"), "{} {}", said.out, said.err);
    portal.wait_for("Reloaded the keys");
    let second = published(&url).await;
    assert!(second.len() == 6 && first.iter().all(|kid| second.contains(kid)) && second[0] == first[1], "{first:?} {second:?}");
    let early = rotate(&[]);
    assert!(early.code == Some(1) && early.err.contains("published less than 24 hours ago"), "{} {}", early.out, early.err);

    let status = deployment.run(&["keys", "status"]);
    assert!(status.code == Some(0) && second.iter().all(|kid| status.out.contains(kid)), "{} {}", status.out, status.err);
    let said = rotate(&["--compromised"]);
    assert!(said.code == Some(0) && said.out.contains("Nothing was changed") && said.out.contains(&second[0]), "{}", said.out);
    assert_eq!(published(&url).await, second);
    let said = rotate(&["--compromised", "--yes", "--kid", &second[0]]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    portal.wait_for("Reloaded the keys");
    let third = published(&url).await;
    assert!(!third.contains(&second[0]) && third[0] == second[1] && third.len() == 6, "{second:?} {third:?}");
    assert_eq!(rotate(&["--compromised", "--yes", "--all"]).code, Some(0));
    portal.wait_for("Reloaded the keys");
    let last = published(&url).await;
    assert!(last.len() == 4 && !last.iter().any(|kid| third.contains(kid)), "{third:?} {last:?}");
    let kinds =
        super::text(&deployment, "SELECT concat(count(*)) FROM activity WHERE kind = 'signing_key_compromised' AND admin_id = 'operator:'").await;
    assert_eq!(kinds, "7", "one, and the six that were left");

    let keys = deployment.key_status();
    assert_eq!(keys["signing_keys"].as_array().expect("keys").len(), 4);
    for (arguments, code, why) in [
        (&["signing", "--all"][..], 2, "--compromised"),
        (&["signing", "--kid", "x"], 2, "--compromised"),
        (&["signing", "--compromised", "--kid", "x", "--all"], 2, "--all"),
        (&["signing", "--compromised", "--kid", "x"], 1, "there is no signing key x"),
        (&["signing", "--compromised", "--kid", "../x y"], 2, "--kid"),
        (&["codes.key", "--compromised", "--all", "--single-portal"], 1, "keys rotate signing"),
        (&["finish", "signing"], 2, "codes.key or secrets.key"),
    ] {
        let said = deployment.run(&[&["keys", "rotate"], arguments].concat());
        assert!(said.code == Some(code) && said.err.contains(why), "{arguments:?}: {:?} {}", said.code, said.err);
    }
    assert_eq!(published(&url).await, last);
}

#[tokio::test]
async fn steps_in_the_wrong_order_are_refused() {
    let deployment = Deployment::set_up().await;
    for (arguments, code, why) in [
        (&["keys", "rotate", "activate", "codes.key"][..], 1, "there is no next key"),
        (&["keys", "rotate", "prepare", "signing-key.pem"], 2, "codes.key or secrets.key"),
        (&["keys", "rotate"], 2, "KEY"),
        (&["keys", "rotate", "codes.key", "--yes"], 2, "--compromised"),
        (&["backup", "keys", "--to", "x"], 2, "--recipient"),
        (&["backup", "keys", "--to", "x", "--recipient", "ssh-ed25519 AAAA"], 2, "age-keygen"),
        (&["backup"], 2, "--to"),
        (&["restore"], 2, "FILE"),
    ] {
        let said = deployment.run(arguments);
        assert!(said.code == Some(code) && said.err.contains(why), "{arguments:?}: {:?} {}", said.code, said.err);
    }
    fs::copy(deployment.key("codes.key"), deployment.key("codes.key.next")).expect("copied");
    let said = deployment.run(&["keys", "rotate", "prepare", "codes.key"]);
    assert!(said.code == Some(1) && said.err.contains("has a key that is in use"), "{}", said.err);
    fs::remove_file(deployment.key("codes.key.next")).expect("removed");
    let next = deployment.run(&["keys", "next", "codes.key", "--to", "data/keys"]);
    assert_eq!(next.code, Some(0), "{}", next.err);
    let created = fs::read(deployment.key("codes.key.next")).expect("read");
    for _ in 0..2 {
        let said = deployment.run(&["keys", "rotate", "prepare", "codes.key"]);
        assert_eq!(said.code, Some(0), "{}", said.err);
    }
    assert_eq!(fs::read(deployment.key("codes.key.next")).expect("read"), created, "the existing file is used");
    fs::write(deployment.key("codes.key.next"), [3; 32]).expect("written");
    let forged = deployment.run(&["keys", "rotate", "activate", "codes.key"]);
    assert!(forged.code == Some(1) && forged.err.contains("does not have the key that the database names"), "{}", forged.err);
    fs::write(deployment.key("codes.key.next"), [3; 20]).expect("written");
    let truncated = deployment.run(&["keys", "rotate", "activate", "codes.key"]);
    assert!(truncated.code == Some(1) && truncated.err.contains("is not a key of 32 bytes"), "{}", truncated.err);
}

#[tokio::test]
async fn next_key_whose_file_is_lost_is_cancelled() {
    let deployment = Deployment::set_up().await;
    let step = |step: &str| deployment.run(&["keys", "rotate", step, "codes.key"]);
    assert_eq!(step("prepare").code, Some(0));
    let doctor = deployment.run(&["doctor"]);
    assert!(doctor.out.contains("keys rotate activate codes.key"), "{}", doctor.out);
    fs::remove_file(deployment.key("codes.key.next")).expect("removed");
    for refused in [step("prepare"), step("activate")] {
        assert!(refused.code == Some(1) && refused.err.contains("keys rotate cancel"), "{}", refused.err);
    }
    for said in ["is not recorded any more", "Nothing to do"] {
        let cancelled = step("cancel");
        assert!(cancelled.code == Some(0) && cancelled.out.contains(said), "{} {}", cancelled.out, cancelled.err);
    }
    assert!(deployment.key_status()["keys"][0]["next"].is_null());
    for done in ["prepare", "activate"] {
        assert_eq!(step(done).code, Some(0), "{done}");
    }
}

#[tokio::test]
async fn keys_are_backed_up_encrypted_and_restored() {
    let deployment = Deployment::set_up().await;
    let (identity, recipient) = deployment.identity();
    let identity = identity.to_str().expect("a path");
    let said = deployment.run(&["keys", "rotate", "prepare", "codes.key"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let said = deployment.run(&["backup", "keys", "--to", "keys.age", "--recipient", &recipient]);
    assert!(said.code == Some(0) && said.out.contains("They are the keys of the database."), "{} {}", said.out, said.err);
    let file = deployment.path().join("keys.age");
    let bytes = fs::read(&file).expect("read");
    assert!(bytes.starts_with(b"age-encryption.org/v1\n") && fs::metadata(&file).expect("there").permissions().mode() & 0o777 == 0o600);
    let twice = deployment.run(&["backup", "keys", "--to", "keys.age", "--recipient", &recipient]);
    assert!(twice.code == Some(1) && fs::read(&file).expect("read") == bytes, "{}", twice.err);

    let restore = |to: &[&str]| deployment.run(&[&["restore", "keys", "keys.age", "--identity", identity], to].concat());
    fs::rename(deployment.path().join("data/keys"), deployment.path().join("lost")).expect("moved");
    assert_eq!(restore(&[]).code, Some(0));
    assert_eq!(deployment.key_files(), ["codes.key", "codes.key.next", "secrets.key", "signing-key.pem"]);
    for name in deployment.key_files() {
        assert_eq!(fs::read(deployment.path().join("lost").join(&name)).ok(), fs::read(deployment.key(&name)).ok(), "{name}");
    }
    drop(Server::start_with(&deployment, &[]));
    fs::write(deployment.key("codes.key"), [5; 32]).expect("written");
    let other = restore(&[]);
    assert!(other.code == Some(1) && other.err.contains("has another key"), "{}", other.err);
    assert_eq!(fs::read(deployment.key("codes.key")).expect("read"), [5; 32]);

    // The keys of another deployment.
    let stranger = Deployment::empty();
    let init = stranger.run(&["keys", "init", "--to", "data/keys"]);
    assert_eq!(init.code, Some(0), "{}", init.err);
    let said = stranger.run(&["backup", "keys", "--to", "keys.age", "--recipient", &recipient]);
    assert!(said.code == Some(0) && said.out.contains("There is no database"), "{} {}", said.out, said.err);
    let strange = stranger.path().join("keys.age");
    let said = deployment.run(&["restore", "keys", strange.to_str().expect("a path"), "--identity", identity, "--to", "elsewhere"]);
    assert!(said.code == Some(1) && said.err.contains("not the keys of the database"), "{}", said.err);
    assert!(!deployment.path().join("elsewhere").exists());
}

#[tokio::test]
async fn backup_from_before_a_rotation_is_restored_with_the_previous_key() {
    if postgres::is_used() {
        return;
    }
    let deployment = Deployment::set_up().await;
    let backup = deployment.back_up(&[]);
    let old = fs::read(deployment.key("secrets.key")).expect("read");
    deployment.rotate("secrets.key", &[]);
    let refused = deployment.restore(&backup);
    assert!(refused.code == Some(1) && refused.err.contains("secrets.key is not the key") && refused.err.contains(".previous"), "{}", refused.err);
    write_key(&deployment.key("secrets.key.previous"), &old);
    assert_eq!(deployment.restore(&backup).code, Some(0));
    drop(Server::start_with(&deployment, &[]));
    assert_eq!(deployment.run(&["verify"]).code, Some(0));
    let current = fs::read(deployment.key("secrets.key")).expect("read");
    deployment.rotate("secrets.key", &[]);
    let kept: Vec<_> = deployment.key_files().into_iter().filter(|name| name.starts_with("secrets.key.unused-")).collect();
    assert_eq!(kept.iter().map(|name| fs::read(deployment.key(name)).expect("read")).collect::<Vec<_>>(), [current], "of the replaced database");
}

#[tokio::test]
async fn rotation_after_one_whose_files_were_not_renamed_is_possible() {
    let deployment = Deployment::set_up().await;
    for key in ["secrets.key", "codes.key"] {
        let old = fs::read(deployment.key(key)).expect("read");
        deployment.rotate(key, &["--compromised", "--yes"]);
        // As after a rotation by a user who may not change the directory.
        fs::rename(deployment.key(key), deployment.key(&format!("{key}.next"))).expect("renamed");
        write_key(&deployment.key(key), &old);
        drop(Server::start_with(&deployment, &[]));
        deployment.rotate(key, &["--compromised", "--yes"]);
        drop(Server::start_with(&deployment, &[]));
        assert_eq!(deployment.run(&["keys", "tidy"]).code, Some(0));
        assert_eq!(deployment.key_files(), KEYS, "{key}");
        // The ended key as the next one.
        write_key(&deployment.key(&format!("{key}.next")), &old);
        let said = deployment.run(&["keys", "rotate", "prepare", key]);
        assert!(said.code == Some(1) && said.err.contains("was in use"), "{:?} {}", said.code, said.err);
        assert_eq!(deployment.run(&["keys", "status"]).code, Some(0));
        fs::remove_file(deployment.key(&format!("{key}.next"))).expect("removed");
    }
}

#[tokio::test]
async fn file_that_is_no_key_does_not_stop_the_portal() {
    let deployment = Deployment::set_up().await;
    let (_, recipient) = deployment.identity();
    for to in ["data/keys/codes.key.next", "data/../data/keys/other"] {
        let said = deployment.run(&["backup", "keys", "--to", to, "--recipient", &recipient]);
        assert!(said.code == Some(1) && said.err.contains("directory of the keys"), "{to}: {:?} {}", said.code, said.err);
    }
    assert_eq!(deployment.key_files(), KEYS);
    write_key(&deployment.key("codes.key.next"), b"no key");
    assert_eq!(deployment.run(&["keys", "status"]).code, Some(0));
    assert_eq!(deployment.run(&["keys", "tidy"]).code, Some(0));
    drop(Server::start_with(&deployment, &[]));
}

fn write_key(path: &Path, key: &[u8]) {
    fs::write(path, key).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("set");
}
