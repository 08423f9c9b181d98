//! Logins during outages: with recently cached responses only, and only if the cache is enabled.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::desk::{Desk, FINGERPRINT, LINE, OTHER_LINE};
use crate::portal::{self, FakePortal, http, key, not_found};

const SETTINGS: &str = "cache_dir = \"FOLDER/cache\"\ncache_seconds = 300";

fn kept(desk: &Desk) -> Vec<PathBuf> {
    fs::read_dir(desk.path("cache")).expect("a folder").map(|entry| entry.expect("an entry").path()).collect()
}

/// Cache entries depend on the portal's URL, so an outage must be a different response of the same server.
fn changing(answers: Vec<String>) -> FakePortal {
    let answers = Mutex::new(answers.into_iter());
    FakePortal::doing(move |mut stream, asked| {
        if let Some(request) = portal::read(&mut stream) {
            let _ = asked.send(request);
        }
        let answer = answers.lock().expect("unpoisoned").next();
        let _ = stream.write_all(answer.unwrap_or_default().as_bytes());
    })
}

fn desk_with(answers: Vec<String>, more: &str) -> (FakePortal, Desk) {
    let portal = changing(answers);
    let desk = Desk::with(&portal.url(), &format!("{SETTINGS}\n{more}"));
    desk.make_folder("cache", 0o700);
    (portal, desk)
}

#[test]
fn cache_is_off_by_default() {
    let (portal, desk) = desk_with(vec![key(LINE, None)], "");
    desk.set(&portal.url(), "");
    desk.ask().said(LINE);
    assert!(kept(&desk).is_empty());
    desk.ask().said_nothing("is unreachable");
}

#[test]
fn recently_used_key_logs_in_during_an_outage() {
    for outage in [http("500 Internal Server Error", ""), http("503 Service Unavailable", ""), String::new()] {
        let (_portal, desk) = desk_with(vec![key(LINE, Some("2126-11-21T05:00:00+00:00")), outage], "expiry_time = true");
        let line = format!("expiry-time=\"21261121050000Z\" {LINE}");
        desk.ask().said(&line);
        let ran = desk.ask();
        ran.said(&line);
        assert!(ran.log.lines().last().is_some_and(|last| last.contains("from the cache")), "{}", ran.log);
        let files = kept(&desk);
        assert_eq!(files.len(), 1);
        let mode = fs::metadata(&files[0]).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn hanging_portal_leaves_time_for_the_cache() {
    let calls = AtomicUsize::new(0);
    let portal = FakePortal::doing(move |mut stream, _| {
        let _ = portal::read(&mut stream);
        if calls.fetch_add(1, Ordering::SeqCst) == 0 {
            let _ = stream.write_all(key(LINE, None).as_bytes());
        } else {
            let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
            while stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {}
        }
    });
    let desk = Desk::with(&portal.url(), SETTINGS);
    desk.make_folder("cache", 0o700);
    desk.ask().said(LINE);
    desk.ask().said(LINE);
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
        let (_portal, desk) = desk_with(vec![key(LINE, None), answer], "");
        desk.ask().said(LINE);
        desk.ask().said_nothing(reason);
    }
}

#[test]
fn denial_deletes_the_cached_key() {
    let (_portal, desk) = desk_with(vec![key(LINE, None), not_found(), http("503 Service Unavailable", "")], "");
    desk.ask().said(LINE);
    desk.ask().said_no("no such authorized key");
    assert!(kept(&desk).is_empty());
    desk.ask().said_nothing("no entry");
}

#[test]
fn cached_key_is_for_one_user_and_key() {
    let (_portal, desk) = desk_with(vec![key(LINE, None)], "");
    desk.ask().said(LINE);
    desk.ask_for("root2", "1000", FINGERPRINT, "ssh-ed25519").said_nothing("no entry");
    desk.ask_for("jdoe", "1001", FINGERPRINT, "ssh-ed25519").said_nothing("no entry");
    desk.ask_for("jdoe", "1000", "SHA256:8bR/fgKkernxc0ND5FI1f+D8bR/fgKkernxc0ND5FI0", "ssh-ed25519").said_nothing("no entry");
    // Responses of another portal are not used.
    desk.set(&portal::nobody(), SETTINGS);
    desk.ask().said_nothing("no entry");
}

#[test]
fn old_expired_or_changed_entries_are_refused() {
    let rewrite = |change: &dyn Fn(&mut serde_json::Value), reason: &str| {
        let (_portal, desk) = desk_with(vec![key(LINE, Some("2126-11-21T05:00:00+00:00"))], "");
        desk.ask().said(LINE);
        let file = kept(&desk).remove(0);
        let mut kept: serde_json::Value = serde_json::from_slice(&fs::read(&file).expect("read")).expect("JSON");
        change(&mut kept);
        fs::write(&file, kept.to_string()).expect("written");
        desk.ask().said_nothing(reason);
    };
    let kept_at = |kept: &serde_json::Value| kept["kept_at"].as_i64().expect("millis");
    rewrite(&|kept| kept["kept_at"] = (kept_at(kept) - 300_000).into(), "too old");
    rewrite(&|kept| kept["kept_at"] = (kept_at(kept) + 3_600_000).into(), "the clock");
    rewrite(&|kept| kept["expires_at"] = (kept_at(kept) - 1).into(), "expired");
    rewrite(&|kept| kept["user"] = "root".into(), "another user");
    rewrite(&|kept| kept["public_key"] = OTHER_LINE.into(), "tampered");
    rewrite(&|kept| kept["public_key"] = format!("command=\"id\" {LINE}").into(), "tampered");
    rewrite(&|kept| kept["public_key"] = format!("{LINE}\n{OTHER_LINE}").into(), "tampered");
    rewrite(&|kept| *kept = serde_json::json!([]), "damaged");
}

#[test]
fn directory_writable_by_others_is_not_used() {
    let (_portal, desk) = desk_with(vec![key(LINE, None), key(LINE, None)], "");
    desk.ask().said(LINE);
    let set = |mode| fs::set_permissions(desk.path("cache"), Permissions::from_mode(mode)).expect("set");
    set(0o777);
    // The portal's response is enough; the failure to cache it is logged.
    let ran = desk.ask();
    ran.said(LINE);
    assert!(ran.log.lines().last().is_some_and(|last| last.contains("not cached")), "{}", ran.log);
    desk.ask().said_nothing("writable by users other than its owner");
    set(0o700);
    desk.ask().said(LINE);
}
