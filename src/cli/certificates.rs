//! Certificates: those trusted in addition to the public ones, and the reasons for which a server's certificate is rejected.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{fs, io};

use reqwest::Certificate;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, RootCertStore};
use thiserror::Error;

use super::printable::Printable;
use crate::domain::error_chain::causes;
use crate::domain::text_file::pem_blocks;

/// Why `--ca-file` was refused.
#[derive(Debug, Error)]
pub enum CaFileRefused {
    #[error("cannot read {path}: {source}: check --ca-file (or TMS_CA_FILE)")]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{path} contains no certificate (PEM, `-----BEGIN CERTIFICATE-----`): check --ca-file (or TMS_CA_FILE)")]
    NoCertificate { path: PathBuf },
}

/// Why a server's certificate was rejected, with advice for the user.
#[derive(Debug, Error)]
pub enum UntrustedCertificate {
    #[error(
        "its certificate was issued by an unknown authority: if your centre has its own authority, pass the authority's certificate with --ca-file FILE"
    )]
    UnknownAuthority,
    #[error("its certificate is for a different host name: check the address")]
    NameMismatch,
    #[error("its certificate has expired or is not yet valid: check this machine's clock, or tell the server's operators")]
    OutsideValidity,
    #[error("its certificate is not usable ({0}): tell the server's operators")]
    Other(Printable),
}

/// Reads the certificates in `path`, at least one. Damaged certificates are skipped, as in `tms-keycmd`.
pub fn read(path: &Path) -> Result<Vec<Certificate>, CaFileRefused> {
    let file = fs::read(path).map_err(|source| CaFileRefused::Unreadable { path: path.to_owned(), source })?;
    let certificates: Vec<Certificate> = pem_blocks(&file).iter().filter_map(|block| parse_certificate(block)).collect();
    if certificates.is_empty() { Err(CaFileRefused::NoCertificate { path: path.to_owned() }) } else { Ok(certificates) }
}

/// `None` if the block is damaged or contains something else.
fn parse_certificate(block: &str) -> Option<Certificate> {
    let der = CertificateDer::from_pem_slice(block.as_bytes()).ok()?;
    // reqwest would refuse to build a client with an invalid certificate.
    RootCertStore::empty().add(der.clone()).ok()?;
    Certificate::from_der(&der).ok()
}

impl UntrustedCertificate {
    /// Returns the certificate problem that made a request fail, if there was one.
    pub fn from_error_chain(error: &(dyn Error + 'static)) -> Option<Self> {
        causes(error).find_map(|cause| match cause.downcast_ref() {
            Some(rustls::Error::InvalidCertificate(why)) => Some(Self::from(why)),
            _ => None,
        })
    }
}

impl From<&CertificateError> for UntrustedCertificate {
    fn from(why: &CertificateError) -> Self {
        use CertificateError as E;
        match why {
            E::UnknownIssuer | E::BadSignature => Self::UnknownAuthority,
            E::NotValidForName | E::NotValidForNameContext { .. } => Self::NameMismatch,
            E::Expired | E::ExpiredContext { .. } | E::NotValidYet | E::NotValidYetContext { .. } => Self::OutsideValidity,
            other => Self::Other(Printable::new(&other.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificate_error_is_found_in_nested_errors() {
        let rustls = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let nested = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, rustls));
        assert!(matches!(UntrustedCertificate::from_error_chain(&nested), Some(UntrustedCertificate::UnknownAuthority)));
        assert!(UntrustedCertificate::from_error_chain(&io::Error::other("connection reset")).is_none());
    }

    #[test]
    fn ca_file_without_certificate_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for text in ["", "hello", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
            fs::write(file.path(), text).unwrap();
            assert!(matches!(read(file.path()), Err(CaFileRefused::NoCertificate { .. })), "{text}");
        }
        let certificate = rcgen::generate_simple_self_signed(Vec::new()).unwrap().cert.pem();
        for around in [&b"\xef\xbb\xbf"[..], b"# certificaci\xf3n\r\n", b"\xff\n"] {
            fs::write(file.path(), [around, certificate.as_bytes()].concat()).unwrap();
            assert_eq!(read(file.path()).unwrap().len(), 1, "{around:?}");
        }
        for inside in ["!", "AAAA", "aGVsbG8="] {
            let damaged = format!("-----BEGIN CERTIFICATE-----\n{inside}\n-----END CERTIFICATE-----\n");
            fs::write(file.path(), format!("{damaged}{certificate}{damaged}{certificate}")).unwrap();
            assert_eq!(read(file.path()).unwrap().len(), 2, "{inside}");
            fs::write(file.path(), damaged).unwrap();
            assert!(matches!(read(file.path()), Err(CaFileRefused::NoCertificate { .. })), "{inside}");
        }
        assert!(matches!(read(Path::new("/nowhere/ca.pem")), Err(CaFileRefused::Unreadable { .. })));
    }
}
