//! A portal behind a private certificate authority.

use std::io::Write;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::host::{Host, LINE};
use crate::portal::{self, FakePortal, key, not_found};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate"))
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// A portal whose certificate names `name`.
    fn portal(&self, name: &str, answer: String) -> FakePortal {
        let own = KeyPair::generate().expect("a key");
        let certificate = CertificateParams::new(vec![name.to_owned()]).expect("names").signed_by(&own, &self.0).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("a pair");
        let config = Arc::new(config);
        FakePortal::serving(move |stream, requests| {
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).expect("a connection"), stream);
            let Some(request) = portal::read(&mut stream) else { return };
            let _ = requests.send(request);
            let _ = stream.write_all(answer.as_bytes());
            stream.conn.send_close_notify();
            let _ = stream.flush();
        })
    }
}

fn host(portal: &FakePortal, ca: &str) -> Host {
    let host = Host::with(&portal.url().replace("http://127.0.0.1", "https://localhost"), "ca_file = \"FOLDER/ca.pem\"");
    host.write("ca.pem", 0o644, ca);
    host
}

#[test]
fn configured_authority_is_trusted() {
    let authority = Authority::new();
    let portal = authority.portal("localhost", key(LINE, None));
    host(&portal, &authority.pem()).look_up().assert_output(LINE);
    assert!(portal.try_next().is_some());

    let portal = authority.portal("localhost", not_found());
    let out = host(&portal, &authority.pem()).check().out;
    assert!(out.lines().any(|line| line.starts_with("ok") && line.contains("portal")), "{out}");
}

#[test]
fn other_authorities_are_not_trusted() {
    let (authority, other) = (Authority::new(), Authority::new());
    let portal = authority.portal("localhost", key(LINE, None));
    host(&portal, &other.pem()).look_up().assert_failed("is unreachable");
    // The system's root certificates, if any, do not include it.
    Host::at(&portal.url().replace("http://127.0.0.1", "https://localhost")).look_up().assert_failed("");
    // The certificate must have the requested name.
    let misnamed = authority.portal("tms.example.org", key(LINE, None));
    host(&misnamed, &authority.pem()).look_up().assert_failed("is unreachable");
    assert!(portal.try_next().is_none() && misnamed.try_next().is_none(), "no question was sent");
}

#[test]
fn authority_writable_by_others_is_not_used() {
    let authority = Authority::new();
    let portal = authority.portal("localhost", key(LINE, None));
    let host = host(&portal, &authority.pem());
    host.write("ca.pem", 0o666, &authority.pem());
    host.look_up().assert_failed("writable by users other than its owner");
    host.write("ca.pem", 0o644, "no certificate");
    host.look_up().assert_failed("PEM");
}

#[test]
fn bytes_around_the_certificate_are_skipped() {
    let authority = Authority::new();
    let portal = authority.portal("localhost", key(LINE, None));
    let host = host(&portal, "");
    for around in [&b"\xef\xbb\xbf"[..], b"# Autoridad de certificaci\xf3n\r\n", b"\xff\xfe\n"] {
        host.write_bytes("ca.pem", 0o644, &[around, authority.pem().as_bytes(), around].concat());
        host.look_up().assert_output(LINE);
    }
    host.write_bytes("settings.toml", 0o600, &[b"\xef\xbb\xbf", &std::fs::read(host.path("settings.toml")).expect("read")[..]].concat());
    host.look_up().assert_output(LINE);
}
