//! Rotating the keys that sign tokens, while portals run.

use std::time::Duration;

use futures_util::future::join;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use tms_portal::domain::ids::SigningKeyId;
use tms_portal::server::service::Error;
use tms_portal::server::service::platform::keystore::RotatedKey;
use tms_portal::server::service::platform::signing_keys::{CompromisedKeys, SigningKeysRefused};

use crate::app::{Answer, TestApp};

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const EVERY: Option<Duration> = Some(Duration::from_secs(90 * 24 * 60 * 60));
/// The active and the next key of each algorithm.
const FIRST_KEYS: usize = 4;

impl TestApp {
    /// A token for the longest time that the consent page offers.
    async fn long_token(&self) -> String {
        let device = self.start_device().await;
        let browser = self.signed_in().await;
        let mut form = browser.enter(&device.user_code).await.form("/api/device/decide");
        form.retain(|(name, _)| !["started_this", "lifetime"].contains(&name.as_str()));
        let mut form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        form.extend([("decision", "allow"), ("started_this", "yes"), ("lifetime", "2592000")]);
        browser.post("/api/device/decide", &form).await;
        self.poll(&device).await.token()
    }

    async fn key_set(&self) -> JwkSet {
        let answer = Answer::of(self.http.get(self.tenant("/oauth/jwks"))).await;
        serde_json::from_value(answer.body).expect("keys")
    }

    async fn published(&self) -> Vec<String> {
        self.key_set().await.keys.into_iter().filter_map(|key| key.common.key_id).collect()
    }

    /// Whether a resource server that fetches the keys now accepts the signature of a token.
    async fn is_signed_by_published_key(&self, token: &str) -> bool {
        let keys = self.key_set().await;
        let mut rules = Validation::new(Algorithm::RS256);
        (rules.validate_exp, rules.validate_aud) = (false, false);
        let Some(key) = keys.find(&kid(token)) else { return false };
        jsonwebtoken::decode::<Value>(token, &DecodingKey::from_jwk(key).expect("a key"), &rules).is_ok()
    }

    async fn accepts(&self, token: &str) -> bool {
        let status = self.api("/v1/tms/me", token).await.status;
        assert!([200, 401].contains(&status), "{status}");
        status == 200
    }

    /// The states of the keys that sign RS256: the active one first.
    async fn states(&self) -> Vec<String> {
        self.texts("SELECT state FROM signing_keys WHERE algorithm = 'RS256' ORDER BY state").await
    }

    async fn rotate_at_once(&self) {
        self.clock.advance(DAY);
        self.services.rotate_signing_keys().await.expect("rotated");
    }
}

fn kid(token: &str) -> String {
    jsonwebtoken::decode_header(token).expect("a header").kid.expect("a key ID")
}

#[tokio::test]
async fn tokens_of_three_keys_are_valid_until_they_end() {
    let app = TestApp::start().await;
    let mut tokens = vec![app.long_token().await];
    let announced = app.published().await;
    assert_eq!(announced.len(), FIRST_KEYS);
    for _ in 0..2 {
        app.rotate_at_once().await;
        tokens.push(app.long_token().await);
    }
    let kids: Vec<String> = tokens.iter().map(|token| kid(token)).collect();
    assert!(kids[0] != kids[1] && kids[1] != kids[2] && kids[0] != kids[2], "{kids:?}");
    assert!(announced.contains(&kids[1]), "the second key was published before it signed");
    assert_eq!(app.states().await, ["active", "next", "retired", "retired"]);
    for token in &tokens {
        assert!(app.accepts(token).await && app.is_signed_by_published_key(token).await);
    }
    assert_eq!(app.count_audit_events("signing_key_rotated").await, 4, "two of each algorithm");

    // The first key is retired for a day, the second one since now.
    app.clock.advance(DAY * 29);
    app.services.maintain_signing_keys(None).await.expect("maintained");
    assert_eq!(app.published().await.contains(&kids[0]), app.accepts(&tokens[0]).await);
    assert_eq!(app.states().await, ["active", "next", "retired"]);
    assert!(app.accepts(&tokens[2]).await && app.is_signed_by_published_key(&tokens[2]).await);
    app.clock.advance(DAY);
    app.services.maintain_signing_keys(None).await.expect("maintained");
    assert_eq!(app.states().await, ["active", "next"]);
    assert_eq!(app.count_audit_events("signing_key_compromised").await, 0, "they were no longer needed");
}

