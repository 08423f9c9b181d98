//! Which addresses the portal connects to for a provider. An administrator who adds one chooses URLs that the portal requests, and must not
//! be able to probe the portal's own network with it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::FutureExt;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use thiserror::Error;

use crate::domain::loopback::{LOOPBACK_ADDRESSES, is_loopback};
use crate::domain::text_file::pem_blocks;

/// What the operator allows.
#[derive(Clone, Debug, Default)]
pub struct EgressPolicy {
    /// Networks outside the internet in which administrators may add providers.
    pub allowed_networks: Vec<IpNet>,
    /// Root certificates for providers, in addition to the public ones.
    pub root_certs: Vec<CertificateDer<'static>>,
}

/// Why root certificates cannot be read. The messages are for the operator.
#[derive(Debug, Error)]
pub enum RootCertsError {
    #[error("cannot read {0}: {1}")]
    Unreadable(PathBuf, std::io::Error),
    #[error("{0} has no certificate to trust (PEM, `-----BEGIN CERTIFICATE-----`)")]
    NoCertificate(PathBuf),
}

/// The certificates of a file, or of each `.pem` and `.crt` in a folder; a file without any is an error.
pub fn read_root_certs(place: &Path) -> Result<Vec<CertificateDer<'static>>, RootCertsError> {
    let unreadable = |error| RootCertsError::Unreadable(place.to_owned(), error);
    if !place.is_dir() {
        return certificates(place);
    }
    let entries = std::fs::read_dir(place).map_err(unreadable)?.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    let mut files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "pem" || extension == "crt"));
    files.sort();
    if files.is_empty() {
        return Err(RootCertsError::NoCertificate(place.to_owned()));
    }
    Ok(files.iter().map(|file| certificates(file)).collect::<Result<Vec<_>, _>>()?.concat())
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, RootCertsError> {
    let pem = std::fs::read(file).map_err(|error| RootCertsError::Unreadable(file.to_owned(), error))?;
    let found: Vec<_> = pem_blocks(&pem).iter().filter_map(|block| certificate(block)).collect();
    if found.is_empty() { Err(RootCertsError::NoCertificate(file.to_owned())) } else { Ok(found) }
}

/// `None` for a block that is damaged or no certificate: the file's other certificates are still used.
fn certificate(block: &str) -> Option<CertificateDer<'static>> {
    let certificate = CertificateDer::from_pem_slice(block.as_bytes()).ok()?;
    RootCertStore::empty().add(certificate.clone()).ok()?;
    Some(certificate)
}

/// Which addresses may be connected to. It is also the resolver, and leaves out the others: what it returns is what the connection uses,
/// even if the name resolved to another one before.
#[derive(Clone)]
pub enum AllowedNetworks {
    Any,
    /// Addresses of the internet, and these networks.
    Public(Arc<[IpNet]>),
}

/// A name has no address.
#[derive(Debug, Error)]
#[error("DNS: no address")]
pub struct HostNotFoundError;

/// All addresses of a name are blocked.
#[derive(Debug, Error)]
#[error("the address is on a network that is not allowed")]
pub struct AddressBlockedError;

impl AllowedNetworks {
    pub fn allow(&self, address: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::Public(networks) => is_global(address) || networks.iter().any(|network| network.contains(&address.to_canonical())),
        }
    }
}

impl Resolve for AllowedNetworks {
    fn resolve(&self, name: Name) -> Resolving {
        let bounds = self.clone();
        async move {
            let found: Vec<SocketAddr> = if is_loopback(name.as_str()) {
                LOOPBACK_ADDRESSES.to_vec()
            } else {
                tokio::net::lookup_host((name.as_str(), 0)).await.map_err(|_| HostNotFoundError)?.collect()
            };
            if found.is_empty() {
                return Err(HostNotFoundError.into());
            }
            let allowed: Vec<SocketAddr> = found.into_iter().filter(|address| bounds.allow(address.ip())).collect();
            if allowed.is_empty() { Err(AddressBlockedError.into()) } else { Ok(Box::new(allowed.into_iter()) as Addrs) }
        }
        .boxed()
    }
}

/// IPv4 blocks that are not part of the internet (IANA's registry of special-purpose addresses).
const SPECIAL_V4: [Ipv4Net; 15] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 88, 99, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([224, 0, 0, 0], 4),
    v4([240, 0, 0, 0], 4),
];

/// The allocated unicast block of IPv6, and the blocks in it that are not part of the internet or lead into IPv4.
const UNICAST_V6: Ipv6Net = v6([0x2000, 0], 3);
const SPECIAL_V6: [Ipv6Net; 4] = [v6([0x2001, 0], 23), v6([0x2001, 0xdb8], 32), v6([0x2002, 0], 16), v6([0x3fff, 0], 20)];

