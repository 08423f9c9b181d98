//! The settings file. The two keys of the original TMS key command keep their meaning.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;
use ureq::http::Uri;

use crate::domain::loopback::is_loopback;

use super::budget::Budget;
use super::files::{self, FileError, FileRequirement};
use super::log::LogTarget;
use super::options::KeyOptions;
use super::time_format::ExpiryTime;

const MAX_FILE_BYTES: u64 = 64 * 1024;
const MAX_CREDENTIAL_BYTES: u64 = 4 * 1024;
/// Upper limit: a key that is revoked during an outage works for this long (docs/architecture.md).
const MAX_CACHE_SECONDS: u64 = 300;

/// The end of `tms_url`.
const RETRIEVE_PATH: &str = "pubkeys/creds/retrieve";

/// Validated settings.
#[derive(Debug)]
pub struct KeycmdConfig {
    pub portal: PortalUrl,
    /// This host's name at the portal; its own hostname may differ.
    pub host_name: String,
    pub tenant: Option<String>,
    pub credential_file: Option<PathBuf>,
    pub ca_file: Option<PathBuf>,
    pub timeout: Duration,
    /// How the key's expiry is passed to sshd; `None`: not at all.
    pub expiry_time: Option<ExpiryTime>,
    pub options: KeyOptions,
    pub cache: Option<CacheSettings>,
    pub log: LogTarget,
    /// Users with a lower UID are not looked up.
    pub min_uid: u32,
}

#[derive(Debug)]
pub struct CacheSettings {
    pub directory: PathBuf,
    pub lifetime: Duration,
}

/// The complete URL of the lookup.
#[derive(Clone, Debug)]
pub struct PortalUrl(Uri);

/// Authenticates this host to the portal. It has no `Debug` and no `Display`.
pub struct Credential(String);

/// The file's contents. Unknown keys are refused: a misspelt one would disable a setting silently.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    tms_url: String,
    host_name: String,
    tenant: Option<String>,
    credential_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    timeout_ms: Option<u64>,
    expiry_time: Option<toml::Value>,
    #[serde(default)]
    options: String,
    cache_dir: Option<PathBuf>,
    cache_seconds: Option<u64>,
    log: Option<String>,
    min_uid: Option<u32>,
    #[serde(default)]
    insecure_http: bool,
}

/// What is wrong with the settings.
#[derive(Debug, Error)]
pub enum ConfigError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("the settings are not valid: {0}")]
    Syntax(String),
    #[error("invalid setting: {0}")]
    InvalidSetting(String),
}

