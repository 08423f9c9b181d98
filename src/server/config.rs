//! The server's configuration: flags override the environment, which overrides `Leptos.toml`. Read once; all problems are reported
//! together.

mod file;
mod providers;
mod public_url;
mod site;
mod smtp;
mod tls;
mod unknown;
mod written_settings;

use std::fmt;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::FalseyValueParser;
pub use leptos::config::LeptosOptions;
use url::Host;

use super::mail::SmtpSettings;
use super::middleware::client_ip::TrustedProxies;
use super::providers::egress::EgressPolicy;
use super::service::{DATABASE_FILE, Database, PostgresAddress};
use super::state::RequestLimits;
use super::tls::TlsMode;
use file::{PortalSection, SettingsFile};
use smtp::SmtpSection;
use tls::TlsOptions;
pub use unknown::nearest;
pub use written_settings::WrittenSettings;

use crate::domain::loopback::is_loopback;
use crate::domain::signing_key::ROTATION_DAYS;

/// Where the packages' timer puts backups.
const BACKUP_DIR: &str = "/var/backups/tms-portal";

/// Where the data are, for every verb.
#[derive(Clone, Debug, clap::Args)]
pub struct DataOptions {
    /// The configuration file: the portal's settings under [portal], and Leptos options [default: /etc/tms-portal/portal.toml if there
    /// is one, else Leptos.toml]
    #[arg(long, env = "TMS_CONFIG", default_value_os_t = site::default_file(), hide_default_value = true, value_name = "FILE")]
    pub config: PathBuf,
    /// The directory for the database and keys [default: portal.data-dir of the file, else .data]
    #[arg(long, env = "TMS_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// A PostgreSQL database, postgres://USER@HOST/NAME?sslmode=verify-full [default: portal.database of the file, else a
    /// SQLite file in the data directory]
    #[arg(long, env = "TMS_DATABASE", value_name = "URL", hide_env_values = true)]
    pub database: Option<String>,
    /// Allow a database on another machine without verified TLS; passwords and data are then sent unencrypted
    #[arg(long, env = "TMS_INSECURE_DATABASE", value_parser = FalseyValueParser::new())]
    pub insecure_database: bool,
}

impl DataOptions {
    /// Finds a portal that has been set up. With `--data-dir` no configuration file is needed.
    pub fn existing_portal(&self) -> Result<ExistingPortal, ConfigProblems> {
        let portal = self.portal()?;
        if let Database::File(file) = &portal.database {
            find_database(file, &portal.data_dir).map_err(|problem| ConfigProblems(vec![problem]))?;
        }
        Ok(portal)
    }

    /// A portal whose database may not exist yet.
    pub fn portal(&self) -> Result<ExistingPortal, ConfigProblems> {
        let one = |problem: String| ConfigProblems(vec![problem]);
        let portal = match (&self.data_dir, self.config.try_exists()) {
            (Some(_), Ok(false)) => PortalSection::default(),
            _ => {
                let file = SettingsFile::read(&self.config)?;
                if !file.unknown.is_empty() {
                    return Err(ConfigProblems(file.unknown));
                }
                file.portal
            }
        };
        let data_dir = self.dir_or(portal.data_dir);
        let database = self.database_or(portal.database, &data_dir).map_err(one)?;
        Ok(ExistingPortal { data_dir, database, egress: portal.providers.egress_policy().map_err(one)? })
    }

    fn database_or(&self, configured: Option<String>, data_dir: &Path) -> Result<Database, String> {
        let (setting, url) = match (&self.database, configured) {
            (Some(url), _) => ("--database", url.clone()),
            (None, Some(url)) => ("[portal] database", url),
            (None, None) => return Ok(Database::File(data_dir.join(DATABASE_FILE))),
        };
        if !is_postgres(&url) {
            return Err(format!("{setting}: must begin with postgres://; without this setting, the database is a file in the data directory"));
        }
        let address = PostgresAddress::parse(&url, self.insecure_database).map_err(|problem| format!("{setting}: {problem}"))?;
        Ok(Database::Postgres(address))
    }

