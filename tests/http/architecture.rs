//! Rules of the architecture that the compiler cannot see; see `docs/architecture.md`. Who reads the clock and who draws random bytes is in
//! `.clippy.toml`.

use std::collections::{BTreeMap, BTreeSet};
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
    assert!(found.len() > 80, "all layers are there");
    found
}

fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

impl Source {
    /// Whether it belongs to a layer: the layer's own file, or anything in the folder beside it.
    fn is_in(&self, layer: &str) -> bool {
        self.path == format!("{layer}.rs") || self.path.starts_with(&format!("{layer}/"))
    }

    /// Whether a crate, such as `sqlx`, is named.
    fn names_crate(&self, name: &str) -> bool {
        self.paths().iter().any(|path| path.split("::").next() == Some(name))
    }

    /// What it names of ours, however it is imported, as paths below `src/`: `server/storage/clients/find`.
    fn own_paths(&self) -> Vec<String> {
        let own = self.paths().into_iter().filter_map(|path| Some(path.strip_prefix("crate::")?.replace("::", "/")));
        own.collect()
    }

    /// What it names of ours outside its layer and what the layer may use.
    fn breaches(&self, layer: &str, uses: &[&str]) -> Vec<String> {
        let is_below = |path: &str, layer: &str| path == layer || path.starts_with(&format!("{layer}/"));
        self.own_paths().into_iter().filter(|path| !is_below(path, layer) && !uses.iter().any(|used| is_below(path, used))).collect()
    }

