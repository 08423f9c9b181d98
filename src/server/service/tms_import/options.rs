//! What the operator decides about an import.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::report::escaped;
use crate::domain::ids::{HostName, IdRefused, TenantId};

/// How long imported secrets are valid, unless the operator sets another time.
pub const DEFAULT_SECRETS_VALID: Duration = Duration::from_secs(180 * 24 * 60 * 60);

/// The decisions; the default is the one that changes least.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// Other names for tenants, by the old ones.
    pub tenants: BTreeMap<String, TenantId>,
    /// Only these tenants, by their old names; none: all but `test`.
    pub only_tenants: Vec<String>,
    pub with_test_tenant: bool,
    pub secrets: Secrets,
    /// What has run out is valid for this long; `None`: it stays so.
    pub grace: Option<Duration>,
    /// The tenants that answer hosts which are in several.
    pub host_owners: BTreeMap<HostName, TenantId>,
    /// Creates what keys depend on and is missing, as MVP does.
    pub mend: bool,
    /// The settings of the old server.
    pub settings: Option<OldSettings>,
    /// Anyone may register clients if anyone could at the old server.
    pub keep_open_registration: bool,
}

impl ImportOptions {
    /// The name here of a tenant of the old server.
    pub fn tenant_here(&self, old: &str) -> Result<TenantId, IdRefused> {
        self.tenants.get(old).cloned().map_or_else(|| TenantId::parse(old), Ok)
    }
}

/// What becomes of the old secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// They are valid for this long; after the first use without end.
    Keep(Duration),
    /// They are not imported: clients and administrators need new ones.
    New,
}

impl Default for Secrets {
    fn default() -> Self {
        Self::Keep(DEFAULT_SECRETS_VALID)
    }
}

/// `tms.toml` of the old server, as far as it matters here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct OldSettings {
    enable_mvp: bool,
    new_clients: String,
    http_addr: String,
    http_port: Option<u16>,
    server_urls: Vec<String>,
}

impl OldSettings {
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            format!("line {}: {}", before.matches('\n').count() + 1, escaped(error.message()))
        })
    }

    pub fn mvp(&self) -> bool {
        self.enable_mvp
    }

    /// Whether anyone could register clients: never while MVP was on.
    pub fn open_registration(&self) -> bool {
        !self.enable_mvp && self.new_clients.eq_ignore_ascii_case("allow")
    }

    /// What the operator sets in this portal's configuration.
    pub fn hints(&self) -> Vec<String> {
        let mut hints = Vec::new();
        if let Some(port) = self.http_port {
            hints.push(format!("the old server listened on port {port} ({}): see site-addr and public-url", escaped(&self.http_addr)));
        }
        if !self.server_urls.is_empty() {
            hints.push(format!("the old server's URLs: {}", escaped(&self.server_urls.join(", "))));
        }
        hints.push("log4rs.yml and the certificates of the old server are not read".to_owned());
        hints
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_the_old_server_are_read() {
        let text = "title = \"TMS\"\nhttp_addr = \"https://localhost\"\nhttp_port = 3000\nenable_mvp = false\nnew_clients = \"allow\"\nserver_urls = [\"https://tms.example\"]\n";
        let settings = OldSettings::parse(text).expect("settings");
        assert!(!settings.mvp() && settings.open_registration() && settings.hints().len() == 3, "{:?}", settings.hints());
        assert!(!OldSettings::parse("enable_mvp = true\nnew_clients = \"allow\"").expect("settings").open_registration());
        let refused = OldSettings::parse("title = \"TMS\"\nenable_mvp = \"\u{9b}2J\"").expect_err("no boolean");
        assert!(refused.starts_with("line ") && !refused.contains('\u{9b}'), "{refused}");
    }

    #[test]
    fn settings_cannot_control_the_terminal() {
        let text = "http_addr = \"\\u001b]0;x\"\nhttp_port = 1\nserver_urls = [\"\\u001b[2J\"]\n";
        let hints = OldSettings::parse(text).expect("settings").hints().join("\n");
        assert!(hints.contains("\\u{1b}]0;x") && hints.contains("\\u{1b}[2J") && !hints.contains('\u{1b}'), "{hints}");
    }
}