    fn dir_or(&self, configured: Option<PathBuf>) -> PathBuf {
        self.data_dir.clone().or(configured).unwrap_or_else(|| PathBuf::from(".data"))
    }
}

fn signing_key_interval(days: Option<u32>) -> Option<Duration> {
    let days = days.unwrap_or(ROTATION_DAYS);
    (days > 0).then(|| Duration::from_secs(24 * 60 * 60) * days)
}

/// Fails if there is no database file, or if it cannot be read, which is another problem with another solution.
fn find_database(file: &Path, data_dir: &Path) -> Result<(), String> {
    match std::fs::File::open(file) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(format!("--data-dir: there is no portal in {}; create one with tms-portal init", data_dir.display()))
        }
        Err(error) => Err(unreadable(file, &error)),
    }
}

/// Describes a file that may be there but cannot be read.
fn unreadable(file: &Path, error: &std::io::Error) -> String {
    let advice = if error.kind() == ErrorKind::PermissionDenied { "; run this as the user to whom the portal's files belong" } else { "" };
    format!("cannot read {}: {error}{advice}", file.display())
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// A database of either kind: `sqlite:FILE` or the URL of a PostgreSQL database.
pub fn parse_database(url: &str, insecure: bool) -> Result<Database, String> {
    match url.strip_prefix("sqlite:") {
        // Absolute: SQLite would read `file:` as a URI, and `:memory:` as no file.
        Some(path) if !path.is_empty() && !path.contains([':', '?']) => {
            std::path::absolute(path).map(Database::File).map_err(|error| format!("sqlite: {error}"))
        }
        Some(_) => Err("sqlite: needs the path of a file, without : and ?".to_owned()),
        None if is_postgres(url) => PostgresAddress::parse(url, insecure).map(Database::Postgres),
        None => Err("must begin with sqlite: or postgres://".to_owned()),
    }
}

/// What the commands that change stored data work on.
pub struct ExistingPortal {
    pub data_dir: PathBuf,
    pub database: Database,
    pub egress: EgressPolicy,
}

/// Where settings come from, for the verbs that need all of them.
///
/// `TMS_TEST_PASSWORD` is the test person's password when the test data are made; `TMS_LOG` filters the log (such as
/// `tms_portal=debug`), and `TMS_LOG_FORMAT=json` writes it for machines.
#[derive(Clone, Debug, clap::Args)]
pub struct ServerOptions {
    #[command(flatten)]
    pub data: DataOptions,
    /// The address to listen on, unless systemd passes a socket [default: portal.listen of the file, else site-addr]
    #[arg(long, env = "TMS_LISTEN", value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Serve metrics for Prometheus on this address, without authentication, such as 127.0.0.1:9464 [default:
    /// portal.metrics-listen of the file, else none]
    #[arg(long, env = "TMS_METRICS_LISTEN", value_name = "ADDR")]
    pub metrics_listen: Option<SocketAddr>,
    /// The URL at which the portal is reached from outside [default: portal.public-url of the file, else http://ADDR; with
    /// TLS here, https://ADDR]
    #[arg(long, env = "TMS_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Enable the tenant `test` with its well-known data
    #[arg(long, env = "TMS_TEST_TENANT", value_parser = FalseyValueParser::new())]
    pub test_tenant: bool,
    /// Allow the tenant `test` on an address that others can reach: its client secret is public
    #[arg(long, env = "TMS_TEST_TENANT_ANYWHERE", value_parser = FalseyValueParser::new())]
    pub test_tenant_anywhere: bool,
    /// Allow a public URL without TLS on another machine; passwords and tokens are then sent unencrypted
    #[arg(long, env = "TMS_INSECURE_HTTP", value_parser = FalseyValueParser::new())]
    pub insecure_http: bool,
    #[command(flatten)]
    pub tls: TlsOptions,
}

/// The checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    pub leptos: LeptosOptions,
    pub listen: SocketAddr,
    /// `None`: there are no metrics.
    pub metrics_listen: Option<SocketAddr>,
    /// The directory of the operator's backups, for metrics.
    pub backup_dir: PathBuf,
    pub data_dir: PathBuf,
    pub database: Database,
    /// An origin, without trailing slash.
    pub public_url: String,
    /// Its host; `None` if it could not be determined.
    public_host: Option<Host<String>>,
    pub test_tenant: bool,
    pub tls: TlsMode,
    pub trusted_proxies: TrustedProxies,
    pub limits: RequestLimits,
    pub egress: EgressPolicy,
    /// `None`: no e-mail is sent.
    pub smtp: Option<SmtpSettings>,
    /// How often the keys that sign tokens are rotated; `None`: by command only.
    pub signing_key_interval: Option<Duration>,
    /// The file as it was read.
    pub file: WrittenSettings,
}

