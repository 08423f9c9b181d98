//! `/v1/tms/pubkeys…`: creating and registering keys, limits, revocation. Lookups by hosts are in `retrieve`.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use serde_json::{Value, json};
use ssh_key::{HashAlg, PrivateKey, PublicKey};
use tms_portal::server::service::{Rng, SystemRng};

use super::api::{ApiClient, changed, key_request, login, named, text};
use super::endpoints::OWN_KEY;
use super::error;
use crate::app::TestApp;

const CREATE: &str = "POST /pubkeys/creds";
const NONE: Value = Value::Null;

/// A line of a `.pub` file from its parts (RFC 4251 §5).
fn line(kind: &str, parts: &[&[u8]]) -> String {
    let mut blob = Vec::new();
    for part in [kind.as_bytes()].iter().chain(parts) {
        blob.extend(u32::try_from(part.len()).expect("a length").to_be_bytes());
        blob.extend(*part);
    }
    format!("{kind} {}", BASE64_STANDARD.encode(blob))
}

fn rsa(bits: usize) -> String {
    let modulus: Vec<u8> = std::iter::once(0).chain(std::iter::repeat_n(0xC5, bits / 8)).collect();
    line("ssh-rsa", &[&[1, 0, 1], &modulus])
}

fn ecdsa(curve: &str, bytes: usize) -> String {
    let point: Vec<u8> = std::iter::once(4).chain(std::iter::repeat_n(7, 2 * bytes)).collect();
    line(&format!("ecdsa-sha2-{curve}"), &[curve.as_bytes(), &point])
}

/// The key pair matches, the fingerprint is OpenSSH's, and both are in OpenSSH's format.
fn assert_openssh(key: &Value) {
    let private = PrivateKey::from_openssh(text(&key["private_key"])).expect("an OpenSSH private key");
    let public = PublicKey::from_openssh(text(&key["public_key"])).expect("an OpenSSH public key");
    assert_eq!(private.public_key().key_data(), public.key_data());
    assert!(!private.is_encrypted() && public.comment().is_empty());
    assert_eq!(text(&key["public_key_fingerprint"]), public.fingerprint(HashAlg::Sha256).to_string());
    assert_eq!(text(&key["public_key"]).split(' ').count(), 2);
}

#[tokio::test]
async fn created_keys_are_in_openssh_format() {
    let app = TestApp::start().await;
    for (word, kind, bits, algorithm) in [
        (json!(null), "ed25519", "256", "ssh-ed25519 "),
        (json!(""), "ed25519", "256", "ssh-ed25519 "),
        (json!("ED25519"), "ed25519", "256", "ssh-ed25519 "),
        (json!("EcDsA"), "ecdsa", "521", "ecdsa-sha2-nistp521 "),
    ] {
        let key = app.client().make_key(json!({ "key_type": word })).await;
        assert_eq!((text(&key["key_type"]), text(&key["key_bits"])), (kind, bits), "{word}");
        assert!(text(&key["public_key"]).starts_with(algorithm));
        assert_openssh(&key);
        assert!(app.unauthenticated().gets_key(&login(&key)).await);
    }
    for word in ["dsa", "ssh-ed25519", "ed25519 ", "rsa4096", "\u{0}", "*"] {
        let (status, sentence) = app.client().refused(CREATE, key_request(json!({ "key_type": word }))).await;
        assert!(status == 400 && sentence.contains("ed25519, ecdsa or rsa"), "{word}: {sentence}");
    }
    assert_eq!(app.client().refusal(CREATE, key_request(json!({ "key_type": ["rsa"] }))).await, 400);
}

/// Random bytes whose first candidates are near two primes, so that an RSA key is found fast; other seeds work, but take seconds.
struct SeededRng(Mutex<u64>);

impl Rng for SeededRng {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.lock().expect("a state");
        for byte in bytes {
            // SplitMix64
            *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            *byte = (mixed >> 56) as u8;
        }
    }
}

#[tokio::test]
async fn rsa_key_has_4096_bits() {
    let lucky = Arc::new(SeededRng(Mutex::new(0)));
    let app = TestApp::start_with_rng(Arc::clone(&lucky) as Arc<dyn Rng>).await;
    *lucky.0.lock().expect("a state") = SEED;
    let key = app.client().make_key(json!({ "key_type": "RSA" })).await;
    assert_eq!((text(&key["key_type"]), text(&key["key_bits"])), ("rsa", "4096"));
    assert_openssh(&key);
}

