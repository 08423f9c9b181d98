//! TLS termination, with the operator's certificate or a development one ([`development`]).

pub mod development;

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ParsedCertificate;
use zeroize::Zeroizing;

use crate::domain::text_file::pem_blocks;
use crate::domain::time::Timestamp;

/// Where TLS is terminated.
#[derive(Clone, Debug)]
pub enum TlsMode {
    /// At a proxy, or nowhere.
    External,
    /// Here, with a generated certificate.
    Development,
    /// Here, with the operator's certificate.
    OperatorCertificate(OperatorCertificate),
}

/// The operator's certificate and key.
#[derive(Clone, Debug)]
pub struct OperatorCertificate {
    pub config: Arc<ServerConfig>,
    /// The end of the certificate's validity; `None` if it cannot be read.
    pub expires_at: Option<Timestamp>,
}

/// Reads the operator's certificate with its chain, and its key. They must match, and the certificate must be valid for `host`; errors name
/// the option at fault.
pub fn from_files(certificate: &Path, key: &Path, host: Option<&str>) -> Result<OperatorCertificate, String> {
    let unreadable = |option: &str, file: &Path, error: &dyn Display| format!("{option}: cannot read {}: {error}", file.display());
    let blocks = pem_blocks(&std::fs::read(certificate).map_err(|error| unreadable("--tls-cert", certificate, &error))?).concat();
    let chain: Vec<CertificateDer> =
        CertificateDer::pem_slice_iter(blocks.as_bytes()).collect::<Result<_, _>>().map_err(|error| unreadable("--tls-cert", certificate, &error))?;
    let first = chain.first().ok_or_else(|| format!("--tls-cert: there is no certificate in {}", certificate.display()))?;
    if let Some(host) = host {
        verify_host(first, host).map_err(|error| format!("--tls-cert: {} is not for {host}: {error}", certificate.display()))?;
    }
    let file = Zeroizing::new(std::fs::read(key).map_err(|error| unreadable("--tls-key", key, &error))?);
    let blocks = Zeroizing::new(pem_blocks(&file).concat());
    let secret = PrivateKeyDer::from_pem_slice(blocks.as_bytes()).map_err(|error| unreadable("--tls-key", key, &error))?;
    let expires_at = expiry(first);
    let config = server_config(chain, secret).map_err(|error| format!("--tls-key: {} does not go with the certificate: {error}", key.display()))?;
    Ok(OperatorCertificate { config, expires_at })
}

fn expiry(certificate: &CertificateDer<'_>) -> Option<Timestamp> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Some(Timestamp::from_millis(certificate.validity().not_after.timestamp() * 1_000))
}

fn verify_host(certificate: &CertificateDer<'_>, host: &str) -> Result<(), rustls::Error> {
    let name = ServerName::try_from(host).map_err(|error| rustls::Error::General(error.to_string()))?;
    verify_server_name(&ParsedCertificate::try_from(certificate)?, &name)
}

fn server_config(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Arc<ServerConfig>, rustls::Error> {
    let versions = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let mut config = versions.with_no_client_auth().with_single_cert(chain, key)?;
    // The protocol that `listen` supports.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Explicit: the process's default provider depends on the features of all crates.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rcgen::{CertifiedKey, generate_simple_self_signed};

    use super::*;

    fn made_for(host: &str) -> (tempfile::TempDir, PathBuf, PathBuf) {
        let dir = tempfile::tempdir().expect("a folder");
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed([host.to_owned()]).expect("a certificate");
        let (certificate, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
        std::fs::write(&certificate, cert.pem()).expect("written");
        std::fs::write(&key, signing_key.serialize_pem()).expect("written");
        (dir, certificate, key)
    }

    #[test]
    fn the_certificate_must_match_its_key_and_the_host() {
        let (_dir, certificate, key) = made_for("*.example.org");
        let config = from_files(&certificate, &key, Some("tms.example.org")).expect("they fit");
        assert_eq!(config.config.alpn_protocols, [b"http/1.1"]);
        // The test's certificates are valid until 4096 (rcgen's default).
        assert_eq!(config.expires_at.map(Timestamp::to_rfc3339), Some("4096-01-01T00:00:00+00:00".into()));
        let (_other_dir, _, other_key) = made_for("tms.example.org");
        let nowhere = Path::new("nowhere.pem");
        for (certificate, key, host, option) in [
            (certificate.as_path(), other_key.as_path(), "tms.example.org", "--tls-key: "),
            (&certificate, &key, "example.com", "--tls-cert: "),
            (&certificate, &key, "192.0.2.1", "--tls-cert: "),
            (&key, &key, "tms.example.org", "--tls-cert: there is no certificate in "),
            (nowhere, &key, "tms.example.org", "--tls-cert: cannot read nowhere.pem"),
            (&certificate, nowhere, "tms.example.org", "--tls-key: cannot read nowhere.pem"),
            (&certificate, &certificate, "tms.example.org", "--tls-key: cannot read "),
        ] {
            let said = from_files(certificate, key, Some(host)).expect_err(option);
            assert!(said.starts_with(option), "{said}");
        }
    }

    #[test]
    fn text_around_certificate_and_key_may_have_any_encoding() {
        let (_dir, certificate, key) = made_for("tms.example.org");
        for file in [&certificate, &key] {
            let pem = std::fs::read(file).expect("read");
            std::fs::write(file, [&b"\xef\xbb\xbf# caf\xe9\r\n"[..], &pem].concat()).expect("written");
        }
        assert!(from_files(&certificate, &key, Some("tms.example.org")).is_ok());
    }
}