#[tokio::test]
async fn keys_are_rotated_after_90_days_without_a_restart() {
    let app = TestApp::start().await;
    let [first, next] = [app.token().await, app.published().await[1].clone()];
    app.services.maintain_signing_keys(EVERY).await.expect("nothing is due");
    app.clock.advance(DAY * 90 - HOUR);
    app.services.maintain_signing_keys(EVERY).await.expect("nothing is due");
    assert_eq!(kid(&app.token().await), kid(&first));
    app.clock.advance(HOUR);
    app.services.maintain_signing_keys(None).await.expect("by command only");
    assert_eq!(kid(&app.token().await), kid(&first));
    app.services.maintain_signing_keys(EVERY).await.expect("rotated");
    assert_eq!(kid(&app.token().await), next);
    assert_eq!(app.texts("SELECT tenant_id FROM activity WHERE kind = 'signing_key_rotated'").await, ["default", "default"]);
    app.services.maintain_signing_keys(EVERY).await.expect("nothing is due");
    assert_eq!(app.count_audit_events("signing_key_rotated").await, 2);
}

#[tokio::test]
async fn next_key_is_published_for_a_day_before_it_signs() {
    let app = TestApp::start().await;
    app.clock.advance(DAY - HOUR);
    let refused = app.services.rotate_signing_keys().await.expect_err("too early");
    assert!(matches!(refused, Error::Refused(SigningKeysRefused::Ring(_))), "{refused:?}");
    app.services.maintain_signing_keys(Some(HOUR)).await.expect("nothing is done");
    assert_eq!(app.states().await, ["active", "next"]);
    app.clock.advance(HOUR);
    app.services.rotate_signing_keys().await.expect("rotated");
    assert!(app.services.rotate_signing_keys().await.is_err(), "the key after it is new");
}

#[tokio::test]
async fn compromised_key_is_refused_at_once() {
    let app = TestApp::start().await;
    let old = app.long_token().await;
    app.rotate_at_once().await;
    let token = app.long_token().await;
    let (before, next) = (app.published().await, app.texts("SELECT kid FROM signing_keys WHERE state = 'next'").await);
    let named = app.services.compromised_keys(&CompromisedKeys::Active).await.expect("keys");
    assert!(named.len() == 2 && named.iter().any(|key| key.id.as_str() == kid(&token)));
    assert_eq!(app.published().await, before, "nothing was changed");

    app.services.end_compromised_keys(&CompromisedKeys::Active).await.expect("ended");
    assert!(!app.accepts(&token).await && !app.published().await.contains(&kid(&token)));
    assert!(app.accepts(&old).await, "the key before is not compromised");
    let new = app.long_token().await;
    assert!(next.contains(&kid(&new)) && app.accepts(&new).await, "clients have this key already");
    assert_eq!(app.texts("SELECT admin_id FROM activity WHERE kind = 'signing_key_compromised'").await, ["operator:", "operator:"]);

    let one = CompromisedKeys::One(SigningKeyId::parse(kid(&old)).expect("an id"));
    app.services.end_compromised_keys(&one).await.expect("ended");
    assert!(!app.accepts(&old).await && app.accepts(&new).await);
    let refused = app.services.end_compromised_keys(&one).await.expect_err("it is gone");
    assert!(matches!(refused, Error::Refused(SigningKeysRefused::Unknown(_))), "{refused:?}");

    let before = app.published().await;
    app.services.end_compromised_keys(&CompromisedKeys::All).await.expect("ended");
    let after = app.published().await;
    assert!(after.len() == FIRST_KEYS && !after.iter().any(|kid| before.contains(kid)), "{after:?}");
    assert!(!app.accepts(&new).await);
    let newest = app.long_token().await;
    assert!(app.accepts(&newest).await);
}