impl KeycmdConfig {
    /// Loads the file. Write access to it allows logins as any user, so others must not have it.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::parse(&files::read(path, MAX_FILE_BYTES, FileRequirement::OwnerWritableOnly)?)
    }

    fn parse(text: &str) -> Result<Self, ConfigError> {
        let raw: RawConfig = toml::from_str(text).map_err(|error| ConfigError::Syntax(error.message().to_owned()))?;
        let refused = |why: &str| ConfigError::InvalidSetting(why.to_owned());

        let portal = PortalUrl::parse(&raw.tms_url, raw.insecure_http).map_err(refused)?;
        if raw.credential_file.is_some() && !portal.is_private() {
            return Err(refused("credential_file requires an https:// URL in tms_url"));
        }
        if raw.host_name.trim().is_empty() {
            return Err(refused("host_name is blank"));
        }
        if raw.tenant.as_deref().is_some_and(|tenant| !is_single_word(tenant)) {
            return Err(refused("tenant is not a single ASCII word"));
        }
        for (name, path) in [("credential_file", &raw.credential_file), ("ca_file", &raw.ca_file), ("cache_dir", &raw.cache_dir)] {
            if path.as_deref().is_some_and(Path::is_relative) {
                return Err(ConfigError::InvalidSetting(format!("{name} is not an absolute path")));
            }
        }
        let timeout = raw.timeout_ms.map_or(Budget::MAX, Duration::from_millis);
        if !(Budget::MIN..=Budget::MAX).contains(&timeout) {
            let (shortest, longest) = (Budget::MIN.as_millis(), Budget::MAX.as_millis());
            return Err(ConfigError::InvalidSetting(format!("timeout_ms is not between {shortest} and {longest}")));
        }
        let cache = match (raw.cache_dir, raw.cache_seconds.unwrap_or(0)) {
            (_, seconds) if seconds > MAX_CACHE_SECONDS => {
                return Err(ConfigError::InvalidSetting(format!("cache_seconds is more than {MAX_CACHE_SECONDS}")));
            }
            (None, 1..) => return Err(refused("cache_seconds requires cache_dir")),
            (Some(directory), seconds @ 1..) => Some(CacheSettings { directory, lifetime: Duration::from_secs(seconds) }),
            (_, 0) => None,
        };
        let log = LogTarget::parse(raw.log.as_deref().unwrap_or("syslog"));
        Ok(Self {
            portal,
            host_name: raw.host_name.trim().to_owned(),
            tenant: raw.tenant,
            credential_file: raw.credential_file,
            ca_file: raw.ca_file,
            timeout,
            expiry_time: match &raw.expiry_time {
                None | Some(toml::Value::Boolean(false)) => None,
                Some(toml::Value::Boolean(true)) => Some(ExpiryTime::Utc),
                Some(toml::Value::String(word)) if word == "local" => Some(ExpiryTime::Local),
                Some(_) => return Err(refused("expiry_time is not true, false or \"local\"")),
            },
            options: KeyOptions::parse(&raw.options).map_err(|error| ConfigError::InvalidSetting(error.to_string()))?,
            cache,
            log: log.ok_or_else(|| refused("log is not \"syslog\", \"none\" or an absolute path"))?,
            min_uid: raw.min_uid.unwrap_or(1),
        })
    }

    /// This host's credential, if it has one.
    pub fn credential(&self) -> Result<Option<Credential>, ConfigError> {
        let Some(path) = &self.credential_file else { return Ok(None) };
        let text = files::read(path, MAX_CREDENTIAL_BYTES, FileRequirement::Secret)?;
        let credential = text.trim();
        if !is_single_word(credential) {
            return Err(ConfigError::InvalidSetting(format!("credential_file is {}, which does not contain a single ASCII word", path.display())));
        }
        Ok(Some(Credential(credential.to_owned())))
    }
}

impl Credential {
    /// The value of the `Authorization` header (RFC 6750 §2.1).
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl PortalUrl {
    /// Over plain HTTP, an attacker on the network can insert a key; it is accepted for this machine only, or if the operator sets
    /// `insecure_http`.
    fn parse(text: &str, insecure_http: bool) -> Result<Self, &'static str> {
        let uri: Uri = text.trim().parse().map_err(|_| "tms_url is not a URL such as https://host:3000/v1/tms/pubkeys/creds/retrieve")?;
        let authority = uri.authority().ok_or("tms_url is not a complete URL: it has no host")?;
        if authority.host().is_empty() || authority.as_str().contains('@') {
            return Err("tms_url must have a host and no user name or password");
        }
        let url = Self(uri);
        match url.0.scheme_str() {
            Some("https") => Ok(url),
            Some("http") if insecure_http || url.is_private() => Ok(url),
            Some("http") => Err("tms_url is http://, which is not secure: use https://, or set insecure_http = true"),
            _ => Err("tms_url does not begin with https:// or http://"),
        }
    }

    /// The URL of another call of the same API; `None` if this URL does not end as expected.
    pub fn endpoint_url(&self, call: &str) -> Option<Uri> {
        let base = self.0.to_string();
        format!("{}{call}", base.strip_suffix(RETRIEVE_PATH)?).parse().ok()
    }

    pub fn is_https(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }

    /// Whether the connection is protected against eavesdropping: HTTPS or this machine.
    fn is_private(&self) -> bool {
        self.is_https() || self.0.host().is_some_and(is_loopback)
    }

    pub fn as_uri(&self) -> &Uri {
        &self.0
    }
}

