//! `[portal.providers]`: which networks and authorities the portal uses for identity providers.

use std::path::PathBuf;

use ipnet::IpNet;
use serde::Deserialize;

use crate::server::providers::egress::{EgressPolicy, read_root_certs};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ProvidersSection {
    /// A file, or a folder of files, with authorities to trust beside the public ones.
    ca: Option<PathBuf>,
    /// Networks that are not part of the internet, in which administrators may add providers.
    networks: Vec<IpNet>,
}

impl ProvidersSection {
    pub fn egress_policy(self) -> Result<EgressPolicy, String> {
        let authorities = self.ca.map(|place| read_root_certs(&place)).transpose();
        let authorities = authorities.map_err(|unusable| format!("[portal.providers] ca: {unusable}"))?;
        Ok(EgressPolicy { allowed_networks: self.networks, root_certs: authorities.unwrap_or_default() })
    }
}