fn is_global(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|block| block.contains(&address)),
        IpAddr::V6(address) => UNICAST_V6.contains(&address) && !SPECIAL_V6.iter().any(|block| block.contains(&address)),
    }
}

const fn v4([a, b, c, d]: [u8; 4], length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6([a, b]: [u16; 2], length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(bounds: &AllowedNetworks, address: &str) -> bool {
        bounds.allow(address.parse().expect("an address"))
    }

    #[test]
    fn text_around_certificates_may_have_any_encoding() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let certificate = rcgen::generate_simple_self_signed(Vec::new()).expect("a certificate").cert.pem();
        for around in [&b"\xef\xbb\xbf"[..], b"# certificaci\xf3n\r\n"] {
            std::fs::write(file.path(), [around, certificate.as_bytes()].concat()).expect("written");
            assert_eq!(read_root_certs(file.path()).expect("read").len(), 1, "{around:?}");
        }
    }

    #[test]
    fn addresses_outside_the_internet_are_blocked() {
        let outside = AllowedNetworks::Public(Arc::from([]));
        for far in ["8.8.8.8", "129.114.1.1", "172.32.0.1", "192.0.1.1", "2606:4700::1111", "2a00:1450::1", "2001:4860:4860::8888", "::ffff:8.8.8.8"]
        {
            assert!(allowed(&outside, far), "{far}");
        }
        for near in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::a00:1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!allowed(&outside, near), "{near}");
            assert!(allowed(&AllowedNetworks::Any, near), "{near}");
        }
        let campus = AllowedNetworks::Public(Arc::from(["10.20.0.0/16".parse().expect("a network"), "fd12::/16".parse().expect("a network")]));
        assert!(allowed(&campus, "10.20.1.1") && allowed(&campus, "::ffff:10.20.1.1") && allowed(&campus, "fd12::1"));
        assert!(!allowed(&campus, "10.21.0.1") && !allowed(&campus, "127.0.0.1"));
    }

    #[test]
    fn a_damaged_certificate_does_not_affect_the_others() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let certificate = rcgen::generate_simple_self_signed(Vec::new()).expect("a certificate").cert.pem();
        for inside in ["!", "AAAA", "aGVsbG8="] {
            let damaged = format!("-----BEGIN CERTIFICATE-----\n{inside}\n-----END CERTIFICATE-----\n");
            std::fs::write(file.path(), [&damaged, &certificate, &damaged, &certificate].map(String::as_str).concat()).expect("written");
            assert_eq!(read_root_certs(file.path()).expect("read").len(), 2, "{inside}");
            std::fs::write(file.path(), damaged.repeat(2)).expect("written");
            assert!(matches!(read_root_certs(file.path()), Err(RootCertsError::NoCertificate(_))), "{inside}");
        }
    }

    #[tokio::test]
    async fn names_are_checked_by_their_addresses() {
        let resolved = async |bounds: AllowedNetworks, name: &str| {
            let found = bounds.resolve(name.parse().expect("a name")).await;
            found.map(|found| found.map(|address| address.ip()).collect::<Vec<_>>()).map_err(|error| error.to_string())
        };
        for name in ["localhost", "localhost.", "idp.localhost"] {
            assert_eq!(resolved(AllowedNetworks::Any, name).await, Ok(LOOPBACK_ADDRESSES.map(|address| address.ip()).to_vec()), "{name}");
            assert_eq!(resolved(AllowedNetworks::Public(Arc::from([])), name).await, Err(AddressBlockedError.to_string()), "{name}");
        }
        let unresolved = AllowedNetworks::Any.resolve("no-such-name.invalid".parse().expect("a name")).await;
        assert!(unresolved.err().is_some_and(|error| error.is::<HostNotFoundError>()));
    }

    #[test]
    fn root_certs_are_read_from_files_and_folders_or_reported() {
        let dir = tempfile::tempdir().expect("a folder");
        let certificate = rcgen::generate_simple_self_signed(["ca.example".to_owned()]).expect("a certificate").cert.pem();
        std::fs::write(dir.path().join("one.pem"), format!("{certificate}{certificate}")).expect("written");
        std::fs::write(dir.path().join("two.crt"), &certificate).expect("written");
        std::fs::write(dir.path().join("README"), "not one of them").expect("written");
        assert_eq!(read_root_certs(&dir.path().join("one.pem")).expect("two").len(), 2);
        assert_eq!(read_root_certs(dir.path()).expect("three").len(), 3);
        for bad in ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\n!\n"] {
            std::fs::write(dir.path().join("three.pem"), bad).expect("written");
            let refused = read_root_certs(dir.path()).expect_err(bad).to_string();
            assert!(refused.contains("three.pem"), "{refused}");
        }
        assert!(read_root_certs(&dir.path().join("none")).is_err());
        assert!(read_root_certs(tempfile::tempdir().expect("a folder").path()).is_err(), "an empty folder");
    }
}
