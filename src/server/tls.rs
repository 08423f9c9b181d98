//! TLS termination, with the operator's certificate or a development one ([`development`]).

pub mod development;
pub mod inspection;
pub mod served;

use std::fmt::Display;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
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
use crate::server::service::platform::file_modes::is_open_to_all;
use inspection::CertificateFinding;

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

/// The operator's certificate and key, as they were read.
#[derive(Clone, Debug)]
pub struct OperatorCertificate {
    pub config: Arc<ServerConfig>,
    /// The server's certificate, then its issuers.
    chain: Vec<CertificateDer<'static>>,
    files: CertificateFiles,
}

/// Where a certificate and its key come from, and the host for which it must be valid.
#[derive(Clone, Debug)]
struct CertificateFiles {
    certificate: PathBuf,
    key: PathBuf,
    host: Option<String>,
    /// Of both files, from before they were read.
    versions: [FileVersion; 2],
}

/// Inode, time of the last change, and its nanoseconds; `None` if the file is not there. It differs after any replacement of a file.
type FileVersion = Option<(u64, i64, i64)>;

fn file_version(file: &Path) -> FileVersion {
    fs::metadata(file).ok().map(|file| (file.ino(), file.mtime(), file.mtime_nsec()))
}

impl OperatorCertificate {
    /// The end of the certificate's validity; `None` if it cannot be read.
    pub fn expires_at(&self) -> Option<Timestamp> {
        inspection::validity(self.chain.first()?).map(|(_, until)| until)
    }

    /// What is wrong with the certificate, or soon will be.
    pub fn findings(&self, now: Timestamp) -> Vec<CertificateFinding> {
        let validity = self.chain.first().and_then(|first| inspection::inspect_validity(first, now));
        validity.into_iter().chain(inspection::inspect_chain(&self.chain)).collect()
    }
}

/// Reads the operator's certificate with its chain, and its key. They must match, and the certificate must be valid for `host`; errors name
/// the option at fault.
pub fn from_files(certificate: &Path, key: &Path, host: Option<&str>) -> Result<OperatorCertificate, String> {
    let versions = [certificate, key].map(file_version);
    let chain = read_chain(certificate)?;
    let secret = read_key(key)?;
    let first = chain.first().ok_or_else(|| format!("--tls-cert: there is no certificate in {}; it must be PEM", certificate.display()))?;
    match_key(&chain, &secret, certificate, key)?;
    if let Some(host) = host {
        verify_host(first, host).map_err(|error| format!("--tls-cert: {} is not for {host}: {error}", certificate.display()))?;
    }
    refuse_exposed_key(key)?;
    let config =
        server_config(chain.clone(), secret).map_err(|error| format!("--tls-key: {} does not go with the certificate: {error}", key.display()))?;
    let files = CertificateFiles { certificate: certificate.to_owned(), key: key.to_owned(), host: host.map(str::to_owned), versions };
    Ok(OperatorCertificate { config, chain, files })
}

fn unreadable(option: &str, file: &Path, why: &dyn Display) -> String {
    format!("{option}: cannot read {}: {why}", file.display())
}

fn read_chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let bytes = fs::read(file).map_err(|error| unreadable("--tls-cert", file, &error))?;
    let blocks = pem_blocks(&bytes).concat();
    CertificateDer::pem_slice_iter(blocks.as_bytes()).collect::<Result<_, _>>().map_err(|error| unreadable("--tls-cert", file, &error))
}

fn read_key(file: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let bytes = Zeroizing::new(fs::read(file).map_err(|error| unreadable("--tls-key", file, &error))?);
    let blocks = Zeroizing::new(pem_blocks(&bytes).concat());
    PrivateKeyDer::from_pem_slice(blocks.as_bytes()).map_err(|error| {
        // `BEGIN ENCRYPTED PRIVATE KEY` (RFC 7468 §11), or `Proc-Type: 4,ENCRYPTED` (RFC 1421) in older files.
        if blocks.lines().any(|line| line.starts_with("-----BEGIN ENCRYPTED ") || line.ends_with(",ENCRYPTED")) {
            let why = "the key is encrypted with a passphrase; decrypt it, such as with openssl pkey";
            unreadable("--tls-key", file, &why)
        } else if blocks.contains("PRIVATE KEY-----") {
            unreadable("--tls-key", file, &error)
        } else {
            unreadable("--tls-key", file, &"there is no private key in it; it must be PEM")
        }
    })
}

