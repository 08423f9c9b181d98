//! Which tenant of which server a command uses.

use std::ffi::OsString;
use std::fmt;
use std::path::Path;

use clap::Args;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::domain::ids::TenantId;
use crate::domain::paths;

use super::certificates;
use super::error_code::ErrorCode;
use super::http::{HttpTransport, RequestError};
use super::printable::Printable;
use super::server_url::{ServerUrl, ServerUrlRefused};

const DEFAULT_TENANT: &str = "default";

/// Options and environment variables that select the target.
#[derive(Args, Default)]
pub struct TargetArgs {
    /// The portal's URL, such as https://portal.example.org, or a tenant's issuer, https://portal.example.org/t/TENANT [default: the last one you signed in to]
    #[arg(long, global = true, env = "TMS_SERVER", value_name = "URL")]
    pub server: Option<String>,

    /// The tenant [default: the last one you signed in to on this server, else `default`]
    #[arg(long, global = true, env = "TMS_TENANT", value_name = "TENANT")]
    pub tenant: Option<String>,

    /// Allow http:// to another machine; your token is then sent unencrypted
    #[arg(long, global = true)]
    pub insecure_http: bool,

    /// Also trust the certificate authorities in FILE (PEM), for a portal whose certificate is from your centre's own authority
    #[arg(long, global = true, env = "TMS_CA_FILE", value_name = "FILE")]
    pub ca_file: Option<OsString>,
}

/// One tenant of one server.
#[derive(Clone, Debug)]
pub struct Target {
    pub server: ServerUrl,
    pub tenant: TenantId,
}

/// The server and tenant of the last sign-in, as the credentials file has them.
#[derive(Serialize, Deserialize)]
pub struct LastTarget {
    pub server: String,
    pub tenant: String,
}

/// Why the command line and the environment name no tenant of a server.
#[derive(Debug, Error)]
pub enum TargetError {
    #[error("no server is set: pass its URL with --server URL")]
    MissingServer,
    #[error(transparent)]
    ServerUrl(#[from] ServerUrlRefused),
    #[error("`{0}` is not a valid tenant name (letters, digits and . _ - only): check --tenant")]
    InvalidTenant(String),
    #[error("--server names the tenant `{in_server}`, and --tenant (or TMS_TENANT) names `{tenant}`: pass one of them only")]
    ConflictingTenants { in_server: String, tenant: String },
}

impl TargetError {
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::MissingServer | Self::ServerUrl(_) | Self::InvalidTenant(_) | Self::ConflictingTenants { .. } => ErrorCode::Usage,
        }
    }
}

impl TargetArgs {
    /// Certificates to trust in addition to the public ones.
    fn ca_file(&self) -> Option<&Path> {
        self.ca_file.as_deref().filter(|file| !file.is_empty()).map(Path::new)
    }

    /// An HTTP client for `server` that trusts those certificates.
    pub fn http(&self, server: &ServerUrl) -> Result<HttpTransport, RequestError> {
        let authorities = self.ca_file().map(certificates::read).transpose()?.unwrap_or_default();
        HttpTransport::new(server, authorities)
            .map_err(|why| RequestError::ClientSetup { server: server.clone(), why: Printable::new(&why.to_string()) })
    }
}

impl Target {
    /// Combines the given values with the stored ones. A stored tenant is used only with its own server.
    pub fn resolve(args: &TargetArgs, last_target: Option<&LastTarget>) -> Result<Self, TargetError> {
        let server_arg = non_blank(args.server.as_deref()).or(last_target.map(|last| last.server.as_str())).ok_or(TargetError::MissingServer)?;
        let (server, in_server) = ServerUrl::parse_issuer(server_arg, args.insecure_http)?;
        let requested = match (in_server, non_blank(args.tenant.as_deref())) {
            (Some(in_server), Some(tenant)) if in_server != tenant.trim() => {
                return Err(TargetError::ConflictingTenants { in_server, tenant: tenant.to_owned() });
            }
            (Some(in_server), _) => Some(in_server),
            (None, tenant) => tenant.map(str::to_owned),
        };
        let remembered_tenant = last_target.filter(|last| last.server == server.as_str()).map(|last| last.tenant.as_str());
        let tenant = requested.as_deref().or(remembered_tenant).unwrap_or(DEFAULT_TENANT);
        let tenant = TenantId::parse(tenant).map_err(|_| TargetError::InvalidTenant(tenant.to_owned()))?;
        Ok(Self { server, tenant })
    }

