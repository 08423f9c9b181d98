//! What `check` and `serve` say about the operator's certificate.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use time::OffsetDateTime;
use tms_portal::server::service::{Clock, SystemClock};

use super::reload::Logged;
use super::{CommandOutput, Deployment};

/// The options of a portal with the certificate in `cert.pem` and `key.pem`.
pub const OPTIONS: [&str; 6] = ["--tls-cert", "cert.pem", "--tls-key", "key.pem", "--public-url", "https://localhost"];

/// A certificate for this machine.
pub fn params() -> CertificateParams {
    let mut params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("names");
    params.distinguished_name.push(DnType::CommonName, "localhost");
    params
}

/// Writes a self-signed certificate and its key; returns the certificate.
pub fn write_certificate(deployment: &Deployment, params: &CertificateParams) -> String {
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate").pem();
    write(deployment, &certificate, &key.serialize_pem());
    certificate
}

fn write(deployment: &Deployment, certificate: &str, key: &str) {
    fs::write(deployment.path().join("cert.pem"), certificate).expect("written");
    let file = deployment.path().join("key.pem");
    fs::write(&file, key).expect("written");
    fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("set");
}

fn check(deployment: &Deployment) -> CommandOutput {
    deployment.run(&[&["check"], &OPTIONS[..]].concat())
}

fn in_days(days: u64) -> OffsetDateTime {
    let then = SystemClock.now() + Duration::from_secs(days * 24 * 60 * 60);
    OffsetDateTime::from_unix_timestamp(then.as_seconds()).expect("a time")
}

#[test]
fn check_judges_the_validity_of_the_certificate() {
    let deployment = Deployment::empty();
    write_certificate(&deployment, &params());
    let said = check(&deployment);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    for (from, until, code, words) in [
        (date_time_ymd(2019, 1, 1), date_time_ymd(2020, 1, 1), 2, "--tls-cert: the certificate expired on 1 January 2020, 00:00 UTC"),
        (date_time_ymd(4000, 1, 1), date_time_ymd(4001, 1, 1), 2, "--tls-cert: the certificate is not valid before 1 January 4000, 00:00 UTC"),
        (date_time_ymd(2019, 1, 1), in_days(13), 0, "tms-portal: warning: --tls-cert: the certificate expires on "),
        (date_time_ymd(2019, 1, 1), in_days(15), 0, ""),
    ] {
        let mut params = params();
        (params.not_before, params.not_after) = (from, until);
        write_certificate(&deployment, &params);
        let said = check(&deployment);
        assert!(said.code == Some(code) && said.err.contains(words), "{words}: {:?} {}", said.code, said.err);
        assert_eq!(said.err.is_empty(), words.is_empty(), "{}", said.err);
        assert_eq!(said.out.starts_with("The settings are valid."), code == 0);
    }
}

#[test]
fn check_explains_why_a_certificate_cannot_be_used() {
    let deployment = Deployment::empty();
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "Our CA");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key")).expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let server = params().signed_by(&key, &authority).expect("a certificate").pem();
    let (authority, key) = (authority.pem(), key.serialize_pem());
    let mut ca = params();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate().expect("a key");
    let (ca, ca_key) = (ca.self_signed(&ca_key).expect("a certificate").pem(), ca_key.serialize_pem());
    let other_key = KeyPair::generate().expect("a key").serialize_pem();
    let pkcs8 = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAc\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let traditional = "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF\n\nAAAA\n\
                       -----END EC PRIVATE KEY-----\n";
    for (certificate, key, code, words) in [
        (format!("{server}{authority}"), key.as_str(), 0, ""),
        (server.clone(), &key, 0, "warning: --tls-cert: the file has the server's certificate only: clients that do not know its issuer (CN=Our CA)"),
        (
            format!("{server}{server}{authority}"),
            &key,
            0,
            "warning: --tls-cert: the certificates in the file are in the wrong order, or one is missing",
        ),
        (format!("{authority}{server}"), &key, 2, "--tls-cert: the certificates in cert.pem are in the wrong order: the server's"),
        (server.clone(), &other_key, 2, "--tls-key: key.pem is not the key of the certificate in cert.pem"),
        (ca, &ca_key, 2, "--tls-cert: the certificate is that of a certificate authority (CA:TRUE)"),
        (server.clone(), pkcs8, 2, "--tls-key: cannot read key.pem: the key is encrypted with a passphrase"),
        (server.clone(), traditional, 2, "--tls-key: cannot read key.pem: the key is encrypted with a passphrase"),
        (server.clone(), &server, 2, "--tls-key: cannot read key.pem: there is no private key in it"),
        (key.clone(), &key, 2, "--tls-cert: there is no certificate in cert.pem"),
    ] {
        write(&deployment, &certificate, key);
        let said = check(&deployment);
        assert!(said.code == Some(code) && said.err.contains(words), "{words}: {:?} {}", said.code, said.err);
        assert_eq!(said.err.is_empty(), words.is_empty(), "{}", said.err);
    }
}

/// A restart while the certificate is expired must not make things worse: the portal starts, so that a renewal can be reloaded.
#[tokio::test]
async fn expired_certificate_is_served_and_reported() {
    let deployment = Deployment::set_up().await;
    let mut expired = params();
    (expired.not_before, expired.not_after) = (date_time_ymd(2019, 1, 1), date_time_ymd(2020, 1, 1));
    write_certificate(&deployment, &expired);
    let portal = Logged::start(&deployment, &OPTIONS);
    let line = portal.wait_for("Clients refuse the TLS certificate");
    assert!(line.contains("ERROR") && line.contains("expired on 1 January 2020, 00:00 UTC"), "{line}");
    let renewed = write_certificate(&deployment, &params());
    portal.server.signal("-HUP");
    portal.wait_for("Reloaded the settings");
    let response = super::tls::trusting(renewed.as_bytes()).get(format!("https://{}/healthz", portal.server.address)).send().await;
    assert_eq!(response.expect("a response").status(), 200);
}