/// All problems of the configuration, one line each.
#[derive(Debug)]
pub struct ConfigProblems(pub Vec<String>);

impl fmt::Display for ConfigProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for ConfigProblems {}

impl Config {
    pub fn read(options: &ServerOptions) -> Result<Self, ConfigProblems> {
        let SettingsFile { leptos, portal, unknown, written: file } = SettingsFile::read(&options.data.config)?;
        let listen = options.listen.or(portal.listen).unwrap_or(leptos.site_addr);
        let scheme = if options.tls.is_requested() { "https" } else { "http" };
        let setting = if options.public_url.is_none() { "[portal] public-url" } else { "--public-url" };
        let (written, origin) = match options.public_url.clone().or(portal.public_url) {
            Some(written) => (written.clone(), public_url::origin(&written)),
            None => (format!("{scheme}://{listen}"), public_url::of_listener(scheme, listen)),
        };
        let data_dir = options.data.dir_or(portal.data_dir);
        let database = options.data.database_or(portal.database, &data_dir);
        let mut config = Self {
            listen,
            metrics_listen: options.metrics_listen.or(portal.metrics_listen),
            backup_dir: portal.backup_dir.unwrap_or_else(|| PathBuf::from(BACKUP_DIR)),
            database: database.clone().unwrap_or_else(|_| Database::File(data_dir.join(DATABASE_FILE))),
            data_dir,
            public_url: origin.as_ref().map_or_else(|_| written.clone(), public_url::text),
            public_host: origin.as_ref().ok().and_then(|url| url.host().map(|host| host.to_owned())),
            test_tenant: options.test_tenant,
            tls: TlsMode::External,
            trusted_proxies: TrustedProxies { networks: portal.trusted_proxies.clone().unwrap_or_default().into(), header: portal.forwarded_header },
            limits: portal.limits,
            egress: EgressPolicy::default(),
            smtp: None,
            signing_key_interval: signing_key_interval(portal.signing_key_days),
            file,
            leptos,
        };
        let mut problems = unknown;
        problems.extend(config.problems(options));
        problems.extend(database.err());
        if let Err(refused) = origin {
            problems.push(format!("{setting}: {written:?}: {refused}"));
        }
        match options.tls.read(config.public_host_name().as_deref()) {
            Ok(tls) => config.tls = tls,
            Err(problem) => problems.push(problem),
        }
        match portal.providers.egress_policy() {
            Ok(egress) => config.egress = egress,
            Err(problem) => problems.push(problem),
        }
        match portal.smtp.map(SmtpSection::settings).transpose() {
            Ok(smtp) => config.smtp = smtp,
            Err(problem) => problems.push(problem),
        }
        if config.https() && !options.tls.is_requested() && portal.trusted_proxies.is_none() {
            // Without it every request would seem to come from the proxy, and one attacker would lock out everyone.
            problems.push("[portal] trusted-proxies: name the proxy that ends TLS, such as [\"127.0.0.1/32\"]; [] if there is none".into());
        }
        if problems.is_empty() { Ok(config) } else { Err(ConfigProblems(problems)) }
    }

