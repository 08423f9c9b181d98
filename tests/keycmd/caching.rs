//! Logins during outages: with recently cached responses only, and only if the cache is enabled.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::host::{FINGERPRINT, Host, LINE, OTHER_LINE};
use crate::portal::{self, FakePortal, http, key, not_found};

const SETTINGS: &str = "cache_dir = \"FOLDER/cache\"\ncache_seconds = 300";

fn kept(host: &Host) -> Vec<PathBuf> {
    fs::read_dir(host.path("cache")).expect("a folder").map(|entry| entry.expect("an entry").path()).collect()
}

/// Cache entries depend on the portal's URL, so an outage must be a different response of the same server.
fn responding_in_turn(answers: Vec<String>) -> FakePortal {
    let answers = Mutex::new(answers.into_iter());
    FakePortal::serving(move |mut stream, requests| {
        if let Some(request) = portal::read(&mut stream) {
            let _ = requests.send(request);
        }
        let answer = answers.lock().expect("unpoisoned").next();
        let _ = stream.write_all(answer.unwrap_or_default().as_bytes());
    })
}

fn host_with(answers: Vec<String>, more: &str) -> (FakePortal, Host) {
    let portal = responding_in_turn(answers);
    let host = Host::with(&portal.url(), &format!("{SETTINGS}\n{more}"));
    host.make_folder("cache", 0o700);
    (portal, host)
}

#[test]
fn cache_is_off_by_default() {
    let (portal, host) = host_with(vec![key(LINE, None)], "");
    host.set(&portal.url(), "");
    host.look_up().assert_output(LINE);
    assert!(kept(&host).is_empty());
    host.look_up().assert_failed("is unreachable");
}

#[test]
fn recently_used_key_logs_in_during_an_outage() {
    for outage in [http("500 Internal Server Error", ""), http("503 Service Unavailable", ""), String::new()] {
        let (_portal, host) = host_with(vec![key(LINE, Some("2126-11-21T05:00:00+00:00")), outage], "expiry_time = true");
        let line = format!("expiry-time=\"21261121050000Z\" {LINE}");
        host.look_up().assert_output(&line);
        let run = host.look_up();
        run.assert_output(&line);
        assert!(run.log.lines().last().is_some_and(|last| last.contains("from the cache")), "{}", run.log);
        let files = kept(&host);
        assert_eq!(files.len(), 1);
        let mode = fs::metadata(&files[0]).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn hanging_portal_leaves_time_for_the_cache() {
    let calls = AtomicUsize::new(0);
    let portal = FakePortal::serving(move |mut stream, _| {
        let _ = portal::read(&mut stream);
        if calls.fetch_add(1, Ordering::SeqCst) == 0 {
            let _ = stream.write_all(key(LINE, None).as_bytes());
        } else {
            let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
            while stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {}
        }
    });
    let host = Host::with(&portal.url(), SETTINGS);
    host.make_folder("cache", 0o700);
    host.look_up().assert_output(LINE);
    host.look_up().assert_output(LINE);
}

#[test]
fn responses_take_precedence_over_the_cache() {
    for (answer, reason) in [
        (http("401 Unauthorized", ""), "credential"),
        (http("403 Forbidden", ""), "credential"),
        (http("429 Too Many Requests", ""), "429"),
        (http("400 Bad Request", ""), "HTTP 400"),
        (http("200 OK", "{}"), "invalid response"),
        (key(OTHER_LINE, None), "a different key"),
        (http("302 Found", ""), "redirect refused"),
    ] {
        let (_portal, host) = host_with(vec![key(LINE, None), answer], "");
        host.look_up().assert_output(LINE);
        host.look_up().assert_failed(reason);
    }
}

#[test]
fn denial_deletes_the_cached_key() {
    let (_portal, host) = host_with(vec![key(LINE, None), not_found(), http("503 Service Unavailable", "")], "");
    host.look_up().assert_output(LINE);
    host.look_up().assert_denied("no such authorized key");
    assert!(kept(&host).is_empty());
    host.look_up().assert_failed("no entry");
}

#[test]
fn cached_key_is_for_one_user_and_key() {
    let (_portal, host) = host_with(vec![key(LINE, None)], "");
    host.look_up().assert_output(LINE);
    host.look_up_as("root2", "1000", FINGERPRINT, "ssh-ed25519").assert_failed("no entry");
    host.look_up_as("jdoe", "1001", FINGERPRINT, "ssh-ed25519").assert_failed("no entry");
    host.look_up_as("jdoe", "1000", "SHA256:8bR/fgKkernxc0ND5FI1f+D8bR/fgKkernxc0ND5FI0", "ssh-ed25519").assert_failed("no entry");
    // Responses of another portal are not used.
    host.set(&portal::unused_url(), SETTINGS);
    host.look_up().assert_failed("no entry");
}

#[test]
fn old_expired_or_changed_entries_are_refused() {
    let rewrite = |change: &dyn Fn(&mut serde_json::Value), reason: &str| {
        let (_portal, host) = host_with(vec![key(LINE, Some("2126-11-21T05:00:00+00:00"))], "");
        host.look_up().assert_output(LINE);
        let file = kept(&host).remove(0);
        let mut kept: serde_json::Value = serde_json::from_slice(&fs::read(&file).expect("read")).expect("JSON");
        change(&mut kept);
        fs::write(&file, kept.to_string()).expect("written");
        host.look_up().assert_failed(reason);
    };
    let cached_at = |kept: &serde_json::Value| kept["kept_at"].as_i64().expect("millis");
    rewrite(&|kept| kept["kept_at"] = (cached_at(kept) - 300_000).into(), "too old");
    rewrite(&|kept| kept["kept_at"] = (cached_at(kept) + 3_600_000).into(), "the clock");
    rewrite(&|kept| kept["expires_at"] = (cached_at(kept) - 1).into(), "expired");
    rewrite(&|kept| kept["user"] = "root".into(), "another user");
    rewrite(&|kept| kept["public_key"] = OTHER_LINE.into(), "tampered");
    rewrite(&|kept| kept["public_key"] = format!("command=\"id\" {LINE}").into(), "tampered");
    rewrite(&|kept| kept["public_key"] = format!("{LINE}\n{OTHER_LINE}").into(), "tampered");
    rewrite(&|kept| *kept = serde_json::json!([]), "damaged");
}

#[test]
fn directory_writable_by_others_is_not_used() {
    let (_portal, host) = host_with(vec![key(LINE, None), key(LINE, None)], "");
    host.look_up().assert_output(LINE);
    let set = |mode| fs::set_permissions(host.path("cache"), Permissions::from_mode(mode)).expect("set");
    set(0o777);
    // The portal's response is enough; the failure to cache it is logged.
    let run = host.look_up();
    run.assert_output(LINE);
    assert!(run.log.lines().last().is_some_and(|last| last.contains("not cached")), "{}", run.log);
    host.look_up().assert_failed("writable by users other than its owner");
    set(0o700);
    host.look_up().assert_output(LINE);
}