const SEED: u64 = 0;

/// Random bytes that block until the gate is opened.
#[derive(Default)]
struct BlockingRng {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Rng for BlockingRng {
    fn fill(&self, bytes: &mut [u8]) {
        let open = self.open.lock().expect("a gate");
        // If a key is generated on the test's only thread, this fails instead of blocking forever.
        let (open, _) = self.opened.wait_timeout_while(open, Duration::from_secs(20), |open| !*open).expect("a gate");
        assert!(*open, "the gate stayed closed");
        SystemRng.fill(bytes);
    }
}

/// W19: RSA keys were generated on the threads that handle requests, without a limit. ECDSA keys use the same code and are faster.
#[tokio::test]
async fn slow_key_generation_does_not_block_and_is_limited() {
    const LINE: usize = 16;
    let gate = Arc::new(BlockingRng::default());
    let app = TestApp::start_with_rng(Arc::clone(&gate) as Arc<dyn Rng>).await;
    let client = app.client();
    let slow = || client.call(CREATE, key_request(json!({ "key_type": "ecdsa" })));
    let mut asked: FuturesUnordered<_> = (0..LINE + 4).map(|_| slow()).collect();
    for _ in 0..4 {
        let busy = asked.next().await.expect("an answer");
        assert_eq!((error(&busy), busy.header("retry-after")), (503, "1"), "{}", busy.body);
    }
    assert_eq!(app.unauthenticated().get("/version").await.status, 200);
    assert_eq!(client.get("/client/testclient1").await.status, 200);
    client.make_key(json!({ "public_key": OWN_KEY })).await;
    *gate.open.lock().expect("a gate") = true;
    gate.opened.notify_all();
    assert_eq!(asked.by_ref().map(|answer| answer.status).collect::<Vec<_>>().await, [201; LINE]);
    assert_eq!(slow().await.status, 201, "the line is free again");
}

#[tokio::test]
async fn minus_one_is_unlimited_and_zero_is_none() {
    let app = TestApp::start().await;
    for (uses, max) in [(-1, "2147483647"), (i32::MIN, "2147483647"), (0, "0"), (1, "1"), (i32::MAX, "2147483647")] {
        let key = app.client().make_key(json!({ "num_uses": uses })).await;
        assert_eq!((text(&key["max_uses"]), text(&key["remaining_uses"])), (max, max));
        assert_eq!(app.unauthenticated().gets_key(&login(&key)).await, uses != 0, "{uses} uses");
    }
    for (minutes, ttl, end) in [
        (-1, 2_147_483_647_i64, "9999-12-31T23:59:59+00:00"),
        (i32::MIN, 2_147_483_647, "9999-12-31T23:59:59+00:00"),
        (0, 0, "2026-11-20T12:00:00+00:00"),
        (90, 90, "2026-11-20T13:30:00+00:00"),
        (i32::MAX, 2_147_483_647, "6109-12-13T14:07:00+00:00"),
    ] {
        let key = app.client().make_key(json!({ "ttl_minutes": minutes })).await;
        assert_eq!(text(&key["expires_at"]), end);
        assert_eq!(app.unauthenticated().gets_key(&login(&key)).await, minutes != 0, "{minutes} minutes");
        let all = app.client().get("/pubkeys/list").await.body;
        assert_eq!(all["pubkeys"].as_array().expect("keys").last().expect("a key")["initial_ttl_minutes"], ttl);
    }
}

#[tokio::test]
async fn own_public_key_is_registered() {
    let app = TestApp::start().await;
    let own = async |line: &str| app.client().call(CREATE, key_request(json!({ "public_key": line }))).await;
    for (public, kind, bits) in [
        (format!(" {OWN_KEY}\n"), "ed25519", "256"),
        (ecdsa("nistp256", 32), "ecdsa", "256"),
        (ecdsa("nistp384", 48), "ecdsa", "384"),
        (ecdsa("nistp521", 66), "ecdsa", "521"),
        (rsa(2048), "rsa", "2048"),
        (rsa(4096) + " with a comment", "rsa", "4096"),
    ] {
        let answer = own(&public).await;
        assert_eq!((answer.status, &answer.body["private_key"]), (201, &NONE), "{}", answer.body);
        assert_eq!((text(&answer.body["key_type"]), text(&answer.body["key_bits"])), (kind, bits));
        let plain = public.trim().split(' ').take(2).collect::<Vec<_>>().join(" ");
        assert_eq!(text(&answer.body["public_key"]), plain, "no comment is kept");
        assert_eq!(
            text(&answer.body["public_key_fingerprint"]),
            PublicKey::from_openssh(&plain).expect("a key").fingerprint(HashAlg::Sha256).to_string()
        );
        assert!(app.unauthenticated().gets_key(&login(&answer.body)).await);
        assert_eq!(own(&public).await.status, 409, "once is enough");
    }
}

#[tokio::test]
async fn invalid_public_keys_are_refused_with_the_reason() {
    let app = TestApp::start().await;
    let private = PrivateKey::random(&mut ssh_key::rand_core::OsRng, ssh_key::Algorithm::Ed25519).expect("a key");
    let private = private.to_openssh(ssh_key::LineEnding::LF).expect("PEM").to_string();
    for (public, reason) in [
        (private.as_str(), "it is a private key"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE", "it is a private key"),
        (&rsa(1024), "at least 2048 bits; this one has 1024"),
        (&rsa(2040), "at least 2048 bits; this one has 2040"),
        (&line("ssh-dss", &[&[1], &[1], &[1], &[1]]), "keys are not taken"),
        (&line("sk-ssh-ed25519@openssh.com", &[&[7; 32], b"ssh:"]), "keys are not taken"),
        (&format!("command=\"sh\" {OWN_KEY}"), "something stands before the key"),
        (&format!("{OWN_KEY}\n{OWN_KEY}"), "more than one key"),
        (&format!("{OWN_KEY}\u{202e} of a laptop at home"), "its comment contains invisible characters"),
        (&line("ssh-ed25519", &[&[7; 31]]), "cut off or damaged"),
        (&ecdsa("nistp256", 31), "cut off or damaged"),
        ("ssh-ed25519", "not one line"),
        ("", "not one line"),
        ("*", "not one line"),
        (&"A".repeat(5_000), "not one line"),
    ] {
        let (status, sentence) = app.client().refused(CREATE, key_request(json!({ "public_key": public }))).await;
        assert!(status == 400 && sentence.contains(reason), "{public}: {status} {sentence}");
        assert!(public.len() < 40 || !sentence.contains(&public[public.len() - 20..]), "it comes back: {sentence}");
    }
    assert_eq!(app.client().get("/pubkeys/list").await.body["num_pubkeys"], 0);
}

/// A key is unique per account, not across accounts.
#[tokio::test]
async fn same_key_is_registered_for_several_hosts() {
    let app = TestApp::start().await;
    let (admin, client) = (app.admin("test").await, app.client());
    let link = json!({ "tenant": "test", "tms_user_id": "testuser1", "host": "frontera", "host_account": "jd", "ttl_minutes": -1 });
    admin.done("POST /userhosts", link).await;
    client.make_key(json!({ "public_key": OWN_KEY })).await;
    let there = client.make_key(json!({ "public_key": OWN_KEY, "host": "frontera", "host_account": "jd" })).await;
    client.done("DELETE /pubkeys/del", named(&there, json!({}))).await;
    assert!(!app.unauthenticated().gets_key(&login(&there)).await);
    assert!(
        app.unauthenticated().gets_key(&json!({ "user": "jd", "host": "frontera", "public_key_fingerprint": there["public_key_fingerprint"] })).await
    );
}

/// Missing prerequisites are reported in TMS' format and order: second factor, host account, delegation.
#[tokio::test]
async fn missing_dependency_is_refused() {
    let app = TestApp::start().await;
    let (admin, client) = (app.admin("test").await, app.client());
    let refused = async |why: &str| {
        let (status, sentence) = client.refused(CREATE, key_request(json!({}))).await;
        assert!(status == 403 && sentence.starts_with("Missing or expired dependency: ") && sentence.contains(why), "{why}: {status} {sentence}");
    };
    let mfa = json!({ "tenant": "test", "tms_user_id": "testuser1" });
    let link = changed(mfa.clone(), json!({ "host": "testhost1", "host_account": "testhostaccount1", "ttl_minutes": 0 }));
    let delegation = json!({ "tenant": "test", "client_id": "testclient1", "client_user_id": "testuser1", "ttl_minutes": 0 });
    admin.done("PATCH /delegations/upd", delegation.clone()).await;
    refused("delegation record for client testclient1 and client_user_id testuser1 in tenant test expired at 2026-11-20T12:00:00+00:00").await;
    admin.done("DELETE /delegations/del", delegation).await;
    refused("Required delegation record not found for client testclient1 and client_user_id testuser1 in tenant test").await;
    admin.done("PATCH /userhosts/upd", link.clone()).await;
    refused("host record for user testuser1@test with account testhostaccount1 on host testhost1 expired at 2026-11-20T12:00:00+00:00").await;
    admin.done("DELETE /userhosts/del", link).await;
    refused("Required user host record not found for user testuser1@test with account testhostaccount1 on host testhost1").await;
    admin.done("PATCH /usermfa/upd", changed(mfa.clone(), json!({ "enabled": false }))).await;
    refused("MFA record for user ID testuser1 in tenant test is disabled").await;
    admin.done("DELETE /usermfa/del/testuser1", NONE).await;
    refused("Required user MFA record not found for user ID testuser1 in tenant test").await;
    admin.done("POST /usermfa", changed(mfa, json!({ "ttl_minutes": 0 }))).await;
    refused("MFA record for user ID testuser1 in tenant test expired at 2026-11-20T12:00:00+00:00").await;
    app.switch_person("testuser1", false).await;
    refused("User ID testuser1 in tenant test is disabled").await;
    assert_eq!((app.number("SELECT count(*) FROM pubkeys").await, app.count_audit_events("key_created").await), (0, 0));
}

#[tokio::test]
async fn limit_below_past_uses_ends_logins_immediately() {
    let app = TestApp::start().await;
    let client = app.client();
    for max_uses in [0, 1] {
        let key = client.make_key(json!({ "num_uses": 5 })).await;
        for _ in 0..2 {
            assert!(app.unauthenticated().gets_key(&login(&key)).await);
            app.clock.advance(Duration::from_secs(29));
            assert!(app.unauthenticated().gets_key(&login(&key)).await, "the same login");
            app.clock.advance(Duration::from_secs(2));
        }
        assert!(app.unauthenticated().gets_key(&login(&key)).await);
        client.done("PATCH /pubkeys", named(&key, json!({ "max_uses": max_uses }))).await;
        assert!(!app.unauthenticated().gets_key(&login(&key)).await, "{max_uses}");
    }
}

/// W1: limits could not be changed. Past uses still count.
#[tokio::test]
async fn changed_limits_count_from_the_first_use() {
    let app = TestApp::start().await;
    let client = app.client();
    let key = client.make_key(json!({ "num_uses": 3, "ttl_minutes": 10 })).await;
    let login = login(&key);
    let limits = async |changes: Value| client.done("PATCH /pubkeys", named(&key, changes)).await["fields_updated"].clone();
    let shown = async || {
        let key = client.get("/pubkeys/list").await.body["pubkeys"][0].clone();
        (key["max_uses"].as_u64().expect("uses"), key["remaining_uses"].as_u64().expect("uses"), text(&key["expires_at"]).to_owned())
    };
    let ten = "2026-11-20T12:10:00+00:00";
    for _ in 0..2 {
        assert!(app.unauthenticated().gets_key(&login).await);
        app.clock.advance(Duration::from_secs(30));
    }
    assert_eq!(shown().await, (3, 1, ten.into()));
    assert_eq!(limits(json!({ "max_uses": 5 })).await, 1);
    assert_eq!(shown().await, (5, 3, ten.into()));
    assert_eq!(limits(json!({ "max_uses": 2 })).await, 1);
    assert_eq!(shown().await, (2, 0, ten.into()), "two were made, none is left");
    limits(json!({ "max_uses": 0 })).await;
    limits(json!({ "max_uses": 3 })).await;
    assert_eq!(shown().await, (3, 1, ten.into()), "uses once made stay made, whatever the limit was meanwhile");
    limits(json!({ "max_uses": 2 })).await;
    assert!(!app.unauthenticated().gets_key(&login).await);
    assert_eq!(limits(json!({ "max_uses": 2_147_483_648_u32, "ttl_minutes": 4_294_967_295_u32 })).await, 2);
    assert_eq!(shown().await, (2_147_483_647, 2_147_483_645, "6109-12-13T14:08:00+00:00".into()), "what is too large is cut off");
    assert!(app.unauthenticated().gets_key(&login).await);
    assert_eq!(limits(json!({ "ttl_minutes": 0 })).await, 1);
    assert!(!app.unauthenticated().gets_key(&login).await);
    assert_eq!(limits(json!({ "ttl_minutes": 1 })).await, 1);
    assert!(app.unauthenticated().gets_key(&login).await);
    assert_eq!((limits(json!({})).await, limits(json!({ "max_uses": null, "ttl_minutes": null })).await), (json!(0), json!(0)));
    for wrong in [json!({ "max_uses": -1 }), json!({ "ttl_minutes": -1 }), json!({ "max_uses": 4_294_967_296_u64 }), json!({ "max_uses": "1" })] {
        assert_eq!(client.refusal("PATCH /pubkeys", named(&key, wrong.clone())).await, 400, "{wrong}");
    }
}

/// Registering another person's public key first does not block their registration.
#[tokio::test]
async fn key_for_several_accounts_is_revoked_for_all() {
    let app = TestApp::start().await;
    let (admin, client) = (app.admin("test").await, app.client());
    app.add_all(&admin, "test", "testclient1", "somebody", "testhost1", "theirs").await;
    let theirs = json!({ "public_key": OWN_KEY, "client_user_id": "somebody", "host_account": "theirs" });
    let first = client.make_key(theirs).await;
    let second = client.make_key(json!({ "public_key": OWN_KEY })).await;
    assert!(app.unauthenticated().gets_key(&login(&second)).await);
    let as_theirs = changed(login(&first), json!({ "user": "theirs" }));
    assert!(app.unauthenticated().gets_key(&as_theirs).await);
    assert_eq!(client.done("DELETE /pubkeys/del", named(&first, json!({}))).await["num_deleted"], 2);
    assert!(!app.unauthenticated().gets_key(&login(&second)).await && !app.unauthenticated().gets_key(&as_theirs).await);
}

#[tokio::test]
async fn client_manages_own_keys_and_administrator_all() {
    let app = TestApp::start().await;
    let (admin, client) = (app.admin("test").await, app.client());
    let other = app.add_client(&admin, "test", "other").await;
    let key = client.make_key(json!({})).await;
    let number = client.get("/pubkeys/list").await.body["pubkeys"][0]["id"].clone();
    let one = format!("GET /pubkeys/id/{number}");
    let reaches = async |caller: &ApiClient| (caller.call(&one, NONE).await.status, caller.get("/pubkeys/list").await.body["num_pubkeys"].as_u64());
    assert_eq!((reaches(&client).await, reaches(&admin).await, reaches(&other).await), ((200, Some(1)), (200, Some(1)), (404, Some(0))));
    for (changes, patched, deleted) in [
        (json!({}), 403, 403),
        (json!({ "client_id": "other" }), 404, 200),
        (json!({ "tenant": "default" }), 403, 403),
        (json!({ "client_id": "other", "tenant": "default" }), 403, 403),
    ] {
        let patch = other.call("PATCH /pubkeys", named(&key, changed(json!({ "max_uses": 0 }), changes.clone()))).await;
        let delete = other.call("DELETE /pubkeys/del", named(&key, changes.clone())).await;
        assert_eq!((patch.status, delete.status), (patched, deleted), "{changes}");
    }
    assert_eq!(admin.refusal("PATCH /pubkeys", named(&key, json!({ "client_id": "other", "max_uses": 0 }))).await, 404, "that is not other's");
    assert!(app.unauthenticated().gets_key(&login(&key)).await);
    assert_eq!(admin.done("DELETE /pubkeys/del", named(&key, json!({}))).await["num_deleted"], 1);
    assert!(!app.unauthenticated().gets_key(&login(&key)).await);
}

#[tokio::test]
async fn concurrently_created_keys_are_distinct() {
    let app = TestApp::start().await;
    let client = app.client();
    let keys = join_all((0..40).map(|_| client.make_key(json!({ "num_uses": 1 })))).await;
    let mut numbers: Vec<i64> = Vec::new();
    for listed in client.get("/pubkeys/list").await.body["pubkeys"].as_array().expect("keys") {
        assert!(
            keys.iter().any(|key| key["public_key"] == listed["public_key"] && key["public_key_fingerprint"] == listed["public_key_fingerprint"])
        );
        numbers.push(listed["id"].as_i64().expect("a number"));
    }
    numbers.dedup();
    assert_eq!((numbers.len(), app.count_audit_events("key_created").await), (40, 40));
    let same = join_all((0..8).map(|_| client.call(CREATE, key_request(json!({ "public_key": OWN_KEY }))))).await;
    let mut statuses: Vec<u16> = same.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
}
