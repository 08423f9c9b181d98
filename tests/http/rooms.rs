//! Rules of the architecture that the compiler cannot see; see `docs/architecture.md`. Who reads the clock and who draws random bytes is in
//! `.clippy.toml`.

use std::path::{Path, PathBuf};

/// A source file: its path below `src/`, and its code without comments and unit tests.
struct Source {
    path: String,
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        let entries: Vec<PathBuf> = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
        for path in entries {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a text");
                found.push(Source { path: path.strip_prefix(&root).expect("below").to_string_lossy().into(), code: code(&text) });
            }
        }
    }
    assert!(found.len() > 80, "all rooms are there");
    found
}

fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

impl Source {
    /// Whether it belongs to a room: the room's own file, or anything in the folder beside it.
    fn is_in(&self, room: &str) -> bool {
        self.path == format!("{room}.rs") || self.path.starts_with(&format!("{room}/"))
    }

    /// Whether a path such as `sqlx` or `server::storage` is named, however it is imported.
    fn names(&self, wanted: &str) -> bool {
        let first = wanted.split("::").next().unwrap_or_default();
        let paths = self.paths();
        let parts: Vec<&str> = wanted.split("::").collect();
        paths.iter().any(|path| {
            let path: Vec<&str> = path.split("::").collect();
            match first {
                "server" | "domain" | "pages" | "islands" | "server_fns" | "cli" | "keycmd" => path.starts_with(&[&["crate"], &parts[..]].concat()),
                _ => path.starts_with(&parts),
            }
        })
    }

    /// All paths with `::` in it, with braces of `use` spelt out and `super` and `self` made absolute.
    fn paths(&self) -> Vec<String> {
        let mut found = Vec::new();
        for statement in self.code.split(';') {
            if let Some((_, imported)) = statement.split_once("use ").filter(|(before, _)| !before.ends_with(char::is_alphanumeric)) {
                spell_out("", imported, &mut found);
            }
        }
        let word = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        found.extend(self.code.split(|c| !word(c)).filter(|path| path.contains("::")).map(str::to_owned));
        found.into_iter().map(|path| self.absolute(&path)).collect()
    }

    fn absolute(&self, path: &str) -> String {
        let mut room: Vec<&str> = self.path.trim_end_matches(".rs").split('/').collect();
        let mut rest: Vec<&str> = path.split("::").map(str::trim).filter(|part| !part.is_empty()).collect();
        if !matches!(rest.first(), Some(&"super" | &"self")) {
            return rest.join("::");
        }
        while let Some(&first @ ("super" | "self")) = rest.first() {
            rest.remove(0);
            if first == "super" {
                room.pop();
            }
        }
        [&["crate"], &room[..], &rest[..]].concat().join("::")
    }
}