    /// The issuer that the server must state exactly (RFC 8414 §3.3).
    pub fn issuer(&self) -> String {
        self.url(&paths::tenant(&self.tenant))
    }

    /// RFC 8414 §3.1: the well-known path is inserted between the host and the issuer's path.
    pub fn metadata_url(&self) -> String {
        self.url(&format!("{}{}", paths::OAUTH_METADATA, paths::tenant(&self.tenant)))
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, tenant {}", self.server, self.tenant)
    }
}

/// An empty environment variable counts as unset.
pub fn non_blank(value: Option<&str>) -> Option<&str> {
    value.filter(|value| !value.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target_args(server: &str, tenant: &str) -> TargetArgs {
        TargetArgs { server: Some(server.to_owned()), tenant: Some(tenant.to_owned()), ..TargetArgs::default() }
    }

    fn last_target() -> LastTarget {
        LastTarget { server: "https://a.example".to_owned(), tenant: "lab".to_owned() }
    }

    #[test]
    fn arguments_take_precedence_over_stored_target() {
        for (server, tenant, chosen) in [
            ("", "", "https://a.example, tenant lab"),
            ("https://a.example/", "", "https://a.example, tenant lab"),
            ("https://b.example", "", "https://b.example, tenant default"),
            ("", "other", "https://a.example, tenant other"),
            ("https://b.example", "other", "https://b.example, tenant other"),
        ] {
            let target = Target::resolve(&target_args(server, tenant), Some(&last_target())).unwrap();
            assert_eq!(target.to_string(), chosen);
        }
    }

    #[test]
    fn issuer_selects_server_and_tenant() {
        for server in ["https://b.example/t/test", "https://b.example/t/test/", " https://B.example:443/t/test// ", "https://b.example/t/te%73t"] {
            for tenant in ["", "test"] {
                let target = Target::resolve(&target_args(server, tenant), Some(&last_target())).unwrap();
                assert_eq!(target.to_string(), "https://b.example, tenant test");
            }
            let refused = Target::resolve(&target_args(server, "lab"), None).unwrap_err();
            assert!(matches!(&refused, TargetError::ConflictingTenants { in_server, tenant } if in_server == "test" && tenant == "lab"), "{refused}");
        }
        for other in ["https://b.example/t", "https://b.example/t/", "https://b.example/t/a/b", "https://b.example/x/t/a", "https://b.example/t/a?b"]
        {
            assert!(matches!(Target::resolve(&target_args(other, ""), None), Err(TargetError::ServerUrl(_))), "{other}");
        }
        assert!(matches!(Target::resolve(&target_args("https://b.example/t/a%2Fb", ""), None), Err(TargetError::InvalidTenant(_))));
    }

    #[test]
    fn without_a_server_the_target_is_refused() {
        assert!(matches!(Target::resolve(&TargetArgs::default(), None), Err(TargetError::MissingServer)));
    }

    #[test]
    fn tenant_cannot_leave_its_path() {
        for tenant in ["..", "a/b", "a?b", "a b"] {
            assert!(matches!(Target::resolve(&target_args("https://a.example", tenant), None), Err(TargetError::InvalidTenant(_))), "{tenant}");
        }
    }

    #[test]
    fn metadata_path_is_between_host_and_issuer_path() {
        let target = Target::resolve(&TargetArgs::default(), Some(&last_target())).unwrap();
        assert_eq!(target.issuer(), "https://a.example/t/lab");
        assert_eq!(target.metadata_url(), "https://a.example/.well-known/oauth-authorization-server/t/lab");
    }
}
