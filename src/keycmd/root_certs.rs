//! Root certificates for the connection to the portal.

use std::path::{Path, PathBuf};

use thiserror::Error;
use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

use crate::domain::text_file::pem_blocks;

use super::files::{self, FileError, FileRequirement};

/// Paths of the system's root certificates in a single file: Debian and Arch, RHEL and Fedora, SUSE, Alpine and the BSDs. The
/// existing crate would read environment variables first.
const SYSTEM_BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
const MAX_BUNDLE_BYTES: u64 = 4 * 1024 * 1024;

/// Why no trusted root certificate could be loaded.
#[derive(Debug, Error)]
pub enum RootStoreError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{0} contains no PEM certificate")]
    NoCertificate(PathBuf),
    #[error("no root certificates found on this system: set ca_file")]
    NoSystemRoots,
}

/// The operator's certificate authority alone, if configured; otherwise the system's root certificates.
pub fn load(ca_file: Option<&Path>) -> Result<Vec<Certificate<'static>>, RootStoreError> {
    match ca_file {
        Some(path) => certificates(path, &files::read_bytes(path, MAX_BUNDLE_BYTES, FileRequirement::OwnerWritableOnly)?),
        None => {
            // One that cannot be looked up is read, which reports why.
            let path = SYSTEM_BUNDLES.iter().map(Path::new).find(|path| path.try_exists().unwrap_or(true)).ok_or(RootStoreError::NoSystemRoots)?;
            certificates(path, &files::read_bytes(path, MAX_BUNDLE_BYTES, FileRequirement::Unchecked)?)
        }
    }
}

pub fn into_root_certs(certificates: Vec<Certificate<'static>>) -> RootCerts {
    RootCerts::from(certificates)
}

/// The certificates of a bundle. Comments around them may have any encoding; unreadable blocks are skipped, so that one damaged
/// certificate does not lock out a host whose portal uses another.
fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<Certificate<'static>>, RootStoreError> {
    let found: Vec<_> = pem_blocks(pem)
        .iter()
        .flat_map(|block| parse_pem(block.as_bytes()).flatten().collect::<Vec<PemItem<'static>>>())
        .filter_map(|item| match item {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() { Err(RootStoreError::NoCertificate(path.into())) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ca_file_without_certificates_is_refused() {
        let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(certificates(Path::new("/ca"), pem.repeat(2).as_bytes()).unwrap().len(), 2);
        for text in ["", "AAAA", "-----BEGIN CERTIFICATE-----\nAAAA", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
            assert!(matches!(certificates(Path::new("/ca"), text.as_bytes()), Err(RootStoreError::NoCertificate(_))), "{text}");
        }
    }

    #[test]
    fn bytes_around_certificates_are_skipped() {
        let pem: &[u8] = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let damaged: &[u8] = b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
        for around in [&b"\xef\xbb\xbf"[..], b"# Autoridad de certificaci\xf3n\r\n", b"\xff\x00\n", b"Subject: O=\xc3\x28\n", damaged] {
            let bundle = [around, pem, around, pem].concat();
            assert_eq!(certificates(Path::new("/ca"), &bundle).unwrap().len(), 2, "{around:?}");
        }
        let bundle = String::from_utf8(pem.to_vec()).unwrap().replace('\n', "\r\n");
        assert_eq!(certificates(Path::new("/ca"), bundle.as_bytes()).unwrap().len(), 1);
    }
}