#[tokio::test]
async fn portals_of_a_database_use_the_same_keys() {
    let one = TestApp::start().await;
    let other = one.second_portal().await;
    assert_eq!(one.published().await, other.published().await);
    let earlier = other.long_token().await;
    one.rotate_at_once().await;
    // The other portal has not noticed yet.
    let late = other.long_token().await;
    assert_eq!(kid(&late), kid(&earlier));
    assert!(one.is_signed_by_published_key(&late).await);
    assert!(other.services.reload_keys().await.expect("read"));
    assert!(!other.services.reload_keys().await.expect("read"), "there is nothing new");
    assert_eq!(one.published().await, other.published().await);
    let new = other.long_token().await;
    assert_eq!(kid(&new), kid(&one.token().await));
    for token in [&earlier, &late, &new] {
        assert!(other.accepts(token).await);
    }

    let ready = async |portal: &TestApp| portal.http.get(portal.url("/readyz")).send().await.expect("an answer").status();
    one.services.end_compromised_keys(&CompromisedKeys::All).await.expect("ended");
    assert_eq!(ready(&other).await, 200, "it follows");
    assert_eq!(one.published().await, other.published().await);
    assert!(!other.accepts(&new).await);

    one.clock.advance(DAY * 90);
    let both = join(one.services.maintain_signing_keys(EVERY), other.services.maintain_signing_keys(EVERY)).await;
    assert!(both.0.is_ok() && both.1.is_ok());
    for portal in [&one, &other] {
        portal.services.reload_keys().await.expect("read");
    }
    assert_eq!(one.published().await, other.published().await);
    assert_eq!(one.states().await, ["active", "next", "retired"], "one of them rotated");
}

/// A rotation is one transaction: it is done, or nothing is.
#[tokio::test]
async fn rotation_that_fails_changes_nothing() {
    let mut app = TestApp::start().await;
    let token = app.long_token().await;
    let before = app.published().await;
    app.clock.advance(DAY * 90);
    for (kind, table) in [("UPDATE", "signing_keys"), ("INSERT", "signing_keys"), ("INSERT", "activity")] {
        app.refuse_writes(kind, table).await;
        assert!(app.services.rotate_signing_keys().await.is_err(), "{kind} {table}");
        assert!(app.services.end_compromised_keys(&CompromisedKeys::Active).await.is_err(), "{kind} {table}");
        assert!(app.services.maintain_signing_keys(EVERY).await.is_err(), "{kind} {table}");
        app.allow_writes(table).await;
        assert_eq!(app.published().await, before, "{kind} {table}");
        app.clock.advance(HOUR);
    }
    app.restart().await;
    assert_eq!(app.published().await, before);
    let after = app.token().await;
    assert_eq!(kid(&after), kid(&token));
    app.services.rotate_signing_keys().await.expect("rotated");
    assert_eq!(app.states().await, ["active", "next", "retired"]);
}

/// As a portal that was killed before it created a key, or a row that was deleted by hand, left it.
#[tokio::test]
async fn missing_keys_are_created() {
    let app = TestApp::start().await;
    let token = app.long_token().await;
    app.sql("DELETE FROM signing_keys WHERE state = 'next'").await;
    app.services.reload_keys().await.expect("read");
    assert!(app.accepts(&token).await && app.services.rotate_signing_keys().await.is_err());
    app.services.maintain_signing_keys(EVERY).await.expect("created");
    assert_eq!(app.published().await.len(), FIRST_KEYS);
    app.sql("DELETE FROM signing_keys WHERE state = 'active'").await;
    app.clock.advance(HOUR);
    app.services.maintain_signing_keys(EVERY).await.expect("activated");
    assert_eq!(app.states().await, ["active", "next"]);
    let new = app.token().await;
    assert!(app.accepts(&new).await && !app.accepts(&token).await);
}

/// Older releases have one key, in a file.
#[tokio::test]
async fn key_of_an_older_release_becomes_the_first_one() {
    let mut app = TestApp::start().await;
    let token = app.token().await;
    app.sql(
        "INSERT INTO deployment (name, value) SELECT 'key:signing-key.pem', kid FROM signing_keys WHERE algorithm = 'RS256' AND state = 'active'",
    )
    .await;
    app.sql("DELETE FROM signing_keys").await;
    app.restart().await;
    assert_eq!(app.published().await.len(), FIRST_KEYS);
    assert!(app.is_signed_by_published_key(&token).await, "tokens from before the upgrade are valid");
    let after = app.token().await;
    assert_eq!(kid(&after), kid(&token));
    // From then on the file is not needed.
    std::fs::remove_file(app.data_dir.join("keys/signing-key.pem")).expect("removed");
    app.restart().await;
    assert!(app.is_signed_by_published_key(&token).await);
    app.rotate_at_once().await;
    app.restart().await;
    assert!(app.is_signed_by_published_key(&token).await);
}