    /// The files it imports from. A module that names its own parts is not counted: that is how Rust's modules are declared.
    fn imported_files<'s>(&self, sources: &'s [Source]) -> BTreeSet<&'s str> {
        let own = self.path.trim_end_matches(".rs");
        let file_of = |path: &str| {
            let candidates = path.match_indices('/').map(|(end, _)| &path[..end]).chain([path]);
            candidates.rev().find_map(|module| sources.iter().find(|source| source.path.strip_suffix(".rs") == Some(module)))
        };
        let files = self.own_paths().iter().filter_map(|path| file_of(path)).map(|source| source.path.as_str()).collect::<BTreeSet<_>>();
        files.into_iter().filter(|file| *file != self.path && !file.starts_with(&format!("{own}/"))).collect()
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
        // `pub(in …)` is no import; what ends in `::` is the beginning of braces.
        let code = self.code.replace("pub(in crate::", "pub(in ");
        found.extend(code.split(|c| !word(c)).filter(|path| path.contains("::") && !path.ends_with("::")).map(str::to_owned));
        found.into_iter().map(|path| self.absolute(&path)).collect()
    }

    fn absolute(&self, path: &str) -> String {
        let mut module: Vec<&str> = self.path.trim_end_matches(".rs").split('/').collect();
        let mut rest: Vec<&str> = path.split("::").map(str::trim).filter(|part| !part.is_empty()).collect();
        if !matches!(rest.first(), Some(&"super" | &"self")) {
            return rest.join("::");
        }
        while let Some(&first @ ("super" | "self")) = rest.first() {
            rest.remove(0);
            if first == "super" {
                module.pop();
            }
        }
        [&["crate"], &module[..], &rest[..]].concat().join("::")
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

/// A layer, what it may use of ours, and the crates that it may not name.
type Rule = (&'static str, &'static [&'static str], &'static [&'static str]);

/// See the table in `docs/architecture.md`. What a rule names includes everything below it.
const RULES: [Rule; 35] = [
    ("domain", &[], &["tokio", "axum", "leptos", "sqlx", "rand", "reqwest"]),
    ("wire", &["domain"], &["tokio", "axum", "leptos", "sqlx"]),
    ("proxy", &["domain"], &["tokio", "axum", "leptos", "sqlx"]),
    ("command_docs", &[], &["tokio", "axum", "leptos", "sqlx"]),
    ("environment", &[], &["tokio", "axum", "leptos", "sqlx"]),
    ("i18n", &["domain"], &["tokio", "axum", "leptos", "sqlx"]),
    ("islands", &["domain", "server_fns"], &["sqlx", "axum", "tokio"]),
    (
        "server_fns",
        &["domain", "i18n", "server/context", "server/request_context", "server/service", "server/sign_in/session"],
        &["sqlx", "axum", "tokio", "leptos_axum"],
    ),
    (
        "pages",
        &[
            "domain",
            "i18n",
            "islands",
            "server_fns",
            "server/context",
            "server/middleware/form_fill",
            "server/middleware/security_headers",
            "server/preferences",
            "server/request_context",
            "server/service",
            "server/sign_in",
            "server/tms/openapi",
        ],
        &["sqlx", "tokio"],
    ),
    ("cli", &["command_docs", "domain", "wire", "proxy", "environment"], &["axum", "leptos", "sqlx"]),
    ("keycmd", &["domain"], &["axum", "clap", "leptos", "reqwest", "sqlx", "tokio"]),
    ("server/metrics", &["domain"], &["axum", "leptos", "sqlx", "tokio"]),
    ("server/request_id", &[], &["axum", "leptos", "sqlx"]),
    ("server/storage", &["domain", "server/metrics"], &["axum", "leptos", "tower"]),
    ("server/providers", &["domain", "proxy", "server/metrics"], &["axum", "leptos", "sqlx"]),
    ("server/mail", &["domain", "i18n", "server/service"], &["axum", "leptos", "sqlx"]),
    (
        "server/service",
        &["domain", "server/metrics", "server/providers", "server/request_id", "server/storage", "server/user_agent"],
        &["axum", "leptos", "tower", "tower_http", "tower_sessions"],
    ),
    ("server/messages", &["domain", "i18n", "server/service"], &["axum", "leptos"]),
    ("server/user_agent", &[], &["axum", "leptos"]),
    ("server/draining", &[], &["leptos"]),
    ("server/tls", &["domain", "server/service"], &["axum", "leptos"]),
    ("server/state", &["domain", "i18n", "server/metrics", "server/middleware", "server/service"], &[]),
    ("server/preferences", &["domain", "i18n", "server/middleware"], &["leptos"]),
    ("server/request_context", &["domain", "i18n", "server/middleware", "server/service", "server/sign_in/session"], &["leptos"]),
    (
        "server/middleware",
        &[
            "domain",
            "i18n",
            "server/metrics",
            "server/preferences",
            "server/request_context",
            "server/request_id",
            "server/service",
            "server/sign_in/session",
            "server/state",
            "server/telemetry",
        ],
        &[],
    ),
    ("server/oauth", &["domain", "wire", "server/middleware", "server/request_id", "server/service", "server/state"], &["leptos"]),
    ("server/tms", &["domain", "wire", "server/middleware", "server/service", "server/state"], &["leptos"]),
    (
        "server/sign_in",
        &["domain", "i18n", "server/middleware", "server/preferences", "server/request_context", "server/service", "server/state"],
        &["leptos"],
    ),
    ("server/brand", &["domain", "server/middleware", "server/service"], &["leptos"]),
    (
        "server/export",
        &["domain", "server/middleware", "server/preferences", "server/request_context", "server/service", "server/state"],
        &["leptos"],
    ),
    ("server/not_found", &["domain", "server/oauth/error", "server/tms/error"], &[]),
    (
        "server/context",
        &[
            "domain",
            "i18n",
            "server/middleware",
            "server/preferences",
            "server/request_context",
            "server/request_id",
            "server/service",
            "server/sign_in/session",
            "server/user_agent",
        ],
        &[],
    ),
    ("server/telemetry", &["server/request_id"], &["leptos"]),
    ("server/config", &["domain", "server/mail", "server/middleware", "server/providers", "server/service", "server/state", "server/tls"], &[]),
    (
        "server/cli",
        &[
            "command_docs",
            "domain",
            "environment",
            "i18n",
            "server/config",
            "server/listen",
            "server/mail",
            "server/metrics",
            "server/middleware",
            "server/providers",
            "server/service",
            "server/state",
            "server/telemetry",
            "server/tls",
        ],
        &["leptos"],
    ),
];

/// These put the layers together.
const WIRING: [&str; 6] = ["lib", "main", "bin", "server", "server/router", "server/listen"];

#[test]
fn each_layer_uses_what_its_rule_allows() {
    let (sources, mut wrong) = (sources(), Vec::new());
    for (layer, uses, crates) in RULES {
        assert!(sources.iter().any(|source| source.is_in(layer)), "there is no layer {layer}");
        for source in sources.iter().filter(|source| source.is_in(layer)) {
            wrong.extend(source.breaches(layer, uses).into_iter().map(|path| format!("{} names {path}", source.path)));
            wrong.extend(crates.iter().filter(|name| source.names_crate(name)).map(|name| format!("{} names {name}", source.path)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_file_is_in_one_layer() {
    let is_wiring = |source: &Source| WIRING.iter().any(|layer| source.path == format!("{layer}.rs")) || source.is_in("bin");
    for source in sources() {
        let rules = RULES.iter().filter(|(layer, ..)| source.is_in(layer)).count();
        assert_eq!(rules, usize::from(!is_wiring(&source)), "rules for {}", source.path);
    }
}

#[test]
fn no_file_imports_itself_through_others() {
    assert_eq!(files_in_cycles(&sources()), Vec::<String>::new());
}

/// Removes files that import nothing, or that nothing imports, until there are none. What is left is in a cycle, or between two.
fn files_in_cycles(sources: &[Source]) -> Vec<String> {
    let mut imports: BTreeMap<&str, BTreeSet<&str>> = sources.iter().map(|source| (source.path.as_str(), source.imported_files(sources))).collect();
    loop {
        let imported: BTreeSet<&str> = imports.values().flatten().copied().collect();
        let done: BTreeSet<&str> = imports.iter().filter(|(file, of)| of.is_empty() || !imported.contains(*file)).map(|(file, _)| *file).collect();
        if done.is_empty() {
            return imports.iter().map(|(file, of)| format!("{file} imports {}", of.iter().copied().collect::<Vec<_>>().join(", "))).collect();
        }
        imports.retain(|file, _| !done.contains(file));
        imports.values_mut().for_each(|of| of.retain(|file| !done.contains(file)));
    }
}

#[test]
fn the_rules_can_tell_a_breach() {
    let source = |path: &str, code: &str| Source { path: path.into(), code: code.into() };
    for (path, code, name) in [("domain/time.rs", "use tokio::time;", "tokio"), ("server/service.rs", "fn f() -> axum::Json<()>", "axum")] {
        assert!(source(path, code).names_crate(name), "{code}");
    }
    assert!(!source("server/service.rs", "use super::storage::{self, Storage};").names_crate("sqlx"));
    for (path, code, layer) in [
        ("server/oauth/token.rs", "use super::super::tms::{auth, error};", "server/oauth"),
        ("server/oauth/token.rs", "use crate::server::{service::Error, storage::clients};", "server/oauth"),
        ("pages/device.rs", "    use crate::{domain::x, server::storage::{\n a::B,\n c}};", "pages"),
        ("i18n/refusals.rs", "fn f(refused: crate::server::service::Error)", "i18n"),
    ] {
        let (_, uses, _) = RULES.iter().find(|(name, ..)| *name == layer).expect("a rule");
        assert!(!source(path, code).breaches(layer, uses).is_empty(), "{code}");
    }
    assert!(source("server/oauth/token.rs", "use super::client_auth::Form;\npub(in crate::server) fn f()").breaches("server/oauth", &[]).is_empty());
}

#[test]
fn the_rules_can_tell_a_cycle() {
    let source = |path: &str, code: &str| Source { path: path.into(), code: code.into() };
    let a = source("domain/a.rs", "use super::b::B;");
    let b = source("domain/b.rs", "fn f() -> crate::domain::c::C");
    let top = source("domain.rs", "pub mod a; pub use a::A; use self::b::B;");
    assert!(files_in_cycles(&[source("domain/a.rs", "use super::b::B;"), source("domain/b.rs", "use crate::domain::c::C;")]).is_empty());
    assert_eq!(files_in_cycles(&[top, a, b, source("domain/c.rs", "use super::a::{self, A};")]).len(), 3);
}

#[test]
fn only_storage_speaks_sql() {
    let allowed = |source: &Source| source.is_in("server/storage");
    let wrong: Vec<String> =
        sources().into_iter().filter(|source| !allowed(source) && source.names_crate("sqlx")).map(|source| source.path).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn features_are_told_apart_in_one_file() {
    // Bodies of server functions are cut away by Leptos; what builds their answers has to be by hand.
    // Only the server describes its wire, and only one feature exports traces.
    let allowed =
        |source: &Source| ["lib.rs", "wire.rs", "i18n/build.rs", "server/telemetry.rs"].contains(&source.path.as_str()) || source.is_in("server_fns");
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
