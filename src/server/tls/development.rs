//! A certificate authority for development, in `data_dir/tls`: generated once, so that clients need to trust it only once.
//!
//! Authority and server have separate certificates: clients refuse an authority's certificate for a server.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{RootCertStore, ServerConfig};
use thiserror::Error;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::{provider, server_config};
use crate::domain::time::Timestamp;
use crate::server::service::platform::keystore::{KeystoreError, private_dir, read_or_create};

const DAY: Duration = Duration::from_secs(86_400);
const AUTHORITY_LIFETIME: Duration = DAY.saturating_mul(3_650);
const SERVER_LIFETIME: Duration = DAY.saturating_mul(30);
/// A certificate with less time left at a start is replaced.
const RENEWED_BEFORE: Duration = DAY.saturating_mul(7);
/// Clocks of other machines may be behind.
const BACKDATED: Duration = DAY;

/// Why the development certificate could not be provided.
#[derive(Debug, Error)]
pub enum DevelopmentTlsError {
    #[error(transparent)]
    File(#[from] KeystoreError),
    #[error("{0} is damaged: {1}; remove it, and the next start makes a new one")]
    Damaged(PathBuf, String),
    #[error("{0} is no name for a server")]
    InvalidServerName(String),
    #[error("cannot make a certificate: {0}")]
    Generation(#[from] rcgen::Error),
    #[error("clients would refuse the certificate: {0}")]
    Untrusted(#[from] rustls::Error),
}

impl DevelopmentTlsError {
    /// Whether only an operator can correct it.
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::File(error) => error.is_lasting(),
            Self::Damaged(..) | Self::InvalidServerName(_) => true,
            Self::Generation(_) | Self::Untrusted(_) => false,
        }
    }
}

/// The authority's certificate, which clients are to trust.
pub fn ca_file(data_dir: &Path) -> PathBuf {
    data_dir.join("tls/ca.pem")
}

/// The TLS configuration for `hosts` and this machine. Generates missing certificates and replaces expiring ones.
pub fn prepare(data_dir: &Path, hosts: &[String], now: Timestamp) -> Result<Arc<ServerConfig>, DevelopmentTlsError> {
    let names: BTreeSet<&str> = ["localhost", "127.0.0.1", "::1"].into_iter().chain(hosts.iter().map(String::as_str)).collect();
    let name = |name: &str| ServerName::try_from(name.to_owned()).map_err(|_| DevelopmentTlsError::InvalidServerName(name.to_owned()));
    let names: Vec<ServerName> = names.into_iter().map(name).collect::<Result<_, _>>()?;
    let dir = data_dir.join("tls");
    private_dir(&dir).map_err(file_error(&dir))?;
    let authority = CertificateAuthority::load_or_create(&dir.join("ca-key.pem"), now)?;
    authority.publish(&ca_file(data_dir))?;

    let file = dir.join("server.pem");
    let issue = || authority.issue(&names, now);
    let mut server = CertificateAndKey::load_or_create(&file, issue)?;
    let will_do = |time| authority.verify(&server.certificate, &names, time).is_ok();
    if !will_do(now) || !will_do(now + RENEWED_BEFORE) {
        fs::remove_file(&file).map_err(file_error(&file))?;
        server = CertificateAndKey::load_or_create(&file, issue)?;
        authority.verify(&server.certificate, &names, now)?;
    }
    server_config(vec![server.certificate], server.key).map_err(|error| DevelopmentTlsError::Damaged(file, error.to_string()))
}

/// A certificate and its key, in one file so that they cannot be separated.
struct CertificateAndKey {
    certificate: CertificateDer<'static>,
    certificate_pem: String,
    key: PrivateKeyDer<'static>,
}

impl CertificateAndKey {
    fn load_or_create(file: &Path, make: impl FnOnce() -> Result<(Certificate, KeyPair), rcgen::Error>) -> Result<Self, DevelopmentTlsError> {
        let pem = read_or_create(file, || {
            let (certificate, key) = make().map_err(io::Error::other)?;
            let key = Zeroizing::new(key.serialize_pem());
            Ok(Zeroizing::new([key.as_bytes(), certificate.pem().as_bytes()].concat()))
        })?;
        let damaged = |error: pem::Error| DevelopmentTlsError::Damaged(file.to_owned(), error.to_string());
        let certificate = CertificateDer::from_pem_slice(&pem).map_err(damaged)?;
        let text = String::from_utf8_lossy(&pem);
        let certificate_pem = text.find("-----BEGIN CERTIFICATE").and_then(|start| text.get(start..)).unwrap_or_default().to_owned();
        Ok(Self { certificate, certificate_pem, key: PrivateKeyDer::from_pem_slice(&pem).map_err(damaged)? })
    }
}

struct CertificateAuthority {
    certificate: CertificateDer<'static>,
    certificate_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl CertificateAuthority {
    fn load_or_create(file: &Path, now: Timestamp) -> Result<Self, DevelopmentTlsError> {
        let pair = CertificateAndKey::load_or_create(file, || {
            let key = KeyPair::generate()?;
            Ok((Self::params(&key, now)?.self_signed(&key)?, key))
        })?;
        let key = KeyPair::try_from(&pair.key)?;
        let issuer = Issuer::new(Self::params(&key, now)?, key);
        Ok(Self { certificate: pair.certificate, certificate_pem: pair.certificate_pem, issuer })
    }

    fn params(key: &KeyPair, now: Timestamp) -> Result<CertificateParams, rcgen::Error> {
        let mut params = with_validity(CertificateParams::default(), now, AUTHORITY_LIFETIME)?;
        // Named after its key: two authorities with one name confuse trust stores.
        let id: String = hex::encode(params.key_identifier(key)).chars().take(8).collect();
        params.distinguished_name.push(DnType::CommonName, format!("tms-portal development CA {id}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(params)
    }

    /// Writes the certificate without the key, for clients to trust.
    fn publish(&self, file: &Path) -> Result<(), DevelopmentTlsError> {
        if !fs::read(file).is_ok_and(|there| there == self.certificate_pem.as_bytes()) {
            fs::write(file, &self.certificate_pem).map_err(file_error(file))?;
        }
        Ok(())
    }

    fn issue(&self, names: &[ServerName], now: Timestamp) -> Result<(Certificate, KeyPair), rcgen::Error> {
        let names: Vec<String> = names.iter().map(|name| name.to_str().into_owned()).collect();
        let mut params = with_validity(CertificateParams::new(names)?, now, SERVER_LIFETIME)?;
        params.distinguished_name.push(DnType::CommonName, "tms-portal, for development");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        Ok((params.signed_by(&key, &self.issuer)?, key))
    }

    /// Verifies it as a client that trusts only this authority would.
    fn verify(&self, certificate: &CertificateDer<'_>, names: &[ServerName<'_>], now: Timestamp) -> Result<(), rustls::Error> {
        let mut trusted = RootCertStore::empty();
        trusted.add(self.certificate.clone())?;
        let client = WebPkiServerVerifier::builder_with_provider(Arc::new(trusted), provider())
            .build()
            .map_err(|error| rustls::Error::General(error.to_string()))?;
        let now = UnixTime::since_unix_epoch(now.since(Timestamp::from_millis(0)));
        names.iter().try_for_each(|name| client.verify_server_cert(certificate, &[], name, &[], now).map(drop))
    }
}

fn with_validity(mut params: CertificateParams, now: Timestamp, lifetime: Duration) -> Result<CertificateParams, rcgen::Error> {
    let time = |time: Timestamp| OffsetDateTime::from_unix_timestamp(time.as_seconds()).map_err(|_| rcgen::Error::Time);
    params.not_before = time(now - BACKDATED)?;
    params.not_after = time(now + lifetime)?;
    Ok(params)
}

fn file_error(file: &Path) -> impl Fn(io::Error) -> KeystoreError {
    let file = file.to_owned();
    move |error| KeystoreError::File(file.clone(), error)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_176_000_000);

    fn prepared(data_dir: &Path, hosts: &[&str], now: Timestamp) -> Vec<String> {
        let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
        prepare(data_dir, &hosts, now).expect("a certificate");
        ["ca.pem", "ca-key.pem", "server.pem"].map(|name| fs::read_to_string(data_dir.join("tls").join(name)).expect(name)).into()
    }

    #[test]
    fn authority_and_valid_certificates_are_kept() {
        let dir = tempfile::tempdir().expect("a folder");
        let first = prepared(dir.path(), &[], NOW);
        let mut server = first[2].clone();
        let day = |days: u32| NOW + DAY * days;
        for (hosts, now, renewed) in [
            (&[][..], day(22), false),
            (&[], day(24), true),
            (&["tms.example.org", "192.0.2.1"], day(25), true),
            (&["192.0.2.1"], day(26), false),
            (&[], day(400), true),
            (&[], NOW, true),
        ] {
            let next = prepared(dir.path(), hosts, now);
            assert_eq!(next[..2], first[..2], "the same authority");
            assert_eq!(next[2] != server, renewed, "{hosts:?} {}", now.to_rfc3339());
            server.clone_from(&next[2]);
        }
    }

    #[test]
    fn keys_are_private_and_not_in_the_published_certificate() {
        let dir = tempfile::tempdir().expect("a folder");
        let [ca, ca_key, server] = prepared(dir.path(), &[], NOW).try_into().expect("three files");
        assert!(ca.starts_with("-----BEGIN CERTIFICATE") && !ca.contains("KEY") && ca_key.ends_with(&ca) && server.contains("KEY"));
        for file in ["ca-key.pem", "server.pem"] {
            let mode = fs::metadata(dir.path().join("tls").join(file)).expect(file).permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
        fs::remove_file(ca_file(dir.path())).expect("removed");
        assert_eq!(prepared(dir.path(), &[], NOW), [ca, ca_key, server], "put there again");
    }

    #[test]
    fn a_certificate_that_clients_refuse_is_an_error() {
        let dir = tempfile::tempdir().expect("a folder");
        let failed = |hosts: &[String]| prepare(dir.path(), hosts, NOW).expect_err("unusable").to_string();
        assert_eq!(failed(&["a b".into()]), "a b is no name for a server");
        prepared(dir.path(), &[], NOW);
        let other = tempfile::tempdir().expect("a folder");
        prepared(other.path(), &[], NOW);
        let server = dir.path().join("tls/server.pem");
        fs::copy(other.path().join("tls/server.pem"), &server).expect("copied");
        let mended = prepared(dir.path(), &[], NOW);
        assert_ne!(mended[2], fs::read_to_string(other.path().join("tls/server.pem")).expect("read"), "of another authority");
        fs::write(&server, "nonsense").expect("written");
        assert!(failed(&[]).contains("server.pem is damaged"));
    }
}