fn is_single_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "tms_url = \"https://tms.example.org:3000/v1/tms/pubkeys/creds/retrieve\"\nhost_name = \"frontera\"\n";

    fn with(more: &str) -> Result<KeycmdConfig, ConfigError> {
        KeycmdConfig::parse(&format!("{OLD}{more}"))
    }

    #[test]
    fn two_keys_of_original_config_suffice() {
        let config = with("").unwrap();
        assert_eq!(config.portal.as_uri().to_string(), "https://tms.example.org:3000/v1/tms/pubkeys/creds/retrieve");
        assert_eq!(config.host_name, "frontera");
        assert_eq!((config.timeout, config.min_uid, config.expiry_time), (Duration::from_secs(2), 1, None));
        assert_eq!((config.log, config.options), (LogTarget::Syslog, KeyOptions::default()));
        assert!(config.cache.is_none() && config.tenant.is_none() && config.credential_file.is_none() && config.ca_file.is_none());
    }

    #[test]
    fn all_keys_are_parsed() {
        let config = with(
            "tenant = \"tacc\"\ncredential_file = \"/etc/c\"\nca_file = \"/etc/ca\"\ntimeout_ms = 1500\nexpiry_time = true\noptions = \"restrict,pty\"\n\
             cache_dir = \"/var/cache/tms-keycmd\"\ncache_seconds = 30\nlog = \"none\"\nmin_uid = 1000\ninsecure_http = false\n",
        )
        .unwrap();
        assert_eq!((config.timeout, config.min_uid, config.expiry_time), (Duration::from_millis(1_500), 1_000, Some(ExpiryTime::Utc)));
        assert_eq!(with("expiry_time = \"local\"").unwrap().expiry_time, Some(ExpiryTime::Local));
        assert_eq!(with("expiry_time = false").unwrap().expiry_time, None);
        assert_eq!(config.cache.unwrap().lifetime, Duration::from_secs(30));
    }

    #[test]
    fn invalid_values_are_refused_with_their_key() {
        for (more, named) in [
            ("cache_second = 30", "cache_second"),
            ("timeout_ms = 30000", "timeout_ms"),
            ("timeout_ms = 10", "timeout_ms"),
            ("timeout_ms = \"2\"", "invalid type"),
            ("cache_dir = \"/c\"\ncache_seconds = 301", "cache_seconds"),
            ("cache_seconds = 30", "cache_dir"),
            ("cache_dir = \"c\"\ncache_seconds = 30", "cache_dir"),
            ("credential_file = \"c\"", "credential_file"),
            ("ca_file = \"c\"", "ca_file"),
            ("log = \"stdout\"", "log"),
            ("options = \"restrict\\ncommand\"", "options"),
            ("expiry_time = \"utc\"", "expiry_time"),
            ("expiry_time = 1", "expiry_time"),
            ("tenant = \"a b\"", "tenant"),
            ("tenant = \"\"", "tenant"),
            ("host_name = \"twice\"", "duplicate key"),
            ("[section]", "section"),
        ] {
            let error = with(more).unwrap_err().to_string();
            assert!(error.contains(named) && !error.contains('\n'), "{more}: {error}");
        }
        for (text, named) in
            [("", "tms_url"), ("tms_url = \"https://a/b\"", "host_name"), ("tms_url = \"https://a/b\"\nhost_name = \" \"", "host_name")]
        {
            assert!(KeycmdConfig::parse(text).unwrap_err().to_string().contains(named), "{text}");
        }
    }

    #[test]
    fn endpoint_urls_derive_from_the_lookup_url() {
        let url = with("").unwrap().portal;
        assert_eq!(url.endpoint_url("links").unwrap().to_string(), "https://tms.example.org:3000/v1/tms/links");
        assert!(PortalUrl::parse("https://tms.example.org/elsewhere", false).unwrap().endpoint_url("links").is_none());
    }

    #[test]
    fn plain_http_is_refused_for_remote_portals() {
        let parse = |url: &str, insecure| PortalUrl::parse(url, insecure).is_ok();
        for url in [
            "https://tms.example.org/x",
            "http://127.0.0.1:3000/x",
            "http://[::1]:3000/x",
            "http://localhost/x",
            "http://LocalHost./x",
            "http://tms.localhost/x",
            "http://[::ffff:127.0.0.1]/x",
        ] {
            assert!(parse(url, false), "{url}");
        }
        for url in ["http://tms.example.org/x", "http://10.0.0.1/x", "http://localhost.example.org/x"] {
            assert!(!parse(url, false) && parse(url, true), "{url}");
        }
        for url in ["", "tms.example.org", "/v1/tms", "ftp://tms.example.org/x", "https://me:pw@tms.example.org/x", "file:///etc/passwd", "https://"]
        {
            assert!(!parse(url, true), "{url}");
        }
        let text = "tms_url = \"http://a/b\"\nhost_name = \"h\"\ninsecure_http = true\n";
        assert!(KeycmdConfig::parse(text).is_ok());
        assert!(KeycmdConfig::parse(&format!("{text}credential_file = \"/c\"")).unwrap_err().to_string().contains("credential_file"));
    }
}