#[tokio::test]
async fn signing_keys_are_sealed_and_follow_a_new_secrets_key() {
    let mut app = TestApp::start().await;
    let token = app.long_token().await;
    app.rotate_at_once().await;
    let keys = app.published().await;
    app.services.prepare_key(RotatedKey::Secrets).await.expect("prepared");
    assert!(app.services.activate_key(RotatedKey::Secrets).await.expect("activated"));
    app.restart().await;
    assert_eq!(app.published().await, keys, "the previous key opens them");
    app.clock.advance(Duration::from_secs(5));
    app.services.finish_key(RotatedKey::Secrets, false, false, |_| {}).await.expect("finished");
    app.services.arrange_key_files(RotatedKey::Secrets).await.expect("renamed");
    app.restart().await;
    assert_eq!(app.published().await, keys);
    assert!(app.services.lost_secrets().await.expect("read").is_empty());
    assert!(app.is_signed_by_published_key(&token).await);
    app.rotate_at_once().await;
    if !crate::postgres::is_used() {
        let bytes = std::fs::read(app.data_dir.join("tms-portal.db")).expect("read");
        let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(has(&keys[0]) && !has("PRIVATE KEY"), "only the ids can be read");
    }
}

#[tokio::test]
async fn key_that_cannot_be_opened_is_not_used_and_can_be_replaced() {
    let mut app = TestApp::start().await;
    app.clock.advance(DAY);
    app.sql("UPDATE signing_keys SET key_sealed = (SELECT key_sealed FROM signing_keys s WHERE s.algorithm = 'ES256' AND s.state = 'next')").await;
    app.restart().await;
    assert_eq!(app.published().await.len(), 1, "what was sealed for another row is not accepted");
    assert_eq!(app.services.lost_secrets().await.expect("read"), ["signing keys"]);
    let device = app.start_device().await;
    app.allow(&device).await;
    assert_eq!(app.poll(&device).await.status, 500);
    app.services.maintain_signing_keys(EVERY).await.expect("they are left to the operator");
    assert_eq!(app.published().await.len(), 1);
    let refused = app.services.rotate_signing_keys().await.expect_err("refused");
    assert!(matches!(refused, Error::Refused(SigningKeysRefused::Lost(_))), "{refused:?}");
    app.services.end_compromised_keys(&CompromisedKeys::Active).await.expect("replaced");
    assert_eq!(app.published().await.len(), FIRST_KEYS);
    let token = app.poll(&device).await.token();
    assert!(app.accepts(&token).await, "the device was not lost");
}

#[tokio::test]
async fn times_of_a_clock_that_was_ahead_are_corrected() {
    let app = TestApp::start().await;
    app.clock.advance(DAY * 1_000);
    app.services.maintain_signing_keys(EVERY).await.expect("rotated");
    app.clock.set_back(DAY * 1_000);
    app.services.maintain_signing_keys(EVERY).await.expect("corrected");
    let ahead = "SELECT count(*) FROM signing_keys WHERE created_at > 1795176000000 OR activated_at > 1795176000000 OR retired_at > 1795176000000";
    assert_eq!(app.number(ahead).await, 0);
    assert_eq!(app.number("SELECT count(*) FROM signing_keys WHERE remove_at - retired_at = 2592000000").await, 2, "kept as long as before");
    app.clock.advance(DAY);
    app.services.rotate_signing_keys().await.expect("rotated");
}

/// `keys status` of the program and `/oauth/jwks` name the same keys.
#[tokio::test]
async fn status_names_all_keys() {
    let app = TestApp::start().await;
    app.rotate_at_once().await;
    let status = serde_json::to_value(app.services.signing_key_status().await.expect("a status")).expect("JSON");
    let keys = status.as_array().expect("keys");
    let kids: Vec<_> = keys.iter().map(|key| key["kid"].as_str().expect("an id").to_owned()).collect();
    assert_eq!(kids, app.published().await);
    let states: Vec<_> = keys.iter().map(|key| json!([key["algorithm"], key["state"], key["usable"]])).collect();
    let expected = |algorithm: &str| ["active", "next", "retired"].map(|state| json!([algorithm, state, true]));
    assert_eq!(states, [expected("RS256"), expected("ES256")].concat());
    assert_eq!((&keys[0]["activated_at"], &keys[1]["usable_at"]), (&"2026-11-21T12:00:00+00:00".into(), &"2026-11-22T12:00:00+00:00".into()));
    assert_eq!(keys[2]["remove_at"], "2026-12-21T12:00:00+00:00");
}