    /// Whether people reach the portal over TLS.
    pub fn https(&self) -> bool {
        self.public_host.is_some() && self.public_url.starts_with("https://")
    }

    /// Whether other machines can reach the portal.
    pub fn is_reachable(&self) -> bool {
        !(self.listen.ip().is_loopback() && self.public_host_is_local())
    }

    /// The host names and addresses under which the portal is reached, which a certificate must cover.
    pub fn hosts(&self) -> Vec<String> {
        let listen = Some(self.listen.ip()).filter(|address| !address.is_unspecified());
        self.public_host_name().into_iter().chain(listen.map(|address| address.to_string())).collect()
    }

    fn problems(&self, options: &ServerOptions) -> Vec<String> {
        let mut problems = Vec::new();
        if self.metrics_listen.is_some_and(|metrics| metrics == self.listen && metrics.port() != 0) {
            problems.push(format!("--metrics-listen: {} is the portal's own address, on which there are no metrics", self.listen));
        }
        if self.test_tenant && self.is_reachable() && !options.test_tenant_anywhere {
            problems.push(
                "--test-tenant: others can reach this address, and the test client's secret is public; to allow this, add --test-tenant-anywhere"
                    .into(),
            );
        }
        if options.tls.tls_self_signed && self.is_reachable() && !options.tls.tls_self_signed_anywhere {
            problems.push(
                "--tls-self-signed: is for development, and others can reach this address; to allow this, add --tls-self-signed-anywhere".into(),
            );
        }
        match &self.public_host {
            None => {}
            // The default if the server listens on all addresses of this machine.
            Some(host) if options.tls.is_requested() && is_unspecified(host) => {
                problems.push(format!("--public-url: {} cannot be reached; set the URL at which the portal is reached", self.public_url));
            }
            Some(_) if !self.https() && options.tls.is_requested() => {
                problems.push(format!("--public-url: {} is not https, but TLS is configured", self.public_url));
            }
            Some(_) if !self.https() && !self.public_host_is_local() && !options.insecure_http => {
                problems.push("--public-url: without https, passwords and tokens are sent unencrypted; to allow this, add --insecure-http".into());
            }
            Some(_) => {}
        }
        match Path::new(self.leptos.hash_file.as_ref()).try_exists() {
            Ok(false) if self.leptos.hash_files => problems.push(format!(
                "{} does not exist, also not beside the program: the browser part was not built (`make build`) or not copied",
                self.leptos.hash_file
            )),
            Err(error) if self.leptos.hash_files => problems.push(unreadable(Path::new(self.leptos.hash_file.as_ref()), &error)),
            _ => {}
        }
        problems
    }

