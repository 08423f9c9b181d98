//! Whom we believe to be the portal.

use std::path::{Path, PathBuf};

use thiserror::Error;
use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

use super::files::{self, Demand, FileFault};

/// Where systems keep the roots they trust, all in one file: Debian and Arch, RHEL and Fedora, SUSE, Alpine and the BSDs. A crate
/// would find them, too, but would ask the environment first.
const SYSTEM: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
const LONGEST_FILE: u64 = 4 * 1024 * 1024;

/// Why there is nobody to believe.
#[derive(Debug, Error)]
pub enum RootsFault {
    #[error(transparent)]
    File(#[from] FileFault),
    #[error("{0} holds no certificate in PEM form")]
    NoCertificate(PathBuf),
    #[error("this system keeps no roots where they are looked for: set ca_file")]
    NoSystemRoots,
}

/// The operator's own certificate authority if there is one, and then it alone; otherwise the system's.
pub fn load(ca_file: Option<&Path>) -> Result<Vec<Certificate<'static>>, RootsFault> {
    match ca_file {
        Some(path) => certificates(path, &files::read(path, LONGEST_FILE, Demand::OursAlone)?),
        None => {
            let path = SYSTEM.iter().map(Path::new).find(|path| path.exists()).ok_or(RootsFault::NoSystemRoots)?;
            certificates(path, &files::read(path, LONGEST_FILE, Demand::Nothing)?)
        }
    }
}

pub fn trust(certificates: Vec<Certificate<'static>>) -> RootCerts {
    RootCerts::from(certificates)
}

fn certificates(path: &Path, pem: &str) -> Result<Vec<Certificate<'static>>, RootsFault> {
    let none = || RootsFault::NoCertificate(path.into());
    let items: Vec<PemItem<'static>> = parse_pem(pem.as_bytes()).collect::<Result<_, _>>().map_err(|_| none())?;
    let found: Vec<_> = items
        .into_iter()
        .filter_map(|item| match item {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() { Err(none()) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_no_certificate_authority() {
        let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(certificates(Path::new("/ca"), &pem.repeat(2)).unwrap().len(), 2);
        for text in ["", "AAAA", "-----BEGIN CERTIFICATE-----\nAAAA", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
            assert!(matches!(certificates(Path::new("/ca"), text), Err(RootsFault::NoCertificate(_))), "{text}");
        }
    }
}
