//! For every key, the answer after the import is one that the old server gave; and it is the same if the import has no reason against it.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use tms_portal::domain::ids::{HostName, TenantId};
use tms_portal::server::service::tms_import::compare::KeysToCompare;
use tms_portal::server::service::tms_import::options::ImportOptions;
use tms_portal::server::service::tms_import::report::Reason;
use tms_portal::server::service::tms_import::{Mode, Outcome, Source};

use super::example::{FREE, SECRET};
use super::old::{MVP, NEVER, Old, PAST, TestKey, secret_hash};
use crate::app::TestApp;

const SEEDS: [u64; 3] = [1, 2, 3];
const KEYS: u16 = 150;
const TENANTS: [&str; 2] = ["tacc", "other"];
const CLIENTS: [&str; 5] = ["tapis", "off", "hub", "my app", "deleted"];
const USERS: [&str; 8] = ["jdoe", "asmith", "late", "gone", "a:b", "nobody", "DOMAIN\\user", "eve@tacc"];
const HOSTS: [&str; 4] = ["frontera", "Vista", "vista", "ls6"];

/// A key as the old server returns it: to this account, on this host, for this fingerprint.
struct OldKey {
    account: String,
    host: &'static str,
    key: TestKey,
}

fn chosen<T: Copy>(random: &mut StdRng, values: &[T]) -> T {
    *values.choose(random).expect("one of them")
}

/// Rows of all kinds in random combinations, as the old server's tools leave them.
fn random_database(random: &mut StdRng) -> (Old, Vec<OldKey>) {
    let mut old = Old::default();
    let mut number = 0;
    let mut next = || {
        number += 1;
        number.to_string()
    };
    let times = [MVP, NEVER, PAST, "2026-12-24 12:00:00-06", "infinity", "no time"];
    for tenant in TENANTS {
        let enabled = if random.random_ratio(1, 8) { "0" } else { "1" };
        old.add("tenants", &[&next(), tenant, enabled]);
        for client in CLIENTS.iter().filter(|client| **client != "deleted") {
            let enabled = if *client == "off" { "0" } else { "1" };
            old.add("clients", &[&next(), tenant, client, "1", client, &secret_hash(SECRET), enabled]);
        }
        for user in USERS.iter().filter(|user| **user != "nobody") {
            let enabled = if *user == "gone" { "0" } else { "1" };
            old.add("user_mfa", &[&next(), tenant, user, chosen(random, &times), enabled]);
        }
        for user in USERS {
            for host in HOSTS {
                for account in [user, "root"] {
                    if random.random_ratio(3, 4) {
                        old.add("user_hosts", &[&next(), tenant, user, host, account, chosen(random, &times)]);
                    }
                }
            }
            for client in CLIENTS {
                if random.random_ratio(3, 4) {
                    old.add("delegations", &[&next(), tenant, client, user, chosen(random, &times)]);
                }
            }
        }
    }
    let mut keys = Vec::new();
    for n in 0..KEYS {
        let key = TestKey::ed25519(n);
        let key = match random.random_range(0..10) {
            0 => TestKey { fingerprint: TestKey::ed25519(n + 1_000).fingerprint, ..key },
            1 => TestKey { stored: "ssh-ed25519 AAAA".to_owned(), ..key },
            2 => key.with_comment("jdoe@login1\n"),
            _ => key,
        };
        let (tenant, client, user, host) = (chosen(random, &TENANTS), chosen(random, &CLIENTS), chosen(random, &USERS), chosen(random, &HOSTS));
        let account = if random.random_ratio(1, 10) { "root" } else { user };
        let uses = chosen(random, &[FREE, FREE, ("3", "3"), ("5", "2"), ("0", "0"), ("4", "0")]);
        old.add_key_of(&next(), &key, (tenant, client, user), (host, account), uses, chosen(random, &times));
        keys.push(OldKey { account: account.to_owned(), host, key });
    }
    (old, keys)
}

fn without_comment(line: &str) -> Vec<&str> {
    line.split_whitespace().take(2).collect()
}

/// Whether a key logs in although its owner will notice the import.
fn logs_in(reason: Option<Reason>) -> bool {
    // `root` logs in at a host that does not send its UID.
    reason.is_none_or(|reason| matches!(reason, Reason::Limited | Reason::EndsSoon | Reason::SystemAccount))
}

#[tokio::test]
async fn no_key_gets_another_answer_than_before_without_a_reason() {
    let mut same = 0;
    for seed in SEEDS {
        let mut random = StdRng::seed_from_u64(seed);
        let (old, keys) = random_database(&mut random);
        let (app, dir) = (TestApp::start().await, tempfile::tempdir().expect("a folder"));
        let file = dir.path().join("dump.sql");
        std::fs::write(&file, old.dump()).expect("written");
        let owners = [0; HOSTS.len()].map(|_| TenantId::parse(chosen(&mut random, &TENANTS)).expect("a tenant"));
        // Both spellings of one host have the same.
        let owner = |host: &str| owners[HOSTS.iter().position(|other| other.eq_ignore_ascii_case(host)).expect("one of them")].clone();
        let host_owners = HOSTS.into_iter().map(|host| (HostName::parse(host).expect("a host"), owner(host))).collect();
        let options = ImportOptions { host_owners, ..ImportOptions::default() };
        let mut source = Source::open(&file).await.expect("a dump");
        let mut judged = KeysToCompare::default();
        let imported = app.services.import_tms(&app.database, &mut source, &options, Mode::Write, &mut judged).await;
        let (outcome, report) = imported.expect("imported");
        assert_eq!(outcome, Outcome::Written, "seed {seed}: {:?}", report.obstacles);
        let reasons: BTreeMap<_, _> = judged.0.iter().map(|key| ((&key.fingerprint, &key.host), key.reason)).collect();
        for OldKey { account, host, key } in &keys {
            let context = format!("seed {seed}: {account}@{host} {}", key.fingerprint);
            let reason = reasons[&(&key.fingerprint, &(*host).to_owned())];
            let here = app.retrieve(account, host, &key.fingerprint).await;
            match &here {
                Some(line) => assert_eq!(without_comment(line), without_comment(&key.stored), "{context}: another key"),
                None => assert!(!logs_in(reason), "{context}: refused without a reason"),
            }
            assert_eq!(here.is_some(), logs_in(reason), "{context}: {reason:?}");
            same += u32::from(here.is_some());
            for other in ["stranger", "jdoe"].into_iter().filter(|other| other != account) {
                assert_eq!(app.retrieve(other, host, &key.fingerprint).await, None, "{context}: {other} got nothing before");
            }
        }
    }
    assert!(same > 0, "none logs in");
}
