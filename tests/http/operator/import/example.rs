//! One database with each kind of row, in all forms of files.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tempfile::TempDir;
use tms_portal::domain::ids::{HostName, TenantId};
use tms_portal::server::service::tms_import::options::ImportOptions;

use super::old::{MVP, NEVER, Old, PAST, TestKey, UNLIMITED, compress, secret_hash};

/// The secret of the client `tapis`.
pub const SECRET: &str = "4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f";
pub const ADMIN_SECRET: &str = "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";
pub const DEFAULT_ADMIN_SECRET: &str = "d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0";
pub const FREE: (&str, &str) = (UNLIMITED, UNLIMITED);

pub struct Example {
    pub old: Old,
    pub keys: BTreeMap<&'static str, TestKey>,
}

impl Example {
    pub fn key(&mut self, name: &'static str, key: TestKey) -> TestKey {
        self.keys.insert(name, key.clone());
        key
    }

    pub fn fingerprint(&self, name: &str) -> &str {
        &self.keys[name].fingerprint
    }

    pub fn fingerprints(&self, names: &[&str]) -> Vec<String> {
        let mut found: Vec<String> = names.iter().map(|name| self.fingerprint(name).to_owned()).collect();
        found.sort();
        found
    }
}

/// The database; its reservations are in force at the time of a test's clock.
pub fn example() -> Example {
    let mut old = Old::default();
    for (id, tenant, enabled) in [("1", "default", "0"), ("2", "test", "1"), ("3", "tacc", "1"), ("4", "other", "1")] {
        old.add("tenants", &[id, tenant, enabled]);
    }
    for (id, tenant, admin, secret, privilege) in [
        ("1", "default", "~~admin", DEFAULT_ADMIN_SECRET, "PERM_ADMIN"),
        ("2", "tacc", "~~admin", ADMIN_SECRET, "PERM_ADMIN"),
        ("3", "tacc", "viewer", "x", "PERM_READ"),
    ] {
        old.add("admin", &[id, tenant, admin, &secret_hash(secret), privilege]);
    }
    for (id, tenant, name, version, client, enabled) in [
        ("5", "tacc", "Tapis", "1.6", "tapis", "1"),
        ("6", "tacc", "Off", "1.6", "off", "0"),
        ("7", "tacc", "My App\t\"q\" 'x' \\n", "1.6", "my app", "1"),
        ("8", "tacc", "CLI", "1", "tms-cli", "1"),
        ("9", "tacc", "Été", "*", "ete", "1"),
        ("10", "other", "Tapis", "1.6", "tapis", "1"),
    ] {
        let hash = if client == "ete" { "not a hash".to_owned() } else { secret_hash(SECRET) };
        old.add("clients", &[id, tenant, name, version, client, &hash, enabled]);
    }
    for (id, user, expires_at, enabled) in [
        ("1", "jdoe", MVP, "1"),
        ("2", "asmith", NEVER, "1"),
        ("3", "seed", "+262142-12-31T23:59:59Z", "1"),
        ("4", "gone", NEVER, "0"),
        ("5", "late@tacc", PAST, "1"),
        ("6", "a:b", NEVER, "1"),
    ] {
        old.add("user_mfa", &[id, "tacc", user, expires_at, enabled]);
    }
    old.add("user_mfa", &["7", "other", "jdoe", NEVER, "1"]);
    old.add("hosts", &["1", "tacc", "frontera", "129.114.*"]);
    old.add("hosts", &["2", "tacc", "frontera", "[10.0.0.1, 10.0.0.9]"]);
    for (id, tenant, user, host, account, expires_at) in [
        ("11", "tacc", "jdoe", "frontera", "jdoe", MVP),
        ("12", "tacc", "jdoe", "vista", "jd", PAST),
        ("13", "tacc", "jdoe", "frontera", "root", MVP),
        ("14", "tacc", "*", "frontera", "*", MVP),
        ("15", "tacc", "late@tacc", "frontera", "late@tacc", NEVER),
        ("16", "tacc", "gone", "frontera", "gone", NEVER),
        ("17", "tacc", "asmith", "frontera", "asmith", NEVER),
        ("18", "tacc", "nobody", "frontera", "nobody", NEVER),
        ("19", "other", "jdoe", "frontera", "jo", NEVER),
    ] {
        old.add("user_hosts", &[id, tenant, user, host, account, expires_at]);
    }
    for (id, tenant, client, user, expires_at) in [
        ("21", "tacc", "tapis", "jdoe", MVP),
        ("22", "tacc", "tapis", "asmith", NEVER),
        ("23", "tacc", "tapis", "*", NEVER),
        ("24", "tacc", "off", "jdoe", NEVER),
        ("25", "tacc", "my app", "jdoe", NEVER),
        ("26", "tacc", "tapis", "gone", NEVER),
        ("27", "tacc", "tapis", "late@tacc", NEVER),
        ("28", "tacc", "ghost", "jdoe", NEVER),
        ("29", "other", "tapis", "jdoe", NEVER),
        ("30", "tacc", "ete", "jdoe", PAST),
    ] {
        old.add("delegations", &[id, tenant, client, user, expires_at]);
    }
    let mut example = Example { old, keys: BTreeMap::new() };
    add_keys(&mut example);
    add_reservations(&mut example);
    example
}

