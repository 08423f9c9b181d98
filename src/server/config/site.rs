//! Where settings and site are if nothing else is configured: as the packages install them, or beside the program.

use std::path::{Path, PathBuf};

/// The configuration file of the packages.
const PACKAGED_FILE: &str = "/etc/tms-portal/portal.toml";
/// That of the source tree.
const LOCAL_FILE: &str = "Leptos.toml";
/// The site folder of the packages.
const PACKAGED_SITE: &str = "/usr/share/tms-portal/site";

/// The configuration file, unless an option or `TMS_CONFIG` names another one.
pub fn default_file() -> PathBuf {
    first_existing(Path::new(PACKAGED_FILE), LOCAL_FILE)
}

/// The configuration file's text, with a section of Leptos' options if it has none. It is at the end, so that lines keep their numbers.
pub fn with_leptos_section(text: String) -> String {
    let has_section = toml::from_str::<toml::Table>(&text).map(|table| table.get("package").is_some());
    // Errors are reported where the text is parsed for its settings.
    if has_section.unwrap_or(true) {
        return text;
    }
    let site = toml::Value::from(site_root().to_string_lossy().into_owned());
    format!("{text}\n[package.metadata.leptos]\noutput-name = \"tms-portal\"\nsite-root = {site}\nhash-files = true\n")
}

/// The site folder beside the program, else that of the packages.
fn site_root() -> PathBuf {
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join("site")));
    first_existing(&beside.unwrap_or_default(), PACKAGED_SITE)
}

fn first_existing(preferred: &Path, other: &str) -> PathBuf {
    if preferred.exists() { preferred.to_owned() } else { PathBuf::from(other) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leptos_section_is_added_only_if_there_is_none() {
        let added = with_leptos_section("[portal]\ndata-dir = \"x\"".to_owned());
        assert!(added.starts_with("[portal]\ndata-dir = \"x\"\n[package.metadata.leptos]\n"), "{added}");
        let options = leptos::config::get_config_from_str(&added).expect("valid");
        assert_eq!((options.output_name.as_ref(), options.site_pkg_dir.as_ref(), options.hash_files), ("tms-portal", "pkg", true));
        assert_eq!(options.site_root.as_ref(), site_root().to_string_lossy());
        for unchanged in ["[package.metadata.leptos]\noutput-name = \"x\"\n", "package = { metadata = { leptos = {} } }", "[portal", "a = 1\na = 2"] {
            assert_eq!(with_leptos_section(unchanged.to_owned()), unchanged);
        }
    }

    #[test]
    fn existing_file_comes_first() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(first_existing(dir.path(), "other"), dir.path());
        assert_eq!(first_existing(&dir.path().join("missing"), "other"), Path::new("other"));
    }
}
