//! The configuration file: the options of Leptos, and the portal's under `[portal]`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ::config::{Case, Config, Environment, File, FileFormat};
use ipnet::IpNet;
use leptos::config::LeptosOptions;
use serde::Deserialize;
use toml::Table;

use super::ConfigProblems;
use super::providers::ProvidersSection;
use super::site::with_leptos_section;
use super::smtp::SmtpSection;
use super::unknown::{Section, unknown_settings};
use super::written_settings::WrittenSettings;
use crate::domain::text_file;
use crate::server::middleware::client_ip::ForwardedHeader;
use crate::server::state::RequestLimits;

/// The section of Leptos' options.
const LEPTOS_SECTION: &str = "package.metadata.leptos";

/// What `cargo leptos` and our bundler read in that section besides.
const BUILD_OPTIONS: &[&str] = &[
    "always-erase-components",
    "assets-dir",
    "bin-cargo-args",
    "bin-cargo-command",
    "bin-default-features",
    "bin-exe-name",
    "bin-features",
    "bin-profile-dev",
    "bin-profile-release",
    "bin-target",
    "bin-target-dir",
    "bin-target-triple",
    "browserquery",
    "disable-erase-components",
    "end2end-cmd",
    "end2end-dir",
    "features",
    "hash-file-name",
    "js-dir",
    "js-minify",
    "lib-cargo-args",
    "lib-default-features",
    "lib-features",
    "lib-profile-dev",
    "lib-profile-release",
    "separate-front-target-dir",
    "style-file",
    "tailwind-config-file",
    "tailwind-input-file",
    "wasm-opt-features",
    "watch-additional-files",
];

/// `[portal]` in the file. Unknown settings are found by [`unknown_settings`].
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct PortalSection {
    pub listen: Option<SocketAddr>,
    /// The address for metrics.
    pub metrics_listen: Option<SocketAddr>,
    /// The directory of backups, whose age is a metric.
    pub backup_dir: Option<PathBuf>,
    pub data_dir: Option<PathBuf>,
    /// The URL of a PostgreSQL database.
    pub database: Option<String>,
    pub public_url: Option<String>,
    pub trusted_proxies: Option<Vec<IpNet>>,
    /// The header in which proxies pass on the client's address.
    pub forwarded_header: Option<ForwardedHeader>,
    /// How often keys that sign tokens are rotated; 0: by command only.
    pub signing_key_days: Option<u32>,
    pub limits: RequestLimits,
    pub providers: ProvidersSection,
    pub smtp: Option<SmtpSection>,
}

#[derive(Deserialize)]
struct Sections {
    #[serde(default)]
    portal: PortalSection,
}

/// A file whose settings have valid types.
pub struct SettingsFile {
    pub leptos: LeptosOptions,
    pub portal: PortalSection,
    /// Problems: the unknown sections and settings.
    pub unknown: Vec<String>,
    pub written: WrittenSettings,
}

impl SettingsFile {
    pub fn read(path: &Path) -> Result<Self, ConfigProblems> {
        let one = |problem: String| ConfigProblems(vec![problem]);
        let name = path.display();
        let text = std::fs::read(path).and_then(text_file::text).map_err(|error| one(format!("--config: cannot read {name}: {error}")))?;
        let text = with_leptos_section(text);
        let in_file = |problem: &dyn std::fmt::Display| format!("{name}: {problem}");
        let unknown = unknown_settings(&text, &sections()).map_err(|error| one(in_file(&error)))?;
        let unknown: Vec<String> = unknown.iter().map(|problem| in_file(problem)).collect();
        let table: Table = toml::from_str(&text).map_err(|error| one(in_file(&error)))?;
        // Of the text, so that errors name the line.
        match (leptos_options(&table), toml::from_str(&text)) {
            (Ok(leptos), Ok(Sections { portal })) => Ok(Self { leptos, portal, unknown, written: WrittenSettings(table) }),
            (leptos, portal) => {
                let invalid = [leptos.err().map(|problem| in_file(&problem)), portal.err().map(|problem| in_file(&problem))];
                Err(ConfigProblems(unknown.into_iter().chain(invalid.into_iter().flatten()).collect()))
            }
        }
    }
}

/// All sections, and what may stand in them.
fn sections() -> [Section; 8] {
    [
        Section { name: "", settings: &["portal", "package"], others: &[] },
        Section { name: "package", settings: &["metadata"], others: &[] },
        Section { name: "package.metadata", settings: &["leptos"], others: &[] },
        Section { others: BUILD_OPTIONS, ..Section::of::<LeptosOptions>(LEPTOS_SECTION) },
        Section::of::<PortalSection>("portal"),
        Section::of::<RequestLimits>("portal.limits"),
        Section::of::<ProvidersSection>("portal.providers"),
        Section::of::<SmtpSection>("portal.smtp"),
    ]
}

/// Reads Leptos' options as Leptos does, except that the section may stand anywhere, and that empty `LEPTOS_` variables count as not set.
fn leptos_options(file: &Table) -> Result<LeptosOptions, String> {
    let section = file.get("package").and_then(|package| package.get("metadata")?.get("leptos"));
    let section = section.ok_or_else(|| format!("the section [{LEPTOS_SECTION}] is missing"))?;
    let section = toml::to_string(&section).map_err(|error| format!("[{LEPTOS_SECTION}] {error}"))?;
    let settings = Config::builder()
        .add_source(File::from_str(&section, FileFormat::Toml))
        .add_source(Environment::with_prefix("LEPTOS").convert_case(Case::Kebab).ignore_empty(true))
        .build();
    let mut leptos: LeptosOptions = settings.and_then(Config::try_deserialize).map_err(|error| format!("[{LEPTOS_SECTION}] {error}"))?;
    leptos.hash_file = hash_file(&leptos).to_string_lossy().into();
    Ok(leptos)
}

/// The list of hashed file names: where cargo-leptos puts it, beside the program; beside the site, as in the packages; or in it.
fn hash_file(leptos: &LeptosOptions) -> PathBuf {
    let (name, site) = (leptos.hash_file.as_ref(), Path::new(leptos.site_root.as_ref()));
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join(name)));
    let beside_site = site.parent().map(|parent| parent.join(name));
    // One that cannot be read is used, and reported when it is.
    let found = beside.into_iter().chain(beside_site).find(|file| file.try_exists().unwrap_or(true)).unwrap_or_else(|| site.join(name));
    std::path::absolute(&found).unwrap_or(found)
}