    /// The public URL's host, IPv6 addresses without brackets.
    fn public_host_name(&self) -> Option<String> {
        self.public_host.as_ref().map(|host| match host {
            Host::Domain(name) => name.clone(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        })
    }

    fn public_host_is_local(&self) -> bool {
        // A missing URL is reported already; do not report what follows from it.
        self.public_host_name().is_none_or(|host| is_loopback(&host))
    }
}

/// `0.0.0.0` and `::` can only be listened on.
fn is_unspecified(host: &Host<String>) -> bool {
    match host {
        Host::Domain(_) => false,
        Host::Ipv4(address) => address.is_unspecified(),
        Host::Ipv6(address) => address.is_unspecified(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(file: &str, public_url: &str, listen: &str, test_tenant: bool) -> (tempfile::TempDir, ServerOptions) {
        let dir = tempfile::tempdir().expect("a folder");
        let config = dir.path().join("Leptos.toml");
        std::fs::write(&config, format!("[package.metadata.leptos]\noutput-name = \"tms-portal\"\n{file}")).expect("written");
        let options = ServerOptions {
            data: DataOptions { config, data_dir: None, database: None, insecure_database: false },
            listen: Some(listen.parse().expect("an address")),
            metrics_listen: None,
            public_url: Some(public_url.into()),
            test_tenant,
            test_tenant_anywhere: false,
            insecure_http: false,
            tls: TlsOptions::default(),
        };
        (dir, options)
    }

    #[test]
    fn metrics_are_off_unless_an_address_is_set() {
        let read = |file: &str, option: Option<&str>| {
            let (_dir, mut options) = options(file, "http://127.0.0.1:3000", "127.0.0.1:3000", false);
            options.metrics_listen = option.map(|address| address.parse().expect("an address"));
            Config::read(&options).map(|config| config.metrics_listen.map(|address| address.to_string()))
        };
        let file = "[portal]\nmetrics-listen = \"127.0.0.1:9464\"\n";
        assert_eq!(read("", None).expect("settings"), None);
        assert_eq!(read(file, None).expect("settings").as_deref(), Some("127.0.0.1:9464"));
        assert_eq!(read(file, Some("[::1]:1")).expect("settings").as_deref(), Some("[::1]:1"));
        assert!(read("", Some("127.0.0.1:3000")).is_err(), "the portal's own address");
    }

    fn problems(file: &str, public_url: &str, listen: &str, test_tenant: bool) -> usize {
        let (_dir, options) = options(file, public_url, listen, test_tenant);
        Config::read(&options).err().map_or(0, |problems| problems.0.len())
    }

    #[test]
    fn file_with_bom_and_crlf_is_read() {
        let (dir, options) = options("", "http://127.0.0.1:3000", "127.0.0.1:3000", false);
        let file = dir.path().join("Leptos.toml");
        let text = std::fs::read_to_string(&file).expect("read").replace('\n', "\r\n");
        std::fs::write(&file, format!("\u{feff}{text}[portal]\r\ndata-dir = \"data\"\r\n")).expect("written");
        assert!(Config::read(&options).is_ok());
    }

    #[test]
    fn the_test_tenant_requires_loopback_or_an_explicit_flag() {
        assert_eq!(problems("", "http://127.0.0.1:3000", "127.0.0.1:3000", true), 0);
        for local in ["http://localhost:3000", "http://localhost.:3000", "http://x.localhost:3000", "http://[::ffff:127.0.0.1]:3000"] {
            assert_eq!(problems("", local, "[::1]:3000", true), 0, "{local}");
        }
        assert_eq!(problems("", "http://localhost.example.org", "[::1]:3000", false), 1);
        assert_eq!(problems("", "http://127.0.0.1:3000", "0.0.0.0:3000", true), 1);
        let proxy = "[portal]\ntrusted-proxies = [\"127.0.0.1/32\"]\n";
        assert_eq!(problems(proxy, "https://tms.example.org", "127.0.0.1:3000", true), 1);
        assert_eq!(problems(proxy, "https://tms.example.org", "127.0.0.1:3000", false), 0);
        assert_eq!(problems("", "https://tms.example.org", "127.0.0.1:3000", false), 1, "TLS ends somewhere before us");
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        assert_eq!(problems("", "http://tms.example.org", "0.0.0.0:80", true), 2);
        for not_an_origin in
            ["tms.example.org", "https://", "https://h/path", "https://u@h", "ftp://h", "https://h:abc", "http://[::1", "http://a\\b"]
        {
            assert_eq!(problems("[portal]\ntrusted-proxies = []\n", not_an_origin, "127.0.0.1:1", false), 1, "{not_an_origin}");
        }
    }

    #[test]
    fn the_public_url_is_stored_as_browsers_send_the_origin() {
        let (_dir, mut options) = options("[portal]\npublic-url = \"https://h:abc\"\n", "http://127.0.0.1:80/", "127.0.0.1:80", true);
        assert_eq!(Config::read(&options).expect("settings").public_url, "http://127.0.0.1");
        options.public_url = None;
        let refused = Config::read(&options).expect_err("no port").to_string();
        assert!(refused.starts_with("[portal] public-url: \"https://h:abc\": it is no URL of the form"), "{refused}");
    }

    #[test]
    fn tls_termination_needs_no_proxy_and_implies_https() {
        let (_dir, mut options) = options("", "", "127.0.0.1:3000", true);
        options.public_url = None;
        options.tls.tls_self_signed = true;
        let config = Config::read(&options).expect("settings");
        assert_eq!((config.public_url.as_str(), config.hosts()), ("https://127.0.0.1:3000", vec!["127.0.0.1".into(), "127.0.0.1".into()]));
        assert!(matches!(config.tls, TlsMode::Development) && !config.is_reachable());
        for (url, host) in [("https://[::1]", "::1"), ("https://[::1]:8443", "::1"), ("https://localhost", "localhost")] {
            options.public_url = Some(url.into());
            assert_eq!(Config::read(&options).expect(url).hosts(), [host, "127.0.0.1"], "{url}");
        }
        options.public_url = Some("http://127.0.0.1:3000".into());
        assert!(Config::read(&options).expect_err("no TLS").to_string().starts_with("--public-url: http://127.0.0.1:3000 is not https"));
        options.public_url = None;
        options.tls.tls_key = Some("key.pem".into());
        assert!(Config::read(&options).expect_err("two certificates").to_string().starts_with("--tls-self-signed: makes"));
        options.tls.tls_self_signed = false;
        assert_eq!(Config::read(&options).expect_err("half").to_string(), "--tls-key: needs --tls-cert with it");
    }

    #[test]
    fn a_development_certificate_requires_loopback_or_a_flag() {
        let (_dir, mut options) = options("", "https://tms.example.org", "0.0.0.0:443", false);
        options.tls.tls_self_signed = true;
        assert!(Config::read(&options).expect_err("reachable").to_string().contains("add --tls-self-signed-anywhere"));
        options.tls.tls_self_signed_anywhere = true;
        assert_eq!(Config::read(&options).expect("meant").hosts(), ["tms.example.org"]);
        options.public_url = None;
        assert!(Config::read(&options).expect_err("no address").to_string().contains("https://0.0.0.0 cannot be reached;"));
    }

    #[test]
    fn file_without_leptos_options_is_complete() {
        let (dir, mut options) = options("", "", "127.0.0.1:1", false);
        options.data.config = dir.path().join("portal.toml");
        (options.listen, options.public_url) = (None, None);
        std::fs::write(&options.data.config, "[portal]\nlisten = \"127.0.0.1:4000\"\n").expect("written");
        let SettingsFile { leptos, portal, .. } = SettingsFile::read(&options.data.config).expect("read");
        assert_eq!(leptos.output_name.as_ref(), "tms-portal");
        assert_eq!(portal.listen, Some(([127, 0, 0, 1], 4000).into()));
        // The list of hashed names is not there if the browser's half was not built.
        match Config::read(&options) {
            Ok(config) => assert_eq!((config.listen.port(), config.public_url.as_str()), (4000, "http://127.0.0.1:4000")),
            Err(problems) => assert!(problems.0.len() == 1 && problems.to_string().contains("hash.txt does not exist"), "{problems}"),
        }
    }

    #[test]
    fn the_file_is_read_and_unknown_settings_are_refused() {
        let (_dir, options) = options(
            "[portal]\ndata-dir = \"/srv/tms\"\n[portal.limits]\npages = 7\n[portal.providers]\nnetworks = [\"10.0.0.0/8\"]\n",
            "http://127.0.0.1:1",
            "127.0.0.1:1",
            false,
        );
        let config = Config::read(&options).expect("settings");
        assert_eq!((config.data_dir, config.limits.pages.get()), (PathBuf::from("/srv/tms"), 7));
        assert_eq!(config.egress.allowed_networks, ["10.0.0.0/8".parse().expect("a network")]);
        assert_eq!(problems("[portal.providers]\nca = \"/nowhere\"\n", "http://127.0.0.1:1", "127.0.0.1:1", false), 1);
    }

    #[test]
    fn unknown_settings_are_refused_together_with_other_problems() {
        let file = "site-rot = \"x\"\nassets-dir = \"public\"\n[portal]\ndata-dri = \"x\"\n[portal.limits]\npage = 1\n[portal.providers]\nnetwork = []\n\
                    [portal.smtp]\nhost = \"localhost\"\nfrom = \"tms@example.org\"\nform = 1\n[portal.limit]\n[potral]\n";
        let (_dir, options) = options(file, "http://tms.example.org", "127.0.0.1:1", false);
        let refused = Config::read(&options).expect_err("refused").0;
        let expected = [
            "line 3: [package.metadata.leptos] site-rot: unknown setting; did you mean site-root?",
            "line 6: [portal] data-dri: unknown setting; did you mean data-dir?",
            "line 8: [portal.limits] page: unknown setting; did you mean pages?",
            "line 10: [portal.providers] network: unknown setting; did you mean networks?",
            "line 14: [portal.smtp] form: unknown setting; did you mean from?",
            "line 15: [portal.limit]: unknown section; did you mean [portal.limits]?",
            "line 16: [potral]: unknown section; did you mean [portal]?",
            "--public-url: without https, passwords and tokens are sent unencrypted; to allow this, add --insecure-http",
        ];
        assert_eq!(refused.len(), expected.len(), "{refused:#?}");
        for (refused, expected) in refused.iter().zip(expected) {
            assert!(refused.ends_with(expected), "{refused}");
        }
        let with_data = DataOptions { data_dir: Some("data".into()), ..options.data.clone() };
        assert_eq!(with_data.existing_portal().err().map(|problems| problems.0.len()), Some(7), "commands on the data as well");
    }

    #[test]
    fn invalid_values_and_unknown_names_are_reported_together() {
        let (_dir, options) =
            options("reload-port = \"x\"\n[portal]\ndata-dir = 1\npublic_url = \"x\"\n", "http://127.0.0.1:1", "127.0.0.1:1", false);
        let refused = Config::read(&options).expect_err("refused").to_string();
        for part in ["public_url: unknown setting; did you mean public-url?", "[package.metadata.leptos]", "invalid type: integer `1`", "line 5"] {
            assert!(refused.contains(part), "{part}: {refused}");
        }
    }

    #[test]
    fn leptos_section_may_stand_anywhere_or_be_absent() {
        let (dir, options) = options("", "http://127.0.0.1:1", "127.0.0.1:1", false);
        let file = dir.path().join("Leptos.toml");
        std::fs::write(&file, "[portal]\ndata-dir = \"x\"\n[package.metadata.leptos]\noutput-name = \"tms-portal\"\n").expect("written");
        assert!(Config::read(&options).is_ok());
        std::fs::write(&file, "[portal]\ndata-dir = \"x\"\n").expect("written");
        let refused = Config::read(&options).map(drop).map_err(|problems| problems.to_string());
        assert!(refused.as_ref().err().is_none_or(|why| why.contains("hash.txt does not exist")), "{refused:?}");
    }

    #[test]
    fn directory_that_cannot_be_read_is_not_a_missing_portal() {
        let dir = tempfile::tempdir().expect("a folder");
        let missing = find_database(&dir.path().join("tms-portal.db"), dir.path()).expect_err("missing");
        assert!(missing.contains("there is no portal in"), "{missing}");
        // For root, no permission is denied: a file in place of the directory is the same kind of error.
        let file = dir.path().join("file");
        std::fs::write(&file, "").expect("written");
        let unreadable = find_database(&file.join("tms-portal.db"), &file).expect_err("unreadable");
        assert!(unreadable.starts_with("cannot read ") && !unreadable.contains("no portal"), "{unreadable}");
        let denied = super::unreadable(&file, &std::io::Error::from(ErrorKind::PermissionDenied));
        assert!(denied.ends_with("permission denied; run this as the user to whom the portal's files belong"), "{denied}");
    }
}