/// Refuses a key that all users of the machine can access. Its group may: certificates are often renewed by another user.
fn refuse_exposed_key(file: &Path) -> Result<(), String> {
    let metadata = fs::metadata(file).map_err(|error| unreadable("--tls-key", file, &error))?;
    if !is_open_to_all(&metadata) {
        return Ok(());
    }
    Err(format!(
        "--tls-key: {} can be accessed by all users of this machine (mode {:04o}): `chmod o=` it, with the portal's group as its group if the \
         portal is not its owner (on Kubernetes: defaultMode: 0440 of the volume), and replace the key if someone may have read it",
        file.display(),
        metadata.mode() & 0o7777
    ))
}

/// The key must be that of the first certificate.
fn match_key(chain: &[CertificateDer<'_>], secret: &PrivateKeyDer<'static>, certificate: &Path, key: &Path) -> Result<(), String> {
    let secret = provider()
        .key_provider
        .load_private_key(secret.clone_key())
        .map_err(|error| format!("--tls-key: the key in {} cannot be used: {error}", key.display()))?;
    let Some(public) = secret.public_key() else { return Ok(()) };
    match chain.iter().position(|certificate| inspection::public_key(certificate).as_deref() == Some(&*public)) {
        Some(0) => Ok(()),
        Some(_) => Err(format!(
            "--tls-cert: the certificates in {} are in the wrong order: the server's, to which the key belongs, must be the first, then its issuers",
            certificate.display()
        )),
        None => Err(format!("--tls-key: {} is not the key of the certificate in {}", key.display(), certificate.display())),
    }
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
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use rcgen::{CertifiedKey, generate_simple_self_signed};

    use super::*;

    fn set_mode(file: &Path, mode: u32) {
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).expect("set");
    }

    fn made_for(host: &str) -> (tempfile::TempDir, PathBuf, PathBuf) {
        let dir = tempfile::tempdir().expect("a folder");
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed([host.to_owned()]).expect("a certificate");
        let (certificate, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
        std::fs::write(&certificate, cert.pem()).expect("written");
        std::fs::write(&key, signing_key.serialize_pem()).expect("written");
        set_mode(&key, 0o600);
        (dir, certificate, key)
    }

    #[test]
    fn the_certificate_must_match_its_key_and_the_host() {
        let (_dir, certificate, key) = made_for("*.example.org");
        let config = from_files(&certificate, &key, Some("tms.example.org")).expect("they fit");
        assert_eq!(config.config.alpn_protocols, [b"http/1.1"]);
        // The test's certificates are valid until 4096 (rcgen's default).
        assert_eq!(config.expires_at().map(Timestamp::to_rfc3339), Some("4096-01-01T00:00:00+00:00".into()));
        assert_eq!(
            config.findings(Timestamp::from_millis(0)),
            [CertificateFinding::Refused(
                "the certificate is not valid before 1 January 1975, 00:00 UTC: its time, or that of this machine, is wrong".into()
            )]
        );
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
    fn key_that_all_users_can_access_is_refused() {
        let (_dir, certificate, key) = made_for("tms.example.org");
        for (mode, is_accepted) in [(0o600, true), (0o400, true), (0o640, true), (0o660, true), (0o644, false), (0o604, false), (0o602, false)] {
            set_mode(&key, mode);
            let read = from_files(&certificate, &key, None);
            assert_eq!(read.is_ok(), is_accepted, "{mode:o}");
            assert!(read.err().is_none_or(|why| why.starts_with("--tls-key: ") && why.contains(&format!("(mode {mode:04o})"))));
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