fn add_keys(example: &mut Example) {
    let jdoe_on_frontera = [
        ("31", "K1", TestKey::ed25519(1), "tapis", "jdoe", FREE, MVP),
        ("32", "K2", TestKey::ed25519(2).with_comment("jdoe@login1\n"), "tapis", "jdoe", FREE, MVP),
        ("33", "K3", TestKey::p521(), "tapis", "jdoe", FREE, NEVER),
        ("34", "K4", TestKey::rsa(512), "tapis", "jdoe", FREE, MVP),
        ("35", "K5", TestKey::ed25519(5), "tapis", "jdoe", ("0", "0"), MVP),
        ("36", "K6", TestKey::ed25519(6), "tapis", "jdoe", FREE, PAST),
        ("37", "K7", TestKey::ed25519(7), "tapis", "jdoe", ("3", "3"), MVP),
        ("38", "K8", TestKey::ed25519(8), "tapis", "jdoe", ("5", "2"), MVP),
        ("39", "K9", TestKey { fingerprint: TestKey::ed25519(99).fingerprint, ..TestKey::ed25519(9) }, "tapis", "jdoe", FREE, MVP),
        ("40", "K10", TestKey::rsa(128), "tapis", "jdoe", FREE, MVP),
        ("41", "K11", TestKey::ed25519(11), "ghost", "jdoe", FREE, MVP),
        ("42", "K12", TestKey::ed25519(12), "off", "jdoe", FREE, MVP),
        ("43", "K13", TestKey::ed25519(13), "my app", "jdoe", FREE, MVP),
        ("44", "K14", TestKey::ed25519(14), "tapis", "gone", FREE, MVP),
        ("45", "K15", TestKey::ed25519(15), "tapis", "late@tacc", FREE, MVP),
        ("46", "K16", TestKey::ed25519(16), "tapis", "root", FREE, MVP),
        ("47", "K17", TestKey::ed25519(17), "tapis", "asmith", FREE, "2026-12-01 00:00:00+00"),
        ("48", "K18", TestKey::ed25519(18), "ete", "jdoe", FREE, MVP),
        ("49", "K19", TestKey::ed25519(19), "tapis", "jdoe", FREE, PAST),
        ("50", "K20", TestKey { stored: "ssh-ed25519 AAAA".to_owned(), ..TestKey::ed25519(20) }, "tapis", "jdoe", FREE, MVP),
    ];
    for (id, name, key, client, account, uses, expires_at) in jdoe_on_frontera {
        let key = example.key(name, key);
        example.old.add_key(id, &key, client, account, uses, expires_at);
    }
    let (vista, other) = (example.key("vista", TestKey::ed25519(21)), example.key("other", TestKey::ed25519(22)));
    example.old.add_key_of("51", &vista, ("tacc", "tapis", "jdoe"), ("vista", "jd"), FREE, MVP);
    example.old.add_key_of("52", &other, ("other", "tapis", "jdoe"), ("frontera", "jo"), FREE, MVP);
}

/// A parent and a child of the expired key K19; one that has ended; one whose parent has; one of a key that is not imported.
fn add_reservations(example: &mut Example) {
    let live = "2026-11-21T12:00:00Z";
    for (id, resid, parent, key, expires_at) in [
        ("1", "parent", "parent", "K19", live),
        ("2", "child", "parent", "K19", live),
        ("3", "ended", "ended", "K1", PAST),
        ("4", "orphan", "ended", "K1", live),
        ("5", "lost", "lost", "K10", live),
    ] {
        let fingerprint = example.fingerprint(key).to_owned();
        let old = &mut example.old;
        old.add_created("reservations", &[id, resid, parent, "tacc", "tapis", "jdoe", "frontera", &fingerprint, expires_at], "2026-11-20T11:00:00Z");
    }
}

/// The four forms of the file, and a folder that has them.
pub async fn files(old: &Old) -> (TempDir, [PathBuf; 4]) {
    let dir = tempfile::tempdir().expect("a folder");
    let files = ["tms.db", "dump.sql", "tms.db.gz", "dump.sql.gz"].map(|name| dir.path().join(name));
    old.write_sqlite(&files[0]).await;
    std::fs::write(&files[1], old.dump()).expect("written");
    compress(&files[0], &files[2]);
    compress(&files[1], &files[3]);
    (dir, files)
}

pub fn owner(host: &str, tenant: &str) -> ImportOptions {
    let owner = (HostName::parse(host).expect("a host"), TenantId::parse(tenant).expect("a tenant"));
    ImportOptions { host_owners: BTreeMap::from([owner]), ..ImportOptions::default() }
}
