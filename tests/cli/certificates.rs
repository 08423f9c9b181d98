//! Portals whose certificate is from a private authority: `--ca-file`.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, CertifiedKey, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::machine::Machine;
use crate::portal::Portal;

/// A private authority's certificate, and a portal whose certificate for `name` it signed.
fn portal_with_own_authority(name: &str) -> (String, Portal) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    (authority.pem(), portal(certificate.der(), &key))
}

fn portal(certificate: &CertificateDer<'static>, key: &KeyPair) -> Portal {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let tls = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate.clone()], key).unwrap();
    Portal::start_with(tls)
}

#[test]
fn ca_file_is_trusted() {
    let (authority, portal) = portal_with_own_authority("127.0.0.1");
    let machine = Machine::signed_in_to(&portal);
    machine.write("ca.pem", &authority, 0o644);
    let file = machine.path("ca.pem").display().to_string();

    let run = machine.tms(&["hosts"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("cannot be verified") && run.err.contains("--ca-file FILE"), "{run:?}");
    assert_eq!(machine.tms(&["hosts", "--json"]).json()["error"], "untrusted");
    assert!(portal.requests().is_empty(), "the token stayed here");

    assert_eq!(machine.tms(&["hosts", "--ca-file", &file]).code, Some(0));
    assert_eq!(machine.command(&["hosts"]).env("TMS_CA_FILE", &file).status().unwrap().code(), Some(0));
    assert_eq!(machine.command(&["hosts"]).env("TMS_CA_FILE", "").status().unwrap().code(), Some(1), "empty is not given");
}

#[test]
fn damaged_certificate_does_not_affect_others() {
    let (authority, portal) = portal_with_own_authority("127.0.0.1");
    let machine = Machine::signed_in_to(&portal);
    for inside in ["!", "AAAA", "aGVsbG8="] {
        let damaged = format!("-----BEGIN CERTIFICATE-----\n{inside}\n-----END CERTIFICATE-----\n");
        machine.write("ca.pem", &format!("{damaged}{authority}{damaged}"), 0o644);
        let run = machine.tms(&["hosts", "--ca-file", &machine.path("ca.pem").display().to_string()]);
        assert_eq!(run.code, Some(0), "{inside}: {run:?}");
    }
}

#[test]
fn self_signed_certificate_in_ca_file_is_trusted() {
    let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let portal = portal(cert.der(), &signing_key);
    let machine = Machine::signed_in_to(&portal);
    machine.write("portal.pem", &cert.pem(), 0o644);
    assert!(machine.tms(&["hosts"]).err.contains("--ca-file FILE"));
    let run = machine.tms(&["hosts", "--ca-file", &machine.path("portal.pem").display().to_string()]);
    assert_eq!(run.code, Some(0), "{run:?}");
}

#[test]
fn certificate_for_another_name_is_rejected() {
    let (authority, portal) = portal_with_own_authority("portal.example.org");
    let machine = Machine::signed_in_to(&portal);
    machine.write("ca.pem", &authority, 0o644);
    let run = machine.tms(&["hosts", "--ca-file", &machine.path("ca.pem").display().to_string()]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("its certificate is for a different host name"), "{run:?}");
}

#[test]
fn other_authority_is_not_trusted() {
    let (_, portal) = portal_with_own_authority("127.0.0.1");
    let (other, _) = portal_with_own_authority("127.0.0.1");
    let machine = Machine::signed_in_to(&portal);
    machine.write("ca.pem", &other, 0o644);
    let run = machine.tms(&["hosts", "--ca-file", &machine.path("ca.pem").display().to_string()]);
    assert!(run.err.contains("unknown authority"), "{run:?}");
}

#[test]
fn ca_file_without_certificates_is_a_usage_error() {
    let portal = Portal::start();
    let machine = Machine::signed_in_to(&portal);
    machine.write("empty.pem", "", 0o644);
    machine.write("damaged.pem", "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n", 0o644);
    for (file, said) in [("empty.pem", "no certificate"), ("damaged.pem", "no certificate"), ("missing.pem", "cannot read")] {
        let run = machine.tms(&["hosts", "--ca-file", &machine.path(file).display().to_string()]);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.err.contains(said) && run.err.contains("TMS_CA_FILE"), "{run:?}");
    }
}