/// `a::{b, c::{d}}` as `a::b` and `a::c::d`.
fn spell_out(prefix: &str, tree: &str, found: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((head, inner)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default().trim();
        found.push(format!("{prefix}{path}"));
        return;
    };
    let inner = inner.rsplit_once('}').map_or(inner, |(inner, _)| inner);
    let (mut depth, mut start) = (0_i32, 0);
    for (at, c) in inner.char_indices().chain([(inner.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if !inner[start..at].trim().is_empty() {
                    spell_out(&format!("{prefix}{}", head.trim()), &inner[start..at], found);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
}

/// What each room may not name. Who may import whom is in the table of `docs/architecture.md`.
const FORBIDDEN: [(&str, &[&str]); 16] = [
    ("wire", &["server", "pages", "islands", "server_fns", "cli", "keycmd", "tokio", "axum", "leptos", "sqlx"]),
    ("proxy", &["server", "pages", "islands", "server_fns", "cli", "keycmd", "tokio", "axum", "leptos", "sqlx"]),
    ("domain", &["server", "pages", "islands", "server_fns", "cli", "tokio", "axum", "leptos", "sqlx", "rand"]),
    ("islands", &["server", "pages", "cli", "sqlx", "axum", "tokio"]),
    ("server_fns", &["pages", "islands", "cli", "sqlx", "axum", "tokio", "leptos_axum"]),
    ("pages", &["cli", "sqlx", "tokio"]),
    ("words", &["server::storage", "server::oauth", "server::tms", "server::sign_in", "pages", "islands", "cli", "sqlx", "axum", "tokio", "leptos"]),
    ("server/providers", &["server::service", "server::storage", "server::sign_in", "axum", "leptos", "sqlx", "pages", "server_fns", "cli"]),
    ("server/oauth", &["server::tms", "server::sign_in", "server::cli", "server::storage", "pages", "server_fns", "islands", "cli", "leptos"]),
    ("server/tms", &["server::oauth", "server::sign_in", "server::cli", "server::storage", "pages", "server_fns", "islands", "cli", "leptos"]),
    ("server/sign_in", &["server::oauth", "server::tms", "server::cli", "server::storage", "pages", "server_fns", "islands", "cli", "leptos"]),
    ("server/cli", &["server::oauth", "server::tms", "server::sign_in", "server::storage", "pages", "server_fns", "islands", "cli", "leptos"]),
    ("server/service", &["axum", "leptos", "tower", "tower_http", "tower_sessions", "pages", "server_fns", "islands", "cli"]),
    (
        "server/storage",
        &["axum", "leptos", "tower", "pages", "server_fns", "islands", "cli", "server::service", "server::oauth", "server::tms", "server::sign_in"],
    ),
    ("cli", &["server", "pages", "islands", "server_fns", "keycmd", "axum", "leptos", "sqlx"]),
    ("keycmd", &["server", "pages", "islands", "server_fns", "cli", "axum", "clap", "leptos", "reqwest", "sqlx", "tokio"]),
];

#[test]
fn no_room_reaches_into_one_it_has_no_door_to() {
    let sources = sources();
    let mut wrong = Vec::new();
    for (room, forbidden) in FORBIDDEN {
        assert!(sources.iter().any(|source| source.is_in(room)), "there is no room {room}");
        for source in sources.iter().filter(|source| source.is_in(room)) {
            wrong.extend(forbidden.iter().filter(|other| source.names(other)).map(|other| format!("{} names {other}", source.path)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_rules_can_tell_a_breach() {
    let source = |path: &str, code: &str| Source { path: path.into(), code: code.into() };
    for (path, code, name) in [
        ("domain/time.rs", "use tokio::time;", "tokio"),
        ("server/oauth/token.rs", "use super::super::tms::{auth, error};", "server::tms"),
        ("server/oauth/token.rs", "use crate::server::{service::Error, storage::clients};", "server::storage"),
        ("server/service.rs", "fn f() -> axum::Json<()>", "axum"),
        ("pages/device.rs", "    use crate::{domain::x, server::service::{\n a::B,\n c}};", "server::service"),
    ] {
        assert!(source(path, code).names(name), "{code}");
    }
    assert!(!source("server/oauth/token.rs", "use super::client_auth::Form;").names("server::tms"));
    assert!(!source("server/service.rs", "use super::storage::{self, Storage};").names("sqlx"));
}

#[test]
fn only_storage_speaks_sql() {
    let allowed = |source: &Source| source.is_in("server/storage");
    let wrong: Vec<String> = sources().into_iter().filter(|source| !allowed(source) && source.names("sqlx")).map(|source| source.path).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn pages_and_server_functions_reach_the_server_through_its_context() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| source.is_in("pages") || source.is_in("server_fns")) {
        let server = source.paths().into_iter().filter(|path| path.starts_with("crate::server::"));
        wrong.extend(server.filter(|path| !path.starts_with("crate::server::context")).map(|path| format!("{}: {path}", source.path)));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn features_are_told_apart_in_one_file() {
    // Bodies of server functions are cut away by Leptos; what builds their answers has to be by hand.
    // Only the server describes its wire.
    let allowed = |source: &Source| ["lib.rs", "wire.rs", "i18n/build.rs"].contains(&source.path.as_str()) || source.is_in("server_fns");
    let wrong: Vec<String> = sources()
        .into_iter()
        .filter(|source| !allowed(source))
        .filter(|source| source.code.contains("feature = ") || source.code.contains("target_arch"))
        .map(|source| source.path)
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn cargo_and_leptos_agree_on_every_setting_both_have() {
    let read = |name: &str| -> toml::Value {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("a text");
        toml::from_str::<toml::Value>(&text).expect("TOML")["package"]["metadata"]["leptos"].clone()
    };
    let (cargo, leptos) = (read("Cargo.toml"), read("Leptos.toml"));
    let both: Vec<&String> = leptos.as_table().expect("a table").keys().filter(|key| cargo.get(key.as_str()).is_some()).collect();
    assert!(both.len() >= 6, "{both:?}");
    for key in both {
        assert_eq!(cargo.get(key), leptos.get(key), "{key}");
    }
}
