//! Name resolution for the portal.

use std::net::SocketAddr;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use crate::domain::loopback::{LOOPBACK_ADDRESSES, is_loopback_name};

/// Resolves names of this machine itself: a name server could resolve `tms.localhost` to another machine, which would receive the
/// credential.
#[derive(Debug, Default)]
pub struct LoopbackResolver(DefaultResolver);

impl Resolver for LoopbackResolver {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        if !uri.host().is_some_and(is_loopback_name) {
            return self.0.resolve(uri, config, timeout);
        }
        let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let port = uri.port_u16().unwrap_or(usual);
        let mut found = self.empty();
        for address in LOOPBACK_ADDRESSES {
            found.push(SocketAddr::new(address.ip(), port));
        }
        Ok(found)
    }
}
