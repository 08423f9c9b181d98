//! The settings as they are written in the file, to tell which of them have changed.

use std::collections::BTreeSet;
use std::fmt;

use toml::{Table, Value};

/// Settings whose change takes effect when they are reloaded; those that end in a dot are sections.
const RELOADABLE: [&str; 3] = ["portal.limits.", "portal.trusted-proxies", "portal.forwarded-header"];

/// All settings of the file.
#[derive(Clone)]
pub struct WrittenSettings(pub(super) Table);

/// Without the settings, which may contain passwords.
impl fmt::Debug for WrittenSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WrittenSettings").finish_non_exhaustive()
    }
}

impl WrittenSettings {
    /// The names of the settings that have another value in `new` and take effect only after a restart.
    pub fn changes_for_restart(&self, new: &Self) -> Vec<String> {
        let mut changed = BTreeSet::new();
        compare("", &self.0, &new.0, &mut changed);
        changed.retain(|name| !RELOADABLE.iter().any(|free| name == free || free.ends_with('.') && name.starts_with(free)));
        changed.iter().map(|name| name.rsplit_once('.').map_or_else(|| name.clone(), |(section, key)| format!("[{section}] {key}"))).collect()
    }
}

fn compare(section: &str, old: &Table, new: &Table, changed: &mut BTreeSet<String>) {
    // A section that is missing is one without settings.
    let table = |value: Option<&Value>| value.map_or_else(|| Some(Table::new()), |value| value.as_table().cloned());
    for key in old.keys().chain(new.keys()) {
        let (name, before, after) = (format!("{section}{key}"), old.get(key), new.get(key));
        match (table(before), table(after)) {
            _ if before == after => {}
            (Some(before), Some(after)) => compare(&format!("{name}."), &before, &after, changed),
            _ => drop(changed.insert(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(old: &str, new: &str) -> Vec<String> {
        let file = |text: &str| WrittenSettings(toml::from_str(text).expect("TOML"));
        file(old).changes_for_restart(&file(new))
    }

    #[test]
    fn settings_that_need_a_restart_are_named() {
        let old = "[package.metadata.leptos]\nsite-addr = \"127.0.0.1:1\"\n[portal]\npublic-url = \"https://a\"\n[portal.smtp]\nhost = \"a\"\n";
        assert!(changes(old, old).is_empty());
        let new = old.replace("https://a", "https://b").replace(":1\"", ":2\"").replace("host = \"a\"", "host = \"a\"\nport = 25");
        assert_eq!(changes(old, &new), ["[package.metadata.leptos] site-addr", "[portal] public-url", "[portal.smtp] port"]);
        assert_eq!(changes(&new, old).len(), 3);
        let removed = old.replace("[portal.smtp]\nhost = \"a\"\n", "");
        assert_eq!(changes(old, &removed), ["[portal.smtp] host"]);
        assert_eq!(changes(&removed, old), ["[portal.smtp] host"]);
    }

    #[test]
    fn reloadable_settings_need_no_restart() {
        let new = "[portal]\ntrusted-proxies = [\"10.0.0.1/32\"]\nforwarded-header = \"forwarded\"\n[portal.limits]\npages = 7\n";
        assert!(changes("", new).is_empty() && changes(new, "[portal]\n[portal.limits]\n").is_empty());
        assert_eq!(changes(new, "[portal]\ndata-dir = \"x\"\n[portal.limits]\npages = 8\n"), ["[portal] data-dir"]);
    }
}
